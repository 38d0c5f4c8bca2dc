/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_SPAN_SEVERAL_H
#define IDENTIFY_SPAN_SEVERAL_H

#include "identify/files.h"
#include "identify/modes.h"
#include "identify/popular.h"
#include "identify/record.h"
#include "identify/several.h"

/*
 * Several downloads in one exchange of HTTP/2: a request as long as two window updates
 * begins no exchange of its own, so that its answer stands behind another one's in one
 * record. Which files' spans add up to the record's is told as a set; the first file of a
 * set was asked for first, of the others the order is not known.
 */
struct span_several;

/* popular: which files are downloaded how often; must outlive it. */
struct span_several *span_several_new(const struct files *files,
				      const struct popular *popular);
void span_several_free(struct span_several *several);

/* Learns of every server with such constants how many of its records hold several: of
 * records 0..n-1, by_record being the constants of each, those of a server together. */
void span_several_learn(struct span_several *several, const struct record *records,
			const struct constants *const *by_record, size_t n);

/* alone: what span_name said. True where several are likelier than one or none. */
bool span_several_name(struct span_several *several, const struct constants *constants,
		       const struct record *record, const struct verdict *alone,
		       struct several *out);

/* Records that were not looked at, for others had taken too long. */
uint64_t span_several_given_up(const struct span_several *several);

#endif
