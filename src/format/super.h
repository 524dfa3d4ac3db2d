/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The superblock as the rest of the code wants it: geometry derived once from a superblock that
 * libext2fs has read and checked (struct ext2_super_block, host order), with the checks that
 * libext2fs leaves out. Pure: no IO, no locks.
 */
#ifndef EXT4D_FORMAT_SUPER_H
#define EXT4D_FORMAT_SUPER_H

#include <ext2fs/ext2_fs.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/cleanup.h"

struct super {
	uint64_t blocks;	   /* s_blocks_count */
	uint64_t reserved_blocks;  /* s_r_blocks_count */
	uint64_t overhead_clusters;/* s_overhead_clusters; 0: not recorded */
	uint32_t inodes;
	uint32_t groups;
	uint32_t block_size;	   /* bytes, 1024 to 65536 */
	unsigned block_bits;	   /* log2(block_size) */
	unsigned cluster_bits;	   /* log2(blocks per cluster); 0 without bigalloc */
	uint32_t blocks_per_group;
	uint32_t clusters_per_group;
	uint32_t inodes_per_group;
	uint32_t inode_size;	   /* bytes */
	uint32_t first_ino;	   /* first inode that is not reserved */
	uint32_t first_data_block;
	uint32_t desc_size;	   /* bytes, 32 or more */
	uint32_t first_meta_bg;
	uint32_t reserved_gdt_blocks;
	uint32_t backup_bgs[2];
	uint32_t compat, incompat, ro_compat; /* feature words */
	uint32_t csum_seed;	   /* of metadata_csum and ea_inode hashes */
	uint32_t journal_ino;
	uint32_t hash_seed[4];
	uint16_t encoding;	   /* casefold: s_encoding */
	uint16_t encoding_flags;
	uint8_t journal_uuid[16];
	uint8_t uuid[16];
	uint8_t label[17];	   /* NUL-terminated */
	uint8_t def_hash_version;  /* s_def_hash_version: of directories without an index yet */
	bool hash_unsigned;	   /* s_flags: directory hashes were made with unsigned char */
	bool has_errors;	   /* s_state */
	bool clean;		   /* s_state: unmounted, and without errors */
	unsigned flex_bits;	   /* log2(groups per flex group); 0 without flex_bg */
	uint64_t free_clusters;	   /* s_free_blocks_count, right if it was unmounted */
	uint32_t free_inodes;	   /* s_free_inodes_count, likewise */
	uint16_t want_extra_isize; /* i_extra_isize of new inodes; 0: the inodes have no room for it */
	uint64_t mmp_block;
	uint16_t mmp_update_interval; /* seconds */
	uint32_t special_ino[4];   /* user, group, project quota, orphan file; 0: none */
#define SUPER_SPECIAL_ORPHAN 3
};

#define SUPER_HAS(word, name)                                                                      \
	static inline bool super_has_##name(const struct super *sb)                                \
	{                                                                                          \
		return sb->word;                                                                   \
	}
