/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every field of every schema goes to disk and comes back, for several patterns of nulls,
 * constants and addresses. The test loops over the tables: a new field is tested at once.
 */
#include "sample.h"

#include <errno.h>

#include "model/finding.h"

enum { ROWS = 3000, PATTERNS = 5 };

/* Whether a row of a field has a value. */
static bool
pattern_has(int pattern, unsigned field, uint64_t row)
{
	switch (pattern) {
	case 0:
		return true;
	case 1:
		return (row + field) % 2 == 0;
	case 2:
		return mix64(row, field) % 10 == 0;
	case 3:
		return field < 2; /* absent columns */
	default:
		return true;
	}
}

/* Pattern 4: one value per column and batch. */
static uint64_t
pattern_seed(int pattern, unsigned field, uint64_t row)
{
	return mix64(field, pattern == 4 ? 5 : row);
}

static struct batch *
make_batch(const struct schema *schema, int pattern)
{
	struct batch *b = batch_new(schema, ROWS);

	for (unsigned f = 0; f < schema->stored; f++) {
		const struct field *field = &schema->fields[f];

		if (pattern == 3 && !pattern_has(pattern, f, 0))
			continue;
		if (pattern == 4 && types[field->type].storage != STORAGE_LIST) {
			union member m =
			    sample_member(field, pattern_seed(pattern, f, 0));

			batch_constant(b, f, &m);
			continue;
		}
		b->rows = 0;
		batch_flat(b, f);
		for (size_t i = 0; i < ROWS; i++) {
			union member m =
			    sample_member(field, pattern_seed(pattern, f, i));

			if (pattern_has(pattern, f, i))
				batch_put(b, f, i, &m);
			else
				column_mark(b, f, i, i + 1, false);
		}
	}
	b->rows = ROWS;
	return b;
}

static void
check_rows(const struct batch *b, int pattern, uint64_t first)
{
	const struct schema *schema = b->schema;

	for (unsigned f = 0; f < schema->stored; f++)
		for (size_t i = 0; i < b->rows; i++) {
			uint64_t row = (first + i) % ROWS;
			union member m = sample_member(&schema->fields[f],
						       pattern_seed(pattern, f, row));
			bool has = pattern_has(pattern, f, row);

			if (!row_equals(&b->columns[f], i, has ? &m : NULL))
				fail_msg("schema %s field %s row %llu pattern %d",
					 schema->name, schema->fields[f].id,
					 (unsigned long long)(first + i), pattern);
		}
}

static void
scan_and_check(const char *dir, const struct schema *schema, bool is_replaced,
	       int pattern, uint64_t want)
{
	struct store_scan_config config = {.schema = schema, .is_replaced = is_replaced};
	struct batch *b = batch_new(schema, 1000);
	struct store_scan *scan;
	struct err err = {0};
	uint64_t rows = 0;
	int more;

	assert_ok(store_scan_open(dir, &config, &scan, &err));
	while ((more = store_scan_next(scan, b, &err)) > 0) {
		check_rows(b, pattern, rows);
		rows += b->rows;
	}
	if (more < 0)
		fail_msg("scan: %s", err.text);
	assert_int_equal(rows, want);
	store_scan_close(scan);
	batch_free(b);
}

static void
round_trip(const struct schema *schema, bool is_replaced, int pattern)
{
	const char *dir = fresh_dir("trip");
	struct store_config config = {.gather_rows = 2048, .sync = STORE_SYNC_NEVER};
	struct batch *b = make_batch(schema, pattern);
	struct store *store;
	struct sink *sink;
	struct err err = {0};

	assert_ok(store_open(dir, &config, &store, &err));
	if (is_replaced)
		assert_ok(store_replace_sink(store, schema, "cat-1", &sink, &err));
	else
		assert_ok(store_sink(store, schema, &sink, &err));
	assert_ok(sink_push(sink, b, &err));
	assert_ok(sink_push(sink, b, &err));
	assert_ok(sink_flush(sink, &err));
	if (!is_replaced)
		scan_and_check(dir, schema, false, pattern,
			       2 * ROWS); /* from the journal */
	assert_ok(sink_close(sink, &err));
	scan_and_check(dir, schema, is_replaced, pattern, 2 * ROWS);
	store_close(store);
	batch_free(b);
}

