// SPDX-License-Identifier: GPL-2.0-or-later
/* Which operation moves which of atime, mtime and ctime, of the object and of its directories. */
#include "config.h"

#include "look.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

/* Before each operation: d/f (4096 bytes), its second name e/g, d/s (a symlink), d/sub (empty), the directory e, e/other. */
static const char *const watched[] = { "d/f", "d", "e", "d/sub", "e/other" };

static void set_up(void)
{
	static const struct timespec past[2] = { { .tv_sec = 1000000000 }, { .tv_sec = 1000000000 } };

	look_remove("d");
	look_remove("e");
	look_dir("d", 0755);
	look_dir("e", 0755);
	look_dir("d/sub", 0755);
	look_file("d/f", 0644, 4096);
	look_file("e/other", 0644, 4096);
	MUST(link("d/f", "e/g"));
	MUST(symlink("f", "d/s"));
	MUST(setxattr("d/f", "user.old", "1", 1, 0));
	for (size_t i = 0; i < ARRAY_SIZE(watched); i++)
		MUST(utimensat(AT_FDCWD, watched[i], past, 0));
}

static int open_f(int flags)
{
	int fd = open("d/f", flags, 0644);

	look_must(fd, "open d/f");
	return fd;
}

/* An operation on d/f through a descriptor. */
static long on_f(int flags, long (*fn)(int fd))
{
	int fd = open_f(flags);
	long ret = fn(fd);
	int err = errno;

	close(fd);
	errno = err;
	return ret;
}

static long fd_write(int fd)
{
	return write(fd, "abc", 3);
}

static long fd_write_none(int fd)
{
	return write(fd, "", 0);
}

static long fd_read(int fd)
{
	char buf[16];

	return read(fd, buf, sizeof(buf));
}

static long fd_read_end(int fd)
{
	char buf[16];

	return pread(fd, buf, sizeof(buf), 100000);
}

static long fd_same_size(int fd)
{
	return ftruncate(fd, 4096);
}

static long fd_allocate_inside(int fd)
{
	return fallocate(fd, 0, 0, 4096);
}

static long fd_allocate_more(int fd)
{
	return fallocate(fd, 0, 0, 16384);
}

static long fd_allocate_keep(int fd)
{
	return fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 16384);
}

static long fd_punch(int fd)
{
	return fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 4096);
}

static long fd_punch_beyond(int fd)
{
	return fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 40960, 4096);
}

static long fd_zero(int fd)
{
	return fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 4096);
}

static long fd_sync(int fd)
{
	return fsync(fd);
}

static long fd_flags(int fd)
{
	int flags;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return -1;
	flags |= FS_NODUMP_FL;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

static long fd_flags_same(int fd)
{
	int flags;

	return ioctl(fd, FS_IOC_GETFLAGS, &flags) ? -1 : ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

static long fd_map(int fd)
{
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	int ret;

	if (p == MAP_FAILED)
		return -1;
	p[0] = 'm';
	ret = msync(p, 4096, MS_SYNC);
	munmap(p, 4096);
	return ret;
}

static long from_other(int fd, long (*copy)(int in, int out))
{
	int in = open("e/other", O_RDONLY);
	long ret;

	look_must(in, "e/other");
	ret = copy(in, fd);
	close(in);
	return ret;
}

static long copy_range(int in, int out)
{
	return copy_file_range(in, NULL, out, NULL, 100, 0);
}

static long copy_send(int in, int out)
{
	return sendfile(out, in, NULL, 100);
}

static long fd_copy(int fd)
{
	return from_other(fd, copy_range);
}

static long fd_send(int fd)
{
	return from_other(fd, copy_send);
}

static long do_read(void)
{
	return on_f(O_RDONLY, fd_read);
}

static long do_read_end(void)
{
	return on_f(O_RDONLY, fd_read_end);
}

static long do_read_noatime(void)
{
	return on_f(O_RDONLY | O_NOATIME, fd_read);
}

static long do_write(void)
{
	return on_f(O_WRONLY, fd_write);
}

static long do_write_sync(void)
{
	return on_f(O_WRONLY | O_SYNC, fd_write);
}

static long do_write_none(void)
{
	return on_f(O_WRONLY, fd_write_none);
}

static long do_append(void)
{
	return on_f(O_WRONLY | O_APPEND, fd_write);
}

static long do_fsync(void)
{
	return on_f(O_RDWR, fd_sync);
}

static long do_ftruncate_same(void)
{
	return on_f(O_WRONLY, fd_same_size);
}

static long do_allocate_inside(void)
{
	return on_f(O_WRONLY, fd_allocate_inside);
}

static long do_allocate_more(void)
{
	return on_f(O_WRONLY, fd_allocate_more);
}

static long do_allocate_keep(void)
{
	return on_f(O_WRONLY, fd_allocate_keep);
}

static long do_punch(void)
{
	return on_f(O_WRONLY, fd_punch);
}

static long do_punch_beyond(void)
{
	return on_f(O_WRONLY, fd_punch_beyond);
}

static long do_zero(void)
{
	return on_f(O_WRONLY, fd_zero);
}

static long do_flags(void)
{
	return on_f(O_RDONLY, fd_flags);
}

static long do_flags_same(void)
{
	return on_f(O_RDONLY, fd_flags_same);
}

static long do_map(void)
{
	return on_f(O_RDWR, fd_map);
}

static long do_copy(void)
{
	return on_f(O_WRONLY, fd_copy);
}

static long do_send(void)
{
	return on_f(O_WRONLY, fd_send);
}

static long do_truncate_same(void)
{
	return truncate("d/f", 4096);
}

static long do_truncate_less(void)
{
	return truncate("d/f", 10);
}

static long do_truncate_more(void)
{
	return truncate("d/f", 8192);
}

static long do_open_trunc(void)
{
	return close(open("d/f", O_WRONLY | O_TRUNC));
}

static long do_open_trunc_empty(void)
{
	return close(open("d/f", O_WRONLY | O_TRUNC));
}

static long do_open_create(void)
{
	return close(open("d/f", O_WRONLY | O_CREAT, 0600));
}

static long do_chmod_same(void)
{
	return chmod("d/f", 0644);
}

static long do_chmod(void)
{
	return chmod("d/f", 0600);
}

static long do_chown_same(void)
{
	return chown("d/f", 0, 0);
}

static long do_chown_nobody(void)
{
	return chown("d/f", (uid_t)-1, (gid_t)-1);
}

static long do_chown(void)
{
	return chown("d/f", LOOK_OWNER, LOOK_GROUP);
}

static long do_utime_now(void)
{
	return utimensat(AT_FDCWD, "d/f", NULL, 0);
}

static long do_utime_omit_both(void)
{
	static const struct timespec t[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_OMIT } };

	return utimensat(AT_FDCWD, "d/f", t, 0);
}

static long do_utime_omit_mtime(void)
{
	static const struct timespec t[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_OMIT } };

	return utimensat(AT_FDCWD, "d/f", t, 0);
}

