// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * New inodes: files, directories, device nodes, symlinks, files without names.
 *
 * A new inode has no name and no links until everything else has worked. If something does not, it
 * becomes an orphan in the same transaction, and is freed as any other.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "format/le.h"
#include "fs/balloc.h"
#include "fs/cryptinode.h"
#include "fs/diredit.h"
#include "fs/fs_i.h"
#include "fs/ialloc.h"
#include "fs/mapedit.h"
#include "fs/namei_i.h"
#include "fs/orphan.h"
#include "fs/symlink.h"
#include "fs/usage.h"
#include "fs/xattredit.h"

/* ---- contents ---- */

/* struct fscrypt_symlink_data: the ciphertext's length. */
#define SEALED_HEAD 2

/* The longest ciphertext of a target: the kernel counts a NUL behind it. */
static size_t sealed_max(const struct fs *fs)
{
	size_t room = fs->sb.block_size < SYMLINK_MAX ? fs->sb.block_size : SYMLINK_MAX;

	return room - SEALED_HEAD - 1;
}

/* Puts the target's encrypted form in buf, of sealed_max() and SEALED_HEAD bytes, and makes want say so. */
static int seal_target(struct inode *inode, uint8_t *buf, struct namei_new *want)
{
	const struct filekey *key;
	size_t len;
	int err = cryptinode_require_key(inode, &key);

	if (err)
		return err;
	len = filekey_sealed_size(key, want->target_len, sealed_max(inode->fs));
	le16_put(buf, (uint16_t)len);
	err = filekey_seal_name(key, want->target, want->target_len, buf + SEALED_HEAD, len);
	want->target = (const char *)buf;
	want->target_len = SEALED_HEAD + len;
	return err;
}

/*
 * A slow symlink's target is metadata, as in the kernel: it is logged, and revoked when it is
 * freed.
 */
static int write_slow(struct handle *h, struct inode *inode, const struct namei_new *want)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	struct run run;
	int err;

	if (super_has_extents(&inode->fs->sb))
		inode->d.flags |= EXT4_EXTENTS_FL;
	map_init(inode);
	err = map_alloc(h, inode, 0, 1, RUN_DATA, BALLOC_META, &run);
	if (!err)
		err = journal_create(h, run.pblk, &buf);
	if (!err)
		memcpy(buf->data, want->target, want->target_len);
	return err;
}

static int write_plain_target(
	struct handle *h, struct inode *inode, const struct namei_new *want)
{
	int err = 0;

	inode->d.flags &= ~(uint32_t)(EXT4_INLINE_DATA_FL | EXT4_EXTENTS_FL);
	memset(inode->d.block, 0, DINODE_BLOCK_SIZE);
	if (want->target_len < DINODE_BLOCK_SIZE)
		memcpy(inode->d.block, want->target, want->target_len);
	else
		err = write_slow(h, inode, want);
	inode->d.size = want->target_len;
	return err;
}

static int write_target(struct handle *h, struct inode *inode, const struct namei_new *want)
{
	struct namei_new sealed = *want;
	uint8_t buf[SYMLINK_MAX];
	int err;

	if (!(inode->d.flags & EXT4_ENCRYPT_FL))
		return write_plain_target(h, inode, want);
	err = seal_target(inode, buf, &sealed);
	return err ? err : write_plain_target(h, inode, &sealed);
}

static int fill(struct handle *h, struct inode *dir, const struct namei_new *want,
	struct inode *inode)
{
	/* first, so that the context is in the inode's body if anything is (__ext4_new_inode()) */
	int err = cryptinode_inherit(h, dir, inode);

	if (!err)
		err = acl_inherit(h, dir, inode, want->cred->umask);
	if (!err && S_ISLNK(want->mode))
		err = write_target(h, inode, want);
	if (!err && S_ISDIR(want->mode))
		err = dir_init(h, inode, dir->ino);
	return err;
}

/* ---- inodes ---- */

