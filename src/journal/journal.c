// SPDX-License-Identifier: GPL-2.0-or-later
/* Handles, and which buffers belong to which transaction. The states are journal_i.h's. */
#include "config.h"

#include "journal/journal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "journal/journal_i.h"

/* A transaction takes at most this share of the log, as jbd2 has it; a checkpoint frees the rest. */
#define TX_SHARE 4

/* Fewest buffers of a transaction, however small the cache: the smallest log's share. */
#define TX_MIN 256

/* ---- transactions ---- */

struct timespec journal_due(const struct journal *j)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	now.tv_sec += j->config.interval;
	return now;
}

static struct tx *tx_new_locked(struct journal *j)
{
	struct tx *tx = calloc(1, sizeof(*tx));

	if (!tx)
		return NULL;
	tx->tid = j->next_tid++;
	tx->state = TX_RUNNING;
	tx->due = journal_due(j);
	tx->entries_end = &tx->entries;
	j->running = tx;
	j->active = true;
	if (j->idle)
		pthread_cond_signal(&j->work);
	return tx;
}

/* One array less names jb; the last one lets go of the buffer. */
static void jbuf_put_locked(struct journal *j, struct jbuf *jb)
{
	if (--jb->refs)
		return;
	assert(!jb->running && !jb->committing);
	jb->buf->jbuf = NULL;
	cache_put(jb->buf);
	free(jb->frozen);
	free(jb);
	j->pinned--;
}

void journal_tx_free_locked(struct journal *j, struct tx *tx)
{
	for (size_t i = 0; i < tx->nr; i++) {
		struct jbuf *jb = tx->bufs[i];

		if (jb->cp == tx)
			jb->cp = NULL;
		jbuf_put_locked(j, jb);
	}
	free(tx->bufs);
	free(tx->revokes);
	free(tx);
}

uint32_t journal_log_blocks(const struct journal *j, size_t nr, size_t nr_revokes)
{
	uint32_t tags, revokes;

	if (!j->has_log)
		return 0;
	tags = jbd2_tags_max(&j->js);
	if (tags > JOURNAL_IO_BYTES / j->js.block_size)
		tags = (uint32_t)(JOURNAL_IO_BYTES / j->js.block_size);
	revokes = jbd2_revokes_max(&j->js);
	return (uint32_t)(nr + (nr + tags - 1) / tags + (nr_revokes + revokes - 1) / revokes + 1);
}

/* ---- starting and stopping ---- */

/* Whether the log can take the running transaction with so many credits more. */
static bool log_has_room(const struct journal *j, const struct tx *tx, unsigned credits)
{
	uint32_t need, promised = 0;

	if (!j->has_log)
		return j->pinned * j->js.block_size < j->config.max_pinned;
	/* one record of revocation per credit at most: each freed block had its bitmap's */
	need = journal_log_blocks(j, tx->nr + tx->reserved + credits, tx->nr_revokes + credits);
	if (j->committing)
		promised = journal_log_blocks(j, j->committing->nr, j->committing->nr_revokes);
	return need + promised <= j->log_free;
}

/* Joins the running transaction, waiting until that is possible. */
static int join_locked(struct journal *j, unsigned credits, struct tx **ret)
{
	while (!j->error) {
		struct tx *tx = j->running ? j->running : tx_new_locked(j);

		if (!tx)
			return -ENOMEM;
		if (tx->state == TX_RUNNING && tx->nr + tx->reserved + credits > j->max_tx) {
			j->wanted = tx->tid;
			pthread_cond_signal(&j->work);
		} else if (tx->state == TX_RUNNING && !log_has_room(j, tx, credits)) {
			/* without a log, or where all room is the running one's, only a commit helps */
			if (!j->has_log || !j->oldest)
				j->wanted = tx->tid;
			j->cp_asked = j->cp_done + 1;
			pthread_cond_signal(&j->work);
		} else if (tx->state == TX_RUNNING) {
			tx->handles++;
			tx->reserved += credits;
			*ret = tx;
			return 0;
		}
		lock_wait(&j->lock, &j->room);
	}
	return -EROFS;
}

