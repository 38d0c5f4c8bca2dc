/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first download of an encrypted connection: tickets and settings come with its
 * response, and its request has headers that later ones only refer to (HTTP/2). Both are
 * constants of the server and its clients, but there are few such downloads, too few for
 * a vote among all constants. So what is looked for is a pair: octets beside those that
 * the server's usual responses have, and octets of the request, which the first exchanges
 * agree on.
 */
#include "identify/span_weigh.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>

enum {
	EXTRA_MAX = 1500, /* octets of tickets and settings */
	REST_MAX = 600,   /* of a request beside the path */
	FIRST_LAST = 2,   /* the first download's exchange at the latest */
	RECORDS_MAX = 400,
	FILES_MAX = 5000, /* of a record */
	PAIRS_LEAST = 2,  /* records that must agree */
};

static const double PAIR_SHARE = 0.2, NEEDED = 8;

/* A pair that a file would make true of a record. */
struct pair {
	uint32_t key, record;
	double gain;
};

struct search {
	const struct files *files;
	struct constants *c;
	const struct mode *header, *request; /* the usual ones; request NULL: no paths */
	struct pair *pair;
	size_t count, cap;
	double untouched; /* log likelihood of records that a pair leaves alone */
};

static const struct mode *
heaviest(const struct modes *modes)
{
	uint32_t i, best = 0;

	for (i = 1; i < modes->count; i++)
		if (modes->mode[i].weight > modes->mode[best].weight)
			best = i;
	return modes->count > 0 ? &modes->mode[best] : NULL;
}

static bool
is_first(const struct record *r)
{
	return r->has_connection && r->exchange >= 1 && r->exchange <= FIRST_LAST &&
	       r->offset > 0;
}

static void
put(struct search *s, uint32_t key, uint32_t record, double gain)
{
	if (s->count == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 4096;
		s->pair = must(realloc(s->pair, s->cap * sizeof *s->pair));
	}
	s->pair[s->count++] = (struct pair){key, record, gain};
}

/* The files whose usual response is at most EXTRA_MAX octets short of the span. */
static void
window(const struct search *s, const struct record *r, size_t *at, size_t *to)
{
	uint64_t most = EXTRA_MAX + s->header->bytes + 36 +
			tls_cost_early(s->header->law, r->span, s->header->inner, 0),
		 least = s->header->bytes;

	*at = files_lower(s->files, r->span > most ? r->span - most : 0);
	*to = r->span > least ? files_lower(s->files, r->span - least) : *at;
}

/* Octets of a file's usual response here. */
static uint64_t
usual(const struct search *s, const struct record *r, uint64_t size)
{
	const struct mode *m = s->header;
	uint32_t digits = size_digits(size, m->digits),
		 before = span_records_before(m->law, r).least;

	return size + m->bytes + digits +
	       tls_cost_early(m->law, size, m->inner + digits, before);
}

static void
look(struct search *s, const struct record *r, uint32_t number)
{
	bool with_request = s->request != NULL && r->has_request;
	double scale = (1 - s->c->unknown) / (double)s->files->count, gain;
	struct verdict verdict;
	size_t at, to;

	span_weigh(s->files, s->c, r, with_request, &verdict);
	gain = log1p(PAIR_SHARE / (1 - PAIR_SHARE) * scale / (verdict.evidence + 1e-300));
	s->untouched += log1p(-PAIR_SHARE);
	window(s, r, &at, &to);
	if (to > at + FILES_MAX)
		return;
	for (; at < to; at++) {
		uint64_t sent = usual(s, r, s->files->file[at].size);
		uint32_t path, rest = 0;

		if (sent > r->span || r->span - sent > EXTRA_MAX)
			continue;
		if (with_request) {
			path = files_path_octets(s->files, at, s->request->phase);
			if (path == 0 || r->request_span <= path ||
			    r->request_span - path > REST_MAX)
				continue;
			rest = (uint32_t)(r->request_span - path);
		}
		put(s, (uint32_t)(r->span - sent) * (REST_MAX + 1) + rest, number, gain);
	}
}

static int
by_key(const void *pa, const void *pb)
{
	const struct pair *a = pa, *b = pb;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->record < b->record ? -1 : a->record > b->record;
}

/* The key that most records agree on; false if that can be chance. */
static bool
best_key(struct search *s, uint32_t *key)
{
	double best = -INFINITY, gain;
	uint32_t records;
	size_t first, i;

	if (s->count > 0)
		qsort(s->pair, s->count, sizeof *s->pair, by_key);
	for (first = 0; first < s->count; first = i) {
		gain = s->untouched;
		records = 0;
		for (i = first; i < s->count && s->pair[i].key == s->pair[first].key; i++)
			/* Files of one size and path length: once. */
			if (i == first || s->pair[i].record != s->pair[i - 1].record) {
				gain += s->pair[i].gain;
				records++;
			}
		if (records >= PAIRS_LEAST && gain > best) {
			best = gain;
			*key = s->pair[first].key;
		}
	}
	return best > log((double)EXTRA_MAX * (s->request != NULL ? REST_MAX : 1)) +
	    NEEDED;
}

static bool
add_mode(struct modes *modes, struct mode mode)
{
	uint32_t i;

	for (i = 0; i < modes->count; i++)
		if (modes->mode[i].bytes == mode.bytes &&
		    modes->mode[i].law == mode.law &&
		    modes->mode[i].digits == mode.digits &&
		    modes->mode[i].phase == mode.phase)
			return false;
	if (modes->count == MODES_MAX)
		return false;
	modes->mode[modes->count++] = mode;
	return true;
}

/* Takes the pair's constants over; false if they are known. */
static bool
take(struct search *s, uint32_t key)
{
	struct mode header = *s->header, request = {0};
	bool is_new;

	header.bytes += key / (REST_MAX + 1);
	is_new = add_mode(&s->c->header, header);
	if (s->request != NULL) {
		request.bytes = key % (REST_MAX + 1);
		request.phase = s->request->phase;
		is_new |= add_mode(&s->c->request, request);
	}
	span_even(s->c, &s->c->header);
	span_even(s->c, &s->c->request);
	return is_new;
}

void
span_vote_first(const struct files *files, const struct record *records, size_t n,
		struct constants *c)
{
	struct search s = {.files = files, .c = c};
	struct mode header, request;
	uint32_t number, key = 0;
	size_t i;

	if (heaviest(&c->header) == NULL || !c->is_encrypted)
		return;
	header = *heaviest(&c->header);
	s.header = &header;
	if (files->has_paths && c->request.count > 0) {
		request = *heaviest(&c->request);
		s.request = &request;
	}
	do {
		s.count = 0;
		s.untouched = 0;
		for (i = 0, number = 0; i < n && number < RECORDS_MAX; i++)
			if (span_is_lesson(c, &records[i]) && is_first(&records[i]))
				look(&s, &records[i], number++);
	} while (best_key(&s, &key) && take(&s, key));
	free(s.pair);
}
