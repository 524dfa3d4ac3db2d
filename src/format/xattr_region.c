// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "format/xattr_region.h"

#include <errno.h>

#include "format/le.h"
#include "util/crc32c.h"

/* struct ext4_inode: the fields of the first 128 bytes, then i_extra_isize. */
#define DINODE_FIXED 128
#define DINODE_EXTRA_ISIZE 128

/* struct ext4_xattr_header. */
#define HEADER_MAGIC 0
#define HEADER_REFCOUNT 4
#define HEADER_BLOCKS 8
#define HEADER_HASH 12
#define HEADER_CHECKSUM 16

/* struct ext4_xattr_entry. */
#define ENTRY_NAME_LEN 0
#define ENTRY_INDEX 1
#define ENTRY_VALUE_OFFS 2
#define ENTRY_VALUE_INUM 4
#define ENTRY_VALUE_SIZE 8
#define ENTRY_HASH 12
#define ENTRY_NAME 16

/* The list of entries ends with a word of zeros, where the next entry would begin. */
#define LIST_END 4

/* Rotations of the entry hash, in bits. */
#define NAME_SHIFT 5
#define VALUE_SHIFT 16
#define BLOCK_SHIFT 16 /* of a block's hash */

_Static_assert(ENTRY_NAME == XATTR_ENTRY_HEADER, "the name follows the entry's fields");

bool xattr_region_body(const struct super *sb, const uint8_t *raw, struct xattr_region *ret)
{
	size_t extra, used;

	if (sb->inode_size < DINODE_FIXED + sizeof(uint16_t))
		return false;
	/* 0: an inode from before the fields existed; ext4 then looks for no attributes either. */
	extra = le16_get(raw + DINODE_EXTRA_ISIZE);
	used = DINODE_FIXED + extra;
	if (!extra || used > sb->inode_size || sb->inode_size - used < XATTR_BODY_HEADER)
		return false;
	if (le32_get(raw + used) != XATTR_MAGIC)
		return false;
	*ret = (struct xattr_region){
		.data = raw + used,
		.len = sb->inode_size - used,
		.first = XATTR_BODY_HEADER,
		.base = XATTR_BODY_HEADER,
	};
	return true;
}

int xattr_region_block(const struct super *sb, const uint8_t *block, struct xattr_region *ret)
{
	if (le32_get(block + HEADER_MAGIC) != XATTR_MAGIC || le32_get(block + HEADER_BLOCKS) != 1)
		return -EUCLEAN;
	*ret = (struct xattr_region){
		.data = block,
		.len = sb->block_size,
		.first = XATTR_BLOCK_HEADER,
		.base = 0,
	};
	return 0;
}

/* Where an entry's value lies; NULL if it is empty, elsewhere or leaves the region. */
static const uint8_t *value_in_region(const struct xattr_region *region, const uint8_t *raw)
{
	size_t off = region->base + le16_get(raw + ENTRY_VALUE_OFFS);
	size_t size = le32_get(raw + ENTRY_VALUE_SIZE);

	if (!size || le32_get(raw + ENTRY_VALUE_INUM))
		return NULL;
	if (off > region->len || size > region->len - off)
		return NULL;
	return region->data + off;
}

/*
 * Decodes the entry at pos: 1 and where the next one begins, 0 at the end of the list, -EUCLEAN
 * where neither an entry with a successor nor the end of the list fits.
 */
static int decode_entry(const struct xattr_region *region, size_t pos, struct xattr_entry *ret,
	size_t *ret_next)
{
	const uint8_t *raw;
	size_t room, size;

	if (pos > region->len || region->len - pos < LIST_END)
		return -EUCLEAN;
	raw = region->data + pos;
	room = region->len - pos;
	if (!le32_get(raw))
		return 0;
	if (room < XATTR_ENTRY_HEADER)
		return -EUCLEAN;
	size = xattr_padded(XATTR_ENTRY_HEADER + raw[ENTRY_NAME_LEN]);
	if (room < size + LIST_END)
		return -EUCLEAN;
	*ret = (struct xattr_entry){
		.index = raw[ENTRY_INDEX],
		.name_len = raw[ENTRY_NAME_LEN],
		.name = raw + ENTRY_NAME,
		.hash = le32_get(raw + ENTRY_HASH),
		.value_ino = le32_get(raw + ENTRY_VALUE_INUM),
		.value_size = le32_get(raw + ENTRY_VALUE_SIZE),
		.value = value_in_region(region, raw),
	};
	*ret_next = pos + size;
	return 1;
}

bool xattr_region_next(const struct xattr_region *region, size_t *pos, struct xattr_entry *ret)
{
	return decode_entry(region, *pos, ret, pos) > 0;
}

