// SPDX-License-Identifier: GPL-2.0-or-later
/* Permissions: setgid and sticky directories, ACLs against umask and chmod, groups, access(2). */
#include "config.h"

#include "look.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char access_acl[] = "system.posix_acl_access", default_acl[] = "system.posix_acl_default";

static long make_file(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, mode);

	return fd < 0 ? -1 : close(fd);
}

static void tell(const char *what, const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		look_say("%s = %s", what, look_errno(-1));
	else
		look_say("%s = %06o %u:%u", what, st.st_mode, st.st_uid, st.st_gid);
}

static void run_setgid(void)
{
	static const gid_t in_group[] = { LOOK_GROUP };
	static const mode_t modes[] = { 0644, 02755, 02745, 06777, 02644 };
	char name[32], what[80];

	look_dir("d", 02777);
	MUST(chown("d", 0, LOOK_GROUP));
	MUST(chmod("d", 02777));
	for (int member = 0; member < 3; member++) {
		if (member < 2)
			look_as(LOOK_OWNER, LOOK_OWNER, (size_t)member, in_group);
		umask(0);
		for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
			snprintf(name, sizeof(name), "d/f%d%04o", member, modes[i]);
			look_ret(make_file(name, modes[i]), "create %s", name);
			snprintf(what, sizeof(what), "%s", name);
			tell(what, name);
			name[2] = 'd';
			look_ret(mkdir(name, modes[i]), "mkdir %s", name);
			snprintf(what, sizeof(what), "%s", name);
			tell(what, name);
			name[2] = 'p';
			look_ret(mknod(name, S_IFIFO | modes[i], 0), "mknod %s", name);
			tell(name, name);
			name[2] = 't';
			{
				int fd = open("d", O_TMPFILE | O_WRONLY, modes[i]);
				struct stat st;

				look_ret(fd < 0 ? -1 : fstat(fd, &st), "tmpfile %s", name);
				if (fd >= 0)
					look_say("%s = %06o %u:%u", name, st.st_mode, st.st_uid,
						st.st_gid);
				close(fd);
			}
		}
		snprintf(name, sizeof(name), "d/s%d", member);
		look_ret(symlink("x", name), "symlink %s", name);
		tell(name, name);
		umask(022);
		look_root();
	}
	/* chmod by who is not in the group */
	look_file("f", 0755, 1);
	MUST(chown("f", LOOK_OWNER, LOOK_GROUP));
	look_as(LOOK_OWNER, LOOK_OWNER, 0, NULL);
	look_ret(chmod("f", 02755), "chmod 2755 by who is not in the group");
	tell("chmod 2755 by who is not in the group: mode", "f");
	look_root();
	look_as(LOOK_OWNER, LOOK_OWNER, 1, in_group);
	look_ret(chmod("f", 02755), "chmod 2755 by who is in the group");
	tell("chmod 2755 by who is in the group: mode", "f");
	look_root();
	MUST(chown("d", LOOK_OWNER, LOOK_GROUP));
	MUST(chmod("d", 0777));
	look_as(LOOK_OWNER, LOOK_OWNER, 0, NULL);
	look_ret(chmod("d", 02777), "chmod 2777 of a directory by who is not in the group");
	tell("chmod 2777 of a directory by who is not in the group: mode", "d");
	look_ret(chown("d", (uid_t)-1, LOOK_OWNER), "chgrp of a directory");
	tell("chgrp of a directory: mode", "d");
	look_root();
	look_ret(chown("d", LOOK_OTHER, LOOK_OTHER), "chown of a directory by root");
	tell("chown of a directory by root: mode", "d");
}

