/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Learning what is known of servers and paths goes from the whole to the part: the octets
 * per packet, the law of records and the header constants of all servers' records
 * together, then of each server; losses of a server's records together, then of each path
 * that has enough of its own; what is learned of the whole is the prior of the part.
 *
 * A frozen model only adapts: servers and paths that it does not know are learned, with
 * what it knows of the whole as the prior; what it knows stays.
 */
#include "identify/plain_inside.h"

#include "base/memory.h"
#include "identify/sampled.h"

#include <math.h>
#include <stdlib.h>

enum {
	FIT_ROUNDS = 6,
	MANY_ROUNDS = 2, /* of these, the last ones: with */
	MANY_RECORDS = 2000, /* at most; the others with */
	FEW_RECORDS = 300,
	REFIT_ROUNDS = 3,
	POOL_MAX = 1200,
	GUESS_RECORDS = 60,
	SERVERS_GUESSED_MAX = 2000, /* beyond, servers only try what most others do */
	OVERHEAD_RECORDS = 150,
	/* Pairs that tell segments; others looked at for each record, and of its octets
	 * one in so many. */
	REPEATS_MIN = 10,
	REPEAT_PAIRS = 100,
	REPEAT_PART = 50,
};

/* A path's own octets of headers are looked for where so many of its records are of no
 * file, and taken if they are e^8 times likelier. */
static const double OVERHEAD_UNKNOWN = 0.3, OVERHEAD_GAIN = 8;
/* Of what all servers' guess gains of a record, what another's must gain to be left at
 * that. */
static const double USUAL_PART = 0.5;

static size_t
pick(const struct record *records, size_t n, size_t max, const struct record **out)
{
	size_t i, of[2] = {0}, all, seen = 0, count = 0;
	bool is_v6;

	for (i = 0; i < n; i++)
		of[records[i].server.is_v6] += plain_is(&records[i]);
	is_v6 = of[1] > of[0];
	all = of[is_v6] > max ? of[is_v6] : max;
	/* Evenly over all, all of them if they are few; of one version of IP. */
	for (i = 0; i < n; i++)
		if (plain_is(&records[i]) && records[i].server.is_v6 == is_v6 &&
		    seen++ * max / all >= count)
			out[count++] = &records[i];
	return count;
}

/* Of records 0..n-1 of a server, sorted by client, the first behind `first` that is of
 * another one. */
static size_t
client_end(const struct record *const *r, size_t n, size_t first)
{
	size_t end = first;

	while (end < n && addr_compare(&r[end]->client, &r[first]->client) == 0)
		end++;
	return end;
}

/* Those of n records that the wire model names. */
static size_t
pick_plain(const struct record *records, size_t n, const struct record **out)
{
	size_t i, count = 0;

	for (i = 0; i < n; i++)
		if (plain_is(&records[i]))
			out[count++] = &records[i];
	return count;
}

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

/*
 * What records 0..n-1 of a server (or of all) agree on. The likely is tried first; where
 * it convinces nothing else is. like: what is known of the whole, or NULL.
 */
