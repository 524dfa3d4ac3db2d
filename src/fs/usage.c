// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The quota files' entries are changed in two steps: first the entries of all owners are found or
 * made, and announced to the transaction; then, where nothing can fail any more, they are changed.
 * An entry is changed under its file's lock; between the steps it stays where it is.
 */
#include "config.h"

#include "fs/usage.h"

#include <errno.h>
#include <string.h>

#include "format/xattr_region.h"
#include "fs/fs_i.h"
#include "fs/quotafile.h"

struct usage {
	struct quotafile *files[DQUOT_TYPES]; /* [const] owned; NULL: not counted */
	unsigned nr;
};

/* The owners of something, and their held and announced entries; buf NULL: not counted. */
struct owners {
	uint32_t ids[DQUOT_TYPES];
	bool same[DQUOT_TYPES]; /* not concerned */
	struct quotafile_entry entries[DQUOT_TYPES];
};

/* What is added to an entry. */
struct amount {
	int64_t bytes, inodes;
};

/* ---- the files ---- */

/* ext4_check_quota_consistency(), ext4_enable_quotas() */
int usage_check(struct fs *fs)
{
	static const char *const names[] = {
		[DQUOT_USER] = "users", [DQUOT_GROUP] = "groups", [DQUOT_PROJECT] = "projects",
	};
	unsigned wanted = fs->opts.quota_limits;

	if (wanted >> DQUOT_PROJECT & 1 && !super_has_project(&fs->sb)) {
		log_error(fs->log, "option prjquota: the filesystem lacks the feature project");
		return -EINVAL;
	}
	for (unsigned type = 0; type < DQUOT_TYPES; type++)
		if (wanted >> type & 1 && !(super_has_quota(&fs->sb) && fs->sb.special_ino[type]))
			log_warn(fs->log, "no limits are enforced for %s: the filesystem has no "
					  "quota file for them (tune2fs -O quota)", names[type]);
	return 0;
}

int usage_start(struct fs *fs)
{
	struct usage *usage;
	int err = 0;

	if (!super_has_quota(&fs->sb))
		return 0;
	usage = calloc(1, sizeof(*usage));
	if (!usage)
		return -ENOMEM;
	fs->usage = usage;
	for (unsigned type = 0; !err && type < DQUOT_TYPES; type++) {
		if (!fs->sb.special_ino[type])
			continue;
		err = quotafile_open(fs, (enum dquot_type)type, &usage->files[type]);
		if (!err)
			usage->nr++;
	}
	if (err)
		log_error(fs->log, "the quota files cannot be used: run e2fsck, or mount read-only "
				   "(-o ro)");
	return err;
}

void usage_stop(struct fs *fs)
{
	struct usage *usage = STEAL(fs->usage);

	for (unsigned type = 0; usage && type < DQUOT_TYPES; type++) {
		if (usage->files[type] && fs->journal && !journal_error(fs->journal))
			quotafile_tidy(usage->files[type]);
		quotafile_close(usage->files[type]);
	}
	free(usage);
}

/* A transfer has two owners of each type, each with an entry in one block. */
unsigned usage_credits(const struct fs *fs)
{
	return fs->usage ? 2 * fs->usage->nr : 0;
}

/* Whether somebody is charged for what inode itself uses (IS_NOQUOTA()). */
static bool is_counted(const struct inode *inode)
{
	const struct super *sb = &inode->fs->sb;

	if (!inode->fs->usage || inode->d.flags & EXT4_EA_INODE_FL)
		return false;
	return inode->ino == EXT2_ROOT_INO || !super_ino_special(sb, inode->ino);
}

/* ---- finding entries ---- */

/* Nothing is counted in file from now on, for err. */
static void give_up_locked(struct quotafile *file, int err)
{
	if (file->damaged)
		return;
	file->damaged = true;
	(void)fs_corrupt(file->fs, file->inode->ino, -EUCLEAN, "quota is no longer counted: %s",
		strerror(-err));
}

static bool is_fault(int err)
{
	return err == -EUCLEAN || err == -EBADMSG || err == -EIO;
}

/*
 * Holds and, for h, announces the entry of id. ret->buf stays NULL if there is none; *ret_counted
 * false: and none is wanted.
 */
static int find(struct handle *h, struct quotafile *file, uint32_t id, struct quotafile_entry *ret,
	bool *ret_counted)
{
	int err = 0;

	ret->buf = NULL;
	lock_take(&file->lock);
	if (!file->damaged)
		err = quotafile_find_locked(file, id, ret);
	if (!err && h && ret->buf)
		err = journal_write(h, ret->buf);
	if (is_fault(err))
		give_up_locked(file, err);
	*ret_counted = !file->damaged;
	lock_drop(&file->lock);
	return err;
}

static int insert(struct handle *h, struct quotafile *file, uint32_t id, bool extend,
	struct quotafile_entry *ret)
{
	int err = 0;

