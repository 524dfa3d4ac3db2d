/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From what the user named to the bytes of one filesystem: opening, locking, partitions. */
#ifndef EXT4D_IMAGE_H
#define EXT4D_IMAGE_H

#include <stdbool.h>

#include "blk/blk.h"
#include "util/log.h"

struct image_options {
	bool has_offset;
	uint64_t offset;       /* bytes; with has_offset */
	const char *partition; /* number, label or UUID; NULL: see image_open() */
	bool writable;	       /* open it for writing */
	/* open(2) in our place: a descriptor of its own or -errno; NULL: open(2) */
	int (*open)(void *userdata, const char *path, int flags);
	void *userdata;
};

/* N of /dev/fd/N and /proc/self/fd/N, or -1 for other names. */
int image_given_fd(const char *path);

/*
 * Opens path (a regular file, a block device, /dev/fd/N or /proc/self/fd/N) and takes an flock(2) on
 * it, exclusive if it is to be written, held until the layer is closed. Without offset and partition: the
 * whole image, or the only ext4 partition on it. On failure says why in one line: -EBUSY someone
 * else uses it, -EINVAL no such partition or offset, or another -errno; without a line: -EROFS, it is
 * write-protected and was to be writable.
 */
int image_open(const char *path, const struct image_options *opts, struct log *log,
	struct blk **ret) MUST_CHECK;

#endif
