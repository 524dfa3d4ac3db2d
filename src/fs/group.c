// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fs/group.h"

#include <errno.h>

#include "fs/fs_i.h"

static bool is_power_of(uint32_t n, uint32_t base)
{
	while (n % base == 0)
		n /= base;
	return n == 1;
}

bool group_has_super(const struct super *sb, uint32_t group)
{
	if (group == 0)
		return true;
	if (super_has_sparse_super2(sb))
		return group == sb->backup_bgs[0] || group == sb->backup_bgs[1];
	if (group == 1 || !super_has_sparse_super(sb))
		return true;
	return group % 2 && (is_power_of(group, 3) || is_power_of(group, 5) ||
				    is_power_of(group, 7));
}

/*
 * The block of the primary copy of descriptor block nr: in a row behind the superblock, or from
 * s_first_meta_bg on in the first group of each meta group (descriptor_loc() in the kernel).
 */
static uint64_t desc_block_location(const struct super *sb, uint64_t nr)
{
	uint64_t group = nr * (sb->block_size / sb->desc_size);
	uint64_t first_block;

	if (!super_has_meta_bg(sb) || nr < sb->first_meta_bg) {
		/* blocks of 1 KiB with bigalloc: the superblock is in block 1, not at the start */
		uint64_t sb_block = sb->block_size == 1024 ? 1 : 0;

		return sb_block + 1 + nr;
	}
	first_block = sb->first_data_block + group * sb->blocks_per_group;
	if (sb->block_size == 1024 && sb->first_data_block == 0 && nr == 0)
		first_block++;
	return first_block + group_has_super(sb, (uint32_t)group);
}

int group_load(struct fs *fs, uint32_t group, struct gdesc *ret)
{
	const struct super *sb = &fs->sb;
	uint32_t per_block = sb->block_size / sb->desc_size;
	uint64_t pblk = desc_block_location(sb, group / per_block);
	CLEANUP(cache_putp) struct buf *buf = NULL;
	const uint8_t *raw;
	int err;

	if (!super_block_range_valid(sb, pblk, 1))
		return fs_corrupt(fs, 0, -EUCLEAN, "no room for the descriptor of group %u", group);
	err = cache_get(fs->cache, pblk, &buf);
	if (err)
		return err;
	raw = buf->data + (size_t)(group % per_block) * sb->desc_size;
	/*
	 * The kernel too goes on with it when it mounts read-only: what it leads to has checksums of
	 * its own.
	 */
	if (!gdesc_csum_ok(sb, group, raw))
		fs_corrupt(fs, 0, -EBADMSG, "descriptor of group %u fails its checksum", group);
	gdesc_decode(sb, raw, ret);
	return 0;
}

int group_inode_table(struct fs *fs, uint32_t group, uint64_t *ret)
{
	const struct super *sb = &fs->sb;
	uint64_t table = atomic_load_explicit(&fs->inode_tables[group], memory_order_relaxed);
	uint64_t bytes = (uint64_t)sb->inodes_per_group * sb->inode_size;
	struct gdesc gd;
	int err;

	if (!table) {
		err = group_load(fs, group, &gd);
		if (err)
			return err;
		table = gd.inode_table;
		if (!super_block_range_valid(sb, table, (bytes + sb->block_size - 1) >> sb->block_bits))
			return fs_corrupt(fs, 0, -EUCLEAN,
				"inode table of group %u at block %llu leaves the filesystem", group,
				(unsigned long long)table);
		atomic_store_explicit(&fs->inode_tables[group], table, memory_order_relaxed);
	}
	*ret = table;
	return 0;
}
