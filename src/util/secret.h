/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that holds keys: pages of its own, not swapped where RLIMIT_MEMLOCK lets us lock them, in no core
 * dump, gone in a child, and wiped when it is freed. Whole pages: for what there is little of. Any thread.
 */
#ifndef EXT4D_UTIL_SECRET_H
#define EXT4D_UTIL_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "util/cleanup.h"

/* size bytes of zeros; NULL: out of memory. *ret_locked: they are not swapped; NULL: do not tell. */
void *secret_new(size_t size, bool *ret_locked) MUST_CHECK;

/* Wipes it. size as it was given; NULL is allowed. */
void secret_free(void *secret, size_t size);

/*
 * The process has keys: from now on no core is dumped, which would have what libraries keep of them, and its
 * memory is root's to read and trace, not its user's other processes'. -errno.
 */
int secret_guard_process(void);

#endif
