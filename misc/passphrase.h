/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef EXT4D_MISC_PASSPHRASE_H
#define EXT4D_MISC_PASSPHRASE_H

#include <stdbool.h>
#include <stddef.h>

#include "util/cleanup.h"

#define PASSPHRASE_MAX 1024 /* bytes */

/*
 * A passphrase, not empty, without the newline, into secret, which has room for PASSPHRASE_MAX + 1 bytes. terminal:
 * from /dev/tty, without echo; is_new: asked for twice. Otherwise the first line of standard input, which must end
 * there. Returns an exit status, having complained.
 */
int passphrase_read(bool terminal, bool is_new, char *secret, size_t *ret_len) MUST_CHECK;

#endif
