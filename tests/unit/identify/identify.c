/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The identifier on simulated downloads: spans and requests against 60,000 files, unknown
 * files, octets and packets with retransmissions, records that contradict themselves, one
 * download seen twice, labels.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "catalog/catalog.h"
#include "identify/identify.h"
#include "identify/learn.h"
#include "model/batch.h"
#include "model/catalogue.h"
#include "model/finding.h"
#include "model/flow.h"
#include "model/sink.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES = 60000, HEADER_A = 118, HEADER_B = 127, REQUEST = 88, MSS = 1448 };

static uint64_t seed;

static uint32_t
draw(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((seed >> 33) % below);
}

static uint32_t
digits(uint64_t v)
{
	return v < 10 ? 1 : 1 + digits(v / 10);
}

/* Sizes as an archive has them: even in the logarithm, from 1 kB to 50 MB. */
static struct catalog *
archive(unsigned files)
{
	struct catalog *c = catalog_new();
	char name[32], path[128];
	unsigned i;

	for (i = 0; i < files; i++) {
		struct catalogue row = {0};
		int n = snprintf(name, sizeof name, "file%u", i);
		int m =
		    snprintf(path, sizeof path, "pool/main/%.*s/%s_1.%u+%u.deb",
			     (int)draw(40), "abcdefghijklmnopqrstuvwxyzabcdefghijklmn",
			     name, draw(100), draw(1000));

		catalogue_set(&row, name, ((struct str){name, (uint32_t)n}));
		catalogue_set(&row, path, ((struct str){path, (uint32_t)m}));
		catalogue_set(&row, size,
			      (uint64_t)exp(6.9 + draw(1000000) / 1e6 * 10.8));
		assert_int_equal(catalog_add(c, &row, NULL), 0);
	}
	catalog_seal(c);
	return c;
}

struct told {
	struct sink sink;
	struct finding findings[600];
	char names[600][64];
	size_t count;
};

static int
keep(struct sink *sink, struct batch *batch, struct err *err)
{
	struct told *told = (struct told *)sink;
	size_t i;

	for (i = 0; i < batch->rows; i++) {
		struct finding *f = &told->findings[told->count];

		assert_true(told->count < 600);
		batch_row(batch, i, f);
		snprintf(told->names[told->count++], 64, "%.*s",
			 finding_has(f, name) ? (int)f->name.len : 0,
			 finding_has(f, name) ? f->name.data : "");
	}
	return 0;
}

static struct told told;

static void
basic(struct flow *flow, unsigned i)
{
	*flow = (struct flow){0};
	flow_set(flow, start, 1700000000000000 + (int64_t)i * 1000000);
	flow_set(flow, end, flow->start + 500000);
	flow_set(flow, src, addr_v4(0x0a000001));
	flow_set(flow, dst, addr_v4(0xc6336401));
	flow_set(flow, src_port, (uint16_t)(20000 + i));
	flow_set(flow, dst_port, 80);
	flow_set(flow, proto, 6);
}

static void
with_spans(struct flow *flow, uint64_t request, uint64_t response)
{
	flow_set(flow, span, request);
	flow_set(flow, reverse_span, response);
	flow_set(flow, packets, 3 + response / 3000);
	flow_set(flow, bytes, request + 52 * flow->packets + 8);
	flow_set(flow, reverse_packets, 3 + response / MSS);
	flow_set(flow, reverse_bytes, response + 52 * flow->reverse_packets + 8);
}

static void
with_packets(struct flow *flow, uint64_t response, uint32_t again)
{
	uint64_t packets = (response + MSS - 1) / MSS + again + 3;

	flow_set(flow, packets, 5 + packets / 2);
	flow_set(flow, bytes, 52 * flow->packets + 8 + 150);
	flow_set(flow, reverse_packets, packets);
	flow_set(flow, reverse_bytes, response + again * MSS + 52 * packets + 8);
}

static void
give(struct identify *identify, const struct flow *flow)
{
	struct batch *batch = batch_new(&flow_schema, 1);

	batch_append(batch, flow);
	assert_int_equal(identify_batch(identify, batch, NULL), 0);
	batch_free(batch);
}

static void
finish(struct identify *identify)
{
	struct err err = {0};

	told.count = 0;
	told.sink.push = keep;
	if (identify_finish(identify, &told.sink, &err) < 0)
		fail_msg("%s", err.text);
}

/* Half the downloads from the archive, with two header constants; the others of unknown
 * files. */
