// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A leaf holds the names whose hash lies between its entry's hash and the next one's. Names with
 * one hash may spill into the following leaf: the entry of such a leaf has the hash's lowest bit
 * set, and the search goes on there (ext4_htree_next_block()).
 */
#include "config.h"

#include "fs/htree.h"

#include <errno.h>

#include "format/dx.h"
#include "fs/dirblock.h"
#include "fs/fs_i.h"

struct frame {
	struct dirblock block; /* held */
	struct dx_entries entries;
	unsigned at; /* the entry taken */
};

struct path {
	struct frame frames[DX_MAX_LEVELS];
	unsigned nr;	/* frames in use */
	unsigned levels; /* frames of a whole path: 1 + indirect levels */
	int version;	/* EXT2_HASH_* */
};

static void path_fini(struct path *path)
{
	while (path->nr)
		dirblock_fini(&path->frames[--path->nr].block);
}

static int corrupt(struct inode *dir, const char *why)
{
	return fs_corrupt(dir->fs, dir->ino, -EUCLEAN, "directory index: %s", why);
}

/* Loads a block that must exist and be of this kind. */
static int load(struct inode *dir, uint64_t lblk, enum dirblock_kind kind, struct dirblock *ret)
{
	int err = dirblock_load(dir, lblk, ret);

	if (err)
		return err;
	if (ret->buf && ret->kind == kind)
		return 0;
	dirblock_fini(ret);
	return corrupt(dir, "block is missing or of the wrong kind");
}

static int push_root(struct inode *dir, struct path *path)
{
	struct frame *frame = &path->frames[0];
	struct dx_root_info info;
	const char *why;
	int err = load(dir, 0, DIRBLOCK_ROOT, &frame->block);

	if (err)
		return err;
	path->nr = 1;
	err = dx_root_decode(&dir->fs->sb, frame->block.buf->data, &info, &frame->entries, &why);
	if (err)
		return corrupt(dir, why);
	path->levels = 1u + info.indirect_levels;
	path->version = info.hash_version;
	return 0;
}

static int push_node(struct inode *dir, struct path *path)
{
	struct frame *parent = &path->frames[path->nr - 1];
	struct frame *frame = &path->frames[path->nr];
	const char *why;
	int err = load(dir, dx_block(&parent->entries, parent->at), DIRBLOCK_NODE, &frame->block);

	if (err)
		return err;
	path->nr++;
	frame->at = 0;
	err = dx_node_decode(&dir->fs->sb, frame->block.buf->data, &frame->entries, &why);
	return err ? corrupt(dir, why) : 0;
}

/* From the root down to the last level of nodes, choosing by hash. */
static int descend(struct inode *dir, struct path *path, uint32_t hash)
{
	int err = 0;

	for (;;) {
		struct frame *frame = &path->frames[path->nr - 1];

		frame->at = dx_search(&frame->entries, hash);
		if (path->nr == path->levels)
			return 0;
		err = push_node(dir, path);
		if (err)
			return err;
	}
}

/* Steps to the next leaf if it goes on with hash. *ret_more: whether it did. */
static int next_leaf(struct inode *dir, struct path *path, uint32_t hash, bool *ret_more)
{
	struct frame *frame;
	uint32_t next;

	*ret_more = false;
	while (path->frames[path->nr - 1].at + 1u >= path->frames[path->nr - 1].entries.count) {
		if (path->nr == 1)
			return 0;
		dirblock_fini(&path->frames[--path->nr].block);
	}
	frame = &path->frames[path->nr - 1];
	next = dx_hash(&frame->entries, ++frame->at);
	if (!(next & 1) || (next & ~1u) != hash)
		return 0;
	while (path->nr < path->levels) {
		int err = push_node(dir, path);

		if (err)
			return err;
	}
	*ret_more = true;
	return 0;
}

static int search_leaf(
	struct inode *dir, uint64_t lblk, const struct dirname *want, uint32_t *ret_ino)
{
	CLEANUP(dirblock_fini) struct dirblock block = { 0 };
	const char *why;
	int err = load(dir, lblk, DIRBLOCK_LEAF, &block);

	if (err)
		return err;
	err = dirname_find(&block.chain, want, ret_ino, &why);
	return err == -EUCLEAN ? corrupt(dir, why) : err;
}

int htree_lookup(struct inode *dir, const struct dirname *want, uint32_t *ret_ino)
{
	CLEANUP(path_fini) struct path path = { 0 };
	uint32_t hash = want->nokey.hash, minor;
	uint64_t leaves;
	bool more = true;
	int err = dirblock_count(dir, &leaves);

	if (!err)
		err = push_root(dir, &path);
	if (!err && !want->is_nokey)
		err = dirname_hash(dir, path.version, want->name, want->len, &hash, &minor);
	if (!err)
		err = descend(dir, &path, hash);
	/* a directory has fewer leaves than blocks: a longer way is a crafted circle */
	for (; !err && more && leaves; leaves--) {
		struct frame *last = &path.frames[path.nr - 1];

		if (fs_interrupted(dir->fs, leaves))
			return -EINTR;
		err = search_leaf(dir, dx_block(&last->entries, last->at), want, ret_ino);
		if (err != -ENOENT)
			return err;
		err = next_leaf(dir, &path, hash, &more);
	}
	return err ? err : -ENOENT;
}

int htree_hash_version(struct inode *dir, int *ret)
{
	CLEANUP(path_fini) struct path path = { 0 };
	int err = push_root(dir, &path);

	if (!err)
		*ret = path.version;
	return err;
}
