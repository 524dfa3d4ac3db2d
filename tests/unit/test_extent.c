// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/extent.h"
#include "format/le.h"
#include "util/crc32c.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define ROOT_SIZE 60
#define BLOCK_SIZE 1024
#define MAGIC 0xF30A

/* One entry: an extent (len as on disk) or, in nodes of a depth, an index entry without one. */
struct entry {
	uint32_t lblk;
	uint16_t len;
	uint64_t pblk;
};

static void put_header(uint8_t *raw, unsigned entries, unsigned max, unsigned depth)
{
	le16_put(raw, MAGIC);
	le16_put(raw + 2, (uint16_t)entries);
	le16_put(raw + 4, (uint16_t)max);
	le16_put(raw + 6, (uint16_t)depth);
}

static void put_entry(uint8_t *raw, unsigned i, unsigned depth, const struct entry *entry)
{
	uint8_t *p = raw + 12 + (size_t)i * 12;

	le32_put(p, entry->lblk);
	if (depth) {
		le32_put(p + 4, (uint32_t)entry->pblk);
		le16_put(p + 8, (uint16_t)(entry->pblk >> 32));
		le16_put(p + 10, 0xAAAA); /* unused */
		return;
	}
	le16_put(p + 4, entry->len);
	le16_put(p + 6, (uint16_t)(entry->pblk >> 32));
	le32_put(p + 8, (uint32_t)entry->pblk);
}

static void test_leaf(void **state)
{
	static const struct entry entries[] = {
		{ 0, 1, 5 },
		{ 1, 32768, 0x123456789ABC },
		{ 40000, 32769, 77 },
		{ 0xFFFF8000, 65535, 78 },
	};
	uint8_t raw[ROOT_SIZE];
	struct extent_node node;
	struct extent ext;
	const char *why;

	(void)state;
	put_header(raw, 4, 4, 0);
	for (unsigned i = 0; i < 4; i++)
		put_entry(raw, i, 0, &entries[i]);
	assert_int_equal(extent_node_decode(raw, sizeof(raw), &node, &why), 0);
	assert_int_equal(node.entries, 4);
	assert_int_equal(node.depth, 0);
	extent_get(&node, 0, &ext);
	assert_int_equal(ext.lblk, 0);
	assert_int_equal(ext.nr, 1);
	assert_int_equal(ext.pblk, 5);
	assert_false(ext.unwritten);
	extent_get(&node, 1, &ext);
	assert_int_equal(ext.nr, 32768);
	assert_int_equal(ext.pblk, 0x123456789ABC);
	assert_false(ext.unwritten);
	extent_get(&node, 2, &ext);
	assert_int_equal(ext.nr, 1);
	assert_true(ext.unwritten);
	extent_get(&node, 3, &ext);
	assert_int_equal(ext.lblk, 0xFFFF8000);
	assert_int_equal(ext.nr, 32767);
	assert_true(ext.unwritten);
}

static void test_index(void **state)
{
	static const struct entry entries[] = { { 0, 0, 5 }, { 100, 0, 0xFEDC00000001 } };
	uint8_t raw[BLOCK_SIZE] = { 0 };
	struct extent_node node;
	struct extent_index index;
	const char *why;

	(void)state;
	put_header(raw, 2, 84, 3);
	for (unsigned i = 0; i < 2; i++)
		put_entry(raw, i, 3, &entries[i]);
	assert_int_equal(extent_node_decode(raw, sizeof(raw), &node, &why), 0);
	assert_int_equal(node.depth, 3);
	extent_index_get(&node, 1, &index);
	assert_int_equal(index.lblk, 100);
	assert_int_equal(index.pblk, 0xFEDC00000001);
}

static void test_headers(void **state)
{
	static const struct {
		unsigned magic, entries, max, depth, size;
		const char *why; /* NULL: good */
	} cases[] = {
		{ MAGIC, 0, 4, 0, ROOT_SIZE, NULL },
		{ MAGIC, 1, 4, 5, ROOT_SIZE, NULL },
		{ MAGIC, 1, 1, 0, ROOT_SIZE, NULL },
		{ MAGIC, 1, 84, 0, BLOCK_SIZE, NULL },
		{ MAGIC, 1, 83, 0, BLOCK_SIZE, NULL },
		{ 0, 1, 4, 0, ROOT_SIZE, "magic" },
		{ 0x0AF3, 1, 4, 0, ROOT_SIZE, "magic" },
		{ MAGIC, 0, 0, 0, ROOT_SIZE, "eh_max" },
		{ MAGIC, 1, 5, 0, ROOT_SIZE, "eh_max" },
		{ MAGIC, 1, 84, 0, ROOT_SIZE, "eh_max" },
		{ MAGIC, 1, 85, 0, BLOCK_SIZE, "eh_max" },
		{ MAGIC, 1, 65535, 0, BLOCK_SIZE, "eh_max" },
		{ MAGIC, 5, 4, 0, ROOT_SIZE, "eh_entries" },
		{ MAGIC, 65535, 84, 0, BLOCK_SIZE, "eh_entries" },
		{ MAGIC, 1, 4, 6, ROOT_SIZE, "eh_depth" },
		{ MAGIC, 1, 4, 65535, ROOT_SIZE, "eh_depth" },
		{ MAGIC, 0, 4, 1, ROOT_SIZE, "without entries" },
	};
	static const struct entry entry = { 0, 1, 5 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t *raw = calloc(1, cases[i].size);
		struct extent_node node;
		const char *why = "untouched";
		int err;

		put_header(raw, cases[i].entries, cases[i].max, cases[i].depth);
		le16_put(raw, (uint16_t)cases[i].magic);
		put_entry(raw, 0, cases[i].depth, &entry);
		err = extent_node_decode(raw, cases[i].size, &node, &why);
		assert_int_equal(err, cases[i].why ? -EUCLEAN : 0);
		if (cases[i].why && !strstr(why, cases[i].why))
			fail_msg("case %zu: \"%s\"", i, why);
		free(raw);
	}
}

