/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What several responses are together: the law's octets of each, less the records that
 * they are short of, and rests (span_slack.c). Rests add up modulo a record's cost; of
 * records that are short, all but those of the largest response are taken at the middle
 * of their share.
 */
#include "identify/span_together.h"

#include "base/memory.h"
#include "identify/span_weigh.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	FILL_PARTS = SLACK_FILLS - 2,
	MORE_MAX = 2 * TLS_CUT_FRAMES,
	TICKETS_MAX = 1500,
	UPDATE_OCTETS = 13, /* RFC 9113, 6.9: of a WINDOW_UPDATE with its header */
	CODED = 2,          /* octets by which coded digits are off */
};

/* What hidden requests are taken for, before any is seen and as if so many were: two
 * updates in one record, updates in a record each, or anything too short; or the request
 * came before the answer had ended. */
static const double REST_TWO = 0.6, REST_EACH = 0.1, REST_SHORT = 0.25, REST_ANY = 0.05;
static const double REST_WEIGHT = 4;

/* Of header constants, those that are too few to be tried. */
static const double MODE_LEAST = 0.02, FILL_LEAST = 0.01,
		    ITEM_LEAST = 1e-3;
/* A file completes a record where its request and the rest that it leaves are so many
 * times likelier than any. */
static const double COMPLETES = 4, HIDDEN_LEAST = 0.1;
/* Of first downloads, those with tickets. */
static const double TICKETS_SHARE = 0.5;
static const double AGAIN = 0.05;

/* Of responses that keep a law those whose coded digits are so many octets off. */
static const double coded_share[2 * CODED + 1] = {0.005, 0.02, 0.95, 0.02, 0.005};

/* The header constants, of those whose law has such records. */
static void
take_modes(struct together *t)
{
	const struct modes *header = &t->c->header;
	double known = 0, share;
	uint32_t i, k;

	for (i = 0; i < header->count; i++)
		if (tls_law_rows[header->mode[i].law].record_cost == t->step)
			known += header->mode[i].weight;
	for (i = 0; i < header->count; i++) {
		share = header->mode[i].weight / known;
		if (tls_law_rows[header->mode[i].law].record_cost != t->step ||
		    share < MODE_LEAST)
			continue;
		k = t->modes < TOGETHER_MODES ? t->modes++ : TOGETHER_MODES;
		for (; k > 0 && share > t->mode_share[k - 1]; k--) {
			if (k == TOGETHER_MODES)
				continue;
			t->mode_share[k] = t->mode_share[k - 1];
			t->mode[k] = t->mode[k - 1];
		}
		if (k == TOGETHER_MODES)
			continue;
		t->mode_share[k] = share;
		t->mode[k] = header->mode[i];
	}
	for (share = 0, i = 0; i < t->modes; i++)
		share += t->mode_share[i];
	for (i = 0; i < t->modes; i++)
		t->mode_share[i] /= share;
	t->exact = known / (known + t->c->loose * header->other);
}

/* Octets of a file's path; 0: not known. */
static uint32_t
path_of(const struct together *t, uint32_t file)
{
	return t->c->comb.step == 0
		   ? 0
		   : files_path_octets(t->all, file, t->c->comb.phase);
}

/* What is sent for a size by a constant and its law, and how many records that can be
 * short of it. */
static uint64_t
sent_of(const struct together *t, uint32_t m, uint64_t size, uint32_t *most)
{
	const struct mode *mode = &t->mode[m];
	uint32_t digits = size_digits(size, mode->digits);
	uint64_t law = tls_cost(mode->law, size, mode->inner + digits), low, high;

	tls_cost_loose(mode->law, size, mode->inner + digits, &low, &high);
	*most = (uint32_t)((law - low) / t->step) + 1;
	return size + mode->bytes + digits + law;
}

