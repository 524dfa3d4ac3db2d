// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A look-up that the cached runs cannot answer reads one leaf: the extents of one tree block, or
 * the pointers of one indirect block. A leaf covers a range of the file completely, holes
 * included, and all of that range enters the array at once.
 *
 * Invariants of struct extmap:
 * 1. runs[] is sorted by lblk and disjoint; what it says is what the tree on disk says.
 * 2. Who changes the tree holds inode->lock for writing and says so before dropping it
 *    (extmap_update()); who looks holds it for reading, so that a leaf it read is still true when it
 *    is entered.
 * 3. While the root alone answers (find_in_root()) the array is empty, so that it cannot be out of date
 *    when the tree grows.
 */
#include "config.h"

#include "fs/map.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "format/extent.h"
#include "format/le.h"
#include "fs/fs_i.h"
#include "fs/icache.h"
#include "fs/map_i.h"

/* More than this many runs in one inode, and the array starts over: about 512 KiB. */
#define EXTMAP_MAX_RUNS 16384

/* Where a hole behind everything mapped ends: no file offset reaches that far. */
#define LBLK_INFINITY ((uint64_t)1 << 54)

/* One leaf while it is put together: the range it covers, and runs filling that range. */
struct leaf {
	uint64_t from, to; /* file blocks covered: [from, to) */
	struct run *runs;  /* owned */
	size_t nr, room;
};

static void leaf_fini(struct leaf *leaf)
{
	free(leaf->runs);
}

void extmap_init(struct extmap *map)
{
	*map = (struct extmap){ .nr = 0 };
	rwlock_init(&map->lock, LOCK_RANK_MAP);
}

void extmap_fini(struct extmap *map)
{
	rwlock_fini(&map->lock);
	if (!map->fixed)
		free(map->runs);
}

/* Makes room for nr elements in a growing array of runs. */
static int runs_reserve(struct run **runs, size_t *room, size_t nr)
{
	size_t want = *room ? *room : 4;
	struct run *grown;

	if (nr <= *room)
		return 0;
	while (want < nr)
		want *= 2;
	grown = realloc(*runs, want * sizeof(**runs));
	if (!grown)
		return -ENOMEM;
	*runs = grown;
	*room = want;
	return 0;
}

void extmap_set_fixed(struct extmap *map, const struct run *runs, size_t nr)
{
	map->runs = (struct run *)(uintptr_t)runs; /* only read: nothing is inserted from now on */
	map->nr = nr;
	map->fixed = true;
}

