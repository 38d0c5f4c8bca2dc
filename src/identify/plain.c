/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known of servers and paths, the indexes of files that their headers need, and
 * naming by them. plain_learn.c is where it is learned.
 */
#include "identify/plain_inside.h"

#include "base/memory.h"
#include "identify/sampled.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const size_t INDEX_OCTETS_MAX = (size_t)512 << 20;
/* Of files that come again near one that is listed, those that are not, supposed. */
static const double UNLISTED = 0.02;
static const double SURE = 0.9; /* of one download: several are not looked for */

uint32_t
plain_usual_overhead(const struct plain *p, const struct record *r)
{
	return p->config.overhead != 0
		   ? p->config.overhead
		   : wire_overhead_usual(r->server.is_v6, !p->config.timestamps_off);
}

void
plain_expect(struct wire_path *path, enum position position)
{
	path->lam = position_rows[position].lam;
	path->tail = position_rows[position].tail;
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
	plain_expect(&p->all.known.path, config->position);
	return p;
}

static void
server_done(struct server *s)
{
	size_t i;

	for (i = 0; i < s->paths; i++)
		wire_tables_free(s->path[i].tables);
	wire_tables_free(s->tables);
	wire_tables_free(s->broad_tables);
	free(s->path);
}

void
plain_free(struct plain *p)
{
	size_t i;

	if (p == NULL)
		return;
	plain_forget_indexes(p);
	for (i = 0; i < p->servers; i++)
		server_done(&p->server[i]);
	server_done(&p->all);
	free(p->server);
	free(p);
}

bool
plain_is(const struct record *r)
{
	return !r->has_span && !r->is_quic && r->packets > 0 && r->sampling <= 1;
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

bool
plain_knows(const struct plain *p, const struct addr *addr, uint16_t port)
{
	size_t at = server_lower(p, addr, port);

	return at < p->servers && compare_server(&p->server[at].known, addr, port) == 0;
}

bool
plain_knows_path(const struct server *s, const struct addr *client)
{
	size_t at = path_lower(s, client);

	return at < s->paths && addr_compare(&s->path[at].known.client, client) == 0;
}

struct server *
plain_server_add(struct plain *p, const struct addr *addr, uint16_t port)
{
	size_t at = server_lower(p, addr, port);

	if (at < p->servers && compare_server(&p->server[at].known, addr, port) == 0)
		return &p->server[at];
	if ((p->servers & (p->servers + 1)) == 0)
		p->server =
		    must(realloc(p->server, (2 * p->servers + 2) * sizeof *p->server));
	memmove(&p->server[at + 1], &p->server[at],
	    (p->servers - at) * sizeof *p->server);
	p->servers++;
	p->last = NULL;
	p->server[at] = (struct server){.known = {.addr = *addr, .port = port}};
	wire_server_default(&p->server[at].known.wire);
	p->server[at].known.path = p->all.known.path;
	p->server[at].known.path.flows = 0;
	return &p->server[at];
}

struct path *
plain_path_add(struct server *s, const struct addr *client)
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
	s->path[at].known.wire.own_overhead = 0;
	return &s->path[at];
}

/* Tables of parameters that have changed. */
void
plain_renew_tables(struct wire_tables **tables)
{
	wire_tables_free(*tables);
	*tables = NULL;
}

struct wire_tables *
plain_tables(struct wire_tables **tables, const struct wire_path *path)
{
	if (*tables == NULL)
		*tables = wire_tables_new(path);
	return *tables;
}

