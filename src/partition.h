/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Partitions of a disk image, GPT or MBR, through libblkid. */
#ifndef EXT4D_PARTITION_H
#define EXT4D_PARTITION_H

#include "blk/blk.h"
#include "util/log.h"

struct partition {
	unsigned number; /* as in /dev/sdaN; 0: the whole image */
	uint64_t off, len; /* bytes */
};

/*
 * Finds the partition that want names: a number, or the label or UUID of the partition or of the
 * filesystem on it. want NULL: the whole image if a filesystem begins there, else the only
 * partition with one, which is said in the log. fd and disk are the same image. On failure says
 * why: -EINVAL, -EIO, -ENOMEM.
 */
int partition_find(int fd, struct blk *disk, const char *path, const char *want, struct log *log,
	struct partition *ret) MUST_CHECK;

#endif
