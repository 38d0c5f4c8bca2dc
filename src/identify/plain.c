/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of servers and paths. Learning goes from the whole to the part: the octets
 * per packet, the law of records and the header constants of all servers' records together,
 * then of each server; losses of a server's records together, then of each path that has
 * enough of its own; what is learned of the whole is the prior of the part.
 */
#include "identify/plain.h"

#include "base/memory.h"
#include "identify/sampled.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIT_ROUNDS = 6,
	POOL_MAX = 1200,
	GUESS_RECORDS = 60,
	INDEXES_MAX = 24,
	PORT_HTTPS = 443,
	PORT_HTTPS_OTHER = 8443,
	SERVERS_GUESSED_MAX = 2000, /* beyond, servers only try what most others do */
};

static const size_t INDEX_OCTETS_MAX = (size_t)512 << 20;
static const double SURE = 0.9; /* of one download: several are not looked for */

struct path {
	struct plain_path known;
	struct wire_tables *tables;
	bool is_own; /* false: few downloads; only its segments are its own */
};

struct server {
	struct plain_server known;
	struct wire_tables *tables;
	struct path *path;
	size_t paths;
};

struct index {
	struct mode header;
	uint32_t mss; /* of residues */
	struct sents *sents;
	struct residues *residues;
};

struct plain {
	const struct files *files;
	struct plain_config config;
	struct server all;
	struct server *server;
	size_t servers;
	struct index sents[INDEXES_MAX], residues[INDEXES_MAX];
	uint32_t version;
	size_t indexes_max, sents_count, sents_next, residues_count, residues_next;
	/* The last one found: records come sorted. */
	const struct server *last;
};

static uint32_t
usual_overhead(const struct plain *p, const struct record *r)
{
	return p->config.overhead != 0
		   ? p->config.overhead
		   : wire_overhead_usual(r->server.is_v6, !p->config.timestamps_off);
}

struct plain *
plain_new(const struct files *files, const struct plain_config *config)
{
	struct plain *p = must(calloc(1, sizeof *p));

	p->files = files;
	p->config = *config;
	p->indexes_max = INDEX_OCTETS_MAX / (24 * (files->count + 1000));
	p->indexes_max = p->indexes_max > INDEXES_MAX  ? INDEXES_MAX
			 : p->indexes_max < MODES_MAX + 1 ? MODES_MAX + 1
						      : p->indexes_max;
	wire_server_default(&p->all.known.wire);
	wire_path_default(&p->all.known.path);
	return p;
}

static void
forget_indexes(struct plain *p)
{
	size_t i;

	for (i = 0; i < p->sents_count; i++)
		sents_free(p->sents[i].sents);
	for (i = 0; i < p->residues_count; i++)
		residues_free(p->residues[i].residues);
	p->sents_count = p->residues_count = p->sents_next = p->residues_next = 0;
}

static void
server_done(struct server *s)
{
	size_t i;

	for (i = 0; i < s->paths; i++)
		wire_tables_free(s->path[i].tables);
	wire_tables_free(s->tables);
	free(s->path);
}

void
plain_free(struct plain *p)
{
	size_t i;

	if (p == NULL)
		return;
	for (i = 0; i < p->servers; i++)
		server_done(&p->server[i]);
	server_done(&p->all);
	forget_indexes(p);
	free(p->server);
	free(p);
}

bool
plain_is(const struct record *r)
{
	return !r->has_span && r->packets > 0 && r->sampling <= 1;
}

static bool
same_mode(const struct mode *a, const struct mode *b)
{
	return a->bytes == b->bytes && a->digits == b->digits && a->law == b->law &&
	       a->inner == b->inner;
}

static struct sents *
sents_for(struct plain *p, const struct mode *header)
{
	struct index *index;
	size_t i;

	for (i = 0; i < p->sents_count; i++)
		if (same_mode(&p->sents[i].header, header))
			return p->sents[i].sents;
	index = &p->sents[p->sents_next];
	p->sents_next = (p->sents_next + 1) % p->indexes_max;
	if (p->sents_count < p->indexes_max)
		p->sents_count++;
	else
		sents_free(index->sents);
	*index = (struct index){.header = *header, .sents = sents_new(p->files, header)};
	return index->sents;
}

