// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fuse/requests.h"

#include <inttypes.h>
#include <stdio.h>

#include "fuse/iomap_abi.h"

/* Where those of iomap begin. */
#define FIRST_IOMAP 64

/* linux/fuse.h, enum fuse_opcode; libfuse 3.14 does not know the last ones. */
static const char *const names[REQUESTS_MAX] = {
	[1] = "LOOKUP",
	[2] = "FORGET",
	[3] = "GETATTR",
	[4] = "SETATTR",
	[5] = "READLINK",
	[6] = "SYMLINK",
	[8] = "MKNOD",
	[9] = "MKDIR",
	[10] = "UNLINK",
	[11] = "RMDIR",
	[12] = "RENAME",
	[13] = "LINK",
	[14] = "OPEN",
	[15] = "READ",
	[16] = "WRITE",
	[17] = "STATFS",
	[18] = "RELEASE",
	[20] = "FSYNC",
	[21] = "SETXATTR",
	[22] = "GETXATTR",
	[23] = "LISTXATTR",
	[24] = "REMOVEXATTR",
	[25] = "FLUSH",
	[26] = "INIT",
	[27] = "OPENDIR",
	[28] = "READDIR",
	[29] = "RELEASEDIR",
	[30] = "FSYNCDIR",
	[31] = "GETLK",
	[32] = "SETLK",
	[33] = "SETLKW",
	[34] = "ACCESS",
	[35] = "CREATE",
	[36] = "INTERRUPT",
	[37] = "BMAP",
	[38] = "DESTROY",
	[39] = "IOCTL",
	[40] = "POLL",
	[41] = "NOTIFY_REPLY",
	[42] = "BATCH_FORGET",
	[43] = "FALLOCATE",
	[44] = "READDIRPLUS",
	[45] = "RENAME2",
	[46] = "LSEEK",
	[47] = "COPY_FILE_RANGE",
	[50] = "SYNCFS",
	[51] = "TMPFILE",
	[52] = "STATX",
	[53] = "COPY_FILE_RANGE_64",
	[FIRST_IOMAP + IOMAP_ABI_OP_FREEZE - IOMAP_ABI_OP_FREEZE] = "FREEZE_FS",
	[FIRST_IOMAP + IOMAP_ABI_OP_UNFREEZE - IOMAP_ABI_OP_FREEZE] = "UNFREEZE_FS",
	[FIRST_IOMAP + IOMAP_ABI_OP_SHUTDOWN - IOMAP_ABI_OP_FREEZE] = "SHUTDOWN_FS",
	[FIRST_IOMAP + IOMAP_ABI_OP_CONFIG - IOMAP_ABI_OP_FREEZE] = "IOMAP_CONFIG",
	[FIRST_IOMAP + IOMAP_ABI_OP_IOEND - IOMAP_ABI_OP_FREEZE] = "IOMAP_IOEND",
	[FIRST_IOMAP + IOMAP_ABI_OP_BEGIN - IOMAP_ABI_OP_FREEZE] = "IOMAP_BEGIN",
	[FIRST_IOMAP + IOMAP_ABI_OP_END - IOMAP_ABI_OP_FREEZE] = "IOMAP_END",
};

static unsigned slot(uint32_t opcode)
{
	if (opcode < FIRST_IOMAP)
		return opcode;
	if (opcode >= IOMAP_ABI_OP_FREEZE && opcode <= IOMAP_ABI_OP_END)
		return FIRST_IOMAP + opcode - IOMAP_ABI_OP_FREEZE;
	return REQUESTS_MAX - 1;
}

void requests_add(struct requests *requests, uint32_t opcode)
{
	requests->count[slot(opcode)]++;
}

void requests_sum(struct requests *sum, const struct requests *more)
{
	for (int i = 0; i < REQUESTS_MAX; i++)
		sum->count[i] += more->count[i];
}

void requests_log(const struct requests *requests, struct log *log)
{
	char line[1024] = "";
	size_t len = 0;

	for (int i = 0; i < REQUESTS_MAX && len < sizeof(line); i++) {
		int add = 0;

		if (requests->count[i] && names[i])
			add = snprintf(line + len, sizeof(line) - len, "%s%s %" PRIu64, len ? ", " : "",
				names[i], requests->count[i]);
		else if (requests->count[i])
			add = snprintf(line + len, sizeof(line) - len, "%s%d %" PRIu64, len ? ", " : "", i,
				requests->count[i]);
		if (add > 0)
			len += (size_t)add;
	}
	log_debug(log, "requests: %s", line);
}