static void leave_locked(struct handle *h)
{
	struct journal *j = h->journal;

	h->tx->reserved -= h->credits;
	if (--h->tx->handles == 0 && h->tx->state == TX_LOCKED)
		pthread_cond_signal(&j->empty);
	h->tx = NULL;
	h->credits = 0;
}

/* Counts a handle in, once none is held back any more. */
static int enter_locked(struct journal *j, bool wait)
{
	while (j->frozen && !j->error) {
		if (!wait)
			return -EAGAIN;
		lock_wait(&j->lock, &j->room);
	}
	j->open++;
	return 0;
}

static void exit_locked(struct journal *j)
{
	if (!--j->open && j->frozen)
		pthread_cond_broadcast(&j->done);
}

static int start(struct journal *j, unsigned credits, bool wait, struct handle **ret)
{
	struct handle *h = malloc(sizeof(*h));
	int err;

	if (!h)
		return -ENOMEM;
	if (credits > j->max_tx) {
		free(h);
		return -ENOSPC;
	}
	*h = (struct handle){ .journal = j, .credits = credits };
	lock_take(&j->lock);
	err = enter_locked(j, wait);
	if (!err) {
		err = join_locked(j, credits, &h->tx);
		if (err)
			exit_locked(j);
	}
	lock_drop(&j->lock);
	if (err) {
		free(h);
		return err;
	}
	lock_rank_enter(LOCK_RANK_TXN);
	*ret = h;
	return 0;
}

int journal_start(struct journal *j, unsigned credits, struct handle **ret)
{
	return start(j, credits, true, ret);
}

int journal_try_start(struct journal *j, unsigned credits, struct handle **ret)
{
	return start(j, credits, false, ret);
}

int journal_stop(struct handle *h)
{
	struct journal *j = h->journal;
	int err;

	lock_take(&j->lock);
	if (h->tx)
		leave_locked(h);
	exit_locked(j);
	err = j->error;
	lock_drop(&j->lock);
	lock_rank_leave(LOCK_RANK_TXN);
	free(h);
	return err;
}

unsigned journal_credits(const struct handle *h)
{
	return h->credits;
}

bool journal_extend(struct handle *h, unsigned credits)
{
	struct journal *j = h->journal;
	struct tx *tx = h->tx;
	bool ok;

	lock_take(&j->lock);
	ok = tx && !j->error && tx->nr + tx->reserved + credits <= j->max_tx &&
		log_has_room(j, tx, credits);
	if (ok) {
		tx->reserved += credits;
		h->credits += credits;
	}
	lock_drop(&j->lock);
	return ok;
}

int journal_restart(struct handle *h, unsigned credits)
{
	struct journal *j = h->journal;
	int err;

	if (credits > j->max_tx)
		return -ENOSPC;
	lock_take(&j->lock);
	if (h->tx)
		leave_locked(h);
	err = join_locked(j, credits, &h->tx);
	if (!err)
		h->credits = credits;
	lock_drop(&j->lock);
	return err;
}

uint32_t journal_tid(const struct handle *h)
{
	return h->tx->tid;
}

struct journal *journal_of(const struct handle *h)
{
	return h->journal;
}

void *journal_arg(const struct journal *j)
{
	return j->config.arg;
}

/* ---- buffers ---- */

static int grow(void **v, size_t *room, size_t nr, size_t size)
{
	size_t want = *room ? *room * 2 : 16;
	void *grown;

	if (nr < *room)
		return 0;
	grown = reallocarray(*v, want, size);
	if (!grown)
		return -ENOMEM;
	*v = grown;
	*room = want;
	return 0;
}

static int jbuf_need_locked(struct journal *j, struct buf *buf, struct jbuf **ret)
{
	struct jbuf *jb = buf->jbuf;

	if (!jb) {
		jb = calloc(1, sizeof(*jb));
		if (!jb)
			return -ENOMEM;
		jb->buf = buf;
		cache_hold(buf);
		buf->jbuf = jb;
		j->pinned++;
	}
	*ret = jb;
	return 0;
}

