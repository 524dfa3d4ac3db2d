/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a client that writes files' blocks by itself (file_iomap.h) was promised and the image does not have
 * yet, by inode number: a size, until the data that it is the size of has been written, and an error, until
 * fsync(2) has returned it. Kept apart from struct inode, which may leave memory meanwhile. As many entries as the
 * client has files with such data.
 */
#ifndef EXT4D_FS_OWED_H
#define EXT4D_FS_OWED_H

#include <stdbool.h>
#include <stdint.h>

#include "util/cleanup.h"

struct owed;

int owed_new(struct owed **ret) MUST_CHECK;
void owed_free(struct owed *owed); /* NULL is allowed */

/* The client has ino with at least size bytes. -ENOMEM. Takes LOCK_RANK_LEAF, as all of these. */
int owed_add_size(struct owed *owed, uint32_t ino, uint64_t size) MUST_CHECK;

/* That size, 0 if nothing is known. */
uint64_t owed_size(struct owed *owed, uint32_t ino);

/* The image has size bytes, or is meant to have no more. */
void owed_settle_size(struct owed *owed, uint32_t ino);

/* Data of ino that the client takes for written is lost. */
void owed_add_error(struct owed *owed, uint32_t ino, int err);

/* The error, which is told once; 0: none. */
int owed_take_error(struct owed *owed, uint32_t ino);

/*
 * We have written contents of files, all of which may be in a cache where the client, who reads and writes past it,
 * does not see them.
 */
void owed_note_write(struct owed *owed);

/* Whether that has happened since this was asked last. */
bool owed_take_written(struct owed *owed);

/* The client does not know ino any more, or another file has the number now. */
void owed_forget(struct owed *owed, uint32_t ino);

#endif
