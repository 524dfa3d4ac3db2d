// SPDX-License-Identifier: GPL-2.0-or-later
/* What the flags +a and +i forbid, operation by operation, and who may set which flags. */
#include "config.h"

#include "look.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static long set_flags(const char *path, int flags)
{
	int fd = open(path, O_RDONLY), err;
	long ret;

	if (fd < 0)
		return -1;
	ret = ioctl(fd, FS_IOC_SETFLAGS, &flags);
	err = errno;
	close(fd);
	errno = err;
	return ret;
}

static int get_flags(const char *path)
{
	int fd = open(path, O_RDONLY), flags = 0;

	MUST(fd);
	MUST(ioctl(fd, FS_IOC_GETFLAGS, &flags));
	close(fd);
	return flags;
}

static void clear(void)
{
	static const char *const all[] = { "f", "d", "d/f", "d/sub", "g" };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (!access(all[i], F_OK))
			set_flags(all[i], get_flags(all[i]) & ~(FS_IMMUTABLE_FL | FS_APPEND_FL));
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		look_remove(all[i]);
}

static void set_up(int flag)
{
	clear();
	look_file("f", 0666, 100);
	look_file("g", 0666, 100);
	look_dir("d", 0777);
	look_file("d/f", 0666, 1);
	look_dir("d/sub", 0777);
	MUST(setxattr("f", "user.a", "1", 1, 0));
	MUST(set_flags("f", get_flags("f") | flag));
	MUST(set_flags("d", get_flags("d") | flag));
}

static long opened(const char *path, int flags)
{
	int fd = open(path, flags, 0644);

	return fd < 0 ? -1 : close(fd);
}

static long through(int flags, int what)
{
	static char data[8192];
	int fd = open("f", flags), err;
	long ret = -1;
	void *p;

	if (fd < 0)
		return -1;
	switch (what) {
	case 0:
		ret = pwrite(fd, data, 10, 0);
		break;
	case 1:
		ret = ftruncate(fd, 0);
		break;
	case 2:
		ret = fallocate(fd, 0, 0, 100000);
		break;
	case 3:
		ret = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096);
		break;
	case 4:
		ret = fcntl(fd, F_SETFL, 0);
		break;
	case 5:
		p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		ret = p == MAP_FAILED ? -1 : 0;
		break;
	case 6:
		ret = fchmod(fd, 0600);
		break;
	}
	if (ret > 0)
		ret = 1;
	err = errno;
	if (ret >= 0 && fsync(fd)) {
		err = errno;
		ret = -1;
	}
	close(fd);
	errno = err;
	return ret;
}

