// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files whose bytes a client moves by itself, as the client: it asks for mappings, checks each, reads and writes the
 * image past the filesystem, says so, and what comes out is compared with what it meant, and judged by e2fsck.
 */
#include "config.h"

#include "map_fixture.h"

#include <errno.h>
#include <linux/falloc.h>
#include <sys/stat.h>

#include "fs/attr.h"
#include "fs/file.h"
#include "fs/file_iomap.h"

#define STALE 0xEE /* what lies in free blocks */

/* ---- the client ---- */

struct client {
	struct fs *fs;
	struct inode *inode;
	uint8_t *bytes; /* what the file should have; zeros from size on */
	uint64_t size, room;
};

static void open_client(struct client *c)
{
	uint64_t off;
	int fd;

	c->fs = open_image(true);
	assert_int_equal(file_iomap_locate(c->fs, &fd, &off), 0);
	assert_int_equal(file_iomap_enable(c->fs), 0);
	assert_true(fd > 2);
	assert_int_equal(off, 0);
	c->inode = get_file(c->fs, "a");
	c->inode->outside = true;
}

static void client_new(struct client *c, uint64_t room)
{
	*c = (struct client){ .room = room };
	c->bytes = calloc(1, room);
	assert_non_null(c->bytes);
	open_client(c);
}

/* What it was told must be a mapping that it accepts. */
static void check_map(const struct client *c, const struct file_iomap *map, uint64_t pos)
{
	const struct super *sb = &c->fs->sb;
	uint64_t mask = sb->block_size - 1;

	assert_false((map->off | map->len | map->addr) & mask);
	assert_true(map->len && map->off <= pos && pos - map->off < map->len);
	assert_true(map->len <= INT64_MAX - map->off);
	if (map->kind == FILE_IOMAP_HOLE || map->kind == FILE_IOMAP_INLINE) {
		assert_int_equal(map->addr, 0);
		return;
	}
	assert_true(map->addr >> sb->block_bits > sb->first_data_block);
	assert_true(map->addr < c->fs->blk->size && map->len <= c->fs->blk->size - map->addr);
}

static void found(void *arg, const struct file_iomap *map)
{
	*(struct file_iomap *)arg = *map;
}

static int ask(const struct client *c, enum file_iomap_use use, unsigned flags, uint64_t pos,
	uint64_t len, struct file_iomap *ret)
{
	struct file_iomap told = { 0 };
	struct file_iomap_request request = { .use = use, .flags = flags, .pos = pos, .len = len,
		.found = found, .arg = &told };
	int err = file_iomap_begin(c->inode, &request, ret);

	/* what was told under the lock is the answer */
	if (!err && ret->kind != FILE_IOMAP_INLINE && told.len) {
		assert_int_equal(told.off, ret->off);
		assert_int_equal(told.addr, ret->addr);
	} else if (err && err != -EOPNOTSUPP) {
		assert_int_equal(told.len, 0);
	}

	if (!err)
		check_map(c, ret, pos);
	return err;
}

/* Reads as the client does. */
static void client_read(const struct client *c, uint64_t pos, uint8_t *buf, size_t len)
{
	while (len) {
		struct file_iomap map;
		uint64_t in;
		size_t part;

		assert_int_equal(ask(c, FILE_IOMAP_LOOK, 0, pos, len, &map), 0);
		in = pos - map.off;
		part = map.len - in < len ? (size_t)(map.len - in) : len;
		if (map.kind == FILE_IOMAP_DATA)
			assert_int_equal(blk_read(c->fs->blk, map.addr + in, buf, part), 0);
		else if (map.kind == FILE_IOMAP_INLINE)
			assert_true(file_read(c->inode, pos, buf, part) > 0);
		else
			memset(buf, 0, part);
		pos += part;
		buf += part;
		len -= part;
	}
}

/*
 * The blocks of [pos, pos + len), which lie in map, go to the image with what the file should have, zeros behind
 * its end: whole blocks, as the page cache or direct IO with its zeroed edges.
 */
static void put_blocks(const struct client *c, const struct file_iomap *map, uint64_t pos, size_t len)
{
	uint64_t mask = c->fs->sb.block_size - 1, from = pos & ~mask, to = (pos + len + mask) & ~mask;

	assert_true(map->kind == FILE_IOMAP_DATA || map->kind == FILE_IOMAP_UNWRITTEN);
	assert_true(to <= c->room);
	assert_int_equal(
		blk_write(c->fs->blk, map->addr + (from - map->off), c->bytes + from, to - from), 0);
}

