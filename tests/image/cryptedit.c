// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cryptedit IMAGE DIR...: makes the same changes in each of the directories of the image's root, through the
 * core, with the key of mkencrypted.c: afterwards they show the same, encrypted or not. Each has what
 * encrypted-keys.sh fills them with. Also tried: what must not be moved or linked into an encrypted directory.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../lib/testkey.h"
#include "blk/blk.h"
#include "fs/file.h"
#include "fs/fs.h"
#include "fs/inode.h"
#include "fs/namei.h"
#include "fs/orphan.h"

#define BYTES ((size_t)2 << 20)
#define MANY 300

static uint8_t bytes[BYTES];
static const struct cred cred = { .umask = 022 };

static void check(int err, const char *what, const char *name)
{
	if (!err)
		return;
	fprintf(stderr, "cryptedit: %s %s: %s\n", what, name, strerror(-err));
	exit(1);
}

static void check_refused(int err, int want, const char *what)
{
	if (err == want)
		return;
	fprintf(stderr, "cryptedit: %s: %d, not %d\n", what, err, want);
	exit(1);
}

static struct inode *find(struct inode *dir, const char *name)
{
	struct inode *inode;
	uint32_t ino;

	check(namei_lookup(dir, name, strlen(name), &ino), "look up", name);
	check(inode_get(dir->fs, ino, &inode), "get", name);
	return inode;
}

static struct inode *make(struct inode *dir, const char *name, uint16_t mode)
{
	struct inode *inode;

	check(namei_make(dir, name, strlen(name), mode, 0, &cred, &inode), "make", name);
	return inode;
}

static void write_at(struct inode *inode, uint64_t off, size_t len)
{
	ssize_t put = file_write(inode, off, bytes + off % 1000, len, true, false);

	check(put < 0 ? (int)put : 0, "write", "");
	check((size_t)put == len ? 0 : -ENOSPC, "write", "");
}

static void cut(struct inode *inode, uint64_t size)
{
	int err;

	rwlock_write(&inode->lock);
	err = file_truncate_locked(inode, size);
	rwlock_drop(&inode->lock);
	check(err, "truncate", "");
}

static void allocate(struct inode *inode, int mode, uint64_t off, uint64_t len)
{
	check(file_fallocate(inode, mode, off, len, false), "fallocate", "");
}

static void change_contents(struct inode *data)
{
	struct inode *inode = find(data, "s65537"); /* 9000 bytes by now */

	write_at(inode, 4090, 10);
	write_at(inode, 511, 2);
	write_at(inode, 8191, 20000);
	write_at(inode, 123456, 777); /* over a hole */
	inode_put(inode);
	inode = find(data, "s1050001");
	cut(inode, 500003);
	cut(inode, 600000);
	write_at(inode, 0, 4096);
	write_at(inode, 4096, 300000);
	allocate(inode, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100001, 200002);
	allocate(inode, FALLOC_FL_ZERO_RANGE, 350001, 50000);
	allocate(inode, 0, 550000, 200000);
	write_at(inode, 640001, 5);
	inode_put(inode);
	inode = find(data, "unwritten");
	write_at(inode, 20000, 1);
	write_at(inode, 40959, 8194);
	cut(inode, 45001);
	inode_put(inode);
	inode = find(data, "s16");
	cut(inode, 0);
	inode_put(inode);
	inode = find(data, "hole");
	write_at(inode, 700, 100);
	inode_put(inode);
}

static void make_files(struct inode *dir)
{
	struct inode *inode = make(dir, "a new file", S_IFREG | 0644), *copy;

	write_at(inode, 0, 100);
	write_at(inode, 3000, 5000);
	inode_put(inode);
	inode = make(dir, "a large one", S_IFREG | 0644);
	write_at(inode, 0, (size_t)1 << 20);
	write_at(inode, ((uint64_t)1 << 20) - 7, 300000);
	copy = make(dir, "its copy", S_IFREG | 0600);
	if (file_copy(inode, 1001, copy, 3, 900000, false) != 900000)
		check(-EIO, "copy", "");
	inode_put(copy);
	inode_put(inode);
}

static void make_links(struct inode *dir)
{
	char target[1000];

	for (size_t len = 1; len < sizeof(target); len += len < 70 ? 1 : 61) {
		struct inode *inode;
		char name[32];

		memset(target, 'x', len);
		snprintf(name, sizeof(name), "to %zu", len);
		check(namei_symlink(dir, name, strlen(name), target, len, &cred, &inode), "symlink",
			name);
		inode_put(inode);
	}
}

static void name_of(char name[256], size_t nr)
{
	/* 1 to 255 bytes, all different */
	int len = snprintf(name, 256, "%zu", nr);

	memset(name + len, 'n', 255 - (size_t)len);
	name[(size_t)len + nr * 7 % (256 - (size_t)len)] = '\0';
}

static void remove_name(struct inode *dir, const char *name, bool is_dir)
{
	uint32_t ino;

	check((is_dir ? namei_rmdir : namei_unlink)(dir, name, strlen(name), &ino), "remove", name);
	check(orphan_free(dir->fs, ino), "free", name);
}

