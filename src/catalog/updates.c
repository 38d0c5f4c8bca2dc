/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of updates in CSV, as exports of update catalogues and administrators' tools give
 * them: the first line names the columns, by one of several names each.
 */
#include "base/err.h"
#include "base/text.h"
#include "catalog/builder.h"
#include "catalog/csv.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

enum { COLUMN_url = CATALOGUE_FIELDS, COLUMN_none };

static const struct {
	const char *heading;
	int column;
} headings[] = {
    {"name", CATALOGUE_name},
    {"title", CATALOGUE_name},
    {"update", CATALOGUE_name},
    {"update name", CATALOGUE_name},
    {"package", CATALOGUE_name},
    {"version", CATALOGUE_version},
    {"build", CATALOGUE_version},
    {"size", CATALOGUE_size},
    {"bytes", CATALOGUE_size},
    {"file size", CATALOGUE_size},
    {"size (bytes)", CATALOGUE_size},
    {"size in bytes", CATALOGUE_size},
    {"download size", CATALOGUE_size},
    {"arch", CATALOGUE_arch},
    {"architecture", CATALOGUE_arch},
    {"suite", CATALOGUE_suite},
    {"product", CATALOGUE_suite},
    {"products", CATALOGUE_suite},
    {"channel", CATALOGUE_suite},
    {"path", CATALOGUE_path},
    {"host", CATALOGUE_host},
    {"released", CATALOGUE_released},
    {"release date", CATALOGUE_released},
    {"last updated", CATALOGUE_released},
    {"last modified", CATALOGUE_released},
    {"post date", CATALOGUE_released},
    {"date", CATALOGUE_released},
    {"depends", CATALOGUE_depends},
    {"url", COLUMN_url},
    {"link", COLUMN_url},
    {"download url", COLUMN_url},
};

struct updates {
	struct build *build;
	struct csv csv;
	int columns[CSV_CELLS_MAX];
	size_t count;
	struct catalogue common;
	struct text url;
};

static int
heading_column(struct str cell)
{
	size_t i;

	while (cell.len > 0 && cell.data[0] == ' ')
		cell.data++, cell.len--;
	while (cell.len > 0 && cell.data[cell.len - 1] == ' ')
		cell.len--;
	for (i = 0; i < sizeof headings / sizeof *headings; i++) {
		if (strlen(headings[i].heading) == cell.len &&
		    strncasecmp(headings[i].heading, cell.data, cell.len) == 0)
			return headings[i].column;
	}
	return COLUMN_none;
}

/* A second column of a meaning is not read; other columns are somebody's own. */
static int
take_headings(struct updates *u, struct err *err)
{
	bool seen[COLUMN_none + 1] = {false};
	size_t i;
	int column;

	for (i = 0; i < u->csv.count; i++) {
		column = heading_column(u->csv.cells[i]);
		u->columns[i] = seen[column] ? COLUMN_none : column;
		seen[column] = true;
	}
	u->count = u->csv.count;
	if (!seen[CATALOGUE_name] || (!seen[CATALOGUE_size] && !seen[COLUMN_url]))
		return err_set(err, EINVAL,
			       "%s: line %llu: the first line must name the columns, a "
			       "name (Title, Name) and a size (Size) or URL among them",
			       unpack_label(u->csv.in), (unsigned long long)u->csv.line);
	return 0;
}

/* A cell has no 0 at its end: the rest of its line follows. */
static void
note_cell(struct updates *u, enum build_counter event, const struct origin *origin,
	  struct str cell)
{
	char what[121];

	snprintf(what, sizeof what, "%.*s", (int)(cell.len < 120 ? cell.len : 120),
		 cell.data);
	build_note(u->build, event, origin, what);
}

/* False if the row cannot be used; that is noted. */
static bool
take_cell(struct updates *u, struct catalogue *row, int column, struct str cell,
	  const struct origin *origin)
{
	uint64_t slack;
	int64_t when;

	if (cell.len == 0 || column == COLUMN_none)
		return true;
	switch (column) {
	case COLUMN_url:
		text_clear(&u->url);
		text_bytes(&u->url, cell.data, cell.len);
		return true;
	case CATALOGUE_released:
		if (date_parse(cell.data, cell.len, &when))
			catalogue_set(row, released, when);
		else
			note_cell(u, BUILD_bad_date, origin, cell);
		return true;
	case CATALOGUE_size:
		if (!size_parse(cell.data, cell.len, build_units(u->build), &row->size,
				&slack)) {
			note_cell(u, BUILD_bad_size, origin, cell);
			return false;
		}
		row_mark(row->present, CATALOGUE_size);
		if (slack > 0)
			catalogue_set(row, slack, slack);
		return true;
	default:
		row_text(row, (enum catalogue_field)column, cell.data, cell.len);
		return true;
	}
}

static int
take_record(struct updates *u, struct err *err)
{
	struct catalogue row = u->common;
	struct origin origin = {unpack_label(u->csv.in), "line", u->csv.line};
	size_t i;

	text_clear(&u->url);
	if (u->csv.count > u->count) {
		build_note(u->build, BUILD_bad_entry, &origin, "more cells than columns");
		return 0;
	}
	for (i = 0; i < u->csv.count; i++) {
		if (!take_cell(u, &row, u->columns[i], u->csv.cells[i], &origin))
			return 0;
	}
	return build_add(u->build, &row,
			 u->url.len > 0 && is_url(u->url.data) ? u->url.data : NULL,
			 &origin,
			 err);
}

int
updates_read(struct build *build, struct unpack *in, struct err *err)
{
	struct updates u = {.build = build};
	struct str source = base_name(unpack_label(in));
	int more;

	csv_init(&u.csv, in);
	text_init(&u.url);
	row_text(&u.common, CATALOGUE_source, source.data, source.len);
	while ((more = csv_next(&u.csv, err)) > 0) {
		if ((u.count == 0 ? take_headings(&u, err) : take_record(&u, err)) != 0) {
			more = -1;
			break;
		}
	}
	if (more == 0 && u.count == 0)
		more = err_set(err, EINVAL, "%s: empty: no list of updates",
		    unpack_label(in));
	csv_done(&u.csv);
	text_done(&u.url);
	return more;
}
