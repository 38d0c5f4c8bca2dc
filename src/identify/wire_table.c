/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many segments are sent again, k. Without the client's side:
 *
 * 	p(k) = (1 - tail) NegBin(mean lam segments + 0.02, shape r) + tail / ((k+1) 9.2)
 *
 * the heavy tail being bursts of spurious retransmissions. With it, n SACK options tell
 * more: none, and next to nothing was sent again; n, and k lies around a share of n that
 * the path's losses make and that is fitted. A path not fitted yet may have any share
 * from a hundredth to nearly all.
 *
 * Where n is known and all was fitted the download's segments tell k as well, which on
 * lossy paths they do better than n:
 *
 * 	p(k | n, segments) = p(k | n) p(k | segments) / p(k), to a sum of 1
 *
 * p(k) being the mean of p(k | n) over the n of the path; a part of it is p(k | n) alone,
 * should n and segments not be told apart by k.
 *
 * The tables hold p(k) for a class of n, or for a quarter octave of segments; they end
 * where only the tail is left.
 */
#include "identify/wire.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

/* Octets that clients ask with, plain and by TLS with its handshake, and how widely they
 * spread (of the logarithm); of an option; the share of downloads with none. */
static const double ASK_FIRST = 20, ASK_PLAIN = 180, ASK_TLS = 950, ASK_SPREAD = 0.6,
		    OPTION_OCTETS = 15, NONE_SHARE = 0.4, CLASS_LEAST = 1e-6;
enum { ASK_POINTS = 33 };
enum { QUARTERS = 4, SEGMENT_CLASSES = 36 * QUARTERS, K_MAX = 8192 };

static const double TAIL_SUM = 9.2, MEAN_LEAST = 0.02, BROAD_WITH_FIT = 0.1,
		    BROAD_FLOWS = 20, N_ALONE = 0.1, LEAST_ANY = 1e-12;
static const double broad_share[] = {0.01, 0.03, 0.1, 0.3, 0.9};
enum { BROAD = 5 };
/* Retransmissions per segment of a path of which nothing is known. */
static const double any_lam[] = {0.0001, 0.0005, 0.002, 0.008, 0.03};
enum { ANY = sizeof any_lam / sizeof any_lam[0] };

struct wire_tables {
	struct wire_path path;
	struct wire_losses by_n[WIRE_N_CLASSES], by_segments[SEGMENT_CLASSES];
	struct wire_losses *by_both[WIRE_N_CLASSES]; /* by segments each */
	struct wire_losses by_ask[2 * WIRE_ASK_STEPS];
	float *any; /* p(k), of k = 0..K_MAX-1 */
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
	size_t i, k;

	if (t == NULL)
		return;
	for (i = 0; i < WIRE_N_CLASSES; i++)
		losses_done(&t->by_n[i]);
	for (i = 0; i < SEGMENT_CLASSES; i++)
		losses_done(&t->by_segments[i]);
	for (i = 0; i < 2 * WIRE_ASK_STEPS; i++)
		losses_done(&t->by_ask[i]);
	for (i = 0; i < WIRE_N_CLASSES; i++) {
		for (k = 0; t->by_both[i] != NULL && k < SEGMENT_CLASSES; k++)
			losses_done(&t->by_both[i][k]);
		free(t->by_both[i]);
	}
	free(t->any);
	free(t);
}

static void
keep(struct wire_losses *table, const double *p, size_t count, double tail)
{
	size_t k;

	table->tail = tail;
	table->count = count;
	table->p = must(malloc(count * sizeof *table->p));
	for (k = 0; k < count; k++) {
		table->p[k] = (float)p[k];
		if (k > 0 && table->p[k] > table->p[table->peak])
			table->peak = k;
	}
}

static void
sum_up(struct wire_losses *table)
{
	double sum = 0;
	size_t k;

	table->sum = must(malloc(table->count * sizeof *table->sum));
	for (k = 0; k < table->count; k++)
		table->sum[k] = sum += (double)table->p[k];
}

