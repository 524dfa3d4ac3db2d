// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "util/cleanup.h"

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif

#define MAX_PATH_LEN 1000u
#define MAX_FILES 16u  /* with a name, so that the filesystem never is full: see finish() */
#define MAX_NAMES 60u
#define TOP_MODE 0777  /* the owners of the directory's files are no one's users */

/* In the log: the attribute fits neither the inode nor a block of 1 KiB. */
#define XATTR_NO_ROOM 1

/* ---- the log ---- */

/* Before a call. false: the log says that there was none. */
static bool PRINTF_LIKE(2, 3) begin(struct calls *c, const char *fmt, ...)
{
	char line[sizeof(c->what) + 8];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->what, sizeof(c->what), fmt, ap);
	va_end(ap);
	if (c->live) {
		if (fprintf(c->log, "b %s\n", c->what) < 0 || fflush(c->log))
			abort();
	} else {
		if (!fgets(line, sizeof(line), c->log)) {
			c->over = true;
			return false;
		}
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "b ", 2) || strcmp(line + 2, c->what)) {
			fprintf(stderr, "line %ju of the log is '%s', not 'b %s'\n",
				(uintmax_t)c->stamp + 1, line, c->what);
			exit(2);
		}
	}
	c->stamp++;
	return true;
}

/* Whether the server still answers, and the error is its. */
static bool is_alive(const struct calls *c)
{
	struct statx st;

	return !statx(c->dir, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &st);
}

/*
 * After a call; result: of a live one. Returns whether it happened, or may have: then it is the
 * last. No error is expected but that the server is gone. A full filesystem would drop what is in
 * the page cache and say so only once.
 */
static bool finish(struct calls *c, long result)
{
	char line[64];

	if (c->live) {
		if (result < 0 && !is_alive(c)) {
			c->over = c->unanswered = true;
			return true;
		}
		if (fprintf(c->log, "e %ld\n", result) < 0 || fflush(c->log))
			abort();
	} else {
		if (!fgets(line, sizeof(line), c->log)) {
			c->over = c->unanswered = true;
			return true;
		}
		result = strtol(line + 2, NULL, 10);
	}
	c->stamp++;
	c->result = result;
	if (result >= 0)
		return true;
	fprintf(stderr, "call %u: %s: %s\n", c->now, c->what, strerror((int)-result));
	c->over = c->wrong = true;
	return false;
}

static long result_of(long got)
{
	return got < 0 ? -errno : got;
}

/* ---- paths and open files ---- */

/* Puts the path of name in dir before *at. */
static bool prepend(const struct model *m, char *path, size_t *at, const struct object *dir,
	const char *name)
{
	for (;;) {
		size_t len = strlen(name), i = 0;

		if (len + 1 > *at)
			return false;
		*at -= len;
		memcpy(path + *at, name, len);
		if (!dir->id)
			return true;
		path[--*at] = '/';
		while (m->names[i].object != dir)
			i++;
		name = m->names[i].name;
		dir = m->names[i].dir;
	}
}

/* The path of a name, from c->dir on; NULL: too long. The caller frees it. */
static char *path_of(const struct calls *c, const struct object *dir, const char *name)
{
	char path[MAX_PATH_LEN + 1];
	size_t at = MAX_PATH_LEN;

	path[at] = '\0';
	return prepend(&c->m, path, &at, dir, name) ? strdup(path + at) : NULL;
}

static char *path_of_object(const struct calls *c, const struct object *o)
{
	if (!o->id)
		return strdup(".");
	for (size_t i = 0; i < c->m.nr_names; i++)
		if (c->m.names[i].object == o)
			return path_of(c, c->m.names[i].dir, c->m.names[i].name);
	return NULL;
}

