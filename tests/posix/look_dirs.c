// SPDX-License-Identifier: GPL-2.0-or-later
/* Positions in a directory that changes while it is read. */
#include "config.h"

#include "look.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST 6000

static void fill(const char *dir, int from, int to)
{
	char name[100];

	for (int i = from; i < to; i++) {
		int fd;

		snprintf(name, sizeof(name), "%s/a-name-of-some-length-%05d", dir, i);
		fd = open(name, O_WRONLY | O_CREAT, 0644);
		look_must(fd, name);
		close(fd);
	}
}

static void take(const char *dir, int from, int to)
{
	char name[100];

	for (int i = from; i < to; i++) {
		snprintf(name, sizeof(name), "%s/a-name-of-some-length-%05d", dir, i);
		look_must(unlink(name), name);
	}
}

/* The number in the name, -1 for others. */
static int number(const struct dirent *e)
{
	const char *dash = strrchr(e->d_name, '-');

	return dash ? atoi(dash + 1) : -1;
}

/* Whether all of [from, to) were seen exactly once, whatever else. */
static void tell_seen(const char *what, const unsigned char *seen, int from, int to)
{
	int missing = 0, twice = 0;

	for (int i = from; i < to; i++) {
		missing += !seen[i];
		twice += seen[i] > 1;
	}
	look_say("%s: missing, twice = %d %d", what, missing, twice);
}

static void read_on(DIR *dir, unsigned char *seen, int most)
{
	struct dirent *e;

	while (most-- && (e = readdir(dir)))
		if (number(e) >= 0 && number(e) < MOST && seen[number(e)] < 255)
			seen[number(e)]++;
}

static void with_size(int size)
{
	unsigned char seen[MOST] = { 0 };
	char what[60];
	struct dirent *e;
	DIR *dir;
	long *at = calloc((size_t)size + 3, sizeof(*at));
	char (*names)[64] = calloc((size_t)size + 3, sizeof(*names));
	int n = 0, wrong = 0;

	look_must(at && names ? 0 : -1, "memory");
	look_dir("d", 0755);
	fill("d", 0, size);
	dir = opendir("d");
	look_must(dir ? 0 : -1, "opendir");
	/* every position leads back to the name that followed it */
	for (;;) {
		at[n] = telldir(dir);
		e = readdir(dir);
		if (!e || n > size + 1)
			break;
		snprintf(names[n++], sizeof(*names), "%.63s", e->d_name);
	}
	look_say("%d: entries = %d", size, n);
	for (int i = n - 1; i >= 0; i -= 1 + size / 100) {
		seekdir(dir, at[i]);
		e = readdir(dir);
		wrong += !e || strcmp(e->d_name, names[i]) != 0;
	}
	look_say("%d: positions that lead elsewhere = %d", size, wrong);
	seekdir(dir, at[n]);
	look_say("%d: an entry at the end = %d", size, !!readdir(dir));
	/* half read, then it grows, which splits its blocks */
	rewinddir(dir);
	read_on(dir, seen, size / 2);
	fill("d", size, size * 2);
	read_on(dir, seen, -1);
	snprintf(what, sizeof(what), "%d: read while it grew", size);
	tell_seen(what, seen, 0, size);
	/* half read, then names go */
	memset(seen, 0, sizeof(seen));
	rewinddir(dir);
	read_on(dir, seen, size / 2);
	take("d", size, size * 2);
	read_on(dir, seen, -1);
	snprintf(what, sizeof(what), "%d: read while it shrank", size);
	tell_seen(what, seen, 0, size);
	/* positions from before are good still */
	wrong = 0;
	for (int i = 0; i < n; i += 1 + size / 100) {
		bool found = false;

		seekdir(dir, at[i]);
		/* others may stand there too, but the name is not behind it */
		while (!found && (e = readdir(dir)))
			found = strcmp(e->d_name, names[i]) == 0;
		wrong += !found;
	}
	look_say("%d: old positions behind their names = %d", size, wrong);
	/* what is removed while it is read, as rm -r does it */
	rewinddir(dir);
	n = 0;
	while ((e = readdir(dir)))
		if (number(e) >= 0) {
			n++;
			MUST(unlinkat(dirfd(dir), e->d_name, 0));
		}
	look_say("%d: removed while read = %d", size, n);
	closedir(dir);
	look_ret(rmdir("d"), "%d: rmdir", size);
	free(at);
	free(names);
}

static void run_positions(void)
{
	static const int sizes[] = { 0, 1, 3, 20, 200, 2000 };
	struct dirent *e;
	struct stat st;
	int dots = 0;
	DIR *dir;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		with_size(sizes[i]);
	/* the types */
	look_dir("d", 0755);
	look_dir("d/dir", 0755);
	look_file("d/file", 0644, 0);
	MUST(symlink("x", "d/link"));
	MUST(mknod("d/fifo", S_IFIFO | 0644, 0));
	MUST(mknod("d/sock", S_IFSOCK | 0644, 0));
	MUST(mknod("d/char", S_IFCHR | 0644, 0x103));
	MUST(mknod("d/block", S_IFBLK | 0644, 0x103));
	dir = opendir("d");
	while ((e = readdir(dir))) {
		MUST(fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW));
		dots += e->d_name[0] == '.';
		if (e->d_type != DT_UNKNOWN && e->d_type != IFTODT(st.st_mode))
			look_say("type of %s = wrong", e->d_name);
		if (e->d_ino != st.st_ino)
			look_say("inode of %s = another", e->d_name);
	}
	look_say("dots = %d", dots);
	closedir(dir);
}

const struct look_topic look_dirs[] = { { "positions", run_positions }, { NULL, NULL } };
