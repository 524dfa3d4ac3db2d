// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fallocate(2). All of it works run by run, with a handle each: a crash in between leaves a consistent
 * file with part of the work done, as on the kernel's ext4.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/stat.h>

#include "format/extent.h"
#include "fs/balloc.h"
#include "fs/file_i.h"
#include "fs/fs_i.h"
#include "fs/mapedit.h"

#define KNOWN_MODES                                                                                \
	(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE |                       \
		FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE)

/* A hole that reaches past the end of the file ends with the page that has it. */
#define PAGE_BYTES 4096

/* One file_fallocate() on its way. */
struct falloc {
	struct inode *inode;
	uint64_t off, end; /* bytes */
	uint64_t size;	   /* what the file's size becomes, at least */
	unsigned flags;	   /* enum balloc_flags */
	bool tried;
};

static bool has_extents(const struct inode *inode)
{
	return inode->d.flags & EXT4_EXTENTS_FL;
}

static uint64_t to_block_up(const struct inode *inode, uint64_t bytes)
{
	unsigned bits = inode->fs->sb.block_bits;

	return (bytes >> bits) + ((bytes & ((1u << bits) - 1)) != 0);
}

/* ---- preallocation ---- */

/* Maps blocks of the hole [lblk, lblk + nr), unwritten; the size follows. */
static int fill_hole(struct falloc *f, uint64_t lblk, uint64_t nr, uint64_t *ret_nr)
{
	struct inode *inode = f->inode;
	uint32_t want = nr < EXTENT_MAX_NR_UNWRITTEN ? (uint32_t)nr : EXTENT_MAX_NR_UNWRITTEN;
	struct handle *h;
	struct run run;
	uint64_t end;
	int err = journal_start(inode->fs->journal, map_credits(inode) + FILE_SIZE_CREDITS, &h),
	    stop_err;

	if (err)
		return err;
	err = map_alloc(h, inode, lblk, want, RUN_UNWRITTEN, f->flags, &run);
	if (!err) {
		*ret_nr = run.nr;
		end = (lblk + run.nr) << inode->fs->sb.block_bits;
		end = end < f->size ? end : f->size;
		if (end > inode->d.size) {
			journal_data_written(h); /* file_zero_tail()'s zeros */
			inode->d.size = end;
		}
		inode->d.mtime = inode->d.ctime = inode_now();
		err = file_note_size(h, inode);
		if (!err)
			err = inode_write(h, inode);
	}
	stop_err = journal_stop(h);
	return err ? err : stop_err;
}

/* Maps all holes from block on to block to. */
static int fill(struct falloc *f, uint64_t from, uint64_t to)
{
	int err = 0;

	while (!err && from < to) {
		struct run run;
		uint64_t nr = 0;

		err = map_lookup(f->inode, from, &run);
		if (err)
			break;
		if (run.nr > to - from)
			run.nr = to - from;
		if (run.kind != RUN_HOLE)
			nr = run.nr;
		else
			err = fill_hole(f, from, run.nr, &nr);
		if (file_wait_space(f->inode, err, &f->tried))
			err = 0;
		else if (!err)
			from += nr;
	}
	return err;
}

/* Sets the size and times that the steps before have left. */
static int settle(struct falloc *f)
{
	struct inode *inode = f->inode;

	return file_set_size(inode, f->size > inode->d.size ? f->size : inode->d.size, true);
}

static int preallocate(struct falloc *f)
{
	struct inode *inode = f->inode;
	int err;

	if (!has_extents(inode))
		return -EOPNOTSUPP;
	err = file_zero_tail(inode, f->size);
	if (!err)
		err = fill(f, f->off >> inode->fs->sb.block_bits, to_block_up(inode, f->end));
	return err ? err : settle(f);
}

/* ---- zeros ---- */

/* The edges of [off, end) that are parts of blocks; *ret_from to *ret_to: the whole blocks inside. */
static int zero_edges(struct falloc *f, uint64_t *ret_from, uint64_t *ret_to)
{
	struct inode *inode = f->inode;
	unsigned bits = inode->fs->sb.block_bits;
	uint64_t from = to_block_up(inode, f->off), to = f->end >> bits;
	int err = 0;

	*ret_from = from;
	*ret_to = to > from ? to : from;
	if (from > to) /* within one block */
		return file_zero_bytes(inode, f->off, f->end);
	if (f->off < from << bits)
		err = file_zero_bytes(inode, f->off, from << bits);
	if (!err && f->end > to << bits)
		err = file_zero_bytes(inode, to << bits, f->end);
	return err;
}

