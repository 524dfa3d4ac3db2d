/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which inodes the kernel knows, and how often it was told of each: an inode that lost its last
 * name is freed when the kernel has forgotten it. Only writable mounts count. 16 bytes for each inode
 * that the kernel holds itself in about a kilobyte.
 */
#ifndef EXT4D_FUSE_NODES_H
#define EXT4D_FUSE_NODES_H

#include <stdbool.h>
#include <stdint.h>

#include "util/cleanup.h"

struct nodes;

int nodes_new(struct nodes **ret) MUST_CHECK;
void nodes_free(struct nodes *nodes); /* NULL is allowed */

/*
 * The kernel is about to be told of ino: before the reply, since the answer to it may come at once.
 * -ENOMEM. Takes LOCK_RANK_LEAF. A NULL nodes counts nothing.
 */
int nodes_add(struct nodes *nodes, uint32_t ino) MUST_CHECK;

/* The kernel forgets nr of the times it was told of ino; true: it does not know ino any more. */
bool nodes_forget(struct nodes *nodes, uint32_t ino, uint64_t nr);

/* Whether the kernel knows ino. */
bool nodes_known(struct nodes *nodes, uint32_t ino);

#endif
