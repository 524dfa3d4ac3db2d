// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An indirect map is a tree of pointers: twelve in i_block to data, then one each over one, two and
 * three levels of pointer blocks. A branch that is missing is put together while nothing leads to
 * it, and joined to the tree by a single pointer.
 *
 * Pointers have 32 bits: blocks beyond can hold neither data nor pointers of such a file.
 */
#include "config.h"

#include "fs/inded.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "format/le.h"
#include "fs/balloc.h"
#include "fs/fs_i.h"

#define LEVELS 4 /* i_block, and up to three pointer blocks */
#define PBLK_END ((uint64_t)1 << 32)

/* One array of pointers on the way to a block. */
struct step {
	struct buf *buf;   /* held; NULL: i_block */
	uint8_t *raw;	   /* the first pointer; NULL: missing */
	unsigned at;	   /* the pointer that was taken */
	unsigned nr;	   /* pointers of the array that lead as deep as this one */
	uint64_t pblk;	   /* what it says; 0: nothing */
};

struct path {
	struct step steps[LEVELS]; /* i_block first */
	unsigned depth;		   /* steps[depth] holds the pointer to the data */
	unsigned have;		   /* steps[have] is the last that is there */
};

static void path_fini(struct path *path)
{
	for (unsigned i = 0; i < LEVELS; i++) {
		cache_put(path->steps[i].buf);
		path->steps[i].buf = NULL;
	}
}

static unsigned pointer_bits(const struct inode *inode)
{
	return inode->fs->sb.block_bits - 2;
}

uint64_t inded_max_blocks(unsigned block_bits)
{
	uint64_t ptrs = (uint64_t)1 << (block_bits - 2);

	return EXT2_NDIR_BLOCKS + ptrs + ptrs * ptrs + ptrs * ptrs * ptrs;
}

uint64_t inded_pointer_blocks(unsigned block_bits, uint64_t nr)
{
	unsigned bits = block_bits - 2;
	uint64_t count = 0;

	nr = nr > EXT2_NDIR_BLOCKS ? nr - EXT2_NDIR_BLOCKS : 0;
	for (unsigned levels = 1; levels <= 3 && nr; levels++) {
		uint64_t span = (uint64_t)1 << (bits * levels);
		uint64_t part = nr < span ? nr : span;

		for (unsigned i = 1; i <= levels; i++)
			count += (part + ((uint64_t)1 << (bits * i)) - 1) >> (bits * i);
		nr -= part;
	}
	return count;
}

/* Sets the index of each level for lblk (ext4_block_to_path()). */
static int path_offsets(const struct inode *inode, uint64_t lblk, struct path *ret)
{
	unsigned bits = pointer_bits(inode);
	uint64_t in = lblk;

	ret->depth = 0;
	ret->steps[0].nr = EXT2_NDIR_BLOCKS;
	ret->steps[0].at = (unsigned)lblk;
	if (lblk < EXT2_NDIR_BLOCKS)
		return 0;
	if (lblk >= inded_max_blocks(inode->fs->sb.block_bits))
		return -EFBIG;
	in -= EXT2_NDIR_BLOCKS;
	for (ret->depth = 1; in >= (uint64_t)1 << (bits * ret->depth); ret->depth++)
		in -= (uint64_t)1 << (bits * ret->depth);
	ret->steps[0].at = EXT2_NDIR_BLOCKS + ret->depth - 1;
	ret->steps[0].nr = ret->steps[0].at + 1;
	for (unsigned i = 1; i <= ret->depth; i++) {
		ret->steps[i].at = (unsigned)(in >> (bits * (ret->depth - i)) & ((1u << bits) - 1));
		ret->steps[i].nr = 1u << bits;
	}
	return 0;
}

static uint64_t pointer(const struct step *step, unsigned i)
{
	return le32_get(step->raw + (size_t)4 * i);
}

/* Walks towards lblk as far as there are pointers. */
static int path_find(struct inode *inode, uint64_t lblk, struct path *ret)
{
	struct fs *fs = inode->fs;
	int err = path_offsets(inode, lblk, ret);

	if (err)
		return err;
	ret->steps[0].raw = inode->d.block;
	for (ret->have = 0;; ret->have++) {
		struct step *step = &ret->steps[ret->have];

		step->pblk = pointer(step, step->at);
		if (step->pblk && !super_block_range_valid(&fs->sb, step->pblk, 1))
			return fs_corrupt(fs, inode->ino, -EUCLEAN,
				"block pointer outside the filesystem at file block %llu",
				(unsigned long long)lblk);
		if (ret->have == ret->depth || !step->pblk)
			return 0;
		err = cache_get(fs->cache, step->pblk, &step[1].buf);
		if (err)
			return err;
		step[1].raw = step[1].buf->data;
	}
}

