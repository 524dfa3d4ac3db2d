/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of fast-commit replay share. */
#ifndef EXT4D_FS_FCR_I_H
#define EXT4D_FS_FCR_I_H

#include <time.h>

#include "fs/fcr.h"
#include "journal/recover_fc.h"

/* Memory that tags may cost: no real fast-commit area comes near, a hostile one might. */
#define FCR_MAX_BYTES ((size_t)256 << 20)

/* How many runs of maps on disk are read in all: 128 MiB of them. */
#define FCR_MAX_RUNS ((size_t)1 << 22)

struct fcr_runs {
	struct run *v; /* owned */
	size_t nr, room;
};

struct fcr_dir {
	void *names;		/* tree (tsearch(3)) of the same names as the list's */
	struct fcr_name **list; /* owned, in the order of their first tag; ino 0: removed */
	size_t nr, room;
	bool is_new; /* see fcr_dir_is_new() */
	uint32_t parent;
};

/* What is known of one inode. Constant after fcr_replay(). */
struct fcr_inode {
	uint32_t ino;
	uint8_t *raw;  /* owned; sb->inode_size bytes, NULL: as on disk */
	bool tagged;   /* an INODE tag was seen */
	bool no_base;  /* what i_block maps on disk is not this file's: it begins empty */
	bool has_map;  /* map is valid, instead of the one on disk; from fcr_runs_finish() on */
	/* what fcr_apply.c finds on disk before it begins */
	bool was_used; /* a file with links */
	bool was_dir;
	bool alive;    /* to be one in the end */
	struct fcr_runs ops; /* ranges in the order of their tags; RUN_HOLE: removed */
	struct fcr_runs map; /* sorted, disjoint, no holes */
	struct fcr_dir dir;
};

struct fcr {
	struct fs *fs;
	void *inodes;		 /* tree (tsearch(3)) of the same inodes as the list's */
	struct fcr_inode **list; /* owned */
	size_t nr, room;
	size_t bytes;	     /* counted against FCR_MAX_BYTES */
	size_t runs_read;    /* counted against FCR_MAX_RUNS */
	struct timespec now; /* when replay began */
};

/* Finds or makes the entry for ino. -ENOMEM. */
int fcr_inode_need(struct fcr *fcr, uint32_t ino, struct fcr_inode **ret) MUST_CHECK;

/* Counts n bytes about to be allocated. -ENOMEM, reported, if they are too many. */
int fcr_charge(struct fcr *fcr, size_t n) MUST_CHECK;

/* The entry of the tag's name, ino 0 if there was none. -ENOMEM. */
int fcr_dir_need(struct fcr *fcr, struct fcr_dir *dir, const struct fcommit_dentry *tag,
	struct fcr_name **ret) MUST_CHECK;

/* What is known of ino, or NULL. */
struct fcr_inode *fcr_inode_find(const struct fcr *fcr, uint32_t ino);

/* Forgets all about a directory. */
void fcr_dir_reset(struct fcr_dir *dir);

/* Applies one tag; arg is the struct fcr. -EUCLEAN, -EIO, -ENOMEM. */
recover_fc_fn fcr_tags_apply;

/* The inode as it lies on disk, in use or not; *ret_valid: it makes sense. -EUCLEAN, -EIO. */
int fcr_tags_disk_inode(
	struct fcr *fcr, uint32_t ino, struct dinode *ret, bool *ret_valid) MUST_CHECK;

/* Remembers that the blocks of run are now mapped so. -EUCLEAN, -ENOMEM. */
int fcr_runs_add(struct fcr *fcr, struct fcr_inode *fi, const struct run *run) MUST_CHECK;

/* Whether the map on disk has a block 0. -ENOMEM. */
int fcr_runs_disk_has_first(struct fcr *fcr, struct fcr_inode *fi, bool *ret) MUST_CHECK;

/* After the last tag: makes the map, counts the blocks of an inode with a tag. -ENOMEM. */
int fcr_runs_finish(struct fcr *fcr, struct fcr_inode *fi) MUST_CHECK;

/* Whether i_block of an inode leads to blocks. */
bool fcr_maps_blocks(const struct super *sb, const struct dinode *d);

/* Credits that fcr_mark_*() go on with after a restart. */
#define FCR_CREDITS 64

/* Marks blocks and an inode that is not, as in use. May restart h. -EUCLEAN, -EBADMSG, -EIO, -ENOMEM. */
int fcr_mark_blocks(struct handle *h, struct fs *fs, uint64_t pblk, uint64_t nr) MUST_CHECK;
int fcr_mark_inode(struct handle *h, struct fs *fs, uint32_t ino, bool dir) MUST_CHECK;

/* Changes one directory's names, within h, which it may restart. Errors of diredit.h. */
int fcr_names_apply(struct handle *h, struct fcr *fcr, struct fcr_inode *fi) MUST_CHECK;

/* Offsets of struct ext4_inode that replay writes or splits at. */
enum {
	FCR_INO_SIZE = 0x04,
	FCR_INO_CTIME = 0x0C,
	FCR_INO_MTIME = 0x10,
	FCR_INO_LINKS = 0x1A,
	FCR_INO_BLOCKS = 0x1C,
	FCR_INO_FLAGS = 0x20,
	FCR_INO_BLOCK = 0x28,
	FCR_INO_GENERATION = 0x64,
	FCR_INO_BLOCKS_HI = 0x74,
	FCR_INO_EXTRA_ISIZE = 0x80,
	FCR_INO_CTIME_EXTRA = 0x84,
	FCR_INO_MTIME_EXTRA = 0x88,
};

#endif
