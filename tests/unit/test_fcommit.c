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

#include "format/fcommit.h"
#include "util/crc32c.h"

#define INODE_SIZE 256
#define BUF_SIZE 1024

/* Writes a tag with a value of len bytes 1, 2, 3 ... and returns its whole length. */
static size_t put(uint8_t *buf, unsigned type, size_t len)
{
	buf[0] = (uint8_t)type;
	buf[1] = (uint8_t)(type >> 8);
	buf[2] = (uint8_t)len;
	buf[3] = (uint8_t)(len >> 8);
	for (size_t i = 0; i < len; i++)
		buf[FCOMMIT_TAG_HDR + i] = (uint8_t)(i + 1);
	return FCOMMIT_TAG_HDR + len;
}

static void decode(const uint8_t *buf, size_t len, struct fcommit_tag *ret)
{
	assert_int_equal(fcommit_decode(buf, len, INODE_SIZE, ret), 0);
	assert_int_equal(ret->len, len);
}

static void test_ranges(void **state)
{
	uint8_t buf[BUF_SIZE];
	struct fcommit_tag tag;
	size_t len = put(buf, FCOMMIT_ADD_RANGE, 16);

	(void)state;
	decode(buf, len, &tag);
	assert_int_equal(tag.type, FCOMMIT_ADD_RANGE);
	assert_int_equal(tag.range.ino, 0x04030201);
	assert_int_equal(tag.range.lblk, 0x08070605);
	assert_int_equal(tag.range.nr, 0x0a09);
	assert_int_equal(tag.range.pblk, 0x0c0b100f0e0dULL);
	assert_false(tag.range.unwritten);

	/* 32768 is the longest written extent, 32769 an unwritten one of one block */
	buf[FCOMMIT_TAG_HDR + 8] = 0;
	buf[FCOMMIT_TAG_HDR + 9] = 0x80;
	decode(buf, len, &tag);
	assert_int_equal(tag.range.nr, 32768);
	assert_false(tag.range.unwritten);
	buf[FCOMMIT_TAG_HDR + 8] = 1;
	decode(buf, len, &tag);
	assert_int_equal(tag.range.nr, 1);
	assert_true(tag.range.unwritten);

	len = put(buf, FCOMMIT_DEL_RANGE, 12);
	decode(buf, len, &tag);
	assert_int_equal(tag.range.ino, 0x04030201);
	assert_int_equal(tag.range.lblk, 0x08070605);
	assert_int_equal(tag.range.nr, 0x0c0b0a09);
}

static void test_dentries(void **state)
{
	static const unsigned types[] = { FCOMMIT_CREAT, FCOMMIT_LINK, FCOMMIT_UNLINK };
	uint8_t buf[BUF_SIZE];
	struct fcommit_tag tag;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		size_t len = put(buf, types[i], 8 + 5);

		decode(buf, len, &tag);
		assert_int_equal(tag.type, types[i]);
		assert_int_equal(tag.dentry.parent, 0x04030201);
		assert_int_equal(tag.dentry.ino, 0x08070605);
		assert_int_equal(tag.dentry.name_len, 5);
		assert_ptr_equal(tag.dentry.name, buf + FCOMMIT_TAG_HDR + 8);
	}
}

static void test_inode(void **state)
{
	uint8_t buf[BUF_SIZE];
	struct fcommit_tag tag;
	size_t len = put(buf, FCOMMIT_INODE, 4 + 160);

	(void)state;
	decode(buf, len, &tag);
	assert_int_equal(tag.inode.ino, 0x04030201);
	assert_int_equal(tag.inode.len, 160);
	assert_ptr_equal(tag.inode.raw, buf + FCOMMIT_TAG_HDR + 4);
}

static void test_head_and_tail(void **state)
{
	uint8_t buf[BUF_SIZE];
	struct fcommit_tag tag;
	size_t len = put(buf, FCOMMIT_HEAD, 8);

	(void)state;
	decode(buf, len, &tag);
	assert_int_equal(tag.head.features, 0x04030201);
	assert_int_equal(tag.head.tid, 0x08070605);
	assert_int_equal(fcommit_crc(0, buf, &tag), crc32c(0, buf, len));

	len = put(buf, FCOMMIT_TAIL, 100);
	decode(buf, len, &tag);
	assert_int_equal(tag.tail.tid, 0x04030201);
	assert_int_equal(tag.tail.crc, 0x08070605);
	assert_int_equal(fcommit_crc(7, buf, &tag), crc32c(7, buf, 8));
}

/* The lengths that each type may have, as ext4_fc_value_len_isvalid() has them. */
static void test_lengths(void **state)
{
	static const struct {
		unsigned type;
		size_t min, max;
	} cases[] = {
		{ FCOMMIT_ADD_RANGE, 16, 16 }, { FCOMMIT_DEL_RANGE, 12, 12 },
		{ FCOMMIT_CREAT, 9, 8 + 255 }, { FCOMMIT_LINK, 9, 8 + 255 },
		{ FCOMMIT_UNLINK, 9, 8 + 255 }, { FCOMMIT_INODE, 4 + 128, 4 + INODE_SIZE },
		{ FCOMMIT_PAD, 0, 600 }, { FCOMMIT_TAIL, 8, 600 }, { FCOMMIT_HEAD, 8, 8 },
		{ 0, 1, 0 }, { 10, 1, 0 }, { 0xffff, 1, 0 },
	};
	uint8_t buf[BUF_SIZE];
	struct fcommit_tag tag;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t n = 0; n <= 600; n++) {
			size_t len = put(buf, cases[i].type, n);
			int want = n >= cases[i].min && n <= cases[i].max ? 0 : -EUCLEAN;

			assert_int_equal(fcommit_decode(buf, len, INODE_SIZE, &tag), want);
		}
}

/* A tag that reaches beyond the bytes there are; the allocation's end is guarded by ASan. */
static void test_truncated(void **state)
{
	uint8_t buf[BUF_SIZE];
	struct fcommit_tag tag;

	(void)state;
	for (unsigned type = 0; type < 12; type++)
		for (size_t n = 0; n < 200; n += 4) {
			size_t len = put(buf, type, n);

			for (size_t cut = 0; cut < len; cut++) {
				uint8_t *copy = malloc(cut);

				memcpy(copy, buf, cut);
				assert_int_equal(fcommit_decode(copy, cut, INODE_SIZE, &tag),
					-EUCLEAN);
				free(copy);
			}
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_dentries),
		cmocka_unit_test(test_inode),
		cmocka_unit_test(test_head_and_tail),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
