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
#include "service/mountflags.h"

/* Nothing to change, but no reason for a warning: mount(8) adds what mountinfo shows. */
static bool is_neutral(const char *option)
{
	static const char *const names[] = { "remount", "defaults", "relatime", "user_id", "group_id",
		"default_permissions", "allow_other", "max_read", "blksize" };
	size_t len = strcspn(option, "=");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == len && !strncmp(names[i], option, len))
			return true;
	return false;
}

static int read_options(const char *options, const char *mountpoint, unsigned long *ret, struct log *log)
{
	CLEANUP(cleanup_free) char *copy = strdup(options);
	char *rest = copy, *option;
	const struct mountflag *flag;

	*ret = 0;
	if (!copy)
		return -ENOMEM;
	while ((option = strsep(&rest, ","))) {
		flag = mountflags_find(option);
		/* the others are the server's too, which does not hear of this */
		if (flag && !((flag->set | flag->clear) & ~MOUNTFLAGS_RESTRICTIONS))
			*ret = (*ret | flag->set) & ~flag->clear;
		else if (option[0] && !is_neutral(option))
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
