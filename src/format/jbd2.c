// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "format/jbd2.h"

#include <errno.h>
#include <ext2fs/ext2fs.h>
#include <string.h>

#include "format/le.h"
#include "util/crc32c.h"

/* struct journal_header_s */
#define HDR_MAGIC 0
#define HDR_TYPE 4
#define HDR_TID 8
#define HDR_SIZE 12

/* struct journal_superblock_s; from SB_COMPAT on only in version 2 */
#define SB_BLOCKSIZE 0x0c
#define SB_MAXLEN 0x10
#define SB_FIRST 0x14
#define SB_SEQUENCE 0x18
#define SB_START 0x1c
#define SB_ERRNO 0x20
#define SB_COMPAT 0x24
#define SB_INCOMPAT 0x28
#define SB_RO_COMPAT 0x2c
#define SB_UUID 0x30
#define SB_NR_USERS 0x40
#define SB_CSUM_TYPE 0x50
#define SB_NUM_FC_BLKS 0x54
#define SB_CSUM 0xfc
#define SB_USERS 0x100

#define UUID_SIZE 16
#define USERS_MAX ((JBD2_SUPER_SIZE - SB_USERS) / UUID_SIZE)

#define COMPAT_CHECKSUM 0x1U
#define INCOMPAT_REVOKE 0x1U
#define INCOMPAT_64BIT 0x2U
#define INCOMPAT_ASYNC_COMMIT 0x4U
#define INCOMPAT_CSUM_V2 0x8U
#define INCOMPAT_CSUM_V3 0x10U
#define INCOMPAT_FAST_COMMIT 0x20U
#define INCOMPAT_KNOWN 0x3fU /* and REVOKE, 0x1, which asks nothing of a reader */

#define MIN_BLOCKS 1024 /* JBD2_MIN_JOURNAL_BLOCKS */
#define DEFAULT_FC_BLOCKS 256

#define CSUM_TYPE_CRC32 1
#define CSUM_TYPE_CRC32C 4

/* journal_block_tag_t and journal_block_tag3_t: flags are in the same place, at the low half */
#define TAG_BLOCKNR 0
#define TAG_CSUM_V2 4
#define TAG_FLAGS 6
#define TAG_BLOCKNR_HIGH 8
#define TAG_CSUM_V3 12

#define TAG_ESCAPE 0x1U
#define TAG_SAME_UUID 0x2U
#define TAG_LAST 0x8U

#define TAIL_SIZE 4 /* struct jbd2_journal_block_tail: the checksum, at the end of the block */

/* jbd2_journal_revoke_header_t: r_count counts bytes, this header's included */
#define REVOKE_COUNT 12
#define REVOKE_HDR_SIZE 16

/* struct commit_header, with the padding that its checksum covers */
#define COMMIT_CSUM_TYPE 12
#define COMMIT_CSUM_SIZE 13
#define COMMIT_CSUM 16
#define COMMIT_SEC 48
#define COMMIT_NSEC 56
#define COMMIT_HDR_SIZE 64

static bool has_block_csums(const struct jbd2_super *js)
{
	return js->csum == JBD2_CSUM_V2 || js->csum == JBD2_CSUM_V3;
}

/* CRC-32C of len bytes whose own checksum, at off, counts as zero. */
static uint32_t crc_without(uint32_t seed, const uint8_t *p, size_t len, size_t off)
{
	static const uint8_t zero[4];

	seed = crc32c(seed, p, off);
	seed = crc32c(seed, zero, sizeof(zero));
	return crc32c(seed, p + off + sizeof(zero), len - off - sizeof(zero));
}

static int fail(const char **ret_why, int err, const char *why)
{
	*ret_why = why;
	return err;
}

