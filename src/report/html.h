/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include <stddef.h>
#include <stdint.h>

struct batch;
struct text;

/*
 * A report as one HTML file that works offline: style and script are inside, nothing is
 * loaded, nothing is sent. Tables sort by a click on a heading; without scripts they are
 * still tables.
 */
void html_begin(struct text *out, const char *title);
void html_end(struct text *out);

/* A heading that links lead to. */
void html_heading(struct text *out, const char *heading);
/* Links to such headings, up to a NULL. */
void html_contents(struct text *out, const char *const *headings);
/* What is folded in until someone asks for it. */
void html_folded_begin(struct text *out, const char *summary);
void html_folded_end(struct text *out);
/* What is wider than the screen scrolls within a box of its own, by keys too; label says
 * what it is. */
void html_wide_begin(struct text *out, const char *label);
void html_wide_end(struct text *out);
void html_paragraph(struct text *out, const char *words);

struct html_bars {
	const char *title;
	const char *unit;      /* of the values, for tooltips */
	int64_t start_us;      /* of the first bin */
	int64_t bin_us;
	const uint64_t *values;
	size_t count;
};
/* A bar chart over time as inline SVG, with axis labels and a tooltip per bar. */
void html_chart(struct text *out, const struct html_bars *bars);

/* Starts a table with these columns of the batch's schema; rows are added by batches of
 * that schema. label: what the table is. */
void html_table_begin(struct text *out, const char *label, const struct batch *batch,
    const unsigned *fields, unsigned n);
void html_table_rows(struct text *out, const struct batch *batch, const unsigned *fields,
    unsigned n);
void html_table_end(struct text *out);

#endif
