/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of an image, as a stack of layers behind one ops table: a file or device at the
 * bottom, above it a partition window, an overlay of replayed blocks, or a test's memory.
 * Offsets and lengths are bytes. Closing a layer closes the one below it.
 */
#ifndef EXT4D_BLK_BLK_H
#define EXT4D_BLK_BLK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

struct blk;

struct blk_ops {
	/* The whole range or -errno, never a short count. Any thread, any time. */
	int (*read)(struct blk *blk, uint64_t off, void *buf, size_t len);
	/* As read; NULL in a layer that is read-only. */
	int (*write)(struct blk *blk, uint64_t off, const void *buf, size_t len);
	/* Every write that returned before is durable when this returns. NULL: read-only. */
	int (*flush)(struct blk *blk);
	/* The range's contents are of no more interest. NULL: not supported. */
	int (*discard)(struct blk *blk, uint64_t off, uint64_t len);
	/* Others may have written the range: the next read asks the storage. NULL: no cache. */
	void (*refresh)(struct blk *blk, uint64_t off, uint64_t len);
	/* Where the bytes lie in a file of this host: its descriptor, the layer's, and an offset. NULL: nowhere. */
	int (*locate)(struct blk *blk, int *ret_fd, uint64_t *ret_off);
	void (*close)(struct blk *blk);
};

/* Embedded first in each layer's own struct. */
struct blk {
	const struct blk_ops *ops; /* [const] */
	uint64_t size;		   /* [const] bytes */
};

/*
 * Reads len bytes at off. 0; -EIO where the range leaves the image or the storage fails;
 * another -errno of the storage. Takes only locks of the layers (LOCK_RANK_LEAF).
 */
int blk_read(struct blk *blk, uint64_t off, void *buf, size_t len) MUST_CHECK;

/*
 * Writes len bytes at off. 0; -EROFS where a layer is read-only; -EIO where the range leaves the image;
 * -errno of the storage, with any part of the range written. Any thread, any time; two writes of
 * overlapping ranges are the callers' to order.
 */
int blk_write(struct blk *blk, uint64_t off, const void *buf, size_t len) MUST_CHECK;

/* Makes all writes that have returned durable. 0, -EROFS, -errno of the storage. */
int blk_flush(struct blk *blk) MUST_CHECK;

/* Tells the storage that a range is unused: it may read as anything. 0, -EOPNOTSUPP, -errno. */
int blk_discard(struct blk *blk, uint64_t off, uint64_t len) MUST_CHECK;

/*
 * The next read of the range is to see what other hosts have written to shared storage, as far as this
 * host can be told not to answer from its own cache.
 */
void blk_refresh(struct blk *blk, uint64_t off, uint64_t len);

/*
 * For who is to read and write the same bytes by other ways: the layer's byte 0 is byte *ret_off of
 * the file or device open at *ret_fd, and so on to its end. -EOPNOTSUPP where they are not one piece of one file.
 */
int blk_locate(struct blk *blk, int *ret_fd, uint64_t *ret_off) MUST_CHECK;

/* Closes the stack from blk downwards; NULL is allowed. */
void blk_close(struct blk *blk);

/* For CLEANUP. */
static inline void blk_closep(struct blk **blk)
{
	blk_close(*blk);
}

/*
 * A regular file or block device through the descriptor fd, which the layer owns from then on
 * (also on failure). size is what fstat or the device says. writable: fd is open for writing.
 */
int blk_file_new(int fd, bool writable, struct blk **ret) MUST_CHECK;

/* The len bytes at off of lower, which it owns on success. -EINVAL if they leave lower. */
int blk_window_new(struct blk *lower, uint64_t off, uint64_t len, struct blk **ret) MUST_CHECK;

/* A copy of len bytes of memory, for fuzzing and unit tests; writable. */
int blk_mem_new(const void *data, size_t len, struct blk **ret) MUST_CHECK;

/* The caller's memory itself, which must stay until the layer is closed. */
int blk_mem_borrow(void *data, size_t len, struct blk **ret) MUST_CHECK;

#endif
