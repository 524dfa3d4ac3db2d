// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Directories are changed at random and compared with a model of them: while the filesystem is
 * open, through another that is opened afterwards, and by e2fsck. Their names are links to a few
 * files.
 */
#include "config.h"

#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/diredit.h"
#include "fs/dirblock.h"
#include "fs/fs_i.h"
#include "fs/mapedit.h"

#define TARGETS 4	/* files that names link to */
#define MAX_LINKS 65000 /* of one of them */

/* ---- images ---- */

/* What the names may stand for, and where the sequence of choices is. */
static uint32_t targets[TARGETS];
static uint64_t rng = 88172645463325252u;

/* debugfs commands, one per line. */
static void edit(const char *commands)
{
	FILE *file = fopen("commands", "w");

	assert_non_null(file);
	fputs(commands, file);
	fclose(file);
	assert_int_equal(sh("debugfs -w -f commands image"), 0);
}

/* Makes ./image with an empty directory d and the targets; args are mke2fs's. */
static void make(const char *size, const char *args)
{
	NEED_TOOLS(fixture.tools);
	if (sh("rm -f image; truncate -s %s image && mke2fs -q -F -m 0 -N 64 -t ext4 "
	       "-O ^has_journal %s image", size, args))
		fail_msg("mke2fs %s", args);
	edit("mkdir d\nwrite /dev/null t0\nwrite /dev/null t1\nwrite /dev/null t2\n"
	     "write /dev/null t3\n");
}

static struct fs *open_image(bool writable)
{
	struct fs_options opts = { .writable = writable };
	int fd = open("image", writable ? O_RDWR : O_RDONLY);
	struct blk *blk;
	struct fs *fs;

	assert_true(fd >= 0);
	assert_int_equal(blk_file_new(fd, writable, &blk), 0);
	assert_int_equal(fs_open(blk, &opts, &fixture.log, &fs), 0);
	return fs;
}

static struct inode *get(struct fs *fs, uint32_t ino)
{
	struct inode *inode;

	assert_int_equal(inode_get(fs, ino, &inode), 0);
	return inode;
}

static uint32_t lookup(struct fs *fs, const char *name)
{
	struct inode *root = get(fs, EXT2_ROOT_INO);
	uint32_t ino;

	assert_int_equal(dir_lookup(root, name, strlen(name), &ino), 0);
	inode_put(root);
	return ino;
}

/* Opens the image for writing, and d. */
static struct inode *open_dir(void)
{
	static const char *const names[TARGETS] = { "t0", "t1", "t2", "t3" };
	struct fs *fs = open_image(true);

	for (size_t i = 0; i < TARGETS; i++)
		targets[i] = lookup(fs, names[i]);
	return get(fs, lookup(fs, "d"));
}

static void check_fsck(const char *what)
{
	char text[1024] = "";
	FILE *file;

	if (!sh("e2fsck -fn image"))
		return;
	file = fopen("log", "r");
	if (file && fread(text, 1, sizeof(text) - 1, file) == 0)
		strcpy(text, "?");
	fail_msg("%s: e2fsck: %s", what, text);
}

/* ---- names ---- */

static uint32_t rnd(uint32_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (uint32_t)(rng >> 32) % n;
}

struct name {
	uint8_t len;
	uint8_t target; /* TARGETS: not there */
	bool seen;
	char text[DIR_NAME_MAX];
};

struct model {
	struct name *names; /* by number, which the name begins with */
	size_t nr;
};

/* Names of min to max bytes; the first 7 are the number, the others anything but '/' and NUL. */
static struct model model_new(size_t nr, unsigned min, unsigned max)
{
	struct model model = { calloc(nr, sizeof(struct name)), nr };

	assert_non_null(model.names);
	for (size_t i = 0; i < nr; i++) {
		struct name *name = &model.names[i];
		char digits[24];

		name->len = (uint8_t)(min + rnd(max - min + 1));
		name->target = TARGETS;
		snprintf(digits, sizeof(digits), "%07zu", i);
		memcpy(name->text, digits, 7);
		for (unsigned at = 7; at < name->len; at++) {
			name->text[at] = (char)(1 + rnd(255));
			if (name->text[at] == '/')
				name->text[at] = 'x';
		}
	}
	return model;
}

static void model_free(struct model *model)
{
	free(model->names);
}

