/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_TREE_H
#define IDENTIFY_TREE_H

#include "identify/samples.h"

struct cursor;
struct flat;
struct text;

/*
 * A decision tree (CART): at each node the split of one feature, x <= threshold to the
 * left, that makes the classes purest by Gini's measure; thresholds lie midway between
 * neighbouring values. Grown until leaves are pure or cannot be split.
 *
 * The same tree as scikit-learn 1.2's DecisionTreeClassifier with its defaults grows,
 * given the same values (is_float32), save for one thing: where splits of different
 * features are equally good, to the last bit, the feature that comes first is taken;
 * scikit-learn takes one by lot. Within a feature both take the lowest threshold of
 * equally good ones, and both give a leaf the lowest of equally frequent classes.
 */
enum { TREE_LEAF = UINT32_MAX };

/* In preorder: the left child of a node follows it. */
struct tree_node {
	double threshold;
	uint32_t feature; /* or TREE_LEAF */
	uint32_t right;   /* node; of a leaf: the first of its shares */
	uint32_t shares;  /* of a leaf */
	uint32_t samples; /* learned from */
};

/* How many of a leaf's samples were of a class. By rising class. */
struct tree_share {
	uint32_t class, count;
};

struct tree {
	struct tree_node *nodes;
	struct tree_share *shares;
	uint32_t *leaves;  /* node of each leaf, from left to right */
	uint32_t *classes; /* the most frequent one of each leaf */
	size_t node_count, share_count, leaf_count;
	uint32_t features, class_count, depth;
	bool is_float32; /* values are rounded to float32 before they are compared */
	struct flat *flat; /* the same tree laid out for speed */
};

struct tree_config {
	bool is_float32;      /* round values to float32 first */
	uint32_t depth_max;   /* 0: no limit */
	uint32_t split_min;   /* samples that a node to be split has; 0: 2 */
	uint32_t leaf_min;    /* samples that a leaf has; 0: 1 */
	uint32_t features_at_once; /* drawn for each split; 0: all */
	uint64_t seed;        /* of the draw */
};

int tree_fit(const struct samples *samples, const struct tree_config *config,
    struct tree **out, struct err *err);
/* From the presorted samples; draws: how often each row counts, NULL: once. */
struct tree *tree_grow(const struct presort *sorted, const uint32_t *draws,
    const struct tree_config *config);
void tree_free(struct tree *tree); /* NULL is fine */

/* Rows of x as in samples; a value that is no number counts as the least. */
void tree_predict(const struct tree *tree, const double *x, size_t rows,
    uint32_t *classes);
/* The leaf (0 .. leaf_count - 1) of each row. */
void tree_leaves(const struct tree *tree, const double *x, size_t rows, uint32_t *leaves);
/* Adds the shares of each row's leaf to out, rows x class_count. */
void tree_add_shares(const struct tree *tree, const double *x, size_t rows, double *out);
/* The same leaf by plain descent; the fast way's twin. */
uint32_t tree_walk(const struct tree *tree, const double *row);

void tree_write(const struct tree *tree, struct text *out);
/* Believes nothing: every index is checked, each child lies behind its parent. NULL and
 * err if it is no tree of so many features and classes. */
struct tree *tree_read(struct cursor *in, uint32_t features, uint32_t class_count,
    struct err *err);
/* Derives leaves, classes, depth and flat from nodes and shares. */
void tree_finish(struct tree *tree);

#endif
