/* SPDX-License-Identifier: BSD-2-Clause */
/* Plots of groups: where points lie, what the legend has, and that labels stay text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/text.h"
#include "report/plot.h"

#include <stdio.h>
#include <string.h>

static size_t
count(const struct text *t, const char *what)
{
	const char *at = t->data;
	size_t n = 0;

	while ((at = strstr(at, what)) != NULL) {
		n++;
		at += strlen(what);
	}
	return n;
}

/* Three series of which the middle one has no point; in group "b" the last one alone. */
static void
test_groups(void **state)
{
	static const char *const groups[] = {"a", "<b>"}, *const series[] = {"one", "two",
	    "three&"};
	const struct plot_point points[] = {{0, 0.25, 0.2, 0.3, 1, "first"}, {0},
	    {0, 0.5, 0.4, 0.6, 1, "\"x\""},
	    {0}, {0}, {0, 7, -1, 2, 1, "far"}};
	const struct plot_groups plot = {"title", groups, series, 2, 3, points};
	double x[8], y[8];
	struct text out;
	const char *at;
	size_t n = 0, i;

	text_init(&out);
	plot_groups(&out, &plot);
	/* the drawing, and a mark of each series that has a point */
	assert_int_equal(count(&out, "<svg"), 3);
	assert_int_equal(count(&out, "<li>"), 2);
	assert_int_equal(count(&out, "class=\"series-0\" t"), 2); /* legend and point */
	assert_int_equal(count(&out, "class=\"series-1\""), 0);
	assert_int_equal(count(&out, "class=\"series-2\" t"), 3);
	assert_int_equal(count(&out, "series-2\" x1"), 2); /* intervals */
	assert_int_equal(count(&out, "&lt;b&gt;"), 1);
	assert_int_equal(count(&out, "three&amp;"), 1);
	assert_int_equal(count(&out, "<b>") + count(&out, "\"x\""), 0);
	assert_int_equal(count(&out, "two"), 0);
	assert_int_equal(count(&out, "first: 25.0 % (20.0 to 30.0)"), 1);
	for (at = out.data; (at = strstr(at, "translate(")) != NULL && n < 8; n++)
		assert_int_equal(sscanf(at++, "translate(%lf %lf)", &x[n], &y[n]), 2);
	assert_int_equal(n, 5);
	/* Behind the legend's two: left of one another as they are, each a line lower. */
	assert_true(x[2] < x[3] && x[3] < x[4]);
	assert_true(y[2] < y[3] && y[3] < y[4]);
	assert_true(x[3] - x[2] > 100);
	/* What lies outside of 0 to 1 is drawn at the end. */
	for (i = 0; i < n; i++)
		assert_true(x[i] >= 0 && x[i] <= 1120);
	text_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_groups)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
