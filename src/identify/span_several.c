/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Of n downloads in one record the first one's request was seen, those of the others
 * were taken for window updates: each is as long as two of these in one TLS record, or
 * as several records with one. So with Y the octets of the requests, modulo what an
 * update costs, h a hidden request's and r(f) what one of file f leaves there
 * (span_comb.c),
 *
 *	X = sum of spans of the files		each short of its law or not
 *	Y = r(first) + path(first) + sum of h	h = r(f) + path(f) of each later file
 *
 * (span_slack.c), so that few files can be a later one. How often a download is followed
 * by such a one is learned of a server by EM, and how many records are then of no file. Where the
 * catalogue is large only files are tried that are surely downloaded by themselves; what
 * all others would add is known by their density alone.
 */
#include "identify/span_several.h"

#include "base/memory.h"
#include "identify/span.h"
#include "identify/span_sets.h"
#include "identify/span_weigh.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	POOL_MAX = 1200, /* files tried */
	POOL_MORE = 200, /* and those that complete records, where not all are */
	COMPLETED = 2, /* records at least that a file of these completes */
	NEAR_MAX = 500000, /* files that may complete one record */
	LESSONS = 2000,
	FELLOWS = 61, /* told apart of a file, by their numbers modulo */
	SERVERS_MAX = 200,
	ROUNDS = 8,
	REST_ROUNDS = 4,
};

static const uint64_t WORK_MAX = 400000000;
/* A record's likeliest file is taken for granted. */
static const double SURE = 0.999;
/* Where more downloads than this are of files that are not tried no set is told. */
static const double OTHERS_MOST = 0.6;
/* Files that are hidden whenever they are downloaded are none of the sure ones: where not
 * all files are tried a set is no surer than this. */
static const double TRUST = 0.97;

struct span_several {
	const struct files *files;
	const struct popular *popular;
	uint32_t *pool; /* files that are tried, rising */
	size_t pool_count;
	struct together *server[SERVERS_MAX];
	size_t servers;
	uint64_t work, given_up;
};

/* The files that are tried: all, or those that most sure downloads are of. */
static void
fill_pool(struct span_several *s)
{
	uint32_t least = s->files->count <= POOL_MAX ? 0 : 1;
	size_t i, n;

	s->pool = must(calloc(POOL_MAX, sizeof *s->pool));
	for (n = POOL_MAX + 1; n > POOL_MAX; least++) {
		for (i = 0, n = 0; i < s->files->count; i++)
			n += popular_count(s->popular, (uint32_t)i) >= least;
		if (n > POOL_MAX)
			continue;
		for (i = 0; i < s->files->count; i++)
			if (popular_count(s->popular, (uint32_t)i) >= least)
				s->pool[s->pool_count++] = (uint32_t)i;
	}
}

struct span_several *
span_several_new(const struct files *files, const struct popular *popular)
{
	struct span_several *s = must(calloc(1, sizeof *s));

	s->files = files;
	s->popular = popular;
	fill_pool(s);
	return s;
}

void
span_several_free(struct span_several *s)
{
	if (s == NULL)
		return;
	while (s->servers > 0)
		together_free(s->server[--s->servers]);
	free(s->pool);
	free(s);
}

uint64_t
span_several_given_up(const struct span_several *s)
{
	return s->given_up;
}

/* Whether a record is one that may hold several. */
static bool
is_open(const struct record *r, const struct verdict *alone)
{
	return r->has_span && !r->is_at_least && !span_is_greeting(r) &&
	       !(alone->count > 0 && alone->candidate[0].probability >= SURE &&
		 !alone->candidate[0].is_partial);
}

static struct span_sets
search_of(const struct span_several *all, const struct together *t,
	  const struct record *r)
{
	return (struct span_sets){
	    .t = t,
	    .r = r,
	    .with_request = r->has_request && all->files->has_paths &&
			    span_has_requests(t->c)};
}

