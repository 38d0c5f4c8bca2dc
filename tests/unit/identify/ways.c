/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * identify/sequence_ways: of small catalogues and stretches made from seeds the table of
 * ways finds what trying every sequence of files finds: the weight of all ways, what
 * chance would give, and each file's probability at each place.
 */
#include "identify/sequence_ways.h"

#include "base/draw.h"
#include "base/err.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	ITEMS = 14,
	RESPONSES = 3, /* of which all sequences are tried soon */
	IN_ORDER = 6,  /* in the order of the index there are fewer */
	BORDERS = 6,
	WORLDS = 400,
};

/* As sequence_ways.c has them. */
static const double SHOWN = 0.5, PROMPT = 0.5, SPREAD = 16;

struct world {
	struct sequence_item items[ITEMS];
	struct sequence_config config;
	struct border borders[BORDERS];
	struct run run;
	struct stretch stretch;
	uint32_t *by_path;
	uint64_t random;
	bool is_long; /* more responses, in the order of the index */
	/* The twin's. */
	double found, chance, mass[IN_ORDER][ITEMS];
};

static uint32_t
draw(struct world *w, uint32_t below)
{
	return (uint32_t)(draw_u64(&w->random) % below);
}

static int
compare_item(const void *a, const void *b)
{
	const struct sequence_item *x = a, *y = b;

	return (x->size > y->size) - (x->size < y->size);
}

static void
make_items(struct world *w)
{
	uint32_t i, k, order;

	for (i = 0; i < ITEMS; i++)
		w->items[i] = (struct sequence_item){.size = 880 + 4 * draw(w, 60),
						     .path_bytes = 40 + draw(w, 3),
						     .order = i + 1};
	for (i = ITEMS - 1; i > 0; i--) {
		k = draw(w, i + 1);
		order = w->items[i].order;
		w->items[i].order = w->items[k].order;
		w->items[k].order = order;
	}
	qsort(w->items, ITEMS, sizeof *w->items, compare_item);
	for (i = 0; i < ITEMS; i++)
		w->items[i].id = i;
}

static void
make_modes(struct world *w)
{
	struct sequence_modes *m = &w->run.modes;

	m->headers = 1 + draw(w, 2);
	m->header[0] = (struct sequence_mode){.bytes = 120, .weight = 0.7};
	m->header[1] = (struct sequence_mode){
	    .bytes = 120 + 4 * draw(w, 3), .weight = 0.3, .is_hex = true};
	m->requests = 1 + draw(w, 2);
	m->request[0] = (struct sequence_mode){.bytes = 88, .weight = 0.9};
	m->request[1] = (struct sequence_mode){.bytes = 89, .weight = 0.1};
	w->run.header_min = 120;
	w->run.request_min = 88 + 40;
	w->run.log_spurious = -3;
}

static uint64_t
octets(const struct world *w, uint32_t item, uint32_t header)
{
	const struct sequence_mode *mode = &w->run.modes.header[header];

	return w->items[item].size + mode->bytes + size_digits(w->items[item].size,
	    mode->is_hex);
}

static uint32_t
request_octets(const struct world *w, uint32_t item, uint32_t rest)
{
	return w->items[item].path_bytes + w->run.modes.request[rest].bytes;
}

/* Files that really were there, and as much of them as a run may tell. */
static void
make_stretch(struct world *w)
{
	struct stretch *s = &w->stretch;
	uint32_t q, item, first = 0, last = 0, together, request;
	uint32_t most = w->is_long ? IN_ORDER : RESPONSES;
	uint64_t at = 10000, end;

	*s = (struct stretch){.run = &w->run,
			      .offset = at,
			      .responses = 1 + draw(w, most),
			      .is_ordered = w->is_long || draw(w, 2),
			      .entries_max = 30000};
	together = draw(w, most + 1);
	for (q = 0; q < s->responses; q++) {
		struct slot *slot = &s->slot[q];

		do
			item = draw(w, ITEMS);
		while (s->is_ordered && draw(w, 20) > 0 &&
		       (w->items[item].order <= last ||
			w->items[item].order + s->responses - q > ITEMS + 1));
		last = w->items[item].order;
		first = q == 0 ? last : first;
		end = at + octets(w, item, draw(w, w->run.modes.headers));
		request = request_octets(w, item, draw(w, w->run.modes.requests));
		slot->low = draw(w, 2) ? 0 : end - draw(w, 400);
		slot->high = draw(w, 2) ? UINT32_MAX : end + draw(w, 400);
		slot->anchor = draw(w, 2) ? 0 : end + 4 * draw(w, 40) * draw(w, 2);
		/* the first ones went together */
		if (together > q && together <= s->responses) {
			slot->left = together - q;
			s->slot[0].sum += request;
		} else if (draw(w, 2))
			slot->request = request;
		if (w->run.border_count < BORDERS)
			w->borders[w->run.border_count++] = (struct border){
			    .offset = end, .is_end = draw(w, 2)};
		at = end;
	}
	for (q = 1; q < s->responses && s->slot[q].left > 0; q++)
		s->slot[q].sum = s->slot[0].sum;
	s->span = at - s->offset;
	if (s->is_ordered && draw(w, 2))
		s->low = first - 1;
	if (s->is_ordered && draw(w, 2))
		s->high = last + 1 + draw(w, 3);
	w->run.borders = w->borders;
}