/* Makes written blocks unwritten; they are one run. */
static int unwrite(struct inode *inode, uint64_t lblk, uint64_t nr)
{
	struct handle *h;
	int err = journal_start(inode->fs->journal, map_credits(inode), &h), stop_err;

	if (err)
		return err;
	err = map_unwrite(h, inode, lblk, nr);
	stop_err = journal_stop(h);
	return err ? err : stop_err;
}

static int zero_range(struct falloc *f)
{
	struct inode *inode = f->inode;
	uint64_t from, to, size = f->size;
	int err;

	if (!has_extents(inode))
		return -EOPNOTSUPP;
	err = file_zero_tail(inode, size);
	f->size = 0; /* last: blocks past the end may still hold something */
	if (!err)
		err = fill(f, f->off >> inode->fs->sb.block_bits, to_block_up(inode, f->end));
	if (!err)
		err = zero_edges(f, &from, &to);
	while (!err && from < to) {
		struct run run;

		err = map_lookup(inode, from, &run);
		if (err)
			break;
		if (run.nr > to - from)
			run.nr = to - from;
		if (run.kind == RUN_DATA)
			err = unwrite(inode, from, run.nr);
		from += run.nr;
	}
	f->size = size;
	return err ? err : settle(f);
}

/* ---- holes ---- */

static int free_blocks(struct inode *inode, uint64_t from, uint64_t to)
{
	struct handle *h;
	int err, stop_err;

	if (from >= to)
		return 0;
	err = journal_start(inode->fs->journal, map_credits(inode), &h);
	if (err)
		return err;
	err = file_free_blocks(h, inode, from, to);
	stop_err = journal_stop(h);
	return err ? err : stop_err;
}

