/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The block device that the kernel is to read and write in our place. */
#ifndef EXT4D_FUSE_IOMAP_DEVICE_H
#define EXT4D_FUSE_IOMAP_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "util/cleanup.h"

/*
 * Opens a block device with the bytes of the file or device open at fd: itself, in an open file of its own, as
 * the kernel keeps it longer than us, or a loop device, which goes with its last descriptor. A device that may not be
 * opened again is duplicated, and may have another block size. On failure -errno, and *ret_why is one constant line.
 */
int iomap_device_open(int fd, bool writable, uint32_t block_size, int *ret_fd, const char **ret_why)
	MUST_CHECK;

/*
 * A loop device with the file at fd, which it keeps open; goes with its last descriptor, which this returns, or
 * -errno. block_size: of its sectors, if 512 bytes are too few for the file's storage.
 */
int iomap_device_attach(int fd, bool writable, uint32_t block_size) MUST_CHECK;

/* Of the device's page cache; 0: unknown. */
uint32_t iomap_device_block_size(int fd);

/* Whether the connection at fd, before it is mounted, may have the kernel use a device. */
bool iomap_device_wanted(int fd);

/* What direct IO to the device needs; bytes. */
struct iomap_device_limits {
	uint32_t mem_align, offset_align;
	uint32_t atomic_min, atomic_max; /* writes of which sizes are not torn; 0: none */
};

/* Asks the device at fd. */
struct iomap_device_limits iomap_device_limits(int fd);

#endif
