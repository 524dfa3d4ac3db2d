// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * inodes - make many files through the core, then get and change every inode, and show how much memory
 * that took at most.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fs/attr.h"
#include "fs/fs.h"
#include "fs/inode.h"
#include "fs/namei.h"
#include "fs/xattredit.h"

#define PER_DIR 5000u
#define XATTR_EVERY 16u

static void check(int err, const char *what, uint64_t nr)
{
	if (!err)
		return;
	fprintf(stderr, "%s %" PRIu64 ": %s\n", what, nr, strerror(-err));
	exit(1);
}

/* The most memory that was resident at once, in KiB. */
static unsigned long high_water(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	unsigned long kib = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmHWM: %lu", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void make_file(struct inode *dir, uint64_t nr)
{
	const struct cred cred = { .uid = (uint32_t)(nr % 100) };
	struct inode *inode;
	char name[32];

	snprintf(name, sizeof(name), "file%ju", (uintmax_t)nr);
	check(namei_make(dir, name, strlen(name), S_IFREG | 0644, 0, &cred, &inode), "file", nr);
	if (nr % XATTR_EVERY == 0)
		check(xattr_set(inode, "user.nr", name, strlen(name), 0, true), "attribute", nr);
	inode_put(inode);
}

static void make_dir(struct fs *fs, uint64_t from, uint64_t to)
{
	const struct cred cred = { .uid = 0 };
	struct inode *root, *dir;
	char name[32];

	check(inode_get(fs, EXT2_ROOT_INO, &root), "root", 0);
	snprintf(name, sizeof(name), "dir%ju", (uintmax_t)(from / PER_DIR));
	check(namei_make(root, name, strlen(name), S_IFDIR | 0755, 0, &cred, &dir), "directory",
		from);
	inode_put(root);
	for (uint64_t nr = from; nr < to; nr++)
		make_file(dir, nr);
	inode_put(dir);
}

/* Every inode in use, in the order of the tables; returns how many. */
static uint64_t change_all(struct fs *fs)
{
	const struct attr_change change = { .what = ATTR_MTIME, .mtime = { .tv_sec = 1000000000 } };
	const struct super *sb = fs_super(fs);
	uint64_t nr = 0;

	for (uint32_t ino = sb->first_ino; ino <= sb->inodes && ino; ino++) {
		struct inode *inode;
		struct dinode d;

		if (inode_get(fs, ino, &inode))
			continue;
		check(attr_set(inode, &change, &d), "inode", ino);
		inode_put(inode);
		nr++;
	}
	return nr;
}

static void report(const char *what, uint64_t nr, double since)
{
	printf("%s: %" PRIu64 " in %.1f s, VmHWM %lu KiB\n", what, nr, seconds() - since,
		high_water());
	fflush(stdout);
}

static struct fs *open_image(const char *path, size_t cache_bytes, struct log *log)
{
	struct fs_options opts = { .writable = true, .cache_bytes = cache_bytes };
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct blk *blk;
	struct fs *fs;

	check(fd < 0 ? -errno : 0, path, 0);
	check(blk_file_new(fd, true, &blk), path, 0);
	check(fs_open(blk, &opts, log, &fs), path, 0);
	return fs;
}

int main(int argc, char **argv)
{
	struct log log;
	struct fs *fs;
	uint64_t files;
	double start = seconds();

	if (argc != 4) {
		fprintf(stderr, "usage: inodes IMAGE FILES CACHE-KIB\n");
		return 2;
	}
	files = strtoull(argv[2], NULL, 10);
	log_init(&log, "inodes", LOG_LEVEL_ERROR);
	log.to_syslog = false;
	fs = open_image(argv[1], (size_t)strtoull(argv[3], NULL, 10) << 10, &log);
	report("opened", 1, start);
	start = seconds();
	for (uint64_t nr = 0; nr < files; nr += PER_DIR)
		make_dir(fs, nr, nr + PER_DIR < files ? nr + PER_DIR : files);
	report("made", files, start);
	start = seconds();
	report("changed", change_all(fs), start);
	start = seconds();
	check(fs_close(fs), "close", 0);
	report("closed", 1, start);
	return 0;
}
