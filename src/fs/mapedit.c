// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The calls of mapedit.h over extent trees (exted.c) and indirect maps (inded.c): what both have in
 * common is the cached runs, the freeing of the blocks themselves, and clusters.
 *
 * With bigalloc blocks are allocated and freed by the cluster. A file's blocks of one cluster of the file
 * lie in one cluster of the image, at the same places, whether all of them are mapped or not. So a
 * block beside a mapped one of its cluster needs no allocation, and a cluster is freed with the last
 * of its blocks.
 */
#include "config.h"

#include "fs/mapedit.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "format/extent.h"
#include "fs/balloc.h"
#include "fs/exted.h"
#include "fs/fs_i.h"
#include "fs/inded.h"
#include "fs/orphan.h"
#include "fs/usage.h"

static bool has_extents(const struct inode *inode)
{
	return inode->d.flags & EXT4_EXTENTS_FL;
}

/*
 * What one change takes, and enough to put the inode on the orphan list or take it off: map_free()
 * leaves that much.
 */
unsigned map_credits(const struct inode *inode)
{
	return (has_extents(inode) ? exted_credits(inode) : inded_credits()) + BALLOC_CREDITS +
		INODE_CREDITS + usage_credits(inode->fs) + ORPHAN_CREDITS;
}

void map_init(struct inode *inode)
{
	memset(inode->d.block, 0, DINODE_BLOCK_SIZE);
	if (super_has_extents(&inode->fs->sb))
		inode->d.flags |= EXT4_EXTENTS_FL;
	if (has_extents(inode))
		extent_node_init(inode->d.block, DINODE_BLOCK_SIZE, 0);
	extmap_forget(inode);
}

/*
 * Ends a call. The inode has to be written even if the call failed: a tree that was made larger for
 * nothing is a good tree. Without that, memory and image would go separate ways.
 */
static int finish(struct handle *h, struct inode *inode, int err)
{
	int write_err = inode_write(h, inode);

	if (write_err)
		journal_abort(journal_of(h), write_err);
	return err ? err : write_err;
}

/* ---- clusters ---- */

static uint64_t cluster_mask(const struct inode *inode)
{
	return ((uint64_t)1 << inode->fs->sb.cluster_bits) - 1;
}

/* Whether any block of lblk's cluster is mapped: *ret_pblk is then where the cluster lies. */
static int cluster_find(struct inode *inode, uint64_t lblk, bool *ret_found, uint64_t *ret_pblk)
{
	uint64_t begin = lblk & ~cluster_mask(inode), at = begin;

	*ret_found = false;
	while (at <= (begin | cluster_mask(inode))) {
		struct run run;
		int err = map_lookup(inode, at, &run);

		if (err)
			return err;
		if (run.kind != RUN_HOLE) {
			*ret_found = true;
			*ret_pblk = run.pblk - (run.lblk - begin);
			return 0;
		}
		at += run.nr;
	}
	return 0;
}

/* Frees the blocks of run, which are not mapped any more, by whole clusters. */
static int free_run(struct handle *h, struct inode *inode, const struct run *run, unsigned flags)
{
	uint64_t mask = cluster_mask(inode), pblk, used;
	uint64_t from = run->pblk & ~mask, to = (run->pblk + run->nr + mask) & ~mask;
	bool found = false;
	int err = 0;

	if (mask && (run->pblk & mask) != (run->lblk & mask))
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN,
			"file block %llu lies at the wrong place of its cluster",
			(unsigned long long)run->lblk);
	if (mask)
		err = cluster_find(inode, run->lblk + run->nr - 1, &found, &used);
	if (!err && found)
		to -= mask + 1;
	pblk = from;
	if (!err && mask && to > from) {
		err = cluster_find(inode, run->lblk, &found, &used);
		if (!err && found)
			pblk += mask + 1;
	}
	if (err || pblk >= to)
		return err;
	return balloc_free(h, inode, pblk, to - pblk, flags);
}

/* ---- allocating ---- */

