// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Journals on a device of their own. mke2fs joins the two only if both are block devices, so here it is
 * done by hand. e2fsck takes a journal that is a file: it judges, and replays what we wrote.
 */
#include "config.h"

#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/le.h"
#include "fs/fs.h"
#include "fs/fs_i.h"
#include "fs/inode.h"
#include "journal/journal.h"

#define FS_UUID "11111111-2222-3333-4444-555555555555"
#define JOURNAL_UUID "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"

/* Offsets in the journal's superblock. */
#define NR_USERS 0x40
#define USERS 0x100

static void must(int status)
{
	if (status)
		fail_msg("a command ended with %d", status);
}

static void poke(const char *path, uint64_t off, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, (off_t)off), len);
	close(fd);
}

/* Where the journal's superblock lies. */
static uint64_t super_offset(unsigned block_size)
{
	return block_size == 1024 ? 2048 : block_size;
}

/* ./image with its journal ./journal. */
static void make(unsigned block_size, const char *args)
{
	static const uint8_t user[16] = { 0x11, 0x11, 0x11, 0x11, 0x22, 0x22, 0x33, 0x33, 0x44, 0x44,
		0x55, 0x55, 0x55, 0x55, 0x55, 0x55 };
	uint8_t count[4];

	NEED_TOOLS(fixture.tools);
	be32_put(count, 1);
	must(sh("rm -f image journal; truncate -s 16M image journal && "
		"mke2fs -q -F -b %u -O journal_dev -U " JOURNAL_UUID " journal && "
		"mke2fs -q -F -b %u -t ext4 -O ^has_journal -U " FS_UUID " %s image && "
		"debugfs -w -R 'feature has_journal' image && "
		"debugfs -w -R 'ssv journal_uuid " JOURNAL_UUID "' image && "
		"debugfs -w -R 'ssv journal_dev 1793' image", block_size, block_size, args));
	poke("journal", super_offset(block_size) + NR_USERS, count, 4);
	poke("journal", super_offset(block_size) + USERS, user, 16);
}

static struct blk *open_file(const char *path, bool writable)
{
	int fd = open(path, writable ? O_RDWR : O_RDONLY);
	struct blk *blk;

	assert_true(fd >= 0);
	assert_int_equal(blk_file_new(fd, writable, &blk), 0);
	return blk;
}

/* journal: NULL: none is named. */
static int try_open(const char *image, const char *journal, bool writable, struct fs **ret)
{
	struct fs_options opts = { .writable = writable };

	if (journal)
		opts.journal = open_file(journal, writable);
	return fs_open(open_file(image, writable), &opts, &fixture.log, ret);
}

/* Gives the root directory a modification time. */
static void set_time(struct fs *fs, int64_t sec)
{
	struct inode *root;
	struct handle *h;

	assert_int_equal(inode_get(fs, EXT2_ROOT_INO, &root), 0);
	rwlock_write(&root->lock);
	assert_int_equal(journal_start(fs->journal, INODE_CREDITS, &h), 0);
	root->d.mtime = (struct timespec){ .tv_sec = sec };
	assert_int_equal(inode_write(h, root), 0);
	assert_int_equal(journal_stop(h), 0);
	rwlock_drop(&root->lock);
	inode_put(root);
}

static int64_t get_time(struct fs *fs)
{
	struct dinode d;

	assert_int_equal(dinode_load(fs, EXT2_ROOT_INO, &d), 0);
	return d.mtime.tv_sec;
}

/* A crash: ./image2 and ./journal2 hold a change of the root's time to 1000 in the log only. */
static void make_dirty(unsigned block_size, const char *args)
{
	struct fs *fs;

	make(block_size, args);
	assert_int_equal(try_open("image", "journal", true, &fs), 0);
	set_time(fs, 1000);
	assert_int_equal(fs_sync(fs), 0);
	must(sh("cp image image2; cp journal journal2"));
	assert_int_equal(fs_close(fs), 0);
	must(sh("e2fsck -fn -j journal image"));
	assert_int_equal(try_open("image", "journal", false, &fs), 0);
	assert_int_equal(get_time(fs), 1000);
	assert_int_equal(fs_close(fs), 0);
}

/* ---- tests ---- */

static const struct {
	unsigned block_size;
	const char *args;
} kinds[] = { { 1024, "" }, { 4096, "" }, { 4096, "-O ^metadata_csum,^64bit" } };

static void test_replay_to_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct fs *fs;

		make_dirty(kinds[i].block_size, kinds[i].args);
		must(sh("cp image2 image3; cp journal2 journal3"));
		assert_int_equal(try_open("image2", NULL, false, &fs), -EOPNOTSUPP);
		assert_int_equal(try_open("image2", "journal2", false, &fs), 0);
		assert_int_equal(get_time(fs), 1000);
		assert_int_equal(fs_close(fs), 0);
		must(sh("cmp image2 image3 && cmp journal2 journal3"));
	}
}

static void test_replay_to_image(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct fs *fs;

		make_dirty(kinds[i].block_size, kinds[i].args);
		assert_int_equal(try_open("image2", "journal2", true, &fs), 0);
		assert_int_equal(get_time(fs), 1000);
		set_time(fs, 2000);
		assert_int_equal(fs_close(fs), 0);
		must(sh("e2fsck -fn -j journal2 image2"));
		assert_int_equal(try_open("image2", NULL, false, &fs), 0);
		assert_int_equal(get_time(fs), 2000);
		assert_int_equal(fs_close(fs), 0);
	}
}

static void test_others_replay_ours(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct fs *fs;

		make_dirty(kinds[i].block_size, kinds[i].args);
		must(sh("e2fsck -fy -j journal2 image2; [ $? -le 1 ] && "
			"e2fsck -fn -j journal2 image2"));
		assert_int_equal(try_open("image2", NULL, false, &fs), 0);
		assert_int_equal(get_time(fs), 1000);
		assert_int_equal(fs_close(fs), 0);
	}
}

/* Neither side is touched where they do not belong together. */
static void test_refused(void **state)
{
	uint8_t count[4];
	struct fs *fs;

	(void)state;
	make(4096, "");
	assert_int_equal(try_open("image", NULL, true, &fs), -EOPNOTSUPP);
	assert_int_equal(try_open("image", "image", true, &fs), -EINVAL);
	must(sh("cp journal journal2; cp image image2"));
	poke("journal2", 4096 + USERS, "x", 1);
	assert_int_equal(try_open("image", "journal2", true, &fs), -EINVAL);
	be32_put(count, 2);
	must(sh("cp journal journal2"));
	poke("journal2", 4096 + NR_USERS, count, 4);
	assert_int_equal(try_open("image", "journal2", true, &fs), -EINVAL);
	must(sh("cmp image image2"));
	must(sh("debugfs -w -R 'ssv journal_uuid " FS_UUID "' image2"));
	assert_int_equal(try_open("image2", "journal", true, &fs), -EINVAL);
	must(sh("rm image2; truncate -s 8M image2; mke2fs -q -F -t ext4 -b 4096 image2"));
	assert_int_equal(try_open("image2", "journal", true, &fs), -EINVAL);
	assert_int_equal(try_open("image2", "journal", false, &fs), -EINVAL);
	must(sh("e2fsck -fn image2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replay_to_memory),
		cmocka_unit_test(test_replay_to_image),
		cmocka_unit_test(test_others_replay_ours),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
