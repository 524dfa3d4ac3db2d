/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One run of the client: what was asked, what was measured. The clock covers the work alone: names
 * are made up, threads started and caches warmed before it starts. Functions return 0 or -errno.
 */
#ifndef EXT4D_BENCH_BENCH_H
#define EXT4D_BENCH_BENCH_H

#include <pthread.h>
#include <sys/types.h>

#include "shape.h"
#include "util/cleanup.h"

#define BENCH_CHUNK ((size_t)1 << 20) /* of sequential reads and writes */
#define BENCH_NAME (2 * SHAPE_NAME)   /* "d0000000/f0000000" */

typedef char bench_name[BENCH_NAME];

struct bench {
	struct shape shape;
	int root;	 /* descriptor of the tree */
	unsigned count;	 /* operations, or names to work on */
	unsigned jobs;	 /* threads */
	unsigned passes; /* over the names, when warm */
	uint64_t len;	 /* bytes to read of each file */
	pid_t server;	 /* stopped while warm workloads are timed; 0: nobody */

	bench_name *names; /* count of them, owned */

	uint64_t ops, bytes, ns; /* of one pass, when warm */
	int64_t requests; /* replies the server wrote meanwhile; -1: unknown */
	bool stopped;	  /* all of it with the server stopped */
};

/* Times, and counts the requests of, what lies between. */
void measure_start(struct bench *bench);
void measure_end(struct bench *bench);

/*
 * Runs pass bench->passes times with the server stopped and keeps the fastest. If one waits for the
 * server, it is let go on after some seconds, and bench->stopped stays false.
 */
int measure_passes(struct bench *bench, int (*pass)(struct bench *bench)) MUST_CHECK;

/* Runs fn in bench->jobs threads; the clock starts when all are there. */
typedef int bench_job(struct bench *bench, unsigned job);
int measure_jobs(struct bench *bench, bench_job *fn) MUST_CHECK;

/* Nanoseconds of the clock that measures. */
uint64_t measure_now(void);

/* The same numbers in every run. */
uint64_t measure_random(uint64_t *state);

/* workloads on metadata and small files */
int meta_walk(struct bench *bench) MUST_CHECK;
int meta_stat(struct bench *bench) MUST_CHECK;
int meta_open(struct bench *bench) MUST_CHECK;
int meta_warm_stat(struct bench *bench) MUST_CHECK;
int meta_warm_miss(struct bench *bench) MUST_CHECK;
int meta_warm_readdir(struct bench *bench) MUST_CHECK;
int meta_warm_open(struct bench *bench) MUST_CHECK;

/* workloads that change the tree: bench->count files of it are made, and taken away again */
int edit_create(struct bench *bench) MUST_CHECK;
int edit_unlink(struct bench *bench) MUST_CHECK;

/* The first nr directories of the tree, where they are not there. */
int edit_make_dirs(struct bench *bench, unsigned nr) MUST_CHECK;

/* workloads on large files, and what makes the trees */
int data_seq(struct bench *bench) MUST_CHECK;
int data_mmap(struct bench *bench) MUST_CHECK;
int data_random(struct bench *bench) MUST_CHECK;
int data_write(struct bench *bench) MUST_CHECK;
int data_over(struct bench *bench) MUST_CHECK;
int data_over_direct(struct bench *bench) MUST_CHECK;
int data_fsync(struct bench *bench) MUST_CHECK;
int data_fill(struct bench *bench) MUST_CHECK;

/* workloads on one directory of bench->count names, without contents */
int names_create(struct bench *bench) MUST_CHECK;
int names_list(struct bench *bench) MUST_CHECK;
int names_stat(struct bench *bench) MUST_CHECK;
int names_unlink(struct bench *bench) MUST_CHECK;

/* how long small operations take while others keep the filesystem busy, and what they need */
int latency_write(struct bench *bench) MUST_CHECK;
int latency_truncate(struct bench *bench) MUST_CHECK;
int latency_fragmented(struct bench *bench) MUST_CHECK;
int latency_fsync(struct bench *bench) MUST_CHECK;
int latency_remove(struct bench *bench) MUST_CHECK;
int latency_fill(struct bench *bench) MUST_CHECK;

/* Names dir DDDDDDD/FFFFFFF of a file of the tree, by its number. */
void bench_file_name(const struct bench *bench, unsigned index, char kind, char *ret);

#endif
