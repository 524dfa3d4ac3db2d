// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "format/orphan_block.h"

#include <errno.h>

#include "format/le.h"
#include "util/crc32c.h"

#define MAGIC 0x0B10CA04u /* EXT4_ORPHAN_BLOCK_MAGIC */
#define TAIL_SIZE 8	  /* magic, checksum */

unsigned orphan_block_slots(const struct super *sb)
{
	return (sb->block_size - TAIL_SIZE) / 4;
}

/* Over the block's number and the slots; the magic number is left out (as the kernel does it). */
static uint32_t csum_of(const struct super *sb, uint32_t seed, uint64_t pblk, const uint8_t *raw)
{
	uint8_t number[8];

	le32_put(number, (uint32_t)pblk);
	le32_put(number + 4, (uint32_t)(pblk >> 32));
	return crc32c(crc32c(seed, number, sizeof(number)), raw, orphan_block_slots(sb) * 4u);
}

int orphan_block_check(const struct super *sb, uint32_t seed, uint64_t pblk, const uint8_t *raw)
{
	const uint8_t *tail = raw + sb->block_size - TAIL_SIZE;

	if (le32_get(tail) != MAGIC)
		return -EUCLEAN;
	if (super_has_metadata_csum(sb) && le32_get(tail + 4) != csum_of(sb, seed, pblk, raw))
		return -EBADMSG;
	return 0;
}

uint32_t orphan_block_get(const uint8_t *raw, unsigned i)
{
	return le32_get(raw + i * 4u);
}

void orphan_block_put(const struct super *sb, uint32_t seed, uint64_t pblk, uint8_t *raw,
	unsigned i, uint32_t ino)
{
	le32_put(raw + i * 4u, ino);
	if (super_has_metadata_csum(sb))
		le32_put(raw + sb->block_size - 4, csum_of(sb, seed, pblk, raw));
}
