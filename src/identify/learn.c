/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A catalogue from labelled flows. Each file's samples, S + H by span or by payload, are
 * reduced to one number: the middle one of spans, the most frequent (or else smallest)
 * one of payloads. H is the constant that labelled sizes agree on; where no label has a
 * size a usual one is assumed, which identify then finds again by its vote.
 */
#include "identify/learn.h"

#include "base/err.h"
#include "base/memory.h"
#include "catalog/catalog.h"
#include "identify/learn_private.h"
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
	RECORDS_MAX = 20000000,
	HEADER_ASSUMED = 200, /* bytes beside the digits, where no label has a size */
	SPAN_SLACK = 16, /* spans of one file may differ by so much: dates, counters */
};

struct sample {
	const struct label *label;
	uint64_t sent; /* S + H, and for a payload what was sent again */
	bool is_span;
};

const struct counter_row learn_counter_rows[LEARN_COUNTERS] = {
#define COUNTER(id, help) [LEARN_##id] = {#id, help},
#include "identify/learn.def"
#undef COUNTER
};

struct learn *
learn_new(const struct learn_config *config)
{
	struct learn *l = must(malloc(sizeof *l));

	*l = (struct learn){.config = *config};
	if (!(l->config.tolerance_s > 0))
		l->config.tolerance_s = 2;
	return l;
}

void
learn_free(struct learn *l)
{
	if (l == NULL)
		return;
	labels_done(&l->labels);
	free(l->records);
	free(l);
}

const uint64_t *
learn_counters(const struct learn *l)
{
	return l->counters;
}

int
learn_labels(struct learn *l, const char *path, struct err *err)
{
	return labels_read(&l->labels, path, err);
}

int
learn_log(struct learn *l, const char *path, const char *format, struct err *err)
{
	return labels_read_log(&l->labels, path, format, err);
}

int
learn_order(struct learn *l, const char *path, struct err *err)
{
	if (l->labels.count > 0)
		return err_set(err, EINVAL,
		    "%s: an order of downloads stands alone, without "
		    "other labels", path);
	return labels_read_order(&l->labels, path, err);
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
			l->records = must(
			    realloc(l->records, l->records_cap * sizeof *l->records));
		}
		l->records[l->records_count++] = record;
		l->counters[LEARN_flows]++;
	}
	return 0;
}

static int
record_by_start(const void *pa, const void *pb)
{
	const struct record *a = pa, *b = pb;

	if (a->start_us != b->start_us)
		return a->start_us < b->start_us ? -1 : 1;
	return a->exchange < b->exchange ? -1 : a->exchange > b->exchange;
}

/* The labels are the order of the downloads: each record, by start, gets its own. */
static int
match_in_order(struct learn *l, learn_match_fn *each, void *arg, struct err *err)
{
	size_t i;

	if (l->labels.count != l->records_count)
		return err_set(err, EINVAL,
		    "%zu names in order, but %zu flows that can be "
		    "downloads: choose the flows by a filter, or label them by a log",
		    l->labels.count, l->records_count);
	qsort(l->records, l->records_count, sizeof *l->records, record_by_start);
	for (i = 0; i < l->records_count; i++) {
		l->labels.items[i].is_matched = true;
		l->counters[LEARN_matched]++;
		each(arg, &l->records[i], &l->labels.items[i]);
	}
	return 0;
}

int
learn_match(struct learn *l, learn_match_fn *each, void *arg, struct err *err)
{
	int64_t tolerance = (int64_t)(l->config.tolerance_s * 1e6);
	struct label *label;
	size_t i;

	l->counters[LEARN_labels] = l->labels.count;
	l->counters[LEARN_other] = l->labels.other;
	if (l->labels.is_order)
		return match_in_order(l, each, arg, err);
	for (i = 0; i < l->records_count; i++) {
		switch (labels_find(&l->labels, &l->records[i], tolerance, &label)) {
		case LABEL_NONE:
			break;
		case LABEL_TIED:
			l->counters[LEARN_ambiguous]++;
			break;
		case LABEL_SEVERAL:
			l->counters[LEARN_several]++;
			break;
		case LABEL_FOUND:
			l->counters[LEARN_matched]++;
			each(arg, &l->records[i], label);
			break;
		}
	}
	for (i = 0; i < l->labels.count; i++)
		l->counters[LEARN_unmatched] += !l->labels.items[i].is_matched;
	return 0;
}

struct samples_of {
	struct learn *learn;
	struct sample *samples;
	size_t count;
};

static void
take_sample(void *arg, const struct record *r, const struct label *label)
{
	struct samples_of *to = arg;

	if (r->is_at_least)
		return;
	to->samples[to->count++] = (struct sample){label,
	    r->has_span ? r->span
			: wire_payload(r, wire_overhead_usual(r->server.is_v6,
					      !to->learn->config.timestamps_off)),
	    r->has_span};
}

/* By file; spans before payloads; by size. */
static int
sample_compare(const void *pa, const void *pb)
{
	const struct sample *a = pa, *b = pb;
	int by = label_same_file(a->label, b->label);

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

		if (label->has[LABEL_size] && h <= MODE_BYTES_MAX &&
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
		if (!samples[i].label->has[LABEL_size])
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
			label->name, label_version(label), n);
	return 0;
}

int
learn_finish(struct learn *l, struct catalog *out, struct err *warning, struct err *err)
{
	struct sample *samples = must(malloc((l->records_count + 1) * sizeof *samples));
	struct samples_of to = {l, samples, 0};
	size_t n, i, end;
	uint32_t header;
	int ret;

	if (warning != NULL)
		err_clear(warning);
	ret = learn_match(l, take_sample, &to, err);
	n = to.count;
	header = learn_header(samples, n);
	qsort(samples, n, sizeof *samples, sample_compare);
	for (i = 0; ret == 0 && i < n; i = end) {
		for (end = i;
		     end < n && label_same_file(samples[i].label, samples[end].label) ==
		     0;)
			end++;
		ret = add_file(l, samples + i, end - i, header, out, warning, err);
	}
	if (ret == 0 && n == 0)
		ret = err_set(err, ENOENT,
			      "no flow fits any of the %zu labels: do addresses, "
			      "ports and times agree with the store?",
			      l->labels.count);
	free(samples);
	return ret;
}
