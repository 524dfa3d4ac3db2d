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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#define FUSE_DEVICE "/dev/fuse"
#define FUSE_CONF "/etc/fuse.conf"

/* Of /dev/fuse, by number. */
enum { FUSE_MAJOR = 10, FUSE_MINOR = 229 };

/* fusermount3's, where /etc/fuse.conf has none. */
#define MOUNTS_MAX 1000

/* ---- user and group ---- */

int caller_init(struct mount_caller *ret)
{
	if (geteuid() != 0)
		return -EPERM;
	ret->uid = getuid();
	ret->gid = getgid();
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
	setfsuid(0);
	if (connect(sock, (struct sockaddr *)&addr, sizeof(addr)))
		err = -errno;
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

static int check_mountpoint(const struct mount_caller *caller, int fd)
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
	err = check_mountpoint(caller, fd);
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* ---- /etc/fuse.conf ---- */

static void read_conf(bool *ret_allow_other, unsigned *ret_max)
{
	FILE *file = fopen(FUSE_CONF, "re");
	char line[256];

	*ret_allow_other = false;
	*ret_max = MOUNTS_MAX;
	while (file && fgets(line, sizeof(line), file)) {
		char word[32];
		unsigned max;

		if (sscanf(line, "%31s", word) == 1 && !strcmp(word, "user_allow_other"))
			*ret_allow_other = true;
		if (sscanf(line, " mount_max = %u", &max) == 1)
			*ret_max = max;
	}
	if (file)
		fclose(file);
}

static unsigned count_mounts(void)
{
	FILE *info = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t room = 0;
	unsigned nr = 0;

	while (info && getline(&line, &room, info) > 0)
		nr += strstr(line, " - fuse") != NULL;
	free(line);
	if (info)
		fclose(info);
	return nr;
}

bool caller_may_allow_other(const struct mount_caller *caller)
{
	bool allowed;
	unsigned max;

	read_conf(&allowed, &max);
	return caller_is_root(caller) || allowed;
}

bool caller_may_mount_more(const struct mount_caller *caller)
{
	bool allowed;
	unsigned max;

	read_conf(&allowed, &max);
	return caller_is_root(caller) || count_mounts() < max;
}
