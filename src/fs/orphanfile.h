/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The orphan file (feature orphan_file): orphans as slots of a file's blocks, so that many threads
 * need not meet in one list. While RO_COMPAT_ORPHAN_PRESENT is set slots may be in use.
 */
#ifndef EXT4D_FS_ORPHANFILE_H
#define EXT4D_FS_ORPHANFILE_H

#include "fs/inode.h"

struct orphanfile;

/*
 * Opens the file that the superblock names. With the feature's present bit its blocks are read;
 * without it they are taken for empty and looked at when first used. Blocks that are damaged are
 * reported and not used. *ret is NULL if there is none or it cannot be used. -EIO, -ENOMEM.
 */
int orphanfile_open(struct fs *fs, struct orphanfile **ret) MUST_CHECK;
void orphanfile_close(struct orphanfile *file);

/* For CLEANUP. */
static inline void orphanfile_closep(struct orphanfile **file)
{
	orphanfile_close(*file);
}

/* Puts ino into a free slot. -ENOSPC if there is none. Takes a credit, and LOCK_RANK_ORPHAN. */
int orphanfile_add(struct handle *h, struct orphanfile *file, uint32_t ino, uint32_t *ret_slot)
	MUST_CHECK;

/* Frees a slot that orphanfile_add() or orphanfile_next() gave. Takes a credit. */
int orphanfile_del(struct handle *h, struct orphanfile *file, uint32_t slot) MUST_CHECK;

/* The first slot in use from *slot on: true with the slot and its inode number. For recovery. */
bool orphanfile_next(struct orphanfile *file, uint32_t *slot, uint32_t *ret_ino);

/* No slot is in use, and no block is damaged. Takes no lock: nobody else may be using file. */
bool orphanfile_is_empty(struct orphanfile *file);

#endif