/* All that removes or moves a name, in a sticky directory. */
static void run_sticky(void)
{
	static const struct {
		const char *name;
		uid_t dir, file;
	} cases[] = {
		{ "own file", 0, LOOK_OWNER },
		{ "own directory", LOOK_OWNER, LOOK_OTHER },
		{ "nothing of mine", 0, LOOK_OTHER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (int to_sticky = 0; to_sticky < 2; to_sticky++) {
			const char *name = cases[i].name, *where = to_sticky ? "into" : "out";

			look_dir("t", 01777);
			look_dir("free", 0777);
			MUST(chown("t", cases[i].dir, 0));
			MUST(chmod("t", 01777));
			look_file("t/f", 0666, 1);
			look_file("t/g", 0666, 1);
			look_dir("t/d", 0777);
			look_file("free/f", 0666, 1);
			look_dir("free/d", 0777);
			MUST(chown("t/f", cases[i].file, 0));
			MUST(chown("t/g", cases[i].file, 0));
			MUST(chown("t/d", cases[i].file, 0));
			MUST(chown("free/f", LOOK_OTHER, 0));
			look_as(LOOK_OWNER, LOOK_OWNER, 0, NULL);
			if (to_sticky) {
				look_ret(rename("free/f", "t/f"), "%s, %s: rename over", name, where);
				look_ret(rename("free/d", "t/d"), "%s, %s: rename a directory over",
					name, where);
				look_ret(rename("t/f", "t/g"), "%s, %s: rename in it", name, where);
			} else {
				look_ret(rename("t/f", "free/x"), "%s, %s: rename", name, where);
				look_ret(renameat2(AT_FDCWD, "t/g", AT_FDCWD, "free/f", 2),
					"%s, %s: exchange", name, where);
				look_ret(unlink("t/g"), "%s, %s: unlink", name, where);
				look_ret(rmdir("t/d"), "%s, %s: rmdir", name, where);
			}
			look_ret(make_file("t/f", 0600), "%s, %s: create", name, where);
			/* protected_regular, protected_fifos */
			look_ret(open("t/g", O_WRONLY | O_CREAT, 0600) < 0 ? -1 : 0,
				"%s, %s: open with O_CREAT", name, where);
			look_root();
			look_remove("t");
			look_remove("free");
		}
}

/* The layout of an ACL as setxattr(2) takes it. */
struct acl {
	uint32_t version;
	struct {
		uint16_t tag, perm;
		uint32_t id;
	} entry[8];
};

enum tag { T_USER_OBJ = 1, T_USER = 2, T_GROUP_OBJ = 4, T_GROUP = 8, T_MASK = 16, T_OTHER = 32 };

static size_t acl_size(size_t n)
{
	return offsetof(struct acl, entry) + n * 8;
}

static const struct acl with_mask = { 2,
	{ { T_USER_OBJ, 7, ~0u }, { T_USER, 6, LOOK_OTHER }, { T_GROUP_OBJ, 5, ~0u },
		{ T_GROUP, 7, LOOK_GROUP }, { T_MASK, 7, ~0u }, { T_OTHER, 4, ~0u } } };
static const struct acl minimal = { 2,
	{ { T_USER_OBJ, 7, ~0u }, { T_GROUP_OBJ, 5, ~0u }, { T_OTHER, 1, ~0u } } };

static void tell_acl(const char *what, const char *path, const char *name)
{
	struct acl acl;
	ssize_t n = getxattr(path, name, &acl, sizeof(acl));

	if (n < 0) {
		look_say("%s = %s", what, look_errno(-1));
		return;
	}
	printf("%s =", what);
	for (size_t i = 0; i < ((size_t)n - 4) / 8; i++)
		printf(" %u:%u:%d", acl.entry[i].tag, acl.entry[i].perm, (int)acl.entry[i].id);
	putchar('\n');
}

static void tell_both(const char *what, const char *path)
{
	char text[120];

	snprintf(text, sizeof(text), "%s: mode", what);
	tell(text, path);
	snprintf(text, sizeof(text), "%s: access", what);
	tell_acl(text, path, access_acl);
	snprintf(text, sizeof(text), "%s: default", what);
	tell_acl(text, path, default_acl);
}

static void inherit(const char *kind, const struct acl *acl, size_t n, mode_t mask)
{
	static const mode_t modes[] = { 0777, 0666, 0600, 0 };
	char what[100];

	look_dir("d", 0755);
	if (acl)
		look_ret(setxattr("d", default_acl, acl, acl_size(n), 0), "%s: set default", kind);
	umask(mask);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		MUST(make_file("d/f", modes[i]));
		snprintf(what, sizeof(what), "%s, umask %03o, file %03o", kind, mask, modes[i]);
		tell_both(what, "d/f");
		MUST(mkdir("d/d", modes[i]));
		snprintf(what, sizeof(what), "%s, umask %03o, directory %03o", kind, mask, modes[i]);
		tell_both(what, "d/d");
		MUST(mknod("d/p", S_IFIFO | modes[i], 0));
		snprintf(what, sizeof(what), "%s, umask %03o, fifo %03o", kind, mask, modes[i]);
		tell_both(what, "d/p");
		MUST(symlink("x", "d/s"));
		snprintf(what, sizeof(what), "%s, umask %03o, symlink", kind, mask);
		tell(what, "d/s");
		MUST(unlink("d/f"));
		MUST(rmdir("d/d"));
		MUST(unlink("d/p"));
		MUST(unlink("d/s"));
	}
	umask(022);
	look_remove("d");
}

static void acl_and_chmod(void)
{
	static const mode_t modes[] = { 0777, 0700, 0640, 02770, 0 };
	static const struct acl unsorted = { 2,
		{ { T_OTHER, 7, ~0u }, { T_GROUP_OBJ, 5, ~0u }, { T_USER_OBJ, 1, ~0u } } };
	static const struct acl no_mask = { 2,
		{ { T_USER_OBJ, 7, ~0u }, { T_USER, 6, LOOK_OTHER }, { T_GROUP_OBJ, 5, ~0u },
			{ T_OTHER, 4, ~0u } } };
	char what[80];

	look_file("f", 0600, 1);
	look_ret(setxattr("f", access_acl, &with_mask, acl_size(6), 0), "set access");
	tell_both("set access", "f");
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		look_ret(chmod("f", modes[i]), "chmod %04o", modes[i]);
		snprintf(what, sizeof(what), "after chmod %04o", modes[i]);
		tell_both(what, "f");
	}
	look_ret(setxattr("f", access_acl, &minimal, acl_size(3), 0), "set what a mode can say");
	tell_both("set what a mode can say", "f");
	look_ret(setxattr("f", access_acl, &unsorted, acl_size(3), 0), "set an unsorted one");
	look_ret(setxattr("f", access_acl, &no_mask, acl_size(4), 0), "set one without a mask");
	look_ret(setxattr("f", access_acl, &with_mask, acl_size(5), 0), "set one without others");
	look_ret(setxattr("f", access_acl, &with_mask, 5, 0), "set a short one");
	look_ret(setxattr("f", access_acl, &with_mask, acl_size(6), XATTR_CREATE), "create another");
	look_ret(setxattr("f", access_acl, &with_mask, acl_size(6), XATTR_CREATE), "create it again");
	tell_both("create it again", "f");
	look_ret(setxattr("f", default_acl, &with_mask, acl_size(6), 0), "set default of a file");
	look_ret(removexattr("f", default_acl), "remove default of a file");
	look_ret(setxattr("f", access_acl, NULL, 0, 0), "set nothing");
	look_ret(removexattr("f", access_acl), "remove access");
	tell_both("remove access", "f");
	look_ret(removexattr("f", access_acl), "remove access again");
	MUST(symlink("f", "s"));
	look_ret(lsetxattr("s", access_acl, &with_mask, acl_size(6), 0), "set access of a symlink");
	look_ret(lgetxattr("s", access_acl, NULL, 0), "get access of a symlink");
	MUST(mknod("p", S_IFIFO | 0644, 0));
	look_ret(setxattr("p", access_acl, &with_mask, acl_size(6), 0), "set access of a fifo");
	MUST(chown("f", LOOK_OWNER, LOOK_GROUP));
	look_as(LOOK_OTHER, LOOK_OTHER, 0, NULL);
	look_ret(setxattr("f", access_acl, &minimal, acl_size(3), 0), "set access by another");
	look_root();
	look_as(LOOK_OWNER, LOOK_OWNER, 0, NULL);
	MUST(chmod("f", 02755));
	look_root();
	MUST(chmod("f", 02755));
	look_as(LOOK_OWNER, LOOK_OWNER, 0, NULL);
	look_ret(setxattr("f", access_acl, &with_mask, acl_size(6), 0), "set access of 2755, not in the group");
	look_root();
	tell_both("set access of 2755, not in the group", "f");
}

