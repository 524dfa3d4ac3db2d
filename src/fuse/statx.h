/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The STATX request: GETATTR with creation time, unknown to libfuse 3.14. */
#ifndef EXT4D_FUSE_STATX_H
#define EXT4D_FUSE_STATX_H

#include "fuse/ops.h"

/* Answers the STATX request of len bytes at head. */
void statx_request(struct ops_context *ctx, const struct abi_in_header *head, size_t len);

#endif
