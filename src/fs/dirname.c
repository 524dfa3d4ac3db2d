// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fs/dirname.h"

#include <errno.h>

#include "format/dx.h"
#include "format/le.h"
#include "fs/cryptinode.h"
#include "fs/fs_i.h"

/* No hash may equal the end-of-directory position (EXT4_HTREE_EOF_32BIT in the kernel). */
#define HASH_EOF 0xFFFFFFFEu
#define HASH_LAST 0xFFFFFFFCu

/* Versions LEGACY to TEA plus this are the same over unsigned characters. */
#define HASH_UNSIGNED_DELTA (EXT2_HASH_LEGACY_UNSIGNED - EXT2_HASH_LEGACY)

bool dirname_is_dots(const char *name, size_t len)
{
	return (len == 1 && name[0] == '.') || (len == 2 && name[0] == '.' && name[1] == '.');
}

/* Names of casefolded directories; without the table of the encoding their bytes have to do. */
static int init_fold(const struct inode *dir, struct dirname *want)
{
	const struct fs *fs = dir->fs;
	char copy[DIR_NAME_MAX]; /* the library's parameter is not const */
	char *bad;

	if (!(dir->d.flags & EXT4_CASEFOLD_FL) || !fs->ext2->encoding)
		return 0;
	want->fold = fs;
	if (!(fs->sb.encoding_flags & EXT4_ENC_STRICT_MODE_FL))
		return 0;
	memcpy(copy, want->name, want->len);
	return ext2fs_check_encoded_name(fs->ext2->encoding, copy, want->len, &bad) ? -EINVAL : 0;
}

/* Where case does not matter it is the names that are compared, else the ciphertext. */
static int init_sealed(const struct inode *dir, const struct filekey *key, struct dirname *want)
{
	size_t sealed_len = filekey_sealed_size(key, want->len, DIR_NAME_MAX);
	int err;

	if (dir->d.flags & EXT4_CASEFOLD_FL && dir->fs->ext2->encoding) {
		want->key = key;
		return init_fold(dir, want);
	}
	err = filekey_seal_name(key, want->name, want->len, want->sealed, sealed_len);
	want->name = (const char *)want->sealed;
	want->len = sealed_len;
	return err;
}

int dirname_init(struct inode *dir, const char *name, size_t len, struct dirname *ret)
{
	const struct filekey *key;
	int err;

	memset(ret, 0, offsetof(struct dirname, sealed));
	ret->name = name;
	ret->len = len;
	if (len > DIR_NAME_MAX)
		return -ENAMETOOLONG;
	if (!len)
		return -ENOENT;
	if (dirname_is_dots(name, len))
		return 0;
	if (!(dir->d.flags & EXT4_ENCRYPT_FL))
		return init_fold(dir, ret);
	err = cryptinode_names_key(dir, &key);
	if (err)
		return err;
	if (key)
		return init_sealed(dir, key, ret);
	ret->is_nokey = true;
	return nokey_decode(name, len, &ret->nokey);
}

/* Encrypted names without regard to case. What does not decrypt is nobody's name. */
static bool match_opened(const struct dirname *want, const struct dirent_rec *rec)
{
	char name[DIR_NAME_MAX];
	ssize_t len = filekey_open_name(want->key, rec->name, rec->name_len, name);

	return len > 0 &&
		!ext2fs_casefold_cmp(want->fold->ext2->encoding, (const uint8_t *)want->name,
			want->len, (const uint8_t *)name, (size_t)len);
}

bool dirname_match(const struct dirname *want, const struct dirent_rec *rec)
{
	if (!rec->ino)
		return false;
	if (want->is_nokey)
		return nokey_match(&want->nokey, rec->name, rec->name_len);
	if (want->key)
		return match_opened(want, rec);
	if (rec->name_len == want->len && !memcmp(rec->name, want->name, want->len))
		return true;
	return want->fold &&
		!ext2fs_casefold_cmp(want->fold->ext2->encoding, (const uint8_t *)want->name,
			want->len, rec->name, rec->name_len);
}

int dirname_find(const struct dirent_chain *chain, const struct dirname *want,
	struct dirent_rec *ret, const char **ret_why)
{
	bool by_bytes = !want->is_nokey && !want->key;
	int found = !by_bytes ? -EUCLEAN : dirent_find(chain, want->name, want->len, ret);

	if (!found || (found == -ENOENT && !want->fold))
		return found;
	for (size_t off = 0; off < chain->size; off += ret->rec_len) {
		int err = dirent_decode(chain, off, ret, ret_why);

		if (err)
			return err;
		if (dirname_match(want, ret))
			return 0;
	}
	return -ENOENT;
}

int dirname_hash(const struct inode *dir, int version, const void *name, size_t len,
	uint32_t *ret_hash, uint32_t *ret_minor)
{
	struct fs *fs = dir->fs;
	uint32_t seed[4];
	int fold = dir->d.flags & EXT4_CASEFOLD_FL ? EXT4_CASEFOLD_FL : 0;

	if (version > EXT2_HASH_TEA || (fold && !fs->ext2->encoding))
		return -EOPNOTSUPP;
	if (fs->sb.hash_unsigned)
		version += HASH_UNSIGNED_DELTA;
	memcpy(seed, fs->sb.hash_seed, sizeof(seed)); /* the library's parameter is not const */
	/* what cannot be folded counts by its bytes (ext4fs_dirhash()) */
	if (ext2fs_dirhash2(version, name, (int)len, fs->ext2->encoding, fold, seed, ret_hash,
		    ret_minor) &&
		ext2fs_dirhash(version, name, (int)len, seed, ret_hash, ret_minor))
		return -EOPNOTSUPP;
	if (*ret_hash == HASH_EOF)
		*ret_hash = HASH_LAST;
	return 0;
}

static bool is_sealed(const struct inode *dir, const struct dirent_rec *rec)
{
	return dir->d.flags & EXT4_ENCRYPT_FL &&
		!dirname_is_dots((const char *)rec->name, rec->name_len);
}

bool dirname_is_shown(const struct inode *dir, const struct dirent_rec *rec)
{
	return rec->ino && (rec->name_len || is_sealed(dir, rec));
}

ssize_t dirname_show(const struct inode *dir, const struct filekey *key,
	const struct dirent_rec *rec, int hash_version, char buf[DIRNAME_SHOWN_MAX],
	const char **ret_name)
{
	uint32_t hash = 0, minor = 0;

	*ret_name = (const char *)rec->name;
	if (!is_sealed(dir, rec))
		return rec->name_len;
	/* with the key or without, fscrypt_fname_disk_to_usr() */
	if (rec->name_len < FILEKEY_SEALED_MIN)
		return -EUCLEAN;
	if (key) {
		*ret_name = buf;
		return filekey_open_name(key, rec->name, rec->name_len, buf);
	}
	if (rec->hashes) {
		hash = le32_get(rec->hashes);
		minor = le32_get(rec->hashes + 4);
	} else if (hash_version >= 0 &&
		dirname_hash(dir, hash_version, rec->name, rec->name_len, &hash, &minor)) {
		hash = minor = 0;
	}
	*ret_name = buf;
	return (ssize_t)nokey_encode(rec->name, rec->name_len, hash, minor, buf);
}
