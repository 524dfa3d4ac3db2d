// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fast-commit replay over a small filesystem made by libext2fs, which holds a directory and a file
 * of FILE_BLOCKS blocks. The fast commits are made here; what comes out is read back through the
 * functions that answer FUSE.
 */
#include "config.h"

#include <errno.h>
#include <ext2fs/ext2fs.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "format/le.h"
#include "fs/dir.h"
#include "fs/fcr.h"
#include "fs/fs_i.h"
#include "fs/icache.h"
#include "fs/map.h"
#include "journal/recover_fc.h"
#include "util/crc32c.h"

#define BLOCK_SIZE 1024
#define FS_BLOCKS 2048
#define INODES 64
#define INODE_SIZE 256
#define TAG_INODE_LEN 160 /* what the kernel writes for such inodes: i_extra_isize is 32 */
#define FILE_BLOCKS 30
#define FILE_INO 13 /* "file" in DIR_INO */
#define DIR_INO 12  /* "dir" in the root */
#define NEW_INO 20
#define TID 7
#define AREA_SIZE 65536

/* Offsets of struct ext4_inode. */
enum {
	O_MODE = 0x00,
	O_SIZE = 0x04,
	O_LINKS = 0x1A,
	O_FLAGS = 0x20,
	O_BLOCK = 0x28,
	O_GEN = 0x64,
	O_ISIZE = 0x80,
};

struct env {
	char path[32]; /* the image; unlinked at once */
	struct log log;
	struct fs *fs;
	uint8_t *area; /* AREA_SIZE bytes of fast commits */
	size_t len;    /* bytes of it in use */
	size_t from;   /* where the commit being written began */
};

/* ---- the image ---- */

static void make_file(ext2_filsys e2)
{
	static const char data[BLOCK_SIZE] = "contents";
	struct ext2_inode inode = { .i_mode = S_IFREG | 0644, .i_links_count = 1,
		.i_flags = EXT4_EXTENTS_FL };
	ext2_file_t file;

	assert_int_equal(ext2fs_write_new_inode(e2, FILE_INO, &inode), 0);
	ext2fs_inode_alloc_stats2(e2, FILE_INO, 1, 0);
	assert_int_equal(ext2fs_link(e2, DIR_INO, "file", FILE_INO, EXT2_FT_REG_FILE), 0);
	assert_int_equal(ext2fs_file_open(e2, FILE_INO, EXT2_FILE_WRITE, &file), 0);
	for (int i = 0; i < FILE_BLOCKS; i++)
		assert_int_equal(ext2fs_file_write(file, data, sizeof(data), NULL), 0);
	assert_int_equal(ext2fs_file_close(file), 0);
}

static void make_image(const char *path)
{
	struct ext2_super_block param = { .s_blocks_count = FS_BLOCKS, .s_inodes_count = INODES,
		.s_rev_level = 1, .s_inode_size = INODE_SIZE };
	ext2_filsys e2;

	param.s_feature_incompat = EXT2_FEATURE_INCOMPAT_FILETYPE | EXT3_FEATURE_INCOMPAT_EXTENTS;
	assert_int_equal(ext2fs_initialize(path, EXT2_FLAG_64BITS, &param, unix_io_manager, &e2),
		0);
	assert_int_equal(ext2fs_allocate_tables(e2), 0);
	/* otherwise inode tables are whatever the file held: zeros */
	for (ext2_ino_t ino = 1; ino < EXT2_GOOD_OLD_FIRST_INO; ino++)
		ext2fs_inode_alloc_stats2(e2, ino, 1, 0);
	assert_int_equal(ext2fs_mkdir(e2, EXT2_ROOT_INO, EXT2_ROOT_INO, NULL), 0);
	assert_int_equal(ext2fs_mkdir(e2, EXT2_ROOT_INO, 11, "lost+found"), 0);
	assert_int_equal(ext2fs_mkdir(e2, EXT2_ROOT_INO, DIR_INO, "dir"), 0);
	make_file(e2);
	assert_int_equal(ext2fs_close_free(&e2), 0);
}

