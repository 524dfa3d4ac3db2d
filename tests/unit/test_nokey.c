// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "crypt/nokey.h"

#define CIPHER_MAX 255
#define NR(array) (sizeof(array) / sizeof((array)[0]))

/*
 * What Linux 6.18 listed without the key for names that it had encrypted itself (directories of
 * tests/image/mkencrypted.c); the ciphertext is from the directory's blocks. Those without a hash
 * are from a filesystem without dir_index.
 */
static const struct vector {
	uint32_t hash, minor_hash;
	const char *cipher; /* hexadecimal */
	const char *name;
} vectors[] = {
	{
		.hash = 0x00701566,
		.minor_hash = 0x65f6b41f,
		.cipher =
			"086b8c23363a452c378bfa81a645fd5b5dfc3d8cb1c794ac139a634638b513bf",
		.name =
			"ZhVwAB-09mUIa4wjNjpFLDeL-oGmRf1bXfw9jLHHlKwTmmNGOLUTvw",
	},
	{
		.hash = 0x0c21c410,
		.minor_hash = 0xfa71e856,
		.cipher =
			"e33557f70c3b012f40c2fd76dd3698ad4cf9ef9dcb85a385c5cdb676573339cd045cf0"
			"8e97c4451db805c81cf6b99468d846ae249286f80e44ac6f6c2cc89e04",
		.name =
			"EMQhDFbocfrjNVf3DDsBL0DC_XbdNpitTPnvncuFo4XFzbZ2VzM5zQRc8I6XxEUduAXIHP"
			"a5lGjYRq4kkob4DkSsb2wsyJ4E",
	},
	{
		.hash = 0x03d32166,
		.minor_hash = 0xfa7528dd,
		.cipher =
			"83949edb62826423485dfedcfaf1a6a5fcf2f9bd41c277eb43c870220002075eedea84"
			"2a13a50b30489f15329c59fa1d10da05f6cf7082c81780ce6e440a96fc5fe0705f8558"
			"eda680007f6da0ed50036ff11af3a7593e3eff441cc4b3b2fe459bbce5569b4a6dfbea"
			"8056074fd402121591becf32030268e0bd5f06a5f7b75c",
		.name =
			"ZiHTA90odfqDlJ7bYoJkI0hd_tz68aal_PL5vUHCd-tDyHAiAAIHXu3qhCoTpQswSJ8VMp"
			"xZ-h0Q2gX2z3CCyBeAzm5ECpb8X-BwX4VY7aaAAH9toO1QA2_xGvOnWT4-_0QcxLOy_kWb"
			"vOVWm0pt--qAVgdP1AISFZG-zzIDAmjgvV8Gpfe3XA",
	},
	{
		.hash = 0x00f02c44,
		.minor_hash = 0x8949e485,
		.cipher =
			"249c8a55b8fd25eccf429e5f59ddc1ab57cb51ceddb74e9bf0b9bf15d31242cf013e85"
			"766b81d4d8904d0af11d1a55c104c290f03843e1cbec685c40cc1d4ed5fc01e2dd988d"
			"265ea4f58c620944ca588c10797ebab62a2baf82f3d6a257af9af23c4b19867763ea8d"
			"48b1fb51f682b07cf3c4812e471dc0e108e3d4bcffc741d39f2ac781c941a3eb96fad3"
			"46c91578d4b12f29b34c36e259f045d3ab25f287",
		.name =
			"RCzwAIXkSYkknIpVuP0l7M9Cnl9Z3cGrV8tRzt23Tpvwub8V0xJCzwE-hXZrgdTYkE0K8R"
			"0aVcEEwpDwOEPhy-xoXEDMHU7V_AHi3ZiNJl6k9YxiCUTKWIwQeX66tiorr4Lz1qJXr5ry"
			"PEsZhndj6o1IsftR9oKwfPPEgS5HHcDhCOPUvP_HQdOfKseByUGj65b600bJFXjUsS8ps0"
			"exbxaNiAwn3iSD7gyCzsLM5U_pgYbP8rOX1VNTPq1X",
	},
	{
		.hash = 0x083a94f2,
		.minor_hash = 0x7791fc12,
		.cipher =
			"61e2bd240c12a7986240a3583d434df373ff23b06169e22214f24fb5e488303834ea34"
			"bf6d758e6bda6402eb7c0b3d2aac500511b5dc76dbe7505ee8cfc03dd7365f5d60f14e"
			"f759a719a8e37670268174bc583ea98568cebbfece00127a508e7ab165079a90b70e64"
			"f1715883872442158c75bdd4037344f810ba414bab8b695e9ecc16d726d3e15274a2e6"
			"5150061b01d2a575d23e58700d71a9d05adb54d0d4f8074aa4eaf45be79ff2d2439ad0"
			"1c66d6192934a7cf7946e0efafe2fa682c1a4768c745048d6e5abf0ee6fb4cee9b3e30"
			"e86b37d6fd4fbbfd843e62f27073d22569626b981dd830ed7fd101d92eed5a0b12187a"
			"0000d06b24d35a383318",
		.name =
			"8pQ6CBL8kXdh4r0kDBKnmGJAo1g9Q03zc_8jsGFp4iIU8k-15IgwODTqNL9tdY5r2mQC63"
			"wLPSqsUAURtdx22-dQXujPwD3XNl9dYPFO91mnGajjdnAmgXS8WD6phWjOu_7OABJ6UI56"
			"sWUHmpC3DmTxcViDhyRCFYx1vdQDc0T4ELpBS6uLaV6ezBbXJtPhUnSi5lFQBhsB0qV10v"
			"LQVlklvT_BDPPXDZT4D1F7oglJQwYTeRV-A2q1fRH7",
	},
	{
		.hash = 0x00000000,
		.minor_hash = 0x00000000,
		.cipher =
			"e86cba178a2c97a6c3adb1601d0ebd93b4b9b5060f15f1d63249bed0c7cce607",
		.name =
			"AAAAAAAAAADobLoXiiyXpsOtsWAdDr2TtLm1Bg8V8dYySb7Qx8zmBw",
	},
	{
		.hash = 0x00000000,
		.minor_hash = 0x00000000,
		.cipher =
			"be934f6473b3c7e3356cda69748c5026486a0ee0467a5486d4f5a01026dbf3909a9677"
			"2af445caaa6c400e1dad30ca909748b6896ef24001c4293370bd1a4c6467efff7b0092"
			"a08b2fe8f8df628e09d87adf18f88a62f5220a43b2338ae44ad2bffab5e9267c34fd1a"
			"b5037a5b3974241873ee5e00524e3b8ff7420a1186c1ccc7f5a32a814b3f26a7f407bc"
			"f1efa8ff8ed5c1a988be629f037a28b5c74256cfa727fa5ef4314e21e6298a5f9ff876"
			"cb2852888900e715fb1c948e8c90a84c48525225be01191dbd9551dd5cf21f00f10781"
			"99ff5df4b9dd34b2a36fd0ea2959",
		.name =
			"AAAAAAAAAAC-k09kc7PH4zVs2ml0jFAmSGoO4EZ6VIbU9aAQJtvzkJqWdyr0RcqqbEAOHa"
			"0wypCXSLaJbvJAAcQpM3C9GkxkZ-__ewCSoIsv6PjfYo4J2HrfGPiKYvUiCkOyM4rkStK_"
			"-rXpJnw0_Rq1A3pbOXQkGHPuXgBSTjuP90IKEYbBzMf1oyqBSz8mp_QHvPHvqP-O1cGpiF"
			"5QFr71AFfk11rVpooqtI85ZRWgEaqCPJRPeoWwFmSz",
	},
};

