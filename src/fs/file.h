/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The contents of regular files. */
#ifndef EXT4D_FS_FILE_H
#define EXT4D_FS_FILE_H

#include <sys/types.h>

#include "fs/inode.h"

/*
 * Reads up to len bytes at off; returns the count, short only at end of file. Holes and
 * unwritten extents read as zeros. -ENOKEY encrypted and the key is not there, or what cryptinode_key()
 * says; -EISDIR, -EUCLEAN, -EBADMSG, -EIO, -ENOMEM.
 */
ssize_t file_read(struct inode *inode, uint64_t off, void *buf, size_t len) MUST_CHECK;

/*
 * Whether the contents can be had: 0, or for an encrypted file why not, as file_read() would say. Locks
 * inode.
 */
int file_check_key(struct inode *inode) MUST_CHECK;

/*
 * Writes len bytes at off: allocates what is missing, keeps ordered mode (the data is in the image
 * before the transaction that makes it reachable), extends the size. Returns the count, short only where
 * space ran out after some of it. times: move mtime and ctime (the caller is not the page cache).
 * may_reserved: may use root's reserved blocks. -ENOSPC, -EDQUOT, -EFBIG, -ENOKEY, -EISDIR, -EUCLEAN,
 * -EBADMSG, -EIO, -EROFS, -ENOMEM. Locks inode.
 */
ssize_t file_write(struct inode *inode, uint64_t off, const void *buf, size_t len, bool times,
	bool may_reserved) MUST_CHECK;

/*
 * Sets the size, inode->lock held for writing by the caller, who has no handle open: bytes past a smaller
 * size are freed in as many transactions as needed, the orphan list covering a crash between them.
 * The rest of a partial last block becomes zeros. Errors as file_write().
 */
int file_truncate_locked(struct inode *inode, uint64_t size) MUST_CHECK;

/*
 * The same for a truncation that was under way to the size inode has, and is finished now: whether the file may be
 * changed was decided then, and the key of an encrypted one may not be there.
 */
int file_cut_locked(struct inode *inode) MUST_CHECK;

/* fallocate(2); mode: FALLOC_FL_KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE, COLLAPSE_RANGE, INSERT_RANGE. */
int file_fallocate(struct inode *inode, int mode, uint64_t off, uint64_t len, bool may_reserved)
	MUST_CHECK;

/* copy_file_range(2) within the filesystem: returns the count. Locks both inodes. */
ssize_t file_copy(struct inode *from, uint64_t from_off, struct inode *to, uint64_t to_off, size_t len,
	bool may_reserved) MUST_CHECK;

/* fsync(2) and, data_only, fdatasync(2): everything written to inode before is durable on return. */
int file_sync(struct inode *inode, bool data_only) MUST_CHECK;

/*
 * lseek(2) with SEEK_DATA or SEEK_HOLE; returns the offset. -ENXIO past the end or, for data,
 * where none follows.
 */
off_t file_seek(struct inode *inode, off_t off, int whence) MUST_CHECK;

/*
 * Reads len bytes at off of whatever kind of inode has contents, as they are stored; the caller has cut
 * len to its size. Errors as file_read().
 */
int file_read_range(struct inode *inode, uint64_t off, void *buf, size_t len) MUST_CHECK;

#endif
