/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a block, a stretch of responses whose inner borders are not known, to a stretch
 * for sequence_ways.c: the length of each request, or the sum of those that went together
 * less those of responses that are known; how far the stream had come when the request
 * went out that the client sent at a response's end; the places of the sure files around
 * in the archive's index.
 *
 * Of n files that fill a block exactly some may still be wrong: one file is not in the
 * catalogue, or has a header that was not learned. How much weight chance gives to ways
 * is seen at blocks that are a little longer or shorter: with W of the ways and E by
 * chance, the truth is among them with
 *
 *	(1 - m) W / ((1 - m) W + m E)		m: probability of such a file,
 *						or that bounds left the truth out
 */
#include "identify/sequence_run.h"

#include "identify/sequence_ways.h"

#include <math.h>

/* Responses that the catalogue, or what was learned of headers, does not explain: one
 * of so many, beside those seen among the sure ones. */
static const double UNKNOWN_ONE_IN = 15;
static const uint32_t ENTRIES = 30000; /* per response */

/* A path's length and a size as one key; sizes of more than that are cut off. */
enum { SIZE_BITS = 44 };

static uint64_t
path_key(uint32_t path, uint64_t size)
{
	uint64_t most = (UINT64_C(1) << SIZE_BITS) - 1;

	return (uint64_t)path << SIZE_BITS | (size < most ? size : most);
}

static bool
has_lesser_path(const void *arg, size_t i, uint64_t key)
{
	const struct sequence_config *config = arg;
	const struct sequence_item *item = &config->items[config->by_path[i]];

	return path_key(item->path_bytes, item->size) < key;
}

size_t
run_find_path(const struct run *run, uint32_t path, uint64_t size)
{
	return search_first(run->config, 0, run->config->count, path_key(path, size),
			    has_lesser_path);
}

/* Group of a request by its number, and the number of the group's first; NULL where the
 * numbers of requests before it are not settled. */
static const struct group *
group_of(const struct run *run, uint32_t ordinal, uint32_t *first)
{
	const struct group *g = run->groups;
	uint32_t i, n = 0;

	for (i = 0; i < run->group_count && g[i].count_min == g[i].count_max; i++) {
		if (ordinal < n + g[i].count_min) {
			*first = n;
			return &g[i];
		}
		n += g[i].count_min;
	}
	return NULL;
}

/* The request of a response, or its part in a sum. */
static void
set_request(const struct run *run, const struct block *block, uint32_t q,
	    struct slot *slot)
{
	uint32_t first, end, from, to, i, ordinal = block->ordinal + q;
	const struct group *g = group_of(run, ordinal, &first);
	uint64_t others = 0;

	if (g == NULL || g->is_loose)
		return;
	end = first + g->count_min;
	from = first > block->ordinal ? first : block->ordinal;
	to = end < block->ordinal + block->responses ? end
						     : block->ordinal + block->responses;
	for (i = first; i < end; i++) {
		if (i >= from && i < to)
			continue;
		if (i >= block->known_count || block->known[i].request == 0)
			return;
		others += block->known[i].request;
	}
	if (others >= g->bytes)
		return;
	if (to - from == 1)
		slot->request = g->bytes - (uint32_t)others;
	else {
		slot->left = to - ordinal;
		slot->sum = g->bytes - (uint32_t)others;
	}
}

/* Where a response may end, by the request that the client sent then. */
static void
set_window(const struct run *run, const struct block *block, uint32_t q,
    struct slot *slot)
{
	uint32_t number = block->ordinal + q, first;
	uint32_t ordinal = number + (run->depth > 0 ? run->depth : RUN_DEPTH);
	const struct group *g = group_of(run, ordinal, &first);

	slot->low = block->offset;
	slot->high = block->offset + block->span;
	if (number < block->known_count && block->known[number].to > 0)
		slot->low = slot->high = block->known[number].to;
	else if (number + 1 < block->known_count && block->known[number + 1].to > 0)
		slot->low = slot->high = block->known[number + 1].from;
	if (g == NULL || !g->is_anchored || g->anchor <= block->offset)
		return;
	if (g->anchor < slot->low)
		return; /* sent before its time: it says nothing */
	if (g->anchor < slot->high)
		slot->high = g->anchor;
	if (ordinal + 1 == first + g->count_min)
		slot->anchor = g->anchor;
}

/*
 * Ways in the order of the index, if that explains the block better, or at any rate;
 * kept: the probability that the run keeps to it. Where ways in any order are too many to
 * find, they are taken for as many as the orders of the files that came out, and borders
 * that these files' pages bear out are none of theirs.
 */
static int
find_ways(struct stretch *s, const struct block *block, struct ways *out, double *kept,
	  struct err *err)
{
	double in_order = -INFINITY, anyhow = -INFINITY;
	bool is_unsure = block->order == BLOCK_ANYHOW && s->responses > 1;
	int found, found_any = 0;

	*kept = 1;
	s->is_ordered = false;
	if (is_unsure && (found_any = ways_find(s, out, err)) < 0)
		return -1;
	if (found_any > 0)
		anyhow = out->log_weight - lgamma(s->responses + 1.0);
	s->is_ordered = block->order != BLOCK_FREE;
	if ((found = ways_find(s, out, err)) < 0 || !is_unsure)
		return found;
	if (found > 0) {
		in_order = out->log_weight + s->run->config->order_odds;
		if (found_any == 0)
			anyhow = out->log_flat;
	}
	if (in_order > anyhow) {
		*kept = 1 / (1 + exp(anyhow - in_order));
		return found;
	}
	s->is_ordered = false;
	return found_any > 0 ? ways_find(s, out, err) : 0;
}

int
run_fill(const struct run *run, const struct block *block, struct ways *out,
	 double *certainty, struct err *err)
{
	struct stretch s = {.run = run,
			    .offset = block->offset,
			    .span = block->span,
			    .responses = block->responses,
			    .low = block->low,
			    .high = block->high,
			    .entries_max = ENTRIES};
	double missing, chance, kept;
	const struct group *g;
	uint32_t q, first, unknown = 0;
	int found;

	if (run->config->by_path == NULL || block->responses < 1 ||
	    block->responses > WAYS_SLOTS)
		return 0;
	for (q = 0; q < s.responses; q++) {
		g = group_of(run, block->ordinal + q, &first);
		if (g == NULL || !g->is_anchored || g->is_loose)
			return 0; /* who knows how many there are */
		set_request(run, block, q, &s.slot[q]);
		set_window(run, block, q, &s.slot[q]);
		unknown += block->ordinal + q >= block->known_count ||
			   block->known[block->ordinal + q].to == 0;
	}
	if ((found = find_ways(&s, block, out, &kept, err)) <= 0)
		return found;
	/* One more of other lengths may have had as much weight: there are few, and
	 * mostly one way is most of it. */
	chance = exp(out->log_chance - out->log_weight) + 1.0 / WAYS_SPANS;
	missing = (block->unknown_seen + 1) / (block->seen + UNKNOWN_ONE_IN);
	missing = 1 - pow(1 - missing, unknown) * out->trust;
	*certainty = kept * (1 - missing) / (1 - missing + missing * chance);
	return 1;
}
