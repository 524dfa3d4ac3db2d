// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Setting attributes. The model is a list of names and values per file; what the filesystem shows must be
 * the model at all times, and e2fsck and debugfs are asked for their opinion of the image.
 */
#include "config.h"

#include "attr_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <sys/xattr.h>

#include "format/xattr_region.h"
#include "fs/xattr.h"
#include "fs/xattredit.h"

#define FILES 8
#define NAMES 12
#define VALUE_MAX 6000
#define LIST_MAX 4096

/* ---- the model ---- */

struct attr {
	bool there;
	size_t size;
	uint8_t value[VALUE_MAX];
};

static struct attr model[FILES][NAMES];

static const char *const names[NAMES] = {
	"user.a",
	"user.bb",
	"user.a-much-longer-name-than-others-have",
	"user.n4",
	"trusted.a",
	"trusted.overlay.opaque",
	"security.selinux",
	"security.x",
	"user.A",
	"user.zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
	"user.\303\244", /* its hash depends on the sign of char */
	"user.five5",
};

static unsigned seed = 1;

static unsigned rnd(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

static void fill(uint8_t *bytes, size_t len, unsigned what)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(what + i * 13 + (i >> 6));
}

static int set(struct inode *inode, const char *name, const void *value, size_t size, int flags)
{
	return xattr_set(inode, name, value, size, flags, true);
}

static int drop(struct inode *inode, const char *name)
{
	return xattr_set(inode, name, NULL, 0, 0, true);
}

static void assert_value(struct inode *inode, const char *name, const void *value, size_t size)
{
	static uint8_t buf[1 << 16];
	ssize_t n = xattr_get(inode, name, buf, sizeof(buf));

	if (n != (ssize_t)size)
		fail_msg("inode %u: %s has %zd bytes, not %zu", inode->ino, name, n, size);
	assert_memory_equal(buf, value, size);
}

static bool listed(const char *list, size_t len, const char *name)
{
	for (size_t i = 0; i < len; i += strlen(list + i) + 1)
		if (!strcmp(list + i, name))
			return true;
	return false;
}

static void assert_file(struct inode *inode, const struct attr *attrs)
{
	char list[LIST_MAX];
	ssize_t len = xattr_list(inode, true, list, sizeof(list));
	size_t want = 0;

	for (unsigned i = 0; i < NAMES; i++) {
		if (!attrs[i].there) {
			assert_int_equal(xattr_get(inode, names[i], NULL, 0), -ENODATA);
			continue;
		}
		assert_value(inode, names[i], attrs[i].value, attrs[i].size);
		assert_true(listed(list, (size_t)len, names[i]));
		want += strlen(names[i]) + 1;
	}
	assert_int_equal(len, want);
}

static void assert_model(struct fs *fs)
{
	for (unsigned i = 0; i < FILES; i++) {
		char name[16];
		struct inode *inode;

		snprintf(name, sizeof(name), "f%u", i);
		inode = find(fs, name);
		assert_file(inode, model[i]);
		inode_put(inode);
	}
}

/* A value of debugfs's, whatever is in it. */
static void assert_debugfs(unsigned file, unsigned i)
{
	const struct attr *attr = &model[file][i];
	FILE *out;

	if (!attr->there || !attr->size)
		return;
	out = fopen("want", "w");
	assert_non_null(out);
	assert_int_equal(fwrite(attr->value, 1, attr->size, out), attr->size);
	fclose(out);
	if (sh("debugfs -R 'ea_get -f have f%u %s' image && cmp want have", file, names[i]))
		fail_msg("debugfs: f%u %s", file, names[i]);
}

static size_t random_size(unsigned most)
{
	switch (rnd(4)) {
	case 0:
		return rnd(20);
	case 1:
		return rnd(most);
	default:
		return rnd(100);
	}
}

static void one_change(struct inode *inode, struct attr *attrs, unsigned most)
{
	unsigned i = rnd(NAMES);
	struct attr *attr = &attrs[i];
	uint8_t value[VALUE_MAX] = { 0 };
	size_t size;
	int flags, err;

	if (rnd(4) == 0) {
		assert_int_equal(drop(inode, names[i]), attr->there ? 0 : -ENODATA);
		attr->there = false;
		return;
	}
	size = random_size(most);
	flags = rnd(6) ? 0 : rnd(2) ? XATTR_CREATE : XATTR_REPLACE;
	fill(value, size, rnd(5));
	err = set(inode, names[i], value, size, flags);
	if (flags == XATTR_CREATE && attr->there) {
		assert_int_equal(err, -EEXIST);
	} else if (flags == XATTR_REPLACE && !attr->there) {
		assert_int_equal(err, -ENODATA);
	} else if (err != -ENOSPC) {
		assert_int_equal(err, 0);
		attr->there = true;
		attr->size = size;
		memcpy(attr->value, value, size);
	}
}

