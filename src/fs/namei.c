// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Looking names up, linking and unlinking.
 *
 * All operations go the same way: find the inodes under shared locks, one at a time; take all locks
 * in the order of the inodes' numbers; look again, and begin anew if the name means something else
 * by now (somebody else made progress); open the handle; change; stop it; drop the locks; and wait
 * for the disk, if need be, with nothing held.
 */
#include "config.h"

#include "fs/namei.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/balloc.h"
#include "fs/cryptinode.h"
#include "fs/dirblock.h"
#include "fs/diredit.h"
#include "fs/dirname.h"
#include "fs/fs_i.h"
#include "fs/namei_i.h"
#include "fs/orphan.h"

/* ---- what is allowed ---- */

static int check_dir(const struct inode *dir)
{
	if (!fs_is_writable(dir->fs))
		return -EROFS;
	if (!S_ISDIR(dir->d.mode))
		return -ENOTDIR;
	if (!dir->d.nlink)
		return -ENOENT;
	return dir->d.flags & EXT2_IMMUTABLE_FL ? -EPERM : 0;
}

int namei_check_key(struct inode *dir)
{
	const struct filekey *key;

	return dir->d.flags & EXT4_ENCRYPT_FL ? cryptinode_require_key(dir, &key) : 0;
}

int namei_may_create(struct inode *dir, const char *name, size_t len)
{
	int err;

	if (len > DIR_NAME_MAX)
		return -ENAMETOOLONG;
	if (name && (!len || memchr(name, '/', len) || memchr(name, '\0', len)))
		return -EINVAL;
	err = check_dir(dir);
	return err ? err : namei_check_key(dir);
}

int namei_may_delete(const struct inode *dir, const struct inode *child)
{
	int err = check_dir(dir);

	if (err)
		return err;
	if (dir->d.flags & EXT2_APPEND_FL)
		return -EPERM;
	return child->d.flags & (EXT2_APPEND_FL | EXT2_IMMUTABLE_FL) ? -EPERM : 0;
}

bool namei_links_full(const struct inode *dir)
{
	return dir->d.nlink >= EXT2_LINK_MAX &&
		!(super_has_dir_nlink(&dir->fs->sb) && dirblock_dir_indexed(dir));
}

void namei_inc_links(struct inode *dir)
{
	dir->d.nlink++;
	/* 1 stands for "too many to count" and stays */
	if (dirblock_dir_indexed(dir) && (dir->d.nlink > EXT2_LINK_MAX || dir->d.nlink == 2))
		dir->d.nlink = 1;
}

void namei_dec_links(struct inode *dir)
{
	if (dir->d.nlink > 2)
		dir->d.nlink--;
}

uint8_t namei_file_type(uint16_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return EXT2_FT_REG_FILE;
	case S_IFDIR:
		return EXT2_FT_DIR;
	case S_IFLNK:
		return EXT2_FT_SYMLINK;
	case S_IFCHR:
		return EXT2_FT_CHRDEV;
	case S_IFBLK:
		return EXT2_FT_BLKDEV;
	case S_IFIFO:
		return EXT2_FT_FIFO;
	case S_IFSOCK:
		return EXT2_FT_SOCK;
	default:
		return EXT2_FT_UNKNOWN;
	}
}

bool namei_is_sync(const struct inode *dir)
{
	return inode_is_sync(dir) || dir->fs->opts.dirsync || dir->d.flags & EXT2_DIRSYNC_FL;
}

/* ---- finding ---- */

/* What is not there or damaged is the caller's to report. */
static int check_policy(struct inode *dir, uint32_t ino)
{
	CLEANUP(inode_putp) struct inode *child = NULL;
	int err = inode_get(dir->fs, ino, &child);

	if (err)
		return err == -ESTALE || err == -EUCLEAN || err == -EBADMSG ? 0 : err;
	return cryptinode_may_show(dir, child);
}

int namei_lookup(struct inode *dir, const char *name, size_t len, uint32_t *ret_ino)
{
	bool is_encrypted;
	int err;

	rwlock_read(&dir->lock);
	is_encrypted = dir->d.flags & EXT4_ENCRYPT_FL;
	err = dir_lookup(dir, name, len, ret_ino);
	rwlock_drop(&dir->lock);
	if (err || !is_encrypted || dirname_is_dots(name, len))
		return err;
	return check_policy(dir, *ret_ino);
}

