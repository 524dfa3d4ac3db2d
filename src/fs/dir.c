// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A directory is read in the order of its blocks, or, where it may change meanwhile, of its
 * names' hashes (dirorder.h). In the order of blocks a position is the byte offset of the next
 * record; some values mean something else:
 *   inline and replayed directories: 0 is ".", 1 is "..", then 2 + offset in the inline bytes;
 *   POS_REPLAYED + i: the i-th name that a fast commit added.
 * POS_DAMAGED and POS_BAD_CSUM ride on a position once a block was left out, so that the error
 * comes at the end, whoever asks and however long after.
 */
#include "config.h"

#include "fs/dir.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/cryptinode.h"
#include "fs/dirblock.h"
#include "fs/dirfind.h"
#include "fs/dirname.h"
#include "fs/dirorder.h"
#include "fs/fcr.h"
#include "fs/fs_i.h"
#include "fs/htree.h"
#include "fs/inline.h"
#include "fs/map.h"

#define POS_REPLAYED ((uint64_t)1 << 62)
#define POS_DAMAGED ((uint64_t)1 << 61)
#define POS_BAD_CSUM ((uint64_t)1 << 60)
#define POS_FLAGS (POS_DAMAGED | POS_BAD_CSUM)
_Static_assert(DIRORDER_END <= POS_BAD_CSUM, "positions by hash leave the flags alone");

#define POS_INLINE_RECORDS 2 /* position of the first inline record */

/*
 * What a fast commit did to dir's names. Not of an encrypted directory: kernels that wrote such
 * fast commits put the plain names into them, with which no one can replay anything.
 */
static const struct fcr_dir *replayed(const struct inode *dir)
{
	if (dir->d.flags & EXT4_ENCRYPT_FL)
		return NULL;
	return dir->fs->fcr ? fcr_dir_find(dir->fs->fcr, dir->ino) : NULL;
}

static int bad_record(struct inode *dir, uint64_t pos, const char *why)
{
	return fs_corrupt(dir->fs, dir->ino, -EUCLEAN, "directory record near offset %llu: %s",
		(unsigned long long)pos, why);
}

static bool is_dot(const char *name, size_t len)
{
	return len == 1 && name[0] == '.';
}

/* An inline directory's "..": records have this check in dirent_decode(). */
static int check_parent(struct inode *dir, uint32_t parent)
{
	if (parent && parent <= dir->fs->sb.inodes)
		return 0;
	return fs_corrupt(dir->fs, dir->ino, -EUCLEAN, "impossible parent directory %u", parent);
}

/* ---- look-up ---- */

static int lookup_inline(struct inode *dir, const struct dirname *want, uint32_t *ret_ino)
{
	CLEANUP(inline_dir_fini) struct inline_dir in = { 0 };
	struct dirent_rec rec;
	const char *why;
	int err = inline_dir_load(dir, &in);

	if (err)
		return err;
	if (dirname_is_dots(want->name, want->len)) {
		*ret_ino = is_dot(want->name, want->len) ? dir->ino : in.parent;
		return check_parent(dir, *ret_ino);
	}
	for (int i = 0; i < 2; i++) {
		err = dirname_find(&in.chains[i], want, &rec, &why);
		if (err == -EUCLEAN)
			return bad_record(dir, 0, why);
		if (!err)
			*ret_ino = rec.ino;
		if (err != -ENOENT)
			return err;
	}
	return -ENOENT;
}

static int lookup_blocks(struct inode *dir, const struct dirname *want, uint32_t *ret_ino)
{
	struct dirplace place;
	int err = dirfind(dir, want, &place);

	if (err)
		return err;
	*ret_ino = place.rec.ino;
	dirblock_fini(&place.block);
	return 0;
}

/* false: the disk has to be asked. */
static bool lookup_replayed(
	struct inode *dir, const char *name, size_t len, int *ret_err, uint32_t *ret_ino)
{
	const struct fcr_dir *changes = replayed(dir);
	bool known;

	if (!changes)
		return false;
	known = fcr_dir_lookup(changes, name, len, ret_ino);
	if (!known && fcr_dir_is_new(changes, ret_ino)) {
		known = true;
		if (is_dot(name, len))
			*ret_ino = dir->ino;
		else if (!dirname_is_dots(name, len))
			*ret_ino = 0;
	}
	if (known)
		*ret_err = *ret_ino ? 0 : -ENOENT;
	return known;
}

int dir_lookup(struct inode *dir, const char *name, size_t len, uint32_t *ret_ino)
{
	struct dirname want;
	int err;

	if (!S_ISDIR(dir->d.mode))
		return -ENOTDIR;
	err = dirname_init(dir, name, len, &want);
	if (err)
		return err;
	if (lookup_replayed(dir, name, len, &err, ret_ino))
		return err;
	if (dir->d.flags & EXT4_INLINE_DATA_FL)
		return lookup_inline(dir, &want, ret_ino);
	return lookup_blocks(dir, &want, ret_ino);
}

