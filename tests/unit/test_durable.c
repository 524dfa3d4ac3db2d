// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the core promises about durability, looked at in the moments when it matters: on a disk that
 * shows what a power cut would leave, and whose flushes take as long as the test likes.
 */
#include "config.h"

#include "map_fixture.h"

#include <errno.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "format/le.h"
#include "fs/attr.h"
#include "fs/file.h"
#include "fs/file_iomap.h"
#include "fs/namei.h"
#include "fs/orphan.h"
#include "fs/superblock.h"

#define STALE 0xEE /* what lies in free blocks */
#define DATA 0x5A
#define OLD 0x11
#define KEPT 8u
#define SUPERBLOCK_OFFSET 1024
#define FIRST_ERRCODE 0x27A /* s_first_error_errcode, in the superblock */

/* ---- the disk ---- */

struct disk {
	struct blk blk;
	pthread_mutex_t lock;
	uint8_t *data;	    /* [lock] blk.size bytes */
	uint8_t *durable;   /* [lock] the same as of the last flush */
	atomic_int flushes; /* that have begun */
	atomic_int allowed; /* flushes from this number on wait; INT32_MAX: none */
	atomic_int fail;    /* the flush of this number fails, -1: none */
	/* NULL, or called once, before a write of DATA */
	void (*before_data)(struct disk *disk);
	struct fs *fs;
	uint8_t *seen;	    /* what before_data() saw */
	uint8_t *kept[KEPT]; /* [lock] if keep: what was durable after each flush */
	unsigned nr_kept;    /* [lock] */
	atomic_bool keep;
	pthread_t thread;
	atomic_bool synced;
};

static int disk_read(struct blk *blk, uint64_t off, void *buf, size_t len)
{
	struct disk *disk = (struct disk *)blk;

	pthread_mutex_lock(&disk->lock);
	memcpy(buf, disk->data + off, len);
	pthread_mutex_unlock(&disk->lock);
	return 0;
}

static int disk_write(struct blk *blk, uint64_t off, const void *buf, size_t len)
{
	struct disk *disk = (struct disk *)blk;
	void (*before_data)(struct disk *) = disk->before_data;

	if (before_data && memchr(buf, DATA, len)) {
		disk->before_data = NULL;
		before_data(disk);
	}
	pthread_mutex_lock(&disk->lock);
	memcpy(disk->data + off, buf, len);
	pthread_mutex_unlock(&disk->lock);
	return 0;
}

static int disk_flush(struct blk *blk)
{
	struct disk *disk = (struct disk *)blk;
	int nr = atomic_fetch_add(&disk->flushes, 1);

	while (nr >= disk->allowed)
		usleep(200);
	if (nr == disk->fail)
		return -EIO;
	pthread_mutex_lock(&disk->lock);
	memcpy(disk->durable, disk->data, disk->blk.size);
	if (disk->keep && disk->nr_kept < KEPT) {
		uint8_t *copy = malloc(disk->blk.size);

		if (!copy)
			abort();
		memcpy(copy, disk->durable, disk->blk.size);
		disk->kept[disk->nr_kept++] = copy;
	}
	pthread_mutex_unlock(&disk->lock);
	return 0;
}

/* The test looks at it after the filesystem has been closed. */
static void disk_close(struct blk *blk)
{
	(void)blk;
}

static const struct blk_ops disk_ops = {
	.read = disk_read, .write = disk_write, .flush = disk_flush, .close = disk_close,
};

static struct disk *disk_new(void)
{
	struct disk *disk = calloc(1, sizeof(*disk));
	int fd = open("image", O_RDONLY);
	off_t size = lseek(fd, 0, SEEK_END);

	assert_non_null(disk);
	assert_true(size > 0);
	disk->blk = (struct blk){ .ops = &disk_ops, .size = (uint64_t)size };
	disk->allowed = INT32_MAX;
	disk->fail = -1;
	pthread_mutex_init(&disk->lock, NULL);
	disk->data = malloc((size_t)size);
	disk->durable = malloc((size_t)size);
	disk->seen = malloc((size_t)size);
	assert_true(disk->data && disk->durable && disk->seen);
	assert_int_equal(pread(fd, disk->data, (size_t)size, 0), size);
	memcpy(disk->durable, disk->data, (size_t)size);
	close(fd);
	return disk;
}

