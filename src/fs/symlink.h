/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXT4D_FS_SYMLINK_H
#define EXT4D_FS_SYMLINK_H

#include "fs/inode.h"

/* Longest symlink target with its NUL: PATH_MAX, as the kernel holds it. */
#define SYMLINK_MAX 4096

/*
 * The target, NUL-terminated; for an encrypted one without its key, its no-key form.
 * -EUCLEAN for an empty, overlong or truncated target; errors as cryptinode_key(). Takes inode->lock if
 * the filesystem has keys and inode's is still to be made.
 */
int symlink_read(struct inode *inode, char target[SYMLINK_MAX]) MUST_CHECK;

#endif
