// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "format/extent.h"

#include <errno.h>
#include <string.h>

#include "format/le.h"
#include "util/crc32c.h"

/* Offsets of struct ext4_extent_header, ext4_extent and ext4_extent_idx. */
enum {
	EH_MAGIC = 0,
	EH_ENTRIES = 2,
	EH_MAX = 4,
	EH_DEPTH = 6,
	EH_SIZE = 12,
	EE_BLOCK = 0,
	EE_LEN = 4,
	EE_START_HI = 6,
	EE_START_LO = 8,
	EI_BLOCK = 0,
	EI_LEAF_LO = 4,
	EI_LEAF_HI = 8,
	EI_UNUSED = 10,
	ENTRY_SIZE = 12,
	TAIL_SIZE = 4,
};

#define EXTENT_MAGIC 0xF30A
/* Longer lengths on disk are those of unwritten extents, so much more than they are. */
#define EXTENT_INIT_MAX_LEN EXTENT_MAX_NR

static const char *node_fault(const struct extent_node *node, uint16_t magic, size_t size)
{
	if (magic != EXTENT_MAGIC)
		return "extent header magic";
	if (node->max == 0 || node->max > (size - EH_SIZE) / ENTRY_SIZE)
		return "extent header eh_max";
	if (node->entries > node->max)
		return "extent header eh_entries";
	if (node->depth > EXTENT_MAX_DEPTH)
		return "extent header eh_depth";
	if (node->depth && !node->entries)
		return "extent index without entries";
	return NULL;
}

static const uint8_t *entry(const struct extent_node *node, unsigned i)
{
	return node->raw + EH_SIZE + (size_t)i * ENTRY_SIZE;
}

/* The first blocks of the entries must rise; both kinds begin with theirs. */
static bool sorted(const struct extent_node *node)
{
	for (unsigned i = 1; i < node->entries; i++)
		if (le32_get(entry(node, i)) <= le32_get(entry(node, i - 1)))
			return false;
	return true;
}

static bool leaf_consistent(const struct extent_node *node)
{
	uint64_t end = 0;

	for (unsigned i = 0; i < node->entries; i++) {
		struct extent ext;

		extent_get(node, i, &ext);
		if (!ext.nr || ext.lblk < end ||
			(uint64_t)ext.lblk + ext.nr > EXTENT_LBLK_END)
			return false;
		end = (uint64_t)ext.lblk + ext.nr;
	}
	return true;
}

int extent_node_decode(
	const uint8_t *raw, size_t size, struct extent_node *ret, const char **ret_why)
{
	*ret = (struct extent_node){
		.raw = raw,
		.entries = le16_get(raw + EH_ENTRIES),
		.max = le16_get(raw + EH_MAX),
		.depth = le16_get(raw + EH_DEPTH),
	};
	*ret_why = node_fault(ret, le16_get(raw + EH_MAGIC), size);
	if (!*ret_why && !sorted(ret))
		*ret_why = "extent entries out of order";
	if (!*ret_why && !ret->depth && !leaf_consistent(ret))
		*ret_why = "extent entries overlap";
	return *ret_why ? -EUCLEAN : 0;
}

void extent_get(const struct extent_node *node, unsigned i, struct extent *ret)
{
	const uint8_t *raw = entry(node, i);
	uint16_t len = le16_get(raw + EE_LEN);

	ret->lblk = le32_get(raw + EE_BLOCK);
	ret->unwritten = len > EXTENT_INIT_MAX_LEN;
	ret->nr = ret->unwritten ? len - EXTENT_INIT_MAX_LEN : len;
	ret->pblk = le32_get(raw + EE_START_LO) | (uint64_t)le16_get(raw + EE_START_HI) << 32;
}

void extent_index_get(const struct extent_node *node, unsigned i, struct extent_index *ret)
{
	const uint8_t *raw = entry(node, i);

	ret->lblk = le32_get(raw + EI_BLOCK);
	ret->pblk = le32_get(raw + EI_LEAF_LO) | (uint64_t)le16_get(raw + EI_LEAF_HI) << 32;
}

bool extent_csum_ok(const struct extent_node *node, uint32_t block_size, uint32_t seed)
{
	size_t tail = EH_SIZE + (size_t)node->max * ENTRY_SIZE;

	/* eh_max of a block leaves room: (block - 12) / 12 never comes out even for 2^n */
	if (tail + TAIL_SIZE > block_size)
		return false;
	return le32_get(node->raw + tail) == crc32c(seed, node->raw, tail);
}

void extent_node_init(uint8_t *raw, size_t size, unsigned depth)
{
	memset(raw, 0, size);
	le16_put(raw + EH_MAGIC, EXTENT_MAGIC);
	le16_put(raw + EH_MAX, (uint16_t)((size - EH_SIZE) / ENTRY_SIZE));
	le16_put(raw + EH_DEPTH, (uint16_t)depth);
}

void extent_node_set_entries(uint8_t *raw, unsigned entries)
{
	le16_put(raw + EH_ENTRIES, (uint16_t)entries);
}

void extent_node_set_depth(uint8_t *raw, unsigned depth)
{
	le16_put(raw + EH_DEPTH, (uint16_t)depth);
}

static uint8_t *entry_at(uint8_t *raw, unsigned i)
{
	return raw + EH_SIZE + (size_t)i * ENTRY_SIZE;
}

void extent_put(uint8_t *raw, unsigned i, const struct extent *extent)
{
	uint8_t *to = entry_at(raw, i);

	le32_put(to + EE_BLOCK, extent->lblk);
	le16_put(to + EE_LEN,
		(uint16_t)(extent->nr + (extent->unwritten ? EXTENT_INIT_MAX_LEN : 0)));
	le16_put(to + EE_START_HI, (uint16_t)(extent->pblk >> 32));
	le32_put(to + EE_START_LO, (uint32_t)extent->pblk);
}

void extent_index_put(uint8_t *raw, unsigned i, const struct extent_index *index)
{
	uint8_t *to = entry_at(raw, i);

	le32_put(to + EI_BLOCK, index->lblk);
	le32_put(to + EI_LEAF_LO, (uint32_t)index->pblk);
	le16_put(to + EI_LEAF_HI, (uint16_t)(index->pblk >> 32));
	le16_put(to + EI_UNUSED, 0);
}

void extent_entries_move(
	uint8_t *to, unsigned to_i, const uint8_t *from, unsigned from_i, unsigned nr)
{
	memmove(entry_at(to, to_i), from + EH_SIZE + (size_t)from_i * ENTRY_SIZE,
		(size_t)nr * ENTRY_SIZE);
}

void extent_csum_set(uint8_t *raw, uint32_t block_size, uint32_t seed)
{
	size_t tail = EH_SIZE + (size_t)le16_get(raw + EH_MAX) * ENTRY_SIZE;

	if (tail + TAIL_SIZE <= block_size)
		le32_put(raw + tail, crc32c(seed, raw, tail));
}
