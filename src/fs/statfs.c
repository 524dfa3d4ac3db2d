// SPDX-License-Identifier: GPL-2.0-or-later
/* statfs(2) with the kernel's numbers: ext4_statfs() and ext4_calculate_overhead(). */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "fs/balloc.h"
#include "fs/dir.h"
#include "fs/fs_i.h"
#include "fs/group.h"
#include "fs/ialloc.h"
#include "fs/inode.h"

/* Clusters the kernel keeps back for delayed allocation, ext4_calculate_resv_clusters(). */
#define RESV_SHARE 50
#define RESV_MAX 4096

static uint64_t group_overhead(const struct super *sb, uint32_t group)
{
	uint64_t table = (uint64_t)sb->inodes_per_group * sb->inode_size;
	bool has_super = group_has_super(sb, group);

	return has_super + group_desc_blocks(sb, group) +
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
	int err;

	err = groups_count(fs);
	if (err)
		return err;
	lock_take(&fs->sum_lock);
	if (!fs->summed)
		fs->overhead = overhead(fs);
	fs->summed = true;
	lock_drop(&fs->sum_lock);

	memset(ret, 0, sizeof(*ret));
	if (!fs->opts.minixdf)
		used = fs->overhead << sb->cluster_bits;
	ret->f_bsize = ret->f_frsize = sb->block_size;
	ret->f_blocks = sub_or_zero(sb->blocks, used);
	ret->f_bfree = balloc_free_clusters(fs) << sb->cluster_bits;
	ret->f_bavail = sub_or_zero(ret->f_bfree, sb->reserved_blocks + resv_blocks(sb));
	ret->f_files = sb->inodes;
	ret->f_ffree = ialloc_free_inodes(fs);
	ret->f_favail = ret->f_ffree;
	ret->f_namemax = DIR_NAME_MAX;
	return 0;
}
