/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scope-bound release: CLEANUP(fn) on a local calls fn(&local) when the scope ends;
 * STEAL(p) hands ownership on by returning p and leaving NULL behind.
 */
#ifndef EXT4D_UTIL_CLEANUP_H
#define EXT4D_UTIL_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

#define STEAL(p)                                                                                   \
	({                                                                                         \
		__typeof__(p) stolen_ = (p);                                                       \
		(p) = NULL;                                                                        \
		stolen_;                                                                           \
	})

/* For CLEANUP on anything that came from malloc(). */
static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

/* For CLEANUP on a file descriptor; -1 means none. */
static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#endif
