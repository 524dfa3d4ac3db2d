/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Images that the tests of mapping and writing make with mke2fs, open for writing, and have judged. */
#ifndef EXT4D_UNIT_MAP_FIXTURE_H
#define EXT4D_UNIT_MAP_FIXTURE_H

#include "fixture.h"

#include <fcntl.h>

#include "fs/dir.h"
#include "fs/fs.h"
#include "fs/fs_i.h"
#include "fs/inode.h"

/* Makes ./image with the empty files a and b; args are mke2fs's. */
static inline void make_image(const char *size, const char *args)
{
	NEED_TOOLS(fixture.tools);
	if (sh("rm -rf image from; mkdir from; : >from/a; : >from/b; truncate -s %s image && "
	       "mke2fs -q -F -m 0 -N 64 -d from %s image", size, args)) {
		(void)!system("cat log");
		fail_msg("mke2fs %s", args);
	}
}

static inline struct fs *open_image(bool writable)
{
	struct fs_options opts = { .writable = writable };
	int fd = open("image", writable ? O_RDWR : O_RDONLY);
	struct blk *blk;
	struct fs *fs;

	assert_true(fd >= 0);
	assert_int_equal(blk_file_new(fd, writable, &blk), 0);
	assert_int_equal(fs_open(blk, &opts, &fixture.log, &fs), 0);
	return fs;
}

static inline struct inode *get_file(struct fs *fs, const char *name)
{
	struct inode *root, *inode;
	uint32_t ino;

	assert_int_equal(inode_get(fs, EXT2_ROOT_INO, &root), 0);
	assert_int_equal(dir_lookup(root, name, strlen(name), &ino), 0);
	inode_put(root);
	assert_int_equal(inode_get(fs, ino, &inode), 0);
	return inode;
}

/*
 * e2fsck has no complaint. strict: it would not even pack extent trees tighter, which those that
 * grew and shrank at random are no better at than the kernel's.
 */
static inline void judge(bool strict)
{
	if (sh("e2fsck -fn %s image", strict ? "" : "-E no_optimize_extents") ||
		!sh("grep -Ev '^(Pass |e2fsck |image: |$)' log")) {
		(void)!system("PATH=$PATH:/sbin:/usr/sbin; e2fsck -fn -E no_optimize_extents image | head -40");
		fail_msg("e2fsck complains");
	}
}

/* A reproducible sequence. */
static inline uint32_t next_random(uint32_t *rng)
{
	*rng = *rng * 1664525 + 1013904223;
	return *rng >> 8;
}

#endif