static long do_utime_omit_atime(void)
{
	static const struct timespec t[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_NOW } };

	return utimensat(AT_FDCWD, "d/f", t, 0);
}

static long do_setxattr(void)
{
	return setxattr("d/f", "user.new", "1", 1, 0);
}

static long do_setxattr_replace(void)
{
	return setxattr("d/f", "user.old", "2", 1, 0);
}

static long do_setxattr_dir(void)
{
	return setxattr("d", "user.new", "1", 1, 0);
}

static long do_setxattr_fails(void)
{
	return setxattr("d/f", "user.old", "2", 1, XATTR_CREATE);
}

static long do_removexattr(void)
{
	return removexattr("d/f", "user.old");
}

static long do_removexattr_missing(void)
{
	return removexattr("d/f", "user.none");
}

static long do_getxattr(void)
{
	char buf[8];

	return getxattr("d/f", "user.old", buf, sizeof(buf));
}

static long do_link(void)
{
	return link("d/f", "e/h");
}

static long do_link_exists(void)
{
	return link("d/f", "e/other");
}

static long do_unlink(void)
{
	return unlink("e/g");
}

static long do_unlink_missing(void)
{
	return unlink("e/none");
}

static long do_rename(void)
{
	return rename("e/g", "e/h");
}

static long do_rename_across(void)
{
	return rename("e/g", "d/h");
}

static long do_rename_over(void)
{
	return rename("e/g", "e/other") ? -1 : link("d/f", "e/again") ? -1 : unlink("e/again");
}

static long do_rename_same_inode(void)
{
	return rename("d/f", "e/g");
}

static long do_rename_dir(void)
{
	return rename("e/dir2", "d/sub");
}

static long do_rename_dir_across(void)
{
	return rename("d/sub", "e/sub") ? -1 : rename("e/sub", "d/sub");
}

static long do_exchange(void)
{
	return renameat2(AT_FDCWD, "d/s", AT_FDCWD, "e/g", RENAME_EXCHANGE);
}

static long do_noreplace(void)
{
	return renameat2(AT_FDCWD, "d/s", AT_FDCWD, "e/g", RENAME_NOREPLACE);
}

static long do_whiteout(void)
{
	return renameat2(AT_FDCWD, "e/g", AT_FDCWD, "e/h", RENAME_WHITEOUT);
}

static long do_create(void)
{
	return close(open("d/new", O_WRONLY | O_CREAT | O_EXCL, 0600));
}

static long do_create_exists(void)
{
	return open("d/f", O_WRONLY | O_CREAT | O_EXCL, 0600);
}

static long do_mkdir(void)
{
	return mkdir("d/new", 0700);
}

static long do_mkdir_exists(void)
{
	return mkdir("d/f", 0700);
}

static long do_rmdir(void)
{
	return rmdir("d/sub");
}

static long do_rmdir_full(void)
{
	return rmdir("d");
}

static long do_symlink(void)
{
	return symlink("f", "d/new");
}

static long do_mknod(void)
{
	return mknod("d/new", S_IFIFO | 0600, 0);
}

