// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "format/acl.h"

#define BUF_SIZE 256
#define NR(array) (sizeof(array) / sizeof((array)[0]))

/* Entries as they lie in memory: tag, permissions, id. */
#define HEAD(version) version, 0, 0, 0
#define SHORT(tag, perm) tag, 0, perm, 0
#define LONG(tag, perm, id) tag, 0, perm, 0, id, 0, 0, 0
#define NO_ID(tag, perm) tag, 0, perm, 0, 0xff, 0xff, 0xff, 0xff
#define USER_OBJ 0x01
#define USER 0x02
#define GROUP_OBJ 0x04
#define GROUP 0x08
#define MASK 0x10
#define OTHER 0x20

struct bytes {
	const uint8_t *data;
	size_t len;
};

#define BYTES(...)                                                                                 \
	{                                                                                          \
		(const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })         \
	}

/* The same ACL in both formats. */
static const struct pair {
	struct bytes disk, posix;
} pairs[] = {
	{ BYTES(HEAD(1), SHORT(USER_OBJ, 6), SHORT(GROUP_OBJ, 4), SHORT(OTHER, 0)),
		BYTES(HEAD(2), NO_ID(USER_OBJ, 6), NO_ID(GROUP_OBJ, 4), NO_ID(OTHER, 0)) },
	{ BYTES(HEAD(1), SHORT(USER_OBJ, 6), SHORT(GROUP_OBJ, 4), SHORT(MASK, 7), SHORT(OTHER, 0)),
		BYTES(HEAD(2), NO_ID(USER_OBJ, 6), NO_ID(GROUP_OBJ, 4), NO_ID(MASK, 7),
			NO_ID(OTHER, 0)) },
	{ BYTES(HEAD(1), SHORT(USER_OBJ, 7), LONG(USER, 6, 1), LONG(USER, 5, 2),
		  SHORT(GROUP_OBJ, 4), LONG(GROUP, 1, 9), SHORT(MASK, 7), SHORT(OTHER, 1)),
		BYTES(HEAD(2), NO_ID(USER_OBJ, 7), LONG(USER, 6, 1), LONG(USER, 5, 2),
			NO_ID(GROUP_OBJ, 4), LONG(GROUP, 1, 9), NO_ID(MASK, 7), NO_ID(OTHER, 1)) },
};

/* Damage that ext4_acl_from_disk() refuses. */
static const struct bytes bad_disk[] = {
	BYTES(1),
	BYTES(1, 0, 0),
	BYTES(HEAD(2)),
	BYTES(HEAD(0), SHORT(USER_OBJ, 6)),
	BYTES(HEAD(1), USER_OBJ, 0, 6),
	BYTES(HEAD(1), SHORT(0, 6)),
	BYTES(HEAD(1), SHORT(0x40, 6)),
	BYTES(HEAD(1), SHORT(USER_OBJ | USER, 6)),
	BYTES(HEAD(1), USER_OBJ, 1, 6, 0),
	BYTES(HEAD(1), SHORT(USER, 6)),
	BYTES(HEAD(1), SHORT(GROUP, 6), 1, 2, 3),
	BYTES(HEAD(1), LONG(USER, 6, 1)),
	BYTES(HEAD(1), SHORT(USER_OBJ, 6), LONG(USER, 6, 1), SHORT(GROUP_OBJ, 6), SHORT(OTHER, 6)),
	BYTES(HEAD(1), SHORT(USER_OBJ, 6), SHORT(GROUP_OBJ, 6), SHORT(MASK, 6), SHORT(MASK, 6),
		SHORT(OTHER, 6)),
	BYTES(HEAD(1), SHORT(USER_OBJ, 6), SHORT(GROUP_OBJ, 6), SHORT(OTHER, 6), 0),
};

