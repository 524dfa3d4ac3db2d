// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "crypt/nokey.h"

#include <errno.h>
#include <string.h>

#include "format/le.h"

/*
 * The bytes behind the text, struct fscrypt_nokey_name: two hashes, the beginning of the
 * ciphertext and, if that was not all of it, the digest of the rest. The kernel keeps the hashes in
 * host order; here they are little-endian everywhere, so that a name does not depend on the host.
 */
#define RAW_HASH 0
#define RAW_MINOR_HASH 4
#define RAW_BYTES 8
#define BYTES_MAX sizeof(((struct nokey_name *)0)->bytes)
#define RAW_DIGEST (RAW_BYTES + BYTES_MAX)
#define DIGEST_SIZE 32
#define RAW_MAX (RAW_DIGEST + DIGEST_SIZE)

_Static_assert(RAW_MAX == 189, "FSCRYPT_NOKEY_NAME_MAX");
_Static_assert(NOKEY_NAME_MAX == (RAW_MAX * 4 + 2) / 3, "FSCRYPT_NOKEY_NAME_MAX_ENCODED");
_Static_assert(sizeof(((struct nokey_name *)0)->digest) == DIGEST_SIZE, "SHA-256");

/*
 * SHA-256 (FIPS 180-4), for the at most two blocks of a name: libext2fs has it but does not export
 * it. The functions and constants are named as there.
 */
#define SHA_BLOCK 64 /* bytes */
#define SHA_LENGTH 8 /* bytes of the message's length in bits, at the end of the last block */
#define SHA_ROUNDS 64

static const uint32_t sha_k[SHA_ROUNDS] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static const uint32_t sha_init[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab,
	0x5be0cd19,
};

static uint32_t rotr(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static void sha_schedule(const uint8_t block[SHA_BLOCK], uint32_t w[SHA_ROUNDS])
{
	unsigned t;

	for (t = 0; t < 16; t++)
		w[t] = be32_get(block + t * sizeof(*w));
	for (; t < SHA_ROUNDS; t++) {
		uint32_t s0 = rotr(w[t - 15], 7) ^ rotr(w[t - 15], 18) ^ w[t - 15] >> 3;
		uint32_t s1 = rotr(w[t - 2], 17) ^ rotr(w[t - 2], 19) ^ w[t - 2] >> 10;

		w[t] = w[t - 16] + s0 + w[t - 7] + s1;
	}
}

static void sha_compress(uint32_t state[8], const uint8_t block[SHA_BLOCK])
{
	uint32_t w[SHA_ROUNDS], v[8]; /* v: the working variables a to h */
	unsigned t;

	sha_schedule(block, w);
	memcpy(v, state, sizeof(v));
	for (t = 0; t < SHA_ROUNDS; t++) {
		uint32_t s1 = rotr(v[4], 6) ^ rotr(v[4], 11) ^ rotr(v[4], 25);
		uint32_t ch = (v[4] & v[5]) ^ (~v[4] & v[6]);
		uint32_t t1 = v[7] + s1 + ch + sha_k[t] + w[t];
		uint32_t s0 = rotr(v[0], 2) ^ rotr(v[0], 13) ^ rotr(v[0], 22);
		uint32_t maj = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);

		memmove(v + 1, v, 7 * sizeof(*v));
		v[4] += t1;
		v[0] = t1 + s0 + maj;
	}
	for (t = 0; t < 8; t++)
		state[t] += v[t];
}

static void sha256(const uint8_t *data, size_t len, uint8_t digest[DIGEST_SIZE])
{
	uint8_t last[SHA_BLOCK] = { 0 };
	uint32_t state[8];
	uint64_t bits = htobe64((uint64_t)len * 8);
	unsigned i;

	memcpy(state, sha_init, sizeof(state));
	for (; len >= SHA_BLOCK; len -= SHA_BLOCK, data += SHA_BLOCK)
		sha_compress(state, data);
	memcpy(last, data, len);
	last[len] = 0x80;
	if (len + 1 > SHA_BLOCK - SHA_LENGTH) {
		sha_compress(state, last);
		memset(last, 0, sizeof(last));
	}
	memcpy(last + SHA_BLOCK - SHA_LENGTH, &bits, sizeof(bits));
	sha_compress(state, last);
	for (i = 0; i < 8; i++) {
		uint32_t word = htobe32(state[i]);

		memcpy(digest + i * sizeof(word), &word, sizeof(word));
	}
}

