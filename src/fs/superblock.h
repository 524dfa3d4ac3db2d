/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The superblock's fields that change while the filesystem is in use. */
#ifndef EXT4D_FS_SUPERBLOCK_H
#define EXT4D_FS_SUPERBLOCK_H

#include "fs/fs.h"
#include "journal/journal.h"

#define SUPERBLOCK_SIZE 1024 /* bytes */

/* Changes the SUPERBLOCK_SIZE bytes at raw; the checksum is the caller's. */
typedef void superblock_fn(uint8_t *raw, void *arg);

/* Calls change within h, one credit, and computes the checksum. Takes LOCK_RANK_SUPER. */
int superblock_update(struct handle *h, struct fs *fs, superblock_fn *change, void *arg) MUST_CHECK;
#define SUPERBLOCK_CREDITS 1

/* Calls look on the current contents. */
int superblock_read(struct fs *fs, void (*look)(const uint8_t *raw, void *arg), void *arg) MUST_CHECK;

/*
 * The same around the journal, when it is not or no longer in use: writes home at once, and flushes.
 */
int superblock_write_home(struct fs *fs, superblock_fn *change, void *arg) MUST_CHECK;

/* Computes the checksum of a raw superblock. */
void superblock_seal(const struct fs *fs, uint8_t *raw);

/* Offsets of struct ext4_super_block. */
enum {
	SB_INODES_COUNT = 0x00,
	SB_FREE_BLOCKS = 0x0C,
	SB_FREE_INODES = 0x10,
	SB_MTIME = 0x2C,
	SB_WTIME = 0x30,
	SB_MNT_COUNT = 0x34,
	SB_MAX_MNT_COUNT = 0x36,
	SB_STATE = 0x3A,
	SB_ERRORS = 0x3C,
	SB_REV_LEVEL = 0x4C,
	SB_FIRST_INO = 0x54,
	SB_INODE_SIZE = 0x58,
	SB_FEATURE_COMPAT = 0x5C,
	SB_FEATURE_INCOMPAT = 0x60,
	SB_FEATURE_RO_COMPAT = 0x64,
	SB_VOLUME_NAME = 0x78,
	SB_LAST_MOUNTED = 0x88,
	SB_LAST_ORPHAN = 0xE8,
	SB_FREE_BLOCKS_HI = 0x158,
	SB_MKFS_TIME = 0x108,
	SB_KBYTES_WRITTEN = 0x178,
	SB_ERROR_COUNT = 0x194,
	SB_FIRST_ERROR_TIME = 0x198,
	SB_FIRST_ERROR_INO = 0x19C,
	SB_FIRST_ERROR_BLOCK = 0x1A0,
	SB_FIRST_ERROR_FUNC = 0x1A8,
	SB_FIRST_ERROR_LINE = 0x1C8,
	SB_LAST_ERROR_TIME = 0x1CC,
	SB_LAST_ERROR_INO = 0x1D0,
	SB_LAST_ERROR_LINE = 0x1D4,
	SB_LAST_ERROR_BLOCK = 0x1D8,
	SB_LAST_ERROR_FUNC = 0x1E0,
	SB_WTIME_HI = 0x274,
	SB_MTIME_HI = 0x275,
	SB_FIRST_ERROR_TIME_HI = 0x278,
	SB_LAST_ERROR_TIME_HI = 0x279,
	SB_CHECKSUM = 0x3FC,
};

#endif
