/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Transactions over metadata buffers, in the format of jbd2. A request opens a handle, announces every
 * buffer before it changes it, and closes the handle: all its changes reach the image together or
 * not at all. Handles that are open at the same time share one running transaction; a thread of the
 * journal's own commits it when somebody asks, when it is old or when the log is full. While it
 * is written new handles go on in the next one.
 *
 * On a filesystem without a journal everything works the same, except that a commit writes the
 * buffers to their homes directly: nothing is promised for a crash in between.
 *
 * An open handle counts as a lock of LOCK_RANK_TXN.
 */
#ifndef EXT4D_JOURNAL_JOURNAL_H
#define EXT4D_JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "cache/cache.h"
#include "util/log.h"

struct journal;
struct handle;

/* A piece of the log: nr journal blocks from jblk on lie at pblk of the layer. */
struct journal_run {
	uint64_t jblk, pblk, nr;
};

/* Where the log lies. All blocks have the filesystem's block size. */
struct journal_log {
	struct blk *blk;   /* layer that holds it: the image, or a journal device; the caller's */
	uint64_t blocks;   /* blocks of the journal inode or device */
	uint64_t first;	   /* journal block of the journal superblock: 0, or 1/2 on a device */
	struct journal_run *runs; /* all of its blocks, in order; the caller's */
	size_t nr_runs;
};

struct journal_config {
	struct cache *cache;	/* the buffers; its blk is where they have their homes */
	struct blk *blk;	/* that layer: the filesystem's image */
	const struct journal_log *log_area; /* NULL: no journal */
	/*
	 * 0, or the id that the first transaction gets although the log is not marked empty: all of the log is
	 * home and durable. Fast commits after the log, of that id, count until the transaction commits.
	 */
	uint32_t resume;
	bool csum;		/* the filesystem has metadata_csum: use checksums v3 */
	bool wide;		/* it has 64bit: block numbers of 64 bits */
	unsigned interval;	/* seconds until a transaction is committed unasked */
	size_t max_pinned;	/* bytes of buffers that the journal may keep in memory */
	struct log *log;
	/* Called once, from any thread and with any lock held, when the journal has aborted with err. */
	void (*aborted)(void *arg, int err);
	void *arg;
};

/*
 * Opens a journal. The log must be empty: recovered (see recover.h and journal_reset()). Marks
 * it in use on disk. -EUCLEAN, -EBADMSG, -EOPNOTSUPP unusable, -EIO, -ENOMEM; said in the log.
 */
int journal_new(const struct journal_config *config, struct journal **ret) MUST_CHECK;

/*
 * After recovery, with everything replayed home and durable: empties the log on disk. sequence: the id of
 * the next transaction, which no copy left in the log may have. -EIO and other errors of the storage.
 */
int journal_reset(const struct journal_log *area, uint32_t block_size, uint32_t sequence) MUST_CHECK;

/*
 * Commits, writes everything home, marks the log empty and frees the journal. Returns the first
 * error that kept something from being written. No handle may be open, nor
 * may it be frozen. NULL is allowed.
 */
int journal_close(struct journal *journal);

/* ---- handles ---- */

/*
 * Opens a handle that may change up to credits buffers (each counted once per transaction). May
 * wait for a commit or a checkpoint: the caller holds no lock above LOCK_RANK_INODE. -EROFS after
 * an abort, -ENOSPC if credits are more than the log could ever take, -ENOMEM.
 */
int journal_start(struct journal *journal, unsigned credits, struct handle **ret) MUST_CHECK;

/* The same, but -EAGAIN where journal_freeze() holds it back. */
int journal_try_start(struct journal *journal, unsigned credits, struct handle **ret) MUST_CHECK;

/*
 * Closes h. Returns 0 or the error of an abort. Where the inode or the mount is synchronous the caller
 * goes on with journal_wait(journal, h's tid).
 */
int journal_stop(struct handle *h);

/* For CLEANUP where an error path may leave without journal_stop(). NULL is allowed. */
static inline void journal_stopp(struct handle **h)
{
	if (*h)
		(void)journal_stop(*h);
}

/* How many buffers h may still change. */
unsigned journal_credits(const struct handle *h);

/* Asks for more without waiting. false: the transaction is full, see journal_restart(). */
bool journal_extend(struct handle *h, unsigned credits);

