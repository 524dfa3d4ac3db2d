// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Policies: what may be put under one and how it is told; and a key that comes while names are removed and
 * moved that were looked up without it.
 */
#include "config.h"

#include "write_fixture.h"

#include <linux/fs.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypt/keyring.h"
#include "fs/cryptinode.h"
#include "fs/cryptpolicy.h"
#include "fs/namei.h"
#include "fs/orphan.h"

static const struct cred cred = { .umask = 022 };

static struct inode *mk(struct inode *dir, const char *name, uint16_t mode)
{
	struct inode *inode;

	assert_int_equal(namei_make(dir, name, strlen(name), mode, 0, &cred, &inode), 0);
	return inode;
}

static struct inode *find(struct inode *dir, const char *name)
{
	uint32_t ino;

	assert_int_equal(namei_lookup(dir, name, strlen(name), &ino), 0);
	return get(dir->fs, ino);
}

static void add_key(struct fs *fs, uint8_t first, struct fscrypt_key_name *ret)
{
	uint8_t raw[64];

	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)(first + i);
	*ret = (struct fscrypt_key_name){ .version = 2 };
	assert_int_equal(fs_add_key(fs, ret, raw, sizeof(raw)), 0);
}

static struct fscrypt_context policy_of(const struct fscrypt_key_name *key)
{
	return (struct fscrypt_context){ .key = *key, .contents_mode = FSCRYPT_AES_256_XTS,
		.names_mode = FSCRYPT_AES_256_CTS, .flags = 3 };
}

static void check_same(struct inode *inode, const struct fscrypt_context *policy)
{
	struct fscrypt_context have;

	assert_int_equal(cryptpolicy_get(inode, &have), 0);
	memset(have.nonce, 0, sizeof(have.nonce));
	assert_memory_equal(&have, policy, sizeof(have));
}

static void check_rules(struct fs *fs)
{
	struct inode *root = root_of(fs), *dir = mk(root, "d", S_IFDIR | 0755);
	struct inode *full = mk(root, "full", S_IFDIR | 0755), *file = mk(full, "f", S_IFREG | 0644), *child;
	struct fscrypt_key_name key = { .version = 2, .bytes = { 1 } };
	struct fscrypt_context policy = policy_of(&key), other, have;

	assert_int_equal(cryptpolicy_set(dir, &policy, true), -ENOKEY);
	add_key(fs, 0, &key);
	policy = policy_of(&key);
	other = policy;
	other.flags = 2;
	assert_int_equal(cryptpolicy_get(dir, &have), -ENODATA);
	assert_int_equal(cryptpolicy_set(root, &policy, true), -ENOTEMPTY);
	assert_int_equal(cryptpolicy_set(full, &policy, true), -ENOTEMPTY);
	assert_int_equal(cryptpolicy_set(file, &policy, true), -ENOTDIR);
	other.contents_mode = 77;
	assert_int_equal(cryptpolicy_set(dir, &other, true), -EINVAL);
	other.contents_mode = policy.contents_mode;
	assert_int_equal(cryptpolicy_set(dir, &policy, true), 0);
	assert_int_equal(cryptpolicy_set(dir, &policy, true), 0);
	assert_int_equal(cryptpolicy_set(dir, &other, true), -EEXIST);
	check_same(dir, &policy);
	child = mk(dir, "child", S_IFREG | 0644);
	check_same(child, &policy);
	/* who may do all may also promise the key */
	key.bytes[0] ^= 1;
	other = policy_of(&key);
	inode_put(child);
	child = mk(root, "later", S_IFDIR | 0755);
	assert_int_equal(cryptpolicy_set(child, &other, true), -ENOKEY);
	assert_int_equal(cryptpolicy_set(child, &other, false), 0);
	assert_true(cryptinode_is_locked(child));
	assert_false(cryptinode_is_locked(dir));
	assert_false(cryptinode_is_locked(full));
	inode_put(child);
	inode_put(file);
	inode_put(full);
	inode_put(dir);
	inode_put(root);
}

static void test_rules(void **state)
{
	static const char *const variants[] = { "-t ext4 -O encrypt", "-t ext4 -O encrypt,inline_data",
		"-t ext4 -b 1024 -O encrypt,^metadata_csum,^filetype", "-t ext4 -I 128 -O encrypt" };

	(void)state;
	for (size_t v = 0; v < ARRAY_SIZE(variants); v++) {
		struct fs *fs;

		make("16M", variants[v]);
		fs = open_image("image", true);
		check_rules(fs);
		assert_int_equal(fs_close(fs), 0);
		check_clean("image", variants[v]);
	}
}

static void test_without_feature(void **state)
{
	struct fscrypt_key_name key = { .version = 2 };
	struct fscrypt_context policy = policy_of(&key);
	struct inode *dir;
	struct fs *fs;

	(void)state;
	make("8M", "-t ext4");
	fs = open_image("image", true);
	dir = root_of(fs);
	assert_int_equal(cryptpolicy_get(dir, &policy), -EOPNOTSUPP);
	assert_int_equal(cryptpolicy_set(dir, &policy, true), -EOPNOTSUPP);
	inode_put(dir);
	assert_int_equal(fs_close(fs), 0);
}

/* ---- a key that comes in between ---- */

