/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The edges of a state: one request is answered by a file of the catalogue that fits from
 * border to border, or by something unknown; several by a block whose inner borders show
 * no mark; or the stream stops.
 */
#include "identify/sequence_lattice.h"

enum {
	/* the same up to borders that only pages tell of, from strong states */
	BLOCK_PAGES = 4,
	BLOCK_LAST = 1 << 20, /* edges of this many responses end the stream */
};

static const double OVERDUE = -12; /* log, per request that had to be answered by then */
/* Log: an answer of no more octets than a header; mostly it is one, sent apart. */
static const double EMPTY = -12;

static double
border_weight(const struct lattice *l, uint32_t border)
{
	return l->run->borders[border].is_end ? l->log_marked : l->log_unmarked;
}

/* Edges of one catalogue item over one reach. */
static void
answer_item(struct lattice *l, const struct reach *reach, double weight)
{
	const struct run *run = l->run;
	const struct state s = l->states[l->from];
	const struct layer *layer = &l->layers[s.layer];
	const struct group *g = &run->groups[layer->group];
	const struct sequence_item *item;
	uint32_t i, m, request, rest = s.used == ANY ? 0 : g->bytes - s.used;
	struct edge e = {.border = reach->to, .responses = 1, .header = reach->header};

	for (i = 0; i < reach->items; i++) {
		item = &run->config->items[reach->item + i];
		e.id = item->id;
		e.order = item->order;
		e.path = item->path_bytes;
		if (s.used == ANY) {
			e.weight = weight;
			if (layer->left == 1) {
				lattice_arrive(l, &e, layer->group + 1);
				continue;
			}
			e.used = ANY;
			e.layer = s.layer + 1;
			lattice_go(l, &e);
			continue;
		}
		for (m = 0; m < run->modes.requests; m++) {
			request = item->path_bytes + run->modes.request[m].bytes;
			e.weight = weight + log(run->modes.request[m].weight);
			e.rest = run->modes.request[m].bytes;
			e.request = request;
			if (layer->left == 1 && request == rest)
				lattice_arrive(l, &e, layer->group + 1);
			if (layer->left == 1 || request >= rest ||
			    !(run->length[layer->left - 1][rest - request] > 0))
				continue;
			e.request = 0;
			e.used = s.used + request;
			e.layer = s.layer + 1;
			lattice_go(l, &e);
		}
	}
}

static void
answer_items(struct lattice *l, const struct group *anchor, uint32_t end)
{
	const struct state s = l->states[l->from];
	const struct reach_list *list = reach_from(l, s.border, end);
	uint32_t i;

	for (i = 0; i < list->count && list->reach[i].to < end; i++)
		answer_item(l, &list->reach[i],
			    l->log_prior + list->reach[i].weight +
				border_weight(l, list->reach[i].to) +
				log(phase_weight(l->run, l->run->borders[s.border].offset,
				    list->reach[i].header,
				    l->run->borders[list->reach[i].to].offset)) +
				anchor_lag(l->run, anchor, list->reach[i].to));
}

double
lattice_length(const struct run *run, uint32_t left, uint32_t group, uint32_t used)
{
	const struct group *g = &run->groups[group];

	if (g->is_loose || g->bytes >= RUN_LENGTHS || used == ANY)
		return 0;
	return log(run->length[left][g->bytes - used] + 1e-12);
}

/* Where count answers lead, and with what weight their requests have these lengths. */
struct target {
	uint32_t group, left; /* left 0: before the group */
	double weight;
	const struct group *anchor;           /* of the last */
	const struct group *inner[BLOCK_MAX]; /* of the others */
	uint32_t inners;
};

static bool
find_target(const struct lattice *l, uint32_t count, struct target *t)
{
	const struct run *run = l->run;
	const struct state s = l->states[l->from];
	uint32_t group = l->layers[s.layer].group, left = l->layers[s.layer].left, i;

	*t = (struct target){.weight = lattice_length(run, left, group, s.used)};
	for (i = 0; i < count; i++) {
		if (left == 0) {
			if (group >= run->group_count ||
			    run->groups[group].count_min != run->groups[group].count_max)
				return false;
			left = run->groups[group].count_min;
			t->weight += lattice_length(run, left, group, 0);
		}
		t->anchor = anchor_of(run, group, left);
		if (i + 1 < count && t->anchor != NULL)
			t->inner[t->inners++] = t->anchor;
		if (--left == 0)
			group++;
	}
	t->group = group;
	t->left = left;
	return true;
}

