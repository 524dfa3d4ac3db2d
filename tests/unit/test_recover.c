// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recovery of journals built by hand in memory. The image has FS_BLOCKS blocks; block n is filled
 * with the byte home(n). The journal lies in it from JNL_PBLK on, its second half before its
 * first, so that it has more than one run.
 */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <ext2fs/ext2fs.h>
#include <stdlib.h>
#include <string.h>

#include "format/jbd2.h"
#include "format/le.h"
#include "journal/recover.h"
#include "journal/recover_fc.h"
#include "util/crc32c.h"

#define BS 1024U
#define FS_BLOCKS 4096U
#define JNL_PBLK 2000U
#define JNL_BLOCKS 1400U
#define JNL_HALF (JNL_BLOCKS / 2)
#define NR(array) (sizeof(array) / sizeof((array)[0]))

#define ESCAPE 1U
#define SAME_UUID 2U
#define LAST 8U

#define TIME 1000U /* seconds of the first commit */

struct jnl {
	uint8_t *image;
	enum jbd2_csum csum;
	bool wide, async, fc;
	uint32_t last;	   /* one past the log */
	uint32_t sequence; /* first transaction */
	uint32_t start;	   /* its place */
	/* While it is written: */
	uint32_t tid, head, seed, v1;
	uint64_t time;
	/* What recovery made of it: */
	struct log log;
	struct recover_source src;
	struct recover_result res;
	struct overlay *ovl;
	uint32_t unmapped; /* journal block that map() has not; 0: none */
};

static uint8_t home(uint32_t pblk)
{
	return (uint8_t)(pblk % 7);
}

static uint32_t jnl_pblk(uint32_t jblk)
{
	return JNL_PBLK + (jblk < JNL_HALF ? jblk + JNL_HALF : jblk - JNL_HALF);
}

static uint8_t *jnl_block(struct jnl *j, uint32_t jblk)
{
	return j->image + (size_t)jnl_pblk(jblk) * BS;
}

static bool v2_or_v3(const struct jnl *j)
{
	return j->csum == JBD2_CSUM_V2 || j->csum == JBD2_CSUM_V3;
}

static void sign_super(struct jnl *j)
{
	uint8_t *p = jnl_block(j, 0);

	be32_put(p + 0xfc, 0);
	if (v2_or_v3(j))
		be32_put(p + 0xfc, crc32c(~0U, p, 1024));
}

static void put_super(struct jnl *j)
{
	static const uint32_t incompat[] = { [JBD2_CSUM_V2] = 8, [JBD2_CSUM_V3] = 16 };
	uint8_t *p = jnl_block(j, 0);

	memset(p, 0, BS);
	be32_put(p, JBD2_MAGIC);
	be32_put(p + 0x4, JBD2_BLOCK_SUPER_V2);
	be32_put(p + 0xc, BS);
	be32_put(p + 0x10, JNL_BLOCKS);
	be32_put(p + 0x14, 1);
	be32_put(p + 0x18, j->sequence);
	be32_put(p + 0x1c, j->start);
	be32_put(p + 0x24, j->csum == JBD2_CSUM_V1);
	be32_put(p + 0x28, 1U | (j->wide ? 2U : 0) | (j->async ? 4U : 0) | (j->fc ? 32U : 0) |
				   (v2_or_v3(j) ? incompat[j->csum] : 0));
	memset(p + 0x30, 0xab, 16);
	p[0x50] = v2_or_v3(j) ? 4 : 0;
	j->seed = crc32c(~0U, p + 0x30, 16);
	sign_super(j);
}

/* An empty log that begins at block start, with transaction sequence. */
static struct jnl *jnl_new(enum jbd2_csum csum, bool wide, uint32_t start, uint32_t sequence)
{
	struct jnl *j = calloc(1, sizeof(*j));

