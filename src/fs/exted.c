// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every change is one splice of a leaf: some neighbouring extents are replaced by others. Before it, a
 * full leaf is split, one node at a time, each step leaving a whole tree; after it, an empty leaf is
 * taken out, one that is nearly empty is joined with a neighbour, and a root with a single small child takes
 * that child's place.
 *
 * Invariants, which e2fsck checks:
 * 1. An index entry's file block is that of the first entry of its child.
 * 2. Nodes in blocks are never empty; an empty file has a root of depth 0.
 * 3. A node's checksum is right whenever no splice is under way.
 *
 * All that can fail comes before the first change: nodes are announced, blocks allocated. What fails
 * later (freeing a node) leaves the tree whole.
 */
#include "config.h"

#include "fs/exted.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "format/extent.h"
#include "fs/balloc.h"
#include "fs/fs_i.h"
#include "fs/map_i.h"
#include "fs/usage.h"

/* Entries of the root in i_block. */
#define ROOT_MAX 4

/* A node on the way from the root to a leaf. */
struct step {
	struct buf *buf; /* held; NULL: the root */
	uint8_t *raw;	 /* the node's bytes, writable once it is announced */
	struct extent_node node;
	/*
	 * Of an index: the entry that was taken. Of the leaf: the last extent that begins at or before the
	 * block looked for; -1: there is none.
	 */
	int at;
};

struct path {
	struct step steps[EXTENT_MAX_DEPTH + 1]; /* root first */
	unsigned depth;				 /* of the root; steps[depth] is the leaf */
};

static void path_fini(struct path *path)
{
	for (unsigned i = 0; i <= EXTENT_MAX_DEPTH; i++) {
		cache_put(path->steps[i].buf);
		path->steps[i].buf = NULL;
	}
}

static struct step *path_leaf(struct path *path)
{
	return &path->steps[path->depth];
}

/* The first file block of entry i of either kind. */
static uint32_t entry_lblk(const struct extent_node *node, unsigned i)
{
	struct extent_index index;

	extent_index_get(node, i, &index); /* both kinds begin with it */
	return index.lblk;
}

/* The last entry that begins at or before lblk, or -1. */
static int node_search(const struct extent_node *node, uint64_t lblk)
{
	unsigned lo = 0, hi = node->entries;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;

		if (entry_lblk(node, mid) <= lblk)
			lo = mid + 1;
		else
			hi = mid;
	}
	return (int)lo - 1;
}

/* Decodes the header of a step again after a change. */
static void step_refresh(struct inode *inode, struct step *step)
{
	size_t size = step->buf ? inode->fs->sb.block_size : DINODE_BLOCK_SIZE;
	const char *why;
	int err = extent_node_decode(step->raw, size, &step->node, &why);

	/* an index that has lost its last entry is taken out next */
	assert(!err || !step->node.entries);
	(void)err;
}

/* A node has been changed: makes checksum and decoded header right. */
static void step_changed(struct inode *inode, struct step *step)
{
	if (step->buf) {
		if (super_has_metadata_csum(&inode->fs->sb))
			extent_csum_set(step->raw, inode->fs->sb.block_size, inode->csum_seed);
		buf_set_proven(step->buf, BUF_KIND_EXTENT, inode->ino);
	}
	step_refresh(inode, step);
}

static int root_load(struct inode *inode, struct step *step)
{
	const char *why;

	*step = (struct step){ .raw = inode->d.block };
	if (extent_node_decode(step->raw, DINODE_BLOCK_SIZE, &step->node, &why))
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN, "%s in the inode", why);
	return 0;
}