static long do_tmpfile(void)
{
	return close(open("d", O_TMPFILE | O_WRONLY, 0600));
}

static long do_readdir(void)
{
	DIR *dir = opendir("d");
	long n = 0;

	if (!dir)
		return -1;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static long do_readlink(void)
{
	char buf[16];

	return readlink("d/s", buf, sizeof(buf));
}

static long do_stat(void)
{
	struct stat st;

	return stat("d/f", &st);
}

static long do_access(void)
{
	return access("d/f", R_OK);
}

static const struct {
	const char *name;
	long (*fn)(void);
} table[] = {
	{ "read", do_read },
	{ "read at the end", do_read_end },
	{ "read with O_NOATIME", do_read_noatime },
	{ "write", do_write },
	{ "write with O_SYNC", do_write_sync },
	{ "write of nothing", do_write_none },
	{ "write with O_APPEND", do_append },
	{ "fsync", do_fsync },
	{ "truncate to the same size", do_truncate_same },
	{ "ftruncate to the same size", do_ftruncate_same },
	{ "truncate to less", do_truncate_less },
	{ "truncate to more", do_truncate_more },
	{ "open with O_TRUNC", do_open_trunc },
	{ "open with O_TRUNC again", do_open_trunc_empty },
	{ "open with O_CREAT", do_open_create },
	{ "mmap write", do_map },
	{ "copy_file_range", do_copy },
	{ "sendfile", do_send },
	{ "fallocate inside", do_allocate_inside },
	{ "fallocate beyond the end", do_allocate_more },
	{ "fallocate KEEP_SIZE", do_allocate_keep },
	{ "fallocate PUNCH_HOLE", do_punch },
	{ "fallocate PUNCH_HOLE beyond the end", do_punch_beyond },
	{ "fallocate ZERO_RANGE", do_zero },
	{ "chmod to the same", do_chmod_same },
	{ "chmod", do_chmod },
	{ "chown to the same", do_chown_same },
	{ "chown to -1, -1", do_chown_nobody },
	{ "chown", do_chown },
	{ "utimensat now", do_utime_now },
	{ "utimensat OMIT OMIT", do_utime_omit_both },
	{ "utimensat NOW OMIT", do_utime_omit_mtime },
	{ "utimensat OMIT NOW", do_utime_omit_atime },
	{ "SETFLAGS", do_flags },
	{ "SETFLAGS to the same", do_flags_same },
	{ "setxattr", do_setxattr },
	{ "setxattr over another", do_setxattr_replace },
	{ "setxattr of a directory", do_setxattr_dir },
	{ "setxattr that fails", do_setxattr_fails },
	{ "removexattr", do_removexattr },
	{ "removexattr of a missing one", do_removexattr_missing },
	{ "getxattr", do_getxattr },
	{ "link", do_link },
	{ "link over another", do_link_exists },
	{ "unlink of another name", do_unlink },
	{ "unlink of a missing name", do_unlink_missing },
	{ "rename in a directory", do_rename },
	{ "rename to another directory", do_rename_across },
	{ "rename over another", do_rename_over },
	{ "rename to a name of the same inode", do_rename_same_inode },
	{ "rename of a missing directory", do_rename_dir },
	{ "rename of a directory and back", do_rename_dir_across },
	{ "rename EXCHANGE", do_exchange },
	{ "rename NOREPLACE that fails", do_noreplace },
	{ "rename WHITEOUT", do_whiteout },
	{ "create", do_create },
	{ "create of what exists", do_create_exists },
	{ "mkdir", do_mkdir },
	{ "mkdir of what exists", do_mkdir_exists },
	{ "rmdir", do_rmdir },
	{ "rmdir of a full one", do_rmdir_full },
	{ "symlink", do_symlink },
	{ "mknod", do_mknod },
	{ "open with O_TMPFILE", do_tmpfile },
	{ "readdir", do_readdir },
	{ "readlink", do_readlink },
	{ "stat", do_stat },
	{ "access", do_access },
};

static bool moved(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec || a->tv_nsec != b->tv_nsec;
}

static void run_times(void)
{
	struct stat before[ARRAY_SIZE(watched)], now;

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		set_up();
		for (size_t j = 0; j < ARRAY_SIZE(watched); j++)
			MUST(lstat(watched[j], &before[j]));
		look_tick();
		look_ret(table[i].fn(), "%s, result", table[i].name);
		for (size_t j = 0; j < ARRAY_SIZE(watched); j++) {
			if (lstat(watched[j], &now) || now.st_ino != before[j].st_ino) {
				look_say("%s, %s = gone", table[i].name, watched[j]);
				continue;
			}
			look_say("%s, %s = %s%s%s.", table[i].name, watched[j],
				moved(&now.st_atim, &before[j].st_atim) ? "a" : "",
				moved(&now.st_mtim, &before[j].st_mtim) ? "m" : "",
				moved(&now.st_ctim, &before[j].st_ctim) ? "c" : "");
		}
	}
}

const struct look_topic look_times[] = { { "times", run_times }, { NULL, NULL } };