/* Index of the first run that ends after lblk. */
static size_t runs_search(const struct run *runs, size_t nr, uint64_t lblk)
{
	size_t lo = 0, hi = nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (runs[mid].lblk + runs[mid].nr > lblk)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static uint64_t run_end(const struct run *run)
{
	return run->lblk + run->nr;
}

static void run_cut(const struct run *run, uint64_t lblk, struct run *ret)
{
	uint64_t skip = lblk - run->lblk;

	*ret = *run;
	ret->lblk = lblk;
	ret->nr -= skip;
	if (run->kind != RUN_HOLE)
		ret->pblk += skip;
}

static bool extmap_find_locked(const struct extmap *map, uint64_t lblk, struct run *ret)
{
	size_t i = runs_search(map->runs, map->nr, lblk);

	if (i < map->nr && map->runs[i].lblk <= lblk) {
		*ret = map->runs[i];
		return true;
	}
	if (!map->fixed)
		return false;
	*ret = (struct run){ .lblk = i ? run_end(&map->runs[i - 1]) : 0, .kind = RUN_HOLE };
	ret->nr = (i < map->nr ? map->runs[i].lblk : LBLK_INFINITY) - ret->lblk;
	return true;
}

static bool extmap_find(struct extmap *map, uint64_t lblk, struct run *ret)
{
	bool found;

	rwlock_read(&map->lock);
	found = extmap_find_locked(map, lblk, ret);
	rwlock_drop(&map->lock);
	return found;
}

/* Gives up all that is known. */
static void extmap_empty_locked(struct fs *fs, struct extmap *map)
{
	icache_account_runs(fs, -(ptrdiff_t)map->room);
	free(map->runs);
	map->runs = NULL;
	map->nr = map->room = 0;
}

size_t extmap_count(const struct extmap *map)
{
	return map->room;
}

/* Appends a run to a leaf, joined to the one before where they continue each other. */
static int leaf_add(struct leaf *leaf, const struct run *run)
{
	struct run *last = leaf->nr ? &leaf->runs[leaf->nr - 1] : NULL;
	int err;

	if (!run->nr)
		return 0;
	if (last && last->kind == run->kind &&
		(run->kind == RUN_HOLE || last->pblk + last->nr == run->pblk)) {
		last->nr += run->nr;
		return 0;
	}
	err = runs_reserve(&leaf->runs, &leaf->room, leaf->nr + 1);
	if (err)
		return err;
	leaf->runs[leaf->nr++] = *run;
	return 0;
}

/*
 * Puts a leaf in the place of whatever is known about its range, joined to what it touches. On
 * failure for lack of memory nothing is known any more, which only costs further reads.
 */
static void extmap_put_locked(struct inode *inode, const struct leaf *leaf)
{
	struct extmap *map = &inode->map;
	size_t lo = runs_search(map->runs, map->nr, leaf->from), hi = lo, room = map->room;
	CLEANUP(leaf_fini) struct leaf merged = { .from = leaf->from };
	struct run part;
	int err = 0;

	while (hi < map->nr && map->runs[hi].lblk < leaf->to)
		hi++;
	if (lo < hi && map->runs[lo].lblk < leaf->from) {
		part = map->runs[lo];
		part.nr = leaf->from - part.lblk;
		err = leaf_add(&merged, &part);
	} else if (lo && run_end(&map->runs[lo - 1]) == leaf->from) {
		err = leaf_add(&merged, &map->runs[--lo]);
	}
	for (size_t i = 0; !err && i < leaf->nr; i++)
		err = leaf_add(&merged, &leaf->runs[i]);
	if (!err && lo < hi && run_end(&map->runs[hi - 1]) > leaf->to) {
		run_cut(&map->runs[hi - 1], leaf->to, &part);
		err = leaf_add(&merged, &part);
	} else if (!err && hi < map->nr && map->runs[hi].lblk == leaf->to) {
		err = leaf_add(&merged, &map->runs[hi++]);
	}
	if (!err)
		err = runs_reserve(&map->runs, &map->room, map->nr - (hi - lo) + merged.nr);
	if (err) {
		extmap_empty_locked(inode->fs, map);
		return;
	}
	icache_account_runs(inode->fs, (ptrdiff_t)(map->room - room));
	memmove(map->runs + lo + merged.nr, map->runs + hi, (map->nr - hi) * sizeof(*map->runs));
	memcpy(map->runs + lo, merged.runs, merged.nr * sizeof(*map->runs));
	map->nr = map->nr - (hi - lo) + merged.nr;
}

static void extmap_insert(struct inode *inode, const struct leaf *leaf)
{
	struct extmap *map = &inode->map;

	rwlock_write(&map->lock);
	if (map->nr && (map->nr + leaf->nr > EXTMAP_MAX_RUNS || icache_over_budget(inode->fs)))
		extmap_empty_locked(inode->fs, map);
	extmap_put_locked(inode, leaf);
	rwlock_drop(&map->lock);
}

void extmap_forget(struct inode *inode)
{
	struct extmap *map = &inode->map;

	rwlock_write(&map->lock);
	if (map->room)
		extmap_empty_locked(inode->fs, map);
	rwlock_drop(&map->lock);
}

/* Whether find_in_root() answers. */
static bool root_is_leaf(const struct inode *inode)
{
	struct extent_node node;
	const char *why;

	return inode->d.flags & EXT4_EXTENTS_FL &&
		!extent_node_decode(inode->d.block, DINODE_BLOCK_SIZE, &node, &why) && !node.depth;
}

void extmap_update(struct inode *inode, const struct run *run)
{
	struct run copy = *run;
	struct leaf leaf = { .from = run->lblk, .to = run_end(run), .runs = &copy, .nr = 1 };

	assert(!inode->map.fixed);
	if (root_is_leaf(inode))
		extmap_forget(inode);
	else
		extmap_insert(inode, &leaf);
}

static uint64_t leaf_end(const struct leaf *leaf)
{
	const struct run *last = leaf->nr ? &leaf->runs[leaf->nr - 1] : NULL;

	return last ? run_end(last) : leaf->from;
}

/* Fills up to lblk with a hole. */
static int leaf_pad(struct leaf *leaf, uint64_t lblk)
{
	uint64_t end = leaf_end(leaf);
	struct run hole = { .lblk = end, .nr = lblk - end, .kind = RUN_HOLE };

	return leaf_add(leaf, &hole);
}

static int corrupt(struct inode *inode, const char *what, uint64_t lblk)
{
	return fs_corrupt(inode->fs, inode->ino, -EUCLEAN, "%s at file block %llu", what,
		(unsigned long long)lblk);
}

/* Turns a leaf node's extents into runs. */
static int leaf_from_extents(struct inode *inode, const struct extent_node *node, struct leaf *leaf)
{
	int err = 0;

	for (unsigned i = 0; !err && i < node->entries; i++) {
		struct extent ext;
		struct run run;

		extent_get(node, i, &ext);
		if (ext.lblk < leaf->from || (uint64_t)ext.lblk + ext.nr > leaf->to)
			return corrupt(inode, "extent outside its index entry", ext.lblk);
		if (!super_block_range_valid(&inode->fs->sb, ext.pblk, ext.nr))
			return corrupt(inode, "extent outside the filesystem", ext.lblk);
		run = (struct run){ .lblk = ext.lblk, .nr = ext.nr, .pblk = ext.pblk,
			.kind = ext.unwritten ? RUN_UNWRITTEN : RUN_DATA };
		err = leaf_pad(leaf, ext.lblk);
		if (!err)
			err = leaf_add(leaf, &run);
	}
	return err ? err : leaf_pad(leaf, leaf->to);
}

/* The child of an index node for lblk; false: the hole before the first one. Narrows *leaf. */
static bool index_step(const struct extent_node *node, uint64_t lblk, struct leaf *leaf,
	struct extent_index *ret)
{
	unsigned lo = 0, hi = node->entries;
	struct extent_index next;

	extent_index_get(node, 0, ret);
	if (ret->lblk > lblk) {
		leaf->to = ret->lblk < leaf->to ? ret->lblk : leaf->to;
		return false;
	}
	while (hi - lo > 1) {
		unsigned mid = lo + (hi - lo) / 2;

		extent_index_get(node, mid, &next);
		if (next.lblk > lblk)
			hi = mid;
		else
			lo = mid;
	}
	extent_index_get(node, lo, ret);
	if (ret->lblk > leaf->from)
		leaf->from = ret->lblk;
	if (hi < node->entries) {
		extent_index_get(node, hi, &next);
		if (next.lblk < leaf->to)
			leaf->to = next.lblk;
	}
	return true;
}

int map_node_load(struct inode *inode, const struct extent_index *index, unsigned depth,
	struct buf **ret_buf, struct extent_node *ret)
{
	struct fs *fs = inode->fs;
	CLEANUP(cache_putp) struct buf *buf = NULL;
	const char *why;
	int err;

	if (!super_block_range_valid(&fs->sb, index->pblk, 1))
		return corrupt(inode, "extent index outside the filesystem", index->lblk);
	err = cache_get(fs->cache, index->pblk, &buf);
	if (err)
		return err;
	if (extent_node_decode(buf->data, fs->sb.block_size, ret, &why))
		return corrupt(inode, why, index->lblk);
	if (ret->depth != depth)
		return corrupt(inode, "extent tree depth", index->lblk);
	if (super_has_metadata_csum(&fs->sb) && !buf_proven(buf, BUF_KIND_EXTENT, inode->ino)) {
		if (!extent_csum_ok(ret, fs->sb.block_size, inode->csum_seed))
			return fs_corrupt(fs, inode->ino, -EBADMSG,
				"extent block %llu fails its checksum",
				(unsigned long long)index->pblk);
		buf_set_proven(buf, BUF_KIND_EXTENT, inode->ino);
	}
	*ret_buf = STEAL(buf);
	return 0;
}

/* Walks the extent tree down to the leaf for lblk. The depth falls with each step. */
static int leaf_load_extents(struct inode *inode, uint64_t lblk, struct leaf *leaf)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	struct extent_node node;
	const char *why;

	leaf->from = 0;
	leaf->to = LBLK_INFINITY;
	if (extent_node_decode(inode->d.block, DINODE_BLOCK_SIZE, &node, &why))
		return corrupt(inode, why, lblk);
	while (node.depth) {
		struct buf *child = NULL;
		struct extent_index index;
		int err;

		if (!index_step(&node, lblk, leaf, &index))
			return leaf_pad(leaf, leaf->to);
		err = map_node_load(inode, &index, node.depth - 1u, &child, &node);
		if (err)
			return err;
		cache_put(buf);
		buf = child;
	}
	return leaf_from_extents(inode, &node, leaf);
}