#define NAMES 60 /* and as many whose real names are what these are shown as without the key */
#define ROUNDS 40

struct listing {
	struct {
		char text[DIR_NAME_MAX + 1];
		size_t len;
	} names[2 * NAMES];
	size_t nr;
};

static bool collect(void *arg, const struct dir_entry *entry)
{
	struct listing *list = arg;

	if (entry->name[0] == '.')
		return true;
	assert_true(list->nr < ARRAY_SIZE(list->names));
	memcpy(list->names[list->nr].text, entry->name, entry->len);
	list->names[list->nr++].len = entry->len;
	return true;
}

struct race {
	struct fs *fs;
	struct inode *dir;
	const struct listing *list; /* the first names, without the key */
	unsigned removed, moved;
};

static void check_race(int err, bool may_want_key)
{
	if (err && err != -ENOENT && !(may_want_key && err == -ENOKEY))
		abort();
}

/* By the names that were shown without the key: once it comes others have them. */
static void *remove_all(void *arg)
{
	struct race *race = arg;

	for (size_t i = 0; i < race->list->nr; i++) {
		uint32_t ino;
		int err = namei_unlink(
			race->dir, race->list->names[i].text, race->list->names[i].len, &ino);

		check_race(err, false);
		if (!err && ino && orphan_free(race->fs, ino))
			abort();
		race->removed += !err;
	}
	return NULL;
}

/* By both kinds of names, each onto a name that is there and stays there for the next one. */
static void *move_all(void *arg)
{
	struct race *race = arg;

	for (size_t i = race->list->nr; i--;) {
		char name[32];
		uint32_t ino;
		int err = namei_rename(race->dir, race->list->names[i].text, race->list->names[i].len,
			race->dir, "moved", 5, 0, &cred, &ino);

		check_race(err, true);
		if (!err && ino && orphan_free(race->fs, ino))
			abort();
		race->moved += !err && ino;
		snprintf(name, sizeof(name), "file %zu", i);
		err = namei_rename(race->dir, name, strlen(name), race->dir, "moved", 5, 0, &cred, &ino);
		check_race(err, true);
		if (!err && ino && orphan_free(race->fs, ino))
			abort();
		race->moved += !err && ino;
	}
	return NULL;
}

/* Makes the first names, and says what they are shown as. */
static void fill(struct listing *ret)
{
	struct fs *fs = open_image("image", true);
	struct inode *root = root_of(fs), *dir = mk(root, "d", S_IFDIR | 0755);
	struct fscrypt_context policy;
	struct fscrypt_key_name key;

	add_key(fs, 0, &key);
	policy = policy_of(&key);
	assert_int_equal(cryptpolicy_set(dir, &policy, true), 0);
	for (unsigned i = 0; i < NAMES; i++) {
		char name[32];

		snprintf(name, sizeof(name), "file %u", i);
		inode_put(mk(dir, name, S_IFREG | 0644));
	}
	inode_put(dir);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	fs = open_image("image", false);
	root = root_of(fs);
	dir = find(root, "d");
	ret->nr = 0;
	assert_int_equal(dir_iterate(dir, 0, collect, ret), 0);
	assert_int_equal(ret->nr, NAMES);
	inode_put(dir);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
}

/* Makes the others. */
static void fill_others(const struct listing *list)
{
	struct fs *fs = open_image("image", true);
	struct inode *root = root_of(fs), *dir = find(root, "d");
	struct fscrypt_key_name key;

	add_key(fs, 0, &key);
	for (size_t i = 0; i < list->nr; i++)
		inode_put(mk(dir, list->names[i].text, S_IFREG | 0644));
	inode_put(dir);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
}

/* Returns how many names were removed. */
static unsigned race_once(const struct listing *list, unsigned round)
{
	struct race race = { .fs = open_image("image", true), .list = list };
	struct listing after = { .nr = 0 };
	struct inode *root = root_of(race.fs);
	struct fscrypt_key_name key;
	pthread_t threads[2];

	race.dir = find(root, "d");
	assert_int_equal(pthread_create(&threads[0], NULL, remove_all, &race), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, move_all, &race), 0);
	usleep(round * 10);
	add_key(race.fs, 0, &key);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(dir_iterate(race.dir, 0, collect, &after), 0);
	assert_int_equal(after.nr + race.removed + race.moved, 2 * NAMES);
	inode_put(race.dir);
	inode_put(root);
	assert_int_equal(fs_close(race.fs), 0);
	return race.removed;
}

static void test_key_comes(void **state)
{
	static const char *const variants[] = { "-t ext4 -b 1024 -O encrypt",
		"-t ext4 -O encrypt,^dir_index" };
	static struct listing list;
	unsigned removed = 0;

	(void)state;
	for (size_t v = 0; v < ARRAY_SIZE(variants); v++) {
		make("4M", variants[v]);
		fill(&list);
		fill_others(&list);
		assert_int_equal(sh("mv image full"), 0);
		for (unsigned round = 0; round < ROUNDS; round++) {
			assert_int_equal(sh("cp full image"), 0);
			removed += race_once(&list, round);
			check_clean("image", variants[v]);
		}
	}
	assert_true(removed > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_without_feature),
		cmocka_unit_test(test_key_comes),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