static int setup(void **state)
{
	const struct fs_options opts = { .norecovery = true };
	struct env *env = calloc(1, sizeof(*env));
	struct blk *blk;
	int fd;

	assert_non_null(env);
	env->area = calloc(1, AREA_SIZE);
	assert_non_null(env->area);
	log_init(&env->log, "test_fcr", LOG_LEVEL_ERROR);
	strcpy(env->path, "test_fcr.XXXXXX");
	fd = mkstemp(env->path);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)FS_BLOCKS * BLOCK_SIZE), 0);
	make_image(env->path);
	unlink(env->path);
	assert_int_equal(blk_file_new(fd, false, &blk), 0);
	assert_int_equal(fs_open(blk, &opts, &env->log, &env->fs), 0);
	*state = env;
	return 0;
}

static int teardown(void **state)
{
	struct env *env = *state;

	fs_close(env->fs);
	free(env->area);
	free(env);
	return 0;
}

/* ---- fast commits ---- */

static uint8_t *put_tag(struct env *env, unsigned type, size_t len)
{
	uint8_t *p = env->area + env->len;

	assert_true(env->len + FCOMMIT_TAG_HDR + len <= AREA_SIZE);
	le16_put(p, (uint16_t)type);
	le16_put(p + 2, (uint16_t)len);
	env->len += FCOMMIT_TAG_HDR + len;
	return p + FCOMMIT_TAG_HDR;
}

static void put_head(struct env *env)
{
	uint8_t *val;

	env->len = env->from = 0;
	memset(env->area, 0, AREA_SIZE);
	val = put_tag(env, FCOMMIT_HEAD, 8);
	le32_put(val + 4, TID);
}

static void put_tail(struct env *env)
{
	uint8_t *val = put_tag(env, FCOMMIT_TAIL, 8);
	size_t summed = (size_t)(val + 4 - env->area) - env->from;

	le32_put(val, TID);
	le32_put(val + 4, crc32c(0, env->area + env->from, summed));
	env->from = env->len;
}

static void put_name(struct env *env, unsigned type, uint32_t parent, uint32_t ino,
	const char *name)
{
	uint8_t *val = put_tag(env, type, 8 + strlen(name));

	le32_put(val, parent);
	le32_put(val + 4, ino);
	memcpy(val + 8, name, strlen(name));
}

/* Returns the inode's bytes for further changes. */
static uint8_t *put_inode(struct env *env, uint32_t ino, unsigned mode, unsigned nlink,
	uint32_t size)
{
	uint8_t *val = put_tag(env, FCOMMIT_INODE, 4 + TAG_INODE_LEN);

	le32_put(val, ino);
	val += 4;
	le16_put(val + O_MODE, (uint16_t)mode);
	le16_put(val + O_LINKS, (uint16_t)nlink);
	le32_put(val + O_SIZE, size);
	le32_put(val + O_FLAGS, EXT4_EXTENTS_FL);
	le32_put(val + O_GEN, 0x1234 + ino);
	le16_put(val + O_ISIZE, 32);
	return val;
}

static void put_range(struct env *env, uint32_t ino, const struct run *run)
{
	bool add = run->kind != RUN_HOLE;
	uint8_t *val = put_tag(env, add ? FCOMMIT_ADD_RANGE : FCOMMIT_DEL_RANGE, add ? 16 : 12);

	le32_put(val, ino);
	le32_put(val + 4, (uint32_t)run->lblk);
	if (!add) {
		le32_put(val + 8, (uint32_t)run->nr);
		return;
	}
	le16_put(val + 8, (uint16_t)(run->nr + (run->kind == RUN_UNWRITTEN ? 32768 : 0)));
	le16_put(val + 10, (uint16_t)(run->pblk >> 32));
	le32_put(val + 12, (uint32_t)run->pblk);
}

static int identity(void *arg, uint64_t jblk, uint64_t *ret_pblk, uint64_t *ret_nr)
{
	(void)arg;
	*ret_pblk = jblk;
	*ret_nr = 1;
	return 0;
}

