/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A key of one of fscrypt's modes, for any number of threads at once. A thread takes a worker, which
 * is the expanded key for one thread, for as many messages as it has, and gives it back.
 */
#ifndef EXT4D_CRYPT_CIPHER_H
#define EXT4D_CRYPT_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/fscrypt.h"

#define CIPHER_KEY_MAX 64 /* bytes */
#define CIPHER_IV 32	  /* bytes; modes with shorter ones take the first */

/* False for what we have no cipher for; -EOPNOTSUPP in what follows. */
bool cipher_is_known(unsigned mode);

/* Bytes of a known mode's key. */
size_t cipher_key_size(enum fscrypt_mode mode);

/*
 * Bytes that a master key of version 2 must have at least for the mode; for version 1 it is
 * cipher_key_size() (fscrypt_valid_master_key_size()).
 */
size_t cipher_strength(enum fscrypt_mode mode);

struct cipher;

/* The key is copied. -EOPNOTSUPP, -EINVAL a key that is too weak to be used, -ENOMEM. */
int cipher_new(unsigned mode, const uint8_t *key, struct cipher **ret) MUST_CHECK;

/* Wipes all of it; no worker may be out. NULL is allowed. */
void cipher_free(struct cipher *cipher);

struct cipher_worker;

/* -ENOMEM. Takes LOCK_RANK_LEAF for a moment. */
int cipher_get_worker(struct cipher *cipher, struct cipher_worker **ret) MUST_CHECK;
void cipher_put_worker(struct cipher *cipher, struct cipher_worker *worker);

/*
 * One message, which is at least 16 bytes (contents: whole 16s). src and dst are the same or apart.
 * -EIO: what libcrypto should never refuse.
 */
int cipher_crypt(struct cipher_worker *worker, bool encrypt, const uint8_t iv[CIPHER_IV],
	const uint8_t *src, uint8_t *dst, size_t len) MUST_CHECK;

#endif
