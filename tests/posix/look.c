// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * look DIRECTORY TOPIC... - does things whose outcome POSIX or Linux lays down, and prints what came of
 * them, a line each, "TOPIC: WHAT = VALUE": no times, no inode numbers, nothing that two runs would not share.
 * The same program runs on the kernel's ext4 and on ext4d; tests/lib/posix.sh compares.
 */
#include "config.h"

#include "look.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS 12000000

static const struct look_topic *const lists[] = { look_dirs, look_flags,
	look_io, look_locks, look_names, look_opens, look_perms, look_privs, look_space, look_special,
	look_statfs, look_stamps, look_times, look_xattrs };

const char *look_errno(long ret)
{
	const char *name = ret == -1 ? strerrorname_np(errno) : "0";

	return name ? name : "unknown";
}

void look_ret(long ret, const char *fmt, ...)
{
	const char *name = look_errno(ret);
	va_list args;

	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	if (ret == -1)
		printf(" = %s\n", name);
	else
		printf(" = %ld\n", ret);
}

void look_say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

void look_must(long ret, const char *what)
{
	if (ret != -1)
		return;
	fprintf(stderr, "look: %s: %m\n", what);
	fflush(stdout);
	_exit(2);
}

void look_file(const char *path, mode_t mode, size_t size)
{
	char block[4096];
	int fd;

	memset(block, 'x', sizeof(block));
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	look_must(fd, path);
	while (size) {
		size_t n = size < sizeof(block) ? size : sizeof(block);

		MUST(write(fd, block, n));
		size -= n;
	}
	MUST(fchmod(fd, mode));
	MUST(close(fd));
}

void look_dir(const char *path, mode_t mode)
{
	look_must(mkdir(path, 0700), path);
	MUST(chmod(path, mode));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void look_remove(const char *path)
{
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
		look_must(-1, path);
}

mode_t look_mode(const char *path)
{
	struct stat st;

	look_must(lstat(path, &st), path);
	return st.st_mode & 07777;
}

void look_as(uid_t uid, gid_t gid, size_t nr_groups, const gid_t *groups)
{
	MUST(setgroups(nr_groups, groups));
	MUST(setegid(gid));
	MUST(seteuid(uid));
}

void look_root(void)
{
	MUST(seteuid(0));
	MUST(setegid(0));
	MUST(setgroups(0, NULL));
}

int look_child(int (*fn)(void *arg), void *arg)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	look_must(pid, "fork");
	if (!pid) {
		status = fn(arg);
		fflush(stdout);
		_exit(status);
	}
	MUST(waitpid(pid, &status, 0));
	return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

void look_tick(void)
{
	struct timespec t = { .tv_nsec = TICK_NS };

	nanosleep(&t, NULL);
}

static const struct look_topic *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		for (const struct look_topic *t = lists[i]; t->name; t++)
			if (strcmp(t->name, name) == 0)
				return t;
	return NULL;
}

/* A child of its own, so that no topic finds what another left: ids, limits, open files. */
static int run(void *arg)
{
	const struct look_topic *topic = arg;

	MUST(mkdir(topic->name, 0755));
	MUST(chdir(topic->name));
	topic->run();
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: look DIRECTORY TOPIC...\n");
		return 2;
	}
	umask(022);
	MUST(chdir(argv[1]));
	for (int i = 2; i < argc; i++) {
		const struct look_topic *topic = find(argv[i]);
		int status;

		if (!topic) {
			fprintf(stderr, "look: no topic %s\n", argv[i]);
			return 2;
		}
		printf("topic %s\n", topic->name);
		status = look_child(run, (void *)topic);
		if (status) {
			fprintf(stderr, "look: %s ended with %d\n", topic->name, status);
			return 1;
		}
	}
	return 0;
}
