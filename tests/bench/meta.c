// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SEED 0x9e3779b97f4a7c15u
#define SMALL 4096 /* bytes read of a small file */

void bench_file_name(const struct bench *bench, unsigned index, char kind, char *ret)
{
	shape_name(SHAPE_DIR, index / bench->shape.files, ret);
	ret[SHAPE_NAME - 1] = '/';
	shape_name(kind, index % bench->shape.files, ret + SHAPE_NAME);
}

/* bench->names: the first count files of the tree, of files or of files that are not there. */
static int make_names(struct bench *bench, char kind)
{
	unsigned total = bench->shape.dirs * bench->shape.files;

	if (bench->count > total)
		bench->count = total;
	bench->names = calloc(bench->count, sizeof(*bench->names));
	if (!bench->names)
		return -ENOMEM;
	for (unsigned i = 0; i < bench->count; i++)
		bench_file_name(bench, i, kind, bench->names[i]);
	return 0;
}

/* bench->names: count different files of the whole tree, in random order. */
static int make_random_names(struct bench *bench)
{
	unsigned total = bench->shape.dirs * bench->shape.files;
	CLEANUP(cleanup_free) unsigned *order = calloc(total, sizeof(*order));
	uint64_t state = SEED;

	if (bench->count > total)
		bench->count = total;
	bench->names = calloc(bench->count, sizeof(*bench->names));
	if (!bench->names || !order)
		return -ENOMEM;
	for (unsigned i = 0; i < total; i++)
		order[i] = i;
	for (unsigned i = 0; i < bench->count; i++) {
		unsigned at = i + (unsigned)(measure_random(&state) % (total - i));
		unsigned chosen = order[at];

		order[at] = order[i];
		bench_file_name(bench, chosen, SHAPE_FILE, bench->names[i]);
	}
	return 0;
}

static int stat_name(struct bench *bench, unsigned i)
{
	struct stat st;

	return fstatat(bench->root, bench->names[i], &st, AT_SYMLINK_NOFOLLOW) ? -errno : 0;
}

static int miss_name(struct bench *bench, unsigned i)
{
	int err = stat_name(bench, i);

	if (err == 0)
		return -EEXIST;
	return err == -ENOENT ? 0 : err;
}

static int open_name(struct bench *bench, unsigned i)
{
	char buf[SMALL];
	int fd = openat(bench->root, bench->names[i], O_RDONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (read(fd, buf, sizeof(buf)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* ---- cold: each name once ---- */

static int stat_job(struct bench *bench, unsigned job)
{
	int err = 0;

	for (unsigned i = job; i < bench->count && !err; i += bench->jobs)
		err = stat_name(bench, i);
	return err;
}

static int open_job(struct bench *bench, unsigned job)
{
	int err = 0;

	for (unsigned i = job; i < bench->count && !err; i += bench->jobs)
		err = open_name(bench, i);
	return err;
}

static int cold(struct bench *bench, bench_job *fn)
{
	int err = make_random_names(bench);

	if (!err)
		err = measure_jobs(bench, fn);
	bench->ops = bench->count;
	return err;
}

int meta_stat(struct bench *bench)
{
	return cold(bench, stat_job);
}

int meta_open(struct bench *bench)
{
	return cold(bench, open_job);
}

/* ---- directories ---- */

/* Directories still to be read, by name relative to the root. */
struct todo {
	char **paths;
	size_t nr, room;
};

static void todo_fini(struct todo *todo)
{
	while (todo->nr)
		free(todo->paths[--todo->nr]);
	free(todo->paths);
}

static int todo_add(struct todo *todo, const char *dir, const char *name)
{
	if (todo->nr == todo->room) {
		size_t room = todo->room ? 2 * todo->room : 1024;
		char **paths = realloc(todo->paths, room * sizeof(*paths));

		if (!paths)
			return -ENOMEM;
		todo->paths = paths;
		todo->room = room;
	}
	if (asprintf(&todo->paths[todo->nr], "%s/%s", dir, name) < 0)
		return -ENOMEM;
	todo->nr++;
	return 0;
}

static DIR *open_dir(int root, const char *path)
{
	int fd = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

static int walk_dir(struct bench *bench, const char *path, struct todo *todo)
{
	DIR *dir = open_dir(bench->root, path);
	struct dirent *entry;
	int err = dir ? 0 : -errno;

	while (!err && (entry = readdir(dir))) {
		struct stat st;

		if (is_dots(entry->d_name))
			continue;
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
			err = -errno;
		else if (S_ISDIR(st.st_mode))
			err = todo_add(todo, path, entry->d_name);
		bench->ops++;
	}
	if (dir)
		closedir(dir);
	return err;
}

static int walk_tree(struct bench *bench)
{
	CLEANUP(todo_fini) struct todo todo = { 0 };
	int err = walk_dir(bench, ".", &todo);

	while (!err && todo.nr) {
		CLEANUP(cleanup_free) char *path = todo.paths[--todo.nr];

		err = walk_dir(bench, path, &todo);
	}
	return err;
}

int meta_walk(struct bench *bench)
{
	int err;

	measure_start(bench);
	err = walk_tree(bench);
	measure_end(bench);
	return err;
}

/* Entries of all the directories that bench->count files are in. */
static int list_dirs(struct bench *bench)
{
	unsigned dirs = (bench->count + bench->shape.files - 1) / bench->shape.files;

	bench->ops = 0;
	for (unsigned i = 0; i < dirs; i++) {
		char name[SHAPE_NAME];
		DIR *dir;

		shape_name(SHAPE_DIR, i, name);
		dir = open_dir(bench->root, name);
		if (!dir)
			return -errno;
		while (readdir(dir))
			bench->ops++;
		closedir(dir);
	}
	return 0;
}

/* ---- warm: once to fill the kernel's caches, then again with the server stopped ---- */

static int each_name(struct bench *bench, int (*fn)(struct bench *bench, unsigned i))
{
	int err = 0;

	for (unsigned i = 0; i < bench->count && !err; i++)
		err = fn(bench, i);
	bench->ops = bench->count;
	return err;
}

static int warm_stat(struct bench *bench)
{
	return each_name(bench, stat_name);
}

static int warm_miss(struct bench *bench)
{
	return each_name(bench, miss_name);
}

static int warm_open(struct bench *bench)
{
	return each_name(bench, open_name);
}

static int warm(struct bench *bench, char kind, int (*pass)(struct bench *bench))
{
	int err = make_names(bench, kind);

	if (!err)
		err = pass(bench);
	if (!err)
		err = measure_passes(bench, pass);
	return err;
}

int meta_warm_stat(struct bench *bench)
{
	return warm(bench, SHAPE_FILE, warm_stat);
}

int meta_warm_miss(struct bench *bench)
{
	return warm(bench, SHAPE_NONE, warm_miss);
}

int meta_warm_readdir(struct bench *bench)
{
	return warm(bench, SHAPE_FILE, list_dirs);
}

int meta_warm_open(struct bench *bench)
{
	return warm(bench, SHAPE_FILE, warm_open);
}
