/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_FOREST_H
#define IDENTIFY_FOREST_H

#include "identify/tree.h"

/*
 * A random forest (Breiman): trees grown each from as many rows as there are, drawn with
 * repetition, trying a few features drawn anew for each split. A class's probability is
 * the mean of its shares in the leaves.
 */
struct forest {
	struct tree **trees;
	uint32_t count, features, class_count;
};

enum { FOREST_TREES_MAX = 10000 };

struct forest_config {
	struct tree_config tree; /* features_at_once 0: the root of their number */
	uint32_t trees;          /* 0: 100 */
};

int forest_fit(const struct samples *samples, const struct forest_config *config,
    struct forest **out, struct err *err);
void forest_free(struct forest *forest); /* NULL is fine */
/* out: rows x class_count. */
void forest_probabilities(const struct forest *forest, const double *x, size_t rows,
    double *out);
void forest_write(const struct forest *forest, struct text *out);
struct forest *forest_read(struct cursor *in, uint32_t features, uint32_t class_count,
    struct err *err);

#endif
