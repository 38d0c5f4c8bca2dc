/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPORT_FORMAT_H
#define REPORT_FORMAT_H

#include "base/text.h"
#include "model/batch.h"
#include "report/report.h"

enum { CELL_ROWS = 512 }; /* rows printed column by column before they are interleaved */

/* The texts of one column for up to CELL_ROWS rows. */
struct cells {
	const struct field *field;
	const struct type *type;
	const struct column *column;
	struct text heading;
	struct text text;
	uint32_t ends[CELL_ROWS];
	size_t from;    /* row of the batch that the first cell is of */
	unsigned width; /* of a table's column */
};

static inline struct str
cells_get(const struct cells *c, size_t i)
{
	uint32_t from = i == 0 ? 0 : c->ends[i - 1];

	return (struct str){c->text.data + from, c->ends[i] - from};
}

static inline bool
cells_is_null(const struct cells *c, size_t i)
{
	return column_is_null(c->column, c->from + i);
}

struct page {
	struct cells *cells; /* n columns */
	unsigned n;
	size_t rows;
	bool is_color;
};

/* A format: what stands above the rows, and the rows of a page. */
struct format {
	const char *id;
	const char *help;
	enum style style; /* STYLE_PEOPLE: config.style decides */
	void (*heading)(struct text *out, const struct page *page);
	void (*rows)(struct text *out, const struct page *page);
};

extern const struct format formats[REPORT_FORMATS];

/* Widens the table columns to the page's texts; the first page settles them. */
void table_fit(struct page *page);

#endif
