// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "format/dirent.h"

#include <dirent.h>
#include <errno.h>

#include "format/le.h"
#include "util/crc32c.h"

/* Offsets of struct ext4_dir_entry_2. */
enum {
	DE_INODE = 0,
	DE_REC_LEN = 4,
	DE_NAME_LEN = 6,
	DE_FILE_TYPE = 7,
	DE_NAME = 8,
	TAIL_CHECKSUM = 8,
};

#define FT_CHECKSUM 0xDE /* file type of the checksum record */
#define DIRENT_ALIGN 4

/*
 * rec_len is 16 bits and a multiple of four; blocks of 64 KiB say 65535 or 0 for "all of it", and
 * the two low bits hold bits 16 and 17 (ext4_rec_len_from_disk()).
 */
static uint32_t rec_len_decode(uint16_t raw, size_t size)
{
	if (size >= 65536 && (raw == 65535 || raw == 0))
		return 65536;
	if (size >= 65536)
		return (raw & 65532) | (uint32_t)(raw & 3) << 16;
	return raw;
}

static uint32_t round_up(uint32_t len)
{
	return (len + DIRENT_ALIGN - 1) & ~(uint32_t)(DIRENT_ALIGN - 1);
}

/* "." and ".." and the checksum record never carry hashes (is_fake_dir_entry()). */
static bool is_fake(const struct dirent_rec *de)
{
	if (de->file_type == FT_CHECKSUM)
		return true;
	return de->name_len && de->name_len <= 2 && de->name[0] == '.' &&
		(de->name[1] == '.' || de->name[1] == '\0');
}

static const char *fault(const struct dirent_chain *chain, const struct dirent_rec *de, size_t room)
{
	uint32_t extra = chain->has_hashes && !is_fake(de) ? DIRENT_HASH_SIZE : 0;

	if (de->rec_len % DIRENT_ALIGN)
		return "rec_len is not a multiple of 4";
	if (de->rec_len < round_up(DIRENT_HEADER + 1 + extra))
		return "rec_len is too small";
	if (de->rec_len > room)
		return "rec_len reaches past the block";
	if (de->rec_len < round_up(DIRENT_HEADER + de->name_len + extra))
		return "rec_len is too small for name_len";
	if (de->ino > chain->max_ino)
		return "inode number out of range";
	return NULL;
}

int dirent_decode(const struct dirent_chain *chain, size_t off, struct dirent_rec *ret,
	const char **ret_why)
{
	const uint8_t *raw = chain->raw + off;
	size_t room = chain->size - off;

	/* is_fake() looks at two bytes of name */
	if (off > chain->size || room < DIRENT_HEADER + DIRENT_ALIGN) {
		*ret_why = "record begins too close to the end";
		return -EUCLEAN;
	}
	*ret = (struct dirent_rec){
		.ino = le32_get(raw + DE_INODE),
		.rec_len = rec_len_decode(le16_get(raw + DE_REC_LEN), chain->size),
		.name_len = raw[DE_NAME_LEN],
		.file_type = raw[DE_FILE_TYPE],
		.name = raw + DE_NAME,
	};
	*ret_why = fault(chain, ret, room);
	if (*ret_why)
		return -EUCLEAN;
	if (chain->has_hashes && !is_fake(ret))
		ret->hashes = ret->name + (round_up(DIRENT_HEADER + ret->name_len) - DIRENT_HEADER);
	if (!chain->has_filetype)
		ret->file_type = EXT2_FT_UNKNOWN;
	return 0;
}

bool dirent_find(const struct dirent_chain *chain, const void *name, size_t len,
	struct dirent_rec *ret)
{
	size_t off = 0;
	const char *why;

	/* looks at nothing but what is needed to go on, and never outside the chain */
	while (off < chain->size && chain->size - off >= DIRENT_HEADER + DIRENT_ALIGN) {
		const uint8_t *raw = chain->raw + off;
		uint32_t rec_len = rec_len_decode(le16_get(raw + DE_REC_LEN), chain->size);

		if (raw[DE_NAME_LEN] == len && len <= chain->size - off - DIRENT_HEADER &&
			!memcmp(raw + DE_NAME, name, len) && le32_get(raw + DE_INODE))
			return dirent_decode(chain, off, ret, &why) == 0;
		if (rec_len < DIRENT_HEADER)
			return false;
		off += rec_len;
	}
	return false;
}

unsigned char dirent_dtype(uint8_t file_type)
{
	static const unsigned char dtype[] = {
		[EXT2_FT_UNKNOWN] = DT_UNKNOWN,
		[EXT2_FT_REG_FILE] = DT_REG,
		[EXT2_FT_DIR] = DT_DIR,
		[EXT2_FT_CHRDEV] = DT_CHR,
		[EXT2_FT_BLKDEV] = DT_BLK,
		[EXT2_FT_FIFO] = DT_FIFO,
		[EXT2_FT_SOCK] = DT_SOCK,
		[EXT2_FT_SYMLINK] = DT_LNK,
	};

	return file_type < sizeof(dtype) ? dtype[file_type] : DT_UNKNOWN;
}

bool dirent_tail_present(const uint8_t *block, uint32_t block_size)
{
	const uint8_t *tail = block + block_size - DIRENT_TAIL_SIZE;

	return le32_get(tail + DE_INODE) == 0 &&
		le16_get(tail + DE_REC_LEN) == DIRENT_TAIL_SIZE && tail[DE_NAME_LEN] == 0 &&
		tail[DE_FILE_TYPE] == FT_CHECKSUM;
}

bool dirent_csum_ok(const uint8_t *block, uint32_t block_size, uint32_t seed)
{
	size_t covered = block_size - DIRENT_TAIL_SIZE;

	return dirent_tail_present(block, block_size) &&
		le32_get(block + covered + TAIL_CHECKSUM) == crc32c(seed, block, covered);
}
