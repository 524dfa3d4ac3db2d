// SPDX-License-Identifier: GPL-2.0-or-later
/* Blocks given out and taken back. Files are built by hand: nothing above the allocator is needed. */
#include "config.h"

#include "alloc_image.h"

#include "format/bitmap.h"

#define FIRST_FILE_INO 12u /* of add_files(): 11 is lost+found */
#define SLOTS 4u	   /* extents in an inode; for block maps, blocks */

/* ---- files of up to four runs ---- */

struct file {
	struct inode *inode;
	struct {
		uint64_t pblk;
		uint32_t nr;
	} runs[SLOTS];
};

/* Runs lie far apart in the file, so that each has a place whatever the others are. */
static uint32_t slot_lblk(unsigned slot)
{
	return slot << 14;
}

static void store_extents(struct file *file)
{
	uint8_t *raw = file->inode->d.block;
	unsigned nr = 0;

	memset(raw, 0, DINODE_BLOCK_SIZE);
	le16_put(raw, 0xF30A);
	le16_put(raw + 4, SLOTS);
	for (unsigned i = 0; i < SLOTS; i++) {
		uint8_t *at = raw + 12 + nr * 12;

		if (!file->runs[i].nr)
			continue;
		le32_put(at, slot_lblk(i));
		le16_put(at + 4, (uint16_t)file->runs[i].nr);
		le16_put(at + 6, (uint16_t)(file->runs[i].pblk >> 32));
		le32_put(at + 8, (uint32_t)file->runs[i].pblk);
		nr++;
	}
	le16_put(raw + 2, (uint16_t)nr);
	file->inode->d.size = (uint64_t)slot_lblk(SLOTS) << file->inode->fs->sb.block_bits;
}

/* A run is one block, in the direct blocks. */
static void store_direct(struct file *file)
{
	memset(file->inode->d.block, 0, DINODE_BLOCK_SIZE);
	for (unsigned i = 0; i < SLOTS; i++)
		le32_put(file->inode->d.block + i * 4, (uint32_t)file->runs[i].pblk);
	file->inode->d.size = (uint64_t)SLOTS << file->inode->fs->sb.block_bits;
}

static void store(struct handle *h, struct file *file)
{
	if (file->inode->d.flags & EXT4_EXTENTS_FL)
		store_extents(file);
	else
		store_direct(file);
	assert_int_equal(inode_write(h, file->inode), 0);
}

/* As much as one run gives of nr blocks, for slot. */
static int fill_slot(struct file *file, unsigned slot, uint64_t goal, uint32_t nr, unsigned flags)
{
	struct fs *fs = file->inode->fs;
	struct balloc_want want = { .inode = file->inode, .goal = goal, .nr = nr, .flags = flags };
	struct handle *h;
	int err;

	if (!(file->inode->d.flags & EXT4_EXTENTS_FL))
		want.nr = 1;
	rwlock_write(&file->inode->lock);
	h = start(fs, BALLOC_CREDITS + INODE_CREDITS);
	err = balloc_alloc(h, &want, &file->runs[slot].pblk, &file->runs[slot].nr);
	if (!err)
		store(h, file);
	assert_int_equal(journal_stop(h), 0);
	rwlock_drop(&file->inode->lock);
	return err;
}

static void empty_slot(struct file *file, unsigned slot, unsigned flags)
{
	struct fs *fs = file->inode->fs;
	struct handle *h;

	rwlock_write(&file->inode->lock);
	h = start(fs, 2 * BALLOC_CREDITS + file->runs[slot].nr + INODE_CREDITS);
	assert_int_equal(balloc_free(h, file->inode, file->runs[slot].pblk, file->runs[slot].nr,
				 flags), 0);
	file->runs[slot].pblk = 0;
	file->runs[slot].nr = 0;
	store(h, file);
	assert_int_equal(journal_stop(h), 0);
	rwlock_drop(&file->inode->lock);
}

static void open_files(struct fs *fs, struct file *files, unsigned nr)
{
	memset(files, 0, nr * sizeof(*files));
	for (unsigned i = 0; i < nr; i++)
		files[i].inode = get_inode(fs, FIRST_FILE_INO + i);
}

static void put_files(struct file *files, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		inode_put(files[i].inode);
}

/* ---- many threads ---- */

#define THREADS 4u
#define FILES_PER_THREAD 8u
#define TURNS 300u

struct worker {
	struct file files[FILES_PER_THREAD];
	unsigned seed;
};

