// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The journal on memory: whatever moment the power goes, recovery finds a state between transactions.
 * The blocks are accounts, each handle moves money from one to another, and the sum must hold.
 */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blk/overlay.h"
#include "format/jbd2.h"
#include "format/le.h"
#include "journal/journal.h"
#include "journal/recover.h"

#define BS 1024u
#define LOG_AT 100u   /* the log's first block */
#define LOG_BLOCKS 1100u
#define ACCOUNTS 40u  /* blocks 10 to 49 */
#define FIRST_ACCOUNT 10u
#define START_MONEY 1000u
#define FIRST_DATA 50u /* blocks 50 to 89: data that no transaction holds, a block for each account */
#define BLOCKS (LOG_AT + LOG_BLOCKS)

/* ---- a disk whose power can go ---- */

struct disk {
	struct blk blk;
	atomic_long writes;   /* so far */
	atomic_long flushes;
	long last;	      /* the last write that gets through, -1: all */
	long fail_at;	      /* this write fails with EIO, -1: none */
	long fail_flush;      /* this flush fails, and with it what it was to make durable: -1: none */
	pthread_mutex_t lock; /* a write is all or nothing to who copies the disk */
	uint8_t data[BLOCKS * BS];
	uint8_t durable[BLOCKS * BS]; /* what a power cut leaves at the least */
	bool dirty[BLOCKS];   /* written since the last flush */
	atomic_bool held;     /* flushes wait until it is false */
	atomic_int waiting;   /* so many of them */
	/* NULL, or called after each write, which began at off */
	void (*written)(struct disk *disk, uint64_t off, void *arg);
	void *arg;
};

static int disk_read(struct blk *blk, uint64_t off, void *buf, size_t len)
{
	struct disk *disk = (struct disk *)blk;

	pthread_mutex_lock(&disk->lock);
	memcpy(buf, disk->data + off, len);
	pthread_mutex_unlock(&disk->lock);
	return 0;
}

static int disk_write(struct blk *blk, uint64_t off, const void *buf, size_t len)
{
	struct disk *disk = (struct disk *)blk;
	long n = atomic_fetch_add(&disk->writes, 1);

	if (n == disk->fail_at)
		return -EIO;
	if (disk->last >= 0 && n > disk->last)
		return 0;
	pthread_mutex_lock(&disk->lock);
	memcpy(disk->data + off, buf, len);
	memset(disk->dirty + off / BS, true, len / BS);
	pthread_mutex_unlock(&disk->lock);
	if (disk->written)
		disk->written(disk, off, disk->arg);
	return 0;
}

/*
 * After one that failed the next succeeds, although what was to be flushed never reaches the disk:
 * so does fsync(2) of a file, whose pages count as clean then.
 */
static int disk_flush(struct blk *blk)
{
	struct disk *disk = (struct disk *)blk;
	bool fails = atomic_fetch_add(&disk->flushes, 1) == disk->fail_flush;

	atomic_fetch_add(&disk->waiting, 1);
	while (disk->held)
		usleep(200);
	atomic_fetch_sub(&disk->waiting, 1);
	pthread_mutex_lock(&disk->lock);
	for (unsigned i = 0; i < BLOCKS; i++)
		if (disk->dirty[i] && !fails)
			memcpy(disk->durable + i * BS, disk->data + i * BS, BS);
	memset(disk->dirty, false, sizeof(disk->dirty));
	pthread_mutex_unlock(&disk->lock);
	return fails ? -EIO : 0;
}

static void disk_close(struct blk *blk)
{
	free(blk);
}

static const struct blk_ops disk_ops = {
	.read = disk_read, .write = disk_write, .flush = disk_flush, .close = disk_close,
};

/* ---- a bank on it ---- */

struct bank {
	struct log log;
	struct disk *disk;
	struct cache *cache;
	struct journal *journal;
	struct journal_log area;
	struct journal_run runs[3];
};

static void write_journal_super(uint8_t *raw, bool wide, bool csum)
{
	be32_put(raw, JBD2_MAGIC);
	be32_put(raw + 4, JBD2_BLOCK_SUPER_V2);
	be32_put(raw + 0x0c, BS);
	be32_put(raw + 0x10, LOG_BLOCKS);
	be32_put(raw + 0x14, 1);
	be32_put(raw + 0x18, 1);
	jbd2_super_set_features(raw, csum, wide);
	jbd2_super_seal(raw);
}

static struct disk *disk_new(bool wide, bool csum)
{
	struct disk *disk = calloc(1, sizeof(*disk));

	assert_non_null(disk);
	disk->blk = (struct blk){ .ops = &disk_ops, .size = sizeof(disk->data) };
	disk->last = disk->fail_at = disk->fail_flush = -1;
	pthread_mutex_init(&disk->lock, NULL);
	for (unsigned i = 0; i < ACCOUNTS; i++)
		le32_put(disk->data + (FIRST_ACCOUNT + i) * BS + 4, START_MONEY);
	write_journal_super(disk->data + LOG_AT * BS, wide, csum);
	memcpy(disk->durable, disk->data, sizeof(disk->data));
	return disk;
}