static void
test_flows(void **state)
{
	for (int pattern = 0; pattern < PATTERNS; pattern++)
		round_trip(&flow_schema, false, pattern);
}

static void
test_findings(void **state)
{
	for (int pattern = 0; pattern < PATTERNS; pattern++)
		round_trip(&finding_schema, true, pattern);
}

/* A second run with the same key replaces the first; an abandoned one does not. */
static void
test_replace(void **state)
{
	const char *dir = fresh_dir("replace");
	struct batch *b = make_batch(&finding_schema, 0);
	struct store *store;
	struct sink *sink, *other;
	struct err err = {0};

	assert_ok(store_open(dir, NULL, &store, &err));
	for (int i = 0; i < 3; i++) {
		assert_ok(
		    store_replace_sink(store, &finding_schema, "a/b c", &sink, &err));
		assert_int_equal(
		    store_replace_sink(store, &finding_schema, "a/b c", &other, &err),
		    -1);
		assert_int_equal(err.code, EBUSY);
		err_clear(&err);
		assert_ok(sink_push(sink, b, &err));
		if (i == 2)
			store_sink_abandon(sink);
		assert_ok(sink_close(sink, &err));
		scan_and_check(dir, &finding_schema, true, 0, ROWS);
	}
	store_close(store);
	batch_free(b);
}

/* Only the fields asked for are read; derived ones are computed; the window is exact. */
static void
test_needed_and_window(void **state)
{
	const char *dir = fresh_dir("window");
	struct store_config sc = {.clock = STORE_CLOCK_PACKET, .sync = STORE_SYNC_NEVER};
	uint64_t needed[FLOW_WORDS] = {0};
	struct store_scan_config config = {.schema = &flow_schema, .needed = needed};
	struct batch *b = batch_new(&flow_schema, BATCH_ROWS);
	struct store_scan *scan;
	struct store *store;
	struct sink *sink;
	struct err err = {0};
	uint64_t rows = 0;

	assert_ok(store_open(dir, &sc, &store, &err));
	assert_ok(store_sink(store, &flow_schema, &sink, &err));
	for (int64_t t = 0; t < 3600; t += 60)
		assert_ok(push_flows(sink, (uint64_t)t, 10, 1000000000 + t, &err));
	assert_ok(sink_close(sink, &err));
	assert_true(store_counters(store)[STORE_segments_made] >= 12);
	store_close(store);

	row_mark(needed, FLOW_bytes);
	row_mark(needed, FLOW_duration);
	config.from = (int64_t)1000000000 * 1000000 + (int64_t)1200 * 1000000;
	config.to = config.from + (int64_t)600 * 1000000;
	assert_ok(store_scan_open(dir, &config, &scan, &err));
	while (store_scan_next(scan, b, &err) > 0) {
		for (size_t i = 0; i < b->rows; i++) {
			uint64_t id = column_u64(&b->columns[FLOW_bytes], i);

			assert_true(id >= 1200 && id < 1810);
			assert_int_equal(column_u64(&b->columns[FLOW_duration], i),
					 500000);
			assert_true(column_is_null(&b->columns[FLOW_packets], i));
		}
		rows += b->rows;
	}
	assert_int_equal(err.code, 0);
	assert_int_equal(rows, 100);
	assert_true(store_scan_counters(scan)[STORE_groups_skipped] >= 9);
	store_scan_close(scan);
	batch_free(b);
}

