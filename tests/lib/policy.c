// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "policy.h"

#include "fs/cryptpolicy.h"
#include "testkey.h"

static const struct {
	uint8_t version, flags, unit_bits;
} policies[P_NR] = { [P_V2] = { 2, 3, 0 }, [P_V1] = { 1, 3, 0 }, [P_UNITS] = { 2, 2, 9 } };

int policy_set(struct inode *dir, unsigned policy)
{
	struct fscrypt_context context = {
		.contents_mode = FSCRYPT_AES_256_XTS, .names_mode = FSCRYPT_AES_256_CTS,
		.flags = policies[policy].flags, .unit_bits = policies[policy].unit_bits,
	};
	int err = testkey_add(dir->fs, policies[policy].version, &context.key);

	return err ? err : cryptpolicy_set(dir, &context, true);
}

unsigned policy_of(struct inode *inode)
{
	struct fscrypt_context have;
	unsigned policy;

	if (!(inode->d.flags & EXT4_ENCRYPT_FL))
		return P_NONE;
	if (cryptpolicy_get(inode, &have))
		return P_NR;
	for (policy = P_NONE + 1; policy < P_NR; policy++)
		if (have.key.version == policies[policy].version &&
			have.flags == policies[policy].flags &&
			have.unit_bits == policies[policy].unit_bits)
			break;
	return policy;
}
