/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of inode allocation. */
#ifndef EXT4D_FS_IALLOC_I_H
#define EXT4D_FS_IALLOC_I_H

#include "fs/ialloc.h"

/*
 * The group in which the search for an inode begins. No lock above LOCK_RANK_GROUP is held. -ENOSPC: no
 * group has one; -ENOMEM.
 */
int ialloc_place(const struct ialloc_want *want, uint32_t *ret) MUST_CHECK;

/*
 * The first group from from on, cyclically, that has at least min free inodes (1 or more), among the first
 * tries that have any; tries 0: among all.
 */
int ialloc_next_group(struct fs *fs, uint32_t from, uint32_t min, unsigned tries, uint32_t *ret)
	MUST_CHECK;

#endif
