// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every step leaves a valid tree behind: what it takes is loaded, announced and allocated first,
 * then the step is made at once. A step is to move a directory's only block below a root
 * (make_indexed_dir()), to split a leaf (do_split()), to split a node, or to put a level below
 * the root (ext4_dx_add_entry()).
 *
 * Invariants that e2fsck checks: the hashes of a node rise; the names of a leaf have hashes from
 * its entry's on and below the next one's, but that names of one hash may spill into the next
 * leaf, whose entry then has the hash plus 1.
 */
#include "config.h"

#include "fs/htree_edit.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/dirblock_edit.h"
#include "fs/dirname.h"
#include "fs/fs_i.h"
#include "fs/htree_i.h"
#include "fs/map.h"

static bool has_hashes(const struct inode *dir)
{
	return dirblock_chain(dir).has_hashes;
}

static int corrupt(struct inode *dir, const char *why)
{
	return fs_corrupt(dir->fs, dir->ino, -EUCLEAN, "directory leaf: %s", why);
}

/* ---- leaves ---- */

struct name {
	uint32_t hash;
	uint32_t off;  /* of the record in the leaf */
	uint32_t size; /* the least it takes */
};

/* The names of a leaf, and a copy of it. */
struct names {
	struct name *names; /* owned */
	uint32_t *offs;	    /* owned; the same order, offsets alone */
	uint8_t *copy;	    /* owned */
	size_t nr;
};

static void names_fini(struct names *names)
{
	free(names->names);
	free(names->offs);
	free(names->copy);
}

static int names_compare(const void *va, const void *vb)
{
	const struct name *a = va, *b = vb;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return a->off < b->off ? -1 : 1;
}

static int names_alloc(struct names *names, const uint8_t *raw, size_t size)
{
	size_t most = size / DIRENT_DOT_SIZE;

	names->names = malloc(most * sizeof(*names->names));
	names->offs = malloc(most * sizeof(*names->offs));
	names->copy = malloc(size);
	if (!names->names || !names->offs || !names->copy)
		return -ENOMEM;
	memcpy(names->copy, raw, size);
	return 0;
}

/* All names of a leaf, sorted by hash (dx_make_map(), dx_sort_map()). */
static int names_init(struct inode *dir, int version, const uint8_t *raw, struct names *names)
{
	const struct dirent_chain chain = dirblock_leaf_chain(dir, raw);
	struct dirent_rec rec;
	const char *why;
	int err = names_alloc(names, raw, chain.size);

	for (size_t off = 0; !err && off < chain.size; off += rec.rec_len) {
		struct name *name = &names->names[names->nr];
		uint32_t minor;

		err = dirent_decode(&chain, off, &rec, &why);
		if (err)
			return corrupt(dir, why);
		if (!rec.ino || !rec.name_len)
			continue;
		*name = (struct name){ .off = (uint32_t)off,
			.size = dirent_rec_size(rec.name_len) };
		err = dirname_hash(dir, version, rec.name, rec.name_len, &name->hash, &minor);
		names->nr++;
	}
	if (err)
		return err;
	qsort(names->names, names->nr, sizeof(*names->names), names_compare);
	for (size_t i = 0; i < names->nr; i++)
		names->offs[i] = names->names[i].off;
	return 0;
}

/*
 * The first name that moves, 1 or more: about half of the bytes go. Where they are less than half
 * a block together, half of the names.
 */
static size_t names_middle(const struct names *names, size_t block_size)
{
	size_t bytes = 0, at = names->nr;

	for (; at; at--) {
		size_t size = names->names[at - 1].size;

		if (bytes + size / 2 > block_size / 2)
			return at;
		bytes += size;
	}
	return names->nr / 2;
}

/* A leaf full of gaps but with hardly a name: closing up makes all the room there can be. */
static int repack(struct handle *h, struct inode *dir, struct buf *leaf, const struct names *names)
{
	int err = journal_write(h, leaf);

	if (err)
		return err;
	dirent_pack(leaf->data, dirblock_leaf_size(dir), names->copy, names->offs, names->nr);
	dirblock_seal(dir, leaf, DIRBLOCK_LEAF);
	return 0;
}

