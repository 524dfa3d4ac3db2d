// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fs/superblock.h"

#include <string.h>

#include "format/le.h"
#include "fs/fs_i.h"
#include "util/crc32c.h"

#define SB_OFFSET 1024 /* bytes from the beginning of the filesystem */

/* The buffer that holds it, and where in it. */
static int get(struct fs *fs, struct buf **ret_buf, uint8_t **ret_raw)
{
	int err = cache_get(fs->cache, SB_OFFSET >> fs->sb.block_bits, ret_buf);

	if (!err)
		*ret_raw = (*ret_buf)->data + (SB_OFFSET & (fs->sb.block_size - 1));
	return err;
}

void superblock_seal(const struct fs *fs, uint8_t *raw)
{
	if (super_has_metadata_csum(&fs->sb))
		le32_put(raw + SB_CHECKSUM, crc32c(~0u, raw, SB_CHECKSUM));
}

int superblock_update(struct handle *h, struct fs *fs, superblock_fn *change, void *arg)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	uint8_t *raw;
	int err = get(fs, &buf, &raw);

	if (!err)
		err = journal_write(h, buf);
	if (err)
		return err;
	lock_take(&fs->super_lock);
	change(raw, arg);
	errors_patch(fs, raw);
	superblock_seal(fs, raw);
	lock_drop(&fs->super_lock);
	return 0;
}

int superblock_read(struct fs *fs, void (*look)(const uint8_t *raw, void *arg), void *arg)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	uint8_t *raw;
	int err = get(fs, &buf, &raw);

	if (err)
		return err;
	lock_take(&fs->super_lock);
	look(raw, arg);
	lock_drop(&fs->super_lock);
	return 0;
}

int superblock_write_home(struct fs *fs, superblock_fn *change, void *arg)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	uint8_t copy[SUPERBLOCK_SIZE], *raw;
	int err = get(fs, &buf, &raw);

	if (err)
		return err;
	lock_take(&fs->super_lock);
	change(raw, arg);
	errors_patch(fs, raw);
	superblock_seal(fs, raw);
	memcpy(copy, raw, sizeof(copy));
	lock_drop(&fs->super_lock);
	err = blk_write(fs->blk, SB_OFFSET, copy, sizeof(copy));
	return err ? err : blk_flush(fs->blk);
}
