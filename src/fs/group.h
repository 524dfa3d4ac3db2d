/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Block groups, each descriptor read when it is first needed. */
#ifndef EXT4D_FS_GROUP_H
#define EXT4D_FS_GROUP_H

#include "format/gdesc.h"
#include "fs/fs.h"

/* Reads group's descriptor; a wrong checksum is reported, no more. -EUCLEAN, -EIO, -ENOMEM. */
int group_load(struct fs *fs, uint32_t group, struct gdesc *ret) MUST_CHECK;

/*
 * The first block of group's inode table, all of which lies in the filesystem. Reads the
 * descriptor on the first call for a group. Errors as group_load(). Takes no lock once known.
 */
int group_inode_table(struct fs *fs, uint32_t group, uint64_t *ret) MUST_CHECK;

/* Whether group holds a copy of the superblock. */
bool group_has_super(const struct super *sb, uint32_t group);

#endif
