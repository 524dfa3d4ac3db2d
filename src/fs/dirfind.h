/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding the record of a name in a directory that has blocks (not inline). */
#ifndef EXT4D_FS_DIRFIND_H
#define EXT4D_FS_DIRFIND_H

#include "fs/dirblock.h"
#include "fs/dirname.h"

/* Damaged blocks that one request passes over: a crafted directory can claim billions. */
#define DIRFIND_MAX_DAMAGED 256

/*
 * Finds want: through the index where there is a good one, else block by block. The caller ends
 * with dirblock_fini(). -ENOENT, -EUCLEAN, -EBADMSG, -EIO, -ENOMEM, -EINTR.
 */
int dirfind(struct inode *dir, const struct dirname *want, struct dirplace *ret) MUST_CHECK;

#endif
