// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Changes of every kind on whatever an image holds, in an order that the image's flags decide. What
 * comes of them on a damaged image is anything; that nothing crashes, hangs or answers nonsense is what
 * is looked at.
 */
#include "config.h"

#include "fuzz.h"

#include <errno.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../lib/policy.h"
#include "fs/attr.h"
#include "fs/dir.h"
#include "fs/file.h"
#include "fs/fs.h"
#include "fs/inode.h"
#include "fs/namei.h"
#include "fs/orphan.h"
#include "fs/xattredit.h"

/* Limits of work, as fuzz_walk.c's. */
#define MAX_OPS 160
#define MAX_KNOWN 64 /* inodes that are worked on */
#define MAX_NAMES 48 /* of a directory, for removal and renaming */
#define WRITE_MAX 20000
#define MAKE_MANY 40 /* names, so that directories grow blocks and trees */

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
#endif

struct editor {
	struct fs *fs;
	uint64_t random;
	uint32_t known[MAX_KNOWN];
	size_t nr_known;
	unsigned serial; /* of the names that are made */
	uint8_t *buf;	 /* WRITE_MAX bytes */
};

struct entry {
	char name[DIR_NAME_MAX];
	size_t len;
};

struct entries {
	struct entry at[MAX_NAMES];
	size_t nr;
};

static const struct cred caller = { .uid = 7, .gid = 8, .umask = 022 };

static uint32_t roll(struct editor *e, uint32_t n)
{
	uint64_t z = e->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ (z >> 31)) >> 16) % n;
}

/* Offsets around what formats count in, and around the file's own end. */
static uint64_t some_offset(struct editor *e, const struct inode *inode)
{
	const uint64_t offs[] = { 0, 1, 59, 60, 61, 1023, 1024, 12 << 10, (12 + 256) << 10,
		(uint64_t)65804 << 10, (uint64_t)1 << 32, (uint64_t)1 << 41, inode->d.size,
		inode->d.size / 2, inode->d.size - 1 };

	return (offs[roll(e, sizeof(offs) / sizeof(offs[0]))] + roll(e, 3)) & INT64_MAX;
}

/* ---- files ---- */

static void edit_contents(struct editor *e, struct inode *inode)
{
	static const int modes[] = { 0, FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE,
		FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE };
	uint64_t off = some_offset(e, inode);
	size_t len = 1 + roll(e, WRITE_MAX);
	int mode = modes[roll(e, 6)];

	switch (roll(e, 4)) {
	case 0:
		if (mode == FALLOC_FL_COLLAPSE_RANGE || mode == FALLOC_FL_INSERT_RANGE) {
			off &= ~UINT64_C(4095);
			len = 4096;
		}
		fuzz_errno(file_fallocate(inode, mode, off, len, roll(e, 2)));
		break;
	case 1:
		fuzz_errno(file_sync(inode, roll(e, 2)));
		break;
	default: {
		ssize_t put = file_write(inode, off, e->buf, len, roll(e, 2), roll(e, 2));

		if (put < 0)
			fuzz_errno((int)put);
		else
			CHECK((size_t)put <= len);
	}
	}
}

static void copy_contents(struct editor *e, struct inode *from)
{
	CLEANUP(inode_putp) struct inode *to = NULL;
	ssize_t done;

	if (fuzz_errno(inode_get(e->fs, e->known[roll(e, (uint32_t)e->nr_known)], &to)))
		return;
	if (!S_ISREG(to->d.mode) || to->ino == from->ino)
		return;
	done = file_copy(from, some_offset(e, from), to, some_offset(e, to), WRITE_MAX, true);
	if (done < 0)
		fuzz_errno((int)done);
}

/* ---- attributes ---- */

