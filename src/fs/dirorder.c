// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's positions are the hash and the minor hash (hash2pos()), and what collides is
 * remembered per open file. Nothing is remembered here, so a position holds all that is needed to
 * go on behind any name:
 *
 *   0 is ".", 1 is "..", then FIRST_NAME plus
 *   bits 59..29	the hash without its lowest bit, which is always 0
 *   bits 28..8		the name's checksum: minor hashes would do, but the legacy hash has none
 *   bits 7..0		the name's rank among those with the same bits above
 *
 * so that only names whose upper 52 bits collide depend on their neighbours, and only while one
 * of these is removed. Records are read leaf by leaf, with the leaves that continue a hash; what
 * belongs to one hash is always looked at together.
 */
#include "config.h"

#include "fs/dirorder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format/le.h"
#include "fs/dirname.h"
#include "fs/fs_i.h"
#include "fs/htree.h"
#include "fs/htree_i.h"
#include "util/crc32c.h"

#define FIRST_NAME 2
#define HASH_SHIFT 29
#define CSUM_SHIFT 8
#define CSUM_BITS 21
#define RANK_MAX 255
#define HASH_MAX 0xFFFFFFFCu /* see dirname_hash() */

/*
 * Leaves that continue one hash and are looked at together; more than this only a crafted image
 * has.
 */
#define MAX_TOGETHER 16

struct item {
	uint64_t pos;
	struct dirent_rec rec;
};

/* The names of one leaf and those that continue it. */
struct batch {
	struct item *items; /* owned */
	size_t nr, room;
	struct dirblock blocks[MAX_TOGETHER]; /* held: the records lie in there */
	size_t nr_blocks;
};

struct order {
	struct inode *dir;
	int version;
	uint64_t pos;	 /* what comes before has been read */
	const struct dirorder_reader *reader;
	bool stopped;
};

static void batch_fini(struct batch *batch)
{
	while (batch->nr_blocks)
		dirblock_fini(&batch->blocks[--batch->nr_blocks]);
	free(batch->items);
	batch->items = NULL;
}

