// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "work.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "blk/record.h"
#include "format/le.h"
#include "fs/attr.h"
#include "fs/file.h"
#include "fs/namei.h"
#include "fs/orphan.h"
#include "fs/xattredit.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
#endif

#define CELL_MAGIC 0x6c6c6543u /* "Cell" */
#define ROOT_MODE 0755

/* ---- choices and patterns ---- */

/* splitmix64 */
uint64_t work_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t work_mix(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return sum ^ (sum >> 29);
}

uint64_t work_hash(uint64_t sum, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++)
		sum = work_mix(sum, p[i] + 1u);
	return sum;
}

static unsigned pick(struct work *w, unsigned n)
{
	return (unsigned)(work_random(&w->random) % n);
}

static bool chance(struct work *w, unsigned percent)
{
	return pick(w, 100) < percent;
}

void work_fill(uint8_t *p, uint32_t id, uint64_t cell, uint64_t nr, uint32_t version)
{
	for (uint64_t i = 0; i < nr; i++, p += CELL) {
		le32_put(p, id ^ CELL_MAGIC);
		le32_put(p + 4, version);
		le32_put(p + 8, (uint32_t)(cell + i));
		le32_put(p + 12, id * 31 + version * 17 + (uint32_t)(cell + i));
	}
}

int64_t work_cell(const uint8_t *p, uint32_t id, uint64_t cell)
{
	static const uint8_t zeros[CELL];
	uint32_t version = le32_get(p + 4);

	if (!memcmp(p, zeros, CELL))
		return 0;
	if (le32_get(p) != (id ^ CELL_MAGIC) || le32_get(p + 8) != (uint32_t)cell || !version ||
		le32_get(p + 12) != id * 31 + version * 17 + (uint32_t)cell)
		return -1;
	return version;
}

size_t work_value(uint32_t version, uint8_t *ret)
{
	size_t len = 4 + version * 37 % (version % 5 ? 90 : MAX_VALUE - 1000);

	for (size_t i = 0; i < len; i++)
		ret[i] = (uint8_t)(version + i * 7);
	le32_put(ret, version);
	return len;
}

size_t work_target(uint32_t id, char *ret)
{
	size_t len = id % 3 ? 20 : 200;

	memset(ret, 'a' + (int)(id % 26), len);
	return len;
}

/* ---- the state of names ---- */

uint64_t work_name_hash(uint32_t dir, const char *name, size_t len, uint32_t id, enum kind kind)
{
	return work_mix(work_mix(work_hash(dir + 1, name, len), id), kind);
}

uint64_t work_object_hash(uint32_t id, unsigned nlink, uint16_t mode, uint32_t value)
{
	return work_mix(work_mix(work_mix(work_mix(77, id), nlink), mode & 07777u), value);
}

static uint64_t state_hash(const struct work *w)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < w->nr_names; i++) {
		const struct name *n = &w->names[i];

		sum += work_name_hash(n->dir->id, n->name, strlen(n->name), n->object->id,
			n->object->kind);
	}
	/* The root's attributes are never changed. */
	for (size_t i = 1; i < w->nr_objects; i++) {
		const struct object *o = w->objects[i];

		if (o->nlink)
			sum += work_object_hash(o->id, o->nlink, o->mode, o->value);
	}
	return sum;
}

static void *grow(void *array, size_t nr, size_t size)
{
	/* By powers of two, from 16 on. */
	if (nr >= 16 && (nr & (nr - 1)))
		return array;
	if (nr < 16 && nr)
		return array;
	array = realloc(array, (nr ? nr * 2 : 16) * size);
	if (!array)
		abort();
	return array;
}

static void add_state(struct work *w, uint64_t began, const char *what)
{
	struct state *s;

	w->states = grow(w->states, w->nr_states, sizeof(*w->states));
	s = &w->states[w->nr_states++];
	*s = (struct state){ .began = began, .hash = state_hash(w) };
	snprintf(s->what, sizeof(s->what), "%s", what);
}

