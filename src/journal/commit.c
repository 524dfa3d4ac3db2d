// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commits and checkpoints, by whoever is the journal's writer at the time: the thread, or somebody
 * who would have to wait for it and so is spared two wake-ups, a good part of an fsync on a fast
 * disk.
 *
 * Order of a commit, which ordered mode and recovery depend on:
 *   1. file data: written by the handles themselves, before they ended
 *   2. descriptors, copies of the buffers, revokes into the log
 *   3. flush: 1 and 2 are durable
 *   4. the commit block, and flush: the transaction is durable
 * and of a checkpoint:
 *   1. buffers of committed transactions to their homes
 *   2. flush
 *   3. the journal's superblock with the new tail, and flush: now the log's room may be used again
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "journal/journal_i.h"

/* A checkpoint begins by itself when less than half of the log is free, or half of the pins are used. */
#define LOW_SHARE 2

/* ---- the log ---- */

uint64_t journal_log_at(const struct journal_log *area, uint32_t block_size, uint64_t jblk,
	uint64_t *ret_nr)
{
	size_t low = 0, high = area->nr_runs;
	const struct journal_run *run;

	/* the last one that begins at or before jblk: the runs leave no gap */
	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (area->runs[mid].jblk <= jblk)
			low = mid;
		else
			high = mid;
	}
	run = &area->runs[low];
	*ret_nr = run->nr - (jblk - run->jblk);
	return (run->pblk + (jblk - run->jblk)) * block_size;
}

int journal_write_super(struct journal *j)
{
	const struct journal_log *area = j->config.log_area;
	uint64_t nr, off = journal_log_at(area, j->js.block_size, area->first, &nr);
	int err;

	jbd2_super_seal(j->raw_super);
	err = blk_write(area->blk, off, j->raw_super, JBD2_SUPER_SIZE);
	return err ? err : blk_flush(area->blk);
}

/* Writes nr blocks at src to the log from j->head on, in as few pieces as its map allows. */
static int log_append(struct journal *j, const uint8_t *src, uint32_t nr)
{
	const struct journal_log *area = j->config.log_area;
	uint32_t bs = j->js.block_size;

	while (nr) {
		uint64_t run, off = journal_log_at(area, bs, j->head, &run);
		int err;

		if (run > nr)
			run = nr;
		if (run > j->js.last - j->head)
			run = j->js.last - j->head;
		err = blk_write(area->blk, off, src, run * bs);
		if (err)
			return err;
		src += run * bs;
		nr -= (uint32_t)run;
		j->head += (uint32_t)run;
		if (j->head == j->js.last)
			j->head = j->js.first;
	}
	return 0;
}

/* Takes the copy of the committing transaction's buffer. */
static void take_copy_locked(struct journal *j, struct jbuf *jb, uint8_t *dst)
{
	memcpy(dst, jb->frozen ? jb->frozen : jb->buf->data, j->js.block_size);
	jb->logged = true;
	free(jb->frozen);
	jb->frozen = NULL;
}

/* One descriptor and the copies it announces: the buffers from *at on. */
static int log_descriptor(struct journal *j, struct tx *tx, size_t *at)
{
	uint32_t bs = j->js.block_size, nr = 0, max = jbd2_tags_max(&j->js);
	struct jbd2_tag_writer w;

	if (max > JOURNAL_IO_BYTES / bs)
		max = (uint32_t)(JOURNAL_IO_BYTES / bs);
	jbd2_tag_writer_start(&j->js, j->io, tx->sequence, &w);
	for (; nr < max && *at < tx->nr; (*at)++) {
		struct jbuf *jb = tx->bufs[*at];
		uint8_t *copy = j->io + (size_t)(nr + 1) * bs;
		bool freed;

		lock_take(&j->lock);
		freed = jb->freed_committing;
		if (!freed)
			take_copy_locked(j, jb, copy);
		lock_drop(&j->lock);
		if (freed)
			continue;
		jbd2_tag_writer_put(&j->js, &w, tx->sequence, jb->buf->pblk, copy);
		nr++;
	}
	if (!nr)
		return 0;
	jbd2_tag_writer_end(&j->js, &w);
	return log_append(j, j->io, nr + 1);
}

