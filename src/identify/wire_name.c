/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names a plain record. Near T, where few segments were sent again, files are weighed one
 * by one, up to a limit; of what lies beyond it and of all files far below T only those
 * with a usual remainder are looked up by the index of residues, the rest of the near
 * ones count together. Weights go to a list on the stack; the best of them are sorted out
 * at the end.
 *
 * Where paths of files are known, the client's octets tell a file's as well: payload of
 * the request = its path + a constant + n SACK options of 12, 20 or 28 octets.
 */
#include "identify/wire.h"

#include "base/search.h"
#include "identify/popular.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PICKS_MAX = 1024, USUAL_MAX = 5, REST_LOOKED_AT = 600, DEPTH = 3,
       HEADER_LEAST = 40, POPULAR_MAX = 512 };

static const uint32_t usual_remainders[USUAL_MAX] = {0, 8, 12, 20, 24};
static const double REQUEST_OTHER = 0.02, SURE_ENOUGH = 1e-5, NEGLIGIBLE = 1e-7;

struct pick {
	double weight;
	uint64_t k;
	uint32_t file, e, mode;
};

struct weighing {
	const struct wire_model *m;
	const struct record *r;
	struct wire_sight sight;
	uint64_t request;    /* payload of the request less the constant */
	double request_any;  /* its probability whatever the path; 0: nothing known */
	double scale;        /* prior of one file */
	/* Where files are told that are downloaded again and again: what files of that
	 * size are beside, and what scale has of it. */
	const struct popular *popular;
	double beside, unseen;
	/* p(k) of the record's n, and the parts of p(e), which are the same for all
	 * files. */
	const struct wire_losses *losses;
	struct wire_parts parts;
	uint32_t residue; /* T mod MSS */
	double sum, unknown; /* of all weights; of no file */
	size_t count;
	struct pick pick[PICKS_MAX];
};

/* Of octets beside path and constant: SACK options. */
static double
p_of_rest(int64_t rest)
{
	return rest == 0 ? 0.5
	       : rest >= 12 && rest % 4 == 0 ? 0.5 * 4 / (12.0 * (double)(rest + 60))
					      : 0;
}

static void
look_at_request(struct weighing *w)
{
	const struct wire_model *m = w->m;
	uint64_t request, length;

	if (!m->files->has_paths || m->path->request == 0 ||
	    !m->path->is_request_exact || w->r->request_packets == 0)
		return;
	request = wire_request(w->r, m->overhead);
	if (request < m->path->request)
		return;
	w->request = request - m->path->request;
	if (w->request > REST_LOOKED_AT) {
		w->request_any = p_of_rest((int64_t)(w->request / 4 * 4) - 80) / 4;
		return;
	}
	for (length = 0; length <= w->request; length++)
		w->request_any += m->files->path_share[length] *
				  p_of_rest((int64_t)(w->request - length));
}

static void
begin_parts(struct weighing *w)
{
	const struct wire_model *m = w->m;
	struct wire_sight *sight = &w->sight;

	w->losses = wire_table(m->tables, sight->n_class, sight->segments);
	w->residue = (uint32_t)(sight->payload % m->mss);
	wire_parts_of_e(m->path, m->mss, sight, &w->parts);
}

static void
begin(struct weighing *w, const struct wire_model *m, const struct record *r)
{
	w->m = m;
	w->r = r;
	wire_look(m, r, &w->sight);
	w->popular = m->popular;
	w->beside = wire_band_factor(m->files, m->server, w->sight.payload);
	w->unseen = w->popular != NULL ? popular_unseen(w->popular, w->beside)
				       : w->beside;
	w->scale = w->unseen * (1 - m->path->unknown) /
		   (double)(m->files->count ? m->files->count : 1);
	w->unknown = m->path->unknown *
		     wire_unknown_density(m->files, m->server, w->sight.payload);
	w->sum = w->unknown;
	w->count = 0;
	w->request = 0;
	w->request_any = 0;
	if (w->sight.payload > 0) {
		begin_parts(w);
		look_at_request(w);
	}
}

static int
heavier(const void *pa, const void *pb)
{
	const struct pick *a = pa, *b = pb;

	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	return a->file < b->file ? -1 : a->file > b->file;
}

static void
keep(struct weighing *w, struct pick pick)
{
	w->sum += pick.weight;
	if (pick.weight < NEGLIGIBLE * w->sum)
		return;
	if (w->count == PICKS_MAX) {
		qsort(w->pick, w->count, sizeof w->pick[0], heavier);
		w->count /= 2;
	}
	w->pick[w->count++] = pick;
}

