/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_SPAN_INSIDE_H
#define IDENTIFY_SPAN_INSIDE_H

#include "identify/span_weigh.h"

/* Inside of the weighing of one record: what its kinds of accounts share. */

struct naming {
	const struct files *files;
	const struct constants *c;
	const struct record *r;
	struct tally tally;
	double scale; /* prior of a file */
	/* of a file that the catalogue does not have; 1 without */
	double request_unknown;
	double loose, broad; /* shares of headers of no known constant: by a law that is
			      * known, loosely kept, or any */
	bool with_request;
	bool is_plain; /* there is a table, and no constant of a header has a law */
};

/* Where one account explains a record so many times better, others are not looked at one
 * by one. */
static const double SPAN_BEATEN = 1000;

/* How likely the record's request is for a file; what is told of it goes to the
 * candidate. */
static inline double
span_request_factor(const struct naming *n, size_t file, struct candidate *c)
{
	return n->with_request
		   ? span_request_share(n->files, n->c, file, n->r->request_span,
					&c->rest, &c->request_mode)
		   : 1;
}

/* Adds a file's weight, with its request. */
static inline void
span_weigh_file(struct naming *n, struct candidate *candidate, double header_share)
{
	double weight = n->scale * header_share;

	weight *= span_request_factor(n, candidate->file, candidate);
	tally_add(&n->tally, candidate, weight);
}

/* The share of constants with laws of records and frames. */
double span_law_share(const struct modes *header);

/* Files whose records and frames are nearly what a known law says, and files that a
 * header of no known length would make fit (span_broad.c). */
void span_weigh_loose(struct naming *naming);
void span_weigh_broad(struct naming *naming);

/* A response cut off, or known only to be at least so long: any file that is longer;
 * share: of that account (span_cut.c). */
void span_weigh_cut(struct naming *naming, double share);

#endif
