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
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "format/dinode.h"
#include "format/le.h"
#include "util/crc32c.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define INODE_SIZE 256

/* Offsets of struct ext4_inode. */
enum {
	I_MODE = 0x00,
	I_UID = 0x02,
	I_SIZE = 0x04,
	I_ATIME = 0x08,
	I_CTIME = 0x0C,
	I_MTIME = 0x10,
	I_GID = 0x18,
	I_LINKS = 0x1A,
	I_BLOCKS = 0x1C,
	I_FLAGS = 0x20,
	I_VERSION = 0x24,
	I_BLOCK = 0x28,
	I_GENERATION = 0x64,
	I_FILE_ACL = 0x68,
	I_SIZE_HI = 0x6C,
	I_BLOCKS_HI = 0x74,
	I_FILE_ACL_HI = 0x76,
	I_UID_HI = 0x78,
	I_GID_HI = 0x7A,
	I_EXTRA_ISIZE = 0x80,
	I_CTIME_EXTRA = 0x84,
	I_MTIME_EXTRA = 0x88,
	I_ATIME_EXTRA = 0x8C,
	I_CRTIME = 0x90,
	I_CRTIME_EXTRA = 0x94,
	I_VERSION_HI = 0x98,
	I_PROJID = 0x9C,
};

static const struct super plain = {
	.block_size = 4096,
	.block_bits = 12,
	.inode_size = INODE_SIZE,
	.csum_seed = 0x12345678,
};

/* An inode of a regular file, all fields in use. */
static void make(uint8_t raw[INODE_SIZE])
{
	memset(raw, 0, INODE_SIZE);
	le16_put(raw + I_MODE, S_IFREG | 0644);
	le16_put(raw + I_LINKS, 1);
	le16_put(raw + I_EXTRA_ISIZE, 32);
}

static void decode(const struct super *sb, const uint8_t *raw, struct dinode *ret)
{
	assert_int_equal(dinode_decode(sb, raw, ret), 0);
}

static void test_plain_fields(void **state)
{
	struct super sb = plain;
	uint8_t raw[INODE_SIZE];
	struct dinode d;

	(void)state;
	make(raw);
	le16_put(raw + I_UID, 0x1234);
	le16_put(raw + I_UID_HI, 0x5678);
	le16_put(raw + I_GID, 0xFFFF);
	le16_put(raw + I_GID_HI, 0x8000);
	le16_put(raw + I_LINKS, 65000);
	le32_put(raw + I_FLAGS, 0x80081234);
	le32_put(raw + I_VERSION, 0x11111111);
	le32_put(raw + I_VERSION_HI, 0x22222222);
	le32_put(raw + I_GENERATION, 0xCAFEBABE);
	le32_put(raw + I_FILE_ACL, 0x33333333);
	le16_put(raw + I_FILE_ACL_HI, 0x4444);
	le32_put(raw + I_PROJID, 77);
	for (unsigned i = 0; i < DINODE_BLOCK_SIZE; i++)
		raw[I_BLOCK + i] = (uint8_t)i;
	decode(&sb, raw, &d);
	assert_int_equal(d.mode, S_IFREG | 0644);
	assert_int_equal(d.uid, 0x56781234);
	assert_int_equal(d.gid, 0x8000FFFF);
	assert_int_equal(d.nlink, 65000);
	assert_int_equal(d.flags, 0x80081234);
	assert_int_equal(d.generation, 0xCAFEBABE);
	assert_int_equal(d.iversion, 0x2222222211111111);
	assert_int_equal(d.extra_isize, 32);
	assert_memory_equal(d.block, raw + I_BLOCK, DINODE_BLOCK_SIZE);
	/* these two need their feature */
	assert_int_equal(d.file_acl, 0x33333333);
	assert_int_equal(d.projid, 0);
	sb.incompat = EXT4_FEATURE_INCOMPAT_64BIT;
	sb.ro_compat = EXT4_FEATURE_RO_COMPAT_PROJECT;
	decode(&sb, raw, &d);
	assert_int_equal(d.file_acl, 0x444433333333);
	assert_int_equal(d.projid, 77);
}

/* Seconds on disk, the extra word, and the time they mean. */
static const struct {
	uint32_t sec, extra;
	int64_t tv_sec;
	long tv_nsec;
} times[] = {
	{ 0, 0, 0, 0 },
	{ 1234567890, 4, 1234567890, 1 },
	{ 0xFFFFFFFF, 0, -1, 0 }, /* 1969-12-31 23:59:59 */
	{ 0x80000000, 0, -2147483648LL, 0 }, /* 1901 */
	{ 0x7FFFFFFF, 999999999u << 2, 2147483647LL, 999999999 }, /* 2038-01-19 */
	{ 0x80000000, 1, 2147483648LL, 0 }, /* a second later */
	{ 0xFFFFFFFF, 1, 4294967295LL, 0 }, /* 2106 */
	{ 0x00000000, 1, 4294967296LL, 0 },
	{ 0x80000000, 2, 6442450944LL, 0 },
	{ 0x7FFFFFFF, 3 | 5 << 2, 15032385535LL, 5 }, /* 2446-05-10, the last */
	{ 0x80000000, 3, 10737418240LL, 0 },
};

