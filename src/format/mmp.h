/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The multiple mount protection block: who uses the filesystem, told by a number that moves. Pure. */
#ifndef EXT4D_FORMAT_MMP_H
#define EXT4D_FORMAT_MMP_H

#include <stdbool.h>
#include <stdint.h>

#include "util/cleanup.h"

#define MMP_SIZE 1024 /* bytes of the block that count */

enum mmp_state {
	MMP_CLEAN, /* nobody */
	MMP_FSCK,  /* e2fsck works on it */
	MMP_IN_USE, /* mounted for writing, or was when its host stopped */
};

struct mmp {
	enum mmp_state state;
	char node[65];	 /* NUL-terminated: the host that wrote it last */
	char device[33]; /* NUL-terminated: and the device's name there */
};

/* Decodes the MMP_SIZE bytes at raw. -EUCLEAN: no such block. */
int mmp_decode(const uint8_t *raw, struct mmp *ret) MUST_CHECK;

#endif
