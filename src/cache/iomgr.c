// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "cache/iomgr.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void iomgr_name(struct cache *cache, char name[IOMGR_NAME_MAX])
{
	snprintf(name, IOMGR_NAME_MAX, "cache:%" PRIxPTR, (uintptr_t)cache);
}

static errcode_t mgr_open(const char *name, int flags, io_channel *ret)
{
	uintptr_t cache;
	io_channel channel;

	if (flags & IO_FLAG_RW)
		return EROFS;
	if (sscanf(name, "cache:%" SCNxPTR, &cache) != 1)
		return EXT2_ET_BAD_DEVICE_NAME;
	/* libext2fs frees these with free(3), see ext2fs_free_mem() */
	channel = calloc(1, sizeof(*channel));
	if (channel)
		channel->name = strdup(name);
	if (!channel || !channel->name) {
		free(channel);
		return EXT2_ET_NO_MEMORY;
	}
	channel->magic = EXT2_ET_MAGIC_IO_CHANNEL;
	channel->manager = iomgr_get();
	channel->block_size = 1024;
	channel->refcount = 1;
	channel->private_data = (void *)cache;
	*ret = channel;
	return 0;
}

static errcode_t mgr_close(io_channel channel)
{
	if (--channel->refcount > 0)
		return 0;
	free(channel->name);
	free(channel);
	return 0;
}

static errcode_t mgr_set_blksize(io_channel channel, int block_size)
{
	channel->block_size = block_size;
	return 0;
}

/* A negative count is a count of bytes, as everywhere in libext2fs. */
static errcode_t mgr_read_blk64(
	io_channel channel, unsigned long long block, int count, void *data)
{
	uint64_t unit = (uint64_t)channel->block_size;
	size_t len = count < 0 ? (size_t) - (int64_t)count : (size_t)count * unit;
	int err;

	if (block > UINT64_MAX / unit)
		return EXT2_ET_SHORT_READ;
	err = cache_read_bytes(channel->private_data, block * unit, data, len);
	if (err == -EIO)
		return EXT2_ET_SHORT_READ;
	return -err;
}

static errcode_t mgr_read_blk(io_channel channel, unsigned long block, int count, void *data)
{
	return mgr_read_blk64(channel, block, count, data);
}

static errcode_t mgr_write_blk64(
	io_channel channel, unsigned long long block, int count, const void *data)
{
	(void)channel;
	(void)block;
	(void)count;
	(void)data;
	return EROFS;
}

static errcode_t mgr_write_blk(
	io_channel channel, unsigned long block, int count, const void *data)
{
	return mgr_write_blk64(channel, block, count, data);
}

static errcode_t mgr_flush(io_channel channel)
{
	(void)channel;
	return 0;
}

io_manager iomgr_get(void)
{
	/* libext2fs's type for it is not const; nobody writes to it */
	static struct struct_io_manager manager = {
		.magic = EXT2_ET_MAGIC_IO_MANAGER,
		.name = "ext4d metadata cache",
		.open = mgr_open,
		.close = mgr_close,
		.set_blksize = mgr_set_blksize,
		.read_blk = mgr_read_blk,
		.write_blk = mgr_write_blk,
		.flush = mgr_flush,
		.read_blk64 = mgr_read_blk64,
		.write_blk64 = mgr_write_blk64,
	};

	return &manager;
}
