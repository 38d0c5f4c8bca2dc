/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * With h the server's header constant of whole files, S the file's size and a piece of n
 * bytes from a to b = a + n - 1,
 *
 * 	X = n + digits(n) + h + EXTRA + digits(a) + digits(b) + digits(S)
 * 	Y = L + r + 16 + digits(a) + digits(b)		digits(b) only if it is asked for
 *
 * EXTRA is the longer status line and the Content-Range, 38 bytes, less 22 where the
 * server drops Accept-Ranges. So a piece's n follows from where it begins, and a chain of
 * pieces that begins at 0 and ends at the size of a catalogue file, with all requests
 * alike, is that file. It must be likelier than that all pieces are files of their own:
 *
 * 	0.01 S / (S + 1 MB) (1 - u) p(f) p(h) p(r) prod 1 / S
 * 	against   prod (evidence of each)
 *
 * p(f) being the file's share of downloads (popular.h); and nobody fetches a small file
 * in pieces. In TLS records or HTTP/2 frames the pieces' sums are not exact enough for
 * this: only plain HTTP/1.1 is searched.
 */
#include "identify/ranges_inside.h"

#include "base/memory.h"
#include "identify/span.h"
#include "identify/span_weigh.h"

#include <math.h>
#include <stdlib.h>

enum {
	PIECES_MAX = 64,
	REQUEST_SPREAD = 24,   /* octets that requests of one file differ by at most */
	RANGES_MAX = 1 << 20,
};

static const uint64_t WORK_MAX = 100000000;
static const double RANGES_PRIOR = 0.01, RANGES_USUAL = 1e6;

/* A chain of pieces tried: header constant, and what is known of the requests. */
struct chain {
	uint64_t end;  /* bytes so far */
	int64_t rest;  /* of every request, less the digits; -1: not known */
	bool is_alike; /* all requests have that rest */
};

static int64_t
request_rest(const struct record *r, uint64_t a, uint64_t b, bool is_open)
{
	return (int64_t)r->request_span - decimal_digits(a) -
	       (is_open ? 0 : decimal_digits(b));
}

/* Adds a piece; false if its span fits no piece from here on. */
static bool
chain_add(struct chain *chain, const struct record *r, uint32_t header,
    uint32_t size_bytes)
{
	uint64_t a = chain->end, sum = header + size_bytes + decimal_digits(a), n;

	if (r->span <= sum || (n = span_range_length(r->span - sum, a)) == 0)
		return false;
	chain->end = a + n;
	if (!r->has_request)
		return true;
	if (chain->rest < 0)
		chain->rest = request_rest(r, a, a + n - 1, false);
	else
		chain->is_alike &=
		    chain->rest == request_rest(r, a, a + n - 1, false) ||
		    chain->rest == request_rest(r, a, a + n - 1, true);
	return true;
}

/* Log likelihood of a file's requests, and their rest beside path and range. */
static double
request_weight(const struct range_search *s, const struct chain *chain, uint32_t file,
	       uint32_t *rest)
{
	uint8_t mode;

	*rest = 0;
	if (chain->rest < 0 || s->c->request.count == 0)
		return 0;
	if (chain->rest <= SPAN_RANGE_REQUEST)
		return -INFINITY;
	return log(span_request_share(s->files, s->c, file,
				      (uint64_t)chain->rest - SPAN_RANGE_REQUEST, rest,
				      &mode));
}

double
range_own_evidence(const struct range_search *s, size_t first, size_t end)
{
	struct verdict v;
	double sum = 0;
	size_t i;

	for (i = first; i < end; i++) {
		span_name(s->files, s->c, s->records[i], &v);
		sum += log(v.evidence + 1e-300);
	}
	return sum;
}

static void
try_files(struct range_search *s, size_t first, size_t end, const struct chain *chain,
	  double header_weight, uint32_t header, struct range_set *best)
{
	double own, weight, p, size = (double)chain->end;
	uint32_t rest;
	size_t at = files_first(s->files, chain->end);

	if (at == s->files->count || !chain->is_alike)
		return;
	own = range_own_evidence(s, first, end);
	for (; at < s->files->count && s->files->file[at].size == chain->end; at++) {
		weight = log(RANGES_PRIOR * size / (size + RANGES_USUAL) *
			     (1 - s->c->unknown) *
			     popular_share(s->popular, (uint32_t)at)) +
			 header_weight - (double)(end - first - 1) * log(size);
		weight += request_weight(s, chain, (uint32_t)at, &rest);
		p = 1 / (1 + exp(own - weight));
		if (p > best->probability)
			*best = (struct range_set){
			    .choice = {{(uint32_t)at, header, rest, p}},
			    .choices = 1,
			    .pieces = (uint32_t)(end - first),
			    .probability = p};
	}
}

/* Chains from one piece on, with one header constant and numbers of digits of S. */
struct trial {
	const struct mode *header;
	uint32_t extra, digits, hex; /* hex 0: the header has none */
};

static void
try_chain(struct range_search *s, size_t first, const struct trial *t,
    struct range_set *best)
{
	struct chain chain = {.rest = -1, .is_alike = true};
	const struct record *r, *before = NULL;
	size_t i;

