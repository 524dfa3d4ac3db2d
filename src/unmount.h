/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXT4D_UNMOUNT_H
#define EXT4D_UNMOUNT_H

#include "util/log.h"

/*
 * Unmounts what is mounted on mountpoint and waits until its server has ended, and so has released
 * the image. 0, or -errno, said in one line.
 */
int unmount_and_wait(const char *mountpoint, struct log *log) MUST_CHECK;

#endif
