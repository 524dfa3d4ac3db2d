// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * onefile - changes one file through every way there is, and holds each read against a copy in memory.
 *
 *   onefile --seed N --count N --max BYTES FILE            the file is made, changed, read
 *   onefile --seed N --count N --max BYTES --verify FILE   the same in memory alone: FILE must be it
 *
 * Not done is to write past the end through a mapping: through FUSE that comes back when the file grows.
 *
 * The page cache, O_DIRECT, shared mappings (one of the whole file, others that come and go), vectors,
 * appending, holes, preallocation, copies within the file: whoever mixes them must see one file. All
 * choices come from the seed, so that --verify, after another mount, needs nothing but the numbers.
 *
 * Invariants of struct onefile: bytes of the model at and behind size are zero, as are those of the file's
 * last page. --align is O_DIRECT's, whatever the filesystem would take. --indirect: the file has no extents.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/falloc.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE 4096u
#define HISTORY 24 /* operations that are told when one fails */
#define LINE 96

struct onefile {
	const char *path;
	bool verify;   /* nothing but the model */
	bool indirect; /* no extents: what they alone can, fails */
	uint64_t random;
	size_t max, align;
	int fd, direct, append; /* the same file */
	uint8_t *map;		/* all of max, past the end too */
	uint8_t *model, *buf;	/* max bytes each, page-aligned */
	size_t size;
	unsigned nr;
	char history[HISTORY][LINE];
};

struct range {
	size_t at, len;
};

struct op {
	const char *name;
	unsigned weight;
	void (*fn)(struct onefile *f);
};

__attribute__((noreturn, format(printf, 2, 3))) static void die(struct onefile *f, const char *fmt, ...)
{
	va_list ap;

	/* the oldest follows the present one, which is none when the end is checked */
	for (unsigned i = 1; i <= HISTORY; i++)
		fprintf(stderr, "%s\n", f->history[(f->nr + i) % HISTORY]);
	fprintf(stderr, "onefile: %s: operation %u: ", f->path, f->nr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\n", stderr);
	exit(1);
}

static void must(struct onefile *f, const char *what, ssize_t got, ssize_t want)
{
	if (got < 0)
		die(f, "%s: %s", what, strerror(errno));
	if (got != want)
		die(f, "%s: %zd instead of %zd", what, got, want);
}

__attribute__((format(printf, 2, 3))) static void note(struct onefile *f, const char *fmt, ...)
{
	char *line = f->history[f->nr % HISTORY];
	size_t len = strlen(line);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + len, LINE - len, fmt, ap);
	va_end(ap);
}

/* ---- choices ---- */

static uint32_t next_random(struct onefile *f)
{
	/* Knuth's constants; the low bits are no good */
	f->random = f->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(f->random >> 33);
}

/* 0 to n - 1; 0 for 0. */
static size_t pick(struct onefile *f, size_t n)
{
	return n ? next_random(f) % n : 0;
}

/* A range within limit, mostly short, often with a page's edge at one of its ends. */
static struct range pick_range(struct onefile *f, size_t limit)
{
	struct range r;

	if (limit == 0)
		return (struct range){ 0 };
	r.at = pick(f, limit);
	if (pick(f, 3) == 0)
		r.at -= r.at % PAGE;
	r.len = 1 + pick(f, pick(f, 4) ? 2u * PAGE : f->max / 4);
	if (pick(f, 3) == 0)
		r.len += (PAGE - (r.at + r.len) % PAGE) % PAGE;
	if (r.len > limit - r.at)
		r.len = limit - r.at;
	note(f, " %zu+%zu", r.at, r.len);
	return r;
}

/* The same for O_DIRECT: len may be 0, where there is no room for more. */
static struct range pick_aligned(struct onefile *f, size_t limit)
{
	struct range r = pick_range(f, limit);

	r.at -= r.at % f->align;
	r.len -= r.len % f->align;
	return r;
}

static void fill(struct onefile *f, size_t len)
{
	for (size_t i = 0; i < len; i++)
		f->buf[i] = (uint8_t)(next_random(f) | 1); /* no zero: holes are told from data */
}

/* ---- the model ---- */

static void model_grow(struct onefile *f, size_t end)
{
	if (end > f->size)
		f->size = end;
}

static void model_write(struct onefile *f, struct range r)
{
	memcpy(f->model + r.at, f->buf, r.len);
	if (r.len)
		model_grow(f, r.at + r.len);
}

