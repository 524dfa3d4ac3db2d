/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directories: names to inode numbers, through the hash tree where there is one. */
#ifndef EXT4D_FS_DIR_H
#define EXT4D_FS_DIR_H

#include <stdbool.h>
#include <stdint.h>

#include "fs/inode.h"

/* Longest name in bytes, as shown (a no-key name is encoded, and no longer). */
#define DIR_NAME_MAX 255

/*
 * The inode number of name in dir. -ENOENT, -ENAMETOOLONG, -ENOTDIR, -EUCLEAN, -EBADMSG, -EIO,
 * -EINVAL a name that a strict casefold directory cannot hold. A damaged index falls back to
 * reading every block. The caller holds dir->lock while the filesystem is writable.
 */
int dir_lookup(struct inode *dir, const char *name, size_t len, uint32_t *ret_ino) MUST_CHECK;

struct dir_entry {
	const char *name; /* not NUL-terminated; valid during the callback */
	size_t len;
	uint32_t ino;
	unsigned char dtype; /* DT_*, DT_UNKNOWN without the filetype feature */
	uint64_t next;	     /* position after this entry, to go on from */
};

/* Returns true for more, false to stop before this entry (it did not fit). */
typedef bool (*dir_emit)(void *arg, const struct dir_entry *entry);

/*
 * Emits the entries from position pos (0: the beginning, else a dir_entry's next), "." and ".."
 * included. Blocks that are damaged are left out; when the end is reached and anything was,
 * returns -EUCLEAN or -EBADMSG, provided nothing was emitted in this call. On a writable filesystem
 * takes dir->lock for reading, also over the callbacks; a name that is there all the time is
 * emitted once, whatever else changes between the calls.
 */
int dir_iterate(struct inode *dir, uint64_t pos, dir_emit emit, void *arg) MUST_CHECK;

#endif
