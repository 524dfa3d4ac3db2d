// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <openssl/sha.h>
#include <string.h>

#include "crypt/filekey.h"
#include "hex.h"

#define NR(array) (sizeof(array) / sizeof((array)[0]))
#define BLOCK 4096
#define UNIT 7	    /* the number of the first data unit */
#define INO 1234567
#define NAME "a name of 26 bytes, said I"
#define PAD_32 3

/*
 * What xfstests' fscrypt-crypt-util, an implementation that shares nothing with this one, makes of the
 * same keys, contents and name: SHA-256 of the contents, and the name.
 */
static const struct vector {
	uint8_t version, contents, names, flags, unit_bits;
	const char *digest, *name;
} vectors[] = {
	{ 1, FSCRYPT_AES_256_XTS, FSCRYPT_AES_256_CTS,
		0, 0,
		"da321d8f6a68ca487e735f3c2fda833baf88ca32800747abd27944f53c97c22c",
		"836a6e97901e4b5695d0aae709d4ceaacf232babc13093bc3e1c422a45482262" },
	{ 1, FSCRYPT_AES_128_CBC, FSCRYPT_AES_128_CTS,
		0, 0,
		"850d8162104f815c1947068a2e02ab22c7a69d21f5331ddafdb76f150c281a8a",
		"d15cf904f26e79eff3c37343dd00568dfd9b1af41c97172858c4f89877c3e0e9" },
	{ 1, FSCRYPT_ADIANTUM, FSCRYPT_ADIANTUM,
		0, 0,
		"21be5e04a44de6c6865c872ce48004552e3cb5156b5a4604b90c4b26bc90d356",
		"3c9238da2ce8d6f2dd4a4558e5d8c4cd4de775685a12820913444eb2ad0a4533" },
	{ 1, FSCRYPT_ADIANTUM, FSCRYPT_ADIANTUM,
		FSCRYPT_DIRECT_KEY, 0,
		"7c48527bce7c5e19d4767f7ee37ce0f31ae8bb7c6dd26d0ab6d3f3b1b3620dde",
		"543672f908243231e53ad60bea3a4e9c697a2003d31115c2a02fe1e3fcebab3e" },
	{ 2, FSCRYPT_AES_256_XTS, FSCRYPT_AES_256_CTS,
		0, 0,
		"0ebca03332758adac467db1281141a3c6c27b166d4e0d631f06641e0865f7671",
		"373ed659b929f26234d6c6b8d3dd0a6f1e323d7abe6dcb3b78adf49c6efa73ba" },
	{ 2, FSCRYPT_AES_256_XTS, FSCRYPT_AES_256_CTS,
		0, 9,
		"1db1e50009994d17f060616ed17c48fbf80e8adb33c2298589d42913b15a8a73",
		"373ed659b929f26234d6c6b8d3dd0a6f1e323d7abe6dcb3b78adf49c6efa73ba" },
	{ 2, FSCRYPT_AES_256_XTS, FSCRYPT_AES_256_CTS,
		FSCRYPT_IV_INO_LBLK_64, 0,
		"c4638aebb2d5b64c16f8252d1a149ffaf4a8605500707cea5d5dd08a3dc2695f",
		"1385b0574dc5b3f2c76d43fa30cf80140319c158d2226439688694a003034c8c" },
	{ 2, FSCRYPT_AES_256_XTS, FSCRYPT_AES_256_CTS,
		FSCRYPT_IV_INO_LBLK_32, 0,
		"abcdcf01d15d4550a62fc644b8f1a0c9c7bf5653870c27affafbdf91746f6ed3",
		"f7cd18e23b6a62680bbe6586f57db725f85d803cc8da3503228da6b6ffcca3d4" },
	{ 2, FSCRYPT_AES_128_CBC, FSCRYPT_AES_128_CTS,
		0, 0,
		"6075e93ae40a1da49d5d0b7b53b9f58a9938890193ebf311b5aaae05fca0225b",
		"6d014f973c4a2f3606989927208b1605b1e00a7225aa2860eb2aa22dfe2854f7" },
	{ 2, FSCRYPT_AES_128_CBC, FSCRYPT_AES_128_CTS,
		0, 9,
		"04e14cdb0b8b71526523ef2edd7f7f3e17d78200bb83e13de79ef9306cc42474",
		"6d014f973c4a2f3606989927208b1605b1e00a7225aa2860eb2aa22dfe2854f7" },
	{ 2, FSCRYPT_ADIANTUM, FSCRYPT_ADIANTUM,
		0, 0,
		"c46a01080e41805de07cc087084e6eb64b26600e43880304460fbb95ccd93e32",
		"2db538243d81763b686966a92c4c15b196ff6e0915096fd61b32d8f029dc99a6" },
	{ 2, FSCRYPT_ADIANTUM, FSCRYPT_ADIANTUM,
		0, 9,
		"c989db2dfd74a1af661bcc4670b162ecd5a05113f8c853e652ffc0afcf79e50d",
		"2db538243d81763b686966a92c4c15b196ff6e0915096fd61b32d8f029dc99a6" },
	{ 2, FSCRYPT_ADIANTUM, FSCRYPT_ADIANTUM,
		FSCRYPT_DIRECT_KEY, 0,
		"1b5516d34d2af39a3cae1ad2864001a5aa615d492f35d569cf2f1e04f5444023",
		"9cda96fc2fdb93eccc5a5786a1d73723c0ef990be8ba15bc8f982e1f08531bb4" },
	{ 2, FSCRYPT_ADIANTUM, FSCRYPT_ADIANTUM,
		FSCRYPT_DIRECT_KEY, 9,
		"f8fc6b62436910fba7fa4ba962a7750add9ae49df0993dc145450ce67cfffd34",
		"9cda96fc2fdb93eccc5a5786a1d73723c0ef990be8ba15bc8f982e1f08531bb4" },
	{ 2, FSCRYPT_AES_256_XTS, FSCRYPT_AES_256_HCTR2,
		0, 0,
		"0ebca03332758adac467db1281141a3c6c27b166d4e0d631f06641e0865f7671",
		"901fbdabf0066514d71841380a45f1615b077c0d33db675f549624d358cee688" },
	{ 2, FSCRYPT_AES_256_XTS, FSCRYPT_AES_256_HCTR2,
		0, 9,
		"1db1e50009994d17f060616ed17c48fbf80e8adb33c2298589d42913b15a8a73",
		"901fbdabf0066514d71841380a45f1615b077c0d33db675f549624d358cee688" },
	{ 2, FSCRYPT_AES_256_XTS, FSCRYPT_AES_256_HCTR2,
		FSCRYPT_IV_INO_LBLK_64, 0,
		"c4638aebb2d5b64c16f8252d1a149ffaf4a8605500707cea5d5dd08a3dc2695f",
		"a9adf9af75b8a708b943c8998b142c2be25273ed7e51e94af667190ff5bc65ac" },
};

