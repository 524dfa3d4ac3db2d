// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "lockholder.h"

#include <errno.h>
#include <ext2fs/ext2fs.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The process that holds a lock of this type (FLOCK, POSIX) on the file, a write lock unless any; 0: unknown. */
static pid_t find_holder(const struct stat *st, const char *type, bool any)
{
	FILE *locks = fopen("/proc/locks", "re");
	char line[256], kind[16], mode[16];
	unsigned maj, min;
	uintmax_t ino;
	int pid, found = 0;

	if (!locks)
		return 0;
	while (!found && fgets(line, sizeof(line), locks))
		if (sscanf(line, "%*d: %15s %*s %15s %d %x:%x:%ju", kind, mode, &pid, &maj, &min,
			    &ino) == 6 &&
			!strcmp(kind, type) && (any || !strcmp(mode, "WRITE")) &&
			ino == st->st_ino && pid != getpid() &&
			maj == major(st->st_dev) && min == minor(st->st_dev))
			found = pid;
	fclose(locks);
	return found > 0 ? found : 0;
}

static int say_locked(struct log *log, const char *path, pid_t pid, const char *what)
{
	char comm[64] = "", name[32];
	FILE *file;

	if (!pid) {
		log_error(log, "%s: another program has locked it%s", path, what);
		return -EBUSY;
	}
	snprintf(name, sizeof(name), "/proc/%d/comm", (int)pid);
	file = fopen(name, "re");
	if (file && fgets(comm, sizeof(comm), file))
		comm[strcspn(comm, "\n")] = '\0';
	if (file)
		fclose(file);
	log_error(log, "%s: locked%s by process %d%s%s%s", path, what, (int)pid,
		comm[0] ? " (" : "", comm, comm[0] ? ")" : "");
	return -EBUSY;
}

/* Record locks: qemu and others. The range is all of the file. */
static pid_t record_lock_holder(int fd, const struct stat *st, bool writable, bool *ret_locked)
{
	struct flock lock = { .l_type = writable ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET };

	*ret_locked = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	if (!*ret_locked)
		return 0;
	return lock.l_pid > 0 ? lock.l_pid : find_holder(st, "POSIX", writable);
}

/* The kernel takes no lock on what it mounts, a loop device none on its file. */
static int check_mounted(const char *path, bool writable, struct log *log)
{
	char where[256] = "";
	int flags = 0;

	if (ext2fs_check_mount_point(path, &flags, where, sizeof(where)))
		return 0;
	if (!(flags & EXT2_MF_MOUNTED) || (flags & EXT2_MF_READONLY && !writable))
		return 0;
	log_error(log, "%s: the kernel has it mounted%s%s%s", path,
		flags & EXT2_MF_READONLY ? "" : " for writing", where[0] ? " on " : "", where);
	return -EBUSY;
}

int lockholder_check(int fd, const char *path, bool take, bool writable, struct log *log)
{
	const char *what = writable ? "" : " for writing"; /* all that is in a reader's way */
	struct stat st;
	bool locked;
	pid_t pid;

	if (fstat(fd, &st))
		return 0; /* whoever reads from it next will say so */
	if (take && flock(fd, (writable ? LOCK_EX : LOCK_SH) | LOCK_NB) && errno == EWOULDBLOCK)
		return say_locked(log, path, find_holder(&st, "FLOCK", writable), what);
	pid = record_lock_holder(fd, &st, writable, &locked);
	if (locked)
		return say_locked(log, path, pid, what);
	return check_mounted(path, writable, log);
}
