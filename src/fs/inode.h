/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inodes in memory. dinode_load() is for who needs the attributes alone (look-up, readdirplus):
 * it decodes from the buffer of the inode table. inode_get() is for who goes on to read:
 * the object caches the inode's extents and stays in a bounded cache after inode_put().
 */
#ifndef EXT4D_FS_INODE_H
#define EXT4D_FS_INODE_H

#include "cache/cache.h"
#include "format/dinode.h"
#include "fs/extmap.h"
#include "fs/fs.h"
#include "util/lock.h"


struct inode {
	struct fs *fs;	   /* [const] */
	uint32_t ino;	   /* [const] */
	uint32_t csum_seed;/* [const] see dinode_csum_seed() */
	struct dinode d;   /* [const] while the filesystem is read-only */
	struct extmap map; /* its own lock inside; see map.h */
	/* private to icache.c */
	unsigned refs;		 /* [shard lock] */
	struct inode *hash_next; /* [shard lock] */
	struct inode *prev, *next; /* [shard lock] unreferenced ones, oldest first */
};

/*
 * Reads the attributes of ino from disk. Only inodes that a directory may name: reserved inodes,
 * those of quota, orphan file and attribute values are -EUCLEAN. -ESTALE: not a number of this
 * filesystem, or not in use; -EBADMSG, -EUCLEAN, -EIO.
 */
int dinode_load(struct fs *fs, uint32_t ino, struct dinode *ret) MUST_CHECK;

/* The same for any inode in use: the journal, a value inode of ea_inode. */
int dinode_load_special(struct fs *fs, uint32_t ino, struct dinode *ret) MUST_CHECK;

/* 0 if a directory may name this inode, else -EUCLEAN, reported. */
int dinode_check_user(struct fs *fs, uint32_t ino, const struct dinode *d) MUST_CHECK;

/*
 * The raw bytes of any inode, sb->inode_size of them, inside the held buffer *ret_buf; its
 * checksum verified. -ESTALE not a number of this filesystem; -EBADMSG, -EUCLEAN, -EIO.
 */
int dinode_load_raw(struct fs *fs, uint32_t ino, struct buf **ret_buf, const uint8_t **ret_raw)
	MUST_CHECK;

/*
 * The same as they lie on disk, before fast commits and unverified. -ESTALE, -EUCLEAN, -EIO.
 */
int dinode_load_disk(struct fs *fs, uint32_t ino, struct buf **ret_buf, const uint8_t **ret_raw)
	MUST_CHECK;

/* Holds ino. Errors as dinode_load(), -ENOMEM. Takes LOCK_RANK_ICACHE, not during IO. */
int inode_get(struct fs *fs, uint32_t ino, struct inode **ret) MUST_CHECK;

/* The same on top of dinode_load_special(). */
int inode_get_special(struct fs *fs, uint32_t ino, struct inode **ret) MUST_CHECK;

void inode_put(struct inode *inode);

/* For CLEANUP. */
static inline void inode_putp(struct inode **inode)
{
	if (*inode)
		inode_put(*inode);
}

#endif
