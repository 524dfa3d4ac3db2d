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

#include "../lib/policy.h"
#include "../lib/testkey.h"
#include "blk/record.h"
#include "fs/attr.h"
#include "fs/file.h"
#include "fs/namei.h"
#include "fs/orphan.h"
#include "fs/xattredit.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
#endif

#define ROOT_MODE 0755

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
	unsigned i = model_pick(&w->m, MAX_OPEN);

	o->nlink = o->kind == K_DIR ? 0 : o->nlink - 1;
	o->last_op = w->now;
	if (o->nlink) {
		inode_put(inode);
		return;
	}
	if (o->kind == K_FILE && model_chance(&w->m, 40)) {
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
	uint16_t mode = modes[model_pick(&w->m, sizeof(modes) / sizeof(modes[0]))];
	enum kind kind = S_ISREG(mode) ? K_FILE : S_ISDIR(mode) ? K_DIR : S_ISLNK(mode) ? K_LINK :
		K_NODE;
	struct object *dir = model_some_dir(&w->m), *o;
	CLEANUP(inode_putp) struct inode *parent = NULL, *inode = NULL;
	struct cred cred = { .uid = (uint32_t)w->m.nr_objects };
	char name[32], target[256];
	int err;

	model_fresh_name(&w->m, dir, name);
	snprintf(what, 96, "make %o %s in %u as %zu", mode, name, dir->id, w->m.nr_objects);
	hold(w, dir->ino, &parent);
	if (!parent)
		return;
	if (kind == K_LINK)
		err = namei_symlink(parent, name, strlen(name), target,
			model_target(cred.uid, target), &cred, &inode);
	else
		err = namei_make(parent, name, strlen(name), mode, 0, &cred, &inode);
	if (!happened(w, what, err))
		return;
	o = model_add_object(&w->m, kind, mode);
	model_inherit(o, dir);
	o->ino = inode->ino;
	o->last_op = w->now;
	model_add_name(&w->m, dir, name, o);
}

static void op_tmpfile(struct work *w, char *what)
{
	struct object *dir = model_some_dir(&w->m), *o;
	CLEANUP(inode_putp) struct inode *parent = NULL, *inode = NULL;
	struct cred cred = { .uid = (uint32_t)w->m.nr_objects };
	uint32_t ino;
	char name[32];

	model_fresh_name(&w->m, dir, name);
	snprintf(what, 96, "tmpfile %s in %u as %zu", name, dir->id, w->m.nr_objects);
	hold(w, dir->ino, &parent);
	if (!parent ||
		!happened(w, what, namei_tmpfile(parent, S_IFREG | 0600, &cred, &inode)))
		return;
	o = model_add_object(&w->m, K_FILE, 0600);
	model_inherit(o, dir);
	o->ino = ino = inode->ino;
	o->nlink = 0;
	o->last_op = w->now;
	if (model_chance(&w->m, 70) &&
		happened(w, what, namei_link(inode, parent, name, strlen(name)))) {
		o->nlink = 1;
		model_add_name(&w->m, dir, name, o);
		return;
	}
	inode_put(STEAL(inode));
	happened(w, "orphan_free", orphan_free(w->fs, ino));
}

static void op_link(struct work *w, char *what)
{
	struct object *dir = model_some_dir(&w->m);
	struct object *o = model_some_object(&w->m, 1 << K_FILE | 1 << K_LINK | 1 << K_NODE);
	CLEANUP(inode_putp) struct inode *parent = NULL, *inode = NULL;
	char name[32];

	if (!o || !model_may_hold(dir, o))
		return;
	model_fresh_name(&w->m, dir, name);
	snprintf(what, 96, "link %u to %s in %u", o->id, name, dir->id);
	hold(w, dir->ino, &parent);
	hold(w, o->ino, &inode);
	if (!parent || !inode ||
		!happened(w, what, namei_link(inode, parent, name, strlen(name))))
		return;
	o->nlink++;
	o->last_op = w->now;
	model_add_name(&w->m, dir, name, o);
}

static void op_unlink(struct work *w, char *what)
{
	size_t i = model_some_name(&w->m, 15);
	CLEANUP(inode_putp) struct inode *parent = NULL, *inode = NULL;
	struct name n;
	uint32_t ino = 0;
	int err;

	if (i == SIZE_MAX)
		return;
	n = w->m.names[i];
	if (n.object->kind == K_DIR && !model_is_empty(&w->m, n.object))
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
	model_drop_name(&w->m, i);
	lost(w, n.object, STEAL(inode), n.object->ino);
}

