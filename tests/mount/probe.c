// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * probe COMMAND ARGUMENT: what the mount tests ask of a mount and no tool of a shell can ask.
 * Prints what it found; ends with 1 and a reason where something is not as it must be.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef FS_IOC_GETFSLABEL
#define FS_IOC_GETFSLABEL _IOR(0x94, 49, char[256])
#endif

#define NOTIFY_TIMEOUT_MS 20000
#define SMALL_BUFFER 300 /* holds one entry of the longest name */
#define BIG_BUFFER 65536

static int complain(const char *what)
{
	fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	return 1;
}

static int wrong(const char *what)
{
	fprintf(stderr, "probe: %s\n", what);
	return 1;
}

/* ---- dirseek: a directory read in small pieces, and from every cookie again ---- */

struct seen {
	char *name;
	uint64_t ino;
	int64_t after; /* cookie that leads past it */
};

struct listing {
	struct seen *list;
	size_t nr, room;
};

/* What getdents64(2) fills in. */
struct dirent64_raw {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

static int add_seen(struct listing *l, const struct dirent64_raw *de)
{
	struct seen *grown;

	if (l->nr == l->room) {
		l->room = l->room ? 2 * l->room : 1024;
		grown = realloc(l->list, l->room * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		l->list = grown;
	}
	l->list[l->nr].name = strdup(de->name);
	l->list[l->nr].ino = de->ino;
	l->list[l->nr].after = de->off;
	return l->list[l->nr++].name ? 0 : -ENOMEM;
}

/* Reads from where fd stands to the end, or until max entries are in the listing. */
static int read_on(int fd, size_t buf_size, size_t max, struct listing *l)
{
	static _Alignas(8) char buf[BIG_BUFFER];
	long got;

	while (l->nr < max && (got = syscall(SYS_getdents64, fd, buf, buf_size)) != 0) {
		if (got < 0)
			return -errno;
		for (long at = 0; at < got;) {
			const struct dirent64_raw *de = (const void *)(buf + at);

			if (add_seen(l, de))
				return -ENOMEM;
			at += de->reclen;
		}
	}
	return 0;
}

static void free_listing(struct listing *l)
{
	for (size_t i = 0; i < l->nr; i++)
		free(l->list[i].name);
	free(l->list);
}

static int same_seen(const struct seen *a, const struct seen *b)
{
	return a->ino == b->ino && !strcmp(a->name, b->name);
}

/* From the cookie behind entry i, what comes next is entry i + 1. */
static int check_seek(int fd, const struct listing *all, size_t i)
{
	struct listing next = {0};
	int err = 0;

	if (lseek(fd, all->list[i].after, SEEK_SET) < 0)
		return complain("lseek");
	if (read_on(fd, SMALL_BUFFER, 1, &next))
		return complain("getdents64");
	if (i + 1 == all->nr)
		err = next.nr ? wrong("something behind the last entry") : 0;
	else if (!next.nr || !same_seen(&next.list[0], &all->list[i + 1]))
		err = wrong("another entry behind a cookie than before");
	free_listing(&next);
	return err;
}

static int compare_seen(const void *a, const void *b)
{
	return strcmp(((const struct seen *)a)->name, ((const struct seen *)b)->name);
}

static int check_unique(struct listing *l)
{
	qsort(l->list, l->nr, sizeof(*l->list), compare_seen);
	for (size_t i = 1; i < l->nr; i++)
		if (!strcmp(l->list[i - 1].name, l->list[i].name))
			return wrong("a name is listed twice");
	return 0;
}

static int probe_dirseek(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY);
	struct listing small = {0}, big = {0};
	uint32_t random = 1;

	if (fd < 0)
		return complain(path);
	if (read_on(fd, SMALL_BUFFER, SIZE_MAX, &small))
		return complain("getdents64 with a small buffer");
	if (lseek(fd, 0, SEEK_SET) != 0 || read_on(fd, BIG_BUFFER, SIZE_MAX, &big))
		return complain("getdents64 with a big buffer");
	if (small.nr != big.nr)
		return wrong("small and big buffers list different numbers");
	for (size_t i = 0; i < big.nr; i++)
		if (!same_seen(&small.list[i], &big.list[i]))
			return wrong("small and big buffers list different entries");
	for (unsigned i = 0; i < 2000 && big.nr; i++) {
		random = random * 1664525 + 1013904223;
		if (check_seek(fd, &big, i < 5 ? big.nr - 1 - i % big.nr : random % big.nr))
			return 1;
	}
	if (check_unique(&big))
		return 1;
	printf("%zu\n", big.nr);
	free_listing(&small);
	free_listing(&big);
	close(fd);
	return 0;
}

/* ---- mmap: mapped and read contents are the same ---- */

static int probe_mmap(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	char *mapped, *copy;

	if (fd < 0 || fstat(fd, &st))
		return complain(path);
	mapped = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	copy = malloc((size_t)st.st_size);
	if (mapped == MAP_FAILED || !copy)
		return complain("mmap");
	for (off_t off = st.st_size - 1; off >= 0; off -= 4099)
		if (pread(fd, copy, 1, off) != 1 || copy[0] != mapped[off])
			return wrong("mapped and read bytes differ");
	munmap(mapped, (size_t)st.st_size);
	free(copy);
	close(fd);
	return 0;
}

/* ---- direct: O_DIRECT, whole and in odd pieces ---- */

static int probe_direct(const char *path)
{
	int plain = open(path, O_RDONLY), direct = open(path, O_RDONLY | O_DIRECT);
	const size_t room = 1 << 20;
	void *a = aligned_alloc(4096, room), *b = aligned_alloc(4096, room);

	if (plain < 0 || direct < 0 || !a || !b)
		return complain(path);
	for (off_t off = 0;; off += 12288) {
		ssize_t want = pread(plain, a, 65536, off), got = pread(direct, b, 65536, off);

		if (want < 0 || got != want)
			return wrong("direct read of another length");
		if (!want)
			break;
		if (memcmp(a, b, (size_t)want) != 0)
			return wrong("direct read of other bytes");
	}
	free(a);
	free(b);
	close(plain);
	close(direct);
	return 0;
}

/* ---- seek: SEEK_DATA and SEEK_HOLE from many places ---- */

static int probe_seek(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	uint64_t off;

	if (fd < 0 || fstat(fd, &st))
		return complain(path);
	for (unsigned i = 0; i < 400; i++) {
		off = (uint64_t)st.st_size * i / 380 + i * 997 % 4096;
		for (int whence = SEEK_DATA; whence <= SEEK_HOLE; whence++) {
			off_t got = lseek(fd, (off_t)off, whence);

			printf("%" PRIu64 " %s %jd\n", off, whence == SEEK_DATA ? "data" : "hole",
				got < 0 ? (intmax_t)-errno : (intmax_t)got);
		}
	}
	close(fd);
	return 0;
}

/* ---- handle: a file found again by its handle when no cache knows it any more ---- */

static int probe_handle(const char *path)
{
	struct file_handle *handle = malloc(sizeof(*handle) + MAX_HANDLE_SZ);
	struct stat before, after;
	int mount_id, root, fd;
	FILE *caches;
	char *dir = strdup(path);

	if (!handle || !dir || stat(path, &before))
		return complain(path);
	handle->handle_bytes = MAX_HANDLE_SZ;
	if (name_to_handle_at(AT_FDCWD, path, handle, &mount_id, 0))
		return complain("name_to_handle_at");
	caches = fopen("/proc/sys/vm/drop_caches", "w");
	if (!caches || fputs("2\n", caches) < 0 || fclose(caches))
		return complain("drop_caches");
	*strrchr(dir, '/') = '\0';
	root = open(dir, O_RDONLY | O_DIRECTORY);
	fd = open_by_handle_at(root, handle, O_RDONLY);
	if (root < 0 || fd < 0 || fstat(fd, &after))
		return complain("open_by_handle_at");
	if (before.st_ino != after.st_ino || before.st_size != after.st_size)
		return wrong("the handle leads to another file");
	for (unsigned i = 0; i < handle->handle_bytes; i++)
		printf("%02x", handle->f_handle[i]);
	putchar('\n');
	free(handle);
	free(dir);
	return 0;
}

/* ---- ioctls: label, generation, flags ---- */

static int probe_ioctls(const char *path)
{
	int fd = open(path, O_RDONLY), generation = 0, flags = 0;
	struct fsxattr fsx = {0};
	char label[256] = "";

	if (fd < 0)
		return complain(path);
	if (ioctl(fd, FS_IOC_GETFSLABEL, label) || ioctl(fd, FS_IOC_GETVERSION, &generation) ||
		ioctl(fd, FS_IOC_GETFLAGS, &flags) || ioctl(fd, FS_IOC_FSGETXATTR, &fsx))
		return complain("ioctl");
	printf("label=%s generation=%08x flags=%08x xflags=%08x projid=%u\n", label,
		(unsigned)generation, (unsigned)flags, fsx.fsx_xflags, fsx.fsx_projid);
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0)
		return wrong("flags can be set");
	printf("setflags %s\n", strerrorname_np(errno));
	if (ioctl(fd, _IOR('f', 0x7e, int), &flags) == 0)
		return wrong("an unknown ioctl succeeds");
	printf("unknown %s\n", strerrorname_np(errno));
	close(fd);
	return 0;
}