static double
end_weight(const struct world *w, uint32_t q, uint64_t end)
{
	const struct slot *slot = &w->stretch.slot[q];
	double weight = 1 - SHOWN;
	uint32_t i;

	for (i = 0; i < w->run.border_count; i++)
		if (w->borders[i].offset == end && w->borders[i].is_end)
			weight = SHOWN * exp(-w->run.log_spurious);
	if (slot->anchor == 0 || end > slot->anchor)
		return weight;
	if (end == slot->anchor)
		return weight * PROMPT;
	return weight * (1 - PROMPT) / (SPREAD * (double)(slot->anchor - end));
}

/* Weighs a whole sequence of files. */
static void
take_way(struct world *w, const uint32_t *item, uint64_t end, double weight)
{
	const struct stretch *s = &w->stretch;
	int64_t off = (int64_t)end - (int64_t)(s->offset + s->span);
	uint32_t q;

	if (off == 0) {
		w->found += weight;
		for (q = 0; q < s->responses; q++)
			w->mass[q][item[q]] += weight;
	} else if (off % 4 == 0 && off >= -2 * WAYS_SPANS && off <= 2 * WAYS_SPANS)
		w->chance += weight / WAYS_SPANS;
}

/* Tries every file, header and request for response q and those after it. */
static void
try_all(struct world *w, uint32_t q, uint32_t *item, uint64_t at, uint32_t used,
    double weight)
{
	const struct stretch *s = &w->stretch;
	const struct slot *slot = &s->slot[q];
	const struct sequence_modes *m = &w->run.modes;
	bool is_told = slot->request > 0 || slot->left > 0,
	    is_last = q + 1 == s->responses;
	uint32_t header, rest, request, last = q > 0 ? w->items[item[q - 1]].order
	    : s->low;
	uint64_t end;

	if (q == s->responses) {
		take_way(w, item, at, weight);
		return;
	}
	for (item[q] = 0; item[q] < ITEMS; item[q]++) {
		uint32_t order = w->items[item[q]].order;

		if (s->is_ordered && (order <= last || (s->high > 0 && order >= s->high)))
			continue;
		for (rest = 0; rest < (is_told ? m->requests : 1); rest++) {
			request = request_octets(w, item[q], rest);
			if ((slot->request > 0 && request != slot->request) ||
			    (slot->left == 1 && used + request != slot->sum))
				continue;
			for (header = 0; header < m->headers; header++) {
				end = at + octets(w, item[q], header);
				if (!is_last && (end < slot->low || end > slot->high))
					continue;
				try_all(w, q + 1, item, end,
				    slot->left > 1 ? used + request : 0,
				    weight * m->header[header].weight *
				    m->request[rest].weight * (is_last ? 1 : end_weight(w,
				    q, end)));
			}
		}
	}
}

static double
told(const struct ways *ways, uint32_t q, uint32_t item)
{
	uint32_t i;

	for (i = 0; i < ways->fits[q]; i++)
		if (ways->fit[q][i].item == item)
			return ways->fit[q][i].probability;
	return 0;
}

/* Chance is seen at other spans: at all of those around, or, where all ways in order are
 * tried, at those whose halves nearly meet: that agrees over many. */
struct chances {
	double twin, told;
};

static bool
is_by_halves(const struct world *w)
{
	return w->stretch.is_ordered && w->stretch.responses >= 3;
}

static void
compare_chance(const struct world *w, const struct ways *ways, struct chances *sum)
{
	if (is_by_halves(w)) {
		/* A stretch that fits badly would outweigh all others. */
		sum->twin += fmin(w->chance / w->found, 1);
		sum->told += fmin(exp(ways->log_chance - ways->log_weight), 1);
		return;
	}
	assert_true(w->chance > 0 ? fabs(ways->log_chance - log(w->chance)) < 1e-4
				  : ways->log_chance == -INFINITY);
}

static void
agree(bool is_long)
{
	static struct ways ways;
	struct err err = {0};
	struct chances chances = {0};
	uint32_t seed, q, i, item[IN_ORDER + 1], found = 0, unique = 0;

	for (seed = 1; seed <= WORLDS; seed++) {
		struct world w = {.random = seed, .is_long = is_long};

		make_items(&w);
		make_modes(&w);
		sequence_config_init(&w.config);
		w.config.items = w.items;
		w.config.count = ITEMS;
		w.config.by_path = w.by_path = sequence_by_path(w.items, ITEMS);
		assert_non_null(w.by_path);
		w.run.config = &w.config;
		make_stretch(&w);
		try_all(&w, 0, item, w.stretch.offset, 0, 1);
		if (ways_find(&w.stretch, &ways, &err) != (w.found > 0))
			fail_msg("seed %u: ways of weight %g", seed, w.found);
		if (w.found > 0) {
			found++;
			unique += ways.fit[0][0].probability > 0.999;
			assert_true(fabs(ways.log_weight - log(w.found)) < 1e-4);
			compare_chance(&w, &ways, &chances);
			assert_true(ways.trust > 0.9999);
		}
		for (q = 0; q < w.stretch.responses && w.found > 0; q++)
			for (i = 0; i < ITEMS; i++)
				if (fabs(told(&ways, q, i) - w.mass[q][i] / w.found) >
				    1e-5)
					fail_msg("seed %u, response %u, file %u: %g for %g", seed, q, i,
						 told(&ways, q, i), w.mass[q][i] /
						 w.found);
		free(w.by_path);
	}
	/* Most stretches are filled, and not all in one way only. */
	assert_true(found > WORLDS / 2 && unique < found);
	print_message("chance: %g, by all that is near %g\n", chances.told, chances.twin);
	assert_true(chances.told > chances.twin / 2 && chances.told < chances.twin * 2);
}

static void
agrees_with_trying_all(void **state)
{
	agree(false);
}

static void
finds_all_ways_in_order(void **state)
{
	agree(true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_trying_all),
					   cmocka_unit_test(finds_all_ways_in_order)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
