/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directory entries and the checksum at the end of a directory block. A block is a chain of
 * records that fills it exactly; inline directories hold such chains too. Pure.
 */
#ifndef EXT4D_FORMAT_DIRENT_H
#define EXT4D_FORMAT_DIRENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/super.h"

#define DIRENT_HEADER 8	     /* bytes before the name */
#define DIRENT_TAIL_SIZE 12  /* the record that holds a block's checksum */
#define DIRENT_HASH_SIZE 8   /* hashes behind the name: encrypted and casefolded directories */

struct dirent_rec {
	uint32_t ino; /* 0: unused */
	uint32_t rec_len; /* bytes to the next record */
	uint8_t name_len;
	uint8_t file_type; /* EXT2_FT_*; 0 without the filetype feature */
	const uint8_t *name; /* inside the block */
	const uint8_t *hashes; /* DIRENT_HASH_SIZE bytes, or NULL where there are none */
};

/* A chain of records: where it lies and how to read it. */
struct dirent_chain {
	const uint8_t *raw;
	size_t size;	    /* bytes */
	uint32_t max_ino;   /* s_inodes_count */
	bool has_filetype;
	bool has_hashes;
};

/*
 * Decodes the record at off < chain->size, which must be a record's beginning. On -EUCLEAN
 * *ret_why says what is wrong (ext4_check_dir_entry()'s reasons).
 */
int dirent_decode(const struct dirent_chain *chain, size_t off, struct dirent_rec *ret,
	const char **ret_why) MUST_CHECK;

/*
 * Finds a used record by its name, as quickly as a search through many can be made: 0 with the
 * record decoded and checked. -ENOENT: it is not there, and the chain is as it should be. -EUCLEAN: it
 * has not been found, and something may be wrong, or have hashes: dirent_decode() tells.
 */
int dirent_find(const struct dirent_chain *chain, const void *name, size_t len,
	struct dirent_rec *ret);

/* DT_* for a record's file type. */
unsigned char dirent_dtype(uint8_t file_type);

/*
 * The block's checksum record: whether there is one at the end of the block and whether the
 * checksum holds. seed: dinode_csum_seed() of the directory.
 */
bool dirent_tail_present(const uint8_t *block, uint32_t block_size);
bool dirent_csum_ok(const uint8_t *block, uint32_t block_size, uint32_t seed);

/* ---- changing ---- */

/* The following work on the size bytes of a chain at raw, without a checksum record at its end. */

/* Bytes that a record without hashes takes at least. */
uint32_t dirent_rec_size(size_t name_len);

/*
 * Finds the first record that has room for another one with a name of name_len bytes: an unused one
 * that is large enough, or a used one with so much slack (ext4_find_dest_de()). chain without the
 * checksum record. -ENOSPC; -EUCLEAN with *ret_why at a bad record.
 */
int dirent_find_room(const struct dirent_chain *chain, size_t name_len, size_t *ret_off,
	const char **ret_why) MUST_CHECK;

/*
 * Puts a record (ino, file_type, name, name_len; the rest is not looked at) where
 * dirent_find_room() found the room.
 */
void dirent_insert(uint8_t *raw, size_t size, size_t off, const struct dirent_rec *rec);

/*
 * Takes out the record at off, and wipes it: the one before it gets its bytes, the first of a chain
 * becomes unused. -EUCLEAN if no record begins at off.
 */
int dirent_remove(uint8_t *raw, size_t size, size_t off) MUST_CHECK;

/* Points the record at off to another inode. */
void dirent_repoint(uint8_t *raw, size_t off, uint32_t ino, uint8_t file_type);

/*
 * Makes the chain the nr records of src at offs[], closely packed, the last one reaching to the
 * end; or with none one unused record. They fit, and src is another buffer.
 */
void dirent_pack(uint8_t *raw, size_t size, const uint8_t *src, const uint32_t *offs, size_t nr);

/*
 * Lengthens the chain's last record, which ends at old_size, to size; with old_size 0 makes one
 * unused record (ext4_update_final_de()). The chain has been decoded.
 */
void dirent_extend(uint8_t *raw, size_t old_size, size_t size);

/* Makes the chain "." and ".." and nothing else. file_type: of both. */
void dirent_init_dots(
	uint8_t *raw, size_t size, uint32_t ino, uint32_t parent, uint8_t file_type);

#define DIRENT_DOT_SIZE 12 /* the least for "." and for ".." */

/* Makes the block's checksum record, and sets its checksum. */
void dirent_csum_set(uint8_t *block, uint32_t block_size, uint32_t seed);

#endif
