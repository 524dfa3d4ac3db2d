// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Usage in the quota files. Images are mke2fs's; owners use inodes and blocks through the
 * allocators, and e2fsck, which counts for itself, compares. Without these programs everything is
 * skipped.
 */
#include "config.h"

#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format/dquot.h"
#include "format/le.h"
#include "fs/attr.h"
#include "fs/dir.h"
#include "fs/fs_i.h"
#include "fs/inode.h"
#include "fs/mapedit.h"
#include "fs/namei.h"
#include "fs/quotafile.h"
#include "fs/usage.h"

/* ---- images ---- */

static const char *const kinds[] = {
	"-b 1024 -t ext4 -O ^has_journal",
	"-b 4096 -t ext4 -O ^has_journal",
	"-b 1024 -t ext4 -O ^metadata_csum,^64bit",
	"-b 4096 -t ext4 -O bigalloc",
	"-b 1024 -t ext2 -I 256 -O extra_isize",
	"-b 2048 -t ext4 -O ^flex_bg,uninit_bg,^metadata_csum",
};

#define FILES 400u

/* Makes ./image of the kind, with FILES empty files in the root. */
static void make(const char *kind)
{
	NEED_TOOLS(fixture.tools);
	if (sh("[ -d files ] || { mkdir files && cd files && seq -f f%%g 0 %u | xargs touch; }",
		    FILES - 1))
		fail_msg("files");
	if (sh("rm -f image; truncate -s 32M image && "
	       "mke2fs -q -F -N 4096 -d files %s -O quota,project "
	       "-E quotatype=usrquota:grpquota:prjquota image", kind))
		fail_msg("mke2fs %s", kind);
	/* mke2fs counts before it fills */
	(void)!sh("e2fsck -fy image");
}

static int try_open(unsigned quota_limits, struct fs **ret)
{
	struct fs_options opts = { .writable = true, .quota_limits = quota_limits };
	int fd = open("image", O_RDWR);
	struct blk *blk;

	assert_true(fd >= 0);
	assert_int_equal(blk_file_new(fd, true, &blk), 0);
	return fs_open(blk, &opts, &fixture.log, ret);
}

static struct fs *open_image_with(unsigned quota_limits)
{
	struct fs *fs;

	assert_int_equal(try_open(quota_limits, &fs), 0);
	return fs;
}

static struct fs *open_image(void)
{
	return open_image_with(0);
}

/* A quota file as debugfs copies it, and how often each of its blocks was met. */
struct dump {
	uint8_t *raw;
	size_t size;
	uint8_t *met;
	struct dquot_info info;
	unsigned entries;
};

static const uint8_t *meet(struct dump *dump, uint32_t nr)
{
	assert_true(nr < dump->info.blocks);
	dump->met[nr]++;
	return dump->raw + (size_t)nr * DQUOT_BLOCK_SIZE;
}

static void check_node(struct dump *dump, uint32_t nr, unsigned level)
{
	const uint8_t *raw = meet(dump, nr);

	assert_true(nr == DQUOT_ROOT || !dquot_node_is_empty(raw));
	for (unsigned i = 0; i < DQUOT_REFS; i++) {
		uint32_t ref = le32_get(raw + i * 4);

		if (!ref)
			continue;
		assert_true(dquot_ref_valid(&dump->info, ref));
		if (level < DQUOT_DEPTH - 1)
			check_node(dump, ref, level + 1);
		else if (!dump->met[ref])
			(void)meet(dump, ref);
		dump->entries += level == DQUOT_DEPTH - 1;
	}
}

/* Each leaf with room is in the list of those, once, with the right links. */
static void check_leaves(struct dump *dump)
{
	uint32_t prev = 0;

	for (uint32_t nr = dump->info.free_leaf; nr;) {
		struct dquot_leaf leaf;

		assert_int_equal(dump->met[nr], 1);
		dump->met[nr]++;
		assert_int_equal(dquot_leaf_decode(dump->raw + (size_t)nr * DQUOT_BLOCK_SIZE,
					 &dump->info, &leaf), 0);
		assert_int_equal(leaf.prev, prev);
		assert_true(leaf.entries > 0 && leaf.entries < DQUOT_ENTRIES);
		prev = nr;
		nr = leaf.next;
	}
}

