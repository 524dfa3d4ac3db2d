/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changing single blocks of a directory. Callers hold dir->lock for writing and have a handle. */
#ifndef EXT4D_FS_DIRBLOCK_EDIT_H
#define EXT4D_FS_DIRBLOCK_EDIT_H

#include "fs/dirblock.h"

/* Bytes of a leaf that hold records: all but the checksum record. */
size_t dirblock_leaf_size(const struct inode *dir);

/* The chain of a leaf without its checksum record. */
struct dirent_chain dirblock_leaf_chain(const struct inode *dir, const uint8_t *raw);

/*
 * Gives a block that was changed its checksum. To be called before the handle is stopped, and
 * before anybody else can look at the block.
 */
void dirblock_seal(struct inode *dir, struct buf *buf, enum dirblock_kind kind);

/*
 * Adds a block of zeros at dir's end, announced and held, and writes the inode with its new size.
 * Nothing has changed on an error: -ENOSPC, -EDQUOT, -EFBIG, -EIO, -EROFS, -ENOMEM, -EUCLEAN.
 * Takes map_credits(), a block and INODE_CREDITS.
 */
int dirblock_append(struct handle *h, struct inode *dir, uint32_t *ret_lblk, struct buf **ret)
	MUST_CHECK;

/*
 * Puts rec into a leaf, block lblk of dir. -ENOSPC: it does not fit; -EUCLEAN a bad record,
 * reported; -EROFS, -ENOMEM. Nothing has changed on an error.
 */
int dirblock_insert(struct handle *h, struct inode *dir, uint64_t lblk, struct buf *buf,
	const struct dirent_rec *rec) MUST_CHECK;

#endif