/* Keeps what the committing transaction has to log apart from what the running one will change. */
static int freeze_locked(struct journal *j, struct jbuf *jb)
{
	if (!jb->committing || jb->logged || jb->frozen || jb->freed_committing)
		return 0;
	jb->frozen = malloc(j->js.block_size);
	if (!jb->frozen)
		return -ENOMEM;
	memcpy(jb->frozen, jb->buf->data, j->js.block_size);
	return 0;
}

/* Makes buf part of h's transaction. */
static int join_buf_locked(struct handle *h, struct buf *buf, struct jbuf **ret)
{
	struct journal *j = h->journal;
	struct tx *tx = h->tx;
	struct jbuf *jb = buf->jbuf;
	int err;

	if (!tx || j->error)
		return -EROFS;
	if (jb && jb->running == tx) {
		*ret = jb;
		return 0;
	}
	err = grow((void **)&tx->bufs, &tx->room, tx->nr, sizeof(struct jbuf *));
	if (!err)
		err = jbuf_need_locked(j, buf, &jb);
	if (err)
		return err;
	err = freeze_locked(j, jb);
	if (err && !jb->refs) {
		jb->refs = 1;
		jbuf_put_locked(j, jb);
	}
	if (err)
		return err;
	/* running out is the caller's bug; the share of the log that one transaction may take is slack */
	assert(h->credits || !EXT4D_DEBUG);
	if (h->credits) {
		h->credits--;
		tx->reserved--;
	}
	tx->bufs[tx->nr++] = jb;
	jb->refs++;
	jb->running = tx;
	*ret = jb;
	return 0;
}

int journal_write(struct handle *h, struct buf *buf)
{
	struct journal *j = h->journal;
	struct jbuf *jb;
	int err;

	lock_take(&j->lock);
	err = join_buf_locked(h, buf, &jb);
	if (!err)
		jb->freed_running = false;
	lock_drop(&j->lock);
	return err;
}

int journal_create(struct handle *h, uint64_t pblk, struct buf **ret)
{
	struct cache *cache = h->journal->config.cache;
	struct buf *buf;
	int err = cache_create(cache, pblk, &buf);

	if (err)
		return err;
	err = journal_write(h, buf);
	if (err) {
		cache_put(buf);
		return err;
	}
	memset(buf->data, 0, cache_block_size(cache));
	*ret = buf;
	return 0;
}

/*
 * A block that no transaction but this one has needs no record: without an old copy in the log
 * there is nothing to revoke, and recovery empties the log at mount.
 */
static int forget_locked(struct handle *h, struct buf *buf)
{
	struct journal *j = h->journal;
	struct jbuf *jb = buf->jbuf;
	int err;

	if (!jb)
		return 0;
	if (j->has_log && h->tx && (jb->running ? jb->refs > 1 : jb->refs > 0)) {
		struct tx *tx = h->tx;

		err = grow((void **)&tx->revokes, &tx->room_revokes, tx->nr_revokes,
			sizeof(uint64_t));
		if (err)
			return err;
		tx->revokes[tx->nr_revokes++] = buf->pblk;
	}
	if (!h->credits && (!jb->running || jb->running != h->tx)) {
		/* it is not written: no credit is used up, and the transaction must know of it */
		h->credits++;
		h->tx->reserved++;
	}
	err = join_buf_locked(h, buf, &jb);
	if (!err)
		jb->freed_running = true;
	return err;
}

int journal_forget(struct handle *h, uint64_t pblk)
{
	struct journal *j = h->journal;
	struct buf *buf = cache_find(j->config.cache, pblk);
	int err;

	if (!buf)
		return 0;
	lock_take(&j->lock);
	err = j->error ? -EROFS : forget_locked(h, buf);
	lock_drop(&j->lock);
	atomic_store_explicit(&buf->proof, 0, memory_order_relaxed);
	cache_put(buf);
	return err;
}

void journal_after_commit(struct handle *h, struct journal_entry *entry)
{
	struct journal *j = h->journal;
	struct tx *tx = h->tx;

	entry->next = NULL;
	lock_take(&j->lock);
	*tx->entries_end = entry;
	tx->entries_end = &entry->next;
	lock_drop(&j->lock);
}

