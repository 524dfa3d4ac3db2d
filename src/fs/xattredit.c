// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A change is planned in memory first: where the attribute goes is a matter of sizes alone. Then
 * everything that may fail for want of space is done, the inode is written last. The order of places is
 * ext4_xattr_set_handle()'s: the body, the block, and where there are value inodes the same again with
 * the value in one.
 */
#include "config.h"

#include "fs/xattredit.h"

#include <errno.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "format/acl.h"
#include "format/le.h"
#include "fs/balloc.h"
#include "fs/eainode.h"
#include "fs/fs_i.h"
#include "fs/orphan.h"
#include "fs/superblock.h"
#include "fs/usage.h"
#include "fs/xattr_i.h"
#include "fs/xattrblock.h"
#include "fs/xattrcache.h"
#include "fs/xattrset.h"

/* EXT4_XATTR_BLOCK_RESERVE(): what values leave to names in a block if they can go elsewhere. */
#define RESERVE_SHARE 8
#define RESERVE_MAX 1024u

struct edit {
	struct handle *h;
	struct inode *inode;
	const void *value; /* NULL: the attribute goes */
	size_t size;
	bool touch;	   /* ctime and i_version move with the change */
	struct xattr_entry entry; /* the attribute as it will be */
	bool to_block;
	struct xattrset body, block;
	struct xattr_entry *in_body;  /* as it was, at most one of these two; in the sets */
	struct xattr_entry *in_block;
};

static void edit_fini(struct edit *edit)
{
	xattrset_fini(&edit->body);
	xattrset_fini(&edit->block);
}

static struct xattr_entry *find_in(const struct xattrset *set, const struct edit *edit)
{
	return xattrset_find(set, (enum xattr_index)edit->entry.index,
		(const char *)edit->entry.name, edit->entry.name_len);
}

static int load(struct edit *edit)
{
	int err = xattrset_load_body(edit->inode, &edit->body);

	if (!err)
		err = xattrblock_load_locked(edit->inode, &edit->block);
	if (err)
		return err;
	edit->in_body = find_in(&edit->body, edit);
	if (!edit->in_body)
		edit->in_block = find_in(&edit->block, edit);
	return 0;
}

static const struct xattr_entry *old_entry(const struct edit *edit)
{
	return edit->in_body ? edit->in_body : edit->in_block;
}

/* Bytes that set takes with the new entry in the old one's place. */
static size_t need_with(const struct xattrset *set, const struct xattr_entry *old,
	const struct edit *edit)
{
	return xattr_region_need(set->entries, set->nr) - (old ? xattr_entry_size(old) : 0) +
	       xattr_entry_size(&edit->entry);
}

static bool fits_body(const struct edit *edit)
{
	return need_with(&edit->body, edit->in_body, edit) <= xattrset_body_room(edit->inode);
}

/* Bytes of values in a region. */
static size_t values_size(const struct xattrset *set)
{
	size_t i, size = 0;

	for (i = 0; i < set->nr; i++)
		if (!set->entries[i].value_ino)
			size += xattr_padded(set->entries[i].value_size);
	return size;
}

static bool fits_block(const struct edit *edit)
{
	const struct super *sb = &edit->inode->fs->sb;
	const struct xattr_entry *old = find_in(&edit->block, edit);
	size_t old_value = old && !old->value_ino ? xattr_padded(old->value_size) : 0;
	size_t new_value = edit->entry.value_ino ? 0 : xattr_padded(edit->size);
	size_t reserve = sb->block_size / RESERVE_SHARE;

	if (need_with(&edit->block, old, edit) > sb->block_size - XATTR_BLOCK_HEADER)
		return false;
	if (!super_has_ea_inode(sb) || !new_value || new_value == old_value)
		return true;
	if (reserve > RESERVE_MAX)
		reserve = RESERVE_MAX;
	return sb->block_size - (values_size(&edit->block) - old_value + new_value) >= reserve;
}

/* Where the attribute goes. */
static int plan(struct edit *edit)
{
	const struct super *sb = &edit->inode->fs->sb;
	bool apart = eainode_is_for(sb, edit->size);

	for (;;) {
		/* any number will do as yet: it stands for a value that takes no room here */
		edit->entry.value_ino = apart ? 1 : 0;
		edit->to_block = !fits_body(edit);
		if (!edit->to_block || fits_block(edit))
			return 0;
		if (apart || !super_has_ea_inode(sb) || !edit->size)
			return -ENOSPC;
		apart = true;
	}
}

