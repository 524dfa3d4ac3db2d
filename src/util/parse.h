/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXT4D_UTIL_PARSE_H
#define EXT4D_UTIL_PARSE_H

#include <stdint.h>

#include "util/cleanup.h"

/*
 * Parses a byte count: decimal or 0x-hexadecimal digits, then nothing or one of k, M, G, T
 * (powers of 1024, either case) or s (512-byte sectors). 0, -EINVAL, or -ERANGE past 2^63 - 1.
 */
int parse_size(const char *text, uint64_t *ret) MUST_CHECK;

/* Parses a plain number of at most max: decimal or 0x-hexadecimal. 0, -EINVAL or -ERANGE. */
int parse_number(const char *text, uint64_t max, uint64_t *ret) MUST_CHECK;

/*
 * Cuts the next option off a comma-separated list, in place: at a comma that no backslash precedes. The backslashes
 * before commas and backslashes are taken away. NULL: *list, which becomes NULL with the last option, was it.
 */
char *parse_option(char **list);

#endif
