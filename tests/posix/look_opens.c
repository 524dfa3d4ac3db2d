// SPDX-License-Identifier: GPL-2.0-or-later
/* open(2) with each flag on each kind of object, and what the descriptor can then do. */
#include "config.h"

#include "look.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static const struct {
	const char *name;
	int flags;
} kinds[] = {
	{ "RDONLY", O_RDONLY },
	{ "WRONLY", O_WRONLY },
	{ "RDWR", O_RDWR },
	{ "3", 3 },
	{ "RDONLY TRUNC", O_RDONLY | O_TRUNC },
	{ "RDWR TRUNC", O_RDWR | O_TRUNC },
	{ "CREAT", O_WRONLY | O_CREAT },
	{ "CREAT EXCL", O_WRONLY | O_CREAT | O_EXCL },
	{ "EXCL", O_WRONLY | O_EXCL },
	{ "CREAT TRUNC", O_WRONLY | O_CREAT | O_TRUNC },
	{ "CREAT DIRECTORY", O_RDONLY | O_CREAT | O_DIRECTORY },
	{ "NOFOLLOW", O_RDONLY | O_NOFOLLOW },
	{ "CREAT NOFOLLOW", O_WRONLY | O_CREAT | O_NOFOLLOW },
	{ "DIRECTORY", O_RDONLY | O_DIRECTORY },
	{ "DIRECTORY NOFOLLOW", O_RDONLY | O_DIRECTORY | O_NOFOLLOW },
	{ "WRONLY DIRECTORY", O_WRONLY | O_DIRECTORY },
	{ "PATH", O_PATH },
	{ "PATH NOFOLLOW", O_PATH | O_NOFOLLOW },
	{ "APPEND", O_WRONLY | O_APPEND },
	{ "APPEND TRUNC", O_WRONLY | O_APPEND | O_TRUNC },
	{ "NOATIME", O_RDONLY | O_NOATIME },
	{ "DIRECT", O_RDONLY | O_DIRECT },
	{ "DIRECT RDWR", O_RDWR | O_DIRECT },
	{ "SYNC", O_WRONLY | O_SYNC },
	{ "DSYNC", O_WRONLY | O_DSYNC },
	{ "ASYNC", O_WRONLY | O_ASYNC },
	{ "TMPFILE", O_WRONLY | O_TMPFILE },
};

static const char *const objects[] = { "file", "closed", "dir", "to-file", "to-dir", "to-none", "loop",
	"none", "fifo", "socket", "null", "none/x", "file/x", "to-dir/f", "dir/", "file/", "to-file/",
	"to-dir/", "none/" };

static void set_up(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
		if (!strchr(objects[i], '/'))
			look_remove(objects[i]);
	look_file("file", 0644, 10);
	look_file("closed", 0400, 10);
	look_dir("dir", 0755);
	MUST(symlink("file", "to-file"));
	MUST(symlink("dir", "to-dir"));
	MUST(symlink("none", "to-none"));
	MUST(symlink("loop", "loop"));
	MUST(mknod("fifo", S_IFIFO | 0644, 0));
	MUST(mknod("socket", S_IFSOCK | 0644, 0));
	MUST(mknod("null", S_IFCHR | 0666, 0x103));
	MUST(chmod("null", 0666));
}

static void try(const char *who, uid_t uid, size_t object, size_t kind)
{
	struct stat st;
	int fd;

	set_up();
	if (uid)
		look_as(uid, uid, 0, NULL);
	fd = open(objects[object], kinds[kind].flags | O_NONBLOCK, 0640);
	look_ret(fd < 0 ? -1 : 0, "%s: %s, %s", who, objects[object], kinds[kind].name);
	look_root();
	if (fd < 0)
		return;
	close(fd);
	if (!stat("file", &st))
		look_say("%s: %s, %s: the file = %lld bytes, %06o", who, objects[object],
			kinds[kind].name, (long long)st.st_size, st.st_mode);
	look_ret(stat("none", &st) ? -1L : (long)st.st_mode, "%s: %s, %s: none", who, objects[object],
		kinds[kind].name);
}

static void run_opens(void)
{
	MUST(chmod(".", 0777));
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++)
		for (size_t j = 0; j < ARRAY_SIZE(kinds); j++) {
			try("root", 0, i, j);
			try("user", LOOK_OWNER, i, j);
		}
}