static void *work(void *arg)
{
	struct worker *worker = arg;

	for (unsigned i = 0; i < TURNS; i++) {
		struct file *file = &worker->files[(unsigned)rand_r(&worker->seed) % FILES_PER_THREAD];
		struct fs *fs = file->inode->fs;
		unsigned slot = (unsigned)rand_r(&worker->seed) % SLOTS;
		uint32_t nr = 1 + (uint32_t)rand_r(&worker->seed) % 200;
		uint64_t goal = 0;
		int err;

		if (file->runs[slot].nr) {
			empty_slot(file, slot, rand_r(&worker->seed) % 4 ? 0 : BFREE_META);
			continue;
		}
		if (rand_r(&worker->seed) % 2)
			goal = (uint64_t)rand_r(&worker->seed) % fs->sb.blocks;
		err = fill_slot(file, slot, goal, nr, rand_r(&worker->seed) % 4 ? 0 : BALLOC_META);
		if (err && err != -ENOSPC)
			return (void *)(intptr_t)err;
	}
	return NULL;
}

static void run_workers(const struct feature_set *set)
{
	static struct worker workers[THREADS];
	pthread_t threads[THREADS];
	struct fs *fs;

	make_image(set->size, set->args);
	add_files(THREADS * FILES_PER_THREAD);
	fs = open_image();
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i].seed = i;
		memset(workers[i].files, 0, sizeof(workers[i].files));
		for (unsigned k = 0; k < FILES_PER_THREAD; k++)
			workers[i].files[k].inode =
				get_inode(fs, FIRST_FILE_INO + i * FILES_PER_THREAD + k);
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		void *ret;

		pthread_join(threads[i], &ret);
		assert_null(ret);
		put_files(workers[i].files, FILES_PER_THREAD);
	}
	close_image(fs, set->name);
}

static void test_random(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(feature_sets); i++)
		run_workers(&feature_sets[i]);
}

/* ---- to the last block ---- */

/* Allocates in file 0 until nothing is left; without keeping record, so e2fsck is not asked. */
static uint64_t exhaust(struct fs *fs, struct inode *inode, uint32_t nr, unsigned flags)
{
	struct balloc_want want = { .inode = inode, .nr = nr, .flags = flags };
	uint64_t total = 0, pblk;
	int err;

	do {
		struct handle *h = start(fs, BALLOC_CREDITS);
		uint32_t got = 0;

		err = balloc_alloc(h, &want, &pblk, &got);
		assert_int_equal(journal_stop(h), 0);
		total += got;
	} while (!err);
	assert_int_equal(err, -ENOSPC);
	return total;
}

static uint64_t count_zeros(struct fs *fs)
{
	uint64_t zeros = 0;

	for (uint32_t nr = 0; nr < fs->sb.groups; nr++) {
		struct group *group;
		struct buf *buf;

		assert_int_equal(group_get(fs, nr, &group), 0);
		assert_int_equal(group->bad, 0);
		assert_int_equal(group_bitmap_get(fs, group, GROUP_BLOCKS, &buf), 0);
		assert_false(group->gd.flags & EXT2_BG_BLOCK_UNINIT);
		zeros += bitmap_count_zero(buf->data, group->clusters);
		cache_put(buf);
	}
	return zeros;
}

static void test_exhaustion(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(feature_sets); i++) {
		struct inode *inode;
		uint64_t free;
		struct fs *fs;

		make_image(feature_sets[i].size, feature_sets[i].args);
		add_files(1);
		fs = open_image();
		inode = get_inode(fs, FIRST_FILE_INO);
		free = balloc_free_clusters(fs);
		assert_int_equal(exhaust(fs, inode, 500, 0), free << fs->sb.cluster_bits);
		assert_int_equal(balloc_free_clusters(fs), 0);
		assert_int_equal(count_zeros(fs), 0);
		inode_put(inode);
		assert_int_equal(fs_close(fs), 0);
	}
}

static void test_reserved(void **state)
{
	struct inode *inode;
	uint64_t free;
	struct fs *fs;

	(void)state;
	make_image("20M", "-t ext4 -b 1024 -O ^has_journal -m 5");
	add_files(1);
	fs = open_image();
	inode = get_inode(fs, FIRST_FILE_INO);
	free = balloc_free_clusters(fs);
	assert_true(fs->sb.reserved_blocks > 500);
	assert_int_equal(exhaust(fs, inode, 300, 0), free - fs->sb.reserved_blocks);
	assert_int_equal(exhaust(fs, inode, 300, BALLOC_RESERVED), fs->sb.reserved_blocks);
	inode_put(inode);
	assert_int_equal(fs_close(fs), 0);
}

