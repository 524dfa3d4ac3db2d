/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of fs/ share about an open filesystem. */
#ifndef EXT4D_FS_FS_I_H
#define EXT4D_FS_FS_I_H

#include <ext2fs/ext2fs.h>
#include <stdatomic.h>

#include "cache/cache.h"
#include "fs/errors.h"
#include "fs/fs.h"
#include "journal/journal.h"
#include "util/lock.h"

struct icache;
struct usage;
struct fcr;
struct scratch;
struct groups;
struct xattrcache;
struct orphans;
struct mmp_guard;
struct atimes;
struct owed;
struct keyring;

#define FS_ITABLE_LOCKS 64

struct fs {
	struct super sb;	/* [const] */
	struct fs_options opts; /* [const] */
	struct log *log;	/* [const] */
	struct blk *blk;	/* [const] owned; the image with the journal's blocks over it */
	struct cache *cache;	/* [const] owned; fs block size */
	ext2_filsys ext2;	/* [const] owned; superblock only, for libext2fs's format functions */
	struct icache *icache;	/* [const] owned */
	struct xattrcache *xattrs; /* [const] owned; NULL unless writable */
	struct scratch *replayed; /* what fast commits change, until writable_start(); owned */
	uint32_t resume;	/* with that: the transaction that they are of */
	struct fcr *fcr;	/* [const] owned; NULL unless a fast commit was replayed */
	struct journal *journal; /* [const] owned; NULL unless opened writable */
	struct mmp_guard *mmp;	/* [const] owned; NULL unless it is protected while writable */
	struct journal_log journal_log; /* [const] where it lies; runs owned */
	struct usage *usage;	/* [const] owned; NULL unless writable and with quota files */
	struct atimes *atimes;	/* [const] owned; NULL unless writable and access times move */
	struct owed *owed;	/* [const] owned; not NULL: clients write blocks by themselves, see file_iomap.h */
	struct keyring *keyring; /* [const] owned; NULL unless with the encrypt feature */
	atomic_bool read_only;	/* opened so, or since an error */
	atomic_bool frozen;	/* nothing may be written, see fs_freeze() */
	atomic_bool shut_down;	/* or ever again, see fs_shutdown() */
	struct errors errors;	/* its own lock inside */
	uint32_t errors_before; /* [const] s_error_count at mount */
	bool marked_used;	/* [const] the superblock says that we are using it */
	uint16_t mount_state;	/* [const] s_state as it was before */
	struct orphans *orphans; /* [const] owned; NULL unless opened writable */
	struct lock ns_lock;	/* rank NS; which directory is above which, see namei_rename.c */
	struct lock super_lock; /* rank SUPER; the superblock's bytes in its buffer */
	struct rwlock itable_locks[FS_ITABLE_LOCKS]; /* rank ITABLE; see fs_itable_lock() */
	struct groups *groups;	/* [const] owned */
	bool recovered;		/* [const] once open: its journal was replayed, counts are old */
	struct lock find_key_lock; /* rank KEYS; opts.find_key and what is made of its answer */
	struct lock sum_lock;	/* rank GROUP */
	bool summed;		/* [sum_lock] overhead is valid, and constant from then on */
	uint64_t overhead;	/* [sum_lock] clusters no file can have */
};

/*
 * Protects the raw inodes in block pblk of an inode table: held for writing while one is stored, for
 * reading while one is decoded.
 */
static inline struct rwlock *fs_itable_lock(struct fs *fs, uint64_t pblk)
{
	return &fs->itable_locks[pblk % FS_ITABLE_LOCKS];
}

/* How many turns of a loop lie between two questions. */
#define FS_INTERRUPT_TURNS 4096

/* Whether turn n of a long loop is the time to ask, and the answer is to give up. */
static inline bool fs_interrupted(const struct fs *fs, uint64_t n)
{
	return n % FS_INTERRUPT_TURNS == FS_INTERRUPT_TURNS - 1 && fs->opts.interrupted &&
		fs->opts.interrupted();
}

#endif
