// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "format/mmp.h"

#include <errno.h>
#include <string.h>

#include "format/le.h"
#include "util/crc32c.h"

/* Offsets of struct mmp_struct. */
enum {
	MMP_MAGIC = 0,
	MMP_SEQ = 4,
	MMP_TIME = 8,
	MMP_NODENAME = 16,
	MMP_BDEVNAME = 80,
	MMP_CHECK_INTERVAL = 112,
	MMP_CHECKSUM = 1020,
};

#define MAGIC 0x004D4D50u

int mmp_decode(const uint8_t *raw, struct mmp *ret)
{
	if (le32_get(raw + MMP_MAGIC) != MAGIC)
		return -EUCLEAN;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->node, raw + MMP_NODENAME, sizeof(ret->node) - 1);
	memcpy(ret->device, raw + MMP_BDEVNAME, sizeof(ret->device) - 1);
	ret->seq = le32_get(raw + MMP_SEQ);
	ret->time = le64_get(raw + MMP_TIME);
	ret->check_interval = le16_get(raw + MMP_CHECK_INTERVAL);
	ret->state = ret->seq == MMP_SEQ_CLEAN ? MMP_CLEAN :
		ret->seq == MMP_SEQ_FSCK       ? MMP_FSCK :
						 MMP_IN_USE;
	return 0;
}

/* Names fill their fields with zeros, and may do without one at the end. */
static void put_name(uint8_t *raw, const char *name, size_t size)
{
	size_t len = strnlen(name, size);

	memcpy(raw, name, len);
	memset(raw + len, 0, size - len);
}

void mmp_encode(const struct mmp *mmp, uint8_t *raw)
{
	le32_put(raw + MMP_MAGIC, MAGIC);
	le32_put(raw + MMP_SEQ, mmp->seq);
	le64_put(raw + MMP_TIME, mmp->time);
	put_name(raw + MMP_NODENAME, mmp->node, sizeof(mmp->node) - 1);
	put_name(raw + MMP_BDEVNAME, mmp->device, sizeof(mmp->device) - 1);
	le16_put(raw + MMP_CHECK_INTERVAL, mmp->check_interval);
}

bool mmp_csum_valid(const uint8_t *raw, uint32_t seed)
{
	return le32_get(raw + MMP_CHECKSUM) == crc32c(seed, raw, MMP_CHECKSUM);
}

void mmp_csum_set(uint8_t *raw, uint32_t seed)
{
	le32_put(raw + MMP_CHECKSUM, crc32c(seed, raw, MMP_CHECKSUM));
}