static void random_changes(const char *args, unsigned most, unsigned rounds)
{
	struct fs *fs;

	memset(model, 0, sizeof(model));
	make("4m", FILES, args);
	fs = open_image(true);
	for (unsigned round = 0; round < rounds; round++) {
		unsigned file = rnd(FILES);
		struct inode *inode;
		char name[16];

		snprintf(name, sizeof(name), "f%u", file);
		inode = find(fs, name);
		one_change(inode, model[file], most);
		assert_file(inode, model[file]);
		inode_put(inode);
		if (round % 256 == 255) {
			assert_model(fs);
			assert_int_equal(fs_close(fs), 0);
			assert_clean(args);
			fs = open_image(round % 512 == 255);
			assert_model(fs);
			if (round % 512 == 255)
				continue;
			fs_close(fs);
			fs = open_image(true);
		}
	}
	assert_int_equal(fs_close(fs), 0);
	assert_clean(args);
	fs = open_image(false);
	assert_model(fs);
	fs_close(fs);
	for (unsigned i = 0; i < NAMES; i++)
		assert_debugfs(i % FILES, i);
}

static void test_random(void **state)
{
	(void)state;
	random_changes("-b 1024 -I 128", 1500, 1024);
	random_changes("-b 1024 -I 256", 1500, 1024);
	random_changes("-b 1024 -I 1024 -O ^metadata_csum", 1500, 1024);
	random_changes("-b 4096 -I 256 -O ^metadata_csum,^64bit,uninit_bg", 5000, 1024);
	random_changes("-b 4096 -I 512 -O ^extents,^64bit,^metadata_csum", 5000, 512);
	random_changes("-b 1024 -I 256 -O bigalloc -C 16384", 1500, 512);
}

static void test_random_ea_inode(void **state)
{
	(void)state;
	random_changes("-b 1024 -I 256 -O ea_inode", VALUE_MAX, 1024);
	random_changes("-b 1024 -I 128 -O ea_inode,^metadata_csum", VALUE_MAX, 1024);
	random_changes("-b 4096 -I 256 -O ea_inode", VALUE_MAX, 512);
	random_changes("-b 1024 -I 256 -O ea_inode,bigalloc -C 16384", VALUE_MAX, 512);
}

/* ---- sizes ---- */

/* What is left of a place after name and value, to the last byte. */
static void test_exact(void **state)
{
	static uint8_t value[8192];
	struct inode *inode;
	struct fs *fs;
	size_t body = 256 - 128 - 32 - 4, block = 1024 - 32;

	(void)state;
	make("4m", FILES, "-b 1024 -I 256");
	fs = open_image(true);
	inode = find(fs, "f0");
	fill(value, sizeof(value), 3);
	/* an entry of 16 and a name of 1, padded; the end of the list */
	assert_int_equal(set(inode, "user.b", value, body - 20 - 4, 0), 0);
	assert_int_equal(inode->d.file_acl, 0);
	assert_int_equal(set(inode, "user.b", value, body - 20 - 4 + 1, 0), 0);
	assert_int_not_equal(inode->d.file_acl, 0);
	assert_value(inode, "user.b", value, body - 20 - 4 + 1);
	assert_int_equal(set(inode, "user.b", value, body - 20 - 4, 0), 0);
	assert_int_equal(inode->d.file_acl, 0);
	assert_int_equal(inode->d.blocks, 0);

	assert_int_equal(set(inode, "user.c", value, block - 20 - 4 + 1, 0), -ENOSPC);
	assert_int_equal(xattr_get(inode, "user.c", NULL, 0), -ENODATA);
	assert_int_equal(set(inode, "user.c", value, block - 20 - 4, 0), 0);
	assert_int_equal(set(inode, "user.d", value, 0, 0), -ENOSPC);
	assert_int_equal(drop(inode, "user.b"), 0);
	assert_int_equal(set(inode, "user.d", value, 0, 0), 0);
	assert_value(inode, "user.c", value, block - 20 - 4);
	assert_value(inode, "user.d", value, 0);
	inode_put(inode);
	assert_int_equal(fs_close(fs), 0);
	assert_clean("exact sizes");
}

