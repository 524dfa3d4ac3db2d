// SPDX-License-Identifier: GPL-2.0-or-later
/* Encrypted directories for the fuzzer's seeds, made through the core: see fuzz_main.c. */
#include "config.h"

#include "fuzz.h"

#include <string.h>
#include <sys/stat.h>

#include "../lib/policy.h"
#include "../lib/testkey.h"
#include "fs/file.h"
#include "fs/fs.h"
#include "fs/namei.h"

#define NAMES 24 /* in a directory of each policy, so that it has more than one block */

static const struct cred cred = { .umask = 022 };

static struct inode *make(struct inode *dir, const char *name, size_t len, uint16_t mode)
{
	struct inode *inode;

	CHECK(!namei_make(dir, name, len, mode, 0, &cred, &inode));
	return inode;
}

static void make_file(struct inode *dir, const char *name, size_t len, size_t size)
{
	struct inode *file = make(dir, name, len, S_IFREG | 0644);
	uint8_t bytes[5000];

	CHECK(size <= sizeof(bytes));
	memset(bytes, 'c', sizeof(bytes));
	CHECK(!size || file_write(file, 700, bytes, size, true, true) == (ssize_t)size);
	inode_put(file);
}

static void make_symlink(struct inode *dir, const char *name, size_t target_len)
{
	struct inode *link;
	char target[400];

	CHECK(target_len <= sizeof(target));
	memset(target, 't', sizeof(target));
	CHECK(!namei_symlink(dir, name, strlen(name), target, target_len, &cred, &link));
	inode_put(link);
}

static void fill(struct inode *dir)
{
	char name[DIR_NAME_MAX];

	memset(name, 'n', sizeof(name));
	for (size_t i = 0; i < NAMES; i++) {
		name[0] = (char)('a' + i);
		make_file(dir, name, 1 + i * 37 % 120, i == 5 ? 5000 : i == 6 ? 100 : 0);
	}
	make_symlink(dir, "short", 5);
	make_symlink(dir, "long", 400);
	inode_put(make(dir, "pipe", 4, S_IFIFO | 0600));
}

static void add_policy(struct inode *root, unsigned policy)
{
	const char name[] = { 'p', (char)('0' + policy) };
	struct inode *dir = make(root, name, sizeof(name), S_IFDIR | 0755), *below;

	CHECK(!policy_set(dir, policy));
	fill(dir);
	below = make(dir, "below", 5, S_IFDIR | 0755);
	make_file(below, "deep", 4, 10);
	inode_put(below);
	inode_put(dir);
}

void encrypt_image(struct image *img)
{
	struct fs_options opts = { .writable = true };
	struct inode *root;
	struct blk *blk;
	struct log log;
	struct fs *fs;

	log_init(&log, "fuzz", LOG_LEVEL_ERROR);
	CHECK(!blk_mem_borrow(img->bytes, img->len, &blk));
	CHECK(!fs_open(blk, &opts, &log, &fs));
	CHECK(!testkey_add_all(fs));
	CHECK(!inode_get(fs, EXT2_ROOT_INO, &root));
	for (unsigned policy = P_NONE + 1; policy < P_NR; policy++)
		add_policy(root, policy);
	inode_put(root);
	CHECK(!fs_close(fs));
}
