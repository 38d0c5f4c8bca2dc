/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Learns a path's losses without labels: each record counts for each file it may be by
 * that file's probability, the parameters follow, and so on for a few rounds. (To count
 * only what is named for sure would favour records with few losses, more so with every
 * round.) Counts are added to those of a prior, so that a few records change it little.
 */
#include "identify/wire.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS_MAX = 2000, SAMPLE_MAX = 1024, NAMED_MIN = 5, REQUESTS_MAX = 4096,
       LEAST_REQUEST = 600, SHARE_ROUNDS = 60, OPTIONS_RECORDS_MIN = 30,
       OPTIONS_SHARE = 50, /* one in so many has some */
       FREQUENT_PART = 50, /* one in so many is frequent */
       FITS_MIN = 20 };

/* Weight of the prior, in segments, records or remainders. */
static const double PRIOR_SEGMENTS = 1000, PRIOR_TAIL = 30, PRIOR_Q = 4, PRIOR_FROM = 5,
		    PRIOR_WHOLE = 100, PRIOR_OPTIONS = 100, PRIOR_N = 2,
		    PRIOR_SHARE = 0.1,
		    PRIOR_UNKNOWN = 2,
		    LEAST_COUNTED = 0.02;

/* What may have been missed by chance of what was never seen: a prior may rest on the
 * very same records. */
static const double UNSEEN = 0.2, UNSEEN_UNKNOWN = 0.5;

struct fit {
	double k_sum, segments, named, tail, options, even, whole, odd_whole;
	double odd[WIRE_X_CLASSES], sent_again[WIRE_X_CLASSES], from[2][4];
	double k_by_n[WIRE_N_CLASSES], by_n[WIRE_N_CLASSES];
	struct {
		double k, segments, weight;
		unsigned n_class;
	} sample[SAMPLE_MAX];
	size_t sampled, all;
	/* By record: how much likelier it is of no file than of the catalogue's. */
	double odds[RECORDS_MAX + 1];
};

static double
log_negbin(double k, double mean, double r)
{
	return lgamma(k + r) - lgamma(r) - lgamma(k + 1) + r * log(r / (r + mean)) +
	       k * log(mean / (r + mean));
}

static const double shapes[] = {0.2, 0.35, 0.5, 0.7, 1, 1.5, 2, 3, 5, 8, 12, 20};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

/* The shape that makes the sample likeliest, from a short list: it needs no better. */
static double
fit_shape(const struct fit *f, const struct wire_path *p, bool by_n)
{
	double best = -INFINITY, sum, mean, one, shape = 0.5;
	size_t i, k;

	for (i = 0; i < SHAPES; i++) {
		/* Few records say little about a shape: three for 1, softly. */
		sum = -3 * fabs(log(shapes[i]));
		for (k = 0; k < f->sampled; k++) {
			unsigned class = f->sample[k].n_class;

			if (by_n && (class == 0 || class == WIRE_N_CLASSES))
				continue;
			mean = by_n ? p->by_n[class] : p->lam * f->sample[k].segments +
			    0.02;
			one = (1 - p->tail) * exp(log_negbin(f->sample[k].k, mean,
			    shapes[i]));
			sum += f->sample[k].weight *
			       log(one + p->tail / ((f->sample[k].k + 1) * 9.2));
		}
		if (sum > best) {
			best = sum;
			shape = shapes[i];
		}
	}
	return shape;
}

/* What a record says of its remainder, if it is candidate c. */
static void
count_remainder(struct fit *f, const struct wire_model *m, const struct wire_sight *sight,
		const struct candidate *c, double weight)
{
	uint32_t tail =
	    (uint32_t)((m->files->file[c->file].size + c->header) % m->mss);
	struct wire_parts all, none, one;
	double p, rest, part, odd = 0, known = weight;
	unsigned class = wire_x_class(sight->x), late = sight->x > 2, i;

	wire_parts_of_e(m->path, m->mss, sight, &all);
	p = wire_parts_p(&all, m->mss, c->k, c->e, tail);
	none = all;
	none.page_share = none.last_share = none.both_share = none.any_share = 0;
	rest = wire_parts_p(&none, m->mss, c->k, c->e, tail);
	for (i = 0; i < 4 && p > 0; i++) {
		/* That part of p which this source of remainders makes. */
		one = none;
		one.page_share = i == 0 ? all.page_share : 0;
		one.last_share = i == 1 ? all.last_share : 0;
		one.both_share = i == 2 ? all.both_share : 0;
		one.any_share = i == 3 ? all.any_share : 0;
		part = weight / p * (wire_parts_p(&one, m->mss, c->k, c->e, tail) - rest);
		f->from[late][i] += part;
		odd += part;
	}
	/* What another header explains says nothing of remainders. */
	if (p > 0)
		known *= 1 - all.other / p;
	if (c->k > 0 || (sight->n_class > 0 && sight->n_class < WIRE_N_CLASSES)) {
		f->sent_again[class] += known;
		f->odd[class] += odd;
	} else {
		f->whole += sight->n_class == 0 ? known / 6 : known;
		f->odd_whole += odd;
	}
	f->even += known - odd;
	f->options += c->e == 0 ? 0 : known - odd;
}

