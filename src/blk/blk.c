// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "blk/blk.h"

#include <errno.h>

static bool in_range(const struct blk *blk, uint64_t off, uint64_t len)
{
	return off <= blk->size && len <= blk->size - off;
}

int blk_read(struct blk *blk, uint64_t off, void *buf, size_t len)
{
	if (!in_range(blk, off, len))
		return -EIO;
	return len ? blk->ops->read(blk, off, buf, len) : 0;
}

int blk_write(struct blk *blk, uint64_t off, const void *buf, size_t len)
{
	if (!blk->ops->write)
		return -EROFS;
	if (!in_range(blk, off, len))
		return -EIO;
	return len ? blk->ops->write(blk, off, buf, len) : 0;
}

int blk_flush(struct blk *blk)
{
	return blk->ops->flush ? blk->ops->flush(blk) : -EROFS;
}

int blk_locate(struct blk *blk, int *ret_fd, uint64_t *ret_off)
{
	return blk->ops->locate ? blk->ops->locate(blk, ret_fd, ret_off) : -EOPNOTSUPP;
}

int blk_discard(struct blk *blk, uint64_t off, uint64_t len)
{
	if (!blk->ops->discard)
		return -EOPNOTSUPP;
	if (!in_range(blk, off, len))
		return -EIO;
	return len ? blk->ops->discard(blk, off, len) : 0;
}

void blk_refresh(struct blk *blk, uint64_t off, uint64_t len)
{
	if (blk->ops->refresh && in_range(blk, off, len))
		blk->ops->refresh(blk, off, len);
}

void blk_close(struct blk *blk)
{
	if (blk)
		blk->ops->close(blk);
}