static void run_acls(void)
{
	static const mode_t masks[] = { 0, 022, 077, 0777 };

	for (size_t i = 0; i < ARRAY_SIZE(masks); i++) {
		inherit("no ACL", NULL, 0, masks[i]);
		inherit("minimal", &minimal, 3, masks[i]);
		inherit("with a mask", &with_mask, 6, masks[i]);
	}
	acl_and_chmod();
}

static void try_access(const char *who, uid_t uid, gid_t gid, size_t n, const gid_t *groups)
{
	static const char *const paths[] = { "a/f", "a/x", "a/d/inner", "closed/f", "acl", "noexec" };
	static const int modes[] = { F_OK, R_OK, W_OK, X_OK, R_OK | W_OK };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		for (size_t j = 0; j < ARRAY_SIZE(modes); j++) {
			if (uid)
				look_as(uid, gid, n, groups);
			look_ret(faccessat(AT_FDCWD, paths[i], modes[j], AT_EACCESS),
				"%s: faccessat %s %d with effective ids", who, paths[i], modes[j]);
			look_ret(access(paths[i], modes[j]), "%s: access %s %d", who, paths[i],
				modes[j]);
			if (modes[j] == R_OK || modes[j] == W_OK) {
				int fd = open(paths[i], modes[j] == R_OK ? O_RDONLY : O_WRONLY);

				look_ret(fd < 0 ? -1 : 0, "%s: open %s %d", who, paths[i], modes[j]);
				if (fd >= 0)
					close(fd);
			}
			look_root();
		}
}

