/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A block group descriptor, 32 or 64 bytes on disk. Pure. */
#ifndef EXT4D_FORMAT_GDESC_H
#define EXT4D_FORMAT_GDESC_H

#include <stdbool.h>
#include <stdint.h>

#include "format/super.h"

struct gdesc {
	uint64_t block_bitmap; /* block numbers */
	uint64_t inode_bitmap;
	uint64_t inode_table;
	uint32_t free_clusters;
	uint32_t free_inodes;
	uint32_t used_dirs;
	uint32_t itable_unused; /* inodes at the end of the table never used; csum features only */
	uint32_t block_bitmap_csum; /* metadata_csum only, see bitmap.h */
	uint32_t inode_bitmap_csum;
	uint16_t flags;		/* EXT2_BG_* */
};

/* Decodes the sb->desc_size bytes at raw. */
void gdesc_decode(const struct super *sb, const uint8_t *raw, struct gdesc *ret);

/*
 * Writes the counts, flags and checksums of *gd (not the locations, which never change) to the
 * descriptor at raw, and its own checksum as group's.
 */
void gdesc_encode(const struct super *sb, uint32_t group, const struct gdesc *gd, uint8_t *raw);

/* Whether the checksum (metadata_csum or gdt_csum, else always true) of group's raw one holds. */
bool gdesc_csum_ok(const struct super *sb, uint32_t group, const uint8_t *raw);

#endif
