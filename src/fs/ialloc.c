// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Inode numbers given out and taken back. Like blocks they are first promised in memory (a count is enough:
 * any free bit of the group will do), then the buffers are announced, then the bit is set.
 */
#include "config.h"

#include "fs/ialloc.h"

#include <errno.h>
#include <sys/stat.h>

#include "format/bitmap.h"
#include "format/le.h"
#include "fs/balloc.h"
#include "fs/fs_i.h"
#include "fs/group.h"
#include "fs/ialloc_i.h"
#include "fs/usage.h"

/* EXT4_FL_INHERITED, and what ext4_mask_flags() takes from it. */
#define FLAGS_INHERITED                                                                            \
	(EXT2_SECRM_FL | EXT2_UNRM_FL | EXT2_COMPR_FL | EXT2_SYNC_FL | EXT2_NODUMP_FL |            \
		EXT2_NOATIME_FL | EXT2_NOCOMPR_FL | EXT3_JOURNAL_DATA_FL | EXT2_NOTAIL_FL |        \
		EXT2_DIRSYNC_FL | EXT4_PROJINHERIT_FL | EXT4_CASEFOLD_FL | FLAG_DAX)
#define FLAGS_NOT_FILE                                                                             \
	(EXT2_DIRSYNC_FL | EXT2_TOPDIR_FL | EXT4_CASEFOLD_FL | EXT4_PROJINHERIT_FL)
#define FLAGS_OTHER (EXT2_NODUMP_FL | EXT2_NOATIME_FL)
#define FLAG_DAX 0x02000000 /* EXT4_DAX_FL */

/* In the body of an inode: the attributes' magic, an entry "data" without a value, four zeros. */
#define INLINE_ENTRY_ROOM (4 + 20 + 4)

/* Bitmap and descriptor, the block bitmap of a group that was never used, the inode. */
#define CREDITS (3 + INODE_CREDITS)

unsigned ialloc_credits(const struct fs *fs)
{
	return CREDITS + usage_credits(fs);
}

static uint32_t group_of(const struct super *sb, uint32_t ino)
{
	return (ino - 1) / sb->inodes_per_group;
}

/* ---- the bitmap ---- */

/* Promises one inode of group nr. -ENOSPC: there is none; -EUCLEAN, -EBADMSG, -EIO damage. */
static int promise(struct fs *fs, uint32_t nr, struct group **ret)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	struct group *group;
	int err = group_get(fs, nr, &group);

	if (!err)
		err = group_bitmap_get(fs, group, GROUP_INODES, &buf);
	if (err)
		return err;
	lock_take(&group->lock);
	err = group_check_locked(fs, group, GROUP_INODES, buf);
	if (!err && group->gd.free_inodes <= group->inode_claims)
		err = -ENOSPC;
	if (!err)
		group->inode_claims++;
	lock_drop(&group->lock);
	*ret = group;
	return err;
}

static void unpromise(struct group *group)
{
	lock_take(&group->lock);
	group->inode_claims--;
	lock_drop(&group->lock);
}

/* From where ialloc_place() says, through all groups. */
static int promise_any(const struct ialloc_want *want, struct group **ret)
{
	struct fs *fs = want->dir->fs;
	uint32_t nr;
	int err = ialloc_place(want, &nr);

	if (!err)
		err = promise(fs, nr, ret);
	for (uint64_t tries = 0; err && err != -ENOMEM && tries < fs->sb.groups; tries++) {
		/* others were faster, or it is damaged: the next one that has any */
		err = ialloc_next_group(fs, (uint32_t)((nr + UINT64_C(1)) % fs->sb.groups), 1, 0,
			&nr);
		if (err)
			return err;
		err = promise(fs, nr, ret);
	}
	return err == -ENOMEM || err == -EIO || !err ? err : -ENOSPC;
}

/*
 * The block bitmap of a group whose inodes are used must be initialised (__ext4_new_inode()). *ret: its
 * buffer, announced, or NULL where there is nothing to do.
 */
static int prepare_blocks(struct handle *h, struct fs *fs, struct group *group, struct buf **ret)
{
	bool uninit;
	int err;

	lock_take(&group->lock);
	uninit = group_is_uninit_locked(&fs->sb, group, GROUP_BLOCKS) &&
		!(group->bad & GROUP_BLOCKS_BAD);
	lock_drop(&group->lock);
	if (!uninit)
		return 0;
	err = group_bitmap_get(fs, group, GROUP_BLOCKS, ret);
	return err ? err : journal_write(h, *ret);
}

static void enable_inodes_locked(struct fs *fs, struct group *group, uint8_t *map)
{
	const struct super *sb = &fs->sb;

	memset(map, 0, sb->block_size);
	bitmap_set(map, sb->inodes_per_group, sb->block_size * 8 - sb->inodes_per_group);
	group->gd.flags &= (uint16_t)~EXT2_BG_INODE_UNINIT;
	group->gd.itable_unused = sb->inodes_per_group;
}

