// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "crypt/essiv.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

struct essiv {
	struct aes *cbc;
	struct aes *salted; /* AES-256-ECB under the key's hash */
};

_Static_assert(SHA256_DIGEST_LENGTH == AES_256_KEY, "the salt is a key");

int essiv_new(const uint8_t *key, struct essiv **ret)
{
	struct essiv *essiv = calloc(1, sizeof(*essiv));
	uint8_t salt[SHA256_DIGEST_LENGTH];
	int err;

	if (!essiv)
		return -ENOMEM;
	err = SHA256(key, AES_128_KEY, salt) ? 0 : -ENOMEM;
	if (!err)
		err = aes_new(AES_128_CBC, key, &essiv->cbc);
	if (!err)
		err = aes_new(AES_256_ECB, salt, &essiv->salted);
	OPENSSL_cleanse(salt, sizeof(salt));
	if (err)
		essiv_free(essiv);
	else
		*ret = essiv;
	return err;
}

void essiv_free(struct essiv *essiv)
{
	if (!essiv)
		return;
	aes_free(essiv->cbc);
	aes_free(essiv->salted);
	free(essiv);
}

int essiv_crypt(struct essiv *essiv, bool encrypt, const uint8_t iv[AES_BLOCK], const uint8_t *src,
	uint8_t *dst, size_t len)
{
	uint8_t secret_iv[AES_BLOCK];
	int err = aes_crypt(essiv->salted, true, NULL, iv, secret_iv, sizeof(secret_iv));

	return err ? err : aes_crypt(essiv->cbc, encrypt, secret_iv, src, dst, len);
}
