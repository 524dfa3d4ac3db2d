// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The mapped blocks are an open-addressed hash table, written only while the overlay is built,
 * so readers need no lock. The hash is seeded: whoever made the image cannot aim for one chain.
 */
#include "config.h"

#include "blk/overlay.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "format/jbd2.h"

#define MIN_BLOCK_SIZE 512U
#define MAX_BLOCK_SIZE 65536U
#define FIRST_SLOTS 64
#define MAGIC_BYTES 4

/* Most reads touch no mapped block: one bit per region says so without a look at each block. */
#define REGION_BLOCKS 256 /* 1 MiB of 4 KiB blocks */
#define REGION_BITS 65536 /* regions further apart than that share a bit */

struct slot {
	uint64_t pblk;	 /* SLOT_FREE or the block that is mapped */
	uint64_t off;	 /* bytes in blk */
	struct blk *blk;
	bool escaped;
};

#define SLOT_FREE UINT64_MAX

struct overlay {
	struct blk blk;
	struct blk *lower;	/* [const] owned */
	unsigned bits;		/* [const] log2 of the block size */
	uint64_t seed;		/* [const] */
	struct slot *slots;	/* [const] once reads began, as everything below */
	uint64_t nr_slots;	/* a power of two, or 0 before the first block */
	uint64_t count;		/* slots in use: at most three quarters */
	uint64_t regions[REGION_BITS / 64]; /* set: a block of such a region is mapped */
};

static struct overlay *to_overlay(struct blk *blk)
{
	return (struct overlay *)blk;
}

/* The finaliser of MurmurHash3: every bit of the key reaches every bit of the result. */
static uint64_t hash(uint64_t key)
{
	key ^= key >> 33;
	key *= 0xff51afd7ed558ccdULL;
	key ^= key >> 33;
	key *= 0xc4ceb9fe1a85ec53ULL;
	return key ^ key >> 33;
}

/* The slot of pblk, or the free one where it belongs. There must be a free one. */
static struct slot *find(const struct overlay *ovl, uint64_t pblk)
{
	uint64_t i = hash(pblk ^ ovl->seed);

	for (;; i++) {
		struct slot *slot = &ovl->slots[i & (ovl->nr_slots - 1)];

		if (slot->pblk == pblk || slot->pblk == SLOT_FREE)
			return slot;
	}
}

static uint64_t region_bit(uint64_t pblk)
{
	return pblk / REGION_BLOCKS % REGION_BITS;
}

static bool region_used(const struct overlay *ovl, uint64_t pblk)
{
	uint64_t bit = region_bit(pblk);

	return ovl->regions[bit / 64] >> (bit % 64) & 1;
}

