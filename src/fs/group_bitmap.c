// SPDX-License-Identifier: GPL-2.0-or-later
/* The bitmaps of a group: verified, and what is kept about them in memory. */
#include "config.h"

#include <assert.h>
#include <errno.h>

#include "format/bitmap.h"
#include "fs/fs_i.h"
#include "fs/group.h"

int group_damaged_locked(struct fs *fs, struct group *group, enum group_bitmap which, int err,
	const char *what)
{
	unsigned bad = which == GROUP_BLOCKS ? GROUP_BLOCKS_BAD : GROUP_INODES_BAD;

	if (group->bad & bad)
		return err;
	group->bad |= bad;
	if (which == GROUP_BLOCKS) {
		fs->groups->free_clusters -= group->gd.free_clusters;
		group->free_clusters = 0;
		group_note_longest(fs, group, 0);
	} else {
		fs->groups->free_inodes -= group->gd.free_inodes;
		group->free_inodes = 0;
		group_note_inodes(fs, group, false);
	}
	return fs_corrupt(fs, 0, err, "%s bitmap of group %u %s",
		which == GROUP_BLOCKS ? "block" : "inode", group->nr, what);
}

int group_bitmap_get(struct fs *fs, struct group *group, enum group_bitmap which, struct buf **ret)
{
	unsigned bad = which == GROUP_BLOCKS ? GROUP_BLOCKS_BAD : GROUP_INODES_BAD;
	uint64_t pblk = which == GROUP_BLOCKS ? group->gd.block_bitmap : group->gd.inode_bitmap;
	int err;

	if (group->bad & bad)
		return -EUCLEAN; /* reported before */
	err = cache_get(fs->cache, pblk, ret);
	if (err && err != -ENOMEM) {
		lock_take(&group->lock);
		group_damaged_locked(fs, group, which, -EUCLEAN, "cannot be read");
		lock_drop(&group->lock);
	}
	return err;
}

bool group_is_uninit_locked(const struct super *sb, const struct group *group,
	enum group_bitmap which)
{
	uint16_t flag = which == GROUP_BLOCKS ? EXT2_BG_BLOCK_UNINIT : EXT2_BG_INODE_UNINIT;

	return (super_has_metadata_csum(sb) || super_has_gdt_csum(sb)) && group->gd.flags & flag;
}

void group_enable_blocks_locked(struct fs *fs, struct group *group, struct buf *bitmap)
{
	group_init_blocks(&fs->sb, group, bitmap->data);
	group->gd.flags &= (uint16_t)~EXT2_BG_BLOCK_UNINIT;
	buf_set_proven(bitmap, BUF_KIND_BLOCK_BITMAP, group->nr);
}

static int verify_blocks(struct fs *fs, struct group *group, struct buf *buf)
{
	const struct super *sb = &fs->sb;
	CLEANUP(cleanup_free) uint8_t *own = NULL;

	if (super_has_metadata_csum(sb) &&
		bitmap_block_csum(sb, buf->data) != group->gd.block_bitmap_csum)
		return group_damaged_locked(fs, group, GROUP_BLOCKS, -EBADMSG,
			"fails its checksum");
	own = malloc(sb->block_size);
	if (!own)
		return -ENOMEM;
	group_init_blocks(sb, group, own);
	/* ext4_valid_block_bitmap() */
	if (!bitmap_contains(buf->data, own, group->clusters))
		return group_damaged_locked(fs, group, GROUP_BLOCKS, -EUCLEAN,
			"has the group's own metadata free");
	/* ext4_mb_generate_buddy() */
	if (bitmap_count_zero(buf->data, group->clusters) != group->gd.free_clusters)
		return group_damaged_locked(fs, group, GROUP_BLOCKS, -EUCLEAN,
			"does not have as many free blocks as the descriptor says");
	return 0;
}

static int verify_inodes(struct fs *fs, struct group *group, struct buf *buf)
{
	const struct super *sb = &fs->sb;

	if (super_has_metadata_csum(sb) &&
		bitmap_inode_csum(sb, buf->data) != group->gd.inode_bitmap_csum)
		return group_damaged_locked(fs, group, GROUP_INODES, -EBADMSG,
			"fails its checksum");
	/* so that a free inode that is promised is there */
	if (bitmap_count_zero(buf->data, sb->inodes_per_group) != group->gd.free_inodes)
		return group_damaged_locked(fs, group, GROUP_INODES, -EUCLEAN,
			"does not have as many free inodes as the descriptor says");
	return 0;
}

/* An uninitialised block bitmap has no checksum, but its free blocks are known. */
static int verify_uninit(struct fs *fs, struct group *group)
{
	CLEANUP(cleanup_free) uint8_t *own = NULL;

	if (group->busy)
		return 0; /* done before, and claims do not count */
	own = malloc(fs->sb.block_size);
	if (!own)
		return -ENOMEM;
	group_init_blocks(&fs->sb, group, own);
	if (bitmap_count_zero(own, group->clusters) == group->gd.free_clusters)
		return 0;
	return group_damaged_locked(fs, group, GROUP_BLOCKS, -EUCLEAN,
		"is not initialised, and the descriptor says something else");
}

