// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Agrees with ext4_freeze() and ext4_unfreeze(), and ext4_force_shutdown() with EXT4_GOING_FLAGS_NOLOGFLUSH. The
 * kernel keeps users from changing anything meanwhile; what we change by ourselves is put off (access times, inodes
 * that nobody uses any more) or waits (multiple mount protection).
 */
#include "config.h"

#include <errno.h>

#include "fs/atime.h"
#include "fs/fs_i.h"
#include "fs/group.h"
#include "fs/mmp_guard.h"
#include "fs/orphan.h"
#include "fs/writable.h"

int fs_freeze(struct fs *fs, bool orphans)
{
	int err;

	if (!fs->journal)
		return 0;
	(void)atime_flush(fs);
	/* reads what it needs, which the superblock's lock does not allow */
	if (groups_count(fs))
		log_warn(fs->log, "the counts of free blocks and inodes are not up to date");
	err = journal_freeze(fs->journal);
	if (err)
		return err;
	mmp_guard_pause(fs);
	atomic_store(&fs->frozen, true);
	err = writable_rest(fs, orphans);
	if (err)
		(void)fs_thaw(fs);
	return err;
}

int fs_thaw(struct fs *fs)
{
	int err;

	if (!fs->journal)
		return 0;
	if (!atomic_load(&fs->frozen))
		return -EINVAL;
	err = atomic_load(&fs->shut_down) ? -EIO : mmp_guard_resume(fs);
	if (!err)
		err = journal_error(fs->journal);
	/* the superblock names the journal before that holds anything */
	if (!err)
		err = writable_resume(fs);
	if (err)
		journal_abort(fs->journal, err);
	atomic_store(&fs->frozen, false);
	err = journal_thaw(fs->journal);
	if (!err)
		orphan_thawed(fs);
	return err;
}

void fs_shutdown(struct fs *fs)
{
	if (!fs->journal || atomic_exchange(&fs->shut_down, true))
		return;
	atomic_store(&fs->read_only, true);
	log_error(fs->log, "shut down: nothing is written any more");
	journal_shutdown(fs->journal);
	/* for ever: who looks has to find that we are dead */
	mmp_guard_pause(fs);
}
