// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Changes of attributes; ext4_setattr() and ext4_ioctl_setflags() in the kernel must agree. Who may
 * make them is the kernel's to check, but for what the flags forbid to everybody.
 */
#include "config.h"

#include "fs/attr.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/diredit.h"
#include "fs/file.h"
#include "fs/fs_i.h"
#include "fs/usage.h"
#include "fs/xattredit.h"

#define PERMISSIONS 07777

/* EXT4_FL_USER_VISIBLE and EXT4_FL_USER_MODIFIABLE of the kernel, whose header knows more flags. */
#define FLAGS_VISIBLE (EXT2_FL_USER_VISIBLE | EXT4_INLINE_DATA_FL | EXT4_VERITY_FL | FS_DAX_FL)
#define FLAGS_MODIFIABLE                                                                           \
	(EXT2_SECRM_FL | EXT2_UNRM_FL | EXT2_COMPR_FL | EXT2_SYNC_FL | EXT2_IMMUTABLE_FL |         \
		EXT2_APPEND_FL | EXT2_NODUMP_FL | EXT2_NOATIME_FL | EXT3_JOURNAL_DATA_FL |         \
		EXT2_NOTAIL_FL | EXT2_DIRSYNC_FL | EXT2_TOPDIR_FL | EXT4_EXTENTS_FL |              \
		FS_DAX_FL | EXT4_PROJINHERIT_FL | EXT4_CASEFOLD_FL)

/* ext4_mask_flags(): not for regular files, and the only ones for what is no directory either. */
#define FLAGS_DIR_ONLY (EXT2_DIRSYNC_FL | EXT2_TOPDIR_FL | EXT4_CASEFOLD_FL | EXT4_PROJINHERIT_FL)
#define FLAGS_OTHER (EXT2_NODUMP_FL | EXT2_NOATIME_FL)

/* i_projid ends 0x20 bytes into the part beyond the first 128. */
#define PROJID_EXTRA_ISIZE 0x20

static int stop(struct handle *h, int err, uint32_t *ret_tid)
{
	int stop_err;

	*ret_tid = journal_tid(h);
	stop_err = journal_stop(h);
	return err ? err : stop_err;
}

static int check_writable(const struct inode *inode)
{
	if (!fs_is_writable(inode->fs))
		return -EROFS;
	/* the files of quota and the like */
	return super_ino_special(&inode->fs->sb, inode->ino) ? -EPERM : 0;
}

/* ---- setattr ---- */

#define OWNER (ATTR_UID | ATTR_GID)
#define TIMES (ATTR_ATIME | ATTR_MTIME | ATTR_CTIME)

static int check_set(const struct inode *inode, const struct attr_change *change)
{
	uint32_t flags = inode->d.flags;
	/* of files the times of what was written before, or appended, come late from the page cache */
	unsigned allowed = S_ISREG(inode->d.mode) ? ATTR_MTIME | ATTR_CTIME : 0;
	int err = check_writable(inode);

	if (err)
		return err;
	/* of who writes past us all times come so, and what is set by utimes(2) he has checked */
	if (atomic_load_explicit(&inode->outside, memory_order_relaxed))
		allowed |= TIMES;
	/* who appends writes, and a write takes these away */
	if (!(flags & EXT2_IMMUTABLE_FL))
		allowed |= ATTR_KILL_SUIDGID | ATTR_KILL_SGID;
	/* as may_setattr() */
	if (!(flags & EXT2_IMMUTABLE_FL) && change->what & ATTR_TOUCH)
		allowed |= ATTR_TOUCH | TIMES;
	if (flags & (EXT2_IMMUTABLE_FL | EXT2_APPEND_FL) && change->what & ~allowed)
		return -EPERM;
	if (!(change->what & ATTR_SIZE) || S_ISREG(inode->d.mode))
		return 0;
	return S_ISDIR(inode->d.mode) ? -EISDIR : -EINVAL;
}

static uint32_t new_uid(const struct inode *inode, const struct attr_change *change)
{
	return change->what & ATTR_UID ? change->uid : inode->d.uid;
}

