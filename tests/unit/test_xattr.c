// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "format/le.h"
#include "format/xattr_region.h"
#include "util/crc32c.h"

#define BLOCK_SIZE 1024
#define INODE_SIZE 256
#define EXTRA_ISIZE 32
#define BODY_OFF (128 + EXTRA_ISIZE)
#define BODY_LEN (INODE_SIZE - BODY_OFF)

/* Offsets in the first entry of a region, for the tests that break it. */
#define E_NAME_LEN 0
#define E_VALUE_OFFS 2
#define E_VALUE_INUM 4
#define E_VALUE_SIZE 8
#define E_NAME 16

static const struct super plain = {
	.block_size = BLOCK_SIZE,
	.inode_size = INODE_SIZE,
	.inodes = 1000,
	.first_ino = 11,
	.csum_seed = 0x12345678,
};

static struct super with_ea_inode(void)
{
	struct super sb = plain;

	sb.incompat |= EXT4_FEATURE_INCOMPAT_EA_INODE;
	return sb;
}

/* A region being made: entries from the front, values from the end. */
struct maker {
	uint8_t raw[BLOCK_SIZE]; /* the block, or the inode */
	size_t off;		 /* where the region begins in raw[] */
	size_t len;
	size_t base;
	size_t entry; /* where the next entry goes, counted in the region */
	size_t value; /* where the last value begins */
};

static void make_body(struct maker *m)
{
	memset(m, 0, sizeof(*m));
	m->off = BODY_OFF;
	m->len = BODY_LEN;
	m->base = m->entry = XATTR_BODY_HEADER;
	m->value = m->len;
	le16_put(m->raw + 128, EXTRA_ISIZE);
	le32_put(m->raw + BODY_OFF, XATTR_MAGIC);
}

static void make_block(struct maker *m)
{
	memset(m, 0, sizeof(*m));
	m->len = BLOCK_SIZE;
	m->entry = XATTR_BLOCK_HEADER;
	m->value = m->len;
	le32_put(m->raw, XATTR_MAGIC);
	le32_put(m->raw + 4, 1);
	le32_put(m->raw + 8, 1);
}

/* Adds an attribute and returns its entry. A NULL value is one in inode ino. */
static uint8_t *add(struct maker *m, unsigned index, const char *name, size_t name_len,
	const void *value, size_t size, uint32_t ino)
{
	uint8_t *e = m->raw + m->off + m->entry;

	e[E_NAME_LEN] = (uint8_t)name_len;
	e[1] = (uint8_t)index;
	memcpy(e + E_NAME, name, name_len);
	le32_put(e + E_VALUE_SIZE, (uint32_t)size);
	le32_put(e + E_VALUE_INUM, ino);
	if (value && size) {
		m->value -= (size + 3) & ~(size_t)3;
		memcpy(m->raw + m->off + m->value, value, size);
		le16_put(e + E_VALUE_OFFS, (uint16_t)(m->value - m->base));
	}
	m->entry += (E_NAME + name_len + 3) & ~(size_t)3;
	return e;
}

static struct xattr_region body_region(const struct maker *m)
{
	struct xattr_region region;

	assert_true(xattr_region_body(&plain, m->raw, &region));
	assert_ptr_equal(region.data, m->raw + BODY_OFF);
	assert_int_equal(region.len, BODY_LEN);
	return region;
}

static struct xattr_region block_region(const struct maker *m)
{
	struct xattr_region region;

	assert_int_equal(xattr_region_block(&plain, m->raw, &region), 0);
	return region;
}

static struct xattr_region region_of(const struct maker *m)
{
	return m->off ? body_region(m) : block_region(m);
}

static void assert_good(const struct super *sb, const struct maker *m)
{
	struct xattr_region region = region_of(m);
	const char *why;

	assert_int_equal(xattr_region_check(sb, &region, &why), 0);
	assert_null(why);
}

/* Refused by the check, and no trap for who looks all the same. */
static void assert_bad(const struct super *sb, const struct maker *m)
{
	struct xattr_region region = region_of(m);
	struct xattr_entry entry;
	size_t pos = region.first, nr = 0;
	const char *why;

	assert_int_equal(xattr_region_check(sb, &region, &why), -EUCLEAN);
	assert_non_null(why);
	while (xattr_region_next(&region, &pos, &entry)) {
		assert_true(pos <= region.len);
		assert_true(++nr <= region.len / XATTR_ENTRY_HEADER);
		if (entry.value)
			assert_true(entry.value + entry.value_size <= region.data + region.len);
	}
}

