// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel knows, and who may still take in attributes from before a change. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fuse/nodes.h"

#define MANY 100000u

static void test_counts(void **state)
{
	struct nodes *nodes;

	(void)state;
	assert_int_equal(nodes_new(&nodes), 0);
	assert_false(nodes_known(nodes, 12));
	assert_false(nodes_forget(nodes, 12, 1));
	for (uint32_t ino = 1; ino <= MANY; ino++)
		for (uint32_t i = 0; i < 1 + ino % 3; i++)
			assert_int_equal(nodes_add(nodes, ino, 1), 0);
	for (uint32_t ino = 1; ino <= MANY; ino += 2)
		assert_true(nodes_forget(nodes, ino, 1 + ino % 3));
	for (uint32_t ino = 1; ino <= MANY; ino++)
		assert_int_equal(nodes_known(nodes, ino), ino % 2 == 0);
	for (uint32_t ino = 2; ino <= MANY; ino += 2) {
		if (ino % 3)
			assert_false(nodes_forget(nodes, ino, ino % 3));
		assert_true(nodes_forget(nodes, ino, 1));
		assert_false(nodes_known(nodes, ino));
	}
	nodes_free(nodes);
}

/* The first word counts until the node is forgotten. */
static void test_moves(void **state)
{
	struct nodes *nodes;

	(void)state;
	assert_true(nodes_moves(NULL, 12, true));
	assert_false(nodes_moves(NULL, 12, false));
	assert_int_equal(nodes_new(&nodes), 0);
	assert_false(nodes_moves(nodes, 12, true));
	assert_int_equal(nodes_add(nodes, 12, 1), 0);
	assert_false(nodes_moves_decided(NULL, 12));
	assert_false(nodes_moves_decided(nodes, 12));
	assert_int_equal(nodes_add(nodes, 13, 1), 0);
	assert_true(nodes_moves(nodes, 12, true));
	assert_false(nodes_moves(nodes, 13, false));
	assert_true(nodes_moves_decided(nodes, 12));
	assert_true(nodes_moves_decided(nodes, 13));
	assert_true(nodes_moves(nodes, 12, false));
	assert_int_equal(nodes_add(nodes, 12, 1), 0);
	assert_false(nodes_forget(nodes, 12, 1));
	assert_true(nodes_moves(nodes, 12, false));
	assert_false(nodes_moves(nodes, 13, true));
	assert_true(nodes_forget(nodes, 12, 1));
	assert_int_equal(nodes_add(nodes, 12, 1), 0);
	assert_false(nodes_moves_decided(nodes, 12));
	assert_false(nodes_moves(nodes, 12, false));
	nodes_free(nodes);
}

static void test_readers(void **state)
{
	struct nodes *nodes;

	(void)state;
	assert_int_equal(nodes_new(&nodes), 0);
	assert_false(nodes_change(nodes, 12, 1));
	nodes_show(nodes, 12, 1);
	assert_false(nodes_known(nodes, 12));
	assert_int_equal(nodes_add(nodes, 12, 1), 0);
	/* who changes has taken in what he asked for */
	assert_false(nodes_change(nodes, 12, 1));
	nodes_show(nodes, 12, 1);
	nodes_show(nodes, 12, 1);
	assert_false(nodes_change(nodes, 12, 1));
	/* others need not have: once */
	nodes_show(nodes, 12, 2);
	assert_true(nodes_change(nodes, 12, 1));
	assert_false(nodes_change(nodes, 12, 1));
	assert_int_equal(nodes_add(nodes, 12, 2), 0);
	nodes_show(nodes, 12, 1);
	assert_true(nodes_change(nodes, 12, 1));
	assert_false(nodes_change(nodes, 12, 2));
	/* an unknown one may be anybody */
	nodes_show(nodes, 12, 0);
	assert_true(nodes_change(nodes, 12, 1));
	nodes_show(nodes, 12, 0);
	assert_true(nodes_change(nodes, 12, 0));
	nodes_show(nodes, 12, 1);
	assert_true(nodes_change(nodes, 12, 0));
	/* the last one has forgotten */
	nodes_show(nodes, 12, 2);
	assert_true(nodes_forget(nodes, 12, 2));
	assert_int_equal(nodes_add(nodes, 12, 1), 0);
	assert_false(nodes_change(nodes, 12, 1));
	nodes_free(nodes);
}

static void test_cached(void **state)
{
	struct nodes *nodes;

	(void)state;
	assert_int_equal(nodes_new(&nodes), 0);
	nodes_cache(nodes, 12);
	assert_false(nodes_cached(nodes, 12));
	assert_int_equal(nodes_add(nodes, 12, 1), 0);
	assert_false(nodes_cached(nodes, 12));
	nodes_cache(nodes, 12);
	assert_int_equal(nodes_add(nodes, 12, 1), 0);
	assert_true(nodes_cached(nodes, 12));
	assert_false(nodes_forget(nodes, 12, 1));
	assert_true(nodes_cached(nodes, 12));
	assert_true(nodes_forget(nodes, 12, 1));
	assert_int_equal(nodes_add(nodes, 12, 1), 0);
	assert_false(nodes_cached(nodes, 12));
	nodes_free(nodes);
}

static void test_nothing(void **state)
{
	(void)state;
	assert_int_equal(nodes_add(NULL, 12, 1), 0);
	nodes_show(NULL, 12, 2);
	assert_false(nodes_change(NULL, 12, 1));
	assert_false(nodes_known(NULL, 12));
	nodes_cache(NULL, 12);
	assert_false(nodes_cached(NULL, 12));
	assert_false(nodes_forget(NULL, 12, 1));
	nodes_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_readers),
		cmocka_unit_test(test_cached),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
