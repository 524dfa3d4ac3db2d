/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LSEEK: where data and holes are. The client asks for them without writing back what its page cache has
 * (fuse_file_llseek()), so a hole may be none; and whoever copies by holes would lose what is in it. On
 * a mount that writes, the client is therefore made to write back before a hole is reported.
 */
#ifndef EXT4D_FUSE_SEEK_H
#define EXT4D_FUSE_SEEK_H

#include "fuse/ops.h"

void seek_request(fuse_req_t req, fuse_ino_t node, off_t off, int whence, struct fuse_file_info *fi);

#endif
