// SPDX-License-Identifier: GPL-2.0-or-later
/* Record locks, flock(2), locks of open file descriptions, leases, inotify: what local filesystems have. */
#include "config.h"

#include "look.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <sys/stat.h>
#include <unistd.h>

/* One line per lock asked for; the type of what is in the way for GETLK. */
static void ask(int fd, const char *what, int cmd, short type, off_t start, off_t len)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };
	int ret = fcntl(fd, cmd, &lock);

	if (ret || (cmd != F_GETLK && cmd != F_OFD_GETLK))
		look_ret(ret, "%s", what);
	else
		look_say("%s = %s %lld %lld %s", what,
			lock.l_type == F_UNLCK ? "free" : lock.l_type == F_RDLCK ? "read" : "write",
			(long long)lock.l_start, (long long)lock.l_len,
			lock.l_type == F_UNLCK ? "" : lock.l_pid == -1 ? "by a description" : "by a process");
}

static int from_another(void *arg)
{
	int fd = open("f", O_RDWR);

	(void)arg;
	MUST(fd);
	ask(fd, "another: GETLK of all for writing", F_GETLK, F_WRLCK, 0, 0);
	ask(fd, "another: GETLK of all for reading", F_GETLK, F_RDLCK, 0, 0);
	ask(fd, "another: GETLK of what is free", F_GETLK, F_WRLCK, 100, 10);
	ask(fd, "another: SETLK for reading of a read lock", F_SETLK, F_RDLCK, 20, 5);
	ask(fd, "another: SETLK for writing of a read lock", F_SETLK, F_WRLCK, 20, 5);
	ask(fd, "another: SETLK of a write lock", F_SETLK, F_WRLCK, 5, 1);
	ask(fd, "another: SETLK across", F_SETLK, F_WRLCK, 0, 0);
	ask(fd, "another: SETLK of what is free", F_SETLK, F_WRLCK, 200, 10);
	ask(fd, "another: OFD_GETLK", F_OFD_GETLK, F_WRLCK, 0, 0);
	ask(fd, "another: OFD_SETLK of a write lock", F_OFD_SETLK, F_WRLCK, 5, 1);
	look_ret(flock(fd, LOCK_EX | LOCK_NB), "another: flock");
	look_ret(flock(fd, LOCK_SH | LOCK_NB), "another: flock shared");
	close(fd);
	fd = open("f", O_RDONLY);
	ask(fd, "another: SETLK for writing of a read-only descriptor", F_SETLK, F_WRLCK, 300, 1);
	look_ret(flock(fd, LOCK_EX | LOCK_NB), "another: flock of a read-only descriptor");
	return 0;
}

static void run_locks(void)
{
	int fd, other;

	look_file("f", 0644, 1000);
	fd = open("f", O_RDWR);
	MUST(fd);
	ask(fd, "write lock", F_SETLK, F_WRLCK, 0, 10);
	ask(fd, "read lock", F_SETLK, F_RDLCK, 20, 10);
	ask(fd, "own GETLK", F_GETLK, F_WRLCK, 0, 0);
	look_child(from_another, NULL);
	ask(fd, "unlock the middle", F_SETLK, F_UNLCK, 3, 4);
	look_child(from_another, NULL);
	look_ret(flock(fd, LOCK_EX), "flock");
	look_child(from_another, NULL);
	look_ret(flock(fd, LOCK_SH), "flock to shared");
	look_child(from_another, NULL);
	look_ret(flock(fd, LOCK_UN), "flock to none");
	/* closing any descriptor of the file ends the process's locks */
	other = open("f", O_RDONLY);
	close(other);
	look_child(from_another, NULL);
	ask(fd, "OFD lock", F_OFD_SETLK, F_WRLCK, 0, 10);
	look_child(from_another, NULL);
	other = open("f", O_RDWR);
	ask(other, "OFD lock of another description", F_OFD_SETLK, F_WRLCK, 0, 10);
	ask(other, "record lock against an OFD lock", F_SETLK, F_WRLCK, 0, 10);
	close(other);
	look_child(from_another, NULL);
	close(fd);
	look_child(from_another, NULL);
	fd = open("f", O_RDWR);
	ask(fd, "a lock before the beginning", F_SETLK, F_WRLCK, -1, 10);
	ask(fd, "a lock of negative length", F_SETLK, F_WRLCK, 10, -5);
	ask(fd, "a lock of too negative length", F_SETLK, F_WRLCK, 3, -5);
	ask(fd, "a lock at the end of the world", F_SETLK, F_WRLCK, 0x7fffffffffffffffLL, 1);
	ask(fd, "a lock beyond it", F_SETLK, F_WRLCK, 0x7fffffffffffffffLL, 2);
	ask(fd, "an unknown type", F_SETLK, 77, 0, 1);
	look_ret(lockf(fd, F_TLOCK, 10), "lockf");
	look_ret(flock(fd, LOCK_SH | LOCK_EX), "flock of both");
	close(fd);
	fd = open(".", O_RDONLY);
	look_ret(flock(fd, LOCK_EX | LOCK_NB), "flock of a directory");
	ask(fd, "record lock of a directory", F_SETLK, F_RDLCK, 0, 1);
	close(fd);
}

