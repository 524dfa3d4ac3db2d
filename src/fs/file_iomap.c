// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fs/file_iomap.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "format/extent.h"
#include "fs/balloc.h"
#include "fs/file_i.h"
#include "fs/fs_i.h"
#include "fs/mapedit.h"
#include "fs/owed.h"

static bool has_extents(const struct inode *inode)
{
	return inode->d.flags & EXT4_EXTENTS_FL;
}

static bool is_inline(const struct inode *inode)
{
	return inode->d.flags & EXT4_INLINE_DATA_FL;
}

bool file_iomap_able(const struct fs *fs, const struct dinode *d)
{
	if (!S_ISREG(d->mode) || d->flags & (EXT4_ENCRYPT_FL | EXT4_INLINE_DATA_FL | EXT4_VERITY_FL))
		return false;
	return d->flags & EXT4_EXTENTS_FL || !fs->opts.writable;
}

uint64_t file_iomap_max_size(const struct fs *fs)
{
	return file_max_size_fs(&fs->sb);
}

int file_iomap_locate(struct fs *fs, int *ret_fd, uint64_t *ret_off)
{
	return blk_locate(fs->blk, ret_fd, ret_off);
}

int file_iomap_enable(struct fs *fs)
{
	return fs->owed ? 0 : owed_new(&fs->owed);
}

int file_iomap_settle(struct fs *fs)
{
	int err;

	if (!fs->owed || !owed_take_written(fs->owed))
		return 0;
	err = blk_flush(fs->blk);
	if (err)
		owed_note_write(fs->owed);
	return err;
}

void file_iomap_forget(struct fs *fs, uint32_t ino)
{
	if (fs->owed)
		owed_forget(fs->owed, ino);
}

/* ---- answering ---- */

static bool is_durable(struct inode *inode)
{
	struct journal *journal = inode->fs->journal;
	uint32_t tid = atomic_load(&inode->data_tid);

	return !journal || !tid || journal_is_committed(journal, tid);
}

/* Answers with run, which holds pos's block, no further than a file can reach. */
static void give(struct inode *inode, const struct file_iomap_request *ask, const struct run *run, struct file_iomap *ret)
{
	static const enum file_iomap_kind kinds[] = {
		[RUN_HOLE] = FILE_IOMAP_HOLE,
		[RUN_UNWRITTEN] = FILE_IOMAP_UNWRITTEN,
		[RUN_DATA] = FILE_IOMAP_DATA,
	};
	unsigned bits = inode->fs->sb.block_bits;
	uint64_t max = file_max_size(inode) >> bits, nr = max - run->lblk;

	assert(run->lblk <= ask->pos >> bits && run->lblk < max);
	*ret = (struct file_iomap){ .off = run->lblk << bits, .kind = kinds[run->kind],
		.len = (run->nr < nr ? run->nr : nr) << bits, .dirty = !is_durable(inode) };
	if (run->kind != RUN_HOLE)
		ret->addr = run->pblk << bits;
	/* a write there moves the size, in a transaction */
	if (run->kind == RUN_DATA && ret->off + ret->len > inode->d.size)
		ret->dirty = true;
	if (ask->found)
		ask->found(ask->arg, ret);
}

/*
 * Inline contents, which are not longer than a block, and what follows them. The client wants at least a
 * byte to read where it is told that there are any.
 */
static void give_inline(struct inode *inode, const struct file_iomap_request *ask, struct file_iomap *ret)
{
	uint32_t block_size = inode->fs->sb.block_size;

	*ret = (struct file_iomap){ .off = ask->pos & ~(uint64_t)(block_size - 1),
		.kind = FILE_IOMAP_INLINE, .len = block_size, .dirty = true };
	if (ask->pos < inode->d.size)
		return;
	ret->kind = FILE_IOMAP_HOLE;
	ret->len = (file_max_size(inode) & ~(uint64_t)(block_size - 1)) - ret->off;
}

