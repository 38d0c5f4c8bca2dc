/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The identifier as a whole: rows are taken in, grouped by server and, within it, by path
 * (server and client); what is constant is learned for all servers together, then for
 * each that has enough downloads; then every record is named by its group's constants.
 */
#include "identify/identify.h"

#include "base/err.h"
#include "base/memory.h"
#include "identify/files.h"
#include "identify/finding.h"
#include "identify/groups.h"
#include "identify/hint.h"
#include "identify/intake.h"
#include "identify/dns_names.h"
#include "identify/neighbour.h"
#include "identify/order.h"
#include "identify/plain.h"
#include "identify/plain_file.h"
#include "identify/popular.h"
#include "identify/ranges.h"
#include "identify/repeats.h"
#include "identify/runs.h"
#include "identify/sampled.h"
#include "identify/span.h"
#include "identify/span_several.h"
#include "model/flow.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	UNMODIFIED_MAX = 600,
	SMALL_TALK_MAX = 600, /* octets of handshakes, settings and tickets */
	SMALL_TALK_LAST = 2,  /* the last exchange of a connection that can be such */
};

/* Names of plain records are held back longer: 98 of 100 told are to be right. */
static const double THRESHOLD = 0.5, PLAIN_THRESHOLD = 0.7;

struct identify {
	struct identify_config config;
	struct files files;
	struct intake intake;
	struct groups groups;
	const struct constants **by_record; /* while records are named */
	struct plain *plain;
	struct hosts *hosts;
	struct neighbour_memo *memo; /* by record, while they are named */
	struct ranges ranges;
	struct popular *popular; /* while records are named */
	struct span_several *several; /* while records are named */
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

	id->config = *config;
	id->plain_threshold = config->threshold;
	if (!(id->config.threshold > 0)) {
		id->config.threshold = THRESHOLD;
		id->plain_threshold = PLAIN_THRESHOLD;
	}
	groups_init(&id->groups);
	files_init(&id->files, config->catalog);
	id->plain = plain_new(&id->files, &plain);
	intake_init(&id->intake, &id->config, id->counters);
	id->hosts = hosts_new();
	return id;
}

void
identify_free(struct identify *id)
{
	if (id == NULL)
		return;
	plain_free(id->plain);
	groups_done(&id->groups);
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

static void
learn(struct identify *id)
{
	size_t i;

	groups_learn(&id->groups, &id->files, &id->config, &id->intake);
	for (i = 0; i < 2; i++) {
		const struct constants *c = &id->groups.constants[i];

		id->counters[IDENTIFY_header_modes] += c->header.count;
		id->counters[IDENTIFY_request_modes] += c->request.count;
	}
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
		if (span_several_name(id->several, c, r, &verdict, &several))
			return findings_add_several(findings, r, &verdict, &several, err);
	} else {
		plain_name(id->plain, r, &verdict);
		if (plain_several(id->plain, r, &verdict, &several))
			return findings_add_several(findings, r, &verdict, &several, err);
	}
	if (is_small_talk(id, c, r, &verdict)) {
		id->counters[IDENTIFY_small_talk]++;
		return 0;
	}
	repeats_apply(id->popular, r, &verdict);
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

			if (!record_same_server(r, first) ||
			    addr_compare(&r->client, &first->client) != 0)
				break;
			if (c->header.count > 0 && ranges_may_hold(&id->files, c, r))
				picked[n++] = r;
		}
		if (n < 2)
			continue;
		qsort(picked, n, sizeof *picked, start_compare);
		ranges_find(&id->ranges, &id->files, c, id->popular, picked, n);
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

		constants[i] = groups_constants(&id->groups, &first->dst, port);
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
prefetch(const struct identify *id, const struct turn *turn)
{
	const struct record *r = &id->intake.records[turn->index];

	if (!turn->is_run && r->has_span)
		span_prefetch(&id->files, id->by_record[turn->index], r);
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
		if (i + SPAN_AHEAD < n)
			prefetch(id, &turns[i + SPAN_AHEAD]);
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
	bool is_fitting;
	int ret;

	intake_end(&id->intake);
	if (!id->config.no_dedup)
		intake_dedup(&id->intake);
	intake_sort(&id->intake);
	is_fitting = id->config.is_adaptive || !(id->is_frozen || id->config.is_frozen);
	if (!id->is_frozen)
		learn(id);
	else if (id->config.is_adaptive)
		plain_adapt(id->plain, id->intake.records, id->intake.count);
	findings_init(&findings, &id->files, id->config.threshold, sink, id->counters);
	findings.point = id->intake.points;
	findings.is_explained = id->config.is_explained;
	id->by_record = groups_list(&id->groups, id->intake.records, id->intake.count);
	id->popular = repeats_find(&(struct repeats){
	    &id->files, id->plain, id->by_record, id->intake.records, id->intake.count,
	    is_fitting});
	find_ranges(id);
	findings.plain_threshold = id->plain_threshold;
	id->several = span_several_new(&id->files, id->popular);
	span_several_learn(id->several, id->intake.records, id->by_record,
			   id->intake.count);
	plain_count(id->plain, id->intake.records, id->intake.count);
	ret = name_all(id, &findings, err);
	id->counters[IDENTIFY_several_over_limit] = span_several_given_up(id->several);
	span_several_free(id->several);
	plain_set_popular(id->plain, NULL);
	popular_free(id->popular);
	id->several = NULL;
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
