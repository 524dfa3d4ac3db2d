// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "format/mmp.h"

#include <errno.h>
#include <string.h>

#include "format/le.h"

/* Offsets of struct mmp_struct. */
enum {
	MMP_MAGIC = 0,
	MMP_SEQ = 4,
	MMP_NODENAME = 16,
	MMP_BDEVNAME = 80,
};

#define MAGIC 0x004D4D50u
#define SEQ_CLEAN 0xFF4D4D50u
#define SEQ_FSCK 0xE24D4D50u

int mmp_decode(const uint8_t *raw, struct mmp *ret)
{
	uint32_t seq = le32_get(raw + MMP_SEQ);

	if (le32_get(raw + MMP_MAGIC) != MAGIC)
		return -EUCLEAN;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->node, raw + MMP_NODENAME, sizeof(ret->node) - 1);
	memcpy(ret->device, raw + MMP_BDEVNAME, sizeof(ret->device) - 1);
	ret->state = seq == SEQ_CLEAN ? MMP_CLEAN : seq == SEQ_FSCK ? MMP_FSCK : MMP_IN_USE;
	return 0;
}