static void assert_value(const struct maker *m, unsigned index, const char *name,
	const void *value, size_t size)
{
	struct xattr_region region = region_of(m);
	struct xattr_entry entry;

	assert_true(xattr_region_find(&region, index, name, strlen(name), &entry));
	assert_int_equal(entry.value_size, size);
	if (size)
		assert_memory_equal(entry.value, value, size);
	else
		assert_null(entry.value);
}

static void test_good(void **state)
{
	void (*const make[])(struct maker *) = { make_body, make_block };
	struct xattr_region region;
	struct xattr_entry entry;
	struct maker m;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		make[i](&m);
		assert_good(&plain, &m);
		add(&m, XATTR_INDEX_USER, "a", 1, "one", 3, 0);
		add(&m, XATTR_INDEX_USER, "empty", 5, NULL, 0, 0);
		add(&m, XATTR_INDEX_TRUSTED, "a", 1, "other", 5, 0);
		assert_good(&plain, &m);
		assert_value(&m, XATTR_INDEX_USER, "a", "one", 3);
		assert_value(&m, XATTR_INDEX_USER, "empty", "", 0);
		assert_value(&m, XATTR_INDEX_TRUSTED, "a", "other", 5);
		region = region_of(&m);
		assert_false(xattr_region_find(&region, XATTR_INDEX_USER, "aa", 2, &entry));
		assert_false(xattr_region_find(&region, XATTR_INDEX_USER, "", 0, &entry));
		assert_false(xattr_region_find(&region, XATTR_INDEX_SECURITY, "a", 1, &entry));
	}
}

/* Names and values up to the last byte: the list's end and the values just touch. */
static void test_full(void **state)
{
	char name[XATTR_NAME_LEN_MAX];
	uint8_t value[BLOCK_SIZE];
	struct maker m;
	size_t room;

	(void)state;
	memset(name, 'n', sizeof(name));
	memset(value, 0x5a, sizeof(value));
	make_block(&m);
	room = BLOCK_SIZE - XATTR_BLOCK_HEADER - (E_NAME + sizeof(name) + 1) - 4;
	add(&m, XATTR_INDEX_USER, name, sizeof(name), value, room, 0);
	assert_good(&plain, &m);
	make_block(&m);
	add(&m, XATTR_INDEX_USER, name, sizeof(name), value, room + 4, 0);
	assert_bad(&plain, &m);

	make_body(&m);
	room = BODY_LEN - XATTR_BODY_HEADER - E_NAME - 4;
	add(&m, XATTR_INDEX_ACL_ACCESS, "", 0, value, room, 0);
	assert_good(&plain, &m);
	make_body(&m);
	add(&m, XATTR_INDEX_ACL_ACCESS, "", 0, value, room + 4, 0);
	assert_bad(&plain, &m);
}

static void test_body_places(void **state)
{
	struct super small = plain;
	struct xattr_region region;
	struct maker m;

	(void)state;
	make_body(&m);
	le32_put(m.raw + BODY_OFF, 0);
	assert_false(xattr_region_body(&plain, m.raw, &region));
	make_body(&m);
	le16_put(m.raw + 128, 0);
	le32_put(m.raw + 128 + 4, XATTR_MAGIC);
	assert_false(xattr_region_body(&plain, m.raw, &region));
	le16_put(m.raw + 128, INODE_SIZE - 128 - 3);
	assert_false(xattr_region_body(&plain, m.raw, &region));
	le16_put(m.raw + 128, UINT16_MAX);
	assert_false(xattr_region_body(&plain, m.raw, &region));
	small.inode_size = 128;
	make_body(&m);
	assert_false(xattr_region_body(&small, m.raw, &region));

	/* Room for the magic number but not for the end of the list. */
	memset(&m, 0, sizeof(m));
	le16_put(m.raw + 128, INODE_SIZE - 128 - 4);
	le32_put(m.raw + INODE_SIZE - 4, XATTR_MAGIC);
	le32_put(m.raw + INODE_SIZE, UINT32_MAX);
	assert_true(xattr_region_body(&plain, m.raw, &region));
	assert_int_equal(region.len, 4);
	assert_int_equal(xattr_region_check(&plain, &region, &(const char *){ NULL }), -EUCLEAN);
}

static void test_block_header(void **state)
{
	struct xattr_region region;
	struct maker m;

	(void)state;
	make_block(&m);
	le32_put(m.raw, XATTR_MAGIC + 1);
	assert_int_equal(xattr_region_block(&plain, m.raw, &region), -EUCLEAN);
	make_block(&m);
	le32_put(m.raw + 8, 2);
	assert_int_equal(xattr_region_block(&plain, m.raw, &region), -EUCLEAN);
	le32_put(m.raw + 8, 0);
	assert_int_equal(xattr_region_block(&plain, m.raw, &region), -EUCLEAN);
}