/* As one download, of files as popular as they are. */
static void
weigh_alone(const struct span_several *s, const struct verdict *alone,
	    struct span_weights *out)
{
	double rest = 1 - alone->unknown, known = 0, p;
	uint32_t i;

	for (i = 0; i < alone->count; i++) {
		p = alone->candidate[i].probability;
		rest -= p;
		known += p * popular_share(s->popular, alone->candidate[i].file);
	}
	known += fmax(rest, 0) * popular_other(s->popular);
	*out = (struct span_weights){
	    .by_files = {0, alone->evidence * known * (double)s->files->count},
	    .unknown = alone->evidence * alone->unknown};
}

/* What is learned of a server changes the weights of a record; their sum. */
static double
settle(const struct together *t, struct span_weights *w)
{
	double sum = w->unknown *= t->unknown / t->c->unknown, scale = 1 - t->again;
	uint32_t n;

	w->by_files[1] *= (1 - t->unknown) / (1 - t->c->unknown);
	for (n = 1; n <= TOGETHER_MAX; n++) {
		w->by_files[n] *= scale * (n == 1 ? 1 : 1 - t->unknown);
		scale *= t->again;
		sum += w->by_files[n];
	}
	return sum;
}

/* How often a download is followed by a hidden one, and how many records are of no
 * file. */
static void
weigh_server(struct together *t, const struct span_weights *list, size_t n)
{
	double downloads, records, unknown, sum;
	struct span_weights w;
	uint32_t round, m;
	size_t i;

	for (round = 0; round < ROUNDS; round++) {
		downloads = records = unknown = 0;
		for (i = 0; i < n; i++) {
			w = list[i];
			sum = settle(t, &w);
			unknown += w.unknown / sum;
			for (m = 1; m <= TOGETHER_MAX; m++) {
				records += w.by_files[m] / sum;
				downloads += m * w.by_files[m] / sum;
			}
		}
		t->again = 1 - (records + 1) / (downloads + 1.1);
		t->unknown = (unknown + 0.5) / ((double)n + 1);
	}
}

/* The server whose constants these are; NULL: nothing is hidden there. */
static struct together *
find(struct span_several *s, const struct constants *c)
{
	size_t i;

	for (i = s->servers; i-- > 0;)
		if (s->server[i]->c == c)
			return s->server[i];
	return NULL;
}

/* The records of a server, each alone and with others. */
struct lessons {
	struct span_several *all;
	struct together *t;
	const struct record *records;
	size_t n, step;
	struct span_weights *list;
	/* of the round at hand: what hidden requests left; records of one file; files in
	 * sets, in all and by those that each was with, FELLOWS for each */
	double rests[COMB_MAX + 1], alone, *seen, *with;
	double *files; /* of the record at hand */
};

static bool
is_lesson(const struct record *r)
{
	return r->has_span && !r->is_at_least && !span_is_greeting(r);
}

/* A set of so much weight: each of its files was with the others. */
static void
add_fellows(struct lessons *of, const struct together_set *set, double weight)
{
	uint32_t i, k;

	for (i = 0; i < set->n; i++)
		for (k = 0; k < set->n; k++)
			if (k != i)
				of->with[set->file[i] * FELLOWS +
					 set->file[k] % FELLOWS] += weight;
}

/* How often a file was seen, but for the times with the one that it was with most: a file
 * that the catalogue does not have may be as long as two others, each time that it is
 * downloaded. */
static double
seen_apart(const struct lessons *of, size_t file)
{
	double most = 0;
	uint32_t i;

	for (i = 0; i < FELLOWS; i++)
		most = fmax(most, of->with[file * FELLOWS + i]);
	return fmax(0, of->seen[file] - most);
}

