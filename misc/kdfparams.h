/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a raw key comes from a passphrase: scrypt (RFC 7914) with the salt and the costs that a small text file
 * keeps, beside the name of the key that comes out. Lines of a word and a value; '#' begins a comment:
 *
 *   version 1		of this format
 *   kdf scrypt
 *   salt HEX		8 to 64 bytes
 *   n, r, p NUMBER	costs: n is a power of two, 128 * n * r bytes of memory are needed
 *   key HEX		the identifier of what comes out, by which a wrong passphrase is noticed
 *   descriptor HEX	the name of the key, if it is for policies of version 1
 */
#ifndef EXT4D_MISC_KDFPARAMS_H
#define EXT4D_MISC_KDFPARAMS_H

#include "crypt/masterkey.h"

#define KDFPARAMS_SALT_MIN 8
#define KDFPARAMS_SALT_MAX 64

struct kdfparams {
	uint8_t salt[KDFPARAMS_SALT_MAX];
	size_t salt_len;
	uint64_t n;
	uint32_t r, p;
	bool has_descriptor;
	uint8_t identifier[FSCRYPT_IDENTIFIER]; /* zeros, if the params are new */
	uint8_t descriptor[FSCRYPT_DESCRIPTOR];
};

/* Reads and checks the file. An exit status. */
int kdfparams_read(const char *path, struct kdfparams *ret) MUST_CHECK;

/* With a fresh salt, for a file that is not there; nothing is written yet. An exit status. */
int kdfparams_make(const char *path, struct kdfparams *ret) MUST_CHECK;

/* Writes a file that must not be there yet; it is on disk on return. An exit status. */
int kdfparams_write(const char *path, const struct kdfparams *params) MUST_CHECK;

/* The key of a passphrase. An exit status. */
int kdfparams_derive(const struct kdfparams *params, const char *secret, size_t len,
	uint8_t ret[MASTERKEY_MAX]) MUST_CHECK;

#endif
