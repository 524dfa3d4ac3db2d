/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing inline data: the bytes in i_block and the attribute system.data. Callers hold inode->lock for
 * writing and have a handle with INLINE_CREDITS.
 */
#ifndef EXT4D_FS_INLINEEDIT_H
#define EXT4D_FS_INLINEEDIT_H

#include "fs/inline.h"

#define INLINE_CREDITS (INODE_CREDITS + 2)

/*
 * The most bytes this inode can hold inline now, its other attributes left where they are; 0: none, also
 * not in i_block.
 */
int inline_capacity(struct inode *inode, size_t *ret) MUST_CHECK;

/* What is stored now: inline_load() in inline.h. */

/*
 * Stores len bytes as the inode's inline contents (files: what is past len is gone; directories: with
 * the parent's number in front), sets EXT4_INLINE_DATA_FL, and writes the inode. A directory's d.size
 * becomes len (60 at least), a file's is the caller's to set before. -ENOSPC: more than
 * inline_capacity().
 */
int inline_store(struct handle *h, struct inode *inode, const void *bytes, size_t len) MUST_CHECK;

/*
 * Takes system.data away, clears EXT4_INLINE_DATA_FL and makes i_block an empty map (map_init()): the
 * first step of moving the contents, which the caller has loaded, to blocks. Writes the inode.
 */
int inline_drop(struct handle *h, struct inode *inode) MUST_CHECK;

#endif
