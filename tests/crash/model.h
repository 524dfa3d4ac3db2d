/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of a random sequence of changes, so that any image a crash leaves can be held against
 * what may be there. Who makes the changes notes them here.
 *
 * Every object carries its number, never used again, as its uid. A file's contents are cells of
 * CELL bytes that say which file, offset and version they belong to. Each operation on names and
 * attributes is one transaction, and they commit in order: what a crash leaves of them is the
 * state after one of the operations, not before the last one that was made durable. That holds for
 * a directory that one thread or process alone changes as well as for a whole filesystem.
 *
 * Stamps are numbers of a clock that is the caller's: when something began, or had been promised.
 */
#ifndef EXT4D_TESTS_CRASH_MODEL_H
#define EXT4D_TESTS_CRASH_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CELL 16u	   /* bytes */
#define MAX_CELLS 32768u   /* of a file: 512 KiB */
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
	unsigned policy;     /* enum policy: how it is encrypted */
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

struct model {
	uint64_t random;	 /* of the choices */
	struct object **objects; /* by id, the top directory is 0; never removed */
	size_t nr_objects;
	struct name *names;
	size_t nr_names;
	struct state *states; /* by operation, 0: before the first */
	size_t nr_states;
	struct bound *bounds;
	size_t nr_bounds;
	uint32_t version; /* the last one given away */
};

void model_init(struct model *m, uint64_t seed);
void model_fini(struct model *m);

/* ---- choices ---- */

uint64_t model_random(uint64_t *state);
unsigned model_pick(struct model *m, unsigned n);
bool model_chance(struct model *m, unsigned percent);
/* kinds: a bit for each enum kind. NULL and SIZE_MAX: there is none. */
struct object *model_some_object(struct model *m, unsigned kinds);
struct object *model_some_dir(struct model *m);
size_t model_some_name(struct model *m, unsigned kinds);
/* A name that dir does not have. */
void model_fresh_name(struct model *m, const struct object *dir, char *name);

/* ---- what is written ---- */

void model_fill(uint8_t *p, uint32_t id, uint64_t cell, uint64_t nr, uint32_t version);
/* The version of a cell; 0: zeros; -1: no such cell was ever written there. */
int64_t model_cell(const uint8_t *p, uint32_t id, uint64_t cell);
/* The attribute's value of a version; returns its length. */
size_t model_value(uint32_t version, uint8_t *ret);
#define MAX_VALUE 2048u
size_t model_target(uint32_t id, char *ret);

/* ---- what is noted ---- */

struct object *model_add_object(struct model *m, enum kind kind, uint16_t mode);
struct change *model_add_change(struct object *o, uint64_t stamp, uint64_t from, uint64_t to,
	uint32_t version, uint64_t size);
void model_add_promise(struct object *o, uint64_t stamp);
void model_add_bound(struct model *m, uint64_t stamp, unsigned op);
void model_add_state(struct model *m, uint64_t began, const char *what);
void model_add_name(struct model *m, struct object *dir, const char *name, struct object *o);
/* A new object, made in dir, is encrypted as dir is. */
void model_inherit(struct object *o, const struct object *dir);
/* Moves the last name into the place of name i. */
void model_drop_name(struct model *m, size_t i);

size_t model_find_name(const struct model *m, const struct object *dir, const char *name);
bool model_is_empty(const struct model *m, const struct object *dir);
bool model_is_below(const struct object *o, const struct object *top);
/* Whether dir may get a name of o: an encrypted one holds only what is encrypted as it is, and nodes. */
bool model_may_hold(const struct object *dir, const struct object *o);

/* What the hash of a state is the sum of. */
uint64_t model_name_hash(uint32_t dir, const char *name, size_t len, uint32_t id, enum kind kind);
uint64_t model_object_hash(uint32_t id, unsigned nlink, uint16_t mode, uint32_t value,
	unsigned policy);

#endif