static uint32_t new_gid(const struct inode *inode, const struct attr_change *change)
{
	return change->what & ATTR_GID ? change->gid : inode->d.gid;
}

/* Before the handle: makes the new owners known. */
static int prepare_owner(struct inode *inode, const struct attr_change *change)
{
	uint32_t uid = new_uid(inode, change), gid = new_gid(inode, change);

	if (uid == inode->d.uid && gid == inode->d.gid)
		return 0;
	return usage_acquire(inode->fs, uid, gid, inode->d.projid);
}

static int set_owner(struct handle *h, struct inode *inode, const struct attr_change *change)
{
	struct dinode *d = &inode->d;
	uint32_t uid = new_uid(inode, change), gid = new_gid(inode, change);
	int err;

	if (uid == d->uid && gid == d->gid)
		return 0;
	err = usage_transfer(h, inode, uid, gid, d->projid);
	if (err)
		return err;
	d->uid = uid;
	d->gid = gid;
	return 0;
}

static int set_mode(struct handle *h, struct inode *inode, const struct attr_change *change)
{
	uint16_t old = inode->d.mode, mode = old;

	if (change->what & ATTR_KILL_SUIDGID && !S_ISDIR(mode)) {
		mode &= (uint16_t)~S_ISUID;
		if (mode & S_IXGRP)
			mode &= (uint16_t)~S_ISGID;
	}
	if (change->what & ATTR_KILL_SGID && !S_ISDIR(mode))
		mode &= (uint16_t)~S_ISGID;
	if (change->what & ATTR_MODE)
		mode = (uint16_t)((mode & ~PERMISSIONS) | (change->mode & PERMISSIONS));
	inode->d.mode = mode;
	return change->what & ATTR_MODE ? acl_chmod(h, inode) : 0;
}

static struct timespec clamp(const struct inode *inode, struct timespec ts)
{
	return dinode_clamp_time(&inode->fs->sb, inode->d.extra_isize, ts);
}

static void set_times(struct inode *inode, const struct attr_change *change)
{
	struct dinode *d = &inode->d;
	struct timespec now = clamp(inode, inode_now());

	if (change->what & ATTR_ATIME)
		d->atime = clamp(inode, change->atime);
	if (change->what & ATTR_MTIME)
		d->mtime = clamp(inode, change->mtime);
	else if (change->what & ATTR_SIZE)
		d->mtime = now;
	d->ctime = change->what & ATTR_CTIME ? clamp(inode, change->ctime) : now;
}

/* Capabilities do not outlive a change of owner or contents (cap_inode_killpriv()). */
static int drop_capability(struct handle *h, struct inode *inode)
{
	static const char name[] = "capability";
	int err;

	if (S_ISDIR(inode->d.mode))
		return 0;
	err = xattr_set_in(h, inode, XATTR_INDEX_SECURITY, name, sizeof(name) - 1, NULL, 0, 0);
	return err == -ENODATA ? 0 : err;
}

/* Puts the owner and mode back that the inode had, where others have been written already. */
static void undo(struct handle *h, struct inode *inode, const struct dinode *before)
{
	struct dinode *d = &inode->d;
	int err = 0;

	if (d->uid != before->uid || d->gid != before->gid)
		err = usage_transfer(h, inode, before->uid, before->gid, d->projid);
	d->uid = before->uid;
	d->gid = before->gid;
	d->mode = before->mode;
	if (!err)
		err = inode_write(h, inode);
	if (err)
		journal_abort(journal_of(h), err);
}

static int set_in(struct handle *h, struct inode *inode, const struct attr_change *change)
{
	struct dinode before = inode->d;
	int err = set_owner(h, inode, change);

	if (err)
		return err;
	if (change->what & (OWNER | ATTR_SIZE))
		err = drop_capability(h, inode);
	if (!err)
		err = set_mode(h, inode, change);
	if (err) {
		undo(h, inode, &before);
		return err;
	}
	set_times(inode, change);
	inode->d.iversion++;
	if (change->what & ~(unsigned)(TIMES | ATTR_TOUCH))
		return inode_write(h, inode);
	return inode_write_times(h, inode);
}

