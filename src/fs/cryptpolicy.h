/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policies of files, as their users see them: contexts, of which the nonce is nobody's business. */
#ifndef EXT4D_FS_CRYPTPOLICY_H
#define EXT4D_FS_CRYPTPOLICY_H

#include "format/fscrypt.h"
#include "fs/inode.h"

/*
 * The policy that inode is under. -EOPNOTSUPP without the encrypt feature, -ENODATA none, -EINVAL none that is
 * known; and what reading the attribute gives. Takes inode->lock.
 */
int cryptpolicy_get(struct inode *inode, struct fscrypt_context *ret) MUST_CHECK;

/*
 * Puts the empty directory dir under policy, whose nonce does not count (fscrypt_ioctl_set_policy()); one that
 * is under it already stays. needs_key: for version 2 the filesystem must have been given the key, else -ENOKEY.
 * -EOPNOTSUPP also for a casefolded directory, -EROFS, -EEXIST another policy, -ENOTDIR, -ENOTEMPTY, -ENOENT
 * removed, -EINVAL a policy that the kernel would not use, -EPERM the root, and the errors of xattr_set_in().
 */
int cryptpolicy_set(
	struct inode *dir, const struct fscrypt_context *policy, bool needs_key) MUST_CHECK;

#endif
