// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "format/bitmap.h"

#include "format/le.h"
#include "util/crc32c.h"

#define WORD 64u /* bits looked at in one step */

void bitmap_set(uint8_t *map, uint32_t from, uint32_t nr)
{
	uint32_t end = from + nr;

	for (; from < end && from % 8; from++)
		map[from / 8] |= (uint8_t)(1u << from % 8);
	if (end - from >= 8) {
		memset(map + from / 8, 0xFF, (end - from) / 8);
		from += (end - from) / 8 * 8;
	}
	for (; from < end; from++)
		map[from / 8] |= (uint8_t)(1u << from % 8);
}

void bitmap_clear(uint8_t *map, uint32_t from, uint32_t nr)
{
	uint32_t end = from + nr;

	for (; from < end && from % 8; from++)
		map[from / 8] &= (uint8_t)~(1u << from % 8);
	if (end - from >= 8) {
		memset(map + from / 8, 0, (end - from) / 8);
		from += (end - from) / 8 * 8;
	}
	for (; from < end; from++)
		map[from / 8] &= (uint8_t)~(1u << from % 8);
}

/* The first bit in [from, end) that differs from those of flip (all 0 or all 1). */
static uint32_t next_different(const uint8_t *map, uint32_t from, uint32_t end, uint64_t flip)
{
	while (from < end) {
		uint64_t word;

		if (from % WORD || end - from < WORD) {
			/* at the edges byte by byte: the bitmap need not be whole words long */
			word = (map[from / 8] ^ (uint8_t)flip) & 0xFFu << from % 8 & 0xFF;
			if (!word) {
				from = from / 8 * 8 + 8;
				continue;
			}
			from = from / 8 * 8;
		} else {
			word = le64_get(map + from / 8) ^ flip;
			if (!word) {
				from += WORD;
				continue;
			}
		}
		from += (uint32_t)__builtin_ctzll(word);
		break;
	}
	return from < end ? from : end;
}

uint32_t bitmap_next_zero(const uint8_t *map, uint32_t from, uint32_t end)
{
	return next_different(map, from, end, ~UINT64_C(0));
}

uint32_t bitmap_next_set(const uint8_t *map, uint32_t from, uint32_t end)
{
	return next_different(map, from, end, 0);
}

uint32_t bitmap_count_zero(const uint8_t *map, uint32_t end)
{
	uint32_t ones = 0, at = 0;

	for (; end - at >= WORD; at += WORD)
		ones += (uint32_t)__builtin_popcountll(le64_get(map + at / 8));
	for (; at < end; at++)
		ones += bitmap_test(map, at);
	return end - ones;
}

bool bitmap_contains(const uint8_t *map, const uint8_t *part, uint32_t end)
{
	uint32_t at = 0;

	for (; end - at >= 8; at += 8)
		if (part[at / 8] & ~map[at / 8])
			return false;
	for (; at < end; at++)
		if (bitmap_test(part, at) && !bitmap_test(map, at))
			return false;
	return true;
}

/* Goes through the runs of zeros that begin in [from, to), to see if one is as long as wanted. */
static bool find_between(const uint8_t *map, uint32_t from, uint32_t to, uint32_t end, uint32_t want,
	struct bitmap_run *best)
{
	for (;;) {
		uint32_t start = bitmap_next_zero(map, from, to);

		if (start >= to)
			return false;
		from = bitmap_next_set(map, start, end);
		if (from - start > best->nr)
			*best = (struct bitmap_run){ start, from - start };
		if (from - start >= want)
			return true;
	}
}

bool bitmap_find_run(const uint8_t *map, uint32_t end, uint32_t goal, uint32_t want,
	struct bitmap_run *ret)
{
	*ret = (struct bitmap_run){ 0 };
	if (goal >= end)
		goal = 0;
	return find_between(map, goal, end, end, want, ret) ||
		find_between(map, 0, goal, end, want, ret);
}

static uint32_t csum(const struct super *sb, const uint8_t *map, uint32_t bits)
{
	uint32_t crc = crc32c(sb->csum_seed, map, bits / 8);

	return sb->desc_size < EXT2_MIN_DESC_SIZE_64BIT ? crc & 0xFFFF : crc;
}

uint32_t bitmap_block_csum(const struct super *sb, const uint8_t *map)
{
	return csum(sb, map, sb->clusters_per_group);
}

uint32_t bitmap_inode_csum(const struct super *sb, const uint8_t *map)
{
	return csum(sb, map, sb->inodes_per_group);
}
