// SPDX-License-Identifier: GPL-2.0-or-later
/* Attributes: what setattr and chattr change, what they refuse, and what is on disk afterwards. */
#include "config.h"

#include "write_fixture.h"

#include "fs/attr.h"
#include "fs/file.h"
#include "fs/namei.h"
#include "fs/orphan.h"
#include "fs/xattr.h"
#include "fs/xattredit.h"

static const struct cred cred = { .uid = 1000, .gid = 100, .umask = 022 };

static struct inode *mk(struct inode *dir, const char *name, uint16_t mode)
{
	struct inode *inode;

	assert_int_equal(namei_make(dir, name, strlen(name), mode, 0, &cred, &inode), 0);
	return inode;
}

static struct dinode set(struct inode *inode, const struct attr_change *change)
{
	struct dinode d;

	assert_int_equal(attr_set(inode, change, &d), 0);
	return d;
}

static int try_set(struct inode *inode, unsigned what)
{
	struct attr_change change = { .what = what };
	struct dinode d;

	return attr_set(inode, &change, &d);
}

/* The same inode as it lies on disk once the filesystem is closed. */
static struct dinode on_disk(uint32_t ino)
{
	struct fs *fs = open_image("image", false);
	struct dinode d;

	assert_int_equal(dinode_load(fs, ino, &d), 0);
	assert_int_equal(fs_close(fs), 0);
	return d;
}

static void assert_time(struct timespec a, time_t sec, long nsec)
{
	assert_int_equal(a.tv_sec, sec);
	assert_int_equal(a.tv_nsec, nsec);
}

static void run_set(const char *args, bool big)
{
	struct fs *fs;
	struct inode *root, *file;
	struct dinode d;
	uint32_t ino;

	make("8m", args);
	fs = open_image("image", true);
	root = root_of(fs);
	file = mk(root, "file", S_IFREG | 0644);
	ino = file->ino;
	d = set(file, &(struct attr_change){ .what = ATTR_MODE, .mode = 07751 });
	assert_int_equal(d.mode, S_IFREG | 07751);
	d = set(file, &(struct attr_change){ .what = ATTR_UID | ATTR_KILL_SUIDGID, .uid = 70000 });
	assert_int_equal(d.uid, 70000);
	assert_int_equal(d.gid, 100);
	assert_int_equal(d.mode, S_IFREG | 01751);
	d = set(file, &(struct attr_change){ .what = ATTR_MODE | ATTR_GID, .mode = 02644,
		.gid = 80000 });
	assert_int_equal(d.gid, 80000);
	/* not executable for the group: S_ISGID means something else */
	d = set(file, &(struct attr_change){ .what = ATTR_KILL_SUIDGID });
	assert_int_equal(d.mode, S_IFREG | 02644);
	set(file, &(struct attr_change){ .what = ATTR_SIZE, .size = 5000 });
	set(file, &(struct attr_change){ .what = ATTR_SIZE, .size = 100 });
	d = set(file, &(struct attr_change){ .what = ATTR_ATIME | ATTR_MTIME | ATTR_CTIME,
		.atime = { (time_t)1 << 33, 5 }, .mtime = { -5, 7 }, .ctime = { 1000, 9 } });
	assert_int_equal(d.size, 100);
	inode_put(file);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	check_clean("image", args);
	d = on_disk(ino);
	assert_int_equal(d.mode, S_IFREG | 02644);
	assert_int_equal(d.uid, 70000);
	assert_int_equal(d.gid, 80000);
	assert_int_equal(d.size, 100);
	assert_time(d.atime, big ? (time_t)1 << 33 : INT32_MAX, big ? 5 : 0);
	assert_time(d.mtime, -5, big ? 7 : 0);
	assert_time(d.ctime, 1000, big ? 9 : 0);
}

static void test_set(void **state)
{
	(void)state;
	run_set("-t ext4 -b 1024 -O ^has_journal", true);
	run_set("-t ext4 -b 1024 -J size=1", true);
	run_set("-t ext2 -b 1024 -I 128", false);
	run_set("-t ext4 -b 4096 -O ^has_journal,inline_data", true);
}

