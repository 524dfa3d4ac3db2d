/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of quotafile share. Callers hold file->lock throughout. */
#ifndef EXT4D_FS_QUOTAFILE_I_H
#define EXT4D_FS_QUOTAFILE_I_H

#include "fs/quotafile.h"

#define QUOTAFILE_PLACES 1024u

/* Where an entry was seen; one per hash of the id. */
struct quotafile_place {
	uint64_t pblk; /* 0: nothing known */
	uint32_t id;
	uint32_t off; /* bytes in the block */
};

/* A quota block, inside the held buffer of the filesystem block where it lies. */
struct quotafile_block {
	uint32_t nr;
	struct buf *buf;
	uint8_t *raw;
};

static inline void quotafile_block_fini(struct quotafile_block *block)
{
	cache_put(block->buf);
}

/* From the root down to the last node that there is, and the leaf if the path leads there. */
struct quotafile_path {
	struct quotafile_block nodes[DQUOT_DEPTH];
	unsigned nr;	/* nodes */
	uint32_t leaf; /* 0: the path ends before */
};

/* Says that file is damaged; nothing is counted from now on. Returns -EUCLEAN. */
int quotafile_damaged(struct quotafile *file, const char *what, uint32_t block);

/* Holds quota block nr. -EUCLEAN, -EBADMSG, -EIO, -ENOMEM; *ret is untouched then. */
int quotafile_block_get(struct quotafile *file, uint32_t nr, struct quotafile_block *ret)
	MUST_CHECK;

/* Holds block 0, announced if h is not NULL, and decodes it. Errors as quotafile_block_get(). */
int quotafile_info_get(struct handle *h, struct quotafile *file, struct quotafile_block *block,
	struct dquot_info *ret) MUST_CHECK;

/*
 * Follows the tree to id. *ret is to be released also on an error, which is as
 * quotafile_block_get()'s.
 */
int quotafile_walk(struct quotafile *file, const struct dquot_info *info, uint32_t id,
	struct quotafile_path *ret) MUST_CHECK;
void quotafile_path_fini(struct quotafile_path *path);

/* The place for id, which may be another's; and putting entry there. */
struct quotafile_place *quotafile_place_of(struct quotafile *file, uint32_t id);
void quotafile_note(struct quotafile *file, uint32_t id, const struct quotafile_entry *entry);

#endif
