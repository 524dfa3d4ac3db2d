/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the mount helper does as root, once it knows that it may. */
#ifndef EXT4D_MISC_MOUNT_ATTACH_H
#define EXT4D_MISC_MOUNT_ATTACH_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

struct attach_what {
	const char *source, *subtype;
	const char *options; /* comma-separated: allow_other, default_permissions, max_read=N */
	unsigned long flags; /* mount(2)'s */
	int fuse_fd;
	uid_t uid; /* whose mount it is */
	gid_t gid;
};

/*
 * Makes a mount of /dev/fuse that is nowhere yet; goes with its descriptor, which this returns, or -errno. The
 * kernel's first request is on its way then.
 */
int attach_make(const struct attach_what *what);

/*
 * Lets another open /dev/fuse, which has no connection yet, serve the one of fuse_fd too: that one may be closed then.
 * -EINVAL: it has one.
 */
int attach_share(int fuse_fd, int with);

/*
 * Ends the connection of a mount: nobody waits for the server any more, as unmounting might. Does nothing where fusectl
 * is not mounted.
 */
void attach_abort(int mount);

/* Puts it on the directory. */
int attach_move(int mount, int directory);

/* Lets the connection have the kernel move the bytes of files. -ENOTTY: this kernel does not know of it. */
int attach_grant_iomap(int fuse_fd);

/*
 * Whether a loop device has the regular file: any if it is to be written, else one that writes it. The kernel may have
 * mounted it, and tells nobody but by name.
 */
bool attach_has_loop(const struct stat *st, bool writable);

/* A loop device, which goes with its last descriptor, with the file, which it keeps locked for itself. Returns a descriptor or -errno. */
int attach_loop(int fd, bool writable);

#endif
