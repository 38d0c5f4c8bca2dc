/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_SEQUENCE_RUN_H
#define IDENTIFY_SEQUENCE_RUN_H

#include "base/search.h"
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
	RUN_DEPTH = 10,          /* requests apt keeps outstanding */
	RUN_FILL_HEADER = 2100,  /* octets of a header at most */
	RUN_DIGITS = 24,         /* octets of it that vary with the size, fewer */
};

/* No probability is above this: the model itself may be wrong. */
static const double RUN_SURE = 0.9995;

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
	double mass[RUN_COUNTS + 1];  /* and what the lattice found it to be */
	double after; /* log density of the lengths of all groups from this one on */
};

/* A place in the response stream where a response may end. */
struct border {
	uint64_t offset;
	uint32_t row;
	uint32_t ends; /* segment ends up to and with this border */
	uint8_t is_end, is_anchor;
	/* Nothing ended there, but the pages of a segment behind it say that a response
	 * may begin: one of many such places. */
	uint8_t is_page;
	uint32_t number; /* of borders that are no pages, up to and with this one */
	uint32_t next;   /* one of them, behind this one */
};

struct run {
	const struct sequence_config *config;
	struct sequence_stats *stats;
	struct sequence_modes modes;
	struct group *groups;
	uint32_t group_count;
	struct border *borders;
	uint32_t border_count;
	uint64_t *odd; /* where unusual segments ended, the usual ones too, in order */
	uint32_t odd_count;
	bool has_pages; /* the run shows pages */
	double phased; /* probability that an odd end shows a response's pages */
	double *header_share; /* by octets of the header, modulo 4096 */
	float *likelier; /* by id, for what firm files need; NULL: all alike */
	double log_spurious; /* log of spurious segment ends per octet */
	uint32_t depth;      /* 0: request times unused */
	bool is_voted;       /* the modes at this depth had votes */
	bool is_depth_told;  /* the votes or the first batch tell the depth */
	uint64_t work_max; /* edges of the lattice */
	bool is_trial;       /* the best pair of modes is taken though it may be chance */
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
bool run_add_mode(struct sequence_mode *modes, uint32_t *count, uint32_t bytes,
    bool is_hex, double weight);

/* sequence_vote.c: modes by vote of all pieces between borders, whoever asked for
 * them. */
int run_vote(struct run *, struct err *);

/*
 * sequence_phase.c: segments that end with a page of the file. By how much the ends
 * behind start are likelier if a response begins there whose header is so long and which
 * ends at end; the same if nothing is known of its header; what is needed for both.
 */
double phase_weight(const struct run *, uint64_t start, uint32_t header, uint64_t end);
double phase_hope(const struct run *, uint64_t start, uint64_t end);
/* The most that phase_hope may be. */
double phase_most_hope(const struct run *);
/* Whether it is the length of a header that is not rare. */
bool phase_is_header(const struct run *, uint64_t span);
int phase_learn(struct run *, struct err *err);
/* Adds the borders that pages tell of, and numbers all. */
int phase_add_borders(struct run *, struct err *err);

/* Natural logs of what pages say for header constants: base + gain[bytes - low]. */
struct phase_poll {
	uint32_t low, count, starts; /* borders that may begin a response, at most */
	double base, *gain;
};

void phase_vote(const struct run *, bool is_hex, double share,
    const uint8_t *is_explained, struct phase_poll *);
/* Marks the borders that say so of a header constant. */
void phase_explain(const struct run *, uint32_t header, uint32_t starts,
		   uint8_t *is_explained);

static inline bool
item_is_smaller(const void *items, size_t i, uint64_t size)
{
	return ((const struct sequence_item *)items)[i].size < size;
}

/* Index of the first item of at least that size. */
static inline size_t
item_find(const struct sequence_config *config, uint64_t size)
{
	return search_first(config->items, 0, config->count, size, item_is_smaller);
}

static inline bool
border_is_before(const void *borders, size_t i, uint64_t offset)
{
	return ((const struct border *)borders)[i].offset < offset;
}

/* The first border from number from on that is at an offset or behind it. */
static inline uint32_t
run_find_border(const struct run *run, uint32_t from, uint64_t offset)
{
	return (uint32_t)search_first(run->borders, from, run->border_count, offset,
				      border_is_before);
}

/* A piece of the response stream between two borders that may be one response. */
struct piece {
	uint32_t from, to; /* borders */
	double mass;       /* probability that it is one response */
	double ordinal_mass; /* of this ordinal, less that of others */
	uint32_t ordinal;
	uint32_t request; /* of the likeliest way there */
	double request_mass;
	uint32_t first_fit;        /* chain of fits, 0 ends it */
};

struct fit {
	uint32_t piece, id, header, path, rest, next, order;
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
/* A way there: the ordinal that most of the mass is of stands. */
void pieces_add(struct piece *, uint32_t ordinal, uint32_t request, double mass);
struct fit *pieces_fit(struct pieces *, struct piece *, uint32_t id);
/* The likeliest file of a piece; NULL where none fits. */
const struct fit *pieces_best(const struct pieces *, const struct piece *);

/* Index into the items by path of the first one of a path's length and at least a
 * size. */
size_t run_find_path(const struct run *, uint32_t path, uint64_t size);

enum block_order {
	BLOCK_FREE,    /* files come in any order */
	BLOCK_ORDERED, /* in that of the index */
	BLOCK_ANYHOW,  /* not known */
};

/* A response that is beyond doubt. */
struct known {
	uint64_t from, to; /* 0, 0: none is */
	uint32_t request;  /* octets */
	uint32_t id;       /* of the file */
	double probability;
};

/* A stretch of responses between sure borders. */
struct block {
	uint64_t offset, span;
	uint32_t ordinal, responses;
	enum block_order order;
	uint32_t low, high; /* places in the index of the sure files around it; 0: none */
	struct known *known;       /* by number of the response */
	uint32_t known_count;      /* all of the run, 0 if their number is not settled */
	/* Responses between sure borders, here and in other runs, and those of them that
	 * no file explains. */
	double seen, unknown_seen;
};

/*
 * sequence_firm.c: what firm pieces settle of the run: files by the order, numbers of
 * requests, and all of the block but its place. last: the last place in the index. The
 * pieces are in order of the stream, and none but the probable ones are left. The caller
 * frees block->known. 0, or -1 with err.
 */
int firm_settle(struct run *, struct pieces *, uint32_t last, struct block *block,
		struct err *err);
bool firm_is(const struct pieces *, const struct piece *);
/* Whether blocks end at it. */
bool firm_is_cut(const struct run *, const struct pieces *, const struct piece *,
		 const struct block *);
/* The place in the index of a piece whose file is sure, else 0. */
uint32_t pieces_order(const struct pieces *, const struct piece *);
/* That of the first firm piece from piece i on; last + 1 if there is none. */
uint32_t firm_next_order(const struct pieces *, uint32_t i, uint32_t last);

/* sequence_tell.c: the pieces that are probable, as responses, and what is between
 * them. */
int pieces_emit(struct run *, struct pieces *, const struct flow *rows, size_t count,
		sequence_emit *emit, void *arg, struct err *err);

struct ways;

/*
 * sequence_fill.c: the files that a block may hold, response by response; certainty: that
 * the truth is among the ways to fill it. 1, or 0 where nothing can be told, or -1 with
 * err.
 */
int run_fill(const struct run *, const struct block *, struct ways *out,
	      double *certainty, struct err *err);

/*
 * sequence_lattice.c: fills pieces. evidence: log probability of what was seen,
 * comparable between depths.
 */
int lattice_weigh(struct run *, struct pieces *, double *evidence, struct err *);

#endif