/* Live: a descriptor of the file, kept open. -1: it could not be opened. */
static int fd_of(struct calls *c, struct object *o)
{
	unsigned slot = o->id % CALLS_FDS;
	CLEANUP(cleanup_free) char *path = NULL;

	for (unsigned i = 0; i < CALLS_HELD; i++)
		if (c->held[i].object == o)
			return c->held[i].fd;
	if (c->fds[slot].object == o)
		return c->fds[slot].fd;
	if (c->fds[slot].object)
		close(c->fds[slot].fd);
	c->fds[slot].object = NULL;
	path = path_of_object(c, o);
	if (!path)
		return -1;
	c->fds[slot].fd = openat(c->dir, path, O_RDWR | O_CLOEXEC);
	if (c->fds[slot].fd >= 0)
		c->fds[slot].object = o;
	return c->fds[slot].fd;
}

static void let_go(struct calls *c, unsigned i)
{
	if (c->held[i].object && c->live)
		close(c->held[i].fd);
	c->held[i].object = NULL;
}

/* ---- names ---- */

static unsigned nr_files(const struct model *m)
{
	unsigned nr = 0;

	for (size_t i = 0; i < m->nr_objects; i++)
		nr += m->objects[i]->kind == K_FILE && m->objects[i]->nlink;
	return nr;
}

static long make(const struct calls *c, const char *path, uint16_t mode, uint32_t id)
{
	char target[256];
	long got;

	/* the owner is there from the first moment on */
	setfsuid(id);
	if (S_ISDIR(mode)) {
		got = result_of(mkdirat(c->dir, path, mode & 07777));
	} else if (S_ISLNK(mode)) {
		target[model_target(id, target)] = '\0';
		got = result_of(symlinkat(target, c->dir, path));
	} else {
		got = result_of(mknodat(c->dir, path, mode, 0));
	}
	setfsuid(0);
	return got;
}

static void call_make(struct calls *c)
{
	static const uint16_t modes[] = { S_IFREG | 0644, S_IFREG | 0600, S_IFREG | 0640,
		S_IFREG | 0644, S_IFDIR | 0777, S_IFLNK | 0777 };
	static const enum kind kinds[] = { K_FILE, K_FILE, K_FILE, K_FILE, K_DIR, K_LINK };
	unsigned i = model_pick(&c->m, sizeof(modes) / sizeof(modes[0]));
	uint32_t id = (uint32_t)c->m.nr_objects;
	struct object *dir = model_some_dir(&c->m), *o;
	CLEANUP(cleanup_free) char *path = NULL;
	char name[32];

	model_fresh_name(&c->m, dir, name);
	path = path_of(c, dir, name);
	if (!path || c->m.nr_names >= MAX_NAMES ||
		(kinds[i] == K_FILE && nr_files(&c->m) >= MAX_FILES) ||
		!begin(c, "make %o %s in %u as %u", modes[i], name, dir->id, id) ||
		!finish(c, c->live ? make(c, path, modes[i], id) : 0))
		return;
	o = model_add_object(&c->m, kinds[i], modes[i]);
	model_inherit(o, dir);
	model_add_name(&c->m, dir, name, o);
	o->last_op = dir->last_op = c->now;
}

static void call_link(struct calls *c)
{
	struct object *dir = model_some_dir(&c->m);
	struct object *o = model_some_object(&c->m, 1 << K_FILE | 1 << K_LINK);
	CLEANUP(cleanup_free) char *from = NULL;
	CLEANUP(cleanup_free) char *to = NULL;
	char name[32];

	if (!o || c->m.nr_names >= MAX_NAMES)
		return;
	model_fresh_name(&c->m, dir, name);
	from = path_of_object(c, o);
	to = path_of(c, dir, name);
	if (!from || !to || !begin(c, "link %u to %s in %u", o->id, name, dir->id) ||
		!finish(c, c->live ? result_of(linkat(c->dir, from, c->dir, to, 0)) : 0))
		return;
	o->nlink++;
	model_add_name(&c->m, dir, name, o);
	o->last_op = dir->last_op = c->now;
}

/* The object lost a name. hold: it stays open if that was its last. */
static void lost(struct calls *c, struct object *o, unsigned slot, int fd)
{
	o->nlink = o->kind == K_DIR ? 0 : o->nlink - 1;
	o->last_op = c->now;
	if (o->nlink || slot == CALLS_HELD) {
		if (fd >= 0)
			close(fd);
		return;
	}
	let_go(c, slot);
	c->held[slot].object = o;
	c->held[slot].fd = fd;
}

