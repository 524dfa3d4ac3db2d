// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "crypt/nhpoly1305.h"

#include <string.h>

#include "format/le.h"

#define UNIT_WORDS (NHPOLY1305_UNIT / 4)
#define NH_HASH (NHPOLY1305_PASSES * 8) /* bytes: a 64-bit sum for each pass */

void nhpoly1305_set_key(struct nhpoly1305_key *key, const uint8_t raw[NHPOLY1305_KEY])
{
	poly1305_set_key(&key->poly, raw);
	for (size_t i = 0; i < NHPOLY1305_NH_KEY / 4; i++)
		key->nh[i] = le32_get(raw + POLY1305_BLOCK + 4 * i);
}

/* Pass p begins p units further in the key, so that all of them take one walk over the message. */
static void add_unit(uint64_t sums[NHPOLY1305_PASSES], const uint32_t *key, const uint8_t *unit)
{
	uint32_t m0 = le32_get(unit), m1 = le32_get(unit + 4);
	uint32_t m2 = le32_get(unit + 8), m3 = le32_get(unit + 12);

	for (unsigned p = 0; p < NHPOLY1305_PASSES; p++, key += UNIT_WORDS)
		sums[p] += (uint64_t)(uint32_t)(m0 + key[0]) * (uint32_t)(m2 + key[2]) +
			(uint64_t)(uint32_t)(m1 + key[1]) * (uint32_t)(m3 + key[3]);
}

/* At most NHPOLY1305_CHUNK bytes, the last unit filled with zeros. */
static void hash_chunk(const uint32_t *key, const uint8_t *data, size_t len, uint8_t ret[NH_HASH])
{
	uint64_t sums[NHPOLY1305_PASSES] = { 0 };
	uint8_t last[NHPOLY1305_UNIT] = { 0 };

	for (; len >= NHPOLY1305_UNIT; len -= NHPOLY1305_UNIT) {
		add_unit(sums, key, data);
		data += NHPOLY1305_UNIT;
		key += UNIT_WORDS;
	}
	if (len) {
		memcpy(last, data, len);
		add_unit(sums, key, last);
	}
	for (unsigned p = 0; p < NHPOLY1305_PASSES; p++)
		le64_put(ret + 8 * p, sums[p]);
}

void nhpoly1305(const struct nhpoly1305_key *key, const uint8_t *data, size_t len,
	uint8_t ret[POLY1305_BLOCK])
{
	struct poly1305 poly = { { 0 } };
	uint8_t hash[NH_HASH];

	while (len) {
		size_t part = len < NHPOLY1305_CHUNK ? len : NHPOLY1305_CHUNK;

		hash_chunk(key->nh, data, part, hash);
		poly1305_update(&poly, &key->poly, hash, NH_HASH / POLY1305_BLOCK);
		data += part;
		len -= part;
	}
	poly1305_final(&poly, ret);
}
