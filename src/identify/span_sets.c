/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The search for sets: of the later downloads all multisets are tried, as many as there
 * is room for, likeliest first; the first file follows from the span that they leave.
 */
#include "identify/span_sets.h"

#include "base/search.h"
#include "identify/span_weigh.h"

#include <string.h>

enum {
	WAYS_MAX = 4000, /* of later downloads, for each number of them */
	OTHERS_SEEN = 64, /* files that stand for all that are not tried */
};

/* Of the heaviest set's weight, what others are not worked out for if even the likeliest
 * shortage would leave them less. */
static const double SLIGHT = 2e-3;

/* Sets of the same files add up. */
static void
keep(struct several *out, const struct several_set *set)
{
	uint32_t i, k;

	for (i = 0; i < out->count; i++)
		if (out->set[i].files == set->files &&
		    memcmp(out->set[i].file, set->file, sizeof set->file) == 0)
			break;
	if (i == out->count) {
		several_keep(out, set);
		return;
	}
	out->set[i].probability += set->probability;
	for (k = 0; i == out->least && k < out->count; k++)
		if (out->set[k].probability < out->set[out->least].probability)
			out->least = k;
}

/* The first file is chosen as well. */
static void
weigh(struct span_sets *s, double share)
{
	const struct together *t = s->t;
	struct several_set set = {.files = s->n};
	double weight, bound = share;
	uint32_t i, k, file;

	if (s->with_request)
		bound *= together_request(t, &s->set, s->r->request_span);
	weight = bound * together_density(t, &s->set, s->r,
					  SLIGHT * s->most[s->n] / bound);
	if (!(weight > 0))
		return;
	if (weight > s->most[s->n]) {
		s->most[s->n] = weight;
		s->best[s->n] = s->set;
	}
	s->sum[s->n] += weight;
	for (i = 1; i < s->n; i++)
		s->rest[s->n][s->set.rest[i]] += weight;
	for (i = 0; i < s->n && s->files != NULL; i++)
		s->files[s->n * t->files + s->set.file[i]] += weight;
	if (s->out == NULL)
		return;
	set.probability = weight * s->scale[s->n];
	set.file[0] = t->pool[s->set.file[0]];
	for (i = 1; i < s->n; i++) {
		file = t->pool[s->set.file[i]];
		for (k = i; k > 1 && set.file[k - 1] > file; k--)
			set.file[k] = set.file[k - 1];
		set.file[k] = file;
	}
	keep(s->out, &set);
}

struct want {
	const uint64_t *sent;
	uint64_t least;
};

static bool
is_less(const void *arg, size_t i, const void *key)
{
	const struct want *want = key;

	return want->sent[i] < want->least;
}

/* All files that the first one may be. */
static void
choose_first(struct span_sets *s, double share)
{
	const struct together *t = s->t;
	uint64_t sum = 0, more = together_more(t, s->n, s->r), most = 0, left;
	struct want want;
	uint32_t i, mode;
	size_t at;

	for (i = 1; i < s->n; i++) {
		sum += s->set.sent[i];
		most += s->set.most[i];
	}
	if (s->r->span <= sum)
		return;
	left = s->r->span - sum;
	for (mode = 0; mode < t->modes; mode++) {
		const uint64_t *sent = t->sent + mode * t->files;

		want = (struct want){sent, left > more ? left - more : 0};
		at = search_lower(sent, 0, t->files, &want, is_less);
		for (; at < t->files; at++) {
			s->work++;
			s->set.file[0] = (uint32_t)at;
			s->set.sent[0] = sent[at];
			s->set.most[0] = t->most[mode * t->files + at];
			if (sent[at] > left &&
			    (sent[at] - left) / t->step > s->set.most[0] + most + s->n)
				break;
			weigh(s, share * t->share[at] * t->mode_share[mode]);
		}
	}
}

/* Later downloads number `chosen` and on, none before the item `from`. */
static void
choose(struct span_sets *s, uint32_t chosen, size_t from, double share)
{
	const struct together_item *item;
	uint32_t run, i;
	size_t at;

	if (chosen == s->n || chosen >= TOGETHER_MAX) {
		choose_first(s, share);
		return;
	}
	for (at = from; at < s->items; at++) {
		item = &s->t->item[at];
		s->item[chosen] = (uint32_t)at;
		s->set.file[chosen] = item->file;
		s->set.rest[chosen] = item->rest;
		s->set.sent[chosen] = s->t->sent[item->mode * s->t->files + item->file];
		s->set.most[chosen] = s->t->most[item->mode * s->t->files + item->file];
		/* The orders in which they can have come. */
		for (run = 1, i = chosen; i > 1 && s->item[i - 1] == at; i--)
			run++;
		choose(s, chosen + 1, at, share * item->share * chosen / run);
	}
}

/* How many items can be tried for so many later downloads. */
static size_t
items_tried(const struct together *t, uint32_t later)
{
	size_t n;
	double ways = 0;
	uint32_t i;

	for (n = 0; n < t->items; n++) {
		for (i = 1, ways = 1; i <= later; i++)
			ways *= ((double)n + i) / i;
		if (ways > WAYS_MAX)
			break;
	}
	return n;
}

/* What files that are not tried would add, as one of two downloads or as both: by how
 * many there are of such a size. */
static double
weigh_others(const struct span_sets *s)
{
	const struct files *files = s->t->all;
	const struct together *t = s->t;
	double sum = 0, both = 0, other = t->other;
	uint64_t span = s->r->span;
	size_t n = files->count < OTHERS_SEEN ? files->count : OTHERS_SEEN, i, at;

	if (!(other > 0))
		return 0;
	for (i = 0; i < t->files; i++)
		if (t->sent[i] < span)
			sum += (t->share[i] / t->hidden + t->later[i]) *
			       files_density(files, span - t->sent[i]);
	for (i = 0; i < n; i++) {
		at = i * files->count / n;
		if (files->size[at] < span)
			both += files_density(files, span - files->size[at]);
	}
	sum += other * both * (double)files->count / (double)n / t->hidden;
	return other * sum * (s->with_request ? REQUEST_FLAT : 1);
}

void
span_sets_find(struct span_sets *s, struct span_weights *out)
{
	uint32_t n;

	for (n = 2; n <= TOGETHER_MAX; n++) {
		s->n = s->set.n = n;
		s->items = items_tried(s->t, n - 1);
		choose(s, 1, 0, 1);
		out->by_files[n] = s->sum[n];
	}
	out->by_files[2] += weigh_others(s);
}
