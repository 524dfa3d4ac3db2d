/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A key that a user has given, and the keys derived from it: those of single inodes are handed out,
 * those that many inodes share are kept here. Any thread, any time.
 */
#ifndef EXT4D_CRYPT_MASTERKEY_H
#define EXT4D_CRYPT_MASTERKEY_H

#include "crypt/cipher.h"
#include "crypt/siphash.h"
#include "format/fscrypt.h"

#define MASTERKEY_MIN 16 /* bytes, FSCRYPT_MIN_KEY_SIZE */
#define MASTERKEY_MAX 64 /* bytes, FSCRYPT_MAX_RAW_KEY_SIZE */
#define MASTERKEY_UUID 16 /* bytes of the filesystem's, which goes into some derivations */

struct masterkey;

/*
 * name: version 1, the descriptor that its owner chose; NULL: version 2, whose identifier is derived
 * from the key. The key is copied. -EINVAL a size that no key has, -ENOMEM.
 */
int masterkey_new(const struct fscrypt_key_name *name, const uint8_t *raw, size_t size,
	const uint8_t uuid[MASTERKEY_UUID], struct masterkey **ret) MUST_CHECK;

/* Wipes it; nobody may hold a shared cipher of it. NULL is allowed. */
void masterkey_free(struct masterkey *key);

/* What the version 2 key of these bytes is called. -EINVAL a size that no key has, -ENOMEM. */
int masterkey_identify(const uint8_t *raw, size_t size, uint8_t ret[FSCRYPT_IDENTIFIER]) MUST_CHECK;

/* Whether both are of the same version and bytes. */
bool masterkey_equals(const struct masterkey *a, const struct masterkey *b);

/* Whether its memory is never swapped: it is allowed to lock only so much. */
bool masterkey_is_locked(const struct masterkey *key);

const struct fscrypt_key_name *masterkey_name(const struct masterkey *key);

/* Whether it is long enough for a known mode. */
bool masterkey_suits(const struct masterkey *key, enum fscrypt_mode mode);

/* The cipher for the mode that is one inode's, with that nonce; the caller's. Errors as cipher_new(). */
int masterkey_file_cipher(const struct masterkey *key, enum fscrypt_mode mode,
	const uint8_t nonce[FSCRYPT_NONCE], struct cipher **ret) MUST_CHECK;

/*
 * The cipher that all inodes under one of FSCRYPT_KEY_FLAGS share; valid as long as the key is. Errors
 * as cipher_new(); -EINVAL for flags that the key's version does not have.
 */
int masterkey_shared_cipher(struct masterkey *key, enum fscrypt_mode mode, unsigned flag,
	struct cipher **ret) MUST_CHECK;

/* Version 2. The key that hashes names in a casefolded directory with that nonce. -ENOMEM. */
int masterkey_dirhash_key(const struct masterkey *key, const uint8_t nonce[FSCRYPT_NONCE],
	uint8_t ret[SIPHASH_KEY]) MUST_CHECK;

/* Version 2. An inode's number as IV_INO_LBLK_32 uses it. -ENOMEM. */
int masterkey_hash_ino(const struct masterkey *key, uint32_t ino, uint32_t *ret) MUST_CHECK;

#endif
