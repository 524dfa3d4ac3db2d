/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Adiantum with XChaCha12 and AES-256 (Crowley and Biggers 2018): a change of any bit of message or
 * tweak changes every bit. The kernel's adiantum(xchacha12,aes).
 */
#ifndef EXT4D_CRYPT_ADIANTUM_H
#define EXT4D_CRYPT_ADIANTUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

#define ADIANTUM_KEY 32	  /* bytes */
#define ADIANTUM_TWEAK 32 /* bytes */
#define ADIANTUM_MIN 16	  /* bytes of the shortest message */

/* For one thread at a time. */
struct adiantum;

int adiantum_new(const uint8_t key[ADIANTUM_KEY], struct adiantum **ret) MUST_CHECK;
void adiantum_free(struct adiantum *adiantum);

/* One message; src and dst are the same or apart. -EINVAL too short, -EIO. */
int adiantum_crypt(struct adiantum *adiantum, bool encrypt, const uint8_t tweak[ADIANTUM_TWEAK],
	const uint8_t *src, uint8_t *dst, size_t len) MUST_CHECK;

#endif