/* A name to rename over: of the same sort, and for a directory an empty one. */
static size_t some_victim(struct work *w, const struct name *from)
{
	size_t i = model_some_name(&w->m,
		from->object->kind == K_DIR ? 1 << K_DIR : 15 & ~(1 << K_DIR));

	if (i == SIZE_MAX || w->m.names[i].object == from->object ||
		(from->object->kind == K_DIR && !model_is_empty(&w->m, w->m.names[i].object)))
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

	if (at == SIZE_MAX || model_is_below(w->m.names[at].dir, from->object) ||
		!model_may_hold(w->m.names[at].dir, from->object))
		return;
	to = w->m.names[at];
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
	model_drop_name(&w->m, at > from_at ? at : from_at);
	model_drop_name(&w->m, at > from_at ? from_at : at);
	model_add_name(&w->m, to.dir, to.name, from->object);
	from->object->last_op = w->now;
	lost(w, to.object, STEAL(victim), to.object->ino);
}

static void op_exchange(struct work *w, struct name *from, size_t from_at, char *what)
{
	size_t at = model_some_name(&w->m, 15);
	CLEANUP(inode_putp) struct inode *a = NULL, *b = NULL;
	struct cred cred = {0};
	struct name to;
	uint32_t ino = 0;

	if (at == SIZE_MAX || at == from_at || w->m.names[at].object == from->object ||
		model_is_below(w->m.names[at].dir, from->object) ||
		model_is_below(from->dir, w->m.names[at].object) ||
		!model_may_hold(w->m.names[at].dir, from->object) ||
		!model_may_hold(from->dir, w->m.names[at].object))
		return;
	to = w->m.names[at];
	snprintf(what, 96, "exchange %s in %u and %s in %u", from->name, from->dir->id, to.name,
		to.dir->id);
	hold(w, from->dir->ino, &a);
	hold(w, to.dir->ino, &b);
	if (!a || !b ||
		!happened(w, what, namei_rename(a, from->name, strlen(from->name), b, to.name,
			strlen(to.name), RENAME_EXCHANGE, &cred, &ino)))
		return;
	model_drop_name(&w->m, at > from_at ? at : from_at);
	model_drop_name(&w->m, at > from_at ? from_at : at);
	model_add_name(&w->m, to.dir, to.name, from->object);
	model_add_name(&w->m, from->dir, from->name, to.object);
}

static void op_rename(struct work *w, char *what)
{
	size_t i = model_some_name(&w->m, 15);
	CLEANUP(inode_putp) struct inode *a = NULL, *b = NULL;
	struct object *dir = model_some_dir(&w->m);
	struct cred cred = {0};
	struct name from;
	uint32_t ino = 0;
	char name[32];

	if (i == SIZE_MAX)
		return;
	from = w->m.names[i];
	if (model_chance(&w->m, 40)) {
		op_rename_over(w, &from, i, what);
		return;
	}
	if (model_chance(&w->m, 20)) {
		op_exchange(w, &from, i, what);
		return;
	}
	if (model_is_below(dir, from.object) || !model_may_hold(dir, from.object))
		return;
	model_fresh_name(&w->m, dir, name);
	snprintf(what, 96, "rename %s in %u to %s in %u", from.name, from.dir->id, name, dir->id);
	hold(w, from.dir->ino, &a);
	hold(w, dir->ino, &b);
	if (!a || !b ||
		!happened(w, what, namei_rename(a, from.name, strlen(from.name), b, name,
			strlen(name), model_chance(&w->m, 30) ? RENAME_NOREPLACE : 0, &cred, &ino)))
		return;
	model_drop_name(&w->m, i);
	model_add_name(&w->m, dir, name, from.object);
	from.object->last_op = w->now;
}

/* ---- attributes ---- */

static void op_chmod(struct work *w, char *what)
{
	struct object *o = model_some_object(&w->m, 1 << K_FILE | 1 << K_DIR | 1 << K_NODE);
	CLEANUP(inode_putp) struct inode *inode = NULL;
	struct attr_change change = { .what = ATTR_MODE,
		.mode = (uint16_t)(0600 + model_pick(&w->m, 64)) };
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
	struct object *o = model_some_object(&w->m, 1 << K_FILE | 1 << K_DIR);
	CLEANUP(inode_putp) struct inode *inode = NULL;
	uint32_t version = o && o->value && model_chance(&w->m, 25) ? 0 : ++w->m.version;
	uint8_t value[MAX_VALUE];
	size_t len = version ? model_value(version, value) : 0;
	int err;

	if (!o || !o->id)
		return;
	snprintf(what, 96, "xattr %u version %u, %zu bytes", o->id, version, len);
	hold(w, o->ino, &inode);
	if (!inode)
		return;
	err = xattr_set(inode, "user.v", version ? value : NULL, len, 0, true);
	/* with a name and headers it may not fit a block: no lack of anything else */
	if (err == -ENOSPC && len + 64 > fs_super(w->fs)->block_size)
		return;
	if (!happened(w, what, err))
		return;
	o->value = version;
	o->last_op = w->now;
}