static int find_locked(struct inode *dir, const char *name, size_t len, struct inode **ret)
{
	uint32_t ino;
	int err = dir_lookup(dir, name, len, &ino);

	if (err)
		return err;
	if (ino == dir->ino || ino == EXT2_ROOT_INO)
		return fs_corrupt(dir->fs, dir->ino, -EUCLEAN,
			"directory names inode %u, which cannot be in it", ino);
	err = inode_get(dir->fs, ino, ret);
	/* while the name is there the inode has a link */
	if (err == -ESTALE)
		return fs_corrupt(dir->fs, dir->ino, -EUCLEAN,
			"directory names inode %u, which is deleted", ino);
	return err;
}

int namei_find(struct inode *dir, const char *name, size_t len, struct inode **ret)
{
	bool is_encrypted;
	int err;

	rwlock_read(&dir->lock);
	is_encrypted = dir->d.flags & EXT4_ENCRYPT_FL;
	err = find_locked(dir, name, len, ret);
	rwlock_drop(&dir->lock);
	if (err || !is_encrypted)
		return err;
	err = cryptinode_may_show(dir, *ret);
	if (err)
		inode_put(STEAL(*ret));
	return err;
}

int namei_verify(struct inode *dir, const char *name, size_t len, const struct inode *child)
{
	uint32_t ino;
	int err = dir_lookup(dir, name, len, &ino);

	if (err == -ENOENT && !child)
		return 0;
	if (err)
		return err;
	/* the number may have become another inode's: this object's was freed */
	if (child && !child->d.nlink && !child->orphan)
		return -EAGAIN;
	return child && ino == child->ino ? 0 : -EAGAIN;
}

/* ---- changing ---- */

int namei_write_dir(struct handle *h, struct inode *dir)
{
	dir->d.mtime = dir->d.ctime = inode_now();
	dir->d.iversion++;
	return inode_write(h, dir);
}

int namei_drop_link(struct handle *h, struct inode *child)
{
	int err = 0;

	child->d.ctime = inode_now();
	child->d.iversion++;
	child->d.nlink = S_ISDIR(child->d.mode) ? 0 : child->d.nlink - 1;
	if (S_ISDIR(child->d.mode))
		child->d.size = 0; /* as ext4_rmdir(): nothing to read in it any more */
	if (!child->d.nlink)
		err = orphan_add(h, child);
	return err ? err : inode_write(h, child);
}

int namei_abort(struct handle *h, int err)
{
	if (err)
		journal_abort(journal_of(h), err);
	return err;
}

int namei_stop(struct handle *h, int err, uint32_t *ret_tid)
{
	int stop_err;

	*ret_tid = journal_tid(h);
	stop_err = journal_stop(h);
	return err ? err : stop_err;
}

int namei_wait(struct fs *fs, int err, bool sync, uint32_t tid)
{
	return err || !sync ? err : journal_wait(fs->journal, tid);
}

/* ---- unlink, rmdir ---- */

static int may_remove(struct inode *dir, struct inode *child, bool is_rmdir)
{
	int err = namei_may_delete(dir, child);

	if (err)
		return err;
	if (is_rmdir != S_ISDIR(child->d.mode))
		return is_rmdir ? -ENOTDIR : -EISDIR;
	return is_rmdir ? dir_check_empty(child) : 0;
}

/*
 * Whether name may be removed if it still stands for child: whoever goes on has to expect that in
 * dir_remove(). Only what forbids it is looked into here, -EAGAIN if it is not about child any more.
 */
static int check_remove(struct inode *dir, const char *name, size_t len, struct inode *child,
	bool is_rmdir)
{
	int err = child->d.nlink ? may_remove(dir, child, is_rmdir) : -EUCLEAN, other;

	if (!err)
		return 0;
	other = namei_verify(dir, name, len, child);
	if (!other && !child->d.nlink)
		return fs_corrupt(dir->fs, child->ino, err, "a name but no links");
	return other ? other : err;
}

static int remove_in(struct handle *h, struct inode *dir, const char *name, size_t len,
	struct inode *child)
{
	int err = dir_remove(h, dir, name, len, child->ino);

	if (err)
		return err;
	if (S_ISDIR(child->d.mode))
		namei_dec_links(dir);
	err = namei_write_dir(h, dir);
	if (!err)
		err = namei_drop_link(h, child);
	return namei_abort(h, err);
}