/* ---- objects ---- */

static struct object *new_object(struct work *w, enum kind kind, uint16_t mode)
{
	struct object *o = calloc(1, sizeof(*o));

	if (!o)
		abort();
	w->objects = grow(w->objects, w->nr_objects, sizeof(*w->objects));
	o->id = (uint32_t)w->nr_objects;
	w->objects[w->nr_objects++] = o;
	o->kind = kind;
	o->mode = mode;
	o->nlink = kind == K_DIR ? 2 : 1;
	return o;
}

static struct change *add_change(struct work *w, struct object *o, uint64_t from, uint64_t to,
	uint32_t version, uint64_t size)
{
	struct change *c;

	o->changes = grow(o->changes, o->nr_changes, sizeof(*o->changes));
	c = &o->changes[o->nr_changes++];
	*c = (struct change){
		.began = blk_record_now(w->record), .from = from, .to = to, .version = version,
		.size = size,
	};
	return c;
}

static void add_promise(struct object *o, uint64_t stamp)
{
	o->promises = grow(o->promises, o->nr_promises, sizeof(*o->promises));
	o->promises[o->nr_promises++] = (struct promise){ stamp, o->nr_changes };
}

static void add_bound(struct work *w, uint64_t stamp, unsigned op)
{
	w->bounds = grow(w->bounds, w->nr_bounds, sizeof(*w->bounds));
	w->bounds[w->nr_bounds++] = (struct bound){ stamp, op };
}

static struct object *some_object(struct work *w, unsigned kinds)
{
	size_t nr = 0, at;

	for (size_t i = 0; i < w->nr_objects; i++)
		nr += w->objects[i]->nlink && (kinds >> w->objects[i]->kind & 1);
	if (!nr)
		return NULL;
	at = pick(w, (unsigned)nr);
	for (size_t i = 0; i < w->nr_objects; i++)
		if (w->objects[i]->nlink && (kinds >> w->objects[i]->kind & 1) && at-- == 0)
			return w->objects[i];
	return NULL;
}

static struct object *some_dir(struct work *w)
{
	return some_object(w, 1 << K_DIR);
}

static size_t some_name(struct work *w, unsigned kinds)
{
	size_t nr = 0, at;

	for (size_t i = 0; i < w->nr_names; i++)
		nr += kinds >> w->names[i].object->kind & 1;
	if (!nr)
		return SIZE_MAX;
	at = pick(w, (unsigned)nr);
	for (size_t i = 0; i < w->nr_names; i++)
		if ((kinds >> w->names[i].object->kind & 1) && at-- == 0)
			return i;
	return SIZE_MAX;
}

static size_t find_name(const struct work *w, const struct object *dir, const char *name)
{
	for (size_t i = 0; i < w->nr_names; i++)
		if (w->names[i].dir == dir && !strcmp(w->names[i].name, name))
			return i;
	return SIZE_MAX;
}

/* A name that dir does not have. */
static void fresh_name(struct work *w, const struct object *dir, char *name)
{
	do
		snprintf(name, 32, "n%0*u", 1 + (int)pick(w, 20), pick(w, 1000));
	while (find_name(w, dir, name) != SIZE_MAX);
}

static void add_name(struct work *w, struct object *dir, const char *name, struct object *o)
{
	struct name *n;

	w->names = grow(w->names, w->nr_names, sizeof(*w->names));
	n = &w->names[w->nr_names++];
	n->dir = dir;
	n->object = o;
	snprintf(n->name, sizeof(n->name), "%s", name);
	if (o->kind == K_DIR) {
		o->parent = dir;
		dir->nlink++;
	}
}

static void drop_name(struct work *w, size_t i)
{
	struct name *n = &w->names[i];

	if (n->object->kind == K_DIR)
		n->dir->nlink--;
	*n = w->names[--w->nr_names];
}

/* ---- results ---- */