/* ---- changes, each in a handle of its own ---- */

static struct handle *begin(struct inode *dir, unsigned credits)
{
	struct handle *h;

	rwlock_write(&dir->lock);
	assert_int_equal(journal_start(dir->fs->journal, credits, &h), 0);
	return h;
}

static void end(struct inode *dir, struct handle *h)
{
	assert_int_equal(journal_stop(h), 0);
	rwlock_drop(&dir->lock);
}

static int add(struct inode *dir, const char *name, size_t len, uint32_t ino, uint8_t type)
{
	struct handle *h = begin(dir, dir_add_credits(dir));
	int err = dir_add(h, dir, name, len, ino, type);

	end(dir, h);
	return err;
}

/* expect: see dir_remove(). */
static int drop(struct inode *dir, const char *name, size_t len, uint32_t expect)
{
	struct handle *h = begin(dir, DIR_EDIT_CREDITS);
	int err = dir_remove(h, dir, name, len, expect);

	end(dir, h);
	return err;
}

static int replace(struct inode *dir, const char *name, size_t len, uint32_t expect, uint32_t ino)
{
	struct handle *h = begin(dir, DIR_EDIT_CREDITS);
	int err = dir_replace(h, dir, name, len, expect, ino, EXT2_FT_REG_FILE);

	end(dir, h);
	return err;
}

static void add_name(struct inode *dir, struct name *name)
{
	name->target = (uint8_t)rnd(TARGETS);
	assert_int_equal(add(dir, name->text, name->len, targets[name->target],
				 EXT2_FT_REG_FILE), 0);
}

static void drop_name(struct inode *dir, struct name *name)
{
	uint32_t ino = targets[name->target];

	assert_int_equal(drop(dir, name->text, name->len, ino + 1), -EAGAIN);
	assert_int_equal(drop(dir, name->text, name->len, rnd(2) ? ino : 0), 0);
	name->target = TARGETS;
	assert_int_equal(drop(dir, name->text, name->len, 0), -ENOENT);
	assert_int_equal(drop(dir, name->text, name->len, ino), -EAGAIN);
}

static void replace_name(struct inode *dir, struct name *name)
{
	uint32_t ino = targets[name->target];

	name->target = (uint8_t)rnd(TARGETS);
	assert_int_equal(
		replace(dir, name->text, name->len, ino + 1, targets[name->target]), -EAGAIN);
	assert_int_equal(
		replace(dir, name->text, name->len, rnd(2) ? ino : 0, targets[name->target]), 0);
}

/* nr changes of names chosen at random, of which fill in 8 add what is not there. */
static void change(struct inode *dir, struct model *model, size_t nr, unsigned fill)
{
	for (size_t i = 0; i < nr; i++) {
		struct name *name = &model->names[rnd((uint32_t)model->nr)];
		bool there = name->target < TARGETS;

		if (there && rnd(8) >= fill)
			drop_name(dir, name);
		else if (there)
			replace_name(dir, name);
		else if (rnd(8) < fill)
			add_name(dir, name);
	}
}

/* ---- comparing ---- */

/* Entries of a listing are counted off in the model; after limit of them it stops. */
struct listing {
	struct model *model;
	size_t stable; /* names from this number on may come twice: gone and back further on */
	unsigned left;
	bool any, dot, dotdot;
	uint64_t pos; /* where to go on */
};

static struct name *known(struct model *model, const char *text, size_t len)
{
	char digits[8] = "";
	struct name *name;
	size_t i;

	memcpy(digits, text, len < 7 ? len : 7);
	i = strtoul(digits, NULL, 10);
	if (len < 7 || i >= model->nr)
		return NULL;
	name = &model->names[i];
	return name->len == len && !memcmp(name->text, text, len) ? name : NULL;
}

static bool count_off(void *arg, const struct dir_entry *entry)
{
	struct listing *l = arg;
	struct name *name;

	if (!l->left)
		return false;
	l->left--;
	l->any = true;
	l->pos = entry->next;
	if (entry->len == 1 && entry->name[0] == '.') {
		assert_false(l->dot);
		l->dot = true;
		return true;
	}
	if (entry->len == 2 && !memcmp(entry->name, "..", 2)) {
		assert_false(l->dotdot);
		assert_int_equal(entry->ino, EXT2_ROOT_INO);
		l->dotdot = true;
		return true;
	}
	name = known(l->model, entry->name, entry->len);
	if (!name)
		fail_msg("unknown name %.*s", (int)entry->len, entry->name);
	if (name->seen && name < &l->model->names[l->stable])
		fail_msg("%.*s for the second time", (int)entry->len, entry->name);
	name->seen = true;
	return true;
}

