/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FUSE iomap: the kernel asks where the bytes of files are and moves them by itself. This turns its requests into
 * calls of fs/file_iomap.h and keeps its cache of mappings right; libfuse never sees them. See docs/iomap.md.
 */
#ifndef EXT4D_FUSE_IOMAP_H
#define EXT4D_FUSE_IOMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "fs/fs.h"
#include "fs/inode.h"
#include "fuse/abi.h"
#include "util/log.h"

struct nodes;
struct iomap;
struct iomap_device_limits;

/* nodes: NULL on a read-only mount. All three stay while it does. */
int iomap_new(struct fs *fs, struct nodes *nodes, struct log *log, struct iomap **ret) MUST_CHECK;

/* NULL is allowed. After the session, which uses the device. */
void iomap_free(struct iomap *iomap);

/*
 * The kernel offers iomap: opens the device it is to use. 0 turns iomap on; else *ret_why says in one line why not.
 * Errors as file_iomap_enable() and iomap_device_open().
 */
int iomap_prepare(struct iomap *iomap, const char **ret_why) MUST_CHECK;

/* Whether it is on. All below do nothing without; iomap may be NULL. */
bool iomap_is_on(const struct iomap *iomap);

/* The flags of ino's attributes, d, in a reply that tells the kernel of it. */
uint32_t iomap_attr_flags(struct iomap *iomap, uint32_t ino, const struct dinode *d);

/*
 * What direct IO to ino, whose attributes d are, needs: a device's limits, but atomic writes are of one block or none.
 * NULL: the kernel does not move its bytes.
 */
const struct iomap_device_limits *iomap_limits(struct iomap *iomap, uint32_t ino, const struct dinode *d);

/* Before a request changes inode: notes whether the kernel moves its bytes. Returns that. */
bool iomap_note(struct iomap *iomap, struct inode *inode);

/* The kernel does not know ino any more. */
void iomap_forget(struct iomap *iomap, uint32_t ino);

/* Answers the request of len bytes at head if it is one of iomap's, or any after SHUTDOWN_FS. In a worker. */
bool iomap_intercept(struct iomap *iomap, const struct abi_in_header *head, size_t len);

#endif