/* ---- shapes ---- */

/* Two files written by turns, 64 KiB at a time, stay in few pieces. */
static void test_interleaved(void **state)
{
	struct file files[2];
	uint64_t next[2] = { 0 };
	unsigned pieces[2] = { 0 };
	struct fs *fs;

	(void)state;
	make_image("256M", "-t ext4 -b 4096 -O ^has_journal");
	add_files(2);
	fs = open_image();
	open_files(fs, files, 2);
	for (unsigned turn = 0; turn < 2 * 600; turn++) {
		struct inode *inode = files[turn % 2].inode;
		struct balloc_want want = { .inode = inode, .nr = 16, .goal = next[turn % 2] };

		while (want.nr) {
			struct handle *h = start(fs, BALLOC_CREDITS);
			uint64_t pblk;
			uint32_t nr;

			assert_int_equal(balloc_alloc(h, &want, &pblk, &nr), 0);
			assert_int_equal(journal_stop(h), 0);
			pieces[turn % 2] += pblk != want.goal;
			want.nr -= nr;
			want.goal = next[turn % 2] = pblk + nr;
		}
	}
	/* 37.5 MiB each */
	print_message("pieces: %u and %u\n", pieces[0], pieces[1]);
	assert_true(pieces[0] <= 12 && pieces[1] <= 12);
	put_files(files, 2);
	assert_int_equal(fs->groups->windowed > 0, 1);
	balloc_release(get_inode(fs, FIRST_FILE_INO));
	inode_put(files[0].inode);
	balloc_release(files[1].inode);
	assert_int_equal(fs->groups->windowed, 0);
	assert_int_equal(fs_close(fs), 0);
}

/* What a window keeps is given to who needs it. */
static void test_window_pressure(void **state)
{
	struct file files[2];
	struct balloc_want want = { .nr = 100 };
	uint64_t left, pblk;
	uint32_t nr;
	struct handle *h;
	struct fs *fs;

	(void)state;
	make_image("20M", "-t ext4 -b 1024 -O ^has_journal");
	add_files(2);
	fs = open_image();
	open_files(fs, files, 2);
	for (unsigned i = 0; i < 3; i++) {
		want.inode = files[0].inode;
		h = start(fs, BALLOC_CREDITS);
		assert_int_equal(balloc_alloc(h, &want, &pblk, &nr), 0);
		assert_int_equal(journal_stop(h), 0);
		want.goal = pblk + nr;
	}
	assert_true(fs->groups->windowed > 0);
	left = balloc_free_clusters(fs);
	assert_int_equal(exhaust(fs, files[1].inode, 64, 0), left);
	assert_int_equal(fs->groups->windowed, 0);
	put_files(files, 2);
	assert_int_equal(fs_close(fs), 0);
}

static void test_goal(void **state)
{
	struct file file;
	struct fs *fs;
	uint64_t at;

	(void)state;
	make_image("40M", "-t ext4 -b 1024 -O ^has_journal");
	add_files(1);
	fs = open_image();
	open_files(fs, &file, 1);
	at = fs->sb.first_data_block + 3 * fs->sb.blocks_per_group + 1000;
	assert_int_equal(fill_slot(&file, 0, at, 10, BALLOC_EXACT), 0);
	assert_int_equal(file.runs[0].pblk, at);
	assert_int_equal(file.runs[0].nr, 10);
	/* taken */
	assert_int_equal(fill_slot(&file, 1, at + 9, 10, BALLOC_EXACT), -ENOSPC);
	assert_int_equal(fill_slot(&file, 1, at + 9, 10, 0), 0);
	assert_int_equal(file.runs[1].pblk, at + 10);
	/* cut at what follows */
	assert_int_equal(fill_slot(&file, 2, at - 4, 10, BALLOC_EXACT), 0);
	assert_int_equal(file.runs[2].pblk, at - 4);
	assert_int_equal(file.runs[2].nr, 4);
	put_files(&file, 1);
	close_image(fs, "goal");
}

