/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changing inline directories. Callers hold dir->lock for writing and have a handle. */
#ifndef EXT4D_FS_INLINEDIR_H
#define EXT4D_FS_INLINEDIR_H

#include "fs/dirname.h"
#include "fs/inline.h"

/* No records, and this parent. Writes the inode, with its new size, as all of these do. */
int inlinedir_init(struct handle *h, struct inode *dir, uint32_t parent) MUST_CHECK;

/*
 * Puts rec in; the attribute grows for it if it can. -ENOSPC: the directory has to become one of
 * blocks, inlinedir_convert().
 */
int inlinedir_add(struct handle *h, struct inode *dir, const struct dirent_rec *rec) MUST_CHECK;

/*
 * expect: the inode that want stands for, or 0. -EAGAIN: it is another one; -ENOENT, and the errors of
 * inline_load() and inline_store().
 */
int inlinedir_remove(struct handle *h, struct inode *dir, const struct dirname *want, uint32_t expect)
	MUST_CHECK;

/* The same for pointing the record, or "..", at another inode. */
int inlinedir_replace(struct handle *h, struct inode *dir, const struct dirname *want, uint32_t expect,
	uint32_t ino, uint8_t file_type) MUST_CHECK;

/*
 * Moves the records to a block. Nothing has changed on an error: those of dirblock_append(),
 * -EUCLEAN. dot_type: the file type of "." and "..".
 */
int inlinedir_convert(struct handle *h, struct inode *dir, uint8_t dot_type) MUST_CHECK;

/* 0, -ENOTEMPTY, or an error that keeps the answer from being known. */
int inlinedir_check_empty(struct inode *dir) MUST_CHECK;

#endif
