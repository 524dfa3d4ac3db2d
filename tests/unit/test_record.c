// SPDX-License-Identifier: GPL-2.0-or-later
/* What a power cut may leave: blk/record.c. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "blk/fault.h"
#include "blk/record.h"

#define PIECE 4096u
#define PIECES 64u
#define SIZE (PIECES * PIECE)

static struct blk *make(void)
{
	static const uint8_t zeros[SIZE];
	struct blk *mem, *blk;

	assert_int_equal(blk_mem_new(zeros, SIZE, &mem), 0);
	assert_int_equal(blk_record_new(mem, &blk), 0);
	return blk;
}

/* Fills nr pieces from the first one on with a byte. */
static void put(struct blk *blk, unsigned first, unsigned nr, uint8_t byte)
{
	uint8_t *bytes = malloc(nr * PIECE);

	assert_non_null(bytes);
	memset(bytes, byte, nr * PIECE);
	assert_int_equal(blk_write(blk, first * PIECE, bytes, nr * PIECE), 0);
	free(bytes);
}

/* The image after a cut; the caller frees it. */
static uint8_t *cut(struct blk *blk, uint64_t at, unsigned keep, uint64_t seed)
{
	struct blk_record_cut c = { .at = at, .keep = keep, .seed = seed };
	uint8_t *image = calloc(1, SIZE);

	assert_non_null(image);
	blk_record_build(blk, &c, image);
	return image;
}

/* How many of the pieces are full of the byte; the others must be zeros. */
static unsigned count(const uint8_t *image, unsigned first, unsigned nr, uint8_t byte)
{
	unsigned full = 0;

	for (unsigned i = first; i < first + nr; i++) {
		const uint8_t *p = image + i * PIECE;

		assert_true(p[0] == byte || p[0] == 0);
		assert_int_equal(memcmp(p, p + 1, PIECE - 1), 0);
		full += p[0] == byte;
	}
	return full;
}

static void events_in_order(void **state)
{
	struct blk *blk = make();
	struct blk_record_event e;
	uint8_t byte = 0;

	(void)state;
	put(blk, 1, 2, 7);
	assert_int_equal(blk_flush(blk), 0);
	assert_int_equal(blk_write(blk, 5, "abc", 3), 0);
	assert_int_equal(blk_discard(blk, PIECE, PIECE), -EOPNOTSUPP);
	assert_int_equal(blk_record_count(blk), 4);
	e = blk_record_event(blk, 0);
	assert_true(e.kind == BLK_RECORD_WRITE && e.off == PIECE && e.len == 2 * PIECE && !e.err);
	assert_int_equal(e.data[0], 7);
	assert_true(blk_record_event(blk, 1).kind == BLK_RECORD_FLUSH);
	assert_true(blk_record_event(blk, 1).began > e.ended);
	e = blk_record_event(blk, 2);
	assert_true(e.off == 5 && e.len == 3 && !memcmp(e.data, "abc", 3));
	assert_int_equal(blk_record_event(blk, 3).err, -EOPNOTSUPP);
	/* What was written can be read. */
	assert_int_equal(blk_read(blk, 6, &byte, 1), 0);
	assert_int_equal(byte, 'b');
	blk_close(blk);
}

static void flushed_is_durable(void **state)
{
	struct blk *blk = make();
	uint64_t between;
	uint8_t *image;

	(void)state;
	put(blk, 0, 8, 1);
	between = blk_record_now(blk);
	assert_int_equal(blk_flush(blk), 0);
	put(blk, 8, 8, 2);
	image = cut(blk, UINT64_MAX, 0, 1);
	assert_int_equal(count(image, 0, 8, 1), 8);
	assert_int_equal(count(image, 8, 8, 2), 0);
	free(image);
	image = cut(blk, UINT64_MAX, 1000, 1);
	assert_int_equal(count(image, 8, 8, 2), 8);
	free(image);
	/* Before the flush nothing is. */
	image = cut(blk, between, 0, 1);
	assert_int_equal(count(image, 0, 16, 1), 0);
	free(image);
	/* The moment the flush returned counts, not the one where it began. */
	image = cut(blk, blk_record_event(blk, 1).ended, 0, 1);
	assert_int_equal(count(image, 0, 8, 1), 0);
	free(image);
	image = cut(blk, blk_record_event(blk, 1).ended + 1, 0, 1);
	assert_int_equal(count(image, 0, 8, 1), 8);
	free(image);
	blk_close(blk);
}

static void pieces_by_seed(void **state)
{
	struct blk *blk = make();
	uint8_t *a, *b, *c;
	unsigned nr;

	(void)state;
	put(blk, 0, PIECES, 3);
	a = cut(blk, UINT64_MAX, 500, 1);
	b = cut(blk, UINT64_MAX, 500, 1);
	c = cut(blk, UINT64_MAX, 500, 2);
	nr = count(a, 0, PIECES, 3);
	assert_true(nr > PIECES / 8 && nr < PIECES * 7 / 8);
	assert_memory_equal(a, b, SIZE);
	assert_int_not_equal(memcmp(a, c, SIZE), 0);
	free(a);
	free(b);
	free(c);
	blk_close(blk);
}

