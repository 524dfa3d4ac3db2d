// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A value never changes once it is written. What changes is the count of references, under
 * xattrcache_lock(); the inode's own lock is nobody's, as only attributes lead to it.
 */
#include "config.h"

#include "fs/eainode.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "format/le.h"
#include "fs/balloc.h"
#include "fs/file.h"
#include "fs/fs_i.h"
#include "fs/ialloc.h"
#include "fs/map.h"
#include "fs/mapedit.h"
#include "fs/orphan.h"
#include "fs/usage.h"
#include "fs/xattrcache.h"

/* ---- reading ---- */

/*
 * The error of a value's inode as one of the inode whose value it is. Damage and failures were
 * reported where they were found, other errors mean that the entry points at no value.
 */
static int value_error(struct inode *inode, const struct xattr_entry *entry, int err)
{
	if (err == -EUCLEAN || err == -EBADMSG || err == -EIO || err == -ENOMEM)
		return err;
	return fs_corrupt(inode->fs, inode->ino, -EUCLEAN, "attribute value in inode %u: error %d",
		entry->value_ino, -err);
}

/*
 * Whether ea can hold a value: check_igot_inode() in the kernel, and data that is read plainly, so
 * that reading it never leads to another attribute.
 */
static const char *check(const struct inode *ea, const struct xattr_entry *entry)
{
	if (!(ea->d.flags & EXT4_EA_INODE_FL))
		return "not a value inode";
	if (!S_ISREG(ea->d.mode))
		return "not a regular file";
	if (ea->d.flags & (EXT4_ENCRYPT_FL | EXT4_INLINE_DATA_FL))
		return "impossible flags";
	if (ea->d.file_acl)
		return "has attributes";
	if (ea->d.size != entry->value_size)
		return "wrong size";
	return NULL;
}

static int open_value(struct inode *inode, const struct xattr_entry *entry, struct inode **ret)
{
	CLEANUP(inode_putp) struct inode *ea = NULL;
	const char *why;
	int err;

	if (entry->value_ino == inode->ino)
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN,
			"the inode is its own attribute value");
	err = inode_get_special(inode->fs, entry->value_ino, &ea);
	if (err)
		return value_error(inode, entry, err);
	why = check(ea, entry);
	if (why)
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN,
			"attribute value in inode %u: %s", entry->value_ino, why);
	*ret = STEAL(ea);
	return 0;
}

static uint32_t hash_of(const struct inode *ea)
{
	return (uint32_t)ea->d.atime.tv_sec;
}

/*
 * Lustre's value inodes have no hash but a pointer back to their one owner, in the seconds of
 * mtime (ext4_xattr_inode_iget()).
 */
static bool is_lustre(const struct inode *inode, const struct inode *ea,
	const struct xattr_entry *entry)
{
	return entry->hash != hash_of(ea) && (uint32_t)ea->d.mtime.tv_sec == inode->ino &&
	       ea->d.generation == inode->d.generation;
}

static bool hash_ok(const struct inode *inode, const struct inode *ea,
	const struct xattr_entry *entry, const uint8_t *value)
{
	uint32_t hash;

	if (is_lustre(inode, ea, entry))
		return true;
	hash = xattr_value_hash(&inode->fs->sb, value, entry->value_size);
	return hash == hash_of(ea) && xattr_entry_hash_ok(entry, hash);
}

int eainode_read(struct inode *inode, const struct xattr_entry *entry, uint8_t *buf)
{
	CLEANUP(inode_putp) struct inode *ea = NULL;
	int err = open_value(inode, entry, &ea);

	if (!err)
		err = file_read_range(ea, 0, buf, entry->value_size);
	if (err)
		return value_error(inode, entry, err);
	if (!hash_ok(inode, ea, entry, buf))
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN,
			"attribute value in inode %u: hash does not match", entry->value_ino);
	return 0;
}

int eainode_check(struct inode *inode, const struct xattr_entry *entry)
{
	CLEANUP(inode_putp) struct inode *ea = NULL;

	return open_value(inode, entry, &ea);
}

/* EXT4_XATTR_MIN_LARGE_EA_SIZE(): more than a block holds of an attribute with a name of 3 bytes. */
bool eainode_is_for(const struct super *sb, size_t size)
{
	size_t most = sb->block_size - xattr_padded(XATTR_ENTRY_HEADER + 3) - XATTR_BLOCK_HEADER - 4;

	return super_has_ea_inode(sb) && xattr_padded(size) > most;
}

