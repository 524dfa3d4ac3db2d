/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the journal share.
 *
 * A transaction's life, and who moves it on:
 *
 *   RUNNING     journal_start() makes it, handles join
 *   LOCKED      commit_run(): new handles wait, the open ones finish
 *   COMMITTING  commit_run(): no handle any more; written to the log while the next one runs
 *   committed   commit_run(): durable; in the list oldest..newest until its buffers are home
 *   (freed)     checkpoint_run()
 *
 * Without a log a transaction is written home in place of COMMITTING's log, and freed.
 *
 * A transaction has two numbers. Its tid is what callers wait for, and each has one. Its sequence is
 * what the log calls it (h_sequence), and only those that are written there have one, without gaps:
 * recovery ends at the first number that is missing, and one in which nothing was changed is not
 * written.
 *
 * Invariants, all under journal->lock:
 * 1. At most one transaction is RUNNING or LOCKED (journal->running), at most one COMMITTING.
 * 2. A buffer that is in any transaction's array has a struct jbuf, which holds it. jbuf->refs is the
 *    number of arrays that name it.
 * 3. jbuf->running != NULL: buf->data may be ahead of every commit, and must not be written home.
 * 4. jbuf->committing && !logged: the contents to log are frozen if that is set, else buf->data, and
 *    then nobody has changed them since the transaction was LOCKED.
 * 5. jbuf->cp is the newest committed transaction that the buffer has to be written home for. A
 *    transaction whose bufs all have another cp needs no more writing.
 * 6. Commit and checkpoint are done by one thread at a time, the writer (journal->writing), so that no
 *    write home of an old block is under way while a commit makes the block free for something else.
 */
#ifndef EXT4D_JOURNAL_JOURNAL_I_H
#define EXT4D_JOURNAL_JOURNAL_I_H

#include "format/jbd2.h"
#include "journal/journal.h"
#include "util/lock.h"

enum tx_state { TX_RUNNING, TX_LOCKED, TX_COMMITTING };

struct jbuf {
	struct buf *buf;       /* held */
	struct tx *running;    /* the running transaction, if it has the buffer */
	struct tx *committing; /* the same of the committing one */
	struct tx *cp;	       /* see invariant 5 */
	uint8_t *frozen;       /* owned; see invariant 4 */
	bool logged;	       /* the committing transaction's copy has been taken */
	bool freed_running;    /* journal_forget() in the running transaction */
	bool freed_committing; /* in the committing one */
	unsigned refs;
};

struct tx {
	uint32_t tid;
	enum tx_state state;
	unsigned handles;  /* open ones */
	unsigned reserved; /* credits they have not used yet */
	struct jbuf **bufs; /* owned */
	size_t nr, room;
	uint64_t *revokes; /* owned: freed blocks whose copies in the log are void */
	size_t nr_revokes, room_revokes;
	bool data;	   /* file data was written for it */
	struct timespec due; /* CLOCK_MONOTONIC: to be committed then */
	struct journal_entry *entries, **entries_end;
	uint32_t sequence;	    /* its number in the log, from when it is written there */
	uint32_t log_start, log_nr; /* where it lies in the log, once committed */
	struct tx *next;	    /* newer, in the list of committed ones */
};

struct handle {
	struct journal *journal;
	struct tx *tx;
	unsigned credits; /* left */
};

struct journal {
	struct journal_config config; /* [const] */
	struct jbd2_super js;	      /* [const] once opened; without a log only block_size is set */
	bool has_log;		      /* [const] */
	unsigned max_tx;	      /* [const] buffers in one transaction */
	uint8_t *raw_super;	      /* writer's: JBD2_SUPER_SIZE bytes as on disk */
	uint8_t *io;		      /* writer's: IO_BYTES and one block more */
	pthread_t thread;

	struct lock lock;	/* rank JOURNAL; everything below */
	pthread_cond_t room;	/* handles wait for a transaction or for room in the log */
	pthread_cond_t work;	/* the thread waits for something to do */
	pthread_cond_t empty;	/* the writer waits for the handles of a LOCKED transaction to end */
	pthread_cond_t done;	/* others wait for something to be done, or to become the writer */
	unsigned open;		/* handles, those that wait for a transaction too */
	bool frozen;		/* no other one begins, and nothing is written; or soon */
	struct tx *running, *committing;
	struct tx *oldest, *newest; /* committed, to be written home */
	uint32_t next_tid;	 /* of the next transaction */
	uint32_t committed;	 /* newest durable one */
	uint32_t wanted;	 /* commit up to this one at once */
	uint32_t sequence;	 /* writer's: number in the log of the next transaction written there */
	uint32_t head;		 /* next block of the log */
	uint32_t log_free;	 /* blocks of the log that hold nothing needed */
	size_t pinned;		 /* buffers held by jbufs */
	uint64_t cp_asked, cp_done; /* counts of checkpoints wanted and made */
	bool writing;		 /* there is a writer: nobody else commits, checkpoints or writes the superblock */
	bool cp_running;
	bool active;		 /* there were transactions since the thread last looked */
	bool idle;		 /* the thread sleeps until there is a transaction */
	bool barred;		 /* it sleeps until there is no writer */
	bool stop;
	int error;
	bool error_stored; /* writer's: in the journal's superblock */
};

/* The most that is written at once. */
#define JOURNAL_IO_BYTES ((size_t)1 << 20)

/*
 * Commits the running transaction, as the writer; there is no other. journal->lock is held, and dropped
 * meanwhile.
 */
void journal_commit_locked(struct journal *j);

/* Whether the thread has something to do. */
bool journal_work_wanted_locked(const struct journal *j);

/* When a transaction that begins now is to be committed. */
struct timespec journal_due(const struct journal *j);

/* The thread's main loop. */
void *journal_thread(void *arg);

/* Gives up all of tx's buffers and frees it. */
void journal_tx_free_locked(struct journal *j, struct tx *tx);

/* Blocks of the log that a transaction of nr buffers and nr_revokes revokes takes. */
uint32_t journal_log_blocks(const struct journal *j, size_t nr, size_t nr_revokes);

/* Stops everything, for good; once. */
void journal_abort_locked(struct journal *j, int err);

/* Where journal block jblk lies in the layer, in bytes, and how many follow it there. */
uint64_t journal_log_at(const struct journal_log *area, uint32_t block_size, uint64_t jblk,
	uint64_t *ret_nr);

/* Writes the journal's superblock and makes it durable; the writer's, or before the thread runs. */
int journal_write_super(struct journal *j);

#endif
