/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocation of blocks: goal-directed runs out of the groups' bitmaps. With bigalloc the unit is the
 * cluster: runs begin at a cluster's first block and end at one's last.
 *
 * Blocks that were freed stay unavailable until the transaction that freed them has committed.
 */
#ifndef EXT4D_FS_BALLOC_H
#define EXT4D_FS_BALLOC_H

#include <stdint.h>

#include "fs/inode.h"

enum balloc_flags {
	BALLOC_META = 1,     /* holds metadata: near the inode, away from growing files */
	BALLOC_RESERVED = 2, /* may use the blocks reserved for root (s_r_blocks_count) */
	BALLOC_EXACT = 4,    /* at the goal or not at all */
};

struct balloc_want {
	struct inode *inode; /* whose blocks they will be; its lock is held for writing */
	uint64_t goal;	     /* wished first block; 0: as fits the inode (ext4_inode_to_goal_block()) */
	uint32_t nr;	     /* blocks, 1 or more; as many as one run has are given, at least one */
	unsigned flags;	     /* enum balloc_flags */
};

/*
 * Allocates one run: *ret_pblk, *ret_nr <= want->nr (with bigalloc rounded up to whole clusters).
 * Marks it in the bitmap, counts it in the group, and to the inode (usage_add_blocks()); contents
 * are whatever they were. -ENOSPC, -EDQUOT, -EUCLEAN and -EBADMSG (damaged bitmaps are passed over
 * as long as there are others), -EIO, -EROFS, -ENOMEM. Takes BALLOC_CREDITS; LOCK_RANK_GROUP.
 */
int balloc_alloc(struct handle *h, const struct balloc_want *want, uint64_t *ret_pblk,
	uint32_t *ret_nr) MUST_CHECK;

/* Bitmap and descriptor. */
#define BALLOC_CREDITS 2

enum bfree_flags {
	BFREE_META = 1, /* holds metadata: each block is also given to journal_forget() */
	BFREE_NO_USAGE = 2, /* the inode's count is the caller's to keep (shared attribute blocks) */
};

/*
 * Frees nr blocks from pblk on (with bigalloc: whole clusters), which must all be in use and not part
 * of the filesystem's own metadata: anything else is -EUCLEAN, reported. inode may be NULL with
 * BFREE_NO_USAGE. Takes BALLOC_CREDITS per group that the range touches.
 */
int balloc_free(struct handle *h, struct inode *inode, uint64_t pblk, uint64_t nr, unsigned flags)
	MUST_CHECK;

/*
 * After -ENOSPC, with no handle open and no lock above LOCK_RANK_INODE held: whether it is worth another
 * try, because freed blocks were waiting for a commit, which has happened now. *tries is 0 at first.
 */
bool balloc_retry(struct fs *fs, unsigned *tries) MUST_CHECK;

/* Gives up what was reserved in memory for a file that is not written to any more. Any lock may be held
 * below LOCK_RANK_GROUP. */
void balloc_release(struct inode *inode);

/* Clusters free in all groups, those promised to nobody included. */
uint64_t balloc_free_clusters(struct fs *fs);

/* FITRIM: discards free runs of at least min_len bytes in [start, start + len); *ret_bytes: how much. */
int balloc_trim(struct fs *fs, uint64_t start, uint64_t len, uint64_t min_len, uint64_t *ret_bytes)
	MUST_CHECK;

#endif
