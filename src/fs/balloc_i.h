/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of block allocation. */
#ifndef EXT4D_FS_BALLOC_I_H
#define EXT4D_FS_BALLOC_I_H

#include "fs/balloc.h"
#include "fs/group.h"

/* Takes a window away. The caller holds the lock of the group it lies in. */
void balloc_window_drop_locked(struct fs *fs, struct balloc_window *window);

/*
 * Puts inode's window, which lies nowhere, on free clusters of group. Under its lock, the inode's held for
 * writing. Without memory there is none.
 */
void balloc_window_put_locked(struct fs *fs, struct group *group, struct buf *bitmap,
	struct balloc_window *window, uint32_t start, uint32_t nr);

/* Takes all windows away: somebody needs the space. */
void balloc_window_drop_all(struct fs *fs);

#endif
