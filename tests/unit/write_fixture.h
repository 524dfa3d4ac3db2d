/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests that change images: made by mke2fs in a directory of the test's own, judged by e2fsck.
 */
#ifndef TESTS_UNIT_WRITE_FIXTURE_H
#define TESTS_UNIT_WRITE_FIXTURE_H

#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "fs/dir.h"
#include "fs/fs.h"
#include "fs/fs_i.h"
#include "fs/inode.h"

/* Makes ./image; args are mke2fs's. */
static inline void make(const char *size, const char *args)
{
	NEED_TOOLS(fixture.tools);
	if (sh("rm -f image; truncate -s %s image && mke2fs -q -F -m 0 %s image", size, args)) {
		show_log();
		fail_msg("mke2fs %s", args);
	}
}

/* Whether e2fsck finds nothing to complain about. */
static inline void check_clean(const char *image, const char *args)
{
	if (sh("e2fsck -fn %s", image)) {
		show_log();
		fail_msg("e2fsck finds fault with %s (%s)", image, args);
	}
}

static inline struct fs *open_image_with(const char *image, const struct fs_options *opts)
{
	int fd = open(image, opts->writable ? O_RDWR : O_RDONLY);
	struct blk *blk;
	struct fs *fs;

	assert_true(fd >= 0);
	assert_int_equal(blk_file_new(fd, opts->writable, &blk), 0);
	assert_int_equal(fs_open(blk, opts, &fixture.log, &fs), 0);
	return fs;
}

static inline struct fs *open_image(const char *image, bool writable)
{
	return open_image_with(image, &(struct fs_options){ .writable = writable });
}

static inline struct inode *get(struct fs *fs, uint32_t ino)
{
	struct inode *inode;
	int err = inode_get(fs, ino, &inode);

	if (err)
		fail_msg("inode %u: %s", ino, strerror(-err));
	return inode;
}

static inline struct inode *root_of(struct fs *fs)
{
	return get(fs, EXT2_ROOT_INO);
}

#endif
