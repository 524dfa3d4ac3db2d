// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The buffers are spread over shards by block number; a shard is a hash table and a ring
 * in clock order under one lock.
 *
 * Invariants:
 * 1. A buffer is in its shard's table and ring from allocation until it is freed.
 * 2. refs rises only under the shard lock, so refs == 0 seen under the lock is final there.
 * 3. data, pblk are constant while refs > 0 and state is READY.
 * 4. A buffer whose read failed leaves the table at once; the last holder frees it.
 */
#include "config.h"

#include "cache/cache.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "util/lock.h"

#define SHARDS 16
#define SHARD_BUCKETS 1024
#define SHARD_MIN_BUFS 4

enum { STATE_LOADING, STATE_READY, STATE_FAILED };

struct shard {
	struct lock lock; /* rank BUF */
	pthread_cond_t loaded;
	struct buf *table[SHARD_BUCKETS]; /* [lock] */
	struct buf *hand;		  /* [lock] next candidate for eviction */
	size_t nr;			  /* [lock] buffers in the ring */
};

struct cache {
	struct blk *blk;
	uint32_t block_size;
	size_t max_per_shard;
	struct shard shards[SHARDS];
};

static uint64_t mix(uint64_t pblk)
{
	return pblk * 0x9E3779B97F4A7C15ull;
}

static struct shard *shard_of(struct cache *cache, uint64_t pblk)
{
	return &cache->shards[mix(pblk) >> 60];
}

static struct buf **bucket_of(struct shard *shard, uint64_t pblk)
{
	return &shard->table[(mix(pblk) >> 40) % SHARD_BUCKETS];
}

static void ring_insert(struct shard *shard, struct buf *buf)
{
	if (!shard->hand) {
		buf->prev = buf->next = buf;
		shard->hand = buf;
	} else {
		buf->next = shard->hand;
		buf->prev = shard->hand->prev;
		buf->prev->next = buf;
		buf->next->prev = buf;
	}
	shard->nr++;
}

static void ring_remove(struct shard *shard, struct buf *buf)
{
	if (shard->hand == buf)
		shard->hand = buf->next == buf ? NULL : buf->next;
	buf->prev->next = buf->next;
	buf->next->prev = buf->prev;
	shard->nr--;
}

static void table_remove(struct shard *shard, struct buf *buf)
{
	struct buf **at = bucket_of(shard, buf->pblk);

	while (*at != buf)
		at = &(*at)->hash_next;
	*at = buf->hash_next;
}

/* Second chance: at most two turns of the ring; NULL if everything is held. */
static struct buf *evict(struct shard *shard)
{
	size_t tries;

	for (tries = 2 * shard->nr; tries; tries--) {
		struct buf *buf = shard->hand;

		shard->hand = buf->next;
		if (atomic_load_explicit(&buf->refs, memory_order_acquire))
			continue;
		if (atomic_exchange_explicit(&buf->recent, false, memory_order_relaxed))
			continue;
		table_remove(shard, buf);
		ring_remove(shard, buf);
		return buf;
	}
	return NULL;
}

static struct buf *buf_alloc(uint32_t block_size)
{
	struct buf *buf = calloc(1, sizeof(*buf));

	if (buf)
		buf->data = malloc(block_size);
	if (buf && !buf->data) {
		free(buf);
		return NULL;
	}
	return buf;
}

static void buf_free(struct buf *buf)
{
	if (buf)
		free(buf->data);
	free(buf);
}

/* A held buffer for pblk, in the table and LOADING. */
static struct buf *add_loading_locked(struct cache *cache, struct shard *shard, uint64_t pblk)
{
	struct buf *buf = shard->nr >= cache->max_per_shard ? evict(shard) : NULL;
	struct buf **bucket = bucket_of(shard, pblk);

	if (!buf)
		buf = buf_alloc(cache->block_size);
	if (!buf)
		return NULL;
	buf->pblk = pblk;
	buf->state = STATE_LOADING;
	atomic_store_explicit(&buf->proof, 0, memory_order_relaxed);
	atomic_store_explicit(&buf->refs, 1, memory_order_relaxed);
	atomic_store_explicit(&buf->recent, true, memory_order_relaxed);
	buf->hash_next = *bucket;
	*bucket = buf;
	ring_insert(shard, buf);
	return buf;
}

static struct buf *find_locked(struct shard *shard, uint64_t pblk)
{
	struct buf *buf = *bucket_of(shard, pblk);

