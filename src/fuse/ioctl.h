/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ioctls: inode flags, project, version, label, UUID, trimming, and ext4d's own. FUSE carries as many
 * bytes as an ioctl's number says, so each argument and result has a fixed size.
 */
#ifndef EXT4D_FUSE_IOCTL_H
#define EXT4D_FUSE_IOCTL_H

#include <linux/fs.h>
#include <linux/fscrypt.h>

#include "fs/inode.h"
#include "fuse/caller.h"
#include "fuse/control.h"
#include "fuse/ext4d_ioctl.h"

#define IOCTL_LABEL_MAX 256 /* FSLABEL_MAX */

struct ioctl_uuid {
	uint8_t len;
	uint8_t uuid[16];
};

union ioctl_result {
	uint32_t word;
	struct fsxattr fsx;
	char label[IOCTL_LABEL_MAX];
	struct ioctl_uuid uuid;
	struct ext4d_server server;
	struct fstrim_range trim;
	struct ext4d_add_key key;
	struct fscrypt_add_key_arg kernel_key;
	struct ext4d_policy policy;
};

/* Who calls, and with what. */
struct ioctl_call {
	unsigned cmd;
	const void *in; /* in_len bytes that the caller gave */
	size_t in_len;
	struct caller caller;
	bool writable; /* the mount is */
};

/*
 * Fills *ret and the bytes of it that count. -ENOTTY: not an ioctl of ours; -EPERM, -EINVAL, -EROFS, and
 * what the operations return. For immutable and append-only, and for projects, the kernel has checked who
 * calls (vfs_fileattr_set()); the others are checked here.
 */
int ioctl_run(struct inode *inode, const struct ioctl_call *call, union ioctl_result *ret,
	size_t *ret_len) MUST_CHECK;

#endif
