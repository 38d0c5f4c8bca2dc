/* SPDX-License-Identifier: BSD-2-Clause */
/* Shares with their uncertainty, and how far probabilities keep what they promise. */
#include "evaluate/statistics.h"

#include <math.h>

static const double Z = 1.959963984540054; /* 97.5 % of the normal distribution */
static const double SURE = 0.99;

struct interval
wilson(uint64_t k, uint64_t n)
{
	double count = (double)n, p, middle, half, below;

	if (n == 0)
		return (struct interval){0, 1};
	p = (double)k / count;
	below = 1 + Z * Z / count;
	middle = (p + Z * Z / (2 * count)) / below;
	half = Z * sqrt(p * (1 - p) / count + Z * Z / (4 * count * count)) / below;
	return (struct interval){
	    k == 0 ? 0 : fmax(0, middle - half),
	    k == n ? 1 : fmin(1, middle + half),
	};
}

void
calibration_add(struct calibration *c, double probability, bool is_right)
{
	double p = probability > 0 ? fmin(probability, 1) : 0;
	unsigned bin = (unsigned)(p * CALIBRATION_BINS);
	struct calibration_bin *b;

	b = &c->bins[bin < CALIBRATION_BINS ? bin : CALIBRATION_BINS - 1];
	b->count++;
	b->right += is_right;
	b->probability += p;
	c->count++;
	c->sure += p >= SURE;
	c->sure_wrong += p >= SURE && !is_right;
	c->squares += (p - is_right) * (p - is_right);
}

double
calibration_brier(const struct calibration *c)
{
	return c->count == 0 ? 0 : c->squares / (double)c->count;
}

double
calibration_ece(const struct calibration *c)
{
	double sum = 0;
	unsigned i;

	for (i = 0; i < CALIBRATION_BINS; i++)
		sum += fabs(c->bins[i].probability - (double)c->bins[i].right);
	return c->count == 0 ? 0 : sum / (double)c->count;
}