/* Walks to the leaf for lblk. The depth falls with each step. */
static int path_find(struct inode *inode, uint64_t lblk, struct path *ret)
{
	int err;

	path_fini(ret);
	err = root_load(inode, &ret->steps[0]);
	if (err)
		return err;
	ret->depth = ret->steps[0].node.depth;
	for (unsigned i = 0; i < ret->depth; i++) {
		struct step *step = &ret->steps[i], *child = step + 1;
		struct extent_index index;

		step->at = node_search(&step->node, lblk);
		if (step->at < 0)
			step->at = 0; /* before everything: the first leaf it is */
		extent_index_get(&step->node, (unsigned)step->at, &index);
		err = map_node_load(inode, &index, step->node.depth - 1u, &child->buf,
			&child->node);
		if (err)
			return err;
		child->raw = child->buf->data;
	}
	path_leaf(ret)->at = node_search(&path_leaf(ret)->node, lblk);
	return 0;
}

/* Announces the nodes from level from down to level to. */
static int path_announce(struct handle *h, struct path *path, unsigned from, unsigned to)
{
	for (unsigned i = from; i <= to; i++) {
		int err = path->steps[i].buf ? journal_write(h, path->steps[i].buf) : 0;

		if (err)
			return err;
	}
	return 0;
}

/* Makes the index entries above the node at level right after its first entry changed. */
static void path_fix_up(struct inode *inode, struct path *path, unsigned level)
{
	for (; level; level--) {
		struct step *parent = &path->steps[level - 1];
		uint32_t lblk = entry_lblk(&path->steps[level].node, 0);
		struct extent_index index;

		extent_index_get(&parent->node, (unsigned)parent->at, &index);
		if (index.lblk == lblk)
			return;
		index.lblk = lblk;
		extent_index_put(parent->raw, (unsigned)parent->at, &index);
		step_changed(inode, parent);
		if (parent->at)
			return;
	}
}

/* ---- nodes ---- */

/* With bigalloc a node has a cluster of its own and uses its first block. */
static uint32_t node_blocks(const struct inode *inode)
{
	return 1u << inode->fs->sb.cluster_bits;
}

static int node_free(struct handle *h, struct inode *inode, uint64_t pblk)
{
	uint32_t nr = node_blocks(inode);

	return balloc_free(h, inode, pblk - pblk % nr, nr, BFREE_META);
}

/* Allocates a block for a node: a held buffer of zeros, announced. */
static int node_new(struct handle *h, struct inode *inode, uint64_t goal, unsigned flags,
	struct buf **ret)
{
	struct balloc_want want = { .inode = inode, .goal = goal, .nr = 1,
		.flags = BALLOC_META | (flags & BALLOC_RESERVED) };
	uint64_t pblk;
	uint32_t nr;
	int err = balloc_alloc(h, &want, &pblk, &nr);

	if (err)
		return err;
	err = journal_create(h, pblk, ret);
	if (err && node_free(h, inode, pblk))
		journal_abort(journal_of(h), err);
	return err;
}

/* Moves all of the root into a block: the tree is one level deeper. */
static int root_grow(struct handle *h, struct inode *inode, struct path *path, unsigned flags)
{
	struct step *root = &path->steps[0];
	CLEANUP(cache_putp) struct buf *buf = NULL;
	struct step child = { .at = 0 };
	struct extent_index index;
	int err;

	if (root->node.depth == EXTENT_MAX_DEPTH)
		return -EFBIG;
	err = node_new(h, inode, 0, flags, &buf);
	if (err)
		return err;
	child.buf = buf;
	child.raw = buf->data;
	extent_node_init(child.raw, inode->fs->sb.block_size, root->node.depth);
	extent_entries_move(child.raw, 0, root->raw, 0, root->node.entries);
	extent_node_set_entries(child.raw, root->node.entries);
	step_changed(inode, &child);
	index = (struct extent_index){ .lblk = entry_lblk(&root->node, 0), .pblk = buf->pblk };
	extent_node_init(root->raw, DINODE_BLOCK_SIZE, child.node.depth + 1u);
	extent_index_put(root->raw, 0, &index);
	extent_node_set_entries(root->raw, 1);
	step_changed(inode, root);
	return 0;
}

