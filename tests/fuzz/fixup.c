// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Checksums made right after a mutation: without that, nearly every mutated block would be turned
 * away before the code behind the checksum saw it. What does not make sense is left alone.
 * Runs on the little-endian machines that fuzz.
 */
#include "config.h"

#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format/dx.h"
#include "format/dirent.h"
#include "format/extent.h"
#include "format/fcommit.h"
#include "format/gdesc.h"
#include "format/dinode.h"
#include "format/jbd2.h"
#include "format/le.h"
#include "format/super.h"
#include "fs/group.h"
#include "util/crc32c.h"

#define SB_OFFSET 1024
#define SB_CHECKSUM 0x3FC
#define GD_CHECKSUM 0x1E
#define INO_CHECKSUM_LO 0x7C
#define INO_EXTRA_ISIZE 0x80
#define INO_CHECKSUM_HI 0x82
#define XATTR_CHECKSUM 16
#define JSB_INCOMPAT 0x28
#define JSB_CSUM 0xFC
#define JSB_CSUM_FEATURES 0x18u /* version 2 or 3 */
#define COMMIT_CSUM_TYPE 12
#define COMMIT_CSUM 16

#define MAX_GROUPS 64
#define MAX_INODES 1024
#define MAX_NODES 256	/* tree blocks looked at in one file */
#define MAX_BLOCKS 4096 /* blocks of a directory or of the journal */

/* CRC-32C of len bytes of which the size at off count as zero. */
static uint32_t crc_without(uint32_t crc, const uint8_t *p, size_t len, size_t off, size_t size)
{
	static const uint8_t zero[4];

	crc = crc32c(crc, p, off);
	crc = crc32c(crc, zero, size);
	return crc32c(crc, p + off + size, len - off - size);
}

static uint8_t *block_at(const struct image *img, const struct super *sb, uint64_t pblk)
{
	if (!pblk || pblk >= img->len >> sb->block_bits)
		return NULL;
	return img->bytes + (pblk << sb->block_bits);
}

bool fixup_super(const struct image *img, struct super *ret)
{
	struct ext2_super_block es;
	char why[SUPER_WHY_MAX];

	if (img->len < SB_OFFSET + sizeof(es))
		return false;
	memcpy(&es, img->bytes + SB_OFFSET, sizeof(es));
	return es.s_magic == EXT2_SUPER_MAGIC && !super_decode(&es, img->len, ret, why);
}

static uint64_t desc_block(const struct super *sb, uint64_t nr)
{
	uint32_t per_block = sb->block_size / sb->desc_size;
	uint64_t group = nr * per_block;

	if (!super_has_meta_bg(sb) || nr < sb->first_meta_bg)
		return (sb->block_size == 1024) + 1 + nr;
	return sb->first_data_block + group * sb->blocks_per_group +
		group_has_super(sb, (uint32_t)group);
}

uint8_t *fixup_gdesc(const struct image *img, const struct super *sb, uint32_t group)
{
	uint32_t per_block = sb->block_size / sb->desc_size;
	uint8_t *block = block_at(img, sb, desc_block(sb, group / per_block));

	return block ? block + (size_t)(group % per_block) * sb->desc_size : NULL;
}

uint8_t *fixup_inode(const struct image *img, const struct super *sb, uint32_t ino)
{
	uint32_t group = (ino - 1) / sb->inodes_per_group;
	uint64_t off = (uint64_t)((ino - 1) % sb->inodes_per_group) * sb->inode_size;
	struct gdesc gd;
	uint8_t *raw, *block;

	if (!ino || ino > sb->inodes)
		return NULL;
	raw = fixup_gdesc(img, sb, group);
	if (!raw)
		return NULL;
	gdesc_decode(sb, raw, &gd);
	if (gd.inode_table >= sb->blocks)
		return NULL;
	block = block_at(img, sb, gd.inode_table + (off >> sb->block_bits));
	return block ? block + (off & (sb->block_size - 1)) : NULL;
}

static uint16_t crc16(uint16_t crc, const uint8_t *p, size_t len)
{
	while (len--) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1;
	}
	return crc;
}

