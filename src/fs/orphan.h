/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Orphans: inodes without links that are still in use, and files whose truncation spans several
 * transactions. On disk they are a list through the superblock and i_dtime, or entries of the
 * orphan file; whoever mounts after a crash finishes what was begun.
 */
#ifndef EXT4D_FS_ORPHAN_H
#define EXT4D_FS_ORPHAN_H

#include "fs/inode.h"

/*
 * Notes inode as an orphan; does nothing if it is one. The caller holds its lock for writing. Takes
 * ORPHAN_CREDITS; LOCK_RANK_ORPHAN.
 */
int orphan_add(struct handle *h, struct inode *inode) MUST_CHECK;

/* The same backwards. */
int orphan_del(struct handle *h, struct inode *inode) MUST_CHECK;

/* The superblock or a block of the orphan file; this inode and the one before it in the list. */
#define ORPHAN_CREDITS (1 + 2 * INODE_CREDITS)

/* Whether ino is on the list. */
bool orphan_is_known(struct fs *fs, uint32_t ino);

/*
 * At mount, writable, after the journal's recovery: truncates and frees what is on the list and in the
 * orphan file. Damage in the list ends it, reported. -EIO, -EROFS, -ENOMEM.
 */
int orphan_recover(struct fs *fs) MUST_CHECK;

/* Frees the memory of the list. */
void orphan_fini(struct fs *fs);

/*
 * Nobody uses the unlinked inode ino any more (the kernel forgot it): frees its blocks, attributes and
 * number. Does nothing if ino is not an orphan without links. No lock may be held.
 */
int orphan_free(struct fs *fs, uint32_t ino) MUST_CHECK;

#endif