	lock_take(&file->lock);
	/* another thread may have been faster */
	if (!file->damaged)
		err = quotafile_find_locked(file, id, ret);
	if (!err && !ret->buf && !file->damaged)
		err = quotafile_insert_locked(h, file, id, extend, ret);
	if (!err && ret->buf)
		err = journal_write(h, ret->buf);
	if (is_fault(err))
		give_up_locked(file, err);
	lock_drop(&file->lock);
	return err;
}

/* Finds or makes the entry of who is going to have more. */
static int find_or_insert(struct handle *h, struct quotafile *file, uint32_t id,
	struct quotafile_entry *ret)
{
	bool counted;
	int err = find(h, file, id, ret, &counted);

	if (err || ret->buf || !counted)
		return err;
	return insert(h, file, id, true, ret);
}

/* Finds the entry of who is going to have less; if there is none, there is nothing to say. */
static int find_to_release(struct handle *h, struct quotafile *file, uint32_t id,
	struct quotafile_entry *ret)
{
	bool counted;
	int err = find(h, file, id, ret, &counted);

	/* what is given back is half gone already; but a lack of memory is no damage */
	if (!is_fault(err))
		return errors_abort(h, err);
	quotafile_entry_fini(ret);
	ret->buf = NULL;
	lock_take(&file->lock);
	give_up_locked(file, err);
	lock_drop(&file->lock);
	return 0;
}

static void owners_fini(struct owners *owners)
{
	for (unsigned type = 0; type < DQUOT_TYPES; type++)
		quotafile_entry_fini(&owners->entries[type]);
}

/* Holds the entries of owners->ids. more: they are going to have more. */
static int owners_find(struct handle *h, struct fs *fs, bool more, struct owners *owners)
{
	int err = 0;

	for (unsigned type = 0; !err && type < DQUOT_TYPES; type++) {
		struct quotafile *file = fs->usage->files[type];

		if (!file || owners->same[type])
			continue;
		if (more)
			err = find_or_insert(h, file, owners->ids[type], &owners->entries[type]);
		else
			err = find_to_release(h, file, owners->ids[type], &owners->entries[type]);
	}
	return err;
}

/* ---- changing them ---- */

static uint64_t add(uint64_t have, int64_t delta)
{
	uint64_t less = 0 - (uint64_t)delta;

	if (delta < 0)
		return have < less ? 0 : have - less; /* a damaged count must not wrap */
	return have + (uint64_t)delta < have ? UINT64_MAX : have + (uint64_t)delta;
}

/*
 * Whether having now of something is too much. *time: the end of the soft limit, begun if need be.
 */
static bool is_over(uint64_t now, uint64_t hard, uint64_t soft, uint32_t grace, uint64_t *time)
{
	uint64_t today = (uint64_t)inode_now().tv_sec;

	if (hard && now > hard)
		return true;
	if (!soft || now <= soft)
		return false;
	if (!*time)
		*time = today + grace;
	return today >= *time;
}

/* dquot_add_space() and dquot_add_inodes() */
static int check_limits(const struct quotafile *file, const struct amount *amount, struct dquot *d)
{
	uint64_t kib = (d->space + DQUOT_BLOCK_SIZE - 1) >> DQUOT_BLOCK_BITS;

	if (!(file->fs->opts.quota_limits >> file->type & 1))
		return 0;
	if (amount->bytes > 0 && is_over(kib, d->space_hard, d->space_soft, file->block_grace,
					 &d->space_time))
		return -EDQUOT;
	if (amount->inodes > 0 && is_over(d->inodes, d->inodes_hard, d->inodes_soft,
					  file->inode_grace, &d->inodes_time))
		return -EDQUOT;
	return 0;
}

static int apply_one(struct quotafile *file, uint8_t *raw, const struct amount *amount)
{
	struct dquot d;
	int err;

	lock_take(&file->lock);
	dquot_decode(raw, &d);
	d.space = add(d.space, amount->bytes);
	d.inodes = add(d.inodes, amount->inodes);
	/* below the soft limit its time ends (dquot_decr_space()) */
	if (amount->bytes < 0 && d.space >> DQUOT_BLOCK_BITS <= d.space_soft)
		d.space_time = 0;
	if (amount->inodes < 0 && d.inodes <= d.inodes_soft)
		d.inodes_time = 0;
	err = check_limits(file, amount, &d);
	if (!err)
		dquot_encode(&d, raw);
	lock_drop(&file->lock);
	return err;
}

/* All or nothing; -EDQUOT. */
static int apply(struct fs *fs, struct owners *owners, const struct amount *amount)
{
	const struct amount back = { .bytes = -amount->bytes, .inodes = -amount->inodes };
	int type, err = 0;

	for (type = 0; type < DQUOT_TYPES; type++) {
		if (owners->entries[type].buf)
			err = apply_one(fs->usage->files[type], owners->entries[type].raw, amount);
		if (err)
			break;
	}
	while (err && type-- > 0)
		if (owners->entries[type].buf)
			(void)!apply_one(fs->usage->files[type], owners->entries[type].raw, &back);
	return err;
}

static int charge(struct handle *h, struct inode *inode, const struct amount *amount)
{
	const struct dinode *d = &inode->d;
	CLEANUP(owners_fini) struct owners owners = { .ids = { d->uid, d->gid, d->projid } };
	int err = owners_find(h, inode->fs, amount->bytes > 0 || amount->inodes > 0, &owners);

	return err ? err : apply(inode->fs, &owners, amount);
}

