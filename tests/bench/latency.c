// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long small operations take while another process keeps the filesystem busy. One thread does
 * them one after the other and keeps every time; a child is the load, and begins after a moment of
 * quiet. It ends when the load has and a moment more is over.
 *
 * The tree: in the last directory the names that are made, looked for and removed; in the first one the
 * last file is read, and the first is a load's to write. So the do-nothing server takes part, whose
 * tree has these names.
 */
#include "config.h"

#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define BLOCK 4096
#define QUIET_NS 200000000u /* before the load begins, and after it has ended */
#define MAX_TIMES ((size_t)1 << 22)

static const char *const probe_names[] = { "create", "miss", "stat", "read", "unlink" };
#define NR_PROBES (sizeof(probe_names) / sizeof(probe_names[0]))

struct probe {
	struct bench *bench;
	int file;	       /* what is read */
	void *block;	       /* BLOCK bytes, aligned */
	char made[BENCH_NAME]; /* the name that comes and goes */
	char dir[SHAPE_NAME];  /* where it does */
	unsigned round;
	uint64_t *times; /* ns, MAX_TIMES of them */
	size_t nr;
	uint64_t worst[NR_PROBES];
};

/* ---- the operations ---- */

static int probe_create(struct probe *probe)
{
	int fd = openat(probe->bench->root, probe->made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, probe->block, BLOCK) != BLOCK)
		err = errno ? -errno : -EIO;
	if (close(fd) && !err)
		err = -errno;
	return err;
}