static int remove_locked(struct inode *dir, const char *name, size_t len, struct inode *child,
	bool is_rmdir, uint32_t *ret_tid)
{
	const unsigned credits = DIR_EDIT_CREDITS + INODE_CREDITS + NAMEI_DROP_CREDITS;
	struct handle *h;
	int err = check_remove(dir, name, len, child, is_rmdir);

	if (!err)
		err = journal_start(dir->fs->journal, credits, &h);
	if (err)
		return err;
	err = remove_in(h, dir, name, len, child);
	return namei_stop(h, err, ret_tid);
}

static int remove_name(struct inode *dir, const char *name, size_t len, bool is_rmdir,
	uint32_t *ret_ino)
{
	struct inode *child;
	uint32_t tid = 0;
	bool sync;
	int err;

	if (len <= 2 && !memcmp(name, "..", len))
		return len == 2 ? -ENOTEMPTY : -EINVAL;
	do {
		struct inode_locks locks;

		err = namei_find(dir, name, len, &child);
		if (err)
			return err;
		inode_lock_many((struct inode *[]){ dir, child }, 2, &locks);
		err = remove_locked(dir, name, len, child, is_rmdir, &tid);
		sync = namei_is_sync(dir);
		inode_unlock_many(&locks);
		*ret_ino = child->ino;
		inode_put(child);
	} while (err == -EAGAIN);
	return namei_wait(dir->fs, err, sync, tid);
}

int namei_unlink(struct inode *dir, const char *name, size_t len, uint32_t *ret_ino)
{
	return remove_name(dir, name, len, false, ret_ino);
}

int namei_rmdir(struct inode *dir, const char *name, size_t len, uint32_t *ret_ino)
{
	return remove_name(dir, name, len, true, ret_ino);
}

/* ---- link ---- */

static int check_link(struct inode *inode, struct inode *dir, const char *name, size_t len)
{
	int err = namei_may_create(dir, name, len);

	if (err)
		return err;
	if (S_ISDIR(inode->d.mode))
		return -EPERM;
	if (inode->d.flags & (EXT2_APPEND_FL | EXT2_IMMUTABLE_FL))
		return -EPERM;
	if (!inode->d.nlink && !(inode->orphan & ORPHAN_LINKABLE))
		return -ENOENT;
	if (inode->d.nlink >= EXT2_LINK_MAX)
		return -EMLINK;
	if (dir->d.flags & EXT4_PROJINHERIT_FL && dir->d.projid != inode->d.projid)
		return -EXDEV;
	err = cryptinode_may_hold(dir, inode);
	if (err)
		return err;
	err = namei_verify(dir, name, len, NULL);
	return err == -EAGAIN ? -EEXIST : err;
}

static int link_in(struct handle *h, struct inode *inode, struct inode *dir, const char *name,
	size_t len)
{
	int err = dir_add(h, dir, name, len, inode->ino, namei_file_type(inode->d.mode));

	if (err)
		return err;
	err = namei_write_dir(h, dir);
	inode->d.nlink++;
	inode->d.ctime = inode_now();
	inode->d.iversion++;
	/* O_TMPFILE's first name */
	if (!err && inode->d.nlink == 1)
		err = orphan_del(h, inode);
	if (!err)
		err = inode_write(h, inode);
	return namei_abort(h, err);
}

static int link_locked(struct inode *inode, struct inode *dir, const char *name, size_t len,
	uint32_t *ret_tid)
{
	struct handle *h;
	int err = check_link(inode, dir, name, len);

	if (!err)
		err = journal_start(dir->fs->journal,
			dir_add_credits(dir) + 2 * INODE_CREDITS + ORPHAN_CREDITS, &h);
	if (err)
		return err;
	err = link_in(h, inode, dir, name, len);
	return namei_stop(h, err, ret_tid);
}

int namei_link(struct inode *inode, struct inode *dir, const char *name, size_t len)
{
	struct inode_locks locks;
	unsigned tries = 0;
	uint32_t tid = 0;
	bool sync;
	int err;

	do {
		inode_lock_many((struct inode *[]){ dir, inode }, 2, &locks);
		err = link_locked(inode, dir, name, len, &tid);
		sync = namei_is_sync(dir);
		inode_unlock_many(&locks);
	} while (err == -ENOSPC && balloc_retry(dir->fs, &tries));
	return namei_wait(dir->fs, err, sync, tid);
}
