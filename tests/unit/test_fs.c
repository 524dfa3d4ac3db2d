// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading small images that mke2fs and debugfs make here; without them everything is skipped. */
#include "config.h"

#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/le.h"
#include "fs/dir.h"
#include "fs/file.h"
#include "fs/symlink.h"
#include "fs/fs.h"
#include "fs/inode.h"
#include "fs/map.h"

#define BLOCK 1024u /* bytes, of most images here */

/* ---- images ---- */

/* Makes ./image; args are mke2fs's. */
static void make(const char *size, const char *args)
{
	NEED_TOOLS(fixture.tools);
	if (sh("rm -f image; truncate -s %s image && "
	       "mke2fs -q -F -b 1024 -m 0 -N 64 -t ext4 %s image", size, args))
		fail_msg("mke2fs %s", args);
}

/* debugfs commands, one per line. */
static void edit(const char *commands)
{
	FILE *file = fopen("commands", "w");

	assert_non_null(file);
	fputs(commands, file);
	fclose(file);
	assert_int_equal(sh("debugfs -w -f commands image"), 0);
}

static void poke(uint64_t off, const void *bytes, size_t len)
{
	int fd = open("image", O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, (off_t)off), len);
	close(fd);
}

static int try_open(size_t cache_bytes, struct fs **ret)
{
	struct fs_options opts = { .cache_bytes = cache_bytes };
	int fd = open("image", O_RDONLY);
	struct blk *blk;

	assert_true(fd >= 0);
	assert_int_equal(blk_file_new(fd, false, &blk), 0);
	return fs_open(blk, &opts, &fixture.log, ret);
}

static struct fs *open_image(void)
{
	struct fs *fs;

	assert_int_equal(try_open(0, &fs), 0);
	return fs;
}

static struct inode *get(struct fs *fs, uint32_t ino)
{
	struct inode *inode;

	assert_int_equal(inode_get(fs, ino, &inode), 0);
	return inode;
}

/* The inode of a path without slashes at its ends. */
static struct inode *find(struct fs *fs, const char *path)
{
	struct inode *inode = get(fs, EXT2_ROOT_INO);

	while (*path) {
		size_t len = strcspn(path, "/");
		uint32_t ino;

		if (dir_lookup(inode, path, len, &ino))
			fail_msg("%s is not there", path);
		inode_put(inode);
		inode = get(fs, ino);
		path += len + (path[len] == '/');
	}
	return inode;
}

/* ---- opening ---- */

