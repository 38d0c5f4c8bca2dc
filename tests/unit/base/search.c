/* SPDX-License-Identifier: BSD-2-Clause */
/* base/search: of every table of up to six small numbers in order, part and key, as
 * counting does. */
#include "base/search.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { LENGTH = 6, VALUES = 4 };

static bool
is_before(const void *table, size_t i, uint64_t key)
{
	return ((const uint64_t *)table)[i] < key;
}

static bool
is_below(const void *table, size_t i, const void *key)
{
	return is_before(table, i, *(const uint64_t *)key);
}

static void
check(const uint64_t table[LENGTH])
{
	size_t low, high, i;
	uint64_t key;

	for (low = 0; low <= LENGTH; low++)
		for (high = low; high <= LENGTH; high++)
			for (key = 0; key <= VALUES; key++) {
				for (i = low; i < high && table[i] < key; i++)
					;
				assert_int_equal(search_first(table, low, high, key,
				    is_before), i);
				assert_int_equal(search_lower(table, low, high, &key,
				    is_below), i);
			}
}

/* Fills a table from an element on in all ways that keep it in order. */
static void
fill(uint64_t table[LENGTH], size_t from, uint64_t least)
{
	uint64_t value;

	if (from == LENGTH) {
		check(table);
		return;
	}
	for (value = least; value < VALUES; value++) {
		table[from] = value;
		fill(table, from + 1, value);
	}
}

static void
finds_what_counting_finds(void **state)
{
	uint64_t table[LENGTH];

	fill(table, 0, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(finds_what_counting_finds)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