/* ---- references ---- */

static uint64_t refs_of(const struct inode *ea)
{
	return (uint64_t)(uint32_t)ea->d.ctime.tv_sec << 32 | (uint32_t)ea->d.iversion;
}

static void set_refs(struct inode *ea, uint64_t refs)
{
	ea->d.ctime = (struct timespec){ .tv_sec = (int32_t)(refs >> 32) };
	ea->d.iversion = (uint32_t)refs;
}

int eainode_ref(struct handle *h, struct inode *inode, const struct xattr_entry *entry)
{
	CLEANUP(inode_putp) struct inode *ea = NULL;
	int err = open_value(inode, entry, &ea);

	if (err)
		return err;
	set_refs(ea, refs_of(ea) + 1);
	return inode_write(h, ea);
}

/* The data, the number: all of it, or an orphan whose freeing goes on later. */
static int free_inode(struct handle *h, struct inode *ea)
{
	uint64_t left;
	int err;

	ea->d.nlink = 0;
	err = map_free(h, ea, 0, (uint64_t)1 << 32, 0, &left);
	if (err)
		return err;
	if (!left)
		return ialloc_free(h, ea);
	xattrcache_add_dead(ea->fs->xattrs, ea->ino);
	err = orphan_add(h, ea);
	return err ? err : inode_write(h, ea);
}

int eainode_drop(struct handle *h, struct inode *inode, const struct xattr_entry *entry)
{
	CLEANUP(inode_putp) struct inode *ea = NULL;
	uint64_t refs;
	int err = open_value(inode, entry, &ea);

	if (err)
		return err;
	refs = is_lustre(inode, ea, entry) ? 1 : refs_of(ea);
	/* a damaged count of 0 is that of the one who has just found it */
	set_refs(ea, refs ? refs - 1 : 0);
	if (refs > 1)
		return inode_write(h, ea);
	xattrcache_remove(inode->fs->xattrs, XATTRCACHE_INODE, hash_of(ea), ea->ino);
	return free_inode(h, ea);
}

/* ext4_xattr_inode_alloc_quota() */
int eainode_charge(struct handle *h, struct inode *inode, const struct xattr_entry *entry, int sign)
{
	const struct super *sb = &inode->fs->sb;
	unsigned bits = sb->block_bits + sb->cluster_bits;
	int64_t clusters = (int64_t)(((uint64_t)entry->value_size + (1u << bits) - 1) >> bits);
	int64_t blocks = clusters << sb->cluster_bits;
	int err = usage_add_blocks(h, inode, sign < 0 ? -blocks : blocks);

	if (err)
		return err;
	err = usage_add_inode(h, inode, sign);
	if (err && usage_add_blocks(h, inode, sign < 0 ? blocks : -blocks))
		return -EIO;
	return err;
}

/* ---- new values ---- */

static bool same_value(struct inode *ea, const void *value, size_t size)
{
	CLEANUP(cleanup_free) uint8_t *have = malloc(size);

	return have && ea->d.size == size && ea->d.flags & EXT4_EA_INODE_FL &&
	       S_ISREG(ea->d.mode) && !(ea->d.flags & (EXT4_ENCRYPT_FL | EXT4_INLINE_DATA_FL)) &&
	       !ea->d.file_acl && refs_of(ea) && refs_of(ea) < UINT32_MAX &&
	       !file_read_range(ea, 0, have, size) && !memcmp(have, value, size);
}

/* An inode that has the value; *ret NULL: none is known. */
static void find_value(struct fs *fs, uint32_t hash, const void *value, size_t size,
	struct inode **ret)
{
	unsigned pos = 0;
	uint64_t ino;

	while (xattrcache_next(fs->xattrs, XATTRCACHE_INODE, hash, &pos, &ino)) {
		CLEANUP(inode_putp) struct inode *ea = NULL;

		if (inode_get_special(fs, (uint32_t)ino, &ea) || hash_of(ea) != hash)
			continue;
		if (same_value(ea, value, size)) {
			*ret = STEAL(ea);
			return;
		}
	}
}