static int log_revokes(struct journal *j, struct tx *tx)
{
	uint32_t max = jbd2_revokes_max(&j->js);
	int err = 0;

	for (size_t at = 0; !err && at < tx->nr_revokes; at += max) {
		uint32_t nr = tx->nr_revokes - at < max ? (uint32_t)(tx->nr_revokes - at) : max;

		jbd2_revoke_encode(&j->js, j->io, tx->sequence, tx->revokes + at, nr);
		err = log_append(j, j->io, 1);
	}
	return err;
}

static int log_commit_block(struct journal *j, struct tx *tx)
{
	struct timespec now;
	int err;

	clock_gettime(CLOCK_REALTIME, &now);
	jbd2_commit_encode(&j->js, j->io, tx->sequence, (uint64_t)now.tv_sec, (uint32_t)now.tv_nsec);
	err = log_append(j, j->io, 1);
	return err ? err : blk_flush(j->config.log_area->blk);
}

static int log_transaction(struct journal *j, struct tx *tx)
{
	size_t at = 0;
	int err = log_revokes(j, tx);

	while (!err && at < tx->nr)
		err = log_descriptor(j, tx, &at);
	if (!err)
		err = blk_flush(j->config.blk);
	if (!err && j->config.log_area->blk != j->config.blk)
		err = blk_flush(j->config.log_area->blk);
	return err ? err : log_commit_block(j, tx);
}

/* ---- writing home ---- */

static int compare_pblk(const void *a, const void *b)
{
	uint64_t x = (*(struct jbuf *const *)a)->buf->pblk;
	uint64_t y = (*(struct jbuf *const *)b)->buf->pblk;

	return x < y ? -1 : x > y;
}

/*
 * Writes the buffers home in the order of their blocks. take says whether a buffer may go now and
 * copies it; journal->lock is held meanwhile.
 */
static int write_home(struct journal *j, struct jbuf **bufs, size_t nr,
	bool (*take)(struct journal *j, struct jbuf *jb, uint8_t *dst))
{
	uint32_t bs = j->js.block_size;
	uint64_t from = 0;
	size_t filled = 0;
	int err = 0;

	qsort(bufs, nr, sizeof(struct jbuf *), compare_pblk);
	for (size_t i = 0; !err && i < nr; i++) {
		uint64_t pblk = bufs[i]->buf->pblk;
		bool taken;

		if (filled && (pblk != from + filled || (filled + 1) * bs > JOURNAL_IO_BYTES)) {
			err = blk_write(j->config.blk, from * bs, j->io, filled * bs);
			filled = 0;
		}
		if (err)
			break;
		lock_take(&j->lock);
		taken = take(j, bufs[i], j->io + filled * bs);
		lock_drop(&j->lock);
		if (taken && !filled++)
			from = pblk;
	}
	if (!err && filled)
		err = blk_write(j->config.blk, from * bs, j->io, filled * bs);
	return err;
}

static bool take_committing(struct journal *j, struct jbuf *jb, uint8_t *dst)
{
	if (jb->freed_committing)
		return false;
	take_copy_locked(j, jb, dst);
	return true;
}

/* ---- commit ---- */

/* Ends the running transaction: no handle is in it any more. */
static struct tx *close_running_locked(struct journal *j)
{
	struct tx *tx = j->running;

	tx->state = TX_LOCKED;
	while (tx->handles)
		lock_wait(&j->lock, &j->empty);
	tx->state = TX_COMMITTING;
	j->running = NULL;
	j->committing = tx;
	for (size_t i = 0; i < tx->nr; i++) {
		struct jbuf *jb = tx->bufs[i];

		jb->running = NULL;
		jb->committing = tx;
		jb->logged = false;
		jb->freed_committing = jb->freed_running;
		jb->freed_running = false;
	}
	pthread_cond_broadcast(&j->room);
	return tx;
}

/* The transaction is durable, or never will be. */
static void finish_locked(struct journal *j, struct tx *tx, int err)
{
	j->committing = NULL;
	for (size_t i = 0; i < tx->nr; i++) {
		struct jbuf *jb = tx->bufs[i];

		jb->committing = NULL;
		free(jb->frozen);
		jb->frozen = NULL;
		if (jb->freed_committing)
			jb->cp = NULL;
		else if (j->has_log && !err)
			jb->cp = tx;
		jb->freed_committing = false;
	}
	if (!err)
		j->committed = tx->tid;
	if (err || !j->has_log || !tx->log_nr) {
		journal_tx_free_locked(j, tx);
		return;
	}
	j->log_free -= tx->log_nr;
	*(j->newest ? &j->newest->next : &j->oldest) = tx;
	j->newest = tx;
}