SUPER_HAS(compat & EXT3_FEATURE_COMPAT_HAS_JOURNAL, journal)
SUPER_HAS(compat & EXT2_FEATURE_COMPAT_DIR_INDEX, dir_index)
SUPER_HAS(compat & EXT2_FEATURE_COMPAT_EXT_ATTR, ext_attr)
SUPER_HAS(compat & EXT4_FEATURE_COMPAT_FAST_COMMIT, fast_commit)
SUPER_HAS(compat & EXT4_FEATURE_COMPAT_SPARSE_SUPER2, sparse_super2)
SUPER_HAS(compat & EXT4_FEATURE_COMPAT_ORPHAN_FILE, orphan_file)
SUPER_HAS(compat & EXT4_FEATURE_COMPAT_STABLE_INODES, stable_inodes)
SUPER_HAS(incompat & EXT2_FEATURE_INCOMPAT_FILETYPE, filetype)
SUPER_HAS(incompat & EXT3_FEATURE_INCOMPAT_RECOVER, needs_recovery)
SUPER_HAS(incompat & EXT2_FEATURE_INCOMPAT_META_BG, meta_bg)
SUPER_HAS(incompat & EXT3_FEATURE_INCOMPAT_EXTENTS, extents)
SUPER_HAS(incompat & EXT4_FEATURE_INCOMPAT_64BIT, 64bit)
SUPER_HAS(incompat & EXT4_FEATURE_INCOMPAT_FLEX_BG, flex_bg)
SUPER_HAS(incompat & EXT4_FEATURE_INCOMPAT_MMP, mmp)
SUPER_HAS(incompat & EXT4_FEATURE_INCOMPAT_EA_INODE, ea_inode)
SUPER_HAS(incompat & EXT4_FEATURE_INCOMPAT_LARGEDIR, largedir)
SUPER_HAS(incompat & EXT4_FEATURE_INCOMPAT_INLINE_DATA, inline_data)
SUPER_HAS(incompat & EXT4_FEATURE_INCOMPAT_ENCRYPT, encrypt)
SUPER_HAS(incompat & EXT4_FEATURE_INCOMPAT_CASEFOLD, casefold)
SUPER_HAS(ro_compat & EXT2_FEATURE_RO_COMPAT_SPARSE_SUPER, sparse_super)
SUPER_HAS(ro_compat & EXT2_FEATURE_RO_COMPAT_LARGE_FILE, large_file)
SUPER_HAS(ro_compat & EXT4_FEATURE_RO_COMPAT_HUGE_FILE, huge_file)
SUPER_HAS(ro_compat & EXT4_FEATURE_RO_COMPAT_GDT_CSUM, gdt_csum)
SUPER_HAS(ro_compat & EXT4_FEATURE_RO_COMPAT_BIGALLOC, bigalloc)
SUPER_HAS(ro_compat & EXT4_FEATURE_RO_COMPAT_METADATA_CSUM, metadata_csum)
SUPER_HAS(ro_compat & EXT4_FEATURE_RO_COMPAT_PROJECT, project)
SUPER_HAS(ro_compat & EXT4_FEATURE_RO_COMPAT_DIR_NLINK, dir_nlink)
SUPER_HAS(ro_compat & EXT4_FEATURE_RO_COMPAT_ORPHAN_PRESENT, orphan_present)
SUPER_HAS(ro_compat & EXT4_FEATURE_RO_COMPAT_QUOTA, quota)
#undef SUPER_HAS

/* Bytes for a refusal; see super_decode(). */
#define SUPER_WHY_MAX 160

/*
 * Fills *ret from es (host order). image_size: bytes of the image, to refuse a truncated one.
 * On failure writes why, for a person, to why[]: -EOPNOTSUPP an incompat feature we do not know
 * (named), -EUCLEAN geometry that contradicts itself, -EINVAL an image shorter than its filesystem.
 */
int super_decode(const struct ext2_super_block *es, uint64_t image_size, struct super *ret,
	char why[SUPER_WHY_MAX]) MUST_CHECK;

/* An external journal's own ext superblock. */
struct super_journal_dev {
	uint64_t blocks;
	uint32_t block_size; /* bytes */
	uint32_t first;	     /* block of the journal's superblock, the one behind this */
	uint8_t uuid[16];
};

/* Decodes the 1024 bytes raw, at byte 1024 of the device. -EINVAL: no such device; -EBADMSG. */
int super_decode_journal_dev(const uint8_t *raw, struct super_journal_dev *ret) MUST_CHECK;

/* Whether pblk .. pblk + nr - 1 are blocks of the filesystem that data or metadata may use. */
bool super_block_range_valid(const struct super *sb, uint64_t pblk, uint64_t nr);

/* Whether ino is the filesystem's own (is_special_ino()): no directory may name it. */
bool super_ino_special(const struct super *sb, uint32_t ino);

#endif
