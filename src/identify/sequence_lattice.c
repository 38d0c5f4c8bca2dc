/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lattice. A state is (group, requests left in it, its octets used so far, border):
 * all requests before have been answered by the stream up to that border. Its layer is
 * (group, requests left); layers are worked in order, so that edges only go forward. An
 * edge answers one request with a catalogue file that fits from border to border: its
 * size and a header mode give the octets, its path and a request mode the request's
 * length (of a group of several requests only the sum must come out); one request with
 * something unknown; 2 to BLOCK_MAX requests with a block whose inner borders show no
 * mark. After an unknown within a group of several, octets used are not known any more
 * (ANY). Where a group's number of requests is open, arriving at it chooses one.
 *
 * Weights are log probabilities relative to spurious segment ends: an end that is taken
 * as a border gains MARKED - log_spurious, one that is passed by costs nothing. The
 * request sent depth requests later was sent when this response was there: its place
 * (anchor) is the border itself or a little beyond. Forward masses first; the way back
 * enumerates the same edges again and collects probabilities by piece and file.
 */
#include "identify/sequence_run.h"

#include "base/err.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	ANY = UINT32_MAX, /* octets used: unknown */
	NONE = UINT32_MAX,
	BLOCK_MAX = 12,
	BLOCK_PAGES = 4, /* the same up to borders that only pages tell of, */
	STRONG = 16,     /* from so many states of a layer */
	LOOK_AHEAD = 300, /* borders, where no anchor ends the search */
	LOOK_BEYOND = 6,  /* borders beyond the anchor */
	STATES_IN_ALL = 1000000,
	BLOCK_LAST = 1 << 20, /* edges of this many responses end the stream */
};

static const double UNKNOWN = 0.02;  /* responses of no catalogue file */
/* Borders that show as unusual segment ends; where pages show that answers wait behind each
 * other, many do not. */
static const double MARKED = 0.9, MARKED_PAGES = 0.5;
static const double PROMPT = 0.8;    /* anchors exactly at their border */
static const double SPREAD = 16;     /* natural logs of the range of sizes and of lags */
static const double VIOLATION = -14; /* log: a request before its time */
static const double TRUNCATED = -9;  /* log: the stream stops within the run */
static const double OVERDUE = -12;  /* log, per request that had to be answered by then */
static const double UNPLACED = -10; /* log: a request sent at any time */
/* States less than exp(-KEEP) of the best are left; there are many at pages. */
static const double KEEP = 40, KEEP_PAGES = 16;

struct state {
	double alpha, beta, best;
	uint32_t layer, used, border;
	uint32_t ordinal;
	uint32_t next;  /* of its layer */
	uint32_t chain; /* of its hash slot */
};

/* From a border: one that a size and a header mode reach, and the items of that size. */
struct reach {
	uint32_t to;
	uint32_t item, items; /* first and number; 0: a mere border */
	uint32_t header;
	double weight; /* log */
};

struct reach_list {
	struct reach *reach;
	uint32_t count, to_end; /* borders before this one were tried */
};

struct layer {
	uint32_t group, left; /* requests */
	uint32_t first, states;
	double top; /* highest alpha */
	double lost;   /* log: of what came when it was full */
	double strong; /* alpha of the states whose blocks may end at pages, at least */
};

struct edge {
	uint32_t layer, border, used;
	uint32_t responses;
	uint32_t id, header, request, path, rest, order;
	struct group *arrival; /* the group before which it ends, if any */
	double weight;
};

struct lattice {
	struct run *run;
	struct pieces *pieces;
	struct layer *layers;
	uint32_t layer_count; /* the last one is the end */
	struct state *states;
	uint32_t state_count, state_cap;
	uint32_t *slots, slot_mask;
	struct reach_list *reaches;
	double log_marked, log_unmarked, log_prior, log_unknown, keep;
	double most_hope; /* by which pages make the best place of a response likelier */
	double end_alpha;
	uint64_t work;
	bool is_back, is_exhausted, is_out_of_memory;
	uint32_t from; /* state whose edges are enumerated */
	double beta;   /* collected for it */
};

static double
log_add(double a, double b)
{
	if (a < b)
		return b + log1p(exp(a - b));
	return a == -INFINITY ? a : a + log1p(exp(b - a));
}

static uint32_t
slot_of(const struct lattice *l, uint32_t layer, uint32_t border, uint32_t used)
{
	uint64_t h = (uint64_t)layer * 0x9e3779b97f4a7c15u ^
		     (uint64_t)border * 0xc2b2ae3d27d4eb4fu ^
		     (uint64_t)used * 0x165667b19e3779f9u;

	return (uint32_t)(h >> 32 ^ h >> 13) & l->slot_mask;
}

