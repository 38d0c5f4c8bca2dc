/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes flow rows in. Rows of one connection come one after the other; they are held
 * until the connection is over, for a mark in a late row tells that the whole connection
 * is one for the decoder of pipelined runs. Rows that continue an exchange, or a flow
 * that a router's timeout cut, are joined.
 */
#include "identify/intake.h"

#include "identify/tls.h"
#include "model/batch.h"
#include "model/flow.h"
#include "model/mark.h"
#include "model/tcp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RUN_ROWS_MAX = 8192,     /* of one connection */
	RUNS_ROWS_MAX = 1000000, /* of all pipelined ones */
	RECORDS_MAX = 20000000,
	REQUEST_LEAST = 64,      /* no whole request is shorter */
	HELLO_MIN = 150,         /* octets of a ClientHello */
	HELLO_MAX = 4096,
	GREETING_MIN = 600,      /* of the server's answer with its certificates */
	GREETING_MAX = 16384,
	KEYS_MAX = 200,          /* of the client's key exchange, Finished and settings */
	TICKET_MAX = 400,        /* of the answer to it */
	TICKETS_MAX = 1024,      /* of the answer to a Finished, with settings */
};

/* A flow that a timeout cut goes on within this time, or nobody would call it busy. */
static const int64_t CUT_GAP_US = 15000000;

/* How far an exporter's clock may be off from one datagram to the next, and the shortest
 * timeout that cuts busy flows. */
static const int64_t CUT_CLOCK_US = 1500000, CUT_LEAST_US = 1000000;

void *
intake_grow(void *old, size_t bytes)
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
	*in = (struct intake){
	    .config = config,
	    .counters = counters,
	    .count_max = config->rows_max ? config->rows_max : RECORDS_MAX,
	};
}

void
intake_run_clear(struct run *run)
{
	size_t i;

	for (i = 0; i < run->count; i++)
		free(run->marks[i]);
	run->count = 0;
}

void
intake_run_done(struct run *run)
{
	intake_run_clear(run);
	free(run->rows);
	free(run->marks);
	*run = (struct run){0};
}

void
intake_clear(struct intake *in)
{
	size_t i;

	for (i = 0; i < in->runs_count; i++)
		intake_run_done(&in->runs[i]);
	in->count = in->runs_count = in->run_rows = in->points_count = 0;
}

void
intake_done(struct intake *in)
{
	intake_clear(in);
	intake_run_done(&in->open);
	free(in->runs);
	free(in->records);
	free(in->points);
}

/* Whether b begins where a ends, or so long after. Some exporters tell times relative to
 * a clock whose start they know to the second: b may then seem to begin before a has
 * ended, but not with it, as a record of the same packets would. */
static bool
follows(const struct record *a, const struct record *b, int64_t gap_us)
{
	int64_t gap = b->start_us - a->end_us, lasted = a->end_us - a->start_us;

	if (gap > gap_us)
		return false;
	return gap >= 0 || (gap >= -CUT_CLOCK_US && lasted >= CUT_LEAST_US &&
			    b->start_us - a->start_us >= lasted / 2 &&
			    b->end_us + CUT_CLOCK_US > a->end_us);
}

/*
 * The same exchange, or flow, goes on in b. With spans their places in the stream say so;
 * a record lost between them leaves a gap that the places close again. Without, a flow
 * that a timeout cut: told, or a record without a SYN right after one without a FIN.
 * Where flags are not told either, a record at once after another: an idle flow that a
 * timeout ended has had a pause, and a client does not use a port again so soon.
 */
static bool
continues(const struct record *a, const struct record *b)
{
	bool is_open = !(a->server_flags & (TCP_FIN | TCP_RST));
	bool is_begun = b->server_flags != 0 && !(b->server_flags & TCP_SYN);

	if (!record_same_ends(a, b) || addr_compare(&a->exporter, &b->exporter) != 0 ||
	    a->has_connection != b->has_connection || a->has_span != b->has_span ||
	    b->start_us < a->start_us)
		return false;
	if (a->has_connection &&
	    (a->connection != b->connection || a->exchange != b->exchange))
		return false;
	if (a->has_span && (a->has_connection || b->offset > 0))
		return b->offset >= a->offset + a->span && is_open &&
		       (a->has_connection || b->offset == a->offset + a->span);
	if (a->has_span || !is_open)
		return false;
	if (a->server_flags == 0 && b->server_flags == 0)
		return follows(a, b, CUT_CLOCK_US);
	return is_begun && (a->is_cut ||
	    (a->server_flags != 0 && follows(a, b, CUT_GAP_US)));
}