static int check(struct inode *inode, const struct file_iomap_request *ask)
{
	bool changes = ask->use == FILE_IOMAP_WRITE || ask->use == FILE_IOMAP_ZERO;
	uint64_t max = file_max_size(inode) >> inode->fs->sb.block_bits << inode->fs->sb.block_bits;
	int err = 0;

	if (!ask->len)
		return -EINVAL;
	if (S_ISDIR(inode->d.mode))
		return -EISDIR;
	if (!S_ISREG(inode->d.mode))
		return -EINVAL;
	if (inode->d.flags & EXT4_ENCRYPT_FL)
		return -ENOKEY;
	if (changes)
		err = file_check_change(inode);
	/*
	 * zeroing is part of what the client has checked: truncate(2), fallocate(2), a write past the end; so is
	 * what comes from the page cache, and the size may have reached it already
	 */
	if (!err && ask->use == FILE_IOMAP_WRITE && !(ask->flags & FILE_IOMAP_LATE))
		err = file_check_guard(inode, ask->pos, ask->len, false);
	if (!err && ask->pos >= max)
		err = changes ? -EFBIG : -ENOENT;
	return err;
}

/* Whether run will do; if not, blocks are needed. */
static bool suffices(const struct file_iomap_request *ask, const struct run *run)
{
	return ask->use != FILE_IOMAP_WRITE || run->kind != RUN_HOLE;
}

static bool covers(const struct file_iomap_request *ask, const struct file_iomap *map)
{
	uint64_t have = map->len - (ask->pos - map->off);

	return ask->len <= have;
}

/* ---- allocating ---- */

/* Maps blocks of the hole at pos, unwritten, as far as the client asks; one run. */
static int allocate(struct inode *inode, const struct file_iomap_request *ask, struct run *run)
{
	unsigned bits = inode->fs->sb.block_bits;
	unsigned flags = ask->flags & FILE_IOMAP_RESERVED ? BALLOC_RESERVED : 0;
	uint64_t len = ask->len < INT64_MAX - ask->pos ? ask->len : INT64_MAX - ask->pos;
	uint64_t lblk = ask->pos >> bits, nr = ((ask->pos + len - 1) >> bits) - lblk + 1;
	struct handle *h;
	int err, stop_err;

	if (!has_extents(inode))
		return -EOPNOTSUPP;
	if (nr > EXTENT_MAX_NR_UNWRITTEN)
		nr = EXTENT_MAX_NR_UNWRITTEN;
	err = journal_start(inode->fs->journal, map_credits(inode), &h);
	if (err)
		return err;
	err = map_alloc(h, inode, lblk, (uint32_t)nr, RUN_UNWRITTEN, flags, run);
	stop_err = journal_stop(h);
	return err ? err : stop_err;
}

/* The block that inline contents move to is read by the client, past whatever holds back our writes. */
static int move_out(struct inode *inode, const struct file_iomap_request *ask)
{
	int err = file_uninline(inode, ask->flags & FILE_IOMAP_RESERVED ? BALLOC_RESERVED : 0);

	return err ? err : blk_flush(inode->fs->blk);
}

/* One attempt; the lock is held for writing. */
static int make_mapping(struct inode *inode, const struct file_iomap_request *ask, struct file_iomap *ret)
{
	struct run run;
	int err = check(inode, ask);

	if (!err && is_inline(inode))
		err = move_out(inode, ask);
	if (!err)
		err = map_lookup_whole(inode, ask->pos >> inode->fs->sb.block_bits, &run);
	if (!err && !suffices(ask, &run))
		err = allocate(inode, ask, &run);
	if (!err)
		give(inode, ask, &run, ret);
	return err;
}

static int begin_changing(struct inode *inode, const struct file_iomap_request *ask, struct file_iomap *ret)
{
	bool tried = false;
	int err;

	rwlock_write(&inode->lock);
	do
		err = make_mapping(inode, ask, ret);
	while (file_wait_space(inode, err, &tried));
	rwlock_drop(&inode->lock);
	return err;
}

