// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Operations on names: random sequences against a model of the tree in memory, read back through a
 * fresh read-only open and judged by e2fsck; the rules one by one; threads that rename against each
 * other.
 */
#include "config.h"

#include "write_fixture.h"

#include <linux/fs.h>
#include <pthread.h>
#include <sys/sysmacros.h>

#include "format/le.h"
#include "fs/attr.h"
#include "fs/file.h"
#include "fs/namei.h"
#include "fs/orphan.h"
#include "fs/symlink.h"
#include "fs/xattredit.h"

static const struct cred cred = { .uid = 1000, .gid = 100, .umask = 022 };

/* ---- the model ---- */

#define MAX_HELD 16

struct node;

struct entry {
	char name[DIR_NAME_MAX + 1];
	struct node *node;
};

struct node {
	uint32_t ino;
	uint16_t mode;
	unsigned nlink; /* subdirectories for directories: 2 and more */
	dev_t rdev;
	char *target;	    /* symlinks */
	struct node *parent; /* directories */
	struct entry *entries;
	size_t nr;
	struct node *next; /* all that are alive */
};

struct model {
	struct fs *fs;
	struct node *root;
	struct node *all;
	size_t nr;
	struct inode *held[MAX_HELD]; /* unlinked but in use */
	unsigned long seed;
};

static unsigned roll(struct model *m, unsigned sides)
{
	m->seed = m->seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(m->seed >> 33) % sides;
}

static struct node *node_new(struct model *m, uint16_t mode, uint32_t ino)
{
	struct node *node = calloc(1, sizeof(*node));

	assert_non_null(node);
	node->mode = mode;
	node->ino = ino;
	node->nlink = S_ISDIR(mode) ? 2 : 1;
	node->next = m->all;
	m->all = node;
	m->nr++;
	return node;
}

static void node_free(struct model *m, struct node *node)
{
	struct node **at = &m->all;

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	m->nr--;
	free(node->target);
	free(node->entries);
	free(node);
}

static struct entry *entry_find(struct node *dir, const char *name)
{
	for (size_t i = 0; i < dir->nr; i++)
		if (!strcmp(dir->entries[i].name, name))
			return &dir->entries[i];
	return NULL;
}

static void entry_add(struct node *dir, const char *name, struct node *node)
{
	dir->entries = reallocarray(dir->entries, dir->nr + 1, sizeof(dir->entries[0]));
	assert_non_null(dir->entries);
	strcpy(dir->entries[dir->nr].name, name);
	dir->entries[dir->nr++].node = node;
	if (S_ISDIR(node->mode)) {
		node->parent = dir;
		dir->nlink++;
	}
}

static struct node *entry_take(struct node *dir, const char *name)
{
	struct entry *entry = entry_find(dir, name);
	struct node *node = entry->node;

	if (S_ISDIR(node->mode))
		dir->nlink--;
	*entry = dir->entries[--dir->nr];
	return node;
}

static bool is_below(const struct node *node, const struct node *above)
{
	while (node && node != above)
		node = node->parent;
	return node;
}

static struct node *some_node(struct model *m, bool dir)
{
	for (;;) {
		struct node *node = m->all;

		for (unsigned n = roll(m, (unsigned)m->nr); n; n--)
			node = node->next;
		if (!dir || S_ISDIR(node->mode))
			return node;
	}
}

static void some_name(struct model *m, char name[DIR_NAME_MAX + 1])
{
	unsigned n = roll(m, 24);
	int len = snprintf(name, DIR_NAME_MAX + 1, "n%u", n);

	/* long ones fill blocks */
	if (n % 4 == 3)
		while (len < 150 + (int)n)
			name[len++] = 'x';
	name[len] = '\0';
}

/* ---- operations on both ---- */

static struct inode *hold(struct model *m, const struct node *node)
{
	return get(m->fs, node->ino);
}

/* A name of node is gone. Sometimes the inode stays in use for a while. */
static void lose_link(struct model *m, struct node *node, uint32_t ino)
{
	unsigned slot = roll(m, MAX_HELD);

	assert_int_equal(ino, node->ino);
	if (!S_ISDIR(node->mode) && --node->nlink)
		return;
	assert_true(orphan_is_known(m->fs, ino));
	if (!m->held[slot] && roll(m, 2))
		m->held[slot] = get(m->fs, ino);
	else
		assert_int_equal(orphan_free(m->fs, ino), 0);
	node_free(m, node);
}

static void let_go(struct model *m, unsigned slot)
{
	struct inode *inode = m->held[slot];
	uint32_t ino;

	if (!inode)
		return;
	ino = inode->ino;
	assert_int_equal(inode->d.nlink, 0);
	inode_put(inode);
	m->held[slot] = NULL;
	assert_int_equal(orphan_free(m->fs, ino), 0);
	assert_false(orphan_is_known(m->fs, ino));
}

