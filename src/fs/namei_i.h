/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the operations on names share. */
#ifndef EXT4D_FS_NAMEI_I_H
#define EXT4D_FS_NAMEI_I_H

#include "fs/namei.h"

/*
 * -ENOTDIR, -ENOENT dir is unlinked, -ENOKEY dir's names cannot be encrypted, -EROFS, -EINVAL an impossible
 * name, -EPERM as may_create() and may_delete() in the VFS. dir's and child's locks are held.
 */
int namei_may_create(struct inode *dir, const char *name, size_t len) MUST_CHECK;
int namei_may_delete(const struct inode *dir, const struct inode *child) MUST_CHECK;

/* -ENOKEY: dir is encrypted and its key is not there; or what cryptinode_key() says. */
int namei_check_key(struct inode *dir) MUST_CHECK;

/*
 * Holds the inode that name stands for; takes dir's lock for reading meanwhile. -EUCLEAN: a name
 * that names dir itself, the root or a deleted inode; -EPERM as cryptinode_may_show().
 */
int namei_find(struct inode *dir, const char *name, size_t len, struct inode **ret) MUST_CHECK;

/* With dir's lock held: 0 if name still is child (NULL: nothing), -EAGAIN if not. */
int namei_verify(struct inode *dir, const char *name, size_t len, const struct inode *child)
	MUST_CHECK;

/* Whether dir's link count can take another subdirectory. */
bool namei_links_full(const struct inode *dir);

/* ext4_inc_count(), ext4_dec_count(): a directory gets or loses a subdirectory. */
void namei_inc_links(struct inode *dir);
void namei_dec_links(struct inode *dir);

/* A directory's contents have changed: moves its times and writes it. */
int namei_write_dir(struct handle *h, struct inode *dir) MUST_CHECK;

/*
 * Takes one link of child away, all of a directory's; makes it an orphan if none is left. Writes
 * it.
 */
int namei_drop_link(struct handle *h, struct inode *child) MUST_CHECK;
#define NAMEI_DROP_CREDITS (ORPHAN_CREDITS + INODE_CREDITS)

/* EXT2_FT_* for an inode of that mode. */
uint8_t namei_file_type(uint16_t mode);

/* Whether changes of dir are to be durable before the operation returns (IS_DIRSYNC()). */
bool namei_is_sync(const struct inode *dir);

/*
 * Makes an inode as dir's child would be, without a name and without links. On an error *ret may be
 * set all the same: then namei_undo_new() is due.
 */
struct namei_new {
	uint16_t mode;
	dev_t rdev;
	const struct cred *cred;
	const char *name;   /* NULL: none */
	size_t len;
	const char *target; /* symlinks */
	size_t target_len;
};
int namei_new(struct handle *h, struct inode *dir, const struct namei_new *want, struct inode **ret)
	MUST_CHECK;

/* Directly before the handle for it is opened, dir's lock held: what takes transactions of its own. */
int namei_prepare_new(struct inode *dir, const struct namei_new *want) MUST_CHECK;

unsigned namei_new_credits(const struct inode *dir);

/* Makes what namei_new() made an orphan; orphan_free() is due once no lock is held. */
void namei_undo_new(struct handle *h, struct inode *inode);

/*
 * Ends an operation: stops h; where err came after buffers had been changed the caller has aborted
 * the journal. *ret_tid: the transaction, for namei_wait().
 */
int namei_stop(struct handle *h, int err, uint32_t *ret_tid) MUST_CHECK;

/* With nothing held: makes the transaction durable if sync. Returns err, or the error of that. */
int namei_wait(struct fs *fs, int err, bool sync, uint32_t tid) MUST_CHECK;

/* Buffers were changed and what belongs to it failed: only an abort keeps the image consistent. */
int namei_abort(struct handle *h, int err);

#endif
