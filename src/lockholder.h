/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who else uses an image. */
#ifndef EXT4D_LOCKHOLDER_H
#define EXT4D_LOCKHOLDER_H

#include <stdbool.h>

#include "util/cleanup.h"
#include "util/log.h"

/*
 * Takes a shared flock(2) on fd, unless take is false: a lock on a descriptor that shares its open
 * file with the caller's would change the caller's. -EBUSY, with a line that names the holder where it can be known,
 * if someone holds an exclusive lock of any kind or the kernel has the image mounted for writing.
 */
int lockholder_check(int fd, const char *path, bool take, struct log *log) MUST_CHECK;

#endif
