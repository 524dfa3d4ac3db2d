/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A random sequence of system calls in a directory that nobody else changes, and a log of it that
 * outlives the server below: a line before each call and one with its result after it. The choices
 * depend on nothing but the seed and the results. So the same sequence run once more without the
 * calls, with the results out of the log, makes the memory of what has happened (model.h).
 */
#ifndef EXT4D_TESTS_CRASH_CALLS_H
#define EXT4D_TESTS_CRASH_CALLS_H

#include <stdio.h>

#include "model.h"

#define CALLS_HELD 4u /* unlinked files that stay open */
#define CALLS_FDS 6u  /* open files with a name: what is written to them waits in the page cache */

struct calls {
	struct model m;
	bool live;	 /* makes the calls; else the results come from the log */
	bool syncs;	 /* most calls are fsync(2) */
	int dir;	 /* live: the directory */
	FILE *log;
	uint64_t stamp;	 /* lines of the log so far */
	unsigned now;	 /* number of the present call */
	bool over;	 /* the server is gone, or the log at its end */
	bool wrong;	 /* a call failed that should not have: said on stderr */
	long result;	 /* of the last call that had one */
	bool unanswered; /* the last call had none */
	unsigned acked;	 /* calls of fsync(2) and its like that have returned 0 */
	char what[96];	 /* the present call */
	struct {
		struct object *object;
		int fd;
	} held[CALLS_HELD], fds[CALLS_FDS];
	uint8_t *buf; /* MAX_CELLS * CELL */
};

/* The log is open: for writing if live, with dir the directory; policy: enum policy, that of the directory. */
void calls_init(struct calls *c, uint64_t seed, unsigned policy);
/* Goes on until the server is gone, the log ends or nr calls have been made. */
void calls_run(struct calls *c, unsigned nr);
void calls_fini(struct calls *c);

#endif
