/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First each record is named by itself. A file that the catalogue does not have may lie
 * so near one that it has that its downloads are all taken for this one, with always
 * nearly the same octets beside. So the records of a file are looked at together; those
 * of them that have d octets beside it, d at least s, may be of another one, s octets
 * larger:
 *
 * 	(1 - u) / N  product of p(d)				this file
 * 	u D(T)  product of (p(d) + p(d - s)) / 2		and another
 *
 * s is tried with the octets that each of them has beside. Where the latter is likelier
 * these records are doubted, and do not make the file popular. Then, with what is
 * popular, losses and the share of unknown files are fitted again and all is done anew.
 */
#include "identify/repeats.h"

#include "base/memory.h"
#include "identify/plain.h"
#include "identify/sampled.h"
#include "identify/span.h"

#include <math.h>
#include <stdlib.h>

enum {
	RECORDS_MAX = 20000, /* from which popular files are told */
	ROUNDS = 2,
	TOGETHER_MAX = 64, /* records of a file that are looked at */
};

static const double LOG_MOST = 600;

/* Whether a record is named by the wire model, which weighs popular files itself. */
static bool
is_by_wire(const struct record *r)
{
	return plain_is(r) && !sampled_is(r);
}

static int
by_file(const void *pa, const void *pb)
{
	const struct record *a = *(const struct record *const *)pa,
			    *b = *(const struct record *const *)pb;

	if (a->alone != b->alone)
		return a->alone < b->alone ? -1 : 1;
	if (a->alone_beside != b->alone_beside)
		return a->alone_beside < b->alone_beside ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* How much likelier records 0..n-1, which look like one file, are if those with `shift`
 * octets beside it and more may be of another one, which is not listed. */
static double
gain_of_unlisted(const struct repeats *in, struct record *const *r, size_t n,
		 uint64_t shift)
{
	double listed, unlisted, gain;
	size_t i;

	plain_prior(in->plain, r[0], &listed, &unlisted);
	gain = unlisted - listed;
	for (i = 0; i < n; i++) {
		if (r[i]->alone_beside < shift)
			continue;
		listed = plain_fits(in->plain, r[i], r[i]->alone_beside);
		unlisted = plain_fits(in->plain, r[i], r[i]->alone_beside - shift);
		gain += log(0.5 + 0.5 * exp(fmin(unlisted - listed, LOG_MOST)));
	}
	return gain;
}

/* Doubts a file whose records 0..n-1 are likelier of another one that is not listed. */
static void
look_together(const struct repeats *in, struct record *const *r, size_t n,
	      struct popular *p)
{
	size_t most = n < TOGETHER_MAX ? n : TOGETHER_MAX, i;
	double best = 0, gain;
	uint64_t shift = 0;

	for (i = 0; i < most && n > 1; i++) {
		if (r[i]->alone_beside == 0 ||
		    (i > 0 && r[i]->alone_beside == r[i - 1]->alone_beside))
			continue;
		gain = gain_of_unlisted(in, r, most, r[i]->alone_beside);
		if (gain <= best)
			continue;
		best = gain;
		shift = r[i]->alone_beside;
	}
	if (best <= 0)
		return;
	popular_doubt(p, r[0]->alone - 1, best, shift);
	for (i = 0; i < n; i++)
		if (r[i]->alone_beside >= shift)
			r[i]->is_counted = false;
}

static void
look_for_unlisted(const struct repeats *in, struct popular *p)
{
	struct record **picked = must(calloc(in->count + 1, sizeof *picked));
	size_t n = 0, i, end;

	for (i = 0; i < in->count; i++)
		if (in->records[i].alone != 0 && is_by_wire(&in->records[i]))
			picked[n++] = &in->records[i];
	qsort(picked, n, sizeof *picked, by_file);
	for (i = 0; i < n; i = end) {
		for (end = i; end < n && picked[end]->alone == picked[i]->alone; end++)
			;
		look_together(in, &picked[i], end - i, p);
	}
	free(picked);
}

/* Which files are downloaded again and again, by what is sure of each record alone. */
static struct popular *
count(const struct repeats *in)
{
	size_t step = in->count / RECORDS_MAX + 1, i;
	struct popular *popular = popular_new(in->files);
	struct verdict v;

	for (i = 0; i < in->count; i += step) {
		struct record *r = &in->records[i];

		r->alone = 0;
		r->is_counted = false;
		if (r->range != 0 || r->is_dropped)
			continue;
		if (r->has_span && !sampled_is(r))
			span_name(in->files, in->constants[i], r, &v);
		else
			plain_name(in->plain, r, &v);
		r->is_counted = popular_ask(popular, &v);
		if (v.count == 0)
			continue;
		r->alone = v.candidate[0].file + 1;
		r->alone_p = (float)v.candidate[0].probability;
		/* Where losses are not known nothing is told by what is beside. */
		r->alone_beside =
		    v.is_elsewhere
			? 0
			: (uint64_t)v.candidate[0].k * v.mss + v.candidate[0].e;
	}
	look_for_unlisted(in, popular);
	for (i = 0; i < in->count; i += step)
		if (in->records[i].is_counted)
			popular_note(popular, in->records[i].alone - 1,
				     (double)in->records[i].alone_p);
	popular_end(popular);
	return popular;
}

struct popular *
repeats_find(const struct repeats *in)
{
	struct popular *popular = count(in);
	int round;

	for (round = 0; round < ROUNDS && in->is_fitting && popular_tells(popular);
	     round++) {
		plain_set_popular(in->plain, popular);
		plain_refit(in->plain, in->records, in->count);
		plain_set_popular(in->plain, NULL);
		popular_free(popular);
		popular = count(in);
	}
	if (popular_tells(popular))
		plain_set_popular(in->plain, popular);
	return popular;
}

void
repeats_apply(const struct popular *popular, const struct record *r, struct verdict *v)
{
	if (!is_by_wire(r) || !popular_tells(popular))
		popular_apply(popular, r->alone != 0, v);
	else if (v->count > 0)
		popular_hold(popular,
			     r->alone == v->candidate[0].file + 1 ? r->alone_p : 0, v);
}
