// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mutations that know where an image's metadata lies: most inputs that come out of here still
 * open, so that the code behind the superblock sees them.
 */
#include "config.h"

#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "format/dinode.h"
#include "format/le.h"
#include "format/super.h"

#define SB_OFFSET 1024
#define SB_RO_COMPAT 0x64
#define FILE_BLOCKS 2048
#define TRIES 16

struct mutator {
	struct image img;
	struct super sb;
	uint64_t rng;
};

/* A part of the image. */
struct span {
	uint8_t *p;
	size_t len;
};

/* xorshift64* */
static uint32_t roll(struct mutator *m, uint32_t below)
{
	m->rng ^= m->rng >> 12;
	m->rng ^= m->rng << 25;
	m->rng ^= m->rng >> 27;
	return (uint32_t)((m->rng * 0x2545F4914F6CDD1Dull) >> 33) % below;
}

static uint32_t pick_ino(struct mutator *m)
{
	uint32_t inodes = m->sb.inodes < 1024 ? m->sb.inodes : 1024;

	for (int i = 0; i < TRIES; i++) {
		uint32_t ino = 1 + roll(m, inodes);
		const uint8_t *raw = fixup_inode(&m->img, &m->sb, ino);

		if (raw && le16_get(raw))
			return ino;
	}
	return EXT2_ROOT_INO;
}

/* A block that some inode names: of a directory or file, of an extent tree, of attributes. */
static uint64_t pick_block(struct mutator *m, uint32_t ino)
{
	static const unsigned at[] = { 0x28, 0x38, 0x3C, 0x44, 0x48, 0x50, 0x58, 0x5C, 0x60, 0x68 };
	uint8_t *raw = fixup_inode(&m->img, &m->sb, ino);
	uint64_t *blocks, pblk = 0;
	size_t nr;

	if (raw && roll(m, 2))
		return le32_get(raw + at[roll(m, sizeof(at) / sizeof(at[0]))]);
	blocks = malloc(FILE_BLOCKS * sizeof(*blocks));
	nr = blocks ? fixup_file_blocks(&m->img, ino, blocks, FILE_BLOCKS) : 0;
	if (nr)
		pblk = blocks[roll(m, roll(m, 2) ? 1 + (uint32_t)nr / 16 : (uint32_t)nr)];
	free(blocks);
	return pblk;
}

static struct span block_span(struct mutator *m, uint64_t pblk)
{
	if (pblk >= m->sb.blocks)
		return (struct span){ 0 };
	return (struct span){ m->img.bytes + (pblk << m->sb.block_bits), m->sb.block_size };
}

/* A unit with something in it. */
static struct span pick_unit(struct mutator *m)
{
	uint32_t units = (uint32_t)(m->img.len / PACK_UNIT);

	for (int i = 0; units && i < 8 * TRIES; i++) {
		uint8_t *p = m->img.bytes + (size_t)roll(m, units) * PACK_UNIT;

		if (le64_get(p) || le64_get(p + PACK_UNIT / 2))
			return (struct span){ p, PACK_UNIT };
	}
	return (struct span){ m->img.bytes + SB_OFFSET, 1024 };
}

static struct span pick_span(struct mutator *m)
{
	struct span ret = { 0 };
	uint32_t kind = roll(m, 16);

	if (kind == 0)
		return (struct span){ m->img.bytes + SB_OFFSET, 1024 };
	if (kind == 1)
		ret = (struct span){ fixup_gdesc(&m->img, &m->sb, roll(m, m->sb.groups)),
			m->sb.desc_size };
	else if (kind < 7)
		ret = (struct span){ fixup_inode(&m->img, &m->sb, pick_ino(m)), m->sb.inode_size };
	else if (kind < 12)
		ret = block_span(m, pick_block(m, pick_ino(m)));
	else if (kind < 14 && m->sb.journal_ino)
		ret = block_span(m, pick_block(m, m->sb.journal_ino));
	return ret.p ? ret : pick_unit(m);
}

/* A number that means something here, or nearly. */
static uint32_t pick_number(struct mutator *m)
{
	static const uint32_t edges[] = { 0, 1, 2, 3, 7, 8, 11, 12, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF,
		0x8000, 0x8001, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF };

	switch (roll(m, 8)) {
	case 0:
		return roll(m, (uint32_t)m->sb.blocks);
	case 1:
		return (uint32_t)m->sb.blocks - 2 + roll(m, 4);
	case 2:
		return roll(m, m->sb.inodes + 2);
	case 3:
		return m->sb.block_size - 16 + roll(m, 32);
	case 4:
		return (uint32_t)pick_block(m, pick_ino(m));
	case 5:
		return 1u << roll(m, 31);
	default:
		return edges[roll(m, sizeof(edges) / sizeof(edges[0]))];
	}
}

static void change_field(struct mutator *m, struct span span)
{
	size_t off = roll(m, (uint32_t)span.len / 4) * 4;
	uint32_t number = pick_number(m);

	switch (roll(m, 6)) {
	case 0:
		span.p[off + roll(m, 4)] = (uint8_t)number;
		break;
	case 1:
		le16_put(span.p + off + 2 * roll(m, 2), (uint16_t)number);
		break;
	case 2:
		le32_put(span.p + off, number);
		break;
	case 3:
		le32_put(span.p + off, le32_get(span.p + off) + roll(m, 33) - 16);
		break;
	case 4:
		le32_put(span.p + off, htobe32(number)); /* the journal's order */
		break;
	default:
		span.p[off + roll(m, 4)] ^= (uint8_t)(1u << roll(m, 8));
	}
}

