// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "crypt/hkdf.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#define ROUNDS_MAX 255

int hkdf_extract(const uint8_t *secret, size_t len, uint8_t ret[HKDF_HASH])
{
	static const uint8_t salt[HKDF_HASH];

	return HMAC(EVP_sha512(), salt, sizeof(salt), secret, len, ret, NULL) ? 0 : -ENOMEM;
}

int hkdf_expand(const uint8_t prk[HKDF_HASH], const uint8_t *info, size_t info_len, uint8_t *ret,
	size_t len)
{
	/* what round i hashes: round i - 1 (not in the first), info, i */
	uint8_t msg[HKDF_HASH + HKDF_INFO_MAX + 1], round[HKDF_HASH];
	size_t skip = HKDF_HASH;
	int err = 0;

	if (info_len > HKDF_INFO_MAX || len > (size_t)ROUNDS_MAX * HKDF_HASH)
		return -EINVAL;
	if (info_len)
		memcpy(msg + HKDF_HASH, info, info_len);
	for (uint8_t i = 1; !err && len; i++) {
		size_t part = len < HKDF_HASH ? len : HKDF_HASH;

		msg[HKDF_HASH + info_len] = i;
		if (!HMAC(EVP_sha512(), prk, HKDF_HASH, msg + skip,
			    HKDF_HASH - skip + info_len + 1, round, NULL))
			err = -ENOMEM;
		memcpy(msg, round, sizeof(round));
		memcpy(ret, round, part);
		skip = 0;
		ret += part;
		len -= part;
	}
	OPENSSL_cleanse(msg, sizeof(msg));
	OPENSSL_cleanse(round, sizeof(round));
	return err;
}
