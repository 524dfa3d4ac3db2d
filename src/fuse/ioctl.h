/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ioctls that read: inode flags, project, version, label, UUID, and ext4d's own. FUSE carries as many
 * bytes as an ioctl's number says, so each result has a fixed size.
 */
#ifndef EXT4D_FUSE_IOCTL_H
#define EXT4D_FUSE_IOCTL_H

#include <linux/fs.h>

#include "fs/inode.h"
#include "fuse/control.h"

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
};

/* Fills *ret and the bytes of it that count. -ENOTTY: not an ioctl of ours. */
int ioctl_run(struct inode *inode, unsigned cmd, union ioctl_result *ret, size_t *ret_len)
	MUST_CHECK;

#endif
