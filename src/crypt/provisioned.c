// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "crypt/provisioned.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util/kernelkeys.h"
#include "util/secret.h"

void provisioned_digits(const struct fscrypt_key_name *name, char ret[2 * FSCRYPT_IDENTIFIER + 1])
{
	size_t len = name->version == 1 ? FSCRYPT_DESCRIPTOR : FSCRYPT_IDENTIFIER;

	for (size_t i = 0; i < len; i++)
		snprintf(ret + 2 * i, 3, "%02x", name->bytes[i]);
}

void provisioned_name(const struct fscrypt_key_name *name, char ret[PROVISIONED_NAME])
{
	memcpy(ret, PROVISIONED_PREFIX, sizeof(PROVISIONED_PREFIX));
	provisioned_digits(name, ret + strlen(PROVISIONED_PREFIX));
}

/* The payload of a key of ours. */
static int read_raw(int32_t serial, uint8_t raw[MASTERKEY_MAX], size_t *ret_size)
{
	ssize_t got;

	/* before it is in our memory */
	(void)secret_guard_process();
	got = kernelkeys_read(serial, raw, MASTERKEY_MAX);
	if (got < 0)
		return (int)got;
	if (got < MASTERKEY_MIN || got > MASTERKEY_MAX)
		return -EKEYREJECTED;
	*ret_size = (size_t)got;
	return 0;
}

/* Whether it is the key that it is called after; a descriptor says nothing about that. */
static int check_raw(const struct fscrypt_key_name *name, const uint8_t *raw, size_t size)
{
	uint8_t identifier[FSCRYPT_IDENTIFIER];
	int err;

	if (name->version == 1)
		return 0;
	err = masterkey_identify(raw, size, identifier);
	if (!err && CRYPTO_memcmp(identifier, name->bytes, sizeof(identifier)) != 0)
		err = -EKEYREJECTED;
	return err;
}

/* Only its permissions say that a key of version 1 is still the one that its owner made. */
static int check_kept(const struct fscrypt_key_name *name, const struct kernelkeys_about *about)
{
	return name->version == 1 && about->perm & KERNELKEYS_WRITE ? -EACCES : 0;
}

/*
 * A key of the calling user. A session's keyring leads to others' keys too, where it was inherited through su(1) or
 * by a service that gave up its uid, and to nothing that they may choose for us.
 */
int provisioned_check_owner(const struct fscrypt_key_name *name, int32_t serial)
{
	struct kernelkeys_about about;
	int err = kernelkeys_describe(serial, &about);

	if (!err && about.uid != geteuid())
		err = -EACCES;
	return err ? err : check_kept(name, &about);
}

int provisioned_find(const struct fscrypt_key_name *name, uint8_t raw[MASTERKEY_MAX],
	size_t *ret_size)
{
	char text[PROVISIONED_NAME];

	provisioned_name(name, text);
	for (int ring = 0; ring < KERNELKEYS_RINGS; ring++) {
		int32_t serial;
		int err = kernelkeys_find((enum kernelkeys_ring)ring, PROVISIONED_TYPE, text, &serial);

		if (!err)
			err = provisioned_check_owner(name, serial);
		if (!err)
			err = read_raw(serial, raw, ret_size);
		if (!err)
			err = check_raw(name, raw, *ret_size);
		if (!err)
			return 0;
	}
	return -ENOKEY;
}

int provisioned_read(int32_t serial, uint32_t uid, bool may_all, struct fscrypt_key_name *name,
	uint8_t raw[MASTERKEY_MAX], size_t *ret_size)
{
	char text[PROVISIONED_NAME];
	struct kernelkeys_about about;
	int err = kernelkeys_describe(serial, &about);

	if (err == -ENAMETOOLONG)
		return may_all ? -EKEYREJECTED : -EACCES;
	if (err)
		return err;
	/* nobody learns by us what a key of another user or of another kind is or says */
	if (about.uid != uid && (!may_all || name->version == 1))
		return -EACCES;
	if (strcmp(about.type, PROVISIONED_TYPE) != 0 ||
		strncmp(about.description, PROVISIONED_PREFIX, strlen(PROVISIONED_PREFIX)) != 0)
		return may_all ? -EKEYREJECTED : -EACCES;
	err = check_kept(name, &about);
	if (!err)
		err = read_raw(serial, raw, ret_size);
	if (!err && name->version == 2)
		err = masterkey_identify(raw, *ret_size, name->bytes);
	if (err)
		return err;
	provisioned_name(name, text);
	return strcmp(about.description, text) == 0 ? 0 : -EKEYREJECTED;
}
