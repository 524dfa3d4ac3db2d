// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Giving blocks back. What a transaction freed stays busy in memory until it has committed: after a
 * crash the old owner may still point at it. The runs are collected in batches, each an entry of
 * journal_after_commit().
 */
#include "config.h"

#include "fs/balloc.h"

#include <errno.h>

#include "format/bitmap.h"
#include "fs/balloc_i.h"
#include "fs/fs_i.h"
#include "fs/usage.h"

/* How often an operation that found no space waits for a commit: ext4_should_retry_alloc(). */
#define RETRIES_MAX 3

/* ---- after the commit ---- */

/* A batch is one page. */
#define BATCH_RUNS 250

struct batch {
	struct journal_entry entry; /* first */
	struct fs *fs;
	uint32_t tid; /* [const] */
	uint32_t nr;  /* [pending_lock] */
	struct pending_run {
		struct group *group;
		uint32_t start, nr; /* clusters */
	} runs[BATCH_RUNS];
};

static void discard(struct fs *fs, const struct pending_run *run)
{
	uint64_t pblk = group_block(&fs->sb, run->group, run->start);
	uint64_t blocks = (uint64_t)run->nr << fs->sb.cluster_bits;
	int err = blk_discard(fs->blk, pblk << fs->sb.block_bits, blocks << fs->sb.block_bits);

	if (err && err != -EOPNOTSUPP)
		log_limited(fs->log, LOG_LEVEL_WARN, "cannot discard blocks: error %d", -err);
}

static void batch_done(struct journal_entry *entry, bool committed)
{
	struct batch *batch = (struct batch *)entry;
	struct fs *fs = batch->fs;
	struct groups *groups = fs->groups;

	/* nobody adds to it any more: its transaction has no open handles */
	lock_take(&groups->pending_lock);
	if (groups->batch == batch)
		groups->batch = NULL;
	lock_drop(&groups->pending_lock);
	for (uint32_t i = 0; committed && i < batch->nr; i++) {
		struct pending_run *run = &batch->runs[i];

		if (fs->opts.discard)
			discard(fs, run);
		lock_take(&run->group->lock);
		group_unhold_locked(fs, run->group, run->start, run->nr, false);
		lock_drop(&run->group->lock);
		groups->pending -= run->nr;
	}
	free(batch);
}

/* Adds a run to the newest batch, if that is of transaction tid and has room. */
static bool batch_add(struct groups *groups, uint32_t tid, struct group *group, uint32_t start,
	uint32_t nr)
{
	struct batch *batch = groups->batch;
	struct pending_run *last;

	if (!batch || batch->tid != tid)
		return false;
	last = &batch->runs[batch->nr - 1];
	if (last->group == group && last->start + last->nr == start) {
		last->nr += nr;
	} else if (last->group == group && start + nr == last->start) {
		last->start = start;
		last->nr += nr;
	} else if (batch->nr < BATCH_RUNS) {
		batch->runs[batch->nr++] = (struct pending_run){ group, start, nr };
	} else {
		return false;
	}
	return true;
}

/* Lets go of held clusters of group once h's transaction has committed. Under the group's lock. */
static int unhold_after_commit(struct handle *h, struct fs *fs, struct group *group, uint32_t start,
	uint32_t nr)
{
	struct groups *groups = fs->groups;
	uint32_t tid = journal_tid(h);
	struct batch *batch;
	bool added;

	lock_take(&groups->pending_lock);
	added = batch_add(groups, tid, group, start, nr);
	lock_drop(&groups->pending_lock);
	if (!added) {
		batch = malloc(sizeof(*batch));
		if (!batch)
			return -ENOMEM;
		batch->entry = (struct journal_entry){ .done = batch_done };
		batch->fs = fs;
		batch->tid = tid;
		batch->nr = 1;
		batch->runs[0] = (struct pending_run){ group, start, nr };
		/* until h is stopped the transaction cannot commit: others may add meanwhile */
		journal_after_commit(h, &batch->entry);
		lock_take(&groups->pending_lock);
		groups->batch = batch;
		lock_drop(&groups->pending_lock);
	}
	groups->pending += nr;
	return 0;
}

/* ---- freeing ---- */

