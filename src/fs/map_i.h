/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What map.c shares with those who change what it reads. */
#ifndef EXT4D_FS_MAP_I_H
#define EXT4D_FS_MAP_I_H

#include "format/extent.h"
#include "fs/map.h"

/*
 * Reads and checks the block of inode's extent tree that index points to. depth: the one it must have.
 * ret points into the buffer *ret_buf, which the caller puts. -EUCLEAN, -EBADMSG, -EIO, -ENOMEM.
 */
int map_node_load(struct inode *inode, const struct extent_index *index, unsigned depth,
	struct buf **ret_buf, struct extent_node *ret) MUST_CHECK;

#endif
