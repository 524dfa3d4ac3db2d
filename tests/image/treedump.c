// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * treedump - print everything a user can see of a directory tree, in one canonical order.
 *
 * Two mounts show the same tree when the two outputs are the same text. One line per object,
 * further lines for its extended attributes, its data map and its contents, every line led by
 * the escaped path. An operation that fails is printed with the name of its error, so damage
 * compares too. Not printed, because it differs between any two mounts: st_dev, statx
 * attributes, the order and the cookies of directories.
 *
 * Contents are a hash over (offset, bytes) of every 4 KiB piece that is not zero: the sum of a
 * hole and of written zeros is the same, so that a file that is mostly hole can be read by its
 * data map alone, and the map is compared on its own line.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define PIECE 4096u		      /* unit of the content hash */
#define READ_SIZE ((size_t)1 << 20)
#define READ_ALL_MAX ((off_t)64 << 20) /* larger files are read by their data map */
#define MAX_DEPTH 4000u
#define MAX_ENTRIES 4000000u	      /* more in one directory than any test makes: it is endless */
#define SAMPLE_OVER 2000u	      /* in larger directories ioctls and xattrs ... */
#define SAMPLE_EVERY 16u	      /* ... are asked for one name of so many */
#define XATTR_MAX ((size_t)1 << 16)
#define PATH_BYTES ((size_t)1 << 21)

enum field {
	F_OWNER = 1 << 0,
	F_TIMES = 1 << 1,
	F_BTIME = 1 << 2,
	F_INO = 1 << 3,
	F_BLOCKS = 1 << 4,
	F_FLAGS = 1 << 5,
	F_XATTR = 1 << 6,
	F_MAP = 1 << 7,
	F_MODE = 1 << 8,
	F_DIRS = 1 << 9, /* size and link count of directories */
	F_SPECIAL = 1 << 10, /* anything but files, directories, symlinks */
	F_DATA = 1 << 11,
	F_LINKS = 1 << 12,
	F_CTIME = 1 << 13,
	F_ATIME = 1 << 14,
	F_DINO = 1 << 15, /* that directories tell the numbers which inodes have */
	F_ALL = (1 << 16) - 1,
};

/* What the command line chose and the scratch buffers. One per run. */
struct dump {
	unsigned fields;
	bool read_all;
	const char *skip; /* name at the root to leave out, or NULL */
	uint8_t *data;	  /* READ_SIZE */
	char *path;	  /* PATH_BYTES, escaped path of the object at hand */
	char *names;	  /* XATTR_MAX */
	uint8_t *value;	  /* XATTR_MAX */
	int errors;
};

/* One directory entry as readdir() gave it. */
struct entry {
	char *name;
	uint64_t ino;
	unsigned char type; /* DT_* */
};

struct entries {
	struct entry *list;
	size_t nr, room;
};

static void *alloc_or_die(void *old, size_t size)
{
	void *p = realloc(old, size);

	if (!p) {
		fprintf(stderr, "treedump: out of memory\n");
		exit(2);
	}
	return p;
}

static uint64_t mix(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return sum ^ (sum >> 29);
}

/* Trailing bytes are padded with zeros: the size stands elsewhere. */
static uint64_t hash_bytes(uint64_t sum, const uint8_t *p, size_t len)
{
	uint64_t word;

	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum = mix(sum, word);
	}
	if (len) {
		word = 0;
		memcpy(&word, p, len);
		sum = mix(sum, word);
	}
	return sum;
}

static bool all_zero(const uint8_t *p, size_t len)
{
	return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

/* Appends name to out, bytes that are not plain printed as \xHH. Returns the new end. */
static char *escape(char *out, const char *end, const char *name)
{
	static const char hex[] = "0123456789abcdef";

	for (; *name && end - out > 5; name++) {
		unsigned char c = (unsigned char)*name;

		if (c > ' ' && c < 0x7f && c != '\\') {
			*out++ = (char)c;
			continue;
		}
		*out++ = '\\';
		*out++ = 'x';
		*out++ = hex[c >> 4];
		*out++ = hex[c & 15];
	}
	*out = '\0';
	return out;
}

static const char *err_name(int err)
{
	const char *name = strerrorname_np(err);

	return name ? name : "E?";
}

static void print_error(struct dump *d, const char *what, int err)
{
	d->errors++;
	printf("%s error %s %s\n", d->path, what, err_name(err));
}

static char type_letter(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return '-';
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFCHR:
		return 'c';
	case S_IFBLK:
		return 'b';
	case S_IFIFO:
		return 'p';
	case S_IFSOCK:
		return 's';
	default:
		return '?';
	}
}

