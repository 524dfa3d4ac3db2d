/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Encrypted inodes and the keys that the filesystem has for them. */
#ifndef EXT4D_FS_CRYPTINODE_H
#define EXT4D_FS_CRYPTINODE_H

#include "crypt/filekey.h"
#include "fs/inode.h"
#include "fs/xattredit.h"

/*
 * The context of an inode with EXT4_ENCRYPT_FL, used by the kernel or not. inode->lock is held while the
 * filesystem is writable. Errors as the first of cryptinode_key().
 */
int cryptinode_context(struct inode *inode, struct fscrypt_context *ret) MUST_CHECK;

/* Whether the kernel would use the context for inode. */
bool cryptinode_supports(const struct inode *inode, const struct fscrypt_context *context) MUST_CHECK;

/* Whether the filesystem has a key, if need be after asking fs_options.find_key. Takes LOCK_RANK_LEAF. */
bool cryptinode_has_key(struct fs *fs, const struct fscrypt_key_name *name) MUST_CHECK;

/*
 * Whether it is known without a look at the attributes, and so without a lock, which key an inode with
 * EXT4_ENCRYPT_FL has; *ret as that of cryptinode_key().
 */
bool cryptinode_knows_key(struct inode *inode, const struct filekey **ret);

/*
 * The key of an inode with EXT4_ENCRYPT_FL; NULL: the filesystem has not been given it. Valid as long as
 * the inode is held. The caller holds inode->lock while the filesystem is writable. -ENODATA the inode has
 * no context, -EINVAL one that the kernel would not use, -EOPNOTSUPP no cipher for it, and what reading the
 * attribute gives; -ENOMEM.
 */
int cryptinode_key(struct inode *inode, const struct filekey **ret) MUST_CHECK;

/* The same; a context that the kernel would not use is -EINVAL also while there is no key at all. */
int cryptinode_checked_key(struct inode *inode, const struct filekey **ret) MUST_CHECK;

/*
 * Whether inode is encrypted and shown without its key: what it shows will change once the key is there, and
 * then never again. Takes inode->lock while the filesystem is writable.
 */
bool cryptinode_is_locked(struct inode *inode);

/* The same as cryptinode_key(); that there is none is -ENOKEY. */
int cryptinode_require_key(struct inode *inode, const struct filekey **ret) MUST_CHECK;

/*
 * cryptinode_key() of a directory that is to be read: as in the kernel (fscrypt_prepare_readdir()) one with a
 * context that cannot be used is listed as if there was no key. What else cryptinode_key() says.
 */
int cryptinode_names_key(struct inode *dir, const struct filekey **ret) MUST_CHECK;

/*
 * 0, or -EXDEV: dir is encrypted and child, of a kind that can be, is not encrypted as it is
 * (fscrypt_has_permitted_context()). Both locks are held.
 */
int cryptinode_may_hold(struct inode *dir, struct inode *child) MUST_CHECK;

/*
 * 0, or -EPERM: a name of dir leads to child, a directory or a symlink, which dir may not hold. Of other kinds
 * ext4_lookup() does not ask either. Takes both locks, one after the other.
 */
int cryptinode_may_show(struct inode *dir, struct inode *child) MUST_CHECK;

/*
 * A new inode of nobody's yet, child of dir, is encrypted as dir is, if dir is and inode's kind can be; dir has
 * its key. Writes the inode. Takes CRYPTINODE_CREDITS. Errors as xattr_set_in() and cryptinode_key().
 */
int cryptinode_inherit(struct handle *h, struct inode *dir, struct inode *inode) MUST_CHECK;
#define CRYPTINODE_CREDITS(fs) xattr_set_credits(fs, FSCRYPT_CONTEXT_MAX)

#endif
