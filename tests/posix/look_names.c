// SPDX-License-Identifier: GPL-2.0-or-later
/* Names: how long, how many, moved where; what has none any more. */
#include "config.h"

#include "look.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

static long make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);

	return fd < 0 ? -1 : close(fd);
}

/* A name of len bytes that repeats unit; cut off in the middle of one if it does not fit. */
static const char *long_name(char *buf, const char *unit, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = unit[i % strlen(unit)];
	buf[len] = '\0';
	return buf;
}

static void run_lengths(void)
{
	static const size_t lengths[] = { 1, 254, 255, 256, 1000 };
	static const char *const units[] = { "a", "\xc3\xa9", "\xf0\x9f\x98\x80", "\xff" };
	char name[1001], other[1001], *path = malloc(PATH_MAX + 20);
	char back[PATH_MAX];

	for (size_t u = 0; u < ARRAY_SIZE(units); u++)
		for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
			size_t len = lengths[i];
			struct stat st;

			long_name(name, units[u], len);
			long_name(other, "z", len);
			look_ret(make_file(name), "unit %zu: create of %zu", u, len);
			look_ret(stat(name, &st), "unit %zu: stat of %zu", u, len);
			look_ret(link(name, other), "unit %zu: link of %zu", u, len);
			look_ret(unlink(other), "unit %zu: unlink of %zu", u, len);
			look_ret(rename(name, other), "unit %zu: rename of %zu", u, len);
			look_ret(unlink(other), "unit %zu: unlink again of %zu", u, len);
			look_ret(mkdir(name, 0755), "unit %zu: mkdir of %zu", u, len);
			look_ret(rmdir(name), "unit %zu: rmdir of %zu", u, len);
			look_ret(symlink("x", name), "unit %zu: symlink of %zu", u, len);
			look_ret(unlink(name), "unit %zu: unlink of a symlink of %zu", u, len);
			look_ret(open(name, O_RDONLY), "unit %zu: open of %zu", u, len);
			look_ret(access(name, F_OK), "unit %zu: access of %zu", u, len);
			look_ret(rename("none", name), "unit %zu: rename of nothing to %zu", u, len);
			look_ret(rmdir(name), "unit %zu: rmdir of a missing %zu", u, len);
		}
	/* a path of as many bytes as fit, and one more */
	for (size_t len = PATH_MAX - 2; len <= PATH_MAX; len++) {
		memset(path, '/', len);
		memcpy(path, "./", 2);
		path[len - 1] = '.';
		path[len] = '\0';
		look_ret(access(path, F_OK), "path of PATH_MAX - %zu", PATH_MAX - len);
	}
	/* how long a symlink's target can be */
	for (size_t len = 1; len <= 5000; len = len == 1 ? 59 : len < 62 ? len + 1 : len < 1000 ? 1020
		: len < 1026 ? len + 1 : len < 4000 ? 4090 : len + 1) {
		ssize_t n;

		if (len > 4100)
			break;
		memset(path, 't', len);
		path[len] = '\0';
		look_ret(symlink(path, "s"), "symlink to %zu bytes", len);
		n = readlink("s", back, sizeof(back));
		look_ret(n, "readlink of %zu bytes", len);
		if (n > 0)
			look_say("what stands in it, %zu bytes = %s", len,
				memcmp(path, back, (size_t)n) ? "different" : "same");
		unlink("s");
	}
	look_ret(symlink("", "s"), "symlink to nothing");
	look_ret(mkdir("", 0755), "mkdir of nothing");
	look_ret(mkdir(".", 0755), "mkdir of .");
	look_ret(mkdir("..", 0755), "mkdir of ..");
	look_ret(rmdir("."), "rmdir of .");
	look_ret(rmdir(".."), "rmdir of ..");
	look_ret(unlink("."), "unlink of .");
	look_ret(rename(".", "x"), "rename of .");
	look_ret(rename("..", "x"), "rename of ..");
	look_ret(make_file("a/"), "create of a/");
	look_ret(mkdir("d/", 0755), "mkdir of d/");
	look_ret(rename("d/", "e/"), "rename of d/ to e/");
	look_ret(rmdir("e/"), "rmdir of e/");
	free(path);
}