static void test_errors(void **state)
{
	char name[300] = "user.";
	struct inode *inode;
	struct fs *fs;

	(void)state;
	make("4m", FILES, "-b 1024 -I 256");
	fs = open_image(true);
	inode = find(fs, "f0");
	memset(name + 5, 'n', 256);
	assert_int_equal(set(inode, name, "v", 1, 0), -ERANGE);
	name[5 + 255] = '\0';
	assert_int_equal(set(inode, name, "v", 1, 0), 0);
	assert_value(inode, name, "v", 1);
	assert_int_equal(set(inode, "user.", "v", 1, 0), -EINVAL);
	assert_int_equal(set(inode, "strange.x", "v", 1, 0), -EOPNOTSUPP);
	assert_int_equal(set(inode, "user.x", name, (1 << 16) + 1, 0), -E2BIG);
	assert_int_equal(set(inode, "user.x", "v", 1, XATTR_REPLACE), -ENODATA);
	assert_int_equal(set(inode, "user.x", "v", 1, XATTR_CREATE), 0);
	assert_int_equal(set(inode, "user.x", "v", 1, XATTR_CREATE), -EEXIST);
	assert_int_equal(drop(inode, "user.y"), -ENODATA);
	inode->d.flags |= EXT2_IMMUTABLE_FL;
	assert_int_equal(set(inode, "user.x", "w", 1, 0), -EPERM);
	inode->d.flags &= ~(uint32_t)EXT2_IMMUTABLE_FL;
	assert_value(inode, "user.x", "v", 1);
	inode_put(inode);
	assert_int_equal(fs_close(fs), 0);
	assert_clean("refusals");

	fs = open_image(false);
	inode = find(fs, "f0");
	assert_int_equal(set(inode, "user.x", "w", 1, 0), -EROFS);
	inode_put(inode);
	fs_close(fs);
}

/* A change moves ctime and i_version, what changes nothing does not. */
static void test_times(void **state)
{
	struct timespec before;
	struct inode *inode;
	uint64_t version;
	struct fs *fs;

	(void)state;
	make("4m", FILES, "-b 1024 -I 256");
	fs = open_image(true);
	inode = find(fs, "f0");
	inode->d.ctime.tv_sec -= 100;
	before = inode->d.ctime;
	version = inode->d.iversion;
	assert_int_equal(set(inode, "user.a", "v", 1, 0), 0);
	assert_true(inode->d.ctime.tv_sec > before.tv_sec);
	assert_int_equal(inode->d.iversion, version + 1);
	inode->d.ctime = before;
	assert_int_equal(set(inode, "user.a", "v", 1, 0), 0);
	assert_int_equal(drop(inode, "user.b"), -ENODATA);
	assert_int_equal(inode->d.ctime.tv_sec, before.tv_sec);
	assert_int_equal(inode->d.iversion, version + 1);
	inode_put(inode);
	assert_int_equal(fs_close(fs), 0);
}

/* ---- sharing ---- */

#define MANY 1030

static struct inode *nth(struct fs *fs, unsigned i)
{
	char name[16];

	snprintf(name, sizeof(name), "f%u", i);
	return find(fs, name);
}

static uint32_t refcount(struct fs *fs, uint64_t pblk)
{
	struct buf *buf;
	uint32_t n;

	assert_int_equal(cache_get(fs->cache, pblk, &buf), 0);
	n = xattr_block_refcount(buf->data);
	cache_put(buf);
	return n;
}

static uint64_t block_of(struct fs *fs, unsigned i)
{
	struct inode *inode = nth(fs, i);
	uint64_t pblk = inode->d.file_acl;

	if (pblk)
		assert_int_equal(inode->d.blocks, (fs->sb.block_size >> 9) << fs->sb.cluster_bits);
	inode_put(inode);
	return pblk;
}

static void set_on(struct fs *fs, unsigned i, const char *name, const void *value, size_t size)
{
	struct inode *inode = nth(fs, i);

	assert_int_equal(set(inode, name, value, size, 0), 0);
	inode_put(inode);
}

static void drop_on(struct fs *fs, unsigned i, const char *name)
{
	struct inode *inode = nth(fs, i);

	assert_int_equal(drop(inode, name), 0);
	inode_put(inode);
}