/* What a record's sets say. */
static void
add_seen(struct lessons *of, const struct span_sets *s, struct span_weights w)
{
	const struct together *t = of->t;
	double sum = settle(t, &w), share, one;
	uint32_t n, i;
	size_t k;

	for (k = 0; k < t->files; k++) {
		for (n = 2, one = 0; n <= TOGETHER_MAX; n++)
			if (s->sum[n] > 0)
				one += w.by_files[n] / sum * of->files[n * t->files + k] /
				       s->sum[n];
		of->seen[k] += one;
	}
	for (n = 2; n <= TOGETHER_MAX; n++)
		if (s->sum[n] > 0)
			add_fellows(of, &s->best[n], w.by_files[n] / sum);
	for (n = 2; n <= TOGETHER_MAX; n++) {
		share = s->sum[n] > 0 ? w.by_files[n] / sum / s->sum[n] : 0;
		for (i = 0; i <= COMB_MAX; i++)
			of->rests[i] += share * s->rest[n][i];
	}
}

static void
begin_round(struct lessons *of)
{
	memset(of->rests, 0, sizeof of->rests);
	memset(of->seen, 0, of->t->files * sizeof *of->seen);
	memset(of->with, 0, FELLOWS * of->t->files * sizeof *of->with);
	of->alone = 0;
}

/* A round: by how often downloads are together, what hidden requests leave and of which
 * files they are, and by that how often they are. */
static void
round_of_lessons(struct lessons *of, bool is_last)
{
	size_t all = (TOGETHER_MAX + 1) * of->t->files, used = 0, i;
	struct verdict alone;

	begin_round(of);
	for (i = 0; i < of->n && of->all->work < WORK_MAX; i += of->step) {
		const struct record *r = &of->records[i];
		struct span_sets one = search_of(of->all, of->t, r);

		if (!is_lesson(r))
			continue;
		span_name(of->all->files, of->t->c, r, &alone);
		if (!(alone.evidence > 0))
			continue;
		weigh_alone(of->all, &alone, &of->list[used]);
		if (is_open(r, &alone)) {
			memset(of->files, 0, all * sizeof *of->files);
			one.files = of->files;
			span_sets_find(&one, &of->list[used]);
			of->all->work += one.work;
			add_seen(of, &one, of->list[used]);
		} else {
			of->alone++;
		}
		used++;
	}
	weigh_server(of->t, of->list, used);
	for (i = 0; i < of->t->files; i++)
		of->seen[i] = seen_apart(of, i);
	if (!is_last)
		together_learn(of->t, of->rests, of->alone, of->seen);
}

static bool
is_in_pool(const struct together *t, uint32_t file)
{
	size_t i;

	for (i = 0; i < t->files && t->pool[i] < file; i++)
		;
	return i < t->files && t->pool[i] == file;
}

/* Files that would complete record number `at`. Among too many nothing is told. */
static void
vote_completing(struct lessons *of, size_t at, uint16_t *votes, uint32_t *last)
{
	const struct record *r = &of->records[at];
	size_t from, to, near = 0;
	uint32_t first;

	for (first = 0; first < of->t->files; first++) {
		together_window(of->t, first, r->span, &from, &to);
		near += to - from;
	}
	if (near > NEAR_MAX)
		return;
	of->all->work += near;
	for (first = 0; first < of->t->files; first++) {
		together_window(of->t, first, r->span, &from, &to);
		for (; from < to; from++) {
			if (last[from] == at + 1 ||
			    !together_completes(of->t, first, (uint32_t)from, r))
				continue;
			last[from] = (uint32_t)at + 1;
			votes[from] += votes[from] < UINT16_MAX;
		}
	}
}

/* Files that the pool lacks and that would complete records: a vote of each record. */
static uint16_t *
count_completing(struct lessons *of)
{
	const struct files *files = of->all->files;
	uint16_t *votes = must(calloc(files->count + 1, sizeof *votes));
	uint32_t *last = must(calloc(files->count + 1, sizeof *last));
	struct verdict alone;
	size_t i;

	for (i = 0; i < of->n && of->all->work < WORK_MAX; i += of->step) {
		if (!is_lesson(&of->records[i]))
			continue;
		span_name(files, of->t->c, &of->records[i], &alone);
		if (is_open(&of->records[i], &alone))
			vote_completing(of, i, votes, last);
	}
	free(last);
	return votes;
}

