/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who else uses an image. */
#ifndef EXT4D_LOCKHOLDER_H
#define EXT4D_LOCKHOLDER_H

#include <stdbool.h>

#include "util/cleanup.h"
#include "util/log.h"

/*
 * Takes a flock(2) on fd, exclusive where it is to be written, else shared; none if take is false: a
 * lock on a descriptor that shares its open file with the caller's would change the caller's.
 * -EBUSY, with a line that names the holder where it can be known, if someone's lock is in the way, or the
 * kernel has the image mounted: for writing, or at all where we want to write.
 */
int lockholder_check(int fd, const char *path, bool take, bool writable, struct log *log) MUST_CHECK;

#endif
