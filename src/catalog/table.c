/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A catalogue as TSV, read by the catalogue's schema: the first line names the columns,
 * each cell goes to the member its column names. A tab, line end, carriage return or
 * backslash in a text is written \t, \n, \r, \\ (table_write.c) and read back. One whose
 * first line has commas and no tab is read as CSV.
 */
#include "base/err.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "catalog/csv.h"
#include "catalog/unpack.h"
#include "model/catalogue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 64 };

struct table {
	struct unpack *in;
	int fields[COLUMNS_MAX]; /* by column */
	size_t columns, good, bad_lines;
	struct err first; /* what is wrong in the first of these */
	struct err why;   /* and in the line that is being read */
	bool is_csv;
	struct text cells; /* where cells with escapes are decoded */
};

static int
wrong(struct table *t, struct err *err, const char *why, const char *s, size_t n)
{
	return err_set(err, EINVAL, "%s: line %llu: %s '%.*s'", unpack_label(t->in),
		       (unsigned long long)unpack_line_number(t->in), why,
		       (int)(n < 80 ? n : 80), s);
}

/* The next cell of a line; false at its end. */
static bool
next_cell(const char **at, const char *end, char between, const char **cell, size_t *n)
{
	const char *tab;

	if (*at > end)
		return false;
	tab = memchr(*at, between, (size_t)(end - *at));
	*cell = *at;
	*n = (size_t)((tab != NULL ? tab : end) - *at);
	*at = *cell + *n + 1;
	return true;
}

static int
unknown_column(struct table *t, struct err *err, const char *cell, size_t n)
{
	struct text why;
	int i;

	text_init(&why);
	text_str(&why, "a catalogue's columns are ");
	for (i = 0; i < CATALOGUE_FIELDS; i++)
		text_printf(&why, "%s%s", catalogue_schema.fields[i].id,
			    i + 2 < CATALOGUE_FIELDS    ? ", "
			    : i + 1 < CATALOGUE_FIELDS ? " and "
						       : ", not");
	wrong(t, err, why.data, cell, n);
	text_done(&why);
	return -1;
}

static int
read_header(struct table *t, const char *line, size_t len, struct err *err)
{
	const char *at = line, *cell;
	bool seen[CATALOGUE_FIELDS] = {false};
	size_t n;
	int field;

	t->is_csv = memchr(line, '\t', len) == NULL && memchr(line, ',', len) != NULL;
	while (next_cell(&at, line + len, t->is_csv ? ',' : '\t', &cell, &n)) {
		field = schema_find(&catalogue_schema, cell, n);
		if (field < 0)
			return unknown_column(t, err, cell, n);
		if (seen[field])
			return wrong(t, err, "column named twice:", cell, n);
		if (t->columns == COLUMNS_MAX)
			return wrong(t, err, "too many columns, from", cell, n);
		seen[field] = true;
		t->fields[t->columns++] = field;
	}
	if (!seen[CATALOGUE_name] || !seen[CATALOGUE_size])
		return wrong(t, err,
			     "the first line must name the columns, name and size "
			     "among them, but is",
			     line, len);
	return 0;
}

/* Turns \t, \n, \r and \\ back; texts without a backslash stay where they are. */
static struct str
plain_text(struct table *t, const char *cell, size_t n)
{
	size_t i, from = t->cells.len;

	if (t->is_csv || memchr(cell, '\\', n) == NULL)
		return (struct str){cell, (uint32_t)n};
	for (i = 0; i < n; i++) {
		const char *escape = NULL;

		if (cell[i] == '\\' && i + 1 < n)
			escape = memchr("tnr\\", cell[i + 1], 4);
		if (escape != NULL)
			i++;
		text_char(&t->cells,
			  escape != NULL ? "\t\n\r\\"[strcspn("tnr\\", escape)]
			  : cell[i]);
	}
	return (struct str){t->cells.data + from, (uint32_t)(t->cells.len - from)};
}

static int
wrong_number(struct table *t, struct err *err, int field, const char *cell, size_t n)
{
	char why[80];

	snprintf(why, sizeof why, "%s must be a whole number of bytes, not",
		 catalogue_schema.fields[field].id);
	return wrong(t, err, why, cell, n);
}

static int
wrong_time(struct table *t, struct err *err, int field, const char *cell, size_t n)
{
	char why[80];

	snprintf(why, sizeof why, "%s must be a time like 2026-11-23T10:05:00Z, not",
		 catalogue_schema.fields[field].id);
	return wrong(t, err, why, cell, n);
}

static int
set_cell(struct table *t, struct catalogue *row, int field, const char *cell, size_t n,
	 struct err *err)
{
	char *member = (char *)row + catalogue_schema.fields[field].offset;
	uint64_t size;
	int64_t when;
	struct str text;

	if (n == 0)
		return 0;
	switch (catalogue_schema.fields[field].type) {
	case TYPE_u64:
		if (!parse_u64(cell, n, &size))
			return wrong_number(t, err, field, cell, n);
		memcpy(member, &size, sizeof size);
		break;
	case TYPE_u32:
		if (!parse_u64(cell, n, &size) || size > UINT32_MAX)
			return wrong_number(t, err, field, cell, n);
		memcpy(member, &(uint32_t){(uint32_t)size}, sizeof(uint32_t));
		break;
	case TYPE_time:
		if (!time_parse(cell, n, &when))
			return wrong_time(t, err, field, cell, n);
		memcpy(member, &when, sizeof when);
		break;
	default:
		text = plain_text(t, cell, n);
		memcpy(member, &text, sizeof text);
	}
	row_mark(row->present, (unsigned)field);
	return 0;
}