static void run_entries(struct journal_entry *entry, bool committed)
{
	while (entry) {
		struct journal_entry *next = entry->next;

		entry->done(entry, committed);
		entry = next;
	}
}

static void commit_run_locked(struct journal *j)
{
	struct tx *tx = close_running_locked(j);
	struct journal_entry *entries = tx->entries;
	bool aborted = j->error;
	int err = 0;

	lock_drop(&j->lock);
	if (aborted) {
		err = -EROFS;
	} else if (!tx->nr && !tx->nr_revokes) {
		err = tx->data ? blk_flush(j->config.blk) : 0;
	} else if (j->has_log) {
		tx->sequence = j->sequence++;
		tx->log_start = j->head;
		err = log_transaction(j, tx);
		tx->log_nr = (j->head + (j->js.last - j->js.first) - tx->log_start) %
			(j->js.last - j->js.first);
	} else {
		err = write_home(j, tx->bufs, tx->nr, take_committing);
		if (!err)
			err = blk_flush(j->config.blk);
	}
	lock_take(&j->lock);
	if (err)
		journal_abort_locked(j, err);
	finish_locked(j, tx, err);
	lock_drop(&j->lock);
	run_entries(entries, !err);
	lock_take(&j->lock);
	pthread_cond_broadcast(&j->room);
	pthread_cond_broadcast(&j->done);
}

/* ---- checkpoint ---- */

/* What committed transactions still have to write home; the caller frees it. */
static int collect_locked(struct journal *j, struct jbuf ***ret, size_t *ret_nr, bool *ret_busy)
{
	struct jbuf **bufs;
	size_t nr = 0;

	*ret_busy = false;
	for (struct tx *tx = j->oldest; tx; tx = tx->next)
		nr += tx->nr;
	bufs = reallocarray(NULL, nr + 1, sizeof(*bufs));
	if (!bufs)
		return -ENOMEM;
	nr = 0;
	for (struct tx *tx = j->oldest; tx; tx = tx->next)
		for (size_t i = 0; i < tx->nr; i++) {
			if (tx->bufs[i]->cp != tx)
				continue;
			if (tx->bufs[i]->running)
				*ret_busy = true;
			bufs[nr++] = tx->bufs[i];
		}
	*ret = bufs;
	*ret_nr = nr;
	return 0;
}

/* A buffer that a handle has taken meanwhile stays: its transaction's commit will bring it. */
static bool take_checkpoint(struct journal *j, struct jbuf *jb, uint8_t *dst)
{
	if (jb->running)
		return false;
	memcpy(dst, jb->buf->data, j->js.block_size);
	jb->cp = NULL;
	return true;
}

/* The transactions from the oldest on that have nothing left to write. */
static struct tx *retire_locked(struct journal *j)
{
	struct tx *first = j->oldest, *last = NULL;

	for (struct tx *tx = j->oldest; tx; tx = tx->next) {
		for (size_t i = 0; i < tx->nr; i++)
			if (tx->bufs[i]->cp == tx)
				goto out;
		last = tx;
	}
out:
	if (!last)
		return NULL;
	j->oldest = last->next;
	if (!j->oldest)
		j->newest = NULL;
	last->next = NULL;
	return first;
}

/* Makes the room of the retired transactions free on disk. */
static int move_tail(struct journal *j, const struct tx *oldest)
{
	int err = blk_flush(j->config.blk);

	/* the old tail stays: storing the error of an abort writes the same superblock */
	if (err)
		return err;
	if (oldest)
		jbd2_super_set_tail(j->raw_super, oldest->sequence, oldest->log_start);
	else
		jbd2_super_set_tail(j->raw_super, j->sequence, j->head);
	return journal_write_super(j);
}

