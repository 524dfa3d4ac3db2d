// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Making and removing entries. Agrees with fs/quota/quota_tree.c in what the file looks like.
 *
 * A change is prepared first: every block that it touches is held and announced. Then it is made,
 * and nothing can fail any more. So the file is whole after any error.
 *
 * Lists are looked at a few steps from their beginning only: a loop in the file costs wrong counts,
 * not more.
 */
#include "config.h"

#include "fs/quotafile_i.h"

#include <errno.h>
#include <string.h>

#include "fs/balloc.h"
#include "fs/fs_i.h"
#include "fs/mapedit.h"

/*
 * An insertion without growing: block 0, a path, a leaf, the leaf after it in the list; the inode
 * if the file gets longer within its last block.
 */
#define INSERT_CREDITS (1 + DQUOT_DEPTH + 1 + 1 + INODE_CREDITS)

/* Of these at most so many are new: the nodes below the root, the leaf. */
#define NEW_MAX DQUOT_DEPTH

/* ---- making the file longer ---- */

/* Holds an announced buffer of zeros for each block of run, so that the file has no garbage. */
static int blank(struct handle *h, const struct run *run)
{
	for (uint64_t i = 0; i < run->nr; i++) {
		struct buf *buf;
		int err = journal_create(h, run->pblk + i, &buf);

		if (err)
			return err;
		cache_put(buf);
	}
	return 0;
}

static int extend_by(struct handle *h, unsigned credits)
{
	if (journal_extend(h, credits))
		return 0;
	return journal_error(journal_of(h)) ? -EROFS : -ENOSPC;
}

/* Maps blocks of the hole at lblk, and lengthens the file to there, or to size if that is less. */
static int grow_by_run(struct handle *h, struct quotafile *file, uint64_t *lblk, uint64_t size)
{
	struct inode *inode = file->inode;
	uint64_t mask = file->fs->sb.block_size - 1;
	uint64_t end = (size + mask) >> file->fs->sb.block_bits;
	struct run run;
	int err = map_lookup(inode, *lblk, &run);

	if (err)
		return err;
	if (run.kind != RUN_HOLE)
		return quotafile_damaged(file, "blocks behind its end", 0);
	err = map_alloc(h, inode, *lblk, (uint32_t)(end - *lblk), RUN_DATA,
		BALLOC_META | BALLOC_RESERVED, &run);
	if (err)
		return err;
	*lblk += run.nr;
	inode->d.size = *lblk << file->fs->sb.block_bits;
	if (inode->d.size > size)
		inode->d.size = size;
	err = blank(h, &run);
	if (!err)
		err = inode_write(h, inode);
	/* blocks that are no zeros, or behind the end: there is no way back */
	if (err)
		journal_abort(journal_of(h), err);
	return err;
}

/* Makes room for quota blocks up to end. extend: the handle has no credits for that yet. */
static int grow(struct handle *h, struct quotafile *file, uint64_t end, bool extend)
{
	struct dinode *d = &file->inode->d;
	uint64_t size = end << DQUOT_BLOCK_BITS, mask = file->fs->sb.block_size - 1;
	uint64_t lblk = (d->size + mask) >> file->fs->sb.block_bits;
	uint64_t lblk_end = (size + mask) >> file->fs->sb.block_bits;
	int err = 0;

	if (size <= d->size)
		return 0;
	if (lblk == lblk_end) {
		d->size = size;
		return inode_write(h, file->inode);
	}
	while (!err && lblk < lblk_end) {
		err = extend ? extend_by(h, map_credits(file->inode)) : 0;
		if (!err)
			err = grow_by_run(h, file, &lblk, size);
	}
	return err;
}

unsigned quotafile_insert_credits(struct quotafile *file)
{
	const struct super *sb = &file->fs->sb;
	unsigned blocks = NEW_MAX * DQUOT_BLOCK_SIZE / sb->block_size;
	unsigned map;

	lock_take(&file->lock);
	map = map_credits(file->inode);
	lock_drop(&file->lock);
	return INSERT_CREDITS + (blocks ? blocks : 1) * map;
}

/* ---- inserting ---- */

/* What an insertion is going to change: all held and announced. */
struct insertion {
	struct quotafile *file;
	uint32_t id;
	bool extend; /* the handle */
	struct dquot_info info; /* as it will be */
	struct quotafile_block head;	/* block 0 */
	struct quotafile_path path;
	struct quotafile_block fresh[NEW_MAX]; /* new nodes, from above, and the new leaf, if any */
	unsigned nr_fresh;
	struct quotafile_block leaf; /* that gets the entry, when it is not a new one */
	struct dquot_leaf leaf_head;
	struct quotafile_block next; /* the leaf behind it, if its links change */
};