/* The class of SACK options where their number depends on the file's path. */
static unsigned
class_by_path(const struct wire_model *m, const struct record *r,
    const struct candidate *c)
{
	uint64_t request = wire_request(r, m->overhead),
		 less = m->path->request + m->files->file[c->file].path_len;

	if (m->path->request == 0 || !m->path->is_request_exact || request < less ||
	    (request - less) % 4 != 0)
		return WIRE_N_CLASSES;
	return wire_n_class((request - less) / 12);
}

static void
count_candidate(struct fit *f, const struct wire_model *m, const struct record *r,
		struct wire_sight sight, const struct candidate *c)
{
	double weight = c->probability, p, tail;

	if (m->files->has_paths)
		sight.n_class = class_by_path(m, r, c);
	f->named += weight;
	p = wire_losses_p(wire_table(m->tables, sight.n_class, sight.segments), c->k);
	tail = m->path->tail / 9.2 / (double)(c->k + 1);
	tail = p > 0 && tail < p ? tail / p : 1;
	f->tail += weight * tail;
	/* The tail's giants are the tail's. */
	f->k_sum += weight * (1 - tail) * c->k;
	f->segments += weight * (1 - tail) * sight.segments;
	if (sight.n_class < WIRE_N_CLASSES) {
		f->k_by_n[sight.n_class] += weight * (1 - tail) * c->k;
		f->by_n[sight.n_class] += weight * (1 - tail);
	}
	if (weight > 0.3 && f->sampled < SAMPLE_MAX) {
		f->sample[f->sampled].k = c->k;
		f->sample[f->sampled].weight = weight;
		f->sample[f->sampled].segments = sight.segments;
		f->sample[f->sampled++].n_class = sight.n_class;
	}
	count_remainder(f, m, &sight, c, weight);
}

static void
count_record(struct fit *f, const struct wire_model *m, const struct record *r)
{
	struct wire_sight sight;
	struct verdict v;
	uint32_t i;

	wire_name(m, r, &v);
	wire_look(m, r, &sight);
	if (f->all < RECORDS_MAX)
		f->odds[f->all++] = v.unknown / (1 - v.unknown + 1e-12) *
				    (1 - m->path->unknown) / (m->path->unknown + 1e-12);
	for (i = 0; i < v.count; i++)
		if (v.candidate[i].probability >= LEAST_COUNTED)
			count_candidate(f, m, r, sight, &v.candidate[i]);
}

/* Mean k by class of n: of a class and its neighbours, more of the class the more it
 * has. */
static void
fit_by_n(const struct fit *f, const struct wire_path *base, struct wire_path *out)
{
	double share, weight, near_k, near_n, scale;
	size_t i, k;

	for (i = 0; i < WIRE_N_CLASSES; i++) {
		near_k = near_n = 0;
		for (k = 1; k < WIRE_N_CLASSES; k++) {
			weight = exp2(-2 * fabs((double)i - (double)k));
			scale = exp2((double)k);
			near_k += weight * f->k_by_n[k] / scale;
			near_n += weight * f->by_n[k];
		}
		share = base->n_shape > 0 ? base->by_n[i] / exp2((double)i)
			: near_n > 0      ? near_k / near_n
					  : 0.1;
		if (base->n_shape > 0 && near_n > 0)
			share = sqrt(share * (near_k / near_n + 1e-4));
		out->by_n[i] = i == 0 ? (f->k_by_n[0] + 0.02) / (f->by_n[0] + PRIOR_N)
				      : (f->k_by_n[i] + PRIOR_N * share *
				          exp2((double)i)) /
					    (f->by_n[i] + PRIOR_N);
		out->by_n[i] = out->by_n[i] > 1e-4 ? out->by_n[i] : 1e-4;
	}
}

