/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys that a user has put into the kernel's keyrings for a server to find. The kernel gives the payload of
 * "fscrypt-provisioning" and "logon" keys to nobody, so it is one of the type "user", with the raw key as payload,
 * called "ext4d:" and the key's identifier or descriptor in hexadecimal. Any thread.
 */
#ifndef EXT4D_CRYPT_PROVISIONED_H
#define EXT4D_CRYPT_PROVISIONED_H

#include "crypt/masterkey.h"

#define PROVISIONED_TYPE "user"
#define PROVISIONED_PREFIX "ext4d:"
#define PROVISIONED_NAME (sizeof(PROVISIONED_PREFIX) + 2 * FSCRYPT_IDENTIFIER) /* bytes, with the NUL */

/* A key's name in hexadecimal digits, of which a descriptor has 16 and an identifier 32. */
void provisioned_digits(const struct fscrypt_key_name *name, char ret[2 * FSCRYPT_IDENTIFIER + 1]);

/* What it is called in a keyring. */
void provisioned_name(const struct fscrypt_key_name *name, char ret[PROVISIONED_NAME]);

/*
 * Looks for it in the calling process's session keyring, then in its user's. -ENOKEY: there is none that it may
 * read and that its user owns, or it is not the key that it is called after. One of version 1, which nothing tells from
 * another, must be one that nobody may write. The caller wipes raw,
 * and the process dumps no core any more (secret_guard_process()).
 */
int provisioned_find(const struct fscrypt_key_name *name, uint8_t raw[MASTERKEY_MAX],
	size_t *ret_size) MUST_CHECK;

/*
 * Whether the key with that serial, of that name, is one that the above would take: 0, -EACCES, or an error of
 * kernelkeys_describe().
 */
int provisioned_check_owner(const struct fscrypt_key_name *name, int32_t serial) MUST_CHECK;

/*
 * The key with that serial, for user uid, whose key it must be; may_all: or, of version 2, anybody's. One of version 1
 * must be one that nobody may write, as above. Of name, version counts, and
 * for version 1 the descriptor; the identifier is filled in. -ENOKEY, -EKEYEXPIRED, -EKEYREVOKED, -EACCES;
 * -EKEYREJECTED: it is not the key that it is called after, or for who may_all something else has this serial. The caller wipes raw.
 */
int provisioned_read(int32_t serial, uint32_t uid, bool may_all, struct fscrypt_key_name *name,
	uint8_t raw[MASTERKEY_MAX], size_t *ret_size) MUST_CHECK;

#endif