/* By n, or by segments of a class where that is not known. */
static const struct wire_losses *
table_of_one(struct wire_tables *t, unsigned n_class, unsigned class)
{
	struct wire_losses *table =
	    n_class < WIRE_N_CLASSES ? &t->by_n[n_class] : &t->by_segments[class];
	double p[K_MAX], tail = tail_of(&t->path, n_class);
	size_t count, k;

	if (table->p != NULL)
		return table;
	count = fill(&t->path, n_class, segments_of_class(class), p);
	for (k = 0; k < count; k++)
		p[k] += tail / (double)(k + 1);
	keep(table, p, count, tail);
	if (n_class == WIRE_N_CLASSES)
		sum_up(table);
	return table;
}

static bool
is_by_both(const struct wire_path *path, unsigned n_class)
{
	return n_class > 0 && n_class < WIRE_N_CLASSES && path->n_shape > 0 &&
	       path->n_share[n_class] > 0;
}

static const float *
any_of(struct wire_tables *t)
{
	const struct wire_losses *by_n;
	unsigned class;
	size_t k;

	if (t->any != NULL)
		return t->any;
	t->any = must(calloc(K_MAX, sizeof *t->any));
	for (class = 0; class < WIRE_N_CLASSES; class++) {
		by_n = table_of_one(t, class, 0);
		for (k = 0; k < K_MAX; k++)
			t->any[k] += (float)(t->path.n_share[class] *
					     wire_losses_p(by_n, k));
	}
	return t->any;
}

static const struct wire_losses *
table_of_both(struct wire_tables *t, unsigned n_class, unsigned class)
{
	const struct wire_losses *by_n, *by_segments;
	struct wire_losses *table;
	double p[K_MAX], sum = 0;
	const float *any;
	size_t count, k;

	if (t->by_both[n_class] == NULL)
		t->by_both[n_class] =
		    must(calloc(SEGMENT_CLASSES, sizeof *t->by_both[n_class]));
	table = &t->by_both[n_class][class];
	if (table->p != NULL)
		return table;
	any = any_of(t);
	by_n = table_of_one(t, n_class, 0);
	by_segments = table_of_one(t, WIRE_N_CLASSES, class);
	count = by_n->count > by_segments->count ? by_n->count : by_segments->count;
	for (k = 0; k < count; k++) {
		p[k] = wire_losses_p(by_n, k) * wire_losses_p(by_segments, k) /
		       ((double)any[k] + LEAST_ANY);
		sum += p[k];
	}
	for (k = 0; k < count; k++)
		p[k] = (1 - N_ALONE) * p[k] / sum + N_ALONE * wire_losses_p(by_n, k);
	keep(table, p, count, by_n->tail);
	return table;
}

/* How likely a class of n is where the client sent so many octets, beside a request of
 * any length, which is likely a usual one. */
static void
weigh_classes(double octets, double usual, double weight[WIRE_N_CLASSES])
{
	double from = log(octets / usual) / ASK_SPREAD, n, part;
	unsigned class, i;

	for (class = 0; class < WIRE_N_CLASSES; class++)
		weight[class] = 0;
	weight[0] = NONE_SHARE * exp(-from * from / 2) /
		    (octets * ASK_SPREAD * sqrt(2 * M_PI));
	for (i = 0; i < ASK_POINTS; i++) {
		/* Points of the normal distribution, evenly from -2 to 2. */
		double z = -2 + 4.0 * i / (ASK_POINTS - 1);

		n = (octets - usual * exp(ASK_SPREAD * z)) / OPTION_OCTETS;
		if (n < 0.5)
			continue;
		class = wire_n_class((uint64_t)(n + 0.5));
		part = 4.0 / (ASK_POINTS - 1) * exp(-z * z / 2) / sqrt(2 * M_PI);
		weight[class] += part * (1 - NONE_SHARE) / (WIRE_N_CLASSES - 1) /
				 (OPTION_OCTETS * ldexp(1, (int)class - 1));
	}
}