static int decode_csum(const uint8_t *raw, struct jbd2_super *js, const char **ret_why)
{
	uint32_t incompat = be32_get(raw + SB_INCOMPAT);
	bool v1 = be32_get(raw + SB_COMPAT) & COMPAT_CHECKSUM;
	bool v2 = incompat & INCOMPAT_CSUM_V2, v3 = incompat & INCOMPAT_CSUM_V3;

	if (v1 + v2 + v3 > 1)
		return fail(ret_why, -EUCLEAN, "contradicting checksum features");
	js->csum = v1 ? JBD2_CSUM_V1 : v2 ? JBD2_CSUM_V2 : v3 ? JBD2_CSUM_V3 : JBD2_CSUM_NONE;
	if (!has_block_csums(js))
		return 0;
	if (raw[SB_CSUM_TYPE] != CSUM_TYPE_CRC32C)
		return fail(ret_why, -EUCLEAN, "unknown checksum type");
	if (crc_without(~0U, raw, JBD2_SUPER_SIZE, SB_CSUM) != be32_get(raw + SB_CSUM))
		return fail(ret_why, -EBADMSG, "bad superblock checksum");
	js->csum_seed = crc32c(~0U, raw + SB_UUID, UUID_SIZE);
	return 0;
}

/* The fields that only a version 2 superblock has. */
static int decode_features(const uint8_t *raw, uint32_t maxlen, struct jbd2_super *js,
	const char **ret_why)
{
	uint32_t incompat = be32_get(raw + SB_INCOMPAT);
	uint32_t fc = 0;

	if (be32_get(raw + SB_RO_COMPAT) || (incompat & ~INCOMPAT_KNOWN))
		return fail(ret_why, -EOPNOTSUPP, "unknown features");
	if (incompat & INCOMPAT_FAST_COMMIT) {
		fc = be32_get(raw + SB_NUM_FC_BLKS);
		if (!fc)
			fc = DEFAULT_FC_BLOCKS;
	}
	if (maxlen < MIN_BLOCKS || maxlen - MIN_BLOCKS < fc)
		return fail(ret_why, -EUCLEAN, "too few blocks");
	js->wide = incompat & INCOMPAT_64BIT;
	js->async_commit = incompat & INCOMPAT_ASYNC_COMMIT;
	js->last = maxlen - fc;
	/* jbd2 leaves the first block of the area unused: j_fc_first is j_last + 1. */
	js->fc_first = fc ? js->last + 1 : 0;
	js->fc_nr = fc ? fc - 1 : 0;
	return decode_csum(raw, js, ret_why);
}

/* s_errno is a negative errno in 32 bits; whatever else stands there is still an error. */
static int decode_errno(uint32_t v)
{
	int32_t n = (int32_t)v;

	if (!n)
		return 0;
	return n < 0 && n >= -4095 ? n : -EIO;
}

int jbd2_super_decode(const uint8_t *raw, uint32_t block_size, uint64_t blocks,
	struct jbd2_super *ret, const char **ret_why)
{
	uint32_t type = be32_get(raw + HDR_TYPE);
	uint32_t maxlen = be32_get(raw + SB_MAXLEN);
	int err = 0;

	*ret = (struct jbd2_super){ .block_size = block_size, .last = maxlen };
	if (be32_get(raw + HDR_MAGIC) != JBD2_MAGIC)
		return fail(ret_why, -EUCLEAN, "no journal superblock");
	if (type != JBD2_BLOCK_SUPER_V1 && type != JBD2_BLOCK_SUPER_V2)
		return fail(ret_why, -EUCLEAN, "unknown superblock version");
	if (be32_get(raw + SB_BLOCKSIZE) != block_size)
		return fail(ret_why, -EUCLEAN, "its block size is not the filesystem's");
	if (maxlen > blocks)
		return fail(ret_why, -EUCLEAN, "it is longer than its file or device");
	if (type == JBD2_BLOCK_SUPER_V2)
		err = decode_features(raw, maxlen, ret, ret_why);
	if (err)
		return err;
	ret->first = be32_get(raw + SB_FIRST);
	ret->start = be32_get(raw + SB_START);
	ret->sequence = be32_get(raw + SB_SEQUENCE);
	ret->error = decode_errno(be32_get(raw + SB_ERRNO));
	/* The second: journal_reset() wants MIN_BLOCKS between s_first and s_maxlen, inclusive. */
	if (!ret->first || ret->first >= ret->last || maxlen - ret->first < MIN_BLOCKS - 1)
		return fail(ret_why, -EUCLEAN, "no room for the log");
	if (ret->start && (ret->start < ret->first || ret->start >= ret->last))
		return fail(ret_why, -EUCLEAN, "the log's start lies outside of it");
	return 0;
}

