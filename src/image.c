// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lockholder.h"
#include "partition.h"
#include "util/parse.h"

int image_given_fd(const char *path)
{
	static const char *const prefixes[] = { "/dev/fd/", "/proc/self/fd/" };
	uint64_t fd;

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t len = strlen(prefixes[i]);

		if (!strncmp(path, prefixes[i], len) && !parse_number(path + len, INT32_MAX, &fd))
			return (int)fd;
	}
	return -1;
}

/* Whether an open for writing failed only because of the writing. */
static bool is_write_protected(int err)
{
	return err == EROFS || err == EACCES || err == EPERM || err == ETXTBSY;
}

/* What can be opened for writing although every write would fail. */
static bool refuses_writes(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS), read_only = 0;

	if (seals > 0 && seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return true;
	return ioctl(fd, BLKROGET, &read_only) == 0 && read_only;
}

/*
 * A descriptor that was handed to us may be of a file we may not open, or that has no name any
 * more: then a duplicate has to do. One that is open for reading only says what we are meant to do.
 */
static int open_path(const char *path, const struct image_options *opts, bool *ret_duplicate)
{
	const bool writable = opts->writable;
	const int mode = writable ? O_RDWR : O_RDONLY, flags = mode | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	/* such a name is one of ours, not of whoever opens files for us */
	int given = opts->open ? -1 : image_given_fd(path);
	int given_flags = given < 0 ? -1 : fcntl(given, F_GETFL);
	int fd, err;

	*ret_duplicate = false;
	if (writable && given_flags >= 0 && (given_flags & O_ACCMODE) != O_RDWR)
		return -EROFS;
	if (opts->open) {
		fd = err = opts->open(opts->userdata, path, flags);
	} else {
		fd = open(path, flags);
		err = -errno;
	}
	if (fd < 0 && given_flags >= 0) {
		*ret_duplicate = true;
		fd = fcntl(given, F_DUPFD_CLOEXEC, 0);
		err = -errno;
	}
	if (fd < 0)
		return writable && is_write_protected(-err) ? -EROFS : err;
	if (writable && refuses_writes(fd)) {
		close(fd);
		return -EROFS;
	}
	return fd;
}

static int say_open_error(struct log *log, const char *path, int err)
{
	switch (err) {
	case -EISDIR:
		log_error(log, "%s: is a directory, not an image", path);
		break;
	case -ENOTBLK:
		log_error(log, "%s: neither a regular file nor a block device", path);
		break;
	default:
		log_error(log, "%s: %s", path, strerror(-err));
	}
	return err;
}

/* The window that -o offset= asks for: from there to the end. */
static int open_offset(struct blk *whole, const char *path, uint64_t offset, struct log *log,
	struct blk **ret)
{
	int err = -EINVAL;

	if (offset < whole->size)
		err = blk_window_new(whole, offset, whole->size - offset, ret);
	if (err == -EINVAL)
		log_error(log, "%s: offset %llu lies past the image's end, which is %llu bytes long",
			path, (unsigned long long)offset, (unsigned long long)whole->size);
	return err;
}

int image_open(const char *path, const struct image_options *opts, struct log *log,
	struct blk **ret)
{
	CLEANUP(blk_closep) struct blk *whole = NULL;
	struct partition part;
	bool duplicate;
	int fd = open_path(path, opts, &duplicate);
	int err;

	if (fd == -EROFS && opts->writable)
		return fd;
	if (fd < 0)
		return say_open_error(log, path, fd);
	err = lockholder_check(fd, path, !duplicate, opts->writable, log);
	if (err) {
		close(fd);
		return err;
	}
	err = blk_file_new(fd, opts->writable, &whole);
	if (err)
		return say_open_error(log, path, err);
	if (opts->has_offset) {
		err = open_offset(whole, path, opts->offset, log, ret);
	} else {
		err = partition_find(fd, whole, path, opts->partition, log, &part);
		if (!err && part.number == 0)
			*ret = whole;
		else if (!err)
			err = blk_window_new(whole, part.off, part.len, ret);
	}
	if (!err)
		whole = NULL;
	return err;
}