/* The weight of k for a file whose path tells another n. */
static double
weigh_request(struct weighing *w, uint32_t file, uint64_t k,
    const struct wire_parts **parts, struct wire_parts *own)
{
	const struct wire_model *m = w->m;
	int64_t rest = (int64_t)w->request - m->files->file[file].path_len;
	double p = rest < 0 ? 0 : p_of_rest(rest),
	       weight = REQUEST_OTHER + (1 - REQUEST_OTHER) * p / w->request_any;
	struct wire_sight sight = w->sight;

	if (p > 0)
		sight.n_class = wire_n_class((uint64_t)rest / 12);
	weight *= wire_losses_p(wire_table(m->tables, sight.n_class, sight.segments), k);
	wire_parts_of_e(m->path, m->mss, &sight, own);
	*parts = own;
	return weight;
}

/* How much likelier a file is than one that nobody surely downloaded. */
static double
popularity(const struct weighing *w, uint32_t file)
{
	if (w->popular == NULL || popular_count(w->popular, file) == 0)
		return 1;
	return popular_seen(w->popular, file,
			    w->r->is_counted && w->r->alone == file + 1, w->beside) /
	       w->unseen;
}

static void
weigh(struct weighing *w, uint32_t mode, uint32_t file, uint64_t sent, double *out)
{
	const struct wire_model *m = w->m;
	const struct wire_parts *parts = &w->parts;
	struct wire_parts own;
	uint64_t left = w->sight.payload - sent,
		 k = left <= UINT32_MAX ? (uint32_t)left / m->mss : left / m->mss;
	uint32_t e = (uint32_t)(left - k * m->mss),
		 last = w->residue >= e ? w->residue - e : w->residue + m->mss - e;
	double weight =
	    w->scale * m->server->header.mode[mode].weight * popularity(w, file),
	       doubt;

	if (w->request_any > 0)
		weight *= weigh_request(w, file, k, &parts, &own);
	else
		weight *= wire_losses_p(w->losses, k);
	weight *= wire_parts_p(parts, m->mss, k, e, last);
	if (w->popular != NULL && (doubt = popular_doubted(w->popular, file, left)) > 0)
		weight = fmin(weight, w->unknown * exp(-doubt));
	*out = weight;
	keep(w, (struct pick){weight, k, file, e, mode});
}

/* A file for which somewhat more than T would be sent by a known header: it may have come
 * with a shorter one. */
static void
weigh_above(struct weighing *w, uint32_t mode, uint32_t file)
{
	const struct wire_model *m = w->m;
	const struct wire_parts *parts = &w->parts;
	struct wire_parts own;
	double weight =
	    w->scale * m->server->header.mode[mode].weight * popularity(w, file);

	if (m->files->file[file].size + HEADER_LEAST > w->sight.payload)
		return;
	if (w->request_any > 0)
		weight *= weigh_request(w, file, 0, &parts, &own);
	else
		weight *= wire_losses_p(w->losses, 0);
	keep(w, (struct pick){weight * parts->other, 0, file, 0, mode});
}

static void
weigh_those_above(struct weighing *w, uint32_t mode, size_t first)
{
	const uint64_t *sent = sents_of(w->m->sents[mode]);
	size_t end = w->m->files->count, i;

	end = end - first > WIRE_NEAR_MAX ? first + WIRE_NEAR_MAX : end;
	for (i = first; i < end && sent[i] < w->sight.payload + w->m->mss; i++)
		weigh_above(w, mode, (uint32_t)i);
}

static inline bool
is_before(const void *table, size_t i, uint64_t file)
{
	const uint32_t *all = table;

	return all[i] < file;
}

/*
 * Those of files low..all-1 that are downloaded again and again, but for first..end-1,
 * which were weighed: they matter with any remainder. The first one weighed so; all where
 * none was.
 */
static size_t
weigh_popular(struct weighing *w, uint32_t mode, size_t low, size_t all, size_t first,
	      size_t end)
{
	const uint64_t *sent = sents_of(w->m->sents[mode]);
	const uint32_t *file;
	size_t count, from, to, i;
	double ignored;

	if (w->popular == NULL)
		return all;
	file = popular_files(w->popular, &count);
	from = search_first(file, 0, count, low, is_before);
	to = search_first(file, from, count, all, is_before);
	if (to - from > POPULAR_MAX) {
		from = to - POPULAR_MAX;
		low = file[from];
	}
	for (i = from; i < to; i++)
		if (file[i] < first || file[i] >= end)
			weigh(w, mode, file[i], sent[file[i]], &ignored);
	return low;
}

/* Files near T: the range first..end-1 is weighed one by one, the other near ones
 * together. */
