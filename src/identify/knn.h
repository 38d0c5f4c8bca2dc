/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_KNN_H
#define IDENTIFY_KNN_H

#include "identify/samples.h"

struct cursor;
struct err;
struct knn;
struct text;

/*
 * The k nearest neighbours by Euclid's distance of the values as they stand (nothing is
 * scaled). A class's probability is its share of them. Of rows equally far the one that
 * came first in the samples is nearer, whatever its class.
 */
enum { KNN_NEIGHBOURS_MAX = 1000 };

/* Neighbours 0: 5. Copies the samples, of which there must be as many as neighbours. */
int knn_fit(const struct samples *samples, uint32_t neighbours, struct knn **out,
    struct err *err);
void knn_free(struct knn *knn); /* NULL is fine */
/* out: rows x class_count. */
void knn_probabilities(const struct knn *knn, const double *x, size_t rows, double *out);
/* The neighbours of one row, nearest first: their numbers in the samples. */
void knn_nearest(const struct knn *knn, const double *row, uint32_t *out);
uint32_t knn_neighbours(const struct knn *knn);

void knn_write(const struct knn *knn, struct text *out);
struct knn *knn_read(struct cursor *in, uint32_t features, uint32_t class_count,
    struct err *err);

#endif