static void check_unused(struct dump *dump)
{
	for (uint32_t nr = dump->info.free_block; nr;) {
		struct dquot_leaf head;

		assert_int_equal(dquot_leaf_decode(meet(dump, nr), &dump->info, &head), 0);
		assert_int_equal(head.entries, 0);
		assert_int_equal(head.prev, 0);
		nr = head.next;
	}
}

static void dump_quota(uint32_t ino, struct dump *ret)
{
	struct stat st;
	FILE *file;

	assert_int_equal(sh("rm -f quota; debugfs -R 'dump <%u> quota' image", ino), 0);
	file = fopen("quota", "r");
	assert_non_null(file);
	assert_int_equal(fstat(fileno(file), &st), 0);
	*ret = (struct dump){ .size = (size_t)st.st_size };
	ret->raw = calloc(1, ret->size + DQUOT_BLOCK_SIZE);
	ret->met = calloc(1, ret->size / DQUOT_BLOCK_SIZE + 1);
	assert_int_equal(fread(ret->raw, 1, ret->size, file), ret->size);
	fclose(file);
}

/* The file is a tree, two lists and nothing else. Returns how many entries it has. */
static unsigned check_quota(enum dquot_type type, uint32_t ino)
{
	struct dump dump;
	const char *why;

	dump_quota(ino, &dump);
	assert_int_equal(dquot_info_decode(dump.raw, type, dump.size, &dump.info, &why), 0);
	(void)meet(&dump, 0);
	check_node(&dump, DQUOT_ROOT, 0);
	check_leaves(&dump);
	check_unused(&dump);
	for (uint32_t nr = 0; nr < dump.info.blocks; nr++)
		assert_true(dump.met[nr]);
	free(dump.raw);
	free(dump.met);
	return dump.entries;
}

/* e2fsck counts for itself, and compares. */
static void judge(struct fs *fs, const char *kind)
{
	uint32_t inos[DQUOT_TYPES];

	memcpy(inos, fs->sb.special_ino, sizeof(inos));
	assert_int_equal(fs_close(fs), 0);
	if (sh("e2fsck -fn image")) {
		(void)!system("cat log");
		fail_msg("%s: e2fsck", kind);
	}
	for (unsigned type = 0; type < DQUOT_TYPES; type++)
		if (inos[type])
			(void)check_quota((enum dquot_type)type, inos[type]);
}

/* ---- files that use something ---- */

static struct inode *file_get(struct fs *fs, unsigned nr)
{
	struct inode *root, *inode;
	char name[16];
	uint32_t ino;

	snprintf(name, sizeof(name), "f%u", nr);
	assert_int_equal(inode_get(fs, EXT2_ROOT_INO, &root), 0);
	assert_int_equal(dir_lookup(root, name, strlen(name), &ino), 0);
	inode_put(root);
	assert_int_equal(inode_get(fs, ino, &inode), 0);
	return inode;
}

static struct handle *start(struct fs *fs, unsigned credits)
{
	struct handle *h;

	assert_int_equal(journal_start(fs->journal, credits, &h), 0);
	return h;
}

/* acquire: as it should be done; else the entries are made within the handle. */
static int change_owner(struct inode *inode, const uint32_t ids[DQUOT_TYPES], bool acquire)
{
	struct fs *fs = inode->fs;
	struct handle *h;
	int err = 0;

	rwlock_write(&inode->lock);
	if (acquire)
		err = usage_acquire(fs, ids[0], ids[1], ids[2]);
	if (!err) {
		h = start(fs, usage_credits(fs) + INODE_CREDITS);
		err = usage_transfer(h, inode, ids[0], ids[1], ids[2]);
		if (!err) {
			inode->d.uid = ids[0];
			inode->d.gid = ids[1];
			inode->d.projid = ids[2];
			assert_int_equal(inode_write(h, inode), 0);
		}
		assert_int_equal(journal_stop(h), 0);
	}
	rwlock_drop(&inode->lock);
	return err;
}

