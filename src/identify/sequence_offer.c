/* SPDX-License-Identifier: BSD-2-Clause */
/* What a response of a stretch may be, and where it may end. */
#include "identify/sequence_table.h"

#include <stdlib.h>

/* requests sent when their answer ended, and no later */
static const double PROMPT = 0.5;
static const double SPREAD = 16;  /* natural logs of the range of lags */

double
place_lag(const struct slot *slot, uint64_t offset)
{
	if (slot->anchor == 0 || offset > slot->anchor)
		return 1;
	if (offset == slot->anchor)
		return PROMPT;
	return (1 - PROMPT) / (SPREAD * (double)(slot->anchor - offset));
}

void
place_collect(struct table *t, const struct slot *slot)
{
	const struct run *run = t->stretch->run;
	uint32_t i = run_find_border(run, 0, slot->low);

	t->places = 0;
	for (; i < run->border_count && run->borders[i].offset <= slot->high; i++) {
		uint64_t offset = run->borders[i].offset;
		bool is_end = run->borders[i].is_end;

		if ((is_end || offset == slot->anchor) && t->places < PLACES_MAX)
			t->place[t->places++] = (struct place){
			    offset, (is_end ? t->shown : 1 - SHOWN) *
					place_lag(slot, offset)};
	}
}

static bool
place_is_before(const void *places, size_t i, uint64_t offset)
{
	return ((const struct place *)places)[i].offset < offset;
}

bool
place_is(const struct table *t, uint64_t offset)
{
	size_t i = search_first(t->place, 0, t->places, offset, place_is_before);

	return i < t->places && t->place[i].offset == offset;
}

static int
compare_candidate(const void *pa, const void *pb)
{
	const struct candidate *a = pa, *b = pb;

	if (a->item != b->item)
		return a->item < b->item ? -1 : 1;
	return (a->rest > b->rest) - (a->rest < b->rest);
}

static bool
candidate_is_smaller(const void *arg, size_t i, uint64_t size)
{
	const struct table *t = arg;

	return t->config->items[t->candidate[i].item].size < size;
}

size_t
candidate_find(const struct table *t, uint64_t size)
{
	return search_first(t, 0, t->candidates, size, candidate_is_smaller);
}

static void
add_candidate(struct table *t, uint32_t item, uint32_t rest)
{
	const struct sequence_item *i = &t->config->items[item];
	const struct stretch *s = t->stretch;

	if (s->is_ordered && (i->order <= s->low || (s->high > 0 && i->order >= s->high)))
		return;
	t->candidate[t->candidates++] = (struct candidate){
	    item, rest,
	    s->run->modes.request[rest].weight *
		(s->run->likelier != NULL ? (double)s->run->likelier[i->id] : 1)};
}

void
candidate_collect(struct table *t, uint32_t q)
{
	const struct stretch *s = t->stretch;
	const struct run *run = s->run;
	const struct slot *slot = &s->slot[q];
	uint64_t low = q > 0 ? s->slot[q - 1].low : s->offset;
	uint64_t high = q > 0 ? s->slot[q - 1].high : s->offset;
	uint64_t least = slot->low > high + RUN_FILL_HEADER
			     ? slot->low - high - RUN_FILL_HEADER
			     : 0;
	uint64_t most = slot->high > low ? slot->high - low : 0;
	uint32_t m, path;
	size_t i, end;

	t->candidates = 0;
	if (slot->request == 0) {
		end = item_find(t->config, most);
		for (i = item_find(t->config, least); i < end; i++)
			for (m = 0; m < (slot->left > 0 ? run->modes.requests : 1); m++)
				add_candidate(t, (uint32_t)i, m);
		return;
	}
	for (m = 0; m < run->modes.requests; m++) {
		if (slot->request <= run->modes.request[m].bytes)
			continue;
		path = slot->request - run->modes.request[m].bytes;
		for (i = run_find_path(run, path, least); i < t->config->count; i++) {
			const struct sequence_item *item =
			    &t->config->items[t->config->by_path[i]];

			if (item->path_bytes != path || item->size >= most)
				break;
			add_candidate(t, t->config->by_path[i], m);
		}
	}
	qsort(t->candidate, t->candidates, sizeof *t->candidate, compare_candidate);
}

bool
candidate_request(const struct table *t, const struct slot *slot,
    const struct candidate *c, uint32_t *used)
{
	const struct run *run = t->stretch->run;
	uint32_t request;

	if (slot->request > 0 || slot->left == 0) {
		*used = 0;
		return true;
	}
	request = t->config->items[c->item].path_bytes +
	    run->modes.request[c->rest].bytes;
	*used += request;
	if (slot->left == 1) {
		if (*used != slot->sum)
			return false;
		*used = 0;
		return true;
	}
	return *used + (slot->left - 1) * run->request_min <= slot->sum;
}