/* Enters an index entry behind the one that was taken; there is room. */
static void index_insert(struct inode *inode, struct step *step, const struct extent_index *index)
{
	unsigned at = (unsigned)step->at + 1;

	extent_entries_move(step->raw, at + 1, step->raw, at, step->node.entries - at);
	extent_index_put(step->raw, at, index);
	extent_node_set_entries(step->raw, step->node.entries + 1u);
	step_changed(inode, step);
}

/*
 * Moves the upper entries of the node at level to a new one; its parent has room. At the end of a
 * file that grows they are a single one, so that the nodes left behind are full.
 */
static int node_split(
	struct handle *h, struct inode *inode, struct path *path, unsigned level, unsigned flags)
{
	struct step *step = &path->steps[level], fresh = { .at = 0 };
	CLEANUP(cache_putp) struct buf *buf = NULL;
	unsigned nr = step->node.entries;
	unsigned from = step->at == (int)nr - 1 ? nr - 1 : nr / 2;
	struct extent_index index;
	int err;

	if (nr < 2)
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN, "extent node too small");
	err = path_announce(h, path, level - 1, level);
	if (!err)
		err = node_new(h, inode, step->buf->pblk + node_blocks(inode), flags, &buf);
	if (err)
		return err;
	fresh.buf = buf;
	fresh.raw = buf->data;
	extent_node_init(fresh.raw, inode->fs->sb.block_size, step->node.depth);
	extent_entries_move(fresh.raw, 0, step->raw, from, nr - from);
	extent_node_set_entries(fresh.raw, nr - from);
	step_changed(inode, &fresh);
	extent_node_set_entries(step->raw, from);
	step_changed(inode, step);
	index = (struct extent_index){ .lblk = entry_lblk(&fresh.node, 0), .pblk = buf->pblk };
	index_insert(inode, &path->steps[level - 1], &index);
	return 0;
}

static bool step_full(const struct step *step)
{
	return step->node.entries >= step->node.max;
}

/* Splits the highest full node above a leaf without room, or the leaf; path leads to lblk afterwards. */
static int make_room(
	struct handle *h, struct inode *inode, struct path *path, uint64_t lblk, unsigned flags)
{
	unsigned level = path->depth;
	int err;

	while (level && step_full(&path->steps[level - 1]))
		level--;
	if (level)
		err = node_split(h, inode, path, level, flags);
	else
		err = root_grow(h, inode, path, flags);
	return err ? err : path_find(inode, lblk, path);
}

/* While the root has one child whose entries fit the root, that takes the child's place. */
static int root_collapse(struct handle *h, struct inode *inode)
{
	struct step root;
	int err = root_load(inode, &root);

	while (!err && root.node.depth && root.node.entries == 1) {
		struct buf *buf = NULL;
		struct extent_node child;
		struct extent_index index;

		extent_index_get(&root.node, 0, &index);
		err = map_node_load(inode, &index, root.node.depth - 1u, &buf, &child);
		if (err)
			return err;
		if (child.entries > ROOT_MAX) {
			cache_put(buf);
			return 0;
		}
		extent_node_init(root.raw, DINODE_BLOCK_SIZE, child.depth);
		extent_entries_move(root.raw, 0, child.raw, 0, child.entries);
		extent_node_set_entries(root.raw, child.entries);
		step_changed(inode, &root);
		cache_put(buf);
		err = node_free(h, inode, index.pblk);
	}
	return err;
}

/* Whether b can be joined to a, before it. */
static bool extent_joins(const struct extent *a, const struct extent *b)
{
	unsigned max = a->unwritten ? EXTENT_MAX_NR_UNWRITTEN : EXTENT_MAX_NR;

	return a->unwritten == b->unwritten && (uint64_t)a->lblk + a->nr == b->lblk &&
		a->pblk + a->nr == b->pblk && (unsigned)a->nr + b->nr <= max;
}

