// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/dirent.h"
#include "format/dx.h"
#include "format/le.h"
#include "util/crc32c.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define BLOCK_SIZE 1024
#define MAX_INO 1000
#define FT_CHECKSUM 0xDE

static void put_rec(uint8_t *p, uint32_t ino, unsigned rec_len, unsigned name_len, unsigned type)
{
	le32_put(p, ino);
	le16_put(p + 4, (uint16_t)rec_len);
	p[6] = (uint8_t)name_len;
	p[7] = (uint8_t)type;
}

static struct dirent_chain chain_of(const uint8_t *raw, size_t size)
{
	return (struct dirent_chain){ .raw = raw, .size = size, .max_ino = MAX_INO,
		.has_filetype = true };
}

/* ---- records ---- */

static void test_record(void **state)
{
	uint8_t raw[BLOCK_SIZE] = { 0 };
	struct dirent_chain chain = chain_of(raw, sizeof(raw));
	struct dirent_rec rec;
	const char *why;

	(void)state;
	put_rec(raw, 12, BLOCK_SIZE, 5, EXT2_FT_SYMLINK);
	memcpy(raw + 8, "hello", 5);
	assert_int_equal(dirent_decode(&chain, 0, &rec, &why), 0);
	assert_int_equal(rec.ino, 12);
	assert_int_equal(rec.rec_len, BLOCK_SIZE);
	assert_int_equal(rec.name_len, 5);
	assert_int_equal(rec.file_type, EXT2_FT_SYMLINK);
	assert_ptr_equal(rec.name, raw + 8);
	assert_null(rec.hashes);
	/* without the feature that byte was the name length's high half */
	chain.has_filetype = false;
	assert_int_equal(dirent_decode(&chain, 0, &rec, &why), 0);
	assert_int_equal(rec.file_type, EXT2_FT_UNKNOWN);
}

/* One record at an offset of a block, and what is wrong with it. */
static const struct record_case {
	size_t size, off;
	uint32_t ino;
	unsigned rec_len, name_len;
	bool hashes;
	const char *why; /* NULL: nothing */
} record_cases[] = {
	{ BLOCK_SIZE, 0, MAX_INO, BLOCK_SIZE, 255, false, NULL },
	{ BLOCK_SIZE, 0, 1, 12, 1, false, NULL },
	{ BLOCK_SIZE, 0, 1, 12, 4, false, NULL },
	{ BLOCK_SIZE, 0, 0, 12, 0, false, NULL },
	{ BLOCK_SIZE, 1012, 5, 12, 4, false, NULL },
	{ 56, 0, 5, 56, 4, false, NULL },
	{ BLOCK_SIZE, 0, 1, 12, 5, false, "name_len" },
	{ BLOCK_SIZE, 0, 1, 260, 255, false, "name_len" },
	{ BLOCK_SIZE, 0, 1, 264, 255, false, NULL },
	{ BLOCK_SIZE, 0, 1, 0, 0, false, "too small" },
	{ BLOCK_SIZE, 0, 1, 8, 0, false, "too small" },
	{ BLOCK_SIZE, 0, 1, 13, 1, false, "multiple of 4" },
	{ BLOCK_SIZE, 0, 1, 14, 1, false, "multiple of 4" },
	{ BLOCK_SIZE, 0, 1, BLOCK_SIZE + 4, 1, false, "past the block" },
	{ BLOCK_SIZE, 4, 1, BLOCK_SIZE, 1, false, "past the block" },
	{ BLOCK_SIZE, 1012, 1, 16, 1, false, "past the block" },
	{ BLOCK_SIZE, 0, 1, 65532, 1, false, "past the block" },
	{ BLOCK_SIZE, 0, 1, 65535, 1, false, "multiple of 4" },
	{ BLOCK_SIZE, 0, MAX_INO + 1, 12, 1, false, "inode number" },
	{ BLOCK_SIZE, 0, UINT32_MAX, 12, 1, false, "inode number" },
	{ BLOCK_SIZE, 1016, 1, 8, 0, false, "close to the end" },
	{ BLOCK_SIZE, 1020, 1, 4, 0, false, "close to the end" },
	/* eight bytes of hashes behind the padded name */
	{ BLOCK_SIZE, 0, 1, 20, 1, true, NULL },
	{ BLOCK_SIZE, 0, 1, 20, 4, true, NULL },
	{ BLOCK_SIZE, 0, 1, 16, 1, true, "too small" },
	{ BLOCK_SIZE, 0, 1, 20, 5, true, "name_len" },
	{ BLOCK_SIZE, 0, 1, 24, 5, true, NULL },
	/* blocks of 64 KiB */
	{ 65536, 0, 1, 0, 255, false, NULL },
	{ 65536, 0, 1, 65535, 255, false, NULL },
	{ 65536, 0, 1, 65532, 255, false, NULL },
	{ 65536, 12, 1, 0, 255, false, "past the block" },
	{ 65536, 12, 1, 65535, 255, false, "past the block" },
	{ 65536, 12, 1, 65524, 255, false, NULL },
	{ 65536, 0, 1, 1, 255, false, NULL }, /* bit 16 */
	{ 65536, 0, 1, 2, 255, false, "past the block" },
	{ 65536, 0, 1, 8 | 1, 255, false, "past the block" },
	{ 65536, 0, 1, 8, 0, false, "too small" },
	{ 32768, 0, 1, 32768, 255, false, NULL },
	{ 32768, 0, 1, 0, 0, false, "too small" },
};