static int punch(struct falloc *f)
{
	struct inode *inode = f->inode;
	uint64_t limit = (inode->d.size + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
	uint64_t from, to;
	int err;

	if (f->off >= inode->d.size)
		return 0;
	if (limit < inode->fs->sb.block_size)
		limit = inode->fs->sb.block_size;
	if (f->end > inode->d.size)
		f->end = to_block_up(inode, limit) << inode->fs->sb.block_bits;
	err = zero_edges(f, &from, &to);
	if (!err)
		err = free_blocks(inode, from, to);
	return err ? err : settle(f);
}

/* ---- moving ---- */

static bool cluster_aligned(const struct falloc *f)
{
	const struct super *sb = &f->inode->fs->sb;
	uint64_t mask = ((uint64_t)sb->block_size << sb->cluster_bits) - 1;

	return !((f->off | f->end) & mask);
}

static int shift_left(struct inode *inode, uint64_t lblk, uint64_t by, uint64_t *ret_nr)
{
	struct handle *h;
	int err = journal_start(inode->fs->journal, 2 * map_credits(inode), &h), stop_err;

	if (err)
		return err;
	err = map_shift_left(h, inode, lblk, by, ret_nr);
	stop_err = journal_stop(h);
	return err ? err : stop_err;
}

static int collapse(struct falloc *f)
{
	struct inode *inode = f->inode;
	unsigned bits = inode->fs->sb.block_bits;
	uint64_t from = f->off >> bits, lblk = f->end >> bits;
	int err;

	if (!has_extents(inode))
		return -EOPNOTSUPP;
	if (!cluster_aligned(f) || f->end >= inode->d.size)
		return -EINVAL;
	err = free_blocks(inode, from, lblk);
	while (!err && lblk < EXTENT_LBLK_END) {
		struct run run;

		err = map_lookup(inode, lblk, &run);
		if (!err && run.kind != RUN_HOLE)
			err = shift_left(inode, lblk, (f->end - f->off) >> bits, &run.nr);
		lblk += run.nr;
	}
	return err ? err : file_set_size(inode, inode->d.size - (f->end - f->off), true);
}

static int shift_right(
	struct inode *inode, uint64_t from, uint64_t to, uint64_t by, uint64_t *ret_from)
{
	struct handle *h;
	int err = journal_start(inode->fs->journal, 2 * map_credits(inode), &h), stop_err;

	if (err)
		return err;
	err = map_shift_right(h, inode, from, to, by, ret_from);
	stop_err = journal_stop(h);
	return err ? err : stop_err;
}

/* The end of what is mapped must not leave the range of block numbers. */
static int check_room(struct inode *inode, uint64_t by)
{
	uint64_t end = file_max_size(inode) >> inode->fs->sb.block_bits, lblk = end - by;
	struct run run;
	int err;

	for (; lblk < end; lblk += run.nr) {
		err = map_lookup(inode, lblk, &run);
		if (err)
			return err;
		if (run.kind != RUN_HOLE)
			return -EFBIG;
	}
	return 0;
}

static int insert(struct falloc *f)
{
	struct inode *inode = f->inode;
	unsigned bits = inode->fs->sb.block_bits;
	uint64_t from = f->off >> bits, to = EXTENT_LBLK_END, by = (f->end - f->off) >> bits;
	int err;

	if (!has_extents(inode))
		return -EOPNOTSUPP;
	if (!cluster_aligned(f) || f->off >= inode->d.size)
		return -EINVAL;
	if (f->end - f->off > file_max_size(inode) - inode->d.size)
		return -EFBIG;
	err = check_room(inode, by);
	/* the size first: what moves must stay inside, should this end half way */
	if (!err)
		err = file_zero_tail(inode, inode->d.size + (f->end - f->off));
	if (!err)
		err = file_set_size(inode, inode->d.size + (f->end - f->off), true);
	while (!err && to > from)
		err = shift_right(inode, from, to, by, &to);
	return err;
}

/* ---- the call ---- */

/* As vfs_fallocate() and ext4_fallocate() refuse. */
static int check(const struct inode *inode, int mode, uint64_t off, uint64_t len)
{
	uint64_t max = file_max_size_fs(&inode->fs->sb);

	if (!len || off > INT64_MAX || len > INT64_MAX)
		return -EINVAL;
	if (mode & ~KNOWN_MODES)
		return -EOPNOTSUPP;
	if ((mode & FALLOC_FL_PUNCH_HOLE) &&
		(mode & FALLOC_FL_ZERO_RANGE || !(mode & FALLOC_FL_KEEP_SIZE)))
		return -EOPNOTSUPP;
	if ((mode & FALLOC_FL_COLLAPSE_RANGE && mode != FALLOC_FL_COLLAPSE_RANGE) ||
		(mode & FALLOC_FL_INSERT_RANGE && mode != FALLOC_FL_INSERT_RANGE))
		return -EINVAL;
	if (mode & ~FALLOC_FL_KEEP_SIZE && inode->d.flags & EXT2_APPEND_FL)
		return -EPERM;
	if (inode->d.flags & EXT2_IMMUTABLE_FL)
		return -EPERM;
	if (S_ISDIR(inode->d.mode))
		return -EISDIR;
	if (!S_ISREG(inode->d.mode))
		return -ENODEV;
	if (len > max || off > max - len)
		return -EFBIG;
	/* a data unit's place in the file is in its IV */
	if (inode->d.flags & EXT4_ENCRYPT_FL &&
		mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE))
		return -EOPNOTSUPP;
	return 0;
}

static int dispatch(struct falloc *f, int mode)
{
	switch (mode & ~FALLOC_FL_KEEP_SIZE) {
	case FALLOC_FL_PUNCH_HOLE:
		return punch(f);
	case FALLOC_FL_ZERO_RANGE:
		return zero_range(f);
	case FALLOC_FL_COLLAPSE_RANGE:
		return collapse(f);
	case FALLOC_FL_INSERT_RANGE:
		return insert(f);
	default:
		return preallocate(f);
	}
}

static int fallocate_locked(struct falloc *f, int mode)
{
	struct inode *inode = f->inode;
	int err = check(inode, mode, f->off, f->end - f->off);

	if (!err)
		err = file_check_change(inode);
	if (!err && inode->d.flags & EXT4_INLINE_DATA_FL)
		err = file_uninline(inode, f->flags);
	if (!err && !(mode & FALLOC_FL_KEEP_SIZE))
		f->size = f->end;
	return err ? err : dispatch(f, mode);
}

int file_fallocate(struct inode *inode, int mode, uint64_t off, uint64_t len, bool may_reserved)
{
	struct falloc f = { .inode = inode, .off = off, .end = off + len,
		.flags = may_reserved ? BALLOC_RESERVED : 0 };
	bool sync;
	int err;

	if (off > INT64_MAX || len > INT64_MAX)
		return -EINVAL;
	rwlock_write(&inode->lock);
	err = fallocate_locked(&f, mode);
	sync = inode_is_sync(inode);
	rwlock_drop(&inode->lock);
	return err || !sync ? err : file_sync(inode, false);
}
