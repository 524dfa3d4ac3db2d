// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fs/xattr.h"

#include <errno.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/stat.h>

#include "format/acl.h"
#include "fs/eainode.h"
#include "fs/fs_i.h"
#include "fs/xattr_i.h"
#include "fs/xattrblock.h"

/*
 * Attributes are looked for in the inode first, then in its block, so that one in the inode hides
 * one of the same name in the block (ext4_xattr_get()).
 */
enum place_kind {
	PLACE_BODY,
	PLACE_BLOCK,
	PLACE_NR
};

/* A validated region and the held buffer that it lies in; buf is NULL where there is none. */
struct place {
	struct buf *buf;
	struct xattr_region region;
};

static void place_fini(struct place *place)
{
	cache_put(place->buf);
}

/* What getxattr(2) and listxattr(2) show. An ACL's prefix is its whole name. */
static const struct prefix {
	const char *text;
	uint8_t index; /* enum xattr_index */
	bool whole;
} prefixes[] = {
	{ "user.", XATTR_INDEX_USER, false },
	{ "trusted.", XATTR_INDEX_TRUSTED, false },
	{ "security.", XATTR_INDEX_SECURITY, false },
	{ "system.posix_acl_access", XATTR_INDEX_ACL_ACCESS, true },
	{ "system.posix_acl_default", XATTR_INDEX_ACL_DEFAULT, true },
};

#define PREFIX_NR (sizeof(prefixes) / sizeof(prefixes[0]))

/* Checked on each use: a buffer of the inode table keeps no proof per inode, and this is short. */
static int body_open(struct inode *inode, struct place *ret)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	struct fs *fs = inode->fs;
	const uint8_t *raw;
	const char *why;
	int err;

	err = dinode_load_raw(fs, inode->ino, &buf, &raw);
	if (err)
		return err;
	if (!xattr_region_body(&fs->sb, raw, &ret->region))
		return 0;
	err = xattr_region_check(&fs->sb, &ret->region, &why);
	if (err)
		return fs_corrupt(fs, inode->ino, err, "attributes in the inode: %s", why);
	ret->buf = STEAL(buf);
	return 0;
}

/* On success *ret is the caller's to release, whether or not there are attributes. */
static int place_open(struct inode *inode, enum place_kind kind, struct place *ret)
{
	*ret = (struct place){ .buf = NULL };
	return kind == PLACE_BODY ? body_open(inode, ret) :
				    xattrblock_open(inode, &ret->buf, &ret->region);
}

/* Finds key in the places before end; on success holds in *ret_place what *ret points into. */
static int find(struct inode *inode, const struct xattr_key *key, enum place_kind end,
	struct place *ret_place, struct xattr_entry *ret)
{
	unsigned kind;

	for (kind = PLACE_BODY; kind < (unsigned)end; kind++) {
		CLEANUP(place_fini) struct place place;
		int err = place_open(inode, (enum place_kind)kind, &place);

		if (err)
			return err;
		if (!place.buf)
			continue;
		if (xattr_region_find(&place.region, key->index, key->name, key->len, ret)) {
			*ret_place = place;
			place.buf = NULL;
			return 0;
		}
	}
	return -ENODATA;
}

/* Copies the whole value; buf has room for it. */
static int value_read(struct inode *inode, const struct xattr_entry *entry, uint8_t *buf)
{
	if (entry->value_ino)
		return eainode_read(inode, entry, buf);
	if (entry->value)
		memcpy(buf, entry->value, entry->value_size);
	return 0;
}

static ssize_t get_plain(struct inode *inode, const struct xattr_key *key, void *buf, size_t size)
{
	CLEANUP(place_fini) struct place place = { .buf = NULL };
	struct xattr_entry entry;
	int err;

	err = find(inode, key, PLACE_NR, &place, &entry);
	if (err)
		return err;
	if (!size)
		return entry.value_size;
	if (size < entry.value_size)
		return -ERANGE;
	err = value_read(inode, &entry, buf);
	return err ? err : (ssize_t)entry.value_size;
}

int xattr_load(struct inode *inode, const struct xattr_key *key, uint8_t **ret, size_t *ret_size)
{
	CLEANUP(place_fini) struct place place = { .buf = NULL };
	CLEANUP(cleanup_free) uint8_t *value = NULL;
	struct xattr_entry entry;
	int err;

	err = find(inode, key, PLACE_NR, &place, &entry);
	if (err)
		return err;
	value = malloc(entry.value_size ? entry.value_size : 1);
	if (!value)
		return -ENOMEM;
	err = value_read(inode, &entry, value);
	if (err)
		return err;
	*ret = STEAL(value);
	*ret_size = entry.value_size;
	return 0;
}

static ssize_t get_acl(struct inode *inode, const struct xattr_key *key, void *buf, size_t size)
{
	CLEANUP(cleanup_free) uint8_t *disk = NULL;
	size_t len;
	ssize_t n;
	int err;

	/* vfs_get_acl(): a symlink has none, whatever lies on disk. */
	if (S_ISLNK(inode->d.mode))
		return -EOPNOTSUPP;
	err = xattr_load(inode, key, &disk, &len);
	if (err)
		return err;
	/* It was set through setxattr(2), in a format that is no shorter. */
	if (len > XATTR_SIZE_MAX)
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN, "ACL of %zu bytes", len);
	n = acl_to_posix(disk, len, buf, size);
	if (n == -EUCLEAN)
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN, "ACL of impossible contents");
	return n ? n : -ENODATA;
}