static void
take_files(struct together *t, const struct popular *popular)
{
	uint32_t m;
	size_t i, at;

	for (i = 0; i < t->files; i++) {
		t->share[i] = t->alone[i] = popular_share(popular, t->pool[i]);
		t->path[i] = path_of(t, t->pool[i]);
		for (m = 0; m < t->modes; m++) {
			at = m * t->files + i;
			t->sent[at] = sent_of(t, m, t->all->size[t->pool[i]],
					      &t->most[at]);
		}
	}
	t->other = t->files < t->all->count ? popular_other(popular) : 0;
}

/* The likelihood of a file's request as one that leaves so much, against any. */
static double
hidden_factor(const struct together *t, uint32_t path, uint32_t rest)
{
	uint32_t step = t->c->comb.step;

	if (rest == TOGETHER_ANY || path == 0)
		return 1;
	return step * t->c->comb.share[(rest + step - path % step) % step];
}

static int
likelier(const void *pa, const void *pb)
{
	const struct together_item *a = pa, *b = pb;

	if (a->share != b->share)
		return a->share > b->share ? -1 : 1;
	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	return a->mode != b->mode ? a->mode - b->mode : a->rest - b->rest;
}

static void
take_items(struct together *t)
{
	struct together_item *item;
	double share;
	uint32_t mode, rest;
	size_t i;

	for (i = 0; i < t->c->comb.step; i++)
		for (rest = 0, t->of_path[i] = 0; rest < TOGETHER_ANY; rest++)
			t->of_path[i] += t->hidden_rest[rest] *
					 hidden_factor(t, (uint32_t)i + t->c->comb.step,
						       rest);
	t->hidden = t->other * (double)(t->all->count - t->files);
	t->items = 0;
	for (i = 0; i < t->files; i++) {
		t->later[i] = 0;
		for (rest = 0; rest <= TOGETHER_ANY; rest++) {
			if (!(t->hidden_rest[rest] > 0))
				continue;
			share = t->share[i] * t->hidden_rest[rest] *
				hidden_factor(t, t->path[i], rest);
			t->hidden += share;
			t->later[i] += share;
			if (share < ITEM_LEAST * t->share[i])
				continue;
			for (mode = 0; mode < t->modes; mode++) {
				item = &t->item[t->items++];
				*item = (struct together_item){
				    share * t->mode_share[mode], (uint32_t)i,
				    (uint8_t)mode, (uint8_t)rest};
			}
		}
	}
	for (i = 0; i < t->items; i++)
		t->item[i].share /= t->hidden;
	for (i = 0; i < t->files; i++)
		t->later[i] /= t->hidden;
	qsort(t->item, t->items, sizeof *t->item, likelier);
}

static void
set_rests(struct together *t, const double seen[COMB_MAX + 1])
{
	uint32_t step = t->c->comb.step, i;
	double sum = REST_WEIGHT, prior;

	for (i = 0; i <= COMB_MAX; i++)
		sum += seen[i];
	for (i = 0; i <= COMB_MAX; i++) {
		prior = i == TOGETHER_ANY ? (step > 0 ? REST_ANY : 1)
			: i >= step	  ? 0
					  : REST_SHORT / step;
		if (step > 0)
			prior += i == UPDATE_OCTETS ? REST_TWO : i == 0 ? REST_EACH : 0;
		t->hidden_rest[i] = (seen[i] + REST_WEIGHT * prior) / sum;
	}
}

/* Files whose requests are short are hardly ever alone. */
static void
set_shares(struct together *t, double alone, const double *seen)
{
	double all = alone + 1, share = t->other * (double)(t->all->count - t->files);
	size_t i;

	for (i = 0; i < t->files; i++) {
		all += seen[i];
		share += t->alone[i];
	}
	for (i = 0; i < t->files; i++)
		t->share[i] = (t->alone[i] / share * (alone + 1) + seen[i]) / all;
}

void
together_learn(struct together *t, const double rests[COMB_MAX + 1], double alone,
	       const double *seen)
{
	set_rests(t, rests);
	set_shares(t, alone, seen);
	take_items(t);
}

