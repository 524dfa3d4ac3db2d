// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opens an image and reads everything in it, each thing in several ways that must agree. What an
 * image may say is anything; what the code may answer is checked with CHECK.
 */
#include "config.h"

#include "fuzz.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../lib/testkey.h"
#include "fs/cryptinode.h"
#include "fs/dir.h"
#include "fs/file.h"
#include "fs/fs.h"
#include "fs/inode.h"
#include "fs/map.h"
#include "fs/symlink.h"
#include "fs/xattr.h"

/* Limits of work, so that an input takes well under a second. */
#define MAX_INODES 512
#define MAX_NAMES 160		 /* of one directory */
#define MAX_SEEKS 128		 /* in all files */
#define MAX_BYTES ((size_t)4 << 20) /* read from all files, then short reads only */
#define MAX_SCANNED 20000	 /* directory blocks that look-ups may read */
#define MAX_EMITTED 4000	 /* names in all directories from odd positions */
#define READ_SIZE 65536
#define VALUE_SIZE 65536
#define LIST_SIZE 65536

#define CACHE_BYTES 65536

struct name {
	char text[DIR_NAME_MAX];
	size_t len;
	uint32_t ino;
	uint64_t next;
};

struct names {
	struct name at[MAX_NAMES];
	size_t nr;
	bool full; /* there are more */
};

struct walker {
	struct fs *fs;
	struct names *names;
	uint8_t *buf, *again; /* READ_SIZE bytes each */
	size_t bytes, seeks, scanned, emitted;
};

int fuzz_errno(int err)
{
	CHECK(err <= 0 && err > -4096);
	CHECK(err != -EFAULT && err != -ENOSYS);
	return err;
}

/* ---- files ---- */

static size_t read_len(struct walker *w)
{
	return w->bytes < MAX_BYTES ? READ_SIZE : 1024;
}

/* Reads len bytes at off at once and in two parts. */
static void read_twice(struct walker *w, struct inode *inode, uint64_t off, size_t len)
{
	ssize_t n = file_read(inode, off, w->buf, len), first, second;
	uint64_t left = off < inode->d.size ? inode->d.size - off : 0;

	if (n < 0) {
		fuzz_errno((int)n);
		return;
	}
	CHECK((uint64_t)n == (left < len ? left : len));
	w->bytes += (size_t)n;
	first = file_read(inode, off, w->again, len / 3);
	CHECK(first >= 0 && (size_t)first <= len / 3);
	second = file_read(inode, off + len / 3, w->again + len / 3, len - len / 3);
	CHECK(second >= 0);
	CHECK(first + second == n);
	CHECK(!memcmp(w->buf, w->again, (size_t)n));
}

static void seek_at(struct walker *w, struct inode *inode, off_t off)
{
	off_t data, hole;

	if (w->seeks++ > MAX_SEEKS)
		return;
	data = file_seek(inode, off, SEEK_DATA);
	hole = file_seek(inode, off, SEEK_HOLE);
	if (data >= 0)
		CHECK(data >= off && (uint64_t)data < inode->d.size);
	else
		fuzz_errno((int)data);
	if (hole >= 0)
		CHECK(hole >= off && (uint64_t)hole <= inode->d.size);
	else
		fuzz_errno((int)hole);
	if (data >= 0 && hole >= 0)
		CHECK(data == off || hole == off);
}

static void walk_regular(struct walker *w, struct inode *inode)
{
	uint64_t size = inode->d.size;
	uint64_t offs[] = { 0, 1, size / 2 + 1, size - READ_SIZE / 2, size - 1, size, size + 1,
		UINT64_MAX - 5, (uint64_t)12 << 10, (uint64_t)1 << 32 };

	for (size_t i = 0; i < sizeof(offs) / sizeof(offs[0]); i++) {
		if (offs[i] < UINT64_MAX - READ_SIZE)
			read_twice(w, inode, offs[i], read_len(w));
		else
			CHECK(file_read(inode, offs[i], w->buf, READ_SIZE) <= 0);
		seek_at(w, inode, (off_t)(offs[i] & INT64_MAX));
	}
	CHECK(file_seek(inode, -1, SEEK_DATA) == -ENXIO);
}

static void walk_symlink(struct inode *inode)
{
	char target[SYMLINK_MAX];
	int err = fuzz_errno(symlink_read(inode, target));

	if (!err) {
		size_t len = strnlen(target, SYMLINK_MAX);

		CHECK(len > 0 && len < SYMLINK_MAX);
	}
}

static void walk_map(struct inode *inode)
{
	const struct super *sb = fs_super(inode->fs);
	const uint64_t lblks[] = { 0, 1, 11, 12, 13, 267, 268, 269, 65803, 65804, 1u << 20,
		UINT32_MAX, (uint64_t)1 << 32, (uint64_t)1 << 53, inode->d.size >> sb->block_bits };

	if (inode->d.flags & EXT4_INLINE_DATA_FL)
		return;
	for (size_t i = 0; i < sizeof(lblks) / sizeof(lblks[0]); i++) {
		struct run run, again;
		int err = fuzz_errno(map_lookup(inode, lblks[i], &run));

		if (err)
			continue;
		CHECK(run.lblk == lblks[i] && run.nr);
		if (run.kind != RUN_HOLE)
			CHECK(super_block_range_valid(sb, run.pblk, run.nr));
		CHECK(!map_lookup(inode, lblks[i], &again));
		CHECK(again.kind == run.kind && again.pblk == run.pblk);
	}
}

