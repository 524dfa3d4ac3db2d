/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AES-256-HCTR2 (Crowley, Huckleberry and Biggers 2021): a change of any bit of message or tweak
 * changes every bit. The kernel's hctr2(aes).
 */
#ifndef EXT4D_CRYPT_HCTR2_H
#define EXT4D_CRYPT_HCTR2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

#define HCTR2_KEY 32   /* bytes */
#define HCTR2_TWEAK 32 /* bytes */
#define HCTR2_MIN 16   /* bytes of the shortest message */

/* For one thread at a time. */
struct hctr2;

int hctr2_new(const uint8_t key[HCTR2_KEY], struct hctr2 **ret) MUST_CHECK;
void hctr2_free(struct hctr2 *hctr2);

/* One message; src and dst are the same or apart. -EINVAL too short, -EIO. */
int hctr2_crypt(struct hctr2 *hctr2, bool encrypt, const uint8_t tweak[HCTR2_TWEAK],
	const uint8_t *src, uint8_t *dst, size_t len) MUST_CHECK;

#endif
