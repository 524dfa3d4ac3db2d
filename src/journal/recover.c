// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recovery walks the log as fs/jbd2/recovery.c does, up to four times: scan() finds the first
 * transaction that does not count, collect and revoke say which blocks a later transaction
 * freed, replay maps what is left, in the order of the log, so that the last copy wins.
 *
 * Bounds against a hostile journal: a walk ends after as many blocks as the log has, which are
 * no more than its device has; a tag uses up a block of the log, so there are no more of them;
 * of revoked blocks only those are remembered that a tag names.
 *
 * Where the kernel would refuse the journal half-way we keep what it would have written by then:
 * nothing if the scan or a revoke block fails, all other blocks if one copy's checksum does.
 */
#include "config.h"

#include "journal/recover.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "format/jbd2.h"

/* What the log says about one block of the filesystem. */
struct revoked {
	uint64_t pblk;
	uint32_t tid; /* copies in this and earlier transactions are void; valid if set */
	bool set;
};

struct recovery {
	const struct recover_source *src;
	struct overlay *ovl;
	struct recover_result *res;
	struct jbd2_super js;
	uint32_t end;	 /* first transaction that is not replayed; from scan() on, as the next two */
	uint64_t nr_tags; /* of those that are */
	bool has_revokes; /* so have they */
	uint64_t run_jblk, run_pblk, run_nr; /* what src->map said last */
	uint8_t *ctl;	 /* the control block looked at */
	uint8_t *copy;	 /* a block's copy, where its contents matter */
	struct revoked *revoked; /* in order of pblk, one per block */
	uint64_t nr_revoked;
};

/* A place in the log. */
struct walk {
	uint32_t jblk; /* the next block */
	uint32_t left; /* blocks until the walk has gone round the log */
	uint32_t tid;  /* the transaction it should belong to */
};

static void recovery_fini(struct recovery *r)
{
	free(r->ctl);
	free(r->copy);
	free(r->revoked);
}

static int journal_map(struct recovery *r, uint64_t jblk, uint64_t *ret_pblk)
{
	int err;

	if (jblk - r->run_jblk >= r->run_nr) {
		r->run_nr = 0;
		err = r->src->map(r->src->arg, jblk, &r->run_pblk, &r->run_nr);
		if (err)
			return err;
		r->run_jblk = jblk;
	}
	*ret_pblk = r->run_pblk + (jblk - r->run_jblk);
	return *ret_pblk < r->src->blk->size / r->src->block_size ? 0 : -EUCLEAN;
}

static int journal_read(struct recovery *r, uint64_t jblk, void *buf, size_t len)
{
	uint64_t pblk;
	int err;

	err = journal_map(r, jblk, &pblk);
	if (err)
		return err;
	return blk_read(r->src->blk, pblk * r->src->block_size, buf, len);
}

static void walk_start(const struct recovery *r, struct walk *ret)
{
	*ret = (struct walk){ .jblk = r->js.start, .left = r->js.last - r->js.first,
		.tid = r->js.sequence };
}

/* Takes the next block of the log; false when it has been all round. */
static bool walk_block(const struct recovery *r, struct walk *w, uint32_t *ret_jblk)
{
	if (!w->left)
		return false;
	w->left--;
	*ret_jblk = w->jblk++;
	if (w->jblk == r->js.last)
		w->jblk = r->js.first;
	return true;
}

/* Reads the next block into r->ctl. JBD2_BLOCK_NONE: the log ends here. */
static int walk_control(struct recovery *r, struct walk *w, enum jbd2_block_type *ret)
{
	uint32_t jblk;
	int err;

	*ret = JBD2_BLOCK_NONE;
	if (!walk_block(r, w, &jblk))
		return 0;
	err = journal_read(r, jblk, r->ctl, r->js.block_size);
	if (err)
		return err;
	*ret = jbd2_block_type(r->ctl, w->tid);
	return 0;
}

static void walk_skip(const struct recovery *r, struct walk *w, uint32_t nr)
{
	uint32_t jblk;

	while (nr-- && walk_block(r, w, &jblk))
		;
}