/* Where the object is to be held if it loses its last name; CALLS_HELD: nowhere. */
static unsigned hold(struct calls *c, const struct object *o, const char *path, int *ret_fd)
{
	unsigned slot = model_pick(&c->m, CALLS_HELD);

	*ret_fd = -1;
	if (o->kind != K_FILE || !model_chance(&c->m, 40))
		return CALLS_HELD;
	if (c->live)
		*ret_fd = openat(c->dir, path, O_RDWR | O_CLOEXEC);
	return slot;
}

static void call_unlink(struct calls *c)
{
	size_t i = model_some_name(&c->m, 15);
	CLEANUP(cleanup_free) char *path = NULL;
	struct name n;
	unsigned slot;
	int fd;

	if (i == SIZE_MAX)
		return;
	n = c->m.names[i];
	path = path_of(c, n.dir, n.name);
	if (!path || (n.object->kind == K_DIR && !model_is_empty(&c->m, n.object)))
		return;
	slot = hold(c, n.object, path, &fd);
	if (!begin(c, "unlink %s in %u, %u", n.name, n.dir->id, n.object->id) ||
		!finish(c, c->live ? result_of(unlinkat(c->dir, path,
			n.object->kind == K_DIR ? AT_REMOVEDIR : 0)) : 0))
		return;
	model_drop_name(&c->m, i);
	n.dir->last_op = c->now;
	lost(c, n.object, slot, fd);
}

/* A name to rename over: of the same sort, and for a directory an empty one. */
static size_t some_victim(struct calls *c, const struct name *from)
{
	size_t i = model_some_name(&c->m,
		from->object->kind == K_DIR ? 1 << K_DIR : 15 & ~(1 << K_DIR));

	if (i == SIZE_MAX || c->m.names[i].object == from->object ||
		(from->object->kind == K_DIR && !model_is_empty(&c->m, c->m.names[i].object)) ||
		model_is_below(c->m.names[i].dir, from->object))
		return SIZE_MAX;
	return i;
}

static void drop_both(struct calls *c, size_t a, size_t b)
{
	/* The later one first: dropping moves the last name into its place. */
	model_drop_name(&c->m, a > b ? a : b);
	model_drop_name(&c->m, a > b ? b : a);
}

static void rename_over(struct calls *c, size_t from_at, const struct name *from,
	const char *from_path)
{
	size_t at = some_victim(c, from);
	CLEANUP(cleanup_free) char *path = NULL;
	struct name to;
	unsigned slot;
	int fd;

	if (at == SIZE_MAX)
		return;
	to = c->m.names[at];
	path = path_of(c, to.dir, to.name);
	if (!path)
		return;
	slot = hold(c, to.object, path, &fd);
	if (!begin(c, "rename %s in %u over %s in %u, %u over %u", from->name, from->dir->id, to.name,
		to.dir->id, from->object->id, to.object->id) ||
		!finish(c, c->live ? result_of(renameat(c->dir, from_path, c->dir, path)) : 0))
		return;
	drop_both(c, at, from_at);
	model_add_name(&c->m, to.dir, to.name, from->object);
	from->object->last_op = from->dir->last_op = to.dir->last_op = c->now;
	lost(c, to.object, slot, fd);
}

static void exchange(struct calls *c, size_t from_at, const struct name *from,
	const char *from_path)
{
	size_t at = model_some_name(&c->m, 15);
	CLEANUP(cleanup_free) char *path = NULL;
	struct name to;

	if (at == SIZE_MAX || at == from_at || c->m.names[at].object == from->object ||
		model_is_below(c->m.names[at].dir, from->object) ||
		model_is_below(from->dir, c->m.names[at].object))
		return;
	to = c->m.names[at];
	path = path_of(c, to.dir, to.name);
	if (!path || !begin(c, "exchange %s in %u and %s in %u", from->name, from->dir->id, to.name,
		to.dir->id) ||
		!finish(c, c->live ? result_of(renameat2(c->dir, from_path, c->dir, path,
			RENAME_EXCHANGE)) : 0))
		return;
	drop_both(c, at, from_at);
	model_add_name(&c->m, to.dir, to.name, from->object);
	model_add_name(&c->m, from->dir, from->name, to.object);
	from->dir->last_op = to.dir->last_op = c->now;
}