static void new_rename_tree(void)
{
	static const char *const gone[] = { "dir", "dir2", "full", "file", "file2", "link", "fifo" };

	for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
		look_remove(gone[i]);
	look_dir("dir", 0755);
	look_dir("dir/child", 0755);
	look_dir("dir2", 0755);
	look_dir("full", 0755);
	look_file("full/f", 0644, 1);
	look_file("file", 0644, 1);
	look_file("file2", 0644, 1);
	MUST(symlink("dir", "link"));
	MUST(mknod("fifo", S_IFIFO | 0644, 0));
}

static void run_rename(void)
{
	static const char *const names[] = { "dir", "dir2", "full", "file", "file2", "link", "fifo", "none",
		"dir/child", "dir/child/x", "dir/new", "file/x", "none/x", "link/child", "full/f", "dir/.",
		"dir/.." };
	static const unsigned flags[] = { 0, RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT,
		RENAME_NOREPLACE | RENAME_EXCHANGE, RENAME_NOREPLACE | RENAME_WHITEOUT, 8 };

	for (size_t f = 0; f < ARRAY_SIZE(flags); f++)
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			for (size_t j = 0; j < ARRAY_SIZE(names); j++) {
				new_rename_tree();
				look_ret(renameat2(AT_FDCWD, names[i], AT_FDCWD, names[j], flags[f]),
					"rename %u %s %s", flags[f], names[i], names[j]);
			}
	new_rename_tree();
	{
		struct stat st;

		MUST(renameat2(AT_FDCWD, "file", AT_FDCWD, "x", RENAME_WHITEOUT));
		MUST(lstat("file", &st));
		look_say("a whiteout = %06o %lu nlink %lu", st.st_mode, (unsigned long)st.st_rdev,
			(unsigned long)st.st_nlink);
		MUST(lstat(".", &st));
		look_say("links of . = %lu", (unsigned long)st.st_nlink);
		MUST(rename("dir/child", "full/moved"));
		MUST(lstat("dir", &st));
		look_say("links of a directory that lost one = %lu", (unsigned long)st.st_nlink);
		MUST(lstat("full", &st));
		look_say("links of a directory that got one = %lu", (unsigned long)st.st_nlink);
		MUST(renameat2(AT_FDCWD, "full/moved", AT_FDCWD, "dir/f", 0));
		MUST(renameat2(AT_FDCWD, "dir/f", AT_FDCWD, "full/f", RENAME_EXCHANGE));
		MUST(lstat("full", &st));
		look_say("links after an exchange = %lu", (unsigned long)st.st_nlink);
	}
}

static bool same(const char *a, const char *b)
{
	struct stat s, t;

	MUST(stat(a, &s));
	MUST(stat(b, &t));
	return s.st_ino == t.st_ino;
}

static void run_dotdot(void)
{
	char path[PATH_MAX];
	DIR *dir;
	struct dirent *e;
	struct stat st;
	ino_t dotdot = 0;

	look_dir("a", 0755);
	look_dir("b", 0755);
	look_dir("a/sub", 0755);
	look_say(".. before = %d", same("a/sub/..", "a"));
	MUST(chdir("a/sub"));
	MUST(rename("../../a/sub", "../../b/sub2"));
	look_say(".. of the directory we are in = %d", same("..", "../../b"));
	MUST(chdir("../.."));
	look_say(".. after = %d", same("b/sub2/..", "b"));
	look_ret(getcwd(path, sizeof(path)) ? 0 : -1, "getcwd");
	dir = opendir("b/sub2");
	while (dir && (e = readdir(dir)))
		if (strcmp(e->d_name, "..") == 0)
			dotdot = e->d_ino;
	closedir(dir);
	MUST(stat("b", &st));
	look_say("inode of .. in the listing = %s", st.st_ino == dotdot ? "the parent's" : "another");
	look_ret(rename("b", "b/sub2/x"), "a directory into its own child");
	look_ret(rename("b", "b/x"), "a directory into itself");
	look_dir("c", 0755);
	MUST(renameat2(AT_FDCWD, "b/sub2", AT_FDCWD, "c", RENAME_EXCHANGE));
	look_say(".. after an exchange = %d %d", same("c/..", "."), same("b/sub2/..", "b"));
}

