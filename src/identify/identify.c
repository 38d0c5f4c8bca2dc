/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The identifier as a whole: rows are taken in, grouped by server and, within it, by path
 * (server and client); what is constant is learned for all servers together, then for
 * each that has enough downloads; then every record is named by its group's constants.
 */
#include "identify/identify.h"

#include "base/err.h"
#include "base/memory.h"
#include "base/search.h"
#include "identify/files.h"
#include "identify/finding.h"
#include "identify/hint.h"
#include "identify/intake.h"
#include "identify/dns_names.h"
#include "identify/neighbour.h"
#include "identify/order.h"
#include "identify/plain.h"
#include "identify/plain_file.h"
#include "identify/popular.h"
#include "identify/ranges.h"
#include "identify/runs.h"
#include "identify/sampled.h"
#include "identify/span.h"
#include "identify/span_weigh.h"
#include "model/flow.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OWN_MIN = 3,  /* downloads from which a server learns for itself */
	POOL_MAX = 4000, /* records that the constants of all servers are learned from */
	GROUPS_MAX = 100000,
	LAW_GROUPS_MAX = 200, /* servers whose laws of records are looked for */
	TABLE_MIN = 64,       /* downloads of a server for which a table is worth it */
	LAW_OWN_MIN = 6, /* downloads from which a server's constants are its own alone */
	UNMODIFIED_MAX = 600,
	POPULAR_RECORDS = 20000, /* from which popular files are told */
	SMALL_TALK_MAX = 600, /* octets of handshakes, settings and tickets */
	SMALL_TALK_LAST = 2,  /* the last exchange of a connection that can be such */
};

/* A server and its downloads. */
struct group {
	struct addr server;
	uint16_t port;
	struct constants *constants; /* NULL: those of all */
	struct span_table *table;    /* of these; NULL: none */
	size_t first, count;         /* records */
};

/* Names of plain records are held back longer: 98 of 100 told are to be right. */
static const double THRESHOLD = 0.5, PLAIN_THRESHOLD = 0.7;

struct identify {
	struct identify_config config;
	struct files files;
	struct intake intake;
	struct group *groups;
	size_t groups_count;
	const struct constants **by_record; /* while records are named */
	struct constants constants[2]; /* of all servers; of all on TLS's ports */
	struct span_table tables[2];   /* of these */
	struct plain *plain;
	struct hosts *hosts;
	struct neighbour_memo *memo; /* by record, while they are named */
	struct ranges ranges;
	struct popular *popular; /* while records are named */
	size_t popular_step;     /* one record in so many was noted */
	uint32_t *order, order_last; /* of files in the index; NULL: not yet needed */
	double plain_threshold;
	bool is_frozen;
	uint64_t counters[IDENTIFY_COUNTERS];
};

const struct counter_row identify_counter_rows[IDENTIFY_COUNTERS] = {
#define COUNTER(id, help) [IDENTIFY_##id] = {#id, help},
#include "identify/counter.def"
#undef COUNTER
};

struct identify *
identify_new(const struct identify_config *config)
{
	struct plain_config plain = {.is_fixed = config->is_fixed,
				     .overhead = config->overhead,
				     .position = config->position,
				     .timestamps_off = config->timestamps_off};
	struct identify *id = must(calloc(1, sizeof *id));
	size_t i;

	id->config = *config;
	id->plain_threshold = config->threshold;
	if (!(id->config.threshold > 0)) {
		id->config.threshold = THRESHOLD;
		id->plain_threshold = PLAIN_THRESHOLD;
	}
	for (i = 0; i < 2; i++) {
		id->constants[i].unknown = 0.5;
		id->constants[i].header.other = id->constants[i].request.other = 1;
	}
	id->constants[1].is_framed = id->constants[1].is_encrypted = true;
	files_init(&id->files, config->catalog);
	id->plain = plain_new(&id->files, &plain);
	intake_init(&id->intake, &id->config, id->counters);
	id->hosts = hosts_new();
	return id;
}

static void
forget_groups(struct identify *id)
{
	size_t i;

	for (i = 0; i < id->groups_count; i++) {
		free(id->groups[i].constants);
		free(id->groups[i].table);
	}
	free(id->groups);
	id->groups = NULL;
	id->groups_count = 0;
}

