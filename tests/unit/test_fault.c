// SPDX-License-Identifier: GPL-2.0-or-later
/* Calls that fail on demand: blk/fault.c. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "blk/fault.h"

#define PIECE 4096u
#define SIZE (16u * PIECE)

static uint8_t ones[SIZE];

static struct blk *make(void)
{
	static uint8_t bytes[SIZE];
	struct blk *mem, *blk;

	memset(ones, 1, sizeof(ones));
	/* The first piece has its room, the others are holes. */
	bytes[7] = 1;
	assert_int_equal(blk_mem_new(bytes, SIZE, &mem), 0);
	assert_int_equal(blk_fault_new(mem, &blk), 0);
	return blk;
}

static int read_at(struct blk *blk, uint64_t off)
{
	uint8_t byte;
	int err = blk_read(blk, off, &byte, 1);

	return err ? err : byte;
}

static void counts_and_passes(void **state)
{
	struct blk *blk = make();

	(void)state;
	assert_int_equal(read_at(blk, 7), 1);
	assert_int_equal(blk_write(blk, 0, ones, 10), 0);
	assert_int_equal(blk_write(blk, 10, ones, 10), 0);
	assert_int_equal(blk_flush(blk), 0);
	assert_int_equal(blk_fault_calls(blk, BLK_FAULT_READ), 1);
	assert_int_equal(blk_fault_calls(blk, BLK_FAULT_WRITE), 2);
	assert_int_equal(blk_fault_calls(blk, BLK_FAULT_FLUSH), 1);
	assert_int_equal(blk_fault_hits(blk), 0);
	blk_close(blk);
}

static void once(void **state)
{
	struct blk *blk = make();

	(void)state;
	assert_int_equal(read_at(blk, 0), 0);
	blk_fault_plan(blk, BLK_FAULT_READ, 2, -EIO, false);
	assert_int_equal(read_at(blk, 0), 0);
	assert_int_equal(read_at(blk, 0), -EIO);
	assert_int_equal(read_at(blk, 0), 0);
	assert_int_equal(blk_fault_hits(blk), 1);
	blk_close(blk);
}

static void from_then_on(void **state)
{
	struct blk *blk = make();

	(void)state;
	blk_fault_plan(blk, BLK_FAULT_FLUSH, 2, -EREMOTEIO, true);
	assert_int_equal(blk_flush(blk), 0);
	assert_int_equal(blk_flush(blk), -EREMOTEIO);
	assert_int_equal(blk_flush(blk), -EREMOTEIO);
	blk_fault_plan(blk, BLK_FAULT_FLUSH, 0, 0, false);
	assert_int_equal(blk_flush(blk), 0);
	blk_close(blk);
}

static void failed_write_is_half_there(void **state)
{
	struct blk *blk = make();

	(void)state;
	blk_fault_plan(blk, BLK_FAULT_WRITE, 1, -EIO, false);
	assert_int_equal(blk_write(blk, PIECE, ones, 2 * PIECE), -EIO);
	assert_int_equal(read_at(blk, 2 * PIECE - 1), 1);
	assert_int_equal(read_at(blk, 2 * PIECE), 0);
	blk_close(blk);
}

static void full_disk(void **state)
{
	struct blk *blk = make();

	(void)state;
	blk_fault_space(blk, 2);
	/* In place */
	assert_int_equal(blk_write(blk, 0, ones, PIECE), 0);
	/* The third new piece is one too many; the two before it are there. */
	assert_int_equal(blk_write(blk, PIECE + 100, ones, 2 * PIECE), -ENOSPC);
	assert_int_equal(read_at(blk, PIECE + 99), 0);
	assert_int_equal(read_at(blk, PIECE + 100), 1);
	assert_int_equal(read_at(blk, 3 * PIECE - 1), 1);
	assert_int_equal(read_at(blk, 3 * PIECE), 0);
	/* What has room keeps it. */
	assert_int_equal(blk_write(blk, PIECE, ones, 2 * PIECE), 0);
	assert_int_equal(blk_write(blk, 8 * PIECE, ones, 1), -ENOSPC);
	blk_fault_space(blk, UINT64_MAX);
	assert_int_equal(blk_write(blk, 8 * PIECE, ones, 1), 0);
	assert_int_equal(blk_fault_hits(blk), 2);
	blk_close(blk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_and_passes),
		cmocka_unit_test(once),
		cmocka_unit_test(from_then_on),
		cmocka_unit_test(failed_write_is_half_there),
		cmocka_unit_test(full_disk),
	};

	return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
