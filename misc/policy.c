// SPDX-License-Identifier: GPL-2.0-or-later
/* ext4ctl policy: how directories are encrypted. */
#include "config.h"

#include <getopt.h>
#include <linux/fscrypt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <strings.h>

#include "ext4ctl.h"
#include "util/parse.h"

int policy_get(int argc, char **argv)
{
	struct ext4d_policy policy = { 0 };
	int status;

	if (argc != 2)
		return usage("policy get takes a path");
	status = call(argv[1], EXT4D_IOC_GET_POLICY, &policy);
	if (status)
		return status;
	printf("version %u\ncontents mode %u\nnames mode %u\nflags 0x%02x\n", policy.version,
		policy.contents_mode, policy.names_mode, policy.flags);
	if (policy.unit_bits)
		printf("data unit %u\n", 1u << (policy.unit_bits & 31));
	printf("key ");
	print_name(policy.version, policy.name);
	return 0;
}

/* ---- policy set ---- */

/* The names of the kernel's Documentation/filesystems/fscrypt.rst, the older ones too. */
static const struct {
	const char *name;
	__u8 mode;
	bool for_names; /* else for contents; Adiantum is for both */
} modes[] = {
	{ "AES-256-XTS", FSCRYPT_MODE_AES_256_XTS, false },
	{ "AES-128-CBC-ESSIV", FSCRYPT_MODE_AES_128_CBC, false },
	{ "AES-128-CBC", FSCRYPT_MODE_AES_128_CBC, false },
	{ "Adiantum", FSCRYPT_MODE_ADIANTUM, false },
	{ "AES-256-CBC-CTS", FSCRYPT_MODE_AES_256_CTS, true },
	{ "AES-256-CTS", FSCRYPT_MODE_AES_256_CTS, true },
	{ "AES-128-CBC-CTS", FSCRYPT_MODE_AES_128_CTS, true },
	{ "AES-128-CTS", FSCRYPT_MODE_AES_128_CTS, true },
	{ "AES-256-HCTR2", FSCRYPT_MODE_AES_256_HCTR2, true },
	{ "Adiantum", FSCRYPT_MODE_ADIANTUM, true },
};

static int set_mode(const char *name, bool for_names, __u8 *ret)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (modes[i].for_names == for_names && strcasecmp(name, modes[i].name) == 0) {
			*ret = modes[i].mode;
			return 0;
		}
	return usage(for_names ? "--names takes AES-256-CTS, AES-128-CTS, AES-256-HCTR2 or Adiantum" :
				 "--contents takes AES-256-XTS, AES-128-CBC or Adiantum");
}

/* log2 of a number of bytes that is a power of two from 1 << min on; -1: it is none. */
static int parse_bits(const char *text, unsigned min, unsigned max)
{
	uint64_t bytes;

	if (parse_number(text, (uint64_t)1 << max, &bytes) || bytes < (uint64_t)1 << min ||
		bytes & (bytes - 1))
		return -1;
	return __builtin_ctzll(bytes);
}

static int set_padding(const char *text, struct ext4d_policy *policy)
{
	int bits = parse_bits(text, 2, 5);

	if (bits < 0)
		return usage("--padding takes 4, 8, 16 or 32");
	policy->flags &= (__u8)~FSCRYPT_POLICY_FLAGS_PAD_MASK;
	policy->flags |= (__u8)(bits - 2);
	return 0;
}

static int set_unit(const char *text, struct ext4d_policy *policy)
{
	int bits = parse_bits(text, 9, 16);

	if (bits < 0)
		return usage("--data-unit takes a power of two, from 512 to the size of a block");
	policy->unit_bits = (__u8)bits;
	return 0;
}

enum { OPT_CONTENTS = 256, OPT_NAMES, OPT_PADDING, OPT_UNIT, OPT_DIRECT, OPT_LBLK_64, OPT_LBLK_32 };

static const struct option set_options[] = {
	{ "contents", required_argument, NULL, OPT_CONTENTS },
	{ "names", required_argument, NULL, OPT_NAMES },
	{ "padding", required_argument, NULL, OPT_PADDING },
	{ "data-unit", required_argument, NULL, OPT_UNIT },
	{ "direct-key", no_argument, NULL, OPT_DIRECT },
	{ "iv-ino-lblk-64", no_argument, NULL, OPT_LBLK_64 },
	{ "iv-ino-lblk-32", no_argument, NULL, OPT_LBLK_32 },
	{ NULL, 0, NULL, 0 },
};

static int set_option(struct ext4d_policy *policy, int c, const char *value)
{
	switch (c) {
	case OPT_CONTENTS:
		return set_mode(value, false, &policy->contents_mode);
	case OPT_NAMES:
		return set_mode(value, true, &policy->names_mode);
	case OPT_PADDING:
		return set_padding(value, policy);
	case OPT_UNIT:
		return set_unit(value, policy);
	case OPT_DIRECT:
		policy->flags |= FSCRYPT_POLICY_FLAG_DIRECT_KEY;
		return 0;
	case OPT_LBLK_64:
		policy->flags |= FSCRYPT_POLICY_FLAG_IV_INO_LBLK_64;
		return 0;
	case OPT_LBLK_32:
		policy->flags |= FSCRYPT_POLICY_FLAG_IV_INO_LBLK_32;
		return 0;
	default:
		return usage("policy set: unknown option, or one without its value");
	}
}

int policy_set(int argc, char **argv)
{
	struct ext4d_policy policy = {
		.contents_mode = FSCRYPT_MODE_AES_256_XTS,
		.names_mode = FSCRYPT_MODE_AES_256_CTS,
		.flags = FSCRYPT_POLICY_FLAGS_PAD_32,
	};
	int c, status = 0;

	while (!status && (c = getopt_long(argc, argv, "+", set_options, NULL)) != -1)
		status = set_option(&policy, c, optarg);
	if (status)
		return status;
	if (optind != argc - 2)
		return usage("policy set takes a directory and the identifier of a key");
	policy.version = (__u8)parse_name(argv[optind + 1], policy.name);
	if (!policy.version)
		return usage("an identifier is 32 hexadecimal digits, a descriptor 16");
	return call(argv[optind], EXT4D_IOC_SET_POLICY, &policy);
}