static void fill_random(struct client *c, uint64_t pos, size_t len, uint32_t *rng)
{
	for (size_t i = 0; i < len; i++)
		c->bytes[pos + i] = (uint8_t)(1 + next_random(rng) % 255);
}

/* ZERO from the end of the file to where a write begins: partial blocks of data, in the page cache. */
static void zero_gap(struct client *c, uint64_t pos)
{
	uint64_t mask = c->fs->sb.block_size - 1, at = c->size;

	while (at < pos) {
		struct file_iomap map;
		uint64_t end = (at | mask) + 1;

		assert_int_equal(ask(c, FILE_IOMAP_ZERO, 0, at, pos - at, &map), 0);
		if (map.kind == FILE_IOMAP_DATA && at & mask)
			put_blocks(c, &map, at, 1);
		at = map.kind == FILE_IOMAP_HOLE ? map.off + map.len : end;
	}
}

/* O_DIRECT: mapping by mapping, one word at the end for all. */
static int write_direct(struct client *c, uint64_t pos, size_t len, uint32_t *rng)
{
	uint64_t end = pos + len, at = pos, size;

	zero_gap(c, pos);
	while (at < end) {
		struct file_iomap map;
		size_t part;
		int err = ask(c, FILE_IOMAP_WRITE, 0, at, end - at, &map);

		if (err) {
			assert_int_equal(file_iomap_written(c->inode, pos, at - pos, &size), 0);
			c->size = at > pos && at > c->size ? at : c->size;
			return err;
		}
		part = map.off + map.len < end ? (size_t)(map.off + map.len - at) : (size_t)(end - at);
		fill_random(c, at, part, rng);
		put_blocks(c, &map, at, part);
		at += part;
	}
	assert_int_equal(file_iomap_written(c->inode, pos, len, &size), 0);
	c->size = end > c->size ? end : c->size;
	assert_true(size >= end);
	return 0;
}

/* The page cache writes [pos, pos + len) back: what BEGIN gave may be out of date, so it asks again. */
static void write_back(struct client *c, uint64_t pos, size_t len)
{
	uint64_t mask = c->fs->sb.block_size - 1, at = pos & ~mask, end = (pos + len + mask) & ~mask, size;

	while (at < end) {
		struct file_iomap map;
		uint64_t to;

		assert_int_equal(ask(c, FILE_IOMAP_WRITE, FILE_IOMAP_RESERVED | FILE_IOMAP_LATE, at,
					 end - at, &map),
			0);
		to = map.off + map.len < end ? map.off + map.len : end;
		put_blocks(c, &map, at, (size_t)(to - at));
		/* clipped at the end of the file; not said where nothing was new, see below */
		if (map.kind == FILE_IOMAP_UNWRITTEN)
			assert_int_equal(file_iomap_written(c->inode, at,
						 (to < c->size ? to : c->size) - at, &size),
				0);
		at = to;
	}
}

/*
 * write(2): blocks first, then the page cache, whose new size is said. Afterwards it is written back; the
 * client says nothing of blocks that were data, even if the file grew in them.
 */
static int write_buffered(struct client *c, uint64_t pos, size_t len, uint32_t *rng)
{
	uint64_t end = pos + len, at = pos;

	zero_gap(c, pos);
	while (at < end) {
		struct file_iomap map;
		uint64_t to;
		int err = ask(c, FILE_IOMAP_WRITE, 0, at, end - at, &map);

		if (err)
			return err;
		to = map.off + map.len < end ? map.off + map.len : end;
		fill_random(c, at, (size_t)(to - at), rng);
		if (to > c->size) {
			c->size = to;
			assert_int_equal(file_iomap_grown(c->inode, to), 0);
		}
		at = to;
	}
	write_back(c, pos, len);
	return 0;
}

/* truncate(2): the client zeroes the rest of the last block and writes it back before. */
static void client_truncate(struct client *c, uint64_t size)
{
	struct file_iomap map;

	if (size < c->size) {
		memset(c->bytes + size, 0, c->room - size);
		if (size & (c->fs->sb.block_size - 1)) {
			assert_int_equal(ask(c, FILE_IOMAP_ZERO, 0, size, 1, &map), 0);
			if (map.kind == FILE_IOMAP_DATA)
				put_blocks(c, &map, size, 1);
		}
	} else {
		zero_gap(c, size);
	}
	rwlock_write(&c->inode->lock);
	assert_int_equal(file_truncate_locked(c->inode, size), 0);
	rwlock_drop(&c->inode->lock);
	c->size = size;
}

