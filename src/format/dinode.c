// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "format/dinode.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "format/le.h"
#include "util/crc32c.h"

/* Offsets of struct ext4_inode. From EXTRA_ISIZE on, inodes of more than 128 bytes only. */
enum {
	INO_MODE = 0x00,
	INO_UID = 0x02,
	INO_SIZE = 0x04,
	INO_ATIME = 0x08,
	INO_CTIME = 0x0C,
	INO_MTIME = 0x10,
	INO_DTIME = 0x14,
	INO_GID = 0x18,
	INO_LINKS = 0x1A,
	INO_BLOCKS = 0x1C,
	INO_FLAGS = 0x20,
	INO_VERSION = 0x24,
	INO_BLOCK = 0x28,
	INO_GENERATION = 0x64,
	INO_FILE_ACL = 0x68,
	INO_SIZE_HI = 0x6C,
	INO_BLOCKS_HI = 0x74,
	INO_FILE_ACL_HI = 0x76,
	INO_UID_HI = 0x78,
	INO_GID_HI = 0x7A,
	INO_CHECKSUM_LO = 0x7C,
	INO_EXTRA_ISIZE = 0x80,
	INO_CHECKSUM_HI = 0x82,
	INO_CTIME_EXTRA = 0x84,
	INO_MTIME_EXTRA = 0x88,
	INO_ATIME_EXTRA = 0x8C,
	INO_CRTIME = 0x90,
	INO_CRTIME_EXTRA = 0x94,
	INO_VERSION_HI = 0x98,
	INO_PROJID = 0x9C,
	INO_FULL_SIZE = 0xA0,
};

/* EXT4_FITS_IN_INODE(): whether the len bytes at off are in use. end: where the used part ends. */
static bool fits(unsigned end, unsigned off, unsigned len)
{
	return off + len <= end;
}

/*
 * Seconds are signed 32 bits; the extra word adds two bits of epoch (to the year 2446) and, above
 * them, nanoseconds (ext4_decode_extra_time()).
 */
static struct timespec decode_time(const uint8_t *raw, unsigned end, unsigned off, unsigned extra)
{
	struct timespec ts = { .tv_sec = (int32_t)le32_get(raw + off) };

	if (fits(end, extra, 4)) {
		uint32_t word = le32_get(raw + extra);

		ts.tv_sec += (time_t)((uint64_t)(word & 3) << 32);
		ts.tv_nsec = word >> 2;
	}
	return ts;
}

static dev_t decode_rdev(const uint8_t *block)
{
	uint32_t old = le32_get(block);
	uint32_t dev = le32_get(block + 4);

	if (old)
		return makedev(old >> 8 & 0xFF, old & 0xFF);
	return makedev(dev >> 8 & 0xFFF, (dev & 0xFF) | (dev >> 12 & 0xFFF00));
}

/* i_blocks in 512-byte sectors (ext4_inode_blocks()). */
static uint64_t decode_blocks(const struct super *sb, const uint8_t *raw, uint32_t flags)
{
	uint64_t blocks = le32_get(raw + INO_BLOCKS);

	if (!super_has_huge_file(sb))
		return blocks;
	blocks |= (uint64_t)le16_get(raw + INO_BLOCKS_HI) << 32;
	return flags & EXT4_HUGE_FILE_FL ? blocks << (sb->block_bits - 9) : blocks;
}

/* The 64-bit size is for regular files and, with large_dir, for everything (ext4_isize()). */
static uint64_t decode_size(const struct super *sb, const uint8_t *raw, uint16_t mode)
{
	uint64_t size = le32_get(raw + INO_SIZE);

	if (S_ISREG(mode) || super_has_largedir(sb))
		size |= (uint64_t)le32_get(raw + INO_SIZE_HI) << 32;
	return size;
}

