// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fill - put objects of every kind into a mounted filesystem, the same ones every time.
 *
 * Each word on the command line names one kind (and may give it a number), makes a directory
 * of that name and fills it. A step that the filesystem refuses ends the run with its reason,
 * so that an image never silently holds less than its test believes; what a filesystem cannot
 * hold is left out by not naming it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define CHUNK 65536u
#define XATTR_VALUE_MAX 65536u

static unsigned block_size; /* of the filesystem being filled [const] */

static void die(const char *what, const char *name)
{
	fprintf(stderr, "fill: %s %s: %s\n", what, name, strerror(errno));
	exit(1);
}

static void need(int result, const char *what, const char *name)
{
	if (result < 0)
		die(what, name);
}

static void pattern(uint8_t *p, size_t len, uint64_t seed)
{
	uint64_t x = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;

	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		p[i] = (uint8_t)(x >> 32);
	}
}

static int make_file(int dir, const char *name)
{
	int fd = openat(dir, name, O_CREAT | O_RDWR | O_CLOEXEC, 0644);

	need(fd, "create", name);
	return fd;
}

static void write_at(int fd, off_t off, size_t len, uint64_t seed)
{
	static uint8_t buf[CHUNK];

	while (len) {
		size_t part = len < CHUNK ? len : CHUNK;

		pattern(buf, part, seed + (uint64_t)off);
		if (pwrite(fd, buf, part, off) != (ssize_t)part)
			die("write", "file");
		off += (off_t)part;
		len -= part;
	}
}

static void make_data_file(int dir, const char *name, size_t len, uint64_t seed)
{
	int fd = make_file(dir, name);

	write_at(fd, 0, len, seed);
	close(fd);
}

static int make_dir(int dir, const char *name)
{
	int fd;

	need(mkdirat(dir, name, 0755), "mkdir", name);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	need(fd, "open", name);
	return fd;
}

/* A tree of small files, arg directories deep on one side, bushy on top. */
static void fill_tree(int dir, uint64_t arg)
{
	char name[32];
	int at = dup(dir), next;

	for (unsigned i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "bush%u", i);
		next = make_dir(dir, name);
		for (unsigned j = 0; j < 25; j++) {
			snprintf(name, sizeof(name), "f%u", j);
			make_data_file(next, name, j * 701, i * 100 + j);
		}
		close(next);
	}
	for (uint64_t i = 0; i < arg; i++) {
		snprintf(name, sizeof(name), "down%" PRIu64, i);
		next = make_dir(at, name);
		close(at);
		at = next;
		if (i % 50 == 0)
			make_data_file(at, "leaf", 33, i);
	}
	close(at);
}

/* arg entries: most are empty files, some links of one file, some directories. */
static void fill_bigdir(int dir, uint64_t arg)
{
	char name[64];

	make_data_file(dir, "first", 100, 1);
	for (uint64_t i = 1; i < arg; i++) {
		snprintf(name, sizeof(name), "entry-%" PRIu64 "%.*s", i, (int)(i % 30),
			"-and-some-more-of-its-long-name");
		if (i % 4 == 0 && i < 120000)
			need(linkat(dir, "first", dir, name, 0), "link", name);
		else if (i % 101 == 0)
			need(mkdirat(dir, name, 0700), "mkdir", name);
		else if (i % 103 == 0)
			need(symlinkat("first", dir, name), "symlink", name);
		else
			close(make_file(dir, name));
	}
}

/* arg links of one file by names so long that a block holds few of them. */
static void fill_longdir(int dir, uint64_t arg)
{
	char name[NAME_MAX + 1];

	for (uint64_t i = 0; i < arg; i++) {
		if (i % 30000 == 0)
			make_data_file(dir, i ? "second" : "first", 10, i);
		snprintf(name, sizeof(name), "%0250" PRIu64, i);
		need(linkat(dir, i < 30000 ? "first" : "second", dir, name, 0), "link", name);
	}
}

