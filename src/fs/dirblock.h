/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One block of a directory: read, verified, and what it is. */
#ifndef EXT4D_FS_DIRBLOCK_H
#define EXT4D_FS_DIRBLOCK_H

#include "format/dirent.h"
#include "fs/inode.h"

enum dirblock_kind {
	DIRBLOCK_LEAF, /* records */
	DIRBLOCK_ROOT, /* "." and "..", then the root of the index */
	DIRBLOCK_NODE, /* index only */
};

struct dirblock {
	struct buf *buf; /* held; NULL: a hole */
	uint64_t holes;	 /* blocks of the hole from this one on */
	enum dirblock_kind kind;
	struct dirent_chain chain; /* the block's records */
};

/* Where a record is. */
struct dirplace {
	struct dirblock block; /* held */
	struct dirent_rec rec; /* in there */
};

/* The record's offset in its chain. */
static inline size_t dirplace_off(const struct dirplace *place)
{
	return (size_t)(place->rec.name - place->block.chain.raw) - DIRENT_HEADER;
}

/* Whether dir has an index that may be used (is_dx()). */
bool dirblock_dir_indexed(const struct inode *dir);

/* Blocks of dir. -EUCLEAN if its size claims more than the filesystem has. */
int dirblock_count(struct inode *dir, uint64_t *ret) MUST_CHECK;

/*
 * Reads block lblk of dir and verifies its checksum; its records are not checked yet. The caller
 * ends with dirblock_fini(). -EBADMSG, -EUCLEAN, -EIO, -ENOMEM. A hole is no error: buf is NULL.
 */
int dirblock_load(struct inode *dir, uint64_t lblk, struct dirblock *ret) MUST_CHECK;
void dirblock_fini(struct dirblock *block);

/* How the records of dir are to be read; raw and size are left to the caller. */
struct dirent_chain dirblock_chain(const struct inode *dir);

#endif
