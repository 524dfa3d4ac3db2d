// SPDX-License-Identifier: GPL-2.0-or-later
/* Per shard, an open-addressed table with linear probing; removing shifts followers back, so a probe ends at
 * the first free slot. */
#include "config.h"

#include "fuse/nodes.h"

#include <errno.h>

#include "util/lock.h"

#define SHARDS 64
#define FIRST_SLOTS 64
#define SEVERAL UINT32_MAX /* more than one reader, or one that cannot be told from others */

struct slot {
	uint32_t ino;	 /* 0: free */
	uint32_t reader; /* thread that may be about to take in attributes, 0: none, SEVERAL */
	uint64_t count : 61;
	uint64_t cached : 1; /* see nodes_cache() */
	uint64_t moves : 2;  /* enum moves */
};

/* Who moves the bytes of a file. */
enum moves {
	MOVES_UNDECIDED,
	MOVES_WE,
	MOVES_KERNEL,
};

struct shard {
	struct lock lock;   /* rank LEAF */
	struct slot *slots; /* [lock] owned */
	size_t nr;	    /* [lock] slots, a power of two or 0 */
	size_t used;	    /* [lock] at most three quarters */
};

struct nodes {
	struct shard shards[SHARDS];
};

static struct shard *shard_of(struct nodes *nodes, uint32_t ino)
{
	return &nodes->shards[ino % SHARDS];
}

/* Inode numbers are the image's, but so many equal ones mod a prime that it hurts cost as many inodes. */
static size_t home(const struct shard *shard, uint32_t ino)
{
	return (size_t)(((uint64_t)(ino / SHARDS) * 0x9E3779B97F4A7C15ull) >> 32) & (shard->nr - 1);
}

/* The slot of ino, or the free one where it belongs; there is a free one. */
static size_t find_locked(const struct shard *shard, uint32_t ino)
{
	size_t i = home(shard, ino);

	while (shard->slots[i].ino && shard->slots[i].ino != ino)
		i = (i + 1) & (shard->nr - 1);
	return i;
}

static int grow_locked(struct shard *shard)
{
	struct slot *old = shard->slots;
	size_t nr_old = shard->nr;

	shard->slots = calloc(nr_old ? nr_old * 2 : FIRST_SLOTS, sizeof(struct slot));
	if (!shard->slots) {
		shard->slots = old;
		return -ENOMEM;
	}
	shard->nr = nr_old ? nr_old * 2 : FIRST_SLOTS;
	for (size_t i = 0; i < nr_old; i++)
		if (old[i].ino)
			shard->slots[find_locked(shard, old[i].ino)] = old[i];
	free(old);
	return 0;
}

static void remove_locked(struct shard *shard, const struct slot *slot)
{
	size_t mask = shard->nr - 1, hole = (size_t)(slot - shard->slots);

	shard->used--;
	for (size_t i = (hole + 1) & mask; shard->slots[i].ino; i = (i + 1) & mask) {
		size_t want = home(shard, shard->slots[i].ino);

		/* it may move back unless its home lies behind the hole */
		if (((i - want) & mask) >= ((i - hole) & mask)) {
			shard->slots[hole] = shard->slots[i];
			hole = i;
		}
	}
	shard->slots[hole] = (struct slot){ .ino = 0 };
}

/* Takes the lock of ino's shard, and returns the slot, NULL if there is none. */
static struct slot *lock_slot(struct nodes *nodes, uint32_t ino)
{
	struct shard *shard = shard_of(nodes, ino);
	struct slot *slot;

	lock_take(&shard->lock);
	if (!shard->nr)
		return NULL;
	slot = &shard->slots[find_locked(shard, ino)];
	return slot->ino ? slot : NULL;
}

static void drop_slot(struct nodes *nodes, uint32_t ino)
{
	lock_drop(&shard_of(nodes, ino)->lock);
}

