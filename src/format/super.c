// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "format/super.h"

#include <assert.h>
#include <e2p/e2p.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "format/le.h"
#include "util/crc32c.h"

static_assert(sizeof(struct ext2_super_block) == 1024, "the superblock is 1024 bytes");

#define KNOWN_INCOMPAT                                                                             \
	(EXT2_FEATURE_INCOMPAT_FILETYPE | EXT3_FEATURE_INCOMPAT_RECOVER |                          \
		EXT2_FEATURE_INCOMPAT_META_BG | EXT3_FEATURE_INCOMPAT_EXTENTS |                    \
		EXT4_FEATURE_INCOMPAT_64BIT | EXT4_FEATURE_INCOMPAT_MMP |                          \
		EXT4_FEATURE_INCOMPAT_FLEX_BG | EXT4_FEATURE_INCOMPAT_EA_INODE |                   \
		EXT4_FEATURE_INCOMPAT_CSUM_SEED | EXT4_FEATURE_INCOMPAT_LARGEDIR |                 \
		EXT4_FEATURE_INCOMPAT_INLINE_DATA | EXT4_FEATURE_INCOMPAT_ENCRYPT |                \
		EXT4_FEATURE_INCOMPAT_CASEFOLD)

/* Offsets of struct ext4_super_block. */
enum {
	RAW_BLOCKS = 0x04,
	RAW_LOG_BLOCK_SIZE = 0x18,
	RAW_MAGIC = 0x38,
	RAW_INCOMPAT = 0x60,
	RAW_RO_COMPAT = 0x64,
	RAW_UUID = 0x68,
	RAW_BLOCKS_HI = 0x150,
	RAW_CHECKSUM = 0x3FC,
};

#define CHECKSUM_CRC32C 1 /* s_checksum_type */

PRINTF_LIKE(3, 4) static int refuse(char why[SUPER_WHY_MAX], int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, SUPER_WHY_MAX, fmt, ap);
	va_end(ap);
	return err;
}

static int check_features(const struct super *sb, char why[SUPER_WHY_MAX])
{
	uint32_t unknown = sb->incompat & ~KNOWN_INCOMPAT;
	size_t used;

	if (sb->incompat & EXT3_FEATURE_INCOMPAT_JOURNAL_DEV)
		return refuse(why, -EOPNOTSUPP, "this is an external journal, not a filesystem");
	if (!unknown)
		return 0;
	used = (size_t)snprintf(why, SUPER_WHY_MAX, "unsupported feature");
	for (unsigned bit = 0; bit < 32; bit++)
		if (unknown >> bit & 1 && used < SUPER_WHY_MAX)
			used += (size_t)snprintf(why + used, SUPER_WHY_MAX - used, " %s",
				e2p_feature2string(E2P_FEATURE_INCOMPAT, 1u << bit));
	return -EOPNOTSUPP;
}

static void decode_counts(const struct ext2_super_block *es, struct super *sb)
{
	sb->blocks = es->s_blocks_count;
	sb->reserved_blocks = es->s_r_blocks_count;
	if (super_has_64bit(sb)) {
		sb->blocks |= (uint64_t)es->s_blocks_count_hi << 32;
		sb->reserved_blocks |= (uint64_t)es->s_r_blocks_count_hi << 32;
	}
	sb->overhead_clusters = es->s_overhead_clusters;
	sb->inodes = es->s_inodes_count;
	sb->blocks_per_group = es->s_blocks_per_group;
	sb->clusters_per_group = es->s_clusters_per_group;
	sb->inodes_per_group = es->s_inodes_per_group;
	sb->first_data_block = es->s_first_data_block;
	sb->first_meta_bg = es->s_first_meta_bg;
	sb->reserved_gdt_blocks = es->s_reserved_gdt_blocks;
	sb->backup_bgs[0] = es->s_backup_bgs[0];
	sb->backup_bgs[1] = es->s_backup_bgs[1];
}

static void decode_sizes(const struct ext2_super_block *es, struct super *sb)
{
	bool dynamic = es->s_rev_level > EXT2_GOOD_OLD_REV;

	sb->block_bits = es->s_log_block_size + EXT2_MIN_BLOCK_LOG_SIZE;
	sb->block_size = 1u << sb->block_bits;
	sb->cluster_bits = 0;
	if (super_has_bigalloc(sb))
		sb->cluster_bits = es->s_log_cluster_size - es->s_log_block_size;
	sb->inode_size = dynamic ? es->s_inode_size : EXT2_GOOD_OLD_INODE_SIZE;
	sb->first_ino = dynamic ? es->s_first_ino : EXT2_GOOD_OLD_FIRST_INO;
	sb->desc_size = super_has_64bit(sb) ? es->s_desc_size : EXT2_MIN_DESC_SIZE;
}

