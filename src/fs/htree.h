/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Look-up through a directory's hash tree. */
#ifndef EXT4D_FS_HTREE_H
#define EXT4D_FS_HTREE_H

#include "fs/dirblock.h"
#include "fs/dirname.h"

/*
 * Finds want in dir, which must be indexed; not for "." and "..". The caller ends with
 * dirblock_fini(). -ENOENT is certain. Any other error means that the index cannot answer: it is
 * damaged (reported), or its hash needs a key; the caller then reads the whole directory, as the
 * kernel does.
 */
int htree_find(struct inode *dir, const struct dirname *want, struct dirplace *ret) MUST_CHECK;

/* The hash version that dir's root names. -EUCLEAN, -EOPNOTSUPP, -EBADMSG, -EIO, -ENOMEM. */
int htree_hash_version(struct inode *dir, int *ret) MUST_CHECK;

#endif