static void test_open_refused(void **state)
{
	static const struct {
		const char *how; /* a shell command that spoils ./image */
		int err;
	} cases[] = {
		{ "true", 0 },
		{ "truncate -s 100 image", -EINVAL },
		{ "truncate -s 0 image", -EINVAL },
		{ "truncate -s 100k image", -EINVAL },
		{ "printf x | dd of=image bs=1 seek=1080 conv=notrunc", -EINVAL },
		{ "printf x | dd of=image bs=1 seek=1150 conv=notrunc", -EBADMSG },
		{ "printf '\\377' | dd of=image bs=1 seek=1048 conv=notrunc", -EUCLEAN },
		{ "debugfs -w -R 'ssv feature_incompat 0x3c3' image", -EOPNOTSUPP },
		{ "debugfs -w -R 'ssv inodes_count 65' image", -EUCLEAN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fs *fs;
		int err;

		make("256k", "-O ^has_journal");
		assert_int_equal(sh("%s", cases[i].how), 0);
		err = try_open(0, &fs);
		if (err != cases[i].err)
			fail_msg("%s: %d", cases[i].how, err);
		if (!err)
			fs_close(fs);
	}
}

/* What is said then is for people: libext2fs's codes have their texts. */
static void test_open_message(void **state)
{
	char text[512];
	int saved = dup(STDERR_FILENO);
	FILE *file = tmpfile();
	struct fs *fs;
	size_t len;

	(void)state;
	make("256k", "-O ^has_journal");
	poke(1024 + 126, "x", 1);
	dup2(fileno(file), STDERR_FILENO);
	assert_int_equal(try_open(0, &fs), -EBADMSG);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	fclose(file);
	assert_non_null(strstr(text, "checksum"));
	assert_null(strstr(text, "nknown"));
}

static void test_inode_numbers(void **state)
{
	struct inode *inode;
	struct dinode d;
	struct fs *fs;

	(void)state;
	make("256k", "-O ^has_journal");
	fs = open_image();
	assert_int_equal(dinode_load(fs, 0, &d), -ESTALE);
	assert_int_equal(dinode_load(fs, 65, &d), -ESTALE);
	assert_int_equal(dinode_load(fs, UINT32_MAX, &d), -ESTALE);
	assert_int_equal(dinode_load(fs, 40, &d), -ESTALE); /* not in use */
	assert_int_equal(dinode_load(fs, 7, &d), -EUCLEAN); /* the resize inode */
	assert_int_equal(dinode_load_special(fs, 7, &d), 0);
	assert_int_equal(dinode_load(fs, 2, &d), 0);
	assert_true(S_ISDIR(d.mode));
	/* the same answers where the inode is held by someone who may */
	assert_int_equal(inode_get_special(fs, 7, &inode), 0);
	assert_int_equal(inode_get(fs, 7, &inode), -EUCLEAN);
	inode_put(inode);
	assert_int_equal(inode_get(fs, 40, &inode), -ESTALE);
	fs_close(fs);
}

/* ---- maps ---- */

/* Expected runs, in order; what lies between them is a hole. */
struct expected {
	uint64_t lblk, nr, pblk;
	enum run_kind kind;
};

static void assert_mapped(
	struct inode *inode, uint64_t lblk, const struct expected *want, size_t nr)
{
	enum run_kind kind = RUN_HOLE;
	uint64_t pblk = 0, end = UINT64_MAX;
	struct run run;

	for (size_t i = 0; i < nr; i++) {
		if (lblk >= want[i].lblk && lblk < want[i].lblk + want[i].nr) {
			kind = want[i].kind;
			pblk = want[i].pblk + (lblk - want[i].lblk);
			end = want[i].lblk + want[i].nr;
		} else if (lblk < want[i].lblk && want[i].lblk < end) {
			end = want[i].lblk;
		}
	}
	assert_int_equal(map_lookup(inode, lblk, &run), 0);
	assert_int_equal(run.lblk, lblk);
	if (run.kind != kind || run.pblk != pblk || !run.nr || run.nr > end - lblk)
		fail_msg("file block %llu: %d %llu %llu", (unsigned long long)lblk, run.kind,
			(unsigned long long)run.pblk, (unsigned long long)run.nr);
}

/* The words of i_block as debugfs's set_inode_field takes them. */
static void set_i_block(const char *name, const uint32_t words[15])
{
	static const char *const last[] = { "IND", "DIND", "TIND" };
	char commands[2048];
	int len = 0;

	for (unsigned i = 0; i < 12; i++)
		len += snprintf(commands + len, sizeof(commands) - (size_t)len,
			"sif %s block[%u] 0x%x\n", name, i, words[i]);
	for (unsigned i = 0; i < 3; i++)
		len += snprintf(commands + len, sizeof(commands) - (size_t)len,
			"sif %s block[%s] 0x%x\n", name, last[i], words[12 + i]);
	edit(commands);
}

static void make_empty_file(const char *args)
{
	make("1m", args);
	edit("write /dev/null f\nsif f size 0x7fffffffffff\n");
}

/* Extents that continue each other become one run; unwritten and written ones do not mix. */
static void test_map_merges(void **state)
{
	static const uint32_t words[15] = {
		0x0004F30A, 4, 0,
		0, 2, 100,
		2, 3, 102,
		5, 32768 + 2, 105,
		7, 1, 107,
	};
	static const struct expected want[] = {
		{ 0, 5, 100, RUN_DATA },
		{ 5, 2, 105, RUN_UNWRITTEN },
		{ 7, 1, 107, RUN_DATA },
	};
	struct inode *inode;
	struct run run;
	struct fs *fs;

	(void)state;
	make_empty_file("-O ^has_journal");
	set_i_block("f", words);
	fs = open_image();
	inode = find(fs, "f");
	for (int round = 0; round < 2; round++)
		for (uint64_t lblk = 10; lblk--;)
			assert_mapped(inode, lblk, want, ARRAY_SIZE(want));
	assert_int_equal(map_lookup(inode, 0, &run), 0);
	assert_int_equal(run.nr, 5);
	assert_int_equal(map_lookup(inode, 3, &run), 0);
	assert_int_equal(run.nr, 2);
	/* behind the last one a hole that reaches beyond all blocks */
	assert_int_equal(map_lookup(inode, 8, &run), 0);
	assert_int_equal(run.kind, RUN_HOLE);
	assert_true(8 + run.nr >= (uint64_t)1 << 32);
	assert_int_equal(map_lookup(inode, (uint64_t)1 << 40, &run), 0);
	assert_int_equal(run.kind, RUN_HOLE);
	inode_put(inode);
	fs_close(fs);
}

static void test_map_damage(void **state)
{
	static const struct {
		const char *what;
		uint32_t words[15];
	} cases[] = {
		{ "no magic", { 0x00010000, 4, 0, 0, 1, 100 } },
		{ "zeros", { 0 } },
		{ "beyond the end", { 0x0001F30A, 4, 0, 0, 1, 1024 } },
		{ "reaches over the end", { 0x0001F30A, 4, 0, 0, 30, 1000 } },
		{ "high bits", { 0x0001F30A, 4, 0, 0, 0x00010001, 100 } },
		{ "the superblock", { 0x0001F30A, 4, 0, 0, 1, 1 } },
		{ "block 0", { 0x0001F30A, 4, 0, 0, 1, 0 } },
		{ "length 0", { 0x0001F30A, 4, 0, 0, 0, 100 } },
		{ "overlap", { 0x0002F30A, 4, 0, 0, 5, 100, 4, 1, 110 } },
		{ "out of order", { 0x0002F30A, 4, 0, 6, 1, 100, 0, 1, 110 } },
		{ "too many", { 0x0005F30A, 4, 0, 0, 1, 100, 1, 1, 110 } },
		{ "too deep", { 0x0001F30A, 0x00060004, 0, 0, 200, 0 } },
		{ "an index without entries", { 0x0000F30A, 0x00010004, 0, 0, 200, 0 } },
		{ "an index to data", { 0x0001F30A, 0x00010004, 0, 0, 200, 0 } },
		{ "an index beyond the end", { 0x0001F30A, 0x00010004, 0, 0, 5000, 0 } },
		{ "an index with high bits", { 0x0001F30A, 0x00010004, 0, 0, 200, 1 } },
	};

	(void)state;
	make_empty_file("-O ^has_journal,^metadata_csum");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct inode *inode;
		struct run run;
		char byte;
		struct fs *fs;

		set_i_block("f", cases[i].words);
		fs = open_image();
		inode = find(fs, "f");
		if (map_lookup(inode, 0, &run) != -EUCLEAN)
			fail_msg("%s", cases[i].what);
		assert_int_equal(file_read(inode, 0, &byte, 1), -EUCLEAN);
		assert_int_equal(file_seek(inode, 0, SEEK_DATA), -EUCLEAN);
		inode_put(inode);
		fs_close(fs);
	}
}

