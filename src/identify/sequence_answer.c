/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The edges of a state: every way in which the next request, or the next few, may have been
 * answered from its border on. What a request's place says of the response that let the
 * client send it is weighed here as well.
 */
#include "identify/sequence_lattice.h"

#include <math.h>
#include <stdlib.h>

enum {
	BLOCK_MAX = 12,
	LOOK_AHEAD = 300, /* borders, where no anchor ends the search */
	LOOK_BEYOND = 6,  /* borders beyond the anchor */
	LOOK_VIRTUAL = 32, /* borders from one that no mark shows */
	BLOCK_LAST = 1 << 20, /* edges of this many responses end the stream */
};

static const double UNKNOWN = 0.02;   /* responses of no catalogue file */
static const double MARKED = 0.9;     /* borders within a block that would show */
static const double PROMPT = 0.8;     /* anchors exactly at their border */
static const double SPREAD = 16;      /* natural logs of the range of sizes and of lags */
static const double VIOLATION = -14;  /* log: a request before its time */
static const double TRUNCATED = -9;   /* log: the stream stops within the run */
static const double OVERDUE = -12;    /* log, per request that had to be answered by then */
static const double OUT_OF_ORDER = 0.03; /* files that do not stand behind the last one */

/* The group of the request sent depth after the next one; NULL if none is known. */
static const struct group *
anchor_of(const struct run *run, uint32_t group, uint32_t left)
{
	uint32_t behind = left - 1, depth = run->depth;
	const struct group *g = &run->groups[group];

	if (depth == 0)
		return NULL;
	while (behind < depth) {
		if (++group >= run->group_count)
			return NULL;
		g = &run->groups[group];
		if (g->count_min != g->count_max || !g->is_anchored)
			return NULL;
		behind += g->count_min;
	}
	return g->is_anchored ? g : NULL;
}

/*
 * Log probability of the place of a late anchor beyond an offset, behind border place. A
 * client reads whole segments: where their ends show as marks, it is one of these; else it
 * is anywhere.
 */
static double
place_weight(const struct run *run, const struct group *anchor, uint64_t offset,
	     uint32_t place, double spread)
{
	const struct border *at = &run->borders[anchor->at];

	if (at->offset == anchor->anchor && at->is_end && at->ends > run->borders[place].ends)
		return -log(spread / 4 * (at->ends - run->borders[place].ends));
	return -log(spread * (double)(anchor->anchor - offset));
}

/*
 * A request that is late was either held up for a while, or sent together with the next
 * when both responses were read at once.
 */
double
lattice_lag_at(const struct run *run, const struct group *anchor, uint64_t offset,
	       uint32_t place)
{
	bool is_shared;

	if (anchor == NULL)
		return 0;
	if (offset > anchor->anchor)
		return VIOLATION;
	if (offset == anchor->anchor)
		return log(PROMPT);
	is_shared = anchor + 1 < run->groups + run->group_count &&
		    anchor[1].is_anchored && anchor[1].anchor == anchor->anchor;
	return log((1 - PROMPT) / 2) +
	       (is_shared ? 0 : place_weight(run, anchor, offset, place, SPREAD));
}

double
lattice_lag_weight(const struct run *run, const struct group *anchor, uint32_t border)
{
	return lattice_lag_at(run, anchor, run->borders[border].offset,
			      run->borders[border].place);
}

double
lattice_order_weight(const struct lattice *l, uint32_t order)
{
	const struct state *s = &l->states[l->from];
	double last = l->run->last_order, gap;

	if (!l->run->is_ordered || order == 0)
		return 0;
	if (order <= s->order)
		return log(OUT_OF_ORDER);
	gap = last / (l->run->request_count + 1.0) * (s->skipped + 1);
	return log((1 - OUT_OF_ORDER) * last / gap * exp(-(order - s->order) / gap) +
		   OUT_OF_ORDER);
}

/* The same for a response that ends at an unknown place within a block. */
static double
inner_lag_weight(const struct run *run, const struct group *anchor, uint32_t from,
		 uint32_t to)
{
	if (anchor->anchor <= run->borders[from].offset)
		return VIOLATION;
	if (anchor->anchor < run->borders[to].offset)
		return log((1 - PROMPT) / 2) + place_weight(run, anchor, run->borders[from].offset,
						  run->borders[from].place, 4);
	if (anchor->anchor == run->borders[to].offset)
		return log((1 - PROMPT) / 2);
	return lattice_lag_weight(run, anchor, to);
}

static void
reach_sizes(struct lattice *l, struct reach_list *list, uint32_t from, uint32_t to)
{
	const struct run *run = l->run;
	uint64_t span = run->borders[to].offset - run->borders[from].offset, size;
	uint32_t m, digits, most, n;
	size_t item;

	for (m = 0; m < run->modes.headers; m++) {
		if (span <= run->modes.header[m].bytes)
			continue;
		most = size_digits(span - run->modes.header[m].bytes,
				   run->modes.header[m].is_hex);
		for (digits = most > 3 ? most - 2 : 1; digits <= most; digits++) {
			if (span < run->modes.header[m].bytes + digits)
				break;
			size = span - run->modes.header[m].bytes - digits;
			if (!run_may_have(run, size) ||
			    size_digits(size, run->modes.header[m].is_hex) != digits)
				continue;
			item = item_find(run->config, size);
			for (n = 0; item + n < run->config->count &&
				    run->config->items[item + n].size == size;
			     n++)
				;
			if (n > 0)
				list->reach[list->count++] = (struct reach){
				    .to = to,
				    .item = (uint32_t)item,
				    .items = n,
				    .header = run->modes.header[m].bytes + digits,
				    .weight = log(run->modes.header[m].weight)};
		}
	}
}

