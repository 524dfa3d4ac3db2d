// SPDX-License-Identifier: GPL-2.0-or-later
/* Inodes given out and taken back. Links are debugfs's work, so that nothing above is needed. */
#include "config.h"

#include "alloc_image.h"

#include "format/bitmap.h"

#define FIRST_INO 11u /* lost+found */

/* ---- helpers ---- */

static int new_inode(struct inode *dir, uint16_t mode, const char *name, struct inode **ret)
{
	struct fs *fs = dir->fs;
	struct ialloc_want want = { .dir = dir, .mode = mode, .uid = 5, .gid = 6, .projid = 7,
		.name = name, .name_len = name ? strlen(name) : 0 };
	struct handle *h;
	int err;

	rwlock_write(&dir->lock);
	h = start(fs, ialloc_credits(fs));
	err = ialloc_new(h, &want, ret);
	assert_int_equal(journal_stop(h), 0);
	rwlock_drop(&dir->lock);
	return err;
}

static void free_inode(struct inode *inode)
{
	struct fs *fs = inode->fs;
	struct handle *h = start(fs, ialloc_credits(fs));

	assert_int_equal(ialloc_free(h, inode), 0);
	assert_int_equal(journal_stop(h), 0);
	inode_put(inode);
}

static void set_links(struct inode *inode)
{
	struct handle *h = start(inode->fs, INODE_CREDITS);

	inode->d.nlink = 1;
	assert_int_equal(inode_write(h, inode), 0);
	assert_int_equal(journal_stop(h), 0);
}

/* ---- tests ---- */

#define NEW_FILES 30u

/* New files on every feature set; linked by debugfs afterwards, judged by e2fsck. */
static void check_files(const struct feature_set *set, bool garbage)
{
	char commands[NEW_FILES * 32];
	struct inode *root;
	size_t used = 0;
	uint64_t free;
	struct fs *fs;

	make_image(set->size, set->args);
	if (garbage) {
		assert_int_equal(sh("head -c %s /dev/zero | tr '\\0' '\\252' >image && "
				    "mke2fs -q -F -m 0 -E nodiscard,lazy_itable_init=1 %s image",
					 set->size, set->args), 0);
	}
	fs = open_image();
	root = get_inode(fs, EXT2_ROOT_INO);
	free = ialloc_free_inodes(fs);
	for (unsigned i = 0; i < NEW_FILES; i++) {
		struct inode *inode;
		bool in_use;

		assert_int_equal(new_inode(root, S_IFREG | 0644, NULL, &inode), 0);
		assert_true(inode->ino > FIRST_INO);
		assert_int_equal(ialloc_in_use(fs, inode->ino, &in_use), 0);
		assert_true(in_use);
		set_links(inode);
		used += (size_t)snprintf(commands + used, sizeof(commands) - used,
			"ln <%u> n%u\n", inode->ino, i);
		inode_put(inode);
	}
	assert_int_equal(ialloc_free_inodes(fs), free - NEW_FILES);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	edit_image(commands);
	check_image(set->name);
}

static void test_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(feature_sets); i++)
		check_files(&feature_sets[i], false);
}

/* Neither uninitialised bitmaps nor tables are what lies on disk. */
static void test_garbage(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(feature_sets); i++)
		check_files(&feature_sets[i], true);
}

/* In every group down to the last inode, and back. */
static void exhaust(const struct feature_set *set)
{
	struct inode **inodes;
	uint32_t all, nr = 0;
	struct inode *root;
	struct fs *fs;
	int err;

	make_image(set->size, set->args);
	fs = open_image();
	root = get_inode(fs, EXT2_ROOT_INO);
	all = (uint32_t)ialloc_free_inodes(fs);
	inodes = calloc(all + 1, sizeof(struct inode *));
	do
		err = new_inode(root, nr % 5 ? S_IFREG : S_IFDIR, NULL, &inodes[nr]);
	while (!err && nr++ < all);
	assert_int_equal(err, -ENOSPC);
	assert_int_equal(nr, all);
	assert_int_equal(ialloc_free_inodes(fs), 0);
	for (uint32_t i = 0; i < nr; i++) {
		assert_true(inodes[i]->ino >= fs->sb.first_ino);
		free_inode(inodes[i]);
	}
	assert_int_equal(ialloc_free_inodes(fs), all);
	assert_int_equal(new_inode(root, S_IFREG, NULL, &inodes[0]), 0);
	free_inode(inodes[0]);
	free(inodes);
	inode_put(root);
	close_image(fs, set->name);
}