/* Lists dir, step entries at a time; which of the names came is in the model then. */
static void list(struct inode *dir, struct model *model, size_t stable, unsigned step)
{
	struct listing l = { .model = model, .stable = stable };

	for (size_t i = 0; i < model->nr; i++)
		model->names[i].seen = false;
	do {
		l.any = false;
		l.left = step;
		assert_int_equal(dir_iterate(dir, l.pos, count_off, &l), 0);
	} while (l.any);
	assert_true(l.dot && l.dotdot);
}

static void compare(struct inode *dir, struct model *model, unsigned step)
{
	list(dir, model, model->nr, step);
	for (size_t i = 0; i < model->nr; i++) {
		const struct name *name = &model->names[i];
		uint32_t ino = 0;
		int err = dir_lookup(dir, name->text, name->len, &ino);
		bool there = name->target < TARGETS;

		if (err != (there ? 0 : -ENOENT))
			fail_msg("name %zu: %d", i, err);
		if (there)
			assert_int_equal(ino, targets[name->target]);
		if (name->seen != there)
			fail_msg("name %zu: %slisted", i, there ? "not " : "");
	}
}

/* Gives the targets the links they have by now, besides their own names. */
static void set_links(struct fs *fs, const struct model *model)
{
	uint32_t links[TARGETS] = { 1, 1, 1, 1 };

	for (size_t i = 0; i < model->nr; i++)
		if (model->names[i].target < TARGETS)
			links[model->names[i].target]++;
	for (size_t i = 0; i < TARGETS; i++) {
		struct inode *inode = get(fs, targets[i]);
		struct handle *h = begin(inode, INODE_CREDITS);

		assert_true(links[i] <= MAX_LINKS);
		inode->d.nlink = links[i];
		assert_int_equal(inode_write(h, inode), 0);
		end(inode, h);
		inode_put(inode);
	}
}

/* Closes dir's filesystem and judges it. */
static void finish(struct inode *dir, struct model *model, const char *what)
{
	struct fs *fs = dir->fs;
	uint32_t ino = dir->ino;

	set_links(fs, model);
	inode_put(dir);
	assert_int_equal(fs_close(fs), 0);
	check_fsck(what);
	fs = open_image(false);
	dir = get(fs, ino);
	compare(dir, model, 1000);
	inode_put(dir);
	fs_close(fs);
}

/* ---- at random ---- */

static const struct random_case {
	const char *size, *args;
	const char *tune; /* tune2fs's arguments */
	const char *edit; /* commands of debugfs */
	size_t names, changes;
	unsigned min, max; /* bytes of a name */
} random_cases[] = {
	{ "4M", "-b 1024", NULL, NULL, 2000, 4000, 7, 30 },
	{ "4M", "-b 1024", NULL, NULL, 3000, 6000, 7, 255 },
	{ "4M", "-b 1024 -O ^metadata_csum", NULL, NULL, 2000, 4000, 7, 100 },
	{ "4M", "-b 1024 -O ^metadata_csum,^filetype,^uninit_bg,^64bit", NULL, NULL,
		1000, 2000, 7, 60 },
	{ "4M", "-b 1024", "-E hash_alg=legacy", NULL, 2000, 4000, 7, 60 },
	{ "4M", "-b 1024", "-E hash_alg=tea", NULL, 2000, 4000, 7, 60 },
	{ "4M", "-b 1024", "-E hash_alg=half_md4", "ssv flags 2\n", 2000, 4000, 8, 60 },
	{ "4M", "-b 1024", "-E hash_alg=legacy", "ssv flags 2\n", 2000, 4000, 8, 60 },
	{ "4M", "-b 1024", "-E hash_alg=tea", "ssv flags 2\n", 2000, 4000, 8, 60 },
	{ "4M", "-b 1024 -O ^dir_index", NULL, NULL, 600, 1200, 7, 60 },
	{ "4M", "-b 1024 -O ^extents,^64bit", NULL, NULL, 2000, 4000, 7, 60 },
	{ "8M", "-b 1024 -O large_dir", NULL, NULL, 2000, 4000, 7, 255 },
	{ "8M", "-b 4096", NULL, NULL, 5000, 10000, 7, 60 },
	{ "8M", "-b 4096 -O ^metadata_csum", NULL, NULL, 5000, 10000, 7, 255 },
	{ "16M", "-b 4096 -O bigalloc -C 16384", NULL, NULL, 5000, 10000, 7, 60 },
};