/* log_disk: where the log lies, NULL: nowhere. interval: seconds. */
static int bank_open_with(struct bank *bank, struct disk *disk, struct disk *log_disk, bool csum,
	unsigned interval)
{
	struct journal_config config = { .csum = csum, .wide = csum, .interval = interval,
		.max_pinned = 64 << 20, .log = &bank->log };

	memset(bank, 0, sizeof(*bank));
	log_init(&bank->log, "test", LOG_LEVEL_ERROR);
	bank->disk = disk;
	assert_int_equal(cache_new(&disk->blk, BS, 16 << 20, &bank->cache), 0);
	/* in pieces, which what is written at once has to respect */
	bank->runs[0] = (struct journal_run){ 0, LOG_AT, 5 };
	bank->runs[1] = (struct journal_run){ 5, LOG_AT + 5, 1 };
	bank->runs[2] = (struct journal_run){ 6, LOG_AT + 6, LOG_BLOCKS - 6 };
	config.cache = bank->cache;
	config.blk = &disk->blk;
	if (log_disk) {
		bank->area = (struct journal_log){ .blk = &log_disk->blk, .blocks = LOG_BLOCKS,
			.runs = bank->runs, .nr_runs = 3 };
		config.log_area = &bank->area;
	}
	return journal_new(&config, &bank->journal);
}

static int bank_open_on(struct bank *bank, struct disk *disk, bool has_log, bool csum)
{
	return bank_open_with(bank, disk, has_log ? disk : NULL, csum, 100);
}

static int bank_close(struct bank *bank)
{
	int err = journal_close(bank->journal);

	cache_free(bank->cache);
	return err;
}

static void add(struct buf *buf, int32_t amount)
{
	le32_put(buf->data + 4, le32_get(buf->data + 4) + (uint32_t)amount);
	/* the journal's magic in the first bytes must come back from the log as it was */
	be32_put(buf->data, le32_get(buf->data + 4) % 3 ? 0 : JBD2_MAGIC);
}

static int transfer(struct bank *bank, unsigned from, unsigned to, int32_t amount, uint32_t *ret_tid)
{
	struct buf *a, *b;
	struct handle *h;
	int err = journal_start(bank->journal, 2, &h);

	if (err)
		return err;
	assert_int_equal(cache_get(bank->cache, FIRST_ACCOUNT + from, &a), 0);
	assert_int_equal(cache_get(bank->cache, FIRST_ACCOUNT + to, &b), 0);
	err = journal_write(h, a);
	if (!err)
		err = journal_write(h, b);
	if (!err) {
		add(a, -amount);
		add(b, amount);
		*ret_tid = journal_tid(h);
	}
	cache_put(a);
	cache_put(b);
	return journal_stop(h) ? -EIO : err;
}

static uint64_t sum(const uint8_t *data)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < ACCOUNTS; i++)
		total += (uint64_t)(int32_t)le32_get(data + (FIRST_ACCOUNT + i) * BS + 4);
	return total;
}

static int map_log(void *arg, uint64_t jblk, uint64_t *ret_pblk, uint64_t *ret_nr)
{
	(void)arg;
	*ret_pblk = LOG_AT + jblk;
	*ret_nr = LOG_BLOCKS - jblk;
	return 0;
}

/*
 * Recovers a copy of data, the bytes of a disk, and returns the sum; every escaped block must be
 * whole. after: what is there then.
 */
static uint64_t recover_copy(const uint8_t *data, struct log *log, uint8_t *after)
{
	struct recover_source src = { .block_size = BS, .blocks = LOG_BLOCKS, .fs_blocks = BLOCKS,
		.map = map_log, .log = log };
	struct recover_result result = { 0 };
	struct overlay *ovl;
	struct blk *copy;
	uint64_t total;

	assert_int_equal(blk_mem_new(data, BLOCKS * BS, &copy), 0);
	assert_int_equal(overlay_new(copy, BS, &ovl), 0);
	src.blk = copy;
	assert_int_equal(recover_journal(&src, ovl, &result), 0);
	assert_false(result.corrupt);
	assert_int_equal(blk_read(overlay_blk(ovl), 0, after, BLOCKS * BS), 0);
	for (unsigned i = 0; i < ACCOUNTS; i++) {
		const uint8_t *at = after + (FIRST_ACCOUNT + i) * BS;

		if (le32_get(at + 4) != START_MONEY)
			assert_int_equal(be32_get(at), le32_get(at + 4) % 3 ? 0 : JBD2_MAGIC);
	}
	total = sum(after);
	/* written down it reads the same */
	assert_int_equal(overlay_write_down(ovl), 0);
	assert_int_equal(blk_read(copy, 0, after, BLOCKS * BS), 0);
	assert_int_equal(sum(after), total);
	blk_close(overlay_blk(ovl));
	return total;
}

