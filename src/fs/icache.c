// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fs/icache.h"

#include <assert.h>
#include <errno.h>

#include "crypt/filekey.h"
#include "fs/balloc.h"
#include "fs/fcr.h"
#include "fs/fs_i.h"
#include "fs/map.h"
#include "fs/orphan.h"

#define SHARDS 16
#define SHARD_BUCKETS 256
#define SHARD_MAX_UNUSED 256 /* 4096 unused inodes in all */

struct shard {
	struct lock lock;		     /* rank ICACHE */
	struct inode *table[SHARD_BUCKETS];  /* [lock] */
	struct inode *oldest, *newest;	     /* [lock] unused ones */
	size_t unused;			     /* [lock] */
	unsigned generation;		     /* [lock] counts removals of what was changed */
};

struct icache {
	struct shard shards[SHARDS];
	size_t run_budget;  /* [const] */
	_Atomic ptrdiff_t runs; /* held by all inodes' maps */
};

static struct shard *shard_of(struct icache *icache, uint32_t ino)
{
	return &icache->shards[ino % SHARDS];
}

static struct inode **bucket_of(struct shard *shard, uint32_t ino)
{
	return &shard->table[ino / SHARDS % SHARD_BUCKETS];
}

int icache_new(size_t run_budget, struct icache **ret)
{
	struct icache *icache = calloc(1, sizeof(*icache));

	if (!icache)
		return -ENOMEM;
	icache->run_budget = run_budget;
	for (int i = 0; i < SHARDS; i++)
		lock_init(&icache->shards[i].lock, LOCK_RANK_ICACHE);
	*ret = icache;
	return 0;
}

void icache_account_runs(struct fs *fs, ptrdiff_t delta)
{
	atomic_fetch_add_explicit(&fs->icache->runs, delta, memory_order_relaxed);
}

bool icache_over_budget(struct fs *fs)
{
	return atomic_load_explicit(&fs->icache->runs, memory_order_relaxed) >
		(ptrdiff_t)fs->icache->run_budget;
}

/* The inode has left the table; the shard's lock is not held. */
static void inode_free(struct inode *inode)
{
	balloc_release(inode);
	extmap_fini(&inode->map);
	filekey_free(inode->key);
	rwlock_fini(&inode->lock);
	free(inode);
}

static void unused_remove(struct shard *shard, struct inode *inode)
{
	*(inode->prev ? &inode->prev->next : &shard->oldest) = inode->next;
	*(inode->next ? &inode->next->prev : &shard->newest) = inode->prev;
	inode->prev = inode->next = NULL;
	shard->unused--;
}

static void unused_append(struct shard *shard, struct inode *inode)
{
	inode->prev = shard->newest;
	inode->next = NULL;
	*(shard->newest ? &shard->newest->next : &shard->oldest) = inode;
	shard->newest = inode;
	shard->unused++;
}

static void table_remove(struct shard *shard, struct inode *inode)
{
	struct inode **at = bucket_of(shard, inode->ino);

	while (*at != inode)
		at = &(*at)->hash_next;
	*at = inode->hash_next;
	inode->forgotten = true;
	/* who began to load it before the change, and saw it neither here nor there, reads again */
	if (atomic_load_explicit(&inode->changed, memory_order_relaxed))
		shard->generation++;
}

/* The inode is to be freed, once the lock is dropped: chained before dead by hash_next. */
static struct inode *condemn(struct fs *fs, struct inode *inode, struct inode *dead)
{
	icache_account_runs(fs, -(ptrdiff_t)extmap_count(&inode->map));
	inode->hash_next = dead;
	return inode;
}

static struct inode *drop_oldest(struct fs *fs, struct shard *shard, struct inode *dead)
{
	struct inode *inode = shard->oldest;

	unused_remove(shard, inode);
	table_remove(shard, inode);
	return condemn(fs, inode, dead);
}

void icache_free(struct icache *icache)
{
	if (!icache)
		return;
	for (int i = 0; i < SHARDS; i++) {
		struct shard *shard = &icache->shards[i];

		while (shard->oldest) {
			struct inode *inode = shard->oldest;

			unused_remove(shard, inode);
			inode_free(inode);
		}
		lock_fini(&shard->lock);
	}
	free(icache);
}

static struct inode *find_locked(struct shard *shard, uint32_t ino)
{
	struct inode *inode = *bucket_of(shard, ino);

	while (inode && inode->ino != ino)
		inode = inode->hash_next;
	if (!inode)
		return NULL;
	if (!inode->refs)
		unused_remove(shard, inode);
	inode->refs++;
	return inode;
}