	assert_non_null(j);
	j->image = malloc((size_t)FS_BLOCKS * BS);
	assert_non_null(j->image);
	for (uint32_t i = 0; i < FS_BLOCKS; i++)
		memset(j->image + (size_t)i * BS, home(i), BS);
	j->csum = csum;
	j->wide = wide;
	j->start = j->head = start;
	j->sequence = j->tid = sequence;
	j->last = JNL_BLOCKS;
	j->time = TIME;
	j->v1 = ~0U;
	log_init(&j->log, "test", LOG_LEVEL_ERROR);
	put_super(j);
	return j;
}

static void jnl_free(struct jnl *j)
{
	if (j->ovl)
		blk_close(overlay_blk(j->ovl));
	free(j->image);
	free(j);
}

static uint8_t *jnl_next(struct jnl *j)
{
	uint8_t *p = jnl_block(j, j->head++);

	if (j->head == j->last)
		j->head = 1;
	return p;
}

static uint8_t *put_header(struct jnl *j, enum jbd2_block_type type)
{
	uint8_t *p = jnl_next(j);

	memset(p, 0, BS);
	be32_put(p, JBD2_MAGIC);
	be32_put(p + 4, type);
	be32_put(p + 8, j->tid);
	return p;
}

static void sign_tail(struct jnl *j, uint8_t *p)
{
	if (v2_or_v3(j))
		be32_put(p + BS - 4, crc32c(j->seed, p, BS));
}

/* A block to log: it will be filled with fill; escaped: but for the magic in front. */
struct put {
	uint64_t pblk;
	uint8_t fill;
	bool escaped;
};

static uint32_t tag_bytes(const struct jnl *j)
{
	if (j->csum == JBD2_CSUM_V3)
		return 16;
	return (j->wide ? 12 : 8) + (j->csum == JBD2_CSUM_V2 ? 2 : 0);
}

static void put_tag(struct jnl *j, uint8_t *tag, const struct put *put, unsigned flags,
	const uint8_t *copy)
{
	uint8_t tid[4];
	uint32_t crc;

	be32_put(tid, j->tid);
	crc = crc32c(crc32c(j->seed, tid, 4), copy, BS);
	be32_put(tag, (uint32_t)put->pblk);
	tag[7] = (uint8_t)flags;
	if (j->wide)
		be32_put(tag + 8, (uint32_t)(put->pblk >> 32));
	if (j->csum == JBD2_CSUM_V2) {
		tag[4] = (uint8_t)(crc >> 8);
		tag[5] = (uint8_t)crc;
	} else if (j->csum == JBD2_CSUM_V3) {
		be32_put(tag + 12, crc);
	}
}

/* One descriptor with its copies; returns the descriptor. */
static uint8_t *put_blocks(struct jnl *j, const struct put *put, uint32_t nr)
{
	uint8_t *desc = put_header(j, JBD2_BLOCK_DESCRIPTOR);
	uint8_t *tag = desc + 12;
	uint32_t first = j->head;

	for (uint32_t i = 0; i < nr; i++) {
		uint8_t *copy = jnl_next(j);

		memset(copy, put[i].fill, BS);
		if (put[i].escaped)
			memset(copy, 0, 4);
		put_tag(j, tag, &put[i], (i ? SAME_UUID : 0) | (i + 1 == nr ? LAST : 0) |
			(put[i].escaped ? ESCAPE : 0), copy);
		tag += tag_bytes(j) + (i ? 0 : 16);
	}
	sign_tail(j, desc);
	j->v1 = ext2fs_crc32_be(j->v1, desc, BS);
	for (uint32_t i = 0; i < nr; i++) {
		j->v1 = ext2fs_crc32_be(j->v1, jnl_block(j, first++), BS);
		if (first == j->last)
			first = 1;
	}
	return desc;
}

static uint8_t *put_revoke(struct jnl *j, const uint64_t *pblk, uint32_t nr)
{
	uint8_t *p = put_header(j, JBD2_BLOCK_REVOKE);
	uint32_t size = j->wide ? 8 : 4;

	be32_put(p + 12, 16 + nr * size);
	for (uint32_t i = 0; i < nr; i++)
		if (j->wide)
			be64_put(p + 16 + i * size, pblk[i]);
		else
			be32_put(p + 16 + i * size, (uint32_t)pblk[i]);
	sign_tail(j, p);
	return p;
}