static void test_record_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(record_cases); i++) {
		const struct record_case *c = &record_cases[i];
		uint8_t *raw = malloc(c->size), rec_bytes[8];
		struct dirent_chain chain = chain_of(raw, c->size);
		struct dirent_rec rec;
		const char *why = "untouched";
		size_t room = c->size - c->off;
		int err;

		memset(raw, 'n', c->size);
		put_rec(rec_bytes, c->ino, c->rec_len, c->name_len, EXT2_FT_REG_FILE);
		memcpy(raw + c->off, rec_bytes, room < 8 ? room : 8);
		chain.has_hashes = c->hashes;
		err = dirent_decode(&chain, c->off, &rec, &why);
		if (err != (c->why ? -EUCLEAN : 0) || (c->why && !strstr(why, c->why)))
			fail_msg("case %zu: %d, \"%s\"", i, err, why ? why : "");
		free(raw);
	}
}

static void test_record_hashes(void **state)
{
	static const struct {
		const char *name;
		unsigned name_len, hashes_at; /* 0: has none */
	} cases[] = {
		{ "a", 1, 12 },
		{ "abcd", 4, 12 },
		{ "abcde", 5, 16 },
		{ ".x", 2, 12 },
		{ ".xy", 3, 12 },
		{ ".", 1, 0 },
		{ "..", 2, 0 },
	};
	uint8_t raw[BLOCK_SIZE] = { 0 };
	struct dirent_chain chain = chain_of(raw, sizeof(raw));
	struct dirent_rec rec;
	const char *why;

	(void)state;
	chain.has_hashes = true;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		put_rec(raw, 5, 40, cases[i].name_len, EXT2_FT_DIR);
		memset(raw + 8, 0, 32);
		memcpy(raw + 8, cases[i].name, cases[i].name_len);
		assert_int_equal(dirent_decode(&chain, 0, &rec, &why), 0);
		if (cases[i].hashes_at)
			assert_ptr_equal(rec.hashes, raw + cases[i].hashes_at);
		else
			assert_null(rec.hashes);
	}
	/* nor has the checksum record */
	put_rec(raw + BLOCK_SIZE - 12, 0, 12, 0, FT_CHECKSUM);
	assert_int_equal(dirent_decode(&chain, BLOCK_SIZE - 12, &rec, &why), 0);
	assert_null(rec.hashes);
}

