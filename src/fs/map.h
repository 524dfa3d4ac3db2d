/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a file's blocks are: extent trees and indirect maps behind one question. What was read is
 * kept per inode as a sorted array of runs, so that a warm file is mapped without touching
 * metadata.
 */
#ifndef EXT4D_FS_MAP_H
#define EXT4D_FS_MAP_H

#include <stdint.h>

#include "fs/inode.h"

enum run_kind {
	RUN_HOLE,
	RUN_UNWRITTEN, /* allocated, reads as zeros */
	RUN_DATA,
};

/* nr consecutive file blocks of one kind. */
struct run {
	uint64_t lblk; /* first block of the file */
	uint64_t nr;   /* blocks; a hole at the end reaches to 2^32 or beyond */
	uint64_t pblk; /* first block of the image; 0 in a hole */
	enum run_kind kind;
};

/*
 * The run that holds lblk, cut to begin there. Runs of adjacent blocks need not be merged.
 * Inode must not have inline data. -EUCLEAN, -EBADMSG, -EIO, -ENOMEM. Takes LOCK_RANK_MAP.
 */
int map_lookup(struct inode *inode, uint64_t lblk, struct run *ret) MUST_CHECK;

/* The same with what of the run lies before lblk, as far as one leaf and what is cached tell. */
int map_lookup_whole(struct inode *inode, uint64_t lblk, struct run *ret) MUST_CHECK;

#endif