/* What new inodes get, as ext4_fill_super() settles it. */
static uint16_t want_extra_isize(const struct ext2_super_block *es, const struct super *sb)
{
	const uint16_t all = sizeof(struct ext2_inode_large) - EXT2_GOOD_OLD_INODE_SIZE;
	uint16_t want = all;

	if (sb->inode_size <= EXT2_GOOD_OLD_INODE_SIZE)
		return 0;
	if (sb->ro_compat & EXT4_FEATURE_RO_COMPAT_EXTRA_ISIZE) {
		if (want < es->s_want_extra_isize)
			want = es->s_want_extra_isize;
		if (want < es->s_min_extra_isize)
			want = es->s_min_extra_isize;
	}
	if (want % 4 || EXT2_GOOD_OLD_INODE_SIZE + (uint32_t)want > sb->inode_size)
		want = all;
	return want;
}

/* Valid if check_sizes() and check_extent() find nothing. */
static void decode_allocation(const struct ext2_super_block *es, struct super *sb)
{
	uint64_t blocks = es->s_free_blocks_count;

	if (super_has_64bit(sb))
		blocks |= (uint64_t)es->s_free_blocks_hi << 32;
	sb->free_clusters = blocks >> sb->cluster_bits;
	sb->free_inodes = es->s_free_inodes_count;
	sb->clean = es->s_state & EXT2_VALID_FS && !(es->s_state & EXT2_ERROR_FS);
	if (super_has_flex_bg(sb) && es->s_log_groups_per_flex < 31)
		sb->flex_bits = es->s_log_groups_per_flex;
	sb->want_extra_isize = want_extra_isize(es, sb);
}

static void decode_identity(const struct ext2_super_block *es, struct super *sb)
{
	memcpy(sb->uuid, es->s_uuid, sizeof(sb->uuid));
	memcpy(sb->journal_uuid, es->s_journal_uuid, sizeof(sb->journal_uuid));
	memcpy(sb->label, es->s_volume_name, sizeof(sb->label) - 1);
	memcpy(sb->hash_seed, es->s_hash_seed, sizeof(sb->hash_seed));
	sb->def_hash_version = es->s_def_hash_version;
	sb->hash_unsigned = es->s_flags & EXT2_FLAGS_UNSIGNED_HASH;
	sb->has_errors = es->s_state & EXT2_ERROR_FS;
	sb->journal_ino = es->s_journal_inum;
	sb->mmp_block = es->s_mmp_block;
	sb->mmp_update_interval = es->s_mmp_update_interval;
	sb->encoding = es->s_encoding;
	sb->encoding_flags = es->s_encoding_flags;
	sb->special_ino[0] = es->s_usr_quota_inum;
	sb->special_ino[1] = es->s_grp_quota_inum;
	sb->special_ino[2] = es->s_prj_quota_inum;
	sb->special_ino[3] =
		es->s_feature_compat & EXT4_FEATURE_COMPAT_ORPHAN_FILE ? es->s_orphan_file_inum : 0;
	if (sb->incompat & EXT4_FEATURE_INCOMPAT_CSUM_SEED)
		sb->csum_seed = es->s_checksum_seed;
	else
		sb->csum_seed = crc32c(~0u, es->s_uuid, sizeof(es->s_uuid));
}

static int check_sizes(const struct super *sb, char why[SUPER_WHY_MAX])
{
	uint32_t per_bitmap = sb->block_size * 8;

	if (sb->inode_size < EXT2_GOOD_OLD_INODE_SIZE || sb->inode_size > sb->block_size ||
		sb->inode_size & (sb->inode_size - 1))
		return refuse(why, -EUCLEAN, "inode size %u is not possible", sb->inode_size);
	if (sb->desc_size < EXT2_MIN_DESC_SIZE || sb->desc_size > EXT2_MAX_DESC_SIZE ||
		sb->desc_size & (sb->desc_size - 1))
		return refuse(why, -EUCLEAN, "group descriptor size %u is not possible",
			sb->desc_size);
	if (sb->first_ino < EXT2_GOOD_OLD_FIRST_INO)
		return refuse(why, -EUCLEAN, "first inode %u is reserved", sb->first_ino);
	if (!sb->inodes_per_group || sb->inodes_per_group > per_bitmap ||
		sb->inodes_per_group < sb->block_size / sb->inode_size)
		return refuse(why, -EUCLEAN, "%u inodes per group are not possible",
			sb->inodes_per_group);
	if (!sb->clusters_per_group || sb->clusters_per_group > per_bitmap ||
		sb->blocks_per_group != (uint64_t)sb->clusters_per_group << sb->cluster_bits)
		return refuse(why, -EUCLEAN, "%u blocks per group are not possible",
			sb->blocks_per_group);
	return 0;
}

