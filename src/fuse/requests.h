/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many requests of each kind came: what a workload costs, for those who measure. */
#ifndef EXT4D_FUSE_REQUESTS_H
#define EXT4D_FUSE_REQUESTS_H

#include <stdint.h>

#include "util/log.h"

/* Opcodes of released kernels, which are below 64, then those of iomap, then one for all others. */
#define REQUESTS_MAX 72

struct requests {
	uint64_t count[REQUESTS_MAX];
};

/* Counts a request of this opcode. One thread at a time. */
void requests_add(struct requests *requests, uint32_t opcode);

/* Adds more's to sum's. */
void requests_sum(struct requests *sum, const struct requests *more);

/* Logs them in one line, for debugging: "requests: LOOKUP 2, READ 1"; in the order of the opcodes. */
void requests_log(const struct requests *requests, struct log *log);

#endif
