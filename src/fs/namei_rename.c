// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * rename(2): one transaction, whatever is replaced, exchanged or left behind.
 *
 * Invariants:
 *  1. A directory changes its parent only under fs->ns_lock, so that nobody else changes who is
 *     above whom between the look at it and the rename. Locks of inodes are taken by number and
 *     need no such order.
 *  2. The new name is there before the old one goes: what can fail for want of space comes first.
 */
#include "config.h"

#include <errno.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/balloc.h"
#include "fs/cryptinode.h"
#include "fs/diredit.h"
#include "fs/fs_i.h"
#include "fs/namei_i.h"
#include "fs/orphan.h"

/* RENAME_* of <linux/fs.h>. */
#define KNOWN_FLAGS (RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)

/* One of the two names. */
struct side {
	struct inode *dir;   /* the caller's */
	const char *name;
	size_t len;
	struct inode *child; /* held; NULL: no such name */
	bool was_dir;	     /* child is a directory, as it was found */
};

struct rename {
	struct fs *fs;
	struct side from, to;
	unsigned flags;
	const struct cred *cred;
	struct inode *whiteout; /* held; NULL: none made */
	bool has_ns;		/* fs->ns_lock is held */
	bool wants_ns;		/* and has to be */
	bool sync;
	uint32_t tid;
};

static bool is_dir(const struct inode *inode)
{
	return inode && S_ISDIR(inode->d.mode);
}

static bool moves_parent(const struct rename *r)
{
	return r->from.dir != r->to.dir;
}

/* ---- who is above whom ---- */

static int parent_of(struct fs *fs, uint32_t ino, uint32_t *ret)
{
	struct inode *dir;
	int err = inode_get(fs, ino, &dir);

	/* unlinked meanwhile, with all that was below it */
	if (err)
		return err == -ESTALE ? -ENOENT : err;
	err = namei_lookup(dir, "..", 2, ret);
	inode_put(dir);
	return err;
}

/*
 * 0 if above is neither below nor anything above it, -EINVAL if it is. A ring of parents, which
 * only a damaged image has, is found by Brent's method, after no more steps than a few times its
 * length.
 */
static int check_not_above(struct fs *fs, const struct inode *above, const struct inode *below)
{
	uint32_t ino = below->ino, mark = ino;
	uint64_t turns = 0, power = 1;
	int err = 0;

	while (!err && ino != above->ino && ino != EXT2_ROOT_INO) {
		if (turns++ == power) {
			mark = ino;
			power *= 2;
		}
		if (fs_interrupted(fs, turns))
			return -EINTR;
		err = parent_of(fs, ino, &ino);
		if (!err && ino == mark)
			err = fs_corrupt(fs, ino, -EUCLEAN, "directory is its own ancestor");
	}
	if (err)
		return err;
	return ino == above->ino ? -EINVAL : 0;
}

static int check_shape(const struct rename *r)
{
	int err = 0;

	if (r->from.was_dir)
		err = check_not_above(r->fs, r->from.child, r->to.dir);
	if (!err && r->flags & RENAME_EXCHANGE && r->to.was_dir)
		err = check_not_above(r->fs, r->to.child, r->from.dir);
	return err;
}

/* ---- what is allowed; all locks are held ---- */

static int check_flags(unsigned flags)
{
	if (flags & ~(unsigned)KNOWN_FLAGS)
		return -EINVAL;
	if (flags & RENAME_EXCHANGE && flags & (RENAME_NOREPLACE | RENAME_WHITEOUT))
		return -EINVAL;
	return 0;
}

/* The children are not the directories themselves, which only a damaged image can say. */
static int check_rings(const struct rename *r)
{
	const struct inode *from = r->from.child, *to = r->to.child;

	if (from == r->to.dir)
		return -EINVAL;
	if (to && to == r->from.dir)
		return r->flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	return 0;
}

static int check_replaced(const struct rename *r)
{
	struct inode *from = r->from.child, *to = r->to.child;

	if (r->flags & RENAME_NOREPLACE)
		return -EEXIST;
	if (!to->d.nlink)
		return fs_corrupt(r->fs, to->ino, -EUCLEAN, "a name but no links");
	if (r->flags & RENAME_EXCHANGE || is_dir(from) == is_dir(to))
		return 0;
	return is_dir(from) ? -ENOTDIR : -EISDIR;
}

