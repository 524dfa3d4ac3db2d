// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A frozen filesystem: what a snapshot of its device shows, that the device stays as it is whatever happens, and that
 * all goes on after it.
 */
#include "config.h"

#include "write_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#include "fs/file.h"
#include "fs/namei.h"
#include "fs/orphan.h"

#define FILES 20u
/* without checksums, so that a number in the block can be changed alone */
#define MMP_ARGS "-t ext4 -b 1024 -O mmp,^metadata_csum -E mmp_update_interval=1"
#define MMP_SEQ_AT 4 /* in the block */
#define SECOND_MS 40u /* of multiple mount protection */

static const struct cred cred = { .uid = 1000, .gid = 100, .umask = 022 };

static struct fs *open_strict(const char *image)
{
	struct fs_options opts = { .writable = true, .atime = FS_ATIME_STRICT, .commit_interval = 1,
		.errors = FS_ERRORS_CONTINUE, .device = "image", .mmp_second_ms = SECOND_MS };
	int fd = open(image, O_RDWR | O_CLOEXEC);
	struct blk *blk;
	struct fs *fs;

	assert_true(fd >= 0);
	assert_int_equal(blk_file_new(fd, true, &blk), 0);
	assert_int_equal(fs_open(blk, &opts, &fixture.log, &fs), 0);
	return fs;
}

static struct inode *mk(struct inode *dir, const char *name)
{
	struct inode *inode;

	assert_int_equal(namei_make(dir, name, strlen(name), S_IFREG | 0644, 0, &cred, &inode), 0);
	return inode;
}

static void write_file(struct inode *inode, size_t len)
{
	char *bytes = malloc(len);

	assert_non_null(bytes);
	memset(bytes, 'x', len);
	assert_int_equal(file_write(inode, 0, bytes, len, true, false), len);
	free(bytes);
}

static void make_files(struct inode *root, struct inode *held[FILES])
{
	char name[16];

	for (unsigned i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		held[i] = mk(root, name);
		write_file(held[i], 1000 + 9000 * i);
	}
}

static void snapshot(const char *copy)
{
	assert_int_equal(sh("cp --sparse=always image %s", copy), 0);
}

/* Whether dumpe2fs -h says so of image. */
static bool says(const char *image, const char *pattern)
{
	return !sh("dumpe2fs -h %s | grep -q '%s'", image, pattern);
}

struct maker {
	struct inode *dir;
	atomic_bool done;
};

static void *make_one(void *arg)
{
	struct maker *maker = arg;

	inode_put(mk(maker->dir, "late"));
	maker->done = true;
	return NULL;
}

/* A snapshot needs neither recovery nor e2fsck. */
static void check_snapshot(const char *args, bool has_journal, bool orphans)
{
	struct statvfs st;
	struct fs *fs;

	snapshot("snap");
	assert_false(says("snap", "needs_recovery"));
	assert_true(says("snap", has_journal || !orphans ? "Filesystem state: *clean" : "not clean"));
	if (has_journal)
		assert_true(says("snap", "Journal start: *0$"));
	if (orphans)
		assert_int_equal(sh("e2fsck -fp snap") >> 8 & ~1, 0);
	check_clean("snap", args);
	fs = open_image("snap", false);
	assert_int_equal(fs_statfs(fs, &st), 0);
	assert_int_equal(fs_close(fs), 0);
}

static void run(const char *args, bool has_journal, bool orphans)
{
	struct maker maker = { .done = false };
	struct inode *held[FILES], *root;
	pthread_t thread;
	struct fs *fs;
	uint32_t ino;
	char c;

	make("32m", args);
	fs = open_strict("image");
	root = root_of(fs);
	make_files(root, held);
	if (orphans)
		assert_int_equal(namei_unlink(root, "f7", 2, &ino), 0);
	assert_int_equal(fs_freeze(fs, orphans), 0);
	check_snapshot(args, has_journal, orphans);
	snapshot("before");
	assert_int_equal(fs_freeze(fs, orphans), -EBUSY);

	/* what we do by ourselves, and what waits */
	maker.dir = root;
	assert_int_equal(pthread_create(&thread, NULL, make_one, &maker), 0);
	for (unsigned i = 0; i < FILES; i++)
		assert_int_equal(file_read(held[i], 5, &c, 1), 1);
	if (orphans) {
		inode_put(held[7]);
		assert_int_equal(orphan_free(fs, ino), 0);
		assert_true(orphan_is_known(fs, ino));
	}
	assert_int_equal(fs_corrupt(fs, 0, -EUCLEAN, "not really"), -EUCLEAN);
	assert_int_equal(fs_sync(fs), 0);
	assert_int_equal(file_sync(held[3], false), 0);
	/* longer than the interval of commits, and of writing access times */
	usleep(1300000);
	assert_int_equal(file_read(held[3], 7, &c, 1), 1);
	assert_false(maker.done);
	assert_int_equal(sh("cmp image before"), 0);

	assert_int_equal(fs_thaw(fs), 0);
	pthread_join(thread, NULL);
	assert_true(maker.done);
	if (orphans)
		assert_false(orphan_is_known(fs, ino));
	assert_int_equal(fs_thaw(fs), -EINVAL);
	if (has_journal) {
		assert_int_equal(fs_sync(fs), 0);
		snapshot("crash");
		assert_true(says("crash", "needs_recovery"));
		assert_true(says("crash", "FS Error count: *1$"));
		/* 1: it has recovered, and looked at everything because of the error */
		assert_int_equal(sh("e2fsck -fp crash") >> 8 & ~1, 0);
		check_clean("crash", args);
		assert_int_equal(sh("debugfs -R 'stat late' crash | grep -q 'Type: regular'"), 0);
		assert_int_equal(sh("debugfs -R 'stat f7' crash | grep -q 'Type: regular'") != 0, orphans);
	} else {
		assert_true(says("image", "not clean"));
	}
	/* and again, without anything to be written */
	assert_int_equal(fs_freeze(fs, false), 0);
	assert_int_equal(fs_thaw(fs), 0);
	assert_int_equal(fs_freeze(fs, false), 0);
	for (unsigned i = 0; i < FILES; i++)
		if (!orphans || i != 7)
			inode_put(held[i]);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	assert_int_equal(sh("e2fsck -fp image") >> 8 & ~1, 0);
	check_clean("image", args);
}

