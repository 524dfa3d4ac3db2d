// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fs/cryptpolicy.h"

#include <errno.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/balloc.h"
#include "fs/cryptinode.h"
#include "fs/diredit.h"
#include "fs/fs_i.h"

static int get_locked(struct inode *inode, struct fscrypt_context *ret)
{
	if (!super_has_encrypt(&inode->fs->sb))
		return -EOPNOTSUPP;
	return inode->d.flags & EXT4_ENCRYPT_FL ? cryptinode_context(inode, ret) : -ENODATA;
}

int cryptpolicy_get(struct inode *inode, struct fscrypt_context *ret)
{
	int err;

	rwlock_read(&inode->lock);
	err = get_locked(inode, ret);
	rwlock_drop(&inode->lock);
	return err;
}

/* Whether both are one but for the nonce (fscrypt_policies_equal()). */
static bool is_same(const struct fscrypt_context *a, const struct fscrypt_context *b)
{
	struct fscrypt_context copy = *b;

	memcpy(copy.nonce, a->nonce, FSCRYPT_NONCE);
	return !memcmp(a, &copy, sizeof(copy));
}

static int check_new(struct inode *dir, const struct fscrypt_context *policy, bool needs_key)
{
	int err;

	if (!S_ISDIR(dir->d.mode))
		return -ENOTDIR;
	if (!dir->d.nlink)
		return -ENOENT;
	err = dir_check_empty(dir);
	if (err)
		return err;
	if (!cryptinode_supports(dir, policy))
		return -EINVAL;
	/* nothing could be made in it, see dir_add() */
	if (dir->d.flags & EXT4_CASEFOLD_FL)
		return -EOPNOTSUPP;
	if (needs_key && policy->key.version == 2 && !cryptinode_has_key(dir->fs, &policy->key))
		return -ENOKEY;
	/* lost+found, which e2fsck expects there, is plain */
	return dir->ino == EXT2_ROOT_INO ? -EPERM : 0;
}

/* Whether there is something to be done, or an error. */
static int check(struct inode *dir, const struct fscrypt_context *policy, bool needs_key,
	bool *ret_todo)
{
	struct fscrypt_context have;
	int err;

	*ret_todo = false;
	if (!fs_is_writable(dir->fs))
		return -EROFS;
	if (super_ino_special(&dir->fs->sb, dir->ino))
		return -EPERM;
	err = get_locked(dir, &have);
	if (err == -ENODATA && !(dir->d.flags & EXT4_ENCRYPT_FL)) {
		*ret_todo = true;
		return check_new(dir, policy, needs_key);
	}
	if (err == -EINVAL || (!err && !is_same(&have, policy)))
		return -EEXIST;
	return err;
}

static int set_in(struct handle *h, struct inode *dir, const struct fscrypt_context *policy)
{
	struct fscrypt_context context = *policy;
	uint8_t raw[FSCRYPT_CONTEXT_MAX];
	int err = RAND_bytes(context.nonce, sizeof(context.nonce)) == 1 ? 0 : -EIO;

	/* ciphertext is in blocks alone (ext4_set_context()) */
	if (!err)
		err = dir_leave_inline(h, dir);
	if (err)
		return err;
	dir->d.flags |= EXT4_ENCRYPT_FL;
	dir->d.ctime = inode_now();
	dir->d.iversion++;
	err = xattr_set_in(h, dir, XATTR_INDEX_ENCRYPTION, "c", 1, raw, fscrypt_encode(&context, raw),
		0);
	if (err)
		dir->d.flags &= ~(uint32_t)EXT4_ENCRYPT_FL;
	return err;
}

static int set_locked(struct inode *dir, const struct fscrypt_context *policy, bool needs_key,
	uint32_t *ret_tid)
{
	struct handle *h;
	bool todo;
	int stop_err, err = check(dir, policy, needs_key, &todo);

	if (err || !todo)
		return err;
	err = journal_start(dir->fs->journal,
		dir_add_credits(dir) + CRYPTINODE_CREDITS(dir->fs) + INODE_CREDITS, &h);
	if (err)
		return err;
	err = set_in(h, dir, policy);
	*ret_tid = journal_tid(h);
	stop_err = journal_stop(h);
	return err ? err : stop_err;
}

int cryptpolicy_set(struct inode *dir, const struct fscrypt_context *policy, bool needs_key)
{
	unsigned tries = 0;
	uint32_t tid = 0;
	bool sync;
	int err;

	do {
		rwlock_write(&dir->lock);
		err = set_locked(dir, policy, needs_key, &tid);
		sync = inode_is_sync(dir);
		rwlock_drop(&dir->lock);
	} while (err == -ENOSPC && balloc_retry(dir->fs, &tries));
	return err || !sync || !tid ? err : journal_wait(dir->fs->journal, tid);
}