static uint16_t some_mode(struct model *m)
{
	static const uint16_t modes[] = { S_IFREG | 0666, S_IFREG | 0640, S_IFDIR | 0755,
		S_IFDIR | 0777, S_IFCHR | 0600, S_IFBLK | 0600, S_IFIFO | 0644, S_IFSOCK | 0700 };

	return modes[roll(m, ARRAY_SIZE(modes))];
}

static void do_make(struct model *m)
{
	struct node *dir = some_node(m, true), *node;
	struct inode *parent = hold(m, dir), *inode = NULL;
	uint16_t mode = some_mode(m);
	dev_t rdev = S_ISCHR(mode) || S_ISBLK(mode) ? makedev(roll(m, 300), roll(m, 300)) : 0;
	char name[DIR_NAME_MAX + 1];
	int err;

	some_name(m, name);
	err = namei_make(parent, name, strlen(name), mode, rdev, &cred, &inode);
	assert_int_equal(err, entry_find(dir, name) ? -EEXIST : 0);
	inode_put(parent);
	if (err)
		return;
	mode &= (uint16_t)~cred.umask;
	assert_int_equal(inode->d.mode, mode);
	node = node_new(m, mode, inode->ino);
	node->rdev = rdev;
	entry_add(dir, name, node);
	inode_put(inode);
}

static void do_symlink(struct model *m)
{
	static const size_t lengths[] = { 1, 20, 59, 60, 61, 200, 1023 };
	struct node *dir = some_node(m, true), *node;
	struct inode *parent = hold(m, dir), *inode = NULL;
	size_t len = lengths[roll(m, ARRAY_SIZE(lengths))];
	char name[DIR_NAME_MAX + 1], target[1024];
	int err;

	some_name(m, name);
	memset(target, 'a' + (char)roll(m, 26), len);
	target[len] = '\0';
	err = namei_symlink(parent, name, strlen(name), target, len, &cred, &inode);
	assert_int_equal(err, entry_find(dir, name) ? -EEXIST : 0);
	inode_put(parent);
	if (err)
		return;
	node = node_new(m, S_IFLNK | 0777, inode->ino);
	node->target = strdup(target);
	entry_add(dir, name, node);
	inode_put(inode);
}

static void do_tmpfile(struct model *m)
{
	struct node *dir = some_node(m, true), *node;
	struct inode *parent = hold(m, dir), *inode;
	char name[DIR_NAME_MAX + 1];
	int err;

	some_name(m, name);
	assert_int_equal(namei_tmpfile(parent, S_IFREG | 0600, &cred, &inode), 0);
	assert_int_equal(inode->d.nlink, 0);
	if (roll(m, 2)) {
		err = namei_link(inode, parent, name, strlen(name));
		assert_int_equal(err, entry_find(dir, name) ? -EEXIST : 0);
		if (!err) {
			node = node_new(m, S_IFREG | 0600, inode->ino);
			entry_add(dir, name, node);
		}
	}
	assert_int_equal(orphan_free(m->fs, inode->ino), 0);
	inode_put(inode);
	inode_put(parent);
}

static void do_link(struct model *m)
{
	struct node *dir = some_node(m, true), *node = some_node(m, false);
	struct inode *parent = hold(m, dir), *inode = hold(m, node);
	char name[DIR_NAME_MAX + 1];
	int err, want = 0;

	some_name(m, name);
	if (S_ISDIR(node->mode))
		want = -EPERM;
	else if (entry_find(dir, name))
		want = -EEXIST;
	err = namei_link(inode, parent, name, strlen(name));
	assert_int_equal(err, want);
	if (!err) {
		entry_add(dir, name, node);
		node->nlink++;
	}
	inode_put(parent);
	inode_put(inode);
}

static int want_remove(const struct entry *entry, bool rmdir)
{
	if (!entry)
		return -ENOENT;
	if (S_ISDIR(entry->node->mode) != rmdir)
		return rmdir ? -ENOTDIR : -EISDIR;
	return rmdir && entry->node->nr ? -ENOTEMPTY : 0;
}

static void do_remove(struct model *m)
{
	struct node *dir = some_node(m, true);
	struct inode *parent = hold(m, dir);
	char name[DIR_NAME_MAX + 1];
	struct entry *entry;
	bool rmdir = roll(m, 3) == 0;
	uint32_t ino;
	int err, want;

	some_name(m, name);
	entry = entry_find(dir, name);
	want = want_remove(entry, rmdir);
	err = rmdir ? namei_rmdir(parent, name, strlen(name), &ino) :
		      namei_unlink(parent, name, strlen(name), &ino);
	assert_int_equal(err, want);
	inode_put(parent);
	if (!err)
		lose_link(m, entry_take(dir, name), ino);
}

