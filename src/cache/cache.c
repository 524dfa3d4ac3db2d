// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The buffers are spread over shards by block number; a shard is a hash table and a ring
 * in clock order under one lock.
 *
 * Invariants:
 * 1. A buffer is in its shard's table and ring from allocation until it is freed.
 * 2. refs rises only under the shard lock, so refs == 0 seen under the lock is final there.
 * 3. data, pblk are constant while refs > 0 and state is READY; what data points to is changed only
 *    by who announced it to the journal, which then holds the buffer.
 * 4. A buffer whose read failed leaves the table at once; the last holder puts it on the free
 *    list.
 *
 * Buffers are allocated in chunks that live as long as the cache. The contents of all chunks come
 * from one range of addresses, as large as the budget and on huge pages: a fault per block would
 * cost as much as reading it. Debug builds allocate each block by itself instead, so that
 * sanitizers see a reader leave it.
 */
#include "config.h"

#include "cache/cache.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "util/lock.h"

#define SHARDS 16
#define SHARD_BITS 4
#define SHARD_MIN_BUFS 4
#define SHARD_MAX_BUCKETS 16384

/* Contents of a chunk in bytes, if that makes CHUNK_MIN_BUFS buffers. */
#define CHUNK_BYTES 131072
#define CHUNK_MIN_BUFS 4

#define CACHE_LINE 64
#define HUGE_PAGE ((size_t)2 << 20)

/* What cache_get_near() reads at once, where blocks are smaller. */
#define NEAR_BYTES 32768

enum { STATE_LOADING, STATE_READY, STATE_FAILED };

struct chunk {
	struct chunk *next;
	uint8_t *data; /* block_size bytes for each of bufs */
	bool owned;    /* data is of malloc(), not of the arena */
	_Alignas(CACHE_LINE) struct buf bufs[];
};

struct shard {
	struct lock lock; /* rank BUF */
	pthread_cond_t loaded;
	struct buf **table;	/* [lock] cache->buckets of them */
	struct buf *hand;	/* [lock] next candidate for eviction */
	size_t nr;		/* [lock] buffers in the ring */
	struct chunk *chunks;	/* [lock] owned; newest first */
	size_t chunk_used;	/* [lock] buffers taken from the newest chunk */
	struct buf *free_bufs;	/* [lock] linked by hash_next */
};

struct cache {
	struct blk *blk;      /* [const] not owned */
	uint32_t block_size;  /* [const] bytes */
	uint64_t seed;	      /* [const] random */
	size_t max_per_shard; /* [const] buffers */
	size_t buckets;	      /* [const] per shard, a power of two */
	size_t per_chunk;     /* [const] buffers */
	uint8_t *arena;	      /* [const] mapped, arena_size bytes; NULL in debug builds */
	size_t arena_size;    /* [const] bytes */
	_Atomic size_t arena_used;
	struct shard shards[SHARDS];
};

/* Which shard and bucket a block goes to must not be an image's choice. */
static uint64_t mix(const struct cache *cache, uint64_t pblk)
{
	uint64_t hash = (pblk ^ cache->seed) * 0x9E3779B97F4A7C15ull;

	return (hash ^ hash >> 29) * 0xBF58476D1CE4E5B9ull;
}

static struct shard *shard_of(struct cache *cache, uint64_t pblk)
{
	return &cache->shards[mix(cache, pblk) >> (64 - SHARD_BITS)];
}

static struct buf **bucket_of(struct cache *cache, struct shard *shard, uint64_t pblk)
{
	return &shard->table[(mix(cache, pblk) >> 32) & (cache->buckets - 1)];
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

static void table_remove(struct cache *cache, struct shard *shard, struct buf *buf)
{
	struct buf **at = bucket_of(cache, shard, buf->pblk);

	while (*at != buf)
		at = &(*at)->hash_next;
	*at = buf->hash_next;
}

/* Second chance: at most two turns of the ring; NULL if everything is held. */
static struct buf *evict(struct cache *cache, struct shard *shard)
{
	size_t tries;