/* Turns nr block pointers for the file blocks from leaf->from on into runs. */
static int leaf_from_pointers(
	struct inode *inode, const uint8_t *raw, size_t nr, struct leaf *leaf)
{
	int err = 0;

	for (size_t i = 0; !err && i < nr; i++) {
		struct run run = { .lblk = leaf->from + i, .nr = 1, .kind = RUN_HOLE };

		run.pblk = le32_get(raw + 4 * i);
		if (run.pblk)
			run.kind = RUN_DATA;
		if (run.pblk && !super_block_range_valid(&inode->fs->sb, run.pblk, 1))
			return corrupt(inode, "block pointer outside the filesystem", run.lblk);
		err = leaf_add(leaf, &run);
	}
	return err;
}

/* Finds which of i_block's pointers leads to lblk, and over how many levels of blocks. */
static unsigned indirect_root(uint64_t *lblk, unsigned ptr_bits, uint64_t *ret_span)
{
	unsigned level;

	*lblk -= EXT2_NDIR_BLOCKS;
	for (level = 1; level <= 3; level++) {
		*ret_span = (uint64_t)1 << (ptr_bits * level);
		if (*lblk < *ret_span)
			break;
		*lblk -= *ret_span;
	}
	return level;
}

static int leaf_load_indirect(struct inode *inode, uint64_t lblk, struct leaf *leaf)
{
	struct fs *fs = inode->fs;
	unsigned ptr_bits = fs->sb.block_bits - 2;
	CLEANUP(cache_putp) struct buf *buf = NULL;
	uint64_t in = lblk, span, pblk;
	unsigned level;

	if (lblk < EXT2_NDIR_BLOCKS) {
		leaf->to = EXT2_NDIR_BLOCKS;
		return leaf_from_pointers(inode, inode->d.block, EXT2_NDIR_BLOCKS, leaf);
	}
	level = indirect_root(&in, ptr_bits, &span);
	leaf->from = lblk - in;
	leaf->to = level <= 3 ? leaf->from + span : LBLK_INFINITY;
	pblk = level <= 3 ? le32_get(inode->d.block + 4 * (EXT2_IND_BLOCK + level - 1)) : 0;
	while (pblk) {
		int err;

		if (!super_block_range_valid(&fs->sb, pblk, 1))
			return corrupt(inode, "indirect block outside the filesystem", lblk);
		cache_put(STEAL(buf));
		err = cache_get(fs->cache, pblk, &buf);
		if (err)
			return err;
		if (--level == 0)
			return leaf_from_pointers(inode, buf->data, (size_t)1 << ptr_bits, leaf);
		span = (uint64_t)1 << (ptr_bits * level);
		pblk = le32_get(buf->data + 4 * (in >> (ptr_bits * level)));
		leaf->from = lblk - (in & (span - 1));
		leaf->to = leaf->from + span;
		in &= span - 1;
	}
	return leaf_pad(leaf, leaf->to);
}

