// SPDX-License-Identifier: GPL-2.0-or-later
/* All of this is done as root, for whom is decided elsewhere. Names come from no one but ourselves. */
#include "config.h"

#include "mount_attach.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuse/abi.h"
#include "fuse/iomap_abi.h"
#include "fuse/iomap_device.h"
#include "service/mountflags.h"
#include "util/parse.h"

/* Sectors of a loop device whose file's storage does not do with 512 bytes. */
#define LOOP_SECTOR 4096

/* ---- the mount ---- */

/* Those of a mount; the others are the filesystem's. */
static unsigned attributes(unsigned long flags)
{
	static const struct {
		unsigned long flag;
		unsigned attribute;
	} table[] = {
		{ MS_RDONLY, MOUNT_ATTR_RDONLY },
		{ MS_NOSUID, MOUNT_ATTR_NOSUID },
		{ MS_NODEV, MOUNT_ATTR_NODEV },
		{ MS_NOEXEC, MOUNT_ATTR_NOEXEC },
		{ MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW },
		{ MS_NOATIME, MOUNT_ATTR_NOATIME },
	};
	unsigned ret = 0;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (flags & table[i].flag)
			ret |= table[i].attribute;
	return ret;
}

static int set(int fs, const char *key, const char *value)
{
	return fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0) ? -errno : 0;
}

static int set_flag(int fs, const char *key)
{
	return fsconfig(fs, FSCONFIG_SET_FLAG, key, NULL, 0) ? -errno : 0;
}

static int set_number(int fs, const char *key, const char *format, unsigned value)
{
	char text[16];

	snprintf(text, sizeof(text), format, value);
	return set(fs, key, text);
}

static int set_options(int fs, const char *options)
{
	CLEANUP(cleanup_free) char *copy = strdup(options);
	char *rest = copy, *option, *value;
	int err = copy ? 0 : -ENOMEM;

	while (!err && (option = parse_option(&rest))) {
		value = strchr(option, '=');
		if (value)
			*value++ = '\0';
		if (option[0])
			err = value ? set(fs, option, value) : set_flag(fs, option);
	}
	return err;
}

static int configure(int fs, const struct attach_what *what)
{
	int err = set(fs, "source", what->source);

	/* ours come last: whatever the options say, the last one counts */
	if (!err)
		err = set_options(fs, what->options);
	if (!err)
		err = set(fs, "subtype", what->subtype);
	if (!err)
		err = set_number(fs, "rootmode", "%o", S_IFDIR);
	if (!err)
		err = set_number(fs, "user_id", "%u", what->uid);
	if (!err)
		err = set_number(fs, "group_id", "%u", what->gid);
	if (!err)
		err = set_number(fs, "fd", "%u", (unsigned)what->fuse_fd);
	if (!err && what->flags & MS_RDONLY)
		err = set_flag(fs, "ro");
	if (!err && what->flags & MS_SYNCHRONOUS)
		err = set_flag(fs, "sync");
	if (!err && what->flags & MS_DIRSYNC)
		err = set_flag(fs, "dirsync");
	if (!err && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		err = -errno;
	return err;
}

int attach_make(const struct attach_what *what)
{
	CLEANUP(cleanup_close) int fs = fsopen("fuse", FSOPEN_CLOEXEC);
	int err = fs < 0 ? -errno : configure(fs, what), mount;

	if (err)
		return err;
	mount = fsmount(fs, FSMOUNT_CLOEXEC, attributes(what->flags));
	return mount < 0 ? -errno : mount;
}

int attach_share(int fuse_fd, int with)
{
	uint32_t fd = (uint32_t)fuse_fd;

	return ioctl(with, ABI_DEV_IOC_CLONE, &fd) < 0 ? -errno : 0;
}

void attach_abort(int mount)
{
	CLEANUP(cleanup_close) int fd = -1;
	struct statx stx;
	char path[64];

	/* without asking the server */
	if (statx(mount, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &stx))
		return;
	/* the kernel's own dev_t */
	snprintf(path, sizeof(path), "/sys/fs/fuse/connections/%u/abort", stx.stx_dev_major << 20 | stx.stx_dev_minor);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && write(fd, "1", 1) < 0)
		errno = 0;
}

int attach_move(int mount, int directory)
{
	const unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;

	return move_mount(mount, "", directory, "", flags) ? -errno : 0;
}

/* ---- devices ---- */

int attach_grant_iomap(int fuse_fd)
{
	return ioctl(fuse_fd, IOMAP_ABI_IOC_ADD_IOMAP) < 0 ? -errno : 0;
}

/* Whether the loop device of that name has the file. */
static bool loop_has(const char *name, const struct stat *st, bool writable)
{
	CLEANUP(cleanup_close) int fd = -1;
	struct loop_info64 info;
	char path[64];

	/* there while it has a file */
	snprintf(path, sizeof(path), "/sys/block/%.32s/loop", name);
	if (access(path, F_OK))
		return false;
	snprintf(path, sizeof(path), "/dev/%.32s", name);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return fd >= 0 && ioctl(fd, LOOP_GET_STATUS64, &info) == 0 && info.lo_inode == st->st_ino &&
		info.lo_device == st->st_dev && (writable || !(info.lo_flags & LO_FLAGS_READ_ONLY));
}

bool attach_has_loop(const struct stat *st, bool writable)
{
	const struct dirent *entry;
	DIR *dir = opendir("/sys/block");
	bool found = false;

	while (dir && !found && (entry = readdir(dir)))
		found = !strncmp(entry->d_name, "loop", 4) && loop_has(entry->d_name, st, writable);
	if (dir)
		closedir(dir);
	return found;
}

int attach_loop(int fd, bool writable)
{
	char path[64];
	int loop, ret;

	/* belongs to the open file, which the loop device keeps */
	if (flock(fd, (writable ? LOCK_EX : LOCK_SH) | LOCK_NB))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	loop = iomap_device_attach(fd, writable, LOOP_SECTOR);
	if (loop < 0)
		return loop;
	/* for one alone, as any other device; the kernel sets the block size of no other */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", loop);
	ret = open(path, (writable ? O_RDWR : O_RDONLY) | O_EXCL | O_CLOEXEC);
	if (ret < 0)
		ret = -errno;
	close(loop);
	return ret;
}