static void test_refused(void **state)
{
	static const unsigned all[] = { ATTR_MODE, ATTR_UID, ATTR_GID, ATTR_SIZE, ATTR_ATIME,
		ATTR_ATIME | ATTR_MTIME };
	static const uint32_t flags[] = { EXT2_IMMUTABLE_FL, EXT2_APPEND_FL };
	struct inode *root, *file;
	struct fs *fs;
	uint32_t have;

	(void)state;
	make("8m", "-t ext4 -b 1024 -O ^has_journal");
	fs = open_image("image", true);
	root = root_of(fs);
	file = mk(root, "file", S_IFREG | 0644);
	have = file->d.flags;
	for (size_t f = 0; f < ARRAY_SIZE(flags); f++) {
		assert_int_equal(attr_set_flags(file, have | flags[f], false), -EPERM);
		assert_int_equal(attr_set_flags(file, have | flags[f], true), 0);
		for (size_t i = 0; i < ARRAY_SIZE(all); i++)
			assert_int_equal(try_set(file, all[i]), -EPERM);
		/* appending is writing, which takes setuid bits away: may_setattr() has no say in it */
		assert_int_equal(try_set(file, ATTR_KILL_SUIDGID),
			flags[f] == EXT2_IMMUTABLE_FL ? -EPERM : 0);
		/* of what was appended before */
		assert_int_equal(try_set(file, ATTR_MTIME | ATTR_CTIME), 0);
		assert_int_equal(try_set(file, ATTR_TOUCH | ATTR_ATIME | ATTR_MTIME | ATTR_CTIME),
			flags[f] == EXT2_IMMUTABLE_FL ? -EPERM : 0);
		assert_int_equal(try_set(file, ATTR_TOUCH | ATTR_MODE | ATTR_ATIME), -EPERM);
		assert_int_equal(attr_set_flags(file, have, true), 0);
		/* nothing is written to a directory through the page cache */
		assert_int_equal(attr_set_flags(root, root->d.flags | flags[f], true), 0);
		assert_int_equal(try_set(root, ATTR_MTIME), -EPERM);
		assert_int_equal(try_set(root, ATTR_TOUCH | ATTR_ATIME | ATTR_MTIME),
			flags[f] == EXT2_IMMUTABLE_FL ? -EPERM : 0);
		assert_int_equal(attr_set_flags(root, root->d.flags & ~flags[f], true), 0);
	}
	assert_int_equal(try_set(root, ATTR_SIZE), -EISDIR);
	inode_put(file);
	file = mk(root, "fifo", S_IFIFO | 0644);
	assert_int_equal(try_set(file, ATTR_SIZE), -EINVAL);
	inode_put(file);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	check_clean("image", "refused");
}

/* chattr(1) +i and +a: refused but for what the page cache had before. */
static void test_guarded(void **state)
{
	static const uint32_t flags[] = { EXT2_IMMUTABLE_FL, EXT2_APPEND_FL };
	struct inode *root, *file, *source;
	struct fs *fs;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		const bool immutable = flags[i] == EXT2_IMMUTABLE_FL;
		uint32_t ino;

		make("8M", "-t ext4");
		fs = open_image("image", true);
		root = root_of(fs);
		file = mk(root, "file", S_IFREG | 0644);
		ino = file->ino;
		assert_int_equal(file_write(file, 0, "old", 3, true, false), 3);
		assert_int_equal(attr_set_flags(file, file->d.flags | flags[i], true), 0);
		assert_int_equal(file_write(file, 0, "new", 3, true, false), -EPERM);
		assert_int_equal(file_write(file, 1, "L", 1, false, false), 1);
		inode_put(file);
		inode_put(root);
		assert_int_equal(fs_close(fs), 0);

		/* what was so when it was loaded has nothing old in the page cache */
		fs = open_image("image", true);
		root = root_of(fs);
		file = get(fs, ino);
		source = mk(root, "source", S_IFREG | 0644);
		assert_int_equal(file_write(source, 0, "source", 6, true, false), 6);
		assert_int_equal(file_write(file, 0, "new", 3, true, false), -EPERM);
		assert_int_equal(file_write(file, 0, "new", 3, false, false), -EPERM);
		assert_int_equal(file_copy(source, 0, file, 0, 3, false), -EPERM);
		assert_int_equal(file_write(file, 3, "+", 1, true, false), immutable ? -EPERM : 1);
		assert_int_equal(file_write(file, 0, "oLd+a", 5, false, false), immutable ? -EPERM : 5);
		assert_int_equal(file_copy(source, 0, file, 5, 3, false), immutable ? -EPERM : 3);
		inode_put(source);
		inode_put(file);
		inode_put(root);
		assert_int_equal(fs_close(fs), 0);
		check_clean("image", "guarded");
	}
}

