// SPDX-License-Identifier: GPL-2.0-or-later
/* Agrees with ext4_setup_super() and ext4_put_super() in what the superblock says when. */
#include "config.h"

#include "fs/writable.h"

#include <e2p/e2p.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "blk/scratch.h"
#include "format/le.h"
#include "fs/atime.h"
#include "fs/balloc.h"
#include "fs/fs_i.h"
#include "fs/group.h"
#include "fs/ialloc.h"
#include "fs/map.h"
#include "fs/mmp_guard.h"
#include "fs/mount_journal.h"
#include "fs/orphan.h"
#include "fs/superblock.h"
#include "fs/usage.h"

/* What EXT4_FEATURE_RO_COMPAT_SUPP has in the kernel, and we too keep while writing. */
#define KNOWN_RO_COMPAT                                                                            \
	(EXT2_FEATURE_RO_COMPAT_SPARSE_SUPER | EXT2_FEATURE_RO_COMPAT_LARGE_FILE |                 \
		EXT4_FEATURE_RO_COMPAT_HUGE_FILE | EXT4_FEATURE_RO_COMPAT_GDT_CSUM |               \
		EXT4_FEATURE_RO_COMPAT_DIR_NLINK | EXT4_FEATURE_RO_COMPAT_EXTRA_ISIZE |            \
		EXT4_FEATURE_RO_COMPAT_BIGALLOC | EXT4_FEATURE_RO_COMPAT_METADATA_CSUM |           \
		EXT4_FEATURE_RO_COMPAT_PROJECT | EXT4_FEATURE_RO_COMPAT_VERITY |                   \
		EXT4_FEATURE_RO_COMPAT_ORPHAN_PRESENT | EXT4_FEATURE_RO_COMPAT_QUOTA)

#define DEFAULT_MAX_MNT_COUNT 20 /* EXT4_DFL_MAX_MNT_COUNT */

/* Buffers that the journal may hold in memory, as a share of the cache. */
#define PINNED_SHARE 2

/* Of a journal, more than mke2fs and tune2fs make (10240000). */
#define JOURNAL_MAX_BLOCKS ((uint64_t)1 << 24)

/* The label's neighbour, s_last_mounted. */
#define LAST_MOUNTED_SIZE 64

int writable_check(struct fs *fs)
{
	uint32_t unknown = fs->sb.ro_compat & ~(uint32_t)KNOWN_RO_COMPAT;
	char names[160] = "";
	size_t used = 0;

	for (unsigned bit = 0; bit < 32; bit++)
		if (unknown >> bit & 1 && used < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, " %s",
				e2p_feature2string(E2P_FEATURE_RO_INCOMPAT, 1u << bit));
	if (!unknown)
		return 0;
	if (fs->opts.may_read_only)
		log_warn(fs->log, "mounted read-only, which is all that this filesystem allows: "
				  "it has the feature%s", names);
	else
		log_error(fs->log, "this filesystem can only be mounted read-only (-o ro): "
				   "it has the feature%s", names);
	return -EROFS;
}

/* ---- the journal ---- */

static int add_run(struct journal_log *area, size_t *room, const struct journal_run *run)
{
	struct journal_run *last = area->nr_runs ? &area->runs[area->nr_runs - 1] : NULL;

	/* an extent does not reach far */
	if (last && last->pblk + last->nr == run->pblk) {
		last->nr += run->nr;
		return 0;
	}
	if (area->nr_runs == *room) {
		size_t want = *room ? 2 * *room : 8;
		struct journal_run *runs = reallocarray(area->runs, want, sizeof(*runs));

		if (!runs)
			return -ENOMEM;
		area->runs = runs;
		*room = want;
	}
	area->runs[area->nr_runs++] = *run;
	return 0;
}

