/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FUSE iomap as its patches of February 2026 (v7) have it: the client asks where a file's blocks are and
 * moves its bytes by itself. Not in released kernels: minor version and opcodes are provisional, and
 * another minor than this one is not spoken. Host byte order; offsets, lengths and addresses in bytes.
 */
#ifndef EXT4D_FUSE_IOMAP_ABI_H
#define EXT4D_FUSE_IOMAP_ABI_H

#include <stddef.h>
#include <sys/ioctl.h>

#include "fuse/abi.h"

/* ---- negotiation ---- */

/* The protocol's minor version that has it. A reply to INIT with a smaller one turns it off. */
#define IOMAP_ABI_MINOR 99

/* In the 64 bits of INIT's flags. */
#define IOMAP_ABI_INIT (UINT64_C(1) << 43)

#define IOMAP_ABI_OP_FREEZE 4089
#define IOMAP_ABI_OP_UNFREEZE 4090
#define IOMAP_ABI_OP_SHUTDOWN 4091
#define IOMAP_ABI_OP_CONFIG 4092
#define IOMAP_ABI_OP_IOEND 4093
#define IOMAP_ABI_OP_BEGIN 4094
#define IOMAP_ABI_OP_END 4095

#define IOMAP_ABI_NOTIFY_DEV_INVAL 99
#define IOMAP_ABI_NOTIFY_UPSERT 100
#define IOMAP_ABI_NOTIFY_INVAL 101

/* abi_attr.flags; they count in the reply that first names an inode. */
#define IOMAP_ABI_ATTR_EXCLUSIVE 0x04u /* nobody but this mount changes it */
#define IOMAP_ABI_ATTR_IOMAP 0x08u     /* with EXCLUSIVE: contents go by iomap */
#define IOMAP_ABI_ATTR_ATOMIC 0x10u    /* with IOMAP: writes of one block that are not torn */
#define IOMAP_ABI_ATTR_SYNC 0x20u
#define IOMAP_ABI_ATTR_IMMUTABLE 0x40u
#define IOMAP_ABI_ATTR_APPEND 0x80u

/* Which fields of iomap_abi_config_out count; the request says which the client knows. */
#define IOMAP_ABI_CONFIG_SID 0x01u
#define IOMAP_ABI_CONFIG_UUID 0x02u
#define IOMAP_ABI_CONFIG_BLOCKSIZE 0x04u
#define IOMAP_ABI_CONFIG_MAX_LINKS 0x08u
#define IOMAP_ABI_CONFIG_TIME 0x10u
#define IOMAP_ABI_CONFIG_MAXBYTES 0x20u
#define IOMAP_ABI_CONFIG_CACHE_MAXBYTES 0x40u

struct iomap_abi_config_in {
	uint64_t flags; /* IOMAP_ABI_CONFIG_* */
	int64_t maxbytes;
	uint32_t cache_maxbytes;
	uint32_t zero;
	uint64_t padding[5];
};
static_assert(sizeof(struct iomap_abi_config_in) == 64, "fuse_iomap_config_in");

struct iomap_abi_config_out {
	uint64_t flags; /* IOMAP_ABI_CONFIG_* */
	char s_id[32];	/* the name in messages, with its NUL */
	uint8_t s_uuid[16];
	uint8_t s_uuid_len; /* 16 at most, also without the flag */
	uint8_t s_pad[3];   /* zero */
	uint32_t s_blocksize;
	uint32_t s_max_links;
	uint32_t s_time_gran; /* ns */
	int64_t s_time_min, s_time_max; /* s */
	int64_t s_maxbytes; /* the request's at most */
	uint32_t cache_maxbytes; /* per tree of mappings; 0: as it is */
	uint32_t padding;
};
static_assert(sizeof(struct iomap_abi_config_out) == 104, "fuse_iomap_config_out");
static_assert(offsetof(struct iomap_abi_config_out, s_uuid) == 40, "fuse_iomap_config_out");
static_assert(offsetof(struct iomap_abi_config_out, s_blocksize) == 60, "fuse_iomap_config_out");
static_assert(offsetof(struct iomap_abi_config_out, s_time_min) == 72, "fuse_iomap_config_out");
static_assert(offsetof(struct iomap_abi_config_out, cache_maxbytes) == 96, "fuse_iomap_config_out");

/* ---- mappings ---- */

enum iomap_abi_type {
	IOMAP_ABI_HOLE = 0,
	IOMAP_ABI_DELALLOC = 1, /* promised, no address yet */
	IOMAP_ABI_MAPPED = 2,
	IOMAP_ABI_UNWRITTEN = 3, /* reads as zeros until END of the IO has made it MAPPED */
	IOMAP_ABI_INLINE = 4,	 /* read and written by READ and WRITE */
	IOMAP_ABI_NOCACHE = 253,	/* UPSERT: this half says nothing */
	IOMAP_ABI_RETRY_CACHE = 254,	/* reply to BEGIN: it is in the client's cache now */
	IOMAP_ABI_PURE_OVERWRITE = 255, /* the half for writing: same as the one for reading */
};

