// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "format/acl.h"

#include <errno.h>
#include <stdbool.h>

#include "format/le.h"

#define DISK_VERSION 1
#define POSIX_VERSION 2

/* Both formats: a 32-bit version, then entries of a 16-bit tag, 16-bit permissions, 32-bit id. */
#define HEADER_SIZE 4
#define ENTRY_TAG 0
#define ENTRY_PERM 2
#define ENTRY_ID 4
#define ENTRY_SHORT 4 /* bytes without the id */
#define ENTRY_LONG 8

#define UNDEFINED_ID UINT32_MAX
#define PERM_ALL 7

enum acl_tag {
	TAG_USER_OBJ = 0x01,
	TAG_USER = 0x02,
	TAG_GROUP_OBJ = 0x04,
	TAG_GROUP = 0x08,
	TAG_MASK = 0x10,
	TAG_OTHER = 0x20,
};

struct acl_entry {
	uint16_t tag;
	uint16_t perm;
	uint32_t id; /* UNDEFINED_ID where the tag has none */
};

static bool tag_has_id(uint16_t tag)
{
	return tag == TAG_USER || tag == TAG_GROUP;
}

static bool tag_known(uint16_t tag)
{
	return tag == TAG_USER_OBJ || tag == TAG_GROUP_OBJ || tag == TAG_MASK || tag == TAG_OTHER ||
	       tag_has_id(tag);
}

/* Decodes the entry at *pos and moves past it; -EUCLEAN where none fits. */
static int decode_disk(const uint8_t *disk, size_t len, size_t *pos, struct acl_entry *ret)
{
	const uint8_t *raw = disk + *pos;
	size_t room = len - *pos;

	if (room < ENTRY_SHORT)
		return -EUCLEAN;
	ret->tag = le16_get(raw + ENTRY_TAG);
	ret->perm = le16_get(raw + ENTRY_PERM);
	ret->id = UNDEFINED_ID;
	if (!tag_known(ret->tag))
		return -EUCLEAN;
	if (tag_has_id(ret->tag)) {
		if (room < ENTRY_LONG)
			return -EUCLEAN;
		ret->id = le32_get(raw + ENTRY_ID);
	}
	*pos += tag_has_id(ret->tag) ? ENTRY_LONG : ENTRY_SHORT;
	return 0;
}

/*
 * Counts the entries. ext4 derives the count from the length, on the premise that exactly four
 * entries have no id or that there are fewer and no others: anything else it refuses.
 */
static int count_disk(const uint8_t *disk, size_t len, size_t *ret_nr)
{
	size_t pos = HEADER_SIZE, shorts = 0, longs = 0;

	if (len < HEADER_SIZE || le32_get(disk) != DISK_VERSION)
		return -EUCLEAN;
	while (pos < len) {
		struct acl_entry entry;
		int err = decode_disk(disk, len, &pos, &entry);

		if (err)
			return err;
		if (tag_has_id(entry.tag))
			longs++;
		else
			shorts++;
	}
	if (shorts > 4 || (longs && shorts != 4))
		return -EUCLEAN;
	*ret_nr = shorts + longs;
	return 0;
}

static void encode_posix(uint8_t *raw, const struct acl_entry *entry)
{
	le16_put(raw + ENTRY_TAG, entry->tag);
	le16_put(raw + ENTRY_PERM, entry->perm);
	le32_put(raw + ENTRY_ID, entry->id);
}

ssize_t acl_to_posix(const uint8_t *disk, size_t len, uint8_t *buf, size_t size)
{
	size_t need, i, nr = 0, pos = HEADER_SIZE;
	int err = len ? count_disk(disk, len, &nr) : 0;

	if (err)
		return err;
	if (!nr)
		return 0;
	need = HEADER_SIZE + nr * ENTRY_LONG;
	if (!size)
		return (ssize_t)need;
	if (size < need)
		return -ERANGE;
	le32_put(buf, POSIX_VERSION);
	for (i = 0; i < nr; i++) {
		struct acl_entry entry;

		err = decode_disk(disk, len, &pos, &entry);
		if (err)
			return err;
		encode_posix(buf + HEADER_SIZE + i * ENTRY_LONG, &entry);
	}
	return (ssize_t)need;
}

static void decode_posix(const uint8_t *raw, struct acl_entry *ret)
{
	ret->tag = le16_get(raw + ENTRY_TAG);
	ret->perm = le16_get(raw + ENTRY_PERM);
	ret->id = tag_has_id(ret->tag) ? le32_get(raw + ENTRY_ID) : UNDEFINED_ID;
}

/*
 * Whether the nr entries are an ACL: tags in rising order, users and groups any number of
 * times, the others at most once, a mask exactly if there are users or groups, or at will.
 */
static bool posix_valid(const uint8_t *entries, size_t nr)
{
	unsigned seen = 0;
	size_t i;

	for (i = 0; i < nr; i++) {
		struct acl_entry entry;

		decode_posix(entries + i * ENTRY_LONG, &entry);
		if (!tag_known(entry.tag) || entry.perm & ~PERM_ALL || seen > (2u * entry.tag - 1))
			return false;
		if (tag_has_id(entry.tag) ? entry.id == UNDEFINED_ID : seen & entry.tag)
			return false;
		seen |= entry.tag;
	}
	if (!(seen & TAG_USER_OBJ) || !(seen & TAG_GROUP_OBJ) || !(seen & TAG_OTHER))
		return false;
	return seen & TAG_MASK || !(seen & (TAG_USER | TAG_GROUP));
}