/* The pool with those that most records vote for. */
static void
complete_pool(struct lessons *of, const struct constants *c)
{
	struct span_several *s = of->all;
	uint16_t *votes = count_completing(of);
	uint32_t *pool = must(calloc(POOL_MAX + POOL_MORE, sizeof *pool)), least;
	size_t n = POOL_MORE + 1, count = 0, i;

	for (least = COMPLETED; n > POOL_MORE; least++)
		for (i = 0, n = 0; i < s->files->count; i++)
			n += votes[i] >= least;
	for (i = 0; i < s->files->count; i++)
		if (votes[i] >= least - 1 || is_in_pool(of->t, (uint32_t)i))
			pool[count++] = (uint32_t)i;
	together_free(of->t);
	of->t = together_new(s->files, c, pool, count, s->popular);
	free(pool);
	free(votes);
}

/* Of downloads, those of files that are not tried. */
static double
share_of_others(const struct span_several *s)
{
	return popular_other(s->popular) * (double)(s->files->count - s->pool_count);
}

static void
learn_server(struct span_several *s, const struct constants *c,
	     const struct record *records, size_t n)
{
	struct lessons of = {
	    .all = s, .records = records, .n = n, .step = n / LESSONS + 1};
	unsigned i;

	if (c->slack.step == 0 || s->pool_count == 0 || find(s, c) != NULL ||
	    s->servers == SERVERS_MAX || share_of_others(s) > OTHERS_MOST)
		return;
	of.t = together_new(s->files, c, s->pool, s->pool_count, s->popular);
	if (of.t->files < s->files->count && c->comb.step > 0)
		complete_pool(&of, c);
	s->server[s->servers++] = of.t;
	of.list = must(calloc(n / of.step + 1, sizeof *of.list));
	of.seen = must(calloc(of.t->files + 1, sizeof *of.seen));
	of.with = must(calloc(FELLOWS * of.t->files + 1, sizeof *of.with));
	of.files = must(calloc((TOGETHER_MAX + 1) * of.t->files + 1, sizeof *of.files));
	for (i = 1; i <= REST_ROUNDS; i++)
		round_of_lessons(&of, i == REST_ROUNDS);
	free(of.list);
	free(of.seen);
	free(of.with);
	free(of.files);
}

void
span_several_learn(struct span_several *s, const struct record *records,
		   const struct constants *const *by_record, size_t n)
{
	size_t first, end;

	for (first = 0; first < n; first = end) {
		for (end = first; end < n && by_record[end] == by_record[first]; end++)
			;
		learn_server(s, by_record[first], records + first, end - first);
	}
}

bool
span_several_name(struct span_several *s, const struct constants *c,
		  const struct record *r, const struct verdict *alone,
		  struct several *out)
{
	struct together *t = find(s, c);
	struct span_sets one;
	struct span_weights w;
	double sum, listed = 0;
	uint32_t n, i;

	*out = (struct several){0};
	if (t == NULL || t->items == 0 || !is_open(r, alone))
		return false;
	if (s->work > WORK_MAX) {
		s->given_up++;
		return false;
	}
	one = search_of(s, t, r);
	one.out = out;
	for (n = 2; n <= TOGETHER_MAX; n++)
		one.scale[n] = (1 - t->again) * pow(t->again, n - 1) * (1 - t->unknown);
	weigh_alone(s, alone, &w);
	span_sets_find(&one, &w);
	s->work += one.work;
	sum = settle(t, &w);
	if (!(sum > 0) || out->count == 0)
		return false;
	several_settle(out, sum / (t->files < s->files->count ? TRUST : 1));
	for (i = 0; i < out->count; i++)
		listed += out->set[i].probability;
	out->files = out->set[0].files;
	out->probability = listed < 1 ? listed : 1;
	return listed >= 0.5;
}
