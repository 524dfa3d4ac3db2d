// SPDX-License-Identifier: GPL-2.0-or-later
/* The bottom layer: a regular file or a block device. */
#include "config.h"

#include "blk/blk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

struct blk_file {
	struct blk blk;
	int fd;	     /* [const] owned */
	bool device; /* [const] a block device, not a file */
};

static int file_read(struct blk *blk, uint64_t off, void *buf, size_t len)
{
	struct blk_file *file = (struct blk_file *)blk;
	uint8_t *dst = buf;

	while (len) {
		ssize_t got = pread(file->fd, dst, len, (off_t)off);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0) /* the file has shrunk since it was opened */
			return -EIO;
		dst += got;
		off += (uint64_t)got;
		len -= (size_t)got;
	}
	return 0;
}

static int file_write(struct blk *blk, uint64_t off, const void *buf, size_t len)
{
	struct blk_file *file = (struct blk_file *)blk;
	const uint8_t *src = buf;

	while (len) {
		ssize_t put = pwrite(file->fd, src, len, (off_t)off);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		if (put == 0)
			return -EIO;
		src += put;
		off += (uint64_t)put;
		len -= (size_t)put;
	}
	return 0;
}

static int file_flush(struct blk *blk)
{
	return fdatasync(((struct blk_file *)blk)->fd) ? -errno : 0;
}

static int file_discard(struct blk *blk, uint64_t off, uint64_t len)
{
	struct blk_file *file = (struct blk_file *)blk;
	uint64_t range[2] = { off, len };
	const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	if (file->device)
		return ioctl(file->fd, BLKDISCARD, range) ? -errno : 0;
	return fallocate(file->fd, mode, (off_t)off, (off_t)len) ? -errno : 0;
}

static void file_refresh(struct blk *blk, uint64_t off, uint64_t len)
{
	struct blk_file *file = (struct blk_file *)blk;

	/* clean pages go; where it is not possible the pages are all there is */
	posix_fadvise(file->fd, (off_t)off, (off_t)len, POSIX_FADV_DONTNEED);
}

static int file_locate(struct blk *blk, int *ret_fd, uint64_t *ret_off)
{
	*ret_fd = ((struct blk_file *)blk)->fd;
	*ret_off = 0;
	return 0;
}

static void file_close(struct blk *blk)
{
	struct blk_file *file = (struct blk_file *)blk;

	close(file->fd);
	free(file);
}

static const struct blk_ops file_ops = {
	.read = file_read,
	.write = file_write,
	.flush = file_flush,
	.discard = file_discard,
	.refresh = file_refresh,
	.locate = file_locate,
	.close = file_close,
};

static const struct blk_ops readonly_ops = {
	.read = file_read,
	.refresh = file_refresh,
	.locate = file_locate,
	.close = file_close,
};

static int size_of(int fd, uint64_t *ret, bool *ret_device)
{
	struct stat st;

	*ret_device = false;
	if (fstat(fd, &st))
		return -errno;
	if (S_ISREG(st.st_mode)) {
		*ret = (uint64_t)st.st_size;
		return 0;
	}
	if (!S_ISBLK(st.st_mode))
		return S_ISDIR(st.st_mode) ? -EISDIR : -ENOTBLK;
	*ret_device = true;
	return ioctl(fd, BLKGETSIZE64, ret) ? -errno : 0;
}

int blk_file_new(int fd, bool writable, struct blk **ret)
{
	struct blk_file *file = calloc(1, sizeof(*file));
	int err = file ? size_of(fd, &file->blk.size, &file->device) : -ENOMEM;

	if (err) {
		free(file);
		close(fd);
		return err;
	}
	file->blk.ops = writable ? &file_ops : &readonly_ops;
	file->fd = fd;
	*ret = &file->blk;
	return 0;
}