/* What has lost its last name and is still in use. */
static void run_unlinked(void)
{
	struct stat st;
	char buf[20];
	int fd, dirfd_gone;
	DIR *dir;

	look_file("f", 0644, 100);
	fd = open("f", O_RDWR);
	MUST(fd);
	MUST(unlink("f"));
	MUST(fstat(fd, &st));
	look_say("links of an open file without a name = %lu", (unsigned long)st.st_nlink);
	look_ret(pwrite(fd, "hello", 5, 200), "write to it");
	look_ret(pread(fd, buf, 5, 200), "read from it");
	look_ret(ftruncate(fd, 10), "truncate it");
	look_ret(fchmod(fd, 0600), "chmod it");
	look_ret(fallocate(fd, 0, 0, 10000), "fallocate it");
	MUST(fstat(fd, &st));
	look_say("size and mode of it = %lld %04o", (long long)st.st_size, st.st_mode & 07777);
	snprintf(buf, sizeof(buf), "/proc/self/fd/%d", fd);
	look_ret(linkat(AT_FDCWD, buf, AT_FDCWD, "again", AT_SYMLINK_FOLLOW), "link it again");
	look_ret(linkat(fd, "", AT_FDCWD, "again", AT_EMPTY_PATH), "link it again by its descriptor");
	look_ret(make_file("f"), "create one of the same name");
	close(fd);

	look_dir("d", 0755);
	dir = opendir("d");
	dirfd_gone = open("d", O_RDONLY | O_DIRECTORY);
	MUST(dirfd_gone);
	MUST(chdir("d"));
	MUST(rmdir("../d"));
	MUST(stat(".", &st));
	look_say("links of a directory without a name = %lu", (unsigned long)st.st_nlink);
	look_ret(make_file("x"), "create in it");
	look_ret(mkdir("x", 0755), "mkdir in it");
	look_ret(symlink("y", "x"), "symlink in it");
	look_ret(mknod("x", S_IFIFO | 0600, 0), "mknod in it");
	look_ret(link("../again", "x"), "link into it");
	look_ret(rename("../f", "x"), "rename into it");
	look_ret(open(".", O_TMPFILE | O_WRONLY, 0600) < 0 ? -1 : 0, "O_TMPFILE in it");
	look_ret(unlink("x"), "unlink in it");
	look_ret(access("x", F_OK), "access in it");
	look_ret(open("x", O_RDONLY), "open in it");
	look_ret(access("..", F_OK), "access of ..");
	look_ret(getcwd(buf, sizeof(buf)) ? 0 : -1, "getcwd");
	look_ret(chdir("."), "chdir to .");
	look_ret(rmdir("../d"), "rmdir again");
	look_ret(fchmod(dirfd_gone, 0700), "chmod");
	look_ret(fsync(dirfd_gone), "fsync");
	errno = 0;
	look_say("readdir = %s", readdir(dir) ? "an entry" : errno ? look_errno(-1) : "the end");
	closedir(dir);
	dir = fdopendir(dirfd_gone);
	errno = 0;
	look_say("readdir, opened since = %s",
		readdir(dir) ? "an entry" : errno ? look_errno(-1) : "the end");
	closedir(dir);
	MUST(chdir(".."));

	/* a directory that a rename replaced */
	look_dir("old", 0755);
	look_dir("new", 0755);
	MUST(chdir("old"));
	MUST(rename("../new", "../old"));
	look_ret(make_file("x"), "create in a replaced directory");
	MUST(stat(".", &st));
	look_say("links of a replaced directory = %lu", (unsigned long)st.st_nlink);
	MUST(chdir(".."));
}

