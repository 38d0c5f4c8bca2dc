/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows in the order of conversations. All selected rows are kept as batches; what is
 * sorted is a small key per row: a hash of the conversation, the start, the exchange and
 * where the row lies. A second sort puts conversations in the order of their first rows,
 * so that the result reads as a history and does not depend on the hash.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "model/batch.h"
#include "query/query.h"
#include "query/select.h"
#include "store/gather.h"

struct key {
	int64_t first; /* start of the conversation's first row */
	uint64_t conversation;
	int64_t start;
	uint32_t exchange;
	uint32_t batch;
	uint32_t row;
};

/* Fields of the order, by name, so that any schema that has some can be sorted. */
enum order_field {
	START,
	EXCHANGE,
	CONNECTION,
	SRC,
	DST,
	SRC_PORT,
	DST_PORT,
	PROTO,
	ORDERS
};
static const char *const order_ids[ORDERS] = {"start", "exchange", "connection", "src",
					      "dst",   "src_port", "dst_port",   "proto"};

struct query_sorted {
	struct query_config config;
	int order[ORDERS];
	uint64_t needed[SCHEMA_FIELDS_MAX / 64];
	struct batch **batches;
	size_t count, cap;
	struct key *keys;
	size_t rows, keys_cap, at;
	struct batch *out;
	uint64_t conversations[BATCH_ROWS];
};

static void
need_order(struct query_sorted *q)
{
	const struct schema *schema = q->config.scan.schema;

	for (int i = 0; i < ORDERS; i++)
		q->order[i] = schema_find(schema, order_ids[i], strlen(order_ids[i]));
	if (q->config.scan.needed == NULL)
		return;
	memcpy(q->needed, q->config.scan.needed, schema->words * sizeof *q->needed);
	for (int i = 0; i < ORDERS; i++)
		if (q->order[i] >= 0)
			row_mark(q->needed, (unsigned)q->order[i]);
	q->config.scan.needed = q->needed;
}

static uint64_t
value_or_0(const struct query_sorted *q, const struct batch *b, enum order_field field,
	   size_t row)
{
	const struct column *c;

	if (q->order[field] < 0)
		return 0;
	c = &b->columns[q->order[field]];
	return column_is_null(c, row) ? 0 : column_u64(c, row);
}

struct end {
	struct addr addr;
	uint64_t port;
};

static struct end
end_of(const struct query_sorted *q, const struct batch *b, enum order_field addr,
       enum order_field port, size_t row)
{
	struct end e;

	memset(&e, 0, sizeof e);
	if (q->order[addr] >= 0 && !column_is_null(&b->columns[q->order[addr]], row))
		e.addr = column_addr(&b->columns[q->order[addr]], row);
	e.port = value_or_0(q, b, port, row);
	return e;
}

static uint64_t
conversation_of(const struct query_sorted *q, const struct batch *b, size_t row)
{
	struct {
		struct end low, high;
		uint64_t proto, connection;
	} k;
	struct end a = end_of(q, b, SRC, SRC_PORT, row);
	struct end z = end_of(q, b, DST, DST_PORT, row);
	int order = addr_compare(&a.addr, &z.addr);
	bool is_swapped = order > 0 || (order == 0 && a.port > z.port);

	memset(&k, 0, sizeof k);
	k.low = is_swapped ? z : a;
	k.high = is_swapped ? a : z;
	k.proto = value_or_0(q, b, PROTO, row);
	k.connection = value_or_0(q, b, CONNECTION, row);
	return hash64(&k, sizeof k, 0);
}

static int
compare_keys(const void *x, const void *y)
{
	const struct key *a = x, *b = y;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	if (a->conversation != b->conversation)
		return a->conversation < b->conversation ? -1 : 1;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->exchange != b->exchange)
		return a->exchange < b->exchange ? -1 : 1;
	if (a->batch != b->batch)
		return a->batch < b->batch ? -1 : 1;
	return (a->row > b->row) - (a->row < b->row);
}

static int
add_keys(struct query_sorted *q, const struct batch *b, size_t from, struct err *err)
{
	size_t rows = b->rows - from;

	if (q->rows + rows > q->keys_cap) {
		size_t cap = q->keys_cap == 0 ? 65536 : q->keys_cap * 2;
		struct key *more;

		while (cap < q->rows + rows)
			cap *= 2;
		if ((more = realloc(q->keys, cap * sizeof *more)) == NULL)
			return err_set(err, ENOMEM,
				       "query: out of memory at %zu rows; narrow the "
				       "time window or the filter",
				       q->rows);
		q->keys = more;
		q->keys_cap = cap;
	}
	for (size_t i = from; i < b->rows; i++)
		q->keys[q->rows++] = (struct key){
		    .conversation = conversation_of(q, b, i),
		    .start = (int64_t)value_or_0(q, b, START, i),
		    .exchange = (uint32_t)value_or_0(q, b, EXCHANGE, i),
		    .batch = (uint32_t)(q->count - 1),
		    .row = (uint32_t)i,
		};
	return 0;
}