/* Whether b goes on where a ends, in the file and in the image. */
static bool run_continues(const struct run *a, const struct run *b)
{
	return a->kind == b->kind && a->lblk + a->nr == b->lblk && a->pblk + a->nr == b->pblk;
}

/*
 * Most files have a tree of the root alone, at most four extents in the inode: as quick to search
 * where they lie as in a copy. False: the tree is deeper, or damaged.
 */
static bool find_in_root(struct inode *inode, uint64_t lblk, struct run *ret)
{
	struct run found = { 0 }; /* the last one that begins at lblk or before */
	struct extent_node node;
	uint64_t hole_end = LBLK_INFINITY;
	const char *why;

	if (extent_node_decode(inode->d.block, DINODE_BLOCK_SIZE, &node, &why) || node.depth)
		return false;
	for (unsigned i = 0; i < node.entries; i++) {
		struct extent ext;
		struct run run;

		extent_get(&node, i, &ext);
		if (!super_block_range_valid(&inode->fs->sb, ext.pblk, ext.nr))
			return false;
		run = (struct run){ .lblk = ext.lblk, .nr = ext.nr, .pblk = ext.pblk,
			.kind = ext.unwritten ? RUN_UNWRITTEN : RUN_DATA };
		if (found.nr && run_continues(&found, &run))
			found.nr += run.nr;
		else if (run.lblk <= lblk)
			found = run;
		else if (run.lblk < hole_end)
			hole_end = run.lblk;
	}
	*ret = found;
	if (run_end(&found) <= lblk)
		*ret = (struct run){ .lblk = run_end(&found), .nr = hole_end - run_end(&found),
			.kind = RUN_HOLE };
	return true;
}

int map_lookup_whole(struct inode *inode, uint64_t lblk, struct run *ret)
{
	CLEANUP(leaf_fini) struct leaf leaf = { 0 };
	size_t i;
	int err;

	assert(!(inode->d.flags & EXT4_INLINE_DATA_FL));
	if (lblk >= LBLK_INFINITY)
		return -EFBIG;
	if (inode->d.flags & EXT4_EXTENTS_FL && !inode->map.fixed && find_in_root(inode, lblk, ret))
		return 0;
	if (extmap_find(&inode->map, lblk, ret))
		return 0;
	if (inode->d.flags & EXT4_EXTENTS_FL)
		err = leaf_load_extents(inode, lblk, &leaf);
	else
		err = leaf_load_indirect(inode, lblk, &leaf);
	if (err)
		return err;
	extmap_insert(inode, &leaf);
	i = runs_search(leaf.runs, leaf.nr, lblk);
	assert(i < leaf.nr && leaf.runs[i].lblk <= lblk);
	*ret = leaf.runs[i];
	return 0;
}

int map_lookup(struct inode *inode, uint64_t lblk, struct run *ret)
{
	struct run whole;
	int err = map_lookup_whole(inode, lblk, &whole);

	if (!err)
		run_cut(&whole, lblk, ret);
	return err;
}
