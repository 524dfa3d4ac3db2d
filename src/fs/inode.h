/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inodes in memory. dinode_load() is for who needs the attributes alone (look-up, readdirplus):
 * it decodes from the buffer of the inode table. inode_get() is for who goes on to read:
 * the object caches the inode's extents and stays in a bounded cache after inode_put().
 */
#ifndef EXT4D_FS_INODE_H
#define EXT4D_FS_INODE_H

#include "cache/cache.h"
#include "format/dinode.h"
#include "fs/balloc_window.h"
#include "fs/extmap.h"
#include "fs/fs.h"
#include "journal/journal.h"
#include "util/lock.h"

struct filekey;

struct inode {
	struct fs *fs;	   /* [const] */
	uint32_t ino;	   /* [const] */
	uint32_t csum_seed;/* [const] see dinode_csum_seed() */
	/*
	 * Rank INODE. Covers d, the contents, the map of blocks and the attributes: held for reading
	 * by who looks, for writing by who changes. Nobody needs it while the filesystem is read-only.
	 */
	struct rwlock lock;
	struct dinode d;   /* [lock] */
	struct extmap map; /* its own lock inside; see map.h */
	_Atomic(struct filekey *) key; /* owned; see cryptinode_key(); set once */
	_Atomic uint32_t tid;	   /* last transaction that has or may have changed the inode, 0: none; for fsync */
	_Atomic uint32_t data_tid; /* last one that fdatasync(2) has to wait for */
	/* Times that data went to the image which no transaction will flush, and how many of them were. */
	_Atomic uint64_t overwritten, flushed;
	_Atomic bool is_value; /* d.flags has EXT4_EA_INODE_FL, for inode_get() */
	_Atomic bool fresh; /* just allocated, no links yet: nobody gets it by its number */
	/* A client moves its bytes past us: we zero nothing in its blocks (file_iomap.h). */
	_Atomic bool outside;
	time_t guarded; /* [lock] CLOCK_MONOTONIC second in which it became immutable or append-only, 0: was loaded so */
	uint8_t orphan; /* [lock] enum orphan_bits; orphan.c's to change */
	/* Where the allocator goes on for this inode, see balloc.h. */
	uint64_t alloc_goal; /* [lock] block, 0: unknown */
	uint32_t alloc_group; /* [lock] directories: 1 + the group of its newest inode, 0: unknown */
	struct balloc_window window;
	/* private to icache.c */
	unsigned refs;		 /* [shard lock] */
	bool forgotten;		 /* [shard lock] not in the table any more */
	_Atomic bool changed; /* since it was loaded; set by inode_write() and the like, never cleared */
	struct inode *hash_next; /* [shard lock] */
	struct inode *prev, *next; /* [shard lock] unreferenced ones, oldest first */
};

/*
 * Reads the attributes of ino from disk. Only inodes that a directory may name: reserved inodes,
 * those of quota, orphan file and attribute values are -EUCLEAN. -ESTALE: not a number of this
 * filesystem, or not in use; -EBADMSG, -EUCLEAN, -EIO.
 */
int dinode_load(struct fs *fs, uint32_t ino, struct dinode *ret) MUST_CHECK;

/* The same for any inode in use: the journal, a value inode of ea_inode. */
int dinode_load_special(struct fs *fs, uint32_t ino, struct dinode *ret) MUST_CHECK;

/* 0 if a directory may name this inode, else -EUCLEAN, reported. */
int dinode_check_user(struct fs *fs, uint32_t ino, const struct dinode *d) MUST_CHECK;

/*
 * The raw bytes of any inode, sb->inode_size of them, inside the held buffer *ret_buf; its
 * checksum verified. -ESTALE not a number of this filesystem; -EBADMSG, -EUCLEAN, -EIO.
 */
int dinode_load_raw(struct fs *fs, uint32_t ino, struct buf **ret_buf, const uint8_t **ret_raw)
	MUST_CHECK;

/*
 * The same as they lie on disk, before fast commits and unverified. -ESTALE, -EUCLEAN, -EIO.
 */
int dinode_load_disk(struct fs *fs, uint32_t ino, struct buf **ret_buf, const uint8_t **ret_raw)
	MUST_CHECK;

/* Holds ino. Errors as dinode_load(), -ENOMEM. Takes LOCK_RANK_ICACHE, not during IO. */
int inode_get(struct fs *fs, uint32_t ino, struct inode **ret) MUST_CHECK;

/* The same on top of dinode_load_special(). */
int inode_get_special(struct fs *fs, uint32_t ino, struct inode **ret) MUST_CHECK;

void inode_put(struct inode *inode);

/*
 * Holds an inode that was just allocated (ialloc.h), of which nothing but d is known. -ENOMEM. Nobody
 * else sees it, inode_get() says -ESTALE, until inode_write() has written it with a link or as an orphan.
 */
int inode_create(struct fs *fs, uint32_t ino, const struct dinode *d, struct inode **ret)
	MUST_CHECK;

/*
 * The inode has been freed: whoever asks for its number from now on gets another object. The
 * caller's reference stays.
 */
void inode_forget(struct inode *inode);

/*
 * Writes inode->d to the inode table, within h, and notes h's transaction for fsync. All other bytes
 * of the raw inode stay. Takes one credit (INODE_CREDITS). The caller holds inode->lock for
 * writing, or nobody else knows the inode. -EIO, -EROFS, -ENOMEM: these abort the journal, as d is ahead of
 * the disk then.
 */
int inode_write(struct handle *h, struct inode *inode) MUST_CHECK;
#define INODE_CREDITS 1

/* The same for changes that fdatasync(2) need not wait for: times. */
int inode_write_times(struct handle *h, struct inode *inode) MUST_CHECK;

/*
 * The same with the bytes from EXT2_GOOD_OLD_INODE_SIZE + d.extra_isize on (the attributes in the
 * inode's body) taken from raw, sb->inode_size bytes of which the rest is ignored. fresh: the inode
 * was just allocated, nothing of what lies in the table counts.
 */
int inode_write_raw(struct handle *h, struct inode *inode, const uint8_t *raw, bool fresh)
	MUST_CHECK;

/*
 * Sets i_dtime of ino in the inode table: the link of the orphan list, which inode_write() leaves alone
 * while the inode is in it (ORPHAN_LISTED). For orphan.c. Takes INODE_CREDITS.
 */
int dinode_write_dtime(struct handle *h, struct fs *fs, uint32_t ino, uint32_t dtime) MUST_CHECK;

/* Copies the raw inode, sb->inode_size bytes, as it is in the table. Errors as dinode_load_raw(). */
int inode_read_raw(struct inode *inode, uint8_t *ret) MUST_CHECK;

/*
 * Takes the locks of nr inodes (at most INODE_LOCK_MAX; NULLs and repetitions are allowed) for
 * writing, in the order of their numbers: no cycle is possible, whatever the tree looks like.
 */
#define INODE_LOCK_MAX 4
struct inode_locks {
	struct rwlock *locks[INODE_LOCK_MAX];
	size_t nr;
};
void inode_lock_many(struct inode **inodes, size_t nr, struct inode_locks *ret);
void inode_unlock_many(struct inode_locks *locks);

/* Whether changes of inode are to be durable before the operation returns (IS_SYNC()). */
bool inode_is_sync(const struct inode *inode);

/* The present as the kernel's FUSE client takes it, CLOCK_REALTIME_COARSE. */
struct timespec inode_now(void);

/* For CLEANUP. */
static inline void inode_putp(struct inode **inode)
{
	if (*inode)
		inode_put(*inode);
}

#endif
