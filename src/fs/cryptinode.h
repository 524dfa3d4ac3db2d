/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Encrypted inodes and the keys that the filesystem has for them. */
#ifndef EXT4D_FS_CRYPTINODE_H
#define EXT4D_FS_CRYPTINODE_H

#include "crypt/filekey.h"
#include "fs/inode.h"

/*
 * The key of an inode with EXT4_ENCRYPT_FL; NULL: the filesystem has not been given it. Valid as long as
 * the inode is held. The caller holds inode->lock while the filesystem is writable. -ENODATA the inode has
 * no context, -EINVAL one that the kernel would not use, -EOPNOTSUPP no cipher for it, and what reading the
 * attribute gives; -ENOMEM.
 */
int cryptinode_key(struct inode *inode, const struct filekey **ret) MUST_CHECK;

/* The same; that there is none is -ENOKEY. */
int cryptinode_require_key(struct inode *inode, const struct filekey **ret) MUST_CHECK;

/*
 * The same of a directory that is to be read: as in the kernel (fscrypt_prepare_readdir()) one with a context
 * that cannot be used is listed as if there was no key. -ENOMEM, -EIO.
 */
int cryptinode_names_key(struct inode *dir, const struct filekey **ret) MUST_CHECK;

#endif
