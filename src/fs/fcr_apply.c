// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fast commits applied to a writable filesystem, in an order in which nothing that is in use can be given
 * to somebody else:
 *
 * 1. release: files that are gone, and blocks that files have lost, are freed, and free for good.
 * 2. claim:   the blocks and inodes of what is there in the end are marked.
 * 3. build:   inodes are written, their maps completed; new tree blocks come from what is free now.
 * 4. names:   directories are changed (fcr_names.c).
 *
 * The kernel replays tag by tag and leaves some counts for e2fsck to mend (i_blocks, links of directories);
 * here they are right.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "format/extent.h"
#include "format/le.h"
#include "fs/balloc.h"
#include "fs/exted.h"
#include "fs/fcr_i.h"
#include "fs/fs_i.h"
#include "fs/ialloc.h"
#include "fs/mapedit.h"
#include "fs/usage.h"
#include "fs/xattredit.h"

/* One past the last block that any map can hold. */
#define MAP_END ((uint64_t)1 << 32)

static unsigned map_step_credits(const struct inode *inode)
{
	unsigned most = map_credits(inode);

	if (most < XATTR_FREE_CREDITS)
		most = XATTR_FREE_CREDITS;
	if (most < ialloc_credits(inode->fs))
		most = ialloc_credits(inode->fs);
	return most + INODE_CREDITS + usage_credits(inode->fs);
}

/* Makes sure that h has so many credits. */
static int need_credits(struct handle *h, unsigned credits)
{
	unsigned have = journal_credits(h);

	if (have >= credits || journal_extend(h, credits - have))
		return 0;
	return journal_restart(h, credits);
}

/* ---- what there is ---- */

static int look(struct fcr *fcr, struct fcr_inode *fi)
{
	struct dinode d = { 0 };
	bool used = false, valid = false;
	int err = ialloc_in_use(fcr->fs, fi->ino, &used);

	if (!err)
		err = fcr_tags_disk_inode(fcr, fi->ino, &d, &valid);
	if (err)
		return err;
	fi->was_used = used && valid && d.nlink;
	fi->was_dir = fi->was_used && S_ISDIR(d.mode);
	fi->alive = fi->was_used;
	if (fi->raw)
		fi->alive = !dinode_decode(&fcr->fs->sb, fi->raw, &d) && d.nlink;
	return 0;
}

/* Whether the file on disk is not the one that the fast commits speak of. */
static bool is_replaced(const struct fcr_inode *fi)
{
	return fi->was_used && (!fi->alive || fi->no_base);
}

/* ---- 1: release ---- */

static int free_range(struct handle *h, struct inode *inode, uint64_t from, uint64_t to)
{
	unsigned flags = S_ISREG(inode->d.mode) ? 0 : BFREE_META;
	uint64_t left = to;
	int err = 0;

	while (!err && left > from) {
		uint64_t before = left;

		err = need_credits(h, map_step_credits(inode));
		if (!err)
			err = map_free(h, inode, from, before, flags, &left);
		if (!err && left >= before)
			return fs_corrupt(inode->fs, inode->ino, -EUCLEAN, "blocks cannot be freed");
	}
	return err;
}

/* Whether the inode has attributes of any kind. */
static int has_attributes(struct inode *inode, bool *ret)
{
	size_t size = inode->fs->sb.inode_size;
	size_t at = EXT2_GOOD_OLD_INODE_SIZE + (size_t)inode->d.extra_isize;
	CLEANUP(cleanup_free) uint8_t *raw = malloc(size);
	int err = raw ? inode_read_raw(inode, raw) : -ENOMEM;

	*ret = inode->d.file_acl ||
		(!err && at + 4 <= size && le32_get(raw + at) == EXT2_EXT_ATTR_MAGIC);
	return err;
}

static int free_attributes(struct handle *h, struct inode *inode)
{
	bool done = false, any = false;
	int err = has_attributes(inode, &any);

	/* inodes of values would become orphans, whose list has not been read yet */
	if (!err && any && super_has_ea_inode(&inode->fs->sb)) {
		log_error(inode->fs->log, "inode %u, which is to go, has attributes that may lie in "
					  "inodes of their own", inode->ino);
		return -EOPNOTSUPP;
	}
	while (!err && !done) {
		err = need_credits(h, map_step_credits(inode));
		if (!err)
			err = xattr_free_all(h, inode, &done);
	}
	return err;
}

