/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_SEQUENCE_LATTICE_H
#define IDENTIFY_SEQUENCE_LATTICE_H

#include "identify/sequence_run.h"

/*
 * Inside of the lattice: sequence_lattice.c keeps the states and sweeps, sequence_answer.c
 * enumerates the edges of a state, sequence_virtual.c those to places that no mark shows.
 */

enum {
	LATTICE_ANY = UINT32_MAX, /* octets used: unknown */
	LATTICE_NONE = UINT32_MAX,
	LATTICE_KEEP = 40, /* states less than exp(-40) of the best are left */
	LATTICE_KEEP_VIRTUAL = 14, /* the same of states at virtual borders */
};

struct state {
	double alpha, beta, best;
	uint32_t layer, used, border;
	uint32_t stretch; /* of the index that the last file is in; 0: none, or not told */
	uint32_t order;   /* its place on the likeliest way */
	uint32_t skipped; /* responses since then, on the likeliest way */
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

struct layer {
	uint32_t group, left; /* requests */
	uint32_t first, states;
	double top; /* highest alpha */
};

struct edge {
	uint32_t layer, border, used;
	uint32_t responses;
	uint32_t id, header, request, rest, order;
	double weight;
};

struct lattice {
	struct run *run;
	struct pieces *pieces; /* NULL: forward only */
	struct layer *layers;
	uint32_t layer_count; /* the last one is the end */
	struct state *states;
	uint32_t state_count, state_cap;
	uint32_t *slots, slot_mask;
	struct reach_list *reaches; /* by border */
	uint32_t reach_count;
	uint32_t *virtual_slots; /* by offset; 0: free, else border + 1 */
	double log_marked, log_unmarked, log_prior;
	double end_alpha;
	double trust; /* share of the mass that bounds left */
	uint64_t work;
	bool is_back, is_exhausted, is_out_of_memory;
	uint32_t from; /* state whose edges are enumerated */
	double beta;   /* collected for it */
};

/* sequence_lattice.c: takes an edge; one that ends before group g, once for each number of
 * requests that the group may have. */
void lattice_go(struct lattice *l, const struct edge *e);
void lattice_arrive(struct lattice *l, struct edge *e, uint32_t group);

/* sequence_answer.c: all edges of a state. */
void lattice_answer(struct lattice *l, uint32_t state);
/* Log density of the length of a group's requests that are left. */
double lattice_length_weight(const struct run *run, uint32_t left, uint32_t group,
			     uint32_t used);
/* Log probability of an anchor, given where its response ends; anchor may be NULL. */
double lattice_lag_weight(const struct run *run, const struct group *anchor,
			  uint32_t border);
/* The same for an end at any offset, behind the border place. */
double lattice_lag_at(const struct run *run, const struct group *anchor, uint64_t offset,
		      uint32_t place);
/* Log of how much likelier a file is for its place in the index than any. */
double lattice_order_weight(const struct lattice *l, uint32_t order);

/* sequence_virtual.c: answers of one request whose end no mark shows. */
void lattice_answer_virtual(struct lattice *l, const struct group *anchor);

#endif