/* ---- directories ---- */

static bool collect(void *arg, const struct dir_entry *entry)
{
	struct names *names = arg;
	struct name *name = &names->at[names->nr];

	if (names->nr == MAX_NAMES) {
		names->full = true;
		return false;
	}
	CHECK(entry->len > 0 && entry->len <= DIR_NAME_MAX);
	CHECK(entry->ino);
	CHECK(!memchr(entry->name, '/', entry->len));
	memcpy(name->text, entry->name, entry->len);
	name->len = entry->len;
	name->ino = entry->ino;
	name->next = entry->next;
	names->nr++;
	return true;
}

static bool count(void *arg, const struct dir_entry *entry)
{
	struct walker *w = arg;

	CHECK(entry->len > 0 && entry->len <= DIR_NAME_MAX);
	return w->emitted++ % 64 != 63;
}

/* What follows name i when the reading goes on from there. */
struct resumed {
	const struct names *names;
	size_t next;
	bool wrong;
};

static bool resume(void *arg, const struct dir_entry *entry)
{
	struct resumed *r = arg;
	const struct name *want = &r->names->at[r->next];

	if (r->next == r->names->nr)
		return false;
	r->wrong = entry->len != want->len || memcmp(entry->name, want->text, want->len) != 0 ||
		entry->ino != want->ino;
	r->next++;
	return r->next % 3 != 0 && !r->wrong;
}

/* Whether the whole directory was read without damage. */
static bool read_whole(struct walker *w, struct inode *dir)
{
	struct names *names = w->names;
	int err;

	names->nr = 0;
	names->full = false;
	err = fuzz_errno(dir_iterate(dir, 0, collect, names));
	if (err || names->full)
		return false;
	if (!names->nr)
		return true;
	return fuzz_errno(dir_iterate(dir, names->at[names->nr - 1].next, count, w)) == 0;
}

static void read_parts(struct walker *w, struct inode *dir)
{
	const uint64_t size = dir->d.size;
	const uint64_t odd[] = { 1, 2, 3, 13, 59, size / 2, size - 1, size, size + 1, 1024, 1025,
		UINT64_MAX, INT64_MAX, (uint64_t)1 << 62, ((uint64_t)1 << 62) + 5,
		(uint64_t)3 << 60, (uint64_t)1 << 61 };

	for (size_t i = 0; i < w->names->nr; i += 1 + i / 4) {
		struct resumed r = { .names = w->names, .next = i + 1 };

		fuzz_errno(dir_iterate(dir, w->names->at[i].next, resume, &r));
		CHECK(!r.wrong);
	}
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]) && w->emitted < MAX_EMITTED; i++)
		fuzz_errno(dir_iterate(dir, odd[i], count, w));
}

static void look_up_strange(struct inode *dir)
{
	char name[DIR_NAME_MAX + 2];
	const struct {
		const char *text;
		size_t len;
	} cases[] = { { ".", 1 }, { "..", 2 }, { "", 0 }, { "not there", 9 }, { "a/b", 3 },
		{ "\0x", 2 }, { name, 1 }, { name, DIR_NAME_MAX }, { name, DIR_NAME_MAX + 1 },
		{ name, 43 }, { name, 252 } };

	memset(name, 'A', sizeof(name));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t ino = 0;

		if (!fuzz_errno(dir_lookup(dir, cases[i].text, cases[i].len, &ino)))
			CHECK(ino || cases[i].text[0] == '.');
	}
}

static void walk_dir(struct walker *w, struct inode *dir)
{
	const struct super *sb = fs_super(w->fs);
	bool whole = read_whole(w, dir);
	/* what decrypts to a name need not be what that name encrypts to */
	bool is_sealed = dir->d.flags & EXT4_ENCRYPT_FL && !cryptinode_is_locked(dir);
	bool plain = !(dir->d.flags & EXT2_INDEX_FL) && !is_sealed;

	for (size_t i = 0; i < w->names->nr && w->scanned < MAX_SCANNED; i++) {
		const struct name *name = &w->names->at[i];
		struct dinode d;
		uint32_t ino;
		int err = fuzz_errno(dir_lookup(dir, name->text, name->len, &ino));

		CHECK(!err || !whole || !plain);
		if (!err)
			fuzz_errno(dinode_load(w->fs, ino, &d));
		w->scanned += 1 + (size_t)(dir->d.size >> sb->block_bits);
	}
	read_parts(w, dir);
	if (w->scanned < MAX_SCANNED)
		look_up_strange(dir);
	CHECK(file_read(dir, 0, w->buf, 1) == -EISDIR);
}

