// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where new blocks come from: at the goal, else a run that is long enough in the goal's group, its flex
 * group or any other, else the longest that few visits find, else whatever is free.
 *
 * An allocation first claims clusters in memory, then announces the buffers to the journal, and then
 * changes them: no group's lock is held over IO, a search that fails has cost no credits, and what was
 * found cannot be lost to another thread. Units are clusters but where something is called blocks.
 */
#include "config.h"

#include "fs/balloc.h"

#include <errno.h>
#include <sched.h>
#include <sys/stat.h>

#include "format/bitmap.h"
#include "fs/balloc_i.h"
#include "fs/fs_i.h"
#include "fs/usage.h"

/* A write of so many bytes, or one that goes on where the last ended, is a stream: s_mb_stream_request. */
#define STREAM_BYTES (64u << 10)
/* The most that is kept for one stream. */
#define WINDOW_BYTES (8u << 20)
/* No windows when less than this share of the clusters is free. */
#define WINDOW_FREE_SHARE 64
/* So many bitmaps are looked at for a run as long as wanted, before the longest is good enough. */
#define VISITS_MAX 16
/* New files of one directory begin at so many places in their group, by CPU. */
#define COLOURS 16
/* Groups per flex group from which on directories and files begin in different ones. */
#define FLEX_DIR_BITS 2

struct request {
	struct fs *fs;
	struct inode *inode;
	uint32_t nr;	      /* wanted */
	uint32_t room;	      /* to keep behind it, 0: no window */
	uint32_t group;	      /* the goal's, and */
	uint32_t bit;	      /* its cluster there */
	/* found: */
	struct group *found;  /* NULL: not yet */
	uint32_t start, len;  /* of the claim */
	/* while searching: */
	unsigned visits;
	uint32_t best_group, best_len;
	int err; /* what kept a group from being looked at */
};

/* ---- goals ---- */

static uint32_t bytes_to_clusters(const struct super *sb, uint32_t bytes)
{
	uint32_t nr = bytes >> (sb->block_bits + sb->cluster_bits);

	return nr ? nr : 1;
}

/* ext4_inode_to_goal_block(); metadata stays at the beginning. */
static uint64_t goal_of_inode(const struct inode *inode, bool meta)
{
	const struct super *sb = &inode->fs->sb;
	uint32_t group = (inode->ino - 1) / sb->inodes_per_group;
	uint64_t first, blocks;
	int cpu;

	if (sb->flex_bits >= FLEX_DIR_BITS) {
		group &= ~((1u << sb->flex_bits) - 1);
		if (S_ISREG(inode->d.mode) && !meta && group + 1 < sb->groups)
			group++;
	}
	first = sb->first_data_block + (uint64_t)group * sb->blocks_per_group;
	if (meta)
		return first;
	blocks = sb->blocks - first;
	if (blocks > sb->blocks_per_group)
		blocks = sb->blocks_per_group;
	cpu = sched_getcpu();
	return first + (cpu < 0 ? 0 : (unsigned)cpu % COLOURS) * (blocks / COLOURS);
}

/* How much to keep behind what is allocated now; goal: where it should begin. */
static uint32_t window_room(struct inode *inode, uint64_t goal, uint32_t nr, unsigned flags)
{
	struct fs *fs = inode->fs;
	const struct super *sb = &fs->sb;
	uint32_t stream = bytes_to_clusters(sb, STREAM_BYTES);
	uint32_t max = bytes_to_clusters(sb, WINDOW_BYTES);
	uint32_t room = 0;

	if (flags & BALLOC_META || !S_ISREG(inode->d.mode) ||
		fs->groups->free_clusters <
			(int64_t)(sb->blocks >> sb->cluster_bits) / WINDOW_FREE_SHARE)
		return 0;
	if (goal && goal == inode->alloc_goal)
		room = inode->window.size * 2 > stream ? inode->window.size * 2 : stream;
	if ((room || nr >= stream) && room < nr)
		room = nr;
	if (room > max)
		room = max;
	inode->window.size = room;
	return room;
}

/* ---- claims ---- */

/*
 * Takes up to nr off the count of free clusters, so that nobody fails later. 0: none may be had. The
 * reserved ones are root's, ext4_has_free_clusters().
 */
static uint32_t take_free(struct fs *fs, uint32_t nr, unsigned flags)
{
	int64_t keep = 0, free = fs->groups->free_clusters;

	if (!(flags & BALLOC_RESERVED))
		keep = (int64_t)(fs->sb.reserved_blocks >> fs->sb.cluster_bits);
	do {
		if (free <= keep)
			return 0;
		if (nr > free - keep)
			nr = (uint32_t)(free - keep);
	} while (!atomic_compare_exchange_weak(&fs->groups->free_clusters, &free, free - nr));
	return nr;
}