static void check(struct onefile *f, const uint8_t *got, struct range r, const char *how)
{
	for (size_t i = 0; i < r.len; i++)
		if (got[i] != f->model[r.at + i])
			die(f, "%s at %zu: byte %zu is %02x instead of %02x, of %zu bytes", how, r.at,
				r.at + i, got[i], f->model[r.at + i], f->size);
}

static void check_size(struct onefile *f)
{
	struct stat st;

	must(f, "fstat", fstat(f->fd, &st), 0);
	if (st.st_size != (off_t)f->size)
		die(f, "%lld bytes long instead of %zu", (long long)st.st_size, f->size);
}

/* ---- operations ---- */

static void op_write(struct onefile *f)
{
	struct range r = pick_range(f, f->max);

	fill(f, r.len);
	if (!f->verify)
		must(f, "pwrite", pwrite(f->fd, f->buf, r.len, (off_t)r.at), (ssize_t)r.len);
	model_write(f, r);
}

static void op_write_vector(struct onefile *f)
{
	struct range r = pick_range(f, f->max);
	size_t first = pick(f, r.len), second = pick(f, r.len - first);
	struct iovec iov[] = {
		{ f->buf, first },
		{ f->buf + first, second },
		{ f->buf + first + second, r.len - first - second },
	};

	fill(f, r.len);
	if (!f->verify)
		must(f, "pwritev", pwritev(f->fd, iov, 3, (off_t)r.at), (ssize_t)r.len);
	model_write(f, r);
}

/* Holds for pwrite(2) too: what is given as position does not count (BUGS in its man page). */
static void op_append(struct onefile *f)
{
	struct range r = { .at = f->size, .len = 1 + pick(f, 3000) };

	if (r.len > f->max - f->size)
		r.len = f->max - f->size;
	note(f, " %zu+%zu", r.at, r.len);
	fill(f, r.len);
	if (!f->verify)
		must(f, "append", pwrite(f->append, f->buf, r.len, 0), (ssize_t)r.len);
	model_write(f, r);
}

static void op_write_direct(struct onefile *f)
{
	struct range r = pick_aligned(f, f->max);

	fill(f, r.len);
	if (!f->verify)
		must(f, "direct pwrite", pwrite(f->direct, f->buf, r.len, (off_t)r.at), (ssize_t)r.len);
	model_write(f, r);
}

static void op_write_mapped(struct onefile *f)
{
	struct range r = pick_range(f, f->size);

	fill(f, r.len);
	if (!f->verify)
		memcpy(f->map + r.at, f->buf, r.len);
	model_write(f, r);
}

/* Through a mapping of its own, which ends with a msync(2) or none. */
static void op_write_mapped_anew(struct onefile *f)
{
	struct range r = pick_range(f, f->size);
	size_t from = r.at - r.at % PAGE;
	bool sync = pick(f, 2);
	uint8_t *map;

	fill(f, r.len);
	if (!f->verify && r.len) {
		map = mmap(NULL, r.at + r.len - from, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, (off_t)from);
		if (map == MAP_FAILED)
			die(f, "mmap: %s", strerror(errno));
		memcpy(map + r.at - from, f->buf, r.len);
		if (sync)
			must(f, "msync", msync(map, r.at + r.len - from, MS_SYNC), 0);
		munmap(map, r.at + r.len - from);
	}
	model_write(f, r);
}

static void op_read(struct onefile *f)
{
	struct range r = pick_range(f, f->size);

	if (f->verify)
		return;
	must(f, "pread", pread(f->fd, f->buf, r.len, (off_t)r.at), (ssize_t)r.len);
	check(f, f->buf, r, "pread");
}

/* Past the end too: what is there is all that comes. */
static void op_read_direct(struct onefile *f)
{
	struct range r = pick_aligned(f, f->max);
	size_t there = r.at >= f->size ? 0 : f->size - r.at;

	if (f->verify)
		return;
	if (there > r.len)
		there = r.len;
	must(f, "direct pread", pread(f->direct, f->buf, r.len, (off_t)r.at), (ssize_t)there);
	check(f, f->buf, (struct range){ r.at, there }, "direct pread");
}

static void op_read_mapped(struct onefile *f)
{
	struct range r = pick_range(f, f->size);

	if (!f->verify)
		check(f, f->map + r.at, r, "mapping");
}

/* The rest of the last page is zero, whatever was written there by a mapping before. */
static void op_read_tail(struct onefile *f)
{
	size_t end = f->size + (PAGE - f->size % PAGE) % PAGE;

	if (end > f->max)
		end = f->max;
	if (!f->verify)
		check(f, f->map + f->size, (struct range){ f->size, end - f->size }, "last page");
}