/* Never the same name soon: the kernel remembers what is not there. */
static int probe_miss(struct probe *probe)
{
	char name[BENCH_NAME];
	struct stat st;

	memcpy(name, probe->made, sizeof(name));
	shape_name(SHAPE_NONE, probe->round % SHAPE_MAX, name + SHAPE_NAME);
	if (fstatat(probe->bench->root, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return errno == ENOENT ? 0 : -errno;
}

/* Of the directory: its attributes are void after each change. */
static int probe_stat(struct probe *probe)
{
	struct stat st;

	return fstatat(probe->bench->root, probe->dir, &st, AT_SYMLINK_NOFOLLOW) ? -errno : 0;
}

static int probe_read(struct probe *probe)
{
	off_t off = (off_t)(probe->round % 64) * BLOCK;

	return pread(probe->file, probe->block, BLOCK, off) < 0 ? -errno : 0;
}

static int probe_unlink(struct probe *probe)
{
	return unlinkat(probe->bench->root, probe->made, 0) ? -errno : 0;
}

static int (*const probes[NR_PROBES])(struct probe *probe) = {
	probe_create, probe_miss, probe_stat, probe_read, probe_unlink,
};

static int probe_once(struct probe *probe)
{
	int err = 0;

	for (size_t i = 0; i < NR_PROBES && !err; i++) {
		uint64_t ns = measure_now();

		err = probes[i](probe);
		ns = measure_now() - ns;
		if (ns > probe->worst[i])
			probe->worst[i] = ns;
		if (probe->nr < MAX_TIMES)
			probe->times[probe->nr++] = ns;
	}
	probe->round++;
	return err;
}

/* The last file of the first directory is read: no load touches it. */
static int probe_init(struct probe *probe, struct bench *bench)
{
	char name[BENCH_NAME];

	probe->bench = bench;
	probe->times = calloc(MAX_TIMES, sizeof(*probe->times));
	probe->block = aligned_alloc(BLOCK, BLOCK);
	if (!probe->times || !probe->block)
		return -ENOMEM;
	memset(probe->block, 'l', BLOCK);
	shape_name(SHAPE_DIR, bench->shape.dirs - 1, probe->dir);
	bench_file_name(bench, (bench->shape.dirs - 1) * bench->shape.files, SHAPE_FILE, probe->made);
	if (unlinkat(bench->root, probe->made, 0) && errno != ENOENT)
		return -errno;
	bench_file_name(bench, bench->shape.files - 1, SHAPE_FILE, name);
	probe->file = openat(bench->root, name, O_RDONLY | O_DIRECT | O_CLOEXEC);
	return probe->file < 0 ? -errno : 0;
}

static void probe_fini(struct probe *probe)
{
	if (probe->file >= 0)
		close(probe->file);
	free(probe->block);
	free(probe->times);
}

/* ---- the loads, each in a process of its own ---- */

/* bench->len bytes in order, and an fsync. */
static int load_write(struct bench *bench, unsigned job)
{
	CLEANUP(cleanup_close) int fd = -1;
	CLEANUP(cleanup_free) void *buf = calloc(1, BENCH_CHUNK);
	char name[BENCH_NAME];

	(void)job;
	bench_file_name(bench, 0, SHAPE_FILE, name);
	fd = openat(bench->root, name, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (uint64_t off = 0; buf && off < bench->len; off += BENCH_CHUNK)
		if (pwrite(fd, buf, BENCH_CHUNK, (off_t)off) != (ssize_t)BENCH_CHUNK)
			return errno ? -errno : -EIO;
	if (!buf)
		return -ENOMEM;
	return fsync(fd) ? -errno : 0;
}

static int truncate_name(const struct bench *bench, const char *name)
{
	CLEANUP(cleanup_close) int fd = openat(bench->root, name, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return ftruncate(fd, 0) ? -errno : 0;
}

/* What is truncated was made when the image was filled: tests/bench/latency.sh. */
static int load_truncate(struct bench *bench, unsigned job)
{
	(void)job;
	return truncate_name(bench, "large");
}

static int load_fragmented(struct bench *bench, unsigned job)
{
	(void)job;
	return truncate_name(bench, "fragmented");
}

/* bench->count files, a directory for each process. */
static int load_fsync(struct bench *bench, unsigned job)
{
	char block[BLOCK] = { 0 };

	for (unsigned i = 0; i < bench->count; i++) {
		CLEANUP(cleanup_close) int fd = -1;
		char name[BENCH_NAME];

		bench_file_name(bench, (job + 1) * bench->shape.files + i % bench->shape.files,
			SHAPE_FILE, name);
		if (unlinkat(bench->root, name, 0) && errno != ENOENT)
			return -errno;
		fd = openat(bench->root, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd < 0)
			return -errno;
		if (write(fd, block, BLOCK) != BLOCK || fsync(fd))
			return errno ? -errno : -EIO;
	}
	return 0;
}

/* All directories but the first and the last. */
static int load_remove(struct bench *bench, unsigned job)
{
	(void)job;
	for (unsigned dir = 1; dir + 1 < bench->shape.dirs; dir++) {
		char name[BENCH_NAME];

		for (unsigned i = 0; i < bench->shape.files; i++) {
			bench_file_name(bench, dir * bench->shape.files + i, SHAPE_FILE, name);
			if (unlinkat(bench->root, name, 0))
				return -errno;
		}
		shape_name(SHAPE_DIR, dir, name);
		if (unlinkat(bench->root, name, AT_REMOVEDIR))
			return -errno;
	}
	return 0;
}

/* Dies with the client, which may be given up. */
static pid_t start_load(struct bench *bench, bench_job *load, unsigned job)
{
	struct timespec quiet = { .tv_nsec = QUIET_NS };
	pid_t pid = fork();
	int err;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	nanosleep(&quiet, NULL);
	err = load(bench, job);
	if (err)
		fprintf(stderr, "load: %s\n", strerror(-err));
	_exit(err ? 1 : 0);
}

/* ---- the measurement ---- */

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t quantile(const struct probe *probe, unsigned per_mille)
{
	return probe->times[(probe->nr - 1) * per_mille / 1000];
}

static void print_times(struct probe *probe)
{
	size_t worst = 0;

	for (size_t i = 1; i < NR_PROBES; i++)
		if (probe->worst[i] > probe->worst[worst])
			worst = i;
	qsort(probe->times, probe->nr, sizeof(*probe->times), compare);
	printf("p50=%" PRIu64 " p99=%" PRIu64 " p999=%" PRIu64 " max=%" PRIu64 " worst=%s ",
		quantile(probe, 500), quantile(probe, 990), quantile(probe, 999),
		quantile(probe, 1000), probe_names[worst]);
}

/* Until no load is left; each that has ended is taken out of *running. */
static int reap(unsigned *running)
{
	int status;

	while (*running && waitpid(-1, &status, WNOHANG) > 0) {
		--*running;
		if (status)
			return -EIO;
	}
	return 0;
}

static int probe_until_over(struct probe *probe, unsigned running)
{
	uint64_t end = 0;
	int err = 0;

	while (!err && (running || measure_now() < end)) {
		err = probe_once(probe);
		if (!err && running) {
			err = reap(&running);
			end = measure_now() + QUIET_NS;
		}
	}
	return err;
}

static int under_load(struct bench *bench, bench_job *load, unsigned processes)
{
	CLEANUP(probe_fini) struct probe probe = { .file = -1 };
	int err = bench->shape.dirs < 4 ? -EINVAL : probe_init(&probe, bench);

	if (err)
		return err;
	for (unsigned i = 0; i < processes; i++)
		if (start_load(bench, load, i) < 0)
			return -errno; /* those that run die with us */
	measure_start(bench);
	err = probe_until_over(&probe, processes);
	measure_end(bench);
	bench->ops = probe.nr;
	if (!err)
		print_times(&probe);
	return err;
}

int latency_write(struct bench *bench)
{
	return under_load(bench, load_write, 1);
}

int latency_truncate(struct bench *bench)
{
	return under_load(bench, load_truncate, 1);
}

int latency_fragmented(struct bench *bench)
{
	return under_load(bench, load_fragmented, 1);
}

int latency_fsync(struct bench *bench)
{
	return under_load(bench, load_fsync, 2);
}

int latency_remove(struct bench *bench)
{
	return under_load(bench, load_remove, 1);
}

/* ---- filling the image: what the loads truncate ---- */

#define LARGE ((off_t)10 << 30)

/* bench->count extents of a block: every other block of a file that had all. */
int latency_fill(struct bench *bench)
{
	CLEANUP(cleanup_close) int large = -1, holes = -1;
	off_t len = (off_t)bench->count * 2 * BLOCK;

	large = openat(bench->root, "large", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	holes = openat(bench->root, "fragmented", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (large < 0 || holes < 0)
		return -errno;
	measure_start(bench);
	if (fallocate(large, 0, 0, LARGE) || fallocate(holes, 0, 0, len))
		return -errno;
	for (off_t off = 0; off < len; off += 2 * BLOCK)
		if (fallocate(holes, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, BLOCK))
			return -errno;
	measure_end(bench);
	bench->ops = bench->count;
	return 0;
}