static bool may_encrypt(const struct work *w, const struct object *o)
{
	return o->id && o->kind == K_DIR && o->nlink && !o->policy && model_is_empty(&w->m, o);
}

static void op_encrypt(struct work *w, char *what)
{
	unsigned policy = 1 + model_pick(&w->m, P_NR - 1);
	CLEANUP(inode_putp) struct inode *inode = NULL;
	struct object *o = NULL;

	for (size_t i = 0; i < w->m.nr_objects && !o; i++)
		if (may_encrypt(w, w->m.objects[i]))
			o = w->m.objects[i];
	if (!o)
		return;
	snprintf(what, 96, "put %u under policy %u", o->id, policy);
	hold(w, o->ino, &inode);
	if (!inode || !happened(w, what, policy_set(inode, policy)))
		return;
	o->policy = policy;
	o->last_op = w->now;
}

/* ---- contents ---- */

/*
 * A change of contents failed: any part of it may have happened, and what the size has become is what
 * the inode says.
 */
static void half_done(struct object *o, struct inode *inode, struct change *c)
{
	c->failed = true;
	rwlock_read(&inode->lock);
	c->size = o->size = inode->d.size;
	rwlock_drop(&inode->lock);
}

/* A file with a name, or now and then one without. */
static struct object *some_file(struct work *w)
{
	unsigned i = model_pick(&w->m, MAX_OPEN);

	if (w->open[i] && model_chance(&w->m, 15))
		return w->open_objects[i];
	return model_some_object(&w->m, 1 << K_FILE);
}

static uint64_t some_cell(struct work *w, const struct object *o)
{
	uint64_t cells = o->size / CELL;

	if (cells && model_chance(&w->m, 30))
		return cells; /* append */
	if (cells && model_chance(&w->m, 60))
		return model_random(&w->m.random) % cells;
	return model_pick(&w->m, model_chance(&w->m, 80) ? 2048 : MAX_CELLS / 2);
}

static void op_write(struct work *w, char *what)
{
	struct object *o = some_file(w);
	CLEANUP(inode_putp) struct inode *inode = NULL;
	uint64_t from, nr, size;
	uint32_t version = ++w->m.version;
	struct change *c;
	uint32_t tid;
	ssize_t got;

	if (!o)
		return;
	from = some_cell(w, o);
	nr = 1 + model_pick(&w->m,
		model_chance(&w->m, 70) ? 300 : model_chance(&w->m, 70) ? 2048 : 8192);
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
	tid = atomic_load(&inode->tid);
	model_fill(w->buf, o->id, from, nr, version);
	/* Noted before it happens: a cut may show it half done. */
	c = model_add_change(o, blk_record_now(w->record), from, from + nr, version, size);
	/* without times as the page cache writes: overwriting then changes nothing but data */
	got = file_write(inode, from * CELL, w->buf, nr * CELL, model_chance(&w->m, 50), true);
	if (!happened(w, what, got)) {
		half_done(o, inode, c);
		return;
	}
	if ((uint64_t)got < nr * CELL) {
		w->errors++; /* a short count tells as much */
		c->failed = true; /* the last cell may be torn: not compared */
		c->size = from * CELL + (uint64_t)got > o->size ? from * CELL + (uint64_t)got :
			o->size;
	}
	o->size = c->size;
	/* within a tick of the clock, what is written over moves no time: no transaction to wait for */
	if (atomic_load(&inode->tid) != tid)
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
	change.size = (o->size && model_chance(&w->m, 70) ?
		model_random(&w->m.random) % (o->size / CELL + 1) :
		model_pick(&w->m, MAX_CELLS)) * CELL;
	snprintf(what, 96, "truncate %u to %ju", o->id, (uintmax_t)change.size);
	hold(w, o->ino, &inode);
	if (!inode)
		return;
	c = model_add_change(o, blk_record_now(w->record), change.size / CELL, NO_CELL, 0, change.size);
	if (happened(w, what, attr_set(inode, &change, &d))) {
		o->size = change.size;
		o->last_op = w->now;
	} else {
		half_done(o, inode, c);
	}
}