/* The state of the first walk, which looks for the end. */
struct scan {
	struct walk w;
	uint32_t v1_crc;	/* of the transaction so far */
	uint32_t nr_tags;	/* in it */
	bool has_revokes;	/* it has */
	bool suspect;		/* a checksum in it is bad */
	bool ended;		/* r->end is known: an asynchronous commit was damaged */
	bool stop;
	uint64_t last_time;	/* of the last commit, good or not */
};

/* Sums up a descriptor and the copies that follow it. */
static int scan_v1_crc(struct recovery *r, struct scan *s, uint32_t nr)
{
	uint32_t jblk;
	int err;

	s->v1_crc = jbd2_v1_crc(&r->js, s->v1_crc, r->ctl);
	while (nr-- && walk_block(r, &s->w, &jblk)) {
		err = journal_read(r, jblk, r->copy, r->js.block_size);
		if (err)
			return err;
		s->v1_crc = jbd2_v1_crc(&r->js, s->v1_crc, r->copy);
	}
	return 0;
}

static int scan_descriptor(struct recovery *r, struct scan *s)
{
	uint32_t nr = jbd2_tags_count(&r->js, r->ctl);

	if (!jbd2_block_csum_ok(&r->js, r->ctl))
		s->suspect = true;
	s->nr_tags += nr;
	if (r->js.csum == JBD2_CSUM_V1 && !s->ended)
		return scan_v1_crc(r, s, nr);
	walk_skip(r, &s->w, nr);
	return 0;
}

/*
 * A commit block whose transaction does not hold. A time before that of the last commit
 * tells blocks left over from an earlier round of the log, which just end it, from damage.
 */
static int scan_bad_commit(struct recovery *r, struct scan *s, uint64_t time)
{
	s->stop = true;
	if (time < s->last_time)
		return 0;
	if (s->suspect) {
		log_error(r->src->log, "journal: bad checksum in transaction %" PRIu32, s->w.tid);
		return -EBADMSG;
	}
	/* An asynchronous commit may have been interrupted: damage only if another one follows. */
	if (r->js.async_commit && !s->ended) {
		s->ended = true;
		s->stop = false;
		s->last_time = time;
		r->end = s->w.tid++;
		return 0;
	}
	log_error(r->src->log, "journal: transaction %" PRIu32 " is damaged",
		s->ended ? r->end : s->w.tid);
	r->res->corrupt = true;
	return 0;
}

static int scan_commit(struct recovery *r, struct scan *s)
{
	uint64_t time = jbd2_commit_time(r->ctl);

	if (s->suspect || s->ended || !jbd2_commit_csum_ok(&r->js, r->ctl, s->v1_crc))
		return scan_bad_commit(r, s, time);
	r->nr_tags += s->nr_tags;
	r->has_revokes |= s->has_revokes;
	*s = (struct scan){ .w = s->w, .v1_crc = JBD2_V1_CRC_INIT, .last_time = time };
	s->w.tid++;
	return 0;
}

/* Sets r->end. -EBADMSG, -EUCLEAN: nothing of the log may be replayed. */
static int scan(struct recovery *r)
{
	struct scan s = { .v1_crc = JBD2_V1_CRC_INIT };
	enum jbd2_block_type type;
	int err = 0;

	walk_start(r, &s.w);
	while (!err && !s.stop) {
		err = walk_control(r, &s.w, &type);
		if (err)
			return err;
		switch (type) {
		case JBD2_BLOCK_DESCRIPTOR:
			err = scan_descriptor(r, &s);
			break;
		case JBD2_BLOCK_REVOKE:
			s.has_revokes = true;
			if (!jbd2_block_csum_ok(&r->js, r->ctl))
				s.suspect = true;
			break;
		case JBD2_BLOCK_COMMIT:
			err = scan_commit(r, &s);
			break;
		default:
			s.stop = true;
		}
	}
	if (!s.ended)
		r->end = s.w.tid;
	return err;
}

