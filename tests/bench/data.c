// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define SEED 0x2545f4914f6cdd1du
#define RANDOM_SIZE 4096 /* of a random read or write, and its alignment */

/* Read of the end of the last file before a sequential measurement: the first reads are slower. */
#define WARM_UP ((uint64_t)64 << 20)

static int open_file(const struct bench *bench, unsigned file, int flags)
{
	char name[BENCH_NAME];

	bench_file_name(bench, file, SHAPE_FILE, name);
	return openat(bench->root, name, O_CLOEXEC | flags, 0644);
}

static int read_range(int fd, uint64_t off, uint64_t len)
{
	CLEANUP(cleanup_free) void *buf = malloc(BENCH_CHUNK);
	uint64_t end = off + len;

	if (!buf)
		return -ENOMEM;
	while (off < end) {
		size_t want = end - off < BENCH_CHUNK ? (size_t)(end - off) : BENCH_CHUNK;
		ssize_t got = pread(fd, buf, want, (off_t)off);

		if (got <= 0)
			return got ? -errno : -ENODATA;
		off += (uint64_t)got;
	}
	return 0;
}

/* ---- sequential: each job a file of its own ---- */

static int seq_job(struct bench *bench, unsigned job)
{
	CLEANUP(cleanup_close) int fd = open_file(bench, job, O_RDONLY);

	return fd < 0 ? -errno : read_range(fd, 0, bench->len);
}

static int warm_up(struct bench *bench)
{
	CLEANUP(cleanup_close) int fd = open_file(bench, bench->shape.files - 1, O_RDONLY);
	uint64_t len = WARM_UP < bench->shape.size ? WARM_UP : bench->shape.size;

	return fd < 0 ? -errno : read_range(fd, bench->shape.size - len, len);
}

int data_seq(struct bench *bench)
{
	int err = bench->jobs > bench->shape.files ? -EINVAL : 0;

	if (bench->len == 0 || bench->len > bench->shape.size)
		bench->len = bench->shape.size;
	if (!err)
		err = warm_up(bench);
	if (!err)
		err = measure_jobs(bench, seq_job);
	bench->bytes = bench->len * bench->jobs;
	bench->ops = bench->bytes / BENCH_CHUNK;
	return err;
}

/* ---- through a mapping: a byte of each page, in order ---- */

#define PAGE 4096

int data_mmap(struct bench *bench)
{
	CLEANUP(cleanup_close) int fd = open_file(bench, 0, O_RDONLY);
	size_t len = bench->len && bench->len < bench->shape.size ? bench->len : bench->shape.size;
	const volatile char *map;
	unsigned sum = 0;
	int err = fd < 0 ? -errno : warm_up(bench);

	if (err)
		return err;
	map = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	measure_start(bench);
	for (size_t off = 0; off < len; off += PAGE)
		sum += (unsigned char)map[off];
	measure_end(bench);
	munmap((void *)map, len);
	bench->bytes = len;
	bench->ops = len / BENCH_CHUNK;
	return sum ? 0 : -ENODATA; /* no tree's files are all zeroes */
}

/* ---- random, around the page cache, all jobs on the first file ---- */

static int random_job(struct bench *bench, unsigned job)
{
	CLEANUP(cleanup_close) int fd = open_file(bench, 0, O_RDONLY | O_DIRECT);
	CLEANUP(cleanup_free) void *buf = aligned_alloc(RANDOM_SIZE, RANDOM_SIZE);
	uint64_t state = SEED + job, blocks = bench->shape.size / RANDOM_SIZE;

	if (fd < 0)
		return -errno;
	if (!buf)
		return -ENOMEM;
	for (unsigned i = job; i < bench->count; i += bench->jobs) {
		off_t off = (off_t)(measure_random(&state) % blocks * RANDOM_SIZE);

		if (pread(fd, buf, RANDOM_SIZE, off) != RANDOM_SIZE)
			return errno ? -errno : -ENODATA;
	}
	return 0;
}

int data_random(struct bench *bench)
{
	int err = measure_jobs(bench, random_job);

	bench->ops = bench->count;
	bench->bytes = (uint64_t)bench->count * RANDOM_SIZE;
	return err;
}

/* ---- writing: what is timed ends with an fsync, so that all of it is in the image ---- */

static int write_range(int fd, uint64_t len)
{
	CLEANUP(cleanup_free) void *buf = malloc(BENCH_CHUNK);

	if (!buf)
		return -ENOMEM;
	memset(buf, 'w', BENCH_CHUNK);
	for (uint64_t off = 0; off < len; off += BENCH_CHUNK)
		if (pwrite(fd, buf, BENCH_CHUNK, (off_t)off) != (ssize_t)BENCH_CHUNK)
			return errno ? -errno : -EIO;
	return fsync(fd) ? -errno : 0;
}