static void insertion_fini(struct insertion *in)
{
	quotafile_block_fini(&in->head);
	quotafile_path_fini(&in->path);
	for (unsigned i = 0; i < in->nr_fresh; i++)
		quotafile_block_fini(&in->fresh[i]);
	quotafile_block_fini(&in->leaf);
	quotafile_block_fini(&in->next);
}

static bool in_use(const struct insertion *in, uint32_t nr)
{
	for (unsigned i = 0; i < in->path.nr; i++)
		if (in->path.nodes[i].nr == nr)
			return true;
	for (unsigned i = 0; i < in->nr_fresh; i++)
		if (in->fresh[i].nr == nr)
			return true;
	return false;
}

/* The first of the unused blocks. */
static int take_unused(struct insertion *in, struct quotafile_block *ret)
{
	struct quotafile *file = in->file;
	struct dquot_leaf head;
	uint32_t nr = in->info.free_block;
	int err = quotafile_block_get(file, nr, ret);

	if (err)
		return err;
	err = dquot_leaf_decode(ret->raw, &in->info, &head);
	if (err || head.entries || in_use(in, nr)) {
		quotafile_block_fini(ret);
		return quotafile_damaged(file, "in the list of unused blocks", nr);
	}
	in->info.free_block = head.next;
	return 0;
}

static int take_block(struct handle *h, struct insertion *in)
{
	struct quotafile *file = in->file;
	struct quotafile_block block;
	int err;

	if (in->info.free_block) {
		err = take_unused(in, &block);
	} else {
		err = quotafile_block_get(file, in->info.blocks, &block);
		if (!err)
			in->info.blocks++;
	}
	if (err)
		return err;
	in->fresh[in->nr_fresh++] = block;
	return journal_write(h, block.buf);
}

/* Makes sure of nr blocks behind the used ones, less those that are unused. */
static int need_blocks(struct handle *h, struct insertion *in, unsigned nr)
{
	struct dquot_info info = in->info;
	CLEANUP(quotafile_block_fini) struct quotafile_block block = { 0 };
	int err = 0;

	while (nr && info.free_block) {
		struct dquot_leaf head;

		quotafile_block_fini(&block);
		block.buf = NULL;
		err = quotafile_block_get(in->file, info.free_block, &block);
		if (err)
			return err;
		if (dquot_leaf_decode(block.raw, &info, &head))
			return quotafile_damaged(
				in->file, "in the list of unused blocks", info.free_block);
		info.free_block = head.next;
		nr--;
	}
	return nr ? grow(h, in->file, (uint64_t)info.blocks + nr, in->extend) : 0;
}

/* The first leaf with a free entry, and the one behind it if this one becomes full. */
static int take_leaf(struct handle *h, struct insertion *in)
{
	struct quotafile *file = in->file;
	uint32_t nr = in->info.free_leaf;
	int err = quotafile_block_get(file, nr, &in->leaf);

	if (err)
		return err;
	err = dquot_leaf_decode(in->leaf.raw, &in->info, &in->leaf_head);
	if (err || in_use(in, nr) || in->leaf_head.next == nr ||
		!dquot_leaf_find_free(in->leaf.raw))
		return quotafile_damaged(file, "in the list of blocks with room", nr);
	err = journal_write(h, in->leaf.buf);
	if (err || in->leaf_head.entries + 1u < DQUOT_ENTRIES || !in->leaf_head.next)
		return err;
	err = quotafile_block_get(file, in->leaf_head.next, &in->next);
	return err ? err : journal_write(h, in->next.buf);
}

static int prepare(struct handle *h, struct insertion *in)
{
	unsigned nodes, nr;
	int err = in->extend ? extend_by(h, INSERT_CREDITS) : 0;

	if (!err)
		err = quotafile_info_get(h, in->file, &in->head, &in->info);
	if (!err)
		err = quotafile_walk(in->file, &in->info, in->id, &in->path);
	if (err)
		return err;
	if (in->path.leaf)
		return quotafile_damaged(in->file, "an entry that was not there", in->path.leaf);
	nodes = DQUOT_DEPTH - in->path.nr;
	nr = nodes + !in->info.free_leaf;
	err = need_blocks(h, in, nr);
	if (!err)
		err = journal_write(h, in->path.nodes[in->path.nr - 1].buf);
	while (!err && in->nr_fresh < nr)
		err = take_block(h, in);
	if (!err && in->info.free_leaf)
		err = take_leaf(h, in);
	return err;
}

/* The new leaf, of which there is one where no other had room: alone in the list. */
static void begin_leaf(struct insertion *in)
{
	in->leaf = in->fresh[in->nr_fresh - 1];
	cache_hold(in->leaf.buf);
	in->leaf_head = (struct dquot_leaf){ 0 };
	in->info.free_leaf = in->leaf.nr;
}

