// SPDX-License-Identifier: GPL-2.0-or-later
/* Operations on the contents of files. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops.h"

#define MAX_RANGES 400

/* Where something about a file's map or size changes. */
static off_t boundary(struct run *r)
{
	static const off_t at[] = {
		0, 60, 128, 156, 512, 1024, 4096, 8192, 12 * 1024, 12 * 4096, 65536,
		(12 + 256) * 1024, (off_t)1 << 20, (12 + 1024) * 4096, (off_t)16 << 20,
		(12 + 256 + 65536) * (off_t)1024, (off_t)128 << 20, (off_t)1 << 31,
		(off_t)1 << 32, (12 + 1024 + 1048576) * (off_t)4096,
	};
	unsigned i = ops_pick(r, ARRAY_SIZE(at) + 1);

	return i < ARRAY_SIZE(at) ? at[i] : r->max_size;
}

/* Mostly small, sometimes around a boundary; off + len is possible. */
static off_t some_offset(struct run *r, size_t len)
{
	off_t off;

	switch (ops_pick(r, 8)) {
	case 0:
	case 1:
		off = boundary(r) - (off_t)ops_pick(r, 16) + (off_t)ops_pick(r, 16);
		break;
	case 2:
		off = boundary(r) - (off_t)len / 2;
		break;
	case 3:
		off = ops_pick(r, 4 << 20);
		break;
	default:
		off = ops_pick(r, 1 << 16);
	}
	if (off < 0)
		off = 0;
	if (off > r->max_size - (off_t)len)
		off = r->max_size - (off_t)len;
	return off;
}

static size_t some_length(struct run *r)
{
	switch (ops_pick(r, 8)) {
	case 0:
		return 1 + ops_pick(r, 1 << 20);
	case 1:
		return 1 + ops_pick(r, 1 << 17);
	case 2:
		return 4096;
	case 3:
		return 1024;
	default:
		return 1 + ops_pick(r, 9000);
	}
}

static int open_say(struct run *r, const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	ops_say(r, " ");
	ops_say_path(r, path);
	if (fd < 0)
		ops_say_result(r, -1);
	return fd;
}

/* Only regular files: everything else is for ops_names.c. */
static int open_file(struct run *r, int flags, struct file **ret)
{
	char path[OPS_PATH];
	struct node *node = ops_node(r, N_FILE);

	*ret = NULL;
	if (!node) {
		ops_say(r, " no file");
		return -1;
	}
	strcpy(path, node->path);
	*ret = node->file;
	return open_say(r, path, flags);
}

static void write_at(struct run *r, int fd, off_t off, size_t len)
{
	ssize_t got;

	ops_say(r, " @%jd+%zu", (intmax_t)off, len);
	ops_fill(r, r->buf, len, off);
	got = pwrite(fd, r->buf, len, off);
	if (ops_say_result(r, got))
		ops_say_range(r, fd, off, len);
	ops_say_fstat(r, fd);
}

static void op_create(struct run *r)
{
	char path[OPS_PATH];
	int flags = O_RDWR | O_CREAT, fd;

	if (ops_chance(r, 20))
		ops_path(r, N_FILE, path);
	else
		ops_new_path(r, path);
	flags |= ops_chance(r, 50) ? O_EXCL : 0;
	flags |= ops_chance(r, 30) ? O_TRUNC : 0;
	flags |= O_NOFOLLOW;
	ops_say(r, " %s%s ", flags & O_EXCL ? "excl " : "", flags & O_TRUNC ? "trunc " : "");
	ops_say_path(r, path);
	fd = open(path, flags | O_CLOEXEC | O_NONBLOCK, 0600 + ops_pick(r, 64));
	if (fd < 0) {
		ops_say_result(r, fd);
		return;
	}
	ops_add(r, path, N_FILE, NULL);
	if (ops_chance(r, 60))
		write_at(r, fd, 0, some_length(r));
	ops_say_fstat(r, fd);
	close(fd);
}