/* Cuts nr so that [lblk, lblk + nr) shares no cluster but its first with what follows. */
static int cut_to_clusters(struct inode *inode, uint64_t lblk, uint32_t *nr)
{
	uint64_t last = (lblk + *nr - 1) & ~cluster_mask(inode), pblk;
	bool found;
	int err;

	if (last <= lblk)
		return 0;
	err = cluster_find(inode, last, &found, &pblk);
	if (!err && found)
		*nr = (uint32_t)(last - lblk);
	return err;
}

/* Finds room for blocks of an extent-mapped file; *ret_new: what was allocated, nr 0 if nothing. */
static int find_room(struct handle *h, struct inode *inode, uint64_t lblk, uint32_t nr,
	unsigned flags, struct run *ret, struct run *ret_new)
{
	uint64_t mask = cluster_mask(inode), in = lblk & mask, pblk = 0;
	struct balloc_want want = { .inode = inode, .flags = flags };
	bool found = false;
	uint32_t got;
	int err = 0;

	if (mask)
		err = cluster_find(inode, lblk, &found, &pblk);
	if (err)
		return err;
	*ret_new = (struct run){ .nr = 0 };
	*ret = (struct run){ .lblk = lblk, .nr = nr, .pblk = pblk + in };
	if (found) {
		if (nr > mask + 1 - in)
			ret->nr = mask + 1 - in;
		return 0;
	}
	if (mask)
		err = cut_to_clusters(inode, lblk, &nr);
	if (!err)
		err = exted_goal(inode, lblk - in, &want.goal);
	if (err)
		return err;
	want.nr = nr + (uint32_t)in;
	err = balloc_alloc(h, &want, &pblk, &got);
	if (err)
		return err;
	*ret_new = (struct run){ .lblk = lblk - in, .nr = got, .pblk = pblk };
	ret->pblk = pblk + in;
	ret->nr = got - in < nr ? got - in : nr;
	return 0;
}

static int alloc_extents(struct handle *h, struct inode *inode, uint64_t lblk, uint32_t nr,
	enum run_kind kind, unsigned flags, struct run *ret)
{
	uint32_t max = kind == RUN_UNWRITTEN ? EXTENT_MAX_NR_UNWRITTEN : EXTENT_MAX_NR;
	struct run fresh;
	int err;

	if (lblk >= EXTED_LBLK_MAX)
		return -EFBIG;
	if (nr > max)
		nr = max;
	if (nr > EXTED_LBLK_MAX - lblk)
		nr = (uint32_t)(EXTED_LBLK_MAX - lblk);
	/* with bigalloc a want is rounded up: not beyond one extent */
	if (cluster_mask(inode) && nr > max - cluster_mask(inode))
		nr = max - (uint32_t)cluster_mask(inode);
	err = find_room(h, inode, lblk, nr, flags, ret, &fresh);
	if (err)
		return err;
	ret->kind = kind;
	err = exted_insert(h, inode, ret, flags);
	if (err && fresh.nr && balloc_free(h, inode, fresh.pblk, fresh.nr, 0))
		journal_abort(journal_of(h), err);
	return err;
}

int map_alloc(struct handle *h, struct inode *inode, uint64_t lblk, uint32_t nr, enum run_kind kind,
	unsigned flags, struct run *ret)
{
	struct run hole;
	int err;

	assert(nr && kind != RUN_HOLE);
	if (!has_extents(inode) && kind == RUN_UNWRITTEN)
		return -EOPNOTSUPP;
	if (!has_extents(inode) && cluster_mask(inode))
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN,
			"indirect map on a filesystem with bigalloc");
	err = map_lookup(inode, lblk, &hole);
	if (err)
		return err;
	if (hole.kind != RUN_HOLE)
		return -EEXIST;
	if (nr > hole.nr)
		nr = (uint32_t)hole.nr;
	if (has_extents(inode))
		err = alloc_extents(h, inode, lblk, nr, kind, flags, ret);
	else
		err = inded_alloc(h, inode, lblk, nr, flags, ret);
	if (err)
		extmap_forget(inode); /* runs in the root may have moved to a block */
	else
		extmap_update(inode, ret);
	return finish(h, inode, err);
}

/* ---- kinds ---- */

