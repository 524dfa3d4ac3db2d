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
	/* dx_get_block() */
	return le32_get(entries->raw + (size_t)i * ENTRY_SIZE + ENTRY_BLOCK) & DX_BLOCK_MAX;
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

static unsigned off_of(bool is_root)
{
	return is_root ? ROOT_ENTRIES : NODE_ENTRIES;
}

/* The checksum as it should be, and where it lies. */
static uint32_t csum(const uint8_t *block, unsigned off, uint32_t seed, size_t *ret_at)
{
	static const uint8_t zero[4];
	unsigned limit = le16_get(block + off + ENTRY_LIMIT);
	unsigned count = le16_get(block + off + ENTRY_COUNT);
	size_t tail = off + (size_t)limit * ENTRY_SIZE;
	uint32_t crc = crc32c(seed, block, off + (size_t)count * ENTRY_SIZE);

	crc = crc32c(crc, block + tail, TAIL_CHECKSUM);
	*ret_at = tail + TAIL_CHECKSUM;
	return crc32c(crc, zero, sizeof(zero));
}

bool dx_csum_ok(const struct super *sb, const uint8_t *block, bool is_root, uint32_t seed)
{
	unsigned off = off_of(is_root);
	struct dx_entries entries;
	const char *why;
	uint32_t crc;
	size_t at;

	if (entries_decode(sb, block, off, &entries, &why))
		return false;
	crc = csum(block, off, seed, &at);
	return le32_get(block + at) == crc;
}

/* ---- changing ---- */

static void entry_put(uint8_t *entries, unsigned i, uint32_t hash, uint32_t lblk)
{
	if (i)
		le32_put(entries + (size_t)i * ENTRY_SIZE + ENTRY_HASH, hash);
	le32_put(entries + (size_t)i * ENTRY_SIZE + ENTRY_BLOCK, lblk);
}

static void counts_put(uint8_t *entries, unsigned limit, unsigned count)
{
	le16_put(entries + ENTRY_LIMIT, (uint16_t)limit);
	le16_put(entries + ENTRY_COUNT, (uint16_t)count);
}

static unsigned count_get(const uint8_t *entries)
{
	return le16_get(entries + ENTRY_COUNT);
}

void dx_root_init(const struct super *sb, uint8_t *block, uint8_t hash_version, uint32_t leaf)
{
	uint8_t *info = block + ROOT_INFO;

	memset(info, 0, sb->block_size - ROOT_INFO);
	/* at 64 KiB the rest of the block still fits the 16 bits */
	le16_put(block + DOT_REC_LEN + ROOT_DOT_REC_LEN, (uint16_t)(sb->block_size - DOT_REC_LEN));
	info[INFO_HASH_VERSION] = hash_version;
	info[INFO_LENGTH] = INFO_SIZE;
	counts_put(block + ROOT_ENTRIES, capacity(sb, ROOT_ENTRIES), 1);
	entry_put(block + ROOT_ENTRIES, 0, 0, leaf);
}

/* A node without entries; dx_node_limit(). */
static uint8_t *node_init(const struct super *sb, uint8_t *block, bool hashed)
{
	memset(block, 0, sb->block_size);
	le16_put(block + 4, sb->block_size >= 65536 ? 65535 : (uint16_t)sb->block_size);
	counts_put(block + NODE_ENTRIES, capacity(sb, NODE_ENTRIES) - (hashed ? 1 : 0), 0);
	return block + NODE_ENTRIES;
}

/* Copies nr entries, and their number; the first one's hash becomes the counts. */
static void entries_move(uint8_t *to, const uint8_t *from, unsigned nr)
{
	memcpy(to + ENTRY_BLOCK, from + ENTRY_BLOCK, (size_t)nr * ENTRY_SIZE - ENTRY_BLOCK);
	le16_put(to + ENTRY_COUNT, (uint16_t)nr);
}

void dx_insert(uint8_t *block, bool is_root, unsigned i, uint32_t hash, uint32_t lblk)
{
	uint8_t *entries = block + off_of(is_root);
	unsigned count = count_get(entries);
	uint8_t *at = entries + (size_t)(i + 1) * ENTRY_SIZE;

	memmove(at + ENTRY_SIZE, at, (size_t)(count - i - 1) * ENTRY_SIZE);
	entry_put(entries, i + 1, hash, lblk);
	le16_put(entries + ENTRY_COUNT, (uint16_t)(count + 1));
}

void dx_node_split(const struct super *sb, uint8_t *left, uint8_t *right, bool hashed,
	uint32_t *ret_hash)
{
	uint8_t *from = left + NODE_ENTRIES, *to = node_init(sb, right, hashed);
	unsigned count = count_get(from), keep = count / 2;

	*ret_hash = le32_get(from + (size_t)keep * ENTRY_SIZE + ENTRY_HASH);
	entries_move(to, from + (size_t)keep * ENTRY_SIZE, count - keep);
	le16_put(from + ENTRY_COUNT, (uint16_t)keep);
}

void dx_root_push_down(const struct super *sb, uint8_t *root, uint8_t *node, bool hashed,
	uint32_t lblk)
{
	uint8_t *from = root + ROOT_ENTRIES;

	entries_move(node_init(sb, node, hashed), from, count_get(from));
	le16_put(from + ENTRY_COUNT, 1);
	entry_put(from, 0, 0, lblk);
	root[ROOT_INFO + INFO_INDIRECT_LEVELS]++;
}

void dx_csum_set(const struct super *sb, uint8_t *block, bool is_root, uint32_t seed)
{
	uint32_t crc;
	size_t at;

	if (!super_has_metadata_csum(sb))
		return;
	crc = csum(block, off_of(is_root), seed, &at);
	le32_put(block + at, crc);
}