int group_check_locked(struct fs *fs, struct group *group, enum group_bitmap which, struct buf *buf)
{
	enum buf_kind kind = which == GROUP_BLOCKS ? BUF_KIND_BLOCK_BITMAP : BUF_KIND_INODE_BITMAP;
	unsigned bad = which == GROUP_BLOCKS ? GROUP_BLOCKS_BAD : GROUP_INODES_BAD;
	int err;

	if (group->bad & bad)
		return -EUCLEAN;
	if (group_is_uninit_locked(&fs->sb, group, which))
		return which == GROUP_BLOCKS ? verify_uninit(fs, group) : 0;
	if (buf_proven(buf, kind, group->nr))
		return 0;
	if (which == GROUP_BLOCKS)
		err = verify_blocks(fs, group, buf);
	else
		err = verify_inodes(fs, group, buf);
	if (!err)
		buf_set_proven(buf, kind, group->nr);
	return err;
}

/* ---- blocks that are held ---- */

static bool make_busy(struct fs *fs, struct group *group, struct buf *bitmap)
{
	const struct super *sb = &fs->sb;

	if (group->busy)
		return true;
	group->busy = malloc(sb->block_size);
	if (!group->busy)
		return false;
	if (group_is_uninit_locked(sb, group, GROUP_BLOCKS))
		group_init_blocks(sb, group, group->busy);
	else
		memcpy(group->busy, bitmap->data, sb->block_size);
	return true;
}

/* Memory is not kept for groups in which nothing is held. */
static void drop_busy(struct group *group)
{
	if (group->held)
		return;
	free(group->busy);
	group->busy = NULL;
}

const uint8_t *group_busy_locked(struct fs *fs, struct group *group, struct buf *bitmap)
{
	if (group->busy)
		return group->busy;
	if (!group_is_uninit_locked(&fs->sb, group, GROUP_BLOCKS))
		return bitmap->data;
	return make_busy(fs, group, bitmap) ? group->busy : NULL;
}

int group_hold_locked(struct fs *fs, struct group *group, struct buf *bitmap, uint32_t start,
	uint32_t nr)
{
	if (!make_busy(fs, group, bitmap))
		return -ENOMEM;
	bitmap_set(group->busy, start, nr);
	group->held += nr;
	return 0;
}

void group_unhold_locked(struct fs *fs, struct group *group, uint32_t start, uint32_t nr,
	bool in_use)
{
	assert(group->busy && group->held >= nr);
	if (!in_use) {
		bitmap_clear(group->busy, start, nr);
		group_note_freed(fs, group);
	}
	group->held -= nr;
	drop_busy(group);
}

/* ---- which groups are worth a visit ---- */

static _Atomic uint64_t *lack_word(struct groups *groups, unsigned level, uint32_t group)
{
	return &groups->lacks[level * groups->lack_words + group / 64];
}

void group_note_longest(struct fs *fs, struct group *group, uint32_t nr)
{
	uint64_t bit = UINT64_C(1) << group->nr % 64;

	for (unsigned level = 0; level < GROUP_LEVELS; level++)
		if (nr >> level == 0)
			atomic_fetch_or_explicit(lack_word(fs->groups, level, group->nr), bit,
				memory_order_relaxed);
}

static void unset_lack(struct fs *fs, unsigned level, uint32_t group)
{
	_Atomic uint64_t *word = lack_word(fs->groups, level, group);
	uint64_t bit = UINT64_C(1) << group % 64;

	if (atomic_load_explicit(word, memory_order_relaxed) & bit)
		atomic_fetch_and_explicit(word, ~bit, memory_order_relaxed);
}

void group_note_freed(struct fs *fs, struct group *group)
{
	for (unsigned level = 0; level < GROUP_LEVELS && !(group->bad & GROUP_BLOCKS_BAD); level++)
		unset_lack(fs, level, group->nr);
}

void group_note_inodes(struct fs *fs, struct group *group, bool any)
{
	uint64_t bit = UINT64_C(1) << group->nr % 64;

	if (any)
		unset_lack(fs, GROUP_LEVEL_INODES, group->nr);
	else
		atomic_fetch_or_explicit(lack_word(fs->groups, GROUP_LEVEL_INODES, group->nr), bit,
			memory_order_relaxed);
}

uint32_t group_next_with(struct fs *fs, unsigned level, uint32_t from, uint32_t to)
{
	while (from < to) {
		uint64_t may = ~atomic_load_explicit(lack_word(fs->groups, level, from),
			memory_order_relaxed) >> from % 64;

		if (may) {
			from += (uint32_t)__builtin_ctzll(may);
			break;
		}
		from = (from / 64 + 1) * 64;
	}
	return from < to ? from : to;
}
