/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of attributes that may be shared: which blocks hold which set of attributes, and which
 * inodes hold which value, by their hashes. Hints only, and only so many: who finds one looks whether
 * it is true. A block or an inode that is freed must be removed.
 *
 * The lock inside covers more than the table: whoever changes how often a block or a value inode
 * is used holds it from looking at the count until the change is done.
 */
#ifndef EXT4D_FS_XATTRCACHE_H
#define EXT4D_FS_XATTRCACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "util/cleanup.h"

enum xattrcache_kind {
	XATTRCACHE_BLOCK, /* where: a block, hash: xattr_block_hash() */
	XATTRCACHE_INODE, /* where: an inode, hash: xattr_value_hash() */
	XATTRCACHE_KINDS
};

struct xattrcache;

int xattrcache_new(struct xattrcache **ret) MUST_CHECK;
void xattrcache_free(struct xattrcache *cache); /* NULL is allowed */

/* Rank XATTR; held for all that follows. */
void xattrcache_lock(struct xattrcache *cache);
void xattrcache_unlock(struct xattrcache *cache);

/* Does nothing with a hash of 0, and where it is known already. */
void xattrcache_add(struct xattrcache *cache, enum xattrcache_kind kind, uint32_t hash,
	uint64_t where);
void xattrcache_remove(struct xattrcache *cache, enum xattrcache_kind kind, uint32_t hash,
	uint64_t where);

/* The next place where hash was seen; *pos begins with 0. */
bool xattrcache_next(struct xattrcache *cache, enum xattrcache_kind kind, uint32_t hash,
	unsigned *pos, uint64_t *ret);

/*
 * Value inodes that became orphans because freeing them was too much for one transaction; whoever holds
 * nothing frees them. Forgotten if there are too many: then the next mount does it.
 */
void xattrcache_add_dead(struct xattrcache *cache, uint32_t ino);
uint32_t xattrcache_take_dead(struct xattrcache *cache); /* 0: none left */

#endif