/* ext4_xattr_value_same() */
static bool is_same(const struct edit *edit)
{
	const struct xattr_entry *old = old_entry(edit);

	return old && !old->value_ino && old->value_size == edit->size &&
	       (!edit->size || !memcmp(old->value, edit->value, edit->size));
}

/* Gives the block its new contents. gone: the attribute as it was, if it is in the block. */
static int store_block(struct edit *edit)
{
	const struct xattr_entry *fresh = NULL;
	struct xattr_entry gone = { .value_ino = 0 };
	struct xattr_entry *old = find_in(&edit->block, edit);

	if (old)
		gone = *old;
	if (edit->value && edit->to_block) {
		xattrset_put(&edit->block, old, &edit->entry, true);
		if (edit->entry.value_ino)
			fresh = find_in(&edit->block, edit);
	} else {
		xattrset_remove(&edit->block, old);
	}
	return xattrblock_store(edit->h, edit->inode,
		&(struct xattrblock_change){ .set = &edit->block, .fresh = fresh,
			.gone = gone.value_ino ? &gone : NULL });
}

/* Gives up old's value inode; a block has given up its own reference. */
static int leave_value(struct edit *edit, const struct xattr_entry *old, bool in_body)
{
	int err = in_body ? eainode_drop(edit->h, edit->inode, old) : 0;

	return err ? err : eainode_charge(edit->h, edit->inode, old, -1);
}

static void touch(struct inode *inode)
{
	inode->d.ctime = inode_now();
	inode->d.iversion++;
}

static void set_ext_attr(uint8_t *raw, void *arg)
{
	(void)arg;
	le32_put(raw + SB_FEATURE_COMPAT,
		le32_get(raw + SB_FEATURE_COMPAT) | EXT2_FEATURE_COMPAT_EXT_ATTR);
}

/* ext4_xattr_update_super_block() */
static int note_feature(struct edit *edit)
{
	struct fs *fs = edit->inode->fs;

	if (super_has_ext_attr(&fs->sb) || !edit->value)
		return 0;
	return superblock_update(edit->h, fs, set_ext_attr, NULL);
}

/* The inode's own part, and with it what the block has become. */
static int apply_body(struct edit *edit, const struct xattr_entry *old, bool was_in_body)
{
	int err = old->value_ino ? leave_value(edit, old, was_in_body) : 0;

	if (err)
		return err;
	if (edit->value && !edit->to_block)
		xattrset_put(&edit->body, edit->in_body, &edit->entry, false);
	else if (edit->in_body)
		xattrset_remove(&edit->body, edit->in_body);
	if (edit->touch)
		touch(edit->inode);
	return xattrset_store_body(edit->h, edit->inode, &edit->body);
}

static int apply(struct edit *edit)
{
	const struct xattr_entry *known = old_entry(edit);
	const struct xattr_entry old = known ? *known : (struct xattr_entry){ .value_ino = 0 };
	bool was_in_body = edit->in_body, store = edit->in_block || (edit->value && edit->to_block);
	int err = note_feature(edit);

	if (!err && store)
		err = store_block(edit);
	if (err)
		return err;
	err = apply_body(edit, &old, was_in_body);
	/* the block and the values cannot be had back */
	return store || old.value_ino ? errors_abort(edit->h, err) : err;
}

/* The hash of the entry, and its value inode if it is to have one. */
static int make_value(struct edit *edit)
{
	struct xattr_entry *entry = &edit->entry;

	if (entry->value_ino)
		return eainode_make(edit->h, edit->inode, edit->value, edit->size, entry);
	/* within a body nobody looks for equal attributes */
	if (edit->to_block)
		entry->hash = xattr_entry_hash(entry->name, entry->name_len, edit->value, edit->size,
			XATTR_CHAR_UNSIGNED);
	return 0;
}

static void undo_value(struct edit *edit)
{
	if (!edit->entry.value_ino)
		return;
	if (eainode_drop(edit->h, edit->inode, &edit->entry) ||
		eainode_charge(edit->h, edit->inode, &edit->entry, -1))
		log_warn(edit->inode->fs->log, "inode %u: a reference too many on its value",
			edit->entry.value_ino);
}

