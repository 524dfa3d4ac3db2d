// SPDX-License-Identifier: GPL-2.0-or-later
/* Operations on names. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "ops.h"

#define MANY 700u /* entries of a directory at most, in one go */

static void say_both(struct run *r, const char *path)
{
	char parent[OPS_PATH];

	ops_say_stat(r, path);
	ops_parent(path, parent);
	ops_say_stat(r, parent);
}

static void op_mkdir(struct run *r)
{
	static const mode_t modes[] = { 0755, 0700, 01777, 02775, 0777, 04755 };
	char path[OPS_PATH];

	ops_new_path(r, path);
	ops_say(r, " ");
	ops_say_path(r, path);
	if (ops_say_result(r, mkdir(path, modes[ops_pick(r, ARRAY_SIZE(modes))])))
		ops_add(r, path, N_DIR, NULL);
	say_both(r, path);
}

static void op_rmdir(struct run *r)
{
	char path[OPS_PATH];

	ops_path(r, N_DIR, path);
	ops_say(r, " ");
	ops_say_path(r, path);
	if (ops_say_result(r, rmdir(path)))
		ops_drop(r, path);
	say_both(r, path);
}

static void op_mknod(struct run *r)
{
	static const mode_t types[] = { S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK, S_IFREG, S_IFCHR };
	const dev_t devs[] = {
		makedev(1, 3), makedev(255, 255), makedev(256, 0), makedev(1, 256),
		makedev(4095, 1048575), makedev(0, 0),
	};
	mode_t type = types[ops_pick(r, ARRAY_SIZE(types))];
	dev_t dev = devs[ops_pick(r, ARRAY_SIZE(devs))];
	char path[OPS_PATH];

	ops_new_path(r, path);
	ops_say(r, " %o ", type);
	ops_say_path(r, path);
	if (ops_say_result(r, mknod(path, type | 0666, dev)))
		ops_add(r, path, type == S_IFREG ? N_FILE : N_SPECIAL, NULL);
	say_both(r, path);
}

static size_t target_length(struct run *r)
{
	static const size_t lengths[] = {
		1, 58, 59, 60, 61, 100, 155, 156, 157, 1000, 1022, 1023, 1024, 1025, 4094, 4095,
	};

	return lengths[ops_pick(r, ARRAY_SIZE(lengths))];
}

static void op_symlink(struct run *r)
{
	char path[OPS_PATH], target[OPS_PATH];
	size_t len;

	ops_new_path(r, path);
	if (ops_chance(r, 30)) {
		ops_path(r, N_ANY, target);
	} else {
		len = target_length(r);
		memset(target, 'a' + (int)ops_pick(r, 26), len);
		target[len] = '\0';
	}
	ops_say(r, " %zu ", strlen(target));
	ops_say_path(r, path);
	if (ops_say_result(r, symlink(target, path)))
		ops_add(r, path, N_LINK, NULL);
	say_both(r, path);
}

static void op_readlink(struct run *r)
{
	char path[OPS_PATH], target[OPS_PATH];
	size_t size = ops_chance(r, 80) ? sizeof(target) : 1 + ops_pick(r, 100);
	ssize_t len;

	ops_path(r, N_LINK, path);
	ops_say(r, " ");
	ops_say_path(r, path);
	len = readlink(path, target, size);
	if (ops_say_result(r, len))
		ops_say_hash(r, target, (size_t)len);
}

static void op_link(struct run *r)
{
	char from[OPS_PATH], to[OPS_PATH];
	struct node *node;

	ops_path(r, ops_chance(r, 90) ? N_FILE | N_LINK | N_SPECIAL : N_DIR, from);
	ops_new_path(r, to);
	ops_say(r, " ");
	ops_say_path(r, from);
	ops_say(r, " ");
	ops_say_path(r, to);
	node = ops_find(r, from);
	if (ops_say_result(r, link(from, to)) && node)
		ops_add(r, to, node->type, node->file);
	ops_say_stat(r, from);
	say_both(r, to);
}

static void op_unlink(struct run *r)
{
	char path[OPS_PATH];

	ops_path(r, N_FILE | N_LINK | N_SPECIAL, path);
	ops_say(r, " ");
	ops_say_path(r, path);
	if (ops_say_result(r, unlink(path)))
		ops_drop(r, path);
	say_both(r, path);
}

/* How the names that exist have changed. */
static void renamed(struct run *r, const char *from, const char *to, unsigned flags)
{
	struct node *a = ops_find(r, from), *b = ops_find(r, to);

	/* Two names of one file: nothing happens. */
	if (!(flags & RENAME_EXCHANGE) && a && b && a->file && a->file == b->file)
		return;
	if (!strcmp(from, to))
		return;
	if (flags & RENAME_EXCHANGE) {
		ops_exchanged(r, from, to);
		return;
	}
	ops_moved(r, from, to);
	if (flags & RENAME_WHITEOUT)
		ops_add(r, from, N_SPECIAL, NULL);
}

