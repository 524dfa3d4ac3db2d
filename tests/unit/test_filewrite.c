// SPDX-License-Identifier: GPL-2.0-or-later
/* Files that are written, cut, extended and punched, against the bytes they should have. */
#include "config.h"

#include "map_fixture.h"

#include <errno.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "fs/file.h"
#include "fs/map.h"

/* ---- the model ---- */

struct model {
	struct fs *fs;
	struct inode *inode;
	uint8_t *bytes; /* room of them; zeros from size on */
	uint64_t size, room;
};

static void model_new(struct model *m, uint64_t room)
{
	*m = (struct model){ .room = room };
	m->bytes = calloc(1, room);
	assert_non_null(m->bytes);
	m->fs = open_image(true);
	m->inode = get_file(m->fs, "a");
}

static void compare(const struct model *m, struct inode *inode)
{
	uint8_t *bytes = malloc(m->room + 1);

	assert_non_null(bytes);
	assert_int_equal(inode->d.size, m->size);
	assert_int_equal(file_read(inode, 0, bytes, m->room + 1), m->size);
	for (uint64_t i = 0; i < m->size; i++)
		if (bytes[i] != m->bytes[i])
			fail_msg("byte %llu is %02x, not %02x", (unsigned long long)i, bytes[i],
				m->bytes[i]);
	free(bytes);
}

static void model_check_fresh(struct model *m)
{
	struct inode *inode;

	compare(m, m->inode);
	inode_put(m->inode);
	assert_int_equal(fs_close(m->fs), 0);
	judge(false);
	m->fs = open_image(false);
	inode = get_file(m->fs, "a");
	compare(m, inode);
	inode_put(inode);
	assert_int_equal(fs_close(m->fs), 0);
}

static void model_free(struct model *m)
{
	model_check_fresh(m);
	free(m->bytes);
}

static void model_reopen(struct model *m)
{
	model_check_fresh(m);
	m->fs = open_image(true);
	m->inode = get_file(m->fs, "a");
}

/* ---- operations on both ---- */

static int do_truncate(struct model *m, uint64_t size)
{
	int err;

	rwlock_write(&m->inode->lock);
	err = file_truncate_locked(m->inode, size);
	rwlock_drop(&m->inode->lock);
	if (err)
		return err;
	if (size < m->size)
		memset(m->bytes + size, 0, m->size - size);
	m->size = size;
	return 0;
}

static void do_write(struct model *m, uint64_t off, size_t len, uint32_t *rng)
{
	uint8_t *bytes = calloc(1, len + 1);
	ssize_t done;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(1 + next_random(rng) % 255);
	done = file_write(m->inode, off, bytes, len, len % 2, false);
	if (done != (ssize_t)len)
		assert_true(done == -ENOSPC || (done > 0 && done < (ssize_t)len));
	if (done > 0) {
		memcpy(m->bytes + off, bytes, (size_t)done);
		if (off + (size_t)done > m->size)
			m->size = off + (size_t)done;
	}
	free(bytes);
}

static void model_grow(struct model *m, int mode, uint64_t end)
{
	if (!(mode & FALLOC_FL_KEEP_SIZE) && end > m->size)
		m->size = end;
}

static void model_collapse(struct model *m, uint64_t off, uint64_t len)
{
	memmove(m->bytes + off, m->bytes + off + len, m->room - off - len);
	memset(m->bytes + m->room - len, 0, len);
	m->size -= len;
}

static void model_insert(struct model *m, uint64_t off, uint64_t len)
{
	memmove(m->bytes + off + len, m->bytes + off, m->room - off - len);
	memset(m->bytes + off, 0, len);
	m->size += len;
}

static int do_fallocate(struct model *m, int mode, uint64_t off, uint64_t len)
{
	int err = file_fallocate(m->inode, mode, off, len, false);

	if (err) {
		/* part of it may have been done */
		m->size = m->inode->d.size;
		return err;
	}
	if (mode & FALLOC_FL_COLLAPSE_RANGE) {
		model_collapse(m, off, len);
	} else if (mode & FALLOC_FL_INSERT_RANGE) {
		model_insert(m, off, len);
	} else {
		model_grow(m, mode, off + len);
		if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE) && off < m->size)
			memset(m->bytes + off, 0, off + len > m->size ? m->size - off : len);
	}
	return 0;
}

/* What nobody wrote to this file, but lay in its blocks before. */
#define STALE 0xEE