/* fallocate(2); for holes and zeros the client does the edges afterwards. */
static void client_fallocate(struct client *c, int mode, uint64_t off, uint64_t len)
{
	uint64_t mask = c->fs->sb.block_size - 1, end = off + len, edge;
	struct file_iomap map;
	int err = file_fallocate(c->inode, mode, off, len, false);

	if (err) {
		assert_int_equal(err, -ENOSPC);
		assert_int_equal(c->inode->d.size, c->size);
		return;
	}
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) {
		end = end < c->size ? end : c->size;
		if (off < end)
			memset(c->bytes + off, 0, end - off);
		for (int i = 0; i < 2 && off < end; i++) {
			edge = i ? end : off;
			if (!(edge & mask))
				continue;
			assert_int_equal(ask(c, FILE_IOMAP_ZERO, 0, edge, 1, &map), 0);
			if (map.kind == FILE_IOMAP_DATA)
				put_blocks(c, &map, edge, 1);
		}
		end = off + len;
	}
	if (!(mode & FALLOC_FL_KEEP_SIZE) && end > c->size)
		c->size = end;
}

/* ---- comparing ---- */

static void compare(const struct client *c, struct inode *inode)
{
	uint8_t *bytes = malloc(c->room + 1);

	assert_non_null(bytes);
	assert_int_equal(inode->d.size, c->size);
	assert_int_equal(file_read(inode, 0, bytes, c->room + 1), c->size);
	for (uint64_t i = 0; i < c->size; i++)
		if (bytes[i] != c->bytes[i])
			fail_msg("byte %llu is %02x, not %02x", (unsigned long long)i, bytes[i],
				c->bytes[i]);
	memset(bytes, 0x77, c->room);
	client_read(c, 0, bytes, c->size);
	assert_memory_equal(bytes, c->bytes, c->size);
	free(bytes);
}

static void close_client(struct client *c)
{
	compare(c, c->inode);
	inode_put(c->inode);
	assert_int_equal(fs_close(c->fs), 0);
	judge(false);
}

static void client_reopen(struct client *c)
{
	close_client(c);
	open_client(c);
	compare(c, c->inode);
}

static void client_free(struct client *c)
{
	close_client(c);
	free(c->bytes);
}

/* Leaves something in most free blocks. */
static void litter(struct fs *fs)
{
	struct inode *inode = get_file(fs, "b");
	size_t len = 4 << 20;
	uint8_t *bytes = malloc(len);

	assert_non_null(bytes);
	memset(bytes, STALE, len);
	for (unsigned i = 0; i < 4; i++)
		if (file_write(inode, i * len, bytes, len, true, true) != (ssize_t)len)
			break;
	free(bytes);
	rwlock_write(&inode->lock);
	assert_int_equal(file_truncate_locked(inode, 0), 0);
	rwlock_drop(&inode->lock);
	assert_int_equal(file_sync(inode, false), 0);
	inode_put(inode);
}

/* ---- random sequences ---- */

static void random_step(struct client *c, uint64_t max, uint32_t *rng)
{
	static const int modes[] = { 0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE,
		FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE };
	uint64_t pos = next_random(rng) % max, len = 1 + next_random(rng) % 30000;
	uint64_t mask = c->fs->sb.block_size - 1;

	switch (next_random(rng) % 8) {
	case 0:
	case 1: /* by the block */
		write_direct(c, pos & ~mask, ((size_t)len + mask) & ~mask, rng);
		break;
	case 2:
		write_buffered(c, c->size % max, (size_t)len % 700 + 1, rng); /* mostly appends */
		break;
	case 3:
	case 4:
		write_buffered(c, pos, (size_t)len, rng);
		break;
	case 5:
		client_truncate(c, pos);
		break;
	default:
		client_fallocate(c, modes[next_random(rng) % ARRAY_SIZE(modes)], pos, len);
	}
}

