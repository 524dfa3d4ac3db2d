// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Giving back what an orphan has: its blocks, its attributes, its number; at last, or after a
 * crash. As many transactions as it takes; between any two of them the inode is still an orphan
 * with a sound map, so that whoever comes next begins again.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/balloc.h"
#include "fs/file.h"
#include "fs/fs_i.h"
#include "fs/ialloc.h"
#include "fs/mapedit.h"
#include "fs/orphan_i.h"
#include "fs/xattredit.h"

/* One past the last block that any map can hold. */
#define MAP_END ((uint64_t)1 << 32)

static unsigned max(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

static unsigned last_credits(const struct inode *inode)
{
	return ialloc_credits(inode->fs) + ORPHAN_CREDITS;
}

static unsigned free_credits(const struct inode *inode)
{
	unsigned most = max(map_credits(inode), XATTR_FREE_CREDITS);

	return INODE_CREDITS + max(most, last_credits(inode));
}

/* Whether i_block is the root of a map. */
static bool has_map(const struct inode *inode)
{
	const struct dinode *d = &inode->d;

	if (d->flags & EXT4_INLINE_DATA_FL)
		return false;
	return S_ISREG(d->mode) || S_ISDIR(d->mode) ||
		(S_ISLNK(d->mode) && !dinode_is_fast_symlink(&inode->fs->sb, d));
}

static int free_blocks(struct handle *h, struct inode *inode, uint64_t from)
{
	unsigned flags = S_ISREG(inode->d.mode) ? 0 : BFREE_META;
	uint64_t left = MAP_END, before;
	int err;

	do {
		before = left;
		err = map_free(h, inode, from, MAP_END, flags, &left);
		if (err || left <= from)
			return err;
		err = journal_restart(h, free_credits(inode));
	} while (!err && left < before);
	return err ? err : fs_corrupt(inode->fs, inode->ino, -EUCLEAN, "blocks cannot be freed");
}

static int free_attributes(struct handle *h, struct inode *inode)
{
	bool done = false;
	int err = 0;

	while (!err && !done) {
		if (journal_credits(h) < XATTR_FREE_CREDITS + INODE_CREDITS)
			err = journal_restart(h, free_credits(inode));
		if (!err)
			err = xattr_free_all(h, inode, &done);
		if (!err && !done)
			err = journal_restart(h, free_credits(inode));
	}
	return err;
}

static int free_number(struct handle *h, struct inode *inode)
{
	unsigned credits = last_credits(inode);
	int err = 0;

	if (journal_credits(h) < credits && !journal_extend(h, credits))
		err = journal_restart(h, credits);
	if (!err)
		err = orphan_del(h, inode);
	if (err)
		return err;
	err = ialloc_free(h, inode);
	/* it is nobody's any more, even if the bitmap thinks otherwise */
	if (err)
		inode_forget(inode);
	return err;
}

static int free_all(struct handle *h, struct inode *inode)
{
	bool mapped = has_map(inode);
	int err = 0;

	/* no write of its own: the first blocks that go take it to the table, or the number */
	inode->d.size = 0;
	/* without its size a target would pass for a map */
	if (!mapped && S_ISLNK(inode->d.mode) && !(inode->d.flags & EXT4_INLINE_DATA_FL))
		memset(inode->d.block, 0, DINODE_BLOCK_SIZE);
	if (mapped)
		err = free_blocks(h, inode, 0);
	if (!err)
		err = free_attributes(h, inode);
	return err ? err : free_number(h, inode);
}

static int free_locked(struct inode *inode)
{
	struct handle *h;
	int err, stop_err;

	/* somebody else was faster, or it has got a name */
	if (!inode->orphan || inode->d.nlink)
		return 0;
	balloc_release(inode);
	err = journal_try_start(inode->fs->journal, free_credits(inode), &h);
	if (err)
		return err;
	err = free_all(h, inode);
	stop_err = journal_stop(h);
	return err ? err : stop_err;
}

/* Whether ino is left for orphan_thawed(). */
static void set_put_off(struct fs *fs, uint32_t ino, bool put_off)
{
	struct orphan *orphan;

	lock_take(&fs->orphans->table_lock);
	orphan = orphan_find_locked(fs->orphans, ino);
	if (orphan)
		orphan->put_off = put_off;
	lock_drop(&fs->orphans->table_lock);
}

int orphan_free(struct fs *fs, uint32_t ino)
{
	struct inode *inode;
	int err;

	if (!orphan_is_known(fs, ino))
		return 0;
	/* before trying: if that is too early, the thaw comes after it and finds this */
	set_put_off(fs, ino, true);
	err = inode_get_special(fs, ino, &inode);
	if (err)
		return err == -ESTALE && !orphan_is_known(fs, ino) ? 0 : err;
	rwlock_write(&inode->lock);
	err = free_locked(inode);
	rwlock_drop(&inode->lock);
	inode_put(inode);
	if (err == -EAGAIN)
		return 0;
	set_put_off(fs, ino, false);
	return err;
}

/* The truncation that was under way, from the size that it had already set. */
static int truncate_rest(struct inode *inode)
{
	uint64_t bs = inode->fs->sb.block_size;
	struct handle *h;
	int err, stop_err;

	err = journal_start(inode->fs->journal, free_credits(inode), &h);
	if (err)
		return err;
	if (S_ISREG(inode->d.mode) && has_map(inode))
		err = free_blocks(h, inode, (inode->d.size + bs - 1) / bs);
	if (!err && journal_credits(h) < ORPHAN_CREDITS)
		err = journal_restart(h, ORPHAN_CREDITS);
	if (!err)
		err = orphan_del(h, inode);
	if (!err)
		err = inode_write(h, inode);
	stop_err = journal_stop(h);
	return err ? err : stop_err;
}

int orphan_truncate(struct fs *fs, uint32_t ino)
{
	struct inode *inode;
	int err = inode_get_special(fs, ino, &inode);

	if (err)
		return err;
	rwlock_write(&inode->lock);
	if (S_ISREG(inode->d.mode))
		err = file_cut_locked(inode);
	if (!err && inode->orphan)
		err = truncate_rest(inode);
	rwlock_drop(&inode->lock);
	inode_put(inode);
	return err;
}

/* ---- closing ---- */

/* The number of an orphan that is put off; 0: none. */
static uint32_t any_put_off(struct orphans *orphans)
{
	uint32_t ino = 0;

	lock_take(&orphans->table_lock);
	for (size_t i = 0; i < orphans->buckets && !ino; i++)
		for (struct orphan *o = orphans->table[i]; o && !ino; o = o->hash_next)
			if (o->put_off) {
				o->put_off = false;
				ino = o->ino;
			}
	lock_drop(&orphans->table_lock);
	return ino;
}

void orphan_thawed(struct fs *fs)
{
	uint32_t ino;

	while (fs->orphans && !atomic_load(&fs->frozen) && (ino = any_put_off(fs->orphans)))
		if (orphan_free(fs, ino))
			return; /* reported; they stay orphans, as in orphan_free()'s other callers */
}

/* The number of an orphan that has not been tried yet; 0: none. */
static uint32_t any_orphan(struct orphans *orphans)
{
	uint32_t ino = 0;

	lock_take(&orphans->table_lock);
	for (size_t i = 0; i < orphans->buckets && !ino; i++)
		for (struct orphan *o = orphans->table[i]; o && !ino; o = o->hash_next)
			if (!o->tried) {
				o->tried = true;
				ino = o->ino;
			}
	lock_drop(&orphans->table_lock);
	return ino;
}

/* The first error. */
static int free_rest(struct fs *fs)
{
	uint32_t ino;
	int first = 0;

	while ((ino = any_orphan(fs->orphans))) {
		int err = orphan_free(fs, ino);

		if (err && !first)
			first = err;
	}
	return first;
}

int orphan_close(struct fs *fs)
{
	return fs->orphans ? free_rest(fs) : 0;
}
