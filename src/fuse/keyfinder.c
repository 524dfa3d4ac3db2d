// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fuse/keyfinder.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "crypt/provisioned.h"
#include "util/lock.h"

/* Places for what was asked for, by hash. An image that names more keys than this makes us look more often. */
#define ASKED_NR 64

struct asked {
	struct fscrypt_key_name name; /* version 0: none */
	uint64_t until;		      /* CLOCK_MONOTONIC, ms */
};

struct keyfinder {
	struct lock lock;	      /* rank LEAF */
	struct asked asked[ASKED_NR]; /* [lock] */
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int keyfinder_new(struct keyfinder **ret)
{
	struct keyfinder *finder = calloc(1, sizeof(*finder));

	if (!finder)
		return -ENOMEM;
	lock_init(&finder->lock, LOCK_RANK_LEAF);
	*ret = finder;
	return 0;
}

void keyfinder_free(struct keyfinder *finder)
{
	if (!finder)
		return;
	lock_fini(&finder->lock);
	free(finder);
}

/* Names of keys look like random numbers, unless somebody chose them to collide: see ASKED_NR. */
static struct asked *place_of(struct keyfinder *finder, const struct fscrypt_key_name *name)
{
	return &finder->asked[(name->bytes[0] ^ name->bytes[FSCRYPT_DESCRIPTOR - 1]) % ASKED_NR];
}

static bool was_asked(struct keyfinder *finder, const struct fscrypt_key_name *name)
{
	const struct asked *asked = place_of(finder, name);
	bool found;

	lock_take(&finder->lock);
	found = asked->name.version == name->version &&
		!memcmp(asked->name.bytes, name->bytes, sizeof(name->bytes)) && now_ms() < asked->until;
	lock_drop(&finder->lock);
	return found;
}

static void remember(struct keyfinder *finder, const struct fscrypt_key_name *name)
{
	struct asked *asked = place_of(finder, name);

	lock_take(&finder->lock);
	asked->name = *name;
	asked->until = now_ms() + KEYFINDER_PATIENCE_MS;
	lock_drop(&finder->lock);
}

int keyfinder_find(void *arg, const struct fscrypt_key_name *name, uint8_t *raw, size_t *ret_size)
{
	struct keyfinder *finder = arg;
	int err;

	/* asked again for one that was found, the filesystem could not take it */
	if (was_asked(finder, name))
		return -ENOKEY;
	err = provisioned_find(name, raw, ret_size);
	remember(finder, name);
	return err;
}