static void run_tmpfile(void)
{
	static const int flags[] = { O_WRONLY, O_RDWR, O_RDONLY, O_WRONLY | O_EXCL, O_WRONLY | O_CREAT };
	char proc[40];
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		int fd = open(".", O_TMPFILE | flags[i], 0644);

		look_ret(fd < 0 ? -1 : 0, "O_TMPFILE %zu", i);
		if (fd < 0)
			continue;
		MUST(fstat(fd, &st));
		look_say("O_TMPFILE %zu: links, mode = %lu %06o", i, (unsigned long)st.st_nlink,
			st.st_mode);
		look_ret(write(fd, "abc", 3), "O_TMPFILE %zu: write", i);
		snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
		look_ret(linkat(AT_FDCWD, proc, AT_FDCWD, "linked", AT_SYMLINK_FOLLOW),
			"O_TMPFILE %zu: linkat", i);
		MUST(fstat(fd, &st));
		look_say("O_TMPFILE %zu: links after = %lu", i, (unsigned long)st.st_nlink);
		look_ret(linkat(fd, "", AT_FDCWD, "linked2", AT_EMPTY_PATH), "O_TMPFILE %zu: linkat by fd",
			i);
		look_ret(linkat(AT_FDCWD, proc, AT_FDCWD, "linked", AT_SYMLINK_FOLLOW),
			"O_TMPFILE %zu: linkat over another", i);
		look_ret(stat("linked", &st) ? -1L : (long)st.st_size, "O_TMPFILE %zu: size by name", i);
		close(fd);
		unlink("linked");
		unlink("linked2");
	}
	look_file("f", 0644, 1);
	look_ret(open("f", O_TMPFILE | O_WRONLY, 0644), "O_TMPFILE in a file");
	look_ret(open("none", O_TMPFILE | O_WRONLY, 0644), "O_TMPFILE nowhere");
	look_dir("ro", 0555);
	look_as(LOOK_OWNER, LOOK_OWNER, 0, NULL);
	look_ret(open("ro", O_TMPFILE | O_WRONLY, 0644), "O_TMPFILE where one may not write");
	look_root();
}

/* "many" has links_count 64998, "manydir" the same; the script set them with debugfs. */
static void run_link_limit(void)
{
	struct stat st;
	char name[40];

	MUST(chdir(".."));
	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "many-%d", i);
		look_ret(link("many", name), "link %d", i);
		MUST(stat("many", &st));
		look_say("link %d: count = %lu", i, (unsigned long)st.st_nlink);
	}
	look_ret(rename("many-0", "many-0b"), "rename at the limit");
	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "manydir/%d", i);
		look_ret(mkdir(name, 0755), "mkdir %d", i);
		MUST(stat("manydir", &st));
		look_say("mkdir %d: count = %lu", i, (unsigned long)st.st_nlink);
	}
	look_dir("mover", 0755);
	look_ret(rename("mover", "manydir/moved"), "rename a directory into it");
	look_ret(rmdir("mover"), "rmdir of what was to be moved");
	for (int i = 3; i >= 0; i--) {
		snprintf(name, sizeof(name), "manydir/%d", i);
		look_ret(rmdir(name), "rmdir %d", i);
		MUST(stat("manydir", &st));
		look_say("rmdir %d: count = %lu", i, (unsigned long)st.st_nlink);
	}
}

static long project(const char *path, unsigned id, bool inherit)
{
	int fd = open(path, O_RDONLY);
	struct fsxattr x;
	long ret;

	MUST(fd);
	ret = ioctl(fd, FS_IOC_FSGETXATTR, &x);
	if (!ret) {
		x.fsx_projid = id;
		x.fsx_xflags = inherit ? FS_XFLAG_PROJINHERIT : 0;
		ret = ioctl(fd, FS_IOC_FSSETXATTR, &x);
	}
	close(fd);
	return ret;
}