static unsigned set_credits(const struct inode *inode, const struct attr_change *change)
{
	const struct fs *fs = inode->fs;
	unsigned credits = INODE_CREDITS;

	/* an ACL, rewritten with the new mode, fits a block */
	if (change->what & ATTR_MODE)
		credits += xattr_set_credits(fs, fs->sb.block_size);
	if (change->what & (OWNER | ATTR_SIZE))
		credits += xattr_set_credits(fs, 0);
	if (change->what & OWNER)
		credits += 2 * usage_credits(fs); /* and undone */
	return credits;
}

/*
 * The client's last word on a file that it removes: a ctime that nobody will see, as the client knows its
 * own and a link gives the inode another. Written, it would be a
 * transaction in each removal.
 */
static bool is_moot(const struct inode *inode, const struct attr_change *change)
{
	struct timespec mtime = clamp(inode, change->mtime);

	return !inode->d.nlink && change->what == (ATTR_MTIME | ATTR_CTIME) &&
		mtime.tv_sec == inode->d.mtime.tv_sec && mtime.tv_nsec == inode->d.mtime.tv_nsec;
}

static int set_locked(struct inode *inode, const struct attr_change *change, uint32_t *ret_tid)
{
	struct handle *h;
	int err = check_set(inode, change);

	if (!err && is_moot(inode, change))
		return 0;
	/* in handles of its own, as many as it takes */
	if (!err && change->what & ATTR_SIZE)
		err = file_truncate_locked(inode, change->size);
	if (!err)
		err = prepare_owner(inode, change);
	if (!err)
		err = journal_start(inode->fs->journal, set_credits(inode, change), &h);
	if (err)
		return err;
	err = set_in(h, inode, change);
	return stop(h, err, ret_tid);
}

int attr_set(struct inode *inode, const struct attr_change *change, struct dinode *ret)
{
	uint32_t tid = 0;
	bool sync;
	int err;

	rwlock_write(&inode->lock);
	err = set_locked(inode, change, &tid);
	*ret = inode->d;
	sync = inode_is_sync(inode);
	rwlock_drop(&inode->lock);
	return err || !sync ? err : journal_wait(inode->fs->journal, tid);
}

/* ---- chattr ---- */

/* A change of d that takes the inode alone. */
static int write_changed(struct inode *inode, uint32_t *ret_tid)
{
	struct handle *h;
	int err = journal_start(inode->fs->journal, INODE_CREDITS, &h);

	if (err)
		return err;
	inode->d.ctime = inode_now();
	inode->d.iversion++;
	err = inode_write(h, inode);
	return stop(h, err, ret_tid);
}

static uint32_t flags_allowed(uint16_t mode)
{
	if (S_ISDIR(mode))
		return ~0u;
	return S_ISREG(mode) ? ~(uint32_t)FLAGS_DIR_ONLY : FLAGS_OTHER;
}

static int check_casefold(struct inode *inode)
{
	if (!super_has_casefold(&inode->fs->sb))
		return -EOPNOTSUPP;
	if (!S_ISDIR(inode->d.mode))
		return -ENOTDIR;
	/* such directories cannot be written yet, see check_can_add() in diredit.c */
	if (inode->d.flags & EXT4_ENCRYPT_FL)
		return -EOPNOTSUPP;
	/* names that are there already have no hashes of the other kind */
	return dir_check_empty(inode);
}

/* What needs a right that only some have. */
static int check_privilege(uint32_t old, uint32_t changed, bool privileged)
{
	const uint32_t rare = EXT2_APPEND_FL | EXT2_IMMUTABLE_FL | EXT3_JOURNAL_DATA_FL;

	if (changed & rare && !privileged)
		return -EPERM;
	/* an immutable file has to become another first */
	if (old & EXT2_IMMUTABLE_FL && !(changed & EXT2_IMMUTABLE_FL) && changed)
		return -EPERM;
	return 0;
}