static void rename_say(struct run *r, const char *from, const char *to, unsigned flags)
{
	ops_say(r, " %x ", flags);
	ops_say_path(r, from);
	ops_say(r, " ");
	ops_say_path(r, to);
	if (ops_say_result(r, renameat2(AT_FDCWD, from, AT_FDCWD, to, flags)))
		renamed(r, from, to, flags);
	say_both(r, from);
	say_both(r, to);
}

static unsigned rename_flags(struct run *r)
{
	switch (ops_pick(r, 10)) {
	case 0:
		return RENAME_NOREPLACE;
	case 1:
	case 2:
		return RENAME_EXCHANGE;
	case 3:
		return RENAME_WHITEOUT;
	case 4:
		return ops_chance(r, 10) ? RENAME_EXCHANGE | RENAME_NOREPLACE : 0;
	default:
		return 0;
	}
}

/* Names of one inode that is no file: there is nothing to tell by, so that they are left alone. */
static bool is_twice(const char *from, const char *to)
{
	struct stat a, b;

	return !lstat(from, &a) && !lstat(to, &b) && a.st_ino == b.st_ino && !S_ISREG(a.st_mode);
}

static void op_rename(struct run *r)
{
	char from[OPS_PATH], to[OPS_PATH];
	unsigned flags = rename_flags(r), types = ops_chance(r, 30) ? N_DIR : N_ANY;

	ops_path(r, types, from);
	if ((flags & RENAME_EXCHANGE) || ops_chance(r, 35))
		ops_path(r, types, to);
	else
		ops_new_path(r, to);
	if (is_twice(from, to))
		ops_say(r, " one inode");
	else
		rename_say(r, from, to, flags);
}

static void op_rename_below(struct run *r)
{
	char from[OPS_PATH], to[OPS_PATH + 300], name[300];
	struct node *dir = ops_node(r, N_DIR);

	strcpy(from, dir->path);
	ops_name(r, name);
	if (strlen(from) > 3000 || strlen(name) > 255)
		return;
	snprintf(to, sizeof(to), "%s/%s", from, name);
	/* Refused; if not, the model is wrong and all that follows differs. */
	rename_say(r, from, to, ops_chance(r, 30) ? RENAME_EXCHANGE : 0);
}

/* ---- directories ---- */

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void say_names(struct run *r, char **names, size_t nr)
{
	uint64_t sum = 0;

	if (nr)
		qsort(names, nr, sizeof(*names), compare);
	for (size_t i = 0; i < nr; i++) {
		sum = ops_hash(sum, names[i], strlen(names[i]) + 1);
		free(names[i]);
	}
	ops_say(r, " %zu:%08x", nr, (unsigned)sum);
}

static void say_dir(struct run *r, const char *path)
{
	char **names = NULL;
	size_t nr = 0, room = 0;
	struct dirent *de;
	DIR *dir = opendir(path);

	if (!dir) {
		ops_say_result(r, -1);
		return;
	}
	while (errno = 0, (de = readdir(dir)) != NULL) {
		if (nr == room) {
			room = room ? room * 2 : 64;
			names = realloc(names, room * sizeof(*names));
			if (!names)
				abort();
		}
		if (asprintf(&names[nr++], "%s %u", de->d_name, de->d_type) < 0)
			abort();
	}
	ops_say_result(r, errno ? -1 : 0);
	closedir(dir);
	say_names(r, names, nr);
	free(names);
}

static void op_readdir(struct run *r)
{
	char path[OPS_PATH];

	ops_path(r, N_DIR, path);
	ops_say(r, " ");
	ops_say_path(r, path);
	say_dir(r, path);
}

/* Deleting while reading: what is not deleted is seen once. */
static void op_readdir_unlink(struct run *r)
{
	char path[2 * OPS_PATH];
	struct node *node = ops_node(r, N_DIR);
	unsigned n = 0, gone = 0;
	struct dirent *de;
	DIR *dir;

	ops_say(r, " ");
	ops_say_path(r, node->path);
	if (strlen(node->path) > 3000)
		return;
	snprintf(path, sizeof(path), "%s/many", node->path);
	dir = opendir(path);
	if (!dir) {
		ops_say_result(r, -1);
		return;
	}
	while ((de = readdir(dir))) {
		if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0) {
			n++;
			gone += !unlinkat(dirfd(dir), de->d_name, 0);
		}
	}
	closedir(dir);
	ops_say(r, " %u %u", n, gone);
	say_dir(r, path);
	ops_say_result(r, rmdir(path));
}

