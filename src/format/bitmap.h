/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bitmaps of blocks (clusters) and inodes: bit n is bit n % 8 of byte n / 8, 1 is in use. Pure; the
 * caller knows that the bits it names lie in the bitmap.
 */
#ifndef EXT4D_FORMAT_BITMAP_H
#define EXT4D_FORMAT_BITMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "format/super.h"

static inline bool bitmap_test(const uint8_t *map, uint32_t bit)
{
	return map[bit / 8] >> bit % 8 & 1;
}

void bitmap_set(uint8_t *map, uint32_t from, uint32_t nr);
void bitmap_clear(uint8_t *map, uint32_t from, uint32_t nr);

/* The first bit in [from, end) that is 0, or 1; end if there is none. */
uint32_t bitmap_next_zero(const uint8_t *map, uint32_t from, uint32_t end);
uint32_t bitmap_next_set(const uint8_t *map, uint32_t from, uint32_t end);

/* How many of the bits [0, end) are 0. */
uint32_t bitmap_count_zero(const uint8_t *map, uint32_t end);

/* Whether all bits [from, from + nr) are 1. */
static inline bool bitmap_all_set(const uint8_t *map, uint32_t from, uint32_t nr)
{
	return bitmap_next_zero(map, from, from + nr) == from + nr;
}

/* Whether map has every bit of [0, end) that part has. */
bool bitmap_contains(const uint8_t *map, const uint8_t *part, uint32_t end);

struct bitmap_run {
	uint32_t start, nr;
};

/*
 * The first run of at least want zero bits in [0, end), looked for from goal on and then from the
 * beginning; if there is none, the longest. A run that goal splits counts from goal on first. nr 0: no
 * zero bit. Returns whether the run is long enough; if not, it is the longest there is.
 */
bool bitmap_find_run(const uint8_t *map, uint32_t end, uint32_t goal, uint32_t want,
	struct bitmap_run *ret);

/*
 * The checksums kept in the group descriptor: ext4_block_bitmap_csum_set(), ext4_inode_bitmap_csum_set().
 * Descriptors of 32 bytes hold the lower half: the upper one is 0 then.
 */
uint32_t bitmap_block_csum(const struct super *sb, const uint8_t *map);
uint32_t bitmap_inode_csum(const struct super *sb, const uint8_t *map);

#endif
