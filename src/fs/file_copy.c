// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * copy_file_range(2): through a buffer, a piece at a time, each read and written under its own file's lock.
 * Holes of the source stay holes where they come to lie past the end of the destination.
 */
#include "config.h"

#include "fs/file.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/file_i.h"
#include "fs/fs_i.h"

#define PIECE_BYTES ((size_t)1 << 20)

struct copy {
	struct inode *from, *to;
	uint64_t from_off, to_off;
	size_t len, done;
	bool may_reserved;
	uint8_t *buf; /* PIECE_BYTES */
};

static void advance(struct copy *c, size_t len)
{
	c->from_off += len;
	c->to_off += len;
	c->len -= len;
	c->done += len;
}

/* Copies a piece; *ret: its bytes, 0 at the end of the source. */
static int copy_piece(struct copy *c, size_t max, size_t *ret)
{
	size_t want = c->len < max ? c->len : max;
	ssize_t got, put;

	got = file_read(c->from, c->from_off, c->buf, want < PIECE_BYTES ? want : PIECE_BYTES);
	*ret = 0;
	if (got <= 0)
		return (int)got;
	put = file_write(c->to, c->to_off, c->buf, (size_t)got, true, c->may_reserved);
	if (put < 0)
		return (int)put;
	*ret = (size_t)put;
	advance(c, (size_t)put);
	return 0;
}

/* How far the source goes on as a hole, or (SEEK_HOLE) as data, at most c->len bytes. */
static size_t ahead(struct copy *c, int whence)
{
	off_t next = file_seek(c->from, (off_t)c->from_off, whence);

	if (next == -ENXIO) {
		rwlock_read(&c->from->lock);
		next = (off_t)c->from->d.size;
		rwlock_drop(&c->from->lock);
	}
	if (next <= (off_t)c->from_off)
		return 0;
	return (uint64_t)next - c->from_off < c->len ? (size_t)(next - (off_t)c->from_off) : c->len;
}

/* Leaves a hole where the destination has nothing yet: its size moves over it. */
static int skip_hole(struct copy *c, size_t len, bool *ret_skipped)
{
	int err = 0;

	rwlock_write(&c->to->lock);
	*ret_skipped = c->to_off >= c->to->d.size && c->to_off + len <= file_max_size(c->to);
	if (*ret_skipped) {
		err = file_check_change(c->to);
		if (!err)
			err = file_truncate_locked(c->to, c->to_off + len);
	}
	rwlock_drop(&c->to->lock);
	if (*ret_skipped && !err)
		advance(c, len);
	return err;
}

static int copy_some(struct copy *c, size_t *ret)
{
	size_t hole = ahead(c, SEEK_DATA), data;
	bool skipped = false;
	int err = hole ? skip_hole(c, hole, &skipped) : 0;

	*ret = hole;
	if (err || skipped)
		return err;
	data = hole ? hole : ahead(c, SEEK_HOLE);
	return copy_piece(c, data ? data : c->len, ret);
}

static int check(const struct copy *c)
{
	if (S_ISDIR(c->from->d.mode) || S_ISDIR(c->to->d.mode))
		return -EISDIR;
	if (!S_ISREG(c->from->d.mode) || !S_ISREG(c->to->d.mode))
		return -EINVAL;
	if (c->from_off > INT64_MAX - c->len || c->to_off > INT64_MAX - c->len)
		return -EOVERFLOW;
	if (c->from == c->to && c->from_off < c->to_off + c->len &&
		c->to_off < c->from_off + c->len)
		return -EINVAL;
	return 0;
}

ssize_t file_copy(struct inode *from, uint64_t from_off, struct inode *to, uint64_t to_off, size_t len,
	bool may_reserved)
{
	struct copy c = { .from = from, .to = to, .from_off = from_off, .to_off = to_off,
		.len = len < SSIZE_MAX ? len : SSIZE_MAX, .may_reserved = may_reserved };
	size_t part = 1;
	int err = check(&c);

	if (err)
		return err;
	rwlock_read(&to->lock);
	err = file_check_guard(to, to_off, c.len, false);
	rwlock_drop(&to->lock);
	if (err)
		return err;
	c.buf = malloc(PIECE_BYTES);
	if (!c.buf)
		return -ENOMEM;
	while (!err && c.len && part)
		err = copy_some(&c, &part);
	free(c.buf);
	return c.done ? (ssize_t)c.done : err;
}