static void op_write(struct run *r)
{
	int flags = ops_chance(r, 10) ? O_SYNC : ops_chance(r, 5) ? O_DSYNC : 0;
	size_t len = some_length(r);
	struct file *file;
	int fd = open_file(r, O_RDWR | flags, &file);

	if (fd < 0)
		return;
	write_at(r, fd, some_offset(r, len), len);
	close(fd);
}

/* Block after block backwards or with gaps: many runs. */
static void op_scatter(struct run *r)
{
	unsigned nr = 10 + ops_pick(r, 60), step = 1 + ops_pick(r, 3);
	off_t base = some_offset(r, 1 << 20);
	bool backwards = ops_chance(r, 50);
	struct file *file;
	int fd = open_file(r, O_RDWR, &file);
	ssize_t sum = 0;

	if (fd < 0)
		return;
	ops_say(r, " @%jd %u*%u%s", (intmax_t)base, nr, step, backwards ? " backwards" : "");
	for (unsigned i = 0; i < nr; i++) {
		off_t off = base + (off_t)(backwards ? nr - i : i) * step * 4096;

		ops_fill(r, r->buf, 4096, off);
		if (off + 4096 <= r->max_size)
			sum += pwrite(fd, r->buf, 4096 - ops_pick(r, 2) * 3000, off);
	}
	ops_say_result(r, sum);
	ops_say_range(r, fd, base, nr * step * 4096);
	ops_say_fstat(r, fd);
	close(fd);
}

static void op_append(struct run *r)
{
	size_t len = 1 + ops_pick(r, 20000);
	struct file *file;
	int fd = open_file(r, O_RDWR | O_APPEND, &file);
	struct stat st;

	if (fd < 0)
		return;
	if (!fstat(fd, &st) && st.st_size > r->max_size - (off_t)len) {
		ops_say(r, " full");
	} else {
		ops_fill(r, r->buf, len, st.st_size);
		ops_say_result(r, write(fd, r->buf, len));
		ops_say_range(r, fd, st.st_size, len);
	}
	ops_say_fstat(r, fd);
	close(fd);
}

static void op_read(struct run *r)
{
	size_t len = some_length(r);
	off_t off = some_offset(r, len);
	struct file *file;
	int fd = open_file(r, O_RDONLY, &file);
	ssize_t got;

	if (fd < 0)
		return;
	got = pread(fd, r->buf, len, off);
	ops_say(r, " @%jd+%zu", (intmax_t)off, len);
	if (ops_say_result(r, got))
		ops_say_hash(r, r->buf, (size_t)got);
	close(fd);
}

/* Nothing comes from the page cache. */
static void op_read_cold(struct run *r)
{
	struct file *file;
	int fd = open_file(r, O_RDONLY, &file);

	if (fd < 0)
		return;
	ops_say_result(r, fsync(fd));
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	ops_say_fstat(r, fd);
	ops_say_range(r, fd, some_offset(r, 1 << 16), 1 << 16);
	close(fd);
}

static off_t new_size(struct run *r, const char *path)
{
	struct stat st;
	off_t size = 0;

	/* sizes of directories are nobody's promise */
	if (ops_chance(r, 50) && !stat(path, &st) && S_ISREG(st.st_mode) && st.st_size)
		size = (off_t)(ops_random(r) % (uint64_t)st.st_size);
	else
		size = some_offset(r, 0);
	if (ops_chance(r, 3))
		size = r->max_size + 1;
	return size;
}

static void op_truncate(struct run *r)
{
	char path[OPS_PATH];
	off_t size;
	int fd;

	ops_path(r, N_FILE, path);
	size = new_size(r, path);
	ops_say(r, " ");
	ops_say_path(r, path);
	ops_say(r, " to %jd", (intmax_t)size);
	if (!ops_find(r, path) || ops_find(r, path)->type != N_FILE) {
		ops_say_result(r, truncate(path, size));
		return;
	}
	fd = open(path, O_RDWR | O_CLOEXEC);
	ops_say_result(r, ops_chance(r, 50) ? truncate(path, size) : ftruncate(fd, size));
	if (fd < 0)
		return;
	ops_say_fstat(r, fd);
	ops_say_range(r, fd, size > 100 ? size - 100 : 0, 200);
	close(fd);
}