static void disk_free(struct disk *disk)
{
	free(disk->data);
	free(disk->durable);
	free(disk->seen);
	for (unsigned i = 0; i < disk->nr_kept; i++)
		free(disk->kept[i]);
	free(disk);
}

static struct fs *open_disk_with(struct disk *disk, enum fs_errors errors)
{
	struct fs_options opts = { .writable = true, .errors = errors };

	assert_int_equal(fs_open(&disk->blk, &opts, &fixture.log, &disk->fs), 0);
	return disk->fs;
}

static struct fs *open_disk(struct disk *disk)
{
	return open_disk_with(disk, FS_ERRORS_DEFAULT);
}

/* A filesystem of such bytes, its journal replayed. */
static struct fs *open_bytes(const struct disk *disk, const uint8_t *bytes)
{
	struct fs_options opts = { 0 };
	struct blk *mem;
	struct fs *fs;

	assert_int_equal(blk_mem_new(bytes, disk->blk.size, &mem), 0);
	assert_int_equal(fs_open(mem, &opts, &fixture.log, &fs), 0);
	return fs;
}

static void write_image(const struct disk *disk, const uint8_t *bytes)
{
	int fd = open("image", O_WRONLY);

	assert_int_equal(pwrite(fd, bytes, disk->blk.size, 0), disk->blk.size);
	close(fd);
}

/* Ends the test's work on the disk; e2fsck finds nothing. */
static void finish(struct disk *disk)
{
	assert_int_equal(fs_close(disk->fs), 0);
	write_image(disk, disk->data);
	judge(false);
	disk_free(disk);
}

/* ---- files ---- */

static void put(struct inode *inode, uint64_t off, size_t len, int byte, bool times)
{
	uint8_t *bytes = malloc(len);

	assert_non_null(bytes);
	memset(bytes, byte, len);
	assert_int_equal(file_write(inode, off, bytes, len, times, true), len);
	free(bytes);
}

static void cut(struct inode *inode, uint64_t size)
{
	rwlock_write(&inode->lock);
	assert_int_equal(file_truncate_locked(inode, size), 0);
	rwlock_drop(&inode->lock);
}

/* How many bytes of file a, in an image of such bytes, are byte. */
static size_t count(const struct disk *disk, const uint8_t *bytes, uint8_t byte)
{
	struct fs *fs = open_bytes(disk, bytes);
	struct inode *inode = get_file(fs, "a");
	size_t size = inode->d.size, nr = 0;
	uint8_t *buf = malloc(size + 1);

	assert_non_null(buf);
	assert_int_equal(file_read(inode, 0, buf, size), size);
	for (size_t i = 0; i < size; i++)
		nr += buf[i] == byte;
	free(buf);
	inode_put(inode);
	assert_int_equal(fs_close(fs), 0);
	return nr;
}

static bool has_name(const struct disk *disk, const uint8_t *bytes, const char *name)
{
	struct fs *fs = open_bytes(disk, bytes);
	struct inode *root;
	uint32_t ino;
	int err;

	assert_int_equal(inode_get(fs, EXT2_ROOT_INO, &root), 0);
	err = dir_lookup(root, name, strlen(name), &ino);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	return !err;
}

/* Leaves STALE in the free blocks. */
static void litter(struct fs *fs)
{
	struct inode *inode = get_file(fs, "b");
	size_t len = 1 << 20;
	uint8_t *bytes = malloc(len);

	assert_non_null(bytes);
	memset(bytes, STALE, len);
	for (unsigned i = 0; i < 16; i++)
		if (file_write(inode, i * len, bytes, len, true, true) != (ssize_t)len)
			break;
	free(bytes);
	cut(inode, 0);
	assert_int_equal(file_sync(inode, false), 0);
	inode_put(inode);
}

