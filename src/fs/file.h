/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The contents of regular files. */
#ifndef EXT4D_FS_FILE_H
#define EXT4D_FS_FILE_H

#include <sys/types.h>

#include "fs/inode.h"

/*
 * Reads up to len bytes at off; returns the count, short only at end of file. Holes and
 * unwritten extents read as zeros. -ENOKEY encrypted, -EISDIR, -EUCLEAN, -EBADMSG, -EIO, -ENOMEM.
 */
ssize_t file_read(struct inode *inode, uint64_t off, void *buf, size_t len) MUST_CHECK;

/*
 * lseek(2) with SEEK_DATA or SEEK_HOLE; returns the offset. -ENXIO past the end or, for data,
 * where none follows.
 */
off_t file_seek(struct inode *inode, off_t off, int whence) MUST_CHECK;

/*
 * Reads len bytes at off of whatever kind of inode has contents; the caller has cut len to its
 * size. Errors as file_read().
 */
int file_read_range(struct inode *inode, uint64_t off, void *buf, size_t len) MUST_CHECK;

#endif
