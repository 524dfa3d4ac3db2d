/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nodes of extent trees: a header, then entries of 12 bytes, then (in blocks, with metadata_csum)
 * a checksum. The root lies in the inode's i_block, other nodes fill a block. Pure.
 */
#ifndef EXT4D_FORMAT_EXTENT_H
#define EXT4D_FORMAT_EXTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

#define EXTENT_MAX_DEPTH 5 /* as EXT4_MAX_EXTENT_DEPTH: 2^32 blocks need no more */
#define EXTENT_LBLK_END ((uint64_t)1 << 32)

/* The most blocks one extent can hold; unwritten ones have one less. */
#define EXTENT_MAX_NR 32768
#define EXTENT_MAX_NR_UNWRITTEN (EXTENT_MAX_NR - 1)

/* A node whose header has been checked against the bytes it lies in. */
struct extent_node {
	const uint8_t *raw; /* the header */
	uint16_t entries;
	uint16_t max; /* entries that would fit */
	uint16_t depth; /* 0: leaf */
};

struct extent {
	uint32_t lblk;
	uint16_t nr; /* blocks, 1 to 32768 */
	bool unwritten;
	uint64_t pblk;
};

struct extent_index {
	uint32_t lblk; /* first block below */
	uint64_t pblk; /* block of the child node */
};

/*
 * Checks the header at raw, a node of size bytes (60, or a block). On -EUCLEAN *ret_why says what
 * is wrong.
 */
int extent_node_decode(
	const uint8_t *raw, size_t size, struct extent_node *ret, const char **ret_why) MUST_CHECK;

/* Entry i < entries of a leaf or of an index node. */
void extent_get(const struct extent_node *node, unsigned i, struct extent *ret);
void extent_index_get(const struct extent_node *node, unsigned i, struct extent_index *ret);

/* Whether the checksum behind the entries of a block's node holds. seed: dinode_csum_seed(). */
bool extent_csum_ok(const struct extent_node *node, uint32_t block_size, uint32_t seed);

/*
 * Encoding. raw is a node of size bytes that extent_node_init() made or extent_node_decode() took; the
 * caller keeps entries within eh_max, sorted and disjoint.
 */

/* Makes raw an empty node with room for as many entries as fit (ext4_ext_space_block()). */
void extent_node_init(uint8_t *raw, size_t size, unsigned depth);

/* Changes the header of an existing node: how many entries, how deep. */
void extent_node_set_entries(uint8_t *raw, unsigned entries);
void extent_node_set_depth(uint8_t *raw, unsigned depth);

void extent_put(uint8_t *raw, unsigned i, const struct extent *extent);
void extent_index_put(uint8_t *raw, unsigned i, const struct extent_index *index);

/* Copies nr entries of either kind, between nodes or within one (ranges may overlap). */
void extent_entries_move(
	uint8_t *to, unsigned to_i, const uint8_t *from, unsigned from_i, unsigned nr);

/* Stores the checksum of a block's node. */
void extent_csum_set(uint8_t *raw, uint32_t block_size, uint32_t seed);

#endif
