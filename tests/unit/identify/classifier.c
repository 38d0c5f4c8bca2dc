/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Trees, forests and neighbours: a tree grown the fast way against one grown by counting
 * every candidate anew; the fast naming against plain descent; neighbours against looking
 * at all; what is written reads back, what is damaged is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cursor.h"
#include "base/err.h"
#include "base/text.h"
#include "identify/classifier.h"
#include "identify/forest.h"
#include "identify/knn.h"
#include "identify/tree.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 400, FEATURES = 3, CLASSES = 7 };

static uint64_t seed;

static uint32_t
draw(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((seed >> 33) % below);
}

static double x[ROWS_MAX * FEATURES];
static uint32_t classes[ROWS_MAX];

/* Values of several looks: counters with many equal ones, neighbours closer than 1e-7. */
static struct samples
random_samples(uint32_t features, unsigned look)
{
	struct samples s = {x, classes, 2 + draw(ROWS_MAX - 2), features,
	    1 + draw(CLASSES)};
	size_t i;

	for (i = 0; i < s.rows; i++)
		classes[i] = draw(s.class_count);
	for (i = 0; i < s.rows * features; i++) {
		uint32_t class = classes[i / features];

		switch (look % 4) {
		case 0: x[i] = draw(20); break;
		case 1: x[i] = class * 1000003.0 + draw(1 << 20) - 500000.0; break;
		case 2: x[i] = draw(60) * 4e-8 + class * 1e-7; break;
		default: x[i] = 16777216.0 + draw(3000) * (i % 2 ? 1 : -1); break;
		}
	}
	return s;
}

/* ---- the slow twin: every candidate counted anew ---- */

struct twin {
	const struct samples *s;
	const struct tree *tree;
	size_t next; /* node of tree to compare */
	bool is_float32;
};

static double
value(const struct twin *t, uint32_t row, uint32_t feature)
{
	double v = t->s->x[row * t->s->features + feature];

	return t->is_float32 ? (float)v : v;
}

static double
gini(const uint32_t *counts, uint32_t n, double total)
{
	double squares = 0;
	uint32_t i;

	for (i = 0; i < n; i++)
		squares += (double)counts[i] * counts[i];
	return 1.0 - squares / (total * total);
}

static const struct twin *sorting;
static uint32_t sorting_by;

static int
by_value(const void *pa, const void *pb)
{
	double a = value(sorting, *(const uint32_t *)pa, sorting_by);
	double b = value(sorting, *(const uint32_t *)pb, sorting_by);

	return a < b ? -1 : a > b;
}

static void
twin_node(struct twin *t, uint32_t *rows, size_t n)
{
	const struct tree_node *node = &t->tree->nodes[t->next];
	double best = -INFINITY, threshold = 0;
	uint32_t counts[CLASSES] = {0}, feature = TREE_LEAF, f, k;
	size_t i, j, left = 0;

	assert_true(t->next < t->tree->node_count);
	t->next++;
	assert_int_equal(node->samples, n);
	for (i = 0; i < n; i++)
		counts[t->s->classes[rows[i]]]++;
	for (f = 0; gini(counts, CLASSES, (double)n) > DBL_EPSILON && f < t->s->features;
	    f++) {
		sorting = t;
		sorting_by = f;
		qsort(rows, n, sizeof *rows, by_value);
		if (is_close(value(t, rows[0], f), value(t, rows[n - 1], f),
		    t->is_float32))
			continue;
		for (i = 1; i < n; i++) {
			uint32_t a[CLASSES] = {0}, b[CLASSES] = {0};
			double low = value(t, rows[i - 1], f),
			    high = value(t, rows[i], f);
			double merit;

			if (is_close(low, high, t->is_float32))
				continue;
			for (j = 0; j < n; j++)
				(j < i ? a : b)[t->s->classes[rows[j]]]++;
			merit = -(double)(n - i) * gini(b, CLASSES, (double)(n - i)) -
			    (double)i * gini(a, CLASSES, (double)i);
			if (merit <= best)
				continue;
			best = merit;
			feature = f;
			threshold = low / 2 + high / 2;
			if (threshold == high)
				threshold = low;
		}
	}
	assert_int_equal(node->feature, feature);
	if (feature == TREE_LEAF) {
		for (f = k = 0; f < CLASSES; f++) {
			if (counts[f] == 0)
				continue;
			assert_true(k < node->shares);
			assert_int_equal(t->tree->shares[node->right + k].class, f);
			assert_int_equal(t->tree->shares[node->right + k++].count,
			    counts[f]);
		}
		assert_int_equal(k, node->shares);
		return;
	}
	assert_true(node->threshold == threshold);
	for (i = 0; i < n; i++) {
		if (value(t, rows[i], feature) <= threshold) {
			uint32_t row = rows[i];

			rows[i] = rows[left];
			rows[left++] = row;
		}
	}
	twin_node(t, rows, left);
	assert_int_equal(node->right, t->next);
	twin_node(t, rows + left, n - left);
}

