/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block groups. What is known of one is made when somebody first asks for it: opening and memory
 * do not grow with the image but for a pointer a group.
 *
 * Invariants, true whenever a group's lock is free:
 * 1. gd's counts and checksums agree with the bitmaps and, but for what a handle is about to
 *    write, with the descriptor in its buffer.
 * 2. busy, where it exists, has all bits of the block bitmap and held others: blocks of a claim, of a
 *    window, or freed by a transaction that has not committed.
 * 3. A bit in struct groups' lacks[n] says that the group has no run of 2^n clusters that are not
 *    busy. It may be unset all the same.
 */
#ifndef EXT4D_FS_GROUP_H
#define EXT4D_FS_GROUP_H

#include "cache/cache.h"
#include "format/gdesc.h"
#include "fs/balloc_window.h"
#include "fs/fs.h"
#include "journal/journal.h"
#include "util/lock.h"

/* The descriptor, or what it leads to, is damaged: passed over. */
enum group_bad {
	GROUP_BLOCKS_BAD = 1,
	GROUP_INODES_BAD = 2,
};

struct group {
	struct lock lock;  /* rank GROUP */
	uint32_t nr;	   /* [const] */
	uint32_t clusters; /* [const] that it has; the last group may be shorter */
	uint64_t first;	   /* [const] its first block */
	bool table_ok;	   /* [const] the inode table lies in the filesystem */
	struct gdesc gd;   /* [lock], but the locations are [const] */
	/* Copies for who looks without the lock, and may see the past. */
	_Atomic uint32_t free_clusters, free_inodes, used_dirs;
	_Atomic unsigned bad;	       /* enum group_bad; bits are set under lock, never cleared */
	uint8_t *busy;		       /* [lock] block_size bytes; NULL unless held */
	uint32_t held;		       /* [lock] clusters */
	uint32_t inode_claims;	       /* [lock] free inodes promised to somebody */
	struct balloc_window *windows; /* [lock] */
};

/* Runs of 2^(GROUP_LEVELS - 1) clusters, 128 MiB of blocks of 4 KiB, are the longest told apart. */
#define GROUP_LEVELS 16

/* As a level: has free inodes. */
#define GROUP_LEVEL_INODES GROUP_LEVELS

struct batch;

struct groups {
	_Atomic(struct group *) *tab; /* by number, NULL: not asked for yet; owned */
	_Atomic uint64_t *lacks;      /* by level and group; see invariant 3 */
	size_t lack_words;	      /* [const] */
	struct lock create_lock;      /* rank GROUP: descriptors are decoded one at a time */

	struct lock count_lock; /* rank GROUP: the counts below are set once */
	_Atomic bool counted;
	_Atomic int64_t free_clusters; /* that nobody has claimed */
	_Atomic int64_t free_inodes;
	/* Of the groups asked for so far: how many, and their directories. For averages. */
	_Atomic uint32_t seen;
	_Atomic int64_t dirs_seen;

	_Atomic int64_t windowed; /* clusters in windows */
	_Atomic int64_t pending;  /* clusters freed by transactions that have not committed */
	struct lock pending_lock; /* rank LEAF */
	struct batch *batch;	  /* [pending_lock] of the newest transaction; see balloc_free.c */

	_Atomic uint32_t generation; /* of inodes, see ialloc.c */
	_Atomic uint64_t visits;     /* bitmaps that were searched, for the tests */
};

/* For attach() and detach(). -ENOMEM. NULL is allowed. Nobody may be using a group any more. */
int groups_new(struct fs *fs, struct groups **ret) MUST_CHECK;
void groups_free(struct fs *fs, struct groups *groups);

/* Reads group's descriptor; a wrong checksum is reported, no more. -EUCLEAN, -EIO, -ENOMEM. */
int group_load(struct fs *fs, uint32_t group, struct gdesc *ret) MUST_CHECK;

/* What is known of group nr, which lives as long as fs. Errors as group_load(). */
int group_get(struct fs *fs, uint32_t nr, struct group **ret) MUST_CHECK;

/* The same if it has been asked for before, else NULL. */
struct group *group_find(struct fs *fs, uint32_t nr);

/*
 * The first block of group's inode table, all of which lies in the filesystem. Reads the
 * descriptor on the first call for a group. Errors as group_load(). Takes no lock once known.
 */
int group_inode_table(struct fs *fs, uint32_t group, uint64_t *ret) MUST_CHECK;

/* Whether group holds a copy of the superblock. */
bool group_has_super(const struct super *sb, uint32_t group);

/* Blocks of the group descriptors in group: ext4_bg_num_gdb(). */
uint32_t group_desc_blocks(const struct super *sb, uint32_t group);