static bool
guess_server(struct plain *p, const struct record *const *r, size_t n,
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

static void
take_guess(const struct wire_guess *g, struct wire_server *out)
{
	out->overhead = g->overhead;
	out->header = g->header;
}

/* Rounds of EM over records 0..n-1 of a server or a path. */
static void
fit(struct plain *p, const struct server *s, const struct record *const *r, size_t n,
    const struct wire_path *base, int rounds, struct wire_path *path,
    struct wire_tables **tables)
{
	const struct wire_server *wire = plain_wire_server(p, s);
	uint32_t overhead = path->own_overhead != 0 ? path->own_overhead
						    : plain_overhead(p, s, r[0]),
		 mss = path->mss;
	struct plain_ready ready;
	int round;

	if (mss == 0 || wire->header.count == 0)
		return;
	for (round = 0; round < rounds; round++) {
		struct wire_path next = *path;

		plain_make_ready(p, wire, path, plain_tables(tables, path), overhead, mss,
		    &ready);
		wire_refit(&ready.model, r, n,
			   round + MANY_ROUNDS < rounds ? FEW_RECORDS : MANY_RECORDS,
			   base, &next);
		if (p->files->has_paths && round <= 1)
			wire_learn_request_paths(&ready.model, r, n, &next);
		*path = next;
		plain_renew_tables(tables);
	}
}

/* Log likelihood of records 0..n-1 of a path of s with that many octets of headers and of
 * segments, and the mean probability that they are of no file. */
static double
score_path(struct plain *p, struct server *s, const struct record *const *r, size_t n,
	   uint32_t overhead, uint32_t mss, double *unknown)
{
	size_t step = n / OVERHEAD_RECORDS + 1, i, count = 0;
	struct plain_ready ready;
	struct verdict v;
	double sum = 0;

	*unknown = 0;
	if (mss == 0)
		return -INFINITY;
	plain_make_ready(p, plain_wire_server(p, s), &s->known.path,
			 plain_tables(&s->tables, &s->known.path), overhead, mss, &ready);
	for (i = 0; i < n; i += step) {
		wire_name(&ready.model, r[i], &v);
		sum += log(v.evidence + 1e-300);
		*unknown += v.unknown;
		count++;
	}
	*unknown /= (double)count;
	return sum;
}

static double
score_overhead(struct plain *p, struct server *s, const struct record *const *r, size_t n,
	       uint32_t overhead, double *unknown)
{
	return score_path(p, s, r, n, overhead, wire_mss_of(r, n, overhead), unknown);
}

static int
rising(const void *pa, const void *pb)
{
	const uint64_t *a = pa, *b = pb;

	return *a < *b ? -1 : *a > *b;
}

/* Pairs of records 0..n-1 that differ by some whole segments of a size: of files that
 * came again, whatever they are, and else by chance. */
static size_t
count_repeats(const struct record *const *r, size_t n, uint32_t overhead, uint32_t mss)
{
	uint64_t *payload = must(calloc(n + 1, sizeof *payload)), apart, most;
	size_t i, k, pairs = 0;

	for (i = 0; i < n; i++)
		payload[i] = wire_payload(r[i], overhead);
	qsort(payload, n, sizeof *payload, rising);
	for (i = 0; i < n; i++) {
		most = 8 * mss + payload[i] / REPEAT_PART;
		for (k = i + 1; k < n && k <= i + REPEAT_PAIRS; k++) {
			apart = payload[k] - payload[i];
			if (apart > most)
				break;
			pairs += apart > 0 && apart % mss == 0;
		}
	}
	free(payload);
	return pairs;
}

/*
 * The largest segment of records 0..n-1; 0: they do not say. A sender of many short
 * segments looks like one of Ethernet or of somewhat smaller ones: what was sent again
 * tells then.
 */
static uint32_t
find_mss(struct plain *p, struct server *s, const struct record *const *r, size_t n,
	 uint32_t overhead)
{
	uint32_t found = wire_mss_of(r, n, overhead),
		 usual = wire_mss_usual(overhead, r[0]->server.is_v6);
	size_t repeats[2];
	double unknown;

	if (found == 0 || found >= usual || plain_wire_server(p, s)->header.count == 0)
		return found;
	repeats[0] = count_repeats(r, n, overhead, found);
	repeats[1] = count_repeats(r, n, overhead, usual);
	if (repeats[0] + repeats[1] >= REPEATS_MIN &&
	    (repeats[0] > 3 * repeats[1] || repeats[1] > 3 * repeats[0]))
		return repeats[0] > repeats[1] ? found : usual;
	return score_path(p, s, r, n, overhead, usual, &unknown) >=
		       score_path(p, s, r, n, overhead, found, &unknown)
		   ? usual
		   : found;
}

/*
 * Octets of headers per packet of a path, where they are not the server's: 0, or what
 * explains its records much better. Timestamps are the client's affair as well.
 */
static uint32_t
find_overhead(struct plain *p, struct server *s, const struct record *const *r, size_t n)
{
	bool is_v6 = r[0]->server.is_v6;
	uint32_t own = plain_overhead(p, s, r[0]), found = 0, other;
	double best, score, unknown;
	unsigned i;

	if (n < PLAIN_RECORDS_MIN || p->config.overhead != 0 ||
	    plain_wire_server(p, s)->header.count == 0)
		return 0;
	best = score_overhead(p, s, r, n, own, &unknown);
	if (unknown < OVERHEAD_UNKNOWN)
		return 0;
	best += OVERHEAD_GAIN;
	for (i = 0; i < 2; i++) {
		other = wire_overhead_usual(is_v6, i == 0);
		if (other == own)
			continue;
		score = score_overhead(p, s, r, n, other, &unknown);
		if (score > best) {
			best = score;
			found = other;
		}
	}
	return found;
}

/* The routers that most of records 0..n-1 tell of, to the client or to the server;
 * HOPS_UNKNOWN where none does. */
static uint32_t
usual_hops(const struct record *const *r, size_t n, bool to_client)
{
	uint32_t count[HOPS_UNKNOWN] = {0}, best = HOPS_UNKNOWN, most = 0, hops;
	size_t i;

	for (i = 0; i < n; i++) {
		hops = position_hops(to_client ? r[i]->client_ttl : r[i]->server_ttl);
		if (hops == HOPS_UNKNOWN || ++count[hops] <= most)
			continue;
		most = count[hops];
		best = hops;
	}
	return best;
}

/* Where the meter is by records 0..n-1; of those that do not tell what was known holds. */
static void
learn_hops(const struct record *const *r, size_t n, struct wire_path *path)
{
	uint32_t client = usual_hops(r, n, true), server = usual_hops(r, n, false);

	if (client != HOPS_UNKNOWN)
		path->hops_client = client;
	if (server != HOPS_UNKNOWN)
		path->hops_server = server;
}

static void
learn_path(struct plain *p, struct server *s, const struct record *const *r, size_t n)
{
	struct path *path = plain_path_add(s, &r[0]->client);
	struct wire_path base = s->known.path;
	uint32_t overhead, mss;

	if (path->known.wire.own_overhead == 0)
		path->known.wire.own_overhead = find_overhead(p, s, r, n);
	overhead = plain_path_overhead(p, s, path, r[0]);
	if (path->known.wire.flows >= PLAIN_FIT_MIN)
		base = path->known.wire;
	learn_hops(r, n, &path->known.wire);
	if (n >= PLAIN_RECORDS_MIN && (mss = find_mss(p, s, r, n, overhead)) != 0)
		path->known.wire.mss = mss;
	if (n < PLAIN_FIT_MIN && path->known.wire.flows < PLAIN_FIT_MIN)
		return;
	base.mss = path->known.wire.mss;
	base.own_overhead = path->known.wire.own_overhead;
	base.hops_client = path->known.wire.hops_client;
	base.hops_server = path->known.wire.hops_server;
	path->known.wire = base;
	path->is_own = true;
	if (!p->files->has_paths)
		wire_learn_request(r, n, overhead, &path->known.wire);
	if (!p->config.is_fixed && n >= PLAIN_RECORDS_MIN)
		fit(p, s, r, n, &base, FIT_ROUNDS, &path->known.wire, &path->tables);
	path->is_fitted = !p->config.is_fixed && n >= PLAIN_RECORDS_MIN;
	path->known.wire.flows = base.flows == s->known.path.flows
				     ? (double)n
				     : base.flows + (double)n;
	plain_renew_tables(&path->tables);
}

/* Learns a server from its plain records 0..n-1, sorted by client. */
static void
learn_server(struct plain *p, struct server *s, const struct record *const *r, size_t n,
	     bool is_thorough)
{
	struct wire_path base = s->known.path.flows >= PLAIN_RECORDS_MIN ? s->known.path
									 : p->all.known.path;
	struct wire_guess guess;
	size_t first, end;
	uint32_t mss;

	if (n >= PLAIN_RECORDS_MIN &&
	    (guess_server(p, r, n,
			  s->known.wire.header.count > 0 ? &s->known.wire
			  : &p->all.known.wire,
			  is_thorough, &guess) ||
	     (s->known.wire.header.count == 0 && is_thorough &&
	      plain_guess_sums(p, r, n, plain_overhead(p, s, r[0]), &guess))))
		take_guess(&guess, &s->known.wire);
	if (n >= PLAIN_RECORDS_MIN) {
		wire_learn_bands(r, n, &s->known.wire);
		if ((mss = find_mss(p, s, r, n, plain_overhead(p, s, r[0]))) != 0)
			base.mss = mss;
	}
	learn_hops(r, n, &base);
	/* Where nothing was learned of any path, where the meter is tells most. */
	if (base.flows == 0 && p->config.position == POSITION_any)
		plain_expect(&base, position_of_hops(base.hops_client, base.hops_server));
	s->known.path = base;
	if (!p->files->has_paths && n >= PLAIN_RECORDS_MIN)
		wire_learn_request(r, n, plain_overhead(p, s, r[0]), &s->known.path);
	if (!p->config.is_fixed && n >= PLAIN_RECORDS_MIN)
		fit(p, s, r, n, &base, FIT_ROUNDS, &s->known.path, &s->tables);
	s->is_fitted = !p->config.is_fixed && n >= PLAIN_RECORDS_MIN;
	s->known.path.flows = base.flows + (double)n;
	plain_renew_tables(&s->tables);
	for (first = 0; first < n; first = end) {
		end = client_end(r, n, first);
		learn_path(p, s, &r[first], end - first);
	}
	plain_learn_several(p, s, r, n);
}

/* Fits the losses of a server and of its paths again, from where they are. */
static void
refit_server(struct plain *p, struct server *s, const struct record *const *r, size_t n)
{
	struct wire_path *path = &s->known.path;
	double flows = path->flows;
	size_t first, end;
	struct path *one;

	if (s->is_fitted) {
		fit(p, s, r, n, &p->all.known.path, REFIT_ROUNDS, path, &s->tables);
		path->flows = flows;
		plain_renew_tables(&s->tables);
	}
	for (first = 0; first < n; first = end) {
		end = client_end(r, n, first);
		if (!plain_knows_path(s, &r[first]->client))
			continue;
		one = plain_path_add(s, &r[first]->client);
		if (!one->is_fitted)
			continue;
		flows = one->known.wire.flows;
		fit(p, s, &r[first], end - first, path, REFIT_ROUNDS, &one->known.wire,
		    &one->tables);
		one->known.wire.flows = flows;
		plain_renew_tables(&one->tables);
	}
}

void
plain_refit(struct plain *p, const struct record *records, size_t n)
{
	const struct record **picked = must(calloc(n + 1, sizeof *picked));
	size_t count, first, end;

	for (first = 0; first < n && p->files->count > 0; first = end) {
		const struct record *of = &records[first];

		end = record_server_end(records, n, first);
		count = pick_plain(of, end - first, picked);
		if (count >= PLAIN_RECORDS_MIN &&
		    plain_knows(p, &of->server, of->server_port))
			refit_server(p, plain_server_add(p, &of->server, of->server_port),
				     picked, count);
	}
	free(picked);
	plain_forget_indexes(p);
}

/* The share of files that the catalogue does not have, where packets were sampled. */
static void
learn_sampled(struct plain *p, const struct record *records, size_t n)
{
	struct server *s = plain_server_add(p, &records[0].server,
	    records[0].server_port);
	struct verdict v;
	double sum, count;
	size_t i, step = n > POOL_MAX ? n / POOL_MAX : 1;
	int round;

	if (s->known.path.flows >= PLAIN_RECORDS_MIN || p->config.is_fixed)
		return;
	for (round = 0; round < FIT_ROUNDS; round++) {
		sum = count = 0;
		for (i = 0; i < n; i += step) {
			if (!sampled_is(&records[i]))
				continue;
			sampled_name(p->files, plain_wire_server(p, s), &s->known.path,
				     &records[i], &v);
			sum += v.unknown;
			count++;
		}
		s->known.path.unknown = (sum + 1) / (count + 2);
	}
	plain_renew_tables(&s->tables);
}

/* What QUIC costs a server, which is known only where it has many records. Whether it was
 * looked for. */
static bool
learn_quic(struct plain *p, const struct record *records, size_t n, bool is_known_kept)
{
	const struct addr *addr = &records[0].server;
	uint16_t port = records[0].server_port;
	struct quic_server quic = {0};
	const struct record **picked;
	size_t count = 0, i;

	for (i = 0; i < n; i++)
		count += quic_is(&records[i]);
	if (count >= QUIC_FLOWS_MIN && plain_knows(p, addr, port))
		quic = plain_server_add(p, addr, port)->known.quic;
	if (count < QUIC_FLOWS_MIN || (is_known_kept && quic.flows > 0))
		return false;
	picked = must(calloc(count, sizeof *picked));
	for (i = count = 0; i < n; i++)
		if (quic_is(&records[i]))
			picked[count++] = &records[i];
	if (quic_learn(p->files, picked, count, &quic) ||
	    (!p->config.no_several && quic_learn_sums(p->files, picked, count, &quic)))
		plain_server_add(p, addr, port)->known.quic = quic;
	free(picked);
	return true;
}

/* The parameters of all servers: the middle of theirs, each by its downloads. */
static void
learn_all_paths(struct plain *p)
{
	struct wire_path *all = &p->all.known.path, sum = {0};
	double weight = 0, w;
	size_t i, k;

	for (i = 0; i < p->servers; i++) {
		const struct wire_path *one = &p->server[i].known.path;

		if (one->flows < PLAIN_FIT_MIN)
			continue;
		w = one->flows < 1000 ? one->flows : 1000;
		weight += w;
		sum.lam += w * log(one->lam);
		sum.r += w * log(one->r);
		sum.tail += w * one->tail;
		sum.options += w * one->options;
		sum.q_whole += w * one->q_whole;
		sum.unknown += w * one->unknown;
		for (k = 0; k < WIRE_X_CLASSES; k++)
			sum.q[k] += w * one->q[k];
		for (k = 0; k < 8; k++)
			sum.from[k / 4][k % 4] += w * one->from[k / 4][k % 4];
	}
	if (weight == 0 || p->config.is_fixed)
		return;
	all->lam = exp(sum.lam / weight);
	all->r = exp(sum.r / weight);
	all->tail = sum.tail / weight;
	all->options = sum.options / weight;
	all->q_whole = sum.q_whole / weight;
	all->unknown = sum.unknown / weight;
	for (k = 0; k < WIRE_X_CLASSES; k++)
		all->q[k] = sum.q[k] / weight;
	for (k = 0; k < 8; k++)
		all->from[k / 4][k % 4] = sum.from[k / 4][k % 4] / weight;
	all->flows = weight;
	plain_renew_tables(&p->all.tables);
}

/* Learns the paths that are not known from records 0..n-1 of a server, sorted by
 * client. */
static void
adapt_paths(struct plain *p, struct server *s, const struct record *const *r, size_t n)
{
	size_t first, end;

	for (first = 0; first < n; first = end) {
		end = client_end(r, n, first);
		if (!plain_knows_path(s, &r[first]->client))
			learn_path(p, s, &r[first], end - first);
	}
}

void
plain_adapt(struct plain *p, const struct record *records, size_t n)
{
	const struct record **picked = must(calloc(n + 1, sizeof *picked));
	size_t count, first, end, servers = 0, quic_servers = 0;
	struct server *s;
	bool is_known;

	for (first = 0; first < n && p->files->count > 0; first = end) {
		const struct record *of = &records[first];

		end = record_server_end(records, n, first);
		count = pick_plain(of, end - first, picked);
		if (quic_servers < SERVERS_GUESSED_MAX)
			quic_servers += learn_quic(p, of, end - first, true);
		if (count < PLAIN_RECORDS_MIN)
			continue;
		is_known = plain_knows(p, &of->server, of->server_port);
		s = plain_server_add(p, &of->server, of->server_port);
		if (is_known)
			adapt_paths(p, s, picked, count);
		else
			learn_server(p, s, picked, count,
			    servers++ < SERVERS_GUESSED_MAX);
	}
	free(picked);
	plain_forget_indexes(p);
	p->last = NULL;
}

void
plain_learn(struct plain *p, const struct record *records, size_t n)
{
	const struct record **picked = must(calloc(n + 1, sizeof *picked));
	size_t count = pick(records, n, POOL_MAX, picked), first, end, i, servers = 0,
	       sampled, quic_servers = 0;
	struct wire_guess guess;

	if (n > 0 && p->files->count > 0) {
		p->usual_gain = p->usual_known = 0;
		if (count > 0 &&
		    guess_server(p, picked, count, &p->all.known.wire, true, &guess)) {
			take_guess(&guess, &p->all.known.wire);
			p->usual_gain = guess.gain / (double)guess.records;
			set_usual(p, picked, count);
		}
		if (count > 0)
			wire_learn_bands(picked, count, &p->all.known.wire);
		for (first = 0; first < n; first = end) {
			end = record_server_end(records, n, first);
			count = pick_plain(&records[first], end - first, picked);
			for (i = first, sampled = 0; i < end; i++)
				sampled += sampled_is(&records[i]);
			if (count > 0)
				learn_server(p,
					     plain_server_add(p, &records[first].server,
							records[first].server_port),
					     picked, count,
					     servers++ < SERVERS_GUESSED_MAX);
			if (sampled > 0)
				learn_sampled(p, &records[first], end - first);
			if (quic_servers < SERVERS_GUESSED_MAX)
				quic_servers += learn_quic(p, &records[first],
				    end - first, false);
		}
		learn_all_paths(p);
		p->version++;
	}
	free(picked);
	plain_forget_indexes(p);
	p->last = NULL;
}
