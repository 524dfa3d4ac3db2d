/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Images that the tests of mapping and writing make with mke2fs, open for writing, and have judged. */
#ifndef EXT4D_UNIT_MAP_FIXTURE_H
#define EXT4D_UNIT_MAP_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "need.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/dir.h"
#include "fs/fs.h"
#include "fs/fs_i.h"
#include "fs/inode.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct fixture {
	char dir[64]; /* everything is in there; the working directory */
	bool tools;
	struct log log;
};

static struct fixture fixture;

/* Runs a shell command in the test's directory; its output goes to ./log. */
static inline int PRINTF_LIKE(1, 2) sh(const char *fmt, ...)
{
	char command[4096];
	va_list ap;
	int len;

	len = snprintf(command, sizeof(command), "PATH=$PATH:/usr/sbin:/sbin; exec >log 2>&1; ");
	va_start(ap, fmt);
	vsnprintf(command + len, sizeof(command) - (size_t)len, fmt, ap);
	va_end(ap);
	return system(command);
}

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

static inline int setup(void **state)
{
	(void)state;
	strcpy(fixture.dir, "/tmp/test_map.XXXXXX");
	if (!mkdtemp(fixture.dir) || chdir(fixture.dir))
		return -1;
	log_init(&fixture.log, "test", LOG_LEVEL_ERROR);
	fixture.tools = !sh("command -v mke2fs && command -v debugfs && command -v e2fsck");
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	if (chdir("/"))
		return -1;
	return sh("true; rm -rf %s", fixture.dir);
}

/* A reproducible sequence. */
static inline uint32_t next_random(uint32_t *rng)
{
	*rng = *rng * 1664525 + 1013904223;
	return *rng >> 8;
}

#endif