/* Where the journal's blocks lie. Its length, an inode's size, is anything until it is checked. */
static int map_whole(struct fs *fs, const struct recover_source *src, struct journal_log *ret)
{
	struct journal_run run = { 0 };
	size_t room = 0;
	int err = 0;

	*ret = (struct journal_log){ .blk = src->blk, .blocks = src->blocks, .first = src->first };
	if (src->blocks > JOURNAL_MAX_BLOCKS || src->blocks > src->blk->size / fs->sb.block_size) {
		log_error(fs->log, "the journal cannot be used: its length, %llu blocks, is not credible: "
				   "run e2fsck", (unsigned long long)src->blocks);
		return -EUCLEAN;
	}
	for (; !err && run.jblk < src->blocks; run.jblk += run.nr) {
		err = src->map(src->arg, run.jblk, &run.pblk, &run.nr);
		if (err)
			break;
		if (run.nr > src->blocks - run.jblk)
			run.nr = src->blocks - run.jblk;
		err = add_run(ret, &room, &run);
	}
	if (err)
		free(STEAL(ret->runs));
	return err;
}

static void on_abort(void *arg, int err)
{
	struct fs *fs = arg;

	atomic_store(&fs->read_only, true);
	errors_note(fs, 0, err, "journal aborted");
}

static struct journal_config journal_config(struct fs *fs)
{
	return (struct journal_config){
		.cache = fs->cache,
		.blk = fs->blk,
		.resume = fs->resume,
		.csum = super_has_metadata_csum(&fs->sb),
		.wide = super_has_64bit(&fs->sb),
		.interval = fs->opts.commit_interval ? fs->opts.commit_interval : FS_COMMIT_DEFAULT,
		.max_pinned = fs->opts.cache_bytes / PINNED_SHARE,
		.log = fs->log,
		.aborted = on_abort,
		.arg = fs,
	};
}

int writable_try(struct fs *fs, int (*change)(struct fs *fs, struct fcr *fcr), struct fcr *fcr)
{
	struct journal_config config = journal_config(fs);
	int close_err, err = journal_new(&config, &fs->journal);

	if (err)
		return err;
	atomic_store(&fs->read_only, false);
	err = change(fs, fcr);
	close_err = journal_close(STEAL(fs->journal));
	atomic_store(&fs->read_only, true);
	return err ? err : close_err;
}

/* Where the journal lies; refuses one that is not this filesystem's, before anything is written. */
static int find_journal(struct fs *fs)
{
	struct mount_journal journal = { 0 };
	int err;

	if (!super_has_journal(&fs->sb))
		return 0;
	err = mount_journal_open(fs, &journal);
	if (err)
		return err;
	err = map_whole(fs, &journal.source, &fs->journal_log);
	mount_journal_fini(&journal);
	return err;
}

static int open_journal(struct fs *fs)
{
	struct journal_config config = journal_config(fs);

	if (fs->journal_log.runs)
		config.log_area = &fs->journal_log;
	else
		log_info(fs->log, "no journal: after a crash the filesystem will need e2fsck");
	return journal_new(&config, &fs->journal);
}

int writable_reset_journal(struct fs *fs, uint32_t sequence)
{
	struct mount_journal journal;
	struct journal_log area;
	int err = mount_journal_open(fs, &journal);

	if (err)
		return err;
	err = map_whole(fs, &journal.source, &area);
	if (!err)
		err = journal_reset(&area, fs->sb.block_size, sequence);
	free(area.runs);
	mount_journal_fini(&journal);
	return err;
}

/* ---- fast commits ---- */

/* Puts one block into the cache, and into the transaction or, without a handle, home. */
static int put_block(struct handle *h, struct fs *fs, uint64_t pblk, const uint8_t *data)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	int err = cache_get(fs->cache, pblk, &buf);

	if (!err && h)
		err = journal_write(h, buf);
	if (err)
		return err;
	memcpy(buf->data, data, fs->sb.block_size);
	return h ? 0 : blk_write(fs->blk, pblk << fs->sb.block_bits, data, fs->sb.block_size);
}

static int put_blocks(struct handle *h, struct fs *fs)
{
	const uint8_t *data;
	uint64_t pblk;
	int err = 0;

	for (size_t i = 0; !err && (data = scratch_block(fs->replayed, i, &pblk)); i++)
		err = put_block(h, fs, pblk, data);
	return err;
}

/*
 * More than a transaction can take, which no fast-commit area of the usual size leads to: the blocks go
 * home directly. After a crash in between the fast commits are done again, as the kernel does it. The
 * transaction that ends them changes nothing.
 */