static void test_entries(void **state)
{
	static const struct {
		unsigned depth, nr;
		struct entry entries[3];
		const char *why;
	} cases[] = {
		{ 0, 3, { { 0, 5, 9 }, { 5, 5, 9 }, { 10, 1, 9 } }, NULL },
		{ 0, 2, { { 0, 5, 9 }, { 4, 5, 9 } }, "overlap" },
		{ 0, 2, { { 0, 32768, 9 }, { 32767, 1, 9 } }, "overlap" },
		{ 0, 2, { { 0, 65535, 9 }, { 32767, 1, 9 } }, NULL },
		{ 0, 2, { { 5, 1, 9 }, { 0, 1, 9 } }, "order" },
		{ 0, 2, { { 5, 1, 9 }, { 5, 1, 9 } }, "order" },
		{ 0, 3, { { 0, 1, 9 }, { 9, 1, 9 }, { 5, 1, 9 } }, "order" },
		{ 0, 1, { { 5, 0, 9 } }, "overlap" },
		{ 0, 1, { { 0xFFFFFFFF, 1, 9 } }, NULL },
		{ 0, 1, { { 0xFFFFFFFF, 2, 9 } }, "overlap" },
		{ 0, 1, { { 0xFFFFFFFF, 32770, 9 } }, "overlap" },
		{ 2, 2, { { 0, 0, 9 }, { 1, 0, 9 } }, NULL },
		{ 2, 2, { { 7, 0, 9 }, { 7, 0, 9 } }, "order" },
		{ 2, 2, { { 7, 0, 9 }, { 6, 0, 9 } }, "order" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t raw[ROOT_SIZE] = { 0 };
		struct extent_node node;
		const char *why = "untouched";
		int err;

		put_header(raw, cases[i].nr, 4, cases[i].depth);
		for (unsigned j = 0; j < cases[i].nr; j++)
			put_entry(raw, j, cases[i].depth, &cases[i].entries[j]);
		err = extent_node_decode(raw, sizeof(raw), &node, &why);
		if (err != (cases[i].why ? -EUCLEAN : 0))
			fail_msg("case %zu: %d", i, err);
		if (cases[i].why && !strstr(why, cases[i].why))
			fail_msg("case %zu: \"%s\"", i, why);
	}
}

/* The checksum lies behind eh_max entries, wherever that is, but inside the block. */
static void test_csum(void **state)
{
	static const unsigned max[] = { 84, 83, 1 };
	static const struct entry entry = { 0, 1, 5 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(max); i++) {
		size_t tail = 12 + (size_t)max[i] * 12;
		uint8_t raw[BLOCK_SIZE] = { 0 };
		struct extent_node node;
		const char *why;

		put_header(raw, 1, max[i], 0);
		put_entry(raw, 0, 0, &entry);
		le32_put(raw + tail, crc32c(42, raw, tail));
		assert_int_equal(extent_node_decode(raw, sizeof(raw), &node, &why), 0);
		assert_true(extent_csum_ok(&node, BLOCK_SIZE, 42));
		assert_false(extent_csum_ok(&node, BLOCK_SIZE, 43));
		for (size_t at = 0; at < tail + 4; at++) {
			raw[at] ^= 0x80;
			assert_false(extent_csum_ok(&node, BLOCK_SIZE, 42));
			raw[at] ^= 0x80;
		}
	}
}

/* Any bytes, in an allocation that ends where the node does. */
static void test_noise(void **state)
{
	uint32_t rng = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t size = round % 2 ? ROOT_SIZE : BLOCK_SIZE;
		uint8_t *raw = malloc(size);
		struct extent_node node;
		struct extent ext;
		const char *why;

		for (size_t i = 0; i < size; i++) {
			rng = rng * 1664525 + 1013904223;
			raw[i] = (uint8_t)(rng >> 24) & (round % 3 ? 0xFF : 3);
		}
		le16_put(raw, MAGIC);
		raw[4] = (uint8_t)(rng % (size / 12));
		raw[5] = raw[7] = raw[3] = 0;
		raw[6] %= 6;
		if (!extent_node_decode(raw, size, &node, &why)) {
			for (unsigned i = 0; i < node.entries; i++)
				extent_get(&node, i, &ext);
			if (size == BLOCK_SIZE)
				(void)extent_csum_ok(&node, BLOCK_SIZE, 0);
		}
		free(raw);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaf),
		cmocka_unit_test(test_index),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_csum),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