static struct residues *
residues_for(struct plain *p, const struct mode *header, uint32_t mss,
	     const struct sents *sents)
{
	struct index *index;
	size_t i;

	for (i = 0; i < p->residues_count; i++)
		if (p->residues[i].mss == mss && same_mode(&p->residues[i].header, header))
			return p->residues[i].residues;
	index = &p->residues[p->residues_next];
	p->residues_next = (p->residues_next + 1) % p->indexes_max;
	if (p->residues_count < p->indexes_max)
		p->residues_count++;
	else
		residues_free(index->residues);
	*index = (struct index){
	    .header = *header, .mss = mss, .residues = residues_new(sents, mss)};
	return index->residues;
}

/* A model and the indexes that it borrows. */
struct ready {
	struct wire_model model;
	struct sents *sents[MODES_MAX];
	struct residues *residues[MODES_MAX];
};

static void
make_ready(struct plain *p, const struct wire_server *server, const struct wire_path *path,
	   struct wire_tables *tables, uint32_t overhead, uint32_t mss, struct ready *out)
{
	uint32_t i;

	for (i = 0; i < server->header.count; i++) {
		const struct mode *mode = &server->header.mode[i];

		out->sents[i] = sents_for(p, mode);
		out->residues[i] = residues_for(p, mode, mss, out->sents[i]);
	}
	out->model = (struct wire_model){.files = p->files,
					 .server = server,
					 .path = path,
					 .tables = tables,
					 .sents = out->sents,
					 .residues = out->residues,
					 .mss = mss,
					 .overhead = overhead};
}

static int
compare_server(const struct plain_server *s, const struct addr *addr, uint16_t port)
{
	int by = addr_compare(&s->addr, addr);

	return by != 0 ? by : s->port < port ? -1 : s->port > port;
}

