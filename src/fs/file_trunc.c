// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Changing a file's size. The size changes in the first transaction; what is past it is freed from the
 * end backwards. Where that takes more than one transaction the inode is on the orphan list
 * meanwhile: after a crash, whoever mounts frees the rest up to i_size.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "format/extent.h"
#include "format/le.h"
#include "fs/balloc.h"
#include "fs/file_i.h"
#include "fs/fs_i.h"
#include "fs/inlineedit.h"
#include "fs/mapedit.h"
#include "fs/orphan.h"
#include "fs/owed.h"

#define SMALL_MAX 0x7FFFFFFFu /* bytes, of a file that needs no LARGE_FILE */

/* ext4_update_dynamic_rev(): revision 0 has no features, and these numbers without a field. */
static void set_large_file(uint8_t *raw, void *arg)
{
	(void)arg;
	if (le32_get(raw + SB_REV_LEVEL) == EXT2_GOOD_OLD_REV) {
		le32_put(raw + SB_REV_LEVEL, EXT2_DYNAMIC_REV);
		le32_put(raw + SB_FIRST_INO, EXT2_GOOD_OLD_FIRST_INO);
		le16_put(raw + SB_INODE_SIZE, EXT2_GOOD_OLD_INODE_SIZE);
	}
	le32_put(raw + SB_FEATURE_RO_COMPAT,
		le32_get(raw + SB_FEATURE_RO_COMPAT) | EXT2_FEATURE_RO_COMPAT_LARGE_FILE);
}

int file_note_size(struct handle *h, const struct inode *inode)
{
	struct fs *fs = inode->fs;

	if (inode->d.size <= SMALL_MAX || super_has_large_file(&fs->sb))
		return 0;
	return errors_abort(h, superblock_update(h, fs, set_large_file, NULL));
}

int file_set_size(struct inode *inode, uint64_t size, bool times)
{
	uint64_t old = inode->d.size;
	struct handle *h;
	int err = journal_start(inode->fs->journal, FILE_SIZE_CREDITS, &h), stop_err;

	if (err)
		return err;
	inode->d.size = size;
	if (times)
		inode->d.mtime = inode->d.ctime = inode_now();
	journal_data_written(h); /* zeros behind the old end, see file_zero_tail() */
	err = file_note_size(h, inode);
	if (!err)
		err = inode_write(h, inode);
	if (err)
		inode->d.size = old;
	stop_err = journal_stop(h);
	return err ? err : stop_err;
}

int file_free_blocks(struct handle *h, struct inode *inode, uint64_t from, uint64_t to)
{
	uint64_t left;
	int err = map_free(h, inode, from, to, 0, &left);

	while (!err && left > from) {
		err = journal_restart(h, map_credits(inode));
		if (!err)
			err = map_free(h, inode, from, left, 0, &left);
	}
	return err;
}

/* The contents of inode lie in blocks. */
static bool has_map(const struct inode *inode)
{
	if (S_ISLNK(inode->d.mode))
		return !dinode_is_fast_symlink(&inode->fs->sb, &inode->d);
	return S_ISREG(inode->d.mode) || S_ISDIR(inode->d.mode);
}

/*
 * Frees the blocks from from on in h. An inode without links is an orphan already, and stays
 * one whatever happens here.
 */
static int free_rest(struct handle *h, struct inode *inode, uint64_t from)
{
	uint64_t left;
	bool added = false;
	int err = map_free(h, inode, from, EXTENT_LBLK_END, 0, &left);

	/* map_free() has left ORPHAN_CREDITS */
	if (!err && left > from && inode->d.nlink) {
		err = orphan_add(h, inode);
		added = !err;
	}
	if (!err && left > from) {
		err = journal_restart(h, map_credits(inode));
		if (!err)
			err = file_free_blocks(h, inode, from, left);
	}
	if (!err && added)
		err = orphan_del(h, inode);
	return err || !added ? err : inode_write(h, inode);
}

static int shrink(struct inode *inode, uint64_t size)
{
	struct fs *fs = inode->fs;
	uint64_t mask = fs->sb.block_size - 1, end = (size + mask) & ~mask;
	struct handle *h;
	int err = journal_start(fs->journal, map_credits(inode) + INODE_CREDITS, &h), stop_err;

	if (err)
		return err;
	/* the rest of the block, as the kernel does it: before the transaction that shows the size */
	journal_data_written(h);
	if (size < inode->d.size)
		err = file_zero_bytes(inode, size, end);
	if (!err) {
		inode->d.size = size;
		err = inode_write(h, inode);
	}
	if (!err)
		err = free_rest(h, inode, end >> fs->sb.block_bits);
	balloc_release(inode);
	stop_err = journal_stop(h);
	return err ? err : stop_err;
}

/* The contents stay inline: cuts them, or adds zeros. */
static int resize_inline(struct inode *inode, size_t size)
{
	uint64_t old = inode->d.size;
	size_t have = old < size ? (size_t)old : size;
	CLEANUP(cleanup_free) uint8_t *bytes = calloc(1, size ? size : 1);
	struct handle *h;
	int err, stop_err;

	if (!bytes)
		return -ENOMEM;
	err = inline_read(inode, 0, bytes, have);
	if (!err)
		err = journal_start(inode->fs->journal, INLINE_CREDITS, &h);
	if (err)
		return err;
	inode->d.size = size;
	err = inline_store(h, inode, bytes, size);
	if (err)
		inode->d.size = old;
	stop_err = journal_stop(h);
	return err ? err : stop_err;
}

static int truncate_inline(struct inode *inode, uint64_t size, bool *ret_done)
{
	size_t capacity;
	int err;

	*ret_done = true;
	if (size <= inode->d.size && size <= inode->fs->sb.inode_size + DINODE_BLOCK_SIZE)
		return resize_inline(inode, (size_t)size);
	err = inline_capacity(inode, &capacity);
	if (err)
		return err;
	if (size <= capacity)
		return resize_inline(inode, (size_t)size);
	*ret_done = false;
	return file_uninline(inode, 0);
}

static int set_length(struct inode *inode, uint64_t size)
{
	bool done = false;
	int err = size > file_max_size(inode) ? -EFBIG : 0;

	if (!err && inode->d.flags & EXT4_INLINE_DATA_FL)
		err = truncate_inline(inode, size, &done);
	if (err || done)
		return err;
	if (!has_map(inode))
		return file_set_size(inode, size, false);
	if (size <= inode->d.size)
		return shrink(inode, size);
	err = file_zero_tail(inode, size);
	if (!err)
		err = file_set_size(inode, size, false);
	/* the size of who writes past us was larger, and so there may be blocks behind this one */
	return err || !atomic_load_explicit(&inode->outside, memory_order_relaxed) ? err : shrink(inode, size);
}

int file_truncate_locked(struct inode *inode, uint64_t size)
{
	int err = 0;

	if (S_ISREG(inode->d.mode) && inode->d.nlink)
		err = file_check_change(inode);
	if (!err)
		err = set_length(inode, size);
	/* this is the size that counts now, not what was promised before */
	if (!err && inode->fs->owed)
		owed_settle_size(inode->fs->owed, inode->ino);
	return err;
}

int file_cut_locked(struct inode *inode)
{
	return set_length(inode, inode->d.size);
}