static void test_exhaustion(void **state)
{
	static const struct feature_set small[] = {
		{ "csum", "20M", "-t ext4 -b 1024 -N 600 -O ^has_journal" },
		{ "journal", "20M", "-t ext4 -b 1024 -N 600 -J size=2" },
		{ "uninit_bg", "20M", "-t ext4 -b 1024 -N 600 -O ^has_journal,^metadata_csum,uninit_bg" },
		{ "no flex_bg", "20M", "-t ext4 -b 1024 -N 600 -O ^has_journal,^flex_bg" },
		{ "ext2", "20M", "-t ext2 -b 1024 -N 600" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(small); i++)
		exhaust(&small[i]);
}

static void test_double_free(void **state)
{
	struct inode *root, *inode;
	struct handle *h;
	struct fs *fs;

	(void)state;
	make_image("20M", "-t ext4 -b 1024 -O ^has_journal");
	fs = open_image();
	root = get_inode(fs, EXT2_ROOT_INO);
	assert_int_equal(new_inode(root, S_IFREG, NULL, &inode), 0);
	h = start(fs, 2 * ialloc_credits(fs));
	assert_int_equal(ialloc_free(h, inode), 0);
	assert_int_equal(ialloc_free(h, inode), -EUCLEAN);
	assert_int_equal(ialloc_free(h, root), -EUCLEAN);
	assert_int_equal(journal_stop(h), 0);
	inode_put(inode);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
}

/* ---- many threads ---- */

#define THREADS 4u
#define TURNS 400u
#define HELD 20u

struct worker {
	struct fs *fs;
	struct inode *dir;
	unsigned seed;
};

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct inode *held[HELD] = { NULL };

	for (unsigned i = 0; i < TURNS; i++) {
		unsigned at = (unsigned)rand_r(&worker->seed) % HELD;

		if (held[at]) {
			free_inode(held[at]);
			held[at] = NULL;
		} else if (new_inode(worker->dir, i % 3 ? S_IFREG : S_IFDIR, NULL, &held[at])) {
			return worker;
		}
	}
	for (unsigned i = 0; i < HELD; i++)
		if (held[i])
			free_inode(held[i]);
	return NULL;
}

static void test_threads(void **state)
{
	struct worker workers[THREADS];
	pthread_t threads[THREADS];
	struct fs *fs;

	(void)state;
	make_image("20M", "-t ext4 -b 1024 -N 600 -J size=2");
	edit_image("mkdir a\nmkdir b\nmkdir c\nmkdir d\n");
	fs = open_image();
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ fs, get_inode(fs, FIRST_INO + 1 + i), i };
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		void *ret;

		pthread_join(threads[i], &ret);
		assert_null(ret);
		inode_put(workers[i].dir);
	}
	close_image(fs, "threads");
}

/* ---- where they go ---- */

#define DIRS 64u

/* How many groups of unit groups the directories made in dir are spread over. */
static unsigned spread(struct fs *fs, struct inode *dir, uint32_t unit)
{
	struct inode *inodes[DIRS];
	bool seen[512] = { false };
	unsigned units = 0;

	for (unsigned i = 0; i < DIRS; i++) {
		char name[16];
		uint32_t in;

		snprintf(name, sizeof(name), "dir%u", i);
		assert_int_equal(new_inode(dir, S_IFDIR | 0755, name, &inodes[i]), 0);
		in = (inodes[i]->ino - 1) / fs->sb.inodes_per_group / unit;
		units += !seen[in];
		seen[in] = true;
	}
	for (unsigned i = 0; i < DIRS; i++)
		free_inode(inodes[i]);
	return units;
}