/* Splits the path's leaf: the names from middle on go to a new one. */
static int split_at(struct handle *h, struct inode *dir, struct htree_path *path, struct buf *leaf,
	const struct names *names, size_t middle)
{
	CLEANUP(cache_putp) struct buf *right = NULL;
	struct htree_frame *frame = &path->frames[path->nr - 1];
	size_t size = dirblock_leaf_size(dir);
	uint32_t hash = names->names[middle].hash, lblk;
	int err = journal_write(h, leaf);

	if (!err)
		err = journal_write(h, frame->block.buf);
	if (!err)
		err = dirblock_append(h, dir, &lblk, &right);
	if (err)
		return err;
	dirent_pack(leaf->data, size, names->copy, names->offs, middle);
	dirent_pack(right->data, size, names->copy, names->offs + middle, names->nr - middle);
	dirblock_seal(dir, leaf, DIRBLOCK_LEAF);
	dirblock_seal(dir, right, DIRBLOCK_LEAF);
	if (names->names[middle - 1].hash == hash)
		hash |= 1;
	dx_insert(frame->block.buf->data, path->nr == 1, frame->at, hash, lblk);
	dirblock_seal(dir, frame->block.buf, frame->block.kind);
	return 0;
}

static int split_leaf(
	struct handle *h, struct inode *dir, struct htree_path *path, struct buf *leaf)
{
	CLEANUP(names_fini) struct names names = { .nr = 0 };
	int err = names_init(dir, path->version, leaf->data, &names);

	if (err)
		return err;
	if (names.nr < 2)
		return repack(h, dir, leaf, &names);
	return split_at(
		h, dir, path, leaf, &names, names_middle(&names, dir->fs->sb.block_size));
}

/* ---- nodes ---- */

static bool is_full(const struct htree_frame *frame)
{
	return frame->entries.count >= frame->entries.limit;
}

static int push_down(struct handle *h, struct inode *dir, struct htree_path *path)
{
	CLEANUP(cache_putp) struct buf *node = NULL;
	const struct super *sb = &dir->fs->sb;
	struct buf *root = path->frames[0].block.buf;
	unsigned most = super_has_largedir(sb) ? DX_MAX_LEVELS : DX_MAX_LEVELS - 1;
	uint32_t lblk;
	int err;

	if (path->levels >= most) {
		log_limited(dir->fs->log, LOG_LEVEL_WARN,
			"inode %u: the directory's index is full%s", dir->ino,
			most < DX_MAX_LEVELS ? " (large_dir would let it grow)" : "");
		return -ENOSPC;
	}
	err = journal_write(h, root);
	if (!err)
		err = dirblock_append(h, dir, &lblk, &node);
	if (err)
		return err;
	dx_root_push_down(sb, root->data, node->data, has_hashes(dir), lblk);
	dirblock_seal(dir, root, DIRBLOCK_ROOT);
	dirblock_seal(dir, node, DIRBLOCK_NODE);
	return 0;
}

static int split_node(struct handle *h, struct inode *dir, struct htree_frame *parent,
	struct htree_frame *frame)
{
	CLEANUP(cache_putp) struct buf *right = NULL;
	struct buf *above = parent->block.buf, *left = frame->block.buf;
	const struct super *sb = &dir->fs->sb;
	uint32_t hash, lblk;
	int err = journal_write(h, above);

	if (!err)
		err = journal_write(h, left);
	if (!err)
		err = dirblock_append(h, dir, &lblk, &right);
	if (err)
		return err;
	dx_node_split(sb, left->data, right->data, has_hashes(dir), &hash);
	dx_insert(above->data, parent->block.kind == DIRBLOCK_ROOT, parent->at, hash, lblk);
	dirblock_seal(dir, left, DIRBLOCK_NODE);
	dirblock_seal(dir, right, DIRBLOCK_NODE);
	dirblock_seal(dir, above, parent->block.kind);
	return 0;
}

/* One step towards room in the path's last node, after which the path is void. */
static int grow_index(struct handle *h, struct inode *dir, struct htree_path *path)
{
	unsigned i = path->nr - 1;

	while (i && is_full(&path->frames[i - 1]))
		i--;
	if (!i)
		return push_down(h, dir, path);
	return split_node(h, dir, &path->frames[i - 1], &path->frames[i]);
}

/* ---- adding ---- */

/* *ret_again: the tree has changed so that another try gets further. */
static int add_step(struct handle *h, struct inode *dir, const struct dirent_rec *rec,
	struct htree_path *path, bool *ret_again)
{
	CLEANUP(dirblock_fini) struct dirblock leaf = { .buf = NULL };
	uint32_t hash, minor, lblk;
	int err = htree_path_init(dir, path);

