// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "keyrings.h"

#include <errno.h>
#include <linux/fscrypt.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>

#include "crypt/provisioned.h"
#include "ext4ctl.h"
#include "util/secret.h"

/* The kernel's names, of keys that it gives back to nobody. */
#define TYPE_PROVISIONING "fscrypt-provisioning"
#define TYPE_LOGON "logon"
#define PREFIX_EXT4 "ext4:"

#define LIST_MAX 1024 /* keys that are looked at in a keyring */

/*
 * include/linux/keyctl.h has these for the kernel alone: for who possesses the key, and no bit for its user, its group
 * and others. Not to be written: another payload would be another key.
 */
#define POSSESSOR_VIEW 0x01000000
#define POSSESSOR_READ 0x02000000
#define POSSESSOR_SEARCH 0x08000000
#define POSSESSOR_LINK 0x10000000
#define POSSESSOR_SETATTR 0x20000000
#define SERVER_PERM \
	(POSSESSOR_VIEW | POSSESSOR_READ | POSSESSOR_SEARCH | POSSESSOR_LINK | POSSESSOR_SETATTR)

struct payload {
	union {
		struct fscrypt_provisioning_key_payload provisioning;
		struct fscrypt_key logon;
		uint8_t bytes[sizeof(struct fscrypt_provisioning_key_payload) + MASTERKEY_MAX];
	};
};

static const char *ring_name(enum kernelkeys_ring ring)
{
	return ring == KERNELKEYS_SESSION ? "session" : "user";
}

static const char *explain(int err)
{
	switch (err) {
	case -ENODEV:
		return "the kernel knows no such keys";
	case -EDQUOT:
		return "too many keys of this user";
	case -ENOSYS:
		return "the kernel has no keyrings";
	default:
		return strerror(-err);
	}
}

/* ---- adding ---- */

/* One key, complete but in no keyring that others see. perm: 0, as the kernel makes it. */
static int make(const struct keyrings_how *how, const char *type, const char *description,
	const void *payload, size_t len, uint32_t perm, int32_t *ret)
{
	int err = kernelkeys_add(type, description, payload, len, ret);

	if (!err && perm)
		err = kernelkeys_set_perm(*ret, perm);
	if (!err && how->timeout)
		err = kernelkeys_set_timeout(*ret, how->timeout);
	return err;
}

static int publish(const struct keyrings_how *how, const char *type, const char *description,
	int32_t serial)
{
	int err = kernelkeys_link(serial, how->ring);

	if (!err && how->show)
		printf("%s %d %s %s\n", ring_name(how->ring), serial, type, description);
	return err;
}

static int add(const struct keyrings_how *how, const char *type, const char *description,
	const void *payload, size_t len, uint32_t perm, int32_t *ret)
{
	int err = make(how, type, description, payload, len, perm, ret);

	return err ? err : publish(how, type, description, *ret);
}

/* Version 2: the kernel's filesystems take it by its serial. */
static int add_provisioning(const struct keyrings_how *how, const struct keysource_key *key,
	struct payload *payload, int32_t *ret)
{
	char digits[2 * FSCRYPT_IDENTIFIER + 1];

	provisioned_digits(&key->name, digits);
	payload->provisioning.type = FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER;
	memcpy(payload->provisioning.raw, key->raw, key->size);
	return add(how, TYPE_PROVISIONING, digits, payload->bytes,
		sizeof(payload->provisioning) + key->size, 0, ret);
}

/* Version 1: they look for it by its name, of which older ones know the first only. */
static int add_logon(
	const struct keyrings_how *how, const struct keysource_key *key, struct payload *payload)
{
	static const char *const prefixes[] = { PREFIX_EXT4, FSCRYPT_KEY_DESC_PREFIX };
	char digits[2 * FSCRYPT_IDENTIFIER + 1], description[KERNELKEYS_TEXT];
	int32_t serial;
	int err = 0;

	provisioned_digits(&key->name, digits);
	payload->logon.size = (uint32_t)key->size;
	memcpy(payload->logon.raw, key->raw, key->size);
	for (size_t i = 0; !err && i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		snprintf(description, sizeof(description), "%s%s", prefixes[i], digits);
		err = add(how, TYPE_LOGON, description, &payload->logon, sizeof(payload->logon), 0,
			&serial);
	}
	return err;
}