/* The first file, anew. */
int data_write(struct bench *bench)
{
	CLEANUP(cleanup_close) int fd = -1;
	char name[BENCH_NAME];
	int err;

	bench_file_name(bench, 0, SHAPE_FILE, name);
	if (unlinkat(bench->root, name, 0) || syncfs(bench->root))
		return -errno;
	fd = open_file(bench, 0, O_WRONLY | O_CREAT | O_EXCL);
	if (fd < 0)
		return -errno;
	measure_start(bench);
	err = write_range(fd, bench->len);
	measure_end(bench);
	bench->bytes = bench->len;
	bench->ops = bench->bytes / BENCH_CHUNK;
	return err;
}

/* Blocks of the last file, which is never made anew, in random order. */
static int over_write(struct bench *bench, int flags)
{
	CLEANUP(cleanup_close) int fd = open_file(bench, bench->shape.files - 1, O_WRONLY | flags);
	CLEANUP(cleanup_free) void *buf = aligned_alloc(RANDOM_SIZE, RANDOM_SIZE);
	uint64_t state = SEED, blocks = bench->shape.size / RANDOM_SIZE;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (!buf)
		return -ENOMEM;
	memset(buf, 'o', RANDOM_SIZE);
	measure_start(bench);
	for (unsigned i = 0; i < bench->count && !err; i++) {
		off_t off = (off_t)(measure_random(&state) % blocks * RANDOM_SIZE);

		if (pwrite(fd, buf, RANDOM_SIZE, off) != RANDOM_SIZE)
			err = errno ? -errno : -EIO;
	}
	if (!err && fsync(fd))
		err = -errno;
	measure_end(bench);
	bench->ops = bench->count;
	bench->bytes = (uint64_t)bench->count * RANDOM_SIZE;
	return err;
}

int data_over(struct bench *bench)
{
	return over_write(bench, 0);
}

int data_over_direct(struct bench *bench)
{
	return over_write(bench, O_DIRECT);
}

/* Each job appends to a file of its own and waits for every block. */
static int fsync_job(struct bench *bench, unsigned job)
{
	CLEANUP(cleanup_close) int fd = open_file(bench, job, O_WRONLY | O_CREAT | O_APPEND);
	char buf[RANDOM_SIZE];

	if (fd < 0)
		return -errno;
	memset(buf, 's', sizeof(buf));
	for (unsigned i = job; i < bench->count; i += bench->jobs)
		if (write(fd, buf, sizeof(buf)) != (ssize_t)sizeof(buf) || fsync(fd))
			return errno ? -errno : -EIO;
	return 0;
}

int data_fsync(struct bench *bench)
{
	int err = bench->jobs > bench->shape.files ? -EINVAL : edit_make_dirs(bench, 1);

	if (!err)
		err = measure_jobs(bench, fsync_job);
	bench->ops = bench->count;
	bench->bytes = (uint64_t)bench->count * RANDOM_SIZE;
	return err;
}

/* ---- making a tree ---- */

static int fill_file(int dir, const char *name, uint64_t size, const void *buf)
{
	CLEANUP(cleanup_close) int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		return -errno;
	while (size) {
		ssize_t put = write(fd, buf, size < BENCH_CHUNK ? (size_t)size : BENCH_CHUNK);

		if (put <= 0)
			return put ? -errno : -EIO;
		size -= (uint64_t)put;
	}
	return 0;
}

static int fill_dir(const struct bench *bench, unsigned index, const void *buf)
{
	CLEANUP(cleanup_close) int dir = -1;
	char name[SHAPE_NAME];
	int err = 0;

	shape_name(SHAPE_DIR, index, name);
	if (mkdirat(bench->root, name, 0755))
		return -errno;
	dir = openat(bench->root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	for (unsigned i = 0; i < bench->shape.files && !err; i++) {
		shape_name(SHAPE_FILE, i, name);
		err = fill_file(dir, name, bench->shape.size, buf);
	}
	return err;
}

int data_fill(struct bench *bench)
{
	CLEANUP(cleanup_free) uint64_t *buf = malloc(BENCH_CHUNK);
	uint64_t state = SEED;
	int err = buf ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < BENCH_CHUNK / sizeof(*buf); i++)
		buf[i] = measure_random(&state);
	measure_start(bench);
	for (unsigned i = 0; i < bench->shape.dirs && !err; i++)
		err = fill_dir(bench, i, buf);
	measure_end(bench);
	bench->ops = (uint64_t)bench->shape.dirs * bench->shape.files;
	bench->bytes = bench->ops * bench->shape.size;
	return err;
}
