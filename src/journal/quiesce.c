// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * jbd2_journal_lock_updates(), jbd2_journal_flush() and the ways back. Other than there a handle that is restarted
 * counts as open: a chain of transactions ends before the image is frozen, not in the middle, with its locks held.
 */
#include "config.h"

#include <errno.h>

#include "journal/journal_i.h"

/* Writes the journal's superblock as the writer, with everything home: the log is empty, or begins at its head. */
static int mark_log(struct journal *j, bool empty)
{
	int err;

	if (!j->has_log)
		return 0;
	lock_take(&j->lock);
	while (j->writing)
		lock_wait(&j->lock, &j->done);
	j->writing = true;
	lock_drop(&j->lock);
	jbd2_super_set_tail(j->raw_super, j->sequence, empty ? 0 : j->head);
	err = journal_write_super(j);
	lock_take(&j->lock);
	j->writing = false;
	pthread_cond_broadcast(&j->done);
	pthread_cond_signal(&j->work);
	lock_drop(&j->lock);
	return err;
}

/* Aborts if there is an error; others go on, or learn of it. */
static int let_go(struct journal *j, int err)
{
	lock_take(&j->lock);
	j->frozen = false;
	if (err)
		journal_abort_locked(j, err);
	pthread_cond_broadcast(&j->room);
	if (journal_work_wanted_locked(j))
		pthread_cond_signal(&j->work);
	lock_drop(&j->lock);
	return err;
}

int journal_freeze(struct journal *j)
{
	bool frozen;
	int err;

	lock_take(&j->lock);
	frozen = j->frozen;
	j->frozen = true;
	while (!frozen && j->open)
		lock_wait(&j->lock, &j->done);
	lock_drop(&j->lock);
	if (frozen)
		return -EBUSY;
	err = journal_checkpoint(j);
	if (!err)
		err = mark_log(j, true);
	return err ? let_go(j, err) : 0;
}

int journal_thaw(struct journal *j)
{
	int err = journal_error(j);

	return let_go(j, err ? err : mark_log(j, false));
}
