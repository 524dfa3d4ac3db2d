// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "crypt/keyring.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "util/lock.h"

struct node {
	struct masterkey *key;
	struct node *next;
};

struct keyring {
	uint8_t uuid[MASTERKEY_UUID]; /* [const] */
	struct lock lock;	      /* rank LEAF */
	struct node *keys;	      /* [lock] a handful */
	unsigned nr;		      /* [lock] of them, KEYRING_MAX at most */
	atomic_bool in_use;	      /* there is one */
};

int keyring_new(const uint8_t uuid[MASTERKEY_UUID], struct keyring **ret)
{
	struct keyring *keyring = calloc(1, sizeof(*keyring));

	if (!keyring)
		return -ENOMEM;
	memcpy(keyring->uuid, uuid, MASTERKEY_UUID);
	lock_init(&keyring->lock, LOCK_RANK_LEAF);
	*ret = keyring;
	return 0;
}

static void node_free(struct node *node)
{
	masterkey_free(node->key);
	free(node);
}

void keyring_free(struct keyring *keyring)
{
	if (!keyring)
		return;
	while (keyring->keys) {
		struct node *node = keyring->keys;

		keyring->keys = node->next;
		node_free(node);
	}
	lock_fini(&keyring->lock);
	free(keyring);
}

static struct masterkey *find_locked(struct keyring *keyring, const struct fscrypt_key_name *name)
{
	for (struct node *node = keyring->keys; node; node = node->next) {
		const struct fscrypt_key_name *have = masterkey_name(node->key);

		if (have->version == name->version &&
			!memcmp(have->bytes, name->bytes, sizeof(name->bytes)))
			return node->key;
	}
	return NULL;
}

int keyring_add(
	struct keyring *keyring, struct fscrypt_key_name *name, const uint8_t *raw, size_t size)
{
	struct node *node = calloc(1, sizeof(*node));
	const struct masterkey *known;
	bool full, differs;
	int err;

	if (!node)
		return -ENOMEM;
	err = masterkey_new(name->version == 1 ? name : NULL, raw, size, keyring->uuid, &node->key);
	if (err) {
		free(node);
		return err;
	}
	*name = *masterkey_name(node->key);
	lock_take(&keyring->lock);
	known = find_locked(keyring, name);
	full = !known && keyring->nr == KEYRING_MAX;
	differs = known && !masterkey_equals(known, node->key);
	if (!known && !full) {
		keyring->nr++;
		node->next = keyring->keys;
		keyring->keys = node;
		atomic_store_explicit(&keyring->in_use, true, memory_order_release);
	}
	lock_drop(&keyring->lock);
	if (known || full)
		node_free(node);
	if (differs)
		return -EEXIST;
	return full ? -EDQUOT : 0;
}

bool keyring_is_empty(const struct keyring *keyring)
{
	return !atomic_load_explicit(&keyring->in_use, memory_order_acquire);
}

struct masterkey *keyring_find(struct keyring *keyring, const struct fscrypt_key_name *name)
{
	struct masterkey *key;

	lock_take(&keyring->lock);
	key = find_locked(keyring, name);
	lock_drop(&keyring->lock);
	return key;
}
