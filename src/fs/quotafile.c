// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opening quota files and finding entries. Nothing that the file says is trusted, but no loop is
 * looked for either: walks are as deep as the tree is by its format.
 */
#include "config.h"

#include "fs/quotafile_i.h"

#include <errno.h>
#include <sys/stat.h>

#include "fs/fs_i.h"
#include "fs/map.h"

int quotafile_damaged(struct quotafile *file, const char *what, uint32_t block)
{
	static const char *const names[] = { "user", "group", "project" };

	file->damaged = true;
	return fs_corrupt(file->fs, file->inode->ino, -EUCLEAN,
		"%s quota: %s (block %u); no longer counted until e2fsck has repaired it",
		names[file->type], what, block);
}

/* log2 of the quota blocks per filesystem block. */
static unsigned ratio_bits(const struct quotafile *file)
{
	return file->fs->sb.block_bits - DQUOT_BLOCK_BITS;
}

int quotafile_block_get(struct quotafile *file, uint32_t nr, struct quotafile_block *ret)
{
	unsigned bits = ratio_bits(file);
	struct run run;
	int err = map_lookup(file->inode, nr >> bits, &run);

	if (err)
		return err;
	if (run.kind != RUN_DATA || !super_block_range_valid(&file->fs->sb, run.pblk, 1))
		return quotafile_damaged(file, "not mapped", nr);
	err = cache_get(file->fs->cache, run.pblk, &ret->buf);
	if (err)
		return err;
	ret->nr = nr;
	ret->raw = ret->buf->data + ((size_t)(nr & ((1u << bits) - 1)) << DQUOT_BLOCK_BITS);
	return 0;
}

int quotafile_info_get(struct handle *h, struct quotafile *file, struct quotafile_block *block,
	struct dquot_info *ret)
{
	const char *why;
	int err = quotafile_block_get(file, 0, block);

	if (err)
		return err;
	err = dquot_info_decode(block->raw, file->type, file->inode->d.size, ret, &why);
	if (err)
		return quotafile_damaged(file, why, 0);
	return h ? journal_write(h, block->buf) : 0;
}

/* ---- opening ---- */

static int check_inode(struct quotafile *file)
{
	const struct dinode *d = &file->inode->d;

	if (!S_ISREG(d->mode) || d->flags & (EXT4_INLINE_DATA_FL | EXT4_ENCRYPT_FL))
		return quotafile_damaged(file, "not a plain file", 0);
	return 0;
}

static int check(struct quotafile *file)
{
	CLEANUP(quotafile_block_fini) struct quotafile_block block = { 0 };
	struct dquot_info info;
	int err;

	lock_take(&file->lock);
	err = check_inode(file);
	if (!err)
		err = quotafile_info_get(NULL, file, &block, &info);
	lock_drop(&file->lock);
	if (err)
		return err;
	file->block_grace = info.block_grace;
	file->inode_grace = info.inode_grace;
	return 0;
}

int quotafile_open(struct fs *fs, enum dquot_type type, struct quotafile **ret)
{
	struct quotafile *file = calloc(1, sizeof(*file));
	int err;

	if (!file)
		return -ENOMEM;
	file->fs = fs;
	file->type = type;
	lock_init(&file->lock, LOCK_RANK_QUOTA);
	file->places = calloc(QUOTAFILE_PLACES, sizeof(*file->places));
	if (!file->places)
		err = -ENOMEM;
	else
		err = inode_get_special(fs, fs->sb.special_ino[type], &file->inode);
	if (!err)
		err = check(file);
	if (err)
		quotafile_close(file);
	else
		*ret = file;
	return err;
}

void quotafile_close(struct quotafile *file)
{
	if (!file)
		return;
	if (file->inode)
		inode_put(file->inode);
	lock_fini(&file->lock);
	free(file->places);
	free(file);
}

/* ---- where entries are ---- */

struct quotafile_place *quotafile_place_of(struct quotafile *file, uint32_t id)
{
	/* ids come in sequences; whole ranges of them apart by a power of two */
	return &file->places[(id ^ id >> 10 ^ id >> 20) % QUOTAFILE_PLACES];
}

void quotafile_note(struct quotafile *file, uint32_t id, const struct quotafile_entry *entry)
{
	*quotafile_place_of(file, id) = (struct quotafile_place){
		.pblk = entry->buf->pblk,
		.id = id,
		.off = (uint32_t)(entry->raw - entry->buf->data),
	};
}

static int find_noted(struct quotafile *file, uint32_t id, struct quotafile_entry *ret)
{
	const struct quotafile_place *place = quotafile_place_of(file, id);
	int err;

	if (!place->pblk || place->id != id)
		return -ENOENT;
	err = cache_get(file->fs->cache, place->pblk, &ret->buf);
	if (err)
		return err;
	ret->raw = ret->buf->data + place->off;
	return dquot_is_of(ret->raw, id) ? 0 : quotafile_damaged(file, "an entry has changed", 0);
}

/* ---- the tree ---- */

void quotafile_path_fini(struct quotafile_path *path)
{
	for (unsigned i = 0; i < path->nr; i++)
		quotafile_block_fini(&path->nodes[i]);
}

int quotafile_walk(struct quotafile *file, const struct dquot_info *info, uint32_t id,
	struct quotafile_path *ret)
{
	uint32_t ref = DQUOT_ROOT;

	ret->nr = 0;
	ret->leaf = 0;
	while (ret->nr < DQUOT_DEPTH) {
		struct quotafile_block *node = &ret->nodes[ret->nr];
		int err = quotafile_block_get(file, ref, node);

		if (err)
			return err;
		ref = dquot_ref_get(node->raw, ret->nr, id);
		ret->nr++;
		if (!ref)
			return 0;
		if (!dquot_ref_valid(info, ref))
			return quotafile_damaged(file, "a reference leads nowhere", node->nr);
	}
	ret->leaf = ref;
	return 0;
}

static int find_in_leaf(struct quotafile *file, uint32_t leaf, uint32_t id,
	struct quotafile_entry *ret)
{
	struct quotafile_block block;
	size_t off;
	int err = quotafile_block_get(file, leaf, &block);

	if (err)
		return err;
	off = dquot_leaf_find(block.raw, id);
	if (!off) {
		quotafile_block_fini(&block);
		return quotafile_damaged(file, "no entry for an id that the tree leads to", leaf);
	}
	ret->buf = block.buf;
	ret->raw = block.raw + off;
	quotafile_note(file, id, ret);
	return 0;
}

static int find_in_tree(struct quotafile *file, uint32_t id, struct quotafile_entry *ret)
{
	CLEANUP(quotafile_block_fini) struct quotafile_block block = { 0 };
	CLEANUP(quotafile_path_fini) struct quotafile_path path = { .nr = 0 };
	struct dquot_info info;
	int err = quotafile_info_get(NULL, file, &block, &info);

	if (!err)
		err = quotafile_walk(file, &info, id, &path);
	if (!err && path.leaf)
		err = find_in_leaf(file, path.leaf, id, ret);
	return err;
}

int quotafile_find_locked(struct quotafile *file, uint32_t id, struct quotafile_entry *ret)
{
	int err;

	*ret = (struct quotafile_entry){ .buf = NULL };
	err = find_noted(file, id, ret);
	if (err == -ENOENT)
		err = find_in_tree(file, id, ret);
	if (err) {
		quotafile_entry_fini(ret);
		ret->buf = NULL;
	}
	return err;
}
