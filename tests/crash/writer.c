// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * writer - work in a directory of a mount until its server is gone; afterwards hold the image that
 * is left against the log.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/policy.h"
#include "calls.h"
#include "check.h"
#include "fs/dir.h"
#include "judge.h"

static int usage(void)
{
	fprintf(stderr, "usage: writer write|sync DIRECTORY LOG SEED COUNT\n"
			"       writer check IMAGE/DIRECTORY write|sync LOG SEED COUNT POLICY\n"
			"       writer judge IMAGE\n"
			"  write      many kinds of calls; sync: most wait for a commit. Ends when the\n"
			"             server is gone\n"
			"  check      what the image, clean or with its journal, has in the directory;\n"
			"             prints how much there was in the log, and what was found.\n"
			"             POLICY: enum policy, that of the directory\n"
			"  judge      let e2fsck recover the image: it must find nothing else to do\n");
	return 2;
}

static bool start(struct calls *c, const char *log, const char *mix, const char *seed,
	unsigned policy)
{
	c->syncs = !strcmp(mix, "sync");
	c->log = fopen(log, c->live ? "w" : "r");
	if (!c->log)
		perror(log);
	else
		calls_init(c, strtoull(seed, NULL, 0), policy);
	return c->log;
}

static int work(char **argv)
{
	struct calls c = { .live = true };

	c.dir = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c.dir < 0) {
		perror(argv[2]);
		return 2;
	}
	if (!start(&c, argv[3], argv[1], argv[4], P_NONE))
		return 2;
	calls_run(&c, (unsigned)strtoul(argv[5], NULL, 0));
	calls_fini(&c);
	fclose(c.log);
	close(c.dir);
	if (c.wrong)
		return 1;
	if (c.over)
		return 0;
	fprintf(stderr, "the server has outlived all calls\n");
	return 1;
}

/* The number of a directory of the root. */
static int find_dir(struct fs *fs, const char *name, uint32_t *ret)
{
	CLEANUP(inode_putp) struct inode *root = NULL;
	int err = inode_get(fs, EXT2_ROOT_INO, &root);

	return err ? err : dir_lookup(root, name, strlen(name), ret);
}

static int check(char **argv)
{
	struct calls c = {0};
	char *name = strrchr(argv[2], '/');
	uint64_t found = 0;
	unsigned bad = 1;
	struct log log;
	struct fs *fs;
	uint32_t ino;
	int err;

	if (!name)
		return 2;
	*name++ = '\0';
	if (!start(&c, argv[4], argv[3], argv[5], (unsigned)strtoul(argv[7], NULL, 0)))
		return 2;
	calls_run(&c, (unsigned)strtoul(argv[6], NULL, 0));
	log_init(&log, "writer", LOG_LEVEL_WARN);
	err = judge_open(argv[2], false, &log, &fs);
	if (err) {
		fprintf(stderr, "%s: %s\n", argv[2], strerror(-err));
		return 2;
	}
	err = find_dir(fs, name, &ino);
	if (err)
		fprintf(stderr, "%s: %s\n", name, strerror(-err));
	else
		bad = check_image(&c.m, fs, ino, c.stamp + 1, &found);
	printf("%u calls, %u acknowledged, %s: %s; found %016" PRIx64 "\n", c.now - 1, c.acked,
		c.unanswered ? "killed in" : "killed after", c.what, found);
	err = fs_close(fs);
	calls_fini(&c);
	fclose(c.log);
	return bad || err || c.wrong;
}

int main(int argc, char **argv)
{
	if (argc == 8 && !strcmp(argv[1], "check"))
		return check(argv);
	if (argc == 6 && (!strcmp(argv[1], "write") || !strcmp(argv[1], "sync")))
		return work(argv);
	if (argc == 3 && !strcmp(argv[1], "judge"))
		return !judge_recover(argv[2]);
	return usage();
}
