// SPDX-License-Identifier: GPL-2.0-or-later
/* FIFOs, sockets, devices and programs, with the mount options that bind them. */
#include "config.h"

#include "look.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static long named(int fd, const char *path, int (*fn)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	return fn(fd, (struct sockaddr *)&addr, sizeof(addr));
}

static int bind_to(int fd, const struct sockaddr *addr, socklen_t len)
{
	return bind(fd, addr, len);
}

static int connect_to(int fd, const struct sockaddr *addr, socklen_t len)
{
	return connect(fd, addr, len);
}

static void run_sockets(void)
{
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0), peer;
	char buf[8];
	struct stat st;

	MUST(server);
	MUST(client);
	umask(0);
	look_ret(named(server, "sock", bind_to), "bind");
	MUST(lstat("sock", &st));
	look_say("the socket = %06o", st.st_mode);
	look_ret(named(client, "sock", connect_to), "connect before listen");
	look_ret(listen(server, 1), "listen");
	look_ret(named(client, "sock", connect_to), "connect");
	peer = accept(server, NULL, NULL);
	look_ret(peer < 0 ? -1 : 0, "accept");
	look_ret(write(client, "hello", 5), "write");
	look_ret(read(peer, buf, sizeof(buf)), "read");
	look_ret(named(socket(AF_UNIX, SOCK_STREAM, 0), "sock", bind_to), "bind again");
	look_ret(rename("sock", "moved"), "rename");
	look_ret(named(socket(AF_UNIX, SOCK_STREAM, 0), "moved", connect_to), "connect to the new name");
	MUST(chmod("moved", 0755));
	look_as(LOOK_OWNER, LOOK_OWNER, 0, NULL);
	look_ret(named(socket(AF_UNIX, SOCK_STREAM, 0), "moved", connect_to), "connect without the right");
	look_root();
	look_ret(open("moved", O_RDWR) < 0 ? -1 : 0, "open of a socket");
	look_ret(unlink("moved"), "unlink");
	look_ret(named(socket(AF_UNIX, SOCK_STREAM, 0), "moved", connect_to), "connect to none");
	look_file("file", 0644, 1);
	look_ret(named(socket(AF_UNIX, SOCK_STREAM, 0), "file", connect_to), "connect to a file");
	server = socket(AF_UNIX, SOCK_DGRAM, 0);
	look_ret(named(server, "dgram", bind_to), "bind of a datagram socket");
	umask(022);
}

static void run_fifos(void)
{
	struct stat st;
	char buf[8];
	int reader, writer;

	look_ret(mkfifo("p", 0666), "mkfifo");
	MUST(lstat("p", &st));
	look_say("the fifo = %06o", st.st_mode);
	look_ret(open("p", O_WRONLY | O_NONBLOCK) < 0 ? -1 : 0, "open for writing alone");
	reader = open("p", O_RDONLY | O_NONBLOCK);
	look_ret(reader < 0 ? -1 : 0, "open for reading");
	writer = open("p", O_WRONLY | O_NONBLOCK);
	look_ret(writer < 0 ? -1 : 0, "open for writing");
	look_ret(write(writer, "abc", 3), "write");
	look_ret(read(reader, buf, sizeof(buf)), "read");
	look_ret(lseek(reader, 0, SEEK_SET), "lseek");
	look_ret(fsync(writer), "fsync");
	look_ret(ftruncate(writer, 0), "ftruncate");
	MUST(stat("p", &st));
	look_say("size = %lld", (long long)st.st_size);
	look_ret(unlink("p"), "unlink");
	look_ret(write(writer, "abc", 3), "write without a name");
	look_ret(read(reader, buf, sizeof(buf)), "read without a name");
}

static void run_devices(void)
{
	static const struct {
		const char *name;
		unsigned major, minor;
		mode_t type;
	} devices[] = { { "null", 1, 3, S_IFCHR }, { "zero", 1, 5, S_IFCHR }, { "large", 300, 70000, S_IFCHR },
		{ "old", 255, 255, S_IFBLK }, { "minor", 8, 256, S_IFBLK }, { "largest", 4095, 1048575, S_IFBLK },
		{ "none", 0, 0, S_IFCHR } };
	char buf[4];
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		int fd;

		look_ret(mknod(devices[i].name, devices[i].type | 0666,
				 makedev(devices[i].major, devices[i].minor)),
			"mknod %s", devices[i].name);
		if (lstat(devices[i].name, &st))
			continue;
		look_say("%s = %06o %u %u", devices[i].name, st.st_mode, major(st.st_rdev), minor(st.st_rdev));
		fd = open(devices[i].name, O_RDWR);
		look_ret(fd < 0 ? -1 : 0, "open %s", devices[i].name);
		if (fd < 0)
			continue;
		look_ret(write(fd, "abc", 3), "write to %s", devices[i].name);
		look_ret(read(fd, buf, sizeof(buf)), "read from %s", devices[i].name);
		close(fd);
	}
	look_ret(mknod("bad", S_IFDIR | 0755, 0), "mknod of a directory");
	look_ret(mknod("bad", S_IFLNK | 0755, 0), "mknod of a symlink");
	look_ret(mknod("bad", 0170000 | 0755, 0), "mknod of an unknown type");
	look_ret(mknod("plain", 0644, 0), "mknod of no type");
	look_ret(mknod("regular", S_IFREG | 0644, 0), "mknod of a file");
	MUST(chmod(".", 0777));
	look_as(LOOK_OWNER, LOOK_OWNER, 0, NULL);
	look_ret(mknod("users", S_IFCHR | 0644, makedev(1, 3)), "mknod of a device by a user");
	look_ret(mknod("whiteout", S_IFCHR | 0644, 0), "mknod of a whiteout by a user");
	look_ret(mknod("usersfifo", S_IFIFO | 0644, 0), "mknod of a fifo by a user");
	look_root();
}

