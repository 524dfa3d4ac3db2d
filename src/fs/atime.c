// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The table holds inodes whose d.atime is newer than what the inode table has. Every way to write an
 * inode ends in atime_written(), so an entry never outlives the time it stands for, nor the inode.
 */
#include "config.h"

#include "fs/atime.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "fs/fs_i.h"

#define BUCKETS 1024
#define FLUSH_AT 2048 /* entries that wake the thread before they are due */
#define BATCH 64
#define RELATIME_AGE (24 * 60 * 60)  /* seconds, as in relatime_need_update() */
#define LAZYTIME_AGE (12 * 60 * 60)  /* seconds, the kernel's dirtytime_expire_interval */

struct pending {
	struct pending *next;
	uint32_t ino;
	struct timespec atime;
};

struct atimes {
	struct fs *fs; /* [const] */
	pthread_t thread;
	struct lock lock; /* rank LEAF */
	pthread_cond_t wake; /* stop, the first entry, or many */
	struct pending *buckets[BUCKETS]; /* [lock] */
	_Atomic size_t nr;    /* entries; changed under the lock */
	struct timespec due;  /* [lock] CLOCK_MONOTONIC: when the entries are to be written */
	bool stop;	      /* [lock] */
	bool held_back;	      /* [lock] the image was frozen: many entries are no reason to try before they are due */
};

/* ---- the table ---- */

static struct pending **find_locked(struct atimes *atimes, uint32_t ino)
{
	struct pending **at = &atimes->buckets[ino % BUCKETS];

	while (*at && (*at)->ino != ino)
		at = &(*at)->next;
	return at;
}

static bool is_empty(struct atimes *atimes)
{
	return !atomic_load_explicit(&atimes->nr, memory_order_relaxed);
}

static struct timespec due_time(const struct fs *fs)
{
	unsigned interval = fs->opts.commit_interval ? fs->opts.commit_interval : FS_COMMIT_DEFAULT;
	struct timespec due;

	clock_gettime(CLOCK_MONOTONIC, &due);
	due.tv_sec += fs->opts.lazytime ? LAZYTIME_AGE : (time_t)interval;
	return due;
}

/* Enters or changes the entry of ino. */
static int add(struct atimes *atimes, uint32_t ino, struct timespec atime)
{
	struct pending **at, *entry;
	size_t nr = 0;
	int err = 0;

	lock_take(&atimes->lock);
	at = find_locked(atimes, ino);
	entry = *at;
	if (!entry) {
		entry = *at = calloc(1, sizeof(*entry));
		if (entry)
			nr = atomic_fetch_add(&atimes->nr, 1) + 1;
		else
			err = -ENOMEM;
	}
	if (entry) {
		entry->ino = ino;
		entry->atime = atime;
	}
	if (nr == 1)
		atimes->due = due_time(atimes->fs);
	if (nr == 1 || nr == FLUSH_AT)
		pthread_cond_signal(&atimes->wake);
	lock_drop(&atimes->lock);
	return err;
}

void atime_show(struct fs *fs, uint32_t ino, struct dinode *d)
{
	struct atimes *atimes = fs->atimes;
	const struct pending *entry;

	if (!atimes || is_empty(atimes))
		return;
	lock_take(&atimes->lock);
	entry = *find_locked(atimes, ino);
	if (entry)
		d->atime = entry->atime;
	lock_drop(&atimes->lock);
}

static bool is_pending(struct fs *fs, uint32_t ino)
{
	struct atimes *atimes = fs->atimes;
	bool found;

	if (!atimes || is_empty(atimes))
		return false;
	lock_take(&atimes->lock);
	found = *find_locked(atimes, ino);
	lock_drop(&atimes->lock);
	return found;
}

void atime_written(struct fs *fs, uint32_t ino)
{
	struct atimes *atimes = fs->atimes;
	struct pending **at, *entry;

	if (!atimes || is_empty(atimes))
		return;
	lock_take(&atimes->lock);
	at = find_locked(atimes, ino);
	entry = *at;
	if (entry) {
		*at = entry->next;
		atomic_fetch_sub(&atimes->nr, 1);
	}
	lock_drop(&atimes->lock);
	free(entry);
}

/* ---- touching ---- */