static int check_flags(struct inode *inode, uint32_t flags, uint32_t changed, bool privileged)
{
	int err = check_writable(inode);

	if (!err)
		err = check_privilege(inode->d.flags, changed, privileged);
	if (err)
		return err;
	/* migration between maps is not done; data of files goes through no journal */
	if (changed & EXT4_EXTENTS_FL)
		return -EOPNOTSUPP;
	if (changed & flags & EXT3_JOURNAL_DATA_FL && S_ISREG(inode->d.mode))
		return -EOPNOTSUPP;
	return changed & EXT4_CASEFOLD_FL ? check_casefold(inode) : 0;
}

static time_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static int set_flags_locked(struct inode *inode, uint32_t flags, bool privileged, uint32_t *ret_tid)
{
	uint32_t old = inode->d.flags, changed;
	int err;

	/* chattr(1) gives back all that it was shown: what nobody can set is passed over */
	if (flags & ~(uint32_t)FLAGS_VISIBLE)
		return -EOPNOTSUPP;
	flags &= FLAGS_MODIFIABLE;
	if (flags & ~flags_allowed(inode->d.mode))
		return -EOPNOTSUPP;
	changed = (old ^ flags) & FLAGS_MODIFIABLE;
	err = check_flags(inode, flags, changed, privileged);
	if (err)
		return err;
	inode->d.flags = old ^ changed;
	err = write_changed(inode, ret_tid);
	if (err)
		inode->d.flags = old;
	else if (flags & changed & (EXT2_IMMUTABLE_FL | EXT2_APPEND_FL))
		inode->guarded = now_s();
	return err;
}

int attr_set_flags(struct inode *inode, uint32_t flags, bool privileged)
{
	uint32_t tid = 0;
	bool sync;
	int err;

	rwlock_write(&inode->lock);
	err = set_flags_locked(inode, flags, privileged, &tid);
	sync = inode_is_sync(inode);
	rwlock_drop(&inode->lock);
	return err || !sync ? err : journal_wait(inode->fs->journal, tid);
}

static int change_project(struct handle *h, struct inode *inode, uint32_t projid)
{
	int err = usage_transfer(h, inode, inode->d.uid, inode->d.gid, projid);

	if (err)
		return err;
	inode->d.projid = projid;
	inode->d.ctime = inode_now();
	inode->d.iversion++;
	return inode_write(h, inode);
}

static int set_project_locked(struct inode *inode, uint32_t projid, uint32_t *ret_tid)
{
	const struct fs *fs = inode->fs;
	struct handle *h;
	int err = check_writable(inode);

	if (err || projid == inode->d.projid)
		return err;
	if (inode->d.flags & EXT2_IMMUTABLE_FL)
		return -EPERM;
	if (inode->d.extra_isize < PROJID_EXTRA_ISIZE)
		return -EOVERFLOW;
	err = usage_acquire(inode->fs, inode->d.uid, inode->d.gid, projid);
	if (!err)
		err = journal_start(fs->journal, INODE_CREDITS + usage_credits(fs), &h);
	if (err)
		return err;
	err = change_project(h, inode, projid);
	return stop(h, err, ret_tid);
}

int attr_set_project(struct inode *inode, uint32_t projid)
{
	const struct super *sb = &inode->fs->sb;
	uint32_t tid = 0;
	bool sync;
	int err;

	if (!super_has_project(sb) || sb->inode_size <= EXT2_GOOD_OLD_INODE_SIZE)
		return projid ? -EOPNOTSUPP : 0;
	rwlock_write(&inode->lock);
	err = set_project_locked(inode, projid, &tid);
	sync = inode_is_sync(inode);
	rwlock_drop(&inode->lock);
	return err || !sync || !tid ? err : journal_wait(inode->fs->journal, tid);
}

int attr_set_generation(struct inode *inode, uint32_t generation)
{
	uint32_t tid, old;
	int err;

	/* checksums of all that belongs to the inode are made with it */
	if (super_has_metadata_csum(&inode->fs->sb))
		return -ENOTTY;
	rwlock_write(&inode->lock);
	old = inode->d.generation;
	err = check_writable(inode);
	if (!err) {
		inode->d.generation = generation;
		err = write_changed(inode, &tid);
	}
	if (err)
		inode->d.generation = old;
	rwlock_drop(&inode->lock);
	return err;
}
