/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "model/schema.h"

#include <stdbool.h>

struct err;
struct sink;
struct text;

/*
 * Batches of any schema as text.
 *
 * table: a heading line and aligned columns for people; null is "-"; control characters
 * are "?". A column is as wide as its type says, or as the first batch needs.
 * tsv: a line of ids, then a line a row. Null is an empty cell; in text a tab, newline,
 * carriage return or backslash is written \t \n \r \\.
 * csv: RFC 4180; a line of ids, lines end in CR LF. Null is an empty cell, an empty text
 * is "". ndjson: an object a line. A null is left out; numbers are numbers, u64 above
 * 2^53 too (read them with a parser that keeps integers); lists are arrays; the rest are
 * strings.
 *
 * Times, durations and names are printed in config.style by table and in STYLE_MACHINE by
 * the others.
 */
enum report_format {
	REPORT_TABLE,
	REPORT_TSV,
	REPORT_CSV,
	REPORT_NDJSON,
	REPORT_FORMATS
};

struct report_config {
	int fd;           /* where the text goes */
	struct text *text; /* where it is appended instead; NULL: to fd */
	const char *name; /* of fd, for messages; NULL: "output" */
	bool is_owned;    /* sink_close closes fd */
	enum report_format format;
	const struct schema *schema; /* of all batches pushed */
	const unsigned *fields; /* columns in order, copied; NULL: the default layout */
	unsigned n;             /* how many */
	enum style style;
	bool is_color; /* heading in bold; for terminals only */
	bool no_header;
};

/*
 * Opens a sink that prints what is pushed. Writes happen in blocks of about 64 KiB, at
 * flush and at close; a failed one (full disk, broken pipe) fails that call with its
 * errno in err->code, and every later call. The heading is printed even if no batch
 * comes.
 */
int report_open(const struct report_config *config, struct sink **out, struct err *err);

/* "tsv" to REPORT_TSV. */
int report_format_parse(const char *name, enum report_format *out, struct err *err);
const char *report_format_name(enum report_format format);

/*
 * "start,bytes,line" to field numbers: ids and names of layouts, separated by commas; one
 * named twice counts once. NULL or "" is the default layout.
 */
int report_fields(const struct schema *schema, const char *text,
		  unsigned out[SCHEMA_FIELDS_MAX], unsigned *n, struct err *err);

/* The formats, and the layouts of a schema (NULL: none), a line each, for --help. */
void report_help(struct text *out, const struct schema *schema);

#endif
