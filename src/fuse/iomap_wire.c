// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fuse/iomap_wire.h"

#include <errno.h>
#include <string.h>

int iomap_wire_argument(const struct abi_in_header *head, size_t len, void *ret, size_t ret_len)
{
	if (len < sizeof(*head) || len - sizeof(*head) < ret_len)
		return -EINVAL;
	memcpy(ret, head + 1, ret_len);
	return 0;
}

/* A map without a place on a device. */
static struct iomap_abi_map placeless(enum iomap_abi_type type, uint64_t offset, uint64_t length)
{
	return (struct iomap_abi_map){ .offset = offset, .length = length,
		.addr = IOMAP_ABI_NO_ADDR, .type = (uint16_t)type, .dev = IOMAP_ABI_NO_DEV };
}

struct iomap_abi_map iomap_wire_overwrite(const struct iomap_abi_map *read)
{
	return placeless(IOMAP_ABI_PURE_OVERWRITE, read->offset, read->length);
}

struct iomap_abi_map iomap_wire_retry(const struct iomap_abi_map *read)
{
	return placeless(IOMAP_ABI_RETRY_CACHE, read->offset, read->length);
}

struct iomap_abi_map iomap_wire_nocache(void)
{
	return (struct iomap_abi_map){ .type = IOMAP_ABI_NOCACHE };
}

/* Whether a map's place fits its type. */
static bool place_fits(const struct iomap_abi_map *map)
{
	bool has_addr = map->addr != IOMAP_ABI_NO_ADDR, has_dev = map->dev != IOMAP_ABI_NO_DEV;

	switch (map->type) {
	case IOMAP_ABI_MAPPED:
	case IOMAP_ABI_UNWRITTEN:
		return has_addr && has_dev && map->length <= UINT64_MAX - map->addr;
	case IOMAP_ABI_HOLE:
	case IOMAP_ABI_DELALLOC:
	case IOMAP_ABI_INLINE:
		return !has_addr && !has_dev;
	case IOMAP_ABI_PURE_OVERWRITE:
		return true;
	default:
		return false;
	}
}

/* One half by itself. */
static bool map_is_valid(const struct iomap_abi_map *map, const struct iomap_wire_limits *limits)
{
	uint64_t mask = limits->block_size - 1;

	if (map->flags & ~IOMAP_ABI_F_SERVER || !map->length)
		return false;
	if ((map->offset | map->length) & mask || map->length > UINT64_MAX - map->offset)
		return false;
	return map->offset < limits->max_size && place_fits(map);
}

static bool covers(const struct iomap_abi_map *map, uint64_t pos)
{
	return map->offset <= pos && pos - map->offset < map->length;
}

int iomap_wire_check_begin(const struct iomap_abi_begin_out *out, uint64_t pos,
	const struct iomap_wire_limits *limits)
{
	bool retry = out->read.type == IOMAP_ABI_RETRY_CACHE;

	if (out->read.type == IOMAP_ABI_PURE_OVERWRITE || (retry && !limits->cached))
		return -EUCLEAN;
	if (!retry && !map_is_valid(&out->read, limits))
		return -EUCLEAN;
	if (!map_is_valid(&out->write, limits))
		return -EUCLEAN;
	return covers(&out->read, pos) && covers(&out->write, pos) ? 0 : -EUCLEAN;
}

int iomap_wire_check_upsert(const struct iomap_abi_upsert *upsert,
	const struct iomap_wire_limits *limits)
{
	if (upsert->read.type == IOMAP_ABI_PURE_OVERWRITE)
		return -EUCLEAN;
	if (upsert->read.type != IOMAP_ABI_NOCACHE && !map_is_valid(&upsert->read, limits))
		return -EUCLEAN;
	if (upsert->write.type != IOMAP_ABI_NOCACHE && !map_is_valid(&upsert->write, limits))
		return -EUCLEAN;
	return 0;
}