/* What is asked of the allocator: with the owners that the inode will have (inode_init_owner()). */
static struct ialloc_want want_inode(struct inode *dir, const struct namei_new *want)
{
	const struct cred *cred = want->cred;
	struct ialloc_want alloc = { .dir = dir, .mode = want->mode, .uid = cred->uid,
		.gid = cred->gid, .rdev = want->rdev, .name = want->name, .name_len = want->len };

	if (dir->d.flags & EXT4_PROJINHERIT_FL)
		alloc.projid = dir->d.projid;
	/* BSD's groups, where the directory asks for them */
	if (dir->d.mode & S_ISGID) {
		alloc.gid = dir->d.gid;
		if (S_ISDIR(want->mode))
			alloc.mode |= S_ISGID;
	}
	return alloc;
}

int namei_prepare_new(struct inode *dir, const struct namei_new *want)
{
	struct ialloc_want alloc = want_inode(dir, want);

	return usage_acquire(dir->fs, alloc.uid, alloc.gid, alloc.projid);
}

int namei_new(struct handle *h, struct inode *dir, const struct namei_new *want, struct inode **ret)
{
	struct ialloc_want alloc = want_inode(dir, want);
	int err;

	*ret = NULL;
	err = ialloc_new(h, &alloc, ret);
	return err ? err : fill(h, dir, want, *ret);
}

unsigned namei_new_credits(const struct inode *dir)
{
	const struct fs *fs = dir->fs;

	/* the target's block counts for itself; an empty map needs no more than the directory's */
	return ialloc_credits(fs) + acl_inherit_credits(fs) + dir_init_credits(fs) +
		map_credits(dir) + 1 + usage_credits(fs) + INODE_CREDITS + ORPHAN_CREDITS +
		(dir->d.flags & EXT4_ENCRYPT_FL ? CRYPTINODE_CREDITS(fs) : 0);
}

void namei_undo_new(struct handle *h, struct inode *inode)
{
	int err;

	inode->d.nlink = 0;
	err = orphan_add(h, inode);
	if (!err)
		err = inode_write(h, inode);
	namei_abort(h, err);
}

/* ---- with a name ---- */

static int check_make(struct inode *dir, const struct namei_new *want)
{
	int err = namei_may_create(dir, want->name, want->len);

	if (!err)
		err = namei_verify(dir, want->name, want->len, NULL);
	if (err)
		return err == -EAGAIN ? -EEXIST : err;
	if (S_ISLNK(want->mode) && dir->d.flags & EXT4_ENCRYPT_FL &&
		want->target_len > sealed_max(dir->fs))
		return -ENAMETOOLONG;
	return S_ISDIR(want->mode) && namei_links_full(dir) ? -EMLINK : 0;
}

/* Gives the inode its links and the name. */
static int enter(struct handle *h, struct inode *dir, const struct namei_new *want,
	struct inode *inode)
{
	bool is_dir = S_ISDIR(want->mode);
	int err;

	inode->d.nlink = is_dir ? 2 : 1;
	err = inode_write(h, inode);
	if (!err)
		err = dir_add(h, dir, want->name, want->len, inode->ino,
			namei_file_type(want->mode));
	if (err)
		return err;
	if (is_dir)
		namei_inc_links(dir);
	return namei_abort(h, namei_write_dir(h, dir));
}

static int make_locked(struct inode *dir, const struct namei_new *want, struct inode **ret,
	uint32_t *ret_tid)
{
	struct handle *h;
	int err = check_make(dir, want);

	if (!err)
		err = namei_prepare_new(dir, want);
	if (!err)
		err = journal_start(dir->fs->journal,
			namei_new_credits(dir) + dir_add_credits(dir) + INODE_CREDITS, &h);
	if (err)
		return err;
	err = namei_new(h, dir, want, ret);
	if (!err)
		err = enter(h, dir, want, *ret);
	if (err && *ret)
		namei_undo_new(h, *ret);
	return namei_stop(h, err, ret_tid);
}