static int put_home(struct fs *fs, struct handle **ret)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	int err = put_blocks(NULL, fs);

	if (!err)
		err = blk_flush(fs->blk);
	if (!err)
		err = journal_start(fs->journal, 1, ret);
	if (!err)
		err = cache_get(fs->cache, SUPERBLOCK_SIZE >> fs->sb.block_bits, &buf);
	return err ? err : journal_write(*ret, buf);
}

/* Makes what fast commits change durable, and them void. */
static int finish_fast_commits(struct fs *fs)
{
	size_t nr = scratch_count(fs->replayed);
	struct handle *h = NULL;
	int err = nr > UINT_MAX ? -ENOSPC : journal_start(fs->journal, (unsigned)nr + 1, &h);

	if (!err)
		err = put_blocks(h, fs);
	else if (err == -ENOSPC)
		err = put_home(fs, &h);
	if (err)
		journal_abort(fs->journal, err);
	if (h) {
		int stop_err = journal_stop(h);

		err = err ? err : stop_err;
	}
	if (!err)
		err = journal_wait(fs->journal, 0);
	scratch_free(STEAL(fs->replayed));
	fs->resume = 0;
	if (err)
		return err;
	/* what they say has been read from the descriptors before */
	groups_free(fs, STEAL(fs->groups));
	return groups_new(fs, &fs->groups);
}

/* ---- the superblock ---- */

/* Seconds with the 8 bits more that lie elsewhere (ext4_update_tstamp()). */
static void put_time(uint8_t *raw, unsigned lo, unsigned hi, time_t sec)
{
	le32_put(raw + lo, (uint32_t)sec);
	raw[hi] = (uint8_t)((uint64_t)sec >> 32);
}

static void set_feature(uint8_t *raw, unsigned word, uint32_t bits, bool on)
{
	uint32_t have = le32_get(raw + word);

	le32_put(raw + word, on ? have | bits : have & ~bits);
}

static void put_in_use(struct fs *fs, uint8_t *raw)
{
	put_time(raw, SB_WTIME, SB_WTIME_HI, time(NULL));
	if (!super_has_journal(&fs->sb)) {
		le16_put(raw + SB_STATE, le16_get(raw + SB_STATE) & (uint16_t)~EXT2_VALID_FS);
		return;
	}
	set_feature(raw, SB_FEATURE_INCOMPAT, EXT3_FEATURE_INCOMPAT_RECOVER, true);
	if (super_has_orphan_file(&fs->sb))
		set_feature(raw, SB_FEATURE_RO_COMPAT, EXT4_FEATURE_RO_COMPAT_ORPHAN_PRESENT, true);
}

static void mark_used(uint8_t *raw, void *arg)
{
	struct fs *fs = arg;
	const char *where = fs->opts.mounted_on;

	fs->mount_state = le16_get(raw + SB_STATE);
	fs->errors_before = le32_get(raw + SB_ERROR_COUNT);
	put_in_use(fs, raw);
	if (!le16_get(raw + SB_MAX_MNT_COUNT))
		le16_put(raw + SB_MAX_MNT_COUNT, DEFAULT_MAX_MNT_COUNT);
	le16_put(raw + SB_MNT_COUNT, (uint16_t)(le16_get(raw + SB_MNT_COUNT) + 1));
	put_time(raw, SB_MTIME, SB_MTIME_HI, time(NULL));
	if (where) {
		memset(raw + SB_LAST_MOUNTED, 0, LAST_MOUNTED_SIZE);
		memcpy(raw + SB_LAST_MOUNTED, where, strnlen(where, LAST_MOUNTED_SIZE));
	}
}

static void mark_used_again(uint8_t *raw, void *arg)
{
	put_in_use(arg, raw);
}

static void put_counts(struct fs *fs, uint8_t *raw)
{
	uint64_t blocks = balloc_free_clusters(fs) << fs->sb.cluster_bits;

	le32_put(raw + SB_FREE_BLOCKS, (uint32_t)blocks);
	if (super_has_64bit(&fs->sb))
		le32_put(raw + SB_FREE_BLOCKS_HI, (uint32_t)(blocks >> 32));
	le32_put(raw + SB_FREE_INODES, (uint32_t)ialloc_free_inodes(fs));
}