/*
 * Ends what h has done so far and goes on in a later transaction, with so many credits: the way for
 * what is too large for one. What was done by then must be consistent by itself, and buffers have to
 * be announced again. May wait, so the caller holds no lock above LOCK_RANK_INODE. Errors as
 * journal_start(); h stays open and must be stopped in either case.
 */
int journal_restart(struct handle *h, unsigned credits) MUST_CHECK;

/* The id of the transaction that h is part of. */
uint32_t journal_tid(const struct handle *h);

/* The journal h belongs to. */
struct journal *journal_of(const struct handle *h);

/* The arg it was configured with: on a filesystem's journal the struct fs. */
void *journal_arg(const struct journal *journal);

/*
 * Announces that buf, held, is about to be changed, and keeps it held until it is written. Takes one
 * credit if the transaction did not have it yet. After it the caller may change buf->data until
 * h is stopped, under whatever lock protects these bytes from other threads. -EROFS, -ENOMEM.
 */
int journal_write(struct handle *h, struct buf *buf) MUST_CHECK;

/*
 * The same for a block that was just allocated: holds a buffer of zeros for it, without reading. Its
 * contents of before are nobody's.
 */
int journal_create(struct handle *h, uint64_t pblk, struct buf **ret) MUST_CHECK;

/*
 * The metadata block pblk is freed in this transaction: its copies, in the log and in memory, are
 * void from this transaction on (a revoke record). Nobody may hold a buffer of it for
 * changing. The block must not be allocated again before the transaction has committed.
 */
int journal_forget(struct handle *h, uint64_t pblk) MUST_CHECK;

/*
 * Calls done(entry, committed) once this transaction is durable, or with false if it never will
 * be; from the thread that commits, without locks of the journal's. The entry is the caller's until then.
 */
struct journal_entry {
	void (*done)(struct journal_entry *entry, bool committed);
	struct journal_entry *next; /* private to the journal */
};
void journal_after_commit(struct handle *h, struct journal_entry *entry);

/*
 * Some data of a file was or will be written by this handle before it is stopped, to blocks that
 * become reachable with it: the commit then flushes the image first, even if no buffer changed.
 */
void journal_data_written(struct handle *h);

/* ---- durability ---- */

/*
 * Returns when transaction tid is durable; 0 as a tid: the running one, if there is any. Callers
 * that wait together share one commit, which the first of them makes: it calls the transaction's entries
 * (journal_after_commit()), so the caller holds no lock that they take, and no handle. -EROFS or the first error after
 * an abort.
 */
int journal_wait(struct journal *journal, uint32_t tid) MUST_CHECK;

/*
 * The newest transaction there is, or has been: what an inode that is read from its buffer now owes to
 * changes of before is at most that one's.
 */
uint32_t journal_newest(struct journal *journal);

/* Whether transaction tid is durable. */
bool journal_is_committed(struct journal *journal, uint32_t tid);

/* Commits and writes everything home. Errors as journal_wait(). */
int journal_checkpoint(struct journal *journal) MUST_CHECK;

/*
 * Holds new handles back, waits for the open ones, restarts included, commits, writes everything home and marks
 * the log empty. Nothing is written from then on, errors of an abort included, until journal_thaw(). The caller has
 * no handle. -EBUSY: it is frozen; other errors, as journal_wait(), are an abort's, and nobody is held back.
 */
int journal_freeze(struct journal *journal) MUST_CHECK;

/*
 * Ends that: marks the log in use and lets the handles go on. An error is an abort's, which this one may be; then
 * nothing is written.
 */
int journal_thaw(struct journal *journal);

/*
 * Something went wrong that leaves the changes of open handles half done: nothing is committed from
 * now on, all later calls fail with -EROFS. err is recorded in the journal's superblock; but -EBUSY says that
 * the journal is another host's now, and nothing at all is written.
 */
void journal_abort(struct journal *journal, int err);

/*
 * Aborts with -EIO, and writes nothing from its return on, the error not either: what is in the log is for the next
 * mount. Waits for what is being written, so the caller holds no lock and no handle.
 */
void journal_shutdown(struct journal *journal);

/* 0, or the error of the abort. */
int journal_error(struct journal *journal);

#endif
