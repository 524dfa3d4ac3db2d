/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A random sequence of changes through the core, and the memory of all of it. */
#ifndef EXT4D_TESTS_CRASH_WORK_H
#define EXT4D_TESTS_CRASH_WORK_H

#include "fs/fs.h"
#include "fs/inode.h"
#include "model.h"

#define MAX_OPEN 4u /* unlinked inodes that are still in use */

struct work {
	struct model m;
	struct fs *fs;
	struct blk *record;  /* stamps come from there */
	bool faults;	     /* errors are expected */
	unsigned errors;     /* operations that failed */
	int first_error;
	unsigned now;	     /* number of the present operation */
	struct inode *open[MAX_OPEN]; /* unlinked */
	struct object *open_objects[MAX_OPEN];
	uint8_t *buf; /* MAX_CELLS * CELL */
	bool verbose;
};

void work_init(struct work *w, uint64_t seed);
/* The first state is that of an empty filesystem. */
void work_run(struct work *w, struct fs *fs, struct blk *record, unsigned nr);
/* Lets go of what is still in use; the filesystem can be closed then. */
void work_end(struct work *w);
void work_fini(struct work *w);

#endif
