// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "fs/dirblock.h"

#include <errno.h>

#include "format/dx.h"
#include "fs/fs_i.h"
#include "fs/map.h"

bool dirblock_dir_indexed(const struct inode *dir)
{
	return super_has_dir_index(&dir->fs->sb) && dir->d.flags & EXT2_INDEX_FL;
}

int dirblock_count(struct inode *dir, uint64_t *ret)
{
	const struct super *sb = &dir->fs->sb;

	*ret = dir->d.size >> sb->block_bits;
	if (*ret > sb->blocks)
		return fs_corrupt(dir->fs, dir->ino, -EUCLEAN, "directory of %llu bytes",
			(unsigned long long)dir->d.size);
	return 0;
}

struct dirent_chain dirblock_chain(const struct inode *dir)
{
	const uint32_t hashed = EXT4_ENCRYPT_FL | EXT4_CASEFOLD_FL;

	return (struct dirent_chain){
		.max_ino = dir->fs->sb.inodes,
		.has_filetype = super_has_filetype(&dir->fs->sb),
		.has_hashes = (dir->d.flags & hashed) == hashed,
	};
}

/* The kernel decides the same way which checksum a block carries, __ext4_read_dirblock(). */
static enum dirblock_kind kind_of(const struct inode *dir, uint64_t lblk, const uint8_t *raw)
{
	if (!dirblock_dir_indexed(dir))
		return DIRBLOCK_LEAF;
	if (lblk == 0)
		return DIRBLOCK_ROOT;
	return dx_is_node(&dir->fs->sb, raw) ? DIRBLOCK_NODE : DIRBLOCK_LEAF;
}

static int verify(struct inode *dir, uint64_t lblk, struct dirblock *block)
{
	const struct super *sb = &dir->fs->sb;
	enum buf_kind proof = block->kind == DIRBLOCK_LEAF ? BUF_KIND_DIR : BUF_KIND_DX;
	bool ok;

	if (!super_has_metadata_csum(sb) || buf_proven(block->buf, proof, dir->ino))
		return 0;
	if (block->kind == DIRBLOCK_LEAF)
		ok = dirent_csum_ok(block->buf->data, sb->block_size, dir->csum_seed);
	else
		ok = dx_csum_ok(
			sb, block->buf->data, block->kind == DIRBLOCK_ROOT, dir->csum_seed);
	if (!ok)
		return fs_corrupt(dir->fs, dir->ino, -EBADMSG,
			"directory block %llu fails its checksum", (unsigned long long)lblk);
	buf_set_proven(block->buf, proof, dir->ino);
	return 0;
}

int dirblock_load(struct inode *dir, uint64_t lblk, struct dirblock *ret)
{
	struct fs *fs = dir->fs;
	struct run run;
	int err;

	*ret = (struct dirblock){ .chain = dirblock_chain(dir) };
	err = map_lookup(dir, lblk, &run);
	if (err)
		return err;
	if (run.kind != RUN_DATA) {
		ret->holes = run.nr;
		return 0;
	}
	err = cache_get(fs->cache, run.pblk, &ret->buf);
	if (err)
		return err;
	ret->kind = kind_of(dir, lblk, ret->buf->data);
	ret->chain.raw = ret->buf->data;
	ret->chain.size = fs->sb.block_size;
	err = verify(dir, lblk, ret);
	if (err)
		dirblock_fini(ret);
	return err;
}

void dirblock_fini(struct dirblock *block)
{
	cache_put(block->buf);
	block->buf = NULL;
}
