/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A server's cost of a packet and its constant are found by vote: under the right ones
 * many downloads leave the size of a file. From there EM takes them, and what is sent
 * again, to where the records are likeliest.
 */
#include "identify/quic.h"

#include "base/memory.h"
#include "base/search.h"
#include "identify/quic_inside.h"
#include "identify/wire.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	UDP_HEADER = 8,
	VOTERS_MAX = 150,
	VOTER_FILES_MAX = 200, /* more near one record tell nothing */
	LEARNERS_MAX = 400,
	FIT_ROUNDS = 25,
	NEAR_MAX = 4096, /* files weighed one by one */
};

/* Of a packet; they are tried so close that the longest record moves by half a bin. */
static const double COST_FIRST = 18, COST_LAST = 64, COST_STEP_MIN = 0.01,
		    COST_STEP_MAX = 1;
static const double CHANCE = 18; /* log of costs and constants tried, and three more */
static const double WIDTH_LEAST = 3, WIDTH_FIRST = 64, AGAIN_FIRST = 3000,
		    AGAIN_MOST = 50000;
static const double NEGLIGIBLE = 20; /* widths from a k on */
static const double PACKET_LEAST = 0.9, PACKET_MOST = 1.1; /* of the largest mean */
static const double MEANS = 12;      /* of the rest looked at */
static const double UNKNOWN_LEAST = 0.002, UNKNOWN_MOST = 0.9;

bool
quic_is(const struct record *r)
{
	return r->is_quic && r->packets > 0 && r->sampling <= 1;
}

static double
at_least(double least, double v)
{
	return v > least ? v : least;
}

double
quic_payload(const struct record *r)
{
	uint64_t headers = r->packets * ((r->server.is_v6 ? 40u : 20u) + UDP_HEADER);

	return r->bytes > headers ? (double)(r->bytes - headers) : 0;
}

static bool
is_smaller(const void *files, size_t i, uint64_t size)
{
	return ((const struct files *)files)->file[i].size < size;
}

/* The first file of at least that size. */
static size_t
lower(const struct files *files, double size)
{
	return size > 0 ? search_first(files, 0, files->count, (uint64_t)ceil(size),
				       is_smaller)
			: 0;
}

/* ---- vote ---- */

/* Constants by bins: where nothing is sent again they agree to a few dozen octets; where
 * much is, only about. What each of these comes to is compared. */
static const struct raster {
	unsigned octets, bins;
} rasters[] = {{64, 512}, {1024, 64}, {8192, 24}};
enum { BINS_MAX = 512 };

struct vote {
	double gain, cost, constant;
};

/* Votes for the constants under one cost; the bins that got any are listed in used. */
static void
vote_cost(const struct files *files, const struct record *const *voters, size_t n,
	  const struct raster *raster, double cost, struct vote *best)
{
	uint16_t count[BINS_MAX] = {0}, last[BINS_MAX] = {0}, used[BINS_MAX], bins = 0, i;
	double by_chance = 0, gain, v;
	size_t k, from, to;
	unsigned bin;

	for (k = 0; k < n; k++) {
		v = quic_payload(voters[k]) - cost * (double)voters[k]->packets;
		from = lower(files, v - (double)raster->bins * raster->octets + 1);
		to = lower(files, v);
		if (to - from > VOTER_FILES_MAX)
			continue;
		by_chance += fmin(1, (double)(to - from) / raster->bins);
		for (; from < to; from++) {
			bin = (unsigned)((v - (double)files->file[from].size) /
					 raster->octets);
			if (bin >= raster->bins || last[bin] == k + 1)
				continue;
			last[bin] = (uint16_t)(k + 1);
			if (count[bin]++ == 0)
				used[bins++] = (uint16_t)bin;
		}
	}
	for (i = 0; i < bins; i++) {
		double got = count[used[i]];

		if (got < QUIC_FLOWS_MIN || got <= by_chance)
			continue;
		gain = got * log(got / by_chance) - (got - by_chance);
		if (gain > best->gain)
			*best =
			    (struct vote){gain, cost, (used[i] + 0.5) * raster->octets};
	}
}

