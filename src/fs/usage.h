/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an inode uses: its block count, and with the quota feature the usage of its user, group and
 * project, in the hidden quota files. Everybody who takes or gives back space says so here.
 *
 * Not counted for anybody are the filesystem's own inodes and values of ea_inode, which their users
 * are charged for; usage_*() knows both and may be called for any inode.
 *
 * Damage in a quota file is reported once; from then on its type is not counted any more. The call
 * that finds it fails if it was going to take space; one that gives back never fails but for an
 * aborted journal.
 */
#ifndef EXT4D_FS_USAGE_H
#define EXT4D_FS_USAGE_H

#include <stdint.h>

#include "fs/inode.h"

/*
 * Adds blocks (filesystem blocks, negative: gives back) to inode->d.blocks and to the usage of its
 * owners. The caller holds inode->lock for writing and goes on with inode_write(). -EFBIG where
 * i_blocks cannot count that far; -EDQUOT where limits are enforced; errors of the quota files.
 * Nothing has changed on an error. Takes LOCK_RANK_QUOTA.
 */
int usage_add_blocks(struct handle *h, struct inode *inode, int64_t blocks) MUST_CHECK;

/* Counts an inode that was allocated (1) or freed (-1) for its owners. */
int usage_add_inode(struct handle *h, struct inode *inode, int delta) MUST_CHECK;

/* The inode's owners change to uid, gid, projid: moves all it uses; d is the caller's to change. */
int usage_transfer(struct handle *h, struct inode *inode, uint32_t uid, uint32_t gid,
	uint32_t projid) MUST_CHECK;

/* Credits for any one of these on fs; 0 without the quota feature. */
unsigned usage_credits(const struct fs *fs);

/*
 * Makes sure that the quota files know these owners, in transactions of its own: to be called
 * before the handle is opened that makes an inode for them or gives them one (dquot_initialize()).
 * Without it the three above do the same inside the caller's handle, but fail with -ENOSPC where
 * the transaction is too full to be extended. Locks up to LOCK_RANK_INODE may be held. -ENOSPC: no
 * room for the quota files; their other errors. Cheap if they are known.
 */
int usage_acquire(struct fs *fs, uint32_t uid, uint32_t gid, uint32_t projid) MUST_CHECK;

/*
 * Whether the limits that the options ask for can be enforced, to be asked before anything is
 * written: -EINVAL those of projects, without the feature; said in the log. Others are a warning:
 * the kernel mounts too, as quotaon(8) may come later.
 */
int usage_check(struct fs *fs) MUST_CHECK;

/*
 * Opens the quota files of a filesystem that becomes writable, if it has any. Called before
 * anything uses space. -EUCLEAN, -EBADMSG damaged, -EIO, -ENOMEM; said in the log.
 */
int usage_start(struct fs *fs) MUST_CHECK;

/* Tidies the quota files up and closes them, before the journal is. None may be open. */
void usage_stop(struct fs *fs);

#endif