static int check_extent(struct super *sb, uint64_t image_size, char why[SUPER_WHY_MAX])
{
	uint64_t groups;

	/* block 0 of 1 KiB holds no superblock; bigalloc counts from there all the same */
	if (sb->first_data_block == 0 && sb->block_size == 1024 && !sb->cluster_bits)
		return refuse(why, -EUCLEAN, "first data block 0 with blocks of 1024 bytes");
	if (sb->first_data_block >= sb->blocks)
		return refuse(why, -EUCLEAN, "first data block %u lies past the end",
			sb->first_data_block);
	groups = (sb->blocks - sb->first_data_block + sb->blocks_per_group - 1) /
		sb->blocks_per_group;
	if (groups > UINT32_MAX || groups * sb->inodes_per_group != sb->inodes)
		return refuse(why, -EUCLEAN, "%u inodes in %llu groups of %u do not add up",
			sb->inodes, (unsigned long long)groups, sb->inodes_per_group);
	sb->groups = (uint32_t)groups;
	if (sb->blocks > image_size >> sb->block_bits)
		return refuse(why, -EINVAL,
			"the image is truncated: the filesystem has %llu blocks of %u bytes, "
			"the image holds %llu",
			(unsigned long long)sb->blocks, sb->block_size,
			(unsigned long long)(image_size >> sb->block_bits));
	return 0;
}

int super_decode(const struct ext2_super_block *es, uint64_t image_size, struct super *ret,
	char why[SUPER_WHY_MAX])
{
	int err;

	memset(ret, 0, sizeof(*ret));
	if (es->s_rev_level > EXT2_GOOD_OLD_REV) {
		ret->compat = es->s_feature_compat;
		ret->incompat = es->s_feature_incompat;
		ret->ro_compat = es->s_feature_ro_compat;
	}
	err = check_features(ret, why);
	if (err)
		return err;
	if (super_has_metadata_csum(ret) && es->s_checksum_type != CHECKSUM_CRC32C)
		return refuse(why, -EOPNOTSUPP, "unsupported checksum type %u",
			es->s_checksum_type);
	if (es->s_log_block_size > EXT2_MAX_BLOCK_LOG_SIZE - EXT2_MIN_BLOCK_LOG_SIZE ||
		es->s_log_cluster_size < es->s_log_block_size ||
		es->s_log_cluster_size > EXT2_MAX_CLUSTER_LOG_SIZE - EXT2_MIN_CLUSTER_LOG_SIZE)
		return refuse(why, -EUCLEAN, "block size 2^(10 + %u) is not possible",
			es->s_log_block_size);
	decode_sizes(es, ret);
	decode_counts(es, ret);
	decode_allocation(es, ret);
	decode_identity(es, ret);
	err = check_sizes(ret, why);
	if (!err)
		err = check_extent(ret, image_size, why);
	return err;
}

int super_decode_journal_dev(const uint8_t *raw, struct super_journal_dev *ret)
{
	uint32_t log_size = le32_get(raw + RAW_LOG_BLOCK_SIZE);

	memset(ret, 0, sizeof(*ret));
	if (le16_get(raw + RAW_MAGIC) != EXT2_SUPER_MAGIC ||
		!(le32_get(raw + RAW_INCOMPAT) & EXT3_FEATURE_INCOMPAT_JOURNAL_DEV) ||
		log_size > EXT2_MAX_BLOCK_LOG_SIZE - EXT2_MIN_BLOCK_LOG_SIZE)
		return -EINVAL;
	if (le32_get(raw + RAW_RO_COMPAT) & EXT4_FEATURE_RO_COMPAT_METADATA_CSUM &&
		le32_get(raw + RAW_CHECKSUM) != crc32c(~0u, raw, RAW_CHECKSUM))
		return -EBADMSG;
	ret->blocks = le32_get(raw + RAW_BLOCKS);
	if (le32_get(raw + RAW_INCOMPAT) & EXT4_FEATURE_INCOMPAT_64BIT)
		ret->blocks |= (uint64_t)le32_get(raw + RAW_BLOCKS_HI) << 32;
	ret->block_size = 1u << (EXT2_MIN_BLOCK_LOG_SIZE + log_size);
	ret->first = log_size ? 1 : 2;
	memcpy(ret->uuid, raw + RAW_UUID, sizeof(ret->uuid));
	return 0;
}

bool super_block_range_valid(const struct super *sb, uint64_t pblk, uint64_t nr)
{
	/* as ext4_sb_block_valid(): the superblock's own block is nobody's */
	return pblk > sb->first_data_block && pblk < sb->blocks && nr <= sb->blocks - pblk;
}

bool super_ino_special(const struct super *sb, uint32_t ino)
{
	if (ino == EXT2_ROOT_INO)
		return false;
	if (ino < sb->first_ino)
		return true;
	for (size_t i = 0; i < sizeof(sb->special_ino) / sizeof(sb->special_ino[0]); i++)
		if (sb->special_ino[i] == ino)
			return true;
	return false;
}