static void run_descriptors(void)
{
	char buf[100], proc[40];
	struct stat st;
	int fd, other;

	look_file("f", 0644, 10);
	fd = open("f", O_PATH);
	MUST(fd);
	look_ret(read(fd, buf, 1), "O_PATH: read");
	look_ret(write(fd, buf, 1), "O_PATH: write");
	look_ret(fstat(fd, &st), "O_PATH: fstat");
	look_ret(fchmod(fd, 0600), "O_PATH: fchmod");
	look_ret(fchown(fd, 0, 0), "O_PATH: fchown");
	look_ret(ftruncate(fd, 0), "O_PATH: ftruncate");
	look_ret(fsetxattr(fd, "user.a", "1", 1, 0), "O_PATH: fsetxattr");
	look_ret(fcntl(fd, F_GETFL) & O_PATH ? 1 : 0, "O_PATH: F_GETFL");
	look_ret(fsync(fd), "O_PATH: fsync");
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	other = open(proc, O_RDWR);
	look_ret(other < 0 ? -1 : 0, "O_PATH: opened again");
	close(other);
	close(fd);

	fd = open("f", O_RDWR | O_APPEND);
	MUST(fd);
	look_ret(pwrite(fd, "abc", 3, 0), "O_APPEND: pwrite");
	MUST(fstat(fd, &st));
	look_say("O_APPEND: size = %lld", (long long)st.st_size);
	look_ret(lseek(fd, 0, SEEK_CUR), "O_APPEND: position after pwrite");
	look_ret(write(fd, "abc", 3), "O_APPEND: write");
	look_ret(lseek(fd, 0, SEEK_CUR), "O_APPEND: position after write");
	MUST(fcntl(fd, F_SETFL, 0));
	look_ret(pwrite(fd, "abc", 3, 0), "no O_APPEND: pwrite");
	MUST(fstat(fd, &st));
	look_say("no O_APPEND: size = %lld", (long long)st.st_size);
	look_ret(fcntl(fd, F_SETFL, O_DIRECT), "F_SETFL O_DIRECT");
	close(fd);

	fd = open("f", O_RDONLY);
	MUST(fd);
	look_ret(write(fd, "a", 1), "read-only: write");
	look_ret(ftruncate(fd, 1), "read-only: ftruncate");
	look_ret(fallocate(fd, 0, 0, 10), "read-only: fallocate");
	look_ret(lseek(fd, -1, SEEK_SET), "lseek to -1");
	look_ret(lseek(fd, 1LL << 62, SEEK_SET) < 0 ? -1 : 0, "lseek to 2^62");
	look_ret(lseek(fd, 17LL << 40, SEEK_SET) < 0 ? -1 : 0, "lseek to 17T");
	look_ret(lseek(fd, -100, SEEK_END), "lseek before the beginning");
	look_ret(lseek(fd, 0, 9), "lseek with an unknown whence");
	look_ret(pread(fd, buf, 1, -1), "pread at -1");
	look_ret(pread(fd, buf, 1, 1LL << 62), "pread at 2^62");
	close(fd);
	fd = open("f", O_WRONLY);
	MUST(fd);
	look_ret(read(fd, buf, 1), "write-only: read");
	close(fd);
	fd = open(".", O_RDONLY);
	MUST(fd);
	look_ret(read(fd, buf, 1), "directory: read");
	look_ret(write(fd, buf, 1), "directory: write");
	look_ret(pread(fd, buf, 1, 0), "directory: pread");
	look_ret(ftruncate(fd, 0), "directory: ftruncate");
	look_ret(fallocate(fd, 0, 0, 1), "directory: fallocate");
	look_ret(fsync(fd), "directory: fsync");
	look_ret(fdatasync(fd), "directory: fdatasync");
	look_ret(lseek(fd, 0, SEEK_END) >= 0, "directory: SEEK_END works");
	look_ret(lseek(fd, -1, SEEK_SET), "directory: lseek to -1");
	look_ret(truncate(".", 0), "directory: truncate");
	look_ret(posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED), "directory: fadvise");
	look_ret(readahead(fd, 0, 100), "directory: readahead");
	look_ret(copy_file_range(fd, NULL, fd, NULL, 1, 0), "directory: copy_file_range");
	close(fd);
	look_ret(truncate("f", -1), "truncate to -1");
	look_ret(truncate("f", 1LL << 62), "truncate to 2^62");
	look_ret(truncate("none", 0), "truncate of nothing");
	MUST(mknod("p", S_IFIFO | 0644, 0));
	look_ret(truncate("p", 0), "truncate of a fifo");
}

const struct look_topic look_opens[] = { { "opens", run_opens }, { "descriptors", run_descriptors },
	{ NULL, NULL } };
