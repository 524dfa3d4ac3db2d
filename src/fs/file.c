// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fs/file.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/cryptinode.h"
#include "fs/file_i.h"
#include "fs/fs_i.h"
#include "fs/inline.h"
#include "fs/map.h"

/*
 * Runs that one SEEK_DATA or SEEK_HOLE looks at: a crafted file can have billions of them. Past
 * that, the rest counts as data, which lseek(2) allows.
 */
#define SEEK_MAX_RUNS (1u << 20)

/*
 * Reads len bytes at off that the caller has cut to the file's size. key: NULL for what is not encrypted, or
 * is wanted as it is.
 */
static int read_mapped(struct inode *inode, const struct filekey *key, uint64_t off, uint8_t *dst,
	size_t len)
{
	struct fs *fs = inode->fs;
	unsigned bits = fs->sb.block_bits;

	while (len) {
		uint64_t in_block = off & (fs->sb.block_size - 1);
		struct run run;
		uint64_t have;
		size_t part;
		int err = map_lookup(inode, off >> bits, &run);

		if (err)
			return err;
		have = run.nr > UINT64_MAX >> bits ? UINT64_MAX : run.nr << bits;
		have -= in_block;
		part = have < len ? (size_t)have : len;
		if (run.kind != RUN_DATA)
			memset(dst, 0, part);
		else if (key)
			err = file_read_sealed(
				inode, key, off, (run.pblk << bits) + in_block, dst, part);
		else
			err = blk_read(fs->blk, (run.pblk << bits) + in_block, dst, part);
		if (err)
			return err;
		off += part;
		dst += part;
		len -= part;
	}
	return 0;
}

int file_read_range(struct inode *inode, uint64_t off, void *buf, size_t len)
{
	if (inode->d.flags & EXT4_INLINE_DATA_FL)
		return inline_read(inode, off, buf, len);
	return read_mapped(inode, NULL, off, buf, len);
}

static int read_encrypted(struct inode *inode, uint64_t off, void *buf, size_t len)
{
	const struct filekey *key;
	int err = cryptinode_require_key(inode, &key);

	if (err)
		return err;
	if (inode->d.flags & EXT4_INLINE_DATA_FL)
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN, "encrypted inline data");
	return read_mapped(inode, key, off, buf, len);
}

static ssize_t read_locked(struct inode *inode, uint64_t off, void *buf, size_t len)
{
	const struct filekey *key;
	int err;

	if (S_ISDIR(inode->d.mode))
		return -EISDIR;
	if (!S_ISREG(inode->d.mode))
		return -EINVAL;
	if (off >= inode->d.size) {
		/* without its key a file is not read, whatever its size */
		return inode->d.flags & EXT4_ENCRYPT_FL ? cryptinode_require_key(inode, &key) : 0;
	}
	if (len > inode->d.size - off)
		len = inode->d.size - off;
	if (len > SSIZE_MAX)
		len = SSIZE_MAX;
	if (inode->d.flags & EXT4_ENCRYPT_FL)
		err = read_encrypted(inode, off, buf, len);
	else
		err = file_read_range(inode, off, buf, len);
	return err ? err : (ssize_t)len;
}

/* Writers hold the lock while they change the map; where there are none it need not be asked. */
static void lock_for_reading(struct inode *inode)
{
	if (inode->fs->opts.writable)
		rwlock_read(&inode->lock);
}

static void unlock(struct inode *inode)
{
	if (inode->fs->opts.writable)
		rwlock_drop(&inode->lock);
}

int file_check_key(struct inode *inode)
{
	const struct filekey *key;
	int err = 0;

	lock_for_reading(inode);
	if (inode->d.flags & EXT4_ENCRYPT_FL)
		err = cryptinode_require_key(inode, &key);
	unlock(inode);
	return err;
}

ssize_t file_read(struct inode *inode, uint64_t off, void *buf, size_t len)
{
	ssize_t ret;

	lock_for_reading(inode);
	ret = read_locked(inode, off, buf, len);
	unlock(inode);
	return ret;
}

/*
 * From off to the first block that is data (want_data) or is not; the end of the file if there
 * is none. Unwritten extents are holes: they read as zeros and nothing is cached over them here.
 */
static int seek_mapped(struct inode *inode, uint64_t off, bool want_data, uint64_t *ret)
{
	unsigned bits = inode->fs->sb.block_bits;

	for (unsigned i = 0; off < inode->d.size; i++) {
		uint64_t lblk = off >> bits;
		struct run run;
		int err = map_lookup(inode, lblk, &run);

		if (err)
			return err;
		if ((run.kind == RUN_DATA) == want_data)
			break;
		if (i == SEEK_MAX_RUNS) {
			off = want_data ? off : inode->d.size;
			break;
		}
		if (run.nr > (UINT64_MAX >> bits) - lblk)
			off = inode->d.size;
		else
			off = (lblk + run.nr) << bits;
	}
	*ret = off < inode->d.size ? off : inode->d.size;
	return 0;
}

static off_t seek_locked(struct inode *inode, off_t off, int whence)
{
	bool want_data = whence == SEEK_DATA;
	uint64_t found;
	int err;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return -EINVAL;
	if (!S_ISREG(inode->d.mode))
		return -EINVAL;
	if (off < 0 || (uint64_t)off >= inode->d.size)
		return -ENXIO;
	if (inode->d.flags & EXT4_INLINE_DATA_FL)
		return want_data ? off : (off_t)inode->d.size;
	err = seek_mapped(inode, (uint64_t)off, want_data, &found);
	if (err)
		return err;
	if (want_data && found == inode->d.size)
		return -ENXIO;
	return (off_t)found;
}

off_t file_seek(struct inode *inode, off_t off, int whence)
{
	off_t ret;

	lock_for_reading(inode);
	ret = seek_locked(inode, off, whence);
	unlock(inode);
	return ret;
}
