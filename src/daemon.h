/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Going to the background: the work is done in a child from the start, so that locks and threads
 * belong to the process that stays; the parent waits for its word.
 */
#ifndef EXT4D_DAEMON_H
#define EXT4D_DAEMON_H

#include <stdbool.h>

#include "util/cleanup.h"

struct daemon {
	int ready_fd; /* where the child tells the parent; -1: in the foreground */
	int keep;     /* a descriptor of the caller, closed when ready; -1: none */
};

/*
 * Forks unless foreground. Returns in the child with 0; the parent leaves through exit() with the
 * child's word, or EXIT_SYSTEM if it died without one. -errno if forking failed. The child has
 * none of the caller's descriptors but the standard ones and keep (-1: none).
 */
int daemon_start(struct daemon *daemon, bool foreground, int keep) MUST_CHECK;

/*
 * The mount is usable: detaches from the terminal, lets the parent exit with 0, and tells the
 * service manager through NOTIFY_SOCKET where that is set.
 */
void daemon_ready(struct daemon *daemon);

/* The mount is about to go, if it has not gone: tells the service manager. */
void daemon_stopping(void);

#endif
