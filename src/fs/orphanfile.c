// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Slot s is number s % slots of block s / slots. A block is held from its first use until the file
 * is closed. Invariants: [lock] used counts the slots that are not 0 of a block that was loaded.
 */
#include "config.h"

#include "fs/orphanfile.h"

#include <errno.h>
#include <sys/stat.h>

#include "format/orphan_block.h"
#include "fs/fs_i.h"
#include "fs/map.h"

/* ext4_init_orphan_info() refuses more; mke2fs makes 2 MiB at most. */
#define FILE_MAX ((uint64_t)8 << 20)

struct file_block {
	uint64_t pblk;	 /* [const] */
	struct buf *buf; /* [lock] held; NULL: not looked at yet */
	unsigned used;	 /* [lock] slots in use */
	bool damaged;	 /* [lock] not to be touched */
};

struct orphanfile {
	struct fs *fs;	     /* [const] */
	struct inode *inode; /* [const] held */
	unsigned slots;	     /* [const] per block */
	uint32_t nr;	     /* [const] blocks */
	struct lock lock;    /* rank ORPHAN */
	struct file_block blocks[];
};

static int read_block(struct orphanfile *file, uint32_t i, struct buf **ret)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	struct inode *inode = file->inode;
	uint64_t pblk = file->blocks[i].pblk;
	int err = cache_get(file->fs->cache, pblk, &buf);

	if (err)
		return err;
	err = orphan_block_check(&file->fs->sb, inode->csum_seed, pblk, buf->data);
	if (err)
		return fs_corrupt(file->fs, inode->ino, err, "block %u of the orphan file: %s", i,
			err == -EBADMSG ? "wrong checksum" : "wrong magic number");
	*ret = STEAL(buf);
	return 0;
}

/* Makes block i usable; -EUCLEAN and -EBADMSG make it damaged for good. */
static int load_block(struct orphanfile *file, uint32_t i)
{
	struct file_block *block = &file->blocks[i];
	int err;

	if (block->buf)
		return 0;
	if (block->damaged)
		return -EUCLEAN;
	err = read_block(file, i, &block->buf);
	block->damaged = err == -EUCLEAN || err == -EBADMSG;
	for (unsigned s = 0; !err && s < file->slots; s++)
		block->used += orphan_block_get(block->buf->data, s) != 0;
	return err;
}

static int file_new(struct fs *fs, struct inode *inode, struct orphanfile **ret)
{
	uint64_t size = inode->d.size;
	struct orphanfile *file;

	*ret = NULL;
	if (!S_ISREG(inode->d.mode) || !size || size > FILE_MAX ||
		inode->d.flags & EXT4_INLINE_DATA_FL) {
		fs_corrupt(fs, inode->ino, -EUCLEAN, "not usable as the orphan file");
		inode_put(inode);
		return 0;
	}
	file = calloc(1, sizeof(*file) + (size >> fs->sb.block_bits) * sizeof(file->blocks[0]));
	if (!file) {
		inode_put(inode);
		return -ENOMEM;
	}
	file->fs = fs;
	file->inode = inode;
	file->slots = orphan_block_slots(&fs->sb);
	file->nr = (uint32_t)(size >> fs->sb.block_bits);
	lock_init(&file->lock, LOCK_RANK_ORPHAN);
	*ret = file;
	return 0;
}

/* Where the blocks lie; MAP ranks below the lock under which they are used. */
static int locate_blocks(struct orphanfile *file)
{
	struct inode *inode = file->inode;
	struct run run;

	for (uint32_t i = 0; i < file->nr; i++) {
		int err = map_lookup(inode, i, &run);

		if (!err && run.kind != RUN_DATA)
			err = fs_corrupt(file->fs, inode->ino, -EUCLEAN,
				"orphan file has a hole at %u", i);
		file->blocks[i].damaged = err == -EUCLEAN || err == -EBADMSG;
		if (err && !file->blocks[i].damaged)
			return err;
		file->blocks[i].pblk = err ? 0 : run.pblk;
	}
	return 0;
}