static uint64_t recovered_sum(struct disk *disk, struct log *log)
{
	uint8_t *after = malloc(sizeof(disk->data));
	uint64_t total;

	assert_non_null(after);
	total = recover_copy(disk->data, log, after);
	free(after);
	return total;
}

/* ---- tests ---- */

struct mover {
	struct bank *bank;
	unsigned seed;
	unsigned count;
	unsigned sync_every;
};

static void *move_money(void *arg)
{
	struct mover *m = arg;
	uint32_t tid = 0;

	for (unsigned i = 0; i < m->count; i++) {
		unsigned from = (unsigned)rand_r(&m->seed) % ACCOUNTS;
		unsigned to = (from + 1 + (unsigned)rand_r(&m->seed) % (ACCOUNTS - 1)) % ACCOUNTS;

		if (transfer(m->bank, from, to, (int32_t)(i % 7), &tid))
			break;
		if (m->sync_every && i % m->sync_every == 0 && journal_wait(m->bank->journal, tid))
			break;
	}
	return NULL;
}

static void cut_everywhere(bool csum)
{
	long total_writes;
	struct bank bank;
	struct disk *disk = disk_new(csum, csum);
	struct mover m = { .bank = &bank, .seed = 1, .count = 600, .sync_every = 9 };

	assert_int_equal(bank_open_on(&bank, disk, true, csum), 0);
	move_money(&m);
	assert_int_equal(bank_close(&bank), 0);
	assert_int_equal(sum(disk->data), ACCOUNTS * START_MONEY);
	total_writes = disk->writes;
	assert_true(total_writes > 100);
	blk_close(&disk->blk);

	for (long last = 0; last < total_writes; last += 3) {
		disk = disk_new(csum, csum);
		disk->last = last;
		m.seed = 1;
		assert_int_equal(bank_open_on(&bank, disk, true, csum), 0);
		move_money(&m);
		assert_int_equal(bank_close(&bank), 0);
		assert_int_equal(recovered_sum(disk, &bank.log), ACCOUNTS * START_MONEY);
		blk_close(&disk->blk);
	}
}

static void test_cut_csum(void **state)
{
	(void)state;
	cut_everywhere(true);
}

static void test_cut_plain(void **state)
{
	(void)state;
	cut_everywhere(false);
}

/* Enough to go round the log many times. */
static void test_wraps(void **state)
{
	struct bank bank;
	struct disk *disk = disk_new(true, true);
	struct mover m = { .bank = &bank, .seed = 3, .count = 5000, .sync_every = 2 };

	(void)state;
	assert_int_equal(bank_open_on(&bank, disk, true, true), 0);
	move_money(&m);
	assert_int_equal(recovered_sum(disk, &bank.log), ACCOUNTS * START_MONEY);
	assert_int_equal(bank_close(&bank), 0);
	assert_int_equal(sum(disk->data), ACCOUNTS * START_MONEY);
	blk_close(&disk->blk);
}

static void test_without_log(void **state)
{
	struct bank bank;
	struct disk *disk = disk_new(true, true);
	struct mover m = { .bank = &bank, .seed = 3, .count = 500, .sync_every = 50 };

	(void)state;
	assert_int_equal(bank_open_on(&bank, disk, false, true), 0);
	move_money(&m);
	assert_int_equal(bank_close(&bank), 0);
	assert_int_equal(sum(disk->data), ACCOUNTS * START_MONEY);
	blk_close(&disk->blk);
}

/* A freed block's old copy must not come back over what was written there afterwards. */
static void test_revoke(void **state)
{
	struct bank bank;
	struct disk *disk = disk_new(true, true);
	struct handle *h;
	struct buf *buf;
	const uint64_t pblk = 60;
	uint8_t data[BS];

	(void)state;
	assert_int_equal(bank_open_on(&bank, disk, true, true), 0);
	assert_int_equal(journal_start(bank.journal, 1, &h), 0);
	assert_int_equal(journal_create(h, pblk, &buf), 0);
	memset(buf->data, 'm', BS);
	cache_put(buf);
	assert_int_equal(journal_stop(h), 0);
	assert_int_equal(journal_wait(bank.journal, 0), 0);

	assert_int_equal(journal_start(bank.journal, 1, &h), 0);
	assert_int_equal(journal_forget(h, pblk), 0);
	assert_int_equal(journal_stop(h), 0);
	assert_int_equal(journal_wait(bank.journal, 0), 0);

	memset(data, 'd', BS);
	assert_int_equal(blk_write(&disk->blk, pblk * BS, data, BS), 0);
	recovered_sum(disk, &bank.log);
	{
		struct recover_source src = { .blk = &disk->blk, .block_size = BS,
			.blocks = LOG_BLOCKS, .fs_blocks = BLOCKS, .map = map_log, .log = &bank.log };
		struct recover_result result = { 0 };
		struct overlay *ovl;

		assert_int_equal(overlay_new(&disk->blk, BS, &ovl), 0);
		assert_int_equal(recover_journal(&src, ovl, &result), 0);
		assert_int_equal(result.transactions, 2);
		assert_int_equal(blk_read(overlay_blk(ovl), pblk * BS, data, BS), 0);
		assert_int_equal(data[0], 'd');
		overlay_free(ovl);
	}
	/* nor may a checkpoint write it home */
	assert_int_equal(bank_close(&bank), 0);
	assert_int_equal(disk->data[pblk * BS], 'd');
	blk_close(&disk->blk);
}

