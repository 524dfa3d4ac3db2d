/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The filesystem's label, which may change while it is in use. */
#ifndef EXT4D_FS_LABEL_H
#define EXT4D_FS_LABEL_H

#include "fs/fs.h"

#define LABEL_MAX 16 /* bytes, without a NUL */

/* The label and a NUL: LABEL_MAX + 1 bytes at most. -EIO. */
int label_get(struct fs *fs, char *ret) MUST_CHECK;

/* FS_IOC_SETFSLABEL: -EINVAL longer than LABEL_MAX, -EIO, -EROFS, -ENOMEM; durable on return. */
int label_set(struct fs *fs, const char *label, size_t len) MUST_CHECK;

#endif
