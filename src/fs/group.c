// SPDX-License-Identifier: GPL-2.0-or-later
/* Where descriptors lie and what they say; see group_bitmap.c for the bitmaps. */
#include "config.h"

#include "fs/group.h"

#include <errno.h>
#include <sys/random.h>

#include "format/bitmap.h"
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

uint32_t group_desc_blocks(const struct super *sb, uint32_t group)
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

uint32_t group_of_block(const struct super *sb, uint64_t pblk, uint32_t *ret_cluster)
{
	uint64_t off = pblk - sb->first_data_block;

	*ret_cluster = (uint32_t)(off % sb->blocks_per_group) >> sb->cluster_bits;
	return (uint32_t)(off / sb->blocks_per_group);
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

/* Holds the block with group's descriptor; *ret_off: where it is in there. */
static int desc_get(struct fs *fs, uint32_t group, struct buf **ret, size_t *ret_off)
{
	const struct super *sb = &fs->sb;
	uint32_t per_block = sb->block_size / sb->desc_size;
	uint64_t pblk = desc_block_location(sb, group / per_block);

	if (!super_block_range_valid(sb, pblk, 1))
		return fs_corrupt(fs, 0, -EUCLEAN, "no room for the descriptor of group %u", group);
	*ret_off = (size_t)(group % per_block) * sb->desc_size;
	return cache_get(fs->cache, pblk, ret);
}

int group_load(struct fs *fs, uint32_t group, struct gdesc *ret)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	size_t off;
	int err = desc_get(fs, group, &buf, &off);

	if (err)
		return err;
	/*
	 * The kernel too goes on with it when it mounts read-only: what it leads to has checksums of
	 * its own.
	 */
	if (!gdesc_csum_ok(&fs->sb, group, buf->data + off))
		fs_corrupt(fs, 0, -EBADMSG, "descriptor of group %u fails its checksum", group);
	gdesc_decode(&fs->sb, buf->data + off, ret);
	return 0;
}

/* ---- what is known of a group ---- */

static uint32_t table_blocks(const struct super *sb)
{
	uint64_t bytes = (uint64_t)sb->inodes_per_group * sb->inode_size;

	return (uint32_t)((bytes + sb->block_size - 1) >> sb->block_bits);
}

/* Blocks at the start of a group for the superblock and descriptors: ext4_num_base_meta_blocks(). */
static uint32_t base_blocks(const struct super *sb, uint32_t group)
{
	uint32_t per_block = sb->block_size / sb->desc_size;
	bool has_super = group_has_super(sb, group);
	uint32_t nr = has_super + group_desc_blocks(sb, group);

	if (has_super && (!super_has_meta_bg(sb) || group / per_block < sb->first_meta_bg))
		nr += sb->reserved_gdt_blocks;
	/* bigalloc with blocks of 1 KiB: block 0 precedes the superblock, and is in group 0 */
	if (group == 0 && sb->block_size == 1024 && sb->first_data_block == 0)
		nr++;
	return nr;
}

/* Without flex_bg a group's metadata lies in the group: ext4_check_descriptors(). */
static bool location_ok(const struct super *sb, const struct group *group, uint64_t pblk,
	uint64_t nr)
{
	uint32_t cluster;

	if (!super_block_range_valid(sb, pblk, nr))
		return false;
	return super_has_flex_bg(sb) || (group_of_block(sb, pblk, &cluster) == group->nr &&
		group_of_block(sb, pblk + nr - 1, &cluster) == group->nr);
}

static unsigned judge(const struct super *sb, const struct group *group, const uint8_t *raw)
{
	const struct gdesc *gd = &group->gd;
	unsigned bad = 0;

	if (!gdesc_csum_ok(sb, group->nr, raw) ||
		!location_ok(sb, group, gd->block_bitmap, 1) ||
		!location_ok(sb, group, gd->inode_bitmap, 1) ||
		!location_ok(sb, group, gd->inode_table, table_blocks(sb)))
		return GROUP_BLOCKS_BAD | GROUP_INODES_BAD;
	if (gd->free_clusters > group->clusters)
		bad |= GROUP_BLOCKS_BAD;
	if (gd->free_inodes > sb->inodes_per_group || gd->itable_unused > sb->inodes_per_group)
		bad |= GROUP_INODES_BAD;
	return bad;
}

static struct group *group_new(struct fs *fs, uint32_t nr, const uint8_t *raw)
{
	const struct super *sb = &fs->sb;
	struct group *group = calloc(1, sizeof(*group));
	uint64_t blocks;

