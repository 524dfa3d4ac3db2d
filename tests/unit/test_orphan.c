// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Orphans: the blocks of the orphan file; what a crash leaves, given to e2fsck and to our own
 * recovery; lists that are damaged.
 */
#include "config.h"

#include "write_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/statvfs.h>

#include "format/le.h"
#include "format/orphan_block.h"
#include "fs/file.h"
#include "fs/map.h"
#include "fs/namei.h"
#include "fs/orphan.h"
#include "fs/superblock.h"
#include "fs/xattr.h"

static const struct cred cred = { .uid = 1000, .gid = 100, .umask = 022 };

/* ---- format ---- */

#define BLOCK 1024u
#define SLOTS ((BLOCK - 8) / 4)

static void make_block(uint8_t raw[BLOCK])
{
	memset(raw, 0, BLOCK);
	le32_put(raw + BLOCK - 8, 0x0B10CA04);
}

static void test_block(void **state)
{
	struct super sb = { .block_size = BLOCK };
	uint8_t raw[BLOCK];

	(void)state;
	make_block(raw);
	assert_int_equal(orphan_block_slots(&sb), SLOTS);
	assert_int_equal(orphan_block_check(&sb, 1, 99, raw), 0);
	orphan_block_put(&sb, 1, 99, raw, SLOTS - 1, 12345);
	assert_int_equal(orphan_block_get(raw, SLOTS - 1), 12345);
	assert_int_equal(le32_get(raw + BLOCK - 4), 0); /* no checksums */
	raw[BLOCK - 8] ^= 1;
	assert_int_equal(orphan_block_check(&sb, 1, 99, raw), -EUCLEAN);
}

static void test_block_csum(void **state)
{
	struct super sb = { .block_size = BLOCK,
		.ro_compat = EXT4_FEATURE_RO_COMPAT_METADATA_CSUM };
	uint8_t raw[BLOCK];

	(void)state;
	make_block(raw);
	orphan_block_put(&sb, 1, 99, raw, 3, 12345);
	assert_int_equal(orphan_block_check(&sb, 1, 99, raw), 0);
	assert_int_equal(orphan_block_check(&sb, 2, 99, raw), -EBADMSG);
	assert_int_equal(orphan_block_check(&sb, 1, 98, raw), -EBADMSG);
	assert_int_equal(orphan_block_check(&sb, 1, (uint64_t)99 << 32, raw), -EBADMSG);
	raw[12] ^= 1;
	assert_int_equal(orphan_block_check(&sb, 1, 99, raw), -EBADMSG);
}

/* ---- crashes ---- */

#define FILES 6

static struct inode *mk(struct inode *dir, const char *name, uint16_t mode)
{
	struct inode *inode;

	assert_int_equal(namei_make(dir, name, strlen(name), mode, 0, &cred, &inode), 0);
	return inode;
}

static void write_file(struct inode *inode, size_t len)
{
	char *bytes = malloc(len);

	assert_non_null(bytes);
	memset(bytes, 'x', len);
	assert_int_equal(file_write(inode, 0, bytes, len, true, false), len);
	free(bytes);
}

/* Files with contents, an empty directory, a symlink: unlinked, but held. */
static void make_orphans(struct inode *root, struct inode *held[FILES])
{
	char name[16], target[300];
	uint32_t ino;

	memset(target, 't', sizeof(target));
	for (unsigned i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		if (i == 0)
			held[i] = mk(root, name, S_IFDIR | 0755);
		else if (i == 1)
			assert_int_equal(namei_symlink(root, name, strlen(name), target,
				sizeof(target), &cred, &held[i]), 0);
		else
			held[i] = mk(root, name, S_IFREG | 0644);
		if (i > 2)
			write_file(held[i], 20000 * i);
	}
	for (unsigned i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		if (i == 0)
			assert_int_equal(namei_rmdir(root, name, strlen(name), &ino), 0);
		else
			assert_int_equal(namei_unlink(root, name, strlen(name), &ino), 0);
		assert_int_equal(ino, held[i]->ino);
		assert_int_equal(held[i]->d.nlink, 0);
		assert_true(orphan_is_known(root->fs, ino));
	}
}

static void counts(const char *image, struct statvfs *ret)
{
	struct fs *fs = open_image(image, false);

	assert_int_equal(fs_statfs(fs, ret), 0);
	assert_int_equal(fs_close(fs), 0);
}

static void check_counts(const char *image, const struct statvfs *want)
{
	struct statvfs have;

	counts(image, &have);
	assert_int_equal(have.f_bfree, want->f_bfree);
	assert_int_equal(have.f_ffree, want->f_ffree);
}

/* What the image holds when power fails now. */
static void crash(struct fs *fs, const char *copy)
{
	assert_int_equal(journal_checkpoint(fs->journal), 0);
	assert_int_equal(sh("cp --sparse=always image %s", copy), 0);
}