/* Takes entry at out of an index node; what is left of the node is decoded again. */
static void index_remove(struct inode *inode, struct step *step, unsigned at)
{
	unsigned nr = step->node.entries - 1u;

	extent_entries_move(step->raw, at, step->raw, at + 1, nr - at);
	extent_node_set_entries(step->raw, nr);
	if (!nr && !step->buf)
		extent_node_init(step->raw, DINODE_BLOCK_SIZE, 0);
	if (nr || !step->buf)
		step_changed(inode, step);
	else
		step->node.entries = 0; /* its owner takes it out next */
}

/* Moves all entries of right behind those of left, which has room. */
static void node_absorb(struct inode *inode, struct step *left, const struct extent_node *right)
{
	unsigned nr = left->node.entries, from = 0;

	if (!right->depth) {
		struct extent last, first;

		extent_get(&left->node, nr - 1u, &last);
		extent_get(right, 0, &first);
		if (extent_joins(&last, &first)) {
			last.nr = (uint16_t)(last.nr + first.nr);
			extent_put(left->raw, nr - 1u, &last);
			from = 1;
		}
	}
	extent_entries_move(left->raw, nr, right->raw, from, right->entries - from);
	extent_node_set_entries(left->raw, nr + right->entries - from);
	step_changed(inode, left);
}

/*
 * Joins the node at level with its neighbour at index at of their parent, if both leave the half of a
 * node empty. *ret_done: it has.
 */
static int node_join(struct handle *h, struct inode *inode, struct path *path, unsigned level,
	unsigned at, bool *ret_done)
{
	struct step *step = &path->steps[level], *parent = step - 1, other = { .at = 0 };
	CLEANUP(cache_putp) struct buf *buf = NULL;
	bool other_left = at < (unsigned)parent->at;
	struct extent_index index;
	uint64_t pblk;
	int err;

	extent_index_get(&parent->node, at, &index);
	err = map_node_load(inode, &index, step->node.depth, &buf, &other.node);
	if (err)
		return err;
	if (!other.node.entries || other.node.entries + step->node.entries > step->node.max / 2 ||
		other.node.max != step->node.max)
		return 0;
	err = path_announce(h, path, level - 1, level);
	if (!err)
		err = journal_write(h, buf);
	if (err)
		return err;
	other.buf = buf;
	other.raw = buf->data;
	if (other_left)
		node_absorb(inode, &other, &step->node);
	else
		node_absorb(inode, step, &other.node);
	pblk = other_left ? step->buf->pblk : buf->pblk;
	if (other_left)
		cache_put(STEAL(step->buf));
	else
		cache_put(STEAL(buf));
	index_remove(inode, parent, other_left ? (unsigned)parent->at : at);
	*ret_done = true;
	return node_free(h, inode, pblk);
}

/*
 * After the node at level has lost entries: as long as nodes are nearly empty they are joined with a
 * neighbour, from level upwards, so that a tree that becomes small does so in depth, too.
 */
static int path_join(struct handle *h, struct inode *inode, struct path *path, unsigned level)
{
	int err = 0;

	for (bool done = true; !err && done && level; level--) {
		const struct step *step = &path->steps[level], *parent = step - 1;
		unsigned at = (unsigned)parent->at;

		done = false;
		if (!step->node.entries || step->node.entries > step->node.max / 4)
			break;
		if (at)
			err = node_join(h, inode, path, level, at - 1, &done);
		if (!err && !done && at + 1 < parent->node.entries)
			err = node_join(h, inode, path, level, at + 1, &done);
	}
	return err ? err : root_collapse(h, inode);
}

/*
 * Takes the leaf out of the tree, and the nodes above that have nothing else; all of them but the
 * leaf are announced.
 */
static int leaf_drop(struct handle *h, struct inode *inode, struct path *path)
{
	unsigned level = path->depth;
	int err = 0;

	do {
		struct step *step = &path->steps[level];
		uint64_t pblk = step->buf->pblk;

		cache_put(STEAL(step->buf));
		level--;
		index_remove(inode, step - 1, (unsigned)step[-1].at);
		if (!err)
			err = node_free(h, inode, pblk);
	} while (level && !path->steps[level].node.entries);
	if (path->steps[level].node.entries)
		path_fix_up(inode, path, level);
	return err ? err : path_join(h, inode, path, level);
}

