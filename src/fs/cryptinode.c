// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fs/cryptinode.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/file_i.h"
#include "fs/fs_i.h"
#include "fs/mapedit.h"
#include "fs/xattr.h"

/* The number of bits of v. */
static unsigned bit_width(uint64_t v)
{
	return v ? 64 - (unsigned)__builtin_clzll(v) : 0;
}

static bool takes_case(const struct inode *inode)
{
	return S_ISDIR(inode->d.mode) && inode->d.flags & EXT4_CASEFOLD_FL;
}

bool cryptinode_supports(const struct inode *inode, const struct fscrypt_context *context)
{
	const struct super *sb = &inode->fs->sb;
	const struct fscrypt_limits limits = {
		.block_bits = sb->block_bits,
		.file_bits = bit_width(file_max_size_fs(sb) - 1),
		.stable_inodes = super_has_stable_inodes(sb),
		.casefold = takes_case(inode),
	};

	return fscrypt_is_supported(context, &limits);
}

int cryptinode_context(struct inode *inode, struct fscrypt_context *ret)
{
	uint8_t raw[FSCRYPT_CONTEXT_MAX];
	ssize_t len = xattr_crypt_context_locked(inode, raw, sizeof(raw));

	if (len < 0)
		return len == -ERANGE ? -EINVAL : (int)len;
	return fscrypt_decode(raw, (size_t)len, ret);
}

static int read_context(struct inode *inode, struct fscrypt_context *ret)
{
	int err = cryptinode_context(inode, ret);

	return !err && !cryptinode_supports(inode, ret) ? -EINVAL : err;
}

_Static_assert(FS_KEY_MAX == MASTERKEY_MAX, "the room that who finds a key is given");

/* find_key_lock is held. */
static void fetch_key_locked(struct fs *fs, const struct fscrypt_key_name *wanted)
{
	struct fscrypt_key_name name = *wanted;
	uint8_t raw[FS_KEY_MAX];
	size_t size = 0;
	int err = fs->opts.find_key(fs->opts.find_key_arg, &name, raw, &size);

	if (!err)
		err = fs_add_key(fs, &name, raw, size);
	OPENSSL_cleanse(raw, sizeof(raw));
	if (err && err != -ENOKEY)
		log_debug(fs->log, "a key that was found cannot be used: %s", strerror(-err));
}

bool cryptinode_has_key(struct fs *fs, const struct fscrypt_key_name *name)
{
	bool has = keyring_find(fs->keyring, name);

	if (has || !fs->opts.find_key)
		return has;
	/* somebody may be at it: what he was told is not told again */
	lock_take(&fs->find_key_lock);
	if (!keyring_find(fs->keyring, name))
		fetch_key_locked(fs, name);
	lock_drop(&fs->find_key_lock);
	/* one of another name has been added for nothing, and does not count */
	return keyring_find(fs->keyring, name);
}

static int make_key(struct inode *inode, struct filekey **ret)
{
	const struct filekey_owner owner = {
		.ino = inode->ino,
		.block_bits = inode->fs->sb.block_bits,
		.is_regular = S_ISREG(inode->d.mode),
		.casefold = takes_case(inode),
	};
	struct fscrypt_context context;
	int err = read_context(inode, &context);

	struct keyring *keyring = inode->fs->keyring;

	if (err)
		return err;
	err = filekey_new(keyring, &context, &owner, ret);
	/* again also if it came meanwhile, or was there and is too short */
	if (err == -ENOKEY && cryptinode_has_key(inode->fs, &context.key))
		err = filekey_new(keyring, &context, &owner, ret);
	return err;
}

bool cryptinode_knows_key(struct inode *inode, const struct filekey **ret)
{
	*ret = atomic_load_explicit(&inode->key, memory_order_acquire);
	/* while there is no key at all, and nobody to ask for one, nobody pays for looking */
	return *ret || !inode->fs->keyring ||
		(!inode->fs->opts.find_key && keyring_is_empty(inode->fs->keyring));
}

int cryptinode_key(struct inode *inode, const struct filekey **ret)
{
	struct filekey *key = NULL, *made;
	int err;

	if (cryptinode_knows_key(inode, ret))
		return 0;
	err = make_key(inode, &made);
	if (err)
		return err == -ENOKEY ? 0 : err;
	/* another thread may have been faster */
	if (atomic_compare_exchange_strong(&inode->key, &key, made))
		key = made;
	else
		filekey_free(made);
	*ret = key;
	return 0;
}

int cryptinode_checked_key(struct inode *inode, const struct filekey **ret)
{
	struct fscrypt_context context;
	int err = cryptinode_key(inode, ret);

	return err || *ret ? err : read_context(inode, &context);
}

