/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The FUSE operations that change the filesystem: the other half of ops.c. */
#ifndef EXT4D_FUSE_OPS_EDIT_H
#define EXT4D_FUSE_OPS_EDIT_H

#include "fuse/ops.h"

void op_setattr(fuse_req_t req, fuse_ino_t node, struct stat *st, int to_set,
	struct fuse_file_info *fi);
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void op_link(fuse_req_t req, fuse_ino_t node, fuse_ino_t parent, const char *name);
void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned flags);
void op_write(fuse_req_t req, fuse_ino_t node, const char *buf, size_t size, off_t off,
	struct fuse_file_info *fi);
void op_fsync(fuse_req_t req, fuse_ino_t node, int data_only, struct fuse_file_info *fi);
void op_setxattr(fuse_req_t req, fuse_ino_t node, const char *name, const char *value, size_t size,
	int flags);
void op_removexattr(fuse_req_t req, fuse_ino_t node, const char *name);
void op_fallocate(fuse_req_t req, fuse_ino_t node, int mode, off_t off, off_t len,
	struct fuse_file_info *fi);
void op_copy_file_range(fuse_req_t req, fuse_ino_t from, off_t from_off, struct fuse_file_info *from_fi,
	fuse_ino_t to, off_t to_off, struct fuse_file_info *to_fi, size_t len, int flags);
void op_forget(fuse_req_t req, fuse_ino_t node, uint64_t nlookup);
void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);

/*
 * In front of libfuse: WRITE's flag to clear setuid bits, which libfuse drops. false: libfuse goes on.
 */
bool op_write_intercept(struct ops_context *ctx, const struct abi_in_header *head, size_t len);

/* TMPFILE and SYNCFS, unknown to libfuse 3.14. */
void op_tmpfile(struct ops_context *ctx, const struct abi_in_header *head, size_t len);
void op_syncfs(struct ops_context *ctx, const struct abi_in_header *head);

#endif
