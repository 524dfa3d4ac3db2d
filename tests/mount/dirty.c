// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dirty DIR PROCESSES TIMES - each process writes single bytes to a file of holes, and asks with SEEK_DATA and
 * SEEK_HOLE where data are, which must take in every byte, before anything was written back by itself.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNIT 65536 /* no block or page has bytes of two */
#define UNITS 24

struct file {
	char name[32];
	int fd;
	bool written[UNITS];
	off_t size;
	unsigned seed;
};

static void check(const struct file *f, bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s: %s: %s\n", f->name, what, strerror(errno));
	_exit(1);
}

static off_t seek(const struct file *f, off_t off, int whence)
{
	off_t found;

	do
		found = lseek(f->fd, off, whence);
	while (found < 0 && errno == EAGAIN);
	check(f, found >= 0 || errno == ENXIO, "lseek");
	return found;
}

static void by_mapping(struct file *f, off_t at)
{
	char *map = mmap(NULL, UNIT, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, at - at % UNIT);

	check(f, map != MAP_FAILED, "mmap");
	map[at % UNIT] = 'x';
	munmap(map, UNIT);
}

static void write_one(struct file *f)
{
	unsigned unit = (unsigned)rand_r(&f->seed) % UNITS;
	off_t at = (off_t)unit * UNIT + rand_r(&f->seed) % UNIT;

	if (at < f->size && rand_r(&f->seed) % 2)
		by_mapping(f, at);
	else
		check(f, pwrite(f->fd, "x", 1, at) == 1, "pwrite");
	f->written[unit] = true;
	if (at >= f->size)
		f->size = at + 1;
}

static void look(const struct file *f)
{
	off_t at = 0, data, hole;

	while ((data = seek(f, at, SEEK_DATA)) >= 0) {
		for (off_t unit = (at + UNIT - 1) / UNIT; unit < data / UNIT; unit++)
			check(f, !f->written[unit], "SEEK_DATA passes over data");
		hole = seek(f, data, SEEK_HOLE);
		check(f, hole > data && hole <= f->size, "SEEK_HOLE is out of order");
		at = hole;
	}
	for (off_t unit = (at + UNIT - 1) / UNIT; unit < UNITS; unit++)
		check(f, !f->written[unit], "SEEK_DATA finds an end before data");
	check(f, seek(f, f->size - 1, SEEK_HOLE) >= f->size - 1, "the end is no hole");
}

static void begin(struct file *f)
{
	memset(f->written, 0, sizeof(f->written));
	f->size = 0;
	check(f, ftruncate(f->fd, 0) == 0, "ftruncate");
	if (rand_r(&f->seed) % 3 == 0)
		(void)!posix_fallocate(f->fd, 0, 1); /* may not be known */
	if (rand_r(&f->seed) % 2)
		return;
	f->size = (off_t)UNITS * UNIT;
	check(f, ftruncate(f->fd, f->size) == 0, "ftruncate");
}

static void run(struct file *f, unsigned nr, unsigned times)
{
	f->seed = nr;
	snprintf(f->name, sizeof(f->name), "kept-%u", nr);
	f->fd = open(f->name, O_RDWR | O_CREAT, 0600);
	check(f, f->fd >= 0, "open");
	for (unsigned i = 0; i < times; i++) {
		if (i % 8 == 0) {
			begin(f);
			f->written[0] = true; /* where there was a fallocate(2), which may count as data or not */
			check(f, pwrite(f->fd, "x", 1, 0) == 1, "pwrite");
			f->size = f->size ? f->size : 1;
		}
		write_one(f);
		look(f);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	unsigned nr = argc == 4 ? (unsigned)atoi(argv[2]) : 0;
	int status, bad = 0;
	struct file f;

	if (argc != 4 || chdir(argv[1])) {
		fprintf(stderr, "usage: dirty DIR PROCESSES TIMES\n");
		return 2;
	}
	for (unsigned i = 0; i < nr; i++)
		if (fork() == 0)
			run(&f, i, (unsigned)atoi(argv[3]));
	while (wait(&status) > 0)
		bad |= status != 0;
	return bad;
}
