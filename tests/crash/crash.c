// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * crash - cut the power at many moments of a random sequence of changes, and look at what is left.
 *
 * The changes run through the core on an image in memory, under blk/record.c. Each cut image is
 * recovered three times, from copies: by e2fsck, by our own mount, and now and then by the
 * kernel's. e2fsck must find nothing in any of them, and what is in them must be what the
 * sequence allows at that moment (work.h).
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/policy.h"
#include "blk/record.h"
#include "check.h"
#include "judge.h"
#include "work.h"

#define MAX_BAD_CUTS 3u

struct run {
	const char *image, *dir, *keys;
	uint64_t seed, piece;
	unsigned ops, cuts, kernel;
	long only; /* number of the only cut to make, -1: all */
	bool verbose;
	uint8_t *before, *after; /* len bytes */
	size_t len;
	struct blk *record;
	struct log log;
	struct work work;
};

static char *in_dir(const struct run *r, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", r->dir, name) < 0)
		abort();
	return path;
}

/* ---- the changes ---- */

static void make_changes(struct run *r)
{
	struct fs_options opts = { .writable = true };
	struct blk *mem;
	struct fs *fs;
	int err;

	if (blk_mem_new(r->before, r->len, &mem) || blk_record_new(mem, &r->record))
		abort();
	blk_record_hold(r->record);
	err = fs_open(r->record, &opts, &r->log, &fs);
	if (err) {
		fprintf(stderr, "crash: %s: %s\n", r->image, strerror(-err));
		exit(2);
	}
	work_init(&r->work, r->seed);
	r->work.verbose = r->verbose;
	work_run(&r->work, fs, r->record, r->ops);
	work_end(&r->work);
	err = fs_close(fs);
	if (err) {
		fprintf(stderr, "crash: fs_close: %s\n", strerror(-err));
		exit(1);
	}
}

/* The stamps where a flush begins and where it has returned. */
static uint64_t *boundaries(struct run *r, size_t *ret_nr)
{
	size_t events = blk_record_count(r->record), nr = 0;
	uint64_t *list = calloc(2 * events + 1, sizeof(*list));

	if (!list)
		abort();
	for (size_t i = 0; i < events; i++) {
		struct blk_record_event e = blk_record_event(r->record, i);

		if (e.kind != BLK_RECORD_FLUSH)
			continue;
		list[nr++] = e.began;
		list[nr++] = e.ended + 1;
	}
	*ret_nr = nr;
	return list;
}

/* ---- one cut ---- */

static bool recovered_by_e2fsck(struct run *r, uint64_t at, uint64_t *found)
{
	char *path = in_dir(r, "e2fsck.img");
	struct fs *fs;
	bool good = false;
	int err;

	judge_write_file(path, r->after, r->len);
	if (!judge_recover(path)) {
		fprintf(stderr, "e2fsck finds something after the recovery\n");
	} else if ((err = judge_open(path, false, &r->log, &fs))) {
		fprintf(stderr, "recovered by e2fsck, cannot be opened: %s\n", strerror(-err));
	} else {
		good = !check_image(&r->work.m, fs, EXT2_ROOT_INO, at, found);
		if (!good)
			fprintf(stderr, "(recovered by e2fsck)\n");
		err = fs_close(fs);
	}
	free(path);
	return good;
}

static bool recovered_by_us(struct run *r, uint64_t at, uint64_t *found)
{
	char *path = in_dir(r, "own.img");
	struct fs *fs;
	bool good = false;
	int err;

	judge_write_file(path, r->after, r->len);
	err = judge_open(path, true, &r->log, &fs);
	if (err) {
		fprintf(stderr, "cannot be opened for writing: %s\n", strerror(-err));
	} else {
		good = !check_image(&r->work.m, fs, EXT2_ROOT_INO, at, found);
		err = fs_close(fs);
		if (err || !good)
			fprintf(stderr, "(recovered by our own mount, fs_close %d)\n", err);
		good = judge_clean(path) && good && !err;
	}
	free(path);
	return good;
}

static bool recovered_by_kernel(struct run *r, uint64_t at)
{
	char *path = in_dir(r, "kernel.img"), *mnt = in_dir(r, "mnt");
	struct fs *fs;
	bool good = false;

	judge_write_file(path, r->after, r->len);
	mkdir(mnt, 0700);
	if (!judge_kernel(path, mnt, r->keys)) {
		fprintf(stderr, "the kernel does not mount it\n");
	} else if (!judge_open(path, false, &r->log, &fs)) {
		good = !check_image(&r->work.m, fs, EXT2_ROOT_INO, at, NULL);
		if (fs_close(fs) || !good)
			fprintf(stderr, "(recovered by the kernel)\n");
		good = judge_clean(path) && good;
	}
	free(path);
	free(mnt);
	return good;
}

static bool make_cut(struct run *r, unsigned nr, const struct blk_record_cut *cut)
{
	uint64_t found[2] = {0};
	bool good;

	memcpy(r->after, r->before, r->len);
	blk_record_build(r->record, cut, r->after);
	good = recovered_by_e2fsck(r, cut->at, &found[0]);
	good = recovered_by_us(r, cut->at, &found[1]) && good;
	if (good && found[0] != found[1]) {
		fprintf(stderr, "e2fsck and our own mount recover different states\n");
		good = false;
	}
	if (r->kernel && nr % r->kernel == 0)
		good = recovered_by_kernel(r, cut->at) && good;
	return good;
}

/* ---- all of them ---- */

