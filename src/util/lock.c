// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "util/lock.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#if EXT4D_DEBUG
static _Thread_local unsigned held_ranks; /* bit r: this thread holds a lock of rank r */

void lock_rank_enter(enum lock_rank rank)
{
	assert(held_ranks >> rank == 0);
	held_ranks |= 1u << rank;
}

void lock_rank_leave(enum lock_rank rank)
{
	assert(held_ranks & (1u << rank));
	held_ranks &= ~(1u << rank);
}
#else
void lock_rank_enter(enum lock_rank rank)
{
	(void)rank;
}

void lock_rank_leave(enum lock_rank rank)
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
	lock_rank_enter(lock->rank);
	must(pthread_mutex_lock(&lock->mutex));
}

void lock_drop(struct lock *lock)
{
	must(pthread_mutex_unlock(&lock->mutex));
	lock_rank_leave(lock->rank);
}

void lock_wait(struct lock *lock, pthread_cond_t *cond)
{
	must(pthread_cond_wait(cond, &lock->mutex));
}

void lock_wait_until(struct lock *lock, pthread_cond_t *cond, const struct timespec *until)
{
	int err = pthread_cond_timedwait(cond, &lock->mutex, until);

	must(err == ETIMEDOUT ? 0 : err);
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
	lock_rank_enter(lock->rank);
	must(pthread_rwlock_rdlock(&lock->rw));
}

void rwlock_write(struct rwlock *lock)
{
	lock_rank_enter(lock->rank);
	must(pthread_rwlock_wrlock(&lock->rw));
}

void rwlock_drop(struct rwlock *lock)
{
	must(pthread_rwlock_unlock(&lock->rw));
	lock_rank_leave(lock->rank);
}

void rwlock_write_many(struct rwlock **locks, size_t nr)
{
	if (nr)
		lock_rank_enter(locks[0]->rank);
	for (size_t i = 0; i < nr; i++)
		must(pthread_rwlock_wrlock(&locks[i]->rw));
}

void rwlock_drop_many(struct rwlock **locks, size_t nr)
{
	for (size_t i = nr; i > 0; i--)
		must(pthread_rwlock_unlock(&locks[i - 1]->rw));
	if (nr)
		lock_rank_leave(locks[0]->rank);
}