bool xattr_region_find(const struct xattr_region *region, enum xattr_index index, const char *name,
	size_t name_len, struct xattr_entry *ret)
{
	size_t pos = region->first;

	while (xattr_region_next(region, &pos, ret))
		if (ret->index == index && ret->name_len == name_len &&
			!memcmp(ret->name, name, name_len))
			return true;
	return false;
}

/* Walks the names; *ret_end is the offset behind the list, where values may begin. */
static const char *check_names(const struct xattr_region *region, size_t *ret_end)
{
	struct xattr_entry entry;
	size_t pos = region->first;
	int more;

	while ((more = decode_entry(region, pos, &entry, &pos)) > 0)
		if (memchr(entry.name, 0, entry.name_len))
			return "NUL in a name";
	if (more < 0)
		return "name out of bounds";
	*ret_end = pos + LIST_END;
	return NULL;
}

/* As ext4_valid_inum(), and never the root directory. */
static bool value_ino_valid(const struct super *sb, uint32_t ino)
{
	return ino >= sb->first_ino && ino <= sb->inodes;
}

static const char *check_value(const struct super *sb, const struct xattr_region *region,
	const struct xattr_entry *entry, size_t names_end)
{
	size_t off;

	if (entry->value_size > XATTR_VALUE_MAX)
		return "value too large";
	if (entry->value_ino && !super_has_ea_inode(sb))
		return "value in an inode without the ea_inode feature";
	if (entry->value_ino)
		return value_ino_valid(sb, entry->value_ino) ? NULL : "impossible value inode";
	if (!entry->value_size)
		return NULL;
	if (!entry->value)
		return "value out of bounds";
	off = (size_t)(entry->value - region->data);
	if (off < names_end)
		return "value overlaps the names";
	if (xattr_padded(entry->value_size) > region->len - off)
		return "value's padding out of bounds";
	return NULL;
}

int xattr_region_check(const struct super *sb, const struct xattr_region *region,
	const char **ret_why)
{
	size_t pos = region->first, names_end = 0;
	const char *why = check_names(region, &names_end);
	struct xattr_entry entry;

	while (!why && xattr_region_next(region, &pos, &entry))
		why = check_value(sb, region, &entry, names_end);
	*ret_why = why;
	return why ? -EUCLEAN : 0;
}

static uint32_t block_csum(const struct super *sb, uint64_t pblk, const uint8_t *block)
{
	static const uint8_t zero[sizeof(uint32_t)];
	const size_t rest = HEADER_CHECKSUM + sizeof(zero);
	uint64_t le_pblk = htole64(pblk);
	uint32_t crc = crc32c(sb->csum_seed, &le_pblk, sizeof(le_pblk));

	crc = crc32c(crc, block, HEADER_CHECKSUM);
	crc = crc32c(crc, zero, sizeof(zero));
	return crc32c(crc, block + rest, sb->block_size - rest);
}

bool xattr_block_csum_ok(const struct super *sb, uint64_t pblk, const uint8_t *block)
{
	return !super_has_metadata_csum(sb) ||
	       block_csum(sb, pblk, block) == le32_get(block + HEADER_CHECKSUM);
}

void xattr_block_set_csum(const struct super *sb, uint64_t pblk, uint8_t *block)
{
	uint32_t csum = super_has_metadata_csum(sb) ? block_csum(sb, pblk, block) : 0;

	le32_put(block + HEADER_CHECKSUM, csum);
}

static uint32_t hash_name(const uint8_t *name, size_t len, enum xattr_char kind)
{
	uint32_t hash = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		/* As a signed char, a byte from 0x80 on sets all the bits above it. */
		uint32_t c = kind == XATTR_CHAR_SIGNED ? (uint32_t)(int8_t)name[i] : name[i];

		hash = (hash << NAME_SHIFT) ^ (hash >> (32 - NAME_SHIFT)) ^ c;
	}
	return hash;
}

uint32_t xattr_entry_hash(const uint8_t *name, size_t name_len, const uint8_t *value,
	size_t value_len, enum xattr_char kind)
{
	uint32_t hash = hash_name(name, name_len, kind);

	while (value_len) {
		uint8_t word[sizeof(uint32_t)] = { 0 };
		size_t n = value_len < sizeof(word) ? value_len : sizeof(word);

		memcpy(word, value, n);
		hash = (hash << VALUE_SHIFT) ^ (hash >> (32 - VALUE_SHIFT)) ^ le32_get(word);
		value += n;
		value_len -= n;
	}
	return hash;
}

