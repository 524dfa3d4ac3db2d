/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A filesystem that is open: everything below FUSE, usable without it (tests, tools, fuzzing).
 * All functions on a struct fs may be called from any thread at once.
 */
#ifndef EXT4D_FS_FS_H
#define EXT4D_FS_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/statvfs.h>

#include "blk/blk.h"
#include "format/super.h"
#include "util/log.h"

struct fs;

struct fs_options {
	bool norecovery;    /* do not replay the journal, show what lies on disk */
	bool minixdf;	    /* statfs counts metadata as usable, like the kernel's option */
	size_t cache_bytes; /* budget of metadata buffers; 0: FS_CACHE_DEFAULT */
	/* Asked now and then in loops that an image can make long; true: give up with -EINTR. */
	bool (*interrupted)(void); /* NULL: never */
};

#define FS_CACHE_DEFAULT ((size_t)128 << 20)

/*
 * Opens the filesystem on blk read-only and, where its journal wants recovery, replays it into
 * memory. On failure says why in one line of the log: -EINVAL not an ext2/3/4 filesystem or
 * truncated, -EOPNOTSUPP an unknown feature, -EUCLEAN or -EBADMSG damage, -EIO, -ENOMEM.
 * Owns blk from then on, also on failure.
 */
int fs_open(struct blk *blk, const struct fs_options *opts, struct log *log, struct fs **ret)
	MUST_CHECK;

/* Releases everything; no inode may be held. NULL is allowed. */
void fs_close(struct fs *fs);

/* The geometry and features. [const] */
const struct super *fs_super(const struct fs *fs);

/*
 * Reports damage: one rate-limited line naming inode ino (0: the filesystem) and what is wrong.
 * Returns err, so that a check reads `return fs_corrupt(...)`. err is -EUCLEAN, or -EBADMSG
 * for a checksum.
 */
int fs_corrupt(struct fs *fs, uint32_t ino, int err, const char *fmt, ...) PRINTF_LIKE(4, 5);

/*
 * Block and inode counts as statfs(2) on the kernel's ext4 gives them. The first call reads
 * every group descriptor.
 */
int fs_statfs(struct fs *fs, struct statvfs *ret) MUST_CHECK;

#endif
