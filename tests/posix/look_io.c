// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading and writing: O_DIRECT, limits of size, flags of preadv2(2), copies by the kernel. */
#include "config.h"

#include "look.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static void tell_size(int fd, const char *what)
{
	struct stat st;

	MUST(fstat(fd, &st));
	look_say("%s = %lld", what, (long long)st.st_size);
}

static void run_direct(void)
{
	static const struct {
		size_t address, len;
		off_t off;
	} cases[] = {
		{ 0, 4096, 0 },
		{ 0, 4096, 4096 },
		{ 0, 1024, 1024 },
		{ 0, 512, 512 },
		{ 0, 100, 0 },
		{ 0, 4096, 100 },
		{ 1, 4096, 0 },
		{ 4, 4096, 0 },
		{ 512, 4096, 0 },
		{ 0, 8192, 1 << 20 },
		{ 0, 0, 0 },
	};
	char *buf = aligned_alloc(4096, 16384);
	int fd;

	look_must(buf ? 0 : -1, "memory");
	memset(buf, 'd', 16384);
	look_file("f", 0644, 20000);
	fd = open("f", O_RDWR | O_DIRECT);
	MUST(fd);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		look_ret(pread(fd, buf + cases[i].address, cases[i].len, cases[i].off),
			"direct read of %zu at %lld, address %zu", cases[i].len, (long long)cases[i].off,
			cases[i].address);
		look_ret(pwrite(fd, buf + cases[i].address, cases[i].len, cases[i].off),
			"direct write of %zu at %lld, address %zu", cases[i].len,
			(long long)cases[i].off, cases[i].address);
		tell_size(fd, "size");
	}
	look_ret(pread(fd, buf, 4096, 1 << 22), "direct read beyond the end");
	look_ret(ftruncate(fd, 5000), "ftruncate");
	look_ret(pread(fd, buf, 8192, 0), "direct read over the end");
	close(fd);
	{
		struct statx x;

		MUST(statx(AT_FDCWD, "f", 0, 0x2000 /* STATX_DIOALIGN */, &x));
		look_say("statx tells the alignment of direct IO = %d", !!(x.stx_mask & 0x2000));
		MUST(statx(AT_FDCWD, "f", 0, STATX_BTIME, &x));
		look_say("statx tells the time of birth = %d", !!(x.stx_mask & STATX_BTIME));
		look_say("statx attributes it knows, of append, immutable, nodump, compressed, encrypted = %llx",
			(unsigned long long)x.stx_attributes_mask & 0x874);
	}
	free(buf);
}

static int over_the_limit(void *arg)
{
	static char block[8192];
	struct rlimit limit = { 10000, 10000 };
	int ignore = *(int *)arg;
	int fd = open("f", O_RDWR);

	MUST(fd);
	if (ignore)
		signal(SIGXFSZ, SIG_IGN);
	MUST(setrlimit(RLIMIT_FSIZE, &limit));
	look_ret(pwrite(fd, block, 8192, 0), "within the limit");
	look_ret(pwrite(fd, block, 8192, 8192), "across the limit");
	tell_size(fd, "size then");
	fflush(stdout);
	switch (ignore) {
	case 1:
		look_ret(pwrite(fd, block, 1, 10000), "write at the limit");
		look_ret(pwrite(fd, block, 0, 10000), "write of nothing at the limit");
		look_ret(ftruncate(fd, 10001), "ftruncate");
		look_ret(truncate("f", 10001), "truncate");
		look_ret(ftruncate(fd, 10000), "ftruncate to the limit");
		look_ret(fallocate(fd, 0, 0, 20000), "fallocate");
		look_ret(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 20000), "fallocate KEEP_SIZE");
		look_ret(pwrite(fd, block, 1, 20000), "write beyond it");
		{
			int in = open("source", O_RDONLY);
			off_t off = 9990;

			MUST(in);
			look_ret(copy_file_range(in, NULL, fd, &off, 100, 0), "copy_file_range across");
			off = 10000;
			look_ret(copy_file_range(in, NULL, fd, &off, 100, 0), "copy_file_range at");
			close(in);
		}
		tell_size(fd, "size in the end");
		return 0;
	case 2:
		return ftruncate(fd, 10001) ? 1 : 0;
	case 3:
		return fallocate(fd, 0, 0, 20000) ? 1 : 0;
	default:
		return pwrite(fd, block, 1, 10000) == 1 ? 0 : 1;
	}
}