/* What is there, if it will do: else *ret_done is false. The lock is held for reading. */
static int find_mapping(struct inode *inode, const struct file_iomap_request *ask, struct file_iomap *ret, bool *ret_done)
{
	struct run run;
	int err = check(inode, ask);

	*ret_done = true;
	if (err)
		return err;
	if (is_inline(inode)) {
		*ret_done = ask->use == FILE_IOMAP_LOOK;
		give_inline(inode, ask, ret);
		return ask->use == FILE_IOMAP_SWAP ? -EINVAL : 0;
	}
	err = map_lookup_whole(inode, ask->pos >> inode->fs->sb.block_bits, &run);
	if (err)
		return err;
	if (ask->use == FILE_IOMAP_SWAP && run.kind == RUN_HOLE)
		return -EINVAL;
	*ret_done = suffices(ask, &run);
	if (*ret_done)
		give(inode, ask, &run, ret);
	return 0;
}

/* ---- the calls ---- */

int file_iomap_begin(
	struct inode *inode, const struct file_iomap_request *ask, struct file_iomap *ret)
{
	bool done;
	int err;

	rwlock_read(&inode->lock);
	err = find_mapping(inode, ask, ret, &done);
	rwlock_drop(&inode->lock);
	if (!err && !done)
		err = ask->flags & FILE_IOMAP_NOWAIT ? -EAGAIN : begin_changing(inode, ask, ret);
	if (!err && ask->use == FILE_IOMAP_SWAP && ret->dirty) {
		err = journal_wait(inode->fs->journal, atomic_load(&inode->data_tid));
		ret->dirty = false;
	}
	if (!err && ask->flags & FILE_IOMAP_WHOLE && !covers(ask, ret))
		err = -EOPNOTSUPP;
	return err;
}

/* Whether the blocks from the file's end to size are data: nobody will say that they have been written. */
static int is_data_up_to(struct inode *inode, uint64_t size, bool *ret)
{
	unsigned bits = inode->fs->sb.block_bits;
	uint64_t at = inode->d.size;

	*ret = true;
	while (*ret && at < size) {
		struct run run;
		int err = map_lookup(inode, at >> bits, &run);

		if (err)
			return err;
		*ret = run.kind == RUN_DATA;
		at = (run.lblk + run.nr) << bits;
	}
	return 0;
}

static int raise_size(struct handle *h, struct inode *inode, uint64_t size)
{
	uint64_t old = inode->d.size;
	int err;

	if (size <= old)
		return 0;
	inode->d.size = size;
	err = file_note_size(h, inode);
	if (!err)
		err = inode_write(h, inode);
	if (err)
		inode->d.size = old;
	return err;
}

/* Lets the size grow, in h, to what was promised, if it may. Behind the old end the blocks have zeros. */
static int grow(struct handle *h, struct inode *inode, uint64_t promised)
{
	bool may;
	int err = is_data_up_to(inode, promised, &may);

	if (!err && may)
		err = raise_size(h, inode, promised);
	if (!err && inode->d.size >= owed_size(inode->fs->owed, inode->ino))
		owed_settle_size(inode->fs->owed, inode->ino);
	return err;
}

static int check_grown(struct inode *inode, uint64_t size)
{
	int err = file_check_change(inode);

	if (!err && size > file_max_size(inode))
		err = -EFBIG;
	if (!err && is_inline(inode))
		err = -EINVAL; /* it is written by us */
	return err;
}

static int grown_locked(struct inode *inode, uint64_t size)
{
	struct handle *h;
	bool may;
	int err = check_grown(inode, size), stop_err;

	if (err || size <= inode->d.size)
		return err;
	err = owed_add_size(inode->fs->owed, inode->ino, size);
	if (!err)
		err = is_data_up_to(inode, size, &may);
	if (err || !may)
		return err;
	err = journal_start(inode->fs->journal, FILE_SIZE_CREDITS, &h);
	if (err)
		return err;
	err = grow(h, inode, size);
	stop_err = journal_stop(h);
	return err ? err : stop_err;
}

int file_iomap_grown(struct inode *inode, uint64_t size)
{
	int err;

	rwlock_write(&inode->lock);
	err = grown_locked(inode, size);
	rwlock_drop(&inode->lock);
	return err;
}

