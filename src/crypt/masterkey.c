// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "crypt/masterkey.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "crypt/aes.h"
#include "crypt/hkdf.h"
#include "format/le.h"
#include "util/lock.h"
#include "util/secret.h"

/* What a key is derived for, the kernel's HKDF_CONTEXT_*. */
enum purpose {
	FOR_IDENTIFIER = 1,
	FOR_FILE = 2,
	FOR_DIRECT_KEY = 3,
	FOR_IV_INO_LBLK_64 = 4,
	FOR_DIRHASH = 5,
	FOR_IV_INO_LBLK_32 = 6,
	FOR_INO_HASH = 7,
};

#define INFO_PREFIX "fscrypt" /* with its NUL */
#define INFO_MAX (sizeof(INFO_PREFIX) + 1 + 1 + MASTERKEY_UUID)

enum sharing { SHARED_DIRECT, SHARED_LBLK_64, SHARED_LBLK_32, SHARED_NR };

struct masterkey {
	struct fscrypt_key_name name; /* [const] */
	/* [const] version 1: the key, which files' keys are made of; version 2: HKDF's pseudorandom key */
	uint8_t secret[HKDF_HASH];
	size_t size; /* [const] of the key that was given */
	bool locked; /* [const] this is never swapped */
	uint8_t uuid[MASTERKEY_UUID]; /* [const] */
	struct lock lock; /* rank LEAF */
	struct cipher *shared[SHARED_NR][FSCRYPT_MODE_NR]; /* [lock] made when first asked for */
};

_Static_assert(MASTERKEY_MAX <= HKDF_HASH, "room for a key of version 1");
_Static_assert(CIPHER_KEY_MAX <= MASTERKEY_MAX, "a version 1 key is as long as what comes from it");

/* HKDF with the info "fscrypt", NUL, purpose, extra. */
static int derive(const struct masterkey *key, enum purpose purpose, const void *extra,
	size_t extra_len, uint8_t *ret, size_t len)
{
	uint8_t info[INFO_MAX] = INFO_PREFIX;

	info[sizeof(INFO_PREFIX)] = (uint8_t)purpose;
	if (extra_len)
		memcpy(info + sizeof(INFO_PREFIX) + 1, extra, extra_len);
	return hkdf_expand(key->secret, info, sizeof(INFO_PREFIX) + 1 + extra_len, ret, len);
}

static int set_key(struct masterkey *key, const struct fscrypt_key_name *name, const uint8_t *raw,
	size_t size)
{
	int err;

	key->size = size;
	if (name) {
		key->name = *name;
		memcpy(key->secret, raw, size);
		return 0;
	}
	key->name.version = 2;
	err = hkdf_extract(raw, size, key->secret);
	if (err)
		return err;
	return derive(key, FOR_IDENTIFIER, NULL, 0, key->name.bytes, FSCRYPT_IDENTIFIER);
}

int masterkey_new(const struct fscrypt_key_name *name, const uint8_t *raw, size_t size,
	const uint8_t uuid[MASTERKEY_UUID], struct masterkey **ret)
{
	struct masterkey *key;
	bool locked;
	int err;

	if (size < MASTERKEY_MIN || size > MASTERKEY_MAX || (name && name->version != 1))
		return -EINVAL;
	key = secret_new(sizeof(*key), &locked);
	if (!key)
		return -ENOMEM;
	key->locked = locked;
	lock_init(&key->lock, LOCK_RANK_LEAF);
	memcpy(key->uuid, uuid, MASTERKEY_UUID);
	err = set_key(key, name, raw, size);
	if (err)
		masterkey_free(key);
	else
		*ret = key;
	return err;
}

void masterkey_free(struct masterkey *key)
{
	if (!key)
		return;
	for (int i = 0; i < SHARED_NR; i++)
		for (int mode = 0; mode < FSCRYPT_MODE_NR; mode++)
			cipher_free(key->shared[i][mode]);
	lock_fini(&key->lock);
	secret_free(key, sizeof(*key));
}

int masterkey_identify(const uint8_t *raw, size_t size, uint8_t ret[FSCRYPT_IDENTIFIER])
{
	static const uint8_t any_uuid[MASTERKEY_UUID];
	struct masterkey *key;
	int err = masterkey_new(NULL, raw, size, any_uuid, &key);

	if (err)
		return err;
	memcpy(ret, key->name.bytes, FSCRYPT_IDENTIFIER);
	masterkey_free(key);
	return 0;
}

bool masterkey_equals(const struct masterkey *a, const struct masterkey *b)
{
	return a->size == b->size && CRYPTO_memcmp(a->secret, b->secret, sizeof(a->secret)) == 0;
}

