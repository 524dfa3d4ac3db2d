// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fuse/statx.h"

#include <errno.h>
#include <linux/stat.h>
#include <string.h>
#include <sys/sysmacros.h>

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

void statx_request(struct ops_context *ctx, const struct abi_in_header *head, size_t len)
{
	struct abi_statx_out out = { .attr_valid = (uint64_t)REPLY_FOREVER };
	struct dinode d;
	struct stat st;
	uint32_t ino;
	int err = len < sizeof(*head) + sizeof(struct abi_statx_in) ? -EINVAL : 0;

	if (!err)
		err = reply_ino(head->nodeid, &ino);
	if (!err)
		nodes_show(ctx->nodes, ino, head->pid);
	if (!err)
		err = dinode_load(ctx->fs, ino, &d);
	if (!err)
		err = reply_stat(ctx->fs, &ctx->owner, ino, &d, &st);
	if (!err)
		encode(&st, &d, &out.stat);
	session_reply(head->unique, err, &out, sizeof(out));
}
