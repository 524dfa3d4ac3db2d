/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Images for the tests of allocation: made by mke2fs in a directory of the test's own, judged by
 * e2fsck. Without these programs the tests are skipped.
 */
#ifndef EXT4D_TESTS_ALLOC_IMAGE_H
#define EXT4D_TESTS_ALLOC_IMAGE_H

#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "format/le.h"
#include "fs/balloc.h"
#include "fs/fs_i.h"
#include "fs/group.h"
#include "fs/ialloc.h"
#include "fs/inode.h"

struct feature_set {
	const char *name, *size, *args;
};

/* Several groups each. */
static const struct feature_set feature_sets[] = {
	{ "1k", "40M", "-t ext4 -b 1024 -O ^has_journal" },
	{ "1k, journal", "40M", "-t ext4 -b 1024 -J size=2" },
	{ "4k", "96M", "-t ext4 -b 4096 -g 2048 -O ^has_journal,^resize_inode" },
	{ "4k, 64bit", "96M", "-t ext4 -b 4096 -g 2048 -O ^has_journal,64bit" },
	{ "no 64bit, no csum", "40M", "-t ext4 -b 1024 -O ^has_journal,^64bit,^metadata_csum" },
	{ "uninit_bg", "40M", "-t ext4 -b 1024 -O ^has_journal,^metadata_csum,uninit_bg" },
	{ "uninit_bg, 64bit", "40M",
		"-t ext4 -b 1024 -O ^has_journal,^metadata_csum,uninit_bg,64bit" },
	{ "no flex_bg", "40M", "-t ext4 -b 1024 -O ^has_journal,^flex_bg" },
	{ "flex_bg of 2", "40M", "-t ext4 -b 1024 -O ^has_journal -G 2" },
	{ "meta_bg", "40M", "-t ext4 -b 1024 -O ^has_journal,meta_bg,^resize_inode" },
	{ "sparse_super2", "40M", "-t ext4 -b 1024 -O ^has_journal,sparse_super2" },
	{ "bigalloc", "256M", "-t ext4 -b 4096 -C 16384 -g 8192 -O ^has_journal,bigalloc" },
	{ "bigalloc, 1k", "100M", "-t ext4 -b 1024 -C 4096 -O ^has_journal,bigalloc" },
	{ "ext2", "40M", "-t ext2 -b 1024" },
	{ "ext3", "40M", "-t ext3 -b 1024 -J size=2" },
	{ "odd size", "30001K", "-t ext4 -b 1024 -O ^has_journal" },
};

/* Makes ./image. */
static inline void make_image(const char *size, const char *args)
{
	NEED_TOOLS(fixture.tools);
	if (sh("rm -f image; truncate -s %s image && mke2fs -q -F -m 0 %s image", size, args)) {
		(void)!system("cat log");
		fail_msg("mke2fs %s", args);
	}
}

/* debugfs commands, one per line. */
static inline void edit_image(const char *commands)
{
	FILE *file = fopen("commands", "w");

	assert_non_null(file);
	fputs(commands, file);
	fclose(file);
	assert_int_equal(sh("debugfs -w -f commands image"), 0);
}

/* Puts nr empty files named fN in the root. */
static inline void add_files(unsigned nr)
{
	FILE *file = fopen("commands", "w");

	assert_non_null(file);
	for (unsigned i = 0; i < nr; i++)
		fprintf(file, "write /dev/null f%u\n", i);
	fclose(file);
	assert_int_equal(sh("debugfs -w -f commands image"), 0);
}

static inline struct fs *open_image_as(bool writable, bool discard)
{
	struct fs_options opts = { .writable = writable, .discard = discard };
	int fd = open("image", O_RDWR);
	struct blk *blk;
	struct fs *fs;

	assert_true(fd >= 0);
	assert_int_equal(blk_file_new(fd, writable, &blk), 0);
	assert_int_equal(fs_open(blk, &opts, &fixture.log, &fs), 0);
	return fs;
}

static inline struct fs *open_image(void)
{
	return open_image_as(true, false);
}

static inline void check_image(const char *what)
{
	if (sh("e2fsck -fn image") == 0 && sh("! grep -q Fix log") == 0)
		return;
	(void)!sh("e2fsck -fn image");
	(void)!system("cat log");
	fail_msg("%s: e2fsck complains", what);
}

static inline void close_image(struct fs *fs, const char *what)
{
	assert_int_equal(fs_close(fs), 0);
	check_image(what);
}

static inline struct inode *get_inode(struct fs *fs, uint32_t ino)
{
	struct inode *inode;

	assert_int_equal(inode_get(fs, ino, &inode), 0);
	return inode;
}

static inline struct handle *start(struct fs *fs, unsigned credits)
{
	struct handle *h;

	assert_int_equal(journal_start(fs->journal, credits, &h), 0);
	return h;
}

#endif
