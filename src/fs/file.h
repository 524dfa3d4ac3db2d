/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The contents of regular files and symlinks. */
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

/* Longest symlink target with its NUL: PATH_MAX, as the kernel holds it. */
#define SYMLINK_MAX 4096

/*
 * The target, NUL-terminated; for an encrypted one, its no-key form. -EUCLEAN for an empty,
 * overlong or truncated target.
 */
int symlink_read(struct inode *inode, char target[SYMLINK_MAX]) MUST_CHECK;

#endif
