// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "blk/blk.h"

#include <errno.h>

int blk_read(struct blk *blk, uint64_t off, void *buf, size_t len)
{
	if (off > blk->size || len > blk->size - off)
		return -EIO;
	return len ? blk->ops->read(blk, off, buf, len) : 0;
}

void blk_close(struct blk *blk)
{
	if (blk)
		blk->ops->close(blk);
}
