// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Usage in the quota files. Images are mke2fs's; owners use inodes and blocks through the
 * allocators, and e2fsck, which counts for itself, compares. Without these programs everything is
 * skipped.
 */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/dquot.h"
#include "format/le.h"
#include "fs/dir.h"
#include "fs/fs_i.h"
#include "fs/inode.h"
#include "fs/mapedit.h"
#include "fs/quotafile.h"
#include "fs/usage.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- images ---- */

struct fixture {
	char dir[64]; /* everything is in there; the working directory */
	bool tools;
	struct log log;
};

static struct fixture fixture;

/* Runs a shell command in the test's directory, silently. */
static int PRINTF_LIKE(1, 2) sh(const char *fmt, ...)
{
	char command[4096];
	va_list ap;
	int len;

	len = snprintf(command, sizeof(command), "PATH=$PATH:/usr/sbin:/sbin; exec >log 2>&1; ");
	va_start(ap, fmt);
	vsnprintf(command + len, sizeof(command) - (size_t)len, fmt, ap);
	va_end(ap);
	return system(command);
}

static const char *const kinds[] = {
	"-b 1024 -t ext4 -O ^has_journal",
	"-b 4096 -t ext4 -O ^has_journal",
	"-b 1024 -t ext4 -O ^metadata_csum,^64bit",
	"-b 4096 -t ext4 -O bigalloc",
	"-b 1024 -t ext2 -I 256 -O extra_isize",
	"-b 2048 -t ext4 -O ^flex_bg,uninit_bg,^metadata_csum",
};

#define FILES 400u

/* Makes ./image of the kind, with FILES empty files in the root. */
static void make(const char *kind)
{
	if (!fixture.tools)
		skip();
	if (sh("[ -d files ] || { mkdir files && cd files && seq -f f%%g 0 %u | xargs touch; }",
		    FILES - 1))
		fail_msg("files");
	if (sh("rm -f image; truncate -s 32M image && "
	       "mke2fs -q -F -N 4096 -d files %s -O quota,project "
	       "-E quotatype=usrquota:grpquota:prjquota image", kind))
		fail_msg("mke2fs %s", kind);
	/* mke2fs counts before it fills */
	(void)!sh("e2fsck -fy image");
}

static int try_open(struct fs **ret)
{
	struct fs_options opts = { .writable = true };
	int fd = open("image", O_RDWR);
	struct blk *blk;

	assert_true(fd >= 0);
	assert_int_equal(blk_file_new(fd, true, &blk), 0);
	return fs_open(blk, &opts, &fixture.log, ret);
}

static struct fs *open_image(void)
{
	struct fs *fs;

	assert_int_equal(try_open(&fs), 0);
	return fs;
}

/* e2fsck counts for itself, and compares. */
static void judge(struct fs *fs, const char *kind)
{
	assert_int_equal(fs_close(fs), 0);
	if (sh("e2fsck -fn image")) {
		(void)!system("cat log");
		fail_msg("%s: e2fsck", kind);
	}
}

static int setup(void **state)
{
	(void)state;
	strcpy(fixture.dir, "/tmp/test_quota.XXXXXX");
	if (!mkdtemp(fixture.dir) || chdir(fixture.dir))
		return -1;
	log_init(&fixture.log, "test", LOG_LEVEL_ERROR);
	fixture.log.to_syslog = false;
	fixture.tools = !sh("command -v mke2fs && command -v debugfs && command -v e2fsck");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (chdir("/"))
		return -1;
	return sh("true; rm -rf %s", fixture.dir);
}

/* ---- files that use something ---- */

static struct inode *file_get(struct fs *fs, unsigned nr)
{
	struct inode *root, *inode;
	char name[16];
	uint32_t ino;

	snprintf(name, sizeof(name), "f%u", nr);
	assert_int_equal(inode_get(fs, EXT2_ROOT_INO, &root), 0);
	assert_int_equal(dir_lookup(root, name, strlen(name), &ino), 0);
	inode_put(root);
	assert_int_equal(inode_get(fs, ino, &inode), 0);
	return inode;
}

static struct handle *start(struct fs *fs, unsigned credits)
{
	struct handle *h;

	assert_int_equal(journal_start(fs->journal, credits, &h), 0);
	return h;
}

/* acquire: as it should be done; else the entries are made within the handle. */
static int change_owner(struct inode *inode, const uint32_t ids[DQUOT_TYPES], bool acquire)
{
	struct fs *fs = inode->fs;
	struct handle *h;
	int err = 0;

	rwlock_write(&inode->lock);
	if (acquire)
		err = usage_acquire(fs, ids[0], ids[1], ids[2]);
	if (!err) {
		h = start(fs, usage_credits(fs) + INODE_CREDITS);
		err = usage_transfer(h, inode, ids[0], ids[1], ids[2]);
		if (!err) {
			inode->d.uid = ids[0];
			inode->d.gid = ids[1];
			inode->d.projid = ids[2];
			assert_int_equal(inode_write(h, inode), 0);
		}
		assert_int_equal(journal_stop(h), 0);
	}
	rwlock_drop(&inode->lock);
	return err;
}

