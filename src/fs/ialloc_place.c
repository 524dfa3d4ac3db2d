// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * In which group a new inode goes: find_group_orlov() and find_group_other() of the kernel. Unlike there
 * the numbers of a group are read when they are first asked for, so that a search goes through a
 * bounded part of a large filesystem before it takes what it has seen.
 */
#include "config.h"

#include <errno.h>
#include <ext2fs/ext2fs.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "fs/fs_i.h"
#include "fs/group.h"
#include "fs/ialloc_i.h"

/* So many flex groups (groups without flex_bg) are compared for a new directory. */
#define ORLOV_TRIES 64

struct stats {
	uint64_t free_inodes, free_clusters, dirs;
};

/* What Orlov's allocator goes by: whole flex groups, or groups where there are none. */
struct orlov {
	struct fs *fs;
	uint32_t units;	      /* how many there are */
	uint32_t parent;      /* the parent's */
	struct stats average;
};

/* The groups of a unit. */
static uint32_t unit_end(const struct super *sb, uint32_t unit)
{
	uint64_t end = ((uint64_t)unit + 1) << sb->flex_bits;

	return end < sb->groups ? (uint32_t)end : sb->groups;
}

static int get_stats(struct fs *fs, uint32_t unit, struct stats *ret)
{
	uint32_t end = unit_end(&fs->sb, unit);

	*ret = (struct stats){ 0 };
	for (uint32_t nr = unit << fs->sb.flex_bits; nr < end; nr++) {
		struct group *group;
		int err = group_get(fs, nr, &group);

		if (err == -ENOMEM)
			return err;
		if (err)
			continue; /* reported: not a place for anything */
		ret->free_inodes += group->free_inodes;
		ret->free_clusters += group->free_clusters;
		ret->dirs += group->used_dirs;
	}
	return 0;
}

int ialloc_next_group(struct fs *fs, uint32_t from, uint32_t min, unsigned tries, uint32_t *ret)
{
	uint32_t at = from, end = fs->sb.groups;
	unsigned seen = 0;

	for (;;) {
		struct group *group;
		int err;

		at = group_next_with(fs, GROUP_LEVEL_INODES, at, end);
		if (at >= end && end == from)
			return -ENOSPC;
		if (at >= end) {
			at = 0;
			end = from;
			continue;
		}
		err = group_get(fs, at, &group);
		if (err == -ENOMEM)
			return err;
		if (!err && group->free_inodes >= min) {
			*ret = at;
			return 0;
		}
		if (!err && group->free_inodes && ++seen == tries)
			return -ENOSPC;
		at++;
	}
}

static uint64_t positive(int64_t n)
{
	return n > 0 ? (uint64_t)n : 0;
}

static void orlov_init(struct fs *fs, uint32_t parent_group, struct orlov *ret)
{
	struct groups *groups = fs->groups;
	uint32_t seen = groups->seen;

	ret->fs = fs;
	ret->parent = parent_group >> fs->sb.flex_bits;
	ret->units = (uint32_t)(((uint64_t)fs->sb.groups + (UINT64_C(1) << fs->sb.flex_bits) - 1) >>
		fs->sb.flex_bits);
	ret->average = (struct stats){
		.free_inodes = positive(groups->free_inodes) / ret->units,
		.free_clusters = positive(groups->free_clusters) / ret->units,
		/* directories are counted nowhere: as many as in the groups known so far */
		.dirs = seen ? positive(groups->dirs_seen) * fs->sb.groups / seen / ret->units : 0,
	};
}

/* Inodes are packed at the beginning of a flex group. */
static int first_in_unit(struct orlov *orlov, uint32_t unit, uint32_t *ret)
{
	uint32_t end = unit_end(&orlov->fs->sb, unit);
	uint32_t from = unit << orlov->fs->sb.flex_bits;

	for (; from < end; from++) {
		struct group *group;

		if (!group_get(orlov->fs, from, &group) && group->free_inodes) {
			*ret = from;
			return 0;
		}
	}
	return -ENOSPC;
}

/* Where names begin to be spread. */
static uint32_t hash_of(const struct ialloc_want *want)
{
	struct fs *fs = want->dir->fs;
	uint32_t hash = 0, minor;

	if (!want->name || ext2fs_dirhash(EXT2_HASH_HALF_MD4, want->name, (int)want->name_len,
				   fs->sb.hash_seed, &hash, &minor))
		if (getrandom(&hash, sizeof(hash), GRND_NONBLOCK) != sizeof(hash))
			hash = fs->groups->generation * 2654435761u;
	return hash;
}

/* A directory below the root or a top directory: far from the others. */
static int spread(struct orlov *orlov, const struct ialloc_want *want, uint32_t *ret)
{
	uint64_t best_dirs = orlov->fs->sb.inodes_per_group;
	uint32_t best = 0, from = hash_of(want) % orlov->units;
	bool found = false;

	for (uint32_t i = 0; i < orlov->units && i < ORLOV_TRIES; i++) {
		uint32_t unit = (uint32_t)(((uint64_t)from + i) % orlov->units);
		struct stats stats;
		int err = get_stats(orlov->fs, unit, &stats);

		if (err)
			return err;
		if (!stats.free_inodes || stats.dirs >= best_dirs ||
			stats.free_inodes < orlov->average.free_inodes ||
			stats.free_clusters < orlov->average.free_clusters)
			continue;
		best = unit;
		best_dirs = stats.dirs;
		found = true;
	}
	return found ? first_in_unit(orlov, best, ret) : -ENOSPC;
}

