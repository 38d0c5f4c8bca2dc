/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FILTER_FILTER_H
#define FILTER_FILTER_H

#include "model/schema.h"

struct batch;
struct err;
struct text;

/*
 * A condition on rows of a schema, from text such as
 *
 *	proto tcp and port in [80, 443] and not dst net 10/8 and bytes > 1M
 *
 * A comparison is FIELD OPERATOR VALUE (operator.def), FIELD VALUE (equal; for TCP flags:
 * all of these set) or FIELD alone for a 0 or 1. sugar.def has words that stand for
 * fields: `port 53` is src_port or dst_port. With != and other negated operators both
 * must differ. They are joined by not, and, or (! && ||), strongest first, and
 * parentheses.
 *
 * Numbers take k M G T (thousands) and Ki Mi Gi Ti (1024s); durations are seconds or take
 * us ms s m h d; addresses may be prefixes, 10/8; times are as time_parse takes them;
 * text with blanks or signs stands in quotes, where \ keeps the next character.
 *
 * A comparison with null is false, and `not` turns that into true (two values, not
 * three): `not port 80` holds for ICMP. `is null` asks. An empty text, or `any`, holds
 * for every row.
 */
struct filter;

/* Bounds on a filter's text; past one of them parsing fails. */
enum {
	FILTER_TEXT_MAX = 65536, /* bytes */
	FILTER_DEPTH_MAX = 64,   /* of parentheses and nots */
	FILTER_TESTS_MAX = 4096, /* comparisons */
	FILTER_VALUES_MAX = 16384,
};

/*
 * NULL, with err set, if text is no filter. The message has three lines: what is wrong,
 * the text and a caret under the place. One filter serves one thread: it holds scratch
 * memory.
 */
struct filter *filter_parse(const struct schema *schema, const char *text,
			    struct err *err);
void filter_free(struct filter *filter);

/* True if every row passes. */
bool filter_is_any(const struct filter *filter);

/*
 * Sets bit i of alive, (rows + 63) / 64 words, where row i passes, and clears all others.
 * Returns how many pass. Derives the columns that it needs.
 */
size_t filter_select(struct filter *filter, struct batch *batch, uint64_t *alive);

/* Marks (row_mark) the stored fields that the filter reads, those of derived ones too. */
void filter_fields(const struct filter *filter, uint64_t fields[SCHEMA_FIELDS_MAX / 64]);

/* The language in a page: operators, words, and the schema's fields. */
void filter_help(struct text *out, const struct schema *schema);

#endif