/* What posix_acl_from_xattr() or posix_acl_valid() refuse. */
static const struct bytes bad_posix[] = {
	BYTES(2),
	BYTES(HEAD(2), 1),
	BYTES(HEAD(2), SHORT(USER_OBJ, 6)),
	BYTES(HEAD(2), NO_ID(USER_OBJ, 6)),
	BYTES(HEAD(2), NO_ID(GROUP_OBJ, 6), NO_ID(OTHER, 6)),
	BYTES(HEAD(2), NO_ID(USER_OBJ, 6), NO_ID(OTHER, 6)),
	BYTES(HEAD(2), NO_ID(USER_OBJ, 6), NO_ID(GROUP_OBJ, 6)),
	BYTES(HEAD(2), NO_ID(USER_OBJ, 8), NO_ID(GROUP_OBJ, 6), NO_ID(OTHER, 6)),
	BYTES(HEAD(2), NO_ID(GROUP_OBJ, 6), NO_ID(USER_OBJ, 6), NO_ID(OTHER, 6)),
	BYTES(HEAD(2), NO_ID(USER_OBJ, 6), NO_ID(USER_OBJ, 6), NO_ID(GROUP_OBJ, 6),
		NO_ID(OTHER, 6)),
	BYTES(HEAD(2), NO_ID(USER_OBJ, 6), NO_ID(GROUP_OBJ, 6), NO_ID(OTHER, 6), NO_ID(OTHER, 6)),
	BYTES(HEAD(2), NO_ID(USER_OBJ, 6), NO_ID(GROUP_OBJ, 6), NO_ID(0x40, 6), NO_ID(OTHER, 6)),
	/* Users or groups without a mask, or without an id. */
	BYTES(HEAD(2), NO_ID(USER_OBJ, 6), LONG(USER, 6, 1), NO_ID(GROUP_OBJ, 6), NO_ID(OTHER, 6)),
	BYTES(HEAD(2), NO_ID(USER_OBJ, 6), NO_ID(GROUP_OBJ, 6), LONG(GROUP, 6, 1), NO_ID(OTHER, 6)),
	BYTES(HEAD(2), NO_ID(USER_OBJ, 6), NO_ID(USER, 6), NO_ID(GROUP_OBJ, 6), NO_ID(MASK, 6),
		NO_ID(OTHER, 6)),
	BYTES(HEAD(2), NO_ID(USER_OBJ, 6), NO_ID(GROUP_OBJ, 6), NO_ID(MASK, 6), NO_ID(MASK, 6),
		NO_ID(OTHER, 6)),
};

typedef ssize_t (*convert)(const uint8_t *from, size_t len, uint8_t *buf, size_t size);

static void check_convert(convert fn, const struct bytes *from, const struct bytes *to)
{
	uint8_t buf[BUF_SIZE];

	memset(buf, 0xee, sizeof(buf));
	assert_int_equal(fn(from->data, from->len, NULL, 0), to->len);
	assert_int_equal(fn(from->data, from->len, buf, to->len - 1), -ERANGE);
	assert_int_equal(buf[0], 0xee);
	assert_int_equal(fn(from->data, from->len, buf, to->len), to->len);
	assert_memory_equal(buf, to->data, to->len);
	assert_int_equal(buf[to->len], 0xee);
}

static void test_both_ways(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < NR(pairs); i++) {
		check_convert(acl_to_posix, &pairs[i].disk, &pairs[i].posix);
		check_convert(acl_from_posix, &pairs[i].posix, &pairs[i].disk);
	}
}

/* The kernel reads fewer entries than a whole ACL has, and any order and permissions. */
static void test_disk_order_is_free(void **state)
{
	const struct bytes disk = BYTES(HEAD(1), SHORT(OTHER, 9), SHORT(USER_OBJ, 1));
	const struct bytes posix = BYTES(HEAD(2), NO_ID(OTHER, 9), NO_ID(USER_OBJ, 1));

	(void)state;
	check_convert(acl_to_posix, &disk, &posix);
}

static void test_none(void **state)
{
	const struct bytes disk = BYTES(HEAD(1)), posix = BYTES(HEAD(2));
	uint8_t buf[BUF_SIZE];

	(void)state;
	assert_int_equal(acl_to_posix(disk.data, 0, buf, sizeof(buf)), 0);
	assert_int_equal(acl_to_posix(disk.data, disk.len, buf, sizeof(buf)), 0);
	assert_int_equal(acl_from_posix(posix.data, 0, buf, sizeof(buf)), 0);
	assert_int_equal(acl_from_posix(posix.data, posix.len, buf, sizeof(buf)), 0);
}

static void test_bad_disk(void **state)
{
	uint8_t buf[BUF_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < NR(bad_disk); i++) {
		const struct bytes *b = &bad_disk[i];

		assert_int_equal(acl_to_posix(b->data, b->len, NULL, 0), -EUCLEAN);
		assert_int_equal(acl_to_posix(b->data, b->len, buf, sizeof(buf)), -EUCLEAN);
	}
}

static void test_bad_posix(void **state)
{
	const struct bytes version = BYTES(HEAD(1), NO_ID(USER_OBJ, 6));
	uint8_t buf[BUF_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < NR(bad_posix); i++) {
		const struct bytes *b = &bad_posix[i];

		assert_int_equal(acl_from_posix(b->data, b->len, buf, sizeof(buf)), -EINVAL);
	}
	assert_int_equal(
		acl_from_posix(version.data, version.len, buf, sizeof(buf)), -EOPNOTSUPP);
}

/* Every truncation of a good ACL either fails or is one of fewer entries, never a read beyond. */
static void test_truncated(void **state)
{
	size_t i, len;

	(void)state;
	for (i = 0; i < NR(pairs); i++)
		for (len = 1; len < pairs[i].disk.len; len++) {
			uint8_t *copy = test_malloc(len);
			ssize_t n;

			memcpy(copy, pairs[i].disk.data, len);
			n = acl_to_posix(copy, len, NULL, 0);
			assert_true(n == -EUCLEAN || (n >= 0 && n < (ssize_t)pairs[i].posix.len));
			test_free(copy);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_disk_order_is_free),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_bad_disk),
		cmocka_unit_test(test_bad_posix),
		cmocka_unit_test(test_truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
