/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the firm pieces, whose file is beyond doubt, settle about the others.
 *
 * apt fetches in the order of the archive's index. If the files that are sure come in
 * order, a file between two of them is likelier to stand between them in the index too:
 * that tells files of equal size and path length apart. Where the order does not hold, or
 * the catalogue has none, nothing is concluded from it.
 *
 * How many requests went out together is settled by the number that makes the requests
 * after them meet the firm pieces that they were for.
 */
#include "identify/sequence_run.h"

#include "base/err.h"
#include "identify/needs.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* The order of the index: who bears witness, how many must, the most it can say. */
static const double ORDER_SURE = 0.95, ORDER_GAIN = 200;
enum { ORDER_PAIRS = 6 };
/* Probability of a group's number of requests, of ways that have come to it; and that
 * they have. */
static const double COUNT_SURE = 0.95, COUNT_SEEN = 0.5;
/* Share of requests that have a constant. */
static const double USUAL_REQUEST = 0.9;
/* Probability of the file of a firm piece; and of its number, less that of others. */
static const double FIRM = 0.98, ORDINAL_SURE = 0.9;

uint32_t
pieces_order(const struct pieces *p, const struct piece *piece)
{
	const struct fit *best = pieces_best(p, piece);

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

/* A piece between which blocks are filled: what its file is, is beyond doubt. */
bool
firm_is(const struct pieces *p, const struct piece *piece)
{
	const struct fit *best = pieces_best(p, piece);

	return best != NULL && best->mass >= FIRM;
}

/* Whether the firm pieces keep to the order. */
static enum block_order
order_kept(const struct pieces *p)
{
	uint32_t i, last = 0, order, pairs = 0, ascending = 0;

	for (i = 1; i < p->pieces; i++) {
		if (!firm_is(p, &p->piece[i]) ||
		    (order = pieces_order(p, &p->piece[i])) == 0)
			continue;
		pairs += last > 0;
		ascending += last > 0 && order > last;
		last = order;
	}
	if (ascending < pairs)
		return pairs < ORDER_PAIRS ? BLOCK_ANYHOW : BLOCK_FREE;
	return pairs < ORDER_PAIRS ? BLOCK_ANYHOW : BLOCK_ORDERED;
}

/* Weighs the files of unsure pieces by the order, if the run keeps to it. */
static void
use_order(struct pieces *p, uint32_t last)
{
	uint32_t i, j, low = 0, high, order, pairs = 0, ascending = 0;
	double in_order;

	for (i = 1; i < p->pieces; i++) {
		if ((order = pieces_order(p, &p->piece[i])) == 0)
			continue;
		pairs += low > 0;
		ascending += low > 0 && order > low;
		low = order;
	}
	in_order = (ascending + 1.0) / (pairs + 2.0);
	if (pairs < ORDER_PAIRS || in_order < 0.8)
		return;
	for (low = 0, i = 1; i < p->pieces; i++) {
		if ((order = pieces_order(p, &p->piece[i])) > 0) {
			low = order;
			continue;
		}
		for (high = 0, j = i + 1; j < p->pieces && high == 0; j++)
			high = pieces_order(p, &p->piece[j]);
		if (high == 0)
			high = last + 1;
		if (low < high)
			weigh_order(p, &p->piece[i], low, high, last, in_order);
	}
}

/*
 * Weighs the files of unsure pieces by what the firm ones need. Without what the
 * catalogue does not say, or where nothing of it shows in the run, nothing changes.
 */
static void
use_needs(struct run *run, struct pieces *p)
{
	const struct needs *needs = run->config->needs;
	uint32_t *known, n = 0, i, k;
	double sum;

	if (needs == NULL || (known = malloc(p->pieces * sizeof *known)) == NULL)
		return;
	for (i = 1; i < p->pieces; i++)
		if (firm_is(p, &p->piece[i]))
			known[n++] = pieces_best(p, &p->piece[i])->id;
	run->likelier = calloc(needs->count + 1, sizeof *run->likelier);
	if (run->likelier != NULL && !needs_weigh(needs, known, n, run->likelier)) {
		free(run->likelier);
		run->likelier = NULL;
	}
	free(known);
	for (i = 1; i < p->pieces && run->likelier != NULL; i++) {
		struct piece *piece = &p->piece[i];

		if (firm_is(p, piece))
			continue;
		for (sum = piece->mass,
		    k = piece->first_fit; k != 0; k = p->fit[k].next) {
			sum -= p->fit[k].mass;
			p->fit[k].mass *= (double)run->likelier[p->fit[k].id];
			sum += p->fit[k].mass;
		}
		for (k = piece->first_fit; k != 0 && sum > 0; k = p->fit[k].next)
			p->fit[k].mass *= piece->mass / sum;
	}
}

uint32_t
firm_next_order(const struct pieces *p, uint32_t i, uint32_t last)
{
	uint32_t order = 0;

	for (; i < p->pieces && order == 0; i++)
		if (firm_is(p, &p->piece[i]))
			order = pieces_order(p, &p->piece[i]);
	return order > 0 ? order : last + 1;
}

/* Pieces that the requests from a group on bear out, if the first of these has a
 * number. */
static uint32_t
count_borne_out(const struct run *run, const struct pieces *p, uint32_t group,
		uint32_t ordinal)
{
	const struct group *g;
	uint32_t borne_out = 0, i;

	for (; group < run->group_count; group++) {
		g = &run->groups[group];
		if (g->count_min != g->count_max)
			break;
		for (i = 1; i < p->pieces && g->count_min == 1; i++)
			borne_out += p->piece[i].ordinal == ordinal &&
				     p->piece[i].request == g->bytes;
		ordinal += g->count_min;
	}
	return borne_out;
}

/* The number of requests that the lattice is sure of; 0 if of none. */
static uint32_t
likely_count(const struct group *g)
{
	double sum = 0;
	uint32_t n;

	for (n = g->count_min; n <= g->count_max; n++)
		sum += g->mass[n];
	for (n = g->count_min; n <= g->count_max; n++)
		if (g->mass[n] >= COUNT_SURE * sum && g->mass[n] >= COUNT_SEEN)
			return n;
	return 0;
}

/* Settles how many requests each group has by the pieces after it, or by the lattice. */
static void
settle_counts(struct run *run, const struct pieces *p)
{
	uint32_t i, k, ordinal = 0, best, most, found;

	for (i = 0; i < run->group_count; i++) {
		struct group *g = &run->groups[i];

		for (best = most = 0, k = g->count_min; k <= g->count_max; k++) {
			found = count_borne_out(run, p, i + 1, ordinal + k);
			if (found > most) {
				most = found;
				best = k;
			}
		}
		if (g->count_min != g->count_max && most == 0 &&
		    (best = likely_count(g)) == 0)
			return;
		if (g->count_min != g->count_max)
			g->count_min = g->count_max = (uint8_t)best;
		ordinal += g->count_min;
	}
}

/* All requests of the run; 0 where some groups' numbers are not settled. */
static uint32_t
count_requests(const struct run *run)
{
	uint32_t i, n = 0;

	for (i = 0; i < run->group_count; i++) {
		if (run->groups[i].count_min != run->groups[i].count_max)
			return 0;
		n += run->groups[i].count_min;
	}
	return n;
}

/* Octets of a request for a file; where nothing told the constant, by the one that
 * nearly all have; 0: not known. */
static uint32_t
request_of(const struct run *run, const struct fit *fit)
{
	const struct sequence_modes *modes = &run->modes;
	uint32_t m;

	if (fit->rest > 0)
		return fit->path + fit->rest;
	for (m = 0; m < modes->requests; m++)
		if (modes->request[m].weight >= USUAL_REQUEST)
			return fit->path + modes->request[m].bytes;
	return 0;
}

/* The firm pieces by number; NULL without memory. */
static struct known *
known_responses(const struct run *run, const struct pieces *p, uint32_t count)
{
	struct known *known = calloc((size_t)count + 1, sizeof *known);
	const struct fit *best;
	uint32_t i;

	for (i = 1; i < p->pieces && known != NULL; i++) {
		if (!firm_is(p, &p->piece[i]) || p->piece[i].ordinal >= count ||
		    p->piece[i].ordinal_mass < ORDINAL_SURE)
			continue;
		best = pieces_best(p, &p->piece[i]);
		known[p->piece[i].ordinal] =
		    (struct known){.from = run->borders[p->piece[i].from].offset,
				   .to = run->borders[p->piece[i].to].offset,
				   .request = request_of(run, best),
				   .id = best->id,
				   .probability = fmin(best->mass,
				       1) * RUN_SURE * p->trust};
	}
	return known;
}

/*
 * Whether blocks end at a piece: it is firm, and so are all whose requests went together
 * with its own; else their sum tells something of those that are not.
 */
bool
firm_is_cut(const struct run *run, const struct pieces *p, const struct piece *piece,
	    const struct block *block)
{
	uint32_t i, k, first = 0;

	if (!firm_is(p, piece))
		return false;
	for (i = 0; i < run->group_count && block->known_count > 0; i++) {
		uint32_t end = first + run->groups[i].count_min;

		for (k = first; piece->ordinal >= first && k < end; k++)
			if (piece->ordinal < end && block->known[k].to == 0)
				return false;
		first = end;
	}
	return true;
}

int
firm_settle(struct run *run, struct pieces *p, uint32_t last, struct block *block,
	    struct err *err)
{
	uint32_t i, requests;
	struct known *known;

	use_needs(run, p);
	use_order(p, last);
	settle_counts(run, p);
	requests = count_requests(run);
	if ((known = known_responses(run, p, requests)) == NULL)
		return err_set(err, ENOMEM, "sequence: out of memory for %u responses",
			       requests);
	*block = (struct block){.order = order_kept(p),
				.known = known,
				.known_count = requests,
				.seen = run->config->seen,
				.unknown_seen = run->config->unknown_seen};
	for (i = 1; i < p->pieces; i++) {
		const struct fit *best = pieces_best(p, &p->piece[i]);

		block->seen++;
		block->unknown_seen += best == NULL ||
		    best->mass < 0.5 * p->piece[i].mass;
	}
	return 0;
}