	if (!group)
		return NULL;
	lock_init(&group->lock, LOCK_RANK_GROUP);
	group->nr = nr;
	group->first = sb->first_data_block + (uint64_t)nr * sb->blocks_per_group;
	blocks = sb->blocks - group->first;
	if (blocks > sb->blocks_per_group)
		blocks = sb->blocks_per_group;
	group->clusters = (uint32_t)(blocks >> sb->cluster_bits);
	gdesc_decode(sb, raw, &group->gd);
	group->table_ok = super_block_range_valid(sb, group->gd.inode_table, table_blocks(sb));
	group->bad = judge(sb, group, raw);
	if (!gdesc_csum_ok(sb, nr, raw))
		fs_corrupt(fs, 0, -EBADMSG, "descriptor of group %u fails its checksum", nr);
	else if (group->bad && group->table_ok) /* else who needs the table says what is wrong */
		fs_corrupt(fs, 0, -EUCLEAN, "descriptor of group %u is not possible", nr);
	group->free_clusters = group->bad & GROUP_BLOCKS_BAD ? 0 : group->gd.free_clusters;
	group->free_inodes = group->bad & GROUP_INODES_BAD ? 0 : group->gd.free_inodes;
	group->used_dirs = group->gd.used_dirs;
	return group;
}

static void group_free(struct group *group)
{
	if (!group)
		return;
	free(group->busy);
	lock_fini(&group->lock);
	free(group);
}

struct group *group_find(struct fs *fs, uint32_t nr)
{
	return atomic_load_explicit(&fs->groups->tab[nr], memory_order_acquire);
}

int group_get(struct fs *fs, uint32_t nr, struct group **ret)
{
	struct groups *groups = fs->groups;
	CLEANUP(cache_putp) struct buf *buf = NULL;
	struct group *group = group_find(fs, nr);
	size_t off;
	int err = 0;

	if (group) {
		*ret = group;
		return 0;
	}
	err = desc_get(fs, nr, &buf, &off);
	if (err)
		return err;
	/* under the lock, because who is faster may go on to change the descriptor */
	lock_take(&groups->create_lock);
	group = group_find(fs, nr);
	if (!group) {
		group = group_new(fs, nr, buf->data + off);
		if (group) {
			group_note_longest(fs, group, group->free_clusters);
			group_note_inodes(fs, group, group->free_inodes);
			groups->seen++;
			groups->dirs_seen += group->used_dirs;
			atomic_store_explicit(&groups->tab[nr], group, memory_order_release);
		}
	}
	lock_drop(&groups->create_lock);
	*ret = group;
	return group ? 0 : -ENOMEM;
}

int group_inode_table(struct fs *fs, uint32_t nr, uint64_t *ret)
{
	struct group *group;
	int err = group_get(fs, nr, &group);

	if (err)
		return err;
	if (!group->table_ok)
		return fs_corrupt(fs, 0, -EUCLEAN,
			"inode table of group %u at block %llu leaves the filesystem", nr,
			(unsigned long long)group->gd.inode_table);
	*ret = group->gd.inode_table;
	return 0;
}

static bool overlap(uint64_t a, uint64_t a_nr, uint64_t b, uint64_t b_nr)
{
	return a < b + b_nr && b < a + a_nr;
}

bool group_owns(const struct super *sb, const struct group *group, uint64_t pblk, uint64_t nr)
{
	/* its superblock and descriptors lie within it, and are dearer to find out about than that */
	return (overlap(pblk, nr, group->first, sb->blocks_per_group) &&
		       overlap(pblk, nr, group->first, base_blocks(sb, group->nr))) ||
		overlap(pblk, nr, group->gd.block_bitmap, 1) ||
		overlap(pblk, nr, group->gd.inode_bitmap, 1) ||
		overlap(pblk, nr, group->gd.inode_table, table_blocks(sb));
}

/* Marks the part of blocks [pblk, pblk + nr) that lies in group. */
static void mark(const struct super *sb, const struct group *group, uint8_t *map, uint64_t pblk,
	uint64_t nr)
{
	uint64_t end = group->first + ((uint64_t)group->clusters << sb->cluster_bits);
	uint64_t to = pblk + nr < end ? pblk + nr : end;
	uint32_t from_bit, to_bit;

	if (pblk < group->first)
		pblk = group->first;
	if (pblk >= to)
		return;
	from_bit = (uint32_t)((pblk - group->first) >> sb->cluster_bits);
	to_bit = (uint32_t)((to - 1 - group->first) >> sb->cluster_bits);
	bitmap_set(map, from_bit, to_bit - from_bit + 1);
}

void group_init_blocks(const struct super *sb, const struct group *group, uint8_t *map)
{
	memset(map, 0, sb->block_size);
	mark(sb, group, map, group->first, base_blocks(sb, group->nr));
	mark(sb, group, map, group->gd.block_bitmap, 1);
	mark(sb, group, map, group->gd.inode_bitmap, 1);
	mark(sb, group, map, group->gd.inode_table, table_blocks(sb));
	bitmap_set(map, group->clusters, sb->block_size * 8 - group->clusters);
}