/* Flags of a mapping. The server sets those of the low byte only. */
#define IOMAP_ABI_F_NEW 0x01u
#define IOMAP_ABI_F_DIRTY 0x02u /* what finds the data again is not durable yet */
#define IOMAP_ABI_F_SHARED 0x04u
#define IOMAP_ABI_F_MERGED 0x08u
#define IOMAP_ABI_F_BOUNDARY 0x10u
#define IOMAP_ABI_F_ANON_WRITE 0x20u /* never to be set */
#define IOMAP_ABI_F_ATOMIC_BIO 0x40u /* to be written in one piece */
#define IOMAP_ABI_F_WANT_END 0x80u   /* has no effect in v7 */
#define IOMAP_ABI_F_SERVER 0xFFu
#define IOMAP_ABI_F_SIZE_CHANGED 0x100u /* in END: the file has become larger */
#define IOMAP_ABI_F_STALE 0x200u	/* in END: the same range is asked for again */

#define IOMAP_ABI_NO_ADDR UINT64_MAX
#define IOMAP_ABI_NO_DEV 0u

struct iomap_abi_map {
	uint64_t offset, length; /* of the file */
	uint64_t addr;		 /* on the device; IOMAP_ABI_NO_ADDR */
	uint16_t type;		 /* enum iomap_abi_type */
	uint16_t flags;		 /* IOMAP_ABI_F_* */
	uint32_t dev;		 /* what BACKING_OPEN returned; IOMAP_ABI_NO_DEV */
};
static_assert(sizeof(struct iomap_abi_map) == 32, "fuse_iomap_io");

/* What a mapping is asked for. */
#define IOMAP_ABI_ON_WRITE 0x001u
#define IOMAP_ABI_ON_ZERO 0x002u /* without WRITE */
#define IOMAP_ABI_ON_REPORT 0x004u
#define IOMAP_ABI_ON_FAULT 0x008u
#define IOMAP_ABI_ON_DIRECT 0x010u
#define IOMAP_ABI_ON_NOWAIT 0x020u
#define IOMAP_ABI_ON_OVERWRITE_ONLY 0x040u
#define IOMAP_ABI_ON_UNSHARE 0x080u
#define IOMAP_ABI_ON_DAX 0x100u
#define IOMAP_ABI_ON_ATOMIC 0x200u
#define IOMAP_ABI_ON_DONTCACHE 0x400u
#define IOMAP_ABI_ON_SWAPFILE 0x40000000u
#define IOMAP_ABI_ON_WRITEBACK 0x80000000u /* alone */
/* Any of these: something is going to be changed. */
#define IOMAP_ABI_ON_CHANGE                                                                        \
	(IOMAP_ABI_ON_WRITE | IOMAP_ABI_ON_ZERO | IOMAP_ABI_ON_UNSHARE | IOMAP_ABI_ON_WRITEBACK)

struct iomap_abi_begin_in {
	uint32_t opflags; /* IOMAP_ABI_ON_* */
	uint32_t reserved;
	uint64_t attr_ino; /* abi_attr.ino as last told */
	uint64_t pos, count;
};
static_assert(sizeof(struct iomap_abi_begin_in) == 32, "fuse_iomap_begin_in");

struct iomap_abi_begin_out {
	struct iomap_abi_map read, write;
};
static_assert(sizeof(struct iomap_abi_begin_out) == 64, "fuse_iomap_begin_out");

struct iomap_abi_end_in {
	uint32_t opflags;
	uint32_t reserved;
	uint64_t attr_ino;
	uint64_t pos, count;
	int64_t written;
	struct iomap_abi_map map; /* what it wrote to */
};
static_assert(sizeof(struct iomap_abi_end_in) == 72, "fuse_iomap_end_in");

#define IOMAP_ABI_IOEND_SHARED 0x01u
#define IOMAP_ABI_IOEND_UNWRITTEN 0x02u
#define IOMAP_ABI_IOEND_BOUNDARY 0x04u
#define IOMAP_ABI_IOEND_DIRECT 0x08u
#define IOMAP_ABI_IOEND_APPEND 0x10u
#define IOMAP_ABI_IOEND_WRITEBACK 0x20u
#define IOMAP_ABI_IOEND_SWAPOFF 0x40u

struct iomap_abi_ioend_in {
	uint32_t flags; /* IOMAP_ABI_IOEND_* */
	int32_t error;	/* 0 or negative errno */
	uint64_t attr_ino;
	uint64_t pos;	   /* not aligned to blocks */
	uint64_t new_addr; /* v7 sends sectors; not to be relied on */
	uint64_t written;  /* bytes; nor is their end aligned */
	uint32_t dev;
	uint32_t pad;
};
static_assert(sizeof(struct iomap_abi_ioend_in) == 48, "fuse_iomap_ioend_in");