static void
test_spans(void **state)
{
	struct catalog *catalog = archive(FILES);
	const struct catalog_file *files = catalog_files(catalog);
	struct identify_config config = {.catalog = catalog};
	struct identify *identify = identify_new(&config);
	unsigned i, right = 0, wrong = 0, sure = 0, sure_wrong = 0;
	size_t picks[400];

	for (i = 0; i < 400; i++) {
		const struct catalog_file *file = &files[picks[i] = draw(FILES)];
		uint64_t size = i % 2 ? file->size : file->size * 3 / 2 + 37;
		struct flow flow;

		basic(&flow, i);
		with_spans(&flow, REQUEST + (i % 2 ? file->path_len : 40 + draw(60)),
			   size + digits(size) + (i % 8 < 2 ? HEADER_A : HEADER_B));
		give(identify, &flow);
	}
	finish(identify);
	assert_int_equal(told.count, 400);
	for (i = 0; i < 400; i++) {
		const char *name = catalog_text(catalog, files[picks[i]].name);
		bool is_right = i % 2 && strcmp(told.names[i], name) == 0;
		bool is_wrong = told.names[i][0] != '\0' && !is_right;

		right += is_right;
		wrong += is_wrong;
		sure += told.names[i][0] != '\0' && told.findings[i].probability >= 0.99;
		sure_wrong += is_wrong && told.findings[i].probability >= 0.99;
	}
	print_message("of 200 known %u right, %u wrong names; 0.99: %u, wrong %u\n",
		      right, wrong, sure, sure_wrong);
	assert_true(right >= 190);
	assert_true(wrong <= 4);
	assert_int_equal(sure_wrong, 0);
	identify_free(identify);
	catalog_free(catalog);
}

/* Octets and packets only, one segment in 250 sent again. */
static void
test_plain(void **state)
{
	struct catalog *catalog = archive(FILES);
	const struct catalog_file *files = catalog_files(catalog);
	struct identify_config config = {.catalog = catalog};
	struct identify *identify = identify_new(&config);
	unsigned i, k, right = 0, wrong = 0, sure_wrong = 0, sure = 0;
	size_t picks[200], from = catalog_lower(catalog, 1000000);

	for (i = 0; i < 200; i++) {
		const struct catalog_file *file =
		    &files[picks[i] = from + draw((uint32_t)(FILES - from))];
		uint64_t sent = file->size + digits(file->size) + 240;
		uint32_t again = 0;
		struct flow flow;

		for (k = 0; k < sent / MSS; k++)
			again += draw(250) == 0;
		basic(&flow, i);
		with_packets(&flow, sent, again);
		give(identify, &flow);
	}
	finish(identify);
	assert_int_equal(told.count, 200);
	for (i = 0; i < 200; i++) {
		const char *name = catalog_text(catalog, files[picks[i]].name);
		bool is_right = strcmp(told.names[i], name) == 0;

		right += is_right;
		wrong += told.names[i][0] != '\0' && !is_right;
		/* A set of files is no name. */
		if (told.names[i][0] == '\0' && told.findings[i].kind != KIND_unknown)
			continue;
		sure += told.findings[i].probability >= 0.99;
		sure_wrong += told.findings[i].probability >= 0.99 && !is_right;
	}
	print_message("of 200: %u right, %u wrong; 0.99: %u, wrong %u\n", right, wrong,
		      sure, sure_wrong);
	assert_true(right >= 150);
	assert_true(sure_wrong * 50 <= sure);
	identify_free(identify);
	catalog_free(catalog);
}

static uint64_t
count_of(const struct identify *identify, enum identify_counter counter)
{
	return identify_counters(identify)[counter];
}

static void
test_contradictions(void **state)
{
	struct catalog *catalog = archive(10);
	struct identify_config config = {.catalog = catalog};
	struct identify *identify = identify_new(&config);
	struct flow flow;

	basic(&flow, 0);
	with_packets(&flow, 5000, 0);
	flow_set(&flow, reverse_packets, 0);
	give(identify, &flow);
	flow_set(&flow, reverse_packets, 4000);
	give(identify, &flow);
	basic(&flow, 1);
	with_spans(&flow, 100, 5000);
	flow_set(&flow, reverse_span, 9000);
	give(identify, &flow);
	basic(&flow, 2);
	with_spans(&flow, 100, 5000);
	flow_set(&flow, end, flow.start - 1);
	give(identify, &flow);
	basic(&flow, 3);
	flow_set(&flow, proto, 17);
	give(identify, &flow);
	basic(&flow, 4);
	flow_set(&flow, bytes, UINT64_MAX);
	flow_set(&flow, packets, UINT64_MAX);
	flow_set(&flow, reverse_bytes, UINT64_MAX);
	flow_set(&flow, reverse_packets, 1);
	give(identify, &flow);
	finish(identify);
	assert_int_equal(count_of(identify, IDENTIFY_no_packets), 1);
	assert_int_equal(count_of(identify, IDENTIFY_few_octets), 2);
	assert_int_equal(count_of(identify, IDENTIFY_span_above), 1);
	assert_int_equal(count_of(identify, IDENTIFY_backwards), 1);
	assert_int_equal(count_of(identify, IDENTIFY_not_tcp), 1);
	assert_int_equal(told.count, 0);
	identify_free(identify);
	catalog_free(catalog);
}