/* Whether side's directory gets a subdirectory that it cannot count. */
static bool links_full(const struct side *side, const struct inode *comes)
{
	return is_dir(comes) && !is_dir(side->child) && namei_links_full(side->dir);
}

static bool other_project(const struct inode *dir, const struct inode *comes)
{
	return dir->d.flags & EXT4_PROJINHERIT_FL && dir->d.projid != comes->d.projid;
}

static int check_limits(const struct rename *r)
{
	struct inode *from = r->from.child, *to = r->to.child;
	bool exchange = r->flags & RENAME_EXCHANGE;

	if (other_project(r->to.dir, from) || (exchange && other_project(r->from.dir, to)))
		return -EXDEV;
	if (is_dir(to) && !exchange)
		return dir_check_empty(to);
	if (moves_parent(r) && links_full(&r->to, from))
		return -EMLINK;
	return moves_parent(r) && exchange && links_full(&r->from, to) ? -EMLINK : 0;
}

/* __fscrypt_prepare_rename() */
static int check_policies(const struct rename *r)
{
	int err = namei_check_key(r->from.dir);

	if (!err && moves_parent(r))
		err = cryptinode_may_hold(r->to.dir, r->from.child);
	if (!err && moves_parent(r) && r->flags & RENAME_EXCHANGE)
		err = cryptinode_may_hold(r->from.dir, r->to.child);
	return err;
}

/* ".." is where it will be looked for, ext4_rename_dir_prepare(). */
static int check_dotdot(const struct side *side)
{
	uint32_t ino;
	int err;

	if (!is_dir(side->child))
		return 0;
	err = dir_lookup(side->child, "..", 2, &ino);
	if (!err && ino != side->dir->ino)
		err = fs_corrupt(side->dir->fs, side->child->ino, -EUCLEAN,
			"its parent is inode %u, but inode %u names it", ino, side->dir->ino);
	return err;
}

static int check(const struct rename *r)
{
	const struct side *from = &r->from, *to = &r->to;
	int err = namei_may_delete(from->dir, from->child);

	if (!err && !from->child->d.nlink)
		err = fs_corrupt(r->fs, from->child->ino, -EUCLEAN, "a name but no links");
	if (!err)
		err = namei_may_create(to->dir, to->name, to->len);
	if (!err && to->child)
		err = namei_may_delete(to->dir, to->child);
	if (!err && !to->child && r->flags & RENAME_EXCHANGE)
		err = -ENOENT;
	if (!err)
		err = check_rings(r);
	if (!err && to->child)
		err = check_replaced(r);
	/* in the order of ext4_rename2() and ext4_rename() */
	if (!err)
		err = check_policies(r);
	if (!err)
		err = check_limits(r);
	if (!err && moves_parent(r))
		err = check_dotdot(from);
	if (!err && moves_parent(r) && r->flags & RENAME_EXCHANGE)
		err = check_dotdot(to);
	return err;
}

/* ---- changing ---- */

/* Side's name, which stands for now, stands for inode from now on. */
static int point(struct handle *h, const struct side *side, const struct inode *now,
	const struct inode *inode)
{
	uint8_t type = namei_file_type(inode->d.mode);

	return dir_replace(h, side->dir, side->name, side->len, now->ino, inode->ino, type);
}

static int add_target(struct handle *h, const struct rename *r)
{
	const struct inode *inode = r->from.child;

	if (r->to.child)
		return point(h, &r->to, r->to.child, inode);
	return dir_add(h, r->to.dir, r->to.name, r->to.len, inode->ino,
		namei_file_type(inode->d.mode));
}

static int undo_target(struct handle *h, const struct rename *r)
{
	if (r->to.child)
		return point(h, &r->to, r->from.child, r->to.child);
	return dir_remove(h, r->to.dir, r->to.name, r->to.len, r->from.child->ino);
}

