/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Labels and their join with records: on whatever a label gives. Times: a label's start
 * is compared with the record's start; where it has an end only, as a server's log does,
 * with the record's end.
 */
#include "identify/labels.h"

#include "base/err.h"
#include "base/memory.h"
#include "base/search.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "catalog/unpack.h"
#include "model/type.h"

#include <errno.h>
#include <string.h>

enum { COLUMNS_MAX = 64 };

static const char *const column_names[LABEL_COLUMNS] = {
#define LABEL(id) #id,
#include "identify/label.def"
#undef LABEL
};

void
labels_done(struct labels *l)
{
	size_t i;

	for (i = 0; i < l->count; i++) {
		free(l->items[i].name);
		free(l->items[i].version);
	}
	free(l->items);
	*l = (struct labels){0};
}

struct label *
labels_add(struct labels *l, const struct unpack *in, struct err *err)
{
	if (l->count == LABELS_MAX) {
		labels_wrong(in, err, "more labels than can be kept", "", 0);
		return NULL;
	}
	if (l->count == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->items = must(realloc(l->items, l->cap * sizeof *l->items));
	}
	l->items[l->count] = (struct label){0};
	l->is_sorted = false;
	return &l->items[l->count++];
}

static char *
copy_cell(const char *cell, size_t n)
{
	char *s = must(malloc(n + 1));

	memcpy(s, cell, n);
	s[n] = '\0';
	return s;
}

static bool
set_port(const char *cell, size_t n, uint16_t *out)
{
	uint64_t v;

	if (!parse_u64(cell, n, &v) || v > UINT16_MAX)
		return false;
	*out = (uint16_t)v;
	return true;
}

bool
label_set(struct label *label, enum label_column column, const char *cell, size_t n)
{
	label->has[column] = n > 0;
	if (n == 0)
		return true;
	switch (column) {
	case LABEL_name:
		label->name = copy_cell(cell, n);
		return true;
	case LABEL_version:
		label->version = copy_cell(cell, n);
		return true;
	case LABEL_size:
		return parse_u64(cell, n, &label->size) && label->size < INT64_MAX;
	case LABEL_client:
		return addr_parse_logged(cell, n, &label->client);
	case LABEL_server:
		return addr_parse_logged(cell, n, &label->server);
	case LABEL_client_port:
		return set_port(cell, n, &label->client_port);
	case LABEL_server_port:
		return set_port(cell, n, &label->server_port);
	case LABEL_start:
		return time_parse(cell, n, &label->start_us);
	case LABEL_end:
		return time_parse(cell, n, &label->end_us);
	default:
		return true;
	}
}

int
labels_wrong(const struct unpack *in, struct err *err, const char *why, const char *words,
    size_t n)
{
	return err_set(err, EINVAL, "%s: line %llu: %s '%.*s'", unpack_label(in),
	    (unsigned long long)unpack_line_number(in), why, (int)(n < 80 ? n : 80),
	    words);
}

static int
find_column(const char *cell, size_t n)
{
	int i;

	for (i = 0; i < LABEL_COLUMNS; i++)
		if (strlen(column_names[i]) == n && memcmp(column_names[i], cell, n) == 0)
			return i;
	return -1;
}

/* Cells of a header line go to columns, of another one to label. */
static int
read_line(const struct unpack *in, const char *line, size_t len, int columns[],
    size_t *columns_count, struct label *label, struct err *err)
{
	const char *at = line, *end = line + len, *stop;
	size_t i = 0;

	for (; at <= end; at = stop + 1, i++) {
		stop = memchr(at, '\t', (size_t)(end - at));
		if (stop == NULL)
			stop = end;
		if (i >= (label != NULL ? *columns_count : COLUMNS_MAX))
			return labels_wrong(in, err, "more cells than columns, from", at,
			    (size_t)(stop - at));
		if (label == NULL) {
			columns[i] = find_column(at, (size_t)(stop - at));
			if (columns[i] < 0)
				return labels_wrong(in, err,
				    "a label's columns are name, version, "
				    "size, client, client_port, server, server_port, "
				    "start and "
				    "end, not", at, (size_t)(stop - at));
		} else if (label->has[columns[i]] || !label_set(label,
		    (enum label_column)columns[i], at, (size_t)(stop - at))) {
			return labels_wrong(in, err, "no such value, or twice:", at,
			    (size_t)(stop - at));
		}
	}
	if (label == NULL)
		*columns_count = i;
	return 0;
}

int
labels_read_lines(struct labels *l, struct unpack *in, struct err *err)
{
	int columns[COLUMNS_MAX], more;
	size_t columns_count = 0, len;
	struct label *label;
	const char *line;

	while ((more = unpack_line(in, &line, &len, err)) > 0) {
		if (len == 0 || line[0] == '#')
			continue;
		if (columns_count == 0) {
			if (read_line(in, line, len, columns, &columns_count, NULL,
			    err) < 0)
				return -1;
			continue;
		}
		if ((label = labels_add(l, in, err)) == NULL ||
		    read_line(in, line, len, columns, &columns_count, label, err) < 0)
			return -1;
		if (!label->has[LABEL_name])
			return labels_wrong(in, err, "a label without a name:", line,
			    len);
	}
	return more;
}

