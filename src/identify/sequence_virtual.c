/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual borders. A server whose stream never pauses fills its segments, and no mark shows
 * where one response ends and the next begins. But a request of known length leaves only
 * the files of one length of path; of these the one asked for ends where its size says, not
 * behind the place at which the client sent a later request for its sake, and in the order
 * of the index if the run has one. Each such end becomes a border that only this lattice
 * knows; whether it is right shows where the next mark is met exactly.
 */
#include "identify/sequence_lattice.h"

#include <math.h>
#include <stdlib.h>

enum {
	FROM_REAL = 12,   /* log: a state this far behind the best is not worth it */
	FROM_VIRTUAL = 8, /* the same of one that is at a virtual border */
	KEEP = 16,        /* log: an edge this far behind the best of its layer */
	VIRTUAL_SLOTS = 1 << 19,
};

static uint32_t
place_of(const struct run *run, uint64_t offset)
{
	uint32_t low = 0, high = run->border_count, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (run->borders[mid].offset <= offset)
			low = mid + 1;
		else
			high = mid;
	}
	return low > 0 ? low - 1 : 0;
}

/* The virtual border at an offset; NONE where a real one is, or none can be made. */
static uint32_t
border_at(struct lattice *l, uint64_t offset, uint32_t place)
{
	struct run *run = l->run;
	uint32_t slot = (uint32_t)(offset * 0x9e3779b97f4a7c15u >> 45), i;
	const struct border *real = &run->borders[place];

	if (real->offset == offset)
		return LATTICE_NONE;
	for (; (i = l->virtual_slots[slot]) != 0; slot = (slot + 1) % VIRTUAL_SLOTS)
		if (run->borders[i - 1].offset == offset)
			return i - 1;
	if (l->is_back || run->virtual_count == run->virtual_room) {
		run->stats->states_dropped += !l->is_back;
		return LATTICE_NONE;
	}
	i = run->border_count + run->virtual_count++;
	run->borders[i] = (struct border){.offset = offset,
					  .row = real->row,
					  .ends = real->ends,
					  .place = place,
					  .is_virtual = 1};
	l->virtual_slots[slot] = i + 1;
	return i;
}

/* Index into by_path of the first item of a path's length and at least that size. */
static size_t
find_path(const struct run *run, uint32_t path, uint64_t size)
{
	const struct sequence_item *items = run->config->items;
	size_t low = 0, high = run->config->count, mid;

	while (low < high) {
		const struct sequence_item *item;

		mid = low + (high - low) / 2;
		item = &items[run->by_path[mid]];
		if (item->path_bytes < path ||
		    (item->path_bytes == path && item->size < size))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The highest alpha of the layers where a group may begin; the lowest of these. */
static double
top_of(const struct lattice *l, uint32_t group)
{
	const struct group *g = &l->run->groups[group];
	double top = INFINITY;
	uint32_t n;

	if (group == l->run->group_count)
		return l->layers[l->layer_count - 1].top;
	for (n = 0; n <= (uint32_t)(g->count_max - g->count_min); n++)
		if (l->layers[g->first + n].top < top)
			top = l->layers[g->first + n].top;
	return top;
}

/* Edges of one item, one for each header. */
static void
answer_item(struct lattice *l, const struct sequence_item *item, const struct group *anchor,
	    struct edge *e, double weight)
{
	const struct run *run = l->run;
	const struct state s = l->states[l->from];
	uint32_t group = l->layers[s.layer].group + 1, m, place;
	uint64_t end, limit = run->borders[run->border_count - 1].offset;

	for (m = 0; m < run->modes.headers; m++) {
		e->header = run->modes.header[m].bytes +
			    size_digits(item->size, run->modes.header[m].is_hex);
		end = run->borders[s.border].offset + e->header + item->size;
		if (end >= limit || (anchor != NULL && end > anchor->anchor))
			continue;
		place = place_of(run, end);
		e->weight = weight + log(run->modes.header[m].weight) +
			    lattice_lag_at(run, anchor, end, place);
		if (s.alpha + e->weight < top_of(l, group) - KEEP)
			continue;
		e->border = border_at(l, end, place);
		if (e->border != LATTICE_NONE)
			lattice_arrive(l, e, group);
	}
}

void
lattice_answer_virtual(struct lattice *l, const struct group *anchor)
{
	const struct run *run = l->run;
	const struct state s = l->states[l->from];
	const struct layer *layer = &l->layers[s.layer];
	const struct group *g = &run->groups[layer->group];
	uint64_t from = run->borders[s.border].offset, most;
	double weight, order, worth = run->borders[s.border].is_virtual ? FROM_VIRTUAL
									: FROM_REAL;
	uint32_t m, path, rest;
	size_t i;

	if (run->by_path == NULL || layer->left != 1 || s.used == LATTICE_ANY ||
	    s.alpha < layer->top - worth || !run->is_ordered)
		return;
	most = anchor != NULL ? anchor->anchor : run->borders[run->border_count - 1].offset;
	if (most <= from)
		return;
	most -= from;
	rest = g->bytes - s.used;
	for (m = 0; m < run->modes.requests; m++) {
		struct edge e = {.responses = 1, .rest = run->modes.request[m].bytes};

		if (rest <= run->modes.request[m].bytes)
			continue;
		path = rest - run->modes.request[m].bytes;
		e.request = rest;
		weight = l->log_prior + l->log_unmarked + log(run->modes.request[m].weight);
		for (i = find_path(run, path, 0); i < run->config->count; i++) {
			const struct sequence_item *item =
			    &run->config->items[run->by_path[i]];

			if (item->path_bytes != path || item->size >= most)
				break;
			order = lattice_order_weight(l, item->order);
			if (order < 0)
				continue;
			e.id = item->id;
			e.order = item->order;
			answer_item(l, item, anchor, &e, weight + order);
		}
	}
}
