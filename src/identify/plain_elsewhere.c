/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names records of servers and paths of which nothing was learned: a model that is frozen
 * meets such. What holds there is weighed, not taken from elsewhere: octets of headers
 * per packet (with or without timestamps, a link's header), each with the segments that
 * it suggests; a server's own header, if it is known, or that of the others, as likely as
 * these agree with one another, or any (wire_blind.c); any losses beside those known; and
 * more downloads that the catalogue does not have.
 */
#include "identify/plain_inside.h"

#include <math.h>

enum { GUESSES_MAX = 32, ODD_GUESSES = 12,
       ODD_BELOW = 24 /* octets less than Ethernet's, at least */ };

static const double PATH_BROAD = 0.5, /* of the losses: any */
		    SERVER_BROAD = 0.7, SAME_SERVER = 0.97, LEAST_SAME = 0.05,
		    OTHERS = 4, /* servers that send something else, supposed */
		    OTHER_LAYER = 0.05, /* plain HTTP and TLS, of the other's port */
		    UNKNOWN_ANYWHERE = 0.5, TLS_PORT_SHARE = 0.9, OTHER_PORT_SHARE = 0.1,
		    LEAST_GUESS = 1e-3,
		    /* of clients, those that ask for other things than those known */
		    OTHER_CLIENT = 0.25, OTHER_SERVER = 0.5,
		    SEVERAL_CLIENT = 0.05, SEVERAL_ANYWHERE = 0.1;

/* Octets of headers per packet and of segments that a record may have. */
struct guess {
	uint32_t overhead, mss;
	double weight;
};

/* What holds for losses where a path is not known: what does for the server, or
 * anything. */
static void
broaden(const struct plain *p, struct server *s)
{
	struct wire_path usual, *broad = &s->broad;
	bool is_server = s != &p->all;
	double other;
	size_t i;

	wire_path_default(&usual);
	*broad = s->known.path;
	broad->broad = is_server ? PATH_BROAD : SERVER_BROAD;
	broad->flows = 0;
	broad->tail = fmax(broad->tail, usual.tail);
	broad->q_whole = 0.5 * (broad->q_whole + usual.q_whole);
	for (i = 0; i < WIRE_X_CLASSES; i++)
		broad->q[i] = 0.5 * (broad->q[i] + usual.q[i]);
	for (i = 0; i < 8; i++)
		broad->from[i / 4][i % 4] =
		    0.5 * (broad->from[i / 4][i % 4] + usual.from[i / 4][i % 4]);
	/* Whether whole files are asked for, and taken to their end, is the client's
	 * affair, how long the requests are its and the server's. */
	other = is_server ? OTHER_CLIENT : OTHER_SERVER;
	broad->unknown += other * (UNKNOWN_ANYWHERE - broad->unknown);
	if (is_server)
		return;
	if (p->config.position != POSITION_any)
		plain_expect(broad, p->config.position);
	broad->request = 0;
}

/* How likely a server that is not known sends like those known: as these do like each
 * other. */
static double
share_alike(const struct plain *p, uint16_t port)
{
	const struct modes *all = &p->all.known.wire.header, *one;
	double alike = 0, others = OTHERS, share;
	size_t i;

	if (all->count == 0)
		return 0;
	for (i = 0; i < p->servers; i++) {
		one = &p->server[i].known.wire.header;
		if (one->count == 0)
			continue;
		others++;
		alike += one->mode[0].bytes == all->mode[0].bytes &&
			 one->mode[0].digits == all->mode[0].digits &&
			 one->mode[0].law == all->mode[0].law;
	}
	share = fmax(alike / others, LEAST_SAME);
	return tls_is_port(port) == (all->mode[0].law != TLS_none) ? share
								    : share * OTHER_LAYER;
}

static void
add_guess(const struct record *r, uint32_t overhead, uint32_t mss, double weight,
	  struct guess *out, size_t *n)
{
	size_t i;

	for (i = 0; i < *n; i++)
		if (out[i].overhead == overhead && out[i].mss == mss)
			return;
	if (mss > 0 && *n < GUESSES_MAX)
		out[(*n)++] = (struct guess){
		    overhead, mss,
		    weight * exp(wire_score_of_mss(r, overhead, mss) +
				 wire_score_of_request(r, overhead) -
				 wire_mss_doubt(mss, overhead, r->server.is_v6))};
}

/* Segments of Ethernet, and those that the record's own packets suggest: some short ones
 * make these too small. Tunnels leave segments of any size. */
static void
add_guesses(const struct record *r, uint32_t overhead, double weight, struct guess *out,
	    size_t *n)
{
	add_guess(r, overhead, wire_mss_usual(overhead, r->server.is_v6), weight, out, n);
	add_guess(r, overhead, wire_mss(r, overhead), weight, out, n);
}

static void
add_odd_guesses(const struct record *r, uint32_t overhead, struct guess *out, size_t *n)
{
	uint32_t usual = wire_mss_usual(overhead, r->server.is_v6),
		 mss = wire_mss_least(r, overhead), i;

	for (i = 0; i < ODD_GUESSES && mss > 0 && mss + ODD_BELOW < usual; i++)
		add_guess(r, overhead, mss++, 1, out, n);
}

static size_t
guess_overheads(const struct plain *p, uint32_t own, uint32_t mss, const struct record *r,
		struct guess *out)
{
	static const struct {
		uint32_t octets; /* of a link's header */
		double share;
	} links[] = {{0, 0.2}, {14, 0.03}, {18, 0.02}};
	bool is_v6 = r->server.is_v6;
	size_t n = 0, i;
	double sum = 0;

	add_guess(r, own, mss, 1, out, &n);
	add_guesses(r, own, 1, out, &n);
	add_odd_guesses(r, own, out, &n);
	for (i = 0; i < sizeof links / sizeof links[0] && p->config.overhead == 0; i++) {
		add_guesses(r, wire_overhead_usual(is_v6, true) + links[i].octets,
			    links[i].share, out, &n);
		add_guesses(r, wire_overhead_usual(is_v6, false) + links[i].octets,
			    links[i].share, out, &n);
	}
	for (i = 0; i < n; i++)
		sum += out[i].weight;
	for (i = 0; i < n; i++)
		out[i].weight /= sum;
	return n;
}

/* Adds what a model says, times scale. */
static void
weigh_model(const struct wire_model *m, const struct record *r, double scale,
	    struct tally *tally)
{
	double left, weight;
	struct verdict v;
	uint32_t i;

	wire_name(m, r, &v);
	scale *= v.evidence;
	left = scale * (1 - v.unknown);
	for (i = 0; i < v.count; i++) {
		weight = scale * v.candidate[i].probability;
		tally_add(tally, &v.candidate[i], weight);
		left -= weight;
	}
	/* Files that were not told one by one. */
	if (left > 0) {
		tally->sum += left;
		tally->whole += left;
	}
}

void
plain_name_elsewhere(struct plain *p, struct server *s, uint32_t mss,
    const struct record *r, struct verdict *out)
{
	const struct wire_server *wire = plain_wire_server(p, s);
	double same = s != &p->all		? SAME_SERVER
		      : wire->header.count == 0 ? 0
						: share_alike(p, r->server_port),
	       tls = tls_is_port(r->server_port) ? TLS_PORT_SHARE : OTHER_PORT_SHARE,
	       unknown = 0,
	       several = fmax(wire->several,
			      s != &p->all ? SEVERAL_CLIENT : SEVERAL_ANYWHERE),
	       before, files,
	       density, most = -1;
	struct guess guess[GUESSES_MAX];
	size_t n = guess_overheads(p, plain_overhead(p, s, r), mss, r, guess), i;
	struct plain_ready ready;
	struct tally tally;

	if (s->broad_tables == NULL)
		broaden(p, s);
	plain_tables(&s->broad_tables, &s->broad);
	*out = (struct verdict){.is_elsewhere = true};
	tally_begin(&tally, out);
	for (i = 0; i < n; i++) {
		const struct guess *g = &guess[i];
		struct wire_blind blind = {p->files, p->popular, &s->broad,
					   s->broad_tables, g->overhead, g->mss, tls};
		uint64_t payload = wire_payload(r, g->overhead);

		if (g->weight < LEAST_GUESS || payload == 0)
			continue;
		before = tally.sum;
		if (wire->header.count > 0) {
			plain_make_ready(p, wire, &s->broad, s->broad_tables, g->overhead,
					 g->mss, &ready);
			weigh_model(&ready.model, r, g->weight * same, &tally);
			wire_weigh_blind(&blind, r, g->weight * (1 - same), &tally);
		} else {
			wire_weigh_blind(&blind, r, g->weight, &tally);
		}
		files = tally.sum - before;
		density = g->weight * wire_unknown_density(p->files, wire, payload);
		unknown += density * s->broad.unknown;
		/* Neither: several downloads on the record, of which any sum may come. */
		tally.sum += density * (1 - s->broad.unknown) * several;
		if (files <= most)
			continue;
		most = files;
		out->payload = payload;
		out->overhead = g->overhead;
		out->mss = g->mss;
		out->x = wire_x(r, payload, g->mss);
	}
	tally_end(&tally, unknown);
}