/* Cut inside a block, then longer again: what was cut off must read as zeros. */
static void op_cut_and_grow(struct run *r)
{
	struct file *file;
	int fd = open_file(r, O_RDWR, &file);
	struct stat st;
	off_t size;

	if (fd < 0)
		return;
	if (fstat(fd, &st) || st.st_size < 2 || st.st_size > r->max_size - 20000) {
		close(fd);
		return;
	}
	size = (off_t)(ops_random(r) % (uint64_t)st.st_size);
	ops_say(r, " %jd", (intmax_t)size);
	ops_say_result(r, ftruncate(fd, size));
	if (ops_chance(r, 50))
		ops_say_result(r, fsync(fd));
	ops_say_result(r, ftruncate(fd, size + 1 + ops_pick(r, 20000)));
	ops_say_range(r, fd, size, 20000);
	ops_say_fstat(r, fd);
	close(fd);
}

static void op_fallocate(struct run *r)
{
	static const struct {
		const char *name;
		int mode;
		bool allocates;
	} modes[] = {
		{"plain", 0, true},
		{"keep", FALLOC_FL_KEEP_SIZE, true},
		{"punch", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, false},
		{"punch", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, false},
		{"zero", FALLOC_FL_ZERO_RANGE, true},
		{"zero-keep", FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, true},
	};
	unsigned i = ops_pick(r, ARRAY_SIZE(modes));
	off_t len = 1 + ops_pick(r, ops_chance(r, 20) ? 1 << 20 : 40000), off;
	struct file *file;
	int fd = open_file(r, O_RDWR, &file);

	if (fd < 0)
		return;
	off = some_offset(r, (size_t)len);
	if (ops_chance(r, 30)) {
		off -= off % 4096;
		len += 4096 - len % 4096;
	}
	if (off > r->max_size - len)
		off = r->max_size - len;
	ops_say(r, " %s @%jd+%jd", modes[i].name, (intmax_t)off, (intmax_t)len);
	if (modes[i].allocates)
		file->plain = false;
	if (ops_say_result(r, fallocate(fd, modes[i].mode, off, len)))
		ops_say_range(r, fd, off, (size_t)len);
	ops_say_fstat(r, fd);
	close(fd);
}

static void copy(struct run *r, int from, int to)
{
	size_t len = 1 + ops_pick(r, 100000), done = 0;
	loff_t off = ops_pick(r, 70000), to_off = ops_pick(r, 70000);
	ssize_t got = 0;

	ops_say(r, " @%jd to @%jd+%zu", (intmax_t)off, (intmax_t)to_off, len);
	/* How much one call copies is nobody's promise. */
	while (done < len && (got = copy_file_range(from, &off, to, &to_off, len - done, 0)) > 0)
		done += (size_t)got;
	ops_say_result(r, got < 0 ? got : (ssize_t)done);
	ops_say_fstat(r, to);
	ops_say_range(r, to, to_off - (off_t)done, done);
}

static void op_copy(struct run *r)
{
	struct file *file, *to_file;
	int from = open_file(r, O_RDONLY, &file), to;

	if (from < 0)
		return;
	to = open_file(r, O_RDWR, &to_file);
	if (to >= 0) {
		to_file->plain = false;
		copy(r, from, to);
		close(to);
	}
	close(from);
}

/*
 * The data map in pages: FUSE writes whole pages back, so that all blocks of a page are allocated
 * where the kernel's ext4 allocates some.
 */