/* Leaves something in most free blocks. */
static void litter(struct fs *fs)
{
	struct inode *inode = get_file(fs, "b");
	size_t len = 4 << 20;
	uint8_t *bytes = malloc(len);

	assert_non_null(bytes);
	memset(bytes, STALE, len);
	for (unsigned i = 0; i < 4; i++)
		if (file_write(inode, i * len, bytes, len, true, true) != (ssize_t)len)
			break;
	free(bytes);
	rwlock_write(&inode->lock);
	assert_int_equal(file_truncate_locked(inode, 0), 0);
	rwlock_drop(&inode->lock);
	assert_int_equal(file_sync(inode, false), 0);
	inode_put(inode);
}

/* ---- random changes ---- */

static void random_fallocate(struct model *m, uint64_t off, uint64_t len, uint32_t *rng)
{
	static const int modes[] = { 0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE,
		FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_COLLAPSE_RANGE,
		FALLOC_FL_INSERT_RANGE };
	int mode = modes[next_random(rng) % ARRAY_SIZE(modes)];
	bool extents = m->inode->d.flags & EXT4_EXTENTS_FL;
	uint64_t unit = (uint64_t)m->fs->sb.block_size << m->fs->sb.cluster_bits;
	int want = 0, err;

	if (mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE)) {
		off -= off % unit;
		len += unit - len % unit;
		if (mode == FALLOC_FL_INSERT_RANGE && m->size + len > m->room)
			return;
		if (mode == FALLOC_FL_COLLAPSE_RANGE && off + len >= m->size)
			want = -EINVAL;
		if (mode == FALLOC_FL_INSERT_RANGE && off >= m->size)
			want = -EINVAL;
	}
	if (!extents && !(m->inode->d.flags & EXT4_INLINE_DATA_FL) &&
		!(mode & FALLOC_FL_PUNCH_HOLE))
		want = -EOPNOTSUPP;
	err = do_fallocate(m, mode, off, len);
	if (err != want && err != -ENOSPC)
		fail_msg("fallocate(%d, %llu, %llu): %d", mode, (unsigned long long)off,
			(unsigned long long)len, err);
}

static void random_change(struct model *m, uint32_t *rng)
{
	uint64_t off = next_random(rng) % m->room, room = m->room - off;
	uint64_t len = 1 + next_random(rng) % (next_random(rng) % 8 ? 3000 : 100000);
	unsigned what = next_random(rng) % 16;

	if (m->room < 1000)
		len %= m->room / 2;
	if (len > room || !len)
		len = room;
	if (what < 8)
		do_write(m, off, len, rng);
	else if (what < 10)
		do_write(m, m->size, m->size + len <= m->room ? len : m->room - m->size, rng);
	else if (what < 12)
		(void)!do_truncate(m, next_random(rng) % 4 ? off : m->size / 2);
	else
		random_fallocate(m, off, len, rng);
}

static const struct {
	const char *size, *args;
	uint64_t room;
	unsigned rounds;
} kinds[] = {
	{ "8M", "-b 1024 -t ext4", 400000, 1500 },
	{ "16M", "-b 4096 -t ext4", 1500000, 600 },
	{ "8M", "-b 1024 -t ext4 -O ^has_journal,^metadata_csum,uninit_bg", 400000, 1000 },
	{ "16M", "-b 1024 -t ext4 -O 64bit,bigalloc -C 8192", 400000, 1000 },
	{ "8M", "-b 1024 -t ext2", 600000, 1000 },
	{ "16M", "-b 1024 -t ext3", 600000, 1000 },
	{ "32M", "-b 4096 -t ext4 -O ^extents,^64bit", 1500000, 500 },
	{ "1M", "-b 1024 -t ext4 -O ^has_journal", 1500000, 500 }, /* space runs out */
	{ "8M", "-b 1024 -t ext4 -O inline_data", 400000, 500 },
	{ "8M", "-b 1024 -t ext4 -O inline_data", 300, 500 },
};

static void test_random(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		uint32_t rng = (uint32_t)i + 7;
		struct model m;

		make_image(kinds[i].size, kinds[i].args);
		model_new(&m, kinds[i].room);
		litter(m.fs);
		for (unsigned round = 0; round < kinds[i].rounds; round++) {
			random_change(&m, &rng);
			if (round % 50 == 49)
				compare(&m, m.inode);
			if (round % 500 == 499)
				model_reopen(&m);
		}
		assert_int_equal(do_truncate(&m, 0), 0);
		assert_int_equal(m.inode->d.blocks, 0);
		model_free(&m);
	}
}

/* ---- single promises ---- */

/* What lay in a block before shows nowhere, however the file grows over it. */
static void test_tails(void **state)
{
	uint32_t rng = 3;
	struct model m;

	(void)state;
	make_image("8M", "-b 4096 -t ext4");
	model_new(&m, 100000);
	do_write(&m, 0, 3000, &rng);
	assert_int_equal(do_truncate(&m, 1000), 0);
	assert_int_equal(do_truncate(&m, 4000), 0);
	compare(&m, m.inode);
	assert_int_equal(do_truncate(&m, 500), 0);
	do_write(&m, 3500, 100, &rng);
	compare(&m, m.inode);
	do_write(&m, 20000, 100, &rng);
	compare(&m, m.inode);
	assert_int_equal(do_fallocate(&m, 0, 50000, 5000), 0);
	model_free(&m);
}