/* ---- splices ---- */

/* What a splice makes of a leaf: nr_old extents from at on become nr others. */
struct splice {
	unsigned at, nr_old;
	struct extent extents[5];
	unsigned nr;
};

static void splice_add(struct splice *splice, const struct extent *extent)
{
	struct extent *last = splice->nr ? &splice->extents[splice->nr - 1] : NULL;

	if (!extent->nr)
		return;
	if (last && extent_joins(last, extent))
		last->nr = (uint16_t)(last->nr + extent->nr);
	else
		splice->extents[splice->nr++] = *extent;
}

/*
 * Replaces nr_old extents of leaf from at on by the nr extents given, of which empty ones are left out,
 * joined to both neighbours where that is possible.
 */
static void splice_make(const struct extent_node *leaf, unsigned at, unsigned nr_old,
	const struct extent *extents, unsigned nr, struct splice *ret)
{
	struct extent next;
	unsigned end = at + nr_old;

	*ret = (struct splice){ .at = at, .nr_old = nr_old };
	if (at) {
		struct extent before;

		extent_get(leaf, at - 1, &before);
		ret->at--;
		ret->nr_old++;
		splice_add(ret, &before);
	}
	for (unsigned i = 0; i < nr; i++)
		splice_add(ret, &extents[i]);
	if (end < leaf->entries) {
		extent_get(leaf, end, &next);
		ret->nr_old++;
		splice_add(ret, &next);
	}
}

/* Does it, where there is room. */
static int splice_do(
	struct handle *h, struct inode *inode, struct path *path, const struct splice *splice)
{
	struct step *leaf = path_leaf(path);
	unsigned end = splice->at + splice->nr_old, nr = leaf->node.entries;
	unsigned after = nr - splice->nr_old + splice->nr;
	bool first = !splice->at && (!nr || !splice->nr ||
		splice->extents[0].lblk != entry_lblk(&leaf->node, 0));
	bool drop = !after && path->depth;
	unsigned top = first || drop ? 0 : path->depth;
	int err = path_announce(h, path, top, drop ? path->depth - 1 : path->depth);

	if (err)
		return err;
	if (drop)
		return leaf_drop(h, inode, path);
	extent_entries_move(leaf->raw, splice->at + splice->nr, leaf->raw, end, nr - end);
	for (unsigned i = 0; i < splice->nr; i++)
		extent_put(leaf->raw, splice->at + i, &splice->extents[i]);
	extent_node_set_entries(leaf->raw, after);
	step_changed(inode, leaf);
	if (first && after)
		path_fix_up(inode, path, path->depth);
	return after < nr ? path_join(h, inode, path, path->depth) : 0;
}

/*
 * Replaces nr_old extents (0 or 1) behind or at the place path found for lblk by extents, making room
 * first where it lacks.
 */
static int leaf_replace(struct handle *h, struct inode *inode, struct path *path, uint64_t lblk,
	unsigned nr_old, const struct extent *extents, unsigned nr, unsigned flags)
{
	/* once for each level, the leaf too, and once for a new root */
	for (unsigned turns = path->depth + 2; turns; turns--) {
		struct step *leaf = path_leaf(path);
		struct splice splice;
		int err;

		splice_make(&leaf->node, (unsigned)(leaf->at + !nr_old), nr_old, extents, nr,
			&splice);
		if (leaf->node.entries - splice.nr_old + splice.nr <= leaf->node.max)
			return splice_do(h, inode, path, &splice);
		err = make_room(h, inode, path, lblk, flags);
		if (err)
			return err;
	}
	return fs_corrupt(inode->fs, inode->ino, -EUCLEAN, "extent nodes too small");
}

/* ---- the calls ---- */