/* Where a server is or would be. */
static size_t
server_lower(const struct plain *p, const struct addr *addr, uint16_t port)
{
	size_t low = 0, high = p->servers, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (compare_server(&p->server[mid].known, addr, port) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static size_t
path_lower(const struct server *s, const struct addr *client)
{
	size_t low = 0, high = s->paths, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (addr_compare(&s->path[mid].known.client, client) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct server *
server_add(struct plain *p, const struct addr *addr, uint16_t port)
{
	size_t at = server_lower(p, addr, port);

	if (at < p->servers && compare_server(&p->server[at].known, addr, port) == 0)
		return &p->server[at];
	if ((p->servers & (p->servers + 1)) == 0)
		p->server =
		    must(realloc(p->server, (2 * p->servers + 2) * sizeof *p->server));
	memmove(&p->server[at + 1], &p->server[at], (p->servers - at) * sizeof *p->server);
	p->servers++;
	p->last = NULL;
	p->server[at] = (struct server){.known = {.addr = *addr, .port = port}};
	wire_server_default(&p->server[at].known.wire);
	p->server[at].known.path = p->all.known.path;
	p->server[at].known.path.flows = 0;
	return &p->server[at];
}

static struct path *
path_add(struct server *s, const struct addr *client)
{
	size_t at = path_lower(s, client);

	if (at < s->paths && addr_compare(&s->path[at].known.client, client) == 0)
		return &s->path[at];
	if ((s->paths & (s->paths + 1)) == 0)
		s->path = must(realloc(s->path, (2 * s->paths + 2) * sizeof *s->path));
	memmove(&s->path[at + 1], &s->path[at], (s->paths - at) * sizeof *s->path);
	s->paths++;
	s->path[at] = (struct path){.known = {.client = *client}};
	s->path[at].known.wire = s->known.path;
	s->path[at].known.wire.flows = 0;
	s->path[at].known.wire.mss = 0;
	return &s->path[at];
}

/* Tables of parameters that have changed. */
static void
renew(struct wire_tables **tables)
{
	wire_tables_free(*tables);
	*tables = NULL;
}

static struct wire_tables *
tables_of(struct wire_tables **tables, const struct wire_path *path)
{
	if (*tables == NULL)
		*tables = wire_tables_new(path);
	return *tables;
}

/* The segments' size for a record: its path's, unless its own packets say otherwise. */
static uint32_t
mss_for(const struct server *s, const struct path *path, const struct record *r,
	uint32_t overhead)
{
	uint32_t known[2] = {path != NULL ? path->known.wire.mss : 0, s->known.path.mss}, i;
	uint64_t payload = wire_payload(r, overhead);

	for (i = 0; i < 2; i++) {
		int64_t x = known[i] > 0 ? wire_x(r, payload, known[i]) : -100;

		if (x >= -1 && (uint64_t)(x < 0 ? 0 : x) <= 60 + r->packets / 30)
			return known[i];
	}
	return wire_mss(r, overhead);
}

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
		struct wire_path path = {0};

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

/*
 * What records 0..n-1 of a server (or of all) agree on. The likely is tried first; where it
 * convinces nothing else is. like: what is known of the whole, or NULL.
 */
static bool
guess_server(const struct plain *p, const struct record *const *r, size_t n,
	     const struct wire_server *like, bool is_thorough, struct wire_guess *best)
{
	static const uint32_t links[] = {0, 14, 18};
	uint32_t *mss = must(calloc(2 * n + 1, sizeof *mss)), usual = usual_overhead(p, r[0]),
		 c;
	bool is_v6 = r[0]->server.is_v6,
	     is_tls = r[0]->server_port == PORT_HTTPS ||
		      r[0]->server_port == PORT_HTTPS_OTHER;
	size_t few = n < GUESS_RECORDS ? n : GUESS_RECORDS, i, k;
	int law;

	*best = (struct wire_guess){0};
	if (like != NULL && like->header.count > 0)
		try_guess(p, r, n, mss,
			  like->overhead != 0 ? like->overhead : usual,
			  like->header.mode[0].law, 0, best);
	if (!is_convincing(best, n))
		try_guess(p, r, n, mss, usual, is_tls ? TLS_tls13_16k : TLS_none, 0, best);
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
	free(mss);
	return best->is_significant;
}

static void
take_guess(const struct wire_guess *g, struct wire_server *out)
{
	out->overhead = g->overhead;
	out->header = g->header;
}

static const struct wire_server *
wire_server_of(const struct plain *p, const struct server *s)
{
	return s->known.wire.header.count > 0 ? &s->known.wire : &p->all.known.wire;
}

static uint32_t
overhead_of(const struct plain *p, const struct server *s, const struct record *r)
{
	const struct wire_server *wire = wire_server_of(p, s);
	uint32_t overhead = wire->overhead != 0 ? wire->overhead : usual_overhead(p, r);

	/* What all servers have may be of the other version of IP. */
	return wire != &s->known.wire && r->server.is_v6 != (overhead >= 60)
		   ? usual_overhead(p, r)
		   : overhead;
}

/* Rounds of EM over records 0..n-1 of a server or a path. */
static void
fit(struct plain *p, const struct server *s, const struct record *const *r, size_t n,
    const struct wire_path *base, struct wire_path *path, struct wire_tables **tables)
{
	const struct wire_server *wire = wire_server_of(p, s);
	uint32_t overhead = overhead_of(p, s, r[0]), mss = path->mss;
	struct ready ready;
	int round;

	if (mss == 0 || wire->header.count == 0)
		return;
	for (round = 0; round < FIT_ROUNDS; round++) {
		struct wire_path next = *path;

		make_ready(p, wire, path, tables_of(tables, path), overhead, mss, &ready);
		wire_refit(&ready.model, r, n, base, &next);
		if (p->files->has_paths && round <= 1)
			wire_learn_request_paths(&ready.model, r, n, &next);
		*path = next;
		renew(tables);
	}
}

static void
learn_path(struct plain *p, struct server *s, const struct record *const *r, size_t n)
{
	uint32_t overhead = overhead_of(p, s, r[0]);
	struct path *path = path_add(s, &r[0]->client);
	struct wire_path base = s->known.path;

	if (path->known.wire.flows >= PLAIN_FIT_MIN)
		base = path->known.wire;
	if (n >= PLAIN_RECORDS_MIN && wire_mss_of(r, n, overhead) != 0)
		path->known.wire.mss = wire_mss_of(r, n, overhead);
	if (n < PLAIN_FIT_MIN && path->known.wire.flows < PLAIN_FIT_MIN)
		return;
	base.mss = path->known.wire.mss;
	path->known.wire = base;
	path->is_own = true;
	if (!p->files->has_paths)
		wire_learn_request(r, n, overhead, &path->known.wire);
	if (!p->config.is_fixed && n >= PLAIN_RECORDS_MIN)
		fit(p, s, r, n, &base, &path->known.wire, &path->tables);
	path->known.wire.flows = base.flows == s->known.path.flows
				     ? (double)n
				     : base.flows + (double)n;
	renew(&path->tables);
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
	    guess_server(p, r, n,
			 s->known.wire.header.count > 0 ? &s->known.wire : &p->all.known.wire,
			 is_thorough, &guess))
		take_guess(&guess, &s->known.wire);
	if (n >= PLAIN_RECORDS_MIN) {
		wire_learn_bands(r, n, &s->known.wire);
		if ((mss = wire_mss_of(r, n, overhead_of(p, s, r[0]))) != 0)
			base.mss = mss;
	}
	s->known.path = base;
	if (!p->files->has_paths && n >= PLAIN_RECORDS_MIN)
		wire_learn_request(r, n, overhead_of(p, s, r[0]), &s->known.path);
	if (!p->config.is_fixed && n >= PLAIN_RECORDS_MIN)
		fit(p, s, r, n, &base, &s->known.path, &s->tables);
	s->known.path.flows = base.flows + (double)n;
	renew(&s->tables);
	for (first = 0; first < n; first = end) {
		for (end = first; end < n && addr_compare(&r[end]->client,
							  &r[first]->client) == 0;
		     end++)
			;
		learn_path(p, s, &r[first], end - first);
	}
}

/* The share of files that the catalogue does not have, where packets were sampled. */
static void
learn_sampled(struct plain *p, const struct record *records, size_t n)
{
	struct server *s = server_add(p, &records[0].server, records[0].server_port);
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
			sampled_name(p->files, wire_server_of(p, s), &s->known.path,
				     &records[i], &v);
			sum += v.unknown;
			count++;
		}
		s->known.path.unknown = (sum + 1) / (count + 2);
	}
	renew(&s->tables);
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
	all->unknown = sum.unknown / weight;
	for (k = 0; k < WIRE_X_CLASSES; k++)
		all->q[k] = sum.q[k] / weight;
	for (k = 0; k < 8; k++)
		all->from[k / 4][k % 4] = sum.from[k / 4][k % 4] / weight;
	all->flows = weight;
	renew(&p->all.tables);
}

void
plain_learn(struct plain *p, const struct record *records, size_t n)
{
	const struct record **picked = must(calloc(n + 1, sizeof *picked));
	size_t count = pick(records, n, POOL_MAX, picked), first, end, i, servers = 0,
	       sampled;
	struct wire_guess guess;

	if (n > 0 && p->files->count > 0) {
		if (count > 0 &&
		    guess_server(p, picked, count, &p->all.known.wire, true, &guess))
			take_guess(&guess, &p->all.known.wire);
		if (count > 0)
			wire_learn_bands(picked, count, &p->all.known.wire);
		for (first = 0; first < n; first = end) {
			for (end = first;
			     end < n && records[end].server_port == records[first].server_port &&
			     addr_compare(&records[end].server, &records[first].server) == 0;
			     end++)
				;
			for (i = first, count = sampled = 0; i < end; i++) {
				if (plain_is(&records[i]))
					picked[count++] = &records[i];
				sampled += sampled_is(&records[i]);
			}
			if (count > 0)
				learn_server(p,
					     server_add(p, &records[first].server,
							records[first].server_port),
					     picked, count,
					     servers++ < SERVERS_GUESSED_MAX);
			if (sampled > 0)
				learn_sampled(p, &records[first], end - first);
		}
		learn_all_paths(p);
		p->version++;
	}
	free(picked);
	forget_indexes(p);
	p->last = NULL;
}

static const struct server *
server_of(struct plain *p, const struct record *r)
{
	size_t at;

	if (p->last != NULL &&
	    compare_server(&p->last->known, &r->server, r->server_port) == 0)
		return p->last;
	at = server_lower(p, &r->server, r->server_port);
	if (at == p->servers ||
	    compare_server(&p->server[at].known, &r->server, r->server_port) != 0)
		return &p->all;
	return p->last = &p->server[at];
}

/* Where a record was seen: its server, path and what holds for them. */
struct place {
	const struct wire_server *wire;
	const struct wire_path *losses;
	struct wire_tables *tables;
	uint32_t overhead, mss;
};

static struct place
place_of(struct plain *p, const struct record *r)
{
	struct server *s = (struct server *)server_of(p, r);
	size_t at = path_lower(s, &r->client);
	struct path *path =
	    at < s->paths && addr_compare(&s->path[at].known.client, &r->client) == 0
		? &s->path[at]
		: NULL;
	uint32_t overhead = overhead_of(p, s, r);
	struct place place = {.wire = wire_server_of(p, s),
			      .overhead = overhead,
			      .mss = mss_for(s, path, r, overhead)};

	if (path != NULL && path->is_own) {
		place.losses = &path->known.wire;
		place.tables = tables_of(&path->tables, place.losses);
	} else {
		place.losses = &s->known.path;
		place.tables = tables_of(&s->tables, place.losses);
	}
	return place;
}

void
plain_name(struct plain *p, const struct record *r, struct verdict *out)
{
	struct place at = place_of(p, r);
	struct ready ready;

	if (sampled_is(r)) {
		sampled_name(p->files, at.wire, at.losses, r, out);
	} else if (at.mss == 0) {
		*out = (struct verdict){.unknown = 0.5,
					.payload = wire_payload(r, at.overhead),
					.overhead = at.overhead};
	} else if (at.wire->header.count == 0) {
		wire_name_blind(p->files, at.wire, at.losses, at.tables, r, out);
	} else {
		make_ready(p, at.wire, at.losses, at.tables, at.overhead, at.mss, &ready);
		wire_name(&ready.model, r, out);
	}
}

bool
plain_several(struct plain *p, const struct record *r, const struct verdict *alone,
	      struct several *out)
{
	struct place at = place_of(p, r);
	const struct sents *later;
	struct ready ready;
	struct mode mode;

	if (p->config.no_several || sampled_is(r) || at.mss == 0 ||
	    at.wire->header.count == 0 ||
	    (alone->count > 0 && alone->candidate[0].probability > SURE &&
	     !several_is_told(at.losses, r, at.overhead)))
		return false;
	make_ready(p, at.wire, at.losses, at.tables, at.overhead, at.mss, &ready);
	/* Only the first exchange has the handshake. */
	mode = at.wire->header.mode[0];
	mode.bytes = mode.inner;
	later = sents_for(p, &mode);
	several_name(&ready.model, later, residues_for(p, &mode, at.mss, later), r, alone,
		     out);
	return out->probability >= 0.5;
}

size_t
plain_servers(const struct plain *p)
{
	return p->servers;
}

const struct plain_server *
plain_server_at(const struct plain *p, ptrdiff_t i)
{
	return i < 0 ? &p->all.known : &p->server[i].known;
}

size_t
plain_paths(const struct plain *p, size_t server)
{
	return p->server[server].paths;
}

const struct plain_path *
plain_path_at(const struct plain *p, size_t server, size_t i)
{
	return &p->server[server].path[i].known;
}

void
plain_set(struct plain *p, const struct plain_server *server, const struct plain_path *path)
{
	static const struct addr none;
	struct server *s;
	struct path *to;

	if (server->port == 0 && path == NULL && addr_compare(&server->addr, &none) == 0) {
		p->all.known = *server;
		renew(&p->all.tables);
		return;
	}
	s = server_add(p, &server->addr, server->port);
	if (path == NULL) {
		s->known = *server;
		renew(&s->tables);
		return;
	}
	to = path_add(s, &path->client);
	to->known = *path;
	to->is_own = path->wire.flows >= PLAIN_FIT_MIN;
	renew(&to->tables);
}

uint32_t
plain_version(const struct plain *p)
{
	return p->version;
}

void
plain_set_version(struct plain *p, uint32_t version)
{
	p->version = version;
}