void
identify_free(struct identify *id)
{
	if (id == NULL)
		return;
	plain_free(id->plain);
	forget_groups(id);
	intake_done(&id->intake);
	hosts_free(id->hosts);
	ranges_done(&id->ranges);
	free(id->order);
	files_done(&id->files);
	free(id);
}

const uint64_t *
identify_counters(const struct identify *id)
{
	return id->counters;
}

int
identify_batch(struct identify *id, const struct batch *flows, struct err *err)
{
	intake_batch(&id->intake, flows);
	return 0;
}

/* Groups of the sorted records. */
static void
make_groups(struct identify *id)
{
	const struct record *r = id->intake.records;
	size_t i, n = id->intake.count;
	struct group *group;

	forget_groups(id);
	id->groups = must(calloc(n + 1, sizeof *id->groups));
	for (i = 0; i < n; i++) {
		group = &id->groups[id->groups_count > 0 ? id->groups_count - 1 : 0];
		if (id->groups_count == 0 || r[i].server_port != group->port ||
		    addr_compare(&r[i].server, &group->server) != 0) {
			group = &id->groups[id->groups_count++];
			*group = (struct group){.server = r[i].server,
						.port = r[i].server_port,
						.first = i};
		}
		group->count++;
	}
}

/* The rows of pipelined runs before the first one with marks are like any exchange. */
static size_t
pool_runs(const struct identify *id, struct record *pool, size_t used)
{
	uint64_t ignored[IDENTIFY_COUNTERS] = {0};
	size_t i, k;

	for (i = 0; i < id->intake.runs_count; i++) {
		const struct run *run = &id->intake.runs[i];

		for (k = 0; k < run->count && used < POOL_MAX; k++) {
			if (flow_has(&run->rows[k], marks))
				break;
			used += record_of(&run->rows[k], &id->config, ignored,
					  &pool[used]) &&
				pool[used].has_span;
		}
	}
	return used;
}

/* The constants of all servers that are, or are not, on TLS's ports. */
static void
learn_pool(struct identify *id, bool is_tls)
{
	const struct record *records = id->intake.records;
	struct record *pool = must(calloc(POOL_MAX, sizeof *pool));
	size_t n = id->intake.count, step = n > POOL_MAX ? n / POOL_MAX + 1 : 1, i,
	    used = 0;
	enum span_layers layers = is_tls		    ? SPAN_FRAMED
				  : id->groups_count == 1 ? SPAN_ANY
							    : SPAN_PLAIN;

	for (i = 0; i < n; i += step)
		if (records[i].has_span && tls_is_port(records[i].server_port) == is_tls)
			pool[used++] = records[i];
	if (!is_tls)
		used = pool_runs(id, pool, used);
	if (used > 0)
		span_learn(&id->files, pool, used, NULL, layers, &id->constants[is_tls]);
	free(pool);
}

/* A server's own constants. */
static void
learn_group(struct identify *id, struct group *group, enum span_layers layers)
{
	const struct record *records = &id->intake.records[group->first];
	const struct constants *base = &id->constants[tls_is_port(group->port)];
	size_t own = 0, k;

	for (k = 0; k < group->count; k++)
		own += records[k].has_span;
	if (own < OWN_MIN)
		return;
	if (layers == SPAN_FRAMED && own >= LAW_OWN_MIN)
		base = NULL;
	group->constants = must(calloc(1, sizeof *group->constants));
	span_learn(&id->files, records, group->count, base, layers, group->constants);
}

/* Tables of constants that many records are named by: they are made when all is
 * learned. */
static void
make_tables(struct identify *id)
{
	struct group *group;
	size_t i;

	for (i = 0; i < 2; i++)
		id->constants[i].table =
		    span_table_make(&id->constants[i], &id->tables[i]) ? &id->tables[i]
								       : NULL;
	for (i = 0; i < id->groups_count; i++) {
		group = &id->groups[i];
		if (group->constants == NULL || group->count < TABLE_MIN)
			continue;
		group->table = must(malloc(sizeof *group->table));
		if (span_table_make(group->constants, group->table))
			group->constants->table = group->table;
	}
}