static bool is_before(struct timespec a, struct timespec b)
{
	return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

/* atime_needs_update(); the caller holds inode->lock. */
static bool is_due(const struct inode *inode, struct timespec now)
{
	const struct dinode *d = &inode->d;
	const struct fs_options *opts = &inode->fs->opts;

	if (d->flags & EXT2_NOATIME_FL || (opts->nodiratime && S_ISDIR(d->mode)))
		return false;
	/* nobody reads what is gone, but requests can be forged */
	if (!d->nlink && !inode->orphan)
		return false;
	if (now.tv_sec == d->atime.tv_sec && now.tv_nsec == d->atime.tv_nsec)
		return false;
	return opts->atime == FS_ATIME_STRICT || !is_before(d->mtime, d->atime) ||
		!is_before(d->ctime, d->atime) || now.tv_sec - d->atime.tv_sec >= RELATIME_AGE;
}

void atime_touch(struct inode *inode)
{
	struct fs *fs = inode->fs;
	struct timespec now;
	bool due;

	if (!fs->atimes || !fs_is_writable(fs))
		return;
	rwlock_read(&inode->lock);
	now = dinode_clamp_time(&fs->sb, inode->d.extra_isize, inode_now());
	due = is_due(inode, now);
	rwlock_drop(&inode->lock);
	if (!due)
		return;
	rwlock_write(&inode->lock);
	if (is_due(inode, now) && !add(fs->atimes, inode->ino, now))
		inode->d.atime = now;
	rwlock_drop(&inode->lock);
}

/* ---- writing ---- */

/* -EAGAIN while the image is frozen: reading, which wants the inode's lock, must not wait for the thaw. */
static int write_locked(struct inode *inode)
{
	struct handle *h;
	int stop_err, err = journal_try_start(inode->fs->journal, INODE_CREDITS, &h);

	if (err)
		return err;
	err = inode_write_times(h, inode);
	stop_err = journal_stop(h);
	return err ? err : stop_err;
}

bool atime_write(struct inode *inode)
{
	struct fs *fs = inode->fs;
	int err = 0;

	if (!is_pending(fs, inode->ino))
		return true;
	rwlock_write(&inode->lock);
	/* another change may have taken it along */
	if (is_pending(fs, inode->ino))
		err = write_locked(inode);
	/* what cannot be written is only an access time */
	if (err && err != -EAGAIN)
		atime_written(fs, inode->ino);
	rwlock_drop(&inode->lock);
	return err != -EAGAIN;
}

static bool write_one(struct fs *fs, uint32_t ino)
{
	CLEANUP(inode_putp) struct inode *inode = NULL;

	if (!inode_get(fs, ino, &inode))
		return atime_write(inode);
	atime_written(fs, ino);
	return true;
}

/* Some inodes of the table from bucket *at on, which moves behind them. */
static size_t pick(struct atimes *atimes, size_t *at, uint32_t inos[BATCH])
{
	size_t nr = 0;

	lock_take(&atimes->lock);
	while (*at < BUCKETS && nr < BATCH) {
		const struct pending *entry = atimes->buckets[*at];

		for (; entry && nr < BATCH; entry = entry->next)
			inos[nr++] = entry->ino;
		/* what is left of the bucket heads it once these are written */
		if (!entry)
			++*at;
	}
	lock_drop(&atimes->lock);
	return nr;
}

bool atime_flush(struct fs *fs)
{
	struct atimes *atimes = fs->atimes;
	uint32_t inos[BATCH];
	size_t at, nr;

	/* entries that come meanwhile are perhaps for the next time */
	for (at = 0; atimes && !is_empty(atimes) && (nr = pick(atimes, &at, inos)) > 0;)
		for (size_t i = 0; i < nr; i++)
			if (!write_one(fs, inos[i]))
				return false;
	return true;
}

static bool is_time_locked(const struct atimes *atimes)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (atimes->nr >= FLUSH_AT && !atimes->held_back) || !is_before(now, atimes->due);
}

static void *atime_main(void *arg)
{
	struct atimes *atimes = arg;

	lock_take(&atimes->lock);
	while (!atimes->stop) {
		if (is_empty(atimes)) {
			lock_wait(&atimes->lock, &atimes->wake);
		} else if (!is_time_locked(atimes)) {
			lock_wait_until(&atimes->lock, &atimes->wake, &atimes->due);
		} else {
			bool done;

			lock_drop(&atimes->lock);
			done = atime_flush(atimes->fs);
			lock_take(&atimes->lock);
			atimes->held_back = !done;
			atimes->due = due_time(atimes->fs);
		}
	}
	lock_drop(&atimes->lock);
	return NULL;
}

/* ---- life ---- */

static void atimes_free(struct atimes *atimes)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		struct pending *entry = atimes->buckets[i];

		while (entry) {
			struct pending *next = entry->next;

			free(entry);
			entry = next;
		}
	}
	pthread_cond_destroy(&atimes->wake);
	lock_fini(&atimes->lock);
	free(atimes);
}

int atime_start(struct fs *fs)
{
	struct atimes *atimes;
	pthread_condattr_t attr;
	int err;

	if (fs->opts.atime == FS_ATIME_NONE)
		return 0;
	atimes = calloc(1, sizeof(*atimes));
	if (!atimes)
		return -ENOMEM;
	atimes->fs = fs;
	lock_init(&atimes->lock, LOCK_RANK_LEAF);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&atimes->wake, &attr);
	pthread_condattr_destroy(&attr);
	err = -pthread_create(&atimes->thread, NULL, atime_main, atimes);
	if (err)
		atimes_free(atimes);
	else
		fs->atimes = atimes;
	return err;
}

void atime_stop(struct fs *fs)
{
	struct atimes *atimes = fs->atimes;

	if (!atimes)
		return;
	lock_take(&atimes->lock);
	atimes->stop = true;
	pthread_cond_signal(&atimes->wake);
	lock_drop(&atimes->lock);
	pthread_join(atimes->thread, NULL);
	if (fs->journal)
		(void)atime_flush(fs);
	fs->atimes = NULL;
	atimes_free(atimes);
}
