/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The text formats: every cell rule on a few rows of the flow and finding schemas, the
 * --fields parser, every field of both schemas in every format, and failed writes.
 */
#include "report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/text.h"
#include "model/batch.h"
#include "model/finding.h"
#include "model/flow.h"
#include "model/catalogue.h"
#include "model/sink.h"

static const struct schema *const schemas[] = {&flow_schema, &finding_schema,
    &catalogue_schema};

static void
add_flow(struct batch *b, unsigned i)
{
	static const uint64_t marks[] = {1, 2, 1ull << 62};
	struct flow f = {0};

	flow_set(&f, start, 1795392000000000 + i);
	flow_set(&f, end, 1795392001500000 + i);
	flow_set(&f, src, addr_v4(0xc0000200 + i % 200));
	flow_set(&f, dst, addr_v4(0xc6336401));
	flow_set(&f, proto, i % 3 == 2 ? 1 : 6);
	flow_set(&f, bytes, i == 0 ? UINT64_MAX : i);
	flow_set(&f, packets, 1);
	if (i % 3 != 2) {
		flow_set(&f, src_port, 40000);
		flow_set(&f, dst_port, 443);
	}
	if (i == 1)
		flow_set(&f, extra, ((struct str){"a\t\"b\",\\\n\x1b[31mz", 14}));
	if (i == 2)
		flow_set(&f, extra, ((struct str){"", 0}));
	if (i == 0)
		flow_set(&f, marks, ((struct list){marks, 3}));
	batch_append(b, &f);
}

/* What a config prints for n flows; free it. */
static char *
printed(struct report_config config, const char *names, unsigned n)
{
	struct batch *b = batch_new(&flow_schema, n + 1);
	unsigned fields[SCHEMA_FIELDS_MAX], i;
	struct sink *sink;
	struct err err = {0};
	char *out = calloc(1, 4u << 20);
	FILE *file = tmpfile();
	ssize_t got;

	assert_non_null(file);
	config.fd = fileno(file);
	config.schema = &flow_schema;
	assert_int_equal(report_fields(&flow_schema, names, fields, &config.n, &err), 0);
	config.fields = fields;
	for (i = 0; i < n; i++)
		add_flow(b, i);
	assert_int_equal(report_open(&config, &sink, &err), 0);
	if (n > 0)
		assert_int_equal(sink_push(sink, b, &err), 0);
	assert_int_equal(sink_close(sink, &err), 0);
	got = pread(fileno(file), out, (4u << 20) - 1, 0);
	assert_true(got >= 0);
	fclose(file);
	batch_free(b);
	return out;
}

static void
assert_printed(struct report_config config, const char *names, unsigned n,
	       const char *want)
{
	char *got = printed(config, names, n);

	assert_string_equal(got, want);
	free(got);
}

static void
test_tsv(void **state)
{
	assert_printed((struct report_config){.format = REPORT_TSV},
		       "src,dst_port,bytes,extra", 3,
		       "src\tdst_port\tbytes\textra\n"
		       "192.0.2.0\t443\t18446744073709551615\t\n"
		       "192.0.2.1\t443\t1\ta\\t\"b\",\\\\\\n\x1b[31mz\n"
		       "192.0.2.2\t\t2\t\n");
	assert_printed((struct report_config){.format = REPORT_TSV, .no_header = true},
		       "bytes", 2, "18446744073709551615\n1\n");
}

static void
test_csv(void **state)
{
	assert_printed((struct report_config){.format = REPORT_CSV},
		       "dst_port,extra,marks", 3,
		       "dst_port,extra,marks\r\n"
		       "443,,1 2 4611686018427387904\r\n"
		       "443,\"a\t\"\"b\"\",\\\n\x1b[31mz\",\r\n"
		       ",\"\",\r\n");
}

static void
test_ndjson(void **state)
{
	assert_printed((struct report_config){.format = REPORT_NDJSON},
		       "start,duration,proto,dst_port,bytes,reverse_bytes,extra,marks", 3,
		       "{\"start\":\"2026-11-23T00:00:00.000000Z\",\"duration\":1.500000,"
		       "\"proto\":\"tcp\","
		       "\"dst_port\":443,\"bytes\":18446744073709551615,"
		       "\"marks\":[1,2,4611686018427387904]}\n"
		       "{\"start\":\"2026-11-23T00:00:00.000001Z\",\"duration\":1.500000,"
		       "\"proto\":\"tcp\","
		       "\"dst_port\":443,\"bytes\":1,"
		       "\"extra\":\"a\\t\\\"b\\\",\\\\\\n\\u001b[31mz\"}\n"
		       "{\"start\":\"2026-11-23T00:00:00.000002Z\",\"duration\":1.500000,"
		       "\"proto\":\"icmp\","
		       "\"bytes\":2,\"extra\":\"\"}\n");
}

static void
test_table(void **state)
{
	assert_printed(
	    (struct report_config){.format = REPORT_TABLE},
	    "src,dst_port,reverse_bytes,bytes,extra", 3,
	    "Source            DPort    Rev Bytes                 Bytes  Extra\n"
	    "192.0.2.0           443            -  18446744073709551615  -\n"
	    "192.0.2.1           443            -                     1  "
	    "a?\"b\",\\??[31mz\n"
	    "192.0.2.2             -            -                     2  \n");
	assert_printed((struct report_config){.format = REPORT_TABLE, .is_color = true},
		       "proto", 1, "\033[1mProto\033[0m\ntcp\n");
	assert_printed((struct report_config){.format = REPORT_TABLE}, "src,bytes", 0,
		       "Source                 Bytes\n");
}