static uint32_t
state_find(const struct lattice *l, uint32_t layer, uint32_t border, uint32_t used)
{
	uint32_t i = l->slots[slot_of(l, layer, border, used)];

	for (; i != NONE; i = l->states[i].chain)
		if (l->states[i].layer == layer && l->states[i].border == border &&
		    l->states[i].used == used)
			break;
	return i;
}

static uint32_t
state_add(struct lattice *l, uint32_t layer, uint32_t border, uint32_t used)
{
	uint32_t slot, cap;
	struct state *grown;

	if (l->state_count == l->state_cap) {
		cap = l->state_cap * 2;
		if (cap > STATES_IN_ALL ||
		    (grown = realloc(l->states, cap * sizeof *grown)) == NULL) {
			l->run->stats->states_dropped++;
			return NONE;
		}
		l->states = grown;
		l->state_cap = cap;
	}
	slot = slot_of(l, layer, border, used);
	l->states[l->state_count] = (struct state){.alpha = -INFINITY,
						   .beta = -INFINITY,
						   .best = -INFINITY,
						   .layer = layer,
						   .used = used,
						   .border = border,
						   .next = l->layers[layer].first,
						   .chain = l->slots[slot]};
	l->layers[layer].first = l->slots[slot] = l->state_count;
	l->layers[layer].states++;
	return l->state_count++;
}

static void
go_forward(struct lattice *l, const struct edge *e)
{
	const struct state *from = &l->states[l->from];
	struct layer *layer = &l->layers[e->layer];
	double alpha = from->alpha + e->weight;
	uint32_t ordinal = from->ordinal + e->responses, i;
	struct state *to;

	if (alpha < layer->top - l->keep)
		return;
	i = state_find(l, e->layer, e->border, e->used);
	if (i == NONE) {
		if (layer->states >= l->run->config->states_max * 4) {
			l->run->stats->states_dropped++;
			layer->lost = log_add(layer->lost, alpha);
			return;
		}
		if ((i = state_add(l, e->layer, e->border, e->used)) == NONE) {
			layer->lost = log_add(layer->lost, alpha);
			return;
		}
	}
	to = &l->states[i];
	if (alpha > to->best) {
		to->best = alpha;
		to->ordinal = ordinal;
	}
	to->alpha = log_add(to->alpha, alpha);
	if (to->alpha > layer->top)
		layer->top = to->alpha;
}

static void
go_back(struct lattice *l, const struct edge *e)
{
	const struct state *from = &l->states[l->from], *to;
	uint32_t i = state_find(l, e->layer, e->border, e->used);
	struct piece *piece;
	struct fit *fit;
	double mass;

	if (i == NONE || from->alpha + e->weight < l->layers[e->layer].top - l->keep)
		return;
	to = &l->states[i];
	l->beta = log_add(l->beta, e->weight + to->beta);
	mass = from->alpha + e->weight + to->beta - l->end_alpha;
	if (e->arrival != NULL)
		e->arrival->mass[l->layers[e->layer].left] += exp(mass);
	if (e->responses != 1 || mass < -16)
		return;
	mass = exp(mass);
	if ((piece = pieces_get(l->pieces, from->border, e->border)) == NULL)
		return;
	piece->mass += mass;
	if (mass > piece->ordinal_mass) {
		piece->ordinal_mass = mass;
		piece->ordinal = from->ordinal;
		piece->request = e->request;
	}
	if (e->id == SEQUENCE_NO_ITEM ||
	    (fit = pieces_fit(l->pieces, piece, e->id)) == NULL)
		return;
	fit->mass += mass;
	fit->order = e->order;
	if (mass > fit->best) {
		fit->best = mass;
		fit->header = e->header;
		fit->rest = e->rest;
		fit->path = e->path;
	}
}

static void
go(struct lattice *l, const struct edge *e)
{
	l->work++;
	if (l->is_back)
		go_back(l, e);
	else
		go_forward(l, e);
}

/* Takes an edge that ends before group g: once for each number of requests it may have.
 */