/*
 * Whether blocks, all in one group, hold metadata of the filesystem. With flex_bg the bitmaps and tables
 * of a flex group lie in any of its groups.
 */
static bool is_system(struct fs *fs, uint32_t group, uint64_t pblk, uint64_t nr)
{
	const struct super *sb = &fs->sb;
	uint32_t first = group >> sb->flex_bits << sb->flex_bits;

	for (uint32_t i = 0; i < 1u << sb->flex_bits && i < sb->groups - first; i++) {
		struct group *other;

		if (!group_get(fs, first + i, &other) && group_owns(sb, other, pblk, nr))
			return true;
	}
	return false;
}

static int forget(struct handle *h, uint64_t pblk, uint64_t nr)
{
	for (uint64_t i = 0; i < nr; i++) {
		int err = journal_forget(h, pblk + i);

		if (err)
			return err;
	}
	return 0;
}

static int free_locked(struct handle *h, struct fs *fs, struct group *group, uint32_t start,
	uint32_t nr, struct group_bufs *bufs)
{
	int err = group_check_locked(fs, group, GROUP_BLOCKS, bufs->bitmap);

	if (err)
		return err;
	if (group_is_uninit_locked(&fs->sb, group, GROUP_BLOCKS) ||
		!bitmap_all_set(bufs->bitmap->data, start, nr))
		return fs_corrupt(fs, 0, -EUCLEAN, "blocks freed that were free: %u from %llu on",
			nr << fs->sb.cluster_bits,
			(unsigned long long)group_block(&fs->sb, group, start));
	err = group_hold_locked(fs, group, bufs->bitmap, start, nr);
	if (err)
		return err;
	err = unhold_after_commit(h, fs, group, start, nr);
	if (err) {
		group_unhold_locked(fs, group, start, nr, true);
		return err;
	}
	bitmap_clear(bufs->bitmap->data, start, nr);
	group->gd.free_clusters += nr;
	group_store_locked(fs, group, GROUP_BLOCKS, bufs);
	fs->groups->free_clusters += nr;
	return 0;
}

/* Frees blocks of one group. */
static int free_part(struct handle *h, struct fs *fs, uint64_t pblk, uint64_t blocks,
	unsigned flags)
{
	struct group_bufs bufs;
	struct group *group;
	uint32_t start, nr = group_of_block(&fs->sb, pblk, &start);
	int err = group_get(fs, nr, &group);

	if (err)
		return err;
	if (is_system(fs, nr, pblk, blocks))
		return fs_corrupt(fs, 0, -EUCLEAN,
			"the filesystem's own blocks in use as a file's: %llu from %llu on",
			(unsigned long long)blocks, (unsigned long long)pblk);
	err = group_write_begin(h, fs, group, GROUP_BLOCKS, &bufs);
	if (err)
		return err;
	lock_take(&group->lock);
	err = free_locked(h, fs, group, start, (uint32_t)(blocks >> fs->sb.cluster_bits), &bufs);
	lock_drop(&group->lock);
	group_write_end(&bufs);
	if (!err && flags & BFREE_META)
		err = forget(h, pblk, blocks);
	return err;
}

int balloc_free(struct handle *h, struct inode *inode, uint64_t pblk, uint64_t nr, unsigned flags)
{
	struct fs *fs = journal_arg(journal_of(h));
	const struct super *sb = &fs->sb;
	uint64_t ragged = (UINT64_C(1) << sb->cluster_bits) - 1;
	int err = groups_count(fs);

	if (!err && (!nr || !super_block_range_valid(sb, pblk, nr) || (pblk | nr) & ragged))
		return fs_corrupt(fs, inode ? inode->ino : 0, -EUCLEAN,
			"blocks freed that cannot be in use: %llu from %llu on",
			(unsigned long long)nr, (unsigned long long)pblk);
	while (!err && nr) {
		uint64_t left = sb->blocks_per_group -
			(pblk - sb->first_data_block) % sb->blocks_per_group;
		uint64_t part = left < nr ? left : nr;

		err = free_part(h, fs, pblk, part, flags);
		if (!err && !(flags & BFREE_NO_USAGE))
			err = usage_add_blocks(h, inode, -(int64_t)part);
		pblk += part;
		nr -= part;
	}
	/* nothing points at them any more: a transaction that keeps them busy would lose them */
	return errors_abort(h, err);
}

