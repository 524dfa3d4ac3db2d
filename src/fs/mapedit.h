/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing where a file's blocks are: extent trees of any depth and indirect maps behind one set of
 * calls. The caller holds inode->lock for writing and has a handle with map_credits(). Each call
 * leaves map and counts consistent, updates inode->d (i_block, blocks, flags) and writes the inode.
 */
#ifndef EXT4D_FS_MAPEDIT_H
#define EXT4D_FS_MAPEDIT_H

#include "fs/map.h"

/* Credits for one map_alloc(), map_convert() or map_unwrite() of one run. */
unsigned map_credits(const struct inode *inode);

/*
 * Maps blocks of a hole: at most nr from lblk on, fewer where the hole or the free run ends. *ret is what
 * was mapped. kind: RUN_DATA (the caller writes all of it before the handle is stopped) or
 * RUN_UNWRITTEN (extents only; -EOPNOTSUPP with indirect maps). flags: enum balloc_flags. With
 * bigalloc, blocks of a cluster that the file has already are mapped without allocation. Errors as
 * balloc_alloc(), -EFBIG past what the map can hold.
 */
int map_alloc(struct handle *h, struct inode *inode, uint64_t lblk, uint32_t nr, enum run_kind kind,
	unsigned flags, struct run *ret) MUST_CHECK;

/* Makes the unwritten blocks [lblk, lblk + nr), which are one run, data: their contents are written. */
int map_convert(struct handle *h, struct inode *inode, uint64_t lblk, uint64_t nr) MUST_CHECK;

/* Makes the data blocks [lblk, lblk + nr), which are one run, unwritten: they read as zeros. */
int map_unwrite(struct handle *h, struct inode *inode, uint64_t lblk, uint64_t nr) MUST_CHECK;

/*
 * Unmaps and frees [from, to), from the end backwards as far as the handle's credits go (extending it where
 * that needs no wait). *ret_left: the end of what is still mapped; == from: done. Otherwise the
 * caller restarts the handle and calls again. flags: enum bfree_flags. Restart with map_credits().
 */
int map_free(struct handle *h, struct inode *inode, uint64_t from, uint64_t to, unsigned flags,
	uint64_t *ret_left) MUST_CHECK;

/*
 * Moves the mapped blocks from lblk on, to the end of their extent, to lblk - by (map_shift_left()), or the
 * last ones in [from, end of file) to by blocks later (map_shift_right(); *ret_from: where they began, from if
 * there were none). The place is a hole. Extents only. Takes twice map_credits().
 */
int map_shift_left(struct handle *h, struct inode *inode, uint64_t lblk, uint64_t by,
	uint64_t *ret_nr) MUST_CHECK;
int map_shift_right(struct handle *h, struct inode *inode, uint64_t from, uint64_t to, uint64_t by,
	uint64_t *ret_from) MUST_CHECK;

/* Makes i_block an empty extent tree or indirect map, as the filesystem and inode->d.flags want it. */
void map_init(struct inode *inode);

#endif