/* The file has no name left, or its number is another file's now. */
static int free_inode(struct handle *h, struct inode *inode)
{
	int err = 0;

	if (fcr_maps_blocks(&inode->fs->sb, &inode->d))
		err = free_range(h, inode, 0, MAP_END);
	if (!err)
		err = free_attributes(h, inode);
	if (!err)
		err = need_credits(h, map_step_credits(inode));
	if (err)
		return err;
	inode->d.nlink = 0;
	inode->d.size = 0;
	return ialloc_free(h, inode);
}

/* What fi's map says of lblk, as far as the next change; *at: an index that only goes up with lblk. */
static struct run wanted(const struct fcr_inode *fi, uint64_t lblk, size_t *at)
{
	const struct fcr_runs *map = &fi->map;
	struct run run = { .lblk = lblk, .nr = MAP_END - lblk, .kind = RUN_HOLE };

	while (*at < map->nr && map->v[*at].lblk + map->v[*at].nr <= lblk)
		++*at;
	if (*at == map->nr)
		return run;
	if (map->v[*at].lblk > lblk) {
		run.nr = map->v[*at].lblk - lblk;
		return run;
	}
	run = map->v[*at];
	run.pblk += lblk - run.lblk;
	run.nr -= lblk - run.lblk;
	run.lblk = lblk;
	return run;
}

/* Brings what is mapped on disk from run->lblk on in line; *ret_nr: how far that went. */
static int release_part(struct handle *h, struct inode *inode, const struct run *run,
	const struct run *want, uint64_t *ret_nr)
{
	uint64_t nr = run->nr < want->nr ? run->nr : want->nr;
	int err;

	*ret_nr = nr;
	if (run->kind == RUN_HOLE)
		return 0;
	if (want->kind == RUN_HOLE || want->pblk != run->pblk)
		return free_range(h, inode, run->lblk, run->lblk + nr);
	if (want->kind == run->kind)
		return 0;
	err = need_credits(h, map_step_credits(inode));
	if (err)
		return err;
	return want->kind == RUN_DATA ? map_convert(h, inode, run->lblk, nr) :
					map_unwrite(h, inode, run->lblk, nr);
}

static int release_blocks(struct handle *h, struct inode *inode, const struct fcr_inode *fi)
{
	uint64_t lblk = 0, nr;
	size_t at = 0;
	int err = 0;

	/* it has no blocks */
	if (inode->d.flags & EXT4_INLINE_DATA_FL)
		return 0;
	while (!err && lblk < MAP_END - 1) {
		struct run run, want = wanted(fi, lblk, &at);

		err = map_lookup(inode, lblk, &run);
		if (!err)
			err = release_part(h, inode, &run, &want, &nr);
		lblk += err ? 0 : nr;
	}
	return err;
}

static int release(struct handle *h, struct fcr *fcr, struct fcr_inode *fi)
{
	struct inode *inode;
	int err;

	if (!is_replaced(fi) && !(fi->was_used && fi->has_map))
		return 0;
	err = inode_get_special(fcr->fs, fi->ino, &inode);
	if (err)
		return err;
	if (is_replaced(fi))
		err = free_inode(h, inode);
	else if (inode->d.flags & EXT4_EXTENTS_FL)
		err = release_blocks(h, inode, fi);
	inode_put(inode);
	return err;
}

/* ---- 2: claim ---- */

/* A directory's blocks are made anew, from its names. */
static bool has_blocks(const struct fcr_inode *fi)
{
	return fi->alive && fi->has_map && !fi->dir.is_new;
}