struct world {
	struct keyring *keyring;
	uint8_t raw[MASTERKEY_MAX];
	struct fscrypt_key_name names[3]; /* by version */
};

static void world_init(struct world *world)
{
	uint8_t uuid[MASTERKEY_UUID];

	memset(world, 0, sizeof(*world));
	for (size_t i = 0; i < sizeof(uuid); i++)
		uuid[i] = (uint8_t)(0x30 + i);
	for (size_t i = 0; i < sizeof(world->raw); i++)
		world->raw[i] = (uint8_t)(i * 13 + 5);
	assert_int_equal(keyring_new(uuid, &world->keyring), 0);
	world->names[1] = (struct fscrypt_key_name){ .version = 1, .bytes = "descript" };
	world->names[2].version = 2;
	for (int version = 1; version <= 2; version++)
		assert_int_equal(keyring_add(world->keyring, &world->names[version], world->raw,
					 sizeof(world->raw)),
			0);
}

static struct fscrypt_context context_of(const struct world *world, const struct vector *v)
{
	struct fscrypt_context context = {
		.key = world->names[v->version],
		.contents_mode = v->contents,
		.names_mode = v->names,
		.flags = v->flags | PAD_32,
		.unit_bits = v->unit_bits,
	};

	for (size_t i = 0; i < FSCRYPT_NONCE; i++)
		context.nonce[i] = (uint8_t)(0xa0 + i);
	return context;
}

static struct filekey *key_of(
	const struct world *world, const struct fscrypt_context *context, bool is_regular)
{
	const struct filekey_owner owner = { .ino = INO, .block_bits = 12,
		.is_regular = is_regular };
	struct filekey *key;

	assert_int_equal(filekey_new(world->keyring, context, &owner, &key), 0);
	return key;
}