static void call_rename(struct calls *c)
{
	size_t i = model_some_name(&c->m, 15);
	struct object *dir = model_some_dir(&c->m);
	CLEANUP(cleanup_free) char *from_path = NULL;
	CLEANUP(cleanup_free) char *path = NULL;
	struct name from;
	char name[32];

	if (i == SIZE_MAX)
		return;
	from = c->m.names[i];
	from_path = path_of(c, from.dir, from.name);
	if (!from_path)
		return;
	if (model_chance(&c->m, 50)) {
		rename_over(c, i, &from, from_path);
		return;
	}
	if (model_chance(&c->m, 20)) {
		exchange(c, i, &from, from_path);
		return;
	}
	if (model_is_below(dir, from.object))
		return;
	model_fresh_name(&c->m, dir, name);
	path = path_of(c, dir, name);
	if (!path || !begin(c, "rename %s in %u to %s in %u", from.name, from.dir->id, name,
		dir->id) ||
		!finish(c, c->live ? result_of(renameat(c->dir, from_path, c->dir, path)) : 0))
		return;
	model_drop_name(&c->m, i);
	model_add_name(&c->m, dir, name, from.object);
	from.object->last_op = from.dir->last_op = dir->last_op = c->now;
}

static void call_xattr(struct calls *c)
{
	struct object *o = model_some_object(&c->m, 1 << K_FILE | 1 << K_DIR);
	uint32_t version = o && o->value && model_chance(&c->m, 25) ? 0 : ++c->m.version;
	CLEANUP(cleanup_free) char *path = NULL;
	uint8_t value[MAX_VALUE];
	size_t len = version ? model_value(version, value) : 0;
	char proc[64];
	long got = 0;
	int fd;

	if (!o || !o->id)
		return;
	path = path_of_object(c, o);
	if (!path || !begin(c, "xattr %u version %u, %zu bytes", o->id, version, len))
		return;
	if (c->live) {
		fd = openat(c->dir, path, O_RDONLY | O_CLOEXEC);
		snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
		got = fd < 0 ? -errno : result_of(version ?
			setxattr(proc, "user.v", value, len, 0) : removexattr(proc, "user.v"));
		if (fd >= 0)
			close(fd);
		if (got == -ENOSPC)
			got = XATTR_NO_ROOM;
	}
	if (!finish(c, got) || c->result == XATTR_NO_ROOM)
		return;
	o->value = version;
	o->last_op = c->now;
}

/* ---- contents ---- */

/* A file with a name, or now and then one without. */
static struct object *some_file(struct calls *c)
{
	unsigned i = model_pick(&c->m, CALLS_HELD);

	if (c->held[i].object && model_chance(&c->m, 15))
		return c->held[i].object;
	return model_some_object(&c->m, 1 << K_FILE);
}

static uint64_t some_cell(struct calls *c, const struct object *o)
{
	uint64_t cells = o->size / CELL;

	if (cells && model_chance(&c->m, 40))
		return cells < MAX_CELLS ? cells : 0; /* append */
	if (cells && model_chance(&c->m, 60))
		return model_random(&c->m.random) % cells;
	return model_pick(&c->m, model_chance(&c->m, 80) ? 2048 : MAX_CELLS / 2);
}

enum how { H_CACHED, H_SYNC, H_DIRECT };

static long write_cells(struct calls *c, struct object *o, enum how how, uint64_t from, uint64_t nr)
{
	struct iovec iov = { .iov_base = c->buf, .iov_len = nr * CELL };
	int fd = fd_of(c, o);
	long got;

	if (fd < 0)
		return -errno;
	if (how == H_DIRECT)
		fcntl(fd, F_SETFL, O_DIRECT);
	got = result_of(pwritev2(fd, &iov, 1, (off_t)(from * CELL), how == H_SYNC ? RWF_SYNC : 0));
	if (how == H_DIRECT)
		fcntl(fd, F_SETFL, 0);
	/* where the kernel writes by itself, it is to be aligned as the device wants it, which cells are not */
	if (how == H_DIRECT && got == -EINVAL)
		got = result_of(pwritev2(fd, &iov, 1, (off_t)(from * CELL), 0));
	return got < 0 || got == (long)(nr * CELL) ? got : -EIO;
}

