/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows and marks to groups and borders. The rows of a connection are rejoined by their
 * offsets. Requests become groups (one per mark, or one per row without marks); request
 * octets that no mark shows belong to the request before them if they are few, else they
 * are a group of their own with an unknown place, as are those of a missing row. Borders
 * are the places of requests, unusual segment ends and the end of the stream: a segment's
 * length that occurs four times or more is the server's habit, not a file's end.
 *
 * apt writes its requests by way of a ring of 4096 octets, so that one is sent in two
 * parts where the ring ends: a part that ends there belongs to what comes after it, and
 * octets that no mark shows do so if they end there.
 */
#include "identify/sequence_run.h"

#include "base/err.h"
#include "model/flow.h"
#include "model/mark.h"

#include <errno.h>
#include <stdlib.h>

enum {
	USUAL = 4,
	WRAP = 4096, /* octets of apt's buffer for requests, a ring */
};

struct reader {
	struct run *run;
	uint64_t *values; /* segment lengths, sorted */
	size_t value_count;
	uint64_t request_end, response_end;
	uint64_t carried; /* octets of a request whose other part comes next */
	bool is_part;     /* the last group is such a one */
	uint32_t row;
	size_t group_cap, border_cap, odd_cap;
};

static int
compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int
compare_border(const void *a, const void *b)
{
	const struct border *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

static void
add_border(struct reader *r, uint64_t offset, bool is_end)
{
	struct run *run = r->run;

	if (run->border_count == r->border_cap) {
		run->stats->marks_dropped++;
		return;
	}
	run->borders[run->border_count++] = (struct border){
	    .offset = offset, .row = r->row, .is_end = is_end, .is_anchor = !is_end};
}

static void
add_group(struct reader *r, uint64_t bytes, uint64_t anchor, bool is_anchored)
{
	struct run *run = r->run;

	if (run->group_count == r->group_cap) {
		run->stats->marks_dropped++;
		return;
	}
	bytes += r->carried;
	r->carried = 0;
	if (r->is_part && bytes < WRAP) {
		run->groups[run->group_count - 1].bytes += (uint32_t)bytes;
		r->is_part = false;
		return;
	}
	run->stats->requests++;
	run->groups[run->group_count++] = (struct group){
	    .bytes = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes,
	    .anchor = anchor,
	    .is_anchored = is_anchored,
	    .row = r->row,
	};
	if (is_anchored)
		add_border(r, anchor, false);
}

/* Requests that were not seen: few octets are one group, many are pieces of one. */
static void
add_gap(struct reader *r, uint64_t bytes)
{
	struct run *run = r->run;
	uint64_t piece;

	bool is_loose = bytes > RUN_LENGTHS / 2;

	for (; bytes > 0 && run->group_count < r->group_cap; bytes -= piece) {
		piece = is_loose && bytes > RUN_PIECE ? RUN_PIECE : bytes;
		add_group(r, piece, 0, false);
		run->groups[run->group_count - 1].is_loose = is_loose;
	}
}

static bool
is_lesser(const void *values, size_t i, uint64_t value)
{
	return ((const uint64_t *)values)[i] < value;
}

static bool
is_usual(const struct reader *r, uint64_t value)
{
	size_t last = USUAL - 1 + search_first(r->values, 0, r->value_count, value,
	    is_lesser);

	return last < r->value_count && r->values[last] == value;
}

/* Marks come in order; one that does not is of a damaged record. */
static void
add_odd(struct reader *r, uint64_t offset)
{
	struct run *run = r->run;

	if (run->odd_count < r->odd_cap &&
	    (run->odd_count == 0 || run->odd[run->odd_count - 1] < offset))
		run->odd[run->odd_count++] = offset;
}

/* Octets of the row's requests that no mark shows. */
static uint64_t
unmarked(const struct flow *row, uint64_t span)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < row->marks.count; i++)
		if (mark_kind(row->marks.items[i]) == MARK_REQUEST)
			sum += mark_value(row->marks.items[i]);
	return sum < span ? span - sum : 0;
}

/* A request of a row's, from its place in the request stream on. */
static void
read_request(struct reader *r, uint64_t mark, uint64_t *at, uint64_t *hidden)
{
	if (*hidden > 0 && *hidden < REQUEST_MIN && (*at + *hidden) % WRAP == 0) {
		r->carried = *hidden;
		*at += *hidden;
		*hidden = 0;
	}
	add_group(r, mark_value(mark), mark_offset(mark), true);
	*at += mark_value(mark);
	r->is_part = *at % WRAP == 0;
}

/* hidden: octets of requests that no mark shows; less those that belong to one. */
static void
read_marks(struct reader *r, const struct flow *row, uint64_t at, uint64_t *hidden)
{
	struct sequence_stats *stats = r->run->stats;
	uint64_t mark, end = r->response_end;
	uint32_t i;

	for (i = 0; i < row->marks.count; i++) {
		mark = row->marks.items[i];
		if (mark_kind(mark) == MARK_LOST) {
			stats->marks_lost += mark_value(mark);
			continue;
		}
		if (mark_kind(mark) == MARK_REQUEST) {
			read_request(r, mark, &at, hidden);
			continue;
		}
		stats->ends++;
		if (mark_offset(mark) > end)
			continue; /* of no octet that the row holds */
		add_odd(r, mark_offset(mark));
		if (is_usual(r, mark_value(mark)))
			stats->usual_ends++;
		else
			add_border(r, mark_offset(mark), true);
	}
}