static int want_replace(const struct node *from, const struct node *to, bool exchange)
{
	if (exchange)
		return 0;
	if (S_ISDIR(from->mode) != S_ISDIR(to->mode))
		return S_ISDIR(from->mode) ? -ENOTDIR : -EISDIR;
	return S_ISDIR(to->mode) && to->nr ? -ENOTEMPTY : 0;
}

static int want_rename(struct node *dir, const char *name, struct node *to_dir, const char *to_name,
	unsigned flags)
{
	struct entry *from = entry_find(dir, name), *to = entry_find(to_dir, to_name);
	bool exchange = flags & RENAME_EXCHANGE;

	if (!from || (exchange && !to))
		return -ENOENT;
	if (to && from->node == to->node)
		return flags & RENAME_NOREPLACE ? -EEXIST : 0;
	if (is_below(to_dir, from->node))
		return -EINVAL;
	if (exchange && is_below(dir, to->node))
		return -EINVAL;
	if (to && to->node == dir)
		return -ENOTEMPTY;
	if (!to)
		return 0;
	return flags & RENAME_NOREPLACE ? -EEXIST : want_replace(from->node, to->node, exchange);
}

static void model_whiteout(struct model *m, struct node *dir, const char *name)
{
	struct inode *parent = hold(m, dir);
	uint32_t ino;

	assert_int_equal(namei_lookup(parent, name, strlen(name), &ino), 0);
	inode_put(parent);
	entry_add(dir, name, node_new(m, S_IFCHR, ino));
}

static void model_rename(struct model *m, struct node *dir, const char *name, struct node *to_dir,
	const char *to_name, unsigned flags, uint32_t replaced)
{
	struct entry *to = entry_find(to_dir, to_name);
	struct node *old = to ? to->node : NULL, *node;

	if (old == entry_find(dir, name)->node) {
		assert_int_equal(replaced, 0);
		return;
	}
	node = entry_take(dir, name);
	if (old)
		entry_take(to_dir, to_name);
	entry_add(to_dir, to_name, node);
	if (flags & RENAME_EXCHANGE)
		entry_add(dir, name, old);
	else if (old)
		lose_link(m, old, replaced);
	if (flags & RENAME_WHITEOUT)
		model_whiteout(m, dir, name);
}

static void do_rename(struct model *m)
{
	static const unsigned some_flags[] = { 0, 0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE,
		RENAME_EXCHANGE, RENAME_WHITEOUT };
	struct node *dir = some_node(m, true);
	struct node *to_dir = roll(m, 3) ? some_node(m, true) : dir;
	struct inode *from = hold(m, dir), *to = hold(m, to_dir);
	unsigned flags = some_flags[roll(m, ARRAY_SIZE(some_flags))];
	char name[DIR_NAME_MAX + 1], to_name[DIR_NAME_MAX + 1];
	uint32_t replaced;
	int err, want;

	some_name(m, name);
	some_name(m, to_name);
	want = want_rename(dir, name, to_dir, to_name, flags);
	err = namei_rename(from, name, strlen(name), to, to_name, strlen(to_name), flags, &cred,
		&replaced);
	/* several things may be wrong at once */
	if (!want || !err)
		assert_int_equal(err, want);
	inode_put(from);
	inode_put(to);
	if (!err)
		model_rename(m, dir, name, to_dir, to_name, flags, replaced);
}

static void do_something(struct model *m)
{
	switch (roll(m, 10)) {
	case 0:
	case 1:
	case 2:
		do_make(m);
		break;
	case 3:
		do_symlink(m);
		break;
	case 4:
		do_link(m);
		break;
	case 5:
		do_tmpfile(m);
		break;
	case 6:
	case 7:
		do_remove(m);
		break;
	case 8:
		let_go(m, roll(m, MAX_HELD));
		break;
	default:
		do_rename(m);
	}
}

/* ---- comparing ---- */

struct seen {
	struct model *m;
	struct node *dir;
	size_t nr;
};

static void check_node(struct fs *fs, const struct node *node)
{
	struct inode *inode = get(fs, node->ino);
	char target[SYMLINK_MAX];

	assert_int_equal(inode->d.mode, node->mode);
	assert_int_equal(inode->d.nlink, node->nlink);
	if (S_ISCHR(node->mode) || S_ISBLK(node->mode))
		assert_int_equal(inode->d.rdev, node->rdev);
	if (node->target) {
		assert_int_equal(symlink_read(inode, target), 0);
		assert_string_equal(target, node->target);
	}
	inode_put(inode);
}

