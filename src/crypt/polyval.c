// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Products of polynomials by integer multiplication of numbers that have only each fourth bit: sums
 * of at most 16 ones do not reach the next used bit but for the top nibble, whose carry falls off the
 * word. No table, no branch on a value.
 */
#include "config.h"

#include "crypt/polyval.h"

#include <string.h>

#include "format/le.h"

static const uint64_t every_fourth = 0x1111111111111111;

/* The low 64 bits of the product. */
static uint64_t mul_low(uint64_t a, uint64_t b)
{
	uint64_t ret = 0;

	for (unsigned k = 0; k < 4; k++) { /* bits k, k + 4, ... of the product */
		uint64_t sum = 0;

		for (unsigned i = 0; i < 4; i++)
			sum ^= (a & every_fourth << i) *
				(b & every_fourth << ((k - i) & 3));
		ret |= sum & every_fourth << k;
	}
	return ret;
}

static uint64_t reverse_bits(uint64_t x)
{
	x = (x >> 1 & 0x5555555555555555) | (x & 0x5555555555555555) << 1;
	x = (x >> 2 & 0x3333333333333333) | (x & 0x3333333333333333) << 2;
	x = (x >> 4 & 0x0f0f0f0f0f0f0f0f) | (x & 0x0f0f0f0f0f0f0f0f) << 4;
	return __builtin_bswap64(x);
}

/* All 127 bits: the upper ones are the lower ones of the product of the reversed factors. */
static struct polyval mul(uint64_t a, uint64_t b)
{
	return (struct polyval){ mul_low(a, b),
		reverse_bits(mul_low(reverse_bits(a), reverse_bits(b))) >> 1 };
}

/*
 * p[0] becomes a multiple of x^64 by adding the field's polynomial, x^128 + x^127 + x^126 + x^121 + 1,
 * that many times.
 */
static void fold(uint64_t p[3])
{
	uint64_t w = p[0];

	p[1] ^= w << 57 ^ w << 62 ^ w << 63;
	p[2] ^= w >> 7 ^ w >> 2 ^ w >> 1 ^ w;
}

/* a * b * x^-128 */
static struct polyval dot(struct polyval a, struct polyval b)
{
	struct polyval lo = mul(a.lo, b.lo), hi = mul(a.hi, b.hi);
	struct polyval mid = mul(a.lo ^ a.hi, b.lo ^ b.hi); /* Karatsuba's */
	uint64_t p[4];

	mid.lo ^= lo.lo ^ hi.lo;
	mid.hi ^= lo.hi ^ hi.hi;
	p[0] = lo.lo;
	p[1] = lo.hi ^ mid.lo;
	p[2] = hi.lo ^ mid.hi;
	p[3] = hi.hi;
	fold(p);
	fold(p + 1);
	return (struct polyval){ p[2], p[3] };
}

struct polyval polyval_get(const uint8_t raw[POLYVAL_BLOCK])
{
	return (struct polyval){ le64_get(raw), le64_get(raw + 8) };
}

void polyval_put(const struct polyval *p, uint8_t ret[POLYVAL_BLOCK])
{
	le64_put(ret, p->lo);
	le64_put(ret + 8, p->hi);
}

void polyval_update(struct polyval *hash, const struct polyval *key, const uint8_t *data, size_t len)
{
	while (len) {
		size_t part = len < POLYVAL_BLOCK ? len : POLYVAL_BLOCK;
		uint8_t block[POLYVAL_BLOCK] = { 0 };

		memcpy(block, data, part);
		hash->lo ^= le64_get(block);
		hash->hi ^= le64_get(block + 8);
		*hash = dot(*hash, *key);
		data += part;
		len -= part;
	}
}
