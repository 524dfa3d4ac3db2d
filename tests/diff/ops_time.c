// SPDX-License-Identifier: GPL-2.0-or-later
/* Which operation moves which time of which object. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "ops.h"

#define TICK_NS 12000000 /* longer than the steps of the clock that times are taken from */

static void pause_a_tick(void)
{
	struct timespec t = { .tv_nsec = TICK_NS };

	nanosleep(&t, NULL);
}

static bool later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

/* What is watched: an object and the directories of the change. */
struct watch {
	const char *path;
	struct stat st;
	bool there;
};

static void look(struct watch *w)
{
	w->there = !lstat(w->path, &w->st);
}

/* By more than clocks differ: set by op_utimens(). */
static bool is_future(const struct watch *w)
{
	return w->st.st_mtim.tv_sec > time(NULL) + 100000;
}

/* m and c: which of them moved; a path that was not there before says nothing. */
static void say_moved(struct run *r, const struct watch *w)
{
	struct stat st;

	/* Seconds may pass or not. */
	if (r->coarse_times || !w->there || lstat(w->path, &st) || st.st_ino != w->st.st_ino) {
		ops_say(r, " -");
		return;
	}
	ops_say(r, " %s%s%s", later(&st.st_mtim, &w->st.st_mtim) ? "m" : "",
		later(&st.st_ctim, &w->st.st_ctim) ? "c" : "",
		later(&w->st.st_ctim, &st.st_ctim) ? "BACK" : ".");
}

/* All of them leave the tree as it was. */
static void change(struct run *r, const char *path, const char *other)
{
	struct stat st;
	char value[16];
	int fd;

	memset(&st, 0, sizeof(st));
	switch (ops_pick(r, 9)) {
	case 0:
		lstat(path, &st);
		ops_say(r, " chmod");
		ops_say_result(r, chmod(path, st.st_mode & 07777));
		break;
	case 1:
		ops_say(r, " link");
		ops_say_result(r, link(path, other));
		break;
	case 2:
		ops_say(r, " mkdir");
		ops_say_result(r, mkdir(other, 0700));
		break;
	case 3:
		ops_say(r, " rename");
		ops_say_result(r, renameat2(AT_FDCWD, path, AT_FDCWD, other, RENAME_NOREPLACE));
		break;
	case 4:
		lstat(path, &st);
		ops_say(r, " setxattr");
		/* that a regular file's value is the same FUSE's client would not notice */
		snprintf(value, sizeof(value), "%u", S_ISREG(st.st_mode) ? r->nr : 0);
		ops_say_result(r, lsetxattr(path, "user.t", value, strlen(value), 0));
		break;
	case 5:
		ops_say(r, " lchown");
		ops_say_result(r, lchown(path, (uid_t)-1, (gid_t)-1));
		break;
	case 6:
		lstat(path, &st);
		ops_say(r, " truncate");
		/* to the same size FUSE's client would not notice that the times move */
		if (S_ISREG(st.st_mode) && ops_say_result(r, truncate(path, st.st_size + 1)))
			ops_say_result(r, truncate(path, st.st_size));
		break;
	case 7:
		ops_say(r, " write");
		fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		ops_say_result(r, fd < 0 ? -1 : pwrite(fd, "t", 1, 0));
		if (fd >= 0)
			close(fd);
		break;
	default:
		ops_say(r, " symlink");
		ops_say_result(r, symlink("t", other));
	}
}

/* Takes back what change() put at other. */
static void undo(const char *path, const char *other, bool there)
{
	struct stat st;

	if (there && lstat(path, &st)) {
		if (rename(other, path))
			return;
	} else if (rmdir(other)) {
		unlink(other);
	}
}

static void op_times(struct run *r)
{
	char path[OPS_PATH], other[OPS_PATH], dir[OPS_PATH], other_dir[OPS_PATH];
	struct watch watches[3] = { {.path = path}, {.path = dir}, {.path = other_dir} };
	struct node *node = ops_node(r, N_ANY & ~(unsigned)N_SPECIAL);
	struct stat st;

	strcpy(path, node->path);
	ops_new_path(r, other);
	ops_parent(path, dir);
	ops_parent(other, other_dir);
	ops_say(r, " ");
	ops_say_path(r, path);
	if (!lstat(other, &st)) {
		ops_say(r, " taken");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(watches); i++)
		look(&watches[i]);
	/* A time in the future stays ahead of every change. */
	for (size_t i = 0; i < ARRAY_SIZE(watches); i++)
		if (watches[i].there && is_future(&watches[i]))
			watches[i].there = false;
	pause_a_tick();
	change(r, path, other);
	for (size_t i = 0; i < ARRAY_SIZE(watches); i++)
		say_moved(r, &watches[i]);
	undo(path, other, watches[0].there);
}

/* O_TRUNC and reading leave or move times as well. */
static void op_times_open(struct run *r)
{
	struct node *node = ops_node(r, N_FILE);
	bool cut = ops_chance(r, 50);
	struct watch w;
	char byte;
	int fd;

	if (!node)
		return;
	w.path = node->path;
	ops_say(r, " ");
	ops_say_path(r, w.path);
	look(&w);
	pause_a_tick();
	fd = open(w.path, O_RDWR | O_CLOEXEC | (cut ? O_TRUNC : 0));
	if (!ops_say_result(r, fd < 0 ? -1 : cut))
		return;
	if (!cut)
		ops_say_result(r, read(fd, &byte, 1));
	if (!is_future(&w))
		say_moved(r, &w);
	close(fd);
}

const struct op ops_time[] = {
	{"times", 15, op_times},
	{"times-open", 4, op_times_open},
	{NULL, 0, NULL},
};