	for (tries = 2 * shard->nr; tries; tries--) {
		struct buf *buf = shard->hand;

		shard->hand = buf->next;
		if (atomic_load_explicit(&buf->refs, memory_order_acquire))
			continue;
		if (atomic_exchange_explicit(&buf->recent, false, memory_order_relaxed))
			continue;
		table_remove(cache, shard, buf);
		ring_remove(shard, buf);
		return buf;
	}
	return NULL;
}

/*
 * Room for the contents of one chunk. The arena is used up only when more buffers are held at once
 * than the budget allows.
 */
static void chunk_data(struct cache *cache, struct chunk *chunk)
{
	size_t len = cache->per_chunk * cache->block_size;
	size_t at = atomic_fetch_add_explicit(&cache->arena_used, len, memory_order_relaxed);

	chunk->owned = at > cache->arena_size || len > cache->arena_size - at;
	chunk->data = chunk->owned ? malloc(len) : cache->arena + at;
}

static bool chunk_add(struct cache *cache, struct shard *shard)
{
	size_t len = sizeof(struct chunk) + cache->per_chunk * sizeof(struct buf);
	struct chunk *chunk;

	len = (len + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	chunk = aligned_alloc(CACHE_LINE, len);
	if (!chunk)
		return false;
	memset(chunk, 0, len);
	chunk_data(cache, chunk);
	if (!chunk->data) {
		free(chunk);
		return false;
	}
	chunk->next = shard->chunks;
	shard->chunks = chunk;
	shard->chunk_used = 0;
	return true;
}

static struct buf *buf_alloc_locked(struct cache *cache, struct shard *shard)
{
	struct buf *buf = shard->free_bufs;
	size_t i;

	if (buf) {
		shard->free_bufs = buf->hash_next;
		return buf;
	}
	if ((!shard->chunks || shard->chunk_used == cache->per_chunk) && !chunk_add(cache, shard))
		return NULL;
	i = shard->chunk_used++;
	buf = &shard->chunks->bufs[i];
	buf->data = shard->chunks->data + i * cache->block_size;
	return buf;
}

static void buf_free_locked(struct shard *shard, struct buf *buf)
{
	buf->hash_next = shard->free_bufs;
	shard->free_bufs = buf;
}

/* A held buffer for pblk, in the table and LOADING. */
static struct buf *add_loading_locked(struct cache *cache, struct shard *shard, uint64_t pblk)
{
	struct buf *buf = shard->nr >= cache->max_per_shard ? evict(cache, shard) : NULL;
	struct buf **bucket = bucket_of(cache, shard, pblk);

	if (!buf)
		buf = buf_alloc_locked(cache, shard);
	if (!buf)
		return NULL;
	assert(!buf->jbuf);
	buf->pblk = pblk;
	buf->state = STATE_LOADING;
	atomic_store_explicit(&buf->proof, 0, memory_order_relaxed);
	atomic_store_explicit(&buf->refs, 1, memory_order_relaxed);
	atomic_store_explicit(&buf->recent, false, memory_order_relaxed);
	buf->hash_next = *bucket;
	*bucket = buf;
	ring_insert(shard, buf);
	return buf;
}

static struct buf *find_locked(struct cache *cache, struct shard *shard, uint64_t pblk)
{
	struct buf *buf = *bucket_of(cache, shard, pblk);

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
		buf_free_locked(shard, buf);
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
		table_remove(cache, shard, buf);
		ring_remove(shard, buf);
		if (atomic_fetch_sub(&buf->refs, 1) == 1)
			buf_free_locked(shard, buf);
	}
	lock_drop(&shard->lock);
	return err;
}

/* Holds buf, after a read of it that is going on. As wait_loaded_locked(). */
static int claim_locked(struct shard *shard, struct buf *buf)
{
	atomic_fetch_add_explicit(&buf->refs, 1, memory_order_relaxed);
	atomic_store_explicit(&buf->recent, true, memory_order_relaxed);
	return wait_loaded_locked(shard, buf);
}

int cache_get(struct cache *cache, uint64_t pblk, struct buf **ret)
{
	struct shard *shard = shard_of(cache, pblk);
	struct buf *buf;
	bool mine = false;
	int err = 0;

	lock_take(&shard->lock);
	buf = find_locked(cache, shard, pblk);
	if (buf) {
		err = claim_locked(shard, buf);
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

int cache_create(struct cache *cache, uint64_t pblk, struct buf **ret)
{
	struct shard *shard = shard_of(cache, pblk);
	struct buf *buf;
	int err = 0;

	if (pblk >= cache->blk->size / cache->block_size)
		return -EIO;
	lock_take(&shard->lock);
	do {
		buf = find_locked(cache, shard, pblk);
		/* one whose read fails leaves the table: look again */
		err = buf ? claim_locked(shard, buf) : 0;
	} while (err);
	if (!buf) {
		buf = add_loading_locked(cache, shard, pblk);
		if (buf)
			buf->state = STATE_READY;
	}
	lock_drop(&shard->lock);
	if (!buf)
		return -ENOMEM;
	atomic_store_explicit(&buf->proof, 0, memory_order_relaxed);
	*ret = buf;
	return 0;
}

struct buf *cache_find(struct cache *cache, uint64_t pblk)
{
	struct shard *shard = shard_of(cache, pblk);
	struct buf *buf;

	lock_take(&shard->lock);
	buf = find_locked(cache, shard, pblk);
	if (buf && claim_locked(shard, buf))
		buf = NULL;
	lock_drop(&shard->lock);
	return buf;
}

void cache_hold(struct buf *buf)
{
	atomic_fetch_add_explicit(&buf->refs, 1, memory_order_relaxed);
}

/* Enters a block that was read without having been asked for, if it is not there. */
static void insert_ready(struct cache *cache, uint64_t pblk, const uint8_t *data)
{
	struct shard *shard = shard_of(cache, pblk);
	struct buf *buf = NULL;

	lock_take(&shard->lock);
	if (!find_locked(cache, shard, pblk))
		buf = add_loading_locked(cache, shard, pblk);
	if (buf) {
		memcpy(buf->data, data, cache->block_size);
		buf->state = STATE_READY;
		atomic_store_explicit(&buf->refs, 0, memory_order_relaxed);
	}
	lock_drop(&shard->lock);
}

/* Holds the block if it is there or being read; *ret_err as cache_get(). */
static bool get_cached(struct cache *cache, uint64_t pblk, struct buf **ret, int *ret_err)
{
	struct shard *shard = shard_of(cache, pblk);
	struct buf *buf;

	lock_take(&shard->lock);
	buf = find_locked(cache, shard, pblk);
	if (buf)
		*ret_err = claim_locked(shard, buf);
	lock_drop(&shard->lock);
	if (buf && !*ret_err)
		*ret = buf;
	return buf;
}

int cache_get_near(
	struct cache *cache, uint64_t pblk, uint64_t from, uint64_t nr, struct buf **ret)
{
	uint8_t data[NEAR_BYTES];
	uint64_t span = NEAR_BYTES / cache->block_size;
	uint64_t first = span ? pblk - pblk % span : pblk;
	uint64_t end = first + span;
	int err;

	if (get_cached(cache, pblk, ret, &err))
		return err;
	if (first < from)
		first = from;
	if (end > from + nr)
		end = from + nr;
	/* if that read fails, reading the one block will say why, or succeed */
	if (span > 1 && end > first && !blk_read(cache->blk, first * cache->block_size, data,
		(size_t)(end - first) * cache->block_size))
		for (uint64_t at = first; at < end; at++)
			insert_ready(cache, at, data + (at - first) * cache->block_size);
	return cache_get(cache, pblk, ret);
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

static size_t bucket_count(size_t bufs)
{
	size_t buckets = 1;

	while (buckets < bufs && buckets < SHARD_MAX_BUCKETS)
		buckets *= 2;
	return buckets;
}

static size_t buffers_per_chunk(const struct cache *cache)
{
	size_t nr = CHUNK_BYTES / cache->block_size;

	if (EXT4D_DEBUG)
		return 1; /* see the top of this file */
	if (nr > cache->max_per_shard)
		nr = cache->max_per_shard;
	return nr < CHUNK_MIN_BUFS ? CHUNK_MIN_BUFS : nr;
}

/*
 * Maps room for all the buffers there can be: each shard has its share, and part of a chunk. Only
 * what is used takes memory.
 */
static int arena_map(struct cache *cache)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	size_t bufs = cache->max_per_shard + cache->per_chunk;
	size_t want = SHARDS * bufs * cache->block_size;

	if (EXT4D_DEBUG)
		return 0;
	want = (want + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	cache->arena = mmap(NULL, want, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (cache->arena == MAP_FAILED) {
		cache->arena = NULL;
		return -ENOMEM;
	}
	cache->arena_size = want;
	madvise(cache->arena, want, MADV_HUGEPAGE); /* a wish: without it all works the same */
	return 0;
}

int cache_new(struct blk *blk, uint32_t block_size, size_t capacity, struct cache **ret)
{
	struct cache *cache = calloc(1, sizeof(*cache));
	size_t per_shard = capacity / SHARDS / block_size;
	bool ok;

	if (!cache)
		return -ENOMEM;
	cache->blk = blk;
	if (getrandom(&cache->seed, sizeof(cache->seed), GRND_NONBLOCK) < 0)
		cache->seed = (uintptr_t)cache; /* early at boot: better than nothing */
	cache->block_size = block_size;
	cache->max_per_shard = per_shard < SHARD_MIN_BUFS ? SHARD_MIN_BUFS : per_shard;
	cache->buckets = bucket_count(cache->max_per_shard);
	cache->per_chunk = buffers_per_chunk(cache);
	ok = arena_map(cache) == 0;
	for (int i = 0; i < SHARDS; i++) {
		struct shard *shard = &cache->shards[i];

		lock_init(&shard->lock, LOCK_RANK_BUF);
		pthread_cond_init(&shard->loaded, NULL);
		shard->table = calloc(cache->buckets, sizeof(*shard->table));
		ok = ok && shard->table;
	}
	if (!ok) {
		cache_free(cache);
		return -ENOMEM;
	}
	*ret = cache;
	return 0;
}

static void shard_fini(struct cache *cache, struct shard *shard)
{
	while (shard->chunks) {
		struct chunk *chunk = shard->chunks;

		for (size_t i = 0; i < cache->per_chunk; i++)
			assert(!atomic_load(&chunk->bufs[i].refs)); /* it would dangle */
		shard->chunks = chunk->next;
		if (chunk->owned)
			free(chunk->data);
		free(chunk);
	}
	free(shard->table);
	lock_fini(&shard->lock);
	pthread_cond_destroy(&shard->loaded);
}

void cache_free(struct cache *cache)
{
	if (!cache)
		return;
	for (int i = 0; i < SHARDS; i++)
		shard_fini(cache, &cache->shards[i]);
	if (cache->arena)
		munmap(cache->arena, cache->arena_size);
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
