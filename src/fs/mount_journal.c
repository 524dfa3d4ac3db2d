// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fs/mount_journal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "format/jbd2.h"
#include "fs/fs_i.h"
#include "fs/map.h"
#include "fs/superblock.h"

/* ---- in an inode ---- */

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

/* ---- on a device of its own ---- */

static int map_device(void *arg, uint64_t jblk, uint64_t *ret_pblk, uint64_t *ret_nr)
{
	uint64_t blocks = *(const uint64_t *)arg;

	*ret_pblk = jblk;
	*ret_nr = blocks > jblk ? blocks - jblk : 1;
	return 0;
}

/*
 * Whether dev is the journal that fs names, and names fs too. A journal of several filesystems is read,
 * but no transactions are written to it: like the kernel, which never mounts with one.
 */
static int check_device(struct fs *fs, const struct super_journal_dev *dev)
{
	const struct super *sb = &fs->sb;
	uint8_t raw[JBD2_SUPER_SIZE];
	const char *why = NULL;
	int err;

	if (dev->block_size != sb->block_size)
		why = "its blocks have another size";
	else if (memcmp(dev->uuid, sb->journal_uuid, sizeof(dev->uuid)))
		why = "it is not the one that the filesystem names";
	if (!why) {
		err = blk_read(fs->opts.journal, (uint64_t)dev->first * sb->block_size, raw,
			sizeof(raw));
		if (err) {
			log_error(fs->log, "cannot read the external journal: %s", strerror(-err));
			return err;
		}
		if (!jbd2_super_lists_user(raw, sb->uuid))
			why = "it is another filesystem's";
		else if (fs->opts.writable && jbd2_super_users(raw) != 1)
			why = "other filesystems use it too";
	}
	if (!why)
		return 0;
	log_error(fs->log, "the external journal cannot be used: %s", why);
	return -EINVAL;
}

static int open_device(struct fs *fs, struct mount_journal *ret)
{
	struct blk *blk = fs->opts.journal;
	uint8_t raw[SUPERBLOCK_SIZE];
	struct super_journal_dev dev;
	int err;

	if (!blk) {
		log_error(fs->log, "the journal lies on another device: name it with -o "
				   "journal_path=%s",
			fs->opts.writable ? "" : ", or mount with -o norecovery to read without it");
		return -EOPNOTSUPP;
	}
	err = blk_read(blk, SUPERBLOCK_SIZE, raw, sizeof(raw));
	if (!err)
		err = super_decode_journal_dev(raw, &dev);
	if (err) {
		log_error(fs->log, "what journal_path names is no external journal: %s",
			err == -EBADMSG ? "its superblock's checksum is wrong" :
			err == -EINVAL	? "it has no such superblock" :
					  strerror(-err));
		return err;
	}
	err = check_device(fs, &dev);
	if (err)
		return err;
	ret->blocks = blk->size >> fs->sb.block_bits;
	if (ret->blocks > dev.blocks)
		ret->blocks = dev.blocks;
	ret->source = (struct recover_source){
		.blk = blk,
		.overlay_source = blk,
		.block_size = fs->sb.block_size,
		.blocks = ret->blocks,
		.fs_blocks = fs->sb.blocks,
		.first = dev.first,
		.uuid = fs->sb.uuid,
		.map = map_device,
		.arg = &ret->blocks,
		.log = fs->log,
	};
	return 0;
}

/* ---- */

int mount_journal_open(struct fs *fs, struct mount_journal *ret)
{
	const struct super *sb = &fs->sb;
	int err;

	memset(ret, 0, sizeof(*ret));
	if (!sb->journal_ino)
		return open_device(fs, ret);
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
