// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writing is done run by run. Where blocks are mapped and inside the file, nothing but data changes: no
 * handle, and the inode's lock for reading is enough. Else each run has a handle: blocks are mapped,
 * the data is written, size and inode follow, and only then is the handle stopped, so that the transaction that
 * makes blocks reachable finds their contents in the image (ordered mode).
 */
#include "config.h"

#include "fs/file.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "format/extent.h"
#include "fs/atime.h"
#include "fs/balloc.h"
#include "fs/cryptinode.h"
#include "fs/exted.h"
#include "fs/file_i.h"
#include "fs/fs_i.h"
#include "fs/inded.h"
#include "fs/inlineedit.h"
#include "fs/mapedit.h"
#include "fs/owed.h"

/* Up to so many bytes are put together with their padding and written at once. */
#define PAD_TOGETHER 65536

static const uint8_t zeros[65536]; /* a block at most */

/* One file_write() on its way. */
struct writing {
	struct inode *inode;
	uint64_t off;
	const uint8_t *buf;
	size_t len;
	size_t done;
	unsigned flags; /* enum balloc_flags */
	bool times;	/* still to be moved */
};

static uint64_t blocks_to_bytes(const struct inode *inode, uint64_t nr)
{
	unsigned bits = inode->fs->sb.block_bits;

	return nr > UINT64_MAX >> bits ? UINT64_MAX : nr << bits;
}

/*
 * The most data blocks an indirect map can have where all its blocks together are limited. A few more
 * would fit, but ext4_max_bitmap_size() takes off what addressing limit blocks would need.
 */
static uint64_t indirect_blocks(unsigned block_bits, uint64_t limit)
{
	uint64_t max = inded_max_blocks(block_bits);

	if (max + inded_pointer_blocks(block_bits, max) <= limit)
		return max;
	return limit - inded_pointer_blocks(block_bits, limit);
}

/* i_blocks counts sectors in 32 bits, or filesystem blocks in 48. */
static uint64_t countable(const struct super *sb)
{
	return super_has_huge_file(sb) ? ((uint64_t)1 << 48) - 1 :
					 (((uint64_t)1 << 32) - 1) >> (sb->block_bits - 9);
}

static uint64_t to_size(const struct super *sb, uint64_t blocks)
{
	if (blocks > EXTED_LBLK_MAX)
		blocks = EXTED_LBLK_MAX;
	return blocks > (uint64_t)INT64_MAX >> sb->block_bits ? INT64_MAX : blocks << sb->block_bits;
}

uint64_t file_max_size_fs(const struct super *sb)
{
	return to_size(sb, countable(sb));
}

uint64_t file_max_size(const struct inode *inode)
{
	const struct super *sb = &inode->fs->sb;

	if (inode->d.flags & (EXT4_EXTENTS_FL | EXT4_INLINE_DATA_FL))
		return file_max_size_fs(sb);
	return to_size(sb, indirect_blocks(sb->block_bits, countable(sb)));
}

int file_check_change(struct inode *inode)
{
	const struct filekey *key;
	int err;

	if (S_ISDIR(inode->d.mode))
		return -EISDIR;
	if (!S_ISREG(inode->d.mode))
		return -EINVAL;
	if (!fs_is_writable(inode->fs))
		return -EROFS;
	if (inode->d.flags & EXT4_ENCRYPT_FL) {
		err = cryptinode_require_key(inode, &key);
		if (err)
			return err;
		if (inode->d.flags & EXT4_INLINE_DATA_FL)
			return fs_corrupt(inode->fs, inode->ino, -EUCLEAN, "encrypted inline data");
	}
	return inode->d.flags & EXT4_VERITY_FL ? -EPERM : 0;
}

bool file_wait_space(struct inode *inode, int err, bool *tried)
{
	if (err != -ENOSPC || *tried)
		return false;
	*tried = true;
	return journal_wait(inode->fs->journal, 0) == 0;
}

/* ---- data ---- */