/* A tree whose blocks point at themselves, or hold what the index above them does not cover. */
static void test_map_crooked_tree(void **state)
{
	static const uint32_t root[15] = { 0x0002F30A, 0x00010004, 0, 0, 900, 0, 100, 901, 0 };
	static const uint8_t loop[] = { 0x0A, 0xF3, 1, 0, 84, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x84,
		0x03, 0, 0, 0, 0, 0, 0 };
	static const uint8_t leaf[] = { 0x0A, 0xF3, 2, 0, 84, 0, 0, 0, 0, 0, 0, 0,
		100, 0, 0, 0, 1, 0, 0, 0, 200, 0, 0, 0,
		120, 0, 0, 0, 1, 0, 0, 0, 210, 0, 0, 0 };
	static const struct expected want[] = {
		{ 100, 1, 200, RUN_DATA }, { 120, 1, 210, RUN_DATA },
	};
	struct inode *inode;
	struct run run;
	struct fs *fs;

	(void)state;
	make_empty_file("-O ^has_journal,^metadata_csum");
	set_i_block("f", root);
	poke(900 * BLOCK, loop, sizeof(loop));
	poke(901 * BLOCK, leaf, sizeof(leaf));
	fs = open_image();
	inode = find(fs, "f");
	assert_int_equal(map_lookup(inode, 0, &run), -EUCLEAN);
	/* the other branch is not harmed by that */
	for (uint64_t lblk = 100; lblk < 130; lblk++)
		assert_mapped(inode, lblk, want, ARRAY_SIZE(want));
	inode_put(inode);
	fs_close(fs);
	/* the first branch now leads to the second one's leaf */
	poke(900 * BLOCK, leaf, sizeof(leaf));
	fs = open_image();
	inode = find(fs, "f");
	assert_int_equal(map_lookup(inode, 0, &run), -EUCLEAN);
	assert_int_equal(map_lookup(inode, 110, &run), 0);
	inode_put(inode);
	fs_close(fs);
}

#define DEEP_BLOCKS 800

/* A tree of two levels: every other block of the file is there, unwritten. */
static void make_deep(void)
{
	FILE *file;

	make("2m", "-O ^has_journal,^resize_inode");
	file = fopen("commands", "w");
	assert_non_null(file);
	fprintf(file, "write /dev/null f\nfallocate f 0 %u\nsif f size %u\n", DEEP_BLOCKS - 1,
		DEEP_BLOCKS * BLOCK);
	for (unsigned i = 1; i < DEEP_BLOCKS; i += 2)
		fprintf(file, "punch f %u %u\n", i, i);
	fclose(file);
	assert_int_equal(sh("debugfs -w -f commands image"), 0);
	assert_int_equal(sh("e2fsck -fn image"), 0);
}

static bool deep_ok(struct inode *inode, uint64_t lblk)
{
	enum run_kind want = lblk < DEEP_BLOCKS && lblk % 2 == 0 ? RUN_UNWRITTEN : RUN_HOLE;
	struct run run;

	if (map_lookup(inode, lblk, &run))
		return false;
	return run.lblk == lblk && run.kind == want && (lblk >= DEEP_BLOCKS - 1 || run.nr == 1) &&
		!run.pblk == (want == RUN_HOLE);
}

static void test_map_deep(void **state)
{
	static const uint32_t strides[] = { 1, 7, 797 };
	struct inode *inode;
	struct run first, again;
	struct fs *fs;

	(void)state;
	make_deep();
	for (size_t i = 0; i < ARRAY_SIZE(strides); i++) {
		fs = open_image();
		inode = find(fs, "f");
		assert_true(inode->d.block[6] > 0); /* the depth */
		for (uint32_t n = 0; n < DEEP_BLOCKS + 20; n++)
			assert_true(deep_ok(inode, (uint64_t)n * strides[i] % (DEEP_BLOCKS + 20)));
		assert_int_equal(map_lookup(inode, 400, &first), 0);
		assert_int_equal(map_lookup(inode, 400, &again), 0);
		assert_int_equal(first.pblk, again.pblk);
		inode_put(inode);
		fs_close(fs);
	}
}

struct mapper {
	struct fs *fs;
	uint32_t ino;
	uint32_t rng;
	bool failed;
};

static void *map_around(void *arg)
{
	struct mapper *mapper = arg;

	for (int i = 0; i < 100; i++) {
		struct inode *inode;

		if (inode_get(mapper->fs, mapper->ino, &inode)) {
			mapper->failed = true;
			break;
		}
		for (int j = 0; j < 30; j++) {
			mapper->rng = mapper->rng * 1664525 + 1013904223;
			if (!deep_ok(inode, (mapper->rng >> 8) % (DEEP_BLOCKS + 10)))
				mapper->failed = true;
		}
		inode_put(inode);
	}
	return NULL;
}

