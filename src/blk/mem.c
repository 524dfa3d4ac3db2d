// SPDX-License-Identifier: GPL-2.0-or-later
/* An image in memory, for fuzzing and unit tests. */
#include "config.h"

#include "blk/blk.h"

#include <errno.h>
#include <string.h>

struct blk_mem {
	struct blk blk;
	uint8_t *data; /* behind the struct, or the caller's */
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

static struct blk_mem *new_mem(size_t extra, size_t len)
{
	struct blk_mem *mem = malloc(sizeof(*mem) + extra);

	if (mem)
		mem->blk = (struct blk){ .ops = &mem_ops, .size = len };
	return mem;
}

int blk_mem_new(const void *data, size_t len, struct blk **ret)
{
	struct blk_mem *mem = new_mem(len, len);

	if (!mem)
		return -ENOMEM;
	mem->data = (uint8_t *)(mem + 1);
	if (len)
		memcpy(mem->data, data, len);
	*ret = &mem->blk;
	return 0;
}

int blk_mem_borrow(void *data, size_t len, struct blk **ret)
{
	struct blk_mem *mem = new_mem(0, len);

	if (!mem)
		return -ENOMEM;
	mem->data = data;
	*ret = &mem->blk;
	return 0;
}
