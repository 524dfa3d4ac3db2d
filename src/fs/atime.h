/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Access times. Whether a read moves one is decided as the kernel does it (touch_atime()). A new time
 * is kept in memory, where everybody sees it who asks for the inode, and is written with the
 * inode's next change, or by a thread after a while: reading opens no handle and waits for nothing.
 */
#ifndef EXT4D_FS_ATIME_H
#define EXT4D_FS_ATIME_H

#include "fs/inode.h"

struct atimes;

/* For a filesystem that becomes writable. Does nothing with FS_ATIME_NONE. -ENOMEM, -EAGAIN. */
int atime_start(struct fs *fs) MUST_CHECK;

/* Writes what is left, before the journal is closed. */
void atime_stop(struct fs *fs);

/* The contents of inode were read, or the names in it. Locks it. */
void atime_touch(struct inode *inode);

/*
 * Puts all new times into the running transaction. Takes the locks of inodes, one at a time. False: it is not the
 * time, the image is frozen, and they stay in memory.
 */
bool atime_flush(struct fs *fs);

/* The same for one inode, which it locks. */
bool atime_write(struct inode *inode);

/*
 * For inode.c, under the lock of the inode table's block: ino was decoded, and may have a newer
 * access time; ino was encoded with the time it has in memory.
 */
void atime_show(struct fs *fs, uint32_t ino, struct dinode *d);
void atime_written(struct fs *fs, uint32_t ino);

#endif