/*
 * Makes sure of credits for one more conversion and a size. size: what has been converted reaches there, and
 * so has the file to, where its transaction ends: there is no data behind a file's end.
 */
static int more_credits(struct handle *h, struct inode *inode, uint64_t size)
{
	unsigned have = journal_credits(h), want = map_credits(inode) + FILE_SIZE_CREDITS;
	int err;

	if (have >= want || journal_extend(h, want - have))
		return 0;
	err = raise_size(h, inode, size);
	return err ? err : journal_restart(h, want);
}

/* Makes what is unwritten in the bytes [pos, end), whole blocks of them, data, and has the size reach it. */
static int convert(struct handle *h, struct inode *inode, uint64_t pos, uint64_t end)
{
	unsigned bits = inode->fs->sb.block_bits;
	uint64_t lblk = pos >> bits, end_lblk = ((end - 1) >> bits) + 1;
	uint64_t done = 0; /* bytes: where the last block that was converted ends */
	int err = 0, size_err;

	while (lblk < end_lblk) {
		struct run run;

		err = map_lookup(inode, lblk, &run);
		if (err)
			break;
		if (run.nr > end_lblk - lblk)
			run.nr = end_lblk - lblk;
		if (run.kind == RUN_UNWRITTEN) {
			err = done ? more_credits(h, inode, done < end ? done : end) : 0;
			if (!err)
				err = map_convert(h, inode, lblk, run.nr);
			if (err)
				break;
			done = (lblk + run.nr) << bits;
		}
		lblk += run.nr;
	}
	if (err && !done)
		return err;
	size_err = raise_size(h, inode, err && done < end ? done : end);
	return err ? err : size_err;
}

/* What was written reaches the file: its blocks, its size, and what was promised before. */
static int enter(struct handle *h, struct inode *inode, uint64_t pos, uint64_t len)
{
	uint64_t owed = owed_size(inode->fs->owed, inode->ino);
	int err;

	/* the data is in the image; of transactions that follow this one's commit has flushed it as well */
	journal_data_written(h);
	err = convert(h, inode, pos, pos + len);
	return err ? err : grow(h, inode, owed);
}

static bool is_entered(struct inode *inode, uint64_t pos, uint64_t len, int *ret_err)
{
	unsigned bits = inode->fs->sb.block_bits;
	uint64_t lblk = pos >> bits, end = ((pos + len - 1) >> bits) + 1;

	*ret_err = 0;
	if (pos + len > inode->d.size || owed_size(inode->fs->owed, inode->ino))
		return false;
	while (lblk < end) {
		struct run run;

		*ret_err = map_lookup(inode, lblk, &run);
		if (*ret_err)
			return true;
		if (run.kind == RUN_UNWRITTEN)
			return false;
		lblk += run.nr;
	}
	return true;
}

static int written_locked(struct inode *inode, uint64_t pos, uint64_t len)
{
	struct handle *h;
	int err, stop_err;

	if (len > INT64_MAX || pos > INT64_MAX - len)
		return -EFBIG;
	err = check_grown(inode, pos + len);
	if (err || is_entered(inode, pos, len, &err))
		return err;
	err = journal_start(inode->fs->journal, map_credits(inode) + FILE_SIZE_CREDITS, &h);
	if (err)
		return err;
	err = enter(h, inode, pos, len);
	stop_err = journal_stop(h);
	return err ? err : stop_err;
}

int file_iomap_written(struct inode *inode, uint64_t pos, uint64_t len, uint64_t *ret_size)
{
	bool tried = false;
	int err = 0;

	rwlock_write(&inode->lock);
	if (len)
		do
			err = written_locked(inode, pos, len);
		while (file_wait_space(inode, err, &tried));
	if (err) {
		log_error(inode->fs->log, "inode %u: what was written at %llu is lost: %s", inode->ino,
			(unsigned long long)pos, strerror(-err));
		owed_add_error(inode->fs->owed, inode->ino, err);
	}
	*ret_size = inode->d.size;
	rwlock_drop(&inode->lock);
	return err;
}