static int over_with_signal(void *arg)
{
	int what = *(int *)arg;

	if (what == 1)
		return over_the_limit(&what);
	signal(SIGXFSZ, SIG_DFL);
	return over_the_limit(arg);
}

static void run_fsize(void)
{
	static const char *const names[] = { "write", "all with the signal ignored", NULL, NULL };

	for (int i = 0; i < 2; i++) {
		look_file("f", 0644, 0);
		look_file("source", 0644, 5000);
		look_say("%s ended with = %d", names[i], look_child(over_with_signal, &i));
	}
}

/* The largest size of a file, with extents and without, the one direct write to it that is not too much. */
static void run_large(void)
{
	static const off_t sizes[] = { 1LL << 31, 1LL << 32, (1LL << 34) + 67383296LL, 2194719883264LL,
		(1LL << 41) + 1, 4402345721856LL, (1LL << 42), 17592186040320LL, 17592186040321LL, 17592186044415LL,
		17592186044416LL, 1LL << 50, LLONG_MAX };
	char *buf = aligned_alloc(4096, 4096);
	int fd;

	look_must(buf ? 0 : -1, "memory");
	memset(buf, 'L', 4096);
	look_file("f", 0644, 0);
	fd = open("f", O_RDWR);
	MUST(fd);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		look_ret(ftruncate(fd, sizes[i]), "ftruncate to %lld", (long long)sizes[i]);
		tell_size(fd, "size");
		look_ret(fallocate(fd, 0, sizes[i] - 4096, 4096) ? -1 : 0, "fallocate before %lld",
			(long long)sizes[i]);
		look_ret(ftruncate(fd, 0), "ftruncate to 0 again");
		look_ret(fallocate(fd, 0, sizes[i] - 4096, 8192) ? -1 : 0, "fallocate across %lld",
			(long long)sizes[i]);
		look_ret(ftruncate(fd, 0), "ftruncate to 0 again");
	}
	close(fd);
	fd = open("f", O_RDWR | O_DIRECT);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		off_t off = sizes[i] & ~4095LL;

		look_ret(pwrite(fd, buf, 4096, off), "direct write at %lld", (long long)off);
		tell_size(fd, "size");
		look_ret(pread(fd, buf, 4096, off), "direct read at %lld", (long long)off);
		look_ret(ftruncate(fd, 0), "ftruncate to 0 again");
	}
	close(fd);
	fd = open("f", O_RDWR);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		off_t off = sizes[i] & ~4095LL;

		look_ret(pwrite(fd, buf, 4096, off), "write at %lld", (long long)off);
		tell_size(fd, "size");
		look_ret(fsync(fd), "fsync");
		look_ret(lseek(fd, off, SEEK_SET) < 0 ? -1 : 0, "lseek to %lld", (long long)off);
		look_ret(ftruncate(fd, 0), "ftruncate to 0 again");
	}
	close(fd);
	free(buf);
}

