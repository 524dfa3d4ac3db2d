// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One directory of bench->count names without contents. Beside the whole, the times of the first
 * and of the last tenth: what grows with the directory shows there.
 */
#include "config.h"

#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

struct tenths {
	uint64_t began, first, last; /* ns */
	unsigned tenth, total;	     /* names */
};

/* Called before name number i, and with the total when all are done. */
static void tenths_mark(struct tenths *tenths, unsigned i)
{
	if (i == 0 || i == tenths->total - tenths->tenth)
		tenths->began = measure_now();
	else if (i == tenths->tenth)
		tenths->first = measure_now() - tenths->began;
	else if (i == tenths->total)
		tenths->last = measure_now() - tenths->began;
}

static void tenths_print(const struct tenths *tenths)
{
	printf("first=%" PRIu64 " last=%" PRIu64 " ", tenths->first / tenths->tenth,
		tenths->last / tenths->tenth);
}

static int name_create(struct bench *bench, const char *name)
{
	return mknodat(bench->root, name, S_IFREG | 0644, 0) ? -errno : 0;
}

static int name_stat(struct bench *bench, const char *name)
{
	struct stat st;

	return fstatat(bench->root, name, &st, AT_SYMLINK_NOFOLLOW) ? -errno : 0;
}

static int name_unlink(struct bench *bench, const char *name)
{
	return unlinkat(bench->root, name, 0) ? -errno : 0;
}

static int each_name(struct bench *bench, int (*fn)(struct bench *bench, const char *name))
{
	struct tenths tenths = { .tenth = bench->count / 10, .total = bench->count };
	char name[BENCH_NAME];
	int err = 0;

	if (bench->count < 100 || bench->count > bench->shape.files)
		return -EINVAL;
	measure_start(bench);
	for (unsigned i = 0; i < bench->count && !err; i++) {
		tenths_mark(&tenths, i);
		bench_file_name(bench, i, SHAPE_FILE, name);
		err = fn(bench, name);
	}
	tenths_mark(&tenths, bench->count);
	measure_end(bench);
	bench->ops = bench->count;
	if (!err && syncfs(bench->root))
		err = -errno;
	if (!err)
		tenths_print(&tenths);
	return err;
}

int names_create(struct bench *bench)
{
	int err = edit_make_dirs(bench, 1);

	return err ? err : each_name(bench, name_create);
}

int names_stat(struct bench *bench)
{
	return each_name(bench, name_stat);
}

int names_unlink(struct bench *bench)
{
	return each_name(bench, name_unlink);
}

/* In the order of the directory; entries are . and .. as well. */
int names_list(struct bench *bench)
{
	struct tenths tenths = { .tenth = bench->count / 10, .total = bench->count };
	char name[SHAPE_NAME];
	unsigned i = 0;
	DIR *dir;
	int fd;

	shape_name(SHAPE_DIR, 0, name);
	measure_start(bench);
	fd = openat(bench->root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return -errno;
	for (tenths_mark(&tenths, 0); readdir(dir); tenths_mark(&tenths, i))
		i++;
	measure_end(bench);
	closedir(dir);
	bench->ops = i;
	tenths_print(&tenths);
	return i < bench->count ? -ENODATA : 0;
}