int orphanfile_open(struct fs *fs, struct orphanfile **ret)
{
	CLEANUP(orphanfile_closep) struct orphanfile *file = NULL;
	struct inode *inode;
	int err;

	*ret = NULL;
	if (!super_has_orphan_file(&fs->sb))
		return 0;
	err = inode_get_special(fs, fs->sb.special_ino[SUPER_SPECIAL_ORPHAN], &inode);
	if (err == -ESTALE)
		err = fs_corrupt(fs, 0, -EUCLEAN, "the orphan file does not exist");
	if (err)
		return err == -EUCLEAN || err == -EBADMSG ? 0 : err;
	err = file_new(fs, inode, &file);
	if (err || !file)
		return err;
	err = locate_blocks(file);
	if (err)
		return err;
	for (uint32_t i = 0; super_has_orphan_present(&fs->sb) && i < file->nr; i++) {
		err = load_block(file, i);
		if (err && !file->blocks[i].damaged)
			return err;
	}
	*ret = STEAL(file);
	return 0;
}

void orphanfile_close(struct orphanfile *file)
{
	if (!file)
		return;
	for (uint32_t i = 0; i < file->nr; i++)
		cache_put(file->blocks[i].buf);
	inode_put(file->inode);
	lock_fini(&file->lock);
	free(file);
}

/* A block with a free slot, loaded. Threads begin at different blocks. */
static int find_block(struct orphanfile *file, uint32_t ino, uint32_t *ret)
{
	for (uint32_t n = 0; n < file->nr; n++) {
		uint32_t i = (uint32_t)(((uint64_t)ino + n) % file->nr);
		int err = load_block(file, i);

		if (err && !file->blocks[i].damaged)
			return err;
		if (!err && file->blocks[i].used < file->slots) {
			*ret = i;
			return 0;
		}
	}
	return -ENOSPC;
}

static int write_slot(struct handle *h, struct orphanfile *file, uint32_t i, unsigned s,
	uint32_t ino)
{
	struct file_block *block = &file->blocks[i];
	int err = journal_write(h, block->buf);

	if (err)
		return err;
	orphan_block_put(&file->fs->sb, file->inode->csum_seed, block->buf->pblk,
		block->buf->data, s, ino);
	return 0;
}

static int add_locked(struct handle *h, struct orphanfile *file, uint32_t ino, uint32_t *ret_slot)
{
	unsigned s = 0;
	uint32_t i;
	int err = find_block(file, ino, &i);

	if (err)
		return err;
	while (orphan_block_get(file->blocks[i].buf->data, s))
		s++;
	err = write_slot(h, file, i, s, ino);
	if (err)
		return err;
	file->blocks[i].used++;
	*ret_slot = i * file->slots + s;
	return 0;
}

int orphanfile_add(struct handle *h, struct orphanfile *file, uint32_t ino, uint32_t *ret_slot)
{
	int err;

	lock_take(&file->lock);
	err = add_locked(h, file, ino, ret_slot);
	lock_drop(&file->lock);
	return err;
}

int orphanfile_del(struct handle *h, struct orphanfile *file, uint32_t slot)
{
	int err;

	lock_take(&file->lock);
	err = write_slot(h, file, slot / file->slots, slot % file->slots, 0);
	if (!err)
		file->blocks[slot / file->slots].used--;
	lock_drop(&file->lock);
	return err;
}

bool orphanfile_next(struct orphanfile *file, uint32_t *slot, uint32_t *ret_ino)
{
	for (uint32_t s = *slot; s < file->nr * file->slots; s++) {
		struct file_block *block = &file->blocks[s / file->slots];

		if (!block->buf || !block->used)
			continue;
		*ret_ino = orphan_block_get(block->buf->data, s % file->slots);
		if (*ret_ino) {
			*slot = s;
			return true;
		}
	}
	return false;
}

bool orphanfile_is_empty(struct orphanfile *file)
{
	bool empty = true;

	for (uint32_t i = 0; i < file->nr; i++)
		empty = empty && !file->blocks[i].used && !file->blocks[i].damaged;
	return empty;
}
