/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests with images of their own share: a directory that everything happens in, a shell in
 * it, and a log. Without mke2fs, debugfs and e2fsck they are skipped (NEED_TOOLS()).
 */
#ifndef EXT4D_TESTS_FIXTURE_H
#define EXT4D_TESTS_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "need.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/log.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct fixture {
	char dir[64]; /* everything is in there; the working directory */
	bool tools;
	struct log log;
};

static struct fixture fixture;

/* Runs a shell command in the test's directory; what it says is in ./log. */
static inline int PRINTF_LIKE(1, 2) sh(const char *fmt, ...)
{
	char command[4096];
	va_list ap;
	int len;

	len = snprintf(command, sizeof(command), "PATH=$PATH:/usr/sbin:/sbin; exec >log 2>&1; ");
	va_start(ap, fmt);
	vsnprintf(command + len, sizeof(command) - (size_t)len, fmt, ap);
	va_end(ap);
	return system(command);
}

static inline void show_log(void)
{
	(void)!system("cat log >&2");
}

/* Makes the directory, in parent. */
static inline int fixture_begin(const char *parent)
{
	snprintf(fixture.dir, sizeof(fixture.dir), "%s/ext4d-unit.XXXXXX", parent);
	if (!mkdtemp(fixture.dir) || chdir(fixture.dir))
		return -1;
	log_init(&fixture.log, "test", LOG_LEVEL_ERROR);
	fixture.log.to_syslog = false;
	fixture.tools = !sh("command -v mke2fs && command -v debugfs && command -v e2fsck");
	return 0;
}

static inline int fixture_setup(void **state)
{
	(void)state;
	return fixture_begin("/tmp");
}

/* In memory, if there is such a place: for who makes much durable. */
static inline int fixture_setup_memory(void **state)
{
	(void)state;
	return fixture_begin("/dev/shm") ? fixture_begin("/tmp") : 0;
}

static inline int fixture_teardown(void **state)
{
	char command[128];

	(void)state;
	if (chdir("/"))
		return -1;
	/* not sh(), whose log would be here */
	snprintf(command, sizeof(command), "rm -rf '%s'", fixture.dir);
	return system(command);
}

#endif