/* ---- data before what makes them reachable ---- */

static void *sync_all(void *arg)
{
	struct disk *disk = arg;

	assert_int_equal(fs_sync(disk->fs), 0);
	disk->synced = true;
	return NULL;
}

/* Somebody else syncs, and the power fails, before the data is written. */
static void sync_and_look(struct disk *disk)
{
	disk->synced = false;
	assert_int_equal(pthread_create(&disk->thread, NULL, sync_all, disk), 0);
	/* a commit that has to wait for us never comes: what it may do meanwhile it does at once */
	for (unsigned i = 0; i < 50 && !disk->synced; i++)
		usleep(1000);
	pthread_mutex_lock(&disk->lock);
	memcpy(disk->seen, disk->data, disk->blk.size);
	pthread_mutex_unlock(&disk->lock);
}

static void write_watched(struct disk *disk, struct inode *inode, uint64_t off, size_t len)
{
	disk->before_data = sync_and_look;
	put(inode, off, len, DATA, true);
	assert_null(disk->before_data);
	pthread_join(disk->thread, NULL);
	assert_int_equal(count(disk, disk->seen, STALE), 0);
}

static void check_data_first(const char *args)
{
	bool inlined = strstr(args, "inline_data"), extents = !strstr(args, "ext3");
	struct inode *inode;
	struct disk *disk;
	struct fs *fs;

	make_image("16M", args);
	disk = disk_new();
	fs = open_disk(disk);
	litter(fs);
	inode = get_file(fs, "a");
	if (inlined) {
		put(inode, 0, 40, OLD, true);
		assert_int_equal(file_sync(inode, false), 0);
		/* moves out of the inode, with its old contents */
		write_watched(disk, inode, 3000, 100);
	}
	write_watched(disk, inode, 10000, 9000); /* a hole, parts of blocks at both ends */
	write_watched(disk, inode, 19000, 50000); /* goes on in the last block and behind it */
	if (extents) {
		assert_int_equal(file_fallocate(inode, 0, 100000, 100000, true), 0);
		assert_int_equal(file_sync(inode, false), 0);
		write_watched(disk, inode, 120000, 30000); /* unwritten blocks */
	}
	cut(inode, 12345);
	write_watched(disk, inode, 40000, 10000);
	inode_put(inode);
	finish(disk);
}

static void test_data_first(void **state)
{
	(void)state;
	check_data_first("-t ext4 -b 1024 -J size=1");
	check_data_first("-t ext4 -b 4096 -J size=4");
	check_data_first("-t ext3 -b 1024 -J size=1");
	check_data_first("-t ext4 -b 1024 -O inline_data -J size=1");
}

/* ---- what returns when it is durable ---- */

static int try_name(struct fs *fs, const char *name)
{
	static const struct cred cred;
	struct inode *root, *made;
	int err;

	assert_int_equal(inode_get(fs, EXT2_ROOT_INO, &root), 0);
	err = namei_make(root, name, strlen(name), S_IFREG | 0644, 0, &cred, &made);
	if (!err)
		inode_put(made);
	inode_put(root);
	return err;
}

static void make_name(struct fs *fs, const char *name)
{
	assert_int_equal(try_name(fs, name), 0);
}

static void set_root_flags(struct fs *fs, uint32_t flags)
{
	struct inode *root;

	assert_int_equal(inode_get(fs, EXT2_ROOT_INO, &root), 0);
	assert_int_equal(attr_set_flags(root, (root->d.flags & ~(uint32_t)EXT2_DIRSYNC_FL) | flags,
		true), 0);
	inode_put(root);
}

