/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The four text formats. Each takes a page, the printed cells of some rows column by
 * column, and writes them row by row. Only text needs escaping: every other type prints
 * letters, digits and a few signs.
 */
#include "report/format.h"

#include <string.h>

static bool
is_text(const struct cells *c)
{
	return c->type->storage == STORAGE_TEXT;
}

/* Columns on a terminal, near enough: bytes that begin a UTF-8 character. */
static unsigned
text_width(struct str s)
{
	unsigned width = 0;
	uint32_t i;

	for (i = 0; i < s.len; i++)
		width += ((uint8_t)s.data[i] & 0xc0) != 0x80;
	return width;
}

static void
spaces(struct text *out, unsigned n)
{
	memset(text_room(out, n), ' ', n);
	out->len += n;
	out->data[out->len] = '\0';
}

/* C0 and C1 controls could steer the reader's terminal. */
static void
plain_text(struct text *out, struct str s)
{
	char *to = text_room(out, s.len);
	uint32_t i;

	for (i = 0; i < s.len; i++) {
		uint8_t byte = (uint8_t)s.data[i];
		uint8_t next = i + 1 < s.len ? (uint8_t)s.data[i + 1] : 0;

		if (byte < 0x20 || byte == 0x7f) {
			*to++ = '?';
		} else if (byte == 0xc2 && next >= 0x80 && next < 0xa0) {
			*to++ = '?';
			i++;
		} else {
			*to++ = s.data[i];
		}
	}
	*to = '\0';
	out->len = (size_t)(to - out->data);
}

static struct str
table_cell(const struct cells *c, size_t i)
{
	struct str s = cells_get(c, i);

	return s.len == 0 && cells_is_null(c, i) ? (struct str){"-", 1} : s;
}

static void
table_put(struct text *out, const struct page *page, unsigned column, struct str s)
{
	const struct cells *c = &page->cells[column];
	unsigned width = text_width(s);
	unsigned fill = width < c->width ? c->width - width : 0;

	if (column > 0)
		spaces(out, 2);
	if (c->type->is_number)
		spaces(out, fill);
	if (is_text(c))
		plain_text(out, s);
	else
		text_bytes(out, s.data, s.len);
	if (!c->type->is_number && column + 1 < page->n)
		spaces(out, fill);
}

void
table_fit(struct page *page)
{
	unsigned i, width;
	size_t row;

	for (i = 0; i < page->n; i++) {
		struct cells *c = &page->cells[i];

		for (row = 0; row < page->rows; row++) {
			width = text_width(table_cell(c, row));
			if (width > c->width)
				c->width = width;
		}
	}
}

static void
table_heading(struct text *out, const struct page *page)
{
	unsigned i;

	if (page->is_color)
		text_str(out, "\033[1m");
	for (i = 0; i < page->n; i++) {
		const struct text *h = &page->cells[i].heading;

		table_put(out, page, i, (struct str){h->data, (uint32_t)h->len});
	}
	if (page->is_color)
		text_str(out, "\033[0m");
	text_char(out, '\n');
}

static void
table_rows(struct text *out, const struct page *page)
{
	size_t row;
	unsigned i;

	for (row = 0; row < page->rows; row++) {
		for (i = 0; i < page->n; i++)
			table_put(out, page, i, table_cell(&page->cells[i], row));
		text_char(out, '\n');
	}
}

static void
ids(struct text *out, const struct page *page, char separator)
{
	unsigned i;

	for (i = 0; i < page->n; i++) {
		if (i > 0)
			text_char(out, separator);
		text_str(out, page->cells[i].field->id);
	}
}

static void
tsv_heading(struct text *out, const struct page *page)
{
	ids(out, page, '\t');
	text_char(out, '\n');
}

static void
tsv_rows(struct text *out, const struct page *page)
{
	size_t row;
	unsigned i;

	for (row = 0; row < page->rows; row++) {
		for (i = 0; i < page->n; i++) {
			struct str s = cells_get(&page->cells[i], row);

			if (i > 0)
				text_char(out, '\t');
			if (is_text(&page->cells[i]))
				text_tsv(out, s.data, s.len);
			else
				text_bytes(out, s.data, s.len);
		}
		text_char(out, '\n');
	}
}

/* RFC 4180, 2.5 to 2.7. */
static void
csv_quote(struct text *out, struct str s)
{
	uint32_t i;

	text_char(out, '"');
	for (i = 0; i < s.len; i++) {
		if (s.data[i] == '"')
			text_char(out, '"');
		text_char(out, s.data[i]);
	}
	text_char(out, '"');
}

static bool
csv_needs_quotes(struct str s)
{
	uint32_t i;

	for (i = 0; i < s.len; i++) {
		if (strchr(",\"\r\n", s.data[i]) != NULL) /* NUL too */
			return true;
	}
	return s.len == 0 || s.data[0] == ' ' || s.data[s.len - 1] == ' ';
}

static void
csv_heading(struct text *out, const struct page *page)
{
	ids(out, page, ',');
	text_str(out, "\r\n");
}

static void
csv_rows(struct text *out, const struct page *page)
{
	size_t row;
	unsigned i;

	for (row = 0; row < page->rows; row++) {
		for (i = 0; i < page->n; i++) {
			const struct cells *c = &page->cells[i];
			struct str s = cells_get(c, row);

			if (i > 0)
				text_char(out, ',');
			if (is_text(c) && !cells_is_null(c, row) && csv_needs_quotes(s))
				csv_quote(out, s);
			else
				text_bytes(out, s.data, s.len);
		}
		text_str(out, "\r\n");
	}
}

static void
json_list(struct text *out, struct str s)
{
	char *to;
	uint32_t i;

	text_char(out, '[');
	to = text_room(out, s.len);
	for (i = 0; i < s.len; i++)
		*to++ = s.data[i] == ' ' ? ',' : s.data[i];
	out->len += s.len;
	text_char(out, ']');
}

static void
json_value(struct text *out, const struct cells *c, struct str s)
{
	if (c->type->is_number)
		text_bytes(out, s.data, s.len);
	else if (c->type->storage == STORAGE_LIST)
		json_list(out, s);
	else
		text_json(out, s.data, s.len);
}

static void
json_rows(struct text *out, const struct page *page)
{
	size_t row;
	unsigned i;

	for (row = 0; row < page->rows; row++) {
		bool is_first = true;

		text_char(out, '{');
		for (i = 0; i < page->n; i++) {
			const struct cells *c = &page->cells[i];
			struct str s = cells_get(c, row);

			/* A number without text is NaN, which JSON has not. */
			if (s.len == 0 && (c->type->is_number || cells_is_null(c, row)))
				continue;
			text_str(out, is_first ? "\"" : ",\"");
			text_str(out, c->field->id);
			text_str(out, "\":");
			json_value(out, c, s);
			is_first = false;
		}
		text_str(out, "}\n");
	}
}

static void
no_heading(struct text *out, const struct page *page)
{
}

const struct format formats[REPORT_FORMATS] = {
    [REPORT_TABLE] = {"table", "aligned columns for people", STYLE_PEOPLE, table_heading,
		      table_rows},
    [REPORT_TSV] = {"tsv", "tab-separated values, a line of ids first", STYLE_MACHINE,
		    tsv_heading, tsv_rows},
    [REPORT_CSV] = {"csv", "comma-separated values (RFC 4180), a line of ids first",
		    STYLE_MACHINE, csv_heading, csv_rows},
    [REPORT_NDJSON] = {"ndjson", "a JSON object a line, nulls left out", STYLE_MACHINE,
		       no_heading, json_rows},
};
