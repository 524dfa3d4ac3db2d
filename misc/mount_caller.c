// SPDX-License-Identifier: GPL-2.0-or-later
/* Part of a program that may be set-user-ID root: nothing here is done as root but by name. */
#include "config.h"

#include "mount_caller.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#define FUSE_DEVICE "/dev/fuse"
#define FUSE_CONF "/etc/fuse.conf"

/* Of /dev/fuse, by number. */
enum { FUSE_MAJOR = 10, FUSE_MINOR = 229 };

/* For a service manager to take the connection. */
#define CONNECT_SECONDS 15

/* Missing in headers before Linux 6.16. */
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

/* fusermount3's, where /etc/fuse.conf has none. */
#define MOUNTS_MAX 1000

/* ---- user and group ---- */

int caller_init(struct mount_caller *ret)
{
	if (geteuid() != 0)
		return -EPERM;
	ret->uid = getuid();
	ret->gid = getgid();
	/* as the kernel has it for set-user-ID programs, if it was not told otherwise (fs.suid_dumpable) */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return -errno;
	/* the groups are the caller's already */
	if (setegid(ret->gid))
		return -errno;
	caller_lower(ret);
	return 0;
}

static bool is_lowered(const struct mount_caller *caller)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
	uint32_t effective = 0;

	if (caller_is_root(caller))
		return true;
	if (syscall(SYS_capget, &head, caps))
		return false;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		effective |= caps[i].effective;
	/* (uid_t)-1 is no user: it only returns who it is */
	return !effective && (uid_t)setfsuid((uid_t)-1) == caller->uid;
}

void caller_raise(void)
{
	if (seteuid(0) || geteuid() != 0)
		abort();
}

/* With the user go the one for files, and, unless it is root, all capabilities in effect. */
void caller_lower(const struct mount_caller *caller)
{
	if (seteuid(caller->uid) || geteuid() != caller->uid || !is_lowered(caller))
		abort();
}

/* Descriptors are never taken from the server: to close one can take as long as its filesystem likes. */
static void set_limits(int sock)
{
	const struct timeval limit = { .tv_sec = CONNECT_SECONDS };
	const int off = 0;

	/* connect() waits as long for its turn */
	setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	/* not every kernel has it */
	setsockopt(sock, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off));
}

int caller_connect(const struct mount_caller *caller, const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock, err = 0;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path));
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (sock < 0)
		return -errno;
	/* who connects is the effective user, what they may open is the files' user's, with some capabilities */
	set_limits(sock);
	setfsuid(0);
	if (connect(sock, (struct sockaddr *)&addr, sizeof(addr)))
		err = errno == EAGAIN ? -ETIMEDOUT : -errno;
	/* only this way they go again: seteuid() takes them from nobody who was not root before */
	setfsuid(caller->uid);
	caller_lower(caller);
	if (!err)
		return sock;
	close(sock);
	return err;
}

/* ---- files ---- */

static int check_file(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(FUSE_MAJOR, FUSE_MINOR))
		return 0;
	return S_ISREG(st.st_mode) || S_ISBLK(st.st_mode) ? 0 : -ENOTBLK;
}