/* Two processes that wait for each other: one of them is told. */
static int second_waiter(void *arg)
{
	int fd = open("f", O_RDWR), *ready = arg;
	char byte;

	MUST(fd);
	ask(fd, "deadlock: second lock", F_SETLK, F_WRLCK, 10, 1);
	fflush(stdout);
	MUST(write(ready[1], "x", 1));
	MUST(read(ready[2], &byte, 1));
	usleep(100000); /* until the first waits: nothing tells that */
	ask(fd, "deadlock: second waits for the first", F_SETLKW, F_WRLCK, 0, 1);
	fflush(stdout);
	_exit(0);
}

static void run_deadlock(void)
{
	int to[2], from[2], ready[3], fd, status;
	char byte;
	pid_t pid;

	look_file("f", 0644, 10);
	fd = open("f", O_RDWR);
	MUST(pipe(to));
	MUST(pipe(from));
	ready[1] = from[1];
	ready[2] = to[0];
	ask(fd, "deadlock: first lock", F_SETLK, F_WRLCK, 0, 1);
	fflush(stdout);
	pid = fork();
	if (!pid)
		second_waiter(ready);
	MUST(read(from[0], &byte, 1));
	MUST(write(to[1], "x", 1));
	ask(fd, "deadlock: first waits for the second", F_SETLKW, F_WRLCK, 10, 1);
	(void)!waitpid(pid, &status, 0);
}

static int open_nonblock(void *arg)
{
	int fd = open("f", *(int *)arg | O_NONBLOCK);

	look_ret(fd < 0 ? -1 : 0, "another opens with %d", *(int *)arg);
	if (fd >= 0)
		close(fd);
	return 0;
}

static void run_leases(void)
{
	static const int types[] = { F_RDLCK, F_WRLCK, F_UNLCK };
	static const int opens[] = { O_RDONLY, O_WRONLY, O_RDWR };

	look_file("f", 0644, 10);
	look_file("theirs", 0644, 10);
	MUST(chown("theirs", LOOK_OTHER, LOOK_OTHER));
	signal(SIGIO, SIG_IGN);
	for (size_t i = 0; i < ARRAY_SIZE(opens); i++)
		for (size_t j = 0; j < ARRAY_SIZE(types); j++) {
			int fd = open("f", opens[i]), second;

			MUST(fd);
			look_ret(fcntl(fd, F_GETLEASE), "F_GETLEASE, opened with %d", opens[i]);
			look_ret(fcntl(fd, F_SETLEASE, types[j]), "F_SETLEASE %d, opened with %d", types[j],
				opens[i]);
			look_ret(fcntl(fd, F_GETLEASE), "F_GETLEASE then");
			for (size_t k = 0; k < ARRAY_SIZE(opens); k++)
				look_child(open_nonblock, (void *)&opens[k]);
			look_ret(fcntl(fd, F_GETLEASE), "F_GETLEASE after the others");
			look_ret(fcntl(fd, F_SETLEASE, F_UNLCK), "F_SETLEASE to none");
			second = open("f", O_RDONLY);
			look_ret(fcntl(fd, F_SETLEASE, types[j]), "F_SETLEASE %d, opened twice", types[j]);
			close(second);
			close(fd);
		}
	{
		int fd = open(".", O_RDONLY);

		look_ret(fcntl(fd, F_SETLEASE, F_RDLCK), "F_SETLEASE of a directory");
		close(fd);
		look_as(LOOK_OWNER, LOOK_OWNER, 0, NULL);
		fd = open("theirs", O_RDONLY);
		look_ret(fcntl(fd, F_SETLEASE, F_RDLCK), "F_SETLEASE of another's file");
		look_root();
		close(fd);
	}
}

