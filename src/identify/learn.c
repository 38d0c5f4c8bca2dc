/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A catalogue from labelled flows. Labels and flows are joined on whatever a label gives
 * (addresses, ports, start within a tolerance); then each file's samples, S + H by span
 * or by payload, are reduced to one number: the middle one of spans, the most frequent
 * (or else smallest) one of payloads. H is the constant that labelled sizes agree on;
 * where no label has a size a usual one is assumed, which identify then finds again by
 * its vote.
 */
#include "identify/learn.h"

#include "base/err.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "catalog/unpack.h"
#include "identify/modes.h"
#include "identify/record.h"
#include "identify/wire.h"
#include "model/batch.h"
#include "model/catalogue.h"
#include "model/flow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LABELS_MAX = 10000000,
	RECORDS_MAX = 20000000,
	COLUMNS_MAX = 64,
	HEADER_ASSUMED = 200, /* bytes beside the digits, where no label has a size */
	SPAN_SLACK = 16, /* spans of one file may differ by so much: dates, counters */
};

enum label_column {
	COLUMN_name,
	COLUMN_version,
	COLUMN_size,
	COLUMN_client,
	COLUMN_client_port,
	COLUMN_server,
	COLUMN_server_port,
	COLUMN_start,
	COLUMN_end,
	COLUMNS
};

static const char *const column_names[COLUMNS] = {"name",        "version",     "size",
						  "client",      "client_port", "server",
						  "server_port", "start",       "end"};

struct label {
	char *name, *version;
	uint64_t size;
	struct addr client, server;
	int64_t start_us;
	uint16_t client_port, server_port;
	bool has[COLUMNS], is_matched;
};

struct sample {
	const struct label *label;
	uint64_t sent; /* S + H, and for a payload what was sent again */
	bool is_span;
};

struct learn {
	struct learn_config config;
	struct identify_config intake;
	struct label *labels;
	size_t labels_count, labels_cap;
	struct record *records;
	size_t records_count, records_cap;
	uint64_t counters[LEARN_COUNTERS], refused[IDENTIFY_COUNTERS];
};

const struct counter_row learn_counter_rows[LEARN_COUNTERS] = {
#define COUNTER(id, help) [LEARN_##id] = {#id, help},
#include "identify/learn.def"
#undef COUNTER
};

static void *
grow(void *old, size_t bytes)
{
	void *p = realloc(old, bytes);

	if (p == NULL) {
		fputs("weir: out of memory\n", stderr);
		abort();
	}
	return p;
}

struct learn *
learn_new(const struct learn_config *config)
{
	struct learn *l = grow(NULL, sizeof *l);

	*l = (struct learn){.config = *config};
	if (!(l->config.tolerance_s > 0))
		l->config.tolerance_s = 2;
	return l;
}

void
learn_free(struct learn *l)
{
	size_t i;

	if (l == NULL)
		return;
	for (i = 0; i < l->labels_count; i++) {
		free(l->labels[i].name);
		free(l->labels[i].version);
	}
	free(l->labels);
	free(l->records);
	free(l);
}

const uint64_t *
learn_counters(const struct learn *l)
{
	return l->counters;
}

