// SPDX-License-Identifier: GPL-2.0-or-later
/* What takes setuid and setgid bits and security.capability away, by whom. */
#include "config.h"

#include "look.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char cap_name[] = "security.capability";

enum who { ROOT, ROOT_NO_FSETID, OWNER, MEMBER, OTHER, NR_WHO };
static const char *const who_names[] = { "root", "root without FSETID", "owner", "owner in the group",
	"another who may write" };

/* Capabilities of this thread; a raw call, as there is no libcap to depend on. */
static void drop_fsetid(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	MUST(syscall(SYS_capget, &head, data));
	data[0].effective &= ~(1u << CAP_FSETID);
	MUST(syscall(SYS_capset, &head, data));
}

static void restore_fsetid(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	MUST(syscall(SYS_capget, &head, data));
	data[0].effective |= 1u << CAP_FSETID;
	MUST(syscall(SYS_capset, &head, data));
}

static void become(enum who who)
{
	static const gid_t group[] = { LOOK_GROUP };

	switch (who) {
	case ROOT_NO_FSETID:
		drop_fsetid();
		break;
	case OWNER:
		look_as(LOOK_OWNER, LOOK_OWNER, 0, NULL);
		break;
	case MEMBER:
		look_as(LOOK_OWNER, LOOK_OWNER, 1, group);
		break;
	case OTHER:
		look_as(LOOK_OTHER, LOOK_OTHER, 0, NULL);
		break;
	default:
		break;
	}
}

static void become_root(enum who who)
{
	if (who == ROOT_NO_FSETID)
		restore_fsetid();
	else if (who != ROOT)
		look_root();
}

static long with_fd(long (*fn)(int fd))
{
	int fd = open("f", O_RDWR), err;
	long ret;

	if (fd < 0)
		return -1;
	ret = fn(fd);
	err = errno;
	close(fd);
	errno = err;
	return ret;
}

static long fd_write(int fd)
{
	return write(fd, "a", 1);
}

static long fd_write_none(int fd)
{
	return write(fd, "a", 0);
}

static long fd_direct(int fd)
{
	static char block[4096] __attribute__((aligned(4096)));
	int flags = fcntl(fd, F_GETFL);

	return fcntl(fd, F_SETFL, flags | O_DIRECT) ? -1 : write(fd, block, sizeof(block));
}

static long fd_truncate(int fd)
{
	return ftruncate(fd, 100);
}

static long fd_allocate(int fd)
{
	return fallocate(fd, 0, 0, 40000);
}

static long fd_allocate_keep(int fd)
{
	return fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 80000);
}

static long fd_punch(int fd)
{
	return fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 4096);
}

static long fd_map(int fd)
{
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return -1;
	p[0] = 'm';
	return munmap(p, 4096);
}

static long fd_copy(int fd)
{
	int in = open("source", O_RDONLY), err;
	long ret;

	if (in < 0)
		return -1;
	ret = copy_file_range(in, NULL, fd, NULL, 10, 0);
	err = errno;
	close(in);
	errno = err;
	return ret;
}

static long do_write(void)
{
	return with_fd(fd_write);
}

static long do_write_none(void)
{
	return with_fd(fd_write_none);
}

static long do_direct(void)
{
	return with_fd(fd_direct);
}

static long do_truncate(void)
{
	return truncate("f", 100);
}

static long do_truncate_same(void)
{
	return truncate("f", 4096);
}

static long do_ftruncate(void)
{
	return with_fd(fd_truncate);
}

static long do_open_trunc(void)
{
	int fd = open("f", O_WRONLY | O_TRUNC);

	return fd < 0 ? -1 : close(fd);
}

static long do_allocate(void)
{
	return with_fd(fd_allocate);
}

static long do_allocate_keep(void)
{
	return with_fd(fd_allocate_keep);
}

static long do_punch(void)
{
	return with_fd(fd_punch);
}

static long do_map(void)
{
	return with_fd(fd_map);
}

static long do_copy(void)
{
	return with_fd(fd_copy);
}

static long do_chown_same(void)
{
	return chown("f", LOOK_OWNER, LOOK_GROUP);
}