static void test_errors(void **state)
{
	const int keep = FALLOC_FL_KEEP_SIZE, punch = FALLOC_FL_PUNCH_HOLE;
	struct inode *dir;
	struct model m;
	char byte = 1;
	int mode;

	(void)state;
	make_image("8M", "-b 1024 -t ext4");
	model_new(&m, 100000);
	assert_int_equal(file_write(m.inode, (uint64_t)1 << 45, &byte, 1, false, false), -EFBIG);
	assert_int_equal(do_truncate(&m, (uint64_t)1 << 45), -EFBIG);
	assert_int_equal(file_fallocate(m.inode, 0, (uint64_t)1 << 45, 1, false), -EFBIG);
	assert_int_equal(file_fallocate(m.inode, 0, 0, 0, false), -EINVAL);
	assert_int_equal(file_fallocate(m.inode, punch, 0, 1, false), -EOPNOTSUPP);
	mode = punch | keep | FALLOC_FL_ZERO_RANGE;
	assert_int_equal(file_fallocate(m.inode, mode, 0, 1, false), -EOPNOTSUPP);
	mode = FALLOC_FL_COLLAPSE_RANGE | keep;
	assert_int_equal(file_fallocate(m.inode, mode, 0, 1024, false), -EINVAL);
	mode = FALLOC_FL_COLLAPSE_RANGE;
	assert_int_equal(file_fallocate(m.inode, mode, 0, 1000, false), -EINVAL);
	assert_int_equal(file_fallocate(m.inode, 0x800, 0, 1, false), -EOPNOTSUPP);
	m.inode->d.flags |= EXT2_APPEND_FL;
	assert_int_equal(file_fallocate(m.inode, punch | keep, 0, 1, false), -EPERM);
	m.inode->d.flags ^= EXT2_APPEND_FL | EXT2_IMMUTABLE_FL;
	assert_int_equal(file_fallocate(m.inode, 0, 0, 1, false), -EPERM);
	m.inode->d.flags ^= EXT2_IMMUTABLE_FL;
	assert_int_equal(inode_get(m.fs, EXT2_ROOT_INO, &dir), 0);
	assert_int_equal(file_write(dir, 0, &byte, 1, false, false), -EISDIR);
	assert_int_equal(file_fallocate(dir, 0, 0, 1, false), -EISDIR);
	inode_put(dir);
	assert_int_equal(file_write(m.inode, 0, &byte, 0, true, false), 0);
	model_free(&m);
}

static void test_copy(void **state)
{
	uint32_t rng = 5;
	struct inode *to;
	struct model m;
	uint8_t *bytes;
	uint64_t blocks;

	(void)state;
	make_image("16M", "-b 1024 -t ext4");
	model_new(&m, 3000000);
	do_write(&m, 0, 5000, &rng);
	do_write(&m, 2500000, 5000, &rng);
	to = get_file(m.fs, "b");
	assert_int_equal(file_copy(m.inode, 0, to, 0, 10000000, false), m.size);
	blocks = m.inode->d.blocks;
	assert_true(to->d.blocks <= blocks + 8);
	bytes = malloc(m.size);
	assert_int_equal(file_read(to, 0, bytes, m.size), m.size);
	assert_memory_equal(bytes, m.bytes, m.size);
	/* over what is there: the hole's zeros are written */
	assert_int_equal(file_copy(m.inode, 5000, to, 0, 5000, false), 5000);
	assert_int_equal(file_read(to, 0, bytes, 5000), 5000);
	assert_memory_equal(bytes, m.bytes + 5000, 5000);
	assert_int_equal(file_copy(m.inode, 0, m.inode, 100, 200, false), -EINVAL);
	assert_int_equal(file_copy(m.inode, m.size, to, 0, 200, false), 0);
	assert_int_equal(file_sync(to, false), 0);
	assert_int_equal(file_sync(to, true), 0);
	free(bytes);
	inode_put(to);
	model_free(&m);
}

/* A file written piece by piece is as good as one written at once. */
static void test_append(void **state)
{
	uint32_t rng = 9;
	struct run run;
	struct model m;

	(void)state;
	make_image("16M", "-b 4096 -t ext4");
	model_new(&m, 4 << 20);
	for (unsigned i = 0; i < 2000; i++)
		do_write(&m, m.size, 1000, &rng);
	rwlock_read(&m.inode->lock);
	assert_int_equal(map_lookup(m.inode, 0, &run), 0);
	rwlock_drop(&m.inode->lock);
	assert_int_equal(run.nr, 489);
	model_free(&m);
}