/* Entries added and taken away again, so that blocks of the directory have gaps. */
static void fill_churn(int dir, uint64_t arg)
{
	char name[NAME_MAX + 1];

	for (uint64_t i = 0; i < arg; i++) {
		memset(name, 'a' + (int)(i % 26), sizeof(name));
		snprintf(name + i % 200, 40, "%" PRIu64, i);
		need(mknodat(dir, name, S_IFREG | 0600, 0), "mknod", name);
	}
	for (uint64_t i = 0; i < arg; i++) {
		memset(name, 'a' + (int)(i % 26), sizeof(name));
		snprintf(name + i % 200, 40, "%" PRIu64, i);
		if (i % 3 && i % 7)
			need(unlinkat(dir, name, 0), "unlink", name);
	}
}

static void sparse_file(int dir, const char *name, off_t size)
{
	const off_t places[] = {0, 4095, 12 * 1024, (off_t)1 << 20, ((off_t)1 << 32) - 10,
		((off_t)5 << 30) + 123};
	int fd = make_file(dir, name);

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (places[i] + 20 < size)
			write_at(fd, places[i], 20, i);
	if (size > 5)
		write_at(fd, size - 5, 5, 99);
	else
		need(ftruncate(fd, size), "truncate", name);
	close(fd);
}

/* Sparse files; arg: the size of the largest in bytes. */
static void fill_sparse(int dir, uint64_t arg)
{
	int fd;

	sparse_file(dir, "largest", (off_t)arg);
	sparse_file(dir, "past4g", (off_t)6 << 30);
	fd = make_file(dir, "all-hole");
	need(ftruncate(fd, (off_t)9 << 30), "truncate", "all-hole");
	close(fd);
	fd = make_file(dir, "tail-hole");
	write_at(fd, 0, 10000, 7);
	need(ftruncate(fd, 1 << 20), "truncate", "tail-hole");
	close(fd);
}

/* At and around the places where an indirect map changes its depth. */
static void fill_indirect(int dir, uint64_t arg)
{
	uint64_t per = block_size / 4;
	const uint64_t edges[] = {12, 12 + per, 12 + per + per * per};
	int fd = make_file(dir, "edges");

	(void)arg;
	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
		write_at(fd, (off_t)((edges[i] - 1) * block_size), 2 * (size_t)block_size, i);
	close(fd);
	fd = make_file(dir, "deep-hole");
	write_at(fd, (off_t)((edges[2] + per * per + 5) * block_size), 77, 5);
	close(fd);
	make_data_file(dir, "full", 300 * (size_t)block_size + 17, 11);
}

/* One extent per written block: arg of them, some unwritten. */
static void fill_fragments(int dir, uint64_t arg)
{
	int fd = make_file(dir, "every-second"), other;

	for (uint64_t i = 0; i < arg; i++) {
		off_t off = (off_t)(2 * i * block_size);

		if (i % 64 == 5)
			write_at(fd, off, 16, i);
		else
			need(fallocate(fd, 0, off, block_size), "fallocate", "every-second");
	}
	close(fd);
	/* Two files growing in turns share no run of blocks; written through, not delayed. */
	fd = make_file(dir, "turn-a");
	other = make_file(dir, "turn-b");
	for (unsigned i = 0; i < 64; i++) {
		write_at(fd, (off_t)i * block_size, block_size, i);
		need(fdatasync(fd), "fdatasync", "turn-a");
		write_at(other, (off_t)i * block_size, block_size, i + 1000);
		need(fdatasync(other), "fdatasync", "turn-b");
	}
	close(fd);
	close(other);
}

static void fill_unwritten(int dir, uint64_t arg)
{
	int fd = make_file(dir, "part-written");

	(void)arg;
	need(fallocate(fd, 0, 0, 1 << 20), "fallocate", "part-written");
	write_at(fd, 300000, 5000, 1);
	write_at(fd, 700001, 1, 2);
	close(fd);
	fd = make_file(dir, "past-end");
	write_at(fd, 0, 100, 3);
	need(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 1 << 18), "fallocate", "past-end");
	close(fd);
	fd = make_file(dir, "punched");
	write_at(fd, 0, 1 << 19, 4);
	need(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100000, 200000),
		"punch", "punched");
	need(fallocate(fd, FALLOC_FL_ZERO_RANGE, 400000, 50000), "zero range", "punched");
	close(fd);
	fd = make_file(dir, "only-unwritten");
	need(fallocate(fd, 0, 0, 1 << 17), "fallocate", "only-unwritten");
	close(fd);
}

