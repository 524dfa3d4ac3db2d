// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A table of sets of a few ways: within its set a new hint takes the place of the one that has been there
 * longest.
 */
#include "config.h"

#include "fs/xattrcache.h"

#include <errno.h>

#include "util/lock.h"

#define SETS 512 /* a power of 2 */
#define WAYS 4
#define DEAD_MAX 16

struct hint {
	uint64_t where; /* 0: unused */
	uint32_t hash;
};

struct set {
	struct hint hints[WAYS];
	unsigned next; /* the one to replace */
};

struct xattrcache {
	struct lock lock;		       /* rank XATTR */
	struct set sets[XATTRCACHE_KINDS][SETS]; /* [lock] */
	uint32_t dead[DEAD_MAX];	       /* [lock] */
	unsigned nr_dead;		       /* [lock] */
};

int xattrcache_new(struct xattrcache **ret)
{
	struct xattrcache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return -ENOMEM;
	lock_init(&cache->lock, LOCK_RANK_XATTR);
	*ret = cache;
	return 0;
}

void xattrcache_free(struct xattrcache *cache)
{
	if (!cache)
		return;
	lock_fini(&cache->lock);
	free(cache);
}

void xattrcache_lock(struct xattrcache *cache)
{
	lock_take(&cache->lock);
}

void xattrcache_unlock(struct xattrcache *cache)
{
	lock_drop(&cache->lock);
}

/* The halves of a hash differ in what they are made of. */
static struct set *set_of(struct xattrcache *cache, enum xattrcache_kind kind, uint32_t hash)
{
	return &cache->sets[kind][(hash ^ hash >> 16) & (SETS - 1)];
}

static struct hint *find(struct set *set, uint32_t hash, uint64_t where)
{
	unsigned i;

	for (i = 0; i < WAYS; i++)
		if (set->hints[i].where == where && set->hints[i].hash == hash)
			return &set->hints[i];
	return NULL;
}

void xattrcache_add(struct xattrcache *cache, enum xattrcache_kind kind, uint32_t hash,
	uint64_t where)
{
	struct set *set = set_of(cache, kind, hash);

	if (!hash || find(set, hash, where))
		return;
	set->hints[set->next] = (struct hint){ .where = where, .hash = hash };
	set->next = (set->next + 1) % WAYS;
}

void xattrcache_remove(struct xattrcache *cache, enum xattrcache_kind kind, uint32_t hash,
	uint64_t where)
{
	struct hint *hint = find(set_of(cache, kind, hash), hash, where);

	if (hint)
		*hint = (struct hint){ .where = 0 };
}

bool xattrcache_next(struct xattrcache *cache, enum xattrcache_kind kind, uint32_t hash,
	unsigned *pos, uint64_t *ret)
{
	struct set *set = set_of(cache, kind, hash);

	while (hash && *pos < WAYS) {
		const struct hint *hint = &set->hints[(*pos)++];

		if (hint->where && hint->hash == hash) {
			*ret = hint->where;
			return true;
		}
	}
	return false;
}

void xattrcache_add_dead(struct xattrcache *cache, uint32_t ino)
{
	if (cache->nr_dead < DEAD_MAX)
		cache->dead[cache->nr_dead++] = ino;
}

uint32_t xattrcache_take_dead(struct xattrcache *cache)
{
	return cache->nr_dead ? cache->dead[--cache->nr_dead] : 0;
}
