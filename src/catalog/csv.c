/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CSV records. A record's text is gathered first, so that its cells may point into it.
 */
#include "catalog/csv.h"

#include "base/err.h"

#include <errno.h>
#include <string.h>

void
csv_init(struct csv *csv, struct unpack *in)
{
	*csv = (struct csv){.in = in};
	text_init(&csv->space);
}

void
csv_done(struct csv *csv)
{
	text_done(&csv->space);
}

static int
wrong(const struct csv *csv, struct err *err, const char *why)
{
	return err_set(err, EINVAL, "%s: line %llu: %s", unpack_label(csv->in),
		       (unsigned long long)csv->line, why);
}

/* The record's lines; a line end inside quotes belongs to it. */
static int
gather(struct csv *csv, struct err *err)
{
	const char *line;
	size_t len, i;
	bool is_quoted = false;
	int more;

	text_clear(&csv->space);
	do {
		if ((more = unpack_line(csv->in, &line, &len, err)) <= 0) {
			if (more == 0 && is_quoted)
				return wrong(csv, err, "a cell's quote is not closed");
			return more;
		}
		if (csv->space.len + len > CSV_RECORD_MAX)
			return wrong(csv, err,
			    "a record above 1 MiB: is a quote not closed?");
		if (is_quoted)
			text_char(&csv->space, '\n');
		else
			csv->line = unpack_line_number(csv->in);
		for (i = 0; i < len; i++)
			is_quoted ^= line[i] == '"';
		text_bytes(&csv->space, line, len);
	} while (is_quoted);
	return 1;
}

static char
find_between(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == ',' || *s == ';' || *s == '\t')
			return *s;
	}
	return ',';
}

/* Takes the quotes off a cell in place and steps behind it. */
static char *
quoted_cell(char *at, char between, struct str *cell)
{
	char *to = at, *from = at + 1;

	cell->data = to;
	while (*from != '\0') {
		if (*from == '"' && from[1] != '"')
			break;
		from += *from == '"';
		*to++ = *from++;
	}
	cell->len = (uint32_t)(to - at);
	from += *from == '"';
	while (*from != '\0' && *from != between)
		from++; /* what follows the quote belongs to nothing */
	return from;
}

int
csv_next(struct csv *csv, struct err *err)
{
	char *at;
	int more;

	do {
		if ((more = gather(csv, err)) <= 0)
			return more;
	} while (csv->space.len == 0);
	if (memchr(csv->space.data, '\0', csv->space.len) != NULL)
		return wrong(csv, err, "a zero byte: no CSV");
	at = csv->space.data;
	if (csv->between == 0) {
		if (strncmp(at, "\xef\xbb\xbf", 3) == 0)
			at += 3; /* a byte order mark */
		csv->between = find_between(at);
	}
	for (csv->count = 0;; at++) {
		struct str *cell = &csv->cells[csv->count];

		if (csv->count++ == CSV_CELLS_MAX)
			return wrong(csv, err, "more than 128 cells");
		if (*at == '"') {
			at = quoted_cell(at, csv->between, cell);
		} else {
			*cell = (struct str){at, 0};
			for (; *at != '\0' && *at != csv->between; at++)
				cell->len++;
		}
		if (*at == '\0')
			return 1;
	}
}
