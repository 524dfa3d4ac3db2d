/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way through a hash tree, for the files that look up, read in order and change. */
#ifndef EXT4D_FS_HTREE_I_H
#define EXT4D_FS_HTREE_I_H

#include "format/dx.h"
#include "fs/dirblock.h"

struct htree_frame {
	struct dirblock block; /* held */
	struct dx_entries entries;
	unsigned at; /* the entry taken */
};

struct htree_path {
	struct htree_frame frames[DX_MAX_LEVELS];
	unsigned nr;	 /* frames in use */
	unsigned levels; /* frames of a whole path: 1 + indirect levels */
	int version;	 /* EXT2_HASH_* */
	/*
	 * The last error was that the index makes no sense (ERR_BAD_DX_DIR in the kernel), which
	 * leaves the names readable in the order of the blocks.
	 */
	bool nonsense;
};

/* The path of nothing but the root. As htree_hash_version(). Ends with htree_path_fini(). */
int htree_path_init(struct inode *dir, struct htree_path *path) MUST_CHECK;
void htree_path_fini(struct htree_path *path);

/*
 * From the root down to the last level of nodes, choosing by hash. On an error the path ends where
 * it could go no further, and htree_path_step() passes over what is below.
 */
int htree_path_descend(struct inode *dir, struct htree_path *path, uint32_t hash) MUST_CHECK;

/* The hash in the index of the leaf after the path's; false: there is none. */
bool htree_path_peek(const struct htree_path *path, uint32_t *ret_hash);

/* Goes to that leaf. Errors as htree_path_descend(). */
int htree_path_step(struct inode *dir, struct htree_path *path) MUST_CHECK;

/* The leaf's block in the directory. */
static inline uint32_t htree_path_leaf(const struct htree_path *path)
{
	const struct htree_frame *last = &path->frames[path->nr - 1];

	return dx_block(&last->entries, last->at);
}

/*
 * Loads a block that must exist and be of this kind. -EUCLEAN, and the errors of dirblock_load().
 */
int htree_load(struct inode *dir, uint64_t lblk, enum dirblock_kind kind, struct dirblock *ret)
	MUST_CHECK;

#endif