/* Sets the first free bit. The promise is kept by it. */
static int take_locked(struct fs *fs, struct group *group, bool dir, struct group_bufs *bufs,
	uint32_t *ret_bit)
{
	const struct super *sb = &fs->sb;
	uint32_t first = group->nr == 0 ? sb->first_ino - 1 : 0;
	uint32_t bit, unused;
	int err = group_check_locked(fs, group, GROUP_INODES, bufs->bitmap);

	if (err)
		return err;
	if (group_is_uninit_locked(sb, group, GROUP_INODES)) {
		enable_inodes_locked(fs, group, bufs->bitmap->data);
		buf_set_proven(bufs->bitmap, BUF_KIND_INODE_BITMAP, group->nr);
	}
	bit = bitmap_next_zero(bufs->bitmap->data, first, sb->inodes_per_group);
	if (bit >= sb->inodes_per_group)
		return group_damaged_locked(fs, group, GROUP_INODES, -EUCLEAN,
			"has reserved inodes free");
	bitmap_set(bufs->bitmap->data, bit, 1);
	unused = sb->inodes_per_group - bit - 1;
	if (group->gd.itable_unused > unused)
		group->gd.itable_unused = unused;
	group->gd.free_inodes--;
	group->inode_claims--;
	group->gd.used_dirs += dir;
	group_store_locked(fs, group, GROUP_INODES, bufs);
	fs->groups->free_inodes--;
	*ret_bit = bit;
	return 0;
}

static int take(struct handle *h, struct fs *fs, struct group *group, bool dir, uint32_t *ret_bit)
{
	CLEANUP(cache_putp) struct buf *blocks = NULL;
	struct group_bufs bufs;
	int err = group_write_begin(h, fs, group, GROUP_INODES, &bufs);

	if (err)
		return err;
	err = prepare_blocks(h, fs, group, &blocks);
	if (!err) {
		struct group_bufs block_bufs = { .bitmap = blocks, .desc = bufs.desc };

		lock_take(&group->lock);
		err = take_locked(fs, group, dir, &bufs, ret_bit);
		if (!err && blocks && group_is_uninit_locked(&fs->sb, group, GROUP_BLOCKS)) {
			group_enable_blocks_locked(fs, group, blocks);
			group_store_locked(fs, group, GROUP_BLOCKS, &block_bufs);
		}
		lock_drop(&group->lock);
	}
	group_write_end(&bufs);
	return err;
}

static int alloc(struct handle *h, const struct ialloc_want *want, uint32_t *ret_ino)
{
	struct fs *fs = want->dir->fs;
	struct group *group;
	uint32_t bit = 0;
	int err = promise_any(want, &group);

	if (err)
		return err;
	err = take(h, fs, group, S_ISDIR(want->mode), &bit);
	if (err) {
		unpromise(group);
		return err;
	}
	want->dir->alloc_group = group->nr + 1;
	*ret_ino = group->nr * fs->sb.inodes_per_group + bit + 1;
	return 0;
}

static int give_back_locked(struct fs *fs, struct group *group, uint32_t bit, bool dir,
	struct group_bufs *bufs)
{
	int err = group_check_locked(fs, group, GROUP_INODES, bufs->bitmap);

	if (err)
		return err;
	if (group_is_uninit_locked(&fs->sb, group, GROUP_INODES) ||
		!bitmap_test(bufs->bitmap->data, bit))
		return fs_corrupt(fs, group->nr * fs->sb.inodes_per_group + bit + 1, -EUCLEAN,
			"inode freed that was free");
	bitmap_clear(bufs->bitmap->data, bit, 1);
	group->gd.free_inodes++;
	if (dir && group->gd.used_dirs)
		group->gd.used_dirs--;
	group_store_locked(fs, group, GROUP_INODES, bufs);
	fs->groups->free_inodes++;
	return 0;
}

static int give_back(struct handle *h, struct fs *fs, uint32_t ino, bool dir)
{
	struct group_bufs bufs;
	struct group *group;
	int err = group_get(fs, group_of(&fs->sb, ino), &group);

	if (!err)
		err = group_write_begin(h, fs, group, GROUP_INODES, &bufs);
	if (err)
		return err;
	lock_take(&group->lock);
	err = give_back_locked(fs, group, (ino - 1) % fs->sb.inodes_per_group, dir, &bufs);
	lock_drop(&group->lock);
	group_write_end(&bufs);
	return err;
}

/* ---- the inode ---- */

static uint32_t inherit_flags(const struct inode *dir, uint16_t mode)
{
	uint32_t flags = dir->d.flags & FLAGS_INHERITED;

	if (S_ISDIR(mode))
		return flags;
	return S_ISREG(mode) ? flags & ~(uint32_t)FLAGS_NOT_FILE : flags & FLAGS_OTHER;
}