static void random_case(const struct random_case *c)
{
	struct model model = model_new(c->names, c->min, c->max);
	struct inode *dir;

	make(c->size, c->args);
	if (c->tune)
		assert_int_equal(sh("tune2fs %s image", c->tune), 0);
	if (c->edit)
		edit(c->edit);
	dir = open_dir();
	for (unsigned fill = 7; fill <= 7; fill -= 2) {
		change(dir, &model, c->changes, fill);
		compare(dir, &model, 1 + rnd(100));
	}
	change(dir, &model, c->changes, 6);
	finish(dir, &model, c->args);
	/* and on from what was written */
	dir = open_dir();
	change(dir, &model, c->changes, 3);
	compare(dir, &model, 50);
	finish(dir, &model, c->args);
	model_free(&model);
}

static void test_random(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(random_cases); i++)
		random_case(&random_cases[i]);
}

/* Blocks larger than a page: 64 KiB need their own encoding of lengths. */
static void test_large_blocks(void **state)
{
	static const char *const args[] = { "-b 65536", "-b 65536 -O ^metadata_csum",
		"-b 32768" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(args); i++) {
		const struct random_case c = { "64M", args[i], NULL, NULL, 8000, 6000, 7, 120 };

		random_case(&c);
	}
}

/* ---- the tree ---- */

static bool is_indexed(const struct inode *dir)
{
	return dirblock_dir_indexed(dir);
}

/* What the root says: levels of nodes below it. */
static unsigned depth(struct inode *dir)
{
	struct dirblock block;
	unsigned levels;

	assert_int_equal(dirblock_load(dir, 0, &block), 0);
	levels = block.buf->data[30];
	dirblock_fini(&block);
	return levels;
}

/* A block that overflows makes an index, and only then. */
static void test_becomes_indexed(void **state)
{
	struct model model = model_new(100, 20, 20);
	struct inode *dir;

	(void)state;
	make("4M", "-b 1024");
	dir = open_dir();
	/* 24 bytes for the dots, 12 for the checksum; 28 for each name */
	for (size_t i = 0; i < 35; i++)
		add_name(dir, &model.names[i]);
	assert_false(is_indexed(dir));
	assert_int_equal(dir->d.size, 1024);
	add_name(dir, &model.names[35]);
	assert_true(is_indexed(dir));
	/* without the dots and the checksum a leaf has room for one more */
	assert_int_equal(dir->d.size, 2 * 1024);
	compare(dir, &model, 7);
	add_name(dir, &model.names[36]);
	assert_int_equal(dir->d.size, 3 * 1024);
	assert_int_equal(depth(dir), 0);
	compare(dir, &model, 5);
	finish(dir, &model, "one block");
	model_free(&model);
}

/* Adds long names until the tree is deep enough or full. Returns dir_add()'s last answer. */
static int fill(struct inode *dir, struct model *model, unsigned levels)
{
	for (size_t i = 0; i < model->nr; i++) {
		struct name *name = &model->names[i];
		int err = add(dir, name->text, name->len, targets[i % TARGETS],
			EXT2_FT_REG_FILE);

		if (err)
			return err;
		name->target = (uint8_t)(i % TARGETS);
		if (i % 64 == 0 && is_indexed(dir) && depth(dir) >= levels)
			return 0;
	}
	return 0;
}

/* 124 * 127 leaves of two or three names each are what two levels hold. */
static void test_three_levels(void **state)
{
	struct model model = model_new(70000, 255, 255);
	struct inode *dir;

	(void)state;
	make("64M", "-b 1024 -O large_dir");
	dir = open_dir();
	assert_int_equal(fill(dir, &model, 2), 0);
	assert_int_equal(depth(dir), 2);
	change(dir, &model, 3000, 4);
	compare(dir, &model, 500);
	finish(dir, &model, "three levels");
	model_free(&model);
}

