// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fast commits replayed to an image by opening it for writing. mke2fs makes the image, the fast commits are
 * written into its journal here, e2fsck is the judge.
 */
#include "config.h"

#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/fcommit.h"
#include "format/jbd2.h"
#include "format/le.h"
#include "fs/dir.h"
#include "fs/fs_i.h"
#include "fs/map.h"
#include "fs/mount_journal.h"
#include "util/crc32c.h"

#define BLOCK_SIZE 4096
#define TID 7
#define TAG_INODE_LEN 160 /* what the kernel writes for such inodes: i_extra_isize is 32 */

/* Inodes as mke2fs and debugfs give them out, and free ones. */
#define DIR_INO 12
#define KEPT_INO 13 /* dir/kept */
#define GONE_INO 14 /* dir/gone */
#define NEW_INO 40
#define NEW_DIR_INO 41
#define INNER_INO 42

#define FILE_BLOCKS 32
#define FREE_BLOCK 6400 /* nobody's, as are the ones behind it; begins a cluster */

/* Offsets in the journal's superblock. */
#define JSB_SEQUENCE 0x18
#define JSB_START 0x1C
#define JSB_INCOMPAT 0x28
#define JSB_FAST_COMMIT 0x20

/* The fast-commit area that is being made. */
static uint8_t area_bytes[BLOCK_SIZE];
static size_t area_len;

static void judge(const char *path)
{
	if (!sh("e2fsck -fn %s", path))
		return;
	if (system("cat log >&2"))
		errno = 0;
	fail_msg("e2fsck complains");
}

/* ---- a storage that fails from some write on ---- */

struct cut {
	struct blk blk;
	struct blk *lower;
	unsigned left; /* writes */
};

static int cut_read(struct blk *blk, uint64_t off, void *buf, size_t len)
{
	return blk_read(((struct cut *)blk)->lower, off, buf, len);
}

static int cut_write(struct blk *blk, uint64_t off, const void *buf, size_t len)
{
	struct cut *cut = (struct cut *)blk;

	if (!cut->left)
		return -EIO;
	cut->left--;
	return blk_write(cut->lower, off, buf, len);
}

static int cut_flush(struct blk *blk)
{
	return ((struct cut *)blk)->left ? 0 : -EIO;
}

static void cut_close(struct blk *blk)
{
	blk_close(((struct cut *)blk)->lower);
	free(blk);
}

static const struct blk_ops cut_ops = {
	.read = cut_read,
	.write = cut_write,
	.flush = cut_flush,
	.close = cut_close,
};

static struct blk *open_cut(const char *path, unsigned writes)
{
	struct cut *cut = calloc(1, sizeof(*cut));
	int fd = open(path, O_RDWR);

	assert_non_null(cut);
	assert_true(fd >= 0);
	assert_int_equal(blk_file_new(fd, true, &cut->lower), 0);
	cut->blk = (struct blk){ .ops = &cut_ops, .size = cut->lower->size };
	cut->left = writes;
	return &cut->blk;
}

/* Opens and closes an image; fails after so many writes. */
static int try_image(const char *path, unsigned writes)
{
	struct fs_options opts = { .writable = true };
	struct fs *fs;
	int err = fs_open(open_cut(path, writes), &opts, &fixture.log, &fs);

	return err ? err : fs_close(fs);
}

static struct fs *open_image(const char *path, bool norecovery)
{
	struct fs_options opts = { .norecovery = norecovery };
	int fd = open(path, O_RDONLY);
	struct blk *blk;
	struct fs *fs;

	assert_true(fd >= 0);
	assert_int_equal(blk_file_new(fd, false, &blk), 0);
	assert_int_equal(fs_open(blk, &opts, &fixture.log, &fs), 0);
	return fs;
}

/* ---- fast commits ---- */

