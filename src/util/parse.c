// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "util/parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

/* strtoull() without its liberties: no sign, no leading space, at least one digit. */
static int parse_digits(const char *text, uint64_t *ret, const char **ret_end)
{
	int base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	*ret = strtoull(text, &end, base);
	if (errno)
		return -ERANGE;
	*ret_end = end;
	return 0;
}

static int suffix_shift(char c)
{
	switch (c) {
	case 's':
		return 9;
	case 'k':
	case 'K':
		return 10;
	case 'm':
	case 'M':
		return 20;
	case 'g':
	case 'G':
		return 30;
	case 't':
	case 'T':
		return 40;
	default:
		return -1;
	}
}

int parse_size(const char *text, uint64_t *ret)
{
	const char *end;
	uint64_t value;
	int shift = 0;
	int err = parse_digits(text, &value, &end);

	if (err)
		return err;
	if (*end) {
		shift = suffix_shift(*end);
		if (shift < 0 || end[1])
			return -EINVAL;
	}
	if (value > (uint64_t)INT64_MAX >> shift)
		return -ERANGE;
	*ret = value << shift;
	return 0;
}

int parse_number(const char *text, uint64_t max, uint64_t *ret)
{
	const char *end;
	int err = parse_digits(text, ret, &end);

	if (err)
		return err;
	if (*end)
		return -EINVAL;
	return *ret > max ? -ERANGE : 0;
}

char *parse_option(char **list)
{
	char *option = *list, *from = option, *to = option;

	if (!option)
		return NULL;
	for (; *from && *from != ','; *to++ = *from++)
		if (from[0] == '\\' && (from[1] == ',' || from[1] == '\\'))
			from++;
	*list = *from ? from + 1 : NULL;
	*to = '\0';
	return option;
}