static void test_sync(void **state)
{
	struct inode *inode;
	struct disk *disk;
	struct fs *fs;

	(void)state;
	make_image("8M", "-t ext4 -b 1024 -J size=1");
	disk = disk_new();
	fs = open_disk(disk);
	inode = get_file(fs, "a");
	/* new blocks, and nothing yet */
	put(inode, 0, 10000, OLD, true);
	assert_int_equal(count(disk, disk->durable, OLD), 0);
	assert_int_equal(file_sync(inode, false), 0);
	assert_int_equal(count(disk, disk->durable, OLD), 10000);
	/* fdatasync: the size that the data need */
	put(inode, 10000, 5000, OLD, true);
	assert_int_equal(file_sync(inode, true), 0);
	assert_int_equal(count(disk, disk->durable, OLD), 15000);
	/* in place, with and without a transaction */
	put(inode, 0, 3000, DATA, false);
	assert_int_equal(count(disk, disk->durable, DATA), 0);
	assert_int_equal(file_sync(inode, false), 0);
	assert_int_equal(count(disk, disk->durable, DATA), 3000);
	put(inode, 3000, 3000, DATA, true);
	assert_int_equal(file_sync(inode, true), 0);
	assert_int_equal(count(disk, disk->durable, DATA), 6000);
	/* all of the filesystem */
	make_name(fs, "one");
	put(inode, 6000, 1000, DATA, false);
	assert_int_equal(fs_sync(fs), 0);
	assert_true(has_name(disk, disk->durable, "one"));
	assert_int_equal(count(disk, disk->durable, DATA), 7000);
	/* a directory that is marked so */
	make_name(fs, "two");
	assert_false(has_name(disk, disk->durable, "two"));
	set_root_flags(fs, EXT2_DIRSYNC_FL);
	make_name(fs, "three");
	assert_true(has_name(disk, disk->durable, "three"));
	inode_put(inode);
	finish(disk);
}

#define OTHERS 5000u /* inodes: more than the cache keeps that nobody uses */

/* What an inode was before it left the cache counts as well. */
static void test_evicted(void **state)
{
	static const struct cred cred;
	uint32_t *others = calloc(OTHERS, sizeof(*others)), ino;
	struct inode *inode, *root;
	struct disk *disk;
	struct fs *fs;
	char name[16];

	(void)state;
	assert_non_null(others);
	make_image("16M", "-t ext4 -b 1024 -N 8192 -J size=4");
	disk = disk_new();
	fs = open_disk(disk);
	assert_int_equal(inode_get(fs, EXT2_ROOT_INO, &root), 0);
	for (unsigned i = 0; i < OTHERS; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(namei_make(root, name, strlen(name), S_IFREG | 0644, 0, &cred,
			&inode), 0);
		others[i] = inode->ino;
		inode_put(inode);
	}
	inode_put(root);
	assert_int_equal(fs_sync(fs), 0);
	for (unsigned data_only = 0; data_only < 2; data_only++) {
		inode = get_file(fs, "a");
		ino = inode->ino;
		put(inode, data_only * 5000, 5000, DATA, true);
		inode_put(inode);
		for (unsigned i = 0; i < OTHERS; i++) {
			assert_int_equal(inode_get(fs, others[i], &inode), 0);
			inode_put(inode);
		}
		assert_int_equal(count(disk, disk->durable, DATA), data_only * 5000);
		assert_int_equal(inode_get(fs, ino, &inode), 0);
		assert_int_equal(file_sync(inode, data_only), 0);
		inode_put(inode);
		assert_int_equal(count(disk, disk->durable, DATA), (data_only + 1) * 5000);
	}
	free(others);
	finish(disk);
}

struct syncer {
	struct disk *disk;
	struct inode *inode; /* NULL: all */
	pthread_t thread;
	atomic_bool done;
};

static void *run_syncer(void *arg)
{
	struct syncer *s = arg;

	assert_int_equal(s->inode ? file_sync(s->inode, false) : fs_sync(s->disk->fs), 0);
	s->done = true;
	return NULL;
}

static void start_syncer(struct syncer *s, struct disk *disk, struct inode *inode)
{
	*s = (struct syncer){ .disk = disk, .inode = inode };
	assert_int_equal(pthread_create(&s->thread, NULL, run_syncer, s), 0);
}