static uint8_t *put_tag(unsigned type, size_t len)
{
	uint8_t *p = area_bytes + area_len;

	assert_true(area_len + FCOMMIT_TAG_HDR + len <= BLOCK_SIZE);
	le16_put(p, (uint16_t)type);
	le16_put(p + 2, (uint16_t)len);
	area_len += FCOMMIT_TAG_HDR + len;
	return p + FCOMMIT_TAG_HDR;
}

static void put_head(void)
{
	area_len = 0;
	memset(area_bytes, 0, BLOCK_SIZE);
	le32_put(put_tag(FCOMMIT_HEAD, 8) + 4, TID);
}

/* The last tag goes to the end of its block. */
static void put_tail(void)
{
	uint8_t *val = put_tag(FCOMMIT_TAIL, BLOCK_SIZE - area_len - FCOMMIT_TAG_HDR);

	le32_put(val, TID);
	le32_put(val + 4, crc32c(0, area_bytes, (size_t)(val + 4 - area_bytes)));
}

static void put_name(unsigned type, uint32_t parent, uint32_t ino, const char *name)
{
	uint8_t *val = put_tag(type, 8 + strlen(name));

	le32_put(val, parent);
	le32_put(val + 4, ino);
	memcpy(val + 8, name, strlen(name));
}

static void put_inode(uint32_t ino, unsigned mode, unsigned nlink, uint32_t size)
{
	uint8_t *val = put_tag(FCOMMIT_INODE, 4 + TAG_INODE_LEN);

	le32_put(val, ino);
	val += 4;
	memset(val, 0, TAG_INODE_LEN);
	le16_put(val, (uint16_t)mode);
	le16_put(val + 0x1A, (uint16_t)nlink);
	le32_put(val + 4, size);
	le32_put(val + 0x20, EXT4_EXTENTS_FL);
	le16_put(val + 0x80, 32);
}

static void put_range(uint32_t ino, uint32_t lblk, uint32_t nr, uint32_t pblk)
{
	uint8_t *val = put_tag(pblk ? FCOMMIT_ADD_RANGE : FCOMMIT_DEL_RANGE, pblk ? 16 : 12);

	le32_put(val, ino);
	le32_put(val + 4, lblk);
	if (!pblk) {
		le32_put(val + 8, nr);
		return;
	}
	le16_put(val + 8, (uint16_t)nr);
	le16_put(val + 10, 0);
	le32_put(val + 12, pblk);
}

/* Where blocks of the journal lie: its superblock, and the first of the fast commits. */
static void find_journal(uint64_t *ret_super, uint64_t *ret_area, uint8_t raw[JBD2_SUPER_SIZE])
{
	struct fs *fs = open_image("image", true);
	struct mount_journal journal;
	struct jbd2_super js;
	const char *why;
	uint64_t nr;

	assert_int_equal(mount_journal_open(fs, &journal), 0);
	assert_int_equal(journal.source.map(journal.source.arg, 0, ret_super, &nr), 0);
	assert_int_equal(blk_read(fs->blk, *ret_super * BLOCK_SIZE, raw, JBD2_SUPER_SIZE), 0);
	be32_put(raw + JSB_SEQUENCE, TID);
	be32_put(raw + JSB_START, 1);
	be32_put(raw + JSB_INCOMPAT, be32_get(raw + JSB_INCOMPAT) | JSB_FAST_COMMIT);
	assert_int_equal(jbd2_super_decode(raw, BLOCK_SIZE, journal.source.blocks, &js, &why), 0);
	assert_true(js.fc_nr > 0);
	assert_int_equal(journal.source.map(journal.source.arg, js.fc_first, ret_area, &nr), 0);
	mount_journal_fini(&journal);
	assert_int_equal(fs_close(fs), 0);
}

