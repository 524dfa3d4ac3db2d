// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mkencrypted [-1] DIR: gives the filesystem that holds DIR a fixed test key and puts the empty
 * directory DIR under an fscrypt policy with it: version 2, or with -1 version 1. Prints what the
 * policy calls the key, in hexadecimal. Run again on a later mount, it unlocks DIR.
 *
 * The kernel's own view of such a directory with and without the key is what the image tests
 * compare with, so this uses nothing of the project. Needs root and a filesystem with `encrypt`.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fscrypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define KEY_SIZE 64 /* what AES-256-XTS wants of a version 1 key */

static const __u8 descriptor[FSCRYPT_KEY_DESCRIPTOR_SIZE] = { 0xe4, 0xd0, 1, 2, 3, 4, 5, 6 };

/*
 * The key is the bytes 0 to 63. For version 2 the kernel derives the identifier from it, for
 * version 1 the descriptor is ours to choose.
 */
static int add_key(int fd, int version, struct fscrypt_key_specifier *ret)
{
	struct fscrypt_add_key_arg *arg;
	int i, err;

	arg = calloc(1, sizeof(*arg) + KEY_SIZE);
	if (!arg)
		return -ENOMEM;
	arg->raw_size = KEY_SIZE;
	for (i = 0; i < KEY_SIZE; i++)
		arg->raw[i] = (__u8)i;
	arg->key_spec.type = FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER;
	if (version == 1) {
		arg->key_spec.type = FSCRYPT_KEY_SPEC_TYPE_DESCRIPTOR;
		memcpy(arg->key_spec.u.descriptor, descriptor, sizeof(descriptor));
	}
	err = ioctl(fd, FS_IOC_ADD_ENCRYPTION_KEY, arg) ? -errno : 0;
	*ret = arg->key_spec;
	free(arg);
	return err;
}

static int set_policy_v1(int fd, const struct fscrypt_key_specifier *key)
{
	struct fscrypt_policy_v1 policy = {
		.version = FSCRYPT_POLICY_V1,
		.contents_encryption_mode = FSCRYPT_MODE_AES_256_XTS,
		.filenames_encryption_mode = FSCRYPT_MODE_AES_256_CTS,
		.flags = FSCRYPT_POLICY_FLAGS_PAD_32,
	};

	memcpy(policy.master_key_descriptor, key->u.descriptor, FSCRYPT_KEY_DESCRIPTOR_SIZE);
	return ioctl(fd, FS_IOC_SET_ENCRYPTION_POLICY, &policy) ? -errno : 0;
}

static int set_policy_v2(int fd, const struct fscrypt_key_specifier *key)
{
	struct fscrypt_policy_v2 policy = {
		.version = FSCRYPT_POLICY_V2,
		.contents_encryption_mode = FSCRYPT_MODE_AES_256_XTS,
		.filenames_encryption_mode = FSCRYPT_MODE_AES_256_CTS,
		.flags = FSCRYPT_POLICY_FLAGS_PAD_32,
	};

	memcpy(policy.master_key_identifier, key->u.identifier, FSCRYPT_KEY_IDENTIFIER_SIZE);
	return ioctl(fd, FS_IOC_SET_ENCRYPTION_POLICY, &policy) ? -errno : 0;
}

static void print_key(int version, const struct fscrypt_key_specifier *key)
{
	const __u8 *name = version == 1 ? key->u.descriptor : key->u.identifier;
	int i, len = version == 1 ? FSCRYPT_KEY_DESCRIPTOR_SIZE : FSCRYPT_KEY_IDENTIFIER_SIZE;

	for (i = 0; i < len; i++)
		printf("%02x", name[i]);
	printf("\n");
}

static int fail(const char *what, int err)
{
	fprintf(stderr, "mkencrypted: %s: %s\n", what, strerror(-err));
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	int version = argc == 3 && !strcmp(argv[1], "-1") ? 1 : 2;
	struct fscrypt_key_specifier key;
	int fd, err;

	if (argc != (version == 1 ? 3 : 2)) {
		fprintf(stderr, "usage: mkencrypted [-1] DIR\n");
		return EXIT_FAILURE;
	}
	fd = open(argv[argc - 1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(argv[argc - 1], -errno);
	err = add_key(fd, version, &key);
	if (err)
		return fail("cannot add the key", err);
	err = version == 1 ? set_policy_v1(fd, &key) : set_policy_v2(fd, &key);
	if (err)
		return fail("cannot set the policy", err);
	print_key(version, &key);
	close(fd);
	return EXIT_SUCCESS;
}
