// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opening: attach() reads the superblock through a fresh cache. If the journal holds changes they are
 * mapped over the image, and the filesystem attaches once more, to the image as it is with them.
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "blk/scratch.h"
#include "cache/iomgr.h"
#include "crypt/keyring.h"
#include "format/le.h"
#include "format/mmp.h"
#include "fs/atime.h"
#include "fs/fcr.h"
#include "fs/fs_i.h"
#include "fs/group.h"
#include "fs/icache.h"
#include "fs/map.h"
#include "fs/mmp_guard.h"
#include "fs/mount_journal.h"
#include "fs/owed.h"
#include "fs/usage.h"
#include "fs/writable.h"
#include "fs/xattrcache.h"

/* Offsets in the superblock, needed before libext2fs can be asked. */
enum {
	SB_OFFSET = 1024,
	SB_SIZE = 1024,
	SB_LOG_BLOCK_SIZE = 24,
	SB_MAGIC = 56,
};

/* Cached runs: a quarter of the buffers' budget. */
#define RUN_BUDGET_SHARE 4

static int read_block_size(struct fs *fs, uint32_t *ret)
{
	uint8_t raw[SB_SIZE];
	uint32_t log_size;
	int err;

	if (fs->blk->size < SB_OFFSET + SB_SIZE) {
		log_error(fs->log, "not an ext2, ext3 or ext4 filesystem: only %llu bytes long",
			(unsigned long long)fs->blk->size);
		return -EINVAL;
	}
	err = blk_read(fs->blk, SB_OFFSET, raw, sizeof(raw));
	if (err) {
		log_error(fs->log, "cannot read the superblock: %s", strerror(-err));
		return err;
	}
	if (le16_get(raw + SB_MAGIC) != EXT2_SUPER_MAGIC) {
		log_error(fs->log, "not an ext2, ext3 or ext4 filesystem: no superblock found");
		return -EINVAL;
	}
	log_size = le32_get(raw + SB_LOG_BLOCK_SIZE);
	if (log_size > EXT2_MAX_BLOCK_LOG_SIZE - EXT2_MIN_BLOCK_LOG_SIZE) {
		log_error(fs->log, "damaged superblock: block size 2^(10 + %u) is not possible",
			log_size);
		return -EUCLEAN;
	}
	*ret = 1u << (EXT2_MIN_BLOCK_LOG_SIZE + log_size);
	return 0;
}

/* libext2fs's codes as ours; the message is its own. */
static int superblock_refused(struct fs *fs, errcode_t code)
{
	/* makes the codes known to error_message(); doing it again changes nothing */
	initialize_ext2_error_table();
	if (code == ENOMEM || code == EXT2_ET_NO_MEMORY) {
		log_error(fs->log, "cannot read the superblock: %s", error_message(code));
		return -ENOMEM;
	}
	log_error(fs->log, "damaged superblock: %s", error_message(code));
	switch (code) {
	case EXT2_ET_SB_CSUM_INVALID:
		return -EBADMSG;
	case EXT2_ET_SHORT_READ:
		return -EIO;
	default:
		return -EUCLEAN;
	}
}

static int read_superblock(struct fs *fs)
{
	/* features are judged by super_decode(), which names them; MMP is only looked at */
	const int flags = EXT2_FLAG_64BITS | EXT2_FLAG_SUPER_ONLY | EXT2_FLAG_SKIP_MMP |
		EXT2_FLAG_FORCE | EXT2_FLAG_JOURNAL_DEV_OK;
	char name[IOMGR_NAME_MAX], why[SUPER_WHY_MAX];
	errcode_t code;
	int err;

	iomgr_name(fs->cache, name);
	code = ext2fs_open2(name, NULL, flags, 0, 0, iomgr_get(), &fs->ext2);
	if (code)
		return superblock_refused(fs, code);
	err = super_decode(fs->ext2->super, fs->blk->size, &fs->sb, why);
	if (err)
		log_error(fs->log, "%s", why);
	return err;
}

static void detach(struct fs *fs)
{
	icache_free(fs->icache);
	xattrcache_free(fs->xattrs);
	if (fs->ext2)
		ext2fs_free(fs->ext2);
	cache_free(fs->cache);
	groups_free(fs, fs->groups);
	fs->icache = NULL;
	fs->xattrs = NULL;
	fs->ext2 = NULL;
	fs->cache = NULL;
	fs->groups = NULL;
}