/* Any other directory: near its parent, unless that is much fuller than the average. */
static int near_parent(struct orlov *orlov, const struct inode *dir, uint32_t *ret)
{
	const struct super *sb = &orlov->fs->sb;
	uint64_t in_unit = (uint64_t)sb->inodes_per_group << sb->flex_bits;
	uint64_t max_dirs = orlov->average.dirs + in_unit / 16;
	int64_t min_inodes = (int64_t)(orlov->average.free_inodes - in_unit / 4);
	int64_t min_clusters = (int64_t)(orlov->average.free_clusters -
		((uint64_t)sb->clusters_per_group << sb->flex_bits) / 4);
	uint32_t from = orlov->parent;

	if (min_inodes < 1)
		min_inodes = 1;
	if (dir->alloc_group)
		from = (dir->alloc_group - 1) >> sb->flex_bits;
	for (uint32_t i = 0; i < orlov->units && i < ORLOV_TRIES; i++) {
		uint32_t unit = (uint32_t)(((uint64_t)from + i) % orlov->units);
		struct stats stats;
		int err = get_stats(orlov->fs, unit, &stats);

		if (err)
			return err;
		if (stats.dirs < max_dirs && (int64_t)stats.free_inodes >= min_inodes &&
			(int64_t)stats.free_clusters >= min_clusters)
			return first_in_unit(orlov, unit, ret);
	}
	return -ENOSPC;
}

static int place_dir(const struct ialloc_want *want, uint32_t parent_group, bool top, uint32_t *ret)
{
	struct fs *fs = want->dir->fs;
	uint64_t average = positive(fs->groups->free_inodes) / fs->sb.groups;
	struct orlov orlov;
	int err;

	orlov_init(fs, parent_group, &orlov);
	if (top)
		err = spread(&orlov, want, ret);
	else
		err = near_parent(&orlov, want->dir, ret);
	if (err == -ENOSPC && average)
		err = ialloc_next_group(fs, parent_group, (uint32_t)average, ORLOV_TRIES, ret);
	if (err == -ENOSPC)
		err = ialloc_next_group(fs, parent_group, 1, 0, ret);
	return err;
}

static bool has_inode(struct fs *fs, uint32_t nr, bool and_blocks)
{
	struct group *group;

	return !group_get(fs, nr, &group) && group->free_inodes &&
		(!and_blocks || group->free_clusters);
}

/* The parent's flex group, the one used last for it, any other. */
static int place_file_flex(const struct ialloc_want *want, uint32_t parent_group, uint32_t *ret)
{
	struct fs *fs = want->dir->fs;
	uint32_t tries[2] = { parent_group, parent_group };

	if (want->dir->alloc_group)
		tries[1] = want->dir->alloc_group - 1;
	for (int i = 0; i < 2; i++) {
		uint32_t unit = tries[i] >> fs->sb.flex_bits;
		uint32_t end = unit_end(&fs->sb, unit);

		for (uint32_t nr = unit << fs->sb.flex_bits; nr < end; nr++)
			if (has_inode(fs, nr, false)) {
				*ret = nr;
				return 0;
			}
	}
	return place_dir(want, parent_group, false, ret);
}

/*
 * The parent's group, others at growing distances from where its number leads (so that files of one
 * directory stay together, and apart from those of another in the same group), any.
 */
static int place_file(const struct ialloc_want *want, uint32_t parent_group, uint32_t *ret)
{
	struct fs *fs = want->dir->fs;
	uint64_t nr = parent_group, groups = fs->sb.groups;

	if (has_inode(fs, parent_group, true)) {
		*ret = parent_group;
		return 0;
	}
	nr = (nr + want->dir->ino) % groups;
	for (uint64_t step = 1; step < groups; step <<= 1) {
		nr = (nr + step) % groups;
		if (has_inode(fs, (uint32_t)nr, true)) {
			*ret = (uint32_t)nr;
			return 0;
		}
	}
	return ialloc_next_group(fs, (uint32_t)((parent_group + UINT64_C(1)) % groups), 1, 0, ret);
}

int ialloc_place(const struct ialloc_want *want, uint32_t *ret)
{
	const struct inode *dir = want->dir;
	const struct super *sb = &dir->fs->sb;
	uint32_t parent_group = (dir->ino - 1) / sb->inodes_per_group;

	if (S_ISDIR(want->mode))
		return place_dir(want, parent_group,
			dir->ino == EXT2_ROOT_INO || dir->d.flags & EXT2_TOPDIR_FL, ret);
	if (sb->flex_bits)
		return place_file_flex(want, parent_group, ret);
	return place_file(want, parent_group, ret);
}
