// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who may look without the lock: an inode's block is changed in place only by the inode that alone uses
 * it, under that inode's lock. What others change of a shared block is its count and checksum, so
 * that only the checksum has to be looked at under xattrcache_lock().
 */
#include "config.h"

#include "fs/xattrblock.h"

#include <errno.h>
#include <string.h>

#include "fs/balloc.h"
#include "fs/eainode.h"
#include "fs/fs_i.h"
#include "fs/usage.h"
#include "fs/xattrcache.h"

/* Once per buffer: what has passed is remembered as the buffer's proof. */
static int verify(struct inode *inode, struct buf *buf, const struct xattr_region *region)
{
	struct fs *fs = inode->fs;
	const char *why;
	int err;

	if (buf_proven(buf, BUF_KIND_XATTR, 0))
		return 0;
	if (!xattr_block_csum_ok(&fs->sb, buf->pblk, buf->data))
		return fs_corrupt(fs, inode->ino, -EBADMSG,
			"attribute block %llu: checksum does not match",
			(unsigned long long)buf->pblk);
	err = xattr_region_check(&fs->sb, region, &why);
	if (err)
		return fs_corrupt(fs, inode->ino, err, "attribute block %llu: %s",
			(unsigned long long)buf->pblk, why);
	buf_set_proven(buf, BUF_KIND_XATTR, 0);
	return 0;
}

/* Holds the block without verifying it. */
static int get_block(struct inode *inode, struct buf **ret, struct xattr_region *ret_region)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	struct fs *fs = inode->fs;
	uint64_t pblk = inode->d.file_acl;
	int err;

	if (!super_block_range_valid(&fs->sb, pblk, 1))
		return fs_corrupt(fs, inode->ino, -EUCLEAN, "attribute block %llu is impossible",
			(unsigned long long)pblk);
	err = cache_get(fs->cache, pblk, &buf);
	if (err)
		return err;
	err = xattr_region_block(&fs->sb, buf->data, ret_region);
	if (err)
		return fs_corrupt(fs, inode->ino, err, "attribute block %llu: bad header",
			(unsigned long long)pblk);
	*ret = STEAL(buf);
	return 0;
}

static int open_locked(struct inode *inode, struct buf **ret, struct xattr_region *ret_region)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	int err = inode->d.file_acl ? get_block(inode, &buf, ret_region) : 0;

	if (!err && buf)
		err = verify(inode, buf, ret_region);
	if (!err)
		*ret = STEAL(buf);
	return err;
}

int xattrblock_open(struct inode *inode, struct buf **ret, struct xattr_region *ret_region)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	struct xattrcache *cache = inode->fs->xattrs;
	int err = inode->d.file_acl ? get_block(inode, &buf, ret_region) : 0;

	if (!err && buf && !buf_proven(buf, BUF_KIND_XATTR, 0)) {
		if (cache)
			xattrcache_lock(cache);
		err = verify(inode, buf, ret_region);
		if (cache)
			xattrcache_unlock(cache);
	}
	*ret = err ? NULL : STEAL(buf);
	return err;
}

int xattrblock_load_locked(struct inode *inode, struct xattrset *ret)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	struct xattr_region region = { .len = 0 };
	int err = open_locked(inode, &buf, &region);

	if (!err)
		err = xattrset_copy(&region, ret);
	if (!err && buf)
		xattrcache_add(inode->fs->xattrs, XATTRCACHE_BLOCK,
			xattr_block_hash(ret->entries, ret->nr), buf->pblk);
	return err;
}

/* A damaged count of 0 is that of a block that is in use all the same. */
static uint32_t refcount_of(const struct buf *buf)
{
	uint32_t refcount = xattr_block_refcount(buf->data);

	return refcount ? refcount : 1;
}

static void set_refcount(struct fs *fs, struct buf *buf, uint32_t refcount)
{
	xattr_block_set_refcount(buf->data, refcount);
	xattr_block_set_csum(&fs->sb, buf->pblk, buf->data);
}

static int64_t cluster_blocks(const struct fs *fs)
{
	return (int64_t)1 << fs->sb.cluster_bits;
}

/* ---- an equal block ---- */