/* Rests of one response, then of each number more. */
static void
add_rests(struct together *t)
{
	const struct slack *slack = &t->c->slack;
	double one[SLACK_STEP_MAX], exact;
	uint32_t i, k, n;

	for (i = 0; i < t->step; i++)
		one[i] = (1 - t->exact) * slack->rest[i];
	for (i = 0; i <= 2 * CODED; i++)
		one[(i + t->step - CODED) % t->step] += t->exact * coded_share[i];
	t->exact *= coded_share[CODED];
	memcpy(t->rest[1], one, sizeof one);
	for (n = 2; n <= TOGETHER_MAX; n++)
		for (i = 0; i < t->step; i++)
			for (k = 0; k < t->step; k++)
				t->rest[n][(i + k) % t->step] += t->rest[n - 1][i] *
								 one[k];
	for (n = 1, exact = t->exact; n <= TOGETHER_MAX; n++, exact *= t->exact)
		t->rest[n][0] = fmax(0, t->rest[n][0] - exact);
}

struct together *
together_new(const struct files *files, const struct constants *c, const uint32_t *pool,
	     size_t count, const struct popular *popular)
{
	static const double none[COMB_MAX + 1];
	struct together *t = must(calloc(1, sizeof *t));

	t->c = c;
	t->files = count;
	t->step = c->slack.step;
	t->again = AGAIN + c->unknown / 4;
	t->unknown = c->unknown / 2;
	t->all = files;
	t->pool = must(calloc(count + 1, sizeof *t->pool));
	memcpy(t->pool, pool, count * sizeof *pool);
	take_modes(t);
	t->alone = must(calloc(count + 1, sizeof *t->alone));
	t->share = must(calloc(count + 1, sizeof *t->share));
	t->later = must(calloc(count + 1, sizeof *t->later));
	t->path = must(calloc(count + 1, sizeof *t->path));
	t->sent = must(calloc(count * TOGETHER_MODES + 1, sizeof *t->sent));
	t->most = must(calloc(count * TOGETHER_MODES + 1, sizeof *t->most));
	t->item = must(calloc(count * t->modes * (COMB_MAX + 1) + 1, sizeof *t->item));
	take_files(t, popular);
	set_rests(t, none);
	take_items(t);
	add_rests(t);
	return t;
}

void
together_free(struct together *t)
{
	if (t == NULL)
		return;
	free(t->pool);
	free(t->alone);
	free(t->share);
	free(t->later);
	free(t->path);
	free(t->sent);
	free(t->most);
	free(t->item);
	free(t);
}

/* The share of m records that are short in all, of responses 0..n-1, the first of which
 * is continuous; width: how far m is known only. */
static double
short_share(const struct together *t, const uint32_t *most, uint32_t n, int64_t m,
	    double width)
{
	const struct slack *slack = &t->c->slack;
	double sum, share, part;
	uint32_t i;

	if (n == 1) {
		sum = (1 - t->exact) * span_slack_fill(slack, m, most[0]);
		if (width <= 1)
			return sum + (m == 0 ? t->exact : 0);
		return sum + (2 * fabs((double)m) <= width ? t->exact / width : 0);
	}
	share = t->exact + (1 - t->exact) * (slack->fill[0] + slack->fill[1]);
	sum = share * short_share(t, most, n - 1, m, width);
	part = (double)most[n - 1] / FILL_PARTS;
	for (i = 0; i < FILL_PARTS; i++) {
		share = (1 - t->exact) * slack->fill[2 + i];
		if (share > FILL_LEAST)
			sum += share * short_share(t, most, n - 1,
						   m - (int64_t)((i + 0.5) * part),
						   width + part);
	}
	return sum;
}

/* No share of m records in all is larger: at least one response is short by any number of
 * those that it can be. */