/* What so many sectors are in bytes; a damaged count must not overflow. */
static int64_t sector_bytes(uint64_t sectors)
{
	return sectors > INT64_MAX / 512 ? INT64_MAX : (int64_t)sectors * 512;
}

/* ---- the calls ---- */

int usage_add_blocks(struct handle *h, struct inode *inode, int64_t blocks)
{
	unsigned shift = inode->fs->sb.block_bits - 9;
	uint64_t sectors = (uint64_t)(blocks < 0 ? -blocks : blocks) << shift;
	uint64_t have = inode->d.blocks;
	const struct amount amount = { .bytes = blocks * (int64_t)inode->fs->sb.block_size };
	int err;

	if (blocks > 0 && !super_has_huge_file(&inode->fs->sb) && have + sectors > UINT32_MAX)
		return -EFBIG;
	err = is_counted(inode) ? charge(h, inode, &amount) : 0;
	if (err)
		return err;
	if (blocks > 0)
		inode->d.blocks = have + sectors;
	else
		inode->d.blocks = have - (sectors < have ? sectors : have); /* it may be damaged */
	return 0;
}

int usage_add_inode(struct handle *h, struct inode *inode, int delta)
{
	const struct amount amount = { .inodes = delta };

	return is_counted(inode) ? charge(h, inode, &amount) : 0;
}

static int count_values(const struct super *sb, const struct xattr_region *region)
{
	struct xattr_entry entry;
	const char *why;
	size_t pos = region->first;
	int nr = 0;

	if (xattr_region_check(sb, region, &why))
		return 0; /* whoever uses them says so */
	while (xattr_region_next(region, &pos, &entry))
		nr += entry.value_ino != 0;
	return nr;
}

/* How many inodes of ea_inode inode is charged for besides itself (ext4_get_inode_usage()). */
static int value_inodes(struct inode *inode, int64_t *ret)
{
	CLEANUP(cleanup_free) uint8_t *raw = NULL;
	CLEANUP(cache_putp) struct buf *buf = NULL;
	const struct super *sb = &inode->fs->sb;
	struct xattr_region region;
	int err;

	*ret = 0;
	if (!super_has_ea_inode(sb))
		return 0;
	raw = malloc(sb->inode_size);
	err = raw ? inode_read_raw(inode, raw) : -ENOMEM;
	if (err)
		return err;
	if (xattr_region_body(sb, raw, &region))
		*ret += count_values(sb, &region);
	if (!inode->d.file_acl || !super_block_range_valid(sb, inode->d.file_acl, 1))
		return 0;
	err = cache_get(inode->fs->cache, inode->d.file_acl, &buf);
	if (!err && !xattr_region_block(sb, buf->data, &region))
		*ret += count_values(sb, &region);
	return err;
}

int usage_transfer(struct handle *h, struct inode *inode, uint32_t uid, uint32_t gid,
	uint32_t projid)
{
	const struct dinode *d = &inode->d;
	CLEANUP(owners_fini) struct owners from = { .ids = { d->uid, d->gid, d->projid } };
	CLEANUP(owners_fini) struct owners to = { .ids = { uid, gid, projid } };
	struct amount amount = { 0 };
	int err;

	if (!is_counted(inode))
		return 0;
	for (unsigned type = 0; type < DQUOT_TYPES; type++)
		from.same[type] = to.same[type] = from.ids[type] == to.ids[type];
	err = value_inodes(inode, &amount.inodes);
	if (err)
		return err;
	amount.inodes++;
	amount.bytes = sector_bytes(d->blocks);
	err = owners_find(h, inode->fs, true, &to);
	if (!err)
		err = owners_find(h, inode->fs, false, &from);
	if (!err)
		err = apply(inode->fs, &to, &amount);
	if (err)
		return err;
	amount.bytes = -amount.bytes;
	amount.inodes = -amount.inodes;
	return apply(inode->fs, &from, &amount);
}

/* ---- before the handle ---- */

static int acquire(struct fs *fs, struct quotafile *file, uint32_t id)
{
	CLEANUP(quotafile_entry_fini) struct quotafile_entry entry = { .buf = NULL };
	struct handle *h;
	bool counted;
	int stop_err, err = find(NULL, file, id, &entry, &counted);

	if (err || entry.buf || !counted)
		return err;
	err = journal_start(fs->journal, quotafile_insert_credits(file), &h);
	if (err)
		return err;
	err = insert(h, file, id, false, &entry);
	stop_err = journal_stop(h);
	return err ? err : stop_err;
}

int usage_acquire(struct fs *fs, uint32_t uid, uint32_t gid, uint32_t projid)
{
	const uint32_t ids[DQUOT_TYPES] = { uid, gid, projid };
	int err = 0;

	if (!fs->usage)
		return 0;
	for (unsigned type = 0; !err && type < DQUOT_TYPES; type++)
		if (fs->usage->files[type])
			err = acquire(fs, fs->usage->files[type], ids[type]);
	return err;
}
