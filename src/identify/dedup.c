/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Downloads that several points of observation saw: of their records the best is kept,
 * the other points are noted with it. A point that does not cut connections has one
 * record for what another has as exchanges, which then tell it better.
 */
#include "identify/intake.h"

#include "model/flow.h"

#include <stdlib.h>
#include <string.h>

enum {
	FLOW_MAX = 4096, /* records of a flow held against one another */
	POINTS_MAX = 16, /* observation points of one download told */
};

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
	if (a->is_quic != b->is_quic)
		return a->is_quic ? 1 : -1;
	if (a->start_us != b->start_us)
		return a->start_us < b->start_us ? -1 : 1;
	if (a->exchange != b->exchange)
		return a->exchange < b->exchange ? -1 : 1;
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
	int span = r->is_at_least ? 1 : r->is_by_ack ? 3 : 4;

	return (r->has_span ? span : 0) * 2 + r->has_request;
}

static bool
are_like(uint64_t a, uint64_t b)
{
	uint64_t more = a > b ? a : b, less = a > b ? b : a;

	return more - less <= more / 10 + 2000 || less == 0;
}

static bool
is_elsewhere(const struct record *a, const struct record *b)
{
	return record_same_ends(a, b) && a->has_exporter && b->has_exporter &&
	       addr_compare(&a->exporter, &b->exporter) != 0 &&
	       b->start_us <= a->end_us && a->start_us <= b->end_us;
}

/* Same ends, overlapping time, like counts, but another point of observation. One that
 * saw the connection begin later numbers its exchanges otherwise. */
static bool
is_same_download(const struct record *a, const struct record *b)
{
	if (!is_elsewhere(a, b))
		return false;
	if (a->has_span && b->has_span && !a->is_at_least && !b->is_at_least)
		return a->span == b->span && (a->exchange == b->exchange ||
					      a->request_span == b->request_span);
	return a->exchange == b->exchange && are_like(a->bytes, b->bytes);
}

static void
add_point(struct intake *in, struct record *kept, const struct addr *exporter)
{
	uint32_t i, n = 0;

	for (i = kept->points; i != 0; i = in->points[i].next, n++)
		if (n == POINTS_MAX ||
		    addr_compare(&in->points[i].exporter, exporter) == 0)
			return;
	if (in->points_count + 1 >= in->points_cap) {
		in->points_cap = in->points_cap ? in->points_cap * 2 : 64;
		in->points = intake_grow(in->points, in->points_cap * sizeof *in->points);
	}
	i = ++in->points_count;
	in->points[i] = (struct point){*exporter, kept->points};
	kept->points = i;
}

/* Of two records of one download the better; the other's point is noted. */
static void
merge_points(struct intake *in, struct record *kept, const struct record *other)
{
	struct record better = *kept;
	struct addr point = other->exporter;

	if (quality(other) > quality(kept)) {
		better = *other;
		point = kept->exporter;
		better.points = kept->points;
	}
	*kept = better;
	add_point(in, kept, &point);
}

/*
 * Whether a record without spans is of a connection that another point cut into
 * exchanges: all of them together, among first .. end - 1, are like it.
 */
static bool
is_told_by_exchanges(const struct intake *in, size_t first, size_t end,
    const struct record *plain)
{
	const struct record *r = NULL;
	uint64_t bytes = 0;
	size_t i, n = 0;

	for (i = first; i < end; i++) {
		if (!in->records[i].has_span || !is_elsewhere(plain, &in->records[i]))
			continue;
		if (r != NULL &&
		    addr_compare(&r->exporter, &in->records[i].exporter) != 0)
			continue;
		r = &in->records[i];
		bytes += r->bytes;
		n++;
	}
	return n > 1 && are_like(bytes, plain->bytes);
}

