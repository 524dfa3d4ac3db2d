// SPDX-License-Identifier: GPL-2.0-or-later
/* Extended attributes: limits, who may what, on which objects. */
#include "config.h"

#include "look.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *const objects[] = { "file", "dir", "symlink", "fifo", "socket", "null", "sticky",
	"readonly", "missing" };
static const char *const names[] = { "user.a", "user.", "user", "trusted.a", "trusted.", "security.a",
	"security.", "security.selinux", "system.a", "system.data", "other.a", ".a", "" };

static void set_up(void)
{
	look_file("file", 0644, 10);
	look_dir("dir", 0755);
	MUST(symlink("file", "symlink"));
	MUST(mknod("fifo", S_IFIFO | 0666, 0));
	MUST(mknod("socket", S_IFSOCK | 0666, 0));
	MUST(mknod("null", S_IFCHR | 0666, 0x103));
	look_dir("sticky", 01777);
	look_file("readonly", 0444, 10);
	for (size_t i = 0; i < ARRAY_SIZE(objects) - 1; i++)
		MUST(lchown(objects[i], LOOK_OWNER, LOOK_OWNER));
	MUST(chown("sticky", 0, 0));
	MUST(chmod("sticky", 01777));
}

/* The names, sorted, as the order is nobody's promise. */
static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void tell_list(const char *who, const char *path)
{
	char buf[4096], *found[64];
	ssize_t n = llistxattr(path, buf, sizeof(buf));
	size_t nr = 0;

	if (n < 0) {
		look_say("%s: list of %s = %s", who, path, look_errno(-1));
		return;
	}
	for (char *p = buf; p < buf + n && nr < ARRAY_SIZE(found); p += strlen(p) + 1)
		found[nr++] = p;
	qsort(found, nr, sizeof(*found), compare);
	printf("%s: list of %s =", who, path);
	for (size_t i = 0; i < nr; i++)
		printf(" %s", found[i]);
	printf(", %zd bytes\n", n);
}

static void try_names(const char *who, uid_t uid)
{
	char buf[100];

	for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
		const char *path = objects[i];

		if (uid)
			look_as(uid, uid, 0, NULL);
		for (size_t j = 0; j < ARRAY_SIZE(names); j++) {
			const char *name = names[j];

			look_ret(lgetxattr(path, name, buf, sizeof(buf)), "%s: get %s of %s", who, name, path);
			look_ret(lsetxattr(path, name, "value", 5, 0), "%s: set %s of %s", who, name, path);
			look_ret(lsetxattr(path, name, "value", 5, XATTR_CREATE), "%s: create %s of %s",
				who, name, path);
			look_ret(lsetxattr(path, name, "other", 5, XATTR_REPLACE), "%s: replace %s of %s",
				who, name, path);
			look_ret(lgetxattr(path, name, buf, sizeof(buf)), "%s: get %s of %s then", who,
				name, path);
		}
		tell_list(who, path);
		for (size_t j = 0; j < ARRAY_SIZE(names); j++)
			look_ret(lremovexattr(path, names[j]), "%s: remove %s of %s", who, names[j], path);
		tell_list(who, path);
		look_root();
	}
}

static void run_xattrs(void)
{
	set_up();
	try_names("root", 0);
	for (size_t i = 0; i < ARRAY_SIZE(objects) - 1; i++)
		for (size_t j = 0; j < ARRAY_SIZE(names); j++)
			lsetxattr(objects[i], names[j], "root's", 6, 0);
	try_names("owner", LOOK_OWNER);
	try_names("another", LOOK_OTHER);
}

static void run_limits(void)
{
	static const size_t sizes[] = { 0, 1, 100, 900, 1000, 3000, 3900, 4000, 4037, 4050, 4096, 60000, 65535,
		65536, 65537 };
	static const size_t lengths[] = { 1, 249, 250, 251, 260 };
	void *volatile bad = (void *)8; /* volatile: the compiler knows better */
	char *value = malloc(70000), *back = malloc(70000), name[300], tiny[2];

	look_must(value && back ? 0 : -1, "memory");
	memset(value, 'v', 70000);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		look_file("f", 0644, 0);
		look_ret(setxattr("f", "user.v", value, sizes[i], 0), "value of %zu bytes", sizes[i]);
		look_ret(getxattr("f", "user.v", back, 70000), "get value of %zu bytes", sizes[i]);
		look_ret(getxattr("f", "user.v", back, 65536), "get with 65536, %zu bytes", sizes[i]);
		look_ret(getxattr("f", "user.v", NULL, 0), "ask for the size of %zu bytes", sizes[i]);
		look_ret(getxattr("f", "user.v", tiny, 1), "get into too little, %zu bytes", sizes[i]);
		look_ret(listxattr("f", NULL, 0), "ask for the list, %zu bytes", sizes[i]);
		look_ret(listxattr("f", tiny, 1), "list into too little, %zu bytes", sizes[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		memcpy(name, "user.", 5);
		memset(name + 5, 'n', lengths[i]);
		name[5 + lengths[i]] = '\0';
		look_ret(setxattr("f", name, "v", 1, 0), "name of 5 and %zu bytes", lengths[i]);
		look_ret(getxattr("f", name, back, 10), "get name of 5 and %zu bytes", lengths[i]);
		look_ret(removexattr("f", name), "remove name of 5 and %zu bytes", lengths[i]);
	}
	/* as many as there is room for */
	look_file("f", 0644, 0);
	{
		int n = 0;

		do {
			snprintf(name, sizeof(name), "user.number%d", n);
		} while (!setxattr("f", name, value, 40, 0) && ++n < 10000);
		look_say("attributes of 40 bytes before %s = %d", look_errno(-1), n);
		look_ret(setxattr("f", "user.number1", value, 400, 0), "a longer value when full");
		look_ret(getxattr("f", "user.number1", back, 1000), "what it is then");
		look_ret(setxattr("f", "user.number1", value, 40, XATTR_REPLACE), "the same length when full");
		look_ret(removexattr("f", "user.number0"), "remove one");
		look_ret(setxattr("f", "user.number0", value, 40, 0), "set it again");
	}
	look_ret(setxattr("f", "user.number1", value, 4, 4), "an unknown flag");
	look_ret(setxattr("f", "user.number1", value, 4, XATTR_CREATE | XATTR_REPLACE), "both flags");
	look_ret(setxattr("f", "user.none", value, 4, XATTR_CREATE | XATTR_REPLACE), "both flags on none");
	look_ret(setxattr("f", "user.none", value, 4, XATTR_REPLACE), "replace none");
	look_ret(setxattr("f", NULL, value, 4, 0), "no name");
	look_ret(setxattr("f", "user.bad", bad, 4, 0), "a bad value");
	free(value);
	free(back);
}

const struct look_topic look_xattrs[] = { { "xattrs", run_xattrs }, { "xattr-limits", run_limits },
	{ NULL, NULL } };
