/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing indirect maps. Callers hold inode->lock for writing and have a handle with
 * inded_credits(); they tell the cached runs (extmap_update()) and write the inode.
 */
#ifndef EXT4D_FS_INDED_H
#define EXT4D_FS_INDED_H

#include "fs/map.h"

/* Credits for the pointer blocks that one change can touch. */
unsigned inded_credits(void);

/*
 * Allocates and maps blocks of a hole: at most nr from lblk on, fewer where the pointers of one block or the
 * free run end. *ret is what was mapped. Errors as balloc_alloc(), -EFBIG past what the map holds;
 * nothing has changed then.
 */
int inded_alloc(struct handle *h, struct inode *inode, uint64_t lblk, uint32_t nr, unsigned flags,
	struct run *ret) MUST_CHECK;

/*
 * Takes the last mapped blocks in [from, to) out of the map, as many as lie in one run of one group:
 * *ret, nr 0 where nothing is mapped. Freeing them is the caller's; pointer blocks that have become
 * empty are freed here. -EUCLEAN, -EIO, -EROFS, -ENOMEM.
 */
int inded_remove_last(struct handle *h, struct inode *inode, uint64_t from, uint64_t to,
	struct run *ret) MUST_CHECK;

/* How many blocks a map can hold with pointer blocks of block_bits. */
uint64_t inded_max_blocks(unsigned block_bits);

/* How many pointer blocks nr data blocks from the first on need. */
uint64_t inded_pointer_blocks(unsigned block_bits, uint64_t nr);

#endif