static void check_contents(const struct filekey *key, const struct vector *v)
{
	uint8_t plain[BLOCK], sealed[BLOCK], want[SHA256_DIGEST_LENGTH], have[SHA256_DIGEST_LENGTH];
	size_t unit = (size_t)1 << filekey_unit_bits(key);

	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (uint8_t)(i * 3 + (i >> 8));
	assert_int_equal(filekey_crypt_units(key, true, UNIT, plain, sealed, sizeof(sealed)), 0);
	hex_decode(v->digest, want, sizeof(want));
	SHA256(sealed, sizeof(sealed), have);
	assert_memory_equal(have, want, sizeof(want));
	/* unit by unit, the last first, in place */
	for (size_t at = sizeof(sealed); at; at -= unit)
		assert_int_equal(filekey_crypt_units(key, false, UNIT + at / unit - 1,
					 sealed + at - unit, sealed + at - unit, unit),
			0);
	assert_memory_equal(plain, sealed, sizeof(plain));
}

static void check_name(const struct filekey *key, const struct vector *v)
{
	size_t len = sizeof(NAME) - 1, sealed_len = filekey_sealed_size(key, len, 255);
	uint8_t sealed[32], want[32];
	char plain[32];

	assert_int_equal(sealed_len, sizeof(sealed));
	assert_int_equal(filekey_seal_name(key, NAME, len, sealed, sealed_len), 0);
	hex_decode(v->name, want, sizeof(want));
	assert_memory_equal(sealed, want, sizeof(want));
	assert_int_equal(filekey_open_name(key, sealed, sealed_len, plain), len);
	assert_memory_equal(plain, NAME, len);
}

static void test_vectors(void **state)
{
	const struct fscrypt_limits limits = { .block_bits = 12, .file_bits = 44,
		.stable_inodes = true };
	struct world world;

	(void)state;
	world_init(&world);
	for (size_t i = 0; i < NR(vectors); i++) {
		const struct vector *v = &vectors[i];
		struct fscrypt_context context = context_of(&world, v);
		struct filekey *contents = key_of(&world, &context, true);
		struct filekey *names = key_of(&world, &context, false);

		assert_true(fscrypt_is_supported(&context, &limits));
		check_contents(contents, v);
		check_name(names, v);
		filekey_free(contents);
		filekey_free(names);
	}
	keyring_free(world.keyring);
}

/* What Linux 6.18 called the key of the bytes 0 to 63. */
static void test_identifier(void **state)
{
	struct fscrypt_key_name name = { .version = 2 }, other = { .version = 2 };
	uint8_t raw[MASTERKEY_MAX + 1], want[FSCRYPT_IDENTIFIER];
	struct keyring *keyring;

	(void)state;
	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)i;
	hex_decode("8699c2c53707405da5aba5ae4d8583c0", want, sizeof(want));
	assert_int_equal(keyring_new(raw, &keyring), 0);
	assert_int_equal(keyring_add(keyring, &name, raw, MASTERKEY_MAX), 0);
	assert_memory_equal(name.bytes, want, sizeof(want));
	assert_non_null(keyring_find(keyring, &name));
	assert_int_equal(keyring_add(keyring, &other, raw, MASTERKEY_MAX), 0); /* once more */
	assert_memory_equal(other.bytes, want, sizeof(want));
	other.bytes[15] ^= 1;
	assert_null(keyring_find(keyring, &other));
	name.version = 1;
	assert_null(keyring_find(keyring, &name));
	assert_int_equal(keyring_add(keyring, &other, raw, MASTERKEY_MIN - 1), -EINVAL);
	assert_int_equal(keyring_add(keyring, &other, raw, MASTERKEY_MAX + 1), -EINVAL);
	keyring_free(keyring);
}

/* A descriptor calls one key, and nothing but its bytes tells it from another. */
static void test_same_descriptor(void **state)
{
	struct fscrypt_key_name name = { .version = 1, .bytes = { 1 } };
	uint8_t raw[MASTERKEY_MAX] = { 1 };
	struct keyring *keyring;

	(void)state;
	assert_int_equal(keyring_new(raw, &keyring), 0);
	assert_int_equal(keyring_add(keyring, &name, raw, MASTERKEY_MAX), 0);
	assert_int_equal(keyring_add(keyring, &name, raw, MASTERKEY_MAX), 0);
	assert_int_equal(keyring_add(keyring, &name, raw, MASTERKEY_MAX - 1), -EEXIST);
	raw[63]++;
	assert_int_equal(keyring_add(keyring, &name, raw, MASTERKEY_MAX), -EEXIST);
	name.bytes[0]++;
	assert_int_equal(keyring_add(keyring, &name, raw, MASTERKEY_MAX), 0);
	keyring_free(keyring);
}

