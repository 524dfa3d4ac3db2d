// SPDX-License-Identifier: GPL-2.0-or-later
/* A filesystem that asks somebody else for the keys that it has not been given. */
#include "config.h"

#include "write_fixture.h"

#include <linux/fs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "crypt/keyring.h"
#include "crypt/provisioned.h"
#include "fs/cryptinode.h"
#include "fs/cryptpolicy.h"
#include "fs/namei.h"

static const struct cred cred = { .umask = 022 };

/* Who is asked. */
struct giver {
	unsigned asked;
	struct fscrypt_key_name name; /* of the last question */
	bool has, lies, breaks;
};

static void make_raw(uint8_t first, uint8_t ret[MASTERKEY_MAX])
{
	for (size_t i = 0; i < MASTERKEY_MAX; i++)
		ret[i] = (uint8_t)(first + i);
}

static int give(void *arg, const struct fscrypt_key_name *name, uint8_t *raw, size_t *ret_size)
{
	struct giver *giver = arg;

	giver->asked++;
	giver->name = *name;
	if (giver->breaks)
		return -EIO;
	if (!giver->has)
		return -ENOKEY;
	make_raw(giver->lies, raw);
	*ret_size = MASTERKEY_MAX;
	return 0;
}

static struct fs *open_asking(struct giver *giver, bool writable)
{
	const struct fs_options opts = { .writable = writable, .find_key = give, .find_key_arg = giver };

	return open_image_with("image", &opts);
}

static struct fscrypt_key_name the_key(void)
{
	struct fscrypt_key_name name = { .version = 2 };
	uint8_t raw[MASTERKEY_MAX];

	make_raw(0, raw);
	assert_int_equal(masterkey_identify(raw, sizeof(raw), name.bytes), 0);
	return name;
}

static int look_up(struct inode *dir, const char *name)
{
	uint32_t ino;

	return namei_lookup(dir, name, strlen(name), &ino);
}

static struct inode *find(struct inode *dir, const char *name)
{
	uint32_t ino;

	assert_int_equal(namei_lookup(dir, name, strlen(name), &ino), 0);
	return get(dir->fs, ino);
}

static void make_dirs(void)
{
	static const char *const dirs[] = { "plain", "d" };
	struct giver giver = { .has = true };
	struct fs *fs = open_asking(&giver, true);
	struct inode *root = root_of(fs);
	struct fscrypt_key_name key = the_key();
	struct fscrypt_context policy = { .key = key, .contents_mode = FSCRYPT_AES_256_XTS,
		.names_mode = FSCRYPT_AES_256_CTS, .flags = 3 };

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		struct inode *dir, *file;

		assert_int_equal(namei_make(root, dirs[i], strlen(dirs[i]), S_IFDIR | 0755, 0, &cred, &dir), 0);
		if (i == 1) {
			assert_int_equal(giver.asked, 0);
			/* for a user who must have the key, it counts that it can be had */
			assert_int_equal(cryptpolicy_set(dir, &policy, true), 0);
			assert_int_equal(giver.asked, 1);
			assert_memory_equal(&giver.name, &key, sizeof(key));
		}
		assert_int_equal(namei_make(dir, "file", 4, S_IFREG | 0644, 0, &cred, &file), 0);
		inode_put(file);
		inode_put(dir);
	}
	assert_int_equal(giver.asked, 1);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	check_clean("image", "asked");
}

static void check_asking(bool writable)
{
	struct giver giver = { 0 };
	struct fs *fs = open_asking(&giver, writable);
	struct inode *root = root_of(fs), *plain = find(root, "plain"), *dir = find(root, "d"), *file;
	unsigned asked;

	assert_int_equal(look_up(plain, "file"), 0);
	assert_int_equal(giver.asked, 0);
	assert_int_equal(look_up(dir, "file"), -ENOENT);
	assert_true(giver.asked > 0);
	assert_true(cryptinode_is_locked(dir));
	giver.breaks = true;
	assert_int_equal(look_up(dir, "file"), -ENOENT);
	giver.breaks = false;
	giver.has = giver.lies = true;
	assert_int_equal(look_up(dir, "file"), -ENOENT);
	assert_true(cryptinode_is_locked(dir));
	giver.lies = false;
	assert_int_equal(look_up(dir, "file"), 0);
	assert_false(cryptinode_is_locked(dir));
	/* never again, not for what is in it neither */
	asked = giver.asked;
	assert_int_equal(look_up(dir, "file"), 0);
	assert_int_equal(look_up(dir, "absent"), -ENOENT);
	file = find(dir, "file");
	assert_false(cryptinode_is_locked(file));
	assert_int_equal(giver.asked, asked);
	inode_put(file);
	inode_put(dir);
	inode_put(plain);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
}

static void test_asking(void **state)
{
	(void)state;
	make("8M", "-t ext4 -O encrypt");
	make_dirs();
	check_asking(false);
	check_asking(true);
	check_clean("image", "asked");
}

/* Nobody to be asked, and a key that is given as ever. */
static void test_not_asking(void **state)
{
	struct fscrypt_key_name key = { .version = 2 };
	uint8_t raw[MASTERKEY_MAX];
	struct inode *root, *dir;
	struct fs *fs;

	(void)state;
	make("8M", "-t ext4 -O encrypt");
	make_dirs();
	fs = open_image("image", false);
	root = root_of(fs);
	dir = find(root, "d");
	assert_int_equal(look_up(dir, "file"), -ENOENT);
	make_raw(0, raw);
	assert_int_equal(fs_add_key(fs, &key, raw, sizeof(raw)), 0);
	assert_int_equal(look_up(dir, "file"), 0);
	inode_put(dir);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
}

/* Says once what the key is, after a while, and then, as one who has said it already, nothing. */
static int give_once(void *arg, const struct fscrypt_key_name *name, uint8_t *raw, size_t *ret_size)
{
	atomic_uint *asked = arg;

	(void)name;
	if (atomic_fetch_add(asked, 1))
		return -ENOKEY;
	usleep(100000);
	make_raw(0, raw);
	*ret_size = MASTERKEY_MAX;
	return 0;
}

static void *look_up_main(void *dir)
{
	return (void *)(intptr_t)look_up(dir, "file");
}

/* Who wants a key that another thread is being given waits for it. */
static void test_together(void **state)
{
	atomic_uint asked = 0;
	const struct fs_options opts = { .find_key = give_once, .find_key_arg = &asked };
	struct inode *root, *dir;
	pthread_t thread;
	struct fs *fs;
	void *err;

	(void)state;
	make("8M", "-t ext4 -O encrypt");
	make_dirs();
	fs = open_image_with("image", &opts);
	root = root_of(fs);
	dir = find(root, "d");
	atomic_store(&asked, 0);
	assert_int_equal(pthread_create(&thread, NULL, look_up_main, dir), 0);
	while (!atomic_load(&asked))
		usleep(1000);
	assert_int_equal(look_up(dir, "file"), 0);
	assert_int_equal(pthread_join(thread, &err), 0);
	assert_int_equal((intptr_t)err, 0);
	inode_put(dir);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asking),
		cmocka_unit_test(test_not_asking),
		cmocka_unit_test(test_together),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
