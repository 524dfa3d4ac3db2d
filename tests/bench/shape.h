/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree that the workloads run on, known to the client, which fills images with it, and to the
 * do-nothing server, which answers as if it had one: directories d0000000, d0000001, ..., in each
 * the files f0000000, f0000001, ..., all of one size.
 */
#ifndef EXT4D_BENCH_SHAPE_H
#define EXT4D_BENCH_SHAPE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define SHAPE_DIR 'd'
#define SHAPE_FILE 'f'
#define SHAPE_NONE 'x' /* a name that no tree has */

#define SHAPE_DIGITS 7
#define SHAPE_MAX 9999999	      /* largest index with SHAPE_DIGITS */
#define SHAPE_NAME (SHAPE_DIGITS + 2) /* with the kind and the NUL */

struct shape {
	unsigned dirs, files; /* in the root, in each directory */
	uint64_t size;	      /* of a file, bytes */
};

static inline void shape_name(char kind, unsigned index, char ret[SHAPE_NAME])
{
	ret[0] = kind;
	for (int i = SHAPE_DIGITS; i > 0; i--, index /= 10)
		ret[i] = (char)('0' + index % 10);
	ret[SHAPE_NAME - 1] = '\0';
}

/* Whether name is the kind's with an index below limit. */
static inline bool shape_parse(const char *name, char kind, unsigned limit, unsigned *ret)
{
	unsigned index = 0;

	if (name[0] != kind || strlen(name) != SHAPE_NAME - 1)
		return false;
	for (int i = 1; i <= SHAPE_DIGITS; i++) {
		if (name[i] < '0' || name[i] > '9')
			return false;
		index = index * 10 + (unsigned)(name[i] - '0');
	}
	*ret = index;
	return index < limit;
}

#endif
