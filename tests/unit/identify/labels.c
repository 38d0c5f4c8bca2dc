/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Labels from logs in many formats, their join with records, and models: what is learned,
 * what is refused, what a damaged file does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "catalog/unpack.h"
#include "identify/classify.h"
#include "identify/labels.h"
#include "identify/learn.h"
#include "identify/model.h"
#include "model/batch.h"
#include "model/finding.h"
#include "model/flow.h"
#include "model/sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
read_log(struct labels *labels, const char *format, const char *lines, struct err *err)
{
	struct unpack *in = unpack_over(lines, strlen(lines), 1 << 20, "log");
	int status = labels_read_log_lines(labels, in, format, err);

	unpack_close(in);
	return status;
}

static void
test_log(void **state)
{
	static const struct {
		const char *format, *line, *name;
		int64_t start_us, end_us; /* -1: not known */
		uint16_t port;
		uint64_t size;
	} known[] = {
	    {"$remote_addr $remote_port $msec $request_time \"$request\" $status $body_bytes_sent",
	     "192.0.2.1 40000 1795415390.561 0.048 \"GET /f/x%20y.bin?a=/b HTTP/1.1\" "
	     "200 4670784",
	     "x y.bin", 1795415390513000, 1795415390561000, 40000, 4670784},
	    {"$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent "
	     "\"$http_referer\" \"$http_user_agent\"",
	     "192.0.2.1 - - [23/Nov/2026:11:05:12 +0130] \"GET /a/b.deb HTTP/1.0\" 200 "
	     "17 \"-\" \"apt \\\"x\\\"\"",
	     "b.deb", -1, 1795426512000000, 0, 17},
	    {"[$time_iso8601] $remote_addr:$remote_port $uri",
	    "[2026-11-23T10:00:00+00:00] "
	     "192.0.2.1:65535 /one", "one", -1, 1795428000000000, 65535, 0},
	    {"$remote_addr|$msec|$request_uri|", "192.0.2.1|1.5|/a%|", "a%", -1, 1500000,
	    0, 0},
	};
	size_t i;

	for (i = 0; i < sizeof known / sizeof *known; i++) {
		struct labels labels = {0};
		struct err err = {0};
		const struct label *l;

		if (read_log(&labels, known[i].format, known[i].line, &err) != 0)
			fail_msg("%zu: %s", i, err.text);
		assert_int_equal(labels.count, 1);
		l = &labels.items[0];
		assert_string_equal(l->name, known[i].name);
		assert_int_equal(l->client.v4, 0xc0000201);
		assert_int_equal(l->has[LABEL_start], known[i].start_us >= 0);
		if (known[i].start_us >= 0)
			assert_int_equal(l->start_us, known[i].start_us);
		assert_int_equal(l->end_us, known[i].end_us);
		assert_int_equal(l->client_port, known[i].port);
		assert_int_equal(l->size, known[i].size);
		labels_done(&labels);
	}
}

static void
test_log_other(void **state)
{
	static const char format[] = "$remote_addr $msec \"$request\" $status";
	static const struct {
		const char *format, *lines, *words;
	} refused[] = {
	    {"$remote_addr $msec", "", "it needs"},
	    {"$msec $request", "", "it needs $remote_addr"},
	    {"$remote_addr$msec $request", "", "nothing stands between"},
	    {format, "192.0.2.1 1 \"GET /a\" 200\n192.0.2.1 x \"GET /a\" 200\n",
	    "log: line 2"},
	    {format, "192.0.2.999 1 \"GET /a\" 200\n", "line 1: not as the log format"},
	    {format, "192.0.2.1 1 \"GET /a\n", "line 1"},
	    {"$remote_addr [$time_local] $request",
	    "::1 [31/Foo/2026:10:00:00 +0000] GET /a", "line 1"},
	    {"$remote_addr [$time_local] $request", "::1 [31/Nov/2026:10:00:00] GET /a",
	    "line 1"},
	};
	struct labels labels = {0};
	size_t i;

	/* Not found, a head, no name, a part, a scanner's noise: counted, no labels. */
	assert_int_equal(read_log(&labels, format,
	    "::1 1 \"GET /a HTTP/1.1\" 404\n::1 1 \"HEAD /a HTTP/1.1\" 200\n"
	    "::1 1 \"GET / HTTP/1.1\" 200\n::1 1 \"GET /a HTTP/1.1\" 206\n"
	    "::1 1 \"\\x16\\x03\" 400\n::1 1 \"GET /b HTTP/1.1\" 200\n", NULL), 0);
	assert_int_equal(labels.count, 1);
	assert_int_equal(labels.other, 5);
	assert_string_equal(labels.items[0].name, "b");
	labels_done(&labels);
	for (i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct err err = {0};

		assert_int_equal(read_log(&labels, refused[i].format, refused[i].lines,
		    &err), -1);
		if (strstr(err.text, refused[i].words) == NULL)
			fail_msg("%zu: %s", i, err.text);
		labels_done(&labels);
	}
}

