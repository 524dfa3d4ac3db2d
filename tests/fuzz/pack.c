// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/le.h"

#define RECORD (4 + PACK_UNIT)

static bool is_packed(const uint8_t *data, size_t size)
{
	return size >= PACK_HEADER && le32_get(data) == PACK_MAGIC;
}

static int unpack(const uint8_t *data, size_t size, struct image *ret)
{
	uint32_t units = le32_get(data + 4);

	if (units > PACK_MAX_UNITS)
		units = PACK_MAX_UNITS;
	ret->len = (size_t)units * PACK_UNIT;
	ret->flags = le32_get(data + 8);
	ret->bytes = calloc(1, ret->len + 1);
	if (!ret->bytes)
		return -ENOMEM;
	for (size_t off = PACK_HEADER; size - off > 4; off += RECORD) {
		uint32_t unit = le32_get(data + off);
		size_t part = size - off - 4 < PACK_UNIT ? size - off - 4 : PACK_UNIT;

		if (unit < units)
			memcpy(ret->bytes + (size_t)unit * PACK_UNIT, data + off + 4, part);
		if (part < PACK_UNIT)
			break;
	}
	return 0;
}

int image_unpack(const uint8_t *data, size_t size, struct image *ret)
{
	*ret = (struct image){ .len = size, .flags = size & FUZZ_NORECOVERY };
	if (is_packed(data, size))
		return unpack(data, size, ret);
	ret->bytes = malloc(size + 1);
	if (!ret->bytes)
		return -ENOMEM;
	if (size)
		memcpy(ret->bytes, data, size);
	return 0;
}

static bool all_zero(const uint8_t *p, size_t len)
{
	return p[0] == 0 && memcmp(p, p + 1, len - 1) == 0;
}

size_t image_pack(const struct image *img, uint8_t *out, size_t max)
{
	size_t units = img->len / PACK_UNIT, used = PACK_HEADER;

	if (max < PACK_HEADER || units > PACK_MAX_UNITS)
		return 0;
	memset(out, 0, PACK_HEADER);
	le32_put(out, PACK_MAGIC);
	le32_put(out + 4, (uint32_t)units);
	le32_put(out + 8, img->flags);
	for (size_t i = 0; i < units; i++) {
		const uint8_t *unit = img->bytes + i * PACK_UNIT;

		if (all_zero(unit, PACK_UNIT))
			continue;
		if (max - used < RECORD)
			return 0;
		le32_put(out + used, (uint32_t)i);
		memcpy(out + used + 4, unit, PACK_UNIT);
		used += RECORD;
	}
	return used;
}

void image_fini(struct image *img)
{
	free(img->bytes);
	img->bytes = NULL;
}