static void run_random(const char *size, const char *args, uint32_t seed)
{
	struct client c;
	uint32_t rng = seed;

	make_image(size, args);
	client_new(&c, 1 << 20);
	litter(c.fs);
	for (unsigned i = 0; i < 300; i++) {
		random_step(&c, 800000, &rng);
		if (i % 50 == 49)
			client_reopen(&c);
	}
	client_free(&c);
}

static void test_random(void **state)
{
	(void)state;
	run_random("40M", "-t ext4 -b 1024 -J size=4", 1);
	run_random("64M", "-t ext4 -b 4096 -J size=8", 2);
	run_random("64M", "-t ext4 -b 4096 -O ^has_journal", 3);
}

static void test_bigalloc(void **state)
{
	(void)state;
	run_random("100M", "-t ext4 -b 1024 -C 4096 -O bigalloc -J size=4", 4);
	run_random("256M", "-t ext4 -b 4096 -C 65536 -O bigalloc -J size=8", 5);
}

/* ---- one thing at a time ---- */

static void test_holes(void **state)
{
	struct file_iomap map;
	struct client c;
	uint32_t rng = 1;

	(void)state;
	make_image("32M", "-t ext4 -b 4096");
	client_new(&c, 1 << 20);
	assert_true(file_iomap_able(c.fs, &c.inode->d));
	/* to the end of what a file can be */
	assert_int_equal(ask(&c, FILE_IOMAP_LOOK, 0, 0, 100, &map), 0);
	assert_int_equal(map.kind, FILE_IOMAP_HOLE);
	assert_int_equal(map.off, 0);
	assert_int_equal(map.len, UINT64_C(0xFFFFFFFF) << 12);
	assert_int_equal(ask(&c, FILE_IOMAP_ZERO, 0, 5000, 100000, &map), 0);
	assert_int_equal(map.kind, FILE_IOMAP_HOLE);
	assert_int_equal(c.inode->d.blocks, 0);
	assert_int_equal(
		ask(&c, FILE_IOMAP_LOOK, 0, UINT64_C(0xFFFFFFFF) << 12, 1, &map), -ENOENT);
	assert_int_equal(ask(&c, FILE_IOMAP_WRITE, 0, UINT64_C(0xFFFFFFFF) << 12, 1, &map), -EFBIG);
	assert_int_equal(ask(&c, FILE_IOMAP_LOOK, 0, 0, 0, &map), -EINVAL);
	assert_int_equal(ask(&c, FILE_IOMAP_SWAP, 0, 0, 4096, &map), -EINVAL);
	assert_int_equal(ask(&c, FILE_IOMAP_WRITE, FILE_IOMAP_NOWAIT, 0, 4096, &map), -EAGAIN);
	/* blocks that are there need no waiting */
	assert_int_equal(write_direct(&c, 8192, 8192, &rng), 0);
	assert_int_equal(ask(&c, FILE_IOMAP_WRITE, FILE_IOMAP_NOWAIT, 9000, 100, &map), 0);
	assert_int_equal(map.kind, FILE_IOMAP_DATA);
	assert_int_equal(map.off, 8192);
	assert_int_equal(ask(&c, FILE_IOMAP_WRITE, FILE_IOMAP_WHOLE, 4096, 8192, &map), -EOPNOTSUPP);
	client_free(&c);
}

/* What is new reads as zeros until it is said to be written; before, the file does not grow. */
static void test_unwritten(void **state)
{
	struct file_iomap map;
	struct client c;
	uint64_t size;

	(void)state;
	make_image("32M", "-t ext4 -b 4096");
	client_new(&c, 1 << 20);
	litter(c.fs);
	assert_int_equal(ask(&c, FILE_IOMAP_WRITE, 0, 0, 16384, &map), 0);
	assert_int_equal(map.kind, FILE_IOMAP_UNWRITTEN);
	assert_int_equal(map.len, 16384);
	assert_true(map.dirty);
	assert_int_equal(c.inode->d.size, 0);
	/* asked again it is the same, with what lies before */
	assert_int_equal(ask(&c, FILE_IOMAP_WRITE, 0, 4096, 100, &map), 0);
	assert_int_equal(map.kind, FILE_IOMAP_UNWRITTEN);
	assert_int_equal(map.off, 0);
	assert_int_equal(map.len, 16384);
	assert_int_equal(file_sync(c.inode, false), 0);
	assert_int_equal(ask(&c, FILE_IOMAP_LOOK, 0, 0, 1, &map), 0);
	assert_false(map.dirty);
	/* one block of the four, rounded outward; twice is once */
	memset(c.bytes + 4096, 1, 4096);
	assert_int_equal(ask(&c, FILE_IOMAP_WRITE, 0, 4096, 4096, &map), 0);
	put_blocks(&c, &map, 4096, 4096);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(file_iomap_written(c.inode, 5000, 1000, &size), 0);
		assert_int_equal(size, 6000);
	}
	c.size = 6000;
	memset(c.bytes + 6000, 0, 8192 - 6000);
	assert_int_equal(ask(&c, FILE_IOMAP_LOOK, 0, 4096, 1, &map), 0);
	assert_int_equal(map.kind, FILE_IOMAP_DATA);
	assert_int_equal(map.len, 4096);
	/* nothing written is nothing; of a hole there is only the size */
	assert_int_equal(file_iomap_written(c.inode, 100000, 0, &size), 0);
	assert_int_equal(size, 6000);
	client_truncate(&c, 5000);
	client_free(&c);
}