static void
join(struct record *a, const struct record *b)
{
	a->end_us = b->end_us > a->end_us ? b->end_us : a->end_us;
	a->bytes += b->bytes;
	a->packets += b->packets;
	a->request_bytes += b->request_bytes;
	a->request_packets += b->request_packets;
	if (a->has_span)
		a->span = b->offset + b->span - a->offset;
	if (b->has_request && a->has_request) {
		a->request_span = b->request_offset + b->request_span - a->request_offset;
	} else if (b->has_request) {
		a->request_span = b->request_span;
		a->request_offset = b->request_offset;
		a->has_request = true;
	} else if (a->sampling > 1 && b->request_span > 0) {
		a->request_span = b->request_offset + b->request_span - a->request_offset;
		a->has_request = false;
	}
	a->segment = a->segment > b->segment ? a->segment : b->segment;
	a->is_at_least |= b->is_at_least;
	if (b->client_ttl != 0 && (a->client_ttl == 0 || b->client_ttl < a->client_ttl))
		a->client_ttl = b->client_ttl;
	if (b->server_ttl != 0 && (a->server_ttl == 0 || b->server_ttl < a->server_ttl))
		a->server_ttl = b->server_ttl;
	a->client_flags |= b->client_flags;
	a->server_flags |= b->server_flags;
	a->is_coalesced |= b->is_coalesced;
	a->is_cut = b->is_cut;
	a->is_joined = true;
	record_bound(a);
}

/* The record that this one continues, among the last few of its flow: those of several
 * exporters alternate. */
static struct record *
continued(struct intake *in, const struct record *record)
{
	size_t i, least = in->count > INTAKE_LOOK ? in->count - INTAKE_LOOK : 0;

	for (i = in->count; i-- > least;) {
		if (!record_same_ends(&in->records[i], record))
			return NULL;
		if (continues(&in->records[i], record))
			return &in->records[i];
	}
	return NULL;
}

static void
take_record(struct intake *in, const struct flow *flow)
{
	struct record record, *before;

	if (!record_of(flow, in->config, in->counters, &record))
		return;
	if (in->open.count > 0)
		record.system = in->open_system;
	if ((before = continued(in, &record)) != NULL) {
		join(before, &record);
		in->counters[IDENTIFY_joined]++;
		return;
	}
	if (in->count >= in->count_max) {
		in->counters[IDENTIFY_over_limit]++;
		return;
	}
	if (in->count == in->cap) {
		in->cap = in->cap ? in->cap + in->cap / 2 : 256;
		in->records = intake_grow(in->records, in->cap * sizeof *in->records);
	}
	in->records[in->count++] = record;
}

static void
keep_run(struct intake *in)
{
	in->counters[IDENTIFY_pipelined] += in->open.count;
	if (in->run_rows + in->open.count > RUNS_ROWS_MAX) {
		in->counters[IDENTIFY_pipelined_over_limit] += in->open.count;
		intake_run_clear(&in->open);
		return;
	}
	if (in->runs_count == in->runs_cap) {
		in->runs_cap = in->runs_cap ? in->runs_cap * 2 : 16;
		in->runs = intake_grow(in->runs, in->runs_cap * sizeof *in->runs);
	}
	in->open.start_us = in->open.rows[0].start;
	in->open.rows = intake_grow(in->open.rows,
	    in->open.count * sizeof *in->open.rows);
	in->run_rows += in->open.count;
	in->runs[in->runs_count++] = in->open;
	in->open = (struct run){0};
	in->open_cap = 0;
}

/*
 * Whether requests went out before earlier ones were answered. A client that sends the
 * first bytes of a request by themselves makes marks too, yet no row of several requests.
 */