/* Claims the run's beginning, and puts the window behind it. */
static int claim_locked(struct request *rq, struct group *group, struct buf *buf,
	const struct bitmap_run *run)
{
	uint32_t nr = run->nr < rq->nr ? run->nr : rq->nr;
	uint32_t room = run->nr - nr < rq->room ? run->nr - nr : rq->room;
	int err = group_hold_locked(rq->fs, group, buf, run->start, nr);

	if (err)
		return err;
	if (room)
		balloc_window_put_locked(rq->fs, group, buf, &rq->inode->window, run->start + nr,
			room);
	rq->found = group;
	rq->start = run->start;
	rq->len = nr;
	return 0;
}

/* Only what begins at the goal, however short: the file goes on without a gap. */
static int at_goal_locked(struct request *rq, struct group *group, struct buf *buf,
	const uint8_t *busy)
{
	struct bitmap_run run = { .start = rq->bit };
	uint32_t want = rq->nr + rq->room, end = group->clusters;

	if (rq->bit >= end || bitmap_test(busy, rq->bit))
		return -ENOSPC;
	if (want < end - rq->bit)
		end = rq->bit + want;
	run.nr = bitmap_next_set(busy, rq->bit, end) - rq->bit;
	return claim_locked(rq, group, buf, &run);
}

static int anywhere_locked(struct request *rq, struct group *group, struct buf *buf,
	const uint8_t *busy, uint32_t min)
{
	uint32_t goal = group->nr == rq->group ? rq->bit : 0;
	struct bitmap_run run;

	if (!bitmap_find_run(busy, group->clusters, goal, rq->nr + rq->room, &run))
		group_note_longest(rq->fs, group, run.nr);
	if (run.nr > rq->best_len) {
		rq->best_len = run.nr;
		rq->best_group = group->nr;
	}
	if (!run.nr || run.nr < min)
		return -ENOSPC;
	return claim_locked(rq, group, buf, &run);
}

/* min 0: at the goal. */
static int search_locked(struct request *rq, struct group *group, struct buf *buf, uint32_t min)
{
	struct balloc_window *window = &rq->inode->window;
	const uint8_t *busy;
	int err = group_check_locked(rq->fs, group, GROUP_BLOCKS, buf);

	if (err)
		return err;
	if (rq->room && window->group == group)
		balloc_window_drop_locked(rq->fs, window);
	busy = group_busy_locked(rq->fs, group, buf);
	if (!busy)
		return -ENOMEM;
	return min ? anywhere_locked(rq, group, buf, busy, min) :
		     at_goal_locked(rq, group, buf, busy);
}

/*
 * Looks into one group: for a run of min clusters at least, or with 0 for the goal. -ENOSPC: not here;
 * other errors too are no reason to give up, but for -ENOMEM.
 */
static int visit(struct request *rq, uint32_t nr, uint32_t min)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	struct group *group;
	int err = group_get(rq->fs, nr, &group);

	if (err)
		return err;
	if (group->free_clusters < (min ? min : 1)) {
		lock_take(&group->lock);
		group_note_longest(rq->fs, group, group->free_clusters);
		lock_drop(&group->lock);
		return -ENOSPC;
	}
	err = group_bitmap_get(rq->fs, group, GROUP_BLOCKS, &buf);
	if (err)
		return err;
	rq->visits++;
	atomic_fetch_add_explicit(&rq->fs->groups->visits, 1, memory_order_relaxed);
	lock_take(&group->lock);
	err = search_locked(rq, group, buf, min);
	lock_drop(&group->lock);
	return err;
}

/* The groups of [from, to) that may have 2^level. 0 found, 1 go on elsewhere, -ENOMEM. */
static int scan(struct request *rq, unsigned level, uint32_t min, uint32_t from, uint32_t to)
{
	while ((from = group_next_with(rq->fs, level, from, to)) < to) {
		int err = visit(rq, from, min);

		if (!err || err == -ENOMEM)
			return err;
		if (err != -ENOSPC && !rq->err)
			rq->err = err;
		if (level && rq->visits >= VISITS_MAX && rq->best_len)
			break;
		from++;
	}
	return 1;
}

/* The goal's group, on to the end of its flex group, that from its beginning, all others. As scan(). */
static int scan_all(struct request *rq, unsigned level, uint32_t min)
{
	const struct super *sb = &rq->fs->sb;
	uint32_t flex = rq->group >> sb->flex_bits << sb->flex_bits;
	uint64_t end = (uint64_t)flex + (UINT64_C(1) << sb->flex_bits);
	uint32_t flex_end = end < sb->groups ? (uint32_t)end : sb->groups;
	int left;

	rq->visits = 0;
	left = scan(rq, level, min, rq->group, flex_end);
	if (left == 1)
		left = scan(rq, level, min, flex, rq->group);
	if (left == 1)
		left = scan(rq, level, min, flex_end, sb->groups);
	if (left == 1)
		left = scan(rq, level, min, 0, flex);
	return left;
}

static unsigned log2_up(uint32_t n)
{
	return n <= 1 ? 0 : 32 - (unsigned)__builtin_clz(n - 1);
}

