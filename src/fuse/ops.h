/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The FUSE operations on an open filesystem. Thin: each finds its inode, asks fs/, replies. */
#ifndef EXT4D_FUSE_OPS_H
#define EXT4D_FUSE_OPS_H

#include "fs/fs.h"
#include "fuse/reply.h"

struct nodes;

/* What the operations work on: fuse_req_userdata(). */
struct ops_context {
	struct fs *fs;		  /* [const] */
	struct nodes *nodes;	  /* [const] what the kernel knows; NULL on a read-only mount */
	struct reply_owner owner; /* [const] */
	bool no_acl;		  /* [const] leave ACLs unenforced: -o noacl, fakeroot */
	bool list_trusted;	  /* [const] root of the initial user namespace may list trusted.* */
};

/* The tables, for a mount that only reads and one that writes; constant. */
const struct fuse_lowlevel_ops *ops_table(bool writable);

/* struct session_config's intercept: what libfuse 3.14 does not know. */
bool ops_intercept(void *userdata, const struct abi_in_header *head, size_t len);

#endif
