// SPDX-License-Identifier: GPL-2.0-or-later
/* fallocate(2) with every mode, and where SEEK_DATA and SEEK_HOLE find what. */
#include "config.h"

#include "look.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNIT 65536 /* pages and blocks and clusters divide it */

static const struct {
	const char *name;
	int mode;
} modes[] = {
	{ "plain", 0 },
	{ "KEEP_SIZE", FALLOC_FL_KEEP_SIZE },
	{ "PUNCH", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE },
	{ "PUNCH alone", FALLOC_FL_PUNCH_HOLE },
	{ "ZERO", FALLOC_FL_ZERO_RANGE },
	{ "ZERO KEEP_SIZE", FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE },
	{ "COLLAPSE", FALLOC_FL_COLLAPSE_RANGE },
	{ "COLLAPSE KEEP_SIZE", FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_KEEP_SIZE },
	{ "INSERT", FALLOC_FL_INSERT_RANGE },
	{ "UNSHARE", FALLOC_FL_UNSHARE_RANGE },
	{ "NO_HIDE_STALE", FALLOC_FL_NO_HIDE_STALE },
	{ "WRITE_ZEROES", 0x80 },
	{ "unknown", 0x1000 },
	{ "ZERO PUNCH", FALLOC_FL_ZERO_RANGE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE },
};

static const struct {
	off_t off, len;
} ranges[] = {
	{ 0, UNIT },
	{ UNIT, 2 * UNIT },
	{ 100, 1000 },
	{ 4 * UNIT, UNIT },
	{ 0, 8 * UNIT },
	{ 0, 0 },
	{ -1, 10 },
	{ 0, -1 },
	{ 1LL << 62, 1LL << 62 },
	{ 17592186040320LL, 4096 },
	{ 0, 1LL << 40 },
};

static void tell_map(int fd, const char *what)
{
	off_t at = 0, end;

	MUST(fsync(fd));
	end = lseek(fd, 0, SEEK_END);
	printf("%s: data =", what);
	while (at < end) {
		off_t data = lseek(fd, at, SEEK_DATA), hole;

		if (data < 0)
			break;
		hole = lseek(fd, data, SEEK_HOLE);
		printf(" %lld-%lld", (long long)data, (long long)hole);
		if (hole <= at)
			break;
		at = hole;
	}
	printf(", end %lld\n", (long long)end);
}

static unsigned sum(int fd)
{
	unsigned char block[4096];
	unsigned h = 1;
	ssize_t n;

	MUST(lseek(fd, 0, SEEK_SET));
	while ((n = read(fd, block, sizeof(block))) > 0)
		for (ssize_t i = 0; i < n; i++)
			h = h * 31 + block[i];
	return h;
}

static void run_fallocate(void)
{
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		for (size_t j = 0; j < ARRAY_SIZE(ranges); j++) {
			char what[80];
			int fd;

			look_file("f", 0644, 3 * UNIT + 500);
			fd = open("f", O_RDWR);
			MUST(fd);
			MUST(fsync(fd));
			snprintf(what, sizeof(what), "%s, range %zu", modes[i].name, j);
			look_ret(fallocate(fd, modes[i].mode, ranges[j].off, ranges[j].len), "%s", what);
			MUST(fstat(fd, &st));
			look_say("%s: size = %lld", what, (long long)st.st_size);
			look_say("%s: contents = %u", what, st.st_size < 100 * UNIT ? sum(fd) : 0);
			close(fd);
			/* what filled the disk is free again when the client has forgotten it */
			MUST(unlink("f"));
			if (ranges[j].len > 1LL << 30)
				look_tick();
		}
	{
		int fd;

		MUST(mknod("p", S_IFIFO | 0644, 0));
		fd = open("p", O_RDWR);
		look_ret(fallocate(fd, 0, 0, 10), "a fifo");
		close(fd);
		look_file("f", 0644, 3 * UNIT);
		fd = open("f", O_WRONLY | O_APPEND);
		look_ret(fallocate(fd, 0, 0, 10), "O_APPEND");
		look_ret(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), "O_APPEND, PUNCH");
		close(fd);
		fd = open("f", O_RDWR);
		look_ret(posix_fallocate(fd, 0, 1000000), "posix_fallocate");
		look_ret(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), "posix_fadvise");
		look_ret(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE), "sync_file_range");
		close(fd);
	}
}

static void run_holes(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644);

	MUST(fd);
	look_ret(lseek(fd, 0, SEEK_DATA), "empty: SEEK_DATA");
	look_ret(lseek(fd, 0, SEEK_HOLE), "empty: SEEK_HOLE");
	MUST(ftruncate(fd, 10 * UNIT));
	look_ret(lseek(fd, 0, SEEK_DATA), "hole: SEEK_DATA");
	look_ret(lseek(fd, 0, SEEK_HOLE), "hole: SEEK_HOLE");
	look_ret(lseek(fd, 777, SEEK_HOLE), "hole: SEEK_HOLE of 777");
	MUST(pwrite(fd, "a", 1, 2 * UNIT));
	MUST(pwrite(fd, "a", 1, 7 * UNIT + 5));
	tell_map(fd, "two bytes");
	look_ret(lseek(fd, 2 * UNIT + 7, SEEK_DATA), "SEEK_DATA inside data");
	look_ret(lseek(fd, 10 * UNIT - 1, SEEK_HOLE), "SEEK_HOLE of the last byte");
	look_ret(lseek(fd, 10 * UNIT - 1, SEEK_DATA), "SEEK_DATA of the last byte");
	look_ret(lseek(fd, 10 * UNIT, SEEK_HOLE), "SEEK_HOLE of the end");
	look_ret(lseek(fd, 10 * UNIT, SEEK_DATA), "SEEK_DATA of the end");
	look_ret(lseek(fd, 11 * UNIT, SEEK_HOLE), "SEEK_HOLE beyond the end");
	look_ret(lseek(fd, -1, SEEK_DATA), "SEEK_DATA of -1");
	look_ret(lseek(fd, -1, SEEK_HOLE), "SEEK_HOLE of -1");
	look_ret(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * UNIT, UNIT), "punch");
	tell_map(fd, "punched");
	look_ret(fallocate(fd, 0, 4 * UNIT, UNIT), "preallocate");
	tell_map(fd, "preallocated");
	MUST(ftruncate(fd, 7 * UNIT));
	tell_map(fd, "cut");
	close(fd);
	fd = open(".", O_RDONLY);
	look_ret(lseek(fd, 0, SEEK_DATA), "directory: SEEK_DATA");
	look_ret(lseek(fd, 0, SEEK_HOLE) < 0 ? -1 : 0, "directory: SEEK_HOLE");
	close(fd);
}

const struct look_topic look_space[] = { { "fallocate", run_fallocate }, { "holes", run_holes },
	{ NULL, NULL } };