static bool check_entry(void *arg, const struct dir_entry *e)
{
	char name[DIR_NAME_MAX + 1] = "";
	struct seen *seen = arg;
	struct entry *entry;

	memcpy(name, e->name, e->len);
	if (!strcmp(name, ".")) {
		assert_int_equal(e->ino, seen->dir->ino);
		return true;
	}
	if (!strcmp(name, "..")) {
		assert_int_equal(e->ino, seen->dir->parent ? seen->dir->parent->ino :
							     EXT2_ROOT_INO);
		return true;
	}
	if (!strcmp(name, "lost+found"))
		return true;
	entry = entry_find(seen->dir, name);
	if (!entry)
		fail_msg("%s is there, but should not", name);
	assert_int_equal(entry->node->ino, e->ino);
	seen->nr++;
	return true;
}

static void check_tree(struct model *m, struct fs *fs)
{
	for (struct node *node = m->all; node; node = node->next) {
		struct seen seen = { m, node, 0 };
		struct inode *dir;

		check_node(fs, node);
		if (!S_ISDIR(node->mode))
			continue;
		dir = get(fs, node->ino);
		assert_int_equal(dir_iterate(dir, 0, check_entry, &seen), 0);
		assert_int_equal(seen.nr, node->nr);
		inode_put(dir);
	}
}

static void model_init(struct model *m, struct fs *fs, unsigned long seed)
{
	memset(m, 0, sizeof(*m));
	m->fs = fs;
	m->seed = seed;
	m->root = node_new(m, S_IFDIR | 0755, EXT2_ROOT_INO);
	m->root->nlink = 3; /* lost+found */
}

static void model_fini(struct model *m)
{
	while (m->all)
		node_free(m, m->all);
}

#define TURNS 1200

static void run_random(const char *args, unsigned long seed)
{
	struct model m;

	make("16m", args);
	model_init(&m, open_image("image", true), seed);
	for (unsigned turn = 0; turn < TURNS; turn++)
		do_something(&m);
	check_tree(&m, m.fs);
	for (unsigned i = 0; i < MAX_HELD; i++)
		let_go(&m, i);
	assert_int_equal(fs_close(m.fs), 0);
	check_clean("image", args);
	m.fs = open_image("image", false);
	check_tree(&m, m.fs);
	assert_int_equal(fs_close(m.fs), 0);
	model_fini(&m);
}

static void test_random(void **state)
{
	static const char *const variants[] = {
		"-t ext4 -b 1024 -O ^has_journal",
		"-t ext4 -b 4096 -O ^has_journal",
		"-t ext2 -b 1024",
		"-t ext2 -b 4096 -O ^filetype,^dir_index",
		"-t ext3 -b 1024",
		"-t ext4 -b 1024 -J size=1",
		"-t ext4 -b 4096 -J size=4 -O orphan_file",
		"-t ext4 -b 1024 -J size=1 -O ^metadata_csum,uninit_bg",
		"-t ext4 -b 1024 -J size=1 -O orphan_file,inline_data",
		"-t ext4 -b 1024 -J size=1 -I 128",
		"-t ext4 -b 1024 -O ^has_journal,bigalloc -C 4096",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++)
		run_random(variants[i], 4711 + i);
}

/* ---- the rules ---- */

static struct inode *mk(struct inode *dir, const char *name, uint16_t mode)
{
	struct inode *inode;
	int err = namei_make(dir, name, strlen(name), mode, 0, &cred, &inode);

	if (err)
		fail_msg("%s: %s", name, strerror(-err));
	return inode;
}

static int mv(struct inode *from, const char *name, struct inode *to, const char *to_name,
	unsigned flags)
{
	uint32_t ino;

	return namei_rename(from, name, strlen(name), to, to_name, strlen(to_name), flags, &cred,
		&ino);
}

static void set_flags(struct inode *inode, uint32_t flags)
{
	struct handle *h;

	assert_int_equal(journal_start(inode->fs->journal, INODE_CREDITS, &h), 0);
	inode->d.flags = flags;
	assert_int_equal(inode_write(h, inode), 0);
	assert_int_equal(journal_stop(h), 0);
}

static void test_flags(void **state)
{
	struct inode *root, *dir, *file, *made;
	uint32_t ino, flags;
	struct fs *fs;

	(void)state;
	make("4m", "-t ext4 -b 1024 -O ^has_journal");
	fs = open_image("image", true);
	root = root_of(fs);
	dir = mk(root, "dir", S_IFDIR | 0755);
	file = mk(dir, "file", S_IFREG | 0644);
	flags = file->d.flags;
	set_flags(file, flags | EXT2_IMMUTABLE_FL);
	assert_int_equal(namei_unlink(dir, "file", 4, &ino), -EPERM);
	assert_int_equal(namei_link(file, root, "l", 1), -EPERM);
	assert_int_equal(mv(dir, "file", root, "l", 0), -EPERM);
	set_flags(file, flags);
	flags = dir->d.flags;
	set_flags(dir, flags | EXT2_APPEND_FL);
	assert_int_equal(namei_unlink(dir, "file", 4, &ino), -EPERM);
	assert_int_equal(mv(dir, "file", root, "l", 0), -EPERM);
	assert_int_equal(namei_link(file, dir, "l", 1), 0);
	set_flags(dir, flags | EXT2_IMMUTABLE_FL);
	assert_int_equal(namei_make(dir, "x", 1, S_IFREG, 0, &cred, &made), -EPERM);
	assert_int_equal(namei_link(file, dir, "l2", 2), -EPERM);
	assert_int_equal(namei_tmpfile(dir, S_IFREG, &cred, &made), -EPERM);
	set_flags(dir, flags);
	inode_put(file);
	inode_put(dir);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	check_clean("image", "flags");
}