static int file_grow(struct inode *inode, uint32_t nr)
{
	struct fs *fs = inode->fs;
	enum run_kind kind = inode->d.flags & EXT4_EXTENTS_FL ? RUN_UNWRITTEN : RUN_DATA;
	struct handle *h;
	struct run run;
	int err;

	rwlock_write(&inode->lock);
	h = start(fs, map_credits(inode) + INODE_CREDITS);
	err = map_alloc(h, inode, inode->d.size >> fs->sb.block_bits, nr, kind, 0, &run);
	if (!err) {
		/* a hole of one cluster behind it, so that maps get levels */
		inode->d.size = (run.lblk + run.nr) << fs->sb.block_bits;
		inode->d.size += (uint64_t)fs->sb.block_size << fs->sb.cluster_bits;
		assert_int_equal(inode_write(h, inode), 0);
	}
	assert_int_equal(journal_stop(h), 0);
	rwlock_drop(&inode->lock);
	return err;
}

static void file_empty(struct inode *inode)
{
	uint64_t left = UINT64_C(1) << 32;
	struct handle *h;

	rwlock_write(&inode->lock);
	h = start(inode->fs, map_credits(inode) + INODE_CREDITS);
	while (left) {
		assert_int_equal(map_free(h, inode, 0, left, 0, &left), 0);
		if (left)
			assert_int_equal(journal_restart(h, map_credits(inode) + INODE_CREDITS), 0);
	}
	inode->d.size = 0;
	assert_int_equal(inode_write(h, inode), 0);
	assert_int_equal(journal_stop(h), 0);
	rwlock_drop(&inode->lock);
}

/* ---- what the quota files say ---- */

static bool quota_of(struct fs *fs, enum dquot_type type, uint32_t id, struct dquot *ret)
{
	struct quotafile_entry entry;
	struct quotafile *file;

	assert_int_equal(quotafile_open(fs, type, &file), 0);
	lock_take(&file->lock);
	assert_int_equal(quotafile_find_locked(file, id, &entry), 0);
	if (entry.buf)
		dquot_decode(entry.raw, ret);
	lock_drop(&file->lock);
	quotafile_entry_fini(&entry);
	quotafile_close(file);
	return ret && entry.buf;
}

static void assert_quota(struct fs *fs, uint32_t id, uint64_t inodes, uint64_t blocks)
{
	for (unsigned type = 0; type < DQUOT_TYPES; type++) {
		struct dquot d = { 0 };

		(void)quota_of(fs, (enum dquot_type)type, id, &d);
		assert_int_equal(d.inodes, inodes);
		assert_int_equal(d.space, blocks * fs->sb.block_size);
	}
}

/* ---- the tests ---- */

/* One file that changes hands. */
static void test_one(void **state)
{
	static const uint32_t alice[] = { 1000, 1000, 1000 }, bob[] = { 2000, 2000, 2000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct inode *inode;
		struct fs *fs;
		uint64_t blocks;

		make(kinds[i]);
		fs = open_image();
		inode = file_get(fs, 3);
		assert_quota(fs, 1000, 0, 0);
		assert_int_equal(change_owner(inode, alice, true), 0);
		assert_quota(fs, 1000, 1, 0);
		assert_int_equal(file_grow(inode, 20), 0);
		blocks = inode->d.blocks >> (fs->sb.block_bits - 9);
		assert_true(blocks > 0);
		assert_quota(fs, 1000, 1, blocks);
		assert_int_equal(change_owner(inode, bob, false), 0);
		assert_quota(fs, 1000, 0, 0);
		assert_quota(fs, 2000, 1, blocks);
		file_empty(inode);
		assert_quota(fs, 2000, 1, 0);
		inode_put(inode);
		judge(fs, kinds[i]);
	}
}

struct storm {
	struct fs *fs;
	unsigned from, to; /* files */
	unsigned seed, turns;
};

static uint32_t some_id(unsigned *seed)
{
	uint32_t id = (uint32_t)rand_r(seed);

	switch (id >> 8 & 3) {
	case 0:
		return id & 7;
	case 1:
		return id & 0x1FF;
	case 2:
		return id & 0x7F0000;
	default:
		return id << 4;
	}
}

static void *storm_run(void *arg)
{
	struct storm *storm = arg;

	for (unsigned i = 0; i < storm->turns; i++) {
		unsigned what = (unsigned)rand_r(&storm->seed) % 8;
		unsigned nr = storm->from +
			(unsigned)rand_r(&storm->seed) % (storm->to - storm->from);
		struct inode *inode = file_get(storm->fs, nr);
		uint32_t ids[DQUOT_TYPES] = { some_id(&storm->seed), some_id(&storm->seed),
			some_id(&storm->seed) };
		int err = 0;

		if (what < 4)
			err = change_owner(inode, ids, what);
		else if (what < 7)
			err = file_grow(inode, 1 + what * 2);
		else
			file_empty(inode);
		if (err && err != -ENOSPC)
			fail_msg("error %d", err);
		inode_put(inode);
	}
	return NULL;
}

static void test_storm(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct storm storm = { .from = 0, .to = FILES, .turns = 1500, .seed = 1 };

		make(kinds[i]);
		for (unsigned round = 0; round < 2; round++) {
			storm.fs = open_image();
			storm_run(&storm);
			judge(storm.fs, kinds[i]);
		}
	}
}

#define THREADS 4u

static void test_threads(void **state)
{
	struct storm storms[THREADS];
	pthread_t threads[THREADS];
	struct fs *fs;

	(void)state;
	make(kinds[0]);
	fs = open_image();
	for (unsigned i = 0; i < THREADS; i++) {
		storms[i] = (struct storm){ .fs = fs, .from = i * 50, .to = i * 50 + 50,
			.turns = 400, .seed = i };
		assert_int_equal(pthread_create(&threads[i], NULL, storm_run, &storms[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	judge(fs, kinds[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_storm),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
