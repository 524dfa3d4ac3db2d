/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The key of an encrypted inode, unlocked: what encrypts and decrypts the contents of a regular file, the
 * names in a directory, the target of a symlink. Constant once made: any number of threads.
 */
#ifndef EXT4D_CRYPT_FILEKEY_H
#define EXT4D_CRYPT_FILEKEY_H

#include "crypt/keyring.h"

struct filekey_owner {
	uint32_t ino;
	unsigned block_bits;
	bool is_regular; /* contents are what is encrypted, not names */
	bool casefold;	 /* a directory whose names are hashed with a key */
};

struct filekey;

/*
 * context: one that fscrypt_is_supported(). -ENOKEY: the keyring has not the master key, or one that is too
 * short; -EOPNOTSUPP: no cipher for the mode; -EINVAL a weak key, -ENOMEM.
 */
int filekey_new(struct keyring *keyring, const struct fscrypt_context *context,
	const struct filekey_owner *owner, struct filekey **ret) MUST_CHECK;

/* Wipes it. NULL is allowed. */
void filekey_free(struct filekey *key);

/* log2 of a data unit in bytes. */
unsigned filekey_unit_bits(const struct filekey *key);

/*
 * Encrypts or decrypts len bytes of contents, whole data units, in one pass; src and dst are the same or
 * apart. first: which unit of the file it begins with. -ENOMEM, -EIO.
 */
int filekey_crypt_units(const struct filekey *key, bool encrypt, uint64_t first, const uint8_t *src,
	uint8_t *dst, size_t len) MUST_CHECK;

/*
 * Bytes that a name or target of len bytes takes encrypted, padding included; max is what there is room
 * for. 0: it does not fit.
 */
size_t filekey_sealed_size(const struct filekey *key, size_t len, size_t max);

/* Encrypts a name; sealed_len as filekey_sealed_size() says. -ENOMEM, -EIO. */
int filekey_seal_name(const struct filekey *key, const void *name, size_t len, uint8_t *ret,
	size_t sealed_len) MUST_CHECK;

/* The shortest a sealed name can be; FSCRYPT_FNAME_MIN_MSG_LEN. */
#define FILEKEY_SEALED_MIN 16

/*
 * Decrypts len bytes into ret, which has room for as many, and returns how many are the name. -EUCLEAN: it
 * cannot have been encrypted; -ENOMEM, -EIO.
 */
ssize_t filekey_open_name(const struct filekey *key, const uint8_t *sealed, size_t len,
	char *ret) MUST_CHECK;

/* The hash of a name, folded already, in a casefolded directory (fscrypt_fname_siphash()). */
uint64_t filekey_hash_name(const struct filekey *key, const void *name, size_t len);

#endif
