// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The orphans in memory: a table by number, and those of the list on disk chained in its order.
 *
 * Invariants:
 *  1. What is in the table is what inode->orphan says, for each inode object (its own lock).
 *  2. [lock] The chain from head is the list on disk: s_last_orphan is head's number, i_dtime of
 *     each the number of the next. i_dtime of a listed inode is written here only; inode_write()
 *     keeps it.
 *  3. Without a journal nothing is on disk, as in the kernel: after a crash e2fsck has to look at
 *     everything anyway.
 */
#include "config.h"

#include "fs/orphan.h"

#include <errno.h>

#include "format/le.h"
#include "fs/fs_i.h"
#include "fs/orphan_i.h"
#include "fs/superblock.h"

#define BUCKETS_MIN 64

static struct orphan **bucket_of(struct orphans *orphans, uint32_t ino)
{
	return &orphans->table[ino & (orphans->buckets - 1)];
}

struct orphan *orphan_find_locked(struct orphans *orphans, uint32_t ino)
{
	struct orphan *orphan = *bucket_of(orphans, ino);

	while (orphan && orphan->ino != ino)
		orphan = orphan->hash_next;
	return orphan;
}

struct orphan *orphan_find(struct orphans *orphans, uint32_t ino)
{
	struct orphan *orphan;

	lock_take(&orphans->table_lock);
	orphan = orphan_find_locked(orphans, ino);
	lock_drop(&orphans->table_lock);
	return orphan;
}

/* Twice the buckets; without memory the chains get longer instead. */
static void grow_locked(struct orphans *orphans)
{
	size_t old_buckets = orphans->buckets;
	struct orphan **old = orphans->table;
	struct orphan **table = calloc(old_buckets * 2, sizeof(struct orphan *));

	if (!table)
		return;
	orphans->table = table;
	orphans->buckets *= 2;
	for (size_t i = 0; i < old_buckets; i++)
		while (old[i]) {
			struct orphan *orphan = old[i];
			struct orphan **bucket = bucket_of(orphans, orphan->ino);

			old[i] = orphan->hash_next;
			orphan->hash_next = *bucket;
			*bucket = orphan;
		}
	free(old);
}

void orphan_enter(struct orphans *orphans, struct orphan *orphan)
{
	struct orphan **bucket;

	lock_take(&orphans->table_lock);
	if (orphans->nr >= orphans->buckets)
		grow_locked(orphans);
	bucket = bucket_of(orphans, orphan->ino);
	orphan->hash_next = *bucket;
	*bucket = orphan;
	orphans->nr++;
	lock_drop(&orphans->table_lock);
}

static void leave(struct orphans *orphans, struct orphan *orphan)
{
	struct orphan **at;

	lock_take(&orphans->table_lock);
	at = bucket_of(orphans, orphan->ino);
	while (*at != orphan)
		at = &(*at)->hash_next;
	*at = orphan->hash_next;
	orphans->nr--;
	lock_drop(&orphans->table_lock);
	free(orphan);
}

uint8_t orphan_bits(struct fs *fs, uint32_t ino)
{
	struct orphan *orphan;
	uint8_t bits = 0;

	if (!fs->orphans || !atomic_load_explicit(&fs->orphans->nr, memory_order_relaxed))
		return 0;
	lock_take(&fs->orphans->table_lock);
	orphan = orphan_find_locked(fs->orphans, ino);
	if (orphan)
		bits = orphan->bits;
	lock_drop(&fs->orphans->table_lock);
	return bits;
}

bool orphan_is_known(struct fs *fs, uint32_t ino)
{
	return orphan_bits(fs, ino) & ORPHAN_KNOWN;
}

void orphan_set_linkable(struct inode *inode)
{
	struct orphans *orphans = inode->fs->orphans;
	struct orphan *orphan;

	inode->orphan |= ORPHAN_LINKABLE;
	lock_take(&orphans->table_lock);
	orphan = orphan_find_locked(orphans, inode->ino);
	if (orphan)
		orphan->bits = inode->orphan;
	lock_drop(&orphans->table_lock);
}

/* ---- on disk ---- */

static void put_last_orphan(uint8_t *raw, void *arg)
{
	const uint32_t *ino = arg;

	le32_put(raw + SB_LAST_ORPHAN, *ino);
}

int orphan_write_last(struct handle *h, struct fs *fs, uint32_t ino)
{
	return superblock_update(h, fs, put_last_orphan, &ino);
}