/* ---- notify: the receiving end of sd_notify(3) ---- */

static int probe_notify(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	char message[4096];
	ssize_t len;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return complain(path);
	if (poll(&pfd, 1, NOTIFY_TIMEOUT_MS) != 1)
		return wrong("no message arrived");
	len = recv(fd, message, sizeof(message) - 1, 0);
	if (len < 0)
		return complain("recv");
	message[len] = '\0';
	puts(message);
	close(fd);
	return 0;
}

/* A copy of path in memory that nobody can write to; prints its name, good until the input ends. */
static int probe_sealed(const char *path)
{
	static uint8_t buf[BIG_BUFFER];
	int from = open(path, O_RDONLY | O_CLOEXEC);
	int fd = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ssize_t got;

	if (from < 0 || fd < 0)
		return complain(path);
	while ((got = read(from, buf, sizeof(buf))) > 0)
		if (write(fd, buf, (size_t)got) != got)
			return complain("write");
	if (got < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW))
		return complain("sealing");
	printf("/proc/%d/fd/%d\n", (int)getpid(), fd);
	fflush(stdout);
	while (read(STDIN_FILENO, buf, sizeof(buf)) > 0)
		;
	return 0;
}

/* The inode, length and target of a symlink, once at first and once more when the input has ended. */
static int probe_held(const char *path)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char target[PATH_MAX], byte;
	struct stat st;

	if (fd < 0)
		return complain(path);
	for (int i = 0; i < 2; i++) {
		ssize_t len = readlinkat(fd, "", target, sizeof(target));

		if (len < 0 || fstat(fd, &st))
			return complain(path);
		printf("%ju %jd %.*s\n", (uintmax_t)st.st_ino, (intmax_t)st.st_size, (int)len, target);
		fflush(stdout);
		while (!i && read(STDIN_FILENO, &byte, 1) > 0)
			;
	}
	close(fd);
	return 0;
}

static const struct command {
	const char *name;
	int (*run)(const char *path);
} commands[] = {
	{"dirseek", probe_dirseek},
	{"mmap", probe_mmap},
	{"direct", probe_direct},
	{"seek", probe_seek},
	{"handle", probe_handle},
	{"ioctls", probe_ioctls},
	{"notify", probe_notify},
	{"sealed", probe_sealed},
	{"held", probe_held},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 3 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argv[2]);
	fprintf(stderr, "usage: probe COMMAND PATH\ncommands:");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(stderr, " %s", commands[i].name);
	fputc('\n', stderr);
	return 2;
}