/* How many runs the inodes' maps may cache. */
static size_t run_budget(const struct fs *fs)
{
	return fs->opts.cache_bytes / RUN_BUDGET_SHARE / sizeof(struct run);
}

static int attach(struct fs *fs)
{
	uint32_t block_size = 0;
	int err = read_block_size(fs, &block_size);

	if (!err)
		err = cache_new(fs->blk, block_size, fs->opts.cache_bytes, &fs->cache);
	if (!err)
		err = read_superblock(fs);
	if (!err)
		err = icache_new(run_budget(fs), &fs->icache);
	if (!err)
		err = groups_new(fs, &fs->groups);
	if (!err && fs->opts.writable)
		err = xattrcache_new(&fs->xattrs);
	return err;
}

/* A journal device for a filesystem that has none would be left behind with what it holds. */
static int check_journal_given(struct fs *fs)
{
	if (!fs->opts.journal || (super_has_journal(&fs->sb) && !fs->sb.journal_ino))
		return 0;
	log_error(fs->log, "journal_path: this filesystem has %s",
		super_has_journal(&fs->sb) ? "its journal inside" : "no journal");
	return -EINVAL;
}

/* Whether the superblock says that the journal holds what the filesystem lacks. */
static bool wants_recovery(const struct fs *fs)
{
	return super_has_journal(&fs->sb) && super_has_needs_recovery(&fs->sb);
}

/* Reads the journal into an overlay, *ret_ovl, which takes the image's place. */
static int recover(struct fs *fs, struct recover_result *result, struct overlay **ret_ovl)
{
	struct mount_journal journal;
	struct overlay *ovl;
	int err = mount_journal_open(fs, &journal);

	if (err)
		return err;
	err = overlay_new(fs->blk, fs->sb.block_size, &ovl);
	if (!err) {
		fs->blk = overlay_blk(ovl);
		*ret_ovl = ovl;
		/* the overlay's own map is what recovery fills: it reads below it */
		if (journal.inode)
			journal.source.blk = overlay_lower(ovl);
		err = recover_journal(&journal.source, ovl, result);
	}
	if (err)
		log_error(fs->log, "the journal cannot be replayed: %s; mount with -o norecovery "
				   "to read without it",
			result->why ? result->why : strerror(-err));
	mount_journal_fini(&journal);
	return err;
}

/*
 * Fast commits are operations, which take many transactions but must not be seen half done. So they are
 * done to a copy in memory, fs->replayed, of what they change; writable_start() makes one transaction of
 * the difference. Until that has committed they count, and a crash means that they are done again.
 */
static int try_fast_commits(struct fs *fs)
{
	struct fcr *fcr = STEAL(fs->fcr);
	struct blk *below = fs->blk;
	int err;

	detach(fs);
	err = scratch_new(below, fs->sb.block_size, &fs->replayed);
	if (!err) {
		fs->blk = scratch_blk(fs->replayed);
		err = attach(fs);
	}
	if (!err)
		err = writable_try(fs, fcr_apply, fcr);
	fcr_free(fcr);
	detach(fs);
	fs->blk = below;
	if (err)
		log_error(fs->log, "the journal's fast commits cannot be applied: %s; run e2fsck, or "
				   "mount read-only (-o ro)", strerror(-err));
	return err ? err : attach(fs);
}

/*
 * For writing, what the overlay shows becomes what the image holds, and the journal empty. The
 * journal is emptied last: until then another recovery would find the same again.
 */
static int recover_to_image(struct fs *fs, struct overlay *ovl, const struct recover_result *result)
{
	int err;

	if (result->corrupt) {
		log_error(fs->log, "the journal is damaged: run e2fsck, or mount read-only (-o ro)");
		return -EUCLEAN;
	}
	if (fs->fcr) {
		err = try_fast_commits(fs);
		if (err)
			return err;
		fs->resume = result->fc_tid;
	}
	detach(fs);
	err = overlay_write_down(ovl);
	if (err) {
		log_error(fs->log, "replaying the journal: %s", strerror(-err));
		return err;
	}
	fs->blk = overlay_lower(ovl);
	overlay_free(ovl);
	err = attach(fs);
	/* skips an id, so that no commit left in the log passes for a new one */
	if (!err && !fs->resume)
		err = writable_reset_journal(fs, result->fc_tid + 1);
	return err;
}

