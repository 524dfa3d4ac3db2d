// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ACLs that follow from a directory's default one or from a mode. Expected results are those of
 * posix_acl(5), worked out by hand; where a loop device can be mounted the kernel is asked too.
 */
#include "config.h"

#include "attr_fixture.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "format/le.h"
#include "fs/xattr.h"
#include "fs/xattredit.h"

#define ACCESS "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

#define ACL_MAX 200 /* bytes */

/* ---- ACLs as text: "u:7 u1000:6 g:5 g20:4 m:7 o:0" ---- */

struct acl {
	uint8_t data[ACL_MAX];
	size_t len; /* 0: none */
};

static unsigned tag_of(char kind, bool named)
{
	switch (kind) {
	case 'u':
		return named ? 0x02 : 0x01;
	case 'g':
		return named ? 0x08 : 0x04;
	case 'm':
		return 0x10;
	default:
		return 0x20;
	}
}

static struct acl acl(const char *text)
{
	struct acl ret = { .len = 0 };
	const char *at = text;

	if (!text)
		return ret;
	le32_put(ret.data, 2);
	ret.len = 4;
	while (*at) {
		char kind = *at++, *end;
		bool named = *at != ':';
		uint32_t id = (uint32_t)strtoul(at, &end, 10);
		uint8_t *entry = ret.data + ret.len;

		le16_put(entry, (uint16_t)tag_of(kind, named));
		le16_put(entry + 2, (uint16_t)(end[1] - '0'));
		le32_put(entry + 4, named ? id : UINT32_MAX);
		ret.len += 8;
		at = end + 2;
		at += *at == ' ';
	}
	return ret;
}

static struct acl get(struct inode *inode, const char *name)
{
	struct acl ret = { .len = 0 };
	ssize_t n = xattr_get(inode, name, ret.data, sizeof(ret.data));

	if (n != -ENODATA) {
		assert_true(n > 0);
		ret.len = (size_t)n;
	}
	return ret;
}

static void assert_acl(struct inode *inode, const char *name, const struct acl *want)
{
	struct acl have = get(inode, name);

	assert_int_equal(have.len, want->len);
	assert_memory_equal(have.data, want->data, want->len);
}

static int set(struct inode *inode, const char *name, const struct acl *value)
{
	return xattr_set(inode, name, value->len ? value->data : NULL, value->len, 0, true);
}

/* ---- an image with a directory d, and files and directories to take for new ones ---- */

static struct fs *make_tree(void)
{
	make("4m", 16, "-b 1024 -I 512");
	assert_int_equal(sh("rm image; mkdir tree/d tree/e0 tree/e1 tree/e2 tree/e3; "
			    "truncate -s 4m image; mke2fs -q -F -t ext4 -b 1024 -m 0 -I 512 "
			    "-O ^has_journal -d tree image"), 0);
	return open_image(true);
}

/* As if inode had just been made in dir with that mode. */
static void inherit(struct inode *dir, struct inode *inode, uint16_t mode, uint16_t umask)
{
	struct handle *h;

	rwlock_write(&dir->lock);
	assert_int_equal(
		journal_start(dir->fs->journal, 1 + acl_inherit_credits(dir->fs), &h), 0);
	inode->d.mode = (uint16_t)((inode->d.mode & S_IFMT) | mode);
	assert_int_equal(acl_inherit(h, dir, inode, umask), 0);
	assert_int_equal(inode_write(h, inode), 0);
	assert_int_equal(journal_stop(h), 0);
	rwlock_drop(&dir->lock);
}

static const struct {
	const char *of_dir; /* its default ACL */
	uint16_t mode, umask;
	uint16_t want_mode;
	const char *want; /* the access ACL of what is made */
} inherited[] = {
	{ NULL, 0666, 022, 0644, NULL },
	{ NULL, 0777, 027, 0750, NULL },
	{ NULL, 04777, 077, 04700, NULL },
	/* no more than a mode: none is stored, and the umask does not count */
	{ "u:7 g:5 o:0", 0666, 077, 0640, NULL },
	{ "u:7 g:7 o:7", 0600, 022, 0600, NULL },
	/* a mask limits, and is limited by the group's bits of the mode */
	{ "u:7 u1000:7 g:5 m:7 o:5", 0666, 077, 0664, "u:6 u1000:7 g:5 m:6 o:4" },
	{ "u:7 u1000:7 g:5 m:5 o:0", 0777, 022, 0750, "u:7 u1000:7 g:5 m:5 o:0" },
	{ "u:6 g:4 g7:6 m:6 o:0", 0640, 0, 0640, "u:6 g:4 g7:6 m:4 o:0" },
	{ "u:6 u1:4 u2:5 g:4 g7:6 m:6 o:0", 02777, 0, 02660, "u:6 u1:4 u2:5 g:4 g7:6 m:6 o:0" },
	{ "u:7 g:7 m:2 o:1", 0777, 0, 0721, "u:7 g:7 m:2 o:1" },
	{ "u:0 u9:7 g:0 m:7 o:0", 0777, 0, 0070, "u:0 u9:7 g:0 m:7 o:0" },
};