static struct batch *
batch_with_room(struct query_sorted *q, struct err *err)
{
	if (q->count > 0 && !batch_is_full(q->batches[q->count - 1]))
		return q->batches[q->count - 1];
	if (q->count == q->cap) {
		size_t cap = q->cap == 0 ? 64 : q->cap * 2;
		struct batch **more = realloc(q->batches, cap * sizeof *more);

		if (more == NULL) {
			err_set(err, ENOMEM, "query: out of memory");
			return NULL;
		}
		q->batches = more;
		q->cap = cap;
	}
	return q->batches[q->count++] = batch_new(q->config.scan.schema, BATCH_ROWS);
}

static int
keep_rows(struct query_sorted *q, const struct batch *b, struct err *err)
{
	uint64_t limit = q->config.sort_rows != 0 ? q->config.sort_rows : QUERY_SORT_ROWS;

	if (q->rows + b->rows > limit)
		return err_set(err, E2BIG,
			       "store %s: more than %llu rows are selected, which is "
			       "what can be ordered in "
			       "memory; narrow the time window or the filter",
			       q->config.dir, (unsigned long long)limit);
	for (size_t at = 0; at < b->rows;) {
		struct batch *to = batch_with_room(q, err);
		size_t n = b->rows - at, from;

		if (to == NULL)
			return -1;
		from = to->rows;
		n = n < to->cap - from ? n : to->cap - from;
		gather_rows(to, b, at, n);
		if (add_keys(q, to, from, err) != 0)
			return -1;
		at += n;
	}
	return 0;
}

static void
sort_rows(struct query_sorted *q)
{
	if (q->rows == 0)
		return;
	qsort(q->keys, q->rows, sizeof *q->keys, compare_keys);
	for (size_t i = 0; i < q->rows; i++) {
		bool is_same =
		    i > 0 && q->keys[i].conversation == q->keys[i - 1].conversation;

		q->keys[i].first = is_same ? q->keys[i - 1].first : q->keys[i].start;
	}
	qsort(q->keys, q->rows, sizeof *q->keys, compare_keys);
}

int
query_sorted_open(const struct query_config *config, struct query_sorted **out,
		  struct err *err)
{
	struct query_sorted *q = calloc(1, sizeof *q);
	struct selection s;
	struct batch *batch;
	int more;

	if (q == NULL)
		return err_set(err, ENOMEM, "query: out of memory");
	q->config = *config;
	need_order(q);
	if (selection_open(&s, &q->config, err) != 0) {
		query_sorted_close(q);
		return -1;
	}
	while ((more = selection_next(&s, &batch, err)) > 0)
		if (keep_rows(q, batch, err) != 0) {
			more = -1;
			break;
		}
	selection_close(&s);
	if (more < 0) {
		query_sorted_close(q);
		return -1;
	}
	sort_rows(q);
	q->out = batch_new(config->scan.schema, BATCH_ROWS);
	*out = q;
	return 0;
}

static void
derive_needed(const struct query_sorted *q)
{
	const struct schema *schema = q->config.scan.schema;

	for (unsigned f = schema->stored;
	     q->config.scan.needed != NULL && f < schema->count; f++)
		if (row_has(q->config.scan.needed, f))
			batch_derive(q->out, f);
}

int
query_sorted_next(struct query_sorted *q, struct batch **out)
{
	uint32_t picks[1024];

	batch_clear(q->out);
	while (q->at < q->rows && !batch_is_full(q->out)) {
		uint32_t from = q->keys[q->at].batch;
		size_t n = 0, room = q->out->cap - q->out->rows, base = q->out->rows;

		for (; n < 1024 && n < room && q->at < q->rows &&
		       q->keys[q->at].batch == from;
		     n++, q->at++) {
			picks[n] = q->keys[q->at].row;
			q->conversations[base + n] = q->keys[q->at].conversation;
		}
		batch_append_rows(q->out, q->batches[from], picks, n);
	}
	if (q->out->rows == 0)
		return 0;
	derive_needed(q);
	*out = q->out;
	return 1;
}

uint64_t
query_sorted_rows(const struct query_sorted *q)
{
	return q->rows;
}

const uint64_t *
query_sorted_conversations(const struct query_sorted *q)
{
	return q->conversations;
}

void
query_sorted_close(struct query_sorted *q)
{
	if (q == NULL)
		return;
	for (size_t i = 0; i < q->count; i++)
		batch_free(q->batches[i]);
	free(q->batches);
	free(q->keys);
	batch_free(q->out);
	free(q);
}
