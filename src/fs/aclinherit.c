// SPDX-License-Identifier: GPL-2.0-or-later
/* ACLs that follow from something else than setxattr(2): a new inode's, and those of chmod(2). */
#include "config.h"

#include <errno.h>
#include <linux/limits.h>
#include <sys/stat.h>

#include "format/acl.h"
#include "fs/fs_i.h"
#include "fs/xattr_i.h"
#include "fs/xattredit.h"

#define PERMS 0777

/* The ACL as it lies on disk; -ENODATA: there is none, or it has no entries. */
static int load_acl(struct inode *inode, enum xattr_index index, uint8_t **ret, size_t *ret_len)
{
	const struct xattr_key key = { .index = index, .name = "", .len = 0 };
	CLEANUP(cleanup_free) uint8_t *disk = NULL;
	size_t len;
	ssize_t n;
	int err = xattr_load(inode, &key, &disk, &len);

	if (err)
		return err;
	n = len <= XATTR_SIZE_MAX ? acl_to_posix(disk, len, NULL, 0) : -EUCLEAN;
	if (n < 0)
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN, "ACL of impossible contents");
	*ret = STEAL(disk);
	*ret_len = len;
	return n ? 0 : -ENODATA;
}

static int store_acl(struct handle *h, struct inode *inode, enum xattr_index index,
	const uint8_t *disk, size_t len)
{
	return xattr_set_in(h, inode, index, "", 0, disk, len, 0);
}

/* disk is the directory's default ACL; it is changed. */
static int inherit(struct handle *h, struct inode *inode, uint8_t *disk, size_t len)
{
	uint16_t mode = inode->d.mode;
	int more, err = 0;

	if (S_ISDIR(mode))
		err = store_acl(h, inode, XATTR_INDEX_ACL_DEFAULT, disk, len);
	if (err)
		return err;
	more = acl_create_masq(disk, len, &mode);
	if (more == -EUCLEAN)
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN,
			"the directory's default ACL is incomplete");
	inode->d.mode = mode;
	return more ? store_acl(h, inode, XATTR_INDEX_ACL_ACCESS, disk, len) : 0;
}

int acl_inherit(struct handle *h, struct inode *dir, struct inode *inode, uint16_t umask)
{
	CLEANUP(cleanup_free) uint8_t *disk = NULL;
	size_t len = 0;
	int err;

	if (S_ISLNK(inode->d.mode))
		return 0;
	err = load_acl(dir, XATTR_INDEX_ACL_DEFAULT, &disk, &len);
	if (err == -ENODATA) {
		inode->d.mode &= (uint16_t)~(umask & PERMS);
		return 0;
	}
	return err ? err : inherit(h, inode, disk, len);
}

unsigned acl_inherit_credits(const struct fs *fs)
{
	return 2 * xattr_set_credits(fs, 0);
}

int acl_chmod(struct handle *h, struct inode *inode)
{
	CLEANUP(cleanup_free) uint8_t *disk = NULL;
	uint16_t mode = inode->d.mode;
	size_t len = 0;
	int more, err;

	if (S_ISLNK(mode))
		return 0;
	err = load_acl(inode, XATTR_INDEX_ACL_ACCESS, &disk, &len);
	if (err)
		return err == -ENODATA ? 0 : err;
	err = acl_chmod_masq(disk, len, mode);
	more = err ? err : acl_equiv_mode(disk, len, &mode);
	if (more < 0)
		return fs_corrupt(inode->fs, inode->ino, -EUCLEAN, "ACL is incomplete");
	return store_acl(h, inode, XATTR_INDEX_ACL_ACCESS, more ? disk : NULL, more ? len : 0);
}
