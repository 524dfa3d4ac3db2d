// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "format/gdesc.h"
#include "format/le.h"
#include "format/super.h"
#include "util/crc32c.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define BLOCKS 10000
#define IMAGE_SIZE ((uint64_t)BLOCKS * 4096)

static const uint8_t uuid[16] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45,
	0x67, 0x89, 0xab, 0xcd, 0xef };

/* What mke2fs makes of 10000 blocks of 4 KiB, as far as it matters. */
static struct ext2_super_block good(void)
{
	struct ext2_super_block es = {
		.s_magic = EXT2_SUPER_MAGIC,
		.s_rev_level = EXT2_DYNAMIC_REV,
		.s_inodes_count = 2560,
		.s_blocks_count = BLOCKS,
		.s_r_blocks_count = 500,
		.s_log_block_size = 2,
		.s_log_cluster_size = 2,
		.s_blocks_per_group = 32768,
		.s_clusters_per_group = 32768,
		.s_inodes_per_group = 2560,
		.s_inode_size = 256,
		.s_first_ino = 11,
		.s_desc_size = 64,
		.s_checksum_type = 1,
		.s_feature_incompat = EXT3_FEATURE_INCOMPAT_EXTENTS | EXT4_FEATURE_INCOMPAT_64BIT |
			EXT2_FEATURE_INCOMPAT_FILETYPE,
		.s_feature_ro_compat = EXT4_FEATURE_RO_COMPAT_METADATA_CSUM,
		.s_journal_inum = 8,
	};

	memcpy(es.s_uuid, uuid, sizeof(uuid));
	memcpy(es.s_volume_name, "sixteen letters!", 16);
	return es;
}

static void test_good(void **state)
{
	struct ext2_super_block es = good();
	char why[SUPER_WHY_MAX];
	struct super sb;

	(void)state;
	es.s_flags = EXT2_FLAGS_UNSIGNED_HASH;
	es.s_state = EXT2_ERROR_FS;
	assert_int_equal(super_decode(&es, IMAGE_SIZE, &sb, why), 0);
	assert_int_equal(sb.blocks, BLOCKS);
	assert_int_equal(sb.reserved_blocks, 500);
	assert_int_equal(sb.groups, 1);
	assert_int_equal(sb.block_size, 4096);
	assert_int_equal(sb.block_bits, 12);
	assert_int_equal(sb.cluster_bits, 0);
	assert_int_equal(sb.inode_size, 256);
	assert_int_equal(sb.desc_size, 64);
	assert_int_equal(sb.journal_ino, 8);
	assert_int_equal(sb.csum_seed, crc32c(~0u, uuid, sizeof(uuid)));
	assert_string_equal((char *)sb.label, "sixteen letters!");
	assert_true(sb.hash_unsigned);
	assert_true(sb.has_errors);
	assert_true(super_has_extents(&sb));
	assert_true(super_has_metadata_csum(&sb));
	assert_false(super_has_bigalloc(&sb));
	assert_false(super_has_journal(&sb));
}

/* Fields changed from good(), and what becomes of it. */
static void set_rev0(struct ext2_super_block *es)
{
	es->s_rev_level = EXT2_GOOD_OLD_REV;
	es->s_inode_size = 77; /* fields of later revisions mean nothing */
	es->s_first_ino = 0;
	es->s_feature_incompat = ~0u;
}

static void set_seed(struct ext2_super_block *es)
{
	es->s_feature_incompat |= EXT4_FEATURE_INCOMPAT_CSUM_SEED;
	es->s_checksum_seed = 0x12345678;
}

static void set_bigalloc(struct ext2_super_block *es)
{
	es->s_feature_ro_compat |= EXT4_FEATURE_RO_COMPAT_BIGALLOC;
	es->s_log_cluster_size = 6;
	es->s_clusters_per_group = 2048;
}

static void set_high_blocks(struct ext2_super_block *es)
{
	es->s_feature_incompat &= ~(uint32_t)EXT4_FEATURE_INCOMPAT_64BIT;
	es->s_blocks_count_hi = 1; /* means nothing without 64bit */
	es->s_desc_size = 0;
}

