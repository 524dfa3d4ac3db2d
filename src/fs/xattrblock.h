/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attribute blocks. Inodes whose blocks would be equal share one, up to XATTR_REFCOUNT_MAX; each of them
 * counts it as its own in i_blocks. A shared block is never changed but for the count.
 */
#ifndef EXT4D_FS_XATTRBLOCK_H
#define EXT4D_FS_XATTRBLOCK_H

#include "fs/xattrset.h"

/*
 * Holds inode's block, validated; *ret NULL: it has none. The caller holds inode->lock if the filesystem
 * is writable. -EUCLEAN, -EBADMSG, -EIO, -ENOMEM. Takes LOCK_RANK_XATTR.
 */
int xattrblock_open(struct inode *inode, struct buf **ret, struct xattr_region *ret_region)
	MUST_CHECK;

/* The rest is for holders of xattrcache_lock(), inode->lock (for writing) and a handle. */

/* The attributes in inode's block, none if it has no block. */
int xattrblock_load_locked(struct inode *inode, struct xattrset *ret) MUST_CHECK;

struct xattrblock_change {
	const struct xattrset *set; /* the attributes from now on, none: no block */
	/*
	 * A value inode that has come into set, on which the caller has a reference: it becomes the
	 * block's. 0: none.
	 */
	const struct xattr_entry *fresh;
	/* The attribute that set has no longer or with another value, if its value is an inode. */
	const struct xattr_entry *gone;
};

/*
 * Gives inode a block with these attributes: one that another inode has, its own one changed, or a
 * new one. Changes d.file_acl and d.blocks: the caller goes on with inode_write(). -ENOSPC it
 * does not fit, or no block is free; -EDQUOT, -EUCLEAN, -EBADMSG, -EIO, -EROFS, -ENOMEM.
 * Takes xattrblock_credits().
 */
int xattrblock_store(struct handle *h, struct inode *inode, const struct xattrblock_change *change)
	MUST_CHECK;
unsigned xattrblock_credits(const struct fs *fs);

/*
 * inode uses its block no more. Value inodes that are in the last use of a block are given up with it,
 * as far as h's credits go: *ret_done false, then the caller restarts the handle and calls again.
 */
int xattrblock_drop(struct handle *h, struct inode *inode, bool *ret_done) MUST_CHECK;

#endif
