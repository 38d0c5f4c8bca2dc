/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ways to fill a stretch from both ends, where few files come in the order of the index:
 * no way is left out then, though no border shows. All ways to fill the first responses
 * are kept, by the offset they come to. Of the last ones each way back from the
 * stretch's end is tried, and meets those of the first that come to where it begins:
 * nine of fifty files are 886 million sets, but 150 thousand sets of four meet 1.2
 * million of five.
 *
 * What meets within a window of some octets, but not to the octet, tells how many ways
 * chance would give. Header constants that are rare are taken to be those of all
 * responses or of none.
 */
#include "identify/sequence_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	RESPONSES_MIN = 3,
	OFFERS_MAX = 2000,     /* files that a response may be */
	FRONT_MAX = 2500000,   /* ways kept of the first responses */
	WORK_MAX = 12000000,   /* steps tried, both ways, with one set of headers */
	MEETINGS_MAX = 200000, /* ways weighed */
	WINDOW_BITS = 8, /* of octets, where ways that miss by SHIFT or so are counted */
	WINDOW = 1 << WINDOW_BITS,
	NOBODY = UINT32_MAX,
};

/* Share of headers or requests with a constant: usual; too rare to be tried. */
static const double USUAL_MODE = 0.1, RAREST_MODE = 0.005;

/* A file that a response may be. */
struct offer {
	uint32_t item, order, request;
	uint8_t rest;
	double weight;
};

/* A way to fill the first responses, by its last one. */
struct half {
	uint64_t at; /* where it ends */
	uint32_t parent, next;
	uint16_t offer, used; /* octets used of the group's requests */
	uint8_t header;
};

struct halves {
	struct table *t;
	uint32_t n, front; /* responses, and those of the first part */
	struct offer *offer[WAYS_SLOTS]; /* in the order of the index */
	uint32_t offers[WAYS_SLOTS];
	struct half *half;
	uint32_t level[WAYS_SLOTS + 1]; /* first half of each number of responses */
	uint32_t halves, cap;
	uint32_t *bucket, mask;
	bool has_mode[SEQUENCE_MODES];
	double mode_weight[SEQUENCE_MODES];
	double scale; /* of the set of headers at hand */
	uint64_t work, meetings;
	/* the response at hand and those after it */
	uint64_t from[WAYS_SLOTS], to[WAYS_SLOTS];
	uint16_t taken[WAYS_SLOTS];
	uint8_t header[WAYS_SLOTS];
	/* by response and offer, of ways that come out */
	struct way_fit *fit[WAYS_SLOTS];
	double found, flat, chance;
};

static int
compare_offer(const void *pa, const void *pb)
{
	const struct offer *a = pa, *b = pb;

	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	return (a->rest > b->rest) - (a->rest < b->rest);
}

/* What each response may be; false if that is too much, or out of memory. */
static bool
collect(struct halves *h)
{
	struct table *t = h->t;
	const struct sequence_modes *modes = &t->stretch->run->modes;
	uint32_t q;
	size_t i;

	for (q = 0; q < h->n; q++) {
		struct offer *offer;

		candidate_collect(t, q);
		if (t->candidates > OFFERS_MAX * (size_t)SEQUENCE_MODES)
			return false;
		offer = calloc(t->candidates + 1, sizeof *offer);
		h->offer[q] = offer;
		h->fit[q] = calloc(t->candidates + 1, sizeof *h->fit[q]);
		if (offer == NULL || h->fit[q] == NULL)
			return false;
		for (i = 0; i < t->candidates; i++) {
			const struct candidate *c = &t->candidate[i];
			const struct sequence_item *item = &t->config->items[c->item];

			if (t->stretch->slot[q].request == 0 &&
			    modes->request[c->rest].weight < USUAL_MODE)
				continue;
			offer[h->offers[q]++] = (struct offer){
			    .item = c->item,
			    .order = item->order,
			    .request = item->path_bytes + modes->request[c->rest].bytes,
			    .rest = (uint8_t)c->rest,
			    .weight = c->weight};
		}
		if (h->offers[q] > OFFERS_MAX)
			return false;
		qsort(offer, h->offers[q], sizeof *offer, compare_offer);
	}
	return true;
}

