// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "unmount.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "fuse/control.h"

/* How long to wait for the server's end before saying that we still wait. */
#define PATIENCE_MS 5000

static int server_pidfd(const struct ext4d_server *server)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st) || st.st_ino != server->pid_ns) {
		errno = ESRCH;
		return -1;
	}
	return (int)syscall(SYS_pidfd_open, server->pid, 0);
}

/*
 * Asks the mount who serves it. The answer is -1 for a server that is dead already or lives in
 * another pid namespace: then there is nothing to wait for that we could see.
 */
static int find_server(const char *mountpoint, int *ret_pidfd, struct log *log)
{
	CLEANUP(cleanup_close) int fd = open(mountpoint, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct ext4d_server server;

	*ret_pidfd = -1;
	if (fd < 0 && (errno == ENOTCONN || errno == EACCES))
		return 0;
	if (fd < 0) {
		int err = -errno;

		log_error(log, "%s: %s", mountpoint, strerror(-err));
		return err;
	}
	if (ioctl(fd, EXT4D_IOC_SERVER, &server) < 0) {
		if (errno == ENOTCONN)
			return 0;
		log_error(log, "%s: not an ext4d mount", mountpoint);
		return -EINVAL;
	}
	*ret_pidfd = server_pidfd(&server);
	if (*ret_pidfd < 0 && errno == ESRCH)
		log_warn(log, "%s: served from another pid namespace, cannot wait for its end",
			mountpoint);
	return 0;
}

/* As a plain user the kernel refuses umount(2), and fusermount3 does it. */
static int run_fusermount(const char *mountpoint)
{
	int status;
	pid_t child = fork();

	if (child < 0)
		return -errno;
	if (child == 0) {
		execlp("fusermount3", "fusermount3", "-u", "--", mountpoint, (char *)NULL);
		_exit(127);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

static int unmount(const char *mountpoint, struct log *log)
{
	int err;

	if (umount2(mountpoint, UMOUNT_NOFOLLOW) == 0)
		return 0;
	err = -errno;
	if (err == -EPERM)
		return run_fusermount(mountpoint); /* says why itself */
	log_error(log, "%s: cannot unmount: %s", mountpoint, strerror(-err));
	return err;
}

static void wait_for_end(int pidfd, const char *mountpoint, struct log *log)
{
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };
	int got;

	do {
		got = poll(&pfd, 1, PATIENCE_MS);
		if (got == 0)
			log_info(log, "%s: waiting for the server to release the image",
				mountpoint);
	} while (got == 0 || (got < 0 && errno == EINTR));
}

int unmount_and_wait(const char *mountpoint, struct log *log)
{
	CLEANUP(cleanup_close) int pidfd = -1;
	int err = find_server(mountpoint, &pidfd, log);

	if (!err)
		err = unmount(mountpoint, log);
	if (!err && pidfd >= 0)
		wait_for_end(pidfd, mountpoint, log);
	return err;
}
