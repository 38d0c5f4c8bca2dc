/* SPDX-License-Identifier: BSD-2-Clause */
/* Flow rows by a trained model: records in blocks, their features, probabilities,
 * findings. */
#include "identify/classify.h"

#include "base/memory.h"
#include "base/text.h"
#include "identify/model.h"
#include "identify/record.h"
#include "model/batch.h"
#include "model/finding.h"
#include "model/flow.h"
#include "model/sink.h"

#include <math.h>
#include <string.h>

enum { CELLS = 1 << 18, CANDIDATES = 5 }; /* probabilities of a block; names listed */

struct classify {
	const struct model *model;
	double threshold;
	struct sink *sink;
	struct batch *batch;
	struct record *records;
	double *x, *p;
	size_t count, cap;
	struct text candidates, evidence;
	struct identify_config intake;
	uint64_t counters[IDENTIFY_COUNTERS];
};

struct classify *
classify_new(const struct model *model, double threshold, struct sink *sink)
{
	struct classify *c = must(calloc(1, sizeof *c));

	c->model = model;
	c->threshold = threshold > 0 ? threshold : 0.5;
	c->sink = sink;
	c->batch = batch_new(&finding_schema, 1024);
	c->cap = CELLS / model->class_count + 1;
	c->records = must(malloc(c->cap * sizeof *c->records));
	c->x = must(malloc(c->cap * model->features.count * sizeof *c->x));
	c->p = must(malloc(c->cap * model->class_count * sizeof *c->p));
	text_init(&c->candidates);
	text_init(&c->evidence);
	return c;
}

void
classify_free(struct classify *c)
{
	if (c == NULL)
		return;
	batch_free(c->batch);
	free(c->records);
	free(c->x);
	free(c->p);
	text_done(&c->candidates);
	text_done(&c->evidence);
	free(c);
}

const uint64_t *
classify_counters(const struct classify *c)
{
	return c->counters;
}

/* The likeliest classes, likeliest first; returns how many have any probability. */
static uint32_t
rank(const double *p, uint32_t n, uint32_t best[CANDIDATES])
{
	uint32_t count = 0, i, j;

	for (i = 0; i < n; i++) {
		if (p[i] <= 0)
			continue;
		for (j = count < CANDIDATES ? count : CANDIDATES;
		    j > 0 && p[best[j - 1]] < p[i];
		    j--)
			if (j < CANDIDATES)
				best[j] = best[j - 1];
		if (j < CANDIDATES)
			best[j] = i;
		count++;
	}
	return count;
}

static void
tell(struct classify *c, const double *x, const double *p, const uint32_t *best,
    uint32_t count)
{
	const struct model *m = c->model;
	uint32_t i;

	text_clear(&c->candidates);
	text_clear(&c->evidence);
	for (i = 0; i < count && i < CANDIDATES; i++) {
		const struct model_class *class = &m->classes[best[i]];

		text_printf(&c->candidates, "%s%s%s%s %.3g", i > 0 ? "; " : "",
		    class->name, class->version[0] != '\0' ? " " : "", class->version,
		    p[best[i]]);
	}
	text_printf(&c->evidence, "%s taught by %llu flows of %u files:",
	    classifier_names[classifier_kind(m->classifier)], (unsigned long long)m->rows,
	    m->class_count);
	for (i = 0; i < m->features.count; i++)
		text_printf(&c->evidence, "%s %s %.15g", i > 0 ? "," : "",
		    feature_names[m->features.list[i]], x[i]);
}

static struct str
str_of(const char *s, size_t n)
{
	return (struct str){s, (uint32_t)n};
}

static void
fill(struct classify *c, const struct record *r, const double *p, const uint32_t *best,
    uint32_t count, struct finding *f)
{
	const struct model_class *class = &c->model->classes[best[0]];
	bool is_named = p[best[0]] >= c->threshold;
	double candidates = 0;
	uint32_t i;

	finding_set(f, start, r->start_us);
	finding_set(f, end, r->end_us);
	finding_set(f, client, r->client);
	finding_set(f, server, r->server);
	if (r->has_ports) {
		finding_set(f, client_port, r->client_port);
		finding_set(f, server_port, r->server_port);
	}
	finding_set(f, bytes, r->bytes);
	for (i = 0; i < count && i < CANDIDATES; i++)
		candidates += p[best[i]];
	finding_set(f, kind, KIND_whole); /* no other was taught */
	finding_set(f, probability, is_named ? p[best[0]] : fmin(candidates, 1));
	finding_set(f, grade, GRADE_learned);
	finding_set(f, rivals, count - 1);
	if (is_named) {
		finding_set(f, name, str_of(class->name, strlen(class->name)));
		if (class->version[0] != '\0')
			finding_set(f, version,
			    str_of(class->version, strlen(class->version)));
	}
	if (r->has_span)
		finding_set(f, span, r->span);
	if (r->has_request)
		finding_set(f, request_span, r->request_span);
	if (r->has_connection) {
		finding_set(f, connection, r->connection);
		finding_set(f, exchange, r->exchange);
	}
	if (r->has_exporter)
		finding_set(f, exporter, r->exporter);
	finding_set(f, candidates, str_of(c->candidates.data, c->candidates.len));
	finding_set(f, evidence, str_of(c->evidence.data, c->evidence.len));
	finding_set(f, model, str_of(c->model->version, strlen(c->model->version)));
	c->counters[is_named ? IDENTIFY_named : IDENTIFY_unknown]++;
}

static int
flush(struct classify *c, struct err *err)
{
	int status = c->batch->rows > 0 ? sink_push(c->sink, c->batch, err) : 0;

	batch_clear(c->batch);
	return status;
}

/* The block of records that wait. */
static int
name_block(struct classify *c, struct err *err)
{
	uint32_t classes = c->model->class_count, best[CANDIDATES], count;
	size_t i;

	classifier_probabilities(c->model->classifier, c->x, c->count, c->p);
	for (i = 0; i < c->count; i++) {
		const double *p = c->p + i * classes;
		struct finding f = {0};

		count = rank(p, classes, best);
		tell(c, c->x + i * c->model->features.count, p, best, count);
		fill(c, &c->records[i], p, best, count, &f);
		batch_append(c->batch, &f);
		if (batch_is_full(c->batch) && flush(c, err) != 0)
			return -1;
	}
	c->count = 0;
	return 0;
}

int
classify_batch(struct classify *c, const struct batch *flows, struct err *err)
{
	struct flow flow;
	size_t i;

	for (i = 0; i < flows->rows; i++) {
		batch_row(flows, i, &flow);
		c->counters[IDENTIFY_rows]++;
		if (!record_of(&flow, &c->intake, c->counters, &c->records[c->count]))
			continue;
		switch (features_of(&c->model->features, &c->records[c->count],
		    c->x + c->count * c->model->features.count)) {
		case FEATURE_UNKNOWN:
			c->counters[IDENTIFY_no_feature]++;
			continue;
		case FEATURE_OVERFLOW:
			c->counters[IDENTIFY_overflow]++;
			continue;
		case FEATURE_KNOWN:
			c->count++;
		}
		if (c->count == c->cap && name_block(c, err) != 0)
			return -1;
	}
	return 0;
}

int
classify_finish(struct classify *c, struct err *err)
{
	return name_block(c, err) != 0 || flush(c, err) != 0 ? -1 : 0;
}