static int replay(struct env *env)
{
	CLEANUP(blk_closep) struct blk *blk = NULL;
	struct recover_source src = { .block_size = AREA_SIZE, .blocks = 1, .map = identity,
		.log = &env->log };
	struct recover_result result = { .fc_nr = 1, .fc_tid = TID };

	assert_int_equal(blk_mem_new(env->area, AREA_SIZE, &blk), 0);
	src.blk = blk;
	/* as at mount: nobody has an inode yet */
	icache_free(env->fs->icache);
	assert_int_equal(icache_new(1000, &env->fs->icache), 0);
	return fcr_replay(env->fs, &src, &result, &env->fs->fcr);
}

/* ---- looking ---- */

static void assert_name(struct env *env, uint32_t parent, const char *name, uint32_t want)
{
	struct inode *dir;
	uint32_t ino = 0;
	int err;

	assert_int_equal(inode_get(env->fs, parent, &dir), 0);
	err = dir_lookup(dir, name, strlen(name), &ino);
	assert_int_equal(err, want ? 0 : -ENOENT);
	if (want)
		assert_int_equal(ino, want);
	inode_put(dir);
}

static struct dinode look(struct env *env, uint32_t ino)
{
	struct dinode d;

	assert_int_equal(dinode_load(env->fs, ino, &d), 0);
	return d;
}

static struct run map_at(struct env *env, uint32_t ino, uint64_t lblk)
{
	struct inode *inode;
	struct run run;

	assert_int_equal(inode_get(env->fs, ino, &inode), 0);
	assert_int_equal(map_lookup(inode, lblk, &run), 0);
	inode_put(inode);
	return run;
}

struct listing {
	char text[256]; /* " name" for each */
};

static bool add_to_listing(void *arg, const struct dir_entry *entry)
{
	struct listing *listing = arg;
	size_t have = strlen(listing->text);

	assert_true(have + entry->len + 2 < sizeof(listing->text));
	listing->text[have] = ' ';
	memcpy(listing->text + have + 1, entry->name, entry->len);
	return true;
}

static void assert_listing(struct env *env, uint32_t ino, const char *want)
{
	struct listing listing = { 0 };
	struct inode *dir;

	assert_int_equal(inode_get(env->fs, ino, &dir), 0);
	assert_int_equal(dir_iterate(dir, 0, add_to_listing, &listing), 0);
	inode_put(dir);
	assert_string_equal(listing.text, want);
}

/* ---- tests ---- */

static void test_none(void **state)
{
	struct env *env = *state;

	assert_int_equal(replay(env), 0);
	assert_null(env->fs->fcr);
}

static void test_create(void **state)
{
	const struct run run = { .lblk = 1, .nr = 2, .pblk = 1000, .kind = RUN_DATA };
	struct env *env = *state;
	struct dinode d;

	put_head(env);
	put_inode(env, NEW_INO, S_IFREG | 0600, 1, 3000);
	put_range(env, NEW_INO, &run);
	put_name(env, FCOMMIT_CREAT, DIR_INO, NEW_INO, "new");
	put_inode(env, NEW_INO, S_IFREG | 0600, 1, 3000);
	put_tail(env);
	assert_int_equal(replay(env), 0);
	assert_name(env, DIR_INO, "new", NEW_INO);
	assert_name(env, DIR_INO, "file", FILE_INO);
	assert_listing(env, DIR_INO, " . .. file new");
	d = look(env, NEW_INO);
	assert_int_equal(d.mode, S_IFREG | 0600);
	assert_int_equal(d.size, 3000);
	assert_int_equal(d.nlink, 1);
	assert_int_equal(d.blocks, 2 * BLOCK_SIZE / 512);
	assert_int_equal(map_at(env, NEW_INO, 0).kind, RUN_HOLE);
	assert_int_equal(map_at(env, NEW_INO, 2).pblk, 1001);
	assert_int_equal(map_at(env, NEW_INO, 3).kind, RUN_HOLE);
	d = look(env, DIR_INO);
	assert_true(d.mtime.tv_sec > 1000 && d.mtime.tv_sec == d.ctime.tv_sec);
}