static void test_orlov(void **state)
{
	struct inode *root, *sub, *file;
	unsigned top, below;
	struct fs *fs;

	(void)state;
	/* 32 groups, in flex groups of 4 */
	make_image("64M", "-t ext4 -b 1024 -g 2048 -G 4 -O ^has_journal,^resize_inode");
	edit_image("mkdir sub\n");
	fs = open_image();
	assert_int_equal(fs->sb.groups, 32);
	root = get_inode(fs, EXT2_ROOT_INO);
	sub = get_inode(fs, FIRST_INO + 1);
	top = spread(fs, root, 4);
	below = spread(fs, sub, 4);
	print_message("of 8 flex groups: %u below the root, %u elsewhere\n", top, below);
	/* the first ones have less than the average free */
	assert_true(top >= 5);
	assert_true(below <= 2);
	assert_int_equal(new_inode(sub, S_IFREG, NULL, &file), 0);
	assert_int_equal((file->ino - 1) / fs->sb.inodes_per_group / 4,
		(sub->ino - 1) / fs->sb.inodes_per_group / 4);
	free_inode(file);
	sub->d.flags |= EXT2_TOPDIR_FL;
	assert_true(spread(fs, sub, 4) >= 5);
	inode_put(sub);
	inode_put(root);
	close_image(fs, "flex_bg");

	make_image("64M", "-t ext4 -b 1024 -g 2048 -O ^has_journal,^resize_inode,^flex_bg");
	fs = open_image();
	root = get_inode(fs, EXT2_ROOT_INO);
	assert_true(spread(fs, root, 1) >= 20);
	inode_put(root);
	close_image(fs, "no flex_bg");
}

/* ---- what they are ---- */

static void test_attributes(void **state)
{
	struct inode *root, *file, *dir, *fifo;
	struct fs *fs;

	(void)state;
	make_image("20M", "-t ext4 -b 1024 -I 256 -O ^has_journal,project");
	fs = open_image();
	root = get_inode(fs, EXT2_ROOT_INO);
	root->d.flags |= EXT2_NODUMP_FL | EXT2_SYNC_FL | EXT2_DIRSYNC_FL | EXT2_APPEND_FL |
		EXT2_INDEX_FL | EXT4_PROJINHERIT_FL;
	root->d.projid = 99;
	assert_int_equal(new_inode(root, S_IFREG | 0640, NULL, &file), 0);
	assert_int_equal(new_inode(root, S_IFDIR | 0750, NULL, &dir), 0);
	assert_int_equal(new_inode(root, S_IFIFO | 0600, NULL, &fifo), 0);
	assert_int_equal(file->d.flags, EXT2_NODUMP_FL | EXT2_SYNC_FL | EXT4_EXTENTS_FL);
	assert_int_equal(dir->d.flags, EXT2_NODUMP_FL | EXT2_SYNC_FL | EXT2_DIRSYNC_FL |
		EXT4_PROJINHERIT_FL | EXT4_EXTENTS_FL);
	assert_int_equal(fifo->d.flags, EXT2_NODUMP_FL);
	assert_int_equal(file->d.projid, 99);
	assert_int_equal(file->d.uid, 5);
	assert_int_equal(file->d.gid, 6);
	assert_int_equal(file->d.mode, S_IFREG | 0640);
	assert_int_equal(file->d.extra_isize, 32);
	assert_int_equal(file->d.nlink, 0);
	assert_true(file->d.has_crtime);
	assert_int_not_equal(file->d.generation, dir->d.generation);
	root->d.flags = EXT4_EXTENTS_FL;
	free_inode(file);
	free_inode(dir);
	assert_int_equal(new_inode(root, S_IFREG, NULL, &file), 0);
	assert_int_equal(file->d.projid, 7);
	free_inode(file);
	free_inode(fifo);
	inode_put(root);
	close_image(fs, "attributes");

	make_image("20M", "-t ext4 -b 1024 -I 128 -O ^has_journal,^project");
	fs = open_image();
	root = get_inode(fs, EXT2_ROOT_INO);
	assert_int_equal(new_inode(root, S_IFREG, NULL, &file), 0);
	assert_int_equal(file->d.extra_isize, 0);
	free_inode(file);
	inode_put(root);
	close_image(fs, "small inodes");

	make_image("20M", "-t ext4 -b 1024 -I 256 -O ^has_journal,inline_data");
	fs = open_image();
	root = get_inode(fs, EXT2_ROOT_INO);
	assert_int_equal(new_inode(root, S_IFREG, NULL, &file), 0);
	assert_int_equal(new_inode(root, S_IFDIR, NULL, &dir), 0);
	assert_int_equal(file->d.flags, EXT4_EXTENTS_FL);
	assert_int_equal(dir->d.flags, EXT4_INLINE_DATA_FL);
	free_inode(file);
	free_inode(dir);
	inode_put(root);
	close_image(fs, "inline_data");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_exhaustion),
		cmocka_unit_test(test_double_free),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_orlov),
	};

	return cmocka_run_group_tests(tests, fixture_setup_memory, fixture_teardown);
}
