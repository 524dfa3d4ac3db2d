/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HKDF-SHA512 (RFC 5869). */
#ifndef EXT4D_CRYPT_HKDF_H
#define EXT4D_CRYPT_HKDF_H

#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

#define HKDF_HASH 64	 /* bytes of SHA-512, and of a pseudorandom key */
#define HKDF_INFO_MAX 64 /* bytes; fscrypt takes 26 */

/* The pseudorandom key of what is secret, with the default salt of zeros. -ENOMEM. */
int hkdf_extract(const uint8_t *secret, size_t len, uint8_t ret[HKDF_HASH]) MUST_CHECK;

/* Fills ret, at most 255 * HKDF_HASH bytes. -EINVAL too long, -ENOMEM. */
int hkdf_expand(const uint8_t prk[HKDF_HASH], const uint8_t *info, size_t info_len, uint8_t *ret,
	size_t len) MUST_CHECK;

#endif
