// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "testkey.h"

/* Of version 1; chosen by mkencrypted.c. */
static const uint8_t descriptor[FSCRYPT_DESCRIPTOR] = { 0xe4, 0xd0, 1, 2, 3, 4, 5, 6 };

int testkey_add(struct fs *fs, uint8_t version, struct fscrypt_key_name *ret)
{
	uint8_t raw[64];

	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)i;
	*ret = (struct fscrypt_key_name){ .version = version };
	for (size_t i = 0; version == 1 && i < sizeof(descriptor); i++)
		ret->bytes[i] = descriptor[i];
	return fs_add_key(fs, ret, raw, sizeof(raw));
}

int testkey_add_all(struct fs *fs)
{
	struct fscrypt_key_name name;
	int err = testkey_add(fs, 1, &name);

	return err ? err : testkey_add(fs, 2, &name);
}