/* The least weight of an edge there that could matter. */
static double
least_weight(const struct lattice *l, const struct target *t)
{
	const struct group *g = &l->run->groups[t->group];
	double top = INFINITY;
	uint32_t n;

	if (t->group == l->run->group_count)
		top = l->layers[l->layer_count - 1].top;
	else if (t->left > 0)
		top = l->layers[g->first + g->count_max - t->left].top;
	else
		for (n = 0; n <= (uint32_t)(g->count_max - g->count_min); n++)
			if (l->layers[g->first + n].top < top)
				top = l->layers[g->first + n].top;
	return top - l->keep - l->states[l->from].alpha;
}

/* The next border, or the next one that is no page. */
static uint32_t
next_border(const struct run *run, uint32_t border, bool with_pages)
{
	return with_pages ? border + 1 : run->borders[border].next;
}

/* Edges of 1 unknown response or of a block of count. */
static void
answer_unknown(struct lattice *l, uint32_t count)
{
	const struct run *run = l->run;
	const struct state s = l->states[l->from];
	struct edge e = {.responses = count, .id = SEQUENCE_NO_ITEM};
	struct target t;
	double weight, least, most_hope = log(l->most_hope);
	uint64_t span, from = run->borders[s.border].offset;
	uint32_t end, i;
	bool is_strong;

	if (!find_target(l, count, &t))
		return;
	if (count == 1 && l->layers[s.layer].left == 1 && s.used == 0)
		e.request = run->groups[l->layers[s.layer].group].bytes;
	end = reach_end(run, s.border, t.anchor);
	weight = t.weight + (count == 1 ? l->log_unknown
	    : (count - 1) * l->log_unmarked);
	is_strong = count <= BLOCK_PAGES &&
		    s.alpha >= l->layers[s.layer].strong;
	least = least_weight(l, &t);
	if (weight + block_span_most(l, count) + fmax(l->log_marked, 0) + most_hope <
	    least)
		return;
	for (e.border = next_border(run, s.border, is_strong); e.border < end;
	     e.border = next_border(run, e.border, is_strong)) {
		span = run->borders[e.border].offset - from;
		if (span < (uint64_t)RUN_FRAGMENT * count)
			continue;
		e.weight = weight + block_span(l, count, span) +
			   border_weight(l, e.border) +
			   (count == 1 && phase_is_header(run, span) ? EMPTY : 0);
		if (e.weight + most_hope < least)
			continue;
		e.weight += log(phase_hope(run, from, from + span));
		if (e.weight < least)
			continue;
		e.weight += anchor_lag(run, t.anchor, e.border);
		for (i = 0; i < t.inners; i++)
			e.weight += anchor_inner_lag(run, t.inner[i], s.border, e.border);
		if (t.left == 0) {
			lattice_arrive(l, &e, t.group);
			continue;
		}
		e.used = ANY;
		e.layer =
		    run->groups[t.group].first + run->groups[t.group].count_max - t.left;
		lattice_go(l, &e);
	}
}

/* The stream stops here: fine for what is outstanding, a last resort before. */
static void
answer_nothing(struct lattice *l)
{
	const struct run *run = l->run;
	const struct state *s = &l->states[l->from];
	const struct layer *layer = &l->layers[s->layer];
	uint32_t left = layer->left, g, outstanding = run->depth > 0 ? run->depth : 10;
	struct edge e = {.layer = l->layer_count - 1,
			 .border = run->border_count - 1,
			 .responses = BLOCK_LAST,
			 .id = SEQUENCE_NO_ITEM};

	for (g = layer->group + 1; g < run->group_count; g++)
		left += run->groups[g].count_min;
	e.weight = TRUNCATED + lattice_length(run, layer->left, layer->group, s->used) +
		   (left > outstanding ? OVERDUE * (left - outstanding) : 0);
	if (layer->group + 1 < run->group_count)
		e.weight += run->groups[layer->group + 1].after;
	lattice_go(l, &e);
}

void
lattice_answer(struct lattice *l, uint32_t state)
{
	const struct layer *layer = &l->layers[l->states[state].layer];
	const struct group *anchor = anchor_of(l->run, layer->group, layer->left);
	uint32_t count;

	l->from = state;
	l->beta = -INFINITY;
	answer_items(l, anchor, reach_end(l->run, l->states[state].border, anchor));
	for (count = 1; count <= BLOCK_MAX; count++)
		answer_unknown(l, count);
	answer_nothing(l);
}