static void
conclude(const struct fit *f, const struct wire_path *base, struct wire_path *out)
{
	double seen = 0, sum;
	size_t i, k;

	out->lam = (f->k_sum + PRIOR_SEGMENTS * base->lam) /
	    (f->segments + PRIOR_SEGMENTS);
	out->tail =
	    (f->tail + PRIOR_TAIL * base->tail + UNSEEN) / (f->named + PRIOR_TAIL + 1);
	out->options = (f->options + PRIOR_OPTIONS * base->options + UNSEEN) /
		       (f->even + PRIOR_OPTIONS + 1);
	out->q_whole = (f->odd_whole + PRIOR_WHOLE * base->q_whole + UNSEEN) /
		       (f->whole + PRIOR_WHOLE + 1);
	for (i = 0; i < WIRE_X_CLASSES; i++)
		out->q[i] = (f->odd[i] + PRIOR_Q * base->q[i] + UNSEEN) /
			    (f->sent_again[i] + PRIOR_Q + 1);
	for (i = 0; i < 2; i++) {
		sum = PRIOR_FROM;
		for (k = 0; k < 4; k++)
			sum += f->from[i][k];
		for (k = 0; k < 4; k++)
			out->from[i][k] =
			    (f->from[i][k] + PRIOR_FROM * base->from[i][k]) / sum;
	}
	for (i = 1; i < WIRE_N_CLASSES; i++)
		seen += f->by_n[i];
	for (i = 0, sum = 0; i < WIRE_N_CLASSES; i++)
		sum += f->by_n[i] + PRIOR_SHARE;
	for (i = 0; i < WIRE_N_CLASSES; i++)
		out->n_share[i] = (f->by_n[i] + PRIOR_SHARE) / sum;
	out->r = fit_shape(f, out, false);
	out->n_shape = base->n_shape;
	if (seen >= NAMED_MIN) {
		fit_by_n(f, base, out);
		out->n_shape = fit_shape(f, out, true);
	}
}

/* The share of downloads that are of no file, by EM to its end: one share alone converges
 * slowly where files are so many that none explains a record for sure. */
static double
fit_unknown(const struct fit *f, const struct wire_path *base, double share)
{
	double sum, unknown;
	size_t i;
	int round;

	for (round = 0; round < SHARE_ROUNDS; round++) {
		for (sum = 0, i = 0; i < f->all; i++) {
			unknown = share * f->odds[i];
			sum += unknown / (unknown + 1 - share);
		}
		share = (sum + PRIOR_UNKNOWN * base->unknown + UNSEEN_UNKNOWN) /
			((double)f->all + PRIOR_UNKNOWN + 1);
	}
	return share;
}

void
wire_refit(const struct wire_model *m, const struct record *const *records, size_t n,
	   size_t most, const struct wire_path *base, struct wire_path *out)
{
	struct fit *f = must(calloc(1, sizeof *f));
	struct wire_path fitted = *m->path;
	size_t step, i;

	most = most < RECORDS_MAX ? most : RECORDS_MAX;
	step = (n + most - 1) / most;
	for (i = 0; i < n; i += step)
		count_record(f, m, records[i]);
	if (f->named >= NAMED_MIN)
		conclude(f, base, &fitted);
	fitted.unknown = fit_unknown(f, base, m->path->unknown);
	fitted.flows = (double)n;
	*out = fitted;
	free(f);
}

void
wire_learn_bands(const struct record *const *records, size_t n, struct wire_server *s)
{
	double count[WIRE_BANDS + 2] = {0}, sum = 0, width;
	size_t i;

	for (i = 0; i < n; i++)
		count[wire_band(wire_payload(records[i], wire_overhead(s, records[i])),
				&width) +
		      1]++;
	for (i = 0; i < WIRE_BANDS; i++) {
		s->band[i] = count[i + 1] + 0.25 * (count[i] + count[i + 2]) + 0.02;
		sum += s->band[i];
	}
	for (i = 0; i < WIRE_BANDS; i++)
		s->band[i] /= sum;
	s->flows = (double)n;
}

static int
rising(const void *pa, const void *pb)
{
	const uint64_t *a = pa, *b = pb;

	return *a < *b ? -1 : *a > *b;
}

/* The most frequent of the sorted values 0..n-1; with often > 0 the least one that comes
 * that often. */
static uint64_t
most_frequent(const uint64_t *value, size_t n, size_t often, size_t *times, size_t *below)
{
	uint64_t best = 0;
	size_t i, run = 0;

	*times = 0;
	for (i = 0; i < n; i++) {
		run = i > 0 && value[i] == value[i - 1] ? run + 1 : 1;
		if (often > 0 && *times >= often && value[i] != best)
			break;
		if (run <= *times)
			continue;
		*times = run;
		best = value[i];
		*below = i + 1 - run;
	}
	return best;
}

/* Whether all differ from the least by sums of SACK options: it was sent alone then. */
static bool
is_least_alone(const uint64_t *value, size_t n)
{
	size_t i, fits = 0;

	for (i = 0; i < n; i++)
		fits += (value[i] - value[0]) % 4 == 0 &&
			(value[i] == value[0] || value[i] - value[0] >= 12);
	return n >= 8 && fits * 20 >= n * 19 && value[0] < LEAST_REQUEST;
}