int nodes_new(struct nodes **ret)
{
	struct nodes *nodes = calloc(1, sizeof(*nodes));

	if (!nodes)
		return -ENOMEM;
	for (size_t i = 0; i < SHARDS; i++)
		lock_init(&nodes->shards[i].lock, LOCK_RANK_LEAF);
	*ret = nodes;
	return 0;
}

void nodes_free(struct nodes *nodes)
{
	if (!nodes)
		return;
	for (size_t i = 0; i < SHARDS; i++) {
		lock_fini(&nodes->shards[i].lock);
		free(nodes->shards[i].slots);
	}
	free(nodes);
}

static void show_locked(struct slot *slot, uint32_t tid)
{
	if (!tid || slot->reader != tid)
		slot->reader = slot->reader || !tid ? SEVERAL : tid;
}

int nodes_add(struct nodes *nodes, uint32_t ino, uint32_t tid)
{
	struct shard *shard;
	size_t i;
	int err = 0;

	if (!nodes)
		return 0;
	shard = shard_of(nodes, ino);
	lock_take(&shard->lock);
	if (shard->used >= shard->nr / 4 * 3)
		err = grow_locked(shard);
	if (!err) {
		i = find_locked(shard, ino);
		if (!shard->slots[i].ino)
			shard->used++;
		shard->slots[i].ino = ino;
		shard->slots[i].count++;
		show_locked(&shard->slots[i], tid);
	}
	lock_drop(&shard->lock);
	return err;
}

bool nodes_forget(struct nodes *nodes, uint32_t ino, uint64_t nr)
{
	bool gone = false;
	struct slot *slot;

	if (!nodes)
		return false;
	slot = lock_slot(nodes, ino);
	if (slot) {
		gone = slot->count <= nr;
		if (gone)
			remove_locked(shard_of(nodes, ino), slot);
		else
			slot->count -= nr;
	}
	drop_slot(nodes, ino);
	return gone;
}

bool nodes_known(struct nodes *nodes, uint32_t ino)
{
	bool known;

	if (!nodes)
		return false;
	known = lock_slot(nodes, ino);
	drop_slot(nodes, ino);
	return known;
}

bool nodes_moves(struct nodes *nodes, uint32_t ino, bool able)
{
	bool kernel = false;
	struct slot *slot;

	if (!nodes)
		return able;
	slot = lock_slot(nodes, ino);
	if (slot && slot->moves == MOVES_UNDECIDED)
		slot->moves = able ? MOVES_KERNEL : MOVES_WE;
	if (slot)
		kernel = slot->moves == MOVES_KERNEL;
	drop_slot(nodes, ino);
	return kernel;
}

bool nodes_moves_decided(struct nodes *nodes, uint32_t ino)
{
	bool decided;
	struct slot *slot;

	if (!nodes)
		return false;
	slot = lock_slot(nodes, ino);
	decided = slot && slot->moves != MOVES_UNDECIDED;
	drop_slot(nodes, ino);
	return decided;
}

void nodes_show(struct nodes *nodes, uint32_t ino, uint32_t tid)
{
	struct slot *slot;

	if (!nodes)
		return;
	slot = lock_slot(nodes, ino);
	if (slot)
		show_locked(slot, tid);
	drop_slot(nodes, ino);
}

void nodes_cache(struct nodes *nodes, uint32_t ino)
{
	struct slot *slot;

	if (!nodes)
		return;
	slot = lock_slot(nodes, ino);
	if (slot)
		slot->cached = true;
	drop_slot(nodes, ino);
}

bool nodes_cached(struct nodes *nodes, uint32_t ino)
{
	bool cached;
	struct slot *slot;

	if (!nodes)
		return false;
	slot = lock_slot(nodes, ino);
	cached = slot && slot->cached;
	drop_slot(nodes, ino);
	return cached;
}

bool nodes_change(struct nodes *nodes, uint32_t ino, uint32_t tid)
{
	bool others = false;
	struct slot *slot;

	if (!nodes)
		return false;
	slot = lock_slot(nodes, ino);
	if (slot) {
		others = slot->reader && slot->reader != tid;
		slot->reader = 0;
	}
	drop_slot(nodes, ino);
	return others;
}