/* "." and ".." need no room for hashes even where others do. */
static void test_dots_of_hashed(void **state)
{
	uint8_t raw[24] = { 0 };
	struct dirent_chain chain = chain_of(raw, sizeof(raw));
	struct dirent_rec rec;
	const char *why;

	(void)state;
	chain.has_hashes = true;
	put_rec(raw, 5, 12, 1, EXT2_FT_DIR);
	raw[8] = '.';
	put_rec(raw + 12, 5, 12, 2, EXT2_FT_DIR);
	raw[20] = raw[21] = '.';
	assert_int_equal(dirent_decode(&chain, 0, &rec, &why), 0);
	assert_int_equal(dirent_decode(&chain, 12, &rec, &why), 0);
}

/* What a search says must be what a reading of record after record says. */
static void check_find(const struct dirent_chain *chain, const char *name, size_t len)
{
	struct dirent_rec found, rec = { 0 };
	const char *why;
	int err = dirent_find(chain, name, len, &found), slow = -ENOENT;

	for (size_t off = 0; off < chain->size; off += rec.rec_len) {
		slow = dirent_decode(chain, off, &rec, &why);
		if (slow || (rec.ino && rec.name_len == len && !memcmp(rec.name, name, len)))
			break;
		slow = -ENOENT;
	}
	if (err == -ENOENT)
		assert_int_equal(slow, -ENOENT);
	if (!err && !slow)
		assert_ptr_equal(found.name, rec.name);
	/* behind damage it may be found or not; before it, it is */
	if (!slow)
		assert_int_equal(err, 0);
	if (slow == -ENOENT)
		assert_int_equal(err, chain->has_hashes ? -EUCLEAN : -ENOENT);
}

static void test_find(void **state)
{
	uint8_t raw[BLOCK_SIZE];
	struct dirent_chain chain = chain_of(raw, sizeof(raw));
	unsigned random = 1;

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		memset(raw, 0, sizeof(raw));
		for (unsigned off = 0; off < BLOCK_SIZE;) {
			unsigned len = (random = random * 1103515245 + 12345) >> 16 & 31;
			unsigned room = 12 + ((len + 3) & ~3u);

			if (BLOCK_SIZE - off - room < 64 || BLOCK_SIZE - off < room)
				room = BLOCK_SIZE - off;
			put_rec(raw + off, off % 7 ? 1 + off % MAX_INO : 0, room, len, 1);
			memset(raw + off + 8, 'a' + (int)(off / 4 % 20), len);
			off += room;
		}
		/* one bit of damage in two of three rounds */
		random = random * 1103515245 + 12345;
		if (round % 3)
			raw[(random >> 12) % BLOCK_SIZE] ^= (uint8_t)(1u << (random >> 28 & 7));
		chain.has_hashes = round % 10 == 0;
		for (unsigned i = 0; i < 20; i++) {
			char name[31];

			memset(name, 'a' + (int)i, sizeof(name));
			for (size_t len = 1; len < sizeof(name); len += 3)
				check_find(&chain, name, len);
		}
	}
}

static void test_dtype(void **state)
{
	static const unsigned char want[] = { DT_UNKNOWN, DT_REG, DT_DIR, DT_CHR, DT_BLK, DT_FIFO,
		DT_SOCK, DT_LNK };

	(void)state;
	for (unsigned type = 0; type < 256; type++)
		assert_int_equal(dirent_dtype((uint8_t)type),
			type < ARRAY_SIZE(want) ? want[type] : DT_UNKNOWN);
}

static void test_tail(void **state)
{
	uint8_t raw[BLOCK_SIZE];
	uint8_t *tail = raw + BLOCK_SIZE - DIRENT_TAIL_SIZE;

	(void)state;
	memset(raw, 0x5A, sizeof(raw));
	assert_false(dirent_tail_present(raw, BLOCK_SIZE));
	assert_false(dirent_csum_ok(raw, BLOCK_SIZE, 99));
	put_rec(tail, 0, DIRENT_TAIL_SIZE, 0, FT_CHECKSUM);
	assert_true(dirent_tail_present(raw, BLOCK_SIZE));
	assert_false(dirent_csum_ok(raw, BLOCK_SIZE, 99));
	le32_put(tail + 8, crc32c(99, raw, BLOCK_SIZE - DIRENT_TAIL_SIZE));
	assert_true(dirent_csum_ok(raw, BLOCK_SIZE, 99));
	assert_false(dirent_csum_ok(raw, BLOCK_SIZE, 98));
	for (size_t at = 0; at < BLOCK_SIZE; at++) {
		raw[at] ^= 4;
		assert_false(dirent_csum_ok(raw, BLOCK_SIZE, 99));
		if (at >= BLOCK_SIZE - DIRENT_TAIL_SIZE && at < BLOCK_SIZE - 4)
			assert_false(dirent_tail_present(raw, BLOCK_SIZE));
		raw[at] ^= 4;
	}
}