static void fix_gdesc(const struct super *sb, uint32_t group, uint8_t *raw)
{
	uint16_t crc = crc16(0xFFFF, sb->uuid, sizeof(sb->uuid));
	uint8_t le_group[4];

	le32_put(le_group, group);
	if (super_has_metadata_csum(sb)) {
		le16_put(raw + GD_CHECKSUM,
			(uint16_t)crc_without(crc32c(sb->csum_seed, le_group, 4), raw,
				sb->desc_size, GD_CHECKSUM, 2));
		return;
	}
	crc = crc16(crc, le_group, 4);
	crc = crc16(crc, raw, GD_CHECKSUM);
	if (sb->desc_size > GD_CHECKSUM + 2)
		crc = crc16(crc, raw + GD_CHECKSUM + 2, sb->desc_size - GD_CHECKSUM - 2);
	le16_put(raw + GD_CHECKSUM, crc);
}

static void fix_inode(const struct super *sb, uint32_t ino, const struct dinode *d, uint8_t *raw)
{
	bool wide = sb->inode_size > EXT2_GOOD_OLD_INODE_SIZE &&
		le16_get(raw + INO_EXTRA_ISIZE) >= INO_CHECKSUM_HI + 2 - INO_EXTRA_ISIZE;
	uint32_t crc = dinode_csum_seed(sb, ino, d->generation);

	le16_put(raw + INO_CHECKSUM_LO, 0);
	if (wide)
		le16_put(raw + INO_CHECKSUM_HI, 0);
	crc = crc32c(crc, raw, sb->inode_size);
	le16_put(raw + INO_CHECKSUM_LO, (uint16_t)crc);
	if (wide)
		le16_put(raw + INO_CHECKSUM_HI, (uint16_t)(crc >> 16));
}

/* ---- a file's blocks ---- */

struct file_blocks {
	const struct image *img;
	const struct super *sb;
	uint32_t seed;
	bool fix; /* checksums of the tree's blocks */
	uint64_t *blocks;
	size_t nr;
};

static void note_block(struct file_blocks *f, uint64_t lblk, uint64_t pblk)
{
	if (lblk < f->nr && block_at(f->img, f->sb, pblk))
		f->blocks[lblk] = pblk;
}

static void note_leaf(struct file_blocks *f, const struct extent_node *node)
{
	for (unsigned i = 0; i < node->entries; i++) {
		struct extent ext;

		extent_get(node, i, &ext);
		for (unsigned b = 0; b < ext.nr && ext.lblk < f->nr; b++)
			note_block(f, (uint64_t)ext.lblk + b, ext.pblk + b);
	}
}

static void fix_node(const struct file_blocks *f, uint8_t *raw)
{
	size_t tail = 12 + (size_t)le16_get(raw + 4) * 12;

	if (f->fix && tail + 4 <= f->sb->block_size)
		le32_put(raw + tail, crc32c(f->seed, raw, tail));
}

/* Looks at the blocks of the tree one after another, in the order in which they are named. */
static void walk_extents(struct file_blocks *f, const uint8_t *root)
{
	uint64_t queue[MAX_NODES];
	size_t head = 0, tail = 0;
	const uint8_t *raw = root;
	size_t size = DINODE_BLOCK_SIZE;

	while (raw) {
		struct extent_node node;
		const char *why;
		uint8_t *next = NULL;

		if (!extent_node_decode(raw, size, &node, &why)) {
			if (!node.depth)
				note_leaf(f, &node);
			for (unsigned i = 0; node.depth && i < node.entries && tail < MAX_NODES;
				i++) {
				struct extent_index index;

				extent_index_get(&node, i, &index);
				queue[tail++] = index.pblk;
			}
		}
		while (!next && head < tail)
			next = block_at(f->img, f->sb, queue[head++]);
		if (next)
			fix_node(f, next);
		raw = next;
		size = f->sb->block_size;
	}
}

/* Direct pointers and the first indirect block. */
static void walk_pointers(struct file_blocks *f, const uint8_t *raw)
{
	uint8_t *ind = block_at(f->img, f->sb, le32_get(raw + 4 * EXT2_IND_BLOCK));

	for (unsigned i = 0; i < EXT2_NDIR_BLOCKS; i++)
		note_block(f, i, le32_get(raw + 4 * i));
	for (unsigned i = 0; ind && i < f->sb->block_size / 4; i++)
		note_block(f, EXT2_NDIR_BLOCKS + i, le32_get(ind + (size_t)4 * i));
}

static void walk_file(struct file_blocks *f, const struct dinode *d)
{
	memset(f->blocks, 0, f->nr * sizeof(*f->blocks));
	if (d->flags & EXT4_INLINE_DATA_FL)
		return;
	if (d->flags & EXT4_EXTENTS_FL)
		walk_extents(f, d->block);
	else
		walk_pointers(f, d->block);
}

