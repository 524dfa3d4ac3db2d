// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "format/gdesc.h"

#include "format/le.h"
#include "util/crc32c.h"

/* Offsets of struct ext4_group_desc; the _HI ones exist in descriptors of 64 bytes. */
enum {
	GD_BLOCK_BITMAP = 0x00,
	GD_INODE_BITMAP = 0x04,
	GD_INODE_TABLE = 0x08,
	GD_FREE_BLOCKS = 0x0C,
	GD_FREE_INODES = 0x0E,
	GD_USED_DIRS = 0x10,
	GD_FLAGS = 0x12,
	GD_BLOCK_BITMAP_CSUM = 0x18,
	GD_INODE_BITMAP_CSUM = 0x1A,
	GD_ITABLE_UNUSED = 0x1C,
	GD_CHECKSUM = 0x1E,
	GD_BLOCK_BITMAP_HI = 0x20,
	GD_INODE_BITMAP_HI = 0x24,
	GD_INODE_TABLE_HI = 0x28,
	GD_FREE_BLOCKS_HI = 0x2C,
	GD_FREE_INODES_HI = 0x2E,
	GD_USED_DIRS_HI = 0x30,
	GD_ITABLE_UNUSED_HI = 0x32,
	GD_BLOCK_BITMAP_CSUM_HI = 0x38,
	GD_INODE_BITMAP_CSUM_HI = 0x3A,
	GD_SIZE_64BIT = 0x40,
};

void gdesc_decode(const struct super *sb, const uint8_t *raw, struct gdesc *ret)
{
	*ret = (struct gdesc){
		.block_bitmap = le32_get(raw + GD_BLOCK_BITMAP),
		.inode_bitmap = le32_get(raw + GD_INODE_BITMAP),
		.inode_table = le32_get(raw + GD_INODE_TABLE),
		.free_clusters = le16_get(raw + GD_FREE_BLOCKS),
		.free_inodes = le16_get(raw + GD_FREE_INODES),
		.used_dirs = le16_get(raw + GD_USED_DIRS),
		.itable_unused = le16_get(raw + GD_ITABLE_UNUSED),
		.block_bitmap_csum = le16_get(raw + GD_BLOCK_BITMAP_CSUM),
		.inode_bitmap_csum = le16_get(raw + GD_INODE_BITMAP_CSUM),
		.flags = le16_get(raw + GD_FLAGS),
	};
	if (sb->desc_size < GD_SIZE_64BIT)
		return;
	ret->block_bitmap |= (uint64_t)le32_get(raw + GD_BLOCK_BITMAP_HI) << 32;
	ret->inode_bitmap |= (uint64_t)le32_get(raw + GD_INODE_BITMAP_HI) << 32;
	ret->inode_table |= (uint64_t)le32_get(raw + GD_INODE_TABLE_HI) << 32;
	ret->free_clusters |= (uint32_t)le16_get(raw + GD_FREE_BLOCKS_HI) << 16;
	ret->free_inodes |= (uint32_t)le16_get(raw + GD_FREE_INODES_HI) << 16;
	ret->used_dirs |= (uint32_t)le16_get(raw + GD_USED_DIRS_HI) << 16;
	ret->itable_unused |= (uint32_t)le16_get(raw + GD_ITABLE_UNUSED_HI) << 16;
	ret->block_bitmap_csum |= (uint32_t)le16_get(raw + GD_BLOCK_BITMAP_CSUM_HI) << 16;
	ret->inode_bitmap_csum |= (uint32_t)le16_get(raw + GD_INODE_BITMAP_CSUM_HI) << 16;
}

/* CRC-16 (reflected 0x8005) of gdt_csum, bit by bit: a descriptor is checked once per mount. */
static uint16_t crc16(uint16_t crc, const void *buf, size_t len)
{
	const uint8_t *p = buf;

	while (len--) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1;
	}
	return crc;
}

static uint16_t csum_crc32c(const struct super *sb, const uint8_t *group, const uint8_t *raw)
{
	static const uint8_t zero[2];
	uint32_t crc = crc32c(sb->csum_seed, group, 4);

	crc = crc32c(crc, raw, GD_CHECKSUM);
	crc = crc32c(crc, zero, sizeof(zero));
	crc = crc32c(crc, raw + GD_CHECKSUM + 2, sb->desc_size - GD_CHECKSUM - 2);
	return (uint16_t)crc;
}

static uint16_t csum_crc16(const struct super *sb, const uint8_t *group, const uint8_t *raw)
{
	uint16_t crc = crc16(0xFFFF, sb->uuid, sizeof(sb->uuid));

	crc = crc16(crc, group, 4);
	crc = crc16(crc, raw, GD_CHECKSUM);
	if (sb->desc_size > GD_CHECKSUM + 2)
		crc = crc16(crc, raw + GD_CHECKSUM + 2, sb->desc_size - GD_CHECKSUM - 2);
	return crc;
}

bool gdesc_csum_ok(const struct super *sb, uint32_t group, const uint8_t *raw)
{
	uint16_t have = le16_get(raw + GD_CHECKSUM);
	uint8_t le_group[4];

	le32_put(le_group, group);
	if (super_has_metadata_csum(sb))
		return have == csum_crc32c(sb, le_group, raw);
	if (super_has_gdt_csum(sb))
		return have == csum_crc16(sb, le_group, raw);
	return true;
}

static void put_split(uint8_t *raw, unsigned lo, unsigned hi, bool wide, uint32_t value)
{
	le16_put(raw + lo, (uint16_t)value);
	if (wide)
		le16_put(raw + hi, (uint16_t)(value >> 16));
}

void gdesc_encode(const struct super *sb, uint32_t group, const struct gdesc *gd, uint8_t *raw)
{
	bool wide = sb->desc_size >= GD_SIZE_64BIT;
	uint8_t le_group[4];

	put_split(raw, GD_FREE_BLOCKS, GD_FREE_BLOCKS_HI, wide, gd->free_clusters);
	put_split(raw, GD_FREE_INODES, GD_FREE_INODES_HI, wide, gd->free_inodes);
	put_split(raw, GD_USED_DIRS, GD_USED_DIRS_HI, wide, gd->used_dirs);
	put_split(raw, GD_ITABLE_UNUSED, GD_ITABLE_UNUSED_HI, wide, gd->itable_unused);
	le16_put(raw + GD_FLAGS, gd->flags);
	le32_put(le_group, group);
	if (super_has_metadata_csum(sb)) {
		put_split(raw, GD_BLOCK_BITMAP_CSUM, GD_BLOCK_BITMAP_CSUM_HI, wide,
			gd->block_bitmap_csum);
		put_split(raw, GD_INODE_BITMAP_CSUM, GD_INODE_BITMAP_CSUM_HI, wide,
			gd->inode_bitmap_csum);
		le16_put(raw + GD_CHECKSUM, csum_crc32c(sb, le_group, raw));
	} else if (super_has_gdt_csum(sb)) {
		le16_put(raw + GD_CHECKSUM, csum_crc16(sb, le_group, raw));
	}
}