static void edit_attributes(struct editor *e, struct inode *inode)
{
	static const unsigned whats[] = { ATTR_MODE, ATTR_UID | ATTR_GID, ATTR_SIZE, ATTR_MTIME,
		ATTR_KILL_SUIDGID };
	struct attr_change change = {
		.what = whats[roll(e, 5)],
		.mode = (uint16_t)roll(e, 07777),
		.uid = roll(e, 100000),
		.gid = roll(e, 100000),
		.size = some_offset(e, inode),
		.mtime = { .tv_sec = 1 },
	};
	struct dinode d;

	if (change.what & ATTR_SIZE && !S_ISREG(inode->d.mode))
		return;
	switch (roll(e, 8)) {
	case 0:
		fuzz_errno(attr_set_flags(inode, roll(e, 2) ? EXT2_SYNC_FL : EXT2_NODUMP_FL, true));
		break;
	case 1:
		fuzz_errno(attr_set_project(inode, roll(e, 5)));
		break;
	default:
		fuzz_errno(attr_set(inode, &change, &d));
	}
}

static void edit_xattrs(struct editor *e, struct inode *inode)
{
	static const char *const names[] = { "user.a", "user.a long name for it", "trusted.b",
		"security.capability", "system.posix_acl_access", "user.name", "user.x" };
	static const size_t sizes[] = { 0, 1, 20, 100, 900, 3000, 9000 };
	const char *name = names[roll(e, 7)];

	if (roll(e, 3) == 0)
		fuzz_errno(xattr_set(inode, name, NULL, 0, 0, true));
	else
		fuzz_errno(xattr_set(inode, name, e->buf, sizes[roll(e, 7)], 0, roll(e, 2)));
}

/* ---- names ---- */

static bool collect(void *arg, const struct dir_entry *entry)
{
	struct entries *list = arg;

	if (list->nr == MAX_NAMES)
		return false;
	memcpy(list->at[list->nr].name, entry->name, entry->len);
	list->at[list->nr++].len = entry->len;
	return true;
}

static size_t new_name(struct editor *e, char ret[DIR_NAME_MAX + 1])
{
	size_t len = roll(e, 4) ? 12 : 200;

	memset(ret, 'n', len);
	snprintf(ret, len, "%u-", e->serial++);
	ret[strlen(ret)] = 'n';
	return len;
}

/* The object is gone from the tree. A damaged one may name what is being worked in: that is in use. */
static void let_go(struct editor *e, uint32_t ino, const struct inode *dir, const struct inode *to)
{
	if (ino && ino != dir->ino && ino != to->ino && orphan_is_known(e->fs, ino))
		fuzz_errno(orphan_free(e->fs, ino));
}

static void make_name(struct editor *e, struct inode *dir)
{
	static const uint16_t modes[] = { S_IFREG | 0644, S_IFDIR | 0755, S_IFREG | 0600, S_IFIFO,
		S_IFCHR };
	CLEANUP(inode_putp) struct inode *made = NULL;
	char name[DIR_NAME_MAX + 1];
	size_t len = new_name(e, name);
	int err;

	switch (roll(e, 6)) {
	case 0:
		err = namei_symlink(dir, name, len, (char *)e->buf, 1 + roll(e, 300), &caller, &made);
		break;
	case 1:
		err = namei_tmpfile(dir, S_IFREG | 0600, &caller, &made);
		if (!err && roll(e, 2))
			fuzz_errno(namei_link(made, dir, name, len));
		break;
	default:
		err = namei_make(dir, name, len, modes[roll(e, 5)], 5, &caller, &made);
	}
	if (fuzz_errno(err))
		return;
	CHECK(made);
	if (e->nr_known < MAX_KNOWN)
		e->known[e->nr_known++] = made->ino;
}

static void remove_name(struct editor *e, struct inode *dir, const struct entry *entry)
{
	uint32_t ino = 0;
	int err = namei_unlink(dir, entry->name, entry->len, &ino);

	if (err == -EISDIR || err == -EPERM)
		err = namei_rmdir(dir, entry->name, entry->len, &ino);
	if (!fuzz_errno(err))
		let_go(e, ino, dir, dir);
}