static void test_names(void **state)
{
	static const char long_name[DIR_NAME_MAX + 2] = "x";
	struct inode *root, *dir, *made;
	char target[5000];
	struct fs *fs;
	uint32_t ino;

	(void)state;
	make("4m", "-t ext4 -b 1024 -O ^has_journal");
	fs = open_image("image", true);
	root = root_of(fs);
	memset(target, 't', sizeof(target));
	assert_int_equal(namei_make(root, "", 0, S_IFREG, 0, &cred, &made), -EINVAL);
	assert_int_equal(namei_make(root, "a/b", 3, S_IFREG, 0, &cred, &made), -EINVAL);
	assert_int_equal(namei_make(root, "a\0b", 3, S_IFREG, 0, &cred, &made), -EINVAL);
	assert_int_equal(namei_make(root, ".", 1, S_IFDIR, 0, &cred, &made), -EEXIST);
	assert_int_equal(namei_make(root, "..", 2, S_IFDIR, 0, &cred, &made), -EEXIST);
	assert_int_equal(
		namei_make(root, long_name, sizeof(long_name), S_IFREG, 0, &cred, &made),
		-ENAMETOOLONG);
	assert_int_equal(namei_symlink(root, "s", 1, target, 0, &cred, &made), -ENOENT);
	assert_int_equal(
		namei_symlink(root, "s", 1, target, 1024, &cred, &made), -ENAMETOOLONG);
	assert_int_equal(namei_rmdir(root, ".", 1, &ino), -EINVAL);
	assert_int_equal(namei_rmdir(root, "..", 2, &ino), -ENOTEMPTY);
	dir = mk(root, "dir", S_IFDIR | 0755);
	assert_int_equal(mv(root, "dir", dir, "sub", 0), -EINVAL);
	assert_int_equal(namei_rmdir(root, "dir", 3, &ino), 0);
	assert_int_equal(ino, dir->ino);
	/* dead, but in use */
	assert_int_equal(namei_make(dir, "x", 1, S_IFREG, 0, &cred, &made), -ENOENT);
	assert_int_equal(namei_tmpfile(dir, S_IFREG, &cred, &made), -EPERM);
	assert_int_equal(mv(root, "lost+found", dir, "x", 0), -ENOENT);
	inode_put(dir);
	assert_int_equal(orphan_free(fs, ino), 0);
	assert_int_equal(inode_get(fs, ino, &dir), -ESTALE);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	check_clean("image", "names");
}

/* An unlinked inode cannot get a name again, one made without a name can, once or twice. */
static void test_linkable(void **state)
{
	struct inode *root, *inode;
	struct fs *fs;
	uint32_t ino;

	(void)state;
	make("4m", "-t ext4 -b 1024 -J size=1");
	fs = open_image("image", true);
	root = root_of(fs);
	inode = mk(root, "file", S_IFREG | 0644);
	assert_int_equal(namei_unlink(root, "file", 4, &ino), 0);
	assert_int_equal(namei_link(inode, root, "again", 5), -ENOENT);
	inode_put(inode);
	assert_int_equal(orphan_free(fs, ino), 0);
	assert_int_equal(namei_tmpfile(root, S_IFREG | 0600, &cred, &inode), 0);
	assert_int_equal(namei_link(inode, root, "one", 3), 0);
	assert_int_equal(namei_link(inode, root, "two", 3), 0);
	assert_int_equal(inode->d.nlink, 2);
	assert_false(orphan_is_known(fs, inode->ino));
	inode_put(inode);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	check_clean("image", "linkable");
}

static void test_link_max(void **state)
{
	struct inode *root, *dir, *file, *made;
	struct fs *fs;

	(void)state;
	make("4m", "-t ext4 -b 1024 -O ^has_journal,^dir_nlink");
	fs = open_image("image", true);
	root = root_of(fs);
	dir = mk(root, "dir", S_IFDIR | 0755);
	file = mk(root, "file", S_IFREG | 0644);
	dir->d.nlink = file->d.nlink = 65000;
	assert_int_equal(namei_link(file, root, "l", 1), -EMLINK);
	assert_int_equal(namei_make(dir, "d", 1, S_IFDIR, 0, &cred, &made), -EMLINK);
	assert_int_equal(mv(root, "lost+found", dir, "l", 0), -EMLINK);
	dir->d.nlink = 2;
	file->d.nlink = 1;
	inode_put(dir);
	inode_put(file);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	check_clean("image", "link counts");
}

