// SPDX-License-Identifier: GPL-2.0-or-later
/* Access times: when they move, who sees them, and that none outlives its inode. */
#include "config.h"

#include "write_fixture.h"

#include <pthread.h>

#include "fs/atime.h"
#include "fs/attr.h"
#include "fs/namei.h"
#include "fs/orphan.h"

#define DAY (24 * 60 * 60)
#define MANY 5000 /* more than the table takes before it is written */

static const struct cred cred = { .uid = 1000, .gid = 100, .umask = 022 };

static struct fs *open_with(const struct fs_options *opts)
{
	struct fs_options writable = *opts;
	struct blk *blk;
	struct fs *fs;
	int fd = open("image", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(blk_file_new(fd, true, &blk), 0);
	writable.writable = true;
	assert_int_equal(fs_open(blk, &writable, &fixture.log, &fs), 0);
	return fs;
}

static struct inode *mk(struct inode *dir, const char *name, uint16_t mode)
{
	struct inode *inode;

	assert_int_equal(namei_make(dir, name, strlen(name), mode, 0, &cred, &inode), 0);
	return inode;
}

/* Seconds before now. */
static struct timespec ago(time_t seconds)
{
	struct timespec ts = inode_now();

	ts.tv_sec -= seconds;
	return ts;
}

static void set_times(struct inode *inode, time_t atime, time_t mtime, time_t ctime)
{
	struct attr_change change = { .what = ATTR_ATIME | ATTR_MTIME | ATTR_CTIME,
		.atime = ago(atime), .mtime = ago(mtime), .ctime = ago(ctime) };
	struct dinode d;

	assert_int_equal(attr_set(inode, &change, &d), 0);
}

static struct timespec atime_of(struct fs *fs, uint32_t ino)
{
	struct dinode d;

