// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "kdfparams.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "crypt/provisioned.h"
#include "ext4ctl.h"
#include "util/parse.h"

#define FILE_MAX 4096 /* bytes */

/* New files: 128 MiB and some tenths of a second for each guess. */
#define NEW_SALT 32
#define NEW_N (1 << 17)
#define NEW_R 8
#define NEW_P 1

/* What a file may ask of us. */
#define MEMORY_MAX ((uint64_t)1 << 30)
#define P_MAX 16
#define R_MAX 1024

/* ---- decoding ---- */

enum field { FIELD_VERSION, FIELD_KDF, FIELD_SALT, FIELD_N, FIELD_R, FIELD_P, FIELD_KEY, FIELD_DESCRIPTOR, FIELD_NR };

static const char *const words[FIELD_NR] = { "version", "kdf", "salt", "n", "r", "p", "key", "descriptor" };

static bool parse_hex(const char *text, uint8_t *ret, size_t min, size_t max, size_t *ret_len)
{
	return OPENSSL_hexstr2buf_ex(ret, max, ret_len, text, '\0') == 1 && *ret_len >= min;
}

static bool parse_field(enum field field, const char *value, struct kdfparams *ret)
{
	uint64_t number;
	size_t len;

	switch (field) {
	case FIELD_VERSION:
		return !strcmp(value, "1");
	case FIELD_KDF:
		return !strcmp(value, "scrypt");
	case FIELD_SALT:
		return parse_hex(value, ret->salt, KDFPARAMS_SALT_MIN, sizeof(ret->salt),
			&ret->salt_len);
	case FIELD_N:
		return !parse_number(value, MEMORY_MAX, &ret->n) && ret->n > 1 &&
			!(ret->n & (ret->n - 1));
	case FIELD_R:
		if (parse_number(value, R_MAX, &number) || !number)
			return false;
		ret->r = (uint32_t)number;
		return true;
	case FIELD_P:
		if (parse_number(value, P_MAX, &number) || !number)
			return false;
		ret->p = (uint32_t)number;
		return true;
	case FIELD_KEY:
		return parse_hex(value, ret->identifier, FSCRYPT_IDENTIFIER, FSCRYPT_IDENTIFIER, &len);
	case FIELD_DESCRIPTOR:
		ret->has_descriptor = true;
		return parse_hex(value, ret->descriptor, FSCRYPT_DESCRIPTOR, FSCRYPT_DESCRIPTOR, &len);
	case FIELD_NR:
		break;
	}
	return false;
}

/* Which field a line is, FIELD_NR none; *ret_value points behind the word. */
static enum field find_field(char *line, char **ret_value)
{
	char *space = strchr(line, ' ');
	int field = 0;

	if (!space)
		return FIELD_NR;
	*space = '\0';
	*ret_value = space + 1;
	while (field < FIELD_NR && strcmp(line, words[field]) != 0)
		field++;
	return (enum field)field;
}

/* Each word once. */
static bool parse_text(char *text, struct kdfparams *ret)
{
	unsigned seen = 0, wanted = (1u << FIELD_NR) - 1;
	char *rest = text, *line, *value;

	while ((line = strsep(&rest, "\n"))) {
		enum field field;

		if (line[0] == '\0' || line[0] == '#')
			continue;
		field = find_field(line, &value);
		if (field == FIELD_NR || seen & 1u << field || !parse_field(field, value, ret))
			return false;
		seen |= 1u << field;
	}
	if ((seen | 1u << FIELD_DESCRIPTOR) != wanted || ret->n > MEMORY_MAX / 128 / ret->r)
		return false;
	/* scrypt's own limit: n < 2^(128 r / 8) */
	return ret->r >= 4 || ret->n >> 16 * ret->r == 0;
}

/* ---- files ---- */

/* The whole file as a string. */
static int read_text(int fd, char text[FILE_MAX + 1])
{
	struct stat st;
	size_t len = 0;
	ssize_t got;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		return -EINVAL;
	while ((got = read(fd, text + len, FILE_MAX - len)) > 0)
		len += (size_t)got;
	if (got < 0)
		return -errno;
	text[len] = '\0';
	return strlen(text) == len ? 0 : -EINVAL;
}

