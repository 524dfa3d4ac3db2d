/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AES-128-CBC whose IV is the data unit's number encrypted with AES-256 under SHA-256 of the key:
 * the kernel's essiv(cbc(aes),sha256).
 */
#ifndef EXT4D_CRYPT_ESSIV_H
#define EXT4D_CRYPT_ESSIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypt/aes.h"

struct essiv;

/* key: AES_128_KEY bytes. -EINVAL, -ENOMEM. */
int essiv_new(const uint8_t *key, struct essiv **ret) MUST_CHECK;
void essiv_free(struct essiv *essiv);

/* As aes_crypt(), for whole blocks. */
int essiv_crypt(struct essiv *essiv, bool encrypt, const uint8_t iv[AES_BLOCK], const uint8_t *src,
	uint8_t *dst, size_t len) MUST_CHECK;

#endif