static char *
copy_cell(const char *cell, size_t n)
{
	char *s = grow(NULL, n + 1);

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

static bool
set_cell(struct label *label, enum label_column column, const char *cell, size_t n)
{
	int64_t ignored;

	label->has[column] = n > 0;
	if (n == 0)
		return true;
	switch (column) {
	case COLUMN_name:
		label->name = copy_cell(cell, n);
		return true;
	case COLUMN_version:
		label->version = copy_cell(cell, n);
		return true;
	case COLUMN_size:
		return parse_u64(cell, n, &label->size) && label->size < INT64_MAX;
	case COLUMN_client:
		return addr_parse(cell, n, &label->client);
	case COLUMN_server:
		return addr_parse(cell, n, &label->server);
	case COLUMN_client_port:
		return set_port(cell, n, &label->client_port);
	case COLUMN_server_port:
		return set_port(cell, n, &label->server_port);
	case COLUMN_start:
		return time_parse(cell, n, &label->start_us);
	case COLUMN_end:
		return time_parse(cell, n, &ignored);
	default:
		return true;
	}
}

static int
wrong(const struct unpack *in, struct err *err, const char *why, const char *s, size_t n)
{
	return err_set(err, EINVAL, "%s: line %llu: %s '%.*s'", unpack_label(in),
		       (unsigned long long)unpack_line_number(in), why,
		       (int)(n < 80 ? n : 80), s);
}

static int
find_column(const char *cell, size_t n)
{
	int i;

	for (i = 0; i < COLUMNS; i++)
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
			return wrong(in, err, "more cells than columns, from", at,
				     (size_t)(stop - at));
		if (label == NULL) {
			columns[i] = find_column(at, (size_t)(stop - at));
			if (columns[i] < 0)
				return wrong(in, err,
					     "a label's columns are name, version, "
					     "size, client, client_port, server, "
					     "server_port, start and "
					     "end, not",
					     at, (size_t)(stop - at));
		} else if (label->has[columns[i]] ||
			   !set_cell(label, (enum label_column)columns[i], at,
				     (size_t)(stop - at))) {
			return wrong(in, err, "no such value, or twice:", at,
				     (size_t)(stop - at));
		}
	}
	if (label == NULL)
		*columns_count = i;
	return 0;
}

static int
read_labels(struct learn *l, struct unpack *in, struct err *err)
{
	int columns[COLUMNS_MAX], more;
	size_t columns_count = 0, len;
	const char *line;

	while ((more = unpack_line(in, &line, &len, err)) > 0) {
		struct label *label;

		if (len == 0 || line[0] == '#')
			continue;
		if (columns_count == 0) {
			if (read_line(in, line, len, columns, &columns_count, NULL, err) <
			    0)
				return -1;
			continue;
		}
		if (l->labels_count == LABELS_MAX)
			return wrong(in, err, "too many labels, from", line, len);
		if (l->labels_count == l->labels_cap) {
			l->labels_cap = l->labels_cap ? l->labels_cap * 2 : 64;
			l->labels = grow(l->labels, l->labels_cap * sizeof *l->labels);
		}
		label = &l->labels[l->labels_count++];
		*label = (struct label){0};
		if (read_line(in, line, len, columns, &columns_count, label, err) < 0)
			return -1;
		if (!label->has[COLUMN_name])
			return wrong(in, err, "a label without a name:", line, len);
		l->counters[LEARN_labels]++;
	}
	return more;
}

int
learn_labels(struct learn *l, const char *path, struct err *err)
{
	struct unpack *in;
	int ret;

	if (unpack_open(path, CATALOG_BYTES_MAX, &in, err) < 0)
		return -1;
	ret = read_labels(l, in, err);
	unpack_close(in);
	return ret;
}

int
learn_batch(struct learn *l, const struct batch *flows, struct err *err)
{
	struct record record;
	struct flow flow;
	size_t i;

	for (i = 0; i < flows->rows; i++) {
		batch_row(flows, i, &flow);
		if (!record_of(&flow, &l->intake, l->refused, &record))
			continue;
		if (l->records_count == RECORDS_MAX)
			return err_set(err, E2BIG,
				       "more than %d flows to learn from: choose a "
				       "window of time",
				       RECORDS_MAX);
		if (l->records_count == l->records_cap) {
			l->records_cap = l->records_cap ? l->records_cap * 2 : 256;
			l->records =
			    grow(l->records, l->records_cap * sizeof *l->records);
		}
		l->records[l->records_count++] = record;
		l->counters[LEARN_flows]++;
	}
	return 0;
}

static bool
fits(const struct label *label, const struct record *r)
{
	return (!label->has[COLUMN_client] ||
		addr_compare(&label->client, &r->client) == 0) &&
	       (!label->has[COLUMN_server] ||
		addr_compare(&label->server, &r->server) == 0) &&
	       (!label->has[COLUMN_client_port] ||
		label->client_port == r->client_port) &&
	       (!label->has[COLUMN_server_port] || label->server_port == r->server_port);
}

