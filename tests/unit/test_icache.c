// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The cache of inodes while others change what is being loaded: what they do between the reading of an
 * inode and its entry into the cache is done here by the function that reads.
 */
#include "config.h"

#include "write_fixture.h"

#include "fs/attr.h"
#include "fs/icache.h"
#include "fs/namei.h"
#include "fs/orphan.h"

#define MANY_RUNS ((ptrdiff_t)1 << 40) /* more than any budget: unused inodes are dropped at once */
#define UID 4242u

static const struct cred cred = { .uid = 0 };

/* What happens while the inode is loaded, the first time. */
static void (*meanwhile)(struct fs *fs, uint32_t ino);
static unsigned loads;

static int load_slowly(struct fs *fs, uint32_t ino, struct dinode *ret)
{
	int err = dinode_load(fs, ino, ret);

	if (!loads++)
		meanwhile(fs, ino);
	return err;
}

static void chown_to(struct fs *fs, uint32_t ino, uint32_t uid)
{
	const struct attr_change change = { .what = ATTR_UID, .uid = uid };
	struct inode *inode = get(fs, ino);
	struct dinode d;

	assert_int_equal(attr_set(inode, &change, &d), 0);
	inode_put(inode);
}

/* It is changed and has left the cache. */
static void change(struct fs *fs, uint32_t ino)
{
	icache_account_runs(fs, MANY_RUNS);
	chown_to(fs, ino, UID);
	icache_account_runs(fs, -MANY_RUNS);
}

/* It is changed while somebody uses it, and leaves the cache when they stop. */
static void change_used(struct fs *fs, uint32_t ino)
{
	struct inode *user = get(fs, ino);

	chown_to(fs, ino, UID);
	icache_account_runs(fs, MANY_RUNS);
	inode_put(user);
	icache_account_runs(fs, -MANY_RUNS);
}

/* It is deleted, and the number is another's, which has left the cache. */
static void use_again(struct fs *fs, uint32_t ino)
{
	struct inode *root = root_of(fs), *made;
	uint32_t gone;

	icache_account_runs(fs, MANY_RUNS);
	assert_int_equal(namei_unlink(root, "file", 4, &gone), 0);
	assert_int_equal(gone, ino);
	assert_int_equal(orphan_free(fs, ino), 0);
	assert_int_equal(namei_make(root, "other", 5, S_IFREG | 0600, 0,
		&(struct cred){ .uid = UID }, &made), 0);
	assert_int_equal(made->ino, ino);
	inode_put(made);
	inode_put(root);
	icache_account_runs(fs, -MANY_RUNS);
}

/* It is only looked at. */
static void look(struct fs *fs, uint32_t ino)
{
	icache_account_runs(fs, MANY_RUNS);
	inode_put(get(fs, ino));
	icache_account_runs(fs, -MANY_RUNS);
}

static struct fs *start(uint32_t *ret_ino)
{
	struct inode *root, *inode;
	struct fs *fs;

	make("8m", "-t ext4 -b 1024 -J size=1");
	fs = open_image("image", true);
	root = root_of(fs);
	assert_int_equal(namei_make(root, "file", 4, S_IFREG | 0644, 0, &cred, &inode), 0);
	*ret_ino = inode->ino;
	icache_account_runs(fs, MANY_RUNS);
	inode_put(inode);
	icache_account_runs(fs, -MANY_RUNS);
	inode_put(root);
	return fs;
}

static void load_while(void (*what)(struct fs *, uint32_t), uint32_t uid, unsigned want_loads)
{
	struct inode *inode;
	struct dinode d;
	uint32_t ino;
	struct fs *fs = start(&ino);

	meanwhile = what;
	loads = 0;
	assert_int_equal(icache_get(fs, ino, load_slowly, &inode), 0);
	assert_int_equal(inode->d.uid, uid);
	assert_int_equal(loads, want_loads);
	assert_int_equal(dinode_load(fs, ino, &d), 0);
	assert_int_equal(inode->d.generation, d.generation);
	assert_int_equal(inode->d.mode, d.mode);
	inode_put(inode);
	assert_int_equal(fs_close(fs), 0);
	check_clean("image", "loaded while changed");
}

static void test_changed(void **state)
{
	(void)state;
	load_while(change, UID, 2);
	load_while(change_used, UID, 2);
}

static void test_used_again(void **state)
{
	(void)state;
	load_while(use_again, UID, 2);
}

/* Inodes that nobody changes come and go without making others read twice. */
static void test_unchanged(void **state)
{
	(void)state;
	load_while(look, 0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_used_again),
		cmocka_unit_test(test_unchanged),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