static long do_chown_nobody(void)
{
	return chown("f", (uid_t)-1, (gid_t)-1);
}

static long do_chown(void)
{
	return chown("f", LOOK_OTHER, (gid_t)-1);
}

static long do_chgrp(void)
{
	return chown("f", (uid_t)-1, LOOK_OWNER);
}

static long do_chmod(void)
{
	return chmod("f", 06777);
}

static long do_chmod_group(void)
{
	return chmod("f", 02777);
}

static long do_setxattr(void)
{
	return setxattr("f", "user.x", "1", 1, 0);
}

static long do_utimes(void)
{
	return utimensat(AT_FDCWD, "f", NULL, 0);
}

static const struct {
	const char *name;
	long (*fn)(void);
} table[] = {
	{ "write", do_write },
	{ "write of nothing", do_write_none },
	{ "direct write", do_direct },
	{ "truncate", do_truncate },
	{ "truncate to the same size", do_truncate_same },
	{ "ftruncate", do_ftruncate },
	{ "open with O_TRUNC", do_open_trunc },
	{ "fallocate", do_allocate },
	{ "fallocate KEEP_SIZE", do_allocate_keep },
	{ "fallocate PUNCH_HOLE", do_punch },
	{ "mmap write", do_map },
	{ "copy_file_range", do_copy },
	{ "chown to the same", do_chown_same },
	{ "chown to -1, -1", do_chown_nobody },
	{ "chown", do_chown },
	{ "chgrp", do_chgrp },
	{ "chmod 6777", do_chmod },
	{ "chmod 2777", do_chmod_group },
	{ "setxattr", do_setxattr },
	{ "utimensat", do_utimes },
};

/* Does it, and tells what became of the file. */
static void act(long (*fn)(void), enum who who, const char *what)
{
	const char *result, *cap;

	become(who);
	result = look_errno(fn());
	become_root(who);
	cap = getxattr("f", cap_name, NULL, 0) < 0 ? "gone" : "kept";
	look_say("%s = %s, %04o, capability %s", what, result, look_mode("f"), cap);
}

static void try(size_t op, enum who who, mode_t mode)
{
	/* revision 2, effective, CAP_NET_RAW */
	static const unsigned char cap[20] = { 1, 0, 0, 2, 0, 0x20 };
	char what[120];

	look_file("f", 0666, 4096);
	MUST(chown("f", LOOK_OWNER, LOOK_GROUP));
	MUST(setxattr("f", cap_name, cap, sizeof(cap), 0));
	MUST(chmod("f", mode));
	snprintf(what, sizeof(what), "%s by %s on %04o", table[op].name, who_names[who], mode);
	act(table[op].fn, who, what);
	/* once more, so that what was remembered of the first time shows */
	snprintf(what, sizeof(what), "%s by %s on %04o, then write", table[op].name, who_names[who], mode);
	act(do_write, who, what);
}

/* Capabilities that are set between a write and its way to the disk stay. */
static void set_after_write(void)
{
	static const unsigned char cap[20] = { 1, 0, 0, 2, 0, 0x20 };
	int fd;

	look_file("f", 0755, 0);
	fd = open("f", O_WRONLY);
	MUST(fd);
	MUST(write(fd, "abc", 3));
	MUST(fsetxattr(fd, cap_name, cap, sizeof(cap), 0));
	MUST(fchmod(fd, 04755));
	MUST(fsync(fd));
	MUST(close(fd));
	look_ret(getxattr("f", cap_name, NULL, 0), "capability set while pages were dirty");
	look_say("mode set while pages were dirty = %04o", look_mode("f"));
}

static void run_privs(void)
{
	static const mode_t modes[] = { 06777, 04766, 02777, 02766, 06666 };

	look_file("source", 0644, 100);
	for (size_t op = 0; op < ARRAY_SIZE(table); op++)
		for (enum who who = ROOT; who < NR_WHO; who++)
			for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
				try(op, who, modes[i]);
	set_after_write();
}

const struct look_topic look_privs[] = { { "privileges", run_privs }, { NULL, NULL } };