static uint8_t *put_commit(struct jnl *j)
{
	uint8_t *p = put_header(j, JBD2_BLOCK_COMMIT);

	be64_put(p + 48, j->time++);
	if (j->csum == JBD2_CSUM_V1) {
		p[12] = 1;
		p[13] = 4;
		be32_put(p + 16, j->v1);
	} else if (v2_or_v3(j)) {
		be32_put(p + 16, crc32c(j->seed, p, BS));
	}
	j->v1 = ~0U;
	j->tid++;
	return p;
}

/* A whole transaction of one block; returns its commit block. */
static uint8_t *put_one(struct jnl *j, uint64_t pblk, uint8_t fill)
{
	put_blocks(j, &(struct put){ .pblk = pblk, .fill = fill }, 1);
	return put_commit(j);
}

static int jnl_map(void *arg, uint64_t jblk, uint64_t *ret_pblk, uint64_t *ret_nr)
{
	const struct jnl *j = arg;

	assert_true(jblk < JNL_BLOCKS);
	if (j->unmapped && jblk == j->unmapped)
		return -EUCLEAN;
	*ret_pblk = jnl_pblk((uint32_t)jblk);
	*ret_nr = jblk < JNL_HALF ? JNL_HALF - jblk : JNL_BLOCKS - jblk;
	if (j->unmapped > jblk && *ret_nr > j->unmapped - jblk)
		*ret_nr = j->unmapped - jblk;
	return 0;
}

static int recover(struct jnl *j)
{
	struct blk *blk;

	if (j->ovl)
		blk_close(overlay_blk(j->ovl));
	assert_int_equal(blk_mem_new(j->image, (size_t)FS_BLOCKS * BS, &blk), 0);
	assert_int_equal(overlay_new(blk, BS, &j->ovl), 0);
	j->src = (struct recover_source){ .blk = blk, .block_size = BS, .blocks = JNL_BLOCKS,
		.fs_blocks = FS_BLOCKS, .uuid = j->src.uuid, .map = jnl_map, .arg = j,
		.log = &j->log };
	return recover_journal(&j->src, j->ovl, &j->res);
}

/* Recovers j, which must end up with that many transactions, whether damaged or not. */
static void recover_some(struct jnl *j, uint32_t transactions, bool corrupt)
{
	assert_int_equal(recover(j), 0);
	assert_int_equal(j->res.corrupt, corrupt);
	assert_int_equal(j->res.transactions, transactions);
	assert_int_equal(j->res.blocks, overlay_count(j->ovl));
}

static void assert_block(struct jnl *j, uint32_t pblk, uint8_t fill)
{
	uint8_t buf[BS], want[BS];

	memset(want, fill, BS);
	assert_int_equal(blk_read(overlay_blk(j->ovl), (uint64_t)pblk * BS, buf, BS), 0);
	assert_memory_equal(buf, want, BS);
}

static void assert_home(struct jnl *j, uint32_t pblk)
{
	assert_block(j, pblk, home(pblk));
}

/* Runs body for each layout of the log. */
static void each_layout(void (*body)(enum jbd2_csum csum, bool wide))
{
	for (int csum = JBD2_CSUM_NONE; csum <= JBD2_CSUM_V3; csum++)
		for (int wide = 0; wide < 2; wide++)
			body((enum jbd2_csum)csum, wide);
}

static void check_replay(enum jbd2_csum csum, bool wide)
{
	static const struct put first[] = { { 10, 0x11, false }, { 30, 0x12, true },
		{ 20, 0x13, false } };
	static const struct put second[] = { { 20, 0x21, false }, { 4095, 0x22, false } };
	struct jnl *j = jnl_new(csum, wide, 1, 5);
	uint8_t buf[8] = { 0 };

	put_blocks(j, first, 3);
	put_commit(j);
	put_blocks(j, second, 1);
	put_blocks(j, second + 1, 1);
	put_commit(j);
	put_blocks(j, &(struct put){ .pblk = 40, .fill = 0x31 }, 1); /* never committed */
	recover_some(j, 2, false);
	assert_int_equal(overlay_count(j->ovl), 4);
	assert_int_equal(j->res.fc_nr, 0);
	assert_block(j, 10, 0x11);
	assert_block(j, 20, 0x21);
	assert_block(j, 4095, 0x22);
	assert_home(j, 11);
	assert_home(j, 40);
	assert_int_equal(blk_read(overlay_blk(j->ovl), 30 * BS, buf, 8), 0);
	assert_memory_equal(buf, "\xc0\x3b\x39\x98\x12\x12\x12\x12", 8);
	jnl_free(j);
}

