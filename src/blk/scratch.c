// SPDX-License-Identifier: GPL-2.0-or-later
/* The blocks are in a balanced tree, as who made the image chose their numbers, and in a list. */
#include "config.h"

#include "blk/scratch.h"

#include <errno.h>
#include <pthread.h>
#include <search.h>
#include <string.h>

struct kept {
	uint64_t pblk;
	uint8_t data[]; /* block_size bytes */
};

struct scratch {
	struct blk blk;
	struct blk *lower;	/* [const] */
	uint32_t block_size;	/* [const] */
	pthread_mutex_t lock;	/* leaf; everything below */
	void *tree;		/* tsearch(3) of the list's blocks */
	struct kept **list;	/* owned */
	size_t nr, room;
};

static int compare(const void *a, const void *b)
{
	uint64_t x = ((const struct kept *)a)->pblk, y = ((const struct kept *)b)->pblk;

	return x < y ? -1 : x > y;
}

static struct kept *find(const struct scratch *scratch, uint64_t pblk)
{
	struct kept key = { .pblk = pblk };
	void *node = tfind(&key, &scratch->tree, compare);

	return node ? *(struct kept **)node : NULL;
}

/* Enters a block with the contents below. The last one may be cut short by the layer's end. */
static int keep(struct scratch *scratch, uint64_t pblk, struct kept **ret)
{
	uint64_t off = pblk * scratch->block_size, left = scratch->blk.size - off;
	size_t len = left < scratch->block_size ? (size_t)left : scratch->block_size;
	struct kept *kept;
	int err;

	if (scratch->nr >= SCRATCH_MAX_BYTES / scratch->block_size)
		return -ENOMEM;
	if (scratch->nr == scratch->room) {
		size_t room = scratch->room ? scratch->room * 2 : 64;
		struct kept **grown = reallocarray(scratch->list, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		scratch->list = grown;
		scratch->room = room;
	}
	kept = calloc(1, sizeof(*kept) + scratch->block_size);
	if (!kept)
		return -ENOMEM;
	kept->pblk = pblk;
	err = blk_read(scratch->lower, off, kept->data, len);
	if (!err && !tsearch(kept, &scratch->tree, compare))
		err = -ENOMEM;
	if (err) {
		free(kept);
		return err;
	}
	scratch->list[scratch->nr++] = kept;
	*ret = kept;
	return 0;
}

/* How much of len bytes at off lies in one block; *ret_in: where in it. */
static size_t part_of(const struct scratch *scratch, uint64_t off, size_t len, size_t *ret_in)
{
	*ret_in = (size_t)(off % scratch->block_size);
	return len < scratch->block_size - *ret_in ? len : scratch->block_size - *ret_in;
}

static int scratch_read(struct blk *blk, uint64_t off, void *buf, size_t len)
{
	struct scratch *scratch = (struct scratch *)blk;
	uint8_t *dst = buf;
	int err = 0;

	pthread_mutex_lock(&scratch->lock);
	while (!err && len) {
		size_t in, part = part_of(scratch, off, len, &in);
		struct kept *kept = find(scratch, off / scratch->block_size);

		if (kept)
			memcpy(dst, kept->data + in, part);
		else
			err = blk_read(scratch->lower, off, dst, part);
		dst += part;
		off += part;
		len -= part;
	}
	pthread_mutex_unlock(&scratch->lock);
	return err;
}

static int scratch_write(struct blk *blk, uint64_t off, const void *buf, size_t len)
{
	struct scratch *scratch = (struct scratch *)blk;
	const uint8_t *src = buf;
	int err = 0;

	pthread_mutex_lock(&scratch->lock);
	while (!err && len) {
		size_t in, part = part_of(scratch, off, len, &in);
		struct kept *kept = find(scratch, off / scratch->block_size);

		if (!kept)
			err = keep(scratch, off / scratch->block_size, &kept);
		if (!err)
			memcpy(kept->data + in, src, part);
		src += part;
		off += part;
		len -= part;
	}
	pthread_mutex_unlock(&scratch->lock);
	return err;
}

static int scratch_flush(struct blk *blk)
{
	(void)blk;
	return 0;
}

static void scratch_close(struct blk *blk)
{
	(void)blk;
}

static const struct blk_ops scratch_ops = {
	.read = scratch_read,
	.write = scratch_write,
	.flush = scratch_flush,
	.close = scratch_close,
};

int scratch_new(struct blk *lower, uint32_t block_size, struct scratch **ret)
{
	struct scratch *scratch = calloc(1, sizeof(*scratch));

	if (!scratch)
		return -ENOMEM;
	scratch->blk = (struct blk){ .ops = &scratch_ops, .size = lower->size };
	scratch->lower = lower;
	scratch->block_size = block_size;
	pthread_mutex_init(&scratch->lock, NULL);
	*ret = scratch;
	return 0;
}

static void forget(void *node)
{
	(void)node; /* the list owns what is in the tree */
}

void scratch_free(struct scratch *scratch)
{
	if (!scratch)
		return;
	tdestroy(scratch->tree, forget);
	for (size_t i = 0; i < scratch->nr; i++)
		free(scratch->list[i]);
	free(scratch->list);
	pthread_mutex_destroy(&scratch->lock);
	free(scratch);
}

struct blk *scratch_blk(struct scratch *scratch)
{
	return &scratch->blk;
}

const uint8_t *scratch_block(const struct scratch *scratch, size_t i, uint64_t *ret_pblk)
{
	if (i >= scratch->nr)
		return NULL;
	*ret_pblk = scratch->list[i]->pblk;
	return scratch->list[i]->data;
}

size_t scratch_count(const struct scratch *scratch)
{
	return scratch->nr;
}