static int move_names(struct handle *h, const struct rename *r)
{
	int err = add_target(h, r), undo_err;

	if (err)
		return err;
	if (r->flags & RENAME_EXCHANGE)
		err = point(h, &r->from, r->from.child, r->to.child);
	else if (r->whiteout)
		err = point(h, &r->from, r->from.child, r->whiteout);
	else
		err = dir_remove(h, r->from.dir, r->from.name, r->from.len, r->from.child->ino);
	if (!err)
		return 0;
	undo_err = undo_target(h, r);
	namei_abort(h, undo_err);
	return err;
}

/* inode, which was in old, is in dir now. */
static int touch_moved(struct handle *h, struct inode *inode, const struct inode *old,
	const struct inode *dir)
{
	int err = 0;

	if (is_dir(inode) && old != dir)
		err = dir_replace(h, inode, "..", 2, old->ino, dir->ino, EXT2_FT_DIR);
	inode->d.ctime = inode_now();
	inode->d.iversion++;
	return err ? err : inode_write(h, inode);
}

/* Counts subdirectories: dir loses one, gets one, or both. */
static void count(struct inode *dir, bool loses, bool gets)
{
	if (loses && !gets)
		namei_dec_links(dir);
	if (gets && !loses)
		namei_inc_links(dir);
}

static void count_links(const struct rename *r)
{
	bool from = is_dir(r->from.child), to = is_dir(r->to.child);

	if (r->flags & RENAME_EXCHANGE && !moves_parent(r))
		return;
	if (!moves_parent(r)) {
		count(r->from.dir, to, false);
		return;
	}
	count(r->from.dir, from, to && r->flags & RENAME_EXCHANGE);
	count(r->to.dir, to, from);
}

static int write_dirs(struct handle *h, const struct rename *r)
{
	int err = namei_write_dir(h, r->from.dir);

	return err || !moves_parent(r) ? err : namei_write_dir(h, r->to.dir);
}

static int rename_in(struct handle *h, const struct rename *r)
{
	struct inode *from = r->from.child, *to = r->to.child;
	int err = move_names(h, r);

	if (err)
		return err;
	count_links(r);
	err = touch_moved(h, from, r->from.dir, r->to.dir);
	if (!err && to && r->flags & RENAME_EXCHANGE)
		err = touch_moved(h, to, r->to.dir, r->from.dir);
	else if (!err && to)
		err = namei_drop_link(h, to);
	if (!err)
		err = write_dirs(h, r);
	return namei_abort(h, err);
}

/* The device 0/0 that overlayfs takes for "nothing here" (WHITEOUT_DEV). */
static struct namei_new want_whiteout(const struct rename *r)
{
	return (struct namei_new){ .mode = S_IFCHR, .cred = r->cred };
}

static int prepare_whiteout(const struct rename *r)
{
	struct namei_new want = want_whiteout(r);

	return r->flags & RENAME_WHITEOUT ? namei_prepare_new(r->from.dir, &want) : 0;
}

static int make_whiteout(struct handle *h, struct rename *r)
{
	struct namei_new want = want_whiteout(r);
	int err;

	if (!(r->flags & RENAME_WHITEOUT))
		return 0;
	err = namei_new(h, r->from.dir, &want, &r->whiteout);
	if (err)
		return err;
	r->whiteout->d.nlink = 1;
	return inode_write(h, r->whiteout);
}

static unsigned credits(const struct rename *r)
{
	unsigned whiteout = r->flags & RENAME_WHITEOUT ? namei_new_credits(r->from.dir) : 0;

	/* both names, both "..", both directories and children */
	return dir_add_credits(r->to.dir) + 4 * DIR_EDIT_CREDITS + 4 * INODE_CREDITS +
		NAMEI_DROP_CREDITS + whiteout;
}

static int change(struct rename *r)
{
	struct handle *h;
	int err = prepare_whiteout(r);

	if (!err)
		err = journal_start(r->fs->journal, credits(r), &h);
	if (err)
		return err;
	err = make_whiteout(h, r);
	if (!err)
		err = rename_in(h, r);
	if (err && r->whiteout)
		namei_undo_new(h, r->whiteout);
	return namei_stop(h, err, &r->tid);
}

/* ---- finding and locking ---- */

