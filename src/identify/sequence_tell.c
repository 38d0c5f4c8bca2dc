/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is said of the pieces. Two pieces that overlap cannot both be probable, so those
 * with half or more of the mass, in order of offset, are the responses; what lies between
 * firm ones is filled (sequence_fill.c), or where it cannot be, told piece by piece and
 * as blocks.
 */
#include "identify/sequence_run.h"

#include "base/err.h"
#include "identify/sequence_ways.h"
#include "model/flow.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* A response that is not named may be told as one of a few files that have this much. */
static const double SET = 0.7;
/* A block's certainty that is worth a try. */
static const double WORTH = 0.5;

struct teller {
	struct run *run;
	const struct flow *rows;
	size_t row_count, row;
	sequence_emit *emit;
	void *arg;
	uint32_t ordinal; /* of the next response */
	uint32_t at;      /* border up to which all was told */
	uint32_t order;   /* place in the index of the last firm file */
	uint32_t last;    /* of all files */
	struct ways *ways;
};

/* The time at which the stream had come to an offset, by the row that holds it. */
static int64_t
time_at(struct teller *t, uint64_t offset, bool is_end)
{
	const struct flow *row;
	uint64_t at, span;

	/* A row without response octets holds none; an end belongs to the row before it.
	 */
	while (t->row + 1 < t->row_count) {
		row = &t->rows[t->row];
		at = flow_or(row, reverse_offset, 0) + flow_or(row, reverse_span, 0);
		if (offset < at || (is_end && offset == at))
			break;
		t->row++;
	}
	row = &t->rows[t->row];
	at = flow_or(row, reverse_offset, 0);
	span = flow_or(row, reverse_span, 0);
	if (offset <= at || span == 0)
		return row->start;
	if (offset >= at + span)
		return row->end;
	return row->start + (int64_t)((double)(row->end - row->start) *
				      ((double)(offset - at) / (double)span));
}

static int
tell(struct teller *t, struct sequence_response *r, struct err *err)
{
	struct sequence_stats *stats = t->run->stats;

	r->time_start = time_at(t, r->offset, false);
	r->row = (uint32_t)t->row;
	r->time_end = time_at(t, r->offset + r->span, true);
	t->ordinal = r->ordinal + r->responses;
	stats->named += r->verdict == SEQUENCE_NAMED;
	stats->unknown += r->verdict == SEQUENCE_UNKNOWN;
	stats->blocks += r->verdict == SEQUENCE_BLOCK;
	return t->emit(t->arg, r, err);
}

/* Keeps the likeliest rivals in order. */
static void
add_rival(struct sequence_response *r, const struct fit *fit)
{
	uint32_t i = r->rivals;

	r->fits++;
	if (i == SEQUENCE_RIVALS) {
		if (r->rival[--i].probability >= fit->mass)
			return;
	} else
		r->rivals++;
	for (; i > 0 && r->rival[i - 1].probability < fit->mass; i--)
		r->rival[i] = r->rival[i - 1];
	r->rival[i] = (struct sequence_rival){.id = fit->id, .probability = fit->mass};
	if (i == 0) {
		r->id = fit->id;
		r->header = fit->header;
		r->request_rest = fit->rest;
	}
}

static uint32_t
border_by(const struct border *border)
{
	return (border->is_end ? SEQUENCE_BY_END : 0) |
	       (border->is_anchor ? SEQUENCE_BY_REQUEST : 0) |
	       (border->is_page ? SEQUENCE_BY_PAGE : 0);
}

static int
tell_piece(struct teller *t, const struct pieces *p, const struct piece *piece,
	   struct err *err)
{
	const struct border *b = t->run->borders;
	struct sequence_response r = {
	    .ordinal = piece->ordinal,
	    .responses = 1,
	    .id = SEQUENCE_NO_ITEM,
	    .offset = b[piece->from].offset,
	    .request_bytes = piece->request,
	    .span = b[piece->to].offset - b[piece->from].offset,
	    .border_from = border_by(&b[piece->from]),
	    .border_to = border_by(&b[piece->to]),
	};
	double fitting = 0;
	uint32_t i;