static void wait_flush(struct disk *disk, int nr)
{
	for (unsigned i = 0; disk->flushes <= nr; i++) {
		usleep(1000);
		assert_true(i < 20000);
	}
}

/* Two who sync the same file: that one of them takes care of the data does not excuse the other. */
static void test_two_syncs(void **state)
{
	struct syncer all, first, second;
	struct inode *inode;
	struct disk *disk;
	struct fs *fs;
	int flushes;

	(void)state;
	make_image("8M", "-t ext4 -b 1024 -J size=1");
	disk = disk_new();
	fs = open_disk(disk);
	inode = get_file(fs, "a");
	put(inode, 0, 4096, OLD, true);
	assert_int_equal(file_sync(inode, false), 0);
	put(inode, 0, 100, OLD, true);
	/* a commit that has flushed the log, and waits for its record to be flushed */
	flushes = disk->flushes;
	disk->allowed = flushes + 1;
	start_syncer(&all, disk, NULL);
	wait_flush(disk, flushes + 1);
	put(inode, 0, 1000, DATA, false);
	start_syncer(&first, disk, inode);
	usleep(50000);
	start_syncer(&second, disk, inode);
	usleep(50000);
	/* the commit may end, but no more than that */
	disk->allowed = flushes + 2;
	pthread_mutex_lock(&disk->lock);
	memcpy(disk->seen, disk->durable, disk->blk.size);
	pthread_mutex_unlock(&disk->lock);
	usleep(100000);
	assert_int_equal(count(disk, disk->seen, DATA), 0);
	assert_false(first.done);
	assert_false(second.done);
	disk->allowed = INT32_MAX;
	pthread_join(all.thread, NULL);
	pthread_join(first.thread, NULL);
	pthread_join(second.thread, NULL);
	assert_int_equal(count(disk, disk->durable, DATA), 1000);
	inode_put(inode);
	finish(disk);
}

/* ---- data that we do not see ---- */

/* A client writes bytes of one byte to where it is told. */
static void move(struct disk *disk, struct inode *inode, uint64_t off, size_t len, int byte)
{
	const struct file_iomap_request ask = { .use = FILE_IOMAP_WRITE, .pos = off, .len = len };
	uint8_t *bytes = malloc(len);
	struct file_iomap map;

	assert_non_null(bytes);
	memset(bytes, byte, len);
	assert_int_equal(file_iomap_begin(inode, &ask, &map), 0);
	assert_true(map.off + map.len >= off + len);
	assert_int_equal(disk_write(&disk->blk, map.addr + (off - map.off), bytes, len), 0);
	free(bytes);
}

static size_t durable_size(const struct disk *disk)
{
	struct fs *fs = open_bytes(disk, disk->durable);
	struct inode *inode = get_file(fs, "a");
	size_t size = inode->d.size;

	inode_put(inode);
	assert_int_equal(fs_close(fs), 0);
	return size;
}

/* Others have a commit under way that has flushed already, but for its record. Whoever syncs then flushes again. */
static void move_during_commit(struct disk *disk, struct inode *inode)
{
	struct syncer all, one;
	int flushes;

	rwlock_write(&inode->lock);
	assert_int_equal(file_truncate_locked(inode, inode->d.size - 10), 0);
	rwlock_drop(&inode->lock);
	flushes = disk->flushes;
	disk->allowed = flushes + 1;
	start_syncer(&all, disk, NULL);
	wait_flush(disk, flushes + 1);
	move(disk, inode, 4096, 1024, OLD);
	start_syncer(&one, disk, inode);
	usleep(50000);
	assert_false(one.done);
	disk->allowed = INT32_MAX;
	pthread_join(all.thread, NULL);
	pthread_join(one.thread, NULL);
	/* log and record, the one for all, and ours */
	assert_true(disk->flushes >= flushes + 4);
	assert_int_equal(count(disk, disk->durable, OLD), 3072);
}

/*
 * The client's order: it is told where, writes, says so. At each flush the power may fail: the file never has what
 * lay in its blocks before, and has what fsync(2) has acknowledged.
 */