static bool
is_pipelined(const struct run *run)
{
	uint64_t least = UINT64_MAX, most = 0, mark;
	size_t i, k;

	for (i = 0; i < run->count; i++) {
		const struct flow *row = &run->rows[i];
		uint64_t span = flow_or(row, span, 0);

		if (!flow_has(row, span) || !flow_has(row, reverse_offset))
			return true;
		least = span >= REQUEST_LEAST && span < least ? span : least;
		most = span > most ? span : most;
		for (k = 0; flow_has(row, marks) && k < row->marks.count; k++) {
			mark = row->marks.items[k];
			if (mark_kind(mark) == MARK_REQUEST &&
			    mark_value(mark) >= REQUEST_LEAST &&
			    mark_offset(mark) > row->reverse_offset)
				return true;
		}
	}
	return most >= least / 10 * 19;
}

/*
 * Whether a connection begins as TLS's do: a ClientHello, answered by some kilobytes, and
 * then the client's Finished (1.3: by itself or after a change of ciphers; SHA-256 or
 * SHA-384) or key exchange (1.2).
 */
static bool
is_encrypted(const struct run *run)
{
	static const uint64_t finished[] = {58, 64, 74, 80};
	const struct flow *first = &run->rows[0], *second = &run->rows[1];
	uint64_t mark;
	size_t i;

	if (run->count < 2 || flow_or(first, exchange, 1) != 0 ||
	    flow_or(first, reverse_offset, 1) != 0 || flow_has(first, marks) ||
	    flow_or(first, span, 0) < HELLO_MIN || flow_or(first, span, 0) > HELLO_MAX ||
	    flow_or(first, reverse_span, 0) > GREETING_MAX)
		return false;
	if (tls_is_port(flow_or(first, dst_port, 0)))
		return true;
	if (flow_or(first, reverse_span, 0) >= GREETING_MIN &&
	    flow_or(second, span, 0) <= KEYS_MAX &&
	    flow_or(second, reverse_span, 0) <= TICKET_MAX)
		return true;
	/* By itself, or before a request. */
	mark = flow_has(second, marks) && second->marks.count > 0
	    ? second->marks.items[0] : 0;
	for (i = 0; i < sizeof finished / sizeof finished[0]; i++)
		if ((flow_or(second, span, 0) == finished[i] &&
		     flow_or(second, reverse_span, 0) <= TICKETS_MAX) ||
		    (mark_kind(mark) == MARK_REQUEST && mark_value(mark) == finished[i] &&
		     mark_offset(mark) == flow_or(second, reverse_offset, 0)))
			return true;
	return false;
}

/* What a client sent in pieces before the server answered: the last one is the request,
 * what is before it the end of a handshake or settings. */
static void
cut_greeting(struct flow *row)
{
	uint64_t before = 0, last = 0, mark;
	size_t i;

	for (i = 0; flow_has(row, marks) && i < row->marks.count; i++) {
		mark = row->marks.items[i];
		if (mark_kind(mark) != MARK_REQUEST || !flow_has(row, reverse_offset) ||
		    mark_offset(mark) != row->reverse_offset)
			continue;
		before += last;
		last = mark_value(mark);
	}
	if (flow_has(row, span) && before < row->span)
		row->span -= before;
}

void
intake_end(struct intake *in)
{
	bool encrypted;
	size_t i;

	if (in->open.count == 0)
		return;
	encrypted = in->open_has_marks && is_encrypted(&in->open);
	for (i = 0; encrypted && i < in->open.count; i++)
		cut_greeting(&in->open.rows[i]);
	if (in->open_has_marks && !encrypted && is_pipelined(&in->open)) {
		keep_run(in);
	} else {
		for (i = 0; i < in->open.count; i++)
			take_record(in, &in->open.rows[i]);
		intake_run_clear(&in->open);
	}
	in->open_has_marks = false;
	in->open_system = 0;
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
		run->rows = intake_grow(run->rows, in->open_cap * sizeof *run->rows);
		run->marks = intake_grow(run->marks, in->open_cap * sizeof *run->marks);
	}
	row = &run->rows[run->count];
	*row = *flow;
	if (in->open_system == 0)
		in->open_system = record_system(flow);
	for (i = 0; i < flow_schema.stored; i++)
		if (flow_schema.fields[i].type == TYPE_text)
			row->present[i / 64] &= ~((uint64_t)1 << i % 64);
	run->marks[run->count] = NULL;
	if (flow_has(flow, marks) && flow->marks.count > 0) {
		bytes = flow->marks.count * sizeof *flow->marks.items;
		run->marks[run->count] = intake_grow(NULL, bytes);
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
