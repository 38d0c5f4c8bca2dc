/* SPDX-License-Identifier: BSD-2-Clause */
/* What is downloaded for reference, and what is summed up of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "lab/measure.h"
#include "lab/targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char folder[512];

static const char *
path_of(const char *name)
{
	static char path[4][600];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof path[0], "%s/%s", folder, name);
	return p;
}

static const char *
file_of(const char *name, const char *text)
{
	const char *path = path_of(name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	return path;
}

static void
test_urls(void **state)
{
	static const struct {
		const char *url, *name, *path;
		uint16_t port;
	} good[] = {
	    {"http://a/b/c%20d.bin", "c d.bin", "b/c%20d.bin", 80},
	    {"https://a/b/c.bin?x=1#y", "c.bin", "b/c.bin?x=1", 443},
	    {"http://a:8080/c%0ad%5c", "c?d?", "c%0ad%5c", 8080},
	    {"http://[2001:db8::1]/x", "x", "x", 80},
	    {"https://[2001:db8::1]:444/%4", "%4", "%4", 444},
	    {"http://a", "a", "", 80},
	    {"http://a/b/", "b", "b/", 80},
	};
	static const char *const bad[] = {"", "a/b", "ftp://a/b", "http://", "http:///b",
	    "http://:80/",
	    "http://u@h/", "http://u:p@h/", "http://a:0/", "http://a:65536/",
	    "http://a:x/",
	    "http://a/b c", "http://a/b\tc", "http://a/\"", "http://a/\\"};
	struct lab_targets t;
	struct err err;
	size_t i;
	char *longest;

	lab_targets_init(&t);
	for (i = 0; i < sizeof good / sizeof *good; i++) {
		err_clear(&err);
		if (lab_targets_add(&t, good[i].url, NULL, &err) != 0)
			fail_msg("%s: %s", good[i].url, err.text);
		assert_string_equal(lab_target_text(&t, t.list[i].name), good[i].name);
		assert_string_equal(lab_target_text(&t, t.list[i].path), good[i].path);
		assert_int_equal(t.list[i].port, good[i].port);
		assert_int_equal(t.list[i].is_tls, good[i].url[4] == 's');
	}
	assert_string_equal(lab_target_text(&t, t.list[1].url), "https://a/b/c.bin?x=1");
	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		err_clear(&err);
		if (lab_targets_add(&t, bad[i], NULL, &err) == 0)
			fail_msg("'%s' was taken", bad[i]);
		assert_true(err.code != 0 && err.text[0] != '\0');
	}
	longest = calloc(1, LAB_URL_MAX + 20);
	memset(longest, 'a', LAB_URL_MAX + 10);
	memcpy(longest, "http://h/", 9);
	assert_int_equal(lab_targets_add(&t, longest, NULL, &err), -1);
	free(longest);
	assert_int_equal(t.count, sizeof good / sizeof *good);
	lab_targets_done(&t);
}

/* A list is settled: by URL, without doubles, and each file with a name of its own. */
static void
test_lists(void **state)
{
	struct lab_targets t;
	struct err err = {0};

	lab_targets_init(&t);
	if (lab_targets_read(&t,
	    file_of("urls", "# a list\n\nhttp://h/b/x\r\nhttp://h/a/x\thers\n"
	    "http://h/c/x\nhttp://h/c/x\nhttp://g/y"), &err) != 0)
		fail_msg("%s", err.text);
	lab_targets_settle(&t);
	assert_int_equal(t.count, 4);
	assert_string_equal(lab_target_text(&t, t.list[0].name), "y");
	assert_string_equal(lab_target_text(&t, t.list[1].name), "hers");
	assert_string_equal(lab_target_text(&t, t.list[2].name), "http://h/b/x");
	assert_string_equal(lab_target_text(&t, t.list[3].name), "http://h/c/x");
	lab_targets_done(&t);
	lab_targets_init(&t);
	assert_int_equal(lab_targets_read(&t, file_of("bad", "http://h/x\nnonsense\n"),
	    &err), -1);
	assert_non_null(strstr(err.text, "bad: line 2: 'nonsense' is no URL"));
	err_clear(&err);
	assert_int_equal(lab_targets_read(&t, file_of("none", "# nothing\n"), &err), -1);
	assert_non_null(strstr(err.text, "no URL in it"));
	lab_targets_done(&t);
	lab_targets_init(&t);
	assert_int_equal(lab_targets_listed(&t, file_of("listing.tsv",
	    "name\tsize\tpath\thost\nx\t1\ta/x%20y\th:81\nz\t1\t\th\n"),
	    "https://h:81/a/", NULL), 0);
	assert_int_equal(t.count, 1);
	assert_string_equal(lab_target_text(&t, t.list[0].url), "https://h:81/a/x%20y");
	lab_targets_done(&t);
}

