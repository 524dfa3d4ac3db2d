// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "remount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fuse/control.h"

/* Missing in glibc's header before 2.37. */
#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif

static const struct flag {
	const char *name;
	unsigned long set, clear;
} flags[] = {
	{ "ro", MS_RDONLY, 0 },
	{ "rw", 0, MS_RDONLY },
	{ "nosuid", MS_NOSUID, 0 },
	{ "suid", 0, MS_NOSUID },
	{ "nodev", MS_NODEV, 0 },
	{ "dev", 0, MS_NODEV },
	{ "noexec", MS_NOEXEC, 0 },
	{ "exec", 0, MS_NOEXEC },
	{ "nosymfollow", MS_NOSYMFOLLOW, 0 },
	{ "symfollow", 0, MS_NOSYMFOLLOW },
	/* nothing to change, but no reason for a warning: mount(8) adds what mountinfo shows */
	{ "remount", 0, 0 },
	{ "defaults", 0, 0 },
	{ "relatime", 0, 0 },
	{ "user_id", 0, 0 },
	{ "group_id", 0, 0 },
	{ "default_permissions", 0, 0 },
	{ "allow_other", 0, 0 },
	{ "max_read", 0, 0 },
	{ "blksize", 0, 0 },
};

static const struct flag *find_flag(const char *option)
{
	size_t len = strcspn(option, "=");

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (strlen(flags[i].name) == len && !strncmp(flags[i].name, option, len))
			return &flags[i];
	return NULL;
}

static int read_options(const char *options, const char *mountpoint, unsigned long *ret, struct log *log)
{
	CLEANUP(cleanup_free) char *copy = strdup(options);
	char *rest = copy, *option;
	const struct flag *flag;

	*ret = 0;
	if (!copy)
		return -ENOMEM;
	while ((option = strsep(&rest, ","))) {
		flag = find_flag(option);
		if (flag)
			*ret = (*ret | flag->set) & ~flag->clear;
		else if (option[0])
			log_warn(log, "%s: option %s does not change before it is unmounted", mountpoint,
				option);
	}
	return 0;
}

int remount(const char *mountpoint, const char *options, struct log *log)
{
	CLEANUP(cleanup_close) int fd = open(mountpoint, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint32_t writable = 0;
	unsigned long mask;
	int err;

	if (fd < 0 || ioctl(fd, EXT4D_IOC_WRITABLE, &writable) < 0) {
		err = errno == ENOTTY ? -EINVAL : -errno;
		log_error(log, "%s: %s", mountpoint, err == -EINVAL ? "not an ext4d mount" : strerror(-err));
		return err;
	}
	err = read_options(options, mountpoint, &mask, log);
	if (err)
		return err;
	if (!(mask & MS_RDONLY) && !writable) {
		log_error(log, "%s: its server only reads: unmount it and mount it again", mountpoint);
		return -EROFS;
	}
	/* with ro the kernel writes back what it holds, and then lets nothing through */
	if (mount(NULL, mountpoint, NULL, MS_REMOUNT | mask, NULL)) {
		err = -errno;
		log_error(log, "%s: cannot remount: %s", mountpoint, strerror(-err));
		return err;
	}
	/* commits: a copy of the image then has all of it */
	if (mask & MS_RDONLY && fsync(fd)) {
		err = -errno;
		log_error(log, "%s: read-only, but not all of it is written: %s", mountpoint, strerror(-err));
		return err;
	}
	return 0;
}
