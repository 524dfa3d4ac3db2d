/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing extent trees. Callers hold inode->lock for writing and have a handle with
 * exted_credits(); they tell the cached runs (extmap_update()) and write the inode, also on failure:
 * the root in inode->d.block may have changed, but what it leads to is always consistent.
 */
#ifndef EXT4D_FS_EXTED_H
#define EXT4D_FS_EXTED_H

#include "fs/map.h"

/* The last block number that can be mapped is one less: EXT_MAX_BLOCKS means "no block". */
#define EXTED_LBLK_MAX 0xFFFFFFFFu

/* Credits for the nodes that one change of one extent can touch. */
unsigned exted_credits(const struct inode *inode);

/*
 * Enters run, of at most EXTENT_MAX_NR (unwritten: EXTENT_MAX_NR_UNWRITTEN) blocks, where a hole is. flags:
 * enum balloc_flags for new nodes. -ENOSPC, -EDQUOT, -EUCLEAN, -EBADMSG, -EIO, -EROFS, -ENOMEM; the mapping
 * is then as before.
 */
int exted_insert(struct handle *h, struct inode *inode, const struct run *run, unsigned flags)
	MUST_CHECK;

/*
 * Makes the mapped blocks from lblk on, up to nr of them, written or unwritten as kind says. *ret: how far
 * it came, one extent at most. Errors as exted_insert().
 */
int exted_mark(struct handle *h, struct inode *inode, uint64_t lblk, uint64_t nr,
	enum run_kind kind, struct run *ret) MUST_CHECK;

/*
 * Takes the last mapped blocks in [from, to) out of the tree, one extent's part in one group at most:
 * *ret, nr 0 where nothing is mapped. Freeing them is the caller's. Errors as exted_insert().
 */
int exted_remove_last(struct handle *h, struct inode *inode, uint64_t from, uint64_t to,
	struct run *ret) MUST_CHECK;

/*
 * Takes the mapped blocks from lblk on, to the end of their extent, out of the tree. Errors as
 * exted_insert().
 */
int exted_take(struct handle *h, struct inode *inode, uint64_t lblk, struct run *ret) MUST_CHECK;

/* Where the block that file block lblk will get is best (ext4_ext_find_goal()); 0: no idea. */
int exted_goal(struct inode *inode, uint64_t lblk, uint64_t *ret) MUST_CHECK;

#endif
