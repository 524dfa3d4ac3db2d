// SPDX-License-Identifier: GPL-2.0-or-later
/* ext4ctl policy: how directories are encrypted. */
#include "config.h"

#include <linux/fscrypt.h>
#include <stdio.h>

#include "ext4ctl.h"
#include "fuse/ext4d_ioctl.h"

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

int policy_set(int argc, char **argv)
{
	struct ext4d_policy policy = {
		.contents_mode = FSCRYPT_MODE_AES_256_XTS,
		.names_mode = FSCRYPT_MODE_AES_256_CTS,
		.flags = FSCRYPT_POLICY_FLAGS_PAD_32,
	};

	if (argc != 3)
		return usage("policy set takes a directory and the identifier of a key");
	policy.version = (__u8)parse_name(argv[2], policy.name);
	if (!policy.version)
		return usage("an identifier is 32 hexadecimal digits, a descriptor 16");
	return call(argv[1], EXT4D_IOC_SET_POLICY, &policy);
}
