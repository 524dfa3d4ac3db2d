/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fast commits: what the filesystem noted behind the log after the last transaction. This finds
 * those that count; what they mean is the filesystem's to know. fs/ext4/fast_commit.c,
 * ext4_fc_replay_scan(), is the reference for what is accepted.
 */
#ifndef EXT4D_JOURNAL_RECOVER_FC_H
#define EXT4D_JOURNAL_RECOVER_FC_H

#include "format/fcommit.h"
#include "journal/recover.h"

/* Called for each tag that counts, in order; what tag points to is gone afterwards. */
typedef int recover_fc_fn(void *arg, const struct fcommit_tag *tag);

/*
 * Calls fn for the tags of all fast commits that continue what recover_journal() found in src,
 * HEAD, TAIL and PAD included; whatever but 0 it returns ends the walk and is returned. inode_size:
 * the filesystem's, in bytes. *ret_nr: how many tags count; 0 if there is no fast commit.
 * -EUCLEAN, -EBADMSG: the area is damaged before its first whole commit, where the kernel
 * refuses to mount; -EOPNOTSUPP: a fast commit with unknown features; -EIO, -ENOMEM. All these
 * are found before fn is called.
 */
int recover_fast_commit(const struct recover_source *src, const struct recover_result *res,
	uint32_t inode_size, recover_fc_fn *fn, void *arg, uint64_t *ret_nr) MUST_CHECK;

#endif
