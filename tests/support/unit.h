/* tests/support/unit.h: how a unit test is run.
 *
 * A unit test is one program for one module: START_TESTs, a table of them, and
 * UNIT_MAIN.  CK_RUN_CASE=name runs one, CK_FORK=no is for gdb. */
#ifndef TESTS_SUPPORT_UNIT_H
#define TESTS_SUPPORT_UNIT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

struct unit_test {
	const char *name;
	const TTest **test;
	int rows; /* of the table that it goes through by _i; 0: no table */
};

/* clang-format off */
#define UNIT(test)	 { #test, &test, 0 }
#define UNIT_TIMES(test, times) { #test, &test, times } /* _i: 0, 1, ... */
#define UNIT_ROWS(test, rows) { #test, &test, (int)(sizeof(rows) / sizeof((rows)[0])) }
/* clang-format on */

/* Slow enough for sanitizers on a busy machine. */
#define UNIT_TIMEOUT_S 120

static int
unit_run(const char *name, const struct unit_test *tests, size_t count)
{
	Suite *suite = suite_create(name);

	for (size_t i = 0; i < count; i++) {
		TCase *c = tcase_create(tests[i].name);

		tcase_set_timeout(c, UNIT_TIMEOUT_S);
		if (tests[i].rows == 0)
			tcase_add_test(c, *tests[i].test);
		else
			tcase_add_loop_test(c, *tests[i].test, 0, tests[i].rows);
		suite_add_tcase(suite, c);
	}

	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_ENV);

	int run = srunner_ntests_run(runner);
	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	if (run == 0)
		fprintf(stderr, "%s: no test was run\n", name);
	return failed == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define UNIT_MAIN(name, tests) \
	int main(void) \
	{ \
		return unit_run(name, tests, \
		    sizeof(tests) / sizeof((tests)[0])); \
	}

#endif
