/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gather_rows and batch_append_rows, its slow twin, agree on random batches: absent,
 * constant and flat columns, nulls or none, IPv4 and mixed addresses, in any succession.
 */
#include "sample.h"

#include "store/gather.h"

enum { ROWS = 200, BATCHES = 12 };

static uint64_t seed = 42;

static uint64_t
next(void)
{
	return seed = mix64(seed, 3);
}

static struct batch *
random_batch(void)
{
	struct batch *b = batch_new(&flow_schema, ROWS);
	size_t rows = 1 + next() % ROWS;

	for (unsigned f = 0; f < flow_schema.stored; f++) {
		const struct field *field = &flow_schema.fields[f];
		union member m = sample_member(field, next());
		unsigned kind = next() % 4;

		if (kind == 0)
			continue;
		if (kind == 1 && types[field->type].storage != STORAGE_LIST) {
			batch_constant(b, f, &m);
			continue;
		}
		b->rows = 0;
		batch_flat(b, f);
		for (size_t i = 0; i < rows; i++) {
			m = sample_member(field, next());
			if (types[field->type].storage == STORAGE_ADDR && m.addr.is_v6 &&
			    next() % 2)
				m.addr = addr_v4(7);
			if (kind == 2 || next() % 3 != 0)
				batch_put(b, f, i, &m);
			else
				column_mark(b, f, i, i + 1, false);
		}
	}
	b->rows = rows;
	return b;
}

static bool
same_value(const struct column *a, const struct column *b, size_t i)
{
	union member m;

	if (column_is_null(a, i))
		return row_equals(b, i, NULL);
	memset(&m, 0, sizeof m);
	switch (types[a->type].storage) {
	case STORAGE_ADDR:
		m.addr = column_addr(a, i);
		break;
	case STORAGE_TEXT:
		m.text = column_text(a, i);
		break;
	case STORAGE_LIST:
		m.list = column_list(a, i);
		break;
	case STORAGE_F64:
		m.f64 = column_f64(a, i);
		break;
	default:
		m.u64 = column_u64(a, i); /* the low bytes are the narrower members */
	}
	return row_equals(b, i, &m);
}

static void
test_twins(void **state)
{
	for (int turn = 0; turn < 20; turn++) {
		uint64_t first = seed;
		struct batch *fast = batch_new(&flow_schema, ROWS * BATCHES);
		struct batch *slow = batch_new(&flow_schema, ROWS * BATCHES);

		for (int k = 0; k < BATCHES; k++) {
			struct batch *b = random_batch();
			size_t at = next() % b->rows, n = 1 + next() % (b->rows - at);
			uint32_t picks[ROWS];

			for (size_t i = 0; i < n; i++)
				picks[i] = (uint32_t)(at + i);
			gather_rows(fast, b, at, n);
			batch_append_rows(slow, b, picks, n);
			batch_free(b);
		}
		assert_int_equal(fast->rows, slow->rows);
		for (unsigned f = 0; f < flow_schema.stored; f++)
			for (size_t i = 0; i < fast->rows; i++)
				if (!same_value(&slow->columns[f], &fast->columns[f], i))
					fail_msg("seed %llu: field %s row %zu",
						 (unsigned long long)first,
						 flow_schema.fields[f].id, i);
		batch_free(fast);
		batch_free(slow);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_twins),
	};

	return cmocka_run_group_tests_name("store/gather", tests, NULL, NULL);
}