/* Only the last whole commit counts. */
static void test_unfinished(void **state)
{
	struct env *env = *state;

	put_head(env);
	put_name(env, FCOMMIT_LINK, DIR_INO, FILE_INO, "link");
	put_tail(env);
	put_name(env, FCOMMIT_LINK, DIR_INO, FILE_INO, "link2");
	assert_int_equal(replay(env), 0);
	assert_name(env, DIR_INO, "link", FILE_INO);
	assert_name(env, DIR_INO, "link2", 0);
	assert_int_equal(look(env, FILE_INO).nlink, 2);
}

static void test_rename(void **state)
{
	struct env *env = *state;

	put_head(env);
	put_name(env, FCOMMIT_LINK, EXT2_ROOT_INO, FILE_INO, "moved");
	put_name(env, FCOMMIT_UNLINK, DIR_INO, FILE_INO, "file");
	put_tail(env);
	put_name(env, FCOMMIT_LINK, DIR_INO, FILE_INO, "again");
	/* not these: one is not that inode's, the other is there */
	put_name(env, FCOMMIT_UNLINK, DIR_INO, NEW_INO, "again");
	put_name(env, FCOMMIT_LINK, DIR_INO, FILE_INO, "again");
	put_tail(env);
	assert_int_equal(replay(env), 0);
	assert_name(env, EXT2_ROOT_INO, "moved", FILE_INO);
	assert_name(env, DIR_INO, "file", 0);
	assert_name(env, DIR_INO, "again", FILE_INO);
	assert_listing(env, DIR_INO, " . .. again");
	assert_int_equal(look(env, FILE_INO).nlink, 2);
	assert_int_equal(map_at(env, FILE_INO, 0).kind, RUN_DATA);
}

/* A number freed and used again has nothing of the old file. */
static void test_reuse(void **state)
{
	struct env *env = *state;
	struct dinode d;

	put_head(env);
	put_name(env, FCOMMIT_UNLINK, DIR_INO, FILE_INO, "file");
	put_tail(env);
	assert_int_equal(replay(env), 0);
	assert_int_equal(dinode_load(env->fs, FILE_INO, &d), -ESTALE);
	fcr_free(env->fs->fcr);
	put_inode(env, FILE_INO, S_IFREG | 0644, 1, 100);
	put_name(env, FCOMMIT_CREAT, EXT2_ROOT_INO, FILE_INO, "other");
	put_tail(env);
	assert_int_equal(replay(env), 0);
	assert_name(env, EXT2_ROOT_INO, "other", FILE_INO);
	assert_int_equal(map_at(env, FILE_INO, 0).kind, RUN_HOLE);
	assert_int_equal(look(env, FILE_INO).blocks, 0);
}

static void test_directory(void **state)
{
	struct env *env = *state;
	struct dinode d;

	put_head(env);
	put_inode(env, NEW_INO, S_IFDIR | 0755, 3, 0);
	put_name(env, FCOMMIT_CREAT, DIR_INO, NEW_INO, "sub");
	put_inode(env, NEW_INO + 1, S_IFDIR | 0700, 2, BLOCK_SIZE);
	put_name(env, FCOMMIT_CREAT, NEW_INO, NEW_INO + 1, "subsub");
	put_name(env, FCOMMIT_LINK, NEW_INO, FILE_INO, "link");
	put_tail(env);
	assert_int_equal(replay(env), 0);
	assert_name(env, DIR_INO, "sub", NEW_INO);
	assert_name(env, NEW_INO, ".", NEW_INO);
	assert_name(env, NEW_INO, "..", DIR_INO);
	assert_name(env, NEW_INO, "link", FILE_INO);
	assert_name(env, NEW_INO, "file", 0);
	assert_listing(env, NEW_INO, " . .. subsub link");
	assert_listing(env, NEW_INO + 1, " . ..");
	d = look(env, NEW_INO);
	assert_int_equal(d.nlink, 1);
	assert_int_equal(d.size, BLOCK_SIZE);
	assert_int_equal(d.blocks, 0);
}

