/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The polynomial of Poly1305 (RFC 8439) over whole blocks, without the final nonce. */
#ifndef EXT4D_CRYPT_POLY1305_H
#define EXT4D_CRYPT_POLY1305_H

#include <stddef.h>
#include <stdint.h>

#define POLY1305_BLOCK 16 /* bytes; of a key and of the result too */
#define POLY1305_LIMBS 5  /* of 26 bits */

struct poly1305 {
	uint32_t h[POLY1305_LIMBS];
};

struct poly1305_key {
	uint32_t r[POLY1305_LIMBS];
};

void poly1305_set_key(struct poly1305_key *key, const uint8_t raw[POLY1305_BLOCK]);

/* poly begins as zeros. */
void poly1305_update(struct poly1305 *poly, const struct poly1305_key *key, const uint8_t *data,
	size_t nr_blocks);

/* The value modulo 2^128. */
void poly1305_final(const struct poly1305 *poly, uint8_t ret[POLY1305_BLOCK]);

#endif
