/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Multiple mount protection: keeps two hosts from writing to one filesystem. Who writes counts a
 * number in a block of its own up every few seconds; who finds a number there waits whether it moves.
 * ext4_multi_mount_protect() and kmmpd() are what it must agree with.
 */
#ifndef EXT4D_FS_MMP_GUARD_H
#define EXT4D_FS_MMP_GUARD_H

#include "fs/fs.h"
#include "journal/journal.h"

/*
 * Before anything is written: makes the filesystem ours, and a thread say so from then on. Does nothing
 * without the mmp feature. May wait for minutes, and says so. -EBUSY: in use by another host or by
 * e2fsck, said in the log; -EUCLEAN, -EBADMSG, -EIO, -EROFS, -ENOMEM.
 */
int mmp_guard_start(struct fs *fs) MUST_CHECK;

/* 0, or -EBUSY: another host has written to the block. */
int mmp_guard_check(struct fs *fs) MUST_CHECK;

/* The journal to abort when another host takes over; NULL: there is none any more. */
void mmp_guard_watch(struct fs *fs, struct journal *journal);

/*
 * While the image is frozen: writes nothing. Who waits for us to give a sign of life may take us for dead meanwhile, so
 * mmp_guard_resume() looks at once, before anything else is written: -EBUSY as mmp_guard_check().
 */
void mmp_guard_pause(struct fs *fs);
int mmp_guard_resume(struct fs *fs) MUST_CHECK;

/*
 * After the last write: the filesystem is nobody's, unless it was paused, when nothing is written. The error of
 * writing that. Safe to call if mmp_guard_start() failed or never was.
 */
int mmp_guard_stop(struct fs *fs);

#endif
