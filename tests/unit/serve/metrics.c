/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The exposition format, line by line: names, escapes, whole numbers beyond 2^53.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/text.h"
#include "serve/metrics.h"
#include "serve/server.h"

#include <string.h>

static void
test_families(void **state)
{
	static const struct counter_row rows[] = {{"packets", "packets\\metered"},
	    {"bytes", "two\nlines"}};
	static const uint64_t values[] = {UINT64_MAX, 0};
	struct text t;

	(void)state;
	text_init(&t);
	metrics_counters(&t, "meter", rows, values, 2);
	metrics_gauge(&t, "weir_meter_active_flows", "flows \"now\"", 7);
	metrics_family(&t, "weir_x_seconds", METRIC_GAUGE, "a time");
	metrics_sample(&t, "weir_x_seconds", "file", "a\\b\"c\nd", 0.25);
	metrics_sample_labels(&t, "weir_y", (const struct metric_label[]){{"a", "1"},
	    {"b", "\""}}, 2, 3);
	assert_string_equal(t.data,
	    "# HELP weir_meter_packets_total meter: packets\\\\metered\n"
	    "# TYPE weir_meter_packets_total counter\n"
	    "weir_meter_packets_total 18446744073709551615\n"
	    "# HELP weir_meter_bytes_total meter: two\\nlines\n"
	    "# TYPE weir_meter_bytes_total counter\n"
	    "weir_meter_bytes_total 0\n"
	    "# HELP weir_meter_active_flows flows \"now\"\n"
	    "# TYPE weir_meter_active_flows gauge\n"
	    "weir_meter_active_flows 7\n"
	    "# HELP weir_x_seconds a time\n"
	    "# TYPE weir_x_seconds gauge\n"
	    "weir_x_seconds{file=\"a\\\\b\\\"c\\nd\"} 0.25\n"
	    "weir_y{a=\"1\",b=\"\\\"\"} 3\n");
	text_done(&t);
}

/* Names made of a counter table are names to Prometheus: [a-z_][a-z0-9_]*. */
static void
test_counter_ids(void **state)
{
	size_t i, len;

	(void)state;
	for (i = 0; i < SERVE_COUNTERS; i++) {
		len = strlen(serve_counter_rows[i].id);
		assert_true(len > 0);
		assert_int_equal(strspn(serve_counter_rows[i].id,
		    "abcdefghijklmnopqrstuvwxyz0123456789_"), len);
		assert_true(strlen(serve_counter_rows[i].help) > 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_counter_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