bool balloc_retry(struct fs *fs, unsigned *tries)
{
	if ((*tries)++ >= RETRIES_MAX || !fs->groups->pending)
		return false;
	return journal_wait(fs->journal, 0) == 0;
}

/* ---- FITRIM ---- */

struct trim {
	struct fs *fs;
	uint32_t min;  /* clusters */
	uint64_t done; /* clusters */
};

/* Holds the next free run of group in [*from, to), which nobody can take then. nr 0: there is none. */
static int trim_next(struct trim *trim, struct group *group, uint32_t *from, uint32_t to,
	struct buf *buf, struct bitmap_run *ret)
{
	const uint8_t *busy;
	int err;

	*ret = (struct bitmap_run){ 0 };
	lock_take(&group->lock);
	err = group_check_locked(trim->fs, group, GROUP_BLOCKS, buf);
	busy = err ? NULL : group_busy_locked(trim->fs, group, buf);
	if (!err && !busy)
		err = -ENOMEM;
	while (!err && !ret->nr && *from < to) {
		uint32_t start = bitmap_next_zero(busy, *from, to);

		*from = bitmap_next_set(busy, start, to);
		if (*from - start >= trim->min)
			*ret = (struct bitmap_run){ start, *from - start };
	}
	if (ret->nr)
		err = group_hold_locked(trim->fs, group, buf, ret->start, ret->nr);
	lock_drop(&group->lock);
	return err;
}

static int trim_group(struct trim *trim, uint32_t nr, uint32_t from, uint32_t to)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	struct fs *fs = trim->fs;
	struct group *group;
	int err = group_get(fs, nr, &group);

	if (!err && group->free_clusters < trim->min)
		return 0;
	if (!err)
		err = group_bitmap_get(fs, group, GROUP_BLOCKS, &buf);
	if (!err && to > group->clusters)
		to = group->clusters;
	while (!err) {
		struct bitmap_run run;

		err = trim_next(trim, group, &from, to, buf, &run);
		if (err || !run.nr)
			break;
		err = blk_discard(fs->blk, group_block(&fs->sb, group, run.start) << fs->sb.block_bits,
			(uint64_t)run.nr << (fs->sb.cluster_bits + fs->sb.block_bits));
		lock_take(&group->lock);
		group_unhold_locked(fs, group, run.start, run.nr, false);
		lock_drop(&group->lock);
		if (!err)
			trim->done += run.nr;
	}
	/* damage was reported, and the other groups are as good as before */
	return err == -EUCLEAN || err == -EBADMSG ? 0 : err;
}

int balloc_trim(struct fs *fs, uint64_t start, uint64_t len, uint64_t min_len, uint64_t *ret_bytes)
{
	const struct super *sb = &fs->sb;
	unsigned shift = sb->block_bits + sb->cluster_bits;
	uint64_t first = start >> sb->block_bits, end;
	uint64_t min = (min_len + ((UINT64_C(1) << shift) - 1)) >> shift;
	struct trim trim = { .fs = fs };
	int err = 0;

	if (min_len > (uint64_t)sb->blocks_per_group << sb->block_bits || first >= sb->blocks ||
		len < sb->block_size)
		return -EINVAL;
	trim.min = min ? (uint32_t)min : 1;
	end = len >> sb->block_bits < sb->blocks - first ? first + (len >> sb->block_bits) :
							    sb->blocks;
	if (first < sb->first_data_block)
		first = sb->first_data_block;
	while (!err && first < end) {
		uint32_t from, nr = group_of_block(sb, first, &from);
		uint64_t next = sb->first_data_block + (nr + UINT64_C(1)) * sb->blocks_per_group;
		uint64_t part = (end < next ? end : next) - first;

		if (fs_interrupted(fs, nr))
			err = -EINTR;
		else
			err = trim_group(&trim, nr, from,
				from + (uint32_t)(part >> sb->cluster_bits));
		first += part;
	}
	*ret_bytes = trim.done << shift;
	return err;
}