bool jbd2_super_lists_user(const uint8_t *raw, const uint8_t *uuid)
{
	uint32_t nr = be32_get(raw + SB_NR_USERS);

	if (be32_get(raw + HDR_TYPE) != JBD2_BLOCK_SUPER_V2 || nr > USERS_MAX)
		return false;
	for (uint32_t i = 0; i < nr; i++)
		if (!memcmp(raw + SB_USERS + i * UUID_SIZE, uuid, UUID_SIZE))
			return true;
	return false;
}

uint32_t jbd2_super_users(const uint8_t *raw)
{
	return be32_get(raw + SB_NR_USERS);
}

enum jbd2_block_type jbd2_block_type(const uint8_t *blk, uint32_t tid)
{
	uint32_t type = be32_get(blk + HDR_TYPE);

	if (be32_get(blk + HDR_MAGIC) != JBD2_MAGIC || be32_get(blk + HDR_TID) != tid)
		return JBD2_BLOCK_NONE;
	if (type < JBD2_BLOCK_DESCRIPTOR || type > JBD2_BLOCK_REVOKE)
		return JBD2_BLOCK_NONE;
	return (enum jbd2_block_type)type;
}

/* One past the last byte that tags or revoke records may use. */
static uint32_t payload_end(const struct jbd2_super *js)
{
	return js->block_size - (has_block_csums(js) ? TAIL_SIZE : 0);
}

bool jbd2_block_csum_ok(const struct jbd2_super *js, const uint8_t *blk)
{
	uint32_t off = js->block_size - TAIL_SIZE;

	if (!has_block_csums(js))
		return true;
	return crc_without(js->csum_seed, blk, js->block_size, off) == be32_get(blk + off);
}

/*
 * journal_tag_bytes(): v2 adds two bytes behind the tag (it once counted its checksum twice),
 * v3 has one size whether or not the block numbers are wide.
 */
static uint32_t tag_size(const struct jbd2_super *js)
{
	uint32_t size = js->wide ? 12 : 8;

	if (js->csum == JBD2_CSUM_V3)
		return 16;
	return js->csum == JBD2_CSUM_V2 ? size + 2 : size;
}

void jbd2_tags_start(const uint8_t *blk, struct jbd2_tags *ret)
{
	*ret = (struct jbd2_tags){ .blk = blk, .off = HDR_SIZE };
}

bool jbd2_tags_next(const struct jbd2_super *js, struct jbd2_tags *it, struct jbd2_tag *ret)
{
	const uint8_t *p = it->blk + it->off;
	uint32_t size = tag_size(js), end = payload_end(js);
	unsigned flags;

	if (it->done || it->off > end || end - it->off < size)
		return false;
	flags = be16_get(p + TAG_FLAGS);
	*ret = (struct jbd2_tag){ .pblk = be32_get(p + TAG_BLOCKNR),
		.escaped = flags & TAG_ESCAPE };
	if (js->wide)
		ret->pblk |= (uint64_t)be32_get(p + TAG_BLOCKNR_HIGH) << 32;
	if (js->csum == JBD2_CSUM_V3)
		ret->csum = be32_get(p + TAG_CSUM_V3);
	else if (js->csum == JBD2_CSUM_V2)
		ret->csum = be16_get(p + TAG_CSUM_V2);
	it->off += size + (flags & TAG_SAME_UUID ? 0 : UUID_SIZE);
	it->done = flags & TAG_LAST;
	return true;
}

uint32_t jbd2_tags_count(const struct jbd2_super *js, const uint8_t *blk)
{
	struct jbd2_tags it;
	struct jbd2_tag tag;
	uint32_t nr = 0;

	jbd2_tags_start(blk, &it);
	while (jbd2_tags_next(js, &it, &tag))
		nr++;
	return nr;
}

bool jbd2_tag_csum_ok(const struct jbd2_super *js, const struct jbd2_tag *tag, uint32_t tid,
	const uint8_t *copy)
{
	uint32_t be_tid = htobe32(tid);
	uint32_t crc;

	if (!has_block_csums(js))
		return true;
	crc = crc32c(js->csum_seed, &be_tid, sizeof(be_tid));
	crc = crc32c(crc, copy, js->block_size);
	return tag->csum == (js->csum == JBD2_CSUM_V2 ? crc & 0xffff : crc);
}

static uint32_t revoke_size(const struct jbd2_super *js)
{
	return js->wide ? 8 : 4;
}

