// SPDX-License-Identifier: GPL-2.0-or-later
/* The numbers of statfs(2) and pathconf(3). */
#include "config.h"

#include "look.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/stat.h>
#include <unistd.h>

static void run_statfs(void)
{
	static const struct {
		const char *name;
		int id;
	} confs[] = { { "LINK_MAX", _PC_LINK_MAX }, { "NAME_MAX", _PC_NAME_MAX }, { "PATH_MAX", _PC_PATH_MAX },
		{ "PIPE_BUF", _PC_PIPE_BUF }, { "NO_TRUNC", _PC_NO_TRUNC },
		{ "CHOWN_RESTRICTED", _PC_CHOWN_RESTRICTED }, { "FILESIZEBITS", _PC_FILESIZEBITS },
		{ "SYMLINK_MAX", _PC_SYMLINK_MAX }, { "2_SYMLINKS", _PC_2_SYMLINKS },
		{ "REC_XFER_ALIGN", _PC_REC_XFER_ALIGN }, { "ALLOC_SIZE_MIN", _PC_ALLOC_SIZE_MIN } };
	struct statfs st;
	struct statvfs sv;
	struct stat s;

	MUST(statfs(".", &st));
	look_say("f_type = %lx", (unsigned long)st.f_type);
	look_say("f_bsize = %ld", (long)st.f_bsize);
	look_say("f_frsize = %ld", (long)st.f_frsize);
	look_say("f_blocks = %llu", (unsigned long long)st.f_blocks);
	look_say("f_bfree = %llu", (unsigned long long)st.f_bfree);
	look_say("f_bavail = %llu", (unsigned long long)st.f_bavail);
	look_say("f_files = %llu", (unsigned long long)st.f_files);
	look_say("f_ffree = %llu", (unsigned long long)st.f_ffree);
	look_say("f_fsid = %08x %08x", (unsigned)st.f_fsid.__val[0], (unsigned)st.f_fsid.__val[1]);
	look_say("f_namelen = %ld", (long)st.f_namelen);
	MUST(statvfs(".", &sv));
	look_say("f_flag = %lx", sv.f_flag);
	look_say("f_favail = %llu", (unsigned long long)sv.f_favail);
	for (size_t i = 0; i < ARRAY_SIZE(confs); i++)
		look_ret(pathconf(".", confs[i].id), "%s", confs[i].name);
	look_file("f", 0644, 5000);
	MUST(stat("f", &s));
	look_say("st_blksize = %ld", (long)s.st_blksize);
	MUST(stat(".", &s));
	look_say("st_blksize of a directory = %ld", (long)s.st_blksize);
	look_say("st_size of a directory = %lld", (long long)s.st_size);
	look_say("st_blocks of a directory = %lld", (long long)s.st_blocks);
}

const struct look_topic look_statfs[] = { { "statfs", run_statfs }, { NULL, NULL } };
