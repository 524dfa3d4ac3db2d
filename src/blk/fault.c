// SPDX-License-Identifier: GPL-2.0-or-later
/* No locks: counters are atomic, so that the layer changes nothing about who waits for whom. */
#include "config.h"

#include "blk/fault.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#define PIECE 4096u  /* bytes; what a sparse file gets at once */
/* What a disk writes whole or not at all: a superblock of 1 KiB with its checksum could not be protected else. */
#define SECTOR 4096

struct plan {
	_Atomic uint64_t calls; /* since the layer was made */
	_Atomic uint64_t at;	/* number of the call that fails, 0: none */
	_Atomic int err;
	_Atomic bool stay;
};

struct blk_fault {
	struct blk blk;
	struct blk *lower; /* [const] owned */
	struct plan plans[BLK_FAULT_NR];
	_Atomic uint64_t hits;
	_Atomic uint64_t room;	/* pieces left, UINT64_MAX: no limit */
	_Atomic uint8_t *taken; /* a byte for each piece: it has its room. owned */
};

/* Counts a call; the error it is to fail with, or 0. */
static int count(struct blk_fault *fault, enum blk_fault_op op)
{
	struct plan *plan = &fault->plans[op];
	uint64_t call = ++plan->calls, at = plan->at;

	if (!at || call < at || (call > at && !plan->stay))
		return 0;
	fault->hits++;
	return plan->err;
}

static int fault_read(struct blk *blk, uint64_t off, void *buf, size_t len)
{
	struct blk_fault *fault = (struct blk_fault *)blk;
	int err = count(fault, BLK_FAULT_READ);

	return err ? err : blk_read(fault->lower, off, buf, len);
}

/* Whether the piece has room, or gets it now. */
static int take_piece(struct blk_fault *fault, uint64_t nr)
{
	static const uint8_t zeros[PIECE];
	uint8_t bytes[PIECE];
	uint64_t off = nr * PIECE, left = fault->blk.size - off, room;
	size_t len = left < PIECE ? (size_t)left : PIECE;
	int err;

	if (fault->taken[nr])
		return 0;
	err = blk_read(fault->lower, off, bytes, len);
	if (err)
		return err;
	if (!memcmp(bytes, zeros, len)) {
		room = fault->room;
		do {
			if (!room)
				return -ENOSPC;
		} while (room != UINT64_MAX &&
			!atomic_compare_exchange_weak(&fault->room, &room, room - 1));
	}
	fault->taken[nr] = 1;
	return 0;
}

/* How many of the bytes there is room for. */
static size_t fitting(struct blk_fault *fault, uint64_t off, size_t len, int *ret_err)
{
	uint64_t at;

	*ret_err = 0;
	if (fault->room == UINT64_MAX)
		return len;
	for (at = off; at < off + len; at += PIECE - at % PIECE) {
		*ret_err = take_piece(fault, at / PIECE);
		if (*ret_err)
			return at - off;
	}
	return len;
}

static int fault_write(struct blk *blk, uint64_t off, const void *buf, size_t len)
{
	struct blk_fault *fault = (struct blk_fault *)blk;
	int err = count(fault, BLK_FAULT_WRITE);
	size_t part = len;
	int lower_err;

	if (err) {
		part = len / 2 / SECTOR * SECTOR;
	} else {
		part = fitting(fault, off, len, &err);
		if (err)
			fault->hits++;
	}
	lower_err = blk_write(fault->lower, off, buf, part);
	return err ? err : lower_err;
}

static int fault_flush(struct blk *blk)
{
	struct blk_fault *fault = (struct blk_fault *)blk;
	int err = count(fault, BLK_FAULT_FLUSH);

	return err ? err : blk_flush(fault->lower);
}

static int fault_discard(struct blk *blk, uint64_t off, uint64_t len)
{
	return blk_discard(((struct blk_fault *)blk)->lower, off, len);
}

static void fault_close(struct blk *blk)
{
	struct blk_fault *fault = (struct blk_fault *)blk;

	blk_close(fault->lower);
	free((void *)fault->taken);
	free(fault);
}

static const struct blk_ops fault_ops = {
	.read = fault_read,
	.write = fault_write,
	.flush = fault_flush,
	.discard = fault_discard,
	.close = fault_close,
};

int blk_fault_new(struct blk *lower, struct blk **ret)
{
	struct blk_fault *fault = calloc(1, sizeof(*fault));

	if (!fault)
		return -ENOMEM;
	fault->taken = calloc(lower->size / PIECE + 1, 1);
	if (!fault->taken) {
		free(fault);
		return -ENOMEM;
	}
	fault->blk = (struct blk){ .ops = &fault_ops, .size = lower->size };
	fault->lower = lower;
	fault->room = UINT64_MAX;
	*ret = &fault->blk;
	return 0;
}

void blk_fault_plan(struct blk *blk, enum blk_fault_op op, uint64_t nth, int err, bool stay)
{
	struct plan *plan = &((struct blk_fault *)blk)->plans[op];

	plan->at = 0;
	plan->err = err;
	plan->stay = stay;
	if (nth)
		plan->at = plan->calls + nth;
}

uint64_t blk_fault_calls(const struct blk *blk, enum blk_fault_op op)
{
	return ((const struct blk_fault *)blk)->plans[op].calls;
}

uint64_t blk_fault_hits(const struct blk *blk)
{
	return ((const struct blk_fault *)blk)->hits;
}

void blk_fault_space(struct blk *blk, uint64_t pieces)
{
	((struct blk_fault *)blk)->room = pieces;
}
