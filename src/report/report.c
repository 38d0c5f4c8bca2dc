/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sink that prints. A batch is taken some hundred rows at a time: each column's type
 * prints its cells one behind the other, the format interleaves them by rows into a
 * buffer, and the buffer is written when it holds 64 KiB.
 */
#include "report/report.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "model/sink.h"
#include "report/format.h"
#include "report/layout.h"

enum { BLOCK_BYTES = 64 * 1024 };

struct report {
	struct sink sink;
	int fd;
	struct text *text; /* instead of fd */
	bool is_owned;
	bool is_begun; /* the heading is out */
	bool no_header;
	int failed; /* errno of the write that failed */
	enum style style;
	const struct schema *schema;
	const struct format *format;
	char *name;
	unsigned *fields;
	struct page page;
	struct text out;
};

static void
report_free(struct report *r)
{
	unsigned i;

	if (r == NULL)
		return;
	for (i = 0; r->page.cells != NULL && i < r->page.n; i++) {
		text_done(&r->page.cells[i].heading);
		text_done(&r->page.cells[i].text);
	}
	free(r->page.cells);
	free(r->fields);
	free(r->name);
	text_done(&r->out);
	free(r);
}

/* write(2) until all is out; waits where the other end set its side non-blocking. */
static int
write_all(int fd, const char *data, size_t n)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	ssize_t done;

	while (n > 0) {
		done = write(fd, data, n);
		if (done > 0) {
			data += done;
			n -= (size_t)done;
		} else if (done < 0 && errno == EAGAIN) {
			poll(&ready, 1, -1);
		} else if (done < 0 && errno != EINTR) {
			return errno;
		}
	}
	return 0;
}

static int
report_write(struct report *r, struct err *err)
{
	if (r->text != NULL)
		text_bytes(r->text, r->out.data, r->out.len);
	else if (r->failed == 0)
		r->failed = write_all(r->fd, r->out.data, r->out.len);
	text_clear(&r->out);
	if (r->failed != 0)
		return err_set(err, r->failed, "%s: cannot write: %s%s", r->name,
			       strerror(r->failed),
			       r->failed == ENOSPC ? "; free some space and run it again"
						   : "");
	return 0;
}

static void
begin(struct report *r)
{
	if (!r->is_begun && !r->no_header)
		r->format->heading(&r->out, &r->page);
	r->is_begun = true;
}

static void
print_cells(struct report *r, const struct batch *batch, size_t from, size_t n)
{
	unsigned i;

	for (i = 0; i < r->page.n; i++) {
		struct cells *c = &r->page.cells[i];

		c->column = &batch->columns[r->fields[i]];
		c->from = from;
		text_clear(&c->text);
		c->type->print(&c->text, c->column, from, n, c->ends, r->style);
	}
	r->page.rows = n;
}

/* The columns' widths are settled by all of the first batch. */
static void
fit(struct report *r, const struct batch *batch)
{
	size_t from, n;

	for (from = 0; from < batch->rows; from += n) {
		n = batch->rows - from < CELL_ROWS ? batch->rows - from : CELL_ROWS;
		print_cells(r, batch, from, n);
		table_fit(&r->page);
	}
}

static int
report_push(struct sink *sink, struct batch *batch, struct err *err)
{
	struct report *r = (struct report *)sink;
	size_t from, n;
	unsigned i;

	assert(batch->schema == r->schema);
	if (r->failed != 0)
		return report_write(r, err);
	for (i = 0; i < r->page.n; i++)
		batch_derive(batch, r->fields[i]);
	if (!r->is_begun && r->format == &formats[REPORT_TABLE])
		fit(r, batch);
	begin(r);
	for (from = 0; from < batch->rows; from += n) {
		n = batch->rows - from < CELL_ROWS ? batch->rows - from : CELL_ROWS;
		print_cells(r, batch, from, n);
		r->format->rows(&r->out, &r->page);
		if (r->out.len >= BLOCK_BYTES && report_write(r, err) != 0)
			return -1;
	}
	return 0;
}

static int
report_flush(struct sink *sink, struct err *err)
{
	struct report *r = (struct report *)sink;

	begin(r);
	return report_write(r, err);
}

static int
report_close(struct sink *sink, struct err *err)
{
	struct report *r = (struct report *)sink;
	int status = report_flush(sink, err);

	if (r->is_owned && close(r->fd) != 0)
		status =
		    err_set(err, errno, "%s: cannot close: %s", r->name, strerror(errno));
	report_free(r);
	return status;
}

static void
cells_init(struct cells *c, const struct field *field)
{
	c->field = field;
	c->type = &types[field->type];
	text_init(&c->heading);
	text_init(&c->text);
	field_heading(&c->heading, field);
	c->width = c->type->width;
	if (c->heading.len > c->width)
		c->width = (unsigned)c->heading.len;
}

int
report_open(const struct report_config *config, struct sink **out, struct err *err)
{
	const struct format *format = &formats[config->format];
	struct report *r;
	unsigned i, count = config->n;

	assert(count <= SCHEMA_FIELDS_MAX);
	if ((r = calloc(1, sizeof *r)) == NULL)
		return err_set(err, ENOMEM, "output: out of memory");
	text_init(&r->out);
	r->sink = (struct sink){report_push, report_flush, report_close};
	r->fd = config->fd;
	r->text = config->text;
	r->is_owned = config->is_owned;
	r->no_header = config->no_header;
	r->style = format->style == STYLE_PEOPLE ? config->style : format->style;
	r->schema = config->schema;
	r->format = format;
	r->page.is_color = config->is_color;
	r->name = strdup(config->name != NULL ? config->name : "output");
	r->fields = calloc(SCHEMA_FIELDS_MAX, sizeof *r->fields);
	if (r->name == NULL || r->fields == NULL)
		goto no_memory;
	if (config->fields != NULL)
		memcpy(r->fields, config->fields, count * sizeof *r->fields);
	else if (report_fields(config->schema, NULL, r->fields, &count, err) != 0)
		goto fail;
	if ((r->page.cells = calloc(count, sizeof *r->page.cells)) == NULL && count > 0)
		goto no_memory;
	r->page.n = count;
	for (i = 0; i < count; i++)
		cells_init(&r->page.cells[i], &config->schema->fields[r->fields[i]]);
	*out = &r->sink;
	return 0;

no_memory:
	err_set(err, ENOMEM, "output: out of memory");
fail:
	report_free(r);
	return -1;
}

int
report_format_parse(const char *name, enum report_format *out, struct err *err)
{
	struct text known;
	unsigned i;

	for (i = 0; i < REPORT_FORMATS; i++) {
		if (strcmp(name, formats[i].id) == 0) {
			*out = (enum report_format)i;
			return 0;
		}
	}
	text_init(&known);
	for (i = 0; i < REPORT_FORMATS; i++)
		text_printf(&known, "%s%s", i == 0 ? "" : ", ", formats[i].id);
	err_set(err, EINVAL, "no output format '%.40s': choose one of %s", name,
		known.data);
	text_done(&known);
	return -1;
}

const char *
report_format_name(enum report_format format)
{
	return formats[format].id;
}

void
report_help(struct text *out, const struct schema *schema)
{
	unsigned i;

	text_str(out, "Formats:\n");
	for (i = 0; i < REPORT_FORMATS; i++)
		text_printf(out, "  %-13s %s\n", formats[i].id, formats[i].help);
	if (schema == NULL)
		return;
	text_str(out, "Layouts (names that --fields takes beside fields):\n");
	layout_help(out, schema);
}
