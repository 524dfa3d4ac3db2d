/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the random sequence of operations share; see ops.c. */
#ifndef EXT4D_TESTS_DIFF_OPS_H
#define EXT4D_TESTS_DIFF_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define OPS_PATH 4096u	     /* bytes of a path's buffer */
#define OPS_BUF (1u << 21)   /* bytes of each data buffer */
#define OPS_HANDLES 8u
#define PAGE 4096u

/* Types of nodes, as a mask. */
enum node_type {
	N_FILE = 1,
	N_DIR = 2,
	N_LINK = 4,
	N_SPECIAL = 8,
	N_ANY = 15,
};

/* What is known about a file whatever its names are. */
struct file {
	unsigned refs;
	bool plain; /* all that was never written is hole: no fallocate(2), no copy into it */
};

/* A name that exists. Changed only by what the operations returned. */
struct node {
	char *path;
	enum node_type type;
	struct file *file; /* of N_FILE */
};

struct handle {
	int fd; /* -1: none */
	bool writes, reads, direct;
	struct file *file;
};

struct run {
	uint64_t random;
	unsigned count, nr; /* operations in all, number of the present one */
	off_t max_size;	    /* largest size of a file here */
	bool dir_sizes;
	bool coarse_times;  /* in seconds: inodes of 128 bytes */
	FILE *log, *expect;
	char *line, *expected; /* OPS_LINE */
	size_t len;
	struct node *nodes;
	size_t nr_nodes, room;
	struct handle handles[OPS_HANDLES];
	uint8_t *buf, *buf2; /* OPS_BUF, page-aligned */
};

struct op {
	const char *name;
	unsigned weight;
	void (*fn)(struct run *r);
};

/* The operations by file, each list ended by a NULL name. */
extern const struct op ops_io[], ops_names[], ops_attr[], ops_time[];

/* ---- choices ---- */
uint64_t ops_random(struct run *r);
unsigned ops_pick(struct run *r, unsigned n); /* 0 to n - 1 */
bool ops_chance(struct run *r, unsigned percent);

/* ---- the line of the present operation ---- */
void ops_say(struct run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ops_say_path(struct run *r, const char *path);
/* A result as the system call gave it, with errno. Returns whether it succeeded. */
bool ops_say_result(struct run *r, ssize_t ret);
void ops_say_stat(struct run *r, const char *path);
void ops_say_fstat(struct run *r, int fd);
void ops_say_hash(struct run *r, const void *bytes, size_t len);
/* A hash of what lies around [off, off + len). */
void ops_say_range(struct run *r, int fd, off_t off, size_t len);

uint64_t ops_hash(uint64_t sum, const void *bytes, size_t len);
/* Fills with what nobody else writes: a function of the operation and the offset. */
void ops_fill(struct run *r, void *buf, size_t len, off_t off);

/* ---- names ---- */
/* An existing node of one of the types; NULL if there is none. Valid until the next change. */
struct node *ops_node(struct run *r, unsigned types);
/* A path: mostly one that exists with one of the types, now and then another. */
void ops_path(struct run *r, unsigned types, char *path);
/* A path that mostly does not exist, in a directory that mostly does. */
void ops_new_path(struct run *r, char *path);
void ops_name(struct run *r, char *name);
struct node *ops_find(struct run *r, const char *path);
/* The directory of path. */
void ops_parent(const char *path, char *parent);
/* file NULL: a new one where the type is N_FILE. */
void ops_add(struct run *r, const char *path, enum node_type type, struct file *file);
void ops_drop(struct run *r, const char *path);
void ops_moved(struct run *r, const char *from, const char *to);
void ops_exchanged(struct run *r, const char *a, const char *b);
struct file *ops_file_get(struct file *file);
void ops_file_put(struct file *file);
struct file *ops_file_of(struct run *r, const char *path); /* NULL: unknown */

#endif