static void promise(struct calls *c, struct object *o, bool data_only)
{
	c->acked++;
	model_add_promise(o, c->stamp);
	if (!data_only && o->nlink)
		model_add_bound(&c->m, c->stamp, o->last_op);
}

/* A synchronous write promises its own range: of the whole file if nothing but it is outstanding. */
static bool is_newest_alone(const struct object *o)
{
	size_t promised = o->nr_promises ? o->promises[o->nr_promises - 1].nr : 0;

	return promised + 1 == o->nr_changes;
}

static void call_write(struct calls *c)
{
	static const char *const hows[] = { "write", "write synchronously", "write directly" };
	struct object *o = some_file(c);
	enum how how = model_chance(&c->m, 75) ? H_CACHED : model_chance(&c->m, 30) ? H_SYNC : H_DIRECT;
	uint32_t version = ++c->m.version;
	uint64_t from, nr, size;

	if (!o)
		return;
	from = some_cell(c, o);
	nr = 1 + model_pick(&c->m, how == H_DIRECT ? 100 : model_chance(&c->m, 80) ? 300 : 4096);
	if (nr > MAX_CELLS - from)
		nr = MAX_CELLS - from;
	size = (from + nr) * CELL > o->size ? (from + nr) * CELL : o->size;
	if (!begin(c, "%s %u cells %ju+%ju version %u", hows[how], o->id, (uintmax_t)from,
		(uintmax_t)nr, version))
		return;
	model_fill(c->buf, o->id, from, nr, version);
	model_add_change(o, c->stamp, from, from + nr, version, size);
	if (!finish(c, c->live ? write_cells(c, o, how, from, nr) : 0))
		return;
	o->size = size;
	if (how == H_SYNC && !c->unanswered && is_newest_alone(o))
		promise(c, o, false);
}

static void call_truncate(struct calls *c)
{
	struct object *o = some_file(c);
	uint64_t size;
	int fd;

	if (!o)
		return;
	size = (o->size && model_chance(&c->m, 70) ?
		model_random(&c->m.random) % (o->size / CELL + 1) :
		model_pick(&c->m, MAX_CELLS)) * CELL;
	if (!begin(c, "truncate %u to %ju", o->id, (uintmax_t)size))
		return;
	model_add_change(o, c->stamp, size / CELL, NO_CELL, 0, size);
	fd = c->live ? fd_of(c, o) : 0;
	if (finish(c, c->live ? result_of(fd < 0 ? fd : ftruncate(fd, (off_t)size)) : 0))
		o->size = size;
}

static void call_fallocate(struct calls *c)
{
	static const int modes[] = { 0, FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE };
	int mode = modes[model_pick(&c->m, 4)], fd;
	bool zeroes = mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE);
	struct object *o = some_file(c);
	uint64_t from, nr, size;

	if (!o)
		return;
	from = some_cell(c, o) % MAX_CELLS;
	nr = 1 + model_pick(&c->m, 3000);
	if (nr > MAX_CELLS - from)
		nr = MAX_CELLS - from;
	size = !(mode & FALLOC_FL_KEEP_SIZE) && (from + nr) * CELL > o->size ? (from + nr) * CELL :
		o->size;
	if (!begin(c, "fallocate %u mode %d cells %ju+%ju", o->id, mode, (uintmax_t)from,
		(uintmax_t)nr))
		return;
	model_add_change(o, c->stamp, zeroes ? from : 0, zeroes ? from + nr : 0, 0, size);
	fd = c->live ? fd_of(c, o) : 0;
	if (finish(c, c->live ? result_of(fd < 0 ? fd : fallocate(fd, mode, (off_t)(from * CELL),
		(off_t)(nr * CELL))) : 0))
		o->size = size;
}