/* Sizes at, before and after the borders of blocks, and what fits into an inode. */
static void fill_sizes(int dir, uint64_t arg)
{
	const size_t sizes[] = {0, 1, 2, 59, 60, 61, 100, 128, 150, 160, 161, 500, 700, 900, 1023,
		1024, 1025, 2048, 4095, 4096, 4097, 8192, 65535, 65536, 65537, 131072, 1000000};
	char name[32];

	(void)arg;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		snprintf(name, sizeof(name), "s%zu", sizes[i]);
		make_data_file(dir, name, sizes[i], i);
	}
}

/* Directories of few short names, which stay inside the inode where that is possible. */
static void fill_smalldirs(int dir, uint64_t arg)
{
	char name[64];
	int sub;

	(void)arg;
	for (unsigned nr = 0; nr < 14; nr++) {
		snprintf(name, sizeof(name), "with%u", nr);
		sub = make_dir(dir, name);
		for (unsigned i = 0; i < nr; i++) {
			snprintf(name, sizeof(name), "%c%.*s", 'a' + (int)i, (int)(i % 9), "xxxxxxxx");
			if (i % 5 == 4)
				close(make_dir(sub, name));
			else
				make_data_file(sub, name, i * 9, i);
		}
		close(sub);
	}
}

/* One name of len bytes that starts with lead. */
static void long_name(int dir, const char *lead, const char *unit, size_t len)
{
	char name[NAME_MAX + 1];
	size_t at = (size_t)snprintf(name, sizeof(name), "%s", lead);

	while (at + strlen(unit) <= len)
		at += (size_t)snprintf(name + at, sizeof(name) - at, "%s", unit);
	close(make_file(dir, name));
}

static void fill_names(int dir, uint64_t arg)
{
	static const char *const odd[] = {"...", "..a", ".hidden", " ", "  lead", "trail  ", "new\nline",
		"tab\t", "back\\slash", "quote\"'", "*", "?", "[a]", "$HOME", "-rf", "~", "#", "\x7f",
		"\xff\xfe", "\xc3\x28", "na\xc3\xafve", "nai\xcc\x88ve", "gro\xc3\x9f", "GROSS",
		"\xf0\x9f\x90\xa7", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", "a", "A", "lost+found"};
	char name[2] = {0, 0};

	(void)arg;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		close(make_file(dir, odd[i]));
	for (int c = 1; c < 256; c++) {
		name[0] = (char)c;
		if (c != '/' && c != '.')
			close(make_file(dir, name));
	}
	for (size_t len = 236; len <= NAME_MAX; len++)
		long_name(dir, "L", "x", len);
	long_name(dir, "U", "\xc3\xa9", NAME_MAX);
	long_name(dir, "J", "\xe8\xaa\x9e", NAME_MAX);
	long_name(dir, "\xff", "\x80", NAME_MAX);
	close(make_dir(dir, "with\\dir\n"));
}

static void fill_types(int dir, uint64_t arg)
{
	static const struct {
		const char *name;
		mode_t mode;
		unsigned major, minor;
	} nodes[] = {
		{"fifo", S_IFIFO | 0600, 0, 0},
		{"socket", S_IFSOCK | 0755, 0, 0},
		{"null", S_IFCHR | 0666, 1, 3},
		{"char-old-max", S_IFCHR | 0600, 255, 255},
		{"char-minor-256", S_IFCHR | 0600, 1, 256},
		{"char-major-256", S_IFCHR | 0600, 256, 1},
		{"char-max", S_IFCHR | 0600, 4095, 1048575},
		{"block-zero", S_IFBLK | 0660, 0, 0},
		{"block-nvme", S_IFBLK | 0660, 259, 300000},
		{"block-max", S_IFBLK | 0660, 4095, 1048575},
	};

	(void)arg;
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		need(mknodat(dir, nodes[i].name, nodes[i].mode,
			     makedev(nodes[i].major, nodes[i].minor)), "mknod", nodes[i].name);
	for (unsigned bits = 0; bits < 8; bits++) {
		char name[16];

		snprintf(name, sizeof(name), "mode-%u", bits);
		close(make_file(dir, name));
		need(fchmodat(dir, name, bits << 9 | (07 - bits) << 3 | bits, 0), "chmod", name);
	}
}

/* Lengths on both sides of what an inode, inline data or a block holds. */
static void fill_symlinks(int dir, uint64_t arg)
{
	const unsigned lengths[] = {1, 2, 58, 59, 60, 61, 100, 150, 159, 160, 161, 255, 500, 1000,
		1022, 1023, 1024, 2047, 4094, 4095};
	char target[4096 + 1], name[32];

	(void)arg;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		if (lengths[i] >= block_size)
			continue;
		for (unsigned j = 0; j < lengths[i]; j++)
			target[j] = j % 10 == 9 ? '/' : (char)('a' + j % 26);
		target[lengths[i]] = '\0';
		snprintf(name, sizeof(name), "len%u", lengths[i]);
		need(symlinkat(target, dir, name), "symlink", name);
	}
	need(symlinkat("\xff new\nline \xc3\xa9", dir, "odd"), "symlink", "odd");
}

