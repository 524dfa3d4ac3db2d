// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The block is read and written around cache and journal. What is there is compared with what we wrote
 * last before every write, so a host that was stopped for longer than others wait notices.
 *
 * Others wait for a while that depends on what we write: check_interval. It follows the time a round
 * took, so that they are more patient with a host whose storage is slow.
 */
#include "config.h"

#include "fs/mmp_guard.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <time.h>

#include "format/mmp.h"
#include "fs/fs_i.h"

/* Seconds; EXT4_MMP_UPDATE_INTERVAL and the like. */
#define UPDATE_DEFAULT 5
#define UPDATE_MAX 300
#define CHECK_MIN 5
#define CHECK_MAX 300
#define CHECK_MULT 2

/* Failures to write are said once in so many. */
#define FAILURES_PER_LINE 60

struct mmp_guard {
	struct fs *fs;		/* [const] */
	struct blk *blk;	/* [const] the image, whatever lies over it by now */
	uint64_t off;		/* [const] bytes, of the block */
	unsigned interval;	/* [const] seconds between writes */
	struct mmp mine;	/* thread's: what was written last */
	unsigned failures;	/* thread's */
	pthread_t thread;
	struct lock lock;	/* rank SUPER, as an abort takes the journal's inside */
	pthread_cond_t wake;
	struct journal *journal; /* [lock] to be aborted; may be NULL */
	bool stop;		/* [lock] */
	bool paused;		/* [lock] nothing is written */
	bool busy;		/* [lock] a round is under way */
	bool hurry;		/* [lock] one is wanted at once */
	bool lost;		/* [lock] somebody else has written */
};

/* ---- time ---- */

