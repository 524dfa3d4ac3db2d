// SPDX-License-Identifier: GPL-2.0-or-later
/* Operations on attributes: modes, owners, times, extended attributes, ACLs, flags. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "format/le.h"
#include "ops.h"

#define SOMEBODY 1000u /* neither root nor in root's groups */

/* The flags that users change; what else there is, is the filesystem's own affair. */
#define USER_FLAGS                                                                                 \
	(FS_SYNC_FL | FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL |              \
		FS_DIRSYNC_FL | FS_TOPDIR_FL)

static void say_at(struct run *r, unsigned types, char *path)
{
	ops_path(r, types, path);
	ops_say(r, " ");
	ops_say_path(r, path);
}

static void op_chmod(struct run *r)
{
	mode_t mode = ops_pick(r, 010000);
	char path[OPS_PATH];

	say_at(r, N_ANY, path);
	if (!strcmp(path, "."))
		mode |= 0755;
	ops_say(r, " %o", mode);
	ops_say_result(r, chmod(path, mode));
	ops_say_stat(r, path);
}

static void op_chown(struct run *r)
{
	static const uid_t ids[] = { 0, SOMEBODY, 1001, 65535, 65536, 2000000000, (uid_t)-1 };
	uid_t uid = ids[ops_pick(r, ARRAY_SIZE(ids))], gid = ids[ops_pick(r, ARRAY_SIZE(ids))];
	char path[OPS_PATH];

	say_at(r, N_ANY, path);
	ops_say(r, " %d:%d", (int)uid, (int)gid);
	ops_say_result(r, lchown(path, uid, gid));
	ops_say_stat(r, path);
}

static struct timespec some_time(struct run *r)
{
	static const time_t secs[] = {
		0, 1, -1, 1000000000, INT32_MAX, (time_t)INT32_MAX + 1, INT32_MIN, UINT32_MAX,
		(time_t)UINT32_MAX + 1, 15032385535, 15032385536, (time_t)1 << 40,
		-((time_t)1 << 40),
	};
	struct timespec t;

	t.tv_sec = secs[ops_pick(r, ARRAY_SIZE(secs))];
	t.tv_nsec = ops_chance(r, 50) ? 0 : (long)ops_pick(r, 1000000000);
	if (ops_chance(r, 10))
		t.tv_nsec = UTIME_OMIT;
	return t;
}

/* At the end of what an inode can hold, or beyond: FUSE's client keeps such an mtime as it was given. */
static bool is_extreme(const struct run *r, const struct timespec *t)
{
	time_t last = r->coarse_times ? INT32_MAX : 15032385535;

	return t->tv_sec <= INT32_MIN || t->tv_sec >= last;
}