static void test_bad_names(void **state)
{
	struct maker m;
	uint8_t *e;
	size_t i;

	(void)state;
	/* The name runs to the very end: no room for the list's end. */
	make_body(&m);
	add(&m, XATTR_INDEX_USER, "", 0, NULL, 0, 0)[E_NAME_LEN] =
		BODY_LEN - XATTR_BODY_HEADER - E_NAME;
	assert_bad(&plain, &m);
	make_body(&m);
	add(&m, XATTR_INDEX_USER, "", 0, NULL, 0, 0)[E_NAME_LEN] = 255;
	assert_bad(&plain, &m);
	/* A NUL in each place of a name. */
	for (i = 0; i < 5; i++) {
		make_block(&m);
		e = add(&m, XATTR_INDEX_USER, "abcde", 5, "v", 1, 0);
		assert_good(&plain, &m);
		e[E_NAME + i] = 0;
		assert_bad(&plain, &m);
	}
	/* A list without an end. */
	make_block(&m);
	for (i = 0; i < (BLOCK_SIZE - XATTR_BLOCK_HEADER) / E_NAME; i++)
		add(&m, XATTR_INDEX_USER, "", 0, NULL, 0, 0);
	assert_bad(&plain, &m);
	/* Its last entry does not fit: 4 bytes that are not 0. */
	make_block(&m);
	while (m.entry + E_NAME + 20 <= BLOCK_SIZE - 4)
		add(&m, XATTR_INDEX_USER, "12345678901234567890", 20, NULL, 0, 0);
	assert_good(&plain, &m);
	memset(m.raw + m.entry, 0xff, BLOCK_SIZE - m.entry);
	assert_bad(&plain, &m);
}

static void test_bad_values(void **state)
{
	static const struct {
		uint16_t offs;
		uint32_t size;
		bool good;
	} cases[] = {
		{ BLOCK_SIZE - 4, 4, true },
		{ BLOCK_SIZE - 4, 1, true },
		{ BLOCK_SIZE - 4, 5, false },
		{ BLOCK_SIZE - 2, 1, false },	/* its padding leaves the block */
		{ BLOCK_SIZE - 1, 2, false },
		{ BLOCK_SIZE, 1, false },
		{ BLOCK_SIZE + 1, 1, false },
		{ UINT16_MAX, 1, false },
		{ UINT16_MAX, 0, true },	/* empty: the offset means nothing */
		{ BLOCK_SIZE - 4, UINT32_MAX, false },
		{ BLOCK_SIZE - 4, UINT32_MAX - 1, false },
		{ 0, XATTR_VALUE_MAX, false },
		{ 0, XATTR_VALUE_MAX + 1, false },
		{ 0, 4, false },		/* the header */
		{ XATTR_BLOCK_HEADER, 4, false },
		{ XATTR_BLOCK_HEADER + 20, 4, false }, /* the list's end */
		{ XATTR_BLOCK_HEADER + 23, 4, false },
		{ XATTR_BLOCK_HEADER + 24, 4, true },
	};
	struct maker m;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t *e;

		make_block(&m);
		e = add(&m, XATTR_INDEX_USER, "abc", 3, NULL, 0, 0);
		le16_put(e + E_VALUE_OFFS, cases[i].offs);
		le32_put(e + E_VALUE_SIZE, cases[i].size);
		if (cases[i].good)
			assert_good(&plain, &m);
		else
			assert_bad(&plain, &m);
	}
}

static void test_value_inodes(void **state)
{
	static const struct {
		uint32_t ino, size;
		bool good;
	} cases[] = {
		{ 11, 100000, true },
		{ 1000, XATTR_VALUE_MAX, true },
		{ 12, 0, true },
		{ 12, XATTR_VALUE_MAX + 1, false },
		{ 1001, 10, false },
		{ UINT32_MAX, 10, false },
		{ 10, 10, false },
		{ 2, 10, false },
		{ 1, 10, false },
	};
	struct super sb = with_ea_inode();
	struct maker m;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t *e;

		make_body(&m);
		e = add(&m, XATTR_INDEX_USER, "big", 3, NULL, cases[i].size, cases[i].ino);
		le16_put(e + E_VALUE_OFFS, UINT16_MAX);
		assert_bad(&plain, &m);
		if (cases[i].good)
			assert_good(&sb, &m);
		else
			assert_bad(&sb, &m);
	}
}