/* Without large_dir two levels are all; what was there stays. */
static void test_full(void **state)
{
	struct model model = model_new(70000, 255, 255);
	struct inode *dir;

	(void)state;
	make("64M", "-b 1024");
	dir = open_dir();
	fixture.log.max = LOG_LEVEL_ERROR;
	assert_int_equal(fill(dir, &model, 2), -ENOSPC);
	assert_int_equal(depth(dir), 1);
	compare(dir, &model, 500);
	finish(dir, &model, "full");
	model_free(&model);
}

/* No block left: the tree is as it was, and takes names again where there is room. */
static void test_no_space(void **state)
{
	static const char *const args[] = { "-b 1024", "-b 1024 -O ^dir_index" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(args); i++) {
		struct model model = model_new(5000, 100, 255);
		struct inode *dir;

		make("300k", args[i]);
		dir = open_dir();
		assert_int_equal(fill(dir, &model, 9), -ENOSPC);
		compare(dir, &model, 100);
		for (size_t n = 0; n < 50; n++)
			drop_name(dir, &model.names[n]);
		change(dir, &model, 0, 4);
		add_name(dir, &model.names[7]);
		finish(dir, &model, "no space");
		model_free(&model);
	}
}

/* ---- new and empty directories, ".." ---- */

static void test_empty(void **state)
{
	struct model model = model_new(500, 20, 60);
	struct inode *dir;

	(void)state;
	make("4M", "-b 1024");
	dir = open_dir();
	assert_int_equal(dir_check_empty(dir), 0);
	for (size_t i = 0; i < 500; i++)
		add_name(dir, &model.names[i]);
	assert_true(is_indexed(dir));
	for (size_t i = 0; i < 500; i++) {
		assert_int_equal(dir_check_empty(dir), -ENOTEMPTY);
		drop_name(dir, &model.names[i]);
	}
	assert_int_equal(dir_check_empty(dir), 0);
	compare(dir, &model, 10);
	assert_int_equal(drop(dir, "absent", 6, 0), -ENOENT);
	assert_int_equal(replace(dir, "absent", 6, 0, targets[0]), -ENOENT);
	assert_int_equal(replace(dir, "absent", 6, targets[1], targets[0]), -EAGAIN);
	assert_int_equal(add(dir, "", 0, targets[0], EXT2_FT_REG_FILE), -EINVAL);
	finish(dir, &model, "emptied");
	model_free(&model);
}

/* The directory d made anew, and its parent given as another and then put right. */
static void test_init(void **state)
{
	static const char *const args[] = { "-b 1024", "-b 4096 -O ^metadata_csum,^filetype",
		"-b 65536" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(args); i++) {
		struct model model = model_new(3000, 20, 60);
		struct inode *dir;
		struct handle *h;
		uint64_t left;

		make("32M", args[i]);
		dir = open_dir();
		h = begin(dir, dir_init_credits(dir->fs) + 2 * map_credits(dir));
		assert_int_equal(map_free(h, dir, 0, 1, 1, &left), 0);
		assert_int_equal(left, 0);
		dir->d.size = 0;
		map_init(dir);
		assert_int_equal(dir_init(h, dir, 11), 0);
		end(dir, h);
		assert_int_equal(dir_check_empty(dir), 0);
		change(dir, &model, i, 8);
		assert_int_equal(replace(dir, "..", 2, 0, EXT2_ROOT_INO), 0);
		change(dir, &model, 3000, 8);
		/* in the root of a tree, the same */
		assert_int_equal(replace(dir, "..", 2, EXT2_ROOT_INO, 11), 0);
		h = begin(dir, DIR_EDIT_CREDITS);
		assert_int_equal(
			dir_replace(h, dir, "..", 2, 0, EXT2_ROOT_INO, EXT2_FT_DIR), 0);
		end(dir, h);
		compare(dir, &model, 30);
		finish(dir, &model, args[i]);
		model_free(&model);
	}
}

/* ---- reading while others write ---- */

struct writer {
	struct inode *dir;
	struct model *model;
	size_t stable; /* names below this are left alone */
	atomic_bool stop;
};