static void truncate_to(struct onefile *f, size_t size)
{
	note(f, " %zu", size);
	if (!f->verify)
		must(f, "ftruncate", ftruncate(f->fd, (off_t)size), 0);
	if (size < f->size)
		memset(f->model + size, 0, f->size - size);
	f->size = size;
}

static void op_shrink(struct onefile *f)
{
	truncate_to(f, pick(f, f->size + 1));
}

static void op_grow(struct onefile *f)
{
	truncate_to(f, f->size + pick(f, f->max - f->size + 1));
}

/* fallocate(2) with that mode. zero: what was there is no more. */
static void allocate(struct onefile *f, int mode, bool zero)
{
	struct range r = pick_range(f, f->max);

	if (r.len == 0)
		return;
	if (f->indirect && !(mode & FALLOC_FL_PUNCH_HOLE)) {
		if (!f->verify && (fallocate(f->fd, mode, (off_t)r.at, (off_t)r.len) == 0 || errno != EOPNOTSUPP))
			die(f, "fallocate is not refused without extents: %s", strerror(errno));
		return;
	}
	if (!f->verify)
		must(f, "fallocate", fallocate(f->fd, mode, (off_t)r.at, (off_t)r.len), 0);
	if (zero)
		memset(f->model + r.at, 0, r.len);
	if (!(mode & FALLOC_FL_KEEP_SIZE))
		model_grow(f, r.at + r.len);
}

static void op_allocate(struct onefile *f)
{
	allocate(f, 0, false);
}

static void op_allocate_keep(struct onefile *f)
{
	allocate(f, FALLOC_FL_KEEP_SIZE, false);
}

static void op_punch(struct onefile *f)
{
	allocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, true);
}

static void op_zero(struct onefile *f)
{
	allocate(f, FALLOC_FL_ZERO_RANGE, true);
}

static void op_zero_keep(struct onefile *f)
{
	allocate(f, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, true);
}

/* copy_file_range(2) within the file, which may copy less than it was asked to, but not nothing. */
static void op_copy(struct onefile *f)
{
	struct range from = pick_range(f, f->size);
	size_t to = pick(f, f->max - from.len + 1);
	bool apart = to + from.len <= from.at || from.at + from.len <= to;
	loff_t in = (loff_t)from.at, out = (loff_t)to;
	size_t left = from.len;
	ssize_t got;

	note(f, " to %zu", to);
	if (from.len == 0 || !apart)
		return;
	while (!f->verify && left) {
		got = copy_file_range(f->fd, &in, f->fd, &out, left, 0);
		if (got <= 0)
			die(f, "copy_file_range: %s", got ? strerror(errno) : "0");
		left -= (size_t)got;
	}
	memmove(f->model + to, f->model + from.at, from.len);
	model_grow(f, to + from.len);
}

/* Where data are said to be missing there are none. */
static void op_seek(struct onefile *f)
{
	off_t hole = 0, data;

	if (f->verify)
		return;
	while (hole < (off_t)f->size) {
		hole = lseek(f->fd, hole, SEEK_HOLE);
		data = hole < 0 ? -1 : lseek(f->fd, hole, SEEK_DATA);
		if (hole < 0 || (data < 0 && errno != ENXIO))
			die(f, "lseek: %s", strerror(errno));
		if (data < 0)
			data = (off_t)f->size;
		for (off_t at = hole; at < data; at++)
			if (f->model[at])
				die(f, "hole from %lld to %lld, but byte %lld is %02x", (long long)hole,
					(long long)data, (long long)at, f->model[at]);
		hole = data;
	}
}

static void op_sync(struct onefile *f)
{
	bool data = pick(f, 2);

	if (!f->verify)
		must(f, "fsync", data ? fdatasync(f->fd) : fsync(f->fd), 0);
}

/* The next reads ask the server. */
static void op_forget(struct onefile *f)
{
	bool sync = pick(f, 2);

	if (f->verify)
		return;
	if (sync)
		must(f, "fsync", fsync(f->fd), 0);
	must(f, "fadvise", posix_fadvise(f->fd, 0, 0, POSIX_FADV_DONTNEED), 0);
}