static void
test_twin(void **state)
{
	uint32_t rows[ROWS_MAX], i;
	unsigned round;

	for (round = 0; round < 200; round++) {
		struct tree_config config = {.is_float32 = round & 1};
		struct samples s;
		struct tree *tree;
		struct twin twin;

		seed = round;
		s = random_samples(1 + draw(FEATURES), round / 2);
		assert_int_equal(tree_fit(&s, &config, &tree, NULL), 0);
		for (i = 0; i < s.rows; i++)
			rows[i] = i;
		twin = (struct twin){&s, tree, 0, config.is_float32};
		twin_node(&twin, rows, s.rows);
		assert_int_equal(twin.next, tree->node_count);
		tree_free(tree);
	}
}

/* The leaf by plain descent, then the class. */
static uint32_t
walked_class(const struct tree *t, const double *row)
{
	uint32_t node = tree_walk(t, row), i;

	for (i = 0; t->leaves[i] != node; i++)
		;
	return t->classes[i];
}

static void
test_flat(void **state)
{
	static const double odd[] = {-INFINITY, INFINITY, -1e300, 1e300, 0, -0.0, 1e-320};
	double probe[200 * FEATURES];
	uint32_t got[200], leaves[200], i, k;
	unsigned round;

	for (round = 0; round < 200; round++) {
		struct tree_config config = {.is_float32 = round & 1,
		    .depth_max = round % 7};
		struct samples s;
		struct tree *tree;

		seed = round;
		s = random_samples(1 + draw(FEATURES), round / 2);
		assert_int_equal(tree_fit(&s, &config, &tree, NULL), 0);
		for (i = 0; i < 200; i++) {
			for (k = 0; k < s.features; k++) {
				double *p = &probe[i * s.features + k];

				if (i < 7)
					*p = odd[i];
				else if (i % 2)
					*p = s.x[draw((uint32_t)s.rows) * s.features + k];
				else
					*p = tree->nodes[draw((uint32_t)tree->node_count)].threshold;
			}
		}
		tree_predict(tree, probe, 200, got);
		tree_leaves(tree, probe, 200, leaves);
		for (i = 0; i < 200; i++) {
			assert_int_equal(leaves[i],
			    tree_walk(tree, probe + i * s.features));
			assert_int_equal(got[i],
			    walked_class(tree, probe + i * s.features));
		}
		tree_free(tree);
	}
}

/* Bounds that the configuration sets. */
static void
test_limits(void **state)
{
	unsigned round;
	size_t i;

	for (round = 0; round < 40; round++) {
		struct tree_config config = {.leaf_min = 1 + round % 9,
		    .depth_max = round % 5,
		    .split_min = round % 20};
		struct samples s;
		struct tree *tree;

		seed = 77 + round;
		s = random_samples(2, round);
		assert_int_equal(tree_fit(&s, &config, &tree, NULL), 0);
		assert_true(config.depth_max == 0 || tree->depth <= config.depth_max);
		for (i = 0; i < tree->node_count; i++) {
			const struct tree_node *node = &tree->nodes[i];

			assert_true(node->samples >= config.leaf_min ||
			    tree->node_count == 1);
			assert_true(node->feature == TREE_LEAF ||
			    node->samples >= config.split_min);
		}
		tree_free(tree);
	}
}