static void test_moved(void **state)
{
	struct inode *inode;
	struct disk *disk;
	struct fs *fs;
	uint64_t size;

	(void)state;
	make_image("16M", "-t ext4 -b 1024 -J size=1");
	disk = disk_new();
	fs = open_disk(disk);
	assert_int_equal(file_iomap_enable(fs), 0);
	litter(fs);
	inode = get_file(fs, "a");
	inode->outside = true;
	/* promised, and durable, but not written: the file has not grown */
	move(disk, inode, 0, 10240, DATA);
	assert_int_equal(file_iomap_grown(inode, 10240), 0);
	assert_int_equal(fs_sync(fs), 0);
	assert_int_equal(durable_size(disk), 0);
	/* written: with the transaction, whose commit flushes first */
	disk->keep = true;
	assert_int_equal(file_iomap_written(inode, 0, 10240, &size), 0);
	assert_int_equal(durable_size(disk), 0);
	assert_int_equal(file_sync(inode, true), 0);
	assert_int_equal(count(disk, disk->durable, DATA), 10240);
	/* blocks and data in one go */
	move(disk, inode, 20480, 10240, DATA);
	assert_int_equal(file_iomap_written(inode, 20480, 10240, &size), 0);
	assert_int_equal(file_sync(inode, false), 0);
	assert_int_equal(count(disk, disk->durable, DATA), 20480);
	disk->keep = false;
	assert_true(disk->nr_kept > 2);
	for (unsigned i = 0; i < disk->nr_kept; i++)
		assert_int_equal(count(disk, disk->kept[i], STALE), 0);
	/* in place nothing is said, and no transaction is there: fsync(2) flushes all the same */
	move(disk, inode, 1024, 2048, OLD);
	assert_int_equal(file_sync(inode, true), 0);
	assert_int_equal(count(disk, disk->durable, OLD), 2048);
	move_during_commit(disk, inode);
	inode_put(inode);
	finish(disk);
}

/* What was ours to write is in the image before a client moves it. */
static void test_settled(void **state)
{
	struct inode *inode;
	struct disk *disk;
	struct fs *fs;
	int flushes;

	(void)state;
	make_image("16M", "-t ext4 -b 1024 -J size=1");
	disk = disk_new();
	fs = open_disk(disk);
	assert_int_equal(file_iomap_enable(fs), 0);
	inode = get_file(fs, "a");
	put(inode, 0, 4096, DATA, true);
	flushes = disk->flushes;
	disk->fail = flushes;
	assert_int_equal(file_iomap_settle(fs), -EIO);
	assert_int_equal(file_iomap_settle(fs), 0);
	assert_int_equal(disk->flushes, flushes + 2);
	assert_int_equal(file_iomap_settle(fs), 0);
	assert_int_equal(disk->flushes, flushes + 2);
	inode_put(inode);
	finish(disk);
}

/* ---- what is too large for one transaction ---- */

#define PIECES 1200u /* of a file, each with a block of pointers: more than a transaction holds */

static void *sync_often(void *arg)
{
	struct disk *disk = arg;

	while (!disk->synced)
		assert_int_equal(fs_sync(disk->fs), 0);
	return NULL;
}

/*
 * Every commit on the way is one to go on from: who recovers gives back the rest, so that the size and
 * the blocks of the file are those of before or of afterwards.
 */
static void check_kept(struct disk *disk)
{
	unsigned after = 0;

	for (unsigned i = 0; i < disk->nr_kept; i++) {
		struct statvfs st;
		struct fs *fs;

		write_image(disk, disk->kept[i]);
		assert_int_equal(fs_close(open_image(true)), 0);
		judge(false);
		fs = open_image(false);
		assert_int_equal(fs_statfs(fs, &st), 0);
		assert_int_equal(fs_close(fs), 0);
		if (st.f_blocks - st.f_bfree < PIECES / 2)
			after++;
		else if (st.f_blocks - st.f_bfree <= 2 * PIECES)
			fail_msg("%lu of %lu blocks are free", st.f_bfree, st.f_blocks);
	}
	/* the last commit is not all there was to look at */
	assert_true(after > 2);
}