static void test_bigalloc(void **state)
{
	struct file file;
	struct fs *fs;

	(void)state;
	make_image("256M", "-t ext4 -b 4096 -C 65536 -O ^has_journal,bigalloc");
	add_files(1);
	fs = open_image();
	open_files(fs, &file, 1);
	assert_int_equal(fill_slot(&file, 0, 0, 1, 0), 0);
	assert_int_equal(file.runs[0].nr, 16);
	assert_int_equal(file.runs[0].pblk % 16, 0);
	assert_int_equal(file.inode->d.blocks, 16 * 8);
	assert_int_equal(fill_slot(&file, 1, file.runs[0].pblk + 16, 17, 0), 0);
	assert_int_equal(file.runs[1].pblk, file.runs[0].pblk + 16);
	assert_int_equal(file.runs[1].nr, 32);
	empty_slot(&file, 0, 0);
	put_files(&file, 1);
	close_image(fs, "bigalloc");
}

/* ---- freeing ---- */

static void test_pending(void **state)
{
	struct file files[2];
	uint64_t pblk, free;
	unsigned tries = 0;
	struct fs *fs;

	(void)state;
	make_image("20M", "-t ext4 -b 1024 -J size=2");
	add_files(2);
	fs = open_image();
	open_files(fs, files, 2);
	assert_int_equal(fill_slot(&files[0], 0, 5000, 100, BALLOC_EXACT), 0);
	pblk = files[0].runs[0].pblk;
	assert_int_equal(journal_wait(fs->journal, 0), 0);
	free = balloc_free_clusters(fs);
	empty_slot(&files[0], 0, 0);
	/* counted, but not to be had */
	assert_int_equal(balloc_free_clusters(fs), free + 100);
	assert_int_equal(fs->groups->pending, 100);
	assert_int_equal(fill_slot(&files[1], 0, pblk, 1, BALLOC_EXACT), -ENOSPC);
	assert_int_equal(fill_slot(&files[1], 0, pblk, 10, 0), 0);
	assert_true(files[1].runs[0].pblk >= pblk + 100 ||
		files[1].runs[0].pblk + files[1].runs[0].nr <= pblk);
	assert_true(balloc_retry(fs, &tries));
	while (fs->groups->pending)
		usleep(1000);
	assert_false(balloc_retry(fs, &tries));
	assert_int_equal(fill_slot(&files[1], 1, pblk, 100, BALLOC_EXACT), 0);
	put_files(files, 2);
	close_image(fs, "pending");
}

/* What a hostile file may claim to own. */
static void test_bad_free(void **state)
{
	struct file file;
	struct group *group;
	struct handle *h;
	struct fs *fs;
	uint64_t free, bad[6];

	(void)state;
	make_image("40M", "-t ext4 -b 1024 -O ^has_journal -G 4");
	add_files(1);
	fs = open_image();
	open_files(fs, &file, 1);
	free = balloc_free_clusters(fs);
	assert_int_equal(group_get(fs, 3, &group), 0);
	bad[0] = fs->sb.first_data_block;
	bad[1] = fs->sb.first_data_block + 1;
	bad[2] = fs->sb.first_data_block + fs->sb.blocks_per_group; /* a backup */
	bad[3] = group->gd.block_bitmap; /* in group 0 */
	bad[4] = group->gd.inode_table + 3;
	bad[5] = fs->sb.blocks - 1; /* free */
	h = start(fs, 10 * BALLOC_CREDITS);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(balloc_free(h, file.inode, bad[i], 1, 0), -EUCLEAN);
	assert_int_equal(balloc_free(h, file.inode, fs->sb.blocks - 1, 2, 0), -EUCLEAN);
	assert_int_equal(balloc_free(h, file.inode, UINT64_MAX - 1, 5, 0), -EUCLEAN);
	assert_int_equal(journal_stop(h), 0);
	assert_int_equal(balloc_free_clusters(fs), free);
	put_files(&file, 1);
	assert_int_equal(fs_close(fs), 0);
}

/* A group whose bitmap is damaged is passed over, the others are filled. */
static void test_damaged_group(void **state)
{
	uint8_t zeros[16] = { 0 };
	struct file file;
	struct group *group;
	struct inode *inode;
	uint64_t free, lost;
	struct fs *fs;
	int fd;

	(void)state;
	make_image("40M", "-t ext4 -b 1024 -O ^has_journal,^flex_bg");
	add_files(1);
	fs = open_image();
	assert_int_equal(group_get(fs, 1, &group), 0);
	lost = group->gd.block_bitmap;
	/* so that it is read */
	open_files(fs, &file, 1);
	assert_int_equal(fill_slot(&file, 0, group->first + 4000, 1, BALLOC_EXACT), 0);
	put_files(&file, 1);
	assert_int_equal(fs_close(fs), 0);
	fd = open("image", O_WRONLY);
	assert_int_equal(pwrite(fd, zeros, sizeof(zeros), (off_t)(lost * 1024)), sizeof(zeros));
	close(fd);
	fs = open_image();
	inode = get_inode(fs, FIRST_FILE_INO);
	free = balloc_free_clusters(fs);
	assert_int_equal(group_get(fs, 1, &group), 0);
	lost = group->gd.free_clusters;
	assert_int_equal(exhaust(fs, inode, 700, 0), free - lost);
	assert_int_equal(group->bad, GROUP_BLOCKS_BAD);
	inode_put(inode);
	assert_int_equal(fs_close(fs), 0);
}