static void tell_events(int fd, const char *what)
{
	static const char *const names[] = { "ACCESS", "MODIFY", "ATTRIB", "CLOSE_WRITE", "CLOSE_NOWRITE",
		"OPEN", "MOVED_FROM", "MOVED_TO", "CREATE", "DELETE", "DELETE_SELF", "MOVE_SELF" };
	char buf[4096] __attribute__((aligned(8)));
	ssize_t n = read(fd, buf, sizeof(buf));

	printf("events of %s =", what);
	for (char *p = buf; n > 0 && p < buf + n;) {
		struct inotify_event *e = (struct inotify_event *)p;

		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			if (e->mask & 1u << i)
				printf(" %s", names[i]);
		if (e->mask & IN_IGNORED)
			printf(" IGNORED");
		if (e->len)
			printf("(%s)", e->name);
		p += sizeof(*e) + e->len;
	}
	putchar('\n');
}

static void run_inotify(void)
{
	int events = inotify_init1(IN_NONBLOCK), fd;
	char byte;

	look_dir("d", 0755);
	look_dir("e", 0755);
	look_ret(inotify_add_watch(events, "d", IN_ALL_EVENTS) < 0 ? -1 : 0, "watch");
	fd = open("d/f", O_RDWR | O_CREAT, 0644);
	tell_events(events, "create");
	MUST(write(fd, "abc", 3));
	tell_events(events, "write");
	MUST(pread(fd, &byte, 1, 0));
	tell_events(events, "read");
	MUST(ftruncate(fd, 1));
	tell_events(events, "ftruncate");
	MUST(fchmod(fd, 0600));
	tell_events(events, "chmod");
	MUST(fallocate(fd, 0, 0, 10000));
	tell_events(events, "fallocate");
	MUST(fsetxattr(fd, "user.a", "1", 1, 0));
	tell_events(events, "setxattr");
	close(fd);
	tell_events(events, "close");
	look_ret(inotify_add_watch(events, "d/f", IN_ALL_EVENTS) < 0 ? -1 : 0, "watch the file");
	MUST(link("d/f", "d/g"));
	tell_events(events, "link");
	MUST(rename("d/f", "d/h"));
	tell_events(events, "rename");
	MUST(rename("d/h", "e/h"));
	tell_events(events, "rename out");
	MUST(rename("e/h", "d/h"));
	tell_events(events, "rename in");
	MUST(unlink("d/g"));
	tell_events(events, "unlink");
	fd = open("d/h", O_RDONLY);
	tell_events(events, "open");
	MUST(unlink("d/h"));
	tell_events(events, "unlink of an open one");
	close(fd);
	tell_events(events, "its close");
	MUST(mkdir("d/sub", 0755));
	MUST(symlink("x", "d/link"));
	MUST(mknod("d/fifo", S_IFIFO | 0600, 0));
	tell_events(events, "mkdir, symlink, mknod");
	MUST(rmdir("d/sub"));
	tell_events(events, "rmdir");
	look_remove("d");
	tell_events(events, "removal of the directory");
	close(events);
}

const struct look_topic look_locks[] = { { "locks", run_locks }, { "deadlock", run_deadlock },
	{ "leases", run_leases }, { "inotify", run_inotify }, { NULL, NULL } };
