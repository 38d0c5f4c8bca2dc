/* SPDX-License-Identifier: BSD-2-Clause */
/* The classifiers behind one face. In a file: u32 kind, then the kind's own. */
#include "identify/classifier.h"

#include "base/err.h"
#include "base/memory.h"
#include "identify/forest.h"
#include "identify/knn.h"
#include "identify/pack.h"

#include <errno.h>
#include <string.h>

struct classifier {
	enum classifier_kind kind;
	const struct classifier_row *row;
	uint32_t features, class_count;
	void *model;
};

enum { PREDICT_CELLS = 1 << 16 }; /* probabilities in memory at once, if a row's fit */

static const struct classifier_row *const rows_of[CLASSIFIERS] = {
#define CLASSIFIER(id, help) &classifier_##id,
#include "identify/classifier.def"
#undef CLASSIFIER
};

const char *const classifier_names[CLASSIFIERS] = {
#define CLASSIFIER(id, help) #id,
#include "identify/classifier.def"
#undef CLASSIFIER
};

static const char *const helps[CLASSIFIERS] = {
#define CLASSIFIER(id, help) help,
#include "identify/classifier.def"
#undef CLASSIFIER
};

static struct tree_config
tree_config_of(const struct classifier_config *c)
{
	return (struct tree_config){.is_float32 = c->is_float32,
	    .depth_max = c->depth_max,
	    .leaf_min = c->leaf_min, .seed = c->seed};
}

/* ---- tree ---- */

static int
fit_tree(const struct samples *s, const struct classifier_config *config, void **out,
    struct err *err)
{
	struct tree_config tree = tree_config_of(config);

	return tree_fit(s, &tree, (struct tree **)out, err);
}

static void
free_tree(void *model)
{
	tree_free(model);
}

static void
probabilities_tree(const void *model, const double *x, size_t rows, double *out)
{
	const struct tree *t = model;

	memset(out, 0, rows * t->class_count * sizeof *out);
	tree_add_shares(t, x, rows, out);
}

static void
predict_tree(const void *model, const double *x, size_t rows, uint32_t *out)
{
	tree_predict(model, x, rows, out);
}

static void
write_tree(const void *model, struct text *out)
{
	tree_write(model, out);
}

static void *
read_tree(struct cursor *in, uint32_t features, uint32_t class_count, struct err *err)
{
	return tree_read(in, features, class_count, err);
}

const struct classifier_row classifier_tree = {fit_tree, free_tree, probabilities_tree,
    predict_tree, write_tree, read_tree};

/* ---- forest ---- */

static int
fit_forest(const struct samples *s, const struct classifier_config *config, void **out,
    struct err *err)
{
	struct forest_config forest = {tree_config_of(config), config->trees};

	return forest_fit(s, &forest, (struct forest **)out, err);
}

static void
free_forest(void *model)
{
	forest_free(model);
}

static void
probabilities_forest(const void *model, const double *x, size_t rows, double *out)
{
	forest_probabilities(model, x, rows, out);
}

static void
write_forest(const void *model, struct text *out)
{
	forest_write(model, out);
}

static void *
read_forest(struct cursor *in, uint32_t features, uint32_t class_count, struct err *err)
{
	return forest_read(in, features, class_count, err);
}

const struct classifier_row classifier_forest = {fit_forest, free_forest,
    probabilities_forest, NULL, write_forest, read_forest};

/* ---- nearest neighbours ---- */

static int
fit_knn(const struct samples *s, const struct classifier_config *config, void **out,
    struct err *err)
{
	return knn_fit(s, config->neighbours, (struct knn **)out, err);
}

static void
free_knn(void *model)
{
	knn_free(model);
}

static void
probabilities_knn(const void *model, const double *x, size_t rows, double *out)
{
	knn_probabilities(model, x, rows, out);
}

static void
write_knn(const void *model, struct text *out)
{
	knn_write(model, out);
}

static void *
read_knn(struct cursor *in, uint32_t features, uint32_t class_count, struct err *err)
{
	return knn_read(in, features, class_count, err);
}

const struct classifier_row classifier_knn = {fit_knn, free_knn, probabilities_knn, NULL,
    write_knn, read_knn};

/* ---- the face ---- */

int
classifier_fit(const struct samples *samples, const struct classifier_config *config,
    struct classifier **out, struct err *err)
{
	struct classifier *c = must(calloc(1, sizeof *c));

	*c = (struct classifier){.kind = config->kind, .row = rows_of[config->kind],
	    .features = samples->features, .class_count = samples->class_count};
	if (c->row->fit(samples, config, &c->model, err) != 0) {
		free(c);
		return -1;
	}
	*out = c;
	return 0;
}

void
classifier_free(struct classifier *c)
{
	if (c == NULL)
		return;
	if (c->model != NULL)
		c->row->free(c->model);
	free(c);
}

enum classifier_kind
classifier_kind(const struct classifier *c)
{
	return c->kind;
}

void
classifier_probabilities(const struct classifier *c, const double *x, size_t rows,
    double *out)
{
	c->row->probabilities(c->model, x, rows, out);
}

static uint32_t
likeliest(const double *p, uint32_t n)
{
	uint32_t i, best = 0;

	for (i = 1; i < n; i++)
		if (p[i] > p[best])
			best = i;
	return best;
}

void
classifier_predict(const struct classifier *c, const double *x, size_t rows,
    uint32_t *out)
{
	size_t block = PREDICT_CELLS / c->class_count + 1, i, k, n;
	double *p;

	if (c->row->predict != NULL) {
		c->row->predict(c->model, x, rows, out);
		return;
	}
	p = must(malloc(block * c->class_count * sizeof *p));
	for (i = 0; i < rows; i += n) {
		n = rows - i < block ? rows - i : block;
		c->row->probabilities(c->model, x + i * c->features, n, p);
		for (k = 0; k < n; k++)
			out[i + k] = likeliest(p + k * c->class_count, c->class_count);
	}
	free(p);
}

void
classifier_write(const struct classifier *c, struct text *out)
{
	pack_u32(out, c->kind);
	c->row->write(c->model, out);
}

int
classifier_read(struct cursor *in, uint32_t features, uint32_t class_count,
    struct classifier **out, struct err *err)
{
	uint32_t kind = cursor_be32(in);
	struct classifier *c;

	if (kind >= CLASSIFIERS)
		return err_set(err, EINVAL, "no classifier has number %u", kind);
	c = must(calloc(1, sizeof *c));
	*c = (struct classifier){.kind = kind, .row = rows_of[kind], .features = features,
	    .class_count = class_count};
	if ((c->model = c->row->read(in, features, class_count, err)) == NULL) {
		free(c);
		return -1;
	}
	*out = c;
	return 0;
}

int
classifier_parse(const char *name, enum classifier_kind *out, struct err *err)
{
	unsigned i;

	for (i = 0; i < CLASSIFIERS; i++) {
		if (strcmp(classifier_names[i], name) == 0) {
			*out = i;
			return 0;
		}
	}
	return err_set(err, EINVAL, "no classifier '%s': --help lists them", name);
}

void
classifier_help(struct text *out)
{
	unsigned i;

	for (i = 0; i < CLASSIFIERS; i++)
		text_printf(out, "  %-14s %s\n", classifier_names[i], helps[i]);
}
