/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IDENTIFY_SAMPLES_H
#define IDENTIFY_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	/* Sums of squared counts stay exact in a double up to this many. */
	SAMPLES_ROWS_MAX = 90000000,
	SAMPLES_FEATURES_MAX = 64,
	SAMPLES_CLASSES_MAX = 1 << 20,
};

/* Labelled rows to learn from; borrowed. */
struct samples {
	const double *x;         /* rows x features, row by row */
	const uint32_t *classes; /* of each row, below class_count */
	size_t rows;
	uint32_t features, class_count;
};

/* -1 unless there are rows, all within the limits, all values finite (as a float32 too,
 * if they are to become such). The message names row and feature, both from 0. */
int samples_check(const struct samples *samples, bool is_float32, struct err *err);

/*
 * The rows in the order of each feature: what growing trees starts from. Values become
 * ranks, equal values equal ranks; value[rank] is the value. Two neighbours a < b count
 * as equal where b <= a + 1e-7 (scikit-learn's FEATURE_THRESHOLD); has_close says that
 * such are there at all.
 */
struct ranking {
	uint32_t *row, *rank; /* rows of each */
	double *value;        /* distinct of them, rising */
	uint32_t distinct;
	bool has_close;
};

struct presort {
	const struct samples *samples;
	bool is_float32; /* values are rounded to float32, as scikit-learn does */
	struct ranking *rankings; /* one a feature */
};

/* The samples have passed samples_check and outlive the result. Aborts without memory. */
void presort_init(struct presort *presort, const struct samples *samples,
    bool is_float32);
void presort_done(struct presort *presort);

/* True if b, the next value above a, does not count as different. */
static inline bool
is_close(double a, double b, bool is_float32)
{
	if (is_float32)
		return (float)b <= (float)a + 1e-7f;
	return b <= a + 1e-7;
}

#endif