unsigned exted_credits(const struct inode *inode)
{
	unsigned depth = 0;
	struct extent_node root;
	const char *why;

	if (!extent_node_decode(inode->d.block, DINODE_BLOCK_SIZE, &root, &why))
		depth = root.depth;
	/* each level, and a new one: the node, its new half and the allocation of that; a collapse */
	return (depth + 2) * (2 + BALLOC_CREDITS) + BALLOC_CREDITS;
}

/* The first file block behind the place that path leads to that something is said to be mapped at. */
static uint64_t next_lblk(const struct path *path)
{
	for (unsigned i = path->depth + 1; i-- > 0;) {
		const struct step *step = &path->steps[i];

		if (step->at + 1 < (int)step->node.entries)
			return entry_lblk(&step->node, (unsigned)(step->at + 1));
	}
	return EXTENT_LBLK_END;
}

int exted_insert(struct handle *h, struct inode *inode, const struct run *run, unsigned flags)
{
	CLEANUP(path_fini) struct path path = { .depth = 0 };
	struct extent extent = { .lblk = (uint32_t)run->lblk, .nr = (uint16_t)run->nr,
		.pblk = run->pblk, .unwritten = run->kind == RUN_UNWRITTEN };
	struct extent other = { .nr = 0 };
	struct step *leaf;
	int err;

	assert(run->nr && run->nr <= (extent.unwritten ? EXTENT_MAX_NR_UNWRITTEN : EXTENT_MAX_NR));
	if (run->lblk + run->nr > EXTED_LBLK_MAX)
		return -EFBIG;
	err = path_find(inode, run->lblk, &path);
	if (err)
		return err;
	leaf = path_leaf(&path);
	if (leaf->at >= 0)
		extent_get(&leaf->node, (unsigned)leaf->at, &other);
	/* the caller has found a hole, but in a damaged image the tree may since have been written over */
	if ((uint64_t)other.lblk + other.nr > run->lblk || next_lblk(&path) < run->lblk + run->nr)
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN,
			"file block %u, or one behind it, is mapped already", extent.lblk);
	return leaf_replace(h, inode, &path, run->lblk, 0, &extent, 1, flags);
}

/* Finds the extent that holds lblk. */
static int extent_find(
	struct inode *inode, uint64_t lblk, struct path *path, struct extent *ret)
{
	struct step *leaf;
	int err = path_find(inode, lblk, path);

	if (err)
		return err;
	leaf = path_leaf(path);
	*ret = (struct extent){ .nr = 0 };
	if (leaf->at >= 0)
		extent_get(&leaf->node, (unsigned)leaf->at, ret);
	else if (path->depth && leaf[-1].at > 0)
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN,
			"index entry before its first extent at file block %llu",
			(unsigned long long)lblk);
	return 0;
}

static uint64_t extent_end(const struct extent *extent)
{
	return (uint64_t)extent->lblk + extent->nr;
}

/* The part [from, to) of an extent. */
static struct extent extent_part(const struct extent *extent, uint64_t from, uint64_t to)
{
	struct extent part = *extent;

	part.lblk = (uint32_t)from;
	part.nr = (uint16_t)(to - from);
	part.pblk += from - extent->lblk;
	return part;
}

int exted_mark(struct handle *h, struct inode *inode, uint64_t lblk, uint64_t nr,
	enum run_kind kind, struct run *ret)
{
	CLEANUP(path_fini) struct path path = { .depth = 0 };
	struct extent whole, parts[3];
	uint64_t end;
	int err = extent_find(inode, lblk, &path, &whole);