static void check_chain(bool removed)
{
	struct inode *inode, *root;
	struct disk *disk;
	uint32_t ino;
	struct fs *fs;

	make_image("8M", "-t ext3 -b 1024 -J size=1");
	disk = disk_new();
	fs = open_disk(disk);
	inode = get_file(fs, "a");
	for (unsigned i = 0; i < PIECES; i++)
		put(inode, (uint64_t)i << 18, 1024, OLD, true);
	assert_int_equal(fs_sync(fs), 0);
	disk->synced = false;
	disk->keep = true;
	assert_int_equal(pthread_create(&disk->thread, NULL, sync_often, disk), 0);
	if (removed) {
		assert_int_equal(inode_get(fs, EXT2_ROOT_INO, &root), 0);
		assert_int_equal(namei_unlink(root, "a", 1, &ino), 0);
		inode_put(root);
		inode_put(inode);
		assert_int_equal(orphan_free(fs, ino), 0);
	} else {
		cut(inode, 1000);
		inode_put(inode);
	}
	disk->synced = true;
	pthread_join(disk->thread, NULL);
	disk->keep = false;
	check_kept(disk);
	finish(disk);
}

#define MOVED_PIECES 24000u /* 84 to a block of the extent tree: more blocks than a transaction holds */

/* A file that grows by more runs than a transaction converts: no commit has data behind its end. */
static void test_moved_chain(void **state)
{
	struct file_iomap_request ask = { .use = FILE_IOMAP_WRITE, .len = 1024 };
	struct inode *inode;
	struct disk *disk;
	uint64_t size = 0;
	struct fs *fs;

	(void)state;
	make_image("40M", "-t ext4 -b 1024 -J size=1");
	disk = disk_new();
	fs = open_disk(disk);
	assert_int_equal(file_iomap_enable(fs), 0);
	inode = get_file(fs, "a");
	inode->outside = true;
	for (unsigned i = 0; i < MOVED_PIECES; i++) {
		struct file_iomap map;

		/* every other block, so that nothing joins */
		ask.pos = (uint64_t)i << 11;
		assert_int_equal(file_iomap_begin(inode, &ask, &map), 0);
	}
	assert_int_equal(fs_sync(fs), 0);
	disk->keep = true;
	assert_int_equal(file_iomap_written(inode, 0, (uint64_t)MOVED_PIECES << 11, &size), 0);
	assert_int_equal(fs_sync(fs), 0);
	disk->keep = false;
	assert_int_equal(size, (uint64_t)MOVED_PIECES << 11);
	inode_put(inode);
	/* two for each commit */
	assert_true(disk->nr_kept > 2);
	for (unsigned i = 0; i < disk->nr_kept; i++) {
		write_image(disk, disk->kept[i]);
		assert_int_equal(fs_close(open_image(true)), 0);
		judge(false);
	}
	finish(disk);
}

static void test_chain(void **state)
{
	(void)state;
	check_chain(false);
	check_chain(true);
}

/* ---- errors ---- */

/*
 * The record in the superblock, as the kernel makes it: of the first error; code 0: there is none. bytes are
 * disk's, which the journal's thread may still write to.
 */
static void check_record(struct disk *disk, const uint8_t *bytes, uint32_t ino, uint8_t code)
{
	uint8_t raw[1024];

	pthread_mutex_lock(&disk->lock);
	memcpy(raw, bytes + SUPERBLOCK_OFFSET, sizeof(raw));
	pthread_mutex_unlock(&disk->lock);
	assert_int_equal(le16_get(raw + SB_STATE) & EXT2_ERROR_FS, code ? EXT2_ERROR_FS : 0);
	assert_int_equal(le32_get(raw + SB_ERROR_COUNT) != 0, code != 0);
	assert_int_equal(le32_get(raw + SB_FIRST_ERROR_INO), ino);
	assert_int_equal(raw[FIRST_ERRCODE], code);
}