static int make_once(struct inode *dir, const struct namei_new *want, struct inode **ret)
{
	struct fs *fs = dir->fs;
	struct inode *inode = NULL;
	uint32_t tid = 0, ino;
	bool sync;
	int err;

	rwlock_write(&dir->lock);
	err = make_locked(dir, want, &inode, &tid);
	sync = namei_is_sync(dir);
	rwlock_drop(&dir->lock);
	err = namei_wait(fs, err, sync, tid);
	if (!err) {
		*ret = inode;
		return 0;
	}
	if (inode) {
		ino = inode->ino;
		inode_put(inode);
		/* it stays an orphan if this fails */
		(void)!orphan_free(fs, ino);
	}
	return err;
}

static int make(struct inode *dir, const struct namei_new *want, struct inode **ret)
{
	unsigned tries = 0;
	int err;

	do
		err = make_once(dir, want, ret);
	while (err == -ENOSPC && balloc_retry(dir->fs, &tries));
	return err;
}

int namei_make(struct inode *dir, const char *name, size_t len, uint16_t mode, dev_t rdev,
	const struct cred *cred, struct inode **ret)
{
	struct namei_new want = { .mode = mode, .rdev = rdev, .cred = cred, .name = name,
		.len = len };

	if (S_ISLNK(mode) || namei_file_type(mode) == EXT2_FT_UNKNOWN)
		return -EINVAL;
	return make(dir, &want, ret);
}

int namei_symlink(struct inode *dir, const char *name, size_t len, const char *target,
	size_t target_len, const struct cred *cred, struct inode **ret)
{
	struct namei_new want = { .mode = S_IFLNK | 0777, .cred = cred, .name = name, .len = len,
		.target = target, .target_len = target_len };

	if (!target_len || memchr(target, '\0', target_len))
		return target_len ? -EINVAL : -ENOENT;
	/* with the NUL that the kernel counts */
	if (target_len >= dir->fs->sb.block_size || target_len >= SYMLINK_MAX)
		return -ENAMETOOLONG;
	return make(dir, &want, ret);
}

/* ---- without a name ---- */

static int tmpfile_in(struct handle *h, struct inode *dir, const struct namei_new *want,
	struct inode **ret)
{
	int err = namei_new(h, dir, want, ret);

	if (!*ret)
		return err;
	namei_undo_new(h, *ret); /* an orphan in either case */
	if (!err)
		orphan_set_linkable(*ret);
	return err;
}

static int tmpfile_locked(struct inode *dir, const struct namei_new *want, struct inode **ret)
{
	struct handle *h;
	uint32_t tid;
	int err = namei_may_create(dir, NULL, 0);

	/* with a name it fails in the VFS; here ext4_new_inode() is the first to see it */
	if (err == -ENOENT)
		err = -EPERM;
	if (!err)
		err = namei_prepare_new(dir, want);
	if (!err)
		err = journal_start(dir->fs->journal, namei_new_credits(dir), &h);
	if (err)
		return err;
	err = tmpfile_in(h, dir, want, ret);
	return namei_stop(h, err, &tid);
}

static int tmpfile_once(struct inode *dir, const struct namei_new *want, struct inode **ret)
{
	struct fs *fs = dir->fs;
	struct inode *inode = NULL;
	uint32_t ino;
	int err;

	rwlock_write(&dir->lock);
	err = tmpfile_locked(dir, want, &inode);
	rwlock_drop(&dir->lock);
	if (!err) {
		*ret = inode;
		return 0;
	}
	if (inode) {
		ino = inode->ino;
		inode_put(inode);
		(void)!orphan_free(fs, ino);
	}
	return err;
}

int namei_tmpfile(struct inode *dir, uint16_t mode, const struct cred *cred, struct inode **ret)
{
	struct namei_new want = { .mode = mode, .cred = cred };
	unsigned tries = 0;
	int err;

	if (!S_ISREG(mode))
		return -EINVAL;
	do
		err = tmpfile_once(dir, &want, ret);
	while (err == -ENOSPC && balloc_retry(dir->fs, &tries));
	return err;
}