/* mkdir, rmdir and mkdir again, which takes the same number. */
static void test_directory_again(void **state)
{
	struct env *env = *state;

	put_head(env);
	put_inode(env, NEW_INO, S_IFDIR | 0755, 2, BLOCK_SIZE);
	put_name(env, FCOMMIT_CREAT, DIR_INO, NEW_INO, "sub");
	put_name(env, FCOMMIT_LINK, NEW_INO, FILE_INO, "link");
	put_name(env, FCOMMIT_UNLINK, NEW_INO, FILE_INO, "link");
	put_name(env, FCOMMIT_UNLINK, DIR_INO, NEW_INO, "sub");
	put_tail(env);
	put_inode(env, NEW_INO, S_IFDIR | 0755, 2, BLOCK_SIZE);
	put_name(env, FCOMMIT_CREAT, EXT2_ROOT_INO, NEW_INO, "top");
	put_tail(env);
	assert_int_equal(replay(env), 0);
	assert_name(env, DIR_INO, "sub", 0);
	assert_name(env, EXT2_ROOT_INO, "top", NEW_INO);
	assert_listing(env, NEW_INO, " . ..");
	assert_name(env, NEW_INO, "..", EXT2_ROOT_INO);
}

/* An inode's tag says nothing of i_block nor of what is behind its end. */
static void test_inode(void **state)
{
	struct env *env = *state;
	const uint8_t *raw;
	uint8_t *tag;
	uint64_t pblk = map_at(env, FILE_INO, 3).pblk;
	uint32_t size = FILE_BLOCKS * BLOCK_SIZE;

	put_head(env);
	tag = put_inode(env, FILE_INO, S_IFREG | 0444, 1, size - 1);
	memset(tag + O_BLOCK, 0x55, DINODE_BLOCK_SIZE);
	tag = put_inode(env, NEW_INO, S_IFLNK | 0777, 1, 6);
	le32_put(tag + O_FLAGS, 0);
	memcpy(tag + O_BLOCK, "target", 7);
	put_tail(env);
	assert_int_equal(replay(env), 0);
	assert_int_equal(look(env, FILE_INO).mode, S_IFREG | 0444);
	assert_int_equal(look(env, FILE_INO).size, size - 1);
	assert_int_equal(look(env, FILE_INO).blocks, size / 512);
	assert_int_equal(map_at(env, FILE_INO, 3).pblk, pblk);
	raw = fcr_inode_raw(env->fs->fcr, FILE_INO);
	assert_non_null(raw);
	for (size_t i = TAG_INODE_LEN; i < INODE_SIZE; i++)
		assert_int_equal(raw[i], 0);
	assert_memory_equal(look(env, NEW_INO).block, "target", 7);
	assert_null(fcr_inode_raw(env->fs->fcr, DIR_INO));
	assert_null(fcr_dir_find(env->fs->fcr, DIR_INO));
}

/* Random ranges against an array that knows each block of the file. */
#define MODEL_BLOCKS 64

static void random_range(uint32_t *seed, struct run *ret)
{
	uint32_t v = *seed = *seed * 1664525 + 1013904223;

	*ret = (struct run){ .lblk = (v >> 8) % MODEL_BLOCKS, .nr = 1 + (v >> 16) % 9,
		.pblk = 500 + (v >> 4) % 1000, .kind = (enum run_kind)(v >> 28) % 3 };
	if (ret->lblk + ret->nr > MODEL_BLOCKS)
		ret->nr = MODEL_BLOCKS - ret->lblk;
}

static void model_change(struct run model[MODEL_BLOCKS], const struct run *run)
{
	for (uint64_t i = 0; i < run->nr; i++) {
		struct run *block = &model[run->lblk + i];

		block->kind = run->kind;
		block->pblk = run->kind == RUN_HOLE ? 0 : run->pblk + i;
	}
}

static void check_model(struct env *env, const struct run model[MODEL_BLOCKS])
{
	uint64_t blocks = 0;

	for (uint64_t i = 0; i < MODEL_BLOCKS; i++) {
		struct run run = map_at(env, FILE_INO, i);

		assert_int_equal(run.lblk, i);
		assert_int_equal(run.kind, model[i].kind);
		assert_int_equal(run.pblk, model[i].pblk);
		blocks += run.kind != RUN_HOLE;
	}
	/* nodes of the tree come on top */
	assert_in_range(look(env, FILE_INO).blocks * 512 / BLOCK_SIZE, blocks, blocks + 2);
}