size_t fixup_file_blocks(const struct image *img, uint32_t ino, uint64_t *ret, size_t nr)
{
	struct super sb;
	struct file_blocks f = { .img = img, .sb = &sb, .blocks = ret, .nr = nr };
	struct dinode d;
	uint8_t *raw;

	if (!fixup_super(img, &sb))
		return 0;
	raw = fixup_inode(img, &sb, ino);
	if (!raw || dinode_decode(&sb, raw, &d))
		return 0;
	walk_file(&f, &d);
	return d.size >> sb.block_bits < nr ? (size_t)(d.size >> sb.block_bits) : nr;
}

/* ---- directories and attributes ---- */

static void fix_index(const struct super *sb, uint8_t *raw, unsigned off, uint32_t seed)
{
	size_t tail = off + (size_t)le16_get(raw + off) * 8;
	size_t used = off + (size_t)le16_get(raw + off + 2) * 8;

	if (tail + 8 > sb->block_size || used > tail)
		return;
	seed = crc32c(seed, raw, used);
	seed = crc_without(seed, raw + tail, 8, 4, 4);
	le32_put(raw + tail + 4, seed);
}

static void fix_dir_block(
	const struct super *sb, const struct dinode *d, uint64_t lblk, uint8_t *raw, uint32_t seed)
{
	size_t covered = sb->block_size - DIRENT_TAIL_SIZE;

	if (d->flags & EXT2_INDEX_FL && lblk == 0)
		fix_index(sb, raw, 32, seed);
	else if (d->flags & EXT2_INDEX_FL && dx_is_node(sb, raw))
		fix_index(sb, raw, 8, seed);
	else if (dirent_tail_present(raw, sb->block_size))
		le32_put(raw + covered + 8, crc32c(seed, raw, covered));
}

static void fix_xattr_block(const struct super *sb, uint64_t pblk, uint8_t *raw)
{
	uint64_t le_pblk = htole64(pblk);
	uint32_t crc = crc32c(sb->csum_seed, &le_pblk, sizeof(le_pblk));

	le32_put(raw + XATTR_CHECKSUM, crc_without(crc, raw, sb->block_size, XATTR_CHECKSUM, 4));
}

static void fix_file(struct file_blocks *f, uint32_t ino, uint8_t *raw)
{
	struct dinode d;
	uint8_t *block;

	if (dinode_decode(f->sb, raw, &d) || !d.mode)
		return;
	fix_inode(f->sb, ino, &d, raw);
	f->seed = dinode_csum_seed(f->sb, ino, d.generation);
	walk_file(f, &d);
	for (size_t i = 0; S_ISDIR(d.mode) && i < f->nr; i++) {
		block = block_at(f->img, f->sb, f->blocks[i]);
		if (block)
			fix_dir_block(f->sb, &d, i, block, f->seed);
	}
	block = block_at(f->img, f->sb, d.file_acl);
	if (block)
		fix_xattr_block(f->sb, d.file_acl, block);
}

/* ---- the journal ---- */

struct journal {
	const struct image *img;
	const struct super *sb;
	struct jbd2_super js;
	uint64_t *blocks;
	size_t nr;
};

static uint8_t *journal_block(const struct journal *j, uint32_t jblk)
{
	return jblk < j->nr ? block_at(j->img, j->sb, j->blocks[jblk]) : NULL;
}

static void fix_journal_tail(const struct journal *j, uint8_t *raw, size_t off)
{
	be32_put(raw + off, crc_without(j->js.csum_seed, raw, j->sb->block_size, off, 4));
}

/* Returns how many copies follow the descriptor at jblk. */
static uint32_t fix_descriptor(const struct journal *j, uint32_t jblk, uint8_t *raw)
{
	uint32_t be_tid = htobe32(be32_get(raw + 8)), nr = 0;
	struct jbd2_tags it;
	struct jbd2_tag tag;
	uint32_t off;

	for (jbd2_tags_start(raw, &it), off = it.off; jbd2_tags_next(&j->js, &it, &tag);
		off = it.off) {
		const uint8_t *copy = journal_block(j, jblk + ++nr);
		uint32_t crc = crc32c(j->js.csum_seed, &be_tid, sizeof(be_tid));

		if (copy)
			crc = crc32c(crc, copy, j->sb->block_size);
		if (j->js.csum == JBD2_CSUM_V3)
			be32_put(raw + off + 12, crc);
		else if (j->js.csum == JBD2_CSUM_V2)
			be16_put(raw + off + 4, (uint16_t)crc);
	}
	if (j->js.csum == JBD2_CSUM_V2 || j->js.csum == JBD2_CSUM_V3)
		fix_journal_tail(j, raw, j->sb->block_size - 4);
	return nr;
}

