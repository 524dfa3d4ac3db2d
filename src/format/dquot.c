// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "format/dquot.h"

#include <errno.h>
#include <string.h>

#include "format/le.h"

#define VERSION 1u /* entries as below; version 0 has 32-bit limits */

/* Offsets in block 0. */
enum {
	HEAD_MAGIC = 0,
	HEAD_VERSION = 4,
	INFO_BLOCK_GRACE = 8,
	INFO_INODE_GRACE = 12,
	INFO_BLOCKS = 20, /* behind flags, of which there are none */
	INFO_FREE_BLOCK = 24,
	INFO_FREE_LEAF = 28,
};

/* Offsets in a leaf's head. */
enum {
	LEAF_NEXT = 0,
	LEAF_PREV = 4,
	LEAF_ENTRIES = 8,
	LEAF_HEAD_SIZE = 16,
};

/* Offsets in an entry. */
enum {
	ENTRY_ID = 0,
	ENTRY_INODES_HARD = 8,
	ENTRY_INODES_SOFT = 16,
	ENTRY_INODES = 24,
	ENTRY_SPACE_HARD = 32,
	ENTRY_SPACE_SOFT = 40,
	ENTRY_SPACE = 48,
	ENTRY_SPACE_TIME = 56,
	ENTRY_INODES_TIME = 64,
	ENTRY_SIZE = 72,
};

_Static_assert(DQUOT_ENTRIES == (DQUOT_BLOCK_SIZE - LEAF_HEAD_SIZE) / ENTRY_SIZE, "leaf");
_Static_assert(DQUOT_REFS * sizeof(uint32_t) == DQUOT_BLOCK_SIZE, "node");

static const uint32_t magics[DQUOT_TYPES] = {
	[DQUOT_USER] = 0xD9C01F11,
	[DQUOT_GROUP] = 0xD9C01927,
	[DQUOT_PROJECT] = 0xD9C03F14,
};

bool dquot_ref_valid(const struct dquot_info *info, uint32_t ref)
{
	return ref > DQUOT_ROOT && ref < info->blocks;
}

static bool link_valid(const struct dquot_info *info, uint32_t ref)
{
	return !ref || dquot_ref_valid(info, ref);
}

int dquot_info_decode(const uint8_t *raw, enum dquot_type type, uint64_t size,
	struct dquot_info *ret, const char **ret_why)
{
	*ret = (struct dquot_info){
		.block_grace = le32_get(raw + INFO_BLOCK_GRACE),
		.inode_grace = le32_get(raw + INFO_INODE_GRACE),
		.blocks = le32_get(raw + INFO_BLOCKS),
		.free_block = le32_get(raw + INFO_FREE_BLOCK),
		.free_leaf = le32_get(raw + INFO_FREE_LEAF),
	};
	*ret_why = NULL;
	if (le32_get(raw + HEAD_MAGIC) != magics[type])
		*ret_why = "bad magic number";
	else if (le32_get(raw + HEAD_VERSION) != VERSION)
		*ret_why = "unknown version";
	else if (ret->blocks <= DQUOT_ROOT)
		*ret_why = "no tree";
	else if (ret->blocks > (size + DQUOT_BLOCK_SIZE - 1) >> DQUOT_BLOCK_BITS)
		*ret_why = "more blocks than the file has";
	else if (!link_valid(ret, ret->free_block) || !link_valid(ret, ret->free_leaf))
		*ret_why = "a list begins outside the file";
	return *ret_why ? -EUCLEAN : 0;
}

void dquot_info_encode(const struct dquot_info *info, uint8_t *raw)
{
	le32_put(raw + INFO_BLOCK_GRACE, info->block_grace);
	le32_put(raw + INFO_INODE_GRACE, info->inode_grace);
	le32_put(raw + INFO_BLOCKS, info->blocks);
	le32_put(raw + INFO_FREE_BLOCK, info->free_block);
	le32_put(raw + INFO_FREE_LEAF, info->free_leaf);
}

/* ---- the tree ---- */

static size_t ref_offset(unsigned level, uint32_t id)
{
	unsigned shift = 8 * (DQUOT_DEPTH - 1 - level);

	return sizeof(uint32_t) * (id >> shift & (DQUOT_REFS - 1));
}

uint32_t dquot_ref_get(const uint8_t *node, unsigned level, uint32_t id)
{
	return le32_get(node + ref_offset(level, id));
}

void dquot_ref_set(uint8_t *node, unsigned level, uint32_t id, uint32_t ref)
{
	le32_put(node + ref_offset(level, id), ref);
}

