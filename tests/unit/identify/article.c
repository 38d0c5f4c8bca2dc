/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plain identifier on a lab's downloads (50 files, three paths, softflowd's octets
 * and packets), by the equations of the wire model. Constants are learned from the first
 * tenth by time, unlabelled, then frozen; the rest is judged. No label is ever read by
 * the identifier.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "catalog/catalog.h"
#include "identify/identify.h"
#include "model/batch.h"
#include "model/catalogue.h"
#include "model/finding.h"
#include "model/flow.h"
#include "model/sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DOWNLOADS_MAX = 4000, COLUMNS_MAX = 40 };

struct download {
	char path, file[8];
	bool is_complete;
	uint64_t bytes, packets, request_bytes, request_packets, span;
	int64_t start_us, end_us;
	struct addr client;
	uint16_t port;
};

static struct download downloads[DOWNLOADS_MAX];
static size_t count;
static char folder[4000];

static size_t
split(char *line, char *cells[])
{
	size_t n = 0;

	line[strcspn(line, "\r\n")] = '\0';
	for (char *cell; (cell = strsep(&line, ",")) != NULL && n < COLUMNS_MAX;)
		cells[n++] = cell;
	return n;
}

static size_t
column(char *cells[], size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n && strcmp(cells[i], name) != 0; i++)
		;
	assert_true(i < n);
	return i;
}

static int
by_start(const void *pa, const void *pb)
{
	const struct download *a = pa, *b = pb;

	return a->start_us < b->start_us ? -1 : a->start_us > b->start_us;
}

static bool
read_downloads(void)
{
	char line[4096], header[4096], *names[COLUMNS_MAX], *cells[COLUMNS_MAX];
	const char *root = getenv("WEIR_ROOT");
	size_t n;
	FILE *file;

	snprintf(folder, sizeof folder, "%s/../shared/captures/article",
		 root != NULL ? root : ".");
	snprintf(line, sizeof line, "%s/downloads.csv", folder);
	if ((file = fopen(line, "r")) == NULL)
		return false;
	assert_non_null(fgets(header, sizeof header, file));
	n = split(header, names);
	for (count = 0;
	     count < DOWNLOADS_MAX && fgets(line, sizeof line, file) != NULL;) {
		struct download *d = &downloads[count++];

		assert_true(split(line, cells) == n);
#define CELL(name) cells[column(names, n, name)]
		d->path = CELL("scenario")[0];
		snprintf(d->file, sizeof d->file, "%s", CELL("file"));
		d->is_complete = CELL("complete")[0] == '1';
		d->bytes = strtoull(CELL("sc_bytes"), NULL, 10);
		d->packets = strtoull(CELL("sc_pkts"), NULL, 10);
		d->request_bytes = strtoull(CELL("cs_bytes"), NULL, 10);
		d->request_packets = strtoull(CELL("cs_pkts"), NULL, 10);
		d->span = (uint64_t)strtod(CELL("m_sc_span"), NULL);
		d->start_us = (int64_t)(strtod(CELL("first"), NULL) * 1e6);
		d->end_us = (int64_t)(strtod(CELL("last"), NULL) * 1e6);
		d->port = (uint16_t)atoi(CELL("cport"));
		assert_true(addr_parse(CELL("cip"), strlen(CELL("cip")), &d->client));
#undef CELL
	}
	fclose(file);
	qsort(downloads, count, sizeof downloads[0], by_start);
	return true;
}

static struct catalog *
read_files(void)
{
	struct catalog *catalog = catalog_new();
	char line[4096], *cells[COLUMNS_MAX];
	FILE *file;

	snprintf(line, sizeof line, "%s/files.csv", folder);
	assert_non_null(file = fopen(line, "r"));
	assert_non_null(fgets(line, sizeof line, file));
	while (fgets(line, sizeof line, file) != NULL) {
		struct catalogue row = {0};

		assert_true(split(line, cells) == 2);
		catalogue_set(&row, name,
			      ((struct str){cells[0], (uint32_t)strlen(cells[0])}));
		catalogue_set(&row, size, strtoull(cells[1], NULL, 10));
		assert_int_equal(catalog_add(catalog, &row, NULL), 0);
	}
	fclose(file);
	catalog_seal(catalog);
	return catalog;
}