static int claim(struct handle *h, struct fcr *fcr, struct fcr_inode *fi)
{
	struct dinode d;
	bool used = false;
	int err = 0;

	for (size_t i = 0; !err && has_blocks(fi) && i < fi->map.nr; i++)
		err = fcr_mark_blocks(h, fcr->fs, fi->map.v[i].pblk, fi->map.v[i].nr);
	if (!err && fi->alive)
		err = ialloc_in_use(fcr->fs, fi->ino, &used);
	if (err || !fi->alive || used || !fi->raw)
		return err;
	err = dinode_decode(&fcr->fs->sb, fi->raw, &d);
	return err ? err : fcr_mark_inode(h, fcr->fs, fi->ino, S_ISDIR(d.mode));
}

/* ---- 3: build ---- */

/* Whether a block of lblk's cluster is mapped already. */
static int cluster_mapped(struct inode *inode, uint64_t lblk, bool *ret)
{
	uint64_t mask = ((uint64_t)1 << inode->fs->sb.cluster_bits) - 1, at = lblk & ~mask;
	int err = 0;

	*ret = false;
	while (!err && !*ret && at <= (lblk | mask)) {
		struct run run = { 0 };

		err = map_lookup(inode, at, &run);
		*ret = !err && run.kind != RUN_HOLE;
		at = run.lblk + run.nr;
	}
	return err;
}

/* Counts the blocks of run, about to be mapped: those of clusters that the file does not have yet. */
static int count_run(struct handle *h, struct inode *inode, const struct run *run)
{
	unsigned bits = inode->fs->sb.cluster_bits;
	uint64_t first = run->lblk >> bits, last = (run->lblk + run->nr - 1) >> bits;
	uint64_t clusters = last - first + 1;
	bool has = false;
	int err = bits ? cluster_mapped(inode, run->lblk, &has) : 0;

	clusters -= has;
	has = false;
	if (!err && bits && last != first)
		err = cluster_mapped(inode, last << bits, &has);
	clusters -= has;
	return err ? err : usage_add_blocks(h, inode, (int64_t)(clusters << bits));
}

static int map_run(struct handle *h, struct inode *inode, const struct run *run)
{
	int err = need_credits(h, map_step_credits(inode));

	if (!err)
		err = count_run(h, inode, run);
	if (!err)
		err = exted_insert(h, inode, run, BALLOC_RESERVED);
	extmap_forget(inode);
	return err ? err : inode_write(h, inode);
}

/* Maps what the inode lacks of want. */
static int map_missing(struct handle *h, struct inode *inode, const struct run *want)
{
	uint64_t max = want->kind == RUN_DATA ? EXTENT_MAX_NR : EXTENT_MAX_NR_UNWRITTEN;
	uint64_t lblk = want->lblk, end = want->lblk + want->nr;
	int err = 0;

	while (!err && lblk < end) {
		struct run run, part = *want;

		err = map_lookup(inode, lblk, &run);
		if (err)
			break;
		part.lblk = lblk;
		part.pblk += lblk - want->lblk;
		part.nr = run.nr < end - lblk ? run.nr : end - lblk;
		if (run.kind == RUN_HOLE) {
			part.nr = part.nr < max ? part.nr : max;
			err = map_run(h, inode, &part);
		}
		lblk += part.nr;
	}
	return err;
}

/*
 * i_block and the counts go on from what is on disk, and so does the link of the orphan list; the rest is as
 * the fast commits say.
 */
static void inherit(struct dinode *d, const struct dinode *before)
{
	d->dtime = before->dtime;
	d->blocks = before->blocks;
	if (d->flags & before->flags & EXT4_EXTENTS_FL)
		memcpy(d->block, before->block, DINODE_BLOCK_SIZE);
}

static void init_root(struct inode *inode)
{
	memset(inode->d.block, 0, DINODE_BLOCK_SIZE);
	extent_node_init(inode->d.block, DINODE_BLOCK_SIZE, 0);
	extmap_forget(inode);
}

/* Holds the inode of a file that is on disk already, with its new attributes. */
static int open_old(struct handle *h, struct fcr *fcr, struct fcr_inode *fi, struct dinode *d,
	struct inode **ret)
{
	struct inode *inode;
	bool outgrew;
	int err = inode_get_special(fcr->fs, fi->ino, &inode);

