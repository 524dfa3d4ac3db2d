/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing extended attributes: in the inode's body, in a block that inodes with equal attributes
 * share, in inodes of their own (ea_inode). Callers hold inode->lock for writing and have a handle.
 */
#ifndef EXT4D_FS_XATTREDIT_H
#define EXT4D_FS_XATTREDIT_H

#include "format/xattr_region.h"
#include "fs/xattr.h"

/*
 * Sets, or with value NULL removes, the attribute (index, name). flags: XATTR_CREATE, XATTR_REPLACE.
 * Writes the inode; its times are the caller's. Removing what is not there is -ENODATA with
 * XATTR_REPLACE only. -EEXIST, -ENODATA, -ENOSPC, -ERANGE, -E2BIG, -EDQUOT, and the errors of
 * xattr_get(). Nothing has changed on an error. Takes xattr_set_credits().
 */
int xattr_set_in(struct handle *h, struct inode *inode, enum xattr_index index, const char *name,
	size_t name_len, const void *value, size_t size, int flags) MUST_CHECK;
unsigned xattr_set_credits(const struct fs *fs, size_t size);

/*
 * setxattr(2), and with value NULL removexattr(2), of a full name: locks, opens a handle, converts ACLs
 * and keeps the mode in step with an access ACL (posix_acl_update_mode()), moves ctime. The
 * kernel has checked permissions. keep_sgid: the caller may keep S_ISGID. Errors as above,
 * -EOPNOTSUPP, -EINVAL, -EACCES a default ACL of no directory, -EPERM immutable or append-only.
 */
int xattr_set(struct inode *inode, const char *name, const void *value, size_t size, int flags,
	bool keep_sgid) MUST_CHECK;

/* The inode is freed: gives up its attribute block and value inodes, as far as h's credits go;
 * *ret_done: nothing is left. Otherwise the caller restarts the handle and calls again. */
int xattr_free_all(struct handle *h, struct inode *inode, bool *ret_done) MUST_CHECK;
#define XATTR_FREE_CREDITS 40

/*
 * Default ACLs for an inode that is made in dir: sets inode's ACLs and d.mode from dir's default ACL, or
 * applies umask where there is none (posix_acl_create()). Symlinks are left alone. The caller goes on
 * with inode_write(). Takes acl_inherit_credits().
 */
int acl_inherit(struct handle *h, struct inode *dir, struct inode *inode, uint16_t umask) MUST_CHECK;
unsigned acl_inherit_credits(const struct fs *fs);

/* chmod(2): puts inode->d.mode's permissions into the access ACL, if there is one (posix_acl_chmod()). */
int acl_chmod(struct handle *h, struct inode *inode) MUST_CHECK;

#endif
