// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "options.h"

/* The parent's end: the child's exit code, or a byte that says it is ready. */
static _Noreturn void wait_for_child(pid_t child, int fd)
{
	ssize_t got;
	char byte;
	int status;

	do
		got = read(fd, &byte, 1);
	while (got < 0 && errno == EINTR);
	if (got == 1)
		_exit(EXIT_OK);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	fprintf(stderr, "ext4d: the server died of signal %d while mounting\n", WTERMSIG(status));
	_exit(EXIT_SYSTEM);
}

/*
 * Whoever waits for the end of a pipe of the caller's must not wait for the server. All but the
 * pipe to the parent and the image that was handed over.
 */
static void close_inherited(const struct daemon *daemon)
{
	int a = daemon->ready_fd, b = daemon->keep;
	unsigned from = STDERR_FILENO + 1;

	if (b >= 0 && b < a) {
		a = daemon->keep;
		b = daemon->ready_fd;
	}
	if ((unsigned)a > from)
		close_range(from, (unsigned)a - 1, 0);
	from = (unsigned)a + 1;
	if (b >= 0) {
		if ((unsigned)b > from)
			close_range(from, (unsigned)b - 1, 0);
		from = (unsigned)b + 1;
	}
	close_range(from, ~0u, 0);
}

int daemon_start(struct daemon *daemon, bool foreground, int keep)
{
	int fds[2];
	pid_t child;

	daemon->ready_fd = daemon->keep = -1;
	if (foreground)
		return 0;
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	child = fork();
	if (child < 0) {
		int err = -errno;

		close(fds[0]);
		close(fds[1]);
		return err;
	}
	if (child > 0) {
		close(fds[1]);
		wait_for_child(child, fds[0]);
	}
	daemon->ready_fd = fds[1];
	daemon->keep = keep > STDERR_FILENO ? keep : -1;
	close_inherited(daemon);
	return 0;
}

/* sd_notify(3)'s protocol: a datagram of assignments. A name that begins with '@' is abstract. */
static void notify(const char *state)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = name ? strlen(name) : 0;
	int fd;

	if (!len || len >= sizeof(addr.sun_path) || (name[0] != '/' && name[0] != '@'))
		return;
	memcpy(addr.sun_path, name, len);
	if (name[0] == '@')
		addr.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* nobody listening is the service manager's affair, not ours */
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&addr,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		errno = 0;
	close(fd);
}

static void detach(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	if (chdir("/")) /* do not keep the caller's directory busy */
		errno = 0;
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		close(null);
	}
}

void daemon_ready(struct daemon *daemon)
{
	notify("READY=1\nSTATUS=Mounted");
	if (daemon->ready_fd < 0)
		return;
	if (daemon->keep >= 0)
		close(daemon->keep);
	detach();
	if (write(daemon->ready_fd, "", 1) < 0)
		errno = 0; /* the parent was killed; the mount stands all the same */
	close(daemon->ready_fd);
	daemon->ready_fd = -1;
}

void daemon_stopping(void)
{
	notify("STOPPING=1");
}
