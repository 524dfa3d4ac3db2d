// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Maps that are changed block by block, against a model: what each block of the file is. The deepest
 * trees come from every second block of the file being mapped.
 */
#include "config.h"

#include "map_fixture.h"

#include <errno.h>

#include "format/extent.h"
#include "fs/file.h"
#include "fs/inded.h"
#include "fs/mapedit.h"

/* ---- the model ---- */

struct model {
	struct fs *fs;
	struct inode *inode;
	uint8_t *kinds; /* enum run_kind of each block */
	uint64_t *pblks;
	uint32_t nr;
};

static void model_open(struct model *m, uint32_t nr)
{
	m->fs = open_image(true);
	m->inode = get_file(m->fs, "a");
	m->nr = nr;
	m->kinds = calloc(nr, 1);
	m->pblks = calloc(nr, sizeof(*m->pblks));
	assert_non_null(m->kinds);
	assert_non_null(m->pblks);
	/* e2fsck wants all data blocks inside the size */
	rwlock_write(&m->inode->lock);
	assert_int_equal(file_truncate_locked(m->inode, nr * (uint64_t)m->fs->sb.block_size), 0);
	rwlock_drop(&m->inode->lock);
}

/* What inode's map says is what the model says. */
static void compare(struct model *m, struct inode *inode)
{
	uint64_t lblk = 0;

	rwlock_read(&inode->lock);
	while (lblk < m->nr) {
		struct run run;

		assert_int_equal(map_lookup(inode, lblk, &run), 0);
		assert_int_equal(run.lblk, lblk);
		for (uint64_t i = 0; i < run.nr && lblk < m->nr; i++, lblk++) {
			if (m->kinds[lblk] != run.kind)
				fail_msg("block %u is of kind %d, not %d", (unsigned)lblk, run.kind,
					m->kinds[lblk]);
			if (run.kind != RUN_HOLE)
				assert_int_equal(m->pblks[lblk], run.pblk + i);
		}
	}
	rwlock_drop(&inode->lock);
}

/* Compares in memory, and with what a fresh reader finds; then e2fsck judges. */
static void model_close(struct model *m, bool strict)
{
	struct inode *inode;

	compare(m, m->inode);
	inode_put(m->inode);
	assert_int_equal(fs_close(m->fs), 0);
	judge(strict);
	m->fs = open_image(false);
	inode = get_file(m->fs, "a");
	compare(m, inode);
	inode_put(inode);
	assert_int_equal(fs_close(m->fs), 0);
	free(m->kinds);
	free(m->pblks);
}

/* ---- operations on both ---- */

static struct handle *begin(struct model *m)
{
	struct handle *h;

	rwlock_write(&m->inode->lock);
	assert_int_equal(journal_start(m->fs->journal, map_credits(m->inode), &h), 0);
	return h;
}

static void end(struct model *m, struct handle *h)
{
	assert_int_equal(journal_stop(h), 0);
	rwlock_drop(&m->inode->lock);
}

static uint32_t do_alloc(struct model *m, uint32_t lblk, uint32_t nr, enum run_kind kind)
{
	struct handle *h = begin(m);
	struct run run = { .nr = 0 };
	int err = map_alloc(h, m->inode, lblk, nr, kind, 0, &run);

	if (m->kinds[lblk] != RUN_HOLE) {
		assert_int_equal(err, -EEXIST);
	} else if (err != -ENOSPC) {
		assert_int_equal(err, 0);
		assert_int_equal(run.lblk, lblk);
		assert_true(run.nr >= 1 && run.nr <= nr);
		assert_int_equal(run.kind, kind);
		for (uint32_t i = 0; i < run.nr; i++) {
			assert_int_equal(m->kinds[lblk + i], RUN_HOLE);
			m->kinds[lblk + i] = (uint8_t)kind;
			m->pblks[lblk + i] = run.pblk + i;
		}
	}
	end(m, h);
	return err ? 0 : (uint32_t)run.nr;
}