static int replay_fast_commits(struct fs *fs, const struct recover_result *result)
{
	struct mount_journal journal;
	int err = mount_journal_open(fs, &journal);

	if (err)
		return err;
	err = fcr_replay(fs, &journal.source, result, &fs->fcr);
	mount_journal_fini(&journal);
	if (err) {
		log_error(fs->log, "the journal's fast commits cannot be replayed: %s; mount with "
				   "-o norecovery to read without them", strerror(-err));
		return err;
	}
	/* inodes read so far are as they were before */
	icache_free(fs->icache);
	fs->icache = NULL;
	return icache_new(run_budget(fs), &fs->icache);
}

static int replay_journal(struct fs *fs)
{
	struct recover_result result = { 0 };
	struct overlay *ovl = NULL;
	int err = recover(fs, &result, &ovl);

	if (err)
		return err;
	detach(fs);
	fs->recovered = true;
	err = attach(fs);
	if (!err && result.fc_nr)
		err = replay_fast_commits(fs, &result);
	if (!err && fs->opts.writable) {
		err = recover_to_image(fs, ovl, &result);
		if (!err)
			log_info(fs->log, "journal replayed: %u transactions, %llu blocks%s",
				result.transactions, (unsigned long long)result.blocks,
				fs->resume ? ", and fast commits" : "");
		return err;
	}
	if (!err && result.corrupt)
		log_warn(fs->log, "the journal is damaged: only %u transactions, %llu blocks, were "
				  "replayed into memory", result.transactions,
			(unsigned long long)result.blocks);
	else if (!err)
		log_info(fs->log, "journal replayed into memory: %u transactions, %llu blocks%s",
			result.transactions, (unsigned long long)result.blocks,
			fs->fcr ? ", and fast commits" : "");
	return err;
}

/*
 * Multiple mount protection is for writers; a reader only says what it sees. Whether a user is alive
 * shows in a number that changes every few seconds: too long to wait for.
 */
static void warn_mmp(struct fs *fs)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	struct mmp mmp;

	if (!super_has_mmp(&fs->sb))
		return;
	if (!super_block_range_valid(&fs->sb, fs->sb.mmp_block, 1) ||
		cache_get(fs->cache, fs->sb.mmp_block, &buf) || mmp_decode(buf->data, &mmp)) {
		log_warn(fs->log, "the multiple mount protection block is damaged");
		return;
	}
	if (mmp.state == MMP_FSCK)
		log_warn(fs->log, "e2fsck is or was running on this filesystem on %s", mmp.node);
	if (mmp.state == MMP_IN_USE)
		log_warn(fs->log, "this filesystem is or was mounted for writing on %s (%s)",
			mmp.node, mmp.device);
}

static void warn_state(struct fs *fs)
{
	if (!fs->opts.writable)
		warn_mmp(fs);
	if (wants_recovery(fs) && fs->opts.norecovery)
		log_warn(fs->log, "the journal is not replayed: what is shown may be inconsistent");
	if (fs->sb.has_errors)
		log_warn(fs->log, "the filesystem is marked as having errors: run e2fsck");
}

/*
 * Before anything is written. What has been read so far may have changed until the filesystem was
 * ours.
 */
static int take_over(struct fs *fs)
{
	int err = writable_check(fs);

	if (!err)
		err = usage_check(fs);
	if (!err)
		err = mmp_guard_start(fs);
	if (err || !fs->mmp)
		return err;
	detach(fs);
	return attach(fs);
}

/* Without its root nothing of a filesystem can be reached. */
static int check_root(struct fs *fs)
{
	struct dinode root;
	int err = dinode_load(fs, EXT2_ROOT_INO, &root);

	if (!err && !S_ISDIR(root.mode))
		return fs_corrupt(fs, EXT2_ROOT_INO, -EUCLEAN, "the root is not a directory");
	if (err && err != -EUCLEAN && err != -EBADMSG) /* those two have been reported */
		log_error(fs->log, "the root directory cannot be read: %s", strerror(-err));
	return err;
}