static void test_ranges(void **state)
{
	for (uint32_t round = 1; round < 60; round++) {
		struct run model[MODEL_BLOCKS], run;
		uint32_t seed = round;
		struct env *env;

		setup(state);
		env = *state;
		for (uint64_t i = 0; i < MODEL_BLOCKS; i++)
			model[i] = map_at(env, FILE_INO, i);
		put_head(env);
		for (uint32_t i = 0; i < round; i++) {
			random_range(&seed, &run);
			put_range(env, FILE_INO, &run);
			model_change(model, &run);
		}
		put_inode(env, FILE_INO, S_IFREG | 0644, 1, MODEL_BLOCKS * BLOCK_SIZE);
		put_tail(env);
		assert_int_equal(replay(env), 0);
		check_model(env, model);
		teardown(state);
	}
}

/* What the tags say, or nothing: how a mount ends with them. */
static void test_refused(void **state)
{
	static const struct {
		unsigned type;
		uint32_t parent, ino;
		const char *name;
		int want;
	} names[] = {
		{ FCOMMIT_CREAT, DIR_INO, NEW_INO, "unused", -EUCLEAN },
		{ FCOMMIT_CREAT, DIR_INO, EXT2_JOURNAL_INO, "special", -EUCLEAN },
		{ FCOMMIT_CREAT, INODES + 1, FILE_INO, "nowhere", -EUCLEAN },
		{ FCOMMIT_CREAT, FILE_INO, FILE_INO, "in-a-file", 0 },
		{ FCOMMIT_LINK, DIR_INO, FILE_INO, "a/b", -EUCLEAN },
		{ FCOMMIT_LINK, DIR_INO, FILE_INO, ".", -EUCLEAN },
		{ FCOMMIT_UNLINK, DIR_INO, FILE_INO, "..", -EUCLEAN },
		{ FCOMMIT_LINK, DIR_INO, 0, "no-inode", 0 },
		{ FCOMMIT_UNLINK, DIR_INO, INODES + 1, "no-inode", 0 },
		{ FCOMMIT_LINK, NEW_INO, FILE_INO, "no-directory", 0 },
	};
	static const struct {
		uint32_t ino;
		struct run run;
		int want;
	} ranges[] = {
		{ FILE_INO, { 0, 10, FS_BLOCKS - 9, RUN_DATA }, -EUCLEAN },
		{ FILE_INO, { 0, 1, 0, RUN_DATA }, -EUCLEAN },
		{ FILE_INO, { UINT32_MAX, 2, 600, RUN_DATA }, -EUCLEAN },
		{ FILE_INO, { 0, UINT32_MAX, 0, RUN_HOLE }, 0 },
		{ FILE_INO, { UINT32_MAX, UINT32_MAX, 0, RUN_HOLE }, 0 },
		{ EXT2_JOURNAL_INO, { 0, 10, FS_BLOCKS, RUN_DATA }, 0 },
		{ INODES + 1, { 0, 1, 600, RUN_DATA }, 0 },
	};
	struct env *env = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		put_head(env);
		put_name(env, names[i].type, names[i].parent, names[i].ino, names[i].name);
		put_tail(env);
		assert_int_equal(replay(env), names[i].want);
		fcr_free(env->fs->fcr);
	}
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		put_head(env);
		put_range(env, ranges[i].ino, &ranges[i].run);
		put_tail(env);
		assert_int_equal(replay(env), ranges[i].want);
		fcr_free(env->fs->fcr);
	}
	put_head(env);
	put_inode(env, EXT2_JOURNAL_INO, S_IFREG | 0600, 1, 0);
	put_tail(env);
	assert_int_equal(replay(env), -EUCLEAN);
	assert_null(env->fs->fcr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_create, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unfinished, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rename, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reuse, setup, teardown),
		cmocka_unit_test_setup_teardown(test_directory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_directory_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_inode, setup, teardown),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
