/* SPDX-License-Identifier: BSD-2-Clause */
/* Truth and findings from their tables. */
#include "evaluate/input.h"

#include "base/err.h"
#include "base/memory.h"
#include "evaluate/pieces.h"
#include "load/reader.h"
#include "model/type.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum cell {
	COLUMN_client,
	COLUMN_client_port,
	COLUMN_start,
	COLUMN_end,
	COLUMN_name,
	COLUMN_version,
	COLUMN_exchange,
	COLUMN_size,
	COLUMN_bytes,
	COLUMN_probability,
	COLUMN_grade,
	COLUMN_candidates,
	COLUMN_evidence,
	COLUMN_pieces,
	COLUMN_group, /* whatever it is called */
	COLUMNS
};

static const char *const names[COLUMNS] = {"client", "client_port", "start", "end",
    "name", "version",
    "exchange", "size", "bytes", "probability", "grade", "candidates", "evidence",
    "pieces", NULL};

struct columns {
	int at[COLUMNS]; /* index of the cell; -1: no such column */
};

void
items_init(struct items *t)
{
	*t = (struct items){0};
	text_init(&t->strings);
	text_char(&t->strings, '\0');
}

void
items_done(struct items *t)
{
	free(t->list);
	text_done(&t->strings);
}

static bool
is_named(struct str cell, const char *name)
{
	return name != NULL && strlen(name) == cell.len && memcmp(name, cell.data,
	    cell.len) == 0;
}

static int
read_heading(const struct reader *r, bool is_truth, const char *group,
    struct columns *out, struct err *err)
{
	const enum cell needed[] = {COLUMN_client, COLUMN_start,
	    is_truth ? COLUMN_name : COLUMN_probability};
	size_t i;
	int c;

	memset(out, -1, sizeof *out);
	for (i = 0; i < r->count; i++) {
		for (c = 0; c < COLUMNS; c++) {
			if (!is_named(reader_cell(r, i),
			    c == COLUMN_group ? group : names[c]))
				continue;
			if (out->at[c] >= 0)
				return err_set(err, EINVAL,
				    "%s: line %llu: column '%s' twice", r->name,
				    (unsigned long long)r->line,
				    names[c] != NULL ? names[c] : group);
			out->at[c] = (int)i;
		}
	}
	for (i = 0; i < sizeof needed / sizeof *needed; i++)
		if (out->at[needed[i]] < 0)
			return err_set(err, EINVAL,
			    "%s: line %llu: no column '%s': the first "
			    "line must name the columns, client, start and %s among them",
			    r->name, (unsigned long long)r->line, names[needed[i]],
			    is_truth ? "name" : "probability");
	return 0;
}

static struct str
cell_of(const struct reader *r, const struct columns *columns, enum cell c)
{
	if (columns->at[c] < 0)
		return (struct str){"", 0};
	return reader_cell(r, (size_t)columns->at[c]);
}

static size_t
keep(struct items *t, struct str cell)
{
	size_t at = t->strings.len;

	if (cell.len == 0 || memchr(cell.data, '\0', cell.len) != NULL)
		return 0;
	text_bytes(&t->strings, cell.data, cell.len);
	text_char(&t->strings, '\0');
	return at;
}

static bool
parse_grade(struct str cell, uint8_t *out)
{
	uint8_t i;

	for (i = 0; types[TYPE_grade].names[i] != NULL; i++) {
		if (is_named(cell, types[TYPE_grade].names[i])) {
			*out = i;
			return true;
		}
	}
	return cell.len == 0;
}

static bool
parse_number(struct str cell, uint64_t most, uint64_t *out, bool *has)
{
	*has = cell.len > 0;
	return cell.len == 0 || (parse_u64(cell.data, cell.len, out) && *out <= most);
}

/* The cells of a record; returns the column that is wrong, or COLUMNS. */
static enum cell
read_item(struct items *t, const struct reader *r, const struct columns *columns,
    struct item *out)
{
	struct str cell = cell_of(r, columns, COLUMN_client);
	enum cell octets = t->is_truth ? COLUMN_size : COLUMN_bytes;
	uint64_t port = 0, exchange = 0;