/* Version 1 wants as many bytes as the mode's key has, version 2 as many as make it as strong. */
static void test_short_keys(void **state)
{
	static const struct {
		uint8_t version, contents, names;
		size_t size;
		int err;
	} cases[] = {
		{ 1, FSCRYPT_AES_256_XTS, FSCRYPT_AES_256_CTS, 63, -ENOKEY },
		{ 1, FSCRYPT_AES_256_XTS, FSCRYPT_AES_256_CTS, 64, 0 },
		{ 1, FSCRYPT_AES_128_CBC, FSCRYPT_AES_128_CTS, 16, 0 },
		{ 2, FSCRYPT_AES_256_XTS, FSCRYPT_AES_256_CTS, 31, -ENOKEY },
		{ 2, FSCRYPT_AES_256_XTS, FSCRYPT_AES_256_CTS, 32, 0 },
		{ 2, FSCRYPT_AES_128_CBC, FSCRYPT_AES_128_CTS, 16, 0 },
		{ 2, FSCRYPT_ADIANTUM, FSCRYPT_ADIANTUM, 31, -ENOKEY },
	};
	static const uint8_t raw[MASTERKEY_MAX] = { 1, 2, 3, 4 }, uuid[MASTERKEY_UUID];

	(void)state;
	for (size_t i = 0; i < NR(cases); i++) {
		const struct filekey_owner owner = { .block_bits = 12, .is_regular = true };
		struct fscrypt_context context = { .contents_mode = cases[i].contents,
			.names_mode = cases[i].names, .key.version = cases[i].version };
		struct keyring *keyring;
		struct filekey *key;

		assert_int_equal(keyring_new(uuid, &keyring), 0);
		assert_int_equal(filekey_new(keyring, &context, &owner, &key), -ENOKEY);
		assert_int_equal(keyring_add(keyring, &context.key, raw, cases[i].size), 0);
		assert_int_equal(filekey_new(keyring, &context, &owner, &key), cases[i].err);
		if (!cases[i].err)
			filekey_free(key);
		keyring_free(keyring);
	}
}

/* fscrypt_fname_encrypted_size(), for each padding. */
static void test_padding(void **state)
{
	static const struct {
		uint8_t flags;
		size_t len, max, sealed;
	} cases[] = {
		{ 0, 1, 255, 16 }, { 0, 16, 255, 16 }, { 0, 17, 255, 20 }, { 0, 252, 255, 252 },
		{ 0, 253, 255, 255 }, { 1, 17, 255, 24 }, { 2, 17, 255, 32 }, { 3, 1, 255, 32 },
		{ 3, 33, 255, 64 }, { 3, 225, 255, 255 }, { 3, 255, 255, 255 }, { 3, 256, 255, 0 },
		{ 3, 4093, 4093, 4093 },
	};
	struct world world;

	(void)state;
	world_init(&world);
	for (size_t i = 0; i < NR(cases); i++) {
		struct fscrypt_context context = context_of(&world, &vectors[0]);
		struct filekey *key;

		context.flags = cases[i].flags;
		key = key_of(&world, &context, false);
		assert_int_equal(filekey_sealed_size(key, cases[i].len, cases[i].max),
			cases[i].sealed);
		filekey_free(key);
	}
	keyring_free(world.keyring);
}

static void test_sealed_too_short(void **state)
{
	static const uint8_t sealed[FILEKEY_SEALED_MIN];
	struct fscrypt_context context;
	char plain[FILEKEY_SEALED_MIN];
	struct filekey *key;
	struct world world;

	(void)state;
	world_init(&world);
	context = context_of(&world, &vectors[0]);
	key = key_of(&world, &context, false);
	for (size_t len = 0; len < sizeof(sealed); len++)
		assert_int_equal(filekey_open_name(key, sealed, len, plain), -EUCLEAN);
	assert_true(filekey_open_name(key, sealed, sizeof(sealed), plain) >= 0);
	filekey_free(key);
	keyring_free(world.keyring);
}