static bool all_zero(const uint8_t *p, size_t len)
{
	return !p[0] && !memcmp(p, p + 1, len - 1);
}

bool dquot_node_is_empty(const uint8_t *node)
{
	return all_zero(node, DQUOT_BLOCK_SIZE);
}

/* ---- leaves ---- */

int dquot_leaf_decode(const uint8_t *raw, const struct dquot_info *info, struct dquot_leaf *ret)
{
	*ret = (struct dquot_leaf){
		.next = le32_get(raw + LEAF_NEXT),
		.prev = le32_get(raw + LEAF_PREV),
		.entries = le16_get(raw + LEAF_ENTRIES),
	};
	if (!link_valid(info, ret->next) || !link_valid(info, ret->prev) ||
		ret->entries > DQUOT_ENTRIES)
		return -EUCLEAN;
	return 0;
}

void dquot_leaf_encode(const struct dquot_leaf *leaf, uint8_t *raw)
{
	le32_put(raw + LEAF_NEXT, leaf->next);
	le32_put(raw + LEAF_PREV, leaf->prev);
	le16_put(raw + LEAF_ENTRIES, leaf->entries);
}

static size_t entry_offset(unsigned i)
{
	return LEAF_HEAD_SIZE + (size_t)i * ENTRY_SIZE;
}

size_t dquot_leaf_find(const uint8_t *raw, uint32_t id)
{
	for (unsigned i = 0; i < DQUOT_ENTRIES; i++)
		if (dquot_is_of(raw + entry_offset(i), id))
			return entry_offset(i);
	return 0;
}

size_t dquot_leaf_find_free(const uint8_t *raw)
{
	for (unsigned i = 0; i < DQUOT_ENTRIES; i++)
		if (all_zero(raw + entry_offset(i), ENTRY_SIZE))
			return entry_offset(i);
	return 0;
}

/* ---- entries ---- */

bool dquot_is_of(const uint8_t *raw, uint32_t id)
{
	return le32_get(raw + ENTRY_ID) == id && !all_zero(raw, ENTRY_SIZE);
}

bool dquot_is_idle(const struct dquot *d)
{
	return !(d->space | d->inodes | d->space_hard | d->space_soft | d->inodes_hard |
		d->inodes_soft);
}

/* An entry of id 0 would be taken for a free one if it were all zeros: v2r1_mem2diskdqb(). */
static bool is_escaped(const struct dquot *d)
{
	return !d->id && dquot_is_idle(d) && !d->space_time;
}

void dquot_decode(const uint8_t *raw, struct dquot *ret)
{
	*ret = (struct dquot){
		.id = le32_get(raw + ENTRY_ID),
		.space = le64_get(raw + ENTRY_SPACE),
		.inodes = le64_get(raw + ENTRY_INODES),
		.space_hard = le64_get(raw + ENTRY_SPACE_HARD),
		.space_soft = le64_get(raw + ENTRY_SPACE_SOFT),
		.inodes_hard = le64_get(raw + ENTRY_INODES_HARD),
		.inodes_soft = le64_get(raw + ENTRY_INODES_SOFT),
		.space_time = le64_get(raw + ENTRY_SPACE_TIME),
		.inodes_time = le64_get(raw + ENTRY_INODES_TIME),
	};
	if (is_escaped(ret) && ret->inodes_time == 1)
		ret->inodes_time = 0;
}

void dquot_encode(const struct dquot *d, uint8_t *raw)
{
	uint64_t inodes_time = d->inodes_time;

	if (is_escaped(d) && !inodes_time)
		inodes_time = 1;
	memset(raw, 0, ENTRY_SIZE);
	le32_put(raw + ENTRY_ID, d->id);
	le64_put(raw + ENTRY_SPACE, d->space);
	le64_put(raw + ENTRY_INODES, d->inodes);
	le64_put(raw + ENTRY_SPACE_HARD, d->space_hard);
	le64_put(raw + ENTRY_SPACE_SOFT, d->space_soft);
	le64_put(raw + ENTRY_INODES_HARD, d->inodes_hard);
	le64_put(raw + ENTRY_INODES_SOFT, d->inodes_soft);
	le64_put(raw + ENTRY_SPACE_TIME, d->space_time);
	le64_put(raw + ENTRY_INODES_TIME, inodes_time);
}

void dquot_clear(uint8_t *raw)
{
	memset(raw, 0, ENTRY_SIZE);
}
