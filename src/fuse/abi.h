/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of the kernel's FUSE protocol (linux/fuse.h) that this program handles itself, in front
 * of libfuse: Debian 12's headers and libfuse 3.14 do not know all of them. Host byte order.
 */
#ifndef EXT4D_FUSE_ABI_H
#define EXT4D_FUSE_ABI_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

struct abi_in_header {
	uint32_t len; /* bytes, this header included */
	uint32_t opcode;
	uint64_t unique; /* identifies the request; 0 in notifications */
	uint64_t nodeid;
	uint32_t uid, gid, pid;
	uint16_t total_extlen; /* in units of 8 bytes */
	uint16_t padding;
};
static_assert(sizeof(struct abi_in_header) == 40, "fuse_in_header");

struct abi_out_header {
	uint32_t len;
	int32_t error; /* 0 or negative errno */
	uint64_t unique;
};
static_assert(sizeof(struct abi_out_header) == 16, "fuse_out_header");

#define ABI_OP_FORGET 2
#define ABI_OP_WRITE 16
#define ABI_OP_RELEASE 18
#define ABI_OP_RELEASEDIR 29
#define ABI_OP_INTERRUPT 36
#define ABI_OP_DESTROY 38
#define ABI_OP_IOCTL 39
#define ABI_OP_BATCH_FORGET 42
#define ABI_OP_SYNCFS 50  /* since protocol 7.34 */
#define ABI_OP_TMPFILE 51 /* since protocol 7.37 */
#define ABI_OP_STATX 52	  /* since protocol 7.39 */

/* Flags of INIT that libfuse 3.14 does not know. */
#define ABI_INIT_HANDLE_KILLPRIV_V2 (1u << 28)

#define ABI_INIT_EXT (1u << 30) /* there are flags2, the upper half of the flags */
/* In the 64 bits of both. Since Linux 6.14, where the module parameter enable_uring is set. */
#define ABI_INIT_OVER_IO_URING (UINT64_C(1) << 41)

struct abi_init_in {
	uint32_t major, minor, max_readahead, flags;
	uint32_t flags2;
	uint32_t unused[11];
};
static_assert(sizeof(struct abi_init_in) == 64, "fuse_init_in");

struct abi_init_out {
	uint32_t major, minor, max_readahead, flags;
	uint16_t max_background, congestion_threshold;
	uint32_t max_write; /* bytes */
	uint32_t time_gran; /* ns */
	uint16_t max_pages, map_alignment;
	uint32_t flags2;
	uint32_t unused[7];
};
static_assert(sizeof(struct abi_init_out) == 64, "fuse_init_out");

struct abi_write_in {
	uint64_t fh, offset;
	uint32_t size, write_flags;
	uint64_t lock_owner;
	uint32_t flags, padding;
};
static_assert(sizeof(struct abi_write_in) == 40, "fuse_write_in");

#define ABI_WRITE_KILL_SUIDGID (1u << 2)

/* Also TMPFILE's, whose name is of no interest. */
struct abi_create_in {
	uint32_t flags, mode, umask, open_flags;
};
static_assert(sizeof(struct abi_create_in) == 16, "fuse_create_in");

struct abi_attr {
	uint64_t ino, size, blocks;
	uint64_t atime, mtime, ctime;
	uint32_t atimensec, mtimensec, ctimensec;
	uint32_t mode, nlink, uid, gid, rdev, blksize, flags;
};
static_assert(sizeof(struct abi_attr) == 88, "fuse_attr");

struct abi_entry_out {
	uint64_t nodeid, generation;
	uint64_t entry_valid, attr_valid; /* seconds */
	uint32_t entry_valid_nsec, attr_valid_nsec;
	struct abi_attr attr;
};
static_assert(sizeof(struct abi_entry_out) == 128, "fuse_entry_out");

