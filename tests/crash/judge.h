/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of cut images and the programs that judge them. */
#ifndef EXT4D_TESTS_CRASH_JUDGE_H
#define EXT4D_TESTS_CRASH_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/fs.h"

/* All of a file; ends the program if it cannot be read. The caller frees it. */
uint8_t *judge_read_file(const char *path, size_t *ret_len);
void judge_write_file(const char *path, const uint8_t *bytes, size_t len);

/* e2fsck recovers the journal and lets orphans go, and finds nothing else to do. */
bool judge_recover(const char *path);
/* The image is clean, and e2fsck finds nothing at all. */
bool judge_clean(const char *path);
/*
 * The kernel mounts it at the directory mnt, reads all of it, and unmounts it. keys: a command that gives the
 * mount its keys, NULL: there are none.
 */
bool judge_kernel(const char *path, const char *mnt, const char *keys);

/* Opens an image file with the core, and adds the keys. Errors as fs_open() and fs_add_key(). */
int judge_open(const char *path, bool writable, struct log *log, struct fs **ret);

#endif
