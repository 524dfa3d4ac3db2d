/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who else uses an image. */
#ifndef EXT4D_LOCKHOLDER_H
#define EXT4D_LOCKHOLDER_H

#include "util/cleanup.h"
#include "util/log.h"

/*
 * Takes a shared flock(2) on fd. -EBUSY, with a line that names the holder where it can be known,
 * if someone holds an exclusive lock of any kind or the kernel has the image mounted for writing.
 */
int lockholder_check(int fd, const char *path, struct log *log) MUST_CHECK;

#endif
