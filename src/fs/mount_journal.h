/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A filesystem's journal at mount time. */
#ifndef EXT4D_FS_MOUNT_JOURNAL_H
#define EXT4D_FS_MOUNT_JOURNAL_H

#include "blk/overlay.h"
#include "fs/fs.h"
#include "journal/recover.h"

/* A journal described for recovery: an inode held open, or a device of its own. */
struct mount_journal {
	struct inode *inode; /* held; see mount_journal_fini(); NULL: a device */
	uint64_t blocks;     /* of the device */
	struct recover_source source;
};

/*
 * Opens the journal of fs. -EINVAL: it is external and fs->opts.journal is not it, or the other way
 * round; -EOPNOTSUPP external but unknown, -EUCLEAN, -EBADMSG, -EIO, -ENOMEM; says why in the log.
 */
int mount_journal_open(struct fs *fs, struct mount_journal *ret) MUST_CHECK;
void mount_journal_fini(struct mount_journal *journal);

#endif