static void do_free(struct model *m, uint32_t from, uint32_t to)
{
	struct handle *h = begin(m);
	uint64_t left = to;

	for (;;) {
		assert_int_equal(map_free(h, m->inode, from, left, 0, &left), 0);
		if (left == from)
			break;
		assert_int_equal(journal_restart(h, map_credits(m->inode)), 0);
	}
	memset(m->kinds + from, RUN_HOLE, to - from);
	end(m, h);
}

/* Gives the part of [lblk, lblk + nr) that is one run with its first block another kind. */
static void do_mark(struct model *m, uint32_t lblk, uint32_t nr)
{
	enum run_kind kind = m->kinds[lblk];
	struct handle *h;
	struct run run;
	int err;

	if (kind == RUN_HOLE)
		return;
	h = begin(m);
	assert_int_equal(map_lookup(m->inode, lblk, &run), 0);
	if (nr > run.nr)
		nr = (uint32_t)run.nr;
	kind = kind == RUN_DATA ? RUN_UNWRITTEN : RUN_DATA;
	if (kind == RUN_DATA)
		err = map_convert(h, m->inode, lblk, nr);
	else
		err = map_unwrite(h, m->inode, lblk, nr);
	assert_true(err == 0 || err == -ENOSPC);
	if (!err)
		memset(m->kinds + lblk, kind, nr);
	end(m, h);
}

static unsigned tree_depth(const struct inode *inode)
{
	struct extent_node node;
	const char *why;

	assert_int_equal(
		extent_node_decode(inode->d.block, DINODE_BLOCK_SIZE, &node, &why), 0);
	return node.depth;
}

/* ---- tests ---- */

/* Every second block, upwards: leaves that fill one after the other; then the same backwards. */
static void test_deep(void **state)
{
	const uint32_t nr = 58000;
	struct model m;

	(void)state;
	make_image("80M", "-b 1024 -t ext4");
	model_open(&m, nr);
	for (uint32_t lblk = 0; lblk < nr; lblk += 2)
		do_alloc(&m, lblk, 1, RUN_DATA);
	assert_int_equal(tree_depth(m.inode), 3);
	model_close(&m, true);

	model_open(&m, nr);
	memset(m.kinds, RUN_HOLE, nr);
	do_free(&m, 0, nr);
	assert_int_equal(tree_depth(m.inode), 0);
	assert_int_equal(m.inode->d.blocks, 0);
	for (uint32_t lblk = nr; lblk; lblk -= 2)
		do_alloc(&m, lblk - 1, 1, lblk % 4 ? RUN_DATA : RUN_UNWRITTEN);
	assert_int_equal(tree_depth(m.inode), 3);
	model_close(&m, false);
}

/* A tree that was deep becomes the four extents it needs once the holes are filled. */
static void test_merge(void **state)
{
	struct model m;

	(void)state;
	make_image("16M", "-b 1024 -t ext4");
	model_open(&m, 1024);
	do_alloc(&m, 0, 1024, RUN_UNWRITTEN);
	for (uint32_t lblk = 0; lblk < 1024; lblk += 2)
		do_mark(&m, lblk, 1);
	assert_true(tree_depth(m.inode) >= 1);
	compare(&m, m.inode);
	for (uint32_t lblk = 1; lblk < 1024; lblk += 2)
		do_mark(&m, lblk, 1);
	compare(&m, m.inode);
	assert_int_equal(tree_depth(m.inode), 0);
	model_close(&m, true);
}

