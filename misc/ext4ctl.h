/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of ext4ctl share. Functions that say what is wrong return the status to end with. */
#ifndef EXT4D_MISC_EXT4CTL_H
#define EXT4D_MISC_EXT4CTL_H

#include "fuse/ext4d_ioctl.h"

#define EXIT_USAGE 2

/* One line on standard error; returns status. */
int complain(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same of arguments that are wrong. */
int usage(const char *what);

/* Hexadecimal. Returns the version of policies that use such a name, 0 for none. */
unsigned parse_name(const char *text, __u8 ret[EXT4D_KEY_NAME]);
void print_name(unsigned version, const __u8 *name);

/* ioctl(2) on path: 0, or has said what went wrong. */
int call(const char *path, unsigned long cmd, void *arg);

/* Commands of the other files; argv[0] is the verb. */
int key_add(int argc, char **argv);
int keyrings_forget(int argc, char **argv);
int keyrings_list(int argc, char **argv);
int policy_get(int argc, char **argv);
int policy_set(int argc, char **argv);

#endif