/* The segments' size for a record: its path's, unless its own packets say otherwise. */
static uint32_t
mss_for(const struct server *s, bool is_all, const struct path *path,
	const struct record *r, uint32_t overhead)
{
	uint32_t known[2] = {path != NULL ? path->known.wire.mss : 0, s->known.path.mss},
	    i;
	uint64_t payload = wire_payload(r, overhead), short_ones;

	for (i = 0; i < 2; i++) {
		int64_t x = known[i] > 0 ? wire_x(r, payload, known[i]) : -100;

		/* A sender may cut at every page's end; but what other paths or servers
		 * have need not be this one's, and many short segments are none then. */
		short_ones = i == 0    ? 60 + r->packets / 12
			     : is_all ? 30 + r->packets / 200
				       : 60 + r->packets / 30;
		if (x >= -1 && (uint64_t)(x < 0 ? 0 : x) <= short_ones)
			return known[i];
	}
	return wire_mss(r, overhead);
}

const struct wire_server *
plain_wire_server(const struct plain *p, const struct server *s)
{
	return s->known.wire.header.count > 0 ? &s->known.wire : &p->all.known.wire;
}

uint32_t
plain_overhead(const struct plain *p, const struct server *s, const struct record *r)
{
	const struct wire_server *wire = plain_wire_server(p, s);
	uint32_t overhead = wire->overhead != 0 ? wire->overhead : plain_usual_overhead(p,
	    r);

	/* What all servers have may be of the other version of IP. */
	return (wire != &s->known.wire || s == &p->all) &&
	    r->server.is_v6 != (overhead >= 60)
		   ? plain_usual_overhead(p, r)
		   : overhead;
}

uint32_t
plain_path_overhead(const struct plain *p, const struct server *s,
    const struct path *path, const struct record *r)
{
	return path != NULL && path->known.wire.own_overhead != 0
		   ? path->known.wire.own_overhead
		   : plain_overhead(p, s, r);
}

static struct server *
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
	struct server *server;
	const struct wire_server *wire;
	const struct wire_path *losses;
	struct wire_tables *tables;
	uint32_t overhead, mss;
	bool is_elsewhere; /* of the server or the path nothing was learned */
};

static struct place
place_of(struct plain *p, const struct record *r)
{
	struct server *s = server_of(p, r);
	size_t at = path_lower(s, &r->client);
	struct path *path =
	    at < s->paths && addr_compare(&s->path[at].known.client, &r->client) == 0
		? &s->path[at]
		: NULL;
	uint32_t overhead = plain_path_overhead(p, s, path, r);
	struct place place = {.server = s,
			      .wire = plain_wire_server(p, s),
			      .overhead = overhead,
			      .is_elsewhere = path == NULL,
			      .mss = mss_for(s, s == &p->all, path, r, overhead)};

	if (path != NULL && path->is_own) {
		place.losses = &path->known.wire;
		place.tables = plain_tables(&path->tables, place.losses);
	} else {
		place.losses = &s->known.path;
		place.tables = plain_tables(&s->tables, place.losses);
	}
	return place;
}

void
plain_name(struct plain *p, const struct record *r, struct verdict *out)
{
	struct place at = place_of(p, r);
	struct plain_ready ready;
	struct wire_server any;

	out->quic = NULL;
	out->is_elsewhere = false;
	if (r->is_quic) {
		quic_name(p->files, &at.server->known.quic, r, out);
	} else if (sampled_is(r)) {
		/* What a server sends beside files is its own affair. */
		any = *at.wire;
		any.header.count = 0;
		sampled_name(p->files, at.server == &p->all ? &any : at.wire, at.losses,
		    r, out);
	} else if (at.mss == 0) {
		*out = (struct verdict){.unknown = 0.5,
					.payload = wire_payload(r, at.overhead),
					.overhead = at.overhead};
	} else if (at.is_elsewhere || at.wire->header.count == 0) {
		plain_name_elsewhere(p, at.server, at.mss, r, out);
	} else {
		plain_make_ready(p, at.wire, at.losses, at.tables, at.overhead, at.mss,
		    &ready);
		wire_name(&ready.model, r, out);
	}
}

double
plain_fits(struct plain *p, const struct record *r, uint64_t beside)
{
	struct place at = place_of(p, r);
	struct wire_model model = {.files = p->files,
				   .server = at.wire,
				   .path = at.losses,
				   .tables = at.tables,
				   .mss = at.mss,
				   .overhead = at.overhead};

	return at.mss == 0 ? 0 : log(wire_p_of_beside(&model, r, beside));
}

