// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fs/xattr.h"

#include <errno.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/stat.h>

#include "format/acl.h"
#include "format/xattr_region.h"
#include "fs/file.h"
#include "fs/fs_i.h"

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

/* A name as it is stored: prefix as a number, the rest as text. */
struct key {
	enum xattr_index index;
	const char *name;
	size_t len;
};

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

/* Once per buffer: what has passed is remembered as the buffer's proof. */
static int block_verify(struct inode *inode, struct buf *buf, const struct xattr_region *region)
{
	struct fs *fs = inode->fs;
	const char *why;
	int err;

	if (buf_proven(buf, BUF_KIND_XATTR, 0))
		return 0;
	if (!xattr_block_csum_ok(&fs->sb, buf->pblk, buf->data))
		return fs_corrupt(fs, inode->ino, -EBADMSG,
			"attribute block %llu: checksum does not match",
			(unsigned long long)buf->pblk);
	err = xattr_region_check(&fs->sb, region, &why);
	if (err)
		return fs_corrupt(fs, inode->ino, err, "attribute block %llu: %s",
			(unsigned long long)buf->pblk, why);
	buf_set_proven(buf, BUF_KIND_XATTR, 0);
	return 0;
}

static int block_open(struct inode *inode, struct place *ret)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	struct fs *fs = inode->fs;
	uint64_t pblk = inode->d.file_acl;
	int err;

	if (!pblk)
		return 0;
	if (!super_block_range_valid(&fs->sb, pblk, 1))
		return fs_corrupt(fs, inode->ino, -EUCLEAN, "attribute block %llu is impossible",
			(unsigned long long)pblk);
	err = cache_get(fs->cache, pblk, &buf);
	if (err)
		return err;
	err = xattr_region_block(&fs->sb, buf->data, &ret->region);
	if (err)
		return fs_corrupt(fs, inode->ino, err, "attribute block %llu: bad header",
			(unsigned long long)pblk);
	err = block_verify(inode, buf, &ret->region);
	if (err)
		return err;
	ret->buf = STEAL(buf);
	return 0;
}

/* On success *ret is the caller's to release, whether or not there are attributes. */
static int place_open(struct inode *inode, enum place_kind kind, struct place *ret)
{
	*ret = (struct place){ .buf = NULL };
	return kind == PLACE_BODY ? body_open(inode, ret) : block_open(inode, ret);
}

/* Finds key in the places before end; on success holds in *ret_place what *ret points into. */
static int find(struct inode *inode, const struct key *key, enum place_kind end,
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

/*
 * The error of a value's inode as one of the inode whose value it is. Damage and failures were
 * reported where they were found, other errors mean that the entry points at no value.
 */
static int value_ino_error(struct inode *inode, const struct xattr_entry *entry, int err)
{
	if (err == -EUCLEAN || err == -EBADMSG || err == -EIO || err == -ENOMEM)
		return err;
	return fs_corrupt(inode->fs, inode->ino, -EUCLEAN, "attribute value in inode %u: error %d",
		entry->value_ino, -err);
}

/*
 * Whether ea can hold a value: check_igot_inode() in the kernel, and data that is read plainly, so
 * that reading it never leads to another attribute.
 */
static const char *value_inode_check(const struct inode *ea, const struct xattr_entry *entry)
{
	if (!(ea->d.flags & EXT4_EA_INODE_FL))
		return "not a value inode";
	if (!S_ISREG(ea->d.mode))
		return "not a regular file";
	if (ea->d.flags & (EXT4_ENCRYPT_FL | EXT4_INLINE_DATA_FL))
		return "impossible flags";
	if (ea->d.file_acl)
		return "has attributes";
	if (ea->d.size != entry->value_size)
		return "wrong size";
	return NULL;
}

static int value_inode_open(struct inode *inode, const struct xattr_entry *entry,
	struct inode **ret)
{
	CLEANUP(inode_putp) struct inode *ea = NULL;
	const char *why;
	int err;

	if (entry->value_ino == inode->ino)
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN,
			"the inode is its own attribute value");
	err = inode_get_special(inode->fs, entry->value_ino, &ea);
	if (err)
		return value_ino_error(inode, entry, err);
	why = value_inode_check(ea, entry);
	if (why)
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN,
			"attribute value in inode %u: %s", entry->value_ino, why);
	*ret = STEAL(ea);
	return 0;
}

/*
 * Lustre's value inodes have no hash but a pointer back to their one owner, in the seconds of
 * mtime (ext4_xattr_inode_iget()).
 */