/* The ctime that comes last for a removed file makes no transaction; an mtime does. */
static void test_unlinked(void **state)
{
	struct attr_change change = { .what = ATTR_MTIME | ATTR_CTIME, .ctime = { .tv_sec = 1 } };
	struct inode *root, *file;
	struct dinode d;
	uint32_t ino, tid;
	struct fs *fs;

	(void)state;
	make("8m", "-t ext4 -b 1024 -J size=1");
	fs = open_image("image", true);
	root = root_of(fs);
	file = mk(root, "file", S_IFREG | 0644);
	assert_int_equal(namei_unlink(root, "file", 4, &ino), 0);
	inode_put(root);
	assert_int_equal(fs_sync(fs), 0);
	tid = atomic_load(&file->tid);
	change.mtime = file->d.mtime;
	assert_int_equal(attr_set(file, &change, &d), 0);
	assert_int_equal(atomic_load(&file->tid), tid);
	change.mtime.tv_sec--;
	assert_int_equal(attr_set(file, &change, &d), 0);
	assert_int_equal(d.mtime.tv_sec, change.mtime.tv_sec);
	assert_int_not_equal(atomic_load(&file->tid), tid);
	inode_put(file);
	assert_int_equal(orphan_free(fs, ino), 0);
	assert_int_equal(fs_close(fs), 0);
	check_clean("image", "after the removal");
}

static void test_flags(void **state)
{
	const uint32_t plain = EXT2_NODUMP_FL | EXT2_NOATIME_FL | EXT2_SYNC_FL | EXT2_NOTAIL_FL;
	struct inode *root, *file, *dir, *other;
	struct fs *fs;
	uint32_t have, ino;

	(void)state;
	make("8m", "-t ext4 -b 1024 -J size=1");
	fs = open_image("image", true);
	root = root_of(fs);
	file = mk(root, "file", S_IFREG | 0644);
	ino = file->ino;
	dir = mk(root, "dir", S_IFDIR | 0755);
	other = mk(root, "fifo", S_IFIFO | 0644);
	have = file->d.flags;
	assert_int_equal(attr_set_flags(file, have | plain, false), 0);
	assert_int_equal(file->d.flags, have | plain);
	/* what it is shown it may give back, and nothing of it is cleared that is not the user's */
	assert_int_equal(attr_set_flags(file, EXT4_EXTENTS_FL, false), 0);
	assert_int_equal(file->d.flags, have);
	assert_int_equal(attr_set_flags(file, 0, false), -EOPNOTSUPP);
	assert_int_equal(attr_set_flags(file, have | EXT2_DIRSYNC_FL, false), -EOPNOTSUPP);
	assert_int_equal(attr_set_flags(file, have | EXT2_IMAGIC_FL, false), -EOPNOTSUPP);
	assert_int_equal(attr_set_flags(file, have | EXT3_JOURNAL_DATA_FL, false), -EPERM);
	assert_int_equal(attr_set_flags(file, have | EXT3_JOURNAL_DATA_FL, true), -EOPNOTSUPP);
	assert_int_equal(attr_set_flags(other, EXT2_SYNC_FL, false), -EOPNOTSUPP);
	assert_int_equal(attr_set_flags(other, EXT2_NODUMP_FL, false), 0);
	have = dir->d.flags;
	assert_int_equal(attr_set_flags(dir, have | EXT2_DIRSYNC_FL | EXT2_TOPDIR_FL, false), 0);
	assert_int_equal(attr_set_flags(dir, have | EXT4_CASEFOLD_FL, false), -EOPNOTSUPP);
	/* immutable: nothing else with it */
	have = file->d.flags;
	assert_int_equal(attr_set_flags(file, have | EXT2_IMMUTABLE_FL | EXT2_NODUMP_FL, true), 0);
	assert_int_equal(attr_set_flags(file, have | EXT2_IMMUTABLE_FL, true), -EPERM);
	assert_int_equal(attr_set_flags(file, have | EXT2_NODUMP_FL, true), 0);
	inode_put(file);
	inode_put(dir);
	inode_put(other);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	check_clean("image", "flags");
	assert_true(on_disk(ino).flags & EXT2_NODUMP_FL);
}