/* Writes bytes at off of the file, which lie in one piece at byte disk of the image. */
static int put(struct inode *inode, uint64_t off, uint64_t disk, const void *buf, size_t len)
{
	struct fs *fs = inode->fs;
	const struct filekey *key;
	int err;

	if (!(inode->d.flags & EXT4_ENCRYPT_FL)) {
		err = blk_write(fs->blk, disk, buf, len);
	} else {
		err = cryptinode_require_key(inode, &key);
		if (!err)
			err = file_write_sealed(inode, key, off, disk, buf, len);
	}
	if (fs->owed)
		owed_note_write(fs->owed);
	return err;
}

int file_zero_bytes(struct inode *inode, uint64_t from, uint64_t to)
{
	unsigned bits = inode->fs->sb.block_bits;
	struct run run;
	int err;

	/* the client does, in its page cache, and we would write over what it writes meanwhile */
	if (from >= to || atomic_load_explicit(&inode->outside, memory_order_relaxed))
		return 0;
	err = map_lookup(inode, from >> bits, &run);
	if (err || run.kind != RUN_DATA)
		return err;
	err = put(inode, from, (run.pblk << bits) + (from & ((1u << bits) - 1)), zeros,
		(size_t)(to - from));
	if (err == -ENOKEY)
		return 0;
	atomic_fetch_add_explicit(&inode->overwritten, 1, memory_order_release);
	return err;
}

int file_zero_tail(struct inode *inode, uint64_t size)
{
	uint64_t mask = inode->fs->sb.block_size - 1, old = inode->d.size;
	uint64_t end = (old + mask) & ~mask;

	if (size <= old || !(old & mask) || inode->d.flags & EXT4_INLINE_DATA_FL)
		return 0;
	return file_zero_bytes(inode, old, end < size ? end : size);
}

static int write_together(struct inode *inode, uint64_t begin, uint64_t at, size_t head,
	const void *buf, size_t len, size_t tail)
{
	size_t total = head + len + tail;
	CLEANUP(cleanup_free) uint8_t *bytes = malloc(total);

	if (!bytes)
		return -ENOMEM;
	memset(bytes, 0, head);
	memcpy(bytes + head, buf, len);
	memset(bytes + head + len, 0, tail);
	return put(inode, begin, at, bytes, total);
}

int file_write_padded(
	struct inode *inode, const struct run *run, uint64_t off, const void *buf, size_t len)
{
	struct fs *fs = inode->fs;
	uint64_t begin = blocks_to_bytes(inode, run->lblk), at = run->pblk << fs->sb.block_bits;
	size_t head = (size_t)(off - begin);
	size_t tail = (size_t)(blocks_to_bytes(inode, run->nr) - head - len);
	int err = 0;

	if ((head || tail) && head + len + tail <= PAD_TOGETHER)
		return write_together(inode, begin, at, head, buf, len, tail);
	if (head)
		err = put(inode, begin, at, zeros, head);
	if (!err)
		err = put(inode, off, at + head, buf, len);
	if (!err && tail)
		err = put(inode, off + len, at + head + len, zeros, tail);
	return err;
}

/* ---- overwriting ---- */

static void advance(struct writing *w, size_t len)
{
	w->off += len;
	w->buf += len;
	w->len -= len;
	w->done += len;
}

/* How much of what is left lies in run. */
static size_t part_in(const struct writing *w, const struct run *run)
{
	uint64_t have = blocks_to_bytes(w->inode, run->nr);

	have -= w->off & (w->inode->fs->sb.block_size - 1);
	return have < w->len ? (size_t)have : w->len;
}

static int write_over(struct writing *w, const struct run *run, size_t len)
{
	struct fs *fs = w->inode->fs;
	uint64_t in_block = w->off & (fs->sb.block_size - 1);
	int err = put(w->inode, w->off, (run->pblk << fs->sb.block_bits) + in_block, w->buf, len);

	/* for file_sync(): no transaction will flush it */
	atomic_fetch_add_explicit(&w->inode->overwritten, 1, memory_order_release);
	if (!err)
		advance(w, len);
	return err;
}

/*
 * Writes as far as blocks are mapped and inside the file; the lock is held for reading. Encrypted files wait for
 * the lock: who reads a data unit must not see a half of it.
 */
