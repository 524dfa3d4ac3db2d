// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two walks over the area: the first counts the tags up to the last TAIL that holds, the second
 * hands out that many. Tags never cross a block, so one block in memory is enough.
 */
#include "config.h"

#include "journal/recover_fc.h"

#include <errno.h>

#include "format/le.h"

struct fc_walk {
	const struct recover_source *src;
	const struct recover_result *res;
	uint32_t inode_size;
	uint8_t *buf;	   /* one block */
	uint64_t nr_seen;  /* tags so far */
	uint64_t nr_valid; /* tags up to the last good TAIL */
	uint32_t crc;	   /* of the fast commit being walked */
	bool stop;
	recover_fc_fn *fn;
	void *arg;
};

static void fc_walk_fini(struct fc_walk *w)
{
	free(w->buf);
}

static int read_block(struct fc_walk *w, uint64_t jblk)
{
	const struct recover_source *src = w->src;
	uint64_t pblk, nr;
	int err;

	err = src->map(src->arg, jblk, &pblk, &nr);
	if (err)
		return err;
	if (pblk >= src->blk->size / src->block_size)
		return -EUCLEAN;
	return blk_read(src->blk, pblk * src->block_size, w->buf, src->block_size);
}

/* Damage behind a whole fast commit only ends the scan: an interrupted one looks like that. */
static int scan_end(struct fc_walk *w, int err)
{
	w->stop = true;
	return w->nr_valid ? 0 : err;
}

static int scan_head(struct fc_walk *w, const uint8_t *p, const struct fcommit_tag *tag)
{
	if (tag->head.features & ~(uint32_t)FCOMMIT_KNOWN_FEATURES)
		return -EOPNOTSUPP;
	if (tag->head.tid != w->res->fc_tid) {
		w->stop = true;
		return 0;
	}
	w->nr_seen++;
	w->crc = fcommit_crc(w->crc, p, tag);
	return 0;
}

static int scan_tail(struct fc_walk *w, const uint8_t *p, const struct fcommit_tag *tag)
{
	uint32_t crc = fcommit_crc(w->crc, p, tag);

	if (tag->tail.tid != w->res->fc_tid || tag->tail.crc != crc)
		return scan_end(w, -EBADMSG);
	w->nr_valid = ++w->nr_seen;
	w->crc = 0;
	return 0;
}

static int scan_tag(struct fc_walk *w, const uint8_t *p, const struct fcommit_tag *tag)
{
	if (tag->type == FCOMMIT_HEAD)
		return scan_head(w, p, tag);
	if (tag->type == FCOMMIT_TAIL)
		return scan_tail(w, p, tag);
	w->nr_seen++;
	w->crc = fcommit_crc(w->crc, p, tag);
	return 0;
}

static int give_tag(struct fc_walk *w, const uint8_t *p, const struct fcommit_tag *tag)
{
	int err = w->fn(w->arg, tag);

	(void)p;
	w->stop = err || ++w->nr_seen == w->nr_valid;
	return err;
}

static int walk_block(struct fc_walk *w,
	int (*visit)(struct fc_walk *w, const uint8_t *p, const struct fcommit_tag *tag))
{
	size_t left = w->src->block_size;
	struct fcommit_tag tag;
	int err = 0;

	while (!err && !w->stop && left >= FCOMMIT_TAG_HDR) {
		const uint8_t *p = w->buf + (w->src->block_size - left);

		if (fcommit_decode(p, left, w->inode_size, &tag))
			return scan_end(w, -EUCLEAN);
		err = visit(w, p, &tag);
		left -= tag.len;
	}
	return err;
}

static int walk_area(struct fc_walk *w,
	int (*visit)(struct fc_walk *w, const uint8_t *p, const struct fcommit_tag *tag))
{
	int err = 0;

	w->nr_seen = 0;
	w->stop = false;
	for (uint32_t i = 0; !err && !w->stop && i < w->res->fc_nr; i++) {
		err = read_block(w, w->res->fc_first + i);
		/* Only the first fast commit after a full one has a HEAD; else there is none. */
		if (!err && !i && le16_get(w->buf) != FCOMMIT_HEAD)
			return 0;
		if (!err)
			err = walk_block(w, visit);
	}
	return err;
}

int recover_fast_commit(const struct recover_source *src, const struct recover_result *res,
	uint32_t inode_size, recover_fc_fn *fn, void *arg, uint64_t *ret_nr)
{
	CLEANUP(fc_walk_fini) struct fc_walk w = { .src = src, .res = res,
		.inode_size = inode_size, .fn = fn, .arg = arg };
	int err;

	*ret_nr = 0;
	if (!res->fc_nr)
		return 0;
	w.buf = malloc(src->block_size);
	if (!w.buf)
		return -ENOMEM;
	err = walk_area(&w, scan_tag);
	if (err || !w.nr_valid)
		return err;
	*ret_nr = w.nr_valid;
	return walk_area(&w, give_tag);
}
