/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ranked locks. The order of enum lock_rank is the order in which one thread may take locks:
 * a lock may be taken only while every lock the thread holds has a lower rank. Builds with
 * EXT4D_DEBUG assert that with one bit mask per thread. docs/locking.md says what each covers.
 */
#ifndef EXT4D_UTIL_LOCK_H
#define EXT4D_UTIL_LOCK_H

#include <pthread.h>
#include <stddef.h>
#include <time.h>

enum lock_rank {
	LOCK_RANK_NS,	  /* the shape of the tree: directories that move */
	LOCK_RANK_INODE,  /* one inode; several only through inode_lock_many() */
	LOCK_RANK_TXN,	  /* no lock but an open journal handle, which a commit waits for */
	LOCK_RANK_XATTR,  /* the table of attribute blocks that may be shared */
	LOCK_RANK_QUOTA,  /* the usage of users, groups and projects; their files' inodes */
	LOCK_RANK_MAP,	  /* the cached extents of one inode */
	LOCK_RANK_ORPHAN, /* the list of unlinked inodes */
	LOCK_RANK_GROUP,  /* one block group: bitmaps, descriptor, counts */
	LOCK_RANK_SUPER,  /* the superblock's fields that change */
	LOCK_RANK_ICACHE, /* one shard of the inode cache */
	LOCK_RANK_ITABLE, /* the raw inodes of some blocks of the inode tables */
	LOCK_RANK_BUF,	  /* one shard of the buffer cache */
	LOCK_RANK_JOURNAL, /* the journal's transactions */
	LOCK_RANK_KEYS,	  /* the search for a key that the filesystem has not */
	LOCK_RANK_LEAF,	  /* takes nothing inside */
	LOCK_RANK_NR
};

struct lock {
	pthread_mutex_t mutex;
	enum lock_rank rank; /* [const] */
};

struct rwlock {
	pthread_rwlock_t rw;
	enum lock_rank rank; /* [const] */
};

void lock_init(struct lock *lock, enum lock_rank rank);
void lock_fini(struct lock *lock);
void lock_take(struct lock *lock);
void lock_drop(struct lock *lock);

/* Waits on cond with lock released meanwhile; spurious returns happen. */
void lock_wait(struct lock *lock, pthread_cond_t *cond);

/* The same until the CLOCK_MONOTONIC time until at the latest; cond must have been made for it. */
void lock_wait_until(struct lock *lock, pthread_cond_t *cond, const struct timespec *until);

void rwlock_init(struct rwlock *lock, enum lock_rank rank);
void rwlock_fini(struct rwlock *lock);
void rwlock_read(struct rwlock *lock);
void rwlock_write(struct rwlock *lock);
void rwlock_drop(struct rwlock *lock);

/*
 * Takes nr locks of one rank for writing, in the order given, which must be the same for all
 * threads (inodes: by number). Each is dropped by rwlock_drop_many() only.
 */
void rwlock_write_many(struct rwlock **locks, size_t nr);
void rwlock_drop_many(struct rwlock **locks, size_t nr);

/*
 * For what is waited for like a lock without being one (an open journal handle): the rank counts as
 * held by this thread from enter to leave.
 */
void lock_rank_enter(enum lock_rank rank);
void lock_rank_leave(enum lock_rank rank);

#endif
