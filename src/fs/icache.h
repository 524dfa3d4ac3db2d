/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inodes in memory: those in use, and a bounded number of recently used ones with their cached
 * extents. inode_get() and inode_put() are implemented here.
 */
#ifndef EXT4D_FS_ICACHE_H
#define EXT4D_FS_ICACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "fs/inode.h"

struct icache;

/* run_budget: cached runs beyond which unused inodes are dropped early. */
int icache_new(size_t run_budget, struct icache **ret) MUST_CHECK;

/* Frees all inodes; none may be held. NULL is allowed. */
void icache_free(struct icache *icache);

/* How an inode is read that is not in the cache; called without locks. Errors as dinode_load(). */
typedef int icache_load(struct fs *fs, uint32_t ino, struct dinode *ret);

/* What inode_get() and inode_get_special() have in common: holds ino. -ESTALE too if it is fresh. */
int icache_get(struct fs *fs, uint32_t ino, icache_load *load, struct inode **ret) MUST_CHECK;

/* Counts runs that an inode's map has gained or lost. Any lock may be held. */
void icache_account_runs(struct fs *fs, ptrdiff_t delta);
bool icache_over_budget(struct fs *fs);

#endif