/* Directories begin inline where they can; files when something is written: ext4_init_new_dir(). */
static bool begins_inline(const struct super *sb, uint16_t mode)
{
	return super_has_inline_data(sb) && S_ISDIR(mode) && sb->want_extra_isize &&
		EXT2_GOOD_OLD_INODE_SIZE + (uint32_t)sb->want_extra_isize + INLINE_ENTRY_ROOM <=
			sb->inode_size;
}

/* The root of an extent tree without extents: ext4_ext_tree_init(). */
static void init_extents(struct dinode *d)
{
	d->flags |= EXT4_EXTENTS_FL;
	le16_put(d->block, 0xF30A);
	le16_put(d->block + 4, (DINODE_BLOCK_SIZE - 12) / 12);
}

static void init_dinode(const struct ialloc_want *want, struct dinode *ret)
{
	struct fs *fs = want->dir->fs;
	const struct super *sb = &fs->sb;
	struct timespec now = inode_now();

	*ret = (struct dinode){
		.mode = want->mode,
		.extra_isize = sb->want_extra_isize,
		.uid = want->uid,
		.gid = want->gid,
		.flags = inherit_flags(want->dir, want->mode),
		.generation = fs->groups->generation++,
		.iversion = 1,
		.atime = now,
		.mtime = now,
		.ctime = now,
		.crtime = now,
		.has_crtime = sb->want_extra_isize != 0,
	};
	if (super_has_project(sb) && sb->want_extra_isize)
		ret->projid = want->dir->d.flags & EXT4_PROJINHERIT_FL ? want->dir->d.projid :
									 want->projid;
	if (S_ISCHR(want->mode) || S_ISBLK(want->mode))
		dinode_set_rdev(ret, want->rdev);
	if (begins_inline(sb, want->mode))
		ret->flags |= EXT4_INLINE_DATA_FL;
	else if (super_has_extents(sb) && (S_ISREG(want->mode) || S_ISDIR(want->mode)))
		init_extents(ret);
}

int ialloc_new(struct handle *h, const struct ialloc_want *want, struct inode **ret)
{
	struct fs *fs = want->dir->fs;
	struct inode *inode = NULL;
	struct dinode d;
	uint32_t ino = 0;
	int undo, err = groups_count(fs);

	if (!err)
		err = alloc(h, want, &ino);
	if (err)
		return err;
	init_dinode(want, &d);
	err = inode_create(fs, ino, &d, &inode);
	if (!err)
		err = usage_add_inode(h, inode, 1);
	if (!err) {
		err = inode_write_raw(h, inode, NULL, true);
		if (!err) {
			*ret = inode;
			return 0;
		}
		(void)!usage_add_inode(h, inode, -1);
	}
	if (inode) {
		inode_forget(inode);
		inode_put(inode);
	}
	/* the buffers are in the transaction already: this fails only with the journal */
	undo = give_back(h, fs, ino, S_ISDIR(want->mode));
	return undo ? undo : err;
}

int ialloc_free(struct handle *h, struct inode *inode)
{
	struct fs *fs = inode->fs;
	bool dir = S_ISDIR(inode->d.mode);
	int err = groups_count(fs);

	if (err)
		return err;
	if (inode->ino < fs->sb.first_ino)
		return fs_corrupt(fs, inode->ino, -EUCLEAN, "reserved inode freed");
	balloc_release(inode);
	err = usage_add_inode(h, inode, -1);
	if (err)
		return err;
	inode->d.dtime = (uint32_t)inode_now().tv_sec;
	inode->d.mode = 0;
	err = inode_write(h, inode);
	inode_forget(inode);
	/* last: whoever is given the number writes to the same place (ext4_free_inode()) */
	return err ? err : errors_abort(h, give_back(h, fs, inode->ino, dir));
}

uint64_t ialloc_free_inodes(struct fs *fs)
{
	int64_t nr;

	if (groups_count(fs))
		return fs->sb.free_inodes;
	nr = fs->groups->free_inodes;
	return nr > 0 ? (uint64_t)nr : 0;
}

int ialloc_in_use(struct fs *fs, uint32_t ino, bool *ret)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	struct group *group;
	int err;

	if (!ino || ino > fs->sb.inodes)
		return -EUCLEAN;
	err = group_get(fs, group_of(&fs->sb, ino), &group);
	if (!err)
		err = group_bitmap_get(fs, group, GROUP_INODES, &buf);
	if (err)
		return err;
	lock_take(&group->lock);
	err = group_check_locked(fs, group, GROUP_INODES, buf);
	*ret = !err && !group_is_uninit_locked(&fs->sb, group, GROUP_INODES) &&
		bitmap_test(buf->data, (ino - 1) % fs->sb.inodes_per_group);
	lock_drop(&group->lock);
	return err;
}
