/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing directories: records put in, taken out and pointed elsewhere, in hash trees, plain and
 * inline directories. The caller holds dir->lock for writing and has a handle. Each call writes
 * the directory's blocks, its size and flags (inode_write()); times, i_version and link counts are the
 * caller's.
 */
#ifndef EXT4D_FS_DIREDIT_H
#define EXT4D_FS_DIREDIT_H

#include "fs/dir.h"

/*
 * Adds a record for name, which dir does not have. file_type: EXT2_FT_*. -ENOSPC (also where a hash
 * tree can grow no deeper), -EUCLEAN, -EBADMSG, -EIO, -EROFS, -ENOMEM, -EINVAL a name that a strict
 * casefold directory cannot hold. Takes dir_add_credits().
 */
int dir_add(struct handle *h, struct inode *dir, const char *name, size_t len, uint32_t ino,
	uint8_t file_type) MUST_CHECK;
unsigned dir_add_credits(const struct inode *dir);

/*
 * Takes the record of name out. expect: the inode it stands for, 0: whatever it does; -EAGAIN, nothing has
 * changed: it stands for another one or for none, as the directory's key has come since the caller looked.
 * Else -ENOENT, and the errors of dir_lookup(). Takes DIR_EDIT_CREDITS.
 */
int dir_remove(struct handle *h, struct inode *dir, const char *name, size_t len, uint32_t expect)
	MUST_CHECK;

/* Points the record of name, also "..", at another inode. As dir_remove(). */
int dir_replace(struct handle *h, struct inode *dir, const char *name, size_t len, uint32_t expect,
	uint32_t ino, uint8_t file_type) MUST_CHECK;

/* Makes an inline directory one of blocks, and leaves others alone. Errors and credits as dir_add(). */
int dir_leave_inline(struct handle *h, struct inode *dir) MUST_CHECK;

/* A block, and the inode. */
#define DIR_EDIT_CREDITS (1 + INODE_CREDITS)

/*
 * Makes the new directory dir empty: "." and ".." in a block of its own, or inline where d.flags
 * has EXT4_INLINE_DATA_FL. Takes dir_init_credits().
 */
int dir_init(struct handle *h, struct inode *dir, uint32_t parent) MUST_CHECK;
unsigned dir_init_credits(const struct fs *fs);

/* 0, -ENOTEMPTY, or an error that keeps the answer from being known. */
int dir_check_empty(struct inode *dir) MUST_CHECK;

#endif
