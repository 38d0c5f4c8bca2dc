/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A classifier from labelled flows: records that a label names become rows of features,
 * the names and versions classes in their order.
 */
#include "base/err.h"
#include "base/hash.h"
#include "base/memory.h"
#include "identify/learn_private.h"
#include "identify/model.h"

#include <errno.h>
#include <string.h>

struct row {
	const struct label *label;
	int64_t start_us;
};

struct lesson {
	struct learn *learn;
	const struct model_config *config;
	struct row *rows;
	double *x;
	size_t count;
};

static void
take_row(void *arg, const struct record *r, const struct label *label)
{
	struct lesson *l = arg;

	switch (features_of(&l->config->features, r,
	    l->x + l->count * l->config->features.count)) {
	case FEATURE_UNKNOWN:
		l->learn->counters[LEARN_no_feature]++;
		return;
	case FEATURE_OVERFLOW:
		l->learn->counters[LEARN_overflow]++;
		return;
	case FEATURE_KNOWN:
		l->rows[l->count++] = (struct row){label, r->start_us};
		return;
	}
}

static int
by_file(const void *pa, const void *pb)
{
	const struct label *const *a = pa, *const *b = pb;

	return label_same_file(*a, *b);
}

/* The classes, and the class of each row. */
static void
make_classes(const struct lesson *l, struct model *m, uint32_t *classes)
{
	const struct label **sorted = must(malloc(l->count * sizeof *sorted)), **found;
	size_t i, n = 0;

	for (i = 0; i < l->count; i++)
		sorted[i] = l->rows[i].label;
	qsort(sorted, l->count, sizeof *sorted, by_file);
	for (i = 0; i < l->count; i++)
		if (n == 0 || label_same_file(sorted[n - 1], sorted[i]) != 0)
			sorted[n++] = sorted[i];
	m->classes = must(calloc(n, sizeof *m->classes));
	m->class_count = (uint32_t)n;
	for (i = 0; i < n; i++) {
		m->classes[i].name = must(strdup(sorted[i]->name));
		m->classes[i].version = must(strdup(label_version(sorted[i])));
	}
	for (i = 0; i < l->count; i++) {
		found = bsearch(&l->rows[i].label, sorted, n, sizeof *sorted, by_file);
		classes[i] = (uint32_t)(found - sorted);
		m->classes[classes[i]].rows++;
	}
	free(sorted);
}

struct seen {
	uint64_t hash;
	uint32_t class;
};

static int
by_hash(const void *pa, const void *pb)
{
	const struct seen *a = pa, *b = pb;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	return a->class < b->class ? -1 : a->class > b->class;
}

/* Rows whose features another class has as well: no classifier can tell these apart. */
static uint64_t
count_alike(const struct samples *s)
{
	struct seen *seen = must(malloc(s->rows * sizeof *seen));
	uint64_t alike = 0;
	size_t i, end;

	for (i = 0; i < s->rows; i++)
		seen[i] = (struct seen){hash64(s->x + i * s->features,
		    s->features * sizeof *s->x, 0), s->classes[i]};
	qsort(seen, s->rows, sizeof *seen, by_hash);
	for (i = 0; i < s->rows; i = end) {
		for (end = i; end < s->rows && seen[end].hash == seen[i].hash;)
			end++;
		if (seen[i].class != seen[end - 1].class)
			alike += end - i;
	}
	free(seen);
	return alike;
}

static int
fit(struct lesson *l, struct model *m, struct err *err)
{
	uint32_t *classes = must(malloc((l->count + 1) * sizeof *classes));
	struct samples s = {l->x, classes, l->count, l->config->features.count, 0};
	int status = -1;
	size_t i;

	make_classes(l, m, classes);
	if (m->class_count < 2) {
		err_set(err, EINVAL, "all %zu labelled flows are of one file, '%s': a "
		    "classifier needs two at least", l->count, m->classes[0].name);
		goto fail;
	}
	s.class_count = m->class_count;
	l->learn->counters[LEARN_alike] = count_alike(&s);
	l->learn->counters[LEARN_files] = m->class_count;
	m->features = l->config->features;
	m->rows = l->count;
	m->from_us = INT64_MAX;
	m->to_us = INT64_MIN;
	for (i = 0; i < l->count; i++) {
		m->from_us = l->rows[i].start_us < m->from_us ? l->rows[i].start_us
		    : m->from_us;
		m->to_us = l->rows[i].start_us > m->to_us ? l->rows[i].start_us
		    : m->to_us;
	}
	status = classifier_fit(&s, &l->config->classifier, &m->classifier, err);

fail:
	free(classes);
	return status;
}

int
learn_model(struct learn *learn, const struct model_config *config, struct model **out,
    struct err *err)
{
	struct lesson l = {learn, config};
	struct model *m = must(calloc(1, sizeof *m));
	size_t n = learn->records_count + 1;
	int status = -1;

	l.rows = must(calloc(n, sizeof *l.rows));
	l.x = must(calloc(n * config->features.count, sizeof *l.x));
	if (learn_match(learn, take_row, &l, err) != 0)
		goto fail;
	if (l.count == 0) {
		err_set(err, ENOENT,
		    "none of the %zu flows is labelled and has the features: do "
		    "addresses, ports and times of the %zu labels agree with the store?",
		    learn->records_count, learn->labels.count);
		goto fail;
	}
	if ((status = fit(&l, m, err)) == 0)
		*out = m;

fail:
	if (status != 0)
		model_free(m);
	free(l.rows);
	free(l.x);
	return status;
}
