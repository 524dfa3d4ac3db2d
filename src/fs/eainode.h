/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attribute values in inodes of their own (ea_inode). Such an inode may be the value of many
 * attributes: it counts them in the low half of i_version and, above that, the seconds of ctime, and
 * keeps the hash of its contents in the seconds of atime. Each inode that shows the attribute counts the
 * value's blocks in its own i_blocks, and an inode more for its owner.
 */
#ifndef EXT4D_FS_EAINODE_H
#define EXT4D_FS_EAINODE_H

#include "format/xattr_region.h"
#include "fs/inode.h"

/* Reads the entry->value_size bytes of a value. -EUCLEAN, -EBADMSG, -EIO, -ENOMEM. */
int eainode_read(struct inode *inode, const struct xattr_entry *entry, uint8_t *buf) MUST_CHECK;

/* Whether values of size bytes must not lie in a block, because the filesystem has a better way. */
bool eainode_is_for(const struct super *sb, size_t size);

/* The rest is for holders of xattrcache_lock(), inode->lock (for writing) and a handle. */

/* 0 if entry's value inode is what it should be; errors as eainode_read(). */
int eainode_check(struct inode *inode, const struct xattr_entry *entry) MUST_CHECK;

/*
 * An inode that holds the value, an old one or a new one, with a reference for the caller: fills in
 * entry's value_ino and hash. Charges inode. -ENOSPC, -EDQUOT and the errors of file_write(). Takes
 * eainode_credits(), and one more for inode.
 */
int eainode_make(struct handle *h, struct inode *inode, const void *value, size_t size,
	struct xattr_entry *entry) MUST_CHECK;
unsigned eainode_credits(const struct fs *fs, size_t size);

/* One reference more or less; the inode is freed with the last. Takes EAINODE_DROP_CREDITS. */
int eainode_ref(struct handle *h, struct inode *inode, const struct xattr_entry *entry) MUST_CHECK;
int eainode_drop(struct handle *h, struct inode *inode, const struct xattr_entry *entry) MUST_CHECK;

/*
 * Its inode and the orphan list's; then what there is of bitmaps and descriptors: data that lies in
 * more groups is freed as an orphan's.
 */
#define EAINODE_DROP_CREDITS (3 * INODE_CREDITS + 1 + 6)

/*
 * inode shows (1) or no longer shows (-1) the attribute: what that means for d.blocks and its
 * owners' usage.
 */
int eainode_charge(struct handle *h, struct inode *inode, const struct xattr_entry *entry, int sign)
	MUST_CHECK;

#endif
