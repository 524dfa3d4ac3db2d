// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The last phase of fcr_apply.c: names. Directories' times are in their raw inodes already; their links are
 * counted here, as no tag tells them.
 */
#include "config.h"

#include <errno.h>
#include <sys/stat.h>

#include "fs/diredit.h"
#include "fs/fcr_i.h"
#include "fs/fs_i.h"
#include "fs/namei_i.h"
#include "fs/usage.h"

#define LINK_MAX_DIR 65000 /* EXT4_LINK_MAX */

static int need_credits(struct handle *h, const struct inode *dir)
{
	unsigned want = dir_add_credits(dir) + DIR_EDIT_CREDITS + INODE_CREDITS, have;

	if (dir_init_credits(dir->fs) > want)
		want = dir_init_credits(dir->fs);
	have = journal_credits(h);
	if (have >= want || journal_extend(h, want - have))
		return 0;
	return journal_restart(h, want);
}

/* A subdirectory more or less; with too many of them the count is 1 for ever. */
static void count_link(struct inode *dir, bool more)
{
	if (dir->d.nlink == 1)
		return;
	if (!more && dir->d.nlink > 2)
		dir->d.nlink--;
	else if (more)
		dir->d.nlink = dir->d.nlink + 1 >= LINK_MAX_DIR ? 1 : dir->d.nlink + 1;
}

/* Whether ino was a directory before anything was changed. */
static bool was_dir(struct fcr *fcr, uint32_t ino)
{
	const struct fcr_inode *fi = fcr_inode_find(fcr, ino);
	struct dinode d;

	if (fi)
		return fi->was_dir;
	return !dinode_load_special(fcr->fs, ino, &d) && S_ISDIR(d.mode);
}

/* The name means ino from now on; 0: it is gone. */
static int set_name(struct handle *h, struct fcr *fcr, struct inode *dir, const struct fcr_name *name)
{
	uint32_t have = 0;
	struct dinode d = { 0 };
	int err = dir_lookup(dir, name->name, name->len, &have);

	if (err && err != -ENOENT)
		return err;
	if (err)
		have = 0;
	if (name->ino && dinode_load_special(fcr->fs, name->ino, &d)) {
		log_warn(fcr->fs->log, "a fast commit names inode %u in directory %u, which is not "
				       "there", name->ino, dir->ino);
		return 0;
	}
	if (have == name->ino)
		return 0;
	err = need_credits(h, dir);
	if (err)
		return err;
	if (have && was_dir(fcr, have))
		count_link(dir, false);
	if (S_ISDIR(d.mode))
		count_link(dir, true);
	if (!name->ino)
		err = dir_remove(h, dir, name->name, name->len, 0);
	else if (have)
		err = dir_replace(h, dir, name->name, name->len, 0, name->ino,
			namei_file_type(d.mode));
	else
		err = dir_add(h, dir, name->name, name->len, name->ino, namei_file_type(d.mode));
	return err ? err : inode_write(h, dir);
}

static int change(struct handle *h, struct fcr *fcr, struct fcr_inode *fi, struct inode *dir)
{
	int err = need_credits(h, dir);

	if (!err && fi->dir.is_new) {
		dir->d.nlink = 2;
		err = dir_init(h, dir, fi->dir.parent);
		if (!err)
			err = inode_write(h, dir);
	}
	/* removed ones first: they make room */
	for (size_t i = 0; !err && i < fi->dir.nr; i++)
		if (!fi->dir.list[i]->ino)
			err = set_name(h, fcr, dir, fi->dir.list[i]);
	for (size_t i = 0; !err && i < fi->dir.nr; i++)
		if (fi->dir.list[i]->ino)
			err = set_name(h, fcr, dir, fi->dir.list[i]);
	return err;
}

int fcr_names_apply(struct handle *h, struct fcr *fcr, struct fcr_inode *fi)
{
	struct inode *dir;
	int err;

	if (!fi->alive || (!fi->dir.nr && !fi->dir.is_new))
		return 0;
	err = inode_get(fcr->fs, fi->ino, &dir);
	if (err)
		return err;
	if (S_ISDIR(dir->d.mode))
		err = change(h, fcr, fi, dir);
	inode_put(dir);
	return err;
}