static void fill_links(int dir, uint64_t arg)
{
	char name[32];
	int sub = make_dir(dir, "other");

	make_data_file(dir, "file", 5000, 3);
	need(symlinkat("file", dir, "sym"), "symlink", "sym");
	need(mknodat(dir, "pipe", S_IFIFO | 0600, 0), "mknod", "pipe");
	for (uint64_t i = 0; i < arg; i++) {
		snprintf(name, sizeof(name), "link%" PRIu64, i);
		need(linkat(dir, "file", sub, name, 0), "link", name);
	}
	need(linkat(dir, "sym", sub, "sym", 0), "link", "sym");
	need(linkat(dir, "pipe", sub, "pipe", 0), "link", "pipe");
	close(sub);
}

static void fill_times(int dir, uint64_t arg)
{
	static const struct {
		const char *name;
		long long sec;
		long nsec;
	} times[] = {
		{"epoch", 0, 0},
		{"before-epoch", -1, 999999999},
		{"oldest", -2147483648LL, 1},
		{"32bit-last", 2147483647LL, 999999999},
		{"32bit-over", 2147483648LL, 5},
		{"epoch1", 4294967296LL, 123456789},
		{"epoch2", 6442450944LL, 42},
		{"epoch3", 10737418240LL, 0},
		{"newest", 15032385535LL, 999999999},
	};
	struct timespec ts[2];

	(void)arg;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		close(make_file(dir, times[i].name));
		ts[0] = (struct timespec){times[i].sec, times[i].nsec};
		ts[1] = (struct timespec){times[i].sec, times[i].nsec / 2};
		need(utimensat(dir, times[i].name, ts, 0), "utimensat", times[i].name);
	}
}

static void fill_owners(int dir, uint64_t arg)
{
	const uint32_t ids[] = {0, 1, 1000, 65533, 65534, 65535, 65536, 100000, 2147483647u,
		2147483648u, 4294967294u};
	char name[32];

	(void)arg;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		snprintf(name, sizeof(name), "id%u", ids[i]);
		close(make_file(dir, name));
		need(fchownat(dir, name, ids[i], ids[i] ^ 1, 0), "chown", name);
	}
}

static void set_flags(int dir, const char *name, bool is_dir, int flags)
{
	int fd = is_dir ? make_dir(dir, name) : make_file(dir, name);
	int old;

	if (!is_dir)
		write_at(fd, 0, 10, 1);
	need(ioctl(fd, FS_IOC_GETFLAGS, &old), "getflags", name);
	old |= flags;
	need(ioctl(fd, FS_IOC_SETFLAGS, &old), "setflags", name);
	close(fd);
}

static void fill_flags(int dir, uint64_t arg)
{
	(void)arg;
	set_flags(dir, "immutable", false, FS_IMMUTABLE_FL);
	set_flags(dir, "append", false, FS_APPEND_FL);
	set_flags(dir, "nodump", false, FS_NODUMP_FL);
	set_flags(dir, "noatime", false, FS_NOATIME_FL);
	set_flags(dir, "sync", false, FS_SYNC_FL);
	set_flags(dir, "notail", false, FS_NOTAIL_FL);
	set_flags(dir, "several", false, FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL);
	set_flags(dir, "dirsync", true, FS_DIRSYNC_FL);
	set_flags(dir, "topdir", true, FS_TOPDIR_FL);
	set_flags(dir, "immutable-dir", true, FS_IMMUTABLE_FL);
}

