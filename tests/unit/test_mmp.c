// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Multiple mount protection: several opens of one image that mke2fs makes, as if from several hosts. Its
 * seconds are short here.
 */
#include "config.h"

#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "format/le.h"
#include "format/mmp.h"
#include "fs/fs.h"

#define BLOCK 1024u /* bytes, of the images here */
#define SECOND_MS 40u

#define SEQ_OFFSET 4 /* of the number in the block */

static void make(const char *args)
{
	NEED_TOOLS(fixture.tools);
	if (sh("rm -f image; truncate -s 4M image && mke2fs -q -F -b 1024 -t ext4 -O mmp "
	       "-E mmp_update_interval=1 %s image", args))
		fail_msg("mke2fs %s", args);
}

static int try_open(const char *path, struct fs **ret)
{
	struct fs_options opts = {
		.writable = true, .device = "image", .mmp_second_ms = SECOND_MS };
	int fd = open(path, O_RDWR);
	struct blk *blk;

	assert_true(fd >= 0);
	assert_int_equal(blk_file_new(fd, true, &blk), 0);
	return fs_open(blk, &opts, &fixture.log, ret);
}

static struct fs *open_image(void)
{
	struct fs *fs;

	assert_int_equal(try_open("image", &fs), 0);
	assert_true(fs_is_writable(fs));
	return fs;
}

static uint64_t mmp_offset(void)
{
	struct fs_options opts = { 0 };
	int fd = open("image", O_RDONLY);
	struct blk *blk;
	struct fs *fs;
	uint64_t off;

	assert_int_equal(blk_file_new(fd, false, &blk), 0);
	assert_int_equal(fs_open(blk, &opts, &fixture.log, &fs), 0);
	off = fs_super(fs)->mmp_block * BLOCK;
	assert_int_equal(fs_close(fs), 0);
	return off;
}

static void read_block(const char *path, uint64_t off, uint8_t raw[MMP_SIZE], struct mmp *ret)
{
	int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, raw, MMP_SIZE, (off_t)off), MMP_SIZE);
	close(fd);
	assert_int_equal(mmp_decode(raw, ret), 0);
}

/* Writes bytes into the block, with a fresh checksum if seal. */
static void poke(uint64_t off, unsigned at, const void *bytes, size_t len, bool seal)
{
	uint8_t raw[MMP_SIZE];
	int fd = open("image", O_RDWR);

	assert_int_equal(pread(fd, raw, sizeof(raw), (off_t)off), sizeof(raw));
	memcpy(raw + at, bytes, len);
	if (seal) {
		struct fs_options opts = { 0 };
		struct blk *blk;
		struct fs *fs;

		assert_int_equal(blk_file_new(dup(fd), false, &blk), 0);
		assert_int_equal(fs_open(blk, &opts, &fixture.log, &fs), 0);
		mmp_csum_set(raw, fs_super(fs)->csum_seed);
		assert_int_equal(fs_close(fs), 0);
	}
	assert_int_equal(pwrite(fd, raw, sizeof(raw), (off_t)off), sizeof(raw));
	close(fd);
}