static void move_name(struct editor *e, struct inode *dir, const struct entry *entry)
{
	static const unsigned flags[] = { 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE };
	CLEANUP(inode_putp) struct inode *to = NULL;
	char name[DIR_NAME_MAX + 1];
	size_t len = new_name(e, name);
	uint32_t ino = 0;

	if (fuzz_errno(inode_get(e->fs, e->known[roll(e, (uint32_t)e->nr_known)], &to)) ||
		!S_ISDIR(to->d.mode))
		return;
	if (!fuzz_errno(namei_rename(
		    dir, entry->name, entry->len, to, name, len, flags[roll(e, 4)], &caller, &ino)))
		let_go(e, ino, dir, to);
}

static void link_name(struct editor *e, struct inode *dir)
{
	CLEANUP(inode_putp) struct inode *inode = NULL;
	char name[DIR_NAME_MAX + 1];
	size_t len = new_name(e, name);

	if (!fuzz_errno(inode_get(e->fs, e->known[roll(e, (uint32_t)e->nr_known)], &inode)) &&
		!S_ISDIR(inode->d.mode))
		fuzz_errno(namei_link(inode, dir, name, len));
}

static void edit_names(struct editor *e, struct inode *dir)
{
	struct entries list = { .nr = 0 };
	const struct entry *entry;

	fuzz_errno(dir_iterate(dir, 0, collect, &list));
	entry = list.nr ? &list.at[roll(e, (uint32_t)list.nr)] : NULL;
	switch (roll(e, 6)) {
	case 0:
		link_name(e, dir);
		break;
	case 1:
		for (unsigned i = 0; i < MAKE_MANY; i++)
			make_name(e, dir);
		break;
	case 2:
		if (entry)
			move_name(e, dir, entry);
		break;
	case 3:
		if (entry)
			remove_name(e, dir, entry);
		break;
	case 4:
		for (size_t i = 0; i < list.nr; i++)
			remove_name(e, dir, &list.at[i]);
		break;
	default:
		make_name(e, dir);
	}
}

/* Of anything: that it must be an empty directory is part of what is tried. */
static void set_policy(struct editor *e, struct inode *inode)
{
	CHECK(policy_of(inode) <= P_NR);
	if (!fuzz_errno(policy_set(inode, 1 + roll(e, P_NR - 1))))
		CHECK(inode->d.flags & EXT4_ENCRYPT_FL);
}

/* ---- the whole ---- */

static void edit_inode(struct editor *e, uint32_t ino)
{
	CLEANUP(inode_putp) struct inode *inode = NULL;

	if (fuzz_errno(inode_get(e->fs, ino, &inode)))
		return;
	switch (roll(e, 8)) {
	case 0:
		edit_attributes(e, inode);
		break;
	case 1:
		edit_xattrs(e, inode);
		break;
	case 2:
		if (S_ISREG(inode->d.mode))
			copy_contents(e, inode);
		else if (super_has_encrypt(fs_super(e->fs)))
			set_policy(e, inode);
		break;
	default:
		if (S_ISREG(inode->d.mode))
			edit_contents(e, inode);
		else if (S_ISDIR(inode->d.mode))
			edit_names(e, inode);
	}
}

void edit_fs(struct fs *fs, uint32_t seed)
{
	struct editor e = { .fs = fs, .random = seed };
	uint32_t inodes = fs_super(fs)->inodes;
	struct dinode d;

	for (uint32_t ino = EXT2_ROOT_INO; ino <= inodes && e.nr_known < MAX_KNOWN / 2; ino++)
		if (!dinode_load(fs, ino, &d))
			e.known[e.nr_known++] = ino;
	e.buf = malloc(WRITE_MAX);
	CHECK(e.buf);
	memset(e.buf, 'e', WRITE_MAX);
	for (unsigned i = 0; i < MAX_OPS && e.nr_known && fs_is_writable(fs); i++) {
		edit_inode(&e, e.known[roll(&e, (uint32_t)e.nr_known)]);
		if (roll(&e, 40) == 0)
			fuzz_errno(fs_sync(fs));
	}
	free(e.buf);
}
