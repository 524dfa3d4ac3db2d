// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "crypt/siphash.h"

#include <openssl/crypto.h>

#include "format/le.h"

#define WORD 8 /* bytes taken in at a time */
#define ROUNDS_WORD 2
#define ROUNDS_END 4

static uint64_t rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static void rounds(uint64_t v[4], unsigned n)
{
	while (n--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotl(v[1], 13) ^ v[0];
		v[3] = rotl(v[3], 16) ^ v[2];
		v[0] = rotl(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotl(v[1], 17) ^ v[2];
		v[3] = rotl(v[3], 21) ^ v[0];
		v[2] = rotl(v[2], 32);
	}
}

static void absorb(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	rounds(v, ROUNDS_WORD);
	v[0] ^= word;
}

uint64_t siphash(const uint8_t key[SIPHASH_KEY], const void *data, size_t len)
{
	uint64_t k0 = le64_get(key), k1 = le64_get(key + WORD);
	uint64_t v[4] = { /* "somepseudorandomlygeneratedbytes" */
		k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
		k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573
	};
	const uint8_t *p = data;
	uint64_t last = (uint64_t)len << 56;

	for (; len >= WORD; len -= WORD, p += WORD)
		absorb(v, le64_get(p));
	for (size_t i = 0; i < len; i++)
		last |= (uint64_t)p[i] << 8 * i;
	absorb(v, last);
	v[2] ^= 0xff;
	rounds(v, ROUNDS_END);
	last = v[0] ^ v[1] ^ v[2] ^ v[3];
	OPENSSL_cleanse(v, sizeof(v));
	return last;
}