static void *write_on(void *arg)
{
	struct writer *w = arg;
	uint64_t seed = 1;

	while (!atomic_load(&w->stop)) {
		struct name *name;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		name = &w->model->names[w->stable + (seed >> 33) % (w->model->nr - w->stable)];
		if (name->target < TARGETS) {
			drop_name(w->dir, name);
		} else {
			name->target = 0;
			assert_int_equal(add(w->dir, name->text, name->len,
						 targets[0], EXT2_FT_REG_FILE), 0);
		}
	}
	return NULL;
}

static void read_while_writing(const char *args, const char *tune, size_t stable, size_t names,
	unsigned listings)
{
	struct model model = model_new(names, 10, 40);
	struct writer w = { .model = &model, .stable = stable };
	pthread_t thread;

	make("16M", args);
	if (tune)
		assert_int_equal(sh("tune2fs %s image", tune), 0);
	w.dir = open_dir();
	for (size_t i = 0; i < stable; i++)
		add_name(w.dir, &model.names[i]);
	assert_int_equal(pthread_create(&thread, NULL, write_on, &w), 0);
	for (unsigned n = 0; n < listings; n++) {
		list(w.dir, &model, stable, 1 + n % 13);
		for (size_t i = 0; i < stable; i++)
			if (!model.names[i].seen)
				fail_msg("%s: name %zu is left out", args, i);
	}
	atomic_store(&w.stop, true);
	pthread_join(thread, NULL);
	compare(w.dir, &model, 100);
	finish(w.dir, &model, args);
	model_free(&model);
}