static void fix_commit(const struct journal *j, uint8_t *raw)
{
	if (j->js.csum == JBD2_CSUM_V1) { /* "none" is accepted */
		raw[COMMIT_CSUM_TYPE] = raw[COMMIT_CSUM_TYPE + 1] = 0;
		be32_put(raw + COMMIT_CSUM, 0);
	} else if (j->js.csum != JBD2_CSUM_NONE) {
		fix_journal_tail(j, raw, COMMIT_CSUM);
	}
}

static void fix_log(const struct journal *j)
{
	for (uint32_t jblk = j->js.first; jblk < j->js.last && jblk < j->nr; jblk++) {
		uint8_t *raw = journal_block(j, jblk);

		if (!raw || be32_get(raw) != JBD2_MAGIC)
			continue;
		switch (be32_get(raw + 4)) {
		case JBD2_BLOCK_DESCRIPTOR:
			jblk += fix_descriptor(j, jblk, raw);
			break;
		case JBD2_BLOCK_REVOKE:
			if (j->js.csum == JBD2_CSUM_V2 || j->js.csum == JBD2_CSUM_V3)
				fix_journal_tail(j, raw, j->sb->block_size - 4);
			break;
		case JBD2_BLOCK_COMMIT:
			fix_commit(j, raw);
			break;
		}
	}
}

static void fix_fast_commits(const struct journal *j)
{
	uint32_t crc = 0;

	for (uint32_t i = 0; i < j->js.fc_nr; i++) {
		uint8_t *raw = journal_block(j, j->js.fc_first + i);
		size_t off = 0;
		struct fcommit_tag tag;

		while (raw && !fcommit_decode(raw + off, j->sb->block_size - off,
				      j->sb->inode_size, &tag)) {
			crc = fcommit_crc(crc, raw + off, &tag);
			if (tag.type == FCOMMIT_TAIL) {
				le32_put(raw + off + FCOMMIT_TAG_HDR + 4, crc);
				crc = 0;
			}
			off += tag.len;
		}
	}
}

static void fix_journal(const struct image *img, const struct super *sb, uint64_t *blocks)
{
	struct journal j = { .img = img, .sb = sb, .blocks = blocks };
	const char *why;
	uint8_t *raw;

	j.nr = fixup_file_blocks(img, sb->journal_ino, blocks, MAX_BLOCKS);
	raw = journal_block(&j, 0);
	if (!raw)
		return;
	if (be32_get(raw + JSB_INCOMPAT) & JSB_CSUM_FEATURES)
		be32_put(raw + JSB_CSUM, crc_without(~0u, raw, JBD2_SUPER_SIZE, JSB_CSUM, 4));
	if (jbd2_super_decode(raw, sb->block_size, j.nr, &j.js, &why))
		return;
	fix_log(&j);
	fix_fast_commits(&j);
}

void fixup_image(struct image *img)
{
	struct super sb;
	struct file_blocks f = { .img = img, .sb = &sb, .fix = true, .nr = MAX_BLOCKS };
	uint8_t *raw;

	if (!fixup_super(img, &sb))
		return;
	f.blocks = malloc(MAX_BLOCKS * sizeof(*f.blocks));
	if (!f.blocks)
		return;
	if (super_has_journal(&sb))
		fix_journal(img, &sb, f.blocks);
	for (uint32_t group = 0; group < sb.groups && group < MAX_GROUPS; group++) {
		raw = fixup_gdesc(img, &sb, group);
		if (raw && (super_has_metadata_csum(&sb) || super_has_gdt_csum(&sb)))
			fix_gdesc(&sb, group, raw);
	}
	for (uint32_t ino = 1; super_has_metadata_csum(&sb) && ino <= sb.inodes &&
		ino <= MAX_INODES; ino++) {
		raw = fixup_inode(img, &sb, ino);
		if (raw)
			fix_file(&f, ino, raw);
	}
	free(f.blocks);
	if (super_has_metadata_csum(&sb)) {
		raw = img->bytes + SB_OFFSET;
		le32_put(raw + SB_CHECKSUM, crc32c(~0u, raw, SB_CHECKSUM));
	}
}