int jbd2_revoke_count(const struct jbd2_super *js, const uint8_t *blk, uint32_t *ret)
{
	uint32_t bytes = be32_get(blk + REVOKE_COUNT);

	if (bytes > payload_end(js))
		return -EUCLEAN;
	*ret = bytes < REVOKE_HDR_SIZE ? 0 : (bytes - REVOKE_HDR_SIZE) / revoke_size(js);
	return 0;
}

uint64_t jbd2_revoke_get(const struct jbd2_super *js, const uint8_t *blk, uint32_t i)
{
	const uint8_t *p = blk + REVOKE_HDR_SIZE + i * revoke_size(js);

	return js->wide ? be64_get(p) : be32_get(p);
}

uint64_t jbd2_commit_time(const uint8_t *blk)
{
	return be64_get(blk + COMMIT_SEC);
}

/* Whether the checksum holds if only the header reached the disk and zeros followed it. */
static bool partial_commit_ok(const struct jbd2_super *js, const uint8_t *blk)
{
	static const uint8_t zero[COMMIT_HDR_SIZE];
	uint32_t crc = crc_without(js->csum_seed, blk, COMMIT_HDR_SIZE, COMMIT_CSUM);

	for (uint32_t off = COMMIT_HDR_SIZE; off < js->block_size; off += sizeof(zero))
		crc = crc32c(crc, zero, sizeof(zero));
	return crc == be32_get(blk + COMMIT_CSUM);
}

bool jbd2_commit_csum_ok(const struct jbd2_super *js, const uint8_t *blk, uint32_t v1_crc)
{
	uint32_t found = be32_get(blk + COMMIT_CSUM);
	uint8_t type = blk[COMMIT_CSUM_TYPE], size = blk[COMMIT_CSUM_SIZE];

	if (js->csum == JBD2_CSUM_NONE)
		return true;
	if (js->csum == JBD2_CSUM_V1)
		return (found == v1_crc && type == CSUM_TYPE_CRC32 && size == sizeof(found)) ||
		       (!found && !type && !size);
	return crc_without(js->csum_seed, blk, js->block_size, COMMIT_CSUM) == found ||
	       partial_commit_ok(js, blk);
}

uint32_t jbd2_v1_crc(const struct jbd2_super *js, uint32_t crc, const uint8_t *blk)
{
	return ext2fs_crc32_be(crc, blk, js->block_size);
}

/* ---- writing ---- */

bool jbd2_super_writable(const uint8_t *raw)
{
	return be32_get(raw + HDR_TYPE) == JBD2_BLOCK_SUPER_V2;
}

void jbd2_super_set_features(uint8_t *raw, bool csum, bool wide)
{
	uint32_t incompat = be32_get(raw + SB_INCOMPAT) | INCOMPAT_REVOKE;

	/* as set_journal_csum_feature_set(): v3 or none, whatever was there before */
	incompat &= ~(INCOMPAT_CSUM_V2 | INCOMPAT_CSUM_V3 | INCOMPAT_ASYNC_COMMIT);
	if (csum)
		incompat |= INCOMPAT_CSUM_V3;
	if (wide)
		incompat |= INCOMPAT_64BIT;
	be32_put(raw + SB_INCOMPAT, incompat);
	be32_put(raw + SB_COMPAT, be32_get(raw + SB_COMPAT) & ~COMPAT_CHECKSUM);
	raw[SB_CSUM_TYPE] = csum ? CSUM_TYPE_CRC32C : 0;
}

void jbd2_super_set_tail(uint8_t *raw, uint32_t sequence, uint32_t start)
{
	be32_put(raw + SB_SEQUENCE, sequence);
	be32_put(raw + SB_START, start);
}

void jbd2_super_set_error(uint8_t *raw, int err)
{
	be32_put(raw + SB_ERRNO, (uint32_t)err);
}

void jbd2_super_seal(uint8_t *raw)
{
	uint32_t incompat = be32_get(raw + SB_INCOMPAT);

	if (incompat & (INCOMPAT_CSUM_V2 | INCOMPAT_CSUM_V3))
		be32_put(raw + SB_CSUM, crc_without(~0U, raw, JBD2_SUPER_SIZE, SB_CSUM));
	else
		be32_put(raw + SB_CSUM, 0);
}