static void decode_extra(const struct super *sb, const uint8_t *raw, unsigned end,
	struct dinode *ret)
{
	ret->atime = decode_time(raw, end, INO_ATIME, INO_ATIME_EXTRA);
	ret->mtime = decode_time(raw, end, INO_MTIME, INO_MTIME_EXTRA);
	ret->ctime = decode_time(raw, end, INO_CTIME, INO_CTIME_EXTRA);
	ret->has_crtime = fits(end, INO_CRTIME, 4);
	if (ret->has_crtime)
		ret->crtime = decode_time(raw, end, INO_CRTIME, INO_CRTIME_EXTRA);
	if (fits(end, INO_VERSION_HI, 4))
		ret->iversion |= (uint64_t)le32_get(raw + INO_VERSION_HI) << 32;
	if (fits(end, INO_PROJID, 4) && super_has_project(sb))
		ret->projid = le32_get(raw + INO_PROJID);
}

int dinode_decode(const struct super *sb, const uint8_t *raw, struct dinode *ret)
{
	unsigned end = EXT2_GOOD_OLD_INODE_SIZE;

	memset(ret, 0, sizeof(*ret));
	if (sb->inode_size > EXT2_GOOD_OLD_INODE_SIZE) {
		ret->extra_isize = le16_get(raw + INO_EXTRA_ISIZE);
		if (ret->extra_isize > sb->inode_size - end || ret->extra_isize % 4)
			return -EUCLEAN;
		/* 0 means the space was never claimed; the kernel then reads all its fields */
		end = ret->extra_isize ? end + ret->extra_isize : INO_FULL_SIZE;
	}
	ret->mode = le16_get(raw + INO_MODE);
	ret->uid = le16_get(raw + INO_UID) | (uint32_t)le16_get(raw + INO_UID_HI) << 16;
	ret->gid = le16_get(raw + INO_GID) | (uint32_t)le16_get(raw + INO_GID_HI) << 16;
	ret->nlink = le16_get(raw + INO_LINKS);
	ret->flags = le32_get(raw + INO_FLAGS);
	ret->generation = le32_get(raw + INO_GENERATION);
	ret->dtime = le32_get(raw + INO_DTIME);
	ret->size = decode_size(sb, raw, ret->mode);
	ret->blocks = decode_blocks(sb, raw, ret->flags);
	ret->file_acl = le32_get(raw + INO_FILE_ACL);
	if (super_has_64bit(sb))
		ret->file_acl |= (uint64_t)le16_get(raw + INO_FILE_ACL_HI) << 32;
	ret->iversion = le32_get(raw + INO_VERSION);
	memcpy(ret->block, raw + INO_BLOCK, DINODE_BLOCK_SIZE);
	if (S_ISCHR(ret->mode) || S_ISBLK(ret->mode))
		ret->rdev = decode_rdev(ret->block);
	decode_extra(sb, raw, end, ret);
	return ret->size > INT64_MAX ? -EUCLEAN : 0;
}

/* Seconds that a 32-bit field with two more bits of epoch, or none, can hold. */
#define TIME_MIN INT32_MIN
#define TIME_MAX_PLAIN INT32_MAX
#define TIME_MAX_EXTRA (((int64_t)3 << 32) + INT32_MAX)

struct timespec dinode_clamp_time(const struct super *sb, uint16_t extra_isize, struct timespec ts)
{
	bool extra = sb->inode_size > EXT2_GOOD_OLD_INODE_SIZE &&
		fits(EXT2_GOOD_OLD_INODE_SIZE + extra_isize, INO_ATIME_EXTRA, 4);
	int64_t max = extra ? TIME_MAX_EXTRA : TIME_MAX_PLAIN;

	/* at the ends nanoseconds would lead beyond, timestamp_truncate() */
	if (ts.tv_sec <= TIME_MIN)
		return (struct timespec){ .tv_sec = TIME_MIN };
	if (ts.tv_sec >= max)
		return (struct timespec){ .tv_sec = max };
	if (!extra)
		ts.tv_nsec = 0;
	return ts;
}

/* The inverse of decode_time(). */
static void encode_time(uint8_t *raw, unsigned end, unsigned off, unsigned extra,
	const struct timespec *ts)
{
	le32_put(raw + off, (uint32_t)ts->tv_sec);
	if (fits(end, extra, 4)) {
		uint64_t epoch = (uint64_t)(ts->tv_sec - (int32_t)ts->tv_sec) >> 32 & 3;

		le32_put(raw + extra, (uint32_t)ts->tv_nsec << 2 | (uint32_t)epoch);
	}
}