/* It can be repaired, and what had been promised is there; frees the disk. */
static void recover(struct disk *disk, size_t promised)
{
	struct fs *fs;
	struct inode *inode;

	write_image(disk, disk->data);
	assert_true(sh("e2fsck -fy image") >> 8 <= 1);
	judge(false);
	fs = open_image(false);
	inode = get_file(fs, "a");
	assert_true(inode->d.size >= promised);
	inode_put(inode);
	assert_int_equal(fs_close(fs), 0);
	disk_free(disk);
}

/* A commit fails: who waits is told, nothing more is changed, what was promised stays. */
static void test_io_error(void **state)
{
	struct inode *inode;
	struct disk *disk;
	struct fs *fs;

	(void)state;
	/* both flushes of a commit: of what is logged, and of the record */
	for (int which = 0; which < 2; which++) {
		make_image("16M", "-t ext4 -b 1024 -J size=1");
		disk = disk_new();
		fs = open_disk(disk);
		inode = get_file(fs, "a");
		put(inode, 0, 5000, OLD, true);
		assert_int_equal(file_sync(inode, false), 0);
		put(inode, 5000, 5000, DATA, true);
		disk->fail = disk->flushes + which;
		assert_int_equal(file_sync(inode, false), -EIO);
		assert_false(fs_is_writable(fs));
		assert_int_equal(try_name(fs, "late"), -EROFS);
		assert_int_equal(file_write(inode, 0, "x", 1, true, true), -EROFS);
		assert_true(file_sync(inode, false) < 0);
		assert_true(fs_sync(fs) < 0);
		inode_put(inode);
		assert_true(fs_close(fs) < 0);
		check_record(disk, disk->durable, 0, 2 /* EXT4_ERR_EIO */);
		assert_int_equal(count(disk, disk->durable, OLD), 5000);
		recover(disk, 5000);
	}
}

/* Damage is found while the filesystem is changed: errors= decides, and it is on record at once. */
static void test_errors(void **state)
{
	static const enum fs_errors all[] = { FS_ERRORS_DEFAULT, FS_ERRORS_CONTINUE, FS_ERRORS_RO };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		bool stops = all[i] == FS_ERRORS_RO;
		struct inode *inode;
		struct disk *disk;
		struct fs *fs;

		make_image("16M", "-t ext4 -b 1024 -J size=1");
		disk = disk_new();
		fs = open_disk_with(disk, all[i]);
		inode = get_file(fs, "a");
		put(inode, 0, 5000, OLD, true);
		assert_int_equal(file_sync(inode, false), 0);
		check_record(disk, disk->durable, 0, 0);
		assert_int_equal(fs_corrupt(fs, 12, -EUCLEAN, "as the test says"), -EUCLEAN);
		check_record(disk, disk->durable, 12, 5 /* EXT4_ERR_EFSCORRUPTED */);
		assert_int_equal(fs_is_writable(fs), !stops);
		assert_int_equal(try_name(fs, "late"), stops ? -EROFS : 0);
		inode_put(inode);
		assert_int_equal(fs_close(fs) != 0, stops);
		assert_int_equal(has_name(disk, disk->durable, "late"), !stops);
		check_record(disk, disk->durable, 12, 5);
		recover(disk, 5000);
	}
}

static void test_panic(void **state)
{
	struct disk *disk;
	int status;
	pid_t pid;

	(void)state;
	make_image("16M", "-t ext4 -b 1024 -J size=1");
	disk = disk_new();
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		(void)!fs_corrupt(open_disk_with(disk, FS_ERRORS_PANIC), 12, -EUCLEAN, "enough");
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 70 /* EX_SOFTWARE */);
	disk_free(disk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_data_first),
		cmocka_unit_test(test_sync),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_evicted),
		cmocka_unit_test(test_two_syncs),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_moved_chain),
		cmocka_unit_test(test_settled),
		cmocka_unit_test(test_io_error),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_panic),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
