// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A leaf holds the names whose hash lies between its entry's hash and the next one's. Names with
 * one hash may spill into the following leaf: the entry of such a leaf has the hash's lowest bit
 * set, and the search goes on there (ext4_htree_next_block()).
 */
#include "config.h"

#include "fs/htree.h"

#include <errno.h>

#include "fs/fs_i.h"
#include "fs/htree_i.h"

void htree_path_fini(struct htree_path *path)
{
	while (path->nr)
		dirblock_fini(&path->frames[--path->nr].block);
}

static int corrupt(struct inode *dir, const char *why)
{
	return fs_corrupt(dir->fs, dir->ino, -EUCLEAN, "directory index: %s", why);
}

/*
 * An index that makes no sense is no damage that has to stop anybody: the names are all in the
 * leaves, and what it takes to go on without it is the caller's to decide.
 */
static int nonsense(struct inode *dir, struct htree_path *path, const char *why)
{
	path->nonsense = true;
	log_limited(dir->fs->log, LOG_LEVEL_ERROR, "inode %u: directory index: %s", dir->ino, why);
	return -EUCLEAN;
}

/*
 * Without a checksum record a leaf that lost all its names has one record over all of it, as a node
 * has. What tells it is that no entries are behind that record. Who only reads is better served
 * by taking it for damage: then all blocks are looked at.
 */
static bool is_emptied_leaf(const struct inode *dir, const struct dirblock *block)
{
	struct dx_entries entries;
	struct dirent_rec rec;
	const char *why;

	if (!block->buf || block->kind != DIRBLOCK_NODE ||
		super_has_metadata_csum(&dir->fs->sb) || !dir->fs->opts.writable)
		return false;
	if (dirent_decode(&block->chain, 0, &rec, &why))
		return false;
	return rec.name_len || dx_node_decode(&dir->fs->sb, block->buf->data, &entries, &why);
}

int htree_load(struct inode *dir, uint64_t lblk, enum dirblock_kind kind, struct dirblock *ret)
{
	int err = dirblock_load(dir, lblk, ret);

	if (err)
		return err;
	if (kind == DIRBLOCK_LEAF && is_emptied_leaf(dir, ret))
		ret->kind = kind;
	if (ret->buf && ret->kind == kind)
		return 0;
	dirblock_fini(ret);
	return corrupt(dir, "block is missing or of the wrong kind");
}

static int push_root(struct inode *dir, struct htree_path *path)
{
	struct htree_frame *frame = &path->frames[0];
	struct dx_root_info info;
	const char *why;
	int err = htree_load(dir, 0, DIRBLOCK_ROOT, &frame->block);

	if (err)
		return err;
	path->nr = 1;
	err = dx_root_decode(&dir->fs->sb, frame->block.buf->data, &info, &frame->entries, &why);
	if (err)
		return nonsense(dir, path, why);
	path->levels = 1u + info.indirect_levels;
	path->version = info.hash_version;
	return 0;
}

int htree_path_init(struct inode *dir, struct htree_path *path)
{
	int err;

	*path = (struct htree_path){ .nr = 0 };
	err = push_root(dir, path);
	if (err)
		htree_path_fini(path);
	return err;
}

static int push_node(struct inode *dir, struct htree_path *path)
{
	struct htree_frame *frame = &path->frames[path->nr];
	const char *why;
	int err = htree_load(dir, htree_path_leaf(path), DIRBLOCK_NODE, &frame->block);

	if (err)
		return err;
	frame->at = 0;
	err = dx_node_decode(&dir->fs->sb, frame->block.buf->data, &frame->entries, &why);
	if (err) {
		dirblock_fini(&frame->block);
		return nonsense(dir, path, why);
	}
	path->nr++;
	return 0;
}

int htree_path_descend(struct inode *dir, struct htree_path *path, uint32_t hash)
{
	for (;;) {
		struct htree_frame *frame = &path->frames[path->nr - 1];
		int err;

		frame->at = dx_search(&frame->entries, hash);
		if (path->nr == path->levels)
			return 0;
		err = push_node(dir, path);
		if (err)
			return err;
	}
}

/* How many frames are left once those at their last entry are gone. */
static unsigned frames_with_more(const struct htree_path *path)
{
	unsigned nr = path->nr;

	while (nr && path->frames[nr - 1].at + 1u >= path->frames[nr - 1].entries.count)
		nr--;
	return nr;
}

bool htree_path_peek(const struct htree_path *path, uint32_t *ret_hash)
{
	unsigned nr = frames_with_more(path);
	const struct htree_frame *frame = &path->frames[nr ? nr - 1 : 0];

	if (nr)
		*ret_hash = dx_hash(&frame->entries, frame->at + 1);
	return nr;
}

int htree_path_step(struct inode *dir, struct htree_path *path)
{
	unsigned nr = frames_with_more(path);

	if (!nr)
		return -ENOENT;
	while (path->nr > nr)
		dirblock_fini(&path->frames[--path->nr].block);
	path->frames[nr - 1].at++;
	while (path->nr < path->levels) {
		int err = push_node(dir, path);

		if (err)
			return err;
	}
	return 0;
}

/* Steps to the next leaf if it goes on with hash. *ret_more: whether it did. */
static int next_leaf(struct inode *dir, struct htree_path *path, uint32_t hash, bool *ret_more)
{
	uint32_t next;

	*ret_more = htree_path_peek(path, &next) && next & 1 && (next & ~1u) == hash;
	return *ret_more ? htree_path_step(dir, path) : 0;
}

static int search_leaf(
	struct inode *dir, uint64_t lblk, const struct dirname *want, struct dirplace *ret)
{
	const char *why;
	int err = htree_load(dir, lblk, DIRBLOCK_LEAF, &ret->block);

	if (err)
		return err;
	err = dirname_find(&ret->block.chain, want, &ret->rec, &why);
	if (err)
		dirblock_fini(&ret->block);
	return err == -EUCLEAN ? corrupt(dir, why) : err;
}

int htree_find(struct inode *dir, const struct dirname *want, struct dirplace *ret)
{
	CLEANUP(htree_path_fini) struct htree_path path = { .nr = 0 };
	uint32_t hash = want->nokey.hash, minor;
	uint64_t leaves;
	bool more = true;
	int err = dirblock_count(dir, &leaves);

	if (!err)
		err = htree_path_init(dir, &path);
	if (!err && !want->is_nokey)
		err = dirname_hash(dir, path.version, want->name, want->len, &hash, &minor);
	if (!err)
		err = htree_path_descend(dir, &path, hash);
	/* a directory has fewer leaves than blocks: a longer way is a crafted circle */
	for (; !err && more && leaves; leaves--) {
		if (fs_interrupted(dir->fs, leaves))
			return -EINTR;
		err = search_leaf(dir, htree_path_leaf(&path), want, ret);
		if (err != -ENOENT)
			return err;
		err = next_leaf(dir, &path, hash, &more);
	}
	return err ? err : -ENOENT;
}

int htree_hash_version(struct inode *dir, int *ret)
{
	CLEANUP(htree_path_fini) struct htree_path path = { .nr = 0 };
	int err = htree_path_init(dir, &path);

	if (!err)
		*ret = path.version;
	return err;
}
