// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Additions, rotations and xors of whole words: no branch and no address depends on the key. Four
 * blocks are made side by side, which the compiler turns into vector instructions.
 */
#include "config.h"

#include "crypt/xchacha.h"

#include <openssl/crypto.h>
#include <string.h>

#include "format/le.h"

#define DOUBLE_ROUNDS 6
#define WORDS 16 /* of the state */
#define BLOCK 64 /* bytes */
#define LANES 4	 /* blocks made at once */
#define COUNTER 12 /* the word, and the one after it */

typedef uint32_t lanes __attribute__((vector_size(4 * LANES)));

static inline lanes rotl(lanes x, unsigned n)
{
	return x << n | x >> (32 - n);
}

static inline void quarter_round(lanes x[WORDS], int a, int b, int c, int d)
{
	x[a] += x[b];
	x[d] = rotl(x[d] ^ x[a], 16);
	x[c] += x[d];
	x[b] = rotl(x[b] ^ x[c], 12);
	x[a] += x[b];
	x[d] = rotl(x[d] ^ x[a], 8);
	x[c] += x[d];
	x[b] = rotl(x[b] ^ x[c], 7);
}

static void permute(lanes x[WORDS])
{
	for (int i = 0; i < DOUBLE_ROUNDS; i++) {
		for (int c = 0; c < 4; c++)
			quarter_round(x, c, 4 + c, 8 + c, 12 + c);
		for (int c = 0; c < 4; c++)
			quarter_round(x, c, 4 + (c + 1) % 4, 8 + (c + 2) % 4, 12 + (c + 3) % 4);
	}
}

static void init_state(uint32_t state[WORDS], const uint8_t key[XCHACHA_KEY], const uint8_t last[16])
{
	static const uint8_t constants[16] = "expand 32-byte k";

	for (int i = 0; i < 4; i++) {
		state[i] = le32_get(constants + 4 * i);
		state[4 + i] = le32_get(key + 4 * i);
		state[8 + i] = le32_get(key + 16 + 4 * i);
		state[12 + i] = le32_get(last + 4 * i);
	}
}

/* HChaCha: the key for the nonce's first 16 bytes, rows 0 and 3 of the permuted state. */
static void derive_key(const uint8_t key[XCHACHA_KEY], const uint8_t nonce[16],
	uint8_t ret[XCHACHA_KEY])
{
	uint32_t state[WORDS];
	lanes x[WORDS];

	init_state(state, key, nonce);
	for (int i = 0; i < WORDS; i++)
		x[i] = (lanes){ state[i] };
	permute(x);
	for (int i = 0; i < 4; i++) {
		le32_put(ret + 4 * i, x[i][0]);
		le32_put(ret + 16 + 4 * i, x[12 + i][0]);
	}
	OPENSSL_cleanse(x, sizeof(x));
	OPENSSL_cleanse(state, sizeof(state));
}

/* The next LANES blocks of the key stream; counts on. */
static void make_stream(uint32_t state[WORDS], uint8_t ret[LANES * BLOCK])
{
	lanes x[WORDS], start[WORDS];

	for (int i = 0; i < WORDS; i++)
		for (int lane = 0; lane < LANES; lane++)
			start[i][lane] = state[i];
	/* it counts from 0 in steps of LANES, so the low word wraps between two calls only */
	for (int lane = 0; lane < LANES; lane++)
		start[COUNTER][lane] += (uint32_t)lane;
	memcpy(x, start, sizeof(x));
	permute(x);
	for (int i = 0; i < WORDS; i++) {
		x[i] += start[i];
		for (int lane = 0; lane < LANES; lane++)
			le32_put(ret + lane * BLOCK + 4 * i, x[i][lane]);
	}
	state[COUNTER] += LANES;
	state[COUNTER + 1] += !state[COUNTER];
	OPENSSL_cleanse(x, sizeof(x));
	OPENSSL_cleanse(start, sizeof(start));
}

void xchacha(const uint8_t key[XCHACHA_KEY], const uint8_t nonce[XCHACHA_NONCE],
	const uint8_t *src, uint8_t *dst, size_t len)
{
	uint8_t subkey[XCHACHA_KEY], last[16] = { 0 }, stream[LANES * BLOCK];
	uint32_t state[WORDS];

	derive_key(key, nonce, subkey);
	memcpy(last + 8, nonce + 16, 8);
	init_state(state, subkey, last);
	while (len) {
		size_t part = len < sizeof(stream) ? len : sizeof(stream);

		make_stream(state, stream);
		for (size_t i = 0; i < part; i++)
			dst[i] = src[i] ^ stream[i];
		src += part;
		dst += part;
		len -= part;
	}
	OPENSSL_cleanse(subkey, sizeof(subkey));
	OPENSSL_cleanse(state, sizeof(state));
	OPENSSL_cleanse(stream, sizeof(stream));
}