/*
 * Calls descriptor and revoke for each such block, in r->ctl, of the transactions that scan()
 * found good. descriptor takes its copies from w.
 */
static int walk_committed(struct recovery *r,
	int (*descriptor)(struct recovery *r, struct walk *w),
	int (*revoke)(struct recovery *r, struct walk *w))
{
	enum jbd2_block_type type;
	struct walk w;
	int err = 0;

	walk_start(r, &w);
	while (!err && w.tid != r->end) {
		err = walk_control(r, &w, &type);
		if (err)
			return err;
		if (type == JBD2_BLOCK_DESCRIPTOR)
			err = descriptor(r, &w);
		else if (type == JBD2_BLOCK_REVOKE)
			err = revoke(r, &w);
		else if (type == JBD2_BLOCK_COMMIT)
			w.tid++;
		else
			err = -EUCLEAN; /* the image changes under us */
	}
	return err;
}

static int pass_over_copies(struct recovery *r, struct walk *w)
{
	walk_skip(r, w, jbd2_tags_count(&r->js, r->ctl));
	return 0;
}

static int pass_over(struct recovery *r, struct walk *w)
{
	(void)r;
	(void)w;
	return 0;
}

static int collect_tags(struct recovery *r, struct walk *w)
{
	struct jbd2_tags it;
	struct jbd2_tag tag;
	uint32_t jblk;

	jbd2_tags_start(r->ctl, &it);
	while (jbd2_tags_next(&r->js, &it, &tag) && walk_block(r, w, &jblk)) {
		if (r->nr_revoked == r->nr_tags)
			return -EUCLEAN; /* the image changes under us */
		r->revoked[r->nr_revoked++] = (struct revoked){ .pblk = tag.pblk };
	}
	return 0;
}

static int compare_revoked(const void *a, const void *b)
{
	uint64_t x = ((const struct revoked *)a)->pblk, y = ((const struct revoked *)b)->pblk;

	return x < y ? -1 : x > y;
}

static struct revoked *find_revoked(const struct recovery *r, uint64_t pblk)
{
	struct revoked key = { .pblk = pblk };

	if (!r->nr_revoked)
		return NULL;
	return bsearch(&key, r->revoked, r->nr_revoked, sizeof(key), compare_revoked);
}

static int collect_revokes(struct recovery *r, struct walk *w)
{
	uint32_t nr;
	int err;

	err = jbd2_revoke_count(&r->js, r->ctl, &nr);
	if (err) {
		log_error(r->src->log, "journal: bad revoke block in transaction %" PRIu32, w->tid);
		return err;
	}
	for (uint32_t i = 0; i < nr; i++) {
		struct revoked *rev = find_revoked(r, jbd2_revoke_get(&r->js, r->ctl, i));

		if (rev && (!rev->set || jbd2_tid_after(w->tid, rev->tid))) {
			rev->set = true;
			rev->tid = w->tid;
		}
	}
	return 0;
}

/* Fills r->revoked. */
static int find_revokes(struct recovery *r)
{
	uint64_t nr = 0;
	int err;

	if (!r->has_revokes)
		return 0;
	r->revoked = reallocarray(NULL, r->nr_tags + 1, sizeof(*r->revoked));
	if (!r->revoked)
		return -ENOMEM;
	err = walk_committed(r, collect_tags, pass_over);
	if (err)
		return err;
	qsort(r->revoked, r->nr_revoked, sizeof(*r->revoked), compare_revoked);
	for (uint64_t i = 0; i < r->nr_revoked; i++)
		if (!nr || r->revoked[nr - 1].pblk != r->revoked[i].pblk)
			r->revoked[nr++] = r->revoked[i];
	r->nr_revoked = nr;
	return walk_committed(r, pass_over_copies, collect_revokes);
}

static bool is_revoked(const struct recovery *r, uint64_t pblk, uint32_t tid)
{
	const struct revoked *rev = find_revoked(r, pblk);

	return rev && rev->set && !jbd2_tid_after(tid, rev->tid);
}