struct iomap_abi_ioend_out {
	uint64_t newsize; /* the file's on disk */
};
static_assert(sizeof(struct iomap_abi_ioend_out) == 8, "fuse_iomap_ioend_out");

/* ---- notifications ---- */

struct iomap_abi_upsert {
	uint64_t nodeid, attr_ino;
	struct iomap_abi_map read, write;
};
static_assert(sizeof(struct iomap_abi_upsert) == 80, "fuse_iomap_upsert_mappings_out");

struct iomap_abi_range {
	uint64_t offset;
	uint64_t length; /* of a file: IOMAP_ABI_TO_EOF; 0: this half is left alone */
};
static_assert(sizeof(struct iomap_abi_range) == 16, "fuse_range");
#define IOMAP_ABI_TO_EOF UINT64_MAX

struct iomap_abi_inval {
	uint64_t nodeid, attr_ino;
	struct iomap_abi_range read, write;
};
static_assert(sizeof(struct iomap_abi_inval) == 48, "fuse_iomap_inval_mappings_out");

struct iomap_abi_dev_inval {
	uint32_t dev;
	uint32_t reserved;
	struct iomap_abi_range range; /* of the device, not empty */
};
static_assert(sizeof(struct iomap_abi_dev_inval) == 24, "fuse_iomap_dev_inval_out");

/* ---- the filesystem as a whole ---- */

struct iomap_abi_freeze_in {
	uint64_t unlinked; /* open inodes without a name */
};
static_assert(sizeof(struct iomap_abi_freeze_in) == 8, "fuse_freezefs_in");

struct iomap_abi_shutdown_in {
	uint64_t flags; /* 0 */
};
static_assert(sizeof(struct iomap_abi_shutdown_in) == 8, "fuse_shutdownfs_in");

/* ---- ioctls of /dev/fuse ---- */

struct iomap_abi_backing {
	int32_t fd;	/* of a block device */
	uint32_t flags; /* IOMAP_ABI_BACKING_IOMAP */
	uint64_t padding;
};
static_assert(sizeof(struct iomap_abi_backing) == 16, "fuse_backing_map");
#define IOMAP_ABI_BACKING_IOMAP 1u

struct iomap_abi_backing_info {
	uint32_t backing_id, blocksize;
};
static_assert(sizeof(struct iomap_abi_backing_info) == 8, "fuse_iomap_backing_info");

struct iomap_abi_support {
	uint64_t flags; /* IOMAP_ABI_SUPPORT_* */
	uint64_t padding;
};
static_assert(sizeof(struct iomap_abi_support) == 16, "fuse_iomap_support");
#define IOMAP_ABI_SUPPORT_FILEIO 1u
#define IOMAP_ABI_SUPPORT_ATOMIC 2u

#define IOMAP_ABI_IOC_MAGIC 229
#define IOMAP_ABI_IOC_BACKING_OPEN _IOW(IOMAP_ABI_IOC_MAGIC, 1, struct iomap_abi_backing)
#define IOMAP_ABI_IOC_BACKING_CLOSE _IOW(IOMAP_ABI_IOC_MAGIC, 2, uint32_t)
#define IOMAP_ABI_IOC_SYNC_INIT _IO(IOMAP_ABI_IOC_MAGIC, 3)
#define IOMAP_ABI_IOC_SUPPORT _IOR(IOMAP_ABI_IOC_MAGIC, 99, struct iomap_abi_support)
#define IOMAP_ABI_IOC_SET_NOFS _IOW(IOMAP_ABI_IOC_MAGIC, 100, uint32_t)
#define IOMAP_ABI_IOC_ADD_IOMAP _IO(IOMAP_ABI_IOC_MAGIC, 101)
#define IOMAP_ABI_IOC_SET_BLOCKSIZE                                                                \
	_IOW(IOMAP_ABI_IOC_MAGIC, 102, struct iomap_abi_backing_info)
static_assert(IOMAP_ABI_IOC_BACKING_OPEN == 0x4010E501, "FUSE_DEV_IOC_BACKING_OPEN");
static_assert(IOMAP_ABI_IOC_BACKING_CLOSE == 0x4004E502, "FUSE_DEV_IOC_BACKING_CLOSE");
static_assert(IOMAP_ABI_IOC_SYNC_INIT == 0xE503, "FUSE_DEV_IOC_SYNC_INIT");
static_assert(IOMAP_ABI_IOC_SUPPORT == 0x8010E563, "FUSE_DEV_IOC_IOMAP_SUPPORT");
static_assert(IOMAP_ABI_IOC_SET_NOFS == 0x4004E564, "FUSE_DEV_IOC_SET_NOFS");
static_assert(IOMAP_ABI_IOC_ADD_IOMAP == 0xE565, "FUSE_DEV_IOC_ADD_IOMAP");
static_assert(IOMAP_ABI_IOC_SET_BLOCKSIZE == 0x4008E566, "FUSE_DEV_IOC_IOMAP_SET_BLOCKSIZE");

#endif