static void test_times(void **state)
{
	uint8_t raw[INODE_SIZE];
	struct dinode d;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		static const unsigned at[][2] = { { I_ATIME, I_ATIME_EXTRA },
			{ I_CTIME, I_CTIME_EXTRA }, { I_MTIME, I_MTIME_EXTRA },
			{ I_CRTIME, I_CRTIME_EXTRA } };

		for (size_t j = 0; j < ARRAY_SIZE(at); j++) {
			const struct timespec *ts[] = { &d.atime, &d.ctime, &d.mtime, &d.crtime };

			make(raw);
			le32_put(raw + at[j][0], times[i].sec);
			le32_put(raw + at[j][1], times[i].extra);
			decode(&plain, raw, &d);
			assert_true(d.has_crtime);
			assert_true(ts[j]->tv_sec == times[i].tv_sec);
			assert_true(ts[j]->tv_nsec == times[i].tv_nsec);
			assert_true(ts[(j + 1) % 4]->tv_sec == 0);
		}
	}
}

/* Inodes of 128 bytes: nothing behind them may be looked at. */
static void test_small(void **state)
{
	struct super sb = plain;
	uint8_t *raw = malloc(128), full[INODE_SIZE];
	struct dinode d;

	(void)state;
	make(full);
	le32_put(full + I_MTIME, 0x80000000);
	memcpy(raw, full, 128);
	sb.inode_size = 128;
	decode(&sb, raw, &d);
	assert_true(d.mtime.tv_sec == -2147483648LL);
	assert_int_equal(d.mtime.tv_nsec, 0);
	assert_int_equal(d.extra_isize, 0);
	assert_false(d.has_crtime);
	free(raw);
}

/* Fields beyond i_extra_isize do not count, except that 0 stands for all of them. */
static void test_extra_isize(void **state)
{
	static const struct {
		uint16_t extra;
		bool ctime, mtime, atime, crtime, crtime_extra, version, projid;
		int err;
	} cases[] = {
		{ 0, true, true, true, true, true, true, true, 0 },
		{ 4, false, false, false, false, false, false, false, 0 },
		{ 8, true, false, false, false, false, false, false, 0 },
		{ 12, true, true, false, false, false, false, false, 0 },
		{ 16, true, true, true, false, false, false, false, 0 },
		{ 20, true, true, true, true, false, false, false, 0 },
		{ 24, true, true, true, true, true, false, false, 0 },
		{ 28, true, true, true, true, true, true, false, 0 },
		{ 32, true, true, true, true, true, true, true, 0 },
		{ 128, true, true, true, true, true, true, true, 0 },
		{ 132, .err = -EUCLEAN },
		{ 30, .err = -EUCLEAN },
		{ 1, .err = -EUCLEAN },
		{ 0xFFFC, .err = -EUCLEAN },
	};
	struct super sb = plain;
	uint8_t raw[INODE_SIZE];
	struct dinode d;

	(void)state;
	sb.ro_compat = EXT4_FEATURE_RO_COMPAT_PROJECT;
	make(raw);
	for (unsigned at = I_CTIME_EXTRA; at < 0xA0; at += 4)
		le32_put(raw + at, 7 << 2);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		le16_put(raw + I_EXTRA_ISIZE, cases[i].extra);
		assert_int_equal(dinode_decode(&sb, raw, &d), cases[i].err);
		if (cases[i].err)
			continue;
		assert_int_equal(d.ctime.tv_nsec, cases[i].ctime ? 7 : 0);
		assert_int_equal(d.mtime.tv_nsec, cases[i].mtime ? 7 : 0);
		assert_int_equal(d.atime.tv_nsec, cases[i].atime ? 7 : 0);
		assert_int_equal(d.has_crtime, cases[i].crtime);
		assert_int_equal(d.crtime.tv_sec, cases[i].crtime ? 28 : 0);
		assert_int_equal(d.crtime.tv_nsec, cases[i].crtime_extra ? 7 : 0);
		assert_int_equal(d.iversion >> 32, cases[i].version ? 28 : 0);
		assert_int_equal(d.projid, cases[i].projid ? 28 : 0);
	}
}