static void sleep_seconds(unsigned seconds)
{
	struct timespec ts = { .tv_sec = seconds * SECOND_MS / 1000,
		.tv_nsec = seconds * SECOND_MS % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

static void judge(const char *path)
{
	if (sh("e2fsck -fn %s", path))
		fail_msg("e2fsck complains");
}

/* ---- tests ---- */

static void test_format(void **state)
{
	struct mmp mmp = { .seq = 7, .time = 0x123456789A, .check_interval = 10 }, back;
	uint8_t raw[MMP_SIZE];

	(void)state;
	memset(raw, 0xAA, sizeof(raw));
	assert_int_equal(mmp_decode(raw, &back), -EUCLEAN);
	memset(mmp.node, 'n', 64);
	strcpy(mmp.device, "sda1");
	mmp_encode(&mmp, raw);
	assert_int_equal(raw[120], 0xAA);
	assert_int_equal(mmp_decode(raw, &back), 0);
	assert_int_equal(back.state, MMP_IN_USE);
	assert_int_equal(back.seq, 7);
	assert_int_equal(back.time, 0x123456789A);
	assert_int_equal(back.check_interval, 10);
	assert_string_equal(back.node, mmp.node);
	assert_string_equal(back.device, "sda1");
	mmp_csum_set(raw, 99);
	assert_true(mmp_csum_valid(raw, 99));
	assert_false(mmp_csum_valid(raw, 98));
	mmp.seq = MMP_SEQ_CLEAN;
	mmp_encode(&mmp, raw);
	assert_int_equal(mmp_decode(raw, &back), 0);
	assert_int_equal(back.state, MMP_CLEAN);
	mmp.seq = MMP_SEQ_FSCK;
	mmp_encode(&mmp, raw);
	assert_int_equal(mmp_decode(raw, &back), 0);
	assert_int_equal(back.state, MMP_FSCK);
}

static const char *const features[] = { "", "-O ^metadata_csum", "-O ^has_journal",
	"-O ^metadata_csum,^64bit,uninit_bg" };

/* Opened and closed, the number moves meanwhile. */
static void test_life(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
		uint8_t raw[MMP_SIZE];
		struct mmp first, later;
		struct fs *fs;
		uint64_t off;

		make(features[i]);
		off = mmp_offset();
		fs = open_image();
		read_block("image", off, raw, &first);
		assert_int_equal(first.state, MMP_IN_USE);
		assert_string_equal(first.device, "image");
		assert_int_equal(first.check_interval, 5);
		for (unsigned turn = 0; turn < 100; turn++) {
			sleep_seconds(2);
			read_block("image", off, raw, &later);
			if (later.seq != first.seq)
				break;
		}
		assert_int_not_equal(later.seq, first.seq);
		assert_int_equal(later.state, MMP_IN_USE);
		assert_int_equal(fs_close(fs), 0);
		read_block("image", off, raw, &later);
		assert_int_equal(later.state, MMP_CLEAN);
		judge("image");
	}
}

static void test_second_is_refused(void **state)
{
	struct fs *fs, *other;

	(void)state;
	make("");
	fs = open_image();
	assert_int_equal(try_open("image", &other), -EBUSY);
	assert_true(fs_is_writable(fs));
	assert_int_equal(fs_close(fs), 0);
	fs = open_image();
	assert_int_equal(fs_close(fs), 0);
	judge("image");
}

/* A copy of an image in use is what a crash leaves. */
static void test_stale_is_taken_over(void **state)
{
	uint8_t raw[MMP_SIZE];
	struct fs *fs, *other;
	struct mmp mmp;
	uint64_t off;

	(void)state;
	make("");
	off = mmp_offset();
	fs = open_image();
	assert_int_equal(sh("cp image copy"), 0);
	assert_int_equal(fs_close(fs), 0);
	read_block("copy", off, raw, &mmp);
	assert_int_equal(mmp.state, MMP_IN_USE);
	assert_int_equal(try_open("copy", &other), 0);
	assert_int_equal(fs_close(other), 0);
	read_block("copy", off, raw, &mmp);
	assert_int_equal(mmp.state, MMP_CLEAN);
	judge("copy");
}

static void test_refused_writes_nothing(void **state)
{
	uint8_t seq[4];
	struct fs *fs;
	uint64_t off;

	(void)state;
	make("");
	off = mmp_offset();
	le32_put(seq, MMP_SEQ_FSCK);
	poke(off, SEQ_OFFSET, seq, 4, true);
	assert_int_equal(sh("cp image copy"), 0);
	assert_int_equal(try_open("image", &fs), -EBUSY);
	assert_int_equal(sh("cmp image copy"), 0);
	poke(off, SEQ_OFFSET, "\1", 1, false);
	assert_int_equal(sh("cp image copy"), 0);
	assert_int_equal(try_open("image", &fs), -EBADMSG);
	assert_int_equal(sh("cmp image copy"), 0);
	poke(off, 0, "?", 1, true);
	assert_int_equal(sh("cp image copy"), 0);
	assert_int_equal(try_open("image", &fs), -EUCLEAN);
	assert_int_equal(sh("cmp image copy"), 0);
}

/* Somebody writes to the block behind our back: we stop, and leave it theirs. */
static void test_lost(void **state)
{
	uint8_t raw[MMP_SIZE], seq[4];
	struct mmp mmp;
	struct fs *fs;
	uint64_t off;

	(void)state;
	make("");
	off = mmp_offset();
	fs = open_image();
	le32_put(seq, 12345);
	for (unsigned turn = 0; fs_is_writable(fs) && turn < 100; turn++) {
		poke(off, SEQ_OFFSET, seq, 4, true);
		sleep_seconds(2);
	}
	assert_false(fs_is_writable(fs));
	assert_int_equal(sh("cp image copy"), 0);
	assert_int_not_equal(fs_close(fs), 0);
	assert_int_equal(sh("cmp image copy"), 0);
	read_block("image", off, raw, &mmp);
	assert_int_equal(mmp.seq, 12345);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_second_is_refused),
		cmocka_unit_test(test_stale_is_taken_over),
		cmocka_unit_test(test_refused_writes_nothing),
		cmocka_unit_test(test_lost),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