/* Threads that ask for the same leaves at once; with a budget so small that maps are dropped. */
static void test_map_concurrent(void **state)
{
	static const size_t budgets[] = { 0, 1 };
	struct mapper mappers[4];
	pthread_t threads[4];
	struct inode *inode;
	struct fs *fs;

	(void)state;
	make_deep();
	for (size_t i = 0; i < ARRAY_SIZE(budgets); i++) {
		assert_int_equal(try_open(budgets[i], &fs), 0);
		inode = find(fs, "f");
		for (unsigned t = 0; t < 4; t++) {
			mappers[t] = (struct mapper){ .fs = fs, .ino = inode->ino, .rng = t };
			assert_int_equal(
				pthread_create(&threads[t], NULL, map_around, &mappers[t]), 0);
		}
		inode_put(inode);
		for (unsigned t = 0; t < 4; t++) {
			assert_int_equal(pthread_join(threads[t], NULL), 0);
			assert_false(mappers[t].failed);
		}
		fs_close(fs);
	}
}

/* Indirect maps: the blocks from 900 on hold pointers. 256 fit a block. */
static const uint32_t indirect_words[15] = { 50, 51, 0, 53, [11] = 61, [12] = 900, [13] = 901,
	[14] = 902 };

static const struct {
	uint32_t block, index, pointer;
} pointers[] = {
	{ 900, 0, 70 },		/* file block 12 */
	{ 900, 1, 71 },
	{ 900, 255, 80 },	/* 267 */
	{ 901, 0, 903 },
	{ 903, 0, 81 },		/* 268 */
	{ 903, 255, 82 },	/* 523 */
	{ 901, 2, 904 },
	{ 904, 0, 83 },		/* 780 */
	{ 901, 255, 905 },
	{ 905, 255, 84 },	/* 65803 */
	{ 902, 0, 906 },
	{ 906, 0, 907 },
	{ 907, 0, 85 },		/* 65804 */
	{ 907, 1, 86 },
	{ 902, 255, 908 },
	{ 908, 255, 909 },
	{ 909, 255, 87 },	/* 16843019, the last there can be */
};

static const struct expected indirect_runs[] = {
	{ 0, 2, 50, RUN_DATA },
	{ 3, 1, 53, RUN_DATA },
	{ 11, 1, 61, RUN_DATA },
	{ 12, 2, 70, RUN_DATA },
	{ 267, 2, 80, RUN_DATA }, /* in two blocks of pointers */
	{ 523, 1, 82, RUN_DATA },
	{ 780, 1, 83, RUN_DATA },
	{ 65803, 3, 84, RUN_DATA }, /* so are these */
	{ 16843019, 1, 87, RUN_DATA },
};

static void put_pointer(uint32_t block, uint32_t index, uint32_t pointer)
{
	uint8_t word[4];

	le32_put(word, pointer);
	poke((uint64_t)block * BLOCK + (uint64_t)index * 4, word, sizeof(word));
}

static void make_indirect(void)
{
	make_empty_file("-O ^has_journal,^extent,^metadata_csum,^64bit");
	set_i_block("f", indirect_words);
	for (size_t i = 0; i < ARRAY_SIZE(pointers); i++)
		put_pointer(pointers[i].block, pointers[i].index, pointers[i].pointer);
}

static void test_map_indirect(void **state)
{
	static const uint64_t lblks[] = { 0, 1, 2, 3, 4, 10, 11, 12, 13, 14, 266, 267, 268, 269, 522,
		523, 524, 779, 780, 781, 65802, 65803, 65804, 65805, 65806, 66060, 131340,
		16843018, 16843019, 16843020, 16843021, (uint64_t)1 << 32, (uint64_t)1 << 50 };
	struct inode *inode;
	struct run run;
	struct fs *fs;

	(void)state;
	make_indirect();
	fs = open_image();
	inode = find(fs, "f");
	for (int round = 0; round < 2; round++)
		for (size_t i = ARRAY_SIZE(lblks); i--;)
			assert_mapped(inode, lblks[i], indirect_runs, ARRAY_SIZE(indirect_runs));
	/* a missing block of pointers is one hole */
	assert_int_equal(map_lookup(inode, 524, &run), 0);
	assert_int_equal(run.nr, 256);
	assert_int_equal(map_lookup(inode, 65804 + 65536 + 5, &run), 0);
	assert_int_equal(run.nr, 65536 - 5);
	inode_put(inode);
	fs_close(fs);
}

static void test_map_indirect_damage(void **state)
{
	struct inode *inode;
	struct run run;
	struct fs *fs;

	(void)state;
	make_indirect();
	put_pointer(900, 7, 1024);	 /* data beyond the end */
	put_pointer(901, 2, 0xFFFFFFFF); /* a block of pointers */
	put_pointer(906, 0, 1);		 /* the superblock */
	fs = open_image();
	inode = find(fs, "f");
	assert_int_equal(map_lookup(inode, 0, &run), 0);
	assert_int_equal(map_lookup(inode, 12, &run), -EUCLEAN);
	assert_int_equal(map_lookup(inode, 268, &run), 0);
	assert_int_equal(map_lookup(inode, 780, &run), -EUCLEAN);
	assert_int_equal(map_lookup(inode, 65804, &run), -EUCLEAN);
	assert_int_equal(map_lookup(inode, 16843019, &run), 0);
	inode_put(inode);
	fs_close(fs);
}

/* ---- contents ---- */

#define SPARSE_SIZE 70000

static uint8_t sparse_byte(uint64_t off)
{
	uint64_t lblk = off / BLOCK;

	if (lblk == 0 || lblk == 5 || lblk == 6 || lblk == 40 || lblk == 68)
		return (uint8_t)('A' + off % 23);
	return 0;
}