static void print_time(const char *name, const struct statx_timestamp *t)
{
	printf(" %s=%lld.%09u", name, (long long)t->tv_sec, t->tv_nsec);
}

static void print_stat(const struct dump *d, const struct statx *st)
{
	bool is_dir = S_ISDIR(st->stx_mode);

	printf("%s type=%c", d->path, type_letter(st->stx_mode));
	if (d->fields & F_MODE)
		printf(" mode=%04o", st->stx_mode & 07777u);
	if (d->fields & F_OWNER)
		printf(" uid=%u gid=%u", st->stx_uid, st->stx_gid);
	if ((d->fields & F_LINKS) && (!is_dir || (d->fields & F_DIRS)))
		printf(" nlink=%u", st->stx_nlink);
	if (!is_dir || (d->fields & F_DIRS))
		printf(" size=%llu", (unsigned long long)st->stx_size);
	if (d->fields & F_BLOCKS)
		printf(" blocks=%llu blksize=%u", (unsigned long long)st->stx_blocks,
			st->stx_blksize);
	if (S_ISCHR(st->stx_mode) || S_ISBLK(st->stx_mode))
		printf(" rdev=%u:%u", st->stx_rdev_major, st->stx_rdev_minor);
	if (d->fields & F_INO)
		printf(" ino=%llu", (unsigned long long)st->stx_ino);
	if (d->fields & F_ATIME)
		print_time("atime", &st->stx_atime);
	if (d->fields & F_TIMES)
		print_time("mtime", &st->stx_mtime);
	if (d->fields & F_CTIME)
		print_time("ctime", &st->stx_ctime);
	if ((d->fields & F_BTIME) && (st->stx_mask & STATX_BTIME))
		print_time("btime", &st->stx_btime);
	putchar('\n');
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static void print_xattr(struct dump *d, const char *at, const char *name)
{
	char text[4 * XATTR_NAME_MAX + 8];
	ssize_t len = lgetxattr(at, name, d->value, XATTR_MAX);

	escape(text, text + sizeof(text), name);
	if (len < 0)
		printf("%s xattr %s error %s\n", d->path, text, err_name(errno));
	else
		printf("%s xattr %s len=%zd hash=%016" PRIx64 "\n", d->path, text, len,
			hash_bytes(0, d->value, (size_t)len));
}

static void print_xattrs(struct dump *d, const char *at)
{
	ssize_t len = llistxattr(at, d->names, XATTR_MAX);
	const char **list = NULL;
	size_t nr = 0;

	if (len < 0) {
		print_error(d, "listxattr", errno);
		return;
	}
	for (char *p = d->names; p < d->names + len; p += strlen(p) + 1) {
		list = alloc_or_die(list, (nr + 1) * sizeof(*list));
		list[nr++] = p;
	}
	if (nr)
		qsort(list, nr, sizeof(*list), compare_names);
	for (size_t i = 0; i < nr; i++)
		print_xattr(d, at, list[i]);
	free(list);
}

static void print_flags(struct dump *d, int fd)
{
	struct fsxattr fsx = {0};
	int flags = 0, generation = 0;

	printf("%s", d->path);
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		printf(" flags=%s", err_name(errno));
	else
		printf(" flags=%08x", (unsigned)flags);
	if (ioctl(fd, FS_IOC_FSGETXATTR, &fsx) < 0)
		printf(" xflags=%s", err_name(errno));
	else
		printf(" xflags=%08x projid=%u", fsx.fsx_xflags, fsx.fsx_projid);
	if (ioctl(fd, FS_IOC_GETVERSION, &generation) < 0)
		printf(" generation=%s\n", err_name(errno));
	else
		printf(" generation=%08x\n", (unsigned)generation);
}

/* The reason for a read that ended inside a piece: 0 at the end of the file. */
static int short_read_reason(int fd, off_t off)
{
	char byte;
	ssize_t got = pread(fd, &byte, 1, off);

	if (got < 0)
		return errno;
	return got ? EIO : 0;
}

/* Adds [off, end) of fd to *sum; off is a multiple of PIECE. */
static int hash_range(struct dump *d, int fd, off_t off, off_t end, uint64_t *sum)
{
	while (off < end) {
		size_t want = end - off < (off_t)READ_SIZE ? (size_t)(end - off) : READ_SIZE;
		ssize_t got = pread(fd, d->data, want, off);

		if (got < 0)
			return errno;
		for (size_t at = 0; at < (size_t)got; at += PIECE) {
			size_t len = (size_t)got - at < PIECE ? (size_t)got - at : PIECE;

			if (all_zero(d->data + at, len))
				continue;
			*sum = mix(*sum, (uint64_t)off + at);
			*sum = hash_bytes(*sum, d->data + at, len);
		}
		off += got;
		if (got == 0 || got % PIECE)
			return off < end ? short_read_reason(fd, off) : 0;
	}
	return 0;
}

/* The data map as lseek() tells it, before any page of the file is cached. */
static int print_map(struct dump *d, int fd, off_t size)
{
	off_t data, hole = 0;

	printf("%s map", d->path);
	while (hole < size) {
		data = lseek(fd, hole, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break;
		if (data >= 0)
			hole = lseek(fd, data, SEEK_HOLE);
		if (data < 0 || hole < 0 || hole <= data) {
			printf(" error %s\n", err_name(errno));
			return errno ? errno : EIO;
		}
		printf(" %jd-%jd", (intmax_t)data, (intmax_t)hole);
	}
	putchar('\n');
	return 0;
}

static off_t align_down(off_t off)
{
	return off - off % PIECE;
}

/* Adds the pieces of [from, to) that *done has not passed yet. */
static int hash_pieces(struct dump *d, int fd, off_t from, off_t to, off_t *done, uint64_t *sum)
{
	int err;

	from = align_down(from);
	to = align_down(to + PIECE - 1);
	if (from < *done)
		from = *done;
	if (from >= to)
		return 0;
	err = hash_range(d, fd, from, to, sum);
	*done = to;
	return err;
}

/* Reads what the map calls data, and the first and the last piece of each hole. */
static int hash_by_map(struct dump *d, int fd, off_t size, uint64_t *sum)
{
	off_t data, hole = 0, done = 0;
	int err = 0;

	while (!err && hole < size) {
		data = lseek(fd, hole, SEEK_DATA);
		if (data < 0)
			data = size;
		err = hash_pieces(d, fd, hole, hole + 1, &done, sum);
		if (!err && data > 0)
			err = hash_pieces(d, fd, data - 1, data, &done, sum);
		hole = data < size ? lseek(fd, data, SEEK_HOLE) : size;
		if (hole < 0)
			return errno;
		if (!err)
			err = hash_pieces(d, fd, data, hole, &done, sum);
	}
	return err;
}

static void print_contents(struct dump *d, int fd, off_t size)
{
	uint64_t sum = 0;
	int err;

	if (d->fields & F_MAP)
		print_map(d, fd, size);
	if (!(d->fields & F_DATA))
		return;
	if (size <= READ_ALL_MAX || d->read_all)
		err = hash_range(d, fd, 0, size, &sum);
	else
		err = hash_by_map(d, fd, size, &sum);
	if (err)
		print_error(d, "read", err);
	else
		printf("%s data=%016" PRIx64 "\n", d->path, sum);
}

static void print_target(struct dump *d, int dirfd, const char *name)
{
	char target[PATH_MAX + 1], text[4 * PATH_MAX + 8];
	ssize_t len = readlinkat(dirfd, name, target, sizeof(target) - 1);

	if (len < 0) {
		print_error(d, "readlink", errno);
		return;
	}
	target[len] = '\0';
	escape(text, text + sizeof(text), target);
	printf("%s target=%s\n", d->path, text);
}

static void add_entry(struct entries *ents, const struct dirent *de)
{
	struct entry *ent;

	if (ents->nr == ents->room) {
		ents->room = ents->room ? ents->room * 2 : 64;
		ents->list = alloc_or_die(ents->list, ents->room * sizeof(*ents->list));
	}
	ent = &ents->list[ents->nr++];
	ent->name = strcpy(alloc_or_die(NULL, strlen(de->d_name) + 1), de->d_name);
	ent->ino = de->d_ino;
	ent->type = de->d_type;
}

static void free_entries(struct entries *ents)
{
	for (size_t i = 0; i < ents->nr; i++)
		free(ents->list[i].name);
	free(ents->list);
}

static bool is_dot(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/* Reads all entries of fd (taken over), sorted by name. */
static void list_entries(struct dump *d, int fd, struct entries *ents)
{
	DIR *dir = fdopendir(fd);
	struct dirent *de;

	if (!dir) {
		print_error(d, "opendir", errno);
		close(fd);
		return;
	}
	while (errno = 0, (de = readdir(dir)) != NULL) {
		if (is_dot(de->d_name))
			continue;
		if (ents->nr >= MAX_ENTRIES) {
			errno = E2BIG;
			break;
		}
		add_entry(ents, de);
	}
	if (errno)
		print_error(d, "readdir", errno);
	closedir(dir);
	if (ents->nr)
		qsort(ents->list, ents->nr, sizeof(*ents->list), compare_entries);
}

static void dump_object(struct dump *d, int dirfd, const struct entry *ent, unsigned depth,
	bool asked);

static void dump_children(struct dump *d, int fd, unsigned depth)
{
	char *end = d->path + strlen(d->path);
	struct entries ents = {0};
	int list_fd = dup(fd);

	if (list_fd < 0) {
		print_error(d, "dup", errno);
		return;
	}
	list_entries(d, list_fd, &ents);
	for (size_t i = 0; i < ents.nr; i++) {
		const char *name = ents.list[i].name;
		bool asked = ents.nr < SAMPLE_OVER ||
			     hash_bytes(0, (const uint8_t *)name, strlen(name)) % SAMPLE_EVERY == 0;

		if (depth == 0 && d->skip && !strcmp(name, d->skip))
			continue;
		*end = '/';
		escape(end + 1, d->path + PATH_BYTES, name);
		dump_object(d, fd, &ents.list[i], depth + 1, asked);
		*end = '\0';
	}
	free_entries(&ents);
}

static void dump_open(struct dump *d, int dirfd, const char *name, const struct statx *st,
	unsigned depth, bool asked)
{
	bool is_dir = S_ISDIR(st->stx_mode);
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | (is_dir ? O_DIRECTORY : 0));

	if (fd < 0) {
		print_error(d, "open", errno);
		return;
	}
	if ((d->fields & F_FLAGS) && asked)
		print_flags(d, fd);
	if (!is_dir)
		print_contents(d, fd, (off_t)st->stx_size);
	else if (depth >= MAX_DEPTH)
		print_error(d, "depth", ELOOP);
	else
		dump_children(d, fd, depth);
	close(fd);
}

/* What readdir() said must be what stat() says; a type that it left open is no lie. */
static void check_entry(struct dump *d, const struct entry *ent, const struct statx *st)
{
	if (d->fields & F_DINO && ent->ino && ent->ino != st->stx_ino)
		print_error(d, "d_ino", ESTALE);
	if (ent->type != DT_UNKNOWN && DTTOIF(ent->type) != (st->stx_mode & S_IFMT))
		print_error(d, "d_type", ESTALE);
}

/* Everything about one object; asked: also what costs a request of its own. */
static void dump_object(struct dump *d, int dirfd, const struct entry *ent, unsigned depth,
	bool asked)
{
	char at[64 + NAME_MAX];
	struct statx st;

	if (statx(dirfd, ent->name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
		    STATX_BASIC_STATS | STATX_BTIME, &st) < 0) {
		print_error(d, "stat", errno);
		return;
	}
	if (!(d->fields & F_SPECIAL) && !S_ISREG(st.stx_mode) && !S_ISDIR(st.stx_mode) &&
		!S_ISLNK(st.stx_mode))
		return;
	print_stat(d, &st);
	check_entry(d, ent, &st);
	if ((d->fields & F_XATTR) && asked) {
		/* By descriptor, so that a tree deeper than PATH_MAX can be walked. */
		snprintf(at, sizeof(at), "/proc/self/fd/%d/%s", dirfd, ent->name);
		print_xattrs(d, at);
	}
	if (S_ISLNK(st.stx_mode))
		print_target(d, dirfd, ent->name);
	else if (S_ISREG(st.stx_mode) || S_ISDIR(st.stx_mode))
		dump_open(d, dirfd, ent->name, &st, depth, asked);
}

/* Every level of the tree holds a descriptor or two. */
static void raise_fd_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

struct leave_out {
	const char *name;
	unsigned fields;
	const char *help;
};

/* "contents" keeps what debugfs can extract from an image without a mount. */
static const struct leave_out leave_outs[] = {
	{"owner", F_OWNER, "uid and gid"},
	{"mode", F_MODE, "permission bits"},
	{"times", F_TIMES | F_CTIME | F_ATIME | F_BTIME, "all times"},
	{"ctime", F_CTIME | F_BTIME, "times that cannot be set"},
	{"atime", F_ATIME, "access time"},
	{"ino", F_INO, "inode numbers"},
	{"d_ino", F_DINO, "that readdir(3) and stat(2) agree on them"},
	{"blocks", F_BLOCKS, "st_blocks and st_blksize"},
	{"flags", F_FLAGS, "inode flags, project and generation"},
	{"xattr", F_XATTR, "extended attributes"},
	{"map", F_MAP, "data maps"},
	{"dirs", F_DIRS, "size and link count of directories"},
	{"links", F_LINKS, "link counts"},
	{"special", F_SPECIAL, "devices, fifos and sockets"},
	{"data", F_DATA, "contents"},
	{"contents", F_ALL & ~(unsigned)(F_DATA | F_DINO), "everything but names, types, sizes, contents"},
};

static void usage(FILE *to)
{
	fprintf(to, "usage: treedump [-a] [-s NAME] [-n FIELD]... DIR\n"
		    "  -a        read every file whole, not by its data map\n"
		    "  -s NAME   leave out NAME at the top\n"
		    "  -n FIELD  leave out a field:\n");
	for (size_t i = 0; i < sizeof(leave_outs) / sizeof(leave_outs[0]); i++)
		fprintf(to, "    %-9s %s\n", leave_outs[i].name, leave_outs[i].help);
}

static bool leave_out(struct dump *d, const char *name)
{
	for (size_t i = 0; i < sizeof(leave_outs) / sizeof(leave_outs[0]); i++) {
		if (strcmp(name, leave_outs[i].name) != 0)
			continue;
		d->fields &= ~leave_outs[i].fields;
		return true;
	}
	return false;
}

static bool parse_options(struct dump *d, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "as:n:h")) != -1) {
		switch (c) {
		case 'a':
			d->read_all = true;
			break;
		case 's':
			d->skip = optarg;
			break;
		case 'n':
			if (leave_out(d, optarg))
				break;
			return false;
		default:
			return false;
		}
	}
	return argc - optind == 1;
}

int main(int argc, char **argv)
{
	struct dump d = {.fields = F_ALL};
	struct entry root = {.name = (char[]){"."}, .type = DT_DIR};
	int root_fd;

	if (!parse_options(&d, argc, argv)) {
		usage(stderr);
		return 2;
	}
	raise_fd_limit();
	d.data = alloc_or_die(NULL, READ_SIZE);
	d.path = alloc_or_die(NULL, PATH_BYTES);
	d.names = alloc_or_die(NULL, XATTR_MAX);
	d.value = alloc_or_die(NULL, XATTR_MAX);
	strcpy(d.path, ".");
	root_fd = open(argv[optind], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0) {
		perror("treedump: open");
		return 2;
	}
	dump_object(&d, root_fd, &root, 0, true);
	if (fflush(stdout)) {
		perror("treedump: stdout");
		return 2;
	}
	return d.errors ? 1 : 0;
}
