/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXT4D_TESTS_CRASH_CHECK_H
#define EXT4D_TESTS_CRASH_CHECK_H

#include "fs/fs.h"
#include "model.h"

/*
 * Holds an image that was cut at stamp at, recovered and opened, against the memory. top: the inode
 * of the model's top directory. Returns the number of things that are wrong, each said on stderr.
 * found: the hash of the state, or NULL.
 */
unsigned check_image(struct model *m, struct fs *fs, uint32_t top, uint64_t at, uint64_t *found);

#endif