static void test_sharing(void **state)
{
	uint8_t value[200];
	uint64_t first, second;
	struct fs *fs;

	(void)state;
	make("4m", MANY, "-b 1024 -I 128 -N 2000");
	fs = open_image(true);
	fill(value, sizeof(value), 1);
	for (unsigned i = 0; i < MANY; i++)
		set_on(fs, i, "user.same", value, sizeof(value));
	first = block_of(fs, 0);
	second = block_of(fs, XATTR_REFCOUNT_MAX);
	assert_int_equal(block_of(fs, XATTR_REFCOUNT_MAX - 1), first);
	assert_int_not_equal(second, first);
	assert_int_equal(refcount(fs, first), XATTR_REFCOUNT_MAX);
	assert_int_equal(refcount(fs, second), MANY - XATTR_REFCOUNT_MAX);
	assert_int_equal(fs_close(fs), 0);
	assert_clean("sharing");

	/* copy on write, and back: the full one has room again */
	fs = open_image(true);
	value[0]++;
	set_on(fs, 3, "user.same", value, sizeof(value));
	assert_int_not_equal(block_of(fs, 3), first);
	assert_int_equal(refcount(fs, first), XATTR_REFCOUNT_MAX - 1);
	assert_int_equal(refcount(fs, block_of(fs, 3)), 1);
	value[0]--;
	set_on(fs, 3, "user.same", value, sizeof(value));
	assert_true(block_of(fs, 3) == first || block_of(fs, 3) == second);
	assert_int_equal(fs_close(fs), 0);
	assert_clean("copy on write");

	/* and all of them again */
	fs = open_image(true);
	for (unsigned i = 0; i < MANY; i++)
		drop_on(fs, i, "user.same");
	assert_int_equal(block_of(fs, 7), 0);
	assert_int_equal(fs_close(fs), 0);
	assert_clean("the end of sharing");
}

/* One's own block, changed to what another has, is given up for it. */
static void test_converge(void **state)
{
	struct fs *fs;

	(void)state;
	make("4m", FILES, "-b 1024 -I 128");
	fs = open_image(true);
	set_on(fs, 0, "user.a", "one", 3);
	set_on(fs, 0, "user.b", "two", 3);
	set_on(fs, 1, "user.b", "two", 3);
	assert_int_not_equal(block_of(fs, 0), block_of(fs, 1));
	set_on(fs, 1, "user.a", "one", 3);
	assert_int_equal(block_of(fs, 0), block_of(fs, 1));
	assert_int_equal(refcount(fs, block_of(fs, 0)), 2);
	drop_on(fs, 0, "user.a");
	assert_int_not_equal(block_of(fs, 0), block_of(fs, 1));
	assert_int_equal(fs_close(fs), 0);
	assert_clean("convergence");
}

/* ---- values in inodes ---- */

static void test_ea_inode(void **state)
{
	static uint8_t value[65536], other[40000];
	struct fs *fs;

	(void)state;
	make("8m", FILES, "-b 1024 -I 256 -O ea_inode");
	fs = open_image(true);
	fill(value, sizeof(value), 1);
	fill(other, sizeof(other), 2);
	for (unsigned i = 0; i < 5; i++)
		set_on(fs, i, "user.large", value, sizeof(value));
	assert_int_equal(fs_close(fs), 0);
	assert_clean("five times the same value");
	fs = open_image(true);
	set_on(fs, 1, "user.large", other, sizeof(other));
	set_on(fs, 2, "user.more", other, sizeof(other));
	set_on(fs, 0, "user.large", "x", 1);
	drop_on(fs, 3, "user.large");
	assert_int_equal(fs_close(fs), 0);
	assert_clean("changes");
	fs = open_image(true);
	for (unsigned i = 0; i < 5; i++) {
		struct inode *inode = nth(fs, i);

		if (i == 2 || i == 4)
			assert_value(inode, "user.large", value, sizeof(value));
		if (i == 1)
			assert_value(inode, "user.large", other, sizeof(other));
		if (i == 2)
			assert_value(inode, "user.more", other, sizeof(other));
		if (i == 3)
			assert_int_equal(inode->d.blocks, 0);
		inode_put(inode);
	}
	drop_on(fs, 4, "user.large");
	drop_on(fs, 2, "user.large");
	drop_on(fs, 2, "user.more");
	drop_on(fs, 1, "user.large");
	assert_int_equal(fs_close(fs), 0);
	assert_clean("removal");
	assert_int_equal(sh("dumpe2fs image | grep -q 'Free inodes: *'"), 0);
}

