/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The quota file in the format "vfsv1" (v2r1), as the quota feature has it: blocks of
 * DQUOT_BLOCK_SIZE bytes, whatever the filesystem's are.
 *
 *   block 0   which type and version, and the struct dquot_info
 *   block 1   the root of a tree over ids: DQUOT_DEPTH levels of DQUOT_REFS references (block
 *             numbers, 0: none), one byte of the id each, the highest first
 *   others    nodes of the tree; blocks of entries, a struct dquot_leaf and DQUOT_ENTRIES of them;
 *             or unused and in a list, linked like those
 *
 * An entry of zeros is free. The leaves that have a free one are in a list. Pure: no IO, no locks.
 */
#ifndef EXT4D_FORMAT_DQUOT_H
#define EXT4D_FORMAT_DQUOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

#define DQUOT_BLOCK_BITS 10
#define DQUOT_BLOCK_SIZE (1u << DQUOT_BLOCK_BITS)
#define DQUOT_ROOT 1u
#define DQUOT_DEPTH 4u
#define DQUOT_REFS 256u
#define DQUOT_ENTRIES 14u

enum dquot_type { DQUOT_USER, DQUOT_GROUP, DQUOT_PROJECT, DQUOT_TYPES };

struct dquot_info {
	uint32_t block_grace, inode_grace; /* seconds that a soft limit may be exceeded */
	uint32_t blocks;     /* of the file; what lies behind has never been used */
	uint32_t free_block; /* first unused one, 0: none */
	uint32_t free_leaf;  /* first leaf with a free entry, 0: none */
};

/* What one user, group or project uses and may use. */
struct dquot {
	uint32_t id;
	uint64_t space;	 /* bytes */
	uint64_t inodes;
	uint64_t space_hard, space_soft;   /* KiB; 0: no limit */
	uint64_t inodes_hard, inodes_soft; /* 0: no limit */
	uint64_t space_time, inodes_time;  /* seconds since 1970: the soft limit's end; 0: kept */
};

/* The head of a leaf, and of an unused block. */
struct dquot_leaf {
	uint32_t next, prev; /* in its list, 0: none */
	uint16_t entries;    /* in use */
};

/*
 * Decodes block 0 of the quota file of type, of size bytes in all. -EUCLEAN: not one of this
 * format, or its numbers cannot be; *ret_why says what.
 */
int dquot_info_decode(const uint8_t *raw, enum dquot_type type, uint64_t size,
	struct dquot_info *ret, const char **ret_why) MUST_CHECK;

/* Writes *info into block 0; the rest stays. */
void dquot_info_encode(const struct dquot_info *info, uint8_t *raw);

/* Whether a block number in the tree or in a list can be right: beyond the root, and in use. */
bool dquot_ref_valid(const struct dquot_info *info, uint32_t ref);

/* The reference for id in a node of the tree at level, 0 being the root. */
uint32_t dquot_ref_get(const uint8_t *node, unsigned level, uint32_t id);
void dquot_ref_set(uint8_t *node, unsigned level, uint32_t id, uint32_t ref);

/* Whether a node has no references. */
bool dquot_node_is_empty(const uint8_t *node);

/* -EUCLEAN: links or the count cannot be. */
int dquot_leaf_decode(const uint8_t *raw, const struct dquot_info *info, struct dquot_leaf *ret)
	MUST_CHECK;
void dquot_leaf_encode(const struct dquot_leaf *leaf, uint8_t *raw);

/*
 * Offset in the leaf of the entry of id, or of the first free one: 0 if there is none.
 */
size_t dquot_leaf_find(const uint8_t *raw, uint32_t id);
size_t dquot_leaf_find_free(const uint8_t *raw);

/* Whether the entry at raw is that of id. */
bool dquot_is_of(const uint8_t *raw, uint32_t id);

void dquot_decode(const uint8_t *raw, struct dquot *ret);
void dquot_encode(const struct dquot *d, uint8_t *raw);

/* Makes an entry a free one. */
void dquot_clear(uint8_t *raw);

/* Whether nothing is used and nothing limited: such an entry says no more than none. */
bool dquot_is_idle(const struct dquot *d);

#endif