static void test_journal(void **state)
{
	(void)state;
	run("-t ext4 -b 1024", true, false);
	run("-t ext4 -b 4096", true, true);
	run("-t ext4 -b 4096 -O orphan_file", true, false);
	run("-t ext4 -b 1024 -O orphan_file", true, true);
}

static void test_no_journal(void **state)
{
	(void)state;
	run("-t ext2 -b 4096", false, false);
	run("-t ext4 -b 1024 -O ^has_journal", false, true);
}

/* Writes another number, as another host does. */
static void take_over(struct fs *fs)
{
	const uint8_t seq[4] = { 5 };
	int fd = open("image", O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, seq, 4, (off_t)(fs_super(fs)->mmp_block * 1024 + MMP_SEQ_AT)), 4);
	close(fd);
}

/* Its number does not move, and somebody who took the filesystem over meanwhile is noticed before anything is written. */
static void test_mmp(void **state)
{
	struct inode *root, *inode;
	struct fs *fs;

	(void)state;
	make("8m", MMP_ARGS);
	fs = open_strict("image");
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(fs_freeze(fs, false), 0);
		snapshot("before");
		usleep(5000 * SECOND_MS);
		assert_int_equal(sh("cmp image before"), 0);
		assert_int_equal(fs_thaw(fs), 0);
		usleep(3000 * SECOND_MS);
		assert_true(fs_is_writable(fs));
		assert_int_not_equal(sh("cmp image before"), 0);
	}
	assert_int_equal(fs_freeze(fs, false), 0);
	take_over(fs);
	snapshot("before");
	assert_true(fs_is_writable(fs));
	assert_true(fs_thaw(fs) < 0);
	assert_false(fs_is_writable(fs));
	assert_int_equal(sh("cmp image before"), 0);
	root = root_of(fs);
	assert_int_equal(namei_make(root, "a", 1, S_IFREG | 0644, 0, &cred, &inode), -EROFS);
	inode_put(root);
	assert_true(fs_close(fs) < 0);
	assert_int_equal(sh("cmp image before"), 0);
}

/* The image stays as it is at that moment, whoever tries to write. What had been committed is there afterwards. */
static void run_shutdown(const char *args, bool has_journal, bool freeze)
{
	struct inode *held[FILES], *root, *inode;
	struct fs *fs;
	char c = 'y';

	make("32m", args);
	fs = open_strict("image");
	root = root_of(fs);
	make_files(root, held);
	assert_int_equal(fs_sync(fs), 0);
	if (freeze)
		assert_int_equal(fs_freeze(fs, false), 0);
	else
		inode_put(mk(root, "never"));
	fs_shutdown(fs);
	snapshot("before");
	assert_false(fs_is_writable(fs));
	if (freeze) /* by itself when it is closed, else */
		assert_true(fs_thaw(fs) < 0);
	assert_int_equal(namei_make(root, "a", 1, S_IFREG | 0644, 0, &cred, &inode), -EROFS);
	assert_true(file_write(held[3], 0, &c, 1, true, false) < 0);
	assert_int_equal(file_read(held[3], 5, &c, 1), 1);
	assert_int_equal(fs_corrupt(fs, 0, -EUCLEAN, "not really"), -EUCLEAN);
	assert_true(fs_sync(fs) < 0);
	usleep(1300000);
	for (unsigned i = 0; i < FILES; i++)
		inode_put(held[i]);
	inode_put(root);
	assert_true(fs_close(fs) < 0);
	assert_int_equal(sh("cmp image before"), 0);
	/* with multiple mount protection everybody waits for us, as they should */
	if (!has_journal || strstr(args, "mmp"))
		return;
	/* recovered as it was, with nothing amiss */
	assert_int_equal(sh("e2fsck -p image") >> 8 & ~1, 0);
	check_clean("image", args);
	assert_false(says("image", "FS Error count"));
	assert_int_not_equal(sh("debugfs -R 'stat never' image | grep -q 'Type: regular'"), 0);
	assert_int_equal(sh("debugfs -R 'stat f19' image | grep -q 'Type: regular'"), 0);
}

static void test_shutdown(void **state)
{
	(void)state;
	run_shutdown("-t ext4 -b 4096", true, false);
	run_shutdown("-t ext4 -b 1024", true, true);
	run_shutdown("-t ext2 -b 1024", false, false);
	run_shutdown(MMP_ARGS, true, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_no_journal),
		cmocka_unit_test(test_mmp),
		cmocka_unit_test(test_shutdown),
	};

	return cmocka_run_group_tests(tests, fixture_setup_memory, fixture_teardown);
}
