/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From ext4's inodes to FUSE's replies: node ids, attributes as the kernel's ext4 shows them, and
 * the one place that turns -errno into errno.
 */
#ifndef EXT4D_FUSE_REPLY_H
#define EXT4D_FUSE_REPLY_H

#include "fs/inode.h"
#include "fuse/session.h"

/* Seconds for "for ever": nobody but us changes the image. */
#define REPLY_FOREVER 1e9

/* Whose files are shown as; see --help. */
struct reply_owner {
	bool set_uid, set_gid;
	uint32_t uid, gid;
};

/* FUSE's root is 1, ext4's is 2; the two numbers are exchanged, all others are the same. */
fuse_ino_t reply_node(uint32_t ino);

/* -ESTALE for a number that is no inode's. */
int reply_ino(fuse_ino_t node, uint32_t *ret) MUST_CHECK;

/*
 * The attributes of ino, and how long the kernel may keep them: those of a symlink that is shown without its
 * key not at all. d as dinode_load() gave it. Locks an encrypted symlink (reply_stat_locks()). -EUCLEAN, -EIO
 * for its target.
 */
int reply_stat(struct fs *fs, const struct reply_owner *owner, uint32_t ino, const struct dinode *d,
	struct stat *ret, double *ret_timeout) MUST_CHECK;

/* Whether reply_stat() takes the inode's lock, and so must not be called with another one's held. */
bool reply_stat_locks(const struct dinode *d);

/*
 * How long the kernel may take a name of dir for granted. It keeps each spelling of a name by
 * itself and would go on to show what was changed through another one: so not at all where case
 * does not count and something can change. Nor where names are shown without the key: it may come
 * at any time, so this is to be asked before the name is looked up. Locks dir.
 */
double reply_name_timeout(struct inode *dir);

/*
 * The same for a name that dir does not have. Where directories can become such, all are asked
 * again: the kernel would not forget what it knew not to be there before.
 */
double reply_absence_timeout(struct inode *dir);

/* Whether the kernel may keep a listing of dir that is begun now, with the names as they are. Locks dir. */
bool reply_may_keep_listing(struct inode *dir);

/* An entry with what libfuse has no room for. */
struct reply_entry {
	struct fuse_entry_param param;
	uint32_t flags; /* abi_attr.flags */
};

/*
 * Fills an entry for ino, without flags: attributes d, the name kept for timeout. Errors as
 * reply_stat(), which it calls.
 */
int reply_fill_entry(struct fs *fs, const struct reply_owner *owner, uint32_t ino,
	const struct dinode *d, double timeout, struct fuse_entry_param *ret) MUST_CHECK;

/* fuse_reply_entry(), with the flags. */
int reply_entry(fuse_req_t req, const struct reply_entry *entry) MUST_CHECK;

/* Replies with attributes, valid for timeout; flags: abi_attr.flags. */
void reply_attr(fuse_req_t req, const struct stat *st, uint32_t flags, double timeout);

/* The same as it goes over the wire, for what libfuse does not reply to, and of an inode at hand. */
int reply_raw_entry(struct fs *fs, const struct reply_owner *owner, struct inode *inode,
	struct abi_entry_out *ret) MUST_CHECK;

/* err: 0 or negative errno. */
void reply_err(fuse_req_t req, int err);

#endif
