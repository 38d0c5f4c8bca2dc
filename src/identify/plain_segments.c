/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The largest segment of a path, and its octets of headers per packet where they are not
 * the server's: those under which its records are likeliest.
 */
#include "identify/plain_inside.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

enum {
	OVERHEAD_RECORDS = 150,
	/* Pairs that tell segments; others looked at for each record, and of its octets
	 * one in so many. */
	REPEATS_MIN = 10,
	REPEAT_PAIRS = 100,
	REPEAT_PART = 50,
};

/* A path's own octets of headers are looked for where so many of its records are of no
 * file, and taken if they are e^8 times likelier. */
static const double OVERHEAD_UNKNOWN = 0.3, OVERHEAD_GAIN = 8;

/* Log likelihood of records 0..n-1 of a path of s with that many octets of headers and of
 * segments, and the mean probability that they are of no file. */
static double
score_path(struct plain *p, struct server *s, const struct record *const *r, size_t n,
	   uint32_t overhead, uint32_t mss, double *unknown)
{
	size_t step = n / OVERHEAD_RECORDS + 1, i, count = 0;
	struct plain_ready ready;
	struct verdict v;
	double sum = 0;

	*unknown = 0;
	if (mss == 0)
		return -INFINITY;
	plain_make_ready(p, plain_wire_server(p, s), &s->known.path,
			 plain_tables(&s->tables, &s->known.path), overhead, mss, &ready);
	for (i = 0; i < n; i += step) {
		wire_name(&ready.model, r[i], &v);
		sum += log(v.evidence + 1e-300);
		*unknown += v.unknown;
		count++;
	}
	*unknown /= (double)count;
	return sum;
}

static double
score_overhead(struct plain *p, struct server *s, const struct record *const *r, size_t n,
	       uint32_t overhead, double *unknown)
{
	return score_path(p, s, r, n, overhead, wire_mss_of(r, n, overhead), unknown);
}

static int
rising(const void *pa, const void *pb)
{
	const uint64_t *a = pa, *b = pb;

	return *a < *b ? -1 : *a > *b;
}

/* Pairs of records 0..n-1 that differ by some whole segments of a size: of files that
 * came again, whatever they are, and else by chance. */
static size_t
count_repeats(const struct record *const *r, size_t n, uint32_t overhead, uint32_t mss)
{
	uint64_t *payload = must(calloc(n + 1, sizeof *payload)), apart, most;
	size_t i, k, pairs = 0;

	for (i = 0; i < n; i++)
		payload[i] = wire_payload(r[i], overhead);
	qsort(payload, n, sizeof *payload, rising);
	for (i = 0; i < n; i++) {
		most = 8 * mss + payload[i] / REPEAT_PART;
		for (k = i + 1; k < n && k <= i + REPEAT_PAIRS; k++) {
			apart = payload[k] - payload[i];
			if (apart > most)
				break;
			pairs += apart > 0 && apart % mss == 0;
		}
	}
	free(payload);
	return pairs;
}

/* A sender of many short segments looks like one of Ethernet or of somewhat smaller ones:
 * what was sent again tells then. */
uint32_t
plain_find_mss(struct plain *p, struct server *s, const struct record *const *r, size_t n,
	 uint32_t overhead)
{
	uint32_t found = wire_mss_of(r, n, overhead),
		 usual = wire_mss_usual(overhead, r[0]->server.is_v6);
	size_t repeats[2];
	double unknown;

	if (found == 0 || found >= usual || plain_wire_server(p, s)->header.count == 0)
		return found;
	repeats[0] = count_repeats(r, n, overhead, found);
	repeats[1] = count_repeats(r, n, overhead, usual);
	if (repeats[0] + repeats[1] >= REPEATS_MIN &&
	    (repeats[0] > 3 * repeats[1] || repeats[1] > 3 * repeats[0]))
		return repeats[0] > repeats[1] ? found : usual;
	return score_path(p, s, r, n, overhead, usual, &unknown) >=
		       score_path(p, s, r, n, overhead, found, &unknown)
		   ? usual
		   : found;
}

/* Timestamps are the client's affair as well. */
uint32_t
plain_find_overhead(struct plain *p, struct server *s, const struct record *const *r, size_t n)
{
	bool is_v6 = r[0]->server.is_v6;
	uint32_t own = plain_overhead(p, s, r[0]), found = 0, other;
	double best, score, unknown;
	unsigned i;

	if (n < PLAIN_RECORDS_MIN || p->config.overhead != 0 ||
	    plain_wire_server(p, s)->header.count == 0)
		return 0;
	best = score_overhead(p, s, r, n, own, &unknown);
	if (unknown < OVERHEAD_UNKNOWN)
		return 0;
	best += OVERHEAD_GAIN;
	for (i = 0; i < 2; i++) {
		other = wire_overhead_usual(is_v6, i == 0);
		if (other == own)
			continue;
		score = score_overhead(p, s, r, n, other, &unknown);
		if (score > best) {
			best = score;
			found = other;
		}
	}
	return found;
}
