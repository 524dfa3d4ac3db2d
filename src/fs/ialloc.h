/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Allocation of inodes, with the kernel's placement: Orlov for directories, by the parent for others. */
#ifndef EXT4D_FS_IALLOC_H
#define EXT4D_FS_IALLOC_H

#include <stdint.h>

#include "fs/inode.h"

struct ialloc_want {
	struct inode *dir; /* the parent, its lock held for writing */
	uint16_t mode;	   /* with the type */
	uint32_t uid, gid, projid;
	const char *name;  /* for spreading directories by name, as the kernel does; may be NULL */
	size_t name_len;
	dev_t rdev;	   /* device nodes */
};

/*
 * Allocates an inode and writes it: no links yet (d.nlink 0), size 0, times now, a new generation,
 * flags inherited from dir as ext4_mask_flags() has it, the root of an empty extent tree where the
 * filesystem has extents, inline data as the kernel decides it. The caller sets nlink and goes on
 * with inode_write(). -ENOSPC, -EDQUOT, -EIO, -EROFS, -ENOMEM. Takes ialloc_credits().
 */
int ialloc_new(struct handle *h, const struct ialloc_want *want, struct inode **ret) MUST_CHECK;
unsigned ialloc_credits(const struct fs *fs);

/*
 * Frees inode's number: its blocks and attributes must be gone. Sets dtime, clears mode, writes it, and
 * inode_forget()s it. -EUCLEAN if the bitmap says that it was free already (reported).
 */
int ialloc_free(struct handle *h, struct inode *inode) MUST_CHECK;

/* Free inodes in all groups. */
uint64_t ialloc_free_inodes(struct fs *fs);

/* Whether the bitmap has ino in use. -EUCLEAN, -EBADMSG, -EIO. */
int ialloc_in_use(struct fs *fs, uint32_t ino, bool *ret) MUST_CHECK;

#endif