/* A version of the flow table with fewer fields, in another order, and one more. */
static void
test_older_version(void **state)
{
	const char *dir = fresh_dir("older");
	static struct field fields[8];
	struct schema old = flow_schema;
	struct store_config config = {.sync = STORE_SYNC_NEVER};
	struct batch *b, *now = batch_new(&flow_schema, BATCH_ROWS);
	struct store_scan_config sc = {.schema = &flow_schema};
	struct store_scan *scan;
	struct store *store;
	struct sink *sink;
	struct err err = {0};
	static const unsigned ids[] = {FLOW_end, FLOW_start, FLOW_dst, FLOW_bytes,
				       FLOW_fingerprint};

	for (unsigned i = 0; i < 5; i++)
		fields[i] = flow_schema.fields[ids[i]];
	fields[5] = flow_schema.fields[FLOW_bytes];
	fields[5].id = "forgotten";
	fields[6] = flow_schema.fields[FLOW_proto];
	fields[6].id = "src_as"; /* u32 now, was narrower */
	old.fields = fields;
	old.count = old.stored = 7;
	old.version = 0;
	b = batch_new(&old, 100);
	for (unsigned f = 0; f < 7; f++) {
		batch_flat(b, f);
		for (size_t i = 0; i < 100; i++) {
			union member m = sample_member(&fields[f], mix64(f, i));

			batch_put(b, f, i, &m);
		}
	}
	b->rows = 100;
	assert_ok(store_open(dir, &config, &store, &err));
	assert_ok(store_sink(store, &old, &sink, &err));
	assert_ok(sink_push(sink, b, &err));
	for (int turn = 0; turn < 2; turn++) {
		if (turn == 0)
			assert_ok(sink_flush(sink, &err));
		else
			assert_ok(sink_close(sink, &err));
		assert_ok(store_scan_open(dir, &sc, &scan, &err));
		assert_int_equal(store_scan_next(scan, now, &err), 1);
		assert_int_equal(now->rows, 100);
		for (unsigned f = 0; f < 5; f++)
			for (size_t i = 0; i < 100; i++) {
				union member m = sample_member(&fields[f], mix64(f, i));

				assert_true(row_equals(&now->columns[ids[f]], i, &m));
			}
		for (size_t i = 0; i < 100; i++) {
			union member m = sample_member(&fields[6], mix64(6, i));

			assert_int_equal(column_u64(&now->columns[FLOW_src_as], i), m.u8);
			assert_true(column_is_null(&now->columns[FLOW_packets], i));
		}
		assert_int_equal(store_scan_next(scan, now, &err), 0);
		store_scan_close(scan);
	}
	store_close(store);
	batch_free(b);
	batch_free(now);
}

/* views.sql and views.py speak of every field that needs words of its own. */
static void
test_views(void **state)
{
	static const char *const files[] = {"views.sql", "views.py"};
	const char *dir = fresh_dir("views");
	static char text[1 << 18];
	struct store *store;
	struct sink *sink;
	struct err err = {0};

	assert_ok(store_open(dir, NULL, &store, &err));
	assert_ok(store_sink(store, &flow_schema, &sink, &err));
	assert_ok(sink_close(sink, &err));
	store_close(store);
	for (int i = 0; i < 2; i++) {
		char path[600], word[80];
		FILE *file;

		snprintf(path, sizeof path, "%s/%s", dir, files[i]);
		assert_non_null(file = fopen(path, "r"));
		text[fread(text, 1, sizeof text - 1, file)] = '\0';
		fclose(file);
		for (unsigned f = 0; f < flow_schema.stored; f++) {
			const struct field *field = &flow_schema.fields[f];

			snprintf(word, sizeof word, "\"%s\"", field->id);
			if (i == 0 || types[field->type].storage == STORAGE_ADDR ||
			    types[field->type].names != NULL)
				if (strstr(text, word) == NULL)
					fail_msg("%s lacks %s", path, word);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_flows),
	    cmocka_unit_test(test_findings),
	    cmocka_unit_test(test_replace),
	    cmocka_unit_test(test_needed_and_window),
	    cmocka_unit_test(test_older_version),
	    cmocka_unit_test(test_views),
	};

	return cmocka_run_group_tests_name("store/roundtrip", tests, NULL, NULL);
}
