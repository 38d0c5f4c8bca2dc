/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decodes the pipelined connections of a store, twice where it pays. What the first round
 * was sure of, by far the most responses of a connection, teaches the constants of its
 * server; a connection of the same server that was not told well may have shown too
 * little of them, as one of few files does. Likewise with the order of the files, the
 * number of requests outstanding and how many files are unknown. Its second telling
 * stands if it names more, or more surely.
 */
#include "identify/runs.h"

#include "base/err.h"
#include "base/memory.h"
#include "identify/files.h"
#include "identify/finding.h"
#include "identify/intake.h"
#include "identify/needs.h"
#include "identify/sequence.h"
#include "identify/span_weigh.h"
#include "model/flow.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum {
	SERVERS_MAX = 10000,
	PAIRS_MIN = 6, /* of files of a run, one after the other, that tell its order */
};
/* Share of responses named by which a run teaches, and below which it is told again. */
static const double TAUGHT = 0.7, AGAIN = 0.9;
/* Votes that what other runs taught counts for. */
static const double TAUGHT_VOTES = 10;

/* What is said of a run. */
struct telling {
	struct sequence_response *response;
	size_t count, cap;
	uint64_t named, responses, unknown;
	double sure; /* the sum of the names' probabilities */
	struct sequence_modes modes;
	uint32_t depth;
};

/* What a server's runs taught. */
struct taught {
	const struct run *first; /* one of them */
	struct sequence_modes modes;
	uint32_t runs;
	uint32_t depths;     /* runs that tell how many requests are outstanding */
	uint32_t depth;      /* these, if the same in all; else 0 */
	double kept, broken; /* runs in the order of the index, and not */
	double seen, unknown; /* responses, and those that no file explained */
};

struct runs {
	const struct run *run;
	const struct constants *const *constants;
	size_t count;
	struct telling *telling;
	struct taught *taught;
	size_t servers;
};

static int
keep_response(void *arg, const struct sequence_response *response, struct err *err)
{
	struct telling *t = arg;
	struct sequence_response *grown;
	size_t cap = t->cap > 0 ? 2 * t->cap : 16;

	if (t->count == t->cap) {
		if ((grown = realloc(t->response, cap * sizeof *grown)) == NULL)
			return err_set(err, ENOMEM,
			    "identify: out of memory for responses");
		t->response = grown;
		t->cap = cap;
	}
	t->response[t->count++] = *response;
	t->named += response->verdict == SEQUENCE_NAMED;
	t->sure += response->verdict == SEQUENCE_NAMED ? response->probability : 0;
	t->unknown += response->verdict == SEQUENCE_UNKNOWN;
	t->responses += response->responses > 0 ? response->responses : 1;
	return 0;
}

static void
telling_done(struct telling *t)
{
	free(t->response);
	*t = (struct telling){0};
}

static bool
is_told(const struct telling *t, double share)
{
	return (double)t->named >= share * (double)t->responses;
}

static void
copy_modes(const struct modes *from, struct sequence_mode *to, uint32_t *count)
{
	uint32_t i;

	for (i = 0; i < from->count && *count < SEQUENCE_MODES; i++) {
		if (from->mode[i].law != TLS_none || from->mode[i].phase != 0)
			continue;
		to[(*count)++] = (struct sequence_mode){.bytes = from->mode[i].bytes,
							.is_hex = from->mode[i].digits ==
							    DIGITS_HEX,
							.weight = from->mode[i].weight};
	}
}

/* Adds constants, scaled, to others. */
static void
add_modes(const struct sequence_mode *from, uint32_t n, double scale,
	  struct sequence_mode *to, uint32_t *count)
{
	uint32_t i, k;

	for (i = 0; i < n; i++) {
		for (k = 0; k < *count; k++)
			if (to[k].bytes == from[i].bytes &&
			    to[k].is_hex == from[i].is_hex)
				break;
		if (k == SEQUENCE_MODES)
			continue;
		if (k == *count)
			to[(*count)++] = (struct sequence_mode){
			    .bytes = from[i].bytes, .is_hex = from[i].is_hex};
		to[k].weight += scale * from[i].weight;
	}
}

/* Whether a run keeps to the order of the index: 1, or 0 if not, or -1 where too few
 * files tell. */
static int
is_in_order(const struct telling *t, const uint32_t *order)
{
	uint32_t last = 0, pairs = 0;
	size_t i;

	for (i = 0; i < t->count; i++) {
		const struct sequence_response *r = &t->response[i];

		if (r->verdict != SEQUENCE_NAMED || order[r->id] == 0)
			continue;
		if (order[r->id] <= last)
			return 0;
		pairs += last > 0;
		last = order[r->id];
	}
	return pairs >= PAIRS_MIN ? 1 : -1;
}

static struct taught *
taught_of(const struct runs *runs, const struct run *run)
{
	const struct flow *row = &run->rows[0], *of;
	size_t i;

	for (i = 0; i < runs->servers; i++) {
		of = &runs->taught[i].first->rows[0];
		if (addr_compare(&of->dst, &row->dst) == 0 &&
		    flow_or(of, dst_port, 0) == flow_or(row, dst_port, 0))
			return &runs->taught[i];
	}
	return NULL;
}

