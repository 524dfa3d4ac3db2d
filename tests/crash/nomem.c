// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nomem - fail the n-th allocation of memory of a random sequence of changes, once or from then on, and
 * look at what is left.
 *
 * No crash, no leak; the error that reaches the caller says what it was; the image as it lies there
 * passes the same checks as after a power cut, with all that was promised. An allocation that
 * serves speed alone may fail without anybody hearing of it.
 *
 * The linker sends the core's allocations here (--wrap); those of the test's own files go around
 * (CPPFLAGS in Makefile.inc), and so do those of the record, which is no part of what is tested.
 */
#include "config.h"

#include <errno.h>
#include <execinfo.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blk/record.h"
#include "check.h"
#include "judge.h"
#include "work.h"

#define HANG 120 /* seconds for one run */
#define OPS 300
#define FRAMES 16

/* ---- the allocator ---- */

static struct {
	atomic_bool armed;
	atomic_bool stay;	/* the later ones fail too */
	_Atomic uint64_t at;	/* number of the allocation that fails, 0: none */
	_Atomic uint64_t calls;
	_Atomic uint64_t hits;	/* that failed */
	bool trace;		/* [const] show where, for addr2line(1) */
} plan;

static _Thread_local unsigned exempt;

static bool fails(void)
{
	void *frames[FRAMES];
	uint64_t call;

	if (!plan.armed || exempt)
		return false;
	call = ++plan.calls;
	if (!plan.at || call < plan.at || (call > plan.at && !plan.stay))
		return false;
	if (!plan.hits++ && plan.trace)
		backtrace_symbols_fd(frames, backtrace(frames, FRAMES), STDERR_FILENO);
	errno = ENOMEM;
	return true;
}

/* What the linker makes of the names; malloc() and the like are __real_malloc() and the like here. */
void *__real_reallocarray(void *p, size_t nr, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t nr, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t nr, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *s);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : malloc(size);
}

void *__wrap_calloc(size_t nr, size_t size)
{
	return fails() ? NULL : calloc(nr, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t nr, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, nr, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

static void arm(uint64_t n, bool stay)
{
	plan.calls = plan.hits = 0;
	plan.at = n;
	plan.stay = stay;
	plan.armed = true;
}

/* ---- a layer under which nothing fails ---- */

struct quiet {
	struct blk blk;
	struct blk *lower; /* [const] owned */
};

static struct blk *enter(struct blk *blk)
{
	exempt++;
	return ((struct quiet *)blk)->lower;
}

static int leave(int err)
{
	exempt--;
	return err;
}

static int quiet_read(struct blk *blk, uint64_t off, void *buf, size_t len)
{
	return leave(blk_read(enter(blk), off, buf, len));
}

static int quiet_write(struct blk *blk, uint64_t off, const void *buf, size_t len)
{
	return leave(blk_write(enter(blk), off, buf, len));
}

static int quiet_flush(struct blk *blk)
{
	return leave(blk_flush(enter(blk)));
}

static int quiet_discard(struct blk *blk, uint64_t off, uint64_t len)
{
	return leave(blk_discard(enter(blk), off, len));
}

static void quiet_close(struct blk *blk)
{
	blk_close(enter(blk));
	free(blk);
	(void)leave(0);
}

static const struct blk_ops quiet_ops = {
	.read = quiet_read,
	.write = quiet_write,
	.flush = quiet_flush,
	.discard = quiet_discard,
	.close = quiet_close,
};

static struct blk *quiet_new(struct blk *lower)
{
	struct quiet *quiet = calloc(1, sizeof(*quiet));

	if (!quiet)
		abort();
	quiet->blk.ops = &quiet_ops;
	quiet->blk.size = lower->size;
	quiet->lower = lower;
	return &quiet->blk;
}

/* ---- runs ---- */

/* Of the sanitizer, where there is one: whether something has leaked by now. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

struct run {
	const char *dir;
	uint8_t *before, *after;
	size_t len;
	struct log log;
};

/* What an allocation that fails may look like: itself, or the abort that it led to. */
static bool is_telling(int err)
{
	return !err || err == -ENOMEM || err == -EROFS;
}

/* The image as it lies there after the last call. */
static bool is_good(struct run *r, struct work *w, struct blk *record)
{
	uint64_t at = blk_record_now(record);
	char path[4096];
	struct fs *fs;
	bool good;
	int err;

	if (blk_read(record, 0, r->after, r->len))
		return false;
	snprintf(path, sizeof(path), "%s/nomem.img", r->dir);
	judge_write_file(path, r->after, r->len);
	err = judge_open(path, true, &r->log, &fs);
	if (err) {
		fprintf(stderr, "cannot be opened afterwards: %s\n", strerror(-err));
		return false;
	}
	/* before the first operation there is nothing to compare */
	good = !w->m.nr_states || !check_image(&w->m, fs, EXT2_ROOT_INO, at, NULL);
	err = fs_close(fs);
	return judge_clean(path) && good && !err;
}

static bool run_one(struct run *r, uint64_t n, bool stay)
{
	struct fs_options opts = { .writable = true };
	struct blk *mem, *record, *top;
	struct work w;
	struct fs *fs;
	bool good = true;
	int err;

	alarm(HANG);
	if (blk_mem_new(r->before, r->len, &mem) || blk_record_new(mem, &record))
		abort();
	blk_record_hold(record);
	top = quiet_new(record);
	work_init(&w, 5);
	w.faults = true;
	arm(n, stay);
	err = fs_open(top, &opts, &r->log, &fs);
	if (!err) {
		work_run(&w, fs, record, OPS);
		work_end(&w);
		err = fs_close(fs);
	}
	plan.armed = false;
	if (!is_telling(err) || !is_telling(w.first_error)) {
		fprintf(stderr, "said to be \"%s\" and \"%s\"\n", strerror(-w.first_error),
			strerror(-err));
		good = false;
	}
	if (!is_good(r, &w, record))
		good = false;
	work_fini(&w);
	blk_record_free(record);
	if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check())
		good = false;
	if (!good)
		fprintf(stderr, "allocation %" PRIu64 "%s: bad\n", n, stay ? " and on" : "");
	return good;
}

int main(int argc, char **argv)
{
	struct run r = {0};
	unsigned bad = 0, runs = 0;
	uint64_t n, step, last;

	if (argc != 6 && argc != 7) {
		fprintf(stderr, "usage: nomem IMAGE DIR FIRST STEP LAST [trace]\n");
		return 2;
	}
	r.dir = argv[2];
	n = strtoull(argv[3], NULL, 10);
	step = strtoull(argv[4], NULL, 10);
	last = strtoull(argv[5], NULL, 10);
	plan.trace = argc == 7;
	log_init(&r.log, "nomem", LOG_LEVEL_ERROR);
	r.log.to_syslog = false;
	r.before = judge_read_file(argv[1], &r.len);
	r.after = malloc(r.len);
	if (!r.after)
		abort();
	for (; n <= last; n += step) {
		bad += !run_one(&r, n, true);
		bad += !run_one(&r, n, false);
		runs += 2;
		if (!plan.hits)
			break; /* there are no more */
	}
	printf("%u runs, %u bad, %" PRIu64 " allocations in the last\n", runs, bad, plan.calls);
	free(r.before);
	free(r.after);
	return bad ? 1 : 0;
}