static int grow(struct overlay *ovl)
{
	uint64_t nr_old = ovl->nr_slots, nr = nr_old ? nr_old * 2 : FIRST_SLOTS;
	struct slot *old = ovl->slots, *slots;

	slots = reallocarray(NULL, nr, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (uint64_t i = 0; i < nr; i++)
		slots[i].pblk = SLOT_FREE;
	ovl->slots = slots;
	ovl->nr_slots = nr;
	for (uint64_t i = 0; i < nr_old; i++)
		if (old[i].pblk != SLOT_FREE)
			*find(ovl, old[i].pblk) = old[i];
	free(old);
	return 0;
}

/* Bytes from off on, at most len, that come from the lower layer. */
static size_t lower_run(const struct overlay *ovl, uint64_t off, size_t len)
{
	uint64_t pblk = off >> ovl->bits, last = (off + len - 1) >> ovl->bits;

	while (ovl->count && pblk <= last) {
		if (!region_used(ovl, pblk)) {
			pblk = (pblk | (REGION_BLOCKS - 1)) + 1;
			continue;
		}
		if (find(ovl, pblk)->pblk == pblk)
			return pblk << ovl->bits > off ? (pblk << ovl->bits) - off : 0;
		pblk++;
	}
	return len;
}

/* Reads len bytes at in of a mapped block; they do not leave it. */
static int read_mapped(const struct slot *slot, uint32_t in, uint8_t *buf, size_t len)
{
	static const uint8_t magic[MAGIC_BYTES] = { JBD2_MAGIC >> 24, JBD2_MAGIC >> 16 & 0xff,
		JBD2_MAGIC >> 8 & 0xff, JBD2_MAGIC & 0xff };
	int err;

	err = blk_read(slot->blk, slot->off + in, buf, len);
	if (err)
		return err;
	if (slot->escaped && in < MAGIC_BYTES)
		memcpy(buf, magic + in, len < MAGIC_BYTES - in ? len : MAGIC_BYTES - in);
	return 0;
}

static int overlay_read(struct blk *blk, uint64_t off, void *buf, size_t len)
{
	const struct overlay *ovl = to_overlay(blk);
	uint32_t block_size = 1U << ovl->bits;
	uint8_t *p = buf;
	int err = 0;

	while (len && !err) {
		size_t n = lower_run(ovl, off, len);

		if (n) {
			err = blk_read(ovl->lower, off, p, n);
		} else {
			uint32_t in = off & (block_size - 1);

			n = len < block_size - in ? len : block_size - in;
			err = read_mapped(find(ovl, off >> ovl->bits), in, p, n);
		}
		off += n;
		p += n;
		len -= n;
	}
	return err;
}

void overlay_free(struct overlay *ovl)
{
	free(ovl->slots);
	free(ovl);
}

static void overlay_close(struct blk *blk)
{
	struct overlay *ovl = to_overlay(blk);

	blk_close(ovl->lower);
	overlay_free(ovl);
}

int overlay_write_down(struct overlay *ovl)
{
	size_t block_size = (size_t)1 << ovl->bits;
	uint8_t *copy = malloc(block_size);
	int err = copy ? 0 : -ENOMEM;

	for (uint64_t i = 0; !err && i < ovl->nr_slots; i++) {
		const struct slot *slot = &ovl->slots[i];

		if (slot->pblk == SLOT_FREE)
			continue;
		err = read_mapped(slot, 0, copy, block_size);
		if (!err)
			err = blk_write(ovl->lower, slot->pblk << ovl->bits, copy, block_size);
	}
	free(copy);
	return err ? err : blk_flush(ovl->lower);
}

static const struct blk_ops overlay_ops = {
	.read = overlay_read,
	.close = overlay_close,
};

int overlay_new(struct blk *lower, uint32_t block_size, struct overlay **ret)
{
	struct overlay *ovl;

	if (block_size < MIN_BLOCK_SIZE || block_size > MAX_BLOCK_SIZE ||
	    (block_size & (block_size - 1)))
		return -EINVAL;
	ovl = malloc(sizeof(*ovl));
	if (!ovl)
		return -ENOMEM;
	*ovl = (struct overlay){
		.blk = { .ops = &overlay_ops, .size = lower->size },
		.lower = lower,
		.bits = (unsigned)__builtin_ctz(block_size),
	};
	/* Without entropy the seed stays 0: only a crafted image could then slow us down. */
	if (getrandom(&ovl->seed, sizeof(ovl->seed), GRND_NONBLOCK) != sizeof(ovl->seed))
		ovl->seed = 0;
	*ret = ovl;
	return 0;
}

int overlay_map(struct overlay *ovl, uint64_t pblk, const struct overlay_source *src)
{
	struct blk *from = src->blk ? src->blk : ovl->lower;
	uint64_t block_size = 1ULL << ovl->bits;
	struct slot *slot;
	int err = 0;

	if (pblk >= ovl->lower->size >> ovl->bits || src->off > from->size ||
	    from->size - src->off < block_size)
		return -EINVAL;
	if (ovl->count >= ovl->nr_slots / 4 * 3)
		err = grow(ovl);
	if (err)
		return err;
	slot = find(ovl, pblk);
	if (slot->pblk == SLOT_FREE)
		ovl->count++;
	ovl->regions[region_bit(pblk) / 64] |= 1ULL << (region_bit(pblk) % 64);
	*slot = (struct slot){
		.pblk = pblk, .off = src->off, .blk = from, .escaped = src->escaped
	};
	return 0;
}

uint64_t overlay_count(const struct overlay *ovl)
{
	return ovl->count;
}

struct blk *overlay_lower(const struct overlay *ovl)
{
	return ovl->lower;
}

struct blk *overlay_blk(struct overlay *ovl)
{
	return &ovl->blk;
}
