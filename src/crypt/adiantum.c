// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A message is L, then R of 16 bytes, and in the paper's terms:
 *   PM = PR + H(T, PL);  CM = AES(PM);  CL = PL xor XChaCha(CM || 1);  CR = CM - H(T, CL)
 * with additions modulo 2^128. Decryption is the same with AES the other way round.
 */
#include "config.h"

#include "crypt/adiantum.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "crypt/aes.h"
#include "crypt/nhpoly1305.h"
#include "crypt/xchacha.h"
#include "format/le.h"

_Static_assert(ADIANTUM_KEY == XCHACHA_KEY, "the stream cipher takes the key as it is");
_Static_assert(ADIANTUM_MIN == AES_BLOCK, "one block is what the block cipher gets");

struct adiantum {
	uint8_t key[XCHACHA_KEY];
	struct aes *aes;
	struct poly1305_key header; /* hashes the message's length and the tweak */
	struct nhpoly1305_key message;
};

/* The other keys are the key stream under a nonce that no message has, in this order. */
struct subkeys {
	uint8_t aes[AES_256_KEY];
	uint8_t header[POLY1305_BLOCK];
	uint8_t message[NHPOLY1305_KEY];
};

static int set_key(struct adiantum *adiantum, const uint8_t key[ADIANTUM_KEY])
{
	static const uint8_t nonce[XCHACHA_NONCE] = { 1 };
	struct subkeys sub;
	int err;

	memset(&sub, 0, sizeof(sub));
	memcpy(adiantum->key, key, ADIANTUM_KEY);
	xchacha(key, nonce, (uint8_t *)&sub, (uint8_t *)&sub, sizeof(sub));
	poly1305_set_key(&adiantum->header, sub.header);
	nhpoly1305_set_key(&adiantum->message, sub.message);
	err = aes_new(AES_256_ECB, sub.aes, &adiantum->aes);
	OPENSSL_cleanse(&sub, sizeof(sub));
	return err;
}

int adiantum_new(const uint8_t key[ADIANTUM_KEY], struct adiantum **ret)
{
	struct adiantum *adiantum = calloc(1, sizeof(*adiantum));
	int err = adiantum ? set_key(adiantum, key) : -ENOMEM;

	if (err)
		adiantum_free(adiantum);
	else
		*ret = adiantum;
	return err;
}

void adiantum_free(struct adiantum *adiantum)
{
	if (!adiantum)
		return;
	aes_free(adiantum->aes);
	OPENSSL_cleanse(adiantum, sizeof(*adiantum));
	free(adiantum);
}

/* A number modulo 2^128. */
struct u128 {
	uint64_t lo, hi;
};

static struct u128 u128_get(const uint8_t raw[AES_BLOCK])
{
	return (struct u128){ le64_get(raw), le64_get(raw + 8) };
}

static void u128_put(uint8_t raw[AES_BLOCK], struct u128 v)
{
	le64_put(raw, v.lo);
	le64_put(raw + 8, v.hi);
}

static struct u128 add(struct u128 a, struct u128 b)
{
	uint64_t lo = a.lo + b.lo;

	return (struct u128){ lo, a.hi + b.hi + (lo < a.lo) };
}

static struct u128 subtract(struct u128 a, struct u128 b)
{
	return (struct u128){ a.lo - b.lo, a.hi - b.hi - (a.lo < b.lo) };
}

static struct u128 hash_header(const struct adiantum *adiantum,
	const uint8_t tweak[ADIANTUM_TWEAK], size_t len)
{
	uint8_t header[POLY1305_BLOCK + ADIANTUM_TWEAK] = { 0 }, hash[POLY1305_BLOCK];
	struct poly1305 poly = { { 0 } };

	le64_put(header, (uint64_t)len * 8);
	memcpy(header + POLY1305_BLOCK, tweak, ADIANTUM_TWEAK);
	poly1305_update(&poly, &adiantum->header, header, sizeof(header) / POLY1305_BLOCK);
	poly1305_final(&poly, hash);
	return u128_get(hash);
}

static struct u128 hash_message(const struct adiantum *adiantum, const uint8_t *data, size_t len)
{
	uint8_t hash[POLY1305_BLOCK];

	nhpoly1305(&adiantum->message, data, len, hash);
	return u128_get(hash);
}

int adiantum_crypt(struct adiantum *adiantum, bool encrypt, const uint8_t tweak[ADIANTUM_TWEAK],
	const uint8_t *src, uint8_t *dst, size_t len)
{
	uint8_t middle[AES_BLOCK], nonce[XCHACHA_NONCE] = { 0 };
	struct u128 header, right;
	size_t left = len - AES_BLOCK;
	int err;

	if (len < ADIANTUM_MIN)
		return -EINVAL;
	header = hash_header(adiantum, tweak, left);
	right = add(u128_get(src + left), add(header, hash_message(adiantum, src, left)));
	u128_put(middle, right);
	err = aes_crypt(adiantum->aes, encrypt, NULL, middle, middle, sizeof(middle));
	if (err)
		return err;
	/* the stream's nonce is CM in either direction: what decryption has before AES */
	if (encrypt)
		memcpy(nonce, middle, sizeof(middle));
	else
		u128_put(nonce, right);
	nonce[AES_BLOCK] = 1;
	right = u128_get(middle);
	xchacha(adiantum->key, nonce, src, dst, left);
	right = subtract(right, add(header, hash_message(adiantum, dst, left)));
	u128_put(dst + left, right);
	OPENSSL_cleanse(middle, sizeof(middle));
	OPENSSL_cleanse(nonce, sizeof(nonce));
	return 0;
}
