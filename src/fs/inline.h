/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inline data: contents that lie in the inode, 60 bytes in i_block and the rest in the attribute
 * system.data. A directory's first four bytes are its parent's number; records follow in two
 * chains, the rest of i_block and the attribute.
 */
#ifndef EXT4D_FS_INLINE_H
#define EXT4D_FS_INLINE_H

#include "format/dirent.h"
#include "fs/inode.h"

/*
 * Reads len bytes at off into buf; what is not stored reads as zeros. The caller has cut len to
 * the file's size. Errors as xattr_get().
 */
int inline_read(struct inode *inode, uint64_t off, void *buf, size_t len) MUST_CHECK;

/* The bytes stored now: 60 plus the attribute's. Errors as inline_read(); the caller frees *ret. */
int inline_load(struct inode *inode, uint8_t **ret, size_t *ret_len) MUST_CHECK;

/* A directory's inline contents, a copy. */
struct inline_dir {
	uint32_t parent;
	uint8_t *bytes;		      /* owned */
	struct dirent_chain chains[2]; /* in bytes; size 0: not there */
};

int inline_dir_load(struct inode *dir, struct inline_dir *ret) MUST_CHECK;
void inline_dir_fini(struct inline_dir *dir);

#endif