	for (i = piece->first_fit; i != 0; i = p->fit[i].next) {
		add_rival(&r, &p->fit[i]);
		fitting += p->fit[i].mass;
	}
	for (i = 0; i < r.rivals; i++)
		r.rival[i].probability =
		    fmin(r.rival[i].probability, 1) * RUN_SURE * p->trust;
	r.verdict = r.rivals > 0 && r.rival[0].probability >= t->run->config->name_at
			? SEQUENCE_NAMED
			: SEQUENCE_UNKNOWN;
	r.probability = r.verdict == SEQUENCE_NAMED ? r.rival[0].probability
			: fitting < 1               ? 1 - fitting
						    : 0;
	return tell(t, &r, err);
}

/* Whether a few files make up nearly all of what a response may be. */
static bool
is_set(const struct sequence_response *r)
{
	double sum = 0;
	uint32_t i;

	for (i = 0; i < r->rivals; i++)
		sum += r->rival[i].probability;
	return sum >= SET;
}

/* Response i of a filled block. */
static void
fill_response(const struct teller *t, const struct block *block, const struct ways *ways,
	      uint32_t i, double certainty, struct sequence_response *r)
{
	const struct sequence_item *items = t->run->config->items;
	const struct way_fit *fit = &ways->fit[i][0];
	const struct known *known = block->ordinal + i < block->known_count
					? &block->known[block->ordinal + i]
					: NULL;
	uint32_t k;

	*r = (struct sequence_response){.ordinal = block->ordinal + i,
					.responses = 1,
					.id = items[fit->item].id,
					.header = fit->header,
					.request_rest = fit->rest,
					.request_bytes =
					    items[fit->item].path_bytes + fit->rest,
					.fits = ways->fits[i],
					.border_from = SEQUENCE_BY_FILL,
					.border_to = SEQUENCE_BY_FILL,
					.verdict = SEQUENCE_UNKNOWN};
	r->span = items[fit->item].size + fit->header;
	r->offset = fit->end - r->span;
	for (k = 0; k < ways->fits[i] && k < SEQUENCE_RIVALS; k++)
		r->rival[r->rivals++] = (struct sequence_rival){
		    .id = items[ways->fit[i][k].item].id,
		    .probability = ways->fit[i][k].probability * certainty * RUN_SURE};
	/* Of a firm response the borders alone tell as much. */
	if (known != NULL && known->to > 0 && known->id == r->id &&
	    r->rival[0].probability < known->probability)
		r->rival[0].probability = known->probability;
	if (r->rival[0].probability >= t->run->config->name_at)
		r->verdict = SEQUENCE_NAMED;
	r->probability = r->rival[0].probability;
}

/* Tells a filled block: the responses that are named or sets, and blocks between them. */
static int
tell_filled(struct teller *t, const struct block *block, const struct ways *ways,
	    double certainty, struct err *err)
{
	struct sequence_response r, gap = {.verdict = SEQUENCE_BLOCK,
					   .id = SEQUENCE_NO_ITEM,
					   .probability = 1};
	uint64_t at = block->offset, end = block->offset + block->span;
	uint32_t ordinal = block->ordinal, last = block->ordinal + block->responses, i;

	for (i = 0; i <= block->responses; i++) {
		if (i < block->responses) {
			fill_response(t, block, ways, i, certainty, &r);
			if (r.offset < at || r.offset + r.span > end ||
			    (r.verdict != SEQUENCE_NAMED && !is_set(&r)))
				continue;
		}
		gap.offset = at;
		gap.ordinal = ordinal;
		gap.span = (i < block->responses ? r.offset : end) - at;
		gap.responses = (i < block->responses ? r.ordinal : last) - ordinal;
		if (gap.span > 0 && tell(t, &gap, err) != 0)
			return -1;
		if (i == block->responses)
			break;
		if (tell(t, &r, err) != 0)
			return -1;
		at = r.offset + r.span;
		ordinal = r.ordinal + 1;
	}
	return 0;
}

