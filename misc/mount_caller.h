/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom the mount helper works for, and what they may. */
#ifndef EXT4D_MISC_MOUNT_CALLER_H
#define EXT4D_MISC_MOUNT_CALLER_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

struct mount_caller {
	uid_t uid;
	gid_t gid;
};

/*
 * Notes who called and becomes them: user, group and groups are theirs, and no capability is in effect, but what is
 * done between caller_raise() and caller_lower(). -EPERM: there is no root to go back to.
 */
int caller_init(struct mount_caller *ret);

static inline bool caller_is_root(const struct mount_caller *caller)
{
	return caller->uid == 0;
}

/* The process ends where one of these fails. */
void caller_raise(void);
void caller_lower(const struct mount_caller *caller);

/*
 * A connection to the service's socket, or -errno: the caller's to the service, which sees their user, but by root's right
 * to the socket.
 */
int caller_connect(const struct mount_caller *caller, const char *path);

/*
 * Holds a regular file or block device, by a path without symbolic links: what lies there later may be something else.
 * Nothing of /proc, where the names are of the process that looks, which has root's rights. Returns a descriptor for
 * caller_reopen() and what it is, or -errno: -ENOTBLK, -EISDIR, -ELOOP.
 */
int caller_pin(const char *path, struct stat *ret);

/* Opens what is held, or /dev/fuse, with open(2)'s flags, if the caller may. -EINVAL: flags that nobody needs. */
int caller_reopen(int pinned, int flags);
int caller_open_fuse(int flags);

/*
 * Opens the directory that is to be mounted on; the path has no symbolic link. Who is not root owns it if it is
 * sticky, may write to it, and it lies where users keep files: /proc, among others, has directories that only
 * look so. -errno.
 */
int caller_open_mountpoint(const struct mount_caller *caller, const char *path);

/* The same of one that is open. */
int caller_check_mountpoint(const struct mount_caller *caller, int fd);

/* What /etc/fuse.conf allows users: nothing, if that cannot be read. */
bool caller_may_allow_other(const struct mount_caller *caller);
bool caller_may_mount_more(const struct mount_caller *caller);

#endif
