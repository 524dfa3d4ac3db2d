/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who made a request: what its header says, and what /proc tells besides. For decisions the client leaves to us. */
#ifndef EXT4D_FUSE_CALLER_H
#define EXT4D_FUSE_CALLER_H

#include <stdbool.h>
#include <stdint.h>

struct caller {
	uint32_t uid, gid;
	uint32_t tid; /* of the thread; 0 if it is not in our pid namespace */
	bool hidden;  /* we have no rights to look which user namespace it is in */
};

/* Whether gid is the caller's group or one of the supplementary ones. */
bool caller_in_group(const struct caller *caller, uint32_t gid);

/*
 * Whether the caller has a capability (CAP_FSETID and the like) in our user namespace. Of who cannot be
 * looked at, root has them all.
 */
bool caller_capable(const struct caller *caller, unsigned capability);

#endif
