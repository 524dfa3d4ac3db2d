// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fs/dirblock_edit.h"

#include <errno.h>

#include "format/dx.h"
#include "fs/balloc.h"
#include "fs/fs_i.h"
#include "fs/mapedit.h"

size_t dirblock_leaf_size(const struct inode *dir)
{
	const struct super *sb = &dir->fs->sb;

	return sb->block_size - (super_has_metadata_csum(sb) ? DIRENT_TAIL_SIZE : 0);
}

struct dirent_chain dirblock_leaf_chain(const struct inode *dir, const uint8_t *raw)
{
	struct dirent_chain chain = dirblock_chain(dir);

	chain.raw = raw;
	chain.size = dirblock_leaf_size(dir);
	return chain;
}

void dirblock_seal(struct inode *dir, struct buf *buf, enum dirblock_kind kind)
{
	const struct super *sb = &dir->fs->sb;

	if (kind != DIRBLOCK_LEAF)
		dx_csum_set(sb, buf->data, kind == DIRBLOCK_ROOT, dir->csum_seed);
	else if (super_has_metadata_csum(sb))
		dirent_csum_set(buf->data, sb->block_size, dir->csum_seed);
	buf_set_proven(buf, kind == DIRBLOCK_LEAF ? BUF_KIND_DIR : BUF_KIND_DX, dir->ino);
}

/* The block cannot be had after all. If it cannot be given back either, the journal has failed. */
static void unmap(struct handle *h, struct inode *dir, uint64_t lblk)
{
	uint64_t left;
	int err = map_free(h, dir, lblk, lblk + 1, BFREE_META, &left);

	if (err || left != lblk)
		journal_abort(journal_of(h), err ? err : -EIO);
}

int dirblock_append(struct handle *h, struct inode *dir, uint32_t *ret_lblk, struct buf **ret)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	const struct super *sb = &dir->fs->sb;
	uint64_t lblk;
	struct run run;
	int err = dirblock_count(dir, &lblk);

	/* numbers in the index have 28 bits */
	if (!err && lblk > DX_BLOCK_MAX)
		err = -ENOSPC;
	if (!err)
		err = map_alloc(h, dir, lblk, 1, RUN_DATA, BALLOC_META, &run);
	if (err)
		return err;
	err = journal_create(h, run.pblk, &buf);
	if (!err) {
		dir->d.size = (lblk + 1) << sb->block_bits;
		err = inode_write(h, dir);
	}
	if (err) {
		dir->d.size = lblk << sb->block_bits;
		unmap(h, dir, lblk);
		return err;
	}
	*ret_lblk = (uint32_t)lblk;
	*ret = STEAL(buf);
	return 0;
}

int dirblock_insert(struct handle *h, struct inode *dir, uint64_t lblk, struct buf *buf,
	const struct dirent_rec *rec)
{
	const struct dirent_chain chain = dirblock_leaf_chain(dir, buf->data);
	const char *why;
	size_t off;
	int err = dirent_find_room(&chain, rec->name_len, &off, &why);

	if (err == -EUCLEAN)
		return fs_corrupt(dir->fs, dir->ino, err, "directory record near offset %llu: %s",
			(unsigned long long)lblk << dir->fs->sb.block_bits, why);
	if (!err)
		err = journal_write(h, buf);
	if (err)
		return err;
	dirent_insert(buf->data, chain.size, off, rec);
	dirblock_seal(dir, buf, DIRBLOCK_LEAF);
	return 0;
}
