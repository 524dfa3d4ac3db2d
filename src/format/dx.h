/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nodes of a directory's hash tree (fs/ext4/namei.c, struct dx_root and dx_node): disguised as
 * directory blocks whose records hide the index. Block 0 is the root, below it up to two levels of
 * nodes, then leaves, which are plain directory blocks. Pure.
 */
#ifndef EXT4D_FORMAT_DX_H
#define EXT4D_FORMAT_DX_H

#include <stdbool.h>
#include <stdint.h>

#include "format/super.h"

#define DX_MAX_LEVELS 3	  /* levels of nodes with large_dir, the root included; else 2 */
#define DX_BLOCK_MAX 0x0FFFFFFFu /* the high four bits of a block number are reserved */
#define DX_HASH_SIPHASH 6 /* encrypted and casefolded: the hash lies beside the name */

struct dx_root_info {
	uint8_t hash_version;
	uint8_t indirect_levels; /* levels of nodes below the root */
};

/* The entries of a root or node: pairs of hash and block, the first pair's hash standing for 0. */
struct dx_entries {
	const uint8_t *raw; /* the first pair; its hash field is the limit and the count */
	uint16_t limit;
	uint16_t count; /* 1 or more */
};

/*
 * Decodes block 0. levels: 3 with large_dir, else 2. On -EUCLEAN or -EOPNOTSUPP (hash version)
 * *ret_why says what is wrong.
 */
int dx_root_decode(const struct super *sb, const uint8_t *block, struct dx_root_info *ret_info,
	struct dx_entries *ret, const char **ret_why) MUST_CHECK;

/* Decodes a node below the root. */
int dx_node_decode(const struct super *sb, const uint8_t *block, struct dx_entries *ret,
	const char **ret_why) MUST_CHECK;

/* Entry i < count: its hash (0 for i = 0) and logical block in the directory. */
uint32_t dx_hash(const struct dx_entries *entries, unsigned i);
uint32_t dx_block(const struct dx_entries *entries, unsigned i);

/* The last entry whose hash is at most hash. */
unsigned dx_search(const struct dx_entries *entries, uint32_t hash);

/* Whether a directory block other than block 0 is a node: one empty record over all of it. */
bool dx_is_node(const struct super *sb, const uint8_t *block);

/* Whether the checksum of root (is_root) or node holds. seed: dinode_csum_seed(). */
bool dx_csum_ok(const struct super *sb, const uint8_t *block, bool is_root, uint32_t seed);

/* ---- changing ---- */

/* block is a root or a node that has been decoded, but where one is made. */

/*
 * Makes block, which begins with a "." record of 12 bytes and "..", a root with one entry, for
 * leaf: everything behind the name ".." is overwritten.
 */
void dx_root_init(const struct super *sb, uint8_t *block, uint8_t hash_version, uint32_t leaf);

/* Enters hash and lblk behind entry i. There is room. */
void dx_insert(uint8_t *block, bool is_root, unsigned i, uint32_t hash, uint32_t lblk);

/*
 * Makes right a node with the second half of the entries of the node left. hashed: the
 * directory's records carry hashes. *ret_hash: right's in their parent.
 */
void dx_node_split(const struct super *sb, uint8_t *left, uint8_t *right, bool hashed,
	uint32_t *ret_hash);

/*
 * Makes node, block lblk, a node with all of root's entries, and root one with it as the only
 * entry.
 */
void dx_root_push_down(const struct super *sb, uint8_t *root, uint8_t *node, bool hashed,
	uint32_t lblk);

/* Sets the checksum, if the filesystem has them. */
void dx_csum_set(const struct super *sb, uint8_t *block, bool is_root, uint32_t seed);

#endif