/* Whether a file can be made there: it is better known before somebody types. */
static int check_place(const char *path)
{
	CLEANUP(cleanup_free) char *copy = strdup(path);
	struct stat st;

	if (!copy)
		return -ENOMEM;
	if (!lstat(path, &st))
		return -EEXIST; /* a link to nowhere */
	return access(dirname(copy), W_OK) ? -errno : 0;
}

int kdfparams_make(const char *path, struct kdfparams *ret)
{
	int err = check_place(path);

	memset(ret, 0, sizeof(*ret));
	if (err)
		return complain(EXIT_FAILURE, "%s: %s", path, strerror(-err));
	ret->n = NEW_N;
	ret->r = NEW_R;
	ret->p = NEW_P;
	ret->salt_len = NEW_SALT;
	if (RAND_bytes(ret->salt, NEW_SALT) != 1)
		return complain(EXIT_FAILURE, "no random numbers");
	return 0;
}

int kdfparams_read(const char *path, struct kdfparams *ret)
{
	CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char text[FILE_MAX + 1];
	int err;

	memset(ret, 0, sizeof(*ret));
	if (fd < 0 && errno == ENOENT)
		return complain(EXIT_FAILURE, "%s: %s; --new makes it", path, strerror(errno));
	err = fd < 0 ? -errno : read_text(fd, text);
	if (!err && !parse_text(text, ret))
		err = -EINVAL;
	if (err == -EINVAL)
		return complain(EXIT_FAILURE, "%s: not the parameters of a passphrase, or damaged", path);
	return err ? complain(EXIT_FAILURE, "%s: %s", path, strerror(-err)) : 0;
}

static void print_hex(FILE *out, const char *word, const uint8_t *bytes, size_t len)
{
	fprintf(out, "%s ", word);
	for (size_t i = 0; i < len; i++)
		fprintf(out, "%02x", bytes[i]);
	fputc('\n', out);
}

static int print(FILE *out, const struct kdfparams *params)
{
	fprintf(out, "# how ext4ctl makes a key of its passphrase, which is of no use without this\n"
		     "version 1\nkdf scrypt\n");
	print_hex(out, words[FIELD_SALT], params->salt, params->salt_len);
	fprintf(out, "n %llu\nr %u\np %u\n", (unsigned long long)params->n, params->r, params->p);
	print_hex(out, words[FIELD_KEY], params->identifier, FSCRYPT_IDENTIFIER);
	if (params->has_descriptor)
		print_hex(out, words[FIELD_DESCRIPTOR], params->descriptor, FSCRYPT_DESCRIPTOR);
	return fflush(out) || ferror(out) || fsync(fileno(out)) ? -errno : 0;
}

/* A new name is on disk when its directory is. */
static int sync_directory(const char *path)
{
	CLEANUP(cleanup_free) char *copy = strdup(path);
	CLEANUP(cleanup_close) int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (!copy)
		return -ENOMEM;
	return fd < 0 || fsync(fd) ? -errno : 0;
}

int kdfparams_write(const char *path, const struct kdfparams *params)
{
	/* nobody else needs it, and with it guessing can begin */
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), err = fd < 0 ? -errno : 0;
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

	if (fd >= 0 && !out) {
		err = -errno;
		close(fd);
	}
	if (out) {
		err = print(out, params);
		if (fclose(out) && !err)
			err = -errno;
	}
	if (!err)
		err = sync_directory(path);
	if (!err)
		return 0;
	if (fd >= 0)
		unlink(path);
	return complain(EXIT_FAILURE, "%s: %s", path, strerror(-err));
}

int kdfparams_derive(const struct kdfparams *params, const char *secret, size_t len,
	uint8_t ret[MASTERKEY_MAX])
{
	/* of memory it may have a bit more than its big block; P_MAX and R_MAX bound that */
	if (EVP_PBE_scrypt(secret, len, params->salt, params->salt_len, params->n, params->r,
		    params->p, MEMORY_MAX + (MEMORY_MAX >> 4), ret, MASTERKEY_MAX) != 1)
		return complain(EXIT_FAILURE, "the key cannot be derived: out of memory");
	return 0;
}
