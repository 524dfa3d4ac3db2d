/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attributes of inodes: what stat(2) shows, chmod(2), chown(2), utimensat(2), truncate(2), chattr(1). */
#ifndef EXT4D_FS_ATTR_H
#define EXT4D_FS_ATTR_H

#include "fs/inode.h"

enum attr_what {
	ATTR_MODE = 1,
	ATTR_UID = 2,
	ATTR_GID = 4,
	ATTR_SIZE = 8,
	ATTR_ATIME = 16,
	ATTR_MTIME = 32,
	ATTR_CTIME = 64,
	ATTR_KILL_SUIDGID = 128, /* clear S_ISUID, and S_ISGID of what a group may execute */
	ATTR_KILL_SGID = 256, /* clear S_ISGID whoever may execute */
	ATTR_TOUCH = 512, /* atime and mtime are both the present time, and nobody chose them */
};

struct attr_change {
	unsigned what; /* enum attr_what */
	uint16_t mode; /* permissions only */
	uint32_t uid, gid;
	uint64_t size; /* bytes */
	struct timespec atime, mtime, ctime;
};

/*
 * Makes the changes, in one transaction but for the freeing of blocks. ctime moves to now unless it is
 * given. An access ACL follows the mode. -EPERM immutable or append-only, -EFBIG, -ENOSPC, -EDQUOT,
 * -EIO, -EROFS, -ENOMEM. Locks inode. *ret: the attributes afterwards. A new ctime alone of an inode without
 * a name is dropped.
 */
int attr_set(struct inode *inode, const struct attr_change *change, struct dinode *ret) MUST_CHECK;

/*
 * FS_IOC_SETFLAGS: makes the user-modifiable ones of d.flags what flags says, as ext4_ioctl_setflags()
 * does (extents to indirect maps and back is -EOPNOTSUPP). privileged: may change immutable and append.
 */
int attr_set_flags(struct inode *inode, uint32_t flags, bool privileged) MUST_CHECK;

/* FS_IOC_FSSETXATTR's project. -EOPNOTSUPP without the feature. */
int attr_set_project(struct inode *inode, uint32_t projid) MUST_CHECK;

/* FS_IOC_SETVERSION. -ENOTTY with metadata_csum, as the kernel. */
int attr_set_generation(struct inode *inode, uint32_t generation) MUST_CHECK;

#endif