	*out = (struct item){0};
	if (!addr_parse_logged(cell.data, cell.len, &out->client))
		return COLUMN_client;
	cell = cell_of(r, columns, COLUMN_start);
	if (!time_parse(cell.data, cell.len, &out->start_us))
		return COLUMN_start;
	out->end_us = out->start_us;
	cell = cell_of(r, columns, COLUMN_end);
	if (!t->is_truth && cell.len > 0 &&
	    !time_parse(cell.data, cell.len, &out->end_us))
		return COLUMN_end;
	if (!parse_number(cell_of(r, columns, COLUMN_client_port), UINT16_MAX, &port,
	    &out->has_port))
		return COLUMN_client_port;
	if (!parse_number(cell_of(r, columns, COLUMN_exchange), UINT32_MAX, &exchange,
	    &out->has_exchange))
		return COLUMN_exchange;
	if (!parse_number(cell_of(r, columns, octets), UINT64_MAX, &out->octets,
	    &out->has_octets))
		return octets;
	cell = cell_of(r, columns, COLUMN_probability);
	if (columns->at[COLUMN_probability] >= 0 &&
	    (!parse_f64(cell.data, cell.len, &out->probability) || out->probability < 0 ||
	    out->probability > 1))
		return COLUMN_probability;
	if (!parse_grade(cell_of(r, columns, COLUMN_grade), &out->grade))
		return COLUMN_grade;
	out->port = (uint16_t)port;
	out->exchange = (uint32_t)exchange;
	out->name = keep(t, cell_of(r, columns, COLUMN_name));
	out->version = keep(t, cell_of(r, columns, COLUMN_version));
	out->group = keep(t, cell_of(r, columns, COLUMN_group));
	out->candidates = keep(t, cell_of(r, columns, COLUMN_candidates));
	out->evidence = keep(t, cell_of(r, columns, COLUMN_evidence));
	return COLUMNS;
}

static struct item *
room(struct items *t, const struct reader *r, struct err *err)
{
	if (t->count == ITEMS_MAX) {
		err_set(err, E2BIG, "%s: more than %d rows", r->name, ITEMS_MAX);
		return NULL;
	}
	if (t->count == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 256;
		t->list = must(realloc(t->list, t->cap * sizeof *t->list));
	}
	return &t->list[t->count];
}

/* What a finding says of a download in pieces, it says of each: an item for every one
 * behind the first. How long that one is, the finding does not say. */
static int
add_pieces(struct items *t, const struct reader *r, struct str cell, bool *is_wrong,
    struct err *err)
{
	struct item one = t->list[t->count - 1], *to;
	struct piece_start piece;

	one.has_octets = one.has_exchange = false;
	while (pieces_next(&cell, &piece, is_wrong)) {
		if ((to = room(t, r, err)) == NULL)
			return -1;
		one.start_us = piece.start_us;
		one.port = piece.port;
		*to = one;
		t->count++;
	}
	return 0;
}

static int
add(struct items *t, const struct reader *r, const struct columns *columns, size_t width,
    const char *group, struct err *err)
{
	enum cell wrong;
	bool is_no_list = false;
	struct item *to;
	struct str cell;

	if (r->problem != NULL || r->count != width)
		return err_set(err, EINVAL, "%s: line %llu: %s", r->name,
		    (unsigned long long)r->line, r->problem != NULL ? r->problem
		    : "not as many cells as columns");
	if ((to = room(t, r, err)) == NULL)
		return -1;
	wrong = read_item(t, r, columns, to);
	if (wrong == COLUMNS) {
		t->count++;
		cell = cell_of(r, columns, COLUMN_pieces);
		if (t->is_truth || cell.len == 0)
			return 0;
		if (add_pieces(t, r, cell, &is_no_list, err) != 0)
			return -1;
		if (!is_no_list)
			return 0;
		wrong = COLUMN_pieces;
	}
	cell = cell_of(r, columns, wrong);
	return err_set(err, EINVAL, "%s: line %llu: column '%s': no such value: '%.*s'",
	    r->name, (unsigned long long)r->line,
	    wrong == COLUMN_group ? group : names[wrong],
	    (int)(cell.len < 80 ? cell.len : 80), cell.data);
}

static int
read_records(struct items *t, struct reader *r, bool is_truth, const char *group,
    struct err *err)
{
	struct columns columns;
	size_t width = 0;
	int more;

	if (reader_detect(r, err) != 0)
		return -1;
	while ((more = reader_next(r, err)) > 0) {
		if (width > 0) {
			if (add(t, r, &columns, width, group, err) != 0)
				return -1;
			continue;
		}
		if (r->problem != NULL)
			return err_set(err, EINVAL, "%s: line %llu: %s", r->name,
			    (unsigned long long)r->line, r->problem);
		if (read_heading(r, is_truth, group, &columns, err) != 0)
			return -1;
		width = r->count;
		t->has_group = columns.at[COLUMN_group] >= 0;
		t->has_port = columns.at[COLUMN_client_port] >= 0;
		t->has_candidates = columns.at[COLUMN_candidates] >= 0;
	}
	if (more == 0 && width == 0)
		return err_set(err, EINVAL,
		    "%s: empty: the first line must name the columns", r->name);
	return more;
}

int
items_read(struct items *t, const struct evaluate_text *in, bool is_truth,
    const char *group, struct err *err)
{
	struct reader r;
	int status, fd = -1;

	t->is_truth = is_truth;
	if (in->bytes != NULL) {
		reader_init_memory(&r, in->name, in->bytes, in->n);
	} else {
		fd = open(in->name, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return err_set(err, errno, "%s: %s", in->name, strerror(errno));
		reader_init(&r, in->name, fd);
	}
	status = read_records(t, &r, is_truth, group, err);
	reader_done(&r);
	if (fd >= 0)
		close(fd);
	return status;
}
