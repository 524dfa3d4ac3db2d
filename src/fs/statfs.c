// SPDX-License-Identifier: GPL-2.0-or-later
/* statfs(2) with the kernel's numbers: ext4_statfs() and ext4_calculate_overhead(). */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "fs/dir.h"
#include "fs/fs_i.h"
#include "fs/group.h"
#include "fs/inode.h"

/* Clusters the kernel keeps back for delayed allocation, ext4_calculate_resv_clusters(). */
#define RESV_SHARE 50
#define RESV_MAX 4096

/* Blocks of the group descriptors in a group: ext4_bg_num_gdb(). */
static uint32_t desc_blocks_in(const struct super *sb, uint32_t group)
{
	uint32_t per_block = sb->block_size / sb->desc_size;
	uint32_t metagroup = group / per_block;
	uint32_t in_meta = group % per_block;

	if (super_has_meta_bg(sb) && metagroup >= sb->first_meta_bg)
		return in_meta == 0 || in_meta == 1 || in_meta == per_block - 1;
	if (!group_has_super(sb, group))
		return 0;
	if (super_has_meta_bg(sb))
		return sb->first_meta_bg;
	return (uint32_t)(((uint64_t)sb->groups + per_block - 1) / per_block);
}

static uint64_t group_overhead(const struct super *sb, uint32_t group)
{
	uint64_t table = (uint64_t)sb->inodes_per_group * sb->inode_size;
	bool has_super = group_has_super(sb, group);

	return has_super + desc_blocks_in(sb, group) +
		(has_super ? sb->reserved_gdt_blocks : 0) +
		((table + sb->block_size - 1) >> sb->block_bits) + 2;
}

static uint64_t journal_blocks(struct fs *fs)
{
	struct dinode d;

	if (!super_has_journal(&fs->sb) || !fs->sb.journal_ino)
		return 0;
	if (dinode_load_special(fs, fs->sb.journal_ino, &d))
		return 0;
	return d.size >> fs->sb.block_bits;
}

/* In clusters. */
static uint64_t overhead(struct fs *fs)
{
	const struct super *sb = &fs->sb;
	uint64_t blocks = sb->first_data_block;

	if (super_has_bigalloc(sb) && sb->overhead_clusters &&
		sb->overhead_clusters <= sb->blocks)
		return sb->overhead_clusters;
	for (uint32_t group = 0; group < sb->groups; group++)
		blocks += group_overhead(sb, group);
	blocks += journal_blocks(fs);
	return (blocks + (1u << sb->cluster_bits) - 1) >> sb->cluster_bits;
}

/* 0 or -EINTR. */
static int sum_locked(struct fs *fs)
{
	uint64_t clusters = 0, inodes = 0;

	for (uint32_t group = 0; group < fs->sb.groups; group++) {
		struct gdesc gd;

		if (fs_interrupted(fs, group))
			return -EINTR;
		if (group_load(fs, group, &gd))
			continue; /* reported; the others still count */
		clusters += gd.free_clusters;
		inodes += gd.free_inodes;
	}
	fs->free_clusters = clusters;
	fs->free_inodes = inodes;
	fs->overhead = overhead(fs);
	fs->summed = true;
	return 0;
}

static uint64_t resv_blocks(const struct super *sb)
{
	uint64_t clusters = (sb->blocks >> sb->cluster_bits) / RESV_SHARE;

	if (!super_has_extents(sb))
		return 0;
	return (clusters < RESV_MAX ? clusters : RESV_MAX) << sb->cluster_bits;
}

static uint64_t sub_or_zero(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

int fs_statfs(struct fs *fs, struct statvfs *ret)
{
	const struct super *sb = &fs->sb;
	uint64_t used = 0;
	int err = 0;

	lock_take(&fs->sum_lock);
	if (!fs->summed)
		err = sum_locked(fs);
	lock_drop(&fs->sum_lock);
	if (err)
		return err;

	memset(ret, 0, sizeof(*ret));
	if (!fs->opts.minixdf)
		used = fs->overhead << sb->cluster_bits;
	ret->f_bsize = ret->f_frsize = sb->block_size;
	ret->f_blocks = sub_or_zero(sb->blocks, used);
	ret->f_bfree = fs->free_clusters << sb->cluster_bits;
	ret->f_bavail = sub_or_zero(ret->f_bfree, sb->reserved_blocks + resv_blocks(sb));
	ret->f_files = sb->inodes;
	ret->f_ffree = fs->free_inodes;
	ret->f_favail = fs->free_inodes;
	ret->f_namemax = DIR_NAME_MAX;
	return 0;
}
