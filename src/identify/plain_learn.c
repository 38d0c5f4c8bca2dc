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
	SERVERS_GUESSED_MAX = 2000, /* beyond, servers only try what most others do */
};


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
		path->known.wire.own_overhead = plain_find_overhead(p, s, r, n);
	overhead = plain_path_overhead(p, s, path, r[0]);
	if (path->known.wire.flows >= PLAIN_FIT_MIN)
		base = path->known.wire;
	learn_hops(r, n, &path->known.wire);
	if (n >= PLAIN_RECORDS_MIN && (mss = plain_find_mss(p, s, r, n, overhead)) != 0)
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
	    (plain_guess_server(p, r, n,
				s->known.wire.header.count > 0 ? &s->known.wire
							       : &p->all.known.wire,
				is_thorough, &guess) ||
	     (s->known.wire.header.count == 0 && is_thorough &&
	      plain_guess_sums(p, r, n, plain_overhead(p, s, r[0]), &guess))))
		plain_take_guess(&guess, &s->known.wire);
	if (n >= PLAIN_RECORDS_MIN) {
		wire_learn_bands(r, n, &s->known.wire);
		if ((mss = plain_find_mss(p, s, r, n, plain_overhead(p, s, r[0]))) != 0)
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

	if (n > 0 && p->files->count > 0) {
		plain_guess_all(p, picked, count);
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