static void test_replay(void **state)
{
	(void)state;
	each_layout(check_replay);
}

/* As many tags as one descriptor holds, which then has no LAST tag. */
static void check_full_descriptor(enum jbd2_csum csum, bool wide)
{
	struct jnl *j = jnl_new(csum, wide, 1, 5);
	uint32_t tail = csum >= JBD2_CSUM_V2 ? 4 : 0;
	uint32_t nr = (BS - tail - 12 - 16) / tag_bytes(j);
	struct put put[128];
	uint8_t *desc;

	assert_true(nr <= NR(put));
	for (uint32_t i = 0; i < nr; i++)
		put[i] = (struct put){ .pblk = 100 + i, .fill = (uint8_t)(128 + i % 100) };
	desc = put_blocks(j, put, nr);
	desc[12 + 16 + (nr - 1) * tag_bytes(j) + 7] = SAME_UUID;
	if (v2_or_v3(j)) {
		be32_put(desc + BS - 4, 0);
		sign_tail(j, desc);
	}
	j->v1 = ext2fs_crc32_be(~0U, desc, BS);
	for (uint32_t i = 0; i < nr; i++)
		j->v1 = ext2fs_crc32_be(j->v1, jnl_block(j, 2 + i), BS);
	put_commit(j);
	recover_some(j, 1, false);
	assert_int_equal(overlay_count(j->ovl), nr);
	for (uint32_t i = 0; i < nr; i++)
		assert_block(j, 100 + i, put[i].fill);
	jnl_free(j);
}

static void test_full_descriptor(void **state)
{
	(void)state;
	each_layout(check_full_descriptor);
}

/* From transaction ids and log blocks that wrap around in the midst of it. */
static void check_revoke(enum jbd2_csum csum, bool wide)
{
	static const uint64_t gone[] = { 10, 20, 999, 1ULL << 30 };
	struct jnl *j = jnl_new(csum, wide, JNL_BLOCKS - 4, UINT32_MAX - 1);

	put_one(j, 10, 0x11);
	put_one(j, 20, 0x12);
	put_one(j, 30, 0x13);
	put_blocks(j, &(struct put){ .pblk = 20, .fill = 0x21 }, 1);
	put_revoke(j, gone, NR(gone)); /* also what its own transaction wrote */
	put_commit(j);
	put_one(j, 10, 0x31);
	put_revoke(j, (const uint64_t[]){ 30 }, 1); /* never committed */
	recover_some(j, 5, false);
	assert_block(j, 10, 0x31);
	assert_home(j, 20);
	assert_block(j, 30, 0x13);
	assert_home(j, 999);
	jnl_free(j);
}

static void test_revoke(void **state)
{
	(void)state;
	each_layout(check_revoke);
}

static void test_revoke_count(void **state)
{
	struct jnl *j = jnl_new(JBD2_CSUM_NONE, false, 1, 5);
	uint8_t *p;

	(void)state;
	put_one(j, 10, 0x11);
	p = put_revoke(j, (const uint64_t[]){ 30 }, 1);
	put_commit(j);
	be32_put(p + 12, BS + 1);
	recover_some(j, 0, true);
	assert_home(j, 10);
	be32_put(p + 12, 3); /* shorter than its header: none */
	recover_some(j, 2, false);
	assert_block(j, 10, 0x11);
	jnl_free(j);
}

