/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_IDENTIFY_GOAL_H
#define TESTS_IDENTIFY_GOAL_H

#include <math.h>

/*
 * A goal is a share of cases. A test sees n of them, drawn from a seed, and a program
 * that just reaches the goal falls short of it in half of all draws. These are the counts
 * that it falls short of, or exceeds, once in a thousand draws (binomial).
 */

/* Of n cases, each good with a probability of share at the least: so many are good. */
static inline unsigned
goal_least(unsigned n, double share)
{
	double below = 0;
	unsigned k;

	for (k = 0; k < n; k++) {
		below += exp(lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0) +
		    k * log(share) + (n - k) * log1p(-share));
		if (below > 0.001)
			break;
	}
	return k;
}

/* Of n cases, each bad with a probability of share at the most: so many are bad. */
static inline unsigned
goal_most(unsigned n, double share)
{
	return n - goal_least(n, 1 - share);
}

#endif
