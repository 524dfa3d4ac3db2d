/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jbd2 on disk: the journal's superblock, the control blocks of its log and what they hold.
 * Pure decode and checksum verification: no IO, no locks. All numbers are big-endian; every
 * control block starts with a header of 12 bytes: magic, type, transaction id.
 */
#ifndef EXT4D_FORMAT_JBD2_H
#define EXT4D_FORMAT_JBD2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

#define JBD2_MAGIC 0xC03B3998U
#define JBD2_SUPER_SIZE 1024 /* bytes; the rest of its block is unused */

enum jbd2_block_type {
	JBD2_BLOCK_NONE = 0, /* not a control block */
	JBD2_BLOCK_DESCRIPTOR = 1,
	JBD2_BLOCK_COMMIT = 2,
	JBD2_BLOCK_SUPER_V1 = 3,
	JBD2_BLOCK_SUPER_V2 = 4,
	JBD2_BLOCK_REVOKE = 5,
};

enum jbd2_csum {
	JBD2_CSUM_NONE,
	JBD2_CSUM_V1, /* CRC-32 over descriptors and data, in the commit block */
	JBD2_CSUM_V2, /* CRC-32C per control block, its low 16 bits per tag */
	JBD2_CSUM_V3, /* the same with 32 bits per tag */
};

struct jbd2_super {
	uint32_t block_size; /* bytes */
	uint32_t first;	     /* first block of the log */
	uint32_t last;	     /* one past the log; the fast-commit area begins here */
	uint32_t fc_first;   /* first block a fast commit may use */
	uint32_t fc_nr;	     /* blocks from there on; 0 without the feature */
	uint32_t start;	     /* block of the oldest transaction, in the log; 0: empty */
	uint32_t sequence;   /* its id */
	int error;	     /* s_errno: 0 or negative errno */
	enum jbd2_csum csum;
	bool wide;	     /* block numbers have 64 bits */
	bool async_commit;   /* a commit block may be durable before what it commits */
	uint32_t csum_seed;  /* v2 and v3 */
};

/*
 * Decodes raw (JBD2_SUPER_SIZE bytes) of a journal of that many blocks of block_size bytes, with
 * the checks of journal_check_superblock(). -EUCLEAN, -EBADMSG, or -EOPNOTSUPP for an unknown
 * feature; *ret_why then says what is wrong, for a person.
 */
int jbd2_super_decode(const uint8_t *raw, uint32_t block_size, uint64_t blocks,
	struct jbd2_super *ret, const char **ret_why) MUST_CHECK;

/* Whether uuid (16 bytes) is among the users that an external journal's superblock lists. */
bool jbd2_super_lists_user(const uint8_t *raw, const uint8_t *uuid);

/* How many filesystems an external journal is for. */
uint32_t jbd2_super_users(const uint8_t *raw);

/* The type of the control block blk, if it is one of transaction tid; else JBD2_BLOCK_NONE. */
enum jbd2_block_type jbd2_block_type(const uint8_t *blk, uint32_t tid);

/* Whether the checksum of a descriptor or revoke block holds; true without v2 or v3. */
bool jbd2_block_csum_ok(const struct jbd2_super *js, const uint8_t *blk);

/* One block that a descriptor announces: its copy is the next block of the log. */
struct jbd2_tag {
	uint64_t pblk; /* filesystem block; unchecked */
	uint32_t csum; /* v2: the low 16 bits */
	bool escaped;  /* the copy's first four bytes read 0 and stand for JBD2_MAGIC */
};

/* A position among the tags of a descriptor block. */
struct jbd2_tags {
	const uint8_t *blk;
	uint32_t off; /* bytes; of the next tag */
	bool done;
};

void jbd2_tags_start(const uint8_t *blk, struct jbd2_tags *ret);

/* Takes the next tag; false after the last. */
bool jbd2_tags_next(const struct jbd2_super *js, struct jbd2_tags *it, struct jbd2_tag *ret);