static void test_inherit(void **state)
{
	struct inode *dir;
	struct fs *fs;

	(void)state;
	fs = make_tree();
	dir = find(fs, "d");
	for (size_t i = 0; i < ARRAY_SIZE(inherited); i++) {
		struct acl of_dir = acl(inherited[i].of_dir), want = acl(inherited[i].want);
		struct acl none = { .len = 0 };
		struct inode *file, *sub;
		char name[16];

		snprintf(name, sizeof(name), "f%zu", i);
		file = find(fs, name);
		sub = find(fs, "e0");
		assert_int_equal(set(dir, DEFAULT, &of_dir), 0);
		assert_acl(dir, DEFAULT, &of_dir);
		inherit(dir, file, inherited[i].mode, inherited[i].umask);
		assert_int_equal(file->d.mode, S_IFREG | inherited[i].want_mode);
		assert_acl(file, ACCESS, &want);
		assert_acl(file, DEFAULT, &none);
		inherit(dir, sub, inherited[i].mode, inherited[i].umask);
		assert_int_equal(sub->d.mode, S_IFDIR | inherited[i].want_mode);
		assert_acl(sub, ACCESS, &want);
		assert_acl(sub, DEFAULT, &of_dir);
		assert_int_equal(set(sub, ACCESS, &none), 0);
		assert_int_equal(set(sub, DEFAULT, &none), 0);
		inode_put(file);
		inode_put(sub);
	}
	inode_put(dir);
	assert_int_equal(fs_close(fs), 0);
	assert_clean("inheritance");
}

static int chmod_to(struct inode *inode, uint16_t mode)
{
	struct handle *h;
	int err;

	rwlock_write(&inode->lock);
	assert_int_equal(journal_start(inode->fs->journal,
				 1 + xattr_set_credits(inode->fs, 0), &h), 0);
	inode->d.mode = (uint16_t)((inode->d.mode & S_IFMT) | mode);
	err = acl_chmod(h, inode);
	if (!err)
		err = inode_write(h, inode);
	assert_int_equal(journal_stop(h), 0);
	rwlock_drop(&inode->lock);
	return err;
}

static void test_chmod(void **state)
{
	static const struct {
		const char *before;
		uint16_t mode;
		const char *after;
	} cases[] = {
		{ NULL, 0640, NULL },
		{ "u:6 u1:7 g:5 m:7 o:4", 0750, "u:7 u1:7 g:5 m:5 o:0" },
		{ "u:6 g:5 g9:1 m:1 o:4", 04702, "u:7 g:5 g9:1 m:0 o:2" },
		{ "u:6 g:5 m:1 o:4", 0777, "u:7 g:5 m:7 o:7" },
	};
	struct fs *fs;

	(void)state;
	fs = make_tree();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct acl before = acl(cases[i].before), after = acl(cases[i].after);
		struct inode *inode;
		char name[16];

		snprintf(name, sizeof(name), "f%zu", i);
		inode = find(fs, name);
		assert_int_equal(set(inode, ACCESS, &before), 0);
		assert_int_equal(chmod_to(inode, cases[i].mode), 0);
		assert_int_equal(inode->d.mode, S_IFREG | cases[i].mode);
		assert_acl(inode, ACCESS, &after);
		inode_put(inode);
	}
	assert_int_equal(fs_close(fs), 0);
	assert_clean("chmod");
}

/* What setxattr(2) does to the mode, and refuses. */
static void test_set(void **state)
{
	struct acl none = { .len = 0 }, value, empty = { .len = 4 };
	struct inode *inode, *dir;
	struct fs *fs;

	(void)state;
	fs = make_tree();
	inode = find(fs, "f0");
	dir = find(fs, "e1");
	le32_put(empty.data, 2);
	value = acl("u:7 u1:7 g:5 m:6 o:1");
	assert_int_equal(set(inode, ACCESS, &value), 0);
	assert_int_equal(inode->d.mode, S_IFREG | 0761);
	assert_acl(inode, ACCESS, &value);
	/* no more than a mode: it goes */
	value = acl("u:6 g:4 o:0");
	assert_int_equal(set(inode, ACCESS, &value), 0);
	assert_int_equal(inode->d.mode, S_IFREG | 0640);
	assert_acl(inode, ACCESS, &none);
	assert_int_equal(set(inode, ACCESS, &none), 0);
	/* S_ISGID is lost on who may not set it */
	inode->d.mode |= S_ISGID;
	value = acl("u:6 u1:4 g:4 m:4 o:0");
	assert_int_equal(set(inode, ACCESS, &value), 0);
	assert_int_equal(inode->d.mode, S_IFREG | S_ISGID | 0640);
	assert_int_equal(xattr_set(inode, ACCESS, value.data, value.len, 0, false), 0);
	assert_int_equal(inode->d.mode, S_IFREG | 0640);
	assert_int_equal(set(inode, ACCESS, &empty), 0);
	assert_acl(inode, ACCESS, &none);
	assert_int_equal(inode->d.mode, S_IFREG | 0640);

	assert_int_equal(set(inode, DEFAULT, &value), -EACCES);
	assert_int_equal(set(inode, DEFAULT, &none), 0);
	assert_int_equal(set(dir, DEFAULT, &value), 0);
	assert_acl(dir, DEFAULT, &value);
	value = acl("u:6 u1:4 g:4 o:0");
	assert_int_equal(set(dir, ACCESS, &value), -EINVAL);
	inode_put(inode);
	inode_put(dir);
	assert_int_equal(fs_close(fs), 0);
	assert_clean("setting");
}

