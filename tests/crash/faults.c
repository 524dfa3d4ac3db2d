// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * faults - fail the n-th read, write or flush of a random sequence of changes, or let the disk
 * under a sparse image run full, and look at what is left.
 *
 * No crash and no hang, the error reaches a caller, and the image as it lies there passes the same
 * checks as after a power cut: what was promised before is kept.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blk/fault.h"
#include "blk/record.h"
#include "check.h"
#include "judge.h"
#include "work.h"

#define HANG 60 /* seconds for one run */
#define ROUNDS 14 /* n = 1, 2, 4, ... */

enum what { W_READ, W_WRITE, W_FLUSH, W_SPACE, W_NR };

static const char *const names[] = { "read", "write", "flush", "space" };

struct run {
	const char *image, *dir;
	uint8_t *before, *after;
	size_t len;
	struct log log;
};

static void plan(struct blk *fault, enum what what, uint64_t n, bool stay)
{
	if (what == W_SPACE)
		blk_fault_space(fault, n);
	else
		blk_fault_plan(fault, (enum blk_fault_op)what, n, -EIO, stay);
}

/* The image as it lies there after the last call. */
static bool is_good(struct run *r, struct work *w, struct blk *record)
{
	uint64_t at = blk_record_now(record);
	char path[4096];
	struct fs *fs;
	bool good;
	int err;

	/* What really lies there, not what the record thinks of calls that failed. */
	if (blk_read(record, 0, r->after, r->len))
		return false;
	snprintf(path, sizeof(path), "%s/fault.img", r->dir);
	judge_write_file(path, r->after, r->len);
	err = judge_open(path, true, &r->log, &fs);
	if (err) {
		fprintf(stderr, "cannot be opened afterwards: %s\n", strerror(-err));
		return false;
	}
	good = !check_image(&w->m, fs, EXT2_ROOT_INO, at, NULL);
	err = fs_close(fs);
	return judge_clean(path) && good && !err;
}

static bool run_one(struct run *r, enum what what, uint64_t n, bool stay)
{
	struct fs_options opts = { .writable = true };
	struct blk *mem, *fault, *record;
	struct work w;
	struct fs *fs;
	bool good = true;
	int err;

	alarm(HANG);
	if (blk_mem_new(r->before, r->len, &mem) || blk_fault_new(mem, &fault) ||
		blk_record_new(fault, &record))
		abort();
	blk_record_hold(record);
	plan(fault, what, n, stay);
	work_init(&w, 5);
	w.faults = true;
	err = fs_open(record, &opts, &r->log, &fs);
	if (!err) {
		work_run(&w, fs, record, 300);
		work_end(&w);
		err = fs_close(fs);
	}
	/* A failed write or flush is known to somebody. */
	if (blk_fault_hits(fault) && !err && !w.errors && what != W_READ) {
		fprintf(stderr, "nobody was told\n");
		good = false;
	}
	for (enum blk_fault_op op = 0; op < BLK_FAULT_NR; op++)
		blk_fault_plan(fault, op, 0, 0, false);
	if (w.m.nr_states && !is_good(r, &w, record))
		good = false;
	if (!good)
		fprintf(stderr, "%s %" PRIu64 "%s: bad\n", names[what], n, stay ? " and on" : "");
	work_fini(&w);
	blk_record_free(record);
	return good;
}

int main(int argc, char **argv)
{
	struct run r = {0};
	unsigned bad = 0, runs = 0;

	if (argc != 3) {
		fprintf(stderr, "usage: faults IMAGE DIR\n");
		return 2;
	}
	r.image = argv[1];
	r.dir = argv[2];
	log_init(&r.log, "faults", LOG_LEVEL_ERROR);
	r.before = judge_read_file(r.image, &r.len);
	r.after = malloc(r.len);
	if (!r.after)
		abort();
	for (enum what what = 0; what < W_NR; what++)
		for (unsigned i = 0; i < ROUNDS; i++, runs += 2) {
			bad += !run_one(&r, what, UINT64_C(1) << i, false);
			bad += !run_one(&r, what, UINT64_C(1) << i, true);
		}
	printf("%u runs, %u bad\n", runs, bad);
	free(r.before);
	free(r.after);
	return bad ? 1 : 0;
}