static uint64_t
span_of(const struct halves *h, const struct offer *offer, uint32_t m)
{
	const struct sequence_mode *mode = &h->t->stretch->run->modes.header[m];
	uint64_t size = h->t->config->items[offer->item].size;

	return size + mode->bytes + size_digits(size, mode->is_hex);
}

/* The first offer behind a place in the index. */
static uint32_t
offer_after(const struct halves *h, uint32_t q, uint32_t order)
{
	uint32_t low = 0, high = h->offers[q], mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (h->offer[q][mid].order <= order)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Whether requests are a part of a group of which only the sum is known, and of the same
 * one as those before. */
static bool
is_shared(const struct halves *h, uint32_t q)
{
	return h->t->stretch->slot[q].request == 0 && h->t->stretch->slot[q].left > 0;
}

static bool
is_shared_on(const struct halves *h, uint32_t q)
{
	return q > 0 && is_shared(h, q - 1) && h->t->stretch->slot[q - 1].left > 1;
}

static bool
add_half(struct halves *h, struct half half)
{
	struct half *grown;

	if (h->halves == h->cap) {
		h->cap *= 2;
		if ((grown = realloc(h->half, h->cap * sizeof *grown)) == NULL)
			return false;
		h->half = grown;
	}
	h->half[h->halves++] = half;
	return h->halves <= FRONT_MAX;
}

/* All that may follow a half as response q; false if that is too much. */
static bool
follow(struct halves *h, uint32_t q, uint32_t parent)
{
	const struct slot *slot = &h->t->stretch->slot[q];
	const struct half from = h->half[parent];
	uint32_t order = q > 0 ? h->offer[q - 1][from.offer].order : 0, i, m, used;

	for (i = offer_after(h, q, order); i < h->offers[q]; i++) {
		const struct offer *offer = &h->offer[q][i];
		const struct candidate c = {.item = offer->item, .rest = offer->rest};

		h->work++;
		used = from.used;
		if (!candidate_request(h->t, slot, &c, &used))
			continue;
		for (m = 0; m < h->t->stretch->run->modes.headers; m++) {
			uint64_t at = from.at + span_of(h, offer, m);

			if (!h->has_mode[m] || at < slot->low || at > slot->high)
				continue;
			if (!add_half(h, (struct half){.at = at,
						       .parent = parent,
						       .next = NOBODY,
						       .offer = (uint16_t)i,
						       .used = (uint16_t)used,
						       .header = (uint8_t)m}))
				return false;
		}
	}
	return h->work <= WORK_MAX;
}

/* Fills the first part; false if it is too much. */
static bool
make_front(struct halves *h)
{
	uint32_t q, i, end;

	h->halves = 0;
	if (!add_half(h, (struct half){.at = h->t->stretch->offset, .next = NOBODY}))
		return false;
	h->level[0] = 0;
	h->level[1] = 1;
	for (q = 0; q < h->front; q++) {
		for (end = h->halves, i = h->level[q]; i < end; i++)
			if (!follow(h, q, i))
				return false;
		h->level[q + 2] = h->halves;
	}
	return true;
}

static uint32_t
bucket_of(const struct halves *h, uint64_t at)
{
	return (uint32_t)((at >> WINDOW_BITS) * 0x9e3779b97f4a7c15u >> 32) & h->mask;
}

static bool
make_buckets(struct halves *h)
{
	uint32_t i, size = 1024;

	while (size < 2 * (h->halves - h->level[h->front]))
		size *= 2;
	free(h->bucket);
	if ((h->bucket = malloc(size * sizeof *h->bucket)) == NULL)
		return false;
	memset(h->bucket, 0xff, size * sizeof *h->bucket);
	h->mask = size - 1;
	for (i = h->level[h->front]; i < h->halves; i++) {
		uint32_t *head = &h->bucket[bucket_of(h, h->half[i].at)];

		h->half[i].next = *head;
		*head = i;
	}
	return true;
}

/* The weight of one response but for its pages. */
static double
weight_of(const struct halves *h, uint32_t q)
{
	const struct table *t = h->t;
	const struct run *run = t->stretch->run;
	const struct slot *slot = &t->stretch->slot[q];
	double weight = h->offer[q][h->taken[q]].weight * h->mode_weight[h->header[q]];
	uint32_t i;

	if (q + 1 == h->n)
		return weight;
	i = run_find_border(run, 0, h->to[q]);
	if (i < run->border_count && run->borders[i].offset == h->to[q] &&
	    run->borders[i].is_end)
		weight *= t->shown;
	else
		weight *= 1 - SHOWN;
	return weight * place_lag(slot, h->to[q]);
}

/* A way of the first part meets one of the last. */
static void
meet(struct halves *h, uint32_t i, bool is_exact)
{
	const struct run *run = h->t->stretch->run;
	double weight = h->scale, pages = 1;
	uint32_t q;

	for (q = h->front; q-- > 0; i = h->half[i].parent) {
		h->taken[q] = h->half[i].offer;
		h->header[q] = h->half[i].header;
		h->to[q] = h->half[i].at;
		h->from[q] = h->half[h->half[i].parent].at;
	}
	for (q = 0; q < h->n; q++) {
		weight *= weight_of(h, q);
		pages *= phase_weight(run, h->from[q],
		    (uint32_t)(h->to[q] - h->from[q] -
			h->t->config->items[h->offer[q][h->taken[q]].item].size),
		    h->to[q]);
	}
	h->meetings++;
	if (!is_exact) {
		h->chance += weight * pages / (WINDOW / SHIFT - 1);
		return;
	}
	h->flat += weight;
	weight *= pages;
	h->found += weight;
	for (q = 0; q < h->n; q++) {
		struct way_fit *fit = &h->fit[q][h->taken[q]];

		fit->probability += weight;
		if (weight <= fit->best)
			continue;
		fit->best = weight;
		fit->end = h->to[q];
		fit->header = (uint32_t)(h->to[q] - h->from[q] -
		    h->t->config->items[h->offer[q][h->taken[q]].item].size);
	}
}

/* The last part begins at an offset, with so many octets of its first group's requests:
 * meets all ways of the first part that come there. */
static bool
meet_all(struct halves *h, uint64_t at, uint32_t used, uint32_t order)
{
	uint32_t q = h->front, i = h->bucket[bucket_of(h, at)];
	const struct slot *slot = &h->t->stretch->slot[q];

	for (; i != NOBODY; i = h->half[i].next) {
		const struct half *half = &h->half[i];

		if (half->at >> WINDOW_BITS != at >> WINDOW_BITS ||
		    half->at % SHIFT != at % SHIFT ||
		    h->offer[q - 1][half->offer].order >= order)
			continue;
		if (is_shared_on(h, q) && half->used + used != slot->sum)
			continue;
		meet(h, i, half->at == at);
	}
	return h->meetings <= MEETINGS_MAX;
}

/* Goes back from the end of response q; used: octets of requests after it that are of
 * its group; false if that is too much. */
static bool
go_back(struct halves *h, uint32_t q, uint64_t end, uint32_t used, uint32_t order)
{
	const struct slot *slot = &h->t->stretch->slot[q],
	    *before = &h->t->stretch->slot[q - 1];
	uint32_t i, m, sum;

	for (i = 0; i < h->offers[q] && h->offer[q][i].order < order; i++) {
		const struct offer *offer = &h->offer[q][i];

		sum = is_shared(h, q) ? used + offer->request : 0;
		if (sum > slot->sum || (is_shared(h, q) && !is_shared_on(h, q) &&
					   sum != slot->sum))
			continue;
		if (!is_shared_on(h, q))
			sum = 0;
		for (m = 0; m < h->t->stretch->run->modes.headers; m++) {
			uint64_t span = span_of(h, offer, m);

			if (!h->has_mode[m] || end < span + before->low ||
			    end - span > before->high)
				continue;
			h->taken[q] = (uint16_t)i;
			h->header[q] = (uint8_t)m;
			h->to[q] = end;
			h->from[q] = end - span;
			if (!(q == h->front
				    ? meet_all(h, end - span, sum, offer->order)
				    : go_back(h, q - 1, end - span, sum, offer->order)))
				return false;
		}
		if (++h->work > WORK_MAX)
			return false;
	}
	return true;
}

/* All ways with a set of header constants; false if they are too many. */
static bool
find_all(struct halves *h)
{
	const struct stretch *s = h->t->stretch;

	h->work = 0;
	return make_front(h) && make_buckets(h) &&
	    go_back(h, h->n - 1, s->offset + s->span, 0, UINT32_MAX);
}

/* The usual constants together, then each rare one alone. */
static bool
find_by_mode(struct halves *h)
{
	const struct sequence_modes *modes = &h->t->stretch->run->modes;
	uint32_t m, rare;

	for (m = 0; m < modes->headers; m++) {
		h->has_mode[m] = modes->header[m].weight >= USUAL_MODE;
		h->mode_weight[m] = modes->header[m].weight;
	}
	h->scale = 1;
	if (!find_all(h))
		return false;
	for (rare = 0; rare < modes->headers; rare++) {
		h->scale = modes->header[rare].weight;
		if (h->scale >= USUAL_MODE || h->scale < RAREST_MODE)
			continue;
		for (m = 0; m < modes->headers; m++)
			h->has_mode[m] = m == rare;
		h->mode_weight[rare] = 1;
		if (!find_all(h))
			return false;
	}
	return true;
}

static void
tell(struct halves *h, struct ways *out)
{
	const struct sequence_modes *modes = &h->t->stretch->run->modes;
	uint32_t q, i;

	for (q = 0; q < h->n; q++) {
		struct way_fit *fit = h->fit[q];
		uint32_t n = 0;
		double best = 0;

		for (i = 0; i < h->offers[q]; i++) {
			const struct offer *offer = &h->offer[q][i];
			struct way_fit *last = n > 0 ? &fit[n - 1] : NULL;
			struct way_fit one = fit[i];

			if (!(one.probability > 0))
				continue;
			if (one.best > best) {
				best = one.best;
				out->end[q] = one.end;
			}
			one.item = offer->item;
			one.rest = modes->request[offer->rest].bytes;
			one.probability /= h->found;
			one.best /= h->found;
			/* A file that may have been asked for with two constants. */
			if (last != NULL && last->item == one.item) {
				one.probability += last->probability;
				*last = one.best > last->best ? one : *last;
				last->probability = one.probability;
			} else
				fit[n++] = one;
		}
		qsort(fit, n, sizeof *fit, way_fit_compare);
		out->fits[q] = n < WAYS_FITS ? n : WAYS_FITS;
		memcpy(out->fit[q], fit, out->fits[q] * sizeof *fit);
	}
	out->log_weight = log(h->found);
	out->log_flat = log(h->flat);
	out->log_chance = log(h->chance);
	out->trust = 1;
}

int
halves_find(struct table *t, struct ways *out)
{
	struct halves h = {.t = t, .n = t->stretch->responses, .cap = 1024};
	int found = -1;
	uint32_t q;

	if (!t->stretch->is_ordered || h.n < RESPONSES_MIN ||
	    t->stretch->run->modes.headers == 0)
		return -1;
	h.front = h.n / 2;
	h.half = malloc(h.cap * sizeof *h.half);
	if (h.half != NULL && collect(&h) && find_by_mode(&h))
		found = h.found > 0;
	if (found > 0)
		tell(&h, out);
	for (q = 0; q < h.n; q++) {
		free(h.offer[q]);
		free(h.fit[q]);
	}
	free(h.bucket);
	free(h.half);
	return found;
}