static void check_bad_commit(enum jbd2_csum csum, bool wide)
{
	struct jnl *j = jnl_new(csum, wide, 1, 5);
	uint8_t *p;

	if (csum == JBD2_CSUM_NONE) {
		jnl_free(j);
		return;
	}
	put_one(j, 10, 0x11);
	p = put_one(j, 20, 0x12);
	put_one(j, 30, 0x13);
	p[17] ^= 1;
	recover_some(j, 1, true);
	assert_block(j, 10, 0x11);
	assert_home(j, 20);
	assert_home(j, 30);

	/* A time before the last commit's: left over from an earlier round of the log. */
	be64_put(p + 48, TIME - 1);
	recover_some(j, 1, false);
	assert_home(j, 20);
	jnl_free(j);
}

static void test_bad_commit(void **state)
{
	(void)state;
	each_layout(check_bad_commit);
}

/* A bad asynchronous commit is an interrupted one, unless another commit follows. */
static void test_async_commit(void **state)
{
	static const enum jbd2_csum csums[] = { JBD2_CSUM_V1, JBD2_CSUM_V3 };

	(void)state;
	for (size_t i = 0; i < NR(csums); i++) {
		struct jnl *j = jnl_new(csums[i], true, 1, 5);

		j->async = true;
		put_super(j);
		put_one(j, 10, 0x11);
		put_one(j, 20, 0x12)[17] ^= 1;
		recover_some(j, 1, false);
		assert_home(j, 20);
		put_one(j, 30, 0x13);
		recover_some(j, 1, true);
		assert_block(j, 10, 0x11);
		assert_home(j, 20);
		assert_home(j, 30);
		jnl_free(j);
	}
}

/* Only the header of the commit block was written, over what was there before. */
static void test_partial_commit(void **state)
{
	struct jnl *j = jnl_new(JBD2_CSUM_V3, true, 1, 5);

	(void)state;
	memset(put_one(j, 10, 0x11) + 512, 0x55, 512);
	recover_some(j, 1, false);
	assert_block(j, 10, 0x11);
	jnl_free(j);
}

static void test_bad_copy(void **state)
{
	static const struct put put[] = { { 10, 0x11, false }, { 20, 0x12, false },
		{ 30, 0x13, false } };

	(void)state;
	for (int csum = JBD2_CSUM_V2; csum <= JBD2_CSUM_V3; csum++) {
		struct jnl *j = jnl_new((enum jbd2_csum)csum, false, 1, 5);

		put_one(j, 20, 0x01);
		put_blocks(j, put, 3);
		put_commit(j);
		jnl_block(j, 4 + 2)[1000] ^= 1;
		recover_some(j, 2, true);
		assert_block(j, 10, 0x11);
		assert_block(j, 20, 0x01);
		assert_block(j, 30, 0x13);
		jnl_free(j);
	}
}

static void test_bad_descriptor(void **state)
{
	(void)state;
	for (int csum = JBD2_CSUM_V2; csum <= JBD2_CSUM_V3; csum++) {
		struct jnl *j = jnl_new((enum jbd2_csum)csum, true, 1, 5);
		uint8_t *p;

		put_one(j, 10, 0x11);
		put_blocks(j, &(struct put){ .pblk = 20, .fill = 0x12 }, 1)[900] ^= 1;
		recover_some(j, 1, false); /* not committed: nobody minds */
		p = put_commit(j);
		recover_some(j, 0, true);
		assert_home(j, 10);
		be64_put(p + 48, TIME - 1);
		recover_some(j, 1, false);
		assert_block(j, 10, 0x11);
		assert_home(j, 20);
		jnl_free(j);
	}
}

static void test_bad_blocknr(void **state)
{
	static const struct put put[] = { { FS_BLOCKS, 0x11, false }, { 1ULL << 40, 0x12, false },
		{ 30, 0x13, false } };
	struct jnl *j = jnl_new(JBD2_CSUM_V3, true, 1, 5);

	(void)state;
	put_blocks(j, put, 3);
	put_commit(j);
	recover_some(j, 1, true);
	assert_int_equal(overlay_count(j->ovl), 1);
	assert_block(j, 30, 0x13);
	jnl_free(j);
}

