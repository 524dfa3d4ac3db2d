/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fast commits on disk (fs/ext4/fast_commit.h): a row of tags, each a 16-bit type, a 16-bit
 * length and that many bytes of value, little-endian; none crosses a block. Pure decode.
 */
#ifndef EXT4D_FORMAT_FCOMMIT_H
#define EXT4D_FORMAT_FCOMMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/cleanup.h"

enum fcommit_type {
	FCOMMIT_ADD_RANGE = 1,
	FCOMMIT_DEL_RANGE = 2,
	FCOMMIT_CREAT = 3,
	FCOMMIT_LINK = 4,
	FCOMMIT_UNLINK = 5,
	FCOMMIT_INODE = 6,
	FCOMMIT_PAD = 7,
	FCOMMIT_TAIL = 8,
	FCOMMIT_HEAD = 9,
};

#define FCOMMIT_TAG_HDR 4	/* bytes before a tag's value */
#define FCOMMIT_KNOWN_FEATURES 0 /* of a HEAD */

/* ADD_RANGE and DEL_RANGE; of the numbers only their width is checked. */
struct fcommit_range {
	uint32_t ino;
	uint32_t lblk;
	uint32_t nr;	/* blocks; may be 0 */
	uint64_t pblk;	/* ADD_RANGE */
	bool unwritten; /* ADD_RANGE */
};

/* CREAT, LINK and UNLINK. */
struct fcommit_dentry {
	uint32_t parent, ino;
	const char *name; /* in the buffer decoded; not terminated, any bytes */
	uint8_t name_len; /* 1 or more */
};

/* INODE: the on-disk inode without its checksum being meaningful. */
struct fcommit_inode {
	uint32_t ino;
	const uint8_t *raw; /* in the buffer decoded */
	uint32_t len;	    /* bytes: 128 to the filesystem's inode size */
};

struct fcommit_tag {
	enum fcommit_type type;
	size_t len; /* bytes in all, header included */
	union {
		struct fcommit_range range;
		struct fcommit_dentry dentry;
		struct fcommit_inode inode;
		struct {
			uint32_t features, tid;
		} head;
		struct {
			uint32_t tid, crc;
		} tail;
	};
};

/*
 * Decodes the tag at buf, len bytes before the end of its block. -EUCLEAN if it is unknown, has
 * a length its type cannot have (ext4_fc_value_len_isvalid()) or leaves the block.
 */
int fcommit_decode(const uint8_t *buf, size_t len, uint32_t inode_size, struct fcommit_tag *ret)
	MUST_CHECK;

/*
 * Continues the checksum of a fast commit (0 at its start) with the tag at buf, decoded as tag.
 * Of a TAIL only what precedes its crc counts.
 */
uint32_t fcommit_crc(uint32_t crc, const uint8_t *buf, const struct fcommit_tag *tag);

#endif
