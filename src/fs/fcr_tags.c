// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What each tag of a fast commit does, after the ext4_fc_replay_*() functions of the kernel's
 * fs/ext4/fast_commit.c. A fast commit describes each file it touched completely: its names as
 * they changed, its changed ranges, then its inode as it was in the end, so that most of what
 * names alone do to an inode (link count, ctime) is overwritten soon. Directories have no such
 * last inode.
 *
 * Tags that make no sense: an impossible inode number in a name's or range's tag makes the kernel
 * pass over it, in CREAT and INODE it refuses the filesystem; so does this.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "format/le.h"
#include "fs/fcr_i.h"
#include "fs/fs_i.h"
#include "fs/group.h"

/* ---- inodes ---- */

static bool ino_usable(const struct fcr *fcr, uint32_t ino)
{
	const struct super *sb = &fcr->fs->sb;

	return ino && ino <= sb->inodes && !super_ino_special(sb, ino);
}

int fcr_tags_disk_inode(struct fcr *fcr, uint32_t ino, struct dinode *ret, bool *ret_valid)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	const uint8_t *raw;
	int err = dinode_load_disk(fcr->fs, ino, &buf, &raw);

	if (!err)
		*ret_valid = dinode_csum_ok(&fcr->fs->sb, ino, raw) &&
			!dinode_decode(&fcr->fs->sb, raw, ret);
	return err;
}

/* Gives the inode bytes of its own. */
static int need_raw(struct fcr *fcr, struct fcr_inode *fi)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	size_t size = fcr->fs->sb.inode_size;
	const uint8_t *raw;
	int err;

	if (fi->raw)
		return 0;
	err = dinode_load_disk(fcr->fs, fi->ino, &buf, &raw);
	if (!err)
		err = fcr_charge(fcr, size);
	if (err)
		return err;
	fi->raw = malloc(size);
	if (!fi->raw)
		return -ENOMEM;
	memcpy(fi->raw, raw, size);
	return 0;
}

/* The inode as replayed so far. *ret_alive: it is in use. */
static int load(struct fcr *fcr, struct fcr_inode *fi, struct dinode *ret, bool *ret_alive)
{
	int err = 0;

	if (fi->raw)
		*ret_alive = !dinode_decode(&fcr->fs->sb, fi->raw, ret);
	else
		err = fcr_tags_disk_inode(fcr, fi->ino, ret, ret_alive);
	if (!err && *ret_alive)
		*ret_alive = ret->nlink != 0;
	return err;
}

/* Whether the bytes of an *_extra time are the inode's (EXT4_FITS_IN_INODE()). */
static bool has_extra(const struct fcr *fcr, const uint8_t *raw, unsigned off)
{
	unsigned isize;

	if (fcr->fs->sb.inode_size <= EXT2_GOOD_OLD_INODE_SIZE)
		return false;
	isize = le16_get(raw + FCR_INO_EXTRA_ISIZE);
	return !isize || off + 4 <= EXT2_GOOD_OLD_INODE_SIZE + isize;
}

/* Sets a time to that of the replay, as the kernel's functions do (ext4_encode_extra_time()). */
static void set_now(const struct fcr *fcr, uint8_t *raw, unsigned off, unsigned extra)
{
	int64_t sec = fcr->now.tv_sec;
	uint32_t epoch = (uint32_t)((sec - (int32_t)sec) >> 32) & 3;

	le32_put(raw + off, (uint32_t)sec);
	if (has_extra(fcr, raw, extra))
		le32_put(raw + extra, epoch | (uint32_t)fcr->now.tv_nsec << 2);
}

static void set_nlink(const struct fcr *fcr, struct fcr_inode *fi, uint32_t nlink)
{
	le16_put(fi->raw + FCR_INO_LINKS, nlink > UINT16_MAX ? UINT16_MAX : (uint16_t)nlink);
	set_now(fcr, fi->raw, FCR_INO_CTIME, FCR_INO_CTIME_EXTRA);
}

/* The inode has no name left: who gets its number next begins with nothing. */
static void evict(struct fcr_inode *fi)
{
	fi->no_base = true;
	fi->ops.nr = 0;
	fcr_dir_reset(&fi->dir);
}

/*
 * Whether a tag that brings an unused inode to life makes a new file of it, which owns nothing of
 * what i_block says. A file of O_TMPFILE has no links either, but is the same one.
 */
static int begins_anew(struct fcr *fcr, struct fcr_inode *fi, const uint8_t *tag_raw, bool *ret)
{
	struct dinode d = { 0 };
	bool alive;
	int err = load(fcr, fi, &d, &alive);

	if (!err)
		*ret = !alive && d.generation != le32_get(tag_raw + FCR_INO_GENERATION);
	return err;
}

