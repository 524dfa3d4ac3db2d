// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ops - a random sequence of operations on a directory, and a log of what came of each.
 *
 * Two filesystems that do the same give the same log for the same seed: choices depend on the seed
 * and on results that must be equal. Each operation is one line: its number, name, arguments, result,
 * and what can be seen of the object afterwards. Left out is what two filesystems may do
 * differently: inode numbers, times themselves, block counts, the order of directories. With
 * --expect the run ends at the first line that differs from an earlier log.
 *
 * docs/differences.md says what is not generated because FUSE cannot do it as the kernel does.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops.h"

static const struct op *const lists[] = { ops_io, ops_names, ops_attr, ops_time };

static unsigned total_weight(void)
{
	unsigned sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		for (const struct op *op = lists[i]; op->name; op++)
			sum += op->weight;
	return sum;
}

static const struct op *choose(struct run *r)
{
	unsigned left = ops_pick(r, total_weight());

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		for (const struct op *op = lists[i]; op->name; op++) {
			if (left < op->weight)
				return op;
			left -= op->weight;
		}
	}
	abort();
}

/* Writes the line out and compares it. Does not return if it differs. */
static void end_line(struct run *r)
{
	char *end;

	ops_say(r, "\n");
	fputs(r->line, r->log);
	if (r->expect) {
		if (!fgets(r->expected, (int)OPS_BUF, r->expect))
			strcpy(r->expected, "(end of the log)\n");
		if (strcmp(r->line, r->expected) != 0) {
			fflush(r->log);
			end = strchr(r->line, ' ');
			fprintf(stderr, "ops: the first difference is operation %.*s\n",
				end ? (int)(end - r->line) : 0, r->line);
			fprintf(stderr, "expected: %sgot:      %s", r->expected, r->line);
			exit(3);
		}
	}
	r->len = 0;
	r->line[0] = '\0';
}

static void run_one(struct run *r)
{
	const struct op *op = choose(r);

	ops_say(r, "%u %s", r->nr, op->name);
	/* Whoever looks for a hang or a crash wants to know where. */
	if (getenv("OPS_TRACE"))
		fprintf(stderr, "%u %s\n", r->nr, op->name);
	op->fn(r);
	end_line(r);
}

/* The largest size a file can have, by trying. */
static off_t probe(const char *dir)
{
	off_t low = 0, high = INT64_MAX, mid;
	char path[OPS_PATH];
	int fd;

	snprintf(path, sizeof(path), "%s/probe", dir);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	if (fd < 0) {
		perror(path);
		exit(2);
	}
	while (low + 1 < high) {
		mid = low + (high - low) / 2;
		if (ftruncate(fd, mid))
			high = mid;
		else
			low = mid;
	}
	close(fd);
	unlink(path);
	return low;
}

static bool keeps_nanoseconds(const char *path)
{
	struct timespec times[2] = { {.tv_nsec = 123456789}, {.tv_nsec = 123456789} };
	struct stat st;

	return !utimensat(AT_FDCWD, path, times, 0) && !stat(path, &st) &&
		st.st_mtim.tv_nsec == 123456789;
}

static void *alloc(size_t size)
{
	void *p = aligned_alloc(PAGE, size);

	if (!p)
		abort();
	memset(p, 0, size);
	return p;
}

static void init(struct run *r, uint64_t seed)
{
	/*
	 * The generator counts in steps of one constant: states a few steps apart would soon give one and the
	 * same sequence, so a seed is mixed before it is one.
	 */
	r->random = seed;
	r->random = ops_random(r);
	r->line = alloc(OPS_BUF);
	r->expected = alloc(OPS_BUF);
	r->buf = alloc(OPS_BUF);
	r->buf2 = alloc(OPS_BUF);
	for (size_t i = 0; i < OPS_HANDLES; i++)
		r->handles[i].fd = -1;
	ops_add(r, ".", N_DIR, NULL);
	r->coarse_times = !keeps_nanoseconds(".");
	umask(022);
	if (geteuid() == 0 && setgroups(0, NULL))
		perror("ops: setgroups");
}

static FILE *open_file(const char *path, const char *mode)
{
	FILE *file = fopen(path, mode);

	if (!file) {
		perror(path);
		exit(2);
	}
	return file;
}

static void usage(FILE *to)
{
	fprintf(to, "usage: ops --seed S --count N --dir DIR [--log FILE] [--expect LOG]"
		    " [--max SIZE] [--known NAME]...\n"
		    "       ops --probe DIR     print the largest size of a file there\n"
		    "  --expect LOG  end with status 3 at the first line that differs from LOG\n"
		    "  --max SIZE    the largest size of a file (default: 16 TiB - 4 KiB)\n"
		    "  --known NAME  a directory that is there already; more than one\n"
		    "  --dir-sizes   compare the sizes of directories too\n");
}

enum { O_SEED = 256, O_COUNT, O_DIR, O_LOG, O_EXPECT, O_MAX, O_KNOWN, O_SIZES, O_PROBE, O_HELP };

static const struct option options[] = {
	{"seed", required_argument, NULL, O_SEED},
	{"count", required_argument, NULL, O_COUNT},
	{"dir", required_argument, NULL, O_DIR},
	{"log", required_argument, NULL, O_LOG},
	{"expect", required_argument, NULL, O_EXPECT},
	{"max", required_argument, NULL, O_MAX},
	{"known", required_argument, NULL, O_KNOWN},
	{"dir-sizes", no_argument, NULL, O_SIZES},
	{"probe", required_argument, NULL, O_PROBE},
	{"help", no_argument, NULL, O_HELP},
	{NULL, 0, NULL, 0},
};

/* Whether there is something to run. */
static bool parse(struct run *r, int argc, char **argv, uint64_t *ret_seed, const char **ret_dir)
{
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case O_SEED:
			*ret_seed = strtoull(optarg, NULL, 0);
			break;
		case O_COUNT:
			r->count = (unsigned)strtoul(optarg, NULL, 0);
			break;
		case O_DIR:
			*ret_dir = optarg;
			break;
		case O_LOG:
			r->log = open_file(optarg, "w");
			break;
		case O_EXPECT:
			r->expect = open_file(optarg, "r");
			break;
		case O_MAX:
			r->max_size = (off_t)strtoull(optarg, NULL, 0);
			break;
		case O_KNOWN:
			ops_add(r, optarg, N_DIR, NULL);
			break;
		case O_SIZES:
			r->dir_sizes = true;
			break;
		case O_PROBE:
			printf("%jd\n", (intmax_t)probe(optarg));
			exit(0);
		case O_HELP:
			usage(stdout);
			exit(0);
		default:
			return false;
		}
	}
	return optind == argc && *ret_dir;
}

int main(int argc, char **argv)
{
	struct run r = { .count = 1000, .log = stdout, .max_size = ((off_t)1 << 44) - 4096 };
	const char *dir = NULL;
	uint64_t seed = 1;

	if (!parse(&r, argc, argv, &seed, &dir)) {
		usage(stderr);
		return 2;
	}
	if (chdir(dir)) {
		perror(dir);
		return 2;
	}
	init(&r, seed);
	for (r.nr = 0; r.nr < r.count; r.nr++)
		run_one(&r);
	for (size_t i = 0; i < r.nr_nodes; i++) {
		ops_say(&r, "end ");
		ops_say_path(&r, r.nodes[i].path);
		ops_say_stat(&r, r.nodes[i].path);
		end_line(&r);
	}
	if (fflush(r.log)) {
		perror("ops: log");
		return 2;
	}
	return 0;
}