static void
weigh_near(struct weighing *w, uint32_t mode, size_t *first, size_t *end, size_t *popular)
{
	const struct wire_model *m = w->m;
	const struct sents *sents = m->sents[mode];
	const uint64_t *sent = sents_of(sents);
	uint64_t t = w->sight.payload, reach, peak = w->losses->peak;
	size_t count = w->losses->count, low, all, mid, i;
	double ignored;

	reach = (uint64_t)(count + 1) * m->mss;
	all = sents_lower(sents, t + 1);
	low = sents_lower(sents, t > reach ? t - reach : 0);
	*first = low;
	*end = all;
	if (all - low <= WIRE_NEAR_MAX) {
		/* Fewer than can be weighed: those further below as well. */
		low = all > WIRE_NEAR_MAX ? all - WIRE_NEAR_MAX : 0;
		while (low < *first && sent[low] < t / DEPTH)
			low++;
		*first = low;
	} else {
		mid = sents_lower(sents, t > peak * m->mss ? t - peak * m->mss : 0);
		*end = mid + WIRE_NEAR_MAX / 2 < all ? mid + WIRE_NEAR_MAX / 2 : all;
		*first = *end - low > WIRE_NEAR_MAX ? *end - WIRE_NEAR_MAX : low;
		w->sum += w->scale * m->server->header.mode[mode].weight *
			  m->path->q[wire_x_class(w->sight.x)] / m->mss *
			  (double)(all - low - (*end - *first)) / (double)(count + 1);
	}
	for (i = *first; i < *end; i++)
		weigh(w, mode, (uint32_t)i, sent[i], &ignored);
	*popular = weigh_popular(w, mode, low, all, *first, *end);
	weigh_those_above(w, mode, all);
}

static inline bool
is_within(const void *table, size_t i, uint64_t payload)
{
	const struct residue *at = table;

	return at[i].sent <= payload;
}

/* Files whose remainder is e, outside of first..end-1, from T down. */
static void
weigh_residue(struct weighing *w, uint32_t mode, uint32_t residue, size_t first,
    size_t end, size_t popular)
{
	const struct wire_model *m = w->m;
	uint64_t t = w->sight.payload;
	size_t count, low;
	const struct residue *at = residues_at(m->residues[mode], residue, &count);
	double weight;

	low = search_first(at, 0, count, t, is_within);
	while (low-- > 0) {
		/* More than twice everything sent again: no. */
		if (at[low].sent < t / DEPTH)
			break;
		if ((at[low].file >= first && at[low].file < end) ||
		    (at[low].file >= popular &&
		     popular_count(w->popular, at[low].file) > 0))
			continue;
		weigh(w, mode, at[low].file, at[low].sent, &weight);
		/* All further ones together would not matter: they have the same e, and
		 * p(k) falls from here on. */
		if (at[low].file < first && weight * (double)low < SURE_ENOUGH * w->sum)
			break;
	}
}

static void
weigh_far(struct weighing *w, uint32_t mode, size_t first, size_t end, size_t popular)
{
	uint32_t mss = w->m->mss, residues[USUAL_MAX + 2], n = 0, i, k;
	uint64_t t = w->sight.payload;

	for (i = 0; i < USUAL_MAX; i++)
		if (t >= usual_remainders[i])
			residues[n++] = (uint32_t)((t - usual_remainders[i]) % mss);
	/* e = (S+H) mod MSS: twice that remainder is T's. */
	if (t % mss % 2 == 0)
		residues[n++] = (uint32_t)(t % mss / 2);
	if ((t % mss + mss) % 2 == 0)
		residues[n++] = (uint32_t)((t % mss + mss) / 2) % mss;
	for (i = 0; i < n; i++) {
		for (k = 0; k < i && residues[k] != residues[i]; k++)
			;
		if (k == i)
			weigh_residue(w, mode, residues[i], first, end, popular);
	}
}

/* Picks as a heap, the heaviest first: few of them are looked at. */
static void
sink(struct pick *pick, size_t at, size_t n)
{
	struct pick one = pick[at];
	size_t below;

	for (; (below = 2 * at + 1) < n; at = below) {
		if (below + 1 < n && heavier(&pick[below + 1], &pick[below]) < 0)
			below++;
		if (heavier(&one, &pick[below]) <= 0)
			break;
		pick[at] = pick[below];
	}
	pick[at] = one;
}

static double
most_weight(const struct weighing *w)
{
	double most = 0;
	size_t i;

	for (i = 0; i < w->count; i++)
		most = w->pick[i].weight > most ? w->pick[i].weight : most;
	return most;
}

