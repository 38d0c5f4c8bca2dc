/* SPDX-License-Identifier: BSD-2-Clause */
#include "identify/groups.h"

#include "base/memory.h"
#include "base/search.h"
#include "identify/files.h"
#include "identify/identify.h"
#include "identify/record.h"
#include "identify/tls.h"
#include "model/flow.h"

#include <stdlib.h>

enum {
	OWN_MIN = 3,     /* downloads from which a server learns for itself */
	LAW_OWN_MIN = 6, /* and from which its constants are its own alone */
	POOL_MAX = 4000, /* records that the constants of all servers are learned from */
	GROUPS_MAX = 100000,
	LAW_GROUPS_MAX = 200, /* servers whose laws of records are looked for */
	TABLE_MIN = 64,       /* downloads of a server for which a table is worth it */
};

void
groups_init(struct groups *g)
{
	size_t i;

	*g = (struct groups){0};
	for (i = 0; i < 2; i++) {
		g->constants[i].unknown = 0.5;
		g->constants[i].header.other = g->constants[i].request.other = 1;
	}
	g->constants[1].is_framed = g->constants[1].is_encrypted = true;
}

void
groups_done(struct groups *g)
{
	size_t i;

	for (i = 0; i < g->count; i++) {
		free(g->list[i].constants);
		free(g->list[i].table);
	}
	free(g->list);
	g->list = NULL;
	g->count = 0;
}

/* Groups of the sorted records. */
static void
make(struct groups *g, const struct record *r, size_t n)
{
	size_t i;
	struct group *group;

	groups_done(g);
	g->list = must(calloc(n + 1, sizeof *g->list));
	for (i = 0; i < n; i++) {
		group = &g->list[g->count > 0 ? g->count - 1 : 0];
		if (g->count == 0 || r[i].server_port != group->port ||
		    addr_compare(&r[i].server, &group->server) != 0) {
			group = &g->list[g->count++];
			*group = (struct group){.server = r[i].server,
						.port = r[i].server_port,
						.first = i};
		}
		group->count++;
	}
}

/* The rows of pipelined runs before the first one with marks are like any exchange. */
static size_t
pool_runs(const struct intake *in, const struct identify_config *config,
	  struct record *pool, size_t used)
{
	uint64_t ignored[IDENTIFY_COUNTERS] = {0};
	size_t i, k;

	for (i = 0; i < in->runs_count; i++) {
		const struct run *run = &in->runs[i];

		for (k = 0; k < run->count && used < POOL_MAX; k++) {
			if (flow_has(&run->rows[k], marks))
				break;
			used += record_of(&run->rows[k], config, ignored, &pool[used]) &&
				pool[used].has_span;
		}
	}
	return used;
}

/* The constants of all servers that are, or are not, on TLS's ports. */
static void
learn_pool(struct groups *g, const struct files *files,
	   const struct identify_config *config, const struct intake *in, bool is_tls)
{
	const struct record *records = in->records;
	struct record *pool = must(calloc(POOL_MAX, sizeof *pool));
	size_t n = in->count, step = n > POOL_MAX ? n / POOL_MAX + 1 : 1, i, used = 0;
	enum span_layers layers = is_tls	  ? SPAN_FRAMED
				  : g->count == 1 ? SPAN_ANY
						  : SPAN_PLAIN;

	for (i = 0; i < n; i += step)
		if (records[i].has_span && tls_is_port(records[i].server_port) == is_tls)
			pool[used++] = records[i];
	if (!is_tls)
		used = pool_runs(in, config, pool, used);
	if (used > 0)
		span_learn(files, pool, used, NULL, layers, &g->constants[is_tls]);
	free(pool);
}

/* A server's own constants. */
static void
learn_group(struct groups *g, struct group *group, const struct files *files,
	    const struct record *records, enum span_layers layers)
{
	const struct constants *base = &g->constants[tls_is_port(group->port)];
	size_t own = 0, k;

	for (k = 0; k < group->count; k++)
		own += records[k].has_span;
	if (own < OWN_MIN)
		return;
	if (layers == SPAN_FRAMED && own >= LAW_OWN_MIN)
		base = NULL;
	group->constants = must(calloc(1, sizeof *group->constants));
	span_learn(files, records, group->count, base, layers, group->constants);
}

/* Of constants that many records are named by. */
static void
make_tables(struct groups *g)
{
	struct group *group;
	size_t i;

	for (i = 0; i < 2; i++)
		g->constants[i].table =
		    span_table_make(&g->constants[i], &g->tables[i]) ? &g->tables[i]
								       : NULL;
	for (i = 0; i < g->count; i++) {
		group = &g->list[i];
		if (group->constants == NULL || group->count < TABLE_MIN)
			continue;
		group->table = must(malloc(sizeof *group->table));
		if (span_table_make(group->constants, group->table))
			group->constants->table = group->table;
	}
}

void
groups_learn(struct groups *g, const struct files *files,
	     const struct identify_config *config, const struct intake *in)
{
	size_t i, most;

	make(g, in->records, in->count);
	learn_pool(g, files, config, in, false);
	learn_pool(g, files, config, in, true);
	most = g->count < GROUPS_MAX ? g->count : GROUPS_MAX;
	for (i = 0; g->count > 1 && i < most; i++) {
		struct group *group = &g->list[i];

		learn_group(g, group, files, &in->records[group->first],
			    tls_is_port(group->port) ? SPAN_FRAMED
			    : i < LAW_GROUPS_MAX     ? SPAN_ANY
						     : SPAN_PLAIN);
	}
	make_tables(g);
}

static int
group_compare(const struct group *a, const struct group *b)
{
	int by = addr_compare(&a->server, &b->server);

	return by != 0 ? by : (a->port > b->port) - (a->port < b->port);
}

static bool
is_before(const void *table, size_t i, const void *key)
{
	const struct group *groups = table;

	return group_compare(&groups[i], key) < 0;
}

static const struct group *
find(const struct groups *g, const struct addr *server, uint16_t port)
{
	const struct group key = {.server = *server, .port = port};
	size_t at = search_lower(g->list, 0, g->count, &key, is_before);

	return at < g->count && group_compare(&g->list[at], &key) == 0 ? &g->list[at]
								       : NULL;
}

const struct constants *
groups_constants(const struct groups *g, const struct addr *server, uint16_t port)
{
	const struct group *group = find(g, server, port);

	return group != NULL && group->constants != NULL
		   ? group->constants
		   : &g->constants[tls_is_port(port)];
}

const struct constants **
groups_list(const struct groups *g, const struct record *r, size_t n)
{
	const struct constants **list =
	    must(malloc((n + 1) * sizeof(const struct constants *)));
	size_t i;

	for (i = 0; i < n; i++)
		list[i] = i > 0 && record_same_server(&r[i], &r[i - 1])
			      ? list[i - 1]
			      : groups_constants(g, &r[i].server, r[i].server_port);
	return list;
}