static void test_context(void **state)
{
	struct world world;

	(void)state;
	world_init(&world);
	for (size_t i = 0; i < NR(vectors); i++) {
		struct fscrypt_context context = context_of(&world, &vectors[i]), back;
		uint8_t raw[FSCRYPT_CONTEXT_MAX + 1] = { 0 };
		size_t len = fscrypt_encode(&context, raw);

		assert_int_equal(len, vectors[i].version == 1 ? 28 : 40);
		for (size_t wrong = 0; wrong <= sizeof(raw); wrong++)
			assert_int_equal(fscrypt_decode(raw, wrong, &back), wrong == len ? 0 : -EINVAL);
		assert_memory_equal(&back, &context, sizeof(back));
		raw[0] += 2;
		assert_int_equal(fscrypt_decode(raw, len, &back), -EINVAL);
		raw[0] -= 2;
		raw[5] ^= vectors[i].version == 2; /* reserved there */
		assert_int_equal(fscrypt_decode(raw, len, &back),
			vectors[i].version == 2 ? -EINVAL : 0);
	}
	keyring_free(world.keyring);
}

static void test_unsupported(void **state)
{
	static const struct {
		uint8_t version, contents, names, flags, unit_bits;
	} bad[] = {
		{ 2, FSCRYPT_AES_256_XTS, FSCRYPT_AES_128_CTS, 0, 0 },
		{ 2, 0, 0, 0, 0 },
		{ 2, 127, FSCRYPT_AES_256_CTS, 0, 0 },
		{ 1, FSCRYPT_AES_256_XTS, FSCRYPT_AES_256_HCTR2, 0, 0 },
		{ 2, FSCRYPT_AES_256_XTS, FSCRYPT_AES_256_CTS, FSCRYPT_DIRECT_KEY, 0 },
		{ 2, FSCRYPT_AES_256_XTS, FSCRYPT_AES_256_CTS, 0x20, 0 },
		{ 2, FSCRYPT_AES_256_XTS, FSCRYPT_AES_256_CTS, 0x18, 0 },
		{ 1, FSCRYPT_AES_256_XTS, FSCRYPT_AES_256_CTS, 0x08, 0 },
		{ 2, FSCRYPT_ADIANTUM, FSCRYPT_ADIANTUM, FSCRYPT_IV_INO_LBLK_64, 0 },
		{ 2, FSCRYPT_AES_256_XTS, FSCRYPT_AES_256_CTS, 0, 8 },
		{ 2, FSCRYPT_AES_256_XTS, FSCRYPT_AES_256_CTS, 0, 13 },
		{ 2, FSCRYPT_AES_256_XTS, FSCRYPT_AES_256_CTS, 0x08, 9 },
		{ 2, FSCRYPT_AES_256_XTS, FSCRYPT_AES_256_CTS, 0x10, 9 },
	};
	struct fscrypt_limits limits = { .block_bits = 12, .file_bits = 44,
		.stable_inodes = true };
	struct fscrypt_context good = { .key.version = 1,
		.contents_mode = FSCRYPT_AES_256_XTS, .names_mode = FSCRYPT_AES_256_CTS };

	(void)state;
	for (size_t i = 0; i < NR(bad); i++) {
		const struct fscrypt_context context = { .key.version = bad[i].version,
			.contents_mode = bad[i].contents, .names_mode = bad[i].names,
			.flags = bad[i].flags, .unit_bits = bad[i].unit_bits };

		assert_false(fscrypt_is_supported(&context, &limits));
	}
	assert_true(fscrypt_is_supported(&good, &limits));
	limits.casefold = true;
	assert_false(fscrypt_is_supported(&good, &limits));
	good.key.version = 2;
	assert_true(fscrypt_is_supported(&good, &limits));
	good.flags = FSCRYPT_IV_INO_LBLK_64;
	assert_true(fscrypt_is_supported(&good, &limits));
	limits.stable_inodes = false;
	assert_false(fscrypt_is_supported(&good, &limits));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_identifier),
		cmocka_unit_test(test_same_descriptor),
		cmocka_unit_test(test_short_keys),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_sealed_too_short),
		cmocka_unit_test(test_context),
		cmocka_unit_test(test_unsupported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
