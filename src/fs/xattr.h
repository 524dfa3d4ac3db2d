/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extended attributes: in the inode, in a shared block, in an inode of their own (ea_inode).
 * Names are full ones ("user.x", "system.posix_acl_access"), values as getxattr(2) shows them: an ACL
 * in the format of <linux/posix_acl_xattr.h>, not ext4's.
 */
#ifndef EXT4D_FS_XATTR_H
#define EXT4D_FS_XATTR_H

#include <stdbool.h>
#include <sys/types.h>

#include "fs/inode.h"

/*
 * Copies the value of name to buf and returns its length in bytes; size 0 asks for the length
 * alone. -ENODATA no such attribute, -ERANGE buf too small, -EOPNOTSUPP a namespace ext4 does not
 * serve, -EUCLEAN, -EBADMSG, -EIO, -ENOMEM. Locks inode if the filesystem is writable.
 */
ssize_t xattr_get(struct inode *inode, const char *name, void *buf, size_t size) MUST_CHECK;

/*
 * Writes the names, each with its NUL, to buf; returns bytes as xattr_get() does. trusted: list
 * "trusted." too (the kernel does for CAP_SYS_ADMIN only).
 */
ssize_t xattr_list(struct inode *inode, bool trusted, char *buf, size_t size) MUST_CHECK;

/* Whether the inode can have attributes at all: a cheap no for most files. Locks as xattr_get(). */
bool xattr_maybe(struct inode *inode);

/*
 * The rest of an inline-data inode: the value of system.data in its body. Copies up to size bytes,
 * returns the value's full length (0: none, the data fits i_block). Errors as xattr_get(). The
 * caller holds inode->lock.
 */
ssize_t xattr_inline_data(struct inode *inode, void *buf, size_t size) MUST_CHECK;

/*
 * The fscrypt context (index 9, name "c"). The caller holds inode->lock while the filesystem is writable.
 * Errors as xattr_get().
 */
ssize_t xattr_crypt_context_locked(struct inode *inode, void *buf, size_t size) MUST_CHECK;

#endif