static int
compare_piece(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

/* Sets the block up to piece i, or to the end of the stream. */
static void
set_block(const struct teller *t, const struct pieces *p, uint32_t i,
	  struct block *block)
{
	const struct border *b = t->run->borders;
	uint32_t ordinal = i < p->pieces ? p->piece[i].ordinal : block->known_count;

	block->offset = b[t->at].offset;
	block->span = b[i < p->pieces ? p->piece[i].from : t->run->border_count -
	    1].offset -
		      block->offset;
	block->ordinal = t->ordinal;
	block->responses = ordinal > t->ordinal ? ordinal - t->ordinal : 0;
	block->low = t->order;
	block->high = firm_next_order(p, i, t->last);
}

/* Fills a block; 1, or 0 where what may be there is not certain enough, or -1 with
 * err. */
static int
fill_block(struct teller *t, const struct block *block, struct err *err)
{
	double certainty;
	int found;

	if ((found = run_fill(t->run, block, t->ways, &certainty, err)) <= 0)
		return found;
	if (certainty < WORTH)
		return 0;
	return tell_filled(t, block, t->ways, certainty, err) == 0 ? 1 : -1;
}

/* Tells what is before piece i, from what was told last on: filled, or as a block. */
static int
tell_gap(struct teller *t, const struct pieces *p, uint32_t i, struct block *block,
	 struct err *err)
{
	struct sequence_response r = {
	    .verdict = SEQUENCE_BLOCK, .id = SEQUENCE_NO_ITEM, .probability = 1};
	int found;

	set_block(t, p, i, block);
	if (block->span == 0)
		return 0;
	if ((found = fill_block(t, block, err)) != 0)
		return found < 0 ? -1 : 0;
	r.ordinal = block->ordinal;
	r.responses = block->responses;
	r.offset = block->offset;
	r.span = block->span;
	return tell(t, &r, err);
}

static int
tell_one(struct teller *t, const struct pieces *p, const struct piece *piece,
	 struct err *err)
{
	uint32_t order;

	if (tell_piece(t, p, piece, err) != 0)
		return -1;
	if (firm_is(p, piece) && (order = pieces_order(p, piece)) > t->order)
		t->order = order;
	t->at = piece->to;
	return 0;
}

/*
 * Tells the pieces from first to before next, no cuts, and what lies between
 * and after them: all filled at once if that can be, else one by one.
 */
static int
tell_between(struct teller *t, const struct pieces *p, uint32_t first, uint32_t next,
	     struct block *block, struct err *err)
{
	uint32_t i;
	int found = 0;

	set_block(t, p, next, block);
	if (first < next && block->span > 0 &&
	    (found = fill_block(t, block, err)) != 0)
		return found < 0 ? -1 : 0;
	for (i = first; i < next; i++) {
		if (p->piece[i].from < t->at)
			continue;
		if (tell_gap(t, p, i, block, err) != 0 ||
		    tell_one(t, p, &p->piece[i], err) != 0)
			return -1;
	}
	return tell_gap(t, p, next, block, err);
}

/* Tells the pieces in order, and the blocks between them. */
static int
tell_pieces(struct teller *t, const struct pieces *p, struct block *block,
    struct err *err)
{
	uint32_t i, first = 1;

	for (i = 1; i <= p->pieces; i++) {
		if (i < p->pieces && (!firm_is_cut(t->run, p, &p->piece[i], block) ||
			      p->piece[i].from < t->at))
			continue;
		if (tell_between(t, p, first, i, block, err) != 0 ||
		    (i < p->pieces && tell_one(t, p, &p->piece[i], err) != 0))
			return -1;
		first = i + 1;
	}
	return 0;
}

static uint32_t
last_order(const struct sequence_config *config)
{
	uint32_t last = 0;
	size_t i;

	for (i = 0; i < config->count; i++)
		if (config->items[i].order > last)
			last = config->items[i].order;
	return last;
}

int
pieces_emit(struct run *run, struct pieces *p, const struct flow *rows, size_t count,
	    sequence_emit *emit, void *arg, struct err *err)
{
	struct teller t = {.run = run,
			   .rows = rows,
			   .row_count = count,
			   .emit = emit,
			   .arg = arg,
			   .last = last_order(run->config),
			   .ways = malloc(sizeof *t.ways)};
	struct block block = {0};
	uint32_t i, n = 1;
	int status = -1;

	for (i = 1; i < p->pieces; i++)
		if (p->piece[i].mass > 0.5)
			p->piece[n++] = p->piece[i];
	p->pieces = n;
	qsort(p->piece + 1, n - 1, sizeof *p->piece, compare_piece);
	if (t.ways == NULL)
		err_set(err, ENOMEM, "sequence: out of memory for ways");
	else if (firm_settle(run, p, t.last, &block, err) == 0)
		status = tell_pieces(&t, p, &block, err);
	free(block.known);
	free(t.ways);
	return status;
}