static int rename_locked(struct rename *r, bool *ret_replaced)
{
	/* before the names are looked at: a key that comes later gives them another meaning */
	bool has_keys = !namei_check_key(r->from.dir) && !namei_check_key(r->to.dir);
	int err = namei_verify(r->from.dir, r->from.name, r->from.len, r->from.child);

	if (!err)
		err = namei_verify(r->to.dir, r->to.name, r->to.len, r->to.child);
	if (err)
		return err;
	/* two names of one inode: nothing to do, says POSIX */
	if (r->from.child == r->to.child)
		return r->flags & RENAME_NOREPLACE ? -EEXIST : 0;
	err = check(r);
	/* which takes the keys: they have come just now */
	if (!err && !has_keys)
		err = -EAGAIN;
	if (!err)
		err = change(r);
	*ret_replaced = !err && r->to.child && !(r->flags & RENAME_EXCHANGE);
	return err;
}

static int find(struct side *side)
{
	int err = namei_find(side->dir, side->name, side->len, &side->child);

	side->was_dir = false;
	if (err)
		return err;
	rwlock_read(&side->child->lock);
	side->was_dir = is_dir(side->child);
	rwlock_drop(&side->child->lock);
	return 0;
}

static int find_both(struct rename *r)
{
	int err = find(&r->from);

	if (err)
		return err;
	err = find(&r->to);
	return err == -ENOENT ? 0 : err;
}

static void put_both(struct rename *r)
{
	if (r->from.child)
		inode_put(STEAL(r->from.child));
	if (r->to.child)
		inode_put(STEAL(r->to.child));
}

/* -EAGAIN: once more, the names have changed or r->wants_ns. */
static int rename_once(struct rename *r, uint32_t *ret_ino)
{
	struct inode_locks locks;
	bool replaced = false;
	int err = find_both(r);

	if (err)
		return err;
	r->wants_ns = moves_parent(r) && (r->from.was_dir || r->to.was_dir);
	if (r->wants_ns && !r->has_ns)
		return -EAGAIN;
	if (r->wants_ns && r->from.child != r->to.child)
		err = check_shape(r);
	if (err)
		return err;
	inode_lock_many((struct inode *[]){ r->from.dir, r->to.dir, r->from.child, r->to.child },
		4, &locks);
	err = rename_locked(r, &replaced);
	r->sync = namei_is_sync(r->from.dir) || namei_is_sync(r->to.dir);
	inode_unlock_many(&locks);
	*ret_ino = replaced ? r->to.child->ino : 0;
	return err;
}

static int rename_again(struct rename *r, uint32_t *ret_ino)
{
	int err;

	do {
		r->has_ns = r->wants_ns;
		if (r->has_ns)
			lock_take(&r->fs->ns_lock);
		err = rename_once(r, ret_ino);
		if (r->has_ns)
			lock_drop(&r->fs->ns_lock);
		put_both(r);
	} while (err == -EAGAIN);
	return err;
}

/* err: what the rename came to. */
static void put_whiteout(struct rename *r, int err)
{
	uint32_t ino;

	if (!r->whiteout)
		return;
	ino = r->whiteout->ino;
	inode_put(STEAL(r->whiteout));
	if (err) /* it stays an orphan if this fails */
		(void)!orphan_free(r->fs, ino);
}

static bool is_dots(const char *name, size_t len)
{
	return len && len <= 2 && !memcmp(name, "..", len);
}

int namei_rename(struct inode *from, const char *name, size_t len, struct inode *to,
	const char *to_name, size_t to_len, unsigned flags, const struct cred *cred,
	uint32_t *ret_ino)
{
	struct rename r = { .fs = from->fs, .flags = flags, .cred = cred };
	unsigned tries = 0;
	int err = check_flags(flags);

	*ret_ino = 0;
	if (err)
		return err;
	if (is_dots(name, len) || is_dots(to_name, to_len))
		return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	r.from = (struct side){ .dir = from, .name = name, .len = len };
	r.to = (struct side){ .dir = to, .name = to_name, .len = to_len };
	do {
		err = rename_again(&r, ret_ino);
		put_whiteout(&r, err);
	} while (err == -ENOSPC && balloc_retry(r.fs, &tries));
	return namei_wait(r.fs, err, r.sync, r.tid);
}
