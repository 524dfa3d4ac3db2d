// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cryptdump [-w] IMAGE: reads an image with encrypted directories through the core, with the key of
 * mkencrypted.c, and prints a line for each name: its type, size, what is in it, its path.
 * cryptdump -d DIR: the same of a mounted directory, as the kernel shows it.
 *
 * Through the core each name is looked up too, and each file read again in pieces that do not begin or end
 * where blocks or data units do. -w opens the image for writing, which reads directories in another order.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/testkey.h"
#include "blk/blk.h"
#include "fs/dir.h"
#include "fs/file.h"
#include "fs/fs.h"
#include "fs/inode.h"
#include "fs/symlink.h"

#define CONTENTS_MAX ((size_t)8 << 20)
#define READ_SIZE ((size_t)1 << 20)
#define ODD_SIZE 7777 /* bytes of the odd pieces */
#define PATH_BYTES 8192

static uint8_t contents[CONTENTS_MAX], odd[ODD_SIZE];

static void check(int err, const char *what, const char *path)
{
	if (!err)
		return;
	fprintf(stderr, "cryptdump: %s %s: %s\n", what, path, strerror(-err));
	exit(1);
}

static void print_path(const char *path)
{
	for (; *path; path++) {
		if (*path > ' ' && *path < 0x7f && *path != '\\')
			putchar(*path);
		else
			printf("\\%03o", (unsigned char)*path);
	}
	putchar('\n');
}

/* A file that cannot be read. */
static void print_error(int err, const char *path)
{
	printf("e %s ", strerror(-err));
	print_path(path);
}

static void print_file(uint64_t size, size_t have, const char *path)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	SHA256(contents, have, digest);
	printf("f %llu ", (unsigned long long)size);
	for (size_t i = 0; i < sizeof(digest); i++)
		printf("%02x", digest[i]);
	putchar(' ');
	print_path(path);
}

static void print_symlink(uint64_t size, const char *target, const char *path)
{
	printf("l %llu ", (unsigned long long)size);
	print_path(target);
	print_path(path);
}

static void join(char ret[PATH_BYTES], const char *dir, const char *name, size_t len)
{
	if (snprintf(ret, PATH_BYTES, "%s/%.*s", dir, (int)len, name) >= PATH_BYTES)
		check(-ENAMETOOLONG, "path", dir);
}

/* ---- through the core ---- */

struct child {
	char name[DIR_NAME_MAX + 1];
	size_t len;
	uint32_t ino;
};

struct children {
	struct child *list;
	size_t nr, room;
};

static bool add_child(void *arg, const struct dir_entry *entry)
{
	struct children *children = arg;
	struct child *child;

	if (entry->name[0] == '.' && (entry->len == 1 || (entry->len == 2 && entry->name[1] == '.')))
		return true;
	if (children->nr == children->room) {
		children->room = children->room ? 2 * children->room : 64;
		children->list = realloc(
			children->list, children->room * sizeof(*children->list));
		if (!children->list)
			check(-ENOMEM, "list", "");
	}
	child = &children->list[children->nr++];
	memcpy(child->name, entry->name, entry->len);
	child->name[entry->len] = '\0';
	child->len = entry->len;
	child->ino = entry->ino;
	return true;
}

/* Reads pieces that overlap and compares them with what was read as a whole. */
static void read_odd(struct inode *inode, size_t have, const char *path)
{
	for (size_t off = 0; off < have; off += ODD_SIZE - 1000) {
		size_t len = have - off < ODD_SIZE ? have - off : ODD_SIZE;
		ssize_t got = file_read(inode, off, odd, ODD_SIZE);

		check(got < 0 ? (int)got : 0, "read", path);
		if ((size_t)got != len || memcmp(odd, contents + off, len) != 0)
			check(-EIO, "pieces differ", path);
	}
}

static void dump_file(struct inode *inode, const char *path)
{
	size_t have = 0;
	ssize_t got;

	do {
		if (have > CONTENTS_MAX - READ_SIZE)
			check(-EFBIG, "read", path);
		got = file_read(inode, have, contents + have, READ_SIZE);
		if (got < 0) {
			print_error((int)got, path);
			return;
		}
		have += (size_t)got;
	} while (got);
	read_odd(inode, have, path);
	print_file(inode->d.size, have, path);
}