bool masterkey_is_locked(const struct masterkey *key)
{
	return key->locked;
}

const struct fscrypt_key_name *masterkey_name(const struct masterkey *key)
{
	return &key->name;
}

bool masterkey_suits(const struct masterkey *key, enum fscrypt_mode mode)
{
	return key->size >=
		(key->name.version == 1 ? cipher_key_size(mode) : cipher_strength(mode));
}

/* Version 1: the master key, as much as the file's is to have, encrypted with the nonce as the key. */
static int derive_v1(const struct masterkey *key, const uint8_t nonce[FSCRYPT_NONCE], uint8_t *ret,
	size_t len)
{
	struct aes *aes;
	int err = aes_new(AES_128_ECB, nonce, &aes);

	if (err)
		return err;
	err = aes_crypt(aes, true, NULL, key->secret, ret, len);
	aes_free(aes);
	return err;
}

int masterkey_file_cipher(const struct masterkey *key, enum fscrypt_mode mode,
	const uint8_t nonce[FSCRYPT_NONCE], struct cipher **ret)
{
	uint8_t derived[CIPHER_KEY_MAX];
	int err;

	if (key->name.version == 1)
		err = derive_v1(key, nonce, derived, cipher_key_size(mode));
	else
		err = derive(key, FOR_FILE, nonce, FSCRYPT_NONCE, derived, cipher_key_size(mode));
	if (!err)
		err = cipher_new(mode, derived, ret);
	OPENSSL_cleanse(derived, sizeof(derived));
	return err;
}

static int sharing_of(unsigned flag)
{
	switch (flag) {
	case FSCRYPT_DIRECT_KEY:
		return SHARED_DIRECT;
	case FSCRYPT_IV_INO_LBLK_64:
		return SHARED_LBLK_64;
	case FSCRYPT_IV_INO_LBLK_32:
		return SHARED_LBLK_32;
	default:
		return -EINVAL;
	}
}

static int new_shared(
	const struct masterkey *key, enum fscrypt_mode mode, enum sharing sharing, struct cipher **ret)
{
	static const struct {
		enum purpose purpose;
		bool with_uuid;
	} kinds[SHARED_NR] = {
		[SHARED_DIRECT] = { FOR_DIRECT_KEY, false },
		[SHARED_LBLK_64] = { FOR_IV_INO_LBLK_64, true },
		[SHARED_LBLK_32] = { FOR_IV_INO_LBLK_32, true },
	};
	uint8_t derived[CIPHER_KEY_MAX], extra[1 + MASTERKEY_UUID];
	int err;

	if (key->name.version == 1)
		return cipher_new(mode, key->secret, ret);
	extra[0] = (uint8_t)mode;
	memcpy(extra + 1, key->uuid, MASTERKEY_UUID);
	err = derive(key, kinds[sharing].purpose, extra,
		kinds[sharing].with_uuid ? sizeof(extra) : 1, derived, cipher_key_size(mode));
	if (!err)
		err = cipher_new(mode, derived, ret);
	OPENSSL_cleanse(derived, sizeof(derived));
	return err;
}

int masterkey_shared_cipher(
	struct masterkey *key, enum fscrypt_mode mode, unsigned flag, struct cipher **ret)
{
	int sharing = sharing_of(flag), err = 0;

	if (sharing < 0 || (key->name.version == 1 && sharing != SHARED_DIRECT))
		return -EINVAL;
	lock_take(&key->lock);
	if (!key->shared[sharing][mode])
		err = new_shared(key, mode, (enum sharing)sharing, &key->shared[sharing][mode]);
	*ret = key->shared[sharing][mode];
	lock_drop(&key->lock);
	return err;
}

int masterkey_dirhash_key(const struct masterkey *key, const uint8_t nonce[FSCRYPT_NONCE],
	uint8_t ret[SIPHASH_KEY])
{
	return derive(key, FOR_DIRHASH, nonce, FSCRYPT_NONCE, ret, SIPHASH_KEY);
}

int masterkey_hash_ino(const struct masterkey *key, uint32_t ino, uint32_t *ret)
{
	uint8_t hash_key[SIPHASH_KEY], raw[8];
	int err = derive(key, FOR_INO_HASH, NULL, 0, hash_key, sizeof(hash_key));

	if (err)
		return err;
	le64_put(raw, ino);
	*ret = (uint32_t)siphash(hash_key, raw, sizeof(raw));
	OPENSSL_cleanse(hash_key, sizeof(hash_key));
	return 0;
}
