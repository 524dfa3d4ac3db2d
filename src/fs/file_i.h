/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files that change a file's contents share. All callers hold inode->lock for writing. */
#ifndef EXT4D_FS_FILE_I_H
#define EXT4D_FS_FILE_I_H

#include "crypt/filekey.h"
#include "fs/file.h"
#include "fs/superblock.h"

/* The largest size the inode's kind of map allows, in bytes. */
uint64_t file_max_size(const struct inode *inode);

/* The same for extents, whatever map an inode has: s_maxbytes. */
uint64_t file_max_size_fs(const struct super *sb);

/*
 * 0, or why the contents of inode cannot be changed: -EISDIR, -EINVAL, -EROFS, -EPERM; if it is encrypted,
 * as cryptinode_require_key(). Lock held for reading at least.
 */
int file_check_change(struct inode *inode) MUST_CHECK;

/*
 * 0, or -EPERM if inode is immutable, or append-only and [off, off + len) is not past what it has. late: the
 * page cache writes, which may have had it before the flag was set. Lock held for reading at least.
 */
int file_check_guard(const struct inode *inode, uint64_t off, size_t len, bool late) MUST_CHECK;

/*
 * Reads len bytes at off of an encrypted file, which lie in one piece at byte disk of the image: whole units
 * are read to where they are wanted and decrypted there, all in one pass.
 */
int file_read_sealed(struct inode *inode, const struct filekey *key, uint64_t off, uint64_t disk,
	uint8_t *dst, size_t len) MUST_CHECK;

/*
 * Writes the same. A unit of which only a part is written is read before: the caller holds the lock for writing.
 */
int file_write_sealed(struct inode *inode, const struct filekey *key, uint64_t off, uint64_t disk,
	const uint8_t *src, size_t len) MUST_CHECK;

/*
 * Makes the bytes [from, to), which lie in one block, zeros where they are data. Without a handle: they
 * are either nothing anybody sees or as good as overwritten. Without the key of an encrypted file they stay, as
 * in the kernel: an orphan is then being cut (ext4_block_truncate_page()).
 */
int file_zero_bytes(struct inode *inode, uint64_t from, uint64_t to) MUST_CHECK;

/*
 * The size is about to become size: makes the rest of the last block, if it grows, zeros: old
 * contents might show.
 */
int file_zero_tail(struct inode *inode, uint64_t size) MUST_CHECK;

/* Writes data to the blocks of run, all of them: zeros where the len bytes at off do not reach. */
int file_write_padded(struct inode *inode, const struct run *run, uint64_t off, const void *buf,
	size_t len) MUST_CHECK;

/* Moves inline contents to a block. The inode stays inline on failure. */
int file_uninline(struct inode *inode, unsigned balloc_flags) MUST_CHECK;

/*
 * Unmaps and frees the blocks [from, to), in as many transactions as it takes, in a handle that the
 * caller has with map_credits(). -EINTR is never returned.
 */
int file_free_blocks(struct handle *h, struct inode *inode, uint64_t from, uint64_t to) MUST_CHECK;

/*
 * inode->d.size has grown in h: sets LARGE_FILE where it has to be (ext4_do_update_inode()). The caller
 * goes on with inode_write(). Takes, with that, FILE_SIZE_CREDITS.
 */
int file_note_size(struct handle *h, const struct inode *inode) MUST_CHECK;
#define FILE_SIZE_CREDITS (INODE_CREDITS + SUPERBLOCK_CREDITS)

/* Sets the size, and mtime and ctime if times, in a handle of its own. */
int file_set_size(struct inode *inode, uint64_t size, bool times) MUST_CHECK;

/* After -ENOSPC: waits until what has been freed can be had. True: worth another try, once. */
bool file_wait_space(struct inode *inode, int err, bool *tried);

#endif
