// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "util/crc32c.h"

#include <ext2fs/ext2fs.h>
#include <string.h>

#if defined(__x86_64__)
/*
 * SSE4.2's crc32 has a latency of three cycles and a throughput of one; one stream of eight
 * bytes each is already several GB/s, and the buffers here are 128 bytes to 64 KiB.
 */
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(
	uint32_t crc, const uint8_t *p, size_t len)
{
	uint64_t acc = crc;

	for (; len >= 8; len -= 8, p += 8) {
		uint64_t word;

		memcpy(&word, p, 8);
		acc = __builtin_ia32_crc32di(acc, word);
	}
	crc = (uint32_t)acc;
	for (; len; len--)
		crc = __builtin_ia32_crc32qi(crc, *p++);
	return crc;
}

uint32_t crc32c(uint32_t crc, const void *buf, size_t len)
{
	if (__builtin_cpu_supports("sse4.2"))
		return crc32c_sse42(crc, buf, len);
	return ext2fs_crc32c_le(crc, buf, len);
}
#else
uint32_t crc32c(uint32_t crc, const void *buf, size_t len)
{
	return ext2fs_crc32c_le(crc, buf, len);
}
#endif
