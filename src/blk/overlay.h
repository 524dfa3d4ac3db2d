/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An overlay over a read-only image: blocks whose current contents lie elsewhere, as journal
 * replay leaves them. A replayed block is remembered as a reference to its copy in the
 * journal, not copied, so the overlay's memory is a few dozen bytes per block.
 *
 * Life: overlay_new(), any number of overlay_map() from one thread, then reads from any thread
 * through overlay_blk(); no overlay_map() once reads have begun.
 */
#ifndef EXT4D_BLK_OVERLAY_H
#define EXT4D_BLK_OVERLAY_H

#include "blk/blk.h"

struct overlay;

/*
 * An empty overlay on lower in units of block_size bytes. On success it owns lower.
 */
int overlay_new(struct blk *lower, uint32_t block_size, struct overlay **ret) MUST_CHECK;

/* Where the copy of a replayed block lies. */
struct overlay_source {
	struct blk *blk;  /* NULL: the overlay's own lower layer; else must outlive the overlay */
	uint64_t off;	  /* bytes in that layer */
	int escaped;	  /* the copy's first four bytes read 0 and stand for JBD2_MAGIC */
};

/*
 * From now on block nr pblk reads as src says; a later call for the same block replaces the
 * earlier one. -EINVAL if pblk or the source leaves its layer, -ENOMEM.
 */
int overlay_map(struct overlay *ovl, uint64_t pblk, const struct overlay_source *src) MUST_CHECK;

/* How many blocks are mapped. */
uint64_t overlay_count(const struct overlay *ovl);

/* The layer below, which reads as it did before. */
struct blk *overlay_lower(const struct overlay *ovl);

/*
 * Writes every mapped block to its place in the lower layer and makes that durable: the lower layer then
 * reads as the overlay. -EROFS, -ENOMEM, errors of the storage.
 */
int overlay_write_down(struct overlay *ovl) MUST_CHECK;

/* Frees the overlay but not the lower layer. */
void overlay_free(struct overlay *ovl);

/* The overlay as a layer; blk_close() on it frees the overlay and closes lower. */
struct blk *overlay_blk(struct overlay *ovl);

#endif