/* ---- allocating ---- */

/* Near the pointer before it, or the block that will point to it (ext4_find_near()). */
static uint64_t find_goal(const struct path *path)
{
	const struct step *step = &path->steps[path->have];
	unsigned i = step->at < step->nr ? step->at : step->nr - 1;

	while (i--)
		if (pointer(step, i))
			return pointer(step, i) + (step->at - i);
	return step->buf ? step->buf->pblk + 1 : 0;
}

/* How many of at most nr pointers from the one for the data on are empty. */
static uint32_t count_empty(const struct path *path, uint32_t nr)
{
	const struct step *leaf = &path->steps[path->depth];
	uint32_t room = leaf->nr - leaf->at, i = 0;

	if (room > nr)
		room = nr;
	if (!leaf->raw)
		return room;
	while (i < room && !pointer(leaf, leaf->at + i))
		i++;
	return i;
}

static void put_pointer(struct step *step, unsigned i, uint64_t pblk)
{
	le32_put(step->raw + (size_t)4 * i, (uint32_t)pblk);
}

/* Allocates what 32 bits can name. */
static int alloc_low(struct handle *h, const struct balloc_want *want, uint64_t *ret_pblk,
	uint32_t *ret_nr)
{
	int err = balloc_alloc(h, want, ret_pblk, ret_nr);

	if (!err && *ret_pblk + *ret_nr > PBLK_END) {
		err = balloc_free(h, want->inode, *ret_pblk, *ret_nr, 0);
		return err ? err : -ENOSPC;
	}
	return err;
}

/* Gives back the pointer blocks that branch_alloc() made, after a failure. */
static void branch_undo(struct handle *h, struct inode *inode, struct path *path)
{
	for (unsigned i = path->depth; i > path->have; i--) {
		struct step *step = &path->steps[i];
		uint64_t pblk = step->buf ? step->buf->pblk : 0;

		step->raw = NULL;
		cache_put(STEAL(step->buf));
		if (pblk && balloc_free(h, inode, pblk, 1, BFREE_META))
			journal_abort(journal_of(h), -EIO);
	}
}

/* Allocates the missing pointer blocks, each pointing to the next; nothing points to the first. */
static int branch_alloc(
	struct handle *h, struct inode *inode, struct path *path, uint64_t goal, unsigned flags)
{
	int err = 0;

	for (unsigned i = path->have + 1; !err && i <= path->depth; i++) {
		struct step *step = &path->steps[i];
		struct balloc_want want = { .inode = inode, .goal = goal, .nr = 1,
			.flags = BALLOC_META | (flags & BALLOC_RESERVED) };
		uint64_t pblk;
		uint32_t nr;

		err = alloc_low(h, &want, &pblk, &nr);
		if (err)
			break;
		err = journal_create(h, pblk, &step->buf);
		if (err) {
			if (balloc_free(h, inode, pblk, 1, BFREE_META))
				journal_abort(journal_of(h), err);
			break;
		}
		step->raw = step->buf->data;
		if (i > path->have + 1)
			put_pointer(step - 1, step[-1].at, pblk);
		goal = pblk + 1;
	}
	if (err)
		branch_undo(h, inode, path);
	return err;
}

int inded_alloc(struct handle *h, struct inode *inode, uint64_t lblk, uint32_t nr, unsigned flags,
	struct run *ret)
{
	CLEANUP(path_fini) struct path path = { .depth = 0 };
	struct balloc_want want = { .inode = inode, .flags = flags };
	struct step *leaf, *joint;
	uint64_t pblk;
	int err = path_find(inode, lblk, &path);

	if (err)
		return err;
	leaf = &path.steps[path.depth];
	joint = &path.steps[path.have];
	want.nr = count_empty(&path, nr);
	if (!want.nr)
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN,
			"file block %llu is mapped already", (unsigned long long)lblk);
	err = joint->buf ? journal_write(h, joint->buf) : 0;
	if (!err)
		err = branch_alloc(h, inode, &path, find_goal(&path), flags);
	if (err)
		return err;
	want.goal = leaf == joint ? find_goal(&path) : leaf->buf->pblk + 1;
	err = alloc_low(h, &want, &pblk, &nr);
	if (err) {
		branch_undo(h, inode, &path);
		return err;
	}
	for (uint32_t i = 0; i < nr; i++)
		put_pointer(leaf, leaf->at + i, pblk + i);
	if (joint != leaf)
		put_pointer(joint, joint->at, joint[1].buf->pblk);
	*ret = (struct run){ .lblk = lblk, .nr = nr, .pblk = pblk, .kind = RUN_DATA };
	return 0;
}

