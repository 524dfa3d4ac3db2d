/* SPDX-License-Identifier: GPL-2.0-or-later */
/* XChaCha12: ChaCha (RFC 8439) of 12 rounds with a nonce of 192 bits, as Adiantum uses it. */
#ifndef EXT4D_CRYPT_XCHACHA_H
#define EXT4D_CRYPT_XCHACHA_H

#include <stddef.h>
#include <stdint.h>

#define XCHACHA_KEY 32	 /* bytes */
#define XCHACHA_NONCE 24 /* bytes */

/* dst = src xor the key stream from its beginning. The same or apart. */
void xchacha(const uint8_t key[XCHACHA_KEY], const uint8_t nonce[XCHACHA_NONCE],
	const uint8_t *src, uint8_t *dst, size_t len);

#endif