/* A block with values in inodes, shared and copied. */
static void test_ea_inode_shared(void **state)
{
	static uint8_t value[3000];
	struct fs *fs;

	(void)state;
	make("8m", FILES, "-b 1024 -I 128 -O ea_inode");
	fs = open_image(true);
	fill(value, sizeof(value), 1);
	for (unsigned i = 0; i < FILES; i++)
		set_on(fs, i, "user.large", value, sizeof(value));
	assert_int_equal(fs_close(fs), 0);
	assert_clean("a shared block with a value inode");
	fs = open_image(true);
	set_on(fs, 0, "user.small", "x", 1);
	set_on(fs, 1, "user.small", "x", 1);
	set_on(fs, 2, "user.large", value + 1, sizeof(value) - 1);
	drop_on(fs, 3, "user.large");
	assert_int_equal(fs_close(fs), 0);
	assert_clean("copies of it");
	fs = open_image(true);
	for (unsigned i = 0; i < FILES; i++)
		if (i != 3)
			drop_on(fs, i, "user.large");
	assert_int_equal(fs_close(fs), 0);
	assert_clean("nothing left of it");
}

/* ---- giving everything up ---- */

static void test_free_all(void **state)
{
	static uint8_t value[3000];
	struct fs *fs;

	(void)state;
	make("8m", FILES, "-b 1024 -I 256 -O ea_inode");
	fs = open_image(true);
	fill(value, sizeof(value), 1);
	for (unsigned i = 0; i < 4; i++) {
		set_on(fs, i, "user.large", value, sizeof(value));
		set_on(fs, i, "user.middle", value, 200);
		set_on(fs, i, "user.large2", value + i, sizeof(value) - i);
	}
	for (unsigned i = 0; i < 3; i++) {
		struct inode *inode = nth(fs, i);
		struct handle *h;
		bool done = false;

		rwlock_write(&inode->lock);
		assert_int_equal(journal_start(fs->journal, XATTR_FREE_CREDITS, &h), 0);
		while (!done) {
			assert_int_equal(xattr_free_all(h, inode, &done), 0);
			if (!done)
				assert_int_equal(journal_restart(h, XATTR_FREE_CREDITS), 0);
		}
		assert_int_equal(journal_stop(h), 0);
		rwlock_drop(&inode->lock);
		assert_int_equal(inode->d.file_acl, 0);
		assert_int_equal(inode->d.blocks, 0);
		inode_put(inode);
	}
	assert_int_equal(fs_close(fs), 0);
	assert_clean("giving all up");
}

/* ---- threads ---- */

struct worker {
	pthread_t thread;
	struct fs *fs;
	unsigned nr;
	int err;
};

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct inode *inodes[FILES];
	uint8_t value[300], buf[300];

	for (unsigned i = 0; i < FILES; i++)
		inodes[i] = nth(worker->fs, i);
	for (unsigned round = 0; round < 400 && !worker->err; round++) {
		struct inode *inode = inodes[(round * 7 + worker->nr) % FILES];
		ssize_t n;

		fill(value, 200, round % 3);
		worker->err = set(inode, "user.shared", value, 200, 0);
		n = xattr_get(inode, "user.shared", buf, sizeof(buf));
		if (n != 200 && n != -ENODATA)
			worker->err = -EIO;
		if (round % 16 == worker->nr && !worker->err) {
			worker->err = drop(inode, "user.shared");
			if (worker->err == -ENODATA)
				worker->err = 0;
		}
	}
	for (unsigned i = 0; i < FILES; i++)
		inode_put(inodes[i]);
	return NULL;
}

static void test_threads(void **state)
{
	struct worker workers[4];
	struct fs *fs;

	(void)state;
	make("4m", FILES, "-b 1024 -I 128");
	fs = open_image(true);
	for (unsigned i = 0; i < 4; i++) {
		workers[i] = (struct worker){ .fs = fs, .nr = i };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].err, 0);
	}
	assert_int_equal(fs_close(fs), 0);
	assert_clean("threads");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_sharing),
		cmocka_unit_test(test_converge),
		cmocka_unit_test(test_ea_inode),
		cmocka_unit_test(test_ea_inode_shared),
		cmocka_unit_test(test_free_all),
		cmocka_unit_test(test_random_ea_inode),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
