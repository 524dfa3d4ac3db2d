// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Numbers modulo 2^130 - 5 in limbs of 26 bits, so that products and their sums fit 64. No branch
 * and no address depends on a value.
 */
#include "config.h"

#include "crypt/poly1305.h"

#include <openssl/crypto.h>

#include "format/le.h"

#define LIMB_BITS 26
#define LIMB_MASK ((1u << LIMB_BITS) - 1)

/* Byte offset and shift at which limb i of a 16-byte number begins: 26 * i bits. */
static uint32_t limb(const uint8_t raw[POLY1305_BLOCK], unsigned i)
{
	/* bytes 0, 3, 6, 9, 12 and bits 0, 2, 4, 6, 8 in them */
	return le32_get(raw + 3 * i) >> 2 * i & LIMB_MASK;
}

void poly1305_set_key(struct poly1305_key *key, const uint8_t raw[POLY1305_BLOCK])
{
	uint8_t clamped[POLY1305_BLOCK];

	for (unsigned i = 0; i < POLY1305_BLOCK; i++) {
		clamped[i] = raw[i];
		if (i % 4 == 3)
			clamped[i] &= 15;
		else if (i && i % 4 == 0)
			clamped[i] &= 252;
	}
	for (unsigned i = 0; i < POLY1305_LIMBS; i++)
		key->r[i] = limb(clamped, i);
	OPENSSL_cleanse(clamped, sizeof(clamped));
}

/* h = h * r, with limbs a little above 26 bits at most. */
static void multiply(uint32_t h[POLY1305_LIMBS], const uint32_t r[POLY1305_LIMBS])
{
	uint64_t d[POLY1305_LIMBS] = { 0 }, carry = 0;

	for (unsigned i = 0; i < POLY1305_LIMBS; i++)
		for (unsigned j = 0; j < POLY1305_LIMBS; j++) {
			/* 2^130 is 5 */
			uint64_t wrap = i + j >= POLY1305_LIMBS ? 5 : 1;

			d[(i + j) % POLY1305_LIMBS] += wrap * h[i] * r[j];
		}
	for (unsigned i = 0; i < POLY1305_LIMBS; i++) {
		d[i] += carry;
		h[i] = d[i] & LIMB_MASK;
		carry = d[i] >> LIMB_BITS;
	}
	carry = h[0] + carry * 5;
	h[0] = carry & LIMB_MASK;
	h[1] += (uint32_t)(carry >> LIMB_BITS);
}

void poly1305_update(struct poly1305 *poly, const struct poly1305_key *key, const uint8_t *data,
	size_t nr_blocks)
{
	for (; nr_blocks; nr_blocks--, data += POLY1305_BLOCK) {
		for (unsigned i = 0; i < POLY1305_LIMBS; i++)
			poly->h[i] += limb(data, i);
		poly->h[4] += 1u << 24; /* 2^128: the block is whole */
		multiply(poly->h, key->r);
	}
}

/* h, carried through, less the modulus if it is not smaller. */
static void reduce(const uint32_t in[POLY1305_LIMBS], uint32_t h[POLY1305_LIMBS])
{
	uint32_t g[POLY1305_LIMBS], carry = 0, mask;

	for (unsigned i = 0; i < POLY1305_LIMBS; i++) {
		carry += in[i];
		h[i] = carry & LIMB_MASK;
		carry >>= LIMB_BITS;
	}
	carry *= 5;
	for (unsigned i = 0; i < POLY1305_LIMBS; i++) {
		carry += h[i];
		h[i] = carry & LIMB_MASK;
		carry >>= LIMB_BITS;
	}
	carry = 5;
	for (unsigned i = 0; i < POLY1305_LIMBS; i++) {
		carry += h[i];
		g[i] = carry & LIMB_MASK;
		carry >>= LIMB_BITS;
	}
	mask = -carry; /* h + 5 reached 2^130 */
	for (unsigned i = 0; i < POLY1305_LIMBS; i++)
		h[i] = (h[i] & ~mask) | (g[i] & mask);
}

void poly1305_final(const struct poly1305 *poly, uint8_t ret[POLY1305_BLOCK])
{
	uint32_t h[POLY1305_LIMBS];

	reduce(poly->h, h);
	le32_put(ret, h[0] | h[1] << 26);
	le32_put(ret + 4, h[1] >> 6 | h[2] << 20);
	le32_put(ret + 8, h[2] >> 12 | h[3] << 14);
	le32_put(ret + 12, h[3] >> 18 | h[4] << 8);
}