void journal_data_written(struct handle *h)
{
	struct journal *j = h->journal;

	lock_take(&j->lock);
	h->tx->data = true;
	lock_drop(&j->lock);
}

/* ---- durability ---- */

static bool tid_reached(uint32_t have, uint32_t tid)
{
	return !jbd2_tid_after(tid, have);
}

int journal_wait(struct journal *j, uint32_t tid)
{
	int err;

	lock_take(&j->lock);
	if (!tid && j->error) {
		/* what an abort has thrown away does not become durable by being gone */
		err = j->error;
		lock_drop(&j->lock);
		return err;
	}
	if (!tid && j->running)
		tid = j->running->tid;
	else if (!tid)
		tid = j->committing ? j->committing->tid : j->committed;
	while (!j->error && !tid_reached(j->committed, tid)) {
		/* what is committing has a writer; tid is that one's, or that of the running one */
		if (j->writing || !j->running)
			lock_wait(&j->lock, &j->done);
		else
			journal_commit_locked(j);
	}
	err = tid_reached(j->committed, tid) ? 0 : j->error;
	lock_drop(&j->lock);
	return err;
}

uint32_t journal_newest(struct journal *j)
{
	uint32_t tid;

	lock_take(&j->lock);
	tid = j->next_tid - 1;
	lock_drop(&j->lock);
	return tid;
}

bool journal_is_committed(struct journal *j, uint32_t tid)
{
	bool committed;

	lock_take(&j->lock);
	committed = tid_reached(j->committed, tid);
	lock_drop(&j->lock);
	return committed;
}

int journal_checkpoint(struct journal *j)
{
	uint64_t want;
	int err = journal_wait(j, 0);

	if (err)
		return err;
	lock_take(&j->lock);
	/* one that is under way may have begun before our commit */
	want = j->cp_done + 1 + j->cp_running;
	while (!j->error && j->cp_done < want) {
		if (j->cp_asked < want)
			j->cp_asked = want;
		pthread_cond_signal(&j->work);
		lock_wait(&j->lock, &j->done);
	}
	err = j->error;
	lock_drop(&j->lock);
	return err;
}

void journal_abort_locked(struct journal *j, int err)
{
	if (j->error)
		return;
	j->error = err;
	pthread_cond_broadcast(&j->room);
	pthread_cond_broadcast(&j->done);
	pthread_cond_signal(&j->work);
	log_error(j->config.log, "journal aborted: %s; nothing more is written", strerror(-err));
	if (j->config.aborted)
		j->config.aborted(j->config.arg, err);
}

void journal_abort(struct journal *j, int err)
{
	lock_take(&j->lock);
	journal_abort_locked(j, err);
	lock_drop(&j->lock);
}

void journal_shutdown(struct journal *j)
{
	lock_take(&j->lock);
	while (j->writing)
		lock_wait(&j->lock, &j->done);
	j->error_stored = true; /* never, as jbd2 has it for ESHUTDOWN */
	journal_abort_locked(j, -EIO);
	lock_drop(&j->lock);
}

int journal_error(struct journal *j)
{
	int err;

	lock_take(&j->lock);
	err = j->error;
	lock_drop(&j->lock);
	return err;
}

/* ---- opening and closing ---- */

static int read_super(struct journal *j)
{
	const struct journal_log *area = j->config.log_area;
	uint64_t nr, off = journal_log_at(area, j->js.block_size, area->first, &nr);
	const char *why = NULL;
	int err = blk_read(area->blk, off, j->raw_super, JBD2_SUPER_SIZE);

	if (!err)
		err = jbd2_super_decode(j->raw_super, j->js.block_size, area->blocks, &j->js, &why);
	if (!err && !jbd2_super_writable(j->raw_super)) {
		err = -EOPNOTSUPP;
		why = "it is of version 1, which knows no revocation";
	}
	if (!err && j->js.start && !j->config.resume) {
		err = -EUCLEAN;
		why = "it holds changes that were not replayed";
	}
	if (err)
		log_error(j->config.log, "the journal cannot be used: %s",
			why ? why : strerror(-err));
	return err;
}