static void hold(struct work *w, uint32_t ino, struct inode **ret)
{
	int err = inode_get(w->fs, ino, ret);

	if (!err)
		return;
	*ret = NULL;
	w->errors++;
	w->first_error = w->first_error ? w->first_error : err;
	if (!w->faults) {
		fprintf(stderr, "operation %u: inode_get %u: %s\n", w->now, ino, strerror(-err));
		exit(1);
	}
}

/* Whether the operation happened. A full filesystem is no error. */
static bool happened(struct work *w, const char *what, ssize_t err)
{
	if (w->verbose)
		fprintf(stderr, "%u %s %zd\n", w->now, what, err);
	if (err >= 0)
		return true;
	if (err == -ENOSPC && !w->faults)
		return false;
	w->errors++;
	w->first_error = w->first_error ? w->first_error : (int)err;
	if (!w->faults) {
		fprintf(stderr, "operation %u: %s: %s\n", w->now, what, strerror((int)-err));
		exit(1);
	}
	return false;
}

/* ---- operations on names ---- */

static void let_go(struct work *w, unsigned i)
{
	uint32_t ino = w->open[i] ? w->open[i]->ino : 0;

	if (!ino)
		return;
	inode_put(w->open[i]);
	w->open[i] = NULL;
	happened(w, "orphan_free", orphan_free(w->fs, ino));
}

/* The object lost a name; inode: held if it was its last and it is to stay in use. */
static void lost(struct work *w, struct object *o, struct inode *inode, uint32_t ino)
{
	unsigned i = pick(w, MAX_OPEN);

	o->nlink = o->kind == K_DIR ? 0 : o->nlink - 1;
	o->last_op = w->now;
	if (o->nlink) {
		inode_put(inode);
		return;
	}
	if (o->kind == K_FILE && chance(w, 40)) {
		let_go(w, i);
		w->open[i] = inode;
		w->open_objects[i] = o;
		return;
	}
	inode_put(inode);
	happened(w, "orphan_free", orphan_free(w->fs, ino));
}

static void op_make(struct work *w, char *what)
{
	static const uint16_t modes[] = { S_IFREG | 0644, S_IFREG | 0600, S_IFREG | 0640,
		S_IFREG | 0644, S_IFDIR | 0755, S_IFIFO | 0600, S_IFLNK | 0777 };
	uint16_t mode = modes[pick(w, sizeof(modes) / sizeof(modes[0]))];
	enum kind kind = S_ISREG(mode) ? K_FILE : S_ISDIR(mode) ? K_DIR : S_ISLNK(mode) ? K_LINK :
		K_NODE;
	struct object *dir = some_dir(w), *o;
	CLEANUP(inode_putp) struct inode *parent = NULL, *inode = NULL;
	struct cred cred = { .uid = (uint32_t)w->nr_objects };
	char name[32], target[256];
	int err;

	fresh_name(w, dir, name);
	snprintf(what, 96, "make %o %s in %u as %zu", mode, name, dir->id, w->nr_objects);
	hold(w, dir->ino, &parent);
	if (!parent)
		return;
	if (kind == K_LINK)
		err = namei_symlink(parent, name, strlen(name), target,
			work_target(cred.uid, target), &cred, &inode);
	else
		err = namei_make(parent, name, strlen(name), mode, 0, &cred, &inode);
	if (!happened(w, what, err))
		return;
	o = new_object(w, kind, mode);
	o->ino = inode->ino;
	o->last_op = w->now;
	add_name(w, dir, name, o);
}

static void op_tmpfile(struct work *w, char *what)
{
	struct object *dir = some_dir(w), *o;
	CLEANUP(inode_putp) struct inode *parent = NULL, *inode = NULL;
	struct cred cred = { .uid = (uint32_t)w->nr_objects };
	uint32_t ino;
	char name[32];

	fresh_name(w, dir, name);
	snprintf(what, 96, "tmpfile %s in %u as %zu", name, dir->id, w->nr_objects);
	hold(w, dir->ino, &parent);
	if (!parent ||
		!happened(w, what, namei_tmpfile(parent, S_IFREG | 0600, &cred, &inode)))
		return;
	o = new_object(w, K_FILE, 0600);
	o->ino = ino = inode->ino;
	o->nlink = 0;
	o->last_op = w->now;
	if (chance(w, 70) && happened(w, what, namei_link(inode, parent, name, strlen(name)))) {
		o->nlink = 1;
		add_name(w, dir, name, o);
		return;
	}
	inode_put(STEAL(inode));
	happened(w, "orphan_free", orphan_free(w->fs, ino));
}