/* Takes what a run that is told well tells of its server. */
static void
teach(struct runs *runs, size_t i, const uint32_t *order)
{
	const struct telling *t = &runs->telling[i];
	struct taught *taught = taught_of(runs, &runs->run[i]);
	int in_order = is_in_order(t, order);

	if (taught == NULL && runs->servers < SERVERS_MAX) {
		taught = &runs->taught[runs->servers++];
		*taught = (struct taught){.first = &runs->run[i]};
	}
	if (taught == NULL)
		return;
	add_modes(t->modes.header, t->modes.headers, (double)t->named,
	    taught->modes.header, &taught->modes.headers);
	add_modes(t->modes.request, t->modes.requests, (double)t->named,
		  taught->modes.request, &taught->modes.requests);
	taught->kept += in_order == 1;
	taught->broken += in_order == 0;
	if (t->depth > 0 && taught->depth != t->depth)
		taught->depth = taught->depths == 0 ? t->depth : 0;
	taught->depths += t->depth > 0;
	taught->runs++;
	taught->seen += (double)t->responses;
	taught->unknown += (double)t->unknown;
}

/* Constants that are taught, as so many votes. */
static void
use_taught(const struct sequence_mode *from, uint32_t n, struct sequence_mode *to,
	   uint32_t *count)
{
	double sum = 0;
	uint32_t i;

	for (i = 0; i < n; i++)
		sum += from[i].weight;
	if (sum > 0)
		add_modes(from, n, TAUGHT_VOTES / sum, to, count);
}

static int
decode(const struct runs *runs, size_t i, const struct taught *taught,
       const struct sequence_config *usual, struct telling *out, struct err *err)
{
	const struct run *run = &runs->run[i];
	const struct constants *c = runs->constants[i];
	struct sequence_config config = *usual;
	struct sequence_stats stats = {0};

	config.known = (struct sequence_modes){0};
	copy_modes(&c->header, config.known.header, &config.known.headers);
	copy_modes(&c->request, config.known.request, &config.known.requests);
	if (taught != NULL) {
		use_taught(taught->modes.header, taught->modes.headers,
		    config.known.header, &config.known.headers);
		use_taught(taught->modes.request, taught->modes.requests,
			   config.known.request, &config.known.requests);
		if (taught->kept + taught->broken > 0)
			config.order_odds =
			    log((taught->kept + 0.5) / (taught->broken + 0.5));
		config.seen = taught->seen;
		config.unknown_seen = taught->unknown;
		config.depth = taught->depth;
	}
	if (sequence_decode(&config, run->rows, run->count, keep_response, out, &stats,
	    err) != 0)
		return -1;
	out->modes = stats.modes;
	out->depth = stats.is_depth_told ? stats.depth : 0;
	return 0;
}

/* Tells a run again by what others of its server taught; the better telling stands. */
static int
decode_again(struct runs *runs, size_t i, const struct sequence_config *config,
	     struct err *err)
{
	const struct taught *taught = taught_of(runs, &runs->run[i]);
	struct telling *first = &runs->telling[i], again = {0}, worse;

	if (taught == NULL || (taught->first == &runs->run[i] && taught->runs == 1) ||
	    is_told(first, AGAIN))
		return 0;
	if (decode(runs, i, taught, config, &again, err) != 0) {
		telling_done(&again);
		return -1;
	}
	worse = again.sure > first->sure ? *first : again;
	if (again.sure > first->sure)
		*first = again;
	telling_done(&worse);
	return 0;
}

static struct sequence_item *
make_items(const struct files *files, const uint32_t *order)
{
	struct sequence_item *items = must(calloc(files->count + 1, sizeof *items));
	size_t i;

	for (i = 0; i < files->count; i++)
		items[i] = (struct sequence_item){.size = files->file[i].size,
						  .path_bytes = files->file[i].path_len,
						  .id = (uint32_t)i,
						  .order = order[i]};
	return items;
}

static int
decode_all(struct runs *runs, const uint32_t *order,
	   const struct sequence_config *config, struct err *err)
{
	size_t i;

	for (i = 0; i < runs->count; i++) {
		if (decode(runs, i, NULL, config, &runs->telling[i], err) != 0)
			return -1;
		if (is_told(&runs->telling[i], TAUGHT))
			teach(runs, i, order);
	}
	for (i = 0; i < runs->count; i++)
		if (decode_again(runs, i, config, err) != 0)
			return -1;
	return 0;
}

int
runs_decode(const struct files *files, const uint32_t *order, const struct run *run,
	    const struct constants *const *constants, size_t count, struct runs **out,
	    struct err *err)
{
	struct runs *runs = must(calloc(1, sizeof *runs));
	struct sequence_config config;
	struct sequence_item *items = make_items(files, order);
	uint32_t *by_path;
	struct needs *needs = needs_of_files(files);
	int status;

	*runs = (struct runs){.run = run,
			      .constants = constants,
			      .count = count,
			      .telling = must(calloc(count + 1, sizeof *runs->telling)),
			      .taught = must(calloc(count < SERVERS_MAX ? count + 1
			          : SERVERS_MAX, sizeof *runs->taught))};
	sequence_config_init(&config);
	config.items = items;
	config.count = files->count;
	config.by_path = by_path = sequence_by_path(items, config.count);
	config.needs = needs;
	status = decode_all(runs, order, &config, err);
	needs_free(needs);
	free(by_path);
	free(items);
	if (status != 0) {
		runs_free(runs);
		return -1;
	}
	*out = runs;
	return 0;
}

void
runs_free(struct runs *runs)
{
	size_t i;

	if (runs == NULL)
		return;
	for (i = 0; i < runs->count; i++)
		telling_done(&runs->telling[i]);
	free(runs->telling);
	free(runs->taught);
	free(runs);
}

int
runs_tell(const struct runs *runs, size_t i, struct findings *findings, struct err *err)
{
	const struct telling *t = &runs->telling[i];
	const struct run *run = &runs->run[i];
	size_t k;

	for (k = 0; k < t->count; k++) {
		size_t row = t->response[k].row < run->count ? t->response[k].row : 0;

		if (findings_add_response(findings, &run->rows[row], &t->response[k],
		    err) != 0)
			return -1;
	}
	return 0;
}