static void test_accepted(void **state)
{
	static void (*const change[])(struct ext2_super_block *) = { set_rev0, set_seed,
		set_bigalloc, set_high_blocks };
	char why[SUPER_WHY_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(change); i++) {
		struct ext2_super_block es = good();
		struct super sb;

		change[i](&es);
		assert_int_equal(super_decode(&es, IMAGE_SIZE, &sb, why), 0);
		assert_int_equal(sb.blocks, BLOCKS);
		if (change[i] == set_rev0) {
			assert_int_equal(sb.inode_size, 128);
			assert_int_equal(sb.first_ino, 11);
			assert_int_equal(sb.incompat, 0);
		}
		if (change[i] == set_seed)
			assert_int_equal(sb.csum_seed, 0x12345678);
		if (change[i] == set_bigalloc)
			assert_int_equal(sb.cluster_bits, 4);
		if (change[i] == set_high_blocks)
			assert_int_equal(sb.desc_size, 32);
	}
}

/* One field of a superblock: its place, its size, the value that must be refused. */
#define FIELD(name) offsetof(struct ext2_super_block, name), \
		sizeof(((struct ext2_super_block *)NULL)->name)

static void poke(struct ext2_super_block *es, size_t off, size_t size, uint32_t value)
{
	uint8_t *p = (uint8_t *)es + off;
	uint16_t half = (uint16_t)value;

	if (size == sizeof(half))
		memcpy(p, &half, sizeof(half));
	else
		memcpy(p, &value, sizeof(value));
}