static void
feed(struct identify *identify, struct batch *batch, const struct download *d,
     bool with_span)
{
	struct flow flow = {0};

	flow_set(&flow, start, d->start_us);
	flow_set(&flow, end, d->end_us);
	flow_set(&flow, src, d->client);
	flow_set(&flow, dst, addr_v4(0x0a090101));
	flow_set(&flow, src_port, d->port);
	flow_set(&flow, dst_port, 80);
	flow_set(&flow, proto, 6);
	flow_set(&flow, bytes, d->request_bytes);
	flow_set(&flow, packets, d->request_packets);
	flow_set(&flow, reverse_bytes, d->bytes);
	flow_set(&flow, reverse_packets, d->packets);
	if (with_span) {
		flow_set(&flow, reverse_span, d->span);
		flow_set(&flow, reverse_span_kind, SPAN_exact);
	}
	batch_append(batch, &flow);
	assert_int_equal(identify_batch(identify, batch, NULL), 0);
	batch_clear(batch);
}

struct score {
	struct sink sink;
	unsigned right[3], all[3], sure, sure_wrong;
};

static int
judge(struct sink *sink, struct batch *batch, struct err *err)
{
	struct score *score = (struct score *)sink;
	size_t i, k;

	for (i = 0; i < batch->rows; i++) {
		struct finding f;
		bool is_right;

		batch_row(batch, i, &f);
		for (k = 0; k < count && (downloads[k].start_us != f.start ||
					  downloads[k].port != f.client_port);
		     k++)
			;
		assert_true(k < count);
		is_right = finding_has(&f, name) &&
			   f.name.len == strlen(downloads[k].file) &&
			   memcmp(f.name.data, downloads[k].file, f.name.len) == 0;
		score->all[downloads[k].path - 'a']++;
		score->right[downloads[k].path - 'a'] += is_right;
		if (f.probability >= 0.99) {
			score->sure++;
			score->sure_wrong += !is_right;
		}
	}
	return 0;
}

static void
run(bool is_fixed, bool with_span, double learn_share, struct score *score)
{
	struct catalog *catalog = read_files();
	struct identify_config config = {
	    .catalog = catalog, .is_fixed = is_fixed, .threshold = 1e-9};
	struct identify *identify = identify_new(&config);
	struct batch *batch = batch_new(&flow_schema, 1);
	unsigned seen[3] = {0}, all[3] = {0};
	size_t i;
	int part;

	*score = (struct score){.sink.push = judge};
	for (i = 0; i < count; i++)
		all[downloads[i].path - 'a'] += downloads[i].is_complete;
	for (part = 0; part < 2; part++) {
		memset(seen, 0, sizeof seen);
		for (i = 0; i < count; i++) {
			const struct download *d = &downloads[i];
			int path = d->path - 'a';

			if (!d->is_complete)
				continue;
			if ((seen[path]++ < learn_share * all[path]) == (part == 0))
				feed(identify, batch, d, with_span);
		}
		if (part == 0)
			assert_int_equal(identify_freeze(identify, NULL), 0);
	}
	assert_int_equal(identify_finish(identify, &score->sink, NULL), 0);
	for (i = 0; i < 3; i++)
		print_message("path %c: %u of %u\n", (char)('a' + i), score->right[i],
			      score->all[i]);
	print_message("0.99 and above: %u, wrong %u\n", score->sure, score->sure_wrong);
	batch_free(batch);
	identify_free(identify);
	catalog_free(catalog);
}

static void
test_fixed(void **state)
{
	struct score score;

	if (!read_downloads())
		skip();
	run(true, false, 0.1, &score);
	assert_true(score.right[0] >= 0.992 * score.all[0]);
	assert_true(score.right[1] == score.all[1]);
	assert_true(score.right[2] == score.all[2]);
	assert_true(score.sure_wrong <= 0.007 * score.sure);
}

static void
test_fitted(void **state)
{
	struct score score;

	if (!read_downloads())
		skip();
	run(false, false, 0.1, &score);
	assert_true(score.right[0] >= 0.992 * score.all[0]);
	assert_true(score.right[1] == score.all[1]);
	assert_true(score.right[2] == score.all[2]);
	assert_true(score.sure_wrong <= 0.007 * score.sure);
}

static void
test_span(void **state)
{
	struct score score;

	if (!read_downloads())
		skip();
	run(true, true, 0.02, &score);
	for (int i = 0; i < 3; i++)
		assert_true(score.right[i] == score.all[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fixed),
	    cmocka_unit_test(test_fitted),
	    cmocka_unit_test(test_span),
	};

	return cmocka_run_group_tests_name("identify: article", tests, NULL, NULL);
}
