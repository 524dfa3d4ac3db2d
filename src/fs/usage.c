// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fs/usage.h"

#include <errno.h>

#include "fs/fs_i.h"

int usage_add_blocks(struct handle *h, struct inode *inode, int64_t blocks)
{
	unsigned shift = inode->fs->sb.block_bits - 9;
	uint64_t sectors;

	(void)h;
	if (blocks < 0) {
		/* a damaged count must not wrap */
		sectors = (uint64_t)-blocks << shift;
		inode->d.blocks -= sectors < inode->d.blocks ? sectors : inode->d.blocks;
		return 0;
	}
	sectors = (uint64_t)blocks << shift;
	if (!super_has_huge_file(&inode->fs->sb) && inode->d.blocks + sectors > UINT32_MAX)
		return -EFBIG;
	inode->d.blocks += sectors;
	return 0;
}

int usage_add_inode(struct handle *h, struct inode *inode, int delta)
{
	(void)h;
	(void)inode;
	(void)delta;
	return 0;
}

int usage_transfer(struct handle *h, struct inode *inode, uint32_t uid, uint32_t gid, uint32_t projid)
{
	(void)h;
	(void)inode;
	(void)uid;
	(void)gid;
	(void)projid;
	return 0;
}

unsigned usage_credits(const struct fs *fs)
{
	(void)fs;
	return 0;
}