/* The last blocks a map can have, and the first it cannot. */
static void test_limits(void **state)
{
	struct model m;
	struct handle *h;
	struct run run;
	uint64_t left;

	(void)state;
	make_image("16M", "-b 1024 -t ext4");
	model_open(&m, 16);
	h = begin(&m);
	assert_int_equal(map_alloc(h, m.inode, 0xFFFFFFFF, 1, RUN_DATA, 0, &run), -EFBIG);
	assert_int_equal(map_alloc(h, m.inode, 0xFFFFFFFE, 5, RUN_DATA, 0, &run), 0);
	assert_int_equal(run.nr, 1);
	assert_int_equal(map_alloc(h, m.inode, 0xFFFFFFFE, 1, RUN_DATA, 0, &run), -EEXIST);
	assert_int_equal(map_free(h, m.inode, 1, UINT64_MAX, 0, &left), 0);
	assert_int_equal(left, 1);
	end(&m, h);
	model_close(&m, true);

	make_image("16M", "-b 1024 -t ext3");
	model_open(&m, 16);
	h = begin(&m);
	assert_int_equal(map_alloc(h, m.inode, inded_max_blocks(10), 1, RUN_DATA, 0, &run), -EFBIG);
	assert_int_equal(map_alloc(h, m.inode, 3, 1, RUN_UNWRITTEN, 0, &run), -EOPNOTSUPP);
	assert_int_equal(map_alloc(h, m.inode, inded_max_blocks(10) - 1, 5, RUN_DATA, 0, &run), 0);
	assert_int_equal(run.nr, 1);
	assert_int_equal(m.inode->d.blocks, 8);
	assert_int_equal(map_free(h, m.inode, 0, UINT64_MAX, 0, &left), 0);
	assert_int_equal(left, 0);
	assert_int_equal(m.inode->d.blocks, 0);
	end(&m, h);
	model_close(&m, true);
}

/* Anything anywhere. unwritten: the map can say so. */
static void random_changes(struct model *m, uint32_t seed, unsigned rounds, bool unwritten)
{
	uint32_t rng = seed;

	for (unsigned i = 0; i < rounds; i++) {
		uint32_t lblk = next_random(&rng) % m->nr, room = m->nr - lblk;
		uint32_t nr = 1 + next_random(&rng) % (next_random(&rng) % 8 ? 6 : 300);
		unsigned what = next_random(&rng) % 16;

		if (nr > room)
			nr = room;
		if (what < 8)
			do_alloc(m, lblk, nr,
				unwritten && next_random(&rng) % 2 ? RUN_UNWRITTEN : RUN_DATA);
		else if (what < 12 && unwritten)
			do_mark(m, lblk, nr);
		else if (what < 15)
			do_free(m, lblk, lblk + nr);
		if (i % 400 == 399)
			compare(m, m->inode);
	}
	compare(m, m->inode);
}

static void test_random(void **state)
{
	static const struct {
		const char *size, *args;
		uint32_t nr;
		bool extents;
	} cases[] = {
		{ "16M", "-b 1024 -t ext4", 8000, true },
		{ "64M", "-b 4096 -t ext4", 8000, true },
		{ "16M", "-b 1024 -t ext4 -O ^has_journal,^metadata_csum,uninit_bg", 8000, true },
		{ "16M", "-b 1024 -t ext4 -O 64bit,bigalloc -C 16384", 6000, true },
		{ "64M", "-b 4096 -t ext4 -O bigalloc -C 32768", 6000, true },
		{ "16M", "-b 1024 -t ext2", 8000, false },
		{ "32M", "-b 1024 -t ext3", 80000, false },
		{ "64M", "-b 4096 -t ext4 -O ^extents,^64bit", 8000, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct model m;

		make_image(cases[i].size, cases[i].args);
		model_open(&m, cases[i].nr);
		random_changes(&m, (uint32_t)i + 1, 6000, cases[i].extents);
		model_close(&m, false);
		model_open(&m, cases[i].nr);
		do_free(&m, 0, cases[i].nr);
		assert_int_equal(m.inode->d.blocks, 0);
		model_close(&m, true);
	}
}

/* Space that runs out leaves a map that is whole. */
static void test_no_space(void **state)
{
	static const char *const args[] = { "-b 1024 -t ext4 -O ^has_journal",
		"-b 1024 -t ext2" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(args); i++) {
		struct model m;
		uint32_t got = 1;

		make_image("2M", args[i]);
		model_open(&m, 8000);
		for (uint32_t lblk = 0; got && lblk < m.nr; lblk += 3)
			got = do_alloc(&m, lblk, 1, RUN_DATA);
		assert_int_equal(got, 0);
		model_close(&m, true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_no_space),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