/* 0, -ENOSPC, -ENOMEM. */
static int search(struct request *rq)
{
	uint32_t want = rq->nr + rq->room;
	unsigned level;
	int left;

	if (want > rq->fs->sb.clusters_per_group)
		want = rq->fs->sb.clusters_per_group;
	level = log2_up(want);
	if (level > GROUP_LEVELS - 1) {
		level = GROUP_LEVELS - 1;
		want = 1u << level;
	}
	left = scan_all(rq, level, want);
	if (left == 1 && rq->best_len) {
		left = visit(rq, rq->best_group, rq->best_len);
		if (left && left != -ENOMEM)
			left = 1; /* gone meanwhile */
	}
	while (left == 1 && level--)
		left = scan_all(rq, level, 1u << level);
	if (left == 1)
		return rq->err == -EIO ? -EIO : -ENOSPC;
	return left;
}

static int find(struct request *rq, bool at_goal, bool exact)
{
	struct group *mine = rq->inode->window.group;
	int err;

	/* a new window will be put, maybe in another group: one lock at a time */
	if (rq->room && mine && mine->nr != rq->group)
		balloc_release(rq->inode);
	if (at_goal) {
		err = visit(rq, rq->group, 0);
		if (!err || err == -ENOMEM || exact)
			return err;
	}
	if (rq->room)
		balloc_release(rq->inode);
	err = search(rq);
	if (err != -ENOSPC || !rq->fs->groups->windowed)
		return err;
	balloc_window_drop_all(rq->fs);
	rq->room = 0;
	return search(rq);
}

/* ---- making a claim true ---- */

static void unclaim(struct request *rq)
{
	lock_take(&rq->found->lock);
	group_unhold_locked(rq->fs, rq->found, rq->start, rq->len, false);
	lock_drop(&rq->found->lock);
}

static void apply_locked(struct request *rq, struct group_bufs *bufs)
{
	struct fs *fs = rq->fs;
	struct group *group = rq->found;

	if (group_is_uninit_locked(&fs->sb, group, GROUP_BLOCKS))
		group_enable_blocks_locked(fs, group, bufs->bitmap);
	bitmap_set(bufs->bitmap->data, rq->start, rq->len);
	group->gd.free_clusters -= rq->len;
	group_store_locked(fs, group, GROUP_BLOCKS, bufs);
	group_unhold_locked(fs, group, rq->start, rq->len, true);
}

static int commit_claim(struct handle *h, struct request *rq)
{
	struct group *group = rq->found;
	struct group_bufs bufs;
	int err = group_write_begin(h, rq->fs, group, GROUP_BLOCKS, &bufs);

	if (err)
		return err;
	lock_take(&group->lock);
	err = group_check_locked(rq->fs, group, GROUP_BLOCKS, bufs.bitmap);
	lock_drop(&group->lock);
	if (!err)
		err = usage_add_blocks(h, rq->inode, (int64_t)rq->len << rq->fs->sb.cluster_bits);
	if (!err) {
		lock_take(&group->lock);
		apply_locked(rq, &bufs);
		lock_drop(&group->lock);
	}
	group_write_end(&bufs);
	return err;
}

static int alloc(struct handle *h, const struct balloc_want *want, struct request *rq)
{
	struct fs *fs = rq->fs;
	uint64_t goal = want->goal;
	uint32_t promised;
	int err;

	if (!goal && !(want->flags & BALLOC_META))
		goal = rq->inode->alloc_goal;
	if (goal && !super_block_range_valid(&fs->sb, goal, 1))
		goal = 0;
	if (!goal && want->flags & BALLOC_EXACT)
		return -ENOSPC;
	promised = take_free(fs, rq->nr, want->flags);
	if (!promised)
		return -ENOSPC;
	rq->nr = promised;
	rq->room = window_room(rq->inode, goal, rq->nr, want->flags);
	rq->group = group_of_block(&fs->sb,
		goal ? goal : goal_of_inode(rq->inode, want->flags & BALLOC_META), &rq->bit);
	err = find(rq, goal != 0, want->flags & BALLOC_EXACT);
	if (!err) {
		err = commit_claim(h, rq);
		if (err)
			unclaim(rq);
	}
	if (err)
		rq->len = 0;
	fs->groups->free_clusters += promised - rq->len;
	return err;
}

int balloc_alloc(struct handle *h, const struct balloc_want *want, uint64_t *ret_pblk,
	uint32_t *ret_nr)
{
	struct inode *inode = want->inode;
	const struct super *sb = &inode->fs->sb;
	uint64_t clusters = ((uint64_t)want->nr + (1u << sb->cluster_bits) - 1) >> sb->cluster_bits;
	struct request rq = { .fs = inode->fs, .inode = inode, .nr = (uint32_t)clusters };
	int err = groups_count(inode->fs);

	if (!err)
		err = alloc(h, want, &rq);
	if (err)
		return err;
	*ret_pblk = group_block(sb, rq.found, rq.start);
	*ret_nr = rq.len << sb->cluster_bits;
	if (!(want->flags & BALLOC_META))
		inode->alloc_goal = *ret_pblk + *ret_nr;
	return 0;
}

uint64_t balloc_free_clusters(struct fs *fs)
{
	int64_t nr;

	if (groups_count(fs))
		return fs->sb.free_clusters;
	nr = fs->groups->free_clusters;
	return nr > 0 ? (uint64_t)nr : 0;
}
