// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fast commits say which blocks and inodes are in use, not that their bits are to be set: what
 * ext4_mb_mark_bb() and ext4_mark_inode_used() are for in the kernel. What is marked already stays so:
 * the allocation may have been part of a whole transaction.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "format/bitmap.h"
#include "fs/balloc.h"
#include "fs/fcr_i.h"
#include "fs/fs_i.h"
#include "fs/group.h"

/* ---- blocks ---- */

static int mark_run_locked(struct fs *fs, struct group *group, struct buf *bitmap, uint32_t start,
	uint32_t nr)
{
	int err = group_hold_locked(fs, group, bitmap, start, nr);

	if (err)
		return err;
	bitmap_set(bitmap->data, start, nr);
	group_unhold_locked(fs, group, start, nr, true);
	group->gd.free_clusters -= nr < group->gd.free_clusters ? nr : group->gd.free_clusters;
	fs->groups->free_clusters -= nr;
	return 0;
}

static int mark_clusters_locked(struct fs *fs, struct group *group, struct group_bufs *bufs,
	uint32_t start, uint32_t end)
{
	int err = group_check_locked(fs, group, GROUP_BLOCKS, bufs->bitmap);

	if (err)
		return err;
	if (group_is_uninit_locked(&fs->sb, group, GROUP_BLOCKS))
		group_enable_blocks_locked(fs, group, bufs->bitmap);
	while (!err && start < end) {
		uint32_t from = bitmap_next_zero(bufs->bitmap->data, start, end);

		start = bitmap_next_set(bufs->bitmap->data, from, end);
		if (start > from)
			err = mark_run_locked(fs, group, bufs->bitmap, from, start - from);
	}
	group_store_locked(fs, group, GROUP_BLOCKS, bufs);
	return err;
}

/* The clusters [start, end) of group; none: its bitmap is initialised, no more. */
static int mark_clusters(struct handle *h, struct fs *fs, struct group *group, uint32_t start,
	uint32_t end)
{
	struct group_bufs bufs;
	int err = 0;

	if (journal_credits(h) < BALLOC_CREDITS)
		err = journal_restart(h, FCR_CREDITS);
	if (!err)
		err = group_write_begin(h, fs, group, GROUP_BLOCKS, &bufs);
	if (err)
		return err;
	lock_take(&group->lock);
	err = mark_clusters_locked(fs, group, &bufs, start, end);
	lock_drop(&group->lock);
	group_write_end(&bufs);
	return err;
}

/* Blocks that lie in one group. */
static int mark_part(struct handle *h, struct fs *fs, uint64_t pblk, uint64_t blocks)
{
	struct group *group;
	uint32_t start, end, nr = group_of_block(&fs->sb, pblk, &start);
	int err = group_get(fs, nr, &group);

	(void)group_of_block(&fs->sb, pblk + blocks - 1, &end);
	return err ? err : mark_clusters(h, fs, group, start, end + 1);
}

int fcr_mark_blocks(struct handle *h, struct fs *fs, uint64_t pblk, uint64_t nr)
{
	const struct super *sb = &fs->sb;
	int err = 0;

	while (!err && nr) {
		uint64_t left = sb->blocks_per_group -
			(pblk - sb->first_data_block) % sb->blocks_per_group;
		uint64_t part = left < nr ? left : nr;

		err = mark_part(h, fs, pblk, part);
		pblk += part;
		nr -= part;
	}
	return err;
}

/* ---- inodes ---- */

static int mark_inode_locked(struct fs *fs, struct group *group, struct group_bufs *bufs,
	uint32_t bit, bool dir)
{
	uint32_t per_group = fs->sb.inodes_per_group;
	uint8_t *map = bufs->bitmap->data;
	int err = group_check_locked(fs, group, GROUP_INODES, bufs->bitmap);

	if (err)
		return err;
	if (group_is_uninit_locked(&fs->sb, group, GROUP_INODES)) {
		memset(map, 0, fs->sb.block_size);
		bitmap_set(map, per_group, fs->sb.block_size * 8 - per_group);
		group->gd.flags &= (uint16_t)~EXT2_BG_INODE_UNINIT;
		group->gd.itable_unused = per_group;
		buf_set_proven(bufs->bitmap, BUF_KIND_INODE_BITMAP, group->nr);
	}
	bitmap_set(map, bit, 1);
	if (group->gd.free_inodes)
		group->gd.free_inodes--;
	if (group->gd.itable_unused > per_group - bit - 1)
		group->gd.itable_unused = per_group - bit - 1;
	group->gd.used_dirs += dir;
	group_store_locked(fs, group, GROUP_INODES, bufs);
	fs->groups->free_inodes--;
	return 0;
}

int fcr_mark_inode(struct handle *h, struct fs *fs, uint32_t ino, bool dir)
{
	uint32_t nr = (ino - 1) / fs->sb.inodes_per_group, bit = (ino - 1) % fs->sb.inodes_per_group;
	struct group_bufs bufs;
	struct group *group;
	int err = group_get(fs, nr, &group);

	/* the block bitmap of a group whose inodes are used is initialised (__ext4_new_inode()) */
	if (!err)
		err = mark_clusters(h, fs, group, 0, 0);
	if (!err && journal_credits(h) < BALLOC_CREDITS)
		err = journal_restart(h, FCR_CREDITS);
	if (!err)
		err = group_write_begin(h, fs, group, GROUP_INODES, &bufs);
	if (err)
		return err;
	lock_take(&group->lock);
	err = mark_inode_locked(fs, group, &bufs, bit, dir);
	lock_drop(&group->lock);
	group_write_end(&bufs);
	return err;
}
