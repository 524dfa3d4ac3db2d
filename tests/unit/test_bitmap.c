// SPDX-License-Identifier: GPL-2.0-or-later
/* Bit arithmetic against the obvious way to do it, and checksums against a descriptor of mke2fs. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "format/bitmap.h"
#include "format/gdesc.h"

#define BITS 1000u
#define BYTES 128u
#define TURNS 20000u

static bool slow_next(const uint8_t *map, uint32_t from, uint32_t end, bool value, uint32_t *ret)
{
	for (; from < end; from++)
		if (bitmap_test(map, from) == value)
			break;
	*ret = from < end ? from : end;
	return from < end;
}

static void fill(uint8_t *map, unsigned *seed)
{
	for (unsigned i = 0; i < BYTES; i++) {
		unsigned kind = (unsigned)rand_r(seed) % 4;

		map[i] = kind == 0 ? 0 : kind == 1 ? 0xFF : (uint8_t)rand_r(seed);
	}
	if (rand_r(seed) % 4 == 0)
		memset(map + 20, rand_r(seed) % 2 ? 0xFF : 0, 70);
}

static void test_next(void **state)
{
	uint8_t map[BYTES];
	unsigned seed = 1;

	(void)state;
	for (unsigned i = 0; i < TURNS; i++) {
		uint32_t from = (uint32_t)rand_r(&seed) % BITS;
		uint32_t end = from + (uint32_t)rand_r(&seed) % (BITS - from + 1), want;

		fill(map, &seed);
		slow_next(map, from, end, false, &want);
		assert_int_equal(bitmap_next_zero(map, from, end), want);
		slow_next(map, from, end, true, &want);
		assert_int_equal(bitmap_next_set(map, from, end), want);
	}
}

static void test_set_clear(void **state)
{
	uint8_t map[BYTES], before[BYTES];
	unsigned seed = 2;

	(void)state;
	for (unsigned i = 0; i < TURNS; i++) {
		uint32_t from = (uint32_t)rand_r(&seed) % BITS;
		uint32_t nr = (uint32_t)rand_r(&seed) % (BITS - from + 1), zeros = 0;
		bool set = rand_r(&seed) % 2;

		fill(map, &seed);
		memcpy(before, map, BYTES);
		(set ? bitmap_set : bitmap_clear)(map, from, nr);
		for (uint32_t bit = 0; bit < BYTES * 8; bit++) {
			bool inside = bit >= from && bit < from + nr;

			assert_int_equal(bitmap_test(map, bit),
				inside ? set : bitmap_test(before, bit));
			zeros += bit < BITS && !bitmap_test(map, bit);
		}
		assert_int_equal(bitmap_count_zero(map, BITS), zeros);
		assert_int_equal(bitmap_contains(map, before, BITS), set ||
			bitmap_next_set(before, from, from + nr) == from + nr);
		if (set)
			assert_true(bitmap_all_set(map, from, nr));
	}
}

static void test_find_run(void **state)
{
	uint8_t map[BYTES];
	struct bitmap_run run;

	(void)state;
	memset(map, 0xFF, BYTES);
	assert_false(bitmap_find_run(map, BITS, 0, 1, &run));
	assert_int_equal(run.nr, 0);
	bitmap_clear(map, 10, 5);
	bitmap_clear(map, 100, 20);
	bitmap_clear(map, 990, 10);
	assert_true(bitmap_find_run(map, BITS, 0, 5, &run));
	assert_int_equal(run.start, 10);
	assert_true(bitmap_find_run(map, BITS, 11, 5, &run));
	assert_int_equal(run.start, 100);
	assert_int_equal(run.nr, 20);
	/* from the goal on first */
	assert_true(bitmap_find_run(map, BITS, 105, 15, &run));
	assert_int_equal(run.start, 105);
	/* round about, and whole then */
	assert_true(bitmap_find_run(map, BITS, 105, 16, &run));
	assert_int_equal(run.start, 100);
	assert_int_equal(run.nr, 20);
	/* the longest */
	assert_false(bitmap_find_run(map, BITS, 500, 21, &run));
	assert_int_equal(run.start, 100);
	assert_int_equal(run.nr, 20);
	/* not past the end */
	assert_true(bitmap_find_run(map, 995, 900, 5, &run));
	assert_int_equal(run.start, 990);
	assert_int_equal(run.nr, 5);
	assert_true(bitmap_find_run(map, BITS, 5000, 1, &run));
	assert_int_equal(run.start, 10);
}

static void test_gdesc(void **state)
{
	struct super sb = { .desc_size = 64, .csum_seed = 77,
		.ro_compat = EXT4_FEATURE_RO_COMPAT_METADATA_CSUM };
	struct gdesc gd = { .free_clusters = 0x12345, .free_inodes = 0x23456, .used_dirs = 0x34567,
		.itable_unused = 0x45678, .flags = 5, .block_bitmap_csum = 0xDEADBEEF,
		.inode_bitmap_csum = 0xCAFEF00D };
	struct gdesc back;
	uint8_t raw[64] = { [0] = 9, [0x20] = 1 };

	(void)state;
	gdesc_encode(&sb, 3, &gd, raw);
	assert_true(gdesc_csum_ok(&sb, 3, raw));
	assert_false(gdesc_csum_ok(&sb, 4, raw));
	gdesc_decode(&sb, raw, &back);
	assert_int_equal(back.block_bitmap, 0x100000009);
	assert_int_equal(back.free_clusters, gd.free_clusters);
	assert_int_equal(back.free_inodes, gd.free_inodes);
	assert_int_equal(back.used_dirs, gd.used_dirs);
	assert_int_equal(back.itable_unused, gd.itable_unused);
	assert_int_equal(back.flags, 5);
	assert_int_equal(back.block_bitmap_csum, 0xDEADBEEF);
	assert_int_equal(back.inode_bitmap_csum, 0xCAFEF00D);

	/* short descriptors, crc16 */
	sb.desc_size = 32;
	sb.ro_compat = EXT4_FEATURE_RO_COMPAT_GDT_CSUM;
	memset(raw, 0, sizeof(raw));
	gd.free_clusters = 17;
	gdesc_encode(&sb, 3, &gd, raw);
	assert_true(gdesc_csum_ok(&sb, 3, raw));
	for (unsigned i = 32; i < 64; i++)
		assert_int_equal(raw[i], 0);
	gdesc_decode(&sb, raw, &back);
	assert_int_equal(back.free_clusters, 17);
	/* only metadata_csum has them */
	assert_int_equal(back.block_bitmap_csum, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_set_clear),
		cmocka_unit_test(test_find_run),
		cmocka_unit_test(test_gdesc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
