// SPDX-License-Identifier: GPL-2.0-or-later
/* What times an inode can hold: granularity, before 1970, after 2038. The script remounts between the two topics. */
#include "config.h"

#include "look.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const struct timespec stamps[] = {
	{ 0, 0 },
	{ 1, 1 },
	{ -1, 999999999 },
	{ -2147483648, 0 },
	{ -2147483649, 5 },
	{ 1234567890, 123456789 },
	{ 2147483647, 999999999 },
	{ 2147483648, 7 },
	{ 4294967296, 0 },
	{ 6442450944, 1 },
	{ 15032385535, 0 },
	{ 15032385536, 0 },
	{ 99999999999, 0 },
};

static void name_of(size_t i, const char *kind, char name[32])
{
	snprintf(name, 32, "%s-%zu", kind, i);
}

static void tell(const char *name)
{
	struct stat st;

	MUST(lstat(name, &st));
	look_say("%s atime = %lld.%09ld", name, (long long)st.st_atim.tv_sec, st.st_atim.tv_nsec);
	look_say("%s mtime = %lld.%09ld", name, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

static void run_set(void)
{
	char name[32];

	for (size_t i = 0; i < ARRAY_SIZE(stamps); i++) {
		struct timespec t[2] = { stamps[i], stamps[i] };

		name_of(i, "file", name);
		look_file(name, 0644, 0);
		look_ret(utimensat(AT_FDCWD, name, t, 0), "set %s", name);
		tell(name);
		name_of(i, "dir", name);
		look_dir(name, 0755);
		look_ret(utimensat(AT_FDCWD, name, t, 0), "set %s", name);
		tell(name);
		name_of(i, "link", name);
		MUST(symlink("x", name));
		look_ret(utimensat(AT_FDCWD, name, t, AT_SYMLINK_NOFOLLOW), "set %s", name);
		tell(name);
	}
}

/* In the directory that "stamps" left, after another mount. */
static void run_get(void)
{
	static const char *const kinds[] = { "file", "dir", "link" };
	char name[32];

	MUST(chdir("../stamps"));
	for (size_t i = 0; i < ARRAY_SIZE(stamps); i++)
		for (size_t j = 0; j < ARRAY_SIZE(kinds); j++) {
			name_of(i, kinds[j], name);
			tell(name);
		}
}

static long set_times(const char *path, struct timespec a, struct timespec m, int flags)
{
	struct timespec t[2] = { a, m };

	return utimensat(AT_FDCWD, path, t, flags);
}

/* Who may set which times. */
static void run_utimes(void)
{
	static const struct timespec now = { .tv_nsec = UTIME_NOW }, omit = { .tv_nsec = UTIME_OMIT },
				     then = { .tv_sec = 1000 }, odd = { .tv_nsec = 1000000000 };
	static const struct {
		const char *name;
		uid_t uid;
	} who[] = { { "root", 0 }, { "the owner", LOOK_OWNER }, { "another", LOOK_OTHER } };

	for (unsigned mode = 0; mode < 2; mode++) {
		look_file("f", mode ? 0666 : 0644, 10);
		MUST(chown("f", LOOK_OWNER, LOOK_OWNER));
		for (size_t i = 0; i < ARRAY_SIZE(who); i++) {
			const char *name = who[i].name, *kind = mode ? "writable" : "plain";

			if (who[i].uid)
				look_as(who[i].uid, who[i].uid, 0, NULL);
			look_ret(utimensat(AT_FDCWD, "f", NULL, 0), "%s, %s: NULL", name, kind);
			look_ret(set_times("f", now, now, 0), "%s, %s: NOW NOW", name, kind);
			look_ret(set_times("f", now, omit, 0), "%s, %s: NOW OMIT", name, kind);
			look_ret(set_times("f", omit, now, 0), "%s, %s: OMIT NOW", name, kind);
			look_ret(set_times("f", omit, omit, 0), "%s, %s: OMIT OMIT", name, kind);
			look_ret(set_times("f", then, then, 0), "%s, %s: SET SET", name, kind);
			look_ret(set_times("f", then, omit, 0), "%s, %s: SET OMIT", name, kind);
			look_ret(set_times("f", now, then, 0), "%s, %s: NOW SET", name, kind);
			look_ret(set_times("f", odd, then, 0), "%s, %s: odd", name, kind);
			look_root();
		}
	}
	look_ret(set_times("none", omit, omit, 0), "missing, OMIT OMIT");
	look_ret(set_times("none", now, now, 0), "missing, NOW NOW");
}

const struct look_topic look_stamps[] = { { "stamps", run_set }, { "stamps-again", run_get },
	{ "utimes", run_utimes }, { NULL, NULL } };