static uint64_t second_ns(const struct fs *fs)
{
	return (fs->opts.mmp_second_ms ? fs->opts.mmp_second_ms : 1000) * UINT64_C(1000000);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static struct timespec to_timespec(uint64_t ns)
{
	return (struct timespec){ .tv_sec = (time_t)(ns / 1000000000),
		.tv_nsec = (long)(ns % 1000000000) };
}

static void wait_seconds(const struct fs *fs, unsigned seconds)
{
	struct timespec until = to_timespec(now_ns() + seconds * second_ns(fs));

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}

/* ---- the block ---- */

static int block_read(const struct mmp_guard *guard, uint8_t raw[MMP_SIZE], struct mmp *ret)
{
	struct fs *fs = guard->fs;
	int err;

	blk_refresh(guard->blk, guard->off, MMP_SIZE);
	err = blk_read(guard->blk, guard->off, raw, MMP_SIZE);
	if (err)
		log_error(fs->log, "cannot read the multiple mount protection block: %s",
			strerror(-err));
	else if (mmp_decode(raw, ret))
		err = fs_corrupt(fs, 0, -EUCLEAN, "not a multiple mount protection block");
	else if (super_has_metadata_csum(&fs->sb) && !mmp_csum_valid(raw, fs->sb.csum_seed))
		err = fs_corrupt(fs, 0, -EBADMSG, "wrong checksum of the multiple mount protection "
						  "block");
	return err;
}

/* raw: what the block holds besides. */
static int block_write(struct mmp_guard *guard, uint8_t raw[MMP_SIZE], uint32_t seq)
{
	const struct super *sb = &guard->fs->sb;
	int err;

	guard->mine.seq = seq;
	guard->mine.time = (uint64_t)time(NULL);
	mmp_encode(&guard->mine, raw);
	if (super_has_metadata_csum(sb))
		mmp_csum_set(raw, sb->csum_seed);
	err = blk_write(guard->blk, guard->off, raw, MMP_SIZE);
	return err ? err : blk_flush(guard->blk);
}

static bool same_writer(const struct mmp *a, const struct mmp *b)
{
	return a->seq == b->seq && !strcmp(a->node, b->node);
}

static int say_in_use(struct fs *fs, const struct mmp *mmp)
{
	log_error(fs->log, "this filesystem is in use on %s (%s): it is mounted for writing there",
		mmp->node, mmp->device);
	return -EBUSY;
}

/* ---- the thread ---- */

/* Returns true when the guard is to stop; else a round has begun. */
static bool sleep_until(struct mmp_guard *guard, uint64_t ns)
{
	struct timespec until = to_timespec(ns);
	bool stop;

	lock_take(&guard->lock);
	while (!guard->stop && (guard->paused || (!guard->hurry && now_ns() < ns))) {
		if (guard->paused)
			lock_wait(&guard->lock, &guard->wake);
		else
			lock_wait_until(&guard->lock, &guard->wake, &until);
	}
	stop = guard->stop;
	guard->busy = !stop;
	lock_drop(&guard->lock);
	return stop;
}

/* What is in the block is not what we wrote: nothing may be written from now on. */
static void give_up(struct mmp_guard *guard, const struct mmp *found)
{
	struct fs *fs = guard->fs;

	atomic_store(&fs->read_only, true);
	log_error(fs->log, "another user of this filesystem appeared: %s (%s); it is read-only from "
			   "now on", found->node, found->device);
	lock_take(&guard->lock);
	guard->lost = true;
	if (guard->journal)
		journal_abort(guard->journal, -EBUSY);
	lock_drop(&guard->lock);
}

/* One round. false: the filesystem is not ours any more. */
static bool renew(struct mmp_guard *guard)
{
	uint32_t seq = guard->mine.seq >= MMP_SEQ_MAX ? 1 : guard->mine.seq + 1;
	uint8_t raw[MMP_SIZE];
	struct mmp found;
	int err = block_read(guard, raw, &found);

	if (!err && !same_writer(&found, &guard->mine)) {
		give_up(guard, &found);
		return false;
	}
	if (!err) {
		struct mmp before = guard->mine;

		err = block_write(guard, raw, seq);
		if (err)
			guard->mine = before;
	}
	if (err && guard->failures++ % FAILURES_PER_LINE == 0)
		log_error(guard->fs->log, "cannot renew the multiple mount protection: %s",
			strerror(-err));
	return true;
}

static void end_round(struct mmp_guard *guard)
{
	lock_take(&guard->lock);
	guard->busy = guard->hurry = false;
	pthread_cond_broadcast(&guard->wake);
	lock_drop(&guard->lock);
}

static unsigned clamp(uint64_t value, unsigned min, unsigned max)
{
	return value < min ? min : value > max ? max : (unsigned)value;
}

static void *guard_main(void *arg)
{
	struct mmp_guard *guard = arg;
	uint64_t second = second_ns(guard->fs), round = guard->interval * second;
	uint64_t began = now_ns();

	while (!sleep_until(guard, began + round)) {
		uint64_t took = now_ns() - began;
		bool ours;

		began = now_ns();
		guard->mine.check_interval =
			(uint16_t)clamp(CHECK_MULT * took / second, CHECK_MIN, CHECK_MAX);
		ours = renew(guard);
		end_round(guard);
		if (!ours)
			break;
	}
	return NULL;
}

/* ---- start and stop ---- */

/* How long a number must not have moved. */
static unsigned wait_time(const struct mmp_guard *guard, const struct mmp *mmp)
{
	unsigned check = guard->fs->sb.mmp_update_interval;

	if (check < CHECK_MIN)
		check = CHECK_MIN;
	if (check < mmp->check_interval)
		check = mmp->check_interval;
	return check * 2 + 1 < check + 60 ? check * 2 + 1 : check + 60;
}

/* Waits whether who was there still is. raw and mmp: the block, before and after. */
static int wait_for_user(struct mmp_guard *guard, unsigned seconds, uint8_t raw[MMP_SIZE],
	struct mmp *mmp)
{
	struct fs *fs = guard->fs;
	uint32_t seq = mmp->seq;
	int err;

	log_warn(fs->log, "waiting %u seconds for a sign of life from %s (%s), which has or had this "
			  "filesystem mounted", seconds * 2, mmp->node, mmp->device);
	wait_seconds(fs, seconds);
	err = block_read(guard, raw, mmp);
	return !err && mmp->seq != seq ? say_in_use(fs, mmp) : err;
}

static uint32_t random_seq(void)
{
	uint32_t seq = 0;

	do {
		if (getrandom(&seq, sizeof(seq), 0) != sizeof(seq))
			seq = (uint32_t)now_ns();
	} while (seq > MMP_SEQ_MAX);
	return seq;
}

static void set_names(struct mmp_guard *guard)
{
	const char *device = guard->fs->opts.device;
	struct utsname uts;

	if (!uname(&uts))
		memcpy(guard->mine.node, uts.nodename,
			strnlen(uts.nodename, sizeof(guard->mine.node) - 1));
	if (device)
		memcpy(guard->mine.device, device,
			strnlen(device, sizeof(guard->mine.device) - 1));
}

/*
 * Writes a number and looks whether it stays, in case somebody else does the same right now. With a
 * block that was clean there is no wait, as in the kernel.
 */
static int claim(struct mmp_guard *guard)
{
	struct fs *fs = guard->fs;
	uint8_t raw[MMP_SIZE];
	unsigned seconds = 0;
	struct mmp mmp;
	int err = block_read(guard, raw, &mmp);

	if (!err && mmp.state == MMP_FSCK) {
		log_error(fs->log, "e2fsck runs on this filesystem on %s (%s); if that is not so, "
				   "tune2fs -f -E clear_mmp helps", mmp.node, mmp.device);
		return -EBUSY;
	}
	if (!err && mmp.state == MMP_IN_USE) {
		seconds = wait_time(guard, &mmp);
		err = wait_for_user(guard, seconds, raw, &mmp);
	}
	if (err)
		return err;
	guard->mine.check_interval =
		(uint16_t)clamp((uint64_t)CHECK_MULT * guard->interval, CHECK_MIN, CHECK_MAX);
	err = block_write(guard, raw, random_seq());
	if (err) {
		log_error(fs->log, "cannot write the multiple mount protection block: %s",
			strerror(-err));
		return err;
	}
	wait_seconds(fs, seconds);
	err = block_read(guard, raw, &mmp);
	return !err && !same_writer(&mmp, &guard->mine) ? say_in_use(fs, &mmp) : err;
}

static int start_thread(struct mmp_guard *guard)
{
	pthread_condattr_t attr;
	int err;

	lock_init(&guard->lock, LOCK_RANK_SUPER);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&guard->wake, &attr);
	pthread_condattr_destroy(&attr);
	err = -pthread_create(&guard->thread, NULL, guard_main, guard);
	if (err) {
		pthread_cond_destroy(&guard->wake);
		lock_fini(&guard->lock);
	}
	return err;
}

