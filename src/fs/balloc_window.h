/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The blocks kept free for one file that grows, embedded in its inode; balloc_window.c owns it.
 * It exists in memory only: other allocations go around it, and nothing is lost when it goes.
 */
#ifndef EXT4D_FS_BALLOC_WINDOW_H
#define EXT4D_FS_BALLOC_WINDOW_H

#include <stdint.h>

struct group;

struct balloc_window {
	/*
	 * Where it lies, NULL: nowhere. Set by who holds the inode's lock for writing, cleared by
	 * anyone, both under that group's lock.
	 */
	_Atomic(struct group *) group;
	uint32_t start, nr; /* [group's lock] clusters; nr is not 0 */
	uint32_t size;	    /* [inode's lock] how long the last one was, in clusters */
	struct balloc_window *prev, *next; /* [group's lock] the others in the group */
};

#endif
