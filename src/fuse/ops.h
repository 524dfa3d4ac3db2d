/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The FUSE operations on an open filesystem. Thin: each finds its inode, asks fs/, replies. */
#ifndef EXT4D_FUSE_OPS_H
#define EXT4D_FUSE_OPS_H

#include "fs/fs.h"
#include "fuse/caller.h"
#include "fuse/reply.h"

struct iomap;
struct nodes;

/* What the operations work on: fuse_req_userdata(). */
struct ops_context {
	struct fs *fs;		  /* [const] */
	struct nodes *nodes;	  /* [const] what the kernel knows; NULL on a read-only mount */
	struct iomap *iomap;	  /* [const] see iomap.h */
	struct reply_owner owner; /* [const] */
	bool no_acl;		  /* [const] leave ACLs unenforced: -o noacl, fakeroot */
	bool no_rights;		  /* [const] a server without any: see struct caller */
	bool list_trusted;	  /* [const] root of the initial user namespace may list trusted.* */
};

/* The tables, for a mount that only reads and one that writes; constant. */
const struct fuse_lowlevel_ops *ops_table(bool writable);

/* Who asks. */
struct caller ops_caller(fuse_req_t req);

/* The calling thread; 0 where its number means nothing here. */
uint32_t ops_tid(fuse_req_t req);

/*
 * Fills an entry for a reply to thread tid, which the kernel counts: if it does not get there,
 * ops_forget(). timeout: of the name. Errors as dinode_load(), -ENOMEM.
 */
int ops_tell(struct ops_context *ctx, uint32_t ino, uint32_t tid, double timeout,
	struct reply_entry *ret) MUST_CHECK;

/* The kernel forgets ino nr times; frees it if that was the last and it has no name. */
void ops_forget(struct ops_context *ctx, uint32_t ino, uint64_t nr);

/* struct session_config's intercept: what libfuse 3.14 does not know. */
bool ops_intercept(void *userdata, const struct abi_in_header *head, size_t len);

#endif