/* Maps the copy of one block. -EUCLEAN, -EBADMSG: this copy cannot be used. */
static int replay_copy(struct recovery *r, const struct jbd2_tag *tag, uint32_t tid, uint32_t jblk)
{
	struct overlay_source from = { .blk = r->src->overlay_source, .escaped = tag->escaped };
	uint64_t pblk;
	int err;

	if (tag->pblk >= r->src->fs_blocks)
		return -EUCLEAN;
	err = journal_map(r, jblk, &pblk);
	if (err)
		return err;
	from.off = pblk * r->src->block_size;
	if (r->js.csum == JBD2_CSUM_V2 || r->js.csum == JBD2_CSUM_V3) {
		err = blk_read(r->src->blk, from.off, r->copy, r->js.block_size);
		if (err)
			return err;
		if (!jbd2_tag_csum_ok(&r->js, tag, tid, r->copy))
			return -EBADMSG;
	}
	err = overlay_map(r->ovl, tag->pblk, &from);
	return err == -EINVAL ? -EUCLEAN : err;
}

static int replay_descriptor(struct recovery *r, struct walk *w)
{
	struct jbd2_tags it;
	struct jbd2_tag tag;
	uint32_t jblk;
	int err;

	jbd2_tags_start(r->ctl, &it);
	while (jbd2_tags_next(&r->js, &it, &tag) && walk_block(r, w, &jblk)) {
		if (is_revoked(r, tag.pblk, w->tid))
			continue;
		err = replay_copy(r, &tag, w->tid, jblk);
		if (err == -EUCLEAN || err == -EBADMSG) {
			log_limited(r->src->log, LOG_LEVEL_ERROR,
				"journal: transaction %" PRIu32 " has a damaged copy of block %" PRIu64,
				w->tid, tag.pblk);
			r->res->corrupt = true;
		} else if (err) {
			return err;
		}
	}
	return 0;
}

static int replay(struct recovery *r)
{
	int err;

	err = scan(r);
	if (!err)
		err = find_revokes(r);
	if (!err)
		err = walk_committed(r, replay_descriptor, pass_over);
	r->res->blocks = overlay_count(r->ovl);
	if (!err)
		r->res->transactions = r->end - r->js.sequence;
	if (err == -EUCLEAN || err == -EBADMSG) {
		log_error(r->src->log, "journal: damaged, %" PRIu64 " blocks replayed",
			r->res->blocks);
		r->res->corrupt = true;
		err = 0;
	}
	return err;
}

/* Reads and checks the superblock. */
static int load_super(struct recovery *r)
{
	const struct recover_source *src = r->src;
	uint8_t raw[JBD2_SUPER_SIZE];
	const char *why = "its superblock cannot be read";
	uint64_t blocks = src->blk->size / src->block_size;
	int err;

	if (blocks > src->blocks)
		blocks = src->blocks;
	err = journal_read(r, src->first, raw, sizeof(raw));
	if (!err)
		err = jbd2_super_decode(raw, src->block_size, blocks, &r->js, &why);
	if (!err && src->uuid && !jbd2_super_lists_user(raw, src->uuid)) {
		why = "it is not this filesystem's";
		err = -EUCLEAN;
	}
	if (err)
		r->res->why = why;
	return err;
}

int recover_journal(const struct recover_source *src, struct overlay *ovl,
	struct recover_result *ret)
{
	CLEANUP(recovery_fini) struct recovery r = { .src = src, .ovl = ovl, .res = ret };
	int err;

	*ret = (struct recover_result){ 0 };
	err = load_super(&r);
	if (err)
		return err;
	ret->journal_errno = r.js.error;
	if (!r.js.start)
		return 0;
	r.ctl = malloc(r.js.block_size);
	r.copy = malloc(r.js.block_size);
	if (!r.ctl || !r.copy)
		return -ENOMEM;
	err = replay(&r);
	if (err || ret->corrupt)
		return err;
	ret->fc_first = r.js.fc_first;
	ret->fc_nr = r.js.fc_nr;
	ret->fc_tid = r.end;
	return 0;
}