/* ---- changing records ---- */

static struct dirent_rec rec_of(uint32_t ino, const char *name)
{
	return (struct dirent_rec){ .ino = ino, .file_type = EXT2_FT_REG_FILE,
		.name_len = (uint8_t)strlen(name), .name = (const uint8_t *)name };
}

static int insert(uint8_t *raw, size_t size, uint32_t ino, const char *name)
{
	const struct dirent_chain chain = chain_of(raw, size);
	const struct dirent_rec rec = rec_of(ino, name);
	const char *why;
	size_t off;
	int err = dirent_find_room(&chain, rec.name_len, &off, &why);

	if (!err)
		dirent_insert(raw, size, off, &rec);
	return err;
}

/* The chain's records as "ino:rec_len:name " each. */
static void check_chain(const uint8_t *raw, size_t size, const char *want)
{
	const struct dirent_chain chain = chain_of(raw, size);
	struct dirent_rec rec;
	char text[512] = "";
	const char *why;

	for (size_t off = 0; off < size; off += rec.rec_len) {
		assert_int_equal(dirent_decode(&chain, off, &rec, &why), 0);
		sprintf(text + strlen(text), "%u:%u:%.*s ", rec.ino, rec.rec_len,
			(int)rec.name_len, rec.name);
	}
	assert_string_equal(text, want);
}

static void test_insert_remove(void **state)
{
	uint8_t raw[64];

	(void)state;
	dirent_extend(raw, 0, 48);
	check_chain(raw, 48, "0:48: ");
	assert_int_equal(insert(raw, 48, 1, "a"), 0);
	check_chain(raw, 48, "1:48:a ");
	assert_int_equal(insert(raw, 48, 2, "bcdef"), 0);
	assert_int_equal(insert(raw, 48, 3, "c"), 0);
	check_chain(raw, 48, "1:12:a 2:16:bcdef 3:20:c ");
	assert_int_equal(insert(raw, 48, 4, "d"), -ENOSPC);
	/* the one before gets the bytes, and gives them away again */
	assert_int_equal(dirent_remove(raw, 48, 12), 0);
	check_chain(raw, 48, "1:28:a 3:20:c ");
	assert_int_equal(insert(raw, 48, 4, "defgh"), 0);
	check_chain(raw, 48, "1:12:a 4:16:defgh 3:20:c ");
	assert_int_equal(dirent_remove(raw, 48, 0), 0);
	check_chain(raw, 48, "0:12: 4:16:defgh 3:20:c ");
	assert_int_equal(insert(raw, 48, 5, "efghi"), -ENOSPC);
	assert_int_equal(insert(raw, 48, 5, "efgh"), 0);
	dirent_repoint(raw, 12, 6, EXT2_FT_DIR);
	check_chain(raw, 48, "5:12:efgh 6:16:defgh 3:20:c ");
	assert_int_equal(raw[12 + 7], EXT2_FT_DIR);
	dirent_extend(raw, 48, 64);
	check_chain(raw, 64, "5:12:efgh 6:16:defgh 3:36:c ");
	/* not where a record begins */
	assert_int_equal(dirent_remove(raw, 64, 16), -EUCLEAN);
	le16_put(raw + 4, 0);
	assert_int_equal(dirent_remove(raw, 64, 12), -EUCLEAN);
	le16_put(raw + 4, 200);
	assert_int_equal(dirent_remove(raw, 64, 12), -EUCLEAN);
}

