/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Orphans: inodes without links that are still in use, and files whose truncation spans several
 * transactions. On disk they are a list through the superblock and i_dtime, or entries of the
 * orphan file; whoever mounts after a crash finishes what was begun.
 */
#ifndef EXT4D_FS_ORPHAN_H
#define EXT4D_FS_ORPHAN_H

#include "fs/inode.h"

/* What struct inode's field orphan remembers of an orphan. */
enum orphan_bits {
	ORPHAN_KNOWN = 1,    /* it is one */
	ORPHAN_LISTED = 2,   /* in the list on disk: i_dtime is the number of the next one */
	ORPHAN_LINKABLE = 4, /* made by O_TMPFILE: may get a name */
};

/*
 * Notes inode as an orphan; does nothing if it is one. The caller holds its lock for writing. Takes
 * ORPHAN_CREDITS; LOCK_RANK_ORPHAN.
 */
int orphan_add(struct handle *h, struct inode *inode) MUST_CHECK;

/* The same backwards. The caller goes on with inode_write(), for i_dtime. */
int orphan_del(struct handle *h, struct inode *inode) MUST_CHECK;

/* The superblock or a block of the orphan file; this inode and the one before it in the list. */
#define ORPHAN_CREDITS (1 + 2 * INODE_CREDITS)

/* Whether ino is an orphan. Takes LOCK_RANK_LEAF. */
bool orphan_is_known(struct fs *fs, uint32_t ino);

/* What a new object of inode ino has as its orphan field. Takes LOCK_RANK_LEAF. */
uint8_t orphan_bits(struct fs *fs, uint32_t ino);

/* The orphan inode may get a name. The caller holds its lock for writing. */
void orphan_set_linkable(struct inode *inode);

/*
 * At mount, writable, after the journal's recovery: truncates and frees what is on the list and in
 * the orphan file. Damage in the list ends it, reported. -EIO, -EROFS, -ENOMEM.
 */
int orphan_recover(struct fs *fs) MUST_CHECK;

/*
 * Before the filesystem is closed, no inode being held: frees the orphans that are left. The first
 * error.
 */
int orphan_close(struct fs *fs) MUST_CHECK;

/*
 * Whether slots of the orphan file are in use, or damaged: ORPHAN_PRESENT has to stay. For closing,
 * takes no lock.
 */
bool orphan_file_in_use(const struct fs *fs);

/* Frees the memory of the list, after orphan_close() or where that cannot be done. */
void orphan_fini(struct fs *fs);

/*
 * Nobody uses the unlinked inode ino any more (the kernel forgot it): frees its blocks, attributes
 * and number. Does nothing if ino is not an orphan without links; if the image is frozen, leaves it for
 * orphan_thawed(). No lock may be held.
 */
int orphan_free(struct fs *fs, uint32_t ino) MUST_CHECK;

/* The image is not frozen any more: frees what was left. No lock may be held. */
void orphan_thawed(struct fs *fs);

#endif