static void tell_project(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
	struct fsxattr x;

	if (fd < 0 || ioctl(fd, FS_IOC_FSGETXATTR, &x))
		look_say("project of %s = %s", path, look_errno(-1));
	else
		look_say("project of %s = %u%s", path, x.fsx_projid,
			x.fsx_xflags & FS_XFLAG_PROJINHERIT ? " inherited" : "");
	if (fd >= 0)
		close(fd);
}

static void run_projects(void)
{
	look_dir("p7", 0755);
	look_dir("p8", 0755);
	look_dir("plain7", 0755);
	look_dir("none", 0755);
	look_ret(project("p7", 7, true), "set 7");
	look_ret(project("p8", 8, true), "set 8");
	look_ret(project("plain7", 7, false), "set 7 without inheritance");
	look_file("p7/f", 0644, 1);
	look_file("p7/g", 0644, 1);
	look_dir("p7/d", 0755);
	look_file("none/f", 0644, 1);
	look_dir("none/d", 0755);
	look_file("plain7/f", 0644, 1);
	MUST(symlink("f", "p7/s"));
	MUST(mknod("p7/p", S_IFIFO | 0644, 0));
	tell_project("p7/f");
	tell_project("p7/d");
	tell_project("p7/p");
	tell_project("plain7/f");
	look_ret(link("p7/f", "p8/f"), "link 7 to 8");
	look_ret(link("p7/f", "none/x"), "link 7 to none");
	look_ret(link("none/f", "p8/x"), "link none to 8");
	look_ret(link("p7/f", "plain7/x"), "link 7 to 7 without inheritance");
	look_ret(rename("p7/f", "p8/f"), "rename 7 to 8");
	look_ret(rename("none/f", "p8/f2"), "rename none to 8");
	look_ret(rename("none/d", "p8/d2"), "rename a directory none to 8");
	look_ret(rename("p7/g", "none/g"), "rename 7 to none");
	look_ret(rename("p7/s", "p8/s"), "rename a symlink 7 to 8");
	look_ret(rename("p7/p", "p8/p"), "rename a fifo 7 to 8");
	look_ret(link("p7/s", "p8/s2"), "link a symlink 7 to 8");
	look_ret(renameat2(AT_FDCWD, "p7/d", AT_FDCWD, "none/d", RENAME_EXCHANGE), "exchange 7 and none");
	look_ret(renameat2(AT_FDCWD, "none/d", AT_FDCWD, "p7/d", RENAME_EXCHANGE), "exchange none and 7");
	tell_project("none/g");
	look_as(LOOK_OWNER, LOOK_OWNER, 0, NULL);
	look_ret(project("none", 3, false), "set 3 by another");
	look_root();
	MUST(chown("none", LOOK_OWNER, LOOK_OWNER));
	look_as(LOOK_OWNER, LOOK_OWNER, 0, NULL);
	look_ret(project("none", 3, false), "set 3 by the owner");
	look_root();
	{
		int fd = open("p7", O_TMPFILE | O_WRONLY, 0644);

		look_ret(fd < 0 ? -1 : linkat(fd, "", AT_FDCWD, "p8/t", AT_EMPTY_PATH),
			"link an O_TMPFILE of 7 to 8");
		look_ret(fd < 0 ? -1 : linkat(fd, "", AT_FDCWD, "p7/t", AT_EMPTY_PATH),
			"link an O_TMPFILE of 7 to 7");
		close(fd);
	}
}

const struct look_topic look_names[] = { { "lengths", run_lengths }, { "rename", run_rename },
	{ "dotdot", run_dotdot }, { "unlinked", run_unlinked }, { "tmpfile", run_tmpfile },
	{ "link-limit", run_link_limit }, { "projects", run_projects }, { NULL, NULL } };