static void op_link(struct work *w, char *what)
{
	struct object *dir = some_dir(w);
	struct object *o = some_object(w, 1 << K_FILE | 1 << K_LINK | 1 << K_NODE);
	CLEANUP(inode_putp) struct inode *parent = NULL, *inode = NULL;
	char name[32];

	if (!o)
		return;
	fresh_name(w, dir, name);
	snprintf(what, 96, "link %u to %s in %u", o->id, name, dir->id);
	hold(w, dir->ino, &parent);
	hold(w, o->ino, &inode);
	if (!parent || !inode ||
		!happened(w, what, namei_link(inode, parent, name, strlen(name))))
		return;
	o->nlink++;
	o->last_op = w->now;
	add_name(w, dir, name, o);
}

static bool is_empty(const struct work *w, const struct object *dir)
{
	for (size_t i = 0; i < w->nr_names; i++)
		if (w->names[i].dir == dir)
			return false;
	return true;
}

static void op_unlink(struct work *w, char *what)
{
	size_t i = some_name(w, 15);
	CLEANUP(inode_putp) struct inode *parent = NULL, *inode = NULL;
	struct name n;
	uint32_t ino = 0;
	int err;

	if (i == SIZE_MAX)
		return;
	n = w->names[i];
	if (n.object->kind == K_DIR && !is_empty(w, n.object))
		return;
	snprintf(what, 96, "unlink %s in %u, %u", n.name, n.dir->id, n.object->id);
	hold(w, n.dir->ino, &parent);
	hold(w, n.object->ino, &inode);
	if (!parent || !inode)
		return;
	if (n.object->kind == K_DIR)
		err = namei_rmdir(parent, n.name, strlen(n.name), &ino);
	else
		err = namei_unlink(parent, n.name, strlen(n.name), &ino);
	if (!happened(w, what, err))
		return;
	drop_name(w, i);
	lost(w, n.object, STEAL(inode), n.object->ino);
}

static bool is_below(const struct object *o, const struct object *top)
{
	for (; o; o = o->parent)
		if (o == top)
			return true;
	return false;
}

/* A name to rename over: of the same sort, and for a directory an empty one. */
static size_t some_victim(struct work *w, const struct name *from)
{
	size_t i = some_name(w, from->object->kind == K_DIR ? 1 << K_DIR : 15 & ~(1 << K_DIR));

	if (i == SIZE_MAX || w->names[i].object == from->object ||
		(from->object->kind == K_DIR && !is_empty(w, w->names[i].object)))
		return SIZE_MAX;
	return i;
}

static void op_rename_over(struct work *w, struct name *from, size_t from_at, char *what)
{
	size_t at = some_victim(w, from);
	CLEANUP(inode_putp) struct inode *a = NULL, *b = NULL, *victim = NULL;
	struct cred cred = {0};
	struct name to;
	uint32_t ino = 0;

	if (at == SIZE_MAX || is_below(w->names[at].dir, from->object))
		return;
	to = w->names[at];
	snprintf(what, 96, "rename %s in %u over %s in %u, %u over %u", from->name, from->dir->id,
		to.name, to.dir->id, from->object->id, to.object->id);
	hold(w, from->dir->ino, &a);
	hold(w, to.dir->ino, &b);
	hold(w, to.object->ino, &victim);
	if (!a || !b || !victim ||
		!happened(w, what, namei_rename(a, from->name, strlen(from->name), b, to.name,
			strlen(to.name), 0, &cred, &ino)))
		return;
	/* The later one first: dropping moves the last name into its place. */
	drop_name(w, at > from_at ? at : from_at);
	drop_name(w, at > from_at ? from_at : at);
	add_name(w, to.dir, to.name, from->object);
	from->object->last_op = w->now;
	lost(w, to.object, STEAL(victim), to.object->ino);
}

