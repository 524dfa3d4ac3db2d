/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A layer for tests that fails calls on demand and counts them. Any thread may call the layer while
 * another one plans; a call that is under way meets the old plan or the new one.
 */
#ifndef EXT4D_BLK_FAULT_H
#define EXT4D_BLK_FAULT_H

#include "blk/blk.h"

enum blk_fault_op {
	BLK_FAULT_READ,
	BLK_FAULT_WRITE,
	BLK_FAULT_FLUSH,
	BLK_FAULT_NR
};

/* Owns lower on success. -ENOMEM. */
int blk_fault_new(struct blk *lower, struct blk **ret) MUST_CHECK;

/*
 * Fails the nth call of op from now (1: the next one) with err, a negative errno, and if stay is
 * set all later ones too. nth 0: none. The first half of a write that fails, in whole sectors of
 * 4 KiB, is written.
 */
void blk_fault_plan(struct blk *blk, enum blk_fault_op op, uint64_t nth, int err, bool stay);

/* Calls of op since the layer was made, and how many of all calls were failed. */
uint64_t blk_fault_calls(const struct blk *blk, enum blk_fault_op op);
uint64_t blk_fault_hits(const struct blk *blk);

/*
 * The storage is a sparse file on a disk that has room for so many more pieces of 4096 bytes: the
 * write that wants one more gives -ENOSPC, with what came before it in the range written. Pieces
 * that are not all zeros by then have their room. UINT64_MAX: no limit.
 */
void blk_fault_space(struct blk *blk, uint64_t pieces);

#endif