static void locks_init(struct fs *fs)
{
	atomic_init(&fs->read_only, true);
	errors_init(&fs->errors);
	lock_init(&fs->ns_lock, LOCK_RANK_NS);
	lock_init(&fs->find_key_lock, LOCK_RANK_KEYS);
	lock_init(&fs->sum_lock, LOCK_RANK_GROUP);
	lock_init(&fs->super_lock, LOCK_RANK_SUPER);
	for (size_t i = 0; i < FS_ITABLE_LOCKS; i++)
		rwlock_init(&fs->itable_locks[i], LOCK_RANK_ITABLE);
}

static void locks_fini(struct fs *fs)
{
	errors_fini(&fs->errors);
	lock_fini(&fs->ns_lock);
	lock_fini(&fs->find_key_lock);
	lock_fini(&fs->sum_lock);
	lock_fini(&fs->super_lock);
	for (size_t i = 0; i < FS_ITABLE_LOCKS; i++)
		rwlock_fini(&fs->itable_locks[i]);
}

int fs_open(struct blk *blk, const struct fs_options *opts, struct log *log, struct fs **ret)
{
	struct fs *fs = calloc(1, sizeof(*fs));
	int err;

	if (!fs) {
		blk_close(blk);
		blk_close(opts->journal);
		return -ENOMEM;
	}
	fs->blk = blk;
	fs->opts = *opts;
	if (!fs->opts.cache_bytes)
		fs->opts.cache_bytes = FS_CACHE_DEFAULT;
	fs->log = log;
	locks_init(fs);
	err = attach(fs);
	if (!err)
		err = check_journal_given(fs);
	if (!err && super_has_encrypt(&fs->sb))
		err = keyring_new(fs->sb.uuid, &fs->keyring);
	if (!err && opts->writable)
		err = take_over(fs);
	if (!err && wants_recovery(fs) && !opts->norecovery)
		err = replay_journal(fs);
	if (!err && opts->writable)
		err = writable_start(fs);
	/* after an abort; not a reason to mount read-only instead */
	if (err == -EROFS && fs->journal)
		err = -EIO;
	if (!err)
		err = check_root(fs);
	if (err) {
		fs_close(fs);
		return err;
	}
	warn_state(fs);
	*ret = fs;
	return 0;
}

int fs_close(struct fs *fs)
{
	int err;

	if (!fs)
		return 0;
	err = fs->opts.writable ? writable_stop(fs) : 0;
	if (fs->mmp) {
		int failed = mmp_guard_stop(fs);

		err = err ? err : failed;
	}
	if (err)
		log_error(fs->log, "not everything could be written: %s", strerror(-err));
	detach(fs);
	owed_free(fs->owed);
	keyring_free(fs->keyring);
	fcr_free(fs->fcr);
	scratch_free(fs->replayed);
	blk_close(fs->blk);
	blk_close(fs->opts.journal);
	locks_fini(fs);
	free(fs);
	return err;
}

bool fs_is_writable(const struct fs *fs)
{
	return !atomic_load_explicit(&fs->read_only, memory_order_relaxed);
}

int fs_sync(struct fs *fs)
{
	int err;

	if (!fs->journal)
		return 0;
	(void)atime_flush(fs);
	err = journal_wait(fs->journal, 0);
	/* data of files whose metadata did not change */
	return err ? err : blk_flush(fs->blk);
}

int fs_add_key(struct fs *fs, struct fscrypt_key_name *name, const uint8_t *raw, size_t size)
{
	const struct masterkey *key;
	int err = fs->keyring ? keyring_add(fs->keyring, name, raw, size) : -EOPNOTSUPP;

	if (err)
		return err;
	key = keyring_find(fs->keyring, name);
	if (key && !masterkey_is_locked(key))
		log_debug(fs->log, "a key may be swapped: the limit of locked memory (ulimit -l) is too low");
	return 0;
}

const struct super *fs_super(const struct fs *fs)
{
	return &fs->sb;
}

int fs_corrupt(struct fs *fs, uint32_t ino, int err, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (ino)
		log_limited(fs->log, LOG_LEVEL_ERROR, "inode %u: %s", ino, what);
	else
		log_limited(fs->log, LOG_LEVEL_ERROR, "filesystem: %s", what);
	if (fs->marked_used)
		errors_raise(fs, ino, err, what);
	return err;
}
