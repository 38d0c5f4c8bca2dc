/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model types: every type prints what it parses (machine style), over the type table;
 * times and addresses at their edges.
 */
#include "base/text.h"
#include "model/batch.h"
#include "model/flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* For each type texts that must survive parse and print, and one that must be refused. */
static const struct sample {
	const char *good[4];
	const char *bad;
} samples[TYPES] = {
	[TYPE_bool] = {{"0", "1"}, "2"},
	[TYPE_u8] = {{"0", "255"}, "256"},
	[TYPE_u16] = {{"0", "65535"}, "65536"},
	[TYPE_u32] = {{"0", "2147483648", "4294967295"}, "4294967296"},
	[TYPE_u64] = {{"0", "9223372036854775808", "18446744073709551615"}, "-1"},
	[TYPE_f64] = {{"0.5", "-3", "1e+30"}, "x"},
	[TYPE_probability] = {{"0", "1", "0.125"}, ""},
	[TYPE_time] = {{"1970-01-01T00:00:00.000000Z", "2026-11-23T10:05:12.345678Z",
	    "1969-12-31T23:59:59.999999Z", "2024-02-29T00:00:00.000000Z"}, "2026-02-29"},
	[TYPE_duration] = {{"0.000000", "86400.123456", "-0.500000"}, "1:00"},
	[TYPE_addr] = {{"0.0.0.0", "128.0.0.0", "2001:db8::1", "::ffff:192.0.2.1"},
	    "1.2.3"},
	[TYPE_mac] = {{"02:00:00:00:00:01", "ff:ff:ff:ff:ff:ff"}, "02:00:00:00:00"},
	[TYPE_text] = {{"a", "ä b"}, NULL},
	[TYPE_list_u64] = {{"1", "1 2 18446744073709551615"}, "1,2"},
	[TYPE_protocol] = {{"tcp", "udp", "200"}, "tpc"},
	[TYPE_tcp_flags] = {{"...AP.SF", "CEUAPRSF", "0x0100"}, "Q"},
	[TYPE_direction] = {{"syn", "first", "9"}, "maybe"},
	[TYPE_end_reason] = {{"end", "idle"}, "bored"},
	[TYPE_span_kind] = {{"exact", "by_ack"}, "about"},
	[TYPE_kind] = {{"whole", "unknown"}, "half"},
	[TYPE_grade] = {{"span", "plain"}, "good"},
};

static void
types_print_what_they_parse(void **state)
{
	struct field field = {.id = "f", .heading = "F", .offset = 8, .pair = 0};
	struct schema schema = {.name = "t", .count = 1, .stored = 1, .words = 1,
	    .row_size = 64, .fields = &field};
	struct str cells[5];
	uint32_t ends[5];
	unsigned t, n, i;

	for (t = 0; t < TYPES; t++) {
		struct batch *batch;
		struct column *c;
		struct text out;

		field.type = t;
		batch = batch_new(&schema, 8);
		c = batch_flat(batch, 0);
		text_init(&out);
		for (n = 0; n < 4 && samples[t].good[n] != NULL; n++)
			cells[n] = (struct str){samples[t].good[n],
			    (uint32_t)strlen(samples[t].good[n])};
		assert_in_range(n, 2, 4); /* a type without samples is not tested */
		cells[n++] = (struct str){"", 0};
		assert_int_equal(types[t].parse(c, 0, cells, n), n);
		batch->rows = n;
		types[t].print(&out, c, 0, n, ends, STYLE_MACHINE);
		for (i = 0; i + 1 < n; i++) {
			uint32_t from = i == 0 ? 0 : ends[i - 1];

			assert_int_equal(ends[i] - from, cells[i].len);
			assert_memory_equal(out.data + from, cells[i].data, cells[i].len);
			assert_false(column_is_null(c, i));
		}
		assert_true(column_is_null(c, n - 1));
		assert_int_equal(ends[n - 1], ends[n - 2]);
		if (samples[t].bad != NULL && samples[t].bad[0] != '\0') {
			cells[0] = (struct str){samples[t].bad,
			    (uint32_t)strlen(samples[t].bad)};
			assert_int_equal(types[t].parse(c, 0, cells, 1), 0);
		}
		text_done(&out);
		batch_free(batch);
	}
}

static void
times_parse(void **state)
{
	int64_t us, other;

	assert_true(time_parse("1448272800.5", 12, &us) && us == 1448272800500000);
	assert_true(time_parse("1448272800500", 13, &us) && us == 1448272800500000);
	assert_true(time_parse("1448272800500.7", 15, &us) && us == 1448272800500700);
	assert_true(time_parse("1448272800500123", 16, &us) && us == 1448272800500123);
	assert_true(time_parse("1448272800500123999", 19, &us) && us == 1448272800500123);
	assert_true(time_parse("253402300799.5", 14, &us) && us == 253402300799500000);
	assert_true(time_parse("253402300800", 12, &us) && us == 253402300800000);
	assert_true(time_parse("2026-11-23", 10, &us));
	assert_true(time_parse("2026-11-23T01:00+01:00", 22, &other) && us == other);
	assert_true(time_parse("2026-11-23 00:00:00,0", 21, &other) && us == other);
	assert_false(time_parse("2026-13-01", 10, &us));
	assert_false(time_parse("2026-11-23T24:00", 16, &us));
	assert_false(time_parse("99999999999999999999", 20, &us));
	assert_false(time_parse("2026-11-23Tx", 12, &us));
}

static void
fields_are_well_formed(void **state)
{
	unsigned i;

	for (i = 0; i < flow_schema.count; i++) {
		const struct field *f = &flow_schema.fields[i];

		assert_non_null(f->heading);
		assert_non_null(f->help);
		assert_int_equal(schema_find(&flow_schema, f->id, strlen(f->id)), i);
		assert_int_equal(flow_schema.fields[f->pair].pair, i);
		assert_true((f->derivation == DERIVE_NONE) == (i < flow_schema.stored));
	}
	assert_string_equal(schema_nearest(&flow_schema, "byte", 4), "bytes");
	assert_null(schema_nearest(&flow_schema, "qqqqqqqq", 8));
}

int
main(void)
{
	const struct CMUnitTest group[] = {
		cmocka_unit_test(types_print_what_they_parse),
		cmocka_unit_test(times_parse),
		cmocka_unit_test(fields_are_well_formed),
	};

	return cmocka_run_group_tests_name("model types", group, NULL, NULL);
}
