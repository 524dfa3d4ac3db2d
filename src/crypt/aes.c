// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "crypt/aes.h"

#include <errno.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

struct aes {
	EVP_CIPHER_CTX *ctx[2]; /* by direction: 1 encrypts */
};

static const struct {
	const char *name;
	const char *cts; /* which way of ciphertext stealing */
} modes[] = {
	[AES_128_ECB] = { "AES-128-ECB", NULL },
	[AES_256_ECB] = { "AES-256-ECB", NULL },
	[AES_128_CBC] = { "AES-128-CBC", NULL },
	[AES_128_CTS] = { "AES-128-CBC-CTS", "CS3" },
	[AES_256_CTS] = { "AES-256-CBC-CTS", "CS3" },
	[AES_256_XTS] = { "AES-256-XTS", NULL },
};

static int init_ctx(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher, enum aes_mode mode,
	const uint8_t *key, int encrypt)
{
	char cts[] = "CS3"; /* the library's parameter is not const */
	const OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string(OSSL_CIPHER_PARAM_CTS_MODE, cts, sizeof(cts) - 1),
		OSSL_PARAM_END,
	};

	if (!EVP_CipherInit_ex2(
		    ctx, cipher, key, NULL, encrypt, modes[mode].cts ? params : NULL))
		return -EINVAL;
	return EVP_CIPHER_CTX_set_padding(ctx, 0) ? 0 : -EINVAL;
}

int aes_new(enum aes_mode mode, const uint8_t *key, struct aes **ret)
{
	/* fetched by hand: a context without it looks the cipher up again at each initialization */
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, modes[mode].name, NULL);
	struct aes *aes = calloc(1, sizeof(*aes));
	int err = cipher && aes ? 0 : -ENOMEM;

	for (int i = 0; !err && i < 2; i++) {
		aes->ctx[i] = EVP_CIPHER_CTX_new();
		err = aes->ctx[i] ? init_ctx(aes->ctx[i], cipher, mode, key, i) : -ENOMEM;
	}
	EVP_CIPHER_free(cipher);
	if (err)
		aes_free(aes);
	else
		*ret = aes;
	return err;
}

void aes_free(struct aes *aes)
{
	if (!aes)
		return;
	for (int i = 0; i < 2; i++)
		EVP_CIPHER_CTX_free(aes->ctx[i]); /* which cleanses the key schedule */
	free(aes);
}

int aes_crypt(struct aes *aes, bool encrypt, const uint8_t *iv, const uint8_t *src, uint8_t *dst,
	size_t len)
{
	EVP_CIPHER_CTX *ctx = aes->ctx[encrypt];
	int done;

	if (len > INT_MAX || !EVP_CipherInit_ex2(ctx, NULL, NULL, iv, encrypt, NULL) ||
		!EVP_CipherUpdate(ctx, dst, &done, src, (int)len) || (size_t)done != len)
		return -EIO;
	return 0;
}
