/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_SEQUENCE_TABLE_H
#define IDENTIFY_SEQUENCE_TABLE_H

#include "identify/sequence_ways.h"

/* Inside of the ways to fill a stretch; sequence_ways.c says what they are. */

enum {
	SHIFT = 4,
	SHIFTS = WAYS_SPANS / 2, /* to each side */
	PLACES_MAX = 512,
	HOPES = 1024,
};

static const double SHOWN = 0.5; /* ends within a stretch that show as segment ends */

struct entry {
	uint64_t key; /* offset in the window, octets used, place in the index */
	uint32_t item;
	/* where it begins; entries of that cell that may precede it */
	uint32_t cell, place;
	uint8_t header, rest; /* modes */
	float weight;         /* of the step alone */
	double alpha, beta;
	double promise; /* alpha, times what may come of it */
	double before; /* alpha of the entries of its cell before it */
};

struct cell {
	uint32_t first, count;
	uint64_t offset;
	uint32_t used;
	double promise; /* of all its entries */
};

struct level {
	struct entry *entry;
	struct cell *cell;
	uint32_t entries, cells;
};

/* An offset, and the weight of a response that ends there. */
struct place {
	uint64_t offset;
	double weight;
};

struct candidate {
	uint32_t item, rest; /* a request mode */
	double weight;
};

struct table {
	const struct stretch *stretch;
	const struct sequence_config *config;
	struct level level[WAYS_SLOTS + 1];
	struct candidate *candidate;
	size_t candidates;
	struct entry *spare; /* for sorting */
	/* Offsets of the last response but one, in its window, from which the last one
	 * can come out; NULL: any. */
	uint8_t *can_end;
	uint32_t cap;
	struct place place[PLACES_MAX];
	uint32_t places;
	double floor, lost;      /* of the level that is filled: of promise */
	double hope[HOPES];      /* by place in the index */
	uint64_t work;           /* steps tried for it */
	double log_scale, kept;
	double shown; /* weight of an end that shows as that of a segment */
};

static inline uint64_t
table_order(const struct table *t, uint32_t item)
{
	return t->stretch->is_ordered ? t->config->items[item].order : 0;
}

/*
 * sequence_offer.c: the places where a response ends more likely than elsewhere (the ends
 * of unusual segments, and where the client had come when it sent the request), whether
 * an offset is one of them, and the weight of an end by the request that it set off.
 */
void place_collect(struct table *, const struct slot *);
bool place_is(const struct table *, uint64_t offset);
double place_lag(const struct slot *, uint64_t offset);
/* The files that a response may be, by its request and by the sizes that there is room
 * for. */
void candidate_collect(struct table *, uint32_t q);
/* First of the candidates whose size is at least this: they are in order of size. */
size_t candidate_find(const struct table *, uint64_t size);
/* Octets used of the group's requests after this one; false if they do not come out. */
bool candidate_request(const struct table *, const struct slot *,
    const struct candidate *, uint32_t *used);

/* sequence_halves.c: all ways in the order of the index, where the files are few enough:
 * 1, or 0 where there is none, or -1 where they are too many. */
int halves_find(struct table *, struct ways *out);

/* sequence_step.c: marks the offsets from which the last response comes out, so that
 * the level before it, mostly the largest, holds no others. Without memory for it all
 * are kept. */
void step_mark_ends(struct table *);
/* Fills level q + 1 from level q: the weightiest cells first, until that is too much
 * work; false without memory. */
bool step_all(struct table *, uint32_t q);

/* sequence_cell.c: makes cells of a level's entries and scales their weights; false
 * without memory. */
bool cell_make(struct table *, uint32_t q);
/* The entries of a cell that a file of this place in the index may follow; their
 * weight. */
uint32_t cell_place(const struct table *, const struct level *, const struct cell *,
		    uint64_t order);
double cell_weight(const struct level *, const struct cell *, uint32_t place);

#endif
