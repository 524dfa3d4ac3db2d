// SPDX-License-Identifier: GPL-2.0-or-later
/* Inodes as they lie in the inode tables. */
#include "config.h"

#include "fs/inode.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/atime.h"
#include "fs/fcr.h"
#include "fs/fs_i.h"
#include "fs/group.h"
#include "fs/orphan.h"

static bool mode_known(uint16_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return true;
	default:
		return false;
	}
}

int dinode_load_disk(struct fs *fs, uint32_t ino, struct buf **ret_buf, const uint8_t **ret_raw)
{
	const struct super *sb = &fs->sb;
	uint64_t table, off, blocks;
	int err;

	if (ino == 0 || ino > sb->inodes)
		return -ESTALE;
	err = group_inode_table(fs, (ino - 1) / sb->inodes_per_group, &table);
	if (err)
		return err;
	off = (uint64_t)((ino - 1) % sb->inodes_per_group) * sb->inode_size;
	blocks = ((uint64_t)sb->inodes_per_group * sb->inode_size) >> sb->block_bits;
	err = cache_get_near(fs->cache, table + (off >> sb->block_bits), table, blocks, ret_buf);
	if (!err)
		*ret_raw = (*ret_buf)->data + (off & (sb->block_size - 1));
	return err;
}

/*
 * Who holds the inode's lock is safe from its own changes, but not from dinode_write_dtime(), when a
 * neighbour leaves the list of orphans.
 */
static bool csum_ok(struct fs *fs, uint32_t ino, const struct buf *buf, const uint8_t *raw)
{
	struct rwlock *lock = fs_itable_lock(fs, buf->pblk);
	bool ok;

	if (!fs->opts.writable)
		return dinode_csum_ok(&fs->sb, ino, raw);
	rwlock_read(lock);
	ok = dinode_csum_ok(&fs->sb, ino, raw);
	rwlock_drop(lock);
	return ok;
}

int dinode_load_raw(struct fs *fs, uint32_t ino, struct buf **ret_buf, const uint8_t **ret_raw)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	const uint8_t *raw, *replayed;
	int err = dinode_load_disk(fs, ino, &buf, &raw);

	if (err)
		return err;
	replayed = fs->fcr ? fcr_inode_raw(fs->fcr, ino) : NULL;
	if (replayed)
		raw = replayed;
	else if (!csum_ok(fs, ino, buf, raw))
		return fs_corrupt(fs, ino, -EBADMSG, "inode fails its checksum");
	*ret_raw = raw;
	*ret_buf = STEAL(buf);
	return 0;
}

/* Checks and decodes a raw inode that nobody is changing. */
static int decode_checked(struct fs *fs, uint32_t ino, const uint8_t *raw, bool replayed,
	struct dinode *ret)
{
	int err;

	if (!replayed && !dinode_csum_ok(&fs->sb, ino, raw))
		return fs_corrupt(fs, ino, -EBADMSG, "inode fails its checksum");
	err = dinode_decode(&fs->sb, raw, ret);
	if (err)
		return fs_corrupt(fs, ino, err, "inode has i_extra_isize %u, size %llu",
			ret->extra_isize, (unsigned long long)ret->size);
	/* no links but a mode: an orphan, of another time than this one or still in use */
	if (!ret->nlink && !orphan_is_known(fs, ino))
		return -ESTALE;
	if (!mode_known(ret->mode))
		return fs_corrupt(fs, ino, -EUCLEAN, "inode has mode %o", ret->mode);
	return 0;
}

int dinode_load_special(struct fs *fs, uint32_t ino, struct dinode *ret)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	struct rwlock *lock;
	const uint8_t *raw, *replayed;
	int err = dinode_load_disk(fs, ino, &buf, &raw);

	if (err)
		return err;
	replayed = fs->fcr ? fcr_inode_raw(fs->fcr, ino) : NULL;
	if (!fs->opts.writable)
		return decode_checked(fs, ino, replayed ? replayed : raw, replayed, ret);
	lock = fs_itable_lock(fs, buf->pblk);
	rwlock_read(lock);
	err = decode_checked(fs, ino, raw, false, ret);
	if (!err)
		atime_show(fs, ino, ret);
	rwlock_drop(lock);
	return err;
}

int dinode_check_user(struct fs *fs, uint32_t ino, const struct dinode *d)
{
	if (super_ino_special(&fs->sb, ino))
		return fs_corrupt(fs, ino, -EUCLEAN, "reserved inode in use as a file");
	if (d->flags & EXT4_EA_INODE_FL)
		return fs_corrupt(fs, ino, -EUCLEAN, "attribute value in use as a file");
	return 0;
}

int dinode_load(struct fs *fs, uint32_t ino, struct dinode *ret)
{
	int err = dinode_load_special(fs, ino, ret);

	return err ? err : dinode_check_user(fs, ino, ret);
}

/* ---- writing ---- */

struct timespec inode_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return now;
}