static void test_inherit(void **state)
{
	struct inode *root, *dir, *made;
	struct fs *fs;

	(void)state;
	make("4m", "-t ext4 -b 1024 -O ^has_journal,project -I 256");
	fs = open_image("image", true);
	root = root_of(fs);
	dir = mk(root, "dir", S_IFDIR | 0755);
	dir->d.mode |= S_ISGID;
	dir->d.gid = 7;
	dir->d.projid = 70000;
	set_flags(dir, dir->d.flags | EXT4_PROJINHERIT_FL);
	made = mk(dir, "file", S_IFREG | 0644);
	assert_int_equal(made->d.gid, 7);
	assert_int_equal(made->d.uid, cred.uid);
	assert_int_equal(made->d.projid, 70000);
	assert_false(made->d.mode & S_ISGID);
	inode_put(made);
	made = mk(dir, "sub", S_IFDIR | 0755);
	assert_true(made->d.mode & S_ISGID);
	assert_true(made->d.flags & EXT4_PROJINHERIT_FL);
	inode_put(made);
	made = mk(root, "other", S_IFREG | 0644);
	assert_int_equal(made->d.gid, cred.gid);
	assert_int_equal(namei_link(made, dir, "l", 1), -EXDEV);
	assert_int_equal(mv(root, "other", dir, "l", 0), -EXDEV);
	assert_int_equal(mv(dir, "file", root, "other", RENAME_EXCHANGE), -EXDEV);
	assert_int_equal(mv(dir, "file", root, "moved", 0), 0);
	inode_put(made);
	inode_put(dir);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	check_clean("image", "inherit");
}

/* With a ring of parents, which only damage makes, the walk to the root ends all the same. */
/* An ACL of the owner, nr users, group, mask and others as setxattr(2) takes it; returns its length. */
static size_t make_acl(uint8_t *raw, unsigned nr)
{
	size_t at = 4;

	le32_put(raw, 2);
	for (unsigned i = 0; i < nr + 4; i++, at += 8) {
		const bool user = i && i <= nr;
		const uint16_t tag = i == 0 ? 0x01 : user ? 0x02 : (uint16_t)(0x04 << (2 * (i - nr - 1)));

		/* USER_OBJ, USER ..., GROUP_OBJ, MASK, OTHER */
		le16_put(raw + at, i == nr + 3 ? 0x20 : tag);
		le16_put(raw + at + 2, 7);
		le32_put(raw + at + 4, user ? 1000 + i : UINT32_MAX);
	}
	return at;
}

/* Inherited ACLs leave any room from plenty to nothing for inline data: a block does as well. */
static void test_inline_acl(void **state)
{
	struct inode *root, *parent, *dir;
	uint8_t acl[256];
	char name[16];
	struct fs *fs;
	uint32_t ino;

	(void)state;
	make("8m", "-t ext4 -b 1024 -I 256 -O inline_data");
	fs = open_image("image", true);
	root = root_of(fs);
	for (unsigned nr = 1; nr <= 16; nr++) {
		size_t len = make_acl(acl, nr);

		snprintf(name, sizeof(name), "d%u", nr);
		parent = mk(root, name, S_IFDIR | 0755);
		assert_int_equal(xattr_set(parent, "system.posix_acl_default", acl, len, 0, true), 0);
		dir = mk(parent, "below", S_IFDIR | 0755);
		inode_put(mk(dir, "file", S_IFREG | 0644));
		assert_int_equal(namei_lookup(dir, "file", 4, &ino), 0);
		inode_put(dir);
		inode_put(parent);
	}
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	check_clean("image", "inline data and ACLs");
}

static void test_ring(void **state)
{
	struct inode *root, *a, *b, *x;
	uint32_t a_ino, b_ino;
	char command[256];
	struct fs *fs;

	(void)state;
	make("4m", "-t ext4 -b 1024 -O ^has_journal,^metadata_csum");
	assert_int_equal(sh("printf 'mkdir a\\nmkdir a/b\\nmkdir x\\n' >cmd; "
			    "debugfs -w -f cmd image"), 0);
	fs = open_image("image", false);
	root = root_of(fs);
	assert_int_equal(dir_lookup(root, "a", 1, &a_ino), 0);
	a = get(fs, a_ino);
	assert_int_equal(dir_lookup(a, "b", 1, &b_ino), 0);
	inode_put(a);
	inode_put(root);
	fs_close(fs);
	/* a's parent is b now */
	snprintf(command, sizeof(command), "unlink a/..\nlink <%u> a/..\n", b_ino);
	assert_int_equal(sh("printf '%s' >cmd; debugfs -w -f cmd image", command), 0);
	fs = open_image("image", true);
	root = root_of(fs);
	b = get(fs, b_ino);
	x = mk(root, "y", S_IFDIR | 0755);
	if (mv(root, "y", b, "y", 0) != -EUCLEAN) {
		show_log();
		fail();
	}
	inode_put(x);
	inode_put(b);
	inode_put(root);
	(void)!fs_close(fs);
}

