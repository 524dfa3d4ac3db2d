// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An inode with inline data always has system.data in its body, with an empty value where i_block is
 * enough: the kernel takes an inode without it for one without inline data (i_inline_off).
 */
#include "config.h"

#include "fs/inlineedit.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/fs_i.h"
#include "fs/mapedit.h"
#include "fs/xattrset.h"

#define NAME "data"
#define NAME_LEN 4

static struct xattr_entry *find_data(const struct xattrset *set)
{
	return xattrset_find(set, XATTR_INDEX_SYSTEM, NAME, NAME_LEN);
}

/* The attribute with a value of len bytes. Within a body it has no hash. */
static struct xattr_entry data_entry(const uint8_t *value, size_t len)
{
	return (struct xattr_entry){
		.index = XATTR_INDEX_SYSTEM,
		.name_len = NAME_LEN,
		.name = (const uint8_t *)NAME,
		.value_size = (uint32_t)len,
		.value = len ? value : NULL,
	};
}

/*
 * ext4_get_max_inline_size(): nothing at all where the attribute would have no room for a value,
 * except that it may be there already.
 */
static size_t capacity(const struct inode *inode, struct xattrset *set)
{
	const struct xattr_entry empty = data_entry(NULL, 0);
	struct xattr_entry *entry = find_data(set);
	size_t room = xattrset_body_room(inode), need;
	bool known = entry;

	xattrset_put(set, entry, &empty, false);
	need = xattr_region_need(set->entries, set->nr);
	if (need > room || (need == room && !known))
		return 0;
	return DINODE_BLOCK_SIZE + ((room - need) & ~(size_t)3);
}

int inline_capacity(struct inode *inode, size_t *ret)
{
	CLEANUP(xattrset_fini) struct xattrset set = { .raw = NULL };
	int err = xattrset_load_body(inode, &set);

	if (!err)
		*ret = capacity(inode, &set);
	return err;
}

static void set_block(struct inode *inode, const void *bytes, size_t len)
{
	memset(inode->d.block, 0, DINODE_BLOCK_SIZE);
	memcpy(inode->d.block, bytes, len < DINODE_BLOCK_SIZE ? len : DINODE_BLOCK_SIZE);
	inode->d.flags = (inode->d.flags & ~EXT4_EXTENTS_FL) | EXT4_INLINE_DATA_FL;
	/* a directory's size is what it has room for */
	if (S_ISDIR(inode->d.mode))
		inode->d.size = len < DINODE_BLOCK_SIZE ? DINODE_BLOCK_SIZE : len;
}

int inline_store(struct handle *h, struct inode *inode, const void *bytes, size_t len)
{
	size_t rest = len > DINODE_BLOCK_SIZE ? len - DINODE_BLOCK_SIZE : 0;
	struct xattr_entry entry = data_entry((const uint8_t *)bytes + DINODE_BLOCK_SIZE, rest);
	CLEANUP(xattrset_fini) struct xattrset set = { .raw = NULL };
	const struct dinode before = inode->d;
	int err = xattrset_load_body(inode, &set);

	if (err)
		return err;
	xattrset_put(&set, find_data(&set), &entry, false);
	set_block(inode, bytes, len);
	err = xattrset_store_body(h, inode, &set);
	if (err)
		inode->d = before;
	return err;
}

/* ext4_destroy_inline_data_nolock() */
int inline_drop(struct handle *h, struct inode *inode)
{
	CLEANUP(xattrset_fini) struct xattrset set = { .raw = NULL };
	const struct dinode before = inode->d;
	struct xattr_entry *entry;
	int err = xattrset_load_body(inode, &set);

	if (err)
		return err;
	entry = find_data(&set);
	if (entry)
		xattrset_remove(&set, entry);
	inode->d.flags &= ~EXT4_INLINE_DATA_FL;
	if (super_has_extents(&inode->fs->sb))
		inode->d.flags |= EXT4_EXTENTS_FL;
	map_init(inode);
	err = xattrset_store_body(h, inode, &set);
	if (err)
		inode->d = before;
	return err;
}
