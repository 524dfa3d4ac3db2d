// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fuse/reply.h"

#include <errno.h>
#include <string.h>

#include "fs/cryptinode.h"
#include "fs/symlink.h"

fuse_ino_t reply_node(uint32_t ino)
{
	switch (ino) {
	case EXT2_ROOT_INO:
		return FUSE_ROOT_ID;
	case FUSE_ROOT_ID:
		return EXT2_ROOT_INO;
	default:
		return ino;
	}
}

int reply_ino(fuse_ino_t node, uint32_t *ret)
{
	if (node > UINT32_MAX)
		return -ESTALE;
	*ret = (uint32_t)reply_node((uint32_t)node);
	return 0;
}

/* An encrypted symlink has the length of what readlink(2) gives (fscrypt_symlink_getattr()). */
static int encrypted_symlink_size(struct fs *fs, uint32_t ino, off_t *ret, double *ret_timeout)
{
	CLEANUP(inode_putp) struct inode *inode = NULL;
	char target[SYMLINK_MAX];
	int err = inode_get(fs, ino, &inode);

	if (err)
		return err;
	/* before it is read, as the key may come in between */
	if (cryptinode_is_locked(inode))
		*ret_timeout = 0;
	err = symlink_read(inode, target);
	if (!err)
		*ret = (off_t)strlen(target);
	return err;
}

int reply_stat(struct fs *fs, const struct reply_owner *owner, uint32_t ino, const struct dinode *d,
	struct stat *ret, double *ret_timeout)
{
	*ret_timeout = REPLY_FOREVER;
	memset(ret, 0, sizeof(*ret));
	ret->st_ino = ino;
	ret->st_mode = d->mode;
	ret->st_nlink = d->nlink;
	ret->st_uid = owner->set_uid ? owner->uid : d->uid;
	ret->st_gid = owner->set_gid ? owner->gid : d->gid;
	ret->st_rdev = d->rdev;
	ret->st_size = (off_t)d->size;
	ret->st_blksize = (blksize_t)fs_super(fs)->block_size;
	ret->st_blocks = (blkcnt_t)d->blocks;
	ret->st_atim = d->atime;
	ret->st_mtim = d->mtime;
	ret->st_ctim = d->ctime;
	/* so that tar and others do not take the file for one hole (ext4_file_getattr()) */
	if (S_ISREG(d->mode) && d->flags & EXT4_INLINE_DATA_FL)
		ret->st_blocks += (blkcnt_t)((d->size + 511) >> 9);
	if (reply_stat_locks(d))
		return encrypted_symlink_size(fs, ino, &ret->st_size, ret_timeout);
	return 0;
}

bool reply_stat_locks(const struct dinode *d)
{
	return S_ISLNK(d->mode) && d->flags & EXT4_ENCRYPT_FL;
}

bool reply_may_keep_listing(struct inode *dir)
{
	return !super_has_encrypt(fs_super(dir->fs)) || !cryptinode_is_locked(dir);
}

/* Whether directories of this filesystem can take names without regard to case, and change. */
static bool may_fold(struct fs *fs)
{
	/* what has become read-only stays so */
	return fs_is_writable(fs) && super_has_casefold(fs_super(fs));
}

double reply_absence_timeout(struct inode *dir)
{
	return may_fold(dir->fs) || !reply_may_keep_listing(dir) ? 0 : REPLY_FOREVER;
}

double reply_name_timeout(struct inode *dir)
{
	bool folds = false;

	if (may_fold(dir->fs)) {
		rwlock_read(&dir->lock);
		folds = dir->d.flags & EXT4_CASEFOLD_FL;
		rwlock_drop(&dir->lock);
	}
	return folds || !reply_may_keep_listing(dir) ? 0 : REPLY_FOREVER;
}

int reply_fill_entry(struct fs *fs, const struct reply_owner *owner, uint32_t ino,
	const struct dinode *d, double timeout, struct fuse_entry_param *ret)
{
	int err;

	memset(ret, 0, sizeof(*ret));
	err = reply_stat(fs, owner, ino, d, &ret->attr, &ret->attr_timeout);
	if (err)
		return err;
	ret->ino = reply_node(ino);
	ret->generation = d->generation;
	ret->entry_timeout = timeout;
	return 0;
}

static struct abi_attr encode_attr(const struct stat *st, uint32_t flags)
{
	return (struct abi_attr){
		.ino = st->st_ino,
		.size = (uint64_t)st->st_size,
		.blocks = (uint64_t)st->st_blocks,
		.atime = (uint64_t)st->st_atim.tv_sec,
		.mtime = (uint64_t)st->st_mtim.tv_sec,
		.ctime = (uint64_t)st->st_ctim.tv_sec,
		.atimensec = (uint32_t)st->st_atim.tv_nsec,
		.mtimensec = (uint32_t)st->st_mtim.tv_nsec,
		.ctimensec = (uint32_t)st->st_ctim.tv_nsec,
		.mode = st->st_mode,
		.nlink = (uint32_t)st->st_nlink,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.rdev = (uint32_t)st->st_rdev,
		.blksize = (uint32_t)st->st_blksize,
		.flags = flags,
	};
}

int reply_entry(fuse_req_t req, const struct reply_entry *entry)
{
	const struct fuse_entry_param *param = &entry->param;
	/* all timeouts are whole seconds */
	const struct abi_entry_out out = {
		.nodeid = param->ino,
		.generation = param->generation,
		.entry_valid = (uint64_t)param->entry_timeout,
		.attr_valid = (uint64_t)param->attr_timeout,
		.attr = encode_attr(&param->attr, entry->flags),
	};

	if (!entry->flags)
		return fuse_reply_entry(req, param);
	return fuse_reply_buf(req, (const char *)&out, sizeof(out));
}

void reply_attr(fuse_req_t req, const struct stat *st, uint32_t flags, double timeout)
{
	const struct abi_attr_out out = { .attr_valid = (uint64_t)timeout,
		.attr = encode_attr(st, flags) };

	if (!flags)
		fuse_reply_attr(req, st, timeout);
	else
		fuse_reply_buf(req, (const char *)&out, sizeof(out));
}

int reply_raw_entry(struct fs *fs, const struct reply_owner *owner, struct inode *inode,
	struct abi_entry_out *ret)
{
	struct stat st;
	double timeout;
	int err = reply_stat(fs, owner, inode->ino, &inode->d, &st, &timeout);

	*ret = (struct abi_entry_out){
		.nodeid = reply_node(inode->ino),
		.generation = inode->d.generation,
		.entry_valid = (uint64_t)REPLY_FOREVER,
		.attr_valid = (uint64_t)timeout,
		.attr = encode_attr(&st, 0),
	};
	return err;
}

void reply_err(fuse_req_t req, int err)
{
	fuse_reply_err(req, -err);
}