static bool value_is_lustre(const struct inode *inode, const struct inode *ea,
	const struct xattr_entry *entry)
{
	return entry->hash != (uint32_t)ea->d.atime.tv_sec &&
	       (uint32_t)ea->d.mtime.tv_sec == inode->ino &&
	       ea->d.generation == inode->d.generation;
}

static bool value_hash_ok(const struct inode *inode, const struct inode *ea,
	const struct xattr_entry *entry, const uint8_t *value)
{
	uint32_t hash;

	if (value_is_lustre(inode, ea, entry))
		return true;
	hash = xattr_value_hash(&inode->fs->sb, value, entry->value_size);
	return hash == (uint32_t)ea->d.atime.tv_sec && xattr_entry_hash_ok(entry, hash);
}

/* Reads the entry->value_size bytes of a value in an inode of its own. */
static int value_inode_read(struct inode *inode, const struct xattr_entry *entry, uint8_t *buf)
{
	CLEANUP(inode_putp) struct inode *ea = NULL;
	ssize_t n;
	int err;

	err = value_inode_open(inode, entry, &ea);
	if (err)
		return err;
	n = file_read(ea, 0, buf, entry->value_size);
	if (n < 0)
		return value_ino_error(inode, entry, (int)n);
	if ((size_t)n != entry->value_size || !value_hash_ok(inode, ea, entry, buf))
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN,
			"attribute value in inode %u: hash does not match", entry->value_ino);
	return 0;
}

/* Copies the whole value; buf has room for it. */
static int value_read(struct inode *inode, const struct xattr_entry *entry, uint8_t *buf)
{
	if (entry->value_ino)
		return value_inode_read(inode, entry, buf);
	if (entry->value)
		memcpy(buf, entry->value, entry->value_size);
	return 0;
}

static ssize_t get_plain(struct inode *inode, const struct key *key, void *buf, size_t size)
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

static ssize_t get_acl(struct inode *inode, const struct key *key, void *buf, size_t size)
{
	CLEANUP(place_fini) struct place place = { .buf = NULL };
	CLEANUP(cleanup_free) uint8_t *disk = NULL;
	struct xattr_entry entry;
	ssize_t n;
	int err;

	/* vfs_get_acl(): a symlink has none, whatever lies on disk. */
	if (S_ISLNK(inode->d.mode))
		return -EOPNOTSUPP;
	err = find(inode, key, PLACE_NR, &place, &entry);
	if (err)
		return err;
	/* It was set through setxattr(2), in a format that is no shorter. */
	if (entry.value_size > XATTR_SIZE_MAX)
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN, "ACL of %u bytes",
			entry.value_size);
	disk = malloc(entry.value_size ? entry.value_size : 1);
	if (!disk)
		return -ENOMEM;
	err = value_read(inode, &entry, disk);
	if (err)
		return err;
	n = acl_to_posix(disk, entry.value_size, buf, size);
	if (n == -EUCLEAN)
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN, "ACL of impossible contents");
	return n ? n : -ENODATA;
}

/* Splits name; the results are those of the kernel's xattr_resolve_name(). */
static int resolve(const char *name, struct key *ret)
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

ssize_t xattr_get(struct inode *inode, const char *name, void *buf, size_t size)
{
	struct key key;
	int err;

	err = resolve(name, &key);
	if (err)
		return err;
	if (key.index == XATTR_INDEX_ACL_ACCESS || key.index == XATTR_INDEX_ACL_DEFAULT)
		return get_acl(inode, &key, buf, size);
	return get_plain(inode, &key, buf, size);
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

	err = list_place(inode, PLACE_BODY, &list);
	if (!err)
		err = list_place(inode, PLACE_BLOCK, &list);
	return err ? err : (ssize_t)list.used;
}

bool xattr_maybe(const struct inode *inode)
{
	size_t extra = inode->d.extra_isize;

	if (inode->d.file_acl)
		return true;
	return extra &&
	       EXT2_GOOD_OLD_INODE_SIZE + extra + XATTR_BODY_HEADER <= inode->fs->sb.inode_size;
}

ssize_t xattr_inline_data(struct inode *inode, void *buf, size_t size)
{
	static const struct key key = { XATTR_INDEX_SYSTEM, "data", 4 };
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

ssize_t xattr_crypt_context(struct inode *inode, void *buf, size_t size)
{
	static const struct key key = { XATTR_INDEX_ENCRYPTION, "c", 1 };

	return get_plain(inode, &key, buf, size);
}