static int checkpoint_once_locked(struct journal *j)
{
	struct jbuf **bufs = NULL;
	struct tx *retired, *oldest;
	size_t nr;
	bool busy;
	int err = collect_locked(j, &bufs, &nr, &busy);

	if (err)
		return err;
	if (busy) {
		/* their newest contents must be committed before they may go home */
		free(bufs);
		commit_run_locked(j);
		if (j->error)
			return j->error;
		err = collect_locked(j, &bufs, &nr, &busy);
		if (err)
			return err;
	}
	lock_drop(&j->lock);
	err = write_home(j, bufs, nr, take_checkpoint);
	free(bufs);
	lock_take(&j->lock);
	retired = err ? NULL : retire_locked(j);
	oldest = j->oldest;
	lock_drop(&j->lock);
	if (!err && retired)
		err = move_tail(j, oldest);
	lock_take(&j->lock);
	while (retired) {
		struct tx *tx = retired;

		retired = tx->next;
		j->log_free += tx->log_nr;
		journal_tx_free_locked(j, tx);
	}
	return err;
}

static void checkpoint_run_locked(struct journal *j)
{
	uint64_t asked = j->cp_asked;
	int err = 0;

	j->cp_running = true;
	if (j->oldest)
		err = checkpoint_once_locked(j);
	if (err)
		journal_abort_locked(j, err);
	j->cp_running = false;
	j->cp_done = j->cp_done + 1 > asked ? j->cp_done + 1 : asked;
	pthread_cond_broadcast(&j->room);
	pthread_cond_broadcast(&j->done);
}


static bool is_due(const struct timespec *due)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > due->tv_sec ||
		(now.tv_sec == due->tv_sec && now.tv_nsec >= due->tv_nsec);
}

static bool commit_wanted_locked(const struct journal *j)
{
	const struct tx *tx = j->running;

	if (!tx)
		return false;
	return j->error || !jbd2_tid_after(tx->tid, j->wanted) || is_due(&tx->due);
}

static bool checkpoint_wanted_locked(const struct journal *j)
{
	if (j->error)
		return false;
	if (j->cp_asked > j->cp_done)
		return true;
	if (!j->oldest)
		return false;
	return j->log_free < (j->js.last - j->js.first) / LOW_SHARE ||
		j->pinned * j->js.block_size > j->config.max_pinned / LOW_SHARE;
}

/* As jbd2: whoever mounts next learns that the filesystem needs to be checked. Best effort. */
static void store_error_locked(struct journal *j)
{
	int err = j->error;

	j->error_stored = true;
	if (!j->has_log || err == -EBUSY)
		return;
	lock_drop(&j->lock);
	jbd2_super_set_error(j->raw_super, err);
	if (journal_write_super(j))
		log_error(j->config.log, "the error could not be recorded in the journal");
	lock_take(&j->lock);
}

/* What is frozen stays as it is. */
static bool store_wanted_locked(const struct journal *j)
{
	return j->error && !j->error_stored && !j->frozen;
}

bool journal_work_wanted_locked(const struct journal *j)
{
	return store_wanted_locked(j) || commit_wanted_locked(j) ||
		checkpoint_wanted_locked(j);
}

void journal_commit_locked(struct journal *j)
{
	j->writing = true;
	commit_run_locked(j);
	j->writing = false;
	if (j->barred || journal_work_wanted_locked(j))
		pthread_cond_signal(&j->work);
}

static void work_locked(struct journal *j)
{
	j->writing = true;
	if (store_wanted_locked(j))
		store_error_locked(j);
	else if (commit_wanted_locked(j))
		commit_run_locked(j);
	else
		checkpoint_run_locked(j);
	j->writing = false;
	/* a waiter that could not commit by itself now may */
	pthread_cond_broadcast(&j->done);
}

/*
 * Until there is something to do. A new transaction need not wake the thread, which on a fast disk would
 * be a good part of every fsync: none is due sooner than an interval from now, and for so long the
 * thread sleeps, once more, after the last one.
 */
static void rest_locked(struct journal *j)
{
	struct timespec until;

	if (j->writing || (!j->running && !j->active)) {
		bool *why = j->writing ? &j->barred : &j->idle;

		*why = true;
		lock_wait(&j->lock, &j->work);
		*why = false;
		return;
	}
	until = j->running ? j->running->due : journal_due(j);
	j->active = false;
	lock_wait_until(&j->lock, &j->work, &until);
}

void *journal_thread(void *arg)
{
	struct journal *j = arg;

	lock_take(&j->lock);
	while (!j->stop || j->writing || journal_work_wanted_locked(j)) {
		if (!j->writing && journal_work_wanted_locked(j))
			work_locked(j);
		else
			rest_locked(j);
	}
	lock_drop(&j->lock);
	return NULL;
}
