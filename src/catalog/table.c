/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A catalogue as TSV, read and written by the catalogue's schema: the first line names
 * the columns, each cell goes to the member its column names. A tab, line end, carriage
 * return or backslash in a text is written \t, \n, \r, \\ and read back.
 */
#include "base/err.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "catalog/unpack.h"
#include "model/catalogue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COLUMNS_MAX = 64, WRITE_BYTES = 1 << 20 };

struct table {
	struct unpack *in;
	int fields[COLUMNS_MAX]; /* by column */
	size_t columns;
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
next_cell(const char **at, const char *end, const char **cell, size_t *n)
{
	const char *tab;

	if (*at > end)
		return false;
	tab = memchr(*at, '\t', (size_t)(end - *at));
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

	while (next_cell(&at, line + len, &cell, &n)) {
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

	if (memchr(cell, '\\', n) == NULL)
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
	while (next_cell(&at, line + len, &cell, &n)) {
		if (column == t->columns)
			return wrong(t, err,
				     "more cells than the first line has columns, "
				     "from",
				     cell, n);
		if (set_cell(t, &row, t->fields[column++], cell, n, err) < 0)
			return -1;
	}
	if (!catalogue_has(&row, name) || !catalogue_has(&row, size))
		return wrong(t, err, "name and size must not be empty:", line, len);
	if (catalog_add(catalog, &row, err) < 0)
		return err_prefix(err, "%s: line %llu: ", unpack_label(t->in),
				  (unsigned long long)unpack_line_number(t->in));
	return 0;
}

static int
read_table(struct table *t, struct catalog *catalog, struct err *err)
{
	const char *line;
	size_t len;
	int more;

	while ((more = unpack_line(t->in, &line, &len, err)) > 0) {
		if (len == 0 || line[0] == '#')
			continue;
		if (t->columns == 0 ? read_header(t, line, len, err) < 0
				    : read_row(t, catalog, line, len, err) < 0)
			return -1;
	}
	if (more == 0 && t->columns == 0)
		return err_set(err, EINVAL,
			       "%s: empty: a catalogue starts with a line of column "
			       "names",
			       unpack_label(t->in));
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

static void
put_row(struct text *out, const struct catalogue *row)
{
	char when[32];
	unsigned i;

	for (i = 0; i < CATALOGUE_FIELDS; i++) {
		const char *member =
		    (const char *)row + catalogue_schema.fields[i].offset;

		if (i > 0)
			text_char(out, '\t');
		if (!row_has(row->present, i))
			continue;
		switch (catalogue_schema.fields[i].type) {
		case TYPE_u64:
			text_u64(out, *(const uint64_t *)(const void *)member);
			break;
		case TYPE_u32:
			text_u64(out, *(const uint32_t *)(const void *)member);
			break;
		case TYPE_time:
			time_print(*(const int64_t *)(const void *)member, STYLE_MACHINE,
				   when);
			text_str(out, when);
			break;
		default: {
			const struct str *s = (const void *)member;

			text_tsv(out, s->data, s->len);
		}
		}
	}
	text_char(out, '\n');
}

struct order {
	const char *name, *version, *arch;
	uint64_t size;
	size_t file;
};

static int
order_compare(const void *pa, const void *pb)
{
	const struct order *a = pa, *b = pb;
	int by;

	if ((by = strcmp(a->name, b->name)) != 0 ||
	    (by = strcmp(a->version, b->version)) != 0 ||
	    (by = strcmp(a->arch, b->arch)) != 0)
		return by;
	return a->size != b->size  ? (a->size < b->size ? -1 : 1)
	       : a->file < b->file ? -1
				   : a->file > b->file;
}

/* The files by name, so that two catalogues can be compared line by line. */
static struct order *
make_order(const struct catalog *catalog)
{
	const struct catalog_file *files = catalog_files(catalog);
	size_t i, n = catalog_count(catalog);
	struct order *order = calloc(n + 1, sizeof *order);

	for (i = 0; order != NULL && i < n; i++)
		order[i] = (struct order){catalog_text(catalog, files[i].name),
					  catalog_text(catalog, files[i].version),
					  catalog_text(catalog, files[i].arch),
					  files[i].size, i};
	if (order != NULL && n > 0)
		qsort(order, n, sizeof *order, order_compare);
	return order;
}

static int
write_all(int fd, struct text *out, const char *path, struct err *err)
{
	size_t at = 0;
	ssize_t n;

	while (at < out->len) {
		n = write(fd, out->data + at, out->len - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, errno, "%s: cannot write: %s", path,
				       strerror(errno));
		at += (size_t)n;
	}
	text_clear(out);
	return 0;
}

static int
write_rows(const struct catalog *catalog, int fd, const char *path, struct err *err)
{
	struct order *order = make_order(catalog);
	struct text out;
	struct catalogue row;
	size_t i;
	int ret = 0;

	if (order == NULL)
		return err_set(err, ENOMEM, "%s: out of memory", path);
	text_init(&out);
	for (i = 0; i < CATALOGUE_FIELDS; i++)
		text_printf(&out, "%s%s", i > 0 ? "\t" : "",
			    catalogue_schema.fields[i].id);
	text_char(&out, '\n');
	for (i = 0; ret == 0 && i < catalog_count(catalog); i++) {
		catalog_row(catalog, order[i].file, &row);
		put_row(&out, &row);
		if (out.len > WRITE_BYTES)
			ret = write_all(fd, &out, path, err);
	}
	if (ret == 0)
		ret = write_all(fd, &out, path, err);
	text_done(&out);
	free(order);
	return ret;
}

int
catalog_write(const struct catalog *catalog, const char *path, struct err *err)
{
	struct text hidden;
	int fd, ret = -1;

	if (strcmp(path, "-") == 0)
		return write_rows(catalog, STDOUT_FILENO, "standard output", err);
	text_init(&hidden);
	text_printf(&hidden, "%s.%ld.tmp", path, (long)getpid());
	fd = open(hidden.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0) {
		err_set(err, errno, "%s: cannot create: %s", path, strerror(errno));
		goto done;
	}
	if (write_rows(catalog, fd, path, err) == 0) {
		if (fsync(fd) < 0 || rename(hidden.data, path) < 0)
			err_set(err, errno, "%s: cannot write: %s", path,
				strerror(errno));
		else
			ret = 0;
	}
	close(fd);
	if (ret < 0)
		unlink(hidden.data);
done:
	text_done(&hidden);
	return ret;
}
