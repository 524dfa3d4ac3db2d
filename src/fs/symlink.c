// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fs/symlink.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "crypt/nokey.h"
#include "format/le.h"
#include "fs/cryptinode.h"
#include "fs/file.h"
#include "fs/fs_i.h"
#include "fs/map.h"

/*
 * The target of a slow symlink, which is a metadata block: what was written to it last may be in
 * its buffer only.
 */
static int read_slow(struct inode *inode, uint8_t *buf, size_t size)
{
	CLEANUP(cache_putp) struct buf *block = NULL;
	struct run run;
	int err = map_lookup(inode, 0, &run);

	if (err)
		return err;
	if (run.kind != RUN_DATA)
		return file_read_range(inode, 0, buf, size);
	err = cache_get(inode->fs->cache, run.pblk, &block);
	if (!err)
		memcpy(buf, block->data, size);
	return err;
}

/* The stored bytes of a symlink, at most SYMLINK_MAX - 1. Returns how many. */
static ssize_t read_target(struct inode *inode, uint8_t *buf)
{
	uint64_t size = inode->d.size;
	int err;

	if (!size || size >= SYMLINK_MAX)
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN, "symlink of %llu bytes",
			(unsigned long long)size);
	if (dinode_is_fast_symlink(fs_super(inode->fs), &inode->d)) {
		if (size >= DINODE_BLOCK_SIZE)
			return fs_corrupt(inode->fs, inode->ino, -EUCLEAN,
				"fast symlink of %llu bytes", (unsigned long long)size);
		memcpy(buf, inode->d.block, size);
		return (ssize_t)size;
	}
	if (inode->d.flags & EXT4_INLINE_DATA_FL || size > fs_super(inode->fs)->block_size)
		err = file_read_range(inode, 0, buf, size);
	else
		err = read_slow(inode, buf, size);
	return err ? err : (ssize_t)size;
}

/* Not known without a look at the context: one that cannot be used is an error (fscrypt_get_symlink()). */
static int find_key(struct inode *inode, const struct filekey **ret)
{
	int err;

	if (cryptinode_knows_key(inode, ret) && *ret)
		return 0;
	if (!inode->fs->opts.writable)
		return cryptinode_checked_key(inode, ret);
	rwlock_read(&inode->lock);
	err = cryptinode_checked_key(inode, ret);
	rwlock_drop(&inode->lock);
	return err;
}

/*
 * struct fscrypt_symlink_data: a length, then ciphertext. Without the key it is shown as a name without
 * hash.
 */
static int show_encrypted(
	struct inode *inode, const uint8_t *raw, size_t size, char target[SYMLINK_MAX])
{
	size_t len = size >= 2 ? le16_get(raw) : 0;
	const struct filekey *key;
	ssize_t shown;
	int err;

	if (!len || len > size - 2)
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN,
			"encrypted symlink of %zu bytes in %zu", len, size);
	err = find_key(inode, &key);
	if (err)
		return err;
	shown = key ? filekey_open_name(key, raw + 2, len, target) :
		      (ssize_t)nokey_encode(raw + 2, len, 0, 0, target);
	/* as in dir.c; fscrypt_get_symlink() says no more than that either */
	if (key && (!shown || shown == -EUCLEAN))
		return -EUCLEAN;
	if (!shown)
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN,
			"encrypted symlink without a target");
	if (shown < 0)
		return (int)shown;
	target[shown] = '\0';
	return 0;
}

int symlink_read(struct inode *inode, char target[SYMLINK_MAX])
{
	uint8_t raw[SYMLINK_MAX];
	ssize_t size;

	if (!S_ISLNK(inode->d.mode))
		return -EINVAL;
	size = read_target(inode, raw);
	if (size < 0)
		return (int)size;
	if (inode->d.flags & EXT4_ENCRYPT_FL)
		return show_encrypted(inode, raw, (size_t)size, target);
	if (memchr(raw, '\0', (size_t)size))
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN,
			"symlink target shorter than its %zd bytes", size);
	memcpy(target, raw, (size_t)size);
	target[size] = '\0';
	return 0;
}
