/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ioctls of ext4d's own, on any file of a mount; those for keys, with the numbers that follow, are in
 * ext4d_ioctl.h. Sizes and layouts are fixed: programs built against one version talk to servers of another.
 */
#ifndef EXT4D_FUSE_CONTROL_H
#define EXT4D_FUSE_CONTROL_H

#include <assert.h>
#include <linux/ioctl.h>
#include <stdint.h>

/* Who serves this mount. */
struct ext4d_server {
	uint64_t pid_ns; /* inode number of the server's /proc/self/ns/pid */
	int32_t pid;	 /* in that namespace */
	uint32_t version; /* of this structure: 1 */
};
static_assert(sizeof(struct ext4d_server) == 16, "an ioctl's number holds its size");

#define EXT4D_IOC_SERVER _IOR(0xE4, 1, struct ext4d_server)

/* 1 if the server writes the image, 0 if it only reads it, whatever the kernel lets through. */
#define EXT4D_IOC_WRITABLE _IOR(0xE4, 2, uint32_t)

#endif
