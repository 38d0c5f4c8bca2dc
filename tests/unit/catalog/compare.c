/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files beside files: lookups by size, candidates by grade of evidence, contradictions
 * and differences, each against a slow obvious twin or a table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "catalog/diff.h"
#include "catalog/leak.h"
#include "model/catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES = 1500, MSS = 100 };

static uint64_t state_of_random;

static uint64_t
next_random(void)
{
	return state_of_random = mix64(state_of_random, 0x1234567);
}

/* Sizes of all magnitudes, many of them equal or near each other. */
static uint64_t
random_size(void)
{
	static const uint64_t odd[] = {0, 1, 1023, 1024, 1025, 16384, 16385, INT64_MAX};
	uint64_t r = next_random();

	switch (r % 8) {
	case 0:
		return odd[r / 8 % 8];
	case 1:
		return r / 8 % 50;
	case 2:
		return 1000000 + r / 8 % 2000;
	default:
		return r >> (8 + r / 8 % 55);
	}
}

static struct catalog *
random_catalog(size_t n)
{
	struct catalog *c = catalog_new();
	char name[32], path[64];
	struct catalogue row;
	size_t i;

	for (i = 0; i < n; i++) {
		row = (struct catalogue){0};
		catalogue_set(&row, name,
			      ((struct str){name, (uint32_t)snprintf(name, sizeof name,
								     "f%zu", i)}));
		memset(path, 'x', sizeof path);
		catalogue_set(&row, path,
			      ((struct str){path, (uint32_t)(1 + next_random() % 3)}));
		catalogue_set(&row, size, random_size());
		assert_int_equal(catalog_add(c, &row, NULL), 0);
	}
	catalog_seal(c);
	return c;
}

static void
test_lookup(void **state)
{
	const struct catalog_file *files;
	uint64_t seed = random_seed(), size;
	struct catalog *c;
	size_t n, i, k, lower, from, to;
	bool found;

	state_of_random = seed;
	c = random_catalog(FILES);
	files = catalog_files(c);
	n = catalog_count(c);
	assert_int_equal(n, FILES);
	for (i = 0; i < 4 * n; i++) {
		size = i < 3 * n ? files[i / 3].size + i % 3 - 1 : random_size();
		for (lower = 0; lower < n && files[lower].size < size; lower++)
			;
		for (k = lower; k < n && files[k].size == size; k++)
			;
		from = to = SIZE_MAX;
		found = catalog_exact(c, size, &from, &to);
		if (catalog_lower(c, size) != lower || found != (k > lower) ||
		    (found && (from != lower || to != k)))
			fail_msg("seed %llu, size %llu", (unsigned long long)seed,
				 (unsigned long long)size);
	}
	catalog_free(c);
}