/* The fields of an inode that decide which code reads it. */
static void change_inode(struct mutator *m)
{
	static const uint32_t flags[] = { EXT4_EXTENTS_FL, EXT2_INDEX_FL, EXT4_INLINE_DATA_FL,
		EXT4_ENCRYPT_FL, EXT4_CASEFOLD_FL, EXT4_EA_INODE_FL, EXT4_HUGE_FILE_FL };
	static const uint16_t modes[] = { 0100644, 0040755, 0120777, 0020600, 0060600, 0010600 };
	static const unsigned words[] = { 0x04, 0x28, 0x2C, 0x30, 0x34, 0x38, 0x3C, 0x40, 0x44, 0x48,
		0x4C, 0x58, 0x5C, 0x60, 0x64, 0x68, 0x6C, 0x74, 0x80, 0xA0, 0xA4, 0xA8, 0xAC, 0xB0 };
	uint8_t *raw = fixup_inode(&m->img, &m->sb, pick_ino(m));
	unsigned at = words[roll(m, sizeof(words) / sizeof(words[0]))];

	if (!raw)
		return;
	switch (roll(m, 4)) {
	case 0:
		at = 0x20;
		le32_put(raw + at, le32_get(raw + at) ^ flags[roll(m, 7)]);
		break;
	case 1:
		le16_put(raw, modes[roll(m, 6)]);
		break;
	default:
		if (at + 4 <= m->sb.inode_size)
			change_field(m, (struct span){ raw + at, 4 });
	}
}

/* Puts one block or inode in the place of another. */
static void copy_over(struct mutator *m)
{
	struct span from = { 0 }, to = { 0 };

	if (roll(m, 2)) {
		from = block_span(m, pick_block(m, pick_ino(m)));
		to = block_span(m, pick_block(m, pick_ino(m)));
	} else {
		from = (struct span){ fixup_inode(&m->img, &m->sb, pick_ino(m)), m->sb.inode_size };
		to = (struct span){ fixup_inode(&m->img, &m->sb, pick_ino(m)), m->sb.inode_size };
	}
	if (from.p && to.p)
		memmove(to.p, from.p, from.len);
}

static void mutate_once(struct mutator *m)
{
	uint32_t kind = roll(m, 16);
	struct span span;

	if (kind < 4) {
		change_inode(m);
	} else if (kind == 4) {
		copy_over(m);
	} else {
		span = pick_span(m);
		if (kind < 11)
			change_field(m, span);
		else
			LLVMFuzzerMutate(span.p, span.len, span.len);
	}
}

static void drop_checksums(struct mutator *m)
{
	uint8_t *word = m->img.bytes + SB_OFFSET + SB_RO_COMPAT;

	le32_put(word, le32_get(word) & ~(uint32_t)EXT4_FEATURE_RO_COMPAT_METADATA_CSUM);
}

/* False: the input is no image that could be changed with understanding. */
static bool start(struct mutator *m, const uint8_t *data, size_t size, unsigned seed)
{
	m->rng = ((uint64_t)seed << 20) | 0x9E3779B9u;
	if (image_unpack(data, size, &m->img))
		return false;
	if (fixup_super(&m->img, &m->sb))
		return true;
	image_fini(&m->img);
	return false;
}

static size_t finish(struct mutator *m, uint8_t *out, size_t max)
{
	size_t len;

	if (roll(m, 8))
		fixup_image(&m->img);
	if (!roll(m, 32))
		drop_checksums(m);
	if (!roll(m, 16))
		m->img.flags ^= FUZZ_NORECOVERY;
	if (!roll(m, 8))
		m->img.flags ^= FUZZ_WRITE;
	if (!roll(m, 16))
		m->img.flags ^= FUZZ_LOCKED;
	if (!roll(m, 4))
		m->img.flags ^= roll(m, 1u << 16) << FUZZ_SEED_SHIFT;
	len = image_pack(&m->img, out, max);
	image_fini(&m->img);
	return len;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	struct mutator m;
	size_t len = 0;
	bool can = start(&m, data, size, seed);

	if (can && roll(&m, 64)) {
		do
			mutate_once(&m);
		while (roll(&m, 3));
		len = finish(&m, data, max);
	} else if (can) {
		image_fini(&m.img);
	}
	return len ? len : LLVMFuzzerMutate(data, size, max);
}

/* The first image with some units of the second. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2,
	size_t size2, uint8_t *out, size_t max, unsigned seed)
{
	struct mutator m;
	struct image other;
	size_t units;

	if (!start(&m, data1, size1, seed))
		return 0;
	if (image_unpack(data2, size2, &other)) {
		image_fini(&m.img);
		return 0;
	}
	units = (m.img.len < other.len ? m.img.len : other.len) / PACK_UNIT;
	for (uint32_t i = 1 + roll(&m, 8); units && i; i--) {
		size_t off = (size_t)roll(&m, (uint32_t)units) * PACK_UNIT;

		memcpy(m.img.bytes + off, other.bytes + off, PACK_UNIT);
	}
	image_fini(&other);
	return finish(&m, out, max);
}
