/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXT4D_UNMOUNT_H
#define EXT4D_UNMOUNT_H

#include <stdbool.h>

#include "util/log.h"

/* As umount(8) has them. */
struct unmount_how {
	bool force; /* the connection is cut first: for a server that does not answer */
	bool lazy;  /* nobody sees it any more; it ends with its last user, and nobody waits for that */
	bool hasty; /* nor for mount namespaces that have it still */
};

/*
 * Unmounts what is mounted on mountpoint and waits, unless lazy, until its server has ended, and so has
 * released the image; not if the filesystem is mounted in another place too. 0, or -errno, said in one line.
 */
int unmount_and_wait(const char *mountpoint, struct unmount_how how, struct log *log) MUST_CHECK;

#endif