/* Bytes of the entry on disk. */
static size_t encode_disk(uint8_t *raw, const struct acl_entry *entry)
{
	le16_put(raw + ENTRY_TAG, entry->tag);
	le16_put(raw + ENTRY_PERM, entry->perm);
	if (!tag_has_id(entry->tag))
		return ENTRY_SHORT;
	le32_put(raw + ENTRY_ID, entry->id);
	return ENTRY_LONG;
}

/* Bytes of an ACL on disk whose nr entries are valid. */
static size_t disk_size(const uint8_t *entries, size_t nr)
{
	size_t i, size = HEADER_SIZE;

	for (i = 0; i < nr; i++)
		size += tag_has_id(le16_get(entries + i * ENTRY_LONG)) ? ENTRY_LONG : ENTRY_SHORT;
	return size;
}

ssize_t acl_from_posix(const uint8_t *posix, size_t len, uint8_t *buf, size_t size)
{
	const uint8_t *entries = posix + HEADER_SIZE;
	size_t i, need, nr, pos = HEADER_SIZE;

	if (!len)
		return 0;
	if (len < HEADER_SIZE || (len - HEADER_SIZE) % ENTRY_LONG)
		return -EINVAL;
	if (le32_get(posix) != POSIX_VERSION)
		return -EOPNOTSUPP;
	nr = (len - HEADER_SIZE) / ENTRY_LONG;
	if (!nr)
		return 0;
	if (!posix_valid(entries, nr))
		return -EINVAL;
	need = disk_size(entries, nr);
	if (!size)
		return (ssize_t)need;
	if (size < need)
		return -ERANGE;
	le32_put(buf, DISK_VERSION);
	for (i = 0; i < nr; i++) {
		struct acl_entry entry;

		decode_posix(entries + i * ENTRY_LONG, &entry);
		pos += encode_disk(buf + pos, &entry);
	}
	return (ssize_t)need;
}

/* ---- beside a mode ---- */

#define SHIFT_USER 6 /* of the owner's bits in a mode, then the group's */
#define SHIFT_GROUP 3
#define MODE_PERMS 0777

/* Where the permissions of an ACL's parts lie that have bits of a mode; 0: it has no such part. */
struct parts {
	size_t user, group, mask, other;
	bool more; /* there are entries that no mode has bits for */
};

static int find_parts(const uint8_t *disk, size_t len, struct parts *ret)
{
	size_t pos = HEADER_SIZE, nr;
	int err = count_disk(disk, len, &nr);

	*ret = (struct parts){ .more = false };
	while (!err && pos < len) {
		struct acl_entry entry;
		size_t at = pos + ENTRY_PERM;

		err = decode_disk(disk, len, &pos, &entry);
		if (err)
			break;
		if (entry.tag == TAG_USER_OBJ)
			ret->user = at;
		else if (entry.tag == TAG_GROUP_OBJ)
			ret->group = at;
		else if (entry.tag == TAG_OTHER)
			ret->other = at;
		else
			ret->more = true;
		if (entry.tag == TAG_MASK)
			ret->mask = at;
	}
	if (err)
		return err;
	return ret->user && ret->group && ret->other ? 0 : -EUCLEAN;
}

/* Where the group's bits of the mode are: a mask takes the owning group's place. */
static size_t group_class(const struct parts *parts)
{
	return parts->mask ? parts->mask : parts->group;
}

static uint16_t mode_of(const uint8_t *disk, const struct parts *parts)
{
	unsigned user = le16_get(disk + parts->user) & PERM_ALL;
	unsigned group = le16_get(disk + group_class(parts)) & PERM_ALL;
	unsigned other = le16_get(disk + parts->other) & PERM_ALL;

	return (uint16_t)(user << SHIFT_USER | group << SHIFT_GROUP | other);
}

int acl_equiv_mode(const uint8_t *disk, size_t len, uint16_t *mode)
{
	struct parts parts;
	int err = find_parts(disk, len, &parts);

	if (err)
		return err;
	*mode = (uint16_t)((*mode & ~MODE_PERMS) | mode_of(disk, &parts));
	return parts.more;
}

int acl_create_masq(uint8_t *disk, size_t len, uint16_t *mode)
{
	struct parts parts;
	uint16_t both;
	int err = find_parts(disk, len, &parts);

	if (err)
		return err;
	both = *mode & mode_of(disk, &parts);
	*mode = (uint16_t)((*mode & ~MODE_PERMS) | both);
	err = acl_chmod_masq(disk, len, both);
	return err ? err : parts.more;
}

int acl_chmod_masq(uint8_t *disk, size_t len, uint16_t mode)
{
	struct parts parts;
	int err = find_parts(disk, len, &parts);

	if (err)
		return err;
	le16_put(disk + parts.user, mode >> SHIFT_USER & PERM_ALL);
	le16_put(disk + group_class(&parts), mode >> SHIFT_GROUP & PERM_ALL);
	le16_put(disk + parts.other, mode & PERM_ALL);
	return 0;
}
