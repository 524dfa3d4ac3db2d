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

#endif
