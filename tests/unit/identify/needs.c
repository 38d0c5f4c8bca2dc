/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * identify/needs: what the catalogue says that files need makes those likelier that a run
 * of such files lacks; where it says nothing, or the files of a run have nothing to do
 * with each other, nothing changes.
 */
#include "identify/needs.h"

#include "catalog/catalog.h"
#include "identify/files.h"
#include "model/catalogue.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FILES = 200, CHAIN = 6 };

/* Files f000 to f199 by rising size: f000 needs f001 or f150, that f002, and so on up to
 * f006; f100 needs all of f110 to f119. */
static struct catalog *
catalogue(bool has_needs)
{
	struct catalog *c = catalog_new();
	char name[16], needs[128];
	int i, k, n;

	for (i = 0; i < FILES; i++) {
		struct catalogue row = {0};

		n = snprintf(name, sizeof name, "f%03d", i);
		catalogue_set(&row, name, ((struct str){name, (uint32_t)n}));
		catalogue_set(&row, size, 1000 + (uint64_t)i);
		n = 0;
		if (i < CHAIN)
			n = snprintf(needs, sizeof needs, "f%03d%s", i + 1,
				     i == 0 ? "|f150 none" : "");
		for (k = 110; i == 100 && k < 120; k++)
			n += snprintf(needs + n, sizeof needs - (size_t)n, "f%03d ", k);
		if (n > 0 && has_needs)
			catalogue_set(&row, depends, ((struct str){needs, (uint32_t)n}));
		assert_int_equal(catalog_add(c, &row, NULL), 0);
	}
	catalog_seal(c);
	return c;
}

static double
mean(const float *likelier)
{
	double sum = 0;
	int i;

	for (i = 0; i < FILES; i++)
		sum += (double)likelier[i];
	return sum / FILES;
}

static void
makes_likelier_what_is_missing(void **state)
{
	static const uint32_t chain[] = {0, 2, 3, 4, 5}, odd[] = {20, 40, 60, 80, 90};
	struct catalog *c = catalogue(true);
	struct files files;
	struct needs *needs;
	float likelier[FILES];

	files_init(&files, c);
	assert_non_null(needs = needs_of_files(&files));
	assert_true(needs_weigh(needs, chain, 5, likelier));
	/* f002 is there, and only f001 needs it; f000 needs that or f150. */
	assert_true(likelier[1] > likelier[150]);
	assert_true(likelier[150] > likelier[6] * 0.99f);
	assert_true(likelier[6] > 1 && likelier[110] < 1);
	assert_true(fabs(mean(likelier) - 1) < 1e-3);
	/* Nothing is said by files that have nothing to do with each other, nor by few. */
	likelier[7] = 42;
	assert_false(needs_weigh(needs, odd, 5, likelier) && likelier[110] > 2);
	assert_false(needs_weigh(needs, chain, 3, likelier));
	needs_free(needs);
	files_done(&files);
	catalog_free(c);
}

static void
says_nothing_without_needs(void **state)
{
	struct catalog *c = catalogue(false);
	struct files files;

	files_init(&files, c);
	assert_null(needs_of_files(&files));
	files_done(&files);
	catalog_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(makes_likelier_what_is_missing),
	    cmocka_unit_test(says_nothing_without_needs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