static void test_unmapped(void **state)
{
	struct jnl *j = jnl_new(JBD2_CSUM_NONE, false, 1, 5);

	(void)state;
	put_one(j, 10, 0x11);
	put_one(j, 20, 0x12);
	j->unmapped = 5; /* a copy */
	recover_some(j, 2, true);
	assert_block(j, 10, 0x11);
	assert_home(j, 20);
	j->unmapped = 6; /* a commit */
	recover_some(j, 0, true);
	assert_home(j, 10);
	jnl_free(j);
}

/* One transaction that goes round the log for ever. */
static void test_endless(void **state)
{
	struct jnl *j = jnl_new(JBD2_CSUM_NONE, false, 1, 5);

	(void)state;
	for (uint32_t i = 1; i < JNL_BLOCKS; i++)
		put_revoke(j, (const uint64_t[]){ 10 }, 1);
	recover_some(j, 0, false);
	for (uint32_t i = 1; i < JNL_BLOCKS; i++)
		memset(put_header(j, JBD2_BLOCK_DESCRIPTOR) + 12, 0, BS - 12);
	recover_some(j, 0, false);
	jnl_free(j);
}

static void test_empty(void **state)
{
	struct jnl *j = jnl_new(JBD2_CSUM_V3, true, 0, 5);

	(void)state;
	j->fc = true;
	put_super(j);
	recover_some(j, 0, false);
	assert_int_equal(j->res.fc_nr, 0);
	be32_put(jnl_block(j, 0) + 0x20, (uint32_t)-EIO);
	sign_super(j);
	recover_some(j, 0, false);
	assert_int_equal(j->res.journal_errno, -EIO);
	jnl_free(j);
}

static void test_bad_super(void **state)
{
	static const struct {
		uint32_t off, value;
		int err;
	} cases[] = {
		{ 0x00, 0, -EUCLEAN },		       /* magic */
		{ 0x04, JBD2_BLOCK_COMMIT, -EUCLEAN }, /* type */
		{ 0x0c, 4096, -EUCLEAN },	       /* block size */
		{ 0x10, JNL_BLOCKS + 1, -EUCLEAN },    /* length */
		{ 0x10, 1023, -EUCLEAN }, { 0x10, 0, -EUCLEAN },
		{ 0x14, 0, -EUCLEAN }, /* first block of the log */
		{ 0x14, JNL_BLOCKS, -EUCLEAN }, { 0x14, JNL_BLOCKS - 1022, -EUCLEAN },
		{ 0x1c, JNL_BLOCKS, -EUCLEAN }, /* start */
		{ 0x1c, UINT32_MAX, -EUCLEAN },
		{ 0x24, 1, -EUCLEAN },			    /* v1 and v3 */
		{ 0x28, 0x18, -EUCLEAN },		    /* v2 and v3 */
		{ 0x28, 0x51, -EOPNOTSUPP }, { 0x2c, 1, -EOPNOTSUPP }, /* unknown */
		{ 0x50, 0, -EUCLEAN },			    /* checksum type */
		{ 0x54, JNL_BLOCKS, 0 },		    /* fast commits, not in use */
	};
	struct jnl *j = jnl_new(JBD2_CSUM_V3, true, 1, 5);

	(void)state;
	for (size_t i = 0; i < NR(cases); i++) {
		put_super(j);
		be32_put(jnl_block(j, 0) + cases[i].off, cases[i].value);
		sign_super(j);
		assert_int_equal(recover(j), cases[i].err);
	}
	put_super(j);
	jnl_block(j, 0)[0x31] ^= 1;
	assert_int_equal(recover(j), -EBADMSG);
	j->fc = true;
	put_super(j);
	be32_put(jnl_block(j, 0) + 0x54, JNL_BLOCKS - 1023);
	sign_super(j);
	assert_int_equal(recover(j), -EUCLEAN);
	jnl_free(j);
}