static void
test_seen_twice(void **state)
{
	struct catalog *catalog = archive(10);
	struct identify_config config = {.catalog = catalog};
	struct identify *identify = identify_new(&config);
	struct flow flow;

	basic(&flow, 0);
	with_packets(&flow, 100000, 1);
	flow_set(&flow, exporter, addr_v4(1));
	give(identify, &flow);
	with_spans(&flow, 100, 100000);
	flow_set(&flow, exporter, addr_v4(2));
	give(identify, &flow);
	finish(identify);
	assert_int_equal(told.count, 1);
	assert_true(finding_has(&told.findings[0], span));
	assert_int_equal(count_of(identify, IDENTIFY_seen_twice), 1);
	identify_free(identify);
	catalog_free(catalog);
}

/* Turned rows (server first) and empty catalogues are no trouble. */
static void
test_turned(void **state)
{
	struct catalog *catalog = archive(0);
	struct identify_config config = {.catalog = catalog};
	struct identify *identify = identify_new(&config);
	struct flow flow;

	basic(&flow, 0);
	flow_set(&flow, src_port, 80);
	flow_set(&flow, dst_port, 33000);
	flow_set(&flow, bytes, 100000);
	flow_set(&flow, packets, 80);
	give(identify, &flow);
	finish(identify);
	assert_int_equal(told.count, 1);
	assert_int_equal(told.findings[0].server.v4, 0x0a000001);
	assert_int_equal(told.findings[0].kind, KIND_unknown);
	identify_free(identify);
	catalog_free(catalog);
}

static void
write_labels(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
test_learn(void **state)
{
	const char *tmp = getenv("WEIR_TMP");
	char path[4096], labels[4096] = "name\tversion\tstart\tclient_port\n";
	struct learn_config config = {0};
	struct learn *learn = learn_new(&config);
	struct catalog *catalog = catalog_new();
	struct batch *batch = batch_new(&flow_schema, 64);
	struct err err = {0}, warning = {0};
	unsigned i;

	snprintf(path, sizeof path, "%s/labels-%ld", tmp != NULL ? tmp : "/tmp",
		 (long)getpid());
	write_labels(path, "name\tport\n");
	assert_int_equal(learn_labels(learn, path, &err), -1);
	assert_non_null(strstr(err.text, "line 1"));
	err_clear(&err);
	for (i = 0; i < 30; i++) {
		struct flow flow;

		basic(&flow, i);
		with_spans(&flow, 120, 1000000 + 70000 * (i % 5) + (i == 29 ? 5 : 0));
		batch_append(batch, &flow);
		sprintf(labels + strlen(labels), "f%u\t1\t%u.25\t%u\n", i % 5,
			1700000000 + i, 20000 + i);
	}
	write_labels(path, labels);
	assert_int_equal(learn_labels(learn, path, &err), 0);
	assert_int_equal(learn_batch(learn, batch, &err), 0);
	if (learn_finish(learn, catalog, &warning, &err) < 0)
		fail_msg("%s", err.text);
	unlink(path);
	assert_int_equal(learn_counters(learn)[LEARN_matched], 30);
	catalog_seal(catalog);
	assert_int_equal(catalog_count(catalog), 5);
	assert_int_equal(catalog_files(catalog)[0].size, 1000000 - 200 - 6);
	assert_int_equal(catalog_files(catalog)[1].size, 1070000 - 200 - 7);
	batch_free(batch);
	learn_free(learn);
	catalog_free(catalog);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_spans),          cmocka_unit_test(test_plain),
	    cmocka_unit_test(test_contradictions), cmocka_unit_test(test_seen_twice),
	    cmocka_unit_test(test_turned),         cmocka_unit_test(test_learn),
	};

	seed = 20261123;
	print_message("seed %llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests_name("identify: simulated downloads", tests, NULL,
					   NULL);
}