static int exec_it(void *arg)
{
	char *path = arg, *argv[] = { path, NULL };

	execv(path, argv);
	return errno;
}

static void copy(const char *from, const char *to, mode_t mode)
{
	char block[65536];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ssize_t n;

	MUST(in);
	MUST(out);
	while ((n = read(in, block, sizeof(block))) > 0)
		MUST(write(out, block, (size_t)n));
	MUST(fchmod(out, mode));
	close(in);
	close(out);
}

static void tell_exec(const char *what, const char *path)
{
	int status = look_child(exec_it, (void *)path);

	look_say("%s = %s", what, status > 1 && status < 256 ? strerrorname_np(status) : status ? "not 0" : "0");
}

static int exec_as_user(void *arg)
{
	MUST(setgroups(0, NULL));
	MUST(setresgid(LOOK_OWNER, LOOK_OWNER, LOOK_OWNER));
	MUST(setresuid(LOOK_OWNER, LOOK_OWNER, LOOK_OWNER));
	return exec_it(arg);
}

/* Whether setuid counts: the program has the setuid bit and asks for what only root may. */
static int exec_setuid(void *arg)
{
	char *argv[] = { arg, "-u", NULL };

	MUST(setgroups(0, NULL));
	MUST(setresgid(LOOK_OWNER, LOOK_OWNER, LOOK_OWNER));
	MUST(setresuid(LOOK_OWNER, LOOK_OWNER, LOOK_OWNER));
	execv(arg, argv);
	return errno;
}

static void run_exec(void)
{
	int fd, pipes[2], status;
	pid_t pid;
	void *p;

	copy("/bin/true", "true", 0755);
	tell_exec("exec", "true");
	MUST(chmod("true", 0644));
	tell_exec("exec without the bit", "true");
	MUST(chmod("true", 0711));
	look_say("exec by a user, unreadable = %d", look_child(exec_as_user, "true"));
	MUST(chmod("true", 0700));
	look_say("exec by a user, not allowed = %d", look_child(exec_as_user, "true"));
	MUST(chmod("true", 0755));
	fd = open("true", O_RDWR);
	tell_exec("exec while open for writing", "true");
	close(fd);
	tell_exec("exec afterwards", "true");
	/* setuid: the id that a copy of id(1) prints */
	copy("/usr/bin/id", "id", 04755);
	fflush(stdout);
	look_child(exec_setuid, "id");

	copy("/bin/cat", "cat", 0755);
	MUST(pipe(pipes));
	fflush(stdout);
	pid = fork();
	MUST(pid);
	if (!pid) {
		dup2(pipes[0], 0);
		close(pipes[1]);
		execl("cat", "cat", NULL);
		_exit(1);
	}
	close(pipes[0]);
	/* until it runs: its image is mapped when /proc names it */
	for (int i = 0; i < 500; i++) {
		char proc[40], target[200];
		ssize_t n;

		snprintf(proc, sizeof(proc), "/proc/%d/exe", pid);
		n = readlink(proc, target, sizeof(target) - 1);
		if (n > 4 && memcmp(target + n - 4, "/cat", 4) == 0)
			break;
		look_tick();
	}
	look_ret(open("cat", O_WRONLY), "open for writing while it runs");
	look_ret(open("cat", O_RDONLY | O_TRUNC), "open with O_TRUNC while it runs");
	look_ret(truncate("cat", 0), "truncate while it runs");
	look_ret(chmod("cat", 0700), "chmod while it runs");
	look_ret(rename("cat", "cat2"), "rename while it runs");
	look_ret(unlink("cat2"), "unlink while it runs");
	close(pipes[1]);
	MUST(waitpid(pid, &status, 0));
	fd = open("true", O_RDONLY);
	p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	look_ret(p == MAP_FAILED ? -1 : 0, "mmap PROT_EXEC");
	p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	look_ret(mprotect(p, 4096, PROT_READ | PROT_EXEC), "mprotect PROT_EXEC");
	close(fd);
	fd = open("script", O_WRONLY | O_CREAT, 0755);
	MUST(write(fd, "#!/bin/sh\nexit 0\n", 17));
	close(fd);
	tell_exec("exec of a script", "./script");
	tell_exec("exec of a directory", ".");
}

const struct look_topic look_special[] = { { "sockets", run_sockets }, { "fifos", run_fifos },
	{ "devices", run_devices }, { "exec", run_exec }, { NULL, NULL } };