static void map_file(struct onefile *f)
{
	f->map = mmap(NULL, f->max, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	if (f->map == MAP_FAILED)
		die(f, "mmap: %s", strerror(errno));
}

static int open_file(struct onefile *f, int flags)
{
	int fd = open(f->path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		die(f, "open: %s", strerror(errno));
	return fd;
}

static void open_all(struct onefile *f)
{
	f->fd = open_file(f, O_RDWR | O_CREAT);
	f->direct = open_file(f, O_RDWR | O_DIRECT);
	f->append = open_file(f, O_WRONLY | O_APPEND);
	map_file(f);
}

static void close_all(struct onefile *f)
{
	munmap(f->map, f->max);
	must(f, "close", close(f->append), 0);
	must(f, "close", close(f->direct), 0);
	must(f, "close", close(f->fd), 0);
}

static void op_reopen(struct onefile *f)
{
	if (f->verify)
		return;
	close_all(f);
	open_all(f);
}

static void check_all(struct onefile *f)
{
	struct range all = { 0, f->size };

	check_size(f);
	must(f, "pread", pread(f->fd, f->buf, f->max, 0), (ssize_t)f->size);
	check(f, f->buf, all, "all of it");
}

static void op_read_all(struct onefile *f)
{
	if (!f->verify)
		check_all(f);
}

static const struct op ops[] = {
	{ "write", 12, op_write },
	{ "write-vector", 4, op_write_vector },
	{ "append", 6, op_append },
	{ "write-direct", 10, op_write_direct },
	{ "write-mapped", 10, op_write_mapped },
	{ "write-mapped-anew", 5, op_write_mapped_anew },
	{ "read", 10, op_read },
	{ "read-direct", 10, op_read_direct },
	{ "read-mapped", 10, op_read_mapped },
	{ "read-tail", 4, op_read_tail },
	{ "shrink", 5, op_shrink },
	{ "grow", 3, op_grow },
	{ "allocate", 3, op_allocate },
	{ "allocate-keep", 3, op_allocate_keep },
	{ "punch", 5, op_punch },
	{ "zero", 3, op_zero },
	{ "zero-keep", 3, op_zero_keep },
	{ "copy", 4, op_copy },
	{ "seek", 1, op_seek },
	{ "sync", 1, op_sync },
	{ "forget", 2, op_forget },
	{ "reopen", 1, op_reopen },
	{ "read-all", 2, op_read_all },
};

/* ---- the whole ---- */

static void step(struct onefile *f)
{
	unsigned total = 0;
	const struct op *op = ops;
	size_t at;

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		total += ops[i].weight;
	at = pick(f, total);
	while (at >= op->weight)
		at -= op++->weight;
	f->history[f->nr % HISTORY][0] = '\0';
	note(f, "%u %zu %s", f->nr, f->size, op->name);
	op->fn(f);
	if (!f->verify)
		check_size(f);
}

static size_t number(const char *text)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);

	if (end == text || *end) {
		fprintf(stderr, "onefile: \"%s\" is not a number\n", text);
		exit(2);
	}
	return (size_t)value;
}

static int usage(void)
{
	fputs("usage: onefile [--seed N] [--count N] [--max BYTES] [--align BYTES] [--indirect]\n"
	      "               [--verify] FILE\n", stderr);
	return 2;
}

static void run(struct onefile *f, size_t count)
{
	f->model = calloc(1, f->max);
	f->buf = aligned_alloc(PAGE, f->max + (PAGE - f->max % PAGE) % PAGE);
	if (!f->model || !f->buf)
		die(f, "out of memory");
	if (!f->verify)
		open_all(f);
	for (f->nr = 0; f->nr < count; f->nr++)
		step(f);
	if (f->verify)
		f->fd = open_file(f, O_RDONLY);
	check_all(f);
	if (f->verify)
		must(f, "close", close(f->fd), 0);
	else
		close_all(f);
	free(f->model);
	free(f->buf);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'c' },
		{ "max", required_argument, NULL, 'm' },
		{ "align", required_argument, NULL, 'a' },
		{ "indirect", no_argument, NULL, 'i' },
		{ "verify", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	struct onefile f = { .random = 1, .max = 1 << 18, .align = PAGE };
	size_t count = 1000;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 's')
			f.random = number(optarg);
		else if (c == 'c')
			count = number(optarg);
		else if (c == 'm')
			f.max = number(optarg);
		else if (c == 'a')
			f.align = number(optarg);
		else if (c == 'i')
			f.indirect = true;
		else if (c == 'v')
			f.verify = true;
		else
			return usage();
	}
	if (optind + 1 != argc || f.max == 0 || f.align == 0)
		return usage();
	f.path = argv[optind];
	run(&f, count);
	return 0;
}