static void run_access(void)
{
	static const gid_t group[] = { LOOK_GROUP };
	/* the group may more than the owner */
	look_dir("a", 0755);
	look_file("a/f", 0070, 1);
	MUST(chown("a/f", LOOK_OWNER, LOOK_GROUP));
	look_file("a/x", 0711, 1);
	look_dir("a/d", 0710);
	MUST(chown("a/d", LOOK_OWNER, LOOK_GROUP));
	look_file("a/d/inner", 0644, 1);
	look_dir("closed", 0600);
	look_file("closed/f", 0666, 1);
	look_file("acl", 0600, 1);
	MUST(setxattr("acl", access_acl, &with_mask, acl_size(6), 0));
	look_file("noexec", 0644, 1);
	try_access("root", 0, 0, 0, NULL);
	try_access("owner", LOOK_OWNER, LOOK_OWNER, 0, NULL);
	try_access("owner in the group", LOOK_OWNER, LOOK_OWNER, 1, group);
	try_access("another", LOOK_OTHER, LOOK_OTHER, 0, NULL);
	try_access("another with the group", LOOK_OTHER, LOOK_GROUP, 0, NULL);
	try_access("another in the group", LOOK_OTHER, LOOK_OTHER, 1, group);
}

/* link(2) to files of others: protected_hardlinks decides, not the filesystem. */
static void run_links(void)
{
	static const struct {
		const char *name;
		mode_t mode;
	} files[] = { { "plain", 0644 }, { "writable", 0666 }, { "setuid", 04777 }, { "closed", 0600 } };

	look_dir("d", 0777);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		look_file("d/f", files[i].mode, 1);
		look_as(LOOK_OWNER, LOOK_OWNER, 0, NULL);
		look_ret(link("d/f", "d/g"), "link of a %s file of another", files[i].name);
		look_root();
		unlink("d/g");
	}
}

const struct look_topic look_perms[] = { { "setgid", run_setgid }, { "sticky", run_sticky },
	{ "acls", run_acls }, { "access", run_access }, { "links", run_links }, { NULL, NULL } };
