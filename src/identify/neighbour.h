/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_NEIGHBOUR_H
#define IDENTIFY_NEIGHBOUR_H

#include "identify/hint.h"
#include "identify/modes.h"
#include "identify/record.h"

/*
 * Records in the light of those before and after them on the same connection, or of the
 * same client and server: all in one array, sorted as intake_sort does.
 */
struct neighbours {
	const struct files *files;
	const struct record *records;
	size_t count;
	struct neighbour_memo *memo; /* by record, all 0 at first; borrowed */
};

/* What naming a record by itself came to, of which its neighbours ask again. */
struct neighbour_memo {
	uint32_t sure; /* file + 1; 0: none is sure */
	bool is_known, is_odd;
};

/* Names record at, which has a span; one whose request does not come out is tried
 * together with the exchange before and after it. */
void neighbour_name(const struct neighbours *n, const struct constants *c, size_t at,
		    struct verdict *out);

/* Fills the view's places in the index of sure downloads around record at. */
void neighbour_order(const struct neighbours *n, const struct constants *c, size_t at,
		     struct hint_view *view);

#endif