static int overwrite_locked(struct writing *w)
{
	struct inode *inode = w->inode;
	int err = file_check_change(inode);

	while (!err && w->len && !(inode->d.flags & (EXT4_INLINE_DATA_FL | EXT4_ENCRYPT_FL)) &&
		w->off < inode->d.size) {
		struct run run;
		size_t part;

		err = map_lookup(inode, w->off >> inode->fs->sb.block_bits, &run);
		if (err || run.kind != RUN_DATA)
			break;
		part = part_in(w, &run);
		if (part > inode->d.size - w->off)
			part = (size_t)(inode->d.size - w->off);
		err = write_over(w, &run, part);
	}
	return err;
}

/* ---- mapping ---- */

/* Before the inode is written in a handle that changes contents. */
static void touch(struct writing *w)
{
	if (w->times)
		w->inode->d.mtime = w->inode->d.ctime = inode_now();
	w->times = false;
}

/*
 * The data for blocks that were just allocated could not be written: nobody may see what they held
 * before.
 */
static void unmap_failed(struct handle *h, struct inode *inode, const struct run *run, int err)
{
	uint64_t left;

	if (map_free(h, inode, run->lblk, run->lblk + run->nr, 0, &left) || left != run->lblk)
		journal_abort(journal_of(h), err);
}

/* Allocates blocks for the hole at the writing's place and writes them. */
static int fill_hole(struct handle *h, struct writing *w, size_t *ret_len)
{
	struct inode *inode = w->inode;
	unsigned bits = inode->fs->sb.block_bits;
	uint64_t lblk = w->off >> bits, end = (w->off + w->len - 1) >> bits;
	uint32_t nr = end - lblk < EXTENT_MAX_NR ? (uint32_t)(end - lblk + 1) : EXTENT_MAX_NR;
	struct run run;
	int err = map_alloc(h, inode, lblk, nr, RUN_DATA, w->flags, &run);

	if (err)
		return err;
	journal_data_written(h);
	*ret_len = part_in(w, &run);
	err = file_write_padded(inode, &run, w->off, w->buf, *ret_len);
	if (err)
		unmap_failed(h, inode, &run, err);
	return err;
}

/* Writes to unwritten blocks, then makes them data. */
static int fill_unwritten(struct handle *h, struct writing *w, struct run *run, size_t *ret_len)
{
	struct inode *inode = w->inode;
	unsigned bits = inode->fs->sb.block_bits;
	uint64_t end;
	int err;

	*ret_len = part_in(w, run);
	end = (w->off + *ret_len - 1) >> bits;
	run->nr = end - run->lblk + 1;
	journal_data_written(h);
	err = file_write_padded(inode, run, w->off, w->buf, *ret_len);
	return err ? err : map_convert(h, inode, run->lblk, run->nr);
}

/* What needs a handle: maps, writes, moves size and times. */
static int write_mapping(struct handle *h, struct writing *w, struct run *run)
{
	struct inode *inode = w->inode;
	size_t len = part_in(w, run);
	int err;

	if (run->kind == RUN_HOLE)
		err = fill_hole(h, w, &len);
	else if (run->kind == RUN_UNWRITTEN)
		err = fill_unwritten(h, w, run, &len);
	else
		err = write_over(w, run, len);
	if (err)
		return err;
	journal_data_written(h);
	if (run->kind != RUN_DATA)
		advance(w, len);
	touch(w);
	if (w->off > inode->d.size) {
		inode->d.size = w->off;
		err = file_note_size(h, inode);
	}
	return err ? err : inode_write(h, inode);
}

/* One run's worth. */
static int write_run(struct writing *w)
{
	struct inode *inode = w->inode;
	struct handle *h;
	struct run run;
	int err = map_lookup(inode, w->off >> inode->fs->sb.block_bits, &run), stop_err;

	if (err)
		return err;
	if (run.kind == RUN_DATA && part_in(w, &run) <= inode->d.size &&
		w->off <= inode->d.size - part_in(w, &run))
		return write_over(w, &run, part_in(w, &run));
	err = journal_start(inode->fs->journal, map_credits(inode) + FILE_SIZE_CREDITS, &h);
	if (err)
		return err;
	err = write_mapping(h, w, &run);
	stop_err = journal_stop(h);
	return err ? err : stop_err;
}