/* Of i_block the kernel takes over inline data only; nothing else tells where these point to. */
static bool wants_block(const struct dinode *d)
{
	if (d->flags & EXT4_EXTENTS_FL)
		return false;
	return d->flags & EXT4_INLINE_DATA_FL || !(S_ISREG(d->mode) || S_ISDIR(d->mode));
}

static int apply_inode(struct fcr *fcr, const struct fcommit_inode *tag)
{
	struct fcr_inode *fi;
	struct dinode d;
	bool anew;
	int err;

	if (!ino_usable(fcr, tag->ino))
		return fs_corrupt(fcr->fs, 0, -EUCLEAN, "a fast commit changes inode %u", tag->ino);
	err = fcr_inode_need(fcr, tag->ino, &fi);
	if (!err)
		err = begins_anew(fcr, fi, tag->raw, &anew);
	if (!err)
		err = need_raw(fcr, fi);
	if (err)
		return err;
	if (anew)
		fi->no_base = true;
	memcpy(fi->raw, tag->raw, FCR_INO_BLOCK);
	memcpy(fi->raw + FCR_INO_GENERATION, tag->raw + FCR_INO_GENERATION,
		tag->len - FCR_INO_GENERATION);
	fi->tagged = true;
	if (dinode_decode(&fcr->fs->sb, fi->raw, &d))
		return fs_corrupt(fcr->fs, tag->ino, -EUCLEAN, "a fast commit damages the inode");
	if (wants_block(&d))
		memcpy(fi->raw + FCR_INO_BLOCK, tag->raw + FCR_INO_BLOCK, DINODE_BLOCK_SIZE);
	return 0;
}

/* ---- ranges ---- */

static int apply_range(struct fcr *fcr, const struct fcommit_range *tag, enum run_kind kind)
{
	struct run run = { .lblk = tag->lblk, .nr = tag->nr, .pblk = tag->pblk, .kind = kind };
	struct fcr_inode *fi;
	int err;

	if (!ino_usable(fcr, tag->ino) || !tag->nr)
		return 0;
	err = fcr_inode_need(fcr, tag->ino, &fi);
	return err ? err : fcr_runs_add(fcr, fi, &run);
}

/* ---- names ---- */

static int check_name(struct fcr *fcr, const struct fcommit_dentry *tag)
{
	const char *name = tag->name;
	size_t len = tag->name_len;
	bool dots = (len == 1 && name[0] == '.') || (len == 2 && name[0] == '.' && name[1] == '.');

	if (dots || memchr(name, '/', len) || memchr(name, '\0', len))
		return fs_corrupt(fcr->fs, tag->parent, -EUCLEAN,
			"a fast commit changes an impossible name");
	return 0;
}

/* Finds the directory; NULL: there is none. */
static int load_parent(struct fcr *fcr, uint32_t ino, struct fcr_inode **ret)
{
	struct fcr_inode *fi;
	struct dinode d;
	bool alive;
	int err = fcr_inode_need(fcr, ino, &fi);

	*ret = NULL;
	if (!err)
		err = load(fcr, fi, &d, &alive);
	if (!err && alive && S_ISDIR(d.mode))
		*ret = fi;
	return err;
}

/* The directory has changed. */
static int touch_dir(struct fcr *fcr, struct fcr_inode *dir)
{
	int err = need_raw(fcr, dir);

	if (err)
		return err;
	set_now(fcr, dir->raw, FCR_INO_CTIME, FCR_INO_CTIME_EXTRA);
	set_now(fcr, dir->raw, FCR_INO_MTIME, FCR_INO_MTIME_EXTRA);
	return 0;
}

/* *ret_added: it was not there, as far as the fast commits know. */
static int add_name(struct fcr *fcr, const struct fcommit_dentry *tag, bool *ret_added)
{
	struct fcr_inode *dir;
	struct fcr_name *name;
	int err = load_parent(fcr, tag->parent, &dir);

	*ret_added = false;
	if (err || !dir)
		return err;
	err = fcr_dir_need(fcr, &dir->dir, tag, &name);
	if (err || name->ino)
		return err;
	name->ino = tag->ino;
	*ret_added = true;
	return touch_dir(fcr, dir);
}

static int apply_link(struct fcr *fcr, const struct fcommit_dentry *tag)
{
	struct fcr_inode *fi;
	struct dinode d;
	bool added, alive;
	int err = add_name(fcr, tag, &added);

	if (err || !added)
		return err;
	err = fcr_inode_need(fcr, tag->ino, &fi);
	if (!err)
		err = load(fcr, fi, &d, &alive);
	if (err || !alive)
		return err;
	err = need_raw(fcr, fi);
	if (!err)
		set_nlink(fcr, fi, d.nlink + 1);
	return err;
}

