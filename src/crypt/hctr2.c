// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A message is M of 16 bytes, then N, and in the paper's terms:
 *   MM = M xor H(T, N);  UU = AES(MM);  S = MM xor UU xor L;  V = N xor XCTR(S);  U = UU xor H(T, V)
 * Decryption is the same with AES the other way round.
 */
#include "config.h"

#include "crypt/hctr2.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "crypt/aes.h"
#include "crypt/polyval.h"
#include "format/le.h"

_Static_assert(AES_BLOCK == POLYVAL_BLOCK, "one kind of block");

#define CTR_BLOCKS 16 /* of the key stream made at a time */

struct hctr2 {
	struct aes *aes;
	struct polyval hash_key;
	struct polyval l;
};

/* A block that holds a small number, encrypted. */
static int encrypt_number(struct hctr2 *hctr2, uint8_t n, struct polyval *ret)
{
	uint8_t block[AES_BLOCK] = { n };
	int err = aes_crypt(hctr2->aes, true, NULL, block, block, sizeof(block));

	*ret = polyval_get(block);
	OPENSSL_cleanse(block, sizeof(block));
	return err;
}

int hctr2_new(const uint8_t key[HCTR2_KEY], struct hctr2 **ret)
{
	struct hctr2 *hctr2 = calloc(1, sizeof(*hctr2));
	int err = hctr2 ? aes_new(AES_256_ECB, key, &hctr2->aes) : -ENOMEM;

	if (!err)
		err = encrypt_number(hctr2, 0, &hctr2->hash_key);
	if (!err)
		err = encrypt_number(hctr2, 1, &hctr2->l);
	if (err)
		hctr2_free(hctr2);
	else
		*ret = hctr2;
	return err;
}

void hctr2_free(struct hctr2 *hctr2)
{
	if (!hctr2)
		return;
	aes_free(hctr2->aes);
	OPENSSL_cleanse(hctr2, sizeof(*hctr2));
	free(hctr2);
}

/* Whether the message fills its blocks goes into the first one; if it does not, a 1 follows it. */
static struct polyval hash(const struct hctr2 *hctr2, const uint8_t tweak[HCTR2_TWEAK],
	const uint8_t *data, size_t len)
{
	uint8_t block[POLYVAL_BLOCK] = { 0 };
	size_t part = len % POLYVAL_BLOCK;
	struct polyval ret = { 0 };

	le64_put(block, 2 * 8 * HCTR2_TWEAK + (part ? 3 : 2));
	polyval_update(&ret, &hctr2->hash_key, block, sizeof(block));
	polyval_update(&ret, &hctr2->hash_key, tweak, HCTR2_TWEAK);
	polyval_update(&ret, &hctr2->hash_key, data, len - part);
	if (part) {
		memset(block, 0, sizeof(block));
		memcpy(block, data + len - part, part);
		block[part] = 1;
		polyval_update(&ret, &hctr2->hash_key, block, sizeof(block));
	}
	return ret;
}

/* XCTR: block i of the stream, from 1 on, is the encryption of s xor i. */
static int xor_stream(struct hctr2 *hctr2, struct polyval s, const uint8_t *src, uint8_t *dst,
	size_t len)
{
	uint8_t stream[CTR_BLOCKS * AES_BLOCK];
	uint64_t nr = 1;
	int err = 0;

	while (!err && len) {
		size_t part = len < sizeof(stream) ? len : sizeof(stream);

		for (size_t i = 0; i < CTR_BLOCKS; i++) {
			struct polyval in = { s.lo ^ nr++, s.hi };

			polyval_put(&in, stream + i * AES_BLOCK);
		}
		err = aes_crypt(hctr2->aes, true, NULL, stream, stream, sizeof(stream));
		for (size_t i = 0; !err && i < part; i++)
			dst[i] = src[i] ^ stream[i];
		src += part;
		dst += part;
		len -= part;
	}
	OPENSSL_cleanse(stream, sizeof(stream));
	return err;
}

static struct polyval sum(struct polyval a, struct polyval b)
{
	return (struct polyval){ a.lo ^ b.lo, a.hi ^ b.hi };
}

int hctr2_crypt(struct hctr2 *hctr2, bool encrypt, const uint8_t tweak[HCTR2_TWEAK],
	const uint8_t *src, uint8_t *dst, size_t len)
{
	uint8_t block[AES_BLOCK];
	struct polyval before, after;
	size_t rest = len - AES_BLOCK;
	int err;

	if (len < HCTR2_MIN)
		return -EINVAL;
	before = sum(polyval_get(src), hash(hctr2, tweak, src + AES_BLOCK, rest));
	polyval_put(&before, block);
	err = aes_crypt(hctr2->aes, encrypt, NULL, block, block, sizeof(block));
	after = polyval_get(block);
	if (!err)
		err = xor_stream(hctr2, sum(sum(before, after), hctr2->l), src + AES_BLOCK,
			dst + AES_BLOCK, rest);
	if (!err) {
		after = sum(after, hash(hctr2, tweak, dst + AES_BLOCK, rest));
		polyval_put(&after, dst);
	}
	OPENSSL_cleanse(block, sizeof(block));
	return err;
}