/* Names of the ciphertext 3, 10, 17, ...: the lengths where encoding and digest change shape. */
static const struct made {
	size_t len;
	const char *name;
} made[] = {
	{ 1,
		"eFY0EvDevJoD" },
	{ 2,
		"eFY0EvDevJoDCg" },
	{ 3,
		"eFY0EvDevJoDChE" },
	{ 148,
		"eFY0EvDevJoDChEYHyYtNDtCSVBXXmVsc3qBiI-WnaSrsrnAx87V3OPq8fj_Bg0UGyIpMDc-RUxTWm"
		"Fob3Z9hIuSmaCnrrW8w8rR2N_m7fT7AgkQFx4lLDM6QUhPVl1ka3J5gIeOlZyjqrG4v8bN1Nvi6fD3"
		"_gUMExohKC82PURLUllgZ251fIOKkZifpq20u8LJ0Nfe5ezz-gEI" },
	{ 149,
		"eFY0EvDevJoDChEYHyYtNDtCSVBXXmVsc3qBiI-WnaSrsrnAx87V3OPq8fj_Bg0UGyIpMDc-RUxTWm"
		"Fob3Z9hIuSmaCnrrW8w8rR2N_m7fT7AgkQFx4lLDM6QUhPVl1ka3J5gIeOlZyjqrG4v8bN1Nvi6fD3"
		"_gUMExohKC82PURLUllgZ251fIOKkZifpq20u8LJ0Nfe5ezz-gEIDw" },
	{ 150,
		"eFY0EvDevJoDChEYHyYtNDtCSVBXXmVsc3qBiI-WnaSrsrnAx87V3OPq8fj_Bg0UGyIpMDc-RUxTWm"
		"Fob3Z9hIuSmaCnrrW8w8rR2N_m7fT7AgkQFx4lLDM6QUhPVl1ka3J5gIeOlZyjqrG4v8bN1Nvi6fD3"
		"_gUMExohKC82PURLUllgZ251fIOKkZifpq20u8LJ0Nfe5ezz-gEID3y3xFR88mU1kNeprOYMxiPSUU"
		"it-8iKia6w74jaeDm6" },
	{ 204,
		"eFY0EvDevJoDChEYHyYtNDtCSVBXXmVsc3qBiI-WnaSrsrnAx87V3OPq8fj_Bg0UGyIpMDc-RUxTWm"
		"Fob3Z9hIuSmaCnrrW8w8rR2N_m7fT7AgkQFx4lLDM6QUhPVl1ka3J5gIeOlZyjqrG4v8bN1Nvi6fD3"
		"_gUMExohKC82PURLUllgZ251fIOKkZifpq20u8LJ0Nfe5ezz-gEID97b21-fyMcXm8d0xydPU_v8nf"
		"oiWH_RiZzFB_4pcLUz" },
	{ 205,
		"eFY0EvDevJoDChEYHyYtNDtCSVBXXmVsc3qBiI-WnaSrsrnAx87V3OPq8fj_Bg0UGyIpMDc-RUxTWm"
		"Fob3Z9hIuSmaCnrrW8w8rR2N_m7fT7AgkQFx4lLDM6QUhPVl1ka3J5gIeOlZyjqrG4v8bN1Nvi6fD3"
		"_gUMExohKC82PURLUllgZ251fIOKkZifpq20u8LJ0Nfe5ezz-gEID0-EKooS8BRC-QYxfj9StmJaGG"
		"YRd8hNouFRIVDYrn8w" },
	{ 212,
		"eFY0EvDevJoDChEYHyYtNDtCSVBXXmVsc3qBiI-WnaSrsrnAx87V3OPq8fj_Bg0UGyIpMDc-RUxTWm"
		"Fob3Z9hIuSmaCnrrW8w8rR2N_m7fT7AgkQFx4lLDM6QUhPVl1ka3J5gIeOlZyjqrG4v8bN1Nvi6fD3"
		"_gUMExohKC82PURLUllgZ251fIOKkZifpq20u8LJ0Nfe5ezz-gEID9-xgjyvjsYqZAacBSenUin0D0"
		"VPO7VUkHZAEFCCusCm" },
	{ 213,
		"eFY0EvDevJoDChEYHyYtNDtCSVBXXmVsc3qBiI-WnaSrsrnAx87V3OPq8fj_Bg0UGyIpMDc-RUxTWm"
		"Fob3Z9hIuSmaCnrrW8w8rR2N_m7fT7AgkQFx4lLDM6QUhPVl1ka3J5gIeOlZyjqrG4v8bN1Nvi6fD3"
		"_gUMExohKC82PURLUllgZ251fIOKkZifpq20u8LJ0Nfe5ezz-gEID2wN3nWJYIuOGx6OTMRNGCaPV3"
		"oYA6Ho_YbRtYk6V_K0" },
	{ 255,
		"eFY0EvDevJoDChEYHyYtNDtCSVBXXmVsc3qBiI-WnaSrsrnAx87V3OPq8fj_Bg0UGyIpMDc-RUxTWm"
		"Fob3Z9hIuSmaCnrrW8w8rR2N_m7fT7AgkQFx4lLDM6QUhPVl1ka3J5gIeOlZyjqrG4v8bN1Nvi6fD3"
		"_gUMExohKC82PURLUllgZ251fIOKkZifpq20u8LJ0Nfe5ezz-gEID8vFcc_dS3VbL94p-heLpL4u6o"
		"WcBAJEwfScySYrYTL0" },
};

