/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A layer for tests that passes everything on and records every change with its data, so that the
 * image can be built as a power cut at any moment might have left it.
 *
 * Time is counted in stamps: every call takes one when it begins and one when it returns. A write
 * is durable at a stamp if a flush that began after the write had returned has returned by then;
 * until then any piece of it may be there or not. What a failed call did is unknown: a failed
 * write may be there, a failed flush made nothing durable.
 */
#ifndef EXT4D_BLK_RECORD_H
#define EXT4D_BLK_RECORD_H

#include "blk/blk.h"

enum blk_record_kind {
	BLK_RECORD_WRITE,
	BLK_RECORD_DISCARD,
	BLK_RECORD_FLUSH,
};

/* One call, in the order in which they began. */
struct blk_record_event {
	enum blk_record_kind kind;
	int err;	     /* what it returned */
	uint64_t began, ended; /* stamps; ended is UINT64_MAX while it is under way */
	uint64_t off, len;   /* bytes */
	const uint8_t *data; /* of a write: len bytes, the record's */
};

/* How an image is cut. */
struct blk_record_cut {
	uint64_t at;	  /* stamp of the power cut: what began later did not happen */
	unsigned keep;	  /* of what is not durable, so many thousandths of the pieces are there */
	uint64_t piece;	  /* bytes that reach the medium together, a power of two; 0: 4096 */
	uint64_t seed;	  /* chooses the pieces: the same for the same seed */
};

/* Owns lower on success. -ENOMEM. */
int blk_record_new(struct blk *lower, struct blk **ret) MUST_CHECK;

/* A stamp between what has begun and what has not: for a note of "this was promised by now". */
uint64_t blk_record_now(struct blk *blk);

/* How many events there are, and the one of index i < that number; valid until the layer is freed. */
size_t blk_record_count(struct blk *blk);
struct blk_record_event blk_record_event(struct blk *blk, size_t i);

/*
 * Makes of image, blk->size bytes as they were when the layer was made, the image after the cut. A
 * discarded piece keeps its bytes or becomes zeros.
 */
void blk_record_build(struct blk *blk, const struct blk_record_cut *cut, uint8_t *image);

/* Keeps a layer that was closed by who owned it: close only marks it, blk_record_free() frees. */
void blk_record_hold(struct blk *blk);
void blk_record_free(struct blk *blk);

#endif
