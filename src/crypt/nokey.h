/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of encrypted directories as the kernel shows them without the key: base64url (no padding)
 * of the directory hash, the first bytes of the ciphertext and, where that is longer, a SHA-256 of
 * the rest (struct fscrypt_nokey_name in fs/crypto/fname.c must agree). Bytes in, bytes out.
 */
#ifndef EXT4D_CRYPT_NOKEY_H
#define EXT4D_CRYPT_NOKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

/* Longest encoded name in bytes (FSCRYPT_NOKEY_NAME_MAX_ENCODED). */
#define NOKEY_NAME_MAX 252

/*
 * Encodes a ciphertext name of len bytes; returns the length written. hash and minor_hash are
 * those of the name in its directory (0 in unindexed ones).
 */
size_t nokey_encode(const uint8_t *cipher, size_t len, uint32_t hash, uint32_t minor_hash,
	char out[NOKEY_NAME_MAX]);

struct nokey_name {
	uint32_t hash, minor_hash;
	uint8_t bytes[149];
	size_t len;	    /* of bytes[] */
	bool has_digest;    /* the ciphertext goes on and digest[] covers the rest */
	uint8_t digest[32];
};

/* Decodes a name as a user gave it. -ENOENT where it is no such name. */
int nokey_decode(const char *name, size_t len, struct nokey_name *ret) MUST_CHECK;

/* Whether the ciphertext name is the one meant (fscrypt_match_name()). */
bool nokey_match(const struct nokey_name *nokey, const uint8_t *cipher, size_t len);

#endif
