/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hidden quota file while the filesystem is writable: finding, making and removing the entries of
 * ids. What lies in the buffers of its blocks is the truth, changed within handles only; in memory
 * there is nothing but where entries were seen.
 *
 * Nobody takes the lock of a quota file's inode: there is an open handle whenever it is changed.
 * What that lock would cover is covered by quotafile->lock, and only this file touches these
 * inodes.
 *
 * Entries do not move. They are removed by quotafile_tidy() alone, when nobody else is at work.
 */
#ifndef EXT4D_FS_QUOTAFILE_H
#define EXT4D_FS_QUOTAFILE_H

#include "format/dquot.h"
#include "fs/inode.h"

struct quotafile_place;

struct quotafile {
	struct fs *fs;	      /* [const] */
	enum dquot_type type; /* [const] */
	struct inode *inode;  /* [lock] held; the pointer is constant */
	struct lock lock;     /* rank QUOTA; held over IO */
	bool damaged;	      /* [lock] nothing is counted any more */
	struct quotafile_place *places; /* [lock] owned */
	uint32_t block_grace, inode_grace; /* [const] seconds */
};

/* An entry, read and, once buf was announced, changed under the file's lock. */
struct quotafile_entry {
	struct buf *buf; /* held; NULL: there is none */
	uint8_t *raw;	 /* in it; see dquot_decode() */
};

static inline void quotafile_entry_fini(struct quotafile_entry *entry)
{
	cache_put(entry->buf);
}

/*
 * Opens the file of type, which the superblock must name. -EUCLEAN, -EBADMSG damaged (reported),
 * -EIO, -ENOMEM.
 */
int quotafile_open(struct fs *fs, enum dquot_type type, struct quotafile **ret) MUST_CHECK;

/* NULL is allowed. */
void quotafile_close(struct quotafile *file);

/*
 * Finds the entry of id. Damage is -EUCLEAN or -EBADMSG, reported. -EIO, -ENOMEM. The caller holds
 * file->lock.
 */
int quotafile_find_locked(struct quotafile *file, uint32_t id, struct quotafile_entry *ret)
	MUST_CHECK;

/*
 * Makes the entry of id, which has none, with nothing in it. Takes quotafile_insert_credits() or,
 * with extend, extends the handle as far as it has to. -ENOSPC: the filesystem is full, or the
 * handle's transaction. Other errors as above, -EROFS. Nothing but the file's length has changed on
 * an error.
 */
int quotafile_insert_locked(struct handle *h, struct quotafile *file, uint32_t id, bool extend,
	struct quotafile_entry *ret) MUST_CHECK;

/* Takes file->lock. */
unsigned quotafile_insert_credits(struct quotafile *file);

/*
 * At unmount, without an open handle: removes entries that have become idle, as far as it is known
 * where they are. Opens handles of its own; errors are not worth reporting, what stays does no
 * harm.
 */
void quotafile_tidy(struct quotafile *file);

#endif
