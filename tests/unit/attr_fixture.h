/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of attributes share: an image with empty files in a directory of its own, opened for
 * writing, and e2fsck as the judge. Included by test programs only.
 */
#ifndef EXT4D_TESTS_ATTR_FIXTURE_H
#define EXT4D_TESTS_ATTR_FIXTURE_H

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

/* Runs a shell command in the test's directory, silently. */
static int PRINTF_LIKE(1, 2) sh(const char *fmt, ...)
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

/* Makes ./image with nr empty files f0, f1 ...; args are mke2fs's. */
static void make(const char *size, unsigned nr, const char *args)
{
	NEED_TOOLS(fixture.tools);
	if (sh("rm -rf image tree; mkdir tree; for i in $(seq 0 %u); do : >tree/f$i; done; "
	       "truncate -s %s image && mke2fs -q -F -t ext4 -m 0 -O ^has_journal -d tree %s image",
		    nr - 1, size, args))
		fail_msg("mke2fs %s", args);
}

static struct fs *open_image(bool writable)
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

static struct inode *find(struct fs *fs, const char *name)
{
	struct inode *root, *inode;
	uint32_t ino;

	assert_int_equal(inode_get(fs, EXT2_ROOT_INO, &root), 0);
	if (dir_lookup(root, name, strlen(name), &ino))
		fail_msg("%s is not there", name);
	inode_put(root);
	assert_int_equal(inode_get(fs, ino, &inode), 0);
	return inode;
}

/* Nothing to repair, nothing to say but the summary. */
static void assert_clean(const char *when)
{
	if (sh("e2fsck -fn image >fsck 2>&1 && "
	       "! grep -v -e '^e2fsck ' -e '^Pass ' -e '^image: ' fsck")) {
		sh("cat fsck log >&2");
		if (system("cat fsck >&2"))
			fail();
		fail_msg("e2fsck complains after %s", when);
	}
}

static int setup(void **state)
{
	(void)state;
	strcpy(fixture.dir, "/tmp/test_attr.XXXXXX");
	if (!mkdtemp(fixture.dir) || chdir(fixture.dir))
		return -1;
	log_init(&fixture.log, "test", LOG_LEVEL_ERROR);
	fixture.log.to_syslog = false;
	fixture.tools = !sh("command -v mke2fs && command -v debugfs && command -v e2fsck");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (chdir("/"))
		return -1;
	return sh("true; rm -rf %s", fixture.dir);
}

#endif