/* Drops plain records of one flow, first .. end - 1, that its exchanges tell better. */
static size_t
drop_plain(struct intake *in, size_t first, size_t end)
{
	struct record *plain, *r;
	size_t i, k, kept = first;

	for (i = first; i < end; i++) {
		plain = &in->records[i];
		if (plain->has_span || !is_told_by_exchanges(in, first, end, plain))
			continue;
		plain->is_dropped = true;
		in->counters[IDENTIFY_seen_twice]++;
		for (k = first; k < end; k++) {
			r = &in->records[k];
			if (r->has_span && is_elsewhere(plain, r))
				add_point(in, r, &plain->exporter);
		}
	}
	for (i = first; i < end; i++)
		if (!in->records[i].is_dropped)
			in->records[kept++] = in->records[i];
	return kept;
}

/* The record kept, among the last few from first on, that is of the same download. */
static struct record *
kept_of(struct intake *in, size_t first, size_t kept, const struct record *record)
{
	for (size_t k = kept; k > first && k + INTAKE_LOOK > kept; k--)
		if (is_same_download(&in->records[k - 1], record))
			return &in->records[k - 1];
	return NULL;
}

static void
dedup_records(struct intake *in)
{
	struct record *r = in->records, *same;
	size_t i, kept = 0, first = 0, end;

	for (i = 0; i < in->count; i = end) {
		first = kept;
		for (end = i; end < in->count; end++) {
			if (!record_same_ends(&r[i], &r[end]))
				break;
			if ((same = kept_of(in, first, kept, &r[end])) == NULL) {
				r[kept++] = r[end];
				continue;
			}
			in->counters[IDENTIFY_seen_twice]++;
			merge_points(in, same, &r[end]);
		}
		if (kept - first > 2 && kept - first <= FLOW_MAX)
			kept = drop_plain(in, first, kept);
	}
	in->count = kept;
}

static int
run_compare(const void *pa, const void *pb)
{
	const struct flow *a = ((const struct run *)pa)->rows,
			  *b = ((const struct run *)pb)->rows;
	int by;

	if ((by = addr_compare(&a->src, &b->src)) != 0 ||
	    (by = addr_compare(&a->dst, &b->dst)) != 0)
		return by;
	if (a->src_port != b->src_port)
		return a->src_port < b->src_port ? -1 : 1;
	if (a->dst_port != b->dst_port)
		return a->dst_port < b->dst_port ? -1 : 1;
	return a->start < b->start ? -1 : a->start > b->start;
}

static bool
is_same_run(const struct run *a, const struct run *b)
{
	const struct flow *x = a->rows, *y = b->rows;

	return flow_has(x, exporter) && flow_has(y, exporter) &&
	       addr_compare(&x->exporter, &y->exporter) != 0 &&
	       addr_compare(&x->src, &y->src) == 0 &&
	       addr_compare(&x->dst, &y->dst) == 0 && x->src_port == y->src_port &&
	       x->dst_port == y->dst_port && y->start <= a->rows[a->count - 1].end;
}

/* Octets of both streams that a run's rows tell of, and marks. */
static uint64_t
run_quality(const struct run *run)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < run->count; i++)
		sum += flow_or(&run->rows[i], span, 0) +
		       flow_or(&run->rows[i], reverse_span, 0) +
		       (flow_has(&run->rows[i], marks) ? run->rows[i].marks.count : 0);
	return sum;
}

static void
dedup_runs(struct intake *in)
{
	struct run *runs = in->runs, worse;
	size_t i, kept = 0;

	if (in->runs_count > 1)
		qsort(runs, in->runs_count, sizeof *runs, run_compare);
	for (i = 0; i < in->runs_count; i++) {
		if (kept == 0 || !is_same_run(&runs[kept - 1], &runs[i])) {
			runs[kept++] = runs[i];
			continue;
		}
		in->counters[IDENTIFY_seen_twice] += runs[i].count;
		worse = runs[i];
		if (run_quality(&runs[i]) > run_quality(&runs[kept - 1])) {
			worse = runs[kept - 1];
			runs[kept - 1] = runs[i];
		}
		intake_run_done(&worse);
	}
	in->runs_count = kept;
}

void
intake_dedup(struct intake *in)
{
	intake_sort(in);
	dedup_records(in);
	dedup_runs(in);
}