static void say_map(struct run *r, int fd)
{
	off_t data, hole = 0, from = -1, to = -1;
	unsigned nr = 0;

	while (nr++ < MAX_RANGES) {
		data = lseek(fd, hole, SEEK_DATA);
		if (data < 0)
			break;
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0)
			break;
		data -= data % PAGE;
		if (data > to) {
			if (to >= 0)
				ops_say(r, " %jd-%jd", (intmax_t)from, (intmax_t)to);
			from = data;
		}
		to = (hole + PAGE - 1) / PAGE * PAGE;
	}
	if (to >= 0)
		ops_say(r, " %jd-%jd", (intmax_t)from, (intmax_t)to);
	ops_say_result(r, nr < MAX_RANGES ? -1 : 0);
}

static void op_seek(struct run *r)
{
	struct file *file;
	int fd = open_file(r, O_RDONLY, &file);

	if (fd < 0)
		return;
	ops_say_result(r, fsync(fd));
	/* Around what was preallocated ext4 may write zeros instead of splitting. */
	if (file->plain)
		say_map(r, fd);
	ops_say(r, " end");
	ops_say_result(r, lseek(fd, r->max_size, SEEK_DATA));
	close(fd);
}

static void op_fsync(struct run *r)
{
	char path[OPS_PATH];
	int fd;

	ops_path(r, N_FILE | N_DIR, path);
	if (ops_find(r, path) && ops_find(r, path)->type == N_SPECIAL)
		return;
	fd = open_say(r, path, O_RDONLY | O_NOFOLLOW);
	if (fd < 0)
		return;
	ops_say_result(r, ops_chance(r, 70) ? fsync(fd) : fdatasync(fd));
	close(fd);
}

static void op_sync(struct run *r)
{
	int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ops_say_result(r, syncfs(fd));
	close(fd);
}

/* Inside the size only: beyond it is SIGBUS. */
static void map_write(struct run *r, int fd, off_t size)
{
	off_t page = (off_t)(ops_random(r) % (uint64_t)(size / PAGE + (size % PAGE != 0))) * PAGE;
	size_t len = 8 * PAGE, from, nr;
	uint8_t *p;

	if ((off_t)len > size - page)
		len = (size_t)(size - page);
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, page);
	ops_say(r, " @%jd+%zu", (intmax_t)page, len);
	if (p == MAP_FAILED) {
		ops_say_result(r, -1);
		return;
	}
	from = ops_pick(r, (unsigned)len);
	nr = 1 + ops_pick(r, (unsigned)(len - from));
	ops_say(r, " %zu+%zu", from, nr);
	ops_fill(r, p + from, nr, page + (off_t)from);
	if (ops_chance(r, 50))
		ops_say_result(r, msync(p, len, MS_SYNC));
	ops_say_hash(r, p, len);
	munmap(p, len);
	ops_say_range(r, fd, page, len);
}

static void op_mmap(struct run *r)
{
	struct file *file;
	int fd = open_file(r, O_RDWR, &file);
	struct stat st;

	if (fd < 0)
		return;
	if (!fstat(fd, &st) && st.st_size)
		map_write(r, fd, st.st_size);
	ops_say_fstat(r, fd);
	close(fd);
}

static void op_direct(struct run *r)
{
	off_t off = some_offset(r, 1 << 16) / PAGE * PAGE;
	size_t len = (1 + ops_pick(r, 16)) * PAGE;
	struct file *file;
	int fd = open_file(r, O_RDWR | O_DIRECT, &file);
	bool writing = ops_chance(r, 70);
	ssize_t got;

	if (fd < 0)
		return;
	if (off > r->max_size - (off_t)len)
		off = (r->max_size - (off_t)len) / PAGE * PAGE;
	ops_say(r, " %s @%jd+%zu", writing ? "write" : "read", (intmax_t)off, len);
	if (writing) {
		ops_fill(r, r->buf, len, off);
		got = pwrite(fd, r->buf, len, off);
	} else {
		got = pread(fd, r->buf, len, off);
	}
	if (ops_say_result(r, got))
		ops_say_hash(r, r->buf, (size_t)got);
	fcntl(fd, F_SETFL, 0);
	ops_say_fstat(r, fd);
	close(fd);
}

/* ---- descriptors that stay open over unlink and rename ---- */

