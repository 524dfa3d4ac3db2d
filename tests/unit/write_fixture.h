/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests that change images: made by mke2fs in a directory of the test's own, judged by e2fsck.
 */
#ifndef TESTS_UNIT_WRITE_FIXTURE_H
#define TESTS_UNIT_WRITE_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "need.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

/* Runs a shell command in the test's directory; what it says is in ./log. */
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

static inline void show_log(void)
{
	(void)!system("cat log >&2");
}

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

static inline struct fs *open_image(const char *image, bool writable)
{
	struct fs_options opts = { .writable = writable };
	int fd = open(image, writable ? O_RDWR : O_RDONLY);
	struct blk *blk;
	struct fs *fs;

	assert_true(fd >= 0);
	assert_int_equal(blk_file_new(fd, writable, &blk), 0);
	assert_int_equal(fs_open(blk, &opts, &fixture.log, &fs), 0);
	return fs;
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

static inline int fixture_setup(void **state)
{
	(void)state;
	strcpy(fixture.dir, "/tmp/ext4d-unit.XXXXXX");
	if (!mkdtemp(fixture.dir) || chdir(fixture.dir))
		return -1;
	log_init(&fixture.log, "test", LOG_LEVEL_ERROR);
	fixture.log.to_syslog = false;
	fixture.tools = !sh("command -v mke2fs && command -v debugfs && command -v e2fsck");
	return 0;
}

static inline int fixture_teardown(void **state)
{
	(void)state;
	if (chdir("/"))
		return -1;
	return sh("rm -rf %s", fixture.dir);
}

#endif