static void dump_symlink(struct inode *inode, const char *path)
{
	char target[SYMLINK_MAX];

	check(symlink_read(inode, target), "readlink", path);
	print_symlink(strlen(target), target, path);
}

static void dump_inode(struct fs *fs, uint32_t ino, const char *path);

static void dump_dir(struct inode *dir, const char *path)
{
	struct children children = { .nr = 0 };

	printf("d ");
	print_path(path);
	check(dir_iterate(dir, 0, add_child, &children), "list", path);
	for (size_t i = 0; i < children.nr; i++) {
		const struct child *child = &children.list[i];
		char below[PATH_BYTES];
		uint32_t ino = 0;
		int err;

		join(below, path, child->name, child->len);
		if (dir->fs && fs_is_writable(dir->fs)) {
			rwlock_read(&dir->lock);
			err = dir_lookup(dir, child->name, child->len, &ino);
			rwlock_drop(&dir->lock);
		} else {
			err = dir_lookup(dir, child->name, child->len, &ino);
		}
		check(err, "look up", below);
		check(ino == child->ino ? 0 : -ESTALE, "look up", below);
		dump_inode(dir->fs, ino, below);
	}
	free(children.list);
}

static void dump_inode(struct fs *fs, uint32_t ino, const char *path)
{
	CLEANUP(inode_putp) struct inode *inode = NULL;

	check(inode_get(fs, ino, &inode), "get", path);
	if (S_ISDIR(inode->d.mode))
		dump_dir(inode, path);
	else if (S_ISREG(inode->d.mode))
		dump_file(inode, path);
	else if (S_ISLNK(inode->d.mode))
		dump_symlink(inode, path);
}

static void dump_image(const char *path, bool writable)
{
	struct fs_options opts = { .writable = writable };
	int fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	struct log log;
	struct blk *blk;
	struct fs *fs;

	log_init(&log, "cryptdump", LOG_LEVEL_ERROR);
	log.to_syslog = false;
	check(fd < 0 ? -errno : 0, "open", path);
	check(blk_file_new(fd, writable, &blk), "open", path);
	check(fs_open(blk, &opts, &log, &fs), "open", path);
	check(testkey_add_all(fs), "key", "of the test");
	dump_inode(fs, EXT2_ROOT_INO, ".");
	check(fs_close(fs), "close", path);
}

/* ---- as the kernel shows it ---- */

static void show_dir(const char *path);

static void show_file(const char *path, const struct stat *st)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	ssize_t got;

	if (fd < 0) {
		print_error(-errno, path);
		return;
	}
	while ((got = read(fd, contents + have, CONTENTS_MAX - have)) > 0)
		have += (size_t)got;
	check(got < 0 ? -errno : 0, "read", path);
	close(fd);
	print_file((uint64_t)st->st_size, have, path);
}

static void show(const char *path)
{
	char target[SYMLINK_MAX];
	struct stat st;
	ssize_t len;

	check(lstat(path, &st) ? -errno : 0, "stat", path);
	if (S_ISDIR(st.st_mode)) {
		show_dir(path);
	} else if (S_ISREG(st.st_mode)) {
		show_file(path, &st);
	} else if (S_ISLNK(st.st_mode)) {
		len = readlink(path, target, sizeof(target) - 1);
		check(len < 0 ? -errno : 0, "readlink", path);
		target[len] = '\0';
		print_symlink((uint64_t)st.st_size, target, path);
	}
}

static void show_dir(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	check(dir ? 0 : -errno, "open", path);
	printf("d ");
	print_path(path);
	while ((entry = readdir(dir))) {
		char below[PATH_BYTES];

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		join(below, path, entry->d_name, strlen(entry->d_name));
		show(below);
	}
	closedir(dir);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "-d")) {
		check(chdir(argv[2]) ? -errno : 0, "chdir", argv[2]);
		show(".");
	} else if (argc == 3 && !strcmp(argv[1], "-w")) {
		dump_image(argv[2], true);
	} else if (argc == 2 && argv[1][0] != '-') {
		dump_image(argv[1], false);
	} else {
		fprintf(stderr, "usage: cryptdump [-w] IMAGE | -d DIR\n");
		return 2;
	}
	return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