/* ext4_xattr_cmp() */
static bool entry_equal(const struct xattr_entry *a, const struct xattr_entry *b)
{
	if (a->hash != b->hash || xattr_entry_compare(a, b) || a->value_size != b->value_size ||
		a->value_ino != b->value_ino)
		return false;
	return a->value_ino || !a->value_size || !memcmp(a->value, b->value, a->value_size);
}

static bool region_equal(const struct xattr_region *region, const struct xattrset *set)
{
	size_t pos = region->first, i = 0;
	struct xattr_entry entry;

	while (xattr_region_next(region, &pos, &entry)) {
		if (i == set->nr || !entry_equal(&entry, &set->entries[i]))
			return false;
		i++;
	}
	return i == set->nr;
}

/* Whether buf, found by a hint, is a block with set's attributes that one more inode can use. */
static bool can_share(struct inode *inode, struct buf *buf, const struct xattrset *set)
{
	struct xattr_region region;

	if (xattr_region_block(&inode->fs->sb, buf->data, &region) || verify(inode, buf, &region))
		return false;
	return xattr_block_refcount(buf->data) >= 1 &&
	       xattr_block_refcount(buf->data) < XATTR_REFCOUNT_MAX && region_equal(&region, set);
}

/* *ret is held, NULL if there is none. */
static int find_equal(struct inode *inode, const struct xattrset *set, struct buf **ret)
{
	struct fs *fs = inode->fs;
	uint32_t hash = xattr_block_hash(set->entries, set->nr);
	unsigned pos = 0;
	uint64_t pblk;

	while (xattrcache_next(fs->xattrs, XATTRCACHE_BLOCK, hash, &pos, &pblk)) {
		CLEANUP(cache_putp) struct buf *buf = NULL;
		int err;

		if (pblk == inode->d.file_acl)
			continue;
		err = cache_get(fs->cache, pblk, &buf);
		if (err)
			return err;
		if (can_share(inode, buf, set)) {
			*ret = STEAL(buf);
			return 0;
		}
	}
	return 0;
}

/* The block has references to its value inodes: that of the caller is one too many. */
static int share(struct handle *h, struct inode *inode, struct buf *buf,
	const struct xattrblock_change *change)
{
	int err = journal_write(h, buf);

	if (!err)
		err = usage_add_blocks(h, inode, cluster_blocks(inode->fs));
	if (err)
		return err;
	if (change->fresh)
		err = errors_abort(h, eainode_drop(h, inode, change->fresh));
	if (err)
		return err;
	set_refcount(inode->fs, buf, xattr_block_refcount(buf->data) + 1);
	inode->d.file_acl = buf->pblk;
	return 0;
}

/* ---- a new block ---- */

/* References for the value inodes that the new block has from the old one; all or none. */
static int ref_values(struct handle *h, struct inode *inode, const struct xattrblock_change *change)
{
	const struct xattrset *set = change->set;
	int err = 0;
	size_t i;

	for (i = 0; i < set->nr && !err; i++)
		if (set->entries[i].value_ino && &set->entries[i] != change->fresh)
			err = eainode_ref(h, inode, &set->entries[i]);
	if (!err)
		return 0;
	while (--i > 0) {
		const struct xattr_entry *entry = &set->entries[i - 1];

		if (entry->value_ino && entry != change->fresh && eainode_drop(h, inode, entry))
			break; /* reported; the value outlives its attributes */
	}
	return err;
}

static int fill_new(struct handle *h, struct inode *inode, uint64_t pblk, const uint8_t *bytes)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	struct fs *fs = inode->fs;
	int err = journal_create(h, pblk, &buf);

	if (err)
		return err;
	memcpy(buf->data, bytes, fs->sb.block_size);
	xattr_block_set_csum(&fs->sb, pblk, buf->data);
	buf_set_proven(buf, BUF_KIND_XATTR, 0);
	return 0;
}

static int create(struct handle *h, struct inode *inode, const uint8_t *bytes,
	const struct xattrblock_change *change)
{
	const struct balloc_want want = { .inode = inode, .nr = 1, .flags = BALLOC_META };
	uint64_t pblk;
	uint32_t nr;
	int err = balloc_alloc(h, &want, &pblk, &nr);

	if (err)
		return err;
	err = ref_values(h, inode, change);
	if (!err)
		err = fill_new(h, inode, pblk, bytes);
	if (err) {
		/* after damage, which was reported, the block stays lost */
		(void)!balloc_free(h, inode, pblk, nr, 0);
		return err;
	}
	inode->d.file_acl = pblk;
	return 0;
}