static void
test_forest(void **state)
{
	struct forest_config config = {.trees = 30, .tree.seed = 5};
	struct forest *forest, *again;
	static double p[ROWS_MAX * CLASSES], q[ROWS_MAX * CLASSES];
	struct samples s;
	size_t i, right = 0, c;

	seed = 3;
	do {
		s = random_samples(2, 1);
	} while (s.class_count < 5 || s.rows < 200);
	assert_int_equal(forest_fit(&s, &config, &forest, NULL), 0);
	assert_int_equal(forest_fit(&s, &config, &again, NULL), 0);
	forest_probabilities(forest, s.x, s.rows, p);
	forest_probabilities(again, s.x, s.rows, q);
	assert_memory_equal(p, q, s.rows * s.class_count * sizeof *p);
	for (i = 0; i < s.rows; i++) {
		double sum = 0, most = 0;

		for (c = 0; c < s.class_count; c++) {
			sum += p[i * s.class_count + c];
			most = fmax(most, p[i * s.class_count + c]);
		}
		assert_true(fabs(sum - 1) < 1e-9 && most <= 1);
		right += p[i * s.class_count + s.classes[i]] == most;
	}
	/* Rows learned from: about 63 % of the trees have seen each. */
	assert_true(right > s.rows * 9 / 10);
	/* The trees differ, or the draw did not draw. */
	assert_true(forest->trees[0]->node_count != forest->trees[1]->node_count ||
	    forest->trees[0]->nodes[0].threshold != forest->trees[1]->nodes[0].threshold);
	forest_free(forest);
	forest_free(again);
}

static void
test_knn(void **state)
{
	uint32_t nearest[20];
	static double p[CLASSES];
	unsigned round;
	size_t i, j, k;

	for (round = 0; round < 60; round++) {
		struct samples s;
		struct knn *knn;
		uint32_t neighbours;

		seed = 1000 + round;
		s = random_samples(1 + draw(FEATURES), round);
		neighbours = 1 + draw(s.rows < 20 ? (uint32_t)s.rows : 20);
		assert_int_equal(knn_fit(&s, neighbours, &knn, NULL), 0);
		for (i = 0; i < 30; i++) {
			double at[FEATURES], sum = 0;
			bool taken[ROWS_MAX] = {0};

			for (k = 0; k < s.features; k++)
				at[k] = s.x[draw((uint32_t)s.rows) * s.features + k] +
				    draw(3);
			knn_nearest(knn, at, nearest);
			for (j = 0; j < neighbours; j++) {
				double least = INFINITY;
				size_t row, best = 0;

				for (row = 0; row < s.rows; row++) {
					double d = 0;

					for (k = 0; k < s.features; k++)
						d += (s.x[row * s.features + k] - at[k]) *
						    (s.x[row * s.features + k] - at[k]);
					if (!taken[row] && d < least) {
						least = d;
						best = row;
					}
				}
				taken[best] = true;
				assert_int_equal(nearest[j], best);
			}
			knn_probabilities(knn, at, 1, p);
			for (k = 0; k < s.class_count; k++) {
				size_t n = 0;

				for (j = 0; j < neighbours; j++)
					n += s.classes[nearest[j]] == k;
				assert_true(p[k] == (double)n / neighbours);
				sum += p[k];
			}
			assert_true(fabs(sum - 1) < 1e-12);
		}
		knn_free(knn);
	}
}

