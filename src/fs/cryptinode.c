// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fs/cryptinode.h"

#include <errno.h>
#include <sys/stat.h>

#include "fs/file_i.h"
#include "fs/fs_i.h"
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

static int read_context(struct inode *inode, struct fscrypt_context *ret)
{
	const struct super *sb = &inode->fs->sb;
	const struct fscrypt_limits limits = {
		.block_bits = sb->block_bits,
		.file_bits = bit_width(file_max_size_fs(sb) - 1),
		.stable_inodes = super_has_stable_inodes(sb),
		.casefold = takes_case(inode),
	};
	uint8_t raw[FSCRYPT_CONTEXT_MAX];
	ssize_t len = xattr_crypt_context_locked(inode, raw, sizeof(raw));
	int err;

	if (len < 0)
		return len == -ERANGE ? -EINVAL : (int)len;
	err = fscrypt_decode(raw, (size_t)len, ret);
	if (!err && !fscrypt_is_supported(ret, &limits))
		err = -EINVAL;
	return err;
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

	return err ? err : filekey_new(inode->fs->keyring, &context, &owner, ret);
}

int cryptinode_key(struct inode *inode, const struct filekey **ret)
{
	struct filekey *key = atomic_load_explicit(&inode->key, memory_order_acquire), *made;
	int err;

	*ret = key;
	/* while there is no key at all, nobody pays for looking */
	if (key || !inode->fs->keyring || keyring_is_empty(inode->fs->keyring))
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

int cryptinode_require_key(struct inode *inode, const struct filekey **ret)
{
	int err = cryptinode_key(inode, ret);

	return err || *ret ? err : -ENOKEY;
}

int cryptinode_names_key(struct inode *dir, const struct filekey **ret)
{
	int err = cryptinode_key(dir, ret);

	return err == -ENOMEM || err == -EIO ? err : 0;
}