static void test_rdev(void **state)
{
	static const struct {
		uint16_t mode;
		uint32_t old, new;
		unsigned major, minor;
	} cases[] = {
		{ S_IFCHR, 0x0103, 0, 1, 3 },
		{ S_IFBLK, 0xFFFF, 0, 255, 255 },
		{ S_IFBLK, 0x0801, 0x1234567, 8, 1 }, /* the old form wins */
		{ S_IFBLK, 0, 0x00010300, 0x103, 0x000 },
		{ S_IFBLK, 0, 0x11110300 | 0x70, 0x103, 0x11170 },
		{ S_IFCHR, 0, 0xFFFFFFFF, 0xFFF, 0xFFFFF },
		{ S_IFREG, 0x0103, 0x0103, 0, 0 },
	};
	uint8_t raw[INODE_SIZE];
	struct dinode d;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		make(raw);
		le16_put(raw + I_MODE, cases[i].mode);
		le32_put(raw + I_BLOCK, cases[i].old);
		le32_put(raw + I_BLOCK + 4, cases[i].new);
		decode(&plain, raw, &d);
		assert_int_equal(major(d.rdev), cases[i].major);
		assert_int_equal(minor(d.rdev), cases[i].minor);
	}
}

static void test_blocks(void **state)
{
	static const struct {
		bool feature, flag;
		uint64_t sectors;
	} cases[] = {
		{ false, false, 0xFFFFFFF0 },
		{ false, true, 0xFFFFFFF0 },
		{ true, false, 0x1234FFFFFFF0 },
		{ true, true, 0x1234FFFFFFF0 << 3 },
	};
	uint8_t raw[INODE_SIZE];
	struct dinode d;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct super sb = plain;

		make(raw);
		le32_put(raw + I_BLOCKS, 0xFFFFFFF0);
		le16_put(raw + I_BLOCKS_HI, 0x1234);
		if (cases[i].feature)
			sb.ro_compat = EXT4_FEATURE_RO_COMPAT_HUGE_FILE;
		if (cases[i].flag)
			le32_put(raw + I_FLAGS, EXT4_HUGE_FILE_FL);
		decode(&sb, raw, &d);
		assert_int_equal(d.blocks, cases[i].sectors);
	}
}

static void test_size(void **state)
{
	static const struct {
		uint16_t mode;
		bool largedir;
		uint32_t lo, hi;
		int err;
		uint64_t size;
	} cases[] = {
		{ S_IFREG, false, 5, 1, 0, 0x100000005 },
		{ S_IFDIR, false, 0x1000, 1, 0, 0x1000 },
		{ S_IFDIR, true, 0x1000, 1, 0, 0x100001000 },
		{ S_IFLNK, false, 60, 7, 0, 60 },
		{ S_IFREG, false, 0xFFFFFFFF, 0x7FFFFFFF, 0, INT64_MAX },
		{ S_IFREG, false, 0, 0x80000000, -EUCLEAN, 0 },
		{ S_IFREG, false, 0xFFFFFFFF, 0xFFFFFFFF, -EUCLEAN, 0 },
		{ S_IFDIR, true, 0, 0x80000000, -EUCLEAN, 0 },
	};
	uint8_t raw[INODE_SIZE];
	struct dinode d;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct super sb = plain;

		make(raw);
		if (cases[i].largedir)
			sb.incompat = EXT4_FEATURE_INCOMPAT_LARGEDIR;
		le16_put(raw + I_MODE, cases[i].mode);
		le32_put(raw + I_SIZE, cases[i].lo);
		le32_put(raw + I_SIZE_HI, cases[i].hi);
		assert_int_equal(dinode_decode(&sb, raw, &d), cases[i].err);
		if (!cases[i].err)
			assert_int_equal(d.size, cases[i].size);
	}
}

static void test_fast_symlink(void **state)
{
	static const struct {
		uint32_t incompat;
		unsigned cluster_bits;
		uint16_t mode;
		uint32_t flags;
		uint64_t size, blocks, file_acl;
		bool fast;
	} cases[] = {
		{ 0, 0, S_IFLNK, 0, 10, 0, 0, true },
		{ 0, 0, S_IFLNK, 0, 10, 8, 0, false },
		{ 0, 0, S_IFLNK, 0, 10, 8, 99, true }, /* the one block is the attributes' */
		{ 0, 0, S_IFLNK, 0, 10, 16, 99, false },
		{ 0, 4, S_IFLNK, 0, 10, 8 << 4, 99, true }, /* a cluster */
		{ 0, 0, S_IFLNK, EXT4_INLINE_DATA_FL, 10, 0, 0, false },
		{ 0, 0, S_IFREG, 0, 10, 0, 0, false },
		{ EXT4_FEATURE_INCOMPAT_EA_INODE, 0, S_IFLNK, 0, 59, 1000, 0, true },
		{ EXT4_FEATURE_INCOMPAT_EA_INODE, 0, S_IFLNK, 0, 60, 0, 0, false },
		{ EXT4_FEATURE_INCOMPAT_EA_INODE, 0, S_IFLNK, 0, 0, 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct super sb = plain;
		struct dinode d = {
			.mode = cases[i].mode,
			.flags = cases[i].flags,
			.size = cases[i].size,
			.blocks = cases[i].blocks,
			.file_acl = cases[i].file_acl,
		};

		sb.incompat = cases[i].incompat;
		sb.cluster_bits = cases[i].cluster_bits;
		if (dinode_is_fast_symlink(&sb, &d) != cases[i].fast)
			fail_msg("case %zu", i);
	}
}

/*
 * Inode 11 as mke2fs 1.47.0 wrote it, with the given generation and UUID, in inodes of 128
 * and 256 bytes. The first 60 bytes of both are the same but for the block's number.
 */
static const uint8_t uuid[16] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45,
	0x67, 0x89, 0xab, 0xcd, 0xef };

