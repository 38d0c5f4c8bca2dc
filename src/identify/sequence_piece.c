/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pieces: probabilities collected by piece of the stream and by file, and what is said of
 * them. Two pieces that overlap cannot both be probable, so those with half or more of
 * the mass, in order of offset, are the responses; what lies between is a block.
 *
 * apt fetches in the order of the archive's index. If the files that are sure come in
 * order, a file between two of them is likelier to stand between them in the index too:
 * that tells files of equal size and path length apart. Where the order does not hold, or
 * the catalogue has none, nothing is concluded from it.
 */
#include "identify/sequence_run.h"

#include "base/err.h"
#include "model/flow.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { PIECES_MAX = 1 << 18, FITS_MAX = 1 << 19, SLOTS = 1 << 20 };

/* No probability is above this: the model itself may be wrong. */
static const double SURE = 0.9995;

/* The order of the index: who bears witness, how many must, the most it can say. */
static const double ORDER_SURE = 0.95, ORDER_GAIN = 200;
enum { ORDER_PAIRS = 6 };

int
pieces_init(struct pieces *p, struct err *err)
{
	*p = (struct pieces){
	    .piece_cap = 256, .fit_cap = 1024, .fits = 1, .pieces = 1, .trust = 1};
	p->piece = calloc(p->piece_cap, sizeof *p->piece);
	p->fit = calloc(p->fit_cap, sizeof *p->fit);
	p->piece_slot = calloc(SLOTS, sizeof *p->piece_slot);
	p->fit_slot = calloc(SLOTS, sizeof *p->fit_slot);
	if (p->piece == NULL || p->fit == NULL || p->piece_slot == NULL ||
	    p->fit_slot == NULL)
		return err_set(err, ENOMEM, "sequence: out of memory for pieces");
	return 0;
}

void
pieces_done(struct pieces *p)
{
	free(p->piece);
	free(p->fit);
	free(p->piece_slot);
	free(p->fit_slot);
}

/* Doubles an array that is full, up to a limit; false if it stays full. */
static bool
grow(void **data, uint32_t count, uint32_t *cap, uint32_t limit, size_t size)
{
	void *grown;

	if (count < *cap)
		return true;
	if (*cap >= limit || (grown = realloc(*data, (size_t)*cap * 2 * size)) == NULL)
		return false;
	*data = grown;
	*cap *= 2;
	return true;
}

static uint32_t
slot_of(uint32_t a, uint32_t b)
{
	uint64_t h = ((uint64_t)a << 32 | b) * 0x9e3779b97f4a7c15u;

	return (uint32_t)(h >> 44);
}

struct piece *
pieces_get(struct pieces *p, uint32_t from, uint32_t to)
{
	uint32_t slot = slot_of(from, to), i;
	void *data = p->piece;

	for (; (i = p->piece_slot[slot]) != 0; slot = (slot + 1) % SLOTS)
		if (p->piece[i].from == from && p->piece[i].to == to)
			return &p->piece[i];
	if (!grow(&data, p->pieces, &p->piece_cap, PIECES_MAX, sizeof *p->piece))
		return NULL;
	p->piece = data;
	p->piece[p->pieces] = (struct piece){.from = from, .to = to};
	p->piece_slot[slot] = p->pieces;
	return &p->piece[p->pieces++];
}

struct fit *
pieces_fit(struct pieces *p, struct piece *piece, uint32_t id)
{
	uint32_t index = (uint32_t)(piece - p->piece), slot = slot_of(index, id), i;
	void *data = p->fit;

	for (; (i = p->fit_slot[slot]) != 0; slot = (slot + 1) % SLOTS)
		if (p->fit[i].piece == index && p->fit[i].id == id)
			return &p->fit[i];
	if (!grow(&data, p->fits, &p->fit_cap, FITS_MAX, sizeof *p->fit))
		return NULL;
	p->fit = data;
	p->fit[p->fits] =
	    (struct fit){.piece = index, .id = id, .next = piece->first_fit};
	piece->first_fit = p->fit_slot[slot] = p->fits;
	return &p->fit[p->fits++];
}

struct teller {
	struct run *run;
	const struct flow *rows;
	size_t row_count, row;
	sequence_emit *emit;
	void *arg;
	uint32_t ordinal; /* of the next response */
	uint32_t order;   /* place in the index of the last sure file */
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
	};
	double fitting = 0;
	uint32_t i;

	for (i = piece->first_fit; i != 0; i = p->fit[i].next) {
		add_rival(&r, &p->fit[i]);
		fitting += p->fit[i].mass;
	}
	for (i = 0; i < r.rivals; i++)
		r.rival[i].probability =
		    fmin(r.rival[i].probability, 1) * SURE * p->trust;
	r.verdict = r.rivals > 0 && r.rival[0].probability >= t->run->config->name_at
			? SEQUENCE_NAMED
			: SEQUENCE_UNKNOWN;
	r.probability = r.verdict == SEQUENCE_NAMED ? r.rival[0].probability
			: fitting < 1               ? 1 - fitting
						    : 0;
	return tell(t, &r, err);
}