static void test_casefold(void **state)
{
	struct inode *root, *dir, *file;
	struct fs *fs;

	(void)state;
	make("8m", "-t ext4 -b 1024 -O ^has_journal,casefold -E encoding=utf8");
	fs = open_image("image", true);
	root = root_of(fs);
	dir = mk(root, "dir", S_IFDIR | 0755);
	assert_int_equal(attr_set_flags(dir, dir->d.flags | EXT4_CASEFOLD_FL, false), 0);
	file = mk(dir, "File", S_IFREG | 0644);
	assert_int_equal(attr_set_flags(dir, dir->d.flags & ~(uint32_t)EXT4_CASEFOLD_FL, false),
		-ENOTEMPTY);
	inode_put(file);
	inode_put(dir);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	check_clean("image", "casefold");
}

static void test_project(void **state)
{
	struct inode *root, *file;
	struct fs *fs;
	uint32_t ino;

	(void)state;
	make("8m", "-t ext4 -b 1024 -O ^has_journal,project -I 256");
	fs = open_image("image", true);
	root = root_of(fs);
	file = mk(root, "file", S_IFREG | 0644);
	ino = file->ino;
	assert_int_equal(attr_set_project(file, 4711), 0);
	inode_put(file);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	check_clean("image", "project");
	assert_int_equal(on_disk(ino).projid, 4711);
	make("8m", "-t ext4 -b 1024 -O ^has_journal");
	fs = open_image("image", true);
	root = root_of(fs);
	assert_int_equal(attr_set_project(root, 4711), -EOPNOTSUPP);
	assert_int_equal(attr_set_project(root, 0), 0);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
}

static void test_generation(void **state)
{
	struct inode *root, *file;
	struct fs *fs;
	uint32_t ino;

	(void)state;
	make("8m", "-t ext4 -b 1024 -O ^has_journal");
	fs = open_image("image", true);
	root = root_of(fs);
	assert_int_equal(attr_set_generation(root, 1), -ENOTTY);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	make("8m", "-t ext3 -b 1024");
	fs = open_image("image", true);
	root = root_of(fs);
	file = mk(root, "file", S_IFREG | 0644);
	ino = file->ino;
	assert_int_equal(attr_set_generation(file, 4711), 0);
	inode_put(file);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	check_clean("image", "generation");
	assert_int_equal(on_disk(ino).generation, 4711);
}

/* An ACL follows the mode; capabilities go with the owner. */
static void test_attributes(void **state)
{
	static const uint8_t acl[] = { 2, 0, 0, 0, /* version */
		1, 0, 6, 0, 255, 255, 255, 255,	   /* user */
		2, 0, 7, 0, 5, 0, 0, 0,		   /* user 5 */
		4, 0, 4, 0, 255, 255, 255, 255,	   /* group */
		16, 0, 7, 0, 255, 255, 255, 255,   /* mask */
		32, 0, 4, 0, 255, 255, 255, 255 }; /* other */
	uint8_t got[sizeof(acl)];
	struct inode *root, *file;
	struct fs *fs;

	(void)state;
	make("8m", "-t ext4 -b 1024 -J size=1");
	fs = open_image("image", true);
	root = root_of(fs);
	file = mk(root, "file", S_IFREG | 0644);
	assert_int_equal(xattr_set(file, "system.posix_acl_access", acl, sizeof(acl), 0, true), 0);
	assert_int_equal(xattr_set(file, "security.capability", "12345678901234567890", 20, 0,
		true), 0);
	set(file, &(struct attr_change){ .what = ATTR_MODE, .mode = 0750 });
	assert_int_equal(xattr_get(file, "system.posix_acl_access", got, sizeof(got)), sizeof(got));
	assert_int_equal(got[6], 7);
	assert_int_equal(got[14], 7);
	assert_int_equal(got[30], 5);
	assert_int_equal(got[38], 0);
	assert_int_equal(xattr_get(file, "security.capability", NULL, 0), 20);
	set(file, &(struct attr_change){ .what = ATTR_UID, .uid = 5 });
	assert_int_equal(xattr_get(file, "security.capability", NULL, 0), -ENODATA);
	inode_put(file);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	check_clean("image", "attributes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_unlinked),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_casefold),
		cmocka_unit_test(test_project),
		cmocka_unit_test(test_generation),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_guarded),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