/* Whether options come with requests at all: where none was ever seen, none means
 * nothing. */
static bool
have_options(const uint64_t *value, size_t n, uint64_t request)
{
	size_t i, fits = 0;

	for (i = 0; i < n; i++)
		fits += value[i] >= request + 12 && (value[i] - request) % 4 == 0;
	return n < OPTIONS_RECORDS_MIN || fits * OPTIONS_SHARE >= n;
}

void
wire_learn_request(const struct record *const *records, size_t n, uint32_t overhead,
		   struct wire_path *path)
{
	uint64_t *value = must(calloc(n + 1, sizeof *value)), best;
	size_t i, count = 0, times, below = 0;

	for (i = 0; i < n; i++)
		if (records[i]->request_packets > 0 &&
		    (value[count] = wire_request(records[i], overhead)) > 0)
			count++;
	qsort(value, count, sizeof *value, rising);
	/* The least of the frequent is that of one request; some records hold more. */
	best = most_frequent(value, count, count / 50 > 3 ? count / 50 : 3, &times,
	    &below);
	if (is_least_alone(value, count)) {
		path->request = (uint32_t)value[0];
		path->is_request_exact = true;
	} else if (times >= 3 && times * 50 >= count && below * 10 <= count &&
		   best < UINT16_MAX) {
		path->request = (uint32_t)best;
		path->is_request_exact = true;
	} else if (count >= 3 && path->request == 0) {
		path->request = value[0] < 150 ? (uint32_t)value[0] : 150;
		path->is_request_exact = false;
	}
	path->options_tell = !path->is_request_exact || have_options(value, count,
	    path->request);
	free(value);
}

/* How many values are a constant and sums of SACK options. */
static size_t
count_fits(const uint64_t *value, size_t n, uint64_t constant)
{
	size_t i, fits = 0;

	for (i = 0; i < n; i++)
		fits += value[i] >= constant && (value[i] - constant) % 4 == 0 &&
			(value[i] == constant || value[i] - constant >= 12);
	return fits;
}

/* Of the sorted values 0..n-1 that come several times the one that explains most. */
static uint64_t
best_constant(const uint64_t *value, size_t n, size_t *times, size_t *fits)
{
	size_t least = n / FREQUENT_PART > 3 ? n / FREQUENT_PART : 3, end, i, one;
	uint64_t best = 0;

	*times = *fits = 0;
	for (i = 0; i < n; i = end) {
		for (end = i; end < n && value[end] == value[i]; end++)
			;
		if (end - i < least || (one = count_fits(value, n, value[i])) <= *fits)
			continue;
		*times = end - i;
		*fits = one;
		best = value[i];
	}
	return best;
}

/* Whether a constant explains requests better than chance: by its frequency, against that
 * of the most frequent path length, and by what is left being sums of SACK options, which
 * of chance values one in four is. */
static bool
is_constant(const struct files *files, size_t n, uint64_t constant, size_t times,
	    size_t fits)
{
	double most = 0;
	size_t i;

	for (i = 0; i < PATH_LENGTHS; i++)
		most = files->path_share[i] > most ? files->path_share[i] : most;
	if (times < 3 || constant >= UINT16_MAX)
		return false;
	return (fits * 5 >= n * 3 && (double)times > 2 * most * (double)n) ||
	       (n >= FITS_MIN && fits * 20 >= n * 19);
}

void
wire_learn_request_paths(const struct wire_model *m, const struct record *const *records,
			 size_t n, struct wire_path *path)
{
	uint64_t *value = must(calloc(REQUESTS_MAX, sizeof *value)), best, request;
	size_t step = n > REQUESTS_MAX ? n / REQUESTS_MAX + 1 : 1, i, count = 0, times,
	    fits;
	struct verdict v;

	for (i = 0; i < n; i += step) {
		request = records[i]->request_packets > 0
			      ? wire_request(records[i], m->overhead)
			      : 0;
		if (request == 0)
			continue;
		wire_name(m, records[i], &v);
		if (v.count == 0 || v.candidate[0].probability < 0.9 ||
		    m->files->file[v.candidate[0].file].path_len >= request)
			continue;
		value[count++] = request - m->files->file[v.candidate[0].file].path_len;
	}
	qsort(value, count, sizeof *value, rising);
	best = best_constant(value, count, &times, &fits);
	if (is_constant(m->files, count, best, times, fits)) {
		path->request = (uint32_t)best;
		path->is_request_exact = true;
	}
	free(value);
}