static int open_checked(const char *path, int flags)
{
	const int mode = flags & O_ACCMODE;
	int fd, err;

	/* not those that make files, cut them, or open what is none */
	if (flags & ~(O_ACCMODE | O_EXCL | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_DIRECT | O_SYNC | O_DSYNC | O_LARGEFILE))
		return -EINVAL;
	if (mode != O_RDONLY && mode != O_RDWR)
		return -EINVAL;
	/* what blocks when it is opened, or becomes a terminal, is no image either */
	fd = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	err = check_file(fd);
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* As glibc has none. No part of the path is a symbolic link: it was canonical when it was made. */
static int open_canonical(const char *path, uint64_t flags)
{
	const struct open_how how = { .flags = flags | O_PATH | O_NOFOLLOW | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };
	long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static int check_pinned(int fd, struct stat *ret)
{
	struct statfs fs;

	if (fstat(fd, ret) || fstatfs(fd, &fs))
		return -errno;
	if (S_ISDIR(ret->st_mode))
		return -EISDIR;
	if (!S_ISREG(ret->st_mode) && !S_ISBLK(ret->st_mode))
		return -ENOTBLK;
	return (uint32_t)fs.f_type == PROC_SUPER_MAGIC ? -EPERM : 0;
}

int caller_pin(const char *path, struct stat *ret)
{
	int fd = open_canonical(path, 0), err;

	if (fd < 0)
		return fd;
	err = check_pinned(fd, ret);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int caller_reopen(int pinned, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", pinned);
	return open_checked(path, flags);
}

int caller_open_fuse(int flags)
{
	return open_checked(FUSE_DEVICE, flags);
}

/* ---- mount points ---- */

/* Not in all headers. */
enum { BCACHEFS_MAGIC = 0xca451a4e, EXFAT_MAGIC = 0x2011bab0, F2FS_MAGIC = 0xf2f52010, FUSE_MAGIC = 0x65735546,
	JFS_MAGIC = 0x3153464a, NTFS3_MAGIC = 0x7366746e, OVERLAYFS_MAGIC = 0x794c7630, XFS_MAGIC = 0x58465342,
	ZFS_MAGIC = 0x2fc12fc1 };

static bool holds_users_files(int fd)
{
	static const uint32_t magics[] = { AFS_SUPER_MAGIC, BCACHEFS_MAGIC, BTRFS_SUPER_MAGIC, CEPH_SUPER_MAGIC,
		CIFS_SUPER_MAGIC, ECRYPTFS_SUPER_MAGIC, EXFAT_MAGIC, EXT4_SUPER_MAGIC, F2FS_MAGIC, FUSE_MAGIC,
		JFS_MAGIC, MSDOS_SUPER_MAGIC, NFS_SUPER_MAGIC, NTFS3_MAGIC, OVERLAYFS_MAGIC, RAMFS_MAGIC,
		SMB2_SUPER_MAGIC, TMPFS_MAGIC, XFS_MAGIC, ZFS_MAGIC };
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return false;
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if ((uint32_t)fs.f_type == magics[i])
			return true;
	return false;
}

int caller_check_mountpoint(const struct mount_caller *caller, int fd)
{
	struct stat st;

	if (caller_is_root(caller))
		return 0;
	if (fstat(fd, &st))
		return -errno;
	if (st.st_mode & S_ISVTX && st.st_uid != caller->uid)
		return -EPERM;
	if (faccessat(fd, "", W_OK, AT_EACCESS | AT_EMPTY_PATH))
		return -errno;
	return holds_users_files(fd) ? 0 : -EPERM;
}

int caller_open_mountpoint(const struct mount_caller *caller, const char *path)
{
	int fd = open_canonical(path, O_DIRECTORY), err;

	if (fd < 0)
		return fd;
	err = caller_check_mountpoint(caller, fd);
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* ---- /etc/fuse.conf ---- */

struct limits {
	bool allow_other;
	int mounts; /* -1: any number */
};

static void read_line(const char *line, void *data)
{
	struct limits *limits = data;
	char word[32];
	int max;

	if (sscanf(line, "%31s", word) == 1 && !strcmp(word, "user_allow_other"))
		limits->allow_other = true;
	if (sscanf(line, " mount_max = %d", &max) == 1)
		limits->mounts = max;
}

static void count_line(const char *line, void *data)
{
	int *nr = data;

	*nr += strstr(line, " - fuse") != NULL;
}

/* Closes the file. -EIO: it has not been read to its end. */
static int each_line(FILE *file, void (*take)(const char *line, void *data), void *data)
{
	char *line = NULL;
	size_t room = 0;
	int err;

	while (getline(&line, &room, file) > 0)
		take(line, data);
	err = feof(file) && !ferror(file) ? 0 : -EIO;
	free(line);
	fclose(file);
	return err;
}

/* Whatever the caller may read or run out of: what cannot be read allows nothing. */
static struct limits read_conf(const struct mount_caller *caller)
{
	struct limits limits = { .mounts = MOUNTS_MAX };
	const struct limits nothing = { .mounts = 0 };
	FILE *file;
	int err;

	caller_raise();
	file = fopen(FUSE_CONF, "re");
	err = errno;
	caller_lower(caller);
	if (!file)
		return err == ENOENT ? limits : nothing;
	return each_line(file, read_line, &limits) ? nothing : limits;
}

static bool has_fewer_mounts(int max)
{
	FILE *info = fopen("/proc/self/mountinfo", "re");
	int nr = 0;

	return info && !each_line(info, count_line, &nr) && nr < max;
}

bool caller_may_allow_other(const struct mount_caller *caller)
{
	return caller_is_root(caller) || read_conf(caller).allow_other;
}

bool caller_may_mount_more(const struct mount_caller *caller)
{
	int max;

	if (caller_is_root(caller))
		return true;
	max = read_conf(caller).mounts;
	return max == -1 || has_fewer_mounts(max);
}