/* Makes orphan the first of the list. */
static int list_add(struct handle *h, struct fs *fs, struct orphan *orphan)
{
	struct orphans *orphans = fs->orphans;
	int err;

	err = dinode_write_dtime(h, fs, orphan->ino, orphans->head ? orphans->head->ino : 0);
	if (!err)
		err = orphan_write_last(h, fs, orphan->ino);
	if (err)
		return err;
	orphan->next = orphans->head;
	if (orphan->next)
		orphan->next->prev = orphan;
	orphans->head = orphan;
	return 0;
}

static int list_del(struct handle *h, struct fs *fs, struct orphan *orphan)
{
	uint32_t next = orphan->next ? orphan->next->ino : 0;
	int err;

	if (orphan->prev)
		err = dinode_write_dtime(h, fs, orphan->prev->ino, next);
	else
		err = orphan_write_last(h, fs, next);
	if (err)
		return err;
	*(orphan->prev ? &orphan->prev->next : &fs->orphans->head) = orphan->next;
	if (orphan->next)
		orphan->next->prev = orphan->prev;
	return 0;
}

static int write_added(struct handle *h, struct fs *fs, struct orphan *orphan)
{
	struct orphans *orphans = fs->orphans;
	int err = -ENOSPC;

	orphan->bits = ORPHAN_KNOWN;
	orphan->slot = ORPHAN_NO_SLOT;
	if (!super_has_journal(&fs->sb))
		return 0;
	if (orphans->file)
		err = orphanfile_add(h, orphans->file, orphan->ino, &orphan->slot);
	if (err != -ENOSPC)
		return err;
	/* as the kernel: what the file cannot take goes to the list */
	orphan->bits |= ORPHAN_LISTED;
	lock_take(&orphans->lock);
	err = list_add(h, fs, orphan);
	lock_drop(&orphans->lock);
	return err;
}

int orphan_add(struct handle *h, struct inode *inode)
{
	struct fs *fs = inode->fs;
	struct orphan *orphan;
	int err;

	if (inode->orphan)
		return 0;
	orphan = calloc(1, sizeof(*orphan));
	if (!orphan)
		return -ENOMEM;
	orphan->ino = inode->ino;
	err = write_added(h, fs, orphan);
	if (err) {
		free(orphan);
		return err;
	}
	inode->orphan = orphan->bits;
	orphan_enter(fs->orphans, orphan);
	return 0;
}

/* Takes orphan off the disk and out of memory. Half done only if the journal is aborted. */
static int del(struct handle *h, struct fs *fs, struct orphan *orphan)
{
	struct orphans *orphans = fs->orphans;
	int err = 0;

	if (orphan->bits & ORPHAN_LISTED) {
		lock_take(&orphans->lock);
		err = list_del(h, fs, orphan);
		lock_drop(&orphans->lock);
	} else if (orphan->slot != ORPHAN_NO_SLOT) {
		err = orphanfile_del(h, orphans->file, orphan->slot);
	}
	if (err)
		journal_abort(journal_of(h), err);
	else
		leave(orphans, orphan);
	return err;
}

int orphan_del(struct handle *h, struct inode *inode)
{
	int err;

	if (!inode->orphan)
		return 0;
	err = del(h, inode->fs, orphan_find(inode->fs->orphans, inode->ino));
	if (err)
		return err;
	inode->orphan = 0;
	inode->d.dtime = 0;
	return 0;
}

/* ---- life ---- */

int orphan_new(struct fs *fs)
{
	struct orphans *orphans = calloc(1, sizeof(*orphans));

	if (!orphans)
		return -ENOMEM;
	orphans->buckets = BUCKETS_MIN;
	orphans->table = calloc(BUCKETS_MIN, sizeof(struct orphan *));
	if (!orphans->table) {
		free(orphans);
		return -ENOMEM;
	}
	lock_init(&orphans->lock, LOCK_RANK_ORPHAN);
	lock_init(&orphans->table_lock, LOCK_RANK_LEAF);
	fs->orphans = orphans;
	return 0;
}

bool orphan_file_in_use(const struct fs *fs)
{
	return fs->orphans && fs->orphans->file && !orphanfile_is_empty(fs->orphans->file);
}

void orphan_fini(struct fs *fs)
{
	struct orphans *orphans = fs->orphans;

	if (!orphans)
		return;
	orphanfile_close(orphans->file);
	for (size_t i = 0; i < orphans->buckets; i++)
		while (orphans->table[i]) {
			struct orphan *orphan = orphans->table[i];

			orphans->table[i] = orphan->hash_next;
			free(orphan);
		}
	free(orphans->table);
	lock_fini(&orphans->lock);
	lock_fini(&orphans->table_lock);
	free(orphans);
	fs->orphans = NULL;
}
