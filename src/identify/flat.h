/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_FLAT_H
#define IDENTIFY_FLAT_H

#include <stddef.h>
#include <stdint.h>

struct tree;

/* A tree laid out for naming many rows: the leaf of each row without a branch that
 * depends on the row. Agrees with tree_walk. */
struct flat;

struct flat *flat_new(const struct tree *tree); /* copies what it needs */
void flat_free(struct flat *flat);              /* NULL is fine */

/* labels[leaf] of each row's leaf. */
void flat_labels(const struct flat *flat, const double *x, size_t rows,
    const uint32_t *labels, uint32_t *out);

#endif
