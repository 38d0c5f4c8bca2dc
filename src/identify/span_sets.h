/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_SPAN_SETS_H
#define IDENTIFY_SPAN_SETS_H

#include "identify/several.h"
#include "identify/span_together.h"

/* Inside of span_several.c: the search for the sets of files that a record may hold. */

/* A record's densities as so many downloads, [1] as one, by files; and as of no file. */
struct span_weights {
	double by_files[TOGETHER_MAX + 1], unknown;
};

struct span_sets {
	const struct together *t;
	const struct record *r;
	struct several *out; /* NULL: no set is kept */
	double scale[TOGETHER_MAX + 1]; /* of sets of so many, that are kept */
	bool with_request;
	/* What was found, by number: the sum of all weights, what hidden requests left,
	 * and files by number and place in the pool (NULL: not asked for). */
	double sum[TOGETHER_MAX + 1];
	double rest[TOGETHER_MAX + 1][COMB_MAX + 1];
	double *files;
	struct together_set best[TOGETHER_MAX + 1]; /* the heaviest ones */
	uint64_t work; /* files tried */
	/* inside */
	double most[TOGETHER_MAX + 1]; /* the heaviest set */
	size_t items; /* tried of the server's */
	uint32_t n, item[TOGETHER_MAX]; /* chosen so far, the first file's place free */
	struct together_set set;
};

/* Finds all sets; densities of the record by the number of its downloads, but for one. */
void span_sets_find(struct span_sets *sets, struct span_weights *out);

#endif