	if (err)
		return err;
	if (d->uid != inode->d.uid || d->gid != inode->d.gid || d->projid != inode->d.projid)
		err = usage_transfer(h, inode, d->uid, d->gid, d->projid);
	outgrew = d->flags & ~inode->d.flags & EXT4_EXTENTS_FL;
	inherit(d, &inode->d);
	if (!err && d->generation != inode->d.generation) {
		/* what checksums begin with is another now */
		inode_forget(inode);
		inode_put(inode);
		err = inode_create(fcr->fs, fi->ino, d, &inode);
		if (err)
			return err;
	}
	inode->d = *d;
	if (outgrew)
		init_root(inode);
	if (err)
		inode_put(inode);
	else
		*ret = inode;
	return err;
}

/* The same for one that is not. What lies in the table may be an orphan: its link stays. */
static int open_new(struct handle *h, struct fcr *fcr, struct fcr_inode *fi, struct dinode *d,
	struct inode **ret)
{
	struct dinode before;
	bool valid = false, orphan;
	int err = fcr_tags_disk_inode(fcr, fi->ino, &before, &valid);

	if (err)
		return err;
	d->blocks = 0;
	d->dtime = 0;
	orphan = !fi->no_base && valid && before.mode && !before.nlink;
	if (orphan)
		inherit(d, &before);
	err = inode_create(fcr->fs, fi->ino, d, ret);
	if (err)
		return err;
	if (d->flags & EXT4_EXTENTS_FL && (!d->blocks || fi->no_base))
		init_root(*ret);
	if (!orphan)
		err = usage_add_inode(h, *ret, 1);
	if (err)
		inode_put(*ret);
	return err;
}

static int build(struct handle *h, struct fcr *fcr, struct fcr_inode *fi)
{
	bool old = fi->was_used && !is_replaced(fi);
	struct inode *inode;
	struct dinode d;
	int err = 0;

	if (!fi->alive || (!fi->raw && !fi->has_map))
		return 0;
	if (fi->raw)
		err = dinode_decode(&fcr->fs->sb, fi->raw, &d);
	else
		err = dinode_load_special(fcr->fs, fi->ino, &d);
	if (!err && fi->dir.is_new)
		d.size = 0; /* see dir_init() */
	if (!err)
		err = old ? open_old(h, fcr, fi, &d, &inode) : open_new(h, fcr, fi, &d, &inode);
	if (err)
		return err;
	err = need_credits(h, map_step_credits(inode));
	if (!err)
		err = inode_write_raw(h, inode, fi->raw, !old);
	if (!err && inode->d.flags & EXT4_EXTENTS_FL && has_blocks(fi))
		for (size_t i = 0; !err && i < fi->map.nr; i++)
			err = map_missing(h, inode, &fi->map.v[i]);
	inode_put(inode);
	return err;
}

/* ---- all of it ---- */

typedef int phase_fn(struct handle *h, struct fcr *fcr, struct fcr_inode *fi);

/* One phase for all inodes, and its end in the journal: freed blocks are free after it. */
static int run_phase(struct fs *fs, struct fcr *fcr, phase_fn *phase)
{
	int err = 0;

	for (size_t i = 0; !err && i < fcr->nr; i++) {
		struct handle *h;
		int stop_err;

		if (fs_interrupted(fs, i))
			return -EINTR;
		err = journal_start(fs->journal, FCR_CREDITS, &h);
		if (err)
			break;
		err = phase(h, fcr, fcr->list[i]);
		stop_err = journal_stop(h);
		err = err ? err : stop_err;
	}
	return err ? err : journal_wait(fs->journal, 0);
}

int fcr_apply(struct fs *fs, struct fcr *fcr)
{
	static phase_fn *const phases[] = { release, claim, build, fcr_names_apply };
	int err = 0;

	for (size_t i = 0; !err && i < fcr->nr; i++)
		err = look(fcr, fcr->list[i]);
	for (size_t i = 0; !err && i < sizeof(phases) / sizeof(phases[0]); i++)
		err = run_phase(fs, fcr, phases[i]);
	return err;
}