void
plain_prior(struct plain *p, const struct record *r, double *listed, double *unlisted)
{
	struct place at = place_of(p, r);
	uint64_t payload = wire_payload(r, at.overhead);

	*listed = log((1 - UNLISTED) / (double)p->files->count *
		      wire_band_factor(p->files, at.wire, payload));
	*unlisted = log(UNLISTED * wire_unknown_density(p->files, at.wire, payload));
}

double
plain_unknown(struct plain *p, const struct record *r)
{
	return place_of(p, r).losses->unknown;
}

static bool
search(struct plain *p, const struct place *place, const struct record *r,
       const struct verdict *alone, struct several *out)
{
	struct place at = *place;
	const struct sents *later;
	struct plain_ready ready;
	struct mode mode;

	if (p->config.no_several || sampled_is(r) || at.mss == 0 ||
	    at.wire->header.count == 0 || at.server == &p->all)
		return false;
	plain_make_ready(p, at.wire, at.losses, at.tables, at.overhead, at.mss, &ready);
	/* Only the first exchange has the handshake. */
	mode = at.wire->header.mode[0];
	mode.bytes = mode.inner;
	later = plain_sents(p, &mode);
	several_name(&ready.model, later, plain_residues(p, &mode, at.mss, later), r, alone,
		     out);
	return true;
}

bool
plain_search_several(struct plain *p, const struct record *r, const struct verdict *alone,
		     struct several *out)
{
	struct place at = place_of(p, r);

	return search(p, &at, r, alone, out);
}

bool
plain_several(struct plain *p, const struct record *r, const struct verdict *alone,
	      struct several *out)
{
	struct place at = place_of(p, r);
	bool is_sure = alone->count > 0 && alone->candidate[0].probability > SURE;

	if (r->is_quic) {
		const struct quic_numbers *numbers = &at.server->quic_numbers;

		return !p->config.no_several && (numbers->share[1] > 0 || !is_sure) &&
		       quic_several(p->files, &at.server->known.quic, numbers, r, alone,
				    out);
	}
	if (is_sure && !several_is_told(at.losses, r, at.overhead))
		return false;
	return search(p, &at, r, alone, out) && out->probability >= 0.5;
}

void
plain_count(struct plain *p, const struct record *records, size_t n)
{
	const struct record **picked = must(calloc(n + 1, sizeof *picked));
	size_t i, k, end, count;

	for (i = 0; i < n; i = end) {
		struct server *s = server_of(p, &records[i]);

		end = record_server_end(records, n, i);
		for (k = i, count = 0; k < end; k++)
			if (quic_is(&records[k]))
				picked[count++] = &records[k];
		if (s != &p->all && !p->config.no_several)
			quic_count(p->files, &s->known.quic, picked, count,
				   &s->quic_numbers);
	}
	free(picked);
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
plain_set(struct plain *p, const struct plain_server *server,
    const struct plain_path *path)
{
	static const struct addr none;
	struct server *s;
	struct path *to;

	if (server->port == 0 && path == NULL && addr_compare(&server->addr,
	    &none) == 0) {
		p->all.known = *server;
		plain_renew_tables(&p->all.tables);
		plain_renew_tables(&p->all.broad_tables);
		return;
	}
	s = plain_server_add(p, &server->addr, server->port);
	if (path == NULL) {
		s->known = *server;
		plain_renew_tables(&s->tables);
		plain_renew_tables(&s->broad_tables);
		return;
	}
	to = plain_path_add(s, &path->client);
	to->known = *path;
	to->is_own = path->wire.flows >= PLAIN_FIT_MIN;
	plain_renew_tables(&to->tables);
}

void
plain_set_popular(struct plain *p, const struct popular *popular)
{
	p->popular = popular;
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
