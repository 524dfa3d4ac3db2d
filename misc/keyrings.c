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
	const void *payload, size_t len, uint32_t perm, struct keyrings_made *made)
{
	struct keyrings_key *key = &made->keys[made->nr];
	int err = kernelkeys_add(type, description, payload, len, &key->serial);

	if (!err && perm)
		err = kernelkeys_set_perm(key->serial, perm);
	if (!err && how->timeout)
		err = kernelkeys_set_timeout(key->serial, how->timeout);
	if (err)
		return err;
	key->type = type;
	snprintf(key->description, sizeof(key->description), "%s", description);
	made->nr++;
	return 0;
}

/* Version 2: the kernel's filesystems take it by its serial. */
static int make_provisioning(const struct keyrings_how *how, const struct keysource_key *key,
	struct payload *payload, struct keyrings_made *made)
{
	char digits[2 * FSCRYPT_IDENTIFIER + 1];
	int err;

	provisioned_digits(&key->name, digits);
	payload->provisioning.type = FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER;
	memcpy(payload->provisioning.raw, key->raw, key->size);
	err = make(how, TYPE_PROVISIONING, digits, payload->bytes,
		sizeof(payload->provisioning) + key->size, 0, made);
	if (!err)
		made->for_kernel = made->keys[0].serial;
	return err;
}

/* Version 1: they look for it by its name, of which older ones know the first only. */
static const char *const logon_prefixes[] = { PREFIX_EXT4, FSCRYPT_KEY_DESC_PREFIX };

#define LOGON_NR (sizeof(logon_prefixes) / sizeof(logon_prefixes[0]))

static void logon_name(const struct fscrypt_key_name *name, size_t i, char ret[KERNELKEYS_TEXT])
{
	char digits[2 * FSCRYPT_IDENTIFIER + 1];

	provisioned_digits(name, digits);
	snprintf(ret, KERNELKEYS_TEXT, "%s%s", logon_prefixes[i], digits);
}

static int make_logon(const struct keyrings_how *how, const struct keysource_key *key,
	struct payload *payload, struct keyrings_made *made)
{
	char description[KERNELKEYS_TEXT];
	int err = 0;

	payload->logon.size = (uint32_t)key->size;
	memcpy(payload->logon.raw, key->raw, key->size);
	for (size_t i = 0; !err && i < LOGON_NR; i++) {
		logon_name(&key->name, i, description);
		err = make(how, TYPE_LOGON, description, &payload->logon, sizeof(payload->logon), 0,
			made);
	}
	return err;
}

static int make_for_server(const struct keyrings_how *how, const struct keysource_key *key,
	struct keyrings_made *made)
{
	char description[PROVISIONED_NAME];

	provisioned_name(&key->name, description);
	return make(how, PROVISIONED_TYPE, description, key->raw, key->size, SERVER_PERM, made);
}

int keyrings_make(const struct keyrings_how *how, const struct keysource_key *key,
	struct keyrings_made *ret)
{
	struct payload *payload = secret_new(sizeof(*payload), NULL);
	int err = payload ? 0 : -ENOMEM;

	*ret = (struct keyrings_made){ 0 };
	if (!err)
		err = key->name.version == 2 ? make_provisioning(how, key, payload, ret) :
					       make_logon(how, key, payload, ret);
	secret_free(payload, sizeof(*payload));
	/* a kernel without encryption of its own can still keep keys for a server */
	if (err == -ENODEV && how->server && !how->kernel)
		err = 0;
	if (!err && how->server)
		err = make_for_server(how, key, ret);
	return err ? complain(EXIT_FAILURE, "the key for the %s keyring: %s", ring_name(how->ring),
			     explain(err)) :
		     0;
}

int keyrings_publish(const struct keyrings_how *how, const struct keyrings_made *made)
{
	unsigned nr = 0;
	int err = 0;

	while (!err && nr < made->nr) {
		err = kernelkeys_link(made->keys[nr].serial, how->ring);
		if (!err)
			nr++;
	}
	if (err) {
		while (nr > 0)
			kernelkeys_unlink(made->keys[--nr].serial, how->ring);
		return complain(EXIT_FAILURE, "the %s keyring: %s", ring_name(how->ring), explain(err));
	}
	for (unsigned i = 0; how->show && i < made->nr; i++)
		printf("%s %d %s %s\n", ring_name(how->ring), made->keys[i].serial, made->keys[i].type,
			made->keys[i].description);
	return 0;
}

/* ---- finding ---- */

/*
 * One of our own: a session's keyring may lead to another user's, who then chose what we hand over. A logon key is not
 * handed over, the kernel finds it by itself.
 */
static int take(const struct fscrypt_key_name *name, const char *type, const char *description,
	int32_t *ret_serial)
{
	int err = -ENOKEY;

	for (int ring = 0; err && ring < KERNELKEYS_RINGS; ring++) {
		err = kernelkeys_take((enum kernelkeys_ring)ring, type, description, ret_serial);
		if (!err && strcmp(type, TYPE_LOGON) != 0)
			err = provisioned_check_owner(name, *ret_serial);
	}
	return err;
}