static void torn_in_sectors(void **state)
{
	struct blk *blk = make();
	struct blk_record_cut c = { .at = UINT64_MAX, .keep = 500, .piece = 512, .seed = 4 };
	uint8_t *image = calloc(1, SIZE);
	bool torn = false;

	(void)state;
	assert_non_null(image);
	put(blk, 0, PIECES, 3);
	blk_record_build(blk, &c, image);
	for (unsigned i = 0; i < SIZE; i += 512) {
		assert_int_equal(memcmp(image + i, image + i + 1, 511), 0);
		torn = torn || (i % PIECE && image[i] != image[i - 1]);
	}
	assert_true(torn);
	free(image);
	blk_close(blk);
}

/* A piece written twice without a flush between is one, the other, or as before. */
static void younger_over_older(void **state)
{
	struct blk *blk = make();
	bool seen[3] = {false};
	uint8_t *image;

	(void)state;
	put(blk, 0, 1, 1);
	put(blk, 0, 1, 2);
	for (uint64_t seed = 0; seed < 64; seed++) {
		image = cut(blk, UINT64_MAX, 500, seed);
		assert_true(image[0] <= 2);
		seen[image[0]] = true;
		free(image);
	}
	assert_true(seen[0] && seen[1] && seen[2]);
	image = cut(blk, UINT64_MAX, 1000, 1);
	assert_int_equal(image[0], 2);
	free(image);
	blk_close(blk);
}

static void failed_calls_promise_nothing(void **state)
{
	static const uint8_t zeros[SIZE];
	struct blk *mem, *fault, *blk;
	uint8_t bytes[PIECE], *image;

	(void)state;
	assert_int_equal(blk_mem_new(zeros, SIZE, &mem), 0);
	assert_int_equal(blk_fault_new(mem, &fault), 0);
	assert_int_equal(blk_record_new(fault, &blk), 0);
	memset(bytes, 5, sizeof(bytes));
	blk_fault_plan(fault, BLK_FAULT_WRITE, 2, -EIO, false);
	blk_fault_plan(fault, BLK_FAULT_FLUSH, 1, -EIO, false);
	assert_int_equal(blk_write(blk, 0, bytes, PIECE), 0);
	assert_int_equal(blk_flush(blk), -EIO);
	image = cut(blk, UINT64_MAX, 0, 1);
	assert_int_equal(count(image, 0, 1, 5), 0);
	free(image);
	assert_int_equal(blk_write(blk, PIECE, bytes, PIECE), -EIO);
	assert_int_equal(blk_flush(blk), 0);
	image = cut(blk, UINT64_MAX, 0, 1);
	assert_int_equal(count(image, 0, 1, 5), 1);
	assert_int_equal(count(image, 1, 1, 5), 0);
	free(image);
	image = cut(blk, UINT64_MAX, 1000, 1);
	assert_int_equal(count(image, 0, 2, 5), 2);
	free(image);
	blk_close(blk);
}

static void held_outlives_close(void **state)
{
	struct blk *blk = make();
	uint8_t *image;

	(void)state;
	blk_record_hold(blk);
	put(blk, 0, 1, 9);
	blk_close(blk);
	image = cut(blk, UINT64_MAX, 1000, 1);
	assert_int_equal(count(image, 0, 1, 9), 1);
	free(image);
	blk_record_free(blk);
}

struct writer {
	struct blk *blk;
	unsigned first;
};

#define ROUNDS 200u

static void *write_pieces(void *arg)
{
	struct writer *w = arg;
	uint8_t bytes[PIECE];

	for (unsigned i = 0; i < ROUNDS; i++) {
		memset(bytes, (int)(i % 255 + 1), sizeof(bytes));
		if (blk_write(w->blk, (uint64_t)(w->first + i % 8) * PIECE, bytes, PIECE) ||
			(i % 16 == 15 && blk_flush(w->blk)))
			return (void *)1;
	}
	return NULL;
}

static void threads(void **state)
{
	struct blk *blk = make();
	struct writer writers[4];
	pthread_t ids[4];
	uint64_t last = 0;
	void *bad;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		writers[i] = (struct writer){ blk, i * 8 };
		assert_int_equal(pthread_create(&ids[i], NULL, write_pieces, &writers[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(ids[i], &bad), 0);
		assert_null(bad);
	}
	assert_int_equal(blk_record_count(blk), 4 * (ROUNDS + ROUNDS / 16));
	for (size_t i = 0; i < blk_record_count(blk); i++) {
		struct blk_record_event e = blk_record_event(blk, i);

		assert_true(i == 0 || e.began > last);
		assert_true(e.ended > e.began && e.ended != UINT64_MAX);
		last = e.began;
	}
	blk_close(blk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_in_order),
		cmocka_unit_test(flushed_is_durable),
		cmocka_unit_test(pieces_by_seed),
		cmocka_unit_test(torn_in_sectors),
		cmocka_unit_test(younger_over_older),
		cmocka_unit_test(failed_calls_promise_nothing),
		cmocka_unit_test(held_outlives_close),
		cmocka_unit_test(threads),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