static void close_handle(struct handle *h)
{
	if (h->fd < 0)
		return;
	close(h->fd);
	ops_file_put(h->file);
	*h = (struct handle){ .fd = -1 };
}

static void op_hold(struct run *r)
{
	struct handle *h = &r->handles[ops_pick(r, OPS_HANDLES)];
	struct file *file;

	close_handle(h);
	h->fd = open_file(r, O_RDWR, &file);
	if (h->fd >= 0)
		h->file = ops_file_get(file);
}

static void op_held_io(struct run *r)
{
	struct handle *h = &r->handles[ops_pick(r, OPS_HANDLES)];
	size_t len = some_length(r);

	ops_say(r, " %td", h - r->handles);
	if (h->fd < 0)
		return;
	switch (ops_pick(r, 6)) {
	case 0:
		ops_say_result(r, ftruncate(h->fd, some_offset(r, 0)));
		break;
	case 1:
		ops_say_result(r, fsync(h->fd));
		break;
	case 2:
		ops_say_result(r, fchmod(h->fd, ops_pick(r, 01000)));
		break;
	default:
		write_at(r, h->fd, some_offset(r, len), len);
	}
	ops_say_fstat(r, h->fd);
}

static void op_release(struct run *r)
{
	close_handle(&r->handles[ops_pick(r, OPS_HANDLES)]);
}

/* Opened, unlinked, used, closed. */
static void op_orphan(struct run *r)
{
	struct file *file = NULL;
	char path[OPS_PATH];
	int fd;

	ops_path(r, N_FILE, path);
	file = ops_file_of(r, path);
	if (!file)
		return;
	fd = open_say(r, path, O_RDWR);
	if (fd < 0)
		return;
	if (ops_say_result(r, unlink(path)))
		ops_drop(r, path);
	write_at(r, fd, ops_pick(r, 100000), some_length(r));
	ops_say_result(r, ftruncate(fd, ops_pick(r, 100000)));
	ops_say_fstat(r, fd);
	close(fd);
}

static void op_tmpfile(struct run *r)
{
	char path[OPS_PATH], proc[64];
	struct node *dir = ops_node(r, N_DIR);
	bool excl = ops_chance(r, 10);
	int fd;

	ops_say(r, "%s ", excl ? " excl" : "");
	ops_say_path(r, dir->path);
	fd = open(dir->path, O_TMPFILE | O_RDWR | O_CLOEXEC | (excl ? O_EXCL : 0), 0640);
	if (!ops_say_result(r, fd < 0 ? -1 : 0))
		return;
	write_at(r, fd, some_offset(r, 9000), 1 + ops_pick(r, 9000));
	if (ops_chance(r, 70)) {
		ops_new_path(r, path);
		snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
		ops_say(r, " link ");
		ops_say_path(r, path);
		if (ops_say_result(r, linkat(AT_FDCWD, proc, AT_FDCWD, path, AT_SYMLINK_FOLLOW)))
			ops_add(r, path, N_FILE, NULL);
	}
	ops_say_fstat(r, fd);
	close(fd);
}

const struct op ops_io[] = {
	{"create", 60, op_create},
	{"write", 60, op_write},
	{"scatter", 12, op_scatter},
	{"append", 20, op_append},
	{"read", 25, op_read},
	{"read-cold", 15, op_read_cold},
	{"truncate", 30, op_truncate},
	{"cut-and-grow", 15, op_cut_and_grow},
	{"fallocate", 30, op_fallocate},
	{"copy", 12, op_copy},
	{"seek", 15, op_seek},
	{"fsync", 12, op_fsync},
	{"sync", 2, op_sync},
	{"mmap", 15, op_mmap},
	{"direct", 15, op_direct},
	{"hold", 8, op_hold},
	{"held-io", 15, op_held_io},
	{"release", 4, op_release},
	{"orphan", 8, op_orphan},
	{"tmpfile", 10, op_tmpfile},
	{NULL, 0, NULL},
};