static void run_flags(void)
{
	static const struct {
		const char *name;
		int flags;
	} cases[] = { { "none", 0 }, { "HIPRI", RWF_HIPRI }, { "DSYNC", RWF_DSYNC }, { "SYNC", RWF_SYNC },
		{ "NOWAIT", RWF_NOWAIT }, { "APPEND", RWF_APPEND }, { "NOAPPEND", 0x20 },
		{ "ATOMIC", 0x40 }, { "DONTCACHE", 0x80 }, { "unknown", 0x4000 } };
	/* volatile: the compiler knows better than to let this pass */
	void *volatile bad = (void *)8;
	volatile int minus_one = -1;
	char data[100];
	struct iovec iov = { data, sizeof(data) };
	int fd;

	memset(data, 'i', sizeof(data));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *name = cases[i].name;

		look_file("f", 0644, 1000);
		fd = open("f", O_RDWR);
		MUST(fd);
		MUST(fsync(fd));
		look_ret(preadv2(fd, &iov, 1, 0, cases[i].flags), "preadv2 %s", name);
		look_ret(preadv2(fd, &iov, 1, 100000, cases[i].flags), "preadv2 %s beyond the end", name);
		look_ret(pwritev2(fd, &iov, 1, 0, cases[i].flags), "pwritev2 %s", name);
		tell_size(fd, "size");
		look_ret(pwritev2(fd, &iov, 1, -1, cases[i].flags), "pwritev2 %s at the position", name);
		look_ret(lseek(fd, 0, SEEK_CUR), "position after %s", name);
		tell_size(fd, "size");
		close(fd);
		fd = open("f", O_RDWR | O_APPEND);
		look_ret(pwritev2(fd, &iov, 1, 0, cases[i].flags), "pwritev2 %s, O_APPEND", name);
		tell_size(fd, "size");
		close(fd);
	}
	fd = open("f", O_RDWR);
	iov.iov_len = 0;
	look_ret(writev(fd, &iov, 1), "writev of nothing");
	look_ret(writev(fd, &iov, 0), "writev of no buffers");
	look_ret(writev(fd, &iov, minus_one), "writev of -1 buffers");
	iov.iov_base = NULL;
	iov.iov_len = 10;
	look_ret(write(fd, bad, 10), "write of a bad address");
	look_ret(read(fd, bad, 10), "read to a bad address");
	look_ret(write(fd, bad, 0), "write of nothing at a bad address");
	close(fd);
}

/* Data of a copy, to be compared: position-dependent. */
static void pattern(const char *path, size_t size)
{
	char block[1000];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	MUST(fd);
	for (size_t done = 0; done < size; done += sizeof(block)) {
		size_t n = size - done < sizeof(block) ? size - done : sizeof(block);

		for (size_t i = 0; i < n; i++)
			block[i] = (char)((done + i) * 31 >> 3);
		MUST(write(fd, block, n));
	}
	close(fd);
}

static unsigned sum(const char *path)
{
	unsigned char block[4096];
	unsigned h = 1;
	ssize_t n;
	int fd = open(path, O_RDONLY);

	MUST(fd);
	while ((n = read(fd, block, sizeof(block))) > 0)
		for (ssize_t i = 0; i < n; i++)
			h = h * 31 + block[i];
	MUST(n);
	close(fd);
	return h;
}

