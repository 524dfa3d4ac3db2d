// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "util/lock.h"

#include <assert.h>
#include <stdlib.h>

#if EXT4D_DEBUG
static _Thread_local unsigned held_ranks; /* bit r: this thread holds a lock of rank r */

static void rank_enter(enum lock_rank rank)
{
	assert(held_ranks >> rank == 0);
	held_ranks |= 1u << rank;
}

static void rank_leave(enum lock_rank rank)
{
	assert(held_ranks & (1u << rank));
	held_ranks &= ~(1u << rank);
}
#else
static void rank_enter(enum lock_rank rank)
{
	(void)rank;
}

static void rank_leave(enum lock_rank rank)
{
	(void)rank;
}
#endif

/* Every error of these calls is a bug of the caller; going on would corrupt state. */
static void must(int err)
{
	if (err)
		abort();
}

void lock_init(struct lock *lock, enum lock_rank rank)
{
	must(pthread_mutex_init(&lock->mutex, NULL));
	lock->rank = rank;
}

void lock_fini(struct lock *lock)
{
	must(pthread_mutex_destroy(&lock->mutex));
}

void lock_take(struct lock *lock)
{
	rank_enter(lock->rank);
	must(pthread_mutex_lock(&lock->mutex));
}

void lock_drop(struct lock *lock)
{
	must(pthread_mutex_unlock(&lock->mutex));
	rank_leave(lock->rank);
}

void lock_wait(struct lock *lock, pthread_cond_t *cond)
{
	must(pthread_cond_wait(cond, &lock->mutex));
}

void rwlock_init(struct rwlock *lock, enum lock_rank rank)
{
	must(pthread_rwlock_init(&lock->rw, NULL));
	lock->rank = rank;
}

void rwlock_fini(struct rwlock *lock)
{
	must(pthread_rwlock_destroy(&lock->rw));
}

void rwlock_read(struct rwlock *lock)
{
	rank_enter(lock->rank);
	must(pthread_rwlock_rdlock(&lock->rw));
}

void rwlock_write(struct rwlock *lock)
{
	rank_enter(lock->rank);
	must(pthread_rwlock_wrlock(&lock->rw));
}

void rwlock_drop(struct rwlock *lock)
{
	must(pthread_rwlock_unlock(&lock->rw));
	rank_leave(lock->rank);
}
