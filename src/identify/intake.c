/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes flow rows in. Rows of one connection come one after the other; they are held
 * until the connection is over, for a mark in a late row tells that the whole connection
 * is one for the decoder of pipelined runs. Rows that continue an exchange, or a flow
 * that a router's timeout cut, are joined.
 */
#include "identify/intake.h"

#include "model/batch.h"
#include "model/flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RUN_ROWS_MAX = 8192,     /* of one connection */
	RUNS_ROWS_MAX = 1000000, /* of all pipelined ones */
	RECORDS_MAX = 20000000,
	FLAG_FIN = 1,
	FLAG_SYN = 2,
	FLAG_RST = 4,
};

static void *
grow(void *old, size_t bytes)
{
	void *p = realloc(old, bytes);

	if (p == NULL) {
		fputs("weir: out of memory\n", stderr);
		abort();
	}
	return p;
}

void
intake_init(struct intake *in, const struct identify_config *config, uint64_t *counters)
{
	*in = (struct intake){.config = config,
			      .counters = counters,
			      .count_max =
				  config->rows_max ? config->rows_max : RECORDS_MAX};
}

static void
run_clear(struct run *run)
{
	size_t i;

	for (i = 0; i < run->count; i++)
		free(run->marks[i]);
	run->count = 0;
}

static void
run_done(struct run *run)
{
	run_clear(run);
	free(run->rows);
	free(run->marks);
	*run = (struct run){0};
}

void
intake_clear(struct intake *in)
{
	size_t i;

	for (i = 0; i < in->runs_count; i++)
		run_done(&in->runs[i]);
	in->count = in->runs_count = in->run_rows = 0;
}

void
intake_done(struct intake *in)
{
	intake_clear(in);
	run_done(&in->open);
	free(in->runs);
	free(in->records);
}

static bool
same_ends(const struct record *a, const struct record *b)
{
	return a->client_port == b->client_port && a->server_port == b->server_port &&
	       addr_compare(&a->client, &b->client) == 0 &&
	       addr_compare(&a->server, &b->server) == 0;
}

static bool
continues(const struct record *a, const struct record *b)
{
	if (!same_ends(a, b) || addr_compare(&a->exporter, &b->exporter) != 0 ||
	    a->has_connection != b->has_connection || b->start_us < a->start_us)
		return false;
	if (a->has_connection)
		return a->connection == b->connection && a->exchange == b->exchange &&
		       a->has_span && b->has_span && b->offset == a->offset + a->span;
	return a->is_cut && b->server_flags != 0 && !(b->server_flags & FLAG_SYN) &&
	       !(a->server_flags & (FLAG_FIN | FLAG_RST)) && !a->has_span && !b->has_span;
}

static void
join(struct record *a, const struct record *b)
{
	a->end_us = b->end_us > a->end_us ? b->end_us : a->end_us;
	a->bytes += b->bytes;
	a->packets += b->packets;
	a->request_bytes += b->request_bytes;
	a->request_packets += b->request_packets;
	a->span += b->span;
	if (b->has_request)
		a->request_span += b->request_span;
	a->is_at_least |= b->is_at_least;
	a->client_flags |= b->client_flags;
	a->server_flags |= b->server_flags;
	a->is_coalesced |= b->is_coalesced;
	a->is_cut = b->is_cut;
}

static void
take_record(struct intake *in, const struct flow *flow)
{
	struct record record;

	if (!record_of(flow, in->config, in->counters, &record))
		return;
	if (in->count > 0 && continues(&in->records[in->count - 1], &record)) {
		join(&in->records[in->count - 1], &record);
		in->counters[IDENTIFY_joined]++;
		return;
	}
	if (in->count >= in->count_max) {
		in->counters[IDENTIFY_over_limit]++;
		return;
	}
	if (in->count == in->cap) {
		in->cap = in->cap ? in->cap + in->cap / 2 : 256;
		in->records = grow(in->records, in->cap * sizeof *in->records);
	}
	in->records[in->count++] = record;
}

static void
keep_run(struct intake *in)
{
	in->counters[IDENTIFY_pipelined] += in->open.count;
	if (in->run_rows + in->open.count > RUNS_ROWS_MAX) {
		in->counters[IDENTIFY_pipelined_over_limit] += in->open.count;
		run_clear(&in->open);
		return;
	}
	if (in->runs_count == in->runs_cap) {
		in->runs_cap = in->runs_cap ? in->runs_cap * 2 : 16;
		in->runs = grow(in->runs, in->runs_cap * sizeof *in->runs);
	}
	in->open.start_us = in->open.rows[0].start;
	in->open.rows = grow(in->open.rows, in->open.count * sizeof *in->open.rows);
	in->run_rows += in->open.count;
	in->runs[in->runs_count++] = in->open;
	in->open = (struct run){0};
	in->open_cap = 0;
}

void
intake_end(struct intake *in)
{
	size_t i;

	if (in->open.count == 0)
		return;
	if (in->open_has_marks) {
		keep_run(in);
	} else {
		for (i = 0; i < in->open.count; i++)
			take_record(in, &in->open.rows[i]);
		run_clear(&in->open);
	}
	in->open_has_marks = false;
}

