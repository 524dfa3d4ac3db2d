// SPDX-License-Identifier: GPL-2.0-or-later
/* What /proc tells about a caller, who chooses a part of it: the name of his process. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fuse/caller.h"

#define NO_GROUP 4242424

static struct caller me(void)
{
	return (struct caller){ .uid = getuid(), .gid = getgid(), .tid = (uint32_t)gettid() };
}

static void name(const char *text)
{
	assert_int_equal(prctl(PR_SET_NAME, text), 0);
}

static void test_groups(void **state)
{
	struct caller caller = me();
	gid_t groups[64];
	int nr = getgroups(64, groups);

	(void)state;
	assert_true(caller_in_group(&caller, getgid()));
	for (int i = 0; i < nr; i++)
		assert_true(caller_in_group(&caller, groups[i]));
	assert_false(caller_in_group(&caller, NO_GROUP));
	name("Groups: 4242424");
	assert_false(caller_in_group(&caller, NO_GROUP));
	name("x");
	caller.tid = 0;
	assert_false(caller_in_group(&caller, NO_GROUP));
	assert_true(caller_in_group(&caller, getgid()));
}

static void test_capabilities(void **state)
{
	struct caller caller = me();
	bool can = caller_capable(&caller, CAP_FSETID);

	(void)state;
	assert_int_equal(can, !getuid());
	name("CapEff: 0");
	assert_int_equal(caller_capable(&caller, CAP_FSETID), can);
	name("CapEff: fffffff");
	assert_int_equal(caller_capable(&caller, CAP_FSETID), can);
	name("x");
	caller.tid = 0;
	caller.uid = 0;
	assert_true(caller_capable(&caller, CAP_FSETID));
	caller.uid = 1;
	assert_false(caller_capable(&caller, CAP_FSETID));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_capabilities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