/* ---- many groups ---- */

/* A full filesystem of many groups is searched once, not for every allocation. */
static void test_many_groups(void **state)
{
	struct balloc_want want = { .nr = 8 };
	uint64_t pblk[4], visits;
	struct inode *inode;
	uint32_t nr;
	struct handle *h;
	struct fs *fs;

	(void)state;
	/* groups of 256 blocks, the least there can be */
	make_image("3G", "-t ext4 -b 1024 -g 256 -N 50000 -O ^has_journal,^resize_inode,^flex_bg");
	add_files(1);
	fs = open_image();
	assert_true(fs->sb.groups > 12000);
	inode = get_inode(fs, FIRST_FILE_INO);
	exhaust(fs, inode, 256, 0);
	/* one block here and there */
	for (uint32_t i = 0; i < ARRAY_SIZE(pblk); i++) {
		pblk[i] = fs->sb.first_data_block + (i + 1) * UINT64_C(2500) * 256 + 200;
		h = start(fs, BALLOC_CREDITS);
		assert_int_equal(balloc_free(h, inode, pblk[i], 1, 0), 0);
		assert_int_equal(journal_stop(h), 0);
	}
	assert_int_equal(journal_wait(fs->journal, 0), 0);
	while (fs->groups->pending)
		usleep(1000);
	visits = fs->groups->visits;
	want.inode = inode;
	for (size_t i = 0; i < ARRAY_SIZE(pblk); i++) {
		h = start(fs, BALLOC_CREDITS);
		assert_int_equal(balloc_alloc(h, &want, &pblk[i], &nr), 0);
		assert_int_equal(nr, 1);
		assert_int_equal(journal_stop(h), 0);
	}
	print_message("%u groups, visits: %llu\n", fs->sb.groups,
		(unsigned long long)(fs->groups->visits - visits));
	assert_true(fs->groups->visits - visits < 40);
	inode_put(inode);
	assert_int_equal(fs_close(fs), 0);
}

static void test_trim(void **state)
{
	struct file file;
	uint64_t bytes;
	struct fs *fs;

	(void)state;
	make_image("40M", "-t ext4 -b 1024 -O ^has_journal");
	add_files(1);
	fs = open_image_as(true, true);
	open_files(fs, &file, 1);
	assert_int_equal(fill_slot(&file, 0, 0, 100, 0), 0);
	assert_int_equal(fill_slot(&file, 1, 0, 100, 0), 0);
	empty_slot(&file, 0, 0);
	assert_int_equal(journal_wait(fs->journal, 0), 0);
	while (fs->groups->pending)
		usleep(1000);
	balloc_release(file.inode);
	assert_int_equal(balloc_trim(fs, 0, UINT64_MAX, 0, &bytes), 0);
	assert_int_equal(bytes, balloc_free_clusters(fs) << 10);
	assert_int_equal(balloc_trim(fs, 0, UINT64_MAX, 10000 << 10, &bytes), -EINVAL);
	assert_int_equal(balloc_trim(fs, UINT64_MAX, 1024, 0, &bytes), -EINVAL);
	assert_int_equal(balloc_trim(fs, 20 << 20, 1 << 20, 0, &bytes), 0);
	assert_in_range(bytes, 1, 1 << 20);
	put_files(&file, 1);
	close_image(fs, "trim");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goal),
		cmocka_unit_test(test_bigalloc),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_exhaustion),
		cmocka_unit_test(test_reserved),
		cmocka_unit_test(test_interleaved),
		cmocka_unit_test(test_window_pressure),
		cmocka_unit_test(test_pending),
		cmocka_unit_test(test_bad_free),
		cmocka_unit_test(test_damaged_group),
		cmocka_unit_test(test_many_groups),
		cmocka_unit_test(test_trim),
	};

	return cmocka_run_group_tests(tests, fixture_setup_memory, fixture_teardown);
}