/* The inverse of decode_blocks(), ext4_inode_blocks_set(). */
static int encode_blocks(const struct super *sb, struct dinode *d, uint8_t *raw)
{
	uint64_t blocks = d->blocks;

	d->flags &= ~(uint32_t)EXT4_HUGE_FILE_FL;
	if (blocks > UINT32_MAX && !super_has_huge_file(sb))
		return -EFBIG;
	if (blocks >> 48) {
		d->flags |= EXT4_HUGE_FILE_FL;
		blocks >>= sb->block_bits - 9;
	}
	le32_put(raw + INO_BLOCKS, (uint32_t)blocks);
	if (super_has_huge_file(sb))
		le16_put(raw + INO_BLOCKS_HI, (uint16_t)(blocks >> 32));
	return 0;
}

static void encode_extra(const struct super *sb, const struct dinode *d, unsigned end, uint8_t *raw)
{
	encode_time(raw, end, INO_ATIME, INO_ATIME_EXTRA, &d->atime);
	encode_time(raw, end, INO_MTIME, INO_MTIME_EXTRA, &d->mtime);
	encode_time(raw, end, INO_CTIME, INO_CTIME_EXTRA, &d->ctime);
	if (d->has_crtime && fits(end, INO_CRTIME, 4))
		encode_time(raw, end, INO_CRTIME, INO_CRTIME_EXTRA, &d->crtime);
	if (fits(end, INO_VERSION_HI, 4))
		le32_put(raw + INO_VERSION_HI, (uint32_t)(d->iversion >> 32));
	if (fits(end, INO_PROJID, 4) && super_has_project(sb))
		le32_put(raw + INO_PROJID, d->projid);
}

int dinode_encode(const struct super *sb, struct dinode *d, uint8_t *raw)
{
	unsigned end = EXT2_GOOD_OLD_INODE_SIZE;
	int err = encode_blocks(sb, d, raw);

	if (err)
		return err;
	if (sb->inode_size > EXT2_GOOD_OLD_INODE_SIZE) {
		if (!d->extra_isize && sb->inode_size >= INO_FULL_SIZE)
			d->extra_isize = INO_FULL_SIZE - EXT2_GOOD_OLD_INODE_SIZE;
		le16_put(raw + INO_EXTRA_ISIZE, d->extra_isize);
		end += d->extra_isize;
	}
	le16_put(raw + INO_MODE, d->mode);
	le16_put(raw + INO_UID, (uint16_t)d->uid);
	le16_put(raw + INO_UID_HI, (uint16_t)(d->uid >> 16));
	le16_put(raw + INO_GID, (uint16_t)d->gid);
	le16_put(raw + INO_GID_HI, (uint16_t)(d->gid >> 16));
	le16_put(raw + INO_LINKS, (uint16_t)d->nlink);
	le32_put(raw + INO_FLAGS, d->flags);
	le32_put(raw + INO_GENERATION, d->generation);
	le32_put(raw + INO_DTIME, d->dtime);
	le32_put(raw + INO_SIZE, (uint32_t)d->size);
	le32_put(raw + INO_SIZE_HI, (uint32_t)(d->size >> 32));
	le32_put(raw + INO_FILE_ACL, (uint32_t)d->file_acl);
	le16_put(raw + INO_FILE_ACL_HI, (uint16_t)(d->file_acl >> 32));
	le32_put(raw + INO_VERSION, (uint32_t)d->iversion);
	memcpy(raw + INO_BLOCK, d->block, DINODE_BLOCK_SIZE);
	encode_extra(sb, d, end, raw);
	return 0;
}

uint32_t dinode_get_dtime(const uint8_t *raw)
{
	return le32_get(raw + INO_DTIME);
}

void dinode_set_dtime(uint8_t *raw, uint32_t dtime)
{
	le32_put(raw + INO_DTIME, dtime);
}