static int change(struct edit *edit, int flags)
{
	const struct xattr_entry *old;
	int err = load(edit);

	if (err)
		return err;
	old = old_entry(edit);
	if (old && flags & XATTR_CREATE)
		return -EEXIST;
	if (!old && (flags & XATTR_REPLACE || !edit->value))
		return flags & XATTR_REPLACE ? -ENODATA : 0;
	if (edit->value && is_same(edit))
		return 0;
	if (edit->value)
		err = plan(edit);
	if (!err && old && old->value_ino)
		err = eainode_check(edit->inode, old);
	if (!err && edit->value)
		err = make_value(edit);
	if (err)
		return err;
	err = apply(edit);
	if (err && edit->value)
		undo_value(edit);
	return err;
}

static int set_in(struct handle *h, struct inode *inode, const struct xattr_key *key,
	const void *value, size_t size, int flags, bool touch)
{
	CLEANUP(edit_fini) struct edit edit = {
		.h = h,
		.inode = inode,
		.value = value,
		.size = size,
		.touch = touch,
		.entry = {
			.index = (uint8_t)key->index,
			.name_len = (uint8_t)key->len,
			.name = (const uint8_t *)key->name,
			.value_size = (uint32_t)size,
			.value = size ? value : NULL,
		},
	};
	const struct dinode before = inode->d;
	int err;

	if (key->len > XATTR_NAME_LEN_MAX)
		return -ERANGE;
	if (size > XATTR_VALUE_MAX)
		return -E2BIG;
	xattrcache_lock(inode->fs->xattrs);
	err = change(&edit, flags);
	xattrcache_unlock(inode->fs->xattrs);
	if (err)
		inode->d = before;
	return err;
}

int xattr_set_in(struct handle *h, struct inode *inode, enum xattr_index index, const char *name,
	size_t name_len, const void *value, size_t size, int flags)
{
	const struct xattr_key key = { .index = index, .name = name, .len = name_len };

	return set_in(h, inode, &key, value, size, flags, false);
}

unsigned xattr_set_credits(const struct fs *fs, size_t size)
{
	unsigned credits = INODE_CREDITS + SUPERBLOCK_CREDITS + xattrblock_credits(fs);

	if (super_has_ea_inode(&fs->sb))
		credits += eainode_credits(fs, size) + 2 * EAINODE_DROP_CREDITS;
	return credits;
}

/* ---- setxattr(2) ---- */

/* What an ACL becomes on its way to the disk. */
struct acl_value {
	uint8_t *disk; /* owned; NULL: there will be none */
	size_t size;
	uint16_t mode; /* the inode's from then on */
};

static void acl_value_fini(struct acl_value *acl)
{
	free(acl->disk);
}

/* posix_acl_update_mode(): an access ACL that says no more than a mode is not stored. */
static int update_mode(struct acl_value *acl, bool keep_sgid)
{
	int more = acl_equiv_mode(acl->disk, acl->size, &acl->mode);

	if (more < 0)
		return more;
	if (!more) {
		free(acl->disk);
		acl->disk = NULL;
	}
	if (!keep_sgid)
		acl->mode &= (uint16_t)~S_ISGID;
	return 0;
}

static int convert_acl(const struct inode *inode, const struct xattr_key *key, const void *value,
	size_t size, bool keep_sgid, struct acl_value *ret)
{
	ssize_t n;

	ret->mode = inode->d.mode;
	if (S_ISLNK(inode->d.mode))
		return -EOPNOTSUPP;
	n = value ? acl_from_posix(value, size, NULL, 0) : 0;
	if (n <= 0)
		return (int)n;
	if (key->index == XATTR_INDEX_ACL_DEFAULT && !S_ISDIR(inode->d.mode))
		return -EACCES;
	ret->disk = malloc((size_t)n);
	if (!ret->disk)
		return -ENOMEM;
	ret->size = (size_t)n;
	n = acl_from_posix(value, size, ret->disk, ret->size);
	if (n < 0)
		return (int)n;
	return key->index == XATTR_INDEX_ACL_ACCESS ? update_mode(ret, keep_sgid) : 0;
}