/* ---- durability ---- */

static void call_sync_file(struct calls *c)
{
	struct object *o = some_file(c);
	bool data_only = model_chance(&c->m, 30);
	int fd;

	if (!o || !begin(c, "%s %u", data_only ? "fdatasync" : "fsync", o->id))
		return;
	fd = c->live ? fd_of(c, o) : 0;
	if (finish(c, c->live ? result_of(fd < 0 ? fd : data_only ? fdatasync(fd) : fsync(fd)) : 0) &&
		!c->unanswered)
		promise(c, o, data_only);
}

static void call_sync_dir(struct calls *c)
{
	struct object *o = model_some_dir(&c->m);
	CLEANUP(cleanup_free) char *path = path_of_object(c, o);
	int fd;

	if (!path || !begin(c, "fsync directory %u", o->id))
		return;
	fd = c->live ? openat(c->dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : 0;
	if (finish(c, c->live ? result_of(fd < 0 ? fd : fsync(fd)) : 0) && !c->unanswered) {
		c->acked++;
		model_add_bound(&c->m, c->stamp, o->last_op);
	}
	if (c->live && fd >= 0)
		close(fd);
}

/* Some of the page cache goes to the server, and nothing is promised. */
static void call_write_back(struct calls *c)
{
	struct object *o = some_file(c);
	uint64_t from;
	int fd;

	if (!o)
		return;
	from = some_cell(c, o) * CELL;
	if (!begin(c, "write back %u from %ju", o->id, (uintmax_t)from))
		return;
	fd = c->live ? fd_of(c, o) : 0;
	finish(c, c->live ? result_of(fd < 0 ? fd : sync_file_range(fd, (off_t)from, 65536,
		SYNC_FILE_RANGE_WRITE)) : 0);
}

static void call_let_go(struct calls *c)
{
	unsigned i = model_pick(&c->m, CALLS_HELD);

	if (!c->held[i].object || !begin(c, "let go of %u", c->held[i].object->id))
		return;
	let_go(c, i);
	finish(c, 0);
}

/* ---- the sequence ---- */

static const struct {
	unsigned weight, syncs; /* among many kinds of calls; where most are to wait for a commit */
	void (*fn)(struct calls *c);
} calls[] = {
	{20, 10, call_make}, {6, 0, call_link}, {12, 5, call_unlink}, {14, 10, call_rename},
	{8, 0, call_xattr}, {40, 20, call_write}, {8, 0, call_truncate}, {6, 0, call_fallocate},
	{8, 60, call_sync_file}, {3, 20, call_sync_dir}, {6, 0, call_write_back}, {3, 2, call_let_go},
};

static void run_one(struct calls *c)
{
	uint64_t began = c->stamp;
	unsigned sum = 0, left;
	size_t i;

	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		sum += c->syncs ? calls[i].syncs : calls[i].weight;
	left = model_pick(&c->m, sum);
	for (i = 0; left >= (c->syncs ? calls[i].syncs : calls[i].weight); i++)
		left -= c->syncs ? calls[i].syncs : calls[i].weight;
	calls[i].fn(c);
	model_add_state(&c->m, began, c->what);
}

void calls_init(struct calls *c, uint64_t seed, unsigned policy)
{
	model_init(&c->m, seed);
	c->buf = malloc((size_t)MAX_CELLS * CELL);
	if (!c->buf)
		abort();
	model_add_object(&c->m, K_DIR, TOP_MODE)->policy = policy;
	model_add_state(&c->m, 0, "empty");
	umask(0);
}

void calls_run(struct calls *c, unsigned nr)
{
	for (c->now = 1; c->now <= nr && !c->over; c->now++)
		run_one(c);
}

void calls_fini(struct calls *c)
{
	for (unsigned i = 0; i < CALLS_HELD; i++)
		let_go(c, i);
	for (unsigned i = 0; c->live && i < CALLS_FDS; i++)
		if (c->fds[i].object)
			close(c->fds[i].fd);
	model_fini(&c->m);
	free(c->buf);
}