static void
tell(const struct weighing *w, const struct pick *pick, struct candidate *out)
{
	*out = (struct candidate){
	    .file = pick->file,
	    .header = (uint32_t)(w->sight.payload - w->m->files->size[pick->file] -
				 pick->k * w->m->mss - pick->e),
	    .k = (uint32_t)pick->k,
	    .e = pick->e};
}

/* The heaviest picks of one header constant, each of another file. */
static void
choose_alone(struct weighing *w, double least, double scale, struct verdict *out)
{
	const struct pick *best[CANDIDATES_MAX], *one;
	uint32_t n = 0, k;
	size_t i;

	for (i = 0; i < w->count; i++) {
		one = &w->pick[i];
		if (!(one->weight > least) ||
		    (n == CANDIDATES_MAX && heavier(one, best[n - 1]) > 0))
			continue;
		n += n < CANDIDATES_MAX;
		for (k = n - 1; k > 0 && heavier(one, best[k - 1]) < 0; k--)
			best[k] = best[k - 1];
		best[k] = one;
	}
	for (k = 0; k < n; k++) {
		tell(w, best[k], &out->candidate[k]);
		out->candidate[k].probability = best[k]->weight * scale;
	}
	out->count = n;
}

/* The same where a file may come by several: its weights add. */
static void
choose(struct weighing *w, double least, double scale, struct verdict *out)
{
	struct pick one;
	size_t i, kept = 0;
	uint32_t k;

	for (i = 0; i < w->count; i++)
		if (w->pick[i].weight > least)
			w->pick[kept++] = w->pick[i];
	for (i = kept / 2; i-- > 0;)
		sink(w->pick, i, kept);
	while (kept > 0) {
		one = w->pick[0];
		w->pick[0] = w->pick[--kept];
		if (kept > 1)
			sink(w->pick, 0, kept);
		for (k = 0; k < out->count && out->candidate[k].file != one.file; k++)
			;
		if (k == CANDIDATES_MAX)
			break;
		if (k == out->count)
			tell(w, &one, &out->candidate[out->count++]);
		out->candidate[k].probability += one.weight * scale;
	}
}

/* The best picks become candidates. */
static void
end_weighing(struct weighing *w, struct verdict *out)
{
	double least = 1e-6 * most_weight(w), scale = w->sum > 0 ? 1 / w->sum : 0;
	uint32_t i;

	out->count = out->fits = 0;
	if (w->m->server->header.count == 1)
		choose_alone(w, least, scale, out);
	else
		choose(w, least, scale, out);
	for (i = 0; i < out->count; i++)
		out->fits += out->candidate[i].probability >=
			     0.01 * out->candidate[0].probability;
	out->unknown = w->sum > 0 ? w->unknown / w->sum : 1;
	out->whole = 1 - out->unknown;
	out->partial = 0;
	out->evidence = w->sum;
	out->mss = w->m->mss;
	out->payload = w->sight.payload;
	out->x = w->sight.x;
	out->overhead = w->m->overhead;
}

double
wire_p_of_beside(const struct wire_model *m, const struct record *r, uint64_t beside)
{
	const struct wire_losses *losses;
	struct wire_parts parts;
	struct wire_sight sight;
	uint64_t k = beside / m->mss;
	uint32_t tail;

	wire_look(m, r, &sight);
	losses = wire_table(m->tables, sight.n_class, sight.segments);
	wire_parts_of_e(m->path, m->mss, &sight, &parts);
	tail = (uint32_t)((sight.payload - beside) % m->mss);
	return wire_losses_p(losses, k) *
	       wire_parts_p(&parts, m->mss, k, (uint32_t)(beside % m->mss), tail);
}

void
wire_name(const struct wire_model *m, const struct record *r, struct verdict *out)
{
	struct weighing w;
	size_t first, end, popular;
	uint32_t i;

	begin(&w, m, r);
	for (i = 0; w.sight.payload > 0 && i < m->server->header.count; i++) {
		weigh_near(&w, i, &first, &end, &popular);
		weigh_far(&w, i, first, end, popular);
	}
	end_weighing(&w, out);
}

void
wire_name_slowly(const struct wire_model *m, const struct record *r, struct verdict *out)
{
	struct weighing w;
	double ignored;
	uint32_t mode;
	size_t i;

	begin(&w, m, r);
	for (mode = 0; mode < m->server->header.count; mode++) {
		const uint64_t *sent = sents_of(m->sents[mode]);

		for (i = 0; i < m->files->count; i++)
			if (sent[i] <= w.sight.payload &&
			    sent[i] >= w.sight.payload / DEPTH)
				weigh(&w, mode, (uint32_t)i, sent[i], &ignored);
		weigh_those_above(&w, mode, sents_lower(m->sents[mode],
		    w.sight.payload + 1));
	}
	end_weighing(&w, out);
}
