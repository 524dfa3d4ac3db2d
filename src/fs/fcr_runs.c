// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Maps of files whose ranges fast commits changed. While tags come in, their ranges are only
 * noted; in the end they are laid over each other, a later one over an earlier one, and all of
 * them over the map on disk. Pairs of neighbours are joined until one list is left, so the order
 * of the tags does not matter for the time it takes.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "format/le.h"
#include "fs/fcr_i.h"
#include "fs/fs_i.h"
#include "fs/icache.h"

/* Extents that fit i_block, and bytes of a node's header and of an extent. */
#define ROOT_EXTENTS 4
#define NODE_HDR_SIZE 12
#define EXTENT_SIZE 12

/* The longest extents (EXT_INIT_MAX_LEN, EXT_UNWRITTEN_MAX_LEN), in blocks. */
#define MAX_DATA_EXTENT 32768
#define MAX_UNWRITTEN_EXTENT 32767

/* Memory a range takes until it is sorted in, about. */
#define OP_COST (5 * sizeof(struct run))

static void runs_fini(struct fcr_runs *runs)
{
	free(runs->v);
	*runs = (struct fcr_runs){ 0 };
}

static bool continues(const struct run *a, const struct run *b)
{
	return a->kind == b->kind && a->lblk + a->nr == b->lblk &&
		(a->kind == RUN_HOLE || a->pblk + a->nr == b->pblk);
}

/* Appends a run, joined to the last one where it continues it. */
static int runs_append(struct fcr_runs *runs, const struct run *run)
{
	struct run *grown;

	if (!run->nr)
		return 0;
	if (runs->nr && continues(&runs->v[runs->nr - 1], run)) {
		runs->v[runs->nr - 1].nr += run->nr;
		return 0;
	}
	if (runs->nr == runs->room) {
		size_t room = runs->room ? runs->room * 2 : 4;

		grown = reallocarray(runs->v, room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		runs->v = grown;
		runs->room = room;
	}
	runs->v[runs->nr++] = *run;
	return 0;
}

/* Appends the part of run in [from, to). */
static int append_part(struct fcr_runs *runs, const struct run *run, uint64_t from, uint64_t to)
{
	struct run part = *run;

	if (from < part.lblk)
		from = part.lblk;
	if (to > part.lblk + part.nr)
		to = part.lblk + part.nr;
	if (from >= to)
		return 0;
	if (part.kind != RUN_HOLE)
		part.pblk += from - part.lblk;
	part.lblk = from;
	part.nr = to - from;
	return runs_append(runs, &part);
}

/* Makes *ret, empty so far, of upper laid over lower; both are sorted and disjoint. */
static int lay_over(const struct fcr_runs *lower, const struct fcr_runs *upper,
	struct fcr_runs *ret)
{
	uint64_t from = 0; /* file blocks before it are done */
	size_t lo = 0;
	int err = 0;

	for (size_t up = 0; !err && up <= upper->nr; up++) {
		const struct run *run = up < upper->nr ? &upper->v[up] : NULL;
		uint64_t to = run ? run->lblk : UINT64_MAX;

		while (!err && lo < lower->nr && lower->v[lo].lblk < to) {
			err = append_part(ret, &lower->v[lo], from, to);
			if (lower->v[lo].lblk + lower->v[lo].nr > to)
				break;
			lo++;
		}
		if (!err && run) {
			err = runs_append(ret, run);
			from = run->lblk + run->nr;
		}
	}
	return err;
}

/* Lays lists[1] over lists[0], lists[3] over lists[2] and so on; the results move together. */
static int join_pairs(struct fcr_runs *lists, size_t nr)
{
	int err = 0;

	for (size_t i = 0; !err && i < nr; i += 2) {
		struct fcr_runs joined = { 0 };

		if (i + 1 < nr) {
			err = lay_over(&lists[i], &lists[i + 1], &joined);
			runs_fini(&lists[i]);
			runs_fini(&lists[i + 1]);
		} else {
			joined = lists[i];
			lists[i] = (struct fcr_runs){ 0 };
		}
		lists[i / 2] = joined;
	}
	return err;
}

/* Turns ranges in the order of their tags, at least one, into a list that is sorted. */
static int sort_out(const struct fcr_runs *ops, struct fcr_runs *ret)
{
	struct fcr_runs *lists = calloc(ops->nr, sizeof(*lists));
	int err = lists ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < ops->nr; i++)
		err = runs_append(&lists[i], &ops->v[i]);
	for (size_t nr = ops->nr; !err && nr > 1; nr = (nr + 1) / 2)
		err = join_pairs(lists, nr);
	if (!err)
		*ret = lists[0];
	for (size_t i = err ? 0 : 1; lists && i < ops->nr; i++)
		runs_fini(&lists[i]);
	free(lists);
	return err;
}