static void many_name(char *name, unsigned i)
{
	size_t len = i * 31 % 200;

	memset(name, 'a' + (int)(i % 26), len);
	name[len] = '\0';
	snprintf(name + len, 16, "%u", i * 7919u % 65536u);
}

/* Makes or takes away many of the names in a directory that the other operations leave alone. */
static void op_many(struct run *r)
{
	char path[2 * OPS_PATH], name[300];
	struct node *node = ops_node(r, N_DIR);
	unsigned nr = 1 + ops_pick(r, MANY), first = ops_pick(r, MANY), done = 0;
	bool make = ops_chance(r, 55);
	int fd;

	ops_say(r, " %s %u+%u ", make ? "make" : "take", first, nr);
	ops_say_path(r, node->path);
	if (strlen(node->path) > 3000)
		return;
	snprintf(path, sizeof(path), "%s/many", node->path);
	if (make)
		ops_say(r, " %d", mkdir(path, 0755));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (unsigned i = first; fd >= 0 && i < first + nr; i++) {
		many_name(name, i);
		if (make)
			done += !mknodat(fd, name, S_IFREG | 0644, 0);
		else
			done += !unlinkat(fd, name, 0);
	}
	ops_say(r, " %u", done);
	if (fd >= 0)
		close(fd);
	say_dir(r, path);
	ops_say_stat(r, path);
}

static void op_many_gone(struct run *r)
{
	char path[2 * OPS_PATH];
	struct node *node = ops_node(r, N_DIR);

	if (strlen(node->path) > 3000)
		return;
	snprintf(path, sizeof(path), "%s/many", node->path);
	ops_say(r, " ");
	ops_say_path(r, node->path);
	ops_say_result(r, rmdir(path));
	ops_say_stat(r, node->path);
}

static void op_deep(struct run *r)
{
	char path[OPS_PATH] = "deep";
	unsigned depth = 1 + ops_pick(r, 60), i;
	size_t len = 4;

	ops_say(r, " %u", depth);
	for (i = 0; i < depth && !mkdir(path, 0755); i++)
		len += (size_t)snprintf(path + len, sizeof(path) - len, "/%0*u",
			1 + (int)ops_pick(r, 50), i);
	ops_say(r, " %u", i);
	ops_say_stat(r, "deep");
	if (len > 4)
		*strrchr(path, '/') = '\0';
	ops_say_stat(r, path);
	while (strchr(path, '/')) {
		if (rmdir(path))
			ops_say_result(r, -1);
		*strrchr(path, '/') = '\0';
	}
	ops_say_result(r, rmdir("deep"));
	ops_say_stat(r, ".");
}

static void op_stat(struct run *r)
{
	char path[OPS_PATH];

	ops_path(r, N_ANY, path);
	ops_say(r, " ");
	ops_say_path(r, path);
	ops_say_stat(r, path);
}

static void op_statfs(struct run *r)
{
	struct statvfs st;

	if (!ops_say_result(r, statvfs(".", &st)))
		return;
	ops_say(r, " %lu %lu %lu %lu %lu", st.f_bsize, st.f_frsize, (unsigned long)st.f_blocks,
		(unsigned long)st.f_files, st.f_namemax);
	ops_say(r, " %d%d%d", st.f_bavail <= st.f_bfree, st.f_bfree < st.f_blocks,
		st.f_ffree < st.f_files);
}

/* A name too long for a directory entry, looked up and made. */
static void op_long_name(struct run *r)
{
	char name[1030];
	size_t len = 250 + ops_pick(r, ops_chance(r, 50) ? 12 : 770);

	memset(name, 'l', len);
	name[len] = '\0';
	ops_say(r, " %zu", len);
	ops_say_stat(r, name);
	ops_say_result(r, mkdir(name, 0755));
	ops_say_result(r, rmdir(name));
}

const struct op ops_names[] = {
	{"mkdir", 30, op_mkdir},
	{"rmdir", 12, op_rmdir},
	{"mknod", 12, op_mknod},
	{"symlink", 15, op_symlink},
	{"readlink", 10, op_readlink},
	{"link", 20, op_link},
	{"unlink", 35, op_unlink},
	{"rename", 45, op_rename},
	{"rename-below", 2, op_rename_below},
	{"readdir", 12, op_readdir},
	{"readdir-unlink", 2, op_readdir_unlink},
	{"many", 8, op_many},
	{"many-gone", 2, op_many_gone},
	{"deep", 3, op_deep},
	{"stat", 15, op_stat},
	{"statfs", 3, op_statfs},
	{"long-name", 4, op_long_name},
	{NULL, 0, NULL},
};