static int batch_add(struct batch *batch, uint64_t pos, const struct dirent_rec *rec)
{
	if (batch->nr == batch->room) {
		size_t room = batch->room ? batch->room * 2 : 64;
		struct item *grown = realloc(batch->items, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		batch->items = grown;
		batch->room = room;
	}
	batch->items[batch->nr++] = (struct item){ .pos = pos, .rec = *rec };
	return 0;
}

/* -1, 0, 1 as a is less than, equal to, greater than b. */
#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

/* By position, then by name, so that ranks are the same each time. */
static int item_compare(const void *va, const void *vb)
{
	const struct item *a = va, *b = vb;
	int order = COMPARE(a->pos, b->pos);

	if (!order)
		order = COMPARE(a->rec.name_len, b->rec.name_len);
	return order ? order : memcmp(a->rec.name, b->rec.name, a->rec.name_len);
}

/* The position of a record as if no other collided with it. */
static int position_of(const struct order *order, const struct dirent_rec *rec, uint64_t *ret)
{
	uint32_t hash, minor, csum = crc32c(~0u, rec->name, rec->name_len);
	int err = 0;

	if (dirname_is_dots((const char *)rec->name, rec->name_len)) {
		*ret = rec->name_len - 1;
		return 0;
	}
	/* the image can have a hash that no name has */
	if (rec->hashes)
		hash = le32_get(rec->hashes) < HASH_MAX ? le32_get(rec->hashes) : HASH_MAX;
	else
		err = dirname_hash(order->dir, order->version, rec->name, rec->name_len, &hash,
			&minor);
	if (!err)
		*ret = FIRST_NAME + ((uint64_t)(hash >> 1) << HASH_SHIFT) +
			((uint64_t)(csum & ((1u << CSUM_BITS) - 1)) << CSUM_SHIFT);
	return err;
}

static uint32_t hash_at(uint64_t pos)
{
	return pos < FIRST_NAME ? 0 : (uint32_t)((pos - FIRST_NAME) >> HASH_SHIFT) << 1;
}

/* The first position a name of this hash can have. */
static uint64_t hash_begin(uint64_t pos)
{
	return pos < FIRST_NAME ? 0 : FIRST_NAME + ((uint64_t)(hash_at(pos) >> 1) << HASH_SHIFT);
}

/* Takes the names of a chain that matter: a bad record hides those behind it. */
static int collect(struct order *order, struct batch *batch, const struct dirent_chain *chain)
{
	uint64_t from = hash_begin(order->pos), pos;
	struct dirent_rec rec;
	const char *why;
	int err = 0;

	for (size_t off = 0; !err && off < chain->size; off += rec.rec_len) {
		err = dirent_decode(chain, off, &rec, &why);
		if (err) {
			fs_corrupt(order->dir->fs, order->dir->ino, err,
				"directory record in leaf: %s", why);
			return order->reader->damage(order->reader->arg, err);
		}
		if (!dirname_is_shown(order->dir, &rec))
			continue;
		err = position_of(order, &rec, &pos);
		if (!err && pos >= from)
			err = batch_add(batch, pos, &rec);
	}
	return err;
}

/* Sorts, ranks what collides, and hands out from order->pos on. Empties the batch. */
static int deliver(struct order *order, struct batch *batch)
{
	uint64_t last = 0, rank = 0;
	bool left_out = false;

	if (batch->nr)
		qsort(batch->items, batch->nr, sizeof(*batch->items), item_compare);
	for (size_t i = 0; i < batch->nr && !order->stopped; i++) {
		const struct item *item = &batch->items[i];
		uint64_t pos = item->pos;

		rank = i && pos == last ? rank + 1 : 0;
		last = pos;
		if (rank > RANK_MAX) {
			left_out = true;
			continue;
		}
		pos += rank;
		if (pos < order->pos)
			continue;
		order->stopped = !order->reader->record(order->reader->arg, &item->rec, pos + 1);
		if (!order->stopped)
			order->pos = pos + 1;
	}
	while (batch->nr_blocks)
		dirblock_fini(&batch->blocks[--batch->nr_blocks]);
	batch->nr = 0;
	return left_out ? order->reader->damage(order->reader->arg, -EUCLEAN) : 0;
}

/* A block's names into the batch. */
static int collect_block(
	struct order *order, struct batch *batch, uint64_t lblk, enum dirblock_kind kind)
{
	struct dirblock *block = &batch->blocks[batch->nr_blocks];
	int err = htree_load(order->dir, lblk, kind, block);

	if (err)
		return order->reader->damage(order->reader->arg, err);
	batch->nr_blocks++;
	return collect(order, batch, &block->chain);
}

/* Goes to the next leaf; what cannot be read is passed over. *ret_more: there is one. */
static int next_leaf(struct order *order, struct htree_path *path, bool *ret_more)
{
	int err;

	do {
		err = htree_path_step(order->dir, path);
		*ret_more = !err;
		if (!err || err == -ENOENT)
			return 0;
		err = order->reader->damage(order->reader->arg, err);
	} while (!err);
	return err;
}

/* The leaf that the path has come to. */
static int add_leaf(struct order *order, struct htree_path *path, struct batch *batch)
{
	return collect_block(order, batch, htree_path_leaf(path), DIRBLOCK_LEAF);
}

/* Whether the leaf after this one has more of the hash this one ends with. */
static bool continues(const struct htree_path *path)
{
	uint32_t next;

	return htree_path_peek(path, &next) && next & 1;
}

static int walk_leaves(struct order *order, struct htree_path *path, struct batch *batch)
{
	uint64_t leaves;
	bool more;
	int err = dirblock_count(order->dir, &leaves);

	if (err)
		return err;
	err = htree_path_descend(order->dir, path, hash_at(order->pos));
	more = !err;
	if (err)
		err = order->reader->damage(order->reader->arg, err);
	if (!err && !more)
		err = next_leaf(order, path, &more);
	/* no more leaves than blocks, as in a look-up */
	for (; !err && more && !order->stopped && leaves; leaves--) {
		if (fs_interrupted(order->dir->fs, leaves))
			return -EINTR;
		err = add_leaf(order, path, batch);
		if (!err && (!continues(path) || batch->nr_blocks == MAX_TOGETHER))
			err = deliver(order, batch);
		if (!err && !order->stopped)
			err = next_leaf(order, path, &more);
	}
	return err || order->stopped ? err : deliver(order, batch);
}

static int walk_indexed(struct order *order, struct batch *batch)
{
	CLEANUP(htree_path_fini) struct htree_path path = { .nr = 0 };
	int err = htree_path_init(order->dir, &path);

	if (err)
		return order->reader->damage(order->reader->arg, err);
	if (order->pos < FIRST_NAME) {
		err = collect_block(order, batch, 0, DIRBLOCK_ROOT);
		if (!err)
			err = deliver(order, batch);
	}
	if (!err && !order->stopped)
		err = walk_leaves(order, &path, batch);
	return err;
}

bool dirorder_applies(struct inode *dir, int *ret_version)
{
	const struct super *sb = &dir->fs->sb;
	uint32_t hash, minor;

	/* not fs_is_writable(): positions keep their meaning when an error ends writing */
	if (!dir->fs->opts.writable || !super_has_dir_index(sb))
		return false;
	*ret_version = sb->def_hash_version;
	if (!(dir->d.flags & EXT4_INLINE_DATA_FL)) {
		if (dirblock_dir_indexed(dir)) {
			if (htree_hash_version(dir, ret_version))
				return false;
		} else if (dir->d.size >> sb->block_bits != 1) {
			return false;
		}
	}
	/* a hash that needs a key lies beside the names */
	return dirblock_chain(dir).has_hashes ||
		!dirname_hash(dir, *ret_version, "x", 1, &hash, &minor);
}

int dirorder_walk(
	struct inode *dir, int version, uint64_t pos, const struct dirorder_reader *reader)
{
	CLEANUP(batch_fini) struct batch batch = { .nr = 0 };
	struct order order = { .dir = dir, .version = version, .pos = pos, .reader = reader };
	int err;

	if (dirblock_dir_indexed(dir))
		return walk_indexed(&order, &batch);
	err = collect_block(&order, &batch, 0, DIRBLOCK_LEAF);
	return err ? err : deliver(&order, &batch);
}

int dirorder_walk_chains(struct inode *dir, int version, uint64_t pos,
	const struct dirent_chain *chains, size_t nr, const struct dirorder_reader *reader)
{
	CLEANUP(batch_fini) struct batch batch = { .nr = 0 };
	struct order order = { .dir = dir, .version = version, .pos = pos, .reader = reader };
	int err = 0;

	for (size_t i = 0; i < nr && !err; i++)
		err = collect(&order, &batch, &chains[i]);
	return err ? err : deliver(&order, &batch);
}