bool inode_is_sync(const struct inode *inode)
{
	return inode->fs->opts.sync || inode->d.flags & EXT2_SYNC_FL;
}

/* What of the raw inode is not struct dinode's: kept, taken from body, or nothing yet. */
struct source {
	const uint8_t *body; /* NULL: keep */
	bool fresh;
};

static int store_locked(struct inode *inode, const struct source *from, uint8_t *raw)
{
	const struct super *sb = &inode->fs->sb;
	size_t used;
	int err;

	if (from->fresh)
		memset(raw, 0, sb->inode_size);
	if (inode->orphan & ORPHAN_LISTED)
		inode->d.dtime = dinode_get_dtime(raw);
	err = dinode_encode(sb, &inode->d, raw);
	if (err)
		return err;
	used = EXT2_GOOD_OLD_INODE_SIZE + (size_t)inode->d.extra_isize;
	if (from->body && used < sb->inode_size)
		memcpy(raw + used, from->body + used, sb->inode_size - used);
	dinode_csum_set(sb, inode->ino, raw);
	return 0;
}

static int store(struct handle *h, struct inode *inode, const struct source *from)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	struct fs *fs = inode->fs;
	const uint8_t *raw;
	struct rwlock *lock;
	int err = dinode_load_disk(fs, inode->ino, &buf, &raw);

	if (!err)
		err = journal_write(h, buf);
	/* of a fresh one nobody knows; who made it gives it up */
	if (err)
		return from->fresh ? err : errors_abort(h, err);
	atomic_store_explicit(&inode->changed, true, memory_order_relaxed);
	lock = fs_itable_lock(fs, buf->pblk);
	rwlock_write(lock);
	err = store_locked(inode, from, buf->data + (raw - buf->data));
	if (!err)
		atime_written(fs, inode->ino);
	rwlock_drop(lock);
	if (inode->d.flags & EXT4_EA_INODE_FL)
		atomic_store_explicit(&inode->is_value, true, memory_order_relaxed);
	if (inode->d.nlink || inode->orphan)
		atomic_store_explicit(&inode->fresh, false, memory_order_release);
	atomic_store_explicit(&inode->tid, journal_tid(h), memory_order_relaxed);
	return err;
}

int inode_write_times(struct handle *h, struct inode *inode)
{
	const struct source keep = { .body = NULL };

	return store(h, inode, &keep);
}

int inode_write(struct handle *h, struct inode *inode)
{
	int err = inode_write_times(h, inode);

	atomic_store_explicit(&inode->data_tid, journal_tid(h), memory_order_relaxed);
	return err;
}

int inode_write_raw(struct handle *h, struct inode *inode, const uint8_t *raw, bool fresh)
{
	const struct source from = { .body = raw, .fresh = fresh };
	int err = store(h, inode, &from);

	atomic_store_explicit(&inode->data_tid, journal_tid(h), memory_order_relaxed);
	return err;
}

int dinode_write_dtime(struct handle *h, struct fs *fs, uint32_t ino, uint32_t dtime)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	struct rwlock *lock;
	const uint8_t *at;
	uint8_t *raw;
	int err = dinode_load_disk(fs, ino, &buf, &at);

	if (!err)
		err = journal_write(h, buf);
	if (err)
		return err;
	raw = buf->data + (at - buf->data);
	lock = fs_itable_lock(fs, buf->pblk);
	rwlock_write(lock);
	dinode_set_dtime(raw, dtime);
	dinode_csum_set(&fs->sb, ino, raw);
	rwlock_drop(lock);
	return 0;
}

int inode_read_raw(struct inode *inode, uint8_t *ret)
{
	CLEANUP(cache_putp) struct buf *buf = NULL;
	struct rwlock *lock;
	const uint8_t *raw;
	int err = dinode_load_disk(inode->fs, inode->ino, &buf, &raw);

	if (err)
		return err;
	lock = fs_itable_lock(inode->fs, buf->pblk);
	rwlock_read(lock);
	memcpy(ret, raw, inode->fs->sb.inode_size);
	rwlock_drop(lock);
	return 0;
}

void inode_lock_many(struct inode **inodes, size_t nr, struct inode_locks *ret)
{
	struct inode *sorted[INODE_LOCK_MAX];
	size_t n = 0;

	for (size_t i = 0; i < nr; i++) {
		struct inode *inode = inodes[i];
		size_t at = n;

		for (size_t k = 0; k < n; k++)
			if (sorted[k] == inode)
				inode = NULL;
		if (!inode)
			continue;
		for (; at && sorted[at - 1]->ino > inode->ino; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = inode;
		n++;
	}
	for (size_t i = 0; i < n; i++)
		ret->locks[i] = &sorted[i]->lock;
	ret->nr = n;
	rwlock_write_many(ret->locks, n);
}

void inode_unlock_many(struct inode_locks *locks)
{
	rwlock_drop_many(locks->locks, locks->nr);
	locks->nr = 0;
}
