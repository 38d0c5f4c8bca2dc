/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Anchors: the request sent depth requests later went out when a response had come, so
 * its place in the response stream is where that ends, or a little beyond.
 */
#include "identify/sequence_lattice.h"

static const double PROMPT = 0.8;    /* anchors exactly at their border */
static const double VIOLATION = -14; /* log: a request before its time */
static const double UNPLACED = -10;  /* log: a request sent at any time */

const struct group *
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
double
anchor_lag(const struct run *run, const struct group *anchor, uint32_t border)
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
double
anchor_inner_lag(const struct run *run, const struct group *anchor, uint32_t from,
		 uint32_t to)
{
	if (anchor->anchor <= run->borders[from].offset)
		return VIOLATION;
	if (anchor->anchor < run->borders[to].offset)
		return log((1 - PROMPT) / 2) + place_weight(run, anchor, from, 4);
	if (anchor->anchor == run->borders[to].offset)
		return log((1 - PROMPT) / 2);
	return anchor_lag(run, anchor, to);
}

void
anchor_place_all(struct run *run)
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

double
anchor_unused(const struct run *run)
{
	uint32_t i, n = 0, requests = 0;

	for (i = 0; i < run->group_count && run->depth == 0; i++) {
		n += requests > 0 && run->groups[i].is_anchored;
		requests += run->groups[i].count_min;
	}
	return n * UNPLACED;
}
