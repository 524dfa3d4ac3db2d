/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changing hash trees. Callers hold dir->lock for writing and have a handle. */
#ifndef EXT4D_FS_HTREE_EDIT_H
#define EXT4D_FS_HTREE_EDIT_H

#include "format/dx.h"
#include "fs/dirblock.h"

/* The most blocks that one htree_add() appends: a leaf, and a node on each level or a new level. */
#define HTREE_MAX_APPENDS (1 + DX_MAX_LEVELS)

/*
 * Puts rec into the indexed directory dir. *ret_nonsense: it failed, with -EUCLEAN, because the
 * index makes no sense, while the leaves may be good. -ENOSPC also where the tree can grow no
 * deeper. The tree is valid after an error too, and may have grown.
 */
int htree_add(struct handle *h, struct inode *dir, const struct dirent_rec *rec,
	bool *ret_nonsense) MUST_CHECK;

/*
 * Makes an indexed directory of dir, which has one block and no index: its records move to a
 * leaf. Does nothing, and says so in *ret_done, where the block does not begin with "." and ".."
 * as it should, or the filesystem's default hash is unknown. Errors as dirblock_append().
 */
int htree_make(struct handle *h, struct inode *dir, bool *ret_done) MUST_CHECK;

#endif
