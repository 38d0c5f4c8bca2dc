/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What records of a server (or of all) agree on: octets of headers per packet, the law of
 * records and the header constants. The likely is tried first; where it convinces nothing
 * else is.
 */
#include "identify/plain_inside.h"

#include "base/memory.h"

#include <stdlib.h>

enum { GUESS_RECORDS = 60 };

/* Of what all servers' guess gains of a record, what another's must gain to be left at
 * that. */
static const double USUAL_PART = 0.5;

/* Segments and SACK options of records 0..n-1, each by its path's records among them. */
static void
guess_paths(const struct plain *p, const struct record *const *r, size_t n,
	    uint32_t overhead, uint32_t *mss, uint8_t *n_class)
{
	size_t first, end, i;
	uint32_t found;

	for (first = 0; first < n; first = end) {
		for (end = first; end < n &&
				  addr_compare(&r[end]->client, &r[first]->client) == 0 &&
				  addr_compare(&r[end]->server, &r[first]->server) == 0;
		     end++)
			;
		struct wire_path path = {.options_tell = true};

		found = end - first >= PLAIN_RECORDS_MIN
			    ? wire_mss_of(&r[first], end - first, overhead)
			    : 0;
		if (!p->files->has_paths)
			wire_learn_request(&r[first], end - first, overhead, &path);
		for (i = first; i < end; i++) {
			mss[i] = found != 0 ? found : wire_mss(r[i], overhead);
			n_class[i] = (uint8_t)wire_options_class(
			    &path, r[i]->request_packets > 0
				       ? wire_request(r[i], overhead)
				       : 0);
		}
	}
}

static void
try_guess(const struct plain *p, const struct record *const *r, size_t n, uint32_t *mss,
	  uint32_t overhead, enum tls_law law, double less, struct wire_guess *best)
{
	struct wire_guess guess = {.overhead = overhead, .law = law};
	uint8_t *n_class = (uint8_t *)(mss + n);

	guess_paths(p, r, n, overhead, mss, n_class);
	wire_vote(p->files, r, mss, n_class, n, &guess);
	guess.gain -= less;
	if (guess.is_significant && (!best->is_significant || guess.gain > best->gain))
		*best = guess;
}

static bool
is_convincing(const struct wire_guess *g, size_t n)
{
	return g->is_significant && g->header.other < 0.5 && g->gain > 0.7 * (double)n;
}

/* Whether it explains a server's records about as well as the others' are explained: all
 * that there is was looked for then. */
static bool
is_usual(const struct plain *p, const struct wire_guess *g)
{
	return p->usual_gain > 0 && g->is_significant &&
	       g->gain > USUAL_PART * p->usual_gain * (double)g->records;
}

bool
plain_guess_server(struct plain *p, const struct record *const *r, size_t n,
	     const struct wire_server *like, bool is_thorough, struct wire_guess *best)
{
	static const uint32_t links[] = {0, 14, 18};
	uint32_t *mss = must(calloc(2 * n + 1, sizeof *mss)),
	    usual = plain_usual_overhead(p, r[0]),
		 c;
	bool is_v6 = r[0]->server.is_v6, is_tls = tls_is_port(r[0]->server_port);
	size_t few = n < GUESS_RECORDS ? n : GUESS_RECORDS, i, k;
	int law;

	*best = (struct wire_guess){0};
	if (like != NULL && like->overhead != 0 && p->usual_known > 0) {
		guess_paths(p, r, n, like->overhead, mss, (uint8_t *)(mss + n));
		if (plain_guess_known(p, like, r, mss, (uint8_t *)(mss + n), n, best))
			goto done;
	}
	if (like != NULL && like->header.count > 0)
		try_guess(p, r, n, mss,
			  like->overhead != 0 ? like->overhead : usual,
			  like->header.mode[0].law, 0, best);
	if (is_usual(p, best))
		goto done;
	if (!is_convincing(best, n))
		try_guess(p, r, n, mss, usual, is_tls ? TLS_tls13_16k : TLS_none, 0,
		    best);
	for (i = 0; i < 6 && is_thorough && !is_convincing(best, n); i++) {
		c = wire_overhead_usual(is_v6, i < 3) + links[i % 3];
		if (p->config.overhead != 0)
			c = p->config.overhead;
		for (law = 0; law < TLS_LAWS; law++)
			try_guess(p, r, few, mss, c, (enum tls_law)law,
				  (c != usual) * 2 + (i % 3) +
				      ((law != TLS_none) != is_tls) * 3,
				  best);
		for (k = 0; best->is_significant && best->overhead == c && k < 1; k++) {
			struct wire_guess whole = {0};

			try_guess(p, r, n, mss, c, best->law, 0, &whole);
			if (whole.is_significant)
				*best = whole;
		}
		if (p->config.overhead != 0)
			break;
	}
done:
	free(mss);
	return best->is_significant;
}

/* What is known of all servers, held against their records. */
static void
set_usual(struct plain *p, const struct record *const *r, size_t n)
{
	uint32_t *mss = must(calloc(2 * n + 1, sizeof *mss));

	guess_paths(p, r, n, p->all.known.wire.overhead, mss, (uint8_t *)(mss + n));
	plain_set_usual(p, r, mss, (uint8_t *)(mss + n), n);
	free(mss);
}

void
plain_take_guess(const struct wire_guess *g, struct wire_server *out)
{
	out->overhead = g->overhead;
	out->header = g->header;
}

void
plain_guess_all(struct plain *p, const struct record *const *r, size_t n)
{
	struct wire_guess guess;

	p->usual_gain = p->usual_known = 0;
	if (n == 0 || !plain_guess_server(p, r, n, &p->all.known.wire, true, &guess))
		return;
	plain_take_guess(&guess, &p->all.known.wire);
	p->usual_gain = guess.gain / (double)guess.records;
	set_usual(p, r, n);
}
