/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an inode uses: its block count, and with the quota feature the usage of its user, group and
 * project. Everybody who takes or gives back space says so here.
 */
#ifndef EXT4D_FS_USAGE_H
#define EXT4D_FS_USAGE_H

#include <stdint.h>

#include "fs/inode.h"

/*
 * Adds blocks (filesystem blocks, negative: gives back) to inode->d.blocks and to the usage of its
 * owners. The caller holds inode->lock for writing and goes on with inode_write(). -EFBIG where i_blocks
 * cannot count that far; errors of the quota files.
 */
int usage_add_blocks(struct handle *h, struct inode *inode, int64_t blocks) MUST_CHECK;

/* Counts an inode that was allocated (1) or freed (-1) for its owners. */
int usage_add_inode(struct handle *h, struct inode *inode, int delta) MUST_CHECK;

/* The inode's owners change to uid, gid, projid: moves all it uses; d is the caller's to change. */
int usage_transfer(struct handle *h, struct inode *inode, uint32_t uid, uint32_t gid, uint32_t projid)
	MUST_CHECK;

/* Credits for any one of these on fs; 0 without the quota feature. */
unsigned usage_credits(const struct fs *fs);

#endif
