/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mappings of FUSE iomap as values: made, and checked as the client checks them. Pure functions: no
 * filesystem, no session.
 */
#ifndef EXT4D_FUSE_IOMAP_WIRE_H
#define EXT4D_FUSE_IOMAP_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "fuse/iomap_abi.h"
#include "util/cleanup.h"

/*
 * Copies the argument of the request of len bytes at head to ret, ret_len bytes. -EINVAL if there are
 * fewer; what a newer client adds is ignored.
 */
int iomap_wire_argument(const struct abi_in_header *head, size_t len, void *ret, size_t ret_len)
	MUST_CHECK;

/* The half for writing that says: write where the other half points. */
struct iomap_abi_map iomap_wire_overwrite(const struct iomap_abi_map *read);

/* A half that stands for one which the client has in its cache already. */
struct iomap_abi_map iomap_wire_retry(const struct iomap_abi_map *read);

/* The half of an UPSERT that says nothing. */
struct iomap_abi_map iomap_wire_nocache(void);

/* What the client's checks depend on. */
struct iomap_wire_limits {
	uint32_t block_size; /* bytes, as CONFIG said */
	uint64_t max_size;   /* of a file */
	bool cached;	     /* a mapping of the inode was uploaded before */
};

/*
 * 0, or -EUCLEAN for a reply to BEGIN at pos that the client refuses, failing the caller's operation.
 * What it does not look at, such as whether addresses are aligned, is not looked at here either, and
 * dev counts as registered unless it is none.
 */
int iomap_wire_check_begin(const struct iomap_abi_begin_out *out, uint64_t pos,
	const struct iomap_wire_limits *limits) MUST_CHECK;

/* The same for an UPSERT. */
int iomap_wire_check_upsert(const struct iomap_abi_upsert *upsert,
	const struct iomap_wire_limits *limits) MUST_CHECK;

#endif
