/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vote. A value's gain is the sum over records of
 *
 *	log(((1 - w) already + w ratio) / already)
 *
 * with w the share tried for it: once a fifth, once a fiftieth, whichever gains
 * more. Records that the value does not touch cost log(1 - w) each. The best of 4,000
 * values gains about log 4000 by chance alone; what is accepted must gain e^4 times more.
 */
#include "identify/modes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIALS = 2, SOLVE_ROUNDS = 6, SOLVE_TRIED = 256 };

struct vote {
	double gain[TRIALS][VOTE_SLOTS]; /* over a record that is not touched */
	double ratio[VOTE_SLOTS];        /* of the open record */
	uint32_t touched[VOTE_SLOTS];
	uint32_t count;
	uint64_t records;
	double already;
};

struct vote *
vote_new(void)
{
	struct vote *v = calloc(1, sizeof *v);

	if (v == NULL) {
		fputs("weir: out of memory\n", stderr);
		abort();
	}
	return v;
}

void
vote_free(struct vote *v)
{
	free(v);
}

void
vote_clear(struct vote *v)
{
	memset(v, 0, sizeof *v);
}

static const double share_tried[TRIALS] = {0.2, 0.02};

static void
close_record(struct vote *v)
{
	uint32_t i, slot, t;

	for (i = 0; i < v->count; i++) {
		slot = v->touched[i];
		for (t = 0; t < TRIALS; t++)
			v->gain[t][slot] += log1p(share_tried[t] / (1 - share_tried[t]) *
						  v->ratio[slot] / v->already);
		v->ratio[slot] = 0;
	}
	v->count = 0;
}

void
vote_record(struct vote *v, double already)
{
	close_record(v);
	v->records++;
	v->already = already > 1e-300 ? already : 1e-300;
}

void
vote_add(struct vote *v, uint32_t slot, double ratio)
{
	if (slot >= VOTE_SLOTS || !(ratio > 0))
		return;
	if (v->ratio[slot] == 0)
		v->touched[v->count++] = slot;
	v->ratio[slot] += ratio;
}

bool
vote_best(struct vote *v, double values, uint32_t *slot, double *gain)
{
	double best = -INFINITY, g;
	uint32_t i, t;

	close_record(v);
	for (t = 0; t < TRIALS; t++) {
		double untouched = (double)v->records * log1p(-share_tried[t]);

		for (i = 0; i < VOTE_SLOTS; i++) {
			g = v->gain[t][i] + untouched;
			if (g > best) {
				best = g;
				*slot = i;
			}
		}
	}
	*gain = best;
	return best > log(values) + 4;
}

/* Octets that a server sends beside the file. */
static uint64_t
beside(const struct mode *mode, uint64_t size, uint32_t records)
{
	uint32_t digits = size_digits(size, mode->digits);

	return mode->bytes + digits +
	       tls_cost_early(mode->law, size, mode->inner + digits, records);
}

/*
 * What is beside a file rises with its size in small steps, so the size lies between sent less
 * what is beside the largest it can be, and sent less what is beside the least; these close
 * in on it, but for a step right there, where the few sizes left are tried.
 */
bool
mode_solve(const struct mode *mode, uint64_t sent, uint32_t records, uint64_t *size)
{
	uint64_t high = sent, low = 0, least, most;
	uint32_t round;

	for (round = 0; round < SOLVE_ROUNDS && low < high; round++) {
		most = beside(mode, high, records);
		least = beside(mode, low, records);
		if (least > sent)
			return false;
		high = sent - least < high ? sent - least : high;
		if (most < sent && sent - most > low)
			low = sent - most;
	}
	for (round = 0; low <= high && round < SOLVE_TRIED; low++, round++)
		if (low + beside(mode, low, records) == sent) {
			*size = low;
			return true;
		}
	return false;
}