/* ---- reading ---- */

struct walk {
	struct inode *dir;
	const struct fcr_dir *changes; /* NULL: none */
	dir_emit emit;
	void *arg;
	const struct filekey *key; /* see dirname_show(), as is the next */
	int hash_version;
	uint64_t flags;	  /* POS_FLAGS met so far */
	unsigned damaged; /* blocks and records passed over in this call */
	bool emitted;
	bool stopped; /* the callback had enough */
};

/* Remembers that something was left out; other errors end the walk. */
static int walk_damage(struct walk *walk, int err)
{
	if (err == -EUCLEAN)
		walk->flags |= POS_DAMAGED;
	else if (err == -EBADMSG)
		walk->flags |= POS_BAD_CSUM;
	else
		return err;
	return ++walk->damaged < DIRFIND_MAX_DAMAGED ? 0 : err;
}

static void walk_emit(struct walk *walk, const char *name, size_t len, uint32_t ino,
	unsigned char dtype, uint64_t next)
{
	struct dir_entry entry = { .name = name, .len = len, .ino = ino, .dtype = dtype,
		.next = next | walk->flags };

	if (walk->emit(walk->arg, &entry))
		walk->emitted = true;
	else
		walk->stopped = true;
}

/* Names replay has decided on come from replay, not from the disk. */
static bool overruled(const struct walk *walk, const char *name, size_t len)
{
	uint32_t ino;

	return walk->changes && fcr_dir_lookup(walk->changes, name, len, &ino);
}

static void walk_record(struct walk *walk, const struct dirent_rec *rec, uint64_t next)
{
	char buf[DIRNAME_SHOWN_MAX];
	const char *name;
	ssize_t shown;
	size_t len;

	if (!dirname_is_shown(walk->dir, rec))
		return;
	shown = dirname_show(walk->dir, walk->key, rec, walk->hash_version, buf, &name);
	len = shown > 0 ? (size_t)shown : 0;
	if (!len || memchr(name, '/', len) || memchr(name, '\0', len)) {
		/* a key that is not the right one decrypts to anything: no fault of the filesystem's */
		if (walk->key && rec->name_len >= FILEKEY_SEALED_MIN)
			log_warn(walk->dir->fs->log, "inode %u: the name of inode %u does not decrypt",
				walk->dir->ino, rec->ino);
		else
			fs_corrupt(walk->dir->fs, walk->dir->ino, -EUCLEAN,
				"impossible name of inode %u", rec->ino);
		walk->flags |= POS_DAMAGED;
		return;
	}
	if (!overruled(walk, name, len))
		walk_emit(walk, name, len, rec->ino, dirent_dtype(rec->file_type), next);
}

/*
 * Emits the records of a chain whose first byte has position base, from pos on. A position that
 * is no record's beginning (someone seeked) goes on with the record after it.
 */
static int walk_chain(struct walk *walk, const struct dirent_chain *chain, uint64_t base,
	uint64_t pos)
{
	struct dirent_rec rec;
	const char *why;

	for (size_t off = 0; off < chain->size && !walk->stopped; off += rec.rec_len) {
		int err = dirent_decode(chain, off, &rec, &why);

		if (err)
			return walk_damage(walk, bad_record(walk->dir, base + off, why));
		if (base + off >= pos)
			walk_record(walk, &rec, base + off + rec.rec_len);
	}
	return 0;
}

static int walk_blocks(struct walk *walk, uint64_t pos)
{
	unsigned bits = walk->dir->fs->sb.block_bits;
	uint64_t blocks;
	int err = dirblock_count(walk->dir, &blocks);

	if (err)
		return walk_damage(walk, err);
	for (uint64_t turn = 0; !err && pos >> bits < blocks && !walk->stopped; turn++) {
		CLEANUP(dirblock_fini) struct dirblock block = { 0 };
		uint64_t lblk = pos >> bits;

		if (fs_interrupted(walk->dir->fs, turn))
			return -EINTR;
		err = dirblock_load(walk->dir, lblk, &block);
		if (err)
			err = walk_damage(walk, err);
		else if (block.buf)
			err = walk_chain(walk, &block.chain, lblk << bits, pos);
		lblk += block.holes ? block.holes : 1;
		pos = lblk < blocks ? lblk << bits : blocks << bits;
	}
	return err;
}

static void walk_dots(struct walk *walk, uint32_t parent, uint64_t pos)
{
	if (pos == 0)
		walk_emit(walk, ".", 1, walk->dir->ino, dirent_dtype(EXT2_FT_DIR), 1);
	if (pos > 1 || walk->stopped)
		return;
	if (check_parent(walk->dir, parent))
		walk->flags |= POS_DAMAGED;
	else
		walk_emit(walk, "..", 2, parent, dirent_dtype(EXT2_FT_DIR), POS_INLINE_RECORDS);
}

