// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The device's block size becomes the filesystem's: the device's own page cache, where our metadata is, would
 * otherwise hold what the kernel writes past it beside what we write.
 */
#include "config.h"

#include "fuse/iomap_device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <linux/stat.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fuse/abi.h"
#include "fuse/iomap_abi.h"

/* Between LOOP_CTL_GET_FREE and LOOP_CONFIGURE somebody else may take the device. */
#define LOOP_TRIES 16

static int reopen(int fd, bool writable)
{
	char path[64];
	int ret;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ret = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	return ret < 0 ? -errno : ret;
}

/* Attaches the file at fd to the free loop device nr, which is opened. */
static int attach(int nr, int fd, bool writable, uint32_t block_size)
{
	struct loop_config config = { .fd = (uint32_t)fd };
	char path[64];
	int loop, err;

	/* direct: our own file cache and the device then agree about what is written, see attach_file() */
	config.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO;
	if (!writable)
		config.info.lo_flags |= LO_FLAGS_READ_ONLY;
	snprintf(path, sizeof(path), "/dev/loop%d", nr);
	loop = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (loop < 0)
		return -errno;
	if (ioctl(loop, LOOP_CONFIGURE, &config) == 0)
		return loop;
	err = -errno;
	/* the file's storage may want larger sectors than 512 bytes for that */
	if (err == -EINVAL) {
		config.block_size = block_size;
		err = ioctl(loop, LOOP_CONFIGURE, &config) == 0 ? 0 : -errno;
	}
	if (!err)
		return loop;
	close(loop);
	return err;
}

int iomap_device_attach(int fd, bool writable, uint32_t block_size)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), ret;

	if (control < 0)
		return -errno;
	ret = -EBUSY;
	for (unsigned i = 0; i < LOOP_TRIES && ret == -EBUSY; i++) {
		int nr = ioctl(control, LOOP_CTL_GET_FREE);

		ret = nr < 0 ? -errno : attach(nr, fd, writable, block_size);
	}
	close(control);
	return ret;
}

/* Gives the file at fd, which is closed, a loop device: returns its descriptor. */
static int attach_file(int fd, bool writable, uint32_t block_size, const char **ret_why)
{
	int ret = -EINVAL;

	/*
	 * we write metadata by the file's page cache and the kernel data past it: a page with both, written back
	 * while the other write is under way, would bring back what was there before
	 */
	*ret_why = "the filesystem's blocks are smaller than a page of the image file";
	if (!writable || block_size >= (uint32_t)sysconf(_SC_PAGESIZE)) {
		ret = iomap_device_attach(fd, writable, block_size);
		*ret_why = "the image cannot be made a loop device";
	}
	/* the device has its own; ours would be one more that keeps the image from being unlocked */
	close(fd);
	return ret;
}

/* 0 if the device's block size is the filesystem's or, where it cannot be set, smaller. */
static int set_block_size(int fd, uint32_t block_size)
{
	int size = (int)block_size, have = 0;

	if (ioctl(fd, BLKBSZSET, &size) == 0)
		return 0;
	if (ioctl(fd, BLKBSZGET, &have) < 0)
		return -errno;
	return have > 0 && (uint32_t)have <= block_size ? 0 : -EINVAL;
}

int iomap_device_open(int fd, bool writable, uint32_t block_size, int *ret_fd, const char **ret_why)
{
	int sector = 0, device, err = 0;
	struct stat st;

	*ret_why = "the image cannot be opened again";
	if (fstat(fd, &st))
		return -errno;
	device = reopen(fd, writable);
	/*
	 * A server without rights has the device for itself alone (O_EXCL), from somebody who may open it. The kernel
	 * sets its block size when it has been handed over.
	 */
	if (device < 0 && S_ISBLK(st.st_mode)) {
		*ret_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		return *ret_fd < 0 ? -errno : 0;
	}
	if (device < 0)
		return device;
	if (!S_ISBLK(st.st_mode))
		device = attach_file(device, writable, block_size, ret_why);
	if (device < 0)
		return device;
	if (ioctl(device, BLKSSZGET, &sector) == 0 && sector > 0 && (uint32_t)sector > block_size)
		err = -EINVAL;
	if (!err)
		err = set_block_size(device, block_size);
	if (err) {
		*ret_why = "the device's blocks are larger than the filesystem's";
		close(device);
		return err;
	}
	*ret_fd = device;
	return 0;
}

uint32_t iomap_device_block_size(int fd)
{
	int size = 0;

	return ioctl(fd, BLKBSZGET, &size) == 0 && size > 0 ? (uint32_t)size : 0;
}

bool iomap_device_wanted(int fd)
{
	struct iomap_abi_support support = { 0 };

	return ioctl(fd, IOMAP_ABI_IOC_SUPPORT, &support) == 0 && support.flags;
}

struct iomap_device_limits iomap_device_limits(int fd)
{
	struct iomap_device_limits ret = { 0 };
	struct abi_statx stx = { 0 };
	int sector = 0;

	/* glibc's struct statx ends before the limits of atomic writes */
	if (syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_DIOALIGN | ABI_STATX_WRITE_ATOMIC, &stx))
		stx.mask = 0;
	if (stx.mask & STATX_DIOALIGN) {
		ret.mem_align = stx.dio_mem_align;
		ret.offset_align = stx.dio_offset_align;
	} else if (ioctl(fd, BLKSSZGET, &sector) == 0 && sector > 0) {
		/* the device may need less of the memory, which nobody tells */
		ret.mem_align = ret.offset_align = (uint32_t)sector;
	}
	if (stx.mask & ABI_STATX_WRITE_ATOMIC) {
		ret.atomic_min = stx.atomic_write_unit_min;
		ret.atomic_max = stx.atomic_write_unit_max;
	}
	return ret;
}
