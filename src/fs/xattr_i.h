/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What reading and changing attributes share. */
#ifndef EXT4D_FS_XATTR_I_H
#define EXT4D_FS_XATTR_I_H

#include "format/xattr_region.h"
#include "fs/xattr.h"

/* A name as it is stored: prefix as a number, the rest as text. */
struct xattr_key {
	enum xattr_index index;
	const char *name;
	size_t len;
};

static inline bool xattr_key_is_acl(const struct xattr_key *key)
{
	return key->index == XATTR_INDEX_ACL_ACCESS || key->index == XATTR_INDEX_ACL_DEFAULT;
}

/* Splits a full name; the results are those of the kernel's xattr_resolve_name(). */
int xattr_resolve(const char *name, struct xattr_key *ret) MUST_CHECK;

/*
 * The value as it lies on disk, which the caller frees. The caller holds inode->lock. Errors as
 * xattr_get().
 */
int xattr_load(struct inode *inode, const struct xattr_key *key, uint8_t **ret, size_t *ret_size)
	MUST_CHECK;

#endif
