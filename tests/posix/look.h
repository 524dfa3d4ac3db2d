/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the observations share; see look.c. */
#ifndef EXT4D_TESTS_POSIX_LOOK_H
#define EXT4D_TESTS_POSIX_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define LOOK_OWNER 30001u /* users and groups that mean nothing on the machine */
#define LOOK_OTHER 30002u
#define LOOK_GROUP 30003u

/* A topic runs in an empty directory of its own, as root with umask 022. */
struct look_topic {
	const char *name;
	void (*run)(void);
};

/* The topics by file, each list ended by a NULL name. */
extern const struct look_topic look_dirs[], look_flags[], look_io[],
	look_locks[], look_names[], look_opens[], look_perms[], look_privs[], look_space[],
	look_special[], look_statfs[], look_stamps[], look_times[], look_xattrs[];

/* ---- lines ---- */
/* "WHAT = N" for a result as the system call gave it, "WHAT = EPERM" for -1 with errno. */
void look_ret(long ret, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A whole line, "WHAT = VALUE". */
void look_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The name of errno, "0" if ret is not -1. */
const char *look_errno(long ret);

/* ---- what must work, or the test is over ---- */
void look_must(long ret, const char *what);
#define MUST(call) look_must((long)(call), #call)
void look_file(const char *path, mode_t mode, size_t size); /* of 'x', replaced if there */
void look_dir(const char *path, mode_t mode);
void look_remove(const char *path); /* a tree, if there */
mode_t look_mode(const char *path); /* without the type */

/* ---- who acts ---- */
void look_as(uid_t uid, gid_t gid, size_t nr_groups, const gid_t *groups); /* effective ids */
void look_root(void);
/* Runs fn in a child, which has ended on return; its exit status, 256 and the signal if it was killed. */
int look_child(int (*fn)(void *arg), void *arg);

/* Longer than the steps of the clock that times are taken from. */
void look_tick(void);

#endif