	assert_int_equal(dinode_load(fs, ino, &d), 0);
	return d.atime;
}

static bool is_recent(struct timespec ts)
{
	return ts.tv_sec >= ago(60).tv_sec;
}

/* ---- when they move ---- */

static void test_rules(void **state)
{
	static const struct {
		struct fs_options opts;
		uint16_t mode;
		uint32_t flags;
		time_t atime, mtime, ctime; /* seconds ago */
		bool moves;
	} cases[] = {
		{ { 0 }, S_IFREG, 0, 3600, 4000, 4000, false },
		{ { 0 }, S_IFREG, 0, 3600, 3600 - 1, 4000, true },
		{ { 0 }, S_IFREG, 0, 3600, 4000, 3600 - 1, true },
		{ { 0 }, S_IFREG, 0, DAY - 100, 2 * DAY, 2 * DAY, false },
		{ { 0 }, S_IFREG, 0, DAY + 100, 2 * DAY, 2 * DAY, true },
		{ { 0 }, S_IFDIR, 0, 3600, 3000, 4000, true },
		{ { 0 }, S_IFREG, EXT2_NOATIME_FL, 3600, 3000, 3000, false },
		{ { .nodiratime = true }, S_IFDIR, 0, 3600, 3000, 3000, false },
		{ { .nodiratime = true }, S_IFREG, 0, 3600, 3000, 3000, true },
		{ { .atime = FS_ATIME_STRICT }, S_IFREG, 0, 3600, 4000, 4000, true },
		{ { .atime = FS_ATIME_STRICT }, S_IFREG, EXT2_NOATIME_FL, 3600, 4000, 4000, false },
		{ { .atime = FS_ATIME_STRICT, .nodiratime = true }, S_IFDIR, 0, 3600, 0, 0, false },
		{ { .atime = FS_ATIME_NONE }, S_IFREG, 0, 3600, 3000, 3000, false },
		{ { .lazytime = true }, S_IFREG, 0, 3600, 3000, 4000, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct inode *root, *inode;
		struct fs *fs;
		uint32_t ino;

		make("8m", i % 2 ? "-I 128" : "-I 256");
		fs = open_with(&cases[i].opts);
		root = root_of(fs);
		inode = mk(root, "one", cases[i].mode | 0755);
		ino = inode->ino;
		if (cases[i].flags)
			assert_int_equal(attr_set_flags(inode, cases[i].flags | (inode->d.flags &
				EXT4_EXTENTS_FL), true), 0);
		set_times(inode, cases[i].atime, cases[i].mtime, cases[i].ctime);
		atime_touch(inode);
		assert_int_equal(is_recent(atime_of(fs, ino)), cases[i].moves);
		inode_put(inode);
		inode_put(root);
		assert_int_equal(fs_close(fs), 0);
		check_clean("image", "access times");
		fs = open_image("image", false);
		assert_int_equal(is_recent(atime_of(fs, ino)), cases[i].moves);
		inode = get(fs, ino);
		atime_touch(inode); /* nothing to do it with */
		inode_put(inode);
		assert_int_equal(fs_close(fs), 0);
	}
}

/* ---- many ---- */

static void remove_name(struct fs *fs, struct inode *dir, const char *name)
{
	uint32_t ino;

	assert_int_equal(namei_unlink(dir, name, strlen(name), &ino), 0);
	assert_int_equal(orphan_free(fs, ino), 0);
}

static void test_many(void **state)
{
	static uint32_t inos[MANY];
	const struct fs_options opts = { .commit_interval = 3600 };
	struct fs *fs;
	struct inode *root, *inode;
	char name[16];

	(void)state;
	make("32m", "-N 8192");
	fs = open_with(&opts);
	root = root_of(fs);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%u", i);
		inode = mk(root, name, S_IFREG | 0644);
		inos[i] = inode->ino;
		set_times(inode, 3600, 3000, 3000);
		inode_put(inode);
	}
	for (unsigned i = 0; i < MANY; i++) {
		inode = get(fs, inos[i]);
		atime_touch(inode);
		inode_put(inode);
		assert_true(is_recent(atime_of(fs, inos[i])));
	}
	/* gone before its time is written, and the number another's then; set after it has moved */
	remove_name(fs, root, "0");
	remove_name(fs, root, "4999");
	inode = mk(root, "new", S_IFREG | 0644);
	set_times(inode, 7200, 8000, 8000);
	assert_int_equal(ago(0).tv_sec - atime_of(fs, inode->ino).tv_sec >= 7000, 1);
	inode_put(inode);
	inode = get(fs, inos[4000]);
	set_times(inode, 7200, 8000, 8000);
	inode_put(inode);
	assert_false(is_recent(atime_of(fs, inos[4000])));
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	check_clean("image", "many access times");
	fs = open_image("image", false);
	for (unsigned i = 1; i < MANY - 1; i++)
		assert_int_equal(is_recent(atime_of(fs, inos[i])), i != 4000);
	assert_int_equal(fs_close(fs), 0);
}

/* ---- many at once ---- */

struct reader {
	pthread_t thread;
	struct fs *fs;
	const uint32_t *inos;
	unsigned nr;
	bool changes;
};

static void *reader_main(void *arg)
{
	struct reader *reader = arg;

	for (unsigned i = 0; i < 20 * reader->nr; i++) {
		struct inode *inode;
		struct dinode d;

		if (inode_get(reader->fs, reader->inos[i % reader->nr], &inode))
			return "get";
		if (reader->changes && attr_set(inode, &(struct attr_change){ .what = ATTR_MODE,
			    .mode = (uint16_t)(i % 2 ? 0600 : 0644) }, &d))
			return "set";
		if (!reader->changes)
			atime_touch(inode);
		if (dinode_load(reader->fs, inode->ino, &d))
			return "load";
		if (i % reader->nr == 0)
			atime_flush(reader->fs);
		inode_put(inode);
	}
	return NULL;
}

static void test_threads(void **state)
{
	const struct fs_options opts = { .atime = FS_ATIME_STRICT, .commit_interval = 1 };
	struct reader readers[3];
	uint32_t inos[50];
	struct inode *root;
	struct fs *fs;
	char name[16];
	void *failed;

	(void)state;
	make("8m", "");
	fs = open_with(&opts);
	root = root_of(fs);
	for (unsigned i = 0; i < ARRAY_SIZE(inos); i++) {
		struct inode *inode;

		snprintf(name, sizeof(name), "%u", i);
		inode = mk(root, name, S_IFREG | 0644);
		inos[i] = inode->ino;
		set_times(inode, 3600, 3000, 3000);
		inode_put(inode);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(readers); i++) {
		readers[i] = (struct reader){ .fs = fs, .inos = inos, .nr = ARRAY_SIZE(inos),
			.changes = i == 2 };
		assert_int_equal(pthread_create(&readers[i].thread, NULL, reader_main, &readers[i]), 0);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(readers); i++) {
		pthread_join(readers[i].thread, &failed);
		assert_null(failed);
	}
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	check_clean("image", "access times of threads");
	fs = open_image("image", false);
	for (unsigned i = 0; i < ARRAY_SIZE(inos); i++)
		assert_true(is_recent(atime_of(fs, inos[i])));
	assert_int_equal(fs_close(fs), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