/* Response i of a filled block: the files that the ways have there. */
static void
sum_ways(const struct run *run, const struct way *ways, uint32_t count, uint32_t i,
	 struct sequence_response *r)
{
	const struct sequence_item *items = run->config->items;
	struct fit fit;
	uint32_t k, n;

	for (k = 0; k < count; k++) {
		for (n = 0; n < k && ways[n].item[i] != ways[k].item[i]; n++)
			;
		if (n < k)
			continue;
		fit = (struct fit){.id = items[ways[k].item[i]].id,
				   .header = ways[k].header[i],
				   .rest = ways[k].rest[i]};
		for (n = k; n < count; n++)
			if (ways[n].item[i] == ways[k].item[i])
				fit.mass += ways[n].weight * SURE;
		add_rival(r, &fit);
	}
}

/* Names the responses of a block; false where the likeliest way is not likely enough. */
static bool
fill_block(const struct run *run, const struct block *block,
	   struct sequence_response responses[])
{
	struct way ways[RUN_FILL_WAYS];
	double certainty;
	uint64_t offset = block->offset;
	uint32_t n = run_fill(run, block, ways, &certainty), best = 0, i;

	for (i = 1; i < n; i++)
		if (ways[i].weight > ways[best].weight)
			best = i;
	if (n == 0 || ways[best].weight * SURE < run->config->name_at)
		return false;
	for (i = 0; i < block->responses; i++) {
		struct sequence_response *r = &responses[i];
		uint64_t size = run->config->items[ways[best].item[i]].size;

		*r = (struct sequence_response){.verdict = SEQUENCE_NAMED,
						.ordinal = block->ordinal + i,
						.responses = 1,
						.offset = offset,
						.span = size + ways[best].header[i]};
		sum_ways(run, ways, n, i, r);
		r->probability = r->rival[0].probability;
		r->request_bytes = r->request_rest +
				   run->config->items[ways[best].item[i]].path_bytes;
		offset += r->span;
	}
	return true;
}

static int
tell_block(struct teller *t, uint64_t from, uint64_t to, uint32_t responses, uint32_t high,
	   struct err *err)
{
	struct sequence_response r = {
	    .verdict = SEQUENCE_BLOCK,
	    .ordinal = t->ordinal,
	    .responses = responses,
	    .offset = from,
	    .span = to - from,
	    .id = SEQUENCE_NO_ITEM,
	    .probability = 1,
	};
	struct block block = {from, to - from, t->ordinal, responses, t->order, high};
	struct sequence_response filled[RUN_FILL_MAX];
	uint32_t i;

	if (from >= to)
		return 0;
	if (!fill_block(t->run, &block, filled))
		return tell(t, &r, err);
	for (i = 0; i < responses; i++)
		if (tell(t, &filled[i], err) != 0)
			return -1;
	return 0;
}

