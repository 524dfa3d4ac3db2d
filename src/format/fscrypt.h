/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fscrypt's context, the attribute that says how an inode is encrypted (struct fscrypt_context_v1 and
 * _v2 in the kernel's fs/crypto/fscrypt_private.h), and which combinations the kernel allows.
 */
#ifndef EXT4D_FORMAT_FSCRYPT_H
#define EXT4D_FORMAT_FSCRYPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

#define FSCRYPT_NONCE 16	/* bytes; random, of each inode */
#define FSCRYPT_DESCRIPTOR 8	/* bytes that name a key in version 1: whoever made it chose them */
#define FSCRYPT_IDENTIFIER 16	/* bytes that name a key in version 2: derived from it */
#define FSCRYPT_CONTEXT_MAX 40	/* bytes of a context */

#define FSCRYPT_UNIT_BITS_MIN 9 /* the smallest data unit is a sector */

/* How contents or names are encrypted; the numbers are the disk's. */
enum fscrypt_mode {
	FSCRYPT_AES_256_XTS = 1,
	FSCRYPT_AES_256_CTS = 4,
	FSCRYPT_AES_128_CBC = 5, /* with ESSIV */
	FSCRYPT_AES_128_CTS = 6,
	FSCRYPT_ADIANTUM = 9,
	FSCRYPT_AES_256_HCTR2 = 10,
	FSCRYPT_MODE_NR
};

enum fscrypt_flags {
	FSCRYPT_PAD_MASK = 0x03, /* names are padded to a multiple of 4 << this */
	FSCRYPT_DIRECT_KEY = 0x04, /* one key for all, the nonce is in the IV */
	FSCRYPT_IV_INO_LBLK_64 = 0x08, /* one key for all, the inode's number is in the IV */
	FSCRYPT_IV_INO_LBLK_32 = 0x10, /* the same in 32 bits: the IV is their sum */
};
#define FSCRYPT_KEY_FLAGS (FSCRYPT_DIRECT_KEY | FSCRYPT_IV_INO_LBLK_64 | FSCRYPT_IV_INO_LBLK_32)

/* The name of a master key: its descriptor (version 1) or identifier (version 2). */
struct fscrypt_key_name {
	uint8_t version; /* 1 or 2, as that of contexts */
	uint8_t bytes[FSCRYPT_IDENTIFIER]; /* the rest zeros */
};

struct fscrypt_context {
	struct fscrypt_key_name key;
	uint8_t contents_mode, names_mode; /* enum fscrypt_mode, if it is one */
	uint8_t flags;
	uint8_t unit_bits; /* log2 of a data unit in bytes; 0: a block */
	uint8_t nonce[FSCRYPT_NONCE];
};

/* -EINVAL: an unknown version, another length than it has, or reserved bytes that are not zero. */
int fscrypt_decode(const void *raw, size_t len, struct fscrypt_context *ret) MUST_CHECK;

/* Returns the length, FSCRYPT_CONTEXT_MAX at most. */
size_t fscrypt_encode(const struct fscrypt_context *context, uint8_t ret[FSCRYPT_CONTEXT_MAX]);

/* What a policy's being allowed depends on besides itself (fscrypt_supported_policy()). */
struct fscrypt_limits {
	unsigned block_bits;
	unsigned file_bits; /* of the largest file's last byte */
	bool stable_inodes; /* numbers never change */
	bool casefold;	    /* the inode is a directory that takes names without regard to case */
};

/* Whether the kernel would use it. */
bool fscrypt_is_supported(
	const struct fscrypt_context *context, const struct fscrypt_limits *limits) MUST_CHECK;

#endif
