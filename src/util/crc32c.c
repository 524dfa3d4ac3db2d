// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "util/crc32c.h"

#include <ext2fs/ext2fs.h>
#include <string.h>

#if defined(__x86_64__)
/*
 * SSE4.2's crc32 has a latency of three cycles and a throughput of one, so three streams at once
 * are three times as fast. Each third is a remainder of its own; moving one over the bytes behind it
 * is a multiplication by x^(8 * bytes), of which the crc32 of an eight byte product does x^33 (one
 * because reflected factors give a product that is one bit short).
 *
 * The thirds fit what there is: a block of 4 KiB or 1 KiB with or without a checksum in its tail.
 */
#define LARGE 1360 /* bytes of a third */
#define SMALL 336

/* x^(8 * bytes - 33) modulo the polynomial, reflected. */
#define OVER_LARGE_2 UINT64_C(0x5aa1f3cf)
#define OVER_LARGE UINT64_C(0x3f70cc6f)
#define OVER_SMALL_2 UINT64_C(0xcec3662e)
#define OVER_SMALL UINT64_C(0xa60ce07b)

typedef long long vector __attribute__((vector_size(16)));

static inline uint64_t word_at(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, 8);
	return word;
}

__attribute__((target("sse4.2,pclmul"))) static inline uint32_t over(uint64_t crc, uint64_t factor)
{
	const vector a = { (long long)crc, 0 }, b = { (long long)factor, 0 };
	vector product = __builtin_ia32_pclmulqdq128(a, b, 0);

	return (uint32_t)__builtin_ia32_crc32di(0, (uint64_t)product[0]);
}

/* Three thirds of len bytes, a multiple of 8. */
__attribute__((target("sse4.2,pclmul"))) static inline uint32_t crc32c_thirds(
	uint32_t crc, const uint8_t *p, size_t len, uint64_t over_2, uint64_t over_1)
{
	uint64_t first = crc, second = 0, third = 0;

	for (size_t i = 0; i < len; i += 8) {
		first = __builtin_ia32_crc32di(first, word_at(p + i));
		second = __builtin_ia32_crc32di(second, word_at(p + len + i));
		third = __builtin_ia32_crc32di(third, word_at(p + 2 * len + i));
	}
	return over(first, over_2) ^ over(second, over_1) ^ (uint32_t)third;
}

__attribute__((target("sse4.2"))) static uint32_t crc32c_stream(uint32_t crc, const uint8_t *p, size_t len)
{
	uint64_t acc = crc;

	for (; len >= 8; len -= 8, p += 8)
		acc = __builtin_ia32_crc32di(acc, word_at(p));
	crc = (uint32_t)acc;
	for (; len; len--)
		crc = __builtin_ia32_crc32qi(crc, *p++);
	return crc;
}

__attribute__((target("sse4.2,pclmul"))) static uint32_t crc32c_streams(
	uint32_t crc, const uint8_t *p, size_t len)
{
	for (; len >= 3 * LARGE; len -= 3 * LARGE, p += 3 * LARGE)
		crc = crc32c_thirds(crc, p, LARGE, OVER_LARGE_2, OVER_LARGE);
	for (; len >= 3 * SMALL; len -= 3 * SMALL, p += 3 * SMALL)
		crc = crc32c_thirds(crc, p, SMALL, OVER_SMALL_2, OVER_SMALL);
	return crc32c_stream(crc, p, len);
}

uint32_t crc32c(uint32_t crc, const void *buf, size_t len)
{
	if (!__builtin_cpu_supports("sse4.2"))
		return ext2fs_crc32c_le(crc, buf, len);
	if (len >= 3 * SMALL && __builtin_cpu_supports("pclmul"))
		return crc32c_streams(crc, buf, len);
	return crc32c_stream(crc, buf, len);
}
#else
uint32_t crc32c(uint32_t crc, const void *buf, size_t len)
{
	return ext2fs_crc32c_le(crc, buf, len);
}
#endif
