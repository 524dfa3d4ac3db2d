/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Test vectors are written in hexadecimal. */
#ifndef EXT4D_TESTS_UNIT_HEX_H
#define EXT4D_TESTS_UNIT_HEX_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint8_t hex_nibble(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* Returns the number of bytes, at most max. */
static inline size_t hex_decode(const char *hex, uint8_t *ret, size_t max)
{
	size_t i, len = strlen(hex) / 2;

	for (i = 0; i < len && i < max; i++)
		ret[i] = (uint8_t)(hex_nibble(hex[2 * i]) << 4 | hex_nibble(hex[2 * i + 1]));
	return i;
}

#endif
