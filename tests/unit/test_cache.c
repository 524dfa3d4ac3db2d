// SPDX-License-Identifier: GPL-2.0-or-later
/* The layers of blk/ except the overlay, the buffer cache, and libext2fs's view of it. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/cache.h"
#include "cache/iomgr.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define BLOCK_SIZE 1024
#define BLOCKS 4096

/* ---- a layer that counts, fails and waits on demand ---- */

struct fake {
	struct blk blk;
	atomic_uint reads, closes;
	atomic_int err;		/* what a read returns */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool shut;		/* [lock] reads wait */
	unsigned waiting;	/* [lock] reads that do */
};

/* Byte at off of every fake image. */
static uint8_t byte_at(uint64_t off)
{
	return (uint8_t)(off * 7 + off / BLOCK_SIZE * 13);
}

static int fake_read(struct blk *blk, uint64_t off, void *buf, size_t len)
{
	struct fake *fake = (struct fake *)blk;
	uint8_t *p = buf;

	atomic_fetch_add(&fake->reads, 1);
	pthread_mutex_lock(&fake->lock);
	fake->waiting++;
	pthread_cond_broadcast(&fake->changed);
	while (fake->shut)
		pthread_cond_wait(&fake->changed, &fake->lock);
	fake->waiting--;
	pthread_mutex_unlock(&fake->lock);
	if (atomic_load(&fake->err))
		return atomic_load(&fake->err);
	for (size_t i = 0; i < len; i++)
		p[i] = byte_at(off + i);
	return 0;
}

static void fake_close(struct blk *blk)
{
	atomic_fetch_add(&((struct fake *)blk)->closes, 1);
}

static const struct blk_ops fake_ops = {
	.read = fake_read,
	.close = fake_close,
};

static void fake_init(struct fake *fake)
{
	memset(fake, 0, sizeof(*fake));
	fake->blk = (struct blk){ .ops = &fake_ops, .size = (uint64_t)BLOCKS * BLOCK_SIZE };
	pthread_mutex_init(&fake->lock, NULL);
	pthread_cond_init(&fake->changed, NULL);
}

static void fake_gate(struct fake *fake, bool shut)
{
	pthread_mutex_lock(&fake->lock);
	fake->shut = shut;
	pthread_cond_broadcast(&fake->changed);
	pthread_mutex_unlock(&fake->lock);
}

static void fake_await_reader(struct fake *fake)
{
	pthread_mutex_lock(&fake->lock);
	while (!fake->waiting)
		pthread_cond_wait(&fake->changed, &fake->lock);
	pthread_mutex_unlock(&fake->lock);
}

static void assert_bytes(const uint8_t *p, uint64_t off, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != byte_at(off + i))
			fail_msg("wrong byte at %llu", (unsigned long long)(off + i));
}

/* ---- blk ---- */

/* Ranges of an image of 1000 bytes that may and may not be read. */
static const struct {
	uint64_t off;
	size_t len;
	int err;
} ranges[] = {
	{ 0, 1000, 0 },
	{ 0, 0, 0 },
	{ 999, 1, 0 },
	{ 1000, 0, 0 },
	{ 1000, 1, -EIO },
	{ 999, 2, -EIO },
	{ 1001, 0, -EIO },
	{ 0, 1001, -EIO },
	{ UINT64_MAX, 1, -EIO },
	{ UINT64_MAX - 10, 20, -EIO },
	{ 1, SIZE_MAX, -EIO },
};

static void check_ranges(struct blk *blk, uint64_t first)
{
	uint8_t buf[1000];

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		assert_int_equal(blk_read(blk, ranges[i].off, buf, ranges[i].len), ranges[i].err);
		if (!ranges[i].err)
			assert_bytes(buf, first + ranges[i].off, ranges[i].len);
	}
}

static void fill(uint8_t *p, uint64_t off, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = byte_at(off + i);
}

