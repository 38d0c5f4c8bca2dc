/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model batch: random rows go in and come out the same, whatever mixture of nulls, IPv4
 * and IPv6, constants and lists; derived columns; copies of picked rows.
 */
#include "model/batch.h"
#include "model/flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 300 };

static uint64_t seed = 1;

static uint64_t
next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Random members for a random choice of the flow's stored fields. */
static void
random_row(struct flow *row, char texts[8], uint64_t items[4])
{
	unsigned f, i;

	memset(row, 0, sizeof *row);
	for (f = 0; f < flow_schema.stored; f++) {
		const struct field *field = &flow_schema.fields[f];
		void *member = (char *)row + field->offset;
		uint64_t v = next();

		if (!field->is_required && next() % 3 == 0)
			continue;
		switch (types[field->type].storage) {
		case STORAGE_ADDR:
			if (next() % 9 == 0)
				*(struct addr *)member = addr_v6((uint8_t[16]){0x20, 1,
				    (uint8_t)v});
			else
				*(struct addr *)member = addr_v4((uint32_t)v);
			break;
		case STORAGE_TEXT:
			*(struct str *)member = (struct str){texts, (uint32_t)(v % 8)};
			break;
		case STORAGE_LIST:
			for (i = 0; i < 4; i++)
				items[i] = next();
			*(struct list *)member = (struct list){items, (uint32_t)(v % 5)};
			break;
		default:
			memcpy(member, &v, storage_size(types[field->type].storage));
		}
		row_mark(row->present, f);
	}
}

static void
assert_same_row(const struct flow *a, const struct flow *b)
{
	unsigned f;

	for (f = 0; f < flow_schema.stored; f++) {
		const struct field *field = &flow_schema.fields[f];
		const void *x = (const char *)a + field->offset;
		const void *y = (const char *)b + field->offset;
		const struct str *s = x, *t = y;
		const struct list *l = x, *m = y;

		assert_int_equal(row_has(a->present, f), row_has(b->present, f));
		if (!row_has(a->present, f))
			continue;
		switch (types[field->type].storage) {
		case STORAGE_TEXT:
			assert_int_equal(s->len, t->len);
			assert_memory_equal(s->data, t->data, s->len);
			break;
		case STORAGE_LIST:
			assert_int_equal(l->count, m->count);
			if (l->count > 0)
				assert_memory_equal(l->items, m->items, l->count * 8);
			break;
		default:
			assert_memory_equal(x, y,
			    storage_size(types[field->type].storage));
		}
	}
}

static void
rows_survive(void **state)
{
	static struct flow rows[ROWS];
	static char texts[ROWS][8];
	static uint64_t items[ROWS][4];
	struct batch *batch = batch_new(&flow_schema, ROWS);
	struct batch *copy = batch_new(&flow_schema, ROWS);
	struct flow out;
	uint32_t picks[ROWS];
	unsigned i, round;

	for (round = 0; round < 5; round++) {
		for (i = 0; i < ROWS; i++) {
			memcpy(texts[i], &(uint64_t){next()}, 8);
			random_row(&rows[i], texts[i], items[i]);
			batch_append(batch, &rows[i]);
			picks[i] = ROWS - 1 - i;
		}
		assert_true(batch_is_full(batch));
		for (i = 0; i < ROWS; i++) {
			batch_row(batch, i, &out);
			assert_same_row(&rows[i], &out);
		}
		batch_append_rows(copy, batch, picks, ROWS / 2);
		batch_append_rows(copy, batch, picks + ROWS / 2, ROWS - ROWS / 2);
		for (i = 0; i < ROWS; i++) {
			batch_row(copy, i, &out);
			assert_same_row(&rows[ROWS - 1 - i], &out);
		}
		batch_cut(batch, 7);
		batch_append(batch, &rows[9]);
		batch_row(batch, 7, &out);
		assert_same_row(&rows[9], &out);
		batch_clear(batch);
		batch_clear(copy);
	}
	batch_free(batch);
	batch_free(copy);
}

