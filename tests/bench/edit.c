// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define SMALL 4096 /* bytes written to a small file */

int edit_make_dirs(struct bench *bench, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		char name[SHAPE_NAME];

		shape_name(SHAPE_DIR, i, name);
		if (mkdirat(bench->root, name, 0755) && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static int create_file(struct bench *bench, const char *name)
{
	static const char contents[SMALL];
	int fd = openat(bench->root, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, contents, sizeof(contents)) != (ssize_t)sizeof(contents))
		err = errno ? -errno : -EIO;
	if (close(fd) && !err)
		err = -errno;
	return err;
}

static int unlink_file(struct bench *bench, const char *name)
{
	return unlinkat(bench->root, name, 0) ? -errno : 0;
}

/* The job's share: whole directories, so that no two jobs work in one. */
static int each_file(struct bench *bench, unsigned job,
	int (*fn)(struct bench *bench, const char *name))
{
	char name[BENCH_NAME];
	int err = 0;

	for (unsigned i = 0; i < bench->count && !err; i++) {
		if (i / bench->shape.files % bench->jobs != job)
			continue;
		bench_file_name(bench, i, SHAPE_FILE, name);
		err = fn(bench, name);
	}
	return err;
}

static int create_job(struct bench *bench, unsigned job)
{
	return each_file(bench, job, create_file);
}

static int unlink_job(struct bench *bench, unsigned job)
{
	return each_file(bench, job, unlink_file);
}

/* What was begun and is written later belongs to no measurement, the next one's least of all. */
static int measured(struct bench *bench, bench_job *fn)
{
	int err = measure_jobs(bench, fn);

	bench->ops = bench->count;
	if (!err && syncfs(bench->root))
		err = -errno;
	return err;
}

int edit_create(struct bench *bench)
{
	unsigned dirs = (bench->count + bench->shape.files - 1) / bench->shape.files;
	int err = dirs > bench->shape.dirs ? -EINVAL : edit_make_dirs(bench, dirs);

	return err ? err : measured(bench, create_job);
}

int edit_unlink(struct bench *bench)
{
	return measured(bench, unlink_job);
}
