/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a filesystem needs at mount and unmount to be written to. */
#ifndef EXT4D_FS_WRITABLE_H
#define EXT4D_FS_WRITABLE_H

#include "fs/fs.h"

struct fcr;

/*
 * 0, or -EROFS with a line in the log (with may_read_only a warning): a feature that allows reading
 * only. To be asked before anything is written.
 */
int writable_check(struct fs *fs) MUST_CHECK;

/* Empties the journal after recovery, see journal_reset(). */
int writable_reset_journal(struct fs *fs, uint32_t sequence) MUST_CHECK;

/*
 * Calls change on fs with a journal that writes straight to fs->blk, and ends with everything there. For
 * changes made in memory.
 */
int writable_try(struct fs *fs, int (*change)(struct fs *fs, struct fcr *fcr), struct fcr *fcr)
	MUST_CHECK;

/*
 * Opens the journal, which has been recovered, marks the filesystem in use and takes care of
 * orphans. From then on changes are possible. Errors of the storage, -EUCLEAN; said in the log.
 */
int writable_start(struct fs *fs) MUST_CHECK;

/*
 * With everything home and the journal not in use: the superblock says that nobody uses the filesystem; and again that
 * we do. orphans: inodes without names are in use. Errors of the storage.
 */
int writable_rest(struct fs *fs, bool orphans) MUST_CHECK;
int writable_resume(struct fs *fs) MUST_CHECK;

/*
 * Writes everything out and marks the filesystem clean. Returns the first error. Safe to call if
 * writable_start() failed or never was.
 */
int writable_stop(struct fs *fs);

#endif