/* ---- inline data ---- */

/* The contents without their attribute's padding. */
static int load_inline(struct inode *inode, size_t room, uint8_t **ret)
{
	uint64_t size = inode->d.size < room ? inode->d.size : room;
	CLEANUP(cleanup_free) uint8_t *bytes = calloc(1, room ? room : 1);
	int err;

	if (!bytes)
		return -ENOMEM;
	err = inline_read(inode, 0, bytes, (size_t)size);
	if (!err)
		*ret = STEAL(bytes);
	return err;
}

/* All that is left fits the inode, with the contents that are there. */
static int write_inline(struct handle *h, struct writing *w)
{
	struct inode *inode = w->inode;
	uint64_t old = inode->d.size, end = w->off + w->len;
	size_t size = (size_t)(end > old ? end : old);
	CLEANUP(cleanup_free) uint8_t *bytes = NULL;
	int err = load_inline(inode, size, &bytes);

	if (err)
		return err;
	memcpy(bytes + w->off, w->buf, w->len);
	inode->d.size = size;
	touch(w);
	err = inline_store(h, inode, bytes, size);
	if (err)
		inode->d.size = old;
	else
		advance(w, w->len);
	return err;
}

/* The contents, which bytes are a copy of, move to the first block; h is open. */
static int move_out(struct handle *h, struct inode *inode, const uint8_t *bytes, unsigned flags)
{
	size_t len = inode->fs->sb.block_size;
	struct dinode old = inode->d;
	struct run run;
	int err = inline_drop(h, inode);

	if (err || !old.size)
		return err;
	err = map_alloc(h, inode, 0, 1, RUN_DATA, flags, &run);
	journal_data_written(h);
	if (!err)
		err = file_write_padded(inode, &run, 0, bytes, len);
	if (!err)
		return 0;
	/* back to where it was */
	if (inode->d.blocks != old.blocks)
		unmap_failed(h, inode, &(struct run){ .nr = 1 }, err);
	inode->d.flags = old.flags;
	memcpy(inode->d.block, old.block, DINODE_BLOCK_SIZE);
	if (inline_store(h, inode, bytes, old.size < len ? (size_t)old.size : len))
		journal_abort(journal_of(h), err);
	return err;
}

int file_uninline(struct inode *inode, unsigned balloc_flags)
{
	CLEANUP(cleanup_free) uint8_t *bytes = NULL;
	struct handle *h;
	int err = load_inline(inode, inode->fs->sb.block_size, &bytes), stop_err;

	if (err)
		return err;
	/* the map that is to be may be of extents or not: room for both */
	err = journal_start(inode->fs->journal,
		INLINE_CREDITS + exted_credits(inode) + map_credits(inode), &h);
	if (err)
		return err;
	err = move_out(h, inode, bytes, balloc_flags);
	stop_err = journal_stop(h);
	return err ? err : stop_err;
}

/* Writes into an inline file: there if it fits, else it gets blocks. */
static int start_inline(struct writing *w)
{
	struct inode *inode = w->inode;
	struct handle *h;
	size_t capacity;
	int err = inline_capacity(inode, &capacity), stop_err;

	if (err)
		return err;
	if (w->len > capacity || w->off > capacity - w->len || inode->d.size > capacity)
		return file_uninline(inode, w->flags);
	err = journal_start(inode->fs->journal, INLINE_CREDITS, &h);
	if (err)
		return err;
	err = write_inline(h, w);
	stop_err = journal_stop(h);
	return err ? err : stop_err;
}

/* ---- the call ---- */

static int write_locked(struct writing *w)
{
	struct inode *inode = w->inode;
	bool tried = false;
	int err = file_check_change(inode);

	if (!err)
		err = file_zero_tail(inode, w->off);
	while (!err && w->len) {
		if (inode->d.flags & EXT4_INLINE_DATA_FL)
			err = start_inline(w);
		else
			err = write_run(w);
		if (file_wait_space(inode, err, &tried))
			err = 0;
	}
	return err;
}