static void fill_project(int dir, uint64_t arg)
{
	const uint32_t ids[] = {1, 65536, 4294967294u};
	struct fsxattr fsx;
	char name[32];
	int sub;

	(void)arg;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		snprintf(name, sizeof(name), "prj%u", ids[i]);
		sub = make_dir(dir, name);
		need(ioctl(sub, FS_IOC_FSGETXATTR, &fsx), "fsgetxattr", name);
		fsx.fsx_projid = ids[i];
		fsx.fsx_xflags |= FS_XFLAG_PROJINHERIT;
		need(ioctl(sub, FS_IOC_FSSETXATTR, &fsx), "fssetxattr", name);
		make_data_file(sub, "inherits", 5, i);
		close(sub);
	}
}

static void set_xattr(int fd, const char *name, size_t len, uint64_t seed)
{
	static uint8_t value[XATTR_VALUE_MAX];

	pattern(value, len, seed);
	need(fsetxattr(fd, name, value, len, 0), "setxattr", name);
}

/* Attributes of every namespace; arg: the longest value that one may have. */
static void fill_xattrs(int dir, uint64_t arg)
{
	const size_t sizes[] = {0, 1, 3, 20, 60, 100, 200, 400, 700, 900, 1500, 2500, 3500, 5000,
		12000, 32768, 65535, 65536};
	char name[XATTR_NAME_MAX + 1];
	int fd;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && sizes[i] <= arg; i++) {
		snprintf(name, sizeof(name), "value%zu", sizes[i]);
		fd = make_file(dir, name);
		set_xattr(fd, "user.v", sizes[i], i);
		close(fd);
	}
	fd = make_file(dir, "many");
	for (unsigned i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "%s.n%u", i % 3 ? "user" : "trusted", i * 7 % 30);
		set_xattr(fd, name, i % 11, i);
	}
	close(fd);
	fd = make_file(dir, "long-name");
	snprintf(name, sizeof(name), "user.%0250d", 7);
	set_xattr(fd, name, 9, 7);
	close(fd);
	fd = make_dir(dir, "directory");
	set_xattr(fd, "trusted.overlay.opaque", 1, 1);
	set_xattr(fd, "security.other", 40, 2);
	close(fd);
	/* The same attributes on many files share one block. */
	for (unsigned i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "shared%u", i);
		fd = make_file(dir, name);
		set_xattr(fd, "user.same", arg < 600 ? arg : 600, 5);
		close(fd);
	}
}

/* Attributes of objects that cannot be opened. */
static void fill_lxattrs(int dir, uint64_t arg)
{
	char path[64];

	(void)arg;
	need(symlinkat("nowhere", dir, "fast"), "symlink", "fast");
	need(mknodat(dir, "pipe", S_IFIFO | 0600, 0), "mknod", "pipe");
	need(mknodat(dir, "dev", S_IFCHR | 0600, makedev(1, 3)), "mknod", "dev");
	snprintf(path, sizeof(path), "/proc/self/fd/%d/fast", dir);
	need(lsetxattr(path, "trusted.a", "value", 5, 0), "setxattr", path);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/pipe", dir);
	need(lsetxattr(path, "trusted.b", "", 0, 0), "setxattr", path);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/dev", dir);
	need(lsetxattr(path, "security.c", "xyz", 3, 0), "setxattr", path);
}

/* The form that setxattr() takes for POSIX ACLs: version 2, then tag, permission, id. */
struct acl_entry {
	uint16_t tag, perm;
	uint32_t id;
};

#define ACL_TAG_USER_OBJ 0x01
#define ACL_TAG_USER 0x02
#define ACL_TAG_GROUP_OBJ 0x04
#define ACL_TAG_GROUP 0x08
#define ACL_TAG_MASK 0x10
#define ACL_TAG_OTHER 0x20

static void set_acl(int fd, const char *name, const struct acl_entry *list, size_t nr)
{
	uint8_t buf[4 + 64 * sizeof(*list)] = {2, 0, 0, 0};

	for (size_t i = 0; i < nr; i++) {
		const struct acl_entry *e = &list[i];
		const uint8_t raw[8] = {(uint8_t)e->tag, (uint8_t)(e->tag >> 8), (uint8_t)e->perm,
			(uint8_t)(e->perm >> 8), (uint8_t)e->id, (uint8_t)(e->id >> 8),
			(uint8_t)(e->id >> 16), (uint8_t)(e->id >> 24)};

		memcpy(buf + 4 + 8 * i, raw, sizeof(raw));
	}
	need(fsetxattr(fd, name, buf, 4 + 8 * nr, 0), "setxattr", name);
}