/* How much more than the file below a record has, if more than a bin: the mean. */
static double
mean_again(const struct files *files, const struct record *const *voters, size_t n,
	   const struct vote *best, const struct raster *raster)
{
	double sum = AGAIN_FIRST + raster->octets, d;
	size_t count = 1, i, at;

	for (i = 0; i < n; i++) {
		d = quic_payload(voters[i]) - best->cost * (double)voters[i]->packets -
		    best->constant;
		at = lower(files, d);
		d -= at > 0 ? (double)files->file[at - 1].size : d;
		if (d <= 2 * raster->octets || d > AGAIN_MOST)
			continue;
		sum += d;
		count++;
	}
	return sum / (double)count;
}

/* False where nothing is told from chance. */
static bool
vote(const struct files *files, const struct record *const *records, size_t n,
     const struct raster *raster, struct quic_server *out)
{
	const struct record *voter[VOTERS_MAX];
	size_t step = n > VOTERS_MAX ? (n + VOTERS_MAX - 1) / VOTERS_MAX : 1, voters = 0,
	       i;
	struct vote best = {.gain = CHANCE};
	double largest = 0, longest = 1, cost, by;

	for (i = 0; i < n && voters < VOTERS_MAX; i += step) {
		voter[voters++] = records[i];
		longest = at_least(longest, (double)records[i]->packets);
		largest = at_least(largest,
				   quic_payload(records[i]) /
				       (double)records[i]->packets);
	}
	by = fmin(COST_STEP_MAX, at_least(COST_STEP_MIN, raster->octets / 2 / longest));
	for (cost = COST_FIRST; cost < COST_LAST; cost += by)
		vote_cost(files, voter, voters, raster, cost, &best);
	if (best.gain <= CHANCE || largest <= best.cost)
		return false;
	*out =
	    (struct quic_server){.cost = best.cost,
				 .constant = best.constant,
				 .largest = largest,
				 .packet = largest - best.cost,
				 .width = {raster->octets, 2 * raster->octets},
				 .rest = 0.15,
				 .mean = mean_again(files, voter, voters, &best, raster),
				 .unknown = 0.1,
				 .flows = (double)n};
	for (i = 0; i < QUIC_KINDS; i++)
		out->again[i] = i == QUIC_LESS ? 0.55 : 0.3 / (QUIC_KINDS - 1);
	return true;
}

/* ---- likelihood ---- */

/* Of a difference d between what is left of D and the size of a file: its density by k,
 * then of the rest; returns their sum. */
static double
weigh(const struct quic_server *s, double d, double part[QUIC_KINDS + 1])
{
	double sum = 0, off;
	int i;

	for (i = 0; i < QUIC_KINDS; i++) {
		double width = s->width[i != QUIC_LESS];

		off = fabs(d - (i - QUIC_LESS) * s->packet) / width;
		part[i] = off > NEGLIGIBLE ? 0 : s->again[i] * exp(-off) / (2 * width);
		sum += part[i];
	}
	part[i] = d > 0 ? s->rest * exp(-d / s->mean) / s->mean : 0;
	return sum + part[i];
}

/* What is left of D and the files that it may be; files for each octet where there are
 * more than are looked at, else 0. */
struct near {
	double left, omitted;
	size_t from, to;
};

static struct near
near_of(const struct files *files, const struct quic_server *s, const struct record *r)
{
	double left = quic_payload(r) - s->cost * (double)r->packets - s->constant;
	double below = QUIC_LESS * s->packet + NEGLIGIBLE * s->width[1];
	double above = QUIC_MORE * s->packet + NEGLIGIBLE * s->width[1];
	struct near near = {.left = left};
	size_t at = lower(files, left);

	above = above < MEANS * s->mean ? MEANS * s->mean : above;
	near.from = lower(files, left - above);
	near.to = lower(files, left + below);
	if (near.to - near.from <= NEAR_MAX)
		return near;
	near.omitted = (double)(near.to - near.from) / (above + below);
	if (at - near.from > NEAR_MAX * 3 / 4)
		near.from = at - NEAR_MAX * 3 / 4;
	if (near.to - near.from > NEAR_MAX)
		near.to = near.from + NEAR_MAX;
	return near;
}