static int inode_new(struct fs *fs, uint32_t ino, const struct dinode *d, struct inode **ret)
{
	struct inode *inode = calloc(1, sizeof(*inode));

	if (!inode)
		return -ENOMEM;
	inode->fs = fs;
	inode->ino = ino;
	inode->d = *d;
	inode->csum_seed = dinode_csum_seed(&fs->sb, ino, d->generation);
	inode->refs = 1;
	/* as ext4_iget(): it may have been changed, and have left the cache before that was durable */
	inode->overwritten = 1;
	if (fs->journal)
		inode->tid = inode->data_tid = journal_newest(fs->journal);
	inode->orphan = orphan_bits(fs, ino);
	atomic_init(&inode->is_value, d->flags & EXT4_EA_INODE_FL);
	rwlock_init(&inode->lock, LOCK_RANK_INODE);
	extmap_init(&inode->map);
	if (fs->fcr)
		fcr_attach_map(fs->fcr, ino, &inode->map);
	*ret = inode;
	return 0;
}

/*
 * Enters fresh, which was read when the shard had *generation. Another thread may have been faster:
 * then that one's inode is held instead. NULL, and the present *generation: fresh may be of before a
 * change.
 */
static struct inode *insert(struct shard *shard, struct inode *fresh, unsigned *generation)
{
	struct inode **bucket = bucket_of(shard, fresh->ino);
	struct inode *inode;

	lock_take(&shard->lock);
	inode = find_locked(shard, fresh->ino);
	if (!inode && shard->generation == *generation) {
		fresh->hash_next = *bucket;
		*bucket = fresh;
		inode = fresh;
	}
	*generation = shard->generation;
	lock_drop(&shard->lock);
	if (inode != fresh)
		inode_free(fresh);
	return inode;
}

static struct inode *find(struct shard *shard, uint32_t ino, unsigned *ret_generation)
{
	struct inode *inode;

	lock_take(&shard->lock);
	inode = find_locked(shard, ino);
	*ret_generation = shard->generation;
	lock_drop(&shard->lock);
	return inode;
}

int icache_get(struct fs *fs, uint32_t ino, icache_load *load, struct inode **ret)
{
	struct shard *shard = shard_of(fs->icache, ino);
	unsigned generation;
	struct inode *inode = find(shard, ino, &generation);

	while (!inode) {
		struct dinode d;
		int err = load(fs, ino, &d);

		if (!err)
			err = inode_new(fs, ino, &d, &inode);
		if (err)
			return err;
		inode = insert(shard, inode, &generation);
	}
	if (atomic_load_explicit(&inode->fresh, memory_order_acquire)) {
		inode_put(inode);
		return -ESTALE;
	}
	*ret = inode;
	return 0;
}

/* dinode_check_user() without the inode's lock. */
static int check_user(const struct inode *inode)
{
	static const struct dinode value = { .flags = EXT4_EA_INODE_FL };

	if (!super_ino_special(&inode->fs->sb, inode->ino) &&
		!atomic_load_explicit(&inode->is_value, memory_order_relaxed))
		return 0;
	return dinode_check_user(inode->fs, inode->ino, &value);
}

int inode_get(struct fs *fs, uint32_t ino, struct inode **ret)
{
	struct inode *inode;
	int err = icache_get(fs, ino, dinode_load, &inode);

	if (err)
		return err;
	/* it may be in the cache for inode_get_special()'s sake */
	err = check_user(inode);
	if (err)
		inode_put(inode);
	else
		*ret = inode;
	return err;
}

int inode_get_special(struct fs *fs, uint32_t ino, struct inode **ret)
{
	return icache_get(fs, ino, dinode_load_special, ret);
}

int inode_create(struct fs *fs, uint32_t ino, const struct dinode *d, struct inode **ret)
{
	struct shard *shard = shard_of(fs->icache, ino);
	struct inode *fresh, *old;
	int err = inode_new(fs, ino, d, &fresh);

	if (err)
		return err;
	atomic_init(&fresh->fresh, true);
	fresh->overwritten = 0;
	lock_take(&shard->lock);
	/* only where two things claim to be one inode; the old object serves its holders to the end */
	old = find_locked(shard, ino);
	if (old)
		table_remove(shard, old);
	fresh->hash_next = *bucket_of(shard, ino);
	*bucket_of(shard, ino) = fresh;
	lock_drop(&shard->lock);
	if (old)
		inode_put(old);
	*ret = fresh;
	return 0;
}

void inode_forget(struct inode *inode)
{
	struct shard *shard = shard_of(inode->fs->icache, inode->ino);

	lock_take(&shard->lock);
	if (!inode->forgotten)
		table_remove(shard, inode);
	lock_drop(&shard->lock);
}

void inode_put(struct inode *inode)
{
	struct fs *fs = inode->fs;
	struct shard *shard = shard_of(fs->icache, inode->ino);
	struct inode *dead = NULL;
	bool last;

	lock_take(&shard->lock);
	assert(inode->refs);
	last = --inode->refs == 0;
	if (last && inode->forgotten) {
		dead = condemn(fs, inode, NULL);
	} else if (last) {
		unused_append(shard, inode);
		while (shard->unused &&
			(shard->unused > SHARD_MAX_UNUSED || icache_over_budget(fs)))
			dead = drop_oldest(fs, shard, dead);
	}
	lock_drop(&shard->lock);
	while (dead) {
		inode = dead;
		dead = inode->hash_next;
		inode_free(inode);
	}
}