static void
constants_become_flat(void **state)
{
	struct batch *batch = batch_new(&flow_schema, 4);
	struct addr exporter = addr_v4(0xc0000201);
	struct flow row = {0};
	unsigned i;

	flow_set(&row, bytes, 10);
	batch_append(batch, &row);
	batch_append(batch, &row);
	batch_constant(batch, FLOW_exporter, &exporter);
	assert_int_equal(batch->columns[FLOW_exporter].form, COLUMN_CONSTANT);
	flow_set(&row, exporter, addr_v6((uint8_t[16]){1}));
	batch_append(batch, &row);
	for (i = 0; i < 2; i++)
		assert_int_equal(column_addr(&batch->columns[FLOW_exporter], i).v4,
		    0xc0000201);
	assert_true(column_addr(&batch->columns[FLOW_exporter], 2).is_v6);
	batch_free(batch);
}

static void
derived_columns(void **state)
{
	struct batch *batch = batch_new(&flow_schema, 4);
	struct flow row = {0};

	flow_set(&row, start, 1000000);
	flow_set(&row, end, 3500000);
	flow_set(&row, bytes, 10);
	batch_append(batch, &row);
	flow_set(&row, sampling, 100);
	batch_append(batch, &row);
	flow_set(&row, bytes, UINT64_MAX);
	batch_append(batch, &row);
	batch_derive(batch, FLOW_duration);
	batch_derive(batch, FLOW_bytes_scaled);
	assert_int_equal(column_u64(&batch->columns[FLOW_duration], 0), 2500000);
	assert_int_equal(column_u64(&batch->columns[FLOW_bytes_scaled], 0), 10);
	assert_int_equal(column_u64(&batch->columns[FLOW_bytes_scaled], 1), 1000);
	assert_true(column_u64(&batch->columns[FLOW_bytes_scaled], 2) == UINT64_MAX);
	batch_derive(batch, FLOW_packets_scaled); /* null operands give null */
	assert_true(column_is_null(&batch->columns[FLOW_packets_scaled], 0));
	batch_free(batch);
}

/* Opened columns: what no row has is absent afterwards, what all have has no bitmap, and
 * in between nulls are 0. */
static void
open_and_settle(void **state)
{
	struct batch *b = batch_new(&flow_schema, 200);
	struct column *c;

	for (int round = 0; round < 2; round++) {
		uint64_t *port = batch_open(b, FLOW_src_port)->valid;

		batch_open(b, FLOW_vlan);
		batch_open(b, FLOW_exchange);
		for (b->rows = 0; b->rows < 130; b->rows++) {
			((uint16_t *)b->columns[FLOW_src_port].values)[b->rows] = 7;
			port[b->rows / 64] |= (uint64_t)1 << b->rows % 64;
			if (b->rows % 3 == 1) {
				c = &b->columns[FLOW_exchange];
				((uint32_t *)c->values)[b->rows] = (uint32_t)b->rows;
				c->valid[b->rows / 64] |= (uint64_t)1 << b->rows % 64;
			}
		}
		batch_settle(b);
		assert_int_equal(b->columns[FLOW_vlan].form, COLUMN_ABSENT);
		assert_false(row_has(b->active, FLOW_vlan));
		assert_int_equal(b->columns[FLOW_src_port].form, COLUMN_FLAT);
		assert_null(b->columns[FLOW_src_port].valid);
		for (size_t i = 0; i < b->rows; i++) {
			c = &b->columns[FLOW_exchange];
			assert_int_equal(column_is_null(c, i), i % 3 != 1);
			assert_int_equal(column_u64(c, i), i % 3 == 1 ? i : 0);
		}
		batch_clear(b);
	}
	batch_free(b);
}

int
main(void)
{
	const struct CMUnitTest group[] = {
		cmocka_unit_test(open_and_settle),
		cmocka_unit_test(rows_survive),
		cmocka_unit_test(constants_become_flat),
		cmocka_unit_test(derived_columns),
	};

	return cmocka_run_group_tests_name("model batch", group, NULL, NULL);
}
