/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which inodes the kernel knows, and how often it was told of each: an inode that lost its last
 * name is freed when the kernel has forgotten it. Only writable mounts count. 16 bytes for each inode
 * that the kernel holds itself in about a kilobyte.
 *
 * And who may still be about to take attributes of an inode from a reply. The kernel marks a directory's
 * as stale when a name in it has changed, but not as newer (fuse_dir_changed(); others go through
 * fuse_change_attributes() with a new attr_version). So a thread that asked before and wakes up after it
 * puts the old ones back, valid as long as the reply says. Only a notification makes it ignore them.
 * A thread that sends a request has taken in the replies before it, which spares nearly all of them.
 *
 * And of which files the page cache may have something, for after_direct() of ops_edit.c.
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
 * The kernel is about to be told of ino, for thread tid (0: unknown, of a foreign namespace): before its
 * attributes are read for the reply. -ENOMEM. Takes LOCK_RANK_LEAF, as all of these. A NULL nodes
 * counts nothing.
 */
int nodes_add(struct nodes *nodes, uint32_t ino, uint32_t tid) MUST_CHECK;

/* The attributes of ino are about to be read for thread tid. */
void nodes_show(struct nodes *nodes, uint32_t ino, uint32_t tid);

/*
 * Thread tid has changed ino: whether another one may be about to take in attributes from before. Who
 * gets true notifies the kernel; who asked so far does not count any more.
 */
bool nodes_change(struct nodes *nodes, uint32_t ino, uint32_t tid);

/* The kernel forgets nr of the times it was told of ino; true: it does not know ino any more. */
bool nodes_forget(struct nodes *nodes, uint32_t ino, uint64_t nr);

/* The contents of ino are about to be read for the page cache. */
void nodes_cache(struct nodes *nodes, uint32_t ino);

/* Whether the page cache may have anything of ino. */
bool nodes_cached(struct nodes *nodes, uint32_t ino);

/*
 * Whether the kernel moves the bytes of ino by itself: what the first who asks since it is known calls able
 * is what holds until it is forgotten, as the kernel takes it from the reply that comes first. able without
 * nodes, false of what is not known.
 */
bool nodes_moves(struct nodes *nodes, uint32_t ino, bool able);

/* Whether nodes_moves() has decided that for ino already, and will not look at what it is told. Takes LOCK_RANK_LEAF. */
bool nodes_moves_decided(struct nodes *nodes, uint32_t ino);

/* Whether the kernel knows ino. */
bool nodes_known(struct nodes *nodes, uint32_t ino);

#endif