/* ---- the old block ---- */

/* Makes sure of nr credits beside those for the block itself. */
static bool ensure_credits(struct handle *h, struct inode *inode, size_t nr)
{
	size_t need = nr + xattrblock_credits(inode->fs), have = journal_credits(h);

	return have >= need || journal_extend(h, (unsigned)(need - have));
}

static size_t count_values(const struct xattrset *set)
{
	size_t i, nr = 0;

	for (i = 0; i < set->nr; i++)
		nr += set->entries[i].value_ino != 0;
	return nr;
}

/* inode does not use buf any more: one user less, or the block is freed. */
static int leave(struct handle *h, struct inode *inode, struct buf **buf, uint32_t hash)
{
	struct fs *fs = inode->fs;
	uint64_t mask = (uint64_t)cluster_blocks(fs) - 1;
	uint64_t pblk = (*buf)->pblk;
	int err = usage_add_blocks(h, inode, -cluster_blocks(fs));

	if (err)
		return err;
	if (refcount_of(*buf) > 1) {
		err = journal_write(h, *buf);
		if (!err)
			set_refcount(fs, *buf, refcount_of(*buf) - 1);
		return errors_abort(h, err);
	}
	xattrcache_remove(fs->xattrs, XATTRCACHE_BLOCK, hash, pblk);
	/* nobody may hold what is freed */
	cache_put(STEAL(*buf));
	return balloc_free(h, inode, pblk & ~mask, mask + 1, BFREE_META | BFREE_NO_USAGE);
}

/* The same with the references that its last use has on value inodes. */
static int leave_old(struct handle *h, struct inode *inode, struct buf **buf,
	const struct xattrset *set)
{
	size_t i;
	int err = 0;

	for (i = 0; i < set->nr && refcount_of(*buf) == 1 && !err; i++)
		if (set->entries[i].value_ino)
			err = eainode_drop(h, inode, &set->entries[i]);
	return err ? err : leave(h, inode, buf, xattr_block_hash(set->entries, set->nr));
}

static int change_own(struct handle *h, struct inode *inode, struct buf *buf, uint32_t old_hash,
	const uint8_t *bytes, const struct xattrblock_change *change)
{
	struct fs *fs = inode->fs;
	int err = journal_write(h, buf);

	if (!err && change->gone)
		err = eainode_drop(h, inode, change->gone);
	if (err)
		return err;
	xattrcache_remove(fs->xattrs, XATTRCACHE_BLOCK, old_hash, buf->pblk);
	memcpy(buf->data, bytes, fs->sb.block_size);
	xattr_block_set_csum(&fs->sb, buf->pblk, buf->data);
	return 0;
}

/* ---- all together ---- */

/* The inode's block as it was. */
struct old {
	struct buf *buf; /* NULL: there was none */
	struct xattrset set;
};

static void old_fini(struct old *old)
{
	cache_put(old->buf);
	xattrset_fini(&old->set);
}

static int old_open(struct inode *inode, struct old *ret)
{
	struct xattr_region region = { .len = 0 };
	int err = open_locked(inode, &ret->buf, &region);

	return err ? err : xattrset_copy(&region, &ret->set);
}

/* A block for change's attributes, which bytes hold too, that is not inode's own. */
static int another(struct handle *h, struct inode *inode, struct old *old, const uint8_t *bytes,
	const struct xattrblock_change *change)
{
	CLEANUP(cache_putp) struct buf *equal = NULL;
	size_t values = count_values(change->set) + count_values(&old->set);
	int err = 0;

	if (!ensure_credits(h, inode, values * EAINODE_DROP_CREDITS))
		return -ENOSPC;
	if (change->set->nr) {
		err = find_equal(inode, change->set, &equal);
		if (!err && equal)
			err = share(h, inode, equal, change);
		else if (!err)
			err = create(h, inode, bytes, change);
	} else {
		inode->d.file_acl = 0;
	}
	if (err || !old->buf)
		return err;
	return errors_abort(h, leave_old(h, inode, &old->buf, &old->set));
}