static void test_users(void **state)
{
	static const uint8_t uuid[16] = "the filesystem's";
	struct jnl *j = jnl_new(JBD2_CSUM_NONE, false, 0, 5);
	uint8_t *sb = jnl_block(j, 0);

	(void)state;
	j->src.uuid = uuid;
	assert_int_equal(recover(j), -EUCLEAN);
	memcpy(sb + 0x100 + 16, uuid, 16);
	be32_put(sb + 0x40, 1);
	assert_int_equal(recover(j), -EUCLEAN);
	be32_put(sb + 0x40, 2);
	assert_int_equal(recover(j), 0);
	be32_put(sb + 0x40, 49);
	assert_int_equal(recover(j), -EUCLEAN);
	jnl_free(j);
}

/* Reads of any alignment, over mapped and other blocks, against the same a block at a time. */
static void test_overlay_ranges(void **state)
{
	struct jnl *j = jnl_new(JBD2_CSUM_NONE, false, 1, 5);
	static uint8_t whole[16 * BS], part[16 * BS];
	static const struct put put[] = { { 256, 0x11, true }, { 258, 0x12, false },
		{ 259, 0x13, true }, { 265, 0x14, false } };
	struct blk *blk;

	(void)state;
	put_blocks(j, put, 4);
	put_commit(j);
	recover_some(j, 1, false);
	blk = overlay_blk(j->ovl);
	for (uint32_t i = 0; i < 16; i++)
		assert_int_equal(blk_read(blk, (uint64_t)(252 + i) * BS, whole + i * BS, BS), 0);
	for (uint32_t off = 0; off < 12 * BS; off += 509)
		for (uint32_t len = 1; len < 4 * BS; len += 331) {
			memset(part, 0xee, sizeof(part));
			assert_int_equal(blk_read(blk, 252 * BS + off, part, len), 0);
			assert_memory_equal(part, whole + off, len);
			assert_int_equal(part[len], 0xee);
		}
	for (uint32_t off = 4 * BS - 3; off < 4 * BS + 8; off++)
		for (uint32_t len = 1; len < 8; len++) {
			assert_int_equal(blk_read(blk, 252 * BS + off, part, len), 0);
			assert_memory_equal(part, whole + off, len);
		}
	jnl_free(j);
}

#define FC_BLOCKS 256
#define FC_FIRST (JNL_BLOCKS - FC_BLOCKS + 1)

/* A journal with one transaction and an empty fast-commit area. */
static struct jnl *fc_new(void)
{
	struct jnl *j = jnl_new(JBD2_CSUM_V3, true, JNL_BLOCKS - FC_BLOCKS - 2, 5);

	j->fc = true;
	j->last = JNL_BLOCKS - FC_BLOCKS;
	put_super(j);
	put_one(j, 10, 0x11); /* wraps around before the area */
	return j;
}

struct fc_put {
	uint8_t *block;
	uint32_t off, crc;
};

static void fc_tag(struct fc_put *fc, unsigned type, const void *val, uint16_t len)
{
	uint8_t *p = fc->block + fc->off;

	le16_put(p, (uint16_t)type);
	le16_put(p + 2, len);
	memcpy(p + 4, val, len);
	fc->off += 4U + len;
	fc->crc = crc32c(fc->crc, p, 4U + len);
}

static void fc_head(struct fc_put *fc, uint32_t features, uint32_t tid)
{
	uint8_t val[8];

	le32_put(val, features);
	le32_put(val + 4, tid);
	fc_tag(fc, FCOMMIT_HEAD, val, 8);
}

static void fc_tail(struct fc_put *fc, uint32_t tid)
{
	uint8_t *p = fc->block + fc->off;

	le16_put(p, FCOMMIT_TAIL);
	le16_put(p + 2, (uint16_t)(BS - fc->off - 4));
	le32_put(p + 4, tid);
	le32_put(p + 8, crc32c(fc->crc, p, 8));
	fc->block = NULL;
	fc->crc = 0;
	fc->off = 0;
}

