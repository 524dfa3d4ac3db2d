/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The attributes of one place (an inode's body or a block) taken into memory, to be changed there and
 * encoded again. Entries point into a copy of the place, or at what the caller has put in, which
 * must live as long.
 */
#ifndef EXT4D_FS_XATTRSET_H
#define EXT4D_FS_XATTRSET_H

#include "format/xattr_region.h"
#include "fs/inode.h"

struct xattrset {
	uint8_t *raw;		     /* owned; the inode or the block */
	struct xattr_entry *entries; /* owned; there is always room for one more */
	size_t nr;
};

/*
 * The attributes in inode's body; none where the body has no room for any. The caller holds inode->lock.
 * -EUCLEAN, -EBADMSG, -EIO, -ENOMEM.
 */
int xattrset_load_body(struct inode *inode, struct xattrset *ret) MUST_CHECK;

/* A copy of the attributes of a region that was checked; of none, if it has no bytes. -ENOMEM. */
int xattrset_copy(const struct xattr_region *region, struct xattrset *ret) MUST_CHECK;

void xattrset_fini(struct xattrset *set);

/* The attribute, or NULL. */
struct xattr_entry *xattrset_find(const struct xattrset *set, enum xattr_index index,
	const char *name, size_t name_len);

/*
 * Puts entry in place of old, or where that is NULL adds it: last, or sorted where it belongs. Only
 * once per set.
 */
void xattrset_put(struct xattrset *set, struct xattr_entry *old, const struct xattr_entry *entry,
	bool sorted);
void xattrset_remove(struct xattrset *set, struct xattr_entry *entry);

/*
 * Bytes that an inode's body has for entries, values and the end of the list; 0: it can have no
 * attributes.
 */
size_t xattrset_body_room(const struct inode *inode);

/*
 * Makes set the attributes in inode's body, within h, and writes the inode with all that was changed
 * of d. Takes INODE_CREDITS. -ENOSPC with nothing changed, and the errors of inode_write().
 */
int xattrset_store_body(struct handle *h, struct inode *inode, const struct xattrset *set)
	MUST_CHECK;

#endif