static void header_put(uint8_t *blk, enum jbd2_block_type type, uint32_t tid)
{
	be32_put(blk + HDR_MAGIC, JBD2_MAGIC);
	be32_put(blk + HDR_TYPE, type);
	be32_put(blk + HDR_TID, tid);
}

/* The checksum at the end of a descriptor or revoke block. */
static void tail_seal(const struct jbd2_super *js, uint8_t *blk)
{
	uint32_t off = js->block_size - TAIL_SIZE;

	if (has_block_csums(js))
		be32_put(blk + off, crc_without(js->csum_seed, blk, js->block_size, off));
}

uint32_t jbd2_tags_max(const struct jbd2_super *js)
{
	/* the first tag is followed by the journal's UUID */
	return (payload_end(js) - HDR_SIZE - UUID_SIZE) / tag_size(js);
}

void jbd2_tag_writer_start(const struct jbd2_super *js, uint8_t *blk, uint32_t tid,
	struct jbd2_tag_writer *ret)
{
	memset(blk, 0, js->block_size);
	header_put(blk, JBD2_BLOCK_DESCRIPTOR, tid);
	*ret = (struct jbd2_tag_writer){ .blk = blk, .off = HDR_SIZE };
}

void jbd2_tag_writer_put(const struct jbd2_super *js, struct jbd2_tag_writer *w, uint32_t tid,
	uint64_t pblk, uint8_t *copy)
{
	uint8_t *p = w->blk + w->off;
	uint32_t be_tid = htobe32(tid);
	unsigned flags = w->last ? TAG_SAME_UUID : 0;
	uint32_t crc;

	if (be32_get(copy) == JBD2_MAGIC) {
		be32_put(copy, 0);
		flags |= TAG_ESCAPE;
	}
	be32_put(p + TAG_BLOCKNR, (uint32_t)pblk);
	if (js->wide)
		be32_put(p + TAG_BLOCKNR_HIGH, (uint32_t)(pblk >> 32));
	if (has_block_csums(js)) {
		crc = crc32c(js->csum_seed, &be_tid, sizeof(be_tid));
		crc = crc32c(crc, copy, js->block_size);
		if (js->csum == JBD2_CSUM_V3)
			be32_put(p + TAG_CSUM_V3, crc);
		else
			be16_put(p + TAG_CSUM_V2, (uint16_t)crc);
	}
	be16_put(p + TAG_FLAGS, (uint16_t)flags);
	/* the UUID behind the first tag stays zeros: nobody reads it */
	w->last = w->off;
	w->off += tag_size(js) + (flags & TAG_SAME_UUID ? 0 : UUID_SIZE);
}

void jbd2_tag_writer_end(const struct jbd2_super *js, struct jbd2_tag_writer *w)
{
	uint8_t *flags = w->blk + w->last + TAG_FLAGS;

	be16_put(flags, be16_get(flags) | TAG_LAST);
	tail_seal(js, w->blk);
}

uint32_t jbd2_revokes_max(const struct jbd2_super *js)
{
	return (payload_end(js) - REVOKE_HDR_SIZE) / revoke_size(js);
}

void jbd2_revoke_encode(const struct jbd2_super *js, uint8_t *blk, uint32_t tid,
	const uint64_t *pblks, uint32_t nr)
{
	uint32_t size = revoke_size(js);

	memset(blk, 0, js->block_size);
	header_put(blk, JBD2_BLOCK_REVOKE, tid);
	be32_put(blk + REVOKE_COUNT, REVOKE_HDR_SIZE + nr * size);
	for (uint32_t i = 0; i < nr; i++) {
		uint8_t *p = blk + REVOKE_HDR_SIZE + i * size;

		if (js->wide)
			be64_put(p, pblks[i]);
		else
			be32_put(p, (uint32_t)pblks[i]);
	}
	tail_seal(js, blk);
}

void jbd2_commit_encode(const struct jbd2_super *js, uint8_t *blk, uint32_t tid, uint64_t sec,
	uint32_t nsec)
{
	memset(blk, 0, js->block_size);
	header_put(blk, JBD2_BLOCK_COMMIT, tid);
	be64_put(blk + COMMIT_SEC, sec);
	be32_put(blk + COMMIT_NSEC, nsec);
	if (has_block_csums(js))
		be32_put(blk + COMMIT_CSUM,
			crc_without(js->csum_seed, blk, js->block_size, COMMIT_CSUM));
}