struct abi_attr_out {
	uint64_t attr_valid; /* seconds */
	uint32_t attr_valid_nsec;
	uint32_t dummy;
	struct abi_attr attr;
};
static_assert(sizeof(struct abi_attr_out) == 104, "fuse_attr_out");

/* The reply to CREATE and TMPFILE: an entry and an open file. */
struct abi_created_out {
	struct abi_entry_out entry;
	uint64_t fh;
	uint32_t open_flags, padding;
};
static_assert(sizeof(struct abi_created_out) == 144, "fuse_entry_out and fuse_open_out");

struct abi_statx_in {
	uint32_t getattr_flags;
	uint32_t reserved;
	uint64_t fh;
	uint32_t sx_flags;
	uint32_t sx_mask; /* STATX_* wanted */
};
static_assert(sizeof(struct abi_statx_in) == 24, "fuse_statx_in");

struct abi_sx_time {
	int64_t sec;
	uint32_t nsec;
	int32_t reserved;
};

struct abi_statx {
	uint32_t mask; /* STATX_* given */
	uint32_t blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, spare0;
	uint64_t ino;
	uint64_t size;	 /* bytes */
	uint64_t blocks; /* of 512 bytes */
	uint64_t attributes_mask;
	struct abi_sx_time atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	/* what follows FUSE carries with iomap only */
	uint64_t mnt_id;
	uint32_t dio_mem_align, dio_offset_align; /* bytes */
	uint64_t subvol;
	uint32_t atomic_write_unit_min, atomic_write_unit_max, atomic_write_segments_max;
	uint32_t dio_read_offset_align, atomic_write_unit_max_opt;
	uint32_t spare2;
	uint64_t spare3[8];
};
/* As struct statx of linux/stat.h, whose newer fields and bits Debian 12's does not have. */
static_assert(sizeof(struct abi_statx) == 256, "fuse_statx");
static_assert(offsetof(struct abi_statx, dio_mem_align) == 152, "fuse_statx");
static_assert(offsetof(struct abi_statx, atomic_write_unit_min) == 168, "fuse_statx");
static_assert(offsetof(struct abi_statx, atomic_write_unit_max_opt) == 184, "fuse_statx");

#define ABI_STATX_WRITE_ATOMIC 0x00010000u
#define ABI_STATX_ATTR_WRITE_ATOMIC 0x00400000u

struct abi_statx_out {
	uint64_t attr_valid; /* seconds the kernel may keep the attributes */
	uint32_t attr_valid_nsec;
	uint32_t flags;
	uint64_t spare[2];
	struct abi_statx stat;
};
static_assert(sizeof(struct abi_statx_out) == 288, "fuse_statx_out");

/*
 * FUSE over io_uring. A queue per possible CPU; each entry of a queue is a command of an io_uring
 * that completes when a request has been put into its two buffers, these headers and the payload.
 */
struct abi_uring_headers {
	unsigned char in_out[128]; /* abi_in_header; in the reply abi_out_header */
	unsigned char op_in[128];  /* the operation's first argument, which has no part in the payload */
	uint64_t flags;
	uint64_t commit_id; /* names the request when it is committed */
	uint32_t payload_size; /* bytes: the other arguments; in the reply all that follows the header */
	uint32_t padding;
	uint64_t reserved;
};
static_assert(sizeof(struct abi_uring_headers) == 288, "fuse_uring_req_header");

/* cmd_op */
#define ABI_URING_REGISTER 1	      /* addr, len: an iovec of headers and payload */
#define ABI_URING_COMMIT_AND_FETCH 2 /* hands the reply over, and waits for the next request */

/* In the second half of a 128 byte submission. */
struct abi_uring_command {
	uint64_t flags;
	uint64_t commit_id;
	uint16_t qid; /* number of the queue, which is the CPU's */
	uint8_t padding[6];
};
static_assert(sizeof(struct abi_uring_command) == 24, "fuse_uring_cmd_req");

#define ABI_DEV_IOC_CLONE _IOR(229, 0, uint32_t)

#endif
