/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds keys that a mount has not been given in the kernel's keyrings (crypt/provisioned.h): fs_options.find_key.
 * One that is not there is not looked for again within KEYFINDER_PATIENCE_MS, as whoever lists a locked directory
 * asks for it with every name. Any thread.
 */
#ifndef EXT4D_FUSE_KEYFINDER_H
#define EXT4D_FUSE_KEYFINDER_H

#include <stddef.h>
#include <stdint.h>

#include "format/fscrypt.h"
#include "util/cleanup.h"

#define KEYFINDER_PATIENCE_MS 1000

struct keyfinder;

/* -ENOMEM. */
int keyfinder_new(struct keyfinder **ret) MUST_CHECK;

/* NULL is allowed. */
void keyfinder_free(struct keyfinder *finder);

/* arg: the struct keyfinder. Never waits. -ENOKEY. Takes LOCK_RANK_LEAF. */
int keyfinder_find(void *arg, const struct fscrypt_key_name *name, uint8_t *raw, size_t *ret_size)
	MUST_CHECK;

#endif
