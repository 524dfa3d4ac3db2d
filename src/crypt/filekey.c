// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "crypt/filekey.h"

#include <assert.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "format/le.h"

/* union fscrypt_iv: a number, then a nonce. */
#define IV_NONCE 8

struct filekey {
	struct cipher *cipher;
	bool is_shared; /* the cipher is the master key's */
	uint8_t flags;	/* enum fscrypt_flags */
	uint8_t unit_bits;
	uint8_t nonce[FSCRYPT_NONCE];
	uint32_t ino; /* with IV_INO_LBLK_32 its hash */
	uint8_t dirhash_key[SIPHASH_KEY];
};

static int set_cipher(struct filekey *key, struct masterkey *master,
	const struct fscrypt_context *context, enum fscrypt_mode mode)
{
	unsigned flag = context->flags & FSCRYPT_KEY_FLAGS;

	key->is_shared = flag != 0;
	if (key->is_shared)
		return masterkey_shared_cipher(master, mode, flag, &key->cipher);
	return masterkey_file_cipher(master, mode, context->nonce, &key->cipher);
}

static int set_up(struct filekey *key, struct masterkey *master,
	const struct fscrypt_context *context, const struct filekey_owner *owner)
{
	unsigned mode = owner->is_regular ? context->contents_mode : context->names_mode;
	int err;

	if (!cipher_is_known(mode))
		return -EOPNOTSUPP;
	if (!master || !masterkey_suits(master, mode))
		return -ENOKEY;
	key->flags = context->flags;
	key->unit_bits = (uint8_t)(context->unit_bits ? context->unit_bits : owner->block_bits);
	key->ino = owner->ino;
	memcpy(key->nonce, context->nonce, FSCRYPT_NONCE);
	err = set_cipher(key, master, context, mode);
	if (!err && key->flags & FSCRYPT_IV_INO_LBLK_32)
		err = masterkey_hash_ino(master, owner->ino, &key->ino);
	if (!err && owner->casefold)
		err = masterkey_dirhash_key(master, context->nonce, key->dirhash_key);
	return err;
}

int filekey_new(struct keyring *keyring, const struct fscrypt_context *context,
	const struct filekey_owner *owner, struct filekey **ret)
{
	struct filekey *key = calloc(1, sizeof(*key));
	int err;

	if (!key)
		return -ENOMEM;
	err = set_up(key, keyring_find(keyring, &context->key), context, owner);
	if (err)
		filekey_free(key);
	else
		*ret = key;
	return err;
}

void filekey_free(struct filekey *key)
{
	if (!key)
		return;
	if (!key->is_shared)
		cipher_free(key->cipher);
	OPENSSL_cleanse(key, sizeof(*key));
	free(key);
}

unsigned filekey_unit_bits(const struct filekey *key)
{
	return key->unit_bits;
}

/* fscrypt_generate_iv() */
static void make_iv(const struct filekey *key, uint64_t unit, uint8_t ret[CIPHER_IV])
{
	memset(ret, 0, CIPHER_IV);
	if (key->flags & FSCRYPT_IV_INO_LBLK_64)
		unit = (unit & UINT32_MAX) | (uint64_t)key->ino << 32;
	else if (key->flags & FSCRYPT_IV_INO_LBLK_32)
		unit = (uint32_t)(key->ino + unit);
	else if (key->flags & FSCRYPT_DIRECT_KEY)
		memcpy(ret + IV_NONCE, key->nonce, FSCRYPT_NONCE);
	le64_put(ret, unit);
}

int filekey_crypt_units(const struct filekey *key, bool encrypt, uint64_t first, const uint8_t *src,
	uint8_t *dst, size_t len)
{
	size_t size = (size_t)1 << key->unit_bits;
	struct cipher_worker *worker;
	int err = cipher_get_worker(key->cipher, &worker);

	assert(len % size == 0);
	if (err)
		return err;
	for (size_t off = 0; !err && off < len; off += size) {
		uint8_t iv[CIPHER_IV];

		make_iv(key, first++, iv);
		err = cipher_crypt(worker, encrypt, iv, src + off, dst + off, size);
	}
	cipher_put_worker(key->cipher, worker);
	return err;
}

/* One message under the IV that all names of a directory have. */
static int crypt_name(
	const struct filekey *key, bool encrypt, const uint8_t *src, uint8_t *dst, size_t len)
{
	struct cipher_worker *worker;
	uint8_t iv[CIPHER_IV];
	int err = cipher_get_worker(key->cipher, &worker);

	if (err)
		return err;
	make_iv(key, 0, iv);
	err = cipher_crypt(worker, encrypt, iv, src, dst, len);
	cipher_put_worker(key->cipher, worker);
	return err;
}

size_t filekey_sealed_size(const struct filekey *key, size_t len, size_t max)
{
	size_t padding = (size_t)4 << (key->flags & FSCRYPT_PAD_MASK);

	if (len > max)
		return 0;
	if (len < FILEKEY_SEALED_MIN)
		len = FILEKEY_SEALED_MIN;
	len = (len + padding - 1) / padding * padding;
	return len < max ? len : max;
}

int filekey_seal_name(const struct filekey *key, const void *name, size_t len, uint8_t *ret,
	size_t sealed_len)
{
	assert(len <= sealed_len);
	memmove(ret, name, len);
	memset(ret + len, 0, sealed_len - len);
	return crypt_name(key, true, ret, ret, sealed_len);
}

ssize_t filekey_open_name(const struct filekey *key, const uint8_t *sealed, size_t len, char *ret)
{
	int err;

	if (len < FILEKEY_SEALED_MIN)
		return -EUCLEAN;
	err = crypt_name(key, false, sealed, (uint8_t *)ret, len);
	return err ? err : (ssize_t)strnlen(ret, len);
}

uint64_t filekey_hash_name(const struct filekey *key, const void *name, size_t len)
{
	return siphash(key->dirhash_key, name, len);
}
