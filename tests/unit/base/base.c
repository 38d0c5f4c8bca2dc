/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base: errors keep the first cause, cursors fail stickily, texts escape and numbers
 * parse strictly.
 */
#include "base/cursor.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void
err_keeps_the_first(void **state)
{
	struct err err = {0};

	assert_int_equal(err_set(&err, 5, "file %d", 7), -1);
	err_set(&err, 9, "later");
	assert_int_equal(err.code, 5);
	err_prefix(&err, "line %d: ", 3);
	assert_string_equal(err.text, "line 3: file 7");
	assert_int_equal(err_set(NULL, 1, "nobody listens"), -1);
}

static void
cursor_fails_stickily(void **state)
{
	uint8_t bytes[] = {1, 2, 3, 4, 5};
	struct cursor c = cursor_over(bytes, sizeof bytes), sub;

	assert_int_equal(cursor_be16(&c), 0x0102);
	sub = cursor_sub(&c, 2);
	assert_int_equal(cursor_be32(&sub), 0);
	assert_false(cursor_ok(&sub));
	assert_true(cursor_ok(&c));
	assert_int_equal(cursor_be16(&c), 0);
	assert_false(cursor_ok(&c));
	assert_int_equal(cursor_u8(&c), 0); /* though a byte was left */
	assert_int_equal(cursor_left(&c), 0);
}

static void
text_escapes(void **state)
{
	static const char hard[] = "a\"\\\n\x01\xc3\xa4\xff<";
	struct text t;

	text_init(&t);
	text_json(&t, hard, sizeof hard - 1);
	assert_string_equal(t.data, "\"a\\\"\\\\\\n\\u0001\xc3\xa4\xef\xbf\xbd<\"");
	text_clear(&t);
	text_tsv(&t, "a\tb\n\r\\c", 7);
	assert_string_equal(t.data, "a\\tb\\n\\r\\\\c");
	text_clear(&t);
	text_html(&t, "<a&'\">", 6);
	assert_string_equal(t.data, "&lt;a&amp;&#39;&quot;&gt;");
	text_clear(&t);
	text_u64(&t, UINT64_MAX);
	text_i64(&t, INT64_MIN);
	assert_string_equal(t.data, "18446744073709551615-9223372036854775808");
	text_clear(&t);
	text_f64(&t, 0.1);
	text_char(&t, ' ');
	text_f64(&t, 1.0 / 3);
	assert_string_equal(t.data, "0.1 0.3333333333333333");
	text_done(&t);
}

/* The shortest of the C library's ways to print a number that reads back. */
static void
print_slowly(double v, char *out, size_t n)
{
	int digits;

	for (digits = 6; digits < 17; digits++) {
		snprintf(out, n, "%.*g", digits, v);
		if (strtod(out, NULL) == v)
			return;
	}
	snprintf(out, n, "%.17g", v);
}

static void
real_is(double v)
{
	char slow[64];
	struct text t;
	int digits;

	text_init(&t);
	text_f64(&t, v);
	print_slowly(v, slow, sizeof slow);
	assert_string_equal(t.data, slow);
	for (digits = 1; digits <= 17; digits++) {
		text_clear(&t);
		text_real(&t, v, digits);
		snprintf(slow, sizeof slow, "%.*g", digits, v);
		assert_string_equal(t.data, slow);
	}
	text_done(&t);
}

/* Reals print as the C library prints them: of all sizes, with few digits and many, beside
 * powers of ten and of two, and halfway between two roundings. */
static void
reals_are_those_of_printf(void **state)
{
	static const double hard[] = {0,      -0.0,	1,     -1,     0.5,   1e-4,   9.9e-5,
				      1e6,    999999.5, 99.5,  0.0995, 0.125, 2.5,    0.25,
				      1e-300, 5e-324,	1e300, 123456, 0.3,   0.1 + 0.2};
	uint64_t seed = 20261130, i;
	double v, power;

	for (i = 0; i < sizeof hard / sizeof hard[0]; i++)
		real_is(hard[i]);
	for (power = 1e-6; power < 1e8; power *= 10) {
		real_is(power);
		real_is(nextafter(power, 0));
		real_is(nextafter(power, INFINITY));
	}
	for (power = 1e-7; power < 1e8; power *= 2) {
		real_is(power);
		real_is(nextafter(power, 0));
		real_is(nextafter(power, INFINITY));
	}
	for (i = 0; i < 20000; i++) {
		seed = mix64(seed, i);
		v = (double)(seed >> 11) / 9007199254740992.0;
		real_is(v);
		real_is(1 - v * v * v * v * 1e-6);
		real_is(v * 1000);
		real_is(floor(v * 1e6) / 1e3);
		real_is(floor(v * 4096) / 4096);
		real_is(exp(40 * (v - 0.5)));
	}
}

static void
numbers_are_strict(void **state)
{
	uint64_t u;
	int64_t i;
	double f;

	assert_true(parse_u64("18446744073709551615", 20, &u));
	assert_true(u == UINT64_MAX);
	assert_false(parse_u64("18446744073709551616", 20, &u));
	assert_false(parse_u64("-1", 2, &u));
	assert_false(parse_u64("", 0, &u));
	assert_false(parse_u64(" 1", 2, &u));
	assert_true(parse_i64("-9223372036854775808", 20, &i));
	assert_true(i == INT64_MIN);
	assert_false(parse_i64("9223372036854775808", 19, &i));
	assert_true(parse_f64("1e3", 3, &f) && f == 1000);
	assert_false(parse_f64("nan", 3, &f));
	assert_false(parse_f64("1x", 2, &f));
}

static void
crc_is_that_of_gzip(void **state)
{
	assert_int_equal(crc32_of(0, "123456789", 9), 0xcbf43926);
}

int
main(void)
{
	const struct CMUnitTest group[] = {
		cmocka_unit_test(err_keeps_the_first),
		cmocka_unit_test(cursor_fails_stickily),
		cmocka_unit_test(text_escapes),
		cmocka_unit_test(reals_are_those_of_printf),
		cmocka_unit_test(numbers_are_strict),
		cmocka_unit_test(crc_is_that_of_gzip),
	};

	return cmocka_run_group_tests_name("base", group, NULL, NULL);
}