/* Everything was overwritten: only the times are left. */
static int write_times(struct inode *inode)
{
	struct handle *h;
	int err = journal_start(inode->fs->journal, INODE_CREDITS, &h), stop_err;

	if (err)
		return err;
	inode->d.mtime = inode->d.ctime = inode_now();
	err = inode_write_times(h, inode);
	stop_err = journal_stop(h);
	return err ? err : stop_err;
}

/*
 * How long the page cache may come with what was written before a file became immutable: the kernel writes
 * what is older than 30 s (dirty_expire_centisecs), looking every 5 s. ext4_ioctl_setflags() writes it at
 * once, but the client, which has it, does not know the flag.
 */
#define LATE_S 60

int file_check_guard(const struct inode *inode, uint64_t off, size_t len, bool late)
{
	struct timespec now;

	if (!(inode->d.flags & (EXT2_IMMUTABLE_FL | EXT2_APPEND_FL)))
		return 0;
	if (late && inode->guarded) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec < inode->guarded + LATE_S)
			return 0;
	}
	if (inode->d.flags & EXT2_IMMUTABLE_FL)
		return -EPERM;
	/* the page cache writes a page from its beginning, so that only its end tells */
	if (late)
		return off < inode->d.size && len <= inode->d.size - off ? -EPERM : 0;
	return off < inode->d.size ? -EPERM : 0;
}

ssize_t file_write(struct inode *inode, uint64_t off, const void *buf, size_t len, bool times,
	bool may_reserved)
{
	struct writing w = { .inode = inode, .off = off, .buf = buf, .len = len, .times = times,
		.flags = may_reserved ? BALLOC_RESERVED : 0 };
	uint64_t max;
	bool sync;
	int err;

	if (len > SSIZE_MAX)
		w.len = SSIZE_MAX;
	rwlock_read(&inode->lock);
	max = file_max_size(inode);
	err = file_check_guard(inode, off, len, !times);
	if (err)
		w.len = 0;
	else if (off >= max && len)
		err = S_ISREG(inode->d.mode) ? -EFBIG : file_check_change(inode);
	else {
		if (w.len > max - off)
			w.len = (size_t)(max - off);
		err = overwrite_locked(&w);
	}
	/* nobody waits for what the page cache writes back; if so, the client sends fsync(2) */
	sync = times && inode_is_sync(inode);
	rwlock_drop(&inode->lock);
	if (!err && (w.len || (w.times && w.done))) {
		rwlock_write(&inode->lock);
		err = write_locked(&w);
		if (w.times && w.done && !err)
			err = write_times(inode);
		rwlock_drop(&inode->lock);
	}
	if (sync && w.done) {
		int sync_err = file_sync(inode, false);

		if (sync_err)
			return sync_err;
	}
	return w.done ? (ssize_t)w.done : err;
}

/* Only now, and not when the flush began: others who sync meanwhile must not rely on us. */
static void note_flushed(struct inode *inode, uint64_t nr)
{
	uint64_t have = atomic_load(&inode->flushed);

	while (have < nr && !atomic_compare_exchange_weak(&inode->flushed, &have, nr))
		;
}

int file_sync(struct inode *inode, bool data_only)
{
	struct fs *fs = inode->fs;
	uint64_t overwritten;
	uint32_t tid;
	int err = 0;

	if (!fs->journal)
		return 0;
	if (!data_only)
		(void)atime_write(inode);
	tid = atomic_load(data_only ? &inode->data_tid : &inode->tid);
	overwritten = atomic_load(&inode->overwritten);
	if (tid && !journal_is_committed(fs->journal, tid)) {
		err = journal_wait(fs->journal, tid);
		/*
		 * a commit that was under way may have flushed before the data came, and nobody counts
		 * what clients write past us
		 */
		if (overwritten <= atomic_load(&inode->flushed) && !fs->owed)
			return err;
	}
	if (!err)
		err = blk_flush(fs->blk);
	if (!err)
		note_flushed(inode, overwritten);
	if (!err && fs->owed)
		err = owed_take_error(fs->owed, inode->ino);
	return err;
}
