// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which of the ways to keep names a directory uses: inline until they do not fit, then one block,
 * then where the filesystem has dir_index a hash tree, else block after block (ext4_add_entry()).
 */
#include "config.h"

#include "fs/diredit.h"

#include <assert.h>
#include <errno.h>

#include "fs/balloc.h"
#include "fs/dirblock_edit.h"
#include "fs/dirfind.h"
#include "fs/fs_i.h"
#include "fs/htree_edit.h"
#include "fs/inlinedir.h"
#include "fs/inlineedit.h"
#include "fs/mapedit.h"
#include "fs/usage.h"

static bool is_inline(const struct inode *dir)
{
	return dir->d.flags & EXT4_INLINE_DATA_FL;
}

/* The file type as a record of this filesystem has it. */
static uint8_t type_kept(const struct inode *dir, uint8_t file_type)
{
	return super_has_filetype(&dir->fs->sb) ? file_type : EXT2_FT_UNKNOWN;
}

/* ---- adding ---- */

/* Into the first block with room. -ENOSPC: there is none. */
static int add_to_blocks(struct handle *h, struct inode *dir, uint64_t blocks,
	const struct dirent_rec *rec)
{
	uint64_t lblk = 0;

	for (uint64_t turn = 0; lblk < blocks; turn++) {
		CLEANUP(dirblock_fini) struct dirblock block = { .buf = NULL };
		int err;

		if (fs_interrupted(dir->fs, turn))
			return -EINTR;
		err = dirblock_load(dir, lblk, &block);
		if (!err)
			err = block.buf ? dirblock_insert(h, dir, lblk, block.buf, rec) : -ENOSPC;
		if (err != -ENOSPC)
			return err;
		lblk += block.holes ? block.holes : 1;
	}
	return -ENOSPC;
}

static int add_block(struct handle *h, struct inode *dir, const struct dirent_rec *rec)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	size_t size = dirblock_leaf_size(dir);
	uint32_t lblk;
	int err = dirblock_append(h, dir, &lblk, &buf);

	if (err)
		return err;
	dirent_extend(buf->data, 0, size);
	dirent_insert(buf->data, size, 0, rec);
	dirblock_seal(dir, buf, DIRBLOCK_LEAF);
	return 0;
}

/* no_index: the directory had an index that was no good. */
static int add_plain(
	struct handle *h, struct inode *dir, const struct dirent_rec *rec, bool no_index)
{
	uint64_t blocks;
	bool done = false, nonsense;
	int err = dirblock_count(dir, &blocks);

	if (!err)
		err = add_to_blocks(h, dir, blocks, rec);
	if (err != -ENOSPC)
		return err;
	if (blocks == 1 && !no_index && super_has_dir_index(&dir->fs->sb)) {
		err = htree_make(h, dir, &done);
		if (err)
			return err;
	}
	return done ? htree_add(h, dir, rec, &nonsense) : add_block(h, dir, rec);
}

/* Gives up the index: its blocks pass for empty ones. */
static int drop_index(struct handle *h, struct inode *dir)
{
	dir->d.flags &= ~(uint32_t)EXT2_INDEX_FL;
	return inode_write(h, dir);
}

static int add_to_tree(struct handle *h, struct inode *dir, const struct dirent_rec *rec)
{
	bool nonsense;
	int err = htree_add(h, dir, rec, &nonsense);

	if (!nonsense)
		return err;
	/* with checksums the index was written like this: it is not to be trusted in anything */
	if (super_has_metadata_csum(&dir->fs->sb))
		return fs_corrupt(dir->fs, dir->ino, -EUCLEAN, "directory index cannot be used");
	err = drop_index(h, dir);
	return err ? err : add_plain(h, dir, rec, true);
}

/* *ret: the name as it is to lie on disk. */
static int check_can_add(struct inode *dir, const char *name, size_t len, struct dirname *ret)
{
	int err;

	if (!len || dirname_is_dots(name, len))
		return -EINVAL;
	err = dirname_init(dir, name, len, ret);
	if (dir->d.flags & EXT4_ENCRYPT_FL && (err == -ENOENT || (!err && ret->is_nokey)))
		return -ENOKEY;
	/* where both are, the hash in the record is missing */
	if (!err && dir->d.flags & EXT4_CASEFOLD_FL && (!ret->fold || ret->key))
		err = -EOPNOTSUPP;
	return err;
}

int dir_leave_inline(struct handle *h, struct inode *dir)
{
	return is_inline(dir) ? inlinedir_convert(h, dir, type_kept(dir, EXT2_FT_DIR)) : 0;
}

int dir_add(struct handle *h, struct inode *dir, const char *name, size_t len, uint32_t ino,
	uint8_t file_type)
{
	struct dirent_rec rec = { .ino = ino, .file_type = type_kept(dir, file_type) };
	struct dirname want;
	int err = check_can_add(dir, name, len, &want);

	if (err)
		return err;
	rec.name_len = (uint8_t)want.len;
	rec.name = (const uint8_t *)want.name;
	if (is_inline(dir)) {
		err = inlinedir_add(h, dir, &rec);
		if (err != -ENOSPC)
			return err;
		err = dir_leave_inline(h, dir);
		return err ? err : add_plain(h, dir, &rec, false);
	}
	if (dirblock_dir_indexed(dir))
		return add_to_tree(h, dir, &rec);
	/*
	 * an index that the filesystem knows nothing of would not be kept up
	 * (ext4_update_dx_flag())
	 */
	if (dir->d.flags & EXT2_INDEX_FL)
		err = drop_index(h, dir);
	return err ? err : add_plain(h, dir, &rec, false);
}