int mmp_guard_start(struct fs *fs)
{
	CLEANUP(cleanup_free) struct mmp_guard *guard = NULL;
	const struct super *sb = &fs->sb;
	int err;

	if (!super_has_mmp(sb))
		return 0;
	if (!super_block_range_valid(sb, sb->mmp_block, 1))
		return fs_corrupt(fs, 0, -EUCLEAN, "the multiple mount protection block lies at %llu",
			(unsigned long long)sb->mmp_block);
	guard = calloc(1, sizeof(*guard));
	if (!guard)
		return -ENOMEM;
	guard->fs = fs;
	guard->blk = fs->blk;
	guard->off = sb->mmp_block << sb->block_bits;
	guard->interval = sb->mmp_update_interval ? sb->mmp_update_interval : UPDATE_DEFAULT;
	if (guard->interval > UPDATE_MAX)
		guard->interval = UPDATE_MAX;
	set_names(guard);
	err = claim(guard);
	if (!err)
		err = start_thread(guard);
	if (!err)
		fs->mmp = STEAL(guard);
	return err;
}

int mmp_guard_check(struct fs *fs)
{
	bool lost = false;

	if (fs->mmp) {
		lock_take(&fs->mmp->lock);
		lost = fs->mmp->lost;
		lock_drop(&fs->mmp->lock);
	}
	return lost ? -EBUSY : 0;
}

void mmp_guard_watch(struct fs *fs, struct journal *journal)
{
	if (!fs->mmp)
		return;
	lock_take(&fs->mmp->lock);
	fs->mmp->journal = journal;
	if (journal && fs->mmp->lost)
		journal_abort(journal, -EBUSY);
	lock_drop(&fs->mmp->lock);
}

void mmp_guard_pause(struct fs *fs)
{
	if (!fs->mmp)
		return;
	lock_take(&fs->mmp->lock);
	fs->mmp->paused = true;
	while (fs->mmp->busy)
		lock_wait(&fs->mmp->lock, &fs->mmp->wake);
	lock_drop(&fs->mmp->lock);
}

int mmp_guard_resume(struct fs *fs)
{
	struct mmp_guard *guard = fs->mmp;

	if (!guard)
		return 0;
	lock_take(&guard->lock);
	guard->paused = false;
	guard->hurry = !guard->lost;
	pthread_cond_broadcast(&guard->wake);
	while (guard->hurry)
		lock_wait(&guard->lock, &guard->wake);
	lock_drop(&guard->lock);
	return mmp_guard_check(fs);
}

int mmp_guard_stop(struct fs *fs)
{
	CLEANUP(cleanup_free) struct mmp_guard *guard = STEAL(fs->mmp);
	uint8_t raw[MMP_SIZE];
	struct mmp found;
	int err = 0;

	if (!guard)
		return 0;
	lock_take(&guard->lock);
	guard->stop = true;
	pthread_cond_broadcast(&guard->wake);
	lock_drop(&guard->lock);
	pthread_join(guard->thread, NULL);
	if (guard->lost || guard->paused)
		goto out;
	err = block_read(guard, raw, &found);
	if (!err && same_writer(&found, &guard->mine))
		err = block_write(guard, raw, MMP_SEQ_CLEAN);
out:
	pthread_cond_destroy(&guard->wake);
	lock_fini(&guard->lock);
	return err;
}