static void op_exchange(struct work *w, struct name *from, size_t from_at, char *what)
{
	size_t at = some_name(w, 15);
	CLEANUP(inode_putp) struct inode *a = NULL, *b = NULL;
	struct cred cred = {0};
	struct name to;
	uint32_t ino = 0;

	if (at == SIZE_MAX || at == from_at || w->names[at].object == from->object ||
		is_below(w->names[at].dir, from->object) ||
		is_below(from->dir, w->names[at].object))
		return;
	to = w->names[at];
	snprintf(what, 96, "exchange %s in %u and %s in %u", from->name, from->dir->id, to.name,
		to.dir->id);
	hold(w, from->dir->ino, &a);
	hold(w, to.dir->ino, &b);
	if (!a || !b ||
		!happened(w, what, namei_rename(a, from->name, strlen(from->name), b, to.name,
			strlen(to.name), RENAME_EXCHANGE, &cred, &ino)))
		return;
	drop_name(w, at > from_at ? at : from_at);
	drop_name(w, at > from_at ? from_at : at);
	add_name(w, to.dir, to.name, from->object);
	add_name(w, from->dir, from->name, to.object);
}

static void op_rename(struct work *w, char *what)
{
	size_t i = some_name(w, 15);
	CLEANUP(inode_putp) struct inode *a = NULL, *b = NULL;
	struct object *dir = some_dir(w);
	struct cred cred = {0};
	struct name from;
	uint32_t ino = 0;
	char name[32];

	if (i == SIZE_MAX)
		return;
	from = w->names[i];
	if (chance(w, 40)) {
		op_rename_over(w, &from, i, what);
		return;
	}
	if (chance(w, 20)) {
		op_exchange(w, &from, i, what);
		return;
	}
	if (is_below(dir, from.object))
		return;
	fresh_name(w, dir, name);
	snprintf(what, 96, "rename %s in %u to %s in %u", from.name, from.dir->id, name, dir->id);
	hold(w, from.dir->ino, &a);
	hold(w, dir->ino, &b);
	if (!a || !b ||
		!happened(w, what, namei_rename(a, from.name, strlen(from.name), b, name,
			strlen(name), chance(w, 30) ? RENAME_NOREPLACE : 0, &cred, &ino)))
		return;
	drop_name(w, i);
	add_name(w, dir, name, from.object);
	from.object->last_op = w->now;
}

/* ---- attributes ---- */

static void op_chmod(struct work *w, char *what)
{
	struct object *o = some_object(w, 1 << K_FILE | 1 << K_DIR | 1 << K_NODE);
	CLEANUP(inode_putp) struct inode *inode = NULL;
	struct attr_change change = { .what = ATTR_MODE, .mode = (uint16_t)(0600 + pick(w, 64)) };
	struct dinode d;

	if (!o || !o->id)
		return;
	snprintf(what, 96, "chmod %u %o", o->id, change.mode);
	hold(w, o->ino, &inode);
	if (!inode || !happened(w, what, attr_set(inode, &change, &d)))
		return;
	o->mode = change.mode;
	o->last_op = w->now;
}

static void op_xattr(struct work *w, char *what)
{
	struct object *o = some_object(w, 1 << K_FILE | 1 << K_DIR);
	CLEANUP(inode_putp) struct inode *inode = NULL;
	uint32_t version = o && o->value && chance(w, 25) ? 0 : ++w->version;
	uint8_t value[MAX_VALUE];
	size_t len = version ? work_value(version, value) : 0;

	if (!o || !o->id)
		return;
	snprintf(what, 96, "xattr %u version %u, %zu bytes", o->id, version, len);
	hold(w, o->ino, &inode);
	if (!inode || !happened(w, what, xattr_set(inode, "user.v", version ? value : NULL, len, 0,
			true)))
		return;
	o->value = version;
	o->last_op = w->now;
}