bool cryptinode_is_locked(struct inode *inode)
{
	bool shared = inode->fs->opts.writable, locked;
	const struct filekey *key;

	if (shared)
		rwlock_read(&inode->lock);
	locked = inode->d.flags & EXT4_ENCRYPT_FL && (cryptinode_key(inode, &key) || !key);
	if (shared)
		rwlock_drop(&inode->lock);
	return locked;
}

int cryptinode_require_key(struct inode *inode, const struct filekey **ret)
{
	int err = cryptinode_key(inode, ret);

	return err || *ret ? err : -ENOKEY;
}

int cryptinode_names_key(struct inode *dir, const struct filekey **ret)
{
	int err = cryptinode_key(dir, ret);

	return err == -EINVAL || err == -EOPNOTSUPP ? 0 : err;
}

static bool can_be_encrypted(const struct inode *inode)
{
	return S_ISREG(inode->d.mode) || S_ISDIR(inode->d.mode) || S_ISLNK(inode->d.mode);
}

/* What cryptinode_context() says of an inode with EXT4_ENCRYPT_FL, and without it -EXDEV. */
struct policy {
	int err;
	struct fscrypt_context context;
};

/* inode->lock is held. */
static void get_policy(struct inode *inode, struct policy *ret)
{
	ret->err = -EXDEV;
	if (inode->d.flags & EXT4_ENCRYPT_FL)
		ret->err = cryptinode_context(inode, &ret->context);
}

/* As fscrypt_has_permitted_context(): 0, or -EXDEV. */
static int compare_policies(const struct policy *dir, struct policy *child)
{
	int err = dir->err ? dir->err : child->err;

	/* neither is known: so that both can be removed */
	if (dir->err == -EINVAL && child->err == -EINVAL)
		return 0;
	if (err)
		return err == -ENOMEM || err == -EIO ? err : -EXDEV;
	/* the one thing that is each inode's own */
	memcpy(child->context.nonce, dir->context.nonce, FSCRYPT_NONCE);
	return memcmp(&dir->context, &child->context, sizeof(dir->context)) ? -EXDEV : 0;
}

int cryptinode_may_hold(struct inode *dir, struct inode *child)
{
	struct policy ours, theirs;

	if (!(dir->d.flags & EXT4_ENCRYPT_FL) || !can_be_encrypted(child))
		return 0;
	get_policy(dir, &ours);
	get_policy(child, &theirs);
	return compare_policies(&ours, &theirs);
}

int cryptinode_may_show(struct inode *dir, struct inode *child)
{
	struct policy ours, theirs;
	bool is_asked;
	int err;

	rwlock_read(&child->lock);
	is_asked = S_ISDIR(child->d.mode) || S_ISLNK(child->d.mode);
	if (is_asked)
		get_policy(child, &theirs);
	rwlock_drop(&child->lock);
	if (!is_asked)
		return 0;
	rwlock_read(&dir->lock);
	get_policy(dir, &ours);
	rwlock_drop(&dir->lock);
	if (ours.err == -EXDEV)
		return 0;
	err = compare_policies(&ours, &theirs);
	if (err != -EXDEV)
		return err;
	log_limited(dir->fs->log, LOG_LEVEL_WARN, "inode %u is not encrypted as its directory %u is",
		child->ino, dir->ino);
	return -EPERM;
}

/* Encrypted contents are in blocks. */
static void leave_inline(struct inode *inode)
{
	if (!(inode->d.flags & EXT4_INLINE_DATA_FL))
		return;
	inode->d.flags &= ~(uint32_t)EXT4_INLINE_DATA_FL;
	map_init(inode);
}

int cryptinode_inherit(struct handle *h, struct inode *dir, struct inode *inode)
{
	uint8_t raw[FSCRYPT_CONTEXT_MAX];
	struct fscrypt_context context;
	const struct filekey *key;
	int err;

	if (!(dir->d.flags & EXT4_ENCRYPT_FL) || !can_be_encrypted(inode))
		return 0;
	err = read_context(dir, &context);
	if (!err && RAND_bytes(context.nonce, sizeof(context.nonce)) != 1)
		err = -EIO;
	if (err)
		return err;
	leave_inline(inode);
	inode->d.flags |= EXT4_ENCRYPT_FL;
	err = xattr_set_in(h, inode, XATTR_INDEX_ENCRYPTION, "c", 1, raw,
		fscrypt_encode(&context, raw), 0);
	return err ? err : cryptinode_require_key(inode, &key);
}