/* Files of a few sizes for mke2fs -d, the largest with holes. */
static void make_tree(const char *args)
{
	static const unsigned sizes[] = { 0, 1, 59, 60, 61, 100, 1023, 1024, 1025, 5000 };
	char name[32];

	sh("rm -rf tree; mkdir tree");
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		FILE *file;

		snprintf(name, sizeof(name), "tree/s%u", sizes[i]);
		file = fopen(name, "w");
		assert_non_null(file);
		for (unsigned at = 0; at < sizes[i]; at++)
			fputc('a' + (int)(at % 26), file);
		fclose(file);
	}
	int fd = open("tree/sparse", O_CREAT | O_WRONLY, 0600);

	assert_int_equal(ftruncate(fd, SPARSE_SIZE), 0);
	for (uint64_t off = 0; off < SPARSE_SIZE; off++) {
		uint8_t byte = sparse_byte(off);

		if (byte)
			assert_int_equal(pwrite(fd, &byte, 1, (off_t)off), 1);
	}
	close(fd);
	sh("ln -s target tree/link; mkfifo tree/fifo");
	make("1m", args);
	assert_int_equal(sh("rm image; truncate -s 1m image; mke2fs -q -F -b 1024 -m 0 -N 64 "
			    "-t ext4 %s -d tree image", args), 0);
}

static void check_small_files(struct fs *fs)
{
	static const char *const names[] = { "s0", "s1", "s59", "s60", "s61", "s100", "s1023",
		"s1024", "s1025", "s5000" };
	uint8_t buf[6000];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct inode *inode = find(fs, names[i]);
		size_t size = (size_t)atoi(names[i] + 1);

		assert_int_equal(inode->d.size, size);
		for (size_t off = 0; off < size + 3; off += 1 + off / 4) {
			size_t left = off < size ? size - off : 0;

			memset(buf, '#', sizeof(buf));
			assert_int_equal(file_read(inode, off, buf, sizeof(buf)), left);
			for (size_t at = 0; at < left; at++)
				assert_int_equal(buf[at], 'a' + (off + at) % 26);
			assert_int_equal(buf[left], '#');
		}
		assert_int_equal(file_read(inode, 0, buf, 0), 0);
		assert_int_equal(file_read(inode, UINT64_MAX, buf, 10), 0);
		inode_put(inode);
	}
}

static void check_sparse(struct fs *fs)
{
	static const size_t lens[] = { 1, 100, BLOCK, BLOCK + 1, SPARSE_SIZE };
	struct inode *inode = find(fs, "sparse");
	static uint8_t buf[SPARSE_SIZE + 10];

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++)
		for (uint64_t off = 0; off < SPARSE_SIZE; off += 1 + lens[i] * 3 / 4 + off % 511) {
			size_t want = SPARSE_SIZE - off < lens[i] ? SPARSE_SIZE - off : lens[i];

			memset(buf, '#', want + 1);
			assert_int_equal(file_read(inode, off, buf, lens[i]), want);
			for (size_t at = 0; at < want; at++)
				assert_int_equal(buf[at], sparse_byte(off + at));
			assert_int_equal(buf[want], '#');
		}
	inode_put(inode);
}

static const char *const tree_variants[] = { "-O ^has_journal",
	"-O ^has_journal,^extent,^64bit,^metadata_csum", "-O ^has_journal,inline_data",
	"-O ^has_journal,bigalloc -C 4096" };

static void test_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tree_variants); i++) {
		struct inode *inode;
		struct fs *fs;
		char c;

		make_tree(tree_variants[i]);
		fs = open_image();
		check_small_files(fs);
		check_sparse(fs);
		inode = find(fs, "");
		assert_int_equal(file_read(inode, 0, &c, 1), -EISDIR);
		inode_put(inode);
		inode = find(fs, "fifo");
		assert_int_equal(file_read(inode, 0, &c, 1), -EINVAL);
		assert_int_equal(file_seek(inode, 0, SEEK_DATA), -EINVAL);
		inode_put(inode);
		fs_close(fs);
	}
}

static void test_read_encrypted(void **state)
{
	struct inode *inode;
	struct fs *fs;
	char c;

	(void)state;
	make_tree("-O ^has_journal,encrypt");
	edit("sif s5000 flags 0x80800\n");
	fs = open_image();
	inode = find(fs, "s5000");
	assert_int_equal(file_read(inode, 0, &c, 1), -ENOKEY);
	inode_put(inode);
	fs_close(fs);
}

/* What SEEK_DATA or SEEK_HOLE must say by sparse_byte(), block by block. */
static off_t expected_seek(off_t off, bool data)
{
	off_t at = off;

	while (at < SPARSE_SIZE && (sparse_byte((uint64_t)at) != 0) != data)
		at = (at / BLOCK + 1) * BLOCK;
	if (at < SPARSE_SIZE)
		return at;
	return data ? -ENXIO : SPARSE_SIZE;
}

