/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows and marks to groups and borders. The rows of a connection are rejoined by their
 * offsets. Requests become groups (one per mark, or one per row without marks); request
 * octets that no mark shows belong to the request before them if they are few, else they
 * are a group of their own with an unknown place, as are those of a missing row. Borders
 * are the places of requests, unusual segment ends and the end of the stream: a segment's
 * length that occurs four times or more is the server's habit, not a file's end.
 */
#include "identify/sequence_run.h"

#include "base/err.h"
#include "model/flow.h"
#include "model/mark.h"

#include <errno.h>
#include <stdlib.h>

enum { USUAL = 4 };

struct reader {
	struct run *run;
	uint64_t *values; /* segment lengths, sorted */
	size_t value_count;
	uint64_t request_end, response_end;
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
is_usual(const struct reader *r, uint64_t value)
{
	size_t low = 0, high = r->value_count, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (r->values[mid] < value)
			low = mid + 1;
		else
			high = mid;
	}
	return low + USUAL - 1 < r->value_count && r->values[low + USUAL - 1] == value;
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

static void
read_marks(struct reader *r, const struct flow *row, uint64_t *marked)
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
			add_group(r, mark_value(mark), mark_offset(mark), true);
			*marked += mark_value(mark);
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
	uint64_t marked = 0;
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
	if (flow_has(row, marks) && row->marks.count > 0)
		read_marks(r, row, &marked);
	else if (span >= REQUEST_MIN) {
		add_group(r, span, reverse_offset, true);
		marked = span;
	}
	if (marked >= span)
		return;
	if (span - marked >= REQUEST_MIN || run->group_count == 0)
		add_gap(r, span - marked);
	else if (groups < run->group_count || span < REQUEST_MIN)
		run->groups[run->group_count - 1].bytes += (uint32_t)(span - marked);
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
	free(run->length);
}