/* Removes the name, unless it has come to mean something else. */
static int remove_name(struct fcr *fcr, const struct fcommit_dentry *tag, bool *ret_removed)
{
	struct fcr_inode *dir;
	struct fcr_name *name;
	size_t nr;
	int err = load_parent(fcr, tag->parent, &dir);

	*ret_removed = false;
	if (err || !dir)
		return err;
	nr = dir->dir.nr;
	err = fcr_dir_need(fcr, &dir->dir, tag, &name);
	if (err)
		return err;
	/* unknown until now: it lies on disk */
	*ret_removed = dir->dir.nr != nr || name->ino;
	if (name->ino && name->ino != tag->ino)
		return 0;
	name->ino = 0;
	return *ret_removed ? touch_dir(fcr, dir) : 0;
}

static int apply_unlink(struct fcr *fcr, const struct fcommit_dentry *tag)
{
	struct fcr_inode *fi;
	struct dinode d;
	bool removed, alive;
	uint32_t nlink;
	int err = remove_name(fcr, tag, &removed);

	if (err || !removed)
		return err;
	err = fcr_inode_need(fcr, tag->ino, &fi);
	if (!err)
		err = load(fcr, fi, &d, &alive);
	if (err || !alive)
		return err;
	err = need_raw(fcr, fi);
	if (err)
		return err;
	/* of directories only rmdir(2) makes such a tag; the kernel leaves a link of "." behind */
	nlink = S_ISDIR(d.mode) ? 0 : d.nlink - 1;
	set_nlink(fcr, fi, nlink);
	if (!nlink)
		evict(fi);
	return 0;
}

/* What is inside a directory made by a fast commit: names of further tags, nothing else. */
static int make_dir(struct fcr *fcr, struct fcr_inode *fi, const struct dinode *d, uint32_t parent)
{
	bool on_disk = false;
	int err = 0;

	/* a replay by the kernel that was interrupted may have written it already */
	if (!fi->no_base)
		err = fcr_runs_disk_has_first(fcr, fi, &on_disk);
	if (err || on_disk)
		return err;
	fcr_dir_reset(&fi->dir);
	fi->dir.is_new = true;
	fi->dir.parent = parent;
	if (!d->size)
		le32_put(fi->raw + FCR_INO_SIZE, fcr->fs->sb.block_size);
	return 0;
}

static int apply_creat(struct fcr *fcr, const struct fcommit_dentry *tag)
{
	struct fcr_inode *fi;
	struct dinode d;
	bool alive, added;
	int err = fcr_inode_need(fcr, tag->ino, &fi);

	if (!err)
		err = load(fcr, fi, &d, &alive);
	if (err)
		return err;
	if (!alive)
		return fs_corrupt(fcr->fs, tag->ino, -EUCLEAN,
			"a fast commit names an inode that is not in use");
	err = need_raw(fcr, fi);
	if (!err && S_ISDIR(d.mode))
		err = make_dir(fcr, fi, &d, tag->parent);
	if (!err)
		err = add_name(fcr, tag, &added);
	if (!err)
		set_nlink(fcr, fi, 1);
	return err;
}

static int apply_dentry(struct fcr *fcr, const struct fcommit_tag *tag)
{
	const struct fcommit_dentry *dentry = &tag->dentry;
	int err;

	if (!ino_usable(fcr, dentry->ino) || !ino_usable(fcr, dentry->parent)) {
		if (tag->type != FCOMMIT_CREAT)
			return 0;
		return fs_corrupt(fcr->fs, 0, -EUCLEAN, "a fast commit creates inode %u in %u",
			dentry->ino, dentry->parent);
	}
	err = check_name(fcr, dentry);
	if (err)
		return err;
	switch (tag->type) {
	case FCOMMIT_CREAT:
		return apply_creat(fcr, dentry);
	case FCOMMIT_LINK:
		return apply_link(fcr, dentry);
	default:
		return apply_unlink(fcr, dentry);
	}
}

int fcr_tags_apply(void *arg, const struct fcommit_tag *tag)
{
	struct fcr *fcr = arg;

	switch (tag->type) {
	case FCOMMIT_ADD_RANGE:
		return apply_range(
			fcr, &tag->range, tag->range.unwritten ? RUN_UNWRITTEN : RUN_DATA);
	case FCOMMIT_DEL_RANGE:
		return apply_range(fcr, &tag->range, RUN_HOLE);
	case FCOMMIT_CREAT:
	case FCOMMIT_LINK:
	case FCOMMIT_UNLINK:
		return apply_dentry(fcr, tag);
	case FCOMMIT_INODE:
		return apply_inode(fcr, &tag->inode);
	default:
		return 0;
	}
}