int fcr_runs_add(struct fcr *fcr, struct fcr_inode *fi, const struct run *run)
{
	const struct super *sb = &fcr->fs->sb;
	int err;

	/* the kernel's maps end at EXT_MAX_BLOCKS, one block earlier; deleting may go to the end */
	if (run->kind != RUN_HOLE && (run->lblk + run->nr > UINT32_MAX ||
		!super_block_range_valid(sb, run->pblk, run->nr)))
		return fs_corrupt(fcr->fs, fi->ino, -EUCLEAN,
			"a fast commit maps %llu blocks at file block %llu to block %llu",
			(unsigned long long)run->nr, (unsigned long long)run->lblk,
			(unsigned long long)run->pblk);
	err = fcr_charge(fcr, OP_COST);
	return err ? err : runs_append(&fi->ops, run);
}

/* ---- the map on disk ---- */

bool fcr_maps_blocks(const struct super *sb, const struct dinode *d)
{
	if (d->flags & EXT4_INLINE_DATA_FL)
		return false;
	return S_ISREG(d->mode) || S_ISDIR(d->mode) ||
		(S_ISLNK(d->mode) && !dinode_is_fast_symlink(sb, d));
}

static void disk_inode_fini(struct inode *inode)
{
	if (!inode->fs)
		return;
	icache_account_runs(inode->fs, -(ptrdiff_t)extmap_count(&inode->map));
	extmap_fini(&inode->map);
}

/* Like an inode of the cache, but as it lies on disk; *ret_usable: it has a map. */
static int disk_inode_init(struct fcr *fcr, uint32_t ino, struct inode *inode, bool *ret_usable)
{
	int err = fcr_tags_disk_inode(fcr, ino, &inode->d, ret_usable);

	if (err)
		return err;
	*ret_usable = *ret_usable && fcr_maps_blocks(&fcr->fs->sb, &inode->d);
	if (!*ret_usable)
		return 0;
	inode->fs = fcr->fs;
	inode->ino = ino;
	inode->csum_seed = dinode_csum_seed(&fcr->fs->sb, ino, inode->d.generation);
	extmap_init(&inode->map);
	return 0;
}

int fcr_runs_disk_has_first(struct fcr *fcr, struct fcr_inode *fi, bool *ret)
{
	CLEANUP(disk_inode_fini) struct inode inode = { 0 };
	struct run run;
	int err = disk_inode_init(fcr, fi->ino, &inode, ret);

	if (err || !*ret)
		return err;
	err = map_lookup(&inode, 0, &run);
	*ret = !err && run.kind == RUN_DATA;
	return err == -ENOMEM ? err : 0;
}

/* Reads the whole map. -EUCLEAN, -EBADMSG, -EIO, -ENOMEM. */
static int read_map(struct fcr *fcr, struct inode *inode, struct fcr_runs *ret)
{
	struct run run = { 0 };
	int err = 0;

	for (uint64_t lblk = 0; !err && lblk <= UINT32_MAX; lblk = run.lblk + run.nr) {
		if (fcr->runs_read++ == FCR_MAX_RUNS)
			return fs_corrupt(fcr->fs, inode->ino, -ENOMEM,
				"too many extents to replay fast commits over");
		err = map_lookup(inode, lblk, &run);
		if (!err && run.kind != RUN_HOLE)
			err = runs_append(ret, &run);
	}
	return err;
}

/* ---- counting ---- */

static uint64_t count_blocks(const struct fcr_runs *map)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < map->nr; i++)
		sum += map->v[i].nr;
	return sum;
}

static uint64_t count_extents(const struct fcr_runs *map)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < map->nr; i++) {
		uint64_t max = map->v[i].kind == RUN_DATA ? MAX_DATA_EXTENT : MAX_UNWRITTEN_EXTENT;

		sum += (map->v[i].nr + max - 1) / max;
	}
	return sum;
}

/* Blocks of the tree on disk whose data blocks are nr_data, by what i_blocks says. */
static uint64_t disk_tree_blocks(const struct super *sb, const struct dinode *d, uint64_t nr_data)
{
	uint64_t counted = d->blocks >> (sb->block_bits - 9);
	uint64_t known = nr_data + (d->file_acl ? 1 : 0);

	/* with clusters, it does not say */
	return sb->cluster_bits || counted < known ? 0 : counted - known;
}

