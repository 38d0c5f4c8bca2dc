/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_SEQUENCE_WAYS_H
#define IDENTIFY_SEQUENCE_WAYS_H

#include "identify/sequence_run.h"

/*
 * All ways to fill a stretch of the response stream with catalogue files, one after the
 * other, so that they come out to the octet; weighed by the sum-product rule.
 */

enum {
	WAYS_SLOTS = 64,       /* responses of a stretch at most */
	WAYS_SPANS = 64,       /* other spans tried to tell what chance would give */
	WAYS_FITS = 512,       /* files told per response at most */
	WAYS_ORDER_BITS = 20,  /* places in the index, else no order is used */
	WAYS_USED_BITS = 13,   /* octets of a group's requests */
	WAYS_WINDOW_BITS = 31, /* octets within which a response may end */
};

/* What is known of one response. */
struct slot {
	uint64_t low, high; /* it ends here, both included */
	uint64_t anchor;    /* where its end was answered by a request; 0: not known */
	uint32_t request;   /* octets of its request; 0: only a sum, or nothing */
	/* Requests of its group from this one on, whose sum is known; else 0. */
	uint32_t left;
	uint32_t sum; /* octets of all of these; the same in each slot of the group */
};

struct stretch {
	const struct run *run;
	uint64_t offset, span;
	uint32_t responses;
	struct slot slot[WAYS_SLOTS];
	bool is_ordered;    /* files come in the order of the index, between: */
	uint32_t low, high; /* places in the index, both excluded; 0: no bound */
	uint32_t entries_max; /* of the table of ways; fewer are quicker */
};

/* A file that may be a response. */
struct way_fit {
	uint32_t item, header, rest;
	double probability; /* if the ways hold the truth */
	double best;        /* of its likeliest place */
	uint64_t end;       /* that place's */
};

struct ways {
	struct way_fit fit[WAYS_SLOTS][WAYS_FITS]; /* likeliest first */
	uint32_t fits[WAYS_SLOTS];
	uint64_t end[WAYS_SLOTS]; /* where each response likeliest ends */
	double log_weight; /* of all ways, comparable between stretches of one span */
	double log_flat;   /* the same without what pages say, as far as it is known */
	double log_chance; /* the same of spans a little shorter or longer, on average */
	double trust;      /* share of the weight that bounds left */
};

/* For qsort: the likeliest first, and of files alike the lesser item. */
int way_fit_compare(const void *a, const void *b);

/* Fills out. 1, or 0 where there is no way or no room for a table, or -1 with err. */
int ways_find(const struct stretch *, struct ways *out, struct err *err);

#endif