/* Extends what is known to be reachable from a border up to another. */
static const struct reach_list *
reach_from(struct lattice *l, uint32_t from, uint32_t end)
{
	struct reach_list *list = &l->reaches[from];
	struct reach *grown;
	size_t room;

	if (list->to_end >= end)
		return list;
	if (list->to_end <= l->run->borders[from].place)
		list->to_end = l->run->borders[from].place + 1;
	/* Three numbers of digits fit at powers of ten and 16 at most. */
	room = list->count + (size_t)(end - list->to_end) * 3 * SEQUENCE_MODES;
	if ((grown = realloc(list->reach, (room + 1) * sizeof *grown)) == NULL) {
		l->is_out_of_memory = true;
		return list;
	}
	list->reach = grown;
	for (; list->to_end < end; list->to_end++)
		reach_sizes(l, list, from, list->to_end);
	if ((grown = realloc(list->reach, (list->count + 1) * sizeof *grown)) != NULL)
		list->reach = grown;
	return list;
}

static double
border_weight(const struct lattice *l, uint32_t border)
{
	return l->run->borders[border].is_end ? l->log_marked : l->log_unmarked;
}

/* One past the last border worth trying from this one under an anchor. */
static uint32_t
look_end(const struct run *run, uint32_t from, const struct group *anchor)
{
	uint32_t place = run->borders[from].place, end = run->border_count;
	uint32_t low = place + 1, high = end, mid;
	uint32_t most = run->borders[from].is_virtual ? LOOK_VIRTUAL : LOOK_AHEAD;

	if (anchor != NULL) {
		while (low < high) {
			mid = low + (high - low) / 2;
			if (run->borders[mid].offset <= anchor->anchor)
				low = mid + 1;
			else
				high = mid;
		}
		if (low + LOOK_BEYOND < end)
			end = low + LOOK_BEYOND;
	}
	return place + most < end ? place + most : end;
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
	uint32_t i, m, request, rest = s.used == LATTICE_ANY ? 0 : g->bytes - s.used;
	struct edge e = {.border = reach->to, .responses = 1, .header = reach->header};
	double base;

	for (i = 0; i < reach->items; i++) {
		item = &run->config->items[reach->item + i];
		e.id = item->id;
		e.order = item->order;
		base = weight + lattice_order_weight(l, item->order);
		if (s.used == LATTICE_ANY) {
			e.weight = base;
			if (layer->left == 1) {
				lattice_arrive(l, &e, layer->group + 1);
				continue;
			}
			e.used = LATTICE_ANY;
			e.layer = s.layer + 1;
			lattice_go(l, &e);
			continue;
		}
		for (m = 0; m < run->modes.requests; m++) {
			request = item->path_bytes + run->modes.request[m].bytes;
			e.weight = base + log(run->modes.request[m].weight);
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
				lattice_lag_weight(l->run, anchor, list->reach[i].to));
}

/* Log density of the length of a group's requests. */
double
lattice_length_weight(const struct run *run, uint32_t left, uint32_t group, uint32_t used)
{
	const struct group *g = &run->groups[group];

	if (g->is_loose || g->bytes >= RUN_LENGTHS || used == LATTICE_ANY)
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

	*t = (struct target){.weight = lattice_length_weight(run, left, group, s.used)};
	for (i = 0; i < count; i++) {
		if (left == 0) {
			if (group >= run->group_count ||
			    run->groups[group].count_min != run->groups[group].count_max)
				return false;
			left = run->groups[group].count_min;
			t->weight += lattice_length_weight(run, left, group, 0);
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

/* Whether an edge there, at best of this weight, could matter. */
static bool
is_hopeful(const struct lattice *l, const struct target *t, double weight)
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
	return l->states[l->from].alpha + weight >= top - LATTICE_KEEP;
}

/* Edges of 1 unknown response or of a block of count. */
static void
answer_unknown(struct lattice *l, uint32_t count)
{
	const struct run *run = l->run;
	const struct state s = l->states[l->from];
	struct edge e = {.responses = count, .id = SEQUENCE_NO_ITEM};
	struct target t;
	double weight;
	uint64_t span, from = run->borders[s.border].offset;
	uint32_t end, i;

	if (!find_target(l, count, &t))
		return;
	if (count == 1 && l->layers[s.layer].left == 1 && s.used == 0)
		e.request = run->groups[l->layers[s.layer].group].bytes;
	end = look_end(run, s.border, t.anchor);
	weight = t.weight + (count == 1 ? log(UNKNOWN) : (count - 1) * log(1 - MARKED)) +
		 log(count / SPREAD);
	for (e.border = run->borders[s.border].place + 1; e.border < end; e.border++) {
		span = run->borders[e.border].offset - from;
		if (span < (uint64_t)RUN_FRAGMENT * count)
			continue;
		e.weight = weight - log((double)span) + border_weight(l, e.border);
		if (!is_hopeful(l, &t, e.weight))
			continue;
		e.weight += lattice_lag_weight(run, t.anchor, e.border);
		for (i = 0; i < t.inners; i++)
			e.weight += inner_lag_weight(run, t.inner[i], s.border, e.border);
		if (t.left == 0) {
			lattice_arrive(l, &e, t.group);
			continue;
		}
		e.used = LATTICE_ANY;
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
	e.weight = TRUNCATED + lattice_length_weight(run, layer->left, layer->group, s->used) +
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
	answer_items(l, anchor, look_end(l->run, l->states[state].border, anchor));
	lattice_answer_virtual(l, anchor);
	/* What is not in the catalogue begins and ends where marks show. */
	if (l->run->borders[l->states[state].border].is_virtual)
		return;
	for (count = 1; count <= BLOCK_MAX; count++)
		answer_unknown(l, count);
	answer_nothing(l);
}