/* Any one byte changed: refused or not, nothing is read outside the region. */
static void test_every_byte(void **state)
{
	struct super sb = with_ea_inode();
	struct maker m;
	size_t i;
	unsigned bit;

	(void)state;
	make_body(&m);
	add(&m, XATTR_INDEX_USER, "name", 4, "value", 5, 0);
	add(&m, XATTR_INDEX_SECURITY, "selinux", 7, "label", 5, 0);
	for (i = BODY_OFF + XATTR_BODY_HEADER; i < INODE_SIZE; i++)
		for (bit = 0; bit < 8; bit++) {
			struct xattr_region region;
			const char *why;
			uint8_t *copy = test_malloc(INODE_SIZE);

			memcpy(copy, m.raw, INODE_SIZE);
			copy[i] ^= (uint8_t)(1u << bit);
			assert_true(xattr_region_body(&sb, copy, &region));
			assert_in_set(-xattr_region_check(&sb, &region, &why),
				((const LargestIntegralType[]){ 0, EUCLEAN }), 2);
			test_free(copy);
		}
}

static void test_csum(void **state)
{
	static const uint8_t pblk[8] = { 0x39, 0x30, 0, 0, 1 }; /* 0x100003039 */
	struct super sb = plain;
	struct maker m;
	uint32_t crc;

	(void)state;
	make_block(&m);
	add(&m, XATTR_INDEX_USER, "a", 1, "one", 3, 0);
	le32_put(m.raw + 16, 0);
	crc = crc32c(crc32c(sb.csum_seed, pblk, sizeof(pblk)), m.raw, BLOCK_SIZE);
	le32_put(m.raw + 16, crc);
	assert_true(xattr_block_csum_ok(&sb, 1, m.raw));
	sb.ro_compat |= EXT4_FEATURE_RO_COMPAT_METADATA_CSUM;
	assert_true(xattr_block_csum_ok(&sb, 0x100003039, m.raw));
	assert_false(xattr_block_csum_ok(&sb, 0x3039, m.raw));
	m.raw[BLOCK_SIZE - 1] ^= 1;
	assert_false(xattr_block_csum_ok(&sb, 0x100003039, m.raw));
	m.raw[BLOCK_SIZE - 1] ^= 1;
	m.raw[16] ^= 1;
	assert_false(xattr_block_csum_ok(&sb, 0x100003039, m.raw));
}

/* By hand: 'a' is 0x61, 'b' 0x62; 0xe9 as a signed char is 0xffffffe9. */
static void test_hash(void **state)
{
	static const uint8_t ab[] = "ab", latin[] = { 0xe9 }, value[] = { 1, 2, 3, 4, 5 };

	(void)state;
	assert_int_equal(xattr_entry_hash(ab, 0, NULL, 0, XATTR_CHAR_UNSIGNED), 0);
	assert_int_equal(xattr_entry_hash(ab, 2, NULL, 0, XATTR_CHAR_UNSIGNED), 0x61 << 5 ^ 0x62);
	assert_int_equal(xattr_entry_hash(ab, 2, NULL, 0, XATTR_CHAR_SIGNED), 0x61 << 5 ^ 0x62);
	assert_int_equal(xattr_entry_hash(latin, 1, NULL, 0, XATTR_CHAR_UNSIGNED), 0xe9);
	assert_int_equal(xattr_entry_hash(latin, 1, NULL, 0, XATTR_CHAR_SIGNED), 0xffffffe9);
	/* 0x61; then 0x610000 ^ 0x04030201 = 0x04620201; then 0x02010000 ^ 0x0462 ^ 5. */
	assert_int_equal(xattr_entry_hash(ab, 1, value, 5, XATTR_CHAR_UNSIGNED), 0x02010467);
}

static void test_value_hash(void **state)
{
	static const uint8_t value[] = "123456789";
	static const uint8_t name[] = { 'n', 0xc3, 0xa9 };
	struct super sb = plain;
	struct xattr_entry entry = { .name = name, .name_len = sizeof(name) };
	uint8_t word[4];
	uint32_t hash;

	(void)state;
	/* The check value of CRC-32C, which is given inverted. */
	sb.csum_seed = UINT32_MAX;
	hash = xattr_value_hash(&sb, value, 9);
	assert_int_equal(hash, ~0xe3069283u);
	le32_put(word, hash);
	entry.hash = xattr_entry_hash(name, sizeof(name), word, 4, XATTR_CHAR_UNSIGNED);
	assert_true(xattr_entry_hash_ok(&entry, hash));
	assert_false(xattr_entry_hash_ok(&entry, hash + 1));
	assert_int_not_equal(entry.hash,
		xattr_entry_hash(name, sizeof(name), word, 4, XATTR_CHAR_SIGNED));
	entry.hash = xattr_entry_hash(name, sizeof(name), word, 4, XATTR_CHAR_SIGNED);
	assert_true(xattr_entry_hash_ok(&entry, hash));
	entry.hash ^= 1;
	assert_false(xattr_entry_hash_ok(&entry, hash));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_body_places),
		cmocka_unit_test(test_block_header),
		cmocka_unit_test(test_bad_names),
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_value_inodes),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_csum),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_value_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