static void op_fallocate(struct work *w, char *what)
{
	static const int modes[] = { 0, FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE };
	int mode = modes[model_pick(&w->m, 4)], err;
	struct object *o = some_file(w);
	CLEANUP(inode_putp) struct inode *inode = NULL;
	uint64_t from, nr, size;
	bool zeroes = mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE);
	struct change *c;

	if (!o)
		return;
	from = some_cell(w, o) % MAX_CELLS;
	nr = 1 + model_pick(&w->m, 3000);
	if (nr > MAX_CELLS - from)
		nr = MAX_CELLS - from;
	snprintf(what, 96, "fallocate %u mode %d cells %ju+%ju", o->id, mode, (uintmax_t)from,
		(uintmax_t)nr);
	hold(w, o->ino, &inode);
	if (!inode)
		return;
	size = !(mode & FALLOC_FL_KEEP_SIZE) && (from + nr) * CELL > o->size ? (from + nr) * CELL :
		o->size;
	c = model_add_change(o, blk_record_now(w->record), zeroes ? from : 0, zeroes ? from + nr : 0, 0,
		size);
	err = file_fallocate(inode, mode, from * CELL, nr * CELL, true);
	if (err != -EOPNOTSUPP && happened(w, what, err)) {
		o->size = size;
	} else {
		half_done(o, inode, c);
	}
}

/* ---- durability ---- */

static void op_sync_file(struct work *w, char *what)
{
	struct object *o = some_file(w);
	CLEANUP(inode_putp) struct inode *inode = NULL;
	bool data_only = model_chance(&w->m, 30);
	uint64_t now;

	if (!o)
		return;
	snprintf(what, 96, "%s %u", data_only ? "fdatasync" : "fsync", o->id);
	hold(w, o->ino, &inode);
	if (!inode || !happened(w, what, file_sync(inode, data_only)))
		return;
	now = blk_record_now(w->record);
	model_add_promise(o, now);
	if (!data_only && o->nlink)
		model_add_bound(&w->m, now, o->last_op);
}

static void op_sync(struct work *w, char *what)
{
	uint64_t now;

	snprintf(what, 96, "syncfs");
	if (!happened(w, what, fs_sync(w->fs)))
		return;
	now = blk_record_now(w->record);
	for (size_t i = 0; i < w->m.nr_objects; i++)
		model_add_promise(w->m.objects[i], now);
	model_add_bound(&w->m, now, w->now);
}

/* What fails before it has changed anything, and has that made durable, all by itself now and then. */
static void op_nothing(struct work *w, char *what)
{
	struct object *o = model_some_object(&w->m, 1 << K_FILE | 1 << K_DIR);
	CLEANUP(inode_putp) struct inode *inode = NULL;
	int err;

	if (!o || !o->id)
		return;
	op_sync(w, what);
	snprintf(what, 96, "remove no attribute of %u", o->id);
	hold(w, o->ino, &inode);
	if (!inode)
		return;
	err = xattr_set(inode, "user.none", NULL, 0, 0, true);
	if (happened(w, what, err == -ENODATA ? 0 : err))
		op_sync(w, what);
}

static void op_let_go(struct work *w, char *what)
{
	snprintf(what, 96, "let go");
	let_go(w, model_pick(&w->m, MAX_OPEN));
}

/* ---- the sequence ---- */

static const struct {
	unsigned weight;
	void (*fn)(struct work *w, char *what);
} ops[] = {
	{20, op_make}, {3, op_tmpfile}, {6, op_link}, {12, op_unlink}, {14, op_rename},
	{5, op_chmod}, {8, op_xattr}, {30, op_write}, {10, op_truncate}, {8, op_fallocate},
	{8, op_sync_file}, {1, op_sync}, {1, op_nothing}, {3, op_let_go},
	{8, op_encrypt}, /* the last: only with the encrypt feature */
};

static void run_one(struct work *w)
{
	char what[96] = "nothing";
	uint64_t began = blk_record_now(w->record);
	unsigned errors = w->errors, sum = 0, left;
	size_t nr = sizeof(ops) / sizeof(ops[0]) - !super_has_encrypt(fs_super(w->fs)), i;

	for (i = 0; i < nr; i++)
		sum += ops[i].weight;
	left = model_pick(&w->m, sum);
	for (i = 0; left >= ops[i].weight; i++)
		left -= ops[i].weight;
	ops[i].fn(w, what);
	model_add_state(&w->m, began, what);
	w->m.states[w->m.nr_states - 1].unsure = w->errors != errors;
}

void work_init(struct work *w, uint64_t seed)
{
	*w = (struct work){0};
	model_init(&w->m, seed);
	w->buf = malloc((size_t)MAX_CELLS * CELL);
	if (!w->buf)
		abort();
}

void work_run(struct work *w, struct fs *fs, struct blk *record, unsigned nr)
{
	struct object *root = model_add_object(&w->m, K_DIR, ROOT_MODE);

	w->fs = fs;
	w->record = record;
	root->ino = EXT2_ROOT_INO;
	model_add_state(&w->m, blk_record_now(record), "empty");
	if (super_has_encrypt(fs_super(fs)))
		happened(w, "key", testkey_add_all(fs));
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
	model_fini(&w->m);
	free(w->buf);
}