static void
read_row(struct reader *r, const struct flow *row)
{
	struct run *run = r->run;
	uint64_t offset = flow_or(row, offset, r->request_end);
	uint64_t reverse_offset = flow_or(row, reverse_offset, r->response_end);
	uint64_t span = flow_or(row, span, 0),
		 reverse_span = flow_or(row, reverse_span, 0);
	uint64_t hidden;
	uint32_t groups;

	run->stats->rows++;
	if (offset < r->request_end || reverse_offset < r->response_end ||
	    reverse_offset > MARK_OFFSET_MAX || reverse_span > MARK_OFFSET_MAX ||
	    offset > MARK_OFFSET_MAX || span > MARK_OFFSET_MAX) {
		run->stats->rows_skipped++;
		return;
	}
	if (offset > r->request_end)
		add_gap(r, offset - r->request_end);
	if (reverse_offset > r->response_end || run->border_count == 0)
		add_border(r, reverse_offset, false);
	r->response_end = reverse_offset + reverse_span;
	r->request_end = offset + span;
	groups = run->group_count;
	hidden = span;
	if (flow_has(row, marks) && row->marks.count > 0) {
		hidden = unmarked(row, span);
		read_marks(r, row, offset, &hidden);
	} else if (span >= REQUEST_MIN) {
		add_group(r, span, reverse_offset, true);
		hidden = 0;
		r->is_part = r->request_end % WRAP == 0;
	}
	if (hidden >= REQUEST_MIN || (hidden > 0 && run->group_count == 0))
		add_gap(r, hidden);
	else if (hidden > 0 && r->request_end % WRAP == 0)
		r->carried = hidden;
	else if (hidden > 0 && (groups < run->group_count || span < REQUEST_MIN))
		run->groups[run->group_count - 1].bytes += (uint32_t)hidden;
}

/* Sorts borders, one per offset, within the stream; an end and an anchor become both. */
static void
merge_borders(struct run *run, uint64_t stream_end)
{
	struct border *out = run->borders, *in;
	uint32_t i, n = 0;

	qsort(run->borders, run->border_count, sizeof *run->borders, compare_border);
	for (i = 0; i < run->border_count; i++) {
		in = &run->borders[i];
		if (in->offset > stream_end)
			break;
		if (n > 0 && out[n - 1].offset == in->offset) {
			out[n - 1].is_end |= in->is_end;
			out[n - 1].is_anchor |= in->is_anchor;
		} else
			out[n++] = *in;
	}
	run->border_count = n;
}

int
run_read(struct run *run, const struct flow *rows, size_t count, struct err *err)
{
	struct reader r = {.run = run};
	size_t i, j, marks = 0;
	uint64_t limit = run->config->marks_max;

	for (i = 0; i < count; i++)
		if (flow_has(&rows[i], marks))
			marks += rows[i].marks.count;
	if (limit > RUN_BORDERS_MAX / 2)
		limit = RUN_BORDERS_MAX / 2;
	r.group_cap = marks + 2 * count + 2 < limit ? marks + 2 * count + 2 : limit;
	r.border_cap = 2 * r.group_cap;
	r.odd_cap = r.group_cap;
	run->stats->marks += marks;
	run->groups = calloc(r.group_cap + 1, sizeof *run->groups);
	run->borders = calloc(r.border_cap + 1, sizeof *run->borders);
	run->odd = calloc(r.odd_cap + 1, sizeof *run->odd);
	r.values = calloc(marks + 1, sizeof *r.values);
	if (run->groups == NULL || run->borders == NULL || run->odd == NULL ||
	    r.values == NULL) {
		free(r.values);
		return err_set(err, ENOMEM, "sequence: out of memory for %zu marks",
			       marks);
	}
	for (i = 0; i < count; i++)
		for (j = 0; flow_has(&rows[i], marks) && j < rows[i].marks.count; j++)
			if (mark_kind(rows[i].marks.items[j]) == MARK_END)
				r.values[r.value_count++] =
				    mark_value(rows[i].marks.items[j]);
	qsort(r.values, r.value_count, sizeof *r.values, compare_u64);
	for (i = 0; i < count; i++) {
		r.row = (uint32_t)i;
		read_row(&r, &rows[i]);
	}
	free(r.values);
	if (run->border_count == 0)
		return 0;
	if (run->border_count == r.border_cap)
		run->border_count--; /* the stream's end must stand */
	add_border(&r, r.response_end, true);
	merge_borders(run, r.response_end);
	return 0;
}

void
run_done(struct run *run)
{
	free(run->groups);
	free(run->borders);
	free(run->odd);
	free(run->header_share);
	free(run->likelier);
	free(run->length);
}