static void test_mem(void **state)
{
	uint8_t data[1000];
	struct blk *blk;

	(void)state;
	fill(data, 0, sizeof(data));
	assert_int_equal(blk_mem_new(data, sizeof(data), &blk), 0);
	memset(data, 0, sizeof(data)); /* it has a copy */
	check_ranges(blk, 0);
	blk_close(blk);
	assert_int_equal(blk_mem_new(NULL, 0, &blk), 0);
	assert_int_equal(blk->size, 0);
	assert_int_equal(blk_read(blk, 0, data, 1), -EIO);
	blk_close(blk);
	blk_close(NULL);
}

static void test_window(void **state)
{
	static const struct {
		uint64_t off, len;
		int err;
	} cases[] = {
		{ 500, 1000, 0 },
		{ 0, (uint64_t)BLOCKS * BLOCK_SIZE, 0 },
		{ (uint64_t)BLOCKS * BLOCK_SIZE, 0, 0 },
		{ (uint64_t)BLOCKS * BLOCK_SIZE, 1, -EINVAL },
		{ 0, (uint64_t)BLOCKS * BLOCK_SIZE + 1, -EINVAL },
		{ 1, (uint64_t)BLOCKS * BLOCK_SIZE, -EINVAL },
		{ UINT64_MAX, 2, -EINVAL },
		{ 2, UINT64_MAX, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fake fake;
		struct blk *blk;

		fake_init(&fake);
		assert_int_equal(blk_window_new(&fake.blk, cases[i].off, cases[i].len, &blk),
			cases[i].err);
		assert_int_equal(fake.closes, 0);
		if (cases[i].err)
			continue;
		assert_int_equal(blk->size, cases[i].len);
		if (cases[i].len == 1000)
			check_ranges(blk, cases[i].off);
		blk_close(blk);
		assert_int_equal(fake.closes, 1);
	}
}

/* A descriptor of an unlinked file of len bytes. */
static int file_of(size_t len)
{
	uint8_t *data = malloc(len);
	FILE *file = tmpfile();
	int fd;

	assert_non_null(file);
	fill(data, 0, len);
	assert_int_equal(fwrite(data, 1, len, file), len);
	fflush(file);
	fd = dup(fileno(file));
	fclose(file);
	free(data);
	return fd;
}

static void test_file(void **state)
{
	struct blk *blk;
	uint8_t buf[1000];
	int fd = file_of(1000);

	(void)state;
	assert_int_equal(blk_file_new(fd, false, &blk), 0);
	assert_int_equal(blk->size, 1000);
	check_ranges(blk, 0);
	/* shrunk since: an error, no short read */
	assert_int_equal(ftruncate(fd, 500), 0);
	assert_int_equal(blk_read(blk, 400, buf, 100), 0);
	assert_int_equal(blk_read(blk, 400, buf, 101), -EIO);
	assert_int_equal(blk_read(blk, 600, buf, 1), -EIO);
	blk_close(blk);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static void test_file_refused(void **state)
{
	struct blk *blk;
	int fds[2];

	(void)state;
	fds[0] = open("/", O_RDONLY | O_DIRECTORY);
	assert_int_equal(blk_file_new(fds[0], false, &blk), -EISDIR);
	assert_int_equal(fcntl(fds[0], F_GETFD), -1);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(blk_file_new(fds[0], false, &blk), -ENOTBLK);
	close(fds[1]);
	fds[0] = open("/dev/null", O_RDONLY);
	assert_int_equal(blk_file_new(fds[0], false, &blk), -ENOTBLK);
}

/* ---- cache ---- */

static void get_checked(struct cache *cache, uint64_t pblk, struct buf **ret)
{
	assert_int_equal(cache_get(cache, pblk, ret), 0);
	assert_int_equal((*ret)->pblk, pblk);
	assert_bytes((*ret)->data, pblk * BLOCK_SIZE, BLOCK_SIZE);
}

static void touch(struct cache *cache, uint64_t pblk)
{
	struct buf *buf;

	get_checked(cache, pblk, &buf);
	cache_put(buf);
}

static void test_hit(void **state)
{
	struct cache *cache;
	struct buf *one, *two;
	struct fake fake;

	(void)state;
	fake_init(&fake);
	assert_int_equal(cache_new(&fake.blk, BLOCK_SIZE, 1 << 20, &cache), 0);
	assert_int_equal(cache_block_size(cache), BLOCK_SIZE);
	assert_int_equal(cache_bytes(cache), 0);
	get_checked(cache, 5, &one);
	get_checked(cache, 5, &two);
	assert_ptr_equal(one, two);
	cache_put(one);
	cache_put(two);
	cache_put(NULL);
	touch(cache, 5);
	assert_int_equal(fake.reads, 1);
	touch(cache, 6);
	assert_int_equal(fake.reads, 2);
	assert_int_equal(cache_bytes(cache), 2 * BLOCK_SIZE);
	cache_free(cache);
	assert_int_equal(fake.closes, 0);
	cache_free(NULL);
}

/* What a block was verified as is forgotten with the block, and kept as long as it. */
static void test_proof(void **state)
{
	struct cache *cache;
	struct buf *buf;
	struct fake fake;

	(void)state;
	fake_init(&fake);
	assert_int_equal(cache_new(&fake.blk, BLOCK_SIZE, 0, &cache), 0);
	get_checked(cache, 5, &buf);
	assert_false(buf_proven(buf, BUF_KIND_DIR, 12));
	buf_set_proven(buf, BUF_KIND_DIR, 12);
	assert_true(buf_proven(buf, BUF_KIND_DIR, 12));
	assert_false(buf_proven(buf, BUF_KIND_DIR, 13));
	assert_false(buf_proven(buf, BUF_KIND_DX, 12));
	cache_put(buf);
	get_checked(cache, 5, &buf);
	assert_true(buf_proven(buf, BUF_KIND_DIR, 12));
	cache_put(buf);
	for (uint64_t pblk = 100; pblk < 1100; pblk++) {
		get_checked(cache, pblk, &buf);
		assert_false(buf_proven(buf, BUF_KIND_DIR, 12));
		cache_put(buf);
	}
	get_checked(cache, 5, &buf);
	assert_false(buf_proven(buf, BUF_KIND_DIR, 12));
	cache_put(buf);
	cache_free(cache);
}

static void test_eviction(void **state)
{
	const size_t capacity = 256 * BLOCK_SIZE;
	struct cache *cache;
	struct fake fake;
	unsigned reads;

	(void)state;
	fake_init(&fake);
	assert_int_equal(cache_new(&fake.blk, BLOCK_SIZE, capacity, &cache), 0);
	for (uint64_t pblk = 0; pblk < BLOCKS; pblk++) {
		touch(cache, pblk);
		touch(cache, 7);
		assert_true(cache_bytes(cache) <= capacity);
	}
	/* in use all the time, block 7 stayed but for a few unlucky sweeps */
	reads = fake.reads;
	assert_in_range(reads, BLOCKS, BLOCKS + BLOCKS / 100);
	assert_true(cache_bytes(cache) > capacity / 2);
	/* what came last is still there */
	touch(cache, BLOCKS - 1);
	assert_int_equal(fake.reads, reads);
	touch(cache, 100);
	assert_int_equal(fake.reads, reads + 1);
	cache_free(cache);
}

/* Held buffers are nobody else's, even where there are more than fit. */
static void test_held(void **state)
{
	struct buf *held[500];
	struct cache *cache;
	struct fake fake;

	(void)state;
	fake_init(&fake);
	assert_int_equal(cache_new(&fake.blk, BLOCK_SIZE, 0, &cache), 0);
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		get_checked(cache, i, &held[i]);
	for (uint64_t pblk = 1000; pblk < 2000; pblk++)
		touch(cache, pblk);
	for (size_t i = 0; i < ARRAY_SIZE(held); i++) {
		assert_int_equal(held[i]->pblk, i);
		assert_bytes(held[i]->data, i * BLOCK_SIZE, BLOCK_SIZE);
		cache_put(held[i]);
	}
	cache_free(cache);
}

struct getter {
	struct cache *cache;
	uint64_t pblk;
	struct buf *buf;
	int err;
};

static void *get_one(void *arg)
{
	struct getter *getter = arg;

	getter->err = cache_get(getter->cache, getter->pblk, &getter->buf);
	return NULL;
}

#define GETTERS 16

/* Many threads ask for a block while its first read is still on its way. */
static void get_at_once(struct fake *fake, struct cache *cache, int want)
{
	struct getter getters[GETTERS];
	pthread_t threads[GETTERS];

	fake_gate(fake, true);
	for (int i = 0; i < GETTERS; i++) {
		getters[i] = (struct getter){ .cache = cache, .pblk = 9 };
		assert_int_equal(pthread_create(&threads[i], NULL, get_one, &getters[i]), 0);
	}
	fake_await_reader(fake);
	usleep(10000); /* for the others to reach the block */
	fake_gate(fake, false);
	for (int i = 0; i < GETTERS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(getters[i].err, want);
		if (want)
			continue;
		assert_ptr_equal(getters[i].buf, getters[0].buf);
		assert_bytes(getters[i].buf->data, 9 * BLOCK_SIZE, BLOCK_SIZE);
	}
	for (int i = 0; !want && i < GETTERS; i++)
		cache_put(getters[i].buf);
}

static void test_concurrent(void **state)
{
	struct cache *cache;
	struct fake fake;

	(void)state;
	fake_init(&fake);
	assert_int_equal(cache_new(&fake.blk, BLOCK_SIZE, 0, &cache), 0);
	get_at_once(&fake, cache, 0);
	assert_int_equal(fake.reads, 1);
	cache_free(cache);
}

/* A read that fails: everyone who waits learns it, nobody who comes later. */
static void test_concurrent_error(void **state)
{
	struct cache *cache;
	struct fake fake;

	(void)state;
	fake_init(&fake);
	assert_int_equal(cache_new(&fake.blk, BLOCK_SIZE, 0, &cache), 0);
	atomic_store(&fake.err, -ETIMEDOUT);
	get_at_once(&fake, cache, -ETIMEDOUT);
	assert_int_equal(cache_bytes(cache), 0);
	atomic_store(&fake.err, 0);
	touch(cache, 9);
	cache_free(cache);
}

static void test_error(void **state)
{
	struct cache *cache;
	struct buf *buf;
	struct fake fake;

	(void)state;
	fake_init(&fake);
	assert_int_equal(cache_new(&fake.blk, BLOCK_SIZE, 0, &cache), 0);
	atomic_store(&fake.err, -EIO);
	for (unsigned i = 1; i < 10; i++) {
		assert_int_equal(cache_get(cache, 9, &buf), -EIO);
		assert_int_equal(fake.reads, i);
		assert_int_equal(cache_bytes(cache), 0);
	}
	atomic_store(&fake.err, 0);
	touch(cache, 9);
	cache_free(cache);
}

static void test_beyond_end(void **state)
{
	static const uint64_t pblks[] = { BLOCKS - 1, BLOCKS, BLOCKS + 1, UINT64_MAX / BLOCK_SIZE,
		UINT64_MAX / BLOCK_SIZE + 1, UINT64_MAX };
	struct cache *cache;
	struct buf *buf;
	struct fake fake;

	(void)state;
	fake_init(&fake);
	fake.blk.size--; /* the last block is not whole */
	assert_int_equal(cache_new(&fake.blk, BLOCK_SIZE, 0, &cache), 0);
	for (size_t i = 0; i < ARRAY_SIZE(pblks); i++)
		assert_int_equal(cache_get(cache, pblks[i], &buf), -EIO);
	assert_int_equal(fake.reads, 0);
	touch(cache, BLOCKS - 2);
	cache_free(cache);
}

static void test_read_bytes(void **state)
{
	static const struct {
		uint64_t off;
		size_t len;
		int err;
		unsigned reads;
	} cases[] = {
		{ 0, BLOCK_SIZE, 0, 1 },
		{ 100, 10, 0, 0 },
		{ 1020, 8, 0, 1 },
		{ 1000, 5000, 0, 4 },
		{ 77, 0, 0, 0 },
		{ UINT64_MAX, 0, 0, 0 },
		{ (uint64_t)BLOCKS * BLOCK_SIZE - 1, 1, 0, 1 },
		{ (uint64_t)BLOCKS * BLOCK_SIZE - 1, 2, -EIO, 0 },
		{ (uint64_t)BLOCKS * BLOCK_SIZE, 1, -EIO, 0 },
		{ UINT64_MAX - 5, 20, -EIO, 0 },
	};
	uint8_t buf[5000];
	struct cache *cache;
	struct fake fake;

	(void)state;
	fake_init(&fake);
	assert_int_equal(cache_new(&fake.blk, BLOCK_SIZE, 1 << 20, &cache), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned before = fake.reads;

		assert_int_equal(cache_read_bytes(cache, cases[i].off, buf, cases[i].len),
			cases[i].err);
		if (!cases[i].err)
			assert_bytes(buf, cases[i].off, cases[i].len);
		assert_int_equal(fake.reads - before, cases[i].reads);
	}
	cache_free(cache);
}

/* Threads that get and put all over a cache of a few blocks. */
static void *hammer(void *arg)
{
	struct getter *getter = arg;
	uint64_t rng = getter->pblk + 1;
	struct buf *held[3] = { NULL };

	for (int i = 0; i < 4000; i++) {
		struct buf **buf = &held[i % 3];

		cache_put(*buf);
		*buf = NULL;
		rng = rng * 6364136223846793005u + 1442695040888963407u;
		getter->err |= cache_get(getter->cache, (rng >> 33) % 300, buf);
		for (size_t at = 0; *buf && at < BLOCK_SIZE; at += 100)
			if ((*buf)->data[at] != byte_at((*buf)->pblk * BLOCK_SIZE + at))
				getter->err = -EBADMSG;
	}
	for (int i = 0; i < 3; i++)
		cache_put(held[i]);
	return NULL;
}

static void test_hammer(void **state)
{
	struct getter getters[4];
	pthread_t threads[4];
	struct cache *cache;
	struct fake fake;

	(void)state;
	fake_init(&fake);
	assert_int_equal(cache_new(&fake.blk, BLOCK_SIZE, 64 * BLOCK_SIZE, &cache), 0);
	for (unsigned i = 0; i < 4; i++) {
		getters[i] = (struct getter){ .cache = cache, .pblk = i };
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, &getters[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(getters[i].err, 0);
	}
	cache_free(cache);
}

/* ---- libext2fs's io_manager ---- */

static void test_iomgr(void **state)
{
	char name[IOMGR_NAME_MAX], scratch[4 * BLOCK_SIZE];
	io_manager mgr = iomgr_get();
	struct cache *cache;
	io_channel channel;
	struct fake fake;

	(void)state;
	fake_init(&fake);
	assert_int_equal(cache_new(&fake.blk, BLOCK_SIZE, 0, &cache), 0);
	iomgr_name(cache, name);
	assert_int_equal(mgr->open(name, IO_FLAG_RW, &channel), EROFS);
	assert_int_equal(mgr->open("/dev/null", 0, &channel), EXT2_ET_BAD_DEVICE_NAME);
	assert_int_equal(mgr->open(name, 0, &channel), 0);
	assert_int_equal(io_channel_read_blk64(channel, 3, 2, scratch), 0);
	assert_bytes((uint8_t *)scratch, 3 * BLOCK_SIZE, 2 * BLOCK_SIZE);
	/* a negative count is bytes, and the block size may be another than the cache's */
	assert_int_equal(io_channel_set_blksize(channel, 4096), 0);
	assert_int_equal(io_channel_read_blk64(channel, 1, -100, scratch), 0);
	assert_bytes((uint8_t *)scratch, 4096, 100);
	assert_int_equal(io_channel_read_blk64(channel, BLOCKS / 4, 1, scratch),
		EXT2_ET_SHORT_READ);
	assert_int_equal(io_channel_read_blk64(channel, UINT64_MAX / 2, 1, scratch),
		EXT2_ET_SHORT_READ);
	assert_int_equal(io_channel_write_blk64(channel, 1, 1, scratch), EROFS);
	assert_int_equal(io_channel_flush(channel), 0);
	assert_int_equal(io_channel_close(channel), 0);
	cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mem),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_file_refused),
		cmocka_unit_test(test_hit),
		cmocka_unit_test(test_proof),
		cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_concurrent),
		cmocka_unit_test(test_concurrent_error),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_beyond_end),
		cmocka_unit_test(test_read_bytes),
		cmocka_unit_test(test_hammer),
		cmocka_unit_test(test_iomgr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