static void test_seek(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct inode *inode;
		struct fs *fs;

		make_tree(tree_variants[i]);
		fs = open_image();
		inode = find(fs, "sparse");
		for (off_t off = 0; off < SPARSE_SIZE; off += 211) {
			assert_int_equal(file_seek(inode, off, SEEK_DATA),
				expected_seek(off, true));
			assert_int_equal(file_seek(inode, off, SEEK_HOLE),
				expected_seek(off, false));
		}
		assert_int_equal(file_seek(inode, SPARSE_SIZE, SEEK_DATA), -ENXIO);
		assert_int_equal(file_seek(inode, SPARSE_SIZE, SEEK_HOLE), -ENXIO);
		assert_int_equal(file_seek(inode, -1, SEEK_HOLE), -ENXIO);
		assert_int_equal(file_seek(inode, INT64_MAX, SEEK_DATA), -ENXIO);
		assert_int_equal(file_seek(inode, 0, SEEK_SET), -EINVAL);
		inode_put(inode);
		inode = find(fs, "s0");
		assert_int_equal(file_seek(inode, 0, SEEK_HOLE), -ENXIO);
		inode_put(inode);
		inode = find(fs, "s5000");
		assert_int_equal(file_seek(inode, 0, SEEK_HOLE), 5000);
		assert_int_equal(file_seek(inode, 4999, SEEK_DATA), 4999);
		inode_put(inode);
		fs_close(fs);
	}
}

/* Inline contents are data to the end; an unwritten extent is a hole. */
static void test_seek_special(void **state)
{
	struct inode *inode;
	struct fs *fs;

	(void)state;
	make_tree("-O ^has_journal,inline_data");
	fs = open_image();
	inode = find(fs, "s59");
	assert_true(inode->d.flags & EXT4_INLINE_DATA_FL);
	assert_int_equal(file_seek(inode, 10, SEEK_DATA), 10);
	assert_int_equal(file_seek(inode, 10, SEEK_HOLE), 59);
	inode_put(inode);
	fs_close(fs);
	make_deep();
	fs = open_image();
	inode = find(fs, "f");
	assert_int_equal(file_seek(inode, 0, SEEK_DATA), -ENXIO);
	assert_int_equal(file_seek(inode, 10, SEEK_HOLE), 10);
	inode_put(inode);
	fs_close(fs);
}

static void test_symlinks(void **state)
{
	char target[SYMLINK_MAX], slow[200];
	struct inode *inode;
	struct fs *fs;

	(void)state;
	memset(slow, 's', sizeof(slow));
	make("256k", "-O ^has_journal");
	sh("debugfs -w -R 'symlink /slow %.*s' image", (int)sizeof(slow), slow);
	edit("symlink fast target\nsymlink cut target\nsymlink long target\nsymlink none target\n"
	     "sif cut block[0] 0x00616161\nsif long size 60\nsif none size 0\n");
	fs = open_image();
	inode = find(fs, "fast");
	assert_int_equal(symlink_read(inode, target), 0);
	assert_string_equal(target, "target");
	inode_put(inode);
	inode = find(fs, "slow");
	assert_int_equal(symlink_read(inode, target), 0);
	assert_int_equal(strlen(target), sizeof(slow));
	inode_put(inode);
	inode = find(fs, "cut");
	assert_int_equal(symlink_read(inode, target), -EUCLEAN);
	inode_put(inode);
	inode = find(fs, "long");
	assert_int_equal(symlink_read(inode, target), -EUCLEAN);
	inode_put(inode);
	inode = find(fs, "none");
	assert_int_equal(symlink_read(inode, target), -EUCLEAN);
	inode_put(inode);
	inode = find(fs, "");
	assert_int_equal(symlink_read(inode, target), -EINVAL);
	inode_put(inode);
	fs_close(fs);
}

/* ---- directories ---- */

#define MAX_NAMES 800

struct listing {
	struct {
		char name[DIR_NAME_MAX + 1];
		uint32_t ino;
		unsigned char dtype;
		uint64_t next;
	} at[MAX_NAMES];
	size_t nr, stop; /* stop: names after which it has had enough */
};

static bool list_one(void *arg, const struct dir_entry *entry)
{
	struct listing *l = arg;

	if (l->nr == l->stop)
		return false;
	assert_true(entry->len <= DIR_NAME_MAX);
	memcpy(l->at[l->nr].name, entry->name, entry->len);
	l->at[l->nr].name[entry->len] = '\0';
	l->at[l->nr].ino = entry->ino;
	l->at[l->nr].dtype = entry->dtype;
	l->at[l->nr].next = entry->next;
	l->nr++;
	return true;
}

static struct listing *list_from(struct inode *dir, uint64_t pos, size_t stop, int want)
{
	struct listing *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	l->stop = stop;
	assert_int_equal(dir_iterate(dir, pos, list_one, l), want);
	return l;
}

/* Reading on from any entry gives the rest; looking a name up gives its inode. */
static void check_dir(struct inode *dir, size_t expected)
{
	struct listing *all = list_from(dir, 0, MAX_NAMES, 0);
	bool taken = false;
	uint32_t ino;
	size_t len;

	assert_int_equal(all->nr, expected);
	for (size_t i = 0; i < all->nr; i++) {
		const char *name = all->at[i].name;
		size_t left = all->nr - i - 1, step = left < 2 ? left : 2;
		struct listing *rest;

		if (dir_lookup(dir, name, strlen(name), &ino))
			fail_msg("%s is not found", name);
		assert_int_equal(ino, all->at[i].ino);
		rest = list_from(dir, all->at[i].next, step, 0);
		assert_int_equal(rest->nr, step);
		for (size_t j = 0; j < step; j++)
			assert_string_equal(rest->at[j].name, all->at[i + 1 + j].name);
		free(rest);
	}
	assert_int_equal(dir_lookup(dir, "not there", 9, &ino), -ENOENT);
	assert_int_equal(dir_lookup(dir, "", 0, &ino), -ENOENT);
	/* the beginning of a name is not the name, though it may be another's */
	len = strlen(all->at[2].name) - 1;
	for (size_t i = 0; i < all->nr; i++)
		taken = taken || (strlen(all->at[i].name) == len &&
					 !memcmp(all->at[i].name, all->at[2].name, len));
	assert_int_equal(dir_lookup(dir, all->at[2].name, len, &ino), taken ? 0 : -ENOENT);
	free(all);
}

