// SPDX-License-Identifier: GPL-2.0-or-later
/* Inline data, stored at every length, beside other attributes, and taken away. */
#include "config.h"

#include "attr_fixture.h"

#include <errno.h>

#include "fs/inlineedit.h"
#include "fs/xattr.h"
#include "fs/xattredit.h"

#define MAX 1024

static void fill(uint8_t *bytes, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(seed + i * 7 + (i >> 5));
}

static size_t capacity(struct inode *inode)
{
	size_t ret = 0;

	rwlock_read(&inode->lock);
	assert_int_equal(inline_capacity(inode, &ret), 0);
	rwlock_drop(&inode->lock);
	return ret;
}

static int store(struct inode *inode, const uint8_t *bytes, size_t len)
{
	struct handle *h;
	int err;

	rwlock_write(&inode->lock);
	assert_int_equal(journal_start(inode->fs->journal, INLINE_CREDITS, &h), 0);
	inode->d.size = len;
	err = inline_store(h, inode, bytes, len);
	assert_int_equal(journal_stop(h), 0);
	rwlock_drop(&inode->lock);
	return err;
}

static void assert_stored(struct inode *inode, const uint8_t *bytes, size_t len)
{
	uint8_t buf[MAX], *all;
	size_t have;

	rwlock_read(&inode->lock);
	assert_int_equal(inode->d.size, len);
	assert_int_equal(inline_read(inode, 0, buf, len), 0);
	assert_memory_equal(buf, bytes, len);
	assert_int_equal(inline_load(inode, &all, &have), 0);
	assert_int_equal(have, len < 60 ? 60 : len);
	free(all);
	rwlock_drop(&inode->lock);
}

static void make_inline(const char *args)
{
	make("2m", 4, args);
}

static const char *const layouts[] = {
	"-b 1024 -I 256 -O inline_data",
	"-b 1024 -I 1024 -O inline_data,^metadata_csum",
	"-b 4096 -I 512 -O inline_data",
};

static void test_all_lengths(void **state)
{
	uint8_t bytes[MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
		struct inode *inode;
		struct fs *fs;
		size_t most;

		make_inline(layouts[i]);
		fs = open_image(true);
		inode = find(fs, "f1");
		most = capacity(inode);
		assert_true(most >= 120 && most < MAX);
		for (size_t len = 0; len <= most; len++) {
			fill(bytes, len, (unsigned)len);
			assert_int_equal(store(inode, bytes, len), 0);
			assert_stored(inode, bytes, len);
			assert_int_equal(capacity(inode), most);
		}
		assert_int_equal(store(inode, bytes, most + 1), -ENOSPC);
		inode->d.size = most;
		inode_put(inode);
		inode = find(fs, "f2");
		fill(bytes, 70, 1);
		assert_int_equal(store(inode, bytes, 70), 0);
		inode_put(inode);
		assert_int_equal(fs_close(fs), 0);
		assert_clean(layouts[i]);

		fs = open_image(false);
		inode = find(fs, "f1");
		fill(bytes, most, (unsigned)most);
		assert_stored(inode, bytes, most);
		inode_put(inode);
		fs_close(fs);
		assert_int_equal(sh("debugfs -R 'dump f2 out' image && cmp -n 70 out out && "
				    "test $(stat -c %%s out) = 70"), 0);
	}
}

/* The largest inline data is the kernel's: 60, and what is left of the body but for the entry. */
static void test_capacity(void **state)
{
	struct inode *inode;
	struct fs *fs;

	(void)state;
	make_inline("-b 1024 -I 256 -O inline_data");
	fs = open_image(true);
	inode = find(fs, "f0");
	/* header 4, entry 20, end 4 */
	assert_int_equal(inode->d.extra_isize, 32);
	assert_int_equal(capacity(inode), 60 + 256 - 128 - 32 - 4 - 20 - 4);
	assert_int_equal(xattr_set(inode, "user.a", "0123456789", 10, 0, true), 0);
	assert_int_equal(capacity(inode), 60 + 256 - 128 - 32 - 4 - 20 - 4 - 20 - 12);
	inode_put(inode);
	assert_int_equal(fs_close(fs), 0);
	assert_clean("an attribute");
}

static void test_other_attributes(void **state)
{
	uint8_t bytes[MAX], value[64];
	struct inode *inode;
	struct fs *fs;
	size_t most;

	(void)state;
	make_inline("-b 1024 -I 256 -O inline_data");
	fs = open_image(true);
	inode = find(fs, "f0");
	assert_int_equal(xattr_set(inode, "user.a", "one", 3, 0, true), 0);
	fill(bytes, 100, 5);
	assert_int_equal(store(inode, bytes, 80), 0);
	assert_int_equal(xattr_set(inode, "user.b", "two", 3, 0, true), 0);
	assert_stored(inode, bytes, 80);
	most = capacity(inode);
	fill(bytes, most, 9);
	assert_int_equal(store(inode, bytes, most), 0);
	assert_int_equal(store(inode, bytes, most + 1), -ENOSPC);
	inode->d.size = most;
	assert_stored(inode, bytes, most);
	assert_int_equal(xattr_get(inode, "user.a", value, sizeof(value)), 3);
	assert_memory_equal(value, "one", 3);
	assert_int_equal(store(inode, bytes, 10), 0);
	assert_int_equal(xattr_get(inode, "user.b", value, sizeof(value)), 3);
	assert_memory_equal(value, "two", 3);
	/* system.data is nobody's to see */
	assert_int_equal(xattr_list(inode, true, NULL, 0), 2 * sizeof("user.a"));
	inode_put(inode);
	assert_int_equal(fs_close(fs), 0);
	assert_clean("attributes and data");
}

static void test_drop(void **state)
{
	uint8_t bytes[MAX];
	struct inode *inode;
	struct handle *h;
	struct fs *fs;

	(void)state;
	make_inline("-b 1024 -I 256 -O inline_data");
	fs = open_image(true);
	inode = find(fs, "f0");
	assert_int_equal(xattr_set(inode, "user.a", "one", 3, 0, true), 0);
	fill(bytes, 90, 5);
	assert_int_equal(store(inode, bytes, 90), 0);
	rwlock_write(&inode->lock);
	assert_int_equal(journal_start(fs->journal, INLINE_CREDITS, &h), 0);
	inode->d.size = 0;
	assert_int_equal(inline_drop(h, inode), 0);
	assert_int_equal(journal_stop(h), 0);
	assert_int_equal(inode->d.flags & EXT4_INLINE_DATA_FL, 0);
	assert_int_equal(inode->d.flags & EXT4_EXTENTS_FL, EXT4_EXTENTS_FL);
	rwlock_drop(&inode->lock);
	assert_int_equal(xattr_get(inode, "user.a", bytes, sizeof(bytes)), 3);
	inode_put(inode);
	assert_int_equal(fs_close(fs), 0);
	assert_clean("dropping");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_lengths),
		cmocka_unit_test(test_capacity),
		cmocka_unit_test(test_other_attributes),
		cmocka_unit_test(test_drop),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