/* p(k) by what the client sent: over the classes that this makes likely. */
static const struct wire_losses *
table_of_ask(struct wire_tables *t, unsigned ask)
{
	struct wire_losses *table = &t->by_ask[ask];
	double p[K_MAX] = {0}, weight[WIRE_N_CLASSES], sum = 0, tail = 0,
	       octets = ASK_FIRST * exp2((ask % WIRE_ASK_STEPS + 0.5) / 2);
	const struct wire_losses *one;
	size_t count = 0, k;
	unsigned class;

	if (table->p != NULL)
		return table;
	weigh_classes(octets, ask < WIRE_ASK_STEPS ? ASK_PLAIN : ASK_TLS, weight);
	for (class = 0; class < WIRE_N_CLASSES; class++)
		sum += weight[class];
	if (!(sum > 0))
		weight[wire_n_class((uint64_t)(octets / OPTION_OCTETS))] = sum = 1;
	for (class = 0; class < WIRE_N_CLASSES; class++) {
		weight[class] /= sum;
		if (weight[class] < CLASS_LEAST)
			continue;
		one = table_of_one(t, class, 0);
		for (k = 0; k < one->count; k++)
			p[k] += weight[class] * (double)one->p[k];
		for (; k < K_MAX; k++)
			p[k] += weight[class] * one->tail / (double)(k + 1);
		tail += weight[class] * one->tail;
		count = one->count > count ? one->count : count;
	}
	keep(table, p, count, tail);
	sum_up(table);
	return table;
}

const struct wire_losses *
wire_table(struct wire_tables *t, unsigned n_class, double segments)
{
	if (n_class >= WIRE_ASK_FIRST)
		return table_of_ask(t, n_class - WIRE_ASK_FIRST);
	return is_by_both(&t->path, n_class)
		   ? table_of_both(t, n_class, segment_class(segments))
		   : table_of_one(t, n_class,
				  n_class < WIRE_N_CLASSES ? 0 : segment_class(segments));
}

/* p(0..K_MAX-1) by n, or by segments where that is not known; how far a table of it
 * goes. */
static size_t
list_of_one(const struct wire_path *path, unsigned n_class, double segments, double *p)
{
	double rest = tail_of(path, n_class);
	size_t set = fill(path, n_class, segments, p), k;

	for (k = 0; k < K_MAX; k++)
		p[k] = (k < set ? p[k] : 0) + rest / (double)(k + 1);
	return set;
}

double
wire_p_of_k(const struct wire_path *path, unsigned n_class, double segments, uint64_t k)
{
	double by_n[K_MAX], by_segments[K_MAX], any[K_MAX] = {0}, sum = 0;
	size_t count, other, i;
	unsigned class;

	segments = segments_of_class(segment_class(segments));
	count = list_of_one(path, n_class, segments, by_n);
	if (!is_by_both(path, n_class))
		return k < K_MAX ? by_n[k] : tail_of(path, n_class) / (double)(k + 1);
	other = list_of_one(path, WIRE_N_CLASSES, segments, by_segments);
	count = count > other ? count : other;
	if (k >= count)
		return tail_of(path, n_class) / (double)(k + 1);
	for (class = 0; class < WIRE_N_CLASSES; class++) {
		double one[K_MAX];

		list_of_one(path, class, segments, one);
		for (i = 0; i < count; i++)
			any[i] += path->n_share[class] * one[i];
	}
	for (i = 0; i < count; i++)
		sum += by_n[i] * by_segments[i] / (any[i] + LEAST_ANY);
	return (1 - N_ALONE) * by_n[k] * by_segments[k] / (any[k] + LEAST_ANY) / sum +
	       N_ALONE * by_n[k];
}