static void run_copy(void)
{
	static const struct {
		off_t from, to;
		size_t len;
		unsigned flags;
	} cases[] = { { 0, 0, 10000, 0 }, { 5, 77, 10000, 0 }, { 100000, 0, 10, 0 }, { 49990, 0, 100, 0 },
		{ 0, 100000, 10, 0 }, { 0, 0, 0, 0 }, { 0, 0, 10, 1 }, { -1, 0, 10, 0 }, { 0, -1, 10, 0 },
		{ 0, 1LL << 62, 10, 0 }, { 0, LLONG_MAX - 5, 10, 0 } };
	int in, out, pipes[2];

	pattern("in", 50000);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		off_t from = cases[i].from, to = cases[i].to;

		look_file("out", 0644, 20000);
		in = open("in", O_RDONLY);
		out = open("out", O_RDWR);
		look_ret(copy_file_range(in, &from, out, &to, cases[i].len, cases[i].flags), "copy %zu", i);
		look_say("copy %zu: offsets, contents = %lld %lld %u", i, (long long)from, (long long)to,
			sum("out"));
		close(in);
		close(out);
	}
	in = open("in", O_RDWR);
	{
		off_t from = 0, to = 100;

		look_ret(copy_file_range(in, &from, in, &to, 200, 0), "copy onto itself, overlapping");
		from = 0;
		to = 1000;
		look_ret(copy_file_range(in, &from, in, &to, 200, 0), "copy onto itself");
	}
	close(in);
	in = open("in", O_RDONLY);
	out = open("out", O_RDWR | O_APPEND);
	look_ret(copy_file_range(in, NULL, out, NULL, 10, 0), "copy to O_APPEND");
	close(out);
	out = open("out", O_RDONLY);
	look_ret(copy_file_range(in, NULL, out, NULL, 10, 0), "copy to read-only");
	look_ret(copy_file_range(out, NULL, in, NULL, 10, 0), "copy to read-only, too");
	close(out);
	out = open("out", O_WRONLY);
	look_ret(copy_file_range(out, NULL, out, NULL, 10, 0), "copy from write-only");
	MUST(pipe(pipes));
	look_ret(copy_file_range(pipes[0], NULL, out, NULL, 10, 0), "copy from a pipe");
	look_ret(sendfile(out, in, NULL, 3000), "sendfile");
	{
		off_t off = 40000;

		look_ret(sendfile(out, in, &off, 30000), "sendfile over the end");
		look_say("sendfile: position = %lld", (long long)off);
		off = 100;
		look_ret(splice(in, &off, pipes[1], NULL, 4000, 0), "splice to a pipe");
		off = 9;
		look_ret(splice(pipes[0], NULL, out, &off, 4000, 0), "splice from a pipe");
		look_ret(splice(in, NULL, out, NULL, 100, 0), "splice without a pipe");
	}
	{
		struct iovec iov = { (void *)"vmsplice", 8 };
		off_t off = 30000;

		look_ret(vmsplice(pipes[1], &iov, 1, 0), "vmsplice");
		look_ret(splice(pipes[0], NULL, out, &off, 8, SPLICE_F_MOVE), "splice of it");
	}
	close(out);
	out = open("out", O_WRONLY | O_APPEND);
	look_ret(splice(pipes[0], NULL, out, NULL, 8, SPLICE_F_NONBLOCK), "splice to O_APPEND");
	look_ret(sendfile(out, in, NULL, 10), "sendfile to O_APPEND");
	close(out);
	look_say("contents = %u", sum("out"));
	close(in);
	{
		int clone[1] = { open("in", O_RDONLY) };

		out = open("out", O_WRONLY);
		look_ret(ioctl(out, 0x40049409 /* FICLONE */, clone[0]), "FICLONE");
		close(out);
		close(clone[0]);
	}
}

static void run_mmap(void)
{
	struct stat st;
	char *p, byte;
	int fd;

	look_file("f", 0644, 5000);
	fd = open("f", O_RDWR);
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	look_ret(p == MAP_FAILED ? -1 : 0, "mmap");
	p[4999] = 'm';
	p[5000] = 'y';
	look_ret(pread(fd, &byte, 1, 4999), "read of what was mapped");
	look_say("byte = %c", byte);
	look_ret(pwrite(fd, "w", 1, 100), "write under the map");
	look_say("mapped byte = %c", p[100]);
	look_ret(msync(p, 8192, MS_SYNC), "msync");
	look_ret(ftruncate(fd, 6000), "grow");
	look_ret(pread(fd, &byte, 1, 5000), "read of what lay behind the end");
	look_say("behind the end = %d", byte);
	look_ret(msync(p, 8192, MS_ASYNC), "msync MS_ASYNC");
	look_ret(madvise(p, 4096, MADV_REMOVE), "madvise MADV_REMOVE");
	look_say("removed byte = %d", p[100]);
	munmap(p, 8192);
	MUST(fstat(fd, &st));
	close(fd);
	fd = open("f", O_RDONLY);
	look_ret(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0,
		"mmap for writing of read-only");
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	look_ret(p == MAP_FAILED ? -1 : 0, "mmap private");
	p[200] = 'p';
	look_ret(pread(fd, &byte, 1, 200), "read under a private map");
	look_say("under a private map = %c", byte);
	look_ret(mmap(NULL, 4096, PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0) == MAP_FAILED ? -1 : 0,
		"mmap MAP_SYNC");
	close(fd);
	fd = open(".", O_RDONLY);
	look_ret(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0, "mmap a directory");
	close(fd);
}

const struct look_topic look_io[] = { { "direct", run_direct }, { "fsize", run_fsize },
	{ "large", run_large }, { "rwf", run_flags }, { "copies", run_copy }, { "mmap", run_mmap },
	{ NULL, NULL } };