/* ./image: directory "dir" with files of FILE_BLOCKS blocks, and the fast commits that were put. */
static void make(const char *args)
{
	uint8_t raw[JBD2_SUPER_SIZE];
	uint64_t super, area;
	int fd;

	NEED_TOOLS(fixture.tools);
	if (sh("rm -rf image src; mkdir -p src/dir && head -c %u /dev/zero | tr '\\0' x >data && "
	       "truncate -s 32M image && "
	       "mke2fs -q -F -t ext4 -b %u -N 128 -O fast_commit %s -d src image && "
	       "debugfs -w -R 'write data dir/kept' image && "
	       "debugfs -w -R 'write data dir/gone' image && "
	       "debugfs -w -R 'feature needs_recovery' image", FILE_BLOCKS * BLOCK_SIZE, BLOCK_SIZE,
		    args))
		fail_msg("mke2fs %s", args);
	find_journal(&super, &area, raw);
	fd = open("image", O_WRONLY);
	assert_int_equal(pwrite(fd, raw, sizeof(raw), (off_t)(super * BLOCK_SIZE)), sizeof(raw));
	assert_int_equal(pwrite(fd, area_bytes, BLOCK_SIZE, (off_t)(area * BLOCK_SIZE)), BLOCK_SIZE);
	close(fd);
}

/* Of everything something. */
static void put_changes(void)
{
	put_head();
	put_range(NEW_INO, 0, 5, FREE_BLOCK);
	put_range(NEW_INO, 16, 16, FREE_BLOCK + 16);
	put_inode(NEW_INO, S_IFREG | 0644, 1, 32 * BLOCK_SIZE);
	put_name(FCOMMIT_CREAT, DIR_INO, NEW_INO, "new");
	put_inode(NEW_INO, S_IFREG | 0644, 2, 32 * BLOCK_SIZE);
	put_name(FCOMMIT_LINK, EXT2_ROOT_INO, NEW_INO, "link");
	put_inode(NEW_INO, S_IFREG | 0644, 2, 32 * BLOCK_SIZE);
	put_name(FCOMMIT_UNLINK, DIR_INO, GONE_INO, "gone");
	put_inode(NEW_DIR_INO, S_IFDIR | 0755, 2, BLOCK_SIZE);
	put_name(FCOMMIT_CREAT, EXT2_ROOT_INO, NEW_DIR_INO, "newdir");
	put_inode(INNER_INO, S_IFREG | 0600, 1, 0);
	put_name(FCOMMIT_CREAT, NEW_DIR_INO, INNER_INO, "inner");
	put_inode(INNER_INO, S_IFREG | 0600, 1, 0);
	put_range(KEPT_INO, 16, FILE_BLOCKS - 16, 0);
	put_inode(KEPT_INO, S_IFREG | 0640, 1, 16 * BLOCK_SIZE);
	put_tail();
}

static void assert_name(struct fs *fs, uint32_t parent, const char *name, uint32_t want)
{
	struct inode *dir;
	uint32_t ino = 0;
	int err;

	assert_int_equal(inode_get(fs, parent, &dir), 0);
	err = dir_lookup(dir, name, strlen(name), &ino);
	assert_int_equal(err, want ? 0 : -ENOENT);
	assert_int_equal(ino, want);
	inode_put(dir);
}

static void assert_run(struct fs *fs, uint32_t ino, uint64_t lblk, enum run_kind kind, uint64_t pblk)
{
	struct inode *inode;
	struct run run;

	assert_int_equal(inode_get(fs, ino, &inode), 0);
	assert_int_equal(map_lookup(inode, lblk, &run), 0);
	assert_int_equal(run.kind, kind);
	if (pblk)
		assert_int_equal(run.pblk, pblk);
	inode_put(inode);
}