static void mark_clean(uint8_t *raw, void *arg)
{
	struct fs *fs = arg;
	uint16_t state = le16_get(raw + SB_STATE);

	set_feature(raw, SB_FEATURE_INCOMPAT, EXT3_FEATURE_INCOMPAT_RECOVER, false);
	if (!orphan_file_in_use(fs))
		set_feature(raw, SB_FEATURE_RO_COMPAT, EXT4_FEATURE_RO_COMPAT_ORPHAN_PRESENT,
			false);
	/* an error that was found meanwhile stays recorded */
	le16_put(raw + SB_STATE, fs->mount_state | (state & EXT2_ERROR_FS));
	put_time(raw, SB_WTIME, SB_WTIME_HI, time(NULL));
	if (fs->groups->counted)
		put_counts(fs, raw);
}

/* Without a journal nobody would look for the orphans. */
static void mark_clean_but_orphans(uint8_t *raw, void *arg)
{
	struct fs *fs = arg;

	mark_clean(raw, fs);
	if (!super_has_journal(&fs->sb))
		le16_put(raw + SB_STATE, le16_get(raw + SB_STATE) & (uint16_t)~EXT2_VALID_FS);
}

int writable_rest(struct fs *fs, bool orphans)
{
	return superblock_write_home(fs, orphans ? mark_clean_but_orphans : mark_clean, fs);
}

int writable_resume(struct fs *fs)
{
	return superblock_write_home(fs, mark_used_again, fs);
}

static int mark(struct fs *fs)
{
	int err = superblock_write_home(fs, mark_used, fs);

	if (!err)
		fs->marked_used = true;
	return err;
}

/*
 * The superblock says that the journal counts before the journal holds anything, or a crash in between
 * would leave changes that nobody looks for.
 */
static int claim(struct fs *fs)
{
	/* with fast commits still to come it says so already, and they bring a superblock of their own */
	const bool resumed = fs->replayed;
	int err = mmp_guard_check(fs);

	if (!err)
		err = find_journal(fs);
	if (!err && !resumed)
		err = mark(fs);
	if (!err)
		err = open_journal(fs);
	if (!err && resumed)
		err = finish_fast_commits(fs);
	if (!err && resumed)
		err = mark(fs);
	if (err)
		return err;
	/* in this order: losing the filesystem to another host makes it read-only again */
	atomic_store(&fs->read_only, false);
	mmp_guard_watch(fs, fs->journal);
	err = usage_start(fs);
	return err ? err : atime_start(fs);
}

int writable_start(struct fs *fs)
{
	int err = claim(fs);

	if (err) {
		atomic_store(&fs->read_only, true);
		log_error(fs->log, "cannot make the filesystem writable: %s", strerror(-err));
		return err;
	}
	err = orphan_recover(fs);
	if (err)
		log_error(fs->log, "orphan inodes: %s", strerror(-err));
	return err;
}

int writable_stop(struct fs *fs)
{
	int orphan_err, err, lost;

	if (atomic_load(&fs->frozen))
		(void)fs_thaw(fs); /* an error is the journal's from then on */
	atime_stop(fs);
	orphan_err = orphan_close(fs);

	usage_stop(fs);
	mmp_guard_watch(fs, NULL);
	err = journal_close(STEAL(fs->journal));
	lost = mmp_guard_check(fs);
	if (!err)
		err = lost;
	/* before the superblock's lock is taken; without the counts, the old ones stay */
	if (!err && fs->marked_used && groups_count(fs))
		log_warn(fs->log, "the counts of free blocks and inodes are not up to date");
	if (!err && fs->marked_used)
		err = superblock_write_home(fs, mark_clean, fs);
	else if (fs->marked_used && !lost)
		errors_store(fs);
	fs->marked_used = false;
	orphan_fini(fs);
	free(STEAL(fs->journal_log.runs));
	atomic_store(&fs->read_only, true);
	return err ? err : orphan_err;
}