static struct blk_record_cut choose(struct run *r, unsigned nr, const uint64_t *list, size_t len)
{
	static const unsigned keeps[] = { 0, 1000, 500, 100, 900, 500 };
	uint64_t random = (r->seed << 20) + nr;
	struct blk_record_cut cut = { .piece = r->piece, .seed = model_random(&random) };

	cut.keep = keeps[model_random(&random) % (sizeof(keeps) / sizeof(keeps[0]))];
	if (nr % 2 == 0 && len)
		cut.at = list[(size_t)nr * len / r->cuts];
	else
		cut.at = model_random(&random) % (blk_record_now(r->record) + 1);
	return cut;
}

static void save_bad(struct run *r, unsigned nr, const struct blk_record_cut *cut)
{
	char name[64], *path;

	snprintf(name, sizeof(name), "bad-%u.img", nr);
	path = in_dir(r, name);
	judge_write_file(path, r->after, r->len);
	fprintf(stderr, "cut %u (stamp %" PRIu64 ", keep %u) is bad: %s\n", nr, cut->at, cut->keep,
		path);
	fprintf(stderr, "to repeat: crash --image %s --seed %" PRIu64 " --ops %u --cuts %u --piece "
			"%" PRIu64 " --images %s --only %u\n",
		r->image, r->seed, r->ops, r->cuts, r->piece, r->dir, nr);
	free(path);
}

static size_t nr_encrypted(const struct model *m)
{
	size_t nr = 0;

	for (size_t i = 0; i < m->nr_objects; i++)
		nr += m->objects[i]->policy != P_NONE;
	return nr;
}

static unsigned make_cuts(struct run *r)
{
	size_t len;
	uint64_t *list = boundaries(r, &len);
	unsigned bad = 0;

	for (unsigned i = 0; i < r->cuts && bad < MAX_BAD_CUTS; i++) {
		struct blk_record_cut cut = choose(r, i, list, len);

		if (r->only >= 0 && (unsigned)r->only != i)
			continue;
		if (!make_cut(r, i, &cut)) {
			save_bad(r, i, &cut);
			bad++;
		}
	}
	printf("%zu objects, %zu encrypted; ", r->work.m.nr_objects, nr_encrypted(&r->work.m));
	printf("%u operations, %zu events, %zu flushes, %u cuts, %u bad\n", r->ops,
		blk_record_count(r->record), len / 2, r->cuts, bad);
	free(list);
	return bad;
}

static void usage(FILE *to)
{
	fprintf(to, "usage: crash --image FILE --images DIR [OPTION...]\n"
		    "  --image FILE   an empty filesystem, of a few megabytes; not changed\n"
		    "  --images DIR   where cut images are put; bad ones stay there\n"
		    "  --seed S       of the operations and the cuts (1)\n"
		    "  --ops N        operations (600)\n"
		    "  --cuts N       (100)\n"
		    "  --keys COMMAND gives a mount of the kernel its keys\n"
		    "  --kernel K     every Kth cut is mounted by the kernel, too (0: none)\n"
		    "  --piece BYTES  what reaches the medium whole (4096)\n"
		    "  --only N       make only cut N\n"
		    "  --verbose      print each operation\n");
}

enum { O_IMAGE = 256, O_IMAGES, O_SEED, O_OPS, O_CUTS, O_KEYS, O_KERNEL, O_PIECE, O_ONLY, O_VERBOSE };

static const struct option options[] = {
	{"image", required_argument, NULL, O_IMAGE},
	{"images", required_argument, NULL, O_IMAGES},
	{"seed", required_argument, NULL, O_SEED},
	{"ops", required_argument, NULL, O_OPS},
	{"cuts", required_argument, NULL, O_CUTS},
	{"keys", required_argument, NULL, O_KEYS},
	{"kernel", required_argument, NULL, O_KERNEL},
	{"piece", required_argument, NULL, O_PIECE},
	{"only", required_argument, NULL, O_ONLY},
	{"verbose", no_argument, NULL, O_VERBOSE},
	{NULL, 0, NULL, 0},
};

static void set_number(struct run *r, int option, const char *text)
{
	uint64_t n = strtoull(text, NULL, 0);

	switch (option) {
	case O_SEED:
		r->seed = n;
		break;
	case O_OPS:
		r->ops = (unsigned)n;
		break;
	case O_CUTS:
		r->cuts = (unsigned)n;
		break;
	case O_KERNEL:
		r->kernel = (unsigned)n;
		break;
	case O_PIECE:
		r->piece = n;
		break;
	default:
		r->only = (long)n;
	}
}

static bool parse(struct run *r, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == O_IMAGE)
			r->image = optarg;
		else if (c == O_IMAGES)
			r->dir = optarg;
		else if (c == O_KEYS)
			r->keys = optarg;
		else if (c == O_VERBOSE)
			r->verbose = true;
		else if (c == '?')
			return false;
		else
			set_number(r, c, optarg);
	}
	return optind == argc && r->image && r->dir && r->cuts;
}

int main(int argc, char **argv)
{
	struct run r = { .seed = 1, .ops = 600, .cuts = 100, .piece = 4096, .only = -1 };
	unsigned bad;

	if (!parse(&r, argc, argv)) {
		usage(stderr);
		return 2;
	}
	log_init(&r.log, "crash", LOG_LEVEL_WARN);
	r.before = judge_read_file(r.image, &r.len);
	r.after = malloc(r.len);
	if (!r.after)
		abort();
	make_changes(&r);
	bad = make_cuts(&r);
	work_fini(&r.work);
	blk_record_free(r.record);
	free(r.before);
	free(r.after);
	return bad ? 1 : 0;
}
