/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many segments are sent again, k. Without the client's side:
 *
 *	p(k) = (1 - tail) NegBin(mean lam segments + 0.02, shape r) + tail / ((k+1) 9.2)
 *
 * the heavy tail being bursts of spurious retransmissions. With it, n SACK options tell
 * more: none, and next to nothing was sent again; n, and k lies around a share of n that
 * the path's losses make and that is fitted. A path not fitted yet may have any share from
 * a hundredth to nearly all.
 *
 * The tables hold p(k) for a class of n, or for a quarter octave of segments; they end where
 * only the tail is left.
 */
#include "identify/wire.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

enum { QUARTERS = 4, SEGMENT_CLASSES = 36 * QUARTERS, K_MAX = 8192 };

static const double TAIL_SUM = 9.2, MEAN_LEAST = 0.02, BROAD_WITH_FIT = 0.1,
		    BROAD_FLOWS = 20;
static const double broad_share[] = {0.01, 0.03, 0.1, 0.3, 0.9};
enum { BROAD = 5 };
/* Retransmissions per segment of a path of which nothing is known. */
static const double any_lam[] = {0.0001, 0.0005, 0.002, 0.008, 0.03};
enum { ANY = sizeof any_lam / sizeof any_lam[0] };

struct wire_tables {
	struct wire_path path;
	struct wire_losses by_n[WIRE_N_CLASSES], by_segments[SEGMENT_CLASSES];
};

unsigned
wire_n_class(uint64_t n)
{
	unsigned class = n == 0 ? 0 : 64u - (unsigned)__builtin_clzll(n);

	return class < WIRE_N_CLASSES ? class : WIRE_N_CLASSES - 1;
}

/* The middle n of a class. */
static double
middle(unsigned n_class)
{
	return n_class == 0 ? 0.01 : 1.5 * ldexp(1, (int)n_class - 1) - 0.25;
}

static unsigned
segment_class(double segments)
{
	double at = log2(segments < 1 ? 1 : segments) * QUARTERS;

	return at >= SEGMENT_CLASSES - 1 ? SEGMENT_CLASSES - 1 : (unsigned)at;
}

static double
segments_of_class(unsigned class)
{
	return exp2((class + 0.5) / QUARTERS);
}

static double
tail_of(const struct wire_path *path, unsigned n_class)
{
	return (n_class == 0 ? 0.3 * path->tail : path->tail) / TAIL_SUM;
}

/* Adds weight x NegBin(mean, r) to p until little of its mass is left; the number of p
 * that are set from then on. */
static size_t
add_negbin(double *p, size_t set, double weight, double mean, double r)
{
	double share = mean / (r + mean), term = weight * exp(r * log(r / (r + mean))),
	       left = weight;
	size_t k;

	for (k = 0; k < K_MAX && (left > weight * 1e-5 || (double)k < mean); k++) {
		if (k >= set)
			p[set++] = 0;
		p[k] += term;
		left -= term;
		term *= ((double)k + r) / (double)(k + 1) * share;
	}
	return set;
}

static size_t
fill(const struct wire_path *path, unsigned n_class, double segments, double *p)
{
	double mass = 1 - path->tail, n, broad;
	size_t set = 0, i;

	if (n_class == WIRE_N_CLASSES) {
		for (i = 0; i < ANY && path->broad > 0; i++)
			set = add_negbin(p, set, mass * path->broad / ANY,
					 any_lam[i] * segments + MEAN_LEAST, 1);
		return add_negbin(p, set, mass * (1 - path->broad),
				  path->lam * segments + MEAN_LEAST, path->r);
	}
	n = middle(n_class);
	if (n_class == 0)
		return add_negbin(p, 0, 1 - 0.3 * path->tail,
				  path->n_shape > 0 ? path->by_n[0] : n, 1);
	if (path->n_shape > 0) {
		/* The more downloads a fit rests on the less it may be wrong. */
		broad = BROAD_WITH_FIT * BROAD_FLOWS / (BROAD_FLOWS + path->flows);
		broad = path->broad > broad ? path->broad : broad;
		set = add_negbin(p, set, mass * (1 - broad), path->by_n[n_class],
				 path->n_shape);
		mass *= broad;
	}
	for (i = 0; i < BROAD; i++)
		set = add_negbin(p, set, mass / BROAD, n * broad_share[i] + 0.3, 1);
	return set;
}

struct wire_tables *
wire_tables_new(const struct wire_path *path)
{
	struct wire_tables *t = must(calloc(1, sizeof *t));

	t->path = *path;
	return t;
}

static void
losses_done(struct wire_losses *losses)
{
	free(losses->p);
	free(losses->sum);
}

void
wire_tables_free(struct wire_tables *t)
{
	size_t i;

	if (t == NULL)
		return;
	for (i = 0; i < WIRE_N_CLASSES; i++)
		losses_done(&t->by_n[i]);
	for (i = 0; i < SEGMENT_CLASSES; i++)
		losses_done(&t->by_segments[i]);
	free(t);
}

const struct wire_losses *
wire_table(struct wire_tables *t, unsigned n_class, double segments)
{
	unsigned class = n_class < WIRE_N_CLASSES ? 0 : segment_class(segments);
	struct wire_losses *table =
	    n_class < WIRE_N_CLASSES ? &t->by_n[n_class] : &t->by_segments[class];
	double p[K_MAX], sum = 0;
	size_t k;

	if (table->p != NULL)
		return table;
	table->tail = tail_of(&t->path, n_class);
	table->count = fill(&t->path, n_class, segments_of_class(class), p);
	table->p = must(malloc(table->count * sizeof *table->p));
	table->sum = must(malloc(table->count * sizeof *table->sum));
	for (k = 0; k < table->count; k++) {
		table->p[k] = (float)(p[k] + table->tail / (double)(k + 1));
		sum += (double)table->p[k];
		table->sum[k] = sum;
		if (k > 0 && table->p[k] > table->p[table->peak])
			table->peak = k;
	}
	return table;
}

double
wire_p_of_k(const struct wire_path *path, unsigned n_class, double segments, uint64_t k)
{
	double p[K_MAX], rest = tail_of(path, n_class);
	size_t set =
	    fill(path, n_class, segments_of_class(segment_class(segments)), p);

	return (k < set ? p[k] : 0) + rest / (double)(k + 1);
}
