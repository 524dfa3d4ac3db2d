// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "crypt/cipher.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "crypt/adiantum.h"
#include "crypt/aes.h"
#include "crypt/essiv.h"
#include "crypt/hctr2.h"
#include "util/lock.h"

_Static_assert(CIPHER_IV == ADIANTUM_TWEAK && CIPHER_IV == HCTR2_TWEAK, "union fscrypt_iv");

struct mode {
	size_t key_size, strength;
	int (*new)(const uint8_t *key, void **ret);
	void (*free)(void *state);
	int (*crypt)(void *state, bool encrypt, const uint8_t *iv, const uint8_t *src,
		uint8_t *dst, size_t len);
};

static int new_xts(const uint8_t *key, void **ret)
{
	return aes_new(AES_256_XTS, key, (struct aes **)ret);
}

static int new_cts_256(const uint8_t *key, void **ret)
{
	return aes_new(AES_256_CTS, key, (struct aes **)ret);
}

static int new_cts_128(const uint8_t *key, void **ret)
{
	return aes_new(AES_128_CTS, key, (struct aes **)ret);
}

static void free_aes(void *state)
{
	aes_free(state);
}

static int crypt_aes(void *state, bool encrypt, const uint8_t *iv, const uint8_t *src, uint8_t *dst,
	size_t len)
{
	return aes_crypt(state, encrypt, iv, src, dst, len);
}

static int new_essiv(const uint8_t *key, void **ret)
{
	return essiv_new(key, (struct essiv **)ret);
}

static void free_essiv(void *state)
{
	essiv_free(state);
}

static int crypt_essiv(void *state, bool encrypt, const uint8_t *iv, const uint8_t *src,
	uint8_t *dst, size_t len)
{
	return essiv_crypt(state, encrypt, iv, src, dst, len);
}

static int new_adiantum(const uint8_t *key, void **ret)
{
	return adiantum_new(key, (struct adiantum **)ret);
}

static void free_adiantum(void *state)
{
	adiantum_free(state);
}

static int crypt_adiantum(void *state, bool encrypt, const uint8_t *iv, const uint8_t *src,
	uint8_t *dst, size_t len)
{
	return adiantum_crypt(state, encrypt, iv, src, dst, len);
}

static int new_hctr2(const uint8_t *key, void **ret)
{
	return hctr2_new(key, (struct hctr2 **)ret);
}

static void free_hctr2(void *state)
{
	hctr2_free(state);
}

static int crypt_hctr2(void *state, bool encrypt, const uint8_t *iv, const uint8_t *src,
	uint8_t *dst, size_t len)
{
	return hctr2_crypt(state, encrypt, iv, src, dst, len);
}

/* The kernel's fscrypt_modes[] must agree. */
static const struct mode modes[FSCRYPT_MODE_NR] = {
	[FSCRYPT_AES_256_XTS] = { AES_256_XTS_KEY, 32, new_xts, free_aes, crypt_aes },
	[FSCRYPT_AES_256_CTS] = { AES_256_KEY, 32, new_cts_256, free_aes, crypt_aes },
	[FSCRYPT_AES_128_CBC] = { AES_128_KEY, 16, new_essiv, free_essiv, crypt_essiv },
	[FSCRYPT_AES_128_CTS] = { AES_128_KEY, 16, new_cts_128, free_aes, crypt_aes },
	[FSCRYPT_ADIANTUM] = { ADIANTUM_KEY, 32, new_adiantum, free_adiantum,
		crypt_adiantum },
	[FSCRYPT_AES_256_HCTR2] = { HCTR2_KEY, 32, new_hctr2, free_hctr2, crypt_hctr2 },
};

struct cipher_worker {
	const struct mode *mode;
	void *state;
	struct cipher_worker *next; /* [lock] while it is idle */
};

struct cipher {
	const struct mode *mode;
	uint8_t key[CIPHER_KEY_MAX]; /* for further workers */
	struct lock lock;	     /* rank LEAF */
	struct cipher_worker *idle;  /* [lock] as many as were ever needed at once */
};

bool cipher_is_known(unsigned mode)
{
	return mode < FSCRYPT_MODE_NR && modes[mode].key_size;
}

size_t cipher_key_size(enum fscrypt_mode mode)
{
	return modes[mode].key_size;
}

size_t cipher_strength(enum fscrypt_mode mode)
{
	return modes[mode].strength;
}

static void worker_free(struct cipher_worker *worker)
{
	worker->mode->free(worker->state);
	free(worker);
}

static int worker_new(struct cipher *cipher, struct cipher_worker **ret)
{
	struct cipher_worker *worker = calloc(1, sizeof(*worker));
	int err;

	if (!worker)
		return -ENOMEM;
	worker->mode = cipher->mode;
	err = cipher->mode->new(cipher->key, &worker->state);
	if (err)
		free(worker);
	else
		*ret = worker;
	return err;
}

int cipher_new(unsigned mode, const uint8_t *key, struct cipher **ret)
{
	struct cipher *cipher;
	int err;

	if (!cipher_is_known(mode))
		return -EOPNOTSUPP;
	cipher = calloc(1, sizeof(*cipher));
	if (!cipher)
		return -ENOMEM;
	cipher->mode = &modes[mode];
	memcpy(cipher->key, key, cipher->mode->key_size);
	lock_init(&cipher->lock, LOCK_RANK_LEAF);
	err = worker_new(cipher, &cipher->idle); /* so that a bad key shows here */
	if (err)
		cipher_free(cipher);
	else
		*ret = cipher;
	return err;
}

void cipher_free(struct cipher *cipher)
{
	if (!cipher)
		return;
	while (cipher->idle) {
		struct cipher_worker *worker = cipher->idle;

		cipher->idle = worker->next;
		worker_free(worker);
	}
	lock_fini(&cipher->lock);
	OPENSSL_cleanse(cipher, sizeof(*cipher));
	free(cipher);
}

int cipher_get_worker(struct cipher *cipher, struct cipher_worker **ret)
{
	struct cipher_worker *worker;

	lock_take(&cipher->lock);
	worker = cipher->idle;
	if (worker)
		cipher->idle = worker->next;
	lock_drop(&cipher->lock);
	if (!worker)
		return worker_new(cipher, ret);
	*ret = worker;
	return 0;
}

void cipher_put_worker(struct cipher *cipher, struct cipher_worker *worker)
{
	lock_take(&cipher->lock);
	worker->next = cipher->idle;
	cipher->idle = worker;
	lock_drop(&cipher->lock);
}

int cipher_crypt(struct cipher_worker *worker, bool encrypt, const uint8_t iv[CIPHER_IV],
	const uint8_t *src, uint8_t *dst, size_t len)
{
	return worker->mode->crypt(worker->state, encrypt, iv, src, dst, len);
}
