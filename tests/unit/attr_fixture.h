/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of attributes share: an image with empty files in a directory of its own, opened for
 * writing, and e2fsck as the judge. Included by test programs only.
 */
#ifndef EXT4D_TESTS_ATTR_FIXTURE_H
#define EXT4D_TESTS_ATTR_FIXTURE_H

#include "fixture.h"

#include <fcntl.h>

#include "fs/dir.h"
#include "fs/fs.h"
#include "fs/fs_i.h"
#include "fs/inode.h"

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

#endif
