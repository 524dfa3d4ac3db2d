// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The record is an array of pointers to events, in the order in which the calls began. Writes that
 * overlap are ordered by their callers, so that this order is also theirs on the medium.
 */
#include "config.h"

#include "blk/record.h"

#include <errno.h>
#include <string.h>

#include "util/lock.h"

#define PIECE 4096u /* bytes, by default */

struct event {
	struct blk_record_event e; /* [record's lock] err and ended until the call has returned */
	uint8_t data[];
};

struct blk_record {
	struct blk blk;
	struct blk *lower;     /* [const] owned */
	bool held;	       /* [const] after blk_record_hold(): outlives its close */
	struct lock lock;      /* rank LEAF */
	uint64_t stamp;	       /* [lock] the next one */
	struct event **events; /* [lock] owned */
	size_t nr, room;       /* [lock] */
};

static int grow(struct blk_record *rec)
{
	size_t room = rec->room ? rec->room * 2 : 1024;
	struct event **events = realloc(rec->events, room * sizeof(*events));

	if (!events)
		return -ENOMEM;
	rec->events = events;
	rec->room = room;
	return 0;
}

/* Notes that a call begins. */
static int begin(struct blk_record *rec, enum blk_record_kind kind, uint64_t off, uint64_t len,
	const void *data, struct event **ret)
{
	struct event *event = malloc(sizeof(*event) + (data ? len : 0));
	int err = 0;

	if (!event)
		return -ENOMEM;
	event->e = (struct blk_record_event){
		.kind = kind, .off = off, .len = len, .ended = UINT64_MAX
	};
	if (data) {
		memcpy(event->data, data, len);
		event->e.data = event->data;
	}
	lock_take(&rec->lock);
	if (rec->nr == rec->room)
		err = grow(rec);
	if (!err) {
		event->e.began = rec->stamp++;
		rec->events[rec->nr++] = event;
	}
	lock_drop(&rec->lock);
	if (err) {
		free(event);
		return err;
	}
	*ret = event;
	return 0;
}

static int end(struct blk_record *rec, struct event *event, int err)
{
	lock_take(&rec->lock);
	event->e.err = err;
	event->e.ended = rec->stamp++;
	lock_drop(&rec->lock);
	return err;
}

static int record_read(struct blk *blk, uint64_t off, void *buf, size_t len)
{
	return blk_read(((struct blk_record *)blk)->lower, off, buf, len);
}

static int record_write(struct blk *blk, uint64_t off, const void *buf, size_t len)
{
	struct blk_record *rec = (struct blk_record *)blk;
	struct event *event;
	int err = begin(rec, BLK_RECORD_WRITE, off, len, buf, &event);

	return err ? err : end(rec, event, blk_write(rec->lower, off, buf, len));
}

static int record_flush(struct blk *blk)
{
	struct blk_record *rec = (struct blk_record *)blk;
	struct event *event;
	int err = begin(rec, BLK_RECORD_FLUSH, 0, 0, NULL, &event);

	return err ? err : end(rec, event, blk_flush(rec->lower));
}

static int record_discard(struct blk *blk, uint64_t off, uint64_t len)
{
	struct blk_record *rec = (struct blk_record *)blk;
	struct event *event;
	int err = begin(rec, BLK_RECORD_DISCARD, off, len, NULL, &event);

	return err ? err : end(rec, event, blk_discard(rec->lower, off, len));
}

static void record_free(struct blk_record *rec)
{
	blk_close(rec->lower);
	for (size_t i = 0; i < rec->nr; i++)
		free(rec->events[i]);
	free(rec->events);
	lock_fini(&rec->lock);
	free(rec);
}

static void record_close(struct blk *blk)
{
	struct blk_record *rec = (struct blk_record *)blk;

	if (!rec->held)
		record_free(rec);
}

static const struct blk_ops record_ops = {
	.read = record_read,
	.write = record_write,
	.flush = record_flush,
	.discard = record_discard,
	.close = record_close,
};

int blk_record_new(struct blk *lower, struct blk **ret)
{
	struct blk_record *rec = calloc(1, sizeof(*rec));

	if (!rec)
		return -ENOMEM;
	rec->blk = (struct blk){ .ops = &record_ops, .size = lower->size };
	rec->lower = lower;
	lock_init(&rec->lock, LOCK_RANK_LEAF);
	*ret = &rec->blk;
	return 0;
}

void blk_record_hold(struct blk *blk)
{
	((struct blk_record *)blk)->held = true;
}

void blk_record_free(struct blk *blk)
{
	record_free((struct blk_record *)blk);
}

uint64_t blk_record_now(struct blk *blk)
{
	struct blk_record *rec = (struct blk_record *)blk;
	uint64_t now;

	lock_take(&rec->lock);
	now = rec->stamp++;
	lock_drop(&rec->lock);
	return now;
}

size_t blk_record_count(struct blk *blk)
{
	struct blk_record *rec = (struct blk_record *)blk;
	size_t nr;

	lock_take(&rec->lock);
	nr = rec->nr;
	lock_drop(&rec->lock);
	return nr;
}

struct blk_record_event blk_record_event(struct blk *blk, size_t i)
{
	struct blk_record *rec = (struct blk_record *)blk;
	struct blk_record_event event;

	lock_take(&rec->lock);
	event = rec->events[i]->e;
	lock_drop(&rec->lock);
	return event;
}

/* ---- cuts ---- */

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* What returned before this stamp is durable at stamp at: where the youngest flush began. */
static uint64_t durable_before(const struct blk_record *rec, uint64_t at)
{
	uint64_t before = 0;

	for (size_t i = 0; i < rec->nr && rec->events[i]->e.began < at; i++) {
		const struct blk_record_event *e = &rec->events[i]->e;

		if (e->kind == BLK_RECORD_FLUSH && !e->err && e->ended < at && e->began > before)
			before = e->began;
	}
	return before;
}

/* Part of an event. Discarded bytes may read as anything: here as before or as zeros. */
static void apply(const struct blk_record_event *e, uint64_t off, uint64_t len, uint8_t *image)
{
	if (e->kind == BLK_RECORD_WRITE)
		memcpy(image + off, e->data + (off - e->off), len);
	else
		memset(image + off, 0, len);
}

static void apply_pieces(const struct blk_record_event *e, uint64_t piece, unsigned keep,
	uint64_t *random, uint8_t *image)
{
	uint64_t off = e->off, end_off = e->off + e->len, len;

	for (; off < end_off; off += len) {
		len = piece - off % piece;
		if (len > end_off - off)
			len = end_off - off;
		if (next_random(random) % 1000 < keep)
			apply(e, off, len, image);
	}
}

void blk_record_build(struct blk *blk, const struct blk_record_cut *cut, uint8_t *image)
{
	struct blk_record *rec = (struct blk_record *)blk;
	uint64_t random = cut->seed, before, piece = cut->piece ? cut->piece : PIECE;

	lock_take(&rec->lock);
	before = durable_before(rec, cut->at);
	for (size_t i = 0; i < rec->nr && rec->events[i]->e.began < cut->at; i++) {
		const struct blk_record_event *e = &rec->events[i]->e;

		if (e->kind == BLK_RECORD_FLUSH || (e->kind == BLK_RECORD_DISCARD && e->err))
			continue;
		if (e->kind == BLK_RECORD_WRITE && !e->err && e->ended < before)
			apply(e, e->off, e->len, image);
		else
			apply_pieces(e, piece, e->kind == BLK_RECORD_DISCARD ? 500 : cut->keep,
				&random, image);
	}
	lock_drop(&rec->lock);
}