/* More rows than a page and more bytes than a block: nothing lost, nothing twice. */
static void
test_many_rows(void **state)
{
	char *got = printed((struct report_config){.format = REPORT_TSV}, "bytes", 20000);
	char *at = strchr(got, '\n') + 1;
	unsigned i;

	at = strchr(at, '\n') + 1;
	for (i = 1; i < 20000; i++)
		assert_int_equal(strtoul(at, &at, 10), i);
	assert_string_equal(at, "\n");
	free(got);
}

/* The fields of a layout by layout.def. */
static const char *
layout_of(const char *schema, const char *name)
{
	static const char *const rows[][3] = {
#define LAYOUT(schema, name, fields, ...) {schema, name, fields},
#include "report/layout.def"
#undef LAYOUT
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i][0], schema) == 0 && strcmp(rows[i][1], name) == 0)
			return rows[i][2];
	fail_msg("layout.def has no %s of %s", name, schema);
	return NULL;
}

static void
test_fields(void **state)
{
	unsigned fields[SCHEMA_FIELDS_MAX], n, k;
	struct err err = {0};
	const char *at;
	size_t i, len;

	for (i = 0; i < 2; i++) {
		assert_int_equal(report_fields(schemas[i], NULL, fields, &n, &err), 0);
		at = layout_of(schemas[i]->name, "line");
		for (k = 0; *at != '\0'; k++, at += len + (at[len] == ',')) {
			len = strcspn(at, ",");
			assert_true(k < n);
			assert_int_equal(fields[k], schema_find(schemas[i], at, len));
		}
		assert_int_equal(n, k);
		assert_int_equal(report_fields(schemas[i], "all", fields, &n, &err), 0);
		assert_int_equal(n, schemas[i]->stored);
	}
	assert_int_equal(
	    report_fields(&flow_schema, "bytes,line,vlan,vlan", fields, &n, &err), 0);
	assert_int_equal(n, 13);
	assert_int_equal(fields[0], FLOW_bytes);
	assert_int_equal(fields[12], FLOW_vlan);
	assert_int_equal(report_fields(&flow_schema, "byts", fields, &n, &err), -1);
	assert_non_null(strstr(err.text, "did you mean 'bytes'"));
	err_clear(&err);
	assert_int_equal(report_fields(&flow_schema, "bytes,", fields, &n, &err), -1);
}

/* All rows of layout.def must name fields that there are. */
static void
test_layouts(void **state)
{
	static const char *const rows[][2] = {
#define LAYOUT(schema, name, ...) {schema, name},
#include "report/layout.def"
#undef LAYOUT
	};
	unsigned fields[SCHEMA_FIELDS_MAX], n;
	struct err err = {0};
	size_t i, j;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		for (j = 0; strcmp(schemas[j]->name, rows[i][0]) != 0; j++)
			assert_true(j + 1 < sizeof schemas / sizeof *schemas);
		if (report_fields(schemas[j], rows[i][1], fields, &n, &err) != 0)
			fail_msg("%s", err.text);
	}
}

static void
test_every_field(void **state)
{
	unsigned format;

	for (format = 0; format < REPORT_FORMATS; format++)
		free(printed((struct report_config){.format = format}, "all", 3));
}

static void
fail_to(int fd, int code)
{
	struct report_config config = {
	    .fd = fd, .name = "there", .format = REPORT_TSV, .schema = &flow_schema};
	struct batch *b = batch_new(&flow_schema, 8);
	struct sink *sink;
	struct err err = {0};

	add_flow(b, 0);
	assert_int_equal(report_open(&config, &sink, &err), 0);
	assert_int_equal(sink_push(sink, b, &err), 0);
	assert_int_equal(sink_flush(sink, &err), -1);
	assert_int_equal(err.code, code);
	assert_non_null(strstr(err.text, "there"));
	err_clear(&err);
	assert_int_equal(sink_push(sink, b, &err), -1);
	err_clear(&err);
	assert_int_equal(sink_close(sink, &err), -1);
	batch_free(b);
}

static void
test_failed_writes(void **state)
{
	int fd = open("/dev/full", O_WRONLY), ends[2];

	assert_true(fd >= 0);
	fail_to(fd, ENOSPC);
	close(fd);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	fail_to(ends[1], EPIPE);
	close(ends[1]);
}

static void
test_format_names(void **state)
{
	enum report_format format, got;
	struct err err = {0};
	struct text help;

	for (format = 0; format < REPORT_FORMATS; format++) {
		assert_int_equal(
		    report_format_parse(report_format_name(format), &got, &err), 0);
		assert_int_equal(got, format);
	}
	assert_int_equal(report_format_parse("xml", &got, &err), -1);
	assert_non_null(strstr(err.text, "ndjson"));
	text_init(&help);
	report_help(&help, &flow_schema);
	assert_non_null(strstr(help.data, "spans"));
	text_done(&help);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tsv),           cmocka_unit_test(test_csv),
	    cmocka_unit_test(test_ndjson),        cmocka_unit_test(test_table),
	    cmocka_unit_test(test_many_rows),     cmocka_unit_test(test_fields),
	    cmocka_unit_test(test_layouts),       cmocka_unit_test(test_every_field),
	    cmocka_unit_test(test_failed_writes), cmocka_unit_test(test_format_names),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