static void
test_folder(void **state)
{
	struct lab_targets t;
	struct err err = {0};

	lab_targets_init(&t);
	mkdir(path_of("walk"), 0777);
	mkdir(path_of("walk/sub"), 0777);
	assert_int_equal(lab_targets_walk(&t, path_of("walk"), "http://h", &err), -1);
	assert_non_null(strstr(err.text, "no files in it"));
	file_of("walk/b+c d", "x");
	file_of("walk/.hidden", "x");
	file_of("walk/sub/100%", "x");
	err_clear(&err);
	if (lab_targets_walk(&t, path_of("walk"), "http://h", &err) != 0)
		fail_msg("%s", err.text);
	lab_targets_settle(&t);
	assert_int_equal(t.count, 2);
	assert_string_equal(lab_target_text(&t, t.list[0].url), "http://h/b%2Bc%20d");
	assert_string_equal(lab_target_text(&t, t.list[0].name), "b+c d");
	assert_string_equal(lab_target_text(&t, t.list[1].url), "http://h/sub/100%25");
	assert_string_equal(lab_target_text(&t, t.list[1].name), "sub/100%");
	lab_targets_done(&t);
}

/* Three downloads of one file, one of another that the meter did not see. */
static void
test_measures(void **state)
{
	static const char *const urls[] = {"http://h/a", "http://h/b", "http://h/a",
	    "http://h/a"};
	struct lab_downloads d;
	struct lab_records r;
	struct lab_measures m;
	struct err err = {0};
	struct lab_measure_input in = {&d, &r, urls, 2000000};

	if (lab_downloads_read(&d,
	    file_of("d.tsv", "client\tclient_port\tstart\tname\tsize\n"
	    "10.0.0.1\t1\t100\ta\t1000\n"
	    "10.0.0.1\t2\t110\tb\t2000\n"
	    "10.0.0.1\t3\t120\ta\t1000\n"
	    "10.0.0.1\t4\t130\ta\t1010\n"), &err) != 0 ||
	    lab_rows_read(&r, file_of("r.tsv",
	    "start\tend\tsrc\tdst\tsrc_port\tdst_port\tbytes\t"
	    "packets\treverse_bytes\treverse_packets\treverse_retransmitted\tspan\treverse_span\n"
	    "100.1\t101\t10.0.0.1\t10.9.9.9\t1\t80\t300\t5\t1500\t4\t0\t80\t1200\n"
	    "120.1\t121\t10.0.0.1\t10.9.9.9\t3\t80\t300\t5\t2948\t5\t1448\t80\t1200\n"
	    "130.1\t131\t10.0.0.1\t10.9.9.9\t4\t80\t300\t5\t1600\t6\t0\t82\t1211\n"), &d,
	    &err) != 0)
		fail_msg("%s", err.text);
	lab_measure(&in, &m);
	assert_int_equal(m.downloads, 4);
	assert_int_equal(m.metered, 3);
	assert_int_equal(m.count, 2);
	assert_true(m.list[0].name.len == 1 && m.list[0].name.data[0] == 'a');
	assert_int_equal(m.list[0].downloads, 3);
	assert_int_equal(m.list[0].metered, 3);
	assert_int_equal(m.list[0].size, 1010);
	assert_int_equal(m.list[0].sizes, 2);
	assert_int_equal(m.list[0].span, 1200);
	assert_int_equal(m.list[0].span_low, 1200);
	assert_int_equal(m.list[0].span_high, 1211);
	assert_int_equal(m.list[0].header, 200);
	assert_int_equal(m.list[0].request, 80);
	assert_int_equal(m.list[0].bytes, 1600);
	assert_int_equal(m.list[0].bytes_low, 1500);
	assert_int_equal(m.list[0].bytes_high, 2948);
	assert_int_equal(m.list[0].packets, 5);
	assert_int_equal(m.list[0].again, 1448);
	assert_int_equal(m.list[1].metered, 0);
	assert_false(row_has(m.list[1].present, LAB_MEASURE_span));
	assert_false(row_has(m.list[1].present, LAB_MEASURE_bytes));
	lab_measures_done(&m);
	lab_records_done(&r);
	lab_downloads_done(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_urls), cmocka_unit_test(test_lists),
	    cmocka_unit_test(test_folder), cmocka_unit_test(test_measures),
	};

	snprintf(folder, sizeof folder, "%s", getenv("WEIR_TMP") ? getenv("WEIR_TMP")
	    : "/tmp");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
