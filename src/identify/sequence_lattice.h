/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_SEQUENCE_LATTICE_H
#define IDENTIFY_SEQUENCE_LATTICE_H

#include "identify/sequence_run.h"

#include <math.h>

/* Inside of the lattice; sequence_lattice.c says what it is. */

enum {
	ANY = UINT32_MAX, /* octets used: unknown */
	NONE = UINT32_MAX,
	BLOCK_MAX = 12, /* responses of a block at most */
	SPAN_BINS = 96, /* spans of blocks, two to each doubling */
};

/* Natural logs of the range of sizes and of lags. */
static const double SPREAD = 16;
static const double UNKNOWN = 0.02;  /* responses of no catalogue file */
static const double TRUNCATED = -9; /* log: the stream stops within the run */

struct state {
	double alpha, beta, best;
	uint32_t layer, used, border;
	uint32_t ordinal;
	uint32_t next;  /* of its layer */
	uint32_t chain; /* of its hash slot */
};

/* From a border: one that a size and a header mode reach, and the items of that size. */
struct reach {
	uint32_t to;
	uint32_t item, items; /* first and number; 0: a mere border */
	uint32_t header;
	double weight; /* log */
};

struct reach_list {
	struct reach *reach;
	uint32_t count, to_end; /* borders before this one were tried */
};

/* A bit for each of some hashes of sizes, set where the catalogue has such a size. */
struct sizes {
	uint64_t *bit;
	unsigned shift; /* of a hash of 64 bits */
};

/* Natural log of the density of a block's span, per octet, by its responses: where they
 * are files of the catalogue, and the highest. */
struct block_spans {
	double files[BLOCK_MAX + 1][SPAN_BINS], most[BLOCK_MAX + 1];
};

struct layer {
	uint32_t group, left; /* requests */
	uint32_t first, states;
	double top; /* highest alpha */
	double lost;   /* log: of what came when it was full */
	double strong; /* alpha of the states whose blocks may end at pages, at least */
};

struct edge {
	uint32_t layer, border, used;
	uint32_t responses;
	uint32_t id, header, request, path, rest, order;
	struct group *arrival; /* the group before which it ends, if any */
	double weight;
};

struct lattice {
	struct run *run;
	struct pieces *pieces;
	uint32_t states_max; /* of a layer */
	struct layer *layers;
	uint32_t layer_count; /* the last one is the end */
	struct state *states;
	uint32_t state_count, state_cap;
	uint32_t *slots, slot_mask;
	struct reach_list *reaches;
	struct sizes sizes;
	double log_marked, log_unmarked, log_prior, log_unknown, keep;
	struct block_spans *blocks;
	double most_hope; /* by which pages make the best place of a response likelier */
	double end_alpha;
	uint64_t work;
	bool is_back, is_exhausted, is_out_of_memory;
	uint32_t from; /* state whose edges are enumerated */
	double beta;   /* collected for it */
};

static inline double
log_add(double a, double b)
{
	if (a < b)
		return b + log1p(exp(a - b));
	return a == -INFINITY ? a : a + log1p(exp(b - a));
}

/*
 * sequence_state.c: takes an edge from the state at hand, forward or back; and one that
 * ends before a group, once for each number of requests that it may have.
 */
void lattice_go(struct lattice *, const struct edge *);
void lattice_arrive(struct lattice *, struct edge *, uint32_t group);

/* sequence_block.c: by the catalogue's sizes; NULL without memory, freed by the caller.
 */
struct block_spans *block_spans_new(const struct run *);
/* Log density of a block's span, and the most it may be. */
double block_span(const struct lattice *, uint32_t responses, uint64_t span);
double block_span_most(const struct lattice *, uint32_t responses);

/* sequence_answer.c: all edges of a state. */
void lattice_answer(struct lattice *, uint32_t state);
/* Log density of the length of so many of a group's requests, less the octets used. */
double lattice_length(const struct run *, uint32_t left, uint32_t group, uint32_t used);

/* sequence_reach.c: the catalogue's sizes; false without memory. */
bool sizes_init(struct sizes *, const struct sequence_config *);
void sizes_done(struct sizes *);
/* What is reachable from a border by files, up to another border. */
const struct reach_list *reach_from(struct lattice *, uint32_t from, uint32_t end);
/* One past the last border worth trying from this one under an anchor. */
uint32_t reach_end(const struct run *, uint32_t from, const struct group *anchor);

/* sequence_anchor.c: the group of the request sent depth after the next one; NULL if
 * none is known. */
const struct group *anchor_of(const struct run *, uint32_t group, uint32_t left);
/* Log probability of an anchor, given where its response ends; and of one that ends at an
 * unknown place within a block. */
double anchor_lag(const struct run *, const struct group *anchor, uint32_t border);
double anchor_inner_lag(const struct run *, const struct group *anchor, uint32_t from,
			uint32_t to);
/* Numbers the ends of segments and finds the border at each anchor. */
void anchor_place_all(struct run *);
/* What the requests' places cost where nothing explains them. */
double anchor_unused(const struct run *);

#endif