static int add_for_server(const struct keyrings_how *how, const struct keysource_key *key)
{
	char description[PROVISIONED_NAME];
	int32_t serial;

	provisioned_name(&key->name, description);
	return add(how, PROVISIONED_TYPE, description, key->raw, key->size, SERVER_PERM, &serial);
}

int keyrings_add(const struct keyrings_how *how, const struct keysource_key *key,
	int32_t *ret_serial)
{
	struct payload *payload = secret_new(sizeof(*payload), NULL);
	int err = payload ? 0 : -ENOMEM;

	*ret_serial = 0;
	if (!err)
		err = key->name.version == 2 ? add_provisioning(how, key, payload, ret_serial) :
					       add_logon(how, key, payload);
	secret_free(payload, sizeof(*payload));
	/* a kernel without encryption of its own can still keep keys for a server */
	if (err == -ENODEV && how->server)
		err = 0;
	if (!err && how->server)
		err = add_for_server(how, key);
	return err ? complain(EXIT_FAILURE, "the %s keyring: %s", ring_name(how->ring), explain(err)) :
		     0;
}

int keyrings_find(const struct fscrypt_key_name *name, bool for_kernel, int32_t *ret_serial)
{
	char digits[2 * FSCRYPT_IDENTIFIER + 1], description[PROVISIONED_NAME];
	int err = -ENOKEY;

	provisioned_digits(name, digits);
	provisioned_name(name, description);
	for (int ring = 0; err && ring < KERNELKEYS_RINGS; ring++)
		err = kernelkeys_take((enum kernelkeys_ring)ring,
			for_kernel ? TYPE_PROVISIONING : PROVISIONED_TYPE,
			for_kernel ? digits : description, ret_serial);
	return err ? complain(EXIT_FAILURE, "no such key in the keyrings: key %s",
			     for_kernel ? digits : description) :
		     0;
}

/* ---- listing ---- */

static bool is_of_us(const struct kernelkeys_about *about)
{
	static const struct {
		const char *type, *prefix;
	} kinds[] = {
		{ TYPE_PROVISIONING, "" },
		{ TYPE_LOGON, PREFIX_EXT4 },
		{ TYPE_LOGON, FSCRYPT_KEY_DESC_PREFIX },
		{ PROVISIONED_TYPE, PROVISIONED_PREFIX },
	};
	__u8 name[EXT4D_KEY_NAME];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t len = strlen(kinds[i].prefix);

		if (strcmp(about->type, kinds[i].type) == 0 &&
			strncmp(about->description, kinds[i].prefix, len) == 0 &&
			parse_name(about->description + len, name))
			return true;
	}
	return false;
}

static int list_ring(enum kernelkeys_ring ring)
{
	int32_t serials[LIST_MAX];
	ssize_t nr = kernelkeys_list(ring, serials, LIST_MAX);

	if (nr < 0)
		return complain(EXIT_FAILURE, "the %s keyring: %s", ring_name(ring), explain((int)nr));
	for (ssize_t i = 0; i < nr && i < LIST_MAX; i++) {
		struct kernelkeys_about about;

		/* one that has gone meanwhile, or is not for us, is not listed */
		if (!kernelkeys_describe(serials[i], &about) && is_of_us(&about))
			printf("%s %d %s %s\n", ring_name(ring), serials[i], about.type,
				about.description);
	}
	return 0;
}

int keyrings_list(int argc, char **argv)
{
	int status = 0;

	(void)argv;
	if (argc != 1)
		return usage("key list takes no arguments");
	for (int ring = 0; !status && ring < KERNELKEYS_RINGS; ring++)
		status = list_ring((enum kernelkeys_ring)ring);
	return status;
}