/*
 * Recovery ends at the first number that is missing from the log: a transaction in which nothing was
 * changed, or data alone, must not leave its own out. An attribute that is not there to be removed and
 * an fsync(2) make one.
 */
static void test_nothing_changed(void **state)
{
	struct bank bank;
	struct disk *disk = disk_new(true, true);
	uint8_t *after = malloc(sizeof(disk->data));
	uint32_t tid = 0;

	(void)state;
	assert_non_null(after);
	assert_int_equal(bank_open_on(&bank, disk, true, true), 0);
	for (unsigned i = 1; i <= 20; i++) {
		struct handle *h;

		assert_int_equal(journal_start(bank.journal, 1, &h), 0);
		if (i % 2)
			journal_data_written(h);
		assert_int_equal(journal_stop(h), 0);
		assert_int_equal(journal_wait(bank.journal, 0), 0);
		assert_int_equal(transfer(&bank, 0, 1, 1, &tid), 0);
		assert_int_equal(journal_wait(bank.journal, tid), 0);
		recover_copy(disk->durable, &bank.log, after);
		assert_int_equal(le32_get(after + FIRST_ACCOUNT * BS + 4), START_MONEY - i);
		if (i % 7 == 0)
			assert_int_equal(journal_checkpoint(bank.journal), 0);
	}
	assert_int_equal(bank_close(&bank), 0);
	assert_int_equal(le32_get(disk->data + FIRST_ACCOUNT * BS + 4), START_MONEY - 20);
	free(after);
	blk_close(&disk->blk);
}

static void test_io_error(void **state)
{
	(void)state;
	for (long at = 1; at < 40; at++) {
		struct bank bank;
		struct disk *disk = disk_new(true, true);
		struct mover m = { .bank = &bank, .seed = 5, .count = 60, .sync_every = 5 };
		int err;

		disk->fail_at = at;
		assert_int_equal(bank_open_on(&bank, disk, true, true), 0);
		move_money(&m);
		err = bank_close(&bank);
		assert_true(err == -EIO || disk->writes <= at);
		assert_int_equal(recovered_sum(disk, &bank.log), ACCOUNTS * START_MONEY);
		blk_close(&disk->blk);
	}
}

/* Moves 1 from account 0 to 1 and waits, times over; returns how often that was promised. */
static unsigned pay(struct bank *bank, unsigned times, bool *ret_failed)
{
	unsigned paid = 0;
	uint32_t tid;

	*ret_failed = false;
	for (unsigned i = 0; i < times; i++) {
		if (transfer(bank, 0, 1, 1, &tid) || journal_wait(bank->journal, tid))
			*ret_failed = true;
		else
			paid++;
		if (i % 4 == 3 && journal_checkpoint(bank->journal))
			*ret_failed = true;
	}
	return paid;
}

/*
 * Whichever flush fails: somebody is told, and what was promised stays on a disk that has lost
 * everything else. Where it is a checkpoint's, the old tail of the log has to stay.
 */
static void test_flush_error(void **state)
{
	uint8_t *after = malloc(BLOCKS * BS);
	bool failed = true;

	(void)state;
	assert_non_null(after);
	for (long at = 0; failed; at++) {
		struct bank bank;
		struct disk *disk = disk_new(true, true);
		unsigned paid, there;

		assert_int_equal(bank_open_on(&bank, disk, true, true), 0);
		disk->fail_flush = disk->flushes + at;
		paid = pay(&bank, 12, &failed);
		failed = bank_close(&bank) || failed;
		assert_int_equal(failed, disk->flushes > disk->fail_flush);
		assert_int_equal(recover_copy(disk->durable, &bank.log, after), ACCOUNTS * START_MONEY);
		there = START_MONEY - le32_get(after + FIRST_ACCOUNT * BS + 4);
		/* the one that was not promised may be there as well */
		assert_in_range(there, paid, paid + failed);
		blk_close(&disk->blk);
		assert_true(at < 1000);
	}
	free(after);
}

static void test_too_many_credits(void **state)
{
	struct bank bank;
	struct disk *disk = disk_new(true, true);
	struct handle *h;

	(void)state;
	assert_int_equal(bank_open_on(&bank, disk, true, true), 0);
	assert_int_equal(journal_start(bank.journal, LOG_BLOCKS, &h), -ENOSPC);
	assert_int_equal(bank_close(&bank), 0);
	blk_close(&disk->blk);
}

