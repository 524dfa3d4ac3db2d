// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "format/fcommit.h"

#include <errno.h>

#include "format/le.h"
#include "util/crc32c.h"

/* Sizes of the values, or of their fixed part, in bytes. */
#define ADD_RANGE_SIZE 16
#define DEL_RANGE_SIZE 12
#define DENTRY_SIZE 8
#define INODE_SIZE 4
#define TAIL_SIZE 8
#define HEAD_SIZE 8

#define NAME_MAX_LEN 255
#define INODE_MIN_LEN 128	  /* EXT4_GOOD_OLD_INODE_SIZE */
#define EXTENT_INIT_MAX_LEN 32768 /* ee_len beyond it: unwritten, and longer by that much */

static bool len_valid(unsigned type, size_t len, uint32_t inode_size)
{
	switch (type) {
	case FCOMMIT_ADD_RANGE:
		return len == ADD_RANGE_SIZE;
	case FCOMMIT_DEL_RANGE:
		return len == DEL_RANGE_SIZE;
	case FCOMMIT_CREAT:
	case FCOMMIT_LINK:
	case FCOMMIT_UNLINK:
		return len > DENTRY_SIZE && len - DENTRY_SIZE <= NAME_MAX_LEN;
	case FCOMMIT_INODE:
		return len >= INODE_SIZE + INODE_MIN_LEN && len - INODE_SIZE <= inode_size;
	case FCOMMIT_PAD:
		return true;
	case FCOMMIT_TAIL:
		return len >= TAIL_SIZE;
	case FCOMMIT_HEAD:
		return len == HEAD_SIZE;
	default:
		return false;
	}
}

/* fc_ino, then a struct ext4_extent. */
static void decode_add_range(const uint8_t *val, struct fcommit_range *ret)
{
	uint16_t len = le16_get(val + 8);

	ret->ino = le32_get(val);
	ret->lblk = le32_get(val + 4);
	ret->unwritten = len > EXTENT_INIT_MAX_LEN;
	ret->nr = ret->unwritten ? len - EXTENT_INIT_MAX_LEN : len;
	ret->pblk = (uint64_t)le16_get(val + 10) << 32 | le32_get(val + 12);
}

static void decode_del_range(const uint8_t *val, struct fcommit_range *ret)
{
	ret->ino = le32_get(val);
	ret->lblk = le32_get(val + 4);
	ret->nr = le32_get(val + 8);
}

static void decode_dentry(const uint8_t *val, size_t len, struct fcommit_dentry *ret)
{
	ret->parent = le32_get(val);
	ret->ino = le32_get(val + 4);
	ret->name = (const char *)val + DENTRY_SIZE;
	ret->name_len = (uint8_t)(len - DENTRY_SIZE);
}

static void decode_value(const uint8_t *val, size_t len, struct fcommit_tag *ret)
{
	switch (ret->type) {
	case FCOMMIT_ADD_RANGE:
		decode_add_range(val, &ret->range);
		break;
	case FCOMMIT_DEL_RANGE:
		decode_del_range(val, &ret->range);
		break;
	case FCOMMIT_CREAT:
	case FCOMMIT_LINK:
	case FCOMMIT_UNLINK:
		decode_dentry(val, len, &ret->dentry);
		break;
	case FCOMMIT_INODE:
		ret->inode.ino = le32_get(val);
		ret->inode.raw = val + INODE_SIZE;
		ret->inode.len = (uint32_t)(len - INODE_SIZE);
		break;
	case FCOMMIT_TAIL:
		ret->tail.tid = le32_get(val);
		ret->tail.crc = le32_get(val + 4);
		break;
	case FCOMMIT_HEAD:
		ret->head.features = le32_get(val);
		ret->head.tid = le32_get(val + 4);
		break;
	case FCOMMIT_PAD:
		break;
	}
}

int fcommit_decode(const uint8_t *buf, size_t len, uint32_t inode_size, struct fcommit_tag *ret)
{
	unsigned type;
	size_t val_len;

	if (len < FCOMMIT_TAG_HDR)
		return -EUCLEAN;
	type = le16_get(buf);
	val_len = le16_get(buf + 2);
	if (val_len > len - FCOMMIT_TAG_HDR || !len_valid(type, val_len, inode_size))
		return -EUCLEAN;
	*ret = (struct fcommit_tag){ .type = (enum fcommit_type)type,
		.len = FCOMMIT_TAG_HDR + val_len };
	decode_value(buf + FCOMMIT_TAG_HDR, val_len, ret);
	return 0;
}

uint32_t fcommit_crc(uint32_t crc, const uint8_t *buf, const struct fcommit_tag *tag)
{
	/* A tail's value begins with four bytes of tid; its crc and padding follow. */
	return crc32c(crc, buf, tag->type == FCOMMIT_TAIL ? FCOMMIT_TAG_HDR + 4 : tag->len);
}
