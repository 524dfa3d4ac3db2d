/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A random sequence of changes through the core, and a memory of all of it, so that any image a
 * crash leaves can be held against what may be there.
 *
 * Every object carries its number, never used again, as its uid. A file's contents are cells of
 * CELL bytes that say which file, offset and version they belong to. Each operation on names and
 * attributes is one transaction, and they commit in order: what a crash leaves of them is the
 * state after one of the operations, not before the last one that was made durable.
 */
#ifndef EXT4D_TESTS_CRASH_WORK_H
#define EXT4D_TESTS_CRASH_WORK_H

#include <stdbool.h>
#include <stdint.h>

#include "fs/fs.h"
#include "fs/inode.h"

#define CELL 16u	   /* bytes */
#define MAX_CELLS 32768u   /* of a file: 512 KiB */
#define MAX_OPEN 4u	   /* unlinked inodes that are still in use */
#define NO_CELL UINT64_MAX

enum kind { K_FILE, K_DIR, K_LINK, K_NODE };

/* A change of contents: cells [from, to) became version (0: zeros), the file's size became size. */
struct change {
	uint64_t began; /* stamp */
	uint64_t from, to;
	uint32_t version;
	uint64_t size;
	bool failed; /* any part of it may have happened */
};

/* From stamp on, the first nr changes of a file are durable. */
struct promise {
	uint64_t stamp;
	size_t nr;
};

struct object {
	uint32_t id, ino;
	enum kind kind;
	unsigned nlink;
	uint16_t mode;
	uint32_t value;	     /* version of the attribute, 0: none */
	unsigned last_op;    /* the last operation that changed the inode */
	struct object *parent; /* of a directory */
	uint64_t size;	     /* of a file */
	struct change *changes;
	size_t nr_changes;
	struct promise *promises;
	size_t nr_promises;
};

struct name {
	struct object *dir, *object;
	char name[32];
};

/* The state of names and attributes after an operation. */
struct state {
	uint64_t began; /* stamp */
	uint64_t hash;
	bool unsure;	/* the operation failed, and nobody knows whether it happened */
	char what[96];
};

/* From stamp on, everything up to operation op is durable. */
struct bound {
	uint64_t stamp;
	unsigned op;
};

struct work {
	struct fs *fs;
	struct blk *record;  /* stamps come from there */
	uint64_t random;
	bool faults;	     /* errors are expected */
	unsigned errors;     /* operations that failed */
	int first_error;
	unsigned now;	     /* number of the present operation */
	struct object **objects; /* by id; never removed */
	size_t nr_objects;
	struct name *names;
	size_t nr_names;
	struct state *states; /* by operation, 0: before the first */
	size_t nr_states;
	struct bound *bounds;
	size_t nr_bounds;
	struct inode *open[MAX_OPEN]; /* unlinked */
	struct object *open_objects[MAX_OPEN];
	uint32_t version;
	uint8_t *buf; /* MAX_CELLS * CELL */
	bool verbose;
};

void work_init(struct work *w, uint64_t seed);
/* The first state is that of an empty filesystem. */
void work_run(struct work *w, struct fs *fs, struct blk *record, unsigned nr);
/* Lets go of what is still in use; the filesystem can be closed then. */
void work_end(struct work *w);
void work_fini(struct work *w);

uint64_t work_random(uint64_t *state);
uint64_t work_mix(uint64_t sum, uint64_t word);
uint64_t work_hash(uint64_t sum, const void *bytes, size_t len);
void work_fill(uint8_t *p, uint32_t id, uint64_t cell, uint64_t nr, uint32_t version);
/* The version of a cell; 0: zeros; -1: no such cell was ever written there. */
int64_t work_cell(const uint8_t *p, uint32_t id, uint64_t cell);
uint64_t work_name_hash(uint32_t dir, const char *name, size_t len, uint32_t id, enum kind kind);
uint64_t work_object_hash(uint32_t id, unsigned nlink, uint16_t mode, uint32_t value);
/* The attribute's value of a version; returns its length. */
size_t work_value(uint32_t version, uint8_t *ret);
#define MAX_VALUE 2048u
size_t work_target(uint32_t id, char *ret);

/* ---- check.c ---- */

/*
 * Holds an image that was cut at stamp at, recovered and opened, against the memory. Returns the
 * number of things that are wrong, each said on stderr. found: the hash of the state, or NULL.
 */
unsigned check_image(struct work *w, struct fs *fs, uint64_t at, uint64_t *found);

#endif
