/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef EVALUATE_STATISTICS_H
#define EVALUATE_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How good a share of n is that was right k times, with 95 % confidence: Wilson's score
 * interval (1927). n 0: 0 to 1. */
struct interval {
	double low, high;
};

struct interval wilson(uint64_t k, uint64_t n);

/* Statements with a probability that turned out right or wrong, in bins of a tenth. */
enum { CALIBRATION_BINS = 10 };

struct calibration_bin {
	uint64_t count, right;
	double probability; /* sum */
};

struct calibration {
	struct calibration_bin bins[CALIBRATION_BINS]; /* [0, 0.1), ... [0.9, 1] */
	uint64_t count, sure, sure_wrong; /* sure: 0.99 or more */
	double squares; /* sum of (probability - outcome)^2 */
};

/* A probability outside of 0 .. 1 is taken to the nearer end. */
void calibration_add(struct calibration *calibration, double probability, bool is_right);
/* The mean of (probability - outcome)^2; 0 if there is nothing. */
double calibration_brier(const struct calibration *calibration);
/* The expected calibration error: how far, on average over the statements, the mean
 * probability of their bin is from the share that was right. */
double calibration_ece(const struct calibration *calibration);

#endif
