// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mkencrypted [OPTION...] DIR: gives the filesystem that holds DIR a fixed test key and puts the empty
 * directory DIR under an fscrypt policy with it. Prints what the policy calls the key, in hexadecimal.
 * Run again on a later mount, it unlocks DIR.
 *
 *   -1		version 1 of policies, not 2
 *   -k		only the key, for both versions; DIR is any directory, and nothing is printed
 *   -c MODE	contents (FSCRYPT_MODE_*, a number), 1: AES-256-XTS
 *   -n MODE	names, 4: AES-256-CTS
 *   -f FLAGS	FSCRYPT_POLICY_FLAGS_*, 3: padding to 32
 *   -u BITS	log2 of a data unit's size, 0: a block
 *
 * The kernel's own view of such a directory with and without the key is what the image tests
 * compare with, so this uses nothing of the project. Needs root and a filesystem with `encrypt`.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fscrypt.h>
#include <stdbool.h>
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

struct options {
	int version;
	bool key_only;
	__u8 contents, names, flags, unit_bits;
};

static int set_policy_v1(
	int fd, const struct options *opts, const struct fscrypt_key_specifier *key)
{
	struct fscrypt_policy_v1 policy = {
		.version = FSCRYPT_POLICY_V1,
		.contents_encryption_mode = opts->contents,
		.filenames_encryption_mode = opts->names,
		.flags = opts->flags,
	};

	memcpy(policy.master_key_descriptor, key->u.descriptor, FSCRYPT_KEY_DESCRIPTOR_SIZE);
	return ioctl(fd, FS_IOC_SET_ENCRYPTION_POLICY, &policy) ? -errno : 0;
}

static int set_policy_v2(
	int fd, const struct options *opts, const struct fscrypt_key_specifier *key)
{
	struct fscrypt_policy_v2 policy = {
		.version = FSCRYPT_POLICY_V2,
		.contents_encryption_mode = opts->contents,
		.filenames_encryption_mode = opts->names,
		.flags = opts->flags,
	};

	/* log2_data_unit_size, a reserved byte in older headers */
	((__u8 *)&policy)[4] = opts->unit_bits;

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

static bool parse(int argc, char **argv, struct options *ret)
{
	int c;

	*ret = (struct options){ .version = 2, .contents = FSCRYPT_MODE_AES_256_XTS,
		.names = FSCRYPT_MODE_AES_256_CTS, .flags = FSCRYPT_POLICY_FLAGS_PAD_32 };
	while ((c = getopt(argc, argv, "1kc:n:f:u:")) != -1) {
		__u8 number = optarg ? (__u8)strtoul(optarg, NULL, 0) : 0;

		switch (c) {
		case '1':
			ret->version = 1;
			break;
		case 'k':
			ret->key_only = true;
			break;
		case 'c':
			ret->contents = number;
			break;
		case 'n':
			ret->names = number;
			break;
		case 'f':
			ret->flags = number;
			break;
		case 'u':
			ret->unit_bits = number;
			break;
		default:
			return false;
		}
	}
	return optind == argc - 1;
}

int main(int argc, char **argv)
{
	struct fscrypt_key_specifier key;
	struct options opts;
	int fd, err;

	if (!parse(argc, argv, &opts)) {
		fprintf(stderr, "usage: mkencrypted [-1] [-k] [-c MODE] [-n MODE] [-f FLAGS] [-u BITS] DIR\n");
		return EXIT_FAILURE;
	}
	fd = open(argv[optind], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(argv[optind], -errno);
	if (opts.key_only) {
		err = add_key(fd, 1, &key);
		if (!err)
			err = add_key(fd, 2, &key);
		return err ? fail("cannot add the key", err) : EXIT_SUCCESS;
	}
	err = add_key(fd, opts.version, &key);
	if (err)
		return fail("cannot add the key", err);
	err = opts.version == 1 ? set_policy_v1(fd, &opts, &key) : set_policy_v2(fd, &opts, &key);
	if (err)
		return fail("cannot set the policy", err);
	print_key(opts.version, &key);
	close(fd);
	return EXIT_SUCCESS;
}
