/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The on-disk inode, decoded into host order. Pure: no IO, no locks. */
#ifndef EXT4D_FORMAT_DINODE_H
#define EXT4D_FORMAT_DINODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "format/super.h"

#define DINODE_BLOCK_SIZE 60 /* bytes of i_block */

struct dinode {
	uint16_t mode;
	uint16_t extra_isize; /* i_extra_isize; 0: no attributes in the inode's body */
	uint32_t uid, gid, projid;
	uint32_t nlink; /* as on disk: 1 for a directory with too many subdirectories */
	uint32_t flags; /* EXT4_*_FL */
	uint32_t generation;
	uint32_t dtime;
	uint64_t size;	    /* bytes */
	uint64_t blocks;    /* 512-byte sectors, whatever the disk counted in */
	uint64_t file_acl;  /* xattr block, 0: none */
	uint64_t iversion;
	struct timespec atime, mtime, ctime, crtime;
	bool has_crtime;
	dev_t rdev; /* device nodes only */
	uint8_t block[DINODE_BLOCK_SIZE]; /* i_block as on disk */
};

/*
 * Decodes raw (sb->inode_size bytes). Takes any bytes; -EUCLEAN only where i_extra_isize does not
 * fit the inode or the size is negative. Use dinode_csum_ok() first.
 */
int dinode_decode(const struct super *sb, const uint8_t *raw, struct dinode *ret) MUST_CHECK;

/* Whether the inode's checksum holds (always, without metadata_csum or for all zeros). */
bool dinode_csum_ok(const struct super *sb, uint32_t ino, const uint8_t *raw);

/*
 * Writes *d into raw (sb->inode_size bytes); what struct dinode does not know keeps its bytes. An
 * i_extra_isize of 0 where there is room becomes the full one, as the kernel does it: *d follows.
 * EXT4_HUGE_FILE_FL is set or cleared as the block count needs. Seconds are cut to what the inode can
 * hold. -EFBIG: a block count that does not fit. The checksum is dinode_csum_set()'s.
 */
int dinode_encode(const struct super *sb, struct dinode *d, uint8_t *raw) MUST_CHECK;

/* i_dtime alone: the orphan list's link. The checksum is dinode_csum_set()'s. */
uint32_t dinode_get_dtime(const uint8_t *raw);
void dinode_set_dtime(uint8_t *raw, uint32_t dtime);

/* Computes the checksum of raw, if the filesystem has them. */
void dinode_csum_set(const struct super *sb, uint32_t ino, uint8_t *raw);

/* Puts a device number into i_block, as ext4 stores it, and into d->rdev. */
void dinode_set_rdev(struct dinode *d, dev_t rdev);

/* The time nearest to ts that an inode of this filesystem with extra_isize can hold. */
struct timespec dinode_clamp_time(const struct super *sb, uint16_t extra_isize, struct timespec ts);

/* The checksum seed of blocks that belong to inode ino: csum_seed over number and generation. */
uint32_t dinode_csum_seed(const struct super *sb, uint32_t ino, uint32_t generation);

/* Whether a symlink's target lies in i_block (ext4_inode_is_fast_symlink()). */
bool dinode_is_fast_symlink(const struct super *sb, const struct dinode *di);

#endif
