// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fs/owed.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "util/lock.h"

#define BUCKETS 1024u

struct entry {
	struct entry *next;
	uint32_t ino;
	uint64_t size; /* bytes, 0: none */
	int err;       /* 0: none */
};

struct owed {
	struct lock lock; /* rank LEAF; everything below */
	struct entry *buckets[BUCKETS];
	atomic_bool written; /* see owed_note_write() */
	int lost; /* an error for which there was no memory: whoever syncs next gets it */
};

int owed_new(struct owed **ret)
{
	struct owed *owed = calloc(1, sizeof(*owed));

	if (!owed)
		return -ENOMEM;
	lock_init(&owed->lock, LOCK_RANK_LEAF);
	*ret = owed;
	return 0;
}

void owed_free(struct owed *owed)
{
	if (!owed)
		return;
	for (unsigned i = 0; i < BUCKETS; i++) {
		while (owed->buckets[i]) {
			struct entry *entry = owed->buckets[i];

			owed->buckets[i] = entry->next;
			free(entry);
		}
	}
	lock_fini(&owed->lock);
	free(owed);
}

static struct entry **find(struct owed *owed, uint32_t ino)
{
	struct entry **at = &owed->buckets[ino % BUCKETS];

	while (*at && (*at)->ino != ino)
		at = &(*at)->next;
	return at;
}

/* The entry of ino, made if there is none; NULL: no memory. */
static struct entry *find_or_add(struct owed *owed, uint32_t ino)
{
	struct entry **at = find(owed, ino);

	if (!*at) {
		*at = calloc(1, sizeof(**at));
		if (*at)
			(*at)->ino = ino;
	}
	return *at;
}

static void drop_if_empty(struct entry **at)
{
	struct entry *entry = *at;

	if (entry->size || entry->err)
		return;
	*at = entry->next;
	free(entry);
}

int owed_add_size(struct owed *owed, uint32_t ino, uint64_t size)
{
	struct entry *entry;

	if (!size)
		return 0;
	lock_take(&owed->lock);
	entry = find_or_add(owed, ino);
	if (entry && entry->size < size)
		entry->size = size;
	lock_drop(&owed->lock);
	return entry ? 0 : -ENOMEM;
}

uint64_t owed_size(struct owed *owed, uint32_t ino)
{
	struct entry *entry;
	uint64_t size;

	lock_take(&owed->lock);
	entry = *find(owed, ino);
	size = entry ? entry->size : 0;
	lock_drop(&owed->lock);
	return size;
}

void owed_settle_size(struct owed *owed, uint32_t ino)
{
	struct entry **at;

	lock_take(&owed->lock);
	at = find(owed, ino);
	if (*at) {
		(*at)->size = 0;
		drop_if_empty(at);
	}
	lock_drop(&owed->lock);
}

void owed_add_error(struct owed *owed, uint32_t ino, int err)
{
	struct entry *entry;

	lock_take(&owed->lock);
	entry = find_or_add(owed, ino);
	if (entry)
		entry->err = err;
	else
		owed->lost = err;
	lock_drop(&owed->lock);
}

int owed_take_error(struct owed *owed, uint32_t ino)
{
	struct entry **at;
	int err;

	lock_take(&owed->lock);
	err = owed->lost;
	owed->lost = 0;
	at = find(owed, ino);
	if (*at) {
		err = (*at)->err ? (*at)->err : err;
		(*at)->err = 0;
		drop_if_empty(at);
	}
	lock_drop(&owed->lock);
	return err;
}

void owed_note_write(struct owed *owed)
{
	atomic_store_explicit(&owed->written, true, memory_order_release);
}

bool owed_take_written(struct owed *owed)
{
	return atomic_exchange_explicit(&owed->written, false, memory_order_acquire);
}

void owed_forget(struct owed *owed, uint32_t ino)
{
	struct entry **at;

	lock_take(&owed->lock);
	at = find(owed, ino);
	if (*at) {
		(*at)->size = 0;
		(*at)->err = 0;
		drop_if_empty(at);
	}
	lock_drop(&owed->lock);
}
