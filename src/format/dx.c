// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "format/dx.h"

#include <errno.h>

#include "format/le.h"
#include "util/crc32c.h"

/* Offsets in the root (behind "." and ".."), in a node, and in an entry. */
enum {
	ROOT_DOT_REC_LEN = 4,
	ROOT_INFO = 24,
	INFO_RESERVED_ZERO = 0,
	INFO_HASH_VERSION = 4,
	INFO_LENGTH = 5,
	INFO_INDIRECT_LEVELS = 6,
	INFO_UNUSED_FLAGS = 7,
	INFO_SIZE = 8,
	ROOT_ENTRIES = ROOT_INFO + INFO_SIZE,
	NODE_ENTRIES = 8,
	ENTRY_HASH = 0, /* in the first entry: limit and count instead */
	ENTRY_LIMIT = 0,
	ENTRY_COUNT = 2,
	ENTRY_BLOCK = 4,
	ENTRY_SIZE = 8,
	TAIL_CHECKSUM = 4,
	TAIL_SIZE = 8,
};

#define DOT_REC_LEN 12

static unsigned capacity(const struct super *sb, unsigned entries_off)
{
	unsigned tail = super_has_metadata_csum(sb) ? TAIL_SIZE : 0;

	return (sb->block_size - entries_off - tail) / ENTRY_SIZE;
}

/*
 * In directories whose records carry hashes, encrypted and casefolded, a node counts its own empty
 * record with them and so holds one entry less (dx_node_limit()).
 */
static bool limit_valid(const struct super *sb, unsigned off, unsigned limit)
{
	unsigned max = capacity(sb, off);

	if (off == NODE_ENTRIES && super_has_encrypt(sb) && super_has_casefold(sb) &&
		limit == max - 1)
		return true;
	return limit == max;
}

static int entries_decode(const struct super *sb, const uint8_t *block, unsigned off,
	struct dx_entries *ret, const char **ret_why)
{
	ret->raw = block + off;
	ret->limit = le16_get(ret->raw + ENTRY_LIMIT);
	ret->count = le16_get(ret->raw + ENTRY_COUNT);
	if (!limit_valid(sb, off, ret->limit))
		*ret_why = "index limit";
	else if (!ret->count || ret->count > ret->limit)
		*ret_why = "index count";
	else
		return 0;
	return -EUCLEAN;
}

int dx_root_decode(const struct super *sb, const uint8_t *block, struct dx_root_info *ret_info,
	struct dx_entries *ret, const char **ret_why)
{
	const uint8_t *info = block + ROOT_INFO;
	unsigned levels = super_has_largedir(sb) ? DX_MAX_LEVELS : DX_MAX_LEVELS - 1;

	ret_info->hash_version = info[INFO_HASH_VERSION];
	ret_info->indirect_levels = info[INFO_INDIRECT_LEVELS];
	*ret_why = NULL;
	if (le16_get(block + ROOT_DOT_REC_LEN) != DOT_REC_LEN)
		*ret_why = "index root without '.'";
	else if (le32_get(info + INFO_RESERVED_ZERO) || info[INFO_UNUSED_FLAGS] & 1)
		*ret_why = "index root flags";
	else if (info[INFO_LENGTH] != INFO_SIZE)
		*ret_why = "index root info length";
	else if (ret_info->indirect_levels >= levels)
		*ret_why = "index depth";
	if (*ret_why)
		return -EUCLEAN;
	if (ret_info->hash_version > EXT2_HASH_TEA && ret_info->hash_version != DX_HASH_SIPHASH) {
		*ret_why = "index hash version";
		return -EOPNOTSUPP;
	}
	return entries_decode(sb, block, ROOT_ENTRIES, ret, ret_why);
}

int dx_node_decode(const struct super *sb, const uint8_t *block, struct dx_entries *ret,
	const char **ret_why)
{
	return entries_decode(sb, block, NODE_ENTRIES, ret, ret_why);
}

uint32_t dx_hash(const struct dx_entries *entries, unsigned i)
{
	return i ? le32_get(entries->raw + (size_t)i * ENTRY_SIZE + ENTRY_HASH) : 0;
}

uint32_t dx_block(const struct dx_entries *entries, unsigned i)
{
	/* the high four bits are reserved, dx_get_block() */
	return le32_get(entries->raw + (size_t)i * ENTRY_SIZE + ENTRY_BLOCK) & 0x0FFFFFFF;
}

unsigned dx_search(const struct dx_entries *entries, uint32_t hash)
{
	unsigned lo = 0, hi = entries->count;

	while (hi - lo > 1) {
		unsigned mid = lo + (hi - lo) / 2;

		if (dx_hash(entries, mid) > hash)
			hi = mid;
		else
			lo = mid;
	}
	return lo;
}

bool dx_is_node(const struct super *sb, const uint8_t *block)
{
	uint16_t rec_len = le16_get(block + 4);

	if (le32_get(block))
		return false;
	if (sb->block_size == 65536)
		return rec_len == 65535 || rec_len == 0;
	return rec_len == sb->block_size;
}

bool dx_csum_ok(const struct super *sb, const uint8_t *block, bool is_root, uint32_t seed)
{
	static const uint8_t zero[4];
	unsigned off = is_root ? ROOT_ENTRIES : NODE_ENTRIES;
	struct dx_entries entries;
	const char *why;
	const uint8_t *tail;
	uint32_t crc;

	if (entries_decode(sb, block, off, &entries, &why))
		return false;
	tail = entries.raw + (size_t)entries.limit * ENTRY_SIZE;
	crc = crc32c(seed, block, off + (size_t)entries.count * ENTRY_SIZE);
	crc = crc32c(crc, tail, TAIL_CHECKSUM);
	crc = crc32c(crc, zero, sizeof(zero));
	return le32_get(tail + TAIL_CHECKSUM) == crc;
}