static void test_pack_dots(void **state)
{
	static const uint32_t offs[] = { 28, 0 };
	uint8_t from[64], to[64];

	(void)state;
	dirent_extend(from, 0, 64);
	assert_int_equal(insert(from, 64, 1, "a"), 0);
	assert_int_equal(insert(from, 64, 2, "bcdef"), 0);
	assert_int_equal(insert(from, 64, 3, "c"), 0);
	dirent_pack(to, 52, from, offs, 2);
	check_chain(to, 52, "3:12:c 1:40:a ");
	dirent_pack(to, 52, from, offs, 0);
	check_chain(to, 52, "0:52: ");
	dirent_init_dots(to, 64, 7, 8, EXT2_FT_DIR);
	check_chain(to, 64, "7:12:. 8:52:.. ");
	dirent_init_dots(to, 24, 7, 8, EXT2_FT_DIR);
	check_chain(to, 24, "7:12:. 8:12:.. ");
}

/* A record over all of 64 KiB, and what is split off it. */
static void test_insert_64k(void **state)
{
	uint8_t *raw = calloc(1, 65536);

	(void)state;
	assert_non_null(raw);
	dirent_extend(raw, 0, 65536);
	assert_int_equal(le16_get(raw + 4), 65535);
	check_chain(raw, 65536, "0:65536: ");
	assert_int_equal(insert(raw, 65536, 1, "a"), 0);
	assert_int_equal(insert(raw, 65536, 2, "b"), 0);
	check_chain(raw, 65536, "1:12:a 2:65524:b ");
	assert_int_equal(dirent_remove(raw, 65536, 12), 0);
	check_chain(raw, 65536, "1:65536:a ");
	dirent_csum_set(raw, 65536, 5);
	assert_true(dirent_csum_ok(raw, 65536, 5));
	free(raw);
}

/* ---- the index ---- */

#define ROOT_ENTRIES 32
#define NODE_ENTRIES 8

static struct super index_super(uint32_t block_size, bool csum)
{
	return (struct super){
		.block_size = block_size,
		.ro_compat = csum ? EXT4_FEATURE_RO_COMPAT_METADATA_CSUM : 0,
	};
}

static void put_index(uint8_t *p, unsigned limit, unsigned count)
{
	for (unsigned i = 1; i < count; i++) {
		le32_put(p + i * 8, i * 0x1000);
		le32_put(p + i * 8 + 4, 100 + i);
	}
	le16_put(p, (uint16_t)limit);
	le16_put(p + 2, (uint16_t)count);
	le32_put(p + 4, 100);
}

static void put_root(uint8_t *raw, unsigned limit, unsigned count)
{
	memset(raw, 0, BLOCK_SIZE);
	put_rec(raw, 2, 12, 1, EXT2_FT_DIR);
	raw[8] = '.';
	put_rec(raw + 12, 2, BLOCK_SIZE - 12, 2, EXT2_FT_DIR);
	raw[20] = raw[21] = '.';
	raw[28] = EXT2_HASH_TEA;
	raw[29] = 8;
	put_index(raw + ROOT_ENTRIES, limit, count);
}

static void test_root(void **state)
{
	struct super sb = index_super(BLOCK_SIZE, false);
	struct dx_root_info info;
	struct dx_entries entries;
	uint8_t raw[BLOCK_SIZE];
	const char *why;

	(void)state;
	put_root(raw, 124, 124);
	raw[30] = 1;
	le32_put(raw + ROOT_ENTRIES + 16 + 4, 0xF0000000 | 77);
	assert_int_equal(dx_root_decode(&sb, raw, &info, &entries, &why), 0);
	assert_int_equal(info.hash_version, EXT2_HASH_TEA);
	assert_int_equal(info.indirect_levels, 1);
	assert_int_equal(entries.count, 124);
	assert_int_equal(dx_hash(&entries, 0), 0);
	assert_int_equal(dx_block(&entries, 0), 100);
	assert_int_equal(dx_hash(&entries, 123), 123 * 0x1000);
	assert_int_equal(dx_block(&entries, 123), 223);
	assert_int_equal(dx_block(&entries, 2), 77);
}