/* Spans: what is constant of all servers, then of each. */
static void
learn_spans(struct identify *id)
{
	size_t i, count = id->groups_count < GROUPS_MAX ? id->groups_count : GROUPS_MAX;

	learn_pool(id, false);
	learn_pool(id, true);
	for (i = 0; id->groups_count > 1 && i < count; i++) {
		struct group *group = &id->groups[i];

		learn_group(id, group,
			    tls_is_port(group->port) ? SPAN_FRAMED
			    : i < LAW_GROUPS_MAX      ? SPAN_ANY
						      : SPAN_PLAIN);
	}
	make_tables(id);
	for (i = 0; i < 2; i++) {
		id->counters[IDENTIFY_header_modes] += id->constants[i].header.count;
		id->counters[IDENTIFY_request_modes] += id->constants[i].request.count;
	}
}

static void
learn(struct identify *id)
{
	make_groups(id);
	learn_spans(id);
	if (!id->config.is_frozen)
		plain_learn(id->plain, id->intake.records, id->intake.count);
	else if (id->config.is_adaptive)
		plain_adapt(id->plain, id->intake.records, id->intake.count);
}

int
identify_freeze(struct identify *id, struct err *err)
{
	intake_end(&id->intake);
	if (!id->config.no_dedup)
		intake_dedup(&id->intake);
	intake_sort(&id->intake);
	learn(id);
	intake_clear(&id->intake);
	id->is_frozen = true;
	return 0;
}

int
identify_read_model(struct identify *id, const char *path, struct err *err)
{
	return plain_read(id->plain, path, err);
}

int
identify_write_model(const struct identify *id, const char *path, struct err *err)
{
	return plain_write(id->plain, path, err);
}