/* The group of a block of the filesystem, and the number of its cluster there. */
uint32_t group_of_block(const struct super *sb, uint64_t pblk, uint32_t *ret_cluster);

/* The first block of a cluster of group. */
static inline uint64_t group_block(const struct super *sb, const struct group *group,
	uint32_t cluster)
{
	return group->first + ((uint64_t)cluster << sb->cluster_bits);
}

/* Whether any of nr blocks from pblk on holds metadata of group itself: its bitmaps, its table, or a
 * superblock or descriptors in the group. */
bool group_owns(const struct super *sb, const struct group *group, uint64_t pblk, uint64_t nr);

/* ---- bitmaps ---- */

enum group_bitmap {
	GROUP_BLOCKS,
	GROUP_INODES,
};

/* Holds a bitmap's buffer. No group's lock may be held. -EUCLEAN group is damaged; -EIO, -ENOMEM. */
int group_bitmap_get(struct fs *fs, struct group *group, enum group_bitmap which, struct buf **ret)
	MUST_CHECK;

/*
 * Before the contents of a bitmap's buffer, held, are used: whether they are what the descriptor says.
 * The caller holds the group's lock. Damage, -EUCLEAN or -EBADMSG, is reported once. Nothing is
 * checked of a bitmap that the descriptor calls uninitialised: see group_init_blocks_locked().
 */
int group_check_locked(struct fs *fs, struct group *group, enum group_bitmap which, struct buf *buf)
	MUST_CHECK;

/* Whether the descriptor says that the bitmap on disk is not initialised. */
bool group_is_uninit_locked(const struct super *sb, const struct group *group,
	enum group_bitmap which);

/*
 * Makes group's block bitmap, if it is not initialised: its own metadata and what lies past the
 * end are in use (ext4_init_block_bitmap()). map has block_size bytes.
 */
void group_init_blocks(const struct super *sb, const struct group *group, uint8_t *map);

/* Makes an uninitialised block bitmap's buffer, announced to the journal, the real one. */
void group_enable_blocks_locked(struct fs *fs, struct group *group, struct buf *bitmap);

/* What a change to a group needs: see group_write_begin(). */
struct group_bufs {
	struct buf *bitmap, *desc;
};

/*
 * Announces that a bitmap of group and its descriptor will be changed, and holds both. Takes two credits.
 * No group's lock may be held. Errors as group_bitmap_get() and journal_write().
 */
int group_write_begin(struct handle *h, struct fs *fs, struct group *group,
	enum group_bitmap which, struct group_bufs *ret) MUST_CHECK;
void group_write_end(struct group_bufs *bufs);

/*
 * After a change of gd or a bitmap, under the lock: brings checksum, descriptor and the copies up to
 * date. bufs as for which; the bitmap's checksum is that of its buffer.
 */
void group_store_locked(struct fs *fs, struct group *group, enum group_bitmap which,
	struct group_bufs *bufs);

/* Says, once, that group is damaged, and passes over it from now on. Returns err. Under the lock. */
int group_damaged_locked(struct fs *fs, struct group *group, enum group_bitmap which, int err,
	const char *what);

/* ---- blocks that are held ---- */

/*
 * The bits of clusters that cannot be given out, under the lock, after group_check_locked(). For an
 * uninitialised bitmap busy is made, NULL: no memory for it.
 */
const uint8_t *group_busy_locked(struct fs *fs, struct group *group, struct buf *bitmap);

/* Marks clusters busy that were not. -ENOMEM. */
int group_hold_locked(struct fs *fs, struct group *group, struct buf *bitmap, uint32_t start,
	uint32_t nr) MUST_CHECK;

/* They are not busy any more; or with in_use, they are now in use according to the bitmap. */
void group_unhold_locked(struct fs *fs, struct group *group, uint32_t start, uint32_t nr,
	bool in_use);

/* ---- which groups are worth a visit ---- */

/* group has no run longer than nr clusters; or some became free in it. Under its lock. */
void group_note_longest(struct fs *fs, struct group *group, uint32_t nr);
void group_note_freed(struct fs *fs, struct group *group);

/* Whether group has free inodes. Under its lock. */
void group_note_inodes(struct fs *fs, struct group *group, bool any);

/* The first group in [from, to) that may have a run of 2^level clusters; to (or from) if there is none. */
uint32_t group_next_with(struct fs *fs, unsigned level, uint32_t from, uint32_t to);

/* ---- counts of the whole filesystem ---- */

/*
 * Makes the counts known: the superblock's, or the sum of all groups' if it was not unmounted properly.
 * -EINTR, -ENOMEM.
 */
int groups_count(struct fs *fs) MUST_CHECK;

#endif
