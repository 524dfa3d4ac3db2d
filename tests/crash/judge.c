// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "judge.h"

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ext2fs/ext2fs.h>

#include "../lib/testkey.h"
#include "format/le.h"

/*
 * What e2fsck says of an image that was merely not unmounted. The totals in the superblock are
 * written at unmount only, as the kernel does it; those of the groups are in the journal. e2fsck 1.47.0 says of
 * the first block of an orphan file whose orphans it has just released that it is not clean; of the
 * image that the kernel leaves after a crash too.
 */
static const char harmless[] =
	"^e2fsck [0-9]|^$|^Pass [1-5][A-E]?: |: recovering journal$|^Journal checksum|"
	"(Clearing|Truncating) orphaned inode|^Feature orphan_present is set|Clear\\? yes|"
	"^Orphan file \\(inode [0-9]+\\) block [0-9]+ is not clean\\.|"
	"Free (blocks|inodes) count wrong \\([0-9]+, counted=[0-9]+\\)\\.|Fix\\? yes|"
	"^Setting free (blocks|inodes) count to|extent tree \\(at level [0-9]+\\) could be|"
	"Optimize\\? yes|FILE SYSTEM WAS MODIFIED|: [0-9]+/[0-9]+ files \\(";

/*
 * And where the image has inline data: of an orphan with inline data e2fsck 1.47.0 does not give back the
 * attribute block (release_inode_blocks() in e2fsck/super.c takes it to have no blocks at all), in images that
 * the kernel leaves too, and then finds the block marked and unused in pass 5. Never the other way round.
 */
static const char harmless_inline[] =
	"|^Block bitmap differences: ( -[0-9]+| -\\([0-9]+--[0-9]+\\))+$|"
	"^Free blocks count wrong for group #[0-9]+ \\([0-9]+, counted=[0-9]+\\)\\.$";

#define SUPER_AT 1024
#define SUPER_INCOMPAT 0x60

#define PATH "PATH=$PATH:/usr/sbin:/sbin LC_ALL=C "

static void die(const char *what)
{
	perror(what);
	exit(2);
}

uint8_t *judge_read_file(const char *path, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *bytes;

	if (fd < 0 || fstat(fd, &st))
		die(path);
	bytes = malloc((size_t)st.st_size);
	if (!bytes || pread(fd, bytes, (size_t)st.st_size, 0) != st.st_size)
		die(path);
	close(fd);
	*ret_len = (size_t)st.st_size;
	return bytes;
}

void judge_write_file(const char *path, const uint8_t *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || pwrite(fd, bytes, len, 0) != (ssize_t)len)
		die(path);
	close(fd);
}

/* Runs a command; its output is printed if a line is not harmless (all: if there is any error). */
static int run(const char *command, regex_t *known, bool *ret_unknown)
{
	FILE *pipe = popen(command, "re");
	char line[1024], *text = NULL;
	size_t len = 0;
	FILE *all = open_memstream(&text, &len);
	int status;

	if (!pipe || !all)
		die(command);
	*ret_unknown = false;
	while (fgets(line, sizeof(line), pipe)) {
		fputs(line, all);
		line[strcspn(line, "\n")] = '\0';
		if (known && regexec(known, line, 0, NULL, 0))
			*ret_unknown = true;
	}
	status = pclose(pipe);
	fclose(all);
	if (*ret_unknown || (!known && status))
		fprintf(stderr, "%s:\n%s", command, text);
	free(text);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool has_inline_data(const char *path)
{
	uint8_t raw[4];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || pread(fd, raw, sizeof(raw), SUPER_AT + SUPER_INCOMPAT) != sizeof(raw))
		die(path);
	close(fd);
	return le32_get(raw) & EXT4_FEATURE_INCOMPAT_INLINE_DATA;
}

bool judge_recover(const char *path)
{
	char command[4096], pattern[2048];
	bool unknown;
	regex_t known;
	int status;

	snprintf(command, sizeof(command), PATH "e2fsck -fy '%s' 2>&1", path);
	snprintf(pattern, sizeof(pattern), "%s%s", harmless,
		has_inline_data(path) ? harmless_inline : "");
	if (regcomp(&known, pattern, REG_EXTENDED | REG_NOSUB))
		abort();
	status = run(command, &known, &unknown);
	regfree(&known);
	if (status & ~1)
		fprintf(stderr, "e2fsck -fy ends with %d\n", status);
	return !unknown && !(status & ~1);
}

bool judge_clean(const char *path)
{
	char command[4096];
	bool unknown;

	snprintf(command, sizeof(command), PATH "e2fsck -fn '%s' 2>&1", path);
	return run(command, NULL, &unknown) == 0;
}

bool judge_kernel(const char *path, const char *mnt, const char *keys)
{
	char command[16384];
	bool unknown;

	snprintf(command, sizeof(command),
		"{ mount -t ext4 -o loop '%s' '%s' && %s '%s' && "
		"find '%s' -xdev -type f -exec cat '{}' + >/dev/null && "
		"find '%s' -xdev -printf '%%l' >/dev/null && umount '%s'; } 2>&1",
		path, mnt, keys ? keys : "test -d", mnt, mnt, mnt, mnt);
	return run(command, NULL, &unknown) == 0;
}

int judge_open(const char *path, bool writable, struct log *log, struct fs **ret)
{
	struct fs_options opts = { .writable = writable };
	int fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC), err;
	struct blk *blk;

	if (fd < 0)
		return -errno;
	err = blk_file_new(fd, writable, &blk);
	if (!err)
		err = fs_open(blk, &opts, log, ret);
	if (!err && super_has_encrypt(fs_super(*ret)))
		err = testkey_add_all(*ret);
	return err;
}
