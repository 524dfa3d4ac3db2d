// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "format/fscrypt.h"

#include <errno.h>
#include <string.h>

/* Both versions. */
#define AT_VERSION 0
#define AT_CONTENTS 1
#define AT_NAMES 2
#define AT_FLAGS 3

#define V1_KEY 4
#define V1_NONCE (V1_KEY + FSCRYPT_DESCRIPTOR)
#define V1_SIZE (V1_NONCE + FSCRYPT_NONCE)

#define V2_UNIT_BITS 4
#define V2_RESERVED 5
#define V2_KEY 8
#define V2_NONCE (V2_KEY + FSCRYPT_IDENTIFIER)
#define V2_SIZE (V2_NONCE + FSCRYPT_NONCE)

_Static_assert(V1_SIZE == 28, "struct fscrypt_context_v1");
_Static_assert(V2_SIZE == 40 && V2_SIZE == FSCRYPT_CONTEXT_MAX, "struct fscrypt_context_v2");

/* Data units of IV_INO_LBLK_* are counted in so many bits. */
#define LBLK_BITS 32

int fscrypt_decode(const void *raw, size_t len, struct fscrypt_context *ret)
{
	static const uint8_t reserved[V2_KEY - V2_RESERVED];
	const uint8_t *p = raw;

	if (len < V1_SIZE || !(p[AT_VERSION] == 1 || p[AT_VERSION] == 2) ||
		len != (p[AT_VERSION] == 1 ? V1_SIZE : V2_SIZE))
		return -EINVAL;
	*ret = (struct fscrypt_context){
		.key.version = p[AT_VERSION],
		.contents_mode = p[AT_CONTENTS],
		.names_mode = p[AT_NAMES],
		.flags = p[AT_FLAGS],
	};
	if (ret->key.version == 1) {
		memcpy(ret->key.bytes, p + V1_KEY, FSCRYPT_DESCRIPTOR);
		memcpy(ret->nonce, p + V1_NONCE, FSCRYPT_NONCE);
		return 0;
	}
	if (memcmp(p + V2_RESERVED, reserved, sizeof(reserved)) != 0)
		return -EINVAL;
	ret->unit_bits = p[V2_UNIT_BITS];
	memcpy(ret->key.bytes, p + V2_KEY, FSCRYPT_IDENTIFIER);
	memcpy(ret->nonce, p + V2_NONCE, FSCRYPT_NONCE);
	return 0;
}

size_t fscrypt_encode(const struct fscrypt_context *context, uint8_t ret[FSCRYPT_CONTEXT_MAX])
{
	memset(ret, 0, FSCRYPT_CONTEXT_MAX);
	ret[AT_VERSION] = context->key.version;
	ret[AT_CONTENTS] = context->contents_mode;
	ret[AT_NAMES] = context->names_mode;
	ret[AT_FLAGS] = context->flags;
	if (context->key.version == 1) {
		memcpy(ret + V1_KEY, context->key.bytes, FSCRYPT_DESCRIPTOR);
		memcpy(ret + V1_NONCE, context->nonce, FSCRYPT_NONCE);
		return V1_SIZE;
	}
	ret[V2_UNIT_BITS] = context->unit_bits;
	memcpy(ret + V2_KEY, context->key.bytes, FSCRYPT_IDENTIFIER);
	memcpy(ret + V2_NONCE, context->nonce, FSCRYPT_NONCE);
	return V2_SIZE;
}

static bool modes_fit(unsigned version, unsigned contents, unsigned names)
{
	switch (contents) {
	case FSCRYPT_AES_256_XTS:
		return names == FSCRYPT_AES_256_CTS ||
			(names == FSCRYPT_AES_256_HCTR2 && version > 1);
	case FSCRYPT_AES_128_CBC:
		return names == FSCRYPT_AES_128_CTS;
	case FSCRYPT_ADIANTUM:
		return names == FSCRYPT_ADIANTUM;
	default:
		return false;
	}
}

static bool unit_fits(const struct fscrypt_context *context, const struct fscrypt_limits *limits)
{
	unsigned bits = context->unit_bits;

	if (!bits || bits == limits->block_bits)
		return true;
	/* the sum of IV_INO_LBLK_32 may wrap between blocks, not inside one */
	return bits >= FSCRYPT_UNIT_BITS_MIN && bits < limits->block_bits &&
		!(context->flags & FSCRYPT_IV_INO_LBLK_32);
}

static bool flags_fit(const struct fscrypt_context *context, const struct fscrypt_limits *limits)
{
	unsigned unit_bits = context->unit_bits ? context->unit_bits : limits->block_bits;

	switch (context->flags & ~FSCRYPT_PAD_MASK) {
	case 0:
		return true;
	case FSCRYPT_DIRECT_KEY: /* both modes the same, with room for a nonce in the IV */
		return context->contents_mode == context->names_mode;
	case FSCRYPT_IV_INO_LBLK_64:
	case FSCRYPT_IV_INO_LBLK_32:
		return context->key.version > 1 && limits->stable_inodes &&
			context->contents_mode == FSCRYPT_AES_256_XTS &&
			limits->file_bits <= LBLK_BITS + unit_bits;
	default:
		return false;
	}
}

bool fscrypt_is_supported(const struct fscrypt_context *context, const struct fscrypt_limits *limits)
{
	if (!modes_fit(context->key.version, context->contents_mode, context->names_mode))
		return false;
	if (context->key.version == 1 && limits->casefold)
		return false;
	return unit_fits(context, limits) && flags_fit(context, limits);
}
