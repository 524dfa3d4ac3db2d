// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fuse/statx.h"

#include <errno.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "fuse/iomap.h"
#include "fuse/iomap_device.h"
#include "fuse/iomap_wire.h"
#include "fuse/nodes.h"

static struct abi_sx_time encode_time(const struct timespec *ts)
{
	return (struct abi_sx_time){ .sec = ts->tv_sec, .nsec = (uint32_t)ts->tv_nsec };
}

static void encode(const struct stat *st, const struct dinode *d, struct abi_statx *ret)
{
	ret->mask = STATX_BASIC_STATS;
	ret->blksize = (uint32_t)st->st_blksize;
	ret->nlink = (uint32_t)st->st_nlink;
	ret->uid = st->st_uid;
	ret->gid = st->st_gid;
	ret->mode = (uint16_t)st->st_mode;
	ret->ino = st->st_ino;
	ret->size = (uint64_t)st->st_size;
	ret->blocks = (uint64_t)st->st_blocks;
	ret->atime = encode_time(&st->st_atim);
	ret->ctime = encode_time(&st->st_ctim);
	ret->mtime = encode_time(&st->st_mtim);
	ret->rdev_major = major(st->st_rdev);
	ret->rdev_minor = minor(st->st_rdev);
	if (d->has_crtime) {
		ret->mask |= STATX_BTIME;
		ret->btime = encode_time(&d->crtime);
	}
}

/* As ext4_getattr(). Stock kernels do not look at it; and what these enforce by themselves they take from the flags. */
static void encode_attributes(const struct dinode *d, struct abi_statx *ret)
{
	static const struct {
		uint32_t flag;
		uint64_t attribute;
	} attributes[] = {
		{ EXT2_APPEND_FL, STATX_ATTR_APPEND },
		{ EXT2_COMPR_FL, STATX_ATTR_COMPRESSED },
		{ EXT4_ENCRYPT_FL, STATX_ATTR_ENCRYPTED },
		{ EXT2_IMMUTABLE_FL, STATX_ATTR_IMMUTABLE },
		{ EXT2_NODUMP_FL, STATX_ATTR_NODUMP },
		{ EXT4_VERITY_FL, STATX_ATTR_VERITY },
	};

	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		ret->attributes_mask |= attributes[i].attribute;
		if (d->flags & attributes[i].flag)
			ret->attributes |= attributes[i].attribute;
	}
}

/* generic_fill_statx_atomic_writes() and the like: wanted, STATX_* bits, is what was asked for. */
static void encode_limits(
	const struct iomap_device_limits *limits, uint32_t wanted, struct abi_statx *ret)
{
	if (wanted & STATX_DIOALIGN && limits->offset_align) {
		ret->mask |= STATX_DIOALIGN;
		ret->dio_mem_align = limits->mem_align;
		ret->dio_offset_align = limits->offset_align;
	}
	if (!(wanted & ABI_STATX_WRITE_ATOMIC))
		return;
	ret->mask |= ABI_STATX_WRITE_ATOMIC;
	ret->attributes_mask |= ABI_STATX_ATTR_WRITE_ATOMIC;
	if (!limits->atomic_min)
		return;
	ret->attributes |= ABI_STATX_ATTR_WRITE_ATOMIC;
	ret->atomic_write_unit_min = limits->atomic_min;
	ret->atomic_write_unit_max = limits->atomic_max;
	ret->atomic_write_segments_max = 1;
}

void statx_request(struct ops_context *ctx, const struct abi_in_header *head, size_t len)
{
	const struct iomap_device_limits *limits;
	struct abi_statx_out out = { .attr_valid = 0 };
	struct abi_statx_in in;
	double timeout;
	struct dinode d;
	struct stat st;
	uint32_t ino;
	int err = iomap_wire_argument(head, len, &in, sizeof(in));

	if (!err)
		err = reply_ino(head->nodeid, &ino);
	if (!err)
		nodes_show(ctx->nodes, ino, head->pid);
	if (!err)
		err = dinode_load(ctx->fs, ino, &d);
	if (!err)
		err = reply_stat(ctx->fs, &ctx->owner, ino, &d, &st, &timeout);
	if (!err) {
		out.attr_valid = (uint64_t)timeout;
		encode(&st, &d, &out.stat);
		encode_attributes(&d, &out.stat);
		limits = iomap_limits(ctx->iomap, ino, &d);
		if (limits)
			encode_limits(limits, in.sx_mask, &out.stat);
	}
	session_reply(head->unique, err, &out, sizeof(out));
}