/* The client is ahead: its size follows as far as blocks are data, the rest when it is written. */
static void test_promised_size(void **state)
{
	struct file_iomap map;
	struct client c;
	uint64_t size;
	uint32_t rng = 7;

	(void)state;
	make_image("32M", "-t ext4 -b 4096");
	client_new(&c, 1 << 20);
	assert_int_equal(write_direct(&c, 0, 100, &rng), 0);
	assert_int_equal(file_iomap_grown(c.inode, 50), 0);
	assert_int_equal(c.inode->d.size, 100);
	/* in the block that is data: at once, as nobody may say more */
	assert_int_equal(file_iomap_grown(c.inode, 300), 0);
	assert_int_equal(c.inode->d.size, 300);
	/* the client says so mapping by mapping; beyond blocks of data it has to wait */
	assert_int_equal(ask(&c, FILE_IOMAP_WRITE, 0, 300, 8000, &map), 0);
	assert_int_equal(file_iomap_grown(c.inode, 4096), 0);
	assert_int_equal(ask(&c, FILE_IOMAP_WRITE, 0, 4096, 8300 - 4096, &map), 0);
	assert_int_equal(map.kind, FILE_IOMAP_UNWRITTEN);
	assert_int_equal(file_iomap_grown(c.inode, 8300), 0);
	assert_int_equal(c.inode->d.size, 4096);
	/* the end of the second block was written when the promise was still smaller, and is data now */
	assert_int_equal(file_iomap_grown(c.inode, 8400), 0);
	assert_int_equal(file_iomap_written(c.inode, 4096, 4096, &size), 0);
	assert_int_equal(size, 8192);
	assert_int_equal(file_iomap_written(c.inode, 8192, 108, &size), 0);
	assert_int_equal(size, 8400);
	/* a promise is void after truncate(2) */
	assert_int_equal(ask(&c, FILE_IOMAP_WRITE, 0, 20480, 4096, &map), 0);
	assert_int_equal(file_iomap_grown(c.inode, 24000), 0);
	assert_int_equal(c.inode->d.size, 8400);
	c.size = 24000;
	client_truncate(&c, 8300);
	assert_int_equal(file_iomap_written(c.inode, 0, 8300, &size), 0);
	assert_int_equal(size, 8300);
	/* also when the size on disk is the smaller one: what lies behind goes */
	assert_int_equal(ask(&c, FILE_IOMAP_WRITE, 0, 1 << 20, 4096, &map), 0);
	assert_int_equal(file_iomap_grown(c.inode, (1 << 20) + 4096), 0);
	c.size = (1 << 20) + 4096;
	client_truncate(&c, 10000);
	assert_int_equal(ask(&c, FILE_IOMAP_LOOK, 0, 1 << 20, 4096, &map), 0);
	assert_int_equal(map.kind, FILE_IOMAP_HOLE);
	client_truncate(&c, 8300);
	c.inode->outside = false;
	memset(c.bytes, 9, 8300);
	assert_int_equal(file_write(c.inode, 0, c.bytes, 8300, true, false), 8300);
	client_free(&c);
}

