// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Data of encrypted files, which is read and written in whole data units. A unit never crosses a block, and so
 * what lies in one piece in the image begins and ends with one.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "fs/file_i.h"
#include "fs/fs_i.h"

/* So much is encrypted and written at a time; no less than the largest block. */
#define SEAL_BYTES ((size_t)1 << 20)

static size_t unit_size(const struct filekey *key)
{
	return (size_t)1 << filekey_unit_bits(key);
}

/* Data unit nr, at byte disk of the image. */
static int read_unit(
	struct inode *inode, const struct filekey *key, uint64_t disk, uint64_t nr, uint8_t *unit)
{
	int err = blk_read(inode->fs->blk, disk, unit, unit_size(key));

	return err ? err : filekey_crypt_units(key, false, nr, unit, unit, unit_size(key));
}

static int read_unit_part(struct inode *inode, const struct filekey *key, uint64_t disk,
	uint64_t nr, size_t in_unit, uint8_t *dst, size_t len)
{
	CLEANUP(cleanup_free) uint8_t *unit = malloc(unit_size(key));
	int err = unit ? read_unit(inode, key, disk, nr, unit) : -ENOMEM;

	if (!err)
		memcpy(dst, unit + in_unit, len);
	return err;
}

int file_read_sealed(struct inode *inode, const struct filekey *key, uint64_t off, uint64_t disk,
	uint8_t *dst, size_t len)
{
	unsigned bits = filekey_unit_bits(key);
	size_t size = unit_size(key);
	int err = 0;

	while (!err && len) {
		size_t in_unit = off & (size - 1), part = len & ~(size - 1);

		if (in_unit || !part) {
			part = size - in_unit < len ? size - in_unit : len;
			err = read_unit_part(inode, key, disk - in_unit, off >> bits, in_unit, dst,
				part);
		} else {
			err = blk_read(inode->fs->blk, disk, dst, part);
			if (!err)
				err = filekey_crypt_units(
					key, false, off >> bits, dst, dst, part);
		}
		off += part;
		disk += part;
		dst += part;
		len -= part;
	}
	return err;
}

/* len bytes in buf become part of the unit that buf has room for as well. */
static int merge_unit(struct inode *inode, const struct filekey *key, uint64_t disk, uint64_t nr,
	size_t in_unit, const uint8_t *src, uint8_t *buf, size_t len)
{
	int err = read_unit(inode, key, disk, nr, buf);

	if (!err)
		memcpy(buf + in_unit, src, len);
	return err;
}

int file_write_sealed(struct inode *inode, const struct filekey *key, uint64_t off, uint64_t disk,
	const uint8_t *src, size_t len)
{
	unsigned bits = filekey_unit_bits(key);
	size_t size = unit_size(key), room = (len + size - 1) & ~(size - 1);
	CLEANUP(cleanup_free) uint8_t *buf = malloc(room < SEAL_BYTES ? room : SEAL_BYTES);
	int err = buf ? 0 : -ENOMEM;

	while (!err && len) {
		size_t in_unit = off & (size - 1);
		size_t part = (len < SEAL_BYTES ? len : SEAL_BYTES) & ~(size - 1), whole = part;

		if (in_unit || !part) {
			part = size - in_unit < len ? size - in_unit : len;
			whole = size;
			err = merge_unit(inode, key, disk - in_unit, off >> bits, in_unit, src,
				buf, part);
			if (!err)
				err = filekey_crypt_units(key, true, off >> bits, buf, buf, whole);
		} else {
			err = filekey_crypt_units(key, true, off >> bits, src, buf, whole);
		}
		if (!err)
			err = blk_write(inode->fs->blk, disk - in_unit, buf, whole);
		off += part;
		disk += part;
		src += part;
		len -= part;
	}
	return err;
}