int keyrings_find(const struct fscrypt_key_name *name, bool for_kernel, int32_t *ret_serial)
{
	char description[KERNELKEYS_TEXT];
	int err = -ENOKEY;

	if (!for_kernel) {
		provisioned_name(name, description);
		err = take(name, PROVISIONED_TYPE, description, ret_serial);
	} else if (name->version == 2) {
		provisioned_digits(name, description);
		err = take(name, TYPE_PROVISIONING, description, ret_serial);
	} else {
		for (size_t i = LOGON_NR; err && i-- > 0;) {
			logon_name(name, i, description);
			err = take(name, TYPE_LOGON, description, ret_serial);
		}
	}
	return err ? complain(EXIT_FAILURE, "no such key in the keyrings: key %s", description) : 0;
}

/* ---- listing ---- */

/* Whether it is of the kinds above, and what it is called after. */
static bool is_of_us(const struct kernelkeys_about *about, struct fscrypt_key_name *ret)
{
	static const struct {
		const char *type, *prefix;
	} kinds[] = {
		{ TYPE_PROVISIONING, "" },
		{ TYPE_LOGON, PREFIX_EXT4 },
		{ TYPE_LOGON, FSCRYPT_KEY_DESC_PREFIX },
		{ PROVISIONED_TYPE, PROVISIONED_PREFIX },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t len = strlen(kinds[i].prefix);

		if (strcmp(about->type, kinds[i].type) != 0 ||
			strncmp(about->description, kinds[i].prefix, len) != 0)
			continue;
		ret->version = (uint8_t)parse_name(about->description + len, ret->bytes);
		if (ret->version)
			return true;
	}
	return false;
}

/* Its serials, allocated. */
static int read_ring(enum kernelkeys_ring ring, int32_t **ret, size_t *ret_nr)
{
	size_t room = 0;
	ssize_t nr;

	*ret = NULL;
	/* again, if there are more meanwhile */
	while ((nr = kernelkeys_list(ring, *ret, room)) > (ssize_t)room) {
		free(*ret);
		room = (size_t)nr;
		*ret = calloc(room, sizeof(**ret));
		if (!*ret)
			return -ENOMEM;
	}
	*ret_nr = nr < 0 ? 0 : (size_t)nr;
	return nr < 0 ? (int)nr : 0;
}

/* What is done with a key in a ring. -errno. */
typedef int visit_fn(enum kernelkeys_ring ring, int32_t serial, const struct kernelkeys_about *about,
	const struct fscrypt_key_name *name, void *arg);

static int visit_ring(enum kernelkeys_ring ring, visit_fn *visit, void *arg)
{
	CLEANUP(cleanup_free) int32_t *serials = NULL;
	size_t nr;
	int err = read_ring(ring, &serials, &nr);

	for (size_t i = 0; !err && i < nr; i++) {
		struct kernelkeys_about about;
		struct fscrypt_key_name name;

		/* one that has gone meanwhile, or is not for us, is passed over */
		if (!kernelkeys_describe(serials[i], &about) && is_of_us(&about, &name))
			err = visit(ring, serials[i], &about, &name, arg);
	}
	return err ? complain(EXIT_FAILURE, "the %s keyring: %s", ring_name(ring), explain(err)) : 0;
}

static int visit_rings(visit_fn *visit, void *arg)
{
	/* or in a session that does not hold it nobody may look at the keys in the user's keyring */
	int err = kernelkeys_reach_user(), status = 0;

	if (err)
		return complain(EXIT_FAILURE, "the user keyring: %s", explain(err));
	for (int ring = 0; !status && ring < KERNELKEYS_RINGS; ring++)
		status = visit_ring((enum kernelkeys_ring)ring, visit, arg);
	return status;
}

static int show(enum kernelkeys_ring ring, int32_t serial, const struct kernelkeys_about *about,
	const struct fscrypt_key_name *name, void *arg)
{
	(void)name;
	(void)arg;
	printf("%s %d %s %s\n", ring_name(ring), serial, about->type, about->description);
	return 0;
}

int keyrings_list(int argc, char **argv)
{
	(void)argv;
	return argc == 1 ? visit_rings(show, NULL) : usage("key list takes no arguments");
}

/* ---- forgetting ---- */

struct forgotten {
	struct fscrypt_key_name name;
	unsigned nr;
};

static int forget(enum kernelkeys_ring ring, int32_t serial, const struct kernelkeys_about *about,
	const struct fscrypt_key_name *name, void *arg)
{
	struct forgotten *forgotten = arg;
	int err;

	if (name->version != forgotten->name.version ||
		memcmp(name->bytes, forgotten->name.bytes, sizeof(name->bytes)) != 0)
		return 0;
	err = kernelkeys_unlink(serial, ring);
	if (err)
		return err;
	forgotten->nr++;
	return show(ring, serial, about, name, NULL);
}

int keyrings_forget(int argc, char **argv)
{
	struct forgotten forgotten = { .nr = 0 };
	int status;

	if (argc != 2)
		return usage("key forget takes a key");
	forgotten.name.version = (uint8_t)parse_name(argv[1], forgotten.name.bytes);
	if (!forgotten.name.version)
		return usage("an identifier is 32 hexadecimal digits, a descriptor 16");
	status = visit_rings(forget, &forgotten);
	if (!status && !forgotten.nr)
		status = complain(EXIT_FAILURE, "no such key in the keyrings: %s", argv[1]);
	return status;
}