struct sharer {
	struct bank *bank;
	unsigned first; /* its own accounts: first and first + 1 */
	unsigned count;
	atomic_bool *failed;
};

static void *share(void *arg)
{
	struct sharer *s = arg;
	uint32_t tid;

	for (unsigned i = 0; i < s->count; i++) {
		if (transfer(s->bank, s->first, s->first + 1, 1, &tid) ||
			(i % 5 == 0 && journal_wait(s->bank->journal, tid)))
			atomic_store(s->failed, true);
		if (i % 16 == 0 && journal_checkpoint(s->bank->journal))
			atomic_store(s->failed, true);
	}
	return NULL;
}

/* Threads with accounts of their own: commits, checkpoints and freezing beside handles. */
static void test_threads(void **state)
{
	struct bank bank;
	struct disk *disk = disk_new(true, true);
	struct sharer sharers[4];
	pthread_t threads[4];
	atomic_bool failed = false;

	(void)state;
	assert_int_equal(bank_open_on(&bank, disk, true, true), 0);
	for (unsigned i = 0; i < 4; i++) {
		sharers[i] = (struct sharer){ .bank = &bank, .first = 2 * i, .count = 1000,
			.failed = &failed };
		assert_int_equal(pthread_create(&threads[i], NULL, share, &sharers[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_false(failed);
	assert_int_equal(recovered_sum(disk, &bank.log), ACCOUNTS * START_MONEY);
	assert_int_equal(bank_close(&bank), 0);
	assert_int_equal(sum(disk->data), ACCOUNTS * START_MONEY);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(le32_get(disk->data + (FIRST_ACCOUNT + 2 * i) * BS + 4),
			START_MONEY - 1000);
	blk_close(&disk->blk);
}

/* ---- the order of writes ---- */

/* Accounts below have transfers; the number of each from here on says what its data hold. */
#define STORES (ACCOUNTS / 2)

struct watch {
	struct bank *bank;
	struct disk *image, *log_disk;
	struct log log;
	atomic_ulong checks;
	atomic_bool changed, wrong;
};

/* Recovers the image and the log: all that was written, or what has been flushed. */
static uint8_t *recover_parts(struct watch *w, bool all_image, bool all_log)
{
	uint8_t *data = malloc(BLOCKS * BS), *after = malloc(BLOCKS * BS);

	assert_true(data && after);
	pthread_mutex_lock(&w->image->lock);
	memcpy(data, all_image ? w->image->data : w->image->durable, BLOCKS * BS);
	pthread_mutex_unlock(&w->image->lock);
	pthread_mutex_lock(&w->log_disk->lock);
	memcpy(data + LOG_AT * BS,
		(all_log ? w->log_disk->data : w->log_disk->durable) + LOG_AT * BS,
		LOG_BLOCKS * BS);
	pthread_mutex_unlock(&w->log_disk->lock);
	recover_copy(data, &w->log, after);
	free(data);
	w->checks++;
	return after;
}

static void check_transfers(struct watch *w, const uint8_t *after)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < STORES; i++)
		total += (uint64_t)(int32_t)le32_get(after + (FIRST_ACCOUNT + i) * BS + 4);
	if (total != STORES * START_MONEY)
		w->wrong = true;
}

/* If the log arrives and nothing else, no account speaks of data that are not there. */
static void check_log(struct watch *w)
{
	uint8_t *after = recover_parts(w, false, true);

	check_transfers(w, after);
	for (unsigned i = STORES; i < ACCOUNTS; i++)
		if (le32_get(after + (FIRST_ACCOUNT + i) * BS + 4) >
			START_MONEY + le32_get(after + (FIRST_DATA + i) * BS))
			w->wrong = true;
	free(after);
}

/* If what is written home arrives and nothing of the log, it makes no difference. */
static void check_homes(struct watch *w)
{
	uint8_t *with = recover_parts(w, true, false), *without = recover_parts(w, false, false);

	check_transfers(w, with);
	if (memcmp(with + FIRST_ACCOUNT * BS, without + FIRST_ACCOUNT * BS, ACCOUNTS * BS) != 0)
		w->wrong = true;
	free(with);
	free(without);
}

static void check_written(struct disk *disk, uint64_t off, void *arg)
{
	struct watch *w = arg;

	if (disk == w->log_disk && off >= LOG_AT * BS)
		check_log(w);
	else if (off < FIRST_DATA * BS)
		check_homes(w);
}

/* Puts number nr, from 1 on, into an account's data, and says so in the account. */
static void store(struct bank *bank, unsigned account, uint32_t nr)
{
	uint8_t data[BS] = {0};
	struct handle *h;
	struct buf *buf;

	assert_int_equal(journal_start(bank->journal, 1, &h), 0);
	journal_data_written(h);
	le32_put(data, nr);
	assert_int_equal(blk_write(&bank->disk->blk, (FIRST_DATA + account) * BS, data, BS), 0);
	assert_int_equal(cache_get(bank->cache, FIRST_ACCOUNT + account, &buf), 0);
	assert_int_equal(journal_write(h, buf), 0);
	add(buf, (int32_t)(START_MONEY + nr - le32_get(buf->data + 4)));
	cache_put(buf);
	assert_int_equal(journal_stop(h), 0);
}

static void check_order(bool external)
{
	struct disk *disk = disk_new(true, true);
	struct disk *log_disk = external ? disk_new(true, true) : disk;
	struct watch w = { .image = disk, .log_disk = log_disk };
	unsigned seed = 8;
	uint32_t tid;
	struct bank bank;

	log_init(&w.log, "test", LOG_LEVEL_ERROR);
	assert_int_equal(bank_open_with(&bank, disk, log_disk, true, 100), 0);
	disk->written = log_disk->written = check_written;
	disk->arg = log_disk->arg = &w;
	for (unsigned i = 1; i <= 120; i++) {
		unsigned from = (unsigned)rand_r(&seed) % STORES;

		assert_int_equal(transfer(&bank, from, (from + 1) % STORES, (int32_t)(i % 7), &tid), 0);
		store(&bank, STORES + (unsigned)rand_r(&seed) % STORES, i);
		if (i % 4 == 0)
			assert_int_equal(journal_wait(bank.journal, 0), 0);
		if (i % 31 == 0)
			assert_int_equal(journal_checkpoint(bank.journal), 0);
	}
	assert_int_equal(bank_close(&bank), 0);
	assert_true(w.checks > 60);
	assert_false(w.wrong);
	blk_close(&disk->blk);
	if (external)
		blk_close(&log_disk->blk);
}

static void test_order(void **state)
{
	(void)state;
	check_order(false);
	check_order(true);
}

/* As the checkpoint begins to write, a handle changes what it has not come to yet. */
static void change_meanwhile(struct disk *disk, uint64_t off, void *arg)
{
	struct watch *w = arg;
	uint32_t tid;

	(void)disk;
	if (off >= LOG_AT * BS)
		return;
	check_homes(w);
	if (!atomic_exchange(&w->changed, true) && transfer(w->bank, 16, 18, 1, &tid))
		w->wrong = true;
}

static void test_checkpoint(void **state)
{
	struct disk *disk = disk_new(true, true);
	struct bank bank;
	struct watch w = { .bank = &bank, .image = disk, .log_disk = disk };
	uint8_t *after;
	uint32_t tid;

	(void)state;
	log_init(&w.log, "test", LOG_LEVEL_ERROR);
	assert_int_equal(bank_open_on(&bank, disk, true, true), 0);
	/* not neighbours: each goes home in a write of its own */
	for (unsigned i = 0; i < 20; i += 4)
		assert_int_equal(transfer(&bank, i, i + 2, 5, &tid), 0);
	assert_int_equal(journal_wait(bank.journal, 0), 0);
	disk->arg = &w;
	disk->written = change_meanwhile;
	assert_int_equal(journal_checkpoint(bank.journal), 0);
	disk->written = NULL;
	assert_true(w.changed);
	/* of the handle's transaction nothing is there, whatever the log's tail is now */
	after = recover_parts(&w, true, true);
	assert_int_equal(le32_get(after + (FIRST_ACCOUNT + 16) * BS + 4), START_MONEY - 5);
	assert_int_equal(le32_get(after + (FIRST_ACCOUNT + 18) * BS + 4), START_MONEY + 5);
	free(after);
	assert_false(w.wrong);
	assert_int_equal(bank_close(&bank), 0);
	assert_int_equal(sum(disk->data), ACCOUNTS * START_MONEY);
	blk_close(&disk->blk);
}

/* ---- who waits for what ---- */

struct waiter {
	struct bank *bank;
	unsigned account;
	atomic_int *moved, *done;
	uint32_t tid;
};

static void *wait_for_commit(void *arg)
{
	struct waiter *w = arg;

	if (transfer(w->bank, w->account, w->account + 1, 1, &w->tid))
		return NULL;
	atomic_fetch_add(w->moved, 1);
	if (!journal_wait(w->bank->journal, w->tid))
		atomic_fetch_add(w->done, 1);
	return NULL;
}

static void wait_number(atomic_int *number, int want)
{
	for (unsigned i = 0; *number < want; i++) {
		usleep(1000);
		assert_true(i < 20000);
	}
}

/* One commits and is held up in its flush; all who come meanwhile share the next commit. */
static void test_shared_commit(void **state)
{
	struct disk *disk = disk_new(true, true);
	atomic_int moved = 0, done = 0;
	struct waiter waiters[9];
	pthread_t threads[9];
	struct bank bank;
	long flushes;

	(void)state;
	assert_int_equal(bank_open_on(&bank, disk, true, true), 0);
	flushes = disk->flushes;
	disk->held = true;
	for (unsigned i = 0; i < 9; i++) {
		waiters[i] = (struct waiter){ .bank = &bank, .account = 2 * i, .moved = &moved,
			.done = &done };
		assert_int_equal(pthread_create(&threads[i], NULL, wait_for_commit, &waiters[i]), 0);
		if (!i)
			wait_number(&disk->waiting, 1);
	}
	wait_number(&moved, 9);
	usleep(20000);
	/* nobody is told before it is true */
	assert_int_equal(done, 0);
	disk->held = false;
	for (unsigned i = 0; i < 9; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(done, 9);
	for (unsigned i = 1; i < 9; i++)
		assert_int_equal(waiters[i].tid, waiters[0].tid + 1);
	/* two each: what is logged, and the record that says so */
	assert_int_equal(disk->flushes - flushes, 4);
	assert_int_equal(bank_close(&bank), 0);
	blk_close(&disk->blk);
}

static void *wait_for_tid(void *arg)
{
	struct waiter *w = arg;

	if (!journal_wait(w->bank->journal, w->tid))
		atomic_fetch_add(w->done, 1);
	return NULL;
}

/* A commit waits for the handles that are open: what they do is in it whole. */
static void test_open_handle(void **state)
{
	struct disk *disk = disk_new(true, true);
	atomic_int done = 0;
	struct buf *a, *b;
	pthread_t thread;
	struct waiter w;
	struct bank bank;
	struct handle *h;

	(void)state;
	assert_int_equal(bank_open_on(&bank, disk, true, true), 0);
	assert_int_equal(cache_get(bank.cache, FIRST_ACCOUNT, &a), 0);
	assert_int_equal(cache_get(bank.cache, FIRST_ACCOUNT + 1, &b), 0);
	assert_int_equal(journal_start(bank.journal, 2, &h), 0);
	assert_int_equal(journal_write(h, a), 0);
	assert_int_equal(journal_write(h, b), 0);
	add(a, -5);
	w = (struct waiter){ .bank = &bank, .tid = journal_tid(h), .done = &done };
	assert_int_equal(pthread_create(&thread, NULL, wait_for_tid, &w), 0);
	usleep(50000);
	assert_int_equal(done, 0);
	assert_int_equal(recovered_sum(disk, &bank.log), ACCOUNTS * START_MONEY);
	add(b, 5);
	assert_int_equal(journal_stop(h), 0);
	pthread_join(thread, NULL);
	assert_int_equal(done, 1);
	cache_put(a);
	cache_put(b);
	assert_int_equal(recovered_sum(disk, &bank.log), ACCOUNTS * START_MONEY);
	assert_int_equal(bank_close(&bank), 0);
	blk_close(&disk->blk);
}

/* ---- freezing ---- */

struct payer {
	struct bank *bank;
	atomic_int *done;
};

static void *pay_once(void *arg)
{
	struct payer *p = arg;
	uint32_t tid;

	assert_int_equal(transfer(p->bank, 2, 3, 7, &tid), 0);
	atomic_fetch_add(p->done, 1);
	return NULL;
}

static void *freeze(void *arg)
{
	struct payer *p = arg;

	assert_int_equal(journal_freeze(p->bank->journal), 0);
	atomic_fetch_add(p->done, 1);
	return NULL;
}

/* In a thread of its own, as one has a single handle. */
static void *try_until_held_back(void *arg)
{
	struct journal *journal = arg;
	struct handle *h;
	int err;

	while ((err = journal_try_start(journal, 1, &h)) == 0)
		assert_int_equal(journal_stop(h), 0);
	assert_int_equal(err, -EAGAIN);
	return NULL;
}

/* Everything is home, no log is needed to read it, and nothing is written until it goes on. */
static void check_frozen(bool has_log)
{
	struct disk *disk = disk_new(true, true);
	uint8_t *before = malloc(sizeof(disk->data));
	atomic_int done = 0, frozen = 0;
	pthread_t payer, freezer, trier;
	struct handle *h;
	struct bank bank;
	uint32_t tid = 0;

	assert_non_null(before);
	assert_int_equal(bank_open_with(&bank, disk, has_log ? disk : NULL, true, 1), 0);
	assert_int_equal(transfer(&bank, 0, 1, 30, &tid), 0);
	/* it waits for who has begun, in however many transactions */
	assert_int_equal(journal_start(bank.journal, 2, &h), 0);
	assert_int_equal(pthread_create(&freezer, NULL, freeze, &(struct payer){ &bank, &frozen }), 0);
	assert_int_equal(pthread_create(&trier, NULL, try_until_held_back, bank.journal), 0);
	pthread_join(trier, NULL);
	assert_int_equal(journal_restart(h, 2), 0);
	assert_int_equal(frozen, 0);
	assert_int_equal(journal_stop(h), 0);
	pthread_join(freezer, NULL);
	assert_int_equal(frozen, 1);
	assert_int_equal(le32_get(disk->durable + FIRST_ACCOUNT * BS + 4), START_MONEY - 30);
	assert_int_equal(sum(disk->durable), ACCOUNTS * START_MONEY);
	if (has_log)
		assert_int_equal(be32_get(disk->durable + LOG_AT * BS + 0x1c), 0);
	assert_int_equal(journal_freeze(bank.journal), -EBUSY);
	memcpy(before, disk->data, sizeof(disk->data));
	assert_int_equal(pthread_create(&payer, NULL, pay_once, &(struct payer){ &bank, &done }), 0);
	assert_int_equal(journal_try_start(bank.journal, 1, &h), -EAGAIN);
	assert_int_equal(journal_wait(bank.journal, 0), 0);
	/* longer than the interval */
	usleep(1300000);
	assert_int_equal(done, 0);
	assert_memory_equal(before, disk->data, sizeof(disk->data));
	assert_int_equal(journal_thaw(bank.journal), 0);
	pthread_join(payer, NULL);
	assert_int_equal(done, 1);
	assert_int_equal(journal_wait(bank.journal, 0), 0);
	if (has_log)
		assert_int_equal(recovered_sum(disk, &bank.log), ACCOUNTS * START_MONEY);
	assert_int_equal(bank_close(&bank), 0);
	assert_int_equal(le32_get(disk->data + (FIRST_ACCOUNT + 3) * BS + 4), START_MONEY + 7);
	free(before);
	blk_close(&disk->blk);
}

static void test_freeze(void **state)
{
	(void)state;
	check_frozen(true);
	check_frozen(false);
}

/* After an abort nobody waits any more, and the disk learns of it when it may be written again. */
static void test_freeze_abort(void **state)
{
	struct disk *disk = disk_new(true, true);
	uint8_t *before = malloc(sizeof(disk->data));
	struct bank bank;
	struct handle *h;
	uint32_t tid = 0;

	(void)state;
	assert_non_null(before);
	assert_int_equal(bank_open_on(&bank, disk, true, true), 0);
	assert_int_equal(transfer(&bank, 0, 1, 30, &tid), 0);
	assert_int_equal(journal_freeze(bank.journal), 0);
	memcpy(before, disk->data, sizeof(disk->data));
	journal_abort(bank.journal, -EIO);
	assert_int_equal(journal_start(bank.journal, 1, &h), -EROFS);
	usleep(20000);
	assert_memory_equal(before, disk->data, sizeof(disk->data));
	assert_int_equal(journal_thaw(bank.journal), -EIO);
	assert_int_equal(journal_freeze(bank.journal), -EIO);
	assert_int_equal(bank_close(&bank), -EIO);
	assert_int_equal((int32_t)be32_get(disk->data + LOG_AT * BS + 0x20), -EIO);
	/* a disk that fails */
	memset(disk->data + LOG_AT * BS + 0x20, 0, 4);
	write_journal_super(disk->data + LOG_AT * BS, true, true);
	assert_int_equal(bank_open_on(&bank, disk, true, true), 0);
	assert_int_equal(transfer(&bank, 0, 1, 30, &tid), 0);
	disk->fail_flush = disk->flushes;
	assert_int_equal(journal_freeze(bank.journal), -EIO);
	assert_int_equal(journal_start(bank.journal, 1, &h), -EROFS);
	assert_int_equal(bank_close(&bank), -EIO);
	free(before);
	blk_close(&disk->blk);
}

/* Nobody waits, and still. */
static void test_interval(void **state)
{
	struct disk *disk = disk_new(true, true);
	struct bank bank;
	uint32_t tid = 0;

	(void)state;
	assert_int_equal(bank_open_with(&bank, disk, disk, true, 1), 0);
	for (unsigned i = 0; i < 2; i++) {
		unsigned tries = 0;

		assert_int_equal(transfer(&bank, 0, 1, 1, &tid), 0);
		assert_false(journal_is_committed(bank.journal, tid));
		while (!journal_is_committed(bank.journal, tid)) {
			usleep(10000);
			assert_true(++tries < 500);
		}
	}
	assert_int_equal(bank_close(&bank), 0);
	blk_close(&disk->blk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_csum),
		cmocka_unit_test(test_cut_plain),
		cmocka_unit_test(test_wraps),
		cmocka_unit_test(test_without_log),
		cmocka_unit_test(test_revoke),
		cmocka_unit_test(test_nothing_changed),
		cmocka_unit_test(test_io_error),
		cmocka_unit_test(test_flush_error),
		cmocka_unit_test(test_too_many_credits),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_checkpoint),
		cmocka_unit_test(test_open_handle),
		cmocka_unit_test(test_shared_commit),
		cmocka_unit_test(test_interval),
		cmocka_unit_test(test_freeze),
		cmocka_unit_test(test_freeze_abort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