/* Two fast commits after transaction 5: one in two blocks, with an UNLINK each, one in one. */
static void fc_put_two(struct jnl *j)
{
	static const char unlink[] = "\2\0\0\0\14\0\0\0name";
	static const uint8_t zero[BS];
	struct fc_put fc = { .block = jnl_block(j, FC_FIRST) };

	fc_head(&fc, 0, 6);
	fc_tag(&fc, FCOMMIT_UNLINK, unlink, 12);
	fc_tag(&fc, FCOMMIT_PAD, zero, (uint16_t)(BS - fc.off - 4));
	fc.block = jnl_block(j, FC_FIRST + 1);
	fc.off = 0;
	fc_tag(&fc, FCOMMIT_UNLINK, unlink, 12);
	fc_tail(&fc, 6);
	fc.block = jnl_block(j, FC_FIRST + 2);
	fc_tag(&fc, FCOMMIT_UNLINK, unlink, 12);
	fc_tail(&fc, 6);
}

static int count_unlinks(void *arg, const struct fcommit_tag *tag)
{
	unsigned *nr = arg;

	if (tag->type == FCOMMIT_UNLINK) {
		assert_int_equal(tag->dentry.parent, 2);
		assert_int_equal(tag->dentry.ino, 12);
		assert_memory_equal(tag->dentry.name, "name", tag->dentry.name_len);
		++*nr;
	}
	return *nr == 99 ? -ENOSPC : 0;
}

/* Recovers j and checks what its fast commits come to. */
static void recover_fc(struct jnl *j, int want_err, uint64_t want_tags, unsigned want_unlinks)
{
	unsigned unlinks = 0;
	uint64_t tags;

	recover_some(j, 1, false);
	assert_block(j, 10, 0x11);
	assert_int_equal(j->res.fc_first, FC_FIRST);
	assert_int_equal(j->res.fc_nr, FC_BLOCKS - 1);
	assert_int_equal(j->res.fc_tid, 6);
	assert_int_equal(recover_fast_commit(&j->src, &j->res, 256, count_unlinks, &unlinks, &tags),
		want_err);
	assert_int_equal(tags, want_tags);
	assert_int_equal(unlinks, want_unlinks);
}

static void test_fast_commit(void **state)
{
	struct jnl *j = fc_new();
	uint8_t *p = jnl_block(j, FC_FIRST);
	unsigned nr = 98;
	uint64_t tags;

	(void)state;
	recover_fc(j, 0, 0, 0); /* an area never used */
	fc_put_two(j);
	recover_fc(j, 0, 7, 3);
	assert_int_equal(recover_fast_commit(&j->src, &j->res, 256, count_unlinks, &nr, &tags),
		-ENOSPC);
	assert_int_equal(nr, 99);

	jnl_block(j, FC_FIRST + 2)[10] ^= 1; /* the second is damaged */
	recover_fc(j, 0, 5, 2);
	jnl_block(j, FC_FIRST + 2)[0] = 77; /* or not even a tag */
	recover_fc(j, 0, 5, 2);
	jnl_block(j, FC_FIRST + 1)[10] ^= 1; /* the first is damaged */
	recover_fc(j, -EBADMSG, 0, 0);
	p[2]++; /* its HEAD is */
	recover_fc(j, -EUCLEAN, 0, 0);
	p[2]--;
	p[4] = 1; /* a feature */
	recover_fc(j, -EOPNOTSUPP, 0, 0);
	p[4] = 0;
	p[8]--; /* of an earlier transaction */
	recover_fc(j, 0, 0, 0);
	jnl_free(j);
}

/* Without the feature in the journal's superblock the area is part of the log. */
static void test_no_fast_commit(void **state)
{
	struct jnl *j = fc_new();

	(void)state;
	fc_put_two(j);
	j->fc = false;
	put_super(j);
	recover_some(j, 0, false);
	assert_int_equal(j->res.fc_nr, 0);
	jnl_free(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_full_descriptor),
		cmocka_unit_test(test_revoke),
		cmocka_unit_test(test_revoke_count),
		cmocka_unit_test(test_bad_commit),
		cmocka_unit_test(test_async_commit),
		cmocka_unit_test(test_partial_commit),
		cmocka_unit_test(test_bad_copy),
		cmocka_unit_test(test_bad_descriptor),
		cmocka_unit_test(test_bad_blocknr),
		cmocka_unit_test(test_unmapped),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_bad_super),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_overlay_ranges),
		cmocka_unit_test(test_fast_commit),
		cmocka_unit_test(test_no_fast_commit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