static double
most_share(const struct together *t, const uint32_t *most, uint32_t n, int64_t m)
{
	double most_fill = 0, share;
	uint32_t i, least = most[0];

	if (m <= 0 && m >= -(int64_t)n)
		return 1;
	for (i = 0; i < SLACK_FILLS; i++)
		most_fill = fmax(most_fill, t->c->slack.fill[i]);
	for (i = 1; i < n; i++)
		least = most[i] < least ? most[i] : least;
	share = most_fill * FILL_PARTS / least;
	return share < 1 ? share : 1;
}

uint64_t
together_more(const struct together *t, uint32_t n, const struct record *r)
{
	return (uint64_t)t->step * MORE_MAX * n +
	       (r->exchange <= SPAN_FIRST_LAST ? TICKETS_MAX : 0);
}

double
together_density(const struct together *t, const struct together_set *set,
		 const struct record *r, double least)
{
	uint32_t most[TOGETHER_MAX], i, large = 0, rest;
	int64_t beside = (int64_t)r->span, m, all = 0, step = t->step;
	double sum = 0, width;

	for (i = 0; i < set->n; i++) {
		beside -= (int64_t)set->sent[i];
		all += most[i] = set->most[i];
		large = most[i] > most[large] ? i : large;
	}
	most[large] = most[0];
	most[0] = set->most[large];
	rest = (uint32_t)((beside % step + step) % step);
	m = ((int64_t)rest - beside) / step;
	if (m >= -(int64_t)set->n * MORE_MAX && m <= all + set->n &&
	    t->rest[set->n][rest] * most_share(t, most, set->n, m) > least)
		sum = t->rest[set->n][rest] * short_share(t, most, set->n, m, 0);
	if (beside == 0)
		sum += pow(t->exact, set->n);
	if (r->exchange > SPAN_FIRST_LAST)
		return sum;
	width = (double)((all + (int64_t)set->n * MORE_MAX) * step + TICKETS_MAX);
	return (1 - TICKETS_SHARE) * sum + TICKETS_SHARE / width;
}

double
together_request(const struct together *t, const struct together_set *set,
		 uint64_t request)
{
	const struct comb *comb = &t->c->comb;
	uint64_t hidden = t->path[set->file[0]];
	uint32_t i;

	if (comb->step == 0 || hidden == 0 || hidden >= request)
		return REQUEST_FLAT;
	for (i = 1; i < set->n; i++) {
		if (set->rest[i] == TOGETHER_ANY)
			return REQUEST_FLAT;
		hidden += set->rest[i];
	}
	if (hidden >= request)
		return REQUEST_FLAT;
	return REQUEST_FLAT * comb->step * comb->share[(request - hidden) % comb->step];
}

void
together_window(const struct together *t, uint32_t first, uint64_t span, size_t *from,
		size_t *to)
{
	uint64_t left = span > t->sent[first] ? span - t->sent[first] : 0, sent;
	uint64_t more = (uint64_t)2 * MORE_MAX * t->step, less;
	uint32_t most;

	/* What is beside a file grows with it. */
	sent = sent_of(t, 0, left, &most);
	less = sent - left + more;
	*from = files_lower(t->all, left > less ? left - less : 0);
	less = (uint64_t)(most + t->most[first]) * t->step;
	*to = files_lower(t->all, left + less + 1);
	*to = *to < *from ? *from : *to;
}

bool
together_completes(const struct together *t, uint32_t first, uint32_t file,
		   const struct record *r)
{
	uint32_t most, path = path_of(t, file), rest;
	uint64_t sent;
	int64_t beside, m, step = t->step;

	if (path == 0 || t->of_path[path % t->c->comb.step] < HIDDEN_LEAST)
		return false;
	sent = sent_of(t, 0, t->all->size[file], &most) + t->sent[first];
	beside = (int64_t)(r->span - sent);
	rest = (uint32_t)((beside % step + step) % step);
	m = ((int64_t)rest - beside) / step;
	if (m < -2 * MORE_MAX || m > (int64_t)most + t->most[first] + 2)
		return false;
	return t->of_path[path % t->c->comb.step] * t->rest[2][rest] * t->step >=
	       COMPLETES;
}
