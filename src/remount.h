/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXT4D_REMOUNT_H
#define EXT4D_REMOUNT_H

#include "util/log.h"

/*
 * Changes what the kernel looks at before it asks the server: ro, nosuid and the like, as the comma-separated
 * options say, which are all of them, as in mount(2). The rest stays as it is, with a warning that
 * names it. 0, or -errno, said in one line.
 */
int remount(const char *mountpoint, const char *options, struct log *log) MUST_CHECK;

#endif
