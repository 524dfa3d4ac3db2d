// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../lib/policy.h"
#include "format/le.h"
#include "fs/dir.h"
#include "fs/file.h"
#include "fs/symlink.h"
#include "fs/xattr.h"
#include "check.h"

#define MAX_BAD 20u /* lines about one image */

struct check {
	struct model *m;
	struct fs *fs;
	uint64_t at;
	unsigned bad;
	uint64_t hash;
	uint8_t *seen;	    /* by id */
	uint32_t *base;	    /* MAX_CELLS versions of the file at hand */
	uint8_t *buf;	    /* MAX_CELLS * CELL */
};

static void PRINTF_LIKE(2, 3) bad(struct check *c, const char *fmt, ...)
{
	va_list ap;

	if (c->bad++ >= MAX_BAD)
		return;
	va_start(ap, fmt);
	fputs("wrong: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

/* ---- contents ---- */

/* How many of the changes are promised, and how many may have begun. */
static size_t promised(const struct check *c, const struct object *o, size_t *ret_begun)
{
	size_t nr = 0;

	for (size_t i = 0; i < o->nr_promises; i++)
		if (o->promises[i].stamp < c->at && o->promises[i].nr > nr)
			nr = o->promises[i].nr;
	*ret_begun = nr;
	while (*ret_begun < o->nr_changes && o->changes[*ret_begun].began < c->at)
		(*ret_begun)++;
	return nr;
}

static bool covers(const struct change *change, uint64_t cell, uint32_t version)
{
	return change->version == version && cell >= change->from && cell < change->to;
}

/* Of the promised changes the ones that failed may have happened as well. */
static bool allowed(const struct check *c, const struct object *o, size_t nr, size_t begun,
	uint64_t cell, uint32_t version)
{
	if (c->base[cell] == version)
		return true;
	for (size_t i = 0; i < begun; i++)
		if ((i >= nr || o->changes[i].failed) && covers(&o->changes[i], cell, version))
			return true;
	return false;
}

static void make_base(struct check *c, const struct object *o, size_t nr)
{
	memset(c->base, 0, MAX_CELLS * sizeof(*c->base));
	for (size_t i = 0; i < nr; i++) {
		const struct change *change = &o->changes[i];
		uint64_t to = change->to < MAX_CELLS ? change->to : MAX_CELLS;

		if (change->failed)
			continue;
		for (uint64_t cell = change->from; cell < to; cell++)
			c->base[cell] = change->version;
	}
}

static void check_size(struct check *c, const struct object *o, size_t nr, size_t begun,
	uint64_t size)
{
	uint64_t low = nr ? o->changes[nr - 1].size : 0, high = low;

	for (size_t i = 0; i < begun; i++) {
		if (i < nr && !o->changes[i].failed)
			continue;
		if (o->changes[i].size < low)
			low = o->changes[i].size;
		if (o->changes[i].size > high)
			high = o->changes[i].size;
		/* A write that failed may have got anywhere. */
		if (o->changes[i].failed && o->changes[i].to != NO_CELL &&
			o->changes[i].to * CELL > high)
			high = o->changes[i].to * CELL;
		if (o->changes[i].failed && o->changes[i].to == NO_CELL &&
			o->changes[i].from * CELL < low)
			low = o->changes[i].from * CELL;
	}
	if (size < low || size > high)
		bad(c, "file %u has size %" PRIu64 ", not %" PRIu64 " to %" PRIu64, o->id, size,
			low, high);
}

static void check_cells(struct check *c, const struct object *o, size_t nr, size_t begun,
	size_t len)
{
	for (uint64_t cell = 0; (cell + 1) * CELL <= len; cell++) {
		int64_t version = model_cell(c->buf + cell * CELL, o->id, cell);

		if (version >= 0 && allowed(c, o, nr, begun, cell, (uint32_t)version))
			continue;
		if (version < 0)
			bad(c, "file %u shows bytes it never held at %" PRIu64 ": %08x", o->id,
				cell * CELL, le32_get(c->buf + cell * CELL));
		else
			bad(c, "file %u has version %" PRId64 " at %" PRIu64 ", promised was %u",
				o->id, version, cell * CELL, c->base[cell]);
		return; /* one line per file is enough */
	}
}

static void check_file(struct check *c, const struct object *o, struct inode *inode)
{
	size_t begun, nr = promised(c, o, &begun);
	ssize_t got;

	make_base(c, o, nr);
	check_size(c, o, nr, begun, inode->d.size);
	if (inode->d.size > (uint64_t)MAX_CELLS * CELL) {
		bad(c, "file %u is of %" PRIu64 " bytes", o->id, inode->d.size);
		return;
	}
	got = file_read(inode, 0, c->buf, inode->d.size);
	if (got != (ssize_t)inode->d.size)
		bad(c, "file %u cannot be read: %zd", o->id, got);
	else
		check_cells(c, o, nr, begun, (size_t)got);
}

static void check_link(struct check *c, const struct object *o, struct inode *inode)
{
	char target[SYMLINK_MAX], want[256];
	size_t len = model_target(o->id, want);
	int err = symlink_read(inode, target);

	if (err || strlen(target) != len || memcmp(target, want, len) != 0)
		bad(c, "symlink %u does not lead where it should: %d", o->id, err);
}

/* ---- names ---- */

static uint32_t value_of(struct check *c, struct inode *inode, uint32_t id)
{
	uint8_t value[MAX_VALUE], want[MAX_VALUE];
	ssize_t len = xattr_get(inode, "user.v", value, sizeof(value));
	uint32_t version = 0;

	if (len == -ENODATA)
		return 0;
	if (len >= 4)
		version = le32_get(value);
	if (len < 4 || model_value(version, want) != (size_t)len || memcmp(value, want, (size_t)len))
		bad(c, "the attribute of %u is nothing that was set: %zd", id, len);
	return version;
}

static enum kind kind_of(uint16_t mode)
{
	return S_ISREG(mode) ? K_FILE : S_ISDIR(mode) ? K_DIR : S_ISLNK(mode) ? K_LINK : K_NODE;
}

struct walk {
	struct {
		char name[256];
		size_t len;
		uint32_t ino;
	} *list;
	size_t nr;
};

static bool collect(void *arg, const struct dir_entry *entry)
{
	struct walk *walk = arg;

	if ((entry->len == 1 && entry->name[0] == '.') ||
		(entry->len == 2 && !memcmp(entry->name, "..", 2)))
		return true;
	walk->list = reallocarray(walk->list, walk->nr + 1, sizeof(*walk->list));
	if (!walk->list)
		abort();
	memcpy(walk->list[walk->nr].name, entry->name, entry->len);
	walk->list[walk->nr].len = entry->len;
	walk->list[walk->nr++].ino = entry->ino;
	return true;
}

static void check_dir(struct check *c, struct inode *dir, uint32_t id, unsigned depth);

static void check_object(struct check *c, struct inode *inode, uint32_t id, unsigned depth)
{
	const struct object *o = c->m->objects[id];

	if (c->seen[id]++)
		return; /* another of its names */
	c->hash += model_object_hash(id, inode->d.nlink, inode->d.mode,
		o->kind == K_FILE || o->kind == K_DIR ? value_of(c, inode, id) : 0,
		policy_of(inode));
	if (o->kind == K_FILE)
		check_file(c, o, inode);
	else if (o->kind == K_LINK)
		check_link(c, o, inode);
	else if (o->kind == K_DIR)
		check_dir(c, inode, id, depth + 1);
}

static void check_name(struct check *c, uint32_t dir, const char *name, size_t len, uint32_t ino,
	unsigned depth)
{
	struct inode *inode;
	int err = inode_get(c->fs, ino, &inode);

	if (err) {
		bad(c, "%.*s in %u names inode %u: %s", (int)len, name, dir, ino, strerror(-err));
		return;
	}
	if (inode->d.uid == 0 || inode->d.uid >= c->m->nr_objects) {
		bad(c, "%.*s in %u is number %u", (int)len, name, dir, inode->d.uid);
	} else {
		enum kind kind = kind_of(inode->d.mode);

		c->hash += model_name_hash(dir, name, len, inode->d.uid, kind);
		if (kind != c->m->objects[inode->d.uid]->kind)
			bad(c, "%.*s in %u has type %o", (int)len, name, dir, inode->d.mode);
		else
			check_object(c, inode, inode->d.uid, depth);
	}
	inode_put(inode);
}

static void check_dir(struct check *c, struct inode *dir, uint32_t id, unsigned depth)
{
	struct walk walk = {0};
	int err = dir_iterate(dir, 0, collect, &walk);

	if (err || depth > 200)
		bad(c, "directory %u cannot be read: %d", id, err);
	for (size_t i = 0; !err && i < walk.nr; i++)
		if (depth || walk.list[i].len != 10 || memcmp(walk.list[i].name, "lost+found", 10))
			check_name(c, id, walk.list[i].name, walk.list[i].len, walk.list[i].ino,
				depth);
	free(walk.list);
}

/* The state found must be that after one of the operations that may have been the last one. */
static void check_state(struct check *c)
{
	struct model *m = c->m;
	size_t low = 0, high;

	for (size_t i = 0; i < m->nr_bounds; i++)
		if (m->bounds[i].stamp < c->at && m->bounds[i].op > low)
			low = m->bounds[i].op;
	for (high = low; high + 1 < m->nr_states && m->states[high + 1].began < c->at;)
		high++;
	for (size_t i = low; i <= high; i++)
		if (m->states[i].hash == c->hash)
			return;
	for (size_t i = 0; i < m->nr_states; i++)
		if (m->states[i].hash == c->hash) {
			bad(c, "names and attributes are as after operation %zu (%s), not one of "
			       "%zu to %zu", i, m->states[i].what, low, high);
			return;
		}
	bad(c, "names and attributes are as after none of the operations (%zu to %zu, the last %s)",
		low, high, m->states[high].what);
}

unsigned check_image(struct model *m, struct fs *fs, uint32_t top, uint64_t at, uint64_t *found)
{
	struct check c = { .m = m, .fs = fs, .at = at };
	struct inode *root;
	int err;

	c.seen = calloc(m->nr_objects + 1, 1);
	c.base = malloc(MAX_CELLS * sizeof(*c.base));
	c.buf = malloc((size_t)MAX_CELLS * CELL);
	if (!c.seen || !c.base || !c.buf)
		abort();
	err = inode_get(fs, top, &root);
	if (err) {
		bad(&c, "no root: %s", strerror(-err));
	} else {
		check_dir(&c, root, 0, 0);
		inode_put(root);
		check_state(&c);
	}
	if (found)
		*found = c.hash;
	free(c.seen);
	free(c.base);
	free(c.buf);
	return c.bad;
}