static int file_grow(struct inode *inode, uint32_t nr)
{
	struct fs *fs = inode->fs;
	enum run_kind kind = inode->d.flags & EXT4_EXTENTS_FL ? RUN_UNWRITTEN : RUN_DATA;
	struct handle *h;
	struct run run;
	int err;

	rwlock_write(&inode->lock);
	h = start(fs, map_credits(inode) + INODE_CREDITS);
	err = map_alloc(h, inode, inode->d.size >> fs->sb.block_bits, nr, kind, 0, &run);
	if (!err) {
		/* a hole of one cluster behind it, so that maps get levels */
		inode->d.size = (run.lblk + run.nr) << fs->sb.block_bits;
		inode->d.size += (uint64_t)fs->sb.block_size << fs->sb.cluster_bits;
		assert_int_equal(inode_write(h, inode), 0);
	}
	assert_int_equal(journal_stop(h), 0);
	rwlock_drop(&inode->lock);
	return err;
}

static void file_empty(struct inode *inode)
{
	uint64_t left = UINT64_C(1) << 32;
	struct handle *h;

	rwlock_write(&inode->lock);
	h = start(inode->fs, map_credits(inode) + INODE_CREDITS);
	while (left) {
		assert_int_equal(map_free(h, inode, 0, left, 0, &left), 0);
		if (left)
			assert_int_equal(journal_restart(h, map_credits(inode) + INODE_CREDITS), 0);
	}
	inode->d.size = 0;
	assert_int_equal(inode_write(h, inode), 0);
	assert_int_equal(journal_stop(h), 0);
	rwlock_drop(&inode->lock);
}

/* ---- what the quota files say ---- */

static bool quota_of(struct fs *fs, enum dquot_type type, uint32_t id, struct dquot *ret)
{
	struct quotafile_entry entry;
	struct quotafile *file;

	assert_int_equal(quotafile_open(fs, type, &file), 0);
	lock_take(&file->lock);
	assert_int_equal(quotafile_find_locked(file, id, &entry), 0);
	if (entry.buf)
		dquot_decode(entry.raw, ret);
	lock_drop(&file->lock);
	quotafile_entry_fini(&entry);
	quotafile_close(file);
	return ret && entry.buf;
}

static void assert_quota(struct fs *fs, uint32_t id, uint64_t inodes, uint64_t blocks)
{
	for (unsigned type = 0; type < DQUOT_TYPES; type++) {
		struct dquot d = { 0 };

		(void)quota_of(fs, (enum dquot_type)type, id, &d);
		assert_int_equal(d.inodes, inodes);
		assert_int_equal(d.space, blocks * fs->sb.block_size);
	}
}

/* ---- the tests ---- */

/* One file that changes hands. */
static void test_one(void **state)
{
	static const uint32_t alice[] = { 1000, 1000, 1000 }, bob[] = { 2000, 2000, 2000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct inode *inode;
		struct fs *fs;
		uint64_t blocks;

		make(kinds[i]);
		fs = open_image();
		inode = file_get(fs, 3);
		assert_quota(fs, 1000, 0, 0);
		assert_int_equal(change_owner(inode, alice, true), 0);
		assert_quota(fs, 1000, 1, 0);
		assert_int_equal(file_grow(inode, 20), 0);
		blocks = inode->d.blocks >> (fs->sb.block_bits - 9);
		assert_true(blocks > 0);
		assert_quota(fs, 1000, 1, blocks);
		assert_int_equal(change_owner(inode, bob, false), 0);
		assert_quota(fs, 1000, 0, 0);
		assert_quota(fs, 2000, 1, blocks);
		file_empty(inode);
		assert_quota(fs, 2000, 1, 0);
		inode_put(inode);
		judge(fs, kinds[i]);
		/* who has nothing any more has gone */
		fs = open_image();
		for (unsigned type = 0; type < DQUOT_TYPES; type++) {
			struct dquot d;

			assert_false(quota_of(fs, (enum dquot_type)type, 1000, &d));
			assert_true(quota_of(fs, (enum dquot_type)type, 2000, &d));
		}
		judge(fs, kinds[i]);
	}
}

/* Values of ea_inode are their users', who take them along. */
static void test_values(void **state)
{
	static const uint32_t alice[] = { 1000, 1000, 1000 };
	static const char *const values[] = {
		"-b 1024 -t ext4 -O ea_inode -I 256",
		"-b 4096 -t ext4 -O ea_inode,bigalloc",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		struct inode *inode;
		struct dquot d;
		struct fs *fs;

		make(values[i]);
		assert_int_equal(sh("head -c 7000 /dev/zero | tr '\\0' v > value && "
				    "for a in a b; do debugfs -w "
				    "-R \"ea_set -f value f3 user.$a\" image; done; "
				    "e2fsck -fy image; debugfs -R 'ea_list f3' image; "
				    "e2fsck -fn image"), 0);
		fs = open_image();
		inode = file_get(fs, 3);
		assert_int_equal(change_owner(inode, alice, true), 0);
		assert_true(quota_of(fs, DQUOT_GROUP, 1000, &d));
		assert_int_equal(d.inodes, 3);
		assert_true(d.space >= 2048);
		inode_put(inode);
		judge(fs, values[i]);
	}
}

