/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_FINDING_H
#define IDENTIFY_FINDING_H

#include "base/text.h"
#include "identify/files.h"
#include "identify/record.h"

struct batch;
struct err;
struct flow;
struct sequence_response;
struct constants;
struct hint_view;
struct point;
struct range_set;
struct ranges;
struct several;
struct sink;

/* Where findings are put together and go. */
struct findings {
	const struct files *files;
	/* for a name; of records without an exact span */
	double threshold, plain_threshold;
	struct sink *sink;
	struct batch *batch;
	struct text candidates, evidence, points, pieces;
	const struct point *point; /* see intake.h; NULL: none */
	/* Of the record at hand; NULL: none. */
	const struct hint_view *view;
	const struct constants *constants;
	bool is_explained; /* evidence tells every term of the probability */
	uint64_t *counters;
};

void findings_init(struct findings *findings, const struct files *files, double threshold,
		   struct sink *sink, uint64_t *counters);
void findings_done(struct findings *findings);

/* The finding that a record's verdict makes. */
int findings_add(struct findings *findings, const struct record *record,
		 const struct verdict *verdict, bool is_unmodified, struct err *err);
/* That of a download in pieces, told by the first of their records. */
int findings_add_ranges(struct findings *findings, const struct record *record,
			const struct ranges *ranges, const struct range_set *set,
			struct err *err);
/* Those of a record with several downloads: one for each, in no order. */
int findings_add_several(struct findings *findings, const struct record *record,
			 const struct verdict *verdict, const struct several *several,
			 struct err *err);
/* That of a response of a pipelined run; row: the record that holds its first octet. */
int findings_add_response(struct findings *findings, const struct flow *row,
			  const struct sequence_response *response, struct err *err);
/* Pushes what is left. */
int findings_flush(struct findings *findings, struct err *err);

#endif