/* RFC 4648, "URL and filename safe". */
static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static size_t base64_encode(const uint8_t *src, size_t len, char *out)
{
	uint32_t acc = 0; /* only the low `bits` bits are still to be written */
	unsigned bits = 0;
	char *p = out;

	for (; len; len--) {
		acc = acc << 8 | *src++;
		for (bits += 8; bits >= 6; bits -= 6)
			*p++ = digits[acc >> (bits - 6) & 0x3f];
	}
	if (bits)
		*p++ = digits[acc << (6 - bits) & 0x3f];
	return (size_t)(p - out);
}

/* The value of a base64 digit, or -1. */
static int digit_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

/*
 * Decodes at most NOKEY_NAME_MAX digits; returns the bytes, or 0 for what base64_encode() never
 * writes: a name must have one spelling only.
 */
static size_t base64_decode(const char *src, size_t len, uint8_t out[RAW_MAX])
{
	uint32_t acc = 0;
	unsigned bits = 0;
	uint8_t *p = out;

	if (len > NOKEY_NAME_MAX || len % 4 == 1)
		return 0;
	for (; len; len--) {
		int value = digit_value(*src++);

		if (value < 0)
			return 0;
		acc = acc << 6 | (uint32_t)value;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			*p++ = (uint8_t)(acc >> bits);
		}
	}
	if (acc & ((1u << bits) - 1))
		return 0;
	return (size_t)(p - out);
}

size_t nokey_encode(const uint8_t *cipher, size_t len, uint32_t hash, uint32_t minor_hash,
	char out[NOKEY_NAME_MAX])
{
	uint8_t raw[RAW_MAX];

	/* fscrypt_fname_disk_to_usr(): without a hash there is no minor one either. */
	le32_put(raw + RAW_HASH, hash);
	le32_put(raw + RAW_MINOR_HASH, hash ? minor_hash : 0);
	if (len <= BYTES_MAX) {
		memcpy(raw + RAW_BYTES, cipher, len);
		return base64_encode(raw, RAW_BYTES + len, out);
	}
	memcpy(raw + RAW_BYTES, cipher, BYTES_MAX);
	sha256(cipher + BYTES_MAX, len - BYTES_MAX, raw + RAW_DIGEST);
	return base64_encode(raw, RAW_MAX, out);
}

int nokey_decode(const char *name, size_t len, struct nokey_name *ret)
{
	uint8_t raw[RAW_MAX];
	size_t raw_len = base64_decode(name, len, raw);

	/* At least one byte of ciphertext, and a digest whole or not at all. */
	if (raw_len <= RAW_BYTES || (raw_len > RAW_DIGEST && raw_len != RAW_MAX))
		return -ENOENT;
	*ret = (struct nokey_name){
		.hash = le32_get(raw + RAW_HASH),
		.minor_hash = le32_get(raw + RAW_MINOR_HASH),
		.len = raw_len == RAW_MAX ? BYTES_MAX : raw_len - RAW_BYTES,
		.has_digest = raw_len == RAW_MAX,
	};
	memcpy(ret->bytes, raw + RAW_BYTES, ret->len);
	if (ret->has_digest)
		memcpy(ret->digest, raw + RAW_DIGEST, DIGEST_SIZE);
	return 0;
}

bool nokey_match(const struct nokey_name *nokey, const uint8_t *cipher, size_t len)
{
	uint8_t digest[DIGEST_SIZE];

	if (!nokey->has_digest)
		return len == nokey->len && !memcmp(cipher, nokey->bytes, len);
	if (len <= BYTES_MAX || memcmp(cipher, nokey->bytes, BYTES_MAX) != 0)
		return false;
	sha256(cipher + BYTES_MAX, len - BYTES_MAX, digest);
	return !memcmp(digest, nokey->digest, DIGEST_SIZE);
}
