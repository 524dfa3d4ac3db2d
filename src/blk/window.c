// SPDX-License-Identifier: GPL-2.0-or-later
/* A part of a lower layer: a partition, or whatever begins at -o offset=. */
#include "config.h"

#include "blk/blk.h"

#include <errno.h>

struct blk_window {
	struct blk blk;
	struct blk *lower; /* [const] owned */
	uint64_t off;	   /* [const] bytes; off + blk.size <= lower->size */
};

static int window_read(struct blk *blk, uint64_t off, void *buf, size_t len)
{
	struct blk_window *win = (struct blk_window *)blk;

	return blk_read(win->lower, win->off + off, buf, len);
}

static int window_write(struct blk *blk, uint64_t off, const void *buf, size_t len)
{
	struct blk_window *win = (struct blk_window *)blk;

	return blk_write(win->lower, win->off + off, buf, len);
}

static int window_flush(struct blk *blk)
{
	return blk_flush(((struct blk_window *)blk)->lower);
}

static int window_discard(struct blk *blk, uint64_t off, uint64_t len)
{
	struct blk_window *win = (struct blk_window *)blk;

	return blk_discard(win->lower, win->off + off, len);
}

static void window_refresh(struct blk *blk, uint64_t off, uint64_t len)
{
	struct blk_window *win = (struct blk_window *)blk;

	blk_refresh(win->lower, win->off + off, len);
}

static int window_locate(struct blk *blk, int *ret_fd, uint64_t *ret_off)
{
	struct blk_window *win = (struct blk_window *)blk;
	int err = blk_locate(win->lower, ret_fd, ret_off);

	*ret_off += err ? 0 : win->off;
	return err;
}

static void window_close(struct blk *blk)
{
	struct blk_window *win = (struct blk_window *)blk;

	blk_close(win->lower);
	free(win);
}

static const struct blk_ops window_ops = {
	.read = window_read,
	.write = window_write,
	.flush = window_flush,
	.discard = window_discard,
	.refresh = window_refresh,
	.locate = window_locate,
	.close = window_close,
};

int blk_window_new(struct blk *lower, uint64_t off, uint64_t len, struct blk **ret)
{
	struct blk_window *win;

	if (off > lower->size || len > lower->size - off)
		return -EINVAL;
	win = calloc(1, sizeof(*win));
	if (!win)
		return -ENOMEM;
	win->blk = (struct blk){ .ops = &window_ops, .size = len };
	win->lower = lower;
	win->off = off;
	*ret = &win->blk;
	return 0;
}