static int open_log(struct journal *j)
{
	const char *why;
	int err = read_super(j);

	if (err)
		return err;
	jbd2_super_set_features(j->raw_super, j->config.csum, j->config.wide);
	if (j->config.resume)
		j->js.sequence = j->config.resume;
	jbd2_super_set_tail(j->raw_super, j->js.sequence, j->js.first);
	jbd2_super_set_error(j->raw_super, 0);
	jbd2_super_seal(j->raw_super);
	err = jbd2_super_decode(j->raw_super, j->js.block_size, j->config.log_area->blocks, &j->js,
		&why);
	if (err)
		return err;
	j->sequence = j->js.sequence;
	j->head = j->js.first;
	j->log_free = j->js.last - j->js.first;
	if (j->max_tx > j->log_free / TX_SHARE)
		j->max_tx = j->log_free / TX_SHARE;
	return journal_write_super(j);
}

static int init(struct journal *j, const struct journal_config *config)
{
	pthread_condattr_t attr;

	j->config = *config;
	j->has_log = config->log_area;
	j->js.block_size = cache_block_size(config->cache);
	lock_init(&j->lock, LOCK_RANK_JOURNAL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&j->room, NULL);
	pthread_cond_init(&j->work, &attr);
	pthread_cond_init(&j->empty, NULL);
	pthread_cond_init(&j->done, NULL);
	pthread_condattr_destroy(&attr);
	j->raw_super = malloc(JBD2_SUPER_SIZE);
	j->io = malloc(JOURNAL_IO_BYTES + j->js.block_size);
	return j->raw_super && j->io ? 0 : -ENOMEM;
}

static void fini(struct journal *j)
{
	lock_fini(&j->lock);
	pthread_cond_destroy(&j->room);
	pthread_cond_destroy(&j->work);
	pthread_cond_destroy(&j->empty);
	pthread_cond_destroy(&j->done);
	free(j->raw_super);
	free(j->io);
	free(j);
}

int journal_new(const struct journal_config *config, struct journal **ret)
{
	struct journal *j = calloc(1, sizeof(*j));
	int err;

	if (!j)
		return -ENOMEM;
	err = init(j, config);
	j->next_tid = 1; /* 0 says "no transaction" to our callers */
	j->max_tx = (unsigned)(config->max_pinned / j->js.block_size / TX_SHARE);
	if (j->max_tx < TX_MIN)
		j->max_tx = TX_MIN;
	if (!err && j->has_log)
		err = open_log(j);
	j->committed = j->wanted = j->next_tid - 1;
	if (!err)
		err = -pthread_create(&j->thread, NULL, journal_thread, j);
	if (err) {
		fini(j);
		return err;
	}
	*ret = j;
	return 0;
}

/* Commits that could not be written home for an abort. */
static void drop_committed_locked(struct journal *j)
{
	while (j->oldest) {
		struct tx *tx = j->oldest;

		j->oldest = tx->next;
		journal_tx_free_locked(j, tx);
	}
}

int journal_reset(const struct journal_log *area, uint32_t block_size, uint32_t sequence)
{
	uint64_t nr, off = journal_log_at(area, block_size, area->first, &nr);
	uint8_t raw[JBD2_SUPER_SIZE];
	int err = blk_read(area->blk, off, raw, sizeof(raw));

	if (err)
		return err;
	jbd2_super_set_tail(raw, sequence, 0);
	jbd2_super_set_error(raw, 0);
	jbd2_super_seal(raw);
	err = blk_write(area->blk, off, raw, sizeof(raw));
	return err ? err : blk_flush(area->blk);
}

int journal_close(struct journal *j)
{
	int err;

	if (!j)
		return 0;
	err = journal_checkpoint(j);
	lock_take(&j->lock);
	j->stop = true;
	pthread_cond_signal(&j->work);
	lock_drop(&j->lock);
	pthread_join(j->thread, NULL);
	if (!err && j->has_log) {
		jbd2_super_set_tail(j->raw_super, j->sequence, 0);
		err = journal_write_super(j);
	}
	lock_take(&j->lock);
	drop_committed_locked(j);
	lock_drop(&j->lock);
	assert(!j->pinned);
	fini(j);
	return err;
}
