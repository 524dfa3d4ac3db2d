/* SPDX-License-Identifier: GPL-2.0-or-later */
/* AES in the modes that fscrypt uses, through libcrypto. */
#ifndef EXT4D_CRYPT_AES_H
#define EXT4D_CRYPT_AES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

#define AES_BLOCK 16	/* bytes; of an IV too */
#define AES_128_KEY 16
#define AES_256_KEY 32
#define AES_256_XTS_KEY 64

enum aes_mode {
	AES_128_ECB,
	AES_256_ECB,
	AES_128_CBC,
	AES_128_CTS, /* ciphertext stealing as the kernel's cts(cbc(aes)): CS3, but one block is CBC */
	AES_256_CTS,
	AES_256_XTS,
};

/* A key, expanded for both directions. For one thread at a time. */
struct aes;

/* key: as many bytes as the mode wants. -EINVAL a key that libcrypto refuses, -ENOMEM. */
int aes_new(enum aes_mode mode, const uint8_t *key, struct aes **ret) MUST_CHECK;

/* Wipes it. NULL is allowed. */
void aes_free(struct aes *aes);

/*
 * One message; iv is AES_BLOCK bytes, NULL for ECB. src and dst are the same or apart. len: whole
 * blocks for ECB and CBC, at least one for the others. -EIO if libcrypto fails.
 */
int aes_crypt(struct aes *aes, bool encrypt, const uint8_t *iv, const uint8_t *src, uint8_t *dst,
	size_t len) MUST_CHECK;

#endif
