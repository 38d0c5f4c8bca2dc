/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_SEQUENCE_RUN_H
#define IDENTIFY_SEQUENCE_RUN_H

#include "identify/modes.h"
#include "identify/sequence.h"

/* Inside of the decoder of pipelined runs: what its three stages hand on. */

enum {
	RUN_COUNTS = 16,    /* requests in one group at most */
	RUN_LENGTHS = 6144, /* octets of one group at most, else its length is free */
	RUN_BORDERS_MAX = 60000, /* borders are u16 in states */
	RUN_FRAGMENT = 100,      /* no whole request is shorter, before K is known */
	RUN_SINGLE = 260,        /* before K is known: surely no two requests */
	RUN_PIECE = 1400,        /* octets of one piece of a long gap */
	REQUEST_MIN = 64,        /* the meter marks no shorter one */
};

/* Requests sent together: their sum is known, their number perhaps. */
struct group {
	uint64_t anchor; /* response offset seen by the client when it sent them */
	uint32_t bytes;
	uint32_t row;
	uint32_t first; /* layer of its gate: count_max requests left */
	uint32_t at;    /* border at the anchor, or the last one before it */
	uint8_t is_anchored;
	uint8_t is_loose; /* a piece of a gap: requests need not end where it ends */
	uint8_t count_min, count_max;
	float weight[RUN_COUNTS + 1]; /* log probability of each count */
	double after; /* log density of the lengths of all groups from this one on */
};

/* A place in the response stream where a response may end. */
struct border {
	uint64_t offset;
	uint32_t row;
	uint32_t ends; /* segment ends up to and with this border */
	uint8_t is_end, is_anchor;
};

struct run {
	const struct sequence_config *config;
	struct sequence_stats *stats;
	struct sequence_modes modes;
	struct group *groups;
	uint32_t group_count;
	struct border *borders;
	uint32_t border_count;
	double log_spurious; /* log of spurious segment ends per octet */
	uint32_t depth;      /* 0: request times unused */
	bool is_voted;       /* the modes at this depth had votes */
	uint32_t header_min, request_min;
	/* length[n][l]: density of n requests of l octets together. */
	double (*length)[RUN_LENGTHS];
};

/* sequence_read.c: groups as they were sent, and borders. */
int run_read(struct run *, const struct flow *rows, size_t count, struct err *);
void run_done(struct run *);

/* sequence_learn.c: modes and depth by vote, then whole requests and their numbers. */
int run_learn(struct run *, struct err *);
void run_group(struct run *);
/* Adds weight to a mode, which is new or not; false if there is no room. */
bool run_add_mode(struct sequence_mode *modes, uint32_t *count, uint32_t bytes, bool is_hex,
		  double weight);

/* sequence_vote.c: modes by vote of all pieces between borders, whoever asked for them. */
int run_vote(struct run *, struct err *);

/* Index of the first item of at least that size. */
static inline size_t
item_find(const struct sequence_config *config, uint64_t size)
{
	size_t low = 0, high = config->count, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (config->items[mid].size < size)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* A piece of the response stream between two borders that may be one response. */
struct piece {
	uint32_t from, to; /* borders */
	double mass;       /* probability that it is one response */
	double ordinal_mass;
	uint32_t ordinal, request; /* of the likeliest way there */
	uint32_t first_fit;        /* chain of fits, 0 ends it */
};

struct fit {
	uint32_t piece, id, header, rest, next, order;
	double mass, best;
};

struct pieces {
	struct piece *piece;
	struct fit *fit; /* fit[0] is unused */
	uint32_t *piece_slot, *fit_slot;
	uint32_t pieces, fits, piece_cap, fit_cap;
	double trust; /* share of the mass that bounds left in the lattice */
};

/* sequence_piece.c: masses collected by piece and by file; what is full takes no more. */
int pieces_init(struct pieces *, struct err *);
void pieces_done(struct pieces *);
struct piece *pieces_get(struct pieces *, uint32_t from, uint32_t to);
struct fit *pieces_fit(struct pieces *, struct piece *, uint32_t id);
/* The pieces that are probable, as responses, and blocks between them. */
int pieces_emit(struct run *, struct pieces *, const struct flow *rows, size_t count,
		sequence_emit *emit, void *arg, struct err *);

/* A stretch of responses between sure borders. low, high: places in the index of the files
 * around it, if the run keeps to its order; else high is 0. */
struct block {
	uint64_t offset, span;
	uint32_t ordinal, responses;
	uint32_t low, high;
};

enum { RUN_FILL_MAX = 3, RUN_FILL_WAYS = 64, RUN_FILL_HEADER = 2100 };

/* A way to fill a block with catalogue items, by their index. */
struct way {
	uint32_t item[RUN_FILL_MAX], header[RUN_FILL_MAX], rest[RUN_FILL_MAX];
	double weight; /* probability */
};

/*
 * sequence_fill.c: the ways to fill a block exactly, RUN_FILL_WAYS at most; certainty: that
 * the truth is among them. 0 where nothing can be told.
 */
uint32_t run_fill(const struct run *, const struct block *, struct way *ways,
		  double *certainty);

/*
 * sequence_lattice.c: fills pieces. evidence: log probability of what was seen,
 * comparable between depths.
 */
int lattice_weigh(struct run *, struct pieces *, double *evidence, struct err *);

#endif