static void move(struct inode *from, const char *name, struct inode *to, const char *to_name,
	unsigned flags)
{
	uint32_t ino;

	check(namei_rename(from, name, strlen(name), to, to_name, strlen(to_name), flags, &cred,
		      &ino),
		"rename", name);
	if (ino)
		check(orphan_free(from->fs, ino), "free", to_name);
}

/* Enough names for an index that splits. */
static void make_many(struct inode *dir)
{
	struct inode *sub = make(dir, "a directory", S_IFDIR | 0755), *inode;
	char name[256];

	for (size_t nr = 0; nr < MANY; nr++) {
		name_of(name, nr);
		inode = make(sub, name, nr % 9 ? S_IFREG | 0644 : S_IFDIR | 0755);
		if (nr % 9 && nr % 10 == 1)
			write_at(inode, 0, nr);
		inode_put(inode);
	}
	for (size_t nr = 0; nr < MANY; nr += 3) {
		name_of(name, nr);
		remove_name(sub, name, nr % 9 == 0);
	}
	name_of(name, 1);
	move(sub, name, dir, "came up", 0);
	name_of(name, 2);
	move(sub, name, dir, "came up", 0); /* replaces */
	name_of(name, 4);
	move(sub, name, sub, "exchanged", 0);
	name_of(name, 5);
	move(sub, name, dir, "a new file", RENAME_EXCHANGE);
	inode = find(dir, "came up");
	check(namei_link(inode, sub, "a second name", 13), "link", "");
	inode_put(inode);
	inode_put(sub);
}

/* A file of the root must not come into an encrypted directory. */
static void try_strangers(struct inode *root, struct inode *dir)
{
	int want = dir->d.flags & EXT4_ENCRYPT_FL ? -EXDEV : 0;
	struct inode *inode = make(root, "stranger", S_IFREG | 0644);
	uint32_t ino;

	check_refused(namei_link(inode, dir, "link", 4), want, "a link to a stranger");
	check_refused(namei_rename(root, "stranger", 8, dir, "moved", 5, 0, &cred, &ino), want,
		"moving a stranger");
	inode_put(inode);
	if (want) {
		remove_name(root, "stranger", false);
	} else {
		remove_name(dir, "link", false);
		remove_name(dir, "moved", false);
	}
}

/* What is encrypted is so for its place in the file (ext4_fallocate()). */
static void try_shifts(struct inode *dir)
{
	int want = dir->d.flags & EXT4_ENCRYPT_FL ? -EOPNOTSUPP : 0;
	uint64_t block = fs_super(dir->fs)->block_size;
	struct inode *inode = make(dir, "shifted", S_IFREG | 0644);

	write_at(inode, 0, 3 * block);
	check_refused(file_fallocate(inode, FALLOC_FL_INSERT_RANGE, block, block, true), want,
		"inserting a range");
	check_refused(file_fallocate(inode, FALLOC_FL_COLLAPSE_RANGE, block, block, true), want,
		"taking a range out");
	inode_put(inode);
	remove_name(dir, "shifted", false);
}

static void change(struct inode *root, const char *name)
{
	struct inode *dir = find(root, name), *data = find(dir, "data");

	change_contents(data);
	make_files(dir);
	make_links(dir);
	make_many(dir);
	try_strangers(root, dir);
	try_shifts(dir);
	inode_put(data);
	inode_put(dir);
}

/* Without the key contents and new names are out of reach. */
static void try_locked(struct inode *root, const char *name)
{
	struct inode *dir = find(root, name), *inode;

	if (dir->d.flags & EXT4_ENCRYPT_FL)
		check_refused(namei_make(dir, "new", 3, S_IFREG | 0644, 0, &cred, &inode), -ENOKEY,
			"a new name without the key");
	inode_put(dir);
}

int main(int argc, char **argv)
{
	struct fs_options opts = { .writable = true };
	struct inode *root;
	struct blk *blk;
	struct log log;
	struct fs *fs;
	int fd;

	if (argc < 3) {
		fprintf(stderr, "usage: cryptedit IMAGE DIR...\n");
		return 2;
	}
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 31 + (i >> 8) * 7);
	fd = open(argv[1], O_RDWR | O_CLOEXEC);
	log_init(&log, "cryptedit", LOG_LEVEL_ERROR);
	log.to_syslog = false;
	check(fd < 0 ? -errno : 0, "open", argv[1]);
	check(blk_file_new(fd, true, &blk), "open", argv[1]);
	check(fs_open(blk, &opts, &log, &fs), "open", argv[1]);
	check(inode_get(fs, EXT2_ROOT_INO, &root), "get", "root");
	for (int i = 2; i < argc; i++)
		try_locked(root, argv[i]);
	check(testkey_add_all(fs), "key", "of the test");
	for (int i = 2; i < argc; i++)
		change(root, argv[i]);
	inode_put(root);
	check(fs_close(fs), "close", argv[1]);
	return 0;
}
