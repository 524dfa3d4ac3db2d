/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A layer that keeps what is written to it in memory, block by block, and leaves the layer below
 * alone: to see what a change comes to before any of it is made.
 */
#ifndef EXT4D_BLK_SCRATCH_H
#define EXT4D_BLK_SCRATCH_H

#include "blk/blk.h"

struct scratch;

/* The most that is kept; writing more is -ENOMEM. */
#define SCRATCH_MAX_BYTES ((size_t)256 << 20)

/* On lower, which stays the caller's and outlives all reads, in units of block_size bytes. -ENOMEM. */
int scratch_new(struct blk *lower, uint32_t block_size, struct scratch **ret) MUST_CHECK;

/* NULL is allowed. */
void scratch_free(struct scratch *scratch);

/* The layer; closing it does nothing. */
struct blk *scratch_blk(struct scratch *scratch);

/*
 * The i-th block that was written, in the order of the first writes: its number and its block_size
 * bytes, NULL past the last. Nobody may be writing.
 */
const uint8_t *scratch_block(const struct scratch *scratch, size_t i, uint64_t *ret_pblk);

/* How many there are. */
size_t scratch_count(const struct scratch *scratch);

#endif