struct storm {
	struct fs *fs;
	unsigned from, to; /* files */
	unsigned seed, turns;
	bool hostile; /* errors are expected */
};

static uint32_t some_id(unsigned *seed)
{
	uint32_t id = (uint32_t)rand_r(seed);

	switch (id >> 8 & 3) {
	case 0:
		return id & 7;
	case 1:
		return id & 0x1FF;
	case 2:
		return id & 0x7F0000;
	default:
		return id << 4;
	}
}

static void *storm_run(void *arg)
{
	struct storm *storm = arg;

	for (unsigned i = 0; i < storm->turns; i++) {
		unsigned what = (unsigned)rand_r(&storm->seed) % 8;
		unsigned nr = storm->from +
			(unsigned)rand_r(&storm->seed) % (storm->to - storm->from);
		struct inode *inode = file_get(storm->fs, nr);
		uint32_t ids[DQUOT_TYPES] = { some_id(&storm->seed), some_id(&storm->seed),
			some_id(&storm->seed) };
		int err = 0;

		if (what < 4)
			err = change_owner(inode, ids, what);
		else if (what < 7)
			err = file_grow(inode, 1 + what * 2);
		else
			file_empty(inode);
		if (err && err != -ENOSPC && !storm->hostile)
			fail_msg("error %d", err);
		inode_put(inode);
	}
	return NULL;
}

static void test_storm(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct storm storm = { .from = 0, .to = FILES, .turns = 1500, .seed = 1 };

		make(kinds[i]);
		for (unsigned round = 0; round < 2; round++) {
			storm.fs = open_image();
			storm_run(&storm);
			judge(storm.fs, kinds[i]);
		}
	}
}