/* Blocks may be durable and the size not: who writes to them has to sync. */
static void test_dirty(void **state)
{
	struct file_iomap map;
	struct client c;
	uint32_t rng = 7;

	(void)state;
	make_image("32M", "-t ext4 -b 4096");
	client_new(&c, 1 << 20);
	assert_int_equal(write_direct(&c, 0, 100, &rng), 0);
	assert_int_equal(fs_sync(c.fs), 0);
	assert_int_equal(ask(&c, FILE_IOMAP_WRITE, 0, 0, 4096, &map), 0);
	assert_true(map.dirty);
	assert_int_equal(write_direct(&c, 100, 3996, &rng), 0);
	assert_int_equal(fs_sync(c.fs), 0);
	assert_int_equal(ask(&c, FILE_IOMAP_WRITE, 0, 0, 4096, &map), 0);
	assert_false(map.dirty);
	client_free(&c);
}

/*
 * The client has checked who may write, and when: what was appended to a file with the flag for that is written
 * back after the size has grown, and its times follow.
 */
static void test_append_only(void **state)
{
	const struct attr_change times = { .what = ATTR_ATIME | ATTR_MTIME | ATTR_CTIME };
	struct file_iomap map;
	struct dinode d;
	struct client c;
	uint32_t rng = 7;

	(void)state;
	make_image("32M", "-t ext4 -b 4096");
	client_new(&c, 1 << 20);
	assert_int_equal(write_direct(&c, 0, 100, &rng), 0);
	rwlock_write(&c.inode->lock);
	c.inode->d.flags |= EXT2_APPEND_FL;
	rwlock_drop(&c.inode->lock);
	assert_int_equal(file_iomap_grown(c.inode, 4096), 0);
	c.size = 4096;
	assert_int_equal(ask(&c, FILE_IOMAP_WRITE, 0, 0, 4096, &map), -EPERM);
	assert_int_equal(ask(&c, FILE_IOMAP_WRITE, FILE_IOMAP_LATE, 0, 4096, &map), 0);
	assert_int_equal(attr_set(c.inode, &times, &d), 0);
	rwlock_write(&c.inode->lock);
	c.inode->d.flags &= ~(uint32_t)EXT2_APPEND_FL;
	rwlock_drop(&c.inode->lock);
	client_free(&c);
}

/* Inline contents are read as they are, and move to a block before anything is changed. */
static void test_inline(void **state)
{
	struct file_iomap map;
	struct client c;
	uint64_t size;
	uint32_t rng = 3;

	(void)state;
	make_image("32M", "-t ext4 -b 4096 -I 256 -O inline_data");
	client_new(&c, 1 << 20);
	if (!(c.inode->d.flags & EXT4_INLINE_DATA_FL)) {
		inode_put(c.inode);
		c.inode = get_file(c.fs, "b");
	}
	fill_random(&c, 0, 50, &rng);
	c.inode->outside = false;
	assert_int_equal(file_write(c.inode, 0, c.bytes, 50, true, false), 50);
	c.size = 50;
	assert_true(c.inode->d.flags & EXT4_INLINE_DATA_FL);
	assert_false(file_iomap_able(c.fs, &c.inode->d));
	assert_int_equal(ask(&c, FILE_IOMAP_LOOK, 0, 10, 20, &map), 0);
	assert_int_equal(map.kind, FILE_IOMAP_INLINE);
	assert_int_equal(map.len, 4096);
	assert_int_equal(ask(&c, FILE_IOMAP_LOOK, 0, 50, 20, &map), 0);
	assert_int_equal(map.kind, FILE_IOMAP_HOLE);
	assert_int_equal(ask(&c, FILE_IOMAP_SWAP, 0, 0, 4096, &map), -EINVAL);
	assert_int_equal(file_iomap_written(c.inode, 0, 10, &size), -EINVAL);
	assert_int_equal(file_sync(c.inode, false), -EINVAL); /* told once */
	assert_int_equal(file_sync(c.inode, false), 0);
	assert_int_equal(ask(&c, FILE_IOMAP_ZERO, 0, 50, 20, &map), 0);
	assert_int_equal(map.kind, FILE_IOMAP_DATA);
	assert_false(c.inode->d.flags & EXT4_INLINE_DATA_FL);
	assert_true(file_iomap_able(c.fs, &c.inode->d));
	assert_int_equal(write_direct(&c, 4096, 4096, &rng), 0);
	compare(&c, c.inode);
	inode_put(c.inode);
	assert_int_equal(fs_close(c.fs), 0);
	judge(false);
	free(c.bytes);
}