	for (i = first; i < s->count && i < first + PIECES_MAX; before = r, i++) {
		r = s->records[i];
		if (before != NULL &&
		    (r->start_us - before->end_us > RANGES_GAP_US || !chain.is_alike))
			return;
		s->ranges->work++;
		if (!chain_add(&chain, r, t->header->bytes + t->extra,
			       t->digits + t->hex) ||
		    decimal_digits(chain.end) > t->digits)
			return;
		if (i > first && decimal_digits(chain.end) == t->digits &&
		    (t->hex == 0 || hex_digits(chain.end) == t->hex))
			try_files(s, first, i + 1, &chain,
				  log(t->header->weight / SPAN_RANGE_EXTRAS + 1e-300),
				  t->header->bytes + t->extra, best);
	}
}

/* One header constant: with its hexadecimal digits, of which a number of decimal digits
 * leaves two choices at most. */
static void
try_chains(struct range_search *s, size_t first, struct trial *t, struct range_set *best)
{
	uint64_t least = 1;
	uint32_t i, last;

	for (i = 1; i < t->digits; i++)
		least *= 10;
	t->hex = t->header->digits == DIGITS_HEX ? hex_digits(least) : 0;
	last = t->header->digits == DIGITS_HEX ? hex_digits(least * 10 - 1) : 0;
	for (; t->hex <= last; t->hex++)
		try_chain(s, first, t, best);
}

static struct range_set
find_at(struct range_search *s, size_t first)
{
	struct range_set best = {.probability = RANGES_AT};
	struct trial t;
	uint64_t most = 0;
	uint32_t mode, extra;
	size_t i;

	for (i = first; i < s->count && i < first + PIECES_MAX; i++)
		most += s->records[i]->span;
	for (mode = 0; mode < s->c->header.count; mode++)
		for (extra = 0; extra < SPAN_RANGE_EXTRAS &&
		    range_is_searched(&s->c->header.mode[mode]);
		     extra++) {
			t = (struct trial){.header = &s->c->header.mode[mode],
					   .extra = span_range_extra[extra]};
			t.digits = decimal_digits(s->records[first]->span);
			for (; t.digits <= decimal_digits(most) && t.digits < 19;
			     t.digits++)
				try_chains(s, first, &t, &best);
		}
	return best;
}

static void
keep_piece(struct ranges *ranges, const struct record *r)
{
	if (ranges->later_count == ranges->later_cap) {
		ranges->later_cap = ranges->later_cap ? ranges->later_cap * 2 : 16;
		ranges->later = must(realloc(ranges->later, ranges->later_cap *
		    sizeof *ranges->later));
	}
	ranges->later[ranges->later_count++] =
	    (struct range_piece){r->start_us, r->client_port};
}

static void
keep_set(struct range_search *s, size_t first, const struct range_set *set)
{
	struct ranges *ranges = s->ranges;
	struct record *head = s->records[first], *r;
	size_t i;

	if (ranges->count == ranges->cap) {
		ranges->cap = ranges->cap ? ranges->cap * 2 : 16;
		ranges->sets = must(realloc(ranges->sets, ranges->cap * sizeof *set));
	}
	ranges->sets[ranges->count] = *set;
	ranges->sets[ranges->count++].later = ranges->later_count;
	head->range = ranges->count;
	for (i = first + 1; i < first + set->pieces; i++) {
		r = s->records[i];
		r->range = ranges->count;
		r->is_dropped = true;
		keep_piece(ranges, r);
		head->span += r->span;
		head->bytes += r->bytes;
		head->packets += r->packets;
		if (r->end_us > head->end_us)
			head->end_us = r->end_us;
	}
}

bool
ranges_may_hold(const struct files *files, const struct constants *c,
		const struct record *r)
{
	struct verdict v;

	if (!r->has_span || r->is_at_least || r->is_dropped)
		return false;
	span_name(files, c, r, &v);
	/* A piece may well have the length of some file with a header or a request that
	 * is none of the constants. */
	return v.whole < 0.5 || v.candidate[0].header_mode == 0 ||
	    (r->has_request && v.candidate[0].request_mode == 0);
}

/* Range requests of one file are alike in length. */
static bool
may_belong(const struct record *a, const struct record *b)
{
	uint64_t more = a->request_span > b->request_span ? a->request_span
							  : b->request_span;
	uint64_t less = a->request_span + b->request_span - more;

	return b->start_us - a->end_us <= RANGES_GAP_US &&
	       a->has_request == b->has_request &&
	       (!a->has_request || more - less <= REQUEST_SPREAD);
}

void
ranges_find(struct ranges *ranges, const struct files *files, const struct constants *c,
	    const struct popular *popular, struct record **records, size_t count)
{
	struct range_search s = {ranges, files, c, popular, records, count};
	struct range_set set;
	size_t i;

	for (i = 0; i + 1 < count; i++) {
		if (!may_belong(records[i], records[i + 1]))
			continue;
		if (ranges->work > WORK_MAX || ranges->count == RANGES_MAX) {
			ranges->given_up += count - i;
			return;
		}
		set = range_find_resumed(&s, i);
		if (set.pieces == 0)
			set = find_at(&s, i);
		if (set.pieces == 0)
			continue;
		keep_set(&s, i, &set);
		i += set.pieces - 1;
	}
}

void
ranges_done(struct ranges *ranges)
{
	free(ranges->sets);
	free(ranges->later);
	*ranges = (struct ranges){0};
}