/* Adds the row, if it has what a file needs. */
static int
add_row(struct table *t, struct catalog *catalog, const struct catalogue *row,
	const char *line, size_t len, struct err *err)
{
	if (!catalogue_has(row, name) || !catalogue_has(row, size))
		return wrong(t, err, "name and size must not be empty:", line, len);
	if (catalog_add(catalog, row, err) < 0)
		return err_prefix(err, "%s: line %llu: ", unpack_label(t->in),
				  (unsigned long long)unpack_line_number(t->in));
	return 0;
}

static int
next_column(struct table *t, struct catalogue *row, size_t column, const char *cell,
	    size_t n, struct err *err)
{
	if (column == t->columns)
		return wrong(t, err, "more cells than the first line has columns, from",
			     cell, n);
	return set_cell(t, row, t->fields[column], cell, n, err);
}

static int
read_row(struct table *t, struct catalog *catalog, const char *line, size_t len,
	 struct err *err)
{
	const char *at = line, *cell;
	struct catalogue row = {0};
	size_t n, column = 0;

	/* Decoded texts of one line must not move: the buffer gets room for all first. */
	text_clear(&t->cells);
	text_room(&t->cells, len + COLUMNS_MAX);
	while (next_cell(&at, line + len, '\t', &cell, &n))
		if (next_column(t, &row, column++, cell, n, err) < 0)
			return -1;
	return add_row(t, catalog, &row, line, len, err);
}

static int
read_record(struct table *t, struct catalog *catalog, struct csv *csv, struct err *err)
{
	struct catalogue row = {0};
	size_t column;

	for (column = 0; column < csv->count; column++)
		if (next_column(t, &row, column, csv->cells[column].data,
				csv->cells[column].len, err) < 0)
			return -1;
	return add_row(t, catalog, &row, csv->cells[0].data, csv->cells[0].len, err);
}

/* A file that others wrote may begin with a byte order mark. */
static void
skip_mark(const struct table *t, const char **line, size_t *len)
{
	if (t->columns == 0 && *len >= 3 && memcmp(*line, "\xef\xbb\xbf", 3) == 0) {
		*line += 3;
		*len -= 3;
	}
}

/* One wrong line does not spoil a catalogue; that nothing else is in it does. */
static int
judge_row(struct table *t, struct catalog *catalog, int ret, struct err *err)
{
	if (ret == 0) {
		t->good++;
		return 0;
	}
	if (t->why.code != EINVAL)
		return err_set(err, t->why.code, "%s", t->why.text);
	if (t->bad_lines++ == 0)
		t->first = t->why;
	catalog_leave_out(catalog, t->why.text);
	return 0;
}

static int
read_csv(struct table *t, struct catalog *catalog, struct err *err)
{
	struct csv csv;
	int more, ret = 0;

	csv_init(&csv, t->in);
	csv.between = ',';
	while (ret == 0 && (more = csv_next(&csv, err)) != 0) {
		t->why.code = 0;
		if (more < 0)
			ret = -1;
		else if (csv.cells[0].len == 0 || csv.cells[0].data[0] != '#')
			ret = judge_row(t, catalog,
			    read_record(t, catalog, &csv, &t->why), err);
	}
	csv_done(&csv);
	return ret;
}

static int
read_table(struct table *t, struct catalog *catalog, struct err *err)
{
	const char *line;
	size_t len;
	int more;

	while ((more = t->is_csv ? 0 : unpack_line(t->in, &line, &len, err)) > 0) {
		skip_mark(t, &line, &len);
		if (len == 0 || line[0] == '#')
			continue;
		t->why.code = 0;
		if (t->columns == 0
			? read_header(t, line, len, err) < 0
			: judge_row(t, catalog, read_row(t, catalog, line, len, &t->why),
			      err) < 0)
			return -1;
	}
	if (t->is_csv)
		more = read_csv(t, catalog, err);
	if (more == 0 && t->columns == 0)
		return err_set(err, EINVAL,
			       "%s: empty: a catalogue starts with a line of column "
			       "names",
			       unpack_label(t->in));
	if (more == 0 && t->bad_lines > 0 && t->good == 0)
		return err_set(err, t->first.code, "%s", t->first.text);
	return more;
}

int
catalog_read_from(struct catalog *catalog, struct unpack *in, struct err *err)
{
	struct table t = {.in = in};
	int ret;

	text_init(&t.cells);
	ret = read_table(&t, catalog, err);
	text_done(&t.cells);
	return ret;
}

int
catalog_read(struct catalog *catalog, const char *path, struct err *err)
{
	struct unpack *in;
	int ret;

	if (unpack_open(path, CATALOG_BYTES_MAX, &in, err) < 0)
		return -1;
	ret = catalog_read_from(catalog, in, err);
	unpack_close(in);
	return ret;
}

int
catalog_read_bytes(struct catalog *catalog, const void *bytes, size_t n,
		   const char *label, struct err *err)
{
	struct unpack *in = unpack_over(bytes, n, (uint64_t)64 << 20, label);
	int ret = catalog_read_from(catalog, in, err);

	unpack_close(in);
	return ret;
}
