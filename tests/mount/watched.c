// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * watched DIR TIMES - makes, moves and removes directories in two directories below DIR while other
 * processes ask for the attributes of those, and shows how often their numbers of links are old
 * thereafter, when all are done. Exit status 1 if ever.
 *
 * The others ask once for each change, at about the same time: they may get an answer from before it, and
 * take it in after it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WATCHERS 2
#define IN_EACH 8u /* directories that stay: numbers of links go up and down from there */

static const char *const dirs[] = { "from", "to" };

static void check(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(2);
}

/* Between the processes. */
struct turns {
	atomic_uint turn; /* so many changes have begun */
	atomic_uint done; /* so many times a watcher has asked */
};

static struct turns *turns;

static void dawdle(unsigned *seed)
{
	for (volatile unsigned n = (unsigned)rand_r(seed) % 20000; n; n--)
		;
}

/* Asks the server once each turn, whatever the kernel knows. */
static void watch(pid_t parent, unsigned nr)
{
	unsigned seed = nr, turn = 0;
	struct statx st;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (getppid() == parent) {
		if (atomic_load(&turns->turn) == turn) {
			sched_yield();
			continue;
		}
		turn++;
		dawdle(&seed);
		for (unsigned i = 0; i < 2; i++)
			check(statx(AT_FDCWD, dirs[i], AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &st),
				dirs[i]);
		atomic_fetch_add(&turns->done, 1);
	}
	_exit(0);
}

static unsigned nr_old, nr_looks;

/* Two links and one for each directory in it. */
static void look(unsigned i, unsigned nr)
{
	struct stat st;

	check(stat(dirs[i], &st), dirs[i]);
	nr_looks++;
	nr_old += st.st_nlink != nr + 2;
}

static void begin_turn(unsigned *seed)
{
	atomic_fetch_add(&turns->turn, 1);
	dawdle(seed);
}

static void end_turn(unsigned from, unsigned to)
{
	while (atomic_load(&turns->done) < atomic_load(&turns->turn) * WATCHERS)
		sched_yield();
	look(0, from);
	look(1, to);
}

static void change(unsigned times)
{
	unsigned seed = WATCHERS;

	for (unsigned i = 0; i < times; i++) {
		begin_turn(&seed);
		check(mkdir("from/new", 0700), "mkdir");
		end_turn(IN_EACH + 1, IN_EACH);
		begin_turn(&seed);
		check(rename("from/new", "to/new"), "rename");
		end_turn(IN_EACH, IN_EACH + 1);
		begin_turn(&seed);
		check(rmdir("to/new"), "rmdir");
		end_turn(IN_EACH, IN_EACH);
	}
}

static void make_dirs(void)
{
	char name[32];

	for (unsigned i = 0; i < 2; i++) {
		check(mkdir(dirs[i], 0700), dirs[i]);
		for (unsigned nr = 0; nr < IN_EACH; nr++) {
			snprintf(name, sizeof(name), "%s/%u", dirs[i], nr);
			check(mkdir(name, 0700), name);
		}
	}
}

int main(int argc, char **argv)
{
	pid_t pids[WATCHERS], parent = getpid();

	if (argc != 3) {
		fprintf(stderr, "usage: watched DIR TIMES\n");
		return 2;
	}
	check(chdir(argv[1]), argv[1]);
	make_dirs();
	turns = mmap(NULL, sizeof(*turns), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(turns == MAP_FAILED, "mmap");
	for (unsigned i = 0; i < WATCHERS; i++) {
		pids[i] = fork();
		check(pids[i] < 0, "fork");
		if (!pids[i])
			watch(parent, i);
	}
	change((unsigned)strtoul(argv[2], NULL, 0));
	for (unsigned i = 0; i < WATCHERS; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	printf("%u of %u looks were old\n", nr_old, nr_looks);
	return nr_old != 0;
}
