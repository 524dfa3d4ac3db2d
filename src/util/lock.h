/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ranked locks. The order of enum lock_rank is the order in which one thread may take locks:
 * a lock may be taken only while every lock the thread holds has a lower rank. Builds with
 * EXT4D_DEBUG assert that with one bit mask per thread. docs/locking.md says what each covers.
 */
#ifndef EXT4D_UTIL_LOCK_H
#define EXT4D_UTIL_LOCK_H

#include <pthread.h>

enum lock_rank {
	LOCK_RANK_ICACHE, /* one shard of the inode cache */
	LOCK_RANK_INODE,  /* one inode */
	LOCK_RANK_MAP,	  /* the cached extents of one inode */
	LOCK_RANK_GROUP,  /* free counts summed over the groups */
	LOCK_RANK_BUF,	  /* one shard of the buffer cache */
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

void rwlock_init(struct rwlock *lock, enum lock_rank rank);
void rwlock_fini(struct rwlock *lock);
void rwlock_read(struct rwlock *lock);
void rwlock_write(struct rwlock *lock);
void rwlock_drop(struct rwlock *lock);

#endif
