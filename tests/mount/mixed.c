// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mixed FILE SECONDS - writes a file over and over, by asynchronous direct IO, while others read it through the
 * page cache: what the writer reads there thereafter is what it wrote, at once or, by io_uring when
 * there is much to do, soon. Exit status 1 if ever not.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIZE ((size_t)640 << 10)
#define PIECES 10u /* written at once */
#define READERS 2
#define SOON_US 100000

static void check(long ret, const char *what)
{
	if (ret >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}

static void read_on(const char *name, pid_t parent)
{
	static uint8_t buf[SIZE];
	int fd = open(name, O_RDONLY);

	check(fd, name);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent)
		check(pread(fd, buf, SIZE, 0), "pread");
	_exit(0);
}

static void write_all(aio_context_t ctx, int fd, uint8_t *buf)
{
	struct iocb cbs[PIECES], *list[PIECES];
	struct io_event events[PIECES];

	for (unsigned i = 0; i < PIECES; i++) {
		cbs[i] = (struct iocb){ .aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = (uint32_t)fd,
			.aio_buf = (uintptr_t)buf + i * (SIZE / PIECES), .aio_nbytes = SIZE / PIECES,
			.aio_offset = (int64_t)(i * (SIZE / PIECES)) };
		list[i] = &cbs[i];
	}
	check(syscall(SYS_io_submit, ctx, PIECES, list), "io_submit");
	check(syscall(SYS_io_getevents, ctx, PIECES, PIECES, events, NULL), "io_getevents");
	for (unsigned i = 0; i < PIECES; i++) {
		if (events[i].res == (int64_t)(SIZE / PIECES))
			continue;
		fprintf(stderr, "write: %lld\n", (long long)events[i].res);
		exit(2);
	}
}

static bool reads_old(int fd, const uint8_t *buf, uint8_t *got)
{
	check(pread(fd, got, SIZE, 0), "pread");
	return memcmp(buf, got, SIZE) != 0;
}

/* How often what is read stays old. */
static unsigned write_on(const char *name, time_t seconds, unsigned *ret_turns)
{
	time_t until = time(NULL) + seconds;
	int direct = open(name, O_RDWR | O_DIRECT), cached = open(name, O_RDONLY);
	uint8_t *buf = aligned_alloc(4096, SIZE), *got = malloc(SIZE);
	aio_context_t ctx = 0;
	unsigned old = 0;

	check(direct, name);
	check(cached, name);
	check(buf && got ? 0 : -1, "memory");
	check(syscall(SYS_io_setup, PIECES, &ctx), "io_setup");
	for (*ret_turns = 0; time(NULL) < until; (*ret_turns)++) {
		memset(buf, (int)(*ret_turns % 255 + 1), SIZE);
		write_all(ctx, direct, buf);
		if (!reads_old(cached, buf, got))
			continue;
		usleep(SOON_US);
		old += reads_old(cached, buf, got);
	}
	syscall(SYS_io_destroy, ctx);
	return old;
}

int main(int argc, char **argv)
{
	pid_t pids[READERS], parent = getpid();
	unsigned old, turns;
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: mixed FILE SECONDS\n");
		return 2;
	}
	fd = open(argv[1], O_RDWR | O_CREAT, 0600);
	check(fd, argv[1]);
	check(posix_fallocate(fd, 0, (off_t)SIZE) ? -1 : 0, "posix_fallocate");
	for (unsigned i = 0; i < READERS; i++) {
		pids[i] = fork();
		check(pids[i], "fork");
		if (!pids[i])
			read_on(argv[1], parent);
	}
	old = write_on(argv[1], atoi(argv[2]), &turns);
	for (unsigned i = 0; i < READERS; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	printf("%u of %u times old data were read\n", old, turns);
	return old != 0;
}