static double
unknown_weight(const struct files *files, const struct quic_server *s, double payload)
{
	static const struct wire_server none;
	double any = wire_unknown_density(files, &none, (uint64_t)payload);
	/* They are as large as others, or are others that more was sent of. */
	double like = files_density(files, (uint64_t)payload) / (double)files->count;

	return s->unknown * (any > like ? any : like);
}

/* ---- EM ---- */

struct sums {
	double part[QUIC_KINDS + 1], off[2], rest, unknown, records, likelihood;
	/* of k = 0: packets against octets that are no file */
	double n, p, pp, y, py;
	double packet, packet_n; /* of other k: octets for each */
};

static void
sum_record(const struct files *files, const struct quic_server *s, const struct record *r,
	   double *weight, struct sums *sums)
{
	double part[QUIC_KINDS + 1], p = (double)r->packets, d, y, all, share, chance;
	struct near near = near_of(files, s, r);
	/* Where files are so dense that any record has one at such a place, it tells
	 * nothing. */
	double density = files_density(files, (uint64_t)at_least(1, near.left));
	double chances[2] = {fmin(1, density * 2 * s->width[1] * (QUIC_KINDS - 1)),
			     fmin(1, density * s->mean)};
	size_t i;
	int k;

	all = unknown_weight(files, s, quic_payload(r));
	share = (1 - s->unknown) / (double)files->count;
	sums->records++;
	for (i = near.from; i < near.to; i++) {
		d = near.left - (double)files->file[i].size;
		all += weight[i - near.from] = share * weigh(s, d, part);
	}
	for (i = near.from; i < near.to && all > 0; i++) {
		if (weight[i - near.from] < all * 1e-6)
			continue;
		d = near.left - (double)files->file[i].size;
		weigh(s, d, part);
		for (k = 0; k <= QUIC_KINDS; k++) {
			part[k] *= share / all;
			chance = k == QUIC_LESS ? 0 : chances[k == QUIC_KINDS];
			sums->part[k] += part[k] * (1 - chance);
			sums->unknown += part[k] * chance;
		}
		for (k = 0; k < QUIC_KINDS; k++) {
			sums->off[k != QUIC_LESS] +=
			    part[k] * fabs(d - (k - QUIC_LESS) * s->packet);
			if (k != QUIC_LESS) {
				sums->packet += part[k] * d * (k - QUIC_LESS);
				sums->packet_n +=
				    part[k] * (k - QUIC_LESS) * (k - QUIC_LESS);
			}
		}
		sums->rest += part[k] * d;
		y = quic_payload(r) - (double)files->file[i].size;
		sums->n += part[QUIC_LESS];
		sums->p += part[QUIC_LESS] * p;
		sums->pp += part[QUIC_LESS] * p * p;
		sums->y += part[QUIC_LESS] * y;
		sums->py += part[QUIC_LESS] * p * y;
	}
	if (all > 0) {
		sums->unknown += unknown_weight(files, s, quic_payload(r)) / all;
		sums->likelihood += log(all);
	}
}

/* One more of each kind keeps what was not seen possible. */
static void
refit(const struct sums *sums, struct quic_server *s)
{
	double all = 0, others = 0, full, det = sums->n * sums->pp - sums->p * sums->p;
	int k;

	for (k = 0; k <= QUIC_KINDS; k++)
		all += sums->part[k];
	for (k = 0; k < QUIC_KINDS; k++) {
		s->again[k] = (sums->part[k] + 0.1) / (all + 0.1 * (QUIC_KINDS + 1));
		others += k == QUIC_LESS ? 0 : sums->part[k];
	}
	s->rest = (sums->part[k] + 0.1) / (all + 0.1 * (QUIC_KINDS + 1));
	s->mean = (sums->rest + AGAIN_FIRST) / (sums->part[k] + 1);
	s->width[0] =
	    at_least(WIDTH_LEAST, (sums->off[0] + WIDTH_FIRST / 4) / (sums->n + 1));
	s->width[1] = at_least(s->width[0], (sums->off[1] + WIDTH_FIRST) / (others + 1));
	/* The mean packet is not quite a full one. */
	if (sums->packet_n > 1) {
		full = s->largest - s->cost;
		s->packet = fmin(PACKET_MOST * full,
				 at_least(PACKET_LEAST * full,
					  sums->packet / sums->packet_n));
	}
	s->unknown = (sums->unknown + 0.1) / (sums->records + 0.2);
	s->unknown = s->unknown < UNKNOWN_LEAST  ? UNKNOWN_LEAST
		     : s->unknown > UNKNOWN_MOST ? UNKNOWN_MOST
						 : s->unknown;
	/* Records of one length tell only cost and constant together. */
	if (sums->n > 2 && det > 1e-6 * sums->n * sums->pp) {
		s->cost = (sums->n * sums->py - sums->p * sums->y) / det;
		s->constant = (sums->y - s->cost * sums->p) / sums->n;
	}
}

