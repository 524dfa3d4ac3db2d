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

/* ext4_rec_len_to_disk(); 64 KiB do not fit the 16 bits. */
static void rec_len_put(uint8_t *rec, size_t len)
{
	le16_put(rec + DE_REC_LEN, len >= 65536 ? 65535 : (uint16_t)len);
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

/* As fault(), for a record without hashes, in as few steps as a search can do with. */
static bool is_sound(const struct dirent_chain *chain, const uint8_t *raw, uint32_t rec_len, size_t room)
{
	uint32_t need = raw[DE_NAME_LEN] ? dirent_rec_size(raw[DE_NAME_LEN]) : DIRENT_HEADER + DIRENT_ALIGN;

	return rec_len % DIRENT_ALIGN == 0 && rec_len >= need && rec_len <= room &&
		le32_get(raw + DE_INODE) <= chain->max_ino;
}

int dirent_find(const struct dirent_chain *chain, const void *name, size_t len,
	struct dirent_rec *ret)
{
	bool sound = !chain->has_hashes;
	size_t off = 0;
	const char *why;

	/* looks at nothing but what is needed to go on, and never outside the chain */
	while (off < chain->size && chain->size - off >= DIRENT_HEADER + DIRENT_ALIGN) {
		const uint8_t *raw = chain->raw + off;
		uint32_t rec_len = rec_len_decode(le16_get(raw + DE_REC_LEN), chain->size);

		if (raw[DE_NAME_LEN] == len && len <= chain->size - off - DIRENT_HEADER &&
			!memcmp(raw + DE_NAME, name, len) && le32_get(raw + DE_INODE))
			return dirent_decode(chain, off, ret, &why);
		if (rec_len < DIRENT_HEADER)
			return -EUCLEAN;
		sound = sound && is_sound(chain, raw, rec_len, chain->size - off);
		off += rec_len;
	}
	return sound && off == chain->size ? -ENOENT : -EUCLEAN;
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

/* ---- changing ---- */

uint32_t dirent_rec_size(size_t name_len)
{
	return round_up(DIRENT_HEADER + (uint32_t)name_len);
}

int dirent_find_room(const struct dirent_chain *chain, size_t name_len, size_t *ret_off,
	const char **ret_why)
{
	uint32_t want = dirent_rec_size(name_len);
	struct dirent_rec rec;

	for (size_t off = 0; off < chain->size; off += rec.rec_len) {
		int err = dirent_decode(chain, off, &rec, ret_why);
		uint32_t used;

		if (err)
			return err;
		used = rec.ino ? dirent_rec_size(rec.name_len) : 0;
		if (rec.rec_len - used >= want) {
			*ret_off = off;
			return 0;
		}
	}
	return -ENOSPC;
}

static uint32_t rec_len_at(const uint8_t *raw, size_t size, size_t off)
{
	return rec_len_decode(le16_get(raw + off + DE_REC_LEN), size);
}

void dirent_insert(uint8_t *raw, size_t size, size_t off, const struct dirent_rec *rec)
{
	uint32_t room = rec_len_at(raw, size, off);
	uint8_t *at = raw + off;

	if (le32_get(at + DE_INODE)) {
		uint32_t used = dirent_rec_size(at[DE_NAME_LEN]);

		rec_len_put(at, used);
		at += used;
		room -= used;
	}
	le32_put(at + DE_INODE, rec->ino);
	rec_len_put(at, room);
	at[DE_NAME_LEN] = rec->name_len;
	at[DE_FILE_TYPE] = rec->file_type;
	memcpy(at + DE_NAME, rec->name, rec->name_len);
	memset(at + DE_NAME + rec->name_len, 0,
		dirent_rec_size(rec->name_len) - DIRENT_HEADER - rec->name_len);
}

/* An unused record of len bytes; nothing stays of the name that was there. */
static void make_unused(uint8_t *rec, size_t len)
{
	memset(rec, 0, len);
	rec_len_put(rec, len);
}

int dirent_remove(uint8_t *raw, size_t size, size_t off)
{
	size_t at = 0, prev = 0;
	uint32_t room;

	while (at < off && size - at >= DIRENT_HEADER) {
		uint32_t len = rec_len_at(raw, size, at);

		if (len < DIRENT_HEADER || len > size - at)
			return -EUCLEAN;
		prev = at;
		at += len;
	}
	if (at != off || size - at < DIRENT_HEADER)
		return -EUCLEAN;
	room = rec_len_at(raw, size, off);
	if (room < DIRENT_HEADER || room > size - off)
		return -EUCLEAN;
	make_unused(raw + off, room);
	if (off) {
		rec_len_put(raw + prev, rec_len_at(raw, size, prev) + room);
		rec_len_put(raw + off, 0);
	}
	return 0;
}

void dirent_repoint(uint8_t *raw, size_t off, uint32_t ino, uint8_t file_type)
{
	le32_put(raw + off + DE_INODE, ino);
	raw[off + DE_FILE_TYPE] = file_type;
}

void dirent_pack(uint8_t *raw, size_t size, const uint8_t *src, const uint32_t *offs, size_t nr)
{
	size_t to = 0;

	if (!nr)
		make_unused(raw, size);
	for (size_t i = 0; i < nr; i++) {
		const uint8_t *rec = src + offs[i];
		uint32_t len = dirent_rec_size(rec[DE_NAME_LEN]);

		memcpy(raw + to, rec, len);
		rec_len_put(raw + to, i + 1 < nr ? len : size - to);
		to += len;
	}
	if (nr)
		memset(raw + to, 0, size - to);
}

void dirent_extend(uint8_t *raw, size_t old_size, size_t size)
{
	size_t at = 0, last = 0;

	if (!old_size) {
		make_unused(raw, size);
		return;
	}
	while (at < old_size) {
		last = at;
		at += rec_len_at(raw, size, at);
	}
	rec_len_put(raw + last, size - last);
}

void dirent_init_dots(
	uint8_t *raw, size_t size, uint32_t ino, uint32_t parent, uint8_t file_type)
{
	const struct dirent_rec dot = { .ino = ino, .file_type = file_type, .name_len = 1,
		.name = (const uint8_t *)"." };
	const struct dirent_rec dotdot = { .ino = parent, .file_type = file_type, .name_len = 2,
		.name = (const uint8_t *)".." };

	make_unused(raw, size);
	dirent_insert(raw, size, 0, &dot);
	dirent_insert(raw, size, 0, &dotdot);
}

void dirent_csum_set(uint8_t *block, uint32_t block_size, uint32_t seed)
{
	size_t covered = block_size - DIRENT_TAIL_SIZE;
	uint8_t *tail = block + covered;

	make_unused(tail, DIRENT_TAIL_SIZE);
	tail[DE_FILE_TYPE] = FT_CHECKSUM;
	le32_put(tail + TAIL_CHECKSUM, crc32c(seed, block, covered));
}
