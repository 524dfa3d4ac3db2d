// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fs/inline.h"

#include <errno.h>
#include <string.h>

#include "format/le.h"
#include "fs/dirblock.h"
#include "fs/fs_i.h"
#include "fs/xattr.h"

#define PARENT_SIZE 4 /* EXT4_INLINE_DOTDOT_SIZE: only the inode number is kept */

int inline_load(struct inode *inode, uint8_t **ret, size_t *ret_len)
{
	size_t room = DINODE_BLOCK_SIZE + inode->fs->sb.inode_size;
	CLEANUP(cleanup_free) uint8_t *bytes = malloc(room);
	ssize_t rest;

	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, inode->d.block, DINODE_BLOCK_SIZE);
	rest = xattr_inline_data(inode, bytes + DINODE_BLOCK_SIZE, room - DINODE_BLOCK_SIZE);
	if (rest < 0)
		return (int)rest;
	*ret_len = DINODE_BLOCK_SIZE + (size_t)rest;
	*ret = STEAL(bytes);
	return 0;
}

int inline_read(struct inode *inode, uint64_t off, void *buf, size_t len)
{
	CLEANUP(cleanup_free) uint8_t *bytes = NULL;
	size_t have, part = 0;
	int err = inline_load(inode, &bytes, &have);

	if (err)
		return err;
	/* what an attribute does not hold is zeros, but there has to be one */
	if (have == DINODE_BLOCK_SIZE && inode->d.size > have)
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN,
			"no attribute holds the inline data of a file of %llu bytes",
			(unsigned long long)inode->d.size);
	if (off < have) {
		part = have - off < len ? have - off : len;
		memcpy(buf, bytes + off, part);
	}
	memset((uint8_t *)buf + part, 0, len - part);
	return 0;
}

int inline_dir_load(struct inode *dir, struct inline_dir *ret)
{
	size_t len;
	int err;

	memset(ret, 0, sizeof(*ret));
	err = inline_load(dir, &ret->bytes, &len);
	if (err)
		return err;
	ret->parent = le32_get(ret->bytes);
	ret->chains[0] = ret->chains[1] = dirblock_chain(dir);
	ret->chains[0].raw = ret->bytes + PARENT_SIZE;
	ret->chains[0].size = DINODE_BLOCK_SIZE - PARENT_SIZE;
	ret->chains[1].raw = ret->bytes + DINODE_BLOCK_SIZE;
	ret->chains[1].size = len - DINODE_BLOCK_SIZE;
	return 0;
}

void inline_dir_fini(struct inline_dir *dir)
{
	free(dir->bytes);
	dir->bytes = NULL;
}
