/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jbd2 recovery into memory: reads a journal (32- and 64-bit, no checksum or v1, v2 and v3, with
 * revokes), finds its committed transactions and maps every block they hold into an
 * overlay. Nothing is written. fs/jbd2/recovery.c is the reference for what is accepted.
 */
#ifndef EXT4D_JOURNAL_RECOVER_H
#define EXT4D_JOURNAL_RECOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "blk/overlay.h"
#include "util/log.h"

/* Where a journal lies. */
struct recover_source {
	struct blk *blk;     /* layer that holds it; the caller's */
	struct blk *overlay_source; /* for struct overlay_source: NULL, or blk if external */
	uint32_t block_size; /* bytes; must equal s_blocksize in the journal's superblock */
	uint64_t blocks;     /* blocks of the journal inode or device */
	uint64_t fs_blocks;  /* blocks of the filesystem: tags beyond it are damage */
	uint64_t first;	     /* journal block of the journal superblock: 0, or 1/2 on a device */
	const uint8_t *uuid; /* NULL, or the filesystem's: an external journal must list it */
	/*
	 * Journal block to block of blk; *ret_nr >= 1 consecutive ones. Unmapped: -EUCLEAN.
	 */
	int (*map)(void *arg, uint64_t jblk, uint64_t *ret_pblk, uint64_t *ret_nr);
	void *arg;
	struct log *log;
};

/* What recovery found. */
struct recover_result {
	uint32_t transactions; /* replayed */
	uint64_t blocks;       /* mapped into the overlay */
	bool corrupt;	       /* ended early at a damaged transaction */
	const char *why;       /* on failure, what is wrong, or NULL: the error says all */
	int journal_errno;     /* j_superblock.s_errno, 0 or negative errno */
	/* Fast-commit area: blocks of the journal, nr 0 if there is none. */
	uint64_t fc_first;
	uint32_t fc_nr;
	uint32_t fc_tid; /* the transaction a fast commit must continue: the next expected id */
};

/*
 * Replays src into ovl. 0 when the journal was empty or replayed, even if it ended at a damaged
 * transaction (result->corrupt; logged); -EUCLEAN, -EBADMSG for a journal whose superblock
 * cannot be used; -EOPNOTSUPP unknown journal features; -EIO, -ENOMEM.
 */
int recover_journal(const struct recover_source *src, struct overlay *ovl,
	struct recover_result *ret) MUST_CHECK;

#endif
