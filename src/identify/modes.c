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

#include "identify/hpack.h"

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

struct mode
mode_of_slot(uint32_t slot)
{
	uint32_t coded = slot - CODED_SLOTS;

	if (slot < CODED_SLOTS)
		return (struct mode){.digits = (uint8_t)(slot / (MODE_SHAKE_MAX + 1)),
				     .bytes = slot % (MODE_SHAKE_MAX + 1)};
	return (struct mode){
	    .digits = (uint8_t)(DIGITS_CODED + coded / (CODED_BYTES_MAX + 1)),
	    .bytes = coded % (CODED_BYTES_MAX + 1)};
}

/* Digits to a base, and their bits in Huffman's code. */
static uint32_t
digits_to(uint64_t v, uint32_t base, uint32_t *bits)
{
	static const char digit[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	char text[64];
	uint32_t n = 0;

	do {
		text[sizeof text - ++n] = digit[v % base];
		v /= base;
	} while (v > 0);
	*bits = hpack_path_bits(text + sizeof text - n, n);
	return n;
}

void
size_digits_all(uint64_t size, uint32_t *out)
{
	uint32_t bits[3], decimal = digits_to(size, 10, &bits[0]),
	    coded = (bits[0] + 7) / 8, i;

	out[DIGITS_DECIMAL] = decimal;
	out[DIGITS_HEX] = decimal + digits_to(size, 16, &bits[1]);
	out[DIGITS_BASE36] = decimal + digits_to(size, 36, &bits[2]);
	out[DIGITS_NONE] = 0;
	out[DIGITS_CODED] = coded;
	for (i = 0; i < 8; i++) {
		out[DIGITS_TAG_HEX + i] = decimal + (bits[1] + i + 7) / 8;
		out[DIGITS_CODED_HEX + i] = coded + (bits[1] + i + 7) / 8;
		out[DIGITS_CODED_BASE36 + i] = coded + (bits[2] + i + 7) / 8;
	}
}

uint32_t
size_digits_odd(uint64_t size, unsigned digits)
{
	uint32_t all[DIGITS_KINDS];

	if (digits == DIGITS_NONE)
		return 0;
	size_digits_all(size, all);
	return all[digits];
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
 * What is beside a file rises with its size in small steps, so the size lies between sent
 * less what is beside the largest it can be, and sent less what is beside the least;
 * these close in on it, but for a step right there, where the few sizes left are tried.
 * Coded digits may also fall by an octet or two: a few sizes around are tried as well.
 */
size_t
mode_solve(const struct mode *mode, uint64_t sent, uint32_t records,
	   uint64_t size[MODE_SOLUTIONS])
{
	uint64_t high = sent, low = 0, least, most, slack = mode->digits >= DIGITS_CODED
	    ? 4 : 0;
	uint32_t round;
	size_t n = 0;

	for (round = 0; round < SOLVE_ROUNDS && low < high; round++) {
		most = beside(mode, high, records) + slack;
		least = beside(mode, low, records);
		least = least > slack ? least - slack : 0;
		if (least > sent)
			return 0;
		high = sent - least < high ? sent - least : high;
		if (most < sent && sent - most > low)
			low = sent - most;
	}
	for (round = 0; low <= high && round < SOLVE_TRIED && n < MODE_SOLUTIONS;
	     low++, round++)
		if (low + beside(mode, low, records) == sent)
			size[n++] = low;
	return n;
}