static uint64_t
apart(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* True if what is seen of file a may be file b's. */
static bool
fits(const struct leak_row *grade, const struct catalog_file *a,
    const struct catalog_file *b)
{
	uint64_t seen, k, most;

	switch (grade->how) {
	case LEAK_WITHIN:
		return apart(a->size, b->size) <= grade->value;
	case LEAK_SHARE:
		return apart(a->size, b->size) <= a->size / grade->value;
	case LEAK_PATH:
		return a->size == b->size && a->path_len == b->path_len;
	case LEAK_TLS:
		seen = a->size + (a->size + 16383) / 16384 * grade->value;
		if (b->size > seen || (seen - b->size) % grade->value != 0)
			return false;
		k = (seen - b->size) / grade->value;
		return k >= (b->size + 16383) / 16384 && k <= (b->size + 1349) / 1350;
	case LEAK_WIRE:
		if (b->size > a->size || (a->size - b->size) % MSS != 0)
			return false;
		most = 1 + b->size / MSS / 100;
		return (a->size - b->size) / MSS <= most;
	}
	return false;
}

static void
test_leak(void **state)
{
	const struct catalog_file *files;
	struct leak leak;
	uint32_t picks[FILES], wanted;
	uint64_t seed = random_seed();
	struct catalog *c;
	size_t i, k, g, n = 0;

	state_of_random = seed;
	c = random_catalog(FILES);
	files = catalog_files(c);
	for (i = 0; i < catalog_count(c); i++) {
		/* The twin's sums would overflow above. */
		if (i % 7 != 0 && files[i].size < (uint64_t)1 << 60)
			picks[n++] = (uint32_t)i;
	}
	leak_count(&leak, c, picks, n, MSS);
	assert_int_equal(leak.n, n);
	for (g = 0; g < LEAK_GRADES; g++) {
		for (i = 0; i < n; i++) {
			for (wanted = 0, k = 0; k < n; k++)
				wanted += fits(&leak_rows[g], &files[picks[i]],
				    &files[picks[k]]);
			if (leak.counts[g][i] != wanted)
				fail_msg("seed %llu: %s of size %llu: %u, not %u",
					 (unsigned long long)seed, leak_rows[g].id,
					 (unsigned long long)files[picks[i]].size,
					 leak.counts[g][i], wanted);
		}
	}
	leak_done(&leak);
	/* The largest sizes there may be count themselves at least. */
	for (n = 0; n < catalog_count(c); n++)
		picks[n] = (uint32_t)n;
	leak_count(&leak, c, picks, n, MSS);
	for (g = 0; g < LEAK_GRADES; g++) {
		for (i = 0; i < n; i++)
			assert_in_range(leak.counts[g][i], 1, n);
	}
	leak_done(&leak);
	catalog_free(c);
}

static struct catalog *
read_catalog(const char *text)
{
	struct catalog *c = catalog_new();
	struct err err = {0};

	if (catalog_read_bytes(c, text, strlen(text), "text", &err) != 0)
		fail_msg("%s", err.text);
	catalog_seal(c);
	return c;
}

static int
put_change(void *arg, const struct change *c, struct err *err)
{
	text_printf(arg, "%.*s %.*s %.*s>%.*s %llu>%llu\n", (int)c->change.len,
	    c->change.data, (int)c->name.len, c->name.data, (int)c->old_version.len,
		    c->old_version.len > 0 ? c->old_version.data : "",
		    (int)c->version.len,
		    c->version.len > 0 ? c->version.data : "",
		    (unsigned long long)c->old_size,
		    (unsigned long long)c->size);
	return 0;
}

static void
test_diff(void **state)
{
	static const char head[] = "name\tversion\tarch\tsize\tpath\n";
	static const struct {
		const char *old, *new, *wanted;
	} cases[] = {
	    {"", "", ""},
	    {"a\t1\t\t5\t\n", "a\t1\t\t5\t\n", ""},
	    {"a\t1\t\t5\t\n", "a\t2\t\t6\t\n", "changed a 1>2 5>6\n"},
	    {"a\t1\t\t5\t\n", "a\t1\t\t6\t\n", "changed a 1>1 5>6\n"},
	    {"a\t1\t\t5\tp\n", "a\t1\t\t5\tq\n", "changed a 1>1 5>5\n"},
	    {"a\t1\tx\t5\t\n", "a\t1\ty\t5\t\n", "removed a 1> 5>0\nadded a >1 0>5\n"},
	    {"b\t1\t\t5\t\n", "a\t1\t\t5\t\n", "added a >1 0>5\nremoved b 1> 5>0\n"},
	    /* two of the old stay, one is new */
	    {"a\t1\t\t5\t\na\t2\t\t6\t\n", "a\t1\t\t5\t\na\t2\t\t6\t\na\t3\t\t7\t\n",
	     "added a >3 0>7\n"},
	    /* of several that went and came nothing is guessed but by version */
	    {"a\t1\t\t5\t\na\t2\t\t6\t\n", "a\t2\t\t9\t\na\t3\t\t7\t\na\t4\t\t8\t\n",
	     "changed a 2>2 6>9\nremoved a 1> 5>0\nadded a >3 0>7\nadded a >4 0>8\n"},
	};
	struct catalog *old, *new;
	struct text text, got;
	size_t i;

	text_init(&text);
	text_init(&got);
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		text_clear(&got);
		text_clear(&text);
		text_printf(&text, "%s%s", head, cases[i].old);
		old = read_catalog(text.data);
		text_clear(&text);
		text_printf(&text, "%s%s", head, cases[i].new);
		new = read_catalog(text.data);
		assert_int_equal(catalog_diff(old, new, put_change, &got, NULL), 0);
		if (strcmp(got.data, cases[i].wanted) != 0)
			fail_msg("case %zu:\n%s wanted\n%s", i, got.data,
			    cases[i].wanted);
		catalog_free(old);
		catalog_free(new);
	}
	text_done(&text);
	text_done(&got);
}

static void
test_conflicts(void **state)
{
	static const struct {
		const char *rows;
		size_t wanted;
	} cases[] = {
	    {"a\t1\tp\t5\t\n", 0},
	    {"a\t1\tp\t5\t\na\t1\tp\t5\t\n", 0},
	    {"a\t1\tp\t5\t\na\t1\tp\t6\t\n", 1},
	    {"a\t1\tp\t5\t\na\t1\tp\t6\t\na\t1\tp\t7\t\n", 2},
	    {"a\t1\tp\t5\t\na\t2\tp\t6\t\n", 0},
	    {"a\t1\tp\t5\t\na\t1\tq\t6\t\n", 0},
	    {"a\t1\tp\t1000\t10\na\t1\tp\t1010\t\n", 0},
	    {"a\t1\tp\t1000\t10\na\t1\tp\t1011\t\n", 1},
	};
	struct text text;
	struct catalog *c;
	size_t i;

	text_init(&text);
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		text_clear(&text);
		text_printf(&text, "name\tversion\tpath\tsize\tslack\n%s", cases[i].rows);
		c = read_catalog(text.data);
		assert_int_equal(catalog_conflicts(c, NULL, NULL), cases[i].wanted);
		catalog_free(c);
	}
	text_done(&text);
}

static void
test_keep_exact(void **state)
{
	struct catalog *c = catalog_new();
	static const char text[] =
	    "name\tsize\tslack\na\t5\t\nb\t6\t1\nc\t7\t0\nd\t8\t9999999999\n";

	assert_int_equal(catalog_read_bytes(c, text, sizeof text - 1, "text", NULL), 0);
	assert_int_equal(catalog_files(c)[3].slack, UINT32_MAX);
	assert_int_equal(catalog_keep_exact(c), 2);
	catalog_seal(c);
	assert_int_equal(catalog_count(c), 2);
	assert_int_equal(catalog_files(c)[1].size, 7);
	catalog_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lookup),    cmocka_unit_test(test_leak),
	    cmocka_unit_test(test_diff),	    cmocka_unit_test(test_conflicts),
	    cmocka_unit_test(test_keep_exact),
	};

	return cmocka_run_group_tests_name("catalog: files beside files", tests, NULL,
	    NULL);
}