int
labels_read(struct labels *l, const char *path, struct err *err)
{
	struct unpack *in;
	int ret;

	if (unpack_open(path, CATALOG_BYTES_MAX, &in, err) < 0)
		return -1;
	ret = labels_read_lines(l, in, err);
	unpack_close(in);
	return ret;
}

int
labels_read_order(struct labels *l, const char *path, struct err *err)
{
	struct unpack *in;
	struct label *label;
	const char *line;
	size_t len;
	int more;

	if (unpack_open(path, CATALOG_BYTES_MAX, &in, err) < 0)
		return -1;
	while ((more = unpack_line(in, &line, &len, err)) > 0) {
		if (len == 0)
			continue;
		if ((label = labels_add(l, in, err)) == NULL) {
			more = -1;
			break;
		}
		label_set(label, LABEL_name, line, len);
	}
	unpack_close(in);
	l->is_order = true;
	return more;
}

/* ---- the join ---- */

const char *
label_version(const struct label *label)
{
	return label->version != NULL ? label->version : "";
}

int
label_same_file(const struct label *a, const struct label *b)
{
	int by = strcmp(a->name, b->name);

	return by != 0 ? by : strcmp(label_version(a), label_version(b));
}

static bool
has_time(const struct label *label)
{
	return label->has[LABEL_start] || label->has[LABEL_end];
}

static int64_t
time_of(const struct label *label)
{
	return label->has[LABEL_start] ? label->start_us : label->end_us;
}

/* Labels without a time first, the others by it. */
static int
label_compare(const void *pa, const void *pb)
{
	const struct label *a = pa, *b = pb;

	if (has_time(a) != has_time(b))
		return has_time(a) ? 1 : -1;
	if (has_time(a) && time_of(a) != time_of(b))
		return time_of(a) < time_of(b) ? -1 : 1;
	return label_same_file(a, b);
}

static void
sort(struct labels *l)
{
	qsort(l->items, l->count, sizeof *l->items, label_compare);
	for (l->timeless = 0; l->timeless < l->count &&
	    !has_time(&l->items[l->timeless]);)
		l->timeless++;
	l->is_sorted = true;
}

static bool
is_earlier(const void *table, size_t i, const void *key)
{
	const struct label *items = table;
	const int64_t *time_us = key;

	return time_of(&items[i]) < *time_us;
}

static size_t
first_from(const struct labels *l, int64_t time_us)
{
	return search_lower(l->items, l->timeless, l->count, &time_us, is_earlier);
}

static bool
fits(const struct label *label, const struct record *r)
{
	return (!label->has[LABEL_client] || addr_compare(&label->client,
	    &r->client) == 0) &&
	    (!label->has[LABEL_server] || addr_compare(&label->server,
	    &r->server) == 0) && (!label->has[LABEL_client_port] ||
	    label->client_port == r->client_port) && (!label->has[LABEL_server_port] ||
	    label->server_port == r->server_port);
}

/* How far a label's time is from the record's; the farthest of all without one. */
static int64_t
distance(const struct label *label, const struct record *r)
{
	int64_t of = label->has[LABEL_start] ? r->start_us : r->end_us, far;

	if (!has_time(label))
		return INT64_MAX;
	if (__builtin_sub_overflow(time_of(label), of, &far) || far == INT64_MIN)
		return INT64_MAX;
	return far < 0 ? -far : far;
}

struct nearest {
	struct label *label;
	int64_t far;
	bool is_tied;
	size_t inside; /* labels of this very connection within the record's time */
};

static void
consider(struct nearest *n, struct label *label, const struct record *r)
{
	int64_t far = distance(label, r);

	if (label->has[LABEL_client_port] && has_time(label) &&
	    time_of(label) >= r->start_us && time_of(label) <= r->end_us)
		n->inside++;
	if (n->label != NULL && far > n->far)
		return;
	n->is_tied = n->label != NULL && far == n->far &&
	    label_same_file(n->label, label) != 0;
	n->label = label;
	n->far = far;
}

enum label_verdict
labels_find(struct labels *l, const struct record *r, int64_t tolerance_us,
    struct label **out)
{
	struct nearest n = {0};
	int64_t from, to;
	size_t i;

	if (__builtin_sub_overflow(r->start_us, tolerance_us, &from))
		from = INT64_MIN;
	if (__builtin_add_overflow(r->end_us, tolerance_us, &to))
		to = INT64_MAX;
	if (!l->is_sorted)
		sort(l);
	for (i = 0; i < l->timeless; i++)
		if (fits(&l->items[i], r))
			consider(&n, &l->items[i], r);
	for (i = first_from(l, from); i < l->count && time_of(&l->items[i]) <= to; i++)
		if (fits(&l->items[i], r))
			consider(&n, &l->items[i], r);
	if (n.label == NULL || (has_time(n.label) && n.far > tolerance_us))
		return LABEL_NONE;
	if (n.is_tied)
		return LABEL_TIED;
	/* Records that weir's meter cut hold one download each. */
	if (n.inside > 1 && !r->has_connection)
		return LABEL_SEVERAL;
	n.label->is_matched = true;
	*out = n.label;
	return LABEL_FOUND;
}