/* Every kind: names its own rows, and the same ones after a file. */
static void
test_file(void **state)
{
	static double p[ROWS_MAX * CLASSES], q[ROWS_MAX * CLASSES];
	uint32_t before[ROWS_MAX], after[ROWS_MAX];
	struct samples s;
	unsigned kind;
	size_t i, cut;

	for (kind = 0; kind < CLASSIFIERS; kind++) {
		struct classifier_config config = {.kind = kind, .trees = 4, .seed = 9};
		struct classifier *c, *read;
		struct err err = {0};
		struct cursor in;
		struct text t;

		seed = 11;
		s = random_samples(2, 0);
		text_init(&t);
		assert_int_equal(classifier_fit(&s, &config, &c, &err), 0);
		assert_int_equal(classifier_kind(c), kind);
		classifier_write(c, &t);
		in = cursor_over(t.data, t.len);
		assert_int_equal(classifier_read(&in, 2, s.class_count, &read, &err), 0);
		assert_int_equal(cursor_left(&in), 0);
		classifier_probabilities(c, s.x, s.rows, p);
		classifier_probabilities(read, s.x, s.rows, q);
		assert_memory_equal(p, q, s.rows * s.class_count * sizeof *p);
		classifier_predict(c, s.x, s.rows, before);
		classifier_predict(read, s.x, s.rows, after);
		assert_memory_equal(before, after, s.rows * sizeof *before);
		for (i = 0; i < s.rows; i++) {
			double most = 0;
			uint32_t k;

			for (k = 0; k < s.class_count; k++)
				most = fmax(most, p[i * s.class_count + k]);
			for (k = 0; p[i * s.class_count + k] < most; k++)
				;
			assert_int_equal(before[i], k);
		}
		classifier_free(read);
		classifier_free(c);
		for (cut = 0; cut < t.len; cut += 1 + t.len / 200) {
			in = cursor_over(t.data, cut);
			assert_int_equal(
			    classifier_read(&in, 2, s.class_count, &read, &err), -1);
			assert_true(err.text[0] != '\0');
			err_clear(&err);
		}
		/* Fewer classes or features than the file's numbers say. */
		in = cursor_over(t.data, t.len);
		if (s.class_count > 1) {
			assert_int_equal(classifier_read(&in, 2, 1, &read, &err), -1);
			err_clear(&err);
		}
		text_done(&t);
	}
}

static void
refuse(struct samples *s, const char *words)
{
	unsigned kind;

	for (kind = 0; kind < CLASSIFIERS; kind++) {
		struct classifier_config config = {.kind = kind, .is_float32 = true};
		struct classifier *c;
		struct err err = {0};

		assert_int_equal(classifier_fit(s, &config, &c, &err), -1);
		if (strstr(err.text, words) == NULL)
			fail_msg("%s: %s", classifier_names[kind], err.text);
	}
}

static void
test_refused(void **state)
{
	double values[4] = {1, 2, 3, NAN};
	uint32_t labels[4] = {0, 1, 0, 1};
	struct samples s = {values, labels, 4, 1, 2};
	enum classifier_kind kind;
	struct err err = {0};

	refuse(&s, "row 3");
	values[3] = INFINITY;
	refuse(&s, "no finite");
	values[3] = 4;
	labels[1] = 2;
	refuse(&s, "class 2 of 2");
	s.rows = 0;
	refuse(&s, "no labelled rows");
	s.rows = (size_t)SAMPLES_ROWS_MAX + 1;
	refuse(&s, "at most");
	assert_int_equal(classifier_parse("knn", &kind, &err), 0);
	assert_int_equal(kind, CLASSIFIER_knn);
	assert_int_equal(classifier_parse("oracle", &kind, &err), -1);
	/* What float32 cannot hold is refused only where values are rounded to it. */
	s = (struct samples){values, labels, 2, 1, 3};
	values[1] = 1e200;
	assert_int_equal(samples_check(&s, false, NULL), 0);
	assert_int_equal(samples_check(&s, true, NULL), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_twin),
	    cmocka_unit_test(test_flat),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_forest),
	    cmocka_unit_test(test_knn),
	    cmocka_unit_test(test_file),
	    cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("identify: classifiers", tests, NULL, NULL);
}
