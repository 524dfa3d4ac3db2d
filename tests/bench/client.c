// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs one workload once on the tree at ROOT, and prints one line of key=value pairs. -p names the
 * server, whose replies are counted and which is stopped during warm workloads.
 */
#include "config.h"

#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>

static const struct workload {
	const char *name;
	int (*run)(struct bench *bench);
} workloads[] = {
	{ "fill", data_fill },
	{ "walk", meta_walk },
	{ "stat", meta_stat },
	{ "open", meta_open },
	{ "warm-stat", meta_warm_stat },
	{ "warm-miss", meta_warm_miss },
	{ "warm-readdir", meta_warm_readdir },
	{ "warm-open", meta_warm_open },
	{ "seq", data_seq },
	{ "mmap", data_mmap },
	{ "random", data_random },
	{ "create", edit_create },
	{ "unlink", edit_unlink },
	{ "write", data_write },
	{ "over", data_over },
	{ "over-direct", data_over_direct },
	{ "fsync", data_fsync },
	{ "names-create", names_create },
	{ "names-list", names_list },
	{ "names-stat", names_stat },
	{ "names-unlink", names_unlink },
	{ "latency-fill", latency_fill },
	{ "latency-write", latency_write },
	{ "latency-truncate", latency_truncate },
	{ "latency-fragmented", latency_fragmented },
	{ "latency-fsync", latency_fsync },
	{ "latency-remove", latency_remove },
	{ NULL, NULL },
};

static int usage(void)
{
	fputs("usage: client [-d DIRS] [-f FILES] [-s SIZE] [-n COUNT] [-j JOBS] [-r PASSES]\n"
	      "              [-l LEN] [-c CPU] [-p PID] WORKLOAD ROOT\n"
	      "workloads:",
		stderr);
	for (const struct workload *load = workloads; load->name; load++)
		fprintf(stderr, " %s", load->name);
	fputc('\n', stderr);
	return 2;
}

/* Keeps all the client's threads on one CPU. */
static int pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

static int set_option(struct bench *bench, int option, uint64_t value)
{
	switch (option) {
	case 'd':
		bench->shape.dirs = (unsigned)value;
		return value > SHAPE_MAX ? -EINVAL : 0;
	case 'f':
		bench->shape.files = (unsigned)value;
		return value > SHAPE_MAX ? -EINVAL : 0;
	case 's':
		bench->shape.size = value;
		return 0;
	case 'n':
		bench->count = (unsigned)value;
		return 0;
	case 'j':
		bench->jobs = (unsigned)value;
		return 0;
	case 'r':
		bench->passes = (unsigned)value;
		return 0;
	case 'l':
		bench->len = value;
		return 0;
	case 'c':
		return pin((unsigned)value);
	case 'p':
		bench->server = (pid_t)value;
		return 0;
	default:
		return -EINVAL;
	}
}

static int run(const struct workload *load, struct bench *bench, const char *root)
{
	int err;

	bench->root = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = bench->root < 0 ? -errno : load->run(bench);
	if (err) {
		fprintf(stderr, "%s on %s: %s\n", load->name, root, strerror(-err));
		return 1;
	}
	printf("ops=%" PRIu64 " ns=%" PRIu64 " bytes=%" PRIu64 " requests=%" PRId64 " stopped=%d\n",
		bench->ops, bench->ns, bench->bytes, bench->requests, bench->stopped);
	return 0;
}

int main(int argc, char **argv)
{
	struct bench bench = {
		.root = -1,
		.shape = { .dirs = 1, .files = 1 },
		.count = 1000,
		.jobs = 1,
		.passes = 10,
	};
	const struct workload *load = workloads;
	int option, code;

	while ((option = getopt(argc, argv, "d:f:s:n:j:r:l:c:p:")) != -1)
		if (option == '?' || set_option(&bench, option, strtoull(optarg, NULL, 10)))
			return usage();
	if (argc - optind != 2)
		return usage();
	while (load->name && strcmp(load->name, argv[optind]) != 0)
		load++;
	if (!load->name)
		return usage();
	code = run(load, &bench, argv[optind + 1]);
	free(bench.names);
	if (bench.root >= 0)
		close(bench.root);
	return code;
}