/* There are no unwritten blocks: what is mapped can be read and overwritten, nothing can be added. */
static void test_indirect(void **state)
{
	struct file_iomap map;
	struct client c;
	uint32_t rng = 3;

	(void)state;
	make_image("32M", "-t ext3 -b 1024 -J size=4");
	client_new(&c, 1 << 20);
	assert_false(file_iomap_able(c.fs, &c.inode->d));
	fill_random(&c, 0, 100000, &rng);
	c.inode->outside = false;
	assert_int_equal(file_write(c.inode, 0, c.bytes, 100000, true, false), 100000);
	c.size = 100000;
	assert_int_equal(write_direct(&c, 2048, 4096, &rng), 0);
	assert_int_equal(ask(&c, FILE_IOMAP_WRITE, 0, 300000, 1, &map), -EOPNOTSUPP);
	client_reopen(&c);
	inode_put(c.inode);
	assert_int_equal(fs_close(c.fs), 0);
	/* for reading alone they do */
	c.fs = open_image(false);
	c.inode = get_file(c.fs, "a");
	assert_true(file_iomap_able(c.fs, &c.inode->d));
	compare(&c, c.inode);
	client_free(&c);
}

static void test_refusals(void **state)
{
	const struct file_iomap_request look = { .use = FILE_IOMAP_LOOK, .len = 1 };
	struct file_iomap map;
	struct client c;
	uint32_t rng = 3;
	struct inode *root;

	(void)state;
	make_image("32M", "-t ext4 -b 1024");
	client_new(&c, 1 << 20);
	assert_int_equal(inode_get(c.fs, EXT2_ROOT_INO, &root), 0);
	assert_false(file_iomap_able(c.fs, &root->d));
	assert_int_equal(file_iomap_begin(root, &look, &map), -EISDIR);
	inode_put(root);
	assert_int_equal(write_direct(&c, 0, 4096, &rng), 0);
	c.inode->d.flags |= EXT2_APPEND_FL;
	assert_int_equal(ask(&c, FILE_IOMAP_WRITE, 0, 0, 1024, &map), -EPERM);
	assert_int_equal(ask(&c, FILE_IOMAP_WRITE, 0, 4096, 1024, &map), 0);
	c.inode->d.flags &= ~(uint32_t)EXT2_APPEND_FL;
	/* swap: durable, and not where a hole is */
	assert_int_equal(ask(&c, FILE_IOMAP_SWAP, 0, 0, 4096, &map), 0);
	assert_false(map.dirty);
	assert_int_equal(ask(&c, FILE_IOMAP_SWAP, 0, 8192, 4096, &map), -EINVAL);
	client_free(&c);
}

/* A full filesystem says so when blocks are asked for, not when they are to be written. */
static void test_no_space(void **state)
{
	struct file_iomap map;
	struct client c;
	uint64_t pos = 0, size;
	int err;

	(void)state;
	make_image("4M", "-t ext4 -b 1024 -O ^has_journal");
	client_new(&c, 8 << 20);
	do {
		err = ask(&c, FILE_IOMAP_WRITE, 0, pos, 1 << 20, &map);
		if (!err)
			pos = map.off + map.len;
	} while (!err);
	assert_int_equal(err, -ENOSPC);
	/* blocks that were promised can be used: every second one, which takes a tree of some depth */
	for (uint64_t at = 0; at < pos; at += 2048) {
		assert_int_equal(ask(&c, FILE_IOMAP_WRITE, 0, at, 1024, &map), 0);
		memset(c.bytes + at, 5, 1024);
		put_blocks(&c, &map, at, 1024);
		err = file_iomap_written(c.inode, at, 1024, &size);
		if (err)
			break;
		c.size = at + 1024;
	}
	/* no block is left for the tree: then that write is lost, and fsync(2) says so once */
	if (err) {
		assert_int_equal(err, -ENOSPC);
		memset(c.bytes + c.size, 0, c.room - c.size);
		assert_int_equal(file_sync(c.inode, false), -ENOSPC);
	}
	assert_int_equal(file_sync(c.inode, false), 0);
	client_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_unwritten),
		cmocka_unit_test(test_promised_size),
		cmocka_unit_test(test_dirty),
		cmocka_unit_test(test_append_only),
		cmocka_unit_test(test_inline),
		cmocka_unit_test(test_indirect),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_no_space),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_bigalloc),
	};

	return cmocka_run_group_tests(tests, fixture_setup_memory, fixture_teardown);
}
