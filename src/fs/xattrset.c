// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fs/xattrset.h"

#include <errno.h>
#include <string.h>

#include "fs/fs_i.h"

/* Offset of an inode's attributes, counted from its first byte. */
static size_t body_off(const struct inode *inode)
{
	return EXT2_GOOD_OLD_INODE_SIZE + (size_t)inode->d.extra_isize;
}

static size_t count(const struct xattr_region *region)
{
	struct xattr_entry entry;
	size_t pos = region->first, nr = 0;

	while (xattr_region_next(region, &pos, &entry))
		nr++;
	return nr;
}

/* The entries of region, which lies in set->raw. */
static int take(const struct xattr_region *region, struct xattrset *set)
{
	size_t pos = region->first;

	set->entries = calloc(count(region) + 1, sizeof(*set->entries));
	if (!set->entries)
		return -ENOMEM;
	while (xattr_region_next(region, &pos, &set->entries[set->nr]))
		set->nr++;
	return 0;
}

int xattrset_load_body(struct inode *inode, struct xattrset *ret)
{
	CLEANUP(xattrset_fini) struct xattrset set = { .raw = malloc(inode->fs->sb.inode_size) };
	struct xattr_region region = { .len = 0 };
	const char *why;
	int err;

	if (!set.raw)
		return -ENOMEM;
	err = inode_read_raw(inode, set.raw);
	if (err)
		return err;
	if (xattr_region_body(&inode->fs->sb, set.raw, &region)) {
		err = xattr_region_check(&inode->fs->sb, &region, &why);
		if (err)
			return fs_corrupt(inode->fs, inode->ino, err, "attributes in the inode: %s",
				why);
	}
	err = take(&region, &set);
	if (err)
		return err;
	*ret = set;
	set = (struct xattrset){ .raw = NULL };
	return 0;
}

int xattrset_copy(const struct xattr_region *region, struct xattrset *ret)
{
	CLEANUP(xattrset_fini) struct xattrset set = { .raw = NULL };
	struct xattr_region copy = *region;
	int err;

	if (region->len) {
		set.raw = malloc(region->len);
		if (!set.raw)
			return -ENOMEM;
		memcpy(set.raw, region->data, region->len);
		copy.data = set.raw;
	}
	err = take(&copy, &set);
	if (err)
		return err;
	*ret = set;
	set = (struct xattrset){ .raw = NULL };
	return 0;
}

void xattrset_fini(struct xattrset *set)
{
	free(set->entries);
	free(set->raw);
	*set = (struct xattrset){ .raw = NULL };
}

struct xattr_entry *xattrset_find(const struct xattrset *set, enum xattr_index index,
	const char *name, size_t name_len)
{
	size_t i;

	for (i = 0; i < set->nr; i++) {
		struct xattr_entry *entry = &set->entries[i];

		if (entry->index == index && entry->name_len == name_len &&
			!memcmp(entry->name, name, name_len))
			return entry;
	}
	return NULL;
}

void xattrset_put(struct xattrset *set, struct xattr_entry *old, const struct xattr_entry *entry,
	bool sorted)
{
	size_t i = set->nr;

	if (old) {
		*old = *entry;
		return;
	}
	while (sorted && i && xattr_entry_compare(entry, &set->entries[i - 1]) < 0) {
		set->entries[i] = set->entries[i - 1];
		i--;
	}
	set->entries[i] = *entry;
	set->nr++;
}

void xattrset_remove(struct xattrset *set, struct xattr_entry *entry)
{
	size_t i = (size_t)(entry - set->entries);

	set->nr--;
	memmove(entry, entry + 1, (set->nr - i) * sizeof(*entry));
}

size_t xattrset_body_room(const struct inode *inode)
{
	size_t size = inode->fs->sb.inode_size, used = body_off(inode) + XATTR_BODY_HEADER;

	return inode->d.extra_isize && used <= size ? size - used : 0;
}

int xattrset_store_body(struct handle *h, struct inode *inode, const struct xattrset *set)
{
	size_t size = inode->fs->sb.inode_size, off = body_off(inode);
	CLEANUP(cleanup_free) uint8_t *raw = NULL;
	int err;

	if (!xattrset_body_room(inode))
		return set->nr ? -ENOSPC : inode_write(h, inode);
	raw = calloc(1, size);
	if (!raw)
		return -ENOMEM;
	err = xattr_region_encode_body(set->entries, set->nr, raw + off, size - off);
	return err ? err : inode_write_raw(h, inode, raw, false);
}