/* Whether inode's own block may be written over; not if another one has what is wanted. */
static int is_own(struct inode *inode, const struct old *old, const struct xattrset *set, bool *ret)
{
	CLEANUP(cache_putp) struct buf *equal = NULL;
	int err = 0;

	*ret = false;
	if (!old->buf || !set->nr || refcount_of(old->buf) > 1)
		return 0;
	err = find_equal(inode, set, &equal);
	*ret = !equal;
	return err;
}

int xattrblock_store(struct handle *h, struct inode *inode, const struct xattrblock_change *change)
{
	CLEANUP(old_fini) struct old old = { .buf = NULL };
	const struct xattrset *set = change->set;
	struct fs *fs = inode->fs;
	CLEANUP(cleanup_free) uint8_t *bytes = malloc(fs->sb.block_size);
	uint32_t hash;
	bool own = false;
	int err = bytes ? old_open(inode, &old) : -ENOMEM;

	if (!err)
		err = xattr_region_encode_block(&fs->sb, set->entries, set->nr, 1, bytes);
	if (!err)
		err = is_own(inode, &old, set, &own);
	if (err)
		return err;
	hash = xattr_block_hash(old.set.entries, old.set.nr);
	err = own ? change_own(h, inode, old.buf, hash, bytes, change) :
		    another(h, inode, &old, bytes, change);
	if (!err && set->nr)
		xattrcache_add(fs->xattrs, XATTRCACHE_BLOCK,
			xattr_block_hash(set->entries, set->nr), inode->d.file_acl);
	return err;
}

/* The old block and the new, of which one may be shared; both are in bitmaps. */
unsigned xattrblock_credits(const struct fs *fs)
{
	return 2 + 2 * BALLOC_CREDITS + 2 * usage_credits(fs);
}

/*
 * The values of a block that nobody else uses, as long as there are credits. In between the block must
 * not name those that are gone.
 */
static int drop_values(struct handle *h, struct inode *inode, struct old *old, bool *ret_done)
{
	struct xattrset *set = &old->set;
	size_t i = 0;
	int err = journal_write(h, old->buf);

	while (!err && i < set->nr) {
		struct xattr_entry *entry = &set->entries[i];

		if (!entry->value_ino) {
			i++;
			continue;
		}
		if (!ensure_credits(h, inode, EAINODE_DROP_CREDITS)) {
			*ret_done = false;
			break;
		}
		err = eainode_drop(h, inode, entry);
		/* damage has been reported, and must not keep the rest */
		if (!err)
			err = eainode_charge(h, inode, entry, -1);
		if (!err || err == -EUCLEAN || err == -EBADMSG) {
			xattrset_remove(set, entry);
			err = 0;
		}
	}
	if (err || *ret_done)
		return err;
	err = xattr_region_encode_block(&inode->fs->sb, set->entries, set->nr, 1, old->buf->data);
	xattr_block_set_csum(&inode->fs->sb, old->buf->pblk, old->buf->data);
	return err;
}

static int uncharge_values(struct handle *h, struct inode *inode, const struct xattrset *set)
{
	size_t i;
	int err = 0;

	for (i = 0; i < set->nr && !err; i++)
		if (set->entries[i].value_ino)
			err = eainode_charge(h, inode, &set->entries[i], -1);
	return err;
}

int xattrblock_drop(struct handle *h, struct inode *inode, bool *ret_done)
{
	CLEANUP(old_fini) struct old old = { .buf = NULL };
	uint32_t hash;
	int err = old_open(inode, &old);

	*ret_done = true;
	if (err || !old.buf)
		return err;
	hash = xattr_block_hash(old.set.entries, old.set.nr);
	if (refcount_of(old.buf) > 1)
		err = uncharge_values(h, inode, &old.set);
	else if (count_values(&old.set))
		err = drop_values(h, inode, &old, ret_done);
	if (err || !*ret_done)
		return err;
	err = leave(h, inode, &old.buf, hash);
	if (!err)
		inode->d.file_acl = 0;
	return err;
}
