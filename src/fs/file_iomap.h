/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files whose bytes a client moves by itself: it asks where they are, reads and writes the image's blocks past
 * us, and says what it has done. No data passes here, so ordered mode is kept another way:
 *
 * 1. New blocks are unwritten: in the file they read as zeros, whatever is in them.
 * 2. They become data when the client says that it has written them, in a transaction whose commit flushes the
 *    image first (journal_data_written()).
 * 3. The size grows with the data, not with the promise: the client's larger one is remembered (owed.h).
 * 4. Zeroing what is part of a block is the client's, as are all times.
 *
 * Who calls holds no lock and no handle.
 */
#ifndef EXT4D_FS_FILE_IOMAP_H
#define EXT4D_FS_FILE_IOMAP_H

#include "fs/inode.h"

enum file_iomap_kind {
	FILE_IOMAP_HOLE,
	FILE_IOMAP_UNWRITTEN,
	FILE_IOMAP_DATA,
	FILE_IOMAP_INLINE, /* the file's bytes are read with file_read() */
};

struct file_iomap {
	uint64_t off, len; /* bytes of the file, whole blocks */
	uint64_t addr;	   /* byte of the image; 0 without blocks */
	enum file_iomap_kind kind;
	bool dirty; /* after a power cut blocks or size may be others yet: who writes there has to sync */
};

/* What the client is going to do. */
enum file_iomap_use {
	FILE_IOMAP_LOOK,  /* read, or report: nothing is changed */
	FILE_IOMAP_ZERO,  /* make data zeros, which holes are already */
	FILE_IOMAP_WRITE, /* write: there have to be blocks */
	FILE_IOMAP_SWAP,  /* use the blocks without asking again: there have to be durable ones */
};

enum file_iomap_flags {
	FILE_IOMAP_RESERVED = 1, /* may use root's reserved blocks */
	FILE_IOMAP_LATE = 2,	 /* from the page cache, which had it before, see file_check_guard() */
	FILE_IOMAP_NOWAIT = 4,	 /* -EAGAIN rather than allocate */
	FILE_IOMAP_WHOLE = 8,	 /* all of the range in one mapping, or -EOPNOTSUPP */
};

/* Whether d is of a file for a client to move: extents, and nothing that has to be transformed. */
bool file_iomap_able(const struct fs *fs, const struct dinode *d);

/* The largest size of a file that is. */
uint64_t file_iomap_max_size(const struct fs *fs);

/*
 * Where the image's bytes are, as blk_locate(). -EOPNOTSUPP: not in one place, as with a journal that was
 * replayed into memory.
 */
int file_iomap_locate(struct fs *fs, int *ret_fd, uint64_t *ret_off) MUST_CHECK;

/* Before the first client: prepares fs, which is open, to owe. -ENOMEM. */
int file_iomap_enable(struct fs *fs) MUST_CHECK;

/*
 * What we have written to files is in the image where a client looks: before he moves the bytes of one that may
 * have been ours to write. Errors as blk_flush(); who asks next tries again.
 */
int file_iomap_settle(struct fs *fs) MUST_CHECK;

struct file_iomap_request {
	enum file_iomap_use use;
	unsigned flags; /* enum file_iomap_flags */
	uint64_t pos, len;
	/*
	 * NULL, or told the answer while nothing can change it: who hands it on here never tells the client of
	 * something that is over already. The inode's lock is held.
	 */
	void (*found)(void *arg, const struct file_iomap *map);
	void *arg;
};

/*
 * The mapping that holds pos, for a use of len bytes from there on; it may be shorter, and longer. With
 * FILE_IOMAP_WRITE blocks of a hole are allocated, unwritten, in a transaction of its own, and inline
 * contents get a block, flushed. -ENOENT past what a file can hold, when looked at; -EFBIG when written;
 * -EOPNOTSUPP for holes of indirect maps, which know no unwritten blocks; -EINVAL for swapping to a
 * hole or to what is no regular file; -EPERM, -ENOSPC and the other errors of file_write().
 */
int file_iomap_begin(struct inode *inode, const struct file_iomap_request *ask,
	struct file_iomap *ret) MUST_CHECK;

/*
 * The client has a file of at least size bytes, the last of them perhaps in memory alone. If all blocks up to
 * there are data the image follows at once, as ext4_da_write_end() does; else when they are written.
 */
int file_iomap_grown(struct inode *inode, uint64_t size) MUST_CHECK;

/*
 * The client has written the bytes [pos, pos + len), all of their blocks: what is unwritten there becomes data, and
 * the size reaches them. May come twice, or for what is not mapped any more. *ret_size: the file's on disk. An
 * error is kept for file_sync() too, as the client may take what it has for written.
 */
int file_iomap_written(struct inode *inode, uint64_t pos, uint64_t len, uint64_t *ret_size)
	MUST_CHECK;

/* The client does not know the inode any more. */
void file_iomap_forget(struct fs *fs, uint32_t ino);

#endif
