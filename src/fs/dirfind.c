// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fs/dirfind.h"

#include <errno.h>

#include "fs/fs_i.h"
#include "fs/htree.h"

/* 0 with the block held, -ENOENT, or why the block cannot be searched. */
static int find_in_block(
	struct inode *dir, uint64_t lblk, const struct dirname *want, struct dirplace *ret)
{
	const char *why;
	int err = dirblock_load(dir, lblk, &ret->block);

	if (err)
		return err;
	if (!ret->block.buf)
		return -ENOENT;
	err = dirname_find(&ret->block.chain, want, &ret->rec, &why);
	if (err)
		dirblock_fini(&ret->block);
	if (err == -EUCLEAN)
		fs_corrupt(dir->fs, dir->ino, err, "directory record near offset %llu: %s",
			(unsigned long long)lblk << dir->fs->sb.block_bits, why);
	return err;
}

/* Block by block; a damaged one is passed over, but then "not there" cannot be said. */
static int find_linear(struct inode *dir, const struct dirname *want, struct dirplace *ret)
{
	uint64_t blocks, lblk = 0;
	unsigned damaged = 0;
	int missed = 0;
	int err = dirblock_count(dir, &blocks);

	if (err)
		return err;
	for (uint64_t turn = 0; lblk < blocks && damaged < DIRFIND_MAX_DAMAGED; turn++) {
		if (fs_interrupted(dir->fs, turn))
			return -EINTR;
		err = find_in_block(dir, lblk, want, ret);
		if (err == -EUCLEAN || err == -EBADMSG) {
			missed = err;
			damaged++;
		} else if (err != -ENOENT) {
			return err;
		}
		lblk += ret->block.holes ? ret->block.holes : 1;
	}
	return missed ? missed : -ENOENT;
}

int dirfind(struct inode *dir, const struct dirname *want, struct dirplace *ret)
{
	int err;

	*ret = (struct dirplace){ .block.buf = NULL };
	if (dirblock_dir_indexed(dir) && !dirname_is_dots(want->name, want->len)) {
		err = htree_find(dir, want, ret);
		if (!err || err == -ENOENT || err == -EIO || err == -ENOMEM || err == -EINTR)
			return err;
	}
	return find_linear(dir, want, ret);
}