/* Blocks of a tree of so many extents that grew at its end: its nodes are full. */
static uint64_t tree_blocks(const struct super *sb, uint64_t extents)
{
	uint64_t per_node = (sb->block_size - NODE_HDR_SIZE) / EXTENT_SIZE;
	uint64_t sum = 0;

	for (uint64_t nr = extents; nr > ROOT_EXTENTS;) {
		nr = (nr + per_node - 1) / per_node;
		sum += nr;
	}
	return sum;
}

static void set_blocks(struct fcr *fcr, struct fcr_inode *fi, uint64_t blocks)
{
	uint64_t sectors = blocks << (fcr->fs->sb.block_bits - 9);
	uint32_t flags = le32_get(fi->raw + FCR_INO_FLAGS);

	le32_put(fi->raw + FCR_INO_BLOCKS, (uint32_t)sectors);
	le16_put(fi->raw + FCR_INO_BLOCKS_HI, (uint16_t)(sectors >> 32));
	le32_put(fi->raw + FCR_INO_FLAGS, flags & ~(uint32_t)EXT4_HUGE_FILE_FL);
}

static bool counts_blocks(const struct fcr_inode *fi)
{
	return fi->tagged && le32_get(fi->raw + FCR_INO_FLAGS) & EXT4_EXTENTS_FL;
}

/*
 * i_blocks as ext4_ext_replay_set_iblocks() leaves it: the blocks of the data and of the tree, not
 * that of attributes. The kernel's tree depends on the order of all changes ever made; what is
 * assumed here is exact for one that was not touched, or fits the inode, or only grew at its end.
 */
static void recount(struct fcr *fcr, struct fcr_inode *fi, uint64_t disk_tree)
{
	const struct super *sb = &fcr->fs->sb;
	uint64_t extents = count_extents(&fi->map), tree = tree_blocks(sb, extents);

	if (extents > ROOT_EXTENTS && tree < disk_tree)
		tree = disk_tree;
	set_blocks(fcr, fi, count_blocks(&fi->map) + tree);
}

static void drop_holes(struct fcr_runs *runs)
{
	size_t nr = 0;

	for (size_t i = 0; i < runs->nr; i++)
		if (runs->v[i].kind != RUN_HOLE)
			runs->v[nr++] = runs->v[i];
	runs->nr = nr;
}

/* Lays the changes over the map on disk, base. */
static int make_map(struct fcr_inode *fi, struct fcr_runs *base)
{
	CLEANUP(runs_fini) struct fcr_runs changes = { 0 };
	int err;

	if (!fi->ops.nr) {
		fi->map = *base;
		*base = (struct fcr_runs){ 0 };
		return 0;
	}
	err = sort_out(&fi->ops, &changes);
	runs_fini(&fi->ops);
	if (!err)
		err = lay_over(base, &changes, &fi->map);
	drop_holes(&fi->map);
	return err;
}

/* An inode whose map stays as it is: nothing but the block of attributes falls away. */
static void recount_unchanged(struct fcr *fcr, struct fcr_inode *fi, const struct dinode *d)
{
	uint64_t blocks = d->blocks >> (fcr->fs->sb.block_bits - 9);

	set_blocks(fcr, fi, blocks && d->file_acl ? blocks - 1 : blocks);
}

int fcr_runs_finish(struct fcr *fcr, struct fcr_inode *fi)
{
	CLEANUP(disk_inode_fini) struct inode inode = { 0 };
	CLEANUP(runs_fini) struct fcr_runs base = { 0 };
	uint64_t disk_tree = 0;
	bool usable = false;
	int err = 0;

	if (!fi->ops.nr && !fi->no_base && !counts_blocks(fi))
		return 0;
	if (!fi->no_base)
		err = disk_inode_init(fcr, fi->ino, &inode, &usable);
	if (err)
		return err;
	if (usable && !fi->ops.nr && !fcr->fs->sb.cluster_bits) {
		recount_unchanged(fcr, fi, &inode.d);
		return 0;
	}
	if (usable) {
		err = read_map(fcr, &inode, &base);
		disk_tree = disk_tree_blocks(&fcr->fs->sb, &inode.d, count_blocks(&base));
	}
	/* a map on disk that cannot be read stays in use: who reads the file learns of it */
	if (err)
		return err == -ENOMEM ? err : 0;
	err = make_map(fi, &base);
	if (err)
		return err;
	fi->has_map = true;
	if (counts_blocks(fi))
		recount(fcr, fi, disk_tree);
	return 0;
}
