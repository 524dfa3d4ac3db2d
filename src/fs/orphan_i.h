/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of orphans share: the list in memory, its life and its recovery. */
#ifndef EXT4D_FS_ORPHAN_I_H
#define EXT4D_FS_ORPHAN_I_H

#include <stdatomic.h>

#include "fs/orphan.h"
#include "fs/orphanfile.h"
#include "util/lock.h"

#define ORPHAN_NO_SLOT UINT32_MAX

struct orphan {
	uint32_t ino;	/* [const] */
	uint32_t slot;	/* [const] of the orphan file; ORPHAN_NO_SLOT: not there */
	uint8_t bits;	/* [table_lock] enum orphan_bits */
	bool tried;	/* [table_lock] closing has tried to free it */
	bool put_off;	/* [table_lock] to be freed when the image is not frozen any more */
	struct orphan *prev, *next; /* [lock] neighbours in the list on disk, if ORPHAN_LISTED */
	struct orphan *hash_next;   /* [table_lock] */
};

struct orphans {
	struct lock lock;	  /* rank ORPHAN: the list on disk */
	struct orphan *head;	  /* [lock] */
	struct lock table_lock;	  /* rank LEAF */
	struct orphan **table;	  /* [table_lock] by number */
	size_t buckets;		  /* [table_lock] a power of two */
	_Atomic size_t nr;	  /* written under [table_lock] */
	struct orphanfile *file;  /* [const] once recovered; owned; NULL: none */
};

/* Gives fs an empty list. -ENOMEM. */
int orphan_new(struct fs *fs) MUST_CHECK;

/* NULL if ino is no orphan. The entry stays while the caller holds the inode's lock. */
struct orphan *orphan_find(struct orphans *orphans, uint32_t ino);

/* The same for who holds table_lock. */
struct orphan *orphan_find_locked(struct orphans *orphans, uint32_t ino);

/* Adds an entry, owned from now on. */
void orphan_enter(struct orphans *orphans, struct orphan *orphan);

/* Sets s_last_orphan. */
int orphan_write_last(struct handle *h, struct fs *fs, uint32_t ino) MUST_CHECK;

/* Finishes the truncation of an orphan that has links. Locks it. */
int orphan_truncate(struct fs *fs, uint32_t ino) MUST_CHECK;

#endif