/* Writes a run of the value; its last block is filled up with zeros. */
static int write_run(struct inode *ea, const struct run *run, const uint8_t *value, size_t size)
{
	const struct super *sb = &ea->fs->sb;
	uint64_t off = run->lblk << sb->block_bits, room = run->nr << sb->block_bits;
	size_t len = size - off < room ? (size_t)(size - off) : (size_t)room;
	size_t rest = len & (sb->block_size - 1), whole = len - rest;
	CLEANUP(cleanup_free) uint8_t *last = NULL;
	uint64_t at = run->pblk << sb->block_bits;
	int err = whole ? blk_write(ea->fs->blk, at, value + off, whole) : 0;

	if (err || !rest)
		return err;
	last = calloc(1, sb->block_size);
	if (!last)
		return -ENOMEM;
	memcpy(last, value + off + whole, rest);
	return blk_write(ea->fs->blk, at + whole, last, sb->block_size);
}

static int write_value(struct handle *h, struct inode *ea, const uint8_t *value, size_t size)
{
	const struct super *sb = &ea->fs->sb;
	uint64_t lblk = 0, nr = (size + sb->block_size - 1) >> sb->block_bits;
	struct run run;
	int err = 0;

	journal_data_written(h);
	while (!err && lblk < nr) {
		err = map_alloc(h, ea, lblk, (uint32_t)(nr - lblk), RUN_DATA, 0, &run);
		if (!err)
			err = write_run(ea, &run, value, size);
		if (!err)
			lblk += run.nr;
	}
	ea->d.size = size;
	return err;
}

/*
 * As ialloc_new() made it the inode counts for inode's owner, who is charged per attribute instead; and
 * it has taken after inode, which is no directory of which anything is to be inherited.
 */
static int make_plain(struct handle *h, struct inode *ea, uint32_t hash)
{
	int err = usage_add_inode(h, ea, -1);

	ea->d.flags = EXT4_EA_INODE_FL;
	if (super_has_extents(&ea->fs->sb))
		ea->d.flags |= EXT4_EXTENTS_FL;
	map_init(ea);
	ea->d.nlink = 1;
	ea->d.atime = (struct timespec){ .tv_sec = (int32_t)hash };
	set_refs(ea, 1);
	return err;
}

static int create(struct handle *h, struct inode *inode, uint32_t hash, const void *value,
	size_t size, struct inode **ret)
{
	const struct ialloc_want want = {
		.dir = inode,
		.mode = S_IFREG | 0600,
		.uid = inode->d.uid,
		.gid = inode->d.gid,
		.projid = inode->d.projid,
	};
	CLEANUP(inode_putp) struct inode *ea = NULL;
	int err = ialloc_new(h, &want, &ea);

	if (err)
		return err;
	err = make_plain(h, ea, hash);
	if (!err)
		err = write_value(h, ea, value, size);
	if (!err)
		err = inode_write(h, ea);
	if (err) {
		if (free_inode(h, ea))
			log_warn(ea->fs->log, "inode %u stays in use", ea->ino);
		return err;
	}
	*ret = STEAL(ea);
	return 0;
}

int eainode_make(struct handle *h, struct inode *inode, const void *value, size_t size,
	struct xattr_entry *entry)
{
	CLEANUP(inode_putp) struct inode *ea = NULL;
	struct fs *fs = inode->fs;
	uint32_t hash = xattr_value_hash(&fs->sb, value, size);
	uint8_t word[sizeof(hash)];
	int err = eainode_charge(h, inode, entry, 1);

	if (err)
		return err;
	find_value(fs, hash, value, size, &ea);
	if (ea) {
		set_refs(ea, refs_of(ea) + 1);
		err = inode_write(h, ea);
	} else {
		err = create(h, inode, hash, value, size, &ea);
	}
	if (err)
		return eainode_charge(h, inode, entry, -1) ? -EIO : err;
	xattrcache_add(fs->xattrs, XATTRCACHE_INODE, hash, ea->ino);
	le32_put(word, hash);
	entry->value_ino = ea->ino;
	entry->hash = xattr_entry_hash(entry->name, entry->name_len, word, sizeof(word),
		XATTR_CHAR_UNSIGNED);
	return 0;
}

/* The inode and, at worst, a bitmap and a descriptor for each block; a level of the map. */
unsigned eainode_credits(const struct fs *fs, size_t size)
{
	size_t blocks = (size >> fs->sb.block_bits) + 2;

	return ialloc_credits(fs) + (unsigned)blocks * BALLOC_CREDITS + 3 + INODE_CREDITS +
	       2 * usage_credits(fs);
}
