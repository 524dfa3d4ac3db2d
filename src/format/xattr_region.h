/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extended attributes as they lie on disk: entries grow from a header downwards, values from the
 * end upwards, either in a block of their own (struct ext4_xattr_header) or in the inode behind
 * its last field (struct ext4_xattr_ibody_header). A large value may be an inode's data instead
 * (ea_inode). Pure: no IO, no locks.
 */
#ifndef EXT4D_FORMAT_XATTR_REGION_H
#define EXT4D_FORMAT_XATTR_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/super.h"

#define XATTR_MAGIC 0xEA020000u
#define XATTR_BLOCK_HEADER 32 /* bytes before the first entry of a block */
#define XATTR_BODY_HEADER 4   /* bytes before the first entry in an inode */
#define XATTR_ENTRY_HEADER 16 /* bytes of an entry before its name */
#define XATTR_NAME_LEN_MAX 255
#define XATTR_VALUE_MAX (1u << 24) /* bytes, EXT4_XATTR_SIZE_MAX */

/* e_name_index: the prefix that a stored name leaves out. */
enum xattr_index {
	XATTR_INDEX_USER = 1,
	XATTR_INDEX_ACL_ACCESS = 2,
	XATTR_INDEX_ACL_DEFAULT = 3,
	XATTR_INDEX_TRUSTED = 4,
	XATTR_INDEX_LUSTRE = 5,
	XATTR_INDEX_SECURITY = 6,
	XATTR_INDEX_SYSTEM = 7,
	XATTR_INDEX_RICHACL = 8,
	XATTR_INDEX_ENCRYPTION = 9,
	XATTR_INDEX_HURD = 10,
};

/* Bytes that hold attributes. Points into the caller's buffer. */
struct xattr_region {
	const uint8_t *data;
	size_t len;
	size_t first; /* offset of the first entry */
	size_t base;  /* offset that e_value_offs counts from */
};

/* One attribute; its pointers lie in the region. */
struct xattr_entry {
	uint8_t index;	     /* enum xattr_index, or a number we do not know */
	uint8_t name_len;
	const uint8_t *name; /* not NUL-terminated */
	uint32_t hash;	     /* e_hash */
	uint32_t value_ino;  /* inode that holds the value; 0: the region does */
	uint32_t value_size; /* bytes */
	const uint8_t *value; /* NULL: empty, in an inode, or not inside the region */
};

/*
 * The region of an inode of sb->inode_size raw bytes. False where it has none: no room behind
 * the fields in use or no magic number there (ext4_iget_extra_inode() must agree).
 */
bool xattr_region_body(const struct super *sb, const uint8_t *raw, struct xattr_region *ret);

/* The region of a block of sb->block_size bytes. -EUCLEAN if its header is not that of one. */
int xattr_region_block(const struct super *sb, const uint8_t *block, struct xattr_region *ret)
	MUST_CHECK;

/*
 * Validates every entry and where its value lies (the kernel's check_xattrs() must agree).
 * -EUCLEAN, and in *ret_why what is wrong.
 */
int xattr_region_check(const struct super *sb, const struct xattr_region *region,
	const char **ret_why) MUST_CHECK;

/*
 * The entry at *pos (begin with region->first), and *pos goes on to the next. False at the end of
 * the list. Safe on a region that was not checked: it ends at the first entry that does not fit.
 */
bool xattr_region_next(const struct xattr_region *region, size_t *pos, struct xattr_entry *ret);

/* Finds the first attribute of that index and name. */
bool xattr_region_find(const struct xattr_region *region, enum xattr_index index, const char *name,
	size_t name_len, struct xattr_entry *ret);

/* Whether the checksum of the block at pblk holds (always, without metadata_csum). */
bool xattr_block_csum_ok(const struct super *sb, uint64_t pblk, const uint8_t *block);

/*
 * The kernel's signedness of char when the hash was made: x86 builds hashed names as signed
 * until Linux 6.2, so that both are found on disk.
 */
enum xattr_char {
	XATTR_CHAR_UNSIGNED,
	XATTR_CHAR_SIGNED,
};

/*
 * e_hash of a name and value; the value counts as little-endian words, its end padded with
 * zeros. Of a value in an inode it is xattr_value_hash() that counts, as such a word.
 */
uint32_t xattr_entry_hash(const uint8_t *name, size_t name_len, const uint8_t *value,
	size_t value_len, enum xattr_char kind);

/* Whether entry's e_hash fits a value in an inode whose hash is value_hash. */
bool xattr_entry_hash_ok(const struct xattr_entry *entry, uint32_t value_hash);

/* The hash of a value in an inode, which that inode keeps in the seconds of its atime. */
uint32_t xattr_value_hash(const struct super *sb, const uint8_t *value, size_t len);

/* ---- encoding ---- */

/* Entries and values are padded to 4 bytes; n is at most XATTR_VALUE_MAX, so nothing wraps. */
static inline size_t xattr_padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* Bytes of an entry, and of the value that lies in its region. */
static inline size_t xattr_entry_size(const struct xattr_entry *entry)
{
	size_t value = entry->value_ino ? 0 : entry->value_size;

	return xattr_padded(XATTR_ENTRY_HEADER + entry->name_len) + xattr_padded(value);
}

/* Bytes of nr entries, of their values and of the list's end: a region less its header. */
size_t xattr_region_need(const struct xattr_entry *entries, size_t nr);

/*
 * Makes the nr entries, in this order, the attributes of an inode's body: len bytes at data, its magic
 * number first; none: all zeros. No entry may point into data. -ENOSPC, with nothing changed.
 */
int xattr_region_encode_body(const struct xattr_entry *entries, size_t nr, uint8_t *data, size_t len)
	MUST_CHECK;

/*
 * The same for a block of sb->block_size bytes, whose entries are sorted (xattr_entry_compare()). The
 * checksum is xattr_block_set_csum()'s.
 */
int xattr_region_encode_block(const struct super *sb, const struct xattr_entry *entries, size_t nr,
	uint32_t refcount, uint8_t *block) MUST_CHECK;

/* The order of entries in a block, as memcmp(): by index, length of the name, name. */
int xattr_entry_compare(const struct xattr_entry *a, const struct xattr_entry *b);

/* h_hash of sorted entries; 0: a block that must not be shared. */
uint32_t xattr_block_hash(const struct xattr_entry *entries, size_t nr);

/* How many inodes use a block (h_refcount), at most XATTR_REFCOUNT_MAX. */
uint32_t xattr_block_refcount(const uint8_t *block);
void xattr_block_set_refcount(uint8_t *block, uint32_t refcount);
#define XATTR_REFCOUNT_MAX 1024u /* EXT4_XATTR_REFCOUNT_MAX */

/* Last of all changes: puts the checksum in, or 0 without metadata_csum. */
void xattr_block_set_csum(const struct super *sb, uint64_t pblk, uint8_t *block);

#endif