	if (err)
		return err;
	if (extent_end(&whole) <= lblk)
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN, "file block %llu is not mapped",
			(unsigned long long)lblk);
	end = extent_end(&whole) - lblk < nr ? extent_end(&whole) : lblk + nr;
	if (kind == RUN_UNWRITTEN && end - lblk > EXTENT_MAX_NR_UNWRITTEN)
		end = lblk + EXTENT_MAX_NR_UNWRITTEN;
	*ret = (struct run){ .lblk = lblk, .nr = end - lblk, .kind = kind,
		.pblk = whole.pblk + (lblk - whole.lblk) };
	if (whole.unwritten == (kind == RUN_UNWRITTEN))
		return 0;
	parts[0] = extent_part(&whole, whole.lblk, lblk);
	parts[1] = extent_part(&whole, lblk, end);
	parts[1].unwritten = kind == RUN_UNWRITTEN;
	parts[2] = extent_part(&whole, end, extent_end(&whole));
	return leaf_replace(h, inode, &path, lblk, 1, parts, 3, BALLOC_RESERVED);
}

/* Where the group of pblk begins. */
static uint64_t group_begin(const struct super *sb, uint64_t pblk)
{
	return pblk - (pblk - sb->first_data_block) % sb->blocks_per_group;
}

/* Takes [start, end) of the extent whole, to which path leads, out of the tree. */
static int extent_remove(struct handle *h, struct inode *inode, struct path *path,
	const struct extent *whole, uint64_t start, uint64_t end, struct run *ret)
{
	struct extent parts[2] = {
		extent_part(whole, whole->lblk, start),
		extent_part(whole, end, extent_end(whole)),
	};

	*ret = (struct run){ .lblk = start, .nr = end - start,
		.pblk = whole->pblk + (start - whole->lblk),
		.kind = whole->unwritten ? RUN_UNWRITTEN : RUN_DATA };
	return leaf_replace(h, inode, path, end - 1, 1, parts, 2, BALLOC_RESERVED);
}

int exted_remove_last(struct handle *h, struct inode *inode, uint64_t from, uint64_t to,
	struct run *ret)
{
	CLEANUP(path_fini) struct path path = { .depth = 0 };
	struct extent whole;
	uint64_t end, start, group;
	int err = extent_find(inode, to - 1, &path, &whole);

	*ret = (struct run){ .lblk = from };
	if (err)
		return err;
	end = extent_end(&whole) < to ? extent_end(&whole) : to;
	if (end <= from)
		return 0;
	start = whole.lblk > from ? whole.lblk : from;
	if (!super_block_range_valid(&inode->fs->sb, whole.pblk, whole.nr))
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN,
			"extent at file block %u outside the filesystem", whole.lblk);
	group = group_begin(&inode->fs->sb, whole.pblk + (end - 1 - whole.lblk));
	if (whole.pblk + (start - whole.lblk) < group)
		start = whole.lblk + (group - whole.pblk);
	return extent_remove(h, inode, &path, &whole, start, end, ret);
}

int exted_take(struct handle *h, struct inode *inode, uint64_t lblk, struct run *ret)
{
	CLEANUP(path_fini) struct path path = { .depth = 0 };
	struct extent whole;
	int err = extent_find(inode, lblk, &path, &whole);

	if (err)
		return err;
	if (extent_end(&whole) <= lblk)
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN, "file block %llu is not mapped",
			(unsigned long long)lblk);
	return extent_remove(h, inode, &path, &whole, lblk, extent_end(&whole), ret);
}

int exted_goal(struct inode *inode, uint64_t lblk, uint64_t *ret)
{
	CLEANUP(path_fini) struct path path = { .depth = 0 };
	struct extent near;
	struct step *leaf;
	int err = extent_find(inode, lblk, &path, &near);

	*ret = 0;
	if (err)
		return err;
	leaf = path_leaf(&path);
	if (near.nr) {
		*ret = near.pblk + (lblk - near.lblk);
	} else if (leaf->node.entries) {
		extent_get(&leaf->node, 0, &near);
		if (near.pblk > near.lblk - lblk)
			*ret = near.pblk - (near.lblk - lblk);
	}
	if (*ret <= inode->fs->sb.first_data_block || *ret >= inode->fs->sb.blocks)
		*ret = 0;
	return 0;
}