/* Makes sure of credits for one more change; ends the transaction for them if it must. */
static int more_credits(struct handle *h, const struct inode *inode)
{
	unsigned have = journal_credits(h), want = map_credits(inode);

	if (have >= want || journal_extend(h, want - have))
		return 0;
	return journal_restart(h, want);
}

/* Gives [lblk, lblk + nr), all mapped, another kind, extent by extent. */
static int mark(
	struct handle *h, struct inode *inode, uint64_t lblk, uint64_t nr, enum run_kind kind)
{
	int err = 0;

	if (!has_extents(inode))
		return -EOPNOTSUPP;
	while (!err && nr) {
		struct run run;

		err = exted_mark(h, inode, lblk, nr, kind, &run);
		if (err)
			extmap_forget(inode);
		else
			extmap_update(inode, &run);
		err = finish(h, inode, err);
		if (err)
			break;
		lblk += run.nr;
		nr -= run.nr;
		if (nr)
			err = more_credits(h, inode);
	}
	return err;
}

int map_convert(struct handle *h, struct inode *inode, uint64_t lblk, uint64_t nr)
{
	return mark(h, inode, lblk, nr, RUN_DATA);
}

int map_unwrite(struct handle *h, struct inode *inode, uint64_t lblk, uint64_t nr)
{
	return mark(h, inode, lblk, nr, RUN_UNWRITTEN);
}

/* ---- freeing ---- */

/* Unmaps and frees the last piece in [from, *to); *to moves back to its beginning, or to from. */
static int free_last(
	struct handle *h, struct inode *inode, uint64_t from, unsigned flags, uint64_t *to)
{
	struct run gone, hole;
	int err;

	if (has_extents(inode))
		err = exted_remove_last(h, inode, from, *to, &gone);
	else
		err = inded_remove_last(h, inode, from, *to, &gone);
	if (err) {
		extmap_forget(inode);
		return finish(h, inode, err);
	}
	if (!gone.nr) {
		*to = from;
		return 0;
	}
	hole = (struct run){ .lblk = gone.lblk, .nr = gone.nr, .kind = RUN_HOLE };
	extmap_update(inode, &hole);
	*to = gone.lblk;
	return finish(h, inode, free_run(h, inode, &gone, flags));
}

int map_free(struct handle *h, struct inode *inode, uint64_t from, uint64_t to, unsigned flags,
	uint64_t *ret_left)
{
	int err = 0;

	if (to > EXTENT_LBLK_END)
		to = EXTENT_LBLK_END;
	while (!err && to > from) {
		unsigned have = journal_credits(h), want = map_credits(inode);

		if (have < want && !journal_extend(h, want - have))
			break;
		err = free_last(h, inode, from, flags, &to);
	}
	*ret_left = to > from ? to : from;
	return err;
}

/* ---- moving ---- */

/* Enters gone, which was taken out of the tree, at lblk instead. */
static int put_moved(struct handle *h, struct inode *inode, const struct run *gone, uint64_t lblk)
{
	struct run run = *gone;
	int err;

	run.lblk = lblk;
	err = exted_insert(h, inode, &run, BALLOC_RESERVED);
	if (err && exted_insert(h, inode, gone, BALLOC_RESERVED))
		journal_abort(journal_of(h), err);
	extmap_forget(inode);
	return finish(h, inode, err);
}

int map_shift_left(
	struct handle *h, struct inode *inode, uint64_t lblk, uint64_t by, uint64_t *ret_nr)
{
	struct run gone;
	int err = exted_take(h, inode, lblk, &gone);

	extmap_forget(inode);
	if (err)
		return finish(h, inode, err);
	*ret_nr = gone.nr;
	return put_moved(h, inode, &gone, lblk - by);
}

int map_shift_right(struct handle *h, struct inode *inode, uint64_t from, uint64_t to, uint64_t by,
	uint64_t *ret_from)
{
	struct run gone;
	int err = exted_remove_last(h, inode, from, to, &gone);

	extmap_forget(inode);
	if (err)
		return finish(h, inode, err);
	*ret_from = gone.nr ? gone.lblk : from;
	return gone.nr ? put_moved(h, inode, &gone, gone.lblk + by) : 0;
}