/* A byte or two of a good root changed. */
static void test_root_damage(void **state)
{
	static const struct {
		unsigned off, value, size;
		bool csum, largedir;
		int err;
		const char *why;
	} cases[] = {
		{ 28, EXT2_HASH_LEGACY, 1, false, false, 0, NULL },
		{ 28, DX_HASH_SIPHASH, 1, false, false, 0, NULL },
		{ 30, 2, 1, false, true, 0, NULL },
		{ 31, 2, 1, false, false, 0, NULL },
		{ ROOT_ENTRIES + 2, 1, 2, false, false, 0, NULL },
		{ ROOT_ENTRIES, 123, 2, true, false, 0, NULL },
		{ 4, 16, 2, false, false, -EUCLEAN, "'.'" },
		{ 24, 1, 1, false, false, -EUCLEAN, "flags" },
		{ 31, 1, 1, false, false, -EUCLEAN, "flags" },
		{ 29, 0, 1, false, false, -EUCLEAN, "info length" },
		{ 29, 16, 1, false, false, -EUCLEAN, "info length" },
		{ 30, 2, 1, false, false, -EUCLEAN, "depth" },
		{ 30, 3, 1, false, true, -EUCLEAN, "depth" },
		{ 30, 255, 1, false, true, -EUCLEAN, "depth" },
		{ 28, 3, 1, false, false, -EOPNOTSUPP, "hash version" },
		{ 28, 7, 1, false, false, -EOPNOTSUPP, "hash version" },
		{ 28, 255, 1, false, false, -EOPNOTSUPP, "hash version" },
		{ ROOT_ENTRIES, 124, 2, true, false, -EUCLEAN, "limit" },
		{ ROOT_ENTRIES, 123, 2, false, false, -EUCLEAN, "limit" },
		{ ROOT_ENTRIES, 65535, 2, false, false, -EUCLEAN, "limit" },
		{ ROOT_ENTRIES + 2, 0, 2, false, false, -EUCLEAN, "count" },
		{ ROOT_ENTRIES + 2, 125, 2, false, false, -EUCLEAN, "count" },
		{ ROOT_ENTRIES + 2, 65535, 2, false, false, -EUCLEAN, "count" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct super sb = index_super(BLOCK_SIZE, cases[i].csum);
		struct dx_root_info info;
		struct dx_entries entries;
		uint8_t raw[BLOCK_SIZE];
		const char *why = "untouched";
		int err;

		put_root(raw, 124, 5);
		if (cases[i].largedir)
			sb.incompat = EXT4_FEATURE_INCOMPAT_LARGEDIR;
		raw[cases[i].off] = (uint8_t)cases[i].value;
		if (cases[i].size == 2)
			raw[cases[i].off + 1] = (uint8_t)(cases[i].value >> 8);
		err = dx_root_decode(&sb, raw, &info, &entries, &why);
		if (err != cases[i].err || (err && !strstr(why, cases[i].why)))
			fail_msg("case %zu: %d, \"%s\"", i, err, why ? why : "");
	}
}

/* Limits of nodes; records with hashes (encrypted and casefolded) cost one entry. */
static void test_node_limit(void **state)
{
	const uint32_t hashed = EXT4_FEATURE_INCOMPAT_ENCRYPT | EXT4_FEATURE_INCOMPAT_CASEFOLD;
	const struct {
		uint32_t incompat;
		bool csum;
		unsigned limit, count;
		int err;
	} cases[] = {
		{ 0, false, 127, 127, 0 },
		{ 0, true, 126, 126, 0 },
		{ 0, false, 126, 1, -EUCLEAN },
		{ 0, true, 127, 1, -EUCLEAN },
		{ 0, true, 125, 1, -EUCLEAN },
		{ EXT4_FEATURE_INCOMPAT_CASEFOLD, true, 125, 1, -EUCLEAN },
		{ hashed, true, 126, 126, 0 },
		{ hashed, true, 125, 125, 0 },
		{ hashed, true, 125, 126, -EUCLEAN },
		{ hashed, true, 124, 1, -EUCLEAN },
		{ hashed, false, 126, 1, 0 },
		{ 0, true, 126, 0, -EUCLEAN },
		{ 0, true, 126, 127, -EUCLEAN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct super sb = index_super(BLOCK_SIZE, cases[i].csum);
		uint8_t raw[BLOCK_SIZE] = { 0 };
		struct dx_entries entries;
		const char *why;
		int err;

		sb.incompat = cases[i].incompat;
		put_rec(raw, 0, BLOCK_SIZE, 0, 0);
		put_index(raw + NODE_ENTRIES, cases[i].limit, 5);
		le16_put(raw + NODE_ENTRIES + 2, (uint16_t)cases[i].count);
		err = dx_node_decode(&sb, raw, &entries, &why);
		if (err != cases[i].err)
			fail_msg("case %zu: %d", i, err);
	}
}

static void test_search(void **state)
{
	uint8_t raw[16 * 8];
	struct dx_entries entries = { .raw = raw, .limit = 16 };

	(void)state;
	for (unsigned count = 1; count <= 16; count++) {
		put_index(raw, 16, count);
		entries.count = (uint16_t)count;
		for (unsigned i = 0; i < count; i++) {
			assert_int_equal(dx_search(&entries, i * 0x1000), i);
			assert_int_equal(dx_search(&entries, i * 0x1000 + 0xFFF), i);
		}
		assert_int_equal(dx_search(&entries, UINT32_MAX), count - 1);
	}
	/* of several with one hash, the last; out of order, something inside */
	for (unsigned i = 1; i < 16; i++)
		le32_put(raw + i * 8, 7);
	assert_int_equal(dx_search(&entries, 7), 15);
	assert_int_equal(dx_search(&entries, 6), 0);
	for (unsigned i = 1; i < 16; i++)
		le32_put(raw + i * 8, 16 - i);
	for (uint32_t hash = 0; hash < 20; hash++)
		assert_in_range(dx_search(&entries, hash), 0, 15);
}

static void test_is_node(void **state)
{
	static const struct {
		uint32_t block_size, ino;
		unsigned rec_len;
		bool node;
	} cases[] = {
		{ 1024, 0, 1024, true },
		{ 1024, 5, 1024, false },
		{ 1024, 0, 1012, false },
		{ 1024, 0, 0, false },
		{ 32768, 0, 32768, true },
		{ 65536, 0, 0, true },
		{ 65536, 0, 65535, true },
		{ 65536, 0, 65524, false },
		{ 65536, 5, 65535, false },
	};
	uint8_t raw[BLOCK_SIZE] = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct super sb = index_super(cases[i].block_size, false);

		put_rec(raw, cases[i].ino, cases[i].rec_len, 0, 0);
		assert_int_equal(dx_is_node(&sb, raw), cases[i].node);
	}
}

/* The checksum covers the entries in use and the tail's first word, not the unused entries. */
static void check_index_csum(uint8_t *raw, bool is_root, unsigned off, unsigned limit)
{
	struct super sb = index_super(BLOCK_SIZE, true);
	size_t used = off + 5 * 8, tail = off + (size_t)limit * 8;
	uint32_t crc;

	sb.incompat = EXT4_FEATURE_INCOMPAT_ENCRYPT | EXT4_FEATURE_INCOMPAT_CASEFOLD;
	raw[tail] = 0x77;
	crc = crc32c(5, raw, used);
	crc = crc32c(crc, raw + tail, 4);
	crc = crc32c(crc, "\0\0\0\0", 4);
	le32_put(raw + tail + 4, crc);
	assert_true(dx_csum_ok(&sb, raw, is_root, 5));
	assert_false(dx_csum_ok(&sb, raw, is_root, 6));
	for (size_t at = 0; at < tail + 8; at++) {
		bool unused = at >= used && at < tail;

		raw[at] ^= 0x20;
		assert_int_equal(dx_csum_ok(&sb, raw, is_root, 5), unused);
		raw[at] ^= 0x20;
	}
}

static void test_index_csum(void **state)
{
	static const unsigned node_limits[] = { 126, 125 };
	uint8_t raw[BLOCK_SIZE];

	(void)state;
	put_root(raw, 123, 5);
	check_index_csum(raw, true, ROOT_ENTRIES, 123);
	for (size_t i = 0; i < ARRAY_SIZE(node_limits); i++) {
		memset(raw, 0, sizeof(raw));
		put_rec(raw, 0, BLOCK_SIZE, 0, 0);
		put_index(raw + NODE_ENTRIES, node_limits[i], 5);
		check_index_csum(raw, false, NODE_ENTRIES, node_limits[i]);
	}
}

/* ---- changing the index ---- */

static struct dx_entries node_of(const struct super *sb, const uint8_t *raw)
{
	struct dx_entries entries;
	const char *why;

	assert_int_equal(dx_node_decode(sb, raw, &entries, &why), 0);
	return entries;
}

static struct dx_entries root_of(const struct super *sb, const uint8_t *raw, unsigned levels)
{
	struct dx_root_info info;
	struct dx_entries entries;
	const char *why;

	assert_int_equal(dx_root_decode(sb, raw, &info, &entries, &why), 0);
	assert_int_equal(info.hash_version, EXT2_HASH_TEA);
	assert_int_equal(info.indirect_levels, levels);
	return entries;
}

/* A root that fills up in no order, moves down into a node, which splits. */
static void grow_index(const struct super *sb, bool hashed)
{
	uint8_t root[BLOCK_SIZE], left[BLOCK_SIZE], right[BLOCK_SIZE];
	struct dx_entries e;
	uint32_t hash;

	memset(root, 0x5A, sizeof(root));
	dirent_init_dots(root, sizeof(root), 7, 8, EXT2_FT_DIR);
	dx_root_init(sb, root, EXT2_HASH_TEA, 1);
	e = root_of(sb, root, 0);
	assert_int_equal(e.count, 1);
	for (unsigned i = 1; i < e.limit; i++) {
		hash = i * 37 % e.limit * 16;
		e = root_of(sb, root, 0);
		dx_insert(root, true, dx_search(&e, hash), hash, 1 + hash / 16);
	}
	e = root_of(sb, root, 0);
	assert_int_equal(e.count, e.limit);
	for (unsigned i = 0; i < e.count; i++)
		assert_true(dx_hash(&e, i) == i * 16 && dx_block(&e, i) == 1 + i);
	dx_root_push_down(sb, root, left, hashed, 1000);
	hash = e.count / 2 * 16;
	e = root_of(sb, root, 1);
	assert_true(e.count == 1 && dx_block(&e, 0) == 1000);
	assert_true(dx_is_node(sb, left));
	dx_node_split(sb, left, right, hashed, &hash);
	e = node_of(sb, left);
	assert_int_equal(hash, e.count * 16u);
	e = node_of(sb, right);
	assert_int_equal(dx_block(&e, 0), 1 + hash / 16);
	assert_int_equal(dx_hash(&e, 1), hash + 16);
	dx_csum_set(sb, root, true, 5);
	dx_csum_set(sb, left, false, 5);
	dx_csum_set(sb, right, false, 5);
	if (super_has_metadata_csum(sb)) {
		assert_true(dx_csum_ok(sb, root, true, 5));
		assert_true(dx_csum_ok(sb, left, false, 5));
		assert_true(dx_csum_ok(sb, right, false, 5));
	}
}

static void test_grow_index(void **state)
{
	(void)state;
	for (int csum = 0; csum < 2; csum++) {
		struct super sb = index_super(BLOCK_SIZE, csum);

		grow_index(&sb, false);
		sb.incompat = EXT4_FEATURE_INCOMPAT_ENCRYPT | EXT4_FEATURE_INCOMPAT_CASEFOLD;
		grow_index(&sb, true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_record_rules),
		cmocka_unit_test(test_record_hashes),
		cmocka_unit_test(test_dots_of_hashed),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_dtype),
		cmocka_unit_test(test_tail),
		cmocka_unit_test(test_insert_remove),
		cmocka_unit_test(test_pack_dots),
		cmocka_unit_test(test_insert_64k),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_root_damage),
		cmocka_unit_test(test_node_limit),
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_is_node),
		cmocka_unit_test(test_index_csum),
		cmocka_unit_test(test_grow_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