/* ---- removing ---- */

/* The first file block of what the pointer taken at level leads to. */
static uint64_t step_begin(
	const struct inode *inode, const struct path *path, unsigned level, uint64_t lblk)
{
	unsigned shift = pointer_bits(inode) * (path->depth - level);
	uint64_t base = EXT2_NDIR_BLOCKS;

	if (!path->depth)
		return lblk;
	for (unsigned i = 1; i < path->depth; i++)
		base += (uint64_t)1 << (pointer_bits(inode) * i);
	return base + ((lblk - base) >> shift << shift);
}

/* The end of what is mapped below to, as far back as from: path leads to the block before it. */
static int find_last(struct inode *inode, uint64_t from, uint64_t to, struct path *path,
	uint64_t *ret_end)
{
	uint64_t max = inded_max_blocks(inode->fs->sb.block_bits);

	if (to > max)
		to = max;
	while (to > from) {
		struct step *leaf;
		int err;

		path_fini(path);
		*path = (struct path){ .depth = 0 };
		err = path_find(inode, to - 1, path);
		if (err)
			return err;
		if (path->have < path->depth) {
			to = step_begin(inode, path, path->have, to - 1);
			continue;
		}
		leaf = &path->steps[path->depth];
		while (to > from && !pointer(leaf, leaf->at)) {
			to--;
			if (!leaf->at)
				break;
			leaf->at--;
		}
		if (to > from && pointer(leaf, leaf->at))
			break;
	}
	*ret_end = to > from ? to : from;
	return 0;
}

static bool all_empty(const struct step *step)
{
	return !pointer(step, 0) &&
		!memcmp(step->raw, step->raw + 4, (size_t)4 * (step->nr - 1));
}

/* How many pointers, backwards from the one taken, make one run of blocks in one group. */
static unsigned count_run(const struct inode *inode, const struct step *leaf, uint64_t max)
{
	const struct super *sb = &inode->fs->sb;
	uint64_t pblk = pointer(leaf, leaf->at);
	uint64_t in_group = (pblk - sb->first_data_block) % sb->blocks_per_group;
	unsigned nr = 1;

	while (nr < max && nr <= leaf->at && nr <= in_group &&
		pointer(leaf, leaf->at - nr) == pblk - nr)
		nr++;
	return nr;
}

/* Frees the pointer blocks that have become empty, from the leaf upwards; they are announced. */
static int branch_prune(struct handle *h, struct inode *inode, struct path *path)
{
	int err = 0;

	for (unsigned i = path->depth; !err && i && all_empty(&path->steps[i]); i--) {
		struct step *step = &path->steps[i];
		uint64_t pblk = step->buf->pblk;

		put_pointer(step - 1, step[-1].at, 0);
		step->raw = NULL;
		cache_put(STEAL(step->buf));
		err = balloc_free(h, inode, pblk, 1, BFREE_META);
	}
	return err;
}

/* Whether the leaf holds nothing but the nr pointers up to the one taken. */
static bool becomes_empty(const struct step *leaf, unsigned nr)
{
	for (unsigned i = 0; i < leaf->nr; i++)
		if (pointer(leaf, i) && (i > leaf->at || i + nr <= leaf->at))
			return false;
	return true;
}

int inded_remove_last(struct handle *h, struct inode *inode, uint64_t from, uint64_t to,
	struct run *ret)
{
	CLEANUP(path_fini) struct path path = { .depth = 0 };
	struct step *leaf;
	uint64_t end;
	unsigned nr, top;
	int err = find_last(inode, from, to, &path, &end);

	*ret = (struct run){ .lblk = from };
	if (err || end == from)
		return err;
	leaf = &path.steps[path.depth];
	leaf->pblk = pointer(leaf, leaf->at);
	if (!super_block_range_valid(&inode->fs->sb, leaf->pblk, 1))
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN,
			"block pointer outside the filesystem at file block %llu",
			(unsigned long long)end - 1);
	nr = count_run(inode, leaf, end - from);
	top = path.depth && becomes_empty(leaf, nr) ? 1 : path.depth;
	for (unsigned i = top; !err && i && i <= path.depth; i++)
		err = journal_write(h, path.steps[i].buf);
	if (err)
		return err;
	for (unsigned i = 0; i < nr; i++)
		put_pointer(leaf, leaf->at - i, 0);
	*ret = (struct run){ .lblk = end - nr, .nr = nr, .kind = RUN_DATA,
		.pblk = leaf->pblk - (nr - 1) };
	return branch_prune(h, inode, &path);
}

unsigned inded_credits(void)
{
	/* each pointer block, and its allocation or freeing */
	return 3 * (1 + BALLOC_CREDITS);
}