/* Whether all of put_changes() is there, without a look into the journal. */
static void assert_changes(const char *path)
{
	struct fs *fs = open_image(path, true);
	struct dinode d;

	assert_name(fs, DIR_INO, "new", NEW_INO);
	assert_name(fs, EXT2_ROOT_INO, "link", NEW_INO);
	assert_name(fs, DIR_INO, "gone", 0);
	assert_name(fs, EXT2_ROOT_INO, "newdir", NEW_DIR_INO);
	assert_name(fs, NEW_DIR_INO, "inner", INNER_INO);
	assert_name(fs, NEW_DIR_INO, "..", EXT2_ROOT_INO);
	assert_run(fs, NEW_INO, 0, RUN_DATA, FREE_BLOCK);
	assert_run(fs, NEW_INO, 5, RUN_HOLE, 0);
	assert_run(fs, NEW_INO, 31, RUN_DATA, FREE_BLOCK + 31);
	assert_run(fs, KEPT_INO, 15, RUN_DATA, 0);
	assert_run(fs, KEPT_INO, 16, RUN_HOLE, 0);
	assert_int_equal(dinode_load(fs, NEW_INO, &d), 0);
	assert_int_equal(d.nlink, 2);
	assert_int_equal(dinode_load(fs, KEPT_INO, &d), 0);
	assert_int_equal(d.mode, S_IFREG | 0640);
	assert_int_equal(dinode_load(fs, EXT2_ROOT_INO, &d), 0);
	assert_int_equal(d.nlink, 5); /* lost+found, dir, newdir */
	assert_int_equal(dinode_load(fs, GONE_INO, &d), -ESTALE);
	assert_int_equal(fs_close(fs), 0);
}

/* ---- tests ---- */

static const char *const features[] = { "", "-O ^metadata_csum,^64bit,uninit_bg",
	"-O bigalloc -C 65536", "-O ^flex_bg,^dir_index", "-O inline_data", "-J size=4" };

static void test_all_at_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		put_changes();
		make(features[i]);
		assert_int_equal(try_image("image", UINT32_MAX), 0);
		judge("image");
		assert_changes("image");
		/* they are not there to be replayed once more */
		assert_int_equal(try_image("image", UINT32_MAX), 0);
		judge("image");
		assert_changes("image");
	}
}

/* The power fails after each number of writes; nothing is lost, whoever comes next. */
static void test_cut(void **state)
{
	unsigned writes = 0;
	int err = -EIO;

	(void)state;
	put_changes();
	make("");
	for (; err && writes < 1000; writes++) {
		assert_int_equal(sh("cp image cut"), 0);
		err = try_image("cut", writes);
		assert_int_equal(try_image("cut", UINT32_MAX), 0);
		judge("cut");
		assert_changes("cut");
	}
	assert_int_equal(err, 0);
	assert_true(writes > 5);
}

/* Nothing is written where fast commits make no sense. */
static void test_refused(void **state)
{
	(void)state;
	put_head();
	put_name(FCOMMIT_CREAT, DIR_INO, NEW_INO, "new");
	put_tail();
	make("");
	assert_int_equal(sh("cp image before"), 0);
	assert_int_equal(try_image("image", UINT32_MAX), -EUCLEAN);
	assert_int_equal(sh("cmp image before"), 0);
}

/* A file with more extents than its inode holds; and back. */
static void test_deep(void **state)
{
	struct fs *fs;

	(void)state;
	put_head();
	for (uint32_t i = 0; i < 60; i++)
		put_range(NEW_INO, 2 * i, 1, FREE_BLOCK + 3 * i);
	put_inode(NEW_INO, S_IFREG | 0644, 1, 120 * BLOCK_SIZE);
	put_name(FCOMMIT_CREAT, DIR_INO, NEW_INO, "new");
	put_tail();
	make("");
	assert_int_equal(try_image("image", UINT32_MAX), 0);
	judge("image");
	fs = open_image("image", true);
	for (uint32_t i = 0; i < 60; i++)
		assert_run(fs, NEW_INO, 2 * i, RUN_DATA, FREE_BLOCK + 3 * i);
	assert_int_equal(fs_close(fs), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_at_once),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_deep),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