static void op_utimens(struct run *r)
{
	struct timespec times[2] = { some_time(r), some_time(r) };
	char path[OPS_PATH];
	struct stat st;

	say_at(r, N_ANY, path);
	ops_say(r, " %jd.%ld %jd.%ld", (intmax_t)times[0].tv_sec, times[0].tv_nsec,
		(intmax_t)times[1].tv_sec, times[1].tv_nsec);
	ops_say_result(r, utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW));
	if (lstat(path, &st))
		return;
	if (times[0].tv_nsec != UTIME_OMIT)
		ops_say(r, " a%jd.%ld", (intmax_t)st.st_atim.tv_sec, st.st_atim.tv_nsec);
	if (times[1].tv_nsec != UTIME_OMIT && !(S_ISREG(st.st_mode) && is_extreme(r, &times[1])))
		ops_say(r, " m%jd.%ld", (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

/* ---- extended attributes ---- */

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void say_value(struct run *r, const char *path, const char *name)
{
	ssize_t len = lgetxattr(path, name, r->buf2, 65536);

	ops_say(r, " %s", name);
	if (len < 0)
		ops_say_result(r, len);
	else
		ops_say_hash(r, r->buf2, (size_t)len);
}

/* All names, sorted, with their values. */
static void say_xattrs(struct run *r, const char *path)
{
	ssize_t len = llistxattr(path, (char *)r->buf, 65536);
	char *names[512];
	size_t nr = 0;

	if (!ops_say_result(r, len))
		return;
	for (char *p = (char *)r->buf; p < (char *)r->buf + len && nr < 512; p += strlen(p) + 1)
		names[nr++] = p;
	if (nr)
		qsort(names, nr, sizeof(*names), compare);
	for (size_t i = 0; i < nr; i++)
		say_value(r, path, names[i]);
}

static void xattr_name(struct run *r, char *name)
{
	static const char *const prefixes[] = {
		"user.", "user.", "user.", "trusted.", "security.", "system.", "none.", "user",
	};
	size_t len = strlen(strcpy(name, prefixes[ops_pick(r, ARRAY_SIZE(prefixes))]));
	size_t more;

	if (ops_chance(r, 80)) {
		sprintf(name + len, "a%u", ops_pick(r, 8));
		return;
	}
	more = ops_chance(r, 50) ? 255 - len : ops_pick(r, (unsigned)(256 - len));
	memset(name + len, 'x', more);
	name[len + more] = '\0';
}

static size_t value_size(struct run *r)
{
	static const size_t sizes[] = {
		0, 1, 4, 40, 60, 92, 96, 100, 128, 500, 900, 960, 980, 1000, 1024, 2000, 3000, 3900,
		3980, 4000, 4040, 4096, 5000, 16384, 65535, 65536, 65537,
	};

	if (ops_chance(r, 50))
		return ops_pick(r, 120);
	return sizes[ops_pick(r, ARRAY_SIZE(sizes))];
}

static void op_setxattr(struct run *r)
{
	int flags = ops_chance(r, 15) ? XATTR_CREATE : ops_chance(r, 15) ? XATTR_REPLACE : 0;
	size_t size = value_size(r);
	char path[OPS_PATH], name[300];

	say_at(r, ops_chance(r, 80) ? N_FILE | N_DIR : N_ANY, path);
	xattr_name(r, name);
	/* Equal values now and then: attribute blocks that are shared. */
	if (ops_chance(r, 30))
		memset(r->buf, 'e', size);
	else
		ops_fill(r, r->buf, size, 0);
	ops_say(r, " %s %zu %d", name, size, flags);
	ops_say_result(r, lsetxattr(path, name, r->buf, size, flags));
	ops_say_stat(r, path);
	say_xattrs(r, path);
}

static void op_removexattr(struct run *r)
{
	char path[OPS_PATH], name[300];

	say_at(r, N_FILE | N_DIR, path);
	xattr_name(r, name);
	ops_say(r, " %s", name);
	ops_say_result(r, lremovexattr(path, name));
	say_xattrs(r, path);
}

static void op_getxattr(struct run *r)
{
	char path[OPS_PATH], name[300];
	size_t size = ops_pick(r, 200);

	say_at(r, N_ANY, path);
	xattr_name(r, name);
	ops_say(r, " %s %zu", name, size);
	ops_say_result(r, lgetxattr(path, name, r->buf, size));
	ops_say_result(r, llistxattr(path, (char *)r->buf, size));
}

/* ---- ACLs, in the format of <linux/posix_acl_xattr.h> ---- */

enum acl_tag { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 16, OTHER = 32 };

static uint8_t *put_entry(uint8_t *p, enum acl_tag tag, unsigned perm, uint32_t id)
{
	le16_put(p, (uint16_t)tag);
	le16_put(p + 2, (uint16_t)perm);
	le32_put(p + 4, id);
	return p + 8;
}

static size_t make_acl(struct run *r, uint8_t *acl)
{
	unsigned users = ops_pick(r, 4), groups = ops_pick(r, 3);
	uint8_t *p = acl + 4;

	le32_put(acl, 2); /* POSIX_ACL_XATTR_VERSION */
	p = put_entry(p, USER_OBJ, ops_pick(r, 8), UINT32_MAX);
	for (unsigned i = 0; i < users; i++)
		p = put_entry(p, USER, ops_pick(r, 8), SOMEBODY + i);
	p = put_entry(p, GROUP_OBJ, ops_pick(r, 8), UINT32_MAX);
	for (unsigned i = 0; i < groups; i++)
		p = put_entry(p, GROUP, ops_pick(r, 8), SOMEBODY + i);
	if (users || groups || ops_chance(r, 20))
		p = put_entry(p, MASK, ops_pick(r, 8), UINT32_MAX);
	p = put_entry(p, OTHER, ops_pick(r, 8), UINT32_MAX);
	if (ops_chance(r, 5))
		p -= 8; /* not valid */
	return (size_t)(p - acl);
}

static void op_setacl(struct run *r)
{
	bool is_default = ops_chance(r, 50);
	const char *name = is_default ? "system.posix_acl_default" : "system.posix_acl_access";
	char path[OPS_PATH];
	uint8_t acl[256];
	size_t len = make_acl(r, acl);

	say_at(r, is_default ? N_DIR : N_FILE | N_DIR, path);
	ops_say(r, " %s", name);
	ops_say_hash(r, acl, len);
	if (ops_chance(r, 15))
		ops_say_result(r, lremovexattr(path, name));
	else
		ops_say_result(r, lsetxattr(path, name, acl, len, 0));
	ops_say_stat(r, path);
	say_xattrs(r, path);
}

static void op_getattrs(struct run *r)
{
	char path[OPS_PATH];

	say_at(r, N_ANY, path);
	ops_say_stat(r, path);
	say_xattrs(r, path);
}

/* ---- flags ---- */

static void say_flags(struct run *r, int fd)
{
	struct fsxattr fsx = {0};
	int flags = 0;

	if (ops_say_result(r, ioctl(fd, FS_IOC_GETFLAGS, &flags)))
		ops_say(r, " %x", (unsigned)flags & USER_FLAGS);
	if (ops_say_result(r, ioctl(fd, FS_IOC_FSGETXATTR, &fsx)))
		ops_say(r, " %x", fsx.fsx_xflags &
			(FS_XFLAG_SYNC | FS_XFLAG_NODUMP | FS_XFLAG_NOATIME | FS_XFLAG_IMMUTABLE |
				FS_XFLAG_APPEND));
}

static int open_any(struct run *r, char *path)
{
	struct node *node = ops_node(r, N_FILE | N_DIR);

	strcpy(path, node->path);
	ops_say(r, " ");
	ops_say_path(r, path);
	return open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

static void op_chattr(struct run *r)
{
	static const int some[] = {
		FS_SYNC_FL, FS_NODUMP_FL, FS_NOATIME_FL, FS_DIRSYNC_FL, FS_TOPDIR_FL, 0,
	};
	char path[OPS_PATH];
	int fd = open_any(r, path), flags = 0, change = some[ops_pick(r, ARRAY_SIZE(some))];

	if (fd < 0)
		return;
	say_flags(r, fd);
	if (!ioctl(fd, FS_IOC_GETFLAGS, &flags)) {
		flags ^= change;
		ops_say(r, " ^%x", (unsigned)change);
		ops_say_result(r, ioctl(fd, FS_IOC_SETFLAGS, &flags));
	}
	say_flags(r, fd);
	close(fd);
}

static void op_fssetxattr(struct run *r)
{
	static const unsigned some[] = { FS_XFLAG_SYNC, FS_XFLAG_NODUMP, FS_XFLAG_NOATIME };
	unsigned change = some[ops_pick(r, ARRAY_SIZE(some))];
	struct fsxattr fsx;
	char path[OPS_PATH];
	int fd = open_any(r, path);

	if (fd < 0)
		return;
	if (!ioctl(fd, FS_IOC_FSGETXATTR, &fsx)) {
		fsx.fsx_xflags ^= change;
		ops_say(r, " ^%x", change);
		ops_say_result(r, ioctl(fd, FS_IOC_FSSETXATTR, &fsx));
	}
	say_flags(r, fd);
	close(fd);
}

static void set_flag(int fd, int flag, bool set)
{
	int flags = 0;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return;
	flags = set ? flags | flag : flags & ~flag;
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags))
		return;
}

/*
 * What may not be done to an immutable or append-only object. Not opened for writing: FUSE asks
 * nobody then, and the error would come later. Removed only as what it is: the client knows no flag
 * and refuses the wrong type first. remove(3) tries unlink(2), and rmdir(2) after EISDIR.
 */
static void op_immutable(struct run *r)
{
	int flag = ops_chance(r, 50) ? FS_IMMUTABLE_FL : FS_APPEND_FL, fd;
	char path[OPS_PATH], other[OPS_PATH], inside[OPS_PATH + 8];

	fd = open_any(r, path);
	if (fd < 0 || strlen(path) > 3500)
		return;
	ops_new_path(r, other);
	snprintf(inside, sizeof(inside), "%s/in", path);
	ops_say(r, " %x", (unsigned)flag);
	set_flag(fd, flag, true);
	say_flags(r, fd);
	ops_say_result(r, remove(path));
	ops_say_result(r, chmod(path, 0600));
	ops_say_result(r, lchown(path, 1, 1));
	ops_say_result(r, truncate(path, 1));
	ops_say_result(r, link(path, other));
	if (!ops_find(r, other))
		ops_say_result(r, rename(path, other));
	ops_say_result(r, lsetxattr(path, "user.imm", "x", 1, 0));
	ops_say_result(r, mkdir(inside, 0700));
	ops_say_result(r, rmdir(inside));
	set_flag(fd, flag, false);
	say_flags(r, fd);
	rmdir(inside);
	ops_say_fstat(r, fd);
	close(fd);
}

/* ---- somebody without rights ---- */

static void leave_root(bool leave)
{
	setfsgid(leave ? SOMEBODY : 0);
	setfsuid(leave ? SOMEBODY : 0);
}

static void somebody_writes(struct run *r, const char *path)
{
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (!ops_say_result(r, fd < 0 ? -1 : 0))
		return;
	ops_fill(r, r->buf, 100, 0);
	ops_say_result(r, pwrite(fd, r->buf, 100, 10));
	ops_say_fstat(r, fd);
	close(fd);
}

/* A file of somebody's own with bits that a write or a chmod of theirs takes away. */
static void op_suid(struct run *r)
{
	static const mode_t modes[] = { 06777, 02755, 04711, 02666, 06010 };
	mode_t mode = modes[ops_pick(r, ARRAY_SIZE(modes))];
	uid_t gid = ops_chance(r, 50) ? SOMEBODY : 7;
	struct node *node = ops_node(r, N_FILE);
	char path[OPS_PATH];

	if (!node)
		return;
	strcpy(path, node->path);
	ops_say(r, " %o %u ", mode, gid);
	ops_say_path(r, path);
	ops_say_result(r, lchown(path, SOMEBODY, gid));
	ops_say_result(r, chmod(path, mode));
	leave_root(true);
	switch (ops_pick(r, 4)) {
	case 0:
		ops_say_result(r, chmod(path, mode));
		break;
	case 1:
		ops_say_result(r, truncate(path, 50));
		break;
	case 2:
		ops_say_result(r, lchown(path, (uid_t)-1, SOMEBODY));
		break;
	default:
		somebody_writes(r, path);
	}
	leave_root(false);
	ops_say_stat(r, path);
}

static void op_somebody(struct run *r)
{
	char path[OPS_PATH], new[OPS_PATH];
	int fd;

	say_at(r, N_ANY, path);
	ops_new_path(r, new);
	ops_say(r, " ");
	ops_say_path(r, new);
	leave_root(true);
	ops_say_result(r, access(path, R_OK) ? -1 : 0);
	fd = open(new, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	ops_say_result(r, fd < 0 ? -1 : 0);
	ops_say_result(r, lchown(path, 0, 0));
	ops_say_result(r, chmod(path, 0777));
	ops_say_result(r, lsetxattr(path, "trusted.s", "x", 1, 0));
	ops_say_result(r, lsetxattr(path, "user.s", "x", 1, 0));
	if (ops_say_result(r, unlink(path)))
		ops_drop(r, path);
	leave_root(false);
	if (fd >= 0) {
		ops_add(r, new, N_FILE, NULL);
		ops_say_fstat(r, fd);
		close(fd);
	}
	ops_say_stat(r, path);
}

static void op_access(struct run *r)
{
	char path[OPS_PATH];

	say_at(r, N_ANY, path);
	leave_root(true);
	/* With the ids of the filesystem, as open(2) would. */
	for (int mode = 0; mode < 8; mode++)
		ops_say(r, " %d", faccessat(AT_FDCWD, path, mode, AT_EACCESS));
	leave_root(false);
}

const struct op ops_attr[] = {
	{"chmod", 25, op_chmod},
	{"chown", 20, op_chown},
	{"utimens", 20, op_utimens},
	{"setxattr", 50, op_setxattr},
	{"removexattr", 15, op_removexattr},
	{"getxattr", 8, op_getxattr},
	{"setacl", 20, op_setacl},
	{"getattrs", 10, op_getattrs},
	{"chattr", 10, op_chattr},
	{"fssetxattr", 5, op_fssetxattr},
	{"immutable", 6, op_immutable},
	{"suid", 10, op_suid},
	{"somebody", 8, op_somebody},
	{"access", 4, op_access},
	{NULL, 0, NULL},
};
