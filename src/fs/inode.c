// SPDX-License-Identifier: GPL-2.0-or-later
/* Inodes as they lie in the inode tables. */
#include "config.h"

#include "fs/inode.h"

#include <errno.h>
#include <sys/stat.h>

#include "fs/fcr.h"
#include "fs/fs_i.h"
#include "fs/group.h"

static bool mode_known(uint16_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return true;
	default:
		return false;
	}
}

int dinode_load_disk(struct fs *fs, uint32_t ino, struct buf **ret_buf, const uint8_t **ret_raw)
{
	const struct super *sb = &fs->sb;
	uint64_t table, off, blocks;
	int err;

	if (ino == 0 || ino > sb->inodes)
		return -ESTALE;
	err = group_inode_table(fs, (ino - 1) / sb->inodes_per_group, &table);
	if (err)
		return err;
	off = (uint64_t)((ino - 1) % sb->inodes_per_group) * sb->inode_size;
	blocks = ((uint64_t)sb->inodes_per_group * sb->inode_size) >> sb->block_bits;
	err = cache_get_near(fs->cache, table + (off >> sb->block_bits), table, blocks, ret_buf);
	if (!err)
		*ret_raw = (*ret_buf)->data + (off & (sb->block_size - 1));
	return err;
}

int dinode_load_raw(struct fs *fs, uint32_t ino, struct buf **ret_buf, const uint8_t **ret_raw)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	const uint8_t *raw, *replayed;
	int err = dinode_load_disk(fs, ino, &buf, &raw);

	if (err)
		return err;
	replayed = fs->fcr ? fcr_inode_raw(fs->fcr, ino) : NULL;
	if (replayed)
		raw = replayed;
	else if (!dinode_csum_ok(&fs->sb, ino, raw))
		return fs_corrupt(fs, ino, -EBADMSG, "inode fails its checksum");
	*ret_raw = raw;
	*ret_buf = STEAL(buf);
	return 0;
}

int dinode_load_special(struct fs *fs, uint32_t ino, struct dinode *ret)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	const uint8_t *raw;
	int err = dinode_load_raw(fs, ino, &buf, &raw);

	if (err)
		return err;
	err = dinode_decode(&fs->sb, raw, ret);
	if (err)
		return fs_corrupt(fs, ino, err, "inode has i_extra_isize %u, size %llu",
			ret->extra_isize, (unsigned long long)ret->size);
	/* an orphan, no links but a mode, can be reached by number only: not here */
	if (!ret->nlink)
		return -ESTALE;
	if (!mode_known(ret->mode))
		return fs_corrupt(fs, ino, -EUCLEAN, "inode has mode %o", ret->mode);
	return 0;
}

int dinode_check_user(struct fs *fs, uint32_t ino, const struct dinode *d)
{
	if (super_ino_special(&fs->sb, ino))
		return fs_corrupt(fs, ino, -EUCLEAN, "reserved inode in use as a file");
	if (d->flags & EXT4_EA_INODE_FL)
		return fs_corrupt(fs, ino, -EUCLEAN, "attribute value in use as a file");
	return 0;
}

int dinode_load(struct fs *fs, uint32_t ino, struct dinode *ret)
{
	int err = dinode_load_special(fs, ino, ret);

	return err ? err : dinode_check_user(fs, ino, ret);
}