void
identify_list_model(const struct identify *id,
		    void (*each)(void *arg, const struct plain_line *line), void *arg)
{
	plain_list(id->plain, each, arg);
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
group_of(const struct identify *id, const struct addr *server, uint16_t port)
{
	const struct group key = {.server = *server, .port = port};
	size_t at = search_lower(id->groups, 0, id->groups_count, &key, is_before);

	return at < id->groups_count && group_compare(&id->groups[at], &key) == 0
	    ? &id->groups[at] : NULL;
}

static const struct constants *
constants_of(const struct identify *id, const struct group *group, uint16_t port)
{
	return group != NULL && group->constants != NULL ? group->constants
							 : &id->constants[tls_is_port(port)];
}

/* The constants that each of the sorted records is named by. */
static void
list_constants(struct identify *id)
{
	const struct record *r = id->intake.records;
	size_t i, n = id->intake.count;

	id->by_record = must(malloc((n + 1) * sizeof(const struct constants *)));
	for (i = 0; i < n; i++)
		id->by_record[i] =
		    i > 0 && r[i].server_port == r[i - 1].server_port &&
			    addr_compare(&r[i].server, &r[i - 1].server) == 0
			? id->by_record[i - 1]
			: constants_of(id, group_of(id, &r[i].server, r[i].server_port),
				       r[i].server_port);
}

/* An answer too short for the server's usual header and a file, to a request of its usual
 * form. */
static bool
is_unmodified(const struct identify *id, const struct constants *c,
	      const struct record *r, const struct verdict *v)
{
	double fit = 0;
	uint32_t i;

	if (!r->has_span || !r->has_request || r->is_at_least ||
	    r->span > UNMODIFIED_MAX ||
	    (v->count > 0 && v->candidate[0].probability >= id->config.threshold))
		return false;
	for (i = 0; i < c->request.count; i++)
		fit += files_path_share(&id->files,
					(int64_t)r->request_span -
					c->request.mode[i].bytes,
					c->request.mode[i].phase);
	return fit > 0.002;
}

static const uint32_t *
order_of(struct identify *id)
{
	size_t i;

	if (id->order != NULL)
		return id->order;
	id->order = order_of_files(&id->files);
	for (i = 0; i < id->files.count; i++)
		if (id->order[i] > id->order_last)
			id->order_last = id->order[i];
	return id->order;
}

static struct hint_view
hint_view(const struct identify *id, const struct record *r)
{
	return (struct hint_view){
	    .files = &id->files,
	    .record = r,
	    .hosts = id->hosts,
	    .server_name = id->config.names != NULL
			       ? dns_names_find(id->config.names, &r->server, &r->client,
					    r->start_us)
			       : NULL};
}

static struct neighbours
neighbours_of(const struct identify *id)
{
	return (struct neighbours){.files = &id->files,
				   .records = id->intake.records,
				   .count = id->intake.count,
				   .memo = id->memo};
}

/* What else is known, where the spans leave several files. */
static void
use_hints(struct identify *id, const struct constants *c, size_t at,
	  struct hint_view *view, struct verdict *verdict)
{
	struct neighbours n = neighbours_of(id);

	if (verdict->count < 2 || verdict->candidate[1].probability < 1e-6)
		return;
	if (id->intake.records[at].has_span && verdict->candidate[0].probability < 0.99) {
		view->order = order_of(id);
		view->last = id->order_last;
		neighbour_order(&n, c, at, view);
	}
	hints_apply(view, verdict);
}

/* Whether a record of an encrypted connection is its handshake, or settings and
 * tickets. */
static bool
is_small_talk(const struct identify *id, const struct constants *c,
    const struct record *r, const struct verdict *v)
{
	if (!c->is_encrypted || !r->has_span || !r->has_connection)
		return false;
	return span_is_greeting(r) ||
	       (r->exchange <= SMALL_TALK_LAST && r->span <= SMALL_TALK_MAX &&
		!(v->count > 0 && v->candidate[0].probability >= id->config.threshold));
}

/* Which files are downloaded again and again, by what is sure of each record alone. */
static struct popular *
find_popular(struct identify *id)
{
	size_t n = id->intake.count, step = n / POPULAR_RECORDS + 1, i;
	struct popular *popular = popular_new(&id->files);
	struct verdict verdict;

	id->popular_step = step;
	for (i = 0; i < n; i += step) {
		const struct record *r = &id->intake.records[i];

		if (r->range != 0 || r->is_dropped)
			continue;
		if (r->has_span && !sampled_is(r))
			span_name(&id->files, id->by_record[i], r, &verdict);
		else
			plain_name(id->plain, r, &verdict);
		popular_add(popular, &verdict);
	}
	return popular;
}

static int
name_record(struct identify *id, size_t at, struct findings *findings, struct err *err)
{
	const struct record *r = &id->intake.records[at];
	const struct constants *c = id->by_record[at];
	struct neighbours n = neighbours_of(id);
	struct hint_view view = hint_view(id, r);
	struct verdict verdict;
	struct several several;

	findings->view = &view;
	findings->constants = c;
	if (r->range != 0)
		return r->is_dropped
			   ? 0
			   : findings_add_ranges(findings, r, &id->ranges,
						 &id->ranges.sets[r->range - 1], err);
	if (r->has_span && !sampled_is(r)) {
		neighbour_name(&n, c, at, &verdict);
	} else {
		plain_name(id->plain, r, &verdict);
		if (plain_several(id->plain, r, &verdict, &several))
			return findings_add_several(findings, r, &verdict, &several, err);
	}
	if (is_small_talk(id, c, r, &verdict)) {
		id->counters[IDENTIFY_small_talk]++;
		return 0;
	}
	popular_apply(id->popular, at % id->popular_step == 0, &verdict);
	use_hints(id, c, at, &view, &verdict);
	if (verdict.count > 0 && verdict.candidate[0].probability >= 0.95 &&
	    !verdict.candidate[0].is_partial)
		hosts_add(id->hosts, &id->files, r, verdict.candidate[0].file);
	return findings_add(findings, r, &verdict, is_unmodified(id, c, r, &verdict),
			    err);
}

static int
start_compare(const void *pa, const void *pb)
{
	const struct record *a = *(const struct record *const *)pa,
			    *b = *(const struct record *const *)pb;

	if (a->start_us != b->start_us)
		return a->start_us < b->start_us ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* Downloads in pieces, client by client and server by server. */
static void
find_ranges(struct identify *id)
{
	struct record **picked = must(calloc(id->intake.count + 1, sizeof *picked));
	struct record *records = id->intake.records, *first;
	const struct constants *c;
	size_t i, end, n;

	for (i = 0; i < id->intake.count; i = end) {
		first = &records[i];
		c = id->by_record[i];
		for (n = 0, end = i; end < id->intake.count; end++) {
			struct record *r = &records[end];

			if (r->server_port != first->server_port ||
			    addr_compare(&r->server, &first->server) != 0 ||
			    addr_compare(&r->client, &first->client) != 0)
				break;
			if (c->header.count > 0 && ranges_may_hold(&id->files, c, r))
				picked[n++] = r;
		}
		if (n < 2)
			continue;
		qsort(picked, n, sizeof *picked, start_compare);
		ranges_find(&id->ranges, &id->files, c, picked, n);
	}
	id->counters[IDENTIFY_ranges_over_limit] = id->ranges.given_up;
	free(picked);
}

/* Decodes the pipelined connections; NULL where there are none. */
static int
decode_runs(struct identify *id, struct runs **out, struct err *err)
{
	size_t count = id->intake.runs_count, i;
	const struct constants **constants;
	int ret;

	*out = NULL;
	if (count == 0)
		return 0;
	constants = must(calloc(count, sizeof(const struct constants *)));
	for (i = 0; i < count; i++) {
		const struct flow *first = &id->intake.runs[i].rows[0];
		uint16_t port = flow_or(first, dst_port, 0);

		constants[i] = constants_of(id, group_of(id, &first->dst, port), port);
	}
	ret = runs_decode(&id->files, order_of(id), id->intake.runs, constants, count,
	    out, err);
	free(constants);
	return ret;
}

/* A record or a run, by start. */
struct turn {
	int64_t start_us;
	bool is_run;
	size_t index;
};

static int
turn_compare(const void *pa, const void *pb)
{
	const struct turn *a = pa, *b = pb;

	if (a->start_us != b->start_us)
		return a->start_us < b->start_us ? -1 : 1;
	if (a->is_run != b->is_run)
		return a->is_run ? 1 : -1;
	return a->index < b->index ? -1 : a->index > b->index;
}

/* Gets the memory that naming the record of a turn will look at. */
static void
prefetch(const struct identify *id, const struct turn *turn, bool is_near)
{
	const struct record *r = &id->intake.records[turn->index];

	if (!turn->is_run && r->has_span)
		span_prefetch(&id->files, id->by_record[turn->index], r, is_near);
}

static int
name_all(struct identify *id, struct findings *findings, struct err *err)
{
	size_t records = id->intake.count, n = records + id->intake.runs_count, i;
	struct turn *turns = must(calloc(n + 1, sizeof *turns));
	struct runs *runs;
	int ret = decode_runs(id, &runs, err);

	id->memo = must(calloc(records + 1, sizeof *id->memo));
	for (i = 0; i < n; i++)
		turns[i] = i < records
			       ? (struct turn){id->intake.records[i].start_us, false, i}
			       : (struct turn){id->intake.runs[i - records].start_us,
					       true, i - records};
	qsort(turns, n, sizeof *turns, turn_compare);
	for (i = 0; ret == 0 && i < n; i++) {
		if (i + 2 * SPAN_AHEAD < n && !turns[i + 2 * SPAN_AHEAD].is_run)
			__builtin_prefetch(
			    &id->intake.records[turns[i + 2 * SPAN_AHEAD].index].span);
		if (i + SPAN_AHEAD < n) {
			prefetch(id, &turns[i + SPAN_AHEAD], false);
			prefetch(id, &turns[i + SPAN_AHEAD / 2], true);
		}
		ret = turns[i].is_run ? runs_tell(runs, turns[i].index, findings, err)
				      : name_record(id, turns[i].index, findings, err);
	}
	runs_free(runs);
	free(turns);
	free(id->memo);
	id->memo = NULL;
	return ret;
}

int
identify_finish(struct identify *id, struct sink *sink, struct err *err)
{
	struct findings findings;
	int ret;

	intake_end(&id->intake);
	if (!id->config.no_dedup)
		intake_dedup(&id->intake);
	intake_sort(&id->intake);
	if (!id->is_frozen)
		learn(id);
	else if (id->config.is_adaptive)
		plain_adapt(id->plain, id->intake.records, id->intake.count);
	findings_init(&findings, &id->files, id->config.threshold, sink, id->counters);
	findings.point = id->intake.points;
	findings.is_explained = id->config.is_explained;
	list_constants(id);
	find_ranges(id);
	findings.plain_threshold = id->plain_threshold;
	id->popular = find_popular(id);
	ret = name_all(id, &findings, err);
	popular_free(id->popular);
	id->popular = NULL;
	if (ret == 0)
		ret = findings_flush(&findings, err);
	findings_done(&findings);
	ranges_done(&id->ranges);
	free(id->by_record);
	id->by_record = NULL;
	intake_clear(&id->intake);
	return ret;
}
