/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A block of the orphan file: inode numbers, 0 where a slot is free, then a magic number and the
 * block's checksum (struct ext4_orphan_block_tail). Pure: no IO, no locks.
 */
#ifndef EXT4D_FORMAT_ORPHAN_BLOCK_H
#define EXT4D_FORMAT_ORPHAN_BLOCK_H

#include <stdint.h>

#include "format/super.h"

/* Slots in a block. */
unsigned orphan_block_slots(const struct super *sb);

/*
 * 0 if raw, block pblk of the image, is a sound block of the orphan file; -EUCLEAN no magic number,
 * -EBADMSG a wrong checksum. seed: dinode_csum_seed() of the file.
 */
int orphan_block_check(const struct super *sb, uint32_t seed, uint64_t pblk, const uint8_t *raw)
	MUST_CHECK;

/* The number in slot i. */
uint32_t orphan_block_get(const uint8_t *raw, unsigned i);

/* Puts ino into slot i and computes the checksum, if the filesystem has them. */
void orphan_block_put(const struct super *sb, uint32_t seed, uint64_t pblk, uint8_t *raw,
	unsigned i, uint32_t ino);

#endif