static void
test_join(void **state)
{
	static const char tsv[] =
	    "name\tclient\tclient_port\tstart\tend\n"
	    "a\t10.0.0.1\t5\t100\t\n"
	    "b\t10.0.0.1\t5\t101\t\n"
	    "c\t10.0.0.1\t6\t\t205\n"
	    "d\t10.0.0.2\t7\t300\t\n"
	    "e\t10.0.0.2\t7\t300\t\n";
	struct unpack *in = unpack_over(tsv, strlen(tsv), 1 << 20, "labels");
	struct labels labels = {0};
	struct record r = {.client = addr_v4(0x0a000001), .client_port = 5};
	struct label *found;

	assert_int_equal(labels_read_lines(&labels, in, NULL), 0);
	unpack_close(in);
	r.start_us = 100900000;
	r.end_us = 100950000;
	assert_int_equal(labels_find(&labels, &r, 2000000, &found), LABEL_FOUND);
	assert_string_equal(found->name, "b");
	/* A record of the whole connection holds both, unless weir's meter cut it. */
	r.start_us = 99900000;
	r.end_us = 103000000;
	assert_int_equal(labels_find(&labels, &r, 2000000, &found), LABEL_SEVERAL);
	r.has_connection = true;
	assert_int_equal(labels_find(&labels, &r, 2000000, &found), LABEL_FOUND);
	assert_string_equal(found->name, "a");
	/* By the end, where there is no start. */
	r.client_port = 6;
	r.start_us = 190000000;
	r.end_us = 204000000;
	assert_int_equal(labels_find(&labels, &r, 2000000, &found), LABEL_FOUND);
	assert_string_equal(found->name, "c");
	r.end_us = 202000000;
	assert_int_equal(labels_find(&labels, &r, 2000000, &found), LABEL_NONE);
	r.client = addr_v4(0x0a000002);
	r.client_port = 7;
	r.start_us = r.end_us = 300000000;
	assert_int_equal(labels_find(&labels, &r, 2000000, &found), LABEL_TIED);
	/* Times at the ends of what is possible. */
	r.start_us = INT64_MIN;
	r.end_us = INT64_MAX;
	assert_int_equal(labels_find(&labels, &r, INT64_MAX, &found), LABEL_TIED);
	labels_done(&labels);
}

/* ---- models ---- */

static char path[4096];

static const char *
scratch(const char *name)
{
	const char *folder = getenv("WEIR_TMP");

	snprintf(path, sizeof path, "%s/%s", folder != NULL ? folder : "/tmp", name);
	return path;
}

/* Twenty downloads: file i % files of 1000 (i % files + 1) octets. */
static void
add_flows(struct batch *batch, unsigned files)
{
	unsigned i;

	for (i = 0; i < 20; i++) {
		struct flow f = {0};

		flow_set(&f, start, (int64_t)(1000 + i) * 1000000);
		flow_set(&f, end, f.start + 500000);
		flow_set(&f, src, addr_v4(0x0a000001));
		flow_set(&f, dst, addr_v4(0xc6336401));
		flow_set(&f, src_port, (uint16_t)(20000 + i));
		flow_set(&f, dst_port, 80);
		flow_set(&f, proto, 6);
		flow_set(&f, bytes, 500);
		flow_set(&f, packets, 5);
		flow_set(&f, reverse_packets, 5);
		flow_set(&f, reverse_bytes, 1000 * (i % files + 1));
		batch_append(batch, &f);
	}
}

/* Teaches by labels 0 .. 19, whose names are those of names[i % files]. */
static int
teach(const char *features, unsigned files, const char *const *names, struct model **out,
    uint64_t counters[LEARN_COUNTERS], struct err *err)
{
	struct learn_config config = {0};
	struct learn *learn = learn_new(&config);
	struct batch *batch = batch_new(&flow_schema, 64);
	struct model_config model = {.classifier.kind = CLASSIFIER_tree};
	FILE *file = fopen(scratch("labels.tsv"), "w");
	unsigned i;
	int status;

	assert_non_null(file);
	fprintf(file, "name\tclient_port\tstart\n");
	for (i = 0; i < 20; i++)
		fprintf(file, "%s\t%u\t%u\n", names[i % files], 20000 + i, 1000 + i);
	fclose(file);
	add_flows(batch, files);
	assert_int_equal(features_parse(&model.features, features, NULL), 0);
	assert_int_equal(learn_labels(learn, path, NULL), 0);
	assert_int_equal(learn_batch(learn, batch, NULL), 0);
	status = learn_model(learn, &model, out, err);
	memcpy(counters, learn_counters(learn), LEARN_COUNTERS * sizeof *counters);
	batch_free(batch);
	learn_free(learn);
	return status;
}