static void make_written(uint8_t raw[INODE_SIZE], uint32_t inode_size)
{
	static const uint8_t head[] = { 0xc0, 0x41, 0x00, 0x00, 0x00, 0x30, 0x00, 0x00, 0x00, 0xf1,
		0x53, 0x65, 0x00, 0xf1, 0x53, 0x65, 0x00, 0xf1, 0x53, 0x65, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x02, 0x00, 0x18, 0x00, 0x00, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x0a, 0xf3, 0x01, 0x00, 0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x0c, 0x00, 0x00, 0x00 };

	memset(raw, 0, INODE_SIZE);
	memcpy(raw, head, sizeof(head));
	raw[60] = inode_size == 128 ? 0x0c : 0x10;
	le32_put(raw + I_GENERATION, 0x99887766);
	if (inode_size == 128) {
		le16_put(raw + 124, 0x7228);
		return;
	}
	le16_put(raw + 124, 0x3BD0);
	le16_put(raw + I_EXTRA_ISIZE, 32);
	le16_put(raw + 130, 0x240B);
	le32_put(raw + I_CRTIME, 0x6553F100);
}

static void test_csum(void **state)
{
	static const uint32_t sizes[] = { 128, 256 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct super sb = plain;
		uint8_t raw[INODE_SIZE];

		sb.inode_size = sizes[i];
		sb.ro_compat = EXT4_FEATURE_RO_COMPAT_METADATA_CSUM;
		sb.csum_seed = crc32c(~0u, uuid, sizeof(uuid));
		make_written(raw, sizes[i]);
		assert_true(dinode_csum_ok(&sb, 11, raw));
		assert_false(dinode_csum_ok(&sb, 12, raw));
		for (unsigned at = 0; at < sizes[i]; at++) {
			/* of 128 bytes the last two are unused, but covered */
			raw[at] ^= 0x10;
			assert_false(dinode_csum_ok(&sb, 11, raw));
			raw[at] ^= 0x10;
		}
		sb.ro_compat = 0;
		raw[0] ^= 1;
		assert_true(dinode_csum_ok(&sb, 11, raw));
	}
}

/* Where i_extra_isize leaves i_checksum_hi out, only 16 bits are compared, and it is covered. */
static void test_csum_short(void **state)
{
	struct super sb = plain;
	uint8_t raw[INODE_SIZE];
	uint32_t crc;

	(void)state;
	sb.ro_compat = EXT4_FEATURE_RO_COMPAT_METADATA_CSUM;
	make(raw);
	le16_put(raw + I_EXTRA_ISIZE, 0);
	le16_put(raw + 130, 0x1234);
	crc = dinode_csum_seed(&sb, 20, 0);
	crc = crc32c(crc, raw, INODE_SIZE);
	le16_put(raw + 124, (uint16_t)crc);
	assert_true(dinode_csum_ok(&sb, 20, raw));
	le16_put(raw + 130, 0x1235);
	assert_false(dinode_csum_ok(&sb, 20, raw));
}

static void test_csum_of_nothing(void **state)
{
	struct super sb = plain;
	uint8_t raw[INODE_SIZE] = { 0 };

	(void)state;
	sb.ro_compat = EXT4_FEATURE_RO_COMPAT_METADATA_CSUM;
	assert_true(dinode_csum_ok(&sb, 20, raw));
	raw[INODE_SIZE - 1] = 1;
	assert_false(dinode_csum_ok(&sb, 20, raw));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_fields),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_extra_isize),
		cmocka_unit_test(test_rdev),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_fast_symlink),
		cmocka_unit_test(test_csum),
		cmocka_unit_test(test_csum_short),
		cmocka_unit_test(test_csum_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