/* A directory of many names in the source tree of mke2fs -d. */
static void make_names(unsigned nr, unsigned len)
{
	char name[DIR_NAME_MAX + 32];

	sh("rm -rf tree; mkdir tree; touch tree/file");
	for (unsigned i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), "tree/%0*u", (int)(len ? len : 1 + i % 200), i);
		assert_int_equal(link("tree/file", name), 0);
	}
}

static void make_dir(unsigned nr, unsigned len, const char *args, bool index)
{
	make("1m", args);
	make_names(nr, len);
	assert_int_equal(sh("rm image; truncate -s 1m image; mke2fs -q -F -b 1024 -m 0 -N 64 "
			    "-t ext4 %s -d tree image", args), 0);
	if (index)
		assert_true(sh("e2fsck -fyD image") >> 8 <= 1);
}

static void test_directories(void **state)
{
	static const struct {
		unsigned nr, len;
		const char *args;
		bool index;
		unsigned levels; /* of nodes below the root */
	} cases[] = {
		{ 0, 0, "-O ^has_journal", false, 0 },
		{ 300, 0, "-O ^has_journal", false, 0 },
		{ 300, 0, "-O ^has_journal,^filetype", false, 0 },
		{ 300, 0, "-O ^has_journal,^dir_index,^metadata_csum", false, 0 },
		{ 300, 0, "-O ^has_journal", true, 0 },
		{ 300, 0, "-O ^has_journal,^metadata_csum", true, 0 },
		{ 600, 240, "-O ^has_journal", true, 1 },
		{ 600, 240, "-O ^has_journal,large_dir", true, 1 },
		{ 300, 0, "-O ^has_journal,inline_data", true, 0 },
		{ 0, 0, "-O ^has_journal,casefold -E encoding=utf8", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct inode *root;
		struct fs *fs;

		make_dir(cases[i].nr, cases[i].len, cases[i].args, cases[i].index);
		fs = open_image();
		root = find(fs, "");
		assert_int_equal(!!(root->d.flags & EXT2_INDEX_FL), cases[i].index);
		check_dir(root, cases[i].nr + 4); /* ".", "..", "lost+found", "file" */
		inode_put(root);
		fs_close(fs);
	}
}

static void test_lookup_edges(void **state)
{
	static const char long_name[DIR_NAME_MAX + 1] = "x";
	struct inode *dir;
	uint32_t ino;
	struct fs *fs;

	(void)state;
	make_tree("-O ^has_journal");
	fs = open_image();
	dir = find(fs, "");
	assert_int_equal(dir_lookup(dir, ".", 1, &ino), 0);
	assert_int_equal(ino, 2);
	assert_int_equal(dir_lookup(dir, "..", 2, &ino), 0);
	assert_int_equal(ino, 2);
	assert_int_equal(dir_lookup(dir, "...", 3, &ino), -ENOENT);
	assert_int_equal(dir_lookup(dir, long_name, DIR_NAME_MAX, &ino), -ENOENT);
	assert_int_equal(dir_lookup(dir, long_name, DIR_NAME_MAX + 1, &ino), -ENAMETOOLONG);
	inode_put(dir);
	dir = find(fs, "s5000");
	assert_int_equal(dir_lookup(dir, "x", 1, &ino), -ENOTDIR);
	assert_int_equal(dir_iterate(dir, 0, list_one, NULL), -ENOTDIR);
	inode_put(dir);
	fs_close(fs);
}

static uint64_t dir_block(struct fs *fs, uint64_t lblk)
{
	struct inode *root = find(fs, "");
	struct run run;

	assert_int_equal(map_lookup(root, lblk, &run), 0);
	assert_int_equal(run.kind, RUN_DATA);
	inode_put(root);
	return run.pblk;
}

/*
 * A damaged block: the names in it are gone, all others stay, and the end of the list says so. The
 * position carries that from one call to the next.
 */
static void check_damaged(int err, size_t whole)
{
	struct fs *fs = open_image();
	struct inode *root = find(fs, "");
	struct listing *all = list_from(root, 0, MAX_NAMES, 0), *rest;
	uint32_t ino;

	assert_in_range(all->nr, 10, whole - 1);
	for (size_t i = 0; i < all->nr; i++)
		assert_int_equal(
			dir_lookup(root, all->at[i].name, strlen(all->at[i].name), &ino), 0);
	rest = list_from(root, all->at[all->nr - 1].next, MAX_NAMES, err);
	assert_int_equal(rest->nr, 0);
	free(rest);
	/* what is not found may have been in there */
	assert_int_equal(dir_lookup(root, "not there", 9, &ino), err);
	free(all);
	inode_put(root);
	fs_close(fs);
}

static void test_damaged_directory(void **state)
{
	struct fs *fs;
	uint64_t pblk;

	(void)state;
	make_dir(300, 0, "-O ^has_journal", false);
	fs = open_image();
	pblk = dir_block(fs, 3);
	fs_close(fs);
	poke(pblk * BLOCK + 500, "damage", 6);
	check_damaged(-EBADMSG, 304);

	make_dir(300, 0, "-O ^has_journal,^metadata_csum", false);
	fs = open_image();
	pblk = dir_block(fs, 3);
	fs_close(fs);
	poke(pblk * BLOCK + 4, "\1\0", 2);
	check_damaged(-EUCLEAN, 304);
}

/* A damaged index: everything is found all the same. */
static void test_damaged_index(void **state)
{
	static const struct {
		unsigned off;
		uint8_t value;
	} cases[] = {
		{ 28, 99 },   /* hash version */
		{ 30, 7 },    /* depth */
		{ 32, 1 },    /* limit */
		{ 34, 0 },    /* count */
		{ 36, 200 },  /* the first leaf's number */
		{ 36, 0 },    /* the root as its own leaf */
		{ 44, 1 },    /* a leaf taken twice */
	};
	struct fs *fs;
	uint64_t pblk;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct inode *root;

		make_dir(300, 0, "-O ^has_journal,^metadata_csum", true);
		fs = open_image();
		pblk = dir_block(fs, 0);
		fs_close(fs);
		poke(pblk * BLOCK + cases[i].off, &cases[i].value, 1);
		fs = open_image();
		root = find(fs, "");
		if (cases[i].off != 44) {
			check_dir(root, 304);
		} else { /* sound in form: names of the leaf left out cannot be found */
			struct listing *all = list_from(root, 0, MAX_NAMES, 0);

			assert_int_equal(all->nr, 304);
			free(all);
		}
		inode_put(root);
		fs_close(fs);
	}
}

