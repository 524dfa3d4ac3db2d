/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Metadata buffers: the blocks of the filesystem that are not file data, held in memory within
 * a byte budget. A block is read once, by whoever asks first; others wait for that read. A
 * buffer stays while anyone holds it; unheld ones are reused in second-chance order.
 */
#ifndef EXT4D_CACHE_CACHE_H
#define EXT4D_CACHE_CACHE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blk/blk.h"

struct cache;

struct buf {
	uint64_t pblk;		/* [const] while held */
	uint8_t *data;		/* [const] cache_block_size() bytes */
	_Atomic uint64_t proof; /* what the contents were verified as; see buf_proven() */
	void *jbuf;		/* the journal's, which also says what protects it */
	/* private to cache.c from here on */
	atomic_uint refs;
	_Atomic bool recent;
	int state;	  /* [shard lock] */
	int err;	  /* [shard lock] why the read failed */
	struct buf *hash_next; /* [shard lock] */
	struct buf *prev, *next; /* [shard lock] clock order */
};

/*
 * A cache of blk's blocks of block_size bytes holding about capacity bytes of contents (at least
 * a few blocks per shard). blk stays the caller's and must outlive the cache.
 */
int cache_new(struct blk *blk, uint32_t block_size, size_t capacity, struct cache **ret) MUST_CHECK;
void cache_free(struct cache *cache);

uint32_t cache_block_size(const struct cache *cache);

/* Bytes of contents held now. */
size_t cache_bytes(struct cache *cache);

/*
 * Holds block pblk, reading it if it is not in memory. -EIO when it lies outside the image or
 * cannot be read, -ENOMEM. Takes LOCK_RANK_BUF, dropped during the read.
 */
int cache_get(struct cache *cache, uint64_t pblk, struct buf **ret) MUST_CHECK;

/*
 * The same for a block among the nr blocks from block from on that are likely to be wanted soon:
 * some of its neighbours are read along with it.
 */
int cache_get_near(struct cache *cache, uint64_t pblk, uint64_t from, uint64_t nr,
	struct buf **ret) MUST_CHECK;

/*
 * Holds block pblk without reading it: one that has just been allocated. Its contents are anything until
 * the caller fills them; nothing is proven of them. -EIO outside the image, -ENOMEM.
 */
int cache_create(struct cache *cache, uint64_t pblk, struct buf **ret) MUST_CHECK;

/* Holds block pblk if it is in memory, else returns NULL. */
struct buf *cache_find(struct cache *cache, uint64_t pblk);

/* Another reference to a held buffer. Takes no lock. */
void cache_hold(struct buf *buf);

/* Lets go of a buffer; NULL is allowed. Takes no lock. */
void cache_put(struct buf *buf);

/* For CLEANUP. */
static inline void cache_putp(struct buf **buf)
{
	cache_put(*buf);
}

/*
 * Reads any byte range through the cache (the superblock, libext2fs's io_manager).
 */
int cache_read_bytes(struct cache *cache, uint64_t off, void *dst, size_t len) MUST_CHECK;

/*
 * What a buffer's contents have been verified as, so that each reader need not do it again. A
 * checksum covers the owner's number and generation, so a proof names kind and owner: the same
 * block reached through another inode is verified again.
 */
enum buf_kind {
	BUF_KIND_NONE,
	BUF_KIND_DIR,	/* owner: inode number */
	BUF_KIND_DX,	/* owner: inode number */
	BUF_KIND_EXTENT,/* owner: inode number */
	BUF_KIND_XATTR, /* owner: 0 */
	BUF_KIND_BLOCK_BITMAP, /* owner: group */
	BUF_KIND_INODE_BITMAP, /* owner: group */
	BUF_KIND_ORPHAN, /* owner: inode number */
};

static inline uint64_t buf_proof(enum buf_kind kind, uint32_t owner)
{
	return (uint64_t)kind << 32 | owner;
}

static inline bool buf_proven(struct buf *buf, enum buf_kind kind, uint32_t owner)
{
	return atomic_load_explicit(&buf->proof, memory_order_acquire) == buf_proof(kind, owner);
}

static inline void buf_set_proven(struct buf *buf, enum buf_kind kind, uint32_t owner)
{
	atomic_store_explicit(&buf->proof, buf_proof(kind, owner), memory_order_release);
}

#endif
