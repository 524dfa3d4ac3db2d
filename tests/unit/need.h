/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a test cannot do without. Included after cmocka.h. */
#ifndef EXT4D_TESTS_NEED_H
#define EXT4D_TESTS_NEED_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Skips the test that runs and says why, or, with CI=true as in tests/run, fails it. */
static inline void need(bool have, const char *what)
{
	const char *ci = getenv("CI");

	if (have)
		return;
	if (ci && !strcmp(ci, "true"))
		fail_msg("needs %s", what);
	print_message("SKIP: needs %s\n", what);
	skip();
}

#define NEED_TOOLS(have) need(have, "mke2fs, debugfs and e2fsck")

#endif