static void test_refused(void **state)
{
	static const struct {
		size_t off, size;
		uint32_t value;
		int err;
		const char *why;
	} cases[] = {
		{ FIELD(s_feature_incompat), 1, -EOPNOTSUPP, "compression" },
		{ FIELD(s_feature_incompat), 0x1000 | 0x80000000, -EOPNOTSUPP, "unsupported" },
		{ FIELD(s_feature_incompat), ~0u & ~8u, -EOPNOTSUPP, "unsupported feature" },
		{ FIELD(s_feature_incompat), 8, -EOPNOTSUPP, "external journal" },
		{ FIELD(s_checksum_type), 2, -EOPNOTSUPP, "checksum type" },
		{ FIELD(s_log_block_size), 7, -EUCLEAN, "block size" },
		{ FIELD(s_log_block_size), 0xFFFFFFFF, -EUCLEAN, "block size" },
		{ FIELD(s_log_cluster_size), 1, -EUCLEAN, "block size" },
		{ FIELD(s_log_cluster_size), 0xFFFFFFFF, -EUCLEAN, "block size" },
		{ FIELD(s_inode_size), 0, -EUCLEAN, "inode size" },
		{ FIELD(s_inode_size), 64, -EUCLEAN, "inode size" },
		{ FIELD(s_inode_size), 129, -EUCLEAN, "inode size" },
		{ FIELD(s_inode_size), 384, -EUCLEAN, "inode size" },
		{ FIELD(s_inode_size), 8192, -EUCLEAN, "inode size" },
		{ FIELD(s_desc_size), 0, -EUCLEAN, "descriptor size" },
		{ FIELD(s_desc_size), 16, -EUCLEAN, "descriptor size" },
		{ FIELD(s_desc_size), 96, -EUCLEAN, "descriptor size" },
		{ FIELD(s_desc_size), 2048, -EUCLEAN, "descriptor size" },
		{ FIELD(s_first_ino), 10, -EUCLEAN, "first inode" },
		{ FIELD(s_inodes_per_group), 0, -EUCLEAN, "inodes per group" },
		{ FIELD(s_inodes_per_group), 15, -EUCLEAN, "inodes per group" },
		{ FIELD(s_inodes_per_group), 32769, -EUCLEAN, "inodes per group" },
		{ FIELD(s_blocks_per_group), 0, -EUCLEAN, "blocks per group" },
		{ FIELD(s_blocks_per_group), 32760, -EUCLEAN, "blocks per group" },
		{ FIELD(s_clusters_per_group), 0, -EUCLEAN, "blocks per group" },
		{ FIELD(s_clusters_per_group), 65536, -EUCLEAN, "blocks per group" },
		{ FIELD(s_first_data_block), BLOCKS, -EUCLEAN, "first data block" },
		{ FIELD(s_blocks_count), 0, -EUCLEAN, "first data block" },
		{ FIELD(s_inodes_count), 2561, -EUCLEAN, "add up" },
		{ FIELD(s_blocks_count), 40000, -EUCLEAN, "add up" },
		{ FIELD(s_blocks_count_hi), 0xFFFFFFFF, -EUCLEAN, "add up" },
		{ FIELD(s_blocks_count), BLOCKS + 1, -EINVAL, "truncated" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ext2_super_block es = good();
		char why[SUPER_WHY_MAX] = "";
		struct super sb;
		int err;

		poke(&es, cases[i].off, cases[i].size, cases[i].value);
		err = super_decode(&es, IMAGE_SIZE, &sb, why);
		if (err != cases[i].err || !strstr(why, cases[i].why))
			fail_msg("case %zu: %d, \"%s\", not \"%s\"", i, err, why, cases[i].why);
	}
}

/* Many groups, sizes that would wrap in 32 bits. */
static void test_large(void **state)
{
	struct ext2_super_block es = good();
	char why[SUPER_WHY_MAX];
	struct super sb;

	(void)state;
	es.s_blocks_count_hi = 2;
	es.s_blocks_count = 0;
	es.s_inodes_per_group = 256;
	es.s_inodes_count = (2u << 17) * 256;
	assert_int_equal(super_decode(&es, (2ULL << 32) * 4096, &sb, why), 0);
	assert_int_equal(sb.groups, 2u << 17);
	assert_int_equal(sb.blocks, 2ULL << 32);
	assert_int_equal(super_decode(&es, (2ULL << 32) * 4096 - 1, &sb, why), -EINVAL);
}

static void test_block_range(void **state)
{
	static const struct {
		uint64_t pblk, nr;
		bool valid;
	} cases[] = {
		{ 0, 1, false },
		{ 1, 1, false },
		{ 2, 1, true },
		{ 2, 98, true },
		{ 2, 99, false },
		{ 99, 1, true },
		{ 99, 2, false },
		{ 100, 0, false },
		{ 100, 1, false },
		{ UINT64_MAX, 1, false },
		{ 50, UINT64_MAX, false },
		{ 50, UINT64_MAX - 40, false },
	};
	struct super sb = { .blocks = 100, .first_data_block = 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (super_block_range_valid(&sb, cases[i].pblk, cases[i].nr) != cases[i].valid)
			fail_msg("case %zu", i);
}

static void test_special_inodes(void **state)
{
	struct ext2_super_block es = good();
	char why[SUPER_WHY_MAX];
	struct super sb;

	(void)state;
	es.s_usr_quota_inum = 3;
	es.s_prj_quota_inum = 40;
	es.s_orphan_file_inum = 12;
	assert_int_equal(super_decode(&es, IMAGE_SIZE, &sb, why), 0);
	assert_false(super_ino_special(&sb, 2));
	assert_true(super_ino_special(&sb, 1));
	assert_true(super_ino_special(&sb, 3));
	assert_true(super_ino_special(&sb, 8));
	assert_true(super_ino_special(&sb, 10));
	assert_false(super_ino_special(&sb, 11));
	assert_true(super_ino_special(&sb, 40));
	/* only the feature gives that field a meaning */
	assert_false(super_ino_special(&sb, 12));
	es.s_feature_compat |= EXT4_FEATURE_COMPAT_ORPHAN_FILE;
	assert_int_equal(super_decode(&es, IMAGE_SIZE, &sb, why), 0);
	assert_true(super_ino_special(&sb, 12));
}

/* ---- group descriptors ---- */

/* All fields, every byte another. */
static void test_gdesc_fields(void **state)
{
	struct super sb = { .desc_size = 32 };
	struct gdesc gd;
	uint8_t raw[64];

	(void)state;
	for (unsigned i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)i;
	gdesc_decode(&sb, raw, &gd);
	assert_int_equal(gd.block_bitmap, 0x03020100);
	assert_int_equal(gd.inode_bitmap, 0x07060504);
	assert_int_equal(gd.inode_table, 0x0B0A0908);
	assert_int_equal(gd.free_clusters, 0x0D0C);
	assert_int_equal(gd.free_inodes, 0x0F0E);
	assert_int_equal(gd.used_dirs, 0x1110);
	assert_int_equal(gd.flags, 0x1312);
	assert_int_equal(gd.itable_unused, 0x1D1C);
	sb.desc_size = 64;
	gdesc_decode(&sb, raw, &gd);
	assert_int_equal(gd.block_bitmap, 0x2322212003020100);
	assert_int_equal(gd.inode_bitmap, 0x2726252407060504);
	assert_int_equal(gd.inode_table, 0x2B2A29280B0A0908);
	assert_int_equal(gd.free_clusters, 0x2D2C0D0C);
	assert_int_equal(gd.free_inodes, 0x2F2E0F0E);
	assert_int_equal(gd.used_dirs, 0x31301110);
	assert_int_equal(gd.itable_unused, 0x33321D1C);
	assert_int_equal(gd.flags, 0x1312);
}

/*
 * Descriptors of group 1 of filesystems with uuid[], as mke2fs 1.47.0 wrote them (512 blocks and
 * 16 inodes per group). The bytes left out are zero.
 */
static const struct {
	uint32_t ro_compat;
	uint32_t desc_size;
	uint8_t raw[64];
} written[] = {
	{ EXT4_FEATURE_RO_COMPAT_METADATA_CSUM, 64,
		{ 0x04, 0, 0, 0, 0x06, 0, 0, 0, 0x0b, 0, 0, 0, 0xfd, 0x01, 0x10, 0, 0, 0, 0x05, 0,
			0, 0, 0, 0, 0x24, 0xe8, 0, 0, 0x10, 0, 0x92, 0x14, 0, 0, 0, 0, 0, 0, 0, 0,
			0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x66, 0x9d } },
	{ EXT4_FEATURE_RO_COMPAT_METADATA_CSUM, 32,
		{ 0x04, 0, 0, 0, 0x06, 0, 0, 0, 0x09, 0, 0, 0, 0xfd, 0x01, 0x10, 0, 0, 0, 0x05, 0,
			0, 0, 0, 0, 0x24, 0xe8, 0, 0, 0x10, 0, 0xf8, 0xe8 } },
	{ EXT4_FEATURE_RO_COMPAT_GDT_CSUM, 32,
		{ 0x04, 0, 0, 0, 0x06, 0, 0, 0, 0x09, 0, 0, 0, 0xfd, 0x01, 0x10, 0, 0, 0, 0x05, 0,
			0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0x60, 0x69 } },
	{ EXT4_FEATURE_RO_COMPAT_GDT_CSUM, 64,
		{ 0x04, 0, 0, 0, 0x06, 0, 0, 0, 0x0b, 0, 0, 0, 0xfd, 0x01, 0x10, 0, 0, 0, 0x05, 0,
			0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0x6d, 0x27 } },
};

static void test_gdesc_csum(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(written); i++) {
		struct super sb = {
			.ro_compat = written[i].ro_compat,
			.desc_size = written[i].desc_size,
			.csum_seed = crc32c(~0u, uuid, sizeof(uuid)),
		};
		uint8_t raw[64];

		memcpy(sb.uuid, uuid, sizeof(uuid));
		memcpy(raw, written[i].raw, sizeof(raw));
		assert_true(gdesc_csum_ok(&sb, 1, raw));
		assert_false(gdesc_csum_ok(&sb, 0, raw));
		for (unsigned at = 0; at < sb.desc_size; at++) {
			raw[at] ^= 0x40;
			assert_false(gdesc_csum_ok(&sb, 1, raw));
			raw[at] ^= 0x40;
		}
		sb.ro_compat = 0;
		raw[30] ^= 1;
		assert_true(gdesc_csum_ok(&sb, 1, raw));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_block_range),
		cmocka_unit_test(test_special_inodes),
		cmocka_unit_test(test_gdesc_fields),
		cmocka_unit_test(test_gdesc_csum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