static int walk_inline(struct walk *walk, uint64_t pos)
{
	CLEANUP(inline_dir_fini) struct inline_dir in = { 0 };
	uint64_t base = POS_INLINE_RECORDS;
	int err = inline_dir_load(walk->dir, &in);

	if (err)
		return walk_damage(walk, err);
	walk_dots(walk, in.parent, pos);
	for (int i = 0; !err && i < 2 && !walk->stopped; i++) {
		err = walk_chain(walk, &in.chains[i], base, pos);
		base += in.chains[i].size;
	}
	return err;
}

/* ---- in the order of hashes ---- */

static bool order_record(void *arg, const struct dirent_rec *rec, uint64_t next)
{
	struct walk *walk = arg;

	walk_record(walk, rec, next);
	return !walk->stopped;
}

static int order_damage(void *arg, int err)
{
	return walk_damage(arg, err);
}

static int walk_ordered(struct walk *walk, int version, uint64_t pos)
{
	CLEANUP(inline_dir_fini) struct inline_dir in = { 0 };
	const struct dirorder_reader reader = { order_record, order_damage, walk };
	int err;

	if (!(walk->dir->d.flags & EXT4_INLINE_DATA_FL))
		return dirorder_walk(walk->dir, version, pos, &reader);
	err = inline_dir_load(walk->dir, &in);
	if (err)
		return walk_damage(walk, err);
	walk_dots(walk, in.parent, pos);
	if (walk->stopped)
		return 0;
	return dirorder_walk_chains(walk->dir, version, pos, in.chains, 2, &reader);
}

/* ---- all of it ---- */

static void walk_replayed(struct walk *walk, uint64_t i)
{
	struct fcr_name name;

	for (; !walk->stopped && fcr_dir_name(walk->changes, i, &name); i++)
		if (name.ino)
			walk_emit(walk, name.name, name.len, name.ino, dirent_dtype(0),
				POS_REPLAYED + i + 1);
}

/* The part of the directory that lies on disk. */
static int walk_disk(struct walk *walk, uint64_t pos)
{
	uint32_t parent;
	int version;

	if (walk->changes && fcr_dir_is_new(walk->changes, &parent)) {
		walk_dots(walk, parent, pos);
		return 0;
	}
	if (dirorder_applies(walk->dir, &version))
		return walk_ordered(walk, version, pos);
	if (walk->dir->d.flags & EXT4_INLINE_DATA_FL)
		return walk_inline(walk, pos);
	return walk_blocks(walk, pos);
}

/*
 * Which hash the no-key names of an encrypted directory carry: the kernel computes one when it
 * reads through the index, which it also does for directories of one block (is_dx_dir()).
 */
static int shown_hash_version(struct inode *dir)
{
	int version;

	if (!(dir->d.flags & EXT4_ENCRYPT_FL) || !super_has_dir_index(&dir->fs->sb))
		return -1;
	if (dirblock_dir_indexed(dir) && !(dir->d.flags & EXT4_INLINE_DATA_FL))
		return htree_hash_version(dir, &version) ? -1 : version;
	if (dir->d.flags & EXT4_INLINE_DATA_FL || dir->d.size >> dir->fs->sb.block_bits == 1)
		return dir->fs->sb.def_hash_version;
	return -1;
}

static int iterate_locked(struct inode *dir, uint64_t pos, dir_emit emit, void *arg)
{
	struct walk walk = { .dir = dir, .emit = emit, .arg = arg, .flags = pos & POS_FLAGS };
	int err = 0;

	if (dir->d.flags & EXT4_ENCRYPT_FL)
		err = cryptinode_names_key(dir, &walk.key);
	if (err)
		return err;
	walk.changes = replayed(dir);
	walk.hash_version = shown_hash_version(dir);
	pos &= ~POS_FLAGS;
	if (!(pos & POS_REPLAYED)) {
		err = walk_disk(&walk, pos);
		pos = POS_REPLAYED;
	}
	if (!err && walk.changes)
		walk_replayed(&walk, pos - POS_REPLAYED);
	if (err || walk.emitted || walk.stopped)
		return walk.emitted ? 0 : err;
	if (walk.flags & POS_DAMAGED)
		return -EUCLEAN;
	return walk.flags & POS_BAD_CSUM ? -EBADMSG : 0;
}

int dir_iterate(struct inode *dir, uint64_t pos, dir_emit emit, void *arg)
{
	int err;

	if (!S_ISDIR(dir->d.mode))
		return -ENOTDIR;
	if (!dir->fs->opts.writable)
		return iterate_locked(dir, pos, emit, arg);
	rwlock_read(&dir->lock);
	err = iterate_locked(dir, pos, emit, arg);
	rwlock_drop(&dir->lock);
	return err;
}