/* Space or inodes run out in the middle: what could not be made leaves nothing behind. */
static void run_full(const char *args)
{
	char name[200], target[900];
	struct inode *root, *dir, *made;
	unsigned refused = 0;
	struct fs *fs;

	make("4m", args);
	fs = open_image("image", true);
	root = root_of(fs);
	dir = mk(root, "dir", S_IFDIR | 0755);
	memset(target, 't', sizeof(target));
	for (unsigned i = 0; refused < 30 && i < 5000; i++) {
		int err;

		snprintf(name, sizeof(name), "%0180u", i);
		if (i % 3 == 0)
			err = namei_symlink(dir, name, strlen(name), target, sizeof(target), &cred,
				&made);
		else
			err = namei_make(dir, name, strlen(name),
				i % 3 == 1 ? S_IFDIR | 0755 : S_IFREG | 0644, 0, &cred, &made);
		if (!err) {
			inode_put(made);
		} else {
			assert_int_equal(err, -ENOSPC);
			refused++;
		}
	}
	assert_int_equal(refused, 30);
	inode_put(dir);
	inode_put(root);
	assert_int_equal(fs_close(fs), 0);
	check_clean("image", args);
}

static void test_full(void **state)
{
	(void)state;
	run_full("-t ext4 -b 1024 -N 4000 -O ^has_journal");
	run_full("-t ext4 -b 1024 -N 4000 -J size=1");
	run_full("-t ext4 -b 1024 -N 64 -O ^has_journal");
	run_full("-t ext2 -b 1024 -N 4000");
}

/* What frees blocks, and what then needs some at once: in the transaction that frees them they are not to be had. */
struct pending {
	struct inode *root, *hog, *source, *full[2];
	uint64_t end; /* of the hog, in bytes */
};

#define FULL_NAMES 4 /* of LONG_NAME bytes fill a block of 1 KiB */
#define LONG_NAME 200

static void long_name(char name[LONG_NAME + 1], unsigned nr)
{
	snprintf(name, LONG_NAME + 1, "%0*u", LONG_NAME, nr);
}

static int pend_mkdir(struct pending *p)
{
	struct inode *made;
	int err = namei_make(p->root, "new", 3, S_IFDIR | 0755, 0, &cred, &made);

	if (!err)
		inode_put(made);
	return err;
}

static int pend_symlink(struct pending *p)
{
	struct inode *made;
	char target[900];
	int err;

	memset(target, 't', sizeof(target));
	err = namei_symlink(p->root, "symlink", 7, target, sizeof(target), &cred, &made);
	if (!err)
		inode_put(made);
	return err;
}

static int pend_link(struct pending *p)
{
	char name[LONG_NAME + 1];

	long_name(name, FULL_NAMES);
	return namei_link(p->source, p->full[0], name, LONG_NAME);
}

static int pend_rename(struct pending *p)
{
	char name[LONG_NAME + 1];

	long_name(name, FULL_NAMES);
	return mv(p->root, "source", p->full[1], name, 0);
}

static int pend_xattr(struct pending *p)
{
	char value[700] = { 0 };

	return xattr_set(p->source, "user.large", value, sizeof(value), 0, false);
}

static void fill_up(struct pending *p)
{
	for (uint64_t part = 256 << 10; part >= 1024;) {
		int err = file_fallocate(p->hog, 0, p->end, part, false);

		if (err)
			assert_int_equal(err, -ENOSPC);
		if (err)
			part /= 2;
		else
			p->end += part;
	}
}

static void test_pending(void **state)
{
	static int (*const ops[])(struct pending *p) = { pend_mkdir, pend_symlink, pend_link,
		pend_rename, pend_xattr };
	const struct attr_change empty = { .what = ATTR_SIZE };
	char name[LONG_NAME + 1];
	struct pending p = { .end = 0 };
	struct inode *victims[ARRAY_SIZE(ops)];
	struct dinode d;
	struct fs *fs;

	(void)state;
	make("8m", "-t ext4 -b 1024 -m 0 -J size=1");
	fs = open_image("image", true);
	p.root = root_of(fs);
	p.source = mk(p.root, "source", S_IFREG | 0644);
	for (unsigned i = 0; i < 2; i++) {
		p.full[i] = mk(p.root, i ? "full1" : "full0", S_IFDIR | 0755);
		for (unsigned nr = 0; nr < FULL_NAMES; nr++) {
			long_name(name, nr);
			inode_put(mk(p.full[i], name, S_IFREG | 0644));
		}
	}
	p.hog = mk(p.root, "hog", S_IFREG | 0644);
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		snprintf(name, sizeof(name), "victim%zu", i);
		victims[i] = mk(p.root, name, S_IFREG | 0644);
		assert_int_equal(file_fallocate(victims[i], 0, 0, 8 << 10, false), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		fill_up(&p);
		assert_int_equal(ops[i](&p), -ENOSPC);
		assert_int_equal(attr_set(victims[i], &empty, &d), 0);
		assert_int_equal(ops[i](&p), 0);
		inode_put(victims[i]);
	}
	inode_put(p.hog);
	inode_put(p.full[1]);
	inode_put(p.full[0]);
	inode_put(p.source);
	inode_put(p.root);
	assert_int_equal(fs_close(fs), 0);
	check_clean("image", "pending");
}