bool xattr_entry_hash_ok(const struct xattr_entry *entry, uint32_t value_hash)
{
	uint8_t word[sizeof(uint32_t)];

	le32_put(word, value_hash);
	return entry->hash == xattr_entry_hash(entry->name, entry->name_len, word, sizeof(word),
				      XATTR_CHAR_UNSIGNED) ||
	       entry->hash == xattr_entry_hash(entry->name, entry->name_len, word, sizeof(word),
				      XATTR_CHAR_SIGNED);
}

uint32_t xattr_value_hash(const struct super *sb, const uint8_t *value, size_t len)
{
	return crc32c(sb->csum_seed, value, len);
}

size_t xattr_region_need(const struct xattr_entry *entries, size_t nr)
{
	size_t i, need = LIST_END;

	for (i = 0; i < nr; i++)
		need += xattr_entry_size(&entries[i]);
	return need;
}

/* Writes one entry at pos and its value, if it is to be in the region, below *value_pos. */
static size_t encode_entry(const struct xattr_entry *entry, uint8_t *data, size_t pos, size_t base,
	size_t *value_pos)
{
	uint8_t *raw = data + pos;

	raw[ENTRY_NAME_LEN] = entry->name_len;
	raw[ENTRY_INDEX] = entry->index;
	le32_put(raw + ENTRY_VALUE_INUM, entry->value_ino);
	le32_put(raw + ENTRY_VALUE_SIZE, entry->value_size);
	le32_put(raw + ENTRY_HASH, entry->hash);
	memcpy(raw + ENTRY_NAME, entry->name, entry->name_len);
	if (entry->value_size && !entry->value_ino) {
		*value_pos -= xattr_padded(entry->value_size);
		memcpy(data + *value_pos, entry->value, entry->value_size);
		le16_put(raw + ENTRY_VALUE_OFFS, (uint16_t)(*value_pos - base));
	}
	return pos + xattr_padded(XATTR_ENTRY_HEADER + entry->name_len);
}

static void encode_entries(const struct xattr_entry *entries, size_t nr, uint8_t *data, size_t len,
	size_t first, size_t base)
{
	size_t i, pos = first, value_pos = len;

	for (i = 0; i < nr; i++)
		pos = encode_entry(&entries[i], data, pos, base, &value_pos);
}

int xattr_region_encode_body(const struct xattr_entry *entries, size_t nr, uint8_t *data, size_t len)
{
	if (nr && (len < XATTR_BODY_HEADER ||
			  xattr_region_need(entries, nr) > len - XATTR_BODY_HEADER))
		return -ENOSPC;
	memset(data, 0, len);
	if (!nr)
		return 0;
	le32_put(data, XATTR_MAGIC);
	encode_entries(entries, nr, data, len, XATTR_BODY_HEADER, XATTR_BODY_HEADER);
	return 0;
}

int xattr_region_encode_block(const struct super *sb, const struct xattr_entry *entries, size_t nr,
	uint32_t refcount, uint8_t *block)
{
	if (xattr_region_need(entries, nr) > sb->block_size - XATTR_BLOCK_HEADER)
		return -ENOSPC;
	memset(block, 0, sb->block_size);
	le32_put(block + HEADER_MAGIC, XATTR_MAGIC);
	le32_put(block + HEADER_REFCOUNT, refcount);
	le32_put(block + HEADER_BLOCKS, 1);
	le32_put(block + HEADER_HASH, xattr_block_hash(entries, nr));
	encode_entries(entries, nr, block, sb->block_size, XATTR_BLOCK_HEADER, 0);
	return 0;
}

int xattr_entry_compare(const struct xattr_entry *a, const struct xattr_entry *b)
{
	if (a->index != b->index)
		return a->index < b->index ? -1 : 1;
	if (a->name_len != b->name_len)
		return a->name_len < b->name_len ? -1 : 1;
	return memcmp(a->name, b->name, a->name_len);
}

/* ext4_xattr_rehash() */
uint32_t xattr_block_hash(const struct xattr_entry *entries, size_t nr)
{
	uint32_t hash = 0;
	size_t i;

	for (i = 0; i < nr; i++) {
		/* an entry without a hash says nothing about its value */
		if (!entries[i].hash)
			return 0;
		hash = (hash << BLOCK_SHIFT) ^ (hash >> (32 - BLOCK_SHIFT)) ^ entries[i].hash;
	}
	return hash;
}

uint32_t xattr_block_refcount(const uint8_t *block)
{
	return le32_get(block + HEADER_REFCOUNT);
}

void xattr_block_set_refcount(uint8_t *block, uint32_t refcount)
{
	le32_put(block + HEADER_REFCOUNT, refcount);
}