static const char *
version_of(const struct label *label)
{
	return label->version != NULL ? label->version : "";
}

static int
same_file(const struct label *a, const struct label *b)
{
	int by = strcmp(a->name, b->name);

	return by != 0 ? by : strcmp(version_of(a), version_of(b));
}

/* Labels without a start first, the others by start. */
static int
label_compare(const void *pa, const void *pb)
{
	const struct label *a = pa, *b = pb;

	if (a->has[COLUMN_start] != b->has[COLUMN_start])
		return a->has[COLUMN_start] ? 1 : -1;
	if (a->has[COLUMN_start] && a->start_us != b->start_us)
		return a->start_us < b->start_us ? -1 : 1;
	return same_file(a, b);
}

static size_t
first_label(const struct learn *l, size_t from, int64_t start_us)
{
	size_t high = l->labels_count, mid;

	while (from < high) {
		mid = from + (high - from) / 2;
		if (l->labels[mid].start_us < start_us)
			from = mid + 1;
		else
			high = mid;
	}
	return from;
}

/* How far a label's start is from the record's; the farthest of all without a start. */
static int64_t
distance(const struct label *label, const struct record *r)
{
	if (!label->has[COLUMN_start])
		return INT64_MAX;
	return label->start_us > r->start_us ? label->start_us - r->start_us
					     : r->start_us - label->start_us;
}

/*
 * The label of a record: of those that fit the one that starts nearest, since downloads on
 * one connection follow within the tolerance. NULL if none fits, or if labels of different
 * files are equally near.
 */
static struct label *
label_of(struct learn *l, const struct record *r, size_t timeless)
{
	int64_t tolerance = (int64_t)(l->config.tolerance_s * 1e6);
	struct label *found = NULL;
	bool is_tied = false;
	int64_t nearest = 0, far;
	size_t i;

	for (i = 0; i < l->labels_count; i++) {
		struct label *label = &l->labels[i];

		if (i == timeless) {
			i = first_label(l, timeless, r->start_us - tolerance);
			if (i == l->labels_count)
				break;
			label = &l->labels[i];
		}
		if (i >= timeless && label->start_us > r->start_us + tolerance)
			break;
		if (!fits(label, r))
			continue;
		far = distance(label, r);
		if (found != NULL && far > nearest)
			continue;
		is_tied = found != NULL && far == nearest && same_file(found, label) != 0;
		found = label;
		nearest = far;
	}
	if (is_tied) {
		l->counters[LEARN_ambiguous]++;
		return NULL;
	}
	if (found != NULL)
		found->is_matched = true;
	return found;
}

static size_t
match(struct learn *l, struct sample *samples)
{
	size_t i, n = 0, timeless = 0;

	qsort(l->labels, l->labels_count, sizeof *l->labels, label_compare);
	while (timeless < l->labels_count && !l->labels[timeless].has[COLUMN_start])
		timeless++;
	for (i = 0; i < l->records_count; i++) {
		const struct record *r = &l->records[i];
		struct label *label = label_of(l, r, timeless);

		if (label == NULL || r->is_at_least)
			continue;
		l->counters[LEARN_matched]++;
		samples[n++] = (struct sample){
		    label,
		    r->has_span ? r->span : wire_payload(
			r, wire_overhead_usual(r->server.is_v6,
					       !l->config.timestamps_off)),
		    r->has_span};
	}
	for (i = 0; i < l->labels_count; i++)
		l->counters[LEARN_unmatched] += !l->labels[i].is_matched;
	return n;
}

/* By file; spans before payloads; by size. */
static int
sample_compare(const void *pa, const void *pb)
{
	const struct sample *a = pa, *b = pb;
	int by = same_file(a->label, b->label);

	if (by != 0)
		return by;
	if (a->is_span != b->is_span)
		return a->is_span ? -1 : 1;
	return a->sent < b->sent ? -1 : a->sent > b->sent;
}