/* Each operation on objects that have the flag. */
#define TRY(call)                                                                                  \
	do {                                                                                       \
		set_up(flag);                                                                      \
		if (uid)                                                                           \
			look_as(uid, uid, 0, NULL);                                                \
		look_ret((call), "%s: %s", who, #call);                                            \
		look_root();                                                                       \
	} while (0)

static void try_all(const char *who, int flag, uid_t uid)
{
	static const struct timespec past[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

	TRY(opened("f", O_RDONLY));
	TRY(opened("f", O_WRONLY));
	TRY(opened("f", O_RDWR));
	TRY(opened("f", O_WRONLY | O_APPEND));
	TRY(opened("f", O_RDWR | O_APPEND));
	TRY(opened("f", O_WRONLY | O_TRUNC));
	TRY(opened("f", O_WRONLY | O_APPEND | O_TRUNC));
	TRY(opened("f", O_RDONLY | O_NOATIME));
	TRY(opened("f", O_WRONLY | O_CREAT));
	TRY(through(O_RDWR, 0));
	TRY(through(O_RDWR | O_APPEND, 0));
	TRY(through(O_RDWR | O_APPEND, 1));
	TRY(through(O_RDWR | O_APPEND, 2));
	TRY(through(O_RDWR | O_APPEND, 3));
	TRY(through(O_RDWR | O_APPEND, 4));
	TRY(through(O_RDWR | O_APPEND, 5));
	TRY(through(O_RDONLY, 6));
	TRY(truncate("f", 0));
	TRY(truncate("f", 1000));
	TRY(chmod("f", 0600));
	TRY(chown("f", LOOK_OTHER, LOOK_OTHER));
	TRY(chown("f", (uid_t)-1, (gid_t)-1));
	TRY(utimensat(AT_FDCWD, "f", NULL, 0));
	TRY(utimensat(AT_FDCWD, "f", past, 0));
	TRY(link("f", "x") ? -1 : unlink("x"));
	TRY(unlink("f"));
	TRY(rename("f", "x") ? -1 : rename("x", "f"));
	TRY(rename("g", "f"));
	TRY(renameat2(AT_FDCWD, "f", AT_FDCWD, "g", RENAME_EXCHANGE) ? -1
		: renameat2(AT_FDCWD, "f", AT_FDCWD, "g", RENAME_EXCHANGE));
	TRY(setxattr("f", "user.b", "1", 1, 0));
	TRY(setxattr("f", "user.a", "1", 1, XATTR_REPLACE));
	TRY(setxattr("f", "trusted.b", "1", 1, 0));
	TRY(removexattr("f", "user.a"));
	TRY(removexattr("f", "user.none"));
	TRY(access("f", W_OK));
	TRY(access("d", W_OK));
	TRY(opened("d/new", O_WRONLY | O_CREAT | O_EXCL));
	TRY(opened("d/f", O_WRONLY));
	TRY(opened("d", O_TMPFILE | O_WRONLY));
	TRY(mkdir("d/new", 0755));
	TRY(symlink("x", "d/new"));
	TRY(mknod("d/new", S_IFIFO | 0644, 0));
	TRY(link("g", "d/new"));
	TRY(unlink("d/f"));
	TRY(rmdir("d/sub"));
	TRY(rename("d/f", "d/new"));
	TRY(rename("d/f", "x"));
	TRY(rename("g", "d/new"));
	TRY(rename("g", "d/f"));
	TRY(rename("d", "x") ? -1 : rename("x", "d"));
	TRY(rmdir("d"));
	TRY(chmod("d", 0700));
	TRY(chmod("d/f", 0600));
	TRY(utimensat(AT_FDCWD, "d", NULL, 0));
	TRY(setxattr("d", "user.b", "1", 1, 0));
	TRY(set_flags("f", 0));
	TRY(set_flags("g", get_flags("g") | FS_NODUMP_FL));
}

static void run_flags(void)
{
	MUST(chmod(".", 0777));
	try_all("append, root", FS_APPEND_FL, 0);
	try_all("append, user", FS_APPEND_FL, LOOK_OWNER);
	try_all("immutable, root", FS_IMMUTABLE_FL, 0);
	try_all("immutable, user", FS_IMMUTABLE_FL, LOOK_OWNER);
	clear();
}

/* Each flag that SETFLAGS may be given, and what GETFLAGS then says of what users may change. */
static void run_setflags(void)
{
	static const char *const paths[] = { "file", "dir" };

	for (int who = 0; who < 2; who++)
		for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
			for (int bit = 0; bit < 31; bit++) {
				int before, flags;

				look_file("file", 0644, 0);
				look_dir("dir", 0755);
				MUST(chown("file", LOOK_OWNER, LOOK_OWNER));
				MUST(chown("dir", LOOK_OWNER, LOOK_OWNER));
				before = get_flags(paths[i]);
				flags = before ^ (int)(1u << bit);
				if (who)
					look_as(LOOK_OWNER, LOOK_OWNER, 0, NULL);
				look_ret(set_flags(paths[i], flags), "%s toggles %08x of %s",
					who ? "the owner" : "root", 1u << bit, paths[i]);
				look_root();
				look_say("changed of %s = %08x", paths[i], get_flags(paths[i]) ^ before);
				set_flags(paths[i], before);
				MUST(unlink("file"));
				MUST(rmdir("dir"));
			}
	/* what is inherited */
	{
		static const int all = FS_SECRM_FL | FS_UNRM_FL | FS_COMPR_FL | FS_SYNC_FL | FS_NODUMP_FL
				       | FS_NOATIME_FL | FS_DIRSYNC_FL | FS_TOPDIR_FL;
		struct stat st;

		look_dir("dir", 0755);
		look_ret(set_flags("dir", get_flags("dir") | all), "all to a directory");
		look_say("flags of the directory = %08x", get_flags("dir") & ~(FS_INDEX_FL | FS_EXTENT_FL));
		look_file("dir/f", 0644, 0);
		look_dir("dir/d", 0755);
		look_say("inherited by a file = %08x", get_flags("dir/f") & all);
		look_say("inherited by a directory = %08x", get_flags("dir/d") & all);
		MUST(symlink("x", "dir/s"));
		MUST(lstat("dir/s", &st));
		look_file("file", 0644, 0);
		look_ret(set_flags("file", get_flags("file") | FS_DIRSYNC_FL), "DIRSYNC to a file");
		MUST(mknod("p", S_IFIFO | 0644, 0));
		{
			int fd = open("p", O_RDWR | O_NONBLOCK), flags;

			look_ret(ioctl(fd, FS_IOC_GETFLAGS, &flags), "GETFLAGS of a fifo");
			close(fd);
			fd = open("file", O_PATH);
			look_ret(ioctl(fd, FS_IOC_GETFLAGS, &flags), "GETFLAGS of O_PATH");
			close(fd);
			fd = open("file", O_RDONLY);
			look_ret(ioctl(fd, 0x7777), "an unknown ioctl");
			look_ret(ioctl(fd, FS_IOC_GETFLAGS, (void *)8), "GETFLAGS to a bad address");
			look_ret(ioctl(fd, FS_IOC_GETVERSION, &flags), "GETVERSION");
			look_ret(ioctl(fd, FIGETBSZ, &flags), "FIGETBSZ");
			look_ret(ioctl(fd, FIONREAD, &flags), "FIONREAD");
			close(fd);
		}
	}
}

const struct look_topic look_flags[] = { { "flags", run_flags }, { "setflags", run_setflags },
	{ NULL, NULL } };
