// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A service manager for one socket with Accept=yes: each connection gets a process of its own, which finds it as
 * descriptor 3.
 *
 *	activate SOCKET PROGRAM [ARGUMENT...]
 */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static _Noreturn void start(int connection, char **argv)
{
	char pid[16];

	if (connection == 3 ? fcntl(3, F_SETFD, 0) < 0 : dup2(connection, 3) < 0)
		die("dup2");
	close_range(4, ~0u, 0);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_FDNAMES", "connection", 1);
	signal(SIGCHLD, SIG_DFL);
	execvp(argv[0], argv);
	die(argv[0]);
}

int main(int argc, char **argv)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int listening = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (argc < 3 || strlen(argv[1]) >= sizeof(addr.sun_path))
		return 2;
	strcpy(addr.sun_path, argv[1]);
	signal(SIGCHLD, SIG_IGN);
	umask(0177);
	if (bind(listening, (struct sockaddr *)&addr, sizeof(addr)) || listen(listening, 16))
		die(argv[1]);
	umask(022);
	for (;;) {
		int connection = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
		pid_t child;

		if (connection < 0)
			die("accept");
		child = fork();
		if (child < 0)
			die("fork");
		if (child == 0)
			start(connection, argv + 2);
		close(connection);
	}
}