static bool
belongs(const struct run *open, const struct flow *flow)
{
	const struct flow *first = &open->rows[0];

	return first->connection == flow->connection &&
	       flow_has(first, exporter) == flow_has(flow, exporter) &&
	       (!flow_has(flow, exporter) ||
		addr_compare(&first->exporter, &flow->exporter) == 0) &&
	       addr_compare(&first->src, &flow->src) == 0 &&
	       addr_compare(&first->dst, &flow->dst) == 0;
}

/* Texts are not needed and would dangle; marks are copied. */
static void
hold(struct intake *in, const struct flow *flow)
{
	struct run *run = &in->open;
	struct flow *row;
	size_t bytes;
	unsigned i;

	if (run->count == in->open_cap) {
		in->open_cap = in->open_cap ? in->open_cap * 2 : 16;
		run->rows = grow(run->rows, in->open_cap * sizeof *run->rows);
		run->marks = grow(run->marks, in->open_cap * sizeof *run->marks);
	}
	row = &run->rows[run->count];
	*row = *flow;
	for (i = 0; i < flow_schema.stored; i++)
		if (flow_schema.fields[i].type == TYPE_text)
			row->present[i / 64] &= ~((uint64_t)1 << i % 64);
	run->marks[run->count] = NULL;
	if (flow_has(flow, marks) && flow->marks.count > 0) {
		bytes = flow->marks.count * sizeof *flow->marks.items;
		run->marks[run->count] = grow(NULL, bytes);
		memcpy(run->marks[run->count], flow->marks.items, bytes);
		row->marks.items = run->marks[run->count];
		in->open_has_marks = true;
	}
	run->count++;
}

static void
take_row(struct intake *in, const struct flow *flow)
{
	in->counters[IDENTIFY_rows]++;
	if (in->open.count > 0 &&
	    (!flow_has(flow, connection) || !belongs(&in->open, flow)))
		intake_end(in);
	if (!flow_has(flow, connection)) {
		take_record(in, flow);
	} else if (in->open.count < RUN_ROWS_MAX) {
		hold(in, flow);
	} else if (in->open_has_marks) {
		in->counters[IDENTIFY_pipelined_over_limit]++;
	} else {
		intake_end(in);
		hold(in, flow);
	}
}

void
intake_batch(struct intake *in, const struct batch *flows)
{
	struct flow flow;
	size_t i;

	for (i = 0; i < flows->rows; i++) {
		batch_row(flows, i, &flow);
		take_row(in, &flow);
	}
}

static int
compare(const void *pa, const void *pb)
{
	const struct record *a = pa, *b = pb;
	int by;

	if ((by = addr_compare(&a->server, &b->server)) != 0)
		return by;
	if (a->server_port != b->server_port)
		return a->server_port < b->server_port ? -1 : 1;
	if ((by = addr_compare(&a->client, &b->client)) != 0)
		return by;
	if (a->client_port != b->client_port)
		return a->client_port < b->client_port ? -1 : 1;
	if (a->exchange != b->exchange)
		return a->exchange < b->exchange ? -1 : 1;
	if (a->start_us != b->start_us)
		return a->start_us < b->start_us ? -1 : 1;
	return addr_compare(&a->exporter, &b->exporter);
}

void
intake_sort(struct intake *in)
{
	if (in->count > 0)
		qsort(in->records, in->count, sizeof *in->records, compare);
}

static int
quality(const struct record *r)
{
	return (r->has_span ? r->is_at_least ? 1
			      : r->is_by_ack ? 3
					     : 4
			    : 0) *
		   2 +
	       r->has_request;
}

/* Same ends, overlapping time, like counts, but another point of observation. */
static bool
is_same_download(const struct record *a, const struct record *b)
{
	uint64_t more, less;

	if (!same_ends(a, b) || a->exchange != b->exchange || !a->has_exporter ||
	    !b->has_exporter || addr_compare(&a->exporter, &b->exporter) == 0 ||
	    b->start_us > a->end_us || a->start_us > b->end_us)
		return false;
	if (a->has_span && b->has_span && !a->is_at_least && !b->is_at_least)
		return a->span == b->span;
	more = a->bytes > b->bytes ? a->bytes : b->bytes;
	less = a->bytes > b->bytes ? b->bytes : a->bytes;
	return more - less <= more / 10 + 2000 || less == 0;
}

void
intake_dedup(struct intake *in)
{
	size_t i, kept = 0;

	intake_sort(in);
	for (i = 0; i < in->count; i++) {
		if (kept > 0 &&
		    is_same_download(&in->records[kept - 1], &in->records[i])) {
			in->counters[IDENTIFY_seen_twice]++;
			if (quality(&in->records[i]) > quality(&in->records[kept - 1]))
				in->records[kept - 1] = in->records[i];
			continue;
		}
		in->records[kept++] = in->records[i];
	}
	in->count = kept;
}