static int set_acl(struct handle *h, struct inode *inode, const struct xattr_key *key,
	const struct acl_value *acl)
{
	const struct dinode before = inode->d;
	bool other_mode = acl->mode != before.mode;
	int err;

	inode->d.mode = acl->mode;
	if (other_mode)
		touch(inode);
	err = set_in(h, inode, key, acl->disk, acl->size, 0, !other_mode);
	if (!err && other_mode)
		err = inode_write(h, inode);
	if (err)
		inode->d = before;
	return err;
}

static int set_handle(struct handle *h, struct inode *inode, const struct xattr_key *key,
	const void *value, size_t size, int flags, bool keep_sgid)
{
	CLEANUP(acl_value_fini) struct acl_value acl = { .disk = NULL };
	int err;

	if (!xattr_key_is_acl(key))
		return set_in(h, inode, key, value, size, value ? flags : XATTR_REPLACE, true);
	err = convert_acl(inode, key, value, size, keep_sgid, &acl);
	return err ? err : set_acl(h, inode, key, &acl);
}

static int set_locked(struct inode *inode, const struct xattr_key *key, const void *value,
	size_t size, int flags, bool keep_sgid, uint32_t *ret_tid)
{
	struct fs *fs = inode->fs;
	CLEANUP(journal_stopp) struct handle *h = NULL;
	int err, stop_err;

	if (inode->d.flags & (EXT2_IMMUTABLE_FL | EXT2_APPEND_FL))
		return -EPERM;
	err = journal_start(fs->journal, xattr_set_credits(fs, size), &h);
	if (err)
		return err;
	*ret_tid = inode_is_sync(inode) ? journal_tid(h) : 0;
	err = set_handle(h, inode, key, value, size, flags, keep_sgid);
	stop_err = journal_stop(STEAL(h));
	return err ? err : stop_err;
}

/* Frees value inodes that were too much for the transactions that gave them up. */
static void free_dead(struct fs *fs)
{
	uint32_t ino;

	do {
		xattrcache_lock(fs->xattrs);
		ino = xattrcache_take_dead(fs->xattrs);
		xattrcache_unlock(fs->xattrs);
	} while (ino && !orphan_free(fs, ino));
}

int xattr_set(struct inode *inode, const char *name, const void *value, size_t size, int flags,
	bool keep_sgid)
{
	struct fs *fs = inode->fs;
	struct xattr_key key;
	unsigned tries = 0;
	uint32_t tid = 0;
	int err = xattr_resolve(name, &key);

	if (err)
		return err;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	if (!fs_is_writable(fs))
		return -EROFS;
	do {
		rwlock_write(&inode->lock);
		err = set_locked(inode, &key, value, size, flags, keep_sgid, &tid);
		rwlock_drop(&inode->lock);
		free_dead(fs);
	} while (err == -ENOSPC && balloc_retry(fs, &tries));
	return err || !tid ? err : journal_wait(fs->journal, tid);
}

/* ---- freeing ---- */

/* Value inodes of the body, as long as there are credits. */
static int free_body_values(struct handle *h, struct inode *inode, bool *ret_done)
{
	CLEANUP(xattrset_fini) struct xattrset set = { .raw = NULL };
	unsigned need = EAINODE_DROP_CREDITS + INODE_CREDITS + 2 * usage_credits(inode->fs);
	int err = xattrset_load_body(inode, &set);
	bool changed = false;
	size_t i = set.nr;

	*ret_done = true;
	while (!err && i > 0) {
		struct xattr_entry *entry = &set.entries[--i];

		if (!entry->value_ino)
			continue;
		if (journal_credits(h) < need && !journal_extend(h, need)) {
			*ret_done = false;
			break;
		}
		err = eainode_drop(h, inode, entry);
		if (!err)
			err = eainode_charge(h, inode, entry, -1);
		/* damage has been reported, and must not keep the rest */
		if (err == -EUCLEAN || err == -EBADMSG)
			err = 0;
		xattrset_remove(&set, entry);
		changed = true;
	}
	return err || !changed ? err : xattrset_store_body(h, inode, &set);
}

int xattr_free_all(struct handle *h, struct inode *inode, bool *ret_done)
{
	bool block = inode->d.file_acl;
	int err;

	xattrcache_lock(inode->fs->xattrs);
	err = free_body_values(h, inode, ret_done);
	if (!err && *ret_done)
		err = xattrblock_drop(h, inode, ret_done);
	xattrcache_unlock(inode->fs->xattrs);
	return err || !block ? err : inode_write(h, inode);
}