/* ---- threads ---- */

#define THREADS 4
#define ROUNDS 150
#define DIRS 4

struct mover {
	struct fs *fs;
	uint32_t dirs[DIRS];
	unsigned long seed;
};

/* The errors that these threads may make each other see. */
static void check_race(int err)
{
	switch (err) {
	case 0:
	case -EEXIST:
	case -EINVAL:
	case -EISDIR:
	case -ENOENT:
	case -ENOTDIR:
	case -ENOTEMPTY:
		return;
	default:
		fprintf(stderr, "%s\n", strerror(-err));
		abort();
	}
}

static void freed(struct fs *fs, int err, uint32_t ino)
{
	check_race(err);
	if (!err && ino && orphan_free(fs, ino))
		abort();
}

static void move_once(struct fs *fs, struct inode *from, struct inode *to, struct model *dice)
{
	uint16_t mode = roll(dice, 2) ? S_IFDIR : S_IFREG;
	char name[8], to_name[8];
	struct inode *made;
	uint32_t ino;
	int err;

	snprintf(name, sizeof(name), "d%u", roll(dice, 5));
	snprintf(to_name, sizeof(to_name), "d%u", roll(dice, 5));
	err = namei_make(from, name, strlen(name), mode, 0, &cred, &made);
	check_race(err);
	if (!err)
		inode_put(made);
	err = namei_rename(from, name, strlen(name), to, to_name, strlen(to_name),
		roll(dice, 3) ? 0 : RENAME_EXCHANGE, &cred, &ino);
	freed(fs, err, ino);
	if (!roll(dice, 3))
		freed(fs, namei_unlink(to, to_name, strlen(to_name), &ino), ino);
	if (!roll(dice, 3))
		freed(fs, namei_rmdir(from, to_name, strlen(to_name), &ino), ino);
}

/* Moves directories into each other in all directions, and files along; some vanish. */
static void *move(void *arg)
{
	struct mover *mover = arg;
	struct model dice = { .seed = mover->seed };

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct inode *from = NULL, *to = NULL;

		if (!inode_get(mover->fs, mover->dirs[roll(&dice, DIRS)], &from) &&
			!inode_get(mover->fs, mover->dirs[roll(&dice, DIRS)], &to))
			move_once(mover->fs, from, to, &dice);
		inode_putp(&from);
		inode_putp(&to);
	}
	return NULL;
}

static void test_threads(void **state)
{
	static const char *const variants[] = { "-t ext4 -b 1024 -J size=4",
		"-t ext4 -b 1024 -O ^has_journal" };

	(void)state;
	for (size_t v = 0; v < ARRAY_SIZE(variants); v++) {
		struct mover movers[THREADS] = { 0 };
		pthread_t threads[THREADS];
		struct inode *root;
		struct fs *fs;

		make("16m", variants[v]);
		fs = open_image("image", true);
		root = root_of(fs);
		for (unsigned i = 0; i < DIRS; i++) {
			char name[8];
			struct inode *dir;

			snprintf(name, sizeof(name), "d%u", i);
			dir = mk(root, name, S_IFDIR | 0755);
			for (unsigned t = 0; t < THREADS; t++)
				movers[t].dirs[i] = i ? dir->ino : root->ino;
			inode_put(dir);
		}
		inode_put(root);
		alarm(120); /* a deadlock ends the test */
		for (unsigned t = 0; t < THREADS; t++) {
			movers[t].fs = fs;
			movers[t].seed = 99 + t;
			assert_int_equal(pthread_create(&threads[t], NULL, move, &movers[t]), 0);
		}
		for (unsigned t = 0; t < THREADS; t++)
			pthread_join(threads[t], NULL);
		alarm(0);
		assert_int_equal(fs_close(fs), 0);
		check_clean("image", variants[v]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_linkable),
		cmocka_unit_test(test_link_max),
		cmocka_unit_test(test_inherit),
		cmocka_unit_test(test_inline_acl),
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_pending),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