static void recover_both(const char *args, const struct statvfs *want)
{
	if (sh("e2fsck -fp crash1") >> 8 > 1) {
		show_log();
		fail_msg("e2fsck cannot recover (%s)", args);
	}
	check_clean("crash1", args);
	check_counts("crash1", want);
	assert_int_equal(fs_close(open_image("crash2", true)), 0);
	check_clean("crash2", args);
	check_counts("crash2", want);
}

static void run_crash(const char *args)
{
	struct inode *held[FILES], *root;
	struct statvfs before;
	struct fs *fs;
	char c;

	make("32m", args);
	counts("image", &before);
	fs = open_image("image", true);
	root = root_of(fs);
	make_orphans(root, held);
	crash(fs, "crash1");
	crash(fs, "crash2");
	/* still readable, by number too */
	inode_put(held[FILES - 1]);
	held[FILES - 1] = get(fs, held[FILES - 1]->ino);
	assert_int_equal(file_read(held[FILES - 1], 19999, &c, 1), 1);
	assert_int_equal(c, 'x');
	for (unsigned i = 0; i < FILES; i += 2) {
		uint32_t ino = held[i]->ino;

		inode_put(held[i]);
		assert_int_equal(orphan_free(fs, ino), 0);
		assert_int_equal(orphan_free(fs, ino), 0);
		assert_false(orphan_is_known(fs, ino));
	}
	crash(fs, "crash3");
	assert_int_equal(fs_close(open_image("crash3", true)), 0);
	check_clean("crash3", args);
	check_counts("crash3", &before);
	for (unsigned i = 1; i < FILES; i += 2)
		inode_put(held[i]);
	inode_put(root);
	/* closing frees what is left */
	assert_int_equal(fs_close(fs), 0);
	check_clean("image", args);
	check_counts("image", &before);
	recover_both(args, &before);
}

static void test_crash(void **state)
{
	static const char *const variants[] = {
		"-t ext4 -b 1024 -J size=1",
		"-t ext4 -b 4096 -O ^metadata_csum",
		"-t ext3 -b 1024 -J size=1",
		"-t ext4 -b 1024 -J size=1 -O orphan_file",
		"-t ext4 -b 4096 -O orphan_file,^metadata_csum",
		"-t ext4 -b 1024 -J size=1 -O orphan_file,inline_data",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++)
		run_crash(variants[i]);
}

/* More orphans than the file has slots for, and than the cache of inodes holds. */
static void run_many(const char *args, unsigned nr)
{
	struct inode *root, *inode;
	struct statvfs before;
	uint32_t first = 0;
	struct fs *fs;

	make("16m", args);
	counts("image", &before);
	fs = open_image("image", true);
	root = root_of(fs);
	for (unsigned i = 0; i < nr; i++) {
		assert_int_equal(namei_tmpfile(root, S_IFREG | 0600, &cred, &inode), 0);
		if (!first)
			first = inode->ino;
		inode_put(inode);
	}
	crash(fs, "crash1");
	crash(fs, "crash2");
	/* an object of its own again, that still knows what it is */
	inode = get(fs, first);
	assert_int_equal(namei_link(inode, root, "first", 5), 0);
	inode_put(inode);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	check_clean("image", args);
	recover_both(args, &before);
}

static void test_many(void **state)
{
	(void)state;
	run_many("-t ext4 -b 1024 -J size=4 -N 6000", 4500);
	run_many("-t ext4 -b 1024 -J size=4 -N 9600 -O orphan_file -E orphan_file_size=32k",
		9000);
}

/* ---- what is found at mount ---- */

static void edit(const char *commands)
{
	FILE *file = fopen("commands", "w");

	assert_non_null(file);
	fputs(commands, file);
	fclose(file);
	assert_int_equal(sh("debugfs -w -f commands image"), 0);
}

static void look_last(const uint8_t *raw, void *arg)
{
	*(uint32_t *)arg = le32_get(raw + SB_LAST_ORPHAN);
}

static uint32_t last_orphan(struct fs *fs)
{
	uint32_t ino;

	assert_int_equal(superblock_read(fs, look_last, &ino), 0);
	return ino;
}

/* A truncation that was not finished: the size is set, the blocks are there. */
static void test_truncate(void **state)
{
	struct statvfs before, after;
	struct inode *root, *file;
	char command[128];
	struct fs *fs;

	(void)state;
	make("8m", "-t ext4 -b 1024 -J size=1");
	fs = open_image("image", true);
	root = root_of(fs);
	file = mk(root, "file", S_IFREG | 0644);
	write_file(file, 100000);
	snprintf(command, sizeof(command), "sif <%u> size 10000\nssv last_orphan %u\n", file->ino,
		file->ino);
	inode_put(file);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	counts("image", &before);
	edit(command);
	fs = open_image("image", true);
	assert_int_equal(last_orphan(fs), 0);
	assert_int_equal(fs_close(fs), 0);
	check_clean("image", "truncated");
	counts("image", &after);
	assert_int_equal(after.f_bfree - before.f_bfree, 98 - 10);
}

