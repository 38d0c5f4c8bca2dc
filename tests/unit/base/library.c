/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Libraries that are loaded when needed: one that is there, one that is not, and one
 * without the function that is wanted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/library.h"

double cos(double);
double no_such_function_at_all(void);

#define GOOD(X) X(cos)
#define BAD(X) X(cos) X(no_such_function_at_all)
LIBRARY_TABLE(good, GOOD)
LIBRARY_TABLE(bad, BAD)
LIBRARY_TABLE(absent, GOOD)

static void
is_called(void **state)
{
	struct err err = {0};

	assert_int_equal(LIBRARY_LOAD(good, "libm.so.6", "libc6", &err), 0);
	assert_true(good.call.cos(0) == 1);
	assert_int_equal(LIBRARY_LOAD(good, "no-such-library.so", "none", &err), 0);
}

static void
says_what_is_missing(void **state)
{
	struct err err = {0};

	assert_int_equal(LIBRARY_LOAD(absent, "no-such-library.so.7", "libnone7", &err),
	    -1);
	assert_non_null(strstr(err.text, "no-such-library.so.7"));
	assert_non_null(strstr(err.text, "install the package libnone7"));
	assert_null(absent.all[0]);
	err_clear(&err);
	assert_int_equal(LIBRARY_LOAD(bad, "libm.so.6", "libc6", &err), -1);
	assert_non_null(strstr(err.text, "no_such_function_at_all"));
	/* It is not taken for loaded afterwards. */
	err_clear(&err);
	assert_int_equal(LIBRARY_LOAD(bad, "libm.so.6", "libc6", &err), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(is_called),
	    cmocka_unit_test(says_what_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