static int
compare_piece(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

static const struct fit *
best_fit(const struct pieces *p, const struct piece *piece)
{
	const struct fit *best = NULL;
	uint32_t i;

	for (i = piece->first_fit; i != 0; i = p->fit[i].next)
		if (best == NULL || p->fit[i].mass > best->mass)
			best = &p->fit[i];
	return best;
}

/* The place in the index of a piece whose file is sure, else 0. */
static uint32_t
sure_order(const struct pieces *p, const struct piece *piece)
{
	const struct fit *best = best_fit(p, piece);

	return best != NULL && best->mass >= ORDER_SURE ? best->order : 0;
}

/* Weighs the files of a piece between two sure places: in order with this probability. */
static void
weigh_order(struct pieces *p, struct piece *piece, uint32_t low, uint32_t high,
	    uint32_t last, double in_order)
{
	double sum = 0, rest = piece->mass, factor;
	uint32_t i;

	for (i = piece->first_fit; i != 0; i = p->fit[i].next) {
		if (p->fit[i].order == 0)
			return;
		rest -= p->fit[i].mass;
	}
	for (i = piece->first_fit; i != 0; i = p->fit[i].next) {
		factor = 1 - in_order;
		if (p->fit[i].order > low && p->fit[i].order < high)
			factor +=
			    in_order * fmin((double)last / (high - low), ORDER_GAIN);
		p->fit[i].mass *= factor;
		sum += p->fit[i].mass;
	}
	sum += rest > 0 ? rest : 0;
	for (i = piece->first_fit; i != 0 && sum > 0; i = p->fit[i].next)
		p->fit[i].mass *= piece->mass / sum;
}

/* Whether the run keeps to the order. */
static bool
use_order(struct pieces *p, uint32_t n, uint32_t last)
{
	uint32_t i, j, low = 0, high, order, pairs = 0, ascending = 0;
	double in_order;

	for (i = 1; i < n; i++) {
		if ((order = sure_order(p, &p->piece[i])) == 0)
			continue;
		pairs += low > 0;
		ascending += low > 0 && order > low;
		low = order;
	}
	in_order = (ascending + 1.0) / (pairs + 2.0);
	if (pairs < ORDER_PAIRS || in_order < 0.8)
		return false;
	for (low = 0, i = 1; i < n; i++) {
		if ((order = sure_order(p, &p->piece[i])) > 0) {
			low = order;
			continue;
		}
		for (high = 0, j = i + 1; j < n && high == 0; j++)
			high = sure_order(p, &p->piece[j]);
		if (high == 0)
			high = last + 1;
		if (low < high)
			weigh_order(p, &p->piece[i], low, high, last, in_order);
	}
	return true;
}

/* The place of the next sure file from piece i on; behind the last if there is none. */
static uint32_t
next_order(const struct pieces *p, uint32_t i, uint32_t n, uint32_t last)
{
	uint32_t order = 0;

	for (; i < n && order == 0; i++)
		order = sure_order(p, &p->piece[i]);
	return order > 0 ? order : last + 1;
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

/* Pieces that the requests from a group on bear out, if the first of these has a number. */
static uint32_t
count_borne_out(const struct run *run, const struct pieces *p, uint32_t n, uint32_t group,
		uint32_t ordinal)
{
	const struct group *g;
	uint32_t borne_out = 0, i;

	for (; group < run->group_count; group++) {
		g = &run->groups[group];
		if (g->count_min != g->count_max)
			break;
		for (i = 1; i < n && g->count_min == 1; i++)
			borne_out += p->piece[i].ordinal == ordinal &&
				     p->piece[i].request == g->bytes;
		ordinal += g->count_min;
	}
	return borne_out;
}

/* Settles how many requests each group has by the pieces after it. */
static void
settle_counts(struct run *run, const struct pieces *p, uint32_t n)
{
	uint32_t i, k, ordinal = 0, best, most, found;

	for (i = 0; i < run->group_count; i++) {
		struct group *g = &run->groups[i];

		for (best = most = 0, k = g->count_min; k <= g->count_max; k++) {
			found = count_borne_out(run, p, n, i + 1, ordinal + k);
			if (found > most) {
				most = found;
				best = k;
			}
		}
		if (g->count_min != g->count_max && most == 0)
			return;
		if (g->count_min != g->count_max)
			g->count_min = g->count_max = (uint8_t)best;
		ordinal += g->count_min;
	}
}

int
pieces_emit(struct run *run, struct pieces *p, const struct flow *rows, size_t count,
	    sequence_emit *emit, void *arg, struct err *err)
{
	struct teller t = {
	    .run = run, .rows = rows, .row_count = count, .emit = emit, .arg = arg};
	const struct border *b = run->borders;
	const struct piece *piece;
	uint32_t i, n = 1, at = 0, order, high, last = last_order(run->config);
	bool is_ordered;

	for (i = 1; i < p->pieces; i++)
		if (p->piece[i].mass > 0.5)
			p->piece[n++] = p->piece[i];
	qsort(p->piece + 1, n - 1, sizeof *p->piece, compare_piece);
	is_ordered = use_order(p, n, last);
	settle_counts(run, p, n);
	for (i = 1; i < n; i++) {
		piece = &p->piece[i];
		if (piece->from < at)
			continue;
		high = is_ordered ? next_order(p, i, n, last) : 0;
		if (tell_block(&t, b[at].offset, b[piece->from].offset,
			       piece->ordinal > t.ordinal ? piece->ordinal - t.ordinal
							  : 0,
			       high, err) != 0 ||
		    tell_piece(&t, p, piece, err) != 0)
			return -1;
		if ((order = sure_order(p, piece)) > t.order)
			t.order = order;
		at = piece->to;
	}
	return tell_block(&t, b[at].offset, b[run->border_count - 1].offset, 0,
			  is_ordered ? last + 1 : 0, err);
}
