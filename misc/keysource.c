// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "keysource.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "ext4ctl.h"
#include "kdfparams.h"
#include "passphrase.h"
#include "util/secret.h"

static int identify(struct keysource_key *key)
{
	int err;

	if (key->name.version == 1)
		return 0;
	err = masterkey_identify(key->raw, key->size, key->name.bytes);
	return err ? complain(EXIT_FAILURE, "%s", strerror(-err)) : 0;
}

/* ---- raw bytes ---- */

static int read_all(int fd, const char *what, struct keysource_key *key)
{
	ssize_t got;

	do {
		got = read(fd, key->raw + key->size, sizeof(key->raw) - key->size);
		if (got > 0)
			key->size += (size_t)got;
	} while ((got > 0 && key->size < sizeof(key->raw)) || (got < 0 && errno == EINTR));
	if (got < 0)
		return complain(EXIT_FAILURE, "%s: %s", what, strerror(errno));
	if (key->size > MASTERKEY_MAX)
		return complain(EXIT_FAILURE, "a key has at most %d bytes", MASTERKEY_MAX);
	if (key->size < MASTERKEY_MIN)
		return complain(EXIT_FAILURE, "a key has at least %d bytes, not %zu", MASTERKEY_MIN,
			key->size);
	return identify(key);
}

static int read_fd(const struct keysource *source, struct keysource_key *key)
{
	char what[32] = "standard input";

	/* it would be shown */
	if (isatty(source->fd))
		return complain(EXIT_FAILURE, "a raw key does not come from a terminal; see --passphrase");
	if (source->fd != STDIN_FILENO)
		snprintf(what, sizeof(what), "descriptor %d", source->fd);
	return read_all(source->fd, what, key);
}

static int read_file(const struct keysource *source, struct keysource_key *key)
{
	CLEANUP(cleanup_close) int fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return complain(EXIT_FAILURE, "%s: %s", source->path, strerror(errno));
	return read_all(fd, source->path, key);
}

/* ---- passphrases ---- */

/* Whether the file is of the key that is wanted; a descriptor that was not given comes from it. */
static int take_name(const struct keysource *source, const struct kdfparams *params,
	struct keysource_key *key)
{
	bool given = key->name.version == 1;

	if (given && (!params->has_descriptor ||
			     memcmp(params->descriptor, key->name.bytes, FSCRYPT_DESCRIPTOR) != 0))
		return complain(EXIT_FAILURE, "%s: of a key with another descriptor", source->params);
	if (params->has_descriptor) {
		key->name.version = 1;
		memcpy(key->name.bytes, params->descriptor, FSCRYPT_DESCRIPTOR);
	}
	return 0;
}

static void give_name(const struct keysource_key *key, struct kdfparams *params)
{
	params->has_descriptor = key->name.version == 1;
	if (params->has_descriptor)
		memcpy(params->descriptor, key->name.bytes, FSCRYPT_DESCRIPTOR);
}

/* What a passphrase of len bytes gives must be what it gave when the file was made. */
static int derive(const struct keysource *source, struct kdfparams *params, bool is_new,
	const char *secret, size_t len, struct keysource_key *key)
{
	uint8_t identifier[FSCRYPT_IDENTIFIER];
	int err, status = kdfparams_derive(params, secret, len, key->raw);

	if (status)
		return status;
	key->size = MASTERKEY_MAX;
	err = masterkey_identify(key->raw, key->size, identifier);
	if (err)
		return complain(EXIT_FAILURE, "%s", strerror(-err));
	if (!is_new && memcmp(identifier, params->identifier, sizeof(identifier)) != 0)
		return complain(EXIT_FAILURE, "wrong passphrase for %s", source->params);
	memcpy(params->identifier, identifier, sizeof(identifier));
	return is_new ? kdfparams_write(source->params, params) : 0;
}

static int read_passphrase(const struct keysource *source, struct keysource_key *key)
{
	const size_t size = PASSPHRASE_MAX + 1;
	struct kdfparams params;
	char *secret;
	size_t len;
	const bool is_new = source->is_new;
	int status = is_new ? kdfparams_make(source->params, &params) :
			      kdfparams_read(source->params, &params);

	if (!status && is_new)
		give_name(key, &params);
	else if (!status)
		status = take_name(source, &params, key);
	if (status)
		return status;
	secret = secret_new(size, NULL);
	if (!secret)
		return complain(EXIT_FAILURE, "out of memory");
	status = passphrase_read(source->kind == KEYSOURCE_TERMINAL, is_new, secret, &len);
	if (!status)
		status = derive(source, &params, is_new, secret, len, key);
	secret_free(secret, size);
	return status ? status : identify(key);
}

int keysource_read(const struct keysource *source, struct keysource_key *key)
{
	switch (source->kind) {
	case KEYSOURCE_FD:
		return read_fd(source, key);
	case KEYSOURCE_FILE:
		return read_file(source, key);
	case KEYSOURCE_TERMINAL:
	case KEYSOURCE_LINE:
		return read_passphrase(source, key);
	}
	return EXIT_FAILURE;
}