int xattr_resolve(const char *name, struct xattr_key *ret)
{
	size_t i;

	for (i = 0; i < PREFIX_NR; i++) {
		const struct prefix *prefix = &prefixes[i];
		size_t len = strlen(prefix->text);

		if (strncmp(name, prefix->text, len) != 0)
			continue;
		if (prefix->whole && name[len])
			continue;
		if (!prefix->whole && !name[len])
			return -EINVAL;
		ret->index = (enum xattr_index)prefix->index;
		ret->name = name + len;
		ret->len = strlen(name + len);
		return ret->len > XATTR_NAME_LEN_MAX ? -ERANGE : 0;
	}
	return -EOPNOTSUPP;
}

/* While nobody can change anything there is nothing to wait for. */
static void lock_shared(struct inode *inode)
{
	if (inode->fs->opts.writable)
		rwlock_read(&inode->lock);
}

static void unlock_shared(struct inode *inode)
{
	if (inode->fs->opts.writable)
		rwlock_drop(&inode->lock);
}

ssize_t xattr_get(struct inode *inode, const char *name, void *buf, size_t size)
{
	struct xattr_key key;
	ssize_t n;
	int err;

	err = xattr_resolve(name, &key);
	if (err)
		return err;
	lock_shared(inode);
	n = xattr_key_is_acl(&key) ? get_acl(inode, &key, buf, size) :
				     get_plain(inode, &key, buf, size);
	unlock_shared(inode);
	return n;
}

/* The names so far; with size 0 they are only counted. */
struct list {
	char *buf;
	size_t size;
	size_t used;
	bool trusted;
};

/* How entry is shown, or NULL if it is not. */
static const struct prefix *prefix_of(const struct list *list, const struct xattr_entry *entry)
{
	size_t i;

	if (entry->index == XATTR_INDEX_TRUSTED && !list->trusted)
		return NULL;
	for (i = 0; i < PREFIX_NR; i++)
		if (prefixes[i].index == entry->index && !(prefixes[i].whole && entry->name_len))
			return &prefixes[i];
	return NULL;
}

static int list_add(struct list *list, const struct xattr_entry *entry)
{
	const struct prefix *prefix = prefix_of(list, entry);
	size_t len, need;
	char *p;

	if (!prefix)
		return 0;
	len = strlen(prefix->text);
	need = len + entry->name_len + 1;
	if (list->size) {
		if (need > list->size - list->used)
			return -ERANGE;
		p = list->buf + list->used;
		memcpy(p, prefix->text, len);
		memcpy(p + len, entry->name, entry->name_len);
		p[need - 1] = 0;
	}
	list->used += need;
	return 0;
}

static int list_place(struct inode *inode, enum place_kind kind, struct list *list)
{
	CLEANUP(place_fini) struct place place;
	struct xattr_entry entry;
	size_t pos;
	int err;

	err = place_open(inode, kind, &place);
	if (err || !place.buf)
		return err;
	pos = place.region.first;
	while (!err && xattr_region_next(&place.region, &pos, &entry))
		err = list_add(list, &entry);
	return err;
}

ssize_t xattr_list(struct inode *inode, bool trusted, char *buf, size_t size)
{
	struct list list = { .buf = buf, .size = size, .trusted = trusted };
	int err;

	lock_shared(inode);
	err = list_place(inode, PLACE_BODY, &list);
	if (!err)
		err = list_place(inode, PLACE_BLOCK, &list);
	unlock_shared(inode);
	return err ? err : (ssize_t)list.used;
}

bool xattr_maybe(struct inode *inode)
{
	size_t extra = inode->d.extra_isize;
	bool block;

	lock_shared(inode);
	block = inode->d.file_acl;
	unlock_shared(inode);
	return block || (extra && EXT2_GOOD_OLD_INODE_SIZE + extra + XATTR_BODY_HEADER <=
					  inode->fs->sb.inode_size);
}

ssize_t xattr_inline_data(struct inode *inode, void *buf, size_t size)
{
	static const struct xattr_key key = { XATTR_INDEX_SYSTEM, "data", 4 };
	CLEANUP(place_fini) struct place place = { .buf = NULL };
	struct xattr_entry entry;
	int err;

	err = find(inode, &key, PLACE_BLOCK, &place, &entry);
	if (err == -ENODATA)
		return 0;
	if (err)
		return err;
	if (entry.value_ino)
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN,
			"inline data in another inode");
	if (entry.value && size)
		memcpy(buf, entry.value, size < entry.value_size ? size : entry.value_size);
	return entry.value_size;
}

ssize_t xattr_crypt_context_locked(struct inode *inode, void *buf, size_t size)
{
	static const struct xattr_key key = { XATTR_INDEX_ENCRYPTION, "c", 1 };

	return get_plain(inode, &key, buf, size);
}