/* An inline directory whose parent is no inode: ".." is left out, the rest is there. */
static void test_inline_parent(void **state)
{
	static const char *const values[] = { "0", "65", "0xffffffff" };
	char command[64];
	uint32_t ino;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		struct listing *all, *rest;
		struct inode *dir;
		struct fs *fs;

		make("256k", "-O ^has_journal,inline_data");
		edit("mkdir d\ncd d\nwrite /dev/null name\n");
		snprintf(command, sizeof(command), "sif d block[0] %s\n", values[i]);
		edit(command);
		fs = open_image();
		dir = find(fs, "d");
		assert_true(dir->d.flags & EXT4_INLINE_DATA_FL);
		assert_int_equal(dir_lookup(dir, "..", 2, &ino), -EUCLEAN);
		assert_int_equal(dir_lookup(dir, ".", 1, &ino), 0);
		assert_int_equal(dir_lookup(dir, "name", 4, &ino), 0);
		all = list_from(dir, 0, MAX_NAMES, 0);
		assert_int_equal(all->nr, 2);
		assert_string_equal(all->at[1].name, "name");
		rest = list_from(dir, all->at[1].next, MAX_NAMES, -EUCLEAN);
		free(rest);
		free(all);
		inode_put(dir);
		fs_close(fs);
	}
}

/* Positions nobody gave out: no name twice, none made up, an end. */
static void test_odd_positions(void **state)
{
	static const uint64_t far[] = { 1u << 20, UINT32_MAX, (uint64_t)1 << 40, INT64_MAX,
		UINT64_MAX };
	struct inode *root;
	struct fs *fs;

	(void)state;
	make_dir(100, 0, "-O ^has_journal", false);
	fs = open_image();
	root = find(fs, "");
	for (uint64_t pos = 0; pos < 4096; pos += 3) {
		struct listing *l = list_from(root, pos, MAX_NAMES, 0);

		assert_true(l->nr <= 104);
		for (size_t i = 1; i < l->nr; i++)
			assert_true(l->at[i].next > l->at[i - 1].next);
		free(l);
	}
	for (size_t i = 0; i < ARRAY_SIZE(far); i++) {
		struct listing l = { .stop = 0 };

		(void)!dir_iterate(root, far[i], list_one, &l);
		assert_int_equal(l.nr, 0);
	}
	inode_put(root);
	fs_close(fs);
}

/* ---- statfs ---- */

static void test_statfs(void **state)
{
	struct statvfs st, again;
	struct fs *fs;

	(void)state;
	make("4m", "-O ^has_journal -g 1024");
	fs = open_image();
	assert_int_equal(fs_statfs(fs, &st), 0);
	assert_int_equal(st.f_bsize, BLOCK);
	assert_int_equal(st.f_files, 64);
	assert_int_equal(st.f_ffree, 64 - 11);
	assert_true(st.f_blocks < 4096 && st.f_bfree <= st.f_blocks && st.f_bavail <= st.f_bfree);
	assert_int_equal(fs_statfs(fs, &again), 0);
	assert_memory_equal(&st, &again, sizeof(st));
	fs_close(fs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_refused),
		cmocka_unit_test(test_open_message),
		cmocka_unit_test(test_inode_numbers),
		cmocka_unit_test(test_map_merges),
		cmocka_unit_test(test_map_damage),
		cmocka_unit_test(test_map_crooked_tree),
		cmocka_unit_test(test_map_deep),
		cmocka_unit_test(test_map_concurrent),
		cmocka_unit_test(test_map_indirect),
		cmocka_unit_test(test_map_indirect_damage),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_encrypted),
		cmocka_unit_test(test_seek),
		cmocka_unit_test(test_seek_special),
		cmocka_unit_test(test_symlinks),
		cmocka_unit_test(test_directories),
		cmocka_unit_test(test_lookup_edges),
		cmocka_unit_test(test_damaged_directory),
		cmocka_unit_test(test_damaged_index),
		cmocka_unit_test(test_inline_parent),
		cmocka_unit_test(test_odd_positions),
		cmocka_unit_test(test_statfs),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
