/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mount options that are flags of mount(2), and those that the kernel's fuse takes as text. */
#ifndef EXT4D_SERVICE_MOUNTFLAGS_H
#define EXT4D_SERVICE_MOUNTFLAGS_H

#include <sys/mount.h>

#include "util/cleanup.h"

/* Missing in glibc's header before 2.37. */
#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif

/* Those of a mount, not of a filesystem; a mount that somebody restricts has them at least. */
#define MOUNTFLAGS_RESTRICTIONS \
	((unsigned long)(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOSYMFOLLOW))

struct mountflag {
	const char *name;
	unsigned long set, clear; /* MS_* */
};

/* NULL: it is no flag. What follows '=' in option is not looked at. */
const struct mountflag *mountflags_find(const char *option);

/*
 * Options for the kernel out of a list: flags, and a list of the rest. -ENOMEM; -EINVAL: the kernel takes one of them
 * from nobody, *ret_options is that one. The caller frees *ret_options in either case.
 */
int mountflags_split(const char *list, unsigned long *ret_flags, char **ret_options) MUST_CHECK;

#endif