/* The header constant that labelled sizes agree on. */
static uint32_t
learn_header(const struct sample *samples, size_t n)
{
	uint32_t votes[MODE_BYTES_MAX + 1] = {0}, best = HEADER_ASSUMED;
	size_t i;

	for (i = 0; i < n; i++) {
		const struct label *label = samples[i].label;
		uint64_t h = samples[i].sent - label->size - decimal_digits(label->size);

		if (label->has[COLUMN_size] && h <= MODE_BYTES_MAX &&
		    ++votes[h] > votes[best])
			best = (uint32_t)h;
	}
	return best;
}

/* The size + header of a file's samples 0..n-1; 0 if they contradict one another. */
static uint64_t
reduce(const struct sample *samples, size_t n)
{
	size_t spans = 0, i, run = 1, best_run = 1;
	uint64_t best;

	while (spans < n && samples[spans].is_span)
		spans++;
	if (spans > 0) {
		best = samples[spans / 2].sent;
		for (i = 0, run = 0; i < spans; i++)
			run += samples[i].sent + SPAN_SLACK >= best &&
			       samples[i].sent <= best + SPAN_SLACK;
		return 2 * run > spans ? best : 0;
	}
	best = samples[0].sent;
	for (i = 1; i < n; i++) {
		run = samples[i].sent == samples[i - 1].sent ? run + 1 : 1;
		if (run > best_run) {
			best_run = run;
			best = samples[i].sent;
		}
	}
	return best;
}

static uint64_t
size_of(uint64_t sent, uint32_t header)
{
	uint32_t digits;

	for (digits = 1; digits <= 20 && sent > header + digits; digits++)
		if (decimal_digits(sent - header - digits) == digits)
			return sent - header - digits;
	return 0;
}

static int
add_file(struct learn *l, const struct sample *samples, size_t n, uint32_t header,
	 struct catalog *out, struct err *warning, struct err *err)
{
	static const char by_span[] = "learned by span",
			  by_payload[] = "learned by payload";
	const struct label *label = samples[0].label;
	const char *source = samples[0].is_span ? by_span : by_payload;
	struct catalogue row = {0};
	size_t i;

	row.size = 0;
	for (i = 0; i < n; i++) {
		if (!samples[i].label->has[COLUMN_size])
			continue;
		if (row.size != 0 && row.size != samples[i].label->size)
			goto contradicting;
		row.size = samples[i].label->size;
	}
	if (row.size == 0)
		row.size = size_of(reduce(samples, n), header);
	if (row.size == 0)
		goto contradicting;
	row_mark(row.present, CATALOGUE_size);
	catalogue_set(&row, name,
		      ((struct str){label->name, (uint32_t)strlen(label->name)}));
	if (label->version != NULL)
		catalogue_set(
		    &row, version,
		    ((struct str){label->version, (uint32_t)strlen(label->version)}));
	catalogue_set(&row, source, ((struct str){source, (uint32_t)strlen(source)}));
	l->counters[LEARN_files]++;
	return catalog_add(out, &row, err);

contradicting:
	l->counters[LEARN_contradicting]++;
	if (warning != NULL)
		err_set(warning, EINVAL,
			"%s %s: its %zu flows or labels do not agree on a size: "
			"left out; are the labels' times right?",
			label->name, version_of(label), n);
	return 0;
}

int
learn_finish(struct learn *l, struct catalog *out, struct err *warning, struct err *err)
{
	struct sample *samples = grow(NULL, (l->records_count + 1) * sizeof *samples);
	size_t n, i, end;
	uint32_t header;
	int ret = 0;

	if (warning != NULL)
		err_clear(warning);
	n = l->labels_count > 0 ? match(l, samples) : 0;
	header = learn_header(samples, n);
	qsort(samples, n, sizeof *samples, sample_compare);
	for (i = 0; ret == 0 && i < n; i = end) {
		for (end = i;
		     end < n && same_file(samples[i].label, samples[end].label) == 0;)
			end++;
		ret = add_file(l, samples + i, end - i, header, out, warning, err);
	}
	if (ret == 0 && n == 0)
		ret = err_set(err, ENOENT,
			      "no flow fits any of the %zu labels: do addresses, "
			      "ports and times agree with the store?",
			      l->labels_count);
	free(samples);
	return ret;
}