static void fill_acls(int dir, uint64_t arg)
{
	const struct acl_entry some[] = {
		{ACL_TAG_USER_OBJ, 7, ~0u}, {ACL_TAG_USER, 5, 1}, {ACL_TAG_USER, 6, 100000},
		{ACL_TAG_GROUP_OBJ, 4, ~0u}, {ACL_TAG_GROUP, 6, 4294967294u}, {ACL_TAG_MASK, 6, ~0u},
		{ACL_TAG_OTHER, 0, ~0u}};
	struct acl_entry many[40] = {{ACL_TAG_USER_OBJ, 6, ~0u}};
	int fd, sub;

	(void)arg;
	fd = make_file(dir, "access");
	set_acl(fd, "system.posix_acl_access", some, 7);
	close(fd);
	for (uint32_t i = 1; i < 37; i++)
		many[i] = (struct acl_entry){ACL_TAG_USER, (uint16_t)(i % 8), i * 1000};
	many[37] = (struct acl_entry){ACL_TAG_GROUP_OBJ, 4, ~0u};
	many[38] = (struct acl_entry){ACL_TAG_MASK, 7, ~0u};
	many[39] = (struct acl_entry){ACL_TAG_OTHER, 1, ~0u};
	fd = make_file(dir, "many");
	set_acl(fd, "system.posix_acl_access", many, 40);
	close(fd);
	sub = make_dir(dir, "default");
	set_acl(sub, "system.posix_acl_default", some, 7);
	set_acl(sub, "system.posix_acl_access", some, 7);
	close(make_file(sub, "inherits"));
	close(make_dir(sub, "subdir"));
	close(sub);
}

struct kind {
	const char *name;
	void (*run)(int dir, uint64_t arg);
	uint64_t arg; /* when the command line gives none */
};

static const struct kind kinds[] = {
	{"tree", fill_tree, 60},
	{"bigdir", fill_bigdir, 3000},
	{"longdir", fill_longdir, 1000},
	{"churn", fill_churn, 1000},
	{"sparse", fill_sparse, UINT64_C(5) << 40},
	{"indirect", fill_indirect, 0},
	{"fragments", fill_fragments, 700},
	{"unwritten", fill_unwritten, 0},
	{"sizes", fill_sizes, 0},
	{"smalldirs", fill_smalldirs, 0},
	{"names", fill_names, 0},
	{"types", fill_types, 0},
	{"symlinks", fill_symlinks, 0},
	{"links", fill_links, 300},
	{"times", fill_times, 0},
	{"owners", fill_owners, 0},
	{"flags", fill_flags, 0},
	{"project", fill_project, 0},
	{"xattrs", fill_xattrs, 700},
	{"lxattrs", fill_lxattrs, 0},
	{"acls", fill_acls, 0},
};

static void run_kind(int root, const char *word)
{
	size_t len = strcspn(word, "=");
	int dir;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strlen(kinds[i].name) != len || strncmp(kinds[i].name, word, len) != 0)
			continue;
		dir = make_dir(root, kinds[i].name);
		kinds[i].run(dir, word[len] ? strtoull(word + len + 1, NULL, 0) : kinds[i].arg);
		close(dir);
		return;
	}
	fprintf(stderr, "fill: unknown kind %s\n", word);
	exit(2);
}

int main(int argc, char **argv)
{
	struct statfs st;
	int root;

	if (argc < 3) {
		fprintf(stderr, "usage: fill DIR KIND[=NUMBER]...\nkinds:");
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			fprintf(stderr, " %s", kinds[i].name);
		fputc('\n', stderr);
		return 2;
	}
	umask(0);
	root = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	need(root, "open", argv[1]);
	need(fstatfs(root, &st), "statfs", argv[1]);
	block_size = (unsigned)st.f_bsize;
	for (int i = 2; i < argc; i++)
		run_kind(root, argv[i]);
	return 0;
}