/* ---- attributes ---- */

static void get_value(struct walker *w, struct inode *inode, const char *name)
{
	ssize_t need = xattr_get(inode, name, NULL, 0);
	ssize_t n;

	if (need < 0) {
		fuzz_errno((int)need);
		return;
	}
	n = xattr_get(inode, name, w->buf, VALUE_SIZE);
	if (need > VALUE_SIZE)
		CHECK(n == -ERANGE);
	else if (n >= 0)
		CHECK(n == need);
	else
		fuzz_errno((int)n);
	if (n > 1)
		CHECK(xattr_get(inode, name, w->buf, (size_t)n - 1) == -ERANGE);
}

static void walk_xattrs(struct walker *w, struct inode *inode)
{
	static const char *const names[] = { "system.posix_acl_access", "system.posix_acl_default",
		"user.x", "security.selinux", "system.data", "user.", "bogus", "" };
	char *list = (char *)w->again;
	ssize_t need = xattr_list(inode, true, NULL, 0);
	ssize_t n = xattr_list(inode, true, list, LIST_SIZE);

	CHECK(need == n);
	CHECK(xattr_list(inode, false, NULL, 0) <= need || need < 0);
	if (n > 0) {
		CHECK(xattr_maybe(inode));
		CHECK(list[n - 1] == '\0');
	}
	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(list + at) + 1)
		get_value(w, inode, list + at);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		get_value(w, inode, names[i]);
	n = xattr_crypt_context_locked(inode, w->buf, 40);
	if (n < 0)
		fuzz_errno((int)n);
}

/* ---- the whole ---- */

static void walk_inode(struct walker *w, uint32_t ino)
{
	CLEANUP(inode_putp) struct inode *inode = NULL;
	struct dinode d;
	int err = fuzz_errno(dinode_load(w->fs, ino, &d));
	int err_special = fuzz_errno(dinode_load_special(w->fs, ino, &d));

	CHECK(!err_special || err);
	if (err_special)
		return;
	CHECK(fuzz_errno(inode_get(w->fs, ino, &inode)) == err);
	if (err)
		CHECK(!inode_get_special(w->fs, ino, &inode));
	walk_map(inode);
	walk_xattrs(w, inode);
	if (S_ISREG(inode->d.mode))
		walk_regular(w, inode);
	else if (S_ISLNK(inode->d.mode))
		walk_symlink(inode);
	else if (S_ISDIR(inode->d.mode))
		walk_dir(w, inode);
}

static void walk_fs(struct fs *fs)
{
	struct walker w = { .fs = fs };
	uint32_t inodes = fs_super(fs)->inodes;
	struct statvfs st;
	struct dinode d;

	w.names = malloc(sizeof(*w.names));
	w.buf = malloc(READ_SIZE);
	w.again = malloc(READ_SIZE);
	CHECK(w.names && w.buf && w.again);
	fuzz_errno(fs_statfs(fs, &st));
	for (uint32_t ino = 0; ino <= inodes && ino <= MAX_INODES; ino++)
		walk_inode(&w, ino);
	fuzz_errno(dinode_load(fs, inodes, &d));
	CHECK(dinode_load(fs, inodes + 1, &d));
	CHECK(dinode_load(fs, UINT32_MAX, &d));
	fuzz_errno(fs_statfs(fs, &st));
	free(w.names);
	free(w.buf);
	free(w.again);
}

static struct fs *open_image(const struct image *img, struct log *log, bool writable)
{
	struct fs_options opts = {
		.writable = writable,
		.norecovery = !writable && img->flags & FUZZ_NORECOVERY,
		.errors = FS_ERRORS_CONTINUE, /* the image's own choice may be to end the process */
		.mmp_second_ms = 1,
		.cache_bytes = CACHE_BYTES,
	};
	struct blk *blk;
	struct fs *fs;

	CHECK(!blk_mem_borrow(img->bytes, img->len, &blk));
	if (fuzz_errno(fs_open(blk, &opts, log, &fs)))
		return NULL;
	if (super_has_encrypt(fs_super(fs)) && !(img->flags & FUZZ_LOCKED))
		CHECK(!testkey_add_all(fs));
	return fs;
}

void walk_image(const struct image *img)
{
	struct log log;
	struct fs *fs;

	log_init(&log, "fuzz", LOG_LEVEL_ERROR);
	if (img->flags & FUZZ_WRITE) {
		fs = open_image(img, &log, true);
		if (!fs)
			return;
		edit_fs(fs, img->flags >> FUZZ_SEED_SHIFT);
		fuzz_errno(fs_close(fs));
	}
	/* not while it is writable: what lies in two places changes under the reader's eyes */
	fs = open_image(img, &log, false);
	if (!fs)
		return;
	walk_fs(fs);
	CHECK(!fs_close(fs));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image img;

	CHECK(!image_unpack(data, size, &img));
	walk_image(&img);
	image_fini(&img);
	return 0;
}
