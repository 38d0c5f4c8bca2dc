/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * query: selection, limits, and the order by conversation and start: rows of several
 * conversations, in both directions, pushed in a random order, come out together.
 */
#include "../store/sample.h"

#include "query/query.h"

enum { CONVERSATIONS = 40, PER = 500, ROWS = CONVERSATIONS * PER };

static char dir[512];

static void
make_store(void)
{
	struct store_config config = {.sync = STORE_SYNC_NEVER, .gather_rows = 4096};
	struct batch *b = batch_new(&flow_schema, BATCH_ROWS);
	struct store *store;
	struct sink *sink;
	struct err err = {0};

	snprintf(dir, sizeof dir, "%s", fresh_dir("query"));
	assert_ok(store_open(dir, &config, &store, &err));
	assert_ok(store_sink(store, &flow_schema, &sink, &err));
	for (uint64_t i = 0; i < ROWS; i++) {
		uint64_t id = i * 7919 % ROWS; /* every id once, stirred */
		uint64_t c = id % CONVERSATIONS, n = id / CONVERSATIONS;
		struct flow f = sample_flow(id, (int64_t)(1000000 + c + n * 10));

		flow_set(&f, src_port, (uint16_t)(1000 + c / 2));
		flow_set(&f, dst_port, 80);
		flow_set(&f, src, addr_v4(10));
		flow_set(&f, dst, addr_v4(20));
		if (c % 2 == 0)
			flow_set(&f, connection, 5000 + c);
		if (n % 3 == 0) { /* turned round */
			flow_set(&f, src_port, 80);
			flow_set(&f, dst_port, (uint16_t)(1000 + c / 2));
			flow_set(&f, src, addr_v4(20));
			flow_set(&f, dst, addr_v4(10));
		}
		batch_append(b, &f);
		if (batch_is_full(b)) {
			assert_ok(sink_push(sink, b, &err));
			batch_clear(b);
		}
	}
	assert_ok(sink_push(sink, b, &err));
	assert_ok(sink_close(sink, &err));
	store_close(store);
	batch_free(b);
}

static void
test_sorted(void **state)
{
	uint64_t needed[FLOW_WORDS] = {0};
	struct query_config config = {.dir = dir,
				      .scan = {.schema = &flow_schema, .needed = needed}};
	struct query_sorted *sorted;
	struct batch *b;
	struct err err = {0};
	uint64_t i = 0, last = 0;

	row_mark(needed, FLOW_bytes);
	assert_ok(query_sorted_open(&config, &sorted, &err));
	assert_int_equal(query_sorted_rows(sorted), ROWS);
	while (query_sorted_next(sorted, &b) > 0) {
		const uint64_t *groups = query_sorted_conversations(sorted);

		for (size_t k = 0; k < b->rows; k++, i++) {
			uint64_t id = column_u64(&b->columns[FLOW_bytes], k);

			assert_int_equal(id % CONVERSATIONS, i / PER);
			assert_int_equal(id / CONVERSATIONS, i % PER);
			assert_int_equal(i % PER != 0 && groups[k] != last, 0);
			last = groups[k];
		}
	}
	assert_int_equal(i, ROWS);
	query_sorted_close(sorted);
}

static void
test_sort_limit(void **state)
{
	struct query_config config = {
	    .dir = dir, .scan = {.schema = &flow_schema}, .sort_rows = ROWS - 1};
	struct query_sorted *sorted;
	struct err err = {0};

	assert_int_equal(query_sorted_open(&config, &sorted, &err), -1);
	assert_non_null(strstr(err.text, "narrow the time window"));
}

struct sum_sink {
	struct sink sink;
	uint64_t rows, sum;
};

static int
sum_push(struct sink *sink, struct batch *b, struct err *err)
{
	struct sum_sink *s = (struct sum_sink *)sink;

	for (size_t i = 0; i < b->rows; i++)
		s->sum += column_u64(&b->columns[FLOW_bytes], i);
	s->rows += b->rows;
	return 0;
}

/* Keeps the ids that arg divides. */
static int
select_multiples(void *arg, struct batch *b, uint64_t *alive, struct err *err)
{
	uint64_t by = *(uint64_t *)arg;

	for (size_t i = 0; i < b->rows; i++)
		if (column_u64(&b->columns[FLOW_bytes], i) % by != 0)
			alive[i / 64] &= ~((uint64_t)1 << i % 64);
	return 0;
}

static void
test_run(void **state)
{
	for (uint64_t by = 1; by < 30000; by = by * 3 + 1) {
		struct sum_sink sum = {.sink = {.push = sum_push}};
		struct query_config config = {.dir = dir,
					      .scan = {.schema = &flow_schema},
					      .select = select_multiples,
					      .select_arg = &by};
		struct query_result result;
		struct err err = {0};
		uint64_t want = 0, rows = 0;

		for (uint64_t id = 0; id < ROWS; id += by, rows++)
			want += id;
		assert_ok(query_run(&config, &sum.sink, &result, &err));
		assert_int_equal(sum.rows, rows);
		assert_int_equal(result.rows, rows);
		assert_int_equal(sum.sum, want);
	}
}

static void
test_limit(void **state)
{
	struct sum_sink sum = {.sink = {.push = sum_push}};
	struct query_config config = {
	    .dir = dir, .scan = {.schema = &flow_schema}, .limit_rows = 10001};
	struct err err = {0};

	assert_ok(query_run(&config, &sum.sink, NULL, &err));
	assert_int_equal(sum.rows, 10001);
}

static void
test_no_store(void **state)
{
	struct sum_sink sum = {.sink = {.push = sum_push}};
	struct query_config config = {.dir = "/nowhere/at/all",
				      .scan = {.schema = &flow_schema}};
	struct err err = {0};

	assert_int_equal(query_run(&config, &sum.sink, NULL, &err), -1);
	assert_non_null(strstr(err.text, "/nowhere/at/all"));
	err_clear(&err);
	config.dir = "/proc/self";
	assert_int_equal(query_run(&config, &sum.sink, NULL, &err), -1);
	assert_non_null(strstr(err.text, "it is no store"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sorted),   cmocka_unit_test(test_sort_limit),
	    cmocka_unit_test(test_run),      cmocka_unit_test(test_limit),
	    cmocka_unit_test(test_no_store),
	};

	make_store();
	return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