/* Killed at any time, the server leaves usage that agrees with what is used. */
static void test_killed(void **state)
{
	(void)state;
	make("-b 1024 -t ext4 -J size=1");
	for (unsigned seed = 1; seed <= 4; seed++) {
		struct storm storm = { .to = FILES, .turns = 60 * seed, .seed = seed };
		pid_t pid = fork();
		int status;

		assert_true(pid >= 0);
		if (!pid) {
			if (try_open(0, &storm.fs))
				_exit(1);
			storm_run(&storm);
			if (journal_wait(storm.fs->journal, 0))
				_exit(1);
			storm_run(&storm);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		judge(open_image(), "killed");
	}
}

static void test_one_type(void **state)
{
	struct storm storm = { .from = 0, .to = FILES, .turns = 300, .seed = 1 };

	(void)state;
	make(kinds[2]);
	assert_int_equal(sh("tune2fs -Q ^usrquota,^prjquota image"), 0);
	storm.fs = open_image();
	assert_int_equal(usage_credits(storm.fs), 2);
	storm_run(&storm);
	judge(storm.fs, kinds[2]);
}

#define THREADS 4u

static void test_threads(void **state)
{
	struct storm storms[THREADS];
	pthread_t threads[THREADS];
	struct fs *fs;

	(void)state;
	make(kinds[0]);
	fs = open_image();
	for (unsigned i = 0; i < THREADS; i++) {
		storms[i] = (struct storm){ .fs = fs, .from = i * 50, .to = i * 50 + 50,
			.turns = 400, .seed = i };
		assert_int_equal(pthread_create(&threads[i], NULL, storm_run, &storms[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	judge(fs, kinds[0]);
}

/* ---- full filesystems, limits ---- */

static void fill_up(struct fs *fs)
{
	struct inode *inode = file_get(fs, 0);

	for (uint32_t nr = 1024; nr; nr /= 2)
		while (!file_grow(inode, nr))
			;
	inode_put(inode);
}

/* Where the quota files cannot grow, nobody new gets anything; and nothing is wrong then. */
static void test_full(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct fs *fs;
		unsigned failed = 0;

		make(kinds[i]);
		assert_int_equal(sh("tune2fs -r 0 image"), 0);
		fs = open_image();
		fill_up(fs);
		for (uint32_t nr = 1; nr < FILES; nr++) {
			const uint32_t ids[] = { nr << 24 | nr, nr << 20, nr << 16 };
			struct inode *inode = file_get(fs, nr);
			int err = change_owner(inode, ids, nr % 2);

			assert_true(!err || err == -ENOSPC);
			failed += err != 0;
			inode_put(inode);
		}
		assert_true(failed > FILES / 2);
		judge(fs, kinds[i]);
	}
}

/* ---- transactions that are nearly full ---- */

#define LEFT_MAX 400u /* credits: more than any of the operations takes */
#define LEFT_STEP 16u /* fewer than a new entry takes */

/* A thread that has nearly all of the running transaction for a moment. */
struct hog {
	struct fs *fs;
	unsigned credits;
	atomic_bool has;
};

static void *hog_run(void *arg)
{
	const struct timespec moment = { .tv_nsec = 5000000 };
	struct hog *hog = arg;
	struct handle *h = start(hog->fs, hog->credits);

	atomic_store(&hog->has, true);
	nanosleep(&moment, NULL);
	assert_int_equal(journal_stop(h), 0);
	return NULL;
}

/* The most credits that a handle can have. */
static unsigned most_credits(struct fs *fs)
{
	unsigned most = 1 << 20;
	struct handle *h;

	while (journal_start(fs->journal, most, &h))
		most--;
	assert_int_equal(journal_stop(h), 0);
	return most;
}

/* One operation that gives something to somebody of whom the quota files know nothing yet. */
typedef int give_fn(struct inode *dir, struct inode *file, uint32_t id);

static int put_made(int err, struct inode **made)
{
	if (!err)
		inode_put(*made);
	return err;
}

static int give_by_make(struct inode *dir, struct inode *file, uint32_t id)
{
	const struct cred cred = { .uid = id, .gid = id };
	struct inode *made;
	char name[16];

	(void)file;
	snprintf(name, sizeof(name), "m%u", id);
	return put_made(namei_make(dir, name, strlen(name), S_IFDIR | 0755, 0, &cred, &made), &made);
}

static int give_by_symlink(struct inode *dir, struct inode *file, uint32_t id)
{
	const struct cred cred = { .uid = id, .gid = id };
	struct inode *made;
	char name[16];

	(void)file;
	snprintf(name, sizeof(name), "l%u", id);
	return put_made(namei_symlink(dir, name, strlen(name), "target", 6, &cred, &made), &made);
}

static int give_by_tmpfile(struct inode *dir, struct inode *file, uint32_t id)
{
	const struct cred cred = { .uid = id, .gid = id };
	struct inode *made;

	(void)file;
	return put_made(namei_tmpfile(dir, S_IFREG | 0600, &cred, &made), &made);
}

static int give_by_whiteout(struct inode *dir, struct inode *file, uint32_t id)
{
	const struct cred cred = { .uid = id, .gid = id };
	char name[16], to[16];
	uint32_t ino;

	(void)file;
	snprintf(name, sizeof(name), "f%u", id % FILES);
	snprintf(to, sizeof(to), "w%u", id);
	return namei_rename(dir, name, strlen(name), dir, to, strlen(to), RENAME_WHITEOUT, &cred,
		&ino);
}

static int give_by_chown(struct inode *dir, struct inode *file, uint32_t id)
{
	const struct attr_change change = { .what = ATTR_UID | ATTR_GID, .uid = id, .gid = id };
	struct dinode d;

	(void)dir;
	return attr_set(file, &change, &d);
}

static int give_by_project(struct inode *dir, struct inode *file, uint32_t id)
{
	(void)dir;
	return attr_set_project(file, id);
}

/* Room for a new owner's entries is found before the operation, however full the transaction is. */
static void test_nearly_full(void **state)
{
	static give_fn *const ways[] = { give_by_make, give_by_symlink, give_by_tmpfile,
		give_by_whiteout, give_by_chown, give_by_project };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct hog hog = { .has = false };
		struct inode *dir, *file;
		pthread_t thread;
		unsigned most;

		make("-b 1024 -t ext4 -J size=4");
		hog.fs = open_image();
		file = file_get(hog.fs, 3);
		assert_int_equal(inode_get(hog.fs, EXT2_ROOT_INO, &dir), 0);
		most = most_credits(hog.fs);
		for (unsigned left = LEFT_STEP; left < LEFT_MAX; left += LEFT_STEP) {
			int err;

			assert_int_equal(fs_sync(hog.fs), 0);
			hog.credits = most - left;
			hog.has = false;
			assert_int_equal(pthread_create(&thread, NULL, hog_run, &hog), 0);
			while (!atomic_load(&hog.has))
				sched_yield();
			/* far from each other, so that each needs new blocks in the tree */
			err = ways[i](dir, file, left << 20 | left << 10 | left);
			pthread_join(thread, NULL);
			if (err)
				fail_msg("way %zu, %u credits left: %s", i, left, strerror(-err));
		}
		inode_put(file);
		inode_put(dir);
		judge(hog.fs, "nearly full");
	}
}

static void set_limits(struct fs *fs, uint32_t id, struct dquot limits)
{
	struct quotafile_entry entry;
	struct quotafile *file;
	struct handle *h;
	struct dquot d;

	assert_int_equal(usage_acquire(fs, id, 0, 0), 0);
	assert_int_equal(quotafile_open(fs, DQUOT_USER, &file), 0);
	h = start(fs, 1);
	lock_take(&file->lock);
	assert_int_equal(quotafile_find_locked(file, id, &entry), 0);
	assert_int_equal(journal_write(h, entry.buf), 0);
	dquot_decode(entry.raw, &d);
	limits.id = id;
	limits.space = d.space;
	limits.inodes = d.inodes;
	dquot_encode(&limits, entry.raw);
	lock_drop(&file->lock);
	assert_int_equal(journal_stop(h), 0);
	quotafile_entry_fini(&entry);
	quotafile_close(file);
}

static void test_limits(void **state)
{
	static const uint32_t alice[] = { 1000, 0, 0 }, bob[] = { 2000, 5, 5 };
	struct inode *one, *two;
	struct dquot d = { 0 };
	struct fs *fs;

	(void)state;
	for (unsigned limits = 0; limits < 2; limits++) {
		make(kinds[0]);
		fs = open_image_with(limits ? 1u << DQUOT_USER : 0);
		one = file_get(fs, 1);
		two = file_get(fs, 2);
		set_limits(fs, 1000, (struct dquot){ .space_hard = 30, .space_soft = 10 });
		set_limits(fs, 2000, (struct dquot){ .inodes_hard = 1 });
		assert_int_equal(change_owner(one, alice, true), 0);
		assert_int_equal(file_grow(one, 20), 0);
		assert_true(quota_of(fs, DQUOT_USER, 1000, &d));
		assert_int_equal(d.space_time != 0, limits);
		assert_int_equal(file_grow(one, 20), limits ? -EDQUOT : 0);
		assert_int_equal(change_owner(one, bob, true), 0);
		assert_true(quota_of(fs, DQUOT_USER, 1000, &d));
		assert_int_equal(d.space_time, 0);
		assert_int_equal(change_owner(two, bob, true), limits ? -EDQUOT : 0);
		file_empty(one);
		inode_put(one);
		inode_put(two);
		judge(fs, "limits");
	}
}

/* ---- damage ---- */

/* Spoils some bytes of block nr of ./image. */
static void spoil(uint64_t pblk, unsigned block_size, unsigned *seed)
{
	int fd = open("image", O_RDWR);
	uint8_t block[4096];
	off_t at = (off_t)(pblk * block_size);

	assert_true(fd >= 0 && block_size <= sizeof(block));
	assert_int_equal(pread(fd, block, block_size, at), block_size);
	for (unsigned i = 0; i < 12; i++) {
		/* small numbers are block numbers, mostly good ones */
		unsigned off = (unsigned)rand_r(seed) % (block_size / 4) * 4;

		if (i < 6)
			off %= 128;
		le32_put(block + off, (uint32_t)rand_r(seed) % (i % 4 ? 40 : 70000));
	}
	assert_int_equal(pwrite(fd, block, block_size, at), block_size);
	close(fd);
}

static unsigned file_blocks(uint32_t ino, uint64_t *ret, unsigned max)
{
	struct inode *inode;
	unsigned nr = 0;
	struct fs *fs = open_image();

	assert_int_equal(inode_get_special(fs, ino, &inode), 0);
	while (nr < max && (uint64_t)nr << fs->sb.block_bits < inode->d.size) {
		struct run run;

		assert_int_equal(map_lookup(inode, nr, &run), 0);
		ret[nr++] = run.pblk;
	}
	inode_put(inode);
	assert_int_equal(fs_close(fs), 0);
	return nr;
}

/* Whatever the file says: no crash, no endless loop, and the server goes on. */
static void test_damaged(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 30; seed++) {
		struct storm storm = { .to = FILES, .turns = 150, .seed = seed, .hostile = true };
		const char *kind = kinds[seed % 2];
		unsigned random = seed, nr, block_size = seed % 2 ? 4096 : 1024;
		uint64_t blocks[200];
		struct fs *fs;

		make(kind);
		storm.fs = open_image();
		storm_run(&storm);
		assert_int_equal(fs_close(storm.fs), 0);
		nr = file_blocks(3, blocks, ARRAY_SIZE(blocks));
		for (unsigned i = 0; i < 1 + seed % 5; i++)
			spoil(blocks[(unsigned)rand_r(&random) % nr], block_size, &random);
		if (try_open(0, &fs))
			continue;
		storm.fs = fs;
		storm_run(&storm);
		(void)!fs_close(fs);
	}
}

/* Quota files that cannot be used at all: not for writing. */
static void test_refused(void **state)
{
	static const struct {
		unsigned off; /* in block 0 */
		uint32_t value;
	} cases[] = { { 0, 0 }, { 4, 0 }, { 4, 2 }, { 20, 1 }, { 20, 1000 }, { 24, 1 }, { 24, 6 },
		{ 28, 1000 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t block;
		uint8_t raw[4];
		struct fs *fs;
		int fd;

		make(kinds[0]);
		assert_int_equal(file_blocks(4, &block, 1), 1);
		fd = open("image", O_WRONLY);
		le32_put(raw, cases[i].value);
		assert_int_equal(pwrite(fd, raw, 4, (off_t)(block * 1024 + cases[i].off)), 4);
		close(fd);
		assert_int_equal(try_open(0, &fs), -EUCLEAN);
	}
}

/* ---- the format ---- */

static void test_entry(void **state)
{
	static const struct dquot full = { .id = 5, .space = 1, .inodes = 2, .space_hard = 3,
		.space_soft = 4, .inodes_hard = 5, .inodes_soft = 6, .space_time = 7,
		.inodes_time = 8 };
	uint8_t raw[72], again[72];
	struct dquot d;

	(void)state;
	dquot_encode(&full, raw);
	assert_int_equal(le32_get(raw), 5);
	assert_int_equal(le64_get(raw + 24), 2);
	assert_int_equal(le64_get(raw + 48), 1);
	assert_true(dquot_is_of(raw, 5));
	assert_false(dquot_is_of(raw, 0));
	dquot_decode(raw, &d);
	dquot_encode(&d, again);
	assert_memory_equal(again, raw, sizeof(raw));
	assert_false(dquot_is_idle(&d));
	/* root without anything is told from a free entry */
	d = (struct dquot){ 0 };
	dquot_encode(&d, raw);
	assert_int_equal(le64_get(raw + 64), 1);
	assert_true(dquot_is_of(raw, 0));
	dquot_decode(raw, &d);
	assert_int_equal(d.inodes_time, 0);
	assert_true(dquot_is_idle(&d));
	dquot_clear(raw);
	assert_false(dquot_is_of(raw, 0));
}

static void test_tree(void **state)
{
	uint8_t node[DQUOT_BLOCK_SIZE] = { 0 };

	(void)state;
	assert_true(dquot_node_is_empty(node));
	dquot_ref_set(node, 0, 0x12345678, 7);
	assert_int_equal(le32_get(node + 0x12 * 4), 7);
	assert_int_equal(dquot_ref_get(node, 1, 0x00120000), 7);
	assert_int_equal(dquot_ref_get(node, 3, 0xFFFFFF12), 7);
	assert_int_equal(dquot_ref_get(node, 3, 0x12121213), 0);
	assert_false(dquot_node_is_empty(node));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entry),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_storm),
		cmocka_unit_test(test_one_type),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_nearly_full),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, fixture_setup_memory, fixture_teardown);
}