/* Lists that no sane filesystem has: opening ends, and the list is empty then. */
static void test_damaged_list(void **state)
{
	static const char *const cases[] = {
		"ssv last_orphan 12\n",			      /* in use, with links */
		"ssv last_orphan 99999999\n",
		"ssv last_orphan 2\n",
		"ssv last_orphan 8\n",
		"ssv last_orphan 100\n",		      /* free */
		"ssv last_orphan 12\nsif <12> dtime 12\n",    /* its own next */
		"ssv last_orphan 12\nsif <12> dtime 13\nsif <13> dtime 12\n",
		"ssv last_orphan 13\nsif <13> dtime 4000000000\n",
		"ssv last_orphan 13\nsif <13> links_count 0\nsif <13> dtime 2\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fs *fs;

		make("8m", "-t ext4 -b 1024 -J size=1");
		edit("write commands a\nwrite commands b\n");
		edit(cases[i]);
		fs = open_image("image", true);
		assert_int_equal(last_orphan(fs), 0);
		assert_int_equal(fs_close(fs), 0);
		if (sh("e2fsck -fy image") >> 8 > 1) {
			show_log();
			fail_msg("damage %zu", i);
		}
		check_clean("image", cases[i]);
	}
}

/*
 * A block of the orphan file that is damaged is left alone, and so is the sign that it is in use.
 */
static void test_damaged_file(void **state)
{
	struct inode *root, *inode, *file;
	struct run run;
	struct fs *fs;
	int fd;

	(void)state;
	make("8m", "-t ext4 -b 1024 -J size=1 -O orphan_file");
	fs = open_image("image", true);
	root = root_of(fs);
	assert_int_equal(namei_tmpfile(root, S_IFREG | 0600, &cred, &inode), 0);
	crash(fs, "crash1");
	assert_int_equal(inode_get_special(fs, fs->sb.special_ino[SUPER_SPECIAL_ORPHAN], &file), 0);
	assert_int_equal(map_lookup(file, 0, &run), 0);
	inode_put(file);
	inode_put(inode);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	fd = open("crash1", O_WRONLY);
	assert_int_equal(pwrite(fd, "damage", 6, (off_t)run.pblk * BLOCK + 8), 6);
	close(fd);
	fs = open_image("crash1", true);
	root = root_of(fs);
	/* others serve */
	for (unsigned i = 0; i < 40; i++) {
		assert_int_equal(namei_tmpfile(root, S_IFREG | 0600, &cred, &inode), 0);
		inode_put(inode);
	}
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	assert_int_equal(sh("dumpe2fs -h crash1 | grep -q orphan_present"), 0);
	assert_true(sh("e2fsck -fy crash1") >> 8 <= 1);
	check_clean("crash1", "damaged orphan file");
}

/* ---- threads ---- */

#define PAIRS 300u

struct neighbours {
	struct inode *stay[PAIRS], *go[PAIRS]; /* stay[i] comes before go[i] in the list */
	atomic_uint gone;
};

static void *leave_list(void *arg)
{
	struct neighbours *n = arg;

	for (unsigned i = 0; i < PAIRS; i++) {
		struct fs *fs = n->go[i]->fs;
		uint32_t ino = n->go[i]->ino;

		inode_put(n->go[i]);
		if (orphan_free(fs, ino))
			abort();
		atomic_fetch_add(&n->gone, 1);
	}
	return NULL;
}

/*
 * An orphan that leaves the list changes the inode before it, whose own lock nobody takes for that: who
 * reads its attributes meanwhile does not take it for damaged.
 */
static void test_neighbours(void **state)
{
	struct neighbours n = { .gone = 0 };
	struct inode *root;
	pthread_t thread;
	struct fs *fs;
	uint8_t value[8];

	(void)state;
	make("8m", "-t ext4 -b 1024 -N 1024 -J size=1");
	fs = open_image("image", true);
	root = root_of(fs);
	for (unsigned i = 0; i < PAIRS; i++) {
		assert_int_equal(namei_tmpfile(root, S_IFREG | 0600, &cred, &n.go[i]), 0);
		assert_int_equal(namei_tmpfile(root, S_IFREG | 0600, &cred, &n.stay[i]), 0);
	}
	assert_int_equal(pthread_create(&thread, NULL, leave_list, &n), 0);
	for (unsigned at = 0; at < PAIRS; at = atomic_load(&n.gone))
		for (unsigned i = at; i < PAIRS && i < at + 3; i++)
			assert_int_equal(xattr_get(n.stay[i], "user.x", value, sizeof(value)),
				-ENODATA);
	pthread_join(thread, NULL);
	for (unsigned i = 0; i < PAIRS; i++) {
		uint32_t ino = n.stay[i]->ino;

		inode_put(n.stay[i]);
		assert_int_equal(orphan_free(fs, ino), 0);
	}
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	check_clean("image", "neighbours");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_block),
		cmocka_unit_test(test_block_csum),
		cmocka_unit_test(test_crash),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_truncate),
		cmocka_unit_test(test_damaged_list),
		cmocka_unit_test(test_damaged_file),
		cmocka_unit_test(test_neighbours),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
