// SPDX-License-Identifier: GPL-2.0-or-later
/* An image in memory, for fuzzing and unit tests. */
#include "config.h"

#include "blk/blk.h"

#include <errno.h>
#include <string.h>

struct blk_mem {
	struct blk blk;
	uint8_t data[];
};

static int mem_read(struct blk *blk, uint64_t off, void *buf, size_t len)
{
	memcpy(buf, ((struct blk_mem *)blk)->data + off, len);
	return 0;
}

static int mem_write(struct blk *blk, uint64_t off, const void *buf, size_t len)
{
	memcpy(((struct blk_mem *)blk)->data + off, buf, len);
	return 0;
}

static int mem_flush(struct blk *blk)
{
	(void)blk;
	return 0;
}

static void mem_close(struct blk *blk)
{
	free(blk);
}

static const struct blk_ops mem_ops = {
	.read = mem_read,
	.write = mem_write,
	.flush = mem_flush,
	.close = mem_close,
};

int blk_mem_new(const void *data, size_t len, struct blk **ret)
{
	struct blk_mem *mem = malloc(sizeof(*mem) + len);

	if (!mem)
		return -ENOMEM;
	mem->blk = (struct blk){ .ops = &mem_ops, .size = len };
	if (len)
		memcpy(mem->data, data, len);
	*ret = &mem->blk;
	return 0;
}