/* A full leaf leaves the list, whose first it is. */
static void unlink_leaf(struct insertion *in)
{
	in->info.free_leaf = in->leaf_head.next;
	if (in->next.buf) {
		struct dquot_leaf next;

		/* as it was checked when it was reached, or will be when it is used */
		(void)!dquot_leaf_decode(in->next.raw, &in->info, &next);
		next.prev = 0;
		dquot_leaf_encode(&next, in->next.raw);
	}
	in->leaf_head.next = in->leaf_head.prev = 0;
}

static void make(struct insertion *in, struct quotafile_entry *ret)
{
	const struct dquot nothing = { .id = in->id };
	unsigned level = in->path.nr - 1;
	uint8_t *node = in->path.nodes[level].raw;

	for (unsigned i = 0; i < in->nr_fresh; i++)
		memset(in->fresh[i].raw, 0, DQUOT_BLOCK_SIZE);
	if (!in->leaf.buf)
		begin_leaf(in);
	for (unsigned i = 0; level < DQUOT_DEPTH - 1; i++) {
		dquot_ref_set(node, level++, in->id, in->fresh[i].nr);
		node = in->fresh[i].raw;
	}
	dquot_ref_set(node, level, in->id, in->leaf.nr);
	in->leaf_head.entries++;
	if (in->leaf_head.entries >= DQUOT_ENTRIES)
		unlink_leaf(in);
	dquot_leaf_encode(&in->leaf_head, in->leaf.raw);
	dquot_info_encode(&in->info, in->head.raw);
	ret->buf = in->leaf.buf;
	cache_hold(ret->buf);
	ret->raw = in->leaf.raw + dquot_leaf_find_free(in->leaf.raw);
	dquot_encode(&nothing, ret->raw);
	quotafile_note(in->file, in->id, ret);
}

int quotafile_insert_locked(struct handle *h, struct quotafile *file, uint32_t id,
	bool extend, struct quotafile_entry *ret)
{
	CLEANUP(insertion_fini) struct insertion in = {
		.file = file, .id = id, .extend = extend };
	int err = prepare(h, &in);

	if (!err)
		make(&in, ret);
	return err;
}

/* ---- removing ---- */

/* Block 0, a path, a leaf, its neighbours in the list. */
#define REMOVE_CREDITS (1 + DQUOT_DEPTH + 1 + 2)

/* What a removal is going to change: all held and announced. */
struct removal {
	struct quotafile *file;
	uint32_t id;
	struct dquot_info info;
	struct quotafile_block head;
	struct quotafile_path path;
	struct quotafile_block leaf;
	struct dquot_leaf leaf_head;
	size_t off; /* of the entry in the leaf */
	struct quotafile_block prev, next; /* its neighbours in the list, now or then */
};

static void removal_fini(struct removal *rm)
{
	quotafile_block_fini(&rm->head);
	quotafile_path_fini(&rm->path);
	quotafile_block_fini(&rm->leaf);
	quotafile_block_fini(&rm->prev);
	quotafile_block_fini(&rm->next);
}

static int take_neighbour(struct handle *h, struct removal *rm, uint32_t nr,
	struct quotafile_block *ret)
{
	struct dquot_leaf head;
	int err;

	if (!nr)
		return 0;
	if (nr == rm->leaf.nr)
		return quotafile_damaged(rm->file, "a list leads back", nr);
	err = quotafile_block_get(rm->file, nr, ret);
	if (err)
		return err;
	if (dquot_leaf_decode(ret->raw, &rm->info, &head))
		return quotafile_damaged(rm->file, "in the list of blocks with room", nr);
	return journal_write(h, ret->buf);
}

static int take_neighbours(struct handle *h, struct removal *rm)
{
	const struct dquot_leaf *head = &rm->leaf_head;
	int err;

	if (head->entries == DQUOT_ENTRIES)
		return take_neighbour(h, rm, rm->info.free_leaf, &rm->next);
	if (head->entries > 1)
		return 0;
	if (!head->prev && rm->info.free_leaf != rm->leaf.nr)
		return quotafile_damaged(
			rm->file, "not in the list of blocks with room", rm->leaf.nr);
	err = take_neighbour(h, rm, head->prev, &rm->prev);
	return err ? err : take_neighbour(h, rm, head->next, &rm->next);
}

static int take_used_leaf(struct handle *h, struct removal *rm)
{
	int err = quotafile_block_get(rm->file, rm->path.leaf, &rm->leaf);

	if (err)
		return err;
	rm->off = dquot_leaf_find(rm->leaf.raw, rm->id);
	if (!rm->off || dquot_leaf_decode(rm->leaf.raw, &rm->info, &rm->leaf_head) ||
		!rm->leaf_head.entries)
		return quotafile_damaged(rm->file, "bad block of entries", rm->leaf.nr);
	err = journal_write(h, rm->leaf.buf);
	return err ? err : take_neighbours(h, rm);
}