#define MADE_HASH 0x12345678u
#define MADE_MINOR_HASH 0x9abcdef0u

static uint8_t nibble(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static size_t unhex(const char *hex, uint8_t out[CIPHER_MAX])
{
	size_t i, len = strlen(hex) / 2;

	assert_true(len <= CIPHER_MAX);
	for (i = 0; i < len; i++)
		out[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
	return len;
}

static void make_cipher(uint8_t *cipher, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		cipher[i] = (uint8_t)(i * 7 + 3);
}

/* Encodes, decodes what came out and finds the ciphertext with it. */
static void round_trip(const uint8_t *cipher, size_t len, uint32_t hash, uint32_t minor_hash,
	const char *name)
{
	char out[NOKEY_NAME_MAX];
	struct nokey_name nokey;
	size_t n = nokey_encode(cipher, len, hash, minor_hash, out);

	assert_int_equal(n, strlen(name));
	assert_memory_equal(out, name, n);
	assert_int_equal(nokey_decode(out, n, &nokey), 0);
	assert_int_equal(nokey.hash, hash);
	assert_int_equal(nokey.minor_hash, minor_hash);
	assert_int_equal(nokey.has_digest, len > sizeof(nokey.bytes));
	assert_true(nokey_match(&nokey, cipher, len));
}

static void test_vectors(void **state)
{
	uint8_t cipher[CIPHER_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < NR(vectors); i++) {
		const struct vector *v = &vectors[i];
		size_t len = unhex(v->cipher, cipher);

		round_trip(cipher, len, v->hash, v->minor_hash, v->name);
	}
}

static void test_lengths(void **state)
{
	uint8_t cipher[CIPHER_MAX];
	size_t i;

	(void)state;
	make_cipher(cipher, sizeof(cipher));
	for (i = 0; i < NR(made); i++)
		round_trip(cipher, made[i].len, MADE_HASH, MADE_MINOR_HASH, made[i].name);
	assert_int_equal(strlen(made[NR(made) - 1].name), NOKEY_NAME_MAX);
}

static void test_minor_hash_needs_hash(void **state)
{
	static const uint8_t cipher[32];
	char a[NOKEY_NAME_MAX], b[NOKEY_NAME_MAX];
	size_t n = nokey_encode(cipher, sizeof(cipher), 0, 5, a);

	(void)state;
	assert_int_equal(nokey_encode(cipher, sizeof(cipher), 0, 0, b), n);
	assert_memory_equal(a, b, n);
}

/* A name means its ciphertext and no other, shorter, longer or different anywhere. */
static void test_match_is_exact(void **state)
{
	static const size_t lens[] = { 16, 149, 150, 255 };
	uint8_t cipher[CIPHER_MAX + 1];
	char out[NOKEY_NAME_MAX];
	struct nokey_name nokey;
	size_t i, pos;

	(void)state;
	for (i = 0; i < NR(lens); i++) {
		size_t len = lens[i];

		make_cipher(cipher, sizeof(cipher));
		assert_int_equal(
			nokey_decode(out, nokey_encode(cipher, len, 1, 2, out), &nokey), 0);
		assert_false(nokey_match(&nokey, cipher, 0));
		assert_false(nokey_match(&nokey, cipher, len - 1));
		assert_false(nokey_match(&nokey, cipher, len + 1));
		for (pos = 0; pos < len; pos++) {
			cipher[pos] ^= 0x40;
			assert_false(nokey_match(&nokey, cipher, len));
			cipher[pos] ^= 0x40;
		}
	}
}

static void reject(const char *name, size_t len)
{
	struct nokey_name nokey;

	assert_int_equal(nokey_decode(name, len, &nokey), -ENOENT);
}

static void test_decode_rejects(void **state)
{
	char name[300];
	size_t len;

	(void)state;
	memset(name, 'A', sizeof(name));
	reject(name, 0);
	reject(name, 10);		   /* 7 bytes: less than the hashes */
	reject(name, 11);		   /* 8 bytes: the hashes alone */
	reject(name, 13);		   /* a digit too many for 9 bytes, too few for 10 */
	for (len = 211; len < NOKEY_NAME_MAX; len++)
		reject(name, len);	   /* a part of a digest */
	for (len = NOKEY_NAME_MAX + 1; len <= sizeof(name); len++)
		reject(name, len);
	reject("AAAAAAAAAAAA=", 13);
	reject("AAAAAAAAAAA+", 12);
	reject("AAAAAAAAAAA/", 12);
	reject("AAAAAAAAAAA.", 12);
	reject("AAAAAAAAAAA\0", 12);
	reject("AAAAAAAAAAA\xc3", 12);
	reject("AAAAAAAAAAAAB", 13);
	reject("AAAAAAAAAAAAAB", 14);	   /* bits set behind the last byte */
	reject("AAAAAAAAAAAAAAB", 15);
}

static void test_decode_limits(void **state)
{
	char name[NOKEY_NAME_MAX];
	struct nokey_name nokey;

	(void)state;
	memset(name, '_', sizeof(name));
	assert_int_equal(nokey_decode(name, 12, &nokey), 0);
	assert_int_equal(nokey.len, 1);
	assert_int_equal(nokey.hash, UINT32_MAX);
	name[209] = 'w';		   /* 210 digits hold 157 bytes and 4 bits, here 0 */
	assert_int_equal(nokey_decode(name, 210, &nokey), 0);
	assert_int_equal(nokey.len, 149);
	assert_false(nokey.has_digest);
	assert_int_equal(nokey_decode(name, sizeof(name), &nokey), 0);
	assert_true(nokey.has_digest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_minor_hash_needs_hash),
		cmocka_unit_test(test_match_is_exact),
		cmocka_unit_test(test_decode_rejects),
		cmocka_unit_test(test_decode_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
