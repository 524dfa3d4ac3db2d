/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations on names: each finds its inodes, takes their locks, opens one handle and does the whole
 * change in one transaction. Permissions are the caller's (the kernel's) to check; what ext4 itself
 * refuses is refused here: immutable and append-only flags, link limits, project ids.
 * Sync and dirsync flags are honoured before the return.
 */
#ifndef EXT4D_FS_NAMEI_H
#define EXT4D_FS_NAMEI_H

#include "fs/dir.h"

/* Who makes something. */
struct cred {
	uint32_t uid, gid;
	uint16_t umask; /* applied where the directory has no default ACL */
};

/* dir_lookup() under dir's lock; -EPERM as cryptinode_may_show(). */
int namei_lookup(struct inode *dir, const char *name, size_t len, uint32_t *ret_ino) MUST_CHECK;

/*
 * Make an inode of mode (with its type; directories too) under name. *ret is held. -EEXIST, -ENOENT dir
 * is unlinked, -ENAMETOOLONG, -ENOSPC, -EDQUOT, -EMLINK, -EPERM, -EIO, -EUCLEAN, -EROFS, -ENOMEM.
 */
int namei_make(struct inode *dir, const char *name, size_t len, uint16_t mode, dev_t rdev,
	const struct cred *cred, struct inode **ret) MUST_CHECK;

/* target without its NUL; -ENAMETOOLONG where it does not fit a block. */
int namei_symlink(struct inode *dir, const char *name, size_t len, const char *target,
	size_t target_len, const struct cred *cred, struct inode **ret) MUST_CHECK;

/* O_TMPFILE: an inode without a name, an orphan until it is linked. */
int namei_tmpfile(struct inode *dir, uint16_t mode, const struct cred *cred, struct inode **ret)
	MUST_CHECK;

/* -EMLINK past 65000 links, -EXDEV another project, -EPERM a directory, -ENOENT unlinked. */
int namei_link(struct inode *inode, struct inode *dir, const char *name, size_t len) MUST_CHECK;

/*
 * *ret_ino: the inode that lost the name; if that was its last it is an orphan now, and orphan_free()
 * is due once nobody uses it.
 */
int namei_unlink(struct inode *dir, const char *name, size_t len, uint32_t *ret_ino) MUST_CHECK;
int namei_rmdir(struct inode *dir, const char *name, size_t len, uint32_t *ret_ino) MUST_CHECK;

/*
 * flags: RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT. *ret_ino: an inode that was replaced, as
 * for namei_unlink(), or 0.
 */
int namei_rename(struct inode *from, const char *name, size_t len, struct inode *to,
	const char *to_name, size_t to_len, unsigned flags, const struct cred *cred,
	uint32_t *ret_ino) MUST_CHECK;

#endif