static int prepare_removal(struct handle *h, struct removal *rm)
{
	int err = quotafile_info_get(h, rm->file, &rm->head, &rm->info);

	if (!err)
		err = quotafile_walk(rm->file, &rm->info, rm->id, &rm->path);
	if (!err && !rm->path.leaf)
		return -ENOENT;
	for (unsigned i = 0; !err && i < rm->path.nr; i++)
		err = journal_write(h, rm->path.nodes[i].buf);
	return err ? err : take_used_leaf(h, rm);
}

static void set_links(struct removal *rm, struct quotafile_block *block, const uint32_t *prev,
	const uint32_t *next)
{
	struct dquot_leaf head;

	if (!block->buf)
		return;
	(void)!dquot_leaf_decode(block->raw, &rm->info, &head);
	if (prev)
		head.prev = *prev;
	if (next)
		head.next = *next;
	dquot_leaf_encode(&head, block->raw);
}

static void put_unused(struct removal *rm, struct quotafile_block *block)
{
	const struct dquot_leaf head = { .next = rm->info.free_block };

	memset(block->raw, 0, DQUOT_BLOCK_SIZE);
	dquot_leaf_encode(&head, block->raw);
	rm->info.free_block = block->nr;
}

/* The leaf has no entries any more. */
static void drop_leaf(struct removal *rm)
{
	set_links(rm, &rm->prev, NULL, &rm->leaf_head.next);
	set_links(rm, &rm->next, &rm->leaf_head.prev, NULL);
	if (!rm->prev.buf)
		rm->info.free_leaf = rm->leaf_head.next;
	put_unused(rm, &rm->leaf);
}

/* It has a free entry again: to the beginning of the list. */
static void link_leaf(struct removal *rm)
{
	rm->leaf_head.next = rm->info.free_leaf;
	rm->leaf_head.prev = 0;
	rm->info.free_leaf = rm->leaf.nr;
	set_links(rm, &rm->next, &rm->leaf.nr, NULL);
}

/* Takes the id out of the tree, and nodes that lead nowhere then. */
static void drop_path(struct removal *rm)
{
	unsigned level = DQUOT_DEPTH - 1;

	dquot_ref_set(rm->path.nodes[level].raw, level, rm->id, 0);
	while (level && dquot_node_is_empty(rm->path.nodes[level].raw)) {
		put_unused(rm, &rm->path.nodes[level]);
		level--;
		dquot_ref_set(rm->path.nodes[level].raw, level, rm->id, 0);
	}
}

static void take_out(struct removal *rm)
{
	dquot_clear(rm->leaf.raw + rm->off);
	rm->leaf_head.entries--;
	if (rm->leaf_head.entries == DQUOT_ENTRIES - 1)
		link_leaf(rm);
	if (rm->leaf_head.entries)
		dquot_leaf_encode(&rm->leaf_head, rm->leaf.raw);
	else
		drop_leaf(rm);
	drop_path(rm);
	dquot_info_encode(&rm->info, rm->head.raw);
	quotafile_place_of(rm->file, rm->id)->pblk = 0;
}

static int remove_locked(struct handle *h, struct quotafile *file, uint32_t id)
{
	CLEANUP(removal_fini) struct removal rm = { .file = file, .id = id };
	int err = prepare_removal(h, &rm);

	if (!err)
		take_out(&rm);
	return err;
}

static bool is_idle_locked(struct quotafile *file, uint32_t id)
{
	CLEANUP(quotafile_entry_fini) struct quotafile_entry entry = { .buf = NULL };
	struct dquot d;

	if (file->damaged || quotafile_find_locked(file, id, &entry) || !entry.buf)
		return false;
	dquot_decode(entry.raw, &d);
	return dquot_is_idle(&d);
}

static int tidy_place(struct quotafile *file, const struct quotafile_place *place)
{
	struct handle *h;
	bool idle;
	int err;

	lock_take(&file->lock);
	idle = place->pblk && is_idle_locked(file, place->id);
	lock_drop(&file->lock);
	if (!idle)
		return 0;
	err = journal_start(file->fs->journal, REMOVE_CREDITS, &h);
	if (err)
		return err;
	lock_take(&file->lock);
	err = remove_locked(h, file, place->id);
	lock_drop(&file->lock);
	return journal_stop(h) ? -EROFS : err;
}

void quotafile_tidy(struct quotafile *file)
{
	int err = 0;

	for (unsigned i = 0; i < QUOTAFILE_PLACES && !err; i++)
		err = tidy_place(file, &file->places[i]);
}
