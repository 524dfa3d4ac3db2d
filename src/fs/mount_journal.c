// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fs/mount_journal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/fs_i.h"
#include "fs/map.h"

static int map_journal(void *arg, uint64_t jblk, uint64_t *ret_pblk, uint64_t *ret_nr)
{
	struct inode *inode = arg;
	struct run run;
	int err = map_lookup(inode, jblk, &run);

	if (err)
		return err;
	if (run.kind != RUN_DATA)
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN, "journal block %llu is a hole",
			(unsigned long long)jblk);
	*ret_pblk = run.pblk;
	*ret_nr = run.nr;
	return 0;
}

int mount_journal_open(struct fs *fs, struct mount_journal *ret)
{
	const struct super *sb = &fs->sb;
	int err;

	memset(ret, 0, sizeof(*ret));
	if (!sb->journal_ino) {
		log_error(fs->log, "the journal lies on another device and has changes to replay; "
				   "mount with -o norecovery to read without them");
		return -EOPNOTSUPP;
	}
	err = inode_get_special(fs, sb->journal_ino, &ret->inode);
	if (!err && (!S_ISREG(ret->inode->d.mode) ||
			    ret->inode->d.flags & (EXT4_INLINE_DATA_FL | EXT4_ENCRYPT_FL)))
		err = -EUCLEAN;
	if (err) {
		log_error(fs->log, "journal inode %u cannot be used: %s; mount with "
				   "-o norecovery to read without the journal", sb->journal_ino,
			strerror(-err));
		mount_journal_fini(ret);
		return err;
	}
	ret->source = (struct recover_source){
		.blk = fs->blk,
		.block_size = sb->block_size,
		.blocks = ret->inode->d.size >> sb->block_bits,
		.fs_blocks = sb->blocks,
		.map = map_journal,
		.arg = ret->inode,
		.log = fs->log,
	};
	return 0;
}

void mount_journal_fini(struct mount_journal *journal)
{
	inode_putp(&journal->inode);
	journal->inode = NULL;
}