int group_write_begin(struct handle *h, struct fs *fs, struct group *group,
	enum group_bitmap which, struct group_bufs *ret)
{
	struct group_bufs bufs = { 0 };
	size_t off;
	int err = group_bitmap_get(fs, group, which, &bufs.bitmap);

	if (!err)
		err = desc_get(fs, group->nr, &bufs.desc, &off);
	if (!err)
		err = journal_write(h, bufs.bitmap);
	if (!err)
		err = journal_write(h, bufs.desc);
	if (err)
		group_write_end(&bufs);
	else
		*ret = bufs;
	return err;
}

void group_write_end(struct group_bufs *bufs)
{
	cache_put(bufs->bitmap);
	cache_put(bufs->desc);
}

void group_store_locked(struct fs *fs, struct group *group, enum group_bitmap which,
	struct group_bufs *bufs)
{
	const struct super *sb = &fs->sb;
	uint32_t per_block = sb->block_size / sb->desc_size;
	struct gdesc *gd = &group->gd;

	if (super_has_metadata_csum(sb) && which == GROUP_BLOCKS)
		gd->block_bitmap_csum = bitmap_block_csum(sb, bufs->bitmap->data);
	if (super_has_metadata_csum(sb) && which == GROUP_INODES)
		gd->inode_bitmap_csum = bitmap_inode_csum(sb, bufs->bitmap->data);
	gdesc_encode(sb, group->nr, gd,
		bufs->desc->data + (size_t)(group->nr % per_block) * sb->desc_size);
	fs->groups->dirs_seen += (int64_t)gd->used_dirs - group->used_dirs;
	if (!(group->bad & GROUP_BLOCKS_BAD))
		group->free_clusters = gd->free_clusters;
	if (!(group->bad & GROUP_INODES_BAD))
		group->free_inodes = gd->free_inodes;
	group->used_dirs = gd->used_dirs;
	if (which == GROUP_INODES)
		group_note_inodes(fs, group, gd->free_inodes);
}

/* ---- all groups ---- */

int groups_new(struct fs *fs, struct groups **ret)
{
	struct groups *groups = calloc(1, sizeof(*groups));
	uint32_t seed;

	if (!groups)
		return -ENOMEM;
	lock_init(&groups->create_lock, LOCK_RANK_GROUP);
	lock_init(&groups->count_lock, LOCK_RANK_GROUP);
	lock_init(&groups->pending_lock, LOCK_RANK_LEAF);
	groups->lack_words = (fs->sb.groups + (size_t)63) / 64;
	/* pages of zeros until they are used */
	groups->tab = calloc(fs->sb.groups, sizeof(*groups->tab));
	groups->lacks = calloc(groups->lack_words * (GROUP_LEVELS + 1), sizeof(*groups->lacks));
	if (!groups->tab || !groups->lacks) {
		groups_free(fs, groups);
		return -ENOMEM;
	}
	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = (uint32_t)time(NULL);
	groups->generation = seed;
	*ret = groups;
	return 0;
}

void groups_free(struct fs *fs, struct groups *groups)
{
	if (!groups)
		return;
	for (uint32_t i = 0; groups->tab && i < fs->sb.groups; i++)
		group_free(groups->tab[i]);
	free(groups->tab);
	free(groups->lacks);
	lock_fini(&groups->create_lock);
	lock_fini(&groups->count_lock);
	lock_fini(&groups->pending_lock);
	free(groups);
}

static int sum_locked(struct fs *fs)
{
	int64_t clusters = 0, inodes = 0;

	for (uint32_t group = 0; group < fs->sb.groups; group++) {
		struct gdesc gd;

		if (fs_interrupted(fs, group))
			return -EINTR;
		if (group_load(fs, group, &gd))
			continue; /* reported; the others still count */
		clusters += gd.free_clusters;
		inodes += gd.free_inodes;
	}
	fs->groups->free_clusters = clusters;
	fs->groups->free_inodes = inodes;
	return 0;
}

int groups_count(struct fs *fs)
{
	struct groups *groups = fs->groups;
	int err = 0;

	if (groups->counted)
		return 0;
	lock_take(&groups->count_lock);
	/* a reader shows what the kernel would, who sums always; a writer goes on from what was left */
	if (!groups->counted && fs->opts.writable && fs->sb.clean && !fs->recovered) {
		groups->free_clusters = (int64_t)fs->sb.free_clusters;
		groups->free_inodes = fs->sb.free_inodes;
		groups->counted = true;
	} else if (!groups->counted) {
		err = sum_locked(fs);
		groups->counted = !err;
	}
	lock_drop(&groups->count_lock);
	return err;
}