/* How many tags the descriptor blk has. */
uint32_t jbd2_tags_count(const struct jbd2_super *js, const uint8_t *blk);

/* Whether copy is what tag of transaction tid announced; true without v2 or v3. */
bool jbd2_tag_csum_ok(const struct jbd2_super *js, const struct jbd2_tag *tag, uint32_t tid,
	const uint8_t *copy);

/* How many blocks the revoke block blk names; -EUCLEAN if they leave the block. */
int jbd2_revoke_count(const struct jbd2_super *js, const uint8_t *blk, uint32_t *ret) MUST_CHECK;

/* The i-th of them. */
uint64_t jbd2_revoke_get(const struct jbd2_super *js, const uint8_t *blk, uint32_t i);

/* Seconds of the commit. */
uint64_t jbd2_commit_time(const uint8_t *blk);

/*
 * Whether a commit block holds. v1_crc: the running jbd2_v1_crc() over the transaction, used
 * with JBD2_CSUM_V1 only.
 */
bool jbd2_commit_csum_ok(const struct jbd2_super *js, const uint8_t *blk, uint32_t v1_crc);

/* ---- writing ---- */

/*
 * The journal superblock raw (JBD2_SUPER_SIZE bytes, version 2; see jbd2_super_writable()) is changed
 * in place; jbd2_super_seal() computes its checksum and must come last.
 */
bool jbd2_super_writable(const uint8_t *raw);
/* What transactions are written with from now on: checksums v3 or none, wide block numbers, revokes. */
void jbd2_super_set_features(uint8_t *raw, bool csum, bool wide);
/* The oldest transaction and its block in the log; start 0: the log is empty. */
void jbd2_super_set_tail(uint8_t *raw, uint32_t sequence, uint32_t start);
void jbd2_super_set_error(uint8_t *raw, int err);
void jbd2_super_seal(uint8_t *raw);

/* A descriptor block while it is filled. */
struct jbd2_tag_writer {
	uint8_t *blk;
	uint32_t off;  /* bytes; of the next tag */
	uint32_t last; /* of the last one, 0: none */
};

/* How many tags fit one descriptor block. */
uint32_t jbd2_tags_max(const struct jbd2_super *js);

void jbd2_tag_writer_start(const struct jbd2_super *js, uint8_t *blk, uint32_t tid,
	struct jbd2_tag_writer *ret);
/*
 * Announces copy, the contents that are written to the log for block pblk. A copy that begins with
 * JBD2_MAGIC is escaped: its first bytes become 0. There must be room.
 */
void jbd2_tag_writer_put(const struct jbd2_super *js, struct jbd2_tag_writer *w, uint32_t tid,
	uint64_t pblk, uint8_t *copy);
/* Ends the block: at least one tag was put. */
void jbd2_tag_writer_end(const struct jbd2_super *js, struct jbd2_tag_writer *w);

/* How many records fit one revoke block. */
uint32_t jbd2_revokes_max(const struct jbd2_super *js);
/* Makes blk a revoke block of transaction tid for the nr blocks at pblks; nr <= jbd2_revokes_max(). */
void jbd2_revoke_encode(const struct jbd2_super *js, uint8_t *blk, uint32_t tid,
	const uint64_t *pblks, uint32_t nr);

/* Makes blk the commit block of transaction tid. */
void jbd2_commit_encode(const struct jbd2_super *js, uint8_t *blk, uint32_t tid, uint64_t sec,
	uint32_t nsec);

#define JBD2_V1_CRC_INIT 0xffffffffU

/* Continues a transaction's v1 checksum with a descriptor or data block. */
uint32_t jbd2_v1_crc(const struct jbd2_super *js, uint32_t crc, const uint8_t *blk);

/* Transaction ids wrap: whether a is later than b (tid_gt()). */
static inline bool jbd2_tid_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

#endif