	while (buf && buf->pblk != pblk)
		buf = buf->hash_next;
	return buf;
}

/* Waits until another thread's read of buf is over. Gives up the reference if it failed. */
static int wait_loaded_locked(struct shard *shard, struct buf *buf)
{
	int err;

	while (buf->state == STATE_LOADING)
		lock_wait(&shard->lock, &shard->loaded);
	if (buf->state == STATE_READY)
		return 0;
	err = buf->err;
	if (atomic_fetch_sub(&buf->refs, 1) == 1)
		buf_free(buf);
	return err;
}

/* Fills buf without the lock, then tells the waiters. */
static int load(struct cache *cache, struct shard *shard, struct buf *buf)
{
	uint64_t off = buf->pblk * cache->block_size;
	int err = -EIO;

	if (buf->pblk <= UINT64_MAX / cache->block_size)
		err = blk_read(cache->blk, off, buf->data, cache->block_size);

	lock_take(&shard->lock);
	buf->err = err;
	buf->state = err ? STATE_FAILED : STATE_READY;
	pthread_cond_broadcast(&shard->loaded);
	if (err) {
		table_remove(shard, buf);
		ring_remove(shard, buf);
		if (atomic_fetch_sub(&buf->refs, 1) == 1)
			buf_free(buf);
	}
	lock_drop(&shard->lock);
	return err;
}

int cache_get(struct cache *cache, uint64_t pblk, struct buf **ret)
{
	struct shard *shard = shard_of(cache, pblk);
	struct buf *buf;
	bool mine = false;
	int err = 0;

	lock_take(&shard->lock);
	buf = find_locked(shard, pblk);
	if (buf) {
		atomic_fetch_add_explicit(&buf->refs, 1, memory_order_relaxed);
		atomic_store_explicit(&buf->recent, true, memory_order_relaxed);
		err = wait_loaded_locked(shard, buf);
	} else {
		buf = add_loading_locked(cache, shard, pblk);
		mine = true;
		err = buf ? 0 : -ENOMEM;
	}
	lock_drop(&shard->lock);

	if (!err && mine)
		err = load(cache, shard, buf);
	if (!err)
		*ret = buf;
	return err;
}

void cache_put(struct buf *buf)
{
	if (buf)
		atomic_fetch_sub_explicit(&buf->refs, 1, memory_order_release);
}

int cache_read_bytes(struct cache *cache, uint64_t off, void *dst, size_t len)
{
	uint8_t *out = dst;

	while (len) {
		size_t at = off % cache->block_size;
		size_t part = cache->block_size - at < len ? cache->block_size - at : len;
		struct buf *buf;
		int err = cache_get(cache, off / cache->block_size, &buf);

		if (err)
			return err;
		memcpy(out, buf->data + at, part);
		cache_put(buf);
		out += part;
		off += part;
		len -= part;
	}
	return 0;
}

int cache_new(struct blk *blk, uint32_t block_size, size_t capacity, struct cache **ret)
{
	struct cache *cache = calloc(1, sizeof(*cache));
	size_t per_shard = capacity / SHARDS / block_size;

	if (!cache)
		return -ENOMEM;
	cache->blk = blk;
	cache->block_size = block_size;
	cache->max_per_shard = per_shard < SHARD_MIN_BUFS ? SHARD_MIN_BUFS : per_shard;
	for (int i = 0; i < SHARDS; i++) {
		lock_init(&cache->shards[i].lock, LOCK_RANK_BUF);
		pthread_cond_init(&cache->shards[i].loaded, NULL);
	}
	*ret = cache;
	return 0;
}

void cache_free(struct cache *cache)
{
	if (!cache)
		return;
	for (int i = 0; i < SHARDS; i++) {
		struct shard *shard = &cache->shards[i];

		while (shard->hand) {
			struct buf *buf = shard->hand;

			assert(atomic_load(&buf->refs) == 0);
			ring_remove(shard, buf);
			buf_free(buf);
		}
		lock_fini(&shard->lock);
		pthread_cond_destroy(&shard->loaded);
	}
	free(cache);
}

uint32_t cache_block_size(const struct cache *cache)
{
	return cache->block_size;
}

size_t cache_bytes(struct cache *cache)
{
	size_t nr = 0;

	for (int i = 0; i < SHARDS; i++) {
		lock_take(&cache->shards[i].lock);
		nr += cache->shards[i].nr;
		lock_drop(&cache->shards[i].lock);
	}
	return nr * cache->block_size;
}