/* ---- contents ---- */

/* A file with a name, or now and then one without. */
static struct object *some_file(struct work *w)
{
	unsigned i = pick(w, MAX_OPEN);

	if (w->open[i] && chance(w, 15))
		return w->open_objects[i];
	return some_object(w, 1 << K_FILE);
}

static uint64_t some_cell(struct work *w, const struct object *o)
{
	uint64_t cells = o->size / CELL;

	if (cells && chance(w, 30))
		return cells; /* append */
	if (cells && chance(w, 60))
		return work_random(&w->random) % cells;
	return pick(w, chance(w, 80) ? 2048 : MAX_CELLS / 2);
}

static void op_write(struct work *w, char *what)
{
	struct object *o = some_file(w);
	CLEANUP(inode_putp) struct inode *inode = NULL;
	uint64_t from, nr, size;
	uint32_t version = ++w->version;
	struct change *c;
	ssize_t got;

	if (!o)
		return;
	from = some_cell(w, o);
	nr = 1 + pick(w, chance(w, 70) ? 300 : chance(w, 70) ? 2048 : 8192);
	if (from >= MAX_CELLS)
		from = 0;
	if (nr > MAX_CELLS - from)
		nr = MAX_CELLS - from;
	snprintf(what, 96, "write %u cells %ju+%ju version %u", o->id, (uintmax_t)from,
		(uintmax_t)nr, version);
	hold(w, o->ino, &inode);
	if (!inode)
		return;
	size = (from + nr) * CELL > o->size ? (from + nr) * CELL : o->size;
	work_fill(w->buf, o->id, from, nr, version);
	/* Noted before it happens: a cut may show it half done. */
	c = add_change(w, o, from, from + nr, version, size);
	got = file_write(inode, from * CELL, w->buf, nr * CELL, true, true);
	if (!happened(w, what, got)) {
		c->failed = true;
		c->size = o->size;
		return;
	}
	if ((uint64_t)got < nr * CELL) {
		w->errors++; /* a short count tells as much */
		c->failed = true; /* the last cell may be torn: not compared */
		c->size = from * CELL + (uint64_t)got > o->size ? from * CELL + (uint64_t)got :
			o->size;
	}
	o->size = c->size;
	o->last_op = w->now;
}

static void op_truncate(struct work *w, char *what)
{
	struct object *o = some_file(w);
	CLEANUP(inode_putp) struct inode *inode = NULL;
	struct attr_change change = { .what = ATTR_SIZE };
	struct change *c;
	struct dinode d;

	if (!o)
		return;
	change.size = (o->size && chance(w, 70) ? work_random(&w->random) % (o->size / CELL + 1) :
		pick(w, MAX_CELLS)) * CELL;
	snprintf(what, 96, "truncate %u to %ju", o->id, (uintmax_t)change.size);
	hold(w, o->ino, &inode);
	if (!inode)
		return;
	c = add_change(w, o, change.size / CELL, NO_CELL, 0, change.size);
	if (happened(w, what, attr_set(inode, &change, &d))) {
		o->size = change.size;
		o->last_op = w->now;
	} else {
		c->failed = true;
		c->size = o->size;
	}
}

static void op_fallocate(struct work *w, char *what)
{
	static const int modes[] = { 0, FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE };
	int mode = modes[pick(w, 4)], err;
	struct object *o = some_file(w);
	CLEANUP(inode_putp) struct inode *inode = NULL;
	uint64_t from, nr, size;
	bool zeroes = mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE);
	struct change *c;

	if (!o)
		return;
	from = some_cell(w, o) % MAX_CELLS;
	nr = 1 + pick(w, 3000);
	if (nr > MAX_CELLS - from)
		nr = MAX_CELLS - from;
	snprintf(what, 96, "fallocate %u mode %d cells %ju+%ju", o->id, mode, (uintmax_t)from,
		(uintmax_t)nr);
	hold(w, o->ino, &inode);
	if (!inode)
		return;
	size = !(mode & FALLOC_FL_KEEP_SIZE) && (from + nr) * CELL > o->size ? (from + nr) * CELL :
		o->size;
	c = add_change(w, o, zeroes ? from : 0, zeroes ? from + nr : 0, 0, size);
	err = file_fallocate(inode, mode, from * CELL, nr * CELL, true);
	if (err != -EOPNOTSUPP && happened(w, what, err)) {
		o->size = size;
	} else {
		c->failed = true;
		c->size = o->size;
	}
}

