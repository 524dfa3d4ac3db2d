// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "unmount.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "fuse/control.h"

/* How long to wait for the server's end before saying that we still wait. */
#define PATIENCE_MS 5000

/* How often, and how many times, to try the image's lock instead: five seconds in all. */
#define LOCK_POLL_NS 10000000
#define LOCK_POLLS 500

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
 * The absolute name of a mount point. The last component is not looked at: a mount whose server is dead
 * answers nothing.
 */
static char *absolute(const char *mountpoint)
{
	CLEANUP(cleanup_free) char *copy = strdup(mountpoint);
	CLEANUP(cleanup_free) char *whole = realpath(mountpoint, NULL);
	CLEANUP(cleanup_free) char *parent = NULL;
	char *name, *ret = NULL;

	if (whole || !copy)
		return STEAL(whole);
	while (strlen(copy) > 1 && copy[strlen(copy) - 1] == '/')
		copy[strlen(copy) - 1] = '\0';
	name = strrchr(copy, '/');
	if (name)
		*name++ = '\0';
	parent = realpath(!name ? "." : copy[0] ? copy : "/", NULL);
	if (parent && asprintf(&ret, "%s/%s", strcmp(parent, "/") ? parent : "",
			      name ? name : copy) < 0)
		ret = NULL;
	return ret;
}

/* mountinfo writes blanks and backslashes in octal, \040. In place. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; to++) {
		unsigned code;

		if (text[0] == '\\' && sscanf(text + 1, "%3o", &code) == 1) {
			*to = (char)code;
			text += 4;
		} else {
			*to = *text++;
		}
	}
	*to = '\0';
}

#define DEV_LEN 24 /* of "major:minor" */

/*
 * Whether a mount of ours is the last one on path; *ret_source is its image (the caller frees it), dev the
 * filesystem's device.
 */
static bool is_ours(const char *path, char **ret_source, char dev[DEV_LEN])
{
	FILE *info = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t room = 0;
	bool ours = false;

	*ret_source = NULL;
	while (info && getline(&line, &room, info) > 0) {
		char where[4097], type[64], source[4097], number[DEV_LEN];
		const char *rest = strstr(line, " - ");

		if (sscanf(line, "%*s %*s %23s %*s %4096s", number, where) != 2 || !rest ||
			sscanf(rest, " - %63s %4096s", type, source) != 2)
			continue;
		unescape(where);
		if (strcmp(where, path))
			continue;
		unescape(source);
		ours = !strcmp(type, "fuse.ext4d") || !strcmp(type, "fuseblk.ext4d");
		free(*ret_source);
		*ret_source = strdup(source);
		memcpy(dev, number, DEV_LEN);
	}
	free(line);
	if (info)
		fclose(info);
	return ours;
}

/* Whether the filesystem is mounted in the namespace whose mountinfo that is. */
static bool is_mounted(const char *mountinfo, const char *dev)
{
	FILE *info = fopen(mountinfo, "re");
	char *line = NULL, number[DEV_LEN];
	size_t room = 0;
	bool found = false;

	while (info && !found && getline(&line, &room, info) > 0)
		found = sscanf(line, "%*s %*s %23s", number) == 1 && !strcmp(number, dev);
	free(line);
	if (info)
		fclose(info);
	return found;
}

/* Whether some process lives in another mount namespace that has the filesystem. */
static bool is_mounted_apart(const char *dev)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;
	struct stat ours, theirs;
	char path[64];
	bool found = false;

	if (!proc || stat("/proc/self/ns/mnt", &ours)) {
		if (proc)
			closedir(proc);
		return false;
	}
	while (!found && (entry = readdir(proc))) {
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%.16s/ns/mnt", entry->d_name);
		if (stat(path, &theirs) || theirs.st_ino == ours.st_ino)
			continue;
		snprintf(path, sizeof(path), "/proc/%.16s/mountinfo", entry->d_name);
		found = is_mounted(path, dev);
	}
	closedir(proc);
	return found;
}

/*
 * Asks the mount who serves it: a pidfd, or -1 for a server that is dead already, lives in another pid
 * namespace or does not let us in.
 */
static int find_server(const char *path)
{
	CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct ext4d_server server;

	if (fd < 0 || ioctl(fd, EXT4D_IOC_SERVER, &server) < 0)
		return -1;
	return server_pidfd(&server);
}

/* Without a process to wait for: the server holds a shared lock on the image until it ends. */
static void wait_for_lock(const char *image, const char *mountpoint, struct log *log)
{
	CLEANUP(cleanup_close) int fd = image ? open(image, O_RDONLY | O_CLOEXEC) : -1;
	struct timespec pause = { .tv_nsec = LOCK_POLL_NS };

	for (int i = 0; fd >= 0 && i < LOCK_POLLS; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return;
		nanosleep(&pause, NULL);
	}
	log_warn(log, "%s: unmounted, but whether its server has released the image is not known",
		mountpoint);
}

/* As a plain user the kernel refuses umount(2), and fusermount3 does it. */
static int run_fusermount(const char *mountpoint, struct unmount_how how, struct log *log)
{
	const char *what = how.lazy ? "-uz" : "-u";
	int status;
	pid_t child = fork();

	if (child < 0)
		return -errno;
	if (child == 0) {
		execlp("fusermount3", "fusermount3", what, "--", mountpoint, (char *)NULL);
		_exit(127);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		log_error(log, "%s: fusermount3 not found: install fuse3, or unmount as root",
			mountpoint);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

static int unmount(const char *mountpoint, struct unmount_how how, struct log *log)
{
	const int flags = UMOUNT_NOFOLLOW | (how.force ? MNT_FORCE : 0) | (how.lazy ? MNT_DETACH : 0);
	int err;

	if (umount2(mountpoint, flags) == 0)
		return 0;
	err = -errno;
	if (err == -EPERM)
		return run_fusermount(mountpoint, how, log); /* which says why itself */
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

int unmount_and_wait(const char *mountpoint, struct unmount_how how, struct log *log)
{
	CLEANUP(cleanup_free) char *path = absolute(mountpoint);
	CLEANUP(cleanup_free) char *image = NULL;
	CLEANUP(cleanup_close) int pidfd = -1;
	char dev[DEV_LEN] = "";
	int err;

	if (!path) {
		err = -errno;
		log_error(log, "%s: %s", mountpoint, strerror(-err));
		return err;
	}
	/* before anything that asks the server, which may not answer */
	if (!is_ours(path, &image, dev)) {
		err = access(path, F_OK) && errno == ENOENT ? -ENOENT : -EINVAL;
		log_error(log, "%s: %s", mountpoint, err == -ENOENT ? strerror(ENOENT) : "not an ext4d mount");
		return err;
	}
	/* a server that does not answer is not asked */
	if (!how.force && !how.lazy)
		pidfd = find_server(path);
	err = unmount(path, how, log);
	/* bind mounts are mounts of their own */
	if (err || how.lazy || is_mounted("/proc/self/mountinfo", dev) ||
		(how.hasty && is_mounted_apart(dev)))
		return err;
	if (pidfd >= 0)
		wait_for_end(pidfd, mountpoint, log);
	else
		wait_for_lock(image, mountpoint, log);
	return 0;
}
