/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The master keys that a filesystem has been given. Any thread, any time. */
#ifndef EXT4D_CRYPT_KEYRING_H
#define EXT4D_CRYPT_KEYRING_H

#include "crypt/masterkey.h"

struct keyring;

#define KEYRING_MAX 1000 /* keys: who may add some cannot have all our memory */

int keyring_new(const uint8_t uuid[MASTERKEY_UUID], struct keyring **ret) MUST_CHECK;

/* Wipes the keys; no key that comes from one may be in use. NULL is allowed. */
void keyring_free(struct keyring *keyring);

/*
 * Adds a key. name->version 1: name->bytes is the descriptor; 2: becomes the identifier. One that is there
 * already stays as it is. -EINVAL, -ENOMEM, -EDQUOT there are KEYRING_MAX; -EEXIST one of version 1 with other bytes
 * is there, which has been in use and cannot be exchanged. Takes LOCK_RANK_LEAF.
 */
int keyring_add(struct keyring *keyring, struct fscrypt_key_name *name, const uint8_t *raw,
	size_t size) MUST_CHECK;

/* Whether no key has been added yet. Takes nothing. */
bool keyring_is_empty(const struct keyring *keyring);

/* NULL: it is not there. Valid until keyring_free(). Takes LOCK_RANK_LEAF. */
struct masterkey *keyring_find(struct keyring *keyring, const struct fscrypt_key_name *name);

#endif
