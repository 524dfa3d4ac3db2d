/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cached runs of one inode, embedded in it; map.h says what they are for, map.c owns them. */
#ifndef EXT4D_FS_EXTMAP_H
#define EXT4D_FS_EXTMAP_H

#include <stdbool.h>
#include <stddef.h>

#include "util/cleanup.h"
#include "util/lock.h"

struct inode;
struct run;

struct extmap {
	struct rwlock lock; /* rank MAP */
	struct run *runs;   /* [lock] sorted; owned unless fixed */
	size_t nr;	    /* [lock] */
	size_t room;	    /* [lock] allocated, 0 if fixed */
	bool fixed;	    /* [const] once the inode is shared: gaps are holes */
};

void extmap_init(struct extmap *map);
void extmap_fini(struct extmap *map);

/* Runs there is memory for, for accounting; nobody else may be using the map. */
size_t extmap_count(const struct extmap *map);

/*
 * Makes map know exactly the nr runs given (sorted, disjoint; gaps are holes), as fast-commit
 * replay left them: the tree on disk is not asked any more. Before the inode is shared. The runs
 * stay the caller's, who keeps them as long as the map.
 */
void extmap_set_fixed(struct extmap *map, const struct run *runs, size_t nr);

/*
 * The map on disk has changed: run is what it says now about run's blocks. The caller holds
 * inode->lock for writing since before the change. Takes LOCK_RANK_MAP.
 */
void extmap_update(struct inode *inode, const struct run *run);

/* Forgets all that is known of inode's map; the next look-up reads again. */
void extmap_forget(struct inode *inode);

#endif