/* ---- durability ---- */

static void op_sync_file(struct work *w, char *what)
{
	struct object *o = some_file(w);
	CLEANUP(inode_putp) struct inode *inode = NULL;
	bool data_only = chance(w, 30);
	uint64_t now;

	if (!o)
		return;
	snprintf(what, 96, "%s %u", data_only ? "fdatasync" : "fsync", o->id);
	hold(w, o->ino, &inode);
	if (!inode || !happened(w, what, file_sync(inode, data_only)))
		return;
	now = blk_record_now(w->record);
	add_promise(o, now);
	if (!data_only && o->nlink)
		add_bound(w, now, o->last_op);
}

static void op_sync(struct work *w, char *what)
{
	uint64_t now;

	snprintf(what, 96, "syncfs");
	if (!happened(w, what, fs_sync(w->fs)))
		return;
	now = blk_record_now(w->record);
	for (size_t i = 0; i < w->nr_objects; i++)
		add_promise(w->objects[i], now);
	add_bound(w, now, w->now);
}

static void op_let_go(struct work *w, char *what)
{
	snprintf(what, 96, "let go");
	let_go(w, pick(w, MAX_OPEN));
}

/* ---- the sequence ---- */

static const struct {
	unsigned weight;
	void (*fn)(struct work *w, char *what);
} ops[] = {
	{20, op_make}, {3, op_tmpfile}, {6, op_link}, {12, op_unlink}, {14, op_rename},
	{5, op_chmod}, {8, op_xattr}, {30, op_write}, {10, op_truncate}, {8, op_fallocate},
	{8, op_sync_file}, {1, op_sync}, {3, op_let_go},
};

static void run_one(struct work *w)
{
	char what[96] = "nothing";
	uint64_t began = blk_record_now(w->record);
	unsigned errors = w->errors, sum = 0, left;
	size_t i;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		sum += ops[i].weight;
	left = pick(w, sum);
	for (i = 0; left >= ops[i].weight; i++)
		left -= ops[i].weight;
	ops[i].fn(w, what);
	add_state(w, began, what);
	w->states[w->nr_states - 1].unsure = w->errors != errors;
}

void work_init(struct work *w, uint64_t seed)
{
	/* mixed: states a few steps of the generator apart would soon give one and the same sequence */
	*w = (struct work){ .random = seed };
	w->random = work_random(&w->random);
	w->buf = malloc((size_t)MAX_CELLS * CELL);
	if (!w->buf)
		abort();
}

void work_run(struct work *w, struct fs *fs, struct blk *record, unsigned nr)
{
	struct object *root = new_object(w, K_DIR, ROOT_MODE);

	w->fs = fs;
	w->record = record;
	root->ino = EXT2_ROOT_INO;
	add_state(w, blk_record_now(record), "empty");
	for (w->now = 1; w->now <= nr; w->now++)
		run_one(w);
	w->now = nr;
}

void work_end(struct work *w)
{
	for (unsigned i = 0; i < MAX_OPEN; i++)
		let_go(w, i);
}

void work_fini(struct work *w)
{
	for (size_t i = 0; i < w->nr_objects; i++) {
		free(w->objects[i]->changes);
		free(w->objects[i]->promises);
		free(w->objects[i]);
	}
	free(w->objects);
	free(w->names);
	free(w->states);
	free(w->bounds);
	free(w->buf);
}
