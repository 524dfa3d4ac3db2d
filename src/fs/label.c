// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fs/label.h"

#include <errno.h>
#include <string.h>

#include "fs/fs_i.h"
#include "fs/superblock.h"

static void copy_out(const uint8_t *raw, void *arg)
{
	char *ret = arg;

	memcpy(ret, raw + SB_VOLUME_NAME, LABEL_MAX);
	ret[LABEL_MAX] = '\0';
}

int label_get(struct fs *fs, char *ret)
{
	return superblock_read(fs, copy_out, ret);
}

static void copy_in(uint8_t *raw, void *arg)
{
	memcpy(raw + SB_VOLUME_NAME, arg, LABEL_MAX);
}

int label_set(struct fs *fs, const char *label, size_t len)
{
	char padded[LABEL_MAX] = { 0 };
	struct handle *h;
	uint32_t tid;
	int err, stopped;

	if (len > LABEL_MAX)
		return -EINVAL;
	memcpy(padded, label, len);
	err = journal_start(fs->journal, SUPERBLOCK_CREDITS, &h);
	if (err)
		return err;
	err = superblock_update(h, fs, copy_in, padded);
	tid = journal_tid(h);
	stopped = journal_stop(h);
	if (!err)
		err = stopped;
	return err ? err : journal_wait(fs->journal, tid);
}
