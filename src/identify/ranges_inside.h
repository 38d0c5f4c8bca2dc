/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_RANGES_INSIDE_H
#define IDENTIFY_RANGES_INSIDE_H

#include "identify/ranges.h"

/* Inside of the search for downloads in pieces: what ranges.c and resumed.c share. */

/* Pieces follow each other within this; the search has found a set from this probability
 * on. */
static const int64_t RANGES_GAP_US = 60000000;
static const double RANGES_AT = 0.9;

struct range_search {
	struct ranges *ranges;
	const struct files *files;
	const struct constants *c;
	const struct popular *popular;
	struct record **records; /* by start */
	size_t count;
};

/* Log evidence of records first .. end - 1 as downloads of their own. */
double range_own_evidence(const struct range_search *search, size_t first, size_t end);

/* Headers of plain HTTP/1.1. */
static inline bool
range_is_searched(const struct mode *header)
{
	return header->law == TLS_none && header->digits <= DIGITS_HEX;
}

/* A download that the client broke off, perhaps more than once, and its rest: from this
 * record on. No pieces: there is none. */
struct range_set range_find_resumed(struct range_search *search, size_t first);

#endif