static void
arrive(struct lattice *l, struct edge *e, uint32_t group)
{
	const struct run *run = l->run;
	struct group *g = &run->groups[group];
	double weight = e->weight;
	uint32_t n;

	e->arrival = NULL;
	if (group == run->group_count) {
		e->layer = l->layer_count - 1;
		e->used = 0;
		if (e->border != run->border_count - 1)
			e->weight += TRUNCATED;
		go(l, e);
		e->weight = weight;
		return;
	}
	e->used = g->is_loose || g->bytes >= RUN_LENGTHS ? (uint32_t)ANY : 0;
	e->arrival = g;
	for (n = g->count_min; n <= g->count_max; n++) {
		e->layer = g->first + g->count_max - n;
		e->weight = weight + (double)g->weight[n];
		go(l, e);
	}
	e->arrival = NULL;
	e->weight = weight;
}

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
 * Log probability of the place of a late anchor beyond a border. A client reads whole
 * segments: where their ends show as marks, it is one of these; else it is anywhere.
 */
static double
place_weight(const struct run *run, const struct group *anchor, uint32_t border,
	     double spread)
{
	const struct border *at = &run->borders[anchor->at];

	if (at->offset == anchor->anchor && at->is_end)
		return -log(spread / 4 * (at->ends - run->borders[border].ends));
	return -log(spread * (double)(anchor->anchor - run->borders[border].offset));
}

/*
 * Log probability of an anchor, given where its response ends. A request that is late was
 * either held up for a while, or sent together with the next when both responses were
 * read at once.
 */
static double
lag_weight(const struct run *run, const struct group *anchor, uint32_t border)
{
	uint64_t offset = run->borders[border].offset;
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
	       (is_shared ? 0 : place_weight(run, anchor, border, SPREAD));
}