	if (!err)
		err = dirname_hash(dir, path->version, rec->name, rec->name_len, &hash, &minor);
	if (err == -EOPNOTSUPP)
		path->nonsense = true;
	if (!err)
		err = htree_path_descend(dir, path, hash);
	if (err)
		return err;
	lblk = htree_path_leaf(path);
	err = htree_load(dir, lblk, DIRBLOCK_LEAF, &leaf);
	if (err)
		return err;
	err = dirblock_insert(h, dir, lblk, leaf.buf, rec);
	if (err != -ENOSPC)
		return err;
	*ret_again = true;
	if (is_full(&path->frames[path->nr - 1]))
		return grow_index(h, dir, path);
	return split_leaf(h, dir, path, leaf.buf);
}

int htree_add(
	struct handle *h, struct inode *dir, const struct dirent_rec *rec, bool *ret_nonsense)
{
	bool again = true;
	int err = 0;

	*ret_nonsense = false;
	/* a level, a node of each level, a leaf, and into it */
	for (unsigned i = 0; i < HTREE_MAX_APPENDS + 2 && again && !err; i++) {
		CLEANUP(htree_path_fini) struct htree_path path = { .nr = 0 };

		again = false;
		err = add_step(h, dir, rec, &path, &again);
		*ret_nonsense = path.nonsense;
	}
	if (!err && again)
		err = corrupt(dir, "splitting makes no room");
	return err;
}

/* ---- making an index ---- */

/* Where the records behind "." and ".." begin; 0: these are not where they have to be. */
static size_t behind_dots(const struct dirent_chain *chain)
{
	struct dirent_rec dot, dotdot;
	const char *why;

	if (dirent_decode(chain, 0, &dot, &why) || dot.rec_len != DIRENT_DOT_SIZE ||
		dot.name_len != 1 || dot.name[0] != '.' || !dot.ino)
		return 0;
	if (dirent_decode(chain, DIRENT_DOT_SIZE, &dotdot, &why) || dotdot.name_len != 2 ||
		dotdot.name[0] != '.' || dotdot.name[1] != '.' || !dotdot.ino)
		return 0;
	return DIRENT_DOT_SIZE + dotdot.rec_len;
}

/* Offsets of the used records from off on. */
static int list_used(struct inode *dir, const struct dirent_chain *chain, size_t off,
	uint32_t *offs, size_t *ret_nr)
{
	struct dirent_rec rec;
	const char *why;

	for (*ret_nr = 0; off < chain->size; off += rec.rec_len) {
		if (dirent_decode(chain, off, &rec, &why))
			return corrupt(dir, why);
		if (rec.ino && rec.name_len)
			offs[(*ret_nr)++] = (uint32_t)off;
	}
	return 0;
}

static int move_below_root(
	struct handle *h, struct inode *dir, struct buf *root, const uint32_t *offs, size_t nr)
{
	CLEANUP(cache_putp) struct buf *leaf = NULL;
	const struct super *sb = &dir->fs->sb;
	uint32_t lblk;
	int err = journal_write(h, root);

	if (!err)
		err = dirblock_append(h, dir, &lblk, &leaf);
	if (err)
		return err;
	dirent_pack(leaf->data, dirblock_leaf_size(dir), root->data, offs, nr);
	dirblock_seal(dir, leaf, DIRBLOCK_LEAF);
	dx_root_init(sb, root->data, sb->def_hash_version, lblk);
	dirblock_seal(dir, root, DIRBLOCK_ROOT);
	dir->d.flags |= EXT2_INDEX_FL;
	return inode_write(h, dir);
}

int htree_make(struct handle *h, struct inode *dir, bool *ret_done)
{
	CLEANUP(cleanup_free) uint32_t *offs = NULL;
	CLEANUP(dirblock_fini) struct dirblock block = { .buf = NULL };
	struct dirent_chain chain;
	uint32_t hash, minor;
	size_t off, nr;
	int err;

	*ret_done = false;
	if (dirname_hash(dir, dir->fs->sb.def_hash_version, "x", 1, &hash, &minor))
		return 0;
	err = htree_load(dir, 0, DIRBLOCK_LEAF, &block);
	if (err)
		return err;
	chain = dirblock_leaf_chain(dir, block.buf->data);
	off = behind_dots(&chain);
	if (!off)
		return 0;
	offs = malloc(chain.size / DIRENT_DOT_SIZE * sizeof(*offs));
	if (!offs)
		return -ENOMEM;
	err = list_used(dir, &chain, off, offs, &nr);
	if (!err)
		err = move_below_root(h, dir, block.buf, offs, nr);
	*ret_done = !err;
	return err;
}
