/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client may send the first bytes of a request by themselves, which the meter counts to
 * the exchange before: two exchanges are then named together. And a client that fetches
 * many files at once does so in the order of the archive's index: the places of the sure
 * downloads around one tell files of equal size and path length apart.
 */
#include "identify/neighbour.h"

#include "identify/span.h"

enum {
	AROUND = 16,    /* records looked at before and after */
	PAIRS_LEAST = 4, /* pairs of places that must be known */
};

static const double SURE = 0.95;

/* Whether the request is none that the server's clients usually send for such a file. */
static bool
is_odd(const struct constants *c, const struct record *r, const struct verdict *v)
{
	uint32_t i;

	if (!r->has_span || !r->has_request || r->is_at_least)
		return false;
	if (v->count == 0 || v->candidate[0].probability < 0.99)
		return true;
	for (i = 0; i < c->request.count; i++)
		if (c->request.mode[i].bytes == v->candidate[0].rest)
			return false;
	return true;
}

static bool
is_same_client(const struct record *a, const struct record *b)
{
	return a->client_port == b->client_port && a->server_port == b->server_port &&
	       addr_compare(&a->client, &b->client) == 0 &&
	       addr_compare(&a->server, &b->server) == 0;
}

static void
note(const struct neighbours *n, const struct constants *c, size_t at,
     const struct verdict *v)
{
	const struct candidate *best = &v->candidate[0];
	bool is_sure = v->count > 0 && best->probability >= SURE && !best->is_partial;

	n->memo[at] = (struct neighbour_memo){.sure = is_sure ? best->file + 1 : 0,
					      .is_known = true,
					      .is_odd = is_odd(c, &n->records[at], v)};
}

/* The exchange after (or before) this one may hold some bytes of its request. */
static void
name_pair(const struct neighbours *n, const struct constants *c, size_t at, int step,
	  struct verdict *verdict)
{
	const struct record *r = &n->records[at], *other = r + step;
	const struct record *pair[2] = {step > 0 ? r : other, step > 0 ? other : r};
	struct verdict both[2];

	if ((step < 0 && at == 0) || (step > 0 && at + 1 == n->count))
		return;
	if (!r->has_connection || !other->has_connection || !other->has_span ||
	    c->request.count == 0 || r->connection != other->connection ||
	    pair[0]->exchange + 1 != pair[1]->exchange)
		return;
	if (is_same_client(r, other) && n->memo[at + (size_t)step].is_known &&
	    !n->memo[at + (size_t)step].is_odd)
		return;
	span_name(n->files, c, other, &both[step > 0 ? 1 : 0]);
	if (is_same_client(r, other))
		note(n, c, at + (size_t)step, &both[step > 0 ? 1 : 0]);
	if (!is_odd(c, other, &both[step > 0 ? 1 : 0]))
		return;
	both[step > 0 ? 0 : 1] = *verdict;
	span_name_pair(n->files, c, pair, both);
	*verdict = both[step > 0 ? 0 : 1];
}

void
neighbour_name(const struct neighbours *n, const struct constants *c, size_t at,
	       struct verdict *out)
{
	const struct record *r = &n->records[at];

	span_name(n->files, c, r, out);
	note(n, c, at, out);
	if (n->memo[at].is_odd)
		name_pair(n, c, at, 1, out);
	if (is_odd(c, r, out))
		name_pair(n, c, at, -1, out);
}

/* The place in the index of a record's file if that is sure, else 0. */
static uint32_t
sure_place(const struct neighbours *n, const struct constants *c, const uint32_t *order,
	   size_t at)
{
	struct verdict v;

	if (!n->records[at].has_span)
		return 0;
	if (!n->memo[at].is_known) {
		span_name(n->files, c, &n->records[at], &v);
		note(n, c, at, &v);
	}
	return n->memo[at].sure > 0 ? order[n->memo[at].sure - 1] : 0;
}

void
neighbour_order(const struct neighbours *n, const struct constants *c, size_t at,
		struct hint_view *view)
{
	size_t first = at, last = at, i;
	uint32_t before = 0, place, pairs = 0, ascending = 0;

	while (first > 0 && at - first < AROUND &&
	       is_same_client(&n->records[first - 1], &n->records[at]))
		first--;
	while (last + 1 < n->count && last - at < AROUND &&
	       is_same_client(&n->records[last + 1], &n->records[at]))
		last++;
	view->low = 0;
	view->high = view->last + 1;
	for (i = first; i <= last; i++) {
		if (i == at || (place = sure_place(n, c, view->order, i)) == 0)
			continue;
		pairs += before > 0;
		ascending += before > 0 && place > before;
		before = place;
		if (i < at)
			view->low = place;
		else if (view->high == view->last + 1)
			view->high = place;
	}
	view->in_order = (ascending + 1.0) / (pairs + 2.0);
	if (pairs < PAIRS_LEAST || view->in_order < 0.7)
		view->in_order = 0;
}