/* The same for a response that ends at an unknown place within a block. */
static double
inner_lag_weight(const struct run *run, const struct group *anchor, uint32_t from,
		 uint32_t to)
{
	if (anchor->anchor <= run->borders[from].offset)
		return VIOLATION;
	if (anchor->anchor < run->borders[to].offset)
		return log((1 - PROMPT) / 2) + place_weight(run, anchor, from, 4);
	if (anchor->anchor == run->borders[to].offset)
		return log((1 - PROMPT) / 2);
	return lag_weight(run, anchor, to);
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
			if (size_digits(size, run->modes.header[m].is_hex) != digits)
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
	if (list->to_end <= from)
		list->to_end = from + 1;
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

/* First border from which on there are so many that are no pages. */
static uint32_t
border_numbered(const struct run *run, uint32_t number)
{
	uint32_t low = 0, high = run->border_count, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (run->borders[mid].number < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* One past the last border worth trying from this one under an anchor. */
static uint32_t
look_end(const struct run *run, uint32_t from, const struct group *anchor)
{
	uint32_t end = run->border_count, low = from + 1, high = end, mid, last;

	if (anchor != NULL) {
		while (low < high) {
			mid = low + (high - low) / 2;
			if (run->borders[mid].offset <= anchor->anchor)
				low = mid + 1;
			else
				high = mid;
		}
		if (low < end)
			end = border_numbered(run, run->borders[low].number + LOOK_BEYOND);
	}
	last = border_numbered(run, run->borders[from].number + LOOK_AHEAD);
	return last < end ? last : end;
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
				arrive(l, &e, layer->group + 1);
				continue;
			}
			e.used = ANY;
			e.layer = s.layer + 1;
			go(l, &e);
			continue;
		}
		for (m = 0; m < run->modes.requests; m++) {
			request = item->path_bytes + run->modes.request[m].bytes;
			e.weight = weight + log(run->modes.request[m].weight);
			e.rest = run->modes.request[m].bytes;
			e.request = request;
			if (layer->left == 1 && request == rest)
				arrive(l, &e, layer->group + 1);
			if (layer->left == 1 || request >= rest ||
			    !(run->length[layer->left - 1][rest - request] > 0))
				continue;
			e.request = 0;
			e.used = s.used + request;
			e.layer = s.layer + 1;
			go(l, &e);
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
				lag_weight(l->run, anchor, list->reach[i].to));
}

/* Log density of the length of a group's requests. */
static double
length_weight(const struct run *run, uint32_t left, uint32_t group, uint32_t used)
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

	*t = (struct target){.weight = length_weight(run, left, group, s.used)};
	for (i = 0; i < count; i++) {
		if (left == 0) {
			if (group >= run->group_count ||
			    run->groups[group].count_min != run->groups[group].count_max)
				return false;
			left = run->groups[group].count_min;
			t->weight += length_weight(run, left, group, 0);
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
	end = look_end(run, s.border, t.anchor);
	weight = t.weight + (count == 1 ? l->log_unknown : (count - 1) * l->log_unmarked) +
		 log(count / SPREAD);
	is_strong = count <= BLOCK_PAGES &&
		    s.alpha >= l->layers[s.layer].strong;
	least = least_weight(l, &t);
	if (weight - log((double)RUN_FRAGMENT * count) + fmax(l->log_marked, 0) + most_hope <
	    least)
		return;
	for (e.border = next_border(run, s.border, is_strong); e.border < end;
	     e.border = next_border(run, e.border, is_strong)) {
		span = run->borders[e.border].offset - from;
		if (span < (uint64_t)RUN_FRAGMENT * count)
			continue;
		e.weight = weight - log((double)span) + border_weight(l, e.border);
		if (e.weight + most_hope < least)
			continue;
		e.weight += log(phase_hope(run, from, from + span));
		if (e.weight < least)
			continue;
		e.weight += lag_weight(run, t.anchor, e.border);
		for (i = 0; i < t.inners; i++)
			e.weight += inner_lag_weight(run, t.inner[i], s.border, e.border);
		if (t.left == 0) {
			arrive(l, &e, t.group);
			continue;
		}
		e.used = ANY;
		e.layer =
		    run->groups[t.group].first + run->groups[t.group].count_max - t.left;
		go(l, &e);
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
	e.weight = TRUNCATED + length_weight(run, layer->left, layer->group, s->used) +
		   (left > outstanding ? OVERDUE * (left - outstanding) : 0);
	if (layer->group + 1 < run->group_count)
		e.weight += run->groups[layer->group + 1].after;
	go(l, &e);
}

static void
answer(struct lattice *l, uint32_t state)
{
	const struct layer *layer = &l->layers[l->states[state].layer];
	const struct group *anchor = anchor_of(l->run, layer->group, layer->left);
	uint32_t count;

	l->from = state;
	l->beta = -INFINITY;
	answer_items(l, anchor, look_end(l->run, l->states[state].border, anchor));
	for (count = 1; count <= BLOCK_MAX; count++)
		answer_unknown(l, count);
	answer_nothing(l);
}

static int
compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x < y) - (x > y);
}

/* The alpha below which a layer's states are left: far behind the best, or too many. */
static double
layer_floor(struct lattice *l, struct layer *layer)
{
	double floor = layer->top - l->keep, *alphas, kept = 0;
	double lost = exp(layer->lost - layer->top);
	uint32_t i, n = 0, most = l->run->config->states_max;

	layer->strong = layer->top - l->keep;
	if ((layer->states <= STRONG && layer->states <= most) ||
	    (alphas = malloc(layer->states * sizeof *alphas)) == NULL)
		return floor;
	for (i = layer->first; i != NONE; i = l->states[i].next)
		alphas[n++] = l->states[i].alpha;
	qsort(alphas, n, sizeof *alphas, compare_double);
	if (n >= STRONG)
		layer->strong = alphas[STRONG - 1];
	if (n <= most) {
		free(alphas);
		return floor;
	}
	l->run->stats->states_dropped += n - most;
	if (alphas[most] > floor)
		floor = alphas[most];
	for (i = 0; i < n; i++)
		*(alphas[i] >= floor ? &kept : &lost) += exp(alphas[i] - layer->top);
	l->pieces->trust *= kept / (kept + lost);
	free(alphas);
	return floor;
}

static void
sweep_forward(struct lattice *l)
{
	uint32_t n, i;
	double floor;

	for (n = 0; n + 1 < l->layer_count; n++) {
		floor = layer_floor(l, &l->layers[n]);
		for (i = l->layers[n].first; i != NONE; i = l->states[i].next) {
			if (l->states[i].alpha < floor ||
			    l->work > l->run->config->work_max / 2) {
				l->is_exhausted |= l->states[i].alpha >= floor;
				l->states[i].alpha = -INFINITY;
				continue;
			}
			answer(l, i);
		}
	}
	l->end_alpha = -INFINITY;
	for (i = l->layers[n].first; i != NONE; i = l->states[i].next) {
		l->end_alpha = log_add(l->end_alpha, l->states[i].alpha);
		l->states[i].beta = 0;
	}
}

static void
sweep_back(struct lattice *l)
{
	uint32_t n, i;

	l->is_back = true;
	for (n = l->layer_count - 1; n-- > 0;)
		for (i = l->layers[n].first; i != NONE; i = l->states[i].next)
			if (l->states[i].alpha > -INFINITY) {
				answer(l, i);
				l->states[i].beta = l->beta;
			}
}

static void
make_layers(struct lattice *l)
{
	struct run *run = l->run;
	uint32_t g, n, at = 0;

	for (g = run->group_count; g-- > 0;)
		run->groups[g].after =
		    length_weight(run, run->groups[g].count_min, g, 0) +
		    (g + 1 < run->group_count ? run->groups[g + 1].after : 0);
	for (g = 0; g < run->group_count; g++) {
		run->groups[g].first = at;
		for (n = run->groups[g].count_max; n > 0; n--)
			l->layers[at++] = (struct layer){.group = g,
							 .left = n,
							 .first = NONE,
							 .top = -INFINITY,
							 .lost = -INFINITY};
	}
	l->layers[at] = (struct layer){
	    .group = g, .first = NONE, .top = -INFINITY, .lost = -INFINITY};
}

/* Numbers the ends of segments and finds the border at each anchor. */
static void
place_anchors(struct run *run)
{
	uint32_t i, at = 0, ends = 0;

	for (i = 0; i < run->border_count; i++)
		run->borders[i].ends = ends += run->borders[i].is_end;
	for (i = 0; i < run->group_count; i++) {
		while (at + 1 < run->border_count &&
		       run->borders[at + 1].offset <= run->groups[i].anchor)
			at++;
		run->groups[i].at = at;
	}
}

/* Spurious ends per octet: those that are more than the requests explain. */
static double
log_spurious(const struct run *run)
{
	double ends = 0, spare, span;
	uint32_t i;

	for (i = 0; i < run->border_count; i++)
		ends += run->borders[i].is_end;
	for (spare = ends, i = 0; i < run->group_count; i++)
		spare -= run->groups[i].count_min;
	span =
	    (double)(run->borders[run->border_count - 1].offset - run->borders[0].offset);
	if (spare < 1 + ends / 8)
		spare = 1 + ends / 8;
	return log(spare / (span + 1));
}

/* What the requests' places cost where nothing explains them. */
static double
unused_anchors(const struct run *run)
{
	uint32_t i, n = 0, requests = 0;

	for (i = 0; i < run->group_count && run->depth == 0; i++) {
		n += requests > 0 && run->groups[i].is_anchored;
		requests += run->groups[i].count_min;
	}
	return n * UNPLACED;
}

int
lattice_weigh(struct run *run, struct pieces *pieces, double *evidence, struct err *err)
{
	struct lattice l = {.run = run,
			    .pieces = pieces,
			    .layer_count = 1,
			    .state_cap = 4096,
			    .slot_mask = (1 << 20) - 1};
	struct edge start = {.id = SEQUENCE_NO_ITEM};
	double marked;
	uint32_t i;
	int status = -1;

	for (i = 0; i < run->group_count; i++)
		l.layer_count += run->groups[i].count_max;
	l.layers = calloc(l.layer_count, sizeof *l.layers);
	l.states = calloc(l.state_cap, sizeof *l.states);
	l.slots = malloc(((size_t)l.slot_mask + 1) * sizeof *l.slots);
	l.reaches = calloc(run->border_count, sizeof *l.reaches);
	if (l.layers == NULL || l.states == NULL || l.slots == NULL || l.reaches == NULL)
		goto done;
	memset(l.slots, 0xff, ((size_t)l.slot_mask + 1) * sizeof *l.slots);
	make_layers(&l);
	for (i = 0; i < run->group_count; i++)
		memset(run->groups[i].mass, 0, sizeof run->groups[i].mass);
	place_anchors(run);
	run->log_spurious = log_spurious(run);
	marked = run->has_pages ? MARKED_PAGES : MARKED;
	l.keep = run->has_pages ? KEEP_PAGES : KEEP;
	l.log_marked = log(marked) - run->log_spurious;
	l.log_unmarked = log(1 - marked);
	/* Where no constant is known no file can fit, and unknown ones are no wonder. */
	l.log_unknown = run->modes.headers > 0 ? log(UNKNOWN) : 0;
	l.log_prior = log((1 - UNKNOWN) / (double)(run->config->count + 1));
	l.most_hope = phase_most_hope(run);
	/* The first arrival comes from a state outside of all layers. */
	l.states[l.state_count++] = (struct state){.chain = NONE, .next = NONE};
	arrive(&l, &start, 0);
	sweep_forward(&l);
	if (!l.is_exhausted)
		sweep_back(&l);
	*evidence = l.is_exhausted ? -INFINITY : l.end_alpha + unused_anchors(run);
	run->stats->edges += l.work;
	run->stats->work_exceeded += l.is_exhausted;
	status = l.is_out_of_memory ? -1 : 0;
done:
	if (status != 0)
		err_set(err, ENOMEM, "sequence: out of memory for a lattice of %u layers",
			l.layer_count);
	for (i = 0; l.reaches != NULL && i < run->border_count; i++)
		free(l.reaches[i].reach);
	free(l.reaches);
	free(l.slots);
	free(l.states);
	free(l.layers);
	return status;
}