struct heard {
	struct sink sink;
	size_t count, right;
};

static int
hear(struct sink *sink, struct batch *batch, struct err *err)
{
	struct heard *heard = (struct heard *)sink;
	size_t i;

	for (i = 0; i < batch->rows; i++, heard->count++) {
		struct finding f;

		batch_row(batch, i, &f);
		assert_int_equal(f.grade, GRADE_learned);
		assert_true(f.probability > 0.99);
		heard->right += f.name.len == 1 &&
		    f.name.data[0] == (char)('a' + f.bytes / 1000 - 1);
	}
	return 0;
}

static void
test_model(void **state)
{
	static const char *const names[] = {"a", "b", "c"};
	uint64_t counters[LEARN_COUNTERS];
	struct heard heard = {.sink.push = hear};
	struct batch *batch = batch_new(&flow_schema, 64);
	struct model *model, *read;
	struct classify *classify;
	struct err err = {0};
	char version[40];

	if (teach("bytes,duration", 3, names, &model, counters, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(counters[LEARN_matched], 20);
	assert_int_equal(counters[LEARN_files], 3);
	assert_int_equal(counters[LEARN_alike], 0);
	assert_int_equal(model->rows, 20);
	assert_int_equal(model->from_us, 1000000000);
	assert_int_equal(model->to_us, 1019000000);
	assert_int_equal(model_write(model, scratch("model"), &err), 0);
	snprintf(version, sizeof version, "%s", model->version);
	model_free(model);
	if (model_read(path, &read, &err) != 0)
		fail_msg("%s", err.text);
	assert_string_equal(read->version, version);
	assert_string_equal(read->classes[2].name, "c");
	assert_int_equal(read->classes[2].rows, 6);
	classify = classify_new(read, 0, &heard.sink);
	add_flows(batch, 3);
	assert_int_equal(classify_batch(classify, batch, NULL), 0);
	assert_int_equal(classify_finish(classify, NULL), 0);
	assert_int_equal(heard.count, 20);
	assert_int_equal(heard.right, 20);
	assert_int_equal(classify_counters(classify)[IDENTIFY_named], 20);
	classify_free(classify);
	batch_free(batch);
	model_free(read);
}

static void
test_model_refused(void **state)
{
	static const char *const same[] = {"a", "a"}, *const two[] = {"a", "b"};
	uint64_t counters[LEARN_COUNTERS];
	struct model *model;
	struct err err = {0};

	assert_int_equal(teach("bytes", 2, same, &model, counters, &err), -1);
	assert_non_null(strstr(err.text, "of one file, 'a'"));
	err_clear(&err);
	/* These flows have no spans. */
	assert_int_equal(teach("bytes,span", 2, two, &model, counters, &err), -1);
	assert_non_null(strstr(err.text, "has the features"));
	assert_int_equal(counters[LEARN_no_feature], 20);
	err_clear(&err);
	/* Durations are all the same: nothing tells the files apart, which is counted. */
	assert_int_equal(teach("duration", 2, two, &model, counters, &err), 0);
	assert_int_equal(counters[LEARN_alike], 20);
	model_free(model);
}

/* Every byte changed, every length cut: refused, or at least harmless. */
static void
test_damage(void **state)
{
	static const char *const names[] = {"a", "b", "c"};
	uint64_t counters[LEARN_COUNTERS];
	struct model *model;
	struct err err = {0};
	char *bytes;
	size_t n, i;
	FILE *file;

	assert_int_equal(teach("bytes", 3, names, &model, counters, &err), 0);
	assert_int_equal(model_write(model, scratch("model"), &err), 0);
	model_free(model);
	assert_non_null(file = fopen(path, "rb"));
	bytes = malloc(1 << 16);
	n = fread(bytes, 1, 1 << 16, file);
	fclose(file);
	for (i = 0; i < n; i++) {
		assert_int_equal(model_read_bytes(bytes, i, "cut", &model, &err), -1);
		assert_non_null(strstr(err.text, "cut: "));
		err_clear(&err);
		bytes[i] ^= 0x41;
		assert_int_equal(model_read_bytes(bytes, n, "hurt", &model, &err), -1);
		err_clear(&err);
		bytes[i] ^= 0x41;
	}
	assert_int_equal(model_read_bytes(bytes, n, "whole", &model, &err), 0);
	model_free(model);
	free(bytes);
	assert_int_equal(model_read("/", &model, &err), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_log),
	    cmocka_unit_test(test_log_other),
	    cmocka_unit_test(test_join),
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_model_refused),
	    cmocka_unit_test(test_damage),
	};

	return cmocka_run_group_tests_name("identify: labels and models", tests, NULL,
	    NULL);
}