/* ---- what the kernel does ---- */

/* Makes a file and a directory under umask, in a process of its own. */
static void kernel_makes(size_t i)
{
	char path[64];
	pid_t pid = fork();
	int status = -1;

	if (!pid) {
		umask(inherited[i].umask);
		snprintf(path, sizeof(path), "mnt/d%zu/file", i);
		if (close(open(path, O_CREAT | O_WRONLY, inherited[i].mode)))
			_exit(1);
		snprintf(path, sizeof(path), "mnt/d%zu/sub", i);
		_exit(mkdir(path, inherited[i].mode) ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static struct inode *child(struct fs *fs, size_t i, const char *name)
{
	char dir_name[16];
	struct inode *dir, *ret;
	uint32_t ino;

	snprintf(dir_name, sizeof(dir_name), "d%zu", i);
	dir = find(fs, dir_name);
	assert_int_equal(dir_lookup(dir, name, strlen(name), &ino), 0);
	assert_int_equal(inode_get(fs, ino, &ret), 0);
	inode_put(dir);
	return ret;
}

static void assert_same(struct inode *kernels, struct inode *ours)
{
	struct acl access = get(ours, ACCESS), of_dir = get(ours, DEFAULT);

	/* root keeps S_ISUID and S_ISGID in open(2) and mkdir(2) to different degrees */
	assert_int_equal(kernels->d.mode & 0777, ours->d.mode & 0777);
	assert_acl(kernels, ACCESS, &access);
	assert_acl(kernels, DEFAULT, &of_dir);
}

static void test_kernel(void **state)
{
	struct fs *fs;

	(void)state;
	NEED_TOOLS(fixture.tools);
	need(getuid() == 0, "root, to mount");
	make("4m", 16, "-b 1024 -I 512");
	assert_int_equal(sh("rm image; for i in $(seq 0 15); do mkdir tree/d$i; done; "
			    "truncate -s 4m image; mke2fs -q -F -t ext4 -b 1024 -m 0 -I 512 "
			    "-O ^has_journal -d tree image; mkdir mnt"), 0);
	fs = open_image(true);
	for (size_t i = 0; i < ARRAY_SIZE(inherited); i++) {
		struct acl of_dir = acl(inherited[i].of_dir);
		struct inode *dir;
		char name[16];

		snprintf(name, sizeof(name), "d%zu", i);
		dir = find(fs, name);
		assert_int_equal(set(dir, DEFAULT, &of_dir), 0);
		inode_put(dir);
	}
	assert_int_equal(fs_close(fs), 0);
	need(!sh("mount -o loop,acl image mnt"), "loop devices");
	for (size_t i = 0; i < ARRAY_SIZE(inherited); i++)
		kernel_makes(i);
	assert_int_equal(sh("umount mnt"), 0);
	assert_clean("the kernel");
	fs = open_image(true);
	for (size_t i = 0; i < ARRAY_SIZE(inherited); i++) {
		struct inode *dir, *file, *made = child(fs, i, "file"), *sub = child(fs, i, "sub");
		struct acl want = acl(inherited[i].want), of_dir = acl(inherited[i].of_dir);
		char name[16];

		snprintf(name, sizeof(name), "d%zu", i);
		dir = find(fs, name);
		snprintf(name, sizeof(name), "f%zu", i);
		file = find(fs, name);
		inherit(dir, file, inherited[i].mode, inherited[i].umask);
		assert_same(made, file);
		assert_acl(sub, ACCESS, &want);
		assert_acl(sub, DEFAULT, &of_dir);
		inode_put(made);
		inode_put(sub);
		inode_put(file);
		inode_put(dir);
	}
	assert_int_equal(fs_close(fs), 0);
	assert_clean("both");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inherit),
		cmocka_unit_test(test_chmod),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_kernel),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