/* ---- several threads ---- */

struct job {
	struct inode *inode;
	atomic_bool stop;
	_Atomic unsigned bad;
};

/* Nothing stale is ever seen, nothing fails. */
static void *reader(void *arg)
{
	struct job *job = arg;
	uint8_t bytes[1024];
	uint32_t rng = 77;

	while (!atomic_load(&job->stop)) {
		uint64_t off = next_random(&rng) % 200 * 1024;
		ssize_t got = file_read(job->inode, off, bytes, sizeof(bytes));
		off_t data = file_seek(job->inode, (off_t)off, SEEK_DATA);

		if (got < 0 || (data < 0 && data != -ENXIO))
			atomic_fetch_add(&job->bad, 1);
		for (ssize_t i = 0; i < got; i++)
			if (bytes[i] == STALE) {
				atomic_fetch_add(&job->bad, 1);
				break;
			}
	}
	return NULL;
}

static void *writer(void *arg)
{
	struct job *job = arg;
	uint8_t bytes[4096];
	uint32_t rng = (uint32_t)(uintptr_t)&rng;

	for (unsigned i = 0; i < 600; i++) {
		uint64_t off = next_random(&rng) % 200 * 1024;
		size_t len = 1024 * (1 + next_random(&rng) % 4);
		int err = 0;

		memset(bytes, (int)(1 + i % 200), sizeof(bytes));
		if (i % 7 == 6)
			err = file_fallocate(job->inode, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				off, len, false);
		else if (i % 50 == 49)
			err = file_sync(job->inode, i % 2);
		else
			err = file_write(job->inode, off, bytes, len, i % 2, false) != (ssize_t)len;
		if (err)
			atomic_fetch_add(&job->bad, 1);
	}
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t threads[4];
	struct job job = { .bad = 0 };
	struct fs *fs;

	(void)state;
	make_image("16M", "-b 1024 -t ext4");
	fs = open_image(true);
	litter(fs);
	job.inode = get_file(fs, "a");
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, i < 2 ? reader : writer, &job), 0);
	for (unsigned i = 2; i < 4; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&job.stop, true);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&job.bad), 0);
	inode_put(job.inode);
	assert_int_equal(fs_close(fs), 0);
	judge(false);
}

/* ---- more than 2 GiB ---- */

#define LARGE ((uint64_t)1 << 31) /* one byte more than a file without LARGE_FILE has */

static int grow_by_write(struct inode *inode, uint64_t size)
{
	ssize_t n = file_write(inode, size - 1, "x", 1, true, false);

	return n < 0 ? (int)n : n != 1;
}

static int grow_by_truncate(struct inode *inode, uint64_t size)
{
	int err;

	rwlock_write(&inode->lock);
	err = file_truncate_locked(inode, size);
	rwlock_drop(&inode->lock);
	return err;
}

static int grow_by_fallocate(struct inode *inode, uint64_t size)
{
	int err = file_fallocate(inode, 0, size - 10, 10, false);

	return err == -EOPNOTSUPP ? grow_by_truncate(inode, size) : err;
}

static bool says_large(void)
{
	return !sh("dumpe2fs -h image | grep -q '^Filesystem features:.* large_file'");
}

/* The superblock says so when the first file passes 2 GiB, and not before; e2fsck wants it. */
static void test_large_file(void **state)
{
	static const char *const images[] = { "-t ext4 -b 4096 -O ^resize_inode,^large_file",
		"-t ext4 -b 1024 -O ^resize_inode,^large_file,^has_journal", "-t ext2 -b 4096 -O ^resize_inode,^large_file",
		"-t ext2 -b 1024 -r 0 -O none" };
	static int (*const ways[])(struct inode *, uint64_t) = { grow_by_write, grow_by_truncate,
		grow_by_fallocate };

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(images); k++)
		for (size_t w = 0; w < ARRAY_SIZE(ways); w++) {
			for (uint64_t size = LARGE - 1; size <= LARGE; size++) {
				struct inode *inode;
				struct fs *fs;

				if (size < LARGE)
					make_image("16M", images[k]);
				if (says_large())
					fail_msg("%s, way %zu: beforehand", images[k], w);
				fs = open_image(true);
				inode = get_file(fs, "a");
				assert_int_equal(ways[w](inode, size), 0);
				assert_int_equal(inode->d.size, size);
				inode_put(inode);
				assert_int_equal(fs_close(fs), 0);
				judge(false);
				if (says_large() != (size == LARGE))
					fail_msg("%s, way %zu, %ju bytes", images[k], w, (uintmax_t)size);
			}
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_tails),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_large_file),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