void dinode_set_rdev(struct dinode *d, dev_t rdev)
{
	unsigned maj = major(rdev), min = minor(rdev);

	d->rdev = rdev;
	memset(d->block, 0, DINODE_BLOCK_SIZE);
	if (maj < 256 && min < 256)
		le32_put(d->block, maj << 8 | min);
	else
		le32_put(d->block + 4, (min & 0xFF) | maj << 8 | (min & ~0xFFu) << 12);
}

uint32_t dinode_csum_seed(const struct super *sb, uint32_t ino, uint32_t generation)
{
	uint8_t words[8];

	le32_put(words, ino);
	le32_put(words + 4, generation);
	return crc32c(sb->csum_seed, words, sizeof(words));
}

static bool all_zero(const uint8_t *p, size_t len)
{
	return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

/* Around both halves of the checksum, from and to multiples of 8, which crc32c() is quick about. */
#define MIDDLE (INO_CHECKSUM_LO / 8 * 8)
#define MIDDLE_END (MIDDLE + 16)

/* The checksum that raw should have, and whether 32 bits of it are stored. The stored ones count as 0. */
static uint32_t csum_of(const struct super *sb, uint32_t ino, const uint8_t *raw, bool *ret_wide)
{
	bool large = sb->inode_size > EXT2_GOOD_OLD_INODE_SIZE;
	uint32_t crc = dinode_csum_seed(sb, ino, le32_get(raw + INO_GENERATION));
	uint8_t middle[MIDDLE_END - MIDDLE];
	size_t len = large ? sizeof(middle) : EXT2_GOOD_OLD_INODE_SIZE - MIDDLE;

	_Static_assert(INO_CHECKSUM_HI + 2 <= MIDDLE_END, "the middle has both halves");
	*ret_wide = large && le16_get(raw + INO_EXTRA_ISIZE) >= INO_CHECKSUM_HI + 2 - INO_EXTRA_ISIZE;
	memcpy(middle, raw + MIDDLE, len);
	le16_put(middle + (INO_CHECKSUM_LO - MIDDLE), 0);
	if (*ret_wide)
		le16_put(middle + (INO_CHECKSUM_HI - MIDDLE), 0);
	crc = crc32c(crc, raw, MIDDLE);
	crc = crc32c(crc, middle, len);
	return large ? crc32c(crc, raw + MIDDLE_END, sb->inode_size - MIDDLE_END) : crc;
}

bool dinode_csum_ok(const struct super *sb, uint32_t ino, const uint8_t *raw)
{
	uint32_t have, want;
	bool wide;

	if (!super_has_metadata_csum(sb))
		return true;
	want = csum_of(sb, ino, raw, &wide);
	have = le16_get(raw + INO_CHECKSUM_LO);
	if (wide)
		have |= (uint32_t)le16_get(raw + INO_CHECKSUM_HI) << 16;
	return have == (wide ? want : want & 0xFFFF) || all_zero(raw, sb->inode_size);
}

void dinode_csum_set(const struct super *sb, uint32_t ino, uint8_t *raw)
{
	uint32_t crc;
	bool wide;

	if (!super_has_metadata_csum(sb))
		return;
	crc = csum_of(sb, ino, raw, &wide);
	le16_put(raw + INO_CHECKSUM_LO, (uint16_t)crc);
	if (wide)
		le16_put(raw + INO_CHECKSUM_HI, (uint16_t)(crc >> 16));
}

bool dinode_is_fast_symlink(const struct super *sb, const struct dinode *di)
{
	uint64_t ea_blocks = di->file_acl ? (uint64_t)sb->block_size >> 9 << sb->cluster_bits : 0;

	if (!S_ISLNK(di->mode) || di->flags & EXT4_INLINE_DATA_FL)
		return false;
	/* before ea_inode, a block beside the attributes' own was the sign of a slow one */
	if (!super_has_ea_inode(sb))
		return di->blocks == ea_blocks;
	return di->size && di->size < DINODE_BLOCK_SIZE;
}