unsigned dir_add_credits(const struct inode *dir)
{
	/* a block that is new, and one that changes for it */
	unsigned append = map_credits(dir) + 2;

	if (!super_has_dir_index(&dir->fs->sb))
		return append + INODE_CREDITS + (is_inline(dir) ? INLINE_CREDITS : 0);
	if (is_inline(dir))
		return INLINE_CREDITS + 3 * append;
	if (dirblock_dir_indexed(dir))
		return INODE_CREDITS + HTREE_MAX_APPENDS * append;
	return INODE_CREDITS + 2 * append;
}

/* ---- removing and replacing ---- */

/* Finds name, which stands for expect, in a directory of blocks, and announces its block. */
static int find_to_change(struct handle *h, struct inode *dir, const struct dirname *want,
	uint32_t expect, struct dirplace *ret)
{
	int err = dirfind(dir, want, ret);

	if (err)
		return err;
	err = expect && ret->rec.ino != expect ? -EAGAIN : journal_write(h, ret->block.buf);
	if (err)
		dirblock_fini(&ret->block);
	return err;
}

/* A name that the caller knows to be there, and is not there, has lost its meaning. */
static int found_as(uint32_t expect, int err)
{
	return err == -ENOENT && expect ? -EAGAIN : err;
}

int dir_remove(struct handle *h, struct inode *dir, const char *name, size_t len, uint32_t expect)
{
	struct dirplace place;
	struct dirname want;
	int err = dirname_init(dir, name, len, &want);

	if (!err && dirname_is_dots(name, len))
		err = -EINVAL;
	if (err)
		return found_as(expect, err);
	if (is_inline(dir))
		return found_as(expect, inlinedir_remove(h, dir, &want, expect));
	err = find_to_change(h, dir, &want, expect, &place);
	if (err)
		return found_as(expect, err);
	if (dirent_remove(place.block.buf->data, dirblock_leaf_size(dir), dirplace_off(&place)))
		err = fs_corrupt(dir->fs, dir->ino, -EUCLEAN, "directory records in disorder");
	else
		dirblock_seal(dir, place.block.buf, place.block.kind);
	dirblock_fini(&place.block);
	return err;
}

int dir_replace(struct handle *h, struct inode *dir, const char *name, size_t len, uint32_t expect,
	uint32_t ino, uint8_t file_type)
{
	struct dirplace place;
	struct dirname want;
	int err = dirname_init(dir, name, len, &want);

	file_type = type_kept(dir, file_type);
	if (err)
		return found_as(expect, err);
	if (is_inline(dir))
		return found_as(expect, inlinedir_replace(h, dir, &want, expect, ino, file_type));
	err = find_to_change(h, dir, &want, expect, &place);
	if (err)
		return found_as(expect, err);
	dirent_repoint(place.block.buf->data, dirplace_off(&place), ino, file_type);
	dirblock_seal(dir, place.block.buf, place.block.kind);
	dirblock_fini(&place.block);
	return 0;
}

/* ---- new and empty directories ---- */

int dir_init(struct handle *h, struct inode *dir, uint32_t parent)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	uint32_t lblk;
	int err;

	if (is_inline(dir)) {
		err = inlinedir_init(h, dir, parent);
		/* inherited ACLs may have taken the room, ext4_init_new_dir() */
		if (err == -ENOSPC) {
			dir->d.size = 0;
			err = inline_drop(h, dir);
		}
		if (err || is_inline(dir))
			return err;
	}
	assert(!dir->d.size);
	err = dirblock_append(h, dir, &lblk, &buf);
	if (err)
		return err;
	dirent_init_dots(buf->data, dirblock_leaf_size(dir), dir->ino, parent,
		type_kept(dir, EXT2_FT_DIR));
	dirblock_seal(dir, buf, DIRBLOCK_LEAF);
	return 0;
}

unsigned dir_init_credits(const struct fs *fs)
{
	/* the first block of a map lies in the inode itself */
	unsigned block = BALLOC_CREDITS + usage_credits(fs) + 1 + INODE_CREDITS;

	return super_has_inline_data(&fs->sb) ? block + INLINE_CREDITS : block;
}

/* Block 0 begins with "." and "..", the others hold nothing at all. */
static int check_block_empty(struct inode *dir, uint64_t lblk, const struct dirblock *block)
{
	struct dirent_rec rec;
	const char *why;
	unsigned nr = 0;

	if (block->kind == DIRBLOCK_NODE)
		return 0;
	for (size_t off = 0; off < block->chain.size; off += rec.rec_len, nr++) {
		int err = dirent_decode(&block->chain, off, &rec, &why);

		if (err)
			return fs_corrupt(dir->fs, dir->ino, err, "directory record: %s", why);
		if (rec.ino && (lblk || nr > 1 ||
				!dirname_is_dots((const char *)rec.name, rec.name_len)))
			return -ENOTEMPTY;
	}
	return 0;
}

int dir_check_empty(struct inode *dir)
{
	uint64_t blocks, lblk = 0;
	int err;

	if (is_inline(dir))
		return inlinedir_check_empty(dir);
	err = dirblock_count(dir, &blocks);
	for (uint64_t turn = 0; !err && lblk < blocks; turn++) {
		CLEANUP(dirblock_fini) struct dirblock block = { .buf = NULL };

		if (fs_interrupted(dir->fs, turn))
			return -EINTR;
		err = dirblock_load(dir, lblk, &block);
		if (!err && block.buf)
			err = check_block_empty(dir, lblk, &block);
		lblk += block.holes ? block.holes : 1;
	}
	return err;
}