/* Takes parameters to where the records are likeliest, near where they are; returns the
 * log of their likelihood. */
static double
fit(const struct files *files, const struct record *const *records, size_t n,
    struct quic_server *s)
{
	size_t step = n > LEARNERS_MAX ? (n + LEARNERS_MAX - 1) / LEARNERS_MAX : 1, i;
	double *weight = must(malloc(NEAR_MAX * sizeof *weight)), likelihood = 0;
	int round;

	for (round = 0; round < FIT_ROUNDS; round++) {
		struct sums sums = {0};

		for (i = 0; i < n; i += step)
			sum_record(files, s, records[i], weight, &sums);
		refit(&sums, s);
		likelihood = sums.likelihood;
	}
	free(weight);
	return likelihood;
}

bool
quic_learn(const struct files *files, const struct record *const *records, size_t n,
	   struct quic_server *out)
{
	double likelihood, best = -INFINITY;
	struct quic_server s;
	size_t i;

	if (files->count == 0)
		return false;
	if (out->flows > 0) {
		(void)fit(files, records, n, out);
		out->flows += (double)n;
		return true;
	}
	for (i = 0; i < sizeof rasters / sizeof rasters[0]; i++) {
		if (!vote(files, records, n, &rasters[i], &s))
			continue;
		likelihood = fit(files, records, n, &s);
		if (likelihood > best) {
			best = likelihood;
			*out = s;
		}
	}
	return out->flows > 0;
}

/* ---- naming ---- */

/* The kind of a difference by its parts: where most of it comes from. */
static struct candidate
candidate_of(const struct quic_server *s, size_t file, double d,
	     const double part[QUIC_KINDS + 1])
{
	struct candidate c = {.file = (uint32_t)file,
			      .header = (uint32_t)at_least(0, s->constant)};
	int k, best = 0;

	for (k = 0; k <= QUIC_KINDS; k++)
		best = part[k] > part[best] ? k : best;
	if (best < QUIC_KINDS) {
		c.again = best - QUIC_LESS;
		d -= c.again * s->packet;
	}
	c.off = (int32_t)lround(fmin(INT32_MAX, d));
	return c;
}

void
quic_name(const struct files *files, const struct quic_server *s, const struct record *r,
	  struct verdict *out)
{
	double part[QUIC_KINDS + 1], d, sum, share;
	struct near near;
	struct tally tally;
	struct candidate c;

	*out = (struct verdict){.unknown = 0.5};
	if (quic_is(r) && s->flows > 0 && files->count > 0) {
		near = near_of(files, s, r);
		share = (1 - s->unknown) / (double)files->count;
		tally_begin(&tally, out);
		for (; near.from < near.to; near.from++) {
			d = near.left - (double)files->file[near.from].size;
			if (!((sum = weigh(s, d, part)) > 0))
				continue;
			c = candidate_of(s, near.from, d, part);
			tally_add(&tally, &c, share * sum);
		}
		tally_end(&tally, unknown_weight(files, s, quic_payload(r)) +
				      share * near.omitted * (1 - s->again[QUIC_LESS]));
	}
	out->payload = (uint64_t)quic_payload(r);
	out->quic = s;
}