static void test_read_while_writing(void **state)
{
	static const struct {
		const char *args, *tune;
	} cases[] = {
		{ "-b 1024", NULL },
		{ "-b 1024", "-E hash_alg=legacy" },
		{ "-b 1024 -O ^dir_index", NULL },
		{ "-b 4096 -O ^metadata_csum", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		/* from one block to a tree meanwhile, and in a tree */
		read_while_writing(cases[i].args, cases[i].tune, 10, 500, 20);
		read_while_writing(cases[i].args, cases[i].tune, 300, 1500, 20);
	}
}

/* ---- an index that makes no sense ---- */

static void test_nonsense(void **state)
{
	(void)state;
	for (int csum = 0; csum < 2; csum++) {
		struct model model = model_new(300, 20, 60);
		struct dirblock block;
		struct handle *h;
		struct inode *dir;

		make("4M", csum ? "-b 1024" : "-b 1024 -O ^metadata_csum");
		dir = open_dir();
		for (size_t i = 0; i < 200; i++)
			add_name(dir, &model.names[i]);
		h = begin(dir, 1);
		assert_int_equal(dirblock_load(dir, 0, &block), 0);
		assert_int_equal(journal_write(h, block.buf), 0);
		block.buf->data[29] = 9; /* length of the root's info */
		dirblock_fini(&block);
		end(dir, h);
		fixture.log.max = (enum log_level)-1;
		if (csum) {
			assert_int_equal(add(dir, "x", 1, targets[0], 1), -EUCLEAN);
			inode_put(dir);
			fs_close(dir->fs);
		} else {
			for (size_t i = 0; i < 200; i++)
				drop_name(dir, &model.names[i]);
			for (size_t i = 100; i < 300; i++)
				add_name(dir, &model.names[i]);
			assert_false(dir->d.flags & EXT2_INDEX_FL);
			compare(dir, &model, 10);
			finish(dir, &model, "no index any more");
		}
		fixture.log.max = LOG_LEVEL_ERROR;
		model_free(&model);
	}
}

/* ---- inline ---- */

static void test_inline(void **state)
{
	static const char *const args[] = { "-b 1024 -O inline_data -I 256",
		"-b 4096 -O inline_data,^metadata_csum -I 512",
		"-b 1024 -O inline_data -I 1024", "-b 1024 -O inline_data,^dir_index -I 256" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(args); i++) {
		struct model model = model_new(200, 7, 30);
		struct inode *dir;
		struct handle *h;

		make("8M", args[i]);
		dir = open_dir();
		assert_true(dir->d.flags & EXT4_INLINE_DATA_FL);
		h = begin(dir, dir_init_credits(dir->fs));
		assert_int_equal(dir_init(h, dir, 11), 0);
		end(dir, h);
		assert_int_equal(replace(dir, "..", 2, 0, EXT2_ROOT_INO), 0);
		for (size_t n = 0; dir->d.flags & EXT4_INLINE_DATA_FL; n++) {
			compare(dir, &model, 1 + n % 5);
			add_name(dir, &model.names[n]);
			/* makes room in the middle, fills it again */
			if (n % 3 == 2) {
				assert_int_equal(dir_check_empty(dir), -ENOTEMPTY);
				drop_name(dir, &model.names[n - 1]);
				replace_name(dir, &model.names[n]);
				add_name(dir, &model.names[n - 1]);
			}
		}
		assert_int_equal(dir->d.size, i == 1 ? 4096 : 1024);
		change(dir, &model, 300, 5);
		compare(dir, &model, 3);
		finish(dir, &model, args[i]);
		model_free(&model);
	}
}

/* Goes through all names and back, inline. */
static void test_inline_stays(void **state)
{
	struct model model = model_new(3, 10, 12);
	struct inode *dir;

	(void)state;
	make("8M", "-b 4096 -O inline_data");
	dir = open_dir();
	for (unsigned i = 0; i < 200; i++)
		change(dir, &model, 3, 4);
	for (size_t i = 0; i < 3; i++)
		if (model.names[i].target < TARGETS)
			drop_name(dir, &model.names[i]);
	assert_true(dir->d.flags & EXT4_INLINE_DATA_FL);
	assert_int_equal(dir_check_empty(dir), 0);
	finish(dir, &model, "inline");
	model_free(&model);
}

/* ---- casefold ---- */

static int find_ino(struct inode *dir, const char *name)
{
	uint32_t ino;
	int err = dir_lookup(dir, name, strlen(name), &ino);

	return err ? err : (int)ino;
}

static void casefold_case(const char *args, bool strict)
{
	static const char *const odd = "caf\xc3\x89", *const folded = "cafe\xcc\x81";
	struct model model = model_new(400, 20, 20);
	struct inode *dir;
	struct handle *h;
	int ino;

	for (size_t i = 0; i < 400; i++) /* valid UTF-8 */
		memset(model.names[i].text + 7, 'a' + (int)(i % 26), 13);
	make("8M", args);
	dir = open_dir();
	h = begin(dir, INODE_CREDITS);
	dir->d.flags |= EXT4_CASEFOLD_FL;
	assert_int_equal(inode_write(h, dir), 0);
	end(dir, h);
	ino = (int)targets[0];
	for (size_t i = 0; i < 400; i++)
		add_name(dir, &model.names[i]);
	assert_true(is_indexed(dir));
	assert_int_equal(add(dir, odd, strlen(odd), (uint32_t)ino, EXT2_FT_REG_FILE), 0);
	assert_int_equal(find_ino(dir, odd), ino);
	assert_int_equal(find_ino(dir, "CAF\xc3\xa9"), ino);
	assert_int_equal(find_ino(dir, folded), ino);
	assert_int_equal(find_ino(dir, "cafe"), -ENOENT);
	assert_int_equal(find_ino(dir, "0000003DDDDDDDDDDDDD"),
		(int)targets[model.names[3].target]);
	assert_int_equal(find_ino(dir, "bad\xff"), strict ? -EINVAL : -ENOENT);
	if (strict) {
		assert_int_equal(add(dir, "bad\xff", 4, 12, EXT2_FT_REG_FILE), -EINVAL);
	} else {
		assert_int_equal(
			add(dir, "bad\xff", 4, (uint32_t)ino, EXT2_FT_REG_FILE), 0);
		assert_int_equal(find_ino(dir, "bad\xff"), ino);
		assert_int_equal(drop(dir, "bad\xff", 4, 0), 0);
	}
	assert_int_equal(drop(dir, folded, strlen(folded), 0), 0);
	assert_int_equal(find_ino(dir, odd), -ENOENT);
	compare(dir, &model, 11);
	finish(dir, &model, args);
	model_free(&model);
}

static void test_casefold(void **state)
{
	(void)state;
	casefold_case("-b 1024 -O casefold -E encoding=utf8", false);
	casefold_case("-b 1024 -O casefold -E encoding=utf8,encoding_flags=strict", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_large_blocks),
		cmocka_unit_test(test_becomes_indexed),
		cmocka_unit_test(test_three_levels),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_no_space),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_init),
		cmocka_unit_test(test_read_while_writing),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_inline),
		cmocka_unit_test(test_inline_stays),
		cmocka_unit_test(test_casefold),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
